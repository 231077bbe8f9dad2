"""The dialect of a WeChat official account: a callback's XML becomes fields, and these one call.

Every callback has an id of its own, made of what it says, so that one that is delivered again counts once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from xml.etree import ElementTree

from limner.errors import InputError
from limner.types import Json

MOST_BYTES = 64_000
_SCENE = "qrscene_"

EVENTS = {
    "subscribe": "Followed",
    "unsubscribe": "Unfollowed",
    "SCAN": "Code Scanned",
    "CLICK": "Menu Clicked",
    "VIEW": "Menu Page Opened",
    "LOCATION": "Location Told",
    "TEMPLATESENDJOBFINISH": "Template Delivered",
    "MASSSENDJOBFINISH": "Mass Message Done",
}
"""What the platform's events are called here; others keep their name behind `Account: `."""

MESSAGE = "Message Received"


def fields(xml: str) -> dict[str, str]:
    """The fields of a callback by name; of those that hold others, theirs, put together by dots.

    Raises InputError for what is no such XML; declarations of types and entities are never read.
    """
    if len(xml.encode()) > MOST_BYTES:
        raise InputError(f"the callback is longer than {MOST_BYTES} bytes", code="too_long", status=413)
    if "<!DOCTYPE" in xml.upper() or "<!ENTITY" in xml.upper():
        raise InputError("the callback declares types", code="not_xml")
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314 - it declares nothing: see above
    except ElementTree.ParseError as error:
        raise InputError(f"the callback is not XML: {error}", code="not_xml") from error
    found: dict[str, str] = {}
    _gather(root, "", found)
    return found


def _gather(element: ElementTree.Element, before: str, found: dict[str, str]) -> None:
    for child in element:
        name = f"{before}{child.tag}"
        if len(child):
            _gather(child, f"{name}.", found)
        else:
            found[name] = child.text or ""


def call(given: Mapping[str, str], *, app_id: str) -> Json:
    """What the callback says, as a `track` call of the person by their openid. Raises InputError without one.

    Properties: `account`, and what the kind of callback has: `scene` (of a channel code), `new` (whether they follow by
    it now), `menu` (the key of its entry) or `url`, `text`, `kind` of the message.
    """
    openid = given.get("FromUserName", "")
    if not openid:
        raise InputError("the callback names nobody", code="no_person", where="FromUserName")
    kind, event, key = given.get("MsgType", ""), given.get("Event", ""), given.get("EventKey", "")
    properties: dict[str, Any] = {"account": app_id}
    if kind == "event":
        name = EVENTS.get(event, f"Account: {event}")
        scene = _scene(event, key)
        if event == "subscribe":
            properties |= {"new": True, **({"scene": scene} if scene else {})}
        elif event == "SCAN":
            properties |= {"new": False, "scene": scene}
        elif event == "CLICK":
            properties["menu"] = key
        elif event == "VIEW":
            properties["url"] = key
        elif event == "LOCATION":
            properties |= {
                short: float(given[long])
                for short, long in (("latitude", "Latitude"), ("longitude", "Longitude"))
                if given.get(long)
            }
        elif "Status" in given:
            properties["status"] = given["Status"]
    else:
        name = MESSAGE
        properties["kind"] = kind
        if kind == "text":
            properties["text"] = given.get("Content", "")
    return {
        "type": "track",
        "event": name,
        "messageId": message_id(given, app_id=app_id),
        "timestamp": _at(given),
        "properties": properties,
        "context": {
            "externalIds": [{"id": openid, "type": "openid", "collection": "users", "encoding": "none"}]
        },
    }


def message_id(given: Mapping[str, str], *, app_id: str) -> str:
    """The one id of a callback: of a message its own, of an event who, when and what."""
    own = given.get("MsgId") or given.get("MsgID") or ""
    parts = (
        app_id,
        given.get("FromUserName", ""),
        own or given.get("CreateTime", ""),
        *(() if own else (given.get("Event", ""), given.get("EventKey", ""))),
    )
    return f"wx-{blake2b(chr(0).join(parts).encode(), digest_size=16).hexdigest()}"


def _scene(event: str, key: str) -> str:
    """The scene of a channel code: `qrscene_` stands before it for who follows by it."""
    if event == "subscribe":
        return key.removeprefix(_SCENE) if key.startswith(_SCENE) else ""
    return key


def _at(given: Mapping[str, str]) -> str:
    try:
        return datetime.fromtimestamp(int(given.get("CreateTime", "")), UTC).isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise InputError("the callback has no time", code="bad_time", where="CreateTime") from error


def answered(given: Mapping[str, str], text: str, *, now: datetime) -> str:
    """The XML of a reply in text to whoever sent the callback."""

    def quoted(value: str) -> str:
        return f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"

    return (
        f"<xml><ToUserName>{quoted(given.get('FromUserName', ''))}</ToUserName>"
        f"<FromUserName>{quoted(given.get('ToUserName', ''))}</FromUserName>"
        f"<CreateTime>{int(now.timestamp())}</CreateTime><MsgType>{quoted('text')}</MsgType>"
        f"<Content>{quoted(text)}</Content></xml>"
    )
