"""Routes of journeys: their state, starting and halting them, what would happen to one person, staff tasks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.campaigns import Incremental, IncrementalMoney, Rates, WhyNot
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
    kind: Literal["wait", "until", "waitfor", "branch", "split", "send", "give", "task"]
    says: str
    here: int
    ways: list[JourneyWay]
    messages: JourneyMessages | None
    place: list[float] | None


class Journey(Shape):
    """One journey: the definition that runs, else the file's. Who entered stands at a step or has ended, exactly."""

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
    """What would happen to one person who entered now, if nothing else happened. `may`: why they may not enter."""

    name: str
    person: str
    may: str
    held_out: bool
    path: list[JourneyTried]
    ends: bool


class JourneyTrialAsked(Shape):
    """About whom."""

    person: Annotated[str, Field(max_length=300)]


class JourneyTask(Shape):
    """What a journey asks a member of staff to do for a person."""

    id: int
    journey: str
    person: str
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


class JourneyDone(Shape):
    """The task that is done."""

    id: int


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
        effect=True,
    ),
    Route("GET", _ONE, "journey show", Role.VIEWER, Journey, _NOUN),
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
