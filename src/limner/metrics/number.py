"""A metric's number over a period: of everybody, and by one to three tags. Publishes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from limner.engine.seam import Engine, Query, Step, Transaction, quoted
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.check import check_value
from limner.expressions.compile import statistics
from limner.expressions.compiler import Cases, Scores
from limner.expressions.happenings import EventSql
from limner.expressions.sql import Bound, Sql
from limner.metrics.model import Metric, measure_of, parts_of
from limner.types import MONEY_SCALE, ValueType, naive, utc

MOST_TAGS = 3
MOST_ROWS = 1_000


@dataclass(frozen=True)
class Number:
    """What the metric is of some people over the period.

    `values`: their values of the tags that were asked for, None = without; `people`: how many they are, `active` how
    many of them did anything that counts; `parts`: what adds up (of a ratio two: what is divided, and by what);
    `value`: the metric itself, None when it is divided by 0. Money is in units.
    """

    values: tuple[Any, ...]
    people: int
    active: int
    parts: tuple[float, ...]
    value: float | None


def number(
    metric: Metric,
    reads: Engine | Transaction,
    *,
    catalog: Catalog,
    first: datetime,
    last: datetime,
    now: datetime,
    by: Sequence[str] = (),
) -> tuple[Number, list[Number], bool]:
    """The number of everybody over [first, last), its rows by the tags, the greatest first, and whether there are more.

    The rows are of the people who have these values of the tags `now`, as published, and add up to everybody; at most
    MOST_ROWS are told. Raises ExpressionError.
    """
    return _number_in(
        metric, t.FromTo(_instant(first), _instant(last)), reads, catalog=catalog, as_of=now, by=by
    )


def number_at(
    metric: Metric,
    window: t.Window | None,
    reads: Engine | Transaction,
    *,
    catalog: Catalog,
    as_of: datetime,
    where: t.Expr | None = None,
) -> Number:
    """The number in the window before the instant, of the people for whom the condition holds then; None: of everybody.

    Raises ExpressionError.
    """
    return _number_in(metric, window, reads, catalog=catalog, as_of=as_of, where=where)[0]


def _number_in(
    metric: Metric,
    window: t.Window | None,
    reads: Engine | Transaction,
    *,
    catalog: Catalog,
    as_of: datetime,
    by: Sequence[str] = (),
    where: t.Expr | None = None,
) -> tuple[Number, list[Number], bool]:
    parts = [replace(part, window=window) for part in parts_of(measure_of(metric.measure))]
    scales = [MONEY_SCALE if check_value(part, catalog) is ValueType.MONEY else 1 for part in parts]
    counted: dict[str, t.Value | Cases | Scores] = {f"part_{place}": part for place, part in enumerate(parts)}
    counted |= {
        f"active_{place}": t.Aggregate("count", part.event, window=window) for place, part in enumerate(parts)
    }
    counted |= {f"tag_{place}": t.Name(key) for place, key in enumerate(by)}
    if where is not None:
        counted["chosen"] = Cases(((where, t.Flag(True)),), t.Flag(False), ValueType.FLAG)
    query = statistics(counted, catalog, as_of)
    sums = ", ".join(
        f"SUM(CAST(part_{place} AS DECIMAL(38, 6))) AS sum_{place}" for place in range(len(parts))
    )
    active = " OR ".join(f"active_{place} > 0" for place in range(len(parts)))
    keys = [f"tag_{place}" for place in range(len(by))]
    grouped = f"GROUPING SETS (({', '.join(map(quoted, keys))}), ())" if keys else "()"
    final = (
        f"SELECT {''.join(f'{quoted(key)}, ' for key in keys)}{_all(keys)} AS everybody, COUNT(*) AS people,\n"
        f"  COUNT(*) FILTER (WHERE {active}) AS active, {sums}\nFROM each_person"
        f"{'' if where is None else ' WHERE chosen'} GROUP BY {grouped}\n"
        f"ORDER BY everybody DESC, sum_0 DESC, people DESC{''.join(f', {quoted(key)}' for key in keys)}\n"
        f"LIMIT {MOST_ROWS + 2}"
    )
    asked = Query((Step("each_person", query.sql),), final, query.values)
    rows = [_number(row, keys, scales) for row in reads.read(asked.sql, asked.values).to_pylist()]
    total = rows[0] if rows else Number((), 0, 0, tuple(0.0 for _ in parts), None)
    return replace(total, values=()), rows[1 : MOST_ROWS + 1], len(rows) > MOST_ROWS + 1


def _all(keys: Sequence[str]) -> str:
    return f"GROUPING({', '.join(map(quoted, keys))}) > 0" if keys else "TRUE"


def _number(row: dict[str, Any], keys: Sequence[str], scales: Sequence[int]) -> Number:
    parts = tuple(float(row[f"sum_{place}"] or 0) / scale for place, scale in enumerate(scales))
    value: float | None = parts[0]
    if len(parts) == 2:
        value = None if parts[1] == 0 else parts[0] / parts[1]
    values = tuple(row[key] for key in keys)
    return Number(values, int(row["people"]), int(row["active"]), parts, value)


def _instant(at: datetime) -> t.Instant:
    return t.Instant(utc(at).isoformat().replace("+00:00", "Z"))


def of_nobody(
    metric: Metric, reads: Engine | Transaction, *, catalog: Catalog, first: datetime, last: datetime
) -> int:
    """How many events of the metric in the period name nobody: they are in no person's number."""
    bind = Bound()
    events = EventSql(Sql(bind, naive(last), catalog.zone), catalog)
    bounds = (naive(first), naive(last))
    selections = [events.selection(part.event, bounds) for part in parts_of(measure_of(metric.measure))]
    tests = " OR ".join(f"({events.filter(selection)})" for selection in selections)
    found = reads.read(f"SELECT COUNT(*) AS n FROM events WHERE ix IS NULL AND ({tests})", bind.values)
    return int(found.column(0)[0].as_py())
