"""Question: a condition as a tree in which tags and audiences are replaced by what they are made of. Asks nobody."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from limner.errors import ExpressionError
from limner.expressions import to_text
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.predicate import MIRRORED, holds, microseconds
from limner.expressions.windows import instant_of
from limner.portraits.because.weighing import Fed, Weighed, engines, put_in
from limner.tags.graph import Graph
from limner.tags.methods.rule import literal
from limner.tags.model import Given, Learned, Observed, Points, Rule, Statistic, Tag, Tiers
from limner.tags.tiers import MILLIONTHS, millionths
from limner.types import MONEY_SCALE, ValueType

MOST_PARTS = 2_000
"""A question with more parts than this is not looked into."""


@dataclass(frozen=True)
class All:
    """True when every part is. `text`: what it says, as it was written."""

    text: str
    parts: tuple[Question, ...]


@dataclass(frozen=True)
class Some:
    """True when at least one part is."""

    text: str
    parts: tuple[Question, ...]


@dataclass(frozen=True)
class Opposite:
    """True when the part is not."""

    text: str
    part: Question


@dataclass(frozen=True)
class One:
    """One test that rests on events, or that time may turn."""

    text: str
    leaf: t.Expr


@dataclass(frozen=True)
class Fixed:
    """One test that neither events nor time can turn: of an attribute, of a fixed list, of a drawn sample."""

    text: str
    leaf: t.Expr


@dataclass(frozen=True)
class Sure:
    """What is true or false for everybody."""

    text: str
    holds: bool


@dataclass(frozen=True)
class Score:
    """The points of the parts that hold, added up (in millionths), are in [`low`, `high`); None: no bound.

    `name`: the tag whose points they are.
    """

    text: str
    name: str
    parts: tuple[tuple[int, Question], ...]
    low: int | None
    high: int | None

    def passes(self, points: int) -> bool:
        """Whether so many points are in the bounds."""
        return (self.low is None or points >= self.low) and (self.high is None or points < self.high)


@dataclass(frozen=True)
class Feature:
    """What one feature of a chance is: a `value` of events of type `kind`, else the number of the first row that holds.

    `weight`: what it counts for each unit. `added`: the numbers of all rows that hold, together. `otherwise`: the
    number where no row holds (None: none).
    """

    tag: str
    weight: float
    value: t.Value | None = None
    kind: ValueType = ValueType.NUMBER
    rows: tuple[tuple[float, Question], ...] = ()
    added: bool = False
    otherwise: float | None = None

    @property
    def fed(self) -> t.Expr:
        """The test that its value is known."""
        if self.value is None:
            raise TypeError(f"{self.tag} is no value of events")
        return Fed(self.value)  # type: ignore[return-value]  # a test like those of the language, which has no word for it

    @property
    def parts(self) -> tuple[Question, ...]:
        """The tests that it rests on."""
        if self.value is not None:
            return (One(self.tag, self.fed),)
        return tuple(part for _, part in self.rows)


@dataclass(frozen=True)
class Chance:
    """The chance that a learned tag gives (in millionths) is in [`low`, `high`); None: no bound.

    `base` is the intercept of its log odds.
    """

    text: str
    name: str
    base: float
    features: tuple[Feature, ...]
    low: int | None = None
    high: int | None = None

    def passes(self, chance: int) -> bool:
        """Whether the chance is in the bounds."""
        return (self.low is None or chance >= self.low) and (self.high is None or chance < self.high)


Question = All | Some | Opposite | One | Fixed | Sure | Score | Chance


def parts_of(question: Question) -> Iterator[Question]:
    """The question and everything below it."""
    waiting: list[Question] = [question]
    while waiting:
        current = waiting.pop()
        yield current
        match current:
            case All(_, parts) | Some(_, parts):
                waiting.extend(reversed(parts))
            case Opposite(_, part):
                waiting.append(part)
            case Score(_, _, rows):
                waiting.extend(part for _, part in reversed(rows))
            case Chance():
                waiting.extend(part for feature in reversed(current.features) for part in feature.parts)


def leaves_of(question: Question) -> list[t.Expr]:
    """Every test in the question, each once."""
    return list(dict.fromkeys(part.leaf for part in parts_of(question) if isinstance(part, One | Fixed)))


class TooLarge(Exception):
    """The question has more parts than are looked into."""


class Weighs(Exception):
    """The question asks for weights of labels, which change at every moment."""


class Unsayable(Exception):
    """The question asks for something that is computed and cannot be taken apart."""


class Asking:
    """Makes questions of conditions: `graph` says what tags are made of, `catalog` what audiences are.

    `by_hand`: tags of which the person was given a value, whatever they are made of. `held`: the person's value of a
    tag that neither events nor time change.
    """

    def __init__(
        self,
        graph: Graph,
        catalog: Catalog,
        at: datetime,
        by_hand: Collection[str] = (),
        held: Callable[[t.Name], Any] | None = None,
    ) -> None:
        self.graph, self.catalog, self.at = graph, catalog, at
        self._by_hand, self._held = by_hand, held
        self._parts = 0
        self._open: list[str] = []

    def question(self, expr: t.Expr) -> Question:
        """The condition as a question. Raises TooLarge, Weighs, ExpressionError."""
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise TooLarge
        text = to_text(expr)
        match expr:
            case t.And(args):
                return All(text, tuple(self.question(arg) for arg in args))
            case t.Or(args):
                return Some(text, tuple(self.question(arg) for arg in args))
            case t.Not(arg):
                return Opposite(text, self.question(arg))
            case t.Flag(value):
                return Sure(text, value)
            case t.InAudience(name):
                return self._audience(text, expr, name)
            case t.Sample():
                return Fixed(text, expr)
            case t.Did() | t.FirstDid() | t.LastHas() | t.Regularly() | t.Sequence() | t.HasBeen():
                return One(text, expr)
        return self._test(text, expr)

    def _audience(self, text: str, expr: t.Expr, name: str) -> Question:
        found = self.catalog.audience(name)
        if found is None or isinstance(found, frozenset):
            return Fixed(text, expr)
        if name in self._open:
            raise ExpressionError(f"audiences refer to each other in a circle: {name}", code="cycle")
        self._open.append(name)
        try:
            return All(text, (self.question(found),))
        finally:
            self._open.pop()

    # tests of values

    def _test(self, text: str, test: t.Expr) -> Question:
        """A test whose tags are replaced by what they are made of."""
        for weight in [node for node in t.walk(test) if isinstance(node, t.Weight)]:
            tag = self.graph.tags.get(weight.tag.name)
            if tag is None or tag.key in self._by_hand or not tag.weighted:
                raise Weighs
            interest = self.graph.trees[tag.key][0]
            if not isinstance(interest, t.Interest):
                raise Weighs
            return self._test(text, put_in(test, weight, Weighed(interest, weight.label)))
        if any(isinstance(node, t.Logistic) for node in t.walk(test)):
            raise Unsayable
        for name in _names(test):
            tag = self.graph.tags.get(name.name)
            if tag is None or tag.key in self._by_hand:
                continue
            if isinstance(tag.definition, Learned):
                if not _directly(test, name):
                    raise Unsayable
                return self._by_chance(text, test, name, tag)
            if isinstance(tag.definition, Statistic):
                return self._test(text, put_in(test, name, self._value_of(tag)))
            if isinstance(tag.definition, Points | Rule) and not _directly(test, name):
                raise Unsayable
            if isinstance(tag.definition, Points):
                return self._by_points(text, test, name, tag, tag.definition)
            if isinstance(tag.definition, Tiers):
                raise Unsayable
            if isinstance(tag.definition, Rule):
                return self._by_case(text, test, name, tag)
        if isinstance(test, t.Flag):
            return Sure(text, test.value)
        nodes = list(t.walk(test))
        if (
            engines(test)
            or any(isinstance(node, t.Aggregate) for node in nodes)
            or isinstance(test, t.Within)
        ):
            return One(text, test)
        if any(isinstance(node, t.Attribute | t.Name) for node in nodes):
            return Fixed(text, test)
        return One(text, test)

    def _value_of(self, tag: Tag) -> t.Value:
        """What a statistic counts."""
        tree = self.graph.trees[tag.key][0]
        if not isinstance(tree, t.Value):
            raise ExpressionError(f"the tag {tag.key} is no value", code="type")
        return tree

    def _by_case(self, text: str, test: t.Expr, name: t.Name, tag: Tag) -> Question:
        """A test of a rule's value: one of the cases decides whose value passes."""
        definition = tag.definition
        if not isinstance(definition, Rule):
            raise TypeError(f"the tag {tag.key} is of method {tag.method}")
        cases = [self.question(tree) for tree in self.graph.trees[tag.key]]
        ways: list[Question] = []
        values = [case.then for case in definition.cases]
        if definition.otherwise is not None:
            values.append(definition.otherwise)
        for n, value in enumerate(values):
            passes = self._passes(test, name, literal(value, tag.type), tag.type)
            if passes == Sure(passes.text, False):
                continue
            needed: list[Question] = [cases[n]] if n < len(cases) else []
            needed += [Opposite(f"not ({case.text})", case) for case in cases[: min(n, len(cases))]]
            if not isinstance(passes, Sure):
                needed.append(passes)
            self._parts += len(needed)
            if self._parts > MOST_PARTS:
                raise TooLarge
            said = f"{tag.key} = {to_text(literal(value, tag.type))}"
            ways.append(needed[0] if len(needed) == 1 else All(said, tuple(needed)))
            if not needed:
                ways[-1] = Sure(said, True)
        return Some(text, tuple(ways))

    def _by_points(self, text: str, test: t.Expr, name: t.Name, tag: Tag, points: Points) -> Question:
        """A test of added points, or of the tier that they are in: the sums that pass it."""
        rows = self.rows(tag, points)
        if points.cuts is None:
            spans = _passing_sums(test, name)
        else:
            passed = [
                self._passes(test, name, literal(tier, tag.type), tag.type) == Sure(text, True)
                for tier in points.cuts.tiers
            ]
            bounds = [None, *(millionths(cut) for cut in points.cuts.points or ()), None]
            spans = [(low, high) for low, high, ok in zip(bounds, bounds[1:], passed, strict=False) if ok]
        if spans is None:
            raise Unsayable
        ways = tuple(Score(text, tag.key, rows, low, high) for low, high in spans)
        return ways[0] if len(ways) == 1 else Some(text, ways)

    def _by_chance(self, text: str, test: t.Expr, name: t.Name, tag: Tag) -> Question:
        """A test of a learned chance: the chances that pass it."""
        chance = self.chance(tag)
        if isinstance(test, t.Known):
            known = [self.question(t.Known(t.Name(feature.tag))) for feature in _missable(chance)]
            return All(text, tuple(known)) if known else Sure(text, True)
        spans = _passing_sums(test, name)
        if spans is None:
            raise Unsayable
        ways = tuple(replace(chance, text=text, low=low, high=high) for low, high in spans)
        return ways[0] if len(ways) == 1 else Some(text, ways)

    def chance(self, tag: Tag) -> Chance:
        """A learned tag as the features that its chance is worked out of. Raises Unsayable."""
        tree = self.graph.trees[tag.key][0]
        if not isinstance(tree, t.Logistic):
            raise Unsayable
        features = tuple(self._feature(factor) for factor in tree.factors)
        return Chance(tag.key, tag.key, float(tree.base), features)

    def _feature(self, factor: t.Factor) -> Feature:
        key, weight = factor.tag.name, float(factor.weight)
        tag = self.graph.tags.get(key)
        if tag is None or tag.weighted or isinstance(tag.definition, Learned | Tiers):
            raise Unsayable
        if key in self._by_hand or isinstance(tag.definition, Given | Observed):
            return self._constant(tag, weight)
        if tag.type is ValueType.FLAG:
            return Feature(key, weight, rows=((1.0, self.question(factor.tag)),), otherwise=0.0)
        if isinstance(tag.definition, Statistic):
            found = self._test(key, t.Known(self._value_of(tag)))
            if not isinstance(found, One) or not isinstance(found.leaf, t.Known):
                raise Unsayable
            return Feature(key, weight, found.leaf.value, tag.type)
        if isinstance(tag.definition, Points) and tag.definition.cuts is None:
            rows = tuple((worth / MILLIONTHS, part) for worth, part in self.rows(tag, tag.definition))
            return Feature(key, weight, rows=rows, added=True, otherwise=0.0)
        if isinstance(tag.definition, Rule):
            trees, cases = self.graph.trees[key], tag.definition.cases
            rows = tuple(
                (in_units(case.then, tag.type), self.question(tree))
                for case, tree in zip(cases, trees, strict=True)
            )
            last = tag.definition.otherwise
            return Feature(
                key, weight, rows=rows, otherwise=None if last is None else in_units(last, tag.type)
            )
        raise Unsayable

    def _constant(self, tag: Tag, weight: float) -> Feature:
        """What was told or given of the person."""
        if self._held is None:
            raise Unsayable
        name = t.Name(tag.key)
        found, flag = self._held(name), tag.type is ValueType.FLAG
        number = 0.0 if found is None else in_units(found, tag.type)
        test = t.Known(name)
        told = isinstance(tag.definition, Observed) and tag.key not in self._by_hand
        part: Question = Fixed(to_text(test), test) if told else Sure(to_text(test), found is not None)
        return Feature(tag.key, weight, rows=((number, part),), otherwise=0.0 if flag else None)

    def rows(self, tag: Tag, points: Points) -> tuple[tuple[int, Question], ...]:
        """What each condition of the points is worth, in millionths."""
        trees = self.graph.trees[tag.key]
        return tuple(
            (millionths(row.points), self.question(tree))
            for row, tree in zip(points.rows, trees, strict=True)
        )

    def _passes(self, test: t.Expr, name: t.Name, value: t.Literal, kind: ValueType) -> Question:
        """The test with the value in the place of the tag: sure, unless it still depends on something."""
        text = to_text(test)
        match test:
            case t.Compare(left, op, right) if not (
                isinstance(left, t.Literal) or isinstance(right, t.Literal)
            ):
                return self._test(
                    text, t.Compare(*((value, op, right) if left == name else (right, MIRRORED[op], value)))
                )
            case t.Compare():
                passed = holds(
                    _tested(test, name),
                    [_raw(value, kind, self.catalog.zone)],
                    kind,
                    as_of=self.at,
                    zone=self.catalog.zone,
                )
                return Sure(text, passed[0])
            case t.Within(_, window):
                return One(text, t.Within(value, window))
            case t.Known():
                return Sure(text, True)
            case t.Among() | t.Between() | t.TextTest():
                passed = holds(
                    test, [_raw(value, kind, self.catalog.zone)], kind, as_of=self.at, zone=self.catalog.zone
                )
                return Sure(text, passed[0])
            case _:
                return Sure(text, isinstance(value, t.Flag) and value.value)


