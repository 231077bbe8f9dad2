"""Passing: what time alone changes in tags between two instants, and for whom a step has to look.

A sequence, regular behaviour or the last event of a window changes without an event only for people of whom an event
is passed by an edge: of a window, or of a period. These events stand in short spans of time. So do the words about an
attribute whose test has held "for" so long. Ages and days that come round turn with the workspace's midnight alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import TypeGuard
from zoneinfo import ZoneInfo

from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.compiler import tested_attribute
from limner.expressions.windows import bounds, value_bounds
from limner.tags import model
from limner.tags.graph import Graph
from limner.tags.model import Method
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


def dates(graph: Graph, catalog: Catalog, then: datetime, now: datetime) -> list[t.Value | t.Expr]:
    """The ages, days that come round and windows on them that may be others since a midnight has passed an edge."""
    found: dict[t.Value | t.Expr, None] = {}
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
    for trees in graph.trees.values():
        for tree in trees:
            yield from _with_audiences(tree, catalog)


def spans(graph: Graph, catalog: Catalog, then: datetime, now: datetime) -> list[Span]:
    """Where events stand that an edge has passed since then, of whatever tags ask besides tallies; none twice.

    The edge at now itself is none of them.
    """
    found: dict[tuple[datetime, datetime], frozenset[int] | None] = {}
    for node in _nodes(graph, catalog):
        for event, low, high in _edges(node, catalog.zone, then, now):
            codes = None if event.name == "*" else frozenset(catalog.event_codes(event.name))
            before = found.get((low, high), frozenset())
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


def _edges(
    node: t.Node, zone: str, then: datetime, now: datetime
) -> Iterator[tuple[t.Event, datetime, datetime]]:
    """The spans that the edges of one node have passed, each with the event that it asks for."""
    window = _window(node)
    edges: list[t.Window] = []
    match node:
        case t.Regularly(event):
            edges = [
                t.InLast(t.Duration(node.each.n * k, node.each.unit)) for k in range(1, node.periods + 1)
            ]
        case t.Sequence(event) | t.LastHas(event) | t.FirstDid(event) if _by_clock(window):
            edges = [window]
        case t.Within(t.Aggregate(event=event)) if _by_clock(window):
            edges = [window]
        case _:
            return
    for edge in edges:
        was, is_now = bounds(edge, as_of=then, zone=zone), bounds(edge, as_of=now, zone=zone)
        if was[0] is not None and is_now[0] is not None and was[0] < is_now[0]:
            yield event, was[0], is_now[0]
        if was[1] < is_now[1] and not _ends_now(edge):
            yield event, was[1], is_now[1]


def _ends_now(window: t.Window) -> bool:
    """Whether the window always ends at the instant itself."""
    return isinstance(window, t.InLast | t.InLastCalendar | t.InThis | t.Since)


def _window(node: t.Node) -> t.Window | None:
    """The window in which the node looks for events, or for the instant of one."""
    if isinstance(node, t.Within):
        return node.window if isinstance(node.value, t.Aggregate) else None
    return node.window if isinstance(node, t.Sequence | t.LastHas | t.FirstDid) else None


def _by_clock(window: t.Window | None) -> TypeGuard[t.Window]:
    """Whether the window has edges, and none of them is a person's own event."""
    return window is not None and not isinstance(window, t.SinceEvent | t.BeforeEvent)


def lively(graph: Graph, catalog: Catalog, *, among: Collection[str]) -> frozenset[str]:
    """The tags whose values a step finds for everybody: nothing in them waits for time to pass unseen.

    `among`: the tags that were found for everybody up to where the home counts.
    """
    found: set[str] = set()

    def known(node: t.Node) -> bool:
        match node:
            case t.And(args) | t.Or(args):
                return all(known(arg) for arg in args)
            case t.Not(arg):
                return known(arg)
            case t.Did() | t.Aggregate() | t.Streak() | t.Habit() | t.Delay():
                return _timeless(node)
            case t.Arithmetic(left, _, right):
                return known(left) and known(right)
            case t.Logistic(_, factors):
                return all(known(factor.tag) for factor in factors)
            case t.Sequence() | t.Regularly() | t.LastHas() | t.FirstDid():
                return _timeless(node) and (_window(node) is None or _by_clock(_window(node)))
            case t.Within(t.Aggregate("first_time" | "last_time") as value):
                return _timeless(value) and _by_clock(_window(node))
            case t.HasBeen(test):
                return isinstance(tested_attribute(test), t.Attribute | t.Name)
            case t.Dated(_, value):
                return isinstance(value, t.Attribute | t.Name) and known(value)
            case t.Within(t.Dated() | t.Attribute() | t.Name() as value):
                return known(value) and _by_clock(node.window)
            case t.Compare(left, _, right):
                return known(left) and known(right)
            case t.Among(value) | t.Between(value) | t.TextTest(value) | t.Known(value):
                return known(value)
            case t.Name(name):
                return name in found or name not in graph.tags
            case t.InAudience(name):
                audience = catalog.audience(name)
                return isinstance(audience, frozenset) or (audience is not None and known(audience))
            case t.Attribute() | t.Sample() | t.Flag() | t.Text() | t.Number() | t.Instant():
                return True
            case _:
                return False

    for key in graph.order:
        tag = graph.tags.get(key)
        if tag is None or key not in among:
            continue
        if (
            tag.method is Method.OBSERVED
            or isinstance(tag.definition, model.Given)
            or all(known(tree) for tree in graph.trees[key])
        ):
            found.add(key)
    return frozenset(found)


def _timeless(node: t.Node) -> bool:
    """Whether nothing in it looks at the time from now."""
    return not any(isinstance(inner, t.Within) for inner in t.walk(node))
