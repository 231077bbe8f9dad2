"""Routes of data: sources, events, what was set aside, imports, runs, identity in numbers, and the search."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import (
    AnyJson,
    Call,
    Cursor,
    Expression,
    Instant,
    Limit,
    Name,
    Paged,
    Route,
    Shape,
)
from limner.errors import InputError
from limner.types import silent
from limner.workspace import uploads
from limner.workspace.calling import call

Text = Annotated[str, Field(max_length=100_000)]
Short = Annotated[str, Field(max_length=200)]
UploadId = Annotated[
    str, Field(min_length=1, max_length=60, description="The id that the upload's answer gave.")
]
FileName = Annotated[
    str, Field(max_length=1_000, description="What the file is called; its ending tells its kind.")
]
Status = Literal["running", "done", "failed", "cancelled"]


class Source(Shape):
    """Somewhere events come from; received = stored + duplicate + quarantined + rejected."""

    name: str
    kind: Literal["segment", "import"]
    key_tail: str
    enabled: bool
    created_at: str
    received: int
    stored: int
    duplicate: int
    quarantined: int
    rejected: int
    first_event_at: str | None
    last_event_at: str | None


class SourcePage(Shape):
    """Sources in the order in which they were made."""

    sources: list[Source]
    next: str | None


class Reason(Shape):
    """Why something was set aside: how many, how many of them rows of files, and one message for example."""

    code: str
    n: int
    of_files: int
    last_at: str
    message: str


class Refused(Shape):
    """How many requests were refused with a code."""

    code: str
    n: int


class SourceChecked(Source):
    """Whether the first event has come; what was set aside in the last 7 days, and what was ever refused."""

    received_first_event: bool
    aside_lately: list[Reason]
    refused: list[Refused]
    at: str


class NewSource(Shape):
    """A source to be made."""

    name: Name
    kind: Literal["segment", "import"] = "segment"


class SourceKey(Shape):
    """A source's write key, shown this once."""

    name: str
    kind: str
    write_key: str


class RotatedKey(Shape):
    """A source's new write key, shown this once; the old one works no more."""

    name: str
    write_key: str


class Counters(Shape):
    """The counters of each source by name, and warnings by code."""

    sources: dict[str, dict[str, int]]
    warnings: dict[str, int]


class EventRow(Shape):
    """One event as it is kept; `person` is null when it names nobody."""

    id: str
    event: str
    at: str
    received_at: str
    source: str
    person: str | None
    properties: AnyJson


class EventPage(Shape):
    """Events as they arrived, newest first. Give `newest` as `after` to ask what came since; `skipped` were more."""

    events: list[EventRow]
    next: str | None
    newest: str | None
    skipped: int


class EventsAsked(Shape):
    """Which events."""

    event: Short = ""
    source: Short = ""
    person: Annotated[str, Field(max_length=300, description="A user id, kind:value, or person:ID.")] = ""
    since: Instant = ""
    limit: Limit = 50
    cursor: Cursor = ""
    after: Cursor = ""


class EventName(Shape):
    """One event name: how many, first and last time, and how many from each source."""

    name: str
    count: int
    first_at: str
    last_at: str
    by_source: dict[str, int]


class EventNames(Shape):
    """Event names, the most frequent first."""

    names: list[EventName]
    next: str | None


class SummaryAsked(Shape):
    """What of the events is counted, summed and grouped."""

    where: Expression = ""
    by: list[str] = Field(default_factory=list, max_length=5)
    sum: Short = ""
    distinct: Short = ""


class Summary(Shape):
    """How many events, with an exact sum and distinct values where they were asked for; groups of at most 1,000."""

    events: int
    sum: str | None = None
    distinct: int | None = None
    groups: list[AnyJson] | None = None
    more_groups: int | None = None


class AsideRow(Shape):
    """One event that was set aside; `file` when it is a row of a file, which comes in by importing again."""

    id: str
    received_at: str
    source: str
    code: str
    path: str | None
    message: str
    raw: str
    file: str | None


class AsidePage(Shape):
    """What was set aside, newest first, and how many there are of each reason."""

    events: list[AsideRow]
    reasons: list[Reason]
    next: str | None


class AsideAsked(Paged):
    """Which of what was set aside."""

    code: Short = ""
    source: Short = ""


class ReplayAsked(Shape):
    """What is to be tried again: these ids, or all of a code, a source; without any, everything."""

    ids: list[Annotated[str, Field(max_length=40)]] = Field(default_factory=list, max_length=10_000)
    code: Short = ""
    source: Short = ""


class Replayed(Shape):
    """tried = stored + duplicate + stayed; rows of files and conflicting repetitions were not tried."""

    tried: int
    stored: int
    duplicate: int
    stayed: int
    of_files: int
    conflicts: int


