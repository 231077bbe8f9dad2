"""The answers that forms took, each once: who gave them and when; what they said stands in the log."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from limner.accounts.keys import instant, micros
from limner.store.records import Records


@dataclass(frozen=True)
class Submission:
    """One answer. `recognized`: the person was known when the page was shown."""

    id: str
    form: str
    person: str
    at: datetime
    recognized: bool


def keep(records: Records, one: Submission) -> bool:
    """Whether the answer was new."""
    with records.begin() as connection:
        done = connection.execute(
            text(
                "INSERT INTO submissions (id, form, person, at, recognized)"
                " VALUES (:id, :form, :person, :at, :recognized) ON CONFLICT DO NOTHING"
            ),
            {
                "id": one.id,
                "form": one.form,
                "person": one.person,
                "at": micros(one.at),
                "recognized": int(one.recognized),
            },
        )
    return bool(done.rowcount)


def there(records: Records, id: str) -> bool:
    """Whether the answer was taken already."""
    with records.read() as connection:
        return (
            connection.execute(text("SELECT 1 FROM submissions WHERE id = :id"), {"id": id}).scalar()
            is not None
        )


def since(records: Records, form: str, at: datetime) -> Sequence[Submission]:
    """The answers to a form since then, the latest first."""
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT id, form, person, at, recognized FROM submissions WHERE form = :form AND at >= :at"
                " ORDER BY at DESC, id"
            ),
            {"form": form, "at": micros(at)},
        ).all()
    return [Submission(row[0], row[1], row[2], instant(row[3]), bool(row[4])) for row in rows]


def counted(records: Records) -> dict[str, tuple[int, datetime]]:
    """How many answers each form took, and when the last one came."""
    with records.read() as connection:
        rows = connection.execute(text("SELECT form, COUNT(*), MAX(at) FROM submissions GROUP BY form")).all()
    return {row[0]: (int(row[1]), instant(row[2])) for row in rows}


def erase(records: Records, person: str) -> None:
    """The answers still count, as nobody's; ids of answers stand in the log no more."""
    with records.begin() as connection:
        rows = connection.execute(
            text("SELECT id FROM submissions WHERE person = :person"), {"person": person}
        ).scalars()
        for id in list(rows):
            connection.execute(
                text("UPDATE submissions SET person = '', id = :new WHERE id = :id"),
                {"id": id, "new": f"erased-{secrets.token_hex(8)}"},
            )
