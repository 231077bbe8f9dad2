"""Routes of what the policy kept back: sends that hold themselves, and what was not sent and why."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Name, Route, Shape

Kind = Literal["campaign", "journey"]
Entry = Annotated[
    str, Field(max_length=100, description="Which sending of a campaign; empty: all that is held.")
]


class HeldSending(Shape):
    """A campaign's sending or a journey that holds itself, since when, and why with its numbers."""

    kind: Kind
    name: str
    entry: str
    reason: str
    since: str


class Holds(Shape):
    """What holds itself now, the oldest first."""

    holds: list[HeldSending]


class ReleaseAsked(Shape):
    """Why it may go on; it stands in the audit with who said it."""

    why: Annotated[str, Field(min_length=1, max_length=500)]
    entry: Entry = ""


class Released(Shape):
    """What goes on now, what it was held for, and why it may."""

    name: str
    kind: Kind
    entry: str
    reason: str
    why: str


class SuppressionsAsked(Shape):
    """Of one campaign or journey (empty: all), of so many days up to now."""

    name: Annotated[str, Field(max_length=200)] = ""
    days: Annotated[int, Field(ge=1, le=3660)] = 30


class SuppressedRow(Shape):
    """So many messages, or people set aside at a launch, that did not go on a day for one reason."""

    reason: str
    class_: str = Field(alias="class")
    channel: str
    kind: Kind
    name: Name
    day: str
    count: int


class Suppressions(Shape):
    """What was not sent since then and why, the most first; days are on the calendar of `zone`."""

    name: str
    since: str
    zone: str
    total: int
    reasons: dict[str, int]
    rows: list[SuppressedRow]


_NOUN = "campaigns"

ROUTES = (
    Route("GET", "/api/v1/holds", "hold list", Role.VIEWER, Holds, _NOUN),
    Route(
        "POST",
        "/api/v1/holds/{name}/release",
        "hold release",
        Role.OPERATOR,
        Released,
        _NOUN,
        takes=ReleaseAsked,
        effect=True,
        example={"body": {"why": "the sale doubled the audience, as planned"}},
    ),
    Route(
        "GET",
        "/api/v1/suppressions",
        "campaign suppressions",
        Role.VIEWER,
        Suppressions,
        _NOUN,
        asks=SuppressionsAsked,
    ),
)
