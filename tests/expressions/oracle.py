"""What an expression means, spelled out naively over lists of Python objects: the judge of the compiled SQL.

It shares nothing with the compiler but the tree: every window, count and sequence is worked out by looking at
all of a person's events.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from limner.expressions import tree as t

OPS = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip
COUNTS = {
    "exactly": lambda n, k: n == k, "at least": lambda n, k: n >= k, "at most": lambda n, k: n <= k,
    "fewer than": lambda n, k: n < k, "more than": lambda n, k: n > k,
}  # fmt: skip


@dataclass
class Happened:
    """An event; money in units."""

    name: str
    ts: datetime
    properties: dict[str, Any]


@dataclass
class Somebody:
    """A person: events, attribute rows (name, ts, mode, value) in order of id, tags."""

    events: list[Happened] = field(default_factory=list)
    attributes: list[tuple[str, datetime, str, Any]] = field(default_factory=list)
    tags: dict[str, Any] = field(default_factory=dict)


@dataclass
class Oracle:
    """Answers for one instant, UTC."""

    as_of: datetime

    def window(self, window: Any, ts: datetime) -> bool:
        """Whether the instant lies in the window of events."""
        if ts >= self.as_of:
            return False

        def back(duration: t.Duration) -> datetime:
            return self.as_of - timedelta(seconds=duration.seconds)

        match window:
            case None:
                return True
            case t.InLast(duration):
                return ts >= back(duration)
            case t.BetweenAgo(far, near):
                return back(far) <= ts < back(near)
            case t.MoreThanAgo(duration):
                return ts < back(duration)
            case t.InThis("day") | t.InLastCalendar(1, "day"):
                return ts.date() == (self.as_of - timedelta(microseconds=1)).date()
            case t.Since(instant):
                return ts >= datetime.fromisoformat(instant.value)
            case t.Before(instant):
                return ts < datetime.fromisoformat(instant.value)
        raise AssertionError(window)

    def of(self, person: Somebody, event: t.Event, window: Any = None) -> list[Happened]:
        """The person's matching events, by time."""

        if isinstance(window, t.SinceEvent | t.BeforeEvent):
            bounds = self.of(person, window.event)
            at = (bounds[0] if window.which == "first" else bounds[-1]).ts if bounds else None
            after = isinstance(window, t.SinceEvent)
            return [e for e in self.of(person, event) if at and (e.ts > at if after else e.ts < at)]

        def named(name: str) -> bool:
            return name.startswith(event.name[:-1]) if event.name.endswith("*") else name == event.name

        found = [
            e
            for e in person.events
            if named(e.name)
            and self.window(window, e.ts)
            and (not event.where or self.inside(event.where, e))
        ]
        return sorted(found, key=lambda e: e.ts)

    def inside(self, node: Any, event: Happened) -> bool:
        """A condition about one event."""
        match node:
            case t.And(args):
                return all(self.inside(arg, event) for arg in args)
            case t.Or(args):
                return any(self.inside(arg, event) for arg in args)
            case t.Not(arg):
                return not self.inside(arg, event)
        return self.test(node, lambda name: event.properties.get(name))

    def test(self, node: Any, value_of: Any) -> bool:
        """One comparison; a missing value satisfies none."""

        def value(part: Any) -> Any:
            if isinstance(part, (t.Number, t.Text, t.Flag)):
                return part.value
            return value_of(part.name if isinstance(part, t.Name) else part)

        match node:
            case t.Compare(left, op, right):
                a, b = value(left), value(right)
                return a is not None and b is not None and OPS[op](a, b)
            case t.Among(tested, options):
                return value(tested) is not None and value(tested) in [o.value for o in options]
            case t.Between(tested, low, high):
                return value(tested) is not None and low.value <= value(tested) <= high.value
            case t.Known(tested):
                return value(tested) is not None
        raise AssertionError(node)

    def holds(self, node: Any, person: Somebody) -> bool:
        """A condition about a person."""
        match node:
            case t.And(args):
                return all(self.holds(arg, person) for arg in args)
            case t.Or(args):
                return any(self.holds(arg, person) for arg in args)
            case t.Not(arg):
                return not self.holds(arg, person)
            case t.Did(event, times, window):
                n = len(self.of(person, event, window))
                return n >= 1 if times is None else COUNTS[times.op](n, times.n)
            case t.FirstDid(event, window):
                found = self.of(person, event)
                return bool(found) and self.window(window, found[0].ts)
            case t.Regularly():
                return self.regularly(node, person)
            case t.Sequence():
                return self.sequence(node, person)
            case t.LastHas(event, has, window):
                found = self.of(person, event, window)
                return any(self.inside(has, e) for e in found if e.ts == found[-1].ts)
            case t.HasBeen():
                return self.has_been(node, person)
        return self.test(node, lambda part: self.value(part, person))

    def regularly(self, node: t.Regularly, person: Somebody) -> bool:
        """Counts the periods one by one."""
        least = 1 if node.times is None else node.times.n + (node.times.op == "more than")
        each, good = timedelta(seconds=node.each.seconds), 0
        for k in range(node.periods):
            start, end = self.as_of - (k + 1) * each, self.as_of - k * each
            good += sum(start <= e.ts < end for e in self.of(person, node.event)) >= least
        return good >= node.least

    def sequence(self, node: t.Sequence, person: Somebody) -> bool:
        """Tries every chain."""

        def follow(i: int, began: datetime, last: datetime) -> bool:
            if i == len(node.steps):
                blocked = node.without is not None and any(
                    began < e.ts < last for e in self.of(person, node.without)
                )
                return not blocked
            step = node.steps[i]
            for e in self.of(person, step.event):
                near = step.within is None or e.ts - began <= timedelta(seconds=step.within.seconds)
                if e.ts > last and near and follow(i + 1, began, e.ts):
                    return True
            return False

        return any(follow(0, e.ts, e.ts) for e in self.of(person, node.first, node.window))

    def history(self, person: Somebody, name: str) -> list[tuple[datetime, Any]]:
        """The attribute's value after each row, up to as_of."""
        states: list[tuple[datetime, Any]] = []
        held: Any = None
        rows = sorted(
            ((ts, i, mode, value) for i, (n, ts, mode, value) in enumerate(person.attributes) if n == name),
            key=lambda row: row[:2],
        )
        for ts, _, mode, value in rows:
            if ts >= self.as_of:
                break
            if mode == "set" or (mode == "once" and held is None):
                held = value
            elif mode == "unset":
                held = None
            states.append((ts, held))
        return states

    def has_been(self, node: t.HasBeen, person: Somebody) -> bool:
        """Walks back through the history while the test holds."""
        (name,) = {inner.path[0] for inner in t.walk(node.test) if isinstance(inner, t.Attribute)}
        since = None
        for ts, value in reversed(self.history(person, name)):
            if not self.test(node.test, lambda _part, value=value: value):
                break
            since = ts
        if since is None:
            return False
        start = self.as_of - timedelta(seconds=node.duration.seconds)
        return since <= start if node.op == "at least" else since > start

    def value(self, node: Any, person: Somebody) -> Any:
        """A tag, attribute or aggregate; None when missing."""
        match node:
            case str():
                return person.tags.get(node)
            case t.Name(name):
                return person.tags.get(name)
            case t.Attribute(path):
                states = self.history(person, path[0])
                return states[-1][1] if states else None
            case t.Arithmetic(left, op, right):
                a, b = (x.value if isinstance(x, t.Number) else self.value(x, person) for x in (left, right))
                if a is None or b is None or (op == "/" and b == 0):
                    return None
                return {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else None}[op]
            case t.Delay(first, then, window):
                begun = self.of(person, first, window)
                later = [e.ts for e in self.of(person, then) if begun and e.ts > begun[0].ts]
                return (later[0] - begun[0].ts) // timedelta(days=1) if later else None
        found = self.of(person, node.event, node.window)
        if isinstance(node, t.Streak):
            return self.streak(node, {self.unit(node.by, e.ts) for e in found})
        if isinstance(node, t.Habit):
            return self.habit(node, found, self.of(person, t.Event(node.event.name), node.window))
        match node.function:
            case "count":
                return len(found)
            case "first_time":
                return found[0].ts if found else None
            case "last_time":
                return found[-1].ts if found else None
            case "recency":
                return (self.as_of - found[-1].ts) // timedelta(days=1) if found else None
        given = [(e.ts, e.properties[node.of]) for e in found if e.properties.get(node.of) is not None]
        values = [value for _, value in given]
        match node.function:
            case "distinct":
                return len(set(values))
            case "sum":
                return sum(values)
            case _ if not values:
                return None
            case "avg":
                return sum(values) / len(values)
            case "min":
                return min(values)
            case "max":
                return max(values)
            case "first":
                return min(given)[1]
            case "last":
                return max(given)[1]
        counted = Counter(values)
        ranked = sorted(counted, key=lambda value: (-counted[value], value))
        return next(iter(ranked[(node.nth or 1) - 1 :]), None)

    def unit(self, by: str, ts: datetime) -> int:
        """The number of the calendar unit, in UTC."""
        match by:
            case "day":
                return ts.toordinal()
            case "week":
                return (ts.toordinal() - 1) // 7
            case "month":
                return ts.year * 12 + ts.month
        return ts.year

    def streak(self, node: t.Streak, units: set[int]) -> int:
        """Walks back from each unit."""

        def run(last: int) -> int:
            return 1 + run(last - 1) if last - 1 in units else 1

        if node.function == "streak":
            return max((run(unit) for unit in units), default=0)
        now = self.unit(node.by, self.as_of - timedelta(microseconds=1))
        return next((run(last) for last in (now, now - 1) if last in units), 0)

    def habit(self, node: t.Habit, found: list[Happened], every: list[Happened]) -> Any:
        """gap, share, usual hour and weekday."""
        if node.function == "share":
            return len(found) / len(every) if every else None
        if node.function == "gap":
            gaps = [(b.ts - a.ts).total_seconds() for a, b in pairwise(found)]
            return sum(gaps) / len(gaps) / 86_400 if gaps else None
        if len(found) < (node.least or 1):
            return None
        counted = Counter(e.ts.hour if node.function == "usual_hour" else e.ts.isoweekday() for e in found)
        return min(counted, key=lambda value: (-counted[value], value))