class UploadAsked(Shape):
    """The file's name."""

    name: FileName = "upload.csv"


class Uploaded(Shape):
    """A file that waits to be imported until `expires_at`."""

    upload: str
    name: str
    bytes: int
    notes: list[str]
    sheets: list[str]
    expires_at: str


class GuessAsked(Shape):
    """Which upload, and how it is written where that is not found out."""

    upload: UploadId
    encoding: Annotated[str, Field(max_length=40)] = ""
    sheet: Short = ""


class FormEvent(Shape):
    """What event a row is: none, one name, by a column, or by cases that only the text can say."""

    kind: Literal["none", "name", "column", "cases"]
    name: Short
    cases: list[str]


class FormTime(Shape):
    """How the time's column is read."""

    format: Annotated[str, Field(max_length=100)]
    zone: Annotated[str, Field(max_length=100)]


class FormColumn(Shape):
    """What one column is. `name`: of the key, property or attribute; `attribute`: under which a key is kept too."""

    column: Annotated[str, Field(max_length=10_000)]
    role: Literal["user_id", "device_id", "key", "time", "event", "property", "attribute", "ignore"]
    name: Annotated[str, Field(max_length=10_000)]
    attribute: Short
    type: Literal["", "text", "number", "money", "flag", "instant"]
    format: Annotated[str, Field(max_length=100)]
    zone: Annotated[str, Field(max_length=100)]
    without: Annotated[str, Field(max_length=100)]
    once: bool
    otherwise: bool


class FormMore(Shape):
    """A field that only the text can say; it stays as long as it is listed."""

    section: Literal["properties", "attributes"]
    name: str
    text: str


class MappingForm(Shape):
    """A mapping as a form: one role for each column."""

    source: Short
    event: FormEvent
    time: FormTime | None
    currency: Annotated[str, Field(max_length=3)]
    columns: list[FormColumn] = Field(max_length=2_000)
    more: list[FormMore] = Field(max_length=2_000)


class MappingProblem(Shape):
    """What is wrong in a mapping, and where: lines and columns count from 1."""

    line: int
    column: int
    message: str
    hint: str | None
    code: str


class SampleRow(Shape):
    """What one row becomes, or why it does not."""

    line: int
    status: Literal["fits", "quarantined", "rejected"]
    event: str | None
    at: str | None
    person: AnyJson
    properties: AnyJson
    attributes: AnyJson
    code: str | None
    message: str | None


class Sample(Shape):
    """What the first rows become; `whole`: they are the whole file."""

    rows: int
    whole: bool
    fits: int
    reasons: dict[str, int]
    shown: list[SampleRow]


class MappingChecked(Shape):
    """A mapping's text and form, what is wrong in it, and what it makes of the first rows."""

    mapping: str
    form: MappingForm | None
    columns: list[str]
    problems: list[MappingProblem]
    sample: Sample | None


class Question(Shape):
    """What to look at in a guessed mapping: a column and the ways in which it could be read."""

    code: str
    column: str
    choices: list[str]


class Held(Shape):
    """What a column holds in the first rows."""

    column: str
    type: str
    filled: int
    rows: int
    examples: list[str]


class Before(Shape):
    """The very same file was imported."""

    at: str
    file: str
    stored: int


class Earlier(Shape):
    """An earlier import whose mapping fits this file."""

    id: str
    file: str
    at: str
    mapping: str


class Guessed(MappingChecked):
    """A guessed mapping, with what is to be looked at in it."""

    questions: list[Question]
    held: list[Held]
    notes: list[str]
    sheets: list[str]
    before: Before | None
    earlier: Earlier | None


class MappingAsked(Shape):
    """Which upload and mapping; with a form, the mapping is made to say it first."""

    upload: UploadId
    mapping: Text
    form: MappingForm | None = None


class ImportAsked(Shape):
    """Which upload is imported by which mapping; `auto` guesses one of a file of people."""

    upload: UploadId
    mapping: Text = "auto"
    name: FileName = ""


class BadLine(Shape):
    """One of the first hundred rows that were not taken."""

    line: int
    status: str
    code: str
    path: str
    message: str


class ImportReport(Shape):
    """What became of a file's rows: received = stored + duplicate + quarantined + rejected."""

    code: str
    message: str
    received: int
    stored: int
    duplicate: int
    quarantined: int
    rejected: int
    reasons: dict[str, int]
    warnings: dict[str, int]
    notes: list[str]
    lines: list[BadLine]


class Imported(ImportReport):
    """The report of an import that has ended well."""

    id: str
    file: str
    digest: str
    source: str


class Import(Shape):
    """One import. `upload` is null when the file is not kept any more; `lines_kept`: its bad lines can be fetched."""

    id: str
    file: str
    source: str
    status: Status
    at: str
    ended_at: str | None
    by: str
    mapping: str
    upload: str | None
    digest: str
    bad: int
    lines_kept: bool
    report: ImportReport


