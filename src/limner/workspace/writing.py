"""Verbs of writing: definition files read, checked, saved, undone. The file is the definition; edits are remembered.

A file may also be changed by hand or by git; whoever saves says which text they began from, and a save over somebody
else's text is refused.
"""

from __future__ import annotations

import hashlib
import re
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text as sql

from limner.accounts.keys import instant, micros
from limner.accounts.model import LOCAL, Caller
from limner.audiences import model as audiences
from limner.audiences import versions
from limner.campaigns import journey_text as journeys
from limner.campaigns import scene_text as scenes
from limner.campaigns import text as campaigns
from limner.campaigns.model import files_of
from limner.content import text as content_text
from limner.errors import ConflictError, DeniedError, LimnerError, NotFoundError, UsageError, did_you_mean
from limner.forms import text as forms
from limner.referrals import text as referrals
from limner.store.records import Records
from limner.tags import exclusive, measures, naming, objects
from limner.tags import text as tag_text
from limner.tags.document import Document
from limner.tags.model import Stage
from limner.touches import replies
from limner.types import Json
from limner.workspace import approving, definitions
from limner.workspace.files import DEFINITIONS, TEMPLATE
from limner.workspace.runs import said
from limner.workspace.workspace import Workspace

MOST_TEXT = 1_000_000
NEW = ""
"""The etag of a file that is not there."""

_WRITING = threading.Lock()
"""One save at a time: what is compared is what is replaced."""

_READERS: dict[str, Any] = {
    "tags": tag_text.read,
    "groups": exclusive.read,
    "metrics": measures.read,
    "objects": objects.read,
    "audiences": audiences.read,
    "scenes": scenes.read,
    "campaigns": campaigns.read,
    "journeys": journeys.read,
    "replies": replies.read,
    "mappings": naming.read,
    "content": content_text.read,
    "forms": forms.read,
    "referrals": referrals.read,
}


def etag_of(text: str) -> str:
    """A text's short digest; equal texts have equal ones."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def path_of(workspace: Workspace, kind: str, name: str) -> Path:
    """The definition's file. Raises UsageError for a kind or name that cannot be one."""
    if kind not in DEFINITIONS:
        raise UsageError(f"unknown kind '{kind}'", where="kind", hint=did_you_mean(kind, DEFINITIONS))
    if kind == "templates":
        if not TEMPLATE.fullmatch(name):
            raise UsageError(
                f"'{name}' is no template name",
                where="name",
                hint="letters, digits, _ and -, ending in .html, .mjml, .txt or .yml",
            )
        return workspace.paths.folder / kind / name
    if not audiences.NAME.match(name):
        raise UsageError(f"'{name}' is no name", where="name", hint="letters, digits, _ and -")
    return workspace.paths.definition(kind, name)


def read_text(path: Path) -> str | None:
    """The file's text, None when there is no file. Raises UsageError when it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name} is not UTF-8 text", where=path.name) from error


def problems_of(workspace: Workspace, kind: str, name: str, text: str) -> list[Json]:
    """What would be wrong in this definition if it stood in its file: line, column, message, hint."""
    path = path_of(workspace, kind, name)
    if kind == "templates":
        return []
    try:
        _READERS[kind](text, path.stem)
    except LimnerError as error:
        return [placed(said(error))]
    here = f"{kind}/{path.name}"
    found = definitions.problems(workspace, instead={(kind, path.stem): text})
    mine = [item for item in found if (item["where"] or "").startswith(here)]
    document = Document(text, where=here) if mine else None
    return [placed(item, document) for item in mine]


_NAMED = re.compile(r"[^:]+: ([\w.]+)")
"""A place that is said in words: `journeys/cart.yml: steps.remind`."""


def placed(problem: Json, document: Document | None = None) -> Json:
    """The problem with its line and column; those of what its place names in words, where the document has that."""
    where = problem["where"] or ""
    named = _NAMED.match(where)
    path = document.path_of(named[1].split(".")) if named and document is not None else ()
    if path and document is not None:
        where = document.place(*path, of_key=True)
    parts = where.split(":")
    line = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 1
    column = int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else 1
    return {
        "line": line,
        "column": column,
        "message": problem["message"],
        "hint": problem["hint"],
        "code": problem["code"],
    }


def with_paths(problems: list[Json], document: Document | None) -> list[Json]:
    """Each problem with the path of the value at which it stands, for a form to show it there; [] where none is."""

    def path_of(item: Json) -> list[str | int]:
        found = () if document is None else document.path_at(item["line"], item["column"])
        return [step if isinstance(step, int) else str(step) for step in found]

    return [{**item, "path": path_of(item)} for item in problems]


def definition_show(workspace: Workspace, kind: str, name: str) -> Json:
    """A definition's text with its etag, what is wrong in it, and who changed it last here."""
    text = _there(workspace, kind, name)
    last = _last(workspace.records, kind, name)
    return {
        "kind": kind,
        "name": name,
        "text": text,
        "etag": etag_of(text),
        "problems": problems_of(workspace, kind, name, text),
        "read_only": workspace.config.definitions == "read-only",
        "changed": last if last is not None and last["etag"] == etag_of(text) else None,
    }


