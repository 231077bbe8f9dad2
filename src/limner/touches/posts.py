"""What is to be posted to other systems: written down once, posted until it is heard, always by the same id.

A row says what it is about, never who: what it holds is looked up when it leaves, so an erased person is in none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from limner.accounts.keys import instant, micros
from limner.store.records import Records

TRIES = 12
"""With waits that double this is a day and a half."""
STATUSES = ("waiting", "sent", "failed")
_FIRST = timedelta(seconds=30)
_LONGEST = timedelta(hours=6)


@dataclass(frozen=True)
class Post:
    """One message to a URL. `about`: what it is made of; `at`: since when; `due_at`: when it is tried next."""

    id: str
    hook: str
    url: str
    about: Mapping[str, Any]
    status: str
    reason: str
    tries: int
    at: datetime
    due_at: datetime


def add(
    connection: Connection, posts: Sequence[tuple[str, str, str, Mapping[str, Any]]], *, now: datetime
) -> None:
    """Writes down what is to be posted: (id, hook, url, about). An id that is there already changes nothing."""
    if posts:
        connection.execute(
            text(
                "INSERT INTO posts (id, hook, url, about, status, at, due_at)"
                " VALUES (:id, :hook, :url, :about, 'waiting', :now, :now) ON CONFLICT DO NOTHING"
            ),
            [
                {"id": id_, "hook": hook, "url": url, "about": json.dumps(dict(about)), "now": micros(now)}
                for id_, hook, url, about in posts
            ],
        )


def receivers(records: Records, *, now: datetime) -> list[str]:
    """The URLs to which something is due, whoever has waited longest first."""
    with records.read() as connection:
        return list(
            connection.execute(
                text(
                    "SELECT url FROM posts WHERE status = 'waiting' AND due_at <= :now"
                    " GROUP BY url ORDER BY MIN(due_at)"
                ),
                {"now": micros(now)},
            ).scalars()
        )


def waiting(records: Records, *, now: datetime, limit: int, url: str = "") -> list[Post]:
    """What is due (to one URL, where it is named), in the order in which it was written down."""
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT * FROM posts WHERE status = 'waiting' AND due_at <= :now AND :url IN ('', url)"
                " ORDER BY due_at, rowid LIMIT :limit"
            ),
            {"now": micros(now), "limit": limit, "url": url},
        ).mappings()
        return [_post(row) for row in rows]


def listed(
    records: Records, *, hook: str, status: str, limit: int, after: tuple[int, str] | None
) -> list[Post]:
    """What was written down, the latest first: of one hook and status ('' any); `after`: the last that was shown."""
    at, id_ = after or (0, "")
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT * FROM posts WHERE :hook IN ('', hook) AND :status IN ('', status)"
                " AND (:first OR (at, id) < (:at, :id)) ORDER BY at DESC, id DESC LIMIT :limit"
            ),
            {"hook": hook, "status": status, "first": after is None, "at": at, "id": id_, "limit": limit},
        ).mappings()
        return [_post(row) for row in rows]


def _post(row: RowMapping) -> Post:
    return Post(
        row["id"],
        row["hook"],
        row["url"],
        json.loads(row["about"]),
        row["status"],
        row["reason"],
        row["tries"],
        instant(row["at"]),
        instant(row["due_at"]),
    )


def sent(records: Records, post: Post, *, now: datetime) -> None:
    """The other side has it."""
    _end(records, post, "sent", "", now)


def failed(records: Records, post: Post, reason: str, *, now: datetime) -> None:
    """It never will be posted, unless somebody asks for it again."""
    _end(records, post, "failed", reason, now)


def put_off(records: Records, post: Post, reason: str, *, until: datetime | None, now: datetime) -> None:
    """It is tried later, by the same id, and so is everything else for its URL; after many tries it failed."""
    if post.tries + 1 >= TRIES:
        failed(records, post, f"gave up after {TRIES} tries: {reason}", now=now)
        return
    due = until or now + min(_FIRST * 2**post.tries, _LONGEST)
    with records.begin() as connection:
        connection.execute(
            text("UPDATE posts SET tries = tries + 1, reason = :reason, due_at = :due WHERE id = :id"),
            {"id": post.id, "reason": reason[:500], "due": micros(due)},
        )
        connection.execute(
            text("UPDATE posts SET due_at = :due WHERE url = :url AND status = 'waiting' AND due_at < :due"),
            {"url": post.url, "due": micros(due)},
        )


def again(records: Records, hook: str, *, now: datetime) -> int:
    """How many posts of a hook that failed are tried again, by the ids that they had."""
    with records.begin() as connection:
        done = connection.execute(
            text(
                "UPDATE posts SET status = 'waiting', tries = 0, due_at = :now, done_at = NULL"
                " WHERE hook = :hook AND status = 'failed'"
            ),
            {"hook": hook, "now": micros(now)},
        )
    return done.rowcount


def counted(records: Records) -> dict[str, dict[str, Any]]:
    """How many posts of each hook are waiting, sent and failed, and the last reason of those that are not sent."""
    with records.read() as connection:
        rows = connection.execute(
            text("SELECT hook, status, COUNT(*), MAX(reason) FROM posts GROUP BY hook, status")
        ).all()
    found: dict[str, dict[str, Any]] = {}
    for hook, status, n, reason in rows:
        one = found.setdefault(hook, {"waiting": 0, "sent": 0, "failed": 0, "reason": ""})
        one[status] = int(n)
        one["reason"] = (reason if status != "sent" else "") or one["reason"]
    return found


def since(records: Records, hook: str, *, now: datetime) -> datetime:
    """From when on a hook is told of changes: from when it was first seen."""
    with records.read() as connection:
        known = connection.execute(
            text("SELECT since FROM hooks WHERE hook = :hook"), {"hook": hook}
        ).scalar()
    if known is not None:
        return instant(known)
    with records.begin() as connection:
        connection.execute(
            text("INSERT INTO hooks (hook, since) VALUES (:hook, :now) ON CONFLICT DO NOTHING"),
            {"hook": hook, "now": micros(now)},
        )
    return now


def told(records: Records, hook: str) -> set[tuple[str, str, datetime]]:
    """The changes that a hook was told of: subject, run and instant."""
    with records.read() as connection:
        rows = connection.execute(
            text("SELECT subject, run, at FROM told WHERE hook = :hook"), {"hook": hook}
        ).all()
    return {(subject, run, instant(at)) for subject, run, at in rows}


def tell(connection: Connection, hook: str, subject: str, run: str, at: datetime) -> None:
    """From now on the hook was told of it."""
    connection.execute(
        text("INSERT INTO told (hook, subject, run, at) VALUES (:hook, :subject, :run, :at)"),
        {"hook": hook, "subject": subject, "run": run, "at": micros(at)},
    )


def _end(records: Records, post: Post, status: str, reason: str, now: datetime) -> None:
    with records.begin() as connection:
        connection.execute(
            text(
                "UPDATE posts SET status = :status, reason = :reason, tries = tries + 1, done_at = :now WHERE id = :id"
            ),
            {"id": post.id, "status": status, "reason": reason[:500], "now": micros(now)},
        )
