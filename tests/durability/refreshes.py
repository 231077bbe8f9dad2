"""A shop whose tags are refreshed in a process of its own, and what may go wrong at any point of it.

A point is just before a statement to the engine, a flush, a renaming or a removal of files, and on both sides of a
commit. Whatever happens there, every value that anybody can read is of before, or the refresh is complete.
"""

from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from limner.accounts import keys as accounts
from limner.columns import epochs
from limner.engine import duckdb
from limner.engine.seam import quoted
from limner.events.frames import Record
from limner.tags import publish
from limner.types import silent
from limner.workspace import gathering, knowing
from limner.workspace.realtime import Realtime
from limner.workspace.workspace import Workspace
from tests.workspace.worlds import NOW, World

KINDS = ("full", "carried", "step", "audience")
"""The tags computed anew, carried on, moved on by a step of real time; the snapshot of an audience."""

FAILURES = ("kill", "kill at a time", "exception", "disk full", "changed schema")

TODAY = NOW + timedelta(days=1)

TAGS = {
    "orders": "nature: fact\nmethod: statistic\ntype: number\nstatistic: count(\"Order Paid\" in last 7 days)",
    "spent": "nature: fact\nmethod: statistic\ntype: money\nstatistic: sum(amount of \"Order Paid\" in last 30 days)",
    "last_category": "nature: fact\nmethod: statistic\ntype: text\nstatistic: last(category of \"Order Paid\")",
    "often": "nature: fact\nmethod: statistic\ntype: text\nstatistic: most_frequent(category of *)",
    "taste": "nature: fact\nmethod: statistic\ntype: text\n"
    "statistic: interest(category of \"Viewed\" * 1, \"Order Paid\" * 8 half life 14 days)",
    "city": "nature: fact\nmethod: observed\ntype: text\nattribute: city",
    "keen": "nature: model\nmethod: rule\ntype: flag\ncases:\n  - when: orders >= 1\n    then: true",
    "idle": "nature: model\nmethod: rule\ntype: flag\n"
    "cases:\n  - when: not did \"Order Paid\" in last 6 days\n    then: true",
    "tier": "nature: model\nmethod: rule\ntype: text\ncases:\n  - when: spent >= 60\n    then: gold\n"
    "  - when: keen\n    then: silver\notherwise: none",
}  # fmt: skip
GROUP = "title: One of both\ntags: [idle, keen]\nkeep: newest\nwhy: Nobody is both.\n"
AUDIENCE = "title: Buyers\nexpression: tier in ('gold', 'silver') or city = 'Basel'\n"


def prepare(folder: Path, *, people: int = 40) -> None:
    """The shop as it was yesterday, closed: tags published, an audience kept, and since then more was loaded."""
    world = World(folder, now=NOW)
    for key, text in TAGS.items():
        world.write(f"tags/{key}.yml", f"{text}\nvalidity: 3 days\n")
    world.write("groups/mood.yml", GROUP)
    world.write("audiences/buyers.yml", AUDIENCE)
    draw = random.Random(7)
    for batch in range(3):
        _told(world, draw, people, since=NOW - timedelta(days=40), batch=f"before {batch}")
    world.verb("tag run")
    world.verb("tag give", key="tier", value="gold", people=["u1", "u2"])
    world.verb("tag run")
    world.verb("audience snapshot", name="buyers")
    world.now = TODAY
    _told(world, draw, people, since=NOW, batch="since")
    world.close()


def _told(world: World, draw: random.Random, people: int, *, since: datetime, batch: str) -> None:
    seconds = int((world.now - since).total_seconds())
    source = accounts.ensure_source(world.workspace.records, "web", kind="segment", now=world.now)
    calls: list[dict[str, Any]] = []
    for number in range(4 * people):
        at = (since + timedelta(seconds=draw.randrange(seconds))).isoformat()
        call = {"userId": f"u{draw.randrange(people)}", "messageId": f"{batch} {number}", "timestamp": at}
        if draw.random() < 0.2:
            calls.append(
                {**call, "type": "identify", "traits": {"city": draw.choice(("Basel", "Bern", "Chur"))}}
            )
            continue
        said = {
            "category": draw.choice(("tea", "cups", "pots", batch)),
            "amount": draw.choice((5, 20.01, 80)),
        }
        name = draw.choice(("Order Paid", "Viewed", "Viewed"))
        calls.append({**call, "type": "track", "event": name, "properties": said})
    body = json.dumps({"batch": calls}).encode()
    received = accounts.micros(world.now)
    record = Record(
        batch=batch, source_i=source.source_i, received_at=received, n=len(calls), refused={}, body=body
    )
    world.workspace.log.append_now(record)
    world.workspace.load()


