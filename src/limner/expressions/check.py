"""Is an expression sound? Types and names against a Catalog, with what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from limner.errors import ExpressionError, did_you_mean
from limner.expressions import tree as t
from limner.expressions.arithmetic import result_type
from limner.expressions.catalog import Catalog
from limner.expressions.compiler import DEEPEST_INLINED, circle, tested_attribute, too_deep, unknown
from limner.expressions.happenings import named_builtin
from limner.expressions.predicate import scaled
from limner.types import ValueType

Kind = Literal["person", "event"]

_ORDERED = (ValueType.NUMBER, ValueType.MONEY, ValueType.INSTANT, ValueType.TEXT)
_NUMERIC = (ValueType.NUMBER, ValueType.MONEY)
_LITERALS: dict[type, ValueType] = {
    t.Flag: ValueType.FLAG,
    t.Text: ValueType.TEXT,
    t.Number: ValueType.NUMBER,
    t.Instant: ValueType.INSTANT,
}


def check(expr: t.Expr, catalog: Catalog, kind: Kind = "person", *, strict: bool = False) -> None:
    """Raises ExpressionError (unknown_name, type, cycle) unless the expression is a sound condition.

    A bare name is a tag, else an attribute. Events, properties and attributes that nothing has had yet are
    allowed, since data may come later; `strict` refuses them when any are known at all.
    """
    _Checker(catalog, strict, kind).condition(expr)


def check_value(value: t.Value, catalog: Catalog, *, strict: bool = False) -> ValueType | None:
    """The value's type, once sound; None for an attribute, whose type is what it is compared with."""
    checker = _Checker(catalog, strict, "person")
    return checker.interest(value) if isinstance(value, t.Interest) else checker.value(value)


def type_of(value: t.Value, catalog: Catalog) -> ValueType | None:
    """The type of the value's result; None for an attribute."""
    return check_value(value, catalog)


def warnings(expr: t.Expr, catalog: Catalog) -> list[str]:
    """What is allowed but probably a mistake: names that nothing has had yet, with what was meant."""
    return list(dict.fromkeys(_unseen(expr, catalog)))


def _unseen(expr: t.Expr, catalog: Catalog) -> Iterator[str]:
    events, properties = list(catalog.event_names()), list(catalog.property_names())
    attributes = list(catalog.attribute_names())
    for node in t.walk(expr):
        match node:
            case t.Event(name):
                if name != "*" and not catalog.event_codes(name):
                    yield _sentence("no event is called", name, events)
            case t.Attribute(path) if path[0] not in attributes:
                yield _sentence("nobody has the attribute", path[0], attributes)
        for name in _properties(node):
            if catalog.property(name) is None:
                yield _sentence("no event has the property", name, properties)


def _properties(node: t.Node) -> set[str]:
    """The event properties that the node itself names."""
    match node:
        case t.Event(_, where) if where is not None:
            return {inner.name for inner in t.walk(where) if isinstance(inner, t.Name)}
        case t.LastHas(_, has):
            return {inner.name for inner in t.walk(has) if isinstance(inner, t.Name)}
        case t.Aggregate(of=of) | t.Interest(of=of) if of is not None:
            return {of}
    return set()


def _sentence(what: str, name: str, known: Iterable[str]) -> str:
    meant = did_you_mean(name, known)
    return f"{what} {name!r} yet" + (f"; {meant}" if meant else "")


