"""Homes: what was computed together, a row for each person, and up to where each of them counts.

A home is a view over two tables: one holds everybody, as they were when it was last written whole; the other, small one
holds who was written since, and wins. So a step changes few rows at one place, and not a few everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from limner.engine.seam import Engine, Transaction, quoted
from limner.expressions.scan import Numbered, Numbers
from limner.types import naive, utc


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

    @property
    def given(self) -> dict[str, Numbers]:
        """The numbers of its values, by column."""
        return numbers_of(self.home, self.numbers)


def numbers_of(home: str, sizes: Mapping[str, int | None]) -> dict[str, Numbers]:
    """The numbers that belong to a home, by column."""
    return {column: Numbers(f"{home}_{Numbered(column).name}", size) for column, size in sizes.items()}


def marks(tx: Engine | Transaction) -> list[Mark]:
    """Every home."""
    return [
        Mark(row["home"], utc(row["as_of"]), int(row["load_i"]), row["asked"], json.loads(row["numbers"]))
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
    }
    tx.execute("DELETE FROM homes WHERE home = $home", {"home": mark.home})
    tx.execute("INSERT INTO homes VALUES ($home, $as_of, $load_i, $asked, $numbers)", values)


def leave(tx: Transaction, *, newest: str) -> None:
    """Homes in which no tag stands any more go; the newest stays."""
    used = tx.read("SELECT DISTINCT home FROM tag_state WHERE home IS NOT NULL").column("home").to_pylist()
    for mark in marks(tx):
        if mark.home != newest and mark.home not in used:
            drop(tx, mark)


def all_of(home: str) -> str:
    """The table of everybody, quoted."""
    return quoted(f"{home}_all")


def lately_of(home: str) -> str:
    """The table of who was written since, quoted."""
    return quoted(f"{home}_lately")


def parts_of(home: str) -> tuple[str, str]:
    """Both tables, quoted."""
    return all_of(home), lately_of(home)


def make(tx: Transaction, home: str, rows: str, values: Mapping[str, Any] | None = None) -> None:
    """Writes a home whole: `rows` is the query of its rows, in the order in which they are kept."""
    tx.execute(f"CREATE OR REPLACE TABLE {all_of(home)} AS {rows}", values)
    tx.execute(f"CREATE OR REPLACE TABLE {lately_of(home)} AS FROM {all_of(home)} LIMIT 0")
    tx.execute(
        f"CREATE OR REPLACE VIEW {quoted(home)} AS SELECT a.* FROM {all_of(home)} AS a"
        f" ANTI JOIN {lately_of(home)} AS l ON l.ix = a.ix UNION ALL FROM {lately_of(home)}"
    )


def rows_of(home: str, who: str) -> str:
    """The query of some people's rows; `who`: a table of ix."""
    return (
        f"SELECT a.* FROM {all_of(home)} AS a SEMI JOIN {who} AS w ON w.ix = a.ix"
        f" ANTI JOIN {lately_of(home)} AS l ON l.ix = a.ix UNION ALL {lately_rows_of(home, who)}"
    )


def lately_rows_of(home: str, who: str) -> str:
    """The query of the rows of those of some people who were written lately."""
    return f"SELECT l.* FROM {lately_of(home)} AS l SEMI JOIN {who} AS w ON w.ix = l.ix"


def put(tx: Transaction, home: str, rows: str) -> None:
    """Writes some people's rows; `rows`: a table of the home's columns."""
    tx.execute(f"DELETE FROM {lately_of(home)} WHERE ix IN (SELECT ix FROM {rows})")
    tx.execute(f"INSERT INTO {lately_of(home)} FROM {rows}")


def take_out(tx: Transaction, home: str, who: str) -> None:
    """These people have no row any more; `who`: a query of ix."""
    for table in parts_of(home):
        tx.execute(f"DELETE FROM {table} WHERE ix IN ({who})")


def size(tx: Transaction, home: str) -> tuple[int, int]:
    """How many rows the table of everybody has, and that of who was written since."""
    counts = [tx.read(f"SELECT COUNT(*) FROM {table}") for table in parts_of(home)]
    return int(counts[0].column(0)[0].as_py()), int(counts[1].column(0)[0].as_py())


def drop(tx: Transaction, mark: Mark) -> None:
    """The home, and the numbers of its values, are no more."""
    tx.execute(f"DROP VIEW IF EXISTS {quoted(mark.home)}")
    for table in parts_of(mark.home):
        tx.execute(f"DROP TABLE IF EXISTS {table}")
    for found in mark.given.values():
        tx.execute(f"DROP TABLE IF EXISTS {quoted(found.table)}")
    tx.execute("DELETE FROM homes WHERE home = $home", {"home": mark.home})


def forget(tx: Transaction) -> None:
    """Values that no event has any more lose their number."""
    for mark in marks(tx):
        for column, found in mark.given.items():
            tx.execute(
                f"UPDATE {quoted(found.table)} SET value = NULL"
                f" WHERE value NOT IN (SELECT {column} FROM events WHERE {column} IS NOT NULL)"
            )
