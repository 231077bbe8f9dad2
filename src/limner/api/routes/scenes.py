"""Routes of scenes: what each is, what belongs to it, how it stands; and the calendar of all sends."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.campaigns import Status as CampaignStatus
from limner.api.routes.definitions import ProblemAt, Text
from limner.api.routes.effects import Incremental, IncrementalMoney, Rates, Returned, WhyNot
from limner.api.routes.journeys import Status as JourneyStatus
from limner.api.routes.route import Instant, Name, Route, Shape
from limner.types import Json

State = Literal["ahead", "running", "over"]


class SceneRow(Shape):
    """A scene in the list. `error`: what is wrong with the file."""

    name: str
    titles: dict[str, str]
    state: State | Literal["broken"]
    from_: str | None = Field(alias="from")
    until: str | None
    audience: str
    channels: list[str]
    holdout: float
    goal: bool
    campaigns: int
    journeys: int
    owner: str
    error: Json | None


class ScenePage(Shape):
    """All scenes, by name."""

    scenes: list[SceneRow]
    as_of: str
    zone: str


class SceneCampaign(Shape):
    """A campaign of the scene and how it stands."""

    name: str
    titles: dict[str, str]
    status: CampaignStatus
    channel: str
    audience: str
    schedule: str
    next_at: str | None
    started_at: str | None
    variants: int


class SceneJourney(Shape):
    """A journey of the scene and how it stands."""

    name: str
    titles: dict[str, str]
    status: JourneyStatus
    reason: str
    entered: int
    inside: int
    channels: list[str]


class Scene(Shape):
    """One scene. `people`: whom it may reach now, null when its audience cannot be asked; `objects`: how many its
    products are, null where they are not said by objects; `fields`: what the file says."""

    name: str
    titles: dict[str, str]
    state: State
    from_: str | None = Field(alias="from")
    until: str | None
    fields: dict[str, Any]
    audience: str
    people: int | None
    products: str
    objects: int | None
    channels: list[str]
    holdout: float
    theme: dict[str, str]
    owner: str
    why: str
    campaigns: list[SceneCampaign]
    journeys: list[SceneJourney]
    problems: list[ProblemAt]
    read_only: bool
    as_of: str
    zone: str


class SceneFormAsked(Shape):
    """A scene's text."""

    name: Name
    text: Text


class SceneForm(Shape):
    """What a text says as its fields; null when it is no YAML."""

    name: str
    fields: dict[str, Any] | None
    problems: list[ProblemAt]


class SceneTextAsked(Shape):
    """Keys to be set in a text; null takes one away."""

    name: Name
    fields: dict[str, Any]
    text: Text = ""


class SceneText(SceneForm):
    """The text with the fields; comments survive."""

    text: str


class SceneTarget(Shape):
    """A number, or a change of the baseline (0.05: five percent more)."""

    number: float
    relative: bool


class SceneGoal(Shape):
    """What is counted: a metric, or an event; `products`: only events about them."""

    metric: str
    event: str
    where: str
    money: str
    products: str
    within: str
    unit: str
    target: SceneTarget | None


class SceneBaseline(Shape):
    """What the number was before: as it was stated, or over as long a time before the scene; null with the reason."""

    stated: float | None
    value: float | None
    from_: str | None = Field(alias="from")
    until: str | None
    why_not: Literal["no_dates", "ahead", "short_history", "no_value"] | None


class SceneNumber(Shape):
    """The number from the scene's first day on; `active`: how many people did anything that counts."""

    value: float | None
    active: int
    from_: str = Field(alias="from")
    until: str


class SceneBefore(Shape):
    """The number over the same part of the baseline's time."""

    value: float | None
    until: str


class SceneEffect(Shape):
    """What the scene changed, of those whom its holdout measures since it began."""

    share: float
    since: str | None
    until: str | None
    everybody: bool
    converted: Rates | None
    incremental: Incremental | None
    money: IncrementalMoney | None
    enough_data: bool
    message: str
    why_not: WhyNot | Literal["no_holdout", "not_begun", "holdout_changed", "no_sum", "problem"] | None


