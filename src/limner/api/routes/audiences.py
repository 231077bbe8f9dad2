"""Routes of audiences: counted, drawn, compared, kept, exported; and of saved views of lists."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import Response
from fastapi.responses import FileResponse
from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Call, Expression, Instant, Name, Paged, Route, Shape
from limner.types import silent
from limner.workspace.calling import call

Audience = Annotated[
    str, Field(min_length=1, max_length=100_000, description="A saved audience, or a condition.")
]


class Usage(Shape):
    """What names an audience."""

    kind: Literal["campaign", "journey", "scene", "audience", "tag"]
    name: str
    titles: dict[str, str]


class Changed(Shape):
    """When a definition was written last; `by` is null when it was not through Limner."""

    at: str
    by: str | None


class AudienceRow(Shape):
    """A saved audience. `people`, `as_of`: its last snapshot, null when there is none; `sizes`: of the last snapshots.

    `expression` is null for a fixed list, which has so many `members`. `problem`: why the definition cannot be used.
    """

    name: str
    title: str
    titles: dict[str, str]
    expression: str | None
    members: int | None
    owner: str
    why: str
    people: int | None
    as_of: str | None
    sizes: list[int]
    changed: Changed | None
    used_by: list[Usage]
    problem: str | None


class AudiencePage(Shape):
    """Saved audiences."""

    audiences: list[AudienceRow]
    next: str | None


class AudiencesAsked(Paged):
    """Which audiences, in which order."""

    q: Annotated[str, Field(max_length=200)] = ""
    sort: Literal["name", "-name", "people", "-people", "changed", "-changed"] = "name"


class Effect(Shape):
    """One node of a condition's tree, by its path from the root: `people` alone, `without`: the whole without it."""

    path: list[int]
    expression: str
    people: int
    without: int


class Snapshot(Shape):
    """One snapshot of an audience."""

    at: str
    people: int
    entered: int
    left: int


class AudienceShown(AudienceRow):
    """An audience as it is now. `count` is null when the definition cannot be used (`problem`). `ids`: a list's."""

    text: str
    etag: str
    history: list[Snapshot]
    now: str
    count: int | None
    everybody: int | None
    tree: Any
    conditions: list[Effect]
    ids: list[str] | None


class CountAsked(Shape):
    """A condition: as text, or as a tree.

    `view`: of a past instant by what was known then, or by what is true of it; empty: known, if anything was heard.
    """

    expression: Expression = ""
    tree: Any = None
    as_of: Instant = ""
    view: Literal["", "known", "true"] = ""


class Counted(Shape):
    """How many people a condition holds at `as_of`, of everybody, and what each part does; exact.

    `conditions` is empty when there are more than 200 parts. `tags_as_of`: when tags were published last.
    """

    count: int
    everybody: int
    view: Literal["known", "true"]
    as_of: str
    tags_as_of: str | None
    expression: str
    tree: Any
    conditions: list[Effect]


class TextAsked(Shape):
    """What an audience's file is to say; `text`: the file as it is, whose comments stay."""

    name: Name
    text: Annotated[str, Field(max_length=1_000_000)] = ""
    titles: dict[str, Annotated[str, Field(max_length=200)]] = Field(default_factory=dict)
    expression: Expression = ""
    members: list[Annotated[str, Field(min_length=1, max_length=300)]] = Field(
        default_factory=list, max_length=10_000
    )
    owner: Annotated[str, Field(max_length=200)] = ""
    why: Annotated[str, Field(max_length=2_000)] = ""


class FileText(Shape):
    """A definition file's text."""

    text: str


class PortraitAsked(Shape):
    """Whose portrait, against whom ('' = everybody), and at most how many tags."""

    name: Audience
    against: Annotated[str, Field(max_length=100_000)] = ""
    most: Annotated[int, Field(ge=1, le=500)] = 100


