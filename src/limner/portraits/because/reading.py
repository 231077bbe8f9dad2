"""Reading: one person's facts from the engine: which events each condition means, and what tests of attributes say."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import pyarrow as pa

from limner.engine.seam import Query, Step, Transaction
from limner.expressions import Cases
from limner.expressions import tree as t
from limner.expressions.attributes import attribute_steps, history_steps, json_at
from limner.expressions.catalog import Catalog
from limner.expressions.compile import statistics, weights
from limner.expressions.compiler import drawn, tested_attribute
from limner.expressions.happenings import EventSql, Selection, simple_test
from limner.expressions.interests import counted
from limner.expressions.predicate import OPERATORS, holds, microseconds
from limner.expressions.scan import SUM_SCALE
from limner.expressions.sql import Bound, Sql, Typed
from limner.portraits.because.examples import MOST_WAYS, in_words, properties_for
from limner.portraits.because.facts import Ask, Facts, Happened, Imagined, Match
from limner.portraits.because.moment import kind_of
from limner.portraits.because.plans import Plan
from limner.portraits.because.question import observed_names
from limner.portraits.because.weighing import Weighed, engines, put_in
from limner.tags.graph import Graph
from limner.tags.methods.observed import attribute_path
from limner.tags.model import Observed
from limner.types import ValueType, naive, utc

MOST_EVENTS = 20_000
"""Of conditions that mean more of the person's events than this nothing is worked out."""

