"""Whether definitions can be computed: names, types and references, each error at its place in the file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from limner.errors import DefinitionError, ExpressionError
from limner.expressions.catalog import Catalog
from limner.expressions.check import check as sound
from limner.expressions.check import type_of
from limner.expressions.compile import people, values
from limner.expressions.tree import Aggregate, Interest
from limner.tags.graph import Graph, expression_path
from limner.tags.model import Method, Tag
from limner.tags.text import document_of


def problems(
    graph: Graph, keys: Iterable[str], *, catalog: Catalog, as_of: datetime
) -> list[DefinitionError]:
    """What is wrong with these tags; nothing when each can be computed. Compiles, computes nothing."""
    found = []
    for key in keys:
        try:
            check(graph.tags[key], graph, catalog=catalog, as_of=as_of)
        except DefinitionError as error:
            found.append(error)
    return found


def check(tag: Tag, graph: Graph, *, catalog: Catalog, as_of: datetime) -> None:
    """Raises DefinitionError at the first place of the tag's file that cannot be computed."""
    for position, tree in enumerate(graph.trees[tag.key]):
        path = expression_path(tag, position)
        try:
            if tag.method is Method.RULE:
                sound(tree, catalog)
                people(tree, catalog, as_of)
                continue
            if not isinstance(tree, Aggregate | Interest):
                raise document_of(tag).error(
                    "a statistic is one aggregate of events, or weights of labels",
                    *path,
                    hint='for example count("Order Paid" in last 30 days)',
                )
            kind = type_of(tree, catalog)
            values(tree, catalog, as_of)
        except ExpressionError as error:
            raise document_of(tag).wrapped(error, *path) from error
        seen = tree.of is None or isinstance(tree, Interest) or catalog.property(tree.of) is not None
        if seen and kind is not None and kind is not tag.type:
            raise document_of(tag).error(
                f"the statistic is of type {kind}, the tag of type {tag.type}",
                "type",
                code="type",
                hint=f"type: {kind}",
            )
