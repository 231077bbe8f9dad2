"""Verbs of gathering: audiences counted, listed, shown, saved and kept as they are at an instant."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text as sql

from limner.accounts.keys import instant
from limner.audiences import model as audiences
from limner.audiences import snapshot
from limner.audiences.conditions import Measured
from limner.audiences.model import NAME, Audience
from limner.campaigns import journey as ways
from limner.campaigns.model import Campaign
from limner.errors import ConflictError, LimnerError, NotFoundError, UsageError
from limner.expressions import audiences_of, from_json, parse, to_json, to_text
from limner.expressions import tree as t
from limner.tags.model import Method
from limner.types import Json
from limner.workspace import belonging, definitions, remembering
from limner.workspace.catalog import known
from limner.workspace.knowing import instant_of
from limner.workspace.sizing import measured, measured_all
from limner.workspace.workspace import Workspace
from limner.workspace.writing import etag_of

MOST_SIZES = 60
"""Of an audience's history so many snapshots are shown."""


def audience_count(
    workspace: Workspace, expression: str = "", tree: Any = None, as_of: str = "", view: str = ""
) -> Json:
    """How many people a condition (text, or a tree as JSON) holds, exactly, and what each part of it does to that.

    `view`: at a past instant by what was known then, or by what is true of it, see `remembering.view_of`.
    """
    workspace.load()
    if (tree is None) == (not expression):
        raise UsageError("give either 'expression' or 'tree'", where="expression", code="missing")
    asked = parse(expression) if tree is None else from_json(tree, "person")
    condition = definitions.meaning(workspace, asked)
    at = instant_of(workspace, as_of)
    seen = remembering.view_of(workspace, view, at)
    (found,), columns = measured_all(workspace, [condition], at, parts=True, known=seen == remembering.KNOWN)
    return {
        "count": len(found.who),
        "everybody": len(found.everybody),
        "view": seen,
        "as_of": at.isoformat(),
        "tags_as_of": None if columns is None else columns.as_of.isoformat(),
        "expression": to_text(asked),
        "tree": to_json(asked),
        "conditions": _effects(found),
    }


def _effects(found: Measured) -> list[Json]:
    return [
        {
            "path": list(item.path),
            "expression": to_text(item.node),
            "people": item.people,
            "without": item.without,
        }
        for item in found.conditions
    ]


SORTS = ("name", "-name", "people", "-people", "changed", "-changed")


def audience_list(workspace: Workspace, q: str = "", sort: str = "name") -> Json:
    """All saved audiences with the size of their last snapshots, their last change and what uses them."""
    if sort not in SORTS:
        raise UsageError(f"'sort' is one of {', '.join(SORTS)}", where="sort")
    folder = workspace.paths.folder / "audiences"
    saved, wrong = audiences.read_folder_leniently(folder)
    users = _users(workspace, saved)
    sizes = _sizes(workspace)
    edits = _last_edits(workspace)
    rows = [
        {**_row(workspace, item, sizes.get(name, []), edits), "used_by": users.get(name, []), "problem": None}
        for name, item in saved.items()
    ]
    rows += [
        {
            **_row(workspace, Audience(name, {}, text=""), sizes.get(name, []), edits),
            "expression": None,
            "used_by": users.get(name, []),
            "problem": str(error),
        }
        for error in wrong
        if (name := Path((error.where or "").split(":")[0]).stem)
    ]
    if q:
        wanted = q.casefold().split()
        rows = [row for row in rows if all(word in _words_of(row) for word in wanted)]
    rows.sort(key=lambda row: str(row["name"]))
    field = sort.removeprefix("-")
    if field == "changed":
        rows.sort(key=lambda row: row["changed"]["at"] if row["changed"] else "", reverse=sort[0] == "-")
    elif field == "people":
        rows.sort(key=lambda row: -1 if row["people"] is None else row["people"], reverse=sort[0] == "-")
    elif sort == "-name":
        rows.reverse()
    return {"audiences": rows}


def _words_of(row: Json) -> str:
    words = [row["name"], *row["titles"].values(), row["owner"], row["why"], row["expression"] or ""]
    return "\n".join(words).casefold()


