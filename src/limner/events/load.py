"""Loads the log into the engine, each record exactly once.

One load is one transaction: what the records say is decoded and judged again (the answer depends on the
record alone), repetitions are left out, names and property columns grow, identity gives every event its
person, and the position in the log moves on with it. When a load fails, the calls that make it fail are
looked for by halves and, after three tries, set aside; the others are stored.
Knows no person: `resolve` is given.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from limner.config import Limits
from limner.engine.seam import Engine, Transaction, quoted
from limner.errors import DamagedError, LimnerError, StorageError
from limner.events import contract, frames, given, ledger, sealed, segment, staging, values
from limner.events.frames import Record
from limner.events.ledger import ID, Draft
from limner.events.log import Entry, EventLog, Position
from limner.events.model import Counts, Event, Quarantined, Refusal, Request
from limner.events.registry import Registry
from limner.events.seen import Seen
from limner.events.staging import LOW, Staged
from limner.types import Progress, naive, silent

REMEMBERED = timedelta(days=30)
"""So long a message id counts once; later it is a new event."""

MOST_CALLS = 20_000
MOST_BYTES = 16_000_000
"""One load takes about so much of the log."""

FEW_COLUMNS = 25
"""So many new property columns are made within a load's transaction; more are made before it."""

ALONE = (frames.RETRY, frames.GIVEN)
"""Records of these kinds are loads of their own."""

