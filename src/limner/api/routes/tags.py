"""Routes of tags: the catalogue, one tag, its past, its computing, and the editor's form, text and preview."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.definitions import ProblemAt, Text
from limner.api.routes.route import Instant, Name, Paged, Route, Shape

State = Literal["new", "applied", "changed", "expired", "removed", "broken"]
Stage = Literal["draft", "review", "published", "deprecated"]
Reason = Literal["", "never", "expired", "changed", "overdue"]
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


class TagUseCounts(Shape):
    """How many definitions use a tag."""

    tags: int
    audiences: int
    campaigns: int


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


class TagUses(Shape):
    """Everything that uses a tag."""

    tags: list[UsingTag]
    audiences: list[UsingAudience]
    campaigns: list[UsingCampaign]


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


class TagFields(Shape):
    """A tag's file as a form: every field as text, '' where the file says nothing.

    `measure`: the statistic in parts, null when it is of another shape. `tests`: each with name, as_of, given and
    expect as they stand in the file. `by`: what the rule is written by where it has no cases (points, cuts); it is not
    set. Fields that are not sent stay as they are.
    """

    title: dict[str, Annotated[str, Field(max_length=1_000)]] = Field(default_factory=dict)
    nature: str = ""
    method: str = ""
    type: str = ""
    attribute: str = ""
    statistic: Annotated[str, Field(max_length=100_000)] = ""
    cases: list[TagCase] = Field(default_factory=list)
    otherwise: str = ""
    by: str = ""
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
    tests: list[dict[str, Any]] = Field(default_factory=list)


class TagFingerprints(Shape):
    """What the values follow from: as the files say now, and as they were computed; another one = changed since."""

    defined: str | None
    applied: str | None


class TagRunRow(Shape):
    """A run that computed, or should have computed, the tag; no `keys`: all tags."""

    run: str
    keys: list[str]
    status: str
    started_at: str
    seconds: float | None
    error: str | None


class TagHealth(Shape):
    """Something that somebody should look at; `value` is the number that shows it."""

    code: Literal[
        "broken", "run_failed", "removed", "never", "expired", "changed", "overdue", "empty", "near_empty",
        "near_constant", "scattered", "unused", "no_why", "no_owner",
    ]  # fmt: skip
    level: Literal["bad", "warn", "note"]
    value: float | None


class TagShown(TagBase):
    """One tag with everything around it. `sum`: of numbers, or an exact decimal of money."""

    used_by: TagUses
    text: str
    etag: str | None
    fields: TagFields | None
    metric: str | None
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


class TagWhatIfAsked(Shape):
    """A draft (empty: the file as it is), the instants `on`, and what may have been done `after_days` later."""

    on: Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=24)]
    text: Annotated[str, Field(max_length=100_000)] = ""
    then: Annotated[str, Field(max_length=10_000)] = ""
    after_days: Annotated[int, Field(ge=1, le=366)] = 30


class DidNext(Shape):
    """How many of them did it. `share` is null below 30 people: not enough data; `low`, `high`: its 95 % interval."""

    people: int
    of: int
    share: float | None
    low: float | None
    high: float | None


class TagWhatIfValue(Shape):
    """Who had the value; null: none; `*`: any, where values are numbers or hidden; `…`: all further values."""

    value: str | None
    people: int
    did: DidNext | None


class TagWhatIfRow(Shape):
    """One instant. `everybody`: who had done or told anything by then; `until`: when `then` was asked."""

    as_of: str
    everybody: int
    people: int
    until: str | None
    did: DidNext | None
    values: list[TagWhatIfValue]


class TagWhatIf(Shape):
    """What the text would have given at each instant, and what these people did next."""

    key: str
    then: str
    after_days: int
    masked: bool
    instants: list[TagWhatIfRow]


class LineageAsked(Shape):
    """`focus`: only what this one rests on and what rests on it, near or far: `tag:vip`, `event:Order Paid`."""

    focus: Annotated[str, Field(max_length=300)] = ""


class LineageNode(Shape):
    """An event, an attribute, a tag, an audience or a campaign. `layer`: one more than what it is made of."""

    id: str
    kind: Literal["event", "attribute", "tag", "audience", "campaign"]
    name: str
    layer: int
    titles: dict[str, str]
    people: int | None


class LineageEdge(Shape):
    """From what is used to what uses it."""

    from_: Annotated[str, Field(alias="from")]
    to: str


class LineageAnswer(Shape):
    """What is made of what."""

    focus: str
    nodes: list[LineageNode]
    edges: list[LineageEdge]


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
    """What a run did to one tag."""

    tag: str
    people: int
    entered: int
    left: int
    changed: int
    redefined: bool


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
    carried: Carried | None
    seconds: dict[str, float]


class TagPlanAsked(Shape):
    """Which tags, and what goes along with them (default: all that differ), as of when (default: now)."""

    keys: list[Name] = Field(default_factory=list)
    as_of: Instant = ""


class PlannedTag(Shape):
    """What publishing a tag would do to people.

    `why`: `refers`: only what it refers to (`through`: tag:KEY, audience:NAME) differs; `read`: it is as it was and
    computed anew because another needs it. `moved`: people with another flag or text; `revalued`: with another number,
    amount or instant.
    """

    key: str
    titles: dict[str, str]
    type: str
    why: Literal["new", "changed", "refers", "removed", "read"]
    through: list[str]
    before: int
    after: int
    entered: int
    left: int
    moved: int
    revalued: int


class PlannedAudience(Shape):
    """An audience whose people would change; `before` is null when it names a tag that was never published."""

    name: str
    titles: dict[str, str]
    before: int | None
    after: int
    entered: int | None
    left: int | None


class PlannedCampaign(Shape):
    """A campaign that is still to choose its people, and by which of the planned tags, and how, it depends on them."""

    name: str
    titles: dict[str, str]
    status: Literal["draft", "scheduled", "missed", "running", "paused", "stopped", "done", "broken"]
    next_at: str | None
    audience: str
    tags: list[str]
    how: list[Literal["audience", "variant", "template"]]


class PlannedTemplate(Shape):
    """A template in which planned tags stand."""

    name: str
    tags: list[str]


class TagPlan(Shape):
    """What applying the tag files would change; nothing was changed.

    `plan`: what applying exactly this takes, null when files are wrong. `changes`: whether any definition differs from
    what is applied. `epoch`: the publication that it was compared with, 0 when there is none. `waiting`: tags whose
    file is a draft or waits for somebody's approval, so that it is not in the plan.
    """

    plan: str | None
    as_of: str
    epoch: int
    changes: bool
    everybody: int
    tags: list[PlannedTag]
    read: list[PlannedTag]
    audiences: list[PlannedAudience]
    campaigns: list[PlannedCampaign]
    templates: list[PlannedTemplate]
    problems: list[FileProblem]
    waiting: list[str]
    seconds: float


class TagApplyAsked(Shape):
    """Which tags, and what goes along (default: all that differ); `plan`: refused when that plan no longer fits."""

    keys: list[Name] = Field(default_factory=list)
    plan: Annotated[str, Field(max_length=200, description="`plan` of the plan that was looked at.")] = ""


class TagApplied(Shape):
    """What was applied: tags computed by their new definitions, and those removed; no `run`: nothing differed."""

    plan: str | None
    tags: list[str]
    removed: list[str]
    run: TagRan | None


class TagTestAsked(Shape):
    """Which tags' tests (default: all)."""

    keys: list[Name] = Field(default_factory=list)


