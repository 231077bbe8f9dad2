from __future__ import annotations

import csv
import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from limner.feedback import effects
from limner.feedback.effects import Arm, Interval, NotEnoughData, newcombe, welch, wilson


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_is_scipys(k: int, extra: int) -> None:
    n = k + extra
    ours = wilson(k, n)
    theirs = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert ours.value == k / n
    assert ours.low == pytest.approx(theirs.low, abs=1e-12)
    assert ours.high == pytest.approx(theirs.high, abs=1e-12)


def test_a_share_of_nobody_is_no_number() -> None:
    for k, n in ((0, 0), (2, 1), (-1, 3)):
        with pytest.raises(ValueError, match="no share"):
            wilson(k, n)


@pytest.mark.proves("F2")
@pytest.mark.parametrize(
    ("k1", "n1", "k2", "n2", "low", "high"),
    [
        # Newcombe (1998), table II, method 10.
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (10, 10, 0, 20, 0.6791, 1.0),
        (10, 10, 0, 10, 0.6075, 1.0),
        (0, 10, 0, 10, -0.2775, 0.2775),
    ],
)
def test_newcombe_gives_the_published_intervals(
    k1: int, n1: int, k2: int, n2: int, low: float, high: float
) -> None:
    ours = newcombe(k1, n1, k2, n2)
    assert ours.value == pytest.approx(k1 / n1 - k2 / n2)
    assert (ours.low, ours.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


@given(st.integers(0, 2**32), st.integers(2, 40), st.integers(2, 40))
def test_welch_is_scipys(seed: int, n1: int, n2: int) -> None:
    random = np.random.default_rng(seed)
    a, b = random.lognormal(0, 1, n1), random.lognormal(0.2, 2, n2)
    ours = welch(a.mean(), a.var(ddof=1), n1, b.mean(), b.var(ddof=1), n2)
    theirs = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert (ours.low, ours.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))


def test_welch_without_any_spread_is_sure_and_with_one_person_is_refused() -> None:
    assert welch(1, 0, 5, 0, 0, 5) == Interval(1, 1, 1)
    with pytest.raises(ValueError, match="two people"):
        welch(1, 0, 1, 0, 0, 5)


def test_an_arms_mean_and_variance_come_from_its_sums() -> None:
    values = np.array([0, 0, 3.5, 7])
    arm = Arm(4, 2, float(values.sum()), float((values**2).sum()))
    assert arm.mean == values.mean()
    assert arm.variance == pytest.approx(values.var(ddof=1))
    assert math.isnan(Arm(0, 0).mean)
    assert math.isnan(Arm(1, 0).variance)


@pytest.mark.proves("B3")
@pytest.mark.parametrize(
    ("treated", "held_out", "says"),
    [
        (Arm(100, 9), Arm(100, 50), "9 conversions among the treated"),
        (Arm(100, 50), Arm(100, 9), "9 among the held out"),
        (Arm(100, 50), Arm(0, 0), "nobody was held out"),
        (Arm(0, 0), Arm(100, 50), "nobody was treated"),
    ],
)
def test_thin_data_has_no_answer(treated: Arm, held_out: Arm, says: str) -> None:
    for answer in (effects.conversions(treated, held_out), effects.money(treated, held_out)):
        assert isinstance(answer, NotEnoughData)
        assert says in answer.message


def test_intervals_scale_to_all_people() -> None:
    assert Interval(0.1, -0.2, 0.3).times(10) == Interval(1.0, -2.0, 3.0)
    assert Interval(1, 0.5, 2).excludes_zero
    assert not Interval(1, -0.5, 2).excludes_zero


@pytest.mark.proves("F3")
def test_intervals_hold_a_planted_effect_as_often_as_they_say() -> None:
    held = [0, 0]
    seeds = 200
    for seed in range(seeds):
        random = np.random.default_rng([seed, 3])
        arms = []
        for n, chance in ((8000, 0.07), (2000, 0.05)):
            spent = np.where(random.random(n) < chance, random.lognormal(4, 0.6, n), 0)
            arms.append(Arm(n, int((spent > 0).sum()), float(spent.sum()), float((spent**2).sum())))
        made, earned = effects.conversions(*arms), effects.money(*arms)
        assert isinstance(made, Interval)
        assert isinstance(earned, Interval)
        held[0] += made.low <= 0.02 <= made.high
        held[1] += earned.low <= 0.02 * math.exp(4 + 0.18) <= earned.high
    assert 0.91 <= held[0] / seeds <= 0.99
    assert 0.91 <= held[1] / seeds <= 0.99


@pytest.mark.datasets
@pytest.mark.proves("F3")
def test_the_mens_mail_of_the_challenge_earned_money(datasets: Path) -> None:
    arms: dict[str, list[float]] = {}
    with gzip.open(datasets / "data" / "hillstrom_email_half.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            arms.setdefault(row["segment"], []).append(float(row["spend"]))
    made = {}
    for name, values in arms.items():
        spent = np.array(values)
        made[name] = (spent, Arm(len(spent), int((spent > 0).sum()), spent.sum(), (spent**2).sum()))
    mens, nobody = made["Mens E-Mail"], made["No E-Mail"]
    earned = effects.money(mens[1], nobody[1])
    oracle = stats.ttest_ind(mens[0], nobody[0], equal_var=False).confidence_interval(0.95)
    assert isinstance(earned, Interval)
    assert (earned.low, earned.high) == (pytest.approx(oracle.low), pytest.approx(oracle.high))
    converted = effects.conversions(mens[1], nobody[1])
    assert isinstance(converted, Interval)
    assert converted.low > 0
    assert earned.low > 0
