"""From an event in the engine to its tags, in steps of real time, while a reader asks.

    python -m benchmarks.freshness [--people 1000000] [--events 20000000] [--batch 4000] [--steps 50]

Twenty statistic tags without percentiles. Every step inserts a batch of events (what 20,000 events a second are in
0.2 s), moves all tags on, and is compared at the end with computing anew. The time is that of the step alone, by the
wall and by the processor: on a busy machine only the second tells.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

import numpy as np

from benchmarks.full_refresh import AS_OF, shop
from benchmarks.measure import machine
from limner.columns import Column
from limner.engine.duckdb import DuckDB
from limner.tags import realtime
from limner.tags.graph import build
from limner.tags.run import run
from limner.types import naive

MANY = 20


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=1_000_000)
    options.add_argument("--events", type=int, default=20_000_000)
    options.add_argument("--batch", type=int, default=4_000)
    options.add_argument("--steps", type=int, default=50)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="limner-bench-"))
    try:
        engine, every, catalog = shop(folder, people=given.people, events=given.events)
        tags = dict(list(every.items())[:MANY])
        graph = build(tags, catalog.audience)
        first = run(
            engine, tags, catalog=catalog, as_of=AS_OF, run_id="first", columns_dir=folder / "columns"
        )
        columns, as_of, standing = first.columns, AS_OF, None
        stop, reads = threading.Event(), []

        def reader() -> None:
            while not stop.is_set():
                began = time.perf_counter()
                engine.read("SELECT COUNT(*) FROM tag_orders_30d WHERE value >= 2")
                reads.append(time.perf_counter() - began)
                time.sleep(0.05)

        beside = threading.Thread(target=reader)
        beside.start()
        wall, processor = [], []
        for number in range(1, given.steps + 1):
            as_of += timedelta(seconds=0.2)
            insert(engine, number, people=given.people, events=given.batch)
            began, used = time.perf_counter(), time.process_time()
            report = realtime.step(
                engine,
                graph,
                catalog=catalog,
                as_of=as_of,
                run_id=f"step {number}",
                columns=columns,
                standing=standing,
            )
            wall.append(time.perf_counter() - began)
            processor.append(time.process_time() - used)
            if report is None:
                raise SystemExit("a step could not be taken")
            columns, standing = report.columns, report.standing
        stop.set()
        beside.join()
        anew = run(
            engine,
            tags,
            catalog=catalog,
            as_of=as_of,
            run_id="anew",
            columns_dir=folder / "columns",
            full=True,
        )
        differ = [key for key in tags if not alike(columns[key], anew.columns[key])]
        if differ:
            raise SystemExit(f"values differ in {', '.join(differ)}")
        print(
            f"{MANY} tags, {given.people:,} people, {given.events:,} events, {given.batch:,} a step ({machine()})"
        )
        for name, taken in (("step, wall", wall), ("step, processor", processor), ("a reader beside", reads)):
            p50, p95 = np.percentile(taken, (50, 95))
            print(f"  {name:<16} p50 {1000 * p50:6.0f} ms   p95 {1000 * p95:6.0f} ms")
        print("  every value is equal to computing anew")
    finally:
        shutil.rmtree(folder)


def alike(one: Column, other: Column) -> bool:
    """Whether everybody has the same value in both; labels that nobody has do not count."""
    return np.array_equal(one.known, other.known) and np.array_equal(one.known_values(), other.known_values())


def insert(engine: DuckDB, number: int, *, people: int, events: int) -> None:
    """One more load of events within the last 0.2 s."""
    start = naive(AS_OF + timedelta(seconds=0.2 * (number - 1)))
    with engine.write() as tx:
        tx.execute("UPDATE log_position SET load_i = $load", {"load": number})
        tx.execute(
            f"""
            INSERT INTO events (id, name_i, ts, received_at, source_i, ix, p_0, p_1, p_2, load_i)
            SELECT (range + {10_000_000_000 + number * 1_000_000})::HUGEINT, name_i, $start, $start, 1,
                   (POW(random(), 1.5) * {people})::UINTEGER % {people},
                   CASE WHEN name_i = 4 THEN 990000 END,
                   CASE WHEN name_i IN (1, 2, 4) THEN 'category ' || (random() * 40)::INT END,
                   'channel ' || (random() * 5)::INT, $load
            FROM (SELECT range, (random() * 4)::INT AS name_i FROM range({events}))
            """,
            {"start": start, "load": number},
        )


if __name__ == "__main__":
    main()
