"""Preview: what a definition would give if it were computed now, beside what is published. Publishes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from limner.columns import Array, Column, Columns, Given, column
from limner.engine.seam import Engine, Transaction, quoted
from limner.expressions.catalog import Catalog
from limner.tags import changes, publish
from limner.tags.check import check
from limner.tags.graph import Graph
from limner.tags.history import PREFIX, tags_at
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Tag
from limner.types import ValueType


@dataclass(frozen=True)
class Preview:
    """The column that a run would publish, and whom it would change against what is published.

    `columns` holds the tag alone; `before`: how many have it now; `had`: who, by ordinal.
    """

    columns: Columns
    people: int
    before: int
    entered: int
    left: int
    moved: int
    had: Array


def preview(
    engine: Engine,
    graph: Graph,
    key: str,
    *,
    catalog: Catalog,
    as_of: datetime,
    published: Columns | None,
    held: publish.Applied | None,
) -> Preview:
    """What `run` of this tag would publish as of then, counted exactly.

    `published`: the columns as they stand; `held`: what is applied of the tag. What it refers to is computed anew with
    it, as a run does. Raises DefinitionError for what cannot be computed.
    """
    fresh = Fresh(catalog, graph.tags)
    for need in graph.closure([key]):
        check(graph.tags[need], graph, catalog=fresh, as_of=as_of)
    with tags_at(engine, graph, [key], catalog=catalog, as_of=as_of) as (tx, _):
        who = publish.alive(tx)
        made = drafted(tx, graph.tags[key], len(who), as_of=as_of)
    gone = held is None or held.expired or (held.expires_at is not None and held.expires_at <= as_of)
    old = None if gone or published is None or key not in published else published[key]
    n = max(len(who), 0 if old is None else old.n)
    found = changes.compare(old, made, n)
    columns = Columns.memory(n=len(who), as_of=as_of, alive=who, columns={key: made})
    return Preview(
        columns,
        people=int(np.count_nonzero(made.known)),
        before=0 if old is None else int(np.count_nonzero(old.known)),
        entered=found.entered,
        left=found.left,
        moved=found.moved,
        had=np.zeros(n, dtype=np.bool_) if old is None else old.padded(n).known,
    )


def drafted(tx: Transaction, tag: Tag, n: int, *, as_of: datetime) -> Column:
    """The tag's values of then (see `tags_at`) as a run would publish them; known labels keep their codes."""
    times: dict[str, Any] = {"as_of": as_of, "expires_at": tag.expires_at(as_of)}
    table = quoted(PREFIX + tag.table)
    labels: list[str] = []
    value = "epoch_us(value)" if tag.type is ValueType.INSTANT else "value"
    found = tx.read(f"SELECT ix, {value} AS value FROM {table} WHERE ix IN ({publish.ALIVE})")
    ix = found.column("ix").combine_chunks().to_numpy()
    if tag.type is not ValueType.TEXT:
        values = found.column("value").combine_chunks().to_numpy(zero_copy_only=False)
        return column(tag.key, Given(tag.type, ix, np.asarray(values), **times), n)
    known = tx.read("SELECT label FROM labels WHERE tag = $tag ORDER BY code", {"tag": tag.key})
    labels = known.column(0).to_pylist()
    codes = {label: code for code, label in enumerate(labels, 1)}
    encoded = found.column("value").combine_chunks().dictionary_encode()
    for label in encoded.dictionary.to_pylist():
        if label not in codes:
            labels.append(label)
            codes[label] = len(labels)
    table_of = np.array([codes[label] for label in encoded.dictionary.to_pylist()], dtype=np.int64)
    given = table_of[encoded.indices.to_numpy()] if len(ix) else np.zeros(0, dtype=np.int64)
    return column(tag.key, Given(tag.type, ix, given, tuple(labels), **times), n)


def some(found: Preview, key: str, most: int) -> list[int]:
    """The ordinals of up to `most` people who would have the tag: those who enter first, then those who have it."""
    known = found.columns[key].known & found.columns.alive
    had = found.had[: len(known)]
    entering, staying = np.flatnonzero(known & ~had), np.flatnonzero(known & had)
    return [int(ix) for ix in np.concatenate([entering[:most], staying[:most]])[:most]]
