"""Routes of tags: the catalogue, one tag, its past and its computing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.definitions import ProblemAt
from limner.api.routes.route import Instant, Name, Paged, Route, Shape

State = Literal["new", "applied", "changed", "expired", "removed", "broken"]
Stage = Literal["draft", "review", "published", "deprecated"]
Reason = Literal["", "never", "expired", "aside", "changed", "overdue"]
Sort = Literal[
    "category", "-category", "key", "-key", "people", "-people", "coverage", "-coverage", "as_of", "-as_of",
    "used", "-used",
]  # fmt: skip
Key = Annotated[str, Field(min_length=1, max_length=100, description="The tag's key: its file's name.")]


class TagFreshness(Shape):
    """Whether a tag's values are those that should be there now. `next`: when a schedule computes it again."""

    stale: bool
    reason: Reason
    since: str | None
    next: str | None


class TagAside(Shape):
    """Why the last run could not compute a tag, which keeps its former values since then; all others were computed.

    `through`: the tag that it rests on, which could not be computed.
    """

    code: str
    message: str
    where: str | None
    hint: str | None
    through: str | None
    since: str | None


class TagSetAside(TagAside):
    """A tag that a run set aside."""

    tag: str


class TagUseCounts(Shape):
    """How many definitions use a tag."""

    tags: int
    audiences: int
    campaigns: int
    journeys: int


class TagBase(Shape):
    """A tag in the catalogue. What its file would say is null when there is none that can be read.

    `where`: the expression of exactly the people with a value. `stage`: where its file is in its life; `dynamic`:
    whether values change as people act; `group`: the exclusive group that it is in. `allowed`: the values that can be
    given by hand, where its file lists them.
    """

    key: str
    titles: dict[str, str]
    nature: str | None
    method: str | None
    type: str | None
    category: str | None
    owner: str | None
    why: str | None
    definition: str | None
    allowed: list[bool | str | float | int]
    state: State
    stage: Stage | None
    dynamic: bool | None
    sensitivity: str | None
    source: str | None
    group: str | None
    people: int
    where: str
    coverage: float
    as_of: str | None
    expires_at: str | None
    freshness: TagFreshness
    aside: TagAside | None


class TagRow(TagBase):
    """A tag in the catalogue. `trend`: people at the end of each of `days`, null before it was first computed."""

    used_by: TagUseCounts
    trend: list[int | None]


class TagCategory(Shape):
    """A category with how many tags lie in it or below, and how many people have any of them."""

    path: str
    tags: int
    people: int | None


class TagOwner(Shape):
    """A department with how many tags it answers for, and how many distinct people have any of them."""

    owner: str
    tags: int
    people: int | None


class FileProblem(Shape):
    """What is wrong in a definition file."""

    where: str | None
    message: str
    hint: str | None
    code: str


class TagPage(Shape):
    """Tags. `total`: how many match; `defined`: how many there are; `everybody`: people alive."""

    tags: list[TagRow]
    next: str | None
    total: int
    defined: int
    categories: list[TagCategory]
    owners: list[TagOwner]
    everybody: int
    as_of: str | None
    days: list[str]
    problems: list[FileProblem]


class TagCounted(Shape):
    """A tag with how many people have it. `trend`: at the end of each day, null before it was first computed."""

    key: str
    titles: dict[str, str]
    category: str | None
    nature: str | None
    method: str | None
    state: State
    people: int
    coverage: float
    as_of: str | None
    freshness: TagFreshness
    where: str
    trend: list[int | None]
    change: int | None


class CategoryCounted(TagCategory):
    """A category and those below it. `values`: one for each person and tag; `coverage`: of its tags, on average."""

    used: int
    values: int
    per_person: float | None
    coverage: float | None
    trend: list[int | None]


class DayCounted(Shape):
    """A day's end: how many tags anybody had, and how many values all people had together."""

    day: str
    tags: int
    values: int | None


class TagCounts(Shape):
    """How much all tags tell. `defined` tags, of which anybody has `used`; `tagged`: distinct people with any."""

    as_of: str | None
    everybody: int
    category: str
    defined: int
    used: int
    values: int
    per_person: float | None
    coverage: float | None
    tagged: int
    days: list[DayCounted]
    categories: list[CategoryCounted]
    tags: list[TagCounted]


