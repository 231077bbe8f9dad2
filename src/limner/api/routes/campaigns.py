"""Routes of campaigns: planned, checked, approved, sent, stopped, and what each changed."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.approvals import Approval
from limner.api.routes.definitions import MistakeAt, Text
from limner.api.routes.route import Call, Entry, Name, Paged, Route, Shape, Titles
from limner.api.routes.timing import Chosen
from limner.channels.kinds import ChannelKind
from limner.types import silent
from limner.workspace.calling import call

Status = Literal["draft", "scheduled", "missed", "running", "paused", "stopped", "done", "broken"]
Share = Annotated[float, Field(ge=0, le=1)]


class Goal(Shape):
    """What a campaign is for: this event, where this holds, within this time; `money`: the property earned."""

    metric: str = ""
    event: str = ""
    where: str = ""
    money: str = ""
    within: str = "14 days"


class Cap(Shape):
    """At most so many messages of one class to one person in so much time."""

    messages: int
    per: str


class Hold(Shape):
    """When a send holds itself: a tag is older than `older`, or the audience moved by more than `moved`, a share."""

    older: str | None = None
    moved: float | None = None


class Variant(Shape):
    """Another text for those for whom `when` is true."""

    name: str
    when: str
    template: str
    subject: str = ""
    text: str = ""
    templates: Annotated[dict[str, str], Field(default_factory=dict)]


class Picks(Shape):
    """A list of what each person is shown next: where it comes from, how many, and what is left out."""

    from_: str = Field(default="content", alias="from")
    count: int = 3
    only: list[str] = Field(default_factory=list)
    where: str = ""
    by: list[str] = Field(default_factory=list)
    leave_out: list[str] = Field(default_factory=list)
    popular: str = ""
    popularity: float = 0.3
    least: int = 1


class CampaignFields(Shape):
    """Everything that a campaign's file can say, as a form shows it."""

    title: Titles
    scene: str = ""
    audience: str
    holdout: float
    channel: str
    class_: str = Field(alias="class")
    template: str
    templates: dict[str, str]
    subject: str
    text: str
    subject_prefix: str
    goal: Goal | None
    cap: Cap | None
    quiet_hours: list[str] | None
    schedule: str
    when: Literal["", "best hour"]
    within: str
    response_value: float | None
    hold: Hold | None = None
    from_: str = Field(alias="from")
    seed: str
    variants: list[Variant]
    picks: dict[str, Picks]
    owner: str
    why: str


class Counts(Shape):
    """Where everybody is: audience = held out + suppressed (by reason) + waiting + sent + failed + in doubt."""

    audience: int
    held_out: int
    suppressed: dict[str, int]
    waiting: int
    sent: int
    failed: int
    in_doubt: int


class CampaignRow(Shape):
    """A campaign in the list. `people`: of the last sending; before the first, the audience's now."""

    name: str
    titles: Titles
    status: Status
    reason: str
    audience: str | None
    channel: str | None
    class_: str | None = Field(alias="class")
    holdout: float | None
    schedule: str
    next_at: str | None
    entry: str | None
    started_at: str | None
    people: int | None
    sent: int
    waiting: int
    goal: bool
    owner: str
    problem: str | None


class CampaignPage(Shape):
    """Campaigns by name, counted as of `as_of`."""

    campaigns: list[CampaignRow]
    next: str | None
    as_of: str
    zone: str


class CampaignsAsked(Paged):
    """Which campaigns."""

    q: Annotated[str, Field(max_length=200)] = ""
    status: Literal["", Status] = ""


class Sending(Counts):
    """One entry of a campaign; `exact`: nobody is missing and nobody stands twice."""

    entry: str
    status: Literal["running", "stopped", "paused", "done"]
    reason: str
    started_at: str
    ended_at: str | None
    as_of: str
    holdout: float
    exact: bool


class Campaign(Shape):
    """A campaign: its file, its sendings, and when the next one is. `text` is null when the file is gone."""

    name: str
    titles: Titles
    text: str | None
    etag: str | None
    fields: CampaignFields | None
    problems: list[MistakeAt]
    status: Status
    next: list[str]
    missed_at: str | None
    zone: str
    approval_people: int
    entries: list[Sending]
    entries_total: int
    read_only: bool


class FormAsked(Shape):
    """A campaign's text."""

    name: Name
    text: Text


class Form(Shape):
    """The fields of a text (null when it cannot be read), and the next instants of its schedule."""

    name: str
    fields: CampaignFields | None
    problems: list[MistakeAt]
    next: list[str]


class CampaignTextAsked(Shape):
    """Fields to be set in a text (keys of the file); null or empty ones are taken away."""

    name: Name
    fields: dict[str, Any]
    text: Text = ""


class CampaignText(Form):
    """The text with the fields; comments survive."""

    text: str


