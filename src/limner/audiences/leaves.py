"""Leaves: who satisfies each plain condition, kept while nothing changes. Knows no tag and asks no engine.

What was kept belongs to one version of the data; with the next version all of it is forgotten, so that nothing
old is ever answered.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from limner.bitmap import Bitmap

MOST_BYTES = 64 * 1024 * 1024
TRIES = 3

Answer = TypeVar("Answer")


class Leaves:
    """Sets of people by what they are asked for: at most so many bytes, the longest unused go first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._version = -1
        self._bytes = 0
        self._kept: OrderedDict[tuple[Any, ...], Bitmap] = OrderedDict()

    def get(self, version: int, key: tuple[Any, ...]) -> Bitmap | None:
        """The set kept under this key for this version of the data, or None."""
        with self._lock:
            if version != self._version:
                return None
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, version: int, key: tuple[Any, ...], people: Bitmap) -> None:
        """Keeps the set. A newer version than before forgets everything older; an older one is not kept."""
        size = size_of(people)
        with self._lock:
            if version < self._version or size > self._most:
                return
            if version > self._version:
                self._kept.clear()
                self._version, self._bytes = version, 0
            before = self._kept.pop(key, None)
            self._bytes += size - (0 if before is None else size_of(before))
            self._kept[key] = people
            while self._bytes > self._most:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= size_of(gone)

    @property
    def bytes(self) -> int:
        """About how much memory the kept sets take."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._kept)


def size_of(people: Bitmap) -> int:
    """At most so many bytes hold the set: two a person, or a bit for each ordinal up to the last."""
    if not len(people):
        return 64
    return 64 + min(2 * len(people) + 16, people.last // 8 + 8192)


def of_one_state(
    version: Callable[[], int],
    alone: Callable[[], AbstractContextManager[Any]],
    work: Callable[[int], Answer],
) -> Answer:
    """What `work(version)` answers when all that it reads is of one state of the data.

    `version`: grows with every commit and is odd during one. `alone`: a block in which nobody else commits; it is
    used when commits came between too often.
    """
    for _ in range(TRIES):
        before = version()
        if before % 2 == 0:
            found = work(before)
            if version() == before:
                return found
    with alone():
        return work(version())
