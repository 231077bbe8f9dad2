"""Publication: an epoch's columns out of the tag tables. The engine is the truth, columns can be remade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from limner.columns import Array, Column, Columns, Given, at_once, column
from limner.engine.seam import Engine, Transaction, quoted
from limner.errors import DamagedError, NotFoundError
from limner.tags.homes import Mark, marks
from limner.types import ValueType, naive, utc

ALIVE = "SELECT ix FROM persons WHERE merged_into IS NULL AND NOT erased"
"""The ordinals of living people: neither merged into another nor erased."""


@dataclass(frozen=True)
class Applied:
    """What was computed and published of one tag, as the engine keeps it.

    `home`: the table that it shares with others, if any; `reading`: its value there, in SQL over the home, called e.
    """

    tag: str
    type: ValueType
    fingerprint: str
    text: str
    as_of: datetime
    expires_at: datetime | None
    expired: bool
    run: str
    people: int
    home: str | None = None
    reading: str | None = None

    @property
    def table(self) -> str:
        """The engine's view of its values (ix, value, expires_at)."""
        return f"tag_{self.tag}"

    @property
    def own(self) -> str:
        """The table of its values (ix, value), when it shares no home."""
        return f"values_{self.tag}"


@dataclass(frozen=True)
class Epoch:
    """One publication: every column of it holds n ordinals."""

    epoch: int
    as_of: datetime
    run: str
    n: int


def applied(engine: Engine | Transaction) -> dict[str, Applied]:
    """What is applied now, by tag."""
    found = engine.read("SELECT * FROM tag_state ORDER BY tag").to_pylist()
    return {
        row["tag"]: Applied(
            tag=row["tag"],
            type=ValueType(row["type"]),
            fingerprint=row["fingerprint"],
            text=row["text"],
            as_of=utc(row["as_of"]),
            expires_at=None if row["expires_at"] is None else utc(row["expires_at"]),
            expired=bool(row["expired"]),
            run=row["run"],
            people=int(row["people"]),
            home=row["home"],
            reading=row["reading"],
        )
        for row in found
    }


def current(engine: Engine | Transaction) -> Epoch | None:
    """The published epoch; None before the first run."""
    found = engine.read("SELECT epoch, as_of, run, n FROM epochs WHERE current").to_pylist()
    if not found:
        return None
    row = found[0]
    return Epoch(int(row["epoch"]), utc(row["as_of"]), row["run"], int(row["n"]))


def alive(engine: Engine | Transaction, n: int | None = None) -> Array:
    """Who exists now, as a mask by ordinal; n long, or as long as there are ordinals."""
    found = engine.read(
        "SELECT COUNT(*) AS rows, CAST(COALESCE(MAX(ix) + 1, 0) AS BIGINT) AS n,"
        " (SELECT LIST(ix) FROM (SELECT ix FROM persons WHERE merged_into IS NOT NULL"
        " UNION ALL SELECT ix FROM persons WHERE erased)) AS dead FROM persons"
    )
    every = int(found["n"][0].as_py())
    mask = np.ones(every, dtype=np.bool_)
    if int(found["rows"][0].as_py()) < every:  # some ordinals are nobody's
        mask[:] = False
        mask[engine.read(ALIVE).column(0).to_numpy()] = True
    elif found["dead"][0].is_valid:
        mask[found["dead"][0].values.to_numpy()] = False
    if n is None or n == every:
        return mask
    return mask[:n] if n < every else np.concatenate([mask, np.zeros(n - every, dtype=np.bool_)])


def size(engine: Engine | Transaction) -> int:
    """How many ordinals were ever given."""
    last = engine.read("SELECT CAST(MAX(ix) AS BIGINT) AS ix FROM persons").column(0)[0].as_py()
    return 0 if last is None else int(last) + 1


def ensure(engine: Engine, root: Path, *, verify: bool = False) -> Columns | None:
    """The columns of the current epoch, remade from the engine when missing or damaged; None before any."""
    epoch = current(engine)
    if epoch is None:
        return None
    return opened(root, epoch, verify=verify) or remade(engine, root, epoch)


def opened(root: Path, epoch: Epoch, *, verify: bool = False) -> Columns | None:
    """The epoch's columns on disk; None when they are missing, damaged, or of a run that did not commit."""
    with suppress(NotFoundError, DamagedError):
        found = Columns.open(root, epoch.epoch, verify=verify)
        if found.run == epoch.run:
            return found
    return None


def remade(engine: Engine | Transaction, root: Path, epoch: Epoch) -> Columns:
    """The epoch's columns written once more from the tag tables."""
    columns = from_tables(engine, applied(engine), epoch.n)
    who = alive(engine, epoch.n)
    return Columns.publish(
        root, epoch.epoch, n=epoch.n, as_of=epoch.as_of, alive=who, columns=columns, run=epoch.run
    )


