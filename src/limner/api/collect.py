"""The collector's door: takes vendor calls, answers when they are on disk.

Success is exactly 200, an answer is never a redirect, and one bad event never refuses its batch: clients
drop what is answered with 4xx. Bodies are judged by their bytes; Content-Type is not looked at.
Raw ASGI: nothing is buffered beyond the limit. Knows no person and no engine.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import itertools
import math
import time
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qs

import msgspec
import structlog
from fastapi import APIRouter
from starlette.routing import Route

from limner.config import Limits
from limner.errors import LimnerError, StorageError
from limner.events import contract, frames, segment
from limner.events.frames import Record
from limner.events.model import CALLS, Call, Refusal, Request

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = dict[bytes, bytes]

log = structlog.get_logger("limner.collect")

KINDS = {**{kind: kind for kind in CALLS}, **{kind[0]: kind for kind in CALLS}}
"""The last part of a path for one call → the kind of the call."""

PATHS: dict[str, str] = {
    **{f"/v1/{name}": segment.BATCH for name in ("batch", "b", "import")},
    **{f"/v1/{name}": kind for name, kind in KINDS.items()},
    **{f"/api/s/{name}": kind for name, kind in KINDS.items() if len(name) > 1},
    **{f"/api/s/s2s/{name}": kind for name, kind in KINDS.items() if len(name) > 1},
    "/beacon/v1/batch": segment.BATCH,
}
"""Every path that takes events → 'batch' or the kind of its one call."""

KNOWN_SECONDS = 5.0
"""So long a write key that was good is believed without asking again."""

RETRY_SECONDS = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Log(Protocol):
    """What keeps records."""

    async def append(self, record: Record) -> None: ...
    def note(self, record: Record) -> None: ...


class Door(Protocol):
    """What the collector needs of a workspace."""

    @property
    def limits(self) -> Limits: ...
    @property
    def log(self) -> Log: ...
    def clock(self) -> datetime: ...
    def new_id(self) -> str: ...
    def source_of(self, write_key: str) -> int | None: ...


def router(door: Door) -> APIRouter:
    """The routes of the collector; every path also with a slash at its end."""
    made = APIRouter()
    quota = Quota(door.limits.events_per_second)
    keys = Keys(door)
    ids = Ids(door.new_id())
    for path, endpoint in PATHS.items():
        collector = Collector(door, endpoint, keys, quota, ids)
        for spelled in (path, f"{path}/"):
            made.routes.append(Route(spelled, collector, include_in_schema=False))
    settings = Settings()
    for path in ("/v1/projects/{key}/settings", "/projects/{key}/settings"):
        made.routes.append(Route(path, settings, include_in_schema=False))
    return made


class Refused(Exception):
    """A request answered with an error; `close` ends the connection, because bytes were left unread."""

    def __init__(
        self, refusal: Refusal, *, close: bool = False, retry: int | None = None, allow: str | None = None
    ) -> None:
        super().__init__(refusal.message)
        self.refusal, self.close, self.retry, self.allow = refusal, close, retry, allow


class Keys:
    """Which source a write key belongs to; remembered for a few seconds."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._known: dict[str, tuple[int, float]] = {}

    async def source(self, key: str | None) -> int:
        """The key's source. Raises Refused: 401 when there is none, 503 when nobody can say."""
        if not key:
            raise Refused(Refusal("missing_write_key", "send the source's write key", status=401))
        known = self._known.get(key)
        now = time.monotonic()
        if known is not None and now - known[1] < KNOWN_SECONDS:
            return known[0]
        try:
            found = await asyncio.to_thread(self._door.source_of, key)
        except (
            Exception
        ) as error:  # clients drop their events on 401, so a broken store must not look like one
            log.error("the key store did not answer", error=type(error).__name__)
            refusal = Refusal("keys_unavailable", "write keys cannot be checked: retry later", status=503)
            raise Refused(refusal, retry=RETRY_SECONDS) from error
        if found is None:
            self._known.pop(key, None)
            raise Refused(Refusal("unknown_write_key", "no source has this write key", status=401))
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[key] = (found, now)
        return found


