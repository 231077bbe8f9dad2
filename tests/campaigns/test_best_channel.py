"""The channel by which people are best written to: against an oracle that looks at one person at a time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.campaigns.best_channel import CROWD_PRIOR, Answers, crowd_shares, picked, shares, worth

numbers = st.integers(0, 2**32)


def drawn(seed: int, people: int = 40, channels: int = 3) -> tuple[Answers, np.ndarray, list[int]]:
    rng = np.random.default_rng(seed)
    asked = rng.poisson(6, (people, channels))
    answered = rng.binomial(asked, 0.3)
    crowd = rng.integers(0, 5_000, channels)
    answers = Answers(asked, answered, crowd, rng.binomial(crowd, 0.2))
    return answers, rng.random((people, channels)) < 0.7, rng.integers(0, 500, channels).tolist()


def share_of(answers: Answers, prior: int, who: int, by: int) -> Fraction:
    """The formula, of one person."""
    total = (Fraction(int(answers.crowd_answered.sum())) + Fraction(1, 10)) / (
        int(answers.crowd_asked.sum()) + 1
    )
    crowd = (int(answers.crowd_answered[by]) + CROWD_PRIOR * total) / (
        int(answers.crowd_asked[by]) + CROWD_PRIOR
    )
    return (int(answers.answered[who, by]) + prior * crowd) / (int(answers.asked[who, by]) + prior)


@given(numbers, st.integers(1, 100), st.none() | st.integers(0, 1_000_000))
@settings(max_examples=40, deadline=None)
def test_everybody_gets_what_the_formula_says_alone(seed: int, prior: int, value: int | None) -> None:
    answers, may, costs = drawn(seed)
    found = picked(worth(shares(answers, prior=prior), costs, value), may, costs, [None] * 3)
    for who in range(len(may)):
        open_ = [by for by in range(3) if may[who, by]]
        if not open_:
            assert found[who] == -1
            continue

        def gain(by: int, who: int = who) -> Fraction:
            share = share_of(answers, prior, who, by)
            return share if value is None else share * value - costs[by]

        best = max(gain(by) for by in open_)
        assert abs(gain(int(found[who])) - best) < Fraction(1, 10**9) * max(1, abs(best))
        assert may[who, found[who]]


def test_of_equal_ones_the_cheaper_then_the_earlier() -> None:
    worths, may = np.full((1, 3), 0.2), np.ones((1, 3), dtype=bool)
    assert picked(worths, may, [5, 1, 1], [None] * 3).tolist() == [1]
    assert picked(worths, may, [0, 0, 0], [None] * 3).tolist() == [0]


def test_a_channel_of_which_nothing_is_known_has_the_share_of_all() -> None:
    found = crowd_shares(np.array([10_000, 0]), np.array([1_000, 0]))
    assert abs(found[0] - 0.1) < 1e-3
    assert abs(found[1] - 0.1) < 1e-3


def one_by_one(worths: np.ndarray, may: np.ndarray, costs: list[int], left: list[int | None]) -> list[int]:
    """Each asks for their best channel; a full one sends away who gains least by it, who then asks for the next."""
    order = sorted(range(3), key=lambda by: (costs[by], by))
    wishes = [
        sorted((by for by in order if may[who, by]), key=lambda by, who=who: -worths[who, by])
        for who in range(len(may))
    ]
    best = [list(wish) for wish in wishes]

    def gain(who: int, by: int) -> tuple[float, int]:
        others = [worths[who, other] for other in best[who] if other != by]
        return (worths[who, by] - max(others) if others else float("inf"), -who)

    has: dict[int, list[int]] = {by: [] for by in range(3)}
    waiting = list(range(len(may)))
    while waiting:
        who = waiting.pop()
        if wishes[who]:
            by = wishes[who].pop(0)
            has[by].append(who)
            most = left[by]
            if most is not None and len(has[by]) > most:
                gone = min(has[by], key=lambda one, by=by: gain(one, by))
                has[by].remove(gone)
                waiting.append(gone)
    found = {who: by for by, some in has.items() for who in some}
    return [found.get(who, best[who][0] if best[who] else -1) for who in range(len(may))]


@given(numbers, st.lists(st.none() | st.integers(0, 30), min_size=3, max_size=3))
@settings(max_examples=100, deadline=None)
def test_a_quota_is_kept_and_goes_to_those_who_gain_most(seed: int, left: list[int | None]) -> None:
    answers, may, costs = drawn(seed)
    worths = worth(shares(answers, prior=20), costs, None)
    assert picked(worths, may, costs, left).tolist() == one_by_one(worths, may, costs, left)


def test_who_gains_most_keeps_the_place() -> None:
    worths = np.array([[0.5, 0.4], [0.5, 0.1], [0.9, 0.85]])
    may = np.ones((3, 2), dtype=bool)
    assert picked(worths, may, [0, 0], [1, None]).tolist() == [1, 0, 1]
    only = np.array([[True, False], [True, True], [True, True]])
    assert picked(worths, only, [0, 0], [1, None]).tolist() == [0, 1, 1]  # nobody else can reach the first
    assert picked(worths, only, [0, 0], [0, 0]).tolist() == [
        0,
        0,
        0,
    ]  # no room at all: they wait at their best


def test_choosing_reaches_more_answers_than_any_one_channel() -> None:
    rng = np.random.default_rng(7)
    people = 20_000
    favourite = rng.integers(0, 3, people)
    true = np.where(np.arange(3) == favourite[:, None], 0.25, 0.03) * np.array([1.0, 0.9, 1.1])
    asked = rng.poisson(8, (people, 3))
    answered = rng.binomial(asked, true)
    consent = rng.random((people, 3)) < 0.8
    answers = Answers(asked, answered, asked.sum(axis=0), answered.sum(axis=0))
    found = picked(worth(shares(answers, prior=20), [0, 0, 0], None), consent, [0, 0, 0], [None] * 3)
    rows = np.flatnonzero(found >= 0)
    assert consent[rows, found[rows]].all()
    reached = float(true[rows, found[rows]].sum())
    fixed = [float((true[:, by] * consent[:, by]).sum()) for by in range(3)]
    perfect = float(np.where(consent, true, 0).max(axis=1).sum())
    assert reached > 1.5 * max(fixed)
    assert reached > 0.75 * perfect
