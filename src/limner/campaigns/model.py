"""What a campaign is. Frozen nouns without logic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time, timedelta

from limner.channels.kinds import KINDS
from limner.consents.model import MARKETING
from limner.content.model import Ask

EMAIL = "email"
CHANNELS = tuple(KINDS)


@dataclass(frozen=True)
class Goal:
    """What the campaign is for: this event, where this holds, within this time of the start.

    `money`: the event property that is earned; '' when only conversions count. `metric`: the metric that says event,
    where and money, which are '' until it is looked up.
    """

    event: str
    where: str = ""
    money: str = ""
    within: timedelta = timedelta(days=14)
    metric: str = ""


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
    """Another text for those for whom `when` is true; the first that is true counts. '': for everybody else.

    `templates`: a file for each of several channels; one that is not there has the campaign's own.
    """

    name: str
    when: str
    template: str
    subject: str = ""
    text: str = ""
    templates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Campaign:
    """One campaign as its file defines it; `definition` is the file's own text. `scene`: which it belongs to, or ''.

    `channels`: those among which each person's best is chosen, each with its file in `templates`; `channel` is the
    first of them then. `best_hour`: it goes at each person's best hour within so long; None: at once.
    `response_value`: what an answer is worth, in 1/10,000 of the currency unit.
    """

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
    scene: str = ""
    picks: Mapping[str, Ask] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    templates: Mapping[str, str] = field(default_factory=dict)
    best_hour: timedelta | None = None
    response_value: int | None = None
    definition: str = field(default="", compare=False)


def best_of(channels: tuple[str, ...]) -> str:
    """As a file says that the best of several channels is chosen for each person."""
    return f"best of [{', '.join(channels)}]"


def channel_text(campaign: Campaign) -> str:
    """The campaign's channel as its file says it."""
    return best_of(campaign.channels) if campaign.channels else campaign.channel


def by_channel(campaign: Campaign, channel: str) -> Campaign:
    """The campaign as it is for those to whom it goes by this one of its channels."""
    if not campaign.channels:
        return campaign
    template = campaign.templates[channel]
    email = channel == EMAIL
    return replace(
        campaign,
        channel=channel,
        channels=(),
        templates={},
        template=template,
        subject=campaign.subject if email else "",
        text=campaign.text if email else "",
        variants=tuple(
            replace(one, template=one.templates.get(channel, template), templates={})
            for one in campaign.variants
        ),
    )


def files_of(template: str, templates: Mapping[str, str], variants: tuple[Variant, ...]) -> set[str]:
    """The templates that a message is made of, with its variants and for all its channels."""
    found = {template, *templates.values()}
    for one in variants:
        found |= {one.template, *one.templates.values()}
    return found - {""}
