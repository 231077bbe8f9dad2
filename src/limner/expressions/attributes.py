"""Attributes in SQL: the value at `as_of`, and since when a condition about it has held.

Rows set, set once or unset a name. In the order of (ts, id): `set` gives the value, `unset` removes it,
`once` gives a value only where none is.
"""

from __future__ import annotations

from limner.engine.seam import Step, quoted
from limner.expressions.sql import Sql, both


def json_at(path: tuple[str, ...], column: str, sql: Sql) -> str:
    """The JSON at the path inside an attribute's value; the path's first step is the attribute itself."""
    if len(path) == 1:
        return column
    pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path[1:])
    return f"JSON_EXTRACT({column}, {sql.bind(pointer)})"


def _rows(name: str, sql: Sql, among: str | None, *more: str) -> str:
    people = "ix IS NOT NULL" if among is None else f"ix IN (SELECT ix FROM {quoted(among)})"
    return both([f"name = {sql.bind(name)}", f"ts < {sql.bind(sql.as_of)}", people, *more])


def attribute_steps(alias: str, name: str, sql: Sql, among: str | None) -> list[Step]:
    """Steps that end in `alias`: (ix, value JSON) of everybody who has the attribute at `as_of`."""
    held = (
        "SELECT ix, MAX(ROW(ts, id)) AS place, ARG_MAX(mode, ROW(ts, id)) AS mode,\n"
        "  ARG_MAX(CASE WHEN mode = 'set' THEN value END, ROW(ts, id)) AS value\n"
        f"FROM attributes WHERE {_rows(name, sql, among, _NOT_ONCE)}\nGROUP BY ix"
    )
    once = (
        "SELECT o.ix, ARG_MIN(o.value, ROW(o.ts, o.id)) AS value\n"
        f"FROM (SELECT ix, ts, id, value FROM attributes WHERE {_rows(name, sql, among, _ONCE)}) AS o\n"
        f"LEFT JOIN {alias}_held AS h ON h.ix = o.ix\n"
        "WHERE h.ix IS NULL OR (h.mode = 'unset' AND ROW(o.ts, o.id) > h.place)\nGROUP BY o.ix"
    )
    both_kinds = (
        f"SELECT ix, value FROM {alias}_held WHERE mode = 'set'\nUNION ALL SELECT ix, value FROM {alias}_once"
    )
    return [Step(f"{alias}_held", held), Step(f"{alias}_once", once), Step(alias, both_kinds)]


_ONCE = "mode = 'once'"
_NOT_ONCE = "mode <> 'once'"


def history_steps(alias: str, name: str, test: str, sql: Sql, among: str | None) -> list[Step]:
    """Steps that end in `alias`: (ix, since) of everybody for whom the test of `value` holds at `as_of`.

    `since` is when it began to hold without interruption.
    """
    rows = (
        "SELECT ix, ts, id, mode, value,\n"
        "  COUNT(*) FILTER (WHERE mode <> 'once') OVER earlier AS era\n"
        f"FROM attributes WHERE {_rows(name, sql, among)}\n"
        "WINDOW earlier AS (PARTITION BY ix ORDER BY ts, id ROWS UNBOUNDED PRECEDING)"
    )
    # An era begins with a set or unset (or with nothing); its first `once` counts unless it began with a set.
    effective = (
        "SELECT ix, ts, id, CASE WHEN mode <> 'unset' THEN value END AS value FROM (\n"
        "  SELECT *, FIRST_VALUE(mode) OVER era AS began, ROW_NUMBER() OVER era AS nth\n"
        f"  FROM {alias}_rows WINDOW era AS (PARTITION BY ix, era ORDER BY ts, id))\n"
        "WHERE mode <> 'once' OR (began = 'unset' AND nth = 2) OR (began = 'once' AND nth = 1)"
    )
    tested = (
        f"SELECT ix, ts, ({test}) IS TRUE AS holds,\n"
        "  ROW_NUMBER() OVER (PARTITION BY ix ORDER BY ts, id) AS nth\n"
        f"FROM {alias}_effective"
    )
    broken = f"SELECT ix, MAX(nth) FILTER (WHERE NOT holds) AS nth FROM {alias}_tested GROUP BY ix"
    since = (
        f"SELECT t.ix, MIN(t.ts) AS since FROM {alias}_tested AS t JOIN {alias}_broken AS b ON b.ix = t.ix\n"
        "WHERE t.nth > COALESCE(b.nth, 0)\nGROUP BY t.ix"
    )
    return [
        Step(f"{alias}_rows", rows),
        Step(f"{alias}_effective", effective),
        Step(f"{alias}_tested", tested),
        Step(f"{alias}_broken", broken),
        Step(alias, since),
    ]
