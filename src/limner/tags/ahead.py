"""Ahead: a home carried on for few people, by few questions; the same values as `increment.advance` gives.

What came and went is added up in memory and put to the rows as they were, which stand in memory, too. The engine is
asked for the events, for what has to be computed anew, and for the values that are read in the rows as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from limner.columns import Array
from limner.engine.seam import Transaction, quoted
from limner.events.load import loads
from limner.expressions.catalog import Catalog
from limner.expressions.scan import Tally
from limner.expressions.sql import Bound
from limner.expressions.together import Together, together
from limner.expressions.tree import Value
from limner.tags import homes, increment, standing
from limner.tags.came import Came, came
from limner.tags.homes import Mark
from limner.tags.increment import Edges, added, decided
from limner.tags.publish import Applied
from limner.tags.standing import Standing, Values, values_of
from limner.types import naive

_CAME, _BEFORE, _ROWS = "tags_came", "tags_before", "tags_rows"


@dataclass(frozen=True, eq=False)
class Ahead:
    """A home that was carried on, not yet committed.

    `touched`: whose events came, went or moved. `values`: the people whose rows were written (ix), and a column for
    each value that was read in them.
    """

    found: Together
    mark: Mark
    touched: Array
    values: pa.Table
    _rows: _Rows

    def committed(self) -> Standing:
        """The rows in memory as they are now; to be asked once, after the commit."""
        return self._rows.committed(self.mark)


def move(
    tx: Transaction,
    values: Mapping[str, Value],
    *,
    mark: Mark,
    held: Standing | None,
    catalog: Catalog,
    as_of: datetime,
    alive: Array,
    read: Sequence[Applied],
) -> Ahead | None:
    """Moves a home on to a later instant and to the last load; `read`: the tags whose values are read in it.

    `held`: its rows in memory, if there are any; `alive`: who lives. None where only a run can go on: the home does not
    hold what is asked, or the numbers of its values do not fit any more; all is as it was then.
    """
    bind = Bound()
    new = together(values, catalog, as_of, bind=bind, numbers=mark.given)
    if {name for made in new.made_of.values() for name in made} != mark.columns:
        return None
    old = together(values, catalog, mark.as_of, bind=bind, numbers=mark.given)
    edges = Edges(values, old, new, mark, bind)
    before, n = mark, len(alive)
    if held is None or held.mark != before:
        held = standing.read(tx, before, n)
    found = came(tx, edges, apart=held.others)
    if found.unnumbered:
        numbers = edges.renumber(tx, {})
        if numbers is None:
            return None
        if numbers != mark.numbers:
            edges.before = before = replace(mark, numbers=numbers)
            edges.new = new = together(values, catalog, as_of, bind=bind, numbers=before.given)
            held = standing.read(tx, before, n)
        found = came(tx, edges, apart=held.others)
    held.fit(n)
    rows = _Rows(tx, edges, found, held, mark=before, catalog=catalog, as_of=as_of, alive=alive)
    with rows.known():
        shelves = rows.write()
        found_values = rows.read(read)
    now = replace(before, as_of=as_of, load_i=loads(tx), shelves=shelves)
    homes.tidy(tx, now)
    return Ahead(new, now, rows.touched, found_values, rows)


class _Rows:
    """The rows of whom anything came, went or moved, or who is new, as they are now. `plain`: those in memory."""

    def __init__(
        self,
        tx: Transaction,
        edges: Edges,
        found: Came,
        held: Standing,
        *,
        mark: Mark,
        catalog: Catalog,
        as_of: datetime,
        alive: Array,
    ) -> None:
        self.tx, self.edges, self.found, self.held, self.mark = tx, edges, found, held, mark
        self.as_of, self.people = as_of, int(np.count_nonzero(alive))
        self.moved = values_of(
            tx.read(
                f"SELECT DISTINCT ix FROM moved WHERE load_i > {edges.mark} ORDER BY ix", edges.bind.values
            )["ix"]
        ).values
        self.touched = np.union1d(found.who, self.moved)
        there = held.there[: len(alive)]
        _take_out(tx, mark, np.flatnonzero(there & ~alive))
        there = there & alive
        self.newcomers = np.flatnonzero(alive & ~there).astype(np.uint32)
        who = np.union1d(self.touched[self.touched < len(alive)], self.newcomers)
        self.who = who = who[alive[who]]
        self.there = there
        self.without = ~there[who] if len(self.newcomers) else None
        there[who] = True
        place = np.searchsorted(who, found.who)
        place[place == len(who)] = 0
        self.here = who[place] == found.who if len(who) else np.zeros(len(found.who), dtype=np.bool_)
        self.place = place[self.here]
        self.plain = {name: held.take(name, who, self.without) for name in held.columns}
        self.others: dict[str, pa.Array] = {}
        self.decided: dict[str, Array] = {}
        self.written: list[Array] = []
        self.lately: dict[str, Array] = {}
        self._others()
        self._add_up()
        self._anew(catalog)

    def _others(self) -> None:
        """The columns that are not in memory, with what the engine added up, and whom what went may have decided."""
        shelves = [
            (shelf, [name for name in shelf.columns if name in self.held.others])
            for shelf in self.mark.shelves
        ]
        tallies = {name: tally for group in self.edges.groups for name, tally in group.tallies.items()}
        beside = self.found.others
        with ExitStack() as stack:
            stack.enter_context(self.tx.given(_BEFORE, pa.table({"ix": pa.array(self.who)})))
            if beside is not None:
                stack.enter_context(self.tx.given(_CAME, beside))
            for shelf, names in shelves:
                if not names:
                    continue
                summed = [name for name in names if beside is not None and name in beside.column_names]
                chosen = ", ".join(
                    f"{added(name, tallies[name], 'c') if name in summed else f'h.{name}'} AS {name}"
                    for name in names
                )
                uncertain = [name for name in summed if self.edges.uncertain(tallies[name])]
                tests = "".join(
                    f", COALESCE({decided(name, tallies[name], 'c')}, FALSE) AS {name}_decided"
                    for name in uncertain
                )
                joined = f" LEFT JOIN {_CAME} AS c ON c.ix = b.ix" if summed else ""
                rows = self.tx.read(
                    f"SELECT {chosen}{tests} FROM {_BEFORE} AS b LEFT JOIN ({homes.rows_of(shelf, _BEFORE)}) AS h"
                    f" ON h.ix = b.ix{joined} ORDER BY b.ix"
                )
                for name in names:
                    self.others[name] = rows[name].combine_chunks().cast(self.held.others[name])
                for name in uncertain:
                    self.decided[name] = self.who[values_of(rows[f"{name}_decided"]).values]

    def _add_up(self) -> None:
        """Puts what came and went to the tallies in memory, and finds who is doubtful."""
        doubtful: dict[int, Array] = {}
        for group in self.edges.groups:
            doubt = np.zeros(len(self.found.who), dtype=np.bool_)
            for name in group.asked:
                doubt |= self.found.again[name]
            columns = set(group.asked)
            for name, tally in group.tallies.items():
                if name in self.decided:
                    columns.add(name)
                    doubt |= np.isin(self.found.who, self.decided[name])
                if name not in self.found.came:
                    continue
                if name not in self.plain:
                    raise TypeError(f"a tally of plain values is kept as {self.held.kind(name)}")
                if self.edges.uncertain(tally):
                    columns.add(name)
                    doubt[self.here] |= self._decided(name, tally)
                self.plain[name] = self._sum(name, tally)
            group.again = {key for key, made in self.edges.new.made_of.items() if columns & set(made)}
            doubtful[group.number] = np.setdiff1d(self.found.who[doubt], self.moved)
        self.doubtful = doubtful

    def _decided(self, name: str, tally: Tally) -> Array:
        """Whether what went may have decided the tally, of those of whom anything came or went."""
        held, came = self.plain[name].take(self.place), self.found.came[name].take(self.here)
        went = self.found.went[name].take(self.here)
        if tally.how == "or":
            return np.asarray(went.known & ((went.values & ~np.where(came.known, came.values, 0)) != 0))
        test: Array = went.values <= held.values if tally.how == "min" else went.values >= held.values
        return np.asarray(went.known & held.known & test)

    def _sum(self, name: str, tally: Tally) -> Values:
        """What was and what came, together."""
        held, came = self.plain[name], self.found.came[name].take(self.here)
        kind = held.values.dtype
        if tally.how in ("count", "sum"):
            values = held.values.copy() if held.missing is None else np.where(held.missing, 0, held.values)
            more = came.values
            if name in self.found.went:
                more = more - self.found.went[name].values[self.here]
            values[self.place] = (values[self.place] + more).astype(kind)
            return Values(values)
        values, known = held.values.copy(), held.known
        was, had = values[self.place], known[self.place]
        function = {"min": np.minimum, "max": np.maximum, "or": np.bitwise_or}[tally.how]
        both = np.where(had, function(was, came.values.astype(kind)), came.values.astype(kind))
        values[self.place] = np.where(came.known, both, was)
        known[self.place] = had | came.known
        return Values(values, None if known.all() else ~known)

    def _anew(self, catalog: Catalog) -> None:
        """Computes anew what has to be, and puts it in its place."""
        edges = self.edges
        edges.moved = len(self.moved)
        with ExitStack() as stack:
            if edges.moved:
                stack.enter_context(self.tx.given(increment.MOVED, pa.table({"ix": pa.array(self.moved)})))
            for group in edges.groups:
                some = self.doubtful[group.number]
                group.again = group.again if len(some) else set()
                if group.again:
                    stack.enter_context(self.tx.given(group.edge, pa.table({"ix": pa.array(some)})))
            edges.compute(self.tx, catalog, self.as_of, numbers=self.mark.given)
        for group in edges.groups:
            if group.again:
                uncertain = [name for name, tally in group.tallies.items() if edges.uncertain(tally)]
                self._replace(group.made, {*uncertain, *group.asked})
        if edges.moved:
            self._replace(increment.ANEW, edges.new.columns)

    def _replace(self, table: str, names: Collection[str]) -> None:
        """Takes these columns of a temporary table, which goes, for its people."""
        rows = self.tx.read(f"SELECT ix, {', '.join(names)} FROM {table}")
        self.tx.execute(f"DROP TABLE temp.{table}")
        ix = values_of(rows["ix"]).values
        place = np.searchsorted(self.who, ix)
        place[place == len(self.who)] = 0
        here = self.who[place] == ix if len(self.who) else np.zeros(len(ix), dtype=np.bool_)
        place = place[here]
        for name in names:
            if name in self.plain:
                held, found = self.plain[name], values_of(rows[name].cast(self.held.kind(name))).take(here)
                values, known = held.values.copy(), held.known
                values[place], known[place] = found.values, found.known
                self.plain[name] = Values(values, None if known.all() else ~known)
            else:
                order = np.arange(len(self.who))
                order[place] = len(self.who) + np.flatnonzero(here)
                found_too = rows[name].combine_chunks().cast(self.others[name].type)
                self.others[name] = pa.concat_arrays([self.others[name], found_too]).take(pa.array(order))

    def known(self) -> AbstractContextManager[None]:
        """Inside the block the engine knows the rows, and of each (`on_<n>`) whether it is written on the nth shelf."""
        always = np.isin(self.who, np.union1d(self.moved, self.newcomers))
        rows = {"ix": pa.array(self.who)}
        for place, shelf in enumerate(self.mark.shelves):
            for name in shelf.columns:
                kind = self.held.kind(name)
                rows[name] = self.plain[name].arrow(kind) if name in self.plain else self.others[name]
            written = always.copy()
            for group in self.edges.groups:
                if set(shelf.columns) & {*group.tallies, *group.asked}:
                    written[self.place] |= self.found.about[group.number][self.here]
            rows[f"on_{place}"] = pa.array(written)
            self.written.append(written)
        return self.tx.given(_ROWS, pa.table(rows))

    def write(self) -> tuple[homes.Shelf, ...]:
        """Writes on each shelf the rows of whom anything came, went or moved there; the answer is the shelves."""
        shelves = []
        for place, shelf in enumerate(self.mark.shelves):
            written = self.who[self.written[place]]
            if len(written):
                lately = self.held.lately[shelf.view][: len(self.there)].copy()
                known = bool(lately[written].any())
                lately[written] = True
                many = int(np.count_nonzero(lately))
                listed = ", ".join(("ix", *shelf.columns))
                rows = f"(SELECT {listed} FROM {_ROWS} WHERE on_{place})"
                self.lately[shelf.view] = lately
                if homes.scattered(many, self.people):
                    self.lately[shelf.view] = np.zeros_like(lately)
                shelf = homes.put(self.tx, shelf, rows, people=self.people, many=many, known=known)
            shelves.append(shelf)
        return tuple(shelves)

    def read(self, states: Sequence[Applied]) -> pa.Table:
        """The values that tags have in the rows: ix and a column named by each tag."""
        chosen = ", ".join(["e.ix", *(f"{state.reading} AS {quoted(state.tag)}" for state in states)])
        rows = self.tx.read(f"SELECT {chosen} FROM {_ROWS} AS e ORDER BY e.ix", {"now": naive(self.as_of)})
        return rows.combine_chunks()

    def committed(self, mark: Mark) -> Standing:
        """The rows in memory with what was written; what was before is no more."""
        for shelf, written in zip(mark.shelves, self.written, strict=True):
            some = np.flatnonzero(written)
            for name in shelf.columns:
                if name in self.plain:
                    self.held.put(name, self.who[some], self.plain[name].take(some))
        self.held.mark, self.held.there = mark, self.there
        self.held.lately |= self.lately
        return self.held


def _take_out(tx: Transaction, mark: Mark, who: Array) -> None:
    """These people, who live no more, have no row any more."""
    if len(who):
        with tx.given("tags_gone", pa.table({"ix": pa.array(who.astype(np.uint32))})):
            for table in mark.tables:
                tx.execute(f"DELETE FROM {quoted(table)} WHERE ix IN (SELECT ix FROM tags_gone)")
