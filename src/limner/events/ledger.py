"""What a load writes beside its events: what was set aside, counters, warnings; and what was stored before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from limner.engine.seam import Transaction
from limner.events import sealed
from limner.events.model import Counts, Event, Quarantined
from limner.events.staging import LOW, Notices

NOTED = 5_000
"""So many different warnings are told apart; beyond, only their codes are counted."""

ID = '"hi"::HUGEINT * 18446744073709551616 + "lo"::HUGEINT'
"""An id from its two halves."""


@dataclass(slots=True)
class Draft:
    """One load before its transaction: what is to be stored, set aside and counted."""

    events: list[Event] = field(default_factory=list)
    aside: list[Quarantined] = field(default_factory=list)
    counts: dict[int | None, Counts] = field(default_factory=lambda: defaultdict(Counts))
    notices: Notices = field(default_factory=Counter)
    retried: list[int] = field(default_factory=list)
    raw: dict[int, Any] = field(default_factory=dict)

    def count(self, source_i: int | None, **more: int) -> None:
        """Adds to the source's counters."""
        self.counts[source_i] = self.counts[source_i].plus(Counts(**more))


def halves(ids: Sequence[int]) -> pa.Table:
    return pa.table(
        {
            "hi": pa.array([item >> 64 for item in ids], pa.uint64()),
            "lo": pa.array([item & LOW for item in ids], pa.uint64()),
        }
    )


def stored(tx: Transaction, suspects: Sequence[Event]) -> dict[int, tuple[datetime, int | None]]:
    """When the suspects' ids were last stored and what they said; ids that were not are absent."""
    if not suspects:
        return {}
    with tx.given("suspects", halves([event.id for event in suspects])):
        found = tx.read(
            "SELECT id::VARCHAR AS id, max(received_at) AS at, arg_max(body, received_at) AS said FROM events"
            f" WHERE id IN (SELECT {ID} FROM suspects) GROUP BY events.id"
        )
    return {int(row["id"]): (row["at"], row["said"]) for row in found.to_pylist()}


def unknown_rows(tx: Transaction, found: sealed.Sealed) -> sealed.Sealed:
    """The segment without the rows that were stored before, whenever that was."""
    rows = found.rows
    if not rows.num_rows:
        return found
    numbers = rows.column("row").to_numpy()
    start = found.high << 64
    known = tx.read(
        "SELECT (id & 18446744073709551615)::BIGINT AS number FROM events"
        " WHERE id >= $first::HUGEINT AND id <= $last::HUGEINT",
        {"first": str(start + int(numbers.min())), "last": str(start + int(numbers.max()))},
    )
    _, first = np.unique(numbers, return_index=True)
    keep = np.zeros(len(numbers), dtype=bool)
    keep[first] = True
    if known.num_rows:
        keep &= ~np.isin(numbers, known.column("number").to_numpy())
    return found if keep.all() else replace(found, rows=rows.filter(pa.array(keep)))


def come_again(tx: Transaction, found: sealed.Sealed) -> None:
    """Rows of this very file that an earlier import set aside leave the quarantine, for wherever they now belong.

    What was received then counts as duplicate from now on, so that the counters still add up.
    """
    held = tx.read(
        "SELECT source_i, origin FROM quarantine WHERE starts_with(origin, $digest)",
        {"digest": f"{found.digest}:"},
    ).to_pylist()
    if not held:
        return
    coming = {*found.rows.column("row").to_pylist(), *(_row(item.origin) for item in found.quarantine)}
    again = [row for row in held if _row(row["origin"]) in coming]
    if not again:
        return
    with tx.given("again", pa.table({"origin": [row["origin"] for row in again]})):
        tx.execute("DELETE FROM quarantine WHERE origin IN (SELECT origin FROM again)")
    moved = Counter(row["source_i"] for row in again)
    count(tx, {source_i: Counts(quarantined=-n, duplicate=n) for source_i, n in moved.items()})


def _row(origin: str | None) -> int:
    return int((origin or ":-1").rpartition(":")[2])


def put_aside(tx: Transaction, draft: Draft) -> None:
    if draft.retried:
        with tx.given("retried", halves(draft.retried)):
            tx.execute(f"DELETE FROM quarantine WHERE id IN (SELECT {ID} FROM retried)")
    if not draft.aside:
        return
    table = halves([item.id for item in draft.aside])
    for name, column in {
        "source_i": pa.array([item.source_i for item in draft.aside], pa.uint16()),
        "received_at": pa.array([item.received_at for item in draft.aside], pa.timestamp("us")),
        "code": [item.refusal.code for item in draft.aside],
        "path": pa.array([item.refusal.path for item in draft.aside], pa.string()),
        "message": [item.refusal.message for item in draft.aside],
        "raw": [item.raw for item in draft.aside],
        "origin": pa.array([item.origin for item in draft.aside], pa.string()),
    }.items():
        table = table.append_column(name, [column] if isinstance(column, list) else column)
    with tx.given("aside", table):
        tx.execute(
            "INSERT INTO quarantine (id, source_i, received_at, code, path, message, raw, origin)"
            f" SELECT {ID}, source_i, received_at, code, path, message, raw, origin FROM aside"
        )


def count(tx: Transaction, counts: dict[int | None, Counts]) -> None:
    if not counts:
        return
    columns = ("received", "stored", "duplicate", "quarantined", "rejected")
    table = pa.table(
        {
            "source_i": pa.array(list(counts), pa.uint16()),
            **{
                name: pa.array([getattr(item, name) for item in counts.values()], pa.int64())
                for name in columns
            },
        }
    )
    adds = ", ".join(f"{name} = counters.{name} + more.{name}" for name in columns)
    known = set(tx.read("SELECT source_i FROM counters").column("source_i").to_pylist())
    with tx.given("more", table):
        tx.execute(
            f"UPDATE counters SET {adds} FROM more WHERE counters.source_i IS NOT DISTINCT FROM more.source_i"
        )
        if counts.keys() <= known:
            return
        tx.execute(
            f"INSERT INTO counters (source_i, {', '.join(columns)}) SELECT source_i, {', '.join(columns)}"
            " FROM more WHERE NOT EXISTS"
            " (SELECT 1 FROM counters WHERE counters.source_i IS NOT DISTINCT FROM more.source_i)"
        )


def notice(tx: Transaction, notices: Notices) -> None:
    if not notices:
        return
    known = tx.read("SELECT count(*)::BIGINT AS n FROM warnings").column("n").to_pylist()[0]
    told: Notices = Counter()
    for (source_i, code, detail), n in notices.items():
        told[source_i, code, detail if known + len(told) < NOTED else ""] += n
    table = pa.table(
        {
            "source_i": pa.array([source_i for source_i, _, _ in told], pa.uint16()),
            "code": [code for _, code, _ in told],
            "detail": [detail for _, _, detail in told],
            "n": pa.array(list(told.values()), pa.int64()),
        }
    )
    same = (
        "warnings.source_i IS NOT DISTINCT FROM more.source_i AND warnings.code = more.code"
        " AND warnings.detail = more.detail"
    )
    with tx.given("more", table):
        tx.execute(f"UPDATE warnings SET n = warnings.n + more.n FROM more WHERE {same}")
        tx.execute(
            "INSERT INTO warnings (source_i, code, detail, n) SELECT source_i, code, detail, n FROM more"
            f" WHERE NOT EXISTS (SELECT 1 FROM warnings WHERE {same})"
        )
