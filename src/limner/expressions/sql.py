"""Values and comparisons as SQL: bound parameters, types, coercions. Knows no table.

A `Typed` value is NULL when it is missing; a comparison with NULL is NULL, which `IS NOT TRUE` under `not`
and WHERE read as false.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from limner.expressions import tree as t
from limner.expressions.predicate import MIRRORED, NEVER, fitting
from limner.expressions.windows import instant_of, value_bounds
from limner.types import MONEY_SCALE, ValueType

SQL_OPERATORS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
FALSE = "FALSE"
MOST_LISTED = 12


class Bound:
    """The values of one query, bound by name; equal values share a name."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self._names: dict[tuple[type, Any], str] = {}

    def __call__(self, value: Any) -> str:
        """The parameter (`$v3`) that stands for the value."""
        key = (type(value), tuple(value) if isinstance(value, list) else value)
        if key not in self._names:
            name = f"v{len(self._names)}"
            self._names[key] = name
            self.values[name] = value
        return "$" + self._names[key]


@dataclass(frozen=True)
class Typed:
    """A value in SQL. `type` None: an attribute's JSON, typed by what it is compared with."""

    sql: str
    type: ValueType | None
    literal: t.Literal | None = None


@dataclass(frozen=True)
class Sql:
    """Writes tests over typed values."""

    bind: Bound
    as_of: datetime
    zone: str

    def literal(self, node: t.Literal) -> Typed:
        """The literal as a typed value."""
        match node:
            case t.Flag(value):
                return Typed(self.bind(value), ValueType.FLAG, node)
            case t.Text(value):
                return Typed(self.bind(value), ValueType.TEXT, node)
            case t.Number(number):
                return Typed(self.bind(plain_number(number)), ValueType.NUMBER, node)
            case t.Instant(value):
                return Typed(self.bind(instant_of(value, self.zone)), ValueType.INSTANT, node)

    def compare(self, left: Typed, op: str, right: Typed) -> str:
        """left op right."""
        if left.literal is not None and right.literal is None:
            left, op, right = right, MIRRORED[op], left
        if right.literal is not None:
            return self.with_literal(left, op, right.literal)
        untyped = ValueType.TEXT if op in ("=", "!=") else ValueType.NUMBER
        kind = left.type or right.type or untyped
        if ValueType.TEXT in (left.type, right.type) and None not in (left.type, right.type):
            kind = ValueType.TEXT
        elif {left.type, right.type} == {ValueType.NUMBER, ValueType.MONEY}:
            kind = ValueType.NUMBER
        return f"{self.cast(left, kind)} {SQL_OPERATORS[op]} {self.cast(right, kind)}"

    def with_literal(self, value: Typed, op: str, literal: t.Literal) -> str:
        """value op literal; FALSE when no value of the type can be compared with the literal."""
        kind = self._kind(value, literal)
        wanted = fitting(literal, kind, self.zone)
        if wanted is NEVER:
            return FALSE
        return f"{self.cast(value, kind)} {SQL_OPERATORS[op]} {self._bound(wanted)}"

    def _kind(self, value: Typed, literal: t.Literal) -> ValueType:
        """The type in which a value is compared with a literal."""
        by_literal = {
            t.Flag: ValueType.FLAG, t.Text: ValueType.TEXT,
            t.Number: ValueType.NUMBER, t.Instant: ValueType.INSTANT,
        }[type(literal)]  # fmt: skip
        if value.type is None:
            return by_literal
        if value.type is ValueType.TEXT and by_literal in (ValueType.NUMBER, ValueType.INSTANT):
            return by_literal
        return value.type

    def _bound(self, value: Any) -> str:
        return self.bind(
            plain_number(value) if isinstance(value, (int, float)) and value is not True else value
        )

    def cast(self, value: Typed, kind: ValueType) -> str:
        """The value as that type; NULL where it is none."""
        if value.type is kind:
            return value.sql
        if value.type is None:
            return self._from_json(value.sql, kind)
        match kind, value.type:
            case ValueType.NUMBER, ValueType.TEXT:
                return finite(f"TRY_CAST({value.sql} AS DOUBLE)")
            case ValueType.NUMBER, ValueType.MONEY:
                return f"({value.sql} / {MONEY_SCALE}.0)"
            case ValueType.INSTANT, ValueType.TEXT:
                return self._instant(value.sql)
            case ValueType.TEXT, ValueType.FLAG | ValueType.NUMBER | ValueType.MONEY | ValueType.INSTANT:
                return f"CAST({value.sql} AS VARCHAR)"
            case _:
                return "NULL"

    def _from_json(self, sql: str, kind: ValueType) -> str:
        """A JSON value as a type. Text: a string without its quotes, numbers as written."""
        text = f"JSON_EXTRACT_STRING({sql}, '$')"
        match kind:
            case ValueType.TEXT:
                return text
            case ValueType.NUMBER:
                return finite(f"TRY_CAST({text} AS DOUBLE)")
            case ValueType.MONEY:
                return f"TRY_CAST(ROUND({finite(f'TRY_CAST({text} AS DOUBLE)')} * {MONEY_SCALE}) AS BIGINT)"
            case ValueType.FLAG:
                return f"(CASE {text} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END)"
            case ValueType.INSTANT:
                return self._instant(text)
            case _:
                return "NULL"

    def _instant(self, text: str) -> str:
        """A text as an instant in UTC; without an offset it is local time in the workspace's zone."""
        offset = r":[0-9.]+ ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
        return (
            f"(CASE WHEN REGEXP_MATCHES({text}, {self.bind(offset)}) "
            f"THEN TIMEZONE('UTC', TRY_CAST({text} AS TIMESTAMPTZ)) "
            f"ELSE TIMEZONE('UTC', TIMEZONE({self.bind(self.zone)}, TRY_CAST({text} AS TIMESTAMP))) END)"
        )

    def among(self, value: Typed, options: Sequence[t.Literal]) -> str:
        """The value is one of the options."""
        by_kind: dict[ValueType, list[Any]] = {}
        for option in options:
            kind = self._kind(value, option)
            wanted = fitting(option, kind, self.zone)
            if wanted is not NEVER:
                by_kind.setdefault(kind, []).append(wanted)
        tests = [self._one_of(self.cast(value, kind), found) for kind, found in by_kind.items()]
        if not tests:
            return FALSE
        return tests[0] if len(tests) == 1 else f"({' OR '.join(f'({test}) IS TRUE' for test in tests)})"

    def _one_of(self, sql: str, wanted: Sequence[Any]) -> str:
        """The SQL value is one of these; many are looked up in a hash table instead of one after the other."""
        different = list(dict.fromkeys(wanted))
        if len(different) <= MOST_LISTED:
            return f"{sql} IN ({', '.join(self._bound(value) for value in different)})"
        if any(isinstance(value, float) for value in different):
            different = [float(value) for value in different]
        return f"{sql} IN (SELECT UNNEST({self.bind(different)}))"

    def between(self, value: Typed, low: t.Literal, high: t.Literal) -> str:
        """low <= value <= high."""
        return f"({self.with_literal(value, '>=', low)} AND {self.with_literal(value, '<=', high)})"

    def text_test(self, value: Typed, op: str, operand: t.Literal) -> str:
        """contains, starts with, ends with, matches, includes."""
        if op == "includes":
            return self._includes(value, operand)
        if value.type not in (None, ValueType.TEXT) or not isinstance(operand, t.Text):
            return FALSE
        text = self.cast(value, ValueType.TEXT)
        function = {
            "contains": "CONTAINS", "starts with": "STARTS_WITH", "ends with": "ENDS_WITH",
            "matches": "REGEXP_MATCHES",
        }[op]  # fmt: skip
        return f"{function}({text}, {self.bind(operand.value)})"

    def _includes(self, value: Typed, operand: t.Literal) -> str:
        """A JSON list has the element; scalars are compared as text."""
        if value.type not in (None, ValueType.LIST, ValueType.TEXT):
            return FALSE
        match operand:
            case t.Text(text):
                wanted = text
            case t.Flag(flag):
                wanted = "true" if flag else "false"
            case t.Number(number):
                wanted = repr(number)
            case t.Instant(text):
                wanted = text
        listed = value.sql if value.type is None else f"TRY_CAST({value.sql} AS JSON)"
        elements = f"CASE WHEN JSON_TYPE({listed}) = 'ARRAY' THEN JSON_EXTRACT_STRING({listed}, '$[*]') END"
        return f"LIST_CONTAINS(CAST({elements} AS VARCHAR[]), {self.bind(wanted)})"

    def within(self, value: Typed, window: t.Window) -> str:
        """The value is an instant inside the window."""
        low, high = value_bounds(window, as_of=self.as_of, zone=self.zone)
        instant = self.cast(value, ValueType.INSTANT)
        tests = [] if low is None else [f"{instant} >= {self.bind(low)}"]
        tests += [] if high is None else [f"{instant} < {self.bind(high)}"]
        return f"({' AND '.join(tests)})"

    def known(self, value: Typed) -> str:
        """The value is not missing."""
        text = self.cast(value, ValueType.TEXT) if value.type is None else value.sql
        return f"{text} IS NOT NULL"

    def flag(self, value: Typed) -> str:
        """The value as a condition."""
        return self.cast(value, ValueType.FLAG)


def finite(sql: str) -> str:
    """The number, NULL when it is infinite or not a number."""
    return f"(CASE WHEN ISFINITE({sql}) THEN {sql} END)"


def plain_number(value: float) -> int | float:
    """The number as it is bound: an int that fits 64 bits, else a float."""
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    return float(value)


def both(conditions: Sequence[str]) -> str:
    """All of the conditions; TRUE when there are none."""
    kept = [condition for condition in conditions if condition not in ("", "TRUE")]
    return " AND ".join(kept) if kept else "TRUE"
