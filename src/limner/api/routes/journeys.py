"""Routes of journeys: their state, starting and halting them, what would happen to one person, staff tasks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.campaigns import Incremental, IncrementalMoney, Rates, WhyNot
from limner.api.routes.definitions import ProblemAt, Text
from limner.api.routes.route import Name, Route, Shape
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


class JourneyStep(Shape):
    """A step, and how many stand there now. `place`: where it stands on the canvas, if that was said."""

    name: str
    kind: Literal["wait", "until", "waitfor", "branch", "split", "send", "give", "task", "webhook"]
    says: str
    here: int
    ways: list[JourneyWay]
    messages: JourneyMessages | None
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


class JourneyMistake(ProblemAt):
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
    may_code: Literal["", "inside", "before", "soon", "only"]
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


_ALL = "/api/v1/journeys"
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
    Route("POST", f"{_ONE}/start", "journey start", Role.OPERATOR, Journey, _NOUN, effect=True),
    Route("POST", f"{_ONE}/pause", "journey pause", Role.OPERATOR, Journey, _NOUN, effect=True),
    Route("POST", f"{_ONE}/stop", "journey stop", Role.OPERATOR, Journey, _NOUN, effect=True),
    Route("GET", "/api/v1/people/{id}/journeys", "person journeys", Role.VIEWER, PersonJourneys, "people"),
)
