"""Who had which tag value, or was in which audience, when: read from the changes, which every run writes once.

Nothing but changes is kept. Who was merged into somebody counts as that person, whoever was erased is in nothing. Of
numbers, amounts and instants only becoming known or unknown is a change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from limner.columns import Array
from limner.engine.seam import Engine
from limner.tags.publish import ALIVE
from limner.tags.trend import BEFORE, BY_PERSON
from limner.types import naive, utc


@dataclass(frozen=True)
class Spell:
    """A time in which somebody had a value, or was in an audience (`value`: in). `until` None: still.

    `run` and `cause`: what began it; `ended_by`: the cause of its end.
    """

    subject: str
    value: str
    since: datetime
    until: datetime | None
    run: str
    cause: str
    ended_by: str | None


@dataclass(frozen=True)
class Flow:
    """A day from its first instant on: who entered and left, each person once, and how many were in at its end."""

    start: datetime
    entered: int
    left: int
    people: int


def since(engine: Engine, subject: str) -> datetime | None:
    """When the first change of a subject (tag:KEY, audience:NAME) was; None when nothing is known of it."""
    first = engine.read("SELECT MIN(ts) AS ts FROM changes WHERE subject = $subject", {"subject": subject})
    found = first["ts"][0].as_py()
    return None if found is None else utc(found)


def members(engine: Engine, subject: str, at: datetime, *, value: str | None = None) -> Array:
    """The ordinals, ascending, of who was in it (with `value`: had that value) at the instant."""
    held = "held IS NOT NULL" if value is None else "held = $value"
    found = engine.read(
        "SELECT DISTINCT COALESCE(p.merged_into, p.ix) AS ix FROM ("
        " SELECT ix, ARG_MAX(ROW(after), ROW(ts, rowid))[1] AS held FROM changes"
        " WHERE subject = $subject AND ts <= $at GROUP BY ix) AS c"
        f" JOIN persons AS p ON p.ix = c.ix WHERE {held} AND COALESCE(p.merged_into, p.ix) IN ({ALIVE}) ORDER BY 1",
        {"subject": subject, "at": naive(at), "value": value},
    )
    return np.asarray(found["ix"].combine_chunks().to_numpy())


def flows(engine: Engine, subject: str, starts: Sequence[datetime], *, now: datetime) -> tuple[Flow, ...]:
    """The days, each from one of `starts` (ascending) to the next, the last one until `now`."""
    values: dict[str, Any] = {
        "subject": subject,
        "starts": [BEFORE, *(naive(start) for start in starts)],
        "now": naive(now),
    }
    counted = {row["start"]: row for row in engine.read(BY_PERSON, values).to_pylist()}
    before = counted.get(BEFORE)
    people = 0 if before is None else before["entered"] - before["left"]
    found = []
    for start in starts:
        row = counted.get(naive(start), {"entered": 0, "left": 0})
        people += row["entered"] - row["left"]
        found.append(Flow(start, row["entered"], row["left"], people))
    return tuple(found)


def spells(engine: Engine, ix: int, *, subject: str | None = None) -> tuple[Spell, ...]:
    """What one person had and was in, and when, by subject and time; of those merged into it, too."""
    only = "" if subject is None else " AND subject = $subject"
    rows = engine.read(
        "SELECT * FROM (SELECT subject, after AS value, ts AS since, run, cause,"
        " LEAD(ts) OVER later AS until, LEAD(cause) OVER later AS ended_by, rowid AS place FROM changes"
        f" WHERE ix IN (SELECT ix FROM persons WHERE ix = $ix OR merged_into = $ix){only}"
        " WINDOW later AS (PARTITION BY ix, subject ORDER BY ts, rowid))"
        " WHERE value IS NOT NULL ORDER BY subject, since, place",
        {"ix": ix, "subject": subject},
    ).to_pylist()
    return tuple(
        Spell(
            row["subject"],
            row["value"],
            utc(row["since"]),
            None if row["until"] is None else utc(row["until"]),
            row["run"],
            row["cause"],
            row["ended_by"],
        )
        for row in rows
    )
