"""Routes of people: the list, the portrait now and then, the person's own rights."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Literal

from fastapi import Response
from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Call, Expression, Instant, Paged, Route, Shape, Titles
from limner.types import silent
from limner.workspace.calling import call

Value = bool | int | float | str | None


class Named(Shape):
    """An identifier or contact, masked where the caller may not read it."""

    kind: str
    value: str


class MainTag(Shape):
    """A tag's value at a glance."""

    key: str
    titles: Titles
    value: Value


class PersonRow(Shape):
    """One person of a list. The contact is masked for everybody."""

    person: str
    name: str | None
    id: Named | None
    contact: Named | None
    tags: list[MainTag]
    first_seen: str
    last_seen: str | None
    events: int


class PersonPage(Shape):
    """People, and exactly how many there are: `total` of those asked for, `everybody` of all."""

    people: list[PersonRow]
    next: str | None
    total: int
    everybody: int
    where: str
    sort: str
    as_of: str
    masked: bool


class PeopleAsked(Paged):
    """Which people: by a word (id, e-mail, phone's last digits, openid, name) and a condition."""

    q: Annotated[str, Field(max_length=200)] = ""
    where: Expression = ""
    sort: Literal["last_seen", "first_seen", "id"] = "last_seen"


class AsOf(Shape):
    """As of when; empty: now."""

    as_of: Instant = ""


View = Literal["", "known", "true"]
"""Of a past instant: by what was known then, or by what is true of it; empty: known, if anything was heard by then."""


class PersonAsked(AsOf):
    """As of when, and by which view of a past instant."""

    view: View = ""


class Tie(Shape):
    """What ties an identifier to another: a login on a device, a key that was given, an alias, or a cut.

    `heard`: when that was received; null: not asked (of the present), or not known.
    """

    what: Literal["login", "login_of", "key", "key_of", "alias", "alias_of", "cut", "cut_of"]
    kind: str
    value: str
    since: str
    heard: str | None


class Identity(Shape):
    """An identifier of the person, and what ties it to others: in words, and as data.

    `heard`: when it was first received; null: not asked (of the present), or not known.
    """

    kind: str
    value: str
    evidence: str
    ties: list[Tie]
    heard: str | None


class Attribute(Shape):
    """An attribute's value, and who said it when."""

    name: str
    value: Any
    kind: str
    at: str
    source: str | int | None


class LabelWeight(Shape):
    """A label that a tag gives the person, and how strongly it holds: 0 to 1."""

    label: str
    weight: float


class GivenValue(Shape):
    """Who gave a value and when; `until`: when it ends, null never; `batch`: with what it was given.

    `who`: staff said so, or the customer did, and `by` handed it on.
    `corrects`: it stands in the place of the `computed` (or imported) one, null where there would be none.
    """

    value: Value
    by: str
    who: Literal["staff", "customer"]
    at: str
    until: str | None
    origin: Literal["manual", "imported"]
    batch: str | None
    corrects: bool
    computed: Value


class TagValue(Shape):
    """A tag of the person. `labels`: each with its weight, the greatest first, where the tag gives several.

    `weight` is the value's, and `formula` how it comes about: null where tags of this kind have no weights. `given`:
    who gave the value, if anybody did.
    """

    key: str
    title: str
    titles: Titles
    value: Value
    weight: float | None
    labels: list[LabelWeight]
    formula: str | None
    coverage: float | None
    type: str
    nature: str
    method: str
    source: str
    definition: str
    owner: str
    as_of: str | None
    expires_at: str | None
    given: GivenValue | None


class TagGroup(Shape):
    """The tags of one category."""

    category: str
    tags: list[TagValue]


class ConsentWord(Shape):
    """What was last said of one channel and class; `suppressed` is why messages are stopped, if they are."""

    channel: str
    message_class: Annotated[str, Field(alias="class")]
    state: Literal["granted", "withdrawn", "unknown"]
    at: str | None
    source: str
    proof: str
    suppressed: str


class PersonHeader(Shape):
    """Who it is, at a glance."""

    name: str | None
    id: Named | None
    contact: Named | None
    stage: MainTag | None
    value: MainTag | None
    place: MainTag | None
    first_source: str | None
    first_seen: str | None
    last_seen: str | None
    events: int
    messages: int
    consents: list[ConsentWord]


class MemberOf(Shape):
    """An audience that the person belongs to, and since when by its snapshots.

    `by`: its last snapshot, its condition at a past instant, or both. `definition`: which text was asked, that of then,
    the first that was kept (then is not known), or today's.
    """

    name: str
    titles: Titles
    since: str | None
    by: Literal["snapshot", "condition", "both"]
    definition: Literal["then", "first", "today"]


class Merged(Shape):
    """A person who became part of this one."""

    person: str
    first_seen: str
    id: Named | None


