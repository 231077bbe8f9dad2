"""What the lender's customers got, read from the three local platforms: who, by which channel, about which product."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import TypeVar

import numpy as np

from limner.demo.lender import CHANNELS, TITLES
from limner.demo.mail_server import Mail, MailServer
from limner.demo.sms_server import Short, SmsServer
from limner.demo.wechat_server import Template, WechatServer

EMAIL, SMS, WECHAT = range(len(CHANNELS))
Taken = TypeVar("Taken", Mail, Short, Template)
_CLICK = re.compile(r'href="([^"]+/c/[^"]+)"')


@dataclass(frozen=True)
class Received:
    """One message as somebody reads it. `channel`, `product`: into CHANNELS and PRODUCTS; `link`: where it leads."""

    message_id: str
    person: int
    channel: int
    product: int
    link: str


class Inbox:
    """Everybody's messages. `take` answers with those that came since it was last asked."""

    def __init__(self, mail: MailServer, sms: SmsServer, wechat: WechatServer) -> None:
        self._mail, self._sms, self._wechat = mail, sms, wechat
        self._read = [0, 0, 0]
        self.taken: list[Received] = []
        self.hours: list[int] = []

    def take(self, *, hour: int) -> list[Received]:
        """What came since the last time, in this hour of the day."""
        found = [*self._mails(), *self._shorts(), *self._templates()]
        self.taken += found
        self.hours += [hour] * len(found)
        return found

    def columns(self) -> Got:
        """Everything that came so far."""
        return columns(self.taken, self.hours)

    @property
    def twice(self) -> list[str]:
        """Message ids that a platform took more than once."""
        return [*self._mail.twice, *self._sms.twice, *self._wechat.twice]

    def _mails(self) -> Iterator[Received]:
        for mail in self._new(EMAIL, self._mail.messages()):
            html = mail.html
            link = _CLICK.search(html)
            yield Received(
                mail.message_id.partition("@")[0],
                int(mail.to[1:7]),
                EMAIL,
                _product(html),
                unescape(link[1]) if link else "",
            )

    def _shorts(self) -> Iterator[Received]:
        for short in self._new(SMS, self._sms.messages()):
            product = _product(short.values["product"])
            yield Received(short.out_id, int(short.to[-8:]), SMS, product, short.values["link"])

    def _templates(self) -> Iterator[Received]:
        for shown in self._new(WECHAT, self._wechat.messages()):
            product = _product(shown.data["keyword1"])
            yield Received(shown.client_msg_id, int(shown.to[1:]), WECHAT, product, shown.url)

    def _new(self, channel: int, taken: list[Taken]) -> list[Taken]:
        found = taken[self._read[channel] :]
        self._read[channel] = len(taken)
        return found


@dataclass(frozen=True)
class Got:
    """Messages as columns: who got them, by what, about what, and in which hour of the day."""

    person: np.ndarray
    channel: np.ndarray
    product: np.ndarray
    hour: np.ndarray

    def part(self, chosen: np.ndarray) -> Got:
        """Only the chosen ones."""
        return Got(self.person[chosen], self.channel[chosen], self.product[chosen], self.hour[chosen])

    def __len__(self) -> int:
        return len(self.person)


def columns(rows: Sequence[Received], hours: Sequence[int]) -> Got:
    """Messages as columns, each with the hour in which it came."""
    person, channel, product = (
        np.array([getattr(row, name) for row in rows], dtype=np.int64)
        for name in ("person", "channel", "product")
    )
    return Got(person, channel, product, np.array(hours, dtype=np.int64))


def _product(text: str) -> int:
    """Which product the text is about."""
    (found,) = [number for number, title in enumerate(TITLES) if title in text]
    return found