def _passing_sums(test: t.Expr, name: t.Name) -> list[tuple[int | None, int | None]] | None:
    """The sums [low, high) in millionths that pass a test of added points; None of a test that is not looked into."""

    def whole(value: t.Value) -> int | None:
        if not isinstance(value, t.Number):
            return None
        found = millionths(value.value)
        return found if math.isclose(found / MILLIONTHS, value.value, rel_tol=1e-12) else None

    match test:
        case t.Known():
            return [(None, None)]
        case t.Between(_, low, high):
            first, last = whole(low), whole(high)
            return None if first is None or last is None else [(first, last + 1)]
        case t.Among(_, options):
            sums = [whole(option) for option in options]
            return None if None in sums else [(one, one + 1) for one in sums if one is not None]
        case t.Compare():
            asked = _tested(test, name)
            bound = whole(asked.right)
            if bound is None:
                return None
            spans: dict[str, list[tuple[int | None, int | None]]] = {
                "=": [(bound, bound + 1)], "!=": [(None, bound), (bound + 1, None)], "<": [(None, bound)],
                "<=": [(None, bound + 1)], ">": [(bound + 1, None)], ">=": [(bound, None)],
            }  # fmt: skip
            return spans[asked.op]
    return None


def in_units(value: Any, kind: ValueType) -> float:
    """A value as the number that a chance counts: amounts in units, flags as 1 and 0."""
    return float(value) / (MONEY_SCALE if kind is ValueType.MONEY else 1)