TRIES = 3
ALL_FAIL = 20
"""When so many calls were tried one by one and each failed, it is not the calls: nothing is set aside."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (naive UTC, as the engine keeps it)


class Reader(Protocol):
    """One vendor dialect."""

    def __call__(self, body: bytes, endpoint: str, *, good: bool = False) -> Request: ...


DIALECTS: dict[str, Reader] = {frames.SEGMENT: segment.read, frames.RETRY: segment.read}
"""Which reader a kind of record has."""


class Resolution(Protocol):
    """What identity answers: columns (row, user_i, device_i, key_i, ix) and reassigned (from_ix, to_ix …)."""

    @property
    def columns(self) -> pa.Table: ...
    @property
    def reassigned(self) -> pa.Table: ...
    @property
    def warnings(self) -> Sequence[tuple[str, str, int]]: ...


Place = tuple[int, int]
"""A call of a load: (which record, which call of it)."""

Resolve = Callable[[Transaction, pa.Table], Resolution]


@dataclass(frozen=True)
class Loaded:
    """What one load did. `people`: ordinals with new events or that events were taken from or given to.

    `again`: it was calls tried again.
    """

    end: Position
    again: bool = False
    counts: dict[int | None, Counts] = field(default_factory=dict)
    people: npt.NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    reassigned: pa.Table | None = None
    stored: int = 0
    names: frozenset[int] = frozenset()
    earliest: datetime | None = None


class Loader:
    """Moves what the log holds into the engine. Safe to call from several threads.

    `before_event` is called with every event before it is stored: an exception of it makes that event one
    that cannot be loaded. `touched` is told after each load whose events changed.
    """

    def __init__(
        self,
        engine: Engine,
        log: EventLog,
        *,
        resolve: Resolve,
        limits: Limits,
        money: Collection[str] = (),
        keys: Collection[str] = (),
        before_event: Callable[[Event], None] | None = None,
        touched: Callable[[npt.NDArray[np.uint32]], None] | None = None,
    ) -> None:
        self._engine, self._log, self._resolve = engine, log, resolve
        self._limits, self._money, self._keys = limits, frozenset(money), tuple(keys)
        self._before_event = before_event
        self._touched = touched
        self._lock = threading.RLock()
        self._registry: Registry | None = None
        self._seen: Seen | None = None
        self._position: Position | None = None

    @property
    def position(self) -> Position:
        """Up to where the log is in the engine."""
        with self._lock:
            if self._position is None:
                found = self._engine.read('SELECT segment, "offset" FROM log_position').to_pylist()
                self._position = Position(found[0]["segment"], found[0]["offset"]) if found else Position()
            return self._position

    def behind(self) -> bool:
        """Whether the log holds something that the engine does not."""
        return self._log.end > self.position

    def wait(self, seconds: float) -> bool:
        """Whether there is something to load, waiting for it at most so long."""
        return self._log.wait(self.position, seconds)

    def load_all(self, progress: Progress | None = None) -> list[Loaded]:
        """Everything that the log holds now is in the engine when this returns: one Loaded a transaction."""
        tell = progress or silent
        done: list[Loaded] = []
        stored = 0
        while (loaded := self.load()) is not None:
            done.append(loaded)
            stored += loaded.stored
            tell("events loaded", stored, 0)
        return done

    def load(self) -> Loaded | None:
        """The next load, or None when the engine has everything."""
        with self._lock:
            start = self.position
            end = self._log.end
            if start >= end:
                return None
            taken = list(self._take(start))
            if not taken:
                return self._commit(Draft(), None, end)
            if taken[0].path is not None:
                return self._load_sealed(taken[0])
            if taken[0].record is not None and taken[0].record.kind == frames.GIVEN:
                return self._load_given(taken[0].record, taken[0].next)
            return self._load_records(
                [entry.record for entry in taken if entry.record is not None], taken[-1].next
            )

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Inside the block nobody else loads."""
        with self._lock:
            yield

    def forget(self) -> None:
        """Everything remembered of the engine is read again: its file was replaced."""
        with self._lock:
            self._registry = self._seen = self._position = None

    def settle(self) -> Position:
        """Loads everything and seals the log's open segment; the answer begins a segment.

        Everything before it may then be rewritten, as erasing does.
        """
        with self._lock:
            self.load_all()
            self._log.rotate()
            self.load_all()
            return self.position

    def retry(self, ids: Collection[int], *, batch: str, now: datetime) -> int:
        """Sends quarantined calls (by id; not rows of files) through the log again; the answer is how many.

        They leave the quarantine when that is loaded, for wherever they then belong.
        """
        wanted = {str(item) for item in ids}
        found = self._engine.read(
            "SELECT id::VARCHAR AS id, source_i, raw FROM quarantine"
            " WHERE code <> 'duplicate_conflict' AND origin IS NULL"
        ).to_pylist()
        by_source: dict[int | None, list[dict[str, Any]]] = defaultdict(list)
        for row in found:
            if row["id"] in wanted:
                by_source[row["source_i"]].append(row)
        micros = int(np.datetime64(naive(now), "us").astype(np.int64))
        for place, (source_i, rows) in enumerate(by_source.items()):
            body = b'{"batch":[' + b",".join(row["raw"].encode() for row in rows) + b"]}"
            note = " ".join(row["id"] for row in rows)
            self._log.append_now(
                Record(f"{batch}-{place}", source_i, micros, frames.RETRY, n=len(rows), note=note, body=body)
            )
        return sum(len(rows) for rows in by_source.values())

    # -- taking from the log

    def _take(self, start: Position) -> Iterator[Entry]:
        calls = size = 0
        for entry in self._log.replay(start):
            alone = entry.path is not None or (entry.record is not None and entry.record.kind in ALONE)
            if alone and calls:
                return
            yield entry
            if alone or entry.record is None:
                return
            calls += max(entry.record.n, 1)
            size += len(entry.record.body)
            if calls >= MOST_CALLS or size >= MOST_BYTES:
                return

    def _decode(
        self, records: Sequence[Record], poison: frozenset[Place], only: frozenset[Place] | None = None
    ) -> Draft:
        """What the records say; the calls in `poison` are set aside, those not in `only` left out."""
        draft = Draft()
        for at, record in enumerate(records):
            if record.kind == frames.REJECTED:
                draft.count(record.source_i, received=record.n, rejected=record.n)
                if record.note:
                    draft.notices[record.source_i, "rejected", record.note] += record.n
                continue
            self._decode_body(draft, record, at, poison, only)
        return draft

    def _decode_body(
        self,
        draft: Draft,
        record: Record,
        at: int,
        poison: frozenset[Place],
        only: frozenset[Place] | None,
    ) -> None:
        read = DIALECTS.get(record.kind)
        received_at = _EPOCH + timedelta(microseconds=record.received_at)
        source_i = record.source_i
        if read is None:
            request = Request(
                refusal=Refusal("unknown_dialect", f"records of kind {record.kind} are unknown")
            )
        else:
            request = read(record.body, record.endpoint, good=_good(record))
        if request.refusal is not None:
            draft.count(source_i, received=record.n, quarantined=record.n)
            raw = record.body.decode("utf-8", "replace")
            mark = _aside_id(record.batch, 0)
            draft.aside.append(Quarantined(mark, source_i, received_at, request.refusal, raw))
            return
        gone: set[int] = set()
        if record.kind == frames.RETRY:
            ids = [int(item) for item in record.note.split()]
            left = self._still_aside(ids)
            gone = {index for index, item in enumerate(ids) if item not in left}
            draft.retried += sorted(left)
            draft.count(source_i, quarantined=-len(left))
        received = set_aside = 0
        for call in request.calls:
            if call.index in gone or (only is not None and (at, call.index) not in only):
                continue
            received += 1
            wrong = self._wrong(call, record, (at, call.index) in poison)
            if wrong is None:
                try:
                    event = self._event(call, record, received_at)
                    draft.raw[len(draft.events)] = call.raw
                    draft.events.append(event)
                    continue
                except _Poisoned as error:
                    wrong = error.refusal
            set_aside += 1
            raw = staging.encode(call.raw).decode()
            draft.aside.append(
                Quarantined(_aside_id(record.batch, call.index), source_i, received_at, wrong, raw)
            )
        again = record.kind == frames.RETRY
        draft.count(source_i, received=0 if again else received, quarantined=set_aside)

    def _wrong(self, call: Any, record: Record, poisoned: bool) -> Refusal | None:
        if poisoned:
            return _cannot_load("the engine")
        if record.kind == frames.RETRY:
            return contract.refusal(call, self._limits)
        code = record.refused.get(call.index)
        if code is None:
            return None
        return contract.refusal(call, self._limits) or Refusal(code, "refused when it was received")

    def _event(self, call: Any, record: Record, received_at: datetime) -> Event:
        for left in range(TRIES - 1, -1, -1):
            try:
                event = contract.event(
                    call,
                    source_i=record.source_i or 0,
                    received_at=received_at,
                    batch=record.batch,
                    declared=self._keys,
                )
                if self._before_event is not None:
                    self._before_event(event)
                return event
            except Exception as error:  # whatever it is: one call must not stop the others
                if not left:
                    raise _Poisoned(_cannot_load(type(error).__name__)) from error
        raise AssertionError("unreachable")

    def _still_aside(self, ids: list[int]) -> set[int]:
        if not ids:
            return set()
        found = (
            self._engine.read("SELECT DISTINCT id::VARCHAR AS id FROM quarantine").column("id").to_pylist()
        )
        return {int(item) for item in found} & set(ids)

    # -- one load

    def _load_records(self, records: Sequence[Record], end: Position) -> Loaded:
        poison: frozenset[Place] = frozenset()
        for _ in range(TRIES):
            try:
                return self._commit(self._decode(records, poison), None, end)
            except (StorageError, DamagedError, MemoryError):
                raise
            except Exception:
                poison |= self._poison(records, poison)
        return self._commit(self._decode(records, poison), None, end)

    def _load_sealed(self, entry: Entry) -> Loaded:
        assert entry.path is not None  # noqa: S101  (for the type checker)
        found = sealed.read(entry.path)
        draft = Draft()
        draft.counts[found.source_i] = found.counts
        draft.aside += found.quarantine
        return self._commit(draft, found, entry.next)

    def _load_given(self, record: Record, end: Position) -> Loaded:
        """Values that were given: nobody did anything, so no event comes of them."""
        self._prepare()
        batch = given.read(record)
        try:
            with self._engine.write() as tx:
                load_i = loads(tx) + 1
                answer = self._resolve(tx, batch.who)
                given.store(tx, batch, answer.columns, load_i=load_i)
                self._move_on(tx, end, load_i)
        except BaseException:
            self._registry = self._seen = self._position = None
            raise
        self._position = end
        people = answer.columns.column("ix").drop_null().unique().to_numpy().astype(np.uint32)
        return Loaded(end=end, people=people)

    def _poison(self, records: Sequence[Record], known: frozenset[Place]) -> frozenset[Place]:
        """The calls that make a load fail, beside the known ones. Raises when it is not the calls."""
        fine = False
        failed = 0

        def search(part: list[Place]) -> list[Place]:
            nonlocal fine, failed
            error = self._try(records, part)
            tries = 1
            while error is not None and len(part) == 1 and tries < TRIES:
                error = self._try(records, part)
                tries += 1
            if error is None:
                fine = True
                return []
            if len(part) == 1:
                failed += 1
                if failed >= ALL_FAIL and not fine:
                    says = f"loading fails for every event: {type(error).__name__}"
                    raise LimnerError(says, code="load_failed") from error
                return part
            middle = len(part) // 2
            found = search(part[:middle]) + search(part[middle:])
            return found or part

        calls = [
            (at, index)
            for at, record in enumerate(records)
            if record.kind != frames.REJECTED
            for index in range(record.n)
            if (at, index) not in known
        ]
        return frozenset(search(calls)) if calls else frozenset()

    def _try(self, records: Sequence[Record], only: list[Place]) -> Exception | None:
        """The exception that storing only these calls raises, or None. Nothing is kept."""
        try:
            with self._engine.write() as tx:
                self._store(tx, self._decode(records, frozenset(), frozenset(only)), None, self.position)
                raise _Undone
        except _Undone:
            return None
        except (StorageError, DamagedError, MemoryError):
            raise
        except Exception as error:
            return error

    def _commit(self, draft: Draft, found: sealed.Sealed | None, end: Position) -> Loaded:
        self._prepare()
        try:
            self._widen(draft)
            with self._engine.write() as tx:
                loaded, registry, ids = self._store(tx, draft, found, end)
        except BaseException:
            self._registry = self._seen = self._position = None
            raise
        self._registry = registry
        self._position = end
        if self._seen is not None:
            self._seen.add(ids)
        if self._touched is not None:
            self._touched(loaded.people)
        return loaded

    def _widen(self, draft: Draft) -> None:
        """Makes many new columns beforehand, a few at a time: all at once would cost gigabytes."""
        assert self._registry is not None  # noqa: S101  (for the type checker)
        known = self._registry
        new = set[str]().union(*(event.properties for event in draft.events)) - known.properties.keys()
        if len(new) <= FEW_COLUMNS or known.full:
            return
        made = known.draft()
        for event in draft.events:
            for name, value in event.properties.items():
                if name in new:
                    made.column(name, values.kind_of(value))
        fresh = made.fresh_properties
        for at in range(0, len(fresh), FEW_COLUMNS):
            made.fresh_properties = fresh[at : at + FEW_COLUMNS]
            with self._engine.write() as tx:
                made.keep(tx)
        self._registry = made.draft()

    def _prepare(self) -> None:
        with self._engine.write() as tx:
            if self._registry is None:
                self._registry = Registry.read(tx, self._limits, self._money)
                tx.execute(
                    "INSERT INTO log_position SELECT 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM log_position)"
                )
            if self._seen is None:
                latest = tx.read("SELECT max(received_at) AS at FROM events WHERE body IS NOT NULL")
                since = latest.column("at").to_pylist()[0]
                low = tx.read(
                    "SELECT (id & 18446744073709551615)::UBIGINT AS low FROM events"
                    " WHERE body IS NOT NULL AND received_at >= $since",
                    {"since": since - REMEMBERED if since else _EPOCH},
                )
                self._seen = Seen(low.column("low").to_numpy())

    def _store(
        self, tx: Transaction, draft: Draft, found: sealed.Sealed | None, end: Position
    ) -> tuple[Loaded, Registry, npt.NDArray[np.uint64]]:
        self._prepare()
        assert self._registry is not None  # noqa: S101  (for the type checker)
        registry = self._registry.draft()
        if found is None:
            events = self._new(tx, draft)
            staged = staging.stage(events, registry, draft.notices)
            for source_i, n in Counter(event.source_i for event in events).items():
                draft.count(source_i, stored=n)
            ids = np.fromiter((event.id & LOW for event in events), np.uint64, len(events))
        else:
            ledger.come_again(tx, found)
            fresh = ledger.unknown_rows(tx, found)
            repeated = found.rows.num_rows - fresh.rows.num_rows
            draft.count(found.source_i, stored=fresh.rows.num_rows, duplicate=repeated)
            staged = sealed.stage(fresh, registry, draft.notices)
            ids = np.empty(0, np.uint64)
            tx.execute(
                "INSERT INTO loads SELECT $batch, $at WHERE NOT EXISTS"
                " (SELECT 1 FROM loads AS known WHERE known.batch = $batch)",
                {"batch": found.batch, "at": found.received_at},
            )
        registry.keep(tx)
        load_i = loads(tx) + 1
        people, reassigned = self._insert(tx, staged, draft, load_i)
        ledger.put_aside(tx, draft)
        ledger.count(tx, draft.counts)
        ledger.notice(tx, draft.notices)
        self._move_on(tx, end, load_i)
        base = staged.base
        loaded = Loaded(
            end=end,
            again=bool(draft.retried),
            counts=dict(draft.counts),
            people=people,
            reassigned=reassigned,
            stored=base.num_rows,
            names=frozenset(base.column("name_i").unique().to_pylist()),
            earliest=pc.min(base.column("ts")).as_py(),
        )
        return loaded, registry, ids

    def _move_on(self, tx: Transaction, end: Position, load_i: int) -> None:
        tx.execute(
            'UPDATE log_position SET segment = $segment, "offset" = $offset, load_i = $load_i',
            {"segment": end.segment, "offset": end.offset, "load_i": load_i},
        )

    def _new(self, tx: Transaction, draft: Draft) -> list[Event]:
        """The events whose ids were not stored in the last 30 days; the others are counted as duplicates."""
        assert self._seen is not None  # noqa: S101  (for the type checker)
        low = np.fromiter((event.id & LOW for event in draft.events), np.uint64, len(draft.events))
        suspects = [draft.events[at] for at in np.flatnonzero(self._seen.hits(low)).tolist()]
        stored = ledger.stored(tx, suspects)
        new: list[Event] = []
        for at, event in enumerate(draft.events):
            earlier = stored.get(event.id)
            if earlier is None or earlier[0] < event.received_at - REMEMBERED:
                stored[event.id] = (event.received_at, event.said)
                new.append(event)
                continue
            draft.count(event.source_i, duplicate=1)
            if earlier[1] != event.said:
                draft.notices[event.source_i, "duplicate_conflict", ""] += 1
                refusal = Refusal(
                    "duplicate_conflict",
                    f"the message id {event.message_id} was stored with other content; the first stays",
                    "messageId",
                )
                raw = staging.encode(draft.raw[at]).decode()
                mark = _aside_id(f"{event.id}", event.said)
                draft.aside.append(Quarantined(mark, event.source_i, event.received_at, refusal, raw))
        return new

    def _insert(
        self, tx: Transaction, staged: Staged, draft: Draft, load_i: int
    ) -> tuple[npt.NDArray[np.uint32], pa.Table | None]:
        if not staged.base.num_rows:
            return np.empty(0, np.uint32), None
        answer = self._resolve(tx, staged.who)
        sources = set(draft.counts)
        source = next(iter(sources)) if len(sources) == 1 else None
        for code, detail, n in answer.warnings:
            draft.notices[source, code, detail] += n
        whose = answer.columns
        table = staged.base
        for name in ("user_i", "device_i", "key_i", "ix"):
            table = table.append_column(name, whose.column(name).cast(pa.uint32()))
        for col, found in staged.typed.items():
            table = table.append_column(col, found)
        plain = [name for name in table.column_names if name not in ("row", "hi", "lo")]
        names = ", ".join(quoted(name) for name in plain)
        number = {"load_i": load_i}
        with tx.given("incoming", table):
            tx.execute(
                f"INSERT INTO events (id, load_i, {names}) SELECT {ID}, $load_i, {names} FROM incoming",
                number,
            )
            if staged.attributes.num_rows:
                with tx.given("changes", staged.attributes):
                    tx.execute(
                        "INSERT INTO attributes (id, ix, user_i, device_i, key_i, name, ts, received_at,"
                        " source_i, mode, kind, value, load_i)"
                        f" SELECT {ID}, ix, user_i, device_i, key_i, changes.name, ts, received_at,"
                        " source_i, mode, kind, value, $load_i"
                        ' FROM changes JOIN incoming ON incoming."row" = changes."row"',
                        number,
                    )
        people = [table.column("ix").drop_null()]
        if answer.reassigned.num_rows:
            both = [answer.reassigned.column(name).drop_null() for name in ("from_ix", "to_ix")]
            people += both
            with tx.given(
                "moved_now", pa.table({"ix": pa.chunked_array([*both[0].chunks, *both[1].chunks])})
            ):
                tx.execute("INSERT INTO moved SELECT DISTINCT $load_i, ix FROM moved_now", number)
        touched = np.unique(np.concatenate([column.to_numpy() for column in people])).astype(np.uint32)
        return touched, answer.reassigned


def loads(engine: Engine | Transaction) -> int:
    """How many loads the engine has seen: the `load_i` of the last one, 0 before the first."""
    found = engine.read("SELECT MAX(load_i) AS n FROM log_position").column("n")[0].as_py()
    return int(found or 0)


class _Undone(Exception):
    """A trial that went well, and is not to be kept."""


class _Poisoned(Exception):
    """A call that cannot become an event."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def _good(record: Record) -> bool:
    return record.kind == frames.SEGMENT and not record.refused


def _cannot_load(what: str) -> Refusal:
    return Refusal("load_failed", f"this event could not be loaded after {TRIES} tries ({what})")


def _aside_id(batch: str, index: int) -> int:
    digest = blake2b(f"{batch}\0{index}".encode(), digest_size=16).digest()
    return int.from_bytes(digest, "big") >> 1
