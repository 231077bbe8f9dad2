"""What is asked of a crowd: its portrait, its members, one person of it, the algebra of saved audiences.

    python -m benchmarks.crowds [--people 1000000] [--tags 200] [--rounds 20]

Beside each: hand-written numpy over the same memory-mapped codes, and DuckDB over a wide table of ENUMs and integers.
The portrait of Limner also has intervals and tests of every value; numpy and DuckDB only count.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from benchmarks.measure import compare, machine, show
from limner.bitmap import Bitmap
from limner.columns import Column, Columns, Given, column
from limner.expressions import columns_count, columns_mask, parse
from limner.portraits.group import portrait
from limner.types import ValueType

AS_OF = datetime(2026, 4, 11, tzinfo=UTC)
CROWD = "t_0 in ('value 1', 'value 2') and n_0 between 20 and 160"
LABELS = [f"value {k}" for k in range(6)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=1_000_000)
    options.add_argument("--tags", type=int, default=200)
    options.add_argument("--rounds", type=int, default=20)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="limner-bench-"))
    try:
        columns, connection = _shop(folder, people=given.people, tags=given.tags)
        _portrait(columns, connection, given.rounds)
        _members(columns, connection, given.rounds)
        _person(columns, given.rounds)
        _algebra(given.people, given.rounds)
        print(machine())
    finally:
        shutil.rmtree(folder)


def _shop(folder: Path, *, people: int, tags: int) -> tuple[Columns, duckdb.DuckDBPyConnection]:
    """Six tags of ten are texts, three numbers of 0 to 199, one a flag; and the same as one wide table."""
    random = np.random.default_rng(5)
    ix = np.arange(people, dtype=np.uint32)
    made: dict[str, Column] = {}
    wide: dict[str, Any] = {"ix": ix}
    for i in range(tags):
        kind, number = ("t", "t", "t", "t", "t", "t", "n", "n", "n", "f")[i % 10], i // 10
        key = f"{kind}_{number * 6 + i % 10}" if kind == "t" else f"{kind}_{number * 3 + i % 10 - 6}"
        if kind == "t":
            codes = random.integers(0, 7, people).astype(np.uint8)
            known = codes > 0
            made[key] = column(key, Given(ValueType.TEXT, ix[known], codes[known], LABELS), people)
            wide[key] = pa.DictionaryArray.from_arrays(
                pa.array(codes.astype(np.int8) - 1, mask=~known), LABELS
            )
        elif kind == "n":
            values = random.integers(0, 200, people).astype(np.uint8)
            made[key] = column(key, Given(ValueType.NUMBER, ix, values.astype(float)), people)
            wide[key] = values
        else:
            wide[key] = random.random(people) < 0.6
            made[key] = column(key, Given(ValueType.FLAG, ix, wide[key]), people)
    Columns.publish(
        folder / "columns", 1, n=people, as_of=AS_OF, alive=np.ones(people, dtype=bool), columns=made
    )
    connection = duckdb.connect(str(folder / "wide.duckdb"))
    connection.execute(f"CREATE TYPE label AS ENUM ({', '.join(repr(label) for label in LABELS)})")
    connection.register("given", pa.table(wide))
    shown = ", ".join(f"{key}::label AS {key}" if key.startswith("t_") else key for key in wide)
    connection.execute(f"CREATE TABLE wide AS SELECT {shown} FROM given")
    connection.unregister("given")
    return Columns.open(folder / "columns", 1), connection


def _portrait(columns: Columns, connection: duckdb.DuckDBPyConnection, rounds: int) -> None:
    who = Bitmap.of_mask(columns_mask(parse(CROWD), columns))
    keys = columns.keys()
    codes = {key: _codes(columns, key) for key in keys}
    sizes = {key: len(_labels(columns, key)) + 1 for key in keys}
    rows = ("t_0 IN ('value 1', 'value 2') AND n_0 BETWEEN 20 AND 160",)

    def limner() -> dict[str, list[int]]:
        found = portrait(who, columns)
        return {tag.tag: [share.crowd for share in tag.shares] for tag in found.tags}

    def numpy_counts() -> dict[str, list[int]]:
        picked = who.numpy()
        return {key: np.bincount(codes[key][picked], minlength=sizes[key]).tolist() for key in keys}

    def wide_table() -> dict[str, int]:
        found = {}
        sql = "SELECT {0} AS value, COUNT(*) AS n FROM wide WHERE " + rows[0] + " GROUP BY 1"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE crowd AS SELECT * FROM wide WHERE {rows[0]}")
        for key in keys:
            found[key] = sum(
                n
                for _, n in connection.sql(
                    sql.format(key).replace(f"wide WHERE {rows[0]}", "crowd")
                ).fetchall()
            )
        return found

    ours, theirs = limner(), numpy_counts()
    flags_and_texts = [key for key in keys if not key.startswith("n_")]
    for key in flags_and_texts:
        if [n for n in theirs[key] if n] != [n for n in ours[key] if n]:
            raise SystemExit(f"the counts of {key} differ")
    if set(wide_table().values()) != {len(who)}:
        raise SystemExit("the crowd of the wide table differs")
    seconds = compare(
        {"Limner's portrait": limner, "numpy: bincount": numpy_counts, "DuckDB: a GROUP BY each": wide_table},
        rounds=rounds,
        each_warm=True,
    )
    show(
        f"the portrait of {len(who):,} of {columns.n:,} people in {len(keys)} tags",
        seconds,
        ours="Limner's portrait",
        unit=1000,
        name="ms",
    )


def _members(columns: Columns, connection: duckdb.DuckDBPyConnection, rounds: int) -> None:
    tree = parse(CROWD)
    asked: dict[str, Callable[[], Any]] = {
        "Limner: who they are": lambda: np.flatnonzero(columns_mask(tree, columns)),
        "Limner: how many": lambda: columns_count(tree, columns),
        "DuckDB: who they are": lambda: connection.sql(
            "SELECT ix FROM wide WHERE t_0 IN ('value 1', 'value 2') AND n_0 BETWEEN 20 AND 160"
        ).fetchnumpy(),
    }
    seconds = compare(asked, rounds=rounds * 5, each_warm=True)
    show("the members of the crowd", seconds, ours="Limner: who they are", unit=1000, name="ms")


def _person(columns: Columns, rounds: int) -> None:
    keys = columns.keys()
    raw = [(key, _codes(columns, key), [None, *_labels(columns, key)]) for key in keys]
    people = np.random.default_rng(3).integers(0, columns.n, 200).tolist()

    def limner() -> list[dict[str, Any]]:
        return [columns.of_person(ix) for ix in people]

    def indexing() -> list[dict[str, Any]]:
        return [{key: labels[codes[ix]] for key, codes, labels in raw} for ix in people]

    known = [{key: value for key, value in person.items() if value is not None} for person in indexing()]
    if limner() != known:
        raise SystemExit("the values of a person differ")
    seconds = compare({"Limner's columns": limner, "raw indexing": indexing}, rounds=rounds, each_warm=True)
    show(
        f"one person's {len(keys)} values (of {len(people)} people)",
        {name: value / len(people) for name, value in seconds.items()},
        ours="Limner's columns",
        unit=1000,
        name="ms",
    )


def _algebra(people: int, rounds: int) -> None:
    random = np.random.default_rng(9)
    masks = [random.random(people) < share for share in (0.4, 0.1, 0.02)]
    ours = [Bitmap.of_mask(mask) for mask in masks]
    raw = [BitMap(np.flatnonzero(mask).astype(np.uint32)) for mask in masks]

    def limner() -> int:
        return len((ours[0] & ours[1]) | ours[2]) + len(ours[0] - ours[2])

    def roaring() -> int:
        return len((raw[0] & raw[1]) | raw[2]) + len(raw[0] - raw[2])

    if limner() != roaring():
        raise SystemExit("the algebra differs")
    seconds = compare({"Limner's sets": limner, "pyroaring": roaring}, rounds=rounds * 10, each_warm=True)
    show("the algebra of three saved audiences", seconds, ours="Limner's sets", unit=1000, name="ms")


def _labels(columns: Columns, key: str) -> list[Any]:
    labels = columns[key].labels
    return [] if labels is None else list(labels)


def _codes(columns: Columns, key: str) -> np.ndarray:
    codes = columns[key].codes
    if codes is None:
        raise SystemExit(f"{key} is not coded")
    return codes


if __name__ == "__main__":
    main()
