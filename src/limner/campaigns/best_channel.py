"""By which channel each person is best written to. Pure: counts, costs and who may be reached in, channels out.

An opportunity is a message that was sent and could be answered. A person's own share of answers is shrunk towards the
channel's, and the channel's towards that of all channels:

    share = (answered + prior × the others' share) / (opportunities + prior)

the mean of a Beta posterior whose prior is the others' share: `best_hour` with two sides instead of 24.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

CROWD_PRIOR = 100
"""So many messages weighs the share of all channels in that of one."""
FIRST_GUESS = (0.1, 10)
"""Answers and messages that all channels together are taken to have had besides those that were seen."""

_FINE = 1e12


@dataclass(frozen=True, eq=False)
class Answers:
    """How many messages of each channel people could have answered, and how many they did: by person and channel.

    `crowd_asked`, `crowd_answered`: everybody's, by channel.
    """

    asked: Ints
    answered: Ints
    crowd_asked: Ints
    crowd_answered: Ints


def crowd_shares(asked: Ints, answered: Ints) -> Floats:
    """The share of answers on each channel."""
    overall = (int(answered.sum()) + FIRST_GUESS[0]) / (int(asked.sum()) + FIRST_GUESS[1])
    return np.asarray((answered + CROWD_PRIOR * overall) / (asked + CROWD_PRIOR), dtype=np.float64)


def shares(found: Answers, *, prior: int) -> Floats:
    """How likely each person answers on each channel."""
    crowd = crowd_shares(found.crowd_asked, found.crowd_answered)
    return np.asarray((found.answered + prior * crowd) / (found.asked + prior), dtype=np.float64)


def worth(likely: Floats, costs: Sequence[int], value: int | None) -> Floats:
    """What a message is worth on each channel: its share of answers times an answer's value less its cost.

    Where no value is said, only the share counts. Rounded, so that sums in another order rank alike.
    """
    if value is None:
        found = likely
    else:
        found = likely * value - np.asarray(costs, dtype=np.float64)
    return np.asarray(np.round(found * _FINE) / _FINE, dtype=np.float64)


def picked(
    worths: Floats, may: Flags, costs: Sequence[int], left: Sequence[int | None]
) -> npt.NDArray[np.int8]:
    """The channel of each person: the best of those that may be used; -1 where there is none.

    Of equal ones the cheaper, then the earlier. `left`: so many messages may leave by a channel today (None: any
    number); when more want it, those keep it who gain most by it over their next best, of equal ones the earlier, and
    the others get their next. Who is left without any channel gets the best one and waits there.
    """
    channels = worths.shape[1]
    order = sorted(range(channels), key=lambda at: (costs[at], at))
    ranked = np.where(may, worths, -np.inf)[:, order]
    room = [left[at] for at in order]
    gains = _gains(ranked)
    open_ = np.isfinite(ranked)
    first = np.where(open_.any(axis=1), ranked.argmax(axis=1), -1)
    while True:
        some = open_.any(axis=1)
        choice = np.where(some, np.where(open_, ranked, -np.inf).argmax(axis=1), -1)
        full = False
        for at, most in enumerate(room):
            mine = np.flatnonzero(choice == at)
            if most is None or len(mine) <= most:
                continue
            by_gain = mine[np.argsort(-gains[mine, at], kind="stable")]
            open_[by_gain[most:], at] = False
            full = True
        if not full:
            break
    answer = np.where(choice < 0, first, choice)
    table = np.array([*order, -1], dtype=np.int8)
    return np.asarray(table[answer], dtype=np.int8)


def _gains(ranked: Floats) -> Floats:
    """What each person gains by each channel over the best of the others that they may be reached by."""
    found = np.empty_like(ranked)
    for at in range(ranked.shape[1]):
        others: Any = np.delete(ranked, at, axis=1)
        next_best = others.max(axis=1, initial=-np.inf)
        found[:, at] = np.where(
            np.isfinite(next_best), ranked[:, at] - np.where(np.isfinite(next_best), next_best, 0), np.inf
        )
    return found
