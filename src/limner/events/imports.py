"""The pure part of an import: a file and its mapping become chunks in the form of the log's sealed segments.

Whole columns at a time. A row that cannot be read is rejected, a row that does not fit the mapping is set
aside (quarantined); both keep their reason, and nothing else of the file is affected. Writes nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from limner.config import Limits
from limner.connectors.files import open_file
from limner.connectors.seam import JSON, RAW_LENGTH, Block, FileForm, Reader
from limner.connectors.text import checked_digest
from limner.events import conversions as read
from limner.events.conversions import Bad, Converted, Mask
from limner.events.countries import PHONES, international
from limner.events.guess import guess
from limner.events.mapping import All, Condition, Either, EventColumn, Field, Mapping, Not, Test
from limner.events.model import IMPORTABLE
from limner.types import Progress, ValueType, naive, silent

CHUNK_ROWS = 100_000
CHUNK_BYTES = 64_000_000
BAD_BYTES = 16_000_000
"""A chunk keeps so many bytes of rows set aside; of the rest only number and reason."""
SHOWN = 100
"""A report shows so many problems; each chunk carries all of its own."""

KEYS = pa.list_(pa.struct([("kind", pa.string()), ("value", pa.string())]))
_PHONE = re.compile(r"phone|mobile|tel(efon)?$|手机|电话", re.IGNORECASE)
_EMPTY = pa.scalar(None, pa.string())


@dataclass(frozen=True)
class Trouble:
    """A row that was not taken: `status` is rejected (unreadable) or quarantined (does not fit)."""

    row: int
    line: int
    status: str
    code: str
    path: str
    message: str
    raw: str


@dataclass(frozen=True)
class Chunk:
    """Some consecutive rows of a file as one sealed segment.

    `table` holds the rows that fit, in the file's order: row, event, ts, user, device, keys, `p:…`, `a:…`,
    rest. received = table.num_rows + quarantined + rejected.
    """

    number: int
    batch: str
    table: pa.Table
    received: int
    quarantined: int
    rejected: int
    troubles: tuple[Trouble, ...] = ()
    warnings: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What became of a file's rows: received = stored + duplicate + quarantined + rejected."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    lines: tuple[Trouble, ...] = ()
    notes: tuple[str, ...] = ()

    def with_chunk(self, chunk: Chunk, *, stored: int | None = None, duplicate: int = 0) -> Report:
        """The report with one more chunk; `stored` and `duplicate` as the loader counted them."""
        if stored is None:
            stored = chunk.table.num_rows - duplicate
        room = max(0, SHOWN - len(self.lines))
        return replace(
            self,
            received=self.received + chunk.received,
            stored=self.stored + stored,
            duplicate=self.duplicate + duplicate,
            quarantined=self.quarantined + chunk.quarantined,
            rejected=self.rejected + chunk.rejected,
            reasons=dict(Counter(self.reasons) + Counter(item.code for item in chunk.troubles)),
            warnings=dict(Counter(self.warnings) + Counter(chunk.warnings)),
            lines=self.lines + chunk.troubles[:room],
        )

    @property
    def code(self) -> str:
        """imported, imported_with_errors or imported_with_warnings."""
        if self.quarantined or self.rejected:
            return "imported_with_errors"
        return "imported_with_warnings" if self.warnings else "imported"

    @property
    def message(self) -> str:
        """One sentence: how many rows, which lines not and why, what was noticed."""
        said = [f"{self.stored} rows" if self.stored != 1 else "1 row", *self.notes]
        if self.duplicate:
            said.append(f"{self.duplicate} had been imported before")
        wrong = self.quarantined + self.rejected
        if wrong == 1 and self.lines:
            said.append(self.lines[0].message)
        elif wrong:
            shown = [str(item.line) for item in self.lines[:10]]
            which = f"{', '.join(shown[:-1])} and {shown[-1]}" if wrong <= len(shown) else ", ".join(shown)
            more = "" if wrong <= len(shown) else f" and {wrong - len(shown)} more"
            why = ", ".join(f"{code} {n}" for code, n in sorted(self.reasons.items()))
            said.append(f"lines {which}{more} were not imported ({why}); {self.lines[0].message}")
        if self.warnings.get("duplicate_id"):
            n = self.warnings["duplicate_id"]
            said.append(f"{n} duplicate {'id' if n == 1 else 'ids'}, last line wins")
        if self.warnings.get("future_time"):
            said.append(f"{self.warnings['future_time']} times lie in the future")
        if self.warnings.get("binary_noise"):
            said.append(
                f"binary noise below a billionth dropped from {self.warnings['binary_noise']} amounts"
            )
        return "; ".join(said)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "code": self.code, "message": self.message, "received": self.received, "stored": self.stored,
            "duplicate": self.duplicate, "quarantined": self.quarantined, "rejected": self.rejected,
            "reasons": self.reasons, "warnings": self.warnings, "notes": list(self.notes),
            "lines": [
                {"line": item.line, "status": item.status, "code": item.code, "path": item.path,
                 "message": item.message} for item in self.lines
            ],
        }  # fmt: skip


def opened(path: Path, mapping: Mapping | None, *, limits: Limits, digest: str = "") -> Reader:
    """The file as a Reader; its digest is taken unless it is known. Raises InputError or NotFoundError."""
    return read_file(path, mapping.form if mapping else None, limits=limits, digest=digest)


def read_file(path: Path, form: FileForm | None, *, limits: Limits, digest: str = "") -> Reader:
    """The file, written so, as a Reader."""
    return open_file(
        path, form, file_bytes=limits.import_bytes, field_bytes=limits.field_bytes, digest=digest
    )


def digest_of(path: Path, *, limits: Limits) -> str:
    """The digest of the file's bytes, which are sound when they are packed. Raises InputError."""
    return checked_digest(path, limit=limits.import_bytes)


