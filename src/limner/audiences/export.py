"""Export: a set of people as CSV or Parquet, batch by batch. Whoever calls writes down that it happened.

CSV has a byte order mark, so that Excel reads Chinese, and no cell that a spreadsheet would run as a formula.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from limner.bitmap import Bitmap
from limner.columns import Array, Columns
from limner.engine.seam import Engine, Query
from limner.expressions.attributes import attribute_steps, json_at
from limner.expressions.catalog import Catalog
from limner.expressions.sql import Bound, Sql, Typed
from limner.tags.masking import hides, hiding, is_personal, masked
from limner.tags.methods.given import IMPORTED, LIVE, MANUAL, standing_sql
from limner.tags.methods.observed import attribute_path
from limner.tags.model import Method, Tag, plain
from limner.types import MONEY_SCALE, Progress, ValueType, naive, silent, utc

BATCH = 50_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text cell that begins with one of these gets an apostrophe before it."""


@dataclass(frozen=True)
class Fields:
    """What an export shows of each person, after person_id and user_id, in this order."""

    attributes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


def batches(
    engine: Engine,
    who: Bitmap,
    fields: Fields,
    *,
    tags: dict[str, Tag],
    columns: Columns | None,
    catalog: Catalog,
    as_of: datetime,
    personal: Collection[str] = (),
    mask: bool = False,
    size: int = BATCH,
) -> Iterator[pa.Table]:
    """The people in the order of their ordinals, `size` at a time.

    Columns: person_id, user_id, the attributes as text, the tags with their types (money as decimal). With
    `mask`, attributes named in `personal`, and tags of them, are masked; so is user_id when it is personal.
    """
    everybody = who.numpy()
    people = _Lookup(engine, _PEOPLE, {})
    held = {name: _attribute(engine, name, catalog, as_of) for name in fields.attributes}
    live = None if columns is None else columns.at(as_of)
    for start in range(0, max(len(everybody), 1), size):
        ordinals = everybody[start : start + size]
        table = {"person_id": people.of(ordinals, "person_id"), "user_id": people.of(ordinals, "user_id")}
        if mask and "user_id" in personal:
            table["user_id"] = _masked(table["user_id"])
        for name, lookup in held.items():
            cells = lookup.of(ordinals, "value")
            table[f"person.{name}"] = _masked(cells) if mask and is_personal(name, personal) else cells
        for key in fields.tags:
            cells = _tag(key, live, ordinals)
            hidden = key in tags and hides(tags[key], hiding(personal, mask=mask))
            table[key] = _masked(cells) if hidden else cells
        yield pa.table(table)


def rows(
    engine: Engine,
    who: Bitmap,
    keys: Sequence[str],
    *,
    tags: Mapping[str, Tag],
    columns: Columns | None,
    as_of: datetime,
    personal: Collection[str] = (),
    mask: bool = False,
    size: int = BATCH,
) -> Iterator[pa.Table]:
    """One row for each value that one of these people has of a tag, `size` people at a time.

    Columns: person_id, user_id, tag, type, value, as_of, expires_at, source: the value and the instants as text, as the
    API writes them; a value that somebody gave holds from when it was given.
    """
    everybody = who.numpy()
    people = _Lookup(engine, _PEOPLE, {})
    live = None if columns is None else columns.at(as_of)
    held = {key: live[key] for key in keys if key in tags and live is not None and key in live}
    given = {key: _given(engine, tags[key], as_of) for key in held}
    hide = hiding(personal, mask=mask)
    for start in range(0, max(len(everybody), 1), size):
        ordinals = everybody[start : start + size]
        parts = []
        for key, found in held.items():
            inside = ordinals[ordinals < found.n]
            ix = inside[found.known[inside]]
            texts = pa.array(_cells(pa.chunked_array([_tag(key, live, ix)]), safe=False), pa.string())
            names = people.of(ix, "user_id")
            parts.append(
                pa.table(
                    {
                        "person_id": people.of(ix, "person_id"),
                        "user_id": _masked(names) if mask and "user_id" in personal else names,
                        "tag": pa.repeat(key, len(ix)),
                        "type": pa.repeat(str(found.type), len(ix)),
                        "value": _masked(texts) if hides(tags[key], hide) else texts,
                        "as_of": _since(given[key].of(ix, "given_at"), found.as_of),
                        "expires_at": _since(given[key].of(ix, "expires_at"), found.expires_at),
                        "source": pa.repeat(tags[key].told_from, len(ix)),
                    },
                    schema=_ROWS,
                )
            )
        yield pa.concat_tables(parts) if parts else _ROWS.empty_table()


_ROWS = pa.schema(
    [
        (name, pa.string())
        for name in ("person_id", "user_id", "tag", "type", "value", "as_of", "expires_at", "source")
    ]
)


def _given(engine: Engine, tag: Tag, as_of: datetime) -> _Lookup:
    """Since when and until when values hold that people or another system gave; by hand before imported."""
    origins = (MANUAL, IMPORTED) if tag.method is Method.IMPORTED else (MANUAL,)
    tables = [
        engine.read(
            f"SELECT ix, {_iso('given_at')} AS given_at, {_iso('expires_at')} AS expires_at"
            f" FROM ({standing_sql()}) WHERE {LIVE} ORDER BY ix",
            {"tag": tag.key, "origin": origin, "as_of": naive(as_of)},
        )
        for origin in origins
    ]
    if len(tables) == 1:
        return _Lookup.over(tables[0])
    hand = tables[0].column("ix").to_numpy()
    others = tables[1].filter(pa.array(~np.isin(tables[1].column("ix").to_numpy(), hand)))
    return _Lookup.over(pa.concat_tables([tables[0], others]).sort_by("ix"))


