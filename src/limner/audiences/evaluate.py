"""Evaluation: how many and who satisfy a condition as of an instant: columns if they can answer, else SQL.

Both give the same people: published tags are read as they stand, expired ones as unknown. Before the last
publication (`as_of` in its past) tags are computed anew from what had happened by then.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np

from limner.bitmap import Bitmap
from limner.columns import Columns
from limner.engine.seam import Engine, Transaction
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.columnar import NotInColumns, columns_count, columns_mask
from limner.expressions.compile import people as people_query
from limner.tags.graph import Graph
from limner.tags.history import tags_at

_MOST_AUDIENCES = 1_000


def count(
    expr: t.Expr,
    *,
    catalog: Catalog,
    engine: Engine,
    columns: Columns | None,
    as_of: datetime,
    graph: Graph | None = None,
) -> int:
    """How many living people satisfy the condition; exact, by either executor.

    `columns`: the published tags, brought to who is alive now by `Columns.at(now, alive=…)`. `graph`: the
    definitions, needed when `as_of` is before the last publication. Raises ExpressionError.
    """
    inline = with_audiences(expr, catalog)
    if columns is not None and as_of >= columns.as_of:
        try:
            return columns_count(inline, columns.at(as_of), as_of=as_of, zone=catalog.zone)
        except NotInColumns:
            pass
    if graph is not None and in_the_past(inline, columns, as_of, graph):
        return len(_people_then(expr, inline, catalog=catalog, engine=engine, as_of=as_of, graph=graph))
    query = people_query(expr, catalog, as_of)
    found = engine.read(f"SELECT COUNT(*) AS people FROM ({query.sql})", query.values)
    return int(found.column(0)[0].as_py())


def people(
    expr: t.Expr,
    *,
    catalog: Catalog,
    engine: Engine,
    columns: Columns | None,
    as_of: datetime,
    graph: Graph | None = None,
    heard: datetime | None = None,
) -> Bitmap:
    """The living people who satisfy the condition; arguments as for `count`.

    `heard`, with a graph: of what was received later nothing counts, and tags are computed anew.
    """
    inline = with_audiences(expr, catalog)
    if graph is not None and heard is not None:
        return _people_then(
            expr, inline, catalog=catalog, engine=engine, as_of=as_of, graph=graph, heard=heard
        )
    if columns is not None and as_of >= columns.as_of:
        try:
            return Bitmap.of_mask(columns_mask(inline, columns.at(as_of), as_of=as_of, zone=catalog.zone))
        except NotInColumns:
            pass
    if graph is not None and in_the_past(inline, columns, as_of, graph):
        return _people_then(expr, inline, catalog=catalog, engine=engine, as_of=as_of, graph=graph)
    query = people_query(expr, catalog, as_of)
    return Bitmap.of(engine.read(query.sql, query.values).column(0).to_numpy())


def people_of(
    expr: t.Expr, *, catalog: Catalog, reads: Engine | Transaction, columns: Columns | None, as_of: datetime
) -> Bitmap:
    """The living people of a condition over tags as they stand in the columns, else in the catalog's tables."""
    if columns is not None and as_of >= columns.as_of:
        try:
            inline = with_audiences(expr, catalog)
            return Bitmap.of_mask(columns_mask(inline, columns.at(as_of), as_of=as_of, zone=catalog.zone))
        except NotInColumns:
            pass
    query = people_query(expr, catalog, as_of)
    return Bitmap.of(np.asarray(reads.read(query.sql, query.values).column(0).to_numpy()))


def members(engine: Engine, user_ids: tuple[str, ...]) -> Bitmap:
    """The living people of a fixed list; ids that nobody has are left out."""
    found = engine.read(
        "SELECT DISTINCT i.ix FROM identifiers AS i JOIN persons AS p ON p.ix = i.ix"
        " WHERE i.kind = 'user' AND list_contains($ids, i.value) AND p.merged_into IS NULL AND NOT p.erased",
        {"ids": list(user_ids)},
    )
    return Bitmap.of(found.column(0).to_numpy())


def with_audiences(expr: t.Expr, catalog: Catalog, _open: tuple[str, ...] = ()) -> t.Expr:
    """The condition with every named audience replaced by its own condition; fixed lists stay as they are."""
    if isinstance(expr, t.InAudience):
        found = catalog.audience(expr.name)
        if (
            found is None
            or isinstance(found, frozenset)
            or expr.name in _open
            or len(_open) > _MOST_AUDIENCES
        ):
            return expr
        return with_audiences(found, catalog, (*_open, expr.name))
    if isinstance(expr, t.Not):
        return replace(expr, arg=with_audiences(expr.arg, catalog, _open))
    if isinstance(expr, t.And | t.Or):
        return replace(expr, args=tuple(with_audiences(arg, catalog, _open) for arg in expr.args))
    return expr


def in_the_past(expr: t.Expr, columns: Columns | None, as_of: datetime, graph: Graph) -> bool:
    """Whether tags that the condition names must be computed anew, as of before their last publication."""
    before = columns is None or as_of < columns.as_of
    return before and bool(t.names_of(expr) & graph.tags.keys())


def _people_then(
    expr: t.Expr,
    inline: t.Expr,
    *,
    catalog: Catalog,
    engine: Engine,
    as_of: datetime,
    graph: Graph,
    heard: datetime | None = None,
) -> Bitmap:
    keys = t.names_of(inline) & graph.tags.keys()
    with tags_at(engine, graph, keys, catalog=catalog, as_of=as_of, heard=heard) as (tx, then):
        query = people_query(expr, then, as_of)
        return Bitmap.of(np.asarray(tx.read(query.sql, query.values).column(0).to_numpy()))
