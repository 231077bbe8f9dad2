"""Editing an audience of five nested conditions over 1 M people × 100 tags: how long until the new exact count.

    python -m benchmarks.audience_edit [--people 1000000] [--rounds 50]

Each edit changes one condition to what it never was before; the answer is the new count and what every part does to
it. "first" begins with nothing kept. numpy: the five conditions as they were edited, hand-written over the same codes,
for the count alone.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.measure import machine
from limner.audiences.conditions import Data, measure
from limner.audiences.leaves import Leaves
from limner.columns import Columns, Given, column
from limner.engine.duckdb import DuckDB
from limner.expressions import parse
from limner.expressions.tree import Expr
from limner.types import ValueType
from limner.workspace.catalog import WorkspaceCatalog

AS_OF = datetime(2026, 4, 11, tzinfo=UTC)
TEXT = (
    "t_0 = 'value 1' and (t_1 in ('value 0', 'value 2') or n_0 between {low} and {high}) "
    "and not (f_0 and not t_2 = 'value 4')"
)
TABLES = """
CREATE TABLE names (name VARCHAR, name_i USMALLINT);
CREATE TABLE properties (name VARCHAR, col VARCHAR, type VARCHAR);
CREATE TABLE attributes (name VARCHAR);
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=50)
    given = options.parse_args()
    n = given.people
    folder = Path(tempfile.mkdtemp(prefix="limner-bench-"))
    try:
        published = shop(folder / "columns", n)
        engine = DuckDB(None)
        with engine.write() as tx:
            for statement in TABLES.split(";")[:-1]:
                tx.execute(statement)
        keys = published.keys()
        tags = {key: (f"tag_{key}", published[key].type) for key in keys}
        names = WorkspaceCatalog(engine, zone="UTC", sources={}, tags=tags, audiences={})
        data = Data(engine, names, published, None, {}, engine.version)
        bounds = itertools.cycle((low, low + 60) for low in range(1, 120))

        def edited() -> tuple[Expr, int, int]:
            low, high = next(bounds)
            return parse(TEXT.format(low=low, high=high)), low, high

        first, edits, plain = [], [], []
        for _ in range(given.rounds):
            tree, low, high = edited()
            leaves = Leaves()
            began = time.perf_counter()
            measure(tree, data, as_of=AS_OF, leaves=leaves)
            first.append(time.perf_counter() - began)
            tree, low, high = edited()
            began = time.perf_counter()
            found = measure(tree, data, as_of=AS_OF, leaves=leaves)
            edits.append(time.perf_counter() - began)
            began = time.perf_counter()
            by_hand = numpy_count(published, low, high)
            plain.append(time.perf_counter() - began)
            if len(found.who) != by_hand:
                raise SystemExit(f"the counts differ: {len(found.who)} and {by_hand}")
        print(f"\n5 nested conditions, {n:,} people × 100 tags ({machine()})")
        rows = {
            "first count with effects": first,
            "count with effects after an edit": edits,
            "numpy, count only": plain,
        }
        for what, taken in rows.items():
            print(
                f"  {what:<42} {statistics.median(taken) * 1000:8.2f} ms, longest {max(taken) * 1000:8.2f} ms"
            )
        print(f"  ratio after an edit / numpy: {statistics.median(edits) / statistics.median(plain):.2f}")
    finally:
        shutil.rmtree(folder)


def shop(root: Path, n: int) -> Columns:
    """1 M people with 60 texts, 25 numbers and 15 flags; one in seven has no value of a text."""
    random = np.random.default_rng(5)
    ix = np.arange(n, dtype=np.uint32)
    made = {}
    for i in range(60):
        codes = random.integers(0, 7, n).astype(np.uint32)
        known = codes > 0
        given = Given(ValueType.TEXT, ix[known], codes[known], [f"value {k}" for k in range(6)])
        made[f"t_{i}"] = column(f"t_{i}", given, n)
    for i in range(25):
        values = random.integers(0, 200, n).astype(float)
        made[f"n_{i}"] = column(f"n_{i}", Given(ValueType.NUMBER, ix, values), n)
    for i in range(15):
        made[f"f_{i}"] = column(f"f_{i}", Given(ValueType.FLAG, ix, random.random(n) < 0.6), n)
    return Columns.publish(root, 1, n=n, as_of=AS_OF, alive=np.ones(n, dtype=bool), columns=made)


def numpy_count(published: Columns, low: int, high: int) -> int:
    """The count as one would write it by hand over the codes of the columns."""
    t_0, t_1, t_2, n_0, f_0 = (
        np.asarray(published[key].codes) for key in ("t_0", "t_1", "t_2", "n_0", "f_0")
    )
    first, last = (np.searchsorted(np.asarray(published["n_0"].labels), bound) + 1 for bound in (low, high))
    yes = list(published["f_0"].labels or ()).index(True) + 1
    either = (t_1 == 1) | (t_1 == 3) | ((n_0 >= first) & (n_0 <= last))
    return int(np.count_nonzero((t_0 == 2) & either & ~((f_0 == yes) & ~(t_2 == 5))))


if __name__ == "__main__":
    main()
