"""Tag: what its file says, frozen. Knows no file, expression tree or engine."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from limner.tags.exclusive import Group
from limner.types import ValueType, utc

_WEIGHTED = re.compile(r"\s*(interest|demand)\s*\(")

Value = bool | str | float | int | datetime
"""A tag's value: bool (flag), str (text), float (number), int of 1/10,000 (money), datetime UTC (instant)."""


class Nature(StrEnum):
    """Whether a tag states what happened, what somebody decided to call it, or what may come."""

    FACT = "fact"
    MODEL = "model"
    PREDICTION = "prediction"


class Stage(StrEnum):
    """Where a tag is in its life, as its file says it.

    A draft is computed in previews only. A deprecated tag is computed, but no new use of it is accepted.
    """

    DRAFT = "draft"
    PUBLISHED = "published"
    DEPRECATED = "deprecated"


class Sensitivity(StrEnum):
    """Who may see a tag's values: viewers see personal and sensitive ones masked, and export no sensitive ones."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


class Method(StrEnum):
    """How a tag's value comes about."""

    OBSERVED = "observed"
    STATISTIC = "statistic"
    RULE = "rule"
    LEARNED = "learned"
    MANUAL = "manual"
    IMPORTED = "imported"


DEFINED = frozenset(Method)
"""The methods that a tag file can define today."""

DYNAMIC = frozenset({Method.STATISTIC, Method.RULE, Method.LEARNED})
"""Tags of these methods change as people act: they need a validity or a refresh."""

NATURES: Mapping[Method, frozenset[Nature]] = {
    Method.OBSERVED: frozenset({Nature.FACT}),
    Method.STATISTIC: frozenset({Nature.FACT}),
    Method.RULE: frozenset({Nature.FACT, Nature.MODEL}),
    Method.LEARNED: frozenset({Nature.PREDICTION, Nature.MODEL}),
    Method.MANUAL: frozenset({Nature.FACT, Nature.MODEL}),
    Method.IMPORTED: frozenset({Nature.FACT, Nature.MODEL, Nature.PREDICTION}),
}
"""Which natures a method can have: what is learned from examples is never a fact."""

REASONS: Mapping[Method, str] = {
    Method.OBSERVED: "an observed tag states what was told or seen",
    Method.STATISTIC: "a statistic counts what happened",
    Method.RULE: "a rule decides by known values; it predicts nothing",
    Method.LEARNED: "what is learned from examples is a guess, never a fact",
    Method.MANUAL: "a tag set by hand predicts nothing",
    Method.IMPORTED: "",
}


@dataclass(frozen=True)
class Observed:
    """The latest value of an attribute."""

    attribute: str


@dataclass(frozen=True)
class Statistic:
    """One aggregate over a person's events, as text."""

    expression: str


@dataclass(frozen=True)
class Weighed:
    """What a learned tag gives one feature: `weight` for each unit; `mean`: of those from whom it was learned."""

    tag: str
    weight: float
    mean: float


@dataclass(frozen=True)
class Learnt:
    """What was learned: when, from how many pairs of a person and a date, of whom so many reached the label.

    `auc`: of two people of the later dates, one who reached it and one who did not, how often the first had the greater
    chance.
    """

    base: float
    features: tuple[Weighed, ...]
    at: str
    examples: int
    reached: int
    auc: float


@dataclass(frozen=True)
class Learned(Statistic):
    """The chance that the label comes within the horizon, from tags. `expression` follows from what was `learnt`.

    `train` and `test`: dates (or instants) as of which features are computed, the label from there on; None: not yet.
    """

    label: str = ""
    horizon: timedelta = timedelta(days=30)
    features: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    learnt: Learnt | None = None


@dataclass(frozen=True)
class Case:
    """`then` is the value when the condition `when` holds."""

    when: str
    then: Value


@dataclass(frozen=True)
class Cuts:
    """Named tiers of a number, from the lowest: one more than the cut points; who is at a cut point is above it.

    `of`: the key of the tag that is cut, "" = the points of the rule itself. `at`: the cut points, in units; where
    `percent`, how many of a hundred people are below each. `frozen`: the cut points that were computed for these,
    as of `frozen_at`; None = none yet. `every_run`: each run computes them.
    """

    of: str
    tiers: tuple[str, ...]
    at: tuple[int | float, ...]
    percent: bool = False
    frozen: tuple[int | float, ...] | None = None
    frozen_at: str = ""
    every_run: bool = False

    @property
    def points(self) -> tuple[int | float, ...] | None:
        """The cut points in units; None where there are none before a run, or none yet."""
        return self.frozen if self.percent else self.at


