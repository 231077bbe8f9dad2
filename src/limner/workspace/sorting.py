"""Verbs of categories: the tree with its people, and moving a branch of it. Keys never change."""

from __future__ import annotations

from typing import Any

from limner.accounts.model import LOCAL, Caller
from limner.errors import DefinitionError, NotFoundError, UsageError, did_you_mean
from limner.tags.document import Document
from limner.tags.text import KEYS
from limner.types import Json
from limner.workspace import definitions, writing
from limner.workspace.tagging import tag_list
from limner.workspace.workspace import Workspace

MOST_PATH = 200
_MOVE = "move"


def category_list(workspace: Workspace) -> Json:
    """Every category, parents before children, with its tags and the distinct people who have any of them."""
    return {"categories": tag_list(workspace)["categories"]}


def category_move(workspace: Workspace, source: str, to: str, caller: Caller = LOCAL) -> Json:
    """Gives a category another name or place: each tag's file in it or below gets the new path; keys stay.

    All files are changed, or none. `category undo` takes the whole move back. Raises NotFoundError for a category that
    no tag is in, UsageError for a place below itself, DeniedError where definitions are read-only.
    """
    old, new = _path(source, "source"), _path(to, "to")
    if new == old:
        raise UsageError("that is where it is", where="to", code="same")
    if new[: len(old)] == old:
        raise UsageError(f"'{to}' lies inside '{source}'", where="to", code="inside_itself")
    changed = _changed(workspace, old, new)
    wrong = definitions.problems(
        workspace, instead={("tags", key): after for key, (_, after) in changed.items()}
    )
    before = {(item["where"], item["message"]) for item in definitions.problems(workspace)}
    fresh = [item for item in wrong if (item["where"], item["message"]) not in before]
    if fresh:
        raise UsageError(
            fresh[0]["message"], where=fresh[0]["where"], hint=fresh[0]["hint"], code=fresh[0]["code"]
        )
    texts = {("tags", key): texts for key, texts in changed.items()}
    move = writing.replace_together(workspace, texts, caller=caller, action=_MOVE)
    return {"source": "/".join(old), "to": "/".join(new), "tags": sorted(changed), "move": _named(move)}


def category_undo(workspace: Workspace, caller: Caller = LOCAL) -> Json:
    """Takes the last move of a category back. Raises ConflictError when one of its files was changed since."""
    edits = writing.together(workspace, _MOVE)
    if not edits:
        raise NotFoundError("there is no move of a category to take back")
    writing.undo_together(workspace, edits, caller)
    return {"tags": sorted(row["name"] for row in edits), "move": _named(edits[0]["group"])}


def _named(action: str) -> str:
    """What names one move."""
    return action.removeprefix(f"{_MOVE} ")


def _path(given: str, where: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in given.split("/"))
    if not all(parts) or len(given) > MOST_PATH or any(not part.isprintable() for part in parts):
        raise UsageError(
            f"'{given}' is no category", where=where, hint="for example buying/rhythm", code="invalid_path"
        )
    return parts


def _changed(workspace: Workspace, old: tuple[str, ...], new: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """The text of each tag in the category, and what it becomes. Files that are no YAML are left alone."""
    found: dict[str, tuple[str, str]] = {}
    known = set()
    for path in sorted((workspace.paths.folder / "tags").glob("*.yml")):
        text = writing.read_text(path) or ""
        try:
            document = Document(text, where=f"tags/{path.name}")
            held: Any = document.string("category")
        except DefinitionError:
            continue
        parts = tuple(part.strip() for part in held.split("/") if part.strip())
        known |= {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
        if parts[: len(old)] == old:
            moved = "/".join([*new, *parts[len(old) :]])
            found[path.stem] = (text, document.edited({"category": moved}, order=KEYS))
    if not found:
        source = "/".join(old)
        raise NotFoundError(f"no tag is in the category '{source}'", hint=did_you_mean(source, known))
    return found
