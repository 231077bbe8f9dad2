"""Foretelling: how well each tag of a past instant parts those who reached something afterwards from the others.

Pure numbers out of a group portrait: the crowd are those who reached it, the base everybody who was there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from limner.portraits.group import Distribution, GroupPortrait, Share
from limner.portraits.index import Numbers, significant

ENOUGH = 30
"""Fewer people who reached it, or who did not, or who have the tag, say nothing."""

Z = 1.959963984540054

Verdict = Literal["predicts", "nothing", "not_enough_data"]


@dataclass(frozen=True)
class Foretold:
    """How much one tag tells of what comes. `people`: those with a value; `p`: of the test that it tells nothing.

    `worth`: the information value in nats, sum of (a − b) ln(a / b) over the values (those without any included), where
    a is a value's share of those who reached it, b of those who did not; less what chance alone gives. `low`, `high`:
    its 95 % interval. `best`: the value that differs most among those that differ surely.
    """

    tag: str
    verdict: Verdict
    people: int
    worth: float | None
    low: float | None
    high: float | None
    p: float | None
    best: Share | None


def foretold(portrait: GroupPortrait, *, rate: float = 0.05) -> tuple[Foretold, ...]:
    """Every tag, the one that tells most first; at most `rate` of those that predict do so by chance alone.

    Source: Kullback & Leibler (1951) for the divergence; its interval by the delta method; whether there is any
    difference by Pearson's chi-squared test; Benjamini & Hochberg (1995) over the tags.
    """
    reached, others = portrait.crowd, portrait.base - portrait.crowd
    found = [_foretold(item, reached, others) for item in portrait.tags]
    sure = significant(np.array([np.nan if one.p is None else one.p for one in found]), rate=rate)
    judged = [
        one
        if one.verdict == "not_enough_data"
        else Foretold(
            **{**vars(one), "verdict": "predicts" if yes else "nothing", "best": one.best if yes else None}
        )
        for one, yes in zip(found, sure.tolist(), strict=True)
    ]
    return tuple(sorted(judged, key=lambda one: (-(one.worth or 0.0), one.verdict != "nothing", one.tag)))


def _foretold(item: Distribution, reached: int, others: int) -> Foretold:
    people = sum(share.base for share in item.shares if not share.unknown)
    if min(reached, others, people) < ENOUGH:
        return Foretold(item.tag, "not_enough_data", people, None, None, None, None, None)
    counts = _cells(item)
    if len(counts) < 2:
        return Foretold(item.tag, "nothing", people, 0.0, 0.0, 0.0, None, None)
    a, b = (
        (part + 0.5) / (part + 0.5).sum() for part in counts.T
    )  # half a person each, so that no share is 0
    logs = np.log(a / b)
    worth = float(((a - b) * logs).sum())
    by_a, by_b = logs + 1 - b / a, -logs + 1 - a / b
    variance = sum(
        float((part * slope**2).sum() - (part * slope).sum() ** 2) / size
        for part, slope, size in ((a, by_a, reached), (b, by_b, others))
    )
    freedom = len(counts) - 1
    chance = freedom * (1 / reached + 1 / others)
    half = Z * max(variance, 0.0) ** 0.5
    from scipy.special import chdtrc  # slow to load

    p = float(chdtrc(freedom, _pearson(counts)))
    held = [share for share in item.shares if share.base]
    both = len(held) == 2 and any(share.significant for share in held)  # of two complements one is tested
    likely = [share for share in held if (share.significant or both) and share.base >= ENOUGH and share.tgi]
    best = max(likely, key=lambda share: abs(np.log((share.tgi or 1.0) / 100)), default=None)
    return Foretold(
        item.tag,
        "nothing",
        people,
        max(0.0, worth - chance),
        max(0.0, worth - chance - half),
        max(0.0, worth - chance + half),
        p,
        best,
    )


def _cells(item: Distribution) -> Numbers:
    """Per value who reached it and who did not; values of fewer than 30 people share a row."""
    pairs = [(share.crowd, share.base - share.crowd) for share in item.shares if share.base]
    rows = [pair for pair in pairs if sum(pair) >= ENOUGH]
    few = [pair for pair in pairs if sum(pair) < ENOUGH]
    if few:
        rows.append((sum(pair[0] for pair in few), sum(pair[1] for pair in few)))
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _pearson(counts: Numbers) -> float:
    """The chi-squared statistic of a table of values × (reached, not)."""
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / counts.sum()
    return float(((counts - expected) ** 2 / expected).sum())
