"""SQLite through SQLAlchemy Core: `text()` with named values, never an ORM. Knows no table by meaning."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.exc import DatabaseError, OperationalError

from limner.errors import DamagedError, StorageError

MIGRATIONS = Path(__file__).parent / "migrations"


def newest() -> str:
    """The revision that this version's tables have: the greatest number of a file of migrations."""
    return max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


class Records:
    """The record store of one workspace: write-ahead log, `synchronous=FULL`, erased rows overwritten.

    `begin()` is an immediate write transaction (one at a time), `read()` sees the last committed state.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = create_engine(
            f"sqlite:///{path}", connect_args={"check_same_thread": False, "timeout": 30}, pool_size=8
        )
        self._writing = threading.RLock()

        @event.listens_for(self._engine, "connect")
        def prepare(connection: sqlite3.Connection, _record: Any) -> None:
            connection.isolation_level = None
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",
                "secure_delete=ON",
                "foreign_keys=ON",
                "busy_timeout=30000",
            ):
                connection.execute(f"PRAGMA {pragma}").fetchall()

        try:
            with self._engine.connect() as connection:
                level = connection.execute(text("PRAGMA synchronous")).scalar()
                if level != 2:
                    raise DamagedError(f"the record store runs with synchronous={level}, not FULL")
        except DatabaseError as error:
            raise DamagedError(
                f"the record store does not open: {error.orig}", where=str(path), hint="restore a backup"
            ) from error

    def migrate(self) -> str:
        """Brings the tables to this version's shape; the answer is the revision."""
        head = newest()
        with self.begin() as connection:
            present = connection.execute(
                text("SELECT name FROM sqlite_master WHERE name = 'alembic_version'")
            ).scalar()
            if present:
                at = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
                if at == head:
                    return head
        from alembic.config import Config  # slow to load, and seldom needed
        from alembic.runtime.environment import EnvironmentContext
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        scripts = ScriptDirectory.from_config(config)

        def upgrade(revision: Any, _context: Any) -> Any:
            return scripts._upgrade_revs("head", revision)

        with (
            self._engine.connect() as connection,
            EnvironmentContext(config, scripts, fn=upgrade, as_sql=False) as environment,
        ):
            environment.configure(connection=connection, transactional_ddl=True)
            with environment.begin_transaction():
                environment.run_migrations()
            connection.commit()
        return head

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction: kept and flushed when the block ends, undone when it raises."""
        with self._writing, self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException as error:
                if connection.connection.dbapi_connection is not None:
                    driver: Any = connection.connection.dbapi_connection
                    if driver.in_transaction:
                        connection.exec_driver_sql("ROLLBACK")
                if isinstance(error, OperationalError) and (
                    "full" in str(error.orig) or "I/O" in str(error.orig)
                ):
                    raise StorageError(
                        f"the record store could not write: {error.orig}", hint="free disk space"
                    ) from error
                raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that reads; several may read while one writes."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is written inside the block."""
        with self._writing:
            yield

    def backup(self, target: Path) -> None:
        """A consistent copy at `target`, taken while others read and write."""
        with self._engine.connect() as connection:
            source: Any = connection.connection.dbapi_connection
            copy = sqlite3.connect(target)
            try:
                source.backup(copy)
            finally:
                copy.close()

    def compact(self) -> None:
        """Empties the write-ahead log and rewrites the file, so that erased rows leave no trace."""
        with self._writing, self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Lets go of the file."""
        self._engine.dispose()
