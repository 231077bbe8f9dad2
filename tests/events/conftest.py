"""A log, an engine and a loader with an identity that gives each identifier a person of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import settings

from limner.config import Limits
from limner.engine.duckdb import DuckDB
from limner.engine.seam import Transaction
from limner.events import contract, segment, tables
from limner.events.frames import Record
from limner.events.load import Loader
from limner.events.log import EventLog

settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

MICROS = 1_795_334_400_000_000
"""2026-11-22T08:00:00Z"""

REASSIGNED = pa.schema([("from_ix", pa.uint32()), ("to_ix", pa.uint32()), ("at", pa.timestamp("us"))])


@dataclass(frozen=True)
class Answer:
    """What the fake identity answers."""

    columns: pa.Table
    reassigned: pa.Table
    warnings: list[tuple[str, str, int]]


@dataclass
class Identity:
    """Gives each user, else device, an ordinal; fails for users in `fails`."""

    known: dict[str, int] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    batches: list[pa.Table] = field(default_factory=list)

    def __call__(self, _tx: Transaction, batch: pa.Table) -> Answer:
        self.batches.append(batch)
        users, devices = batch["user"].to_pylist(), batch["device"].to_pylist()
        if self.fails & set(users):
            raise RuntimeError("identity cannot")
        whom = [self._number(user or device) for user, device in zip(users, devices, strict=True)]
        columns = pa.table(
            {
                "row": batch["row"],
                "user_i": pa.array([self._number(user) for user in users], pa.uint32()),
                "device_i": pa.array([self._number(device) for device in devices], pa.uint32()),
                "key_i": pa.nulls(batch.num_rows, pa.uint32()),
                "ix": pa.array(whom, pa.uint32()),
            }
        )
        return Answer(columns, REASSIGNED.empty_table(), [])

    def _number(self, value: str | None) -> int | None:
        return None if value is None else self.known.setdefault(value, len(self.known))


class World:
    """One log with one engine, as a workspace would hold them."""

    def __init__(self, folder: Path, *, limits: Limits | None = None, before_event: Any = None) -> None:
        self.folder = folder
        self.limits = limits or Limits()
        self.identity = Identity()
        self._before_event = before_event
        self.log = EventLog(folder / "log")
        self._batches = 0
        self.engine = DuckDB(None)
        self.rebuild()

    def rebuild(self) -> None:
        """A fresh, empty engine and loader over the same log."""
        self.engine.close()
        self.engine = DuckDB(None)
        with self.engine.write() as tx:
            tx.execute(tables.TABLES)
        self.identity = Identity()
        self.loader = Loader(
            self.engine,
            self.log,
            resolve=self.identity,
            limits=self.limits,
            money={"amount"},
            keys=("email", "phone"),
            before_event=self._before_event,
        )

    def send(self, *calls: Any, source_i: int = 1, at: int = MICROS, sent_at: str | None = None) -> None:
        """The calls as one batch, as the collector keeps them: refused ones are marked."""
        self._batches += 1
        outer = {"batch": list(calls)} | ({"sentAt": sent_at} if sent_at else {})
        body = json.dumps(outer).encode()
        read = segment.read(body, "batch")
        refused = {
            call.index: found.code
            for call in read.calls
            if (found := contract.refusal(call, self.limits)) is not None
        }
        self.log.append_now(
            Record(f"b{self._batches}", source_i, at, n=len(calls), refused=refused, body=body)
        )

    def load(self) -> Any:
        """Everything loaded."""
        return self.loader.load_all()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """The rows of a SELECT."""
        return self.engine.read(sql).to_pylist()

    def counters(self, source_i: int = 1) -> dict[str, int]:
        """The source's counters without zeros; that they add up is asserted."""
        found = self.rows(f"SELECT * FROM counters WHERE source_i = {source_i}")
        assert len(found) == 1
        row = {name: n for name, n in found[0].items() if name != "source_i"}
        assert row["received"] == row["stored"] + row["duplicate"] + row["quarantined"] + row["rejected"]
        return {name: n for name, n in row.items() if n}

    def warnings(self) -> dict[tuple[str, str], int]:
        """How often (code, detail) was noticed."""
        return {(row["code"], row["detail"]): row["n"] for row in self.rows("SELECT * FROM warnings")}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.log.close()
    made.engine.close()


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[Any]:
    made: list[World] = []

    def making(**changes: Any) -> World:
        before = changes.pop("before_event", None)
        made.append(
            World(tmp_path / str(len(made)), limits=replace(Limits(), **changes), before_event=before)
        )
        return made[-1]

    yield making
    for one in made:
        one.log.close()
        one.engine.close()


def track(message: str | None = "m1", /, **more: Any) -> dict[str, Any]:
    """A good call."""
    return {"type": "track", "event": "Order Paid", "userId": "u1", "messageId": message, **more}
