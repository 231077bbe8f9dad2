"""Routes of giving: a tag's value to one person or to many by hand, taken back, imported, and undone."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Expression, Instant, Paged, Route, Shape, Titles

Value = bool | str | float | int | None
Batch = Annotated[str, Field(max_length=100, description="Only batches of this tag; empty: of all.")]


class ChosenPeople(Shape):
    """To whom: one person, a list (user ids, or kind:value), or everybody in a condition; one of the three."""

    person: Annotated[str, Field(max_length=1_000)] = ""
    people: Annotated[list[str], Field(max_length=100_000, default_factory=list)]
    where: Expression = ""


class GiveAsked(ChosenPeople):
    """Which value to whom, and until when; empty: by the tag's validity."""

    value: bool | str | float | int = True
    until: Instant = ""


class GivePersonAsked(Shape):
    """Which value, and until when; empty: by the tag's validity."""

    value: bool | str | float | int = True
    until: Instant = ""


class ValueBefore(Shape):
    """How many of those who change have which value now; null: none."""

    value: Value
    people: int


class LeftOut(Shape):
    """Somebody who is left out, and why."""

    person: str
    reason: str


class TagGiven(Shape):
    """What giving or taking changes. `changes`: people with another state than before; `same`: who have it already.

    `value` is null when values are taken back. `corrects`: the tag is computed or imported, and the value stands in the
    place of that one. `before`: what those who change have now. `batch` is null where nothing was written.
    """

    tag: str
    titles: Titles
    value: Value
    until: str | None
    chosen: str
    people: int
    changes: int
    same: int
    corrects: bool
    before: list[ValueBefore]
    rejected: list[LeftOut]
    rejected_total: int
    batch: str | None


class TagImportAsked(Shape):
    """Which uploaded file (columns person, value, perhaps expires_at), and where its values come from."""

    upload: Annotated[str, Field(min_length=1, max_length=60)]
    source: Annotated[str, Field(max_length=200)] = ""
    until: Instant = ""


class LineOut(Shape):
    """A line that was not taken, and why."""

    line: int
    person: str
    code: str
    reason: str


class TagImported(Shape):
    """What an import did: rows = taken + rejected; taken = changes + same. `by_hand`: who keep one given by hand."""

    tag: str
    titles: Titles
    source: str
    rows: int
    taken: int
    changes: int
    same: int
    by_hand: int
    rejected: list[LineOut]
    rejected_total: int
    reasons: dict[str, int]
    batch: str | None


class BatchRow(Shape):
    """What was given, taken, imported or undone at once. `standing`: of how many people it is still the state."""

    batch: str
    what: Literal["give", "correct", "take", "import", "undo"]
    tag: str
    titles: Titles
    value: Value
    at: str
    by: str
    chosen: str
    source: str
    people: int
    standing: int
    undoes: str | None
    undone_by: str | None


class BatchPage(Shape):
    """Batches, the latest first."""

    batches: list[BatchRow]
    next: str | None


class BatchesAsked(Paged):
    """Which batches."""

    key: Batch = ""


class ChangedSince(Shape):
    """Somebody who was given another value since, by whom and when."""

    person: str
    by: str
    at: str


class BatchUndone(Shape):
    """What undoing brings back: exactly what was there before, but to those who were `changed` since."""

    undoes: str
    tag: str
    people: int
    changes: int
    changed: list[ChangedSince]
    changed_total: int
    rejected: list[LeftOut]
    rejected_total: int
    batch: str | None


class TagConflict(Shape):
    """A value given by hand differs from the computed or imported one. `ended`: until when it stood."""

    person: str
    given: Value
    computed: Value
    at: str
    ended: str | None
    by: str
    given_at: str | None


class TagConflicts(Shape):
    """A tag's conflicts, the latest first. `masked`: values of personal tags are not shown to viewers."""

    tag: str
    total: int
    standing: int
    masked: bool
    conflicts: list[TagConflict]
    next: str | None


class TagConflictsAsked(Paged):
    """Which conflicts: all there were, or those that stand now."""

    standing: bool = False


class ConflictedTag(Shape):
    """A tag with conflicts: how many there were, and how many stand now."""

    key: str
    titles: Titles
    total: int
    standing: int


class ConflictedTags(Shape):
    """The tags of which a value given by hand differed from the other one, those with most that stand first."""

    tags: list[ConflictedTag]


class AccuracyShare(Shape):
    """A share with Wilson's 95 % interval: `right` of `of` people."""

    share: float
    low: float
    high: float
    right: int
    of: int