class OtherThen(Shape):
    """Somebody who is one with the person today and was not then; `person` null: without an id of their own."""

    person: str | None
    identities: list[Identity]


class EventsThen(Shape):
    """Of today's person's `events` before an instant: known to be `theirs` by then, or `others'`, and `unheard` ones.

    Null where it is not known who they were.
    """

    events: int
    unheard: int
    theirs: int | None
    others: int | None


class WhoThen(Shape):
    """Who the person was at a past instant. `known` false: it cannot be told, `unknown` says why.

    `same`: they are who they were. `others`: who is one with them today and was not then.
    """

    known: bool
    unknown: str
    same: bool
    events: EventsThen
    others: list[OtherThen]


class Person(Shape):
    """A portrait. `view`: by what was known at `as_of`, or by what is true of it.

    Of a past instant `identities` and `merges` are those of `then`, and by what was known `person` too (`today`: the
    outward id today); `true` counts the events of everybody who is one with them today. `moved_since`: identifiers or
    events came or went since. `defined_later`: the tags that nobody had defined at `as_of`, as they began.
    """

    person: str
    today: str
    as_of: str
    view: Literal["known", "true"]
    moved_since: bool
    defined_later: list[str]
    masked: bool
    header: PersonHeader
    tags: list[TagGroup]
    attributes: list[Attribute]
    identities: list[Identity]
    audiences: list[MemberOf]
    merges: list[Merged]
    then: WhoThen | None


class DiffAsked(Shape):
    """Between which instants (`until` empty: now), and by which view of the past ones."""

    since: Instant
    until: Instant = ""
    view: View = ""


class Differs(Shape):
    """An attribute, tag or audience that was added, went, or has another value; null: there is none."""

    key: str
    titles: Titles
    what: Literal["added", "gone", "changed"]
    before: Any
    after: Any


class TagDiffers(Differs):
    """A tag; of one that gives several labels the values are lists of them, the greatest weight first."""

    type: str


class IdentifierDiffers(Shape):
    """An identifier that came or went; `was`: whose it was known to be before, null: nobody had heard of it."""

    kind: str
    value: str
    what: Literal["added", "gone"]
    was: str | None


class PersonDiff(Shape):
    """What is otherwise of a person at `until` than at `since`: `changes` differences in all.

    `unknown`: why it is not known who they were at `since`; empty when it is.
    """

    person: str
    today: str
    since: str
    until: str
    view: Literal["known", "true"]
    unknown: str
    attributes: list[Differs]
    tags: list[TagDiffers]
    audiences: list[Differs]
    identifiers: list[IdentifierDiffers]
    changes: int
    masked: bool


class Erased(Shape):
    """What was erased."""

    person: str
    rows: int
    segments: int
    exports_deleted: int
    at: str


class Exported(Shape):
    """A file with everything that is kept about a person."""


async def _exported(made: Call) -> Response:
    """The file as a download."""
    answer = await asyncio.to_thread(
        call, made.workspace, "person export", dict(made.arguments), silent, made.caller
    )
    body = json.dumps(answer["content"], ensure_ascii=False, indent=1, default=str)
    return Response(
        body,
        media_type="application/json",
        headers={
            "content-disposition": f'attachment; filename="person-{answer["person"]}.json"',
            "cache-control": "no-store",
        },
    )


_ROW = {
    "person": "n6yfn5sgmkdhhx4o6v2a7hlz", "name": "张***", "id": {"kind": "user", "value": "m-00042"},
    "contact": {"kind": "phone", "value": "•••• 8000"},
    "tags": [{"key": "value_tier", "titles": {"en": "Value tier", "zh": "价值层级"}, "value": "high"}],
    "first_seen": "2025-03-02T09:15:00+00:00", "last_seen": "2026-05-30T08:00:00+00:00", "events": 214,
}  # fmt: skip

ROUTES = (
    Route(
        "GET",
        "/api/v1/people",
        "person list",
        Role.VIEWER,
        PersonPage,
        "people",
        asks=PeopleAsked,
        example={
            "answer": {
                "people": [_ROW],
                "next": None,
                "total": 1,
                "everybody": 3407,
                "where": "value_tier = 'high'",
                "sort": "last_seen",
                "as_of": "2026-06-01T00:00:00+00:00",
                "masked": True,
            }
        },
    ),
    Route("GET", "/api/v1/people/{id}", "person show", Role.VIEWER, Person, "people", asks=PersonAsked),
    Route(
        "GET", "/api/v1/people/{id}/diff", "person diff", Role.VIEWER, PersonDiff, "people", asks=DiffAsked
    ),
    Route(
        "GET",
        "/api/v1/people/{id}/export",
        "person export",
        Role.ADMIN,
        Exported,
        "people",
        handle=_exported,
        answers_file="application/json",
    ),
    Route(
        "DELETE", "/api/v1/people/{id}", "person erase", Role.ADMIN, Erased, "people", effect=True, job=True
    ),
)
