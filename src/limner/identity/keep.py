"""Writes what a load changed: identifiers, persons, claims, turns, and whose the stored events are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from limner.engine.seam import Transaction
from limner.identity import known
from limner.identity.claims import WORDS, Claims
from limner.identity.stitch import FOREVER, Ints, Turns

EARLIEST = np.iinfo(np.int64).min

# A row belongs to its user id, else its first declared key, else the turn on its device, else the device.
_BY_ID = """
SELECT e.rowid AS at_row, e.ix AS from_ix, m.ix AS to_ix FROM {table} AS e
JOIN moved_here AS m ON e.{column} = m.i
WHERE e.ix IS DISTINCT FROM m.ix{only}
"""
_BY_DEVICE = """
SELECT e.rowid AS at_row, e.ix AS from_ix, COALESCE(v.ix, m.ix) AS to_ix FROM {table} AS e
JOIN moved_here AS m ON e.device_i = m.i AND (m.since IS NULL OR e.ts >= m.since)
LEFT JOIN turns_here AS v
  ON v.device_i = e.device_i AND e.ts >= v."from" AND (v."to" IS NULL OR e.ts < v."to")
WHERE e.user_i IS NULL AND e.key_i IS NULL AND e.ix IS DISTINCT FROM COALESCE(v.ix, m.ix)
"""


@dataclass(frozen=True)
class Moved:
    """Identifiers whose rows may have to move: ordinals and their people now.

    `device_since`: the time before which nothing changed on the device, EARLIEST for all of it; `turns`: the
    turns on these devices now.
    """

    user: Ints
    user_to: Ints
    key: Ints
    key_to: Ints
    device: Ints
    device_to: Ints
    device_since: Ints
    turns: Turns


def identifiers(
    tx: Transaction, *, i: Ints, kind: pa.Array, value: pa.Array, label: Ints, home: Ints
) -> None:
    """Adds identifiers met for the first time."""
    tx.insert(
        "identifiers",
        pa.table(
            {
                "i": known.nullable(i),
                "kind": kind,
                "value": value,
                "ix": known.nullable(label),
                "home": known.nullable(home),
            }
        ),
    )


def labels(tx: Transaction, *, i: Ints, label: Ints, home: Ints) -> None:
    """Gives known identifiers another person or home."""
    if len(i):
        with tx.given("changed_here", known.ordinals(i, ix=label, home=home)):
            tx.execute(
                "UPDATE identifiers SET ix = c.ix, home = c.home FROM changed_here AS c "
                "WHERE identifiers.i = c.i"
            )


def persons(tx: Transaction, *, ix: Ints, person_id: list[str], since: Ints, merged_into: Ints) -> None:
    """Adds persons."""
    tx.insert(
        "persons",
        pa.table(
            {
                "ix": known.nullable(ix),
                "person_id": pa.array(person_id, type=pa.string()),
                "created_at": known.instants(since),
                "merged_into": known.nullable(merged_into),
                "erased": pa.array(np.zeros(len(ix), dtype=bool)),
            }
        ),
    )


def merges(tx: Transaction, *, ix: Ints, merged_into: Ints) -> None:
    """Says which persons are part of another now, and revives those that are not (NOBODY)."""
    if len(ix):
        with tx.given("merged_here", known.ordinals(ix, into_ix=merged_into)):
            tx.execute(
                "UPDATE persons SET merged_into = m.into_ix FROM merged_here AS m "
                "WHERE persons.ix = m.i AND persons.merged_into IS DISTINCT FROM m.into_ix"
            )


def seen(tx: Transaction, *, ix: Ints, ts: Ints) -> None:
    """Moves `created_at` back to the earliest time at which a person was seen."""
    there = ix >= 0
    people, inverse = np.unique(ix[there], return_inverse=True)
    if not len(people):
        return
    first = np.full(len(people), FOREVER, dtype=np.int64)
    np.minimum.at(first, inverse, ts[there])
    with tx.given("seen_here", known.ordinals(people).append_column("ts", known.instants(first))):
        earlier = tx.read(
            "SELECT s.i, s.ts FROM seen_here AS s JOIN persons AS p ON p.ix = s.i WHERE s.ts < p.created_at"
        )
    _created(tx, earlier)


def seen_again(tx: Transaction, *, whole: pa.Table, parts: Ints) -> None:
    """Corrects `created_at` after people were joined (`whole`: from_ix, to_ix) or came apart (`parts`)."""
    if whole.num_rows:
        with tx.given("joined_here", whole):
            earlier = tx.read(
                "SELECT t.ix AS i, MIN(f.created_at) AS ts FROM joined_here AS j "
                "JOIN persons AS f ON f.ix = j.from_ix JOIN persons AS t ON t.ix = j.to_ix "
                "WHERE f.created_at < t.created_at GROUP BY t.ix"
            )
        _created(tx, earlier)
    if len(parts):
        with tx.given("parted_here", known.ordinals(np.unique(parts))):
            first = tx.read(
                "SELECT p.i, MIN(e.ts) AS ts FROM events AS e JOIN parted_here AS p ON e.ix = p.i "
                "GROUP BY p.i"
            )
        _created(tx, first)


def _created(tx: Transaction, first: pa.Table) -> None:
    if first.num_rows:
        with tx.given("created_here", first):
            tx.execute("UPDATE persons SET created_at = c.ts FROM created_here AS c WHERE persons.ix = c.i")


def claims(tx: Transaction, new: Claims, ids: list[str | None]) -> None:
    """Appends the claims, each with the id of the event that made it."""
    if not len(new):
        return
    words = pa.DictionaryArray.from_arrays(pa.array(new.what, type=pa.int8()), pa.array(WORDS))
    table = pa.table(
        {
            "a": known.nullable(new.a),
            "b": known.nullable(new.b),
            "ts": known.instants(new.ts),
            "what": words.cast(pa.string()),
            "id": pa.array(ids, type=pa.string()),
        }
    )
    with tx.given("claims_here", table):
        tx.execute("INSERT INTO claims SELECT a, b, ts, what, TRY_CAST(id AS HUGEINT) FROM claims_here")


def turns(tx: Transaction, *, devices: Ints, now: Turns) -> None:
    """Replaces the turns of these devices."""
    if len(devices):
        with tx.given("devices_here", known.ordinals(np.unique(devices))):
            tx.execute("DELETE FROM intervals WHERE device_i IN (SELECT i FROM devices_here)")
        tx.insert("intervals", turn_rows(now))


def move(tx: Transaction, moved: Moved) -> tuple[Ints, Ints]:
    """Rewrites `ix` of events, attributes and given values; the answer is every pair (from, to) that occurred."""
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    for table in ("events", "attributes", "given"):
        for column, i, to in (("user_i", moved.user, moved.user_to), ("key_i", moved.key, moved.key_to)):
            if len(i):
                only = "" if column == "user_i" else " AND e.user_i IS NULL"
                with tx.given("moved_here", known.ordinals(i, ix=to)):
                    rows = tx.read(_BY_ID.format(table=table, column=column, only=only))
                pairs.append(_write(tx, table, rows))
        if len(moved.device):
            since = np.where(moved.device_since == EARLIEST, FOREVER, moved.device_since)
            devices = known.ordinals(moved.device, ix=moved.device_to).append_column(
                "since", known.instants(since)
            )
            with tx.given("moved_here", devices), tx.given("turns_here", turn_rows(moved.turns)):
                rows = tx.read(_BY_DEVICE.format(table=table))
            pairs.append(_write(tx, table, rows))
    found = np.unique(np.concatenate(pairs), axis=0)
    return found[:, 0], found[:, 1]


def _write(tx: Transaction, table: str, rows: pa.Table) -> Ints:
    if not rows.num_rows:
        return np.zeros((0, 2), dtype=np.int64)
    with tx.given("rows_here", rows.select(["at_row", "to_ix"])):
        tx.execute(f"UPDATE {table} SET ix = r.to_ix FROM rows_here AS r WHERE {table}.rowid = r.at_row")
    pairs = np.column_stack((known.ints(rows, "from_ix"), known.ints(rows, "to_ix")))
    found: Ints = np.unique(pairs[pairs[:, 0] >= 0], axis=0)
    return found


def turn_rows(turns: Turns) -> pa.Table:
    """The turns as rows of `intervals`."""
    return pa.table(
        {
            "device_i": known.nullable(turns.device),
            "ix": known.nullable(turns.person),
            "from": known.instants(turns.start),
            "to": known.instants(turns.end),
        }
    )


def changed_since(before: Turns, now: Turns) -> tuple[Ints, Ints]:
    """The devices whose turns differ, and for each the time before which they agree."""
    rows = np.concatenate(
        (
            np.column_stack((before.device, before.start, before.person)),
            np.column_stack((now.device, now.start, now.person)),
        )
    )
    once, counts = np.unique(rows, axis=0, return_counts=True)
    once = once[counts == 1]
    device, first = np.unique(once[:, 0], return_index=True)  # sorted by device, then start
    return device, once[first, 1]
