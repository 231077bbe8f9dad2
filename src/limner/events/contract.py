"""What an event must be. Pure: a call and the limits give a refusal or an event, the same each time.

Whether an identifier such as "undefined" may join people is not asked here: that is identity's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from limner.config import Limits
from limner.events.model import (
    CALLS,
    CONTEXT,
    NAMES,
    ORIGINAL,
    SENT,
    Attribute,
    Call,
    Event,
    Key,
    Notice,
    Refusal,
)

EXACT = 2**53
"""Whole numbers beyond this are kept as their exact text: a double would change them."""

_FIRST = datetime(1970, 1, 1)  # noqa: DTZ001  (naive UTC, as the engine keeps it)
_ID_BITS = (1 << 127) - 1
_encode = msgspec.json.Encoder(decimal_format="number").encode
_ODD = 1 << 40
_EARLY = timedelta(hours=24)


def refusal(call: Call, limits: Limits) -> Refusal | None:
    """Why this call is not taken, or None when it is."""
    if call.refusal is not None:
        return call.refusal
    if call.type not in CALLS:
        return Refusal("unknown_type", f"type must be one of {' '.join(CALLS)}", "type")
    return (
        _wrong_ids(call, limits)
        or _wrong_name(call, limits)
        or _wrong_object("properties", call.properties, limits)
        or _wrong_object("traits", call.traits, limits)
        or _wrong_object("traitsOnce", call.once, limits)
        or _wrong_object("context", call.context, limits)
        or _too_large(call, limits)
    )


def message_id(call: Call, batch: str) -> str:
    """The call's own message id, or the one that is assigned to it: the batch and its place in it."""
    return _identifier(call.message_id) or f"{batch}-{call.index}"


def event_id(source_i: int, message: str) -> int:
    """The 127-bit identity of (source, message id)."""
    digest = blake2b(f"{source_i}\0{message}".encode("utf-8", "replace"), digest_size=16).digest()
    return int.from_bytes(digest, "big") & _ID_BITS


def event(
    call: Call, *, source_i: int, received_at: datetime, batch: str, declared: Collection[str] = ()
) -> Event:
    """The event of a call that `refusal` let pass. `received_at` is naive UTC; `declared` are key kinds."""
    notices = list(call.warnings)
    message = message_id(call, batch)
    kind: str = call.type
    ts, late = event_time(call.at, call.sent, received_at)
    notices += late
    user, device = _identifier(call.user), _identifier(call.device)
    if device == user:
        device = None
    context: dict[str, Any] = call.context or {}
    properties = flat(call.properties or {}, notices)
    name = NAMES.get(kind, "")
    attributes: tuple[Attribute, ...] = ()
    keys: tuple[Key, ...] = _external(context, declared)
    if kind == "track":
        name = call.name
    elif kind == "identify":
        traits = call.traits if call.traits is not None else context.get("traits")
        attributes, more = _traits(traits if isinstance(traits, dict) else {}, call.once or {}, declared)
        keys = tuple(dict.fromkeys((*keys, *more)))
    elif kind == "group":
        properties.update(flat(call.traits or {}, notices))
        _put(properties, "group_id", _identifier(call.group))
    elif kind in ("page", "screen"):
        _put(properties, "name", call.name if isinstance(call.name, str) else None)
        _put(properties, "category", call.category if isinstance(call.category, str) else None)
    if kind in ("track", "page", "screen"):
        _came_from(properties, context)
    previous = _identifier(call.previous) if kind == "alias" else None
    return Event(
        id=event_id(source_i, message),
        message_id=message,
        call=kind,
        name=name,
        ts=ts,
        received_at=received_at,
        source_i=source_i,
        user=user,
        device=device,
        keys=keys,
        previous=previous,
        said=_said((kind, name, user, device, previous, call.properties, call.traits, call.once)),
        properties=properties,
        around=_around(call, context),
        attributes=attributes,
        warnings=tuple(notices),
    )


FROM: Mapping[str, tuple[str, str]] = {
    "utm_source": ("campaign", "source"),
    "utm_medium": ("campaign", "medium"),
    "utm_campaign": ("campaign", "name"),
    "referrer": ("page", "referrer"),
}
"""Properties that say where somebody came from, and where a call's context holds them."""


