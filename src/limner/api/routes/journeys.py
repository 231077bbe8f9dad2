"""Routes of journeys: their state, starting and halting them, what would happen to one person, staff tasks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.definitions import MistakeAt, Text
from limner.api.routes.effects import GroupRow, Incremental, IncrementalMoney, Rates, WhyNot
from limner.api.routes.route import Name, Route, Shape
from limner.api.routes.timing import When
from limner.types import Json

Status = Literal["not started", "running", "paused", "stopped"]


class JourneyRow(Shape):
    """A journey. `changed`: its file says something else than what runs; `error`: what is wrong with the file."""

    name: str
    titles: dict[str, str]
    error: Json | None
    status: Status
    reason: str
    entered: int
    inside: int
    finished: int
    left: int
    changed: bool


class JourneyPage(Shape):
    """All journeys, by name."""

    journeys: list[JourneyRow]


class JourneyWay(Shape):
    """One way out of a step, and how many went it."""

    name: str
    next: str
    people: int


class JourneyMessages(Shape):
    """Where everybody is who came to a step that sends; the parts add up to `audience`."""

    audience: int
    held_out: int
    suppressed: dict[str, int]
    waiting: int
    sent: int
    failed: int
    in_doubt: int


class JourneyVariant(Shape):
    """One text of a message: how many it was for, and what became of it. '': the one for everybody else."""

    variant: str
    people: int
    sent: int
    opened: int
    clicked: int
    unsubscribed: int


class JourneyStep(Shape):
    """A step, and how many stand there now. `place`: where it stands on the canvas, if that was said."""

    name: str
    kind: Literal["wait", "until", "waitfor", "branch", "split", "send", "give", "task", "webhook"]
    says: str
    here: int
    ways: list[JourneyWay]
    messages: JourneyMessages | None
    variants: list[JourneyVariant]
    place: list[float] | None


class Journey(Shape):
    """One journey: the definition that runs, else the file's. Who entered stands at a step or has ended, exactly.

    `fields`: what the definition says. `changed`: the file says something else than what runs; `error`: it is wrong.
    """

    name: str
    titles: dict[str, str]
    start: str
    status: Status
    reason: str
    started_at: str | None
    version: int
    entered: int
    held_out: int
    inside: int
    ended: dict[str, int]
    steps: list[JourneyStep]
    fields: dict[str, Any]
    changed: bool
    error: Json | None


class JourneyFormAsked(Shape):
    """A journey's text."""

    name: Name
    text: Text


class JourneyMistake(MistakeAt):
    """What is wrong in a text. `step`: in which step; `stops`: whether it cannot be saved so, or only not started."""

    step: str | None
    stops: Literal["save", "start"]


class JourneyForm(Shape):
    """What a text says as its fields; null when it is no YAML."""

    name: str
    fields: dict[str, Any] | None
    problems: list[JourneyMistake]


class JourneyTextAsked(Shape):
    """Keys to be set in a text; null takes one away. Steps stand in the order that is given."""

    name: Name
    fields: dict[str, Any]
    text: Text = ""


class JourneyText(JourneyForm):
    """The text with the fields; comments survive."""

    text: str


class JourneyGoal(Shape):
    """What the journey is for: this event, where this holds, so long from when somebody entered."""

    metric: str
    event: str
    where: str
    money: str
    within: str


class JourneyReport(Shape):
    """What the journey changed, of everybody from the first time that they entered."""

    name: str
    titles: dict[str, str]
    started_at: str
    as_of: str
    goal: JourneyGoal | None
    converted: Rates | None
    incremental: Incremental | None
    money: IncrementalMoney | None
    enough_data: bool
    message: str
    why_not: WhyNot | None


class JourneyBreakdownAsked(Shape):
    """Which split or message with variants (default: the first)."""

    step: Annotated[str, Field(max_length=100)] = ""


class AgainstOthers(Shape):
    """More people per person who converted than on all other ways; the interval holds for all ways together."""

    per_person: float | None
    low: float | None
    high: float | None
    state: Literal["more", "fewer", "no_difference", "not_enough"]
    why_not: WhyNot | None


class JourneyGroup(GroupRow):
    """What a way of a split or a text of a message did. `others`: against the other ways, which only a lot allows."""

    others: AgainstOthers | None


