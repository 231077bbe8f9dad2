"""Values that were given to people as tags: how a batch of them lies in the log, and how it comes into the engine.

A batch is one record, so it is kept whole or not at all. Its rows name people by an identifier, as events do, so
they follow it when people become one or come apart. Knows no tag: keys and values are given.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from limner.engine.seam import Transaction
from limner.errors import DamagedError
from limner.events import frames
from limner.events.frames import Record
from limner.events.staging import KEYS, WHO

ROWS = pa.schema(
    [
        ("kind", pa.string()),
        ("name", pa.string()),
        ("value", pa.string()),
        ("author", pa.string()),
        ("given_at", pa.timestamp("us")),
        ("expires_at", pa.timestamp("us")),
        ("cause", pa.string()),
    ]
)
"""One row per person: the identifier (kind, name) and the state from now on; `value` is JSON, null takes it away."""

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (naive UTC, as the engine keeps it)
_ABOUT = b"about"


@dataclass(frozen=True)
class About:
    """What a batch did: `what` is give, correct, take, import or undo; `chosen`: to whom, as it was said.

    `undoes`: a batch; `origin` is manual or imported; `value`: the one value of all, as JSON; `source`: where they
    come from.
    """

    what: str
    tag: str
    origin: str
    author: str
    value: str | None = None
    chosen: str = ""
    source: str = ""
    undoes: str | None = None


@dataclass(frozen=True)
class Batch:
    """One batch as the log keeps it; `rows` has the schema ROWS, `ts` is naive UTC: when it took effect."""

    batch: str
    ts: datetime
    about: About
    rows: pa.Table

    @property
    def who(self) -> pa.Table:
        """What identity is asked about: one row per person."""
        count = self.rows.num_rows
        kind = self.rows.column("kind").combine_chunks()
        name = self.rows.column("name").combine_chunks()
        nobody = pa.scalar(None, pa.string())
        other = pc.invert(pc.is_in(kind, value_set=pa.array(["user", "device"])))
        keys = pa.ListArray.from_arrays(
            pa.array(np.concatenate(([0], np.cumsum(np.asarray(other, dtype=np.int32)))), pa.int32()),
            pa.StructArray.from_arrays(
                [kind.filter(other), name.filter(other)], fields=list(KEYS.value_type)
            ),
            type=KEYS,
        )
        return pa.table(
            [
                pa.array(np.arange(count, dtype=np.int64)),
                pc.if_else(pc.equal(kind, "user"), name, nobody),
                pc.if_else(pc.equal(kind, "device"), name, nobody),
                keys,
                pa.nulls(count, pa.string()),
                pa.repeat(pa.scalar("track"), count),
                pa.repeat(pa.scalar(self.ts, pa.timestamp("us")), count),
                pa.nulls(count, pa.string()),
            ],
            schema=WHO,
        )


def record(batch: Batch) -> Record:
    """The log's record of a batch."""
    return Record(
        batch=batch.batch,
        source_i=None,
        received_at=int(np.datetime64(batch.ts, "us").astype(np.int64)),
        kind=frames.GIVEN,
        n=batch.rows.num_rows,
        body=_packed(batch.rows, batch.about),
    )


def read(kept: Record) -> Batch:
    """The batch of a record. Raises DamagedError when it is none."""
    try:
        rows = pq.read_table(io.BytesIO(kept.body))
        about = About(**json.loads((rows.schema.metadata or {})[_ABOUT]))
        rows = rows.replace_schema_metadata(None).select(ROWS.names).cast(ROWS)
    except (KeyError, TypeError, ValueError, pa.ArrowException) as error:
        raise DamagedError(f"this record holds no given values: {error}".splitlines()[0]) from error
    return Batch(kept.batch, _EPOCH + timedelta(microseconds=kept.received_at), about, rows)


def store(tx: Transaction, batch: Batch, whose: pa.Table, *, load_i: int) -> None:
    """Adds the batch to the engine; `whose`: user_i, device_i, key_i and ix of each row."""
    about = batch.about
    rows = batch.rows.select(["value", "author", "given_at", "expires_at", "cause"])
    for name in ("ix", "user_i", "device_i", "key_i"):
        rows = rows.append_column(name, whose.column(name).cast(pa.uint32()))
    same: dict[str, Any] = {
        "batch": batch.batch,
        "tag": about.tag,
        "origin": about.origin,
        "ts": batch.ts,
        "load_i": load_i,
    }
    with tx.given("given_now", rows):
        tx.execute(
            "INSERT INTO given (batch, ix, user_i, device_i, key_i, tag, origin, ts, load_i, value, author, given_at,"
            " expires_at, cause) SELECT $batch, ix, user_i, device_i, key_i, $tag, $origin, $ts, $load_i, value,"
            " author, given_at, expires_at, cause FROM given_now",
            same,
        )
    tx.execute(
        "INSERT INTO given_batches (batch, what, tag, origin, ts, load_i, author, people, value, chosen, source,"
        " undoes) VALUES ($batch, $what, $tag, $origin, $ts, $load_i, $author, $people, $value, $chosen, $source,"
        " $undoes)",
        {
            **same,
            "what": about.what,
            "author": about.author,
            "people": batch.rows.num_rows,
            "value": about.value,
            "chosen": about.chosen,
            "source": about.source,
            "undoes": about.undoes,
        },
    )


def without(kept: Record, words: Collection[str]) -> Record | None:
    """The record without the people whom the words name: itself when there are none, None when nobody is left."""
    batch = read(kept)
    gone = pc.is_in(batch.rows.column("name"), value_set=pa.array(sorted(words), pa.string()))
    about = _unsaid(batch.about, words)
    if not pc.any(gone).as_py() and about == batch.about:
        return kept
    rows = batch.rows.filter(pc.invert(gone))
    if not rows.num_rows:
        return None
    return replace(kept, n=rows.num_rows, body=_packed(rows, about))


def forget(tx: Transaction, words: Collection[str]) -> None:
    """Batches in which nobody is left go, and what named somebody by one of the words is said no more."""
    tx.execute("DELETE FROM given_batches WHERE people > 0 AND batch NOT IN (SELECT batch FROM given)")
    for word in words:
        tx.execute("UPDATE given_batches SET chosen = '' WHERE contains(chosen, $word)", {"word": word})
    tx.execute(
        "UPDATE given_batches SET people = c.n FROM (SELECT batch, COUNT(*) AS n FROM given GROUP BY batch) AS c"
        " WHERE c.batch = given_batches.batch AND given_batches.people > c.n"
    )


def _unsaid(about: About, words: Collection[str]) -> About:
    return replace(about, chosen="") if any(word in about.chosen for word in words) else about


def _packed(rows: pa.Table, about: About) -> bytes:
    sink = io.BytesIO()
    meta = {_ABOUT: json.dumps(asdict(about), ensure_ascii=False).encode()}
    pq.write_table(rows.cast(ROWS).replace_schema_metadata(meta), sink, compression="zstd")
    return sink.getvalue()
