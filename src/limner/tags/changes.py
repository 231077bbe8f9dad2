"""Changes: who entered, left or moved between two columns of one tag, or two snapshots. Writes them.

A flag or text changes with its value. A number, money or an instant changes when it becomes known or unknown;
another number alone is no change of membership.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from limner.columns import Array, Column
from limner.engine.seam import Transaction
from limner.types import MONEY_SCALE, ValueType, naive


@dataclass(frozen=True, eq=False)
class Changed:
    """The people who changed, ascending, and what they were and are (NULL = no value)."""

    ix: Array
    before: pa.Array
    after: pa.Array

    @property
    def entered(self) -> int:
        """How many had no value and have one."""
        return int(self.before.null_count)

    @property
    def left(self) -> int:
        """How many had a value and have none."""
        return int(self.after.null_count)

    @property
    def moved(self) -> int:
        """How many have another value than before."""
        return len(self.ix) - self.entered - self.left


FEW = 50_000
"""So few changes of one subject are better written together with those of others."""


def compare(before: Column | None, after: Column | None, n: int) -> Changed:
    """Who changed between two columns of one tag; None = the tag did not exist."""
    old = None if before is None else before.padded(n)
    new = None if after is None else after.padded(n)
    if old is not None and new is not None and old.type is new.type:
        if new.type in (ValueType.FLAG, ValueType.TEXT):
            different = np.asarray(old.codes != new.codes)
        else:
            different = old.known != new.known
    else:
        nobody = np.zeros(n, dtype=np.bool_)
        different = (nobody if old is None else old.known) | (nobody if new is None else new.known)
    ix = np.flatnonzero(different).astype(np.uint32)
    return Changed(ix, texts(old, ix), texts(new, ix))


def texts(column: Column | None, ix: Array) -> pa.Array:
    """The values of some people as text: true/false, the text, 12.5, ISO instants; NULL = no value."""
    if column is None:
        return pa.nulls(len(ix), pa.string())
    if column.codes is not None:
        codes = column.codes[ix].astype(np.int32)
        if len(ix) < len(column.labels if column.labels is not None else ()):
            return _texts(column.type, column.arrow(ix))
        labels = _texts(
            column.type, pa.array(list(column.labels or ()) if _python(column) else column.labels)
        )
        indices = pa.array(codes - 1, mask=codes == 0)
        return pa.DictionaryArray.from_arrays(indices, labels)
    values = pa.array(np.asarray(column.values)[ix], mask=~column.known[ix])
    return _texts(column.type, values)


def _python(column: Column) -> bool:
    return column.type in (ValueType.FLAG, ValueType.TEXT)


def _texts(kind: ValueType, values: pa.Array) -> pa.Array:
    if kind is ValueType.FLAG:
        return pa.array(
            [None if value is None else str(value).lower() for value in values.to_pylist()], pa.string()
        )
    if kind is ValueType.MONEY:
        values = pc.divide(values.cast(pa.float64()), float(MONEY_SCALE))
    if kind is ValueType.INSTANT:
        stamped = values.cast(pa.int64()).cast(pa.timestamp("us")).cast(pa.string())
        return pc.binary_join_element_wise(pc.replace_substring(stamped, " ", "T"), pa.scalar("Z"), "")
    return values.cast(pa.string())


def write_all(tx: Transaction, found: Mapping[str, Changed], *, ts: datetime, run: str, cause: str) -> None:
    """Writes the changes of several subjects at once."""
    some = {subject: changed for subject, changed in found.items() if len(changed.ix)}
    if not some:
        return
    rows = pa.concat_tables(
        pa.table(
            {
                "ix": pa.array(changed.ix),
                "subject": pa.array([subject] * len(changed.ix), pa.string()),
                "before": changed.before.cast(pa.string()),
                "after": changed.after.cast(pa.string()),
            }
        )
        for subject, changed in some.items()
    )
    with tx.given("changed", rows):
        tx.execute(
            "INSERT INTO changes SELECT ix, subject, before, after, CAST($ts AS TIMESTAMP), $run, $cause FROM changed",
            {"ts": naive(ts), "run": run, "cause": cause},
        )


def write(tx: Transaction, found: Changed, *, subject: str, ts: datetime, run: str, cause: str) -> int:
    """Writes the changes of one subject; the answer is their number."""
    if not len(found.ix):
        return 0
    rows = pa.table({"ix": pa.array(found.ix), "before": found.before, "after": found.after})
    values: dict[str, Any] = {"subject": subject, "ts": naive(ts), "run": run, "cause": cause}
    with tx.given("changed", rows):
        tx.execute(
            "INSERT INTO changes SELECT ix, $subject, CAST(before AS VARCHAR), CAST(after AS VARCHAR),"
            " CAST($ts AS TIMESTAMP), $run, $cause FROM changed",
            values,
        )
    return len(found.ix)
