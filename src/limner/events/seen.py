"""Which ids were stored lately: 64 bits of each, in a few sorted arrays. Eight bytes an id in memory.

A hit is only a hint: the engine is asked for the whole id. A miss is certain.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.uint64]


class Seen:
    """A set of ids that grows in batches."""

    def __init__(self, first: Ids) -> None:
        self._runs: list[Ids] = [np.sort(first)] if len(first) else []

    def __len__(self) -> int:
        return sum(len(run) for run in self._runs)

    def hits(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Which of the ids are in the set."""
        found = np.zeros(len(ids), dtype=bool)
        for run in self._runs:
            at = np.searchsorted(run, ids)
            at[at == len(run)] = 0
            found |= run[at] == ids
        return found

    def add(self, ids: Ids) -> None:
        """Adds the ids; runs are merged so that each is at least twice as long as the next."""
        if not len(ids):
            return
        self._runs.append(np.sort(ids))
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]), kind="stable")