def _missable(chance: Chance) -> list[Feature]:
    """The features without which there is no chance."""
    return [feature for feature in chance.features if feature.otherwise is None]


def _names(test: t.Expr) -> list[t.Name]:
    """The bare names that the test itself compares, not those inside events."""
    found: list[t.Name] = []
    waiting: list[t.Node] = [test]
    while waiting:
        node = waiting.pop()
        if isinstance(node, t.Name):
            found.append(node)
        elif not isinstance(node, t.Event):
            waiting.extend(t.children(node))
    return found


def _directly(test: t.Expr, name: t.Name) -> bool:
    """Whether the test compares the name itself, not something that is worked out of it."""
    return test == name or name in t.children(test)


def _tested(test: t.Compare, name: t.Name) -> t.Compare:
    """The comparison with the name on the left."""
    return test if test.left == name else t.Compare(test.right, MIRRORED[test.op], test.left)


def _raw(value: t.Literal, kind: ValueType, zone: str) -> object:
    """The literal as `holds` takes values: money as whole 1/10,000, instants as microseconds."""
    if isinstance(value, t.Instant):
        return microseconds(instant_of(value.value, zone))
    if kind is ValueType.MONEY and isinstance(value, t.Number):
        return round(value.value * MONEY_SCALE)
    return value.value


def observed_names(graph: Graph, test: t.Expr) -> list[tuple[str, str]]:
    """The attributes that the test reads: (as written, attribute), through observed tags too."""
    found = []
    for node in t.walk(test):
        if isinstance(node, t.Attribute):
            found.append((".".join(node.path), node.path[0]))
    for name in _names(test):
        tag = graph.tags.get(name.name)
        if tag is None:
            found.append((name.name, name.name))
        elif isinstance(tag.definition, Observed):
            found.append((name.name, tag.definition.attribute))
    return found
