"""Many values in one pass over the events, in a form that can be carried on from one instant to a later one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from limner.engine.seam import Query, Step
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.compiler import Compiler, timeless
from limner.expressions.happenings import (
    EventSql,
    Selection,
)
from limner.expressions.scan import Numbers, Tally
from limner.expressions.sql import Bound, Typed
from limner.types import naive

NOW = "$now"
"""The instant, in the reading of a value that looks at the time from then."""


@dataclass(frozen=True)
class Together:
    """Many values in one pass over the events, in a form that can be carried on from one instant to a later one.

    `query` gives [ix, a column of each tally, a column of each value that is not made of tallies alone]; a column is
    named after what it answers. `reading` is each value in SQL over these columns, which stand in a table called e,
    and `made_of` names the columns; a reading that looks at the time from now binds NOW. `asked`: the selections of
    events on which each column that is no tally rests; `parts`: the value of which each column is. Of events only the
    bounds may move with time, see `steady`.
    """

    query: Query
    reading: Mapping[str, str]
    tallies: Mapping[str, Tally]
    asked: Mapping[str, tuple[Selection, ...]]
    made_of: Mapping[str, tuple[str, ...]]
    parts: Mapping[str, t.Value]
    events: EventSql

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column besides ix."""
        return (*self.tallies, *self.asked)

    def some(
        self, names: Sequence[str], catalog: Catalog, as_of: datetime, *, numbers: Mapping[str, Numbers]
    ) -> Query:
        """The query of [ix, these columns] alone, over the events on which they rest; asked as the whole was."""
        parts = dict.fromkeys(self.parts[name] for name in names)
        made = together({str(n): part for n, part in enumerate(parts)}, catalog, as_of, numbers=numbers)
        chosen = ", ".join(("ix", *names))
        return Query(
            (*made.query.steps, Step("shelf", made.query.final)),
            f"SELECT {chosen} FROM shelf",
            made.query.values,
        )


def together(
    columns: Mapping[str, t.Value],
    catalog: Catalog,
    as_of: datetime,
    zone: str | None = None,
    *,
    among: str | None = None,
    bind: Bound | None = None,
    numbers: Mapping[str, Numbers] | None = None,
) -> Together:
    """The values of every living person as of then.

    `bind`: values that another query binds too. `numbers`: see `numbered`; a value that rests on numbers which are
    not there is not made of tallies.
    """
    compiler = Compiler(catalog, as_of, zone, among, bind, numbers)
    compiler.now = NOW
    reading: dict[str, str] = {}
    chosen: dict[str, str] = {}
    asked: dict[str, tuple[Selection, ...]] = {}
    made_of: dict[str, tuple[str, ...]] = {}
    kept: dict[str, Tally] = {}
    parts: dict[str, t.Value] = {}
    for key, value in columns.items():
        stored: dict[t.Value, Typed] = {}
        rests_on: list[str] = []
        for part in _parts(value):
            alone = Compiler(catalog, as_of, zone, among, numbers=numbers)
            kind = alone.value(part).type
            written = compiler.value(part).sql
            if alone.plain:
                rests_on += alone.scan.tallies
                kept |= {name: compiler.scan.tallies[name] for name in alone.scan.tallies}
                parts |= dict.fromkeys(alone.scan.tallies, part)
                continue
            rests = {selection.text for selection in alone.selections}
            name = "_v" + blake2b(repr(part).encode(), digest_size=8).hexdigest()
            asked[name] = tuple(s for s in compiler.selections if s.text in rests)
            chosen[name] = f"{written} AS {name}"
            stored[part] = Typed(f"e.{name}", kind)
            parts[name] = part
            rests_on.append(name)
        compiler.stored = stored
        reading[key] = _inlined(compiler.column(value), compiler.bind)
        compiler.stored = {}
        made_of[key] = tuple(dict.fromkeys(rests_on))
    tallies = (f"{_narrow(tally.how, f'e.{name}')} AS {name}" for name, tally in kept.items())
    listed = ["p.ix AS ix", *tallies, *chosen.values()]
    query = compiler.query(listed, None)
    query = Query(query.steps, query.final, {**query.values, NOW[1:]: naive(as_of)})
    return Together(query, reading, kept, asked, made_of, parts, compiler.events)


def _parts(value: t.Value) -> list[t.Value]:
    """What a value is made of, each a value of a person's events that does not look at the time from now."""
    match value:
        case t.Arithmetic(left, _, right):
            return [*_parts(left), *_parts(right)]
        case t.Dated(_, dated):
            return _parts(dated)
        case t.Aggregate() | t.Streak():
            return [timeless(value)]
        case t.Habit() | t.Delay():
            return [value]
        case _:
            return []


def of_events(value: t.Expr) -> bool:
    """Whether the value follows from a person's events alone: no tag and no attribute is in it."""
    return bool(_parts(value)) and not t.names_of(value) and not _has_attribute(value)  # type: ignore[arg-type]


def _has_attribute(value: t.Expr) -> bool:
    return any(isinstance(node, t.Attribute | t.Dated) for node in t.walk(value))


def _narrow(how: str, tally: str) -> str:
    """The tally in the smallest type that always holds it."""
    kind = {"count": "INTEGER", "sum": "BIGINT"}.get(how)
    return tally if kind is None else f"CAST({tally} AS {kind})"


def numbered(
    columns: Mapping[str, t.Value], catalog: Catalog, as_of: datetime, *, bind: Bound | None = None
) -> dict[str, Query]:
    """The columns of `events` whose values are numbered for these values, each with the query of its values (value)."""
    compiler = Compiler(catalog, as_of, None, None, bind)
    for value in columns.values():
        compiler.column(value)
    found = {column: compiler.scan.distinct_values(column) for column in compiler.scan.numbered}
    return {column: Query((), sql, dict(compiler.bind.values)) for column, sql in found.items()}


def steady(value: t.Value) -> bool:
    """Whether an event satisfies its conditions at every instant if it does at one: none looks at the time from now."""
    return not any(
        isinstance(inner, t.Within)
        for event in t.walk(value)
        if isinstance(event, t.Event)
        for inner in t.walk(event)
    )


def _inlined(sql: str, bind: Bound) -> str:
    """The SQL with the values that it binds (instants, numbers, the zone) written out, as a view needs it."""

    def written(found: re.Match[str]) -> str:
        value = bind.values[found[1]]
        if isinstance(value, datetime):
            return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
        if isinstance(value, float):
            return f"CAST('{value!r}' AS DOUBLE)"
        if isinstance(value, str):
            return "'" + value.replace("'", "''") + "'"
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"a {type(value).__name__} in a value made of tallies")
        return str(value)

    return _PARAMETER.sub(written, sql)


_PARAMETER = re.compile(r"\$(v\d+)\b")
