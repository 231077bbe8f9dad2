"""Passing: what time alone changes in tags between two instants, and for whom a step has to look.

A sequence, regular behaviour or the last event of a window changes without an event only for people of whom an event
is passed by an edge: of a window, or of a period. These events stand in short spans of time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeGuard

from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.windows import bounds
from limner.tags import model
from limner.tags.graph import Graph
from limner.tags.model import Method, Tiers


@dataclass(frozen=True)
class Span:
    """Events of these names (None: any) from `low` until before `high`, naive UTC."""

    low: datetime
    high: datetime
    codes: frozenset[int] | None


def spans(graph: Graph, catalog: Catalog, then: datetime, now: datetime) -> list[Span]:
    """Where events stand that an edge has passed since then, of whatever tags ask besides tallies; none twice.

    The edge at now itself is none of them.
    """
    found: dict[tuple[datetime, datetime], frozenset[int] | None] = {}
    for trees in graph.trees.values():
        for tree in trees:
            for node in _with_audiences(tree, catalog):
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
            case t.Sequence() | t.Regularly() | t.LastHas() | t.FirstDid():
                return _timeless(node) and (_window(node) is None or _by_clock(_window(node)))
            case t.Within(t.Aggregate("first_time" | "last_time") as value):
                return _timeless(value) and _by_clock(_window(node))
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
        if tag is None or key not in among or isinstance(tag.definition, Tiers):
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
