"""Effects that are asked for twice happen once: the second call with the same key gets the first one's answer."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta

from sqlalchemy import text

from limner.accounts.keys import micros
from limner.accounts.model import Caller
from limner.errors import ConflictError, UsageError
from limner.store.records import Records
from limner.types import Json

KEPT = timedelta(hours=24)
LONGEST = 100


def digest_of(content: Json) -> str:
    """What a request asked for, whatever the order of its words."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def claim(
    records: Records, key: str, caller: Caller, *, route: str, digest: str, now: datetime
) -> tuple[int, Json] | None:
    """None: the effect is this call's to do, then `keep` or `release`. Else status and answer of the first call.

    Raises ConflictError when the first call is not done yet, UsageError when it asked for something else.
    """
    if not 0 < len(key) <= LONGEST:
        raise UsageError(f"an Idempotency-Key has 1 to {LONGEST} characters", where="Idempotency-Key")
    who = _who(caller)
    with records.begin() as connection:
        connection.execute(text("DELETE FROM idempotency WHERE at < :old"), {"old": micros(now - KEPT)})
        made = connection.execute(
            text(
                "INSERT INTO idempotency (key, caller, route, digest, status, answer, at)"
                " VALUES (:key, :caller, :route, :digest, 0, '', :at) ON CONFLICT DO NOTHING"
            ),
            {"key": key, "caller": who, "route": route, "digest": digest, "at": micros(now)},
        )
        if made.rowcount:
            return None
        row = connection.execute(
            text(
                "SELECT route, digest, status, answer FROM idempotency WHERE key = :key AND caller = :caller"
            ),
            {"key": key, "caller": who},
        ).one()
    if (row.route, row.digest) != (route, digest):
        raise UsageError(
            "this Idempotency-Key was used for another request", where="Idempotency-Key", code="key_reused"
        )
    if row.status == 0:
        raise ConflictError("the first request with this Idempotency-Key is not done yet", code="in_progress")
    return row.status, json.loads(row.answer)


def keep(records: Records, key: str, caller: Caller, *, status: int, answer: Json) -> None:
    """What the effect answered; later calls with the key get it."""
    with records.begin() as connection:
        connection.execute(
            text(
                "UPDATE idempotency SET status = :status, answer = :answer WHERE key = :key AND caller = :caller"
            ),
            {"status": status, "answer": json.dumps(answer, default=str), "key": key, "caller": _who(caller)},
        )


def release(records: Records, key: str, caller: Caller) -> None:
    """The effect did not happen; the key may be used again."""
    with records.begin() as connection:
        connection.execute(
            text("DELETE FROM idempotency WHERE key = :key AND caller = :caller AND status = 0"),
            {"key": key, "caller": _who(caller)},
        )


def _who(caller: Caller) -> str:
    return f"{caller.kind}:{caller.id}"
