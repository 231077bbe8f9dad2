"""Files prepared and loaded without a workspace: the log, the loader, identity and the summary's catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from limner.config import Config, Limits
from limner.engine.duckdb import DuckDB
from limner.events.imports import Chunk, Report, prepare
from limner.events.load import Loader
from limner.events.log import EventLog
from limner.events.mapping import Mapping, parse
from limner.events.summary import summary
from limner.events.tables import TABLES as EVENTS
from limner.identity.resolve import resolve
from limner.identity.tables import TABLES as IDENTITY
from limner.types import ValueType

KEYS = ("email", "phone", "openid", "unionid")
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LIMITS = Limits()

ORDERS = """
person: {user_id: id}
time: {column: at}
event: Bought
"""


def chunks(folder: Path, content: bytes | str, mapping: str | Mapping, name: str = "x.csv") -> list[Chunk]:
    """The file's chunks under the mapping."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = mapping if isinstance(mapping, Mapping) else parse(mapping)
    return list(prepare(path, found, source_i=1, received_at=NOW, strong_keys=KEYS, limits=LIMITS))


def only(folder: Path, content: bytes | str, mapping: str | Mapping, name: str = "x.csv") -> Chunk:
    """The file's one chunk."""
    (chunk,) = chunks(folder, content, mapping, name)
    return chunk


def reported(found: Iterable[Chunk]) -> Report:
    """The report of chunks whose rows were all new."""
    report = Report()
    for chunk in found:
        report = report.with_chunk(chunk)
    return report


@dataclass
class World:
    """An engine and a log in a folder; a catalog of what the engine holds."""

    folder: Path
    engine: DuckDB = field(init=False)

    def __post_init__(self) -> None:
        self.engine = DuckDB(None)
        with self.engine.write() as tx:
            tx.execute(EVENTS)
            tx.execute(IDENTITY)
        self.log = EventLog(self.folder / "log")
        self.loader = Loader(
            self.engine,
            self.log,
            resolve=lambda tx, batch: resolve(tx, batch, secret=b"a secret of the tests", keys=KEYS),
            limits=LIMITS,
            money=Config().money_properties,
            keys=KEYS,
        )

    def close(self) -> None:
        self.log.close()
        self.engine.close()

    def take(
        self, path: Path, mapping: str | Mapping, *, source_i: int = 1, received_at: datetime = NOW
    ) -> Report:
        """The whole file imported as a workspace does."""
        found = mapping if isinstance(mapping, Mapping) else parse(mapping)
        report = Report()
        for chunk in prepare(
            path, found, source_i=source_i, received_at=received_at, strong_keys=KEYS, limits=LIMITS
        ):
            self.log.write_sealed(chunk.table, chunk.batch)
            counts = [item for loaded in self.loader.load_all() for item in loaded.counts.values()]
            report = report.with_chunk(
                chunk,
                stored=sum(item.stored for item in counts),
                duplicate=sum(item.duplicate for item in counts),
            )
        return report

    def property(self, name: str) -> tuple[str, ValueType] | None:
        found = self.engine.read("SELECT col, type FROM properties WHERE name = $name", {"name": name})
        return (found["col"][0].as_py(), ValueType(found["type"][0].as_py())) if found.num_rows else None

    def property_names(self) -> list[str]:
        return [str(name) for name in self.engine.read("SELECT name FROM properties").column(0).to_pylist()]

    def summary(self, where: str = "", values: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
        """The events' summary, where the SQL condition holds."""
        condition = (where, values or {}) if where else None
        return summary(self.engine, self, condition=condition, sources={1: "shop"}, **asked)

    def one(self, sql: str, **values: Any) -> Any:
        """The single value that the query answers."""
        return self.engine.read(sql, values).column(0)[0].as_py()

    def col(self, name: str) -> str:
        """The column of the property."""
        found = self.property(name)
        assert found is not None, name
        return found[0]


def open_world(folder: Path) -> Iterator[World]:
    """A world for one test."""
    world = World(folder)
    yield world
    world.close()


def column(chunk: Chunk, name: str) -> list[Any]:
    """A column's values; money in 1/10,000."""
    values: pa.ChunkedArray = chunk.table[name]
    return list(values.to_pylist())
