"""Events as columns: what one load brings to the engine. Knows no SQL but column names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from limner.events import values
from limner.events.model import EVENT, Event
from limner.events.registry import OTHER, Registry
from limner.types import ValueType

Notices = Counter[tuple[int | None, str, str]]
"""How often (source, code, detail) was noticed."""

LOW = (1 << 64) - 1

KEYS = pa.list_(pa.struct([("kind", pa.string()), ("value", pa.string())]))
WHO = pa.schema(
    [
        ("row", pa.int64()),
        ("user", pa.string()),
        ("device", pa.string()),
        ("keys", KEYS),
        ("previous", pa.string()),
        ("call", pa.string()),
        ("ts", pa.timestamp("us")),
        ("id", pa.string()),
    ]
)
BASE = pa.schema(
    [
        ("row", pa.int64()),
        ("hi", pa.uint64()),
        ("lo", pa.uint64()),
        ("name_i", pa.uint32()),
        ("ts", pa.timestamp("us")),
        ("received_at", pa.timestamp("us")),
        ("source_i", pa.uint16()),
        ("rest", pa.string()),
        ("body", pa.uint64()),
    ]
)
ATTRIBUTES = pa.schema(
    [
        ("row", pa.int64()),
        ("name", pa.string()),
        ("mode", pa.string()),
        ("kind", pa.string()),
        ("value", pa.string()),
    ]
)

encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True)
class Staged:
    """Rows ready to be stored: `row` counts from 0 and joins the tables.

    `base` (schema BASE), `typed` (column name → values, one per row), `who` (schema WHO: what identity
    is asked about) and `attributes` (schema ATTRIBUTES).
    """

    base: pa.Table
    typed: dict[str, pa.Array]
    who: pa.Table
    attributes: pa.Table


class _Slot:
    """The values of one property that this load brings."""

    __slots__ = ("col", "convert", "kind", "rows", "values")

    def __init__(self, kind: ValueType, col: str) -> None:
        self.kind, self.col = kind, col
        self.convert = values.CONVERT[kind]
        self.rows: list[int] = []
        self.values: list[Any] = []

    def array(self, length: int) -> pa.Array:
        """The whole column: null where no event has the property."""
        return spread(pa.array(self.values, values.ARROW[self.kind]), self.rows, length)


def spread(found: pa.Array, rows: Iterable[int], length: int) -> pa.Array:
    """An array of `length` with the found values at the rows and null elsewhere."""
    at = np.full(length, -1, dtype=np.int64)
    at[np.fromiter(rows, dtype=np.int64)] = np.arange(len(found))
    return found.take(pa.array(at, mask=at < 0))


def stage(events: Sequence[Event], registry: Registry, notices: Notices) -> Staged:
    """The events as columns; new names and properties are added to the registry's draft."""
    slots: dict[str, _Slot | None] = {}
    rests: list[str | None] = []
    names: list[int] = []
    attributes: tuple[list[Any], ...] = ([], [], [], [], [])
    for row, event in enumerate(events):
        rest: dict[str, Any] = {}
        for name, value in event.properties.items():
            try:
                slot = slots[name]
            except KeyError:
                slot = _slot(slots, name, value, registry)
            if slot is None:
                rest[name] = value
                above = registry.shadow(name) if "." in name else None
                if above is not None:
                    notices[event.source_i, "drift", f"{event.name}.{above}: object"] += 1
                elif registry.full and not isinstance(value, list):
                    notices[event.source_i, "too_many_properties", ""] += 1
                continue
            fit = slot.convert(value)
            if fit is None:
                notices[event.source_i, "drift", f"{event.name}.{name}: {values.word(value)}"] += 1
                fit = values.rescued(value, slot.kind)
                if fit is None:
                    rest[name] = value
                    continue
            slot.rows.append(row)
            slot.values.append(fit)
        number = registry.name(event.name)
        if number is None:
            notices[event.source_i, "too_many_event_names", ""] += 1
            rest[EVENT] = event.name
            number = registry.name(OTHER)
        names.append(number or 0)
        rest.update(event.around)
        rests.append(encode(rest).decode() if rest else None)
        for item in event.attributes:
            written = None if item.mode == "unset" else encode(item.value).decode()
            for column, value in zip(
                attributes, (row, item.name, item.mode, "declared", written), strict=True
            ):
                column.append(value)
        for notice in event.warnings:
            notices[event.source_i, notice.code, notice.detail] += 1
    used = [slot for slot in slots.values() if slot is not None and slot.rows]
    return Staged(
        _base(events, names, rests),
        {slot.col: slot.array(len(events)) for slot in used},
        _who(events),
        pa.table(_arrays(attributes, ATTRIBUTES), schema=ATTRIBUTES),
    )


def _slot(slots: dict[str, _Slot | None], name: str, value: Any, registry: Registry) -> _Slot | None:
    made = registry.column(name, values.kind_of(value))
    if made is None:
        # A list gets no column, but a later scalar of that name may; what is full or shadowed stays so.
        if isinstance(value, list):
            return None
        slots[name] = None
        return None
    slots[name] = _Slot(*made)
    return slots[name]


def _base(events: Sequence[Event], names: list[int], rests: list[str | None]) -> pa.Table:
    columns = [
        range(len(events)),
        [event.id >> 64 for event in events],
        [event.id & LOW for event in events],
        names,
        [event.ts for event in events],
        [event.received_at for event in events],
        [event.source_i for event in events],
        rests,
        [event.said for event in events],
    ]
    return pa.table(_arrays(columns, BASE), schema=BASE)


def _who(events: Sequence[Event]) -> pa.Table:
    columns = [
        range(len(events)),
        [event.user for event in events],
        [event.device for event in events],
        [[{"kind": kind, "value": value} for kind, value in event.keys] for event in events],
        [event.previous for event in events],
        [event.call for event in events],
        [event.ts for event in events],
        [str(event.id) for event in events],
    ]
    return pa.table(_arrays(columns, WHO), schema=WHO)


def _arrays(columns: Sequence[Any], schema: pa.Schema) -> list[pa.Array]:
    return [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
