"""Which event names and typed property columns there are. Grows only; a load drafts, then commits it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import pyarrow as pa

from limner.config import Limits
from limner.engine.seam import Transaction, quoted
from limner.events import values
from limner.types import ValueType

OTHER = "$other"
"""The event name under which names beyond the limit are kept; the true one stays in `rest`."""


@dataclass(slots=True)
class Registry:
    """Names and properties as known, and those that this draft adds."""

    names: dict[str, int]
    properties: dict[str, tuple[ValueType, str]]
    limits: Limits
    money: Collection[str]
    fresh_names: list[str] = field(default_factory=list)
    fresh_properties: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, tx: Transaction, limits: Limits, money: Collection[str]) -> Registry:
        """What the engine holds."""
        names = tx.read("SELECT name, name_i FROM names").to_pydict()
        known = tx.read("SELECT name, type, col FROM properties").to_pylist()
        return cls(
            dict(zip(names["name"], names["name_i"], strict=True)),
            {row["name"]: (ValueType(row["type"]), row["col"]) for row in known},
            limits,
            frozenset(money),
        )

    def draft(self) -> Registry:
        """A copy to add to; the original stays when the load fails."""
        return Registry(dict(self.names), dict(self.properties), self.limits, self.money)

    def name(self, name: str) -> int | None:
        """The name's number, given out now when it is new; None when there are too many names."""
        number = self.names.get(name)
        if number is None:
            if len(self.names) >= self.limits.event_names and not name.startswith("$"):
                return None
            number = self.names[name] = len(self.names)
            self.fresh_names.append(name)
        return number

    def column(self, name: str, kind: ValueType | None) -> tuple[ValueType, str] | None:
        """The property's type and column, made now when it is new; None when it gets none.

        A money property is money whatever its first value is. A new dotted name under a property that has
        a column of its own (`amount.v` beside `amount`) gets none: there the value drifted to an object.
        """
        known = self.properties.get(name)
        if known is not None:
            return known
        if name in self.money:
            kind = ValueType.MONEY
        if kind is None or kind not in values.SQL or self.full:
            return None
        if self.shadow(name):
            return None
        made = (kind, f"p_{len(self.properties)}")
        self.properties[name] = made
        self.fresh_properties.append(name)
        return made

    @property
    def full(self) -> bool:
        """Whether properties get no more columns."""
        return len(self.properties) >= self.limits.property_columns

    def shadow(self, name: str) -> str | None:
        """The property with a column of its own (or money) under which this dotted name lies."""
        at = name.find(".")
        while at > 0:
            above = name[:at]
            if above in self.properties or above in self.money:
                return above
            at = name.find(".", at + 1)
        return None

    def keep(self, tx: Transaction) -> None:
        """Writes what this draft added, with its columns."""
        if self.fresh_names:
            numbers = pa.array([self.names[name] for name in self.fresh_names], pa.uint32())
            tx.insert("names", pa.table({"name_i": numbers, "name": self.fresh_names}))
        if not self.fresh_properties:
            return
        made = [(name, *self.properties[name]) for name in self.fresh_properties]
        for _, kind, col in made:
            tx.execute(f"ALTER TABLE events ADD COLUMN {quoted(col)} {values.SQL[kind]}")
        tx.insert(
            "properties",
            pa.table(
                {
                    "name": [name for name, _, _ in made],
                    "type": [str(kind) for _, kind, _ in made],
                    "col": [col for _, _, col in made],
                }
            ),
        )
