"""A draft at past instants: who would have had it, and what they did next."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from limner.errors import UsageError
from limner.types import Json
from tests.builders import rule, statistic
from tests.workspace.test_applying import collect
from tests.workspace.worlds import NOW, World

DAY = timedelta(days=1)
DRAFT = rule({"true": "did visit at least 2 times in last 30 days"}, kind="flag")
PAID = 'did "Order Paid" in last 30 days'


@pytest.fixture
def shop(world: World) -> World:
    """40 people visit twice 70 days ago and 30 of them pay 50 days ago; 40 others visit once, 4 of them pay."""
    calls: list[Json] = []

    def happened(who: int, event: str, ago: float) -> None:
        at = (NOW - ago * DAY).isoformat()
        calls.append(
            {"type": "track", "userId": f"u{who}", "event": event, "timestamp": at, "properties": {}}
        )

    for who in range(80):
        happened(who, "visit", 70)
        if who < 40:
            happened(who, "visit", 69)
        if who < 30 or 40 <= who < 44:
            happened(who, "Order Paid", 50)
    for who in range(80, 90):  # not seen before
        happened(who, "visit", 10)
    collect(world, calls, world.verb("source add", name="shop"))
    return world


def asked(shop: World, **more: Any) -> Json:
    return shop.verb("tag whatif", key="eager", text=DRAFT, **more)


@pytest.mark.proves("B5")
def test_who_had_it_then_and_what_they_did_next(shop: World) -> None:
    then, late = (NOW - 60 * DAY).isoformat(), (NOW - 5 * DAY).isoformat()
    answer = asked(shop, on=[late, then], then=PAID, after_days=30)
    first, last = answer["instants"]
    assert (first["everybody"], first["people"]) == (80, 40)
    assert first["values"][0]["value"] == "true"
    assert first["values"][0]["did"]["people"] == 30
    assert first["values"][0]["did"]["share"] == 0.75
    assert 0.59 < first["values"][0]["did"]["low"] < 0.75 < first["values"][0]["did"]["high"] < 0.87
    assert first["values"][1] == {
        "value": None, "people": 40,
        "did": {**first["values"][1]["did"], "people": 4, "of": 40, "share": 0.1},
    }  # fmt: skip
    assert first["did"]["people"] == 34
    assert (last["everybody"], last["people"]) == (90, 0)  # their visits are too long ago
    assert last["until"] is None
    assert last["values"][-1]["did"] is None


def test_no_share_is_told_of_few(shop: World) -> None:
    text = statistic("count(visit in last 30 days)")
    (row,) = shop.verb("tag whatif", key="visits", text=text, on=[(NOW - 41 * DAY).isoformat()], then=PAID)[
        "instants"
    ]
    assert [value["value"] for value in row["values"]] == ["*", None]
    assert row["values"][0]["people"] == 80
    assert row["values"][1]["did"] == {"people": 0, "of": 0, "share": None, "low": None, "high": None}


def test_nothing_is_published_and_nonsense_is_refused(shop: World) -> None:
    asked(shop, on=["2026-04-01"])
    assert shop.verb("tag list")["defined"] == 0
    for wrong in (
        {"on": []}, {"on": ["soon"]}, {"on": ["2027-01-01"]}, {"on": ["2026-04-01"], "after_days": 0},
        {"on": ["2026-04-01"], "then": "in audience loyal"}, {"on": ["2026-04-01"], "then": "eager"},
    ):  # fmt: skip
        with pytest.raises(UsageError):
            asked(shop, **wrong)
