"""Deciding: events and attributes without which the answer would be another. Each claim is tried before it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from limner.expressions import tree as t
from limner.portraits.because.facts import Facts
from limner.portraits.because.moment import among, answer, span_of, test, whole
from limner.portraits.because.question import (
    All,
    Chance,
    Fixed,
    One,
    Opposite,
    Question,
    Score,
    Some,
    leaves_of,
)
from limner.portraits.because.weighing import engines

EACH_TRIED = 32
"""Up to so many events, every number of them is tried; beyond, each half as many again."""

MOST_CHAINS = 200


@dataclass(frozen=True)
class Removal:
    """What would have to be gone: events by id, attributes by name, the place on lists that are kept by hand."""

    events: frozenset[int] = frozenset()
    attributes: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()

    def __or__(self, other: Removal) -> Removal:
        return Removal(
            self.events | other.events, self.attributes | other.attributes, self.lists | other.lists
        )

    def __bool__(self) -> bool:
        return bool(self.events or self.attributes or self.lists)

    def from_(self, facts: Facts) -> Facts:
        """The facts without it."""
        return facts.without(self.events, self.attributes, self.lists)


def deciding(question: Question, facts: Facts, at: datetime) -> Removal | None:
    """A removal that changes the answer; None when it stays even with nothing that ever happened or was said."""
    now = answer(question, facts, at)
    found = _flip(question, facts, at)
    if found and answer(question, found.from_(facts), at) != now:
        return found
    return everything(leaves_of(question), facts, lambda given: answer(question, given, at))


def everything(leaves: Sequence[t.Expr], facts: Facts, reading: Callable[[Facts], Any]) -> Removal | None:
    """All that the tests look at, if without it the reading is another."""
    names = frozenset(name for leaf in leaves for name in facts.about.get(leaf, ()))
    events = frozenset(
        i
        for leaf in leaves
        for node in t.walk(leaf)
        if isinstance(node, t.Event)
        for i in facts.rows[node].ids
    )
    lists = frozenset(
        leaf.name for leaf in facts.fixed if isinstance(leaf, t.InAudience) and facts.test(leaf)
    )
    now = reading(facts)
    ways = (
        Removal(events),
        Removal(frozenset(), names),
        Removal(events, names),
        Removal(events, names, lists),
    )
    for found in ways:
        if found and reading(found.from_(facts)) != now:
            return found
    return None


def absent(question: Question, facts: Facts, at: datetime, *, wanted: bool = True) -> list[str]:
    """What the answer rests on that did not happen or was not said: the tests, as they were written."""
    match question:
        case All(_, parts) | Some(_, parts):
            counted = [part for part in parts if answer(part, facts, at) == wanted]
            return list(
                dict.fromkeys(text for part in counted for text in absent(part, facts, at, wanted=wanted))
            )
        case Opposite(_, part):
            return absent(part, facts, at, wanted=not wanted)
        case Score(_, _, rows):
            texts = (
                text for _, part in rows for text in absent(part, facts, at, wanted=answer(part, facts, at))
            )
            return [] if _flip(question, facts, at) else list(dict.fromkeys(texts))
        case One() | Fixed() | Chance():
            if answer(question, facts, at) != wanted or _flip(question, facts, at):
                return []
            return [question.text if wanted else f"not ({question.text})"]
    return []


def _flip(question: Question, facts: Facts, at: datetime) -> Removal | None:
    """A removal that turns the question, as far as one is found part by part."""
    match question:
        case All(_, parts) | Some(_, parts):
            now = answer(question, facts, at)
            every = isinstance(question, All) == now  # turning one part is enough
            held = [part for part in parts if every or answer(part, facts, at) == now]
            found = [removal for part in held if (removal := _flip(part, facts, at))]
            ways = [_joined(found)] if len(found) > 1 else []
            ways += sorted(found, key=lambda removal: len(removal.events))
            return next((way for way in ways if way and answer(question, way.from_(facts), at) != now), None)
        case Opposite(_, part):
            return _flip(part, facts, at)
        case Score(_, _, rows):
            now = answer(question, facts, at)
            return flip_points(rows, facts, lambda left: answer(question, left, at) != now, at)
        case Chance():
            return flip_reading(leaves_of(question), facts, lambda left: answer(question, left, at), at)
        case Fixed(_, t.InAudience(name) as leaf):
            return Removal(lists=frozenset((name,))) if facts.test(leaf) else None
        case Fixed(_, leaf):
            names = Removal(frozenset(), frozenset(facts.about.get(leaf, ())))
            return names if names and facts.test(leaf) else None
        case One(_, leaf):
            return flip_test(leaf, facts, at)
    return None


def flip_points(
    rows: Sequence[tuple[int, Question]], facts: Facts, turned: Callable[[Facts], bool], at: datetime
) -> Removal | None:
    """A removal that turns what rests on added points: of one row, else of several, those that are worth most first."""
    held = sorted(((worth, part) for worth, part in rows if worth), key=lambda row: -abs(row[0]))
    ways = [way for _, part in held if (way := _flip(part, facts, at))]
    for way in sorted(ways, key=lambda removal: len(removal.events)):
        if turned(way.from_(facts)):
            return way
    for sign in (1, -1):
        gone = Removal()
        for worth, part in held:
            way = _flip(part, facts, at) if (worth * sign > 0) == answer(part, facts, at) else None
            if way:
                gone |= way
                if turned(gone.from_(facts)):
                    return gone
    return None


def _joined(removals: Sequence[Removal]) -> Removal:
    found = Removal()
    for removal in removals:
        found |= removal
    return found


def flip_test(leaf: t.Expr, facts: Facts, at: datetime) -> Removal | None:
    """The events without which one test has the other answer; else the attributes."""
    return flip_reading([leaf], facts, lambda given: test(leaf, given, at), at)


def flip_reading(
    leaves: Sequence[t.Expr], facts: Facts, reading: Callable[[Facts], Any], at: datetime
) -> Removal | None:
    """The events without which a reading made of these tests or values is another; else the attributes."""
    now = reading(facts)
    seen: set[frozenset[int]] = set()
    for leaf in leaves:
        for ids in _ways(leaf, facts, at):
            if ids and ids not in seen:
                seen.add(ids)
                if reading(facts.without(ids)) != now:
                    return Removal(ids)
    names = frozenset(name for leaf in leaves for name in facts.about.get(leaf, ()))
    if names and reading(facts.without((), names)) != now:
        return Removal(frozenset(), names)
    return None


def _ways(leaf: t.Expr, facts: Facts, at: datetime) -> Iterator[frozenset[int]]:
    """Sets of events worth trying to take away, the most telling first."""
    ordered = _looked_at(leaf, facts, at)
    newest = ordered[::-1]
    if engines(leaf):  # each try asks the engine
        doubled = [2**n for n in range(len(ordered).bit_length())]
        yield from (frozenset(ids[:n]) for n in doubled for ids in (newest, ordered))
        yield frozenset(ordered)
        return
    match leaf:
        case t.Sequence():
            yield from _chained(leaf, facts, at)
        case t.LastHas():
            yield from _heads(newest)
        case t.FirstDid():
            yield from _heads(ordered)
    for node in (node for node in t.walk(leaf) if isinstance(node, t.Aggregate)):
        yield from _of_value(node, facts, at)
    yield frozenset(ordered)
    yield from _heads(newest)
    yield from _heads(ordered)
    for one in newest[:EACH_TRIED]:
        yield frozenset((one,))


def _heads(ids: Sequence[int]) -> Iterator[frozenset[int]]:
    """The first 1, 2, 3 … of the events."""
    n = 1
    while n < len(ids):
        yield frozenset(ids[:n])
        n = n + 1 if n < EACH_TRIED else n + n // 2
    yield frozenset(ids)


def _looked_at(leaf: t.Expr, facts: Facts, at: datetime) -> list[int]:
    """The events in the windows of the test, by time."""
    chosen: dict[int, datetime] = {}

    def take(event: t.Event, window: t.Window | None) -> None:
        found, inside = among(event, window, facts, at)
        chosen.update((found.ids[i], found.times[i]) for i in inside)

    if engines(leaf):
        for node in t.walk(leaf):
            if isinstance(node, t.Event):
                take(node, None)
        return [i for _, i in sorted((ts, i) for i, ts in chosen.items())]
    match leaf:
        case t.Did(event, _, window) | t.LastHas(event, _, window):
            take(event, window)
        case t.FirstDid(event):
            take(event, None)
        case t.Regularly(event):
            take(event, span_of(leaf))
        case t.Sequence(first, steps, _, window):
            take(first, window)
            for step in steps:
                take(step.event, None)
        case _:
            for node in t.walk(leaf):
                if isinstance(node, t.Aggregate):
                    take(node.event, node.window)
    return [i for _, i in sorted((ts, i) for i, ts in chosen.items())]


def _chained(leaf: t.Sequence, facts: Facts, at: datetime) -> Iterator[frozenset[int]]:
    """The events of the latest whole chain, then of that and the latest without them, and so on."""
    gone: frozenset[int] = frozenset()
    for _ in range(MOST_CHAINS):
        held = whole(leaf, facts.without(gone), at)
        if not held:
            return
        gone |= frozenset(held[-1][2])
        yield gone


def _of_value(node: t.Aggregate, facts: Facts, at: datetime) -> Iterator[frozenset[int]]:
    """For an aggregate, the events that make its value what it is."""
    found, inside = among(node.event, node.window, facts, at)
    ids = [found.ids[i] for i in inside]
    if node.of is None:
        if node.function in ("recency", "last_time"):
            yield from _heads(ids[::-1])
        elif node.function == "first_time":
            yield from _heads(ids)
        return
    held = found.values.get(node.of, {})
    valued = [i for i in ids if i in held]
    match node.function:
        case "sum" | "avg":
            scaled = found.scaled[node.of]
            counted = [i for i in ids if i in scaled and (node.function == "avg" or scaled[i] != 0)]
            yield frozenset(counted)
            yield from _heads(sorted(counted, key=lambda i: -scaled[i]))
            yield from _heads(sorted(counted, key=lambda i: scaled[i]))
        case "distinct":
            yield frozenset(valued)
        case "min":
            yield from _heads(sorted(valued, key=lambda i: held[i]))
        case "max":
            yield from _heads(sorted(valued, key=lambda i: held[i], reverse=True))
        case "last":
            yield from _heads(valued[::-1])
        case "first":
            yield from _heads(valued)
        case "most_frequent":
            for wanted in dict.fromkeys(held[i] for i in valued):
                yield from _heads([i for i in valued if held[i] == wanted])