class SceneMessages(Shape):
    """Where the people are to whom something was to go."""

    people: int
    held_out: int
    suppressed: dict[str, int]
    waiting: int
    sent: int
    failed: int
    in_doubt: int
    cost: float


class SceneMember(SceneMessages):
    """A campaign or journey that was begun as one of the scene."""

    kind: Literal["campaign", "journey"]
    name: str
    titles: dict[str, str]


class SceneReport(Shape):
    """How a scene stands. `progress`: the number so far as a share of the target."""

    name: str
    titles: dict[str, str]
    state: State
    from_: str | None = Field(alias="from")
    until: str | None
    as_of: str
    zone: str
    currency: str
    goal: SceneGoal | None
    baseline: SceneBaseline
    so_far: SceneNumber | None
    before: SceneBefore | None
    target: float | None
    progress: float | None
    judged: Literal[
        "no_goal", "no_dates", "ahead", "running", "met", "not_met", "not_enough_data", "no_target", "problem"
    ]
    message: str
    effect: SceneEffect
    members: list[SceneMember]
    total: SceneMessages
    returned: Returned


class SceneReportAsked(Shape):
    """As of when; default: now."""

    as_of: Instant = ""


class CalendarAsked(Shape):
    """From which day (default: this week's Monday), and how many days."""

    start: Annotated[str, Field(max_length=10)] = ""
    days: Annotated[int, Field(ge=1, le=93)] = 42


class CalendarSend(Shape):
    """What goes out on a day: of a campaign or a journey, at which times (the first four), how often."""

    day: str
    kind: Literal["campaign", "journey"]
    name: str
    titles: dict[str, str]
    scene: str
    channels: list[str]
    state: Literal["sent", "scheduled", "missed", "outside", "idle"]
    times: list[str]
    n: int


class CalendarScene(Shape):
    """A scene that lies over some of the days; a day that is null has no bound."""

    name: str
    titles: dict[str, str]
    from_: str | None = Field(alias="from")
    until: str | None


class CalendarHoliday(Shape):
    """Days on which nothing goes that holidays hold back."""

    from_: str = Field(alias="from")
    until: str


class Calendar(Shape):
    """Every send of some days, with scenes, holidays and the policy's quiet hours."""

    from_: str = Field(alias="from")
    until: str
    today: str
    zone: str
    sends: list[CalendarSend]
    scenes: list[CalendarScene]
    holidays: list[CalendarHoliday]
    quiet_hours: list[str] | None


_ALL = "/api/v1/scenes"
_ONE = f"{_ALL}/{{name}}"
_NOUN = "campaigns"
_TEXT = "title: {en: Spring tea, zh: 春茶季}\nfrom: 2026-04-01\nuntil: 2026-04-30\n"

ROUTES = (
    Route("GET", _ALL, "scene list", Role.VIEWER, ScenePage, _NOUN),
    Route(
        "POST",
        f"{_ALL}/form",
        "scene form",
        Role.VIEWER,
        SceneForm,
        _NOUN,
        takes=SceneFormAsked,
        reads=True,
        example={"body": {"name": "spring", "text": _TEXT}},
    ),
    Route(
        "POST",
        f"{_ALL}/text",
        "scene text",
        Role.VIEWER,
        SceneText,
        _NOUN,
        takes=SceneTextAsked,
        reads=True,
        example={"body": {"name": "spring", "text": _TEXT, "fields": {"holdout": 0.1}}},
    ),
    Route("GET", _ONE, "scene show", Role.VIEWER, Scene, _NOUN),
    Route("GET", f"{_ONE}/report", "scene report", Role.VIEWER, SceneReport, _NOUN, asks=SceneReportAsked),
    Route("GET", "/api/v1/calendar", "calendar", Role.VIEWER, Calendar, _NOUN, asks=CalendarAsked),
)
