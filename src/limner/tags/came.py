"""Came: what came and went of few events, added up in memory, by person; the same as `increment` asks of the engine.

The engine reads the events, and says of each what its terms and conditions are. Tallies of plain numbers are added up
here: a question of dozens of sums takes the engine longer to plan than to answer. All others it adds up itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from limner.columns import Array
from limner.engine.seam import Transaction
from limner.expressions.happenings import Selection
from limner.expressions.scan import Tally
from limner.tags.increment import Edges, Group, grouped, within
from limner.tags.standing import Values, plain, values_of


@dataclass(frozen=True, eq=False)
class Came:
    """By person: `who`, ascending.

    `about`: by group, whether any of it is about the group; `came` and `went`: by tally; `again`: by value that is no
    tally, whether events that it rests on came or went. `others`: the tallies that the engine adds up, if any.
    `unnumbered`: some value has no number yet; all this may not count, then.
    """

    who: Array
    about: Mapping[int, Array]
    came: Mapping[str, Values]
    went: Mapping[str, Values]
    again: Mapping[str, Array]
    others: pa.Table | None
    unnumbered: bool


def came(tx: Transaction, edges: Edges, *, apart: Collection[str]) -> Came:
    """What came and went between the edges' instants; tallies named in `apart` are added up by the engine."""
    edges.groups = grouped(edges.new)
    asked: dict[str, str] = {}

    def named(sql: str) -> str:
        return asked.setdefault(sql, f"x{len(asked)}")

    for group in edges.groups:
        for selection in group.selections:
            if selection.where:
                named(selection.where)
        for tally in group.tallies.values():
            for sql in (*tally.more, *([] if tally.term == "*" else [tally.term])):
                named(sql)
    rows = tx.read(edges.happened({name: f"({sql})" for sql, name in asked.items()}), edges.bind.values)
    return _Happened(rows, asked, edges).added_up(tx, apart)


class _Happened:
    """The events that came or went, in the order of their people."""

    def __init__(self, rows: pa.Table, asked: Mapping[str, str], edges: Edges) -> None:
        self.rows, self.asked, self.edges = rows, asked, edges
        ix = values_of(rows["ix"]).values
        self.part, self.name = values_of(rows["part"]).values, values_of(rows["name_i"]).values
        self.ts = values_of(rows["ts"]).values
        self.first = (
            np.flatnonzero(np.r_[True, ix[1:] != ix[:-1]]) if len(ix) else np.zeros(0, dtype=np.int64)
        )
        self.who = ix[self.first]
        self._read: dict[str, Values] = {}

    def added_up(self, tx: Transaction, apart: Collection[str]) -> Came:
        """By person."""
        unnumbered = bool(len(self.part)) and bool(values_of(self.rows["unnumbered"]).values.any())
        about: dict[int, Array] = {}
        came: dict[str, Values] = {}
        went: dict[str, Values] = {}
        again: dict[str, Array] = {}
        others: list[str] = []
        for group in self.edges.groups:
            concerns = self._concerns(group)
            about[group.number] = self._any(concerns)
            tests: dict[str, tuple[Array, Array | None]] = {}
            for selection in group.selections:
                counts = concerns & self.holds(selection.where) if selection.where else concerns
                tests[selection.text] = self._edges(group, selection, counts)
            for name, tally in group.tallies.items():
                if name in apart or (tally.term != "*" and not plain(self.rows[self.asked[tally.term]].type)):
                    others.append(name)
                    continue
                test, left = tests[tally.selection.text]
                came[name] = self._tally(tally, test)
                if left is not None:
                    went[name] = self._tally(tally, left)
            for name, selections in group.asked.items():
                touched = np.zeros(len(self.part), dtype=np.bool_)
                for selection in selections:
                    test, left = tests[selection.text]
                    touched |= test if left is None else test | left
                again[name] = self._any(touched) | again.get(name, np.False_)
        beside = tx.read(self.edges.beside(others), self.edges.bind.values) if others else None
        return Came(self.who, about, came, went, again, beside, unnumbered)

    def holds(self, sql: str) -> Array:
        """Of which events the condition is true."""
        found = self._values(sql)
        return found.values if found.missing is None else found.values & ~found.missing

    def _values(self, sql: str) -> Values:
        if sql not in self._read:
            self._read[sql] = values_of(self.rows[self.asked[sql]])
        return self._read[sql]

    def _concerns(self, group: Group) -> Array:
        found = np.isin(self.part, [0, *group.parts])
        return found if group.codes is None else found & np.isin(self.name, list(group.codes))

    def _edges(self, group: Group, selection: Selection, counts: Array) -> tuple[Array, Array | None]:
        """Which events count now and did not then, and the other way (None: none can)."""
        was = self.edges.earlier[selection.text]
        here = (self.part == 0) & (self.ts < _us(selection.high))
        if selection.low is not None:
            here &= self.ts >= _us(selection.low)
        came = [n for n, part in group.parts.items() if within(part, selection) and not within(part, was)]
        went = [n for n, part in group.parts.items() if within(part, was) and not within(part, selection)]
        if came:
            here |= np.isin(self.part, came)
        left = counts & np.isin(self.part, went) if self.edges.moves(selection) else None
        return counts & here, left

    def _any(self, test: Array) -> Array:
        return np.logical_or.reduceat(test, self.first) if len(self.first) else test[:0]

    def _tally(self, tally: Tally, test: Array) -> Values:
        """The tally over some events, by person; NULL where there is none of a smallest, greatest or set."""
        for more in tally.more:
            test = test & self.holds(more)
        terms = None
        if tally.term != "*":
            found = self._values(tally.term)
            terms = found.values
            test = test if found.missing is None else test & ~found.missing
        if not len(self.first):
            return Values(np.zeros(0, dtype=np.int64 if terms is None else terms.dtype))
        if tally.how == "count":
            return Values(np.add.reduceat(test, self.first, dtype=np.int64))
        if terms is None:
            raise TypeError(f"a {tally.how} of no term")
        match tally.how:
            case "sum":
                return Values(np.add.reduceat(np.where(test, terms, 0), self.first, dtype=np.int64))
            case "or":
                values = np.bitwise_or.reduceat(np.where(test, terms, 0), self.first)
            case "min":
                values = np.minimum.reduceat(np.where(test, terms, _extremes(terms.dtype)[1]), self.first)
            case _:
                values = np.maximum.reduceat(np.where(test, terms, _extremes(terms.dtype)[0]), self.first)
        return Values(values, ~self._any(test))


def _us(at: datetime) -> int:
    return int(np.datetime64(at, "us").astype(np.int64))


def _extremes(kind: Any) -> tuple[Any, Any]:
    """The least and the greatest value of a kind of numbers."""
    if kind.kind == "f":
        return -np.inf, np.inf
    return (False, True) if kind.kind == "b" else (np.iinfo(kind).min, np.iinfo(kind).max)
