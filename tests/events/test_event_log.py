"""The log keeps what it acknowledged, and nothing that it did not."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.errors import DamagedError, StorageError
from limner.events import frames
from limner.events.frames import Record
from limner.events.log import EventLog, Position


def record(number: int, body: bytes = b"{}") -> Record:
    return Record(f"b{number}", 1, 1_700_000_000_000_000 + number, body=body)


def kept(log: EventLog, at: Position = Position()) -> list[str]:  # noqa: B008
    return [entry.record.batch for entry in log.replay(at) if entry.record is not None]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., EventLog]]:
    logs: list[EventLog] = []

    def opening(**settings: object) -> EventLog:
        logs.append(EventLog(tmp_path / "log", **settings))  # type: ignore[arg-type]
        return logs[-1]

    yield opening
    for log in logs:
        log.close()


records = st.builds(
    Record,
    batch=st.text(max_size=20),
    source_i=st.none() | st.integers(0, 65_535),
    received_at=st.integers(0, 2**60),
    kind=st.sampled_from([frames.SEGMENT, frames.REJECTED]),
    endpoint=st.sampled_from(["batch", "track"]),
    n=st.integers(0, 10_000),
    refused=st.dictionaries(st.integers(0, 100), st.text(max_size=10), max_size=5),
    note=st.text(max_size=20),
    body=st.binary(max_size=400),
)


@given(st.lists(records, max_size=20))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_was_appended_is_replayed_in_order(tmp_path: Path, many: list[Record]) -> None:
    folder = tmp_path / "log"
    shutil.rmtree(folder, ignore_errors=True)
    log = EventLog(folder, segment_bytes=700)
    for one in many:
        log.append_now(one)
    log.close()
    again = EventLog(folder, segment_bytes=700)
    assert [entry.record for entry in again.replay()] == many
    again.close()


@pytest.mark.proves("G2", partly="torn tails of the log; rebuilt disk images are not in the tests")
@pytest.mark.proves("G2")
def test_a_tail_torn_anywhere_costs_only_the_last_record(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log")
    log.append_now(record(1))
    before = log.end.offset
    log.append_now(record(2, b'{"batch":[1,2,3]}'))
    log.close()
    whole = (tmp_path / "log" / "000001.log").read_bytes()
    for length in range(len(whole)):
        folder = tmp_path / f"cut{length}"
        folder.mkdir()
        (folder / "000001.log").write_bytes(whole[:length])
        recovered = EventLog(folder)
        assert kept(recovered) == (["b1"] if length >= before else [])
        recovered.append_now(record(9))
        assert kept(recovered) == (["b1", "b9"] if length >= before else ["b9"])
        recovered.close()
        shutil.rmtree(folder)


@pytest.mark.proves("G2")
def test_a_tail_of_zeros_is_torn(tmp_path: Path, opened: Callable[..., EventLog]) -> None:
    opened().append_now(record(1))
    with (tmp_path / "log" / "000001.log").open("ab") as file:
        file.write(bytes(5_000))
    assert kept(opened()) == ["b1"]


@pytest.mark.proves("G7")
def test_a_flipped_bit_in_a_confirmed_record_is_damage_not_a_torn_tail(
    tmp_path: Path, opened: Callable[..., EventLog]
) -> None:
    log = opened()
    for number in range(3):
        log.append_now(record(number))
    log.close()
    path = tmp_path / "log" / "000001.log"
    block = bytearray(path.read_bytes())
    block[len(frames.MAGIC) + 30] ^= 1
    path.write_bytes(block)
    with pytest.raises(DamagedError):
        opened()


@pytest.mark.proves("G7")
def test_a_flipped_bit_in_a_sealed_segment_is_damage(tmp_path: Path, opened: Callable[..., EventLog]) -> None:
    log = opened()
    log.append_now(record(1))
    log.rotate()
    log.append_now(record(2))
    path = tmp_path / "log" / "000001.log"
    block = bytearray(path.read_bytes())
    block[-1] ^= 1
    path.write_bytes(block)
    with pytest.raises(DamagedError):
        kept(log)
    with pytest.raises(DamagedError):
        log.verify()


@pytest.mark.proves("G9")
@pytest.mark.parametrize("broken", range(2, 12))
def test_a_failed_flush_is_never_acknowledged(
    opened: Callable[..., EventLog], tmp_path: Path, broken: int
) -> None:
    calls = 0

    def flush(fd: int) -> None:
        nonlocal calls
        calls += 1
        if calls % broken == 0:
            raise OSError(errno.EIO, "Input/output error")
        os.fsync(fd)

    log = opened(flush=flush)
    acknowledged, refused = [], 0
    for number in range(20):
        try:
            log.append_now(record(number))
            acknowledged.append(f"b{number}")
        except StorageError:
            refused += 1
    assert refused
    assert kept(log) == acknowledged
    log.close()
    assert kept(opened()) == acknowledged
    assert opened().verify() >= 0


@pytest.mark.proves("G8", partly="injected, not a full disk")
@pytest.mark.proves("G8", "G9")
def test_a_failed_write_is_cut_back_and_the_next_one_goes_on(opened: Callable[..., EventLog]) -> None:
    calls = 0

    def write(fd: int, block: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls in (4, 5):
            os.write(fd, block[: len(block) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.write(fd, block)

    log = opened(write=write)
    for number in (1, 2):
        log.append_now(record(number))
    for number in (3, 4):
        with pytest.raises(StorageError):
            log.append_now(record(number))
    assert not log.health()["ok"]
    log.append_now(record(5))
    assert log.health()["ok"]
    assert kept(log) == ["b1", "b2", "b5"]
    log.close()
    assert kept(opened()) == ["b1", "b2", "b5"]


@pytest.mark.proves("G8")
def test_below_the_reserve_nothing_is_taken(opened: Callable[..., EventLog]) -> None:
    left = [10]
    log = opened(free_bytes=1_000, free=lambda _: left[0])
    with pytest.raises(StorageError) as caught:
        log.append_now(record(1))
    assert caught.value.code == "storage_full"
    with pytest.raises(StorageError):
        log.write_sealed(pa.table({"row": [1]}), "import")
    left[0] = 1_000_000
    log.append_now(record(2))
    assert kept(log) == ["b2"]


def test_many_at_once_share_a_flush(opened: Callable[..., EventLog]) -> None:
    flushes = 0

    def flush(fd: int) -> None:
        nonlocal flushes
        flushes += 1
        os.fsync(fd)

    log = opened(flush=flush)

    async def all_at_once() -> None:
        await asyncio.gather(*(log.append(record(number)) for number in range(200)))

    asyncio.run(all_at_once())
    assert sorted(kept(log)) == sorted(f"b{number}" for number in range(200))
    assert flushes < 100


def test_imports_and_records_lie_in_one_sequence(opened: Callable[..., EventLog]) -> None:
    log = opened()
    log.append_now(record(1))
    path = log.write_sealed(pa.table({"row": [1, 2]}), "import:1")
    log.append_now(record(2))
    entries = list(log.replay())
    assert [(entry.record.batch if entry.record else entry.path) for entry in entries] == ["b1", path, "b2"]
    assert path.name == "000002.parquet"
    assert kept(log, entries[1].next) == ["b2"]
    log.close()
    again = opened()
    assert [entry.next for entry in again.replay()] == [entry.next for entry in entries]
    assert again.verify() == 2


def test_reading_goes_on_where_it_stopped(opened: Callable[..., EventLog]) -> None:
    log = opened(segment_bytes=300)
    for number in range(10):
        log.append_now(record(number))
    for place, entry in enumerate(list(log.replay())):
        assert kept(log, entry.next) == [f"b{number}" for number in range(place + 1, 10)]


def test_waiting_ends_when_something_comes(opened: Callable[..., EventLog]) -> None:
    log = opened()
    assert not log.wait(log.end, 0.01)
    start = log.end
    log.append_now(record(1))
    assert log.wait(start, 0.01)


@pytest.mark.proves("G18")
def test_a_rewritten_log_has_no_trace_of_what_was_dropped(
    tmp_path: Path, opened: Callable[..., EventLog]
) -> None:
    log = opened()
    log.append_now(record(1, b"SECRET"))
    log.append_now(record(2, b"public"))
    log.write_sealed(pa.table({"row": [1, 2], "user": ["SECRET", "b"]}), "import")
    log.rotate()
    changed = log.rewrite(
        log.end,
        lambda found: None if b"SECRET" in found.body else found,
        lambda table: table.filter(pa.array([value != "SECRET" for value in table["user"].to_pylist()])),
    )
    assert changed == 2
    assert kept(log) == ["b2"]
    assert log.verify() == 2
    assert not any(b"SECRET" in path.read_bytes() for path in (tmp_path / "log").iterdir())
