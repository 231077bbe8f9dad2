"""What happened to a message → a call for the event log, so that the loop is closed by data.

Each call has a message id made of what happened, so telling it twice counts once. Knows no HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from sqlalchemy import RowMapping, text

from limner.accounts.keys import instant, micros
from limner.store.records import Records
from limner.types import Json

SENT = "Message Sent"
FAILED = "Message Failed"
DELIVERED = "Message Delivered"
REPLIED = "Message Replied"
OPENED = "Message Opened"
CLICKED = "Link Clicked"
UNSUBSCRIBED = "Unsubscribed"
BOUNCED = "Message Bounced"
COMPLAINED = "Complained"
EVENTS = (SENT, FAILED, DELIVERED, REPLIED, OPENED, CLICKED, UNSUBSCRIBED, BOUNCED, COMPLAINED)

SOURCE = "limner"
"""The name of the source under which these calls are kept."""

SCANNER_SECONDS = 2
"""A link followed sooner than this after sending was followed by a machine."""

# Mail programs and filters that fetch what nobody looks at.
_MACHINES = (
    "googleimageproxy", "yahoomailproxy", "bot", "crawler", "spider", "scanner", "preview", "barracuda",
    "proofpoint", "mimecast", "safelinks", "forcepoint", "symantec", "curl/", "wget/", "python-", "java/",
    "go-http-client", "headlesschrome",
)  # fmt: skip


@dataclass(frozen=True)
class Touched:
    """The message that something happened to, as it was recorded when it was sent."""

    message_id: str
    campaign: str
    entry: str
    channel: str
    person: str
    identifier_kind: str
    identifier_value: str
    variant: str
    message_class: str
    sent_at: datetime | None


def touched(records: Records, message_id: str) -> Touched | None:
    """The message of that id; None when there is none, such as for a trial."""
    with records.read() as connection:
        row = (
            connection.execute(text("SELECT * FROM touches WHERE message_id = :id"), {"id": message_id})
            .mappings()
            .first()
        )
    return _touched(row) if row else None


def _touched(row: RowMapping) -> Touched:
    at = row["done_at"] or row["claimed_at"]
    return Touched(
        message_id=row["message_id"],
        campaign=row["campaign"],
        entry=row["entry"],
        channel=row["channel"],
        person=row["person"],
        identifier_kind=row["identifier_kind"],
        identifier_value=row["identifier_value"],
        variant=row["variant"],
        message_class=row["class"],
        sent_at=None if at is None else instant(at),
    )


def call(
    event: str, about: Touched, *, at: datetime, properties: Mapping[str, Any] | None = None, what: str = ""
) -> Json | None:
    """One `track` call that says what happened; None when the message names nobody any more.

    `what` tells apart several of the same event for one message, such as clicks on two links.
    """
    if not about.identifier_value:
        return None
    kind = event.lower().replace(" ", "_")
    message: Json = {
        "type": "track",
        "event": event,
        "messageId": f"{about.message_id}.{kind}" + (f".{what}" if what else ""),
        "timestamp": at.isoformat(),
        "properties": {
            "campaign": about.campaign,
            "entry": about.entry,
            "channel": about.channel,
            "class": about.message_class,
            "message_id": about.message_id,
            **({"variant": about.variant} if about.variant else {}),
            **(properties or {}),
        },
    }
    match about.identifier_kind:
        case "user":
            message["userId"] = about.identifier_value
        case "device":
            message["anonymousId"] = about.identifier_value
        case kind_of_key:
            message["context"] = {
                "externalIds": [
                    {
                        "id": about.identifier_value,
                        "type": kind_of_key,
                        "collection": "users",
                        "encoding": "none",
                    }
                ]
            }
    return message


def is_machine(user_agent: str, *, at: datetime, sent_at: datetime | None, click: bool) -> bool:
    """Whether a mail filter, not the recipient, opened or followed it.

    Apple's proxy fetches every image without any name of its own: its user agent is a bare `Mozilla/5.0`.
    """
    agent = user_agent.strip().lower()
    if not agent or any(word in agent for word in _MACHINES):
        return True
    if not click:
        return agent == "mozilla/5.0"
    return sent_at is not None and at - sent_at < timedelta(seconds=SCANNER_SECONDS)


def opened(about: Touched, *, at: datetime, machine: bool) -> Json | None:
    """The call for an opened message: one for the person and at most one for machines."""
    return call(OPENED, about, at=at, properties={"machine": machine}, what="machine" if machine else "")


def clicked(about: Touched, *, at: datetime, url: str, machine: bool) -> Json | None:
    """The call for a followed link: one for each link of the message, machines apart."""
    what = blake2b(url.encode(), digest_size=6).hexdigest() + (".machine" if machine else "")
    return call(CLICKED, about, at=at, properties={"url": url, "machine": machine}, what=what)


def unsubscribed(about: Touched, *, at: datetime) -> Json | None:
    """The call for an address that wants no more advertising."""
    return call(UNSUBSCRIBED, about, at=at)


def untold(records: Records, *, limit: int = 1000) -> list[tuple[str, Json | None]]:
    """The sent and failed messages that the event log does not hold yet: (message id, call).

    Append the calls to the log, then say `told`; a crash in between only repeats a call that counts once.
    """
    with records.read() as connection:
        rows = (
            connection.execute(
                text(
                    "SELECT * FROM touches WHERE told = 0 AND status IN ('sent', 'failed')"
                    " ORDER BY done_at LIMIT :limit"
                ),
                {"limit": limit},
            )
            .mappings()
            .all()
        )
    found: list[tuple[str, Json | None]] = []
    for row in rows:
        about = _touched(row)
        failed = row["status"] == "failed"
        at = about.sent_at or instant(row["due_at"])
        properties = {"reason": row["reason"]} if failed else None
        found.append(
            (about.message_id, call(FAILED if failed else SENT, about, at=at, properties=properties))
        )
    return found


def told(records: Records, message_ids: Sequence[str]) -> None:
    """The event log holds these now."""
    if message_ids:
        with records.begin() as connection:
            connection.execute(
                text("UPDATE touches SET told = 1 WHERE message_id IN (SELECT value FROM json_each(:ids))"),
                {"ids": json.dumps(list(message_ids))},
            )


_FIRST = {
    OPENED: "UPDATE touches SET opened_at = :at WHERE message_id = :id AND opened_at IS NULL",
    CLICKED: (
        "UPDATE touches SET clicked_at = :at, opened_at = COALESCE(opened_at, :at)"
        " WHERE message_id = :id AND clicked_at IS NULL"
    ),
    UNSUBSCRIBED: (
        "UPDATE touches SET unsubscribed_at = :at WHERE message_id = :id AND unsubscribed_at IS NULL"
    ),
}
_KNOWN = {OPENED: "opened_at", CLICKED: "clicked_at", UNSUBSCRIBED: "unsubscribed_at"}


def note(records: Records, event: str, message_id: str, at: datetime) -> None:
    """Keeps the first time of it with the message; a message that already has one is only read."""
    with records.read() as connection:
        known = connection.execute(
            text(f"SELECT {_KNOWN[event]} FROM touches WHERE message_id = :id"), {"id": message_id}
        ).scalar()
    if known is None:
        with records.begin() as connection:
            connection.execute(text(_FIRST[event]), {"id": message_id, "at": micros(at)})
