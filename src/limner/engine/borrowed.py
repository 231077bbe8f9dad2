"""What a worker of the cluster asks DuckDB, so that a text means the same there as on one machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import pyarrow as pa

from limner.engine.duckdb import DuckDB

ARROW = {
    "DOUBLE": pa.float64(),
    "STRING": pa.string(),
    "BOOLEAN": pa.bool_(),
    "TIMESTAMP_NTZ": pa.timestamp("us"),
}


@lru_cache(maxsize=1)
def _engine() -> DuckDB:
    """One engine in memory for each process of a worker."""
    return DuckDB(None, threads=1)


def answers(sql: str, values: Mapping[str, Any], type: str, column: pa.Array) -> pa.Array:
    """The SQL's answer for each row of the column, which is called c0."""
    found = _engine().read(f"SELECT {sql} AS answer FROM given", values, {"given": pa.table({"c0": column})})
    return found.column("answer").combine_chunks().cast(ARROW[type])


def function(sql: str, values: Mapping[str, Any], type: str) -> Callable[[pa.Array], pa.Array]:
    """The same as a function of one column."""

    def answer(column: pa.Array) -> pa.Array:
        return answers(sql, values, type, column)

    answer.__annotations__ = {"column": pa.Array, "return": pa.Array}
    return answer
