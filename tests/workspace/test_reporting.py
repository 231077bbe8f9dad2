"""The stage report: what a tag is for, measured now and at each stage's date, and whether it came about."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from limner.errors import DefinitionError, UsageError
from limner.tags import goal
from limner.tags.text import read, write
from tests.cli.test_plan import limner
from tests.workspace.test_applying import collect
from tests.workspace.test_remembering import paid
from tests.workspace.worlds import NOW, World

DAY = timedelta(days=1)
ORDERS = 'measure: count("Order Paid")\nunit: orders\n'
GOAL = """\
nature: model
method: rule
type: flag
validity: 9 days
cases:
  - when: did "Order Paid" at least 2 times
    then: true
why: Buyers do not come back.
owner: crm
goal:
  metric: metric(orders in last 10 days)
  baseline: 40
  since: 2026-06-01
  stages:
    - {by: 2026-06-11, target: 50}
    - {by: 2026-06-21, target: 60}
    - {by: 2026-07-01, target: 70}
"""


@pytest.fixture
def shop(world: World) -> World:
    """Orders: 40 before 1 June, 55 in the ten days from then, 58 in the ten after; it is 25 June."""
    world.write("metrics/orders.yml", ORDERS)
    world.write("tags/again.yml", GOAL)
    told: list[dict[str, Any]] = []
    for day, people in ((-5, 40), (5, 55), (15, 58)):
        told += [paid(f"u{n}", NOW + day * DAY) for n in range(people)]
    world.now = NOW + 24 * DAY
    collect(world, told, {"name": "orders"})
    return world


@pytest.mark.proves("M2")
def test_each_stage_is_met_not_met_or_ahead_with_its_number(shop: World) -> None:
    found = shop.verb("tag report", key="again")
    assert (found["baseline"]["stated"], found["baseline"]["value"], found["baseline"]["active"]) == (
        40,
        40,
        40,
    )
    assert [(row["by"][:10], row["target"], row["value"], row["state"]) for row in found["stages"]] == [
        ("2026-06-11", 50, 55, "met"), ("2026-06-21", 60, 58, "not_met"), ("2026-07-01", 70, None, "ahead"),
    ]  # fmt: skip
    assert (found["state"], found["now"]["value"], found["rising"], found["why"]) == (
        "not_met", 58, True, "Buyers do not come back.",
    )  # fmt: skip
    assert shop.verb("tag report", key="again", as_of=(NOW + 12 * DAY).isoformat())["state"] == "met"
    early = shop.verb("tag report", key="again", as_of=(NOW + 2 * DAY).isoformat())
    assert (early["state"], {row["state"] for row in early["stages"]}) == ("ahead", {"ahead"})


@pytest.mark.proves("M2")
def test_of_fewer_than_thirty_people_nothing_is_judged(shop: World) -> None:
    shop.write("tags/often.yml", GOAL.replace("least 2", "least 3"))
    shop.write("tags/again.yml", GOAL.replace("  baseline: 40", "  where: not often\n  baseline: 40"))
    found = shop.verb("tag report", key="again")
    # by 11 June nobody had three orders: the 55 of everybody; by 21 June 40 have three, so that 18 orders are left
    assert [(row["value"], row["active"], row["state"]) for row in found["stages"]] == [
        (55, 55, "met"), (18, 18, "not_enough_data"), (None, None, "ahead"),
    ]  # fmt: skip
    assert found["state"] == "not_enough_data"


def test_a_goal_below_the_baseline_is_reached_from_above() -> None:
    assert goal.judged(5, active=30, target=5, baseline=9) == "met"
    assert goal.judged(5.1, active=30, target=5, baseline=9) == "not_met"
    assert goal.judged(9, active=30, target=9, baseline=5) == "met"
    assert goal.judged(5, active=29, target=5, baseline=9) == "not_enough_data"
    assert goal.judged(None, active=99, target=5, baseline=9) == "not_enough_data"


@pytest.mark.parametrize(
    ("was", "put", "says"),
    [
        ("metric(orders in last 10 days)", "metric(orders)", "one metric in a window"),
        ("metric(orders in last 10 days)", "count(*)", "one metric in a window"),
        ("target: 50", "target: 40", "differs from the baseline"),
        ("by: 2026-06-21", "by: 2026-06-11", "in the order of their dates"),
        ("since: 2026-06-01", "since: 2026-06-11", "the first stage ends after 'since'"),
        ("since: 2026-06-01", "since: soon", "is no date"),
        ("  baseline: 40\n", "", "'baseline' is missing"),
        ("  baseline: 40\n", "  baseline: 40\n  basis: 3\n", "unknown key 'basis'"),
        ("  baseline: 40\n", "  baseline: 40\n  where: did (\n", "goal"),
    ],
)
def test_a_goal_that_cannot_be_measured_is_refused_at_its_place(was: str, put: str, says: str) -> None:
    assert was in GOAL
    with pytest.raises(DefinitionError) as error:
        read(GOAL.replace(was, put), "again")
    assert str(error.value.where).startswith("tags/again.yml:")
    assert says in str(error.value) or says == "goal"


def test_names_that_nobody_knows_are_found_before(shop: World) -> None:
    shop.write("tags/again.yml", GOAL.replace("metric(orders", "metric(order"))
    (problem,) = shop.verb("check")["problems"]
    assert (problem["message"], problem["where"]) == ("unknown metric 'order'", "tags/again.yml:11:11")
    shop.write("tags/again.yml", GOAL.replace("  baseline: 40", "  where: loyel = true\n  baseline: 40"))
    (problem,) = shop.verb("check")["problems"]
    assert "loyel" in problem["message"]
    shop.write("tags/again.yml", GOAL[: GOAL.index("goal:")])
    with pytest.raises(UsageError, match="has no goal"):
        shop.verb("tag report", key="again")


def test_a_goal_survives_writing_and_counts_as_the_metric_by_which_it_is_judged(shop: World) -> None:
    tag = read(GOAL, "again")
    assert write(tag) == GOAL
    assert goal.said(tag) == "metric(orders in last 10 days) from 40 to 70 by 2026-07-01"
    assert shop.verb("metric show", key="orders")["judges"] == ["again"]
    assert shop.verb("tag show", key="again")["goal"] is True


def test_the_command_prints_the_stages(shop: World) -> None:
    shop.close()
    words = ("tag", "report", "again", "--as-of", (NOW + 24 * DAY).isoformat())
    printed = limner(shop.folder, *words)
    assert printed.returncode == 0, printed.stderr
    assert "again: not met" in printed.stdout
    assert "55 (55 people)" in printed.stdout
    assert json.loads(limner(shop.folder, *words, "--json").stdout)["state"] == "not_met"
    shop.open()
