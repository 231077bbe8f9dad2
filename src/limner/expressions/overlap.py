"""Overlap: whether two conditions can hold of one person at once, proved from their trees alone, with a witness.

Each condition becomes alternatives of simple tests about *leaves*: tags, attributes, aggregates of events. Tests about
one leaf are met as sets of values. `exclusive` and `implied` are proofs: they hold for every person at every instant.
`overlapping` names values that make both true; where leaves may depend on each other in ways that are not followed here
(two different sums of the same events, say) the answer is `unknown`, with the values that would have to occur together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal

from limner.errors import ExpressionError
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.check import type_of
from limner.expressions.predicate import MIRRORED, NEVER, fitting, holds, microseconds
from limner.expressions.printer import to_text
from limner.expressions.ranges import ALL_NUMBERS, INF, Flags, Numbers, Span, Texts, Values, numbers
from limner.expressions.windows import value_bounds
from limner.types import MONEY_SCALE, ValueType, naive

Relation = Literal["exclusive", "implied", "overlapping", "unknown"]
Implies = Literal["", "first", "second", "both"]

MOST_CASES = 2_000
"""With more alternatives than this nothing is judged."""

_SOME = datetime(2025, 1, 1, tzinfo=UTC)
_RELATIVE = (t.InLast, t.InNext, t.BetweenAgo, t.MoreThanAgo)
_ABSOLUTE = (t.Since, t.Before, t.FromTo)
_EPOCH = naive(datetime(1970, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Verdict:
    """How two conditions relate.

    `implies`: which of them implies the other, of `implied`. `witness`: leaf → value, with which both hold; empty when
    there is none. `why`: what the answer rests on, in a sentence, and `code` for those who write their own: one of
    SAID.
    """

    relation: Relation
    implies: Implies = ""
    witness: Mapping[str, str] = field(default_factory=dict)
    why: str = ""
    code: str = ""


SAID = {
    "no_value": "no value of what they ask makes both true",
    "first_never": "the first can never hold",
    "second_never": "the second can never hold",
    "too_many": f"there are more than {MOST_CASES:,} cases",
    "always_together": "they always hold together",
    "first_needs_second": "the first never holds without the second",
    "second_needs_first": "the second never holds without the first",
    "both_hold": "with these values both hold",
    "may_not_be_free": "both hold with these values, if they can occur together: they may not be free",
}


def _said(
    relation: Relation, code: str, implies: Implies = "", witness: Mapping[str, str] = MappingProxyType({})
) -> Verdict:
    return Verdict(relation, implies, witness, SAID[code], code)


SourcesOf = Callable[[str], frozenset[str]]
"""What a tag is computed from in the end: `event:NAME`, `attribute:NAME` …"""


def _itself(tag: str) -> frozenset[str]:
    return frozenset({f"tag:{tag}"})


def decide(first: t.Expr, second: t.Expr, catalog: Catalog, *, sources: SourcesOf = _itself) -> Verdict:
    """How the two conditions about a person relate.

    A tag that they refer to counts by its value alone. Raises ExpressionError for a name that means nothing.
    """
    judge = _Judge(catalog, sources)
    try:
        both = judge.cases(t.And((first, second)))
        found = [case for case in both if judge.possible(case)]
        if not found:
            return _said("exclusive", judge.never(first, second))
        one = not any(map(judge.possible, judge.cases(t.And((first, t.Not(second))))))
        other = not any(map(judge.possible, judge.cases(t.And((second, t.Not(first))))))
    except _TooManyError:
        return _said("unknown", "too_many")
    witnesses = [(judge.sure(case), judge.witness(case)) for case in found]
    sure, witness = max(witnesses, key=lambda item: item[0])
    if one or other:
        implies: Implies = "both" if one and other else "first" if one else "second"
        codes = {"both": "always_together", "first": "first_needs_second", "second": "second_needs_first"}
        return _said("implied", codes[implies], implies, witness)
    return _said(
        "overlapping" if sure else "unknown", "both_hold" if sure else "may_not_be_free", "", witness
    )


class _TooManyError(Exception):
    """The conditions have more alternatives than are looked at."""


@dataclass(frozen=True)
class _Test:
    """One side of a simple test about a leaf.

    `values`: what the leaf's value has to be among when it is there (None: anything); `missing`: whether it may be
    missing, or of another kind; `known`: whether it may be there.
    """

    leaf: str
    node: t.Expr
    kind: ValueType | None
    scale: str
    values: Values | None
    missing: bool
    known: bool = True


@dataclass
class _Held:
    """What a case says of one leaf: its values by kind and scale, and whether each may be of another kind."""

    node: t.Expr
    missing: bool
    known: bool = True
    values: dict[tuple[ValueType, str], tuple[Values, bool]] = field(default_factory=dict)


class _Judge:
    def __init__(self, catalog: Catalog, sources: SourcesOf) -> None:
        self._catalog = catalog
        self._sources = sources

    # alternatives

    def cases(self, node: t.Expr) -> list[tuple[_Test, ...]]:
        """The alternatives of a condition, each a list of tests that all hold."""
        return list(self._cases(node, yes=True))

    def _cases(self, node: t.Expr, *, yes: bool) -> list[tuple[_Test, ...]]:
        match node:
            case t.Not(arg):
                return self._cases(arg, yes=not yes)
            case t.And(args) | t.Or(args):
                parts = [self._cases(arg, yes=yes) for arg in args]
                if isinstance(node, t.Or) is yes:
                    found = [case for part in parts for case in part]
                else:
                    found = [()]
                    for part in parts:
                        if len(found) * len(part) > MOST_CASES:
                            raise _TooManyError
                        found = [(*case, *more) for case in found for more in part]
                if len(found) > MOST_CASES:
                    raise _TooManyError
                return found
            case t.Flag(value):
                return [()] if value is yes else []
            case _:
                return [tuple(self._tests(node, yes=yes))]

    # tests

    def _tests(self, node: t.Expr, *, yes: bool) -> Iterator[_Test]:
        made = self._typed(_plainly(node))
        if made is None:
            yield self._opaque(node, yes=yes)
            inner = getattr(_plainly(node), "value", None)
            if yes and isinstance(inner, t.Name | t.Attribute | t.Aggregate):
                yield self._known(inner)
            return
        value, kind, scale, values = made
        leaf, node_of = self._leaf(value)
        if kind is None:  # known(x)
            yield _Test(leaf, node_of, None, "", None, missing=not yes, known=yes)
            return
        if yes:
            yield _Test(leaf, node_of, kind, scale, values, missing=False)
        else:
            yield _Test(leaf, node_of, kind, scale, _opposite(values), missing=True)

    def _known(self, value: t.Value) -> _Test:
        leaf, node = self._leaf(value)
        return _Test(leaf, node, None, "", None, missing=False)

    def _opaque(self, node: t.Expr, *, yes: bool) -> _Test:
        held = Flags(frozenset({yes}))
        return _Test(f"({to_text(node)})", node, ValueType.FLAG, "", held, missing=False)

    def _leaf(self, value: t.Value) -> tuple[str, t.Value]:
        if isinstance(value, t.Name) and self._catalog.tag(value.name) is None:
            value = t.Attribute((value.name,))
        return to_text(value), value

    def _fixed(self, value: t.Expr) -> ValueType | None:
        """The type that the leaf's values always have; None where the comparison says it."""
        if isinstance(value, t.Name):
            found = self._catalog.tag(value.name)
            return None if found is None else found[1]
        if isinstance(value, t.Aggregate):
            try:
                return type_of(value, self._catalog)
            except ExpressionError:
                return None
        return None

    def _typed(self, node: t.Expr) -> tuple[t.Value, ValueType | None, str, Values] | None:
        """(leaf, kind, scale, the values that pass) of a test of one leaf; None for any other condition."""
        match node:
            case t.Known(value) if not isinstance(value, t.Literal | t.Builtin):
                return value, None, "", ALL_NUMBERS
            case t.Name() | t.Aggregate() | t.Attribute():
                fixed = self._fixed(node)
                return (node, ValueType.FLAG, "", _TRUE) if fixed in (ValueType.FLAG, None) else None
            case t.Compare(left, op, right):
                if isinstance(left, t.Literal):
                    left, op, right = right, MIRRORED[op], left
                if isinstance(left, t.Literal | t.Builtin) or not isinstance(right, t.Literal):
                    return None
                return self._among(left, op, [right])
            case t.Among(value, options) if not isinstance(value, t.Literal | t.Builtin):
                return self._among(value, "=", list(options))
            case t.Between(value, low, high) if not isinstance(value, t.Literal | t.Builtin):
                one, two = self._among(value, ">=", [low]), self._among(value, "<=", [high])
                if one is None or two is None or one[1:3] != two[1:3]:
                    return None
                return value, one[1], one[2], _meet(one[3], two[3])
            case t.Within(value, window) if not isinstance(value, t.Literal | t.Builtin):
                return self._within(value, window)
            case t.TextTest(value, op, operand) if op != "includes" and isinstance(operand, t.Text):
                if self._fixed(value) is not ValueType.TEXT:
                    return None

                def passes(text: str, test: t.TextTest = node) -> bool:
                    return holds(test, [text], ValueType.TEXT, as_of=_SOME, zone="UTC")[0]

                return value, ValueType.TEXT, "", Texts(tests=(passes,))
            case _:
                return None

    def _among(
        self, value: t.Value, op: str, options: Sequence[t.Literal]
    ) -> tuple[t.Value, ValueType, str, Values] | None:
        kind = self._fixed(value)
        if kind is None:
            kinds = {_kind_of(option) for option in options}
            if len(kinds) != 1:
                return None
            (kind,) = kinds
        wanted = [fitting(option, kind, self._catalog.zone) for option in options]
        known = [item for item in wanted if item is not NEVER]
        if kind is ValueType.FLAG:
            if op not in ("=", "!="):
                return None
            flags = Flags(frozenset(known))
            return value, kind, "", flags if op == "=" else (flags.turned() if known else Flags(frozenset()))
        if kind is ValueType.TEXT:
            if op not in ("=", "!="):
                return None
            texts = frozenset(known)
            return value, kind, "", Texts(texts) if op == "=" or not known else Texts(excluded=texts)
        if kind is ValueType.INSTANT:
            known = [microseconds(item) for item in known]
        averaged = isinstance(value, t.Aggregate) and value.function == "avg"
        whole = kind in (ValueType.MONEY, ValueType.INSTANT) and not averaged
        if not known:
            return value, kind, "", Numbers(())
        if op == "=":
            points = numbers((Span(item, item) for item in set(known)), whole=whole)
            return value, kind, "", points
        (bound,) = known
        return value, kind, "", _beside(op, bound, whole=whole)

    def _within(self, value: t.Value, window: t.Window) -> tuple[t.Value, ValueType, str, Values] | None:
        fixed = self._fixed(value)
        if fixed not in (None, ValueType.INSTANT):
            return None
        if isinstance(window, _RELATIVE):
            low, high = value_bounds(window, as_of=_SOME, zone=self._catalog.zone)
            base, scale = naive(_SOME), "ago"
        elif isinstance(window, _ABSOLUTE):
            low, high = value_bounds(window, as_of=_SOME, zone=self._catalog.zone)
            base, scale = _EPOCH, ""
        else:
            return None
        first = -INF if low is None else (low - base) // timedelta(microseconds=1)
        last = INF if high is None else (high - base) // timedelta(microseconds=1)
        return (
            value,
            ValueType.INSTANT,
            scale,
            numbers([Span(first, last, low is not None, False)], whole=True),
        )

    # cases

    def _met(self, case: Iterable[_Test]) -> dict[str, _Held]:
        held: dict[str, _Held] = {}
        for test in case:
            counted = isinstance(test.node, t.Aggregate) and test.node.function == "count"
            one = held.setdefault(test.leaf, _Held(test.node, missing=not counted))
            one.missing &= test.missing
            one.known &= test.known
            if test.kind is None or test.values is None:
                continue
            place = (test.kind, test.scale)
            stray = self._fixed(test.node) is None and not test.leaf.startswith("(")
            values, strays = one.values.get(place, (_everything(test), stray))
            one.values[place] = (_meet(values, test.values), strays and test.missing)
        return held

    def possible(self, case: tuple[_Test, ...]) -> bool:
        """Whether no leaf is asked for what it cannot be."""
        held = self._met(case)
        if not all(
            one.missing
            or (one.known and all(stray or not values.empty for values, stray in one.values.values()))
            for one in held.values()
        ):
            return False
        return all(_rising(chain) is not None for chain in _chains(held))

    def sure(self, case: tuple[_Test, ...]) -> bool:
        """Whether the leaves of a possible case are free of each other, so that its witness can occur."""
        held = self._met(case)
        for one in held.values():
            if len(one.values) > 1:
                return False
            for values, stray in one.values.values():
                if isinstance(values, Texts) and not values.sure and not one.missing and not stray:
                    return False
        chained = {leaf: number for number, chain in enumerate(_chains(held)) for leaf, _ in chain}
        leaves = list(held)
        rooted = {leaf: self._roots(held[leaf].node) for leaf in leaves}
        for place, leaf in enumerate(leaves):
            for other in leaves[:place]:
                together = chained.get(leaf, -1) == chained.get(other, -2)
                if not together and _touch(rooted[leaf], rooted[other]):
                    return False
        return True

    def _roots(self, node: t.Node) -> frozenset[str]:
        """What a leaf follows from in the end."""
        found: set[str] = set()
        for name in t.names_of(node):
            known = self._catalog.tag(name) is not None
            found |= self._sources(name) if known else {f"attribute:{name}"}
        for inner in t.walk(node):
            if isinstance(inner, t.Event):
                found.add(f"event:{inner.name}")
            elif isinstance(inner, t.Attribute):
                found.add(f"attribute:{inner.path[0]}")
            elif isinstance(inner, t.InAudience):
                found.add("*")  # it may follow from anything
            elif isinstance(inner, t.Sample):
                found.add(f"sample:{inner.seed}")
        return frozenset(found)

    def witness(self, case: tuple[_Test, ...]) -> dict[str, str]:
        """A value for each leaf of a possible case, as people read it."""
        held = self._met(case)
        chosen = {leaf: value for chain in _chains(held) for leaf, value in (_rising(chain) or {}).items()}
        shown = {}
        for leaf, one in sorted(held.items()):
            shown[leaf] = _shown(one, chosen.get(leaf))
        return shown

    def never(self, first: t.Expr, second: t.Expr) -> str:
        """Why nothing makes both true: a code of SAID."""
        for word, one in (("first", first), ("second", second)):
            if not any(map(self.possible, self.cases(one))):
                return f"{word}_never"
        return "no_value"


