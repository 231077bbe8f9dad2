"""Opens a file as a Reader: which kind it is, and what its rows are. Knows no event and no mapping.

Kinds: delimited text, JSON lines (both also as .gz), Parquet and Excel workbooks (.xlsx). Archives are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from limner.connectors.delimited import COLUMNS, Delimited
from limner.connectors.seam import JSON, MARK, Block, FileForm, Problem, Reader, shown
from limner.connectors.text import Utf8, checked_digest, codec, head
from limner.connectors.workbook import Workbook, is_workbook
from limner.errors import InputError, did_you_mean

KINDS = ("csv", "jsonl", "parquet", "xlsx")
ROWS = 50_000
DEPTH = 8
"""Objects in JSON lines become columns `a.b.c` so deep; deeper ones stay JSON."""

_REFUSED = (
    (b"PK\x03\x04", "a zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"SQLite format 3", "a SQLite database"),
    (b"%PDF", "a PDF document"),
)


def open_file(
    path: Path,
    form: FileForm | None = None,
    *,
    file_bytes: int = 2_000_000_000,
    field_bytes: int = 131_072,
    digest: str = "",
) -> Reader:
    """The file at `path` as a Reader; its digest is taken unless it is given.

    Raises InputError: file_too_large (413), unsupported_file (415), bad_archive, bad_encoding, empty_file,
    duplicate_column (422); NotFoundError when there is no file.
    """
    form = form or FileForm()
    digest = digest or checked_digest(path, limit=file_bytes)
    start = head(path)
    workbook = start.startswith(b"PK\x03\x04") and is_workbook(path)
    for magic, what in _REFUSED:
        if start.startswith(magic) and not workbook:
            raise InputError(
                f"this is {what}, which cannot be imported",
                code="unsupported_file",
                status=415,
                where=path.name,
                hint="save the table as CSV (UTF-8) and import that",
            )
    kind = "xlsx" if workbook else form.kind or _kind(path, start)
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or f"one of {', '.join(KINDS)}"
        raise InputError(f"unknown kind of file '{kind}'", code="unsupported_file", status=415, hint=hint)
    if kind == "xlsx" and not workbook:
        raise InputError("this is no Excel workbook", code="unsupported_file", status=415, where=path.name)
    if kind == "xlsx":
        return Workbook(path, digest, form, file_bytes)
    if kind == "parquet":
        return Parquet(path, digest)
    if kind == "jsonl":
        return JsonLines(path, digest, form, field_bytes)
    return Delimited(path, digest, form, field_bytes)


def _kind(path: Path, start: bytes) -> str:
    if start.startswith(b"PAR1"):
        return "parquet"
    suffixes = {suffix.lower() for suffix in path.suffixes}
    if suffixes & {".jsonl", ".ndjson"} or start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return "jsonl"
    return "csv"


@dataclass
class JsonLines:
    """One JSON object in each line. Nested objects become columns `a.b`; lists stay JSON text."""

    path: Path
    digest: str
    form: FileForm
    field_bytes: int
    columns: tuple[str, ...] = field(init=False)
    notes: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._codec, encoding = codec(self.form.encoding, head(self.path), self.path.name)
        self._size = self.path.stat().st_size
        self._consumed = 0
        self.notes = (f"encoding {encoding.upper()}",)
        first = next(self.blocks(), None)
        if first is None:
            raise InputError("the file is empty", code="empty_file", status=422, where=self.path.name)
        self.columns = tuple(first.rows.column_names)

    def done(self) -> tuple[int, int]:
        return self._consumed, self._size

    def blocks(self) -> Iterator[Block]:
        """The objects, a column for each key that occurs in the block."""
        decoder = msgspec.json.Decoder(dict[str, Any])
        objects: list[dict[str, Any]] = []
        numbers: list[int] = []
        lines: list[int] = []
        problems: list[Problem] = []
        size = 0
        with Utf8(self.path, self._codec, '"') as stream:
            for number, (line, text) in enumerate(_lines(stream, self.field_bytes * 8)):
                self._consumed = stream.consumed()
                size += len(text)
                why = _unreadable(text, self.field_bytes * 8)
                if why is None:
                    try:
                        objects.append(_flat(decoder.decode(text)))
                        numbers.append(number)
                        lines.append(line)
                    except RecursionError:
                        why = ("bad_json", "nests too deep")
                    except (msgspec.DecodeError, ValueError) as error:
                        why = ("bad_json", f"is no JSON object: {error}")
                if why is not None:
                    raw = shown(text[:4_000].decode("utf-8", "replace"))
                    problems.append(Problem(number, line, why[0], f"line {line} {why[1]}", raw))
                if len(objects) + len(problems) >= ROWS or size > 64_000_000:
                    yield _columnar(objects, numbers, lines, problems)
                    objects, numbers, lines, problems, size = [], [], [], [], 0
            if objects or problems:
                yield _columnar(objects, numbers, lines, problems)


def _lines(stream: Utf8, limit: int) -> Iterator[tuple[int, bytes]]:
    """(line, its bytes) of every line that is not blank; of an over-long line only the beginning."""
    rest, line, cut = b"", 0, False
    while block := stream.read(1 << 20):
        pieces = (rest + block).split(b"\n")
        rest = pieces.pop()
        for piece in pieces:
            line += 1
            if cut:
                cut = False
                yield line, b"x" * (limit + 1)
            elif piece.strip():
                yield line, piece
        if len(rest) > limit:
            rest, cut = b"", True
    if rest.strip() or cut:
        yield line + 1, b"x" * (limit + 1) if cut else rest


def _unreadable(text: bytes, limit: int) -> tuple[str, str] | None:
    if len(text) > limit:
        return "row_too_long", f"is longer than {limit:,} bytes"
    if MARK.encode() in text:
        return "bad_encoding", "is not valid text in the file's encoding"
    if b"\x00" in text:
        return "zero_byte", "holds a zero byte"
    return None


def _flat(given: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """The object with nested objects as dotted keys."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        if isinstance(value, dict) and depth < DEPTH:
            found.update(_flat(value, f"{prefix}{key}.", depth + 1))
        else:
            found[prefix + key] = value
    return found