def copied(shop: Path, scratch: Path) -> Path:
    """A copy of the shop that may be broken."""
    folder = scratch / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(shop, folder)
    return folder


def opened(folder: Path) -> Workspace:
    """The shop, today."""
    return Workspace.open(folder, clock=lambda: TODAY)


def refresh(workspace: Workspace, kind: str) -> None:
    """Does what may fail."""
    if kind == "audience":
        gathering.audience_snapshot(workspace, "buyers")
    elif kind == "step":
        assert Realtime(workspace).once() is not None, "there was no step to take"
    else:
        answer = knowing.tag_run(workspace, silent, full=kind == "full")
        assert (answer["carried"] is None) == (kind == "full")


def checksum(workspace: Workspace) -> str:
    """Of all that anybody can read: every value, table and column, who is in what, and when that changed."""
    engine = workspace.engine
    found: list[Any] = []
    for key, state in publish.applied(engine).items():
        column = workspace.columns[key]  # type: ignore[index]
        values = [column.label_at(ix) for ix in range(column.n)]
        rows = engine.read(f"SELECT ix, value FROM {quoted(state.table)} ORDER BY ix").to_pylist()
        there = {row["ix"]: row["value"] for row in rows if row["value"] is not None}
        agree = {ix for ix, value in enumerate(values) if value is not None} == there.keys()
        found.append(
            [key, state.text, state.as_of, state.expires_at, column.expires_at, values, there, agree]
        )
    for key in publish.weighted(engine):
        found.append(engine.read(f"SELECT * FROM weights_tag_{key} ORDER BY ALL").to_pylist())
    for table in ("changes", "group_conflicts", "overruled", "audience_state"):
        found.append(engine.read(f"SELECT * EXCLUDE (run) FROM {table} ORDER BY ALL").to_pylist())
    found.append(engine.read("SELECT as_of, n FROM epochs WHERE current").to_pylist())
    found.append(workspace.columns.alive.tolist())  # type: ignore[union-attr]
    found.append(sorted(gathering.snapshot.members(engine, "buyers", workspace.paths.snapshots)))
    found.append(sorted(knowing.members(workspace, "buyers", TODAY)))
    return hashlib.sha256(repr(found).encode()).hexdigest()


def read(folder: Path) -> str:
    """The checksum of a shop that is opened for it; columns are made again first where they are not whole."""
    with opened(folder) as workspace:
        current = publish.current(workspace.engine)
        assert current is not None
        left = [epoch for epoch in epochs(workspace.paths.columns) if epoch > current.epoch]
        left += list(workspace.paths.columns.glob("*.tmp"))
        assert not left, f"left behind: {left}"
        publish.ensure(workspace.engine, workspace.paths.columns, verify=True)
        return checksum(workspace)


class Points:
    """Counts the points of a refresh, and does something at one of them."""

    def __init__(self, point: int, act: Callable[[], None]) -> None:
        self.passed = 0
        self._point, self._act = point, act
        self._busy = False

    def pass_(self) -> None:
        if self._busy:
            return
        self.passed += 1
        if self.passed == self._point:
            self._busy = True
            self._act()
            self._busy = False

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Inside the block points are counted."""
        held: list[tuple[Any, str, Any]] = []

        def before(owner: Any, name: str) -> None:
            was = getattr(owner, name)

            def called(*given: Any, **named: Any) -> Any:
                self.pass_()
                return was(*given, **named)

            held.append((owner, name, was))
            setattr(owner, name, called)

        for name in ("execute", "read", "insert"):
            before(duckdb._Transaction, name)
        for owner, name in (
            (os, "fsync"),
            (shutil, "rmtree"),
            (Path, "rename"),
            (Path, "mkdir"),
            (Path, "unlink"),
        ):
            before(owner, name)
        changing = duckdb.DuckDB._changing

        @contextmanager
        def around(engine: duckdb.DuckDB) -> Iterator[None]:
            self.pass_()
            with changing(engine):
                yield
            self.pass_()

        held.append((duckdb.DuckDB, "_changing", changing))
        duckdb.DuckDB._changing = around  # type: ignore[method-assign]
        try:
            yield
        finally:
            for owner, name, was in held:
                setattr(owner, name, was)


DRIFTS = (
    "ALTER TABLE events DROP COLUMN p_0", "ALTER TABLE events DROP COLUMN p_1",
    "ALTER TABLE events RENAME COLUMN p_1 TO gone", "ALTER TABLE attributes RENAME COLUMN value TO gone",
    "ALTER TABLE events RENAME TO gone", "ALTER TABLE attributes RENAME COLUMN name TO gone",
)  # fmt: skip
"""What a program of another version, or somebody's hand, might do to what was collected; it stays so."""


