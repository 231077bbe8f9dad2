"""How long it takes to find the best hours of a million people for a campaign, and everybody's habit before it.

python -m benchmarks.best_hours [--people 1000000] [--events 20000000]
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.measure import machine
from limner.campaigns import best_hour
from limner.campaigns.rules import Hours
from limner.engine.duckdb import DuckDB
from limner.touches import habits
from limner.workspace.workspace import make_tables

NOW = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
PART = 500_000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=1_000_000)
    options.add_argument("--events", type=int, default=20_000_000)
    given = options.parse_args()
    engine = DuckDB(None)
    make_tables(engine)
    with engine.write() as tx:
        tx.execute(
            "INSERT INTO events (id, name_i, ts, received_at, ix) SELECT range, 1,"
            f" MAKE_TIMESTAMP({best_hour.micros(NOW)} - (random() * 180 * 86400e6)::BIGINT), NOW()::TIMESTAMP,"
            f" (random() * {given.people - 1})::UINTEGER FROM range({given.events})"
        )
        tx.execute(
            "INSERT INTO attributes (id, ix, name, ts, received_at, mode, kind, value) SELECT range, range, 'timezone',"
            " TIMESTAMP '2025-01-01', TIMESTAMP '2025-01-01', 'set', 'declared',"
            " LIST_VALUE('\"Asia/Shanghai\"', '\"Europe/Berlin\"', '\"America/New_York\"')[range % 3 + 1]"
            f" FROM range({given.people})"
        )
    hours, usual = Hours(), ZoneInfo("Asia/Shanghai")
    ask = partial(habits.counted, engine, which="e.name_i = 1", half_life=hours.half_life, now=NOW)
    began, used = time.perf_counter(), time.process_time()
    everybody = np.arange(given.people, dtype=np.uint32)
    there = habits.clocks(engine, everybody, usual=usual, now=NOW)
    zones = time.perf_counter() - began
    crowd = ask(everybody, np.zeros(given.people, dtype=np.int64), there, number=1)
    shares = best_hour.others(crowd.weighted[0], None, prior=hours.prior)
    whole, whole_used = time.perf_counter() - began, time.process_time() - used
    due = 0
    began, used = time.perf_counter(), time.process_time()
    for start in range(0, given.people, PART):
        ixs = everybody[start : start + PART]
        clocks = habits.clocks(engine, ixs, usual=usual, now=NOW)
        own = ask(ixs, np.arange(len(ixs)), clocks, number=len(ixs))
        seen = own.n.sum(axis=1)
        scores = best_hour.scores(
            own.weighted, seen, seen >= hours.least, shares[None, :], prior=hours.prior, band=hours.band
        )
        for number, zone in enumerate(clocks.zones):
            opened = best_hour.openings(NOW, timedelta(hours=24), zone, lambda _at: False)
            due += len(best_hour.chosen(scores[clocks.of == number], opened)[0])
    took, took_used = time.perf_counter() - began, time.process_time() - used
    print(f"{given.people:,} people, {given.events:,} events in half a year ({machine()})")
    print(
        f"  everybody's habit, once an hour: {whole:.1f} s (their zones {zones:.1f} s), processor {whole_used:.1f} s"
    )
    print(f"  the hour of each of {due:,} people: {took:.1f} s, processor {took_used:.1f} s")


if __name__ == "__main__":
    main()
