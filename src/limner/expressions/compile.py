"""From a tree to one query of the engine: bound values, named steps, one pass over the events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
        candidates = _candidates(quick, lambda: Compiler(catalog, as_of, zone, among, bind))
        before, among, expr = (Step(CANDIDATES, candidates),), CANDIDATES, _and(slow)
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
    for part in slow:
        if isinstance(part, t.Sequence):
            quick.append(t.Did(part.first, None, part.window))
            quick += [t.Did(step.event, None, None) for step in part.steps]
    return quick, slow


def _candidates(parts: Sequence[t.Expr], compiler: Callable[[], Compiler]) -> str:
    """The query (ix) of the people for whom all of the parts are true, and perhaps of some who live no more.

    What is asked of the events of one name is asked of them alone: no window of another name makes that pass longer.
    """
    named: dict[str, list[t.Expr]] = {}
    for part in parts:
        did = _did(part)
        named.setdefault("" if did is None else did.event.name, []).append(part)
    if not any(_did_something(several) for several in named.values()):
        named = {"": list(parts)}
    counted, at_all, without = [], [], []
    for name, several in named.items():
        one, whole, doers = compiler(), _and(several), _at_all(several)
        if _did_something(several):
            if doers is None:
                counted.append(one.candidates(one.condition(whole), did=True).sql)
            else:
                at_all.append(one.doers(doers))
        elif not name:
            counted.append(one.candidates(one.condition(whole), did=False).sql)
        elif doers is None:
            without.append(one.candidates(one.condition(t.Not(whole)), did=True).sql)
        else:
            without.append(one.doers(doers))
    if not counted:
        counted.append(f"SELECT DISTINCT ix FROM ({at_all.pop()})")
    first, *others = counted
    return " ".join(
        (
            f"SELECT c.ix FROM ({first}) AS c",
            *(f"SEMI JOIN ({sql}) AS s{n} ON s{n}.ix = c.ix" for n, sql in enumerate((*others, *at_all))),
            *(f"ANTI JOIN ({sql}) AS w{n} ON w{n}.ix = c.ix" for n, sql in enumerate(without)),
        )
    )


def _did(part: t.Expr) -> t.Did | None:
    """What the part asks of the number of some events, or denies of it; None when it asks of anything else."""
    found = part.arg if isinstance(part, t.Not) else part
    return found if isinstance(found, t.Did) else None


def _did_something(parts: Sequence[t.Expr]) -> bool:
    """Whether all of the parts together are only true of people who did something."""
    return any(_of_nobody(part) for part in parts)


def _of_nobody(part: t.Expr) -> bool:
    """Whether it is false of everybody who did nothing."""
    did = _did(part)
    if did is None:
        return False
    true = did.times is not None and did.times.of(0)
    return true if isinstance(part, t.Not) else not true


def _at_all(parts: Sequence[t.Expr]) -> t.Did | None:
    """What they ask, or deny, when it is one thing: one such event in a window of time, and not how many."""
    did = _did(parts[0]) if len(parts) == 1 else None
    if did is None or did.times is not None or isinstance(did.window, t.SinceEvent | t.BeforeEvent):
        return None
    return did


_SLOW = (t.Sequence, t.Regularly, t.InAudience)


def _and(parts: Sequence[t.Expr]) -> t.Expr:
    return parts[0] if len(parts) == 1 else t.And(tuple(parts))


def doers(node: t.Did, catalog: Catalog, as_of: datetime, zone: str | None = None) -> Query | None:
    """The query of [ix] of who did it, once for each time, also of who lives no more.

    None where its window hangs on other events of the person.
    """
    if isinstance(node.window, t.SinceEvent | t.BeforeEvent):
        return None
    compiler = Compiler(catalog, as_of, zone, None)
    return Query((), compiler.doers(node), dict(compiler.bind.values))


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
