"""Routes of contacts: staff and their customers, channel codes, menus, and tags on both sides."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Call, Cursor, Limit, Name, Nothing, Paged, Route, Shape
from limner.workspace import coding

Platform = Literal["wecom", "official_account"]
_STAFF, _CODES, _SYNC = "/api/v1/staff", "/api/v1/codes", "/api/v1/tag-sync"


class StaffRow(Shape):
    """A member of staff: how many customers they know, own and are handing over, and how many tasks wait."""

    staff: str
    name: str
    left_at: str | None
    customers: int
    owned: int
    going: int
    tasks: int


class HandOver(Shape):
    """Customers who were to be handed over, and what became of them."""

    giver: str
    taker: str
    resigned: bool
    status: Literal["waiting", "done", "refused"]
    reason: str
    customers: int
    at: str


class GroupChat(Shape):
    """A customer group."""

    chat: str
    name: str
    owner: str
    customers: int


class StaffPage(Shape):
    """Everybody of the staff; `configured`: whether WeCom can be asked."""

    staff: list[StaffRow]
    hand_overs: list[HandOver]
    groups: list[GroupChat]
    configured: bool


class StaffCustomer(Shape):
    """A customer of a member of staff; `scene`: of the code by which they came; `tags`: how many they have there."""

    person: str | None
    called: str
    since: str
    scene: str
    owns: bool
    tags: int


class StaffCustomers(Shape):
    """A page of the customers of a member of staff."""

    staff: str
    total: int
    customers: list[StaffCustomer]
    next: str | None


class StaffTask(Shape):
    """What a journey asks the owner of a customer to do; `staff` is empty where nobody owns them."""

    id: int
    journey: str
    person: str
    called: str
    customer: str
    staff: str
    text: str
    to: str
    since: str
    until: str | None
    late: bool


class StaffTasks(Shape):
    """Tasks of one member of staff, or of everybody."""

    staff: str
    tasks: list[StaffTask]


class StaffTasksAsked(Shape):
    """Whose tasks."""

    staff: Annotated[str, Field(max_length=200)] = ""


class HandOverAsked(Shape):
    """To whom the customers go; `message`: what they are told, where the giver has not left the company."""

    taker: Name
    message: Annotated[str, Field(max_length=200)] = ""
    dry_run: bool = False


class HandedOver(Shape):
    """How many customers were asked to be handed over, and how many the platform refused at once."""

    giver: str
    taker: str
    resigned: bool
    customers: int
    waiting: int
    refused: int


class ContactsSynced(Shape):
    """What was read from the platform."""

    staff: int
    customers: int
    chats: int


class ContactsSettled(Shape):
    """How many messages ended and customers were settled."""

    messages: int
    customers: int


class CodeProblem(Shape):
    """What is wrong in a file."""

    where: str | None
    message: str
    code: str
    hint: str | None = None


class CodeRow(Shape):
    """A channel code: what its file wants, what there is at the platform, what is to be done, and who came by it."""

    name: str
    kind: str
    titles: dict[str, str]
    scene: str
    staff: list[str]
    lasts: str
    made: bool
    ends_at: str | None
    todo: Literal["", "make", "change", "remove"]
    people: int


class CodePage(Shape):
    """Every code, and what is wrong with files."""

    codes: list[CodeRow]
    problems: list[CodeProblem]


class CodeAsked(Shape):
    """What the file of a code says."""

    kind: Platform = "wecom"
    title: Annotated[str, Field(max_length=200)] = ""
    scene: Annotated[str, Field(max_length=64)] = ""
    staff: Annotated[list[Name], Field(max_length=100)] = Field(default_factory=list)
    skip_verify: bool = True
    lasts: Annotated[str, Field(max_length=40)] = ""


class CodeSaved(Shape):
    """The file is written; `todo`: what the platform must be told."""

    name: str
    scene: str
    todo: Literal["", "make", "change"]


class CodesApplyAsked(Shape):
    """Which codes (default: all), and whether only to say what would be done."""

    only: Annotated[list[Name], Field(max_length=1_000)] = Field(default_factory=list)
    dry_run: bool = False


class CodesApplied(Shape):
    """What was made, changed and removed at the platforms."""

    dry_run: bool
    made: list[str]
    changed: list[str]
    removed: list[str]


class MenuApplied(Shape):
    """How many entries the first level of the menu has."""

    entries: int


class MappedTag(Shape):
    """A tag of ours, and the platform's tags that its values are."""

    key: str
    group: str
    wins: Literal["ours", "theirs", "newest"]
    values: dict[str, str]


class SyncPlatform(Shape):
    """A platform whose tags may be ours; `began`: the sides were made to agree at least once."""

    platform: Platform
    there: bool
    tags: list[MappedTag]
    began: bool
    problem: str


class SyncPage(Shape):
    """Every platform."""

    platforms: list[SyncPlatform]