class TriedTest(Shape):
    """How one test went; null: no value. `where`: file:line:column."""

    tag: str
    name: str
    where: str
    as_of: str
    passed: bool
    expected: str | None
    got: str | None


class TagTested(Shape):
    """How the tests in tag files went. `ok`: all passed and nothing is wrong; `untested`: tags without any."""

    ok: bool
    passed: int
    failed: int
    tests: list[TriedTest]
    untested: list[str]
    problems: list[FileProblem]
    seconds: float


class TagDraft(Shape):
    """A text that might become the tag's file."""

    key: Key
    text: Text


class TagForm(Shape):
    """The fields of a text, null when it is no YAML mapping; and what is wrong in it."""

    key: str
    fields: TagFields | None
    problems: list[ProblemAt]


class TagFilled(TagDraft):
    """A text, and the fields that are to be set in it."""

    fields: TagFields


class TagWritten(Shape):
    """The text with the fields set, its fields as they read now, and what is wrong in it."""

    key: str
    text: str
    fields: TagFields
    problems: list[ProblemAt]


class TagPreview(Shape):
    """What a text would give now. `before`: people with the published tag; entered, left, changed: against that."""

    key: str
    as_of: str
    people: int
    everybody: int
    coverage: float
    before: int
    entered: int
    left: int
    changed: int
    type: str
    sum: str | float | None
    values: list[TagValue]
    masked: bool
    seconds: float


