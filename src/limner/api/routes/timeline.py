"""Routes of a person's time: what happened, what was sent, and when and where they answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.people import View
from limner.api.routes.route import Instant, Name, Paged, Route, Shape, Titles
from limner.api.routes.timing import Chosen


class TimelineEvent(Shape):
    """Something that happened. `known_then`: of a past timeline, whether it was known then to be the person's."""

    id: str
    event: str
    at: str
    received_at: str
    source: str | int | None
    properties: dict[str, Any]
    known_then: bool | None = None


class EventCount(Shape):
    """How often one thing happened."""

    event: str
    events: int


class Timeline(Shape):
    """What a person did, newest first. `counts` know no filter of names: they are what can be filtered by."""

    person: str
    events: list[TimelineEvent]
    next: str | None
    total: int
    counts: list[EventCount]
    until: str
    masked: bool


class TimelineAsked(Paged):
    """Which events: of these names, of one source, since (inclusive) until (exclusive).

    `view`: `known` leaves out what was received after `until`; empty: as the portrait of then. `as_of`: as a portrait
    of that past instant tells it.
    """

    event: Annotated[list[Name], Field(default_factory=list)]
    source: Annotated[str, Field(max_length=200)] = ""
    since: Instant = ""
    until: Instant = ""
    view: View = "true"
    as_of: Instant = ""


class Picked(Shape):
    """Something that was in a list of a message, and why; what must not be seen of an interest is null."""

    list: str
    source: Annotated[str, Field(alias="from")]
    name: str
    titles: Titles
    kind: str
    tag: str | None
    tag_titles: Titles
    label: str | None
    weight: float | None
    people: int


class MessageRow(Shape):
    """A message to the person, or a campaign that held the person out (status `held_out`)."""

    id: str
    at: str | None
    campaign: str
    journey: bool
    titles: Titles
    entry: str
    step: str
    channel: str
    message_class: Annotated[str, Field(alias="class")]
    status: str
    reason: str
    opened_at: str | None
    clicked_at: str | None
    unsubscribed_at: str | None
    due_at: str | None
    why: Chosen | None
    picks: list[Picked]


class MessagePage(Shape):
    """The messages to a person, the latest first."""

    person: str
    messages: list[MessageRow]
    next: str | None


class MessagesAsked(Paged):
    """Which messages: those until an instant; empty: now."""

    as_of: Instant = ""


class Answered(Shape):
    """Sent messages that could be answered, how many were, and the share."""

    asked: int
    answered: int
    share: float


class ChannelHabit(Answered):
    """How a person answers on a channel, everybody's beside it; `objection`: why no marketing may go by it."""

    channel: str
    everybody: Answered
    objection: str


class Habit(Shape):
    """When a person is there: observations by hour of their own clock, the best band and whose habit that is.

    `best`: where the band of `band` hours begins (null: not enough data); `n` of `of` observations lie in it. `others`:
    the shares of the hours of whoever's habit counts instead of the person's own.
    """

    person: str
    zone: str
    band: int
    least: int
    observations: int
    hours: list[int]
    others: list[float] | None
    whose: Literal["person", "segment", "everybody", "nobody"]
    segment: str | None
    best: int | None
    n: int
    of: int
    channels: list[ChannelHabit]
    response_within: str
    as_of: str


ROUTES = (
    Route(
        "GET",
        "/api/v1/people/{id}/events",
        "person timeline",
        Role.VIEWER,
        Timeline,
        "people",
        asks=TimelineAsked,
    ),
    Route(
        "GET",
        "/api/v1/people/{id}/messages",
        "person messages",
        Role.VIEWER,
        MessagePage,
        "people",
        asks=MessagesAsked,
        pages=("messages", "id"),
    ),
    Route("GET", "/api/v1/people/{id}/when", "person when", Role.VIEWER, Habit, "people"),
)