def definition_check(workspace: Workspace, kind: str, name: str, text: str) -> Json:
    """What would be wrong in a text as that definition; nothing is kept."""
    _bounded(text)
    return {"kind": kind, "name": name, "problems": problems_of(workspace, kind, name, text)}


def definition_save(
    workspace: Workspace, kind: str, name: str, text: str, base: str = NEW, caller: Caller = LOCAL
) -> Json:
    """Writes the definition's file, if it is still the text with the etag `base` ('' = not there yet).

    Raises UsageError for a text that is wrong, ConflictError naming the other edit.
    """
    _bounded(text)
    path = path_of(workspace, kind, name)
    wrong = problems_of(workspace, kind, name, text)
    if wrong:
        first = wrong[0]
        raise UsageError(
            first["message"],
            where=f"{kind}/{path.name}:{first['line']}:{first['column']}",
            hint=first["hint"],
            code=first["code"],
        )
    if kind == "tags" and tag_text.read(text, name).stage is Stage.DRAFT:
        broken = _broken_with(workspace, kind, name, text)
        if broken:
            raise ConflictError(
                f"'{name}' is needed by {', '.join(broken)}", code="in_use", hint="a draft is not computed"
            )
    replace(workspace, kind, name, text, base=base, caller=caller, action="save")
    return definition_show(workspace, kind, name)


def definition_delete(workspace: Workspace, kind: str, name: str, base: str, caller: Caller = LOCAL) -> Json:
    """Takes the definition's file away; undo brings it back. Raises ConflictError when something needs it."""
    _there(workspace, kind, name)
    broken = _broken_without(workspace, kind, name)
    if broken:
        raise ConflictError(
            f"'{name}' is needed by {', '.join(broken)}", code="in_use", hint="change those first"
        )
    edit = replace(workspace, kind, name, None, base=base, caller=caller, action="delete")
    return {"kind": kind, "name": name, "deleted": True, "edit": edit}


def definition_history(workspace: Workspace, kind: str, name: str) -> Json:
    """The edits that were made here, the latest first; edits by hand or by git are git's to tell."""
    path_of(workspace, kind, name)
    with workspace.records.read() as connection:
        rows = (
            connection.execute(
                sql(
                    "SELECT * FROM edits WHERE kind = :kind AND name = :name ORDER BY at DESC, rowid DESC LIMIT 200"
                ),
                {"kind": kind, "name": name},
            )
            .mappings()
            .all()
        )
    return {"kind": kind, "name": name, "edits": [_edit(row) for row in rows]}


def definition_undo(workspace: Workspace, kind: str, name: str, caller: Caller = LOCAL) -> Json:
    """Takes the latest edit that was made here back. Raises ConflictError when the file was changed since."""
    path = path_of(workspace, kind, name)
    with workspace.records.read() as connection:
        row = (
            connection.execute(
                sql(
                    "SELECT * FROM edits WHERE kind = :kind AND name = :name AND undone_by IS NULL"
                    " AND action <> 'undo' ORDER BY at DESC, rowid DESC LIMIT 1"
                ),
                {"kind": kind, "name": name},
            )
            .mappings()
            .first()
        )
    if row is None:
        raise NotFoundError(f"there is no edit of '{name}' to take back")
    now = read_text(path)
    if now != row["after"]:
        raise _conflict(workspace, kind, name, now)
    if row["before"] is None:
        broken = _broken_without(workspace, kind, name)
        if broken:
            raise ConflictError(f"'{name}' is needed by {', '.join(broken)}", code="in_use")
    base = NEW if now is None else etag_of(now)
    edit = replace(workspace, kind, name, row["before"], base=base, caller=caller, action="undo")
    with workspace.records.begin() as connection:
        connection.execute(
            sql("UPDATE edits SET undone_by = :edit WHERE id = :id"), {"edit": edit, "id": row["id"]}
        )
    return {"kind": kind, "name": name, "undone": _edit(row), "there": row["before"] is not None}


