"""Trend: how many people had a tag at the end of each day, read from the recorded changes. Computes no tag.

Every run and every expiry writes who entered, left or moved, so the past follows exactly from the present and what
changed since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from limner.engine.seam import Engine, quoted
from limner.tags.publish import Applied
from limner.types import ValueType, naive, utc

MOST_VALUES = 8
BEFORE = datetime(1, 1, 1)  # noqa: DTZ001 - the engine's instants are naive UTC


@dataclass(frozen=True)
class Day:
    """One day: `people` at its end (or now), who had no value before it and has one after it, and the other way.

    None before the tag was computed for the first time. `values`: people with each label, when that is known.
    """

    start: datetime
    people: int | None
    entered: int | None
    left: int | None
    values: Mapping[str, int] | None


@dataclass(frozen=True)
class Trend:
    """Days in order; known since `since`. `labels`: the most frequent values; None when values are not recorded."""

    since: datetime | None
    days: tuple[Day, ...]
    labels: tuple[str, ...] | None


def trend(
    engine: Engine, key: str, held: Applied | None, starts: Sequence[datetime], *, now: datetime
) -> Trend:
    """The tag's days, each from one of `starts` (ascending) to the next, the last one until `now`.

    Labels of flags and texts are exact; numbers and instants are recorded only as they become known or unknown.
    """
    values: dict[str, Any] = {
        "subject": f"tag:{key}",
        "starts": [BEFORE, *(naive(start) for start in starts)],
        "now": naive(now),
    }
    first = (
        engine.read("SELECT MIN(ts) AS ts FROM changes WHERE subject = $subject AND ts <= $now", values)
        .column(0)[0]
        .as_py()
    )
    if first is None:
        since = None if held is None else held.as_of
        known = [None if since is None or _next(starts, n, now) <= since else 0 for n in range(len(starts))]
        return Trend(since, tuple(Day(s, k, k, k, None) for s, k in zip(starts, known, strict=True)), None)
    since = utc(first)
    counted = {row["start"]: row for row in engine.read(BY_PERSON, values).to_pylist()}
    moved = _labels(engine, held, values)
    ends = _expiry(held, now)
    people = 0
    labels: dict[str, int] = {}
    days = []
    for number, start in enumerate([None, *starts]):
        stamp = BEFORE if start is None else naive(start)
        row = counted.get(stamp, {"entered": 0, "left": 0})
        people += row["entered"] - row["left"]
        for label, change in (moved or {}).get(stamp, ()):
            labels[label] = labels.get(label, 0) + change
        if start is None:
            continue
        until = _next(starts, number - 1, now)
        if until <= since:
            days.append(Day(start, None, None, None, None))
            continue
        left = row["left"]
        if ends is not None and start <= ends < until:
            left, people, labels = left + people, 0, {}
        kept = {label: n for label, n in labels.items() if n}
        days.append(Day(start, people, row["entered"], left, None if moved is None else kept))
    return Trend(since, tuple(days), None if moved is None else _most(days))


def trends(
    engine: Engine,
    held: Mapping[str, Applied],
    people: Mapping[str, int],
    starts: Sequence[datetime],
    *,
    now: datetime,
) -> dict[str, list[int | None]]:
    """How many people had each tag at the end of each day; None before it was computed for the first time.

    `people`: how many have the tag as the last run (or expiry) left it. Reads only the changes since the first day.
    """
    values = {"starts": [naive(start) for start in starts], "now": naive(now)}
    changed: dict[str, dict[datetime, tuple[int, bool]]] = {}
    for row in engine.read(_BY_DAY, values).to_pylist():
        days = changed.setdefault(row["subject"].removeprefix("tag:"), {})
        days[row["start"]] = (row["net"], row["defined"])
    found: dict[str, list[int | None]] = {}
    for key, state in held.items():
        days = changed.get(key, {})
        ends = _expiry(state, now)
        count: int | None = people.get(key, 0)
        line: list[int | None] = []
        for number in reversed(range(len(starts))):
            start, until = starts[number], _next(starts, number, now)
            gone = ends is not None and ends < until
            line.append(None if count is None else 0 if gone else count)
            net, defined = days.get(naive(start), (0, False))
            if count is not None:
                count = None if defined and count - net <= 0 else count - net
        found[key] = line[::-1]
    return found


def _expiry(held: Applied | None, now: datetime) -> datetime | None:
    """When the tag expired, if that was not written into the changes yet."""
    if held is None or held.expired or held.expires_at is None or held.expires_at > now:
        return None
    return held.expires_at


def _next(starts: Sequence[datetime], number: int, now: datetime) -> datetime:
    """Where the day ends; the last one holds `now`."""
    return starts[number + 1] if number + 1 < len(starts) else now + timedelta.resolution


def _labels(
    engine: Engine, held: Applied | None, values: Mapping[str, Any]
) -> dict[datetime, list[tuple[str, int]]] | None:
    """How many more people each label has by day; None when that does not lead to what is published."""
    if held is None or held.type not in (ValueType.FLAG, ValueType.TEXT):
        return None
    total: dict[str, int] = {}
    found: dict[datetime, list[tuple[str, int]]] = {}
    for row in engine.read(_BY_VALUE, values).to_pylist():
        found.setdefault(row["start"], []).append((row["value"], row["n"]))
        total[row["value"]] = total.get(row["value"], 0) + row["n"]
    published = {}
    if not held.expired:
        rows = engine.read(
            f"SELECT CAST(value AS VARCHAR) AS value, COUNT(*) AS n FROM {quoted(held.table)} GROUP BY value"
        )
        published = {row["value"]: row["n"] for row in rows.to_pylist()}
    if {label: n for label, n in total.items() if n} != published:
        return None
    return found


def _most(days: Sequence[Day]) -> tuple[str, ...]:
    """The labels that most people ever had, the most frequent of the last day first."""
    most: dict[str, int] = {}
    for day in days:
        for label, n in (day.values or {}).items():
            most[label] = max(most.get(label, 0), n)
    last = next((day.values for day in reversed(days) if day.values), {})
    kept = sorted(most, key=lambda label: (-most[label], label))[:MOST_VALUES]
    return tuple(sorted(kept, key=lambda label: (-last.get(label, 0), label)))


_DAYS = "WITH days AS (SELECT UNNEST($starts::TIMESTAMP[]) AS start)"

BY_PERSON = f"""
{_DAYS}
SELECT start,
    CAST(COUNT(*) FILTER (was IS NULL AND became IS NOT NULL) AS BIGINT) AS entered,
    CAST(COUNT(*) FILTER (was IS NOT NULL AND became IS NULL) AS BIGINT) AS "left"
