"""DuckDB behind the engine's seam. The only importer of duckdb. Knows no table by name."""

from __future__ import annotations

import errno
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from limner.engine.seam import quoted
from limner.errors import OUT_OF_RANGE, DamagedError, EngineError, StorageError

_PARAMETER = re.compile(r"\$([A-Za-z_][A-Za-z_0-9]*)")


def _used(sql: str, values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Only the values that the statement names: DuckDB refuses others."""
    if not values:
        return {}
    names = set(_PARAMETER.findall(sql))
    return {name: value for name, value in values.items() if name in names}


@contextmanager
def _in_range() -> Iterator[None]:
    """An EngineError (`out_of_range`) where the data do not fit what is computed of them."""
    try:
        yield
    except duckdb.DataError as error:
        if not isinstance(error, duckdb.OutOfRangeException) and "out of range" not in str(error):
            raise
        said = str(error).splitlines()[0].partition(": ")[2].partition(" when casting from source column")[0]
        raise EngineError(
            f"a value is beyond what is computed with: {said}",
            code=OUT_OF_RANGE,
            status=422,
            hint="look for events with impossible numbers, or put bounds into the definition: where amount < 1000000",
        ) from error


CHECKPOINT = "256MB"
"""The write-ahead log is folded into the file at this size: at the default every second real-time step did so."""


class DuckDB:
    """One engine file owned by this process.

    Reads take a cursor each and see the last committed state; `write` is exclusive and atomic.
    `path=None` keeps everything in memory. `patience`: so many seconds closing waits for the reads of others.
    Raises DamagedError when the file does not open.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        memory: str | None = None,
        threads: int | None = None,
        patience: float = 5.0,
    ) -> None:
        self.path = path
        self._patience = patience
        self._memory, self._threads = memory, threads
        self._writing = threading.RLock()
        self._transaction: _Transaction | None = None
        self._version = 0
        self._gate = threading.Condition()
        self._reading: set[duckdb.DuckDBPyConnection] = set()
        self._shut = False
        self._connection = self._connect()

    def _connect(self) -> duckdb.DuckDBPyConnection:
        path, memory, threads = self.path, self._memory, self._threads
        settings: dict[str, str | bool | int | float | list[str]] = {}
        if memory:
            settings["memory_limit"] = memory
        if threads:
            settings["threads"] = threads
        try:
            connection = duckdb.connect(str(path) if path else ":memory:", config=settings)
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET autoinstall_known_extensions = false")
            connection.execute("SET autoload_known_extensions = false")
            connection.execute("SET preserve_insertion_order = true")
            connection.execute(f"SET checkpoint_threshold = '{CHECKPOINT}'")
        except duckdb.Error as error:
            raise DamagedError(
                f"the engine file does not open: {error}".splitlines()[0],
                where=str(path),
                hint="stop every process of this workspace and run: limner rebuild",
            ) from error
        return connection

    @property
    def version(self) -> int:
        """A number that grows with every commit that wrote something. Odd: such a commit is under way.

        What was read while it stayed the same and even is of one state.
        """
        return self._version

    def replace(self, fresh: Path) -> None:
        """The file `fresh` takes the place of this engine's own: reads under way end first, later ones see it."""
        if self.path is None:
            raise DamagedError("an engine in memory has no file to replace")
        with self._writing, self._changing(), self._alone():
            self._connection.close()
            self.path.with_name(self.path.name + ".wal").unlink(missing_ok=True)
            fresh.replace(self.path)
            self._connection = self._connect()

    def read(
        self, sql: str, values: Mapping[str, Any] | None = None, given: Mapping[str, pa.Table] | None = None
    ) -> pa.Table:
        """The result of one SELECT as an Arrow table, fetched whole. `given`: tables it may read besides, by name."""
        with self._reader() as cursor:
            for name, rows in (given or {}).items():
                cursor.register(name, rows)
            with _in_range():
                return cursor.sql(sql, params=_used(sql, values)).to_arrow_table()

    @contextmanager
    def _reader(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor that neither `replace` nor `close` takes away."""
        with self._gate:
            self._gate.wait_for(lambda: not self._shut)
            cursor = self._connection.cursor()
            self._reading.add(cursor)
        try:
            with cursor:
                yield cursor
        finally:
            with self._gate:
                self._reading.discard(cursor)
                self._gate.notify_all()

    @contextmanager
    def _alone(self, patience: float | None = None) -> Iterator[None]:
        """Nobody reads inside the block, and who comes waits. After `patience` seconds, reads are broken off."""
        with self._gate:
            self._shut = True
            try:
                if not self._gate.wait_for(lambda: not self._reading, patience):
                    while self._reading:  # a read that is just beginning does not hear it: say it again
                        for cursor in self._reading:
                            cursor.interrupt()
                        self._gate.wait_for(lambda: not self._reading, 0.05)
                yield
            finally:
                self._shut = False
                self._gate.notify_all()

    @contextmanager
    def write(self) -> Iterator[_Transaction]:
        """A transaction: committed when the block ends, undone when it raises. One at a time.

        Within the same thread a nested `write` joins the one that is open.
        """
        with self._writing:
            if self._transaction is not None:
                yield self._transaction
                return
            with self._gate:
                own = self._connection.cursor()
            with own as cursor:
                cursor.execute("BEGIN TRANSACTION")
                self._transaction = _Transaction(cursor)
                try:
                    yield self._transaction
                    with self._changing() if self._transaction.wrote else nullcontext():
                        cursor.execute("COMMIT")
                except BaseException as error:
                    with suppress(duckdb.Error):
                        cursor.execute("ROLLBACK")
                    if isinstance(error, duckdb.IOException) or _no_space(error):
                        raise StorageError(
                            "the engine could not write to disk",
                            hint="free disk space; nothing acknowledged was lost",
                        ) from error
                    raise
                finally:
                    self._transaction = None

    @contextmanager
    def _changing(self) -> Iterator[None]:
        self._version += 1
        try:
            yield
        finally:
            self._version += 1

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is written inside the block, and the file on disk is complete."""
        with self._writing:
            if self.path is not None:
                with self._reader() as cursor:
                    cursor.execute("CHECKPOINT")
            yield

    def rewrite(self, path: Path) -> None:
        """A fresh copy of every live row at `path`: what was deleted leaves no trace in it."""
        with self._writing, self._reader() as cursor:
            name = cursor.execute("SELECT current_database()").fetchall()[0][0]
            cursor.execute(f"ATTACH '{str(path).replace(chr(39), chr(39) * 2)}' AS fresh")
            try:
                cursor.execute(f"COPY FROM DATABASE {quoted(name)} TO fresh")
            finally:
                cursor.execute("DETACH fresh")

    def tables(self) -> set[str]:
        """The names of all tables."""
        found = self.read("SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'")
        return set(found.column(0).to_pylist())

    def close(self) -> None:
        """Flushes and lets go of the file. Reads that do not end in time are broken off."""
        with self._writing, self._alone(self._patience):
            self._connection.close()


class _Transaction:
    """One open transaction."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self.wrote = False

    def execute(self, sql: str, values: Mapping[str, Any] | None = None) -> None:
        """Runs one statement."""
        self.wrote = True
        with _in_range():
            self._cursor.execute(sql, _used(sql, values))

    def read(self, sql: str, values: Mapping[str, Any] | None = None) -> pa.Table:
        """The result of one SELECT, which sees this transaction's own writes."""
        with _in_range():
            return self._cursor.sql(sql, params=_used(sql, values)).to_arrow_table()

    def insert(self, table: str, rows: pa.Table) -> None:
        """Appends the rows by column name; absent columns become NULL."""
        if not rows.num_rows:
            return
        self.wrote = True
        names = ", ".join(quoted(name) for name in rows.column_names)
        with self.given("rows_to_insert", rows):
            self._cursor.execute(f"INSERT INTO {quoted(table)} ({names}) SELECT {names} FROM rows_to_insert")

    @contextmanager
    def given(self, name: str, rows: pa.Table) -> Iterator[None]:
        """Inside the block the Arrow table can be read under `name`."""
        lent = _Lent(rows)
        self._cursor.register(name, lent)
        try:
            yield
        finally:
            self._cursor.unregister(name)
            lent.rows = None


class _Lent:
    """An Arrow table that the engine may read until it is taken back.

    Of what was registered the engine keeps hold until the transaction ends, also when it is no longer registered.
    """

    def __init__(self, rows: pa.Table) -> None:
        self.rows: pa.Table | None = rows

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        if self.rows is None:
            raise TypeError("the rows were taken back")
        return self.rows.__arrow_c_stream__(requested_schema)


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_WRITTEN = ("No space left", "Could not write file")
"""What the engine says when a commit could not be written: it is an error of the transaction then, not of the disk."""


def _no_space(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL
    return isinstance(error, duckdb.Error) and any(sign in str(error) for sign in _NOT_WRITTEN)


def copy_file(source: Path, target: Path) -> None:
    """The file copied and flushed to disk."""
    with source.open("rb") as reader, target.open("wb") as writer:
        while block := reader.read(1 << 20):
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
