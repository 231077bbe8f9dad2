"""The kinds of channels that there are: the one list that campaigns, consents, settings and pages go by. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

ChannelKind = Literal["email", "wechat", "sms", "push", "miniprogram", "wecom", "apprise"]
"""The words of `KINDS`, for shapes that are checked."""

_NO_DIGIT = re.compile(r"[\s().-]")
_CHINESE = re.compile(r"(?:\+86|0086|86)?(1\d{10})")


def phone(text: str) -> str:
    """The one spelling of a phone number: a Chinese mobile number has 11 digits, others begin with a plus sign."""
    bare = _NO_DIGIT.sub("", text)
    chinese = _CHINESE.fullmatch(bare)
    if chinese is not None:
        return chinese[1]
    return f"+{bare[2:]}" if bare.startswith("00") else bare


@dataclass(frozen=True)
class Kind:
    """What is true of every channel of a kind, whoever runs it.

    `address`: the attribute or identifier of a person that is the address, unless the settings name another.
    `spelling`: the one spelling of an address, under which consents are kept. `template`: the endings of its templates'
    files. `permits`: each message uses up a permission that the person gave before. `confirmed`: what was handed over
    leaves only when a member of staff lets it go, so what became of it is asked for later.
    """

    address: str
    spelling: Callable[[str], str] = str
    template: tuple[str, ...] = (".yml",)
    permits: bool = False
    confirmed: bool = False


KINDS: Mapping[str, Kind] = {
    "email": Kind("email", str.lower, (".html", ".txt", ".mjml")),
    "wechat": Kind("openid"),
    "sms": Kind("phone", phone),
    "push": Kind("cid"),
    "miniprogram": Kind("mini_openid", permits=True),
    "wecom": Kind("external_userid", confirmed=True),
    "apprise": Kind("chat_id"),
}
