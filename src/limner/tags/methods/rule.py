"""Rule tags: the first case whose condition holds gives the value, or the sum of points, or a tier."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from limner.engine.seam import Query, Step, quoted
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.compile import rule, values
from limner.expressions.compiler import Scores
from limner.expressions.sql import Bound
from limner.tags.graph import Graph
from limner.tags.model import Points, Rule, Tag, Tiers, Value
from limner.tags.tiers import SCALE, millionths
from limner.types import MONEY_SCALE, ValueType, naive, utc


def query(
    tag: Tag,
    graph: Graph,
    *,
    catalog: Catalog,
    as_of: datetime,
    among: str | None = None,
    conditions: Sequence[t.Expr] | None = None,
    points: Sequence[int | float] = (),
) -> Query:
    """(ix, value) of everybody for whom a case holds, or of everybody when there is an `otherwise`, or points.

    `conditions`: those of the cases in another form; default: as they are written. `points`: the cut points of
    percentiles, as values stand in tables; default: they are computed from everybody.
    """
    definition = tag.definition
    if isinstance(definition, Points):
        return values(_scores(definition, conditions or graph.trees[tag.key]), catalog, as_of, among=among)
    if isinstance(definition, Tiers):
        return _tiers(definition, catalog=catalog, as_of=as_of, among=among, points=points)
    if not isinstance(definition, Rule):
        raise TypeError(f"the tag {tag.key} is of method {tag.method}")
    cases = [
        (condition, literal(case.then, tag.type))
        for condition, case in zip(conditions or graph.trees[tag.key], definition.cases, strict=True)
    ]
    last = definition.otherwise
    otherwise = None if last is None else literal(last, tag.type)
    return rule(cases, otherwise, catalog, as_of, type=tag.type, among=among)


def _scores(points: Points, conditions: Sequence[t.Expr]) -> Scores:
    rows = zip(conditions, points.rows, strict=True)
    cuts = () if points.cuts is None else points.cuts.points or ()
    return Scores(
        tuple((when, millionths(row.points)) for when, row in rows),
        tuple(millionths(cut) for cut in cuts),
        () if points.cuts is None else points.cuts.tiers,
    )


def cut_query(definition: Tiers, *, catalog: Catalog, as_of: datetime) -> Query:
    """One row: the cut points c0, c1 … as of now, NULL when nobody has a value, and of how many people (n).

    The cut point for p percent of n people is the value at place n * p // 100 (from 0) in ascending order: whole
    numbers alone decide, and equal values are in one tier.
    """
    bind = Bound()
    steps = _cutting(definition, bind, catalog=catalog, as_of=as_of)
    columns = ", ".join(f"c.c{number}" for number in range(len(definition.cuts.at)))
    final = f"SELECT {columns}, (SELECT COUNT(value) FROM held) AS n FROM cut AS c"
    return Query(steps, final, dict(bind.values))


def _cutting(definition: Tiers, bind: Bound, *, catalog: Catalog, as_of: datetime) -> tuple[Step, Step, Step]:
    """Everybody's number (`held`), those that are known in their order (`placed`), and the cut points (`cut`)."""
    placed = (
        "SELECT value, ROW_NUMBER() OVER (ORDER BY value) - 1 AS place, COUNT(*) OVER () AS n\n"
        "FROM held WHERE value IS NOT NULL"
    )
    whole = 100 * SCALE
    columns = ", ".join(
        f"MAX(value) FILTER (WHERE place = n * {bind(round(percent * SCALE))} // {bind(whole)}) AS c{number}"
        for number, percent in enumerate(definition.cuts.at)
    )
    return (
        held(definition, bind, catalog=catalog, as_of=as_of),
        Step("placed", placed),
        Step("cut", f"SELECT {columns} FROM placed"),
    )


def held(definition: Tiers, bind: Bound, *, catalog: Catalog, as_of: datetime) -> Step:
    """The step `held`: ix and the number that is cut (NULL: none), of all living people."""
    found = catalog.tag(definition.cuts.of)
    if found is None:
        raise TypeError(f"there is no tag {definition.cuts.of}")
    valid = f"v.value IS NOT NULL AND (v.expires_at IS NULL OR v.expires_at > {bind(naive(as_of))})"
    return Step(
        "held",
        f"SELECT p.ix, v.value FROM persons AS p LEFT JOIN {quoted(found[0])} AS v ON v.ix = p.ix AND {valid}\n"
        "WHERE p.merged_into IS NULL AND NOT p.erased",
    )


def _tiers(
    definition: Tiers,
    *,
    catalog: Catalog,
    as_of: datetime,
    among: str | None,
    points: Sequence[int | float],
) -> Query:
    """Everybody's tier by these cut points, else by those of `cut_query`, from all living people who have a value."""
    cuts, bind = definition.cuts, Bound()
    if points:
        steps: tuple[Step, ...] = (held(definition, bind, catalog=catalog, as_of=as_of),)
        at = [bind(point) for point in points]
    else:
        steps = _cutting(definition, bind, catalog=catalog, as_of=as_of)
        at = [f"c.c{number}" for number in range(len(cuts.at))]
    above = "".join(
        f" WHEN h.value >= {at[number]} THEN {bind(cuts.tiers[number + 1])}"
        for number in reversed(range(len(cuts.at)))
    )
    otherwise = "NULL" if definition.otherwise is None else bind(definition.otherwise)
    tier = f"CASE WHEN h.value IS NULL THEN {otherwise}{above} ELSE {bind(cuts.tiers[0])} END"
    cut = "" if points else " CROSS JOIN cut AS c"
    some = "" if among is None else f" WHERE h.ix IN (SELECT ix FROM {quoted(among)})"
    tiered = Step("tiered", f"SELECT h.ix, {tier} AS value FROM held AS h{cut}{some}")
    return Query((*steps, tiered), "SELECT ix, value FROM tiered WHERE value IS NOT NULL", dict(bind.values))


def literal(value: Value, kind: ValueType) -> t.Literal:
    """A tag's value as a literal of the language."""
    if isinstance(value, bool):
        return t.Flag(value)
    if isinstance(value, str):
        return t.Text(value)
    if isinstance(value, int | float):
        if kind is ValueType.MONEY:
            value = value / MONEY_SCALE
        return t.Number(int(value) if float(value).is_integer() else value)
    return t.Instant(utc(value).isoformat().replace("+00:00", "Z"))
