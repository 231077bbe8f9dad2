"""What a journey is: who enters, the steps on the way, who leaves. Frozen nouns without effects.

A person stands at one step of a journey at a time. A step is looked at when it is due, and then sends the person one
of its ways; a way names the next step, or ends the journey.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from limner.campaigns.model import Cap, Goal, Hold, Quiet, Variant
from limner.consents.model import MARKETING
from limner.content.model import Ask

END = "end"
"""Where a way ends the journey; no step may have this name."""


@dataclass(frozen=True)
class Happening:
    """An event with a condition on it; '' holds of every one."""

    event: str
    where: str = ""


# Who enters


@dataclass(frozen=True)
class WhenDone:
    """Whoever does this, at the instant of the event."""

    happening: Happening


@dataclass(frozen=True)
class WhenMember:
    """Whoever enters an audience, or leaves it."""

    audience: str
    entering: bool


@dataclass(frozen=True)
class WhenDated:
    """Whoever has a date, so long before it (negative: after it), at a time of the person's own clock.

    `yearly`: every year again, as a birthday; the 29th of February is the 28th in other years.
    """

    value: str
    before: timedelta
    at: time
    yearly: bool


@dataclass(frozen=True)
class WhenDue:
    """Everybody in an audience, at each instant of a schedule on the workspace's clock."""

    schedule: str
    audience: str


Start = WhenDone | WhenMember | WhenDated | WhenDue


@dataclass(frozen=True)
class Again:
    """May somebody enter who has been in before? Never while in it; `after`: not before so long since entering."""

    ever: bool = False
    after: timedelta = timedelta(0)


# The steps


@dataclass(frozen=True)
class Way:
    """One way out of a step: its name, empty for the only one, and the step that it leads to."""

    name: str
    next: str


@dataclass(frozen=True)
class Wait:
    """For so long."""

    length: timedelta
    next: str


@dataclass(frozen=True)
class Until:
    """Until the next such time on the person's clock; `days`: 1 (Monday) to 7, none: any day."""

    at: time
    days: tuple[int, ...]
    next: str


@dataclass(frozen=True)
class WaitFor:
    """Until the person does this, at most so long; who did not goes the way `missed`."""

    happening: Happening
    at_most: timedelta
    next: str
    missed: str


@dataclass(frozen=True)
class Case:
    """Those of whom this is true go this way."""

    when: str
    next: str


@dataclass(frozen=True)
class Branch:
    """The first case that is true; nobody's case: `next`."""

    cases: tuple[Case, ...]
    next: str


@dataclass(frozen=True)
class Share:
    """So many of a hundred go this way."""

    name: str
    percent: float
    next: str


@dataclass(frozen=True)
class Split:
    """By lot. `sticky`: who comes again gets the lot of the first time."""

    shares: tuple[Share, ...]
    sticky: bool


@dataclass(frozen=True)
class Send:
    """A message, as a campaign has it; `useful`: it is not sent later than so long after it was due."""

    channel: str
    template: str
    next: str
    subject: str = ""
    text: str = ""
    subject_prefix: str = ""
    message_class: str = MARKETING
    cap: Cap | None = None
    quiet: Quiet | None = None
    sender: str = ""
    variants: tuple[Variant, ...] = ()
    picks: Mapping[str, Ask] = field(default_factory=dict)
    useful: timedelta | None = None
    channels: tuple[str, ...] = ()
    templates: Mapping[str, str] = field(default_factory=dict)
    best_hour: timedelta | None = None
    response_value: int | None = None


@dataclass(frozen=True)
class Give:
    """A value of a tag that is given by hand; None takes the given value back."""

    tag: str
    value: bool | str | int | float | None
    next: str


@dataclass(frozen=True)
class Task:
    """Something for a member of staff; `to`: a user's name, or '' for whoever owns the person."""

    text: str
    to: str
    within: timedelta | None
    next: str


@dataclass(frozen=True)
class Webhook:
    """A signed post to a URL, once for each person who comes; `data`: texts as templates have them, by key."""

    url: str
    data: Mapping[str, str]
    next: str


Step = Wait | Until | WaitFor | Branch | Split | Send | Give | Task | Webhook


@dataclass(frozen=True)
class Leave:
    """Who leaves the journey wherever they stand: whoever does this, or of whom this becomes true."""

    name: str
    happening: Happening | None = None
    when: str = ""


@dataclass(frozen=True)
class Journey:
    """One journey as its file defines it; `definition` is the file's own text. The first step is the first in order.

    `only`: who may enter, a condition. `play`: journeys of one play leave nobody in two of them: whoever enters one
    leaves the other. `scene`: which it belongs to, or ''. `moved`: where those go on who stand at a step of an earlier
    text that this one does not have.
    """

    name: str
    title: Mapping[str, str]
    start: Start
    steps: Mapping[str, Step]
    only: str = ""
    again: Again = Again()
    leaves: tuple[Leave, ...] = ()
    goal: Goal | None = None
    holdout: float = 0.1
    play: str = ""
    scene: str = ""
    hold: Hold | None = None
    seed: str = ""
    owner: str = ""
    why: str = ""
    moved: Mapping[str, str] = field(default_factory=dict)
    layout: Mapping[str, tuple[float, float]] = field(default_factory=dict, compare=False)
    definition: str = field(default="", compare=False)

    @property
    def first(self) -> str:
        """The step at which everybody begins."""
        return next(iter(self.steps), END)


def ways(step: Step) -> tuple[Way, ...]:
    """Every way out of a step, in the order of their codes."""
    match step:
        case WaitFor():
            return (Way("", step.next), Way("missed", step.missed))
        case Branch():
            cases = tuple(Way(str(number), case.next) for number, case in enumerate(step.cases, 1))
            return (*cases, Way("", step.next))
        case Split():
            return tuple(Way(share.name, share.next) for share in step.shares)
        case _:
            return (Way("", step.next),)


def audiences_of(journey: Journey) -> set[str]:
    """The audiences by which somebody enters."""
    match journey.start:
        case WhenMember(audience=name) | WhenDue(audience=name):
            return {name}
        case _:
            return set()


def conditions_of(journey: Journey) -> tuple[str, ...]:
    """Every condition on a person that decides who enters, goes which way, or leaves; and the date that is awaited."""
    asked = [journey.only, *(leave.when for leave in journey.leaves)]
    if isinstance(journey.start, WhenDated):
        asked.append(journey.start.value)
    for step in journey.steps.values():
        if isinstance(step, Branch):
            asked += [case.when for case in step.cases]
    return tuple(text for text in asked if text)


def happenings_of(journey: Journey) -> tuple[Happening, ...]:
    """What people do to enter, to go on, or to leave."""
    found = [leave.happening for leave in journey.leaves if leave.happening is not None]
    if isinstance(journey.start, WhenDone):
        found.append(journey.start.happening)
    found += [step.happening for step in journey.steps.values() if isinstance(step, WaitFor)]
    return tuple(found)


def sends_of(journey: Journey) -> tuple[Send, ...]:
    """Its messages."""
    return tuple(step for step in journey.steps.values() if isinstance(step, Send))


def gives_of(journey: Journey) -> set[str]:
    """The tags that it gives or takes."""
    return {step.tag for step in journey.steps.values() if isinstance(step, Give)}


def waits(step: Step) -> bool:
    """Whether time passes at the step."""
    return isinstance(step, Wait | Until | WaitFor)
