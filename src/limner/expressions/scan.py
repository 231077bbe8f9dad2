"""One pass over `events` for every aggregate of a query, grouped by person.

Sums are integers, ties are broken by value: the same rows give the same bits in any order and on any engine.
A property that is asked for its first, last, distinct or commonest value is first numbered in the order of its
values (when it has at most MOST_NUMBERED), so that these become arithmetic on integers. Which of the two ways
is taken is decided inside the query; the answers are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b

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
ROOM = 1_024
"""What a number is packed beside an instant in: instant * ROOM + number."""

HAPPENED = "LEFT JOIN happened AS e ON e.ix = p.ix"
"""How the person's row reaches the tallies."""

_OLDEST_US = -(2**52)
_GUESS = 900


@dataclass(frozen=True)
class Numbers:
    """A table (value, n, bit) in which the values of a property are numbered already, and how many they are at most.

    Every number below its number of rows is there; a value that was forgotten is NULL. `size` None: the values are too
    many, and the table is empty.
    """

    table: str
    size: int | None

    @property
    def bits(self) -> bool:
        """Whether each number has a bit of its own."""
        return self.size is not None and self.size <= MOST_BITS


@dataclass(frozen=True)
class Numbered:
    """A property whose values are numbered from 0, in their order, in a table (value, n, bit).

    The table is empty where there are too many values; `bit` is 1 << n, NULL where they are too many for bits.
    `given`: the table, when it is there already; else it is a step of the query.
    """

    column: str
    given: Numbers | None = None

    @property
    def name(self) -> str:
        """The column's name, or another that is the same for the same expression."""
        bare = self.column.strip('"')
        return bare if bare.isidentifier() else blake2b(self.column.encode(), digest_size=8).hexdigest()

    @property
    def table(self) -> str:
        """The table of the numbers, quoted."""
        return quoted(f"values_{self.name}" if self.given is None else self.given.table)

    @property
    def n(self) -> str:
        """The value's number, beside the event."""
        return f"n_{self.name}"

    @property
    def bit(self) -> str:
        """The bit of the value's number, beside the event."""
        return f"bit_{self.name}"


MANY = 48
"""From so many aggregates in one query on a condition stands inside of each: one more with a FILTER costs the more, the
more stand beside it; of few a FILTER spares what it leaves out, which is little where only a window is asked for."""

FUNCTIONS = {"count": "COUNT", "sum": "SUM", "min": "MIN", "max": "MAX", "or": "BIT_OR"}
CARRIED = frozenset(FUNCTIONS)
"""What can be carried on from one instant to the next by adding what came and taking away what went."""


@dataclass(frozen=True)
class Tally:
    """One aggregate of a person's events: what is counted, over which events, and which of them count.

    `numbered`: the property whose numbers the term is made of.
    """

    how: str
    term: str
    selection: Selection
    more: tuple[str, ...] = ()
    numbered: Numbered | None = None

    @property
    def name(self) -> str:
        """Its column: the same for the same question at any instant."""
        asked = "\0".join((self.how, self.term, self.selection.text, *self.more))
        return "_t" + blake2b(asked.encode(), digest_size=8).hexdigest()

    @property
    def carried(self) -> bool:
        """Whether it can be carried on to a later instant."""
        if self.numbered is not None and self.numbered.given is None:
            return False
        return self.how in CARRIED and "$" not in self.term and "$" not in "".join(self.more)


def over(tally: Tally, condition: str, *, together: int, window: bool = False) -> str:
    """The aggregate of a tally over the events of which the condition is true; with none of them: NULL, or 0 of counts.

    `together`: how many aggregates one query holds. `window`: the condition is one of time alone. Either form gives the
    same value; which is quicker depends on these.
    """
    function = FUNCTIONS[tally.how]
    if condition == "TRUE":
        return f"{function}({tally.term})"
    if together < MANY and not window:
        return f"{function}({tally.term}) FILTER (WHERE {condition})"
    term = "1" if tally.term == "*" else tally.term
    return f"{function}(CASE WHEN {condition} THEN {term} END)"


