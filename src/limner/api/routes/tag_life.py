"""Routes of a tag's life: its text, what a text would do, plan and apply, tests, lint, reviews and versions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.definitions import ProblemAt, Text
from limner.api.routes.people import Named
from limner.api.routes.route import Instant, Name, Route, Shape
from limner.api.routes.tags import FileProblem, Key, TagFields, TagRan, TagValue


class TagWhatIfAsked(Shape):
    """A draft (empty: the file as it is), the instants `on`, and what may have been done `after_days` later.

    `view`: by what was known at each instant, or by what is true of it; empty: known, if anything was heard by then.
    """

    on: Annotated[list[Annotated[str, Field(max_length=40)]], Field(min_length=1, max_length=24)]
    text: Annotated[str, Field(max_length=100_000)] = ""
    then: Annotated[str, Field(max_length=10_000)] = ""
    after_days: Annotated[int, Field(ge=1, le=366)] = 30
    view: Literal["", "known", "true"] = ""


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
    view: Literal["known", "true"]
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


class PlannedJourney(Shape):
    """A journey that is not stopped, how many are in it, and which of the planned tags it depends on, and how."""

    name: str
    titles: dict[str, str]
    status: Literal["not started", "running", "paused"]
    inside: int
    tags: list[str]
    how: list[Literal["audience", "condition", "variant", "template", "gives"]]


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
    journeys: list[PlannedJourney]
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


class TagPreviewed(Shape):
    """Somebody who would have the tag, masked as in lists. `enters`: who does not have it now."""

    person: str
    name: str | None
    id: Named | None
    value: str
    enters: bool


class TagPreview(Shape):
    """What a text would give now. `before`: people with the published tag; entered, left, changed: against that.

    `some`: a few of the people, who enters first.
    """

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
    some: list[TagPreviewed]
    masked: bool
    seconds: float


class TagFinding(Shape):
    """Something that somebody should look at: the tags that it concerns, the numbers that show it, a proposal."""

    level: Literal["bad", "warn", "note"]
    code: Literal[
        "same_title", "synonym", "near_name", "same_definition", "same_people", "no_title", "no_why", "no_owner",
        "unused", "deprecated_use", "uncomputed", "stale", "unrefreshed", "low_coverage", "constant", "high_churn",
        "inaccurate", "spelled_out",
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


class PredictAsked(Shape):
    """What is to be reached, an event or a compared metric without a window, within `after_days` days from `on`.

    Empty: did "Order Paid", and so many days ago. `keys`: only these tags. `view`: see what-if.
    """

    keys: Annotated[list[Name], Field(max_length=1_000)] = Field(default_factory=list)
    then: Annotated[str, Field(max_length=10_000)] = ""
    on: Instant = ""
    after_days: Annotated[int, Field(ge=1, le=366)] = 30
    view: Literal["", "known", "true"] = ""


class PredictingValue(Shape):
    """The value (null: none) of a tag that differs most: its people, who of them reached it, and the lift: by how many
    times that is more than of everybody, with its 95 % interval.
    """

    value: str | None
    people: int
    reached: int
    lift: float | None
    low: float | None
    high: float | None


class PredictingTag(Shape):
    """What a tag told of who would reach it. `worth`: the information value in nats with its 95 % interval.

    `learned_later`: its weights were learned after that date, so that it knows too much. `used`: by how many
    definitions; `proposal`: retire what tells nothing and nobody uses.
    """

    key: str
    titles: dict[str, str]
    verdict: Literal["predicts", "nothing", "not_enough_data", "learned_later"]
    people: int | None
    worth: float | None
    low: float | None
    high: float | None
    best: PredictingValue | None
    used: int
    proposal: Literal["", "retire"]


class TagsPredict(Shape):
    """What tags as of a date told of the days after. `everybody`: who was there; `reached`: who of them reached it."""

    then: str
    as_of: str
    until: str
    after_days: int
    view: Literal["known", "true"]
    everybody: int
    reached: int
    needed: int
    enough: bool
    tags: list[PredictingTag]


class TagReason(Shape):
    """Why the approval is asked for."""

    reason: Annotated[str, Field(max_length=500)] = ""


class TagDecision(Shape):
    """The answer: approve or refuse, and why."""

    decision: Literal["approve", "refuse"]
    reason: Annotated[str, Field(max_length=500)] = ""


class TagReview(Shape):
    """A question about a tag's text and its answer. void: the file is another one by now.

    `mine`: whoever looks asked; `wrote`: whoever looks wrote the text. Neither of them decides.
    """

    id: str
    tag: str
    titles: dict[str, str]
    state: Literal["waiting", "approved", "refused", "void"]
    why: str
    metric: str
    asked_by: str
    asked_at: str
    mine: bool
    wrote: bool
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


class LearnedFeature(Shape):
    """The weight of a feature for each unit, and its mean among those from whom it was learned."""

    tag: str
    weight: float
    mean: float


class TagLearned(Shape):
    """The weights that are in the tag's file now. `auc`: of `tested` later examples; `said`: what it is not."""

    key: str
    base: float
    features: list[LearnedFeature]
    examples: int
    reached: int
    tested: int
    auc: float
    calibrated: bool
    said: str
    at: str
    etag: str


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


class TagReportAsked(Shape):
    """As of when; empty: now."""

    as_of: Instant = ""


class ReportedMetric(Shape):
    """The metric of a goal: its unit, and how it is measured."""

    key: str
    titles: dict[str, str]
    unit: str
    measured: str


class ReportedNumber(Shape):
    """A metric's number at an instant, null when it is divided by 0; `active`: people who did anything that counts."""

    at: str
    value: float | None
    active: int | None


class ReportedBaseline(ReportedNumber):
    """From where a goal starts, as its file states it, and what the metric was on that day."""

    stated: float


class ReportedStage(Shape):
    """A stage of a goal; its number is that of its date, null while that lies ahead."""

    by: str
    target: float
    state: Literal["met", "not_met", "not_enough_data", "ahead"]
    value: float | None
    active: int | None


class TagReport(Shape):
    """Whether a tag's goal is met, stage by stage. `state`: of the last stage that has come.

    `rising`: whether more is better; below `needed` active people nothing is judged.
    """

    key: str
    titles: dict[str, str]
    why: str
    as_of: str
    metric: ReportedMetric
    where: str
    rising: bool
    baseline: ReportedBaseline
    now: ReportedNumber
    state: Literal["met", "not_met", "not_enough_data", "ahead"]
    stages: list[ReportedStage]
    needed: int


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
    Route(
        "POST",
        "/api/v1/tags/predict",
        "tag predict",
        Role.VIEWER,
        TagsPredict,
        "tags",
        takes=PredictAsked,
        reads=True,
        example={"body": {"then": 'did "Order Paid"', "after_days": 30}},
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
    Route(
        "GET", "/api/v1/tags/{key}/report", "tag report", Role.VIEWER, TagReport, "tags", asks=TagReportAsked
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
    Route(
        "POST",
        "/api/v1/tags/{key}/learn",
        "tag learn",
        Role.OPERATOR,
        TagLearned,
        "tags",
        effect=True,
        job=True,
    ),
    Route(
        "POST",
        "/api/v1/tags/{key}/cut",
        "tag cut",
        Role.OPERATOR,
        TagCut,
        "tags",
        effect=True,
    ),
)
