"""Standing: everybody's row of a home in memory, so that a step need not look for a few people among all.

What the engine holds counts; this is a copy of it, which is good for exactly one mark: whoever finds another one reads
anew. Columns that are no numbers, flags or instants (texts, structures) stay with the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from limner.columns import Array
from limner.engine.seam import Engine, Transaction, quoted
from limner.tags.homes import Mark

MOST_BYTES = 1 << 29
"""So much of a home is held in memory; what does not fit stays with the engine."""

ROOM = 1 / 16
"""Room for so many more people is made at once."""


@dataclass(frozen=True, eq=False)
class Values:
    """Values of some people, and who has none (None: everybody has one). Instants are microseconds since 1970."""

    values: Array
    missing: Array | None = None

    @property
    def known(self) -> Array:
        """Who has a value."""
        return np.ones(len(self.values), dtype=np.bool_) if self.missing is None else ~self.missing

    def take(self, places: Array) -> Values:
        """Those at some places."""
        return Values(self.values[places], None if self.missing is None else self.missing[places])

    def arrow(self, kind: pa.DataType) -> pa.Array:
        """As the engine knows them."""
        values = self.values.view("datetime64[us]") if pa.types.is_timestamp(kind) else self.values
        return pa.array(values, mask=self.missing).cast(kind)


def plain(kind: pa.DataType) -> bool:
    """Whether values of the kind can be held as `Values`."""
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_timestamp(kind)
    )


def values_of(found: pa.Array | pa.ChunkedArray) -> Values:
    """Values of a plain kind; 0 stands where there is none."""
    if isinstance(found, pa.ChunkedArray):
        found = found.combine_chunks()
    missing = found.is_null().to_numpy(zero_copy_only=False) if found.null_count else None
    if pa.types.is_timestamp(found.type):
        found = found.cast(pa.int64())
    if missing is not None:
        found = found.fill_null(False if pa.types.is_boolean(found.type) else 0)
    return Values(np.asarray(found.to_numpy(zero_copy_only=False)), missing)


@dataclass(eq=False)
class _Held:
    """A column for each ordinal."""

    kind: pa.DataType
    values: Array
    missing: Array | None = None

    def put(self, who: Array, found: Values) -> None:
        self.values[who] = found.values
        if self.missing is None and found.missing is not None:
            self.missing = np.zeros(len(self.values), dtype=np.bool_)
        if self.missing is not None:
            self.missing[who] = False if found.missing is None else found.missing

    def grow(self, n: int) -> None:
        self.values = _longer(self.values, n)
        self.missing = None if self.missing is None else _longer(self.missing, n)


@dataclass(eq=False)
class Standing:
    """The rows of the home that the mark names.

    By ordinal: `there`, who has one; `lately`, by shelf (its view), who was written since the shelf was written whole.
    `others`: the columns that are not in memory.
    """

    mark: Mark
    there: Array
    lately: dict[str, Array]
    others: dict[str, pa.DataType]
    columns: dict[str, _Held] = field(default_factory=dict)

    def kind(self, name: str) -> pa.DataType:
        """What kind of values a column has."""
        return self.columns[name].kind if name in self.columns else self.others[name]

    def take(self, name: str, who: Array, none: Array | None) -> Values:
        """Some people's values of a column that is in memory; `none`: which of them have no row."""
        held = self.columns[name]
        missing = None if held.missing is None else held.missing[who]
        if none is not None:
            missing = none if missing is None else missing | none
        return Values(held.values[who], missing)

    def fit(self, n: int) -> None:
        """Makes room for n ordinals."""
        if len(self.there) < n:
            self.there = _longer(self.there, n)
            self.lately = {view: _longer(held, n) for view, held in self.lately.items()}
        for held in self.columns.values():
            if len(held.values) < n:
                held.grow(n + int(n * ROOM))

    def put(self, name: str, who: Array, found: Values) -> None:
        """Some people have these values in a column, if it is in memory."""
        if name in self.columns:
            self.columns[name].put(who, found)


def read(tx: Engine | Transaction, mark: Mark, n: int) -> Standing:
    """The rows of a home of n ordinals, out of the engine."""
    found = Standing(mark, np.zeros(n, dtype=np.bool_), {}, {})
    left = MOST_BYTES
    for shelf in mark.shelves:
        kinds = tx.read(f"SELECT * FROM {quoted(shelf.view)} LIMIT 0").schema
        chosen = []
        for name in shelf.columns:
            kind = kinds.field(name).type
            size = n * max(1, kind.bit_width // 8) if plain(kind) else 0
            if plain(kind) and size <= left:
                chosen.append(name)
                left -= size
            else:
                found.others[name] = kind
        rows = tx.read(f"SELECT {', '.join(['ix', *chosen])} FROM {quoted(shelf.view)}")
        who = values_of(rows["ix"]).values
        found.there[who] = True
        lately = found.lately[shelf.view] = np.zeros(n, dtype=np.bool_)
        lately[values_of(tx.read(f"SELECT ix FROM {quoted(shelf.lately)}")["ix"]).values] = True
        for name in chosen:
            values = values_of(rows[name])
            held = _Held(rows[name].type, np.zeros(n, dtype=values.values.dtype))
            held.put(who, values)
            found.columns[name] = held
    return found


def _longer(array: Array, n: int) -> Array:
    return np.concatenate([array, np.zeros(n - len(array), dtype=array.dtype)])
