"""Homes: the tables that hold what was computed together, and up to where each of them counts."""

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
            for table in (mark.home, *(found.table for found in mark.given.values())):
                tx.execute(f"DROP TABLE IF EXISTS {quoted(table)}")
            tx.execute("DELETE FROM homes WHERE home = $home", {"home": mark.home})


def forget(tx: Transaction) -> None:
    """Values that no event has any more lose their number."""
    for mark in marks(tx):
        for column, found in mark.given.items():
            tx.execute(
                f"UPDATE {quoted(found.table)} SET value = NULL"
                f" WHERE value NOT IN (SELECT {column} FROM events WHERE {column} IS NOT NULL)"
            )
