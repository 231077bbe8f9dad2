"""Patches: columns with other values for the people who changed, equal to columns that are read anew for everybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from limner.columns import Array, Column, Columns, Given, at_once, patched, settled
from limner.engine.seam import Transaction, quoted
from limner.expressions.together import NOW
from limner.tags import changes, publish
from limner.tags.homes import Mark
from limner.tags.publish import Applied
from limner.types import ValueType


@dataclass(frozen=True, eq=False)
class Patched:
    """A tag's column after a home was carried on. `who`: the people who may have another value than before."""

    column: Column
    who: Array


def carried(
    tx: Transaction,
    mark: Mark,
    written: Mapping[str, str],
    states: Mapping[str, Applied],
    held: Columns | Mapping[str, Column],
    *,
    alive: Array,
    settle: bool,
) -> dict[str, Patched]:
    """The columns of the tags that a carried home says enough of: those whose value only events change.

    `written`: by shelf, the table of its rows that were written. `held`: the columns as they were when the home was
    carried on last; `alive`: who exists now. `settle`: keep no label that nobody has any more; a fresh column has none.
    """
    shelves: dict[str, list[Applied]] = {}
    for state in states.values():
        found = mark.shelves_of([state.reading or ""])
        if state.home == mark.home and len(found) == 1 and NOW not in (state.reading or ""):
            shelves.setdefault(found[0].view, []).append(state)
    made: dict[str, Patched] = {}
    for view, together in shelves.items():
        rows = publish.read_rows(tx, quoted(written[view]), together, now=mark.as_of)
        made |= of_rows(tx, rows, together, held, alive=alive, settle=settle)
    return made


def of_rows(
    tx: Transaction,
    rows: pa.Table,
    states: Sequence[Applied],
    held: Columns | Mapping[str, Column],
    *,
    alive: Array,
    settle: bool,
) -> dict[str, Patched]:
    """The columns of tags of which `rows` (ix, and a column named by each tag) gives everybody's value that changed."""
    dead = np.flatnonzero(~alive).astype(np.uint32)
    ix = rows["ix"].combine_chunks().to_numpy()
    before: dict[str, Column] = {}
    texts: dict[str, Given] = {}
    for state in states:
        key = state.tag
        before[key] = held[key]
        if state.type is ValueType.TEXT:
            before[key] = held[key].having(labels=publish.labels_of(tx, key))
            texts[key] = as_given(tx, key, before[key], pa.table({"ix": rows["ix"], "value": rows[key]}))

    def patch(state: Applied) -> Patched:
        old = before[state.tag].padded(len(alive))
        left = dead[old.known_of(dead)] if len(dead) else dead
        who = np.union1d(ix, left) if len(left) else ix
        new = old
        if len(who):
            given = texts.get(state.tag) or Given(state.type, *publish.stored(rows, state))
            new = patched(old, given, who, len(alive))
        if settle:
            new = settled(new)
        return Patched(new.having(as_of=state.as_of, expires_at=state.expires_at), who)

    return dict(zip([state.tag for state in states], at_once(patch, states), strict=True))


def as_given(tx: Transaction, key: str, held: Column, rows: pa.Table) -> Given:
    """The values as a column takes them; texts that are new get the next codes."""
    ix, values = rows["ix"].combine_chunks(), rows["value"].combine_chunks()
    if values.null_count:
        known = values.is_valid()
        ix, values = ix.filter(known), values.filter(known)
    who = ix.to_numpy()
    if held.type is ValueType.TEXT:
        labels = list(held.labels or ())
        codes = pc.index_in(values, pa.array(labels, pa.string()))
        if codes.null_count:
            fresh = sorted(set(pc.unique(values.filter(codes.is_null())).to_pylist()))
            tx.insert(
                "labels",
                pa.table(
                    {
                        "tag": pa.array([key] * len(fresh)),
                        "code": pa.array(range(len(labels) + 1, len(labels) + len(fresh) + 1), pa.uint32()),
                        "label": pa.array(fresh),
                    }
                ),
            )
            labels += fresh
            codes = pc.index_in(values, pa.array(labels, pa.string()))
        return Given(held.type, who, codes.to_numpy() + 1, tuple(labels))
    if held.type is ValueType.INSTANT:
        values = values.cast(pa.int64())
    elif held.type is ValueType.NUMBER and not pa.types.is_integer(values.type):
        values = values.cast(pa.float64())
    return Given(held.type, who, np.asarray(values.to_numpy(zero_copy_only=False)))


def changed_of(held: Column, new: Column, who: Array) -> changes.Changed:
    """Which of the people changed, as `changes.compare` says of everybody."""
    old = held.padded(new.n)
    if new.type in (ValueType.FLAG, ValueType.TEXT):
        different = np.asarray(old.codes)[who] != np.asarray(new.codes)[who]
    else:
        different = old.known_of(who) != new.known_of(who)
    ix = who[different]
    if not len(ix):
        return changes.Changed(ix, pa.nulls(0, pa.string()), pa.nulls(0, pa.string()))
    return changes.Changed(ix, changes.texts(old, ix), changes.texts(new, ix))
