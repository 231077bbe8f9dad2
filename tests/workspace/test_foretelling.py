"""What tags of a past date told of who would buy in the days after: by hand, no leak, and honest about chance."""

from __future__ import annotations

import json
from datetime import timedelta
from math import log
from typing import Any

import numpy as np
import pytest

from limner.bitmap import Bitmap
from limner.columns import Columns, Given, column
from limner.errors import UsageError
from limner.portraits.foretelling import foretold
from limner.portraits.group import portrait
from limner.types import ValueType
from tests.builders import observed, rule, statistic
from tests.cli.test_plan import limner
from tests.workspace.test_applying import collect
from tests.workspace.worlds import NOW, World

DAY = timedelta(days=1)
TAGS = {
    "viewed": rule({"true": 'did "Product Viewed" in last 30 days'}, kind="flag"),
    "bought": rule({"yes": 'did "Order Paid"'}, otherwise="no"),
    "colour": observed("colour"),
    "rare": observed("rare", "flag"),
    "same": rule({"one": "known(colour)"}, otherwise="one"),
}
VIEWED, OTHERS = (60, 100), (40, 300)
"""Who viewed and bought afterwards, of whom; who did not view and bought afterwards, of whom."""


@pytest.fixture
def shop(world: World) -> World:
    """400 people, of whom 100 viewed something before 1 June; 100 buy in the 30 days after; it is 1 July."""
    for key, text in TAGS.items():
        world.write(f"tags/{key}.yml", text)
    told: list[dict[str, Any]] = []
    for n in range(VIEWED[1] + OTHERS[1]):
        who, viewed = {"userId": f"u{n}"}, n < VIEWED[1]
        traits = {"colour": ("red", "blue")[n % 2], **({"rare": True} if n < 9 else {})}
        told.append({"type": "identify", **who, "timestamp": (NOW - 60 * DAY).isoformat(), "traits": traits})
        if viewed:
            told.append(
                {"type": "track", **who, "event": "Product Viewed", "timestamp": (NOW - 3 * DAY).isoformat()}
            )
        place = n if viewed else n - VIEWED[1]
        if place < (VIEWED if viewed else OTHERS)[0]:
            at = NOW + 10 * DAY
            told.append(
                {
                    "type": "track", **who, "event": "Order Paid", "timestamp": at.isoformat(),
                    "properties": {"amount": 10 if n % 2 else 50},
                }
            )  # fmt: skip
    told.append(
        {
            "type": "identify",
            "userId": "late",
            "timestamp": (NOW + 5 * DAY).isoformat(),
            "traits": {"colour": "red"},
        }
    )
    told.append(
        {"type": "track", "userId": "late", "event": "Order Paid", "timestamp": (NOW + 6 * DAY).isoformat()}
    )
    world.now = NOW + 30 * DAY
    collect(world, told, {"name": "shop"})
    return world


def rows(answer: dict[str, Any]) -> dict[str, Any]:
    return {row["key"]: row for row in answer["tags"]}


@pytest.mark.proves("B12")
def test_worth_and_lift_are_those_counted_by_hand(shop: World) -> None:
    answer = shop.verb("tag predict", on=NOW.isoformat())
    assert (answer["everybody"], answer["reached"], answer["enough"], answer["view"]) == (
        400,
        100,
        True,
        "true",
    )
    found = rows(answer)
    assert answer["tags"][0]["key"] == "viewed"
    a, b = (60.5 / 101, 40.5 / 101), (40.5 / 301, 260.5 / 301)  # half a person is added to each
    worth = sum((x - y) * log(x / y) for x, y in zip(a, b, strict=True))
    viewed = found["viewed"]
    assert viewed["worth"] == pytest.approx(worth - (1 / 100 + 1 / 300), abs=1e-6)
    assert 0 < viewed["low"] < viewed["worth"] < viewed["high"]
    assert viewed["verdict"] == "predicts"
    assert (viewed["best"]["value"], viewed["best"]["people"], viewed["best"]["reached"]) == ("true", 100, 60)
    assert viewed["best"]["lift"] == pytest.approx((60 / 100) / (100 / 400))
    assert viewed["best"]["low"] < 2.4 < viewed["best"]["high"]


@pytest.mark.proves("B12")
def test_what_tells_nothing_or_too_little_is_said_and_proposed_to_be_retired(shop: World) -> None:
    found = rows(shop.verb("tag predict", on=NOW.isoformat()))
    assert (found["colour"]["verdict"], found["colour"]["best"], found["colour"]["proposal"]) == (
        "nothing",
        None,
        "",
    )
    assert found["colour"]["used"] == 1, "the tag that names it"
    assert (found["same"]["verdict"], found["same"]["worth"], found["same"]["proposal"]) == (
        "nothing",
        0,
        "retire",
    )
    assert (found["rare"]["verdict"], found["rare"]["worth"]) == ("not_enough_data", None)
    few = shop.verb("tag predict", then='did "Nothing Known"', on=NOW.isoformat())
    assert (few["reached"], few["enough"]) == (0, False)
    assert {row["verdict"] for row in few["tags"]} == {"not_enough_data"}


