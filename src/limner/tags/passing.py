"""Passing: what time alone changes in tags between two instants, and for whom a step has to look.

What is not counted in a home changes without an event only for people of whom an event is passed by an edge: of a
window, of a period, or of a test of the time in `where`. These events stand in short spans of time. So do the words
about an attribute whose test has held "for" so long. A recency turns with each day that is full, ages, days that come
round and streaks that go on with the workspace's midnight alone. For weights see `weights.step`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import TypeGuard
from zoneinfo import ZoneInfo

from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.compiler import tested_attribute
from limner.expressions.windows import bounds, value_bounds
from limner.tags.graph import Graph
from limner.types import utc


@dataclass(frozen=True)
class Span:
    """Events of these names (None: any) from `low` until before `high`, naive UTC."""

    low: datetime
    high: datetime
    codes: frozenset[int] | None


@dataclass(frozen=True)
class Words:
    """Words about an attribute from `low` until `high`, naive UTC, both included."""

    attribute: str
    low: datetime
    high: datetime


def words(graph: Graph, catalog: Catalog, then: datetime, now: datetime) -> list[Words]:
    """What was said so long ago that since then a test has held, or not yet held, for the time that is asked for."""
    found: dict[Words, None] = {}
    for node in _nodes(graph, catalog):
        attribute = tested_attribute(node.test) if isinstance(node, t.HasBeen) else None
        if isinstance(node, t.HasBeen) and isinstance(attribute, t.Attribute | t.Name):
            window = t.InLast(node.duration)
            low, high = (bounds(window, as_of=at, zone=catalog.zone)[0] for at in (then, now))
            name = attribute.path[0] if isinstance(attribute, t.Attribute) else attribute.name
            if low is not None and high is not None:
                found[Words(name, low, high)] = None
    return list(found)


Trees = Mapping[str, tuple[t.Expr, ...]]
"""Of each tag what is computed for it alone: nothing of it is counted in a home."""


def dates(
    graph: Graph, alone: Trees, catalog: Catalog, then: datetime, now: datetime
) -> list[t.Value | t.Expr]:
    """The ages, days that come round, windows on them and streaks that may be others since a midnight has passed."""
    found: dict[t.Value | t.Expr, None] = {}
    for node in _each(alone.values(), catalog):
        match node:
            case t.Streak("current_streak") if _midnight(then, now, catalog.zone):
                found[node] = None
    for node in _nodes(graph, catalog):
        if isinstance(node, t.Within) and isinstance(node.value, t.Dated):
            edges = [(then, now), *_moved(node.window, catalog.zone, then, now)]
            if any(_midnight(low, high, catalog.zone) for low, high in edges):
                found[node] = None
        elif isinstance(node, t.Dated) and _midnight(then, now, catalog.zone):
            found[node] = None
    return list(found)


@dataclass(frozen=True)
class Instants:
    """Values (of an attribute or a tag) from `low` until `high`, naive UTC, both included."""

    value: t.Attribute | t.Name
    low: datetime
    high: datetime


def instants(graph: Graph, catalog: Catalog, then: datetime, now: datetime) -> list[Instants]:
    """Which instants, told of a person or held by a tag, an edge of a window on them has passed since then."""
    found: dict[Instants, None] = {}
    for node in _nodes(graph, catalog):
        if isinstance(node, t.Within) and isinstance(node.value, t.Attribute | t.Name):
            for low, high in _moved(node.window, catalog.zone, then, now):
                found[Instants(node.value, low, high)] = None
    return list(found)


def _moved(window: t.Window, zone: str, then: datetime, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """From where to where each edge of a window on a value has moved; edges that stand still are left out."""
    if not _by_clock(window):
        return
    was, is_now = (value_bounds(window, as_of=at, zone=zone) for at in (then, now))
    for low, high in zip(was, is_now, strict=True):
        if low is not None and high is not None and low != high:
            yield low, high


def _midnight(low: datetime, high: datetime, zone: str) -> bool:
    """Whether a day of the zone begins from `low` until `high`, both included."""
    first, last = (utc(at).astimezone(ZoneInfo(zone)) for at in (low, high))
    return first.date() != last.date() or first.time() == time()


def _nodes(graph: Graph, catalog: Catalog) -> Iterator[t.Node]:
    """Every node of all tags and of the audiences that they name, parents first."""
    return _each(graph.trees.values(), catalog)


def _each(several: Iterable[tuple[t.Expr, ...]], catalog: Catalog) -> Iterator[t.Node]:
    for trees in several:
        for tree in trees:
            yield from _with_audiences(tree, catalog)


@dataclass(frozen=True)
class Stamps:
    """Events of these names (None: any) of which a property is an instant from `low` until before `high`, naive UTC."""

    property: str
    low: datetime
    high: datetime
    codes: frozenset[int] | None


def stamps(graph: Graph, catalog: Catalog, then: datetime, now: datetime) -> list[Stamps]:
    """Which events say an instant that an edge of a window on it has passed since then."""
    found: dict[Stamps, None] = {}
    for node in _nodes(graph, catalog):
        if isinstance(node, t.Within) and isinstance(node.value, t.Aggregate) and node.value.of is not None:
            asked = [(node.value.event, node.value.of, node.window)]
        else:
            asked = [
                (event, test.value.name, test.window)
                for event, test in _tests(node)
                if isinstance(test.value, t.Name)
            ]
        for event, name, window in asked:
            for low, high in _moved(window, catalog.zone, then, now):
                found[Stamps(name, low, high, _codes(event, catalog))] = None
    return list(found)


@dataclass(frozen=True)
class Turns:
    """Events of these names (None: any) since `low` (None: ever), naive UTC, that are so many whole days ago."""

    low: datetime | None
    codes: frozenset[int] | None


def turns(alone: Trees, catalog: Catalog, then: datetime) -> list[Turns]:
    """Of which events it is asked, and not counted in a home, how many days ago they were."""
    found: dict[Turns, None] = {}
    for node in _each(alone.values(), catalog):
        if isinstance(node, t.Aggregate) and node.function == "recency":
            low = None
            if _by_clock(node.window):
                low = bounds(node.window, as_of=then, zone=catalog.zone)[0]
            found[Turns(low, _codes(node.event, catalog))] = None
    return list(found)


def _codes(event: t.Event, catalog: Catalog) -> frozenset[int] | None:
    return None if event.name == "*" else frozenset(catalog.event_codes(event.name))


@dataclass(frozen=True)
class Asked:
    """What is asked of a weight: a test of it and of literals, or more than that (None), so that any change counts."""

    weight: t.Weight
    test: t.Expr | None


def asked(graph: Graph, catalog: Catalog) -> dict[str, list[Asked]]:
    """What all tags, and the audiences that they name, ask of the weights of each tag."""
    found: dict[Asked, None] = {}
    waiting: list[t.Node] = [tree for trees in graph.trees.values() for tree in trees]
    while waiting:
        node = waiting.pop()
        weight = _one_weight(node)
        if weight is not None:
            found[Asked(weight, node)] = None  # type: ignore[arg-type]
        elif isinstance(node, t.Weight):
            found[Asked(node, None)] = None
        elif isinstance(node, t.InAudience):
            audience = catalog.audience(node.name)
            if audience is not None and not isinstance(audience, frozenset):
                waiting.append(audience)
        else:
            waiting.extend(t.children(node))
    by_tag: dict[str, list[Asked]] = {}
    for one in found:
        by_tag.setdefault(one.weight.tag.name, []).append(one)
    return by_tag


def _one_weight(node: t.Node) -> t.Weight | None:
    """The weight that a test is about, when it compares it with nothing but literals."""
    if isinstance(node, t.Compare | t.Among | t.Between):
        weights = [child for child in t.children(node) if isinstance(child, t.Weight)]
        others = [child for child in t.children(node) if not isinstance(child, t.Weight | t.Literal)]
        return weights[0] if len(weights) == 1 and not others else None
    return None


def spans(graph: Graph, alone: Trees, catalog: Catalog, then: datetime, now: datetime) -> list[Span]:
    """Where events stand that an edge has passed since then, of whatever is not counted in a home; none twice.

    The edge at now itself is none of them.
    """
    found: dict[tuple[datetime, datetime], frozenset[int] | None] = {}
    edges = [edge for node in _nodes(graph, catalog) for edge in _edges(node, catalog.zone, then, now)]
    edges += [
        edge
        for node in _each(alone.values(), catalog)
        if isinstance(node, t.Did | t.OfEvents)
        for edge in _of_window(node.event, node.window, catalog.zone, then, now)
    ]
    for event, low, high in edges:
        codes, before = _codes(event, catalog), found.get((low, high), frozenset())
        found[low, high] = None if codes is None or before is None else before | codes
    return [Span(low, high, codes) for (low, high), codes in found.items() if codes is None or codes]


def _with_audiences(tree: t.Node, catalog: Catalog) -> Iterator[t.Node]:
    """Every node of a tree, and of the audiences that it names."""
    for node in t.walk(tree):
        yield node
        if isinstance(node, t.InAudience):
            audience = catalog.audience(node.name)
            if audience is not None and not isinstance(audience, frozenset):
                yield from _with_audiences(audience, catalog)


Edge = tuple[t.Event, datetime, datetime]
"""Of which events, from where to where an edge has moved."""


def _edges(node: t.Node, zone: str, then: datetime, now: datetime) -> Iterator[Edge]:
    """The spans that the edges of one node have passed, each with the event that it asks for."""
    match node:
        case t.Regularly(event):
            for k in range(1, node.periods + 1):
                period = t.InLast(t.Duration(node.each.n * k, node.each.unit))
                yield from _of_window(event, period, zone, then, now)
        case t.Sequence(event) | t.LastHas(event) | t.FirstDid(event):
            yield from _of_window(event, node.window, zone, then, now)
        case t.Within(t.Aggregate("first_time" | "last_time", event)):
            yield from _of_window(event, node.window, zone, then, now)
        case t.Interest():
            for term in node.terms:
                yield from _of_window(term.event, node.window, zone, then, now)
    for event, test in _tests(node):
        if test.value == t.Builtin("time"):
            for low, high in _moved(test.window, zone, then, now):
                yield event, low, high


def _tests(node: t.Node) -> Iterator[tuple[t.Event, t.Within]]:
    """The windows on instants of an event that its `where`, or `has`, asks for."""
    match node:
        case t.Event(_, where) if where is not None:
            event, tree = node, where
        case t.LastHas(event, has):
            tree = has
        case _:
            return
    for inner in t.walk(tree):
        if isinstance(inner, t.Within):
            yield event, inner


def _of_window(
    event: t.Event, window: t.Window | None, zone: str, then: datetime, now: datetime
) -> Iterator[Edge]:
    """The spans that the edges of a window have passed."""
    if not _by_clock(window):
        return
    was, is_now = bounds(window, as_of=then, zone=zone), bounds(window, as_of=now, zone=zone)
    if was[0] is not None and is_now[0] is not None and was[0] < is_now[0]:
        yield event, was[0], is_now[0]
    if was[1] < is_now[1] and not _ends_now(window):
        yield event, was[1], is_now[1]


def _ends_now(window: t.Window) -> bool:
    """Whether the window always ends at the instant itself."""
    return isinstance(window, t.InLast | t.InLastCalendar | t.InThis | t.Since)


def _by_clock(window: t.Window | None) -> TypeGuard[t.Window]:
    """Whether the window has edges, and none of them is a person's own event."""
    return window is not None and not isinstance(window, t.SinceEvent | t.BeforeEvent)


def lively(graph: Graph, *, among: Collection[str]) -> frozenset[str]:
    """The tags whose values a step finds for everybody: nothing that they are made of was left behind.

    `among`: the tags that were found for everybody up to where the home counts.
    """
    return frozenset(graph.tags) - graph.dependents(graph.tags.keys() - set(among))