_ME = "because_person"
_IMAGINED = "because_imagined"
_THESE = "because_events"
_UNSEEN = 2**32 - 2
"""The code of an event name that no event has had yet."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - instants are naive UTC inside

_ARROW = {
    ValueType.FLAG: pa.bool_(),
    ValueType.NUMBER: pa.float64(),
    ValueType.MONEY: pa.int64(),
    ValueType.INSTANT: pa.timestamp("us"),
}


class TooManyEvents(Exception):
    """More events than are looked into."""


@dataclass(frozen=True)
class Reader:
    """Reads about one person at one instant inside one transaction. `given`: what stands of given values, by tag."""

    tx: Transaction
    ix: int
    catalog: Catalog
    graph: Graph
    at: datetime
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    # what holds

    def holds(self, conditions: Sequence[t.Expr]) -> list[bool]:
        """Whether each condition is true, by the engine."""
        row = self.values(
            [Cases(((condition, t.Flag(True)),), t.Flag(False), ValueType.FLAG) for condition in conditions]
        )
        return [bool(found) for found in row]

    def values(self, wanted: Sequence[t.Value | Cases]) -> list[Any]:
        """The person's values, by the engine; None where one is missing."""
        if not wanted:
            return []
        columns = {f"c{n}": value for n, value in enumerate(wanted)}
        row = self._row(statistics(columns, self.catalog, self.at, among=_ME))
        return [row.get(name) for name in columns]

    def counting(self, node: t.Interest) -> list[int]:
        """The ids of the events that count for the label with the greatest weight."""
        bind, sql = self._sql()
        query = (
            f"SELECT id FROM ({counted(node, sql, among=_ME)}) WHERE label = {bind(self.values([node])[0])}"
        )
        with self.tx.given(_ME, _only(self.ix)):
            rows = self.tx.read(query, bind.values)
        found: list[int] = rows.column("id").to_pylist()
        return found

    def _row(self, query: Query) -> dict[str, Any]:
        with self.tx.given(_ME, _only(self.ix)):
            rows = self.tx.read(query.sql, query.values).to_pylist()
        return rows[0] if rows else {}

    # facts

    def facts(self, leaves: Sequence[t.Expr]) -> Facts:
        """All that is needed to answer these tests. Raises TooManyEvents, ExpressionError."""
        nodes = [node for leaf in leaves for node in t.walk(leaf)]
        events = list(dict.fromkeys(node for node in nodes if isinstance(node, t.Event)))
        of, has = _asked(nodes)
        rows = {event: self._happened(event, of.get(event, ()), has.get(event, ())) for event in events}
        names = {name for event in events for name in of.get(event, ())}
        names |= {inner.name for event in events for inner in t.walk(event) if isinstance(inner, t.Name)} | {
            inner.name
            for found in has.values()
            for test in found
            for inner in t.walk(test)
            if isinstance(inner, t.Name)
        }
        typed = {name: self.catalog.property(name) for name in names}
        kinds = {name: found[1] for name, found in typed.items() if found is not None}
        fixed = [
            leaf
            for leaf in leaves
            if not _rests_on_events(leaf) and not isinstance(leaf, t.HasBeen | t.Within) and not engines(leaf)
        ]
        facts = Facts(
            at=naive(self.at),
            zone=self.catalog.zone,
            rows=rows,
            kinds=kinds,
            fixed=dict(zip(fixed, self.holds(fixed), strict=True)),
            since={leaf: self._since(leaf) for leaf in leaves if isinstance(leaf, t.HasBeen)},
            said={},
            about={leaf: tuple(self._read_by(leaf)) for leaf in leaves},
            drawn={leaf: self._drawn(leaf) for leaf in leaves if isinstance(leaf, t.Sample)},
            ask=self._asking({i for found in rows.values() for i in found.ids})
            if any(map(engines, leaves))
            else None,
        )
        said: dict[tuple[t.Value, ValueType], Any] = {}
        for leaf in leaves:
            for node, kind in self._wanted_values(leaf, facts):
                if (node, kind) not in said:
                    said[node, kind] = self._said(node, kind)
        return replace(facts, said=said)

    def _asking(self, ids: Collection[int]) -> Ask:
        """Asks the engine over these of the person's events, with some taken away or added; the same only once."""
        known: dict[Any, Any] = {}
        table = self.tx.read(
            "SELECT * FROM events WHERE ix = $ix AND list_contains($ids, id) ORDER BY ts, id",
            {"ix": self.ix, "ids": list(ids)},
        ).combine_chunks()
        places = table.column("id").to_pylist()

        def ask(node: t.Node, facts: Facts, at: datetime) -> Any:
            key = (node, facts.removed & set(places), facts.added, at)
            if key not in known:
                kept = table.filter(pa.array([i not in facts.removed for i in places], pa.bool_()))
                known[key] = self._answered(node, _with(kept, self.ix, facts.added), at)
            return known[key]

        return ask

    def _answered(self, node: t.Node, events: pa.Table, at: datetime) -> Any:
        """What the engine says of a condition or value at the instant, were these the person's only events."""
        weighed = [inner for inner in t.walk(node) if isinstance(inner, Weighed)]
        for inner in weighed:
            node = put_in(node, inner, t.Number(self._weight(inner, events, at)))
        if weighed and isinstance(node, t.Compare) and isinstance(node.left, t.Number):
            if isinstance(node.right, t.Number):
                return OPERATORS[node.op](node.left.value, node.right.value)
        elif weighed and isinstance(node, t.Between | t.Among) and isinstance(node.value, t.Number):
            return holds(node, [node.value.value], ValueType.NUMBER, as_of=at, zone=self.catalog.zone)[0]
        wanted: Any = node
        if not isinstance(node, t.Value):
            wanted = Cases(((node, t.Flag(True)),), t.Flag(False), ValueType.FLAG)  # type: ignore[arg-type]
        query = _over_these(statistics({"c": wanted}, self.catalog, utc(at), among=_ME))
        with self.tx.given(_THESE, events):
            found = self._row(query).get("c")
        return microseconds(naive(found)) if isinstance(found, datetime) else found

    def _weight(self, node: Weighed, events: pa.Table, at: datetime) -> float:
        """The weight of the label at the instant, 0 where it has none."""
        query = _over_these(weights(node.interest, self.catalog, utc(at), among=_ME))
        with self.tx.given(_THESE, events), self.tx.given(_ME, _only(self.ix)):
            rows = self.tx.read(query.sql, query.values).to_pylist()
        return next((float(row["weight"]) for row in rows if row["label"] == node.label), 0.0)

    def _drawn(self, leaf: t.Sample) -> float:
        """What was drawn for the person, from 0 to 1: below the rate is in the sample."""
        values = {"ix": self.ix}
        who = self.tx.read("SELECT person_id FROM persons WHERE ix = $ix", values).column(0)[0].as_py()
        return drawn(who, leaf.seed)

    def _read_by(self, leaf: t.Expr) -> Iterable[str]:
        inner = leaf.test if isinstance(leaf, t.HasBeen) else leaf
        return dict.fromkeys(
            attribute_path(name, self.catalog)[0] for _, name in observed_names(self.graph, inner)
        )

    def _sql(self) -> tuple[Bound, EventSql]:
        bind = Bound()
        return bind, EventSql(Sql(bind, naive(self.at), self.catalog.zone), self.catalog)

    def _happened(self, event: t.Event, of: Iterable[str], has: Iterable[t.Expr]) -> Happened:
        """The person's events that are meant, before `at`."""
        bind, sql = self._sql()
        me = bind(self.ix)
        columns, of, has = _columns(sql, of, has)
        which = sql.filter(self._selection(sql, event, naive(self.at)))
        rows = self.tx.read(
            f"SELECT {columns} FROM events WHERE ix = {me} AND {which} ORDER BY ts, id LIMIT {MOST_EVENTS + 1}",
            bind.values,
        ).to_pylist()
        if len(rows) > MOST_EVENTS:
            raise TooManyEvents
        matches = [_match(row, of, has) for row in rows]
        ids = [int(row["id"]) for row in rows]
        return Happened(
            tuple(ids),
            tuple(row["ts"] for row in rows),
            {
                name: {i: m.values[name] for i, m in zip(ids, matches, strict=True) if name in m.values}
                for name in of
            },
            {
                name: {i: m.scaled[name] for i, m in zip(ids, matches, strict=True) if name in m.scaled}
                for name in of
            },
            {test: frozenset(i for i, m in zip(ids, matches, strict=True) if test in m.has) for test in has},
        )

    def _selection(self, sql: EventSql, event: t.Event, high: datetime) -> Selection:
        return sql.selection(event, (None, high))

    # attributes

    def _since(self, leaf: t.HasBeen) -> datetime | None:
        """Since when the condition of an attribute has held."""
        attribute = tested_attribute(leaf.test)
        if not isinstance(attribute, t.Attribute | t.Name):
            return None
        path = attribute.path if isinstance(attribute, t.Attribute) else (attribute.name,)
        bind = Bound()
        sql = Sql(bind, naive(self.at), self.catalog.zone)
        test = simple_test(sql, leaf.test, _as_json(sql, path, "value"))
        steps = history_steps("held", path[0], test, sql, _ME)
        found = self._row(Query(tuple(steps), "SELECT since FROM held", dict(bind.values)))
        since: datetime | None = found.get("since")
        return since

    def _wanted_values(self, leaf: t.Expr, facts: Facts) -> Iterable[tuple[t.Value, ValueType]]:
        """The attributes and observed tags whose values a test compares, and as what they are read."""
        if isinstance(leaf, t.Within) and isinstance(leaf.value, t.Attribute | t.Name):
            yield leaf.value, self._kind(leaf.value) or ValueType.INSTANT
        if isinstance(leaf, t.Compare) and _rests_on_events(leaf):
            for side, other in ((leaf.left, leaf.right), (leaf.right, leaf.left)):
                if isinstance(side, t.Attribute | t.Name):
                    yield side, self._kind(side) or kind_of(other, facts) or ValueType.TEXT

    def _kind(self, node: t.Value) -> ValueType | None:
        """The type of an observed tag; None for an attribute."""
        found = self.catalog.tag(node.name) if isinstance(node, t.Name) else None
        return None if found is None else found[1]

    def _said(self, node: t.Value, kind: ValueType) -> Any:
        """The value as that type."""
        if self._kind(node) is not None:
            found = self.values([node])[0]
        else:
            path = node.path if isinstance(node, t.Attribute) else (node.name,)  # type: ignore[union-attr]
            bind = Bound()
            sql = Sql(bind, naive(self.at), self.catalog.zone)
            steps = attribute_steps("said", path[0], sql, _ME)
            value = sql.cast(Typed(json_at(path, "value", sql), None), kind)
            found = self._row(
                Query(tuple(steps), f"SELECT {value} AS value FROM said", dict(bind.values))
            ).get("value")
        return microseconds(naive(found)) if isinstance(found, datetime) else found

    # what could be

    def imagining(self, facts: Facts) -> Callable[[str, Mapping[str, Any]], Imagined | None]:
        """Imagines an event of a name with properties: the engine says which conditions would mean it."""
        known: dict[tuple[str, tuple[tuple[str, Any], ...]], Imagined | None] = {}

        def imagine(name: str, properties: Mapping[str, Any]) -> Imagined | None:
            key = (name, tuple(sorted(properties.items())))
            if key not in known:
                known[key] = self._imagined(facts, *key)
            return known[key]

        return imagine

    def _imagined(self, facts: Facts, name: str, given: tuple[tuple[str, Any], ...]) -> Imagined | None:
        name = self._named(name, facts)
        columns: dict[str, pa.Array] = {
            "id": pa.array([0], pa.int64()),
            "ts": pa.array([naive(self.at)], pa.timestamp("us")),
            "ix": pa.array([self.ix], pa.uint32()),
            "name_i": pa.array([(*self.catalog.event_codes(name), _UNSEEN)[0]], pa.uint32()),
            "source_i": pa.array([None], pa.uint16()),
        }
        properties = dict(given)
        for wanted in facts.kinds:
            column, kind = self.catalog.property(wanted) or ("", ValueType.TEXT)
            value = properties.get(wanted)
            if kind is ValueType.INSTANT and value is not None:
                value = _EPOCH + timedelta(microseconds=value)
            columns[column] = pa.array([value], _ARROW.get(kind, pa.string()))
        bind, sql = self._sql()
        asked: list[str] = []
        columns_of: dict[t.Event, tuple[list[str], list[t.Expr]]] = {}
        for n, (event, happened) in enumerate(facts.rows.items()):
            selection = self._meaning(sql, event, name)
            chosen, of, has = _columns(sql, happened.values, happened.has, prefix=f"e{n}_")
            columns_of[event] = (of, has)
            asked.append(f"({selection}) IS TRUE AS e{n}")
            if chosen:
                asked.append(chosen)
        if not asked:
            return None
        with self.tx.given(_IMAGINED, pa.table(columns)):
            row = self.tx.read(
                f"SELECT {', '.join(asked)} FROM {_IMAGINED} AS events", bind.values
            ).to_pylist()[0]
        kept = {name: column[0].as_py() for name, column in columns.items()}
        return Imagined(
            name,
            tuple(sorted(in_words(properties, facts.kinds).items())),
            {
                event: _match(row, *columns_of[event], prefix=f"e{n}_")
                for n, event in enumerate(facts.rows)
                if row[f"e{n}"]
            },
            kept,
        )

    def _named(self, name: str, facts: Facts) -> str:
        """A name that the pattern means; rather one that few other conditions mean."""
        if not name.endswith("*"):
            return name
        begin = name[:-1]
        known = [found for found in self.catalog.event_names() if found.startswith(begin)]
        exact = {event.name for event in facts.rows}
        return next(
            (found for found in known if found not in exact), known[0] if known else begin + "example"
        )

    def _meaning(self, sql: EventSql, event: t.Event, name: str) -> str:
        """Whether the condition means an event of that name, whatever its time."""
        pattern = event.name
        named = name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
        if not named:
            return "FALSE"
        return "TRUE" if event.where is None else f"({sql.condition(event.where)})"

    def telling(self, facts: Facts, leaves: Sequence[t.Expr]) -> Callable[[t.Expr, bool], Plan | None]:
        """Finds what could be said of an attribute so that a test has the wanted answer, and what else it turns."""

        def told(leaf: t.Expr, wanted: bool) -> Plan | None:
            names = facts.about.get(leaf, ())
            if len(names) != 1:
                return None
            shared = [other for other in leaves if names[0] in facts.about.get(other, ())]
            if any(other not in facts.fixed and not isinstance(other, t.HasBeen) for other in shared):
                return None
            asked = {other: other.test if isinstance(other, t.HasBeen) else other for other in shared}
            test = asked[leaf]
            for value in islice(self._sayable(test, wanted), MOST_WAYS):
                tests = self._tests_of(list(asked.values()), value)
                if tests is not None and tests[test] == wanted:
                    turned = {other: tests[other] for other in shared if other in facts.fixed}
                    since = {other: tests[inner] for other, inner in asked.items() if other is not inner}
                    return Plan((), turned, since, ((names[0], value),))
            return None

        return told

    def _sayable(self, leaf: t.Expr, wanted: bool) -> Iterable[Any]:
        """Values that an attribute could be told to have."""
        named = [node for node in t.walk(leaf) if isinstance(node, t.Literal)]
        kind = {
            t.Text: ValueType.TEXT,
            t.Number: ValueType.NUMBER,
            t.Flag: ValueType.FLAG,
            t.Instant: ValueType.INSTANT,
        }
        for one in dict.fromkeys(kind[type(item)] for item in named):
            plain = _about_property(leaf)
            if plain is not None:
                yield from (
                    in_words(found, {"it": one})["it"]
                    for found in properties_for(
                        plain if wanted else t.Not(plain),
                        {"it": one},
                        at=naive(self.at),
                        zone=self.catalog.zone,
                    )
                    if "it" in found
                )
        yield from (item.value for item in named)
        yield from ("example", True, False, 1)

    def _tests_of(self, leaves: Sequence[t.Expr], value: Any) -> dict[t.Expr, bool] | None:
        """The answers to tests of an attribute, had it that value."""
        bind = Bound()
        sql = Sql(bind, naive(self.at), self.catalog.zone)
        said = bind(json.dumps(value, ensure_ascii=False))
        asked = []
        for leaf in leaves:
            if isinstance(leaf, t.InAudience | t.Sample):
                return None

            def typed(node: t.Value) -> Typed:
                if isinstance(node, t.Literal):
                    return sql.literal(node)
                tag = self.graph.tags.get(node.name) if isinstance(node, t.Name) else None
                if tag is not None and isinstance(tag.definition, Observed):
                    path = attribute_path(tag.definition.attribute, self.catalog)
                    return Typed(sql.cast(Typed(json_at(path, said, sql), None), tag.type), tag.type)
                path = node.path if isinstance(node, t.Attribute) else (node.name,)  # type: ignore[union-attr]
                return Typed(json_at(path, said, sql), None)

            asked.append(f"({simple_test(sql, leaf, typed)}) IS TRUE")
        row = self.tx.read(
            "SELECT " + ", ".join(f"{test} AS c{n}" for n, test in enumerate(asked)), bind.values
        ).to_pylist()[0]
        return {leaf: bool(row[f"c{n}"]) for n, leaf in enumerate(leaves)}


