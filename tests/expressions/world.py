"""A small world in DuckDB that expressions are asked about: events, attributes, tags, audiences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from limner.engine.duckdb import DuckDB
from limner.engine.seam import Query, quoted
from limner.expressions import Expr, parse, people, statistics, values
from limner.types import ValueType, naive

SQL_TYPES = {
    "flag": "BOOLEAN",
    "text": "VARCHAR",
    "number": "DOUBLE",
    "money": "BIGINT",
    "instant": "TIMESTAMP",
}
AS_OF = datetime(2025, 6, 15, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    """The instant, UTC unless the text says otherwise."""
    value = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return value if value.tzinfo else value.replace(tzinfo=UTC)


class World:
    """Builds rows, and is the Catalog of what was built. Users are named; ordinals follow first mention."""

    zone = "UTC"

    def __init__(self, *, properties: Mapping[str, str] | None = None, zone: str = "UTC") -> None:
        self.zone = zone
        self.engine = DuckDB(None, threads=1)
        self.users: dict[str, int] = {}
        self.names: dict[str, int] = {}
        self.types = {name: ValueType(kind) for name, kind in (properties or {}).items()}
        self.tags: dict[str, tuple[str, ValueType]] = {}
        self.weights: set[str] = set()
        self.audiences: dict[str, Expr | frozenset[int]] = {}
        self.attributes: set[str] = set()
        self.sources = {"shop": 0, "app": 1}
        self._id = 0
        columns = "".join(f", p_{i} {SQL_TYPES[kind]}" for i, kind in enumerate(self.types.values()))
        with self.engine.write() as tx:
            tx.execute(
                "CREATE TABLE events (id HUGEINT, name_i UINTEGER, ts TIMESTAMP, received_at TIMESTAMP, "
                f"source_i USMALLINT, ix UINTEGER, rest VARCHAR{columns})"
            )
            tx.execute(
                "CREATE TABLE attributes (id HUGEINT, ix UINTEGER, name VARCHAR, ts TIMESTAMP, "
                "received_at TIMESTAMP, source_i USMALLINT, mode VARCHAR, kind VARCHAR, value VARCHAR)"
            )
            tx.execute(
                "CREATE TABLE persons (ix UINTEGER, person_id VARCHAR, created_at TIMESTAMP, "
                "merged_into UINTEGER, erased BOOLEAN)"
            )

    # building

    def person(self, user: str) -> int:
        """The user's ordinal; a new one becomes a person."""
        if user not in self.users:
            self.users[user] = len(self.users)
            with self.engine.write() as tx:
                tx.execute(
                    "INSERT INTO persons VALUES ($ix, $id, TIMESTAMP '2020-01-01', NULL, FALSE)",
                    {"ix": self.users[user], "id": f"person-{user}"},
                )
        return self.users[user]

    def event(
        self, user: str | None, name: str, ts: datetime | str, source: str = "shop", **given: Any
    ) -> World:
        """One event; properties by name (those with other characters through `**{}`)."""
        code = self.names.setdefault(name, len(self.names))
        self._id += 1
        values = {
            "id": self._id, "name_i": code, "ts": naive(at(ts) if isinstance(ts, str) else ts),
            "source_i": self.sources[source], "ix": None if user is None else self.person(user), "rest": "{}",
        }  # fmt: skip
        order = list(self.types)
        for key, value in given.items():
            kind = self.types[key]
            if kind is ValueType.MONEY and value is not None:
                value = round(value * 10_000)
            values[f"p_{order.index(key)}"] = naive(value) if isinstance(value, datetime) else value
        self._insert("events", values)
        return self

    def attribute(self, user: str, name: str, value: Any, ts: datetime | str, mode: str = "set") -> World:
        """One attribute row; `value` becomes JSON."""
        self.attributes.add(name)
        self._id += 1
        row = {
            "id": self._id,
            "ix": self.person(user),
            "name": name,
            "ts": naive(at(ts) if isinstance(ts, str) else ts),
            "mode": mode,
            "kind": "declared",
            "value": None if mode == "unset" else json.dumps(value),
        }
        self._insert("attributes", row)
        return self

    def tag(self, key: str, kind: str, given: Mapping[str, Any], expires_at: datetime | None = None) -> World:
        """A tag with the values of some users (money in units, instants as datetimes)."""
        table = f"tag_{key}"
        self.tags[key] = (table, ValueType(kind))
        with self.engine.write() as tx:
            tx.execute(
                f"CREATE TABLE {quoted(table)} (ix UINTEGER, value {SQL_TYPES[kind]}, expires_at TIMESTAMP)"
            )
            for user, value in given.items():
                if kind == "money":
                    value = round(value * 10_000)
                row = {
                    "ix": self.person(user),
                    "value": naive(value) if isinstance(value, datetime) else value,
                    "expires_at": None if expires_at is None else naive(expires_at),
                }
                tx.execute(f"INSERT INTO {quoted(table)} VALUES ($ix, $value, $expires_at)", row)
        return self

    def weigh(self, key: str, given: Mapping[str, Mapping[str, float]]) -> World:
        """A tag that gives some users labels with weights."""
        self.tag(key, "text", {user: next(iter(labels)) for user, labels in given.items()})
        self.weights.add(key)
        with self.engine.write() as tx:
            table = quoted(f"weights_tag_{key}")
            tx.execute(
                f"CREATE TABLE {table} (ix UINTEGER, label VARCHAR, weight DOUBLE, place USMALLINT,"
                " expires_at TIMESTAMP)"
            )
            for user, labels in given.items():
                for place, (label, weight) in enumerate(labels.items(), 1):
                    row = {"ix": self.person(user), "label": label, "weight": weight, "place": place}
                    tx.execute(f"INSERT INTO {table} VALUES ($ix, $label, $weight, $place, NULL)", row)
        return self

    def _insert(self, table: str, row: Mapping[str, Any]) -> None:
        names = ", ".join(row)
        with self.engine.write() as tx:
            tx.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('$' + name for name in row)})", row)

    # the catalog

    def event_codes(self, name: str) -> tuple[int, ...]:
        if name.endswith("*"):
            return tuple(code for known, code in self.names.items() if known.startswith(name[:-1]))
        return (self.names[name],) if name in self.names else ()

    def event_names(self) -> list[str]:
        return list(self.names)

    def property(self, name: str) -> tuple[str, ValueType] | None:
        return (f"p_{list(self.types).index(name)}", self.types[name]) if name in self.types else None

    def property_names(self) -> list[str]:
        return list(self.types)

    def weighted(self, key: str) -> bool:
        return key in self.weights

    def tag_keys(self) -> list[str]:
        return list(self.tags)

    def audience(self, name: str) -> Expr | frozenset[int] | None:
        return self.audiences.get(name)

    def audience_names(self) -> list[str]:
        return list(self.audiences)

    def attribute_names(self) -> list[str]:
        return sorted(self.attributes)

    def source_codes(self) -> Mapping[str, int]:
        return self.sources

    # asking

    def ask(self, text: str, as_of: datetime = AS_OF) -> set[str]:
        """The users for whom the expression is true."""
        return self.users_of(people(parse(text), self.catalog, as_of))

    def users_of(self, query: Query) -> set[str]:
        by_ix = {ix: user for user, ix in self.users.items()}
        return {by_ix[ix] for ix in self.engine.read(query.sql, query.values).column("ix").to_pylist()}

    def value(self, text: str, as_of: datetime = AS_OF) -> dict[str, Any]:
        """The value of every user who has it."""
        query = values(parse(text), self.catalog, as_of)  # type: ignore[arg-type]
        by_ix = {ix: user for user, ix in self.users.items()}
        rows = self.engine.read(query.sql, query.values).to_pylist()
        return {by_ix[row["ix"]]: row["value"] for row in rows}

    def table(self, texts: Mapping[str, str], as_of: datetime = AS_OF) -> dict[str, dict[str, Any]]:
        """Many values in one pass, by user."""
        query = statistics({key: parse(text) for key, text in texts.items()}, self.catalog, as_of)  # type: ignore[misc]
        by_ix = {ix: user for user, ix in self.users.items()}
        rows = self.engine.read(query.sql, query.values).to_pylist()
        return {by_ix[row.pop("ix")]: row for row in rows}

    def __getattr__(self, name: str) -> Any:
        if name == "catalog":  # this world as a Catalog: its `tag` builds, the catalog's looks up
            return _CatalogOf(self)
        raise AttributeError(name)


