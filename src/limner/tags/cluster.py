"""A run's queries on a Spark cluster: what they read goes there as Parquet, their answers come back the same way.

The cluster computes everything in full: events, attributes and people go to `folder/tables` (only what came since the
last run), tags that a query refers to and the answers to a folder of the run, which ends with it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from limner.engine.portable import SparkQuery, spark, spark_union
from limner.engine.seam import Query, Transaction, quoted
from limner.engine.spark import Spark
from limner.errors import DamagedError, StorageError
from limner.events import parts
from limner.expressions import scan
from limner.expressions.catalog import Catalog
from limner.expressions.scan import numbering
from limner.expressions.together import Together, numbered
from limner.expressions.tree import Value
from limner.tags import homes
from limner.tags.computing import Answers, Work
from limner.tags.graph import Graph
from limner.tags.homes import numbers_of
from limner.tags.model import Tag
from limner.types import ValueType

AT_ONCE = 40
"""So many tags are asked of the cluster in one query."""

_KINDS = {
    "v_flag": "BOOLEAN", "v_text": "STRING", "v_number": "DOUBLE", "v_whole": "BIGINT", "v_instant": "TIMESTAMP_NTZ",
}  # fmt: skip
_OF_TYPE = {
    ValueType.FLAG: "v_flag",
    ValueType.TEXT: "v_text",
    ValueType.NUMBER: "v_number",
    ValueType.MONEY: "v_whole",
    ValueType.INSTANT: "v_instant",
}


class OnSpark:
    """A cluster computes. `folder` must be the same folder on this machine and on every worker."""

    carries = False

    def __init__(self, spark: Spark, folder: Path) -> None:
        self.spark, self.folder = spark, folder

    @property
    def tables(self) -> Path:
        """Where the events' tables are shared."""
        return self.folder / parts.FOLDER

    @contextmanager
    def begin(self, tx: Transaction, *, run: str) -> Iterator[Work]:
        """Raises EngineError when the cluster cannot compute, StorageError when the folder cannot be written."""
        folder = self.folder / "runs" / run
        try:
            shutil.rmtree(self.folder / "runs", ignore_errors=True)  # of runs that were cut off
            folder.mkdir(parents=True)
        except OSError as error:
            raise StorageError(
                f"the shared folder cannot be written: {error}",
                where=str(self.folder),
                hint="set spark.folder in limner.toml",
            ) from error
        try:
            work = _There(self.spark, tx, folder)
            work.share(self.tables, run)
            yield work
        finally:
            shutil.rmtree(self.folder / "runs", ignore_errors=True)


