"""A crowd's portrait: each tag's distribution against everybody's. Numpy over published columns; no engine.

Numbers, money and instants are cut at the base's quantiles. "Unknown" is a value of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from limner.bitmap import Bitmap
from limner.columns import Array, Column, Columns
from limner.errors import UsageError
from limner.portraits.index import index, significant
from limner.types import ValueType

MOST_VALUES = 50
"""Of a text tag the values with most people in the base stand for themselves; the others are one."""

BINS = 10


@dataclass(frozen=True)
class Share:
    """One value of a tag in the crowd and in the base.

    `value`: the value; None = unknown; `low`, `high`: bounds [low, high) of a bin of numbers (high None = and
    more), then `value` is None. `rest`: all values beyond the first MOST_VALUES. `tgi` = 100 × share in the
    crowd / share in the base with its 95 % interval, None where there is no such number.
    """

    value: Any
    low: Any
    high: Any
    rest: bool
    unknown: bool
    crowd: int
    base: int
    crowd_share: float
    base_share: float
    tgi: float | None
    tgi_low: float | None
    tgi_high: float | None
    p: float
    significant: bool


@dataclass(frozen=True)
class Distribution:
    """One tag's values in the crowd; `mean_*` of numbers, None otherwise or when nobody has a value."""

    tag: str
    type: ValueType
    shares: tuple[Share, ...]
    mean_crowd: float | None
    mean_base: float | None


@dataclass(frozen=True)
class GroupPortrait:
    """The crowd's distributions, by tag. `findings`: how many shares differ significantly."""

    crowd: int
    base: int
    tags: tuple[Distribution, ...]

    @property
    def findings(self) -> int:
        """How many shares of the crowd differ significantly from the base's."""
        return sum(share.significant for tag in self.tags for share in tag.shares)


@dataclass(frozen=True)
class _Cells:
    """A tag's values as cells: crowd and base counts, [0] = unknown."""

    crowd: Array
    base: Array
    shown: list[tuple[Any, Any, Any, bool]]
    mean_crowd: float | None = None
    mean_base: float | None = None


def portrait(
    crowd: Bitmap,
    columns: Columns,
    *,
    tags: Iterable[str] | None = None,
    against: Bitmap | None = None,
    rate: float = 0.05,
) -> GroupPortrait:
    """The crowd against the base: everybody alive, or crowd and `against` together.

    Significance: Benjamini-Hochberg over all values of all tags at `rate`. Raises UsageError: empty crowd.
    """
    who = crowd.numpy()
    who = who[who < columns.n]
    who = who[columns.alive[who]]
    if not len(who):
        raise UsageError("the crowd is empty", code="empty_crowd")
    others = None
    if against is not None:
        both = (against | crowd).numpy()
        both = both[both < columns.n]
        others = both[columns.alive[both]]
    base_size = int(columns.alive.sum()) if others is None else len(others)
    counter = _Counter(columns, who, others)
    keys = list(columns.keys() if tags is None else tags)
    cells = [counter.cells(columns[key]) for key in keys]
    found = index(
        np.concatenate([cell.crowd for cell in cells]) if cells else np.zeros(0),
        np.concatenate([cell.base for cell in cells]) if cells else np.zeros(0),
        crowd_size=len(who),
        base_size=base_size,
    )
    tested = np.concatenate([_tested(cell.base, base_size) for cell in cells]) if cells else np.zeros(0, bool)
    differs = significant(np.where(tested, found.p, np.nan), rate=rate)
    tgi, tgi_low, tgi_high = (
        _numbers_or_none(found.tgi),
        _numbers_or_none(found.low),
        _numbers_or_none(found.high),
    )
    p, findings = found.p.tolist(), differs.tolist()
    distributions = []
    start = 0
    for key, cell in zip(keys, cells, strict=True):
        shares = []
        counted = zip(cell.shown, cell.crowd.tolist(), cell.base.tolist(), strict=True)
        for position, ((value, low, high, rest), in_crowd, in_base) in enumerate(counted):
            at = start + position
            if not in_base:
                continue
            shares.append(
                Share(
                    value=value,
                    low=low,
                    high=high,
                    rest=rest,
                    unknown=position == 0,
                    crowd=in_crowd,
                    base=in_base,
                    crowd_share=in_crowd / len(who),
                    base_share=in_base / base_size,
                    tgi=tgi[at],
                    tgi_low=tgi_low[at],
                    tgi_high=tgi_high[at],
                    p=p[at],
                    significant=findings[at],
                )
            )
        start += len(cell.shown)
        kind = columns[key].type
        distributions.append(Distribution(key, kind, tuple(shares), cell.mean_crowd, cell.mean_base))
    return GroupPortrait(len(who), base_size, tuple(distributions))


