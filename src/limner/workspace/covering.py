"""The verb of coverage: how many people of each source have a tag."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from limner.accounts.keys import sources
from limner.tags.publish import ALIVE
from limner.types import Json, ValueType
from limner.workspace import definitions
from limner.workspace.catalog import known
from limner.workspace.knowing import live
from limner.workspace.workspace import Workspace

_BY_SOURCE = f"""
SELECT s.source_i, COUNT(*) AS people, COUNT(t.ix) AS tagged
FROM (
    SELECT DISTINCT source_i, ix FROM (
        SELECT source_i, ix FROM events UNION ALL SELECT source_i, ix FROM attributes
    ) WHERE ix IN ({ALIVE})
) AS s LEFT JOIN tagged AS t ON t.ix = s.ix
GROUP BY s.source_i ORDER BY people DESC, s.source_i
"""


def tag_coverage(workspace: Workspace, key: str) -> Json:
    """How many people of each source have the tag, as it is published: a flag when it is true, others with any value.

    Somebody who is known from several sources counts in each of them; `everybody` and `people` count once.
    """
    workspace.load()
    known(definitions.tags(workspace), key, "tag")
    columns = live(workspace)
    found = None if columns is None else columns.column(key)
    ix = np.zeros(0, dtype=np.uint32)
    if columns is not None and found is not None:
        held = found.known & columns.alive[: found.n]
        if found.type is ValueType.FLAG:
            yes = [code for code, label in enumerate(found.labels or (), 1) if found.python(label) is True]
            held &= np.isin(np.asarray(found.codes), yes)
        ix = np.flatnonzero(held).astype(np.uint32)
    named = {item.source_i: item.name for item in sources(workspace.records)}
    rows = workspace.engine.read(
        _BY_SOURCE, {}, given={"tagged": pa.table({"ix": pa.array(ix, pa.uint32())})}
    ).to_pylist()
    return {
        "key": key,
        "as_of": None if columns is None else columns.as_of.isoformat(),
        "everybody": 0 if columns is None else int(columns.alive.sum()),
        "people": len(ix),
        "sources": [
            {
                "source": named.get(row["source_i"], str(row["source_i"])),
                "people": int(row["people"]),
                "tagged": int(row["tagged"]),
                "share": round(row["tagged"] / row["people"], 6),
            }
            for row in rows
        ],
    }
