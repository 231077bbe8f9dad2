"""Conditions over published tag columns, in numpy: the second executor, for comparisons, and, or and not.

Answers as the SQL does. A test of a coded column is decided once per label and becomes a range of codes or a
look-up table; the people are then read in blocks that stay in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.errors import ExpressionError, NotFoundError
from limner.expressions import tree as t
from limner.expressions.catalog import ColumnOf, TagColumns
from limner.expressions.predicate import MIRRORED, NEVER, fitting, holds, microseconds
from limner.expressions.windows import value_bounds
from limner.types import ValueType

BLOCK = 1 << 17
_MOST_RANGES = 2

Mask = npt.NDArray[np.bool_]
Test = Callable[[int, int, Mask], None]
"""Writes the answer of the people [start, stop) into a mask of that length."""


class NotInColumns(ExpressionError):
    """The expression needs more than published columns; the engine can answer it."""

    code = "not_in_columns"


def columns_mask(
    expr: t.Expr, columns: TagColumns, *, as_of: datetime | None = None, zone: str = "UTC"
) -> Mask:
    """Who satisfies the condition, by ordinal; False for those who are not alive.

    `as_of`, `zone`: only for windows (`expires in next 7 days`). Raises NotInColumns.
    """
    test = _Reader(columns, as_of, zone).condition(expr)
    found = np.empty(columns.n, dtype=np.bool_)
    for start in range(0, columns.n, BLOCK):
        stop = min(start + BLOCK, columns.n)
        test(start, stop, found[start:stop])
    found[columns.dead] = False
    return found


def columns_count(
    expr: t.Expr, columns: TagColumns, *, as_of: datetime | None = None, zone: str = "UTC"
) -> int:
    """How many living people satisfy the condition. Raises NotInColumns."""
    test = _Reader(columns, as_of, zone).condition(expr)
    dead, total = columns.dead, 0
    starts = range(0, columns.n, BLOCK)
    edges = dead.searchsorted([*starts, columns.n]).tolist()
    block = np.empty(min(BLOCK, columns.n), dtype=np.bool_)
    for start, first, last in zip(starts, edges[:-1], edges[1:], strict=True):
        stop = min(start + BLOCK, columns.n)
        mask = block[: stop - start]
        test(start, stop, mask)
        if last > first:
            mask[dead[first:last] - start] = False
        total += int(np.count_nonzero(mask))
    return total


class _Reader:
    """Turns a condition into a test of blocks."""

    def __init__(self, columns: TagColumns, as_of: datetime | None, zone: str) -> None:
        self.columns = columns
        self.as_of = as_of
        self.zone = zone

    def condition(self, node: t.Expr) -> Test:
        """The condition as a test of blocks."""
        match node:
            case t.And(args):
                return _all([self.condition(arg) for arg in args])
            case t.Or(args):
                return _any([self.condition(arg) for arg in args])
            case t.Not(arg):
                return _not(self.condition(arg))
            case t.Flag(value):
                return _constant(value)
            case t.Compare(left, op, right):
                if isinstance(left, t.Literal):
                    left, op, right = right, MIRRORED[op], left
                if not isinstance(right, t.Literal):
                    raise _beyond(node, "a comparison of two tags")
                return self._test(t.Compare(left, op, right), left)
            case t.Among(value) | t.Between(value) | t.TextTest(value) | t.Within(value) | t.Known(value):
                return self._test(node, value)
            case t.Name():
                return self._test(node, node)
            case _:
                raise _beyond(node, "behaviour, attributes and audiences")

    def _test(self, node: t.Expr, value: t.Value) -> Test:
        if not isinstance(value, t.Name):
            raise _beyond(node, "anything but tags")
        if isinstance(node, t.Within) and self.as_of is None:
            raise _beyond(node, "a window without as_of")
        try:
            column = self.columns.column(value.name)
        except NotFoundError:
            column = None
        if column is None:
            raise _beyond(node, f"'{value.name}', which is not published,")
        if isinstance(node, t.Name) and column.type is not ValueType.FLAG:
            raise _beyond(node, "a condition that is no flag")
        return self._coded(node, column) if column.codes is not None else self._plain(node, column)

    def _coded(self, node: t.Expr, column: ColumnOf) -> Test:
        """Codes whose label satisfies the test: at most two ranges of codes, else a look-up table."""
        codes, labels = column.codes, column.labels
        if codes is None or labels is None or codes.dtype not in (np.uint8, np.uint16, np.uint32):
            raise TypeError("codes must be unsigned integers of 8, 16 or 32 bits, with labels")
        if isinstance(node, t.Known):
            return _compared(np.not_equal, codes, codes.dtype.type(0))
        if isinstance(labels, np.ndarray):
            ranges = self._sorted(node, labels, column.type)
        else:
            answers = holds(node, labels, column.type, as_of=self.as_of or _NO_TIME, zone=self.zone)
            chosen = np.zeros(
                len(labels) + 2, dtype=np.bool_
            )  # unknown, the labels, an end that is never chosen
            chosen[1:-1] = answers
            edges = np.flatnonzero(chosen[1:] != chosen[:-1]).tolist()
            ranges = list(zip(edges[::2], edges[1::2], strict=True))
        if not ranges:
            return _constant(False)
        if len(ranges) <= _MOST_RANGES:
            return _any([_code_range(codes, low + 1, high, len(labels)) for low, high in ranges])
        table = np.zeros(len(labels) + 1, dtype=np.bool_)
        for low, high in ranges:
            table[low + 1 : high + 1] = True

        def looked_up(start: int, stop: int, out: Mask) -> None:
            np.take(table, codes[start:stop], out=out, mode="clip")

        return looked_up

    def _sorted(self, node: t.Expr, labels: npt.NDArray[Any], kind: ValueType) -> list[tuple[int, int]]:
        """The positions [low, high) of ascending labels that satisfy the test, ascending and apart."""

        def around(literal: t.Value) -> tuple[int, int] | None:
            wanted: Any = fitting(literal, kind, self.zone) if isinstance(literal, t.Literal) else NEVER
            if wanted is NEVER:
                return None
            return _place(labels, microseconds(wanted) if isinstance(wanted, datetime) else wanted)

        found: list[tuple[int, int]] = []
        end = len(labels)
        match node:
            case t.Compare(_, op, right):
                at = around(right)
                if at is not None:
                    low, high = at
                    found = {
                        "=": [(low, high)], "!=": [(0, low), (high, end)],
                        "<": [(0, low)], "<=": [(0, high)], ">": [(high, end)], ">=": [(low, end)],
                    }[op]  # fmt: skip
            case t.Among(_, options):
                found = sorted({at for option in options if (at := around(option)) is not None})
            case t.Between(_, first, last):
                lowest, highest = around(first), around(last)
                if lowest is not None and highest is not None:
                    found = [(lowest[0], highest[1])]
            case t.Within(_, window) if kind is ValueType.INSTANT and self.as_of is not None:
                lower, upper = value_bounds(window, as_of=self.as_of, zone=self.zone)
                low = 0 if lower is None else _place(labels, microseconds(lower))[0]
                found = [(low, end if upper is None else _place(labels, microseconds(upper))[0])]
            case _:
                found = []
        return [(low, high) for low, high in found if low < high]

    def _plain(self, node: t.Expr, column: ColumnOf) -> Test:
        values, known = column.values, column.known
        if values is None or values.dtype not in (np.int64, np.float64):
            raise TypeError("values must be int64 or float64")
        test = self._values(node, values, column.type)

        def both(start: int, stop: int, out: Mask) -> None:
            test(start, stop, out)
            out &= known[start:stop]

        return both

    def _values(self, node: t.Expr, values: npt.NDArray[Any], kind: ValueType) -> Test:
        """The test of plain numbers."""
        match node:
            case t.Known():
                return _constant(True)
            case t.Compare(_, op, right) if isinstance(right, t.Literal):
                return self._against(values, op, right, kind)
            case t.Among(_, options):
                return _any([self._against(values, "=", option, kind) for option in options])
            case t.Between(_, low, high):
                return _all([self._against(values, ">=", low, kind), self._against(values, "<=", high, kind)])
            case t.Within(_, window) if kind is ValueType.INSTANT and self.as_of is not None:
                lower, upper = value_bounds(window, as_of=self.as_of, zone=self.zone)
                tests = [] if lower is None else [_number_test(values, ">=", microseconds(lower))]
                tests += [] if upper is None else [_number_test(values, "<", microseconds(upper))]
                return _all(tests)
            case _:
                return _constant(False)

    def _against(self, values: npt.NDArray[Any], op: str, literal: t.Literal, kind: ValueType) -> Test:
        wanted = fitting(literal, kind, self.zone)
        if wanted is NEVER:
            return _constant(False)
        return _number_test(values, op, microseconds(wanted) if isinstance(wanted, datetime) else wanted)


_NO_TIME = datetime(1970, 1, 1)  # noqa: DTZ001 - never read: a window needs as_of
_UFUNCS = {
    "=": np.equal, "!=": np.not_equal,
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip


def _place(labels: npt.NDArray[Any], wanted: float) -> tuple[int, int]:
    """The positions before and after the labels that equal the number; exact also where the labels' type has it not."""
    if labels.dtype.kind == "i":
        if isinstance(wanted, float) and not wanted.is_integer():
            before, _ = _place(labels, math.ceil(wanted))
            return before, before
        wanted = int(wanted)
        if abs(wanted) >= 2**63:
            end = len(labels) if wanted > 0 else 0
            return end, end
    exact: float = labels.dtype.type(wanted).item()
    if exact != wanted:  # a whole number between two floats
        at = int(labels.searchsorted(exact, "left" if exact > wanted else "right"))
        return at, at
    return int(labels.searchsorted(exact, "left")), int(labels.searchsorted(exact, "right"))