class TagFinding(Shape):
    """Something that somebody should look at: the tags that it concerns, the numbers that show it, a proposal."""

    level: Literal["bad", "warn", "note"]
    code: Literal[
        "same_title", "synonym", "near_name", "same_definition", "same_people", "no_title", "no_why", "no_owner",
        "unused", "deprecated_use", "stale", "unrefreshed", "low_coverage", "constant", "high_churn",
    ]  # fmt: skip
    tags: list[str]
    numbers: dict[str, float]
    text: str
    hint: str
    proposal: Literal["merge", "rename", "retire", "describe", "refresh", "review", "replace"]


class TagLint(Shape):
    """Every finding, the worst first. `counts`: how many there are of each level; `broken`: files that are wrong."""

    as_of: str | None
    tags: int
    broken: list[str]
    counts: dict[str, int]
    findings: list[TagFinding]


class TagLintAsked(Shape):
    """Which findings: those about a tag, of a kind, of a level."""

    key: Annotated[str, Field(max_length=100)] = ""
    code: Annotated[str, Field(max_length=40)] = ""
    level: Literal["", "bad", "warn", "note"] = ""


class TagReason(Shape):
    """Why the approval is asked for."""

    reason: Annotated[str, Field(max_length=500)] = ""


class TagDecision(Shape):
    """The answer: approve or refuse, and why."""

    decision: Literal["approve", "refuse"]
    reason: Annotated[str, Field(max_length=500)] = ""


class TagReview(Shape):
    """A question about a tag's text and its answer. void: the file is another one by now."""

    id: str
    tag: str
    titles: dict[str, str]
    state: Literal["waiting", "approved", "refused", "void"]
    why: str
    metric: str
    asked_by: str
    asked_at: str
    mine: bool
    decided_by: str | None
    decided_at: str | None
    reason: str


class TagReviews(Shape):
    """The questions about tags, the latest first. `needed`: whether a changed tag is applied only when approved."""

    needed: bool
    approvals: list[TagReview]


class TagReviewsAsked(Shape):
    """Which questions: of one state, or all."""

    state: Literal["", "waiting", "approved", "refused", "void"] = ""


class TagVersion(Shape):
    """A text of a tag that was applied. `as_of`, `run`: from which run on; `in_file`: the file holds it now."""

    version: int
    fingerprint: str
    text: str
    by: str
    approved_by: str | None
    at: str
    as_of: str
    run: str
    current: bool
    in_file: bool


class TagVersions(Shape):
    """Every text of a tag that was applied, the latest first."""

    key: str
    versions: list[TagVersion]


class TagRollback(Shape):
    """Which version's text is written back."""

    version: Annotated[int, Field(ge=1)]


class TagRolledBack(Shape):
    """The tag's file holds that version's text again; the next run applies it."""

    key: str
    version: int
    etag: str
    edit: str


