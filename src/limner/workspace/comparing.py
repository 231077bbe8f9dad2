"""Comparing: the same tags computed by the cluster and in place, and where they differ. Publishes nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from limner.engine.seam import Engine, Transaction, quoted
from limner.errors import UsageError
from limner.tags import run as tag_runs
from limner.tags.computing import Computing
from limner.tags.model import Tag
from limner.types import Json, Progress, ValueType
from limner.workspace import definitions
from limner.workspace.catalog import known
from limner.workspace.computing import computing
from limner.workspace.knowing import instant_of
from limner.workspace.workspace import Workspace

NEAR = "1e-12"
"""Numbers that lie no further apart than this share of the larger one are equal."""


def tag_compare(workspace: Workspace, progress: Progress, keys: list[str] = [], as_of: str = "") -> Json:  # noqa: B006
    """Computes tags on the cluster and on this machine, publishes neither, and counts the values that differ."""
    if workspace.config.engine == "duckdb":
        raise UsageError(
            "there is nothing to compare: this workspace computes on one machine",
            hint='engine = "spark" in limner.toml',
        )
    workspace.load(progress)
    at = instant_of(workspace, as_of)
    tags = definitions.tags(workspace)
    for key in keys:
        known(tags, key, "tag")
    here = _values(workspace, tags, keys, at, tag_runs.IN_PLACE, progress)
    with computing(workspace.config, workspace.paths.folder) as engine:
        there = _values(workspace, tags, keys, at, engine, progress)
    found = [
        {
            "tag": key,
            "people": here[key].num_rows,
            "differ": differ(workspace.engine, here[key], there[key], tags[key].type),
        }
        for key in sorted(here)
    ]
    return {"as_of": at.isoformat(), "tags": found, "differ": sum(row["differ"] for row in found)}


class _Undone(Exception):
    """What was computed is not to be kept."""


def _values(
    workspace: Workspace,
    tags: Mapping[str, Tag],
    keys: list[str],
    as_of: datetime,
    engine: Computing,
    progress: Progress,
) -> dict[str, pa.Table]:
    """(ix, value) of each tag, computed anew and taken back."""
    found: dict[str, pa.Table] = {}
    try:
        with workspace.engine.write() as tx, tempfile.TemporaryDirectory() as folder:
            report = tag_runs.run(
                workspace.engine,
                tags,
                catalog=definitions.catalog(workspace),
                as_of=as_of,
                run_id=workspace.new_id(),
                columns_dir=Path(folder),
                only=keys or None,
                full=True,
                progress=progress,
                computing=engine,
            )
            found = {row.tag: _read(tx, tags[row.tag]) for row in report.tags}
            raise _Undone
    except _Undone:
        return found


def _read(tx: Transaction, tag: Tag) -> pa.Table:
    return tx.read(f"SELECT ix, value FROM {quoted(tag.table)}")


def differ(engine: Engine, one: pa.Table, other: pa.Table, kind: ValueType) -> int:
    """How many people have another value in the other table (ix, value), or in only one of them."""
    same = "a.value IS NOT DISTINCT FROM b.value"
    if kind is ValueType.NUMBER:
        same += f" OR ABS(a.value - b.value) <= {NEAR} * GREATEST(ABS(a.value), ABS(b.value))"
    counted = engine.read(
        f"SELECT COUNT(*) AS n FROM one AS a FULL JOIN other AS b ON a.ix = b.ix WHERE ({same}) IS NOT TRUE",
        given={"one": one, "other": other},
    )
    return int(counted.column("n")[0].as_py())
