"""Thirty statistic tags over 20 M events of 1 M people: Limner's full refresh beside hand-written DuckDB SQL.

    python -m benchmarks.full_refresh [--people 1000000] [--events 20000000] [--rounds 3]

Both read the same events in the same physical order (by day, then person and time). The hand-written side has
what a careful engineer would give it: ENUMs for repeated texts, packed integers for first/last, bit_or for
distinct categories, one pass. It writes one wide table. Limner's side is `tags.run`: one table per tag,
membership changes, and published columns; the time of its query alone is shown too. Values are compared.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.measure import compare, machine, show
from limner.engine.duckdb import DuckDB
from limner.expressions import parse, statistics
from limner.tags.model import Tag
from limner.tags.run import run
from limner.tags.text import read
from limner.workspace.catalog import WorkspaceCatalog
from limner.workspace.workspace import make_tables

AS_OF = datetime(2026, 4, 11, tzinfo=UTC)
NAMES = ("$page", "Product Viewed", "Product Added", "Searched", "Order Paid")

# key → (type, Limner's expression, the hand-written aggregate)
P, V, A, S, PAID = (f"name = '{name}'" for name in NAMES)
TAGS: dict[str, tuple[str, str, str]] = {}


def _windowed(key: str, kind: str, ours: str, theirs: str, days: tuple[int, ...]) -> None:
    for n in days:
        TAGS[f"{key}_{n}d"] = (kind, ours.format(f"in last {n} days"), theirs.format(f"d{n}"))


_windowed("pages", "number", "count($page {})", f"COUNT(*) FILTER ({P} AND {{}})", (7, 30, 90))
_windowed("views", "number", 'count("Product Viewed" {})', f"COUNT(*) FILTER ({V} AND {{}})", (7, 30, 90))
_windowed("added", "number", 'count("Product Added" {})', f"COUNT(*) FILTER ({A} AND {{}})", (7, 30))
_windowed("searches", "number", "count(Searched {})", f"COUNT(*) FILTER ({S} AND {{}})", (7, 30))
_windowed("orders", "number", 'count("Order Paid" {})', f"COUNT(*) FILTER ({PAID} AND {{}})", (7, 30, 90))
_windowed(
    "spent",
    "money",
    'sum(amount of "Order Paid" {})',
    f"SUM(amount) FILTER ({PAID} AND {{}})::BIGINT",
    (7, 30, 90),
)
_windowed(
    "most_paid", "money", 'max(amount of "Order Paid" {})', f"MAX(amount) FILTER ({PAID} AND {{}})", (30, 90)
)
_windowed(
    "least_paid", "money", 'min(amount of "Order Paid" {})', f"MIN(amount) FILTER ({PAID} AND {{}})", (90,)
)
_windowed(
    "categories", "number", 'distinct(category of "Product Viewed" {})',
    f"BIT_COUNT(BIT_OR(1::BIGINT << enum_code(category)) FILTER ({V} AND {{}}))", (30, 90),
)  # fmt: skip
TAGS |= {
    "events": ("number", "count(*)", "COUNT(*)"),
    "first_seen": ("instant", "first_time(*)", "MIN(ts)"),
    "last_seen": ("instant", "last_time(*)", "MAX(ts)"),
    "first_order": ("instant", 'first_time("Order Paid")', f"MIN(ts) FILTER ({PAID})"),
    "days_since_order": (
        "number", 'recency("Order Paid")', f"(86400000000 * 100 - MAX(us) FILTER ({PAID})) // 86400000000",
    ),
    "days_since_visit": ("number", "recency(*)", "(86400000000 * 100 - MAX(us)) // 86400000000"),
    "last_category": (
        "text", 'last(category of "Product Viewed")',
        f"enum_value(MAX(us * 64 + enum_code(category)) FILTER ({V}) % 64)",
    ),
    "first_channel": (
        "text", "first(channel of *)", "channel_value(MIN(us * 8 + enum_code(channel)) % 8)",
    ),
    "spent_total": ("money", 'sum(amount of "Order Paid")', f"SUM(amount) FILTER ({PAID})::BIGINT"),
}  # fmt: skip


def fill(engine: DuckDB, *, people: int, events: int) -> None:
    """The synthetic events, in the engine's own table."""
    with engine.write() as tx:
        for code, name in enumerate(NAMES):
            tx.execute("INSERT INTO names VALUES ($code, $name)", {"code": code, "name": name})
        for n, (name, kind, sql) in enumerate(
            (("amount", "money", "BIGINT"), ("category", "text", "VARCHAR"), ("channel", "text", "VARCHAR"))
        ):
            tx.execute(
                "INSERT INTO properties (name, type, col) VALUES ($name, $type, $col)",
                {"name": name, "type": kind, "col": f"p_{n}"},
            )
            tx.execute(f"ALTER TABLE events ADD COLUMN p_{n} {sql}")
        tx.execute(
            "INSERT INTO persons SELECT range::UINTEGER, 'p' || range, TIMESTAMP '2026-01-01', NULL, false"
            f" FROM range({people})"
        )
        tx.execute("SELECT setseed(0.42)")
        tx.execute(
            f"""
            INSERT INTO events (id, name_i, ts, received_at, source_i, ix, p_0, p_1, p_2)
            WITH drawn AS (
                SELECT range AS n, (POW(random(), 1.5) * {people})::UINTEGER % {people} AS ix, random() AS u,
                       (random() * 8640000000000)::BIGINT AS us, random() AS c, random() AS h, random() AS a
                FROM range({events})
            ), made AS (
                SELECT *, CASE WHEN u < 0.45 THEN 0 WHEN u < 0.83 THEN 1 WHEN u < 0.9 THEN 2
                               WHEN u < 0.96 THEN 3 ELSE 4 END AS name_i
                FROM drawn
            )
            SELECT n::HUGEINT, name_i, TIMESTAMP '2026-01-01' + to_microseconds(us),
                   TIMESTAMP '2026-01-01' + to_microseconds(us), 1, ix,
                   CASE WHEN name_i = 4 THEN (a * 5000000)::BIGINT + 10000 END,
                   CASE WHEN name_i IN (1, 2, 4) THEN 'category ' || (c * 40)::INT END,
                   'channel ' || (h * 5)::INT
            FROM made ORDER BY us // 86400000000, ix, us
            """
        )


