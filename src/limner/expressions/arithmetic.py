"""Arithmetic: what type a sum or quotient has, and its SQL. Whole numbers and money stay exact.

Money is a whole number of 1/10,000, so sums and differences of money are exact, and so is money times a whole number.
Money divided by a number, and times a broken one, is rounded to 1/10,000, halves away from zero. What is too large for
64 bits is missing.
"""

from __future__ import annotations

from limner.expressions import tree as t
from limner.expressions.predicate import scaled
from limner.expressions.sql import Sql, Typed, finite
from limner.types import ValueType

_NUMBER, _MONEY = ValueType.NUMBER, ValueType.MONEY


def result_type(
    left: ValueType | None, op: str, right: ValueType | None, *, literal: bool = False
) -> ValueType | None:
    """The type of `left op right`; None when there is no such value.

    A type of None is an attribute, which is read as what is needed. `literal`: one side is a literal number, which
    beside money is an amount in units.
    """
    kinds = {left, right} - {None}
    if not kinds <= {_NUMBER, _MONEY}:
        return None
    if kinds <= {_NUMBER}:
        return _NUMBER
    if op in ("+", "-"):
        return _MONEY if literal or kinds == {_MONEY} else None
    if op == "*":
        return None if left is right else _MONEY
    if left is _MONEY:
        return _NUMBER if right is _MONEY else _MONEY
    return None


def whole(node: t.Value) -> bool:
    """Whether the number is surely a whole one."""
    match node:
        case t.Number(number):
            return isinstance(number, int)
        case t.Aggregate(function):
            return function in ("count", "recency", "distinct")
        case t.Habit(function):
            return function.startswith("usual")
        case t.Streak() | t.Delay():
            return True
        case t.Dated(function):
            return function == "age"
        case t.Arithmetic(left, op, right):
            return op != "/" and whole(left) and whole(right)
        case _:
            return False


def arithmetic(sql: Sql, node: t.Arithmetic, left: Typed, right: Typed) -> Typed:
    """The value in SQL, NULL where it is missing."""
    op = node.op
    literal = left.literal is not None or right.literal is not None
    kind = result_type(left.type, op, right.type, literal=literal) or _NUMBER
    if op == "/":
        if kind is _MONEY:
            return Typed(_rounded(f"{left.sql} / NULLIF({_number(sql, right)}, 0)"), kind)
        a, b = (left.sql, right.sql) if left.type is _MONEY else (_number(sql, left), _number(sql, right))
        return Typed(finite(f"(CAST({a} AS DOUBLE) / NULLIF(CAST({b} AS DOUBLE), 0))"), kind)
    if kind is _MONEY and op == "*":
        money, times = (left, right) if left.type is _MONEY else (right, left)
        if whole(node.right if money is left else node.left):
            return Typed(_exact(money.sql, op, times.sql), kind)
        return Typed(_rounded(f"CAST({money.sql} AS DOUBLE) * {_number(sql, times)}"), kind)
    if kind is _MONEY:
        return Typed(_exact(_amount(sql, left), op, _amount(sql, right)), kind)
    if whole(node.left) and whole(node.right):
        return Typed(_exact(left.sql, op, right.sql), kind)
    return Typed(finite(f"({_number(sql, left)} {op} {_number(sql, right)})"), kind)


def _exact(left: str, op: str, right: str) -> str:
    """Whole numbers, without overflow."""
    return f"TRY_CAST(CAST({left} AS HUGEINT) {op} CAST({right} AS HUGEINT) AS BIGINT)"


def _rounded(value: str) -> str:
    return f"TRY_CAST(ROUND({value}) AS BIGINT)"


def _number(sql: Sql, value: Typed) -> str:
    return f"CAST({sql.cast(value, _NUMBER)} AS DOUBLE)"


def _amount(sql: Sql, value: Typed) -> str:
    """The value in 1/10,000; a literal has at most four decimals, which checking sees to."""
    if isinstance(value.literal, t.Number):
        return sql.bind(round(scaled(value.literal.value)))
    return sql.cast(value, _MONEY)
