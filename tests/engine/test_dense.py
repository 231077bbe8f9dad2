"""Values gathered by an ordinal: in an array where memory suffices, with the same values as in a hash table."""

from __future__ import annotations

import pytest

from limner.engine.duckdb import DuckDB, bytes_of

QUERY = "SELECT ix, COUNT(*) AS n, SUM(v) AS s FROM facts GROUP BY ix ORDER BY ix"


@pytest.mark.parametrize(("memory", "array"), [("2GB", True), ("20MB", False)])
def test_an_array_is_used_where_it_takes_little_of_the_memory(memory: str, array: bool) -> None:
    engine = DuckDB(None, memory=memory, threads=2)
    with engine.write() as tx:
        tx.execute(
            "CREATE TABLE facts AS SELECT (range * 7919 % 50000)::UINTEGER AS ix, range AS v FROM range(200000)"
        )
        usual = tx.read(QUERY)
        with tx.dense(ordinals=50_000, columns=2):
            assert tx.read(QUERY).equals(usual)
            plan = tx.read(f"EXPLAIN {QUERY}").column(1)[0].as_py()
        assert ("Perfect Hash" in plan) is array
        after = tx.read(f"EXPLAIN {QUERY}").column(1)[0].as_py()
        assert "Perfect Hash" not in after
    engine.close()


@pytest.mark.parametrize(
    ("text", "size"), [("0 bytes", 0), ("976.5 KiB", 999_936), ("18.6 GiB", 18.6 * 2**30)]
)
def test_sizes_are_read(text: str, size: float) -> None:
    assert bytes_of(text) == size
