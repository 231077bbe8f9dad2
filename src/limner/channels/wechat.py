"""WeChat: template messages of an official account, subscribe messages of a mini-program. Knows no campaign.

The platform answers HTTP 200 with `errcode`. `client_msg_id` makes a repeat of a template message within ten minutes
harmless, so a lost answer is asked for again before the message is called in doubt; subscribe messages have no such id.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from urllib.parse import quote, urlencode

from limner.channels import http
from limner.channels.beijing import midnight
from limner.channels.http import Http, Lost, NotSent
from limner.channels.seam import Message, Outcome, Receipt, Unavailable
from limner.types import Clock, Json

_STALE_TOKEN = (40001, 40014, 42001)
_BUSY = (-1, 45011)
_ALREADY_TAKEN = 45065
_QUOTA = 45009
# What the platform says of one recipient: code → (reason, whether to suppress the address).
_RECIPIENT: dict[int, tuple[str, bool]] = {
    40003: ("invalid openid", False),
    43004: ("does not follow the account", False),
    43019: ("the account put the person on its black list", False),
    43101: ("the person refused messages", True),
}
# What only a person can mend.
_SET_UP: dict[int, str] = {
    40002: "wrong grant type",
    40013: "wrong app id",
    40125: "wrong app secret",
    40164: "this server's address is not on the account's allow list",
    48001: "the account has no right to send template messages",
    50002: "the account is limited by the platform",
}
_OPENID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Wechat:
    """One official account. `timeout_seconds` bounds each request; a token is kept until it expires."""

    kind: str = "wechat"
    _path = "/cgi-bin/message/template/send"
    _tries = 3
    _refusing_lasts = True

    def __init__(
        self,
        *,
        api: str,
        app_id: str,
        secret: str,
        clock: Clock,
        timeout_seconds: float = 10.0,
    ) -> None:
        self._app_id = app_id
        self._secret = secret
        self._clock = clock
        self._http = Http(api, seconds=timeout_seconds)
        self._token = ""
        self._expires = clock()

    def send(self, message: Message) -> Receipt:
        """What the platform answered. Raises Unavailable when the message was certainly not handed over."""
        if not _OPENID.fullmatch(message.to):
            return Receipt(message.message_id, Outcome.FAILED, "bad address: not an openid")
        body = json.dumps(self._body(message), ensure_ascii=False).encode()
        answer, doubt = http.answered(lambda: self._send(body), name="WeChat", tries=self._tries)
        if answer is None:
            return Receipt(message.message_id, Outcome.IN_DOUBT, doubt)
        code = _code(answer)
        if code in (0, _ALREADY_TAKEN):
            return Receipt(message.message_id, Outcome.ACCEPTED, provider_id=str(answer.get("msgid", "")))
        if doubt and code not in _RECIPIENT:
            return Receipt(message.message_id, Outcome.IN_DOUBT, doubt)
        return self._refusal(message, code, str(answer.get("errmsg", "")))

    def check(self) -> str:
        """That the platform gave this account an access token. Raises Unavailable."""
        self._token = ""
        self._access_token()
        return f"{self._http.base}: access token given"

    def close(self) -> None:
        """Lets go of connections; the next message opens another."""
        self._http.close()

    def _body(self, message: Message) -> Json:
        body: Json = {
            "touser": message.to,
            "template_id": message.template_id,
            "client_msg_id": message.message_id[:32],
            "data": {key: {"value": value} for key, value in message.data.items()},
        }
        if message.url:
            body["url"] = message.url
        return body

    def _refusal(self, message: Message, code: int, said: str) -> Receipt:
        said = said[:200]
        if code in _RECIPIENT:
            reason, gone = _RECIPIENT[code]
            return Receipt(
                message.message_id, Outcome.FAILED, f"{code} {reason}", gone=gone and self._refusing_lasts
            )
        if code == _QUOTA:
            raise Unavailable(
                f"WeChat's quota of today is used up: {code} {said}",
                code="rate_limited",
                until=midnight(self._clock()),
            )
        if code in _BUSY:
            return Receipt(message.message_id, Outcome.DEFERRED, f"{code} {said}")
        if code in _STALE_TOKEN or code in _SET_UP:
            raise Unavailable(
                f"WeChat refused the account: {code} {_SET_UP.get(code, said)}",
                code="channel_down",
                hint=f"check app_id and secret of [{self.kind}]",
            )
        return Receipt(message.message_id, Outcome.FAILED, f"{code} {said}")

    def _send(self, body: bytes) -> Json:
        """The answer to the message; with a new token where the platform says that the one is over."""
        answer = self._post(body)
        if _code(answer) in _STALE_TOKEN:
            self._token = ""
            answer = self._post(body)
        return answer

    def _post(self, body: bytes) -> Json:
        return self._ask("POST", f"{self._path}?access_token={quote(self._access_token(), safe='')}", body)

    def _access_token(self) -> str:
        """The account's token, asked for when there is none or it is about to expire."""
        now = self._clock()
        if self._token and now < self._expires:
            return self._token
        asked = urlencode({"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret})
        try:
            answer = self._ask("GET", f"/cgi-bin/token?{asked}")
        except (NotSent, Lost) as error:
            raise Unavailable(f"WeChat gave no access token: {error}") from error
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            code = _code(answer)
            until = midnight(now) if code == _QUOTA else None
            raise Unavailable(
                f"WeChat gave no access token: {code} {str(answer.get('errmsg', ''))[:200]}",
                code="rate_limited" if code == _QUOTA else "channel_down",
                hint=f"check app_id and secret of [{self.kind}]",
                until=until,
            )
        self._token = token
        # Renewed a minute early, so that none expires on its way.
        self._expires = now + timedelta(seconds=max(0, int(answer.get("expires_in", 7200)) - 60))
        return token

    def _ask(self, method: str, path: str, body: bytes = b"") -> Json:
        """The JSON object of the answer. Raises NotSent, Lost and Unavailable."""
        headers = {"Content-Type": "application/json"} if body else {}
        answer = self._http.ask(method, path, body=body, headers=headers)
        later = http.later(answer, name="WeChat", now=self._clock())
        if later is not None:
            raise later
        if answer.status != 200:
            raise Lost(f"HTTP {answer.status}")
        try:
            return answer.json()
        except ValueError as error:
            raise Lost(str(error)) from error


class Miniprogram(Wechat):
    """One mini-program: a subscribe message needs a permission that the person gave in it, and uses it up.

    `state`: which of its versions a message opens (formal, trial, developer).
    """

    kind = "miniprogram"
    _path = "/cgi-bin/message/subscribe/send"
    _tries = 1
    _refusing_lasts = False  # the next permission ends it

    def __init__(
        self,
        *,
        api: str,
        app_id: str,
        secret: str,
        clock: Clock,
        timeout_seconds: float = 10.0,
        state: str = "formal",
    ) -> None:
        super().__init__(api=api, app_id=app_id, secret=secret, clock=clock, timeout_seconds=timeout_seconds)
        self._state = state

    def _body(self, message: Message) -> Json:
        body: Json = {
            "touser": message.to,
            "template_id": message.template_id,
            "data": {key: {"value": value} for key, value in message.data.items()},
            "miniprogram_state": self._state,
            "lang": "zh_CN",
        }
        if message.url:
            body["page"] = message.url
        return body


def _code(answer: Json) -> int:
    code = answer.get("errcode", 0)
    return code if isinstance(code, int) else -1
