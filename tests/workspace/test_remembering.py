"""A past instant by what was known then, and by what is true of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from limner.errors import ConflictError, NotFoundError, UsageError
from limner.types import Json
from tests.workspace.test_applying import collect
from tests.workspace.worlds import NOW, World

DAY = timedelta(days=1)
THEN = NOW + 3 * DAY
ORDERS = "nature: fact\nmethod: statistic\ntype: number\nvalidity: 9 days\nstatistic: {}\n"


def paid(who: str, at: datetime) -> Json:
    return {
        "type": "track",
        "userId": who,
        "event": "Order Paid",
        "timestamp": at.isoformat(),
        "properties": {},
    }


def lives(who: str, city: str, at: datetime) -> Json:
    return {"type": "identify", "userId": who, "timestamp": at.isoformat(), "traits": {"city": city}}


@pytest.fixture
def shop(world: World) -> World:
    """Ann and bob pay on the first day; on the sixth a second order of ann's, of the second day, is heard of."""
    told = [paid("ann", NOW - DAY / 4), paid("bob", NOW - DAY / 4), lives("ann", "Bern", NOW - DAY / 4)]
    collect(world, told, {"name": "first"})
    world.write("tags/orders.yml", ORDERS.format('count("Order Paid")'))
    world.verb("tag run")
    world.now = NOW + 5 * DAY
    late = [paid("ann", NOW + DAY), lives("ann", "Basel", NOW + 2 * DAY)]
    collect(world, late, {"name": "second"})
    world.verb("tag run")
    return world


def portrait(world: World, who: str = "user:ann", **more: Any) -> tuple[Json, Any, Any]:
    """The answer, the number of orders, and the city."""
    answer = world.verb("person show", id=who, as_of=THEN.isoformat(), **more)
    tags = {tag["key"]: tag["value"] for part in answer["tags"] for tag in part["tags"]}
    cities = [item["value"] for item in answer["attributes"] if item["name"] == "city"]
    return answer, tags.get("orders"), cities[0] if cities else None


@pytest.mark.proves("B6", partly="a portrait's identities, and the reasons of audiences, are those of today")
def test_what_is_heard_late_was_not_known_then_and_is_true_of_then(shop: World) -> None:
    answer, orders, city = portrait(shop)
    assert (answer["view"], orders, city) == ("known", 1, "Bern")
    assert portrait(shop, view="known")[1:] == (1, "Bern")
    answer, orders, city = portrait(shop, view="true")
    assert (answer["view"], orders, city) == ("true", 2, "Basel")
    assert not answer["moved_since"]


@pytest.mark.proves("B6", partly="a portrait's identities, and the reasons of audiences, are those of today")
def test_the_timeline_of_then_has_no_event_that_was_heard_later(shop: World) -> None:
    def events(**more: Any) -> int:  # each time an order, and a city
        total: int = shop.verb("person timeline", id="user:ann", until=THEN.isoformat(), **more)["total"]
        return total

    assert (events(view=""), events(view="known"), events(view="true"), events()) == (2, 2, 4, 4)


@pytest.mark.proves("B6", partly="a portrait's identities, and the reasons of audiences, are those of today")
def test_a_definition_that_was_mended_later_is_that_of_then(shop: World) -> None:
    shop.write("tags/orders.yml", ORDERS.format('count("Order Paid") * 10'))
    shop.write("tags/young.yml", ORDERS.format("count(*)"))
    shop.verb("tag run")
    answer, orders, _ = portrait(shop)
    assert (orders, answer["defined_later"]) == (1, ["young"])
    answer, orders, _ = portrait(shop, view="true")
    assert (orders, answer["defined_later"]) == (20, [])


@pytest.mark.proves("B6", partly="a portrait's identities, and the reasons of audiences, are those of today")
def test_a_merge_of_later_cannot_be_unmade_and_is_named(shop: World) -> None:
    shop.now = NOW + 6 * DAY
    collect(shop, [{"type": "alias", "userId": "ann", "previousId": "bob"}], {"name": "third"})
    shop.verb("tag run")
    answer, orders, _ = portrait(shop)
    assert (orders, answer["moved_since"]) == (2, True)
    assert portrait(shop, view="true")[1] == 3


@pytest.mark.proves("B6", partly="a portrait's identities, and the reasons of audiences, are those of today")
def test_an_audience_is_counted_by_both_views(shop: World) -> None:
    def counted(expression: str, **more: Any) -> tuple[str, int]:
        answer = shop.verb("audience count", expression=expression, as_of=THEN.isoformat(), **more)
        return answer["view"], answer["count"]

    for often in ("orders >= 2", 'did "Order Paid" at least 2 times', "person.city = 'Basel'"):
        assert counted(often) == ("known", 0), often
        assert counted(often, view="true") == ("true", 1), often
    assert counted("orders = 1") == ("known", 2)
    assert shop.verb("audience count", expression="orders >= 2")["count"] == 1, "now nothing is forgotten"


@pytest.mark.proves("B6", partly="a portrait's identities, and the reasons of audiences, are those of today")
def test_what_if_asks_by_what_was_known_and_what_they_did_next_is_true(shop: World) -> None:
    draft = "nature: model\nmethod: rule\ntype: flag\nvalidity: 9 days\ncases:\n" + (
        '  - when: did "Order Paid" at least 2 times\n    then: true\n'
    )
    known, true = (
        shop.verb(
            "tag whatif",
            key="eager",
            text=draft,
            on=[THEN.isoformat()],
            then='did "Order Paid" at least 2 times',
            after_days=1,
            view=view,
        )["instants"][0]
        for view in ("", "true")
    )
    assert (known["view"], known["people"], known["did"]["people"]) == ("known", 0, 1)
    assert (true["view"], true["people"], true["did"]["people"]) == ("true", 1, 1)


