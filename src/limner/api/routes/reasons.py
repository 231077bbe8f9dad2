"""Routes of reasons: why somebody has a tag's value or is in an audience, or not, and what would change it."""

from __future__ import annotations

from typing import Any, Literal

from limner.accounts.model import Role
from limner.api.routes.people import GivenValue, LabelWeight, PersonAsked, Value
from limner.api.routes.route import Route, Shape, Titles
from limner.api.routes.timeline import TimelineEvent


class Deciding(Shape):
    """The events on which a value rests: `deciding` of `considered` in [since, until), the newest of them."""

    since: str | None
    until: str
    considered: int
    deciding: int
    events: list[TimelineEvent]


class Evidence(Deciding):
    """The events on which a condition rests."""

    text: str


class Sentence(Shape):
    """A sentence in both languages, with the code and the numbers that it is made of, for whoever says it otherwise."""

    code: str
    numbers: dict[str, Any]
    en: str
    zh: str


class FromSource(Shape):
    """How many of the events came from a source."""

    source: str | int | None
    events: int


class Because(Shape):
    """Events, attributes and lists without which the answer would be another; `absent`: what did not happen either.

    `named` events, up to 10,000 of them in `ids`, the newest in `events`. `said` false: not worked out, see `text`.
    """

    said: bool
    text: Sentence
    named: int
    ids: list[str]
    events: list[TimelineEvent]
    sources: list[FromSource]
    attributes: list[str]
    lists: list[str]
    absent: list[str]


class ExampleEvent(Shape):
    """An event that would fit."""

    event: str
    properties: dict[str, Any]


class PlannedEvent(ExampleEvent):
    """An event that would fit, so many microseconds after the first."""

    after_us: int


class PlannedWord(Shape):
    """A value that an attribute could be told to have."""

    name: str
    value: Any


class PlannedList(Shape):
    """A list kept by hand on which the person would have to be put (`on`), or from which taken."""

    audience: str
    on: bool


class Plan(Shape):
    """What would make it so: begun from now on and before `until` (null: at any time), or exactly at `begin`.

    It is so just after the last event and `wait_us` microseconds more.
    """

    events: list[PlannedEvent]
    attributes: list[PlannedWord]
    lists: list[PlannedList]
    wait_us: int
    begin: str | None
    until: str | None
    until_exact: bool


class Missing(Shape):
    """What is missing. `until`: before that instant it helps; `at`: when time alone brings it.

    `until_exact` false: it may help later too, which was not looked at.

    `what`: events, amount, step, periods, time, attribute, list (kept by hand), points, parts, never (cannot become so)
    unsaid (not worked out), chance (of a learned tag) or none (no single thing that they could do changes it).
    """

    what: str
    have: Any
    need: Any
    more: Any
    event: str | None
    where: str | None
    example: ExampleEvent | None
    until: str | None
    until_exact: bool
    at: str | None
    text: Sentence


class Nearness(Shape):
    """How near a condition is: `holds`, or what is missing, part by part.

    `wanted` is what it should be (false inside `not`), `fits` whether it is; `nearest`: which part lacks least, where
    one is enough. `points`: what it is worth, where points of parts are added up.
    """

    holds: bool
    wanted: bool
    fits: bool
    said: bool
    text: str
    missing: Missing | None
    parts: list[Nearness]
    nearest: int | None
    points: float | None


class Near(Nearness):
    """How near the whole is, with a plan that would make it so; `alone`: when time by itself would.

    Of a rule: `value` is what the nearest case would give.
    """

    plan: Plan | None
    alone: str | None
    value: Value = None


class Ends(Shape):
    """When time alone, with no new event, gives another answer (`then`); `at` null: never.

    `proved`: asked of the engine just before and then; null: it could not be, since more has happened meanwhile.
    `said` false: not worked out, `text` says why.
    """

    said: bool
    at: str | None
    proved: bool | None
    then: Value
    text: Sentence


class WhyCondition(Shape):
    """One condition, and whether it holds."""

    text: str
    holds: bool


class WhyCase(Shape):
    """One case of a rule. `near`: what is missing for it, where it does not hold and no case before it decided."""

    when: str
    then: Value
    holds: bool
    conditions: list[WhyCondition]
    near: Near | None


class WhyInput(Shape):
    """A tag, attribute or aggregate that conditions name, and the person's value; null: none."""

    text: str
    kind: Literal["tag", "attribute", "events"]
    name: str
    titles: Titles
    type: str
    value: Any


class WhyRule(Shape):
    """The cases of a rule. `decided`: the first that holds, null: none."""

    decided: int | None
    otherwise: Value
    cases: list[WhyCase]
    inputs: list[WhyInput]
    evidence: list[Evidence]


class WhyScored(Shape):
    """One condition of added points. `near`: what is missing for it, or, where it holds, for the opposite."""

    when: str
    points: float
    holds: bool
    near: Near | None


class WhyPoints(Shape):
    """The conditions whose points are added up to `sum`. `tiers`: from the lowest, one more than the `cuts`."""

    sum: float
    rows: list[WhyScored]
    tiers: list[str]
    cuts: list[float]


