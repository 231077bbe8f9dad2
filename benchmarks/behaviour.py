"""A behavioural audience over all events: Limner beside hand-written DuckDB SQL and ClickHouse (where it is installed).

    python -m benchmarks.behaviour [--people 1000000] [--events 20000000] [--rounds 3]

Two counts, three steps within seven days, and a negation. DuckDB: ENUMs, one pass for the counts, two windows for the
steps. ClickHouse in process (`pip install chdb`): a MergeTree by person and time, its `windowFunnel`. All give the
same number of people. Then the same audience after one of its bounds was changed, as the builder asks for it.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from benchmarks.full_refresh import AS_OF, NAMES, shop
from benchmarks.measure import compare, machine, show
from limner.audiences.conditions import Data, measure
from limner.audiences.evaluate import count
from limner.audiences.leaves import Leaves
from limner.expressions import parse

AUDIENCE = (
    'did "$page" at least {0} times in last 30 days and did "Product Viewed" at least 2 times in last 90 days'
    ' and did "Product Viewed" in last 90 days then "Product Added" within 7 days then "Order Paid" within 7 days'
    " and not did Searched in last 30 days"
)
COUNTS = """
    SELECT ix FROM tuned GROUP BY ix
    HAVING COUNT(*) FILTER (name = '$page' AND ts >= TIMESTAMP '2026-03-12') >= 3
       AND COUNT(*) FILTER (name = 'Product Viewed' AND ts >= TIMESTAMP '2026-01-11') >= 2
       AND COUNT(*) FILTER (name = 'Searched' AND ts >= TIMESTAMP '2026-03-12') = 0
"""
STEPS = """
    SELECT DISTINCT ix FROM (
        SELECT ix, ts, name, MAX(began) FILTER (name = 'Product Added') OVER earlier AS began FROM (
            SELECT ix, ts, name, CASE WHEN name = 'Product Added' THEN
                   MAX(ts) FILTER (name = 'Product Viewed' AND ts >= TIMESTAMP '2026-01-11') OVER earlier END AS began
            FROM tuned WHERE name IN ('Product Viewed', 'Product Added', 'Order Paid')
            WINDOW earlier AS (PARTITION BY ix ORDER BY ts RANGE BETWEEN UNBOUNDED PRECEDING
                               AND INTERVAL '1 microsecond' PRECEDING)
        ) WHERE name <> 'Product Added' OR ts - began <= INTERVAL 7 DAY
        WINDOW earlier AS (PARTITION BY ix ORDER BY ts RANGE BETWEEN UNBOUNDED PRECEDING
                           AND INTERVAL '1 microsecond' PRECEDING)
    ) WHERE name = 'Order Paid' AND ts - began <= INTERVAL 7 DAY
"""
FUNNEL = """
    SELECT count() FROM (
        SELECT ix FROM events GROUP BY ix
        HAVING countIf(name = '$page' AND ts >= '2026-03-12') >= 3
           AND countIf(name = 'Product Viewed' AND ts >= '2026-01-11') >= 2
           AND countIf(name = 'Searched' AND ts >= '2026-03-12') = 0
           AND windowFunnel(604800000000, 'strict_increase')(us,
                   name = 'Product Viewed' AND ts >= '2026-01-11', name = 'Product Added', name = 'Order Paid') = 3)
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=1_000_000)
    options.add_argument("--events", type=int, default=20_000_000)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="limner-bench-"))
    try:
        engine, _, catalog = shop(folder, people=given.people, events=given.events)
        file = folder / "events.parquet"
        pq.write_table(engine.read("SELECT ix, name_i, ts FROM events"), file)
        tuned = duckdb.connect(str(folder / "tuned.duckdb"))
        tuned.execute(f"CREATE TYPE event AS ENUM {NAMES}")
        tuned.execute(
            "CREATE TABLE tuned AS SELECT ix, enum_range(NULL::event)[name_i + 1]::event AS name, ts"
            f" FROM '{file}'"
        )
        tree = parse(AUDIENCE.format(3))

        def limner() -> int:
            return count(tree, catalog=catalog, engine=engine, columns=None, as_of=AS_OF)

        def duck() -> int:
            rows = tuned.sql(f"SELECT COUNT(*) FROM ({COUNTS} INTERSECT {STEPS})").fetchall()
            return int(rows[0][0])

        contestants: dict[str, Callable[[], int]] = {"Limner": limner, "hand-written DuckDB": duck}
        clickhouse = _clickhouse(folder, file)
        if clickhouse is None:
            print("chdb is not installed here: ClickHouse is left out")
        else:
            contestants["ClickHouse, windowFunnel"] = clickhouse
        counts = {name: ask() for name, ask in contestants.items()}
        if len(set(counts.values())) != 1:
            raise SystemExit(f"the counts differ: {counts}")
        seconds = compare(contestants, rounds=given.rounds)
        show(
            f"two counts, three steps, a negation over {given.events:,} events: {counts['Limner']:,} people",
            seconds,
            ours="Limner",
        )
        leaves = Leaves()
        data = Data(engine, catalog, None, None, {}, 1)
        for text in (AUDIENCE.format(3), AUDIENCE.format(4), AUDIENCE.format(4) + " and not did Searched"):
            began = time.perf_counter()
            measured = measure(parse(text), data, as_of=AS_OF, leaves=leaves)
            print(f"  the builder, {len(measured.who):,} people: {time.perf_counter() - began:.3f} s")
        print(machine())
    finally:
        shutil.rmtree(folder)


def _clickhouse(folder: Path, file: Path) -> Callable[[], int] | None:
    try:
        from chdb.session import Session
    except ImportError:
        return None
    session = Session(str(folder / "clickhouse"))
    names = ", ".join(f"'{name}' = {code}" for code, name in enumerate(NAMES))
    session.query(
        f"CREATE TABLE events (ix UInt32, name Enum8({names}), ts DateTime64(6, 'UTC'), us UInt64)"
        " ENGINE = MergeTree ORDER BY (ix, ts)"
    )
    session.query(
        "INSERT INTO events SELECT ix, CAST(name_i AS Int8), ts, toUnixTimestamp64Micro(ts)"
        f" FROM file('{file}', Parquet)"
    )
    session.query("OPTIMIZE TABLE events FINAL")
    return lambda: int(str(session.query(FUNNEL, "CSV")).strip())


if __name__ == "__main__":
    main()