def _row(workspace: Workspace, item: Audience, sizes: list[Json], edits: Mapping[str, Any]) -> Json:
    last = snapshot.state(workspace.engine, item.name)
    return {
        "name": item.name,
        "title": item.title.get("en") or next(iter(item.title.values()), item.name),
        "titles": dict(item.title),
        "expression": item.expression,
        "members": None if item.members is None else len(item.members),
        "owner": item.owner,
        "why": item.why,
        "people": None if last is None else last.people,
        "as_of": None if last is None else last.as_of.isoformat(),
        "sizes": [size["people"] for size in sizes],
        "changed": _changed(workspace, item.name, edits.get(item.name)),
    }


def _changed(workspace: Workspace, name: str, edit: Any) -> Json | None:
    """When the file was written last, and by whom when it was through Limner."""
    path = workspace.paths.definition("audiences", name)
    try:
        content, written = path.read_text(encoding="utf-8"), path.stat().st_mtime
    except (OSError, UnicodeDecodeError):
        return None
    if edit is not None and edit.after == content:
        return {"at": instant(edit.at).isoformat(), "by": edit.by}
    return {"at": datetime.fromtimestamp(written, UTC).isoformat(), "by": None}


def _last_edits(workspace: Workspace) -> dict[str, Any]:
    with workspace.records.read() as connection:
        rows = connection.execute(
            sql(
                "SELECT name, at, by, after FROM (SELECT *, ROW_NUMBER() OVER"
                " (PARTITION BY name ORDER BY at DESC, rowid DESC) AS place FROM edits WHERE kind = 'audiences')"
                " WHERE place = 1"
            )
        ).all()
    return {row.name: row for row in rows}


def _sizes(workspace: Workspace, name: str | None = None) -> dict[str, list[Json]]:
    """Each audience's snapshots, the earliest first: when, how many people, who entered and left."""
    with workspace.records.read() as connection:
        rows = connection.execute(
            sql(
                "SELECT * FROM (SELECT subject, started_at, detail, ROW_NUMBER() OVER"
                " (PARTITION BY subject ORDER BY started_at DESC, rowid DESC) AS place FROM runs"
                " WHERE what = 'audience snapshot' AND status = 'done' AND (:name IS NULL OR subject = :name))"
                " WHERE place <= :most ORDER BY subject, place DESC"
            ),
            {"name": name, "most": MOST_SIZES},
        ).all()
    found: dict[str, list[Json]] = {}
    for row in rows:
        detail = json.loads(row.detail)
        if "people" in detail:
            found.setdefault(row.subject, []).append(
                {
                    "at": detail.get("as_of") or instant(row.started_at).isoformat(),
                    "people": detail["people"],
                    "entered": detail["entered"],
                    "left": detail["left"],
                }
            )
    return found


def _users(workspace: Workspace, saved: Mapping[str, Audience]) -> dict[str, list[Json]]:
    """What names each audience: campaigns, journeys, other audiences and tags."""
    found: dict[str, list[Json]] = {}

    def note(kind: str, key: str, titles: Mapping[str, str], named: Iterable[str]) -> None:
        for name in sorted(set(named)):
            found.setdefault(name, []).append({"kind": kind, "name": key, "titles": dict(titles)})

    for campaign_key, campaign in _campaigns(workspace).items():
        texts = [campaign.audience, *(variant.when for variant in campaign.variants)]
        note(
            "campaign", campaign_key, campaign.title, (name for text in texts for name in _named(text, saved))
        )
    for journey_key, (journey, _) in definitions.journey_files(workspace).items():
        if journey is not None:
            conditions = [
                *ways.conditions_of(journey),
                *(v.when for send in ways.sends_of(journey) for v in send.variants),
            ]
            inside = (name for text in conditions for name in _named(text, {}))
            note("journey", journey_key, journey.title, {*ways.audiences_of(journey), *inside})
    for scene_key, (scene, _) in definitions.scene_files(workspace).items():
        if scene is not None and scene.audience:
            note("scene", scene_key, scene.title, [scene.audience])
    for key, item in saved.items():
        note("audience", key, item.title, _named(item.expression or "", {}))
    for key, tag in definitions.tags(workspace).items():
        if tag.method is Method.RULE:
            note("tag", key, tag.title, (name for text in tag.sources for name in _named(text, {})))
    return found


def _campaigns(workspace: Workspace) -> Mapping[str, Campaign]:
    """The campaigns that can be read; one that is wrong uses nothing."""
    try:
        return definitions.saved_campaigns(workspace)
    except LimnerError:
        return {}


def _named(text: str, saved: Mapping[str, Audience]) -> set[str]:
    """The audiences that a text names: one by its name, or those inside an expression."""
    if text in saved:
        return {text}
    try:
        return audiences_of(parse(text)) if text else set()
    except LimnerError:
        return set()