def guessed(source: Reader, *, strong_keys: Collection[str]) -> Mapping:
    """The mapping that the columns and first rows suggest, its text ready to be saved and changed.

    Raises MappingError: no_identifier, ambiguous_date.
    """
    first = next(source.blocks(), None)
    return guess(source.columns, first.rows if first else None, strong_keys=strong_keys)


def prepare(
    source: Path | Reader,
    mapping: Mapping,
    *,
    source_i: int,
    received_at: datetime,
    strong_keys: Collection[str],
    limits: Limits,
    money_properties: Collection[str] = (),
    progress: Progress = silent,
) -> Iterator[Chunk]:
    """The file's chunks, some 100,000 rows each; always the same ones for the same file and mapping.

    Raises MappingError or InputError before the first chunk when the file or the mapping cannot be used.
    """
    reader = opened(source, mapping, limits=limits) if isinstance(source, Path) else source
    mapping.allow(strong_keys)
    mapping.fit(reader.columns)
    frame = _Frame(
        mapping, received_at=naive(received_at), limits=limits, money_properties=frozenset(money_properties)
    )
    made: list[_Part] = []
    number = 0
    for block in reader.blocks():
        part = frame.part(block)
        if made and not made[-1].table.schema.equals(part.table.schema, check_metadata=True):
            yield _chunk(made, number, reader.digest, source_i, received_at)
            made, number = [], number + 1
        made.append(part)
        progress("import", *reader.done())
        if (
            sum(item.received for item in made) >= CHUNK_ROWS
            or sum(item.table.nbytes for item in made) >= CHUNK_BYTES
        ):
            yield _chunk(made, number, reader.digest, source_i, received_at)
            made, number = [], number + 1
    if made:
        yield _chunk(made, number, reader.digest, source_i, received_at)


@dataclass(frozen=True)
class _Part:
    """What one block became."""

    table: pa.Table
    received: int
    troubles: tuple[Trouble, ...]
    warnings: Counter[str]


def _chunk(parts: list[_Part], number: int, digest: str, source_i: int, received_at: datetime) -> Chunk:
    troubles = tuple(item for part in parts for item in part.troubles)
    received = sum(part.received for part in parts)
    aside = [item for item in troubles if item.status == "quarantined"]
    batch = f"import:{digest}:{number}"
    size, bad = 0, []
    for item in aside:
        size += len(item.raw)
        raw = item.raw if size <= BAD_BYTES else ""
        bad.append([item.row, item.code, item.path, item.message, raw])
    micros = int(np.datetime64(naive(received_at), "us").astype(np.int64))
    meta = {
        "digest": digest, "source_i": str(source_i), "received_at": str(micros), "batch": batch,
        "received": str(received), "quarantined": str(len(aside)),
        "rejected": str(len(troubles) - len(aside)), "bad": _encoded(bad),
    }  # fmt: skip
    warnings: Counter[str] = Counter()
    for part in parts:
        warnings.update(part.warnings)
    table = pa.concat_tables([part.table for part in parts]).combine_chunks()
    return Chunk(
        number=number,
        batch=batch,
        table=table.replace_schema_metadata(meta),
        received=received,
        quarantined=len(aside),
        rejected=len(troubles) - len(aside),
        troubles=troubles,
        warnings=dict(warnings),
    )