class PowerAsked(Shape):
    """An experiment that is planned. `people` and `baseline`: -1 counts and estimates them."""

    audience: Annotated[str, Field(max_length=100_000)] = ""
    people: Annotated[int, Field(ge=-1)] = -1
    holdout: float = 0.1
    baseline: Annotated[float, Field(ge=-1, le=1)] = -1.0
    days: int = 14
    event: Annotated[str, Field(max_length=200)] = ""
    where: Annotated[str, Field(max_length=100_000)] = ""
    metric: Annotated[str, Field(max_length=200)] = ""
    channel: Literal[""] | ChannelKind = ""
    message_class: Literal["marketing", "service"] = "marketing"


class Baseline(Shape):
    """The share that converts anyway: `converted` of `people` between `from` and `until`; null with the reason
    (no_goal, short_history, little_history)."""

    share: float | None
    source: Literal["given", "history"] | None
    reason: Literal["no_goal", "short_history", "little_history"] | None
    people: int | None
    converted: int | None
    from_: str | None = Field(alias="from")
    until: str | None


WhyNothing = Literal["nobody_held_out", "nobody_treated", "no_baseline", "few_conversions", "too_few_people"]


class PowerAt(Shape):
    """What one holdout can show: a true rise of `difference` (a share) over the baseline, or why nothing."""

    holdout: float
    treated: int
    held_out: int
    difference: float | None
    reason: WhyNothing | None


class Power(PowerAt):
    """What a holdout can show, and others beside it. `enough`: conversions that each arm needs."""

    people: int
    eligible: int
    days: int
    baseline: Baseline
    curve: list[PowerAt]
    level: float
    power: float
    enough: int
    as_of: str


class PreviewAsked(Shape):
    """A campaign's text, and for whom to compose it; `templates`: texts that stand for files of templates/.

    `variant`: only those who get that text (empty: those for whom no variant is); *: everybody.
    """

    text: Text
    name: Name = "preview"
    person: Annotated[str, Field(max_length=300)] = ""
    variant: Annotated[str, Field(max_length=64)] = "*"
    n: int = 5
    skip: int = 0
    templates: Annotated[dict[str, Text], Field(default_factory=dict)]


class Composed(Shape):
    """A message as one person would get it; `missing`: what is missing for that person, so that none goes.

    `segments` and `cost`: of a text message, in the workspace's currency; a null cost: the settings name no price.
    """

    subject: str | None
    html: str | None
    text: str | None
    template_id: str | None
    data: dict[str, str] | None
    url: str | None
    segments: int | None
    cost: float | None
    missing: str | None


class PreviewOf(Composed):
    """One person's message, and what would become of it now; `channel`, `due_at`, `why`: what is chosen for them."""

    person: str
    name: str | None
    id: str | None
    to: str | None
    variant: str
    when: str | None
    channel: str | None
    due_at: str | None
    why: Chosen | None
    outcome: Literal["treated", "held_out", "suppressed", "not_in_audience"]
    reason: str | None
    later_at: str | None


class Preview(Shape):
    """A campaign's message as people of its audience would get it; `audience`: how many that is."""

    name: str
    audience: int
    skip: int
    as_of: str
    warnings: list[str]
    people: list[PreviewOf]


class CheckItem(Shape):
    """One item of the check list; the page says it in words."""

    code: Literal[
        "definition", "audience", "entry", "content", "channel", "consent", "address", "suppressed", "cap",
        "quiet_hours", "goal", "holdout", "tags", "approval", "scene",
    ]  # fmt: skip
    state: Literal["ok", "warn", "stop"]
    numbers: dict[str, float | int | None]
    words: dict[str, str]


class CheckAsked(Shape):
    """Which sending is to be checked."""

    entry: Entry = ""


class CheckList(Shape):
    """Everything that stands between a campaign and its people; `ready`: nothing but an approval is missing."""

    name: str
    entry: str
    ready: bool
    items: list[CheckItem]
    counts: Counts | None
    approval: Approval | None
    approval_people: int
    schedule: str
    as_of: str
    zone: str


class SendAsked(Shape):
    """Which sending; a dry run says where everybody would be and sends nothing."""

    entry: Entry = ""
    dry_run: bool = False


class Sent(Counts):
    """Where everybody is after sending. `approval`: '' none was needed, its id, or 'owner'."""

    name: str
    entry: str
    status: str = ""
    reason: str = ""
    dry_run: bool = False
    approval: str = ""


class EntryAsked(Shape):
    """Which sending; empty: whichever it applies to."""

    entry: Entry = ""


class Stopped(Shape):
    """The entries that were stopped: no further message leaves."""

    name: str
    stopped: list[str]


class CloneAsked(Shape):
    """The new campaign's name."""

    to: Name


class Cloned(Shape):
    """The new draft."""

    name: str
    from_: str = Field(alias="from")
    etag: str


class TestAsked(Shape):
    """Your own address, and whose data fill the message (default: the audience's first)."""

    to: Annotated[str, Field(min_length=1, max_length=300)]
    person: Annotated[str, Field(max_length=300)] = ""
    channel: Annotated[str, Field(max_length=20)] = ""


class Tested(Shape):
    """What the channel said to a message that is not counted; not `confirmed`: it leaves when staff let it go."""

    name: str
    channel: ChannelKind
    to: str
    outcome: str
    reason: str
    confirmed: bool


