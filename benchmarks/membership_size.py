"""How many bytes the history of memberships takes: a change of one person in one tag or audience, on disk.

    python -m benchmarks.membership_size [--people 20000] [--tags 30] [--days 30]

A tenth of everybody's values change each day, as runs write them: by tag, in the order of the people.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from limner.engine.duckdb import DuckDB
from limner.tags import changes, memberships, tables

VALUES = ("low", "middle", "high", None)


def main() -> int:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--tags", type=int, default=30)
    parser.add_argument("--days", type=int, default=30)
    given = parser.parse_args()
    chance = np.random.default_rng(1)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "engine.duckdb"
        engine = DuckDB(path)
        with engine.write() as tx:
            for statement in tables.TABLES.split(";"):
                if statement.strip():
                    tx.execute(statement)
            tx.execute("CREATE TABLE persons AS SELECT i::UINTEGER AS ix, NULL::UINTEGER AS merged_into,"
                       f" false AS erased FROM range({given.people}) AS r(i)")  # fmt: skip
        with engine.paused():
            empty = path.stat().st_size
        held = np.full((given.tags, given.people), 3)
        total = 0
        for day in range(given.days):
            run = uuid.uuid4().hex
            with engine.write() as tx:
                for tag in range(given.tags):
                    who = np.flatnonzero(chance.random(given.people) < (1 if day == 0 else 0.1))
                    new = chance.integers(0, 4, len(who))
                    who, new = who[new != held[tag, who]], new[new != held[tag, who]]
                    before, after = (
                        pa.array([VALUES[code] for code in codes], pa.string())
                        for codes in (held[tag, who], new)
                    )
                    held[tag, who] = new
                    found = changes.Changed(who.astype(np.uint32), before, after)
                    at = start + timedelta(days=day)
                    total += changes.write(tx, found, subject=f"tag:t{tag}", ts=at, run=run, cause="refresh")
        with engine.paused():
            size = path.stat().st_size - empty
        began = time.perf_counter()
        at = start + timedelta(days=given.days // 2)
        count = len(memberships.members(engine, "tag:t0", at, value="high"))
        members = time.perf_counter() - began
        began = time.perf_counter()
        starts = [start + timedelta(days=day) for day in range(given.days)]
        memberships.flows(engine, "tag:t0", starts, now=starts[-1] + timedelta(hours=1))
        days = time.perf_counter() - began
        engine.close()
    print(f"{total:,} changes, {size:,} bytes: {size / total:.1f} bytes a change")
    print(
        f"who had it on a day ({count:,} people) {members * 1000:.0f} ms, {given.days} days {days * 1000:.0f} ms"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
