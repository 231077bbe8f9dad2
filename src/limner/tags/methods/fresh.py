"""Fresh: a catalog in which tags are the definitions of this run, applied yet or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from limner.expressions.catalog import Catalog
from limner.expressions.tree import Expr
from limner.tags.model import Tag
from limner.types import ValueType


class Fresh:
    """The catalog, except for its tags: these are given. `prefix` goes before each tag's table.

    `leaves`: further values by name, each with its table and type.
    """

    def __init__(
        self,
        catalog: Catalog,
        tags: Mapping[str, Tag],
        *,
        prefix: str = "",
        leaves: Mapping[str, tuple[str, ValueType]] | None = None,
    ) -> None:
        self._catalog = catalog
        self._tags = tags
        self._prefix = prefix
        self._leaves = leaves or {}

    @property
    def zone(self) -> str:
        """The workspace's time zone."""
        return self._catalog.zone

    def tag(self, key: str) -> tuple[str, ValueType] | None:
        """The table of the tag's values and their type."""
        if key in self._leaves:
            return self._leaves[key]
        found = self._tags.get(key)
        return None if found is None else (self._prefix + found.table, found.type)

    def tag_keys(self) -> Iterable[str]:
        """The keys of all definitions."""
        return self._tags

    def weighted(self, key: str) -> bool:
        """Whether the definition gives labels with weights."""
        found = self._tags.get(key)
        return self._catalog.weighted(key) if found is None else found.weighted

    def event_codes(self, name: str) -> tuple[int, ...]:
        """As the catalog has it."""
        return self._catalog.event_codes(name)

    def event_names(self) -> Mapping[str, int] | Iterable[str]:
        """As the catalog has it."""
        return self._catalog.event_names()

    def property(self, name: str) -> tuple[str, ValueType] | None:
        """As the catalog has it."""
        return self._catalog.property(name)

    def property_names(self) -> Iterable[str]:
        """As the catalog has it."""
        return self._catalog.property_names()

    def audience(self, name: str) -> Expr | frozenset[int] | None:
        """As the catalog has it."""
        return self._catalog.audience(name)

    def audience_names(self) -> Iterable[str]:
        """As the catalog has it."""
        return self._catalog.audience_names()

    def attribute_names(self) -> Iterable[str]:
        """As the catalog has it."""
        return self._catalog.attribute_names()

    def source_codes(self) -> Mapping[str, int]:
        """As the catalog has it."""
        return self._catalog.source_codes()
