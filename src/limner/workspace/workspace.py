"""An open workspace: its stores, its clock, its threads. Everything that doors do goes through its verbs."""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar, cast

import pyarrow as pa
import structlog
from sqlalchemy import text

from limner.accounts.keys import source_of
from limner.audiences import tables as audience_tables
from limner.audiences.leaves import Leaves
from limner.columns import Columns, sweep
from limner.config import Config, Limits
from limner.engine.duckdb import DuckDB
from limner.engine.seam import Transaction
from limner.errors import DamagedError, LimnerError
from limner.events import tables as event_tables
from limner.events.load import Loader
from limner.events.log import EventLog
from limner.identity import tables as identity_tables
from limner.identity.resolve import Resolution, resolve
from limner.portraits.activity import Activity
from limner.store.records import Records
from limner.tags import publish
from limner.tags import tables as tag_tables
from limner.touches import entries
from limner.types import Clock, Json, Progress
from limner.workspace.bell import Bell
from limner.workspace.files import Paths
from limner.workspace.jobs import Jobs
from limner.workspace.owner import Ownership, Perform
from limner.workspace.placing import places
from limner.workspace.runs import Runs
from limner.workspace.sending import Sending

if TYPE_CHECKING:
    from limner.workspace.realtime import Realtime

log = structlog.get_logger("limner.workspace")

Found = TypeVar("Found")

TABLES = (event_tables.TABLES, identity_tables.TABLES, tag_tables.TABLES, audience_tables.TABLES)
"""Every folder's engine tables, in the order of the journey."""


def system_clock() -> datetime:
    """The machine's clock: the only one in the product."""
    return datetime.now(UTC)


