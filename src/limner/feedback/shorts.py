"""What an SMS platform posts: receipts and replies → calls for the event log, and who wants no more. Knows no HTTP.

A receipt or reply that is posted again makes the same call again, which counts once.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b
from typing import Any

from limner.channels.beijing import ZONE
from limner.consents.ledger import unsubscribe
from limner.consents.model import address_hash
from limner.errors import InputError
from limner.feedback import receipts
from limner.store.records import Records
from limner.touches.settling import last_to, settle
from limner.types import Json

MOST_BYTES = 1_000_000
Given = Mapping[str, Any]
"""One receipt or reply as the platform posts it."""

LEAVING = frozenset(("t", "td", "r", "n", "退订", "拒收", "回t", "取消", "stop", "unsubscribe"))
"""The replies that end advertising, whatever their case and width."""
_CHANNEL = "sms"


def read(text: str) -> list[Given]:
    """The receipts or replies of one post. Raises InputError for what is no array of objects."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("the callback is not JSON", code="not_json") from error
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise InputError("the callback is no array of objects", code="not_an_array")
    return found


def reported(records: Records, given: Given, *, now: datetime) -> Json | None:
    """The call that says whether a message was delivered; None for one that is not ours.

    A message that was in doubt is not any more.
    """
    message_id, arrived = str(given.get("out_id", "")), given.get("success") is True
    reason = " ".join(str(given[key]) for key in ("err_code", "err_msg") if given.get(key))
    about = receipts.touched(records, message_id)
    if about is None or about.channel != _CHANNEL:
        return None
    settle(records, message_id, arrived=arrived, reason=reason, now=now)
    at = _at(given.get("report_time"), now)
    if arrived:
        return receipts.call(receipts.DELIVERED, about, at=at)
    return receipts.call(receipts.FAILED, about, at=at, properties={"reason": reason[:200]}, what="report")


def replied(records: Records, given: Given, *, secret: bytes, now: datetime) -> list[Json]:
    """The calls that a reply makes; one that wants no more ends advertising to the number before this returns."""
    number, content = str(given.get("phone_number", "")), str(given.get("content", ""))
    if not number:
        return []
    hashed = address_hash(secret, _CHANNEL, number)
    message_id = last_to(records, _CHANNEL, hashed)
    about = receipts.touched(records, message_id) if message_id else None
    at = _at(given.get("send_time"), now)
    said = f"{given.get('sequence_id', '')}\0{given.get('send_time', '')}\0{content}"
    what = blake2b(said.encode("utf-8", "replace"), digest_size=6).hexdigest()
    left = leaves(content)
    if left:
        unsubscribe(
            records,
            channel=_CHANNEL,
            address_hash=hashed,
            person=about.person if about else "",
            now=now,
            proof=f"reply {what}",
        )
    if about is None:
        return []
    calls = [
        receipts.call(receipts.REPLIED, about, at=at, properties={"text": content[:1_000]}, what=what),
        receipts.unsubscribed(about, at=at) if left else None,
    ]
    return [call for call in calls if call is not None]


def leaves(text: str) -> bool:
    """Whether a reply ends advertising."""
    return unicodedata.normalize("NFKC", text).strip().casefold() in LEAVING


def _at(said: object, now: datetime) -> datetime:
    """An instant as the platform writes it, on the clocks of Beijing; `now` where it says none, or a later one."""
    try:
        found = datetime.strptime(str(said), "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZONE)
    except ValueError:
        return now
    return min(found.astimezone(now.tzinfo), now)