class TagCut(Shape):
    """The cut points that are in the tag's file now, those before (null: none), and of how many people they are."""

    key: str
    of: str
    at: list[str]
    before: list[float | None]
    frozen: list[float]
    frozen_at: str
    people: int
    etag: str


_TEXT = """\
title: {en: Orders in 30 days, zh: 近30天订单数}
nature: fact
method: statistic
type: number
statistic: count("Order Paid" in last 30 days)
validity: 2 days
"""

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
    Route(
        "POST",
        "/api/v1/tags/plan",
        "tag plan",
        Role.OPERATOR,
        TagPlan,
        "tags",
        takes=TagPlanAsked,
        reads=True,
        example={"body": {"keys": ["value_tier"]}},
    ),
    Route(
        "POST",
        "/api/v1/tags/apply",
        "tag apply",
        Role.OPERATOR,
        TagApplied,
        "tags",
        takes=TagApplyAsked,
        effect=True,
        job=True,
        example={"body": {"keys": ["value_tier"]}},
    ),
    Route(
        "POST",
        "/api/v1/tags/test",
        "tag test",
        Role.VIEWER,
        TagTested,
        "tags",
        takes=TagTestAsked,
        reads=True,
        example={"body": {"keys": ["value_tier"]}},
    ),
    Route(
        "POST",
        "/api/v1/tags/form",
        "tag form",
        Role.VIEWER,
        TagForm,
        "tags",
        takes=TagDraft,
        reads=True,
        example={"body": {"key": "orders_30d", "text": _TEXT}},
    ),
    Route(
        "POST",
        "/api/v1/tags/text",
        "tag text",
        Role.VIEWER,
        TagWritten,
        "tags",
        takes=TagFilled,
        reads=True,
        example={"body": {"key": "orders_30d", "text": _TEXT, "fields": {"owner": "crm"}}},
    ),
    Route(
        "POST",
        "/api/v1/tags/preview",
        "tag preview",
        Role.VIEWER,
        TagPreview,
        "tags",
        takes=TagDraft,
        reads=True,
        example={"body": {"key": "orders_30d", "text": _TEXT}},
    ),
    Route(
        "POST",
        "/api/v1/tags/{key}/whatif",
        "tag whatif",
        Role.VIEWER,
        TagWhatIf,
        "tags",
        takes=TagWhatIfAsked,
        reads=True,
        example={
            "body": {"on": ["2026-01-01"], "then": 'did "Order Paid" in last 30 days', "after_days": 30}
        },
    ),
    Route("GET", "/api/v1/tags/lint", "tag lint", Role.VIEWER, TagLint, "tags", asks=TagLintAsked),
    Route(
        "GET", "/api/v1/tags/reviews", "tag reviews", Role.VIEWER, TagReviews, "tags", asks=TagReviewsAsked
    ),
    Route(
        "POST",
        "/api/v1/tags/{key}/submit",
        "tag submit",
        Role.OPERATOR,
        TagReview,
        "tags",
        takes=TagReason,
        effect=True,
    ),
    Route(
        "POST",
        "/api/v1/tags/{key}/decide",
        "tag decide",
        Role.OPERATOR,
        TagReview,
        "tags",
        takes=TagDecision,
        effect=True,
        example={"body": {"decision": "approve"}},
    ),
    Route("GET", "/api/v1/tags/{key}/versions", "tag versions", Role.VIEWER, TagVersions, "tags"),
    Route(
        "POST",
        "/api/v1/tags/{key}/rollback",
        "tag rollback",
        Role.OPERATOR,
        TagRolledBack,
        "tags",
        takes=TagRollback,
        effect=True,
        example={"body": {"version": 1}},
    ),
    Route("GET", "/api/v1/lineage", "tag lineage", Role.VIEWER, LineageAnswer, "tags", asks=LineageAsked),
    Route(
        "POST",
        "/api/v1/tags/{key}/cut",
        "tag cut",
        Role.OPERATOR,
        TagCut,
        "tags",
        effect=True,
    ),
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
)
