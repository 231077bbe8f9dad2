"""Routes of people: the list, the portrait, what happened, what was sent, why a tag, the person's own rights."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, Literal

from fastapi import Response
from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Call, Expression, Instant, Name, Paged, Route, Shape, Titles
from limner.api.routes.timing import Chosen
from limner.types import silent
from limner.workspace.calling import call

Value = bool | int | float | str | None


class Named(Shape):
    """An identifier or contact, masked where the caller may not read it."""

    kind: str
    value: str


class MainTag(Shape):
    """A tag's value at a glance."""

    key: str
    titles: Titles
    value: Value


class PersonRow(Shape):
    """One person of a list. The contact is masked for everybody."""

    person: str
    name: str | None
    id: Named | None
    contact: Named | None
    tags: list[MainTag]
    first_seen: str
    last_seen: str | None
    events: int


class PersonPage(Shape):
    """People, and exactly how many there are: `total` of those asked for, `everybody` of all."""

    people: list[PersonRow]
    next: str | None
    total: int
    everybody: int
    where: str
    sort: str
    as_of: str
    masked: bool


class PeopleAsked(Paged):
    """Which people: by a word (id, e-mail, phone's last digits, openid, name) and a condition."""

    q: Annotated[str, Field(max_length=200)] = ""
    where: Expression = ""
    sort: Literal["last_seen", "first_seen", "id"] = "last_seen"


class AsOf(Shape):
    """As of when; empty: now."""

    as_of: Instant = ""


View = Literal["", "known", "true"]
"""Of a past instant: by what was known then, or by what is true of it; empty: known, if anything was heard by then."""


class PersonAsked(AsOf):
    """As of when, and by which view of a past instant."""

    view: View = ""


class Tie(Shape):
    """What ties an identifier to another: a login on a device, a key that was given, an alias, or a cut.

    `heard`: when that was received; null: not asked (of the present), or not known.
    """

    what: Literal["login", "login_of", "key", "key_of", "alias", "alias_of", "cut", "cut_of"]
    kind: str
    value: str
    since: str
    heard: str | None


class Identity(Shape):
    """An identifier of the person, and what ties it to others: in words, and as data.

    `heard`: when it was first received; null: not asked (of the present), or not known.
    """

    kind: str
    value: str
    evidence: str
    ties: list[Tie]
    heard: str | None


class Attribute(Shape):
    """An attribute's value, and who said it when."""

    name: str
    value: Any
    kind: str
    at: str
    source: str | int | None


class LabelWeight(Shape):
    """A label that a tag gives the person, and how strongly it holds: 0 to 1."""

    label: str
    weight: float


class GivenValue(Shape):
    """Who gave a value and when; `until`: when it ends, null never; `batch`: with what it was given.

    `who`: staff said so, or the customer did, and `by` handed it on.
    `corrects`: it stands in the place of the `computed` (or imported) one, null where there would be none.
    """

    value: Value
    by: str
    who: Literal["staff", "customer"]
    at: str
    until: str | None
    origin: Literal["manual", "imported"]
    batch: str | None
    corrects: bool
    computed: Value


class TagValue(Shape):
    """A tag of the person. `labels`: each with its weight, the greatest first, where the tag gives several.

    `weight` is the value's, and `formula` how it comes about: null where tags of this kind have no weights. `given`:
    who gave the value, if anybody did.
    """

    key: str
    title: str
    titles: Titles
    value: Value
    weight: float | None
    labels: list[LabelWeight]
    formula: str | None
    coverage: float | None
    type: str
    nature: str
    method: str
    source: str
    definition: str
    owner: str
    as_of: str | None
    expires_at: str | None
    given: GivenValue | None


class TagGroup(Shape):
    """The tags of one category."""

    category: str
    tags: list[TagValue]


class ConsentWord(Shape):
    """What was last said of one channel and class; `suppressed` is why messages are stopped, if they are."""

    channel: str
    message_class: Annotated[str, Field(alias="class")]
    state: Literal["granted", "withdrawn", "unknown"]
    at: str | None
    source: str
    proof: str
    suppressed: str


class PersonHeader(Shape):
    """Who it is, at a glance."""

    name: str | None
    id: Named | None
    contact: Named | None
    stage: MainTag | None
    value: MainTag | None
    place: MainTag | None
    first_source: str | None
    first_seen: str | None
    last_seen: str | None
    events: int
    messages: int
    consents: list[ConsentWord]


