"""Four eyes: what was asked to be sent, and what another person said to it. The latest word on a text counts.

An approval holds for exactly the texts whose digest it carries; whoever edits one of them needs another.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, text

from limner.accounts.keys import instant, micros
from limner.errors import ConflictError, DeniedError, NotFoundError
from limner.store.records import Records
from limner.types import Json

APPROVED = "approved"
REFUSED = "refused"


@dataclass(frozen=True)
class Person:
    """Who asks or decides: `id` is the same for a user and for the keys that the user made."""

    id: str
    name: str


@dataclass(frozen=True)
class Approval:
    """One question and its answer. `decision` is None while nobody answered; `detail` what was known when it
    was asked: people, limit, why."""

    id: str
    subject: str
    digest: str
    asked_by: Person
    asked_at: datetime
    detail: Mapping[str, Any]
    decided_by: Person | None
    decided_at: datetime | None
    decision: str | None
    reason: str


def digest_of(texts: Mapping[str, str]) -> str:
    """The digest of named texts: another when any of them is another."""
    return hashlib.sha256(json.dumps(texts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def ask(records: Records, *, subject: str, digest: str, by: Person, detail: Json, now: datetime) -> Approval:
    """The question, which waits for another person; the same one when it waits already."""
    with records.begin() as connection:
        there = (
            connection.execute(
                text(
                    "SELECT * FROM approvals WHERE subject = :subject AND digest = :digest"
                    " AND (decision IS NULL OR decision = 'approved') ORDER BY asked_at DESC LIMIT 1"
                ),
                {"subject": subject, "digest": digest},
            )
            .mappings()
            .first()
        )
        if there is not None:
            return _read(there)
        made = uuid.uuid4().hex
        connection.execute(
            text(
                "INSERT INTO approvals (id, subject, digest, asked_by, asked_at, detail)"
                " VALUES (:id, :subject, :digest, :by, :now, :detail)"
            ),
            {
                "id": made,
                "subject": subject,
                "digest": digest,
                "by": by.id,
                "now": micros(now),
                "detail": json.dumps({**detail, "asked_by_name": by.name}, ensure_ascii=False),
            },
        )
        row = (
            connection.execute(text("SELECT * FROM approvals WHERE id = :id"), {"id": made}).mappings().one()
        )
    return _read(row)


def decide(
    records: Records, approval: str, *, by: Person, approve: bool, reason: str, now: datetime
) -> Approval:
    """The question with its answer.

    Raises DeniedError (`same_person`) for whoever asked, ConflictError when it is answered already.
    """
    with records.begin() as connection:
        row = (
            connection.execute(text("SELECT * FROM approvals WHERE id = :id"), {"id": approval})
            .mappings()
            .first()
        )
        if row is None:
            raise NotFoundError(f"there is no approval '{approval}'")
        found = _read(row)
        if found.asked_by.id == by.id:
            raise DeniedError(
                "whoever asks cannot approve", code="same_person", hint="another operator or admin decides"
            )
        if found.decision is not None:
            raise ConflictError(f"this is {found.decision} already", code="decided")
        connection.execute(
            text(
                "UPDATE approvals SET decided_by = :by, decided_at = :now, decision = :decision,"
                " reason = :reason, detail = :detail WHERE id = :id"
            ),
            {
                "by": by.id,
                "now": micros(now),
                "decision": APPROVED if approve else REFUSED,
                "reason": reason,
                "detail": json.dumps(
                    {**found.detail, "asked_by_name": found.asked_by.name, "decided_by_name": by.name},
                    ensure_ascii=False,
                ),
                "id": approval,
            },
        )
        row = (
            connection.execute(text("SELECT * FROM approvals WHERE id = :id"), {"id": approval})
            .mappings()
            .one()
        )
    return _read(row)


def latest(records: Records, *, subject: str, digest: str) -> Approval | None:
    """The last question about exactly these texts; None when nobody asked."""
    with records.read() as connection:
        row = (
            connection.execute(
                text(
                    "SELECT * FROM approvals WHERE subject = :subject AND digest = :digest"
                    " ORDER BY asked_at DESC, rowid DESC LIMIT 1"
                ),
                {"subject": subject, "digest": digest},
            )
            .mappings()
            .first()
        )
    return None if row is None else _read(row)


def listed(records: Records, *, subject: str = "", most: int = 1_000) -> list[Approval]:
    """The questions, the latest first; of one subject when it is named."""
    where = " WHERE subject = :subject" if subject else ""
    with records.read() as connection:
        rows = connection.execute(
            text(f"SELECT * FROM approvals{where} ORDER BY asked_at DESC, rowid DESC LIMIT :most"),
            {"subject": subject, "most": most},
        ).mappings()
        return [_read(row) for row in rows]


def _read(row: RowMapping) -> Approval:
    detail = json.loads(row["detail"])
    asked, decided = detail.pop("asked_by_name", ""), detail.pop("decided_by_name", "")
    return Approval(
        id=row["id"],
        subject=row["subject"],
        digest=row["digest"],
        asked_by=Person(row["asked_by"], asked),
        asked_at=instant(row["asked_at"]),
        detail=detail,
        decided_by=None if row["decided_by"] is None else Person(row["decided_by"], decided),
        decided_at=None if row["decided_at"] is None else instant(row["decided_at"]),
        decision=row["decision"],
        reason=row["reason"],
    )
