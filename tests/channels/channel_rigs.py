"""Rigs: each real channel with a real local server of its kind."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from limner.channels.apprise import Apprise
from limner.channels.http import Http
from limner.channels.push import Push
from limner.channels.seam import Message
from limner.channels.sms import Sms
from limner.channels.smtp import Smtp
from limner.channels.webhook import networks
from limner.channels.wechat import Miniprogram, Wechat
from limner.channels.wecom import Place, Wecom
from limner.demo.apprise_server import AppriseServer
from limner.demo.mail_server import MailServer
from limner.demo.platform import Platform
from limner.demo.push_server import PushServer
from limner.demo.sms_server import SmsServer
from limner.demo.wechat_server import WechatServer
from limner.demo.wecom_server import WecomServer

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
ALWAYS = 1_000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MailRig:
    """E-mail. A password is asked for, so that it may be wrong."""

    tries = 1

    def __init__(self, *, patience: float = 5.0) -> None:
        self.server = MailServer(password=("shop", "right")).start()
        self.patience = patience
        self.channel = Smtp(
            host=self.server.host,
            port=self.server.port,
            sender="Shop 商店 <shop@example.com>",
            clock=lambda: NOW,
            username="shop",
            password="right",
            timeout_seconds=patience,
        )

    def end(self) -> None:
        self.channel.close()
        self.server.stop()

    def address(self, number: int) -> str:
        return f"p{number:06d}@example.com"

    def message(self, message_id: str) -> Message:
        return Message(message_id, "ann@example.com", subject="优惠", text="你好", html="<p>你好</p>")

    def received(self) -> Mapping[str, int]:
        return {name.partition("@")[0]: count for name, count in self.server.counts.items()}

    def text_of(self, message_id: str) -> str:
        return next(m.text for m in self.server.messages() if m.message_id.startswith(message_id + "@"))

    def arrived_at(self) -> Mapping[str, str]:
        return {m.message_id.partition("@")[0]: m.to for m in self.server.messages()}

    def refuse(self) -> None:
        self.refuse_these({"ann@example.com"})

    def refuse_these(self, addresses: set[str]) -> None:
        self.server.answer_to = lambda address: "550 5.1.1 no such mailbox" if address in addresses else None

    def busy(self) -> None:
        self.server.answer_data = lambda: "451 4.3.0 try later"

    def limit(self) -> bool:
        self.server.answer_to = lambda _address: "450 4.7.1 too many messages"
        return False

    def break_down(self) -> None:
        self.server.answer_data = lambda: "421 4.3.2 shutting down"

    def lose_answers(self, times: int = ALWAYS) -> None:
        self.server.drop_after_data(times)

    def drop(self, times: int = ALWAYS) -> None:
        self.server.drop_at_data(times)

    def hang(self) -> None:
        self.channel.close()
        self.server.tarpit()

    def drip(self) -> None:
        self.channel.close()
        self.server.drip()

    def lock_out(self) -> None:
        self.channel._password = "guess"

    def expire(self) -> bool:
        return False

    def vanish(self) -> None:
        self.channel.close()
        self.channel.port = free_port()

    def heal(self) -> None:
        self.server.heal()
        self.channel.port = self.server.port
        self.channel._password = "right"


class HttpRig:
    """What the rigs of platforms with an HTTP API have in common."""

    server: Any
    channel: Any
    secret = "demo-secret"

    def end(self) -> None:
        self.channel.close()
        self.server.stop()

    @property
    def platform(self) -> Platform[Any]:
        """The server as what all of them are."""
        found: Platform[Any] = self.server
        return found

    def received(self) -> Mapping[str, int]:
        return dict(self.platform.counts)

    def limit(self) -> bool:
        self.platform.fail(429, ALWAYS, retry_after="120")
        return True

    def break_down(self) -> None:
        self.platform.fail(500, ALWAYS)

    def lose_answers(self, times: int = ALWAYS) -> None:
        self.platform.lose_answers(times)

    def drop(self, times: int = ALWAYS) -> None:
        self.platform.drop(times)

    def hang(self) -> None:
        self.platform.hang(ALWAYS)

    def drip(self) -> None:
        self.platform.drip(ALWAYS)

    def lock_out(self) -> None:
        self.channel._secret = "guess"
        if hasattr(self.channel, "_token"):
            self.channel._token = ""

    def expire(self) -> bool:
        if not hasattr(self.server, "expire_tokens"):
            return False
        self.server.expire_tokens()
        return True

    def vanish(self) -> None:
        self._at(f"http://127.0.0.1:{free_port()}")

    def heal(self) -> None:
        self.platform.heal()
        self.channel._secret = self.secret
        self._at(self.platform.url)

    def _at(self, url: str) -> None:
        there = self.channel._http
        port = url.rpartition(":")[2]
        if str(there._port) != port:
            there.close()
            moved = Http(url, seconds=there._seconds)
            moved._path = there._path
            self.channel._http = moved


class WechatRig(HttpRig):
    """Template messages of an official account."""

    tries = 3

    def __init__(self, *, patience: float = 5.0) -> None:
        self.server = WechatServer().start()
        self.patience = patience
        self.channel = Wechat(
            api=self.server.url,
            app_id=self.server.app_id,
            secret=self.server.secret,
            clock=lambda: NOW,
            timeout_seconds=patience,
        )

    def address(self, number: int) -> str:
        return f"openid-{number:06d}"

    def message(self, message_id: str) -> Message:
        return Message(message_id, "openid-ann", template_id="T1", data={"thing1": "你好"})

    def text_of(self, message_id: str) -> str:
        return next(m.data["thing1"] for m in self.server.messages() if m.client_msg_id == message_id)

    def arrived_at(self) -> Mapping[str, str]:
        return {m.client_msg_id: m.to for m in self.server.messages()}

    def refuse(self) -> None:
        self.refuse_these({"openid-ann"})

    def refuse_these(self, addresses: set[str]) -> None:
        self.server.invalid = addresses

    def busy(self) -> None:
        self.server.fail_next(-1)

    def heal(self) -> None:
        super().heal()
        self.server.invalid = set()


class MiniprogramRig(WechatRig):
    """Subscribe messages of a mini-program: what tells them apart is in their data."""

    tries = 1

    def __init__(self, *, patience: float = 5.0) -> None:
        super().__init__(patience=patience)
        self.channel = Miniprogram(
            api=self.server.url,
            app_id=self.server.app_id,
            secret=self.server.secret,
            clock=lambda: NOW,
            timeout_seconds=patience,
        )

    def message(self, message_id: str) -> Message:
        data = {"thing1": "你好", "character_string2": message_id}
        return Message(message_id, "openid-ann", template_id="T1", data=data, url="pages/index")

    def received(self) -> Mapping[str, int]:
        return Counter(m.data["character_string2"] for m in self.server.messages())

    def text_of(self, message_id: str) -> str:
        return next(
            m.data["thing1"] for m in self.server.messages() if m.data["character_string2"] == message_id
        )

    def arrived_at(self) -> Mapping[str, str]:
        return {m.data["character_string2"]: m.to for m in self.server.messages()}


class SmsRig(HttpRig):
    """Text messages."""

    tries = 1

    def __init__(self, *, patience: float = 5.0) -> None:
        self.server = SmsServer().start()
        self.patience = patience
        self.channel = Sms(
            api=self.server.url,
            access_key=self.server.access_key,
            secret=self.server.secret,
            clock=lambda: NOW,
            timeout_seconds=patience,
        )

    def address(self, number: int) -> str:
        return f"138{number:08d}"

    def message(self, message_id: str) -> Message:
        return Message(
            message_id, "+86 138 0013 8000", sign="示例商店", template_id="SMS_1", data={"name": "你好"}
        )

    def text_of(self, message_id: str) -> str:
        return next(
            json.dumps(m.values, ensure_ascii=False) for m in self.server.messages() if m.out_id == message_id
        )

    def arrived_at(self) -> Mapping[str, str]:
        return {m.out_id: m.to for m in self.server.messages()}

    def refuse(self) -> None:
        self.refuse_these({"13800138000"})

    def refuse_these(self, addresses: set[str]) -> None:
        self.server.invalid = addresses

    def busy(self) -> None:
        self.server.fail_next("isv.BUSINESS_LIMIT_CONTROL")

    def heal(self) -> None:
        super().heal()
        self.server.invalid = set()


class PushRig(HttpRig):
    """App push."""

    tries = 3

    def __init__(self, *, patience: float = 5.0) -> None:
        self.server = PushServer().start()
        self.patience = patience
        self.channel = Push(
            api=self.server.url,
            app_id=self.server.app_id,
            app_key=self.server.app_key,
            secret=self.server.secret,
            clock=lambda: NOW,
            timeout_seconds=patience,
        )

    def address(self, number: int) -> str:
        return f"{number:032x}"

    def message(self, message_id: str) -> Message:
        return Message(message_id, "c" * 32, subject="优惠", text="你好", url="https://shop.example/sale")

    def text_of(self, message_id: str) -> str:
        return next(m.body for m in self.server.messages() if m.request_id == message_id)

    def arrived_at(self) -> Mapping[str, str]:
        return {m.request_id: m.to for m in self.server.messages()}

    def refuse(self) -> None:
        self.refuse_these({"c" * 32})

    def refuse_these(self, addresses: set[str]) -> None:
        self.server.unknown = addresses

    def busy(self) -> None:
        self.server.fail_next(2)

    def heal(self) -> None:
        super().heal()
        self.server.unknown = set()


class WecomRig(HttpRig):
    """Messages that staff send at once when they are asked to: what tells them apart is in their text."""

    tries = 1

    def __init__(self, *, patience: float = 5.0) -> None:
        self.server = WecomServer().start()
        self.server.confirms = True
        self.server.add_customer("wm-ann", "wei")
        self.patience = patience
        self.channel = Wecom(
            api=self.server.url,
            corp_id=self.server.corp_id,
            secret=self.server.secret,
            clock=lambda: NOW,
            places=lambda _sort, messages: {one.message_id: Place("wei") for one in messages},
            timeout_seconds=patience,
        )

    def address(self, number: int) -> str:
        customer = f"wm{number:06d}"
        self.server.add_customer(customer, "wei")
        return customer

    same = False
    """Whether everybody gets the same words, so that the book knows people only."""

    def message(self, message_id: str) -> Message:
        text = "你好" if self.same else f"你好 {message_id}"
        return Message(message_id, "wm-ann", text=text, data={"as": "customer"})

    def received(self) -> Mapping[str, int]:
        return Counter(one.to if self.same else one.text.split()[1] for one in self.server.messages())

    def text_of(self, message_id: str) -> str:
        return next(one.text for one in self.server.messages() if one.text.endswith(message_id))

    def arrived_at(self) -> Mapping[str, str]:
        return {one.to if self.same else one.text.split()[1]: one.to for one in self.server.messages()}

    def refuse(self) -> None:
        self.refuse_these({"wm-ann"})

    def refuse_these(self, addresses: set[str]) -> None:
        self.server.unreachable = addresses

    def busy(self) -> None:
        self.server.fail_next(-1)

    def lock_out(self) -> None:
        self.channel.api.query["corpsecret"] = "guess"
        self.channel.api.token = ""

    def heal(self) -> None:
        self.platform.heal()
        self.server.unreachable = set()
        self.channel.api.query["corpsecret"] = self.secret
        self._at(self.platform.url)

    def _at(self, url: str) -> None:
        there = self.channel.api.http
        if str(there._port) != url.rpartition(":")[2]:
            there.close()
            self.channel.api.http = Http(url, seconds=self.patience)


class AppriseRig(HttpRig):
    """Messages by Apprise to an ntfy: what tells them apart is in their text."""

    tries = 1
    place = "ntfy://{key}{at}/{{address}}"

    def __init__(self, *, patience: float = 5.0) -> None:
        self.server = AppriseServer().start()
        self.patience = patience
        self._password = self.server.password
        self._port = self.server.port
        self.channel = self._made()

    def _made(self) -> Apprise:
        key = f"{self.server.user}:{self._password}@"
        url = self.place.format(key=key, at=f"127.0.0.1:{self._port}", bot=self.server.bot)
        return Apprise(
            url=url, clock=lambda: NOW, allowed=networks(["127.0.0.1"]), timeout_seconds=self.patience
        )

    def address(self, number: int) -> str:
        return f"p{number:06d}"

    def message(self, message_id: str) -> Message:
        return Message(message_id, "ann", subject="优惠", text=f"你好 {message_id}")

    def text_of(self, message_id: str) -> str:
        return next(m.text for m in self.server.messages() if m.text.endswith(message_id))

    def arrived_at(self) -> Mapping[str, str]:
        return {m.text.split()[1]: m.to for m in self.server.messages()}

    def refuse(self) -> None:
        self.refuse_these({"ann"})

    def refuse_these(self, addresses: set[str]) -> None:
        self.server.shut = addresses

    def busy(self) -> None:
        self.server.fail_next(425)

    def lock_out(self) -> None:
        self._password = "guess"
        self._anew()

    def vanish(self) -> None:
        self._port = free_port()
        self._anew()

    def heal(self) -> None:
        self.platform.heal()
        self.server.shut = set()
        if (self._password, self._port) != (self.server.password, self.server.port):
            self._password, self._port = self.server.password, self.server.port
            self._anew()

    def _anew(self) -> None:
        self.channel.close()
        self.channel = self._made()


Rigs = MailRig | WechatRig | MiniprogramRig | SmsRig | PushRig | WecomRig | AppriseRig

RIGS: Mapping[str, type[Rigs]] = {
    "email": MailRig,
    "wechat": WechatRig,
    "miniprogram": MiniprogramRig,
    "sms": SmsRig,
    "push": PushRig,
    "wecom": WecomRig,
    "apprise": AppriseRig,
}