FROM (
    SELECT d.start, first(c.before ORDER BY c.ts, c.rowid) AS was, last(c.after ORDER BY c.ts, c.rowid) AS became
    FROM changes AS c ASOF JOIN days AS d ON c.ts >= d.start
    WHERE c.subject = $subject AND c.ts <= $now
    GROUP BY d.start, c.ix
)
GROUP BY start
"""
"""Each person counts once a day: what was before its first change and after its last."""

_BY_VALUE = f"""
{_DAYS}, moves AS (
    SELECT ts, after AS value, 1 AS n FROM changes WHERE subject = $subject AND ts <= $now AND after IS NOT NULL
    UNION ALL
    SELECT ts, before, -1 FROM changes WHERE subject = $subject AND ts <= $now AND before IS NOT NULL
)
SELECT d.start, m.value, CAST(SUM(m.n) AS BIGINT) AS n
FROM moves AS m ASOF JOIN days AS d ON m.ts >= d.start GROUP BY ALL HAVING SUM(m.n) <> 0
"""

_BY_DAY = f"""
{_DAYS}, runs AS (
    SELECT subject, ts,
        COUNT(*) FILTER (before IS NULL) - COUNT(*) FILTER (before IS NOT NULL AND after IS NULL) AS net,
        bool_or(cause = 'defined') AS defined
    FROM changes WHERE starts_with(subject, 'tag:') AND ts >= $starts[1] AND ts <= $now
    GROUP BY subject, ts
)
SELECT r.subject, d.start, CAST(SUM(r.net) AS BIGINT) AS net, bool_or(r.defined) AS defined
FROM runs AS r ASOF JOIN days AS d ON r.ts >= d.start
GROUP BY ALL
"""
"""A run changes many people at one instant, so that its changes are added before they are given to days."""
