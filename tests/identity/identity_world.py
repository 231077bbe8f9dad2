"""A bare workspace of identity alone, and the same answers reached the slow way."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import networkx as nx
import pyarrow as pa

from limner.engine.duckdb import DuckDB
from limner.identity.resolve import Resolution, resolve
from limner.identity.tables import TABLES

KEYS = ("email", "phone")
SECRET = b"a secret of the tests"
EVENTS = """
CREATE TABLE events (id HUGEINT, name_i UINTEGER, ts TIMESTAMP, user_i UINTEGER, device_i UINTEGER,
                     key_i UINTEGER, ix UINTEGER, rest VARCHAR);
CREATE TABLE attributes (id HUGEINT, ix UINTEGER, user_i UINTEGER, device_i UINTEGER, key_i UINTEGER,
                         name VARCHAR, ts TIMESTAMP, mode VARCHAR, value VARCHAR);
CREATE TABLE given (id HUGEINT, ix UINTEGER, user_i UINTEGER, device_i UINTEGER, key_i UINTEGER, ts TIMESTAMP);
"""

KEPT = ("events", "attributes", "given")
"""The tables whose rows belong to people."""

Name = tuple[str, str]


@dataclass(frozen=True)
class Call:
    """One event, as far as identity cares; `ts` in seconds."""

    ts: int
    user: str | None = None
    device: str | None = None
    keys: tuple[Name, ...] = ()
    previous: str | None = None
    call: str = "track"


def engine() -> DuckDB:
    """An engine of its own."""
    engine = DuckDB(None, threads=1)
    with engine.write() as tx:
        tx.execute(TABLES)
        tx.execute(EVENTS)
    return engine


@cache
def shared_engine() -> DuckDB:
    """One engine for all worlds, which empty it: opening one takes longer than a whole test."""
    return engine()


@dataclass
class World:
    """Loads calls as a workspace does: resolve, then insert.

    `mirror`: attributes and given values get the events' rows too.
    """

    engine: DuckDB = field(default_factory=shared_engine)
    count: int = 0
    mirror: bool = True

    def __post_init__(self) -> None:
        with self.engine.write() as tx:
            for table in ("identifiers", "persons", "claims", "intervals", *KEPT):
                tx.execute(f"DELETE FROM {table}")

    def load(self, calls: list[Call]) -> Resolution:
        rows = range(self.count, self.count + len(calls))
        self.count += len(calls)
        with self.engine.write() as tx:
            found = resolve(tx, batch(calls, rows), secret=SECRET, keys=KEYS)
            stored = found.columns.rename_columns(["id", "user_i", "device_i", "key_i", "ix"])
            stored = stored.append_column(
                "ts", pa.array([call.ts * 1_000_000 for call in calls], pa.timestamp("us"))
            )
            tx.insert("events", stored)
            if self.mirror:
                tx.insert("attributes", stored)
                tx.insert("given", stored)
        return found

    def rows(self, sql: str, values: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        return self.engine.read(sql, values).to_pylist()

    def events(self, table: str = "events") -> list[int | None]:
        """The person of each event, in order of arrival."""
        return [row["ix"] for row in self.rows(f"SELECT ix FROM {table} ORDER BY id")]

    def identifiers(self) -> dict[Name, int]:
        return {(r["kind"], r["value"]): r["ix"] for r in self.rows("SELECT * FROM identifiers")}

    def state(self) -> Any:
        """Everything that must not depend on how rows were cut into batches."""
        persons = [(p["ix"], p["person_id"], p["merged_into"]) for p in self.persons()]
        return persons, self.identifiers(), *(self.events(table) for table in KEPT)

    def persons(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM persons ORDER BY ix")


def batch(calls: list[Call], rows: range) -> pa.Table:
    return pa.table(
        {
            "row": pa.array(rows, pa.int64()),
            "user": pa.array([c.user for c in calls], pa.string()),
            "device": pa.array([c.device for c in calls], pa.string()),
            "keys": pa.array(
                [[{"kind": k, "value": v} for k, v in c.keys] for c in calls],
                pa.list_(pa.struct([("kind", pa.string()), ("value", pa.string())])),
            ),
            "previous": pa.array([c.previous for c in calls], pa.string()),
            "call": pa.array([c.call for c in calls], pa.string()),
            "ts": pa.array([c.ts * 1_000_000 for c in calls], pa.timestamp("us")),
            "id": pa.array([str(row) for row in rows], pa.string()),
        }
    )


@dataclass
class Oracle:
    """The people and whose each event is, computed one claim at a time over a networkx graph."""

    people: dict[Name, Any]
    events: list[Any]


def oracle(calls: list[Call]) -> Oracle:
    graph: nx.Graph[Name] = nx.Graph()
    devices: set[Name] = set()
    aliases: list[tuple[int, Name, Name]] = []
    keys: list[tuple[int, Name, Name]] = []
    logins: list[tuple[int, Name, Name, bool]] = []
    cuts: dict[frozenset[Name], int] = {}
    for call in calls:
        user = ("user", call.user) if call.user else None
        device = ("device", call.device) if call.device and call.device != call.user else None
        own = sorted(call.keys, key=lambda key: KEYS.index(key[0]))
        actor = user or (own[0] if own else None)
        previous = call.previous if call.call in ("alias", "unlink") and user else None
        previous = None if previous == call.user else previous
        graph.add_nodes_from([user] if user else [])
        graph.add_nodes_from(own)
        devices |= {device} if device else set()
        if previous and user:
            graph.add_node(("user", previous))
            devices.add(("device", previous))
        if call.call == "unlink":
            others = [*own, device, ("user", previous), ("device", previous)] if user else []
            for other in others:
                if user and other and other[1]:
                    pair = frozenset((user, other))
                    cuts[pair] = max(cuts.get(pair, call.ts), call.ts)
            continue
        if previous and user:
            aliases.append((call.ts, user, ("user", previous)))
            logins.append((call.ts, user, ("device", previous), True))
        if actor:
            keys += [(call.ts, actor, key) for key in own if key != actor]
            if device:
                logins.append((call.ts, actor, device, False))

    def stands(ts: int, a: Name, b: Name, alias: bool) -> bool:
        cut = cuts.get(frozenset((a, b)))
        return cut is None or (alias and ts > cut)

    def users(node: Name) -> bool:
        return any(kind == "user" for kind, _ in nx.node_connected_component(graph, node))

    for ts, a, b in aliases:
        if stands(ts, a, b, True):
            graph.add_edge(a, b)
    for ts, a, b in sorted(keys):
        if stands(ts, a, b, False) and (nx.has_path(graph, a, b) or not (users(a) and users(b))):
            graph.add_edge(a, b)
    people: dict[Name, Any] = {}
    for component in nx.connected_components(graph):
        people.update(dict.fromkeys(component, frozenset(component)))
    on: dict[Name, list[tuple[int, Name]]] = {device: [] for device in devices}
    for ts, a, b, alias in logins:
        if stands(ts, a, b, alias):
            on[b].append((ts, a))
    for device, claimants in on.items():
        who = {people[a] for _, a in claimants}
        people[device] = who.pop() if len(who) == 1 else device

    def whose(call: Call) -> Any:
        own = sorted(call.keys, key=lambda key: KEYS.index(key[0]))
        if call.user:
            return people["user", call.user]
        if call.call == "unlink":
            return None
        if own:
            return people[own[0]]
        if not call.device:
            return None
        device = ("device", call.device)
        if people[device] == device:
            earlier = [(ts, a) for ts, a in on[device] if ts <= call.ts]
            if earlier:
                return people[max(earlier)[1]]
        return people[device]

    return Oracle(people=people, events=[whose(call) for call in calls])


def agree(world: World, calls: list[Call]) -> None:
    """Fails unless the world holds the oracle's people, up to their numbers, and is sound in itself."""
    right = oracle(calls)
    names = world.identifiers()
    assert set(names) == set(right.people)
    pairs = {(right.people[name], ix) for name, ix in names.items()}
    for table in KEPT:
        got = world.events(table)
        assert [ix is None for ix in got] == [who is None for who in right.events]
        pairs |= {(who, ix) for who, ix in zip(right.events, got, strict=True) if who is not None}
    assert len({who for who, _ in pairs}) == len({ix for _, ix in pairs}) == len(pairs), pairs
    persons = world.persons()
    assert [person["ix"] for person in persons] == list(range(len(persons)))
    assert len({person["person_id"] for person in persons}) == len(persons)
    alive = {person["ix"] for person in persons if person["merged_into"] is None}
    assert set(names.values()) <= alive
    assert {p["merged_into"] for p in persons if p["merged_into"] is not None} <= alive
    homes = [row["home"] for row in world.rows("SELECT home FROM identifiers WHERE home IS NOT NULL")]
    assert sorted(homes) == list(range(len(persons)))
    first = {r["ix"]: r["ts"] for r in world.rows("SELECT ix, MIN(ts) AS ts FROM events GROUP BY ix")}
    for person in persons:
        if person["ix"] in alive and person["ix"] in first:
            assert person["created_at"] <= first[person["ix"]], person
