"""What a holdout can show: the smallest true difference of shares that an experiment of a size would find.

Pure: numbers in, numbers out. What cannot be known is an answer of its own, never a made-up number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

LEVEL = 0.95
POWER = 0.8
ENOUGH = 10
"""Conversions that each arm must have before a difference is said at all (see `limner.feedback.effects`)."""

_STEPS = 60


@dataclass(frozen=True)
class Shows:
    """An experiment of `treated` and `held_out` people finds a true rise of `difference` in `POWER` of all trials.

    `difference` is added to the share `baseline`: 0.02 means from 5 % to 7 %.
    """

    treated: int
    held_out: int
    baseline: float
    difference: float


@dataclass(frozen=True)
class ShowsNothing:
    """No difference can be shown. `reason`: nobody_held_out, nobody_treated, no_baseline, few_conversions
    (the held out will hardly convert `ENOUGH` times), or too_few_people."""

    treated: int
    held_out: int
    reason: str


def smallest_difference(
    treated: int, held_out: int, baseline: float | None, *, level: float = LEVEL, power: float = POWER
) -> Shows | ShowsNothing:
    """The smallest true rise over `baseline` that is found in `power` of all trials at confidence `level`.

    Two independent shares are compared, two-sided. A trial finds the rise p1 - p2 when the interval around the
    difference excludes zero, whose chance is about

        Φ((p1 - p2 - z √(p̄(1 - p̄)(1/n1 + 1/n2))) / √(p1(1 - p1)/n1 + p2(1 - p2)/n2)),
        z = z(1 - α/2), p̄ = (n1 p1 + n2 p2)/(n1 + n2)

    (Fleiss, Levin & Paik 2003, Statistical Methods for Rates and Proportions, 3rd ed., section 4.3, without
    continuity correction), times the chance that each arm has at least `ENOUGH` conversions, without which
    nothing is said. The rise is found by bisection: the chance grows with it.
    """
    if held_out < 1:
        return ShowsNothing(treated, held_out, "nobody_held_out")
    if treated < 1:
        return ShowsNothing(treated, held_out, "nobody_treated")
    if baseline is None or not 0 <= baseline <= 1:
        return ShowsNothing(treated, held_out, "no_baseline")
    if _enough(held_out, baseline) < power:
        return ShowsNothing(treated, held_out, "few_conversions")
    low, high = 0.0, 1.0 - baseline
    if chance(treated, held_out, baseline, high, level=level) < power:
        return ShowsNothing(treated, held_out, "too_few_people")
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if chance(treated, held_out, baseline, middle, level=level) < power:
            low = middle
        else:
            high = middle
    return Shows(treated, held_out, baseline, high)


def chance(treated: int, held_out: int, baseline: float, rise: float, *, level: float = LEVEL) -> float:
    """The chance that a trial finds a true rise over the baseline; see `smallest_difference`."""
    from scipy.special import ndtr, ndtri  # slow to load

    p2 = baseline
    p1 = min(1.0, baseline + rise)
    pooled = (treated * p1 + held_out * p2) / (treated + held_out)
    under_none = math.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / held_out))
    under_rise = math.sqrt(p1 * (1 - p1) / treated + p2 * (1 - p2) / held_out)
    beyond = p1 - p2 - float(ndtri((1 + level) / 2)) * under_none
    if under_rise == 0:
        found = 1.0 if beyond > 0 else 0.0
    else:
        found = float(ndtr(beyond / under_rise))
    return found * _enough(held_out, p2) * _enough(treated, p1)


@lru_cache(maxsize=4096)
def _enough(people: int, share: float) -> float:
    """The chance that at least `ENOUGH` of so many people convert."""
    from scipy.special import bdtrc  # slow to load

    if people < ENOUGH:
        return 0.0
    return float(bdtrc(ENOUGH - 1, people, share)) if share < 1 else 1.0


def curve(
    eligible: int, baseline: float | None, shares: Sequence[float]
) -> list[tuple[float, Shows | ShowsNothing]]:
    """For each share held out of `eligible` people, what it can show."""
    found = []
    for share in shares:
        out = round(eligible * share)
        found.append((share, smallest_difference(eligible - out, out, baseline)))
    return found
