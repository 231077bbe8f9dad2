"""One pass over `events` for every aggregate of a query, grouped by person.

Sums are integers, ties are broken by value: the same rows give the same bits in any order and on any engine.
A property that is asked for its first, last, distinct or commonest value is first numbered in the order of its
values (when it has at most MOST_NUMBERED), so that these become arithmetic on integers. Which of the two ways
is taken is decided inside the query; the answers are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from limner.engine.seam import Step, quoted
from limner.expressions.happenings import EventSql, Selection, code_in
from limner.expressions.sql import Typed, both
from limner.types import ValueType

SUM_SCALE = 1_000_000
"""Sums of numbers are exact in millionths."""

PERIOD_BITS = 62
"""How many periods fit the bits of one integer."""

MOST_BITS = 62

MOST_NUMBERED = 1_000
_ROOM = 1_024
_OLDEST_US = -(2**52)
_GUESS = 900


@dataclass(frozen=True)
class Numbered:
    """A property whose values are numbered from 0 in the table `values_i` (value, n, bit).

    The table is empty where there are too many values; `bit` is 1 << n, NULL where they are too many for bits.
    """

    column: str
    i: int

    @property
    def n(self) -> str:
        """The value's number, beside the event."""
        return f"n_{self.i}"

    @property
    def bit(self) -> str:
        """The bit of the value's number, beside the event."""
        return f"bit_{self.i}"


