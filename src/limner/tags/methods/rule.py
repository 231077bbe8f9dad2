"""Rule tags: the first case whose condition holds gives the value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from limner.engine.seam import Query
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.compile import rule
from limner.tags.graph import Graph
from limner.tags.model import Rule, Tag, Value
from limner.types import MONEY_SCALE, ValueType, utc


def query(
    tag: Tag,
    graph: Graph,
    *,
    catalog: Catalog,
    as_of: datetime,
    among: str | None = None,
    conditions: Sequence[t.Expr] | None = None,
) -> Query:
    """(ix, value) of everybody for whom a case holds, or of everybody when there is an `otherwise`.

    `conditions`: those of the cases in another form; default: as they are written.
    """
    definition = tag.definition
    if not isinstance(definition, Rule):
        raise TypeError(f"the tag {tag.key} is of method {tag.method}")
    cases = [
        (condition, literal(case.then, tag.type))
        for condition, case in zip(conditions or graph.trees[tag.key], definition.cases, strict=True)
    ]
    last = definition.otherwise
    otherwise = None if last is None else literal(last, tag.type)
    return rule(cases, otherwise, catalog, as_of, type=tag.type, among=among)


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