def replace(
    workspace: Workspace,
    kind: str,
    name: str,
    text: str | None,
    *,
    base: str,
    caller: Caller,
    action: str,
) -> str:
    """Puts the text in the definition's place (None takes it away), atomically; the answer is the edit's id.

    Raises DeniedError where definitions are read-only, ConflictError when the file is not the one of `base`.
    """
    if workspace.config.definitions == "read-only":
        raise DeniedError(
            "definitions are read-only here",
            code="read_only",
            hint='they are changed in git; `definitions = "files"` in limner.toml allows it here',
        )
    path = path_of(workspace, kind, name)
    with _WRITING:
        before = read_text(path)
        if base != (NEW if before is None else etag_of(before)):
            raise _conflict(workspace, kind, name, before)
        if text is not None and action not in ("undo", "rollback"):
            _no_new_use(workspace, kind, name, before, text)
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(exist_ok=True)
            draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
        edit = uuid.uuid4().hex
        with workspace.records.begin() as connection:
            connection.execute(
                sql(
                    "INSERT INTO edits (id, kind, name, at, by, person, action, before, after)"
                    " VALUES (:id, :kind, :name, :at, :by, :person, :action, :before, :after)"
                ),
                {
                    "id": edit,
                    "kind": kind,
                    "name": name,
                    "at": micros(workspace.clock()),
                    "by": caller.name,
                    "person": approving.person_of(workspace, caller).id,
                    "action": action,
                    "before": before,
                    "after": text,
                },
            )
            if kind == "audiences" and text is not None:
                versions.note(connection, name, text, now=workspace.clock())
    return edit


def _no_new_use(workspace: Workspace, kind: str, name: str, before: str | None, text: str) -> None:
    """Raises UsageError where the text uses a deprecated tag that the text before did not use."""
    tags, _ = tag_text.read_folder_leniently(workspace.paths.folder / "tags")
    old = {key for key, tag in tags.items() if tag.stage is Stage.DEPRECATED}
    if not old:
        return
    used = definitions.names_in(kind, name, text) & old
    fresh = sorted(used - (set() if before is None else definitions.names_in(kind, name, before)) - {name})
    if fresh:
        raise UsageError(
            f"'{fresh[0]}' is deprecated: it takes no new use",
            where=f"{kind}/{name}",
            code="deprecated",
            hint=tags[fresh[0]].why or "use another tag",
        )


def replace_together(
    workspace: Workspace,
    texts: Mapping[tuple[str, str], tuple[str | None, str | None]],
    *,
    caller: Caller,
    action: str,
) -> str:
    """Puts many texts in their places, (kind, name) → (as it is, as it becomes), in their order; all or none.

    The answer names them as one: `undo_together` with that name, or with the beginning of it, takes them all back.
    """
    name = f"{action} {uuid.uuid4().hex}"
    done: list[tuple[str, str]] = []
    try:
        for (kind, key), (before, after) in texts.items():
            base = NEW if before is None else etag_of(before)
            replace(workspace, kind, key, after, base=base, caller=caller, action=name)
            done.append((kind, key))
    except (LimnerError, OSError):
        for kind, key in reversed(done):
            definition_undo(workspace, kind, key, caller)
        raise
    return name


def together(workspace: Workspace, action: str) -> list[Json]:
    """The edits of the last `replace_together` of that action that were not taken back, in the order of writing."""
    with workspace.records.read() as connection:
        rows = connection.execute(
            sql(
                "SELECT * FROM edits WHERE undone_by IS NULL AND action ="
                " (SELECT action FROM edits WHERE undone_by IS NULL AND substr(action, 1, :long) = :action"
                " ORDER BY at DESC, rowid DESC LIMIT 1) ORDER BY at, rowid"
            ),
            {"action": f"{action} ", "long": len(action) + 1},
        ).mappings().all()  # fmt: skip
    return [{"kind": row["kind"], "name": row["name"], "group": row["action"], **_edit(row)} for row in rows]


def changed_since(workspace: Workspace, edits: list[Json]) -> list[str]:
    """The files among those edits that no longer hold what the edit left in them."""
    return [
        f"{row['kind']}/{row['name']}.yml"
        for row in edits
        if read_text(path_of(workspace, row["kind"], row["name"])) != row["after"]
    ]


def undo_together(workspace: Workspace, edits: list[Json], caller: Caller) -> None:
    """Takes these edits back, the last one first; all or none.

    Raises ConflictError when one of their files was changed since, or something else needs what would go.
    """
    changed = changed_since(workspace, edits)
    if changed:
        raise ConflictError(
            f"{changed[0].removesuffix('.yml')} was changed since", code="edited", where=changed[0]
        )
    places = {(row["kind"], row["name"]): row["before"] for row in edits}
    broken = sorted(set(_broken_by(workspace, places)) - {f"{kind}/{name}.yml" for kind, name in places})
    if broken:
        raise ConflictError(
            f"what would go is needed by {', '.join(broken)}",
            where=broken[0],
            code="in_use",
            hint="change those first",
        )
    done: list[tuple[Json, str]] = []
    try:
        for row in reversed(edits):
            edit = replace(
                workspace,
                row["kind"],
                row["name"],
                row["before"],
                base=row["etag"] or NEW,
                caller=caller,
                action="undo",
            )
            done.append((row, edit))
    except (LimnerError, OSError):
        for row, _ in reversed(done):
            base = NEW if row["before"] is None else etag_of(row["before"])
            replace(
                workspace, row["kind"], row["name"], row["after"], base=base, caller=caller, action="undo"
            )
        raise
    with workspace.records.begin() as connection:
        for row, edit in done:
            connection.execute(
                sql("UPDATE edits SET undone_by = :edit WHERE id = :id"), {"edit": edit, "id": row["id"]}
            )


