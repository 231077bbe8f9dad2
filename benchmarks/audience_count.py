"""Counting an audience of five conditions over 1 M people × 100 tags: Limner's columns beside numpy and DuckDB.

    python -m benchmarks.audience_count [--people 1000000] [--rounds 200]

The conditions mix a flag, two texts, a numeric range and a negation. numpy: hand-written, blocked, over the
same memory-mapped codes. DuckDB: a wide table with ENUMs, one row a person.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.measure import compare, machine, show
from limner.columns import Columns, Given, column
from limner.expressions import columns_count, parse
from limner.types import ValueType

AS_OF = datetime(2026, 4, 11, tzinfo=UTC)
TEXT = (
    "t_0 = 'value 1' and t_1 in ('value 0', 'value 2', 'value 3') and n_0 between 20 and 120 "
    "and f_0 and not t_2 = 'value 4'"
)
BLOCK = 65_536


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=200)
    given = options.parse_args()
    n = given.people
    random = np.random.default_rng(5)
    ix = np.arange(n, dtype=np.uint32)
    wide: dict[str, np.ndarray] = {}
    made = {}
    for i in range(60):
        codes = random.integers(0, 7, n).astype(np.uint32)
        labels = [f"value {k}" for k in range(6)]
        known = codes > 0
        wide[f"t_{i}"] = codes
        made[f"t_{i}"] = column(f"t_{i}", Given(ValueType.TEXT, ix[known], codes[known], labels), n)
    for i in range(25):
        values = random.integers(0, 200, n)
        wide[f"n_{i}"] = values
        made[f"n_{i}"] = column(f"n_{i}", Given(ValueType.NUMBER, ix, values.astype(float)), n)
    for i in range(15):
        flags = random.random(n) < 0.6
        wide[f"f_{i}"] = flags
        made[f"f_{i}"] = column(f"f_{i}", Given(ValueType.FLAG, ix, flags), n)
    folder = Path(tempfile.mkdtemp(prefix="limner-bench-"))
    try:
        published = Columns.publish(
            folder / "columns", 1, n=n, as_of=AS_OF, alive=np.ones(n, dtype=bool), columns=made
        )
        connection = duckdb.connect(str(folder / "wide.duckdb"))
        connection.execute(
            "CREATE TYPE value AS ENUM ('value 0','value 1','value 2','value 3','value 4','value 5')"
        )
        connection.register("given", pa.table({"ix": ix, **wide}))
        chosen = ", ".join(
            f"enum_range(NULL::value)[{key}]::value AS {key}" if key.startswith("t_")
            else f"{key}::UTINYINT AS {key}" if key.startswith("n_") else key for key in wide
        )  # fmt: skip
        connection.execute(f"CREATE TABLE wide AS SELECT ix, {chosen} FROM given")
        connection.unregister("given")
        del wide, made
        tree = parse(TEXT)
        codes = {key: _codes(published, key) for key in ("t_0", "t_1", "t_2", "n_0", "f_0")}
        low, high = (
            np.uint8(np.searchsorted(np.asarray(published["n_0"].labels), bound) + 1) for bound in (20, 120)
        )

        def limner() -> int:
            return columns_count(tree, published)

        def numpy_blocks() -> int:
            total = 0
            for start in range(0, n, BLOCK):
                end = start + BLOCK
                kept = codes["t_0"][start:end] == 2
                t1 = codes["t_1"][start:end]
                kept &= (t1 == 1) | (t1 == 3) | (t1 == 4)
                n0 = codes["n_0"][start:end]
                kept &= n0 >= low
                kept &= n0 <= high
                kept &= codes["f_0"][start:end] == flag
                kept &= codes["t_2"][start:end] != 5
                total += int(np.count_nonzero(kept))
            return total

        flag = np.uint8(list(published["f_0"].labels).index(True) + 1)

        def wide_table() -> int:
            return int(
                connection.sql(
                    "SELECT COUNT(*) FROM wide WHERE t_0 = 'value 1' AND t_1 IN ('value 0','value 2','value 3')"
                    " AND n_0 BETWEEN 20 AND 120 AND f_0 AND (t_2 IS NULL OR t_2 <> 'value 4')"
                ).fetchall()[0][0]
            )

        counts = {limner(), numpy_blocks(), wide_table()}
        if len(counts) != 1:
            raise SystemExit(f"the counts differ: {counts}")
        seconds = compare(
            {"limner columns": limner, "hand-written numpy": numpy_blocks, "DuckDB wide table": wide_table},
            rounds=given.rounds, warm=10, each_warm=True,
        )  # fmt: skip
        show(f"5 conditions, {n:,} people × 100 tags: {counts.pop():,} people ({machine()})",
             seconds, ours="limner columns", unit=1000, name="ms")  # fmt: skip
    finally:
        shutil.rmtree(folder)


def _codes(published: Columns, key: str) -> np.ndarray:
    codes = published[key].codes
    if codes is None or codes.dtype != np.uint8:
        raise SystemExit(f"{key} is not coded in one byte")
    return codes


if __name__ == "__main__":
    main()
