"""The dialect of WeCom's callbacks about customers: fields become one call of the customer, with the staff's id.

Callbacks about group chats and the company's tags name no customer: they say only what must be read anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from limner.errors import InputError
from limner.types import Json

CUSTOMER, CHAT, TAG = "change_external_contact", "change_external_chat", "change_external_tag"
ADDED, HALF_ADDED, EDITED = "add_external_contact", "add_half_external_contact", "edit_external_contact"
REMOVED, LEFT, NOT_HANDED_OVER = "del_external_contact", "del_follow_user", "transfer_fail"

EVENTS = {
    ADDED: "Customer Added",
    HALF_ADDED: "Customer Added",
    EDITED: "Customer Edited",
    REMOVED: "Customer Removed",
    LEFT: "Customer Left",
    NOT_HANDED_OVER: "Hand-over Failed",
}
"""What the kinds of changes are called here; others keep their name behind `WeCom: `."""

JOINED_GROUP, LEFT_GROUP = "Group Joined", "Group Left"


def call(given: Mapping[str, str], *, corp_id: str) -> Json | None:
    """What a callback says, as a `track` call of the customer; None where it names none.

    Properties: `corp`, `staff`, and `scene` (the state of the code by which they came), `half` (not confirmed by the
    employee yet), `reason` of a hand-over that failed.
    """
    customer = given.get("ExternalUserID", "")
    if given.get("Event") != CUSTOMER or not customer:
        return None
    kind = given.get("ChangeType", "")
    properties: dict[str, Any] = {"corp": corp_id, "staff": given.get("UserID", "")}
    if given.get("State"):
        properties["scene"] = given["State"]
    if kind == HALF_ADDED:
        properties["half"] = True
    if kind == NOT_HANDED_OVER:
        properties["reason"] = given.get("FailReason", "")
    return about(
        customer,
        EVENTS.get(kind, f"WeCom: {kind}"),
        message_id=message_id(given, corp_id=corp_id),
        at=at_of(given),
        properties=properties,
    )


def about(customer: str, event: str, *, message_id: str, at: datetime, properties: Mapping[str, Any]) -> Json:
    """One `track` call of a customer."""
    return {
        "type": "track",
        "event": event,
        "messageId": message_id,
        "timestamp": at.isoformat(),
        "properties": dict(properties),
        "context": {"externalIds": [external_id("external_userid", customer)]},
    }


def identify(customer: str, *, message_id: str, at: datetime, name: str = "", unionid: str = "") -> Json:
    """The `identify` call of what the platform says of a customer: the two identifiers are one person's."""
    ids = [external_id("external_userid", customer)]
    if unionid:
        ids.append(external_id("unionid", unionid))
    return {
        "type": "identify",
        "messageId": message_id,
        "timestamp": at.isoformat(),
        "traits": {"name": name} if name else {},
        "context": {"externalIds": ids},
    }


def external_id(kind: str, value: str) -> Json:
    """One identifier as a call carries it."""
    return {"id": value, "type": kind, "collection": "users", "encoding": "none"}


def message_id(given: Mapping[str, str], *, corp_id: str) -> str:
    """The one id of a callback: what changed, whose, and when."""
    names = ("Event", "ChangeType", "UserID", "ExternalUserID", "ChatId", "CreateTime")
    return made_of(corp_id, *(given.get(name, "") for name in names))


def made_of(*parts: str) -> str:
    """The id of what these words tell apart."""
    return f"wecom-{blake2b(chr(0).join(parts).encode(), digest_size=16).hexdigest()}"


def at_of(given: Mapping[str, str]) -> datetime:
    """When it happened. Raises InputError."""
    try:
        return datetime.fromtimestamp(int(given.get("CreateTime", "")), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError("the callback has no time", code="bad_time", where="CreateTime") from error