class AttributeWord(Shape):
    """What was said of an attribute, when and by whom."""

    at: str
    source: str | int | None
    mode: str
    kind: str
    value: Any
    decides: bool


class WhyObserved(Shape):
    """What was ever said of an attribute: `words` times, the newest of them."""

    attribute: str
    words: int
    said: list[AttributeWord]


class WhyWeights(Shape):
    """The person's labels, the greatest weight first, and how a weight comes about."""

    formula: str
    labels: list[LabelWeight]


class WhySide(Shape):
    """A cut point (`at`) next to a value, `by` so much away: beyond it `tag` is another (`gives`; null: not named).

    `near`: what would bring it there, and which value the tag would then have; `text` says the amount.
    """

    tag: str
    titles: Titles
    gives: str | None
    at: str
    by: str
    near: Near | None
    text: Sentence


class WhyTiers(Shape):
    """A number (of the tag `of`) that is cut into tiers, and the cut points that decided, from the lowest.

    `percents`: so many of a hundred people are below each. With `every_run` they are those that `run` (null: no run)
    computed as of `as_of`, out of so many people's values; else they stand in the file, since `frozen_at`.
    """

    of: str
    titles: Titles
    type: str
    value: Value
    tiers: list[str]
    cuts: list[float]
    percents: list[float] | None
    every_run: bool
    frozen_at: str | None
    as_of: str | None
    run: str | None
    people: int | None
    above: WhySide | None
    below: WhySide | None


class WhyFeature(Shape):
    """What a feature contributes to a chance (in log odds): its value times its `weight`.

    `adds`: the same against the `mean` of those from whom it was learned.
    """

    tag: str
    titles: Titles
    value: Value
    weight: float
    mean: float
    contributes: float | None
    adds: float | None


class WhyLearned(Shape):
    """How a learned chance comes about, the greatest contribution first. `auc`: how well it puts people in order.

    The intercept (`base`) and what all features contribute are together `log_odds`, of which the chance is made (null:
    a feature has no value, or is hidden). `version`: which applied version of the tag it is; `learnt_at`: since when.
    `above` and `below`: the nearest chances at which other tags cut or compare it.
    """

    said: str
    version: int | None
    learnt_at: str | None
    examples: int | None
    reached: int | None
    auc: float | None
    base: float | None
    log_odds: float | None
    features: list[WhyFeature]
    above: WhySide | None
    below: WhySide | None


class WhySettled(Shape):
    """An exclusive group took the value: the person keeps another tag of it, or none (null)."""

    group: str
    kept: str | None
    since: str
    run: str


class Why(Shape):
    """Why a person has a value of a tag, or has none.

    `value` is the published one; `recomputed` is what today's data give for `as_of`; they differ (`agrees` is false)
    when events came late or people were joined since. `redefined`: the file says something else than what was computed.
    `ends_at`: when it ends, by its validity or by time alone (`ends_by`), whichever is first. `fingerprint`: the
    version of the definition that computed it, in the run `run`.
    """

    person: str
    key: str
    titles: Titles
    nature: str
    method: str
    type: str
    definition: str
    why: str
    owner: str
    source: str
    known: bool
    value: Value
    view: Literal["known", "true"]
    defined_later: bool
    joined_since: bool
    recomputed: Value
    agrees: bool
    computed: bool
    redefined: bool
    as_of: str
    asked_at: str
    expires_at: str | None
    expired: bool
    run: str | None
    run_at: str | None
    fingerprint: str
    ends_at: str | None
    ends_by: Literal["validity", "time"] | None
    available: bool
    unavailable: Sentence | None
    statistic: Deciding | None
    weights: WhyWeights | None
    rule: WhyRule | None
    points: WhyPoints | None
    observed: WhyObserved | None
    learned: WhyLearned | None
    tiers: WhyTiers | None
    settled: WhySettled | None
    given: GivenValue | None
    because: Because
    near: Near | None
    ends: Ends


class WhyMember(Shape):
    """Why a person is in an audience or not. `member`: by the published tags; `recomputed`: by today's data.

    Of a past instant by `view`: `definition` says which text of the audience was asked (see `MemberOf`), and
    `defined_later` which of its tags nobody had defined then; `joined_since`: they are not who they were then. `kept`:
    whether the snapshots of then had the person, and `since` when; null where there was none.
    """

    person: str
    audience: str
    titles: Titles
    expression: str | None
    member: bool
    recomputed: bool
    agrees: bool
    as_of: str
    tags_as_of: str | None
    view: Literal["known", "true"]
    definition: Literal["then", "first", "today"]
    defined_later: list[str]
    joined_since: bool
    kept: bool | None
    since: str | None
    because: Because
    near: Near | None
    ends: Ends


ROUTES = (
    Route(
        "GET",
        "/api/v1/people/{id}/tags/{key}/why",
        "person why",
        Role.VIEWER,
        Why,
        "people",
        asks=PersonAsked,
    ),
    Route(
        "GET",
        "/api/v1/people/{id}/audiences/{name}/why",
        "audience why",
        Role.VIEWER,
        WhyMember,
        "people",
        asks=PersonAsked,
    ),
)
