"""Portable SQL: what each function of the engine's SQL is on Spark. Knows no table, and runs nothing.

Queries are written once, in DuckDB's SQL. `spark` gives the same query for Spark: every node of it has its form
here or is refused, so nothing is translated by chance. What reads a text (as a number, an instant, JSON, by a
pattern) or writes a number as text differs between engines in a hundred corners; Spark borrows it: the workers
ask DuckDB itself (see `Borrowed`), so that there is one answer.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from limner.engine.seam import Query
from limner.errors import EngineError, UsageError

try:
    import sqlglot
    from sqlglot import exp
except ImportError as error:  # the extra `spark` is not installed
    raise EngineError(
        "the engine spark needs sqlglot, which is not installed", hint="pip install 'limner[spark]'"
    ) from error


@dataclass(frozen=True)
class Borrowed:
    """A function that Spark borrows of DuckDB: SQL over columns c0, c1 … with bound values, and what it gives.

    `type`: Spark's name of it (DOUBLE, STRING, BOOLEAN, TIMESTAMP_NTZ).
    """

    sql: str
    type: str
    values: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """Its name on the cluster: the same for the same function."""
        return "limner_" + blake2b(repr(self).encode(), digest_size=10).hexdigest()


@dataclass(frozen=True)
class SparkQuery:
    """A query for Spark: its SQL with `:name` markers, their values, what it borrows and which tables it reads."""

    sql: str
    values: Mapping[str, Any]
    borrowed: Mapping[str, Borrowed] = field(default_factory=dict)
    tables: frozenset[str] = frozenset()


class NotPortableError(UsageError):
    """Something that cannot be asked of Spark with the same answer; nothing was computed."""

    code = "not_portable"


def spark(query: Query) -> SparkQuery:
    """The query for Spark. Raises NotPortableError naming what it cannot say there."""
    return _deeply(lambda: _Translation(query.values).whole(query))


def spark_union(queries: Sequence[tuple[Query, str]], kinds: Mapping[str, str]) -> SparkQuery:
    """One query of many [ix, value]: (n, ix, a column for each kind of value). Each comes with its kind.

    `kinds`: Spark's type of each kind's column. `n` is the query's place.
    """
    return _deeply(lambda: _union(queries, kinds))


def _union(queries: Sequence[tuple[Query, str]], kinds: Mapping[str, str]) -> SparkQuery:
    parts: list[str] = []
    steps: list[exp.Expr] = []
    values: dict[str, Any] = {}
    borrowed: dict[str, Borrowed] = {}
    tables: set[str] = set()
    for n, (query, kind) in enumerate(queries):
        one = _Translation(query.values, prefix=f"q{n}_")
        tree = one.tree(query)
        with_ = tree.args.pop("with_", None)
        steps += [] if with_ is None else with_.expressions
        columns = ", ".join(
            f"CAST({'value' if name == kind else 'NULL'} AS {sql}) AS {name}" for name, sql in kinds.items()
        )
        parts.append(f"SELECT {n} AS n, ix, {columns} FROM ({_sql(tree)}) WHERE value IS NOT NULL")
        values.update(one.used)
        borrowed |= one.borrowed
        tables |= one.tables
    listed = ",\n".join(_sql(step) for step in steps)
    sql = "\nUNION ALL\n".join(parts)
    return SparkQuery(f"WITH {listed}\n{sql}" if steps else sql, values, borrowed, frozenset(tables))


DEEPEST = 50_000
"""So many calls within each other a translation may take: conditions stand within conditions."""

_STACK = 512 * 1024 * 1024
_LOCK = threading.Lock()


def _deeply(work: Callable[[], SparkQuery]) -> SparkQuery:
    """The work's answer, worked out where there is room for deep trees."""
    found: list[SparkQuery | BaseException] = []

    def ran() -> None:
        try:
            found.append(work())
        except BaseException as error:
            found.append(error)

    with _LOCK:
        before, size = sys.getrecursionlimit(), threading.stack_size(_STACK)
        sys.setrecursionlimit(max(before, DEEPEST))
        try:
            thread = threading.Thread(target=ran, name="limner-translate")
            thread.start()
        finally:
            threading.stack_size(size)
        thread.join()
        sys.setrecursionlimit(before)
    (answer,) = found
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _sql(node: exp.Expr) -> str:
    return str(node.sql(dialect="spark", unsupported_level=sqlglot.ErrorLevel.RAISE))


