"""Verbs of objects: which kinds there are, what is known of each object, and their rows loaded from a file."""

from __future__ import annotations

import hashlib
import uuid

from limner.errors import DeniedError, UsageError
from limner.tags import objects
from limner.tags.graph import asked_objects
from limner.tags.objects import Objects
from limner.types import Json
from limner.workspace import definitions
from limner.workspace.catalog import known
from limner.workspace.tagging import known_now
from limner.workspace.workspace import Workspace
from limner.workspace.writing import read_text

MOST_BYTES = 32_000_000
MOST_SHOWN = 200


def object_list(workspace: Workspace) -> Json:
    """Every kind of objects: how many there are, the event property that names one, their tags, who asks of them."""
    asked = {key: asked_objects(tag) for key, tag in known_now(workspace).tags.items()}
    return {
        "kinds": [
            {
                "kind": item.kind,
                "titles": dict(item.title),
                "property": item.property,
                "objects": len(item.ids),
                "columns": [{"name": name, "type": str(held[0])} for name, held in item.columns.items()],
                "tags": [
                    {
                        "key": tag.key,
                        "titles": dict(tag.title),
                        "when": tag.when,
                        "objects": int(item.tagged[tag.key].sum()),
                        "used_by": sorted(
                            key for key, said in asked.items() if f"{item.kind}.{tag.key}" in said
                        ),
                    }
                    for tag in item.tags
                ],
                "owner": item.owner,
                "why": item.why,
            }
            for item in definitions.kinds(workspace).values()
        ]
    }


def object_show(workspace: Workspace, kind: str, q: str = "", tag: str = "", limit: int = 50) -> Json:
    """Objects of a kind with what is known of each and their tags; `q`: in the id or any text; `tag`: who have it."""
    item = _kind(workspace, kind)
    if not 1 <= limit <= MOST_SHOWN:
        raise UsageError(f"limit is 1 to {MOST_SHOWN}", where="limit")
    if tag:
        known([one.key for one in item.tags], tag, "tag")
    words = q.casefold()
    found = [
        place
        for place, one in enumerate(item.ids)
        if (not tag or item.tagged[tag][place])
        and (not words or any(words in said.casefold() for said in _texts(item, place, one)))
    ]
    return {
        "kind": kind,
        "total": len(found),
        "objects": [
            {
                "id": item.ids[place],
                "values": {name: held[1][place] for name, held in item.columns.items()},
                "tags": [one.key for one in item.tags if item.tagged[one.key][place]],
            }
            for place in found[:limit]
        ],
    }


def _texts(item: Objects, place: int, one: str) -> list[str]:
    return [one, *(held[1][place] for held in item.columns.values() if isinstance(held[1][place], str))]


def object_load(workspace: Workspace, kind: str, rows: str) -> Json:
    """Puts these rows (CSV with a column `id`) in the place of a kind's, all or none; tags follow with the next run.

    Raises DefinitionError for rows that are wrong, or that a tag's condition does not fit.
    """
    before = _kind(workspace, kind)
    if workspace.config.definitions == "read-only":
        raise DeniedError(
            "definitions are read-only here", code="read_only", hint="objects are changed in git"
        )
    body = rows.encode()
    if len(body) > MOST_BYTES:
        raise UsageError(f"the rows are longer than {MOST_BYTES:,} bytes", where="rows", code="too_long")
    made = objects.listed(before.text, kind, body)
    path = workspace.paths.folder / "objects" / f"{kind}.csv"
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    draft.write_bytes(body)
    draft.replace(path)
    return {
        "kind": kind,
        "objects": len(made.ids),
        "added": len(set(made.ids) - set(before.ids)),
        "removed": len(set(before.ids) - set(made.ids)),
        "tags": {one.key: int(made.tagged[one.key].sum()) for one in made.tags},
        "digest": hashlib.sha256(body).hexdigest()[:16],
    }


def _kind(workspace: Workspace, kind: str) -> Objects:
    """The kind with its objects; without any, where its rows are wrong: they may be replaced."""
    files = [path.stem for path in (workspace.paths.folder / "objects").glob("*.yml")]
    text = read_text(workspace.paths.definition("objects", known(files, kind, "object")))
    return definitions.kinds(workspace).get(kind) or objects.read(text or "", kind)