class JourneyBreakdown(Shape):
    """What each way or text did, of everybody who entered from `since` on, counted from their first entry."""

    name: str
    step: str
    by: Literal["split", "variant"]
    since: str
    until: str
    people: int
    groups: list[JourneyGroup]


class JourneyProblem(Shape):
    """What is wrong, where, and what to do."""

    code: str
    message: str
    where: str | None
    hint: str | None


class JourneyProblems(Shape):
    """What is wrong with a journey's file; nothing when it can be started."""

    name: str
    problems: list[JourneyProblem]


class JourneyTried(Shape):
    """A step on the way of one person: when they are there, which way they go, and why or what is assumed."""

    step: str
    kind: str
    at: str
    way: str
    next: str
    why: str


class JourneyTrial(Shape):
    """What would happen to one person who entered now, if nothing else happened.

    `may`: why they may not enter, in words; `may_code`: in one word.
    """

    name: str
    person: str
    may: str
    may_code: Literal["", "inside", "before", "soon", "only", "scene_dates", "scene_audience"]
    held_out: bool
    path: list[JourneyTried]
    ends: bool


class JourneyPerson(Shape):
    """Somebody who is in a journey now. `due_at`: when they are looked at next."""

    person: str
    called: str
    step: str
    arm: Literal["treated", "held_out"]
    entered_at: str
    arrived_at: str
    due_at: str


class JourneyPeople(Shape):
    """Who is in a journey now, whoever moves first at the beginning; `total`: how many there are."""

    name: str
    step: str
    total: int
    people: list[JourneyPerson]


class JourneyPeopleAsked(Shape):
    """At which step (empty: anywhere), and how many."""

    step: Annotated[str, Field(max_length=64)] = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class JourneyTrialAsked(Shape):
    """About whom."""

    person: Annotated[str, Field(max_length=300)]


class JourneyTask(Shape):
    """What a journey asks a member of staff to do for a person. `called`: a name, as far as one may see it."""

    id: int
    journey: str
    person: str
    called: str
    text: str
    to: str
    since: str
    until: str | None
    late: bool


class JourneyTasks(Shape):
    """The open tasks, the oldest first."""

    tasks: list[JourneyTask]


class JourneyTasksAsked(Shape):
    """How many."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 200


class JourneyDoneAsked(Shape):
    """What is to be remembered of it."""

    note: Annotated[str, Field(max_length=2_000)] = ""


class JourneyDone(Shape):
    """The task that is done."""

    id: int
    note: str


class PersonJourney(Shape):
    """One time that a person entered a journey: where they stand or stood."""

    journey: Name
    entry: int
    arm: Literal["treated", "held_out"]
    step: str
    entered_at: str
    arrived_at: str
    due_at: str
    ended_at: str | None
    ended: str


class PersonJourneys(Shape):
    """Every time that a person entered a journey, the latest first."""

    person: str
    journeys: list[PersonJourney]


class JourneyPlanAsked(Shape):
    """The new text; empty: the file's."""

    text: Text = ""


class JourneyFate(Shape):
    """What becomes of those who stand at a step under the new text. `at_once`: how many go on at once by the change.

    stays: as they were; waits: there, until another moment; moves: they come to `to` as of the change; leaves.
    """

    step: str
    people: int
    fate: Literal["stays", "waits", "moves", "leaves"]
    to: str
    reason: str
    at_once: int
    first_due: str | None
    last_due: str | None


class JourneyLeaving(Shape):
    """How many leave at once by something that the new text newly says of leaving."""

    name: str
    people: int


class JourneyWithdrawn(Shape):
    """How many messages of a step that is gone wait now, and are not sent."""

    step: str
    people: int


class JourneyPlan(Shape):
    """What a new text would do to everybody who is in the journey. `loses`: how many leave because a step is gone.

    `plan`: its name, for starting exactly this; null where the text is wrong or the journey was never started.
    """

    name: str
    plan: str | None
    version: int
    inside: int
    changes: bool
    loses: int
    steps: list[JourneyFate]
    leaving: list[JourneyLeaving]
    messages: list[JourneyWithdrawn]
    added: list[str]
    gone: list[str]
    changed: list[str]
    other: list[str]
    problems: list[JourneyProblem]


class JourneyStartAsked(Shape):
    """The plan that was looked at; empty: none."""

    plan: Annotated[str, Field(max_length=64)] = ""


