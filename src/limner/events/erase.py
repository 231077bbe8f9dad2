"""Takes one person's traces out of the events' tables and out of the log. Knows no person: ids and words are given.

`ids` are the ids of the person's events, `words` the texts that name the person and nobody else.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from limner.engine.seam import Transaction
from limner.events import contract, frames, given, segment
from limner.events.frames import Record

_LOW = (1 << 64) - 1
_HIGH_BITS = (1 << 63) - 1


@dataclass(frozen=True)
class Traces:
    """What is to vanish: events by id, and whatever names one of the words."""

    ids: frozenset[int]
    words: frozenset[str]

    def named(self, value: Any) -> bool:
        """Whether the value holds one of the words as a whole text, at any depth."""
        waiting = [value]
        while waiting:
            item = waiting.pop()
            if isinstance(item, dict):
                waiting += [*item, *item.values()]
            elif isinstance(item, list | tuple):
                waiting += item
            elif item is not None and not isinstance(item, bool) and str(item) in self.words:
                return True
        return False


def ids_of(tx: Transaction, ix: int) -> frozenset[int]:
    """The ids of everything that is kept about the person in the events' tables."""
    found = tx.read(
        "SELECT id::VARCHAR AS id FROM events WHERE ix = $ix UNION"
        " SELECT id::VARCHAR AS id FROM attributes WHERE ix = $ix",
        {"ix": ix},
    )
    return frozenset(int(item) for item in found.column("id").to_pylist())


def erase(tx: Transaction, ix: int, words: Collection[str]) -> int:
    """How many rows of the events' tables were deleted."""
    gone = 0
    for table in ("events", "attributes", "given"):
        gone += int(
            tx.read(f"SELECT COUNT(*) AS n FROM {table} WHERE ix = $ix", {"ix": ix})
            .column("n")
            .to_pylist()[0]
        )
        tx.execute(f"DELETE FROM {table} WHERE ix = $ix", {"ix": ix})
    given.forget(tx, words)
    for word in words:
        tx.execute("DELETE FROM quarantine WHERE contains(raw, $word)", {"word": word})
        tx.execute("DELETE FROM warnings WHERE contains(detail, $word)", {"word": word})
    return gone


def record(kept: Record, traces: Traces) -> Record | None:
    """The record without the person's calls: itself when there are none, None when nothing is left."""
    if kept.kind == frames.REJECTED:
        return kept
    if kept.kind == frames.GIVEN:
        return given.without(kept, traces.words)
    request = segment.read(kept.body, kept.endpoint)
    if request.refusal is not None:
        return None if any(word.encode() in kept.body for word in traces.words) else kept
    gone = {
        call.index
        for call in request.calls
        if contract.event_id(kept.source_i or 0, contract.message_id(call, kept.batch)) in traces.ids
        or traces.named(call.raw)
    }
    if not gone:
        return kept
    left = [call.index for call in request.calls if call.index not in gone]
    if not left or not request.batch:
        return None
    tree = msgspec.json.decode(kept.body, type=dict[str, msgspec.Raw])
    calls = msgspec.json.decode(tree["batch"], type=list[msgspec.Raw])
    # An assigned message id is made of a call's place, which moves now: it is written into the call.
    kept_calls = [
        calls[index]
        if contract.message_id(request.calls[index], "") != f"-{index}"
        else msgspec.json.decode(calls[index]) | {"messageId": f"{kept.batch}-{index}"}
        for index in left
    ]
    tree["batch"] = msgspec.Raw(msgspec.json.encode(kept_calls))
    places = {index: place for place, index in enumerate(left)}
    note = kept.note
    if kept.kind == frames.RETRY:
        ids = kept.note.split()
        note = " ".join(ids[index] for index in left)
    return replace(
        kept,
        n=len(left),
        note=note,
        body=msgspec.json.encode(tree),
        refused={places[index]: code for index, code in kept.refused.items() if index in places},
    )


def rows(kept: pa.Table, traces: Traces) -> pa.Table | None:
    """An import's segment without the person's rows: itself when there are none, None when nothing is left."""
    meta = dict(kept.schema.metadata or {})
    high = int(meta[b"digest"].decode()[:16], 16) & _HIGH_BITS
    numbers = [item & _LOW for item in traces.ids if item >> 64 == high]
    mine = np.isin(kept.column("row").to_numpy(), np.array(numbers, dtype=np.int64))
    bad = json.loads(meta.get(b"bad") or b"[]")
    left = [item for item in bad if not any(word in str(item) for word in traces.words)]
    if not mine.any() and len(left) == len(bad):
        return kept
    fresh = kept.filter(pa.array(~mine))
    if not fresh.num_rows and not left:
        return None
    meta[b"bad"] = json.dumps(left, ensure_ascii=False).encode()
    return fresh.replace_schema_metadata(meta)
