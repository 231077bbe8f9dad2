"""The cut points of the run that decided are kept, said, and moved by the next run or step, whoever acted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from limner.types import Json
from limner.workspace.realtime import Realtime
from tests.builders import statistic
from tests.portraits.test_why_beside import cut
from tests.workspace.test_applying import collect
from tests.workspace.worlds import NOW, World

DAY = timedelta(days=1)


def paid(who: str, amount: float, at: Any = None) -> Json:
    return {
        "type": "track", "event": "Order Paid", "userId": who, "properties": {"amount": amount},
        "timestamp": (at or NOW - DAY).isoformat(),
    }  # fmt: skip


@pytest.fixture
def shop(world: World) -> World:
    world.write("tags/spent.yml", statistic('sum(amount of "Order Paid" in last 45 days)', "money"))
    world.write("tags/tier.yml", cut("spent"))
    world.write(
        "tags/called.yml",
        "nature: model\nmethod: rule\ntype: flag\nvalidity: 2 days\n"
        "cases:\n  - when: tier = 'high'\n    then: true\n",
    )
    collect(world, [paid(f"u{n}", n) for n in range(1, 11)], {"name": "shop"})
    return world


def tiers(world: World, who: str) -> Json:
    told = world.verb("person why", id=who, key="tier")
    assert told["agrees"] is True
    return {**told["tiers"], "tier": told["value"], "step": told["run"]}


@pytest.mark.proves("B2")
def test_the_run_that_decided_is_named_with_its_cut_points(shop: World) -> None:
    shop.verb("tag run")
    shop.now += timedelta(minutes=1)
    first = tiers(shop, "u8")
    assert (first["tier"], first["cuts"], first["people"], first["run"]) == (
        "middle",
        [6, 9],
        10,
        first["step"],
    )
    assert (first["as_of"], first["above"]["by"]) == (NOW.isoformat(), "1")
    collect(shop, [paid(f"v{n}", 1) for n in range(10)], {"name": "more"})
    shop.verb("tag run")
    shop.now += timedelta(minutes=1)
    second = tiers(shop, "u8")
    assert (second["tier"], second["cuts"], second["people"]) == ("high", [1, 7], 20)
    assert second["run"] != first["run"]
    assert second["as_of"] > first["as_of"]
    high = shop.verb("person why", id="u6", key="called")
    assert high["rule"]["cases"][0]["near"]["plan"]["events"][0]["properties"] == {"amount": 1}
    shop.write("audiences/best.yml", "expression: tier = 'high'\n")
    outside = shop.verb("audience why", id="u6", name="best")
    assert (outside["member"], outside["near"]["plan"]["events"][0]["properties"]) == (False, {"amount": 1})


@pytest.mark.proves("G11")
def test_a_step_moves_whom_the_cut_points_pass_by_though_others_acted(shop: World) -> None:
    shop.verb("tag run")
    realtime = Realtime(shop.workspace)
    shop.now += timedelta(minutes=1)
    assert tiers(shop, "u8")["tier"] == "middle"
    collect(shop, [paid(f"v{n}", 1, shop.now - timedelta(seconds=5)) for n in range(10)], {"name": "more"})
    shop.workspace.load()
    report = realtime.once()
    assert report is not None
    assert "tier" not in report.waiting
    shop.now += timedelta(seconds=1)
    stepped = tiers(shop, "u8")
    assert (stepped["tier"], stepped["cuts"], stepped["people"]) == ("high", [1, 7], 20)
    values = shop.workspace.engine.read("SELECT ix, value FROM tag_tier ORDER BY ix").to_pylist()
    called = shop.workspace.engine.read("SELECT ix, value FROM tag_called ORDER BY ix").to_pylist()
    shop.verb("tag run", full=True)
    assert shop.workspace.engine.read("SELECT ix, value FROM tag_tier ORDER BY ix").to_pylist() == values
    assert shop.workspace.engine.read("SELECT ix, value FROM tag_called ORDER BY ix").to_pylist() == called
    shop.verb("person erase", id="u10")
    assert tiers(shop, "u8")["tier"] == "high"