_PLAIN: frozenset[type] = frozenset(
    {
        exp.Add, exp.Alias, exp.And, exp.Between, exp.BitwiseAnd, exp.BitwiseLeftShift, exp.BitwiseOrAgg,
        exp.BitwiseRightShift, exp.Boolean, exp.CTE, exp.Case, exp.Cast, exp.Coalesce, exp.Column, exp.Contains,
        exp.Count, exp.DPipe, exp.DataType, exp.DateFromParts, exp.Distinct, exp.Div, exp.EQ, exp.EndsWith, exp.Exp,
        exp.Filter, exp.FirstValue,
        exp.From, exp.GT, exp.GTE, exp.Greatest, exp.Group, exp.Having, exp.Identifier, exp.If,
        exp.IgnoreNulls, exp.In, exp.IntDiv, exp.Is, exp.Join, exp.LT, exp.LTE, exp.LastValue, exp.Least,
        exp.Limit, exp.Literal, exp.MD5, exp.Max, exp.Min, exp.Mul, exp.NEQ, exp.Neg, exp.Not, exp.Null,
        exp.Nullif, exp.Or, exp.Order, exp.Ordered, exp.Paren, exp.Placeholder, exp.PropertyEQ, exp.Round,
        exp.RowNumber, exp.Select, exp.Star, exp.StartsWith, exp.Struct, exp.Sub, exp.Subquery,
        exp.Substring, exp.Sum, exp.Table, exp.TableAlias, exp.Union, exp.Var, exp.Where, exp.Window,
        exp.WindowSpec, exp.With,
    }
)  # fmt: skip
"""What both engines answer alike, as it stands (see the tests): everything else has a form below or is refused."""

_OWN = frozenset(
    {
        "approx_count_distinct", "array_contains", "bit_count", "collect_list", "convert_timezone", "explode",
        "from_json", "isnan", "last_value", "max_by", "min_by", "named_struct", "sort_array", "timestamp_micros",
        "to_json", "unix_micros", "weekday",
    }
)  # fmt: skip
"""Functions of Spark that the forms below are made of."""

_TYPES = {
    exp.DType.UINT: "BIGINT",
    exp.DType.UTINYINT: "INT",
    exp.DType.USMALLINT: "INT",
    exp.DType.UBIGINT: "DECIMAL(20, 0)",
    exp.DType.INT: "INT",
    exp.DType.BIGINT: "BIGINT",
    exp.DType.DOUBLE: "DOUBLE",
    exp.DType.BOOLEAN: "BOOLEAN",
    exp.DType.TEXT: "STRING",
    exp.DType.VARCHAR: "STRING",
    exp.DType.TIMESTAMP: "TIMESTAMP_NTZ",
    exp.DType.TIMESTAMPNTZ: "TIMESTAMP_NTZ",
    exp.DType.DATE: "DATE",
}

_LEAST, _PAST_MOST = "-9.223372036854775808E18", "9.223372036854775808E18"