@dataclass(frozen=True)
class Sample:
    """What the first rows of a file become. `shown` are the first few of them, one by one."""

    rows: int
    whole: bool
    fits: int
    reasons: dict[str, int]
    shown: tuple[dict[str, Any], ...]
    troubles: tuple[Trouble, ...]


def sample(
    reader: Reader,
    mapping: Mapping,
    *,
    received_at: datetime,
    strong_keys: Collection[str],
    limits: Limits,
    money_properties: Collection[str] = (),
    show: int = 20,
) -> Sample:
    """What the first block of the file becomes under the mapping. Raises MappingError when it cannot be used."""
    mapping.allow(strong_keys)
    mapping.fit(reader.columns)
    blocks = reader.blocks()
    block = next(blocks, None)
    if block is None:
        return Sample(0, True, 0, {}, (), ())
    frame = _Frame(
        mapping, received_at=naive(received_at), limits=limits, money_properties=frozenset(money_properties)
    )
    part = frame.part(block)
    found = []
    for row in part.table.slice(0, show).to_pylist():
        line = int(block.lines[int(np.searchsorted(block.numbers, row["row"]))])
        found.append(_shown_row(row, line, part.table.schema))
    found += [
        {"line": item.line, "status": item.status, "code": item.code, "message": item.message}
        for item in part.troubles[:show]
    ]
    return Sample(
        rows=part.received,
        whole=next(blocks, None) is None,
        fits=part.table.num_rows,
        reasons=dict(Counter(item.code for item in part.troubles)),
        shown=tuple(sorted(found, key=lambda item: int(item["line"]))[:show]),
        troubles=part.troubles[:SHOWN],
    )


def _shown_row(row: dict[str, Any], line: int, schema: pa.Schema) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for name, value in row.items():
        if value is None:
            continue
        if name.startswith("p:"):
            money = (schema.field(name).metadata or {}).get(b"type") == b"money"
            instant = isinstance(value, datetime)
            properties[name[2:]] = (
                read.amount(value) if money else f"{value.isoformat()}Z" if instant else value
            )
        elif name.startswith("a:"):
            attributes[name[2:]] = msgspec.json.decode(value)
    person = {
        "user_id": row["user"], "device_id": row["device"],
        **{item["kind"]: item["value"] for item in row["keys"] or ()},
    }  # fmt: skip
    return {
        "line": line, "status": "fits", "event": row["event"], "at": f"{row['ts'].isoformat()}Z",
        "person": {kind: value for kind, value in person.items() if value is not None},
        "properties": properties, "attributes": attributes,
    }  # fmt: skip


def _encoded(value: Any) -> str:
    return msgspec.json.encode(value).decode()