@dataclass
class EventPass:
    """Collects aggregates and answers them in one scan.

    `among`: a table of `ix` to which the scan is restricted.
    """

    events: EventSql
    among: str | None = None
    _selections: dict[Selection, None] = field(default_factory=dict)
    _aggregates: dict[str, str] = field(default_factory=dict)
    _numbered: dict[str, Numbered] = field(default_factory=dict)
    _asides: dict[tuple[Numbered, str], dict[Selection, str]] = field(default_factory=dict)
    _joins: dict[str, str] = field(default_factory=dict)

    # what can be asked

    def count(self, selection: Selection) -> str:
        """How many events; 0 when there are none."""
        return f"COALESCE({self._add('COUNT(*)', selection)}, 0)"

    def first_time(self, selection: Selection) -> str:
        """When the first one happened."""
        return self._add("MIN(ts)", selection)

    def last_time(self, selection: Selection) -> str:
        """When the last one happened."""
        return self._add("MAX(ts)", selection)

    def last_holds(self, selection: Selection, condition: str) -> str:
        """Whether the last one satisfies the condition; of several at one instant, one is enough."""
        packed = f"MAX((EPOCH_US(ts) * 2) + (CASE WHEN {condition} THEN 1 ELSE 0 END))"
        return f"({self._add(packed, selection)} & 1) = 1"

    def periods(self, selection: Selection, period_us: int) -> str:
        """In how many periods before `as_of` it happened; at most PERIOD_BITS periods."""
        bind = self.events.sql.bind
        end = f"(EPOCH_US({bind(self.events.sql.as_of)}) - 1)"
        # Capped: the shift is computed for every row, also for those that the filter leaves out.
        index = f"CAST(LEAST(({end} - EPOCH_US(ts)) // {bind(period_us)}, {PERIOD_BITS}) AS INTEGER)"
        bits = self._add(f"BIT_OR(CAST(1 AS BIGINT) << {index})", selection)
        return f"COALESCE(BIT_COUNT({bits}), 0)"

    def of_property(self, function: str, selection: Selection, value: Typed) -> Typed:
        """sum, avg, min, max, distinct, first, last or most_frequent of a property."""
        kind = value.type or ValueType.TEXT
        match function:
            case "sum" | "avg":
                return self._sum(function, selection, value)
            case "min" | "max":
                return Typed(self._add(f"{function.upper()}({value.sql})", selection), kind)
            case "distinct":
                return Typed(self._distinct(selection, self._number(value.sql)), ValueType.NUMBER)
            case "first" | "last":
                return Typed(self._extreme(function, selection, self._number(value.sql)), kind)
            case _:
                return Typed(self._most_frequent(selection, self._number(value.sql)), kind)

    # how it is answered

    def _add(self, aggregate: str, selection: Selection, *more: str) -> str:
        """The column that holds the aggregate over the selection, shared when it was asked before."""
        self._selections[selection] = None
        condition = both([self.events.filter(selection, as_of=False), *more])
        sql = aggregate if condition == "TRUE" else f"{aggregate} FILTER (WHERE {condition})"
        return "e." + self._aggregates.setdefault(sql, f"a{len(self._aggregates)}")

    def _number(self, column: str) -> Numbered:
        return self._numbered.setdefault(column, Numbered(column, len(self._numbered)))

    def _sum(self, function: str, selection: Selection, value: Typed) -> Typed:
        kind = value.type
        if kind is ValueType.MONEY:
            term = value.sql
        elif kind is ValueType.NUMBER:
            term = f"TRY_CAST(ROUND({value.sql} * {SUM_SCALE}) AS BIGINT)"
        else:
            return Typed("CAST(NULL AS DOUBLE)" if function == "avg" else "0", ValueType.NUMBER)
        total = f"CAST({self._add(f'SUM({term})', selection)} AS BIGINT)"
        if function == "sum":
            if kind is ValueType.MONEY:
                return Typed(f"COALESCE({total}, 0)", kind)
            return Typed(f"(COALESCE({total}, 0) / {SUM_SCALE}.0)", ValueType.NUMBER)
        n = self._add(f"COUNT({term})", selection)
        if kind is ValueType.MONEY:
            return Typed(f"CAST(ROUND({total} / NULLIF({n}, 0)) AS BIGINT)", kind)
        return Typed(f"({total} / NULLIF({n}, 0) / {SUM_SCALE}.0)", ValueType.NUMBER)

    def _distinct(self, selection: Selection, value: Numbered) -> str:
        few = self._add(f"BIT_OR({value.bit})", selection)
        many = self._beside(value, "others", selection)
        return f"(COALESCE(BIT_COUNT({few}), 0) + COALESCE({many}_values, 0))"

    def _extreme(self, function: str, selection: Selection, value: Numbered) -> str:
        """The value at the first or last instant; of several there the smallest or largest."""
        extreme = "MIN" if function == "first" else "MAX"
        packed = f"{extreme}((GREATEST(EPOCH_US(ts), {_OLDEST_US}) * {_ROOM}) + {value.n})"
        number = self._add(packed, selection, f"{value.n} IS NOT NULL")
        raw = self._beside(value, f"{function}s", selection)
        return f"COALESCE({self._named(value, f'({number} & {_ROOM - 1})')}, ({raw})[2])"

    def _named(self, value: Numbered, number: str) -> str:
        """The value that has the number."""
        join = f"LEFT JOIN values_{value.i} AS {{}} ON {{}}.n = {number}"
        return f"{self._joins.setdefault(join, f'd{len(self._joins)}')}.value"

    def _most_frequent(self, selection: Selection, value: Numbered) -> str:
        """The commonest value; of several equally common ones the smallest."""
        best = self._beside(value, "numbers", selection)
        other = self._beside(value, "others", selection)
        number = f"({_ROOM - 1} - ({best} & {_ROOM - 1}))"
        return f"COALESCE({self._named(value, number)}, {other}_best)"

    def _beside(self, value: Numbered, what: str, selection: Selection) -> str:
        """The column that holds an answer worked out beside the scan, one for each selection.

        numbers: the numbered values with their counts · others: the values that have no bit, or no number ·
        firsts, lasts: the extreme (ts, value) of values without a number.
        """
        asked = self._asides.setdefault((value, what), {})
        return f"{what}_{value.i}." + asked.setdefault(selection, f"s{len(asked)}")

    def steps(self) -> list[Step]:
        """The numbering of values, the scan, and what is worked out beside it."""
        found: list[Step] = []
        for value in self._numbered.values():
            found += self._numbering(value)
        if self._aggregates:
            columns = ",\n  ".join(f"{aggregate} AS {name}" for aggregate, name in self._aggregates.items())
            source = self._source(list(self._selections), list(self._numbered.values()))
            found.append(Step("happened", f"SELECT ix,\n  {columns}\nFROM {source}\nGROUP BY ix"))
        for (value, what), asked in self._asides.items():
            found += self._aside(value, what, asked)
        return found

    def _numbering(self, value: Numbered) -> list[Step]:
        """The distinct values in order, numbered from 0; none where there are too many."""
        selections = [s for (asked, _), found in self._asides.items() if asked == value for s in found]
        rows = f"{self._rows(selections)} AND {value.column} IS NOT NULL"
        guessed = f"(SELECT APPROX_COUNT_DISTINCT({value.column}) FROM events WHERE {rows}) <= {_GUESS}"
        seen = f"SELECT DISTINCT {value.column} AS value FROM events WHERE {rows} AND {guessed}"
        size = f"(SELECT COUNT(*) FROM seen_{value.i})"
        numbered = (
            f"SELECT value, n, CASE WHEN {size} <= {MOST_BITS} THEN CAST(1 AS BIGINT) << n END AS bit\n"
            f"FROM (SELECT value, ROW_NUMBER() OVER (ORDER BY value) - 1 AS n FROM seen_{value.i})\n"
            f"WHERE {size} <= {MOST_NUMBERED}"
        )
        return [Step(f"seen_{value.i}", seen), Step(f"values_{value.i}", numbered)]

    def _aside(self, value: Numbered, what: str, asked: dict[Selection, str]) -> list[Step]:
        """One answer for each selection, worked out beside the scan."""
        tests = {name: self.events.filter(selection, as_of=False) for selection, name in asked.items()}
        rows = f"{self._rows(list(asked))} AND {value.column} IS NOT NULL"
        name, values = f"{what}_{value.i}", f"values_{value.i}"
        if what in ("firsts", "lasts"):
            extreme = "MIN" if what == "firsts" else "MAX"
            columns = ", ".join(
                f"{extreme}(ROW(ts, {value.column})) FILTER (WHERE {test}) AS {column}"
                for column, test in tests.items()
            )
            unnumbered = f"(SELECT COUNT(*) FROM {values}) = 0"
            return [Step(name, f"SELECT ix, {columns} FROM events WHERE {rows} AND {unnumbered} GROUP BY ix")]
        counts = ", ".join(f"COUNT(*) FILTER (WHERE {test}) AS {column}" for column, test in tests.items())
        if what == "numbers":
            key = f"v.n AS value, {counts} FROM events JOIN {values} AS v ON v.value = {value.column} WHERE {rows}"
        else:
            unbitten = f"(SELECT COUNT(bit) FROM {values}) = 0"
            key = f"{value.column} AS value, {counts} FROM events WHERE {rows} AND {unbitten}"
        grouped = f"SELECT ix, {key} GROUP BY ALL"
        if what == "numbers":
            columns = ", ".join(
                f"MAX(({column} * {_ROOM}) + {_ROOM - 1} - value) FILTER (WHERE {column} > 0) AS {column}"
                for column in tests
            )
        else:
            columns = ", ".join(
                f"COUNT(*) FILTER (WHERE {column} > 0) AS {column}_values, "
                f"ARG_MIN(value, ROW(-{column}, value)) FILTER (WHERE {column} > 0) AS {column}_best"
                for column in tests
            )
        return [
            Step(f"{name}_counts", grouped),
            Step(name, f"SELECT ix, {columns} FROM {name}_counts GROUP BY ix"),
        ]

    def _rows(self, selections: list[Selection]) -> str:
        """A condition that holds for every row of any selection, and for few others."""
        sql = self.events.sql
        tests = ["ix IS NOT NULL" if self.among is None else f"ix IN (SELECT ix FROM {quoted(self.among)})"]
        if all(selection.codes is not None for selection in selections):
            codes = sorted({code for selection in selections for code in selection.codes or ()})
            tests.append(code_in(sql, codes))
        lows = [selection.low for selection in selections]
        if lows and all(low is not None for low in lows):
            tests.append(f"ts >= {sql.bind(min(low for low in lows if low is not None))}")
        tests.append(f"ts < {sql.bind(sql.as_of)}")
        return both(tests)

    def _source(self, selections: list[Selection], wanted: list[Numbered]) -> str:
        """`events`, with the numbers of the numbered properties beside it."""
        rows = self._rows(selections)
        if not wanted:
            return f"events WHERE {rows}"
        columns, joins = ["events.*"], []
        for value in wanted:
            alias = f"v{value.i}"
            columns += [f"{alias}.n AS {value.n}", f"{alias}.bit AS {value.bit}"]
            joins.append(f"LEFT JOIN values_{value.i} AS {alias} ON {alias}.value = {value.column}")
        return f"(SELECT {', '.join(columns)} FROM events {' '.join(joins)} WHERE {rows})"

    def joins(self) -> list[str]:
        """How the person's row reaches the aggregates."""
        joins = ["LEFT JOIN happened AS e ON e.ix = p.ix"] if self._aggregates else []
        asides = [f"{what}_{value.i}" for value, what in self._asides]
        joins += [f"LEFT JOIN {aside} ON {aside}.ix = p.ix" for aside in asides]
        return [*joins, *(join.format(alias, alias) for join, alias in self._joins.items())]