class ImportPage(Shape):
    """Imports, the latest first."""

    imports: list[Import]
    next: str | None


class DirectAsked(Shape):
    """The file's name; its mapping is guessed, as for a file of people."""

    name: FileName = "upload.csv"
    map: Literal["auto"] = "auto"


class LinesFile(Shape):
    """The file of bad lines: line, status, code, where, message, row."""


class Run(Shape):
    """Something that was computed, imported or sent. `eta_seconds`: while it goes on, by what such runs take."""

    run: str
    what: str
    subject: str
    status: Status
    started_at: str
    seconds: float | None
    eta_seconds: float | None
    detail: AnyJson


class RunPage(Shape):
    """Runs, the latest first."""

    runs: list[Run]
    next: str | None


class Schedule(Shape):
    """What is done by itself at the times of a cron line."""

    what: str
    subject: str
    cron: str
    zone: str
    next: list[str]
    done_at: str | None
    last_status: Status | None
    last_at: str | None


class SchedulePage(Shape):
    """Schedules, the next due first."""

    schedules: list[Schedule]


class Alert(Shape):
    """What went wrong by itself."""

    id: int
    at: str
    what: str
    detail: AnyJson


class AlertPage(Shape):
    """Alerts, the latest first."""

    alerts: list[Alert]
    next: str | None


class IdentifierKind(Shape):
    """How many identifiers of a kind, and of how many people."""

    kind: str
    n: int
    people: int


class LinkDay(Shape):
    """How many ties between identifiers appeared on a day (UTC)."""

    day: str
    login: int
    key: int
    alias: int


class Blocked(Shape):
    """A placeholder that names nobody, and how often it came."""

    value: str
    n: int


class IdentityNumbers(Shape):
    """Who is who, in numbers. `named`: people with more than a device; `merged`: found to be somebody else."""

    people: int
    named: int
    merged: int
    erased: int
    identifiers: list[IdentifierKind]
    shared_devices: int
    links: list[LinkDay]
    blocked: list[Blocked]
    keys: list[str]
    at: str


class SearchAsked(Shape):
    """A few letters."""

    q: Short = ""
    limit: Annotated[int, Field(ge=1, le=50)] = 20


class Found(Shape):
    """Something that the letters name; `titles` in the languages of its file."""

    kind: str
    id: str
    title: str
    titles: dict[str, str]
    note: str


class FoundList(Shape):
    """What was found, the best first."""

    results: list[Found]


@asynccontextmanager
async def received(made: Call, name: str) -> AsyncIterator[str]:
    """The id of the upload that the request's body became; it is dropped when the block fails."""
    workspace = made.workspace
    limit = workspace.config.limits.import_bytes
    too_large = InputError(
        f"the file is larger than the limit of {limit} bytes", code="file_too_large", status=413
    )
    length = made.request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > limit:
        raise too_large
    upload, path = await asyncio.to_thread(uploads.place, workspace.paths, name, now=workspace.clock())
    try:
        with path.open("wb") as file:
            size = 0
            async for block in made.request.stream():
                size += len(block)
                if size > limit:
                    raise too_large
                await asyncio.to_thread(file.write, block)
        yield upload
    except BaseException:
        await asyncio.to_thread(uploads.drop, workspace.paths, upload)
        raise


async def uploaded(made: Call) -> Response:
    """The upload that the body became."""
    name = made.arguments.get("name", "upload.csv")
    async with received(made, name) as upload:
        answer = await asyncio.to_thread(
            call, made.workspace, "upload add", {"upload": upload}, silent, made.caller
        )
    return JSONResponse(answer)


async def imported(made: Call) -> Response:
    """The report of the body's import."""
    name = made.arguments.get("name", "upload.csv")
    async with received(made, name) as upload:
        path = uploads.find(made.workspace.paths, upload).path
        arguments: dict[str, Any] = {"file": str(path), "map": "auto"}
        answer = await asyncio.to_thread(call, made.workspace, "import", arguments, silent, made.caller)
        await asyncio.to_thread(uploads.drop, made.workspace.paths, upload)
    return JSONResponse(answer)


async def bad_lines(made: Call) -> Response:
    """The bad lines of an import as a file."""
    answer = await asyncio.to_thread(
        call, made.workspace, "import lines", made.arguments, silent, made.caller
    )
    return FileResponse(
        answer["path"],
        media_type="text/csv",
        filename=f"{Path(answer['file']).stem}-bad-lines.csv",
        headers={"cache-control": "no-store"},
    )