class Workspace:
    """One open workspace. Use as a context manager; `live.start` makes it live (loading, schedules, commands).

    `arrived` rings when events were loaded, `queued` when messages were asked for.
    """

    def __init__(self, folder: Path, config: Config, clock: Clock, secret: bytes) -> None:
        self.paths = Paths(folder.resolve())
        self.config = config
        self.clock = clock
        self._stack = ExitStack()
        self._stopping = threading.Event()
        self.arrived, self.queued = Bell(), Bell()
        self._threads: list[threading.Thread] = []
        self._columns: Columns | None = None
        self._coming: Columns | None = None
        self.realtime: Realtime | None = None
        self._columns_lock = threading.Lock()
        self._found: dict[str, tuple[int, object]] = {}
        self.public_url = config.public_url
        self.load_error: str | None = None
        with self._stack as stack:
            self._ownership = Ownership(self.paths.data)
            stack.callback(self._ownership.release)
            self.records = Records(self.paths.records)
            stack.callback(self.records.close)
            self.records.migrate()
            self.secret = self._secret(secret)
            self.engine = open_engine(self.paths, config)
            stack.callback(self._close_engine)
            current = publish.current(self.engine)
            sweep(self.paths.columns, current=None if current is None else current.epoch)
            self.activity = Activity(self.engine)
            self.log = EventLog(
                self.paths.log, segment_bytes=config.segment_bytes, free_bytes=config.limits.free_bytes
            )
            stack.callback(self.log.close)
            self.loader = Loader(
                self.engine,
                self.log,
                resolve=self._resolve,
                limits=config.limits,
                money=config.money_properties,
                keys=config.strong_keys,
                touched=self.activity.touched,
            )
            self.door = Door(self)
            self.sending = Sending(config, clock, self.paths.folder, partial(places, self))
            stack.callback(self.sending.close)
            self.runs = Runs(self.records, clock, alert_webhook=config.alert_webhook)
            self.runs.abandoned()
            self.leaves = Leaves()
            self.tickets: dict[str, tuple[str, float]] = {}
            self.jobs = Jobs(self.records, clock)
            stack.callback(self.jobs.close)
            entries.recover(self.records, now=clock())
            self._stack = stack.pop_all()

    @classmethod
    def open(cls, folder: Path, *, clock: Clock = system_clock, secret: bytes = b"") -> Workspace:
        """The workspace at `folder`, owned by this process until it is closed.

        `secret`: what a new workspace makes its ids and links with; random when it is not given.
        Raises OwnedError when another process owns it, DamagedError when a store does not open.
        """
        return cls(folder, Config.load(folder), clock, secret or secrets.token_bytes(32))

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def serve(self, perform: Perform) -> None:
        """From now on received events are loaded at once, and other processes' verbs are performed here."""
        self._ownership.serve(perform)
        self.thread("load", self._load_for_ever)

    def thread(self, name: str, work: Callable[[], None]) -> None:
        """Runs the work beside others until it ends; closing waits for it."""
        thread = threading.Thread(target=work, name=f"limner-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Ends the threads, loads what is in the log, and lets go of everything."""
        self._stopping.set()
        self.arrived.ring()
        self.queued.ring()
        self.log.close()
        for thread in self._threads:
            thread.join()
        self._stack.close()

    @property
    def stopping(self) -> threading.Event:
        """Set when the workspace is being closed; long work looks at it."""
        return self._stopping

    def load(self, progress: Progress | None = None) -> None:
        """Everything that was acknowledged is in the engine when this returns."""
        if self.loader.load_all(progress):
            self.arrived.ring()

    def until_written(self, what: str, found: Callable[[], Found]) -> Found:
        """What is found in the engine; it is looked for again when something was written since."""
        version = self.engine.version
        held = self._found.get(what)
        if held is not None and held[0] == version and version % 2 == 0:
            return cast(Found, held[1])
        answer = found()
        if version % 2 == 0 and self.engine.version == version:
            self._found[what] = (version, answer)
        return answer

    def load_sealed(self, table: pa.Table, batch: str) -> tuple[int, int]:
        """(stored, duplicate) rows of an import's chunk, which is in the log and in the engine then."""
        with self.loader.paused():
            self.loader.load_all()
            self.log.write_sealed(table, batch)
            loaded = self.loader.load()
            if loaded is None:
                raise LimnerError("an import's rows were not loaded", code="load_failed")
            counted = list(loaded.counts.values())
        return sum(item.stored for item in counted), sum(item.duplicate for item in counted)

    @property
    def columns(self) -> Columns | None:
        """The published columns of tags; None before the first run. Made again when they are missing."""
        with self._columns_lock:
            current = publish.current(self.engine)
            if current is None:
                return None
            wanted = (current.epoch, current.run)
            if self._coming is not None and (self._coming.epoch, self._coming.run) == wanted:
                self._columns, self._coming = self._coming, None
            if self._columns is None or (self._columns.epoch, self._columns.run) != wanted:
                self._columns = publish.ensure(self.engine, self.paths.columns)
            return self._columns

    def hold(self, columns: Columns) -> None:
        """These columns, which are on no disk, are the published ones as soon as the engine says so."""
        self._coming = columns

    def forget_columns(self) -> None:
        """The published columns are read, or made, again."""
        with self._columns_lock:
            self._columns = self._coming = None

    def empty_engine(self) -> None:
        """The engine with every table and nothing in them."""
        with self.loader.paused(), self.replacing_engine() as fresh:
            made = DuckDB(fresh)
            make_tables(made)
            made.close()
        self.forget_columns()

    def health(self) -> Json:
        """Whether events are accepted and loaded."""
        state = self.log.health()
        backlog = self.loader.behind()
        healthy = bool(state["ok"]) and self.load_error is None
        return {"healthy": healthy, "log": state, "behind": backlog, "load_error": self.load_error}

    def new_id(self) -> str:
        """A random id."""
        return uuid.uuid4().hex

    def _secret(self, fresh: bytes) -> bytes:
        with self.records.begin() as connection:
            found = connection.execute(text("SELECT value FROM settings WHERE key = 'secret'")).scalar()
            if found is None:
                found = fresh.hex()
                connection.execute(
                    text("INSERT INTO settings (key, value) VALUES ('secret', :value)"), {"value": found}
                )
        return bytes.fromhex(found)

    def _resolve(self, tx: Transaction, batch: pa.Table) -> Resolution:
        return resolve(tx, batch, secret=self.secret, keys=self.config.strong_keys)

    def _close_engine(self) -> None:
        self.engine.close()

    def _load_for_ever(self) -> None:
        while not self._stopping.is_set():
            try:
                self.load()
                self.load_error = None
            except LimnerError as error:
                if self.load_error is None:
                    self.runs.alert("loading failed", {"error": str(error)})
                self.load_error = str(error)
            except Exception as error:  # the loader must outlive any one failure; health shows it
                if self.load_error is None:
                    self.runs.alert("loading failed", {"error": f"{type(error).__name__}: {error}"})
                self.load_error = f"{type(error).__name__}: {error}"
            self._stopping.wait(self.config.load_seconds)

    @contextmanager
    def replacing_engine(self) -> Iterator[Path]:
        """The path at which a new engine file is to be made inside the block; then it takes the old one's place."""
        fresh = self.paths.engine.with_suffix(".fresh")
        fresh.unlink(missing_ok=True)
        yield fresh
        with self._columns_lock:
            self.engine.replace(fresh)
        self.loader.forget()
        self.activity.forget()


class Door:
    """What the collector needs of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @property
    def limits(self) -> Limits:
        """What is taken."""
        return self._workspace.config.limits

    @property
    def keys(self) -> tuple[str, ...]:
        """The declared identifiers."""
        return self._workspace.config.strong_keys

    @property
    def log(self) -> EventLog:
        """Where it is kept."""
        return self._workspace.log

    def clock(self) -> datetime:
        """Now."""
        return self._workspace.clock()

    def new_id(self) -> str:
        """A message id for a call without one."""
        return self._workspace.new_id()

    def source_of(self, write_key: str) -> int | None:
        """The source that a write key belongs to."""
        return source_of(self._workspace.records, write_key)


def open_engine(paths: Paths, config: Config) -> DuckDB:
    """The engine with every table. A new file is made under another name first, so that none is half made."""
    if not paths.engine.exists():
        fresh = paths.engine.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        made = DuckDB(fresh)
        make_tables(made)
        made.close()
        fresh.rename(paths.engine)
    engine = DuckDB(paths.engine, memory=config.memory or None, threads=config.threads or None)
    try:
        make_tables(engine)
    except LimnerError:
        raise
    except Exception as error:
        engine.close()
        raise DamagedError(
            f"the engine file cannot be used: {error}".splitlines()[0],
            where=str(paths.engine),
            hint="limner rebuild",
        ) from error
    return engine


def make_tables(engine: DuckDB) -> None:
    with engine.write() as tx:
        for tables in TABLES:
            for statement in tables.split(";"):
                if statement.strip():
                    tx.execute(statement)