class _Frame:
    """Applies one mapping to one file's blocks, in order."""

    def __init__(
        self, mapping: Mapping, *, received_at: datetime, limits: Limits, money_properties: frozenset[str]
    ) -> None:
        self.mapping = mapping
        self.received_at = received_at
        self.limits = limits
        self.money_properties = money_properties
        self.seen: set[int] = set()

    def key(self, rows: _Rows, kind: str, column: str) -> pa.Array:
        """A declared key; a phone number of a country with the country's code."""
        found = rows.identifier(column, kind)
        country = self.mapping.country
        return found if country is None or kind not in PHONES else international(found, country)

    def part(self, block: Block) -> _Part:
        """The block's rows in the segment's form, and what became of the others."""
        rows = _Rows(block, self.limits)
        mapping = self.mapping
        event = self.event(rows)
        ts, late = self.time(rows)
        user = rows.identifier(mapping.user_id, "user_id")
        device = rows.identifier(mapping.device_id, "device_id")
        found = [(kind, self.key(rows, kind, column)) for kind, column in mapping.keys]
        named = _valid(user) | _valid(device)
        for _, values in found:
            named |= _valid(values)
        if mapping.event is None:
            rows.set_aside(
                Bad(np.flatnonzero(~named), "no_person", "names no person"), path="person", column=""
            )
        columns: dict[str, tuple[pa.Array, dict[bytes, bytes] | None]] = {
            "row": (pa.array(block.numbers), None),
            "event": (event, None),
            "ts": (ts, None),
            "user": (user, None),
            "device": (device, None),
            "keys": (_keys(found, rows.count), None),
        }
        for item in mapping.properties:
            columns[f"p:{item.name}"] = self.property(rows, item)
        if mapping.currency and "p:currency" not in columns and _holds_money(columns):
            columns["p:currency"] = (pa.repeat(pa.scalar(mapping.currency), rows.count), None)
        for item in mapping.attributes:
            values = self.attribute(rows, item)
            if not named.all():
                values = pc.if_else(pa.array(named), values, _EMPTY)
            columns[f"a:{item.name}"] = (values, {b"mode": b"once"} if item.once else None)
        columns["rest"] = (pa.nulls(rows.count, pa.string()), None)
        schema = pa.schema(
            [pa.field(name, array.type, metadata=meta) for name, (array, meta) in columns.items()]
        )
        table = pa.Table.from_arrays([array for array, _ in columns.values()], schema=schema)
        fits = rows.fits()
        if not fits.all():
            table = table.filter(pa.array(fits))
        warnings: Counter[str] = Counter()
        if in_future := int((late & fits).sum()):
            warnings["future_time"] = in_future
        if rows.noisy:
            warnings["binary_noise"] = rows.noisy
        if mapping.event is None and (again := self.repeated(user, device, found, fits)):
            warnings["duplicate_id"] = again
        return _Part(table, block.received, rows.troubles(), warnings)

    def event(self, rows: _Rows) -> pa.Array:
        event = self.mapping.event
        if event is None:
            return pa.repeat(pa.scalar("$identify"), rows.count)
        if isinstance(event, EventColumn):
            names = read.texts(pc.utf8_trim_whitespace(read.texts(rows.column(event.column))))
            missing = Bad(np.flatnonzero(_true(names.is_null())), "missing_event", "is missing")
            rows.set_aside(missing, path="event", column=event.column)
            lengths = np.asarray(pc.fill_null(pc.utf8_length(names), 0))
            long = np.flatnonzero(lengths > self.limits.event_name_length)
            rows.set_aside(Bad(long, "event_too_long", "is too long"), path="event", column=event.column)
            ours = pc.and_(
                pc.starts_with(names, "$"), pc.invert(pc.is_in(names, value_set=pa.array(IMPORTABLE)))
            )
            own = Bad(np.flatnonzero(_true(ours)), "reserved_event", "begins with $")
            rows.set_aside(own, path="event", column=event.column)
            return names
        left = np.ones(rows.count, dtype=bool)
        codes = np.full(rows.count, -1, dtype=np.int32)
        for at, case in enumerate(event):
            mask = left if case.when is None else left & holds(case.when, rows)
            codes[mask] = at
            left = left & ~mask
        rows.set_aside(
            Bad(np.flatnonzero(left), "no_event", "fits no case of event"), path="event", column=""
        )
        names = pa.array([case.name for case in event])
        return names.take(pa.array(codes, mask=codes < 0))

    def time(self, rows: _Rows) -> tuple[pa.Array, Mask]:
        """(instants, which lie after the file was received)."""
        now = pa.scalar(self.received_at, pa.timestamp("us"))
        time = self.mapping.time
        if time is None:
            return pa.repeat(now, rows.count), np.zeros(rows.count, dtype=bool)
        found = read.instant(rows.column(time.column), format=time.format, zone=time.zone)
        rows.take(found, path="time", column=time.column)
        missing = Bad(np.flatnonzero(_true(found.values.is_null())), "missing_time", "is missing")
        rows.set_aside(missing, path="time", column=time.column)
        return found.values, _true(pc.greater(found.values, now))

    def property(self, rows: _Rows, item: Field) -> tuple[pa.Array, dict[bytes, bytes] | None]:
        found, kind = self.value(rows, item, money=item.name in self.money_properties)
        rows.take(found, path=f"properties.{item.name}", column=item.column or item.name)
        return found.values, {b"type": b"money"} if kind is ValueType.MONEY else None

    def attribute(self, rows: _Rows, item: Field) -> pa.Array:
        found, kind = self.value(rows, item, money=False)
        is_json = item.column is not None and rows.is_json(item.column)
        if item.lenient and found.bad and item.column is not None:
            text = read.json(read.texts(rows.column(item.column)), kind=ValueType.TEXT)  # as it stands there
            return pc.coalesce(read.json(found.values, kind=kind), text)
        rows.take(found, path=f"attributes.{item.name}", column=item.column or item.name)
        return read.json(found.values, kind=kind, is_json=is_json)

    def value(self, rows: _Rows, item: Field, *, money: bool) -> tuple[Converted, ValueType]:
        """The field's values and their type."""
        if item.value is not None:
            constant = pa.array([item.value])
            kind = item.type or _native(constant.type)
            one = _typed(constant, item, kind).values
            return Converted(one.take(pa.array(np.zeros(rows.count, dtype=np.int32)))), kind
        if item.factors:
            kind = item.type or ValueType.NUMBER
            names = [factor for factor in item.factors if isinstance(factor, str)]
            columns = [
                read.without(rows.column(part), item.without) if isinstance(part, str) else part
                for part in item.factors
            ]
            found, own = read.product(columns, kind=kind, names=[str(part) for part in item.factors])
            for name, converted in own:
                rows.take(converted, path=name, column=name)
            if found.bad:
                rows.take(found, path=f"properties.{item.name}", column=" × ".join(names))
            return replace(found, bad=()), kind
        assert item.column is not None  # noqa: S101
        column = read.without(rows.column(item.column), item.without)
        kind = item.type or (ValueType.MONEY if money else _native(column.type))
        found = _typed(column, item, kind)
        if kind is ValueType.TEXT and (_PHONE.search(item.name) or _PHONE.search(item.column)):
            found = replace(found, bad=(*found.bad, *read.damaged(found.values)))
        return found, kind

    def repeated(self, user: pa.Array, device: pa.Array, keys: list[tuple[str, pa.Array]], fits: Mask) -> int:
        """How many rows name a person whom an earlier row of the file named."""
        who = pc.coalesce(user, device, *(values for _, values in keys))
        hashes = [hash(value) for value in who.filter(pa.array(fits)).to_pylist()]
        before = len(self.seen)
        self.seen.update(hashes)
        return len(hashes) - (len(self.seen) - before)


