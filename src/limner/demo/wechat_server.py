"""A local WeChat platform: tokens, template and subscribe messages, error codes with HTTP 200.

Follows the platform's documents: a token lives 7,200 s and a new one ends the old, `client_msg_id` of a template
message counts once within ten minutes (45065 for a repeat), a subscribe message uses up one permission of its recipient
(43101 without one), the daily quota ends in 45009, unknown and unfollowing openids are refused.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from limner.demo.platform import Asked, Platform, Reply

# Known to everybody: this platform is a toy that listens on its own machine only.
SECRET = "demo-secret"  # noqa: S105
TEMPLATE = "/cgi-bin/message/template/send"
SUBSCRIBE = "/cgi-bin/message/subscribe/send"


@dataclass(frozen=True)
class Template:
    """One message that the platform took; `client_msg_id` of a subscribe message is empty."""

    msgid: int
    to: str
    template_id: str
    url: str
    data: dict[str, str]
    client_msg_id: str


class WechatServer(Platform[Template]):
    """One account of the platform; see `Platform` for how it is used.

    Knobs besides: `invalid`, `not_following`, `refused` are sets of openids; `permissions` counts what subscribe
    messages may go to an openid (None: any); `quota` messages a day; `fail_next(code, times)` answers an errcode;
    `expire_tokens()` ends the tokens given so far.
    """

    name = "wechat"

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
        self.permissions: Counter[str] | None = None
        self.tokens_given = 0
        self.on_message: Callable[[Template], None] | None = None
        self.clock: Callable[[], float] = time.monotonic
        self._token = ""
        self._token_until = 0.0
        self._seen: dict[str, float] = {}
        self._codes: list[int] = []
        super().__init__(port=port)

    def expire_tokens(self) -> None:
        """Every token given so far is answered with 42001."""
        with self.lock:
            self._token_until = self.clock() - 1

    def fail_next(self, code: int, times: int = 1) -> None:
        """The next `times` messages are answered with this errcode."""
        with self.lock:
            self._codes.extend([code] * times)

    def heal(self) -> None:
        """It works as it should."""
        super().heal()
        with self.lock:
            self._codes.clear()

    def sends(self, asked: Asked) -> bool:
        """Whether the request sends a message."""
        return asked.path in (TEMPLATE, SUBSCRIBE)

    def answer(self, asked: Asked) -> Reply:
        """What the platform says, always with HTTP 200."""
        if asked.path == "/cgi-bin/token":
            return Reply(self._give_token(asked))
        if not self.sends(asked):
            return Reply(_error(40066, "invalid url"))
        body = asked.json()
        if body is None:
            return Reply(_error(47001, "data format error"))
        with self.lock:
            said = self._refused(asked, body)
            if said is not None:
                return Reply(said)
            taken, heard = self._keep(asked, body)
        if self.on_message is not None:
            self.on_message(taken)
        return Reply({"errcode": 0, "errmsg": "ok", "msgid": taken.msgid}, heard=heard)

    def _give_token(self, asked: Asked) -> dict[str, Any]:
        with self.lock:
            if asked.query.get("grant_type") != "client_credential":
                return _error(40002, "invalid grant_type")
            if asked.query.get("appid") != self.app_id:
                return _error(40013, "invalid appid")
            if asked.query.get("secret") != self.secret:
                return _error(40125, "invalid appsecret")
            self.tokens_given += 1
            self._token = f"token-{self.tokens_given}"
            self._token_until = self.clock() + 7200
            return {"access_token": self._token, "expires_in": 7200}

    def _refused(self, asked: Asked, body: dict[str, Any]) -> dict[str, Any] | None:
        """What is wrong with the request; None when the message is taken."""
        if not self._token or asked.query.get("access_token") != self._token:
            return _error(40001, "invalid credential, access_token is invalid or not latest")
        if self.clock() >= self._token_until:
            return _error(42001, "access_token expired")
        if self._codes:
            return _error(self._codes.pop(0), "as told to")
        to = str(body.get("touser", ""))
        if not to or to in self.invalid:
            return _error(40003, "invalid openid")
        template = body.get("template_id")
        if not template or (self.templates is not None and template not in self.templates):
            return _error(40037, "invalid template_id")
        if not isinstance(body.get("data"), dict):
            return _error(47001, "data format error")
        client_msg_id = str(body.get("client_msg_id", ""))
        if len(client_msg_id) > 32:
            return _error(40058, "client_msg_id is longer than 32")
        if client_msg_id and self.clock() - self._seen.get(client_msg_id, -1e9) < 600:
            return _error(45065, "clientmsgid exist")
        if to in self.not_following and asked.path == TEMPLATE:
            return _error(43004, "require subscribe")
        asks = asked.path == SUBSCRIBE and self.permissions is not None
        if to in self.refused or (asks and self.permissions is not None and self.permissions[to] < 1):
            return _error(43101, "user refuse to accept the msg")
        if len(self._taken) >= self.quota:
            return _error(45009, "reach max api daily quota limit")
        return None

    def _keep(self, asked: Asked, body: dict[str, Any]) -> tuple[Template, bool]:
        client_msg_id = str(body.get("client_msg_id", "")) if asked.path == TEMPLATE else ""
        if client_msg_id:
            self._seen[client_msg_id] = self.clock()
        to = str(body["touser"])
        if asked.path == SUBSCRIBE and self.permissions is not None:
            self.permissions[to] -= 1
        taken = Template(
            msgid=len(self._taken) + 1,
            to=to,
            template_id=str(body["template_id"]),
            url=str(body.get("url", body.get("page", ""))),
            data={str(k): str(v.get("value", "")) for k, v in body["data"].items()},
            client_msg_id=client_msg_id,
        )
        return taken, self.take(
            client_msg_id or f"{to} {taken.template_id} {sorted(taken.data.items())}", taken
        )


def _error(code: int, said: str) -> dict[str, Any]:
    return {"errcode": code, "errmsg": said}
