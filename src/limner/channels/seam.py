"""The seam to a channel: a Message goes out, a Receipt comes back. Knows no campaign, person or consent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from limner.errors import ChannelError


class Outcome(StrEnum):
    """What became of one message.

    ACCEPTED: the channel took it. FAILED: it never will. DEFERRED: it did not now, another try may succeed.
    IN_DOUBT: nobody knows whether it took it, so nothing may send it again by itself.
    """

    ACCEPTED = "accepted"
    FAILED = "failed"
    DEFERRED = "deferred"
    IN_DOUBT = "in_doubt"


@dataclass(frozen=True)
class Message:
    """One message to one address.

    `message_id`: at most 32 of [0-9a-z], the same on every attempt. E-mail uses `subject`, `text`, `html`
    and `headers`; WeChat and mini-programs `template_id`, `data` (key → text) and `url`; SMS `sign` (the signature),
    `template_id`, `data` and, for people to see, `text`; push `subject`, `text` and `url`; Apprise
    `subject` and `text`.
    """

    message_id: str
    to: str
    subject: str = ""
    text: str = ""
    html: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    template_id: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    sign: str = ""
    message_class: str = "service"


@dataclass(frozen=True)
class Receipt:
    """The channel's answer to one message; `reason` is for people, `provider_id` the channel's own id.

    `gone`: the address takes no message any more (unknown mailbox, the person refused): suppress it.
    """

    message_id: str
    outcome: Outcome
    reason: str = ""
    provider_id: str = ""
    gone: bool = False


class Unavailable(ChannelError):
    """The channel cannot be used now; the message was certainly not handed over.

    `code`: `smtp_timeout`, `channel_unreachable`, `rate_limited`, or `channel_down` when only a person can
    mend it (a wrong password). `until`: when to try again, where the channel says so.
    """

    code = "channel_unreachable"

    def __init__(
        self, message: str, *, code: str | None = None, hint: str | None = None, until: datetime | None = None
    ) -> None:
        super().__init__(message, code=code, hint=hint)
        self.until = until


class Channel(Protocol):
    """One way to reach people. Used by one thread at a time."""

    @property
    def kind(self) -> str:
        """The word that campaigns and consents use; see `kinds`."""

    def send(self, message: Message) -> Receipt:
        """What became of the message. Raises Unavailable when it was certainly not handed over."""

    def check(self) -> str:
        """What the other side said when it let us in; no message is sent. Raises Unavailable."""

    def close(self) -> None:
        """Lets go of connections; a later `send` opens them again."""
