"""Events in SQL: conditions about one event, and one pass over `events` for every aggregate of a query."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from limner.engine.seam import Step, quoted
from limner.errors import ExpressionError
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.predicate import holds
from limner.expressions.sql import FALSE, Sql, Typed, both
from limner.types import ValueType

SUM_SCALE = 1_000_000
"""Sums of numbers are exact in millionths."""

PERIOD_BITS = 62
"""How many periods fit the bits of one integer."""


@dataclass(frozen=True)
class Selection:
    """Which events: their codes (None = any), [low, high) and a condition."""

    codes: tuple[int, ...] | None
    low: datetime | None
    high: datetime
    where: str


@dataclass(frozen=True)
class EventSql:
    """Conditions about one row of `events`, whose columns are named bare."""

    sql: Sql
    catalog: Catalog

    def selection(self, event: t.Event, bounds: tuple[datetime | None, datetime]) -> Selection:
        """The events of the name in the bounds that satisfy its `where`."""
        codes = None if event.name == "*" else tuple(sorted(self.catalog.event_codes(event.name)))
        where = "" if event.where is None else self.condition(event.where)
        return Selection(codes, *bounds, where)

    def filter(self, selection: Selection, *, as_of: bool = True) -> str:
        """The selection as a condition; `as_of=False` when the upper bound `as_of` holds already."""
        tests = []
        if selection.codes is not None:
            tests.append(code_in(self.sql, selection.codes))
        if selection.low is not None:
            tests.append(f"ts >= {self.sql.bind(selection.low)}")
        if as_of or selection.high != self.sql.as_of:
            tests.append(f"ts < {self.sql.bind(selection.high)}")
        tests.append(f"({selection.where})" if selection.where else "")
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
    """The column holds one of the codes."""
    bound = [sql.bind(code) for code in codes]
    if not bound:
        return FALSE
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


@dataclass
class EventPass:
    """Collects aggregates and answers them in one scan of `events`, grouped by person.

    `among`: a table of `ix` to which the scan is restricted.
    """

    events: EventSql
    among: str | None = None
    _selections: list[Selection] = field(default_factory=list)
    _aggregates: dict[str, str] = field(default_factory=dict)
    _followers: list[Step] = field(default_factory=list)
    _top: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def used(self) -> bool:
        """Whether anything was asked of events."""
        return bool(self._aggregates)

    def _add(self, sql: str) -> str:
        """The column that holds the aggregate, shared when it was asked before."""
        name = self._aggregates.setdefault(sql, f"a{len(self._aggregates)}")
        return f"e.{name}"

    def _filter(self, selection: Selection, *more: str) -> str:
        if selection not in self._selections:
            self._selections.append(selection)
        condition = both([self.events.filter(selection, as_of=False), *more])
        return "" if condition == "TRUE" else f" FILTER (WHERE {condition})"

    def count(self, selection: Selection) -> str:
        """How many events; 0 when there are none."""
        return f"COALESCE({self._add('COUNT(*)' + self._filter(selection))}, 0)"

    def first_time(self, selection: Selection) -> str:
        """When the first one happened."""
        return self._add("MIN(ts)" + self._filter(selection))

    def last_time(self, selection: Selection) -> str:
        """When the last one happened."""
        return self._add("MAX(ts)" + self._filter(selection))

    def last_holds(self, selection: Selection, condition: str) -> str:
        """Whether the last one satisfies the condition; of several at one instant, one is enough."""
        packed = f"MAX((EPOCH_US(ts) * 2) + (CASE WHEN {condition} THEN 1 ELSE 0 END))"
        return f"(({self._add(packed + self._filter(selection))}) & 1) = 1"

    def periods(self, selection: Selection, period_us: int) -> str:
        """In how many periods before `as_of` it happened; at most 62 periods."""
        bind = self.events.sql.bind
        end = f"(EPOCH_US({bind(self.events.sql.as_of)}) - 1)"
        # Capped: the shift is computed for every row, also for those that the filter leaves out.
        index = f"CAST(LEAST(({end} - EPOCH_US(ts)) // {bind(period_us)}, {PERIOD_BITS}) AS INTEGER)"
        bits = f"BIT_OR(CAST(1 AS BIGINT) << {index})" + self._filter(selection)
        return f"COALESCE(BIT_COUNT({self._add(bits)}), 0)"

    def of_property(self, function: str, selection: Selection, value: Typed) -> Typed:
        """sum, avg, min, max, distinct, first, last or most_frequent of a property."""
        kind, sql = value.type or ValueType.TEXT, value.sql
        given = f"{sql} IS NOT NULL"
        match function:
            case "sum" | "avg":
                return self._sum(function, selection, value)
            case "min" | "max":
                return Typed(self._add(f"{function.upper()}({sql})" + self._filter(selection)), kind)
            case "distinct":
                counted = self._add(f"COUNT(DISTINCT {sql})" + self._filter(selection))
                return Typed(f"COALESCE({counted}, 0)", ValueType.NUMBER)
            case "first" | "last":
                extreme = "MIN" if function == "first" else "MAX"
                packed = self._add(f"{extreme}(ROW(ts, {sql}))" + self._filter(selection, given))
                return Typed(f"({packed})[2]", kind)
            case _:
                return self._most_frequent(selection, value)

    def _sum(self, function: str, selection: Selection, value: Typed) -> Typed:
        kind = value.type
        if kind is ValueType.MONEY:
            term = value.sql
        elif kind is ValueType.NUMBER:
            term = f"TRY_CAST(ROUND({value.sql} * {SUM_SCALE}) AS BIGINT)"
        else:
            return Typed("CAST(NULL AS DOUBLE)" if function == "avg" else "0", ValueType.NUMBER)
        total = f"CAST({self._add(f'SUM({term})' + self._filter(selection))} AS BIGINT)"
        if function == "sum":
            if kind is ValueType.MONEY:
                return Typed(f"COALESCE({total}, 0)", kind)
            return Typed(f"(COALESCE({total}, 0) / {SUM_SCALE}.0)", ValueType.NUMBER)
        n = self._add(f"COUNT({term})" + self._filter(selection))
        if kind is ValueType.MONEY:
            return Typed(f"CAST(ROUND({total} / NULLIF({n}, 0)) AS BIGINT)", kind)
        return Typed(f"({total} / NULLIF({n}, 0) / {SUM_SCALE}.0)", ValueType.NUMBER)

    def _most_frequent(self, selection: Selection, value: Typed) -> Typed:
        """The commonest value; of several equally common ones the smallest."""
        key = (self.events.filter(selection), value.sql)
        if key not in self._top:
            name = f"top_{len(self._top)}"
            self._top[key] = name
            counted = (
                f"SELECT ix, {value.sql} AS value, COUNT(*) AS n FROM events\n"
                f"WHERE {both([key[0], f'{value.sql} IS NOT NULL', self._people()])}\nGROUP BY ALL"
            )
            self._followers.append(Step(f"{name}_counts", counted))
            self._followers.append(
                Step(
                    name, f"SELECT ix, ARG_MIN(value, ROW(-n, value)) AS value FROM {name}_counts GROUP BY ix"
                )
            )
        return Typed(f"{self._top[key]}.value", value.type)

    def _people(self) -> str:
        chosen = "ix IS NOT NULL"
        return chosen if self.among is None else f"ix IN (SELECT ix FROM {quoted(self.among)})"

    def steps(self) -> list[Step]:
        """The scan, and what follows it."""
        if not self._aggregates:
            return self._followers
        sql = self.events.sql
        tests = [self._people()]
        if all(selection.codes is not None for selection in self._selections):
            codes = sorted({code for selection in self._selections for code in selection.codes or ()})
            tests.append(code_in(sql, codes))
        lows = [selection.low for selection in self._selections]
        if all(low is not None for low in lows):
            tests.append(f"ts >= {sql.bind(min(low for low in lows if low is not None))}")
        tests.append(f"ts < {sql.bind(sql.as_of)}")
        columns = ",\n  ".join(f"{aggregate} AS {name}" for aggregate, name in self._aggregates.items())
        scan = f"SELECT ix,\n  {columns}\nFROM events\nWHERE {both(tests)}\nGROUP BY ix"
        return [Step("happened", scan), *self._followers]

    def joins(self) -> list[str]:
        """How the person's row reaches the aggregates."""
        joins = ["LEFT JOIN happened AS e ON e.ix = p.ix"] if self._aggregates else []
        joins += [f"LEFT JOIN {name} ON {name}.ix = p.ix" for name in self._top.values()]
        return joins
