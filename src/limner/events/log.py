"""The log: what was acknowledged is on disk. Append-only segment files in one numbered sequence.

`000001.log` holds frames (see frames.py); `000002.parquet` is an import, written whole. A sealed segment has
a sidecar `….sha256` with its digest and length. One thread writes: it takes everything that waits, writes
it, flushes once and only then answers (group commit). What failed to be written or flushed is never
answered as kept: the file is cut back, after a failed flush it is given up and a new one is begun.
Knows no vendor and no engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from limner.errors import DamagedError, LimnerError, StorageError
from limner.events import frames
from limner.events.frames import Record

WAITING_BYTES = 64_000_000
"""More than this waiting to be written is refused: the disk cannot follow."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the log: the next thing to read lies at `offset` of `segment`. (0, 0) is the beginning."""

    segment: int = 0
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing read from the log: a record, or the path of a whole Parquet segment."""

    at: Position
    next: Position
    record: Record | None = None
    path: Path | None = None


@dataclass(slots=True)
class _Waiting:
    record: Record
    answer: Callable[[BaseException | None], None] | None


class EventLog:
    """The log in one folder, owned by this process. Opening recovers the tail of what was being written.

    `write`, `flush` and `free` are the system calls (free bytes of the disk), so that a test can break them.
    Raises DamagedError when bytes that had been confirmed are not there.
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int = 64_000_000,
        free_bytes: int = 0,
        write: Callable[[int, bytes], int] = os.write,
        flush: Callable[[int], None] = os.fsync,
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self.folder = folder
        self._segment_bytes = segment_bytes
        self._free_bytes = free_bytes
        self._write, self._flush, self._free = write, flush, free
        folder.mkdir(parents=True, exist_ok=True)
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._file = threading.RLock()
        self._closing = False
        self._failing: str | None = None
        self._fd: int | None = None
        self._number = 0
        self._durable = 0
        self._end = Position()
        self._lengths: dict[int, int] = {}
        self._digest = hashlib.sha256()
        self._recover()
        self._thread = threading.Thread(target=self._run, name="limner-log", daemon=True)
        self._thread.start()

    # -- appending

    async def append(self, record: Record) -> None:
        """Returns when the record is on disk. Raises StorageError when it is not, and will not be."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def settle(error: BaseException | None) -> None:
            if not done.done():
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)

        def answer(error: BaseException | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
                loop.call_soon_threadsafe(settle, error)

        self._enqueue(record, answer)
        await done

    def append_now(self, record: Record) -> None:
        """The same for callers that are not asynchronous."""
        done: Future[None] = Future()
        self._enqueue(
            record, lambda error: done.set_result(None) if error is None else done.set_exception(error)
        )
        done.result()

    def note(self, record: Record) -> None:
        """Keeps the record with the next group; nobody waits, and a full disk may lose it."""
        with contextlib.suppress(StorageError):
            self._enqueue(record, None)

    def write_sealed(self, table: pa.Table, batch: str) -> Path:
        """Adds the table as one sealed Parquet segment and returns its path; it is on disk then.

        Its place in the sequence is taken at the end, so appends go on while it is written.
        """
        self._room(table.nbytes)
        draft = self.folder / f".draft-{hashlib.sha256(batch.encode()).hexdigest()[:16]}.parquet"
        try:
            pq.write_table(table, draft, compression="zstd", row_group_size=131_072)
            with draft.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
            with self._file:
                self._seal()
                number = self._number + 1
                path = self.folder / f"{number:06d}.parquet"
                self._sidecar(path, digest, draft.stat().st_size)
                draft.rename(path)
                self._sync_folder()
                self._number = number
                self._end = Position(number + 1, 0)
        except OSError as error:
            raise self._refused(error) from error
        finally:
            draft.unlink(missing_ok=True)
        with self._changed:
            self._changed.notify_all()
        return path

    # -- reading

    @property
    def end(self) -> Position:
        """Where the next record will lie: everything before is on disk."""
        return self._end

    def replay(self, position: Position = Position()) -> Iterator[Entry]:
        """What lies on disk from `position` on, in order, up to what is confirmed now.

        Raises DamagedError where a sealed segment does not match its checksum.
        """
        end = self.end
        for number, path in sorted(self._segments().items()):
            if number < position.segment or number > end.segment:
                continue
            start = position.offset if number == position.segment else 0
            if path.suffix == ".parquet":
                self._verify(path)
                yield Entry(Position(number, 0), Position(number + 1, 0), path=path)
                continue
            length = end.offset if number == end.segment else self._length(number, path)
            yield from _frames(number, path, max(start, len(frames.MAGIC)), length)

    def wait(self, position: Position, seconds: float) -> bool:
        """Whether there is something to read at `position`, waiting for it at most so long."""
        with self._changed:
            return self._changed.wait_for(lambda: self.end > position or self._closing, seconds)

    def verify(self) -> int:
        """The number of sealed segments, each compared with its checksum. Raises DamagedError."""
        sealed = [path for path in self._segments().values() if _sidecar_of(path).exists()]
        for path in sealed:
            self._verify(path)
        return len(sealed)

    def files(self) -> list[tuple[str, Path, int]]:
        """(name, path, length) of every file that holds what is confirmed now."""
        end = self.end
        found = []
        for number, path in sorted(self._segments().items()):
            if number < end.segment or end.offset:
                length = end.offset if number == end.segment else path.stat().st_size
                found.append((path.name, path, length))
                sidecar = _sidecar_of(path)
                if sidecar.exists():
                    found.append((sidecar.name, sidecar, sidecar.stat().st_size))
        return found

    def health(self) -> dict[str, object]:
        """Whether appends are accepted: ok, free bytes, the reserve, what waits and why it refuses."""
        free = self._free(self.folder)
        full = free < self._free_bytes
        return {
            "ok": not full and self._failing is None,
            "free_bytes": free,
            "reserve_bytes": self._free_bytes,
            "waiting": len(self._waiting),
            "reason": "free disk space is below the reserve" if full else self._failing,
        }

    def rotate(self) -> None:
        """Seals the segment that is being written; the next record begins a new one, at the new `end`."""
        with self._file:
            if self._fd is not None:
                self._seal()
                self._end = Position(self._number + 1, 0)

    def rewrite(
        self,
        before: Position,
        record: Callable[[Record], Record | None],
        table: Callable[[pa.Table], pa.Table | None],
    ) -> int:
        """The number of segments written anew, of those that lie wholly before `before`.

        `record` and `table` answer with what is to stay: the same object when nothing changes, None to
        drop it. That is how a person's traces are erased. Offsets move, so `before` must be a loader's
        position at the beginning of a segment (after `rotate`).
        """
        changed = 0
        for number, path in sorted(self._segments().items()):
            if number >= before.segment:
                continue
            if path.suffix == ".parquet":
                changed += self._rewrite_table(path, table)
                continue
            fresh = bytearray(frames.MAGIC)
            here = False
            for entry in _frames(number, path, len(frames.MAGIC), self._length(number, path)):
                kept = record(entry.record) if entry.record is not None else None
                here = here or kept is not entry.record
                if kept is not None:
                    fresh += frames.frame(kept, len(fresh))
            if here:
                self._replace(path, bytes(fresh))
                changed += 1
        return changed

    def close(self) -> None:
        """Writes what waits, then lets go."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        with self._file:
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None

    # -- the writing thread

    def _enqueue(self, record: Record, answer: Callable[[BaseException | None], None] | None) -> None:
        with self._changed:
            if self._closing:
                raise StorageError("the log is closing", code="closing", hint="retry later")
            if self._waiting_bytes > WAITING_BYTES:
                raise StorageError("too much waits to be written", code="overloaded", hint="retry later")
            self._waiting.append(_Waiting(record, answer))
            self._waiting_bytes += len(record.body)
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                taken, self._waiting = self._waiting, []
                self._waiting_bytes = 0
                if not taken:
                    return
            error: BaseException | None = None
            try:
                self._commit([waiting.record for waiting in taken])
            except LimnerError as failure:
                error = failure
            except Exception as failure:  # whatever it is, the waiting must hear of it
                error = StorageError(f"the log could not be written: {type(failure).__name__}")
            for waiting in taken:
                if waiting.answer is not None:
                    waiting.answer(error)
            with self._changed:
                self._changed.notify_all()

    def _commit(self, records: list[Record]) -> None:
        """All of the records on disk, or none of them and StorageError."""
        with self._file:
            size = sum(len(record.body) + 200 for record in records)
            self._room(size)
            try:
                if self._fd is None:
                    self._begin()
                assert self._fd is not None  # noqa: S101  (for the type checker)
                block = b"".join(frames.frame(record, self._durable) for record in records)
                fresh = self._digest.copy()
                fresh.update(block)
                rest = memoryview(block)
                while rest:
                    rest = rest[self._write(self._fd, bytes(rest[: 1 << 24])) :]
            except OSError as error:
                self._cut_back()
                raise self._refused(error) from error
            try:
                self._flush(self._fd)
            except OSError as error:
                self._give_up()
                raise self._refused(error) from error
            self._durable += len(block)
            self._end = Position(self._number, self._durable)
            self._digest = fresh
            self._failing = None
            if self._durable >= self._segment_bytes:
                with contextlib.suppress(OSError):  # it is sealed at the next start then
                    self._seal()

    def _room(self, size: int) -> None:
        if self._free(self.folder) - size < self._free_bytes:
            self._failing = "free disk space is below the reserve"
            raise StorageError("the disk is full below its reserve: retry later", hint="free disk space")

    def _refused(self, error: OSError) -> StorageError:
        self._failing = error.strerror or type(error).__name__
        return StorageError(
            "the log could not be written: retry later", hint=f"the disk said: {self._failing}"
        )

    def _begin(self) -> None:
        number = self._number + 1
        path = self.folder / f"{number:06d}.log"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            self._write(fd, frames.MAGIC)
            self._flush(fd)
            self._sync_folder()
        except OSError:
            os.close(fd)
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        self._fd, self._number = fd, number
        self._durable = len(frames.MAGIC)
        self._digest = hashlib.sha256(frames.MAGIC)

    def _cut_back(self) -> None:
        if self._fd is None:
            return
        try:
            os.ftruncate(self._fd, self._durable)
            os.lseek(self._fd, self._durable, os.SEEK_SET)
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        """After a failed flush nothing is known about the file's end: cut it and begin another."""
        if self._fd is None:
            return
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, self._durable)
        with contextlib.suppress(OSError):
            os.close(self._fd)
        self._lengths[self._number] = self._durable
        self._fd = None
        with contextlib.suppress(OSError):
            path = self.folder / f"{self._number:06d}.log"
            self._sidecar(path, self._digest.hexdigest(), self._durable)

    def _seal(self) -> None:
        if self._fd is None:
            return
        path = self.folder / f"{self._number:06d}.log"
        self._lengths[self._number] = self._durable
        self._sidecar(path, self._digest.hexdigest(), self._durable)
        os.close(self._fd)
        self._fd = None

    def _sidecar(self, path: Path, digest: str, length: int) -> None:
        _write_whole(_sidecar_of(path), f"{digest}  {length}\n".encode())
        self._sync_folder()

    def _replace(self, path: Path, content: bytes) -> None:
        # The sidecar goes first and comes last: between, a start-up check makes it anew.
        with self._file:
            _sidecar_of(path).unlink(missing_ok=True)
            self._sync_folder()
            _write_whole(path, content)
            self._lengths[int(path.stem)] = len(content)
            self._sidecar(path, hashlib.sha256(content).hexdigest(), len(content))

    def _rewrite_table(self, path: Path, change: Callable[[pa.Table], pa.Table | None]) -> bool:
        whole = pq.read_table(path)
        kept = change(whole)
        if kept is whole:
            return False
        if kept is None:
            kept = whole.slice(0, 0)
        sink = pa.BufferOutputStream()
        pq.write_table(kept, sink, compression="zstd", row_group_size=131_072)
        self._replace(path, sink.getvalue().to_pybytes())
        return True

    def _sync_folder(self) -> None:
        fd = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    # -- files

    def _segments(self) -> dict[int, Path]:
        found: dict[int, Path] = {}
        for path in self.folder.iterdir():
            if path.suffix in (".log", ".parquet") and path.stem.isdigit():
                found[int(path.stem)] = path
        return found

    def _length(self, number: int, path: Path) -> int:
        """The length of a segment that is no longer written."""
        if number not in self._lengths:
            sealed = _sealed(path)
            self._lengths[number] = sealed[1] if sealed else path.stat().st_size
        return self._lengths[number]

    def _verify(self, path: Path) -> None:
        sealed = _sealed(path)
        if sealed is None:
            raise DamagedError("a sealed segment has lost its checksum", where=str(path))
        digest, length = sealed
        with path.open("rb") as file:
            block = hashlib.sha256()
            left = length
            while left and (part := file.read(min(left, 1 << 20))):
                block.update(part)
                left -= len(part)
        if left or block.hexdigest() != digest:
            raise DamagedError(
                "a sealed segment does not match its checksum",
                where=str(path),
                hint="restore this file from a backup",
            )

    def _recover(self) -> None:
        """Cuts the torn tail of what was being written, seals what was not sealed, finds the end."""
        for draft in self.folder.glob(".draft-*"):
            draft.unlink()
        segments = self._segments()
        for sidecar in self.folder.glob("*.sha256"):
            if not sidecar.with_suffix("").exists():
                sidecar.unlink()
        last = max(segments, default=0)
        self._number = last
        for number, path in sorted(segments.items()):
            if path.suffix == ".parquet" and _sealed(path) is None:
                self._sidecar(path, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
            if _sealed(path) is not None:
                continue
            length = _recovered_length(path)
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            if length < len(frames.MAGIC):
                os.ftruncate(fd, 0)
                os.write(fd, frames.MAGIC)
                length = len(frames.MAGIC)
            os.ftruncate(fd, length)
            os.fsync(fd)
            os.lseek(fd, length, os.SEEK_SET)
            self._number, self._fd, self._durable = number, fd, length
            self._digest = hashlib.sha256(path.read_bytes())
            if number != last or length >= self._segment_bytes:
                self._seal()
        self._number = last
        if self._fd is not None:
            self._end = Position(last, self._durable)
        elif last and segments[last].suffix == ".log":
            self._end = Position(last, self._length(last, segments[last]))
        elif last:
            self._end = Position(last + 1, 0)
        self._sync_folder()


def _frames(number: int, path: Path, start: int, length: int) -> Iterator[Entry]:
    with path.open("rb") as file:
        file.seek(start)
        block, base = b"", start
        while base + len(block) < length or block:
            part = file.read(min(4 << 20, length - base - len(block)))
            block += part
            at = 0
            while (found := frames.read(block, at)) is not None:
                yield Entry(Position(number, base + at), Position(number, base + found.end), found.record)
                at = found.end
            if not part and at == 0 and block:
                raise DamagedError(
                    "a record of the log does not match its checksum",
                    where=f"{path}:{base}",
                    hint="restore this file from a backup",
                )
            block, base = block[at:], base + at
            if not part and not block:
                return


def _recovered_length(path: Path) -> int:
    """The length up to which the file holds good frames. Raises DamagedError when confirmed bytes are bad."""
    block = path.read_bytes()
    if not block.startswith(frames.MAGIC):
        if frames.confirmed_beyond(block, 0) or len(block) > len(frames.MAGIC) + frames.HEAD.size:
            raise DamagedError("a segment of the log lost its beginning", where=str(path))
        return 0
    at = len(frames.MAGIC)
    while (found := frames.read(block, at)) is not None:
        at = found.end
    if at < len(block) and frames.confirmed_beyond(block, at):
        raise DamagedError(
            "a confirmed record of the log is damaged", where=f"{path}:{at}", hint="restore it from a backup"
        )
    return at


def _sidecar_of(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def _sealed(path: Path) -> tuple[str, int] | None:
    try:
        digest, length = _sidecar_of(path).read_text(encoding="ascii").split()
        return digest, int(length)
    except (OSError, ValueError):
        return None


def _write_whole(path: Path, content: bytes) -> None:
    draft = path.with_name(f".draft-{path.name}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
