"""Sessions of signed-in users. The token stands in a cookie only; here stands its hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from limner.accounts.keys import instant, micros
from limner.accounts.model import Caller, User, digest, same
from limner.accounts.users import user_of
from limner.errors import NotFoundError
from limner.store.records import Records

IDLE = timedelta(hours=12)
"""A session that nobody used for so long is over."""

LONGEST = timedelta(days=7)
"""Every session is over after so long."""

SEEN = timedelta(minutes=1)
"""When a session was last used is written at most so often."""

AGENT = 200


@dataclass(frozen=True)
class Session:
    """One signed-in browser. `id` names it outwardly and is no secret.

    `csrf` is the word that its pages send beside the cookie with everything that changes something; it is
    made from the token and known only where the token is.
    """

    id: str
    user: User
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str
    csrf: str = field(default="", repr=False)

    @property
    def caller(self) -> Caller:
        """Who calls through it."""
        return Caller("user", self.user.id, self.user.name, self.user.role, session=self.id)


def begin(
    records: Records,
    user_id: str,
    *,
    address: str,
    agent: str,
    now: datetime,
    idle: timedelta = IDLE,
    longest: timedelta = LONGEST,
) -> tuple[Session, str]:
    """A new session and its token (256 bit), which is shown only this once."""
    token = f"ls_{secrets.token_urlsafe(32)}"
    with records.begin() as connection:
        connection.execute(
            text("DELETE FROM sessions WHERE expires_at <= :now OR seen_at <= :idle"),
            {"now": micros(now), "idle": micros(now - idle)},
        )
        connection.execute(
            text(
                "INSERT INTO sessions (hash, id, user_id, created_at, seen_at, expires_at, address, agent)"
                " VALUES (:hash, :id, :user, :now, :now, :expires, :address, :agent)"
            ),
            {
                "hash": digest(token),
                "id": uuid.uuid4().hex[:12],
                "user": user_id,
                "now": micros(now),
                "expires": micros(now + longest),
                "address": address,
                "agent": agent[:AGENT],
            },
        )
        connection.execute(
            text("UPDATE users SET seen_at = :now WHERE id = :id"), {"now": micros(now), "id": user_id}
        )
    found = find(records, token, now=now, idle=idle)
    if found is None:
        raise NotFoundError("there is no such enabled user")
    return found, token


def find(records: Records, token: str, *, now: datetime, idle: timedelta = IDLE) -> Session | None:
    """The session of this token, or None when it is unknown or over, or its user is disabled."""
    with records.read() as connection:
        row = (
            connection.execute(
                text(f"{_SELECT} WHERE s.hash = :hash AND s.expires_at > :now AND s.seen_at > :idle"),
                {"hash": digest(token), "now": micros(now), "idle": micros(now - idle)},
            )
            .mappings()
            .first()
        )
    if row is None:
        return None
    found = replace(_session(row), csrf=_csrf(token))
    if now - found.seen_at >= SEEN:
        with records.begin() as connection:
            for table, key in (("sessions", found.id), ("users", found.user.id)):
                connection.execute(
                    text(f"UPDATE {table} SET seen_at = :now WHERE id = :id"), {"now": micros(now), "id": key}
                )
    return found


def listed(records: Records, user_id: str, *, now: datetime, idle: timedelta = IDLE) -> list[Session]:
    """The user's sessions that are not over, the last used first."""
    with records.read() as connection:
        rows = connection.execute(
            text(
                f"{_SELECT} WHERE s.user_id = :user AND s.expires_at > :now AND s.seen_at > :idle"
                " ORDER BY s.seen_at DESC, s.id"
            ),
            {"user": user_id, "now": micros(now), "idle": micros(now - idle)},
        ).mappings()
        return [_session(row) for row in rows]


def end(records: Records, session_id: str, *, user_id: str | None = None) -> None:
    """The session is over at once. Raises NotFoundError, also when it is not this user's."""
    with records.begin() as connection:
        gone = connection.execute(
            text("DELETE FROM sessions WHERE id = :id AND (:user IS NULL OR user_id = :user)"),
            {"id": session_id, "user": user_id},
        )
        if gone.rowcount == 0:
            raise NotFoundError(f"there is no session '{session_id}'")


def end_all(records: Records, user_id: str, *, but: str = "") -> int:
    """How many of the user's sessions ended: all but the one named."""
    with records.begin() as connection:
        return connection.execute(
            text("DELETE FROM sessions WHERE user_id = :user AND id <> :but"), {"user": user_id, "but": but}
        ).rowcount


def csrf_matches(token: str, given: str) -> bool:
    """Whether this is the CSRF word of the token's session, compared in constant time."""
    return given.isascii() and same(_csrf(token), given)


def _csrf(token: str) -> str:
    return hmac.new(token.encode(), b"limner csrf", hashlib.sha256).hexdigest()


_SELECT = (
    "SELECT s.id AS session, s.created_at AS began, s.seen_at AS used, s.expires_at, s.address, s.agent, u.*"
    " FROM sessions s JOIN users u ON u.id = s.user_id AND u.enabled = 1"
)


def _session(row: Any) -> Session:
    return Session(
        row["session"],
        user_of(row),
        instant(row["began"]),
        instant(row["used"]),
        instant(row["expires_at"]),
        row["address"],
        row["agent"],
    )