class MemberOf(Shape):
    """An audience that the person belongs to, and since when by its snapshots.

    `by`: its last snapshot, its condition at a past instant, or both. `definition`: which text was asked, that of then,
    the first that was kept (then is not known), or today's.
    """

    name: str
    titles: Titles
    since: str | None
    by: Literal["snapshot", "condition", "both"]
    definition: Literal["then", "first", "today"]


class Merged(Shape):
    """A person who became part of this one."""

    person: str
    first_seen: str
    id: Named | None


class OtherThen(Shape):
    """Somebody who is one with the person today and was not then; `person` null: without an id of their own."""

    person: str | None
    identities: list[Identity]


class EventsThen(Shape):
    """Of today's person's `events` before an instant: known to be `theirs` by then, or `others'`, and `unheard` ones.

    Null where it is not known who they were.
    """

    events: int
    unheard: int
    theirs: int | None
    others: int | None


class WhoThen(Shape):
    """Who the person was at a past instant. `known` false: it cannot be told, `unknown` says why.

    `same`: they are who they were. `others`: who is one with them today and was not then.
    """

    known: bool
    unknown: str
    same: bool
    events: EventsThen
    others: list[OtherThen]


class Person(Shape):
    """A portrait. `view`: by what was known at `as_of`, or by what is true of it.

    Of a past instant `identities` and `merges` are those of `then`, and by what was known `person` too (`today`: the
    outward id today); `true` counts the events of everybody who is one with them today. `moved_since`: identifiers or
    events came or went since. `defined_later`: the tags that nobody had defined at `as_of`, as they began.
    """

    person: str
    today: str
    as_of: str
    view: Literal["known", "true"]
    moved_since: bool
    defined_later: list[str]
    masked: bool
    header: PersonHeader
    tags: list[TagGroup]
    attributes: list[Attribute]
    identities: list[Identity]
    audiences: list[MemberOf]
    merges: list[Merged]
    then: WhoThen | None


class DiffAsked(Shape):
    """Between which instants (`until` empty: now), and by which view of the past ones."""

    since: Instant
    until: Instant = ""
    view: View = ""


class Differs(Shape):
    """An attribute, tag or audience that was added, went, or has another value; null: there is none."""

    key: str
    titles: Titles
    what: Literal["added", "gone", "changed"]
    before: Any
    after: Any


class TagDiffers(Differs):
    """A tag; of one that gives several labels the values are lists of them, the greatest weight first."""

    type: str


class IdentifierDiffers(Shape):
    """An identifier that came or went; `was`: whose it was known to be before, null: nobody had heard of it."""

    kind: str
    value: str
    what: Literal["added", "gone"]
    was: str | None


class PersonDiff(Shape):
    """What is otherwise of a person at `until` than at `since`: `changes` differences in all.

    `unknown`: why it is not known who they were at `since`; empty when it is.
    """

    person: str
    today: str
    since: str
    until: str
    view: Literal["known", "true"]
    unknown: str
    attributes: list[Differs]
    tags: list[TagDiffers]
    audiences: list[Differs]
    identifiers: list[IdentifierDiffers]
    changes: int
    masked: bool


class TimelineEvent(Shape):
    """Something that happened. `known_then`: of a past timeline, whether it was known then to be the person's."""

    id: str
    event: str
    at: str
    received_at: str
    source: str | int | None
    properties: dict[str, Any]
    known_then: bool | None = None


class EventCount(Shape):
    """How often one thing happened."""

    event: str
    events: int


class Timeline(Shape):
    """What a person did, newest first. `counts` know no filter of names: they are what can be filtered by."""

    person: str
    events: list[TimelineEvent]
    next: str | None
    total: int
    counts: list[EventCount]
    until: str
    masked: bool


class TimelineAsked(Paged):
    """Which events: of these names, of one source, since (inclusive) until (exclusive).

    `view`: `known` leaves out what was received after `until`; empty: as the portrait of then. `as_of`: as a portrait
    of that past instant tells it.
    """

    event: Annotated[list[Name], Field(default_factory=list)]
    source: Annotated[str, Field(max_length=200)] = ""
    since: Instant = ""
    until: Instant = ""
    view: View = "true"
    as_of: Instant = ""


class Picked(Shape):
    """Something that was in a list of a message, and why; what must not be seen of an interest is null."""

    list: str
    source: Annotated[str, Field(alias="from")]
    name: str
    titles: Titles
    kind: str
    tag: str | None
    tag_titles: Titles
    label: str | None
    weight: float | None
    people: int


