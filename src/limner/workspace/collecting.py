"""Verbs of collecting: sources are made, and what was collected is counted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from limner.accounts import keys
from limner.errors import UsageError, did_you_mean
from limner.events.summary import summary
from limner.expressions import check, parse, where
from limner.types import Json
from limner.workspace.definitions import catalog
from limner.workspace.workspace import Workspace

COUNTERS = ("received", "stored", "duplicate", "quarantined", "rejected")


def source_add(workspace: Workspace, name: str, kind: str = "segment") -> Json:
    """A new source and its write key, shown once."""
    if kind not in ("segment", "import"):
        raise UsageError(f"unknown kind '{kind}'", hint=did_you_mean(kind, ("segment", "import")))
    if not name.strip():
        raise UsageError("a source needs a name", where="name")
    if "/" in name:
        raise UsageError("a source's name holds no /", where="name", code="invalid_name")
    made, key = keys.add_source(workspace.records, name.strip(), kind=kind, now=workspace.clock())
    return {"name": made.name, "kind": made.kind, "write_key": key}


def source_rotate(workspace: Workspace, name: str) -> Json:
    """A new write key for a source."""
    return {"name": name, "write_key": keys.rotate_source(workspace.records, name)}


def counters(workspace: Workspace) -> Json:
    """The four counters of each source, and warnings by code."""
    workspace.load()
    names = {source.source_i: source.name for source in keys.sources(workspace.records)}
    warned = workspace.engine.read(
        "SELECT code, SUM(n)::BIGINT AS n FROM warnings GROUP BY code ORDER BY code"
    )
    return {
        "sources": {names.get(i, f"source {i}"): numbers for i, numbers in counted(workspace).items()},
        "warnings": {row["code"]: row["n"] for row in warned.to_pylist()},
    }


def counted(workspace: Workspace) -> dict[int, dict[str, int]]:
    """The counters of each source by its ordinal."""
    found = workspace.engine.read(
        "SELECT source_i, "
        + ", ".join(f"SUM({c})::BIGINT AS {c}" for c in COUNTERS)
        + " FROM counters GROUP BY ALL"
    ).to_pylist()
    return {row["source_i"]: {name: row[name] for name in COUNTERS} for row in found}


def event_summary(
    workspace: Workspace,
    where: str = "",
    by: list[str] = [],  # noqa: B006 - never changed
    sum: str = "",
    distinct: str = "",
) -> Json:
    """Counts and exact sums over all events, perhaps by groups."""
    workspace.load()
    known = catalog(workspace)
    condition = None
    if where:
        condition = _condition(where, known, workspace.clock())
    return summary(
        workspace.engine,
        known,
        condition=condition,
        by=by,
        sum=sum or None,
        distinct=distinct or None,
        sources={source.source_i: source.name for source in keys.sources(workspace.records)},
    )


def _condition(expression: str, known: Any, now: datetime) -> Any:
    tree = parse(expression, scope="event")
    check(tree, known, kind="event")
    return where(tree, known, now)