@dataclass(frozen=True)
class Rule:
    """The first case that holds gives the value; `otherwise` (None = no value) when none does.

    `cuts`: what the file says instead of cases, where it says tiers; the cases are those that follow from it.
    """

    cases: tuple[Case, ...]
    otherwise: Value | None = None
    cuts: Cuts | None = None


@dataclass(frozen=True)
class Given:
    """Values that people or another system give, each to some people. `values`: the allowed ones; none = all."""

    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Scored:
    """So many points when the condition `when` holds."""

    when: str
    points: int | float


@dataclass(frozen=True)
class Points:
    """The sum of the points of all rows that hold; with `cuts` the tier of that sum."""

    rows: tuple[Scored, ...]
    cuts: Cuts | None = None


@dataclass(frozen=True)
class Tiers:
    """Tiers whose cut points each run computes, or whose cut points nobody has computed yet."""

    cuts: Cuts
    otherwise: Value | None = None


Definition = Observed | Statistic | Rule | Points | Tiers | Given


@dataclass(frozen=True)
class Happening:
    """An event of a test. `at` without a zone is in the workspace's; `source` '' = of none."""

    name: str
    at: datetime
    properties: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Trial:
    """A test of a tag: what happened to one person by `as_of`, and the value that follows; None = no value.

    `attributes` and `tags`: what the person has besides, as JSON values; None = nothing. `objects`: the rows of each
    kind that the test speaks of; without any, those that are loaded.
    """

    name: str
    as_of: datetime
    expect: Value | None
    events: tuple[Happening, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    objects: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Aim:
    """A stage of a goal: the number that is to be reached by a date (or instant)."""

    by: str
    target: float


@dataclass(frozen=True)
class Goal:
    """What the tag is to change: `metric`, such as metric(orders in last 30 days), from `baseline` at `since`.

    `where`: of which people it is measured, '' = of everybody. `stages`: by date, the last one is the goal itself.
    """

    metric: str
    baseline: float
    since: str
    stages: tuple[Aim, ...]
    where: str = ""


@dataclass(frozen=True)
class Tag:
    """One tag. `category` is a path such as ("consumption", "spend"); `text` is the file as it was read.

    `metric`: by what it is judged whether the tag does what it is for, in words; `goal`: the same in numbers and dates.
    `group`: the exclusive group that it is in; its own file does not say so. `truth`: the tag that holds what people
    declared of it; `at_least`: which share of its values must be right before it is published. `measures`: what each
    metric measures, by key, where the tag may name one; `objects`: the kinds of objects, where it may ask about one;
    its own file does not say so. `visible`: the person may see it in the preference centre.
    """

    key: str
    title: Mapping[str, str]
    nature: Nature
    method: Method
    type: ValueType
    definition: Definition
    validity: timedelta | None = None
    refresh: str | None = None
    category: tuple[str, ...] = ()
    owner: str = ""
    source: str = ""
    why: str = ""
    tests: tuple[Trial, ...] = ()
    text: str = field(default="", compare=False)
    group: Group | None = None
    metric: str = ""
    goal: Goal | None = None
    truth: str = ""
    at_least: float | None = None
    measures: tuple[tuple[str, str], ...] = ()
    objects: Mapping[str, Any] = field(default_factory=dict, compare=False)
    stage: Stage = Stage.PUBLISHED
    sensitivity: Sensitivity = Sensitivity.INTERNAL
    visible: bool = False

    @property
    def dynamic(self) -> bool:
        """Whether its value changes as people act (else it is static)."""
        return self.method in DYNAMIC

    @property
    def weighted(self) -> bool:
        """Whether it gives a person several labels with a weight each; its value is the one with the greatest."""
        return (
            isinstance(self.definition, Statistic) and _WEIGHTED.match(self.definition.expression) is not None
        )

    @property
    def expressed(self) -> bool:
        """Whether its value is one expression: a statistic, or what was learned."""
        return isinstance(self.definition, Statistic)

    @property
    def table(self) -> str:
        """The engine's table of its values."""
        return f"tag_{self.key}"

    @property
    def subject(self) -> str:
        """Its name in the history of changes."""
        return f"tag:{self.key}"

    @property
    def sources(self) -> tuple[str, ...]:
        """The expressions of its definition, in the order of the file."""
        if isinstance(self.definition, Statistic):
            return (self.definition.expression,)
        if isinstance(self.definition, Rule):
            return tuple(case.when for case in self.definition.cases)
        if isinstance(self.definition, Points):
            return tuple(row.when for row in self.definition.rows)
        if isinstance(self.definition, Tiers):
            return (self.definition.cuts.of,)
        return ()

    @property
    def named(self) -> tuple[Value, ...]:
        """The values that its definition names, in its order; none where it gives whatever is found."""
        cuts = getattr(self.definition, "cuts", None)
        if isinstance(self.definition, Given):
            return self.definition.values
        if cuts is not None:
            return tuple(cuts.tiers)
        cases = [case.then for case in getattr(self.definition, "cases", ())]
        otherwise = getattr(self.definition, "otherwise", None)
        return tuple(dict.fromkeys([*cases, *(() if otherwise is None else (otherwise,))]))

    @property
    def told_from(self) -> str:
        """Where its values come from: the source that its file names, else what it is made of."""
        return self.source or self.described

    @property
    def described(self) -> str:
        """Its definition as one line that a person can read."""
        if isinstance(self.definition, Observed):
            return f"attribute {self.definition.attribute}"
        if isinstance(self.definition, Learned):
            days = self.definition.horizon // timedelta(days=1)
            what = f"the chance of {self.definition.label} within {days} days"
            known = "not learned yet" if self.definition.learnt is None else "not calibrated yet"
            return f"{what}, learned from {', '.join(self.definition.features)}; {known}"
        if isinstance(self.definition, Statistic):
            return self.definition.expression
        if isinstance(self.definition, Given):
            how = "imported" if self.method is Method.IMPORTED else "given by hand"
            allowed = ", ".join(shown(value) for value in self.definition.values)
            return f"{how}: {allowed}" if allowed else how
        if isinstance(self.definition, Points):
            parts = [f"{row.points:g} points when {row.when}" for row in self.definition.rows]
            return "; ".join([*parts, *([_cut(self.definition.cuts)] if self.definition.cuts else [])])
        if isinstance(self.definition, Tiers):
            return _cut(self.definition.cuts)
        parts = [f"{shown(case.then)} when {case.when}" for case in self.definition.cases]
        if self.definition.otherwise is not None:
            parts.append(f"otherwise {shown(self.definition.otherwise)}")
        return "; ".join(parts)

    def name(self, language: str = "en") -> str:
        """Its title in the language, else in English, else any, else the key."""
        for wanted in (language, language.split("-")[0], "", "en"):
            if wanted in self.title:
                return self.title[wanted]
        return next(iter(self.title.values()), self.key)

    def expires_at(self, as_of: datetime) -> datetime | None:
        """Until when (exclusive) values computed as of then are valid; None = for ever, or each has its own end."""
        return None if self.validity is None or isinstance(self.definition, Given) else as_of + self.validity


def refusal(nature: Nature, method: Method) -> str | None:
    """Why this pair contradicts itself; None when it does not."""
    if nature in NATURES[method]:
        return None
    allowed = " or ".join(sorted(NATURES[method]))
    reason = f" ({REASONS[method]})" if REASONS[method] else ""
    return f"nature '{nature}' contradicts method '{method}'{reason}: it is {allowed}"


def fingerprint(tag: Tag, *, normal: tuple[str, ...], referenced: Mapping[str, str]) -> str:
    """16 hex digits that change when the tag's values may: its own definition or one that it refers to.

    normal: the printed form of its expressions; referenced: fingerprints of tags and audiences by subject.
    Titles, owner, category, refresh, layout and tests do not count.
    """
    definition: Any = None
    if isinstance(tag.definition, Observed):
        definition = tag.definition.attribute
    elif isinstance(tag.definition, Statistic):
        definition = normal[0]
    elif isinstance(tag.definition, Given):
        definition = "given"
    elif isinstance(tag.definition, Points):
        scored = [[when, row.points] for when, row in zip(normal, tag.definition.rows, strict=True)]
        cuts = tag.definition.cuts
        definition = ["points", scored, None if cuts is None else [list(cuts.tiers), cuts.points]]
    elif isinstance(tag.definition, Tiers):
        cuts = tag.definition.cuts
        definition = ["tiers", normal[0], list(cuts.tiers), cuts.at, plain(tag.definition.otherwise)]
    else:
        thens = [plain(case.then) for case in tag.definition.cases]
        definition = [list(pair) for pair in zip(normal, thens, strict=True)]
        definition.append(plain(tag.definition.otherwise))
    counted = {
        "method": tag.method,
        "type": tag.type,
        "definition": definition,
        "validity": None if tag.validity is None or definition == "given" else tag.validity.total_seconds(),
        "referenced": dict(sorted(referenced.items())),
    }
    body = json.dumps(counted, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _cut(cuts: Cuts) -> str:
    """Tiers as one line."""
    at = ", ".join(f"{point:g}{'%' if cuts.percent else ''}" for point in cuts.at)
    return f"{cuts.of or 'their sum'} in tiers {', '.join(cuts.tiers)} at {at}"


def plain(value: Value | None) -> Any:
    """The value as JSON holds it; an instant as ISO text with Z."""
    if isinstance(value, datetime):
        return utc(value).isoformat().replace("+00:00", "Z")
    return value


def shown(value: Value) -> str:
    """The value as text in an explanation."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(plain(value))