class _CatalogOf:
    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)

    def tag(self, key: str) -> tuple[str, ValueType] | None:
        return self._world.tags.get(key)


class DirectSession:
    """A session of the known-answer cases that writes rows straight into a world."""

    def __init__(self) -> None:
        self.world = World()
        self.calls: list[dict[str, Any]] = []
        self.definitions: dict[str, str | list[str]] = {}

    def collect(self, calls: list[dict[str, Any]], received_at: datetime) -> None:  # noqa: ARG002
        self.calls.extend(calls)
        names = dict.fromkeys(key for call in self.calls for key in call.get("properties", {}))
        self.world = World(properties=dict.fromkeys(names, "text"))
        for call in self.calls:
            ts = at(call["timestamp"])
            if call["type"] == "identify":
                self.world.event(call["userId"], "$identify", ts)
                for name, value in call["traits"].items():
                    self.world.attribute(call["userId"], name, value, ts)
            else:
                self.world.event(call["userId"], call["event"], ts, **call["properties"])

    def set_audience(self, name: str, definition: str | list[str]) -> None:
        self.definitions[name] = definition

    def people(self, expression: str, as_of: datetime) -> set[str]:
        for name, definition in self.definitions.items():
            self.world.audiences[name] = (
                parse(definition)
                if isinstance(definition, str)
                else frozenset(self.world.person(user) for user in definition)
            )
        return self.world.ask(expression, as_of)


@contextmanager
def direct_session() -> Iterator[DirectSession]:
    """A fresh session."""
    session = DirectSession()
    yield session
    session.world.engine.close()
