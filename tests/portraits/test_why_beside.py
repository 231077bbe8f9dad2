"""How far somebody is from the next tier or from where a learned chance counts: claims are tried on the engine.

What is named as missing is added, what is named as deciding is taken away, while the cut points stay as they were.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from limner.expressions.parse import parse
from limner.portraits.why import why, why_in
from limner.tags import cut_points
from limner.tags.cut_points import Cut
from limner.tags.history import tags_at, values_at
from limner.types import Json, utc
from tests.builders import AS_OF, DAY, attributes, engine, events, observed, rule, statistic, tags
from tests.portraits.random_why import scored
from tests.portraits.test_why import World, try_deciding, try_ending, try_nearness


def cut(of: str, at: str = "50%, 80%", more: str = "refresh: every run") -> str:
    return (
        f"nature: model\nmethod: rule\ntype: text\nvalidity: 2 days\n"
        f"cuts: {{of: {of}, tiers: [low, middle, high], at: [{at}], {more}}}\n"
    )


def learnt(base: float, features: Mapping[str, float]) -> str:
    listed = "".join(f"    - {{tag: {tag}, weight: {weight}, mean: 1}}\n" for tag, weight in features.items())
    return (
        "nature: prediction\nmethod: learned\ntype: number\nvalidity: 2 days\nlearned:\n"
        f'  label: did "Order Paid"\n  features: [{", ".join(features)}]\n'
        "  train: [2024-01-01]\n  test: [2024-06-01]\n"
        f"  learnt:\n    base: {base}\n    features:\n{listed.replace('    -', '    -')}"
        "    at: '2025-01-01T09:30:00+00:00'\n    examples: 1200\n    reached: 300\n    auc: 0.8\n"
    )


TEXTS = {
    "spent": statistic('sum(amount of "Order Paid" in last 45 days)', "money"),
    "orders": statistic('count("Order Paid" in last 30 days)'),
    "days": statistic('recency("Order Paid")'),
    "basket": statistic('avg(amount of "Order Paid")', "money"),
    "kinds": statistic('distinct(category of "Order Paid" in last 60 days)'),
    "keen": scored({'did "Order Paid" in last 30 days': 5, "did $page": 2, "orders >= 2": 2.5}),
    "heavy": rule({"true": "spent >= 60"}, kind="flag"),
    "score": observed("score", "number"),
    "again": learnt(-0.4, {"days": -0.05, "orders": 0.3, "spent": 0.004, "heavy": 0.5}),
    "told": learnt(-0.4, {"score": 0.5}),
    **{f"tier_{of}": cut(of) for of in ("spent", "orders", "days", "basket", "kinds", "keen", "again")},
    "tier_fixed": cut("spent", "20, 70", "").replace(", }", "}"),
    "likely": rule({"true": "again >= 0.5"}, kind="flag"),
    "sure": rule({"true": "told >= 0.9"}, kind="flag"),
}
TRIED = (
    "tier_spent",
    "tier_orders",
    "tier_days",
    "tier_basket",
    "tier_kinds",
    "tier_keen",
    "tier_again",
    "again",
)
PEOPLE = 16
TIERS = ("low", "middle", "high")


class Fixed(World):
    """A world in which cut points stay as they were."""

    cuts: Mapping[str, Cut] = {}

    def value(self, key: str, ix: int, at: datetime) -> Any:
        points = {one: found.points for one, found in self.cuts.items()}
        held = values_at(
            self.made, self.graph, ix=ix, catalog=self.names, as_of=utc(at), keys=[key], cuts=points
        )
        return held.get(key)

    def told(self, key: str, ix: int = 0, at: datetime = AS_OF) -> Json:
        return why(
            self.made, ix, self.found[key], graph=self.graph, catalog=self.names, at=at, cuts=self.cuts
        )


def history(random: Random, ix: int) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for _ in range(random.randint(1, 6)):
        ts = AS_OF - timedelta(days=random.randint(0, 50), hours=random.randint(1, 23))
        said = {
            "amount": random.choice((5, 12.5, 20.4, 40)),
            "category": random.choice(("tea", "cups", "pots")),
        }
        rows.append((ix, random.choice(("Order Paid", "Order Paid", "$page")), ts, said))
    return rows


def everybody(made: Any, people: int = PEOPLE) -> Fixed:
    for ix in range(people):
        events(made, history(Random(ix), ix))
    attributes(made, [(ix, "score", ix % 5, AS_OF - 100 * DAY) for ix in range(people)])
    here = Fixed(made, tags(TEXTS))
    with tags_at(made, here.graph, here.found, catalog=here.names, as_of=AS_OF) as (tx, then):
        here.cuts = {
            key: cut_points.compute(tx, tag.definition, catalog=then, as_of=AS_OF, run="r1")  # type: ignore[arg-type]
            for key, tag in here.found.items()
            if "every run" in TEXTS[key]
        }
    return here


@pytest.mark.proves("B2")
def test_claims_about_cut_points_and_chances_come_true_on_the_engine() -> None:
    here = everybody(engine(people=PEOPLE))
    counted: Counter[str] = Counter()
    for ix in range(PEOPLE):
        key = TRIED[ix % len(TRIED)]

        def again(at: datetime, key: str = key, ix: int = ix) -> Any:
            return here.value(key, ix, at)

        now = again(AS_OF)
        told = here.told(key, ix)
        assert told["value"] == now
        if told["ends"]["said"]:
            try_ending(told["ends"], now, again)
        if now is None:
            assert not told["near"]["fits"]
            continue
        beside = told["learned"] or told["tiers"]
        for way, up in (("above", True), ("below", False)):
            side = beside[way]
            if side is None:
                continue
            counted[f"{way}: {'plan' if side['near']['plan'] else side['near']['missing']['what']}"] += 1
            bound = float(side["at"])

            def beyond(at: datetime, up: bool = up, bound: float = bound, now: Any = now) -> bool:
                value = again(at)
                if isinstance(now, float):
                    return (value is not None and value >= bound) == up
                if value is None:
                    return not up
                return TIERS.index(value) > TIERS.index(now) if up else TIERS.index(value) < TIERS.index(now)

            assert not beyond(AS_OF)
            try_nearness(here, ix, side["near"], beyond)
            of = told["tiers"]["of"] if told["tiers"] else key
            apart = abs(float(here_value(here, of, ix)) - bound)
            assert float(side["by"]) == pytest.approx(apart, abs=1e-9)
        assert told["because"]["said"], (key, told["because"])
        try_deciding(here, ix, told, now, again)
    assert counted["above: plan"] >= PEOPLE / 4, counted
    assert counted["below: plan"] + counted["below: time"] >= PEOPLE / 8, counted


def here_value(here: Fixed, key: str, ix: int) -> float:
    found = here.value(key, ix, AS_OF)
    return float(found) / (10_000 if str(here.found[key].type) == "money" else 1)


def test_the_amount_to_the_next_tier_and_the_run_that_cut_are_said() -> None:
    made = engine(people=10)
    events(made, [(ix, "Order Paid", AS_OF - 2 * DAY, {"amount": ix + 1.5}) for ix in range(10)])
    events(made, [(5, "Order Paid", AS_OF - DAY, {"amount": 2.6})])  # 9.1; the cut points are 7.5 and 9.5
    here = Fixed(made, tags(TEXTS))
    here.cuts = {"tier_spent": Cut((75_000, 95_000), AS_OF, 10, "r7")}
    told = here.told("tier_spent", 5)
    tiers = told["tiers"]
    assert (told["value"], tiers["value"], tiers["cuts"], tiers["run"]) == ("middle", "9.1", [7.5, 9.5], "r7")
    assert (tiers["above"]["gives"], tiers["above"]["by"], tiers["below"]["gives"], tiers["below"]["by"]) == (
        "high", "0.4", "low", "1.6",
    )  # fmt: skip
    assert tiers["above"]["text"]["en"] == (
        "0.4 more spent would be high, which begins at 9.5; cut points move with every run"
    )
    assert tiers["above"]["text"]["zh"] == "spent再多 0.4 即为“high”（自 9.5 起）；分界点随每次运行变动"
    assert tiers["above"]["near"]["plan"]["events"][0]["properties"] == {"amount": 0.4}
    assert tiers["below"]["text"]["en"].startswith(
        "1.6 less spent is still middle, which begins at 7.5; any less is low"
    )
    assert [case["when"] for case in told["rule"]["cases"]] == [
        "spent >= 9.5",
        "spent >= 7.5",
        "known(spent)",
    ]
    fixed = here.told("tier_fixed", 5)["tiers"]
    assert (fixed["above"]["by"], fixed["run"], fixed["below"]) == ("10.9", None, None)
    assert "every run" not in fixed["above"]["text"]["en"]
    inside = why_in(
        made, 5, parse("tier_spent = 'high'"), graph=here.graph, catalog=here.names, at=AS_OF, cuts=here.cuts
    )
    assert inside["near"]["plan"]["events"][0]["properties"] == {"amount": 0.4}


def test_a_chance_says_what_each_feature_contributes_and_what_would_make_it_count() -> None:
    here = everybody(engine(people=6), 6)
    ix = 1
    told = here.told("again", ix)
    learned, value = told["learned"], told["value"]
    whole = learned["base"] + sum(one["contributes"] for one in learned["features"])
    assert learned["log_odds"] == pytest.approx(whole, abs=1e-12)
    assert value == pytest.approx(1 / (1 + math.exp(-whole)), abs=6e-7)
    assert {one["tag"]: one["contributes"] for one in learned["features"]} == {
        tag: pytest.approx(
            weight * float(here_value(here, tag, ix) if tag != "heavy" else bool(here.value(tag, ix, AS_OF)))
        )
        for tag, weight in {"days": -0.05, "orders": 0.3, "spent": 0.004, "heavy": 0.5}.items()
    }
    assert (learned["learnt_at"], learned["examples"]) == ("2025-01-01T09:30:00+00:00", 1200)
    low = next(ix for ix in range(6) if (here.value("again", ix, AS_OF) or 1) < 0.5)
    lack = here.asked("again >= 0.5", low)["near"]["missing"]
    assert (lack["what"], lack["need"], lack["have"]) == ("chance", 0.5, here.value("again", low, AS_OF))
    assert lack["text"]["en"].startswith(f"a chance of {lack['have']}, 0.5 asked: ")
    assert "概率为" in lack["text"]["zh"]
    rule_of = here.told("likely", low)
    assert rule_of["near"]["missing"]["text"] == lack["text"], "the same sentence through the rule, said once"


def test_what_no_single_thing_changes_is_said_so() -> None:
    here = everybody(engine(people=3), 3)
    told = here.told("told", 1)  # rests on an attribute alone: -0.4 + 0.5
    assert told["learned"]["above"]["tag"] == "sure"
    near = told["learned"]["above"]["near"]
    assert (near["said"], near["plan"], near["missing"]["what"]) == (True, None, "none")
    assert near["missing"]["text"]["en"].endswith("no single thing that they could do changes it")
