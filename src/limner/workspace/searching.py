"""The verb of searching: people by an identifier, definitions by key and title in any language, events, sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from limner.accounts import keys
from limner.audiences import model as audiences
from limner.campaigns import scene_text
from limner.campaigns import text as campaigns
from limner.campaigns.model import channel_text
from limner.errors import LimnerError, UsageError
from limner.identity import people
from limner.tags import text as tags
from limner.types import Json
from limner.workspace.workspace import Workspace

MOST = 50
LONGEST = 200


def search(workspace: Workspace, q: str, limit: int = 20) -> Json:
    """Who and what these letters name: a person only by a whole identifier, everything else by a part of its name."""
    if not 1 <= limit <= MOST:
        raise UsageError(f"'limit' is 1 to {MOST}, not {limit}", where="limit", code="out_of_range")
    wanted = q.strip()[:LONGEST]
    if not wanted:
        return {"results": []}
    workspace.load()
    found = [*_person(workspace, wanted)]
    matches = sorted(
        ((place, at, item) for at, item in enumerate(_named(workspace)) if (place := _match(wanted, item))),
        key=lambda match: match[:2],
    )
    found += [item for _, _, item in matches]
    return {"results": found[:limit]}


def _person(workspace: Workspace, wanted: str) -> Iterator[Json]:
    """The person whom the whole text names, as a user id or by a declared key; shown as it was asked."""
    declared = workspace.config.strong_keys
    seen: set[int] = set()
    for text in (wanted, *(f"{kind}:{wanted}" for kind in declared), f"device:{wanted}"):
        ix = people.find(workspace.engine, text, keys=declared)
        if ix is not None and ix not in seen:
            seen.add(ix)
            kind = text.removesuffix(wanted).rstrip(":")
            yield _item("person", people.person_id(workspace.engine, ix), wanted, {}, kind or "user")


def _match(wanted: str, item: Json) -> int:
    """How well the item's names fit: 1 the same, 2 begins so, 3 contains it, 0 not at all."""
    letters = wanted.casefold()
    names = [str(name).casefold() for name in (item["id"], item["title"], *item["titles"].values())]
    if letters in names:
        return 1
    if any(name.startswith(letters) for name in names):
        return 2
    return 3 if any(letters in name for name in names) else 0


def _named(workspace: Workspace) -> Iterator[Json]:
    folder = workspace.paths.folder
    for tag in _read(workspace, "tags", tags.read):
        yield _item("tag", tag.key, tag.name(), tag.title, "/".join(tag.category))
    for audience in _read(workspace, "audiences", audiences.read):
        yield _item("audience", audience.name, audience.name, audience.title, audience.owner)
    for campaign in _read(workspace, "campaigns", campaigns.read):
        yield _item("campaign", campaign.name, campaign.name, campaign.title, channel_text(campaign))
    for scene in _read(workspace, "scenes", scene_text.read):
        yield _item("scene", scene.name, scene.name, scene.title, scene.audience)
    for path in sorted((folder / "templates").glob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield _item("template", path.name, path.name, {}, "")
    rows = workspace.engine.read("SELECT name FROM names ORDER BY name_i")
    for name in rows.column("name").to_pylist():
        yield _item("event", name, name, {}, "")
    for source in keys.sources(workspace.records):
        yield _item("source", source.name, source.name, {}, source.kind)


def _read(workspace: Workspace, kind: str, read: Callable[[str, str], Any]) -> Iterator[Any]:
    """Every definition that can be read; a wrong one must not hide the others."""
    for path in sorted((workspace.paths.folder / kind).glob("*.yml")):
        try:
            yield read(path.read_text(encoding="utf-8"), path.stem)
        except (LimnerError, UnicodeDecodeError, FileNotFoundError):
            continue


def _item(kind: str, id: str, title: str, titles: Mapping[str, str], note: str) -> Json:
    return {"kind": kind, "id": id, "title": title, "titles": dict(titles), "note": note}
