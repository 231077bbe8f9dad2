"""The statistics of experiments: intervals for a share and for differences of shares and of means.

Pure: numbers in, intervals out. What cannot be known is an answer of its own, never a made-up number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LEVEL = 0.95
ENOUGH = 10
"""Conversions that each arm must have before a difference is worth saying."""


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds that hold it in `LEVEL` of all repetitions."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Interval:
        """The same for a total of so many people."""
        bounds = sorted((self.low * factor, self.high * factor))
        return Interval(self.value * factor, *bounds)

    @property
    def excludes_zero(self) -> bool:
        """Whether no effect at all is outside the bounds."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class NotEnoughData:
    """There is no honest answer yet; `message` says what is missing.

    `reason`: the same for programs: nobody_held_out, nobody_treated or few_conversions.
    """

    message: str
    reason: str = "few_conversions"


@dataclass(frozen=True)
class Arm:
    """What the people of one arm did: `n` people, `k` of them converted.

    `total` and `squares`: the sum of each one's money and of its square, in currency units.
    """

    n: int
    k: int
    total: float = 0.0
    squares: float = 0.0

    @property
    def mean(self) -> float:
        """Money per person; nan without people."""
        return self.total / self.n if self.n else math.nan

    @property
    def variance(self) -> float:
        """The variance of money per person (n − 1); nan below two people."""
        if self.n < 2:
            return math.nan
        return max(0.0, (self.squares - self.n * self.mean**2) / (self.n - 1))


def wilson(k: int, n: int, *, level: float = LEVEL) -> Interval:
    """The share k/n with Wilson's score interval.

    Bounds: 0 ≤ low ≤ value ≤ high ≤ 1. Raises ValueError unless 0 ≤ k ≤ n and n > 0.
    Source: Wilson (1927), JASA 22.
    """
    from scipy.special import ndtri  # slow to load

    if not 0 <= k <= n or n == 0:
        raise ValueError(f"no share of {k} in {n}")
    z = float(ndtri((1 + level) / 2))
    share = k / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Interval(share, max(0.0, middle - half) if k else 0.0, min(1.0, middle + half) if k < n else 1.0)


def newcombe(k1: int, n1: int, k2: int, n2: int, *, level: float = LEVEL) -> Interval:
    """The difference k1/n1 − k2/n2 with Newcombe's hybrid score interval.

    Bounds: −1 ≤ low ≤ value ≤ high ≤ 1. Source: Newcombe (1998), Statistics in Medicine 17, method 10.
    """
    first, second = wilson(k1, n1, level=level), wilson(k2, n2, level=level)
    difference = first.value - second.value
    low = difference - math.hypot(first.value - first.low, second.high - second.value)
    high = difference + math.hypot(first.high - first.value, second.value - second.low)
    return Interval(difference, low, high)


def welch(
    mean1: float, variance1: float, n1: int, mean2: float, variance2: float, n2: int, *, level: float = LEVEL
) -> Interval:
    """The difference mean1 − mean2 with Welch's interval, which does not assume equal variances.

    Raises ValueError below two people in either arm. Source: Welch (1947), Biometrika 34.
    """
    from scipy.special import stdtrit  # slow to load

    if n1 < 2 or n2 < 2:
        raise ValueError("a variance needs two people in each arm")
    part1, part2 = variance1 / n1, variance2 / n2
    difference = mean1 - mean2
    if part1 + part2 == 0:
        return Interval(difference, difference, difference)
    freedom = (part1 + part2) ** 2 / (part1**2 / (n1 - 1) + part2**2 / (n2 - 1))
    half = float(stdtrit(freedom, (1 + level) / 2)) * math.sqrt(part1 + part2)
    return Interval(difference, difference - half, difference + half)


def not_enough(treated: Arm, held_out: Arm) -> NotEnoughData | None:
    """What is missing before a difference may be said; None when there is enough."""
    if not held_out.n:
        return NotEnoughData("nobody was held out, so nothing can be compared", "nobody_held_out")
    if not treated.n:
        return NotEnoughData("nobody was treated", "nobody_treated")
    if treated.k < ENOUGH or held_out.k < ENOUGH:
        return NotEnoughData(
            f"not enough data: {treated.k} conversions among the treated and {held_out.k} among the held out;"
            f" each needs {ENOUGH}"
        )
    return None


def conversions(treated: Arm, held_out: Arm) -> Interval | NotEnoughData:
    """The conversions per treated person that the campaign made: the difference of shares."""
    return not_enough(treated, held_out) or newcombe(treated.k, treated.n, held_out.k, held_out.n)


def money(treated: Arm, held_out: Arm) -> Interval | NotEnoughData:
    """The money per treated person that the campaign made, in currency units: the difference of means."""
    return not_enough(treated, held_out) or welch(
        treated.mean, treated.variance, treated.n, held_out.mean, held_out.variance, held_out.n
    )