class _Translation:
    """One query on its way: which values it uses, what it borrows, which tables it reads."""

    def __init__(self, values: Mapping[str, Any], *, prefix: str = "") -> None:
        self.values, self.prefix = values, prefix
        self.used: dict[str, Any] = {}
        self.borrowed: dict[str, Borrowed] = {}
        self.tables: set[str] = set()
        self._steps: set[str] = set()

    def whole(self, query: Query) -> SparkQuery:
        tree = self.tree(query)
        return SparkQuery(_sql(tree), self.used, self.borrowed, frozenset(self.tables))

    def tree(self, query: Query) -> exp.Expr:
        found: exp.Expr = sqlglot.parse_one(query.sql, read="duckdb")
        self._steps = {cte.alias for cte in found.find_all(exp.CTE)}
        for select in list(found.find_all(exp.Select)):
            _without_asof(select)
        found = self.rewritten(found)
        self.check(found)
        return found

    def rewritten(self, node: exp.Expr) -> exp.Expr:
        return node.transform(self.form, copy=False)

    def check(self, tree: exp.Expr) -> None:
        for node in tree.walk():
            known = type(node) in _PLAIN
            if isinstance(node, exp.Anonymous):
                known = node.name in _OWN or node.name in self.borrowed
            if isinstance(node, exp.Extract):
                known = node.name.upper() in ("HOUR", "DAY", "MONTH", "YEAR")
            if isinstance(node, exp.Dot):
                known = True
            if isinstance(node, exp.Round):
                known = node.args.get("decimals") is None
            if isinstance(node, exp.Substring):
                start = node.args["start"]
                known = isinstance(start, exp.Literal) and int(start.name) >= 1
            if not known:
                raise refused(node.sql(dialect="duckdb"))

    # forms

    def form(self, node: exp.Expr) -> exp.Expr:
        """The node on Spark, its children still to be looked at; a new node is done."""
        borrowed = self.borrow(node)
        if borrowed is not None:
            return borrowed
        for kind, write in self._FORMS.items():
            if type(node) is kind:
                return write(self, node)
        return node

    def call(self, name: str, *args: exp.Expr | str) -> exp.Expr:
        return exp.Anonymous(this=name, expressions=[self._arg(arg) for arg in args])

    def _arg(self, arg: exp.Expr | str) -> exp.Expr:
        return exp.Literal.string(arg) if isinstance(arg, str) else self.rewritten(arg.copy())

    def _placeholder(self, node: exp.Expr) -> exp.Expr:
        return self.bound(node.name)

    def bound(self, name: str, kind: str | None = None) -> exp.Expr:
        """The marker of a value, in the type that it has in the engine."""
        value = self.values[name]
        marker = exp.Placeholder(this=self.prefix + name)
        if isinstance(value, list):
            return self._list(value, marker, self.prefix + name, kind)
        self.used[self.prefix + name] = value.isoformat(sep=" ") if isinstance(value, datetime) else value
        if isinstance(value, bool | str):
            return marker
        kinds = {datetime: "TIMESTAMP_NTZ", int: "BIGINT", float: "DOUBLE"}
        return _cast(marker, kinds[type(value)])

    def _list(self, value: list[Any], marker: exp.Expr, name: str, kind: str | None) -> exp.Expr:
        first = value[0] if value else ""
        instants = isinstance(first, datetime)
        self.used[name] = json.dumps(
            [item.isoformat(sep=" ") for item in value] if instants else value, ensure_ascii=False
        )
        kind = kind or {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE"}.get(type(first), "STRING")
        items = exp.Anonymous(this="from_json", expressions=[marker, exp.Literal.string(f"ARRAY<{kind}>")])
        return _cast(items, "ARRAY<TIMESTAMP_NTZ>") if instants else items

    def _anonymous(self, node: exp.Expr) -> exp.Expr:
        args = node.expressions
        if node.name in _OWN:
            return node
        match node.name.upper():
            case "EPOCH_US":
                instant = _cast(self._arg(args[0]), "TIMESTAMP")  # the session's zone is UTC
                return exp.Anonymous(this="unix_micros", expressions=[instant])
            case "ISFINITE":
                number = self._arg(args[0])
                return _parsed(
                    "(NOT isnan({x}) AND {x} > CAST('-Infinity' AS DOUBLE) AND {x} < CAST('Infinity' AS DOUBLE))",
                    x=number,
                )
            case "BIT_COUNT":
                return self.call("bit_count", args[0])
            case "ROW":
                return self.struct([f"c{place}" for place in range(1, len(args) + 1)], args)
            case "TIMEZONE":  # only: UTC, as the engine keeps it, to local time and back
                zone, inner = args
                if isinstance(inner, exp.Anonymous) and inner.name.upper() == "TIMEZONE":
                    source, instant = inner.expressions
                    if isinstance(source, exp.Literal) and source.name == "UTC":
                        return self.call("convert_timezone", source, zone, instant)
                    if (
                        isinstance(zone, exp.Literal)
                        and zone.name == "UTC"
                        and isinstance(source, exp.Placeholder)
                    ):
                        # a local time may come twice a year, or not at all: the engines need not agree which is meant
                        return self.lend(_TO_UTC, "TIMESTAMP_NTZ", instant, zone=source)
        raise refused(node.sql(dialect="duckdb"))

    def struct(self, names: Sequence[str], values: Sequence[exp.Expr]) -> exp.Expr:
        listed: list[exp.Expr | str] = []
        for name, value in zip(names, values, strict=True):
            listed += [name, value]
        return self.call("named_struct", *listed)

    def _struct(self, node: exp.Expr) -> exp.Expr:
        pairs = node.expressions
        return self.struct([pair.this.name for pair in pairs], [pair.expression for pair in pairs])

    def _bracket(self, node: exp.Expr) -> exp.Expr:
        (key,) = node.expressions
        if not isinstance(key, exp.Literal):
            raise refused(node.sql(dialect="duckdb"))
        name = key.name if key.is_string else f"c{int(key.name) + 1}"  # sqlglot counts from 0
        inner = self._arg(node.this)
        return exp.Dot(
            this=inner if isinstance(inner, exp.Paren) else exp.Paren(this=inner),
            expression=exp.to_identifier(name),
        )

    def _literal(self, node: exp.Expr) -> exp.Expr:
        if not node.args["is_string"] and not node.name.isdigit():
            return _cast(node.copy(), "DOUBLE")
        return node

    def _cast(self, node: exp.Expr) -> exp.Expr:
        to, inner = node.args["to"].this, node.this
        if to not in _TYPES:
            raise refused(node.sql(dialect="duckdb"))
        if isinstance(inner, exp.Explode) and isinstance(inner.this, exp.Placeholder):
            return self.call_exploded(inner.this, _TYPES[to])
        return _cast(self._arg(inner), _TYPES[to])

    def call_exploded(self, marker: exp.Expr, kind: str) -> exp.Expr:
        return exp.Anonymous(this="explode", expressions=[self.bound(marker.name, kind)])

    def _try_cast(self, node: exp.Expr) -> exp.Expr:
        to, inner = node.args["to"].this, node.this
        if to is exp.DType.BIGINT and isinstance(inner, exp.Round):
            number = self._arg(inner)
            return _parsed(
                f"(CASE WHEN {{x}} >= CAST('{_LEAST}' AS DOUBLE) AND {{x}} < CAST('{_PAST_MOST}' AS DOUBLE)"
                " THEN CAST({x} AS BIGINT) END)",
                x=number,
            )
        raise refused(node.sql(dialect="duckdb"))

    def _in(self, node: exp.Expr) -> exp.Expr:
        query = node.args.get("query")
        inner = None if query is None else query.this
        if isinstance(inner, exp.Select) and isinstance(inner.expressions[0], exp.Explode):
            marker = inner.expressions[0].this
            return exp.Anonymous(
                this="array_contains", expressions=[self.bound(marker.name), self._arg(node.this)]
            )
        return node

    def _extract(self, node: exp.Expr) -> exp.Expr:
        if node.name.upper() == "ISODOW":
            return exp.Paren(
                this=exp.Add(
                    this=self.call("weekday", node.args["expression"]), expression=exp.Literal.number(1)
                )
            )
        return node

    def _extreme_by(self, node: exp.Expr) -> exp.Expr:
        """ARG_MIN and ARG_MAX leave out missing values; MIN_BY and MAX_BY leave out missing places."""
        value, place = self._arg(node.this), self._arg(node.expression)
        kept = _parsed("CASE WHEN {v} IS NOT NULL THEN {p} END", v=value, p=place)
        name = "min_by" if isinstance(node, exp.ArgMin) else "max_by"
        return exp.Anonymous(this=name, expressions=[value, kept])

    def _window(self, node: exp.Expr) -> exp.Expr:
        """A window function counts some rows: Spark has no FILTER there."""
        inner = node.this
        if isinstance(inner, exp.Filter):
            if not (isinstance(inner.this, exp.Count) and isinstance(inner.this.this, exp.Star)):
                raise refused(node.sql(dialect="duckdb"))
            counted = exp.Case(ifs=[exp.If(this=inner.expression.this.copy(), true=exp.Literal.number(1))])
            inner.replace(exp.Count(this=counted))
        return node

    def _cte(self, node: exp.Expr) -> exp.Expr:
        node.set("materialized", None)
        if self.prefix:
            node.args["alias"].this.set("this", self.prefix + node.alias)
            node.args["alias"].this.set("quoted", True)
        return node

    def _table(self, node: exp.Expr) -> exp.Expr:
        if node.name not in self._steps:
            self.tables.add(node.name)
        elif self.prefix:
            name = node.name
            if not node.alias:
                node.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
            node.this.set("this", self.prefix + name)
            node.this.set("quoted", True)
        return node

    def _sub(self, node: exp.Expr) -> exp.Expr:
        """An instant less some microseconds."""
        less = node.expression
        if not isinstance(less, exp.Interval):
            return node
        if less.unit is None or less.unit.name.upper() != "MICROSECOND" or not less.this.name.isdigit():
            raise refused(node.sql(dialect="duckdb"))
        instant = _cast(self._arg(node.this), "TIMESTAMP")  # the session's zone is UTC
        micros = exp.Anonymous(this="unix_micros", expressions=[instant])
        earlier = exp.Sub(this=micros, expression=exp.Literal.number(less.this.name))
        return _cast(exp.Anonymous(this="timestamp_micros", expressions=[earlier]), "TIMESTAMP_NTZ")

    def _listed(self, node: exp.Expr) -> exp.Expr:
        """TO_JSON(LIST(value ORDER BY place)): the values as a JSON list, in the order of their places."""
        (listed,) = node.expressions
        order = listed.this if isinstance(listed, exp.ArrayAgg) else None
        by = order.expressions if isinstance(order, exp.Order) else []
        if order is None or len(by) != 1 or by[0].args.get("desc"):
            raise refused(node.sql(dialect="duckdb"))
        pairs = self.struct(["place", "value"], [by[0].this, order.this])
        collected = exp.Anonymous(this="collect_list", expressions=[pairs])
        placed = exp.Anonymous(this="sort_array", expressions=[collected])
        values = exp.Dot(this=exp.Paren(this=placed), expression=exp.to_identifier("value"))
        return exp.Anonymous(this="to_json", expressions=[values])

    def _approximate(self, node: exp.Expr) -> exp.Expr:
        return self.call("approx_count_distinct", node.this)

    _FORMS = {  # noqa: RUF012
        exp.Placeholder: _placeholder,
        exp.Anonymous: _anonymous,
        exp.Struct: _struct,
        exp.Bracket: _bracket,
        exp.Literal: _literal,
        exp.Cast: _cast,
        exp.TryCast: _try_cast,
        exp.In: _in,
        exp.Extract: _extract,
        exp.Sub: _sub,
        exp.ArgMin: _extreme_by,
        exp.ArgMax: _extreme_by,
        exp.Window: _window,
        exp.CTE: _cte,
        exp.Table: _table,
        exp.ApproxDistinct: _approximate,
    }

    # what is borrowed

    def borrow(self, node: exp.Expr) -> exp.Expr | None:
        """The call of a borrowed function, where the node reads or writes text; None where it does not."""
        match node:
            case exp.TryCast() if node.args["to"].this is exp.DType.DOUBLE:
                return self.lend("TRY_CAST(c0 AS DOUBLE)", "DOUBLE", node.this)
            case exp.Cast(this=exp.Anonymous() as inner) if inner.name.upper() == "TO_JSON":
                return self._listed(inner)
            case exp.Cast() if node.args["to"].this in (exp.DType.TEXT, exp.DType.VARCHAR):
                if isinstance(node.this, exp.Null | exp.Literal | exp.Placeholder):
                    return None
                return self.lend("CAST(c0 AS VARCHAR)", "STRING", node.this)
            case exp.RegexpLike() if isinstance(node.expression, exp.Placeholder):
                return self.lend("REGEXP_MATCHES(c0, $p)", "BOOLEAN", node.this, p=node.expression)
            case exp.JSONExtractScalar():
                return self.lend("JSON_EXTRACT_STRING(c0, '$')", "STRING", node.this, path=node.expression)
            case exp.JSONExtract() if isinstance(node.expression, exp.Placeholder):
                sql = "CAST(JSON_EXTRACT(c0, $p) AS VARCHAR)"
                return self.lend(sql, "STRING", node.this, p=node.expression)
            case exp.ArrayContains() if isinstance(node.expression, exp.Placeholder):
                return self._includes(node)
            case exp.Case() if node.find(exp.TryCast) and node.find(exp.RegexpLike):
                return self._instant(node)
        return None

    def lend(
        self,
        sql: str,
        type: str,
        value: exp.Expr,
        path: exp.Expr | None = None,
        **bound: exp.Expr,
    ) -> exp.Expr:
        if path is not None and not (
            isinstance(path, exp.JSONPath) and [type_.key for type_ in path.expressions] == ["jsonpathroot"]
        ):
            raise refused(path.sql(dialect="duckdb"))
        values = tuple((name, self.values[marker.name]) for name, marker in bound.items())
        made = Borrowed(sql, type, values)
        self.borrowed[made.name] = made
        return exp.Anonymous(this=made.name, expressions=[self._arg(value)])

    def _instant(self, node: exp.Expr) -> exp.Expr | None:
        """A text as an instant: the CASE of `Sql._instant`."""
        (branch,) = node.args["ifs"]
        test, last = branch.this, node.args.get("default")
        shape = (
            isinstance(test, exp.RegexpLike)
            and isinstance(test.expression, exp.Placeholder)
            and isinstance(last, exp.Anonymous)
        )
        if not shape or last is None:
            return None
        text, inner = test.this, last.expressions[1]
        zone, read = inner.expressions
        written = self._borrowed_sql(node, text)
        if not isinstance(zone, exp.Placeholder) or read.this != text or written != _INSTANT:
            return None
        return self.lend(_INSTANT_SQL, "TIMESTAMP_NTZ", text, offset=test.expression, zone=zone)

    @staticmethod
    def _borrowed_sql(node: exp.Expr, text: exp.Expr) -> str:
        """The node with `c0` in the place of the text and `$p` in the place of values, to tell its shape."""

        def shape(inner: exp.Expr) -> exp.Expr:
            if inner == text:
                return exp.column("c0")
            return exp.Placeholder(this="p") if isinstance(inner, exp.Placeholder) else inner

        return str(node.copy().transform(shape).sql(dialect="duckdb"))

    def _includes(self, node: exp.Expr) -> exp.Expr | None:
        """A JSON list has the element: the LIST_CONTAINS of `Sql._includes`."""
        kind = node.find(exp.JSONType)
        if kind is None:
            return None
        listed = kind.this
        if self._borrowed_sql(node, listed) != _INCLUDES:
            return None
        if isinstance(listed, exp.TryCast):
            return self.lend(
                _INCLUDES_SQL.replace("c0", "TRY_CAST(c0 AS JSON)"), "BOOLEAN", listed.this, p=node.expression
            )
        return self.lend(_INCLUDES_SQL, "BOOLEAN", listed, p=node.expression)


_INSTANT_SQL = (
    "CASE WHEN REGEXP_MATCHES(c0, $offset) THEN TIMEZONE('UTC', TRY_CAST(c0 AS TIMESTAMPTZ))"
    " ELSE TIMEZONE('UTC', TIMEZONE($zone, TRY_CAST(c0 AS TIMESTAMP))) END"
)
_TO_UTC = "TIMEZONE('UTC', TIMEZONE($zone, c0))"
_INCLUDES_SQL = (
    "LIST_CONTAINS(CAST(CASE WHEN JSON_TYPE(c0) = 'ARRAY' THEN JSON_EXTRACT_STRING(c0, '$[*]') END"
    " AS VARCHAR[]), $p)"
)


def _shape(sql: str) -> str:
    tree: exp.Expr = sqlglot.parse_one(sql, read="duckdb")
    for marker in tree.find_all(exp.Placeholder):
        marker.set("this", "p")
    return str(tree.sql(dialect="duckdb"))


_INSTANT, _INCLUDES = _shape(_INSTANT_SQL), _shape(_INCLUDES_SQL)


def refused(sql: str) -> NotPortableError:
    """The error for SQL that has no form on Spark."""
    return NotPortableError(
        f"this cannot be asked of Spark with the same answer: {sql[:200]}",
        hint='compute it on one machine: engine = "duckdb"',
    )


def _cast(node: exp.Expr, to: str) -> exp.Expr:
    return exp.Cast(this=node, to=exp.DataType.build(to, dialect="spark"))


def _parsed(sql: str, **parts: exp.Expr) -> exp.Expr:
    """Spark's SQL with nodes in the place of names; the nodes are in their form already."""
    tree: exp.Expr = sqlglot.parse_one(sql.format(**{name: f"part_{name}" for name in parts}), read="duckdb")

    def put(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.name.startswith("part_"):
            return exp.Paren(this=parts[node.name.removeprefix("part_")].copy())
        if isinstance(node, exp.IsNan):
            return exp.Anonymous(this="isnan", expressions=[put(node.this)])
        return node

    return tree.transform(put)


def _without_asof(select: exp.Select) -> None:
    """`l ASOF [LEFT] JOIN r ON l.k = r.k AND l.t > r.t` (or <) as one ordered pass over both.

    Each row of l meets the row of r that lies nearest before it (after it, for <). The rows of both are put in one
    order in which, at one instant, l comes first; each of l takes the last of r that came.
    """
    joins = select.args.get("joins") or []
    if not any(join.method == "ASOF" for join in joins):
        return
    (join,) = joins
    on = join.args["on"]
    source = select.args["from_"].this
    keyed, nearest = on.args.get("this"), on.args.get("expression")
    ordered = isinstance(nearest, exp.GT | exp.LT) and isinstance(keyed, exp.EQ)
    if not ordered or keyed is None or nearest is None:
        raise refused(select.sql(dialect="duckdb"))
    left, right = source.alias, join.this.alias
    sides = [column.table for side in (keyed, nearest) for column in side.find_all(exp.Column)]
    if sorted(sides) != sorted([left, right, left, right]) or nearest.this.table != left:
        raise refused(select.sql(dialect="duckdb"))
    wanted: dict[str, list[str]] = {left: [], right: []}
    for column in select.find_all(exp.Column):
        if column.table in wanted and column.name not in wanted[column.table]:
            wanted[column.table].append(column.name)
    key = {column.table: column.name for column in keyed.find_all(exp.Column)}
    down = " DESC" if isinstance(nearest, exp.LT) else ""
    by = {left: nearest.this.name, right: nearest.expression.name}

    def rows(side: str, mine: bool) -> str:
        columns = [
            f"{side}.{key[side]} AS asof_key",
            f"{side}.{by[side]} AS asof_at",
            f"{0 if mine else 1} AS asof_side",
        ]
        columns += [f"{side}.{name} AS l_{name}" if mine else f"NULL AS l_{name}" for name in wanted[left]]
        fields = ", ".join(f"'{name}', {side}.{name}" for name in wanted[right])
        columns.append("NULL AS asof_row" if mine else f"named_struct({fields}) AS asof_row")
        return f"SELECT {', '.join(columns)} FROM {side}"

    met = (
        f"SELECT {', '.join(f'l_{name}' for name in wanted[left])}, asof_side, LAST_VALUE(asof_row IGNORE NULLS) OVER "
        f"(PARTITION BY asof_key ORDER BY asof_at{down}, asof_side ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
        f" AS met FROM ({rows(left, True)} UNION ALL {rows(right, False)})"
    )
    names = [f"l_{name}" for name in wanted[left]]
    names += [f"met.{name} AS r_{name}" for name in wanted[right]]
    inner = "" if join.side == "LEFT" else " AND met IS NOT NULL"
    sql = f"SELECT {', '.join(names)} FROM ({met}) WHERE asof_side = 0{inner}"
    tree = sqlglot.parse_one(sql, read="duckdb")
    for table in list(tree.find_all(exp.Table)):
        if table.name in (left, right):
            table.replace((source if table.name == left else join.this).copy())
    for column in list(select.find_all(exp.Column)):
        if column.table in wanted and column.find_ancestor(exp.Join) is None:
            inside = column.find_ancestor(exp.Subquery, exp.Select)
            if inside is select:
                prefix = "l_" if column.table == left else "r_"
                fresh = exp.column(prefix + column.name, table="asof")
                alone = column.parent is select and column.arg_key == "expressions"
                column.replace(exp.alias_(fresh, column.name) if alone else fresh)
    select.set("joins", [])
    select.set(
        "from_", exp.From(this=exp.Subquery(this=tree, alias=exp.TableAlias(this=exp.to_identifier("asof"))))
    )
