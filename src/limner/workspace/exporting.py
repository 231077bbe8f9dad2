"""Verbs of exports: an audience as a file, with the columns that the asker may see."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import text as sql

from limner.accounts.keys import instant
from limner.accounts.model import LOCAL, Caller, allows, sees_personal
from limner.audiences import export
from limner.audiences.model import NAME
from limner.errors import DeniedError, NotFoundError, UsageError
from limner.tags.model import Sensitivity
from limner.types import Json, Progress
from limner.workspace import definitions
from limner.workspace.catalog import known
from limner.workspace.knowing import live, log_export
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.sizing import measured, tree_of
from limner.workspace.workspace import Workspace

LEAST_REASON = 3
"""A reason of fewer characters says nothing."""

_WRITERS = {"csv": export.to_csv, "parquet": export.to_parquet}


def audience_export(
    workspace: Workspace,
    progress: Progress,
    name: str,
    to: str = "",
    format: str = "csv",
    columns: list[str] = [],  # noqa: B006
    reason: str = "",
    mask: bool = False,
    rows: bool = False,
    caller: Caller = LOCAL,
) -> Json:
    """The people of an audience with their tags, as CSV or Parquet; every export is logged.

    Without `to` the file is kept in the workspace's folder of exports, and a reason is needed. `rows`: a row for each
    value of a tag, with since when and until when it holds and from where it comes, instead of one for each person.
    """
    workspace.load()
    now = workspace.clock()
    if not to and len(reason.strip()) < LEAST_REASON:
        raise UsageError(
            "say why", where="reason", code="missing", hint="it stands beside the export for ever"
        )
    kind = Path(to).suffix.removeprefix(".") if to else format
    if kind not in _WRITERS:
        ends = f"'{Path(to).name}' ends neither in .csv nor in .parquet" if to else "csv or parquet"
        raise UsageError(ends, where="to" if to else "format")
    condition = tree_of(workspace, name)
    fields = _allowed(workspace, _fields(workspace, columns), caller, asked=bool(columns))
    found = measured(workspace, condition, now)
    number = uuid.uuid4().hex
    target = Path(to) if to else workspace.paths.exports / f"{number}.{kind}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if rows and fields.attributes:
        raise UsageError("rows are of tags: an attribute has none", where="columns", code="no_rows")
    mask = mask or not sees_personal(caller.role)
    hiding: Json = {"personal": workspace.config.personal, "mask": mask}
    tags, published = definitions.tags(workspace), live(workspace)
    if rows:
        batches = export.rows(
            workspace.engine, found.who, fields.tags, tags=tags, columns=published, as_of=now, **hiding
        )
    else:
        batches = export.batches(
            workspace.engine,
            found.who,
            fields,
            tags=tags,
            columns=published,
            catalog=definitions.catalog(workspace),
            as_of=now,
            **hiding,
        )
    draft = target.with_name(f".{target.name}.part")
    try:
        written = _WRITERS[kind](draft, batches, progress=progress, total=0 if rows else len(found.who))
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    log_export(
        workspace,
        id=number,
        who=caller.name,
        what=f"audience {name}",
        path=target,
        people=len(found.who),
        reason=reason.strip(),
    )
    return {
        "export": number,
        "name": name,
        "path": str(target) if to else None,
        "people": len(found.who),
        "rows": written,
        "masked": mask,
        "format": kind,
        "bytes": target.stat().st_size,
        "as_of": now.isoformat(),
    }


def _allowed(workspace: Workspace, fields: export.Fields, caller: Caller, *, asked: bool) -> export.Fields:
    """The fields that the caller may take out: sensitive tags need a role that sees personal data, and its scope.

    Where they were not asked for by name they are left out. Raises DeniedError where they were.
    """
    if sees_personal(caller.role) and allows(caller, "people", "read"):
        return fields
    tags = definitions.tags(workspace)
    closed = [key for key in fields.tags if key in tags and tags[key].sensitivity is Sensitivity.SENSITIVE]
    if closed and asked:
        raise DeniedError(
            f"'{closed[0]}' is sensitive: it is not exported for you",
            code="sensitive",
            where="columns",
            hint="leave it out, or ask an operator; a key with scopes needs people:read",
        )
    return replace(fields, tags=tuple(key for key in fields.tags if key not in closed))


def _fields(workspace: Workspace, columns: list[str]) -> export.Fields:
    """What an export shows: the tags and person.attributes that are named, else all tags."""
    tags = definitions.tags(workspace)
    chosen = list(dict.fromkeys(item.strip() for item in columns if item.strip()))
    if not chosen:
        return export.Fields(tags=tuple(tags))
    return export.Fields(
        attributes=tuple(item.removeprefix("person.") for item in chosen if item.startswith("person.")),
        tags=tuple(known(tags, item, "tag") for item in chosen if not item.startswith("person.")),
    )


def export_list(workspace: Workspace, q: str = "", limit: int = 50, cursor: str = "") -> Json:
    """Who took which people out, when, how many and why; the latest first. `there`: the file can be fetched."""
    values: Json = {"limit": size_of(limit) + 1, "q": f"%{q.casefold()}%"}
    conditions = ["TRUE"]
    if q:
        conditions.append("(LOWER(who) LIKE :q OR LOWER(what) LIKE :q OR LOWER(reason) LIKE :q)")
    if cursor:
        values["at"], values["id"] = place_of(cursor, 2)
        conditions.append("(at, id) < (:at, :id)")
    with workspace.records.read() as connection:
        rows = connection.execute(
            sql(
                f"SELECT * FROM exports WHERE {' AND '.join(conditions)} ORDER BY at DESC, id DESC LIMIT :limit"
            ),
            values,
        ).all()
    shown = rows[:limit]
    return {
        "exports": [_export(workspace, row) for row in shown],
        "next": cursor_of(shown[-1].at, shown[-1].id) if len(rows) > limit else None,
    }


def _export(workspace: Workspace, row: Any) -> Json:
    path = _kept(workspace, row)
    what, _, name = str(row.what).partition(" ")
    return {
        "id": row.id,
        "at": instant(row.at).isoformat(),
        "by": row.who,
        "what": what,
        "name": name or None,
        "people": row.people,
        "reason": row.reason,
        "format": Path(row.path).suffix.removeprefix("."),
        "there": path is not None,
        "bytes": None if path is None else path.stat().st_size,
    }


def _kept(workspace: Workspace, row: Any) -> Path | None:
    """The export's file, if it is one that was kept here and is still there."""
    path = workspace.paths.exports / f"{row.id}{Path(row.path).suffix}"
    return path if Path(row.path) == path and path.is_file() else None


def export_file(workspace: Workspace, id: str) -> Json:
    """Where the file of a kept export lies, and what it is to be called. Raises NotFoundError when it is gone."""
    with workspace.records.read() as connection:
        row = connection.execute(sql("SELECT * FROM exports WHERE id = :id"), {"id": id}).first()
    if row is None:
        raise NotFoundError(f"there is no export '{id}'")
    path = _kept(workspace, row)
    if path is None:
        raise NotFoundError(
            "the file of this export is gone",
            hint="it is deleted when somebody in it is erased; export again",
        )
    shown = _export(workspace, row)
    day = instant(row.at).astimezone(workspace.config.tz).date().isoformat()
    stem = shown["name"] if shown["name"] and NAME.match(shown["name"]) else "people"
    return {**shown, "path": str(path), "file": f"{stem}-{day}.{shown['format']}"}
