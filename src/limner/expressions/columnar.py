"""Conditions over published tag columns, in numpy: the second executor, for comparisons, and, or and not.

Answers as the SQL does. A test of a coded column is decided once per label and becomes a range of codes or a
look-up table; the people are then read in blocks that stay in the cache.
"""

from __future__ import annotations

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

BLOCK = 1 << 16
_MOST_RANGES = 2

Mask = npt.NDArray[np.bool_]
Test = Callable[[int, int], Mask]
"""The answer of the people [start, stop), as a fresh mask."""


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
        np.logical_and(test(start, stop), columns.alive[start:stop], out=found[start:stop])
    return found


def columns_count(
    expr: t.Expr, columns: TagColumns, *, as_of: datetime | None = None, zone: str = "UTC"
) -> int:
    """How many living people satisfy the condition. Raises NotInColumns."""
    test = _Reader(columns, as_of, zone).condition(expr)
    alive, total = columns.alive, 0
    for start in range(0, columns.n, BLOCK):
        stop = min(start + BLOCK, columns.n)
        mask = test(start, stop)
        mask &= alive[start:stop]
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
            return lambda start, stop: codes[start:stop] != 0
        plain = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
        answers = holds(node, plain, column.type, as_of=self.as_of or _NO_TIME, zone=self.zone)
        chosen = np.concatenate([[False], np.asarray(answers, dtype=np.bool_)])
        edges = np.flatnonzero(np.diff(chosen.astype(np.int8), append=np.int8(0)))
        ranges = [(int(first) + 1, int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]
        if not ranges:
            return _constant(False)
        if len(ranges) <= _MOST_RANGES:
            return _any([_code_range(codes, low, high, len(chosen) - 1) for low, high in ranges])
        return lambda start, stop: np.take(chosen, codes[start:stop])

    def _plain(self, node: t.Expr, column: ColumnOf) -> Test:
        values, known = column.values, column.known
        if values is None or values.dtype not in (np.int64, np.float64):
            raise TypeError("values must be int64 or float64")
        test = self._values(node, values, column.type)

        def both(start: int, stop: int) -> Mask:
            mask = test(start, stop)
            mask &= known[start:stop]
            return mask

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


def _number_test(values: npt.NDArray[Any], op: str, wanted: float) -> Test:
    compare = _UFUNCS[op]
    if values.dtype == np.int64 and isinstance(wanted, int) and abs(wanted) >= 2**63:
        return _constant(op == "!=" or (op != "=" and op.startswith("<") == (wanted > 0)))
    limit = (
        values.dtype.type(wanted)
        if isinstance(wanted, int) or values.dtype == np.float64
        else np.float64(wanted)
    )
    return lambda start, stop: compare(values[start:stop], limit)


def _code_range(codes: npt.NDArray[Any], low: int, high: int, last: int) -> Test:
    """low <= code <= high, in the codes' own type: one comparison where the range ends at the last code."""
    bottom = codes.dtype.type(low)
    if low == high:
        return lambda start, stop: codes[start:stop] == bottom
    if high == last:
        return lambda start, stop: codes[start:stop] >= bottom
    width = codes.dtype.type(high - low)

    def inside(start: int, stop: int) -> Mask:
        shifted = codes[start:stop] - bottom  # wraps below `low`, so one comparison does for both ends
        return shifted <= width  # type: ignore[no-any-return]

    return inside


def _constant(value: bool) -> Test:
    return lambda start, stop: np.full(stop - start, value, dtype=np.bool_)


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    first, *others = tests

    def every(start: int, stop: int) -> Mask:
        mask = first(start, stop)
        for test in others:
            mask &= test(start, stop)
        return mask

    return every


def _any(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    first, *others = tests

    def some(start: int, stop: int) -> Mask:
        mask = first(start, stop)
        for test in others:
            mask |= test(start, stop)
        return mask

    return some


def _not(test: Test) -> Test:
    def opposite(start: int, stop: int) -> Mask:
        mask = test(start, stop)
        np.logical_not(mask, out=mask)
        return mask

    return opposite


def _beyond(node: t.Node, what: str) -> NotInColumns:
    line, column = node.position or (1, 1)
    return NotInColumns(f"{what} cannot be read from published columns", line=line, column=column)