class PortraitValue(Shape):
    """One value of a tag in a crowd. `of`: the value; `from`, `below`: the bounds of a range, below exclusive.

    `tgi` = 100 × share / base_share, between `low` and `high` 19 times in 20; null where the base has nobody.
    `condition` holds everybody who has the value, `expression` the crowd's people who have it.
    """

    value: str
    is_: Annotated[Literal["value", "range", "rest", "unknown"], Field(alias="is")]
    of: str | float | int | bool | None
    from_: Annotated[str | float | int | None, Field(alias="from")]
    below: str | float | int | None
    people: int
    share: float
    base_people: int
    base_share: float
    tgi: float | None
    low: float | None
    high: float | None
    p: float
    significant: bool
    condition: str
    expression: str


class PortraitTag(Shape):
    """One tag in a crowd; means only of numbers and money."""

    tag: str
    titles: dict[str, str]
    nature: str | None
    method: str | None
    category: str
    type: str
    mean: str | float | None
    base_mean: str | float | None
    values: list[PortraitValue]


class CrowdPortrait(Shape):
    """A crowd's portrait against `base` people; what tells most comes first. `findings`: significant differences."""

    people: int
    everybody: int
    base: int
    findings: int
    as_of: str
    tags_as_of: str
    expression: str
    against: str | None
    tags_in_all: int
    tags: list[PortraitTag]


class OverlapAsked(Shape):
    """The crowds to compare."""

    audiences: Annotated[list[Audience], Field(min_length=2, max_length=6)]


class OverlapCrowd(Shape):
    """One of the crowds."""

    audience: str
    titles: dict[str, str]
    expression: str
    people: int


class OverlapPair(Shape):
    """Two crowds by their places: in both, in either; jaccard is null when both are empty."""

    a: int
    b: int
    both: int
    either: int
    jaccard: float | None
    expression: str


class OverlapPart(Shape):
    """The people who are in exactly these crowds."""

    in_: Annotated[list[int], Field(alias="in")]
    people: int
    expression: str


class Overlap(Shape):
    """How far crowds are the same people."""

    as_of: str
    everybody: int
    audiences: list[OverlapCrowd]
    pairs: list[OverlapPair]
    parts: list[OverlapPart]


class Kept(Shape):
    """A snapshot that was taken."""

    name: str
    as_of: str
    people: int
    entered: int
    left: int


class ExportAsked(Shape):
    """What to take out, and why. `columns`: tags and person.attributes; none: all tags.

    `rows`: a row for each value of a tag, with its validity and source, instead of one for each person.
    """

    format: Literal["csv", "parquet"] = "csv"
    columns: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=list, max_length=500
    )
    reason: Annotated[str, Field(min_length=3, max_length=500)]
    rows: bool = False


class ExportRow(Shape):
    """One export. `there`: its file is kept here and can be fetched."""

    id: str
    at: str
    by: str
    what: str
    name: str | None
    people: int
    reason: str
    format: str
    there: bool
    bytes: int | None


class ExportPage(Shape):
    """Exports, the latest first."""

    exports: list[ExportRow]
    next: str | None


class ExportsAsked(Paged):
    """Which exports."""

    q: Annotated[str, Field(max_length=200)] = ""


class View(Shape):
    """A saved view: the query of a page's address. `own`: whoever asks made it."""

    id: str
    page: str
    name: str
    query: str
    shared: bool
    own: bool
    by: str


class ViewList(Shape):
    """Saved views."""

    views: list[View]


class ViewsAsked(Shape):
    """Of which page."""

    page: Annotated[str, Field(max_length=200)] = ""


class NewView(Shape):
    """A view to save."""

    page: Annotated[str, Field(min_length=1, max_length=200)]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    query: Annotated[str, Field(max_length=8_000)]
    shared: bool = False


class Removed(Shape):
    """What is gone."""

    id: str
    removed: bool


MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