class _Rows:
    """One block's columns, and which rows were set aside and why."""

    def __init__(self, block: Block, limits: Limits) -> None:
        self.block = block
        self.limits = limits
        self.count = block.rows.num_rows
        self.noisy = 0
        self.wrong: dict[int, tuple[str, str, str]] = {}
        self._arrays: dict[str, pa.Array] = {}

    def column(self, name: str) -> pa.Array:
        """The column; all null when this block of JSON lines has no such key."""
        if name not in self._arrays:
            if name in self.block.rows.column_names:
                column = self.block.rows[name].combine_chunks()
                self._arrays[name] = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
            else:
                self._arrays[name] = pa.nulls(self.count, pa.string())
        return self._arrays[name]

    def is_json(self, name: str) -> bool:
        """Whether the column's text is JSON already."""
        if name not in self.block.rows.column_names:
            return False
        meta = self.block.rows.schema.field(name).metadata
        return bool(meta) and meta == JSON

    def identifier(self, column: str | None, kind: str) -> pa.Array:
        """The column as identifiers; all null without one."""
        if column is None:
            return pa.nulls(self.count, pa.string())
        found = read.identifiers(self.column(column), length=self.limits.user_id_length)
        self.take(found, path=f"person.{kind}", column=column)
        return found.values

    def take(self, found: Converted, *, path: str, column: str) -> None:
        """Sets the conversion's bad rows aside, and counts the binary noise that it dropped."""
        self.noisy += found.noisy
        for bad in found.bad:
            self.set_aside(bad, path=path, column=column)

    def set_aside(self, bad: Bad, *, path: str, column: str) -> None:
        """Sets rows aside; a row keeps its first reason."""
        for at in bad.rows.tolist():
            says = f"line {self.block.lines[at]} {column} {bad.says}".replace("  ", " ")
            self.wrong.setdefault(at, (bad.code, path, says))

    def fits(self) -> Mask:
        """Which rows were not set aside."""
        mask = np.ones(self.count, dtype=bool)
        mask[list(self.wrong)] = False
        return mask

    def troubles(self) -> tuple[Trouble, ...]:
        """Every row that was not taken, in the file's order."""
        found = [
            Trouble(item.row, item.line, "rejected", item.code, item.column, item.message, item.raw)
            for item in self.block.problems
        ]
        at = sorted(self.wrong)
        raws = self.block.rows.take(pa.array(at, pa.int64())).to_pylist() if at else []
        for place, raw in zip(at, raws, strict=True):
            code, path, message = self.wrong[place]
            row, line = int(self.block.numbers[place]), int(self.block.lines[place])
            text = msgspec.json.encode(raw).decode()[:RAW_LENGTH]
            found.append(Trouble(row, line, "quarantined", code, path, message, text))
        return tuple(sorted(found, key=lambda item: item.row))


