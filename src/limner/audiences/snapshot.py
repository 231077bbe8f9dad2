"""Snapshot: who was in an audience as of an instant, kept on disk; entering and leaving become changes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from limner.audiences.model import Audience
from limner.bitmap import Bitmap
from limner.engine.seam import Engine, Transaction
from limner.errors import DamagedError, NotFoundError
from limner.tags import changes
from limner.types import naive, utc

MEMBER = "in"
"""What `changes` says of somebody who belongs to an audience; NULL = does not."""


@dataclass(frozen=True)
class Snapshot:
    """What one snapshot held."""

    audience: str
    as_of: datetime
    run: str
    people: int
    text: str


@dataclass(frozen=True)
class SnapshotReport:
    """What one snapshot changed."""

    snapshot: Snapshot
    entered: int
    left: int


def take(
    engine: Engine, audience: Audience, who: Bitmap, *, as_of: datetime, run_id: str, folder: Path
) -> SnapshotReport:
    """Keeps the members and writes who entered and left since the last snapshot, all or nothing.

    `folder`: where all snapshots lie; the file is `<folder>/<name>/<run>.roaring`. The last two are kept.
    """
    own = folder / audience.name
    with engine.write() as tx:
        last = state(tx, audience.name)
        before = Bitmap() if last is None else _members(tx, last, folder)
        who.save(own / f"{run_id}.roaring")
        entered, left = who - before, before - who
        found = changes.Changed(
            np.concatenate([entered.numpy(), left.numpy()]),
            pa.array([None] * len(entered) + [MEMBER] * len(left), pa.string()),
            pa.array([MEMBER] * len(entered) + [None] * len(left), pa.string()),
        )
        cause = "defined" if last is None else "refresh" if last.text == audience.text else "redefined"
        changes.write(tx, found, subject=audience.subject, ts=as_of, run=run_id, cause=cause)
        tx.execute("DELETE FROM audience_state WHERE audience = $audience", {"audience": audience.name})
        tx.execute(
            "INSERT INTO audience_state VALUES ($audience, $text, $as_of, $run, $people)",
            {
                "audience": audience.name,
                "text": audience.text,
                "as_of": naive(as_of),
                "run": run_id,
                "people": len(who),
            },
        )
    kept = {run_id} | ({last.run} if last else set())
    for path in own.glob("*.roaring"):
        if path.stem not in kept:
            path.unlink(missing_ok=True)
    taken = Snapshot(audience.name, as_of, run_id, len(who), audience.text)
    return SnapshotReport(taken, entered=len(entered), left=len(left))


def state(engine: Engine | Transaction, name: str) -> Snapshot | None:
    """The last snapshot of the audience; None when there is none."""
    found = engine.read(
        "SELECT audience, as_of, run, people, text FROM audience_state WHERE audience = $audience",
        {"audience": name},
    ).to_pylist()
    if not found:
        return None
    row = found[0]
    return Snapshot(row["audience"], utc(row["as_of"]), row["run"], int(row["people"]), row["text"])


def members(engine: Engine, name: str, folder: Path) -> Bitmap:
    """Who was in the last snapshot. Raises NotFoundError when there is none."""
    last = state(engine, name)
    if last is None:
        raise NotFoundError(
            f"there is no snapshot of the audience '{name}'", hint=f"limner audience refresh {name}"
        )
    return _members(engine, last, folder)


def remove(engine: Engine, name: str, *, as_of: datetime, run_id: str, folder: Path) -> int:
    """Writes that everybody left an audience that is no longer defined, and forgets its snapshots."""
    with engine.write() as tx:
        last = state(tx, name)
        if last is None:
            return 0
        who = _members(tx, last, folder)
        found = changes.Changed(
            who.numpy(), pa.array([MEMBER] * len(who), pa.string()), pa.nulls(len(who), pa.string())
        )
        changes.write(tx, found, subject=f"audience:{name}", ts=as_of, run=run_id, cause="removed")
        tx.execute("DELETE FROM audience_state WHERE audience = $audience", {"audience": name})
    for path in (folder / name).glob("*.roaring"):
        path.unlink(missing_ok=True)
    return len(who)


def _members(engine: Engine | Transaction, last: Snapshot, folder: Path) -> Bitmap:
    """The snapshot's file; when it is gone or damaged, the members that the changes add up to."""
    with suppress(NotFoundError, DamagedError):
        return Bitmap.load(folder / last.audience / f"{last.run}.roaring")
    found = engine.read(
        "SELECT ix FROM changes WHERE subject = $subject GROUP BY ix HAVING COUNT(after) > COUNT(before)",
        {"subject": f"audience:{last.audience}"},
    )
    return Bitmap.of(found.column(0).to_numpy())