@dataclass
class EventPass:
    """Collects aggregates and answers them in one scan.

    `among`: a table of `ix` to which the scan is restricted. `numbers`: by column, values that are numbered already.
    """

    events: EventSql
    among: str | None = None
    numbers: Mapping[str, Numbers] = field(default_factory=dict)
    _selections: dict[Selection, None] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    _numbered: dict[str, Numbered] = field(default_factory=dict)
    _asides: dict[tuple[Numbered, str], dict[Selection, str]] = field(default_factory=dict)
    _joins: dict[str, str] = field(default_factory=dict)

    # what can be asked

    def count(self, selection: Selection) -> str:
        """How many events; 0 when there are none."""
        return f"COALESCE({self._add('count', '*', selection)}, 0)"

    def first_time(self, selection: Selection) -> str:
        """When the first one happened."""
        return self._add("min", "ts", selection)

    def last_time(self, selection: Selection) -> str:
        """When the last one happened."""
        return self._add("max", "ts", selection)

    def last_holds(self, selection: Selection, condition: str) -> str:
        """Whether the last one satisfies the condition; of several at one instant, one is enough."""
        packed = f"(EPOCH_US(ts) * 2) + (CASE WHEN {condition} THEN 1 ELSE 0 END)"
        return f"({self._add('max', packed, selection)} & 1) = 1"

    def periods(self, selection: Selection, period_us: int) -> str:
        """In how many periods before `as_of` it happened; at most PERIOD_BITS periods."""
        bind = self.events.sql.bind
        end = f"(EPOCH_US({bind(self.events.sql.as_of)}) - 1)"
        # Capped: the shift is computed for every row, also for those that the filter leaves out.
        index = f"CAST(LEAST(({end} - EPOCH_US(ts)) // {bind(period_us)}, {PERIOD_BITS}) AS INTEGER)"
        bits = self._add("or", f"CAST(1 AS BIGINT) << {index}", selection)
        return f"COALESCE(BIT_COUNT({bits}), 0)"

    def of_property(self, function: str, selection: Selection, value: Typed) -> Typed:
        """sum, avg, min, max, distinct, first, last or most_frequent of a property."""
        kind = value.type or ValueType.TEXT
        match function:
            case "sum" | "avg":
                return self._sum(function, selection, value)
            case "min" | "max":
                return Typed(self._add(function, value.sql, selection), kind)
            case "distinct":
                return Typed(self._distinct(selection, self._number(value.sql)), ValueType.NUMBER)
            case "first" | "last":
                return Typed(self._extreme(function, selection, self._number(value.sql)), kind)
            case _:
                return Typed(self._most_frequent(selection, self._number(value.sql)), kind)

    # how it is answered

    def _add(
        self, how: str, term: str, selection: Selection, *more: str, numbered: Numbered | None = None
    ) -> str:
        """The column that holds the aggregate over the selection, shared when it was asked before."""
        self._selections[selection] = None
        tally = Tally(how, term, selection, more, numbered)
        self.tallies[tally.name] = tally
        return "e." + tally.name

    def _sql(self, tally: Tally, held: tuple[bool, datetime | None]) -> str:
        """The tally in SQL. `held`: whether the scan has the tally's names alone, and from when on it has events."""
        names, low = held
        asked = tally.selection
        asked = replace(
            asked, codes=None if names else asked.codes, low=None if asked.low == low else asked.low
        )
        condition = both([self.events.filter(asked, as_of=False), *tally.more])
        window = asked.codes is None and not asked.where and not tally.more
        return over(tally, condition, together=len(self.tallies), window=window)

    @property
    def selections(self) -> tuple[Selection, ...]:
        """Every selection of events that something rests on."""
        beside = [selection for asked in self._asides.values() for selection in asked]
        return tuple(dict.fromkeys([*self._selections, *beside]))

    @property
    def plain(self) -> bool:
        """Whether everything can be carried on to a later instant."""
        return not self._asides and all(tally.carried for tally in self.tallies.values())

    @property
    def numbered(self) -> tuple[str, ...]:
        """The columns whose values are numbered."""
        return tuple(self._numbered)

    def _number(self, column: str) -> Numbered:
        return self._numbered.setdefault(column, Numbered(column, self.numbers.get(column)))

    def _sum(self, function: str, selection: Selection, value: Typed) -> Typed:
        kind = value.type
        if kind is ValueType.MONEY:
            term = value.sql
        elif kind is ValueType.NUMBER:
            term = f"TRY_CAST(ROUND({value.sql} * {SUM_SCALE}) AS BIGINT)"
        else:
            return Typed("CAST(NULL AS DOUBLE)" if function == "avg" else "0", ValueType.NUMBER)
        total = f"CAST({self._add('sum', term, selection)} AS BIGINT)"
        if function == "sum":
            if kind is ValueType.MONEY:
                return Typed(f"COALESCE({total}, 0)", kind)
            return Typed(f"(COALESCE({total}, 0) / {SUM_SCALE}.0)", ValueType.NUMBER)
        n = self._add("count", term, selection)
        if kind is ValueType.MONEY:
            return Typed(f"CAST(ROUND({total} / NULLIF({n}, 0)) AS BIGINT)", kind)
        return Typed(f"({total} / NULLIF({n}, 0) / {SUM_SCALE}.0)", ValueType.NUMBER)

    def _distinct(self, selection: Selection, value: Numbered) -> str:
        if value.given is not None and value.given.bits:
            few = self._add("or", value.bit, selection, numbered=value)
            return f"COALESCE(BIT_COUNT({few}), 0)"
        many = f"COALESCE({self._beside(value, 'others', selection)}_values, 0)"
        if value.given is not None:
            return many
        few = self._add("or", value.bit, selection, numbered=value)
        return f"(COALESCE(BIT_COUNT({few}), 0) + {many})"

    def _extreme(self, function: str, selection: Selection, value: Numbered) -> str:
        """The value at the first or last instant; of several there the smallest or largest."""
        how = "min" if function == "first" else "max"
        if value.given is not None and value.given.size is None:
            both_of = f"{{'at': ts, 'value': {value.column}}}"
            return f"({self._add(how, both_of, selection, f'{value.column} IS NOT NULL')})['value']"
        packed = f"(GREATEST(EPOCH_US(ts), {_OLDEST_US}) * {ROOM}) + {value.n}"
        number = self._add(how, packed, selection, numbered=value)
        if value.given is not None:
            return f"(SELECT LIST(value ORDER BY n) FROM {value.table})[({number} & {ROOM - 1}) + 1]"
        raw = self._beside(value, f"{function}s", selection)
        return f"COALESCE({self._named(value, f'({number} & {ROOM - 1})')}, ({raw})[2])"

    def _named(self, value: Numbered, number: str) -> str:
        """The value that has the number."""
        join = f"LEFT JOIN {value.table} AS {{}} ON {{}}.n = {number}"
        return f"{self._joins.setdefault(join, f'd{len(self._joins)}')}.value"

    def _most_frequent(self, selection: Selection, value: Numbered) -> str:
        """The commonest value; of several equally common ones the smallest."""
        best = self._beside(value, "numbers", selection)
        other = self._beside(value, "others", selection)
        number = f"({ROOM - 1} - ({best} & {ROOM - 1}))"
        return f"COALESCE({self._named(value, number)}, {other}_best)"

    def _beside(self, value: Numbered, what: str, selection: Selection) -> str:
        """The column that holds an answer worked out beside the scan, one for each selection.

        numbers: the numbered values with their counts · others: the values that have no bit, or no number ·
        firsts, lasts: the extreme (ts, value) of values without a number.
        """
        asked = self._asides.setdefault((value, what), {})
        return f"{what}_{value.name}." + asked.setdefault(selection, f"s{len(asked)}")

    def steps(self) -> list[Step]:
        """The numbering of values, the scan, and what is worked out beside it."""
        found: list[Step] = []
        for value in self._numbered.values():
            if value.given is None:
                found += self._numbering(value)
        if self.tallies:
            held = len({one.codes for one in self._selections}) == 1, _low(self._selections)
            columns = ",\n  ".join(
                f"{self._sql(tally, held)} AS {name}" for name, tally in self.tallies.items()
            )
            source = self._source(list(self._selections), list(self._numbered.values()))
            found.append(Step("happened", f"SELECT ix,\n  {columns}\nFROM {source}\nGROUP BY ix"))
        for (value, what), asked in self._asides.items():
            found += self._aside(value, what, asked)
        return found

    def _numbering(self, value: Numbered) -> list[Step]:
        """The distinct values in order, numbered from 0; none where there are too many."""
        rows = self._valued(value)
        guessed = f"(SELECT APPROX_COUNT_DISTINCT({value.column}) FROM events WHERE {rows}) <= {_GUESS}"
        seen = f"seen_{value.name}"
        return [
            Step(seen, f"SELECT DISTINCT {value.column} AS value FROM events WHERE {rows} AND {guessed}"),
            Step(f"values_{value.name}", numbering(f"SELECT value FROM {quoted(seen)}")),
        ]

    def _valued(self, value: Numbered) -> str:
        """A condition for every row whose value of the property is asked for."""
        selections = [s for (asked, _), found in self._asides.items() if asked == value for s in found]
        selections += [tally.selection for tally in self.tallies.values() if tally.numbered == value]
        return f"{self._rows(list(dict.fromkeys(selections)))} AND {value.column} IS NOT NULL"

    def distinct_values(self, column: str) -> str:
        """The query of the values of a numbered property (value), none twice."""
        rows = self._valued(self._numbered[column])
        return f"SELECT DISTINCT {column} AS value FROM events WHERE {rows}"

    def _aside(self, value: Numbered, what: str, asked: dict[Selection, str]) -> list[Step]:
        """One answer for each selection, worked out beside the scan."""
        tests = {name: self.events.filter(selection, as_of=False) for selection, name in asked.items()}
        rows = f"{self._rows(list(asked))} AND {value.column} IS NOT NULL"
        values = value.table
        if what in ("firsts", "lasts"):
            extreme = "MIN" if what == "firsts" else "MAX"
            columns = ", ".join(
                f"{extreme}(ROW(ts, {value.column})) FILTER (WHERE {test}) AS {column}"
                for column, test in tests.items()
            )
            unnumbered = f"(SELECT COUNT(*) FROM {values}) = 0"
            kept = f"{rows} AND {unnumbered}"
            return [
                Step(f"{what}_{value.name}", f"SELECT ix, {columns} FROM events WHERE {kept} GROUP BY ix")
            ]
        counts = ", ".join(f"COUNT(*) FILTER (WHERE {test}) AS {column}" for column, test in tests.items())
        if what == "numbers":
            key = f"v.n AS value, {counts} FROM events JOIN {values} AS v ON v.value = {value.column} WHERE {rows}"
        else:
            unbitten = f"(SELECT COUNT(bit) FROM {values}) = 0"
            key = f"{value.column} AS value, {counts} FROM events WHERE {rows} AND {unbitten}"
        grouped = f"SELECT ix, {key} GROUP BY ALL"
        if what == "numbers":
            columns = ", ".join(
                f"MAX(({column} * {ROOM}) + {ROOM - 1} - value) FILTER (WHERE {column} > 0) AS {column}"
                for column in tests
            )
        else:
            columns = ", ".join(
                f"COUNT(*) FILTER (WHERE {column} > 0) AS {column}_values, "
                f"ARG_MIN(value, ROW(-{column}, value)) FILTER (WHERE {column} > 0) AS {column}_best"
                for column in tests
            )
        return [
            Step(f"{what}_{value.name}_counts", grouped),
            Step(
                f"{what}_{value.name}",
                f"SELECT ix, {columns} FROM {quoted(f'{what}_{value.name}_counts')} GROUP BY ix",
            ),
        ]

    def _rows(self, selections: list[Selection]) -> str:
        """A condition that holds for every row of any selection, and for few others."""
        sql = self.events.sql
        tests = ["ix IS NOT NULL" if self.among is None else f"ix IN (SELECT ix FROM {quoted(self.among)})"]
        if all(selection.codes is not None for selection in selections):
            codes = sorted({code for selection in selections for code in selection.codes or ()})
            tests.append(code_in(sql, codes))
        low = _low(selections)
        if low is not None:
            tests.append(f"ts >= {sql.bind(low)}")
        tests.append(f"ts < {sql.bind(sql.as_of)}")
        return both(tests)

    def _source(self, selections: list[Selection], wanted: list[Numbered]) -> str:
        """`events`, with the numbers of the numbered properties beside it."""
        rows = self._rows(selections)
        beside = [value for value in wanted if any(t.numbered == value for t in self.tallies.values())]
        return f"events WHERE {rows}" if not beside else f"({with_numbers('events', beside)} WHERE {rows})"

    def joins(self) -> list[str]:
        """How the person's row reaches the aggregates."""
        joins = [HAPPENED] if self.tallies else []
        asides = [quoted(f"{what}_{value.name}") for value, what in self._asides]
        joins += [f"LEFT JOIN {aside} ON {aside}.ix = p.ix" for aside in asides]
        return [*joins, *(join.format(alias, alias) for join, alias in self._joins.items())]