async def _file(made: Call) -> Response:
    """The file of an export."""
    found = await asyncio.to_thread(
        call, made.workspace, "export file", {"id": made.arguments["id"]}, silent, made.caller
    )
    return FileResponse(
        found["path"],
        media_type=MEDIA[found["format"]],
        filename=found["file"],
        headers={"cache-control": "no-store"},
    )


_COUNT_EXAMPLE = {
    "body": {"expression": "orders_90d >= 2 and not did \"Unsubscribed\""},
    "answer": {
        "count": 412, "everybody": 3000, "view": "known", "as_of": "2026-05-01T14:05:00+00:00",
        "tags_as_of": "2026-05-01T03:00:00+00:00", "expression": "orders_90d >= 2 and not did Unsubscribed",
        "tree": None,
        "conditions": [{"path": [0], "expression": "orders_90d >= 2", "people": 440, "without": 2861}],
    },
}  # fmt: skip
_ONE = "/api/v1/audiences/{name}"

ROUTES = (
    Route(
        "GET",
        "/api/v1/audiences",
        "audience list",
        Role.VIEWER,
        AudiencePage,
        "audiences",
        asks=AudiencesAsked,
        pages=("audiences", "name"),
    ),
    Route(
        "POST",
        "/api/v1/audiences/count",
        "audience count",
        Role.VIEWER,
        Counted,
        "audiences",
        takes=CountAsked,
        reads=True,
        example=_COUNT_EXAMPLE,
    ),
    Route(
        "POST",
        "/api/v1/audiences/portrait",
        "audience portrait",
        Role.VIEWER,
        CrowdPortrait,
        "audiences",
        takes=PortraitAsked,
        reads=True,
        example={"body": {"name": "recent_buyers", "against": "followers"}},
    ),
    Route(
        "POST",
        "/api/v1/audiences/overlap",
        "audience overlap",
        Role.VIEWER,
        Overlap,
        "audiences",
        takes=OverlapAsked,
        reads=True,
        example={"body": {"audiences": ["recent_buyers", "followers"]}},
    ),
    Route(
        "POST",
        "/api/v1/audiences/text",
        "audience text",
        Role.VIEWER,
        FileText,
        "audiences",
        takes=TextAsked,
        reads=True,
        example={
            "body": {"name": "loyal", "titles": {"en": "Loyal buyers"}, "expression": "orders_90d >= 3"}
        },
    ),
    Route("GET", _ONE, "audience show", Role.VIEWER, AudienceShown, "audiences"),
    Route(
        "POST",
        f"{_ONE}/snapshot",
        "audience snapshot",
        Role.OPERATOR,
        Kept,
        "audiences",
        effect=True,
        job=True,
    ),
    Route(
        "POST",
        f"{_ONE}/exports",
        "audience export",
        Role.OPERATOR,
        ExportRow,
        "exports",
        takes=ExportAsked,
        effect=True,
        job=True,
        example={
            "body": {"format": "csv", "columns": ["city", "orders_90d"], "reason": "letters for the spring"}
        },
    ),
    Route("GET", "/api/v1/exports", "export list", Role.OPERATOR, ExportPage, "exports", asks=ExportsAsked),
    Route(
        "GET",
        "/api/v1/exports/{id}/file",
        "export file",
        Role.OPERATOR,
        ExportRow,
        "exports",
        handle=_file,
        answers_file="application/octet-stream",
    ),
    Route("GET", "/api/v1/views", "view list", Role.VIEWER, ViewList, "views", asks=ViewsAsked),
    Route(
        "POST",
        "/api/v1/views",
        "view save",
        Role.VIEWER,
        View,
        "views",
        takes=NewView,
        example={
            "body": {"page": "audiences", "name": "Mine by size", "query": "sort=-people", "shared": False}
        },
    ),
    Route("DELETE", "/api/v1/views/{id}", "view remove", Role.VIEWER, Removed, "views"),
)
