"""The events' tables as Parquet files in a folder that others read: a file is written once and never changed.

Each part holds the rows of some loads, as identity had them when it was written. Whoever gained or lost events later
(`moved`) has all rows in a later part, and those in earlier parts do not count any more. So the parts together are
exactly the table, and what is written at a time is what came since. Rows of nobody are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from limner.engine.seam import Transaction, quoted
from limner.errors import StorageError
from limner.events.load import loads

FOLDER = "tables"
"""Where the parts are, in the shared folder."""

MOST_PARTS = 60
"""With more parts than this a table is written anew, in one."""

_HALF = "18446744073709551616::HUGEINT"
_FIXED = {
    "events": {"name_i": "BIGINT", "ts": "TIMESTAMP", "source_i": "INTEGER"},
    "attributes": {
        "name": "VARCHAR", "ts": "TIMESTAMP", "mode": "VARCHAR", "kind": "VARCHAR", "value": "VARCHAR",
        "id_high": "BIGINT", "id_low": "DECIMAL(20, 0)",
    },
}  # fmt: skip
SPARK = {"VARCHAR": "STRING", "TIMESTAMP": "TIMESTAMP_NTZ", "INTEGER": "INT"}
"""What the engine's types are called on Spark, where they are called otherwise."""

_PROPERTIES = {
    pa.int64(): "BIGINT", pa.string(): "VARCHAR", pa.float64(): "DOUBLE", pa.bool_(): "BOOLEAN",
    pa.timestamp("us"): "TIMESTAMP",
}  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """A table's parts: their files, the type of every column, and the rows that count.

    A row counts unless its `ix` was moved in a load after the part's own (`seen_i`), which it carries.
    """

    table: str
    files: tuple[Path, ...]
    columns: Mapping[str, str]
    rows: int

    @property
    def schema(self) -> str:
        """The columns as Spark names them."""
        return ", ".join(f"`{name}` {SPARK.get(kind, kind)}" for name, kind in self.columns.items())


def share(tx: Transaction, folder: Path, *, run: str, anew: bool = False) -> tuple[Parts, ...]:
    """Writes what the folder lacks of the events' tables; the answer is what they are made of there.

    `anew`: writes everything. Files that belong to no table any more are deleted. Raises StorageError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = tuple(_share(tx, folder, table, run=run, anew=anew) for table in _FIXED)
        kept = {file.name for parts in found for file in parts.files}
        for path in folder.glob("*.parquet"):
            if path.name not in kept:
                path.unlink()
    except OSError as error:
        raise StorageError(
            f"the shared folder cannot be written: {error}",
            where=str(folder),
            hint="set spark.folder in limner.toml",
        ) from error
    return found


def moved_since(tx: Transaction, parts: tuple[Parts, ...]) -> pa.Table:
    """(ix, load_i) of everybody whose events were given to or taken from somebody: in which load last."""
    oldest = tx.read("SELECT MIN(load_i) AS n FROM shared_parts").column("n")[0].as_py() if parts else None
    return tx.read(
        "SELECT CAST(ix AS BIGINT) AS ix, CAST(MAX(load_i) AS BIGINT) AS load_i FROM moved WHERE load_i > $oldest"
        " GROUP BY ix",
        {"oldest": int(oldest or 0)},
    )


def forget(tx: Transaction, folder: Path) -> None:
    """Deletes every part: somebody was erased, or the folder is to go."""
    tx.execute("DELETE FROM shared_parts")
    for path in folder.glob("*.parquet"):
        path.unlink()


def _share(tx: Transaction, folder: Path, table: str, *, run: str, anew: bool) -> Parts:
    columns = _columns(tx, table)
    listed = tx.read(
        "SELECT file, load_i FROM shared_parts WHERE tbl = $table ORDER BY load_i", {"table": table}
    ).to_pylist()
    files = [folder / row["file"] for row in listed]
    now = loads(tx)
    last = int(listed[-1]["load_i"]) if listed else None
    if anew or len(files) >= MOST_PARTS or not all(file.is_file() for file in files) or (last or 0) > now:
        tx.execute("DELETE FROM shared_parts WHERE tbl = $table", {"table": table})
        files, last = [], None
    if last is None or last < now:
        file = folder / f"{table}-{now}-{run}.parquet"
        _write(tx, table, columns, file, after=last, now=now)
        tx.execute(
            "INSERT INTO shared_parts VALUES ($table, $file, $now)",
            {"table": table, "file": file.name, "now": now},
        )
        files.append(file)
    rows = tx.read(f"SELECT COUNT(*) AS n FROM {table} WHERE ix IS NOT NULL").column("n")[0].as_py()
    return Parts(table, tuple(files), columns, int(rows))


def _columns(tx: Transaction, table: str) -> dict[str, str]:
    """Every column of a part, and its type."""
    columns = {"ix": "BIGINT", "seen_i": "BIGINT", **_FIXED[table]}
    if table == "events":
        known = tx.read("SELECT col FROM properties ORDER BY col").column("col").to_pylist()
        if known:
            schema = tx.read(f"SELECT {', '.join(quoted(name) for name in known)} FROM events LIMIT 0").schema
            columns |= {name: _PROPERTIES[schema.field(name).type] for name in known}
    return columns


def _write(
    tx: Transaction, table: str, columns: Mapping[str, str], file: Path, *, after: int | None, now: int
) -> None:
    made: dict[str, Any] = {"seen_i": str(now)}
    made |= {
        "id_high": f"(id - (((id % {_HALF}) + {_HALF}) % {_HALF})) // {_HALF}",
        "id_low": f"((id % {_HALF}) + {_HALF}) % {_HALF}",
    }
    chosen = ", ".join(
        f"CAST({made.get(name, quoted(name))} AS {kind}) AS {quoted(name)}" for name, kind in columns.items()
    )
    rows = "ix IS NOT NULL"
    if after is not None:
        rows += f" AND (load_i > {after} OR ix IN (SELECT ix FROM moved WHERE load_i > {after}))"
    target = str(file).replace("'", "''")
    tx.execute(
        f"COPY (SELECT {chosen} FROM {table} WHERE {rows} ORDER BY ix) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
    )
