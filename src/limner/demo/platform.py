"""What the local platforms have in common: an HTTP server, a book of what they took, and knobs that make trouble."""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

Taken = TypeVar("Taken")


@dataclass(frozen=True)
class Asked:
    """One request: names of headers in lower case, the first of equal query parameters."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any] | None:
        """The JSON object of the body; None when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


@dataclass(frozen=True)
class Reply:
    """What is answered. `heard`: whether anybody shall hear of it."""

    body: Any
    status: int = 200
    heard: bool = True


class Platform(ABC, Generic[Taken]):
    """Listens on 127.0.0.1 (`port` 0: any free one). Use as a context manager, or `start` and `stop`.

    Knobs, each of the next requests that send a message: `fail(status)` answers so without looking; `lose_answers`
    takes the message and ends the connection; `drop` ends it before looking; `hang` keeps it waiting until `release`;
    `drip` answers a byte at a time. `heal` undoes them all.
    """

    name = "platform"
    drips = 0.05

    def __init__(self, *, port: int = 0) -> None:
        self.counts: Counter[str] = Counter()
        """How often each message id reached its recipient: the book."""
        self.lock = threading.RLock()
        self._taken: list[Taken] = []
        self._knobs: Counter[str] = Counter()
        self._failing: list[tuple[int, str]] = []
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread: threading.Thread | None = None

    # what each platform says itself

    @abstractmethod
    def sends(self, asked: Asked) -> bool:
        """Whether the request sends a message, so that the knobs are for it."""

    @abstractmethod
    def answer(self, asked: Asked) -> Reply:
        """The answer to a request that no knob keeps from it."""

    # the server

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address, for the setting `api`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Any:
        """Listens from now on."""
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            daemon=True,
            name=f"demo-{self.name}",
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stops listening."""
        self.heal()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()

    def __enter__(self) -> Any:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    # the book

    def messages(self) -> list[Taken]:
        """What it took so far, the first first."""
        with self.lock:
            return list(self._taken)

    @property
    def twice(self) -> list[str]:
        """Message ids that a person received more than once."""
        return [message_id for message_id, count in self.counts.items() if count > 1]

    def take(self, message_id: str, item: Taken) -> bool:
        """Keeps the message; the answer is whether the sender shall hear of it."""
        self._taken.append(item)
        self.counts[message_id] += 1
        return not self.turned("lose")

    # the knobs

    def fail(self, status: int, times: int = 1, *, retry_after: str = "") -> None:
        """The next `times` messages are answered by this HTTP status, and are not looked at."""
        with self.lock:
            self._failing.extend([(status, retry_after)] * times)

    def lose_answers(self, times: int = 1) -> None:
        """The next `times` messages are taken, but the connection ends without an answer."""
        self._set("lose", times)

    def drop(self, times: int = 1) -> None:
        """The connection of the next `times` messages ends before they are looked at."""
        self._set("drop", times)

    def hang(self, times: int = 1) -> None:
        """The next `times` messages wait until `release`."""
        self._set("hang", times)
        self._released.clear()

    def drip(self, times: int = 1) -> None:
        """The next `times` messages are taken, and answered one byte at a time."""
        self._set("drip", times)

    def release(self) -> None:
        """What hangs goes on."""
        self._released.set()

    def heal(self) -> None:
        """It works as it should."""
        with self.lock:
            self._knobs.clear()
            self._failing.clear()
        self._released.set()

    def turned(self, knob: str) -> bool:
        """Whether the knob is for this request, which uses it up."""
        with self.lock:
            on = self._knobs[knob] > 0
            self._knobs[knob] -= on
            return on

    def failing(self) -> tuple[int, str] | None:
        """The status that the next message is answered by, and its Retry-After."""
        with self.lock:
            return self._failing.pop(0) if self._failing else None

    def wait(self) -> None:
        """Until what hangs is released."""
        self._released.wait()

    def _set(self, knob: str, times: int) -> None:
        with self.lock:
            self._knobs[knob] = times


def _handler(platform: Platform[Any]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # head and body leave in one packet

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: addresses are personal."""

        def handle(self) -> None:
            with suppress(OSError):  # whoever asked has gone
                super().handle()

        def finish(self) -> None:
            with suppress(OSError):
                super().finish()

        def do_GET(self) -> None:
            self._asked()

        def do_POST(self) -> None:
            self._asked()

        def _asked(self) -> None:
            url = urlsplit(self.path)
            asked = Asked(
                self.command,
                url.path,
                {key: values[0] for key, values in parse_qs(url.query, keep_blank_values=True).items()},
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
            dripping = False
            if platform.sends(asked):
                if platform.turned("drop"):
                    self.close_connection = True
                    return
                if platform.turned("hang"):
                    platform.wait()
                failing = platform.failing()
                if failing is not None:
                    status, retry_after = failing
                    self._say(
                        Reply({"error": status}, status), {"Retry-After": retry_after} if retry_after else {}
                    )
                    return
                dripping = platform.turned("drip")
            reply = platform.answer(asked)
            if not reply.heard:
                self.close_connection = True
                return
            self._say(reply, {}, dripping=dripping)

        def _say(self, reply: Reply, headers: Mapping[str, str], *, dripping: bool = False) -> None:
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            try:
                self.send_response(reply.status)
                picture = isinstance(reply.body, bytes)
                self.send_header(
                    "Content-Type", "image/png" if picture else "application/json; charset=utf-8"
                )
                self.send_header("Content-Length", str(len(content)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if dripping:
                    self.close_connection = True
                    for byte in content:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(platform.drips)
                else:
                    self.wfile.write(content)
                self.wfile.flush()
            except OSError:
                self.close_connection = True

    return Handler
