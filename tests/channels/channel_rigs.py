"""Rigs: each real channel with a real local server of its kind."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import UTC, datetime

from limner.channels.seam import Message
from limner.channels.smtp import Smtp
from limner.channels.wechat import Wechat
from limner.demo.mail_server import MailServer
from limner.demo.wechat_server import WechatServer

OPENED: list[Smtp | Wechat] = []
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MailRig:
    def __init__(self, server: MailServer, *, timeout_seconds: float = 5.0) -> None:
        self.server = server
        self.channel = Smtp(
            host=server.host,
            port=server.port,
            sender="Shop 商店 <shop@example.com>",
            clock=lambda: NOW,
            timeout_seconds=timeout_seconds,
        )
        OPENED.append(self.channel)

    def message(self, message_id: str) -> Message:
        return Message(message_id, "ann@example.com", subject="优惠", text="你好", html="<p>你好</p>")

    def received(self) -> Mapping[str, int]:
        return {name.partition("@")[0]: count for name, count in self.server.counts.items()}

    def text_of(self, message_id: str) -> str:
        return next(m.text for m in self.server.messages() if m.message_id.startswith(message_id + "@"))

    def refuse(self) -> None:
        self.server.answer_to = lambda _address: "550 5.1.1 no such mailbox"

    def busy(self) -> None:
        self.server.answer_data = lambda: "451 4.3.0 try later"

    def lose_answers(self) -> None:
        self.server.drop_after_data(1)

    def vanish(self) -> None:
        self.channel.close()
        self.channel.port = free_port()

    def heal(self) -> None:
        self.server.answer_to = lambda _address: None
        self.server.answer_data = lambda: None
        self.server.drop_after_data(0)
        self.channel.port = self.server.port


class WechatRig:
    def __init__(self, server: WechatServer, *, timeout_seconds: float = 5.0) -> None:
        self.server = server
        self.channel = Wechat(
            api=server.url,
            app_id=server.app_id,
            secret=server.secret,
            clock=lambda: NOW,
            timeout_seconds=timeout_seconds,
        )
        OPENED.append(self.channel)

    def message(self, message_id: str) -> Message:
        return Message(message_id, "openid-ann", template_id="T1", data={"thing1": "你好"})

    def received(self) -> Mapping[str, int]:
        return dict(self.server.counts)

    def text_of(self, message_id: str) -> str:
        return next(m.data["thing1"] for m in self.server.messages() if m.client_msg_id == message_id)

    def refuse(self) -> None:
        self.server.invalid.add("openid-ann")

    def busy(self) -> None:
        self.server.fail_next(-1)

    def lose_answers(self) -> None:
        self.server.lose_answers(1)

    def vanish(self) -> None:
        self.channel._http.base_url = f"http://127.0.0.1:{free_port()}"
        self.channel._token = ""

    def heal(self) -> None:
        self.server.invalid.clear()
        self.server.lose_answers(0)
        self.channel._http.base_url = self.server.url
