"""A tag that cannot be computed stops no other: it keeps its former values, says why, and the others are published."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from limner.errors import DefinitionError
from limner.tags import publish
from limner.types import Json
from limner.workspace.realtime import Realtime
from tests.builders import rule, statistic
from tests.workspace.test_applying import by, collect
from tests.workspace.worlds import World

SPENT = statistic('sum(amount of "Order Paid")', "money", validity="400 days")
ORDERS = statistic('count("Order Paid")', validity="400 days")
LEVEL = """\
nature: model
method: rule
type: text
cuts: {of: spent, tiers: [low, high], at: [50%]}
validity: 400 days
"""
RICH = rule({"true": "spent >= 100"}, kind="flag")
KEEN = rule({"true": "orders >= 2"}, kind="flag")
TOP = rule({"true": "level = 'high'"}, kind="flag")
IMPOSSIBLE = 9e14  # of a currency: twice that is more than 1/10,000 of it can be counted in 64 bits


def buy(world: World, amounts: list[tuple[str, float]]) -> None:
    calls = [
        {
            "type": "track", "userId": who, "event": "Order Paid", "timestamp": world.now.isoformat(),
            "properties": {"amount": amount},
        }
        for who, amount in amounts
    ]  # fmt: skip
    collect(world, calls, world.verb("source add", name=f"shop-{world.now:%H%M}"))
    world.now += timedelta(hours=1)


def has(world: World, key: str) -> dict[str, Any]:
    """Who has which value now, as tables and columns say alike."""
    rows = world.workspace.engine.read(
        f"SELECT i.value AS who, v.value, v.ix FROM tag_{key} AS v JOIN identifiers AS i ON i.ix = v.ix"
    ).to_pylist()
    columns = world.workspace.columns
    assert columns is not None
    assert all(columns[key].label_at(row["ix"]) == row["value"] for row in rows)
    return {row["who"]: row["value"] for row in rows}


def row(world: World, key: str) -> Json:
    return by(world.verb("tag list")["tags"])[key]


@pytest.fixture
def shop(world: World) -> World:
    for key, written in {"spent": SPENT, "orders": ORDERS, "rich": RICH, "keen": KEEN}.items():
        world.write(f"tags/{key}.yml", written)
    buy(world, [("ann", 10), ("bob", 150)])
    world.verb("tag run")
    assert (has(world, "rich"), has(world, "keen")) == ({"bob": True}, {})
    return world


def test_a_tag_without_cut_points_waits_and_all_others_are_published(shop: World) -> None:
    shop.write("tags/level.yml", LEVEL)
    shop.write("tags/top.yml", TOP)
    buy(shop, [("ann", 200)])
    answer = shop.verb("tag run")
    assert (has(shop, "rich"), has(shop, "keen")) == ({"ann": True, "bob": True}, {"ann": True})
    assert [(item["tag"], item["code"], item["through"]) for item in answer["aside"]] == [
        ("level", "not_cut", None),
        ("top", "through", "level"),
    ]
    assert answer["aside"][0]["hint"] == "limner tag cut level computes them; until then say stage: draft"
    level = row(shop, "level")
    assert (level["aside"]["code"], level["as_of"]) == ("not_cut", None)
    assert ("aside", "bad") in [(n["code"], n["level"]) for n in shop.verb("tag show", key="level")["health"]]
    assert row(shop, "rich")["aside"] is None
    shop.verb("tag cut", key="level")
    assert shop.verb("tag run")["aside"] == []
    assert has(shop, "top") == {"ann": True}
    assert row(shop, "level")["aside"] is None


def test_a_plan_names_what_waits_and_the_others_are_applied(shop: World) -> None:
    shop.write("tags/level.yml", LEVEL)
    shop.write("tags/top.yml", TOP)
    shop.write("tags/rich.yml", RICH.replace("100", "10"))
    plan = shop.verb("tag plan")
    assert [item["code"] for item in plan["problems"]] == ["not_cut"]
    assert [(item["key"], item["entered"]) for item in plan["tags"]] == [("rich", 1)]
    assert shop.verb("tag apply", plan=plan["plan"])["tags"] == ["rich"]
    assert has(shop, "rich") == {"ann": True, "bob": True}
    with pytest.raises(DefinitionError, match="no cut points yet"):
        shop.verb("tag apply", keys=["level"])
    with pytest.raises(DefinitionError, match="no cut points yet"):
        shop.verb("tag run", keys=["top"])


def test_data_that_cannot_be_computed_leave_one_tag_at_its_former_values(shop: World) -> None:
    epoch = publish.current(shop.workspace.engine)
    buy(shop, [("ann", 200), ("bob", IMPOSSIBLE), ("bob", IMPOSSIBLE)])
    first = shop.now
    answer = shop.verb("tag run")
    assert [(item["tag"], item["code"], item["through"]) for item in answer["aside"]] == [
        ("rich", "through", "spent"),
        ("spent", "out_of_range", None),
    ]
    assert "beyond what is computed with" in answer["aside"][1]["message"]
    assert has(shop, "spent") == {"ann": 100_000, "bob": 1_500_000}
    assert has(shop, "rich") == {"bob": True}
    assert has(shop, "keen") == {"ann": True, "bob": True}
    now = publish.current(shop.workspace.engine)
    assert epoch is not None
    assert now is not None
    assert now.epoch == epoch.epoch + 1
    assert row(shop, "spent")["freshness"]["reason"] == "aside"
    assert row(shop, "spent")["aside"]["since"] == first.isoformat()
    with pytest.raises(DefinitionError, match="'spent' cannot be computed"):
        shop.verb("tag run", keys=["rich"])
    buy(shop, [("cid", 120)])
    again = shop.verb("tag run")
    assert {item["since"] for item in again["aside"]} == {first.isoformat()}
    assert has(shop, "spent") == {"ann": 100_000, "bob": 1_500_000}
    with shop.workspace.records.read() as connection:
        told = connection.execute(text("SELECT what FROM alerts")).scalars().all()
    assert told == ["tags set aside", "tag run failed"]  # the same tags aside once more are no news


def test_what_was_set_aside_is_computed_again_when_it_can_be(shop: World) -> None:
    buy(shop, [("bob", IMPOSSIBLE), ("bob", IMPOSSIBLE)])
    shop.verb("tag run")
    shop.reopen()
    assert has(shop, "spent") == {"ann": 100_000, "bob": 1_500_000}
    shop.write("tags/spent.yml", SPENT.replace('"Order Paid")', '"Order Paid" where amount < 1000000)'))
    buy(shop, [("ann", 90)])
    assert shop.verb("tag run")["aside"] == []
    assert has(shop, "spent") == {"ann": 1_000_000, "bob": 1_500_000}
    assert has(shop, "rich") == {"ann": True, "bob": True}
    shop.verb("tag run", full=True)
    assert has(shop, "spent") == {"ann": 1_000_000, "bob": 1_500_000}


def test_real_time_goes_on_with_the_other_tags(shop: World) -> None:
    shop.write("tags/level.yml", LEVEL)
    buy(shop, [("bob", IMPOSSIBLE), ("bob", IMPOSSIBLE)])
    shop.verb("tag run")
    keeping = Realtime(shop.workspace)
    keeping.once()
    buy(shop, [("ann", 5)])
    report = keeping.once()
    assert report is not None
    assert has(shop, "keen") == {"ann": True, "bob": True}
    assert has(shop, "spent") == {"ann": 100_000, "bob": 1_500_000}


def test_an_apply_that_meets_such_data_changes_nothing(shop: World) -> None:
    shop.write("tags/spent.yml", SPENT.replace("400", "300"))
    plan = shop.verb("tag plan")["plan"]
    buy(shop, [("bob", IMPOSSIBLE), ("bob", IMPOSSIBLE)])
    before = publish.current(shop.workspace.engine)
    with pytest.raises(
        DefinitionError, match="'spent' cannot be computed: a value is beyond what is computed with"
    ):
        shop.verb("tag apply", plan=plan)
    with pytest.raises(DefinitionError, match="'spent' cannot be computed"):
        shop.verb("tag plan")
    assert publish.current(shop.workspace.engine) == before
    assert has(shop, "spent") == {"ann": 100_000, "bob": 1_500_000}
