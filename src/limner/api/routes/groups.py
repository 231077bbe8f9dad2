"""Routes of exclusive groups: which there are, and their conflicts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Paged, Route, Shape


class GroupRow(Shape):
    """An exclusive group. `conflicts`: how many were settled; `standing`: how many stand now."""

    key: str
    titles: dict[str, str]
    tags: list[str]
    keep: str
    owner: str
    why: str
    conflicts: int
    standing: int


class GroupPage(Shape):
    """All exclusive groups, by key."""

    groups: list[GroupRow]


class GroupConflict(Shape):
    """Somebody had two tags of a group: `kept` (null: none) stays, `dropped` is gone; `ended`: until when it stood."""

    person: str
    kept: str | None
    dropped: str
    at: str
    run: str
    ended: str | None


class GroupConflicts(Shape):
    """A group's conflicts, the latest first. `masked`: tags of personal attributes are not shown to viewers."""

    group: str
    keep: str
    total: int
    standing: int
    masked: bool
    conflicts: list[GroupConflict]
    next: str | None


class GroupConflictsAsked(Paged):
    """Which conflicts: all that were settled, or those that stand now."""

    standing: bool = False


class PairPeople(Shape):
    """How many people have each of two flags and both, but for groups; `expected`: both, if they were independent."""

    first: int
    second: int
    both: int
    expected: float


class TagPair(Shape):
    """How two flags relate.

    `relation` is proved from the definitions; `implies`: which implies the other; `witness`: with these both are.
    `code` stands for `why`, for those who say it in their own words. `excludes`: proved by
    the definitions, suggested by the people, or neither. `people` is null before a run.
    """

    first: str
    second: str
    relation: Literal["exclusive", "implied", "overlapping", "unknown"]
    implies: Literal["", "first", "second", "both"]
    witness: dict[str, str]
    why: str
    code: str
    excludes: Literal["proved", "suggested", ""]
    people: PairPeople | None


class GroupChecked(Shape):
    """A group's tags, pair by pair. `proved`: no two can ever be true at once; `missing`: tags that are not there."""

    group: str
    keep: str
    proved: bool
    conflicts: int
    standing: int
    missing: list[str]
    pairs: list[TagPair]


class SiblingPair(TagPair):
    """Two flags of a category."""

    category: str


class GroupProposal(Shape):
    """A group that flags of a category could make: how many of its pairs are proved and suggested, and its file."""

    category: str
    tags: list[str]
    keep: str
    proved: int
    suggested: int
    text: str


class TagSiblings(Shape):
    """How the flags of each category relate, and the groups that they could make."""

    pairs: list[SiblingPair]
    proposals: list[GroupProposal]


class TagSiblingsAsked(Shape):
    """Of which category, those below it included."""

    category: Annotated[str, Field(max_length=200)] = ""


ROUTES = (
    Route(
        "GET",
        "/api/v1/tags/siblings",
        "tag siblings",
        Role.VIEWER,
        TagSiblings,
        "tags",
        asks=TagSiblingsAsked,
    ),
    Route("GET", "/api/v1/groups/{key}/check", "group check", Role.VIEWER, GroupChecked, "tags"),
    Route("GET", "/api/v1/groups", "group list", Role.VIEWER, GroupPage, "tags"),
    Route(
        "GET",
        "/api/v1/groups/{key}/conflicts",
        "group conflicts",
        Role.VIEWER,
        GroupConflicts,
        "tags",
        asks=GroupConflictsAsked,
    ),
)
