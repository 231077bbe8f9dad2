"""Weighing: values of one person that only the engine says: habits, streaks, ranks, sums of values, weights of labels.

The engine answers them as it computes tags, over the person's few events with some taken away or added.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from limner.expressions import tree as t


@dataclass(frozen=True, slots=True)
class Weighed(t.Node):
    """The weight of a label, with what it is computed from in the place of the tag's name."""

    interest: t.Interest
    label: str


@dataclass(frozen=True, slots=True)
class Fed(t.Node):
    """That a value is known which feeds a chance: whatever changes the value may change the chance."""

    value: t.Value


_ASKED = (
    t.Streak
    | t.Habit
    | t.Delay
    | t.Dated
    | t.Arithmetic
    | t.SinceEvent
    | t.BeforeEvent
    | t.Interest
    | Weighed
)


@lru_cache(maxsize=4096)
def engines(node: t.Node) -> bool:
    """Whether only the engine says it."""
    return any(
        isinstance(inner, _ASKED) or (isinstance(inner, t.Aggregate) and inner.nth is not None)
        for inner in t.walk(node)
    )


def interests(node: t.Node) -> list[t.Interest]:
    """What in it falls at every moment."""
    return [inner for inner in t.walk(node) if isinstance(inner, t.Interest)]


def put_in(node: t.Node, name: t.Node, value: t.Node) -> Any:
    """The node with the value in the place of the name, wherever it stands outside events."""
    if node == name:
        return value
    if isinstance(node, t.Event):
        return node
    changed: dict[str, Any] = {}
    for item in fields(node):
        held = getattr(node, item.name)
        if isinstance(held, t.Node):
            made: Any = put_in(held, name, value)
        elif isinstance(held, tuple) and any(isinstance(part, t.Node) for part in held):
            made = tuple(put_in(part, name, value) if isinstance(part, t.Node) else part for part in held)
        else:
            continue
        if made != held:
            changed[item.name] = made
    return replace(node, **changed) if changed else node