def _low(selections: Iterable[Selection]) -> datetime | None:
    """From when on any selection has events; None: from the beginning."""
    lows = [selection.low for selection in selections]
    return None if None in lows else min((low for low in lows if low is not None), default=None)


def numbering(values: str) -> str:
    """The query (value, n, bit) that numbers the values of a query (value) in their order; none when too many."""
    return (
        f"WITH every AS MATERIALIZED ({values}), counted AS (SELECT COUNT(*) AS size FROM every)\n"
        f"SELECT value, n, CASE WHEN size <= {MOST_BITS} THEN CAST(1 AS BIGINT) << n END AS bit\n"
        "FROM (SELECT value, ROW_NUMBER() OVER (ORDER BY value) - 1 AS n FROM every), counted\n"
        f"WHERE size <= {MOST_NUMBERED}"
    )


def with_numbers(rows: str, values: Iterable[Numbered]) -> str:
    """The query of all columns of a table, with the numbers and bits of numbered properties beside them."""
    columns, joins = [f"{rows}.*"], []
    for value in values:
        alias = quoted(f"v_{value.name}")
        columns += [f"{alias}.n AS {value.n}", f"{alias}.bit AS {value.bit}"]
        joins.append(f"LEFT JOIN {value.table} AS {alias} ON {alias}.value = {value.column}")
    return f"SELECT {', '.join(columns)} FROM {rows} {' '.join(joins)}"
