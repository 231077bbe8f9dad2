"""From a tree to one query of the engine: bound values, named steps, one pass over the events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from limner.engine.seam import Query, Step, quoted
from limner.expressions import interests
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.compiler import Cases, Compiler, Scores
from limner.expressions.happenings import (
    EventSql,
)
from limner.expressions.sql import Bound, Sql
from limner.types import ValueType, naive


def people(
    expr: t.Expr, catalog: Catalog, as_of: datetime, zone: str | None = None, *, among: str | None = None
) -> Query:
    """The query of the `ix` of every living person for whom the condition is true.

    `among`: a table with a column `ix`; only its people are looked at. What takes long is only asked of the people
    for whom everything else is true. Raises ExpressionError (unknown_name, type, too_complex).
    """
    bind = Bound()
    quick, slow = _in_two(expr)
    before: tuple[Step, ...] = ()
    if quick and slow:
        first = Compiler(catalog, as_of, zone, among, bind)
        candidates = first.candidates(first.condition(_and(quick)), did=_did_something(quick))
        before, among, expr = (Step(CANDIDATES, candidates.sql),), CANDIDATES, _and(slow)
    compiler = Compiler(catalog, as_of, zone, among, bind)
    found = compiler.query(["p.ix AS ix"], compiler.condition(expr))
    return Query((*before, *found.steps), found.final, found.values)


CANDIDATES = "candidates"


def _in_two(expr: t.Expr) -> tuple[list[t.Expr], list[t.Expr]]:
    """Conditions that are quick to test, and those that take long, which together are the condition.

    Who did a sequence did each of its events: that is a quick condition too.
    """
    parts = expr.args if isinstance(expr, t.And) else (expr,)
    slow = [part for part in parts if any(isinstance(node, _SLOW) for node in t.walk(part))]
    quick = [part for part in parts if part not in slow]
    if quick:
        for part in slow:
            if isinstance(part, t.Sequence):
                quick.append(t.Did(part.first, None, part.window))
                quick += [t.Did(step.event, None, None) for step in part.steps]
    return quick, slow


def _did_something(parts: Sequence[t.Expr]) -> bool:
    """Whether all of the parts together are only true of people who did something."""
    return any(isinstance(part, t.Did) and part.times is None for part in parts)


_SLOW = (t.Sequence, t.Regularly, t.InAudience)


def _and(parts: Sequence[t.Expr]) -> t.Expr:
    return parts[0] if len(parts) == 1 else t.And(tuple(parts))


def values(
    value: t.Value | Cases | Scores,
    catalog: Catalog,
    as_of: datetime,
    zone: str | None = None,
    *,
    among: str | None = None,
) -> Query:
    """The query of [ix, value] of every living person who has the value."""
    compiler = Compiler(catalog, as_of, zone, among)
    column = compiler.column(value)
    inner = compiler.query(["p.ix AS ix", f"{column} AS value"], None)
    steps = (*inner.steps, Step("valued", inner.final))
    return Query(steps, "SELECT ix, value FROM valued WHERE value IS NOT NULL", inner.values)


def rule(
    cases: Sequence[tuple[t.Expr, t.Literal]],
    otherwise: t.Literal | None,
    catalog: Catalog,
    as_of: datetime,
    zone: str | None = None,
    *,
    type: ValueType,
    among: str | None = None,
) -> Query:
    """The query of [ix, value]: the value of each person's first true case, else `otherwise`."""
    return values(Cases(tuple(cases), otherwise, type), catalog, as_of, zone, among=among)


def statistics(
    columns: Mapping[str, t.Value | Cases | Scores],
    catalog: Catalog,
    as_of: datetime,
    zone: str | None = None,
    *,
    among: str | None = None,
) -> Query:
    """The query of [ix, key, …] of every living person: many values in one pass over the events.

    A missing value is NULL. count, distinct and sum of nothing are 0.
    """
    compiler = Compiler(catalog, as_of, zone, among)
    chosen = [f"{compiler.column(value)} AS {quoted(key)}" for key, value in columns.items()]
    return compiler.query(["p.ix AS ix", *chosen], None)


def points(
    node: t.Interest, catalog: Catalog, as_of: datetime, zone: str | None = None, *, among: str | None = None
) -> Query:
    """The query of [ix, label, generation, points]: what the people's events give each label."""
    bind = Bound()
    events = EventSql(Sql(bind, naive(as_of), zone or catalog.zone), catalog)
    return Query((), interests.points(node, events, among=among), dict(bind.values))


def weights(
    node: t.Interest, catalog: Catalog, as_of: datetime, zone: str | None = None, *, among: str | None = None
) -> Query:
    """The query of [ix, label, weight, place]: each person's labels from the greatest weight on."""
    bind = Bound()
    events = EventSql(Sql(bind, naive(as_of), zone or catalog.zone), catalog)
    found = interests.steps(node, events, name="interest", among=among)[:-1]
    return Query(tuple(found), f"SELECT * FROM {found[-1].name}", dict(bind.values))


def where(
    expr: t.Expr, catalog: Catalog, as_of: datetime, zone: str | None = None
) -> tuple[str, Mapping[str, Any]]:
    """A condition over the columns of `events` and the values it binds (parse with scope="event")."""
    bind = Bound()
    events = EventSql(Sql(bind, naive(as_of), zone or catalog.zone), catalog)
    return events.condition(expr), bind.values
