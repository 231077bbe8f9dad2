"""A tag is learned from past dates, published, explained and planned like any other."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from limner.errors import ConflictError, UsageError
from limner.tags.model import Learned
from limner.tags.text import read
from limner.workspace import learning
from limner.workspace.tagging import known_now
from tests.builders import statistic
from tests.workspace.test_applying import collect
from tests.workspace.worlds import NOW, World

DAY = timedelta(days=1)
AGAIN = """title: {en: Buys again in 30 days, zh: 30天内复购}
nature: prediction
method: learned
type: number
learned:
  label: did "Order Paid"
  horizon: 30 days
  features: [recency_days, orders_90d, spent_90d]
  train: [2026-02-01, 2026-03-01]
  test: [2026-04-15]
validity: 2 days
stage: draft
"""
FEATURES = {
    "tags/recency_days.yml": statistic('recency("Order Paid")'),
    "tags/orders_90d.yml": statistic('count("Order Paid" in last 90 days)'),
    "tags/spent_90d.yml": statistic('sum(amount of "Order Paid" in last 90 days)', "money"),
}


def history(world: World, people: int = 400, seed: int = 5) -> dict[str, list[tuple[float, float]]]:
    """(days ago, amount) of each: some buy every few weeks until now, others stopped."""
    draw = np.random.default_rng(seed)
    told: dict[str, list[tuple[float, float]]] = {}
    calls: list[dict[str, Any]] = []
    for number in range(people):
        eager = number % 2 == 0
        rows, ago = [], 200.0 - float(draw.random()) * 20
        while ago > 1:
            rows.append((round(ago, 3), float(draw.integers(5, 100))))
            ago -= float(draw.exponential(20 if eager else 120))
        told[f"u{number}"] = rows
        calls += [
            {
                "type": "track", "event": "Order Paid", "userId": f"u{number}", "properties": {"amount": amount},
                "timestamp": (NOW - before * DAY).isoformat(),
            }
            for before, amount in rows
        ]  # fmt: skip
    for start in range(0, len(calls), 500):
        collect(world, calls[start : start + 500], {"name": f"shop{start}"})
    return told


@pytest.fixture
def shop(world: World) -> World:
    for path, text in {**FEATURES, "tags/again.yml": AGAIN}.items():
        world.write(path, text)
    return world


def publish(world: World) -> None:
    text = (world.folder / "tags" / "again.yml").read_text(encoding="utf-8")
    world.write("tags/again.yml", text.replace("stage: draft\n", ""))


def test_features_are_as_of_the_date_and_the_label_comes_after_it(shop: World) -> None:
    """Against each person's own list: nothing from the date on is in a feature, nothing outside the horizon a label."""
    told = history(shop, people=60)
    found = known_now(shop.workspace)
    definition = read(AGAIN, "again").definition
    assert isinstance(definition, Learned)
    seen = learning.examples(shop.workspace, found, definition, ["2026-03-01"])
    at = 92.0  # days before NOW, which is 2026-06-01
    wanted = []
    for rows in told.values():
        before = [(ago, amount) for ago, amount in rows if ago > at]
        if before:
            recent = [amount for ago, amount in before if ago <= at + 90]
            last = min(ago for ago, _ in before)
            label = any(at - 30 < ago <= at for ago, _ in rows)
            wanted.append((math.floor(last - at), len(recent), sum(recent), label))
    rows = np.column_stack([seen.features, seen.reached])
    assert sorted(map(tuple, rows.tolist())) == sorted(tuple(map(float, row)) for row in wanted)


@pytest.mark.proves("T2", "T3")
def test_a_learned_tag_is_learned_planned_published_and_explained(shop: World) -> None:
    told = history(shop)
    publish(shop)
    assert [(item["tag"], item["code"]) for item in shop.verb("tag run")["aside"]] == [
        ("again", "not_learned")
    ]
    shop.write("tags/again.yml", AGAIN)
    shop.verb("tag run")
    answer = shop.verb("tag learn", key="again")
    assert (answer["calibrated"], answer["said"].startswith("not calibrated yet")) == (False, True)
    assert answer["auc"] > 0.6
    publish(shop)
    plan = {row["key"]: row for row in shop.verb("tag plan")["tags"]}
    assert (plan["again"]["why"], plan["again"]["after"]) == ("new", len(told))
    shop.verb("tag run")
    shop.now += timedelta(minutes=1)
    shown = shop.verb("tag show", key="again")
    assert (shown["nature"], shown["method"]) == ("prediction", "learned")
    assert "not calibrated yet" in shown["definition"]
    person = shop.verb("person list")["people"][0]["person"]
    why = shop.verb("person why", id=person, key="again")
    adds = sum(row["adds"] for row in why["learned"]["features"])
    middle = answer["base"] + sum(row["weight"] * row["mean"] for row in answer["features"])
    assert why["value"] == pytest.approx(1 / (1 + math.exp(-(middle + adds))), abs=2e-6)
    assert (why["agrees"], why["learned"]["said"]) == (True, "not calibrated yet")


def test_carried_on_in_steps_and_in_the_past_it_is_the_same(shop: World) -> None:
    from limner.workspace.realtime import Realtime

    history(shop, people=300)
    shop.verb("tag run")
    shop.verb("tag learn", key="again")
    publish(shop)
    shop.verb("tag run")
    shop.now += DAY
    bought = {
        "type": "track", "event": "Order Paid", "userId": "u1", "properties": {"amount": 10},
        "timestamp": shop.now.isoformat(),
    }  # fmt: skip
    collect(shop, [bought], {"name": "later"})
    shop.now += timedelta(minutes=1)
    shop.verb("tag run")
    carried = values(shop)
    Realtime(shop.workspace).once()
    assert values(shop) == carried
    shop.verb("tag run", full=True)
    assert values(shop) == carried
    past = shop.verb("tag run", as_of="2026-05-01", keys=["again"])
    assert past["as_of"].startswith("2026-05-01")


def values(world: World) -> dict[int, float]:
    rows = world.workspace.engine.read("SELECT ix, value FROM tag_again ORDER BY ix").to_pylist()
    return {row["ix"]: row["value"] for row in rows}


def test_too_little_and_what_is_not_over_teaches_nothing(shop: World) -> None:
    history(shop, people=40)
    with pytest.raises(ConflictError, match="not enough data") as few:
        shop.verb("tag learn", key="again")
    assert few.value.code == "not_enough_data"
    shop.write("tags/again.yml", AGAIN.replace("2026-04-15", "2026-05-20"))
    with pytest.raises(ConflictError, match="is not over"):
        shop.verb("tag learn", key="again")


def test_a_feature_that_is_a_text_is_refused_at_its_place(shop: World) -> None:
    shop.write("tags/city.yml", "nature: fact\nmethod: observed\ntype: text\nattribute: city\n")
    shop.write("tags/again.yml", AGAIN.replace("spent_90d]", "city]"))
    (problem,) = shop.verb("check")["problems"]
    assert problem["where"].startswith("tags/again.yml:8:")
    assert "'city' is a text" in problem["message"]


def test_a_feature_that_is_no_tag_is_named(shop: World) -> None:
    shop.write("tags/again.yml", AGAIN.replace("spent_90d]", "spend_90d]"))
    with pytest.raises(UsageError, match="the feature 'spend_90d' is no tag") as unknown:
        shop.verb("tag learn", key="again")
    assert "spent_90d" in (unknown.value.hint or "")
