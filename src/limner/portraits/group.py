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
from limner.portraits.index import index, significant, versus
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


Counts = tuple[Array, Array, Array]
Means = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class _Cells:
    """A tag's values as cells, [0] = unknown; counts and means of the crowd, of all (crowd and base), of the base."""

    counts: Counts
    shown: list[tuple[Any, Any, Any, bool]]
    means: Means = (None, None, None)


def portrait(
    crowd: Bitmap,
    columns: Columns,
    *,
    tags: Iterable[str] | None = None,
    against: Bitmap | None = None,
    rate: float = 0.05,
) -> GroupPortrait:
    """The crowd against the base: everybody alive, or the people of `against`, who may be in the crowd too.

    A value that nobody of the base has has no index. Significance: Benjamini-Hochberg over all values of all tags
    at `rate`. Raises UsageError when the crowd or the base is empty.
    """
    who = _living(crowd, columns)
    if not len(who):
        raise UsageError("the crowd is empty", code="empty_crowd")
    base = together = None
    if against is not None:
        base, together = _living(against, columns), _living(against | crowd, columns)
        if not len(base):
            raise UsageError("the crowd to compare with is empty", code="empty_crowd")
    everybody = int(columns.alive.sum())
    base_size = everybody if base is None else len(base)
    all_size = everybody if together is None else len(together)
    counter = _Counter(columns, who, base, together)
    keys = list(columns.keys() if tags is None else tags)
    cells = [counter.cells(columns[key]) for key in keys]
    in_crowd, in_all, in_base = (
        np.concatenate([np.zeros(0), *(cell.counts[part] for cell in cells)]) for part in range(3)
    )
    if against is None:
        found = index(in_crowd, in_all, crowd_size=len(who), base_size=all_size)
    else:
        found = versus(
            in_crowd, in_base, in_all, crowd_size=len(who), base_size=base_size, union_size=all_size
        )
    tested = np.concatenate([np.zeros(0, bool), *(_tested(cell.counts[1], all_size) for cell in cells)])
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
        counted = zip(cell.shown, cell.counts[0].tolist(), cell.counts[2].tolist(), strict=True)
        for position, ((value, low, high, rest), of_crowd, of_base) in enumerate(counted):
            at = start + position
            if not of_crowd and not of_base:
                continue
            shares.append(
                Share(
                    value=value,
                    low=low,
                    high=high,
                    rest=rest,
                    unknown=position == 0,
                    crowd=of_crowd,
                    base=of_base,
                    crowd_share=of_crowd / len(who),
                    base_share=of_base / base_size,
                    tgi=tgi[at],
                    tgi_low=tgi_low[at],
                    tgi_high=tgi_high[at],
                    p=p[at],
                    significant=findings[at],
                )
            )
        start += len(cell.shown)
        kind = columns[key].type
        distributions.append(Distribution(key, kind, tuple(shares), cell.means[0], cell.means[2]))
    return GroupPortrait(len(who), base_size, tuple(distributions))


def _living(people: Bitmap, columns: Columns) -> Array:
    found = people.numpy()
    found = found[found < columns.n]
    return found[columns.alive[found]]


def _tested(base: Array, size: int) -> Array:
    """A value that nobody or everybody of the base has cannot differ; of two complements one is tested."""
    possible = (base > 0) & (base < size)
    if possible.sum() == 2:
        possible[np.flatnonzero(possible)[0]] = False
    return possible


class _Counter:
    """Counts columns for a crowd, a base and both together; of crowd and rest the smaller is looked at."""

    def __init__(self, columns: Columns, who: Array, base: Array | None, together: Array | None) -> None:
        self._columns = columns
        self._who = who
        self._base = base
        self._all = together
        self._rest: Array | None = None
        if together is None and 2 * len(who) > int(columns.alive.sum()):
            rest = columns.alive.copy()
            rest[who] = False
            self._rest = np.flatnonzero(rest)

    def cells(self, column: Column) -> _Cells:
        if not column.coded:
            return self._plain(column)
        of_all = self._columns.living_counts(column.key) if self._all is None else column.counts(self._all)
        of_base = of_all if self._base is None else column.counts(self._base)
        if self._rest is None:
            of_crowd = column.counts(self._who)
        else:
            of_crowd = of_all - column.counts(self._rest)
        counts = (of_crowd, of_all, of_base)
        if column.type is ValueType.FLAG:
            return _Cells(counts, [_UNKNOWN, (False, None, None, False), (True, None, None, False)])
        if column.type is ValueType.TEXT:
            return _texts(column, counts)
        return _numbers(column, counts)

    def _plain(self, column: Column) -> _Cells:
        everybody = self._columns.alive
        all_values = column.known_values(everybody if self._all is None else self._all)
        all_size = int(everybody.sum()) if self._all is None else len(self._all)
        cuts = _cuts(np.sort(all_values))
        crowd_values = column.known_values(self._who)
        of_crowd = _binned(crowd_values, cuts, len(self._who))
        of_all = _binned(all_values, cuts, all_size)
        base_values, of_base = all_values, of_all
        if self._base is not None:
            base_values = column.known_values(self._base)
            of_base = _binned(base_values, cuts, len(self._base))
        means: Means = (None, None, None)
        if column.type is not ValueType.INSTANT:
            means = (_mean(crowd_values), _mean(all_values), _mean(base_values))
        return _Cells((of_crowd, of_all, of_base), _bounds(column, cuts), means)


_UNKNOWN = (None, None, None, False)


def _texts(column: Column, counts: Counts) -> _Cells:
    labels = list(column.labels or ())
    if len(labels) <= MOST_VALUES:
        return _Cells(counts, [_UNKNOWN, *((label, None, None, False) for label in labels)])
    order = np.argsort(-counts[1][1:], kind="stable")[:MOST_VALUES] + 1
    picked = np.concatenate([[0], order])

    def fold(counted: Array) -> Array:
        kept = counted[picked]
        return np.append(kept, counted.sum() - kept.sum())

    shown = [_UNKNOWN, *((labels[code - 1], None, None, False) for code in order), (None, None, None, True)]
    return _Cells((fold(counts[0]), fold(counts[1]), fold(counts[2])), shown)


def _numbers(column: Column, counts: Counts) -> _Cells:
    labels = np.asarray(column.labels)
    means: Means = (None, None, None)
    if column.type is not ValueType.INSTANT:
        crowd, everybody, base = (_weighted(labels, item[1:]) for item in counts)
        means = (crowd, everybody, base)
    if len(labels) <= BINS:
        values = [(column.python(label), None, None, False) for label in labels]
        return _Cells(counts, [_UNKNOWN, *values], means)
    below = np.cumsum(counts[1][1:])
    wanted = below[-1] * np.arange(1, BINS) / BINS
    firsts = np.unique(np.concatenate([[0], np.searchsorted(below, wanted, side="right")]))
    firsts = firsts[firsts < len(labels)]

    def fold(counted: Array) -> Array:
        return np.concatenate([counted[:1], np.add.reduceat(counted[1:], firsts)])

    folded = (fold(counts[0]), fold(counts[1]), fold(counts[2]))
    return _Cells(folded, _bounds(column, labels[firsts]), means)


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
