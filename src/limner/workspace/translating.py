"""Verbs of other systems' names: what they mean here, and where they contradict each other."""

from __future__ import annotations

from limner.tags import naming
from limner.tags import text as tag_text
from limner.types import Json
from limner.workspace.runs import said
from limner.workspace.workspace import Workspace


def mapping_list(workspace: Workspace) -> Json:
    """Every other system with its names, and what each means here."""
    systems, wrong = naming.read_folder(workspace.paths.folder / "mappings")
    return {
        "systems": [
            {
                "name": item.name,
                "system": item.system,
                "titles": dict(item.title),
                "owner": item.owner,
                "why": item.why,
                "names": [
                    {
                        "theirs": named.theirs,
                        "tag": named.tag,
                        "meant": named.meant,
                        "where": item.where(named),
                    }
                    for named in item.names
                ],
            }
            for item in systems.values()
        ],
        "problems": [said(error) for error in wrong],
    }


def mapping_check(workspace: Workspace) -> Json:
    """Where names of other systems contradict each other or mean what is not there, the worst first."""
    systems, wrong = naming.read_folder(workspace.paths.folder / "mappings")
    tags, _ = tag_text.read_folder_leniently(workspace.paths.folder / "tags")
    return {
        "systems": len(systems),
        "names": sum(len(item.names) for item in systems.values()),
        "problems": [said(error) for error in wrong],
        "conflicts": [
            {
                "level": item.level,
                "code": item.code,
                "where": list(item.where),
                "theirs": list(item.theirs),
                "ours": list(item.ours),
                "text": item.text,
                "hint": item.hint,
            }
            for item in naming.conflicts(systems, tags)
        ],
    }
