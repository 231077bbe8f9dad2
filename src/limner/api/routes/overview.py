"""Routes of the first page and of the workspace's settings."""

from __future__ import annotations

from typing import Literal

from limner.accounts.model import Role
from limner.api.routes.route import Route, Shape


class SourceFlow(Shape):
    """What came from one source: events by the day on which they happened; arrivals of the last 24 hours."""

    name: str
    kind: str
    enabled: bool
    days: list[int]
    events: int
    received_24h: int
    quarantined_24h: int
    last_received_at: str | None


class Flow(Shape):
    """Whether data flows. `days` begin at `days_from` in the workspace's zone, `hours` at `hours_from`.

    `quarantined_share` is of what was received in the last 24 hours; null when that was nothing.
    """

    healthy: bool
    behind: bool
    problem: str | None
    last_received_at: str | None
    days: list[int]
    days_from: str
    hours: list[int]
    hours_from: str
    events: int
    received_24h: int
    quarantined_24h: int
    quarantined_share: float | None
    sources: list[SourceFlow]


class LastRun(Shape):
    """How tags were last computed."""

    status: str
    started_at: str
    ended_at: str | None


class Behind(Shape):
    """How far tags are behind events: `seconds` since they were last moved on, `events` that are in no tag yet.

    `median` and `p95` are seconds from the receipt of an event to its tags, over the `measured` latest events since the
    start; null before any came. `p95` is that of each step's oldest event.
    """

    seconds: float
    events: int
    measured: int
    median: float | None
    p95: float | None


class Freshness(Shape):
    """How many tags are as they should be. `stale`: expired, or defined anew since; `waiting`: never computed."""

    total: int
    fresh: int
    stale: int
    waiting: int
    failed: int
    removed: int
    stale_keys: list[str]
    failed_keys: list[str]
    last_run: LastRun | None
    oldest: str | None
    next_run: str | None
    behind: Behind | None


class CountedPeople(Shape):
    """How many people, and the condition that leads to them."""

    where: str
    people: int


class ClassShare(Shape):
    """One value of a tag that divides people; null: unknown."""

    value: str | None
    people: int
    share: float
    where: str


class PeopleClass(Shape):
    """A tag that divides people into few classes."""

    tag: str
    titles: dict[str, str]
    nature: str
    as_of: str | None
    values: list[ClassShare]


class OurPeople(Shape):
    """How many there are, how many are new in 7 days and active in 30, and into which classes they fall."""

    total: int
    new: CountedPeople
    active: CountedPeople
    classes: list[PeopleClass]
    as_of: str


class Bounds(Shape):
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float


class ArmConverted(Shape):
    """Of how many people how many converted."""

    n: int
    k: int


class EntryChange(Shape):
    """What one sending has changed so far; `incremental` and `money` are null while nothing can be said.

    `verdict`: more or fewer people converted because of it, unclear (chance does as much), not_enough (each arm
    needs ten conversions), no_holdout (nothing to compare with), failed (it could not be computed).
    """

    campaign: str
    entry: str
    titles: dict[str, str]
    status: str
    started_at: str
    until: str
    sent: int
    verdict: Literal["more", "fewer", "unclear", "not_enough", "no_holdout", "failed"]
    treated: ArmConverted | None
    held_out: ArmConverted | None
    incremental: Bounds | None
    money: Bounds | None


class MessagesWeek(Shape):
    """Messages of the last seven days and of the seven before, and what those changed that still count."""

    sent: int
    sent_before: int
    reports: list[EntryChange]
    more: int
    as_of: str


NeedKind = Literal[
    "unhealthy",
    "problems",
    "failed_runs",
    "halted",
    "approvals",
    "quarantine",
    "expired_tags",
    "changed_tags",
    "new_tags",
]


class Need(Shape):
    """Something that somebody must look at; `subjects` are the first few names."""

    kind: NeedKind
    weight: Literal["danger", "warn", "notice"]
    n: int
    subjects: list[str]
    at: str | None
    note: str


class Overview(Shape):
    """How the workspace does at one glance. `started`: anything at all was ever received."""

    as_of: str
    zone: str
    started: bool
    data: Flow
    tags: Freshness
    people: OurPeople
    messages: MessagesWeek
    needs: list[Need]


class Setting(Shape):
    """One key of limner.toml; `set`: it differs from its default; `secret`: whether what it names is there."""

    key: str
    value: str
    default: str
    set: bool
    doc: str
    secret: Literal["", "given", "missing"]


class SettingsSection(Shape):
    """The keys of one section; the first section has no name."""

    name: str
    doc: str
    settings: list[Setting]


class Settings(Shape):
    """How the workspace is set up."""

    file: str
    version: str
    python: str
    sections: list[SettingsSection]


ROUTES = (
    Route("GET", "/api/v1/overview", "overview", Role.VIEWER, Overview, "overview"),
    Route("GET", "/api/v1/settings", "settings show", Role.OPERATOR, Settings, "settings"),
)
