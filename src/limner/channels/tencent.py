"""The management interface of a WeChat platform: a token that is renewed, and error numbers that become errors.

WeCom and official accounts speak it alike: HTTP 200 with `errcode`, 0 where it was done. Knows no campaign.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from limner.channels import http
from limner.channels.beijing import midnight
from limner.channels.http import Http, Lost, NotSent
from limner.channels.seam import Unavailable
from limner.errors import ChannelError
from limner.types import Clock, Json

STALE = (40001, 40014, 42001)
BUSY = (-1, 45011, 45033)
QUOTA = 45009
_A_MINUTE = timedelta(minutes=1)
LIMIT = 4_000_000
"""Bytes that an answer may have: a page of a hundred customers, a QR picture."""


class Refused(ChannelError):
    """The platform looked at the request and refused it; `number` is its errcode."""

    def __init__(self, number: int, said: str, *, name: str) -> None:
        super().__init__(f"{name} refused: {number} {said[:200]}", code="platform_refused")
        self.number = number
        self.said = said[:200]


class Busy(Unavailable):
    """The platform is busy just now: the same request may succeed in a moment."""


@dataclass(frozen=True)
class Door:
    """How one platform lets in: where tokens are given, what only a person can mend, and when a quota ends.

    `set_up`: errcode → what is wrong; `daily`: whether 45009 lasts until midnight in Beijing, else a minute.
    """

    name: str
    token: str
    set_up: Mapping[int, str]
    daily: bool = False
    section: str = ""


WECOM = Door(
    "WeCom",
    "/cgi-bin/gettoken",
    {
        40001: "wrong secret",
        40013: "wrong corp id",
        40056: "wrong agent id",
        48002: "the application has no right to this interface",
        60020: "this server's address is not among the application's trusted ones",
        84074: "the application has no right to customers",
    },
    section="wecom",
)
OFFICIAL = Door(
    "WeChat",
    "/cgi-bin/token",
    {
        40013: "wrong app id",
        40125: "wrong app secret",
        40164: "this server's address is not on the account's allow list",
        48001: "the account has no right to this interface",
        50002: "the account is limited by the platform",
    },
    daily=True,
    section="wechat",
)


class Api:
    """One account of a platform. Used by one thread at a time. `query`: what asks for a token."""

    def __init__(
        self,
        door: Door,
        *,
        api: str,
        query: Mapping[str, str],
        clock: Clock,
        timeout_seconds: float = 10.0,
    ) -> None:
        self.door = door
        self.http = Http(api, seconds=timeout_seconds, limit=LIMIT)
        self.query = dict(query)
        self._clock = clock
        self.token = ""
        self.wait: Callable[[float], object] = time.sleep
        """Waits so many seconds before something is asked again; ends sooner where the process wants to end."""
        self._expires = clock()

    def close(self) -> None:
        """Lets go of connections; the next request opens another."""
        self.http.close()

    def check(self) -> str:
        """That the platform gave an access token. Raises Unavailable."""
        self.token = ""
        self.access_token()
        return f"{self.http.base}: access token given"

    def ask(self, path: str, body: Json | None = None, **query: str) -> Json:
        """The platform's answer to what was done. Raises Refused, Unavailable, and Lost where nobody knows."""
        try:
            answer = self._asked(path, body, query)
            if _number(answer) in STALE:
                self.token = ""
                answer = self._asked(path, body, query)
        except NotSent as error:
            raise Unavailable(f"{self.door.name} cannot be reached: {error}") from error
        number = _number(answer)
        if number:
            raise self.trouble(number, str(answer.get("errmsg", "")))
        return answer

    def surely(
        self,
        path: str,
        body: Json | None = None,
        *,
        tries: int = 4,
        **query: str,
    ) -> Json:
        """Like `ask`, for what may be asked twice: again where the answer was lost or the platform was busy.

        Raises Refused and Unavailable.
        """
        pause = 1.0
        for left in reversed(range(tries)):
            try:
                return self.ask(path, body, **query)
            except Lost as error:
                if not left:
                    raise Unavailable(f"{self.door.name} did not answer: {error}") from error
            except Unavailable as error:
                if not left or error.code == "channel_down" or (self.door.daily and error.until is not None):
                    raise
            self.wait(pause)
            pause *= 4
        raise AssertionError("unreachable")

    def picture(self, url: str) -> tuple[bytes, str]:
        """The bytes and the type of a picture that the platform shows without a token. Raises Unavailable."""
        base, slash, path = url.partition("//")[2].partition("/")
        scheme = url.partition("//")[0]
        there = Http(f"{scheme}//{base}", seconds=10.0, limit=LIMIT)
        try:
            answer = there.ask("GET", f"{slash}{path}")
        except (NotSent, Lost) as error:
            raise Unavailable(f"the picture cannot be fetched: {error}") from error
        finally:
            there.close()
        if answer.status != 200 or not answer.headers.get("content-type", "").startswith("image/"):
            raise Unavailable(f"the picture cannot be fetched: HTTP {answer.status}")
        return answer.body, answer.headers["content-type"]

    def access_token(self) -> str:
        """The account's token, asked for when there is none or it is about to expire."""
        now = self._clock()
        if self.token and now < self._expires:
            return self.token
        try:
            answer = self._heard("GET", f"{self.door.token}?{urlencode(self.query)}")
        except (NotSent, Lost) as error:
            raise Unavailable(f"{self.door.name} gave no access token: {error}") from error
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            number = _number(answer)
            limited = number == QUOTA
            raise Unavailable(
                f"{self.door.name} gave no access token: {number} {str(answer.get('errmsg', ''))[:200]}",
                code="rate_limited" if limited else "channel_down",
                hint=f"check the ids and secrets of [{self.door.section}]",
                until=self._quota_ends() if limited else None,
            )
        self.token = token
        # Renewed a minute early, so that none expires on its way.
        self._expires = now + timedelta(seconds=max(0, int(answer.get("expires_in", 7200)) - 60))
        return token

    def trouble(self, number: int, said: str) -> ChannelError:
        """The error that an errcode is: Unavailable where waiting or a person mends it, else Refused."""
        if number in BUSY:
            return Busy(f"{self.door.name} is busy: {number} {said[:200]}", code="rate_limited")
        if number == QUOTA:
            return Unavailable(
                f"{self.door.name} was asked too often: {number} {said[:200]}",
                code="rate_limited",
                until=self._quota_ends(),
            )
        if number in STALE or number in self.door.set_up:
            return Unavailable(
                f"{self.door.name} refused the account: {number} {self.door.set_up.get(number, said[:200])}",
                code="channel_down",
                hint=f"check the ids and secrets of [{self.door.section}]",
            )
        return Refused(number, said, name=self.door.name)

    def _quota_ends(self) -> Any:
        return midnight(self._clock()) if self.door.daily else self._clock() + _A_MINUTE

    def _asked(self, path: str, body: Json | None, query: Mapping[str, str]) -> Json:
        asked = urlencode({**query, "access_token": self.access_token()})
        if body is None:
            return self._heard("GET", f"{path}?{asked}")
        return self._heard("POST", f"{path}?{asked}", json.dumps(body, ensure_ascii=False).encode())

    def _heard(self, method: str, path: str, body: bytes = b"") -> Json:
        """The JSON object of the answer. Raises NotSent, Lost and Unavailable."""
        headers = {"Content-Type": "application/json"} if body else {}
        answer = self.http.ask(method, path, body=body, headers=headers)
        later = http.later(answer, name=self.door.name, now=self._clock())
        if later is not None:
            raise later
        if answer.status != 200:
            raise Lost(f"HTTP {answer.status}")
        try:
            return answer.json()
        except ValueError as error:
            raise Lost(str(error)) from error


def _number(answer: Json) -> int:
    number = answer.get("errcode", 0)
    return number if isinstance(number, int) else -1