def from_tables(engine: Engine | Transaction, states: Mapping[str, Applied], n: int) -> dict[str, Column]:
    """The columns of tags out of their tables; those that share a home are read together."""
    columns: dict[str, Column] = {}
    shared: dict[str, list[Applied]] = {}
    for key, state in states.items():
        if state.home is None or state.type is ValueType.TEXT:
            columns[key] = from_table(engine, state, n)
        else:
            shared.setdefault(state.home, []).append(state)
    homes = {mark.home: mark for mark in marks(engine)} if shared else {}
    for home, together in shared.items():
        for some in on_shelves(homes[home], together):
            for first in range(0, len(some), _TOGETHER):
                columns |= _from_home(engine, homes[home], some[first : first + _TOGETHER], n)
    return {key: columns[key] for key in states}


def on_shelves(mark: Mark, states: Sequence[Applied]) -> list[list[Applied]]:
    """What is applied in one home, each list of what is read on the same shelves."""
    found: dict[str, list[Applied]] = {}
    for state in states:
        found.setdefault(mark.source(state.reading or ""), []).append(state)
    return list(found.values())


def _from_home(
    engine: Engine | Transaction, mark: Mark, states: Sequence[Applied], n: int
) -> dict[str, Column]:
    found = read_rows(engine, mark.source(states[0].reading or ""), states, now=mark.as_of)

    def made(state: Applied) -> Column:
        who, values = stored(found, state)
        given = Given(state.type, who, values, (), as_of=state.as_of, expires_at=state.expires_at)
        return column(state.tag, given, n)

    keys = [state.tag for state in states]
    return dict(zip(keys, at_once(made, states), strict=True))


def read_rows(
    engine: Engine | Transaction, source: str, states: Sequence[Applied], *, now: datetime
) -> pa.Table:
    """What tags of a home say about the people of `source`: ix and a column named by each tag."""
    chosen = ", ".join(f"{state.reading} AS {quoted(state.tag)}" for state in states)
    return engine.read(f"SELECT e.ix, {chosen} FROM {source} AS e", {"now": naive(now)}).combine_chunks()


def stored(rows: pa.Table, state: Applied) -> tuple[Array, Array]:
    """The ordinals of who has a value of the tag, and the values as a column takes them; no texts."""
    ix, values = _array(rows, 0), rows[state.tag].combine_chunks()
    if values.null_count:
        ix, values = ix[values.is_valid().to_numpy(zero_copy_only=False)], values.drop_null()
    if state.type is ValueType.INSTANT:
        values = values.cast(pa.int64())
    elif state.type is ValueType.NUMBER and not pa.types.is_integer(values.type):
        values = values.cast(pa.float64())
    return ix, np.asarray(values.to_numpy(zero_copy_only=False))


_TOGETHER = 64
"""So many columns of a home are held in memory at once."""


def from_table(engine: Engine | Transaction, state: Applied, n: int) -> Column:
    """A tag's column out of its table."""
    labels: tuple[str, ...] = ()
    table = quoted(state.table)
    if state.type is ValueType.TEXT:
        labels = labels_of(engine, state.tag)
        sql = f"SELECT v.ix, l.code FROM {table} AS v JOIN labels AS l ON l.tag = $tag AND l.label = v.value"
    elif state.type is ValueType.INSTANT:
        sql = f"SELECT ix, epoch_us(value) AS value FROM {table}"
    else:
        sql = f"SELECT ix, value FROM {table}"
    found = engine.read(sql, {"tag": state.tag})
    given = Given(
        state.type, _array(found, 0), _array(found, 1), labels, as_of=state.as_of, expires_at=state.expires_at
    )
    return column(state.tag, given, n)


def tables(tx: Transaction) -> list[str]:
    """Every table that holds values of tags, by ix."""
    homes = [table for mark in marks(tx) for table in mark.tables]
    own = [state.own for state in applied(tx).values() if state.home is None]
    return [*homes, *own, *(table for key in weighted(tx) for table in (points_of(key), weighed_of(key)))]


def weighted(tx: Engine | Transaction) -> list[str]:
    """The computed tags that give labels with weights."""
    found: list[str] = tx.read("SELECT tag FROM interests ORDER BY tag").column("tag").to_pylist()
    return found


def points_of(key: str) -> str:
    """The table (ix, label, generation, points) of such a tag."""
    return f"points_{key}"


def weighed_of(key: str) -> str:
    """The table (ix, label, held, place) of such a tag."""
    return f"weighed_{key}"


def labels_of(engine: Engine | Transaction, key: str) -> tuple[str, ...]:
    """Every text that ever was a value of the tag, by code from 1 on."""
    known = engine.read("SELECT label FROM labels WHERE tag = $tag ORDER BY code", {"tag": key})
    return tuple(known.column(0).to_pylist())


def add_labels(tx: Transaction, key: str) -> None:
    """Gives every new text value of the tag the next code; codes never change or go."""
    values: Mapping[str, Any] = {"tag": key}
    tx.execute(
        "INSERT INTO labels SELECT $tag,"
        " (SELECT COUNT(*) FROM labels WHERE tag = $tag) + ROW_NUMBER() OVER (ORDER BY value), value"
        f" FROM (SELECT DISTINCT value FROM {quoted('tag_' + key)}"
        " ANTI JOIN (SELECT label FROM labels WHERE tag = $tag) ON value = label)",
        values,
    )


def _array(table: Any, position: int) -> Array:
    return np.asarray(table.column(position).combine_chunks().to_numpy(zero_copy_only=False))