class SendingPeopleAsked(Paged):
    """Which people of which sending."""

    entry: Entry = ""
    who: Literal[
        "", "held_out", "suppressed", "waiting", "sent", "failed", "in_doubt", "opened", "clicked", "unsubscribed"
    ] = ""  # fmt: skip
    reason: Annotated[str, Field(max_length=500)] = ""


class SendingPerson(Shape):
    """What became of one person of a sending."""

    person: str
    name: str | None
    id: str | None
    status: Literal["held_out", "suppressed", "waiting", "sent", "failed", "in_doubt", "treated"]
    reason: str
    variant: str
    done_at: str | None
    opened_at: str | None
    clicked_at: str | None
    unsubscribed_at: str | None


class SendingPeople(Shape):
    """The people of a sending, by person id."""

    name: str
    entry: str
    people: list[SendingPerson]
    next: str | None


async def _begun(made: Call) -> Response:
    """202 and the job that sends; 409 at once when an approval is missing, before there is a job."""
    workspace, arguments, caller = made.workspace, dict(made.arguments), made.caller
    name = str(arguments["name"])
    if not arguments.get("dry_run"):
        asked = {"name": name, "entry": arguments.get("entry", "")}
        await asyncio.to_thread(call, workspace, "campaign ready", asked, silent, caller)
    job = await asyncio.to_thread(
        workspace.jobs.begin,
        "campaign send",
        name,
        caller,
        lambda progress: call(workspace, "campaign send", arguments, progress, caller),
    )
    return JSONResponse({"job": job}, status_code=202)


_ALL = "/api/v1/campaigns"
_ONE = f"{_ALL}/{{name}}"
_NOUN = "campaigns"
_OPERATOR, _VIEWER = Role.OPERATOR, Role.VIEWER
_TEXT = (
    "title: {en: Spring harvest, zh: 春茶上市}\naudience: recent_buyers\nholdout: 0.2\nsubject: 春茶上市\n"
    "template: spring_harvest.html\ngoal: {event: Order Paid, money: amount, within: 14 days}\n"
)

ROUTES = (
    Route("GET", _ALL, "campaign list", _VIEWER, CampaignPage, _NOUN, asks=CampaignsAsked),
    Route(
        "POST",
        f"{_ALL}/form",
        "campaign form",
        _VIEWER,
        Form,
        _NOUN,
        takes=FormAsked,
        reads=True,
        example={"body": {"name": "spring_harvest", "text": _TEXT}},
    ),
    Route(
        "POST",
        f"{_ALL}/text",
        "campaign text",
        _VIEWER,
        CampaignText,
        _NOUN,
        takes=CampaignTextAsked,
        reads=True,
        example={"body": {"name": "spring_harvest", "text": _TEXT, "fields": {"holdout": 0.1}}},
    ),
    Route(
        "POST",
        f"{_ALL}/power",
        "campaign power",
        _VIEWER,
        Power,
        _NOUN,
        takes=PowerAsked,
        reads=True,
        example={
            "body": {
                "audience": "recent_buyers",
                "holdout": 0.2,
                "days": 14,
                "event": "Order Paid",
                "channel": "email",
            }
        },
    ),
    Route(
        "POST",
        f"{_ALL}/preview",
        "campaign preview",
        _VIEWER,
        Preview,
        _NOUN,
        takes=PreviewAsked,
        reads=True,
        example={"body": {"name": "spring_harvest", "text": _TEXT, "n": 2}},
    ),
    Route("GET", _ONE, "campaign show", _VIEWER, Campaign, _NOUN),
    Route("POST", f"{_ONE}/check", "campaign check", _VIEWER, CheckList, _NOUN, takes=CheckAsked, reads=True),
    Route(
        "POST",
        f"{_ONE}/send",
        "campaign send",
        _OPERATOR,
        Sent,
        _NOUN,
        takes=SendAsked,
        effect=True,
        job=True,
        handle=_begun,
        example={"body": {"entry": "once"}},
    ),
    Route("POST", f"{_ONE}/stop", "campaign stop", _OPERATOR, Stopped, _NOUN, takes=EntryAsked, effect=True),
    Route(
        "POST",
        f"{_ONE}/resume",
        "campaign resume",
        _OPERATOR,
        Sent,
        _NOUN,
        takes=EntryAsked,
        effect=True,
        job=True,
    ),
    Route(
        "POST",
        f"{_ONE}/clone",
        "campaign clone",
        _OPERATOR,
        Cloned,
        _NOUN,
        takes=CloneAsked,
        effect=True,
        example={"body": {"to": "spring_again"}},
    ),
    Route(
        "POST",
        f"{_ONE}/test",
        "campaign test",
        _OPERATOR,
        Tested,
        _NOUN,
        takes=TestAsked,
        effect=True,
        example={"body": {"to": "me@shop.example", "person": "m000001"}},
    ),
    Route("GET", f"{_ONE}/people", "campaign people", _VIEWER, SendingPeople, _NOUN, asks=SendingPeopleAsked),
)
