"""Builders for tests: a real engine in memory with people, events and attributes; tags from text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from limner.audiences import tables as audience_tables
from limner.engine.duckdb import DuckDB
from limner.engine.seam import Transaction
from limner.events import tables as event_tables
from limner.events.load import loads
from limner.expressions.parse import parse
from limner.expressions.tree import Expr
from limner.identity import tables as identity_tables
from limner.tags import tables as tag_tables
from limner.tags.model import Tag
from limner.tags.text import read
from limner.types import MONEY_SCALE, ValueType, naive

AS_OF = datetime(2025, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)

PROPERTIES: dict[str, tuple[str, ValueType]] = {
    "amount": ("p_0", ValueType.MONEY),
    "category": ("p_1", ValueType.TEXT),
    "quantity": ("p_2", ValueType.NUMBER),
    "gift": ("p_3", ValueType.FLAG),
}
_COLUMN_TYPES = {
    ValueType.MONEY: "BIGINT",
    ValueType.TEXT: "VARCHAR",
    ValueType.NUMBER: "DOUBLE",
    ValueType.FLAG: "BOOLEAN",
    ValueType.INSTANT: "TIMESTAMP",
}
NAMES = ("Order Paid", "Order Refunded", "$page", "Product Viewed", "Message Opened")
Event = tuple[int | None, str, datetime] | tuple[int | None, str, datetime, Mapping[str, Any]]


def engine(people: int = 0) -> DuckDB:
    """An engine in memory with every table of the journey, the PROPERTIES and that many people."""
    made = DuckDB(None, threads=2)
    with made.write() as tx:
        for tables in (event_tables, identity_tables, tag_tables, audience_tables):
            tx.execute(tables.TABLES)
        for name, (column, kind) in PROPERTIES.items():
            tx.execute(f"ALTER TABLE events ADD COLUMN {column} {_COLUMN_TYPES[kind]}")
            tx.execute(
                "INSERT INTO properties VALUES ($name, $kind, $col)",
                {"name": name, "kind": kind, "col": column},
            )
        for name_i, name in enumerate(NAMES):
            tx.execute("INSERT INTO names VALUES ($i, $name)", {"i": name_i, "name": name})
    add_people(made, people)
    return made


def add_people(made: DuckDB, people: int) -> None:
    """That many more people, with a user id `u<ix>` each."""
    with made.write() as tx:
        first = tx.read("SELECT CAST(COUNT(*) AS BIGINT) AS n FROM persons").column(0)[0].as_py()
        values = {"first": first, "last": first + people, "at": naive(AS_OF - 400 * DAY)}
        tx.execute(
            "INSERT INTO persons SELECT i, 'p' || i, $at, NULL, false FROM range($first, $last) AS r(i)",
            values,
        )
        tx.execute(
            "INSERT INTO identifiers (i, kind, value, ix) SELECT i, 'user', 'u' || i, i"
            " FROM range($first, $last) AS r(i)",
            values,
        )


def merge(made: DuckDB, away: int, into: int) -> None:
    """The person `away` becomes `into`."""
    with made.write() as tx:
        values = {"away": away, "into": into}
        tx.execute("UPDATE persons SET merged_into = $into WHERE ix = $away", values)
        for table in ("events", "attributes", "identifiers"):
            tx.execute(f"UPDATE {table} SET ix = $into WHERE ix = $away", values)
        number = {"n": next_load(tx)}
        tx.execute("INSERT INTO moved VALUES ($n, $away), ($n, $into)", {**values, **number})


def erase(made: DuckDB, ix: int) -> None:
    """The person is erased: the tombstone only."""
    with made.write() as tx:
        tx.execute("UPDATE persons SET erased = true WHERE ix = $ix", {"ix": ix})


_COUNTER = iter(range(1, 1_000_000_000))


def next_load(tx: Transaction) -> int:
    """The number of one more load."""
    tx.execute("INSERT INTO log_position SELECT 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM log_position)")
    tx.execute("UPDATE log_position SET load_i = load_i + 1")
    return loads(tx)


def events(made: DuckDB, rows: Iterable[Event]) -> None:
    """Adds events: (ix, name, time, properties). Money is given in units."""
    by_name = {row["name"]: row["name_i"] for row in made.read("SELECT * FROM names").to_pylist()}
    listed = []
    with made.write() as tx:
        load_i = next_load(tx)
        for given in rows:
            ix, name, ts = given[:3]
            properties = dict(given[3]) if len(given) == 4 else {}
            if name not in by_name:
                by_name[name] = len(by_name)
                tx.execute("INSERT INTO names VALUES ($i, $name)", {"i": by_name[name], "name": name})
            row: dict[str, Any] = {
                "id": next(_COUNTER), "name_i": by_name[name], "ts": naive(ts), "received_at": naive(ts),
                "source_i": 1, "ix": ix, "load_i": load_i,
            }  # fmt: skip
            for key, (column, kind) in PROPERTIES.items():
                value = properties.pop(key, None)
                row[column] = (
                    round(value * MONEY_SCALE) if kind is ValueType.MONEY and value is not None else value
                )
            row["rest"] = json.dumps(properties, ensure_ascii=False) if properties else None
            listed.append(row)
        tx.insert("events", pa.Table.from_pylist(listed, schema=_EVENTS))


def attributes(made: DuckDB, rows: Iterable[tuple[Any, ...]]) -> None:
    """Adds attributes: (ix, name, value, time, mode="set", kind="declared")."""
    listed = []
    for ix, name, value, ts, *more in rows:
        mode, kind = (*more, *("set", "declared")[len(more) :])
        listed.append(
            {
                "id": next(_COUNTER),
                "ix": ix,
                "name": name,
                "ts": naive(ts),
                "received_at": naive(ts),
                "source_i": 2,
                "mode": mode,
                "kind": kind,
                "value": json.dumps(value, ensure_ascii=False),
            }
        )
    with made.write() as tx:
        tx.insert("attributes", pa.Table.from_pylist(listed))


_EVENTS = pa.schema(
    [
        ("id", pa.int64()), ("name_i", pa.uint32()), ("ts", pa.timestamp("us")), ("received_at", pa.timestamp("us")),
        ("source_i", pa.uint16()), ("ix", pa.uint32()), ("rest", pa.string()), ("p_0", pa.int64()),
        ("p_1", pa.string()), ("p_2", pa.float64()), ("p_3", pa.bool_()), ("load_i", pa.uint32()),
    ]
)  # fmt: skip


def tags(texts: Mapping[str, str]) -> dict[str, Tag]:
    """Tags by key from their files' texts."""
    return {key: read(text, key) for key, text in texts.items()}


