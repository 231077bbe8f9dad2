"""A sealed Parquet segment, as an import wrote it, as columns. No loop over rows but for drifting values.

Columns: row int64, event string (null: no event of its own, kept as "$identify"), ts timestamp[us] (null:
when it was received), user, device string, keys list<struct<kind, value>>, rest string (JSON or null),
`p:NAME` a property in its type (money: int64 with field metadata type=money), `a:NAME` an attribute as JSON
text ("null" unsets it; with field metadata mode=once it counts only as a first value). Every column but
`row` may be missing.
Schema metadata: digest (hex; its first 16 letters count), source_i, received_at (microseconds), batch,
quarantined and rejected (counts), bad (JSON list of [row, code, path, message, raw], the quarantined rows).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from limner.errors import DamagedError
from limner.events import values
from limner.events.model import EVENT, Counts, Quarantined, Refusal
from limner.events.registry import OTHER, Registry
from limner.events.staging import ATTRIBUTES, BASE, WHO, Notices, Staged, encode, spread
from limner.types import MONEY_SCALE, ValueType

_HIGH_BITS = (1 << 63) - 1
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (naive UTC, as the engine keeps it)


class _Bad(msgspec.Struct, array_like=True):
    row: int | None
    code: str
    path: str | None
    message: str
    raw: str


@dataclass(frozen=True)
class Sealed:
    """One import's rows and what is said about them. `high` is the upper half of every event's id."""

    rows: pa.Table
    digest: str
    batch: str
    high: int
    source_i: int | None
    received_at: datetime
    counts: Counts
    quarantine: tuple[Quarantined, ...]


def read(path: Path) -> Sealed:
    """The segment at `path`. Raises DamagedError when it is not one."""
    try:
        rows = pq.read_table(path)
        meta = {name.decode(): value.decode() for name, value in (rows.schema.metadata or {}).items()}
        source = meta.get("source_i") or None
        source_i = int(source) if source is not None else None
        received_at = _EPOCH + timedelta(microseconds=int(meta["received_at"]))
        digest = meta["digest"]
        high = int(digest[:16], 16) & _HIGH_BITS
        quarantined = int(meta.get("quarantined") or 0)
        rejected = int(meta.get("rejected") or 0)
        kept = msgspec.json.decode(meta.get("bad") or "[]", type=list[_Bad])
        batch = meta["batch"]
    except (KeyError, ValueError, pa.ArrowException, msgspec.MsgspecError) as error:
        raise DamagedError(f"this segment is no import: {error}".splitlines()[0], where=str(path)) from error
    counts = Counts(
        received=rows.num_rows + quarantined + rejected,
        quarantined=quarantined,
        rejected=rejected,
    )
    aside = tuple(_quarantined(item, digest, batch, source_i, received_at) for item in kept)
    return Sealed(rows, digest, batch, high, source_i, received_at, counts, aside)


def stage(sealed: Sealed, registry: Registry, notices: Notices) -> Staged:
    """The rows as columns; new names and properties are added to the registry's draft."""
    rows = sealed.rows
    count = rows.num_rows
    row = pa.array(np.arange(count, dtype=np.int64))
    rests = _column(rows, "rest", pa.string())
    names, rests = _names(sealed, rests, registry, notices)
    typed, rests = _typed(sealed, rests, registry, notices)
    number = _column(rows, "row", pa.int64())
    ts = _column(rows, "ts", pa.timestamp("us"))
    received = pa.repeat(pa.scalar(sealed.received_at, pa.timestamp("us")), count)
    if ts.null_count:
        ts = pc.coalesce(ts, received)
    base = pa.table(
        [
            row,
            pa.repeat(pa.scalar(sealed.high, pa.uint64()), count),
            number.cast(pa.uint64()),
            names,
            ts,
            received,
            pa.repeat(pa.scalar(sealed.source_i, pa.uint16()), count),
            rests,
            pa.nulls(count, pa.uint64()),
        ],
        schema=BASE,
    )
    start = sealed.high << 64
    event = _column(rows, "event", pa.string())
    identify = pc.or_(pc.is_null(event), pc.fill_null(pc.equal(event, "$identify"), False))
    who = pa.table(
        [
            row,
            _column(rows, "user", pa.string()),
            _column(rows, "device", pa.string()),
            _column(rows, "keys", WHO.field("keys").type),
            pa.nulls(count, pa.string()),
            pc.if_else(identify, "identify", "track"),
            ts,
            pa.array([str(start + item) for item in number.to_pylist()], pa.string()),
        ],
        schema=WHO,
    )
    return Staged(base, typed, who, _attributes(rows))


def _column(rows: pa.Table, name: str, kind: pa.DataType) -> pa.Array:
    if name not in rows.column_names:
        return pa.nulls(rows.num_rows, kind)
    return _whole(rows.column(name)).cast(kind)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        combined = pa.concat_arrays(combined.chunks) if combined.num_chunks else pa.nulls(0, combined.type)
    return combined.dictionary_decode() if pa.types.is_dictionary(combined.type) else combined


