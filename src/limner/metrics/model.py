"""Metric: what its file says, and its measure in the place of `metric(KEY …)`. Knows no file, tag or engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from limner.errors import ExpressionError, did_you_mean
from limner.expressions import tree as t
from limner.expressions.parse import parse_value

MEASURES = ("count", "sum")
"""What a metric can measure of events: their number, or the sum of a property. What one adds up for each person adds
up to the same for all."""


@dataclass(frozen=True)
class Metric:
    """One indicator. `measure`: a count or sum of events without a window, or one of these divided by another.

    `unit`: in what its number is told, such as CNY or orders. `zone`: whose hours and weekdays it means; '' = the
    workspace's.
    """

    key: str
    title: Mapping[str, str] = field(hash=False)
    measure: str
    unit: str = ""
    zone: str = ""
    owner: str = ""
    why: str = ""
    text: str = field(default="", compare=False)

    def name(self, language: str = "en") -> str:
        """Its title in the language, else in English, else any, else the key."""
        for wanted in (language, "", "en"):
            if wanted in self.title:
                return self.title[wanted]
        return next(iter(self.title.values()), self.key)


def measure_of(text: str) -> t.Aggregate | t.Arithmetic:
    """The tree of a metric's measure. Raises ExpressionError for what is none."""
    tree = parse_value(text)
    divided = isinstance(tree, t.Arithmetic) and tree.op == "/"
    for part in (tree.left, tree.right) if isinstance(tree, t.Arithmetic) and divided else (tree,):
        if not isinstance(part, t.Aggregate) or part.function not in MEASURES:
            raise _wrong(
                part,
                "a metric is a count or a sum of events, or one of these divided by another",
                'for example sum(amount of "Order Paid") / count("Order Paid")',
                code="type",
            )
        if part.window is not None:
            message = "a metric has no window: who uses it says when"
            raise _wrong(part, message, "metric(KEY in last 90 days)", code="syntax")
    return tree  # type: ignore[return-value]


def _wrong(node: t.Node, message: str, hint: str | None, *, code: str) -> ExpressionError:
    line, column = node.position or (1, 1)
    return ExpressionError(message, line=line, column=column, code=code, hint=hint)


def parts_of(tree: t.Aggregate | t.Arithmetic) -> tuple[t.Aggregate, ...]:
    """What adds up: the measure itself, or what is divided and what it is divided by."""
    return (tree.left, tree.right) if isinstance(tree, t.Arithmetic) else (tree,)  # type: ignore[return-value]


def put_in(tree: t.Expr, measures: Mapping[str, str]) -> t.Expr:
    """The expression with the measure of each metric, in its window, in the place of `metric(…)`.

    `measures`: the measure of each metric that there is. Raises ExpressionError (unknown_name).
    """
    return _with(tree, measures) if t.metrics_of(tree) else tree  # type: ignore[return-value]


def _with(node: t.Node, measures: Mapping[str, str]) -> t.Node:
    if isinstance(node, t.Metric):
        if node.name not in measures:
            hint = did_you_mean(node.name, measures)
            raise _wrong(node, f"unknown metric '{node.name}'", hint, code="unknown_name")
        return _in_window(measure_of(measures[node.name]), node)
    changed: dict[str, Any] = {}
    for item in fields(node):
        value = getattr(node, item.name)
        if isinstance(value, t.Node):
            changed[item.name] = _with(value, measures)
        elif isinstance(value, tuple) and any(isinstance(part, t.Node) for part in value):
            changed[item.name] = tuple(_with(part, measures) for part in value)
    return replace(node, **changed) if changed else node


def _in_window(measure: t.Value, asked: t.Metric) -> t.Value:
    """The measure, each part of it in the window that is asked for."""
    if isinstance(measure, t.Arithmetic):
        left, right = _in_window(measure.left, asked), _in_window(measure.right, asked)
        return replace(measure, left=left, right=right, position=asked.position)
    if not isinstance(measure, t.Aggregate):
        raise TypeError(f"a {type(measure).__name__} in a measure")
    return replace(measure, window=asked.window, position=asked.position)