def statistic(expression: str, kind: str = "number", validity: str = "2 days") -> str:
    """The text of a statistic tag."""
    return f"nature: fact\nmethod: statistic\ntype: {kind}\nstatistic: {expression}\nvalidity: {validity}\n"


def rule(cases: Mapping[str, str], otherwise: str = "", kind: str = "text", validity: str = "2 days") -> str:
    """The text of a rule tag: value → condition."""
    listed = "".join(f"  - when: {when}\n    then: {then}\n" for then, when in cases.items())
    last = f"otherwise: {otherwise}\n" if otherwise else ""
    return f"nature: model\nmethod: rule\ntype: {kind}\ncases:\n{listed}{last}validity: {validity}\n"


def observed(attribute: str, kind: str = "text") -> str:
    """The text of an observed tag."""
    return f"nature: fact\nmethod: observed\ntype: {kind}\nattribute: {attribute}\n"


class Names:
    """A catalog of what the engine holds now, with the given tags and audiences."""

    def __init__(
        self,
        made: DuckDB,
        tags: Mapping[str, Tag] | None = None,
        audiences: Mapping[str, str | frozenset[int]] | None = None,
        zone: str = "UTC",
    ) -> None:
        self.zone = zone
        self._names = {row["name"]: row["name_i"] for row in made.read("SELECT * FROM names").to_pylist()}
        self._properties = {
            row["name"]: (row["col"], ValueType(row["type"]))
            for row in made.read("SELECT * FROM properties").to_pylist()
        }
        self._attributes = made.read("SELECT DISTINCT name FROM attributes").column(0).to_pylist()
        self._tags = tags or {}
        self._audiences = audiences or {}

    def event_codes(self, name: str) -> tuple[int, ...]:
        if name.endswith("*"):
            return tuple(code for known, code in self._names.items() if known.startswith(name[:-1]))
        return (self._names[name],) if name in self._names else ()

    def event_names(self) -> Mapping[str, int]:
        return self._names

    def property(self, name: str) -> tuple[str, ValueType] | None:
        return self._properties.get(name)

    def property_names(self) -> Iterable[str]:
        return self._properties

    def tag(self, key: str) -> tuple[str, ValueType] | None:
        found = self._tags.get(key)
        return None if found is None else (found.table, found.type)

    def tag_keys(self) -> Iterable[str]:
        return self._tags

    def weighted(self, key: str) -> bool:
        return key in self._tags and self._tags[key].weighted

    def audience(self, name: str) -> Expr | frozenset[int] | None:
        found = self._audiences.get(name)
        return parse(found) if isinstance(found, str) else found

    def audience_names(self) -> Iterable[str]:
        return self._audiences

    def attribute_names(self) -> Iterable[str]:
        return self._attributes

    def source_codes(self) -> Mapping[str, int]:
        return {"web": 1, "crm": 2}