class AccuracyOf(Shape):
    """How often one value is right. `people`: who declared it; null: nobody to say it of, or not enough data."""

    value: str
    people: int
    precision: AccuracyShare | None
    recall: AccuracyShare | None


class WhoDeclared(Shape):
    """Which shares declared the truth: of everybody, of those with the tag, of the others; null: nobody is there."""

    of_everybody: float | None
    of_tagged: float | None
    of_others: float | None


class TagAccuracy(Shape):
    """How often a tag is right about the `people` whose truth is known; shares are null below `needed` of them.

    `truth`: the tag that holds what people declared; `corrected`: of how many a value given by hand is the truth.
    `at_least`: the precision that it must have to be published; `meets` is null where that cannot be said.
    """

    tag: str
    titles: Titles
    truth: str
    as_of: str
    people: int
    needed: int
    enough: bool
    precision: AccuracyShare | None
    recall: AccuracyShare | None
    at_least: float | None
    meets: bool | None
    corrected: int
    values: list[AccuracyOf]
    declared: WhoDeclared


_UPLOAD = {"upload": "20261122T080000Z-0a1b2c3d4e5f", "source": "till"}
_VIP = {"value": "gold", "where": "orders_90d >= 3"}

ROUTES = (
    Route(
        "POST",
        "/api/v1/tags/{key}/give/preview",
        "tag give preview",
        Role.OPERATOR,
        TagGiven,
        "tags",
        takes=GiveAsked,
        reads=True,
        example={"body": _VIP},
    ),
    Route(
        "POST",
        "/api/v1/tags/{key}/give",
        "tag give",
        Role.OPERATOR,
        TagGiven,
        "tags",
        takes=GiveAsked,
        effect=True,
        job=True,
        example={"body": _VIP},
    ),
    Route(
        "POST",
        "/api/v1/tags/{key}/take/preview",
        "tag take preview",
        Role.OPERATOR,
        TagGiven,
        "tags",
        takes=ChosenPeople,
        reads=True,
        example={"body": {"where": "orders_90d >= 3"}},
    ),
    Route(
        "POST",
        "/api/v1/tags/{key}/take",
        "tag take",
        Role.OPERATOR,
        TagGiven,
        "tags",
        takes=ChosenPeople,
        effect=True,
        job=True,
        example={"body": {"where": "orders_90d >= 3"}},
    ),
    Route(
        "POST",
        "/api/v1/tags/{key}/import/preview",
        "tag import preview",
        Role.OPERATOR,
        TagImported,
        "tags",
        takes=TagImportAsked,
        reads=True,
        example={"body": _UPLOAD},
    ),
    Route(
        "POST",
        "/api/v1/tags/{key}/import",
        "tag import",
        Role.OPERATOR,
        TagImported,
        "tags",
        takes=TagImportAsked,
        effect=True,
        job=True,
        example={"body": _UPLOAD},
    ),
    Route(
        "GET",
        "/api/v1/tags/{key}/conflicts",
        "tag conflicts",
        Role.VIEWER,
        TagConflicts,
        "tags",
        asks=TagConflictsAsked,
    ),
    Route("GET", "/api/v1/conflicts", "conflict list", Role.VIEWER, ConflictedTags, "tags"),
    Route("GET", "/api/v1/tags/{key}/accuracy", "tag accuracy", Role.VIEWER, TagAccuracy, "tags"),
    Route(
        "PUT",
        "/api/v1/people/{person}/tags/{key}",
        "tag give",
        Role.OPERATOR,
        TagGiven,
        "tags",
        takes=GivePersonAsked,
        effect=True,
        example={"body": {"value": "gold"}},
    ),
    Route(
        "POST",
        "/api/v1/people/{person}/tags/{key}/correct",
        "tag correct",
        Role.OPERATOR,
        TagGiven,
        "tags",
        takes=GivePersonAsked,
        effect=True,
        example={"body": {"value": "gold"}},
    ),
    Route(
        "DELETE",
        "/api/v1/people/{person}/tags/{key}",
        "tag take",
        Role.OPERATOR,
        TagGiven,
        "tags",
        effect=True,
    ),
    Route("GET", "/api/v1/batches", "tag batches", Role.OPERATOR, BatchPage, "tags", asks=BatchesAsked),
    Route("GET", "/api/v1/batches/{batch}/undo", "tag undo preview", Role.OPERATOR, BatchUndone, "tags"),
    Route(
        "POST",
        "/api/v1/batches/{batch}/undo",
        "tag undo",
        Role.OPERATOR,
        BatchUndone,
        "tags",
        effect=True,
        job=True,
    ),
)
