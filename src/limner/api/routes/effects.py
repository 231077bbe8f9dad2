"""Routes of effects: what each sending changed, and all marketing together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.campaigns import Counts, Goal
from limner.api.routes.route import Entry, Instant, Paged, Route, Shape, Titles


class Rate(Shape):
    """`k` of `n` people, with the 95 % interval of their share."""

    n: int
    k: int
    rate: float | None
    low: float | None
    high: float | None


class Rates(Shape):
    """Who converted in each arm."""

    treated: Rate
    held_out: Rate


class Incremental(Shape):
    """Conversions that the campaign made, with the bounds of 95 %."""

    conversions: float
    low: float
    high: float
    per_person: float
    per_person_low: float
    per_person_high: float


class IncrementalMoney(Shape):
    """Money that the campaign made: estimates, not amounts, with the bounds of 95 %."""

    currency: str
    treated_per_person: float
    held_out_per_person: float
    per_person: float
    per_person_low: float
    per_person_high: float
    total: float
    low: float
    high: float


WhyNot = Literal["no_goal", "nobody_held_out", "nobody_treated", "few_conversions"]


class Returned(Shape):
    """What was spent, and the money that each unit of it brought back beyond the held out, with the bounds of 95 %;
    null with the reason."""

    cost: float
    per_unit: float | None
    low: float | None
    high: float | None
    why_not: (
        WhyNot
        | Literal["no_cost", "no_money", "no_holdout", "not_begun", "holdout_changed", "no_sum", "problem"]
        | None
    )


class ByVariant(Shape):
    """What one text did: of those for whom it was, who was treated against who was held out. `when` '': all others."""

    variant: str
    when: str
    people: int
    sent: int
    opened: int
    clicked: int
    unsubscribed: int
    converted: Rates | None
    incremental: Incremental | None
    money: IncrementalMoney | None
    enough_data: bool
    message: str
    why_not: WhyNot | None


class ReportAsked(Shape):
    """Which sending (default: the last), counted until when (default: now)."""

    entry: Entry = ""
    as_of: Instant = ""


class Report(Counts):
    """What a sending changed, then where everybody is, then the rates.

    `where`: expressions over people behind the counts. `more_days`: about how many days until there is enough.
    """

    campaign: str
    titles: Titles
    channel: str
    entry: str
    entries: list[str]
    status: str
    reason: str
    started_at: str
    until: str | None
    window_ends_at: str | None
    goal: Goal | None
    treated: int
    sending: int
    accepted: int
    opened: int
    clicked: int
    unsubscribed: int
    exact: bool
    converted: Rates | None
    incremental: Incremental | None
    money: IncrementalMoney | None
    enough_data: bool
    message: str
    why_not: WhyNot | None
    more_days: int | None
    where: dict[str, str]
    variants: list[ByVariant]
    returned: Returned


class BreakdownAsked(Shape):
    """Which sending (default: the last), by what (a tag's key, variant or channel), counted until when."""

    by: Annotated[str, Field(min_length=1, max_length=300)]
    entry: Entry = ""
    as_of: Instant = ""


class ReactedRate(Rate):
    """The share of those to whom it was sent; `differs`: surely more or fewer than among all others, or null."""

    differs: Literal["more", "fewer"] | None


class GroupEffect(Shape):
    """More people per person who converted because of it; the interval holds for all groups together."""

    per_person: float
    low: float
    high: float


class GroupRow(Shape):
    """What a sending did to the people of one value; a bin is [low, high), its `high` null: and more."""

    kind: Literal["value", "bin", "rest", "unknown"]
    value: str | None
    low: str | None
    high: str | None
    people: int
    treated: int
    held_out: int | None
    sent: int
    opened: ReactedRate
    clicked: ReactedRate
    unsubscribed: ReactedRate
    complained: ReactedRate
    converted: Rates | None
    incremental: GroupEffect | None
    state: Literal["more", "fewer", "no_difference", "not_enough"]
    why_not: WhyNot | Literal["not_drawn_by_it", "chosen_by_tag"] | None


class Breakdown(Shape):
    """What a sending did, group by group. `tag_as_of`: of when the tag's values are."""

    name: str
    entry: str
    by: str
    titles: Titles
    type: str
    tag_as_of: str | None
    until: str
    people: int
    groups: list[GroupRow]


class OverallAsked(Shape):
    """What counts: an event, where it holds, and the property that is earned."""

    event: Annotated[str, Field(min_length=1, max_length=300)]
    where: Annotated[str, Field(max_length=10_000)] = ""
    money: Annotated[str, Field(max_length=300)] = ""


class OverallGoal(Shape):
    """What counts."""

    event: str
    where: str
    money: str


class Overall(Shape):
    """What all marketing together changed: everybody against those in the global holdout, of `share`, since its day."""

    since: str
    until: str
    share: float
    goal: OverallGoal
    currency: str
    converted: Rates
    incremental: Incremental | None
    money: IncrementalMoney | None
    enough_data: bool
    message: str
    why_not: WhyNot | None


class SendingEffect(Shape):
    """What one sending changed, or why nothing can be said yet."""

    campaign: str
    titles: Titles
    entry: str
    status: str
    started_at: str
    until: str | None
    window_ends_at: str | None
    people: int
    held_out: int | None
    treated: int | None
    state: Literal["more", "fewer", "no_difference", "not_enough", "no_goal"]
    converted: Rates | None
    incremental: Incremental | None
    money: IncrementalMoney | None
    more_days: int | None
    why_not: Literal[WhyNot, "problem"] | None
    problem: str | None


class EffectsAsked(Paged):
    """Which sendings."""

    q: Annotated[str, Field(max_length=200)] = ""


class EffectPage(Shape):
    """What each sending changed, the latest first."""

    effects: list[SendingEffect]
    next: str | None
    currency: str
    as_of: str


_ONE = "/api/v1/campaigns/{name}"
_VIEWER = Role.VIEWER

ROUTES = (
    Route("GET", f"{_ONE}/report", "campaign report", _VIEWER, Report, "campaigns", asks=ReportAsked),
    Route(
        "GET",
        f"{_ONE}/breakdown",
        "campaign breakdown",
        _VIEWER,
        Breakdown,
        "campaigns",
        asks=BreakdownAsked,
        example={"query": {"by": "variant"}},
    ),
    Route("GET", "/api/v1/effects", "effect list", _VIEWER, EffectPage, "effects", asks=EffectsAsked),
    Route("GET", "/api/v1/effects/overall", "effect overall", _VIEWER, Overall, "effects", asks=OverallAsked),
)
