"""Homes: what was computed together, a row for each person, and up to where each of them counts.

A home stands on shelves: the columns that rest on events of the same names stand together, so that whoever only looked
at a page is written in few columns. A shelf is a view over two tables. Its base holds everybody, as they were when it
was last written whole; the other, small one holds who was written since, and wins. So a step changes few rows at one
place, and not a few everywhere. A home that is computed anew is written shelf by shelf, each in a pass over the events
on which it rests; one that gets further columns is written as one wide table, the base of every shelf.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from limner.engine.seam import Engine, Transaction, quoted
from limner.expressions.scan import Numbered, Numbers
from limner.types import naive, utc

MOST_SHELVES = 8
"""More sets of names than this share the last shelf: each one costs a step a few statements."""

MOST_COLUMNS = 64
"""A shelf has no more columns: a pass over the events that gathers more of everybody at once needs much memory."""

SCATTERED = 1 / 8
"""Where more of everybody than this were written since, a shelf is written whole."""


@dataclass(frozen=True)
class Shelf:
    """Some columns of a home, read as `view`. `base`: the table of everybody, in which other columns may stand, too.

    `kinds`: the type of each column, in SQL.
    """

    view: str
    base: str
    columns: tuple[str, ...]
    kinds: tuple[str, ...]

    @property
    def lately(self) -> str:
        """The table of who was written since."""
        return f"{self.view}_lately"

    @property
    def tables(self) -> tuple[str, str]:
        """Both tables."""
        return self.base, self.lately


@dataclass(frozen=True)
class Mark:
    """Up to where a home counts: its instant and the last load that it saw. `asked`: what it answers.

    `numbers`: the columns of events whose values are numbered for it, and how many values each has (None: too many).
    """

    home: str
    as_of: datetime
    load_i: int
    asked: str
    numbers: Mapping[str, int | None] = field(default_factory=dict)
    shelves: tuple[Shelf, ...] = ()

    @property
    def given(self) -> dict[str, Numbers]:
        """The numbers of its values, by column."""
        return numbers_of(self.home, self.numbers)

    @property
    def columns(self) -> frozenset[str]:
        """Every column besides ix."""
        return frozenset(name for shelf in self.shelves for name in shelf.columns)

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table that holds rows of people, by ix."""
        return tuple(dict.fromkeys(table for shelf in self.shelves for table in shelf.tables))

    def shelves_of(self, readings: Iterable[str]) -> tuple[Shelf, ...]:
        """The shelves on which the columns (of e) stand that these readings name; never none."""
        named = names(readings)
        return tuple(shelf for shelf in self.shelves if named & set(shelf.columns)) or self.shelves[:1]

    def source(self, *readings: str) -> str:
        """What to read in SQL for these readings: ix and at least the columns (of e) that they name."""
        first, *others = self.shelves_of(readings)
        if not others:
            return quoted(first.view)
        joined = " ".join(f"JOIN {quoted(shelf.view)} USING (ix)" for shelf in others)
        return f"(SELECT * FROM {quoted(first.view)} {joined})"


_NAMED = re.compile(r"\be\.(\w+)")


def names(readings: Iterable[str]) -> set[str]:
    """The columns (of e) that these readings name."""
    return {name for reading in readings for name in _NAMED.findall(reading)}


def numbers_of(home: str, sizes: Mapping[str, int | None]) -> dict[str, Numbers]:
    """The numbers that belong to a home, by column."""
    return {column: Numbers(f"{home}_{Numbered(column).name}", size) for column, size in sizes.items()}


def marks(tx: Engine | Transaction) -> list[Mark]:
    """Every home."""
    return [
        Mark(
            row["home"],
            utc(row["as_of"]),
            int(row["load_i"]),
            row["asked"],
            json.loads(row["numbers"]),
            tuple(
                Shelf(shelf["view"], shelf["base"], tuple(shelf["columns"]), tuple(shelf["kinds"]))
                for shelf in json.loads(row["shelves"])
            ),
        )
        for row in tx.read("SELECT * FROM homes ORDER BY home").to_pylist()
    ]


