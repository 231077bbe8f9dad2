"""What names mean in this workspace: events, properties, tags, attributes and audiences, for expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from limner.engine.seam import Engine
from limner.errors import NotFoundError, did_you_mean
from limner.expressions.tree import Expr
from limner.types import ValueType


@dataclass(frozen=True)
class Seen:
    """What the engine has seen: the ordinals of events, and the columns and types of their properties, by name."""

    events: Mapping[str, int]
    properties: Mapping[str, tuple[str, ValueType]]


def seen(engine: Engine) -> Seen:
    """What the engine has seen until now."""
    names = engine.read("SELECT name, name_i FROM names ORDER BY name_i")
    typed = engine.read("SELECT name, col, type FROM properties").to_pylist()
    return Seen(
        dict(zip(names.column("name").to_pylist(), names.column("name_i").to_pylist(), strict=True)),
        {row["name"]: (row["col"], ValueType(row["type"])) for row in typed},
    )


class WorkspaceCatalog:
    """The names known now. Cheap to make: one is made for each question, so it never goes stale.

    `tags`: key → (table, type) of every applied tag; `audiences`: a saved audience's tree or fixed members.
    `attributes`: those that are known besides the engine's. `weighted`: the tags that give labels with weights.
    `known`: what the engine has seen, when that is known already.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        zone: str,
        sources: Mapping[str, int],
        tags: Mapping[str, tuple[str, ValueType]],
        audiences: Mapping[str, Callable[[], Expr | frozenset[int]]],
        attributes: Iterable[str] = (),
        weighted: Iterable[str] = (),
        known: Seen | None = None,
    ) -> None:
        self._engine = engine
        self.zone = zone
        self._sources = sources
        self._tags = dict(tags)
        self._audiences = audiences
        self._weighted = set(weighted)
        known = seen(engine) if known is None else known
        self._events, self._properties = known.events, known.properties
        self._known_attributes = frozenset(attributes)
        self._attributes: tuple[str, ...] | None = None

    def define(self, key: str, table: str, kind: ValueType, *, weighted: bool = False) -> None:
        """From now on `key` is a tag, although it is not applied yet."""
        self._tags[key] = (table, kind)
        (self._weighted.add if weighted else self._weighted.discard)(key)

    def list_as(self, name: str, members: frozenset[int]) -> None:
        """From now on the audience is this list of ordinals."""
        self._audiences = {**self._audiences, name: lambda: members}

    def event_codes(self, name: str) -> tuple[int, ...]:
        """The ordinals of the events meant: one name, or all that begin like `prefix*`; none when unknown."""
        if name.endswith("*"):
            return tuple(code for known, code in self._events.items() if known.startswith(name[:-1]))
        return (self._events[name],) if name in self._events else ()

    def event_names(self) -> Iterable[str]:
        """Every event name seen."""
        return self._events

    def source_codes(self) -> Mapping[str, int]:
        """The ordinal of each source by name."""
        return self._sources

    def property(self, name: str) -> tuple[str, ValueType] | None:
        """The events column of a property and its type."""
        return self._properties.get(name)

    def property_names(self) -> Iterable[str]:
        """Every property with a column."""
        return self._properties

    def tag(self, key: str) -> tuple[str, ValueType] | None:
        """The table of a tag's values and their type."""
        return self._tags.get(key)

    def tag_keys(self) -> Iterable[str]:
        """Every tag."""
        return self._tags

    def weighted(self, key: str) -> bool:
        """Whether the tag gives labels with weights."""
        return key in self._weighted

    def audience(self, name: str) -> Expr | frozenset[int] | None:
        """A saved audience's condition, or the ordinals of a fixed list."""
        made = self._audiences.get(name)
        return None if made is None else made()

    def audience_names(self) -> Iterable[str]:
        """Every saved audience."""
        return self._audiences

    def attribute_names(self) -> Iterable[str]:
        """Every attribute seen."""
        if self._attributes is None:
            found = self._engine.read("SELECT DISTINCT name FROM attributes ORDER BY name")
            self._attributes = tuple(sorted({*found.column(0).to_pylist(), *self._known_attributes}))
        return self._attributes


def known(names: Iterable[str], wanted: str, noun: str) -> str:
    """The name when it is known. Raises NotFoundError with the nearest one."""
    names = list(names)
    if wanted not in names:
        raise NotFoundError(
            f"there is no {noun} '{wanted}'", hint=did_you_mean(wanted, names) or f"limner {noun} list"
        )
    return wanted
