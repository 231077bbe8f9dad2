"""Which of what people said somebody here has dealt with, and what is to be remembered of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from limner.accounts.keys import instant, micros
from limner.store.records import Records


@dataclass(frozen=True)
class Handled:
    """Who dealt with it, when, and their note."""

    by: str
    at: datetime
    note: str


def mark(records: Records, id: str, *, person: str, by: str, note: str, now: datetime) -> None:
    """It is dealt with; said again, the latest word counts. `person`: who had said it, '' where nobody knows."""
    with records.begin() as connection:
        connection.execute(
            text(
                "INSERT OR REPLACE INTO handled (id, person, at, by, note) VALUES (:id, :person, :at, :by, :note)"
            ),
            {"id": id, "person": person, "at": micros(now), "by": by, "note": note},
        )


def unmark(records: Records, id: str) -> bool:
    """Whether it was taken for dealt with until now."""
    with records.begin() as connection:
        return bool(connection.execute(text("DELETE FROM handled WHERE id = :id"), {"id": id}).rowcount)


def ids(records: Records) -> list[str]:
    """Everything that is dealt with."""
    with records.read() as connection:
        return list(connection.execute(text("SELECT id FROM handled")).scalars())


def of(records: Records, wanted: Sequence[str]) -> dict[str, Handled]:
    """Those of the wanted that are dealt with."""
    with records.read() as connection:
        rows = connection.execute(
            text("SELECT id, by, at, note FROM handled WHERE id IN (SELECT value FROM json_each(:ids))"),
            {"ids": json.dumps(list(wanted))},
        ).all()
    return {row[0]: Handled(row[1], instant(row[2]), row[3]) for row in rows}


def erase(records: Records, person: str) -> int:
    """How many marks went: the person's, and those of mails whose writer nobody knows, as these mails go too."""
    with records.begin() as connection:
        done = connection.execute(
            text("DELETE FROM handled WHERE person IN (:person, '')"), {"person": person}
        )
    return done.rowcount