def latest(tx: Engine | Transaction, *, asked: str, as_of: datetime) -> Mark | None:
    """The home that answers the same and is nearest before then; None where there is none."""
    found = [mark for mark in marks(tx) if mark.asked == asked and mark.as_of <= as_of]
    return max(found, key=lambda mark: (mark.as_of, mark.load_i), default=None)


def keep(tx: Transaction, mark: Mark) -> None:
    """Writes down up to where a home counts."""
    values: dict[str, Any] = {
        "home": mark.home,
        "as_of": naive(mark.as_of),
        "load_i": mark.load_i,
        "asked": mark.asked,
        "numbers": json.dumps(mark.numbers, sort_keys=True),
        "shelves": json.dumps([asdict(shelf) for shelf in mark.shelves]),
    }
    tx.execute("DELETE FROM homes WHERE home = $home", values)
    tx.execute("INSERT INTO homes VALUES ($home, $as_of, $load_i, $asked, $numbers, $shelves)", values)


def leave(tx: Transaction, *, newest: str) -> None:
    """Homes in which no tag stands any more go; the newest stays."""
    used = tx.read("SELECT DISTINCT home FROM tag_state WHERE home IS NOT NULL").column("home").to_pylist()
    for mark in marks(tx):
        if mark.home != newest and mark.home not in used:
            drop(tx, mark)


def all_of(home: str) -> str:
    """The table in which a home is written whole, quoted."""
    return quoted(_all_of(home))


def _all_of(home: str) -> str:
    return f"{home}_all"


def make(tx: Transaction, home: str, rows: str, values: Mapping[str, Any] | None = None) -> None:
    """Writes a home, or the base of a shelf of one, whole: `rows` is the query of its rows. Then `shelve`
    the home.
    """
    tx.execute(f"CREATE OR REPLACE TABLE {all_of(home)} AS {rows}", values)


def shelf_of(home: str, place: int) -> str:
    """What the shelf of that number is called."""
    return f"{home}_{place}"


def shelve(tx: Transaction, mark: Mark, columns: Sequence[tuple[str, ...]], *, apart: bool) -> Mark:
    """Makes the shelves of a home that was written whole, each with these columns; the answer is its mark with them.

    `apart`: each shelf has a base of its own; else one table is the base of all.
    """
    shelves = []
    for place, names in enumerate(columns):
        view = shelf_of(mark.home, place)
        base = _all_of(view if apart else mark.home)
        found = tx.read(f"SELECT column_name, column_type FROM (DESCRIBE {quoted(base)})").to_pylist()
        kind = {row["column_name"]: row["column_type"] for row in found}
        shelves.append(Shelf(view, base, tuple(names), tuple(kind[name] for name in names)))
    for shelf in shelves:
        tx.execute(
            f"CREATE OR REPLACE TABLE {quoted(shelf.lately)} AS SELECT {_listed(shelf)}"
            f" FROM {quoted(shelf.base)} LIMIT 0"
        )
        _view(tx, shelf)
    return replace(mark, shelves=tuple(shelves))


def _view(tx: Transaction, shelf: Shelf) -> None:
    tx.execute(
        f"CREATE OR REPLACE VIEW {quoted(shelf.view)} AS SELECT {_listed(shelf, 'a.')}"
        f" FROM {quoted(shelf.base)} AS a ANTI JOIN {quoted(shelf.lately)} AS l ON l.ix = a.ix"
        f" UNION ALL FROM {quoted(shelf.lately)}"
    )


def _listed(shelf: Shelf, of: str = "") -> str:
    return ", ".join(f"{of}{name}" for name in ("ix", *shelf.columns))


def rows_of(shelf: Shelf, who: str) -> str:
    """The query of some people's rows; `who`: a table of ix."""
    return (
        f"SELECT {_listed(shelf, 'a.')} FROM {quoted(shelf.base)} AS a SEMI JOIN {who} AS w ON w.ix = a.ix"
        f" ANTI JOIN {quoted(shelf.lately)} AS l ON l.ix = a.ix UNION ALL"
        f" SELECT l.* FROM {quoted(shelf.lately)} AS l SEMI JOIN {who} AS w ON w.ix = l.ix"
    )