# sets

_TRUE = Flags(frozenset({True}))


def _everything(test: _Test) -> Values:
    """All values that the leaf can have: counts are whole and not below 0."""
    if isinstance(test.values, Flags):
        return Flags()
    if isinstance(test.values, Texts):
        return Texts()
    node = test.node
    if isinstance(node, t.Aggregate) and node.function in ("count", "distinct"):
        return numbers([Span(0, INF, True, False)], whole=True)
    if isinstance(node, t.Aggregate) and node.function == "recency":
        return numbers([Span(0, INF, True, False)])
    whole = isinstance(test.values, Numbers) and test.values.whole
    return Numbers(ALL_NUMBERS.spans, whole)


def _meet(one: Values, other: Values) -> Values:
    if isinstance(one, Numbers) and isinstance(other, Numbers):
        return one.meet(other)
    if isinstance(one, Texts) and isinstance(other, Texts):
        return one.meet(other)
    if isinstance(one, Flags) and isinstance(other, Flags):
        return one.meet(other)
    raise TypeError("values of two kinds do not meet")


def _opposite(values: Values) -> Values:
    if not isinstance(values, Texts):
        return values.turned()
    if values.tests:
        (passes,) = values.tests
        return Texts(tests=(lambda text: not passes(text),))
    if values.listed is not None:
        return Texts(excluded=values.listed)
    return Texts(values.excluded)