class Ids:
    """Ids that no other process gives: a random beginning and a count.

    Asking the system for random bytes each time lets go of the interpreter, and under load costs a turn.
    """

    def __init__(self, beginning: str) -> None:
        self._beginning = beginning
        self._count = itertools.count()

    def next(self) -> str:
        """The next id."""
        return f"{self._beginning}-{next(self._count):x}"


class Quota:
    """How many events a second each source may send; ten seconds' worth may come at once. 0 means any."""

    def __init__(self, per_second: int) -> None:
        self._rate = per_second
        self._left: dict[int, tuple[float, float]] = {}

    def take(self, source_i: int, events: int) -> int:
        """0 when they may come, else after how many whole seconds they may."""
        if not self._rate:
            return 0
        now = time.monotonic()
        most = self._rate * 10.0
        left, since = self._left.get(source_i, (most, now))
        left = min(most, left + (now - since) * self._rate)
        # A batch larger than all that may ever be left is taken when the purse is full.
        if left < min(events, most):
            self._left[source_i] = (left, now)
            return max(1, math.ceil((min(events, most) - left) / self._rate))
        self._left[source_i] = (left - events, now)
        return 0


@dataclass
class _Request:
    """One request as it goes along."""

    scope: Scope
    headers: Headers
    id: str
    source_i: int | None = None


