"""Leaves: what a condition asks of a person's events, taken out of it as values with a name of their own.

`did "Order Paid" at least 2 times in last 30 days` compares `count("Order Paid" in last 30 days)`, which is a leaf,
with 2. A leaf can be computed together with statistics and carried on from one instant to the next; what is left of the
condition compares values. Sequences, regular behaviour, the last event's properties and histories of attributes stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

from limner.expressions import tree as t
from limner.expressions.together import steady


def leaf_key(value: t.OfEvents) -> str:
    """The leaf's name: the same for the same question. No tag is called so."""
    return "_l" + blake2b(repr(value).encode(), digest_size=8).hexdigest()


def taken_out(conditions: Sequence[t.Expr]) -> tuple[tuple[t.Expr, ...], dict[str, t.OfEvents]]:
    """The conditions with names in the place of leaves, and the leaves by name."""
    found: dict[str, t.OfEvents] = {}
    return tuple(_without(condition, found) for condition in conditions), found


def _without(node: t.Expr, found: dict[str, t.OfEvents]) -> t.Expr:
    match node:
        case t.And(args) | t.Or(args):
            return replace(node, args=tuple(_without(arg, found) for arg in args))
        case t.Not(arg):
            return replace(node, arg=_without(arg, found))
        case t.Did(event, times, window):
            counted = _leaf(t.Aggregate("count", event, window=window), found)
            if counted is None:
                return node
            often = times or t.ONCE
            return t.Compare(counted, often.sign, t.Number(often.n), position=node.position)
        case t.FirstDid(event, window):
            first = _leaf(t.Aggregate("first_time", event), found)
            return node if first is None else t.Within(first, window, position=node.position)
        case t.Compare(left, op, right):
            return t.Compare(_value(left, found), op, _value(right, found), position=node.position)
        case t.Among(value) | t.Between(value) | t.TextTest(value) | t.Within(value) | t.Known(value):
            return replace(node, value=_value(value, found))
        case _:
            return node


def _value(node: t.Value, found: dict[str, t.OfEvents]) -> t.Value:
    if isinstance(node, t.Arithmetic):
        return replace(node, left=_value(node.left, found), right=_value(node.right, found))
    return (_leaf(node, found) or node) if isinstance(node, t.OfEvents) else node


def _leaf(value: t.OfEvents, found: dict[str, t.OfEvents]) -> t.Name | None:
    if not steady(value):
        return None
    key = leaf_key(value)
    found[key] = value
    return t.Name(key, position=value.position)
