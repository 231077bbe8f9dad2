"""From a tree to the parts of a query: bound values, named steps and joins, as they are needed.

Tables read: persons, events, attributes and the tag tables that the catalog names. Windows are computed here
from `as_of`; no row with ts >= as_of is ever read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import md5
from typing import Any

from limner.engine.seam import Query, Step, quoted
from limner.errors import ExpressionError, did_you_mean
from limner.expressions import interests
from limner.expressions import tree as t
from limner.expressions.arithmetic import arithmetic
from limner.expressions.attributes import attribute_steps, history_steps, json_at
from limner.expressions.catalog import Catalog
from limner.expressions.habits import (
    DAY_US,
    age,
    anniversary,
    bounded_steps,
    current_run,
    day_of,
    delay_steps,
    rank_steps,
    run_steps,
    top_steps,
    usual_steps,
)
from limner.expressions.happenings import (
    EventSql,
    Selection,
    misplaced,
    simple_test,
)
from limner.expressions.predicate import NEVER, fitting
from limner.expressions.scan import HAPPENED, PERIOD_BITS, SUM_SCALE, EventPass, Numbers
from limner.expressions.sequences import regular_steps, sequence_steps
from limner.expressions.sql import FALSE, Bound, Sql, Typed, both
from limner.expressions.windows import bounds
from limner.types import ValueType, naive

DEEPEST_INLINED = 120
MOST_INLINED = 10_000
_SAMPLE_RANGE = 2**32


@dataclass(frozen=True)
class Cases:
    """The value of the first case whose condition is true, else `otherwise` (None = missing)."""

    cases: tuple[tuple[t.Expr, t.Literal], ...]
    otherwise: t.Literal | None
    type: ValueType


@dataclass(frozen=True)
class Scores:
    """The sum of what each condition that is true is worth, in millionths; with `tiers` the name of its tier.

    A sum at a cut point (`cuts`, rising) is in the tier above it; `tiers` is one more, from the lowest.
    """

    rows: tuple[tuple[t.Expr, int], ...]
    cuts: tuple[int, ...] = ()
    tiers: tuple[str, ...] = ()


def timeless(value: t.Aggregate | t.Streak) -> t.Value:
    """The value, or what it is read from together with the time from now."""
    if isinstance(value, t.Streak):
        return replace(value, function=LATEST_RUN) if value.function == "current_streak" else value
    bounded = isinstance(value.window, t.SinceEvent | t.BeforeEvent)
    return replace(value, function="last_time") if bounded and value.function == "recency" else value


LATEST_RUN = "latest run"
"""A streak that no text can say: the latest run, long ago or not."""


class Compiler:
    """The state of one compilation: bound values, steps and joins as they are needed."""

    def __init__(
        self,
        catalog: Catalog,
        as_of: datetime,
        zone: str | None,
        among: str | None,
        bind: Bound | None = None,
        numbers: Mapping[str, Numbers] | None = None,
    ) -> None:
        self.catalog = catalog
        self.bind = Bound() if bind is None else bind
        self.sql = Sql(self.bind, naive(as_of), zone or catalog.zone)
        self.events = EventSql(self.sql, catalog)
        self.scan = EventPass(self.events, among, numbers or {})
        self.among = among
        self.steps: list[Step] = []
        self.joins: list[str] = []
        self._tags: dict[str, Typed] = {}
        self._attributes: dict[str, str] = {}
        self._weights: dict[t.Weight, str] = {}
        self._members: dict[t.Node, str] = {}
        self._open_audiences: list[str] = []
        self._depth = 0
        self._conditions = 0
        self.now: str | None = None
        self.stored: Mapping[t.Value, Typed] = {}
        self._rests: dict[Selection, None] = {}
        self._beside: dict[t.Value, Typed] = {}

    @property
    def selections(self) -> tuple[Selection, ...]:
        """Every selection of events that something rests on."""
        return tuple(dict.fromkeys([*self.scan.selections, *self._rests]))

    @property
    def plain(self) -> bool:
        """Whether everything that was asked is made of tallies that can be carried on."""
        return self.scan.plain and not self.steps and not self.joins

    # the query

    def query(self, columns: Sequence[str], condition: str | None) -> Query:
        """SELECT columns of living people, where the condition is true."""
        tests = ["p.merged_into IS NULL", "NOT p.erased"]
        if self.among is not None:
            tests.append(f"p.ix IN (SELECT ix FROM {quoted(self.among)})")
        if condition is not None:
            tests.append(f"({condition})")
        joins = "\n".join([*self.scan.joins(), *self.joins])
        final = f"SELECT {', '.join(columns)}\nFROM persons AS p\n{joins}\nWHERE {' AND '.join(tests)}"
        return Query((*self.scan.steps(), *self.steps), final, dict(self.bind.values))

    def candidates(self, condition: str, *, did: bool) -> Query:
        """The query of the people (ix) for whom the condition is true, and perhaps of some who live no more.

        `did`: it is only true of people who did something. Where it asks of nothing but tallies of events, too, these
        are read alone: everybody else need not be looked at.
        """
        plain = not self.steps and self.scan.joins() == [HAPPENED] and not self.joins
        if not did or not plain or re.search(r"\bp\.", condition):
            return self.query(["p.ix AS ix"], condition)
        final = f"SELECT e.ix AS ix FROM happened AS e WHERE {condition}"
        return Query(tuple(self.scan.steps()), final, dict(self.bind.values))

    def doers(self, node: t.Did) -> str:
        """The query (ix) of who did it at all, once for each time. Its window is one of time."""
        selection = self._selection(node.event, node.window)
        who = "ix IS NOT NULL" if self.among is None else f"ix IN (SELECT ix FROM {quoted(self.among)})"
        return f"SELECT ix FROM events WHERE {both([self.events.filter(selection), who])}"

    def column(self, value: t.Value | Cases | Scores) -> str:
        """A value as a column of the result."""
        if isinstance(value, Scores):
            return self._scores(value)
        if not isinstance(value, Cases):
            typed = self.value(value)
            return self.sql.cast(typed, ValueType.TEXT) if typed.type is None else typed.sql
        if not value.cases:
            return self._then(value.otherwise, value.type)
        whens = " ".join(
            f"WHEN {self.condition(when)} THEN {self._then(then, value.type)}" for when, then in value.cases
        )
        return f"(CASE {whens} ELSE {self._then(value.otherwise, value.type)} END)"

    def _scores(self, scores: Scores) -> str:
        worth = [
            f"CASE WHEN {self.condition(when)} THEN {self.bind(n)} ELSE 0 END" for when, n in scores.rows
        ]
        total = f"CAST({' + '.join(f'({one})' for one in worth)} AS BIGINT)"
        if not scores.tiers:
            return f"({total} / {SUM_SCALE}.0)"
        above = zip(reversed(scores.cuts), reversed(scores.tiers[1:]), strict=True)
        whens = " ".join(f"WHEN {total} >= {self.bind(cut)} THEN {self.bind(tier)}" for cut, tier in above)
        return f"(CASE {whens} ELSE {self.bind(scores.tiers[0])} END)"

    def _then(self, literal: t.Literal | None, kind: ValueType) -> str:
        if literal is None:
            return "NULL"
        value = fitting(literal, kind, self.sql.zone)
        if value is NEVER or (kind is ValueType.MONEY and not isinstance(value, int)):
            line, column = literal.position or (1, 1)
            raise ExpressionError(f"this value is no {kind}", line=line, column=column, code="type")
        sql_type = _SQL_TYPES[kind]
        return f"CAST({self.bind(float(value) if kind is ValueType.NUMBER else value)} AS {sql_type})"

    # conditions

    def condition(self, node: t.Expr) -> str:
        """The condition as SQL over p and the joins; NULL counts as false."""
        self._depth += 1
        self._conditions += 1
        if self._depth > DEEPEST_INLINED or self._conditions > MOST_INLINED:
            raise too_deep()
        try:
            return self._condition(node)
        finally:
            self._depth -= 1

    def _condition(self, node: t.Expr) -> str:
        match node:
            case t.Or(args):
                return " OR ".join([f"({self.condition(arg)})" for arg in args])
            case t.And(args):
                return " AND ".join([f"({self.condition(arg)})" for arg in args])
            case t.Not(arg):
                return f"({self.condition(arg)}) IS NOT TRUE"
            case t.Flag(value):
                return "TRUE" if value else "FALSE"
            case t.Did(event, times, window):
                return self._did(self._counted(event, window), times)
            case t.FirstDid(event, window):
                low, high = bounds(window, as_of=self.sql.as_of, zone=self.sql.zone)
                first = self.scan.first_time(self._selection(event, None))
                after = "" if low is None else f"{first} >= {self.bind(low)} AND "
                return f"({after}{first} < {self.bind(high)})"
            case t.LastHas(event, has, window):
                return self.scan.last_holds(self._selection(event, window), self.events.condition(has))
            case t.Regularly():
                return self._regularly(node)
            case t.Sequence():
                return self._member(node, lambda name: sequence_steps(node, name, self.events, self.among))
            case t.HasBeen():
                return self._has_been(node)
            case t.InAudience(name):
                return self._in_audience(node, name)
            case t.Sample(rate, seed):
                return self._sample(rate, seed)
            case _:
                return simple_test(self.sql, node, self.value)

    def _counted(self, event: t.Event, window: t.Window | None) -> str:
        if isinstance(window, t.SinceEvent | t.BeforeEvent):
            return self.value(t.Aggregate("count", event, window=window)).sql
        return self.scan.count(self._selection(event, window))

    def _selection(self, event: t.Event, window: t.Window | None) -> Selection:
        return self.events.selection(event, bounds(window, as_of=self.sql.as_of, zone=self.sql.zone), window)

    def _did(self, count: str, times: t.Times | None) -> str:
        if times is None:
            return f"{count} >= 1"
        return f"{count} {times.sign} {self.bind(times.n)}"

    def _regularly(self, node: t.Regularly) -> str:
        least = 1 if node.times is None else node.times.n + (node.times.op == "more than")
        span = t.InLast(t.Duration(node.each.n * node.periods, node.each.unit))
        selection = self._selection(node.event, span)
        if least == 1 and node.periods <= PERIOD_BITS:
            periods = self.scan.periods(selection, node.each.seconds * 1_000_000)
            return f"{periods} >= {self.bind(node.least)}"
        return self._member(
            node, lambda name: regular_steps(node, least, selection, name, self.events, self.among)
        )

    def _member(self, node: t.Node, steps: Any) -> str:
        """The person is among the people of the steps' last one."""
        if node not in self._members:
            name = f"members_{len(self._members)}"
            self._members[node] = name
            self.steps.extend(steps(name))
            self.joins.append(f"LEFT JOIN {name} ON {name}.ix = p.ix")
        return f"{self._members[node]}.ix IS NOT NULL"

    def _has_been(self, node: t.HasBeen) -> str:
        attribute = tested_attribute(node.test)
        if attribute is None:
            raise misplaced(node.test, "before `for`: write one comparison of one attribute")
        path = self._path(attribute)
        if path is None:
            raise misplaced(node.test, "before `for`: only attributes have a history")
        test = simple_test(
            self.sql,
            node.test,
            lambda value: (
                self.sql.literal(value)
                if isinstance(value, t.Literal)
                else Typed(json_at(path, "value", self.sql), None)
            ),
        )
        name = f"members_{len(self._members)}"
        key = node
        if key not in self._members:
            self._members[key] = name
            self.steps.extend(history_steps(name, path[0], test, self.sql, self.among))
            self.joins.append(f"LEFT JOIN {name} ON {name}.ix = p.ix")
        since = f"{self._members[key]}.since"
        start, _ = bounds(t.InLast(node.duration), as_of=self.sql.as_of, zone=self.sql.zone)
        return f"{since} {'<=' if node.op == 'at least' else '>'} {self.bind(start)}"

    def _in_audience(self, node: t.InAudience, name: str) -> str:
        if name in self._open_audiences:
            raise circle(self._open_audiences, name, node)
        found = self.catalog.audience(name)
        if found is None:
            raise unknown("audience", name, self.catalog.audience_names(), node)
        if isinstance(found, frozenset):
            return self._static(node, found)
        self._open_audiences.append(name)
        try:
            return self.condition(found)
        finally:
            self._open_audiences.pop()

    def _static(self, node: t.Node, members: frozenset[int]) -> str:
        if not members:
            return FALSE
        listed = self.bind(sorted(members))
        return self._member(
            node, lambda name: [Step(name, f"SELECT CAST(UNNEST({listed}) AS UINTEGER) AS ix")]
        )

    def _sample(self, rate: float, seed: int | str) -> str:
        limit = round(rate * _SAMPLE_RANGE)
        if limit >= _SAMPLE_RANGE:
            return "TRUE"
        drawn = f"SUBSTR(MD5(p.person_id || {self.bind(f':{seed}')}), 1, 8)"
        return f"{drawn} < {self.bind(f'{limit:08x}')}"

    # values

    def value(self, node: t.Value) -> Typed:
        """A tag, attribute, value of events, sum or literal as a typed value."""
        if node in self.stored:
            return self.stored[node]
        match node:
            case t.Name(name):
                return self._named(node, name)
            case t.Attribute(path):
                return self._attribute(path)
            case t.Aggregate():
                return self._aggregate(node)
            case t.Interest():
                return self._interest(node)
            case t.Weight(tag, label):
                return self._weight(tag, label)
            case t.Logistic(base, factors):
                return self._logistic(base, factors)
            case t.Arithmetic(left, _, right):
                return arithmetic(self.sql, node, self.value(left), self.value(right))
            case t.Streak(function, _, by):
                return self._streak(node, function, by)
            case t.Habit():
                return self._habit(node)
            case t.Delay(event, then, window):
                first, last = self._selection(event, window), self._selection(then, None)
                return self._worked_out(
                    node,
                    (first, last),
                    lambda name: delay_steps(name, first, last, self.events, self.among),
                    ValueType.NUMBER,
                )
            case t.Dated(function, dated):
                return self._dated(function, self.value(dated))
            case t.Flag() | t.Text() | t.Number() | t.Instant():
                return self.sql.literal(node)
            case _:
                raise misplaced(node, "outside where")

    def _path(self, node: t.Value) -> tuple[str, ...] | None:
        """The attribute that the value is, or None."""
        if isinstance(node, t.Attribute):
            return node.path
        if isinstance(node, t.Name) and self.catalog.tag(node.name) is None:
            return (node.name,)
        return None

    def _named(self, node: t.Name, name: str) -> Typed:
        """A bare name: the tag of that key, else the attribute of that name."""
        if name in self._tags:
            return self._tags[name]
        found = self.catalog.tag(name)
        if found is None:
            if name in set(self.catalog.attribute_names()):
                return self._attribute((name,))
            known = [*self.catalog.tag_keys(), *self.catalog.attribute_names()]
            raise unknown("tag or attribute", name, known, node)
        table, kind = found
        alias = f"t{len(self._tags)}"
        self.joins.append(
            f"LEFT JOIN {quoted(table)} AS {alias} ON {alias}.ix = p.ix "
            f"AND ({alias}.expires_at IS NULL OR {alias}.expires_at > {self.bind(self.sql.as_of)})"
        )
        self._tags[name] = Typed(f"{alias}.value", kind)
        return self._tags[name]

    def _interest(self, node: t.Interest) -> Typed:
        """The label with the greatest weight."""
        name = f"interest_{len(self.joins)}"
        self.steps.extend(interests.steps(node, self.events, name=name, among=self.among))
        self.joins.append(f"LEFT JOIN {name} ON {name}.ix = p.ix")
        return Typed(f"{name}.value", ValueType.TEXT)

    def _logistic(self, base: float, factors: Sequence[t.Factor]) -> Typed:
        """A chance from 0 to 1, rounded to a millionth so that every engine gives the same."""
        terms = [f"CAST({self.bind(float(base))} AS DOUBLE)"]
        for factor in factors:
            value = self.value(factor.tag)
            flag = value.type is ValueType.FLAG
            unit = (
                f"(CASE WHEN {value.sql} THEN 1 ELSE 0 END)"
                if flag
                else self.sql.cast(value, ValueType.NUMBER)
            )
            terms.append(f"({unit} * CAST({self.bind(float(factor.weight))} AS DOUBLE))")
        total = f"LEAST(GREATEST({' + '.join(terms)}, -700.0), 700.0)"
        known = " AND ".join(f"({term}) IS NOT NULL" for term in terms)
        return Typed(
            f"(CASE WHEN {known} THEN ROUND(1000000.0 / (1.0 + EXP(-({total})))) / 1000000.0 END)",
            ValueType.NUMBER,
        )

    def _weight(self, tag: t.Name, label: str) -> Typed:
        """The weight of a label; 0 for who has none of it."""
        found = self.catalog.tag(tag.name)
        if found is None:
            raise unknown("tag", tag.name, self.catalog.tag_keys(), tag)
        key = t.Weight(tag, label)
        if key not in self._weights:
            alias = f"w{len(self._weights)}"
            self._weights[key] = alias
            self.joins.append(
                f"LEFT JOIN {quoted(interests.weights_of(found[0]))} AS {alias} ON {alias}.ix = p.ix"
                f" AND {alias}.label = {self.bind(label)}"
                f" AND ({alias}.expires_at IS NULL OR {alias}.expires_at > {self.bind(self.sql.as_of)})"
            )
        return Typed(f"COALESCE({self._weights[key]}.weight, 0.0)", ValueType.NUMBER)

    def _attribute(self, path: tuple[str, ...]) -> Typed:
        name = path[0]
        if name not in self._attributes:
            alias = f"attribute_{len(self._attributes)}"
            self._attributes[name] = alias
            self.steps.extend(attribute_steps(alias, name, self.sql, self.among))
            self.joins.append(f"LEFT JOIN {alias} ON {alias}.ix = p.ix")
        return Typed(json_at(path, f"{self._attributes[name]}.value", self.sql), None)

    def _worked_out(
        self, node: t.Value, rests: Sequence[Selection], steps: Any, kind: ValueType | None
    ) -> Typed:
        """A value of events that steps of its own work out, as (ix, value)."""
        if node not in self._beside:
            name = f"beside_{len(self._beside)}"
            self._rests |= dict.fromkeys(rests)
            self._beside[node] = Typed(f"{name}.value", kind)
            self.steps.extend(steps(name))
            self.joins.append(f"LEFT JOIN {name} ON {name}.ix = p.ix")
        return self._beside[node]

    def _streak(self, node: t.Streak, function: str, by: str) -> Typed:
        if function == "current_streak":
            latest = self.value(timeless(node)).sql
            now = self.now or self.bind(self.sql.as_of)
            return Typed(f"COALESCE({current_run(self.sql, by, latest, now)}, 0)", ValueType.NUMBER)
        selection, latest_run = self._selection(node.event, node.window), function == LATEST_RUN
        found = self._worked_out(
            node,
            (selection,),
            lambda name: run_steps(name, by, selection, self.events, self.among, latest=latest_run),
            ValueType.NUMBER,
        )
        return Typed(f"COALESCE({found.sql}, 0)", ValueType.NUMBER) if function == "streak" else found

    def _habit(self, node: t.Habit) -> Typed:
        selection = self._selection(node.event, node.window)
        if node.function == "gap":
            first, last = self.scan.first_time(selection), self.scan.last_time(selection)
            days = f"((EPOCH_US({last}) - EPOCH_US({first})) / {DAY_US}.0)"
            return Typed(f"({days} / NULLIF({self.scan.count(selection)} - 1, 0))", ValueType.NUMBER)
        if node.function == "share":
            every = self.scan.count(self._selection(replace(node.event, where=None), node.window))
            some = self.scan.count(selection)
            return Typed(f"(CAST({some} AS DOUBLE) / NULLIF({every}, 0))", ValueType.NUMBER)
        part = "HOUR" if node.function == "usual_hour" else "ISODOW"
        return self._worked_out(
            node,
            (selection,),
            lambda name: usual_steps(name, part, node.least or 1, selection, self.events, self.among),
            ValueType.NUMBER,
        )

    def _dated(self, function: str, value: Typed) -> Typed:
        now = self.now or self.bind(self.sql.as_of)
        instant = self.sql.cast(value, ValueType.INSTANT)
        day, today = day_of(self.sql, instant), day_of(self.sql, now)
        if function == "age":
            return Typed(age(day, today), ValueType.NUMBER)
        return Typed(anniversary(self.sql, day, today), ValueType.INSTANT)

    def _bounded(self, node: t.Aggregate, window: t.SinceEvent | t.BeforeEvent) -> Typed:
        """An aggregate of the events after or before another one: the same aggregate over those rows alone."""
        bound, asked = self._selection(window.event, None), self._selection(node.event, None)
        inner = Compiler(self.catalog, self.sql.as_of, self.sql.zone, self.among, self.bind)
        inner.now = self.now
        value = inner.value(replace(node, window=None))

        def steps(name: str) -> list[Step]:
            after = isinstance(window, t.SinceEvent)
            rows = bounded_steps(name, window.which, bound, asked, self.events, self.among, after=after)
            found = inner.query(["p.ix AS ix", f"{value.sql} AS value"], None)
            over = Query((Step("events", f"SELECT * FROM {name}_events"), *found.steps), found.final)
            return [*rows, Step(name, over.sql)]

        found = self._worked_out(node, (bound, asked), steps, value.type)
        always = node.function in ("count", "distinct", "sum")
        return Typed(f"COALESCE({found.sql}, 0)", found.type) if always else found

    def _aggregate(self, node: t.Aggregate) -> Typed:
        if isinstance(node.window, t.SinceEvent | t.BeforeEvent):
            if node.function != "recency":
                return self._bounded(node, node.window)
            return self._recency(self.value(timeless(node)).sql)
        selection = self._selection(node.event, node.window)
        if node.nth is not None:
            value = self.events.property(node.of or "")
            nth, top = node.nth, node.function == t.TOP
            steps = top_steps if top else rank_steps
            return self._worked_out(
                node,
                (selection,),
                lambda name: steps(name, nth, value.sql, selection, self.events, self.among),
                ValueType.LIST if top else value.type,
            )
        match node.function:
            case "count":
                return Typed(self.scan.count(selection), ValueType.NUMBER)
            case "first_time":
                return Typed(self.scan.first_time(selection), ValueType.INSTANT)
            case "last_time":
                return Typed(self.scan.last_time(selection), ValueType.INSTANT)
            case "recency":
                return self._recency(self.scan.last_time(selection))
        return self.scan.of_property(node.function, selection, self.events.property(node.of or ""))

    def _recency(self, last: str) -> Typed:
        now = self.now or self.bind(self.sql.as_of)
        return Typed(f"((EPOCH_US({now}) - EPOCH_US({last})) // {DAY_US})", ValueType.NUMBER)


