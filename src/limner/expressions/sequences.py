"""Sequences and regular behaviour in SQL: each gives the people (a column `ix`) for whom it is true."""

from __future__ import annotations

from limner.engine.seam import Step, quoted
from limner.expressions import tree as t
from limner.expressions.happenings import EventSql, Selection, code_in
from limner.expressions.sql import both
from limner.expressions.windows import bounds


def _people(among: str | None) -> str:
    return "ix IS NOT NULL" if among is None else f"ix IN (SELECT ix FROM {quoted(among)})"


def sequence_steps(node: t.Sequence, name: str, events: EventSql, among: str | None) -> list[Step]:
    """Steps that end in `name`: everybody who did the first event in its window and then each step.

    Each event of a step takes the latest chain that ended strictly before it. `within` counts from the chain's
    first event, so a chain that began later is never worse; later chains begin no earlier.
    """
    sql = events.sql
    asked = [(node.first, node.window), *((step.event, None) for step in node.steps)]
    if node.without is not None:
        asked.append((node.without, None))
    selections = [
        events.selection(event, bounds(window, as_of=sql.as_of, zone=sql.zone)) for event, window in asked
    ]
    low = selections[0].low  # nothing that was before the first event is asked for
    since = "" if low is None else f"ts >= {sql.bind(low)}"
    steps: list[Step] = []
    if among is None:
        found = [both([events.filter(one), since, _people(among)]) for one in selections]
        rows = [f"SELECT ix, ts FROM events WHERE {test}" for test in found]
    else:  # few people: their events are looked for once
        tests = [events.filter(one, as_of=False) for one in selections]
        kept = ", ".join(f"{test} AS is_{i}" for i, test in enumerate(tests))
        codes = [one.codes for one in selections]
        named = ""
        if all(one is not None for one in codes):
            named = code_in(sql, {code for one in codes for code in one or ()})
        some = f"({' OR '.join(tests)})" if any(one.where for one in selections) else ""
        where = both([named, f"ts < {sql.bind(sql.as_of)}", since, some, _people(among)])
        steps.append(Step(f"{name}_rows", f"SELECT ix, ts, {kept} FROM events WHERE {where}"))
        rows = [f"SELECT ix, ts FROM {name}_rows WHERE is_{i}" for i in range(len(tests))]
    steps.append(Step(f"{name}_0", f"SELECT ix, ts AS began, ts FROM ({rows[0]})"))
    for i, step in enumerate(node.steps, 1):
        within = ""
        if step.within is not None:
            reach = sql.bind(step.within.seconds * 1_000_000)
            within = f"\nWHERE EPOCH_US(b.ts) - EPOCH_US(a.began) <= {reach}"
        steps.append(
            Step(
                f"{name}_{i}",
                f"SELECT b.ix, a.began, b.ts FROM ({rows[i]}) AS b\n"
                f"ASOF JOIN {name}_{i - 1} AS a ON b.ix = a.ix AND b.ts > a.ts{within}",
            )
        )
    last = f"{name}_{len(node.steps)}"
    if node.without is None:
        steps.append(Step(name, f"SELECT DISTINCT ix FROM {last}"))
    else:
        steps.append(
            Step(
                name,
                f"SELECT DISTINCT a.ix FROM {last} AS a\n"
                f"ASOF LEFT JOIN ({rows[-1]}) AS b ON a.ix = b.ix AND a.began < b.ts\n"
                "WHERE b.ts IS NULL OR b.ts >= a.ts",
            )
        )
    return steps


def regular_steps(
    node: t.Regularly, least: int, selection: Selection, name: str, events: EventSql, among: str | None
) -> list[Step]:
    """Steps that end in `name`: everybody with enough periods in which the event happened `least` times."""
    sql = events.sql
    period = sql.bind(node.each.seconds * 1_000_000)
    index = f"(EPOCH_US({sql.bind(sql.as_of)}) - 1 - EPOCH_US(ts)) // {period}"
    counted = (
        f"SELECT ix, {index} AS period, COUNT(*) AS n FROM events\n"
        f"WHERE {both([events.filter(selection), _people(among)])}\nGROUP BY ALL"
    )
    chosen = (
        f"SELECT ix FROM {name}_counts WHERE n >= {sql.bind(least)}\n"
        f"GROUP BY ix HAVING COUNT(*) >= {sql.bind(node.least)}"
    )
    return [Step(f"{name}_counts", counted), Step(name, chosen)]
