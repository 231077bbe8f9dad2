"""What was given to whom for which new person: written down once, then carried out, which may be repeated."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from limner.accounts.keys import instant, micros
from limner.referrals.model import NEW, REFERRER, UPLINE
from limner.store.records import Records


@dataclass(frozen=True)
class Given:
    """A reward. `depth`: 0 the new person's own, 1 of who brought them, more of those above; `done`: carried out."""

    id: int
    referral: str
    friend: str
    depth: int
    person: str
    at: datetime
    done: bool

    @property
    def role(self) -> str:
        """As what the person is given it."""
        return role_of(self.depth)


def role_of(depth: int) -> str:
    """As what somebody that far above a new person is given something."""
    return NEW if depth == 0 else REFERRER if depth == 1 else UPLINE


def write(records: Records, referral: str, due: Sequence[tuple[str, int, str]], *, now: datetime) -> int:
    """How many of these rewards (friend, depth, person) are new; all of a call are written down, or none."""
    if not due:
        return 0
    with records.begin() as connection:
        before = connection.execute(text("SELECT COUNT(*) FROM referral_rewards")).scalar_one()
        connection.execute(
            text(
                "INSERT INTO referral_rewards (referral, friend, depth, person, at)"
                " VALUES (:referral, :friend, :depth, :person, :at) ON CONFLICT DO NOTHING"
            ),
            [
                {"referral": referral, "friend": friend, "depth": depth, "person": person, "at": micros(now)}
                for friend, depth, person in due
            ],
        )
        after = connection.execute(text("SELECT COUNT(*) FROM referral_rewards")).scalar_one()
    return int(after) - int(before)


def open_(records: Records, *, limit: int) -> list[Given]:
    """Rewards that are not carried out yet, the first first."""
    return _read(records, "WHERE done_at IS NULL ORDER BY id LIMIT :limit", limit=limit)


def of(records: Records, referral: str) -> list[Given]:
    """Every reward of a referral."""
    return _read(records, "WHERE referral = :referral ORDER BY id", referral=referral)


def one(records: Records, id: int) -> Given | None:
    """The reward of that id."""
    found = _read(records, "WHERE id = :id", id=id)
    return found[0] if found else None


def _read(records: Records, which: str, **values: object) -> list[Given]:
    with records.read() as connection:
        rows = connection.execute(
            text(f"SELECT id, referral, friend, depth, person, at, done_at FROM referral_rewards {which}"),
            values,
        ).all()
    return [
        Given(row[0], row[1], row[2], row[3], row[4], instant(row[5]), row[6] is not None) for row in rows
    ]


def done(records: Records, ids: Sequence[int], *, now: datetime) -> None:
    """These are carried out."""
    with records.begin() as connection:
        connection.execute(
            text("UPDATE referral_rewards SET done_at = :now WHERE id = :id AND done_at IS NULL"),
            [{"id": id, "now": micros(now)} for id in ids],
        )


def erase(records: Records, person: str) -> None:
    """The rewards still count, as nobody's."""
    nobody = f"erased-{secrets.token_hex(8)}"
    with records.begin() as connection:
        for column in ("friend", "person"):
            connection.execute(
                text(f"UPDATE referral_rewards SET {column} = :nobody WHERE {column} = :person"),
                {"nobody": nobody, "person": person},
            )
