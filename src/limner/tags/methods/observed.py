"""Observed tags: the value of an attribute, typed. The same value that `person.NAME` has in an expression."""

from __future__ import annotations

from datetime import datetime

from limner.engine.seam import Query
from limner.expressions.attributes import attribute_steps, json_at
from limner.expressions.catalog import Catalog
from limner.expressions.sql import Bound, Sql, Typed
from limner.tags.model import Observed, Tag
from limner.types import naive


def query(tag: Tag, *, catalog: Catalog, as_of: datetime, among: str | None = None) -> Query:
    """(ix, value) of everybody whose attribute has a value of the tag's type at as_of."""
    definition = tag.definition
    if not isinstance(definition, Observed):
        raise TypeError(f"the tag {tag.key} is of method {tag.method}")
    bind = Bound()
    sql = Sql(bind, naive(as_of), catalog.zone)
    path = attribute_path(definition.attribute, catalog)
    steps = attribute_steps("said", path[0], sql, among)
    value = sql.cast(Typed(json_at(path, "value", sql), None), tag.type)
    return Query(tuple(steps), f"SELECT ix, {value} AS value FROM said", dict(bind.values))


def attribute_path(written: str, catalog: Catalog) -> tuple[str, ...]:
    """An attribute of that very name, else the steps between its dots."""
    if "." not in written or written in set(catalog.attribute_names()):
        return (written,)
    return tuple(written.split("."))
