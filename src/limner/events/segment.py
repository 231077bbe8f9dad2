"""The Segment dialect: a request body becomes calls. Knows the vendor's words, judges nothing.

The fast decoder reads nearly everything. It keeps the last of two equal keys in silence, so keys are
counted in the bytes and in the tree; where the counts differ, and where it refuses, the body is read again
by `strict`, which finds the place. The answer depends on the body alone: reading it again from the log
gives the same calls.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from limner.events import strict
from limner.events.model import Call, Notice, Refusal, Request

BATCH = "batch"
"""The endpoint whose body is {"batch": […]}; every other endpoint is the kind of its one call."""

_BOM = b"\xef\xbb\xbf"
_SPACED_COLON = re.compile(rb'"[ \t\r\n]+:')
_COLON = re.compile(rb'"[ \t\r\n]*:')
_NUL = b"\\u0000"
_AN_OBJECT = "object expected: send one event object, or {batch:[...]} to the batch endpoint"
_decode = msgspec.json.Decoder(float_hook=strict.number).decode


class _Raws(msgspec.Struct):
    batch: list[msgspec.Raw]


_raws = msgspec.json.Decoder(_Raws).decode


def read(body: bytes, endpoint: str, *, good: bool = False) -> Request:
    """The calls in a body that came to `endpoint` ('batch' or a kind of call).

    `good`: it was read before and nothing in it was refused, so nothing is looked for again.
    """
    if body.startswith(_BOM):
        body = body[3:]
    try:
        tree, issues = _tree(body, good)
    except strict.Malformed as error:
        return Request(refusal=error.refusal, batch=endpoint == BATCH)
    cleaned = _NUL in body
    if endpoint != BATCH:
        if not isinstance(tree, dict):
            return Request(refusal=Refusal("not_an_object", _AN_OBJECT))
        if issues:
            return Request(refusal=_refusal(issues[0], 0), write_key=_text(tree.get("writeKey")))
        call = _call(tree, 0, endpoint, {}, len(body), None, cleaned)
        return Request((call,), _text(tree.get("writeKey")))
    return _batch(body, tree, issues, cleaned, good)


def body_of(calls: list[dict[str, Any]]) -> bytes:
    """The batch body that holds these calls: how the product itself writes events to the log."""
    return msgspec.json.Encoder(decimal_format="number").encode({"batch": calls})


def _batch(body: bytes, tree: Any, issues: list[strict.Issue], cleaned: bool, good: bool) -> Request:
    if not isinstance(tree, dict):
        return Request(batch=True, refusal=Refusal("not_an_object", "object expected: send {batch:[...]}"))
    key = _text(tree.get("writeKey"))
    found: dict[int, strict.Issue] = {}
    for issue in issues:
        if len(issue.path) > 2 and issue.path[0] == "batch" and isinstance(issue.path[1], int):
            found.setdefault(issue.path[1], issue)
        elif len(issue.path) == 2 and issue.path[0] == "batch":
            found.setdefault(int(issue.path[1]), issue)
        else:
            return Request(batch=True, write_key=key, refusal=_refusal(issue, 0))
    items = tree.get("batch")
    if not isinstance(items, list):
        message = (
            "batch must be an array of events" if "batch" in tree else "batch must be an array: it is missing"
        )
        return Request(batch=True, write_key=key, refusal=Refusal("invalid_type", message, "batch"))
    sizes: list[int] | None = None
    if len(body) > 1_000 and not good:
        sizes = _sizes(body, items)
    calls = tuple(
        _call(item, index, None, tree, sizes[index] if sizes else 0, found.get(index), cleaned)
        for index, item in enumerate(items)
    )
    return Request(calls, key, batch=True)


def _tree(body: bytes, good: bool) -> tuple[Any, list[strict.Issue]]:
    try:
        tree = _decode(body)
        if good:
            return tree, []
        keys = _keys(tree)
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError):
        return strict.parse(strict.text_of(body))
    if keys == _keys_written(body):
        return tree, []
    return strict.parse(strict.text_of(body))


def _keys_written(body: bytes) -> int:
    """At least the number of keys in the document's bytes: quoted quotes inside texts count too."""
    if _SPACED_COLON.search(body) is None:
        return body.count(b'":')
    return len(_COLON.findall(body))


def _keys(value: Any) -> int:
    kind = type(value)
    count = 0
    if kind is dict:
        count = len(value)
        for item in value.values():
            inner = type(item)
            if inner is dict or inner is list:
                count += _keys(item)
    elif kind is list:
        for item in value:
            inner = type(item)
            if inner is dict or inner is list:
                count += _keys(item)
    return count


def _sizes(body: bytes, items: list[Any]) -> list[int]:
    try:
        raws = _raws(body).batch
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raws = []
    if len(raws) == len(items):
        return [memoryview(raw).nbytes for raw in raws]
    return [len(json.dumps(item, default=str).encode("utf-8", "replace")) for item in items]


def _refusal(issue: strict.Issue, skip: int) -> Refusal:
    path = strict.shown(issue.path[skip:])
    return Refusal(issue.code, issue.message, path or None)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _call(
    item: Any,
    index: int,
    kind: str | None,
    outer: Mapping[str, Any],
    size: int,
    issue: strict.Issue | None,
    cleaned: bool,
) -> Call:
    if not isinstance(item, dict):
        return Call(index=index, raw=item, size=size, refusal=Refusal("not_an_object", "object expected"))
    notices: tuple[Notice, ...] = ()
    if cleaned:
        fresh = _without_nul(item)
        if fresh != item:
            item, notices = fresh, (Notice("nul_removed"),)
    get = item.get
    context = get("context")
    shared = outer.get("context")
    if isinstance(shared, dict) and (context is None or isinstance(context, dict)):
        context = {**shared, **(context or {})}
    return Call(
        index=index,
        type=get("type", kind),
        name=get("event") if get("type", kind) == "track" else get("name"),
        category=get("category"),
        user=get("userId"),
        device=get("anonymousId"),
        message_id=get("messageId"),
        previous=get("previousId"),
        group=get("groupId"),
        properties=get("properties"),
        traits=get("traits"),
        once=get("traitsOnce"),
        context=context,
        at=get("originalTimestamp", get("timestamp")),
        sent=get("sentAt", outer.get("sentAt")),
        raw=item,
        size=size,
        refusal=_refusal(issue, 2) if issue else None,
        warnings=notices,
    )


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    return value