def _tested(base: Array, size: int) -> Array:
    """A value that nobody or everybody of the base has cannot differ; of two complements one is tested."""
    possible = (base > 0) & (base < size)
    if possible.sum() == 2:
        possible[np.flatnonzero(possible)[0]] = False
    return possible


class _Counter:
    """Counts columns for one crowd and one base; the smaller of crowd and rest is looked at."""

    def __init__(self, columns: Columns, who: Array, others: Array | None) -> None:
        self._columns = columns
        self._base = others
        self._who = who
        self._rest: Array | None = None
        if others is None and 2 * len(who) > int(columns.alive.sum()):
            rest = columns.alive.copy()
            rest[who] = False
            self._rest = np.flatnonzero(rest)

    def cells(self, column: Column) -> _Cells:
        if not column.coded:
            return self._plain(column)
        base = self._columns.living_counts(column.key) if self._base is None else column.counts(self._base)
        if self._rest is None:
            crowd = column.counts(self._who)
        else:
            crowd = base - column.counts(self._rest)
        if column.type is ValueType.FLAG:
            return _Cells(crowd, base, [_UNKNOWN, (False, None, None, False), (True, None, None, False)])
        if column.type is ValueType.TEXT:
            return _texts(column, crowd, base)
        return _numbers(column, crowd, base)

    def _plain(self, column: Column) -> _Cells:
        everybody = self._columns.alive if self._base is None else self._base
        base_values = column.known_values(everybody)
        cuts = _cuts(np.sort(base_values))
        base = _binned(base_values, cuts, self._size())
        crowd_values = column.known_values(self._who)
        crowd = _binned(crowd_values, cuts, len(self._who))
        means: tuple[float | None, float | None] = (None, None)
        if column.type is not ValueType.INSTANT:
            means = (_mean(crowd_values), _mean(base_values))
        return _Cells(crowd, base, _bounds(column, cuts), *means)

    def _size(self) -> int:
        return int(self._columns.alive.sum()) if self._base is None else len(self._base)


_UNKNOWN = (None, None, None, False)


def _texts(column: Column, crowd: Array, base: Array) -> _Cells:
    labels = list(column.labels or ())
    if len(labels) <= MOST_VALUES:
        return _Cells(crowd, base, [_UNKNOWN, *((label, None, None, False) for label in labels)])
    order = np.argsort(-base[1:], kind="stable")[:MOST_VALUES] + 1
    picked = np.concatenate([[0], order])

    def fold(counts: Array) -> Array:
        kept = counts[picked]
        return np.append(kept, counts.sum() - kept.sum())

    shown = [_UNKNOWN, *((labels[code - 1], None, None, False) for code in order), (None, None, None, True)]
    return _Cells(fold(crowd), fold(base), shown)


def _numbers(column: Column, crowd: Array, base: Array) -> _Cells:
    labels = np.asarray(column.labels)
    means: tuple[float | None, float | None] = (None, None)
    if column.type is not ValueType.INSTANT:
        means = (_weighted(labels, crowd[1:]), _weighted(labels, base[1:]))
    if len(labels) <= BINS:
        values = [(column.python(label), None, None, False) for label in labels]
        return _Cells(crowd, base, [_UNKNOWN, *values], *means)
    below = np.cumsum(base[1:])
    wanted = below[-1] * np.arange(1, BINS) / BINS
    firsts = np.unique(np.concatenate([[0], np.searchsorted(below, wanted, side="right")]))
    firsts = firsts[firsts < len(labels)]
    shown = _bounds(column, labels[firsts])
    return _Cells(
        np.concatenate([crowd[:1], np.add.reduceat(crowd[1:], firsts)]),
        np.concatenate([base[:1], np.add.reduceat(base[1:], firsts)]),
        shown,
        *means,
    )


def _cuts(ordered: Array) -> Array:
    """The first value of each bin of about as many people each, ascending, without repeats."""
    if not len(ordered):
        return ordered
    return np.unique(ordered[(len(ordered) * np.arange(BINS)) // BINS])


def _binned(values: Array, cuts: Array, people: int) -> Array:
    bins = np.searchsorted(cuts, values, side="right")
    counts = np.bincount(bins, minlength=len(cuts) + 1)
    counts[0] = people - len(values)
    return counts


def _bounds(column: Column, cuts: Array) -> list[tuple[Any, Any, Any, bool]]:
    firsts = [column.python(value) for value in cuts]
    return [
        _UNKNOWN,
        *((None, low, high, False) for low, high in zip(firsts, [*firsts[1:], None], strict=True)),
    ]


def _weighted(labels: Array, counts: Array) -> float | None:
    people = int(counts.sum())
    return float((labels * counts).sum() / people) if people else None


def _mean(values: Array) -> float | None:
    return float(values.mean()) if len(values) else None


def _numbers_or_none(values: Array) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]  # nan