_SQL_TYPES = {
    ValueType.FLAG: "BOOLEAN",
    ValueType.TEXT: "VARCHAR",
    ValueType.NUMBER: "DOUBLE",
    ValueType.MONEY: "BIGINT",
    ValueType.INSTANT: "TIMESTAMP",
}


def unknown(what: str, name: str, known: Any, node: t.Node) -> ExpressionError:
    """The error for a name that nothing has."""
    line, column = node.position or (1, 1)
    return ExpressionError(
        f"unknown {what} '{name}'",
        line=line,
        column=column,
        code="unknown_name",
        hint=did_you_mean(name, known),
    )


def too_deep() -> ExpressionError:
    """The error for audiences that together are too much."""
    return ExpressionError(
        "the expression is too complex once its audiences are put in",
        code="too_complex",
        hint=f"limit depth {DEEPEST_INLINED}, {MOST_INLINED:,} conditions",
    )


def drawn(person_id: str, seed: int | str) -> float:
    """What is drawn for a person with that seed, from 0 to 1; in a sample is who draws less than its rate."""
    found = md5(f"{person_id}:{seed}".encode(), usedforsecurity=False).hexdigest()
    return int(found[:8], 16) / _SAMPLE_RANGE


def circle(open_audiences: Sequence[str], name: str, node: t.Node) -> ExpressionError:
    """The error for audiences that refer to each other."""
    line, column = node.position or (1, 1)
    names = " → ".join([*open_audiences[open_audiences.index(name) :], name])
    return ExpressionError(
        f"audiences refer to each other in a circle: {names}", line=line, column=column, code="cycle"
    )


def tested_attribute(test: t.Expr) -> t.Value | None:
    """The one attribute (or bare name) that a test is about; None when it is about something else."""
    found: t.Expr | None
    match test:
        case t.Compare(left, _, right):
            sides = [side for side in (left, right) if not isinstance(side, t.Literal)]
            found = sides[0] if len(sides) == 1 else None
        case t.Among(value) | t.Between(value) | t.TextTest(value) | t.Known(value):
            found = value
        case _:
            found = test if isinstance(test, (t.Attribute, t.Name)) else None
    return found if isinstance(found, (t.Attribute, t.Name)) else None
