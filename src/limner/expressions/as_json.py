"""Between a tree and plain JSON. Strings, numbers and flags stand for themselves; else {"is": kind, …}."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from limner.errors import ExpressionError
from limner.expressions import tree as t
from limner.expressions.build import Scope
from limner.expressions.parse import DEEPEST, parse
from limner.expressions.printer import to_text

_KINDS = {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): cls for name, cls in t.NODES.items()}
_NAMES = {cls: name for name, cls in _KINDS.items()}
_PLAIN = (t.Flag, t.Text, t.Number)


def to_json(node: t.Node) -> Any:
    """The tree as JSON values. `from_json(to_json(tree)) == tree`."""
    if isinstance(node, _PLAIN):
        return node.value
    found: dict[str, Any] = {"is": _NAMES[type(node)]}
    for item in fields(node):
        value = getattr(node, item.name)
        if item.name == "position" or value is None:
            continue
        if isinstance(value, t.Node):
            value = to_json(value)
        elif isinstance(value, tuple):
            value = [to_json(part) if isinstance(part, t.Node) else part for part in value]
        found[item.name] = value
    return found


def from_json(value: Any, scope: Scope = "person") -> t.Expr:
    """The tree that the JSON describes, held to the same limits and rules as text.

    Raises ExpressionError; what the JSON says is printed and parsed, so nothing enters but what text can say.
    """
    try:
        return parse(to_text(_node(value, 0)), scope)
    except (AttributeError, TypeError, KeyError, ValueError) as error:
        raise ExpressionError("the JSON is no expression", hint='a node is {"is": kind, …}') from error


def _node(value: Any, depth: int) -> Any:
    if depth > 6 * DEEPEST:
        raise ExpressionError(f"the JSON is too deep: limit {DEEPEST}", code="too_complex")
    if isinstance(value, bool):
        return t.Flag(value)
    if isinstance(value, str):
        return t.Text(value)
    if isinstance(value, (int, float)):
        return t.Number(value)
    if not isinstance(value, dict) or value.get("is") not in _KINDS:
        kind = value.get("is") if isinstance(value, dict) else value
        raise ExpressionError(f"{kind!r} is no kind of node", hint=f"known: {', '.join(sorted(_KINDS))}")
    cls = _KINDS[value["is"]]
    given = {}
    for item in fields(cls):
        if item.name != "position" and item.name in value:
            given[item.name] = _field(cls, item.name, value[item.name], depth)
    unknown = set(value) - set(given) - {"is"}
    if unknown:
        raise ExpressionError(f"{value['is']} has no {sorted(unknown)[0]!r}")
    return cls(**given)


def _field(cls: type, name: str, value: Any, depth: int) -> Any:
    """One field's value; what is no node is held to what the field may hold."""
    allowed = _WORDS.get((cls, name))
    if allowed is not None:
        return _held(value in allowed, value)
    if name in ("n", "least", "periods", "points", "half_at", "most", "nth"):
        return _held(isinstance(value, int) and not isinstance(value, bool), value)
    if name in ("name", "of", "label") or (name, cls) in (("value", t.Text), ("value", t.Instant)):
        return _held(isinstance(value, str), value)
    if name in ("rate", "seed") or (name, cls) == ("value", t.Number):
        return _held(isinstance(value, (int, float)) or (name == "seed" and isinstance(value, str)), value)
    if (name, cls) == ("value", t.Flag):
        return _held(isinstance(value, bool), value)
    if name == "path":
        return tuple(_held(isinstance(step, str), step) for step in _held(isinstance(value, list), value))
    if isinstance(value, list):
        return tuple(_node(part, depth + 1) for part in value)
    return _node(value, depth + 1)


_UNITS = {
    t.Duration: tuple(t.UNIT_SECONDS), t.InLastCalendar: t.CALENDAR_UNITS, t.InThis: t.CALENDAR_UNITS,
}  # fmt: skip
_WORDS: dict[tuple[type, str], tuple[str, ...]] = {
    (t.Compare, "op"): t.COMPARISONS,
    (t.TextTest, "op"): t.TEXT_TESTS,
    (t.Times, "op"): tuple(t.COUNTS),
    (t.HasBeen, "op"): ("at least", "less than"),
    (t.Aggregate, "function"): (*t.EVENT_AGGREGATES, *t.PROPERTY_AGGREGATES, t.TOP),
    (t.Interest, "function"): t.INTERESTS,
    (t.Builtin, "name"): t.BUILTINS,
    (t.Arithmetic, "op"): t.OPERATORS,
    (t.Streak, "function"): t.STREAKS,
    (t.Streak, "by"): t.STREAK_UNITS,
    (t.Habit, "function"): t.HABITS,
    (t.Dated, "function"): t.DATES,
    (t.SinceEvent, "which"): ("first", "last"),
    (t.BeforeEvent, "which"): ("first", "last"),
    **{(cls, "unit"): units for cls, units in _UNITS.items()},
}


def _held(holds: bool, value: Any) -> Any:
    if not holds:
        raise ExpressionError(f"{value!r} cannot stand there")
    return value
