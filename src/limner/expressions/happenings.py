"""Conditions about one event in SQL, over the columns of `events`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from limner.engine.seam import quoted
from limner.errors import ExpressionError
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.predicate import holds
from limner.expressions.sql import FALSE, Sql, Typed, both
from limner.types import ValueType


@dataclass(frozen=True)
class Selection:
    """Which events: their codes (None = any), [low, high) and a condition.

    `text` names what was asked, whatever the instant: the same at every `as_of`.
    """

    codes: tuple[int, ...] | None
    low: datetime | None
    high: datetime
    where: str
    text: str


@dataclass(frozen=True)
class EventSql:
    """Conditions about one row of `events`, whose columns are named bare."""

    sql: Sql
    catalog: Catalog

    def selection(
        self, event: t.Event, bounds: tuple[datetime | None, datetime], window: t.Window | None = None
    ) -> Selection:
        """The events of the name in the bounds (which the window has now) that satisfy its `where`."""
        codes = None if event.name == "*" else tuple(sorted(self.catalog.event_codes(event.name)))
        where = "" if event.where is None else self.condition(event.where)
        return Selection(codes, *bounds, where, f"{event!r} {window!r}")

    def filter(self, selection: Selection, *, as_of: bool = True) -> str:
        """The selection as a condition; `as_of=False` when the upper bound `as_of` holds already."""
        high = as_of or selection.high != self.sql.as_of
        return both([self.about(selection), self.between(selection, high=high)])

    def about(self, selection: Selection) -> str:
        """The selection without its bounds: name and condition."""
        codes = "" if selection.codes is None else code_in(self.sql, selection.codes)
        return both([codes, f"({selection.where})" if selection.where else ""])

    def between(self, selection: Selection, *, high: bool = True) -> str:
        """The selection's bounds; `high=False` when the upper one holds already."""
        tests = [] if selection.low is None else [f"ts >= {self.sql.bind(selection.low)}"]
        if high:
            tests.append(f"ts < {self.sql.bind(selection.high)}")
        return both(tests)

    def condition(self, node: t.Expr) -> str:
        """The condition as SQL; NULL counts as false."""
        match node:
            case t.Or(args):
                return " OR ".join(f"({self.condition(arg)})" for arg in args)
            case t.And(args):
                return " AND ".join(f"({self.condition(arg)})" for arg in args)
            case t.Not(arg):
                return f"({self.condition(arg)}) IS NOT TRUE"
            case t.Flag(value):
                return "TRUE" if value else "FALSE"
            case _:
                return self._test(node)

    def _test(self, node: t.Expr) -> str:
        named = named_builtin(node)
        if named is not None:
            return self._by_code(node, named)
        match node:
            case t.Known(t.Builtin("person")):
                return "ix IS NOT NULL"
            case t.Known(t.Builtin()):
                return "TRUE"
        return simple_test(self.sql, node, self.value)

    def value(self, node: t.Value) -> Typed:
        """A property or built-in of the event; a property that no event had yet is always missing."""
        match node:
            case t.Name(name):
                return self.property(name)
            case t.Builtin("time"):
                return Typed("ts", ValueType.INSTANT)
            case t.Builtin("hour" | "weekday" as name):
                part = "HOUR" if name == "hour" else "ISODOW"
                local = f"TIMEZONE({self.sql.bind(self.sql.zone)}, TIMEZONE('UTC', ts))"
                return Typed(f"EXTRACT({part} FROM {local})", ValueType.NUMBER)
            case t.Flag() | t.Text() | t.Number() | t.Instant():
                return self.sql.literal(node)
            case _:
                raise misplaced(node, "inside where")

    def property(self, name: str) -> Typed:
        """The event's property as a typed value."""
        found = self.catalog.property(name)
        if found is None:
            return Typed("CAST(NULL AS VARCHAR)", ValueType.TEXT)
        column, kind = found
        return Typed(quoted(column), kind)

    def _by_code(self, node: t.Expr, builtin: str) -> str:
        """A test of the event's name or source: decided here over the known names, then a test of codes."""
        if builtin == "event":
            names = event_codes_by_name(self.catalog)
            column, missing = "name_i", False
        else:
            names = dict(self.catalog.source_codes())
            column, missing = "source_i", True
        answers = holds(node, list(names), ValueType.TEXT, as_of=self.sql.as_of, zone=self.sql.zone)
        codes = tuple(sorted(code for code, answer in zip(names.values(), answers, strict=True) if answer))
        if not codes:
            return FALSE
        return code_in(self.sql, codes, column) if len(codes) < len(names) or missing else "TRUE"


def code_in(sql: Sql, codes: Iterable[int], column: str = "name_i") -> str:
    """The column holds one of the codes; where they follow each other, it is in their range."""
    wanted = sorted(set(codes))
    if not wanted:
        return FALSE
    if len(wanted) > 2 and wanted[-1] - wanted[0] == len(wanted) - 1:
        return f"{column} BETWEEN {sql.bind(wanted[0])} AND {sql.bind(wanted[-1])}"
    bound = [sql.bind(code) for code in wanted]
    return f"{column} = {bound[0]}" if len(bound) == 1 else f"{column} IN ({', '.join(bound)})"


def event_codes_by_name(catalog: Catalog) -> dict[str, int]:
    """The code of each event name."""
    return {name: code for name in catalog.event_names() for code in catalog.event_codes(name)}


def named_builtin(node: t.Expr) -> str | None:
    """`event` or `source` when the test is about it."""
    sides: tuple[t.Expr, ...] = ()
    match node:
        case t.Compare(left, _, right):
            sides = (left, right)
        case t.Among(value) | t.Between(value) | t.TextTest(value):
            sides = (value,)
    named = [side.name for side in sides if isinstance(side, t.Builtin) and side.name in ("event", "source")]
    if named and not all(isinstance(side, (t.Builtin, t.Literal)) for side in sides):
        raise misplaced(node, "here: event and source are compared with a literal")
    return named[0] if named else None


def misplaced(node: t.Node, where: str) -> ExpressionError:
    """The error for a node that cannot stand there."""
    line, column = node.position or (1, 1)
    return ExpressionError(
        f"{type(node).__name__.lower()} cannot stand {where}", line=line, column=column, code="type"
    )


def simple_test(sql: Sql, node: t.Expr, value: Callable[[t.Value], Typed]) -> str:
    """A comparison, list, range, text test, window, `known` or flag as SQL."""
    match node:
        case t.Compare(left, op, right):
            return sql.compare(value(left), op, value(right))
        case t.Among(tested, options):
            return sql.among(value(tested), options)
        case t.Between(tested, low, high):
            return sql.between(value(tested), low, high)
        case t.TextTest(tested, op, operand):
            return sql.text_test(value(tested), op, operand)
        case t.Within(tested, window):
            return sql.within(value(tested), window)
        case t.Known(tested):
            return sql.known(value(tested))
        case t.Name() | t.Attribute() | t.Builtin() | t.Aggregate() | t.Flag():
            return sql.flag(value(node))
        case _:
            raise misplaced(node, "here")