class TagCountsAsked(Shape):
    """Which tags, and over how many days."""

    category: Annotated[str, Field(max_length=200, description="This category and those below it.")] = ""
    days: Annotated[int, Field(ge=1, le=366)] = 30


class TagsAsked(Paged):
    """Which tags, in which order. `q` looks into keys, titles, definitions, owners and reasons."""

    q: Annotated[str, Field(max_length=200)] = ""
    category: Annotated[str, Field(max_length=200, description="This category and those below it.")] = ""
    nature: Literal["", "fact", "model", "prediction"] = ""
    method: Literal["", "observed", "statistic", "rule", "learned", "manual", "imported"] = ""
    state: Literal["", "new", "applied", "changed", "expired", "removed", "broken", "stale", "unused"] = ""
    owner: Annotated[str, Field(max_length=200, description="The department that answers for it.")] = ""
    source: Annotated[str, Field(max_length=200, description="The channel that its data come from.")] = ""
    stage: Literal["", "draft", "review", "published", "deprecated"] = ""
    kind: Literal["", "static", "dynamic"] = ""
    sensitivity: Literal["", "public", "internal", "personal", "sensitive"] = ""
    sort: Sort = "category"
    trend: Annotated[int, Field(ge=0, le=366, description="People at the end of so many days.")] = 0


class TagValue(Shape):
    """How many people have a value, or one in [low, high), or none; `where` is the expression of exactly these."""

    kind: Literal["unknown", "rest", "value", "bin"]
    value: str
    low: str | None
    high: str | None
    people: int
    share: float
    where: str | None


class TagLabel(Shape):
    """A label that a tag gives with a weight: how many people have it, their mean weight, and of how many it is the
    greatest. The mean is among everybody who has any label; `where` is the expression of exactly the people.
    """

    label: str
    people: int
    mean: float
    top: int
    where: str | None


class UsingTag(Shape):
    """A tag that refers to this one, or that this one refers to."""

    key: str
    titles: dict[str, str]


class UsingAudience(Shape):
    """An audience whose condition names the tag; not `direct`: through an audience inside it."""

    name: str
    titles: dict[str, str]
    direct: bool


class UsingCampaign(Shape):
    """A campaign that depends on the tag, by its audience, by the condition of a variant, or in its template."""

    name: str
    titles: dict[str, str]
    how: list[Literal["audience", "variant", "template"]]


class UsingJourney(Shape):
    """A journey that depends on the tag; `gives`: it gives or takes it."""

    name: str
    titles: dict[str, str]
    how: list[Literal["audience", "condition", "variant", "template", "gives"]]


class TagUses(Shape):
    """Everything that uses a tag."""

    tags: list[UsingTag]
    audiences: list[UsingAudience]
    campaigns: list[UsingCampaign]
    journeys: list[UsingJourney]


class TagNeeds(Shape):
    """What a tag is computed from."""

    tags: list[UsingTag]
    audiences: list[str]
    events: list[str]
    attributes: list[str]


class MeasureWindow(Shape):
    """When the events happened: the last n (calendar) units, this unit, since `first`, from `first` to `last`."""

    kind: Literal["in_last", "in_last_calendar", "in_this", "since", "from_to"]
    n: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    unit: Literal["", "second", "minute", "hour", "day", "week", "month", "year"] = ""
    first: Annotated[str, Field(max_length=40)] = ""
    last: Annotated[str, Field(max_length=40)] = ""


class Measure(Shape):
    """A statistic as a function of events: sum(of OF event window where …). `where`: a condition about one event."""

    function: Literal[
        "count", "recency", "first_time", "last_time", "sum", "avg", "min", "max", "distinct", "first", "last",
        "most_frequent",
    ]  # fmt: skip
    of: Annotated[str, Field(max_length=500)] = ""
    event: Annotated[str, Field(max_length=500)]
    where: Annotated[str, Field(max_length=100_000)] = ""
    window: MeasureWindow | None = None


