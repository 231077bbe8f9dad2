"""Moment: the answer to a question at an instant, from the person's facts. The same answers as the engine's.

Which events a condition means, and what an attribute says, the engine has decided; here they are only counted, in the
bounds of the windows. Every answer for the present is compared with the engine's before anything is said.
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from limner.expressions import tree as t
from limner.expressions.predicate import MIRRORED, OPERATORS, fitting, holds, microseconds
from limner.expressions.scan import SUM_SCALE
from limner.expressions.windows import EARLIEST, bounds, instant_of
from limner.portraits.because.facts import Facts, Happened
from limner.portraits.because.question import (
    All,
    Chance,
    Feature,
    Fixed,
    One,
    Opposite,
    Question,
    Score,
    Some,
    Sure,
    in_units,
)
from limner.portraits.because.weighing import Fed, engines
from limner.tags.tiers import MILLIONTHS
from limner.types import MONEY_SCALE, ValueType

DAY = timedelta(days=1)

MOST_ODDS = 700.0
"""Log odds beyond it are as good as certain."""

Valued = tuple[Any, ValueType | None]
"""A value (None: missing; money in 1/10,000, instants as microseconds) and its type (None: not known)."""


def answer(question: Question, facts: Facts, at: datetime) -> bool:
    """Whether it is true at the instant, by these facts."""
    match question:
        case All(_, parts):
            return all(answer(part, facts, at) for part in parts)
        case Some(_, parts):
            return any(answer(part, facts, at) for part in parts)
        case Opposite(_, part):
            return not answer(part, facts, at)
        case Sure(_, sure):
            return sure
        case Score():
            return question.passes(points(question, facts, at))
        case Chance():
            found = chance(question, facts, at)
            return found is not None and question.passes(found)
        case Fixed(_, leaf):
            return facts.test(leaf)
        case One(_, leaf):
            return test(leaf, facts, at)


def points(score: Score, facts: Facts, at: datetime) -> int:
    """The points of the parts that hold, in millionths."""
    return sum(worth for worth, part in score.parts if answer(part, facts, at))


def chance(asked: Chance, facts: Facts, at: datetime) -> int | None:
    """The chance, in millionths as the engine rounds it; None when a feature has no value."""
    total = log_odds(asked, facts, at)
    return None if total is None else chance_of(total)


def chance_of(log_odds: float) -> int:
    """The chance of these log odds, in millionths."""
    held = min(max(log_odds, -MOST_ODDS), MOST_ODDS)
    return math.floor(MILLIONTHS / (1.0 + math.exp(-held)) + 0.5)


def log_odds(asked: Chance, facts: Facts, at: datetime) -> float | None:
    """The intercept and what the features add, in the order in which the engine adds them."""
    total = asked.base
    for feature in asked.features:
        found = number(feature, facts, at)
        if found is None:
            return None
        total += found * feature.weight
    return total


def number(feature: Feature, facts: Facts, at: datetime) -> float | None:
    """What a feature is at the instant, in units; None when it has no value."""
    if feature.value is not None:
        if facts.is_gone(feature.fed):
            return None
        found = value(feature.value, facts, at)[0]
        return None if found is None else in_units(found, feature.kind)
    if feature.added:
        return sum(worth for worth, part in feature.rows if answer(part, facts, at))
    return next((worth for worth, part in feature.rows if answer(part, facts, at)), feature.otherwise)


def among(event: t.Event, window: t.Window | None, facts: Facts, at: datetime) -> tuple[Happened, range]:
    """The events that are meant, and the places of those in the window."""
    found = facts.rows[event]
    return found, found.between(*bounds(window, as_of=at, zone=facts.zone))


def test(leaf: t.Expr, facts: Facts, at: datetime) -> bool:
    """Whether one test is true at the instant."""
    if isinstance(leaf, Fed):
        return not facts.is_gone(leaf) and value(leaf.value, facts, at)[0] is not None
    if engines(leaf):
        return not facts.is_gone(leaf) and facts.asked(leaf, at) is True
    match leaf:
        case t.Did(event, times, window):
            n = len(among(event, window, facts, at)[1])
            return bool((times or t.ONCE).of(n))
        case t.FirstDid(event, window):
            found, ever = among(event, None, facts, at)
            low, high = bounds(window, as_of=at, zone=facts.zone)
            return bool(ever) and (low is None or found.times[0] >= low) and found.times[0] < high
        case t.LastHas(event, has, window):
            found, inside = among(event, window, facts, at)
            last = found.times[inside[-1]] if inside else None
            return any(found.ids[i] in found.has[has] for i in inside if found.times[i] == last)
        case t.Regularly():
            return regular_periods(leaf, facts, at) >= leaf.least
        case t.Sequence():
            return any(whole(leaf, facts, at))
        case t.HasBeen(_, op, duration):
            since = facts.since.get(leaf)
            if since is None or facts.is_gone(leaf):
                return False
            start = bounds(t.InLast(duration), as_of=at, zone=facts.zone)[0]
            return start is not None and (since <= start if op == "at least" else since > start)
    return not facts.is_gone(leaf) and _value_test(leaf, facts, at)


def _value_test(leaf: t.Expr, facts: Facts, at: datetime) -> bool:
    match leaf:
        case t.Compare(left, op, right):
            if isinstance(right, t.Literal) or isinstance(left, t.Literal):
                if isinstance(left, t.Literal) and not isinstance(right, t.Literal):
                    left, op, right = right, MIRRORED[op], left
                found, kind = value(left, facts, at)
                return found is not None and _one(t.Compare(left, op, right), found, kind, facts, at)
            return _compared(left, op, right, facts, at)
        case t.Among(tested) | t.Between(tested) | t.TextTest(tested) | t.Known(tested):
            found, kind = value(tested, facts, at)
            return found is not None and _one(leaf, found, kind, facts, at)
        case t.Within(tested):
            found, kind = value(tested, facts, at, wanted=ValueType.INSTANT)
            return found is not None and _one(leaf, found, kind, facts, at)
        case t.Aggregate():
            return value(leaf, facts, at)[0] is True
    raise TypeError(f"no test: {leaf!r}")


def _one(leaf: t.Expr, found: Any, kind: ValueType | None, facts: Facts, at: datetime) -> bool:
    return holds(leaf, [found], kind or ValueType.TEXT, as_of=at, zone=facts.zone)[0]


def _compared(left: t.Value, op: str, right: t.Value, facts: Facts, at: datetime) -> bool:
    """Two values, neither a literal."""
    kinds = [kind_of(side, facts) for side in (left, right)]
    first, second = (
        value(side, facts, at, wanted=kinds[1 - n])[0] if kinds[n] is None else value(side, facts, at)[0]
        for n, side in enumerate((left, right))
    )
    if first is None or second is None:
        return False
    if set(kinds) == {ValueType.NUMBER, ValueType.MONEY}:
        first = first / MONEY_SCALE if kinds[0] is ValueType.MONEY else first
        second = second / MONEY_SCALE if kinds[1] is ValueType.MONEY else second
    return OPERATORS[op](first, second)


def kind_of(node: t.Value, facts: Facts) -> ValueType | None:
    """The type of the value; None where it is what it is compared with."""
    match node:
        case t.Aggregate("count" | "recency" | "distinct"):
            return ValueType.NUMBER
        case t.Aggregate("first_time" | "last_time"):
            return ValueType.INSTANT
        case t.Aggregate("sum" | "avg", _, of):
            return ValueType.MONEY if facts.kinds.get(of or "") is ValueType.MONEY else ValueType.NUMBER
        case t.Aggregate(_, _, of):
            return facts.kinds.get(of or "", ValueType.TEXT)
        case t.Flag():
            return ValueType.FLAG
        case t.Text():
            return ValueType.TEXT
        case t.Number():
            return ValueType.NUMBER
        case t.Instant():
            return ValueType.INSTANT
    return next((kind for held, kind in facts.said if held == node and isinstance(node, t.Name)), None)


def value(node: t.Value, facts: Facts, at: datetime, *, wanted: ValueType | None = None) -> Valued:
    """The value at the instant, and its type. `wanted`: as which type an attribute is read."""
    if engines(node):
        return facts.asked(node, at), None
    match node:
        case t.Aggregate():
            return aggregate(node, facts, at), kind_of(node, facts)
        case t.Instant(text):
            return microseconds(instant_of(text, facts.zone)), ValueType.INSTANT
        case t.Flag() | t.Text() | t.Number():
            kind = kind_of(node, facts)
            return (None if kind is None else fitting(node, kind, facts.zone)), kind
    kind = kind_of(node, facts) or wanted or ValueType.TEXT
    return facts.said.get((node, kind)), kind


def aggregate(node: t.Aggregate, facts: Facts, at: datetime) -> Any:
    """The value of an aggregate; None when it is missing."""
    found, inside = among(node.event, node.window, facts, at)
    match node.function:
        case "count":
            return len(inside)
        case "first_time":
            return microseconds(found.times[inside[0]]) if inside else None
        case "last_time":
            return microseconds(found.times[inside[-1]]) if inside else None
        case "recency":
            return (at - found.times[inside[-1]]) // DAY if inside else None
        case "sum" | "avg":
            return _sum(node, found, inside, facts)
    held = found.values[node.of or ""]
    ids = found.ids[inside.start : inside.stop]
    if node.function == "distinct":
        return len(set(map(held.get, ids)) - {None})
    given = [(ts, held[i]) for ts, i in zip(found.times[inside.start :], ids, strict=False) if i in held]
    if not given:
        return None
    match node.function:
        case "min":
            return min(item for _, item in given)
        case "max":
            return max(item for _, item in given)
        case "first":
            return min(given)[1]
        case "last":
            return max(given)[1]
    counted = Counter(item for _, item in given)
    most = max(counted.values())
    return min(item for item, n in counted.items() if n == most)


def _sum(node: t.Aggregate, found: Happened, inside: range, facts: Facts) -> Any:
    sums, counts = found.totals[node.of or ""]
    total = sums[inside.stop] - sums[inside.start]
    n = counts[inside.stop] - counts[inside.start]
    money = kind_of(node, facts) is ValueType.MONEY
    if node.function == "sum":
        return total if money else total / SUM_SCALE
    if not n:
        return None
    if money:
        mean = total / n
        return int(mean + 0.5) if mean >= 0 else -int(-mean + 0.5)
    return total / n / SUM_SCALE


def often(node: t.Regularly) -> int:
    """How often it must happen in a period."""
    return 1 if node.times is None else node.times.n + (node.times.op == "more than")


def span_of(node: t.Regularly) -> t.InLast:
    """The window of all its periods."""
    return t.InLast(t.Duration(node.each.n * node.periods, node.each.unit))


def regular_periods(node: t.Regularly, facts: Facts, at: datetime) -> int:
    """In how many of the periods it happened often enough."""
    found = facts.rows[node.event]
    each = timedelta(seconds=node.each.seconds)
    low, _ = bounds(span_of(node), as_of=at, zone=facts.zone)
    good, high = 0, at
    for _ in range(node.periods):
        begin = high - each if high - EARLIEST > each else EARLIEST
        good += len(found.between(begin, high)) >= often(node)
        if low is None or begin <= low or not found.times or begin <= found.times[0]:
            break
        high = begin
    return good


Chain = tuple[datetime, datetime, tuple[int, ...]]
"""When a chain of a sequence began, when its last event was, and its events."""


def chains(node: t.Sequence, facts: Facts, at: datetime, upto: int | None = None) -> list[Chain]:
    """The chains of the first event and so many steps (default: all): for each last event the latest one."""
    found, inside = among(node.first, node.window, facts, at)
    held: list[Chain] = [(found.times[i], found.times[i], (found.ids[i],)) for i in inside]
    for step in node.steps[:upto]:
        events, ever = among(step.event, None, facts, at)
        reach = None if step.within is None else timedelta(seconds=step.within.seconds)
        longer: list[Chain] = []
        n, latest = 0, None
        for i in ever:
            ts = events.times[i]
            while n < len(held) and held[n][1] < ts:
                latest = held[n]
                n += 1
            if latest is not None and (reach is None or ts - latest[0] <= reach):
                longer.append((latest[0], ts, (*latest[2], events.ids[i])))
        held = longer
    return held


def whole(node: t.Sequence, facts: Facts, at: datetime) -> list[Chain]:
    """The whole chains between whose first and last event nothing came that must not."""
    held = chains(node, facts, at)
    if node.without is None:
        return held
    found, ever = among(node.without, None, facts, at)
    times = [found.times[i] for i in ever]
    return [chain for chain in held if not any(chain[0] < ts < chain[1] for ts in times)]