def holds(condition: Condition, rows: _Rows) -> Mask:
    """For which rows the condition is true. A missing value passes no test but `is empty: true`."""
    if isinstance(condition, Not):
        return ~holds(condition.part, rows)
    if isinstance(condition, All | Either):
        masks: Iterable[Mask] = (holds(part, rows) for part in condition.parts)
        joined: npt.NDArray[np.bool_] | None = None
        for mask in masks:
            if joined is None:
                joined = mask
            else:
                joined = joined & mask if isinstance(condition, All) else joined | mask
        return joined if joined is not None else np.ones(rows.count, dtype=bool)
    return _passes(condition, rows)


def _passes(test: Test, rows: _Rows) -> Mask:
    column, value = rows.column(test.column), test.value
    if isinstance(value, float):
        numbers = read.number(column).values
        compare = {
            "more than": pc.greater, "less than": pc.less,
            "at least": pc.greater_equal, "at most": pc.less_equal,
        }  # fmt: skip
        return _true(compare[test.operator](numbers, value))
    values = read.texts(column)
    if test.operator == "is empty":
        empty = _true(values.is_null())
        return empty if value else ~empty
    if test.operator == "in":
        return _true(pc.is_in(values, pa.array(list(value), pa.string()))) & _valid(values)  # type: ignore[arg-type]
    find = {
        "equals": pc.equal, "starts with": pc.starts_with,
        "ends with": pc.ends_with, "contains": pc.match_substring,
    }  # fmt: skip
    return _true(find[test.operator](values, value))


def _typed(column: pa.Array, item: Field, kind: ValueType) -> Converted:
    if kind is ValueType.MONEY:
        return read.money(column)
    if kind is ValueType.NUMBER:
        return read.number(column)
    if kind is ValueType.FLAG:
        return read.flag(column)
    if kind is ValueType.INSTANT:
        return read.instant(column, format=item.format, zone=item.zone)
    return Converted(read.texts(column))


def _native(kind: pa.DataType) -> ValueType:
    if pa.types.is_boolean(kind):
        return ValueType.FLAG
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return ValueType.NUMBER
    return ValueType.INSTANT if pa.types.is_timestamp(kind) else ValueType.TEXT


def _holds_money(columns: dict[str, tuple[pa.Array, dict[bytes, bytes] | None]]) -> bool:
    return any(meta == {b"type": b"money"} for _, meta in columns.values())


def _keys(found: list[tuple[str, pa.Array]], count: int) -> pa.Array:
    """The declared keys of each row, in the mapping's order; an empty list when it has none."""
    masks = [_valid(values) for _, values in found]
    offsets = np.zeros(count + 1, dtype=np.int32)
    for mask in masks:
        offsets[1:] += mask
    offsets = np.cumsum(offsets, dtype=np.int32)
    kinds = [
        pa.repeat(pa.scalar(kind), int(mask.sum())) for (kind, _), mask in zip(found, masks, strict=True)
    ]
    values = [column.drop_null() for _, column in found]
    if not found:
        inner = pa.array([], KEYS.value_type)
    else:
        at = np.concatenate([np.flatnonzero(mask) for mask in masks])
        order = pa.array(np.argsort(at, kind="stable"))
        inner = pa.StructArray.from_arrays(
            [pa.concat_arrays(kinds).take(order), pa.concat_arrays(values).take(order)],
            fields=list(KEYS.value_type),
        )
    return pa.ListArray.from_arrays(pa.array(offsets), inner, type=KEYS)


def _valid(values: pa.Array) -> Mask:
    return np.asarray(values.is_valid(), dtype=bool)


def _true(mask: pa.Array) -> Mask:
    return np.asarray(pc.fill_null(mask, False), dtype=bool)
