"""WeChat official account: template messages over the platform's HTTP API. Knows no campaign.

The platform answers HTTP 200 with `errcode`; `client_msg_id` makes a repeat within ten minutes harmless, so a
lost answer is asked for again before the message is called in doubt.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2

from limner.channels.seam import Message, Outcome, Receipt, Unavailable
from limner.types import Clock

# The platform counts days, and so its quotas, in Beijing time.
_PLATFORM_ZONE = ZoneInfo("Asia/Shanghai")
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
_TRIES = 3
_BODY_LIMIT = 65_536


class Wechat:
    """One official account. `timeout_seconds` bounds each request; a token is kept until it expires."""

    kind = "wechat"

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
        self._api = api.rstrip("/")
        self._timeout = timeout_seconds
        self._http = self._client()
        self._token = ""
        self._expires = clock()

    def _client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self._api, timeout=self._timeout, follow_redirects=False)

    def send(self, message: Message) -> Receipt:
        """What the platform answered. Raises Unavailable when the message was certainly not handed over."""
        if not _OPENID.fullmatch(message.to):
            return Receipt(message.message_id, Outcome.FAILED, "bad address: not an openid")
        body: dict[str, Any] = {
            "touser": message.to,
            "template_id": message.template_id,
            "client_msg_id": message.message_id[:32],
            "data": {key: {"value": value} for key, value in message.data.items()},
        }
        if message.url:
            body["url"] = message.url
        refreshed = False
        in_doubt = ""
        for attempt in range(_TRIES):
            try:
                answer = self._post("/cgi-bin/message/template/send", body)
                if _code(answer) in _STALE_TOKEN and not refreshed:
                    refreshed = True
                    self._token = ""
                    answer = self._post("/cgi-bin/message/template/send", body)
            except Unavailable:
                if in_doubt:
                    break
                raise
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
                if in_doubt:
                    continue
                raise Unavailable(f"WeChat cannot be reached: {error}") from error
            except (httpx2.TransportError, ValueError) as error:
                # The platform may have taken it; the same client_msg_id may be asked again.
                in_doubt = f"no answer after {attempt + 1} tries: {error or type(error).__name__}"
                continue
            code = _code(answer)
            if code in (0, _ALREADY_TAKEN):
                return Receipt(message.message_id, Outcome.ACCEPTED, provider_id=str(answer.get("msgid", "")))
            if in_doubt and code not in _RECIPIENT:
                continue
            return self._refusal(message, code, str(answer.get("errmsg", "")))
        return Receipt(message.message_id, Outcome.IN_DOUBT, in_doubt)

    def check(self) -> str:
        """That the platform gave this account an access token. Raises Unavailable."""
        self._token = ""
        self._access_token()
        return f"{self._api}: access token given"

    def close(self) -> None:
        """Lets go of connections; the next message opens another."""
        self._http.close()
        self._http = self._client()

    def _refusal(self, message: Message, code: int, said: str) -> Receipt:
        said = said[:200]
        if code in _RECIPIENT:
            reason, gone = _RECIPIENT[code]
            return Receipt(message.message_id, Outcome.FAILED, f"{code} {reason}", gone=gone)
        if code == _QUOTA:
            raise Unavailable(
                f"WeChat's quota of today is used up: {code} {said}",
                code="rate_limited",
                until=_midnight(self._clock()),
            )
        if code in _BUSY:
            return Receipt(message.message_id, Outcome.DEFERRED, f"{code} {said}")
        if code in _STALE_TOKEN or code in _SET_UP:
            raise Unavailable(
                f"WeChat refused the account: {code} {_SET_UP.get(code, said)}",
                code="channel_down",
                hint="check app_id and secret of [wechat]",
            )
        return Receipt(message.message_id, Outcome.FAILED, f"{code} {said}")

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        token = self._access_token()
        return self._answer(
            self._http.build_request(
                "POST",
                path,
                params={"access_token": token},
                content=json.dumps(body, ensure_ascii=False).encode(),
                headers={"Content-Type": "application/json"},
            )
        )

    def _access_token(self) -> str:
        """The account's token, asked for when there is none or it is about to expire."""
        now = self._clock()
        if self._token and now < self._expires:
            return self._token
        try:
            answer = self._answer(
                self._http.build_request(
                    "GET",
                    "/cgi-bin/token",
                    params={
                        "grant_type": "client_credential",
                        "appid": self._app_id,
                        "secret": self._secret,
                    },
                )
            )
        except (httpx2.TransportError, ValueError) as error:
            raise Unavailable(f"WeChat gave no access token: {type(error).__name__}") from error
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            code = _code(answer)
            until = _midnight(now) if code == _QUOTA else None
            raise Unavailable(
                f"WeChat gave no access token: {code} {str(answer.get('errmsg', ''))[:200]}",
                code="rate_limited" if code == _QUOTA else "channel_down",
                hint="check app_id and secret of [wechat]",
                until=until,
            )
        self._token = token
        # Renewed a minute early, so that none expires on its way.
        self._expires = now + timedelta(seconds=max(0, int(answer.get("expires_in", 7200)) - 60))
        return token

    def _answer(self, request: httpx2.Request) -> dict[str, Any]:
        """The JSON object of the answer. Raises ValueError for anything else, TransportError for none."""
        response = self._http.send(request, stream=True)
        try:
            content = b""
            for part in response.iter_bytes():
                content += part
                if len(content) > _BODY_LIMIT:
                    raise ValueError("the answer is too long")
        finally:
            response.close()
        if response.status_code != 200:
            raise ValueError(f"HTTP {response.status_code}")
        answer = json.loads(content)
        if not isinstance(answer, dict):
            raise ValueError("the answer is no JSON object")
        return answer


def _code(answer: dict[str, Any]) -> int:
    code = answer.get("errcode", 0)
    return code if isinstance(code, int) else -1


def _midnight(now: datetime) -> datetime:
    """The next midnight in the platform's zone: when its quotas begin anew."""
    local = now.astimezone(_PLATFORM_ZONE)
    tomorrow = (local + timedelta(days=1)).date()
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=_PLATFORM_ZONE).astimezone(now.tzinfo)