class SyncTag(Shape):
    """What would change of one tag: there (added, removed), here (people), conflicts, and what nobody can decide."""

    key: str
    group: str
    wins: Literal["ours", "theirs", "newest"]
    out_added: int
    out_removed: int
    in_people: int
    conflicts: int
    clashes: int


class NewTag(Shape):
    """A tag that would be made at the platform."""

    group: str
    name: str


class SyncConflict(Shape):
    """Both sides say something else of one customer."""

    staff: str
    customer: str
    key: str
    ours: list[str]
    theirs: list[str]
    way: Literal["out", "in", "clash"]
    why: str


class SyncPlan(Shape):
    """What making both sides agree would change."""

    platform: Platform
    pairs: int
    added: int
    removed: int
    in_people: int
    tags: list[SyncTag]
    new_tags: list[NewTag]
    tags_after: int
    most_tags: int
    too_many: bool
    conflicts: list[SyncConflict]
    began: bool


class SyncRefused(Shape):
    """A customer whom the platform refused, and why."""

    staff: str
    customer: str
    key: str
    why: str


class SyncDone(Shape):
    """What was done; `stopped`: why it broke off, to go on the next time."""

    pairs: int
    added: int
    removed: int
    in_people: int
    refused: list[SyncRefused]
    refused_total: int
    stopped: str


class SyncRun(SyncPlan):
    """What was to be changed, and what was."""

    done: SyncDone


class SyncChange(Shape):
    """Who was changed on which side (`out`: theirs), from what to what, and why."""

    id: int
    run: str
    at: str
    staff: str
    customer: str
    key: str
    way: Literal["out", "in"]
    before: str
    after: str
    why: str


class SyncChanges(Shape):
    """A page of changes, the latest first."""

    platform: Platform
    changes: list[SyncChange]
    next: str | None


class SyncChangesAsked(Shape):
    """Which page."""

    limit: Limit = 50
    cursor: Cursor = ""


async def _picture(made: Call) -> Response:
    """The picture as a download."""
    name = str(made.arguments["name"])
    body, kind = await asyncio.to_thread(coding.code_picture, made.workspace, name)
    ending = "jpg" if "jpeg" in kind or "jpg" in kind else "png"
    return Response(
        body,
        media_type=kind,
        headers={
            "content-disposition": f'attachment; filename="{name}.{ending}"',
            "cache-control": "no-store",
        },
    )


ROUTES = (
    Route("GET", _STAFF, "staff list", Role.VIEWER, StaffPage, "staff"),
    Route("GET", "/api/v1/staff-tasks", "staff tasks", Role.VIEWER, StaffTasks, "staff", asks=StaffTasksAsked),
    Route(
        "POST", "/api/v1/contacts/sync", "contact sync",
        Role.OPERATOR, ContactsSynced, "staff", takes=Nothing, job=True, effect=True,
    ),
    Route(
        "POST", "/api/v1/contacts/settle", "contact settle",
        Role.OPERATOR, ContactsSettled, "staff", takes=Nothing, job=True, effect=True,
    ),
    Route(
        "GET", f"{_STAFF}/{{staff}}/customers", "staff customers",
        Role.VIEWER, StaffCustomers, "staff", asks=Paged,
    ),
    Route(
        "POST", f"{_STAFF}/{{giver}}/hand-over", "staff hand over", Role.ADMIN, HandedOver, "staff",
        takes=HandOverAsked, effect=True, example={"body": {"taker": "mei", "dry_run": True}},
    ),
    Route("GET", _CODES, "code list", Role.VIEWER, CodePage, "codes"),
    Route(
        "POST", f"{_CODES}/apply", "code apply", Role.OPERATOR, CodesApplied, "codes",
        takes=CodesApplyAsked, effect=True, example={"body": {"dry_run": True}},
    ),
    Route(
        "PUT", f"{_CODES}/{{name}}", "code save", Role.OPERATOR, CodeSaved, "codes",
        takes=CodeAsked, example={"body": {"kind": "wecom", "scene": "store7", "staff": ["wei"]}},
    ),
    Route(
        "GET", f"{_CODES}/{{name}}/picture", "code list", Role.VIEWER, CodePage, "codes",
        handle=_picture, answers_file="image/png",
    ),
    Route(
        "POST", "/api/v1/menus/official_account/apply", "menu apply",
        Role.OPERATOR, MenuApplied, "codes", takes=Nothing, effect=True,
    ),
    Route("GET", _SYNC, "sync list", Role.VIEWER, SyncPage, "tags"),
    Route(
        "POST", f"{_SYNC}/{{platform}}/plan", "sync plan",
        Role.OPERATOR, SyncPlan, "tags", takes=Nothing, reads=True,
    ),
    Route(
        "POST", f"{_SYNC}/{{platform}}/run", "sync run",
        Role.ADMIN, SyncRun, "tags", takes=Nothing, effect=True,
    ),
    Route(
        "GET", f"{_SYNC}/{{platform}}/changes", "sync changes",
        Role.OPERATOR, SyncChanges, "tags", asks=SyncChangesAsked,
    ),
)  # fmt: skip