def _number_test(values: npt.NDArray[Any], op: str, wanted: float) -> Test:
    compare = _UFUNCS[op]
    if values.dtype == np.int64 and isinstance(wanted, int) and abs(wanted) >= 2**63:
        return _constant(op == "!=" or (op != "=" and op.startswith("<") == (wanted > 0)))
    limit = (
        values.dtype.type(wanted)
        if isinstance(wanted, int) or values.dtype == np.float64
        else np.float64(wanted)
    )
    return _compared(compare, values, limit)


def _compared(compare: Callable[..., Any], values: npt.NDArray[Any], limit: Any) -> Test:
    def test(start: int, stop: int, out: Mask) -> None:
        compare(values[start:stop], limit, out=out)

    return test


def _code_range(codes: npt.NDArray[Any], low: int, high: int, last: int) -> Test:
    """low <= code <= high, in the codes' own type: one comparison where the range ends at the last code."""
    bottom = codes.dtype.type(low)
    if low == high:
        return _compared(np.equal, codes, bottom)
    if high == last:
        return _compared(np.greater_equal, codes, bottom)
    width = codes.dtype.type(high - low)
    shifted = np.empty(min(BLOCK, len(codes)), dtype=codes.dtype)

    def inside(start: int, stop: int, out: Mask) -> None:
        moved = shifted[: stop - start]
        np.subtract(
            codes[start:stop], bottom, out=moved
        )  # wraps below `low`: one comparison does for both ends
        np.less_equal(moved, width, out=out)

    return inside


def _constant(value: bool) -> Test:
    def test(_start: int, _stop: int, out: Mask) -> None:
        out.fill(value)

    return test


def _all(tests: list[Test]) -> Test:
    return _together(np.logical_and, tests)


def _any(tests: list[Test]) -> Test:
    return _together(np.logical_or, tests)


def _together(join: Callable[..., Any], tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    first, *others = tests
    beside = np.empty(BLOCK, dtype=np.bool_)

    def test(start: int, stop: int, out: Mask) -> None:
        first(start, stop, out)
        answer = beside[: stop - start]
        for other in others:
            other(start, stop, answer)
            join(out, answer, out=out)

    return test


def _not(test: Test) -> Test:
    def opposite(start: int, stop: int, out: Mask) -> None:
        test(start, stop, out)
        np.logical_not(out, out=out)

    return opposite


def _beyond(node: t.Node, what: str) -> NotInColumns:
    line, column = node.position or (1, 1)
    return NotInColumns(f"{what} cannot be read from published columns", line=line, column=column)
