"""App push over Getui's REST API, version 2. Knows no campaign.

`request_id` is our message id: the platform drops a second request of the same id, so a lost answer is asked for again
before the message is called in doubt.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

from limner.channels import http
from limner.channels.http import Http, Lost, NotSent
from limner.channels.seam import Message, Outcome, Receipt, Unavailable
from limner.types import Clock, Json

_CID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_STALE_TOKEN = 10001
_FORBIDDEN = 10002
_RATE = (10003, 10005)
_PARAMETER = 20001
_STARTING = 2
_NO_TARGET = "target user is invalid"
_INACTIVE = "successed_ignore"
_TRIES = 3
_A_MINUTE = timedelta(minutes=1)


class Push:
    """One app. `timeout_seconds` bounds each request; `ttl`: how long a message waits for a device that is off."""

    kind = "push"

    def __init__(
        self,
        *,
        api: str,
        app_id: str,
        app_key: str,
        secret: str,
        clock: Clock,
        ttl: timedelta = timedelta(hours=2),
        timeout_seconds: float = 10.0,
    ) -> None:
        self._app_key = app_key
        self._secret = secret
        self._clock = clock
        self._ttl = ttl
        self._http = Http(f"{api.rstrip('/')}/{app_id}", seconds=timeout_seconds)
        self._token = ""
        self._expires = clock()

    def send(self, message: Message) -> Receipt:
        """What the platform answered. Raises Unavailable when the message was certainly not handed over."""
        if not _CID.fullmatch(message.to):
            return Receipt(message.message_id, Outcome.FAILED, "bad address: not a client id")
        notification = {"title": message.subject, "body": message.text, "click_type": "startapp"}
        if message.url:
            notification |= {"click_type": "url", "url": message.url}
        body = json.dumps(
            {
                # At least 10 characters, the platform asks.
                "request_id": message.message_id.rjust(10, "0"),
                "settings": {"ttl": int(self._ttl.total_seconds() * 1000)},
                "audience": {"cid": [message.to]},
                "push_message": {"notification": notification},
            },
            ensure_ascii=False,
        ).encode()
        answer, doubt = http.answered(lambda: self._send(body), name="the push platform", tries=_TRIES)
        if answer is None:
            return Receipt(message.message_id, Outcome.IN_DOUBT, doubt)
        code, said = _code(answer), str(answer.get("msg", ""))[:200]
        if code == 0:
            return self._taken(message, answer.get("data"))
        if code == _PARAMETER:
            return Receipt(
                message.message_id, Outcome.FAILED, f"{code} {said}", gone=_NO_TARGET in said.lower()
            )
        if doubt:
            return Receipt(message.message_id, Outcome.IN_DOUBT, doubt)
        if code == _STARTING:
            return Receipt(message.message_id, Outcome.DEFERRED, f"{code} {said}")
        raise self._trouble(code, said)

    def check(self) -> str:
        """That the platform gave this app a token. Raises Unavailable."""
        self._token = ""
        self._auth()
        return f"{self._http.base}: token given"

    def close(self) -> None:
        """Lets go of connections; the next message opens another."""
        self._http.close()

    def _taken(self, message: Message, data: object) -> Receipt:
        """What became of a request that was understood: `{task: {client id: what}}`."""
        task, became = "", ""
        if isinstance(data, dict) and data:
            task, devices = next(iter(data.items()))
            became = str(devices.get(message.to, "")) if isinstance(devices, dict) else ""
        if became == _INACTIVE:
            return Receipt(
                message.message_id,
                Outcome.FAILED,
                "the device was not active for 90 days",
                provider_id=str(task),
            )
        return Receipt(message.message_id, Outcome.ACCEPTED, provider_id=str(task))

    def _trouble(self, code: int, said: str) -> Unavailable:
        if code in _RATE:
            return Unavailable(
                f"the push platform was asked too often: {code} {said}",
                code="rate_limited",
                until=self._clock() + _A_MINUTE,
            )
        return Unavailable(
            f"the push platform refused the app: {code} {said}",
            code="channel_down",
            hint="check app_id, app_key and secret of [push]",
        )

    def _send(self, body: bytes) -> Json:
        """The answer to the message; with a new token where the platform says that the one is over."""
        answer = self._post("/push/single/cid", body, token=self._auth())
        if _code(answer) == _STALE_TOKEN:
            self._token = ""
            answer = self._post("/push/single/cid", body, token=self._auth())
        return answer

    def _auth(self) -> str:
        """The app's token, asked for when there is none or it is about to expire."""
        now = self._clock()
        if self._token and now < self._expires:
            return self._token
        stamp = str(int(now.timestamp() * 1000))
        sign = hashlib.sha256(f"{self._app_key}{stamp}{self._secret}".encode()).hexdigest()
        body = json.dumps({"sign": sign, "timestamp": stamp, "appkey": self._app_key}).encode()
        try:
            answer = self._post("/auth", body)
        except (NotSent, Lost) as error:
            raise Unavailable(f"the push platform gave no token: {error}") from error
        data = answer.get("data")
        if _code(answer) != 0 or not isinstance(data, dict) or not data.get("token"):
            raise self._trouble(_code(answer), str(answer.get("msg", ""))[:200])
        self._token = str(data["token"])
        # Renewed a minute early, so that none expires on its way.
        self._expires = datetime.fromtimestamp(int(data.get("expire_time", 0)) / 1000, UTC) - _A_MINUTE
        return self._token

    def _post(self, path: str, body: bytes, *, token: str = "") -> Json:
        """The JSON object of the answer, whatever its status says. Raises NotSent, Lost and Unavailable."""
        headers = {"Content-Type": "application/json;charset=utf-8", **({"token": token} if token else {})}
        answer = self._http.ask("POST", path, body=body, headers=headers)
        later = http.later(answer, name="the push platform", now=self._clock())
        if later is not None:
            raise later
        if answer.status >= 500:
            raise Lost(f"HTTP {answer.status}")
        try:
            return answer.json()
        except ValueError as error:
            raise Lost(f"HTTP {answer.status}: {error}") from error


def _code(answer: Json) -> int:
    code = answer.get("code")
    return code if isinstance(code, int) else -1
