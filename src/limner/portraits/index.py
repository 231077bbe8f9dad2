"""Target group index: a crowd's share of a value against everybody's. Pure numbers; knows no tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_EXACT_BELOW = 1_000.0
"""Cells expected to hold fewer people are tested exactly; above, the normal tail is as good."""


@dataclass(frozen=True)
class Index:
    """Per value: `tgi` = 100 × share in the crowd / share in the base, its interval and its p value.

    nan where the base has nobody with the value; `low`, `high` are nan where the crowd has nobody.
    """

    tgi: Numbers
    low: Numbers
    high: Numbers
    p: Numbers


def index(crowd: Any, base: Any, *, crowd_size: Any, base_size: Any, level: float = 0.95) -> Index:
    """The index of each value; the crowd is part of the base.

    `crowd`, `base`: people with the value; `crowd_size`, `base_size`: people in all.

    Interval: the logarithm of the ratio of shares r = p1/p, by the delta method. With n1 people in the crowd,
    n2 = N - n1 others, w = n1/N, p = w p1 + (1 - w) p2, the crowd and the others being independent samples:

        log r ≈ p̂1 (1/p1 - w/p) - p̂2 (1 - w)/p + const
        Var(log r) = (1/p1 - w/p)² p1(1 - p1)/n1 + ((1 - w)/p)² p2(1 - p2)/n2

    Where crowd and others have the same share this is (1 - p1)/(n1 p1) - (1 - p)/(N p): the covariance of a
    part with its whole makes the interval narrower than that of two separate samples, and it vanishes as the
    crowd becomes everybody. (Katz, Baptista, Azen & Pike 1978, Biometrics 34:469, for separate samples.)

    Test: that the crowd is a random part of the base (hypergeometric, two-sided, twice the smaller tail).
    """
    x1, x = np.asarray(crowd, dtype=np.float64), np.asarray(base, dtype=np.float64)
    n1, n = (
        np.broadcast_to(np.asarray(crowd_size, float), x1.shape),
        np.broadcast_to(float(base_size), x1.shape),
    )
    n2 = n - n1
    with np.errstate(divide="ignore", invalid="ignore"):
        p1, p, w = x1 / n1, x / n, n1 / n
        p2 = np.where(n2 > 0, (x - x1) / n2, 0.0)
        ratio = np.where(x > 0, p1 / p, np.nan)
        in_crowd = (1 / p1 - w / p) ** 2 * p1 * (1 - p1) / n1
        in_others = np.where(n2 > 0, ((1 - w) / p) ** 2 * p2 * (1 - p2) / n2, 0.0)
        spread = _normal(level) * np.sqrt(in_crowd + in_others)
        low, high = ratio * np.exp(-spread), ratio * np.exp(spread)
    nobody = (x1 == 0) | (x == 0)
    low, high = np.where(nobody, np.nan, low), np.where(nobody, np.nan, high)
    return Index(100 * ratio, 100 * low, 100 * high, tails(x1, x, n1, n))


def versus(
    crowd: Any,
    base: Any,
    union: Any,
    *,
    crowd_size: Any,
    base_size: Any,
    union_size: Any,
    level: float = 0.95,
) -> Index:
    """The index of each value of a crowd against any other crowd; the two may overlap.

    `crowd`, `base`, `union`: people with the value in either and in both together; sizes likewise.

    Interval: as in `index`, with three independent samples: only in the crowd, in both, only in the base. With n1
    people in the crowd, n2 in the base and m in both, the logarithm of p1/p2 has the derivative (n1 - m)/(n1 p1)
    by the first sample's share, m/(n1 p1) - m/(n2 p2) by the second's and -(n2 - m)/(n2 p2) by the third's.

    Test: that the smaller crowd is a random part of the union (hypergeometric, two-sided).
    """
    x1, x2, x = (np.asarray(item, dtype=np.float64) for item in (crowd, base, union))
    n1, n2, n = (np.broadcast_to(float(item), x1.shape) for item in (crowd_size, base_size, union_size))
    both, in_both = n1 + n2 - n, x1 + x2 - x
    with np.errstate(divide="ignore", invalid="ignore"):
        p1, p2 = x1 / n1, x2 / n2
        ratio = np.where(x2 > 0, p1 / p2, np.nan)
        variance = np.zeros(x1.shape)
        parts = (
            (x1 - in_both, n1 - both, (n1 - both) / (n1 * p1)),
            (in_both, both, both / (n1 * p1) - both / (n2 * p2)),
            (x2 - in_both, n2 - both, -(n2 - both) / (n2 * p2)),
        )
        for held, size, slope in parts:
            share = held / size
            variance = variance + np.where(size > 0, slope**2 * share * (1 - share) / size, 0.0)
        spread = _normal(level) * np.sqrt(variance)
        low, high = ratio * np.exp(-spread), ratio * np.exp(spread)
    nobody = (x1 == 0) | (x2 == 0)
    low, high = np.where(nobody, np.nan, low), np.where(nobody, np.nan, high)
    smaller = n1 <= n2
    p = tails(np.where(smaller, x1, x2), x, np.where(smaller, n1, n2), n)
    return Index(100 * ratio, 100 * low, 100 * high, p)


def _normal(level: float) -> float:
    """So many standard deviations to either side hold the share `level` of a normal distribution."""
    from scipy.special import ndtri  # slow to load

    return float(ndtri(0.5 + level / 2))


def tails(x1: Numbers, x: Numbers, n1: Numbers, n: Numbers) -> Numbers:
    """Two-sided p of drawing x1 when n1 of n are drawn without return and x of n have the value.

    Exact below 1,000 expected people in any cell (of crowd/others × with/without), else normal with
    continuity correction.
    """
    from scipy.special import ndtr  # slow to load

    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(n > 0, n1 * x / n, 0.0)
        variance = mean * (1 - x / n) * (n - n1) / np.maximum(n - 1, 1)
        z = (np.abs(x1 - mean) - 0.5) / np.sqrt(variance)
    p = np.where(variance > 0, np.minimum(1.0, 2 * ndtr(-np.maximum(z, 0.0))), 1.0)
    least = np.minimum(np.minimum(mean, n1 - mean), np.minimum(x - mean, n - n1 - x + mean))
    exact = (variance > 0) & (least < _EXACT_BELOW)
    if exact.any():
        p = p.copy()
        p[exact] = np.minimum(1.0, 2 * _smaller_tail(x1[exact], x[exact], n1[exact], n[exact], mean[exact]))
    return p


def _smaller_tail(x1: Numbers, x: Numbers, n1: Numbers, n: Numbers, mean: Numbers) -> Numbers:
    """The hypergeometric tail beyond x1, away from the mean: the first term, then its neighbours by ratio."""

    from scipy.special import gammaln  # slow to load

    def choose(a: Numbers, b: Numbers) -> Numbers:
        return np.asarray(gammaln(a + 1) - gammaln(b + 1) - gammaln(a - b + 1))

    term = np.exp(choose(x, x1) + choose(n - x, n1 - x1) - choose(n, n1))
    total, at = term.copy(), x1.copy()
    up = x1 >= mean
    for _ in range(200_000):
        with np.errstate(divide="ignore", invalid="ignore"):
            rising = (x - at) * (n1 - at) / ((at + 1) * (n - x - n1 + at + 1))
            falling = at * (n - x - n1 + at) / ((x - at + 1) * (n1 - at + 1))
        term = term * np.where(up, rising, falling)
        at = at + np.where(up, 1.0, -1.0)
        total = total + term
        if not (term > 1e-16 * total).any():
            break
    return total


def significant(p: Numbers, *, rate: float = 0.05) -> npt.NDArray[np.bool_]:
    """Which p values count as findings when at most `rate` of the findings may be false.

    Benjamini & Hochberg 1995: sorted p(i) <= rate × i / m. When no difference is real, the chance of any
    finding is at most `rate`. nan is never a finding and does not count.
    """
    result = np.zeros(p.shape, dtype=np.bool_)
    tested = np.flatnonzero(~np.isnan(p))
    if not len(tested):
        return result
    order = tested[np.argsort(p[tested], kind="stable")]
    passing = np.flatnonzero(p[order] <= rate * np.arange(1, len(order) + 1) / len(order))
    if len(passing):
        result[order[: passing[-1] + 1]] = True
    return result