def authors_of(workspace: Workspace, kind: str, name: str, text: str) -> set[str]:
    """Who wrote exactly this text here, as persons; nobody when it came by hand or by git."""
    return {row["person"] for row in _wrote(workspace, kind, name, text)} - {""}


def author_of(workspace: Workspace, kind: str, name: str, text: str) -> str:
    """Who wrote exactly this text here last; '' when it came by hand or by git."""
    return next((str(row["by"]) for row in _wrote(workspace, kind, name, text)), "")


def _wrote(workspace: Workspace, kind: str, name: str, text: str) -> list[Any]:
    with workspace.records.read() as connection:
        return list(
            connection.execute(
                sql(
                    "SELECT by, person FROM edits WHERE kind = :kind AND name = :name AND after = :text"
                    " AND action NOT IN ('undo', 'rollback') ORDER BY at DESC, rowid DESC"
                ),
                {"kind": kind, "name": name, "text": text},
            ).mappings()
        )


def _there(workspace: Workspace, kind: str, name: str) -> str:
    path = path_of(workspace, kind, name)
    found = read_text(path)
    if found is None:
        there = sorted(item.stem if kind != "templates" else item.name for item in path.parent.glob("*"))
        raise NotFoundError(f"there is no {kind.removesuffix('s')} '{name}'", hint=did_you_mean(name, there))
    return found


def _bounded(text: str) -> None:
    if len(text) > MOST_TEXT:
        raise UsageError(f"the text is longer than {MOST_TEXT} characters", where="text", code="too_long")


def _conflict(workspace: Workspace, kind: str, name: str, now: str | None) -> ConflictError:
    last = _last(workspace.records, kind, name)
    if now is None:
        what = "it was taken away"
        if last is not None and last["action"] in ("delete", "undo"):
            what += f" by {last['by']} at {last['at']}"
    elif last is not None and last["etag"] == etag_of(now):
        what = f"{last['by']} changed it at {last['at']}"
    else:
        what = "it was changed in its file, by hand or by git"
    return ConflictError(
        f"{kind}/{name}: {what}",
        code="edited",
        where=f"{kind}/{name}",
        hint="look at the new text, then save again",
    )


def _broken_without(workspace: Workspace, kind: str, name: str) -> list[str]:
    """The files that would be wrong without this one and are right with it."""
    if kind == "templates":
        users = []
        for key, item in definitions.saved_campaigns(workspace).items():
            if name in files_of(item.template, item.templates, item.variants):
                users.append(f"campaigns/{key}.yml")
        return users
    return _broken_with(workspace, kind, name, None)


def _broken_with(workspace: Workspace, kind: str, name: str, text: str | None) -> list[str]:
    """The files that would be wrong if this one held the text, and are right as it stands; itself left out."""
    return sorted(set(_broken_by(workspace, {(kind, name): text})) - {f"{kind}/{name}.yml"})


def _broken_by(workspace: Workspace, instead: definitions.Instead) -> list[str]:
    """The files that would be wrong with these texts, and are right as they stand."""
    before = {(item["where"], item["message"]) for item in definitions.problems(workspace)}
    after = definitions.problems(workspace, instead=instead)
    return [
        (item["where"] or "").partition(":")[0]
        for item in after
        if (item["where"], item["message"]) not in before
    ]


def _last(records: Records, kind: str, name: str) -> Json | None:
    with records.read() as connection:
        row = (
            connection.execute(
                sql(
                    "SELECT * FROM edits WHERE kind = :kind AND name = :name ORDER BY at DESC, rowid DESC LIMIT 1"
                ),
                {"kind": kind, "name": name},
            )
            .mappings()
            .first()
        )
    return None if row is None else _edit(row)


def _edit(row: Any) -> Json:
    return {
        "id": row["id"],
        "at": instant(row["at"]).isoformat(),
        "by": row["by"],
        "action": row["action"],
        "etag": None if row["after"] is None else etag_of(row["after"]),
        "before": row["before"],
        "after": row["after"],
        "undone": row["undone_by"] is not None,
    }
