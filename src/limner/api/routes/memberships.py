"""Routes of membership: who had a value or was in an audience when, and who came and went."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Instant, Paged, Route, Shape
from limner.api.routes.tags import TagHistoryAsked


class AudienceDay(Shape):
    """One day in the workspace's zone by the audience's snapshots; null before the first one."""

    day: str
    people: int | None
    entered: int | None
    left: int | None


class AudienceHistory(Shape):
    """Who came and went by day; `since`: the first snapshot, null when there is none."""

    name: str
    since: str | None
    as_of: str
    days: list[AudienceDay]


class MembersAsked(Paged):
    """Who was in it at this instant; empty: now."""

    on: Instant = ""


class TagMembersAsked(MembersAsked):
    """Who had it at this instant; with `value`: that flag or text."""

    value: Annotated[str, Field(max_length=1_000)] = ""


class MembersThen(Shape):
    """How many people, and a page of their outward ids; merged people count as who they are today."""

    name: str
    on: str
    count: int
    people: list[str]
    next: str | None


class TagMembersThen(Shape):
    """The same of a tag, as it was published then."""

    key: str
    value: str | None
    on: str
    count: int
    people: list[str]
    next: str | None


class MembershipSpell(Shape):
    """A time in a tag's value or an audience (`value`: in). `until` null: still. `value` null: hidden.

    `run` and `cause` began it, `ended_by` is the cause of its end.
    """

    subject: str
    value: str | None
    since: str
    until: str | None
    run: str
    cause: str
    ended_by: str | None


class PersonMemberships(Shape):
    """What the person had and was in, by subject (tag:KEY, audience:NAME) and time."""

    person: str
    spells: list[MembershipSpell]


class TransitionsAsked(Shape):
    """Between which instants: `until` (empty: now) and `since` before it (empty: 30 days).

    `view`: by what was known at each of them, or by what is true of it; empty: known, if anything was heard by `since`.
    """

    since: Instant = ""
    until: Instant = ""
    view: Literal["", "known", "true"] = ""


class TransitionPlace(Shape):
    """Where people were or are: not here yet (absent), without a value (none), at a value, at any other one (rest)."""

    kind: Literal["absent", "none", "value", "rest"]
    value: str | None
    people: int


class TagTransitions(Shape):
    """From which value to which people went: `moves[i][j]` people were at `before[i]` and are at `after[j]`.

    All moves together are `everybody` who was here by `until`. `new` were not here by `since`; `stayed` and `moved`
    were.
    """

    key: str
    since: str
    until: str
    view: Literal["known", "true"]
    everybody: int
    new: int
    stayed: int
    moved: int
    before: list[TransitionPlace]
    after: list[TransitionPlace]
    moves: list[list[int]]


class SourceCovered(Shape):
    """The people of one source, and how many of them have the tag."""

    source: str
    people: int
    tagged: int
    share: float


class TagCoverage(Shape):
    """How many people of each source have a tag; who is known from several counts in each."""

    key: str
    as_of: str | None
    everybody: int
    people: int
    sources: list[SourceCovered]


ROUTES = (
    Route("GET", "/api/v1/tags/{key}/coverage", "tag coverage", Role.VIEWER, TagCoverage, "tags"),
    Route(
        "GET",
        "/api/v1/audiences/{name}/history",
        "audience history",
        Role.VIEWER,
        AudienceHistory,
        "audiences",
        asks=TagHistoryAsked,
    ),
    Route(
        "GET",
        "/api/v1/audiences/{name}/members",
        "audience members",
        Role.VIEWER,
        MembersThen,
        "audiences",
        asks=MembersAsked,
    ),
    Route(
        "GET",
        "/api/v1/tags/{key}/members",
        "tag members",
        Role.VIEWER,
        TagMembersThen,
        "tags",
        asks=TagMembersAsked,
    ),
    Route(
        "GET",
        "/api/v1/tags/{key}/transitions",
        "tag transitions",
        Role.VIEWER,
        TagTransitions,
        "tags",
        asks=TransitionsAsked,
    ),
    Route(
        "GET",
        "/api/v1/people/{id}/memberships",
        "person memberships",
        Role.VIEWER,
        PersonMemberships,
        "people",
    ),
)