_SOURCE = {
    "name": "website", "kind": "segment", "key_tail": "3fKq", "enabled": True,
    "created_at": "2026-05-01T08:00:00+00:00", "received": 120, "stored": 117, "duplicate": 2, "quarantined": 1,
    "rejected": 0, "first_event_at": "2026-05-01T08:04:11+00:00", "last_event_at": "2026-05-02T09:30:00+00:00",
}  # fmt: skip

_UPLOAD = "20260501T080000Z-0123456789ab"
_MAPPING = "source: crm\nperson: {user_id: user_id}\nevent: none\nattributes:\n  city: city\n"

ROUTES = (
    Route(
        "GET",
        "/api/v1/sources",
        "source list",
        Role.VIEWER,
        SourcePage,
        "sources",
        asks=Paged,
        pages=("sources", "name"),
        example={"answer": {"sources": [_SOURCE], "next": None}},
    ),
    Route(
        "POST",
        "/api/v1/sources",
        "source add",
        Role.ADMIN,
        SourceKey,
        "sources",
        takes=NewSource,
        example={"body": {"name": "website", "kind": "segment"}},
    ),
    Route("POST", "/api/v1/sources/{name}/rotate", "source rotate", Role.ADMIN, RotatedKey, "sources"),
    Route("POST", "/api/v1/sources/{name}/disable", "source disable", Role.ADMIN, Source, "sources"),
    Route("POST", "/api/v1/sources/{name}/enable", "source enable", Role.ADMIN, Source, "sources"),
    Route("GET", "/api/v1/sources/{name}/check", "source check", Role.VIEWER, SourceChecked, "sources"),
    Route("GET", "/api/v1/counters", "counters", Role.VIEWER, Counters, "sources"),
    Route("GET", "/api/v1/events", "event list", Role.OPERATOR, EventPage, "events", asks=EventsAsked),
    Route(
        "GET",
        "/api/v1/events/names",
        "event names",
        Role.VIEWER,
        EventNames,
        "events",
        asks=Paged,
        pages=("names", "name"),
    ),
    Route(
        "GET", "/api/v1/events/summary", "event summary", Role.VIEWER, Summary, "events", asks=SummaryAsked
    ),
    Route(
        "GET",
        "/api/v1/quarantine",
        "event quarantine",
        Role.OPERATOR,
        AsidePage,
        "events",
        asks=AsideAsked,
    ),
    Route(
        "POST",
        "/api/v1/quarantine/replay",
        "quarantine replay",
        Role.OPERATOR,
        Replayed,
        "events",
        takes=ReplayAsked,
        effect=True,
        job=True,
        example={"body": {"code": "missing_event"}},
    ),
    Route(
        "POST",
        "/api/v1/uploads",
        "upload add",
        Role.OPERATOR,
        Uploaded,
        "imports",
        asks=UploadAsked,
        upload=True,
        handle=uploaded,
    ),
    Route(
        "POST",
        "/api/v1/imports/guess",
        "import guess",
        Role.OPERATOR,
        Guessed,
        "imports",
        takes=GuessAsked,
        example={"body": {"upload": _UPLOAD}},
    ),
    Route(
        "POST",
        "/api/v1/imports/check",
        "import check",
        Role.OPERATOR,
        MappingChecked,
        "imports",
        takes=MappingAsked,
        example={"body": {"upload": _UPLOAD, "mapping": _MAPPING}},
    ),
    Route(
        "POST",
        "/api/v1/imports",
        "import upload",
        Role.OPERATOR,
        Imported,
        "imports",
        takes=ImportAsked,
        effect=True,
        job=True,
        example={"body": {"upload": "20260501T080000Z-0123456789ab", "mapping": "auto"}},
    ),
    Route(
        "POST",
        "/api/v1/imports/direct",
        "import",
        Role.OPERATOR,
        Imported,
        "imports",
        asks=DirectAsked,
        upload=True,
        handle=imported,
    ),
    Route("GET", "/api/v1/imports", "import list", Role.OPERATOR, ImportPage, "imports", asks=Paged),
    Route("GET", "/api/v1/imports/{id}", "import show", Role.OPERATOR, Import, "imports"),
    Route(
        "GET",
        "/api/v1/imports/{id}/lines",
        "import lines",
        Role.OPERATOR,
        LinesFile,
        "imports",
        handle=bad_lines,
        answers_file="text/csv",
    ),
    Route("GET", "/api/v1/runs", "run list", Role.VIEWER, RunPage, "runs", asks=Paged),
    Route("GET", "/api/v1/schedules", "schedule list", Role.VIEWER, SchedulePage, "runs"),
    Route("GET", "/api/v1/alerts", "alert list", Role.VIEWER, AlertPage, "runs", asks=Paged),
    Route("GET", "/api/v1/identity", "identity show", Role.VIEWER, IdentityNumbers, "people"),
    Route("GET", "/api/v1/search", "search", Role.VIEWER, FoundList, "search", asks=SearchAsked),
)
