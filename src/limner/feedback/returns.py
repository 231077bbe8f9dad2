"""What a returned mail changes: dead addresses and complaints get no more, and each becomes an event, once.

A mail that comes twice changes nothing the second time. One that nobody can read is kept whole for a while, so that
somebody may look at it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from sqlalchemy import Connection, text

from limner.accounts.keys import instant, micros
from limner.campaigns.model import EMAIL
from limner.consents.ledger import suppress, unsubscribe
from limner.consents.model import BOUNCED, COMPLAINED, UNSUBSCRIBED
from limner.feedback import receipts
from limner.feedback.returned import MOST_BYTES, Kind, Returned, read
from limner.store.records import Records
from limner.touches.settling import settle
from limner.types import Json

KEPT = timedelta(days=30)
"""So long a mail is kept that nobody could read."""
MOST_KEPT = 1_000
HEAD_BYTES = 16_000
UNKNOWN = "unknown"
"""A mail that names none of our messages: for people it is as unclear as one that cannot be read."""
KEPT_KINDS = (Kind.UNCLEAR.value, UNKNOWN)


@dataclass(frozen=True)
class Taken:
    """What one mail was found to be, and the call for the event log if there is one to keep."""

    kind: str
    message_id: str
    reason: str
    call: Json | None


def take(records: Records, raw: bytes, *, soft_in_a_row: int, now: datetime) -> Taken:
    """What the mail was found to be; what it changes is on disk when this returns.

    `soft_in_a_row`: an address is dead when so many messages to it, one after the other, came back; 0: never.
    """
    found = read(raw)
    about = receipts.touched(records, found.message_id) if found.message_id else None
    ours = about is not None and about.channel == EMAIL
    kind = found.kind.value
    if found.kind not in (Kind.NOISE, Kind.UNCLEAR) and not ours:
        kind = UNKNOWN
    hashed = _hash(records, found.message_id) if ours else ""
    _keep(records, raw, found, kind, hashed, now)
    if about is None or not ours or kind in (Kind.NOISE, Kind.UNCLEAR):
        return Taken(kind, found.message_id, found.reason, None)
    properties = {"reason": found.reason, **({"status": found.status} if found.status else {})}
    match found.kind:
        case Kind.LEAVES:
            unsubscribe(
                records, channel=EMAIL, address_hash=hashed, person=about.person, now=now,
                proof=f"mail about {about.message_id}",
            )  # fmt: skip
            receipts.note(records, receipts.UNSUBSCRIBED, about.message_id, now)
            made = receipts.unsubscribed(about, at=now)
        case Kind.COMPLAINT:
            settle(records, about.message_id, arrived=True, reason="", now=now)
            with records.begin() as connection:
                _stop(connection, hashed, COMPLAINED, now)
            made = receipts.call(receipts.COMPLAINED, about, at=now, properties=properties)
        case _:
            settle(records, about.message_id, arrived=False, reason=found.reason, now=now)
            with records.begin() as connection:
                if found.kind is Kind.HARD or _in_a_row(connection, hashed, soft_in_a_row):
                    _stop(connection, hashed, BOUNCED, now)
            made = receipts.call(
                receipts.BOUNCED, about, at=now, properties={"kind": kind, **properties}, what=kind
            )
    return Taken(kind, about.message_id, found.reason, made)


def _hash(records: Records, message_id: str) -> str:
    with records.read() as connection:
        return str(
            connection.execute(
                text("SELECT address_hash FROM touches WHERE message_id = :id"), {"id": message_id}
            ).scalar_one()
        )


def _stop(connection: Connection, hashed: str, reason: str, now: datetime) -> None:
    """Suppresses the address; what stops more than an earlier reason takes its place."""
    if not hashed or suppress(connection, EMAIL, hashed, reason=reason, now=now):
        return
    weaker = {BOUNCED: (UNSUBSCRIBED,), COMPLAINED: (UNSUBSCRIBED,)}[reason]
    connection.execute(
        text(
            "UPDATE suppressions SET reason = :reason, at = :at WHERE channel = 'email' AND address_hash = :hash"
            " AND reason = :weaker"
        ),
        [{"reason": reason, "at": micros(now), "hash": hashed, "weaker": one} for one in weaker],
    )


def _in_a_row(connection: Connection, hashed: str, least: int) -> bool:
    """Whether the last messages to the address all came back."""
    if least <= 0 or not hashed:
        return False
    back = connection.execute(
        text(
            "SELECT COUNT(*) FROM (SELECT message_id FROM touches WHERE address_hash = :hash AND channel = 'email'"
            " AND status IN ('sent', 'failed') AND claimed_at IS NOT NULL ORDER BY claimed_at DESC LIMIT :least) AS t"
            " WHERE EXISTS (SELECT 1 FROM returned_mails AS r WHERE r.message_id = t.message_id AND r.kind = 'soft')"
        ),
        {"hash": hashed, "least": least},
    ).scalar_one()
    return int(back) >= least


def _keep(records: Records, raw: bytes, found: Returned, kind: str, hashed: str, now: datetime) -> bool:
    """Whether the mail is new. What nobody can read is kept whole, the newest of them, for a while."""
    kept = kind in KEPT_KINDS
    with records.begin() as connection:
        done = connection.execute(
            text(
                "INSERT INTO returned_mails (digest, at, kind, message_id, address_hash, status, reason, raw)"
                " VALUES (:digest, :at, :kind, :id, :hash, :status, :reason, :raw) ON CONFLICT DO NOTHING"
            ),
            {
                "digest": blake2b(raw, digest_size=16).hexdigest(),
                "at": micros(now),
                "kind": kind,
                "id": found.message_id,
                "hash": hashed,
                "status": found.status,
                "reason": found.reason,
                "raw": raw[:MOST_BYTES] if kept else None,
            },
        )
        if kept:
            connection.execute(
                text(
                    "UPDATE returned_mails SET raw = NULL WHERE raw IS NOT NULL AND (at < :since OR digest NOT IN"
                    " (SELECT digest FROM returned_mails WHERE raw IS NOT NULL ORDER BY at DESC LIMIT :most))"
                ),
                {"since": micros(now - KEPT), "most": MOST_KEPT},
            )
    return bool(done.rowcount)


def listed(records: Records, *, kinds: tuple[str, ...] = (), limit: int = 200) -> list[Json]:
    """The mails that came back, the latest first; `kept`: it can be looked at whole."""
    with records.read() as connection:
        found = connection.execute(
            text(
                "SELECT digest, at, kind, message_id, status, reason, raw IS NOT NULL FROM returned_mails"
                " WHERE :all OR kind IN (SELECT value FROM json_each(:kinds)) ORDER BY at DESC, digest LIMIT :limit"
            ),
            {"all": not kinds, "kinds": _json(kinds), "limit": limit},
        ).all()
    return [
        {
            "id": digest,
            "at": instant(at).isoformat(),
            "kind": kind,
            "message_id": message_id,
            "status": status,
            "reason": reason,
            "kept": bool(kept),
        }
        for digest, at, kind, message_id, status, reason, kept in found
    ]


def counted(records: Records, *, since: datetime) -> Counter[str]:
    """How many mails came back since then, by kind."""
    with records.read() as connection:
        return Counter(
            {
                row[0]: int(row[1])
                for row in connection.execute(
                    text("SELECT kind, COUNT(*) FROM returned_mails WHERE at >= :since GROUP BY kind"),
                    {"since": micros(since)},
                )
            }
        )


def whole(records: Records, digest: str) -> bytes | None:
    """A mail that was kept; None when it is not there, or not any more."""
    with records.read() as connection:
        found = connection.execute(
            text("SELECT raw FROM returned_mails WHERE digest = :digest"), {"digest": digest}
        ).scalar()
    return bytes(found) if found is not None else None


def heads(records: Records, digests: Sequence[str]) -> dict[str, bytes]:
    """The first bytes of kept mails, in which their heads stand."""
    with records.read() as connection:
        return {
            row[0]: bytes(row[1])
            for row in connection.execute(
                text(
                    "SELECT digest, SUBSTR(raw, 1, :most) FROM returned_mails"
                    " WHERE raw IS NOT NULL AND digest IN (SELECT value FROM json_each(:digests))"
                ),
                {"digests": _json(tuple(digests)), "most": HEAD_BYTES},
            )
        }


def erase(records: Records, person: str) -> int:
    """How many returned mails were about messages to the person; kept mails go all, whoever stands in them.

    Called before the person's messages lose their names.
    """
    with records.begin() as connection:
        done = connection.execute(
            text(
                "DELETE FROM returned_mails WHERE message_id IN (SELECT message_id FROM touches WHERE person = :person)"
            ),
            {"person": person},
        )
        connection.execute(text("UPDATE returned_mails SET raw = NULL WHERE raw IS NOT NULL"))
    return done.rowcount


def _json(words: tuple[str, ...]) -> str:
    return "[" + ",".join(f'"{word}"' for word in words) + "]"
