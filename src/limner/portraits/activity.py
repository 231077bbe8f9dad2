"""Activity: when each person was last seen, and in how many events. Kept in memory; the engine is the truth.

One pass over the events at first need; then only the people whom loads touched are counted again. What was read
is never written to: whoever holds it goes on with what was so then.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from limner.engine.seam import Engine
from limner.types import naive

NEVER = np.iinfo(np.int64).min
"""When somebody was last seen of whom there is no event."""

MOST_AGAIN = 20_000
"""Beyond so many touched people everybody is counted again: it costs less."""

_COUNTED = "SELECT ix, epoch_us(MAX(ts)) AS last, COUNT(*) AS n FROM events WHERE {who} GROUP BY ix"

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Seen:
    """By ordinal: microseconds of the last event (NEVER: none), and how many events."""

    last: Ints
    events: Ints


class Activity:
    """The activity of everybody in one engine. Safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reading = threading.Lock()
        self._noting = threading.Lock()
        self._touched: list[npt.NDArray[np.uint32]] = []
        self._known: Seen | None = None

    def touched(self, people: npt.NDArray[np.uint32]) -> None:
        """These people's events changed: to be told after it was committed."""
        if len(people) and self._known is not None:
            with self._noting:
                self._touched.append(people)

    def forget(self) -> None:
        """Everybody is counted again: the engine's file was replaced."""
        with self._reading:
            self._known = None

    def seen(self, n: int) -> Seen:
        """What is so now, at least `n` ordinals long."""
        with self._reading:
            with self._noting:
                waiting, self._touched = self._touched, []
                known, self._known = self._known, self._known or _nothing(0)
            try:
                again = np.unique(np.concatenate(waiting)) if waiting else np.empty(0, np.uint32)
                if known is None or len(again) > MOST_AGAIN:
                    known = _filled(_nothing(n), self._engine.read(_COUNTED.format(who="ix IS NOT NULL")))
                elif len(again):
                    rows = self._engine.read(
                        _COUNTED.format(who="ix IN (SELECT UNNEST($ixs::UINTEGER[]))"),
                        {"ixs": again.tolist()},
                    )
                    known = _filled(_without(_padded(known, n), again), rows)
                self._known = _padded(known, n)
            except BaseException:
                self._known = None
                raise
            return self._known


def seen_by(engine: Engine, seen: Seen, *, at: datetime) -> tuple[Seen, npt.NDArray[np.uint32]]:
    """(the activity of which Limner knew at that instant, the ordinals that were not known then).

    So the pages of a list that began at `at` fit together while events go on to arrive.
    """
    rows = engine.read(
        "WITH later AS (SELECT DISTINCT ix FROM events WHERE received_at >= $at AND ix IS NOT NULL)"
        " SELECT l.ix, epoch_us(MAX(e.ts) FILTER (WHERE e.received_at < $at)) AS last,"
        " COUNT(*) FILTER (WHERE e.received_at < $at) AS n"
        " FROM later AS l JOIN events AS e ON e.ix = l.ix GROUP BY l.ix",
        {"at": naive(at)},
    )
    if not rows.num_rows:
        return seen, np.empty(0, np.uint32)
    ix = _ordinals(rows)
    known = _filled(_without(_padded(seen, int(ix.max()) + 1), ix), rows)
    return known, ix[rows.column("n").to_numpy() == 0]


def _nothing(n: int) -> Seen:
    return Seen(np.full(n, NEVER, dtype=np.int64), np.zeros(n, dtype=np.int64))


def _padded(known: Seen, n: int) -> Seen:
    more = n - len(known.last)
    if more <= 0:
        return known
    rest = _nothing(more)
    return Seen(np.concatenate([known.last, rest.last]), np.concatenate([known.events, rest.events]))


def _without(known: Seen, ix: npt.NDArray[np.uint32]) -> Seen:
    last, events = known.last.copy(), known.events.copy()
    last[ix], events[ix] = NEVER, 0
    return Seen(last, events)


def _filled(known: Seen, rows: pa.Table) -> Seen:
    """The activity with these rows in it; `known` is the caller's own."""
    ix = _ordinals(rows)
    known = _padded(known, int(ix.max()) + 1 if len(ix) else 0)
    known.last[ix] = rows.column("last").fill_null(NEVER).to_numpy()
    known.events[ix] = rows.column("n").to_numpy()
    return known


def _ordinals(rows: pa.Table) -> npt.NDArray[np.uint32]:
    found: npt.NDArray[np.uint32] = rows.column("ix").to_numpy()
    return found


def listed(ixs: npt.NDArray[Any] | Sequence[int]) -> list[int]:
    """Ordinals as the engine binds them."""
    return [int(ix) for ix in np.asarray(ixs, dtype=np.uint32)]
