"""The first source and visits to a kind of place, found in the events themselves; counted by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.workspace.test_applying import collect
from tests.workspace.worlds import NOW, World

DAY = timedelta(days=1)


def page(
    who: dict[str, str], at: float, *, source: str = "", medium: str = "", before: str = ""
) -> dict[str, Any]:
    """A page call as a vendor's library sends it: where somebody came from stands in the context."""
    context: dict[str, Any] = {"page": {"referrer": before, "url": "https://shop.example/"}}
    if source:
        context["campaign"] = {"source": source, "medium": medium, "name": "spring"}
    return {"type": "page", **who, "timestamp": (NOW + at * DAY).isoformat(), "context": context}


def source_of(world: World, who: str) -> str:
    groups = world.verb("person show", id=who)["tags"]
    (value,) = [
        tag["value"] for group in groups for tag in group["tags"] if tag["key"] == "first_source_seen"
    ]
    return str(value)


@pytest.mark.proves("P13")
def test_the_first_event_says_where_somebody_came_from_and_nothing_later_changes_it(world: World) -> None:
    world.verb("industry install", name="retail", only="source")
    first = [
        page({"userId": "ad"}, -9, source="baidu", medium="cpc", before="https://www.baidu.com/"),
        page({"userId": "ad"}, -8, source="crm", medium="email"),
        page({"userId": "search"}, -9, before="https://www.bing.com/search"),
        page({"userId": "direct"}, -9),
        page({"userId": "direct"}, -8, source="baidu", medium="cpc"),
        {"type": "track", "userId": "scan", "event": "Followed", "timestamp": (NOW - 9 * DAY).isoformat(),
         "properties": {"scene": "qr-7"}},
        {"type": "identify", "userId": "told", "timestamp": (NOW - 9 * DAY).isoformat(), "traits": {"city": "Bern"}},
        page({"anonymousId": "d1"}, -7, source="partner", medium="email"),
        page({"userId": "late"}, -3),
    ]  # fmt: skip
    collect(world, first, {"name": "first"})
    world.verb("tag run")
    want = {
        "ad": "advert",
        "search": "search",
        "direct": "direct",
        "scan": "scan",
        "told": "unknown",
        "late": "direct",
    }
    assert {who: source_of(world, who) for who in want} == want
    # the same people later: a device becomes somebody's, an event of before arrives late, and everybody comes again
    world.now += DAY
    more = [
        {"type": "identify", "userId": "scan", "anonymousId": "d1", "timestamp": world.now.isoformat()},
        page({"userId": "late"}, -20, before="https://weibo.com/u/1"),
        *(
            page({"userId": who}, 0.5, source="tv", medium="display")
            for who in ("ad", "search", "direct", "scan")
        ),
    ]
    collect(world, more, {"name": "later"})
    world.verb("tag run")
    assert {who: source_of(world, who) for who in want} == {**want, "late": "social"}
    # who turns out to be one has the earliest source of both
    collect(world, [{"type": "alias", "userId": "late", "previousId": "ad"}], {"name": "one"})
    world.verb("tag run")
    assert source_of(world, "late") == "social"
    assert source_of(world, "user:ad") == "social"


def test_properties_of_a_call_stand_before_its_context(world: World) -> None:
    call = page({"userId": "ann"}, -1, source="baidu", medium="cpc", before="https://a.example/")
    call["properties"] = {"utm_source": "mine", "referrer": "https://b.example/"}
    collect(world, [call], {"name": "one"})
    (event,) = world.verb("person timeline", id="ann")["events"]
    told = {
        name: event["properties"].get(name)
        for name in ("utm_source", "utm_medium", "utm_campaign", "referrer")
    }
    assert told == {
        "utm_source": "mine", "utm_medium": "cpc", "utm_campaign": "spring", "referrer": "https://b.example/",
    }  # fmt: skip


def visited(who: str, days_ago: float, store: str) -> dict[str, Any]:
    at = (NOW - days_ago * DAY).isoformat()
    return {
        "type": "track",
        "userId": who,
        "event": "Store Visited",
        "timestamp": at,
        "properties": {"store": store},
    }


@pytest.mark.proves("P14")
def test_who_came_three_times_in_thirty_days_to_places_of_a_kind_has_the_tag(world: World) -> None:
    world.verb("industry install", name="retail", only="interaction/place")
    assert (world.folder / "objects/store.yml").is_file()
    assert world.verb("check")["problems"] == []
    rows = "id,kind\nPlaza,mall\nGrand,mall\nBund,street\n"
    calls = [
        *(visited("yes", ago, store) for ago, store in ((29.99, "Plaza"), (10, "Grand"), (1, "Plaza"))),
        *(visited("two", ago, store) for ago, store in ((10, "Plaza"), (1, "Grand"))),
        *(visited("street", ago, "Bund") for ago in (9, 8, 7, 6)),
        *(
            visited("mixed", ago, store)
            for ago, store in ((9, "Plaza"), (8, "Bund"), (7, "Grand"), (6, "Bund"))
        ),
        *(visited("old", ago, "Plaza") for ago in (30.01, 10, 1)),
        *(visited("unlisted", ago, "Somewhere") for ago in (3, 2, 1)),
    ]
    collect(world, calls, {"name": "door"})
    world.now += timedelta(minutes=1)
    world.verb("tag run")
    assert world.verb("audience count", expression="mall_visitor")["count"] == 0, "no stores are loaded yet"
    world.verb("object load", kind="store", rows=rows)
    world.verb("tag run")
    found = world.verb("person list", where="mall_visitor")["people"]
    assert [row["id"]["value"] for row in found] == ["yes"]
    world.verb("object load", kind="store", rows=rows.replace("street", "mall"))
    world.verb("tag run")
    assert world.verb("audience count", expression="mall_visitor")["count"] == 3, "yes, street and mixed"
