"""What the engine's tables know of identifiers: set-based reads for one load."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from limner.engine.seam import Transaction
from limner.identity.claims import WORDS, Claims, nothing
from limner.identity.mentions import Mentions
from limner.identity.stitch import FOREVER, NOBODY, Flags, Ints, Turns


@dataclass(frozen=True)
class State:
    """Per code of a batch what was known before it; NOBODY where unknown."""

    i: Ints
    label: Ints
    home: Ints


@dataclass(frozen=True)
class Rows:
    """Rows of `identifiers`, sorted by i."""

    i: Ints
    kind: pa.Array
    value: pa.Array
    label: Ints
    home: Ints


def ints(table: pa.Table, name: str) -> Ints:
    """The column as 64-bit integers, NOBODY where null; instants as microseconds."""
    column = table.column(name)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    found: Ints = column.cast(pa.int64()).fill_null(NOBODY).to_numpy().astype(np.int64, copy=False)
    return found


def ordinals(i: Ints, **more: Ints) -> pa.Table:
    """A table `i` (and further ordinals, null for NOBODY) to be given to the engine."""
    columns = {"i": i, **more}
    return pa.table({name: nullable(values) for name, values in columns.items()})


def nullable(values: Ints) -> pa.Array:
    """The ordinals, null for NOBODY."""
    return pa.array(values.astype(np.uint32), mask=values < 0)


def instants(values: Ints) -> pa.Array:
    """Microseconds as instants; FOREVER is null."""
    return pa.array(values, mask=values == FOREVER).cast(pa.timestamp("us"))


def lookup(tx: Transaction, said: Mentions) -> State:
    """What the identifiers of the batch are in `identifiers`."""
    codes = len(said.kind)
    i, label, home = (np.full(codes, NOBODY, dtype=np.int64) for _ in range(3))
    if codes:
        named = pa.table({"code": np.arange(codes), "kind": said.kind, "value": said.value})
        with tx.given("named_here", named):
            rows = tx.read(
                "SELECT n.code, k.i, k.ix, k.home FROM named_here AS n "
                "JOIN identifiers AS k ON k.value = n.value AND k.kind = n.kind"
            )
        code = ints(rows, "code")
        i[code], label[code], home[code] = ints(rows, "i"), ints(rows, "ix"), ints(rows, "home")
    return State(i=i, label=label, home=home)


def claims_on(tx: Transaction, i: Ints) -> tuple[Claims, Ints]:
    """The claims on identifiers `b` in `i`: of each (a, b, what) the earliest, and its latest time."""
    if not len(i):
        return nothing(), np.zeros(0, dtype=np.int64)
    with tx.given("claimed_here", ordinals(np.unique(i))):
        rows = tx.read(
            "SELECT c.a, c.b, c.what, MIN(c.ts) AS ts, MAX(c.ts) AS latest FROM claims AS c "
            "JOIN claimed_here AS h ON c.b = h.i GROUP BY c.a, c.b, c.what"
        )
    return _claims(rows), ints(rows, "latest")


def logins_on(tx: Transaction, i: Ints) -> Claims:
    """Every login, alias and cut of the devices, with all their times."""
    if not len(i):
        return nothing()
    with tx.given("devices_here", ordinals(np.unique(i))):
        return _claims(
            tx.read("SELECT c.a, c.b, c.what, c.ts FROM claims AS c JOIN devices_here AS h ON c.b = h.i")
        )


def logins_in_events(tx: Transaction, i: Ints) -> Claims:
    """Every login on the devices that stored events tell of."""
    if not len(i):
        return nothing()
    with tx.given("devices_here", ordinals(np.unique(i))):
        rows = tx.read(
            "SELECT DISTINCT COALESCE(e.user_i, e.key_i) AS a, e.device_i AS b, e.ts, 'login' AS what "
            "FROM events AS e JOIN devices_here AS h ON e.device_i = h.i "
            "WHERE e.user_i IS NOT NULL OR e.key_i IS NOT NULL"
        )
    return _claims(rows)


def devices_of(tx: Transaction, i: Ints) -> Ints:
    """The devices that these strong identifiers have claims on."""
    if not len(i):
        return i
    with tx.given("owners_here", ordinals(np.unique(i))):
        rows = tx.read(
            "SELECT DISTINCT c.b FROM claims AS c JOIN owners_here AS h ON c.a = h.i "
            "WHERE c.what IN ('login', 'alias')"
        )
        found = rows_of(tx, ints(rows, "b"))
    return found.i[is_kind(found.kind, "device")]


def rows_of(tx: Transaction, i: Ints) -> Rows:
    """The identifiers with these ordinals."""
    with tx.given("wanted_here", ordinals(np.unique(i))):
        return _rows(
            tx.read(
                "SELECT k.i, k.kind, k.value, k.ix, k.home FROM identifiers AS k "
                "JOIN wanted_here AS w ON k.i = w.i ORDER BY k.i"
            )
        )


def homes_of(tx: Transaction, i: Ints) -> tuple[Ints, Ints, Ints]:
    """(i, person, home) of the identifiers with these ordinals, sorted by i; without reading their values."""
    if not len(i):
        return i, i, i
    with tx.given("wanted_here", ordinals(np.unique(i))):
        rows = tx.read(
            "SELECT k.i, k.ix, k.home FROM identifiers AS k JOIN wanted_here AS w ON k.i = w.i ORDER BY k.i"
        )
    return ints(rows, "i"), ints(rows, "ix"), ints(rows, "home")


def neighbours(tx: Transaction, seeds: Ints) -> tuple[Rows, Claims]:
    """All strong identifiers that claims connect with the seeds, however far, and the claims among them.

    Goes from person to person: a person's identifiers are known at once, however they hang together.
    """
    links = nothing()
    if not len(seeds):
        return rows_of(tx, seeds), links
    people: Ints = np.unique(homes_of(tx, seeds)[1])
    while True:
        with tx.given("people_here", ordinals(people)):
            members = _rows(
                tx.read(
                    "SELECT k.i, k.kind, k.value, k.ix, k.home FROM identifiers AS k "
                    "JOIN people_here AS p ON k.ix = p.i WHERE k.kind <> 'device' ORDER BY k.i"
                )
            )
        with tx.given("members_here", ordinals(members.i)):
            links = _claims(
                tx.read(
                    "SELECT c.a, c.b, c.what, c.ts FROM claims AS c WHERE c.what <> 'login' AND "
                    "(c.a IN (SELECT i FROM members_here) OR c.b IN (SELECT i FROM members_here))"
                )
            )
        ends = np.unique(np.concatenate((links.a, links.b)))
        outside = ends[~np.isin(ends, members.i)]
        if not len(outside):
            return members, links
        found = rows_of(tx, outside)
        further = np.unique(found.label[~is_kind(found.kind, "device")])
        further = further[~np.isin(further, people)]
        if not len(further):
            inside = np.isin(links.a, members.i) & np.isin(links.b, members.i)
            return members, links.only(inside)
        people = np.union1d(people, further)


def turns(tx: Transaction, devices: Ints) -> Turns:
    """The turns on those of the devices that several people use."""
    empty = np.zeros(0, dtype=np.int64)
    if not len(devices):
        return Turns(empty, empty, empty, empty)
    with tx.given("devices_here", ordinals(np.unique(devices))):
        rows = tx.read(
            'SELECT v.device_i, v.ix, v."from", v."to" FROM intervals AS v '
            'JOIN devices_here AS h ON v.device_i = h.i ORDER BY v.device_i, v."from"'
        )
    until = ints(rows, "to")
    open_ = rows.column("to").is_null().to_numpy()
    return Turns(
        ints(rows, "device_i"), ints(rows, "ix"), ints(rows, "from"), np.where(open_, FOREVER, until)
    )


def next_ordinals(tx: Transaction) -> tuple[int, int]:
    """The next free ordinal of an identifier, and of a person."""
    row = tx.read(
        "SELECT (SELECT COALESCE(MAX(i) + 1, 0) FROM identifiers) AS i, "
        "(SELECT COALESCE(MAX(ix) + 1, 0) FROM persons) AS ix"
    )
    return int(row.column("i")[0].as_py()), int(row.column("ix")[0].as_py())


def _claims(rows: pa.Table) -> Claims:
    what = pc.index_in(_one(rows.column("what")), value_set=pa.array(WORDS)).to_numpy().astype(np.int64)
    nowhere = np.full(len(what), NOBODY, dtype=np.int64)
    return Claims(ints(rows, "a"), ints(rows, "b"), ints(rows, "ts"), what, nowhere)


def _rows(rows: pa.Table) -> Rows:
    kind, value = (_one(rows.column(name)) for name in ("kind", "value"))
    return Rows(ints(rows, "i"), kind, value, ints(rows, "ix"), ints(rows, "home"))


def _one(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    if isinstance(found, pa.ChunkedArray):
        return found.chunk(0) if found.num_chunks else pa.array([], column.type)
    return found


def is_kind(kind: pa.Array, word: str) -> Flags:
    """Which of the kinds are this one."""
    found: Flags = pc.equal(kind, word).to_numpy(zero_copy_only=False)
    return found
