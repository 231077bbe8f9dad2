"""Habits in SQL: streaks, usual hours and days, ranks, delays, each worked out beside the scan as (ix, value).

Days, weeks (from Monday), months and years are those of the workspace's zone. Units of time are numbered, so that
what follows each other differs by one.
"""

from __future__ import annotations

from limner.engine.seam import Step, quoted
from limner.expressions.happenings import EventSql, Selection
from limner.expressions.sql import Sql, both

DAY_US = 86_400_000_000
RUN_BITS = 20
"""The latest run is kept as the number of its last unit, shifted by so many bits, plus its length."""

_AFTER_YEAR_0 = 1_000_002
"""Added to days since 1970, so that none is negative and every Monday is a multiple of seven."""


def local(sql: Sql, instant: str) -> str:
    """The instant (naive UTC) as the clock in the workspace's zone shows it."""
    return f"TIMEZONE({sql.bind(sql.zone)}, TIMEZONE('UTC', {instant}))"


def unit(sql: Sql, by: str, instant: str) -> str:
    """The number of the calendar unit in which the instant lies."""
    clock = local(sql, instant)
    year = f"CAST(EXTRACT(YEAR FROM {clock}) AS BIGINT)"
    if by == "month":
        return f"({year} * 12 + EXTRACT(MONTH FROM {clock}))"
    if by == "year":
        return year
    day = f"((EPOCH_US({clock}) + {_AFTER_YEAR_0 * DAY_US}) // {DAY_US})"
    return f"({day} // 7)" if by == "week" else day


def current_run(sql: Sql, by: str, latest: str, now: str) -> str:
    """The length of the latest run when it goes on: it reaches the unit of the last instant, or the one before."""
    last = unit(sql, by, f"({now} - INTERVAL 1 MICROSECOND)")
    goes_on = f"{last} - ({latest} >> {RUN_BITS}) <= 1"
    return f"(CASE WHEN {goes_on} THEN {latest} & {2**RUN_BITS - 1} ELSE 0 END)"


def _rows(events: EventSql, selection: Selection, among: str | None, *more: str) -> str:
    people = "ix IS NOT NULL" if among is None else f"ix IN (SELECT ix FROM {quoted(among)})"
    return both([events.filter(selection), people, *more])


def run_steps(
    name: str, by: str, selection: Selection, events: EventSql, among: str | None, *, latest: bool
) -> list[Step]:
    """The length of the longest run of units; or the `latest` run, see RUN_BITS."""
    number = unit(events.sql, by, "ts")
    value = f"MAX((last << {RUN_BITS}) + n)" if latest else "MAX(n)"
    return [
        Step(
            f"{name}_units",
            f"SELECT DISTINCT ix, {number} AS unit FROM events WHERE {_rows(events, selection, among)}",
        ),
        Step(
            f"{name}_runs",
            "SELECT ix, COUNT(*) AS n, MAX(unit) AS last FROM (\n"
            "  SELECT ix, unit, unit - ROW_NUMBER() OVER (PARTITION BY ix ORDER BY unit) AS run\n"
            f"  FROM {name}_units) GROUP BY ix, run",
        ),
        Step(name, f"SELECT ix, {value} AS value FROM {name}_runs GROUP BY ix"),
    ]


def usual_steps(
    name: str, part: str, least: int, selection: Selection, events: EventSql, among: str | None
) -> list[Step]:
    """The commonest hour or weekday; of several the smallest, of fewer than `least` events none."""
    value = f"EXTRACT({part} FROM {local(events.sql, 'ts')})"
    counted = (
        f"SELECT ix, {value} AS value, COUNT(*) AS n FROM events WHERE {_rows(events, selection, among)}"
    )
    return [
        Step(f"{name}_counts", f"{counted} GROUP BY ALL"),
        Step(
            name,
            f"SELECT ix, CAST(ARG_MIN(value, ROW(-n, value)) AS BIGINT) AS value FROM {name}_counts\n"
            f"GROUP BY ix HAVING SUM(n) >= {events.sql.bind(least)}",
        ),
    ]


