"""Verbs of views: what somebody filtered a list by, kept under a name."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text as sql

from limner.accounts.keys import micros
from limner.accounts.model import LOCAL, Caller, Role, may
from limner.errors import DeniedError, NotFoundError, UsageError
from limner.types import Json
from limner.workspace.workspace import Workspace


def view_list(workspace: Workspace, page: str = "", *, caller: Caller = LOCAL) -> Json:
    """The saved views of a page (or all): one's own, and those that others share."""
    with workspace.records.read() as connection:
        rows = connection.execute(
            sql(
                "SELECT * FROM views WHERE (:page = '' OR page = :page) AND (owner = :owner OR shared = 1)"
                " ORDER BY page, LOWER(name), id"
            ),
            {"page": page, "owner": _owner(caller)},
        ).all()
        rows_of_users = connection.execute(sql("SELECT id, name FROM users")).all()
    names = {f"user:{row.id}": str(row.name) for row in rows_of_users}
    return {"views": [_view(row, caller, names) for row in rows]}


def view_save(
    workspace: Workspace, page: str, name: str, query: str, shared: bool = False, *, caller: Caller = LOCAL
) -> Json:
    """A named view of a page: what its address asks. One's own view of the same name is replaced."""
    if shared and not may(caller.role, Role.OPERATOR):
        raise DeniedError("this needs the role operator: others would see the view", code="forbidden")
    given = {
        "id": uuid.uuid4().hex,
        "page": page,
        "name": name.strip(),
        "query": query.removeprefix("?"),
        "owner": _owner(caller),
        "shared": int(shared),
        "at": micros(workspace.clock()),
    }
    if not given["name"]:
        raise UsageError("a view has a name", where="name", code="missing")
    with workspace.records.begin() as connection:
        connection.execute(
            sql("DELETE FROM views WHERE page = :page AND name = :name AND owner = :owner"), given
        )
        connection.execute(
            sql("INSERT INTO views VALUES (:id, :page, :name, :query, :owner, :shared, :at)"), given
        )
        row = connection.execute(sql("SELECT * FROM views WHERE id = :id"), given).one()
    return _view(row, caller, {})


def view_remove(workspace: Workspace, id: str, *, caller: Caller = LOCAL) -> Json:
    """Takes a saved view away: one's own, or for an admin any that is shared."""
    with workspace.records.begin() as connection:
        row = connection.execute(sql("SELECT * FROM views WHERE id = :id"), {"id": id}).first()
        own = row is not None and row.owner == _owner(caller)
        if row is None or not (own or row.shared):
            raise NotFoundError(f"there is no view '{id}'")
        if not own and caller.role is not Role.ADMIN:
            raise DeniedError("this view is somebody else's", code="forbidden")
        connection.execute(sql("DELETE FROM views WHERE id = :id"), {"id": id})
    return {"id": id, "removed": True}


def _owner(caller: Caller) -> str:
    return f"{caller.kind}:{caller.id}"


def _view(row: Any, caller: Caller, names: Mapping[str, str]) -> Json:
    own = row.owner == _owner(caller)
    return {
        "id": row.id,
        "page": row.page,
        "name": row.name,
        "query": row.query,
        "shared": bool(row.shared),
        "own": own,
        "by": caller.name if own else names.get(row.owner, ""),
    }
