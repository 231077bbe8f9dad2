"""Carries what a library asks by `requests` over our own line, and keeps the book of it. Knows no message.

The library's modules are given `ASKING` in the place of `requests`, so that it has no line of its own: whoever is asked
stands at an address that was looked at, the whole answer is in time, redirects and proxies are not followed, and
certificates are checked, whatever the library says. Nothing is asked outside of `carried`.
"""

from __future__ import annotations

import http.client
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from limner.channels.http import Answer, Http, Lost, NotSent
from limner.channels.webhook import Forbidden

LONGEST = 1_000_000
"""Bytes that an answer may have."""
MOST = 12
"""Requests that one message may take."""


class Halted(BaseException):
    """Ends the library's turn: what became of the last request decides. No Exception, so that nothing catches it."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer. Without one, `lost` says why nobody knows whether it was taken, or `unsent` why not.

    `forbidden`: it led where nothing may be asked.
    """

    method: str
    url: str
    headers: dict[str, str]
    answer: Answer | None = None
    lost: str = ""
    unsent: str = ""
    forbidden: bool = False

    @property
    def changes(self) -> bool:
        """Whether it may have brought about something."""
        return self.method not in ("GET", "HEAD", "OPTIONS")

    @property
    def taken(self) -> bool:
        """Whether the answer says yes."""
        return self.answer is not None and 200 <= self.answer.status < 300


class Lines:
    """Connections that are used again, one for each server. Used by one thread at a time."""

    def __init__(self, *, seconds: float, address: Callable[[str, int], str] | None) -> None:
        self.seconds = seconds
        self._address = address
        self._open: dict[str, Http] = {}

    def to(self, url: str) -> Http:
        """The line to the server of a URL. Raises ConfigError for what is no such URL."""
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        if base not in self._open:
            self._open[base] = Http(base, seconds=self.seconds, limit=LONGEST, address=self._address)
        return self._open[base]

    def close(self) -> None:
        """Ends the connections."""
        for line in self._open.values():
            line.close()
        self._open.clear()


class Trip:
    """What is asked for one message. `lines` None: nothing leaves, the first request is only looked at."""

    def __init__(self, lines: Lines | None) -> None:
        self.exchanges: list[Exchange] = []
        self._lines = lines

    def carry(self, request: requests.PreparedRequest) -> Answer:
        """The answer. Raises Halted where nothing more may be asked for this message."""
        url, method = request.url or "", request.method or "GET"
        asked = Exchange(method, url, _headers(request))
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            if self._lines is None:
                raise NotSent("nothing is to leave")
            if len(self.exchanges) == MOST:
                raise Lost(f"the message took {MOST} requests, and still asked on")
            answer = self._lines.to(url).ask(method, path, body=_body(request), headers=asked.headers)
        except NotSent as error:
            self._halt(replace(asked, unsent=str(error), forbidden=isinstance(error, Forbidden)))
        except Lost as error:
            self._halt(replace(asked, lost=str(error)))
        self.exchanges.append(replace(asked, answer=answer))
        if answer.status // 100 not in (2, 4) or answer.status == 429:
            raise Halted
        return answer

    def _halt(self, asked: Exchange) -> NoReturn:
        self.exchanges.append(asked)
        raise Halted from None


_TRIP: ContextVar[Trip | None] = ContextVar("trip", default=None)


@contextmanager
def carried(lines: Lines | None) -> Iterator[Trip]:
    """What this thread asks by `ASKING` goes over these lines; a Halted ends the block."""
    trip = Trip(lines)
    token = _TRIP.set(trip)
    try:
        yield trip
    except Halted:
        pass
    finally:
        _TRIP.reset(token)


def given(package: str) -> None:
    """Every loaded module of a package asks by `ASKING` from now on."""
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{package}.") and getattr(module, "requests", None) is requests:
            module.requests = ASKING  # type: ignore[attr-defined]


class _Asking:
    """What a module that says `requests.post(…)` finds under that name; its other names are those of requests."""

    Session = session = None
    """There is none: a session would be a line of its own."""

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    def request(self, method: str, url: str, **said: Any) -> requests.Response:
        """The answer to one request."""
        session = requests.Session()
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter())
        return session.request(method, url, **{**said, "allow_redirects": False})

    def get(self, url: str, **said: Any) -> requests.Response:
        return self.request("GET", url, **said)

    def head(self, url: str, **said: Any) -> requests.Response:
        return self.request("HEAD", url, **said)

    def options(self, url: str, **said: Any) -> requests.Response:
        return self.request("OPTIONS", url, **said)

    def post(self, url: str, data: Any = None, json: Any = None, **said: Any) -> requests.Response:
        return self.request("POST", url, data=data, json=json, **said)

    def put(self, url: str, data: Any = None, **said: Any) -> requests.Response:
        return self.request("PUT", url, data=data, **said)

    def patch(self, url: str, data: Any = None, **said: Any) -> requests.Response:
        return self.request("PATCH", url, data=data, **said)

    def delete(self, url: str, **said: Any) -> requests.Response:
        return self.request("DELETE", url, **said)


ASKING = _Asking()


class _Adapter(HTTPAdapter):
    """What a session of requests sends by: this thread's trip."""

    def send(self, request: requests.PreparedRequest, *_said: Any, **_more: Any) -> requests.Response:
        trip = _TRIP.get()
        if trip is None:
            raise RuntimeError("nothing may be asked here")
        answer = trip.carry(request)
        return self.build_response(
            request,
            HTTPResponse(
                body=io.BytesIO(answer.body),
                headers=dict(answer.headers),
                status=answer.status,
                reason=http.client.responses.get(answer.status, ""),
                preload_content=False,
            ),
        )


def _body(request: requests.PreparedRequest) -> bytes:
    body = request.body
    if isinstance(body, str):
        return body.encode()
    if body is None or isinstance(body, bytes):
        return body or b""
    raise NotSent("a body that is no text")


def _headers(request: requests.PreparedRequest) -> dict[str, str]:
    """The headers as HTTP carries them: bytes of UTF-8 where a text is wider than Latin-1."""
    found = {str(name): _narrow(value) for name, value in request.headers.items()}
    return {**found, "Accept-Encoding": "identity"}


def _narrow(value: str | bytes) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode().decode("latin-1")
    return text