@pytest.mark.proves("B12")
def test_nothing_that_happened_later_is_in_a_tag(shop: World) -> None:
    """Today `bought` is exactly who bought; as of 1 June nobody had bought."""
    bought = rows(shop.verb("tag predict", on=NOW.isoformat()))["bought"]
    assert (bought["verdict"], bought["worth"]) == ("nothing", 0)
    with pytest.raises(UsageError, match="without a window"):
        shop.verb("tag predict", then='did "Order Paid" in last 60 days', on=NOW.isoformat())
    with pytest.raises(UsageError, match="names the tag 'bought'"):
        shop.verb("tag predict", then="bought = 'yes'", on=NOW.isoformat())
    with pytest.raises(UsageError, match="are not over"):
        shop.verb("tag predict", on=(NOW + DAY).isoformat())


def test_weights_that_were_learned_later_are_not_judged(shop: World) -> None:
    learnt = (
        'nature: prediction\nmethod: learned\ntype: number\nvalidity: 2 days\nlearned:\n  label: did "Order Paid"\n'
        "  features: [views]\n  train: [2026-01-01]\n  test: [2026-03-01]\n  learnt:\n    base: -1\n    features:\n"
        "      - {tag: views, weight: 1, mean: 0.2}\n    at: 2026-06-0%d\n"
        "    examples: 400\n    reached: 100\n    auc: 0.7\n"
    )
    shop.write("tags/views.yml", statistic('count("Product Viewed")'))
    for day, verdict in ((2, "learned_later"), (1, "learned_later")):
        shop.write("tags/chance.yml", learnt % day)
        shop.write("tags/likely.yml", rule({"yes": "chance > 0.4"}, otherwise="no"))
        found = rows(shop.verb("tag predict", on=NOW.isoformat()))
        assert (found["chance"]["verdict"], found["likely"]["verdict"]) == (verdict, verdict)
        assert found["views"]["verdict"] == "predicts"
    later = (NOW + 2 * DAY).isoformat()
    assert rows(shop.verb("tag predict", on=later, after_days=20))["chance"]["verdict"] == "predicts"


def test_a_metric_may_be_what_is_reached(shop: World) -> None:
    shop.write("metrics/revenue.yml", 'measure: sum(amount of "Order Paid")\n')
    found = shop.verb("tag predict", keys=["colour"], then="metric(revenue) >= 50", on=NOW.isoformat())
    assert found["reached"] == 50
    assert rows(found)["colour"]["verdict"] == "predicts"
    assert rows(found)["colour"]["best"]["value"] in ("red", "blue")


def test_the_command_prints_what_tells_most_first(shop: World) -> None:
    shop.close()
    words = ("tag", "predict", "--on", NOW.isoformat())
    printed = limner(shop.folder, *words, "--json")
    assert printed.returncode == 0, printed.stderr
    assert json.loads(printed.stdout)["tags"][0]["key"] == "viewed"
    assert "100 of 400 people" in limner(shop.folder, *words).stdout
    shop.open()


def drawn(
    rng: np.random.Generator, n: int, shares: dict[str, float], reach: dict[str, float]
) -> tuple[Columns, Bitmap]:
    """People with one of the values, who reach it with its chance; and nine tags of pure chance."""
    columns = {}
    for place in range(10):
        values = rng.choice(len(shares), n, p=list(shares.values()))
        if place == 0:
            first = values
        given = Given(ValueType.TEXT, np.arange(n), values + 1, tuple(shares), as_of=NOW, expires_at=None)
        columns[f"t{place}"] = column(f"t{place}", given, n)
    chance = np.array(list(reach.values()))[first]
    alive = np.ones(n, dtype=np.bool_)
    return Columns.memory(n=n, as_of=NOW, alive=alive, columns=columns), Bitmap.of_mask(
        rng.random(n) < chance
    )


def test_of_pure_chance_at_most_one_time_in_twenty_anything_is_said_to_predict() -> None:
    rng, shares = np.random.default_rng(3), {"a": 0.5, "b": 0.3, "c": 0.2}
    false = 0
    for _ in range(200):
        columns, reached = drawn(rng, 800, shares, dict.fromkeys(shares, 0.2))
        false += any(one.verdict == "predicts" for one in foretold(portrait(reached, columns)))
    assert false <= 19, "200 times 5 %, and three standard deviations"


def test_the_interval_holds_the_true_worth_and_a_planted_tag_is_found() -> None:
    rng, shares = np.random.default_rng(4), {"a": 0.5, "b": 0.3, "c": 0.2}
    reach = {"a": 0.1, "b": 0.2, "c": 0.4}
    whole = sum(shares[v] * reach[v] for v in shares)
    pairs = [(shares[v] * reach[v] / whole, shares[v] * (1 - reach[v]) / (1 - whole)) for v in shares]
    true = sum((a - b) * log(a / b) for a, b in pairs)
    held = found = 0
    for _ in range(200):
        columns, reached = drawn(rng, 1_500, shares, reach)
        (one,) = [one for one in foretold(portrait(reached, columns)) if one.tag == "t0"]
        held += one.low <= true <= one.high  # type: ignore[operator]
        found += one.verdict == "predicts" and one.best is not None
    assert held >= 184, "200 times 95 %, and two standard deviations"
    assert found == 200