def audience_show(workspace: Workspace, name: str) -> Json:
    """One audience: its text, how many people it holds now and why, the history of its snapshots, what uses it."""
    workspace.load()
    path = workspace.paths.definition("audiences", name) if NAME.match(name) else None
    if path is None or not path.is_file():
        known(definitions.saved_audiences(workspace), name, "audience")
        raise NotFoundError(f"there is no audience '{name}'")
    text = path.read_text(encoding="utf-8")
    saved, _ = audiences.read_folder_leniently(path.parent)
    now = workspace.clock()
    sizes = _sizes(workspace, name).get(name, [])
    item = saved.get(name) or Audience(name, {}, text=text)
    shown: Json = {
        **_row(workspace, item, sizes, _last_edits(workspace)),
        "used_by": _users(workspace, saved).get(name, []),
        "text": text,
        "etag": etag_of(text),
        "history": list(reversed(sizes)),
        "now": now.isoformat(),
        "count": None,
        "everybody": None,
        "tree": None,
        "conditions": [],
        "ids": None if item.members is None else list(item.members),
        "problem": None,
    }
    try:
        item = audiences.read(text, name)
        condition = audiences.tree(item) if item.expression is not None else t.InAudience(name)
        found = measured(workspace, definitions.meaning(workspace, condition), now, parts=True)
    except LimnerError as error:
        return {**shown, "problem": str(error)}
    return {
        **shown,
        "count": len(found.who),
        "everybody": len(found.everybody),
        "tree": None if item.fixed else to_json(condition),
        "conditions": [] if item.fixed else _effects(found),
    }


def audience_save(
    workspace: Workspace, name: str, expression: str, title: str = "", owner: str = "", why: str = ""
) -> Json:
    """Writes audiences/NAME.yml; the answer says how many people it holds now."""
    workspace.load()
    if not NAME.match(name):
        raise UsageError(f"'{name}' is no audience name", hint="letters, digits, _ and -")
    condition = parse(expression)
    found = measured(workspace, definitions.meaning(workspace, condition), workspace.clock())
    path = workspace.paths.definition("audiences", name)
    if path.exists():
        raise ConflictError(f"{path.name} is already there", hint="edit the file, or choose another name")
    item = Audience(name, {"": title} if title else {}, expression=to_text(condition), owner=owner, why=why)
    draft = path.with_suffix(".part")
    draft.write_text(audiences.write(item), encoding="utf-8")
    draft.replace(path)
    belonging.keep_versions(workspace)
    return {"name": name, "path": str(path), "count": len(found.who)}


def audience_text(
    workspace: Workspace,  # noqa: ARG001 - every verb has one
    name: str,
    text: str = "",
    titles: dict[str, str] = {},  # noqa: B006
    expression: str = "",
    members: list[str] = [],  # noqa: B006
    owner: str = "",
    why: str = "",
) -> Json:
    """The definition file that says this; with `text`, that file edited, so that its comments stay."""
    if not NAME.match(name):
        raise UsageError(f"'{name}' is no audience name", where="name", hint="letters, digits, _ and -")
    if bool(expression) == bool(members):
        raise UsageError("an audience has an expression or members", where="expression", code="missing")
    if any(not isinstance(title, str) for title in titles.values()):
        raise UsageError("a title is a text", where="titles", code="invalid_type")
    if expression:
        parse(expression)
    item = Audience(
        name,
        {language: title for language, title in titles.items() if title},
        expression=expression or None,
        members=tuple(members) or None,
        owner=owner,
        why=why,
        text=text,
    )
    return {"text": audiences.write(item)}


def audience_snapshot(workspace: Workspace, name: str, as_of: str = "") -> Json:
    """Keeps who is in the audience, and records who entered and left since the last snapshot."""
    workspace.load()
    at = instant_of(workspace, as_of)
    item = definitions.audience(workspace, name)
    belonging.keep_versions(workspace)
    with workspace.runs.run("audience snapshot", name) as detail:
        found = measured(workspace, t.InAudience(name), at)
        taken = snapshot.take(
            workspace.engine,
            item,
            found.who,
            as_of=at,
            run_id=detail["run"],
            folder=workspace.paths.snapshots,
        )
        answer = {"people": taken.snapshot.people, "entered": taken.entered, "left": taken.left}
        detail.update({"as_of": at.isoformat(), **answer})
    return {"name": name, "as_of": at.isoformat(), **answer}
