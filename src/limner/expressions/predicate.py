"""One test of one value, in Python: over the labels of a column and the names of events and sources.

The same answers as the SQL of `sql.py`; the tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from limner.expressions import tree as t
from limner.expressions.patterns import matching
from limner.expressions.windows import instant_of, value_bounds
from limner.types import MONEY_SCALE, ValueType

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - instants are naive UTC inside

NEVER = object()
"""What a literal becomes that no value of the type can equal or be compared with."""


def microseconds(value: datetime) -> int:
    """A naive UTC instant as microseconds since 1970."""
    return (value - _EPOCH) // timedelta(microseconds=1)


def scaled(number: float) -> int | float:
    """A number in 1/10,000 of the unit, as money is kept: exact; an int when it is whole."""
    exact = Decimal(repr(number)) * MONEY_SCALE
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def fitting(literal: t.Literal, kind: ValueType, zone: str) -> Any:
    """The literal as a value of the type (money scaled, instants as naive datetimes), or NEVER."""
    match kind, literal:
        case (
            (ValueType.FLAG, t.Flag(value))
            | (ValueType.TEXT, t.Text(value))
            | (ValueType.NUMBER, t.Number(value))
        ):
            return value
        case ValueType.FLAG, t.Text("true" | "false" as word):
            return word == "true"
        case ValueType.NUMBER, t.Text(text):
            return _number(text)
        case ValueType.MONEY, t.Number(number):
            return scaled(number)
        case ValueType.MONEY, t.Text(text):
            number = _number(text)
            return NEVER if number is NEVER else scaled(number)
        case ValueType.INSTANT, (t.Instant(text) | t.Text(text)):
            try:
                return instant_of(text, zone)
            except ValueError:
                return NEVER
        case _:
            return NEVER


def _number(text: str) -> Any:
    try:
        value = float(text)
    except ValueError:
        return NEVER
    return value if abs(value) != float("inf") and value == value else NEVER


def holds(test: t.Expr, values: Sequence[Any], kind: ValueType, *, as_of: datetime, zone: str) -> list[bool]:
    """Which of the known values satisfy the test (a comparison, list, range, text test, window or bare name).

    Values are of the type `kind`; money as integers of 1/10,000, instants as microseconds. The tested value
    stands on either side of a comparison; the other side is a literal.
    """

    def fit(literal: t.Value) -> Any:
        value = fitting(literal, kind, zone) if isinstance(literal, t.Literal) else NEVER
        return microseconds(value) if isinstance(value, datetime) else value

    match test:
        case t.Compare(left, op, right):
            if not isinstance(right, t.Literal):
                left, op, right = right, MIRRORED[op], left
            wanted, compare = fit(right), OPERATORS[op]
            return [wanted is not NEVER and compare(value, wanted) for value in values]
        case t.Among(_, options):
            wanted_any = {fit(option) for option in options} - {NEVER}
            return [value in wanted_any for value in values]
        case t.Between(_, low, high):
            first, last = fit(low), fit(high)
            never = first is NEVER or last is NEVER
            return [not never and first <= value <= last for value in values]
        case t.TextTest(_, op, operand):
            return _text_test(op, operand, values) if kind is ValueType.TEXT else [False] * len(values)
        case t.Within(_, window):
            lower, upper = value_bounds(window, as_of=as_of, zone=zone)
            start = None if lower is None else microseconds(lower)
            end = None if upper is None else microseconds(upper)
            return [(start is None or start <= value) and (end is None or value < end) for value in values]
        case t.Known():
            return [True] * len(values)
        case _:
            return [value is True or (kind is ValueType.FLAG and bool(value)) for value in values]


def _text_test(op: str, operand: t.Literal, values: Sequence[str]) -> list[bool]:
    if not isinstance(operand, t.Text):
        return [False] * len(values)
    wanted = operand.value
    match op:
        case "contains":
            return [wanted in value for value in values]
        case "starts with":
            return [value.startswith(wanted) for value in values]
        case "ends with":
            return [value.endswith(wanted) for value in values]
        case "matches":
            return matching(wanted, list(values))
        case _:
            return [False] * len(values)