def _over_these(query: Query) -> Query:
    """The same query over the given events instead of all."""
    return Query((Step("events", f"SELECT * FROM {_THESE}"), *query.steps), query.final, query.values)


def _only(ix: int) -> pa.Table:
    """A table of one person."""
    return pa.table({"ix": pa.array([ix], pa.uint32())})


def _with(events: pa.Table, ix: int, added: Sequence[tuple[Imagined, datetime]]) -> pa.Table:
    """The events with further ones, whose ids nobody's event has."""
    if not added:
        return events
    rows = [
        {
            **{name: value for name, value in imagined.row.items() if name in events.schema.names},
            "id": 2**62 + n,
            "ts": ts,
            "ix": ix,
        }
        for n, (imagined, ts) in enumerate(added)
    ]
    columns = {name: [row.get(name) for row in rows] for name in events.schema.names}
    made = pa.table(
        {name: pa.array(values, events.schema.field(name).type) for name, values in columns.items()}
    )
    return pa.concat_tables([events, made])


def _about_property(leaf: t.Expr) -> t.Expr | None:
    """The test as one of a property called `it`."""
    it = t.Name("it")
    match leaf:
        case t.Compare(left, op, right) if isinstance(right, t.Literal):
            return t.Compare(it, op, right)
        case t.Compare(left, op, right) if isinstance(left, t.Literal):
            return t.Compare(left, op, it)
        case t.Among(_, options):
            return t.Among(it, options)
        case t.Between(_, low, high):
            return t.Between(it, low, high)
        case t.TextTest(_, op, operand):
            return t.TextTest(it, op, operand)
    return None


