"""Verbs of collecting: sources, keys, imports, and what was collected."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from limner.accounts import keys
from limner.accounts.model import Role
from limner.errors import InputError, UsageError, did_you_mean
from limner.events import imports, mapping
from limner.events.summary import summary
from limner.expressions import check, parse, where
from limner.types import Json, Progress, utc
from limner.workspace.definitions import catalog
from limner.workspace.workspace import Workspace

COUNTERS = ("received", "stored", "duplicate", "quarantined", "rejected")
MOST = 1_000


def source_add(workspace: Workspace, name: str, kind: str = "segment") -> Json:
    """A new source and its write key, shown once."""
    if kind not in ("segment", "import"):
        raise UsageError(f"unknown kind '{kind}'", hint=did_you_mean(kind, ("segment", "import")))
    if not name.strip():
        raise UsageError("a source needs a name")
    made, key = keys.add_source(workspace.records, name.strip(), kind=kind, now=workspace.clock())
    return {"name": made.name, "kind": made.kind, "write_key": key}


def source_rotate(workspace: Workspace, name: str) -> Json:
    """A new write key for a source."""
    return {"name": name, "write_key": keys.rotate_source(workspace.records, name)}


def source_list(workspace: Workspace) -> Json:
    """Each source with its counters: received = stored + duplicate + quarantined + rejected."""
    workspace.load()
    counted = _counters(workspace)
    listed = [
        {
            "name": source.name,
            "kind": source.kind,
            "key_tail": source.key_tail,
            "enabled": source.enabled,
            "created_at": source.created_at.isoformat(),
            **counted.get(source.source_i, dict.fromkeys(COUNTERS, 0)),
        }
        for source in keys.sources(workspace.records)
    ]
    return {"sources": listed}


def counters(workspace: Workspace) -> Json:
    """The four counters of each source, and warnings by code."""
    workspace.load()
    names = {source.source_i: source.name for source in keys.sources(workspace.records)}
    counted = _counters(workspace)
    warned = workspace.engine.read(
        "SELECT code, SUM(n)::BIGINT AS n FROM warnings GROUP BY code ORDER BY code"
    )
    return {
        "sources": {names.get(i, f"source {i}"): numbers for i, numbers in counted.items()},
        "warnings": {row["code"]: row["n"] for row in warned.to_pylist()},
    }


def _counters(workspace: Workspace) -> dict[int, dict[str, int]]:
    found = workspace.engine.read(
        "SELECT source_i, "
        + ", ".join(f"SUM({c})::BIGINT AS {c}" for c in COUNTERS)
        + " FROM counters GROUP BY ALL"
    ).to_pylist()
    return {row["source_i"]: {name: row[name] for name in COUNTERS} for row in found}


def key_add(workspace: Workspace, role: str, note: str = "") -> Json:
    """A new API key, shown once."""
    if role not in list(Role):
        raise UsageError(f"unknown role '{role}'", hint="admin, operator or viewer")
    made, key = keys.add_key(workspace.records, Role(role), note=note, now=workspace.clock())
    return {"id": made.id, "role": made.role.value, "key": key}


def key_list(workspace: Workspace) -> Json:
    """All API keys, without their secrets."""
    listed = [
        {
            "id": key.id, "role": key.role.value, "tail": key.tail,
            "created_at": key.created_at.isoformat(), "note": key.note,
        }
        for key in keys.keys(workspace.records)
    ]  # fmt: skip
    return {"keys": listed}


def key_remove(workspace: Workspace, id: str) -> Json:
    """The key stops working at once."""
    keys.remove_key(workspace.records, id)
    return {"removed": id}


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
    )


def _condition(expression: str, known: Any, now: datetime) -> Any:
    tree = parse(expression, scope="event")
    check(tree, known, kind="event")
    return where(tree, known, now)


def event_list(workspace: Workspace, limit: int = 50, event: str = "") -> Json:
    """The latest events, newest first."""
    workspace.load()
    from limner.portraits.person import latest_events

    return {"events": latest_events(workspace.engine, limit=min(limit, MOST), event=event or None)}


def event_quarantine(workspace: Workspace, limit: int = 50) -> Json:
    """Events that were set aside, newest first, each with its reason."""
    workspace.load()
    names = {source.source_i: source.name for source in keys.sources(workspace.records)}
    found = workspace.engine.read(
        "SELECT source_i, received_at, code, path, message, raw FROM quarantine"
        " ORDER BY received_at DESC, id LIMIT $limit",
        {"limit": min(limit, MOST)},
    ).to_pylist()
    return {
        "events": [
            {
                "received_at": utc(row["received_at"]).isoformat(),
                "source": names.get(row["source_i"], ""),
                "code": row["code"],
                "path": row["path"],
                "message": row["message"],
                "raw": row["raw"],
            }
            for row in found
        ]
    }


def import_file(workspace: Workspace, progress: Progress, file: str, map: str) -> Json:
    """Every row of a file as an event; received = stored + duplicate + quarantined + rejected."""
    path = Path(file)
    now = workspace.clock()
    if map == "auto":
        reader = imports.opened(path, None, limits=workspace.config.limits)
        chosen = imports.guessed(reader, strong_keys=workspace.config.strong_keys)
        reader = imports.opened(path, chosen, limits=workspace.config.limits)
    else:
        chosen = mapping.parse(_text(Path(map)), name=map, zone=workspace.config.zone)
        reader = imports.opened(path, chosen, limits=workspace.config.limits)
    source = keys.ensure_source(workspace.records, chosen.source or path.stem, kind="import", now=now)
    before = _imported(workspace, reader.digest)
    report = imports.Report(notes=tuple(reader.notes))
    if before is not None:
        report = imports.Report(notes=(*report.notes, f"already imported at {before}"))
    with workspace.runs.run("import", path.name) as detail:
        for chunk in imports.prepare(
            reader,
            chosen,
            source_i=source.source_i,
            received_at=now,
            strong_keys=workspace.config.strong_keys,
            limits=workspace.config.limits,
            money_properties=workspace.config.money_properties,
            progress=progress,
        ):
            stored, duplicate = workspace.load_sealed(chunk.table, chunk.batch)
            report = report.with_chunk(chunk, stored=stored, duplicate=duplicate)
            progress("rows imported", report.received, 0)
        answer = report.to_json()
        detail.update({name: answer[name] for name in COUNTERS})
        _remember(workspace, reader.digest, path.name, source.source_i, now, answer)
    return {**answer, "file": path.name, "digest": reader.digest, "source": source.name}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"there is no mapping file {path}", code="not_found", status=404) from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text") from error


def _imported(workspace: Workspace, digest: str) -> str | None:
    with workspace.records.read() as connection:
        at = connection.execute(
            text("SELECT at FROM imports WHERE digest = :digest"), {"digest": digest}
        ).scalar()
    return None if at is None else keys.instant(at).isoformat(timespec="seconds")


def _remember(
    workspace: Workspace, digest: str, name: str, source_i: int, now: datetime, report: Json
) -> None:
    with workspace.records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO imports (digest, name, source_i, at, status, report)"
                " VALUES (:digest, :name, :source_i, :at, 'done', :report)"
                " ON CONFLICT (digest) DO UPDATE SET report = :report"
            ),
            {
                "digest": digest,
                "name": name,
                "source_i": source_i,
                "at": keys.micros(now),
                "report": json.dumps(report, ensure_ascii=False),
            },
        )
