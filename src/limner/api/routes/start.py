"""Routes of starting: the first steps of a new workspace, first tags and an audience for a goal, the demo's data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Name, Route, Shape

Goal = Literal["win_back", "best", "greet"]
EventName = Annotated[
    str, Field(max_length=200, description="The event that is counted; empty: the likeliest.")
]


class StartStep(Shape):
    """One of the first steps, and how much of it there is."""

    step: Literal["data", "people", "tags", "audience", "message"]
    done: bool
    count: int


class StartDemo(Shape):
    """Whether the demo's data may be put in (the workspace is empty), and whether they were."""

    possible: bool
    made: bool


class Started(Shape):
    """How far a new workspace has come."""

    goal: Goal | None
    goals: list[Goal]
    steps: list[StartStep]
    demo: StartDemo


class StartGoal(Shape):
    """What the first hour is for."""

    goal: Goal


class StartAsked(Shape):
    """For which goal, counting which event."""

    goal: Goal
    event: EventName = ""


class StartEvent(Shape):
    """An event that tags could count: how many people did it, how many of them with money."""

    name: str
    people: int
    paid: int


class StartTag(Shape):
    """A tag as its definition file would be; `exists`: there is one of this key, which stays as it is."""

    key: str
    titles: dict[str, str]
    type: str
    method: str
    definition: str
    text: str
    exists: bool


class StartChoice(Shape):
    """The audience with another number of days, and how many people that would be now."""

    days: int
    expression: str
    people: int


class StartCrowd(Shape):
    """The goal's first audience, and how many people it would hold now; `days` is 0 where they play no part."""

    name: str
    titles: dict[str, str]
    why: str
    days: int
    expression: str
    people: int
    choices: list[StartChoice]
    exists: bool


class StartProposal(Shape):
    """First tags and a first audience, not saved yet. The audience is null while there are no events of people."""

    goal: Goal
    event: str | None
    events: list[StartEvent]
    tags: list[StartTag]
    audience: StartCrowd | None


class StartSave(StartAsked):
    """Which of the proposed tags are saved; all without keys."""

    keys: list[Name] = Field(default_factory=list, max_length=50)


class StartTagRun(Shape):
    """How many people have a proposed tag now; null when it was not computed."""

    key: str
    people: int | None


class StartSaved(Shape):
    """Which tags were saved, and what computing them found."""

    saved: list[str]
    run: str
    as_of: str
    people: int
    tags: list[StartTagRun]


class StartAudience(StartAsked):
    """The goal's audience, with another number of days when they are given."""

    days: Annotated[int, Field(ge=0, le=365)] = 0


class StartedAudience(Shape):
    """A saved audience, and how many people it holds."""

    name: str
    titles: dict[str, str]
    expression: str
    people: int


class StartDemoAsked(Shape):
    """Which demo is put in; there is one, and it is named so that nothing is put in by accident."""

    shop: Literal["tea"]


class StartDemoMade(Shape):
    """What the demo put in."""

    stored: int
    people: int
    tags: int
    saved: list[str]


_GOAL = {"body": {"goal": "win_back"}}

ROUTES = (
    Route("GET", "/api/v1/start", "start show", Role.VIEWER, Started, "start"),
    Route(
        "POST", "/api/v1/start", "start goal", Role.OPERATOR, Started, "start", takes=StartGoal, example=_GOAL
    ),
    Route("GET", "/api/v1/start/tags", "start tags", Role.OPERATOR, StartProposal, "start", asks=StartAsked),
    Route(
        "POST",
        "/api/v1/start/tags",
        "start save",
        Role.OPERATOR,
        StartSaved,
        "start",
        takes=StartSave,
        effect=True,
        job=True,
        example={"body": {"goal": "win_back"}},
    ),
    Route(
        "POST",
        "/api/v1/start/audience",
        "start audience",
        Role.OPERATOR,
        StartedAudience,
        "start",
        takes=StartAudience,
        effect=True,
        example=_GOAL,
    ),
    Route(
        "POST",
        "/api/v1/start/demo",
        "start demo",
        Role.ADMIN,
        StartDemoMade,
        "start",
        takes=StartDemoAsked,
        effect=True,
        job=True,
        example={"body": {"shop": "tea"}},
    ),
)
