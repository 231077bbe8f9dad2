"""Increment: the home of statistic tags carried on from one instant to a later one, equal to computing it anew.

A home holds tallies (counts, sums, extremes, sets of bits) of everybody, and the values that no tally can carry.
Between two instants events come (loaded since, or stamped in the future then) and go (a window leaves them behind). A
count or sum adds the ones and takes away the others. An extreme or a set takes what came; where what went may have
decided it, and wherever a value is not made of tallies, that column is computed anew for the person. All columns are
computed anew for everybody whose events were given to or taken from somebody. Everything is an integer, so both ways
give the same bits.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np

from limner.engine.seam import Transaction, quoted
from limner.events.load import loads
from limner.expressions import scan
from limner.expressions.catalog import Catalog
from limner.expressions.happenings import EventSql, Selection, code_in
from limner.expressions.scan import (
    ROOM,
    Numbered,
    Numbers,
    Tally,
    numbering,
    over,
    with_numbers,
)
from limner.expressions.sql import Bound, both
from limner.expressions.together import Together, numbered, together
from limner.expressions.tree import Value
from limner.tags import homes, publish
from limner.tags.homes import Mark, numbers_of
from limner.types import naive

MOVED, ANEW = "tags_moved", "tags_anew"
"""The temporary tables of whose events moved, and of what is computed anew for them."""

_SEEN = "tags_seen"
_FRESH = "tags_fresh"
_EVENTS, _NEWCOMERS, _CHANGED, _GONE = "tags_events", "tags_newcomers", "tags_changed", "tags_gone"
TOUCHED = "tags_touched"
"""The temporary table (ix) of the people of whom a step computes something anew."""

MANY_PARTS = 24
"""From so many spans of time on that windows leave behind or take in, it is asked how much of all there is in them."""

MOST_MOVED = 1 / 4
"""Where a greater share of all events came or went, computing anew is quicker."""

_BEGINNING = naive(datetime(1, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Advanced:
    """What carrying on took: people whose events came or went, and people of whom something was computed anew.

    `held`, `added`: how many values were carried on, and how many are new and computed for everybody. `written`: by
    shelf of the home (its view), the temporary table of the rows that were written; empty where it was made anew.
    """

    touched: int
    anew: int
    held: int
    added: int
    written: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)


def forget(tx: Transaction, advanced: Advanced) -> None:
    """Drops the tables of what was written."""
    for table in advanced.written.values():
        tx.execute(f"DROP TABLE IF EXISTS temp.{quoted(table)}")


def number(
    tx: Transaction,
    values: Mapping[str, Value],
    *,
    home: str,
    catalog: Catalog,
    as_of: datetime,
    besides: Collection[str] = (),
) -> dict[str, int | None]:
    """Makes the tables of the numbers that the values need, `besides` those of columns that are there already.

    The answer is how many values each column has.
    """
    sizes: dict[str, int | None] = {}
    for column, query in numbered(values, catalog, as_of).items():
        if column in besides:
            continue
        table = numbers_of(home, {column: None})[column].table
        tx.execute(
            f"CREATE OR REPLACE TEMP TABLE {_SEEN} AS SELECT value FROM ({query.sql})"
            f" LIMIT {scan.MOST_NUMBERED + 1}",
            query.values,
        )
        size = _size(tx, _SEEN)
        sizes[column] = None if size > scan.MOST_NUMBERED else size
        tx.execute(f"CREATE OR REPLACE TABLE {quoted(table)} AS {numbering(f'SELECT value FROM {_SEEN}')}")
        tx.execute(f"DROP TABLE temp.{_SEEN}")
    return sizes


def advance(
    tx: Transaction,
    values: Mapping[str, Value],
    *,
    mark: Mark,
    home: str,
    catalog: Catalog,
    as_of: datetime,
) -> tuple[Together, Advanced, Mark] | None:
    """Moves a home on to a later instant and to the last load; the answer ends with its mark.

    What the home does not hold yet is computed anew, what is no longer asked for is left out; it is called `home` then.
    None where nothing can be carried on, and all is as it was: the home holds nothing of this, the numbers of its
    values do not fit any more, or so many windows move that most events come or go. For few people `ahead.move` does
    the same.
    """
    bind = Bound()
    new = together(values, catalog, as_of, numbers=mark.given)
    present = mark.columns
    held = {key: value for key, value in values.items() if present.issuperset(new.made_of[key])}
    added = {key: value for key, value in values.items() if key not in held}
    stale = present - {name for key in held for name in new.made_of[key]}
    if not held:
        return None
    old = together(held, catalog, mark.as_of, bind=bind, numbers=mark.given)
    new = together(held, catalog, as_of, bind=bind, numbers=mark.given)
    edges = Edges(held, old, new, mark, bind)
    if edges.crowded(tx):
        return None
    also = numbered(added, catalog, as_of, bind=bind)
    numbers = edges.renumber(
        tx, {column: query.sql for column, query in also.items() if column in mark.numbers}
    )
    if numbers is None:
        return None
    mark = replace(mark, as_of=as_of, load_i=loads(tx), numbers=numbers)
    edges.new = together(held, catalog, as_of, bind=bind, numbers=mark.given)
    edges.collect(tx)
    edges.choose(tx)
    edges.compute(tx, catalog, as_of, numbers=mark.given)
    mark, written = edges.write(tx, mark)
    for table in edges.made:
        tx.execute(f"DROP TABLE IF EXISTS temp.{table}")
    advanced = Advanced(edges.touched, edges.anew, len(held), len(added), written)
    if added or stale:
        forget(tx, advanced)
        advanced = replace(advanced, written={})
        mark = _rebuilt(tx, edges.new, added, mark=mark, home=home, catalog=catalog, as_of=as_of)
    made = together(values, catalog, as_of, numbers=mark.given)
    if not mark.shelves:
        mark = homes.shelve(tx, mark, shelved(made), apart=False)
    return made, advanced, mark


def _rebuilt(
    tx: Transaction,
    held: Together,
    added: Mapping[str, Value],
    *,
    mark: Mark,
    home: str,
    catalog: Catalog,
    as_of: datetime,
) -> Mark:
    """Makes `home` out of what is held and what is added, which is computed anew; the answer is its mark."""
    numbers = dict(mark.numbers)
    for column, found in mark.given.items():
        table = numbers_of(home, {column: None})[column].table
        tx.execute(f"CREATE OR REPLACE TABLE {quoted(table)} AS FROM {quoted(found.table)}")
    numbers |= number(tx, added, home=home, catalog=catalog, as_of=as_of, besides=mark.numbers)
    columns = [f"h.{name}" for name in held.columns]
    source = f"{mark.source(*(f'e.{name}' for name in held.columns))} AS h"
    bound: Mapping[str, Any] = {}
    if added:
        made = together(added, catalog, as_of, numbers=numbers_of(home, numbers))
        columns += [f"m.{name}" for name in made.columns if name not in held.columns]
        source += f" LEFT JOIN ({made.query.sql}) AS m ON m.ix = h.ix"
        bound = made.query.values
    homes.make(tx, home, f"SELECT {', '.join(['h.ix', *columns])} FROM {source} ORDER BY h.ix", bound)
    return replace(mark, home=home, numbers=numbers, shelves=())


def shelved(made: Together) -> list[tuple[str, ...]]:
    """The columns of each shelf of a home: those that rest on events of the same names, if they are not too many."""
    found: dict[object, list[str]] = {}
    for name, tally in made.tallies.items():
        found.setdefault(tally.selection.codes, []).append(name)
    for name, selections in made.asked.items():
        found.setdefault(selections[0].codes if selections else None, []).append(name)
    several = sorted(found.values(), key=len, reverse=True)
    last = [name for names in several[homes.MOST_SHELVES - 1 :] for name in names]
    return [
        tuple(names[first : first + homes.MOST_COLUMNS])
        for names in (*several[: homes.MOST_SHELVES - 1], last)
        for first in range(0, len(names), homes.MOST_COLUMNS)
    ]


@dataclass(frozen=True)
class Part:
    """Events that were loaded before, in a span of time at whose edges windows begin or end: [low, high)."""

    low: datetime
    high: datetime


@dataclass
class Group:
    """What is asked of the same events: tallies and selections of values without tallies, by name.

    `parts`: by number, the spans in which events come or go without being new. Tables: `came`, what came and went by
    person; `edge`, the people of whom the values named in `again` are computed anew; `made`, what these are then.
    """

    codes: tuple[int, ...] | None
    number: int
    tallies: dict[str, Tally]
    asked: dict[str, list[Selection]]
    parts: dict[int, Part] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)

    @property
    def came(self) -> str:
        return f"tags_came_{self.number}"

    @property
    def edge(self) -> str:
        return f"tags_edge_{self.number}"

    @property
    def made(self) -> str:
        return f"tags_made_{self.number}"

    @property
    def selections(self) -> list[Selection]:
        """Every selection once."""
        found = [tally.selection for tally in self.tallies.values()]
        found += [selection for several in self.asked.values() for selection in several]
        return list({selection.text: selection for selection in found}.values())


class Edges:
    """What came and went between two instants, in one narrow table for each set of event names that is asked for."""

    def __init__(
        self, values: Mapping[str, Value], old: Together, new: Together, mark: Mark, bind: Bound
    ) -> None:
        self.values, self.new, self.before, self.bind = values, new, mark, bind
        self.events: EventSql = new.events
        self.now = self.events.sql.as_of
        self.mark = bind(mark.load_i)
        self.earlier = {s.text: s for s in _selections(old)}
        self.groups: list[Group] = []
        self.touched = self.anew = self.moved = 0

    @property
    def made(self) -> list[str]:
        """The temporary tables."""
        fresh = [_FRESH, *(f"{_FRESH}_{place}" for place in range(len(self.before.numbers)))]
        return [
            *fresh,
            _EVENTS,
            MOVED,
            ANEW,
            _NEWCOMERS,
            _CHANGED,
            _GONE,
            *(t for g in self.groups for t in (g.came, g.edge, g.made)),
        ]

    def crowded(self, tx: Transaction) -> bool:
        """Whether so many windows move that what comes and goes is a great part of all events."""
        parts = _parts(_selections(self.new), self.earlier)
        if len(parts) < MANY_PARTS:
            return False
        spans: list[Part] = []
        for part in parts:  # they follow each other in time
            if spans and spans[-1].high == part.low:
                spans[-1] = Part(spans[-1].low, part.high)
            else:
                spans.append(part)
        within = " OR ".join(f"(ts >= {self.bind(one.low)} AND ts < {self.bind(one.high)})" for one in spans)
        found = tx.read(
            f"SELECT COUNT(*) FILTER (WHERE {within}) AS moved, COUNT(*) AS n FROM events WHERE ix IS NOT NULL",
            self.bind.values,
        )
        return int(found["moved"][0].as_py()) > MOST_MOVED * int(found["n"][0].as_py())

    def renumber(self, tx: Transaction, also: Mapping[str, str]) -> dict[str, int | None] | None:
        """Numbers the values that came, and the home's by these; None when they do not fit any more.

        `also`: by column, the query of further values to be numbered. The answer is how many values each column has.
        """
        sizes: dict[str, int | None] = {}
        grown: dict[str, str] = {}
        tallies = {name: tally for name, tally in self.new.tallies.items() if tally.numbered}
        asked = [selection for several in self.new.asked.values() for selection in several]
        for column, found in self.before.given.items():
            mine = [t for t in tallies.values() if t.numbered and t.numbered.column == column]
            sizes[column] = found.size
            if found.size is None:
                continue
            known = f"SELECT value FROM {quoted(found.table)} WHERE value IS NOT NULL"
            rows = [f"SELECT {column} AS value FROM events WHERE {self._new}"]
            for part in _parts([*(tally.selection for tally in mine), *asked], self.earlier):
                rows.append(f"SELECT {column} FROM events WHERE {self._known(part)}")
            if column in also:
                rows.append(also[column])
            fresh = f"{_FRESH}_{len(grown)}"
            tx.execute(
                f"CREATE OR REPLACE TEMP TABLE {fresh} AS SELECT value FROM ({' UNION ALL '.join(rows)})"
                f" WHERE value IS NOT NULL EXCEPT {known}",
                self.bind.values,
            )
            size = found.size + _size(tx, fresh)
            if size == found.size:
                continue
            sets = any(tally.how == "or" for tally in mine)
            if size > scan.MOST_NUMBERED or (sets and (found.size or not Numbers("", size).bits)):
                return None
            sizes[column] = size
            grown[column] = fresh
        for column, fresh in grown.items():
            table = quoted(self.before.given[column].table)
            every = f"SELECT value FROM {table} WHERE value IS NOT NULL UNION ALL SELECT value FROM {fresh}"
            tx.execute(f"CREATE OR REPLACE TEMP TABLE {_FRESH} AS {numbering(every)}")
            now = f"(SELECT LIST(s.n ORDER BY w.n) FROM {table} AS w LEFT JOIN {_FRESH} AS s ON s.value = w.value)"
            packed = [
                name
                for name, tally in tallies.items()
                if tally.how != "or" and tally.numbered and tally.numbered.column == column
            ]
            for shelf in self.before.shelves:
                here = [name for name in packed if name in shelf.columns]
                written = ", ".join(
                    f"{name} = {name} - ({name} & {ROOM - 1}) + {now}[({name} & {ROOM - 1}) + 1]"
                    for name in here
                )
                for held in shelf.tables:
                    if here:
                        tx.execute(f"UPDATE {quoted(held)} SET {written}")
            tx.execute(f"CREATE OR REPLACE TABLE {table} AS FROM {_FRESH}")
        return sizes

    def collect(self, tx: Transaction) -> None:
        """Makes the tables of what came and went."""
        self.groups = grouped(self.new)
        tx.execute(f"CREATE OR REPLACE TEMP TABLE {_EVENTS} AS {self._scans()}", self.bind.values)
        for group in self.groups:
            columns = []
            for name, tally in group.tallies.items():
                columns += self._changes(group, name, tally)
            for name, selections in group.asked.items():
                touched = " OR ".join(
                    f"({self._came(group, selection)}) OR ({self._went(group, selection)})"
                    for selection in selections
                )
                columns.append(f"COALESCE(bool_or({touched}), false) AS again{name}")
            values = {tally.numbered for tally in group.tallies.values() if tally.numbered is not None}
            tx.execute(
                f"CREATE OR REPLACE TEMP TABLE {group.came} AS\nWITH came AS NOT MATERIALIZED"
                f" (SELECT * FROM {_EVENTS} WHERE {self._concerns(group)})\n"
                f"SELECT ix, {', '.join(columns)}\nFROM {_numbered('came', values)}\nGROUP BY ix",
                self.bind.values,
            )

    def happened(self, asked: Mapping[str, str]) -> str:
        """The query of the events that came or went: ix, name_i, ts, part, and beside them what is `asked`, by name.

        `unnumbered`: whether a value of it has no number yet.
        """
        known = [
            Numbered(column, given) for column, given in self.before.given.items() if given.size is not None
        ]
        without = [f"({value.column} IS NOT NULL AND {value.n} IS NULL)" for value in known]
        chosen = [f"{sql} AS {name}" for name, sql in asked.items()]
        chosen.append(f"({' OR '.join(without) or 'FALSE'}) AS unnumbered")
        return (
            f"WITH came AS NOT MATERIALIZED ({self._scans()})\n"
            f"SELECT ix, name_i, ts, part, {', '.join(chosen)} FROM {_numbered('came', {*self._values(), *known})}"
            " ORDER BY ix"
        )

    def beside(self, names: Collection[str]) -> str:
        """The query of what came and went of these tallies alone, by person."""
        columns: list[str] = []
        for group in self.groups:
            for name in group.tallies.keys() & names:
                columns += self._changes(group, name, group.tallies[name], self._concerns(group))
        return (
            f"WITH came AS NOT MATERIALIZED ({self._scans()})\n"
            f"SELECT ix, {', '.join(columns)} FROM {_numbered('came', self._values())} GROUP BY ix ORDER BY ix"
        )

    def _values(self) -> set[Numbered]:
        """The properties whose numbers some tally is made of."""
        return {tally.numbered for tally in self.new.tallies.values() if tally.numbered is not None}

    def choose(self, tx: Transaction) -> None:
        """Makes the tables of people of whom everything, or the uncertain values of a group, is computed anew."""
        tx.execute(
            f"CREATE OR REPLACE TEMP TABLE {MOVED} AS SELECT DISTINCT ix FROM moved WHERE load_i > {self.mark}",
            self.bind.values,
        )
        self.anew = self.moved = _size(tx, MOVED)
        self.touched = _people(tx, [MOVED, *(group.came for group in self.groups)])
        for group in self.groups:
            uncertain = {name: tally for name, tally in group.tallies.items() if self.uncertain(tally)}
            columns = {*group.asked, *uncertain}
            group.again = {key for key, made in self.new.made_of.items() if columns & set(made)}
            tests = [f"d.again{name}" for name in group.asked]
            tests += [decided(name, tally, "d") for name, tally in uncertain.items()]
            if tests:
                tx.execute(
                    f"CREATE OR REPLACE TEMP TABLE {group.edge} AS SELECT d.ix FROM {group.came} AS d"
                    f" LEFT JOIN {self.before.source(*(f'e.{name}' for name in uncertain))} AS h ON h.ix = d.ix"
                    f" WHERE ({' OR '.join(tests)}) AND d.ix NOT IN (SELECT ix FROM {MOVED})"
                )
                n = _size(tx, group.edge)
                self.anew += n
                group.again = group.again if n else set()

    def compute(
        self, tx: Transaction, catalog: Catalog, as_of: datetime, *, numbers: Mapping[str, Numbers]
    ) -> None:
        """Computes anew what has to be."""
        for group in self.groups:
            some = {key: value for key, value in self.values.items() if key in group.again}
            if some:
                made = together(some, catalog, as_of, among=group.edge, numbers=numbers)
                tx.execute(
                    f"CREATE OR REPLACE TEMP TABLE {group.made} AS {made.query.sql}", made.query.values
                )
        if self.moved:
            made = together(self.values, catalog, as_of, among=MOVED, numbers=numbers)
            tx.execute(f"CREATE OR REPLACE TEMP TABLE {ANEW} AS {made.query.sql}", made.query.values)

    def write(self, tx: Transaction, mark: Mark) -> tuple[Mark, dict[str, str]]:
        """Writes the rows of whom anything came, went or moved, shelf by shelf.

        The answer is the home's mark, and the table of the rows that were written, by shelf.
        """
        tx.execute(
            f"CREATE OR REPLACE TEMP TABLE {_GONE} AS"
            " SELECT ix FROM persons WHERE merged_into IS NOT NULL OR erased"
        )
        homes.take_out(tx, mark, _GONE)
        people, newcomers = self._welcome(tx, mark)
        shelves: list[homes.Shelf] = []
        written: dict[str, str] = {}
        for shelf in mark.shelves:
            groups = [group for group in self.groups if set(shelf.columns) & {*group.tallies, *group.asked}]
            among = [group.came for group in groups] + [MOVED] * bool(self.moved) + [_NEWCOMERS] * newcomers
            who, w = (among[0], f"c{groups[0].number}") if len(among) == 1 == len(groups) else (_CHANGED, "w")
            if who == _CHANGED:
                several = " UNION ".join(f"SELECT ix FROM {table}" for table in among)
                tx.execute(f"CREATE OR REPLACE TEMP TABLE {_CHANGED} AS {several or f'FROM {MOVED}'}")
            joined = f"{who} AS {w} JOIN {quoted(shelf.view)} AS h ON h.ix = {w}.ix"
            if newcomers:
                joined = (
                    f"{who} AS w LEFT JOIN {quoted(shelf.view)} AS h ON h.ix = w.ix"
                    f" LEFT JOIN {_NEWCOMERS} AS n ON n.ix = w.ix"
                )
            rows = quoted(f"{shelf.view}_written")
            written[shelf.view] = f"{shelf.view}_written"
            tx.execute(
                f"CREATE OR REPLACE TEMP TABLE {rows} AS SELECT {w}.ix, {self._chosen(shelf, groups)}"
                f" FROM {joined} {' '.join(self._beside(w, groups, who))}"
                + (" WHERE h.ix IS NOT NULL OR n.ix IS NOT NULL" if newcomers else "")
            )
            many = _size(tx, written[shelf.view]) + _size(tx, shelf.lately)
            shelves.append(homes.put(tx, shelf, rows, people=people, many=many))
        found = replace(mark, shelves=tuple(shelves))
        homes.tidy(tx, found)
        return found, written

    def _welcome(self, tx: Transaction, mark: Mark) -> tuple[int, bool]:
        """Makes the table of the living who have no row yet; the answer is how many live, and whether any is new."""
        one = quoted(mark.shelves[0].view)
        people = _count(tx, f"({publish.ALIVE})")
        newcomers = people > homes.people(tx, mark)  # those who live no more are taken out before
        if newcomers:
            tx.execute(
                f"CREATE OR REPLACE TEMP TABLE {_NEWCOMERS} AS"
                f" SELECT p.ix FROM ({publish.ALIVE}) AS p ANTI JOIN {one} AS e ON e.ix = p.ix"
            )
        return people, newcomers

    def _chosen(self, shelf: homes.Shelf, groups: list[Group]) -> str:
        """Every column of the shelf as it is now, in the type that it has."""
        kind = dict(zip(shelf.columns, shelf.kinds, strict=True))
        values = self._columns_now(groups)
        now = {name: values.get(name, f"h.{name}") for name in shelf.columns}  # what is not asked for stays
        return ", ".join(f"CAST({value} AS {kind[name]}) AS {name}" for name, value in now.items())

    def _beside(self, who: str, groups: list[Group], alone: str) -> list[str]:
        """The tables of what came and what was computed anew, joined to the people `who`, whose table is `alone`."""
        joins = []
        for group in groups:
            if group.tallies and group.came != alone:
                joins.append(f"LEFT JOIN {group.came} AS c{group.number} ON c{group.number}.ix = {who}.ix")
            if group.again:
                joins.append(f"LEFT JOIN {group.made} AS m{group.number} ON m{group.number}.ix = {who}.ix")
        return [*joins, f"LEFT JOIN {ANEW} AS a ON a.ix = {who}.ix"] if self.moved else joins

    def _columns_now(self, groups: list[Group]) -> dict[str, str]:
        """Every column as it is now, in SQL over the home (h) and what is beside it."""
        values = {name: f"h.{name}" for name in self.new.columns}
        for group in groups:
            values |= {name: added(name, tally, f"c{group.number}") for name, tally in group.tallies.items()}
            if group.again:
                made = f"m{group.number}"
                anew = [name for name, tally in group.tallies.items() if self.uncertain(tally)]
                for name in [*anew, *group.asked]:
                    values[name] = f"CASE WHEN {made}.ix IS NULL THEN {values[name]} ELSE {made}.{name} END"
        if self.moved:
            for name, value in values.items():
                values[name] = f"CASE WHEN a.ix IS NULL THEN {value} ELSE a.{name} END"
        return values

    def uncertain(self, tally: Tally) -> bool:
        """Whether what went may have decided the tally."""
        return tally.how in ("min", "max", "or") and self.moves(tally.selection)

    # which rows

    @property
    def _new(self) -> str:
        """Loaded since."""
        return f"load_i > {self.mark} AND ix IS NOT NULL AND ts < {self.bind(self.now)}"

    def _known(self, part: Part) -> str:
        """Loaded before, in a span of time."""
        span = f"ts >= {self.bind(part.low)} AND ts < {self.bind(part.high)}"
        return f"COALESCE(load_i, 0) <= {self.mark} AND ix IS NOT NULL AND {span}"

    def _scans(self) -> str:
        """The query, once for all groups, of every event that is new (part 0) or in a part of any of them."""
        self.parts = _parts([one for group in self.groups for one in group.selections], self.earlier)
        for group in self.groups:
            group.parts = {
                number: part
                for number, part in enumerate(self.parts, 1)
                if any(within(part, self.earlier[one.text]) != within(part, one) for one in group.selections)
            }
        asked = " ".join(
            " ".join((tally.term, *tally.more, tally.numbered.column if tally.numbered else ""))
            for group in self.groups
            for tally in group.tallies.values()
        )
        asked += " ".join(one.where or "" for group in self.groups for one in group.selections)
        asked += " ".join(self.before.numbers)
        own = set(re.findall(r"\w+", asked)) & {"source_i"}
        named = {"name_i", "ts", "ix", *own, *re.findall(r'"(\w+)"', asked)}
        columns = ", ".join(quoted(name) for name in sorted(named))
        codes = [group.codes for group in self.groups]
        about = ""
        if all(found is not None for found in codes):
            about = (
                f" AND {code_in(self.events.sql, sorted({code for found in codes for code in found or ()}))}"
            )
        found = [f"SELECT {columns}, 0 AS part FROM events WHERE {self._new}{about}"]
        found += [
            f"SELECT {columns}, {number} AS part FROM events WHERE {self._known(part)}{about}"
            for number, part in enumerate(self.parts, 1)
        ]
        return " UNION ALL ".join(found)

    def _concerns(self, group: Group) -> str:
        """Of the events that are read: those of the group that came or went, and few others."""
        about = "" if group.codes is None else f" AND {code_in(self.events.sql, group.codes)}"
        return f"part IN ({', '.join(map(str, [0, *group.parts]))}){about}"

    def moves(self, selection: Selection) -> bool:
        """Whether events can leave the selection as time passes."""
        was = self.earlier[selection.text]
        return was.low != selection.low or was.high > selection.high

    def _came(self, group: Group, selection: Selection) -> str:
        """The event counts now and did not then."""
        was = self.earlier[selection.text]
        tests = [f"(part = 0 AND {self.events.between(selection)})"]
        tests += [
            f"part = {number}"
            for number, part in group.parts.items()
            if within(part, selection) and not within(part, was)
        ]
        return both([_about(selection), f"({' OR '.join(tests)})"])

    def _went(self, group: Group, selection: Selection) -> str:
        """The event counted then and does not now."""
        was = self.earlier[selection.text]
        tests = [
            f"part = {number}"
            for number, part in group.parts.items()
            if within(part, was) and not within(part, selection)
        ]
        return both([_about(selection), f"({' OR '.join(tests)})" if tests else "FALSE"])

    # what changes

    def _changes(self, group: Group, name: str, tally: Tally, *also: str) -> list[str]:
        """The columns of a tally in the table of changes; `also`: what else must be true of an event."""
        more = [*also, *tally.more]
        came = both([self._came(group, tally.selection), *more])
        went = both([self._went(group, tally.selection), *more])
        added = over(tally, came, together=len(group.tallies))
        if not self.moves(tally.selection):
            return [f"{added} AS {name}"]
        taken = over(tally, went, together=len(group.tallies))
        if tally.how in ("count", "sum"):
            return [f"COALESCE({added}, 0) - COALESCE({taken}, 0) AS {name}"]
        return [f"{added} AS {name}", f"{taken} AS {name}_went"]


def _numbered(rows: str, values: Collection[Numbered]) -> str:
    """The rows, with the numbers of these properties beside them."""
    return f"({with_numbers(rows, sorted(values, key=lambda value: value.name))})" if values else rows


def decided(name: str, tally: Tally, came: str) -> str:
    """Whether what went may have decided the tally (beside h)."""
    went = f"{came}.{name}_went"
    if tally.how == "or":
        return f"({went} & ~COALESCE({came}.{name}, 0)) <> 0"
    return f"{went} {'<=' if tally.how == 'min' else '>='} h.{name}"


def added(name: str, tally: Tally, came: str) -> str:
    """What was (beside h) and what came, together."""
    held, added = f"h.{name}", f"{came}.{name}"
    match tally.how:
        case "min":
            return f"LEAST({held}, {added})"
        case "max":
            return f"GREATEST({held}, {added})"
        case "or":
            return f"(CASE WHEN {added} IS NULL THEN {held} ELSE COALESCE({held}, 0) | {added} END)"
        case _:
            return f"COALESCE({held}, 0) + COALESCE({added}, 0)"


def grouped(made: Together) -> list[Group]:
    """What is asked, by the names of the events that it is asked of."""
    groups: dict[tuple[int, ...] | None, Group] = {}

    def group(codes: tuple[int, ...] | None) -> Group:
        return groups.setdefault(codes, Group(codes, len(groups), {}, {}))

    for name, tally in made.tallies.items():
        group(tally.selection.codes).tallies[name] = tally
    for key, selections in made.asked.items():
        for selection in selections:
            group(selection.codes).asked.setdefault(key, []).append(selection)
    return list(groups.values())


def _parts(selections: Iterable[Selection], earlier: Mapping[str, Selection]) -> list[Part]:
    """The spans of time in which some selection counts now and did not then, or the other way, in order."""
    pairs = [(earlier[selection.text], selection) for selection in selections]
    points = sorted({point for pair in pairs for one in pair for point in (one.low or _BEGINNING, one.high)})
    spans = [Part(low, high) for low, high in pairwise(points)]
    return [part for part in spans if any(within(part, was) != within(part, now) for was, now in pairs)]


def _about(selection: Selection) -> str:
    """The selection's condition; the rows that are read have its names."""
    return f"({selection.where})" if selection.where else ""


def within(part: Part, selection: Selection) -> bool:
    """Whether the selection has all of the span; it has all or nothing."""
    return (selection.low or _BEGINNING) <= part.low and part.high <= selection.high


def _selections(made: Together) -> list[Selection]:
    found = [tally.selection for tally in made.tallies.values()]
    found += [selection for asked in made.asked.values() for selection in asked]
    return list({selection.text: selection for selection in found}.values())


def _size(tx: Transaction, table: str) -> int:
    return _count(tx, quoted(table))


def _count(tx: Transaction, rows: str) -> int:
    return int(tx.read(f"SELECT COUNT(*) AS n FROM {rows}").column("n")[0].as_py())


def _people(tx: Transaction, tables: Iterable[str]) -> int:
    """How many people stand in any of the tables."""
    found = [tx.read(f"SELECT ix FROM {table}").column("ix").combine_chunks().to_numpy() for table in tables]
    there = np.zeros(max((int(who.max()) + 1 for who in found if len(who)), default=0), dtype=np.bool_)
    for who in found:
        there[who] = True
    return int(np.count_nonzero(there))
