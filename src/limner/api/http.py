"""The HTTP server's own guard, below the application: slow and oversized headers, lengths that contradict.

`uvicorn.Config(app, http=protocol(limits))`. Slow bodies are the collector's, which knows its limit.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from limner.config import Limits

HEADER_BYTES = 65_536
"""Longer headers (with the request line) are refused."""

LINGER_SECONDS = 2.0
"""So long bytes that nobody wants are taken and thrown away, so that the sender can read its answer."""


def protocol(limits: Limits) -> type[HttpToolsProtocol]:
    """The protocol class with these limits, for uvicorn's `http` setting."""
    return type("Guarded", (_Guarded,), {"header_seconds": limits.header_seconds})


class _Guarded(HttpToolsProtocol):
    header_seconds = 10.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection: its first headers must come in time."""
        super().connection_made(_Lingering(transport, self))  # type: ignore[arg-type]
        self._header_bytes = 0
        self._in_headers = True
        self._in_body = False
        self._refused = False
        self._deadline: asyncio.TimerHandle | None = None
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of it."""
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More bytes: into the parser, unless the connection is ending."""
        if self._refused or self.transport.is_closing():
            return
        if self._in_headers:
            self._header_bytes += len(data)
            if self._deadline is None:
                self._await_headers()
        super().data_received(data)
        if self._in_headers and self._header_bytes > HEADER_BYTES and not self.transport.is_closing():
            self._refuse(431, "headers_too_large", f"the headers are too large: limit {HEADER_BYTES} bytes")

    def on_headers_complete(self) -> None:
        """The headers came in time; now the body's own limits hold."""
        self._cancel()
        self._in_headers, self._in_body = False, True
        self._header_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is whole; the next one's headers begin when its first byte comes."""
        self._in_headers, self._in_body = True, False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """The answer to what is no HTTP."""
        wrong = str(sys.exception() or "")
        if "Content-Length" in wrong:
            msg = "conflicting length: send one Content-Length or Transfer-Encoding, not both"
        self._refuse(400, "bad_request", msg)

    @property
    def unread(self) -> bool:
        """Whether the sender is still sending."""
        return self._in_body

    def _await_headers(self) -> None:
        self._deadline = self.loop.call_later(self.header_seconds, self._too_slow)

    def _too_slow(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        if not self._header_bytes:
            self.transport.close()
            return
        self._refuse(408, "request_timeout", f"headers not complete in {self.header_seconds:g} s")

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._cancel()
        self._refused = True
        body = json.dumps(
            {
                "success": False,
                "code": code,
                "message": message,
                "path": None,
                "request_id": uuid.uuid4().hex[:16],
                "error": message,
                "msg": message,
            }
        ).encode()
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(
            body
        )
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()


class _Lingering:
    """A transport whose `close` first lets a sender that is still sending read its answer.

    Closing a socket with unread bytes resets the connection, and the answer is lost on the way.
    """

    def __init__(self, transport: asyncio.Transport, guarded: _Guarded) -> None:
        self._transport, self._guarded = transport, guarded
        self._closing = False

    def close(self) -> None:
        """Ends the connection: at once when nothing is on the way, else after a moment."""
        if self._closing:
            return
        self._closing = True
        if not self._guarded.unread or self._transport.is_closing():
            self._transport.close()
            return
        self._guarded.flow.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._guarded.loop.call_later(LINGER_SECONDS, self._transport.close)

    def is_closing(self) -> bool:
        """Whether it has been ended."""
        return self._closing or self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