def rank_steps(
    name: str, nth: int, column: str, selection: Selection, events: EventSql, among: str | None
) -> list[Step]:
    """The nth commonest value; of several equally common ones the smaller comes first."""
    rows = _rows(events, selection, among, f"{column} IS NOT NULL")
    place = "ROW_NUMBER() OVER (PARTITION BY ix ORDER BY n DESC, value)"
    return [
        Step(
            f"{name}_counts",
            f"SELECT ix, {column} AS value, COUNT(*) AS n FROM events WHERE {rows} GROUP BY ALL",
        ),
        Step(f"{name}_places", f"SELECT ix, value, {place} AS place FROM {name}_counts"),
        Step(name, f"SELECT ix, value FROM {name}_places WHERE place = {events.sql.bind(nth)}"),
    ]


def top_steps(
    name: str, n: int, column: str, selection: Selection, events: EventSql, among: str | None
) -> list[Step]:
    """The n commonest texts as a JSON list, ordered as ranks are."""
    ranks = rank_steps(name, n, column, selection, events, among)[:-1]
    listed = "CAST(TO_JSON(LIST(value ORDER BY place)) AS VARCHAR)"
    some = f"FROM {name}_places WHERE place <= {events.sql.bind(n)} GROUP BY ix"
    return [*ranks, Step(name, f"SELECT ix, {listed} AS value {some}")]


def delay_steps(
    name: str, first: Selection, then: Selection, events: EventSql, among: str | None
) -> list[Step]:
    """Whole days from the first event to the first `then` strictly later."""
    return [
        Step(
            f"{name}_first",
            f"SELECT ix, MIN(ts) AS at FROM events WHERE {_rows(events, first, among)} GROUP BY ix",
        ),
        Step(
            f"{name}_then",
            f"SELECT ix, ts FROM events WHERE {_rows(events, then, among)}",
        ),
        Step(
            name,
            f"SELECT a.ix, (EPOCH_US(MIN(b.ts)) - EPOCH_US(a.at)) // {DAY_US} AS value\n"
            f"FROM {name}_first AS a JOIN {name}_then AS b ON b.ix = a.ix AND b.ts > a.at GROUP BY a.ix, a.at",
        ),
    ]


def bounded_steps(
    name: str,
    which: str,
    bound: Selection,
    asked: Selection,
    events: EventSql,
    among: str | None,
    *,
    after: bool,
) -> list[Step]:
    """The rows of `events` that are asked for and lie strictly after (or before) the person's own bound."""
    extreme = "MIN" if which == "first" else "MAX"
    return [
        Step(
            f"{name}_bound",
            f"SELECT ix, {extreme}(ts) AS at FROM events WHERE {_rows(events, bound, among)} GROUP BY ix",
        ),
        Step(
            f"{name}_events",
            f"SELECT a.* FROM (SELECT * FROM events WHERE {_rows(events, asked, among)}) AS a\n"
            f"JOIN {name}_bound AS b ON b.ix = a.ix AND a.ts {'>' if after else '<'} b.at",
        ),
    ]


def day_of(sql: Sql, instant: str) -> str:
    """The date on which the instant lies in the workspace's zone."""
    return f"CAST({local(sql, instant)} AS DATE)"


def age(born: str, today: str) -> str:
    """Whole years between two dates; NULL when the first is the later. Born on 29 February: 1 March elsewhere."""

    def in_year(day: str) -> str:
        return f"EXTRACT(MONTH FROM {day}) * 100 + EXTRACT(DAY FROM {day})"

    before = f"{in_year(today)} < {in_year(born)}"
    years = f"EXTRACT(YEAR FROM {today}) - EXTRACT(YEAR FROM {born}) - (CASE WHEN {before} THEN 1 ELSE 0 END)"
    return f"(CASE WHEN {born} <= {today} THEN {years} END)"


def anniversary(sql: Sql, born: str, today: str) -> str:
    """When the day of the date comes round next, today included: the beginning of that day, naive UTC."""

    def of(year: str) -> str:
        month = f"EXTRACT(MONTH FROM {born})"
        return f"(MAKE_DATE({year}, {month}, 1) + CAST(EXTRACT(DAY FROM {born}) - 1 AS INTEGER))"

    year = f"EXTRACT(YEAR FROM {today})"
    day = f"(CASE WHEN {of(year)} >= {today} THEN {of(year)} ELSE {of(f'({year} + 1)')} END)"
    begins = f"TIMEZONE('UTC', TIMEZONE({sql.bind(sql.zone)}, CAST({day} AS TIMESTAMP)))"
    return f"(CASE WHEN {born} <= {today} THEN {begins} END)"
