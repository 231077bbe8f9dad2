"""The codes by which people invite others: one for each person and referral, which nobody can guess."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import pyarrow as pa
from sqlalchemy import text

from limner.accounts.keys import instant, micros
from limner.store.records import Records

LENGTH = 10


@dataclass(frozen=True)
class Invitation:
    """A code that was handed out: of which referral, to whom, when first."""

    code: str
    referral: str
    person: str
    at: datetime


def code_of(secret: bytes, referral: str, person: str) -> str:
    """The person's code: ten letters and digits, always the same."""
    digest = blake2b(
        f"{referral}\0{person}".encode(), digest_size=8, key=blake2b(secret).digest()[:32]
    ).digest()
    return base64.b32encode(digest).decode().lower()[:LENGTH]


def keep(records: Records, given: Sequence[tuple[str, str, str]], *, now: datetime) -> None:
    """From now on these codes (code, referral, person) lead somewhere; known ones stay as they are."""
    if not given:
        return
    with records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO referral_codes (code, referral, person, at) VALUES (:code, :referral, :person, :at)"
                " ON CONFLICT DO NOTHING"
            ),
            [
                {"code": code, "referral": referral, "person": person, "at": micros(now)}
                for code, referral, person in given
            ],
        )


def find(records: Records, code: str) -> Invitation | None:
    """The code that was handed out; None when it never was."""
    with records.read() as connection:
        row = connection.execute(
            text("SELECT code, referral, person, at FROM referral_codes WHERE code = :code"), {"code": code}
        ).first()
    return None if row is None else Invitation(row[0], row[1], row[2], instant(row[3]))


def of_referral(records: Records, referral: str) -> pa.Table:
    """Every code of a referral: code, person, at (microseconds)."""
    with records.read() as connection:
        rows = connection.execute(
            text("SELECT code, person, at FROM referral_codes WHERE referral = :referral"),
            {"referral": referral},
        ).all()
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    return pa.table(
        {
            "code": pa.array(columns[0], pa.string()),
            "person": pa.array(columns[1], pa.string()),
            "at": pa.array(columns[2], pa.int64()),
        }
    )


def erase(records: Records, person: str) -> None:
    """The person's codes lead nowhere any more."""
    with records.begin() as connection:
        connection.execute(text("DELETE FROM referral_codes WHERE person = :person"), {"person": person})
