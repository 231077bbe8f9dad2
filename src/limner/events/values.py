"""The types of property values and how a value becomes one of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from limner.events.contract import EXACT, instant
from limner.types import MONEY_SCALE, ValueType

ARROW: dict[ValueType, pa.DataType] = {
    ValueType.TEXT: pa.string(),
    ValueType.NUMBER: pa.float64(),
    ValueType.MONEY: pa.int64(),
    ValueType.FLAG: pa.bool_(),
    ValueType.INSTANT: pa.timestamp("us"),
}
SQL: dict[ValueType, str] = {
    ValueType.TEXT: "VARCHAR",
    ValueType.NUMBER: "DOUBLE",
    ValueType.MONEY: "BIGINT",
    ValueType.FLAG: "BOOLEAN",
    ValueType.INSTANT: "TIMESTAMP",
}

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})")
_NUMERAL = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?")
_LARGEST = 2**63 - 1
_QUICK = 2**52


def kind_of(value: Any) -> ValueType | None:
    """The type that a property gets by its first value; None for lists, which get no column.

    A text is an instant only when it is a full date and time with a zone.
    """
    if isinstance(value, bool):
        return ValueType.FLAG
    if isinstance(value, int | float | Decimal):
        return ValueType.NUMBER
    if isinstance(value, str):
        return ValueType.INSTANT if _MOMENT.fullmatch(value) and instant(value) else ValueType.TEXT
    return None


def money(value: Any) -> int | None:
    """The amount in 1/10,000 of the currency unit, exact; None when it is none or beyond 64 bits.

    Digits beyond the fourth after the point are rounded half to even.
    """
    if isinstance(value, float):
        quick = round(value * MONEY_SCALE) if abs(value) < _QUICK / MONEY_SCALE else _LARGEST
        if abs(quick) < _QUICK and quick / MONEY_SCALE == value:
            return quick
        exact = Decimal(repr(value))
    elif isinstance(value, bool):
        return None
    elif isinstance(value, int):
        exact = Decimal(value)
    elif isinstance(value, Decimal):
        exact = value
    elif isinstance(value, str) and _NUMERAL.fullmatch(value):
        exact = Decimal(value)
    else:
        return None
    try:
        scaled = int((exact * MONEY_SCALE).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    except (InvalidOperation, OverflowError, ValueError):
        return None
    return scaled if abs(scaled) <= _LARGEST else None


def number(value: Any) -> float | None:
    """The value as a double; None when it is no number, or a whole number that a double would change."""
    if isinstance(value, float):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return float(value) if abs(value) <= EXACT else None
    return float(value) if isinstance(value, Decimal) else None


def text(value: Any) -> str | None:
    """The value when it is text."""
    return value if isinstance(value, str) else None


def flag(value: Any) -> bool | None:
    """The value when it is true or false."""
    return value if isinstance(value, bool) else None


def moment(value: Any) -> datetime | None:
    """The instant (naive UTC) that a text names."""
    return instant(value) if isinstance(value, str) else None


CONVERT: dict[ValueType, Callable[[Any], Any]] = {
    ValueType.TEXT: text,
    ValueType.NUMBER: number,
    ValueType.MONEY: money,
    ValueType.FLAG: flag,
    ValueType.INSTANT: moment,
}
"""From a JSON value to the column's; None when it does not fit."""


def rescued(value: Any, kind: ValueType) -> Any:
    """A value of another type that still says the same in this column, or None: "7" as 7, 7 as "7"."""
    if kind is ValueType.TEXT and isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    if kind is ValueType.NUMBER and isinstance(value, str) and _NUMERAL.fullmatch(value):
        found = float(value)
        return found if Decimal(repr(found)) == Decimal(value) else None
    return None


def word(value: Any) -> str:
    """What a drifting value is, in a word: text, number, flag, list, object."""
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float | Decimal):
        return "number"
    return "list" if isinstance(value, list) else "object"