class TagCase(Shape):
    """A case of a rule, as text."""

    when: Annotated[str, Field(max_length=100_000)]
    then: Annotated[str, Field(max_length=1_000)]


class TagPoints(Shape):
    """A row of points, as text."""

    when: Annotated[str, Field(max_length=100_000)]
    points: Annotated[str, Field(max_length=100)]


Word = Annotated[str, Field(max_length=1_000)]
Words = Annotated[list[Word], Field(max_length=1_000)]


class TagCuts(Shape):
    """Tiers of a number, as text: the tag that is cut (empty: the points), where, and the cut points that hold now."""

    of: Word = ""
    tiers: Words = Field(default_factory=list)
    at: Words = Field(default_factory=list)
    frozen: Words = Field(default_factory=list)
    frozen_at: Annotated[str, Field(max_length=10, pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""
    refresh: Word = ""


class InterestTerm(Shape):
    """So many points for each such event."""

    event: Annotated[str, Field(max_length=500)]
    points: Annotated[int, Field(ge=1, le=1_000)]
    where: Annotated[str, Field(max_length=100_000)] = ""


class HalfLife(Shape):
    """After which time points count half."""

    n: Annotated[int, Field(ge=1, le=1_000_000)]
    unit: Literal["second", "minute", "hour", "day", "week"]


class Interest(Shape):
    """A statistic that gives labels (values of the property `of`) a weight out of points that halve with time.

    `half_at`: so many points are a weight of one half; `most`: so many labels are kept; `until`: for demands, the event
    that meets them, empty for none.
    """

    function: Literal["interest", "demand"]
    of: Annotated[str, Field(max_length=500)]
    terms: Annotated[list[InterestTerm], Field(max_length=20)]
    half_life: HalfLife
    window: MeasureWindow | None = None
    until: Annotated[str, Field(max_length=500)] = ""
    half_at: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    most: Annotated[int, Field(ge=1, le=100)] = 20


class TagFields(Shape):
    """A tag's file as a form: every field as text, '' where the file says nothing.

    `measure`, `interest`: the statistic in parts, null when it is of another shape. `tests`: each with name, as_of,
    given and expect as they stand in the file. `kept`: keys of which the form shows not everything; it leaves them as
    they are. Fields that are not sent stay as they are.
    """

    title: dict[str, Annotated[str, Field(max_length=1_000)]] = Field(default_factory=dict)
    nature: str = ""
    method: str = ""
    type: str = ""
    attribute: str = ""
    statistic: Annotated[str, Field(max_length=100_000)] = ""
    cases: list[TagCase] = Field(default_factory=list)
    points: list[TagPoints] = Field(default_factory=list)
    cuts: TagCuts | None = None
    otherwise: str = ""
    values: Words = Field(default_factory=list)
    truth: str = ""
    at_least: Annotated[str, Field(max_length=40)] = ""
    kept: list[str] = Field(default_factory=list)
    validity: str = ""
    refresh: str = ""
    category: str = ""
    owner: str = ""
    source: str = ""
    why: Annotated[str, Field(max_length=10_000)] = ""
    metric: Annotated[str, Field(max_length=10_000)] = ""
    stage: str = ""
    sensitivity: str = ""
    measure: Measure | None = None
    interest: Interest | None = None
    tests: list[dict[str, Any]] = Field(default_factory=list)


class TagFingerprints(Shape):
    """What the values follow from: as the files say now, and as they were computed; another one = changed since."""

    defined: str | None
    applied: str | None


class TagTook(Shape):
    """What a run did to one tag, and how long that took.

    `together`: so many tags were computed in one pass, which took these seconds; 1: this one alone. `carried`: the pass
    went on from the last run.
    """

    seconds: float | None
    together: int
    carried: bool
    people: int
    entered: int
    left: int


class TagRunRow(Shape):
    """A run that computed, or should have computed, the tag; no `keys`: all tags.

    `eta_seconds`: of a run that goes on, by how long the same usually takes. `took` is null when it did not compute the
    tag.
    """

    run: str
    keys: list[str]
    status: str
    started_at: str
    seconds: float | None
    eta_seconds: float | None
    took: TagTook | None
    error: str | None


class TagRunsAsked(Shape):
    """How many of the last runs."""

    limit: Annotated[int, Field(ge=1, le=50)] = 20


class TagRuns(Shape):
    """A tag's last runs, the latest first."""

    key: str
    runs: list[TagRunRow]


class TagHealth(Shape):
    """Something that somebody should look at; `value` is the number that shows it."""

    code: Literal[
        "broken", "run_failed", "aside", "removed", "never", "expired", "changed", "overdue", "empty", "near_empty",
        "near_constant", "scattered", "unused", "no_why", "no_owner",
    ]  # fmt: skip
    level: Literal["bad", "warn", "note"]
    value: float | None


class TagShown(TagBase):
    """One tag with everything around it. `sum`: of numbers, or an exact decimal of money.

    `goal`: whether it has one in numbers, which the stage report judges.
    """

    used_by: TagUses
    text: str
    etag: str | None
    fields: TagFields | None
    metric: str | None
    goal: bool
    problems: list[ProblemAt]
    everybody: int
    sum: str | float | None
    values: list[TagValue]
    labels: list[TagLabel]
    formula: str | None
    masked: bool
    needs: TagNeeds
    fingerprint: TagFingerprints
    run: str | None
    runs: list[TagRunRow]
    health: list[TagHealth]


class TagHistoryAsked(Shape):
    """How many days back, today included."""

    days: Annotated[int, Field(ge=1, le=366)] = 30


class TagDay(Shape):
    """One day in the workspace's zone; null before the tag was known. `values`: people with each of `labels`."""

    day: str
    people: int | None
    entered: int | None
    left: int | None
    values: list[int] | None


class TagHistory(Shape):
    """A tag's days. `since`: from when on it is known; `labels`: null where values are not recorded exactly."""

    key: str
    zone: str
    since: str | None
    as_of: str
    labels: list[str] | None
    days: list[TagDay]


class TagRunAsked(Shape):
    """Which tags (default: all) are computed as of when (default: now); `full`: anew, not carried on."""

    keys: list[Name] = Field(default_factory=list)
    as_of: Instant = ""
    full: bool = False


class RunTag(Shape):
    """What a run did to one tag. `seconds`: of its own computing; null when it was computed together with others."""

    tag: str
    people: int
    entered: int
    left: int
    changed: int
    redefined: bool
    seconds: float | None


class Carried(Shape):
    """How values were carried on: people whose events came or went, and of whom something was computed anew.

    `held`, `added`: values that were carried on, and values that were computed for everybody.
    """

    touched: int
    anew: int
    held: int
    added: int


class TagRan(Shape):
    """What a run did. `carried` is null when the statistics were computed anew."""

    run: str
    as_of: str
    people: int
    changes: int
    removed: list[str]
    tags: list[RunTag]
    aside: list[TagSetAside]
    carried: Carried | None
    seconds: dict[str, float]


ROUTES = (
    Route(
        "GET",
        "/api/v1/tags",
        "tag list",
        Role.VIEWER,
        TagPage,
        "tags",
        asks=TagsAsked,
        pages=("tags", "key"),
    ),
    Route(
        "POST",
        "/api/v1/tags/run",
        "tag run",
        Role.OPERATOR,
        TagRan,
        "tags",
        takes=TagRunAsked,
        effect=True,
        job=True,
        example={"body": {"keys": ["value_tier"]}},
    ),
    Route("GET", "/api/v1/tags/counts", "tag counts", Role.VIEWER, TagCounts, "tags", asks=TagCountsAsked),
    Route("GET", "/api/v1/tags/{key}", "tag show", Role.VIEWER, TagShown, "tags"),
    Route(
        "GET",
        "/api/v1/tags/{key}/history",
        "tag history",
        Role.VIEWER,
        TagHistory,
        "tags",
        asks=TagHistoryAsked,
    ),
    Route("GET", "/api/v1/tags/{key}/runs", "tag runs", Role.VIEWER, TagRuns, "tags", asks=TagRunsAsked),
)
