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
MOST_TAGS, MOST_NAME, MOST_OPENIDS, MOST_OF_ONE = 100, 30, 50, 20
LONGEST_CODE = 30 * 86_400
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c63f80f00010101001bb6ee560000000049454e44ae426082"
)
"""A picture of one point: what is scanned is not read here."""


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
        self.tags: dict[int, str] = {}
        self.followers: dict[str, set[int]] = {}
        """Who follows the account, with the ids of their tags."""
        self.qr_codes: dict[str, dict[str, Any]] = {}
        """What was asked for, by ticket."""
        self.menu: dict[str, Any] | None = None
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
        if asked.path == "/cgi-bin/showqrcode":
            known = asked.query.get("ticket") in self.qr_codes
            return Reply(PICTURE) if known else Reply({}, 404)
        if asked.path in _ANSWERS:
            return Reply(self._managed(asked))
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

    # codes, menus, tags

    def _managed(self, asked: Asked) -> dict[str, Any]:
        body = asked.json() if asked.method == "POST" else dict(asked.query)
        with self.lock:
            if not self._token or asked.query.get("access_token") != self._token:
                return _error(40001, "invalid credential, access_token is invalid or not latest")
            if self.clock() >= self._token_until:
                return _error(42001, "access_token expired")
            return _error(47001, "data format error") if body is None else _ANSWERS[asked.path](self, body)

    def _make_code(self, body: dict[str, Any]) -> dict[str, Any]:
        action, scene = (
            body.get("action_name"),
            ((body.get("action_info") or {}).get("scene") or {}).get("scene_str"),
        )
        if (
            action not in ("QR_STR_SCENE", "QR_LIMIT_STR_SCENE")
            or not scene
            or not 1 <= len(str(scene)) <= 64
        ):
            return _error(40053, "invalid action info")
        lasts = int(body.get("expire_seconds", 60)) if action == "QR_STR_SCENE" else 0
        if not 0 <= lasts <= LONGEST_CODE:
            return _error(40052, "invalid action name")
        ticket = f"ticket-{len(self.qr_codes) + 1}"
        self.qr_codes[ticket] = body
        more = {"expire_seconds": lasts} if lasts else {}
        return {"ticket": ticket, "url": f"http://weixin.example/q/{ticket}", **more}

    def _make_menu(self, body: dict[str, Any]) -> dict[str, Any]:
        buttons = body.get("button")
        if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
            return _error(40016, "invalid button size")
        for button in buttons:
            inner = button.get("sub_button") or []
            if len(inner) > 5 or len(str(button.get("name", "")).encode()) > 16:
                return _error(40018, "invalid button name size")
            if any(len(str(one.get("name", "")).encode()) > 60 for one in inner):
                return _error(40024, "invalid sub button name size")
        self.menu = body
        return _error(0, "ok")

    def _show_menu(self, _body: dict[str, Any]) -> dict[str, Any]:
        if self.menu is None:
            return {"is_menu_open": 0}
        shown = [
            {**button, "sub_button": {"list": button["sub_button"]}} if button.get("sub_button") else button
            for button in self.menu["button"]
        ]
        return {"is_menu_open": 1, "selfmenu_info": {"button": shown}}

    def _list_tags(self, _body: dict[str, Any]) -> dict[str, Any]:
        counts = Counter(tag for tags in self.followers.values() for tag in tags)
        return {"tags": [{"id": tag, "name": name, "count": counts[tag]} for tag, name in self.tags.items()]}

    def _make_tag(self, body: dict[str, Any]) -> dict[str, Any]:
        name = str((body.get("tag") or {}).get("name", ""))
        if not name or len(name.encode()) > MOST_NAME:
            return _error(45158, "tag name is too long")
        if name in self.tags.values():
            return _error(45157, "tag name exists")
        if len(self.tags) >= MOST_TAGS:
            return _error(45056, "too many tags")
        tag = 100 + len(self.tags)
        self.tags[tag] = name
        return {"tag": {"id": tag, "name": name}}

    def _tag_members(self, body: dict[str, Any], *, on: bool) -> dict[str, Any]:
        openids, tag = body.get("openid_list") or [], body.get("tagid")
        if not 1 <= len(openids) <= MOST_OPENIDS:
            return _error(40032, "invalid openid list size")
        if tag not in self.tags:
            return _error(45159, "invalid tag")
        if set(openids) - set(self.followers):
            return _error(40003, "invalid openid")
        if on and any(len(self.followers[one] | {tag}) > MOST_OF_ONE for one in openids):
            return _error(45059, "too many tags of one follower")
        for one in openids:
            self.followers[one].add(tag) if on else self.followers[one].discard(tag)
        return _error(0, "ok")

    def _tagged(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._openids(
            [one for one, tags in self.followers.items() if body.get("tagid") in tags],
            str(body.get("next_openid", "")),
        )

    def _following(self, body: dict[str, Any]) -> dict[str, Any]:
        return self._openids(list(self.followers), str(body.get("next_openid", "")))

    def _openids(self, openids: list[str], after: str) -> dict[str, Any]:
        ordered = sorted(openids)
        shown = [one for one in ordered if one > after][:10_000]
        return {
            "total": len(ordered), "count": len(shown),
            **({"data": {"openid": shown}} if shown else {}), "next_openid": shown[-1] if shown else "",
        }  # fmt: skip

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


_ANSWERS: dict[str, Callable[[WechatServer, dict[str, Any]], dict[str, Any]]] = {
    "/cgi-bin/qrcode/create": WechatServer._make_code,
    "/cgi-bin/menu/create": WechatServer._make_menu,
    "/cgi-bin/get_current_selfmenu_info": WechatServer._show_menu,
    "/cgi-bin/tags/get": WechatServer._list_tags,
    "/cgi-bin/tags/create": WechatServer._make_tag,
    "/cgi-bin/tags/members/batchtagging": lambda server, body: server._tag_members(body, on=True),
    "/cgi-bin/tags/members/batchuntagging": lambda server, body: server._tag_members(body, on=False),
    "/cgi-bin/user/tag/get": WechatServer._tagged,
    "/cgi-bin/user/get": WechatServer._following,
}