@dataclass(frozen=True)
class Reference:
    """What a refresh that nothing disturbs leaves, how many points it passes and how many seconds it takes."""

    old: str
    new: str
    points: int
    seconds: float


def _measured(folder: str, kind: str, answer: Connection) -> None:
    with opened(Path(folder)) as workspace:
        points = Points(0, lambda: None)
        began = time.perf_counter()
        with points.counted():
            refresh(workspace, kind)
        answer.send((points.passed, time.perf_counter() - began))


def _failing(folder: str, kind: str, failure: str, point: int, seed: int, answer: Connection) -> None:
    """Sends `armed`, then what the process itself reads after the failure, if it lives."""
    chance = random.Random(seed)
    workspace = opened(Path(folder))
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def fail() -> None:
        raise (
            OSError(errno.EIO, "it was asked to fail") if chance.random() < 0.5 else RuntimeError("so asked")
        )

    def fill() -> None:
        size = max(item.stat().st_size for item in Path(folder).rglob("*") if item.is_file())
        limit = chance.choice((0, chance.randrange(1 << 12), chance.randrange(1 << 17), size))
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))

    def drift() -> None:
        transaction = workspace.engine._transaction
        with suppress(Exception):  # what depends on it may forbid it
            (transaction or workspace.engine._connection).execute(chance.choice(DRIFTS))

    acts = {"kill": kill, "exception": fail, "disk full": fill, "changed schema": drift}
    points = Points(point if failure in acts else 0, acts.get(failure, kill))
    answer.send("armed")
    said = "done"
    try:
        with points.counted():
            refresh(workspace, kind)
    except Exception as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0][:100]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    try:
        held = checksum(workspace)
    except Exception as error:
        held = f"unreadable: {type(error).__name__}: {error}".splitlines()[0][:200]
    answer.send((said, held))
    os._exit(0)


_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.durability.refreshes"])


def reference(shop: Path, kind: str, scratch: Path) -> Reference:
    """The refresh as it goes when nothing disturbs it."""
    old = copied(shop, scratch)
    before = read(old)
    mine, theirs = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_measured, args=(str(old), kind, theirs))
    process.start()
    theirs.close()
    points, seconds = mine.recv()
    process.join()
    new = read(old)
    assert new != before, "the refresh changes nothing: it proves nothing"
    return Reference(before, new, points, seconds)


@dataclass(frozen=True)
class Outcome:
    """How one failure ended. `kept`: old or new, else neither; `said`: how the refresh itself ended."""

    kind: str
    failure: str
    point: int
    said: str
    kept: str
    inside: str
    again: str

    @property
    def sound(self) -> bool:
        """Whether nothing but yesterday or today was ever read, and the refresh could be done again."""
        return self.kept in ("old", "new") and self.inside in ("", self.kept) and self.again in ("", "new")


def trial(shop: Path, kind: str, failure: str, *, known: Reference, seed: int, scratch: Path) -> Outcome:
    """One refresh of a copy of the shop that fails at a point drawn by chance, and what is read afterwards."""
    chance = random.Random(f"{kind} {failure} {seed}")
    point = chance.randint(1, known.points)
    if chance.random() < 0.3:  # near the commit
        point = max(1, known.points - chance.randrange(1 + known.points // 5))
    if failure == "changed schema":  # events are read in the beginning
        point = chance.randint(1, 1 + known.points // 4)
    folder = copied(shop, scratch)
    mine, theirs = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_failing, args=(str(folder), kind, failure, point, seed, theirs))
    process.start()
    theirs.close()
    said, inside = "killed", ""
    try:
        assert mine.recv() == "armed"
        if failure == "kill at a time" and not mine.poll(chance.uniform(0, 1.1 * known.seconds)):
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
        said, held = mine.recv()
        inside = _named(held, known)
    except EOFError:
        pass
    process.join()
    try:
        kept = _named(read(folder), known)
    except Exception as error:
        kept = f"unreadable: {type(error).__name__}: {error}"[:300]
    again = ""
    if kept == "old" and failure != "changed schema":
        with opened(folder) as workspace:
            refresh(workspace, kind)
            again = _named(checksum(workspace), known)
    return Outcome(kind, failure, point, said, kept, inside, again)


def _named(held: str, known: Reference) -> str:
    return {known.old: "old", known.new: "new"}.get(held, held)