def _beside(op: str, bound: float, *, whole: bool) -> Numbers:
    below, above = Span(-INF, bound, False, False), Span(bound, INF, False, False)
    spans = {
        "!=": [below, above],
        "<": [below],
        "<=": [Span(-INF, bound, False, True)],
        ">": [above],
        ">=": [Span(bound, INF, True, False)],
    }[op]
    return numbers(spans, whole=whole)


def _kind_of(literal: t.Literal) -> ValueType:
    match literal:
        case t.Flag():
            return ValueType.FLAG
        case t.Number():
            return ValueType.NUMBER
        case t.Instant():
            return ValueType.INSTANT
        case _:
            return ValueType.TEXT


def _plainly(node: t.Expr) -> t.Expr:
    """The condition with `did` as what it counts, and `first did` as what it compares."""
    match node:
        case t.Did(event, times, window):
            often = times or t.ONCE
            return t.Compare(t.Aggregate("count", event, window=window), often.sign, t.Number(often.n))
        case t.FirstDid(event, window):
            return t.Within(t.Aggregate("first_time", event), window)
        case _:
            return node


# counts over windows inside each other

Chain = list[tuple[str, Numbers]]


def _chains(held: Mapping[str, _Held]) -> list[Chain]:
    """Counts of the same events over `last` windows (or ever), the shortest first: each is at most the next."""
    found: dict[str, list[tuple[float, str, Numbers]]] = {}
    for leaf, one in held.items():
        node = one.node
        if not isinstance(node, t.Aggregate) or node.function != "count" or len(one.values) != 1:
            continue
        ((values, _),) = one.values.values()
        if isinstance(values, Numbers) and (node.window is None or isinstance(node.window, t.InLast)):
            length = INF if node.window is None else node.window.duration.seconds
            found.setdefault(to_text(t.Aggregate("count", node.event)), []).append((length, leaf, values))
    return [[(leaf, values) for _, leaf, values in sorted(chain)] for chain in found.values()]