class Collector:
    """Takes the requests of one endpoint: 'batch' or a kind of call."""

    def __init__(self, door: Door, endpoint: str, keys: Keys, quota: Quota, ids: Ids) -> None:
        self._door, self._endpoint, self._keys, self._quota, self._ids = door, endpoint, keys, quota, ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request and its answer."""
        headers: Headers = dict(scope["headers"])
        state = scope.get("state") or {}
        request = _Request(scope, headers, str(state.get("request_id") or self._ids.next()))
        extra: list[tuple[bytes, bytes]] = []
        try:
            if scope["method"] == "OPTIONS":
                await _answer(send, 200, None, _preflight(headers))
                return
            status, body = 200, await self._collect(request, receive)
        except Refused as refused:
            status = refused.refusal.status
            body = failure(refused.refusal, request.id)
            extra = _extra(refused)
            self._note(request, refused.refusal)
        except _Gone:
            status, body = 400, failure(Refusal("gone", "the client left before its body came"), request.id)
        await _answer(send, status, body, [*_cors(headers), *extra])

    async def _collect(self, request: _Request, receive: Receive) -> dict[str, Any]:
        limits = self._door.limits
        if request.scope["method"] != "POST":
            refusal = Refusal("method_not_allowed", "send events with POST", status=405)
            raise Refused(refusal, allow="POST, OPTIONS")
        key = _basic(request.headers)
        if key is not None:
            request.source_i = await self._keys.source(key)
        encoding = _encoding(request.headers)
        body = await self._body(request, receive, limits)
        if encoding == "gzip":
            body = unpacked(body, limits.batch_bytes)
        read = segment.read(body, self._endpoint)
        if key is None:
            request.source_i = await self._keys.source(read.write_key or _other_key(request))
        assert request.source_i is not None  # noqa: S101  (for the type checker)
        self._quota_of(request.source_i, len(read.calls))
        if read.refusal is not None:
            raise Refused(read.refusal)
        if read.batch:
            return await self._batch(request.source_i, body, read, limits)
        return await self._single(request.source_i, body, read.calls[0], limits)

    async def _single(self, source_i: int, body: bytes, call: Call, limits: Limits) -> dict[str, Any]:
        refusal = contract.refusal(call, limits)
        if refusal is not None:
            raise Refused(refusal)
        batch = self._ids.next()
        await self._append(Record(batch, source_i, self._now(), endpoint=self._endpoint, body=body))
        return {"success": True, "code": "accepted", "messageId": contract.message_id(call, batch)}

    async def _batch(self, source_i: int, body: bytes, read: Request, limits: Limits) -> dict[str, Any]:
        if len(read.calls) > limits.batch_events:
            many = f"{len(read.calls)} events in one batch: limit {limits.batch_events} events"
            raise Refused(Refusal("too_many_events", many, "batch", status=413))
        batch = self._ids.next()
        refused: dict[int, str] = {}
        rejected: list[dict[str, Any]] = []
        assigned: list[dict[str, Any]] = []
        for call in read.calls:
            refusal = contract.refusal(call, limits)
            if refusal is None:
                if not isinstance(call.message_id, str):
                    assigned.append({"index": call.index, "messageId": contract.message_id(call, batch)})
                continue
            refused[call.index] = refusal.code
            rejected.append(
                {
                    "index": call.index,
                    "code": refusal.code,
                    "message": refusal.message,
                    "path": refusal.path,
                }
            )
        if read.calls:
            await self._append(
                Record(
                    batch,
                    source_i,
                    self._now(),
                    endpoint=segment.BATCH,
                    n=len(read.calls),
                    refused=refused,
                    body=body,
                )
            )
        answer = {
            "success": True,
            "code": "accepted",
            "accepted": len(read.calls) - len(rejected),
            "rejected": rejected,
        }
        return {**answer, "assigned": assigned} if assigned else answer

    async def _append(self, record: Record) -> None:
        try:
            await self._door.log.append(record)
        except StorageError as error:
            refusal = Refusal(error.code, error.message, status=error.status)
            raise Refused(refusal, retry=RETRY_SECONDS) from error
        except LimnerError as error:
            refusal = Refusal("unavailable", "the event could not be kept: retry later", status=503)
            raise Refused(refusal, retry=RETRY_SECONDS) from error

    async def _body(self, request: _Request, receive: Receive, limits: Limits) -> bytes:
        """The body as sent. Raises Refused beyond the limit, before reading where its length is told."""
        most = limits.batch_bytes
        told = limits.batch_bytes if self._endpoint == segment.BATCH else limits.event_bytes
        too_large = Refusal("body_too_large", f"the body is too large: limit {told} bytes", status=413)
        length = request.headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > most:
            raise Refused(too_large, close=True)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(limits.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise _Gone
                    part = message.get("body", b"")
                    size += len(part)
                    if size > most:
                        raise Refused(too_large, close=True)
                    if part:
                        parts.append(part)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            says = f"body not complete in {limits.body_seconds:g} s"
            raise Refused(Refusal("request_timeout", says, status=408), close=True) from None

    def _quota_of(self, source_i: int, events: int) -> None:
        seconds = self._quota.take(source_i, events)
        if seconds:
            refusal = Refusal("quota", f"this source sends too much: retry in {seconds} s", status=429)
            raise Refused(refusal, retry=seconds)

    def _note(self, request: _Request, refusal: Refusal) -> None:
        """Counts a request that was refused for what it holds; what is to be sent again is not counted."""
        if request.source_i is None or refusal.status in (401, 405, 408, 429) or refusal.status >= 500:
            return
        self._door.log.note(
            Record(request.id, request.source_i, self._now(), kind=frames.REJECTED, note=refusal.code)
        )

    def _now(self) -> int:
        return (self._door.clock() - _EPOCH) // timedelta(microseconds=1)


class Settings:
    """Answers the clients that ask what to do: send everything here."""

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """One request and its answer."""
        headers: Headers = dict(scope["headers"])
        if scope["method"] == "OPTIONS":
            await _answer(send, 200, None, _preflight(headers))
            return
        host = headers.get(b"host", b"localhost").decode("latin-1")
        key = scope["path_params"]["key"]
        body = {
            "integrations": {"Segment.io": {"apiKey": key, "apiHost": f"{host}/v1"}},
            "metrics": {"sampleRate": 0},
        }
        await _answer(send, 200, body, _cors(headers))


class _Gone(Exception):
    """The client left before its body was complete."""


def failure(refusal: Refusal, request_id: str) -> dict[str, Any]:
    """The body of an error; `error` and `msg` are what the ruby and Rudder clients read."""
    return {
        "success": False,
        "code": refusal.code,
        "message": refusal.message,
        "path": refusal.path,
        "request_id": request_id,
        "error": refusal.message,
        "msg": refusal.message,
    }


def unpacked(body: bytes, most: int) -> bytes:
    """The gzip body unpacked, never more than one byte beyond `most`. Raises Refused."""
    result = bytearray()
    rest = body
    while rest or not result:
        machine = zlib.decompressobj(wbits=31)
        try:
            result += machine.decompress(rest, most + 1 - len(result))
        except zlib.error as error:
            says = "the gzip body is damaged" if rest[:2] == b"\x1f\x8b" else "the body is not gzip"
            raise Refused(Refusal("invalid_encoding", says)) from error
        if len(result) > most:
            refusal = Refusal("body_too_large", f"decompressed size over the limit {most} bytes", status=413)
            raise Refused(refusal)
        if not machine.eof:
            says = "the gzip body is truncated" if rest[:2] == b"\x1f\x8b" else "the body is not gzip"
            raise Refused(Refusal("invalid_encoding", says))
        rest = machine.unused_data.lstrip(b"\0")
        if not rest:
            break
    return bytes(result)


def _encoding(headers: Headers) -> str:
    encoding = headers.get(b"content-encoding", b"").strip().lower().decode("latin-1")
    if encoding in ("", "identity"):
        return ""
    if encoding in ("gzip", "x-gzip"):
        return "gzip"
    says = f"Content-Encoding {encoding[:40]!r} is not known: send gzip or identity"
    raise Refused(Refusal("unsupported_encoding", says, status=415), close=True)


def _basic(headers: Headers) -> str | None:
    scheme, _, value = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, _, _ = base64.b64decode(value.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return user.decode("utf-8", "replace") or None


def _other_key(request: _Request) -> str | None:
    query = parse_qs(request.scope.get("query_string", b"").decode("latin-1"))
    if query.get("writeKey"):
        return str(query["writeKey"][0])
    named = request.headers.get(b"x-write-key")
    if named:
        return named.decode("utf-8", "replace").strip()
    scheme, _, value = request.headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    return str(value, "utf-8", "replace").strip()


def _cors(headers: Headers) -> list[tuple[bytes, bytes]]:
    origin = headers.get(b"origin")
    return [(b"access-control-allow-origin", origin), (b"vary", b"Origin")] if origin else []


def _preflight(headers: Headers) -> list[tuple[bytes, bytes]]:
    asked = headers.get(b"access-control-request-headers", b"content-type, authorization")
    return [
        *_cors(headers),
        (b"access-control-allow-methods", b"POST, OPTIONS"),
        (b"access-control-allow-headers", asked),
        (b"access-control-max-age", b"900"),
        (b"allow", b"POST, OPTIONS"),
    ]


def _extra(refused: Refused) -> list[tuple[bytes, bytes]]:
    extra: list[tuple[bytes, bytes]] = []
    if refused.close:
        extra.append((b"connection", b"close"))
    if refused.retry is not None:
        extra.append((b"retry-after", str(refused.retry).encode()))
    if refused.allow is not None:
        extra.append((b"allow", refused.allow.encode()))
    return extra


async def _answer(
    send: Send, status: int, body: dict[str, Any] | None, headers: list[tuple[bytes, bytes]]
) -> None:
    content = b"" if body is None else _encode(body)
    whole = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        *headers,
    ]
    await send({"type": "http.response.start", "status": status, "headers": whole})
    await send({"type": "http.response.body", "body": content})
