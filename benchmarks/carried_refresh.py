"""The daily refresh of thirty statistic tags: carried on from yesterday, beside computing them anew.

    python -m benchmarks.carried_refresh [--people 1000000] [--events 20000000] [--days 3]

Every day one hundredth of the events comes in, on time, and windows of 7, 30 and 90 days move on. Each day both are run
for the same instant, the carried one first, so that it writes the day's changes; every value of both is compared.
The time is that by the wall and by the processor: on a busy machine only the second tells.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import numpy as np

from benchmarks.full_refresh import AS_OF, TAGS, shop
from benchmarks.measure import machine
from limner.columns import Column
from limner.engine.duckdb import DuckDB
from limner.tags.run import RunReport, run
from limner.types import naive


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=1_000_000)
    options.add_argument("--events", type=int, default=20_000_000)
    options.add_argument("--days", type=int, default=3)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="limner-bench-"))
    try:
        engine, tags, catalog = shop(folder, people=given.people, events=given.events)

        def refreshed(day: int, name: str, *, full: bool) -> tuple[tuple[float, float], RunReport]:
            began, used = time.perf_counter(), time.process_time()
            report = run(
                engine,
                tags,
                catalog=catalog,
                as_of=AS_OF + timedelta(days=day),
                run_id=f"{name} {day}",
                columns_dir=folder / "columns",
                full=full,
            )
            return (time.perf_counter() - began, time.process_time() - used), report

        refreshed(0, "first", full=True)
        took: dict[str, list[tuple[float, float]]] = {"carried on": [], "anew": []}
        for day in range(1, given.days + 1):
            another_day(engine, day, people=given.people, events=given.events // 100)
            seconds, carried = refreshed(day, "carried", full=False)
            took["carried on"].append(seconds)
            kept = {key: carried.columns[key] for key in TAGS}
            assert carried.carried is not None
            print(
                f"day {day}: {carried.carried.touched:,} people touched, {carried.carried.anew:,} anew;"
                f" {carried.changes:,} changes; "
                + ", ".join(f"{k} {v:.2f}" for k, v in carried.seconds.items()),
                flush=True,
            )
            seconds, anew = refreshed(day, "anew", full=True)
            took["anew"].append(seconds)
            differ = [key for key in TAGS if not same(kept[key], anew.columns[key])]
            if differ:
                raise SystemExit(f"day {day}: values differ in {', '.join(differ)}")
        walls = {name: statistics.median(wall for wall, _ in seconds) for name, seconds in took.items()}
        used = {name: statistics.median(cpu for _, cpu in seconds) for name, seconds in took.items()}
        print(f"\n{len(TAGS)} statistic tags, {given.people:,} people, {given.events:,} events ({machine()})")
        for name, value in walls.items():
            print(f"  {name:<12} {value:8.2f} s, of the processor {used[name]:.2f} s")
        print(
            f"  ratio carried on / anew: {walls['carried on'] / walls['anew']:.2f},"
            f" of the processor {used['carried on'] / used['anew']:.2f}; every value is equal"
        )
    finally:
        shutil.rmtree(folder)


def another_day(engine: DuckDB, day: int, *, people: int, events: int) -> None:
    """One more load: a day's events."""
    start = naive(AS_OF + timedelta(days=day - 1))
    with engine.write() as tx:
        tx.execute("UPDATE log_position SET load_i = $day", {"day": day})
        tx.execute(f"SELECT setseed({day / 100})")
        tx.execute(
            f"""
            INSERT INTO events (id, name_i, ts, received_at, source_i, ix, p_0, p_1, p_2, load_i)
            WITH drawn AS (
                SELECT range + {1_000_000_000 * day} AS n, (POW(random(), 1.5) * {people})::UINTEGER % {people} AS ix,
                       (random() * 86400000000)::BIGINT AS us,
                       random() AS u, random() AS c, random() AS h, random() AS a
                FROM range({events})
            ), made AS (
                SELECT *, CASE WHEN u < 0.45 THEN 0 WHEN u < 0.83 THEN 1 WHEN u < 0.9 THEN 2
                               WHEN u < 0.96 THEN 3 ELSE 4 END AS name_i
                FROM drawn
            )
            SELECT n::HUGEINT, name_i, $start + to_microseconds(us), $start + to_microseconds(us), 1, ix,
                   CASE WHEN name_i = 4 THEN (a * 5000000)::BIGINT + 10000 END,
                   CASE WHEN name_i IN (1, 2, 4) THEN 'category ' || (c * 40)::INT END,
                   'channel ' || (h * 5)::INT, $day
            FROM made ORDER BY ix, us
            """,
            {"start": start, "day": day},
        )


def same(one: Column, other: Column) -> bool:
    """Whether everybody has the same value in both."""
    if not np.array_equal(one.known, other.known) or one.coded is not other.coded:
        return False
    if one.codes is None:
        return np.array_equal(one.known_values(), other.known_values())
    labels = [list(column.labels or ()) if not isinstance(column.labels, np.ndarray) else column.labels.tolist()
              for column in (one, other)]  # fmt: skip
    return labels[0] == labels[1] and np.array_equal(
        one.codes, other.codes if other.codes is not None else one.codes
    )


if __name__ == "__main__":
    main()
