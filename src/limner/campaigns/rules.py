"""What a workspace's policy is: the rules that hold for every campaign and journey. Frozen nouns without effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from limner.campaigns.model import Hold, Quiet
from limner.consents.model import MARKETING


@dataclass(frozen=True)
class Limit:
    """At most so many messages to one person in so much time.

    Counted are those of the class, by the channel, of the one campaign or journey; '' is all of them. `apart`: each
    campaign and journey is counted by itself.
    """

    messages: int
    per: timedelta
    message_class: str = ""
    channel: str = ""
    of: str = ""
    apart: bool = False


@dataclass(frozen=True)
class Days:
    """From the first day to the last, both within, on the person's calendar."""

    first: date
    last: date


@dataclass(frozen=True)
class Budget:
    """At most so much money, in 1/10,000 of the currency unit.

    `of`: one campaign or journey, '' all of them; `monthly`: in each month on the workspace's calendar, else in all.
    """

    most: int
    of: str = ""
    monthly: bool = False


@dataclass(frozen=True)
class Harm:
    """When a send stops itself: of those it was sent to surely more than this share unsubscribed or complained, or it
    surely changes conversions by less than `effect`. None: that is not asked. `least`: of fewer nothing is judged.
    """

    unsubscribed: float | None = None
    complained: float | None = None
    least: int = 100
    effect: float | None = None


@dataclass(frozen=True)
class GlobalHoldout:
    """So many of all people get no message of marketing, so that all of them together can be measured since a day.

    Who is in it is drawn by `seed` and the person's id alone.
    """

    share: float
    since: date
    seed: str = "everything"


@dataclass(frozen=True)
class Hours:
    """How the hour at which somebody is best written to is found.

    `events`: what counts as being there, none: whatever people do; `half_life`: after so long it counts half, after
    four times that nothing; `least`: with fewer observations the segment's habit counts, then everybody's; `prior`: so
    many observations the others' habit weighs; `band`: hours in a band; `segment`: the tag that cuts the segments.
    """

    events: tuple[str, ...] = ()
    half_life: timedelta = timedelta(days=60)
    least: int = 10
    prior: int = 10
    band: int = 2
    segment: str = ""


@dataclass(frozen=True)
class Response:
    """What an answer to a message is: a click, a reply or the goal's event, `within` so long of the sending.

    Messages of the `last` so long count; the channel's own share weighs as `prior` messages of the person.
    """

    within: timedelta = timedelta(days=3)
    last: timedelta = timedelta(days=365)
    goal: str = ""
    prior: int = 20


@dataclass(frozen=True)
class WarmUp:
    """A sender that nobody knows yet sends little at first: so many messages on the day `since`, `grow` times as many
    each day after it. From the day on which that is more than `most` it is known, and sends as fast as it goes.
    """

    since: date
    first_day: int
    grow: float = 1.5
    most: int = 1_000_000

    def limit(self, day: date) -> int | None:
        """How many messages may leave on the day; None: any number."""
        days = (day - self.since).days
        if days < 0:
            return None
        allowed = float(self.first_day)
        for _ in range(days):
            allowed *= self.grow
            if allowed > self.most:
                return None
        return int(allowed)


@dataclass(frozen=True)
class Topic:
    """What people may want to hear no more about: the advertising of these campaigns and journeys."""

    name: str
    title: Mapping[str, str]
    of: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """The rules of a workspace. Quiet hours and holidays hold for the classes of `quiet_for`.

    `costs`: what a message costs, in 1/10,000 of the currency unit, by channel and class; `priority`: names of
    campaigns and journeys, the first goes first; who is not named comes after them all. `quotas`: how many messages of
    every campaign and journey leave by a channel in a day on the workspace's calendar; `warm_up`: by channel.
    """

    caps: tuple[Limit, ...] = ()
    quiet: Quiet | None = None
    holidays: tuple[Days, ...] = ()
    quiet_for: tuple[str, ...] = (MARKETING,)
    costs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()
    priority: tuple[str, ...] = ()
    hold: Hold = field(default_factory=Hold)
    harm: Harm = field(default_factory=Harm)
    holdout: GlobalHoldout | None = None
    quotas: Mapping[str, int] = field(default_factory=dict)
    hours: Hours = Hours()
    response: Response = Response()
    warm_up: Mapping[str, WarmUp] = field(default_factory=dict)
    topics: tuple[Topic, ...] = ()

    def cost(self, channel: str, message_class: str) -> int:
        """What one message costs, in 1/10,000 of the currency unit; 0 when nothing is said."""
        return self.costs.get((channel, message_class), 0)

    def topics_of(self, name: str) -> tuple[str, ...]:
        """The topics that the campaign or journey of this name belongs to."""
        return tuple(topic.name for topic in self.topics if name in topic.of)

    def above(self, name: str) -> tuple[str, ...]:
        """Who has priority over the campaign or journey of this name, the first of them first."""
        if name in self.priority:
            return self.priority[: self.priority.index(name)]
        return self.priority


NO_POLICY = Policy()
"""A workspace without a policy of its own."""