def _came_from(properties: dict[str, Any], context: Mapping[str, Any]) -> None:
    """Where somebody came from, out of the context; what the properties say themselves stays."""
    for name, (part, key) in FROM.items():
        held = context.get(part)
        found = held.get(key) if isinstance(held, dict) else None
        if isinstance(found, str) and found and name not in properties:
            properties[name] = found


def _said(parts: tuple[Any, ...]) -> int:
    return int.from_bytes(blake2b(_encode(parts), digest_size=8).digest(), "big")


def event_time(at: Any, sent: Any, received_at: datetime) -> tuple[datetime, list[Notice]]:
    """When it happened by our clock: received − (sent − at), never later than received; and what was odd.

    A client's clock may be wrong: only the distance between its two times is believed. Without `sent`
    its time is taken as it is; without a readable time, or one before 1970, the moment of receipt.
    """
    if at is None:
        return received_at, []
    happened = instant(at)
    if happened is None or happened < _FIRST:
        return received_at, [Notice("bad_timestamp", "timestamp")]
    notices: list[Notice] = []
    if sent is not None:
        left = instant(sent)
        if left is None or left < _FIRST:
            notices.append(Notice("bad_timestamp", "sentAt"))
        else:
            happened = _earlier(received_at, left - happened)
    if happened > received_at:
        if happened - received_at > _EARLY:
            notices.append(Notice("future_timestamp"))
        happened = received_at
    if happened < _FIRST:
        return received_at, [Notice("bad_timestamp", "timestamp")]
    return happened, notices


def _earlier(at: datetime, by: timedelta) -> datetime:
    """`at` minus `by`; the first or last of all dates when there is no such one."""
    try:
        return at - by
    except OverflowError:
        return datetime.min if by > timedelta(0) else datetime.max  # noqa: DTZ901  (naive UTC)


