"""Local services that Apprise reaches: ntfy, Telegram's Bot API, DingTalk's robots, and any that takes JSON by POST.

ntfy and the JSON service ask for a name and a password (HTTP Basic), Telegram and DingTalk for a token in the URL. None
of them knows an id of ours, so the book is kept under the last word of a text.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from limner.demo.platform import Asked, Platform, Reply

# Known to everybody: these services are toys that listen on their own machine only.
USER, PASSWORD = "shop", "demo-secret"
BOT = "123456789:demo-secret_demo-secret_demo-secret"


@dataclass(frozen=True)
class Notice:
    """One message that a service took."""

    service: str
    to: str
    title: str
    text: str


class AppriseServer(Platform[Notice]):
    """Four services in one; see `Platform` for how it is used.

    ntfy is at `/`, the JSON service at `/json/ADDRESS`, the Bot API at `/botTOKEN/METHOD`, the robot
    at `/robot/send`.
    Knobs besides: `shut`: addresses that are refused, as each service says it; `unknown`: chats that Telegram does not
    know; `fail_next(status, times)` answers a status; `says_no(code)` lets DingTalk answer 200 and a code.
    """

    name = "apprise"

    def __init__(self, *, port: int = 0, user: str = USER, password: str = PASSWORD, bot: str = BOT) -> None:
        self.user, self.password, self.bot = user, password, bot
        self.shut: set[str] = set()
        self.unknown: set[str] = set()
        self.asked: list[Asked] = []
        self._statuses: list[int] = []
        self._codes: list[int] = []
        super().__init__(port=port)

    def fail_next(self, status: int, times: int = 1) -> None:
        """The next `times` messages are answered with this HTTP status, and are not taken."""
        with self.lock:
            self._statuses.extend([status] * times)

    def says_no(self, code: int) -> None:
        """The robot does not take the next message, and says so by a code only: the status is 200."""
        with self.lock:
            self._codes.append(code)

    def heal(self) -> None:
        """It works as it should."""
        super().heal()
        with self.lock:
            self._statuses.clear()
            self._codes.clear()

    def sends(self, asked: Asked) -> bool:
        """Whether the request sends a message."""
        return asked.method == "POST"

    def answer(self, asked: Asked) -> Reply:
        """What the services say."""
        with self.lock:
            self.asked.append(asked)
            if asked.path.startswith("/bot"):
                return self._telegram(asked)
            if asked.path == "/robot/send":
                return self._robot(asked)
            if not self._known(asked):
                return _ntfy(40101, "unauthorized")
            if asked.path == "/v1/account":
                return Reply({"username": self.user, "role": "user"})
            body = asked.json()
            if asked.method != "POST" or body is None:
                return _ntfy(40401, "page not found")
            if asked.path.startswith("/json/"):
                to = asked.path.removeprefix("/json/").rstrip("/")
                return self._book(Notice("json", to, str(body["title"]), str(body["message"])))
            to, text = str(body.get("topic", "")), str(body.get("message", ""))
            if asked.path != "/" or not to:
                return _ntfy(40009, "invalid request: topic invalid")
            return self._book(Notice("ntfy", to, str(body.get("title", "")), text))

    def _known(self, asked: Asked) -> bool:
        key = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return asked.headers.get("authorization") == f"Basic {key}"

    def _telegram(self, asked: Asked) -> Reply:
        bot, _, method = asked.path.removeprefix("/bot").partition("/")
        if bot != self.bot:
            return _telegram(401, "Unauthorized")
        if method == "getMe":
            return Reply({"ok": True, "result": {"id": int(bot.partition(":")[0]), "is_bot": True}})
        body = asked.json() or {}
        to = str(body.get("chat_id", ""))
        if method != "sendMessage":
            return _telegram(404, "Not Found")
        if to in self.unknown:
            return _telegram(400, "Bad Request: chat not found")
        return self._book(Notice("telegram", to, "", str(body.get("text", ""))))

    def _robot(self, asked: Asked) -> Reply:
        body = asked.json() or {}
        code = self._codes.pop(0) if self._codes else 0
        if asked.query.get("access_token") != self.password.replace("-", ""):
            code = 300001
        if code:
            return Reply(
                {"errcode": code, "errmsg": "token is not exist" if code == 300001 else "as told to"}
            )
        return self._book(
            Notice("dingtalk", str(body["at"]["atMobiles"][0]), "", str(body["text"]["content"]))
        )

    def _book(self, notice: Notice) -> Reply:
        telegram = notice.service == "telegram"
        if self._statuses:
            status = self._statuses.pop(0)
            return _telegram(status, "as told to") if telegram else _ntfy(status * 100 + 1, "as told to")
        if notice.to in self.shut:
            if telegram:
                return _telegram(403, "Forbidden: bot was blocked by the user")
            return _ntfy(40301, "forbidden")
        name = notice.text.split()[-1]
        heard = self.take(name, notice)
        if notice.service == "dingtalk":
            return Reply({"errcode": 0, "errmsg": "ok"}, heard=heard)
        if telegram:
            return Reply({"ok": True, "result": {"message_id": len(self.messages())}}, heard=heard)
        return Reply({"id": f"m{len(self.messages())}", "event": "message", "topic": notice.to}, heard=heard)


def _ntfy(code: int, said: str) -> Reply:
    return Reply({"code": code, "http": code // 100, "error": said}, code // 100)


def _telegram(status: int, said: str) -> Reply:
    return Reply({"ok": False, "error_code": status, "description": said}, status)
