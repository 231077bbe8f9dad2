"""Turning: when an answer may turn by time alone, and the first instant at which it does. Exact, in microseconds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from limner.expressions import tree as t
from limner.expressions.interests import Grid, grid
from limner.expressions.predicate import microseconds
from limner.expressions.windows import LATEST, MICROSECOND, instant_of, passes, value_passes
from limner.portraits.because.facts import Facts
from limner.portraits.because.moment import DAY, among, span_of, value
from limner.portraits.because.weighing import Fed, engines, interests
from limner.types import ValueType, naive, utc

MOST_INSTANTS = 20_000
"""So many instants are tried; beyond them nothing is said."""

MOST_ASKED = 80
"""So many instants are tried where each asks the engine."""

_DAYS, _FAR, _STRIDE = 800, 3_660, 30
"""So many days are looked ahead one by one where each counts in a chance; then up to so many, by so many at once."""

_AGES = 20
"""So many birthdays are looked ahead."""

MOST_WORK = 1_000_000
"""So many events are looked at again in all for it."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - instants are naive UTC inside


class TooMany(Exception):
    """More instants than are tried."""


class Unsaid(Exception):
    """It cannot be told exactly; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def turns(leaves: list[t.Expr], facts: Facts, after: datetime) -> list[datetime]:
    """Every instant after that one at which an answer made of these tests or values may turn, sorted.

    Raises Unsaid when time turns a test in a way that is not followed, TooMany.
    """
    found: set[datetime] = set()
    for leaf in leaves:
        for at in _leaf_turns(leaf, facts, after):
            if after < at < LATEST:
                found.add(at)
                if len(found) > MOST_INSTANTS:
                    raise TooMany
    return sorted(found)


def first_turn(
    leaves: list[t.Expr], facts: Facts, reading: Callable[[Facts, datetime], Any], after: datetime
) -> datetime | None:
    """The earliest instant after that one at which, with no new event, the reading is another; None: never."""
    now = reading(facts, after)
    most = affordable(leaves, facts)
    steps = {grid(node.half_life) for leaf in leaves for node in interests(leaf)}
    before = after
    for n, at in enumerate(turns(leaves, facts, after)):
        if n == most:
            raise TooMany
        if reading(facts, at) != now:
            if at - before > DAY and any(isinstance(leaf, Fed) for leaf in leaves):
                at = _first_day(before, at, lambda tried: reading(facts, tried) != now)
            return _fallen(before, at, lambda tried: reading(facts, tried) != now, steps) if steps else at
        before = at
    return None


def _first_day(low: datetime, high: datetime, turned: Callable[[datetime], bool]) -> datetime:
    """The first of the days before `high`, and after `low`, from which on it is turned: found by halving."""
    turned_at, still = 0, (high - low) // DAY + 1  # so many days before `high`
    while still - turned_at > 1:
        middle = (still + turned_at) // 2
        if high - DAY * middle > low and turned(high - DAY * middle):
            turned_at = middle
        else:
            still = middle
    return high - DAY * turned_at


def _fallen(
    low: datetime, high: datetime, turned: Callable[[datetime], bool], steps: Collection[Grid]
) -> datetime:
    """The instant in (low, high] from which on it is turned, where weights fall from step to step of time."""
    if len(steps) > 1:
        while high - low > MICROSECOND:
            middle = low + (high - low) // 2
            low, high = (low, middle) if turned(middle) else (middle, high)
        return high
    (grid_of,) = steps
    first, last = grid_of.number(low), grid_of.number(high) + 1
    while last - first > 1:
        middle_step = (first + last) // 2
        if grid_of.at(middle_step) >= high or turned(grid_of.at(middle_step)):
            last = middle_step
        else:
            first = middle_step
    return min(high, grid_of.at(last))


def affordable(leaves: list[t.Expr], facts: Facts) -> int:
    """At how many instants the tests may be asked: fewer where each looks at many events."""
    looked_at = 1
    if any(map(engines, leaves)):
        return MOST_ASKED
    for leaf in leaves:
        for node in t.walk(leaf):
            match node:
                case t.LastHas(event) | t.Sequence(event):
                    looked_at += len(facts.rows[event].ids)
                case t.Then(event):
                    looked_at += len(facts.rows[event].ids)
                case t.Aggregate(function, event, of) if of is not None and function not in ("sum", "avg"):
                    looked_at += len(facts.rows[event].ids)
    return max(50, min(MOST_INSTANTS, MOST_WORK // looked_at))


def moves(event: t.Event) -> bool:
    """Whether it depends on the present instant which events are meant."""
    return any(isinstance(inner, t.Within) for inner in t.walk(event))


def timely(event: t.Event) -> bool:
    """Whether it depends on the time of an event whether it is meant."""
    return any(
        isinstance(inner, t.Within)
        or (isinstance(inner, t.Builtin) and inner.name in ("time", "hour", "weekday"))
        for inner in t.walk(event)
    )


def _leaf_turns(leaf: t.Expr, facts: Facts, after: datetime) -> Iterator[datetime]:
    for node in t.walk(leaf):
        if isinstance(node, t.Event) and moves(node):
            raise Unsaid("moving")
        if isinstance(node, t.LastHas) and any(isinstance(inner, t.Within) for inner in t.walk(node.has)):
            raise Unsaid("moving")
    if engines(leaf):
        yield from _engine_turns(leaf, facts, after)
        return
    match leaf:
        case t.Did(event, _, window) | t.LastHas(event, _, window):
            yield from _passings(event, window, facts)
        case t.FirstDid(event, window):
            yield from (
                at for ts in facts.rows[event].times[:1] for at in passes(window, ts, zone=facts.zone)
            )
        case t.Sequence(first, _, _, window):
            yield from _passings(first, window, facts)
        case t.Regularly(event, _, periods, each):
            found, inside = among(event, span_of(leaf), facts, after)
            step = timedelta(seconds=each.seconds)
            for i in inside:
                yield from (later(found.times[i], step * k) + MICROSECOND for k in range(1, periods + 1))
        case t.HasBeen(_, _, duration):
            since = facts.since.get(leaf)
            if since is not None:
                yield later(since, timedelta(seconds=duration.seconds))
        case _:
            yield from _value_turns(leaf, facts, after)


def _engine_turns(leaf: t.Expr, facts: Facts, after: datetime) -> Iterator[datetime]:
    """When what only the engine says may turn: windows, ends of calendar units, birthdays; of weights some instants,

    between two of which each of them only falls.
    """
    for node in t.walk(leaf):
        match node:
            case t.Aggregate("recency"):
                raise Unsaid("both_move")
            case t.Regularly():
                raise Unsaid("both_move")
            case (
                t.Aggregate(_, event, _, window)
                | t.Streak(_, event, _, window)
                | t.Habit(_, event, window)
                | t.Delay(event, _, window)
                | t.Did(event, _, window)
                | t.LastHas(event, _, window)
                | t.FirstDid(event, window)
                | t.Sequence(event, _, _, window)
            ):
                yield from _passings(event, window, facts)
            case t.Interest():
                for term in node.terms:
                    yield from _passings(term.event, node.window, facts)
                half = timedelta(seconds=node.half_life.seconds)
                yield from (
                    later(after, half * n / 4)
                    for n in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 160, 168)
                )
        if isinstance(node, t.Streak) and node.function == "current_streak":
            for far in range(1, 4):
                begin = _begins(node.by, after, far, facts.zone)
                yield from (begin, begin + MICROSECOND)
        if isinstance(node, t.Dated):
            yield from _birthdays(node, leaf, facts, after)
    if isinstance(leaf, t.Within) and not isinstance(leaf.value, t.Dated):
        held = facts.asked(leaf.value, after)
        if isinstance(held, int):
            yield from value_passes(leaf.window, _EPOCH + timedelta(microseconds=held), zone=facts.zone)


def _begins(by: str, after: datetime, far: int, zone: str) -> datetime:
    """When the so-many-th calendar unit after the instant begins, naive UTC."""
    local = (
        utc(after).astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    )
    if by == "day":
        begin = local + DAY * far
    elif by == "week":
        begin = local + DAY * (7 * far - local.weekday())
    else:
        months = far if by == "month" else 12 * far - local.month + 1
        place = local.year * 12 + local.month - 1 + months
        begin = local.replace(year=place // 12, month=place % 12 + 1, day=1)
    return naive(begin.replace(tzinfo=ZoneInfo(zone)))


def _birthdays(node: t.Dated, leaf: t.Expr, facts: Facts, after: datetime) -> Iterator[datetime]:
    """The next days on which the date comes round, each with the day after; and when they pass a window."""
    at = after
    for _ in range(_AGES if node.function == "age" else 3):
        held = facts.asked(t.Dated("anniversary", node.value), at)
        if not isinstance(held, int):
            return
        begin = _EPOCH + timedelta(microseconds=held)
        yield from (begin, begin + MICROSECOND, begin + DAY, begin + DAY + MICROSECOND)
        if isinstance(leaf, t.Within):
            yield from value_passes(leaf.window, begin, zone=facts.zone)
        at = max(begin, at) + DAY + MICROSECOND


def _passings(event: t.Event, window: t.Window | None, facts: Facts) -> Iterator[datetime]:
    """When each of the events comes into the window or leaves it."""
    if window is not None and not isinstance(window, t.SinceEvent | t.BeforeEvent):
        for ts in facts.rows[event].times:
            yield from passes(window, ts, zone=facts.zone)


def _value_turns(leaf: t.Expr, facts: Facts, after: datetime) -> Iterator[datetime]:
    aggregates = [node for node in t.walk(leaf) if isinstance(node, t.Aggregate)]
    for node in aggregates:
        yield from _passings(node.event, node.window, facts)
        if node.function == "recency":
            yield from _days(node, leaf, facts, after)
    if isinstance(leaf, t.Within):
        moved: list[int] = []
        if isinstance(leaf.value, t.Aggregate):
            moved = _instants_of(leaf.value, facts)
        elif isinstance(leaf.value, t.Instant):
            moved = [microseconds(instant_of(leaf.value.value, facts.zone))]
        else:
            held = value(leaf.value, facts, after, wanted=ValueType.INSTANT)[0]
            moved = [] if held is None else [held]
        for micros in moved:
            yield from value_passes(leaf.window, _EPOCH + timedelta(microseconds=micros), zone=facts.zone)


def later(at: datetime, by: timedelta) -> datetime:
    """So much later; the end of time when that lies beyond it."""
    try:
        return min(at + by, LATEST)
    except OverflowError:
        return LATEST


def _instants_of(node: t.Aggregate, facts: Facts) -> list[int]:
    """Every instant that the aggregate may ever be, with no new event."""
    found = facts.rows[node.event]
    if node.of is None:
        return [microseconds(ts) for ts in found.times]
    return sorted({held for held in found.values[node.of].values() if isinstance(held, int)})


def _days(node: t.Aggregate, leaf: t.Expr, facts: Facts, after: datetime) -> Iterator[datetime]:
    """When the days since the last event pass a bound that the test names; of a bare value, each next day."""
    found = facts.rows[node.event]
    if isinstance(leaf, Fed):
        for ts in found.times[-1:]:
            first = (after - ts) // DAY + 1
            near = range(first, first + _DAYS)
            far = range(first + _DAYS - 1 + _STRIDE, first + _FAR, _STRIDE)
            yield from (later(ts, DAY * k) for k in (*near, *far))
        return
    if leaf == node:
        for ts in found.times:
            yield ts + DAY * ((after - ts) // DAY + 1)
        return
    named = [inner.value for inner in t.walk(leaf) if isinstance(inner, t.Number)]
    sides = (leaf.left, leaf.right) if isinstance(leaf, t.Compare) else ()
    if sides and not any(isinstance(side, t.Literal) for side in sides):
        raise Unsaid("both_move")
    for ts in found.times:
        for number in named:
            if abs(number) < 1e6:
                yield from (ts + DAY * k for k in range(int(number) - 1, int(number) + 3))