class _There:
    """One run on the cluster."""

    def __init__(self, spark: Spark, tx: Transaction, folder: Path) -> None:
        self.spark, self.tx, self.folder = spark, tx, folder
        self._there = {"events", "attributes", "persons"}
        self._asked = 0

    # what the cluster reads

    def share(self, tables: Path, run: str) -> None:
        """The cluster sees the events, attributes and people of the transaction, and counts them."""
        copy(
            self.spark,
            self.tx,
            self.folder,
            "persons",
            "SELECT ix, person_id, merged_into, erased FROM persons",
        )
        if self._shared(parts.share(self.tx, tables, run=run)):
            return
        if not self._shared(parts.share(self.tx, tables, run=f"{run}-anew", anew=True)):
            raise DamagedError(
                "the cluster does not see the rows that were written for it",
                where=str(tables),
                hint="spark.folder must be the same folder on this machine and on every worker",
            )

    def _shared(self, found: tuple[parts.Parts, ...]) -> bool:
        """Whether the cluster counts as many rows as there are."""
        moved = parts.moved_since(self.tx, found)
        pq.write_table(moved, self.folder / "moved.parquet")
        self.spark.table("limner_moved", [self.folder / "moved.parquet"], "ix BIGINT, load_i BIGINT")
        counts = []
        for one in found:
            self.spark.table(f"limner_{one.table}", one.files, one.schema)
            columns = [f"s.`{name}`" for name in one.columns if name not in ("seen_i", "id_high", "id_low")]
            if "id_high" in one.columns:
                columns.append("named_struct('high', s.id_high, 'low', s.id_low) AS id")
            gone = " LEFT ANTI JOIN limner_moved AS m ON m.ix = s.ix AND m.load_i > s.seen_i"
            self.spark.view(
                one.table,
                f"SELECT {', '.join(columns)} FROM limner_{one.table} AS s{gone if moved.num_rows else ''}",
            )
            counts.append(f"SELECT '{one.table}' AS tbl, COUNT(*) AS n FROM {one.table}")
        seen = self.spark.read(SparkQuery(" UNION ALL ".join(counts), {})).to_pylist()
        return {row["tbl"]: row["n"] for row in seen} == {one.table: one.rows for one in found}

    def _needed(self, query: SparkQuery) -> SparkQuery:
        """The query, when the cluster has every table that it reads."""
        for name in sorted(query.tables - self._there):
            copy(self.spark, self.tx, self.folder, name, f"SELECT * FROM {quoted(name)}")
            self._there.add(name)
        return query

    # what it answers

    def number(
        self, values: Mapping[str, Value], *, home: str, catalog: Catalog, as_of: datetime
    ) -> dict[str, int | None]:
        sizes: dict[str, int | None] = {}
        for column, query in numbered(values, catalog, as_of).items():
            table = numbers_of(home, {column: None})[column].table
            few = Query((), f"SELECT value FROM ({query.sql}) LIMIT {scan.MOST_NUMBERED + 1}", query.values)
            found = self.spark.read(self._needed(spark(few))).select(["value"])
            many = found.num_rows > scan.MOST_NUMBERED
            sizes[column] = None if many else found.num_rows
            (kind,) = self.tx.read(f"SELECT {column} AS value FROM events LIMIT 0").schema.types
            given = (found.slice(0, 0) if many else found).cast(pa.schema([("value", kind)]))
            with self.tx.given("found_values", given):
                self.tx.execute(
                    f"CREATE OR REPLACE TABLE {quoted(table)} AS {numbering('SELECT value FROM found_values')}"
                )
        return sizes

    def fill(
        self,
        home: str,
        found: Together,
        shelves: Sequence[tuple[str, ...]],
        some: Callable[[Sequence[str]], Query],  # noqa: ARG002 - one job answers all: each has its price
    ) -> None:
        rows = self._answer(spark(found.query))
        for place, names in enumerate(shelves):
            listed = ", ".join(quoted(name) for name in ("ix", *names))
            kinds = f"SELECT {listed} FROM ({found.query.sql}) LIMIT 0"
            base = homes.shelf_of(home, place)
            homes.make(self.tx, base, kinds, found.query.values)
            self.tx.execute(f"INSERT INTO {homes.all_of(base)} SELECT {listed} FROM {rows} ORDER BY ix")

    def batches(self, tags: Sequence[Tag], graph: Graph) -> Iterator[list[Tag]]:
        batch: list[Tag] = []
        waiting: set[str] = set()
        for tag in tags:
            if batch and (graph.needs[tag.key] & waiting or len(batch) >= AT_ONCE):
                yield batch
                batch, waiting = [], set()
            batch.append(tag)
            waiting |= {tag.key, *graph.peers(tag.key)}
        if batch:
            yield batch

    def answers(self, queries: Sequence[tuple[Tag, Query]]) -> Answers:
        for first in range(0, len(queries), AT_ONCE):
            some = queries[first : first + AT_ONCE]
            kinds = [self._kind(tag, query) for tag, query in some]
            columns = {name: kind for name, kind in _KINDS.items() if name in kinds}
            asked = [(query, kind) for (_, query), kind in zip(some, kinds, strict=True)]
            rows = self._answer(spark_union(asked, columns))
            for n, ((tag, _), kind) in enumerate(zip(some, kinds, strict=True)):
                yield tag, f"SELECT CAST(ix AS UINTEGER) AS ix, {kind} AS value FROM {rows} WHERE n = {n}", {}

    def _kind(self, tag: Tag, query: Query) -> str:
        """The column of the tag's values: whole numbers stay whole."""
        if tag.type is ValueType.NUMBER:
            (value,) = self.tx.read(f"SELECT value FROM ({query.sql}) LIMIT 0", query.values).schema.types
            return "v_whole" if pa.types.is_integer(value) else "v_number"
        return _OF_TYPE[tag.type]

    def _answer(self, query: SparkQuery) -> str:
        """Where the query's rows can be read here."""
        self._asked += 1
        folder = self.folder / f"answer-{self._asked}"
        self.spark.write(self._needed(query), folder)
        return f"read_parquet('{_path(folder)}/*.parquet')"


def copy(spark: Spark, tx: Transaction, folder: Path, name: str, sql: str) -> None:
    """The query's rows, written to the folder, are a table of the cluster; whole numbers are BIGINT there."""
    kinds = {field.name: _kind_of(field.type) for field in tx.read(f"SELECT * FROM ({sql}) LIMIT 0").schema}
    columns = ", ".join(
        f"CAST({quoted(column)} AS {kind}) AS {quoted(column)}" for column, kind in kinds.items()
    )
    file = folder / f"table-{name}.parquet"  # Spark does not see files whose name begins with _
    tx.execute(f"COPY (SELECT {columns} FROM ({sql})) TO '{_path(file)}' (FORMAT parquet, COMPRESSION zstd)")
    schema = ", ".join(f"`{column}` {parts.SPARK.get(kind, kind)}" for column, kind in kinds.items())
    spark.table(name, [file], schema)


def _kind_of(found: pa.DataType) -> str:
    """The engine's type of what goes to the cluster."""
    if pa.types.is_integer(found):
        return "BIGINT"
    if pa.types.is_floating(found):
        return "DOUBLE"
    if pa.types.is_boolean(found):
        return "BOOLEAN"
    return "TIMESTAMP" if pa.types.is_timestamp(found) else "VARCHAR"


def _path(path: Path) -> str:
    return str(path).replace("'", "''")
