"""Question: a condition as a tree in which tags and audiences are replaced by what they are made of. Asks nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from limner.errors import ExpressionError
from limner.expressions import to_text
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.predicate import MIRRORED, holds, microseconds
from limner.expressions.windows import instant_of
from limner.tags.graph import Graph
from limner.tags.methods.rule import literal
from limner.tags.model import Observed, Points, Rule, Statistic, Tag, Tiers
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


Question = All | Some | Opposite | One | Fixed | Sure


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

    `by_hand`: tags of which the person was given a value, whatever they are made of.
    """

    def __init__(self, graph: Graph, catalog: Catalog, at: datetime, by_hand: Collection[str] = ()) -> None:
        self.graph, self.catalog, self.at = graph, catalog, at
        self._by_hand = by_hand
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
                if not t.followed(expr):
                    raise Unsayable
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
        if any(isinstance(node, t.Weight) for node in t.walk(test)):
            raise Weighs
        if not t.followed(test):
            raise Unsayable
        for name in _names(test):
            tag = self.graph.tags.get(name.name)
            if tag is None or tag.key in self._by_hand:
                continue
            if tag.weighted:
                raise Weighs
            if isinstance(tag.definition, Statistic):
                return self._test(text, _put(test, name, self._value_of(tag)))
            if isinstance(tag.definition, Points | Tiers):
                raise Unsayable
            if isinstance(tag.definition, Rule):
                return self._by_case(text, test, name, tag)
        if isinstance(test, t.Flag):
            return Sure(text, test.value)
        nodes = list(t.walk(test))
        if any(isinstance(node, t.Aggregate) for node in nodes) or isinstance(test, t.Within):
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


def _put(test: t.Expr, name: t.Name, value: t.Value) -> t.Expr:
    """The test with the value in the place of the name."""
    if test == name:
        return value
    match test:
        case t.Compare(left, _, right):
            return replace(
                test, left=value if left == name else left, right=value if right == name else right
            )
        case t.Among() | t.Between() | t.TextTest() | t.Within() | t.Known():
            return replace(test, value=value)
    return test


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
