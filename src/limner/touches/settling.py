"""What is heard of a message after it was sent: who it went to, and doubts that end."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from limner.accounts.keys import micros
from limner.store.records import Records


def settle(records: Records, message_id: str, *, arrived: bool, reason: str, now: datetime) -> bool:
    """Whether a message that was in doubt is not any more: the platform itself says what became of it."""
    with records.begin() as connection:
        done = connection.execute(
            text(
                "UPDATE touches SET status = :status, reason = :reason, done_at = COALESCE(done_at, :now), told = 0"
                " WHERE message_id = :id AND status = 'in_doubt'"
            ),
            {
                "id": message_id,
                "status": "sent" if arrived else "failed",
                "reason": "" if arrived else reason[:500],
                "now": micros(now),
            },
        )
    return bool(done.rowcount)


def last_to(records: Records, channel: str, address_hash: str) -> str | None:
    """The id of the latest message that was handed over to the address; None where there is none."""
    with records.read() as connection:
        return connection.execute(
            text(
                "SELECT message_id FROM touches WHERE address_hash = :hash AND channel = :channel"
                " AND claimed_at IS NOT NULL AND status IN ('sent', 'failed', 'in_doubt', 'claimed')"
                " ORDER BY claimed_at DESC LIMIT 1"
            ),
            {"hash": address_hash, "channel": channel},
        ).scalar()