@pytest.mark.proves("B6", partly="a portrait's identities, and the reasons of audiences, are those of today")
def test_a_replay_of_the_log_remembers_what_was_known_when(shop: World) -> None:
    shop.write("tags/orders.yml", ORDERS.format('count("Order Paid") * 10'))
    shop.verb("tag run")
    shop.verb("rebuild")
    shop.verb("tag run")
    assert portrait(shop, view="known")[1:] == (1, "Bern")
    assert portrait(shop, view="true")[1:] == (20, "Basel")


def test_before_anything_was_heard_only_what_is_true_can_be_said(shop: World) -> None:
    """An import tells of years before the workspace was made."""
    before = (NOW - DAY / 8).isoformat()
    answer = shop.verb("person show", id="user:ann", as_of=before)
    assert answer["view"] == "true"
    assert answer["attributes"]
    asked = shop.verb("person show", id="user:ann", as_of=before, view="known")
    assert not asked["attributes"]
    assert [tag["value"] for part in asked["tags"] for tag in part["tags"]] == [0]


def test_another_word_is_refused(shop: World) -> None:
    with pytest.raises(UsageError, match="'then' is no view of the past"):
        shop.verb("person show", id="user:ann", view="then")


def why(world: World, who: str, **more: Any) -> Json:
    answer: Json = world.verb("person why", id=who, key="orders", as_of=THEN.isoformat(), **more)
    return answer


@pytest.mark.proves("B6", partly="a portrait's identities, and the reasons of audiences, are those of today")
def test_why_of_then_rests_on_what_had_been_heard(shop: World) -> None:
    known, true = why(shop, "user:ann"), why(shop, "user:ann", view="true")
    assert (known["view"], known["value"], known["because"]["named"]) == ("known", 1, 1)
    assert (true["view"], true["value"], true["because"]["named"]) == ("true", 2, 2)
    assert not known["joined_since"]
    shop.write("tags/orders.yml", ORDERS.format('count("Order Paid") * 10'))
    shop.verb("tag run")
    assert (why(shop, "user:ann")["value"], why(shop, "user:ann", view="true")["value"]) == (1, 20)


@pytest.mark.proves("B6", partly="a portrait's identities, and the reasons of audiences, are those of today")
def test_why_of_then_is_of_who_they_were_then(shop: World) -> None:
    shop.now = NOW + 6 * DAY
    collect(shop, [{"type": "alias", "userId": "ann", "previousId": "bob"}], {"name": "third"})
    shop.verb("tag run")
    today = shop.verb("person why", id="user:bob", key="orders")
    assert today["value"] == 3
    ann, bob = why(shop, "user:ann"), why(shop, "user:bob")
    assert (ann["value"], bob["value"]) == (1, 1)
    assert ann["joined_since"]
    assert bob["joined_since"]
    assert bob["person"] != today["person"] == ann["person"]
    assert not set(ann["because"]["ids"]) & set(bob["because"]["ids"])
    assert why(shop, "user:bob", view="true")["value"] == 3
    known_of_merge = shop.verb(
        "person why", id="user:bob", key="orders", as_of=(shop.now + DAY / 24).isoformat()
    )
    assert known_of_merge["value"] == 3


@pytest.mark.proves("B6", partly="a portrait's identities, and the reasons of audiences, are those of today")
def test_a_login_that_was_heard_later_gave_nobody_the_device_yet(shop: World) -> None:
    at = NOW + 2 * DAY
    shop.now = at
    viewed = {
        "type": "track", "anonymousId": "d1", "event": "Order Paid", "timestamp": at.isoformat(), "properties": {},
    }  # fmt: skip
    collect(shop, [viewed], {"name": "device"})
    shop.now = NOW + 7 * DAY
    login = {
        "type": "identify",
        "userId": "ann",
        "anonymousId": "d1",
        "timestamp": shop.now.isoformat(),
        "traits": {},
    }
    collect(shop, [login], {"name": "login"})
    shop.verb("tag run")
    assert shop.verb("person why", id="user:ann", key="orders")["value"] == 3
    assert why(shop, "user:ann")["value"] == 1
    device = why(shop, "device:d1")
    assert (device["value"], device["joined_since"]) == (1, True)


def test_who_had_not_been_heard_of_then_has_no_reasons(shop: World) -> None:
    collect(shop, [paid("cid", NOW)], {"name": "late"})
    with pytest.raises(NotFoundError, match="nobody had heard of 'user:cid'"):
        why(shop, "user:cid", view="known")
    assert why(shop, "user:cid")["view"] == "true"


def test_what_joined_people_at_an_unknown_time_is_an_error(shop: World) -> None:
    shop.now = NOW + 6 * DAY
    collect(shop, [{"type": "alias", "userId": "ann", "previousId": "bob"}], {"name": "third"})
    with shop.workspace.engine.write() as tx:
        tx.execute("UPDATE claims SET id = NULL")
    with pytest.raises(ConflictError, match="when it was heard that they are one"):
        why(shop, "user:ann")