def _columnar(
    objects: list[dict[str, Any]], numbers: list[int], lines: list[int], problems: list[Problem]
) -> Block:
    names: dict[str, None] = {}
    for item in objects:
        names.update(dict.fromkeys(item))
    if len(names) > COLUMNS:
        raise InputError(f"more than {COLUMNS:,} different keys", code="too_many_columns", status=422)
    columns = [_column([item.get(name) for item in objects]) for name in names]
    fields = [
        pa.field(name, column.type, metadata=meta)
        for name, (column, meta) in zip(names, columns, strict=True)
    ]
    rows = pa.Table.from_arrays([column for column, _ in columns], schema=pa.schema(fields))
    return Block(rows, np.array(numbers, np.int64), np.array(lines, np.int64), tuple(problems))


def _column(values: list[Any]) -> tuple[pa.Array, dict[bytes, bytes] | None]:
    """The values as the narrowest of flag, whole number, number, text; lists and mixtures as JSON text."""
    kinds = {type(value) for value in values} - {type(None)}
    try:
        if kinds <= {bool}:
            return pa.array(values, pa.bool_()), None
        if kinds <= {int}:
            return pa.array(values, pa.int64()), None
        if kinds <= {int, float}:
            return pa.array(values, pa.float64()), None
    except (OverflowError, pa.ArrowInvalid):
        pass
    if kinds <= {str}:
        return pa.array(values, pa.string()), None
    lists = kinds <= {list, dict}
    return pa.array([_text(value) for value in values], pa.string()), JSON if lists else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


@dataclass
class Parquet:
    """A Parquet file as a Reader: native types, structs as columns `a.b`, lists as JSON text."""

    path: Path
    digest: str
    columns: tuple[str, ...] = field(init=False)
    notes: tuple[str, ...] = field(init=False, default=("Parquet",))

    def __post_init__(self) -> None:
        self._rows = 0
        with self._open() as file:
            self._total = file.metadata.num_rows
            empty = file.schema_arrow.empty_table()
        names = [str(name) for name in _native(empty).column_names]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"two columns are called '{name}'", code="duplicate_column", status=422)
        self.columns = tuple(names)

    def _open(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._bad(error) from error

    def _bad(self, error: Exception) -> InputError:
        why = str(error).splitlines()[0]
        return InputError(
            f"the Parquet file is damaged: {why}", code="bad_file", status=422, where=self.path.name
        )

    def done(self) -> tuple[int, int]:
        return self._rows, self._total

    def blocks(self) -> Iterator[Block]:
        """The rows, some 50,000 at a time."""
        self._rows = 0
        with self._open() as file:
            try:
                for batch in file.iter_batches(batch_size=ROWS, use_threads=False):
                    numbers = np.arange(self._rows, self._rows + batch.num_rows, dtype=np.int64)
                    self._rows += batch.num_rows
                    yield Block(_native(pa.Table.from_batches([batch])), numbers, numbers + 1)
            except (pa.ArrowInvalid, OSError) as error:
                raise self._bad(error) from error


def _native(table: pa.Table) -> pa.Table:
    """The columns in the few types that the rest of Limner knows; what fits none is JSON text."""
    while any(pa.types.is_struct(item.type) for item in table.schema):
        table = table.flatten()
    columns, fields = [], []
    for item, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_dictionary(item.type):
            column = column.cast(item.type.value_type)
        column, meta = _plain(column)
        columns.append(column)
        fields.append(pa.field(item.name, column.type, metadata=meta))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _plain(column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, dict[bytes, bytes] | None]:
    kind = column.type
    types = pa.types
    if types.is_boolean(kind) or types.is_int64(kind) or types.is_float64(kind) or types.is_string(kind):
        return column, None
    if types.is_null(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return column.cast(pa.string()), None
    if types.is_integer(kind):
        return column.cast(pa.string() if types.is_uint64(kind) else pa.int64()), None
    if types.is_float32(kind) or types.is_float16(kind):  # by its decimal text: 2.55 stays 2.55
        return column.cast(pa.float32()).cast(pa.string()).cast(pa.float64()), None
    if types.is_decimal(kind) or types.is_time(kind):
        return column.cast(pa.string()), None
    if types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", kind.tz and "UTC"), safe=False), None
    if types.is_date(kind):
        return column.cast(pa.timestamp("us")), None
    texts = [None if value is None else _json(value) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())]), JSON


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, UnicodeDecodeError):
        return str(value)