def instant(value: Any) -> datetime | None:
    """The instant (naive UTC) that an ISO text or a Unix time in seconds or milliseconds names, or None.

    A text without a zone is UTC.
    """
    if isinstance(value, str):
        return _instant_of(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            seconds = float(value)
            seconds = seconds / 1000 if abs(seconds) >= 100_000_000_000 else seconds
            return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
        except (ValueError, OverflowError, OSError):
            return None
    return None


@lru_cache(maxsize=4_096)
def _instant_of(text: str) -> datetime | None:
    if len(text) < 10 or text[4] != "-" or text[7] != "-":
        return None
    try:
        parsed = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    if parsed.tzinfo is None or parsed.tzinfo is UTC:
        return parsed.replace(tzinfo=None)
    try:
        return parsed.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return None


def flat(properties: Mapping[str, Any], notices: list[Notice]) -> dict[str, Any]:
    """The properties with dotted names for nested objects; nulls and empty names are left out.

    Lists stay whole. Whole numbers beyond 2^53 become their exact text, with a notice.
    """
    result: dict[str, Any] = {}
    for name, value in properties.items():
        kind = type(value)
        if (kind is str or kind is float or kind is bool) and name:
            result[name] = value
        elif not name:
            notices.append(Notice("empty_key"))
        elif value is None:
            continue
        elif kind is dict:
            for inner, item in flat(value, notices).items():
                result[f"{name}.{inner}"] = item
        elif kind is int and abs(value) > EXACT:
            notices.append(Notice("big_number", name))
            result[name] = str(value)
        else:
            result[name] = value
    return result


def _traits(
    traits: Mapping[str, Any], once: Mapping[str, Any], declared: Collection[str]
) -> tuple[tuple[Attribute, ...], list[Key]]:
    changes = [Attribute(name, "unset") for name, value in traits.items() if value is None and name]
    keys: list[Key] = []
    for name, value in traits.items():
        if value is None or not name:
            continue
        changes.append(Attribute(name, "set", value))
        if name in declared and (key := _identifier(value)):
            keys.append((name, key))
    changes += [Attribute(name, "once", value) for name, value in once.items() if name and value is not None]
    return tuple(changes), keys


def _external(context: Mapping[str, Any], declared: Collection[str]) -> tuple[Key, ...]:
    found = context.get("externalIds") or context.get("externalId")
    if not isinstance(found, list):
        return ()
    return tuple(
        (item["type"], value)
        for item in found
        if isinstance(item, dict)
        and isinstance(item.get("type"), str)
        and item["type"] in declared
        and (value := _identifier(item.get("id")))
    )


def _around(call: Call, context: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a call beside its properties: its context and both of its own times."""
    around: dict[str, Any] = {}
    if call.type == "identify" and "traits" in context:
        context = {name: value for name, value in context.items() if name != "traits"}
    if context:
        around[CONTEXT] = context
    if call.at is not None:
        around[ORIGINAL] = call.at
    if call.sent is not None:
        around[SENT] = call.sent
    return around


def _put(properties: dict[str, Any], name: str, value: str | None) -> None:
    if value:
        properties[name] = value


def _identifier(value: Any) -> str | None:
    """The identifier as text: numbers keep their digits; blank ones and other kinds are none."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value) if isinstance(value, Decimal) else None


def _wrong_ids(call: Call, limits: Limits) -> Refusal | None:
    for name, value, limit in (
        ("userId", call.user, limits.user_id_length),
        ("anonymousId", call.device, limits.user_id_length),
        ("messageId", call.message_id, limits.message_id_length),
        ("previousId", call.previous, limits.user_id_length),
        ("groupId", call.group, limits.user_id_length),
    ):
        if value is None:
            continue
        if isinstance(value, str):
            if len(value) > limit:
                return Refusal("too_long", f"{name} limit {limit} characters", name)
        elif isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            return Refusal("invalid_type", f"{name} must be a string", name)
        elif isinstance(value, int) and value.bit_length() > 2_000:
            return Refusal("too_long", f"{name} limit {limit} characters", name)
    if call.type == "alias" and not _identifier(call.previous):
        return Refusal("missing_identity", "alias needs previousId and userId", "previousId")
    if not _identifier(call.user) and not _identifier(call.device):
        return Refusal("missing_identity", "an event needs userId or anonymousId", "userId")
    return None


def _wrong_name(call: Call, limits: Limits) -> Refusal | None:
    if call.type != "track":
        return None
    if call.name is None or (isinstance(call.name, str) and not call.name.strip()):
        return Refusal("missing_event_name", "track needs the name of an event", "event")
    if not isinstance(call.name, str):
        return Refusal("invalid_type", "event must be a string", "event")
    if len(call.name) > limits.event_name_length:
        return Refusal("too_long", f"event limit {limits.event_name_length} characters", "event")
    return None


def _wrong_object(place: str, value: Any, limits: Limits) -> Refusal | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        return Refusal("invalid_type", f"{place} must be an object", place)
    if _keys(value, limits, 2) <= limits.keys:
        return None
    many = Refusal("too_many_keys", f"{place} has too many keys: limit {limits.keys} keys", place)
    return _odd(value, place, limits, 2) or many


def _keys(value: Any, limits: Limits, depth: int) -> int:
    """The number of keys in it; beyond every limit as soon as anything is wrong with one of them."""
    if depth > limits.depth:
        return _ODD
    count = 0
    longest = limits.key_length
    if type(value) is dict:
        count = len(value)
        for name, item in value.items():
            if len(name) > longest:
                return _ODD
            if type(item) is dict or type(item) is list:
                count += _keys(item, limits, depth + 1)
    else:
        for item in value:
            if type(item) is dict or type(item) is list:
                count += _keys(item, limits, depth + 1)
    return count


def _odd(value: Any, place: str, limits: Limits, depth: int) -> Refusal | None:
    """The first key that is too long or value that lies too deep."""
    if depth > limits.depth:
        return Refusal("too_deep", f"nested deeper than the limit {limits.depth}", place)
    items: Iterable[tuple[str, Any]]
    if isinstance(value, dict):
        for name in value:
            if len(name) > limits.key_length:
                return Refusal(
                    "too_long", f"key limit {limits.key_length} characters", f"{place}.{name[:40]}…"
                )
        items = ((f"{place}.{name}", item) for name, item in value.items())
    else:
        items = ((f"{place}[{index}]", item) for index, item in enumerate(value))
    for inner, item in items:
        if isinstance(item, dict | list) and (found := _odd(item, inner, limits, depth + 1)):
            return found
    return None


def _too_large(call: Call, limits: Limits) -> Refusal | None:
    if call.size <= limits.event_bytes:
        return None
    message = f"the event has {call.size} bytes: limit {limits.event_bytes} bytes"
    return Refusal("event_too_large", message, status=413)
