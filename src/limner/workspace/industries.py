"""Verbs of industry templates: what there is, what it needs and what of that is known here, and putting it in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from limner import templates
from limner.accounts.model import LOCAL, Caller
from limner.errors import ConflictError, NotFoundError
from limner.templates import Meanings, Template
from limner.types import Json
from limner.workspace import definitions, writing
from limner.workspace.catalog import WorkspaceCatalog
from limner.workspace.workspace import Workspace


def industry_list(workspace: Workspace) -> Json:
    """The industry templates: what each is for, how many tags and audiences, and how many of these are here."""
    listed = []
    for name in templates.names():
        about = templates.about(name)
        listed.append(
            {
                "name": name,
                "titles": dict(about.title),
                "about": dict(about.about),
                "tags": len(about.tags),
                "audiences": len(about.audiences),
                "installed": sum(workspace.paths.definition("tags", key).exists() for key in about.tags),
            }
        )
    return {"industries": listed}


def industry_show(workspace: Workspace, name: str) -> Json:
    """One template: the data that it reads and whether they are known here, its tags and its audiences."""
    workspace.load()
    template = templates.read(name)
    about = template.about
    seen = definitions.catalog(workspace)
    attributes = set(seen.attribute_names())
    firsts = Counter(tag.category[0] for tag in template.tags.values())
    return {
        "name": name,
        "titles": dict(about.title),
        "about": dict(about.about),
        "events": _meanings(about.events, {key for key in about.events if seen.event_codes(key)}),
        "properties": _meanings(
            about.properties, {key for key in about.properties if seen.property(key) is not None}
        ),
        "attributes": _meanings(about.attributes, attributes),
        "categories": [{"path": path, "tags": firsts[path]} for path in template.categories],
        "tags": [
            {
                "key": key,
                "titles": dict(tag.title),
                "category": "/".join(tag.category),
                "nature": str(tag.nature),
                "method": str(tag.method),
                "type": str(tag.type),
                "definition": tag.described,
                "why": tag.why,
                "tests": len(tag.tests),
                "exists": workspace.paths.definition("tags", key).exists(),
                "waits_for": _waits(template, seen, attributes, key),
            }
            for key, tag in template.tags.items()
        ],
        "audiences": [
            {
                "name": key,
                "titles": dict(item.title),
                "expression": item.expression or "",
                "why": item.why,
                "exists": workspace.paths.definition("audiences", key).exists(),
            }
            for key, item in template.audiences.items()
        ],
        "installation": _installation(workspace, name),
    }


def industry_install(
    workspace: Workspace, name: str, only: str = "", dry_run: bool = False, caller: Caller = LOCAL
) -> Json:
    """Writes the template's files that are not there yet; a file that is there stays as it is.

    `only`: a category; the tags in it come with those that they refer to, and with the audiences that need no other.
    `waiting`: tags that read events, properties or attributes that nobody has had yet. `industry undo` takes all
    the files back as one, and each can be taken back as an edit of its own. Raises ConflictError, and writes
    nothing, when a file that is there would make one of the new ones wrong.
    """
    workspace.load()
    template = templates.read(name)
    keys = template.within(only)
    wanted = {("tags", key): template.tags[key].text for key in keys}
    wanted |= {("audiences", key): template.audiences[key].text for key in template.audiences_of(keys)}
    wanted |= {("objects", kind): template.objects[kind].text for kind in template.objects_of(keys)}
    there = {place: writing.read_text(workspace.paths.definition(*place)) for place in wanted}
    new = {place: text for place, text in wanted.items() if there[place] is None}
    _fits(workspace, name, new)
    if not dry_run:
        # what is referred to is written first: each edit leaves definitions that are right
        order = {key: at for at, key in enumerate(template.graph.order)}
        kinds = ("objects", "tags", "audiences")
        places = sorted(new, key=lambda place: (kinds.index(place[0]), order.get(place[1], 0), place[1]))
        texts = {place: (None, new[place]) for place in places}
        writing.replace_together(workspace, texts, caller=caller, action=_action(name))
    seen = definitions.catalog(workspace)
    attributes = set(seen.attribute_names())
    waits = {key: _waits(template, seen, attributes, key) for key in keys}
    return {
        "name": name,
        "dry_run": dry_run,
        "saved": [f"{kind}/{key}.yml" for kind, key in sorted(new)],
        "there": [
            {"file": f"{kind}/{key}.yml", "same": text == wanted[kind, key]}
            for (kind, key), text in sorted(there.items())
            if text is not None
        ],
        "waiting": [
            {"key": key, "titles": dict(template.tags[key].title), **found}
            for key, found in waits.items()
            if any(found.values())
        ],
    }


def industry_undo(workspace: Workspace, name: str, caller: Caller = LOCAL) -> Json:
    """Takes the last installation of the template back, with all its files at once; the next run takes the values.

    Raises NotFoundError when there is none, ConflictError when one of its files was changed since or something else
    needs one of them; nothing is changed then.
    """
    workspace.load()
    templates.about(name)
    edits = writing.together(workspace, _action(name))
    if not edits:
        raise NotFoundError(f"there is no installation of '{name}' to take back")
    writing.undo_together(workspace, edits, caller)
    return {"name": name, "removed": sorted(f"{row['kind']}/{row['name']}.yml" for row in edits)}


def _action(name: str) -> str:
    """How the edits of an installation are called."""
    return f"install {name}"


def _installation(workspace: Workspace, name: str) -> Json | None:
    """The last installation that was not taken back; None when there is none."""
    edits = writing.together(workspace, _action(name))
    if not edits:
        return None
    return {
        "at": edits[-1]["at"],
        "by": edits[-1]["by"],
        "files": len(edits),
        "changed": writing.changed_since(workspace, edits),
    }


def _fits(workspace: Workspace, name: str, new: dict[tuple[str, str], str]) -> None:
    """Raises ConflictError when definitions would be wrong with the new files that are right without them."""
    if not new:
        return
    before = {(item["where"], item["message"]) for item in definitions.problems(workspace)}
    wrong = [
        item
        for item in definitions.problems(workspace, instead=new)
        if (item["where"], item["message"]) not in before
    ]
    if wrong:
        first = wrong[0]
        raise ConflictError(
            f"'{name}' does not fit what is here: {first['message']}",
            where=first["where"],
            hint="a tag of that key is here with another meaning; rename it, or install only some categories",
            code="does_not_fit",
        )


def _meanings(meanings: Meanings, known: Iterable[str]) -> list[Json]:
    there = set(known)
    return [
        {"name": name, "meaning": dict(meaning), "known": name in there} for name, meaning in meanings.items()
    ]


def _waits(template: Template, seen: WorkspaceCatalog, attributes: set[str], key: str) -> Json:
    """What the tag reads and nobody here has had yet."""
    reads = templates.needs(template, key)
    return {
        "events": sorted(name for name in reads.events if name != "*" and not seen.event_codes(name)),
        "properties": sorted(name for name in reads.properties if seen.property(name) is None),
        "attributes": sorted(reads.attributes - attributes),
    }