class _Checker:
    """Walks a tree once; each method raises at the first fault."""

    def __init__(self, catalog: Catalog, strict: bool, scope: Kind) -> None:
        self.catalog = catalog
        self.strict = strict
        self.scope = scope
        self._audiences: list[str] = []
        self._sound: set[str] = set()
        self._depth = 0

    def fail(self, node: t.Node, message: str, hint: str | None = None) -> ExpressionError:
        """A type error at the node."""
        line, column = node.position or (1, 1)
        return ExpressionError(message, line=line, column=column, code="type", hint=hint)

    def condition(self, node: t.Expr) -> None:
        """The node is true or false."""
        self._depth += 1
        if self._depth > DEEPEST_INLINED:
            raise too_deep()
        self._condition(node)
        self._depth -= 1

    def _condition(self, node: t.Expr) -> None:
        match node:
            case t.Or(args) | t.And(args):
                for arg in args:
                    self.condition(arg)
            case t.Not(arg):
                self.condition(arg)
            case t.Did(event, _, window) | t.FirstDid(event, window):
                self.event(event)
                self._window(window)
            case t.Regularly(event):
                self.event(event)
            case t.Sequence(first, steps, without):
                for event in (first, *(step.event for step in steps), *([without] if without else [])):
                    self.event(event)
            case t.LastHas(event, has):
                self.event(event)
                self._inside(has)
            case t.HasBeen(test):
                self._history(test)
            case t.InAudience(name):
                self._audience(node, name)
            case t.Sample() | t.Flag():
                pass
            case _:
                self._test(node)

    def _test(self, node: t.Expr) -> None:
        match node:
            case t.Known(t.Builtin()):
                return
            case t.Known(value):
                self.value(value)
            case t.Compare(left, op, right):
                self._compare(node, left, op, right)
            case t.Among(value, options):
                for option in options:
                    self._compare(node, value, "=", option)
            case t.Between(value, low, high):
                self._compare(node, value, ">=", low)
                self._compare(node, value, "<=", high)
            case t.TextTest(value, op, _):
                kind = self.value(value)
                wanted = (
                    (None, ValueType.LIST, ValueType.TEXT) if op == "includes" else (None, ValueType.TEXT)
                )
                if kind not in wanted:
                    raise self.fail(
                        node, f"{op} needs a {'list' if op == 'includes' else 'text'}, not a {kind}"
                    )
            case t.Within(value):
                kind = self.value(value)
                if kind not in (None, ValueType.INSTANT):
                    raise self.fail(node, f"a window needs an instant, not a {kind}")
            case _ if isinstance(node, t.Value) and not isinstance(node, t.Literal):
                kind = self.value(node)
                if kind not in (None, ValueType.FLAG):
                    raise self.fail(
                        node, f"a {kind} is no condition", "compare it with something, or use known(…)"
                    )
            case _:
                raise self.fail(node, "this is a value, not a condition", "compare it with something")

    def _compare(self, node: t.Node, left: t.Value, op: str, right: t.Value) -> None:
        kinds = {self.value(left), self.value(right)} - {None}
        if ValueType.LIST in kinds:
            raise self.fail(node, "a list is not compared", "use includes")
        if op not in ("=", "!=") and ValueType.FLAG in kinds:
            raise self.fail(node, f"a flag is not compared with {op}", "use = or !=")
        if len(kinds) == 2 and kinds != set(_NUMERIC) and not self._lenient(left, right):
            first, second = sorted(str(kind) for kind in kinds)
            raise self.fail(
                node, f"a {first} is not compared with a {second}", _literal_hint(left, right, self.catalog)
            )

    def _lenient(self, left: t.Value, right: t.Value) -> bool:
        """Event properties took their type from what came first: a text may be compared as a number."""
        return self.scope == "event" and (isinstance(left, t.Name) or isinstance(right, t.Name))

    def value(self, node: t.Value) -> ValueType | None:
        """The value's type; None when it is typed by what it is compared with."""
        match node:
            case t.Flag() | t.Text() | t.Number() | t.Instant():
                return _LITERALS[type(node)]
            case t.Builtin(name):
                return self._builtin(node, name)
            case t.Name(name):
                return self._property(node, name) if self.scope == "event" else self._named(node, name)
            case t.Attribute(path):
                self._attribute(node, path[0])
                return None
            case t.Aggregate():
                self._window(node.window)
                return self._aggregate(node)
            case t.Weight(tag):
                return self._weight(node, tag)
            case t.Interest():
                raise self.fail(
                    node,
                    f"{node.function}(…) is a tag's statistic, not part of a condition",
                    "make a tag of it, and write weight(TAG, 'label') or TAG = 'label'",
                )
            case t.OfObject(kind, name):
                hint = f"there is no objects/{kind}.yml, or this is an audience: make a tag of it"
                raise self.fail(node, f"{kind}.{name} is asked by the definitions of tags alone", hint)
            case t.Logistic(_, factors):
                for factor in factors:
                    if self.catalog.tag(factor.tag.name) is None:
                        raise unknown("tag", factor.tag.name, self.catalog.tag_keys(), factor.tag)
                    typed = self.value(factor.tag)
                    if typed not in (*_NUMERIC, ValueType.FLAG):
                        message = (
                            f"'{factor.tag.name}' is a {typed}; a number, an amount or a flag is weighed"
                        )
                        raise self.fail(factor, message)
                return ValueType.NUMBER
            case t.Metric():
                raise self.fail(
                    node,
                    "metric(…) is counted by a tag, and cannot stand here",
                    "make a tag of it, and ask for the tag",
                )
            case t.Streak(_, event) | t.Habit(_, event):
                self.event(event)
                return ValueType.NUMBER
            case t.Delay(event, then):
                self.event(event)
                self.event(then)
                return ValueType.NUMBER
            case t.Dated(function, dated):
                return self._dated(node, function, dated)
            case t.Arithmetic():
                return self._arithmetic(node)
        raise self.fail(node, "this is a condition, not a value")

    def _dated(self, node: t.Node, function: str, dated: t.Value) -> ValueType:
        if isinstance(dated, t.Literal):
            raise self.fail(node, f"{function} is of an attribute or a tag", f"{function}(person.birthday)")
        kind = self.value(dated)
        if kind not in (None, ValueType.INSTANT):
            raise self.fail(node, f"{function} needs a date, not a {kind}")
        return ValueType.NUMBER if function == "age" else ValueType.INSTANT

    def _arithmetic(self, node: t.Arithmetic) -> ValueType:
        left, right = self.value(node.left), self.value(node.right)
        literal = next((side for side in (node.left, node.right) if isinstance(side, t.Number)), None)
        kind = result_type(left, node.op, right, literal=literal is not None)
        if kind is None:
            first, second = left or "attribute", right or "attribute"
            hint = "numbers and money have sums; money is divided by money or by a number"
            raise self.fail(node, f"there is no {first} {node.op} {second}", hint)
        amount = kind is ValueType.MONEY and node.op in ("+", "-") and literal is not None
        if amount and literal is not None and not isinstance(scaled(literal.value), int):
            raise self.fail(literal, "money has at most four decimals")
        return kind

    def _window(self, window: t.Window | None) -> None:
        if isinstance(window, t.SinceEvent | t.BeforeEvent):
            self.event(window.event)

    def _builtin(self, node: t.Node, name: str) -> ValueType:
        kinds = {
            "event": ValueType.TEXT, "source": ValueType.TEXT, "time": ValueType.INSTANT,
            "hour": ValueType.NUMBER, "weekday": ValueType.NUMBER,
        }  # fmt: skip
        if name not in kinds:
            raise self.fail(node, f"{name} is only asked by known({name})")
        return kinds[name]

    def _property(self, node: t.Node, name: str) -> ValueType | None:
        found = self.catalog.property(name)
        if found is not None:
            return found[1]
        names = list(self.catalog.property_names())
        if self.strict and names:
            raise unknown("property", name, names, node)
        return None

    def _named(self, node: t.Node, name: str) -> ValueType | None:
        found = self.catalog.tag(name)
        if found is not None:
            return found[1]
        attributes = set(self.catalog.attribute_names())
        if name not in attributes:
            raise unknown("tag or attribute", name, [*self.catalog.tag_keys(), *attributes], node)
        return None

    def _attribute(self, node: t.Node, name: str) -> None:
        names = list(self.catalog.attribute_names())
        if self.strict and names and name not in names:
            raise unknown("attribute", name, names, node)

    def _aggregate(self, node: t.Aggregate) -> ValueType | None:
        self.event(node.event)
        if node.of is None:
            return ValueType.INSTANT if node.function in ("first_time", "last_time") else ValueType.NUMBER
        kind = self._property(node, node.of)
        if node.function == t.TOP:
            if kind not in (None, ValueType.TEXT):
                raise self.fail(node, f"top is of texts; {node.of} is a {kind}")
            return ValueType.LIST
        if node.function == "distinct":
            return ValueType.NUMBER
        if node.function in ("sum", "avg"):
            if kind not in (None, *_NUMERIC):
                raise self.fail(node, f"{node.function} needs a number or money; {node.of} is a {kind}")
            return kind or ValueType.NUMBER
        if node.function in ("min", "max") and kind not in (None, *_ORDERED):
            raise self.fail(node, f"{node.function} needs something ordered; {node.of} is a {kind}")
        return kind or ValueType.TEXT

    def interest(self, node: t.Interest) -> ValueType:
        """The type of its value, once its events and its property are sound."""
        for event in (*(term.event for term in node.terms), *([node.until] if node.until else [])):
            self.event(event)
        kind = self._property(node, node.of)
        if kind not in (None, ValueType.TEXT):
            raise self.fail(node, f"labels are texts; {node.of} is a {kind}")
        return ValueType.TEXT

    def _weight(self, node: t.Node, tag: t.Name) -> ValueType:
        if self.catalog.tag(tag.name) is None:
            raise unknown("tag", tag.name, self.catalog.tag_keys(), tag)
        if not self.catalog.weighted(tag.name):
            raise self.fail(
                node, f"the tag '{tag.name}' has no weights", "tags of interest(…) and demand(…) have"
            )
        return ValueType.NUMBER

    def event(self, event: t.Event) -> None:
        """The event may be named, and its `where` is sound."""
        names = list(self.catalog.event_names())
        if self.strict and names and event.name != "*" and not self.catalog.event_codes(event.name):
            raise unknown("event", event.name, names, event)
        if event.where is not None:
            self._inside(event.where)

    def _inside(self, condition: t.Expr) -> None:
        inner = _Checker(self.catalog, self.strict, "event")
        inner.condition(condition)
        for node in t.walk(condition):
            if isinstance(node, (t.Compare, t.Among, t.Between, t.TextTest)):
                named_builtin(node)

    def _history(self, test: t.Expr) -> None:
        attribute = tested_attribute(test)
        is_tag = isinstance(attribute, t.Name) and self.catalog.tag(attribute.name) is not None
        if attribute is None or is_tag:
            raise self.fail(test, "only an attribute's comparison can have held for a time")
        self._test(test)

    def _audience(self, node: t.Node, name: str) -> None:
        if name in self._audiences:
            raise circle(self._audiences, name, node)
        found = self.catalog.audience(name)
        if found is None:
            raise unknown("audience", name, self.catalog.audience_names(), node)
        if isinstance(found, frozenset) or name in self._sound:
            return
        self._audiences.append(name)
        self.condition(found)
        self._audiences.pop()
        self._sound.add(name)


def _literal_hint(left: t.Value, right: t.Value, catalog: Catalog) -> str | None:
    """How the literal should have been written."""
    value, literal = (left, right) if isinstance(right, t.Literal) else (right, left)
    if not isinstance(literal, t.Literal) or not isinstance(value, t.Name):
        return None
    found = catalog.tag(value.name)
    examples = {
        ValueType.TEXT: "'…'", ValueType.NUMBER: "42", ValueType.MONEY: "99.50", ValueType.FLAG: "true",
        ValueType.INSTANT: "2025-01-15",
    }  # fmt: skip
    return None if found is None or found[1] not in examples else f"write {examples[found[1]]}"