def _names(
    sealed: Sealed, rests: pa.Array, registry: Registry, notices: Notices
) -> tuple[pa.Array, pa.Array]:
    events = pc.fill_null(_column(sealed.rows, "event", pa.string()), "$identify").dictionary_encode()
    numbers: list[int] = []
    beyond: list[str] = []
    for name in events.dictionary.to_pylist():
        number = registry.name(name)
        if number is None:
            beyond.append(name)
            number = registry.name(OTHER)
        numbers.append(number or 0)
    found = pa.array(numbers, pa.uint32()).take(events.indices)
    if beyond:
        lost = pc.is_in(events.dictionary_decode(), value_set=pa.array(beyond))
        at = np.flatnonzero(lost.to_numpy(zero_copy_only=False))
        rests = _with(rests, at, EVENT, events.dictionary_decode().take(pa.array(at)))
        notices[sealed.source_i, "too_many_event_names", ""] += len(at)
    return found, rests


def _typed(
    sealed: Sealed, rests: pa.Array, registry: Registry, notices: Notices
) -> tuple[dict[str, pa.Array], pa.Array]:
    typed: dict[str, pa.Array] = {}
    for field in sealed.rows.schema:
        if not field.name.startswith("p:"):
            continue
        name = field.name[2:]
        column = _whole(sealed.rows.column(field.name))
        if column.null_count == len(column):
            continue
        kind = _kind(field)
        known = registry.column(name, kind)
        if known is None:
            at = _present(column)
            if registry.full:
                notices[sealed.source_i, "too_many_properties", ""] += len(at)
            rests = _with(rests, at, name, column.take(pa.array(at)), money=kind is ValueType.MONEY)
            continue
        fitting = _fit(column, kind, known[0])
        missed = np.flatnonzero(
            pc.and_(pc.is_valid(column), pc.is_null(fitting)).to_numpy(zero_copy_only=False)
        )
        if len(missed):
            notices[sealed.source_i, "drift", f"*.{name}: {kind}"] += len(missed)
            lost = column.take(pa.array(missed))
            rests = _with(rests, missed, name, lost, money=kind is ValueType.MONEY)
        typed[known[1]] = fitting
    return typed, rests


def _kind(field: pa.Field) -> ValueType:
    if (field.metadata or {}).get(b"type") == b"money":
        return ValueType.MONEY
    if pa.types.is_boolean(field.type):
        return ValueType.FLAG
    if pa.types.is_timestamp(field.type):
        return ValueType.INSTANT
    if pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
        return ValueType.NUMBER
    return ValueType.TEXT


def _fit(column: pa.Array, kind: ValueType, wanted: ValueType) -> pa.Array:
    """The column in the wanted type; null where a value does not fit."""
    target = values.ARROW[wanted]
    if kind is wanted:
        return column.cast(target, safe=False)
    if kind is ValueType.MONEY and wanted is ValueType.NUMBER:
        return pc.divide(column.cast(pa.float64(), safe=False), float(MONEY_SCALE))
    rows = _present(column)
    convert = values.CONVERT[wanted]
    raw = column.take(pa.array(rows)).to_pylist()
    if kind is ValueType.MONEY:
        raw = [item / MONEY_SCALE for item in raw]
    found = []
    for item in raw:
        fit = convert(item)
        found.append(values.rescued(item, wanted) if fit is None else fit)
    return spread(pa.array(found, target), rows, len(column))


def _present(column: pa.Array) -> Any:
    return np.flatnonzero(pc.is_valid(column).to_numpy(zero_copy_only=False))


def _with(rests: pa.Array, at: Any, name: str, items: pa.Array, *, money: bool = False) -> pa.Array:
    """`rests` with `items` (one per row of `at`) added under `name`. A loop: meant for few rows."""
    written: list[str | None] = rests.to_pylist()
    for row, value in zip(at.tolist(), items.to_pylist(), strict=True):
        whole = msgspec.json.decode(written[row] or "{}")
        whole[name] = value / MONEY_SCALE if money else value
        written[row] = encode(whole).decode()
    return pa.array(written, pa.string())


def _attributes(rows: pa.Table) -> pa.Table:
    parts: list[pa.Table] = []
    for name in rows.column_names:
        if not name.startswith("a:"):
            continue
        column = _column(rows, name, pa.string())
        at = _present(column)
        if not len(at):
            continue
        found = column.take(pa.array(at))
        unset = pc.equal(found, "null")
        mode = (rows.schema.field(name).metadata or {}).get(b"mode", b"set").decode()
        parts.append(
            pa.table(
                [
                    pa.array(at.astype(np.int64)),
                    pa.repeat(pa.scalar(name[2:], pa.string()), len(at)),
                    pc.if_else(unset, "unset", mode),
                    pa.repeat(pa.scalar("declared", pa.string()), len(at)),
                    pc.if_else(unset, pa.scalar(None, pa.string()), found),
                ],
                schema=ATTRIBUTES,
            )
        )
    return pa.concat_tables(parts) if parts else ATTRIBUTES.empty_table()


def _quarantined(
    item: _Bad, digest: str, batch: str, source_i: int | None, received_at: datetime
) -> Quarantined:
    mark = blake2b(f"{batch}\0{item.row}".encode(), digest_size=16).digest()
    refusal = Refusal(item.code, item.message, item.path)
    origin = f"{digest}:{item.row}"
    return Quarantined(int.from_bytes(mark, "big") >> 1, source_i, received_at, refusal, item.raw, origin)
