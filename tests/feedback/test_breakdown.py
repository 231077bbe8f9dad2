"""What a sending did group by group: the same numbers as one by one, and only what surely differs is said to."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from limner.columns import Given, column
from limner.feedback.breakdown import MOST_GROUPS, PARTS, REACTED, Group, Told, breakdown, grouped, named
from limner.feedback.effects import newcombe, wilson
from limner.types import ValueType

N = 8_000


def told(random: np.random.Generator, shares: dict[str, np.ndarray]) -> Told:
    """People of whom so many of each group reacted; a quarter of them is held out."""
    treated = random.random(N) < 0.75
    sent = treated & (random.random(N) < 0.9)
    reacted = {what: sent & (random.random(N) < shares.get(what, np.zeros(N))) for what in REACTED}
    chance = 0.1 + np.where(treated, shares.get("effect", np.zeros(N)), 0)
    converted = random.random(N) < chance
    return Told(treated, sent, reacted, converted, np.where(converted, random.random(N) * 100, 0.0))


@pytest.mark.proves("F2")
@pytest.mark.proves("S9")
def test_harm_and_help_are_found_in_the_group_where_they_were_planted() -> None:
    random = np.random.default_rng(5)
    cells = random.integers(0, 4, N)
    groups = [Group(value=name) for name in "abcd"]
    plain = np.full(N, 0.05)
    known = told(
        random,
        {
            "clicked": plain,
            "unsubscribed": np.where(cells == 2, 0.2, 0.05),
            "complained": np.where(cells == 0, 0.03, 0.0),
            "effect": np.select([cells == 1, cells == 3], [0.15, -0.07], 0.0),
        },
    )
    rows = breakdown(cells, groups, known, arms=True)
    assert [row["unsubscribed"]["differs"] == "more" for row in rows] == [False, False, True, False]
    assert [row["complained"]["differs"] == "more" for row in rows] == [True, False, False, False]
    assert [row["state"] for row in rows] == ["no_difference", "more", "no_difference", "fewer"]
    assert [row["clicked"]["differs"] for row in rows] == [None] * 4
    for place, row in enumerate(rows):
        mine = cells == place
        assert (row["people"], row["sent"]) == (mine.sum(), (mine & known.sent).sum())
        left = int((mine & known.reacted["unsubscribed"]).sum())
        share = wilson(left, row["sent"])
        assert (row["unsubscribed"]["k"], row["unsubscribed"]["low"]) == (left, share.low)
        assert known.converted is not None
        arms = [
            (int((mine & arm & known.converted).sum()), int((mine & arm).sum()))
            for arm in (known.treated, ~known.treated)
        ]
        assert [
            (row["converted"][arm]["k"], row["converted"][arm]["n"]) for arm in ("treated", "held_out")
        ] == arms
        # all four hold together: each at 1 - 0.05 / 4
        made = newcombe(*arms[0], *arms[1], level=0.9875)
        assert row["incremental"] == {"per_person": made.value, "low": made.low, "high": made.high}


def test_of_many_groups_without_a_difference_hardly_one_is_said_to_differ() -> None:
    wrong = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        cells = random.integers(0, 12, N)
        rows = breakdown(
            cells,
            [Group(value=str(n)) for n in range(12)],
            told(random, {"clicked": np.full(N, 0.1)}),
            arms=True,
        )
        wrong += any(row["state"] in ("more", "fewer") or row["clicked"]["differs"] for row in rows)
    # two measures, each wrong at most once in twenty; 12 groups at 95 % each would be wrong in seven of ten
    assert wrong <= 0.1 * 60 + 3 * (60 * 0.1 * 0.9) ** 0.5


def test_where_nothing_can_be_said_the_reason_is() -> None:
    random = np.random.default_rng(1)
    cells = np.where(np.arange(N) < 12, 1, 0)
    groups = [Group(value="many"), Group(value="few")]
    known = told(random, {})
    many, few = breakdown(cells, groups, known, arms=True)
    assert (many["state"], few["state"], few["why_not"]) == ("no_difference", "not_enough", "few_conversions")
    by_channel = breakdown(cells, groups, known, arms=False)
    assert {row["why_not"] for row in by_channel} == {"not_drawn_by_it"}
    assert {row["held_out"] for row in by_channel} == {None}
    without = Told(known.treated, known.sent, known.reacted)
    assert {row["why_not"] for row in breakdown(cells, groups, without, arms=True)} == {"no_goal"}
    nobody = Told(np.zeros(0, bool), np.zeros(0, bool), {what: np.zeros(0, bool) for what in REACTED})
    assert breakdown(np.zeros(0, int), [], nobody, arms=True) == []


def test_people_fall_into_groups_by_their_value() -> None:
    who = np.arange(10)
    flags = column("f", Given(ValueType.FLAG, np.array([1, 2, 3]), np.array([True, False, True])), 4)
    cells, groups = grouped(flags, who)
    assert groups == [Group(value=False), Group(value=True), Group(unknown=True)]
    assert cells.tolist() == [2, 1, 0, 1, 2, 2, 2, 2, 2, 2]

    few = column("n", Given(ValueType.NUMBER, who, np.array([1.0, 2, 2, 2, 3, 3, 3, 3, 1, 1])), 10)
    assert grouped(few, who)[1] == [Group(value=1.0), Group(value=2.0), Group(value=3.0)]
    many = column("n", Given(ValueType.NUMBER, who, np.arange(10) * 1.5), 10)
    cells, groups = grouped(many, who)
    assert len(groups) == PARTS
    assert [(group.low, group.high) for group in groups] == [
        (0.0, 3.0),
        (3.0, 7.5),
        (7.5, 10.5),
        (10.5, None),
    ]
    assert np.bincount(cells).tolist() == [2, 3, 2, 3]
    assert grouped(many, who[:0])[1] == []

    begun = datetime(2026, 1, 1, tzinfo=UTC)
    at = int(begun.timestamp() * 1e6) + np.arange(10)
    _, groups = grouped(column("t", Given(ValueType.INSTANT, who, at), 10), who)
    assert groups[0].low == begun

    labels = tuple(f"city {n:02d}" for n in range(30))
    codes = np.concatenate([np.arange(30), np.arange(20), np.full(50, 7)]) + 1
    texts = column("c", Given(ValueType.TEXT, np.arange(100), codes, labels), 100)
    cells, groups = grouped(texts, np.arange(100))
    assert (len(groups), groups[0].value, groups[-1].rest) == (MOST_GROUPS + 1, "city 07", True)
    assert np.bincount(cells).sum() == 100
    assert np.bincount(cells)[0] == 52

    assert named(["a", "", "b", "a"])[1] == [Group(unknown=True), Group(value="a"), Group(value="b")]
