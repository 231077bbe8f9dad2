"""A local WeChat official-account platform: tokens, template messages, error codes with HTTP 200.

Follows the platform's documents: a token lives 7,200 s and a new one ends the old, `client_msg_id` counts
once within ten minutes (45065 for a repeat), the daily quota ends in 45009, unknown and unfollowing openids
are refused.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

# Known to everybody: this platform is a toy that listens on its own machine only.
SECRET = "demo-secret"  # noqa: S105


@dataclass(frozen=True)
class Template:
    """One template message that the platform took."""

    msgid: int
    to: str
    template_id: str
    url: str
    data: dict[str, str]
    client_msg_id: str


class WechatServer:
    """Listens on 127.0.0.1 (`port` 0: any free one). Use as a context manager, or `start` and `stop`.

    Knobs: `invalid`, `not_following`, `refused` are sets of openids; `quota` messages a day;
    `fail_next(code, times)` answers an errcode; `lose_answers(n)` takes n messages and ends the connection;
    `hang(n)` keeps n requests waiting until `release`; `expire_tokens()` ends the tokens given so far.
    """

    def __init__(
        self, *, port: int = 0, app_id: str = "wx-demo", secret: str = SECRET, quota: int = 100_000
    ) -> None:
        self.app_id = app_id
        self.secret = secret
        self.quota = quota
        self.invalid: set[str] = set()
        self.not_following: set[str] = set()
        self.refused: set[str] = set()
        self.templates: set[str] | None = None
        self._taken: list[Template] = []
        self.counts: Counter[str] = Counter()
        self.tokens_given = 0
        self.on_message: Callable[[Template], None] | None = None
        self.clock: Callable[[], float] = time.monotonic
        self._token = ""
        self._token_until = 0.0
        self._seen: dict[str, float] = {}
        self._failing: list[int] = []
        self._losing = 0
        self._hanging = 0
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address, for `[wechat] api`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> WechatServer:
        """Listens from now on."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True, name="demo-wechat"
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stops listening."""
        self._released.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()

    def __enter__(self) -> WechatServer:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def twice(self) -> list[str]:
        """Message ids that a person received more than once."""
        return [message_id for message_id, count in self.counts.items() if count > 1]

    def messages(self) -> list[Template]:
        """What it took so far, the first first."""
        with self._lock:
            return list(self._taken)

    def expire_tokens(self) -> None:
        """Every token given so far is answered with 42001."""
        with self._lock:
            self._token_until = self.clock() - 1

    def fail_next(self, code: int, times: int = 1) -> None:
        """The next `times` messages are answered with this errcode."""
        with self._lock:
            self._failing.extend([code] * times)

    def lose_answers(self, times: int = 1) -> None:
        """The next `times` messages are taken, but the connection ends without an answer."""
        with self._lock:
            self._losing = times

    def hang(self, times: int = 1) -> None:
        """The next `times` requests get no answer until `release`."""
        with self._lock:
            self._hanging = times
            self._released.clear()

    def release(self) -> None:
        """What hangs is answered."""
        self._released.set()

    def token(self, query: dict[str, str]) -> dict[str, Any]:
        """The answer of GET /cgi-bin/token."""
        with self._lock:
            if query.get("grant_type") != "client_credential":
                return _error(40002, "invalid grant_type")
            if query.get("appid") != self.app_id:
                return _error(40013, "invalid appid")
            if query.get("secret") != self.secret:
                return _error(40125, "invalid appsecret")
            self.tokens_given += 1
            self._token = f"token-{self.tokens_given}"
            self._token_until = self.clock() + 7200
            return {"access_token": self._token, "expires_in": 7200}

    def template(self, token: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """The answer of POST /cgi-bin/message/template/send; None: taken, but nobody shall hear of it."""
        with self._lock:
            if not self._token or token != self._token:
                return _error(40001, "invalid credential, access_token is invalid or not latest")
            if self.clock() >= self._token_until:
                return _error(42001, "access_token expired")
            if self._failing:
                code = self._failing.pop(0)
                return _error(code, "as told to")
            to = str(body.get("touser", ""))
            if not to or to in self.invalid:
                return _error(40003, "invalid openid")
            if not body.get("template_id") or (
                self.templates is not None and body["template_id"] not in self.templates
            ):
                return _error(40037, "invalid template_id")
            if not isinstance(body.get("data"), dict):
                return _error(47001, "data format error")
            client_msg_id = str(body.get("client_msg_id", ""))
            if len(client_msg_id) > 32:
                return _error(40058, "client_msg_id is longer than 32")
            now = self.clock()
            if client_msg_id and now - self._seen.get(client_msg_id, -1e9) < 600:
                return _error(45065, "clientmsgid exist")
            if to in self.not_following:
                return _error(43004, "require subscribe")
            if to in self.refused:
                return _error(43101, "user refuse to accept the msg")
            if len(self._taken) >= self.quota:
                return _error(45009, "reach max api daily quota limit")
            if client_msg_id:
                self._seen[client_msg_id] = now
            taken = Template(
                msgid=len(self._taken) + 1,
                to=to,
                template_id=str(body["template_id"]),
                url=str(body.get("url", "")),
                data={str(k): str(v.get("value", "")) for k, v in body["data"].items()},
                client_msg_id=client_msg_id,
            )
            self._taken.append(taken)
            self.counts[client_msg_id] += 1
            heard = self._losing <= 0
            self._losing -= 0 if heard else 1
        if self.on_message is not None:
            self.on_message(taken)
        return {"errcode": 0, "errmsg": "ok", "msgid": taken.msgid} if heard else None

    def wait_if_hanging(self) -> None:
        """Keeps the request waiting when the knob says so."""
        with self._lock:
            hanging = self._hanging > 0
            self._hanging -= 1 if hanging else 0
        if hanging:
            self._released.wait()


def _error(code: int, said: str) -> dict[str, Any]:
    return {"errcode": code, "errmsg": said}


def _handler(platform: WechatServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65_536  # head and body leave in one packet

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: openids are personal."""

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            platform.wait_if_hanging()
            if url.path == "/cgi-bin/token":
                self._answer(platform.token(query))
            else:
                self._answer(_error(40066, "invalid url"))

        def do_POST(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            platform.wait_if_hanging()
            try:
                body = json.loads(raw)
            except ValueError:
                self._answer(_error(47001, "data format error"))
                return
            if url.path != "/cgi-bin/message/template/send" or not isinstance(body, dict):
                self._answer(_error(40066, "invalid url"))
                return
            self._answer(platform.template(query.get("access_token", ""), body))

        def _answer(self, answer: dict[str, Any] | None) -> None:
            if answer is None:
                self.close_connection = True
                return
            content = json.dumps(answer).encode()
            try:
                self.send_response(200)
                self.send_header("Content-Type", "application/json; encoding=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                self.wfile.flush()
            except OSError:
                self.close_connection = True

    return Handler
