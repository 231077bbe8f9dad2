"""Transitions: who went from which value of a tag to which between two instants. Counts in sets; computes no tag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from limner.columns import Array, Column
from limner.engine.seam import Engine
from limner.tags.publish import ALIVE
from limner.types import ValueType, naive

MOST = 12
"""So many values have a row and a column of their own; all further ones share one."""

Kind = Literal["absent", "none", "value", "rest"]


@dataclass(frozen=True)
class Place:
    """Where people are: not here yet (absent), without a value (none), at a value, or at any of the others (rest)."""

    kind: Kind
    value: str | None = None


@dataclass(frozen=True)
class Matrix:
    """`moves[i][j]`: people who were at `before[i]` and are at `after[j]`; all of them together are everybody.

    `stayed`: people who are at the value at which they were, those without any included; `moved`: at another place
    than before. Who was absent is neither.
    """

    before: tuple[Place, ...]
    after: tuple[Place, ...]
    moves: tuple[tuple[int, ...], ...]
    stayed: int
    moved: int

    @property
    def people(self) -> int:
        """How many people the matrix holds."""
        return sum(map(sum, self.moves))


def here(engine: Engine, at: datetime, n: int, *, heard: datetime | None = None) -> Array:
    """A mask of the people alive (of n ordinals) who were there by the instant.

    Whoever did or told something, but nothing before then, was not; with `heard` what was received later does not tell.
    """
    known = "true" if heard is None else "received_at <= $heard"
    found = engine.read(
        f"SELECT ix FROM ({ALIVE}) ANTI JOIN ("
        " SELECT ix FROM (SELECT ix, ts, received_at FROM events UNION ALL SELECT ix, ts, received_at FROM attributes)"
        f" WHERE ix IS NOT NULL GROUP BY ix HAVING NOT BOOL_OR(ts < $at AND {known})) USING (ix)",
        {"at": naive(at), "heard": None if heard is None else naive(heard)},
    )
    mask: Array = np.zeros(n, dtype=np.bool_)
    ix = found.column("ix").to_numpy()
    mask[ix[ix < n]] = True
    return mask


def transitions(
    before: Column,
    after: Column,
    *,
    here_before: Array,
    here_after: Array,
    order: Sequence[str] = (),
    most: int = MOST,
) -> Matrix:
    """From which value to which the people who are here went between two columns of one flag or text tag.

    `order`: values in the order in which they are shown; others follow by how many people they ever had.
    """
    n = len(here_after)
    old, new = before.padded(n), after.padded(n)
    names = list(dict.fromkeys([*_labels(old), *_labels(new)]))
    codes = {name: code for code, name in enumerate(names, 1)}
    was, became = (_recoded(column, codes, here_after) for column in (old, new))
    counts = np.bincount(was, minlength=len(names) + 1) + np.bincount(became, minlength=len(names) + 1)
    largest = sorted((code for code in range(1, len(counts)) if counts[code]), key=lambda code: -counts[code])
    shown = set(largest[:most])
    place = {name: number for number, name in enumerate(order)}
    kept = sorted(shown, key=lambda code: (place.get(names[code - 1], len(place)), -counts[code], code))
    rest = [Place("rest")] if len(largest) > most else []
    after_places = (Place("none"), *(Place("value", names[code - 1]) for code in kept), *rest)
    before_places = (Place("absent"), *after_places)
    at = np.full(len(names) + 1, len(kept) + 1, dtype=np.int64)  # whatever is not kept is the rest
    at[0] = 0
    at[kept] = np.arange(1, len(kept) + 1)
    started = np.where(here_before[here_after], at[was] + 1, 0)
    pairs = np.bincount(
        started * len(after_places) + at[became], minlength=len(before_places) * len(after_places)
    )
    there = here_before[here_after]
    stayed = int(np.count_nonzero(there & (was == became)))
    moves = pairs.reshape(len(before_places), len(after_places)).tolist()
    return Matrix(
        before_places, after_places, tuple(map(tuple, moves)), stayed, int(np.count_nonzero(there)) - stayed
    )


def _labels(column: Column) -> list[str]:
    """The column's values as text, by code from 1 on."""
    if column.labels is None:
        return []
    if column.type is ValueType.FLAG:
        return ["true" if column.python(label) else "false" for label in column.labels]
    return [str(label) for label in column.labels]


def _recoded(column: Column, codes: dict[str, int], who: Array) -> Array:
    """The codes of these people in the joint numbering; 0 = no value."""
    joint = np.array([0, *(codes[name] for name in _labels(column))], dtype=np.int64)
    own = column.codes if column.codes is not None else np.zeros(len(who), dtype=np.int64)
    found: Array = joint[np.asarray(own)[who]]
    return found