def _iso(name: str) -> str:
    return f"CASE WHEN {name} IS NOT NULL THEN strftime({name}, '%Y-%m-%dT%H:%M:%S.%f') END"


def _since(given: pa.Array, else_: datetime | None) -> pa.Array:
    """The instants as the API writes them; where there is none, the one that holds for all."""
    told = [
        plain(utc(datetime.fromisoformat(value))) if value is not None else None
        for value in given.to_pylist()
    ]
    otherwise = None if else_ is None else plain(else_)
    return pa.array([otherwise if value is None else value for value in told], pa.string())


def to_csv(path: Path, found: Iterator[pa.Table], *, progress: Progress = silent, total: int = 0) -> int:
    """Writes UTF-8 with a byte order mark; the answer is the number of people."""
    people = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        for table in found:
            if not people:
                writer.writerow([_cell(name) for name in table.column_names])
            cells = [_cells(table.column(name)) for name in table.column_names]
            writer.writerows(zip(*cells, strict=True))
            people += table.num_rows
            progress("exporting", people, total)
    return people


def to_parquet(path: Path, found: Iterator[pa.Table], *, progress: Progress = silent, total: int = 0) -> int:
    """Writes a Parquet file with typed columns; the answer is the number of people."""
    people = 0
    writer: pq.ParquetWriter | None = None
    try:
        for table in found:
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
            people += table.num_rows
            progress("exporting", people, total)
    finally:
        if writer is not None:
            writer.close()
    return people


def _cells(column: pa.ChunkedArray, *, safe: bool = True) -> list[str]:
    kind = column.type
    if pa.types.is_string(kind):
        return [_cell(value) if safe else value or "" for value in column.to_pylist()]
    if pa.types.is_boolean(kind):
        return ["" if value is None else str(value).lower() for value in column.to_pylist()]
    if pa.types.is_timestamp(kind):
        return [
            "" if value is None else value.isoformat().replace("+00:00", "Z") for value in column.to_pylist()
        ]
    return ["" if value is None else _number(value) for value in column.to_pylist()]


def _cell(value: str | None) -> str:
    """The text as a cell that no spreadsheet runs."""
    if value is None:
        return ""
    return "'" + value if value.startswith(FORMULA) else value


def _number(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    text = str(value)
    return text.rstrip("0").rstrip(".") if "." in text and "E" not in text.upper() else text


def _masked(cells: pa.Array) -> pa.Array:
    return pa.array([masked(value) for value in cells.to_pylist()], pa.string())


def _tag(key: str, columns: Columns | None, ordinals: Array) -> pa.Array:
    found = None if columns is None else columns.column(key)
    if found is None:
        return pa.nulls(len(ordinals), pa.string())
    inside = ordinals[ordinals < found.n]  # ordinals ascend, so newcomers are at the end
    cells = found.arrow(inside)
    if found.type is ValueType.MONEY:
        cells = _decimal(cells)
    late = len(ordinals) - len(inside)
    return pa.concat_arrays([cells, pa.nulls(late, cells.type)]) if late else cells


def _decimal(cells: pa.Array) -> pa.Array:
    """Integers of 1/10,000 as decimals with four places, exactly."""
    scale = pa.scalar(MONEY_SCALE, pa.decimal128(5, 0))
    wide = cells.cast(pa.decimal128(19, 0)).cast(pa.decimal128(28, 4))
    return pa.compute.divide(wide, scale).cast(pa.decimal128(23, 4))


_PEOPLE = """SELECT p.ix, p.person_id, u.user_id
FROM persons AS p
LEFT JOIN (SELECT ix, ARG_MIN(value, i) AS user_id FROM identifiers
           WHERE kind = 'user' AND value IS NOT NULL GROUP BY ix) AS u ON u.ix = p.ix
ORDER BY p.ix"""


def _attribute(engine: Engine, name: str, catalog: Catalog, as_of: datetime) -> _Lookup:
    bind = Bound()
    sql = Sql(bind, naive(as_of), catalog.zone)
    path = attribute_path(name, catalog)
    steps = tuple(attribute_steps("said", path[0], sql, None))
    text = sql.cast(Typed(json_at(path, "value", sql), None), ValueType.TEXT)
    query = Query(steps, f"SELECT ix, {text} AS value FROM said ORDER BY ix", dict(bind.values))
    return _Lookup(engine, query.sql, query.values)


class _Lookup:
    """A result sorted by ix, read by ordinals."""

    def __init__(self, engine: Engine, sql: str, values: Any) -> None:
        self._hold(engine.read(sql, values))

    @classmethod
    def over(cls, table: pa.Table) -> _Lookup:
        """A table that is sorted by ix."""
        made = cls.__new__(cls)
        made._hold(table)
        return made

    def _hold(self, table: pa.Table) -> None:
        self._table = table.combine_chunks()
        self._ix = self._table.column("ix").to_numpy()

    def of(self, ordinals: Array, column: str) -> pa.Array:
        """The column's values of these people; NULL where the result has no row."""
        if not len(self._ix):
            return pa.nulls(len(ordinals), pa.string())
        places = np.minimum(np.searchsorted(self._ix, ordinals), len(self._ix) - 1)
        missing = self._ix[places] != ordinals
        found = self._table.column(column).take(pa.array(places, mask=missing))
        return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