def scattered(many: int, people: int) -> bool:
    """Whether so many were written since that a shelf is written whole; `people`: how many live."""
    return many > SCATTERED * people


def put(tx: Transaction, shelf: Shelf, rows: str, *, people: int, many: int, known: bool = True) -> Shelf:
    """Writes some people's rows; the answer is the shelf. `rows`: a table of its columns; `people`: how many live.

    Where `many` were written since it was last written whole, it is written whole: quicker than so many one by one.
    `known`: some of these people may have been among them.
    """
    lately = quoted(shelf.lately)
    if not scattered(many, people):
        if known:
            tx.execute(f"DELETE FROM {lately} WHERE ix IN (SELECT ix FROM {rows})")
        tx.execute(f"INSERT INTO {lately} FROM {rows}")
        return shelf
    whole = replace(shelf, base=_all_of(shelf.view))
    base, newer = quoted(shelf.base), rows
    if _count(tx, lately):
        newer = f"(FROM {rows} UNION ALL SELECT l.* FROM {lately} AS l ANTI JOIN {rows} AS r ON r.ix = l.ix)"
    written = (
        f"SELECT {_listed(shelf, 'a.')} FROM {base} AS a ANTI JOIN {newer} AS r ON r.ix = a.ix"
        f" UNION ALL SELECT {_listed(shelf, 'r.')} FROM {newer} AS r"
    )
    tx.execute(f"CREATE OR REPLACE TABLE {quoted(whole.base)} AS {written}")
    tx.execute(f"CREATE OR REPLACE TABLE {lately} AS FROM {quoted(whole.base)} LIMIT 0")
    _view(tx, whole)
    return whole


def tidy(tx: Transaction, mark: Mark) -> None:
    """The table in which the home was written whole goes when no shelf rests on it any more."""
    if mark.shelves and _all_of(mark.home) not in mark.tables:
        tx.execute(f"DROP TABLE IF EXISTS {all_of(mark.home)}")


def take_out(tx: Transaction, mark: Mark, who: str) -> None:
    """These people have no row any more; `who`: a table of ix."""
    among = " UNION ALL ".join(
        f"SELECT t.ix FROM {quoted(table)} AS t SEMI JOIN {who} AS w ON w.ix = t.ix"
        for table in mark.shelves[0].tables
    )
    if not _count(tx, who) or not _count(tx, f"({among})"):  # everybody stands on every shelf
        return
    for table in mark.tables:
        tx.execute(f"DELETE FROM {quoted(table)} WHERE ix IN (SELECT ix FROM {who})")


def people(tx: Transaction, mark: Mark) -> int:
    """How many people have a row."""
    base, lately = map(quoted, mark.shelves[0].tables)
    twice = _count(tx, f"(SELECT a.ix FROM {base} AS a SEMI JOIN {lately} AS l ON l.ix = a.ix)")
    return _count(tx, base) + _count(tx, lately) - twice


def drop(tx: Transaction, mark: Mark) -> None:
    """The home, and the numbers of its values, are no more."""
    for shelf in mark.shelves:
        tx.execute(f"DROP VIEW IF EXISTS {quoted(shelf.view)}")
    for table in mark.tables:
        tx.execute(f"DROP TABLE IF EXISTS {quoted(table)}")
    for found in mark.given.values():
        tx.execute(f"DROP TABLE IF EXISTS {quoted(found.table)}")
    tx.execute("DELETE FROM homes WHERE home = $home", {"home": mark.home})


def _count(tx: Transaction, table: str) -> int:
    return int(tx.read(f"SELECT COUNT(*) FROM {table}").column(0)[0].as_py())


def forget(tx: Transaction) -> None:
    """Values that no event has any more lose their number."""
    for mark in marks(tx):
        for column, found in mark.given.items():
            tx.execute(
                f"UPDATE {quoted(found.table)} SET value = NULL"
                f" WHERE value NOT IN (SELECT {column} FROM events WHERE {column} IS NOT NULL)"
            )
