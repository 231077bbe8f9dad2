"""What a transaction is given to read is let go of when the block ends, not when the transaction does."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pyarrow as pa

from limner.engine.duckdb import DuckDB


class _Numbers(np.ndarray):
    """An array that a weak reference may point to."""


def _rows() -> tuple[pa.Table, weakref.ref[_Numbers]]:
    numbers = np.arange(10, dtype=np.int64).view(_Numbers)
    return pa.table({"n": pa.array(numbers)}), weakref.ref(numbers)


def test_given_and_inserted_rows_are_let_go_of():
    engine = DuckDB(None, threads=1)
    with engine.write() as tx:
        tx.execute("CREATE TABLE kept (n BIGINT)")
        rows, alive = _rows()
        with tx.given("lent", rows):
            found = tx.read("SELECT SUM(a.n) AS sum FROM lent AS a JOIN lent AS b ON b.n = a.n")
            assert found["sum"][0].as_py() == 45
            tx.execute("INSERT INTO kept SELECT n FROM lent WHERE n > 3")
        tx.insert("kept", rows)
        del rows
        gc.collect()
        assert alive() is None
    assert engine.read("SELECT COUNT(*) AS n, SUM(n) AS sum FROM kept").to_pylist() == [{"n": 16, "sum": 84}]
    engine.close()
