"""A past instant by what was known then, and by what is true of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from limner.accounts.model import Caller, Role
from limner.errors import ConflictError, NotFoundError, UsageError
from limner.types import Json, silent
from limner.workspace.calling import call
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


@pytest.mark.proves("B6")
def test_what_is_heard_late_was_not_known_then_and_is_true_of_then(shop: World) -> None:
    answer, orders, city = portrait(shop)
    assert (answer["view"], orders, city) == ("known", 1, "Bern")
    assert portrait(shop, view="known")[1:] == (1, "Bern")
    answer, orders, city = portrait(shop, view="true")
    assert (answer["view"], orders, city) == ("true", 2, "Basel")
    assert not answer["moved_since"]


@pytest.mark.proves("B6")
def test_the_timeline_of_then_has_no_event_that_was_heard_later(shop: World) -> None:
    def events(**more: Any) -> int:  # each time an order, and a city
        total: int = shop.verb("person timeline", id="user:ann", until=THEN.isoformat(), **more)["total"]
        return total

    assert (events(view=""), events(view="known"), events(view="true"), events()) == (2, 2, 4, 4)


@pytest.mark.proves("B6")
def test_a_definition_that_was_mended_later_is_that_of_then(shop: World) -> None:
    shop.write("tags/orders.yml", ORDERS.format('count("Order Paid") * 10'))
    shop.write("tags/young.yml", ORDERS.format("count(*)"))
    shop.verb("tag run")
    answer, orders, _ = portrait(shop)
    assert (orders, answer["defined_later"]) == (1, ["young"])
    answer, orders, _ = portrait(shop, view="true")
    assert (orders, answer["defined_later"]) == (20, [])


def joined(shop: World) -> None:
    """On day six ann and bob turn out to be one."""
    shop.now = NOW + 6 * DAY
    collect(shop, [{"type": "alias", "userId": "ann", "previousId": "bob"}], {"name": "third"})
    shop.verb("tag run")


def ids(shown: Json) -> set[str]:
    return {f"{item['kind']}:{item['value']}" for item in shown["identities"]}


@pytest.mark.proves("B6")
def test_a_portrait_of_then_is_of_who_they_were_then(shop: World) -> None:
    before = {who: shop.verb("person show", id=f"user:{who}")["person"] for who in ("ann", "bob")}
    joined(shop)
    today = shop.verb("person show", id="user:bob")
    assert today["then"] is None
    assert today["person"] == before["ann"]
    assert ids(today) >= {"user:ann", "user:bob"}

    for again in range(2):  # and the same after the engine was made again from the log
        answer, orders, city = portrait(shop)
        assert (answer["view"], orders, city, answer["moved_since"]) == ("known", 1, "Bern", True)
        assert ids(answer) == {"user:ann"}
        assert answer["identities"][0]["heard"] == NOW.isoformat(timespec="seconds")
        assert (answer["person"], answer["merges"], answer["header"]["events"]) == (before["ann"], [], 2)
        then = answer["then"]
        assert (then["known"], then["same"]) == (True, False)
        assert [(other["person"], ids(other)) for other in then["others"]] == [(before["bob"], {"user:bob"})]
        assert then["events"] == {"events": 5, "unheard": 2, "theirs": 2, "others": 1}

        answer, orders, city = portrait(shop, "user:bob")
        assert (ids(answer), orders, city) == ({"user:bob"}, 1, None)
        assert (answer["person"], answer["today"]) == (before["bob"], before["ann"])
        assert answer["header"]["events"] == 1
        assert portrait(shop, before["bob"])[0] == answer, "by the id that they had, too"

        answer, orders, city = portrait(shop, view="true")
        assert (orders, city, ids(answer)) == (3, "Basel", {"user:ann"}), "it was not said before day six"
        assert [ids(other) for other in answer["then"]["others"]] == [{"user:bob"}]
        assert answer["then"]["events"] == then["events"]

        events = shop.verb("person timeline", id="user:ann", as_of=THEN.isoformat(), view="true")["events"]
        known = {(event["event"], event["at"][:10]) for event in events if event["known_then"]}
        assert (len(events), known) == (5, {("Order Paid", "2026-05-31"), ("$identify", "2026-05-31")})
        for instant in ("as_of", "until"):
            of_bob = shop.verb("person timeline", id="user:bob", view="known", **{instant: THEN.isoformat()})
            assert (of_bob["total"], of_bob["person"]) == (1, before["bob"])
            told = of_bob["events"][0]["known_then"]
            assert told is (True if instant == "as_of" else None)

        after = shop.verb("person show", id="user:bob", as_of=(shop.now + DAY / 24).isoformat())
        assert ids(after) == ids(today), "an instant that has not come is today"
        shop.now += DAY
        whole = shop.verb("person show", id="user:bob", as_of=(shop.now - DAY / 2).isoformat(), view="known")
        assert {"user:ann", "user:bob"} <= ids(whole)
        assert [tie["what"] for item in whole["identities"] if item["value"] == "bob" for tie in item["ties"]]
        assert whole["then"]["same"]
        if not again:
            shop.verb("rebuild")


@pytest.mark.proves("B6")
def test_a_visitor_who_registers_later_was_a_device_then(shop: World) -> None:
    def visit(name: str, **more: Any) -> None:
        call = {"anonymousId": "d1", "timestamp": shop.now.isoformat(), **more}
        collect(shop, [{"type": "track", "event": "Order Paid", "properties": {}, **call}], {"name": name})

    shop.now = NOW + 2 * DAY
    visit("seen")
    visitor = shop.verb("person show", id="device:d1")["person"]
    shop.now = NOW + 7 * DAY
    visit("registered", userId="cleo")
    shop.verb("tag run")
    today = shop.verb("person show", id="user:cleo")
    assert (today["person"], ids(today)) == (visitor, {"user:cleo", "device:d1"})
    for view in ("known", "true"):
        answer, orders, _ = portrait(shop, visitor, view=view)
        assert (ids(answer), orders, answer["person"]) == ({"device:d1"}, 1, visitor), view
        assert answer["then"]["others"] == []
    asked = portrait(shop, "user:cleo", view="known")[0]
    assert (ids(asked), asked["header"]["events"]) == (set(), 0), "nobody had heard of that id"
    assert [ids(other) for other in asked["then"]["others"]] == [{"device:d1"}]


def test_who_they_were_is_said_to_be_unknown_where_nothing_tells(shop: World) -> None:
    joined(shop)
    with shop.workspace.engine.write() as tx:
        tx.execute("UPDATE claims SET id = NULL")
    answer, orders, _ = portrait(shop)
    assert not answer["then"]["known"]
    assert "no longer known" in answer["then"]["unknown"]
    assert (orders, ids(answer) >= {"user:ann", "user:bob"}) == (2, True), "of those of today"
    assert (answer["then"]["events"]["theirs"], answer["moved_since"]) == (None, True)


def member(shop: World, who: str, **more: Any) -> Json:
    answer: Json = shop.verb("audience why", id=who, name="regulars", as_of=THEN.isoformat(), **more)
    return answer


@pytest.mark.proves("B6")
def test_why_somebody_was_in_an_audience_is_told_as_of_then_by_both_views(world: World) -> None:
    """Afterwards orders are heard of late, two people become one, the tag and the audience say something else."""
    text = "expression: orders {} 2\n"
    world.write("audiences/regulars.yml", text.format("<"))
    world.write("audiences/hand.yml", "members: [bob]\n")
    world.write("audiences/both.yml", "expression: in audience regulars and in audience hand\n")
    told = [paid("ann", NOW - DAY / 4), paid("bob", NOW - DAY / 4)]
    collect(world, told, {"name": "first"})
    world.write("tags/orders.yml", ORDERS.format('count("Order Paid")'))
    world.verb("tag run")
    for name in ("regulars", "both"):
        world.verb("audience snapshot", name=name)
    asked = world.verb("audience why", id="user:ann", name="regulars")
    world.now = NOW + 5 * DAY
    collect(world, [paid("ann", NOW + DAY)], {"name": "second"})
    joined(world)
    world.write("tags/orders.yml", ORDERS.format('count("Order Paid") * 10'))
    world.write("audiences/regulars.yml", text.format(">="))
    world.verb("tag run")
    world.verb("audience snapshot", name="regulars")

    for again in range(2):
        known = member(world, "user:ann", view="known")
        assert (known["member"], known["view"], known["definition"]) == (True, "known", "then")
        assert known["expression"] == "orders < 2"
        assert known["because"]["text"] == asked["because"]["text"], "the old answer"
        assert known["joined_since"]
        bob = member(world, "user:bob", view="known")
        assert bob["member"]
        assert bob["person"] != known["person"]
        both = world.verb("audience why", id="user:bob", name="both", as_of=THEN.isoformat(), view="known")
        assert both["member"], "on the list that stood then, and by the text of then"
        assert not world.verb(
            "audience why", id="user:ann", name="both", as_of=THEN.isoformat(), view="known"
        )["member"]
        true = member(world, "user:ann", view="true")
        assert (true["member"], true["definition"], true["expression"]) == (True, "today", "orders >= 2")
        assert true["because"]["named"] == 3, "with the late one and bob's"
        assert not true["joined_since"]
        counted = [
            world.verb("audience count", expression=text, as_of=THEN.isoformat(), view=view)
            for text in ("in audience regulars", "in audience both")
            for view in ("known", "true")
        ]
        assert [(one["count"], one["everybody"]) for one in counted] == [(2, 2), (1, 1), (1, 2), (1, 1)]
        was = world.verb("person show", id="user:bob", as_of=THEN.isoformat(), view="known")["audiences"]
        assert {item["name"] for item in was} == {"regulars", "hand", "both"}
        assert {item["definition"] for item in was} == {"then"}
        if not again:
            assert (known["kept"], known["since"]) == (True, NOW.isoformat())
            assert {item["name"]: item["by"] for item in was}["regulars"] == "both"
            world.verb("rebuild")
    before = world.verb(
        "audience why", id="user:ann", name="regulars", as_of=(NOW - DAY / 8).isoformat(), view="true"
    )
    assert before["kept"] is None
    world.verb("person erase", id="user:bob")
    with world.workspace.records.read() as connection:
        texts = connection.exec_driver_sql("SELECT text FROM audience_versions").scalars().all()
    assert not any("bob" in text for text in texts)


@pytest.mark.proves("R4")
def test_the_difference_to_today_names_what_came_went_and_changed(shop: World) -> None:
    shop.write("audiences/regulars.yml", "expression: orders >= 2\n")
    shop.write("tags/town.yml", "nature: fact\nmethod: observed\ntype: text\nattribute: email\n")
    told = {"type": "identify", "userId": "ann", "traits": {"email": "ann@example.test"}}
    collect(shop, [told], {"name": "mail"})
    joined(shop)

    def difference(**more: Any) -> Json:
        role = Role(more.pop("role", "admin"))
        found = {"id": "user:ann", "since": THEN.isoformat(), **more}
        return call(shop.workspace, "person diff", found, silent, Caller("x", "", "x", role))

    known = difference()
    rows = {
        part: {row["key"]: (row["what"], row["before"], row["after"]) for row in known[part]}
        for part in ("attributes", "tags", "audiences")
    }
    assert rows == {
        "attributes": {"city": ("changed", "Bern", "Basel"), "email": ("added", None, "ann@example.test")},
        "tags": {"orders": ("changed", 1, 3), "town": ("added", None, "ann@example.test")},
        "audiences": {"regulars": ("added", None, None)},
    }
    came = {f"{row['kind']}:{row['value']}": (row["what"], row["was"]) for row in known["identifiers"]}
    bob = shop.verb("person show", id="user:bob", as_of=THEN.isoformat())["person"]
    assert came["user:bob"] == ("added", bob)
    assert known["changes"] == 5 + len(came)
    assert (known["view"], known["unknown"], known["masked"]) == ("known", "", False)

    true = difference(view="true")
    assert {row["key"] for row in true["attributes"]} == {"email"}, (
        "Basel was true then, and of both the orders"
    )
    assert {row["key"] for row in true["tags"]} == {"town"}
    assert true["audiences"] == []

    viewer = difference(role="viewer")
    assert "ann@example" not in json.dumps(viewer)
    assert {row["key"]: row["after"] for row in viewer["attributes"]} == {
        "city": "Basel",
        "email": "a***@example.test",
    }
    assert viewer["masked"]

    first = (NOW + DAY / 2).isoformat()
    between = difference(since=first, until=THEN.isoformat(), view="known")
    assert (between["changes"], between["attributes"], between["identifiers"]) == (0, [], [])
    for wrong in ({"since": THEN.isoformat(), "until": first}, {"until": "2030-01-01"}, {"view": "then"}):
        with pytest.raises(UsageError):
            difference(**wrong)


@pytest.mark.proves("B6")
def test_an_audience_is_counted_by_both_views(shop: World) -> None:
    def counted(expression: str, **more: Any) -> tuple[str, int]:
        answer = shop.verb("audience count", expression=expression, as_of=THEN.isoformat(), **more)
        return answer["view"], answer["count"]

    for often in ("orders >= 2", 'did "Order Paid" at least 2 times', "person.city = 'Basel'"):
        assert counted(often) == ("known", 0), often
        assert counted(often, view="true") == ("true", 1), often
    assert counted("orders = 1") == ("known", 2)
    assert shop.verb("audience count", expression="orders >= 2")["count"] == 1, "now nothing is forgotten"


@pytest.mark.proves("B6")
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


@pytest.mark.proves("B6")
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


@pytest.mark.proves("B6")
def test_why_of_then_rests_on_what_had_been_heard(shop: World) -> None:
    known, true = why(shop, "user:ann"), why(shop, "user:ann", view="true")
    assert (known["view"], known["value"], known["because"]["named"]) == ("known", 1, 1)
    assert (true["view"], true["value"], true["because"]["named"]) == ("true", 2, 2)
    assert not known["joined_since"]
    shop.write("tags/orders.yml", ORDERS.format('count("Order Paid") * 10'))
    shop.verb("tag run")
    assert (why(shop, "user:ann")["value"], why(shop, "user:ann", view="true")["value"]) == (1, 20)


@pytest.mark.proves("B6")
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


@pytest.mark.proves("B6")
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
