"""What a campaign is. Frozen nouns without logic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from limner.channels.kinds import KINDS
from limner.consents.model import MARKETING

EMAIL = "email"
CHANNELS = tuple(KINDS)


@dataclass(frozen=True)
class Goal:
    """What the campaign is for: this event, where this holds, within this time of the start.

    `money`: the event property that is earned; '' when only conversions count.
    """

    event: str
    where: str = ""
    money: str = ""
    within: timedelta = timedelta(days=14)


@dataclass(frozen=True)
class Cap:
    """At most so many messages of one class, of every campaign together, to one person in so much time."""

    messages: int
    per: timedelta


@dataclass(frozen=True)
class Quiet:
    """No message from `start` until `end` on the person's clock; it may pass midnight."""

    start: time
    end: time


@dataclass(frozen=True)
class Hold:
    """When a send holds itself: a tag behind its audience is older than this, or the audience's size moved by more than
    this share. None: that is not asked."""

    older: timedelta | None = None
    moved: float | None = None


@dataclass(frozen=True)
class Variant:
    """Another text for those for whom `when` is true; the first that is true counts."""

    name: str
    when: str
    template: str
    subject: str = ""
    text: str = ""


@dataclass(frozen=True)
class Campaign:
    """One campaign as its file defines it; `definition` is the file's own text."""

    name: str
    title: Mapping[str, str]
    audience: str
    channel: str
    template: str
    subject: str = ""
    text: str = ""
    subject_prefix: str = ""
    message_class: str = MARKETING
    holdout: float = 0.1
    goal: Goal | None = None
    cap: Cap | None = None
    quiet: Quiet | None = None
    schedule: str = ""
    hold: Hold | None = None
    sender: str = ""
    seed: str = ""
    owner: str = ""
    why: str = ""
    variants: tuple[Variant, ...] = ()
    definition: str = field(default="", compare=False)