class MessageRow(Shape):
    """A message to the person, or a campaign that held the person out (status `held_out`)."""

    id: str
    at: str | None
    campaign: str
    journey: bool
    titles: Titles
    entry: str
    step: str
    channel: str
    message_class: Annotated[str, Field(alias="class")]
    status: str
    reason: str
    opened_at: str | None
    clicked_at: str | None
    unsubscribed_at: str | None
    due_at: str | None
    why: Chosen | None
    picks: list[Picked]


class MessagePage(Shape):
    """The messages to a person, the latest first."""

    person: str
    messages: list[MessageRow]
    next: str | None


class MessagesAsked(Paged):
    """Which messages: those until an instant; empty: now."""

    as_of: Instant = ""


class Answered(Shape):
    """Sent messages that could be answered, how many were, and the share."""

    asked: int
    answered: int
    share: float


class ChannelHabit(Answered):
    """How a person answers on a channel, everybody's beside it; `objection`: why no marketing may go by it."""

    channel: str
    everybody: Answered
    objection: str


class Habit(Shape):
    """When a person is there: observations by hour of their own clock, the best band and whose habit that is.

    `best`: where the band of `band` hours begins (null: not enough data); `n` of `of` observations lie in it. `others`:
    the shares of the hours of whoever's habit counts instead of the person's own.
    """

    person: str
    zone: str
    band: int
    least: int
    observations: int
    hours: list[int]
    others: list[float] | None
    whose: Literal["person", "segment", "everybody", "nobody"]
    segment: str | None
    best: int | None
    n: int
    of: int
    channels: list[ChannelHabit]
    response_within: str
    as_of: str


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


class Erased(Shape):
    """What was erased."""

    person: str
    rows: int
    segments: int
    exports_deleted: int
    at: str


class Exported(Shape):
    """A file with everything that is kept about a person."""


async def _exported(made: Call) -> Response:
    """The file as a download."""
    answer = await asyncio.to_thread(
        call, made.workspace, "person export", dict(made.arguments), silent, made.caller
    )
    body = json.dumps(answer["content"], ensure_ascii=False, indent=1, default=str)
    return Response(
        body,
        media_type="application/json",
        headers={
            "content-disposition": f'attachment; filename="person-{answer["person"]}.json"',
            "cache-control": "no-store",
        },
    )


_ROW = {
    "person": "n6yfn5sgmkdhhx4o6v2a7hlz", "name": "张***", "id": {"kind": "user", "value": "m-00042"},
    "contact": {"kind": "phone", "value": "•••• 8000"},
    "tags": [{"key": "value_tier", "titles": {"en": "Value tier", "zh": "价值层级"}, "value": "high"}],
    "first_seen": "2025-03-02T09:15:00+00:00", "last_seen": "2026-05-30T08:00:00+00:00", "events": 214,
}  # fmt: skip

ROUTES = (
    Route(
        "GET",
        "/api/v1/people",
        "person list",
        Role.VIEWER,
        PersonPage,
        "people",
        asks=PeopleAsked,
        example={
            "answer": {
                "people": [_ROW],
                "next": None,
                "total": 1,
                "everybody": 3407,
                "where": "value_tier = 'high'",
                "sort": "last_seen",
                "as_of": "2026-06-01T00:00:00+00:00",
                "masked": True,
            }
        },
    ),
    Route("GET", "/api/v1/people/{id}", "person show", Role.VIEWER, Person, "people", asks=PersonAsked),
    Route(
        "GET", "/api/v1/people/{id}/diff", "person diff", Role.VIEWER, PersonDiff, "people", asks=DiffAsked
    ),
    Route(
        "GET",
        "/api/v1/people/{id}/events",
        "person timeline",
        Role.VIEWER,
        Timeline,
        "people",
        asks=TimelineAsked,
    ),
    Route(
        "GET",
        "/api/v1/people/{id}/messages",
        "person messages",
        Role.VIEWER,
        MessagePage,
        "people",
        asks=MessagesAsked,
        pages=("messages", "id"),
    ),
    Route("GET", "/api/v1/people/{id}/when", "person when", Role.VIEWER, Habit, "people"),
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
    Route(
        "GET",
        "/api/v1/people/{id}/export",
        "person export",
        Role.ADMIN,
        Exported,
        "people",
        handle=_exported,
        answers_file="application/json",
    ),
    Route(
        "DELETE", "/api/v1/people/{id}", "person erase", Role.ADMIN, Erased, "people", effect=True, job=True
    ),
)