class JourneyVersion(Shape):
    """One text of a journey that ran, and what it did to those who were inside."""

    version: int
    at: str
    by: str
    text: str
    moved: list[JourneyFate]


class JourneyVersions(Shape):
    """Every text of a journey that ran, the latest first."""

    name: str
    versions: list[JourneyVersion]


class JourneyPowerAsked(Shape):
    """The rise of the goal's share that is to be told: 0.02 is two points; the text, empty: the file's."""

    effect: Annotated[float, Field(gt=0, le=1)] = 0.02
    text: Text = ""


class JourneyPower(Shape):
    """How many would enter a week by history, and after how many weeks the holdout tells an effect; null: not known.

    `reason`: why something is not known: no_goal, nobody_held_out, short_history, few_people, few_conversions,
    too_long, or no_record (what the audience was then is not kept).
    """

    name: str
    weeks_seen: int
    entered: int
    per_week: float | None
    baseline: float | None
    effect: float
    holdout: float
    weeks: int | None
    reason: str | None


class JourneyMovementAsked(Shape):
    """The tag; empty: the one by which people enter."""

    tag: Annotated[str, Field(max_length=200)] = ""


class JourneyDifference(Shape):
    """A difference of shares with its interval."""

    value: float
    low: float
    high: float


class JourneyMovementValue(Shape):
    """How many are at a value now (empty: at none), and the difference of the arms' shares, null where too few are."""

    value: str
    treated: int
    held_out: int
    difference: JourneyDifference | None


class JourneyMovement(Shape):
    """Where they are now who entered, by arm; everybody counts once, in the arm of the first time."""

    name: str
    tag: str
    treated: int
    held_out: int
    values: list[JourneyMovementValue]
    why_not: Literal["nobody_held_out", "nobody_treated"] | None


class ReadyParameter(Shape):
    """What a ready journey asks for. `value`: what would be taken here; `known`: somebody here has had it."""

    name: str
    kind: Literal[
        "event",
        "attribute",
        "tag",
        "text",
        "days",
        "hours",
        "share",
        "time",
        "schedule",
        "channel",
        "class",
        "template",
    ]
    titles: dict[str, str]
    value: str
    least: float
    most: float
    known: bool


class ReadyRow(Shape):
    """A ready journey. `journeys`: the files that it has; `sends`: how many messages."""

    key: str
    titles: dict[str, str]
    about: dict[str, str]
    icon: str
    journeys: list[str]
    sends: int
    parameters: list[ReadyParameter]


class ReadyList(Shape):
    """Every ready journey, the commonest first."""

    ready: list[ReadyRow]


class ReadyMessage(Shape):
    """What a message says, by language."""

    name: str
    subject: dict[str, str]
    lines: dict[str, list[str]]


class Ready(ReadyRow):
    """One ready journey with its messages."""

    messages: list[ReadyMessage]


class ReadyPreviewAsked(Shape):
    """Under which name, with what, in which language."""

    name: Name
    values: dict[str, Annotated[str, Field(max_length=1_000)]] = Field(default_factory=dict)
    language: Literal["en", "zh"] = "en"


class ReadyInstallAsked(ReadyPreviewAsked):
    """`dry_run`: nothing is written."""

    dry_run: bool = False


class ReadyFile(Shape):
    """A file that it becomes. `exists`: one of this name is there."""

    kind: str
    name: str
    text: str
    exists: bool


class ReadyDrawing(Shape):
    """A journey that it becomes, as fields."""

    name: str
    fields: dict[str, Any]


class ReadyInstalled(Shape):
    """The files that were written (would be, when `dry_run`). `taken`: other files of these names are there.

    `unseen`: events and attributes that nobody here has had yet.
    """

    key: str
    name: str
    language: str
    dry_run: bool
    values: dict[str, str]
    files: list[ReadyFile]
    taken: list[str]
    journeys: list[ReadyDrawing]
    unseen: list[str]
    problems: list[JourneyProblem]


_ALL = "/api/v1/journeys"
_READY = "/api/v1/ready-journeys"
_ONE = f"{_ALL}/{{name}}"
_NOUN = "campaigns"
_TEXT = "start: {event: Product Added}\nsteps:\n  pause: {wait: 2 hours}\n  call: {task: Call them}\n"

