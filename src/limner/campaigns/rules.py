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
class Policy:
    """The rules of a workspace. Quiet hours and holidays hold for the classes of `quiet_for`.

    `costs`: what a message costs, in 1/10,000 of the currency unit, by channel and class; `priority`: names of
    campaigns and journeys, the first goes first; who is not named comes after them all.
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

    def cost(self, channel: str, message_class: str) -> int:
        """What one message costs, in 1/10,000 of the currency unit; 0 when nothing is said."""
        return self.costs.get((channel, message_class), 0)

    def above(self, name: str) -> tuple[str, ...]:
        """Who has priority over the campaign or journey of this name, the first of them first."""
        if name in self.priority:
            return self.priority[: self.priority.index(name)]
        return self.priority


NO_POLICY = Policy()
"""A workspace without a policy of its own."""