def _rising(chain: Chain) -> dict[str, float] | None:
    """The least value for each count of a chain, none below the one before; None when there are no such values."""
    chosen: dict[str, float] = {}
    least = 0.0
    for leaf, values in chain:
        value = values.least(least)
        if value is None:
            return None
        chosen[leaf] = least = value
    return chosen


def _touch(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether something follows from both; an event's name that ends in * stands for all that begin so."""
    return any(_alike(a, b) for a in one for b in other)


def _alike(one: str, other: str) -> bool:
    if one.endswith("*") or other.endswith("*"):
        low, high = sorted((one.rstrip("*"), other.rstrip("*")), key=len)
        return high.startswith(low)
    return one == other


# what is shown


def _shown(one: _Held, chosen: float | None) -> str:
    for (kind, scale), (values, _) in one.values.items():
        value = chosen if chosen is not None else values.member()
        if value is None or not one.known:
            continue
        if kind is ValueType.FLAG:
            return "true" if value else "false"
        if kind is ValueType.TEXT:
            return f"'{value}'"
        if kind is ValueType.INSTANT:
            return _instant(float(value), scale)
        number = float(value) / MONEY_SCALE if kind is ValueType.MONEY else float(value)
        return str(int(number)) if number.is_integer() else repr(number)
    if one.known and not one.missing:
        return "known" if not one.values else "a text that passes"
    return "missing"


def _instant(value: float, scale: str) -> str:
    if scale == "ago":
        days = value / 86_400_000_000
        return f"{abs(days):g} days {'before' if days <= 0 else 'after'} the instant"
    try:
        return (_EPOCH + timedelta(microseconds=value)).isoformat() + "Z"
    except OverflowError:
        return "any instant"


def outcome(verdict: Verdict) -> dict[str, Any]:
    """The verdict as JSON."""
    return {
        "relation": verdict.relation,
        "implies": verdict.implies,
        "witness": dict(verdict.witness),
        "why": verdict.why,
        "code": verdict.code,
    }
