"""The target group index: its interval covers, its test is honest for many values at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom

from limner.portraits.index import index, significant, tails, versus


@pytest.mark.proves("R5")
def test_the_index_is_a_hundred_times_the_ratio_of_shares() -> None:
    found = index([30], [100], crowd_size=100, base_size=1000)
    assert found.tgi[0] == pytest.approx(300)
    assert found.low[0] < 300 < found.high[0]


def test_a_crowd_of_everybody_has_index_100_without_doubt() -> None:
    found = index([40], [40], crowd_size=200, base_size=200)
    assert (found.tgi[0], found.low[0], found.high[0], found.p[0]) == pytest.approx((100, 100, 100, 1))


def test_a_value_that_nobody_has_is_no_number() -> None:
    found = index([0, 0], [0, 10], crowd_size=50, base_size=100)
    assert np.isnan(found.tgi[0])
    assert found.tgi[1] == 0
    assert np.isnan(found.low[1])


@pytest.mark.proves("R5")
@pytest.mark.parametrize(
    ("n1", "n2", "p1", "p2"), [(500, 4500, 0.2, 0.1), (2000, 500, 0.3, 0.3), (300, 3000, 0.05, 0.15)]
)
def test_the_interval_covers_the_true_ratio_95_times_in_100(n1: int, n2: int, p1: float, p2: float) -> None:
    draws, rng = 20_000, np.random.default_rng(7)
    inside, outside = rng.binomial(n1, p1, draws), rng.binomial(n2, p2, draws)
    found = index(inside, inside + outside, crowd_size=n1, base_size=n1 + n2)
    truth = 100 * p1 / ((n1 * p1 + n2 * p2) / (n1 + n2))
    covered = ((found.low <= truth) & (truth <= found.high)).mean()
    assert 0.94 <= covered <= 0.965


def test_the_interval_of_two_separate_samples_would_be_too_wide() -> None:
    draws, rng = 20_000, np.random.default_rng(8)
    inside, outside = rng.binomial(2000, 0.3, draws), rng.binomial(500, 0.3, draws)
    spread = np.log((inside / 2000) / ((inside + outside) / 2500)).std()
    found = index([600], [750], crowd_size=2000, base_size=2500)
    assert np.log(found.high[0] / found.tgi[0]) / 1.96 == pytest.approx(spread, rel=0.03)
    assert spread < 0.5 * np.sqrt(0.7 / 600 + 0.7 / 750)


def test_small_cells_are_tested_exactly() -> None:
    x1, x, n1, n = (
        np.array([9.0, 0.0, 3.0]),
        np.array([20.0, 40.0, 30.0]),
        np.full(3, 100.0),
        np.full(3, 1000.0),
    )
    expected = [
        2 * hypergeom.sf(8, 1000, 20, 100),
        2 * hypergeom.cdf(0, 1000, 40, 100),
        min(1, 2 * min(hypergeom.sf(2, 1000, 30, 100), hypergeom.cdf(3, 1000, 30, 100))),
    ]
    assert tails(x1, x, n1, n) == pytest.approx(expected, rel=1e-9)


def test_large_cells_agree_with_the_exact_tail() -> None:
    x1, x, n1, n = np.array([5200.0]), np.array([50_000.0]), np.array([10_000.0]), np.array([100_000.0])
    exact = 2 * hypergeom.sf(5199, 100_000, 50_000, 10_000)
    assert tails(x1, x, n1, n)[0] == pytest.approx(exact, rel=0.05)


@pytest.mark.proves("R5")
def test_random_crowds_report_a_finding_at_most_5_times_in_100() -> None:
    rng = np.random.default_rng(11)
    people, values = 4_000, 12
    tags = rng.integers(0, values, size=(10, people))
    found = 0
    for _ in range(400):
        crowd = rng.permutation(people)[:300]
        crowds = np.concatenate([np.bincount(tag[crowd], minlength=values) for tag in tags])
        bases = np.concatenate([np.bincount(tag, minlength=values) for tag in tags])
        found += significant(index(crowds, bases, crowd_size=300, base_size=people).p).any()
    assert found / 400 <= 0.05


@pytest.mark.proves("R5")
def test_a_planted_difference_is_found_95_times_in_100() -> None:
    rng = np.random.default_rng(12)
    found = 0
    for _ in range(200):
        tags = rng.integers(0, 12, size=(10, 4_000))
        tags[3, :300] = np.where(rng.random(300) < 0.15, 5, tags[3, :300])
        crowds = np.concatenate([np.bincount(tag[:300], minlength=12) for tag in tags])
        bases = np.concatenate([np.bincount(tag, minlength=12) for tag in tags])
        found += significant(index(crowds, bases, crowd_size=300, base_size=4_000).p)[3 * 12 + 5]
    assert found / 200 >= 0.95


def test_benjamini_hochberg_steps_up() -> None:
    assert significant(np.array([0.01, 0.02, 0.03, 0.04, 0.9, np.nan])).tolist() == [True] * 4 + [False] * 2
    assert not significant(np.array([0.02, 0.5, 0.6])).any()


@pytest.mark.proves("R5")
@pytest.mark.parametrize(
    ("only_one", "both", "only_other", "p1", "p2"),
    [
        (800, 0, 1500, 0.3, 0.2),
        (500, 700, 900, 0.25, 0.25),
        (0, 600, 2000, 0.2, 0.1),
        (900, 400, 0, 0.1, 0.3),
    ],
)
def test_the_interval_against_another_crowd_covers_the_true_ratio_however_much_they_share(
    only_one: int, both: int, only_other: int, p1: float, p2: float
) -> None:
    draws, rng = 20_000, np.random.default_rng(9)
    shared = (p1 + p2) / 2
    first, middle, last = (
        rng.binomial(size, share, draws) for size, share in ((only_one, p1), (both, shared), (only_other, p2))
    )
    n1, n2 = only_one + both, both + only_other
    found = versus(
        first + middle, middle + last, first + middle + last,
        crowd_size=n1, base_size=n2, union_size=only_one + both + only_other,
    )  # fmt: skip
    truth = 100 * ((only_one * p1 + both * shared) / n1) / ((both * shared + only_other * p2) / n2)
    assert 0.94 <= ((found.low <= truth) & (truth <= found.high)).mean() <= 0.965


def test_a_crowd_against_one_that_holds_it_is_the_index_of_a_part_in_its_whole() -> None:
    part = index([30, 5], [100, 400], crowd_size=100, base_size=1000)
    same = versus([30, 5], [100, 400], [100, 400], crowd_size=100, base_size=1000, union_size=1000)
    for name in ("tgi", "low", "high", "p"):
        assert getattr(same, name) == pytest.approx(getattr(part, name))


@pytest.mark.proves("R5")
def test_crowds_drawn_alike_differ_significantly_in_at_most_5_of_100_draws() -> None:
    draws, rng = 5_000, np.random.default_rng(10)
    parts = [rng.binomial(size, 0.03, draws) for size in (300, 150, 500)]
    found = versus(
        parts[0] + parts[1], parts[1] + parts[2], sum(parts), crowd_size=450, base_size=650, union_size=950
    )
    assert (found.p <= 0.05).mean() <= 0.05
