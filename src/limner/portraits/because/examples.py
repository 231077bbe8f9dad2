"""Examples: properties that an event could have to be meant by a condition. What is not found is not guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from limner.expressions import tree as t
from limner.expressions.predicate import holds, microseconds
from limner.expressions.windows import instant_of
from limner.portraits.because.patterns import texts
from limner.types import MONEY_SCALE, ValueType

MOST_WAYS = 64
"""So many alternatives of a condition are tried."""

Wish = tuple[str, t.Expr, bool]
"""A property, a test of it, and whether the test shall be true."""


def properties_for(
    condition: t.Expr | None, kinds: Mapping[str, ValueType], *, at: datetime, zone: str
) -> Iterator[dict[str, Any]]:
    """Properties (as the engine keeps them: money in 1/10,000, instants as microseconds) that satisfy the condition.

    None when it asks for the time of the event, for two properties at once, or for a text that is not found.
    """
    if condition is None:
        yield {}
        return
    for wishes in islice(_ways(condition, True), MOST_WAYS):
        found = _granted(wishes, kinds, at=at, zone=zone)
        if found is not None:
            yield found


def _ways(node: t.Expr, wanted: bool) -> Iterator[tuple[Wish, ...]]:
    """The wishes of each way in which the condition becomes what is wanted."""
    match node:
        case t.Not(arg):
            yield from _ways(arg, not wanted)
        case t.Flag(value):
            if value == wanted:
                yield ()
        case t.And(args) | t.Or(args):
            if isinstance(node, t.And) == wanted:
                yield from _together(args, wanted)
            else:
                for arg in args:
                    yield from _ways(arg, wanted)
        case t.Known(t.Builtin()):
            if wanted:
                yield ()
        case _:
            names = {inner.name for inner in t.walk(node) if isinstance(inner, t.Name)}
            if len(names) == 1 and not any(isinstance(inner, t.Builtin) for inner in t.walk(node)):
                yield ((names.pop(), node, wanted),)


def _together(args: tuple[t.Expr, ...], wanted: bool) -> Iterator[tuple[Wish, ...]]:
    if not args:
        yield ()
        return
    for first in islice(_ways(args[0], wanted), MOST_WAYS):
        for rest in _together(args[1:], wanted):
            yield (*first, *rest)


def _granted(
    wishes: tuple[Wish, ...], kinds: Mapping[str, ValueType], *, at: datetime, zone: str
) -> dict[str, Any] | None:
    """One value for each property that grants all wishes about it."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(name for name, _, _ in wishes):
        kind = kinds.get(name)
        asked = [(test, wanted) for about, test, wanted in wishes if about == name]
        if kind is None or kind is ValueType.LIST:
            if any(wanted for _, wanted in asked):
                return None
            continue
        for value in _candidates(asked, kind, zone):
            if all(_passes(test, value, kind, at, zone) == wanted for test, wanted in asked):
                if value is not None:
                    found[name] = value
                break
        else:
            return None
    return found


def _passes(test: t.Expr, value: Any, kind: ValueType, at: datetime, zone: str) -> bool:
    if value is None:
        return False
    return holds(test, [value], kind, as_of=at, zone=zone)[0]


def _candidates(asked: list[tuple[t.Expr, bool]], kind: ValueType, zone: str) -> Iterator[Any]:
    """Values near those that the tests name, then none."""
    literals = [
        inner
        for test, _ in asked
        for inner in t.walk(test)
        if isinstance(inner, t.Flag | t.Text | t.Number | t.Instant)
    ]
    if not any(wanted for _, wanted in asked):
        yield None
    match kind:
        case ValueType.FLAG:
            yield from (True, False)
        case ValueType.TEXT:
            said = [literal.value for literal in literals if isinstance(literal, t.Text)]
            for test, _ in asked:
                if isinstance(test, t.TextTest) and test.op == "matches" and isinstance(test.operand, t.Text):
                    yield from texts(test.operand.value)
            yield from said
            yield from (f"{text}{more}" for text in said for more in ("x", " "))
            yield from (f"{first} {second}" for first in said for second in said)
            yield from ("example", "another")
        case ValueType.INSTANT:
            for literal in literals:
                if isinstance(literal, t.Instant | t.Text):
                    try:
                        named = microseconds(instant_of(literal.value, zone))
                    except ValueError:
                        continue
                    yield from (named, named + 1, named - 1)
            yield microseconds(datetime(2020, 1, 1))  # noqa: DTZ001 - instants are naive UTC inside
        case _:
            yield from _numbers([item.value for item in literals if isinstance(item, t.Number)], kind)


def _numbers(named: list[int | float], kind: ValueType) -> Iterator[Any]:
    scale = MONEY_SCALE if kind is ValueType.MONEY else 1
    for number in named:
        exact = number * scale
        yield from (round(exact),) if kind is ValueType.MONEY else (number,)
        for step in (1, 0.01, 0.000001) if kind is ValueType.NUMBER else (scale, scale // 100, 1):
            for moved in (exact + step, exact - step):
                yield round(moved) if kind is ValueType.MONEY else moved
    for first in named:
        for second in named:
            yield round((first + second) / 2 * scale) if kind is ValueType.MONEY else (first + second) / 2
    yield scale
    yield 0


def in_words(properties: Mapping[str, Any], kinds: Mapping[str, ValueType]) -> dict[str, Any]:
    """The properties as an event would be sent with: money in units, instants as ISO texts."""
    said: dict[str, Any] = {}
    for name, value in properties.items():
        match kinds[name]:
            case ValueType.MONEY:
                units = value / MONEY_SCALE
                said[name] = int(units) if units.is_integer() else units
            case ValueType.INSTANT:
                epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - instants are naive UTC inside
                said[name] = (epoch + timedelta(microseconds=value)).isoformat() + "Z"
            case _:
                said[name] = value
    return said
