"""Interests: weights of labels out of points that halve with time, in whole numbers: any order gives equal bits.

Time stands on a fixed grid: a half life has STEPS steps, counted from the year 1, and STEPS of them are a generation.
A point at step n counts 2 ** (n / STEPS), of which the whole power of two is the generation and the rest, rounded to
2 ** -BITS, a whole number. What is kept of a person and label is the sum of these numbers in each generation: it does
not change as time passes. At an instant each generation is shifted by its age, the sum s is divided by the instant's
own number, and the weight is s / (s + half_at), in millionths. Generations older than OLDEST half lives are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from limner.engine.seam import Step, quoted
from limner.expressions import tree as t
from limner.expressions.happenings import EventSql, code_in
from limner.expressions.printer import duration_text
from limner.expressions.sql import Bound, both
from limner.expressions.windows import bounds
from limner.types import ValueType

STEPS = 1024
BITS = 24
OLDEST = 40
MILLION = 1_000_000

_BEGINNING = datetime(1, 1, 1)  # noqa: DTZ001 - instants are naive UTC inside
_ORIGIN_US = (datetime(1970, 1, 1) - _BEGINNING) // timedelta(microseconds=1)  # noqa: DTZ001
_SHIFT = STEPS.bit_length() - 1


@dataclass(frozen=True)
class Grid:
    """Where instants lie: `step` is the length of a step in microseconds."""

    step: int

    def number(self, at: datetime) -> int:
        """The step of a naive UTC instant, counted from the year 1."""
        return ((at - _BEGINNING) // timedelta(microseconds=1)) // self.step

    def at(self, number: int) -> datetime:
        """When a step begins, naive UTC."""
        return _BEGINNING + timedelta(microseconds=number * self.step)

    def generation(self, at: datetime) -> int:
        """The generation of a naive UTC instant."""
        return self.number(at) >> _SHIFT

    def oldest(self, at: datetime) -> int:
        """The oldest generation that still counts at an instant."""
        return self.generation(at) - OLDEST

    def begin(self, generation: int) -> datetime:
        """When a generation begins, naive UTC; the year 1 for what lies before it."""
        return _BEGINNING + timedelta(microseconds=max(0, generation) * STEPS * self.step)


def grid(half_life: t.Duration) -> Grid:
    """The grid of a half life: whole hours, so that a step is whole microseconds."""
    return Grid(half_life.seconds * 15_625 // 16)


def share(number: int) -> int:
    """What a point at that step counts within its generation: 2 ** (part of the generation), in 2 ** -BITS."""
    part: float = 2.0 ** ((number & (STEPS - 1)) / STEPS)
    return round(part * (1 << BITS))


def counted(node: t.Interest, events: EventSql, *, among: str | None = None) -> str:
    """(ix, id, ts, label, points) of the events that count for a label, as of the instant of `events`."""
    sql, on = events.sql, grid(node.half_life)
    label = sql.cast(events.property(node.of), ValueType.TEXT)
    inside = bounds(node.window, as_of=sql.as_of, zone=sql.zone)
    terms = []
    for term in node.terms:
        counts = events.filter(events.selection(term.event, inside, node.window))
        terms.append(f"(CASE WHEN {counts} THEN {term.points} ELSE 0 END)")
    columns = f"ix, id, ts, {label} AS label, {' + '.join(terms)} AS points"
    source, tests = "seen AS s", "s.points > 0"
    if node.until is not None:
        ends = events.filter(events.selection(node.until, (None, sql.as_of)))
        columns += f", ({ends}) IS TRUE AS ends"
        source += (
            " LEFT JOIN (SELECT ix, label, MAX(ts) AS ts FROM seen WHERE ends GROUP BY ix, label) AS u"
            " ON u.ix = s.ix AND u.label = s.label"
        )
        tests += " AND (u.ts IS NULL OR s.ts > u.ts)"
    read = [
        "ix IS NOT NULL",
        f"ts >= {sql.bind(on.begin(on.oldest(sql.as_of)))} AND ts < {sql.bind(sql.as_of)}",
        f"{label} IS NOT NULL",
        named(node, events),
    ]
    if among is not None:
        read.append(f"ix IN (SELECT ix FROM {quoted(among)})")
    return (
        f"WITH seen AS (SELECT {columns} FROM events WHERE {both(read)})\n"
        f"SELECT s.ix, s.id, s.ts, s.label, s.points FROM {source} WHERE {tests}"
    )


def points(node: t.Interest, events: EventSql, *, among: str | None = None) -> str:
    """(ix, label, generation, points): what the people's events give, as of the instant of `events`.

    Every sum fits 64 bits below 2 ** 28 events of a person, label and generation.
    """
    number = f"((EPOCH_US(c.ts) + {_ORIGIN_US}) // {grid(node.half_life).step})"
    part = f"CAST(ROUND(POWER(2.0, ({number} & {STEPS - 1}) / {STEPS}.0) * {2**BITS}.0) AS BIGINT)"
    return (
        f"SELECT c.ix, c.label, CAST({number} >> {_SHIFT} AS INTEGER) AS generation,"
        f" CAST(SUM(c.points * {part}) AS BIGINT) AS points\n"
        f"FROM ({counted(node, events, among=among)}) AS c GROUP BY ALL"
    )


def named(node: t.Interest, events: EventSql) -> str:
    """Whether an event has one of the names that it looks at; nothing where it looks at any."""
    names = [event.name for event in t.walk(node) if isinstance(event, t.Event)]
    if "*" in names:
        return ""
    return code_in(events.sql, sorted({code for name in names for code in events.catalog.event_codes(name)}))


def held(node: t.Interest, source: str, as_of: datetime) -> str:
    """(ix, label, held, place) of the labels that have a weight, from the greatest on, out of a table of points.

    `as_of`: naive UTC. `held` is read by `weight` at any instant of the same generation: only with the next one are
    points left out, so that others may be the greatest. A weight that is below half a millionth is none.
    """
    now = grid(node.half_life).generation(as_of)
    summed = f"SUM(CAST(points AS HUGEINT) * (CAST(1 AS BIGINT) << ({OLDEST} - ({now} - generation))))"
    return (
        f"WITH held AS (SELECT ix, label, {summed} AS held FROM {quoted(source)}"
        f" WHERE generation BETWEEN {now - OLDEST} AND {now} GROUP BY ix, label),\n"
        "placed AS (SELECT ix, label, held,"
        " ROW_NUMBER() OVER (PARTITION BY ix ORDER BY held DESC, label) AS place FROM held)\n"
        f"SELECT ix, label, held, CAST(place AS USMALLINT) AS place FROM placed"
        f" WHERE place <= {node.most} AND {weight(node, 'held', as_of)} > 0"
    )


def weight(node: t.Interest, column: str, as_of: datetime) -> str:
    """The weight at an instant (naive UTC), rounded to a millionth, of what a label then holds."""
    half = node.half_at * share(grid(node.half_life).number(as_of)) << OLDEST
    part = f"CAST({column} AS DOUBLE) / CAST({column} + {half} AS DOUBLE)"
    return f"(ROUND({MILLION}.0 * ({part})) / {MILLION}.0)"


def weights(node: t.Interest, source: str, as_of: datetime) -> str:
    """(ix, label, weight, place) of the greatest weights of each person, from 1 on, out of a table of points."""
    found = held(node, source, as_of)
    return f"SELECT ix, label, {weight(node, 'held', as_of)} AS weight, place FROM ({found})"


def steps(node: t.Interest, events: EventSql, *, name: str, among: str | None) -> list[Step]:
    """Steps of which the last, called so, is (ix, value): the label with the greatest weight of each person."""
    return [
        Step(f"{name}_points", points(node, events, among=among)),
        Step(f"{name}_weights", weights(node, f"{name}_points", events.sql.as_of)),
        Step(name, f"SELECT ix, label AS value FROM {name}_weights WHERE place = 1"),
    ]


def kept(node: t.Interest) -> t.Interest:
    """The part of it on which the points rest: not how they are read."""
    return replace(node, half_at=t.HALF_AT, most=t.MOST_LABELS)


def moved(node: t.Interest, bind: Bound, *, then: datetime, now: datetime, zone: str) -> list[str]:
    """Conditions over `ts` of events that were loaded already and count at one of two instants but not at both.

    Instants are naive UTC, `then` the earlier one.
    """
    was, is_ = (bounds(node.window, as_of=at, zone=zone) for at in (then, now))
    spans = [(then, now), (was[0], is_[0]), (was[1], is_[1])]
    return [
        f"(ts >= {bind(low)} AND ts < {bind(high)})"
        for low, high in dict.fromkeys(spans)
        if low is not None and high is not None and low < high
    ]


def formula(node: t.Interest) -> str:
    """How the weight comes about, as a person reads it."""
    length = duration_text(node.half_life)
    return f"weight = s / (s + {node.half_at}), s = points × 2^(−age / {length})"


def weights_of(table: str) -> str:
    """The relation (ix, label, weight, place, expires_at) that stands beside the table of a tag's values."""
    return f"weights_{table}"
