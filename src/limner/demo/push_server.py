"""A local push platform: Getui's REST API, version 2, as its documents say.

A token lives a day and a new one ends the old; a `request_id` counts once, a repeat is answered and dropped; an unknown
client id is refused, one that was not active for long is ignored.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from limner.demo.platform import Asked, Platform, Reply

# Known to everybody: this platform is a toy that listens on its own machine only.
APP_ID, APP_KEY, SECRET = "demo-app", "demo-key", "demo-secret"
_DAY = 86_400


@dataclass(frozen=True)
class Pushed:
    """One message that the platform took."""

    request_id: str
    to: str
    title: str
    body: str
    url: str
    ttl_seconds: int


class PushServer(Platform[Pushed]):
    """One app of the platform; see `Platform` for how it is used.

    Knobs besides: `unknown` and `inactive` are sets of client ids; `fail_next(code, times)` answers a code;
    `expire_tokens()` ends the tokens given so far.
    """

    name = "push"

    def __init__(
        self, *, port: int = 0, app_id: str = APP_ID, app_key: str = APP_KEY, secret: str = SECRET
    ) -> None:
        self.app_id, self.app_key, self.secret = app_id, app_key, secret
        self.unknown: set[str] = set()
        self.inactive: set[str] = set()
        self.tokens_given = 0
        self.clock: Callable[[], float] = time.time
        self._token = ""
        self._token_until = 0.0
        self._seen: set[str] = set()
        self._codes: list[int] = []
        super().__init__(port=port)

    def expire_tokens(self) -> None:
        """Every token given so far is answered with 10001."""
        with self.lock:
            self._token_until = 0.0

    def fail_next(self, code: int, times: int = 1) -> None:
        """The next `times` messages are answered with this code."""
        with self.lock:
            self._codes.extend([code] * times)

    def heal(self) -> None:
        """It works as it should."""
        super().heal()
        with self.lock:
            self._codes.clear()

    def sends(self, asked: Asked) -> bool:
        """Whether the request sends a message."""
        return asked.path.endswith("/push/single/cid")

    def answer(self, asked: Asked) -> Reply:
        """What the platform says."""
        with self.lock:
            body = asked.json()
            if body is None:
                return _said(1, "fail")
            if asked.path == f"/{self.app_id}/auth":
                return self._auth(body)
            if asked.path != f"/{self.app_id}/push/single/cid":
                return _said(404, "url error", status=404)
            if asked.headers.get("token") != self._token or self.clock() >= self._token_until:
                return _said(10001, "token error", status=401)
            if self._codes:
                code = self._codes.pop(0)
                return _said(code, "as told to", status=401 if 10_000 <= code < 20_000 else 200)
            return self._sent(body)

    def _auth(self, body: dict[str, object]) -> Reply:
        stamp = str(body.get("timestamp", ""))
        sign = hashlib.sha256(f"{self.app_key}{stamp}{self.secret}".encode()).hexdigest()
        if body.get("appkey") != self.app_key or body.get("sign") != sign:
            return _said(20001, "sign is invalid", status=400)
        self.tokens_given += 1
        self._token = f"token-{self.tokens_given}"
        self._token_until = self.clock() + _DAY
        return Reply(
            {
                "code": 0,
                "msg": "success",
                "data": {"expire_time": str(int(self._token_until * 1000)), "token": self._token},
            }
        )

    def _sent(self, body: dict[str, object]) -> Reply:
        request_id = str(body.get("request_id", ""))
        audience, message, settings = body.get("audience"), body.get("push_message"), body.get("settings")
        notification = message.get("notification") if isinstance(message, dict) else None
        targets = audience.get("cid") if isinstance(audience, dict) else None
        if not 10 <= len(request_id) <= 32:
            return _said(20001, "request_id size over limit", status=400)
        if not isinstance(targets, list) or len(targets) != 1 or not isinstance(notification, dict):
            return _said(20001, "cid is invalid", status=400)
        if not notification.get("title") or not notification.get("body"):
            return _said(20001, "title can not be empty", status=400)
        to = str(targets[0])
        if to in self.unknown:
            return _said(20001, "target user is invalid", status=400)
        task = f"RASS_{request_id}"
        if to in self.inactive:
            return Reply({"code": 0, "msg": "success", "data": {task: {to: "successed_ignore"}}})
        heard = True
        if request_id not in self._seen:
            self._seen.add(request_id)
            heard = self.take(
                request_id,
                Pushed(
                    request_id,
                    to,
                    str(notification["title"]),
                    str(notification["body"]),
                    str(notification.get("url", "")),
                    int(settings.get("ttl", 0)) // 1000 if isinstance(settings, dict) else 0,
                ),
            )
        return Reply({"code": 0, "msg": "success", "data": {task: {to: "successed_online"}}}, heard=heard)


def _said(code: int, said: str, *, status: int = 200) -> Reply:
    return Reply({"code": code, "msg": said}, status)
