"""Statistic tags: aggregates over events, as many as there are in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from limner.engine.seam import Query
from limner.expressions.catalog import Catalog
from limner.expressions.compile import statistics
from limner.expressions.together import of_events, steady
from limner.tags.graph import Graph
from limner.tags.model import Tag


def query(
    tags: Iterable[Tag], graph: Graph, *, catalog: Catalog, as_of: datetime, among: str | None = None
) -> Query:
    """One row per living person: ix and a column named by each tag's key."""
    trees = {tag.key: graph.trees[tag.key][0] for tag in tags}
    return statistics(trees, catalog, as_of, among=among)  # type: ignore[arg-type]


def shares(tag: Tag, graph: Graph) -> bool:
    """Whether the tag is computed together with others, and can be carried on to a later instant."""
    if not tag.expressed:
        return False
    tree = graph.trees[tag.key][0]
    return not tag.weighted and of_events(tree) and steady(tree)  # type: ignore[arg-type]


def refers(tag: Tag, graph: Graph) -> bool:
    """Whether the statistic is worked out of tags or attributes, so that it comes after them."""
    return tag.expressed and not tag.weighted and not of_events(graph.trees[tag.key][0])