def hand_written(connection: duckdb.DuckDBPyConnection) -> None:
    """One wide table of the same tags."""
    chosen = ",\n".join(f"{theirs} AS {key}" for key, (_, _, theirs) in TAGS.items())
    connection.execute(
        f"""
        CREATE OR REPLACE TABLE wide AS
        SELECT ix, {chosen}
        FROM (SELECT *, ts >= TIMESTAMP '2026-04-04' AS d7, ts >= TIMESTAMP '2026-03-12' AS d30,
                     ts >= TIMESTAMP '2026-01-11' AS d90,
                     epoch_us(ts) - epoch_us(TIMESTAMP '2026-01-01') AS us
              FROM tuned WHERE ts < TIMESTAMP '2026-04-11')
        GROUP BY ix
        """
    )


def shop(folder: Path, *, people: int, events: int) -> tuple[DuckDB, dict[str, Tag], WorkspaceCatalog]:
    """An engine with the synthetic events, the tags, and what their names mean."""
    engine = DuckDB(folder / "engine.duckdb")
    make_tables(engine)
    fill(engine, people=people, events=events)
    with engine.write() as tx:
        tx.execute("DELETE FROM log_position")
        tx.execute("INSERT INTO log_position SELECT 0, 0, 0")
    tags = {
        key: read(
            f"nature: fact\nmethod: statistic\ntype: {kind}\nstatistic: '{ours}'\nvalidity: 2 days\n", key
        )
        for key, (kind, ours, _) in TAGS.items()
    }
    return engine, tags, WorkspaceCatalog(engine, zone="UTC", sources={}, tags={}, audiences={})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=1_000_000)
    options.add_argument("--events", type=int, default=20_000_000)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="limner-bench-"))
    try:
        engine, tags, catalog = shop(folder, people=given.people, events=given.events)
        tuned = duckdb.connect(str(folder / "tuned.duckdb"))
        rows = engine.read(
            "SELECT ix, name_i, ts, p_0 AS amount, p_1 AS category, p_2 AS channel FROM events"
        )
        categories = sorted(set(rows.column("category").unique().drop_null().to_pylist()))
        channels = sorted(set(rows.column("channel").unique().to_pylist()))
        tuned.execute(f"CREATE TYPE category AS ENUM {tuple(categories)}")
        tuned.execute(f"CREATE TYPE channel AS ENUM {tuple(channels)}")
        tuned.execute(f"CREATE TYPE event AS ENUM {NAMES}")
        tuned.execute("CREATE MACRO enum_value(code) AS enum_range(NULL::category)[code + 1]")
        tuned.execute("CREATE MACRO channel_value(code) AS enum_range(NULL::channel)[code + 1]")
        tuned.register("given", rows)
        tuned.execute(
            "CREATE TABLE tuned AS SELECT ix, enum_range(NULL::event)[name_i + 1]::event AS name, ts, amount,"
            " category::category AS category, channel::channel AS channel FROM given"
        )
        tuned.unregister("given")
        del rows
        runs = iter(range(1_000_000))
        trees = {key: parse(ours) for key, (_, ours, _) in TAGS.items()}
        last: dict[str, float] = {}

        def ours() -> None:
            report = run(
                engine,
                tags,
                catalog=catalog,
                as_of=AS_OF,
                run_id=f"run{next(runs)}",
                columns_dir=folder / "columns",
                full=True,
            )
            last.update(report.seconds)

        def query() -> None:
            asked = statistics(trees, catalog, AS_OF)
            with engine.write() as tx:
                tx.execute(f"CREATE OR REPLACE TEMP TABLE probe AS {asked.sql}", asked.values)

        seconds = compare(
            {
                "limner full refresh": ours,
                "limner query alone": query,
                "hand-written": lambda: hand_written(tuned),
            },
            rounds=given.rounds,
        )
        show(
            f"{len(TAGS)} statistic tags, {given.people:,} people, {given.events:,} events ({machine()})",
            seconds, ours="limner full refresh",
        )  # fmt: skip
        print(
            f"  ratio limner query alone / hand-written: {seconds['limner query alone'] / seconds['hand-written']:.2f}"
        )
        print("  phases of the last refresh:", {name: round(value, 2) for name, value in last.items()})
        _same(engine, tuned, given.people)
    finally:
        shutil.rmtree(folder)


def _same(engine: DuckDB, tuned: duckdb.DuckDBPyConnection, people: int) -> None:
    """Both sides hold the same values; counts, sums and distinct counts of nothing are 0, all else is missing."""
    for key, (_, ours, _) in TAGS.items():
        zero = ours.startswith(("count(", "sum(", "distinct("))
        mine = engine.read(f"SELECT ix, value FROM tag_{key}")
        wide = tuned.sql(f"SELECT ix, {key} AS value FROM wide WHERE {key} IS NOT NULL").to_arrow_table()
        values = []
        for table in (mine, wide):
            held = np.full(people, 0 if zero else None, dtype=object)
            held[table.column("ix").to_numpy()] = table.column("value").to_pylist()
            values.append(held)
        differ = int((values[0] != values[1]).sum())
        if differ:
            raise SystemExit(f"{key}: {differ} values differ")
    print(f"  every value of {len(TAGS)} tags is equal")


if __name__ == "__main__":
    main()
