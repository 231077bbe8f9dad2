"""One HTTP server, asked one thing at a time over a connection that is used again. Knows no meaning of what it carries.

Which error is raised says how far a request came: NotSent, nothing left this machine; Lost, it left and no whole
answer came back. The deadline is one for connecting, asking and the last byte of the answer, however slowly bytes drip.
"""

from __future__ import annotations

import http.client
import io
import json
import select
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from limner.channels.seam import Unavailable
from limner.errors import ConfigError
from limner.types import Json

LIMIT = 65_536
"""Bytes that an answer may have."""

_LATER = (429, 503)
"""What a server says that did not look at the request."""
_LONGEST = timedelta(hours=24)


class NotSent(Exception):
    """Nothing was handed over: no connection, or none that may be made."""


class Lost(Exception):
    """The request left, and no whole answer came: nobody knows whether it was taken."""


@dataclass(frozen=True)
class Answer:
    """A whole answer; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        """The JSON object of the body. Raises ValueError for anything else."""
        found = json.loads(self.body)
        if not isinstance(found, dict):
            raise ValueError("the answer is no JSON object")
        return found

    def retry_after(self, now: datetime) -> datetime | None:
        """When to ask again, where the server says so: seconds or a date, at most a day ahead."""
        said = self.headers.get("retry-after", "").strip()
        if said.isdigit() and len(said) < 10:
            return now + min(timedelta(seconds=int(said)), _LONGEST)
        try:
            at = parsedate_to_datetime(said)
        except (ValueError, TypeError):
            return None
        return None if at.tzinfo is None else min(max(at, now), now + _LONGEST)


class Http:
    """The server at `base`. Used by one thread at a time.

    `seconds` bounds each request as a whole, `limit` the bytes of an answer. `address`: which address to connect to for
    a host and port, or NotSent; the certificate is checked against the host's name all the same.
    """

    def __init__(
        self,
        base: str,
        *,
        seconds: float,
        limit: int = LIMIT,
        address: Callable[[str, int], str] | None = None,
    ) -> None:
        parts = urlsplit(base)
        try:
            self.host, port = parts.hostname or "", parts.port
        except ValueError:
            self.host, port = "", None
        if parts.scheme not in ("http", "https") or not self.host or not parts.netloc.isprintable():
            raise ConfigError(f"'{base}' is no address of a server", hint="https://host or http://host:port")
        self.base = base.rstrip("/")
        self._tls = parts.scheme == "https"
        self._port = port or (443 if self._tls else 80)
        self._named = self.host if port is None else f"{self.host}:{port}"
        self._path = parts.path.rstrip("/")
        self._seconds = seconds
        self._limit = limit
        self._address = address
        self._line: _Line | None = None

    def ask(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer, whatever its status; redirects are not followed. Raises NotSent and Lost."""
        until = time.monotonic() + self._seconds
        if self._line is not None and self._line.ended():
            self.close()
        if self._line is None:
            self._line = self._connect(until)
        line = self._line
        line.until = until
        connection = http.client.HTTPConnection(self.host, self._port)
        connection.sock = line
        try:
            connection.request(
                method,
                f"{self._path}{path}" or "/",
                body=body or None,
                headers={"Host": self._named, **(headers or {})},
            )
            response = connection.getresponse()
            content = response.read(self._limit + 1)
            if len(content) > self._limit:
                raise Lost(f"the answer is longer than {self._limit} bytes")
            if response.length:
                raise Lost("the answer broke off")
        except Lost:
            self.close()
            raise
        except TimeoutError as error:
            self.close()
            raise Lost(f"no answer within {self._seconds:g} s") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise Lost(str(error) or type(error).__name__) from error
        if line.closing:
            self.close()
        return Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, content
        )

    def reach(self) -> None:
        """A connection stands afterwards, and its certificate was checked; nothing is asked. Raises NotSent."""
        self.close()
        self._line = self._connect(time.monotonic() + self._seconds)

    def close(self) -> None:
        """Ends the connection; the next request opens another."""
        line, self._line = self._line, None
        if line is not None:
            line.sock.close()

    def _connect(self, until: float) -> _Line:
        try:
            host = self._address(self.host, self._port) if self._address else self.host
            sock = socket.create_connection((host, self._port), timeout=max(until - time.monotonic(), 0.001))
        except (OSError, UnicodeError) as error:
            raise NotSent(str(error) or type(error).__name__) from error
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                sock = ssl.create_default_context().wrap_socket(sock, server_hostname=self.host)
        except OSError as error:
            sock.close()
            raise NotSent(str(error) or type(error).__name__) from error
        return _Line(sock)


class _Line:
    """A connected socket whose every wait ends at one deadline; what HTTPConnection asks of a socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.until = 0.0
        self.closing = False

    def ended(self) -> bool:
        """Whether the other side ended the connection, or said something that nobody asked for."""
        asked = select.poll()
        asked.register(self.sock, select.POLLIN)
        return bool(asked.poll(0))

    def wait(self) -> None:
        """The next wait lasts until the deadline at most. Raises TimeoutError when it is over."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.sock.settimeout(left)

    def sendall(self, data: bytes) -> None:
        self.wait()
        self.sock.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Bytes(self))

    def close(self) -> None:
        """The connection is over once the answer was read."""
        self.closing = True


class _Bytes(io.RawIOBase):
    """What comes over the line."""

    def __init__(self, line: _Line) -> None:
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        self._line.wait()
        return self._line.sock.recv_into(buffer)


def later(answer: Answer, *, name: str, now: datetime) -> Unavailable | None:
    """What a server that did not look at the request says of when to ask again; None where it did look."""
    if answer.status not in _LATER:
        return None
    limited = answer.status == 429
    return Unavailable(
        f"{name} says {'too many requests' if limited else 'not now'}: HTTP {answer.status}",
        code="rate_limited" if limited else None,
        until=answer.retry_after(now),
    )


def answered(ask: Callable[[], Json], *, name: str, tries: int) -> tuple[Json | None, str]:
    """What the server said (None: nothing), and why an earlier try may have been taken unheard ('' it was not).

    `tries` over 1 are for servers that count a message's id once. Raises Unavailable when certainly nothing was handed
    over.
    """
    doubt = ""
    for attempt in range(tries):
        try:
            return ask(), doubt
        except Unavailable:
            if not doubt:
                raise
        except NotSent as error:
            if not doubt:
                raise Unavailable(f"{name} cannot be reached: {error}") from error
        except Lost as error:
            doubt = f"no answer after {attempt + 1} {'try' if not attempt else 'tries'}: {error}"
    return None, doubt
