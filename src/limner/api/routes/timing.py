"""Routes of when and by what: the hour and the channel of each person's message, and why."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Route, Shape


class HourReason(Shape):
    """Why a message is due when it is. `hour`: in which hour of the person's clock (-1: none was open).

    `best`: where the best band of `band` hours begins; in it were `n` of `of` observations of whoever's habit it is.
    """

    hour: int
    best: int
    band: int
    n: int
    of: int
    whose: Literal["person", "segment", "everybody", "nobody"]


class ChannelReason(Shape):
    """Why a message goes by its channel. `answers`: by channel answered, sent, and how likely an answer is.

    `not`: the channels by which it may not go, with the reason.
    """

    by: str
    answers: dict[str, tuple[int, int, float]]
    not_: Annotated[dict[str, str], Field(alias="not", default_factory=dict)]


class Chosen(Shape):
    """Why a message goes when and by what; null where nothing was chosen."""

    hour: HourReason | None = None
    channel: ChannelReason | None = None


class MessageAsked(Shape):
    """The keys of a message that say its class, channels, hours and cap; `audience` '': everybody."""

    message: dict[str, Any]
    audience: Annotated[str, Field(max_length=200)] = ""


class Whose(Shape):
    """How many people's hours rest on whose habit."""

    person: int
    segment: int
    everybody: int
    nobody: int


class When(Shape):
    """When and by what messages would go if they began now: people by hour of their own clock, and by channel.

    `looked_at` of `people`, spread evenly; `goes_to` of them; the others with their reasons in `without`.
    """

    name: str
    channel: str
    people: int
    looked_at: int
    goes_to: int
    within: str | None
    hours: list[int]
    at_once: int
    whose: Whose
    channels: dict[str, int]
    without: dict[str, int]
    as_of: str


_ONE = "/api/v1/campaigns/{name}"
_VIEWER = Role.VIEWER
_NOUN = "campaigns"

ROUTES = (
    Route("GET", f"{_ONE}/when", "campaign when", _VIEWER, When, _NOUN),
    Route(
        "POST",
        "/api/v1/messages/when",
        "message when",
        _VIEWER,
        When,
        _NOUN,
        takes=MessageAsked,
        reads=True,
        example={
            "body": {
                "message": {"channel": "email", "when": "best hour", "within": "24 hours"},
                "audience": "",
            }
        },
    ),
)