def _as_json(sql: Sql, path: tuple[str, ...], column: str) -> Callable[[t.Value], Typed]:
    """An attribute's value as JSON in that column."""

    def typed(node: t.Value) -> Typed:
        return sql.literal(node) if isinstance(node, t.Literal) else Typed(json_at(path, column, sql), None)

    return typed


def _rests_on_events(leaf: t.Expr) -> bool:
    return any(isinstance(node, t.Event) for node in t.walk(leaf))


def _asked(nodes: Sequence[t.Node]) -> tuple[dict[t.Event, list[str]], dict[t.Event, list[t.Expr]]]:
    """Of which properties, and which further conditions, the values are needed, by the events."""
    of: dict[t.Event, list[str]] = {}
    has: dict[t.Event, list[t.Expr]] = {}
    for node in nodes:
        if isinstance(node, t.Aggregate) and node.of is not None:
            of.setdefault(node.event, []).append(node.of)
        if isinstance(node, t.LastHas):
            has.setdefault(node.event, []).append(node.has)
        if isinstance(node, t.Interest):
            for term in node.terms:
                of.setdefault(term.event, []).append(node.of)
    return of, has


def _columns(
    sql: EventSql, of: Iterable[str], has: Iterable[t.Expr], prefix: str = ""
) -> tuple[str, list[str], list[t.Expr]]:
    """What is read of each event."""
    names, tests = list(dict.fromkeys(of)), list(dict.fromkeys(has))
    columns = [] if prefix else ["id", "ts"]
    for n, name in enumerate(names):
        typed = sql.property(name)
        columns.append(f"{typed.sql} AS {prefix}v{n}")
        scaled = {
            ValueType.MONEY: typed.sql,
            ValueType.NUMBER: f"TRY_CAST(ROUND({typed.sql} * {SUM_SCALE}) AS BIGINT)",
        }.get(typed.type or ValueType.TEXT, "CAST(NULL AS BIGINT)")
        columns.append(f"{scaled} AS {prefix}s{n}")
    columns += [f"({sql.condition(test)}) IS TRUE AS {prefix}h{n}" for n, test in enumerate(tests)]
    return ", ".join(columns), names, tests


def _match(row: Mapping[str, Any], of: Sequence[str], has: Sequence[t.Expr], prefix: str = "") -> Match:
    """One row's values."""

    def kept(value: Any) -> Any:
        return microseconds(value) if isinstance(value, datetime) else value

    return Match(
        {name: kept(row[f"{prefix}v{n}"]) for n, name in enumerate(of) if row[f"{prefix}v{n}"] is not None},
        {name: row[f"{prefix}s{n}"] for n, name in enumerate(of) if row[f"{prefix}s{n}"] is not None},
        frozenset(test for n, test in enumerate(has) if row[f"{prefix}h{n}"]),
    )