ROUTES = (
    Route("GET", _ALL, "journey list", Role.VIEWER, JourneyPage, _NOUN),
    Route(
        "GET",
        "/api/v1/journey-tasks",
        "journey tasks",
        Role.VIEWER,
        JourneyTasks,
        _NOUN,
        asks=JourneyTasksAsked,
    ),
    Route(
        "POST",
        "/api/v1/journey-tasks/{id}/done",
        "journey done",
        Role.OPERATOR,
        JourneyDone,
        _NOUN,
        takes=JourneyDoneAsked,
        effect=True,
    ),
    Route(
        "POST",
        f"{_ALL}/form",
        "journey form",
        Role.VIEWER,
        JourneyForm,
        _NOUN,
        takes=JourneyFormAsked,
        reads=True,
        example={"body": {"name": "cart", "text": _TEXT}},
    ),
    Route(
        "POST",
        f"{_ALL}/text",
        "journey text",
        Role.VIEWER,
        JourneyText,
        _NOUN,
        takes=JourneyTextAsked,
        reads=True,
        example={"body": {"name": "cart", "text": _TEXT, "fields": {"holdout": 0.2}}},
    ),
    Route("GET", _ONE, "journey show", Role.VIEWER, Journey, _NOUN),
    Route(
        "GET", f"{_ONE}/people", "journey people", Role.VIEWER, JourneyPeople, _NOUN, asks=JourneyPeopleAsked
    ),
    Route("GET", f"{_ONE}/report", "journey report", Role.VIEWER, JourneyReport, _NOUN),
    Route(
        "GET",
        f"{_ONE}/breakdown",
        "journey breakdown",
        Role.VIEWER,
        JourneyBreakdown,
        _NOUN,
        asks=JourneyBreakdownAsked,
    ),
    Route("GET", f"{_ONE}/problems", "journey check", Role.VIEWER, JourneyProblems, _NOUN),
    Route(
        "POST",
        f"{_ONE}/try",
        "journey try",
        Role.VIEWER,
        JourneyTrial,
        _NOUN,
        takes=JourneyTrialAsked,
        reads=True,
        example={"body": {"person": "m000001"}},
    ),
    Route("GET", f"{_ONE}/steps/{{step}}/when", "journey when", Role.VIEWER, When, _NOUN),
    Route(
        "POST",
        f"{_ONE}/plan",
        "journey plan",
        Role.VIEWER,
        JourneyPlan,
        _NOUN,
        takes=JourneyPlanAsked,
        reads=True,
        example={"body": {}},
    ),
    Route("GET", f"{_ONE}/versions", "journey versions", Role.VIEWER, JourneyVersions, _NOUN),
    Route(
        "POST",
        f"{_ONE}/power",
        "journey power",
        Role.VIEWER,
        JourneyPower,
        _NOUN,
        takes=JourneyPowerAsked,
        reads=True,
        example={"body": {"effect": 0.05}},
    ),
    Route(
        "GET",
        f"{_ONE}/movement",
        "journey movement",
        Role.VIEWER,
        JourneyMovement,
        _NOUN,
        asks=JourneyMovementAsked,
    ),
    Route(
        "POST",
        f"{_ONE}/start",
        "journey start",
        Role.OPERATOR,
        Journey,
        _NOUN,
        takes=JourneyStartAsked,
        effect=True,
        example={"body": {}},
    ),
    Route("GET", _READY, "ready list", Role.VIEWER, ReadyList, _NOUN),
    Route("GET", f"{_READY}/{{key}}", "ready show", Role.VIEWER, Ready, _NOUN),
    Route(
        "POST",
        f"{_READY}/{{key}}/preview",
        "ready preview",
        Role.VIEWER,
        ReadyInstalled,
        _NOUN,
        takes=ReadyPreviewAsked,
        reads=True,
        example={"body": {"name": "cart_2"}},
    ),
    Route(
        "POST",
        f"{_READY}/{{key}}/install",
        "ready install",
        Role.OPERATOR,
        ReadyInstalled,
        _NOUN,
        takes=ReadyInstallAsked,
        effect=True,
        example={"body": {"name": "cart_3", "dry_run": True}},
    ),
    Route("POST", f"{_ONE}/pause", "journey pause", Role.OPERATOR, Journey, _NOUN, effect=True),
    Route("POST", f"{_ONE}/stop", "journey stop", Role.OPERATOR, Journey, _NOUN, effect=True),
    Route("GET", "/api/v1/people/{id}/journeys", "person journeys", Role.VIEWER, PersonJourneys, "people"),
)
