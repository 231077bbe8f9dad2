"""Verbs of exclusive groups: which there are, and who had two of a group's tags at once."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations
from typing import Any

from limner.accounts.model import LOCAL, Caller
from limner.columns import EPOCH_START
from limner.errors import UsageError
from limner.expressions.overlap import outcome
from limner.tags import resolve, siblings
from limner.tags.exclusive import Group
from limner.tags.masking import masked
from limner.types import Json, utc
from limner.workspace import definitions
from limner.workspace.catalog import known
from limner.workspace.paging import USUAL, cursor_of, place_of, size_of
from limner.workspace.tagging import hidden_from, known_now, names_of
from limner.workspace.workspace import Workspace

MOST_PAIRS = 5_000


def group_list(workspace: Workspace) -> Json:
    """Every exclusive group: its tags in their order, what is kept, and how many conflicts stand."""
    workspace.load()
    return {"groups": [_shown(workspace, item) for item in definitions.groups(workspace).values()]}


def _shown(workspace: Workspace, item: Group) -> Json:
    _, total, standing = resolve.conflicts(workspace.engine, item.key, most=0)
    return {
        "key": item.key,
        "titles": dict(item.title),
        "tags": list(item.tags),
        "keep": str(item.keep),
        "owner": item.owner,
        "why": item.why,
        "conflicts": total,
        "standing": standing,
    }


def group_conflicts(
    workspace: Workspace,
    key: str,
    standing: bool = False,
    cursor: str = "",
    limit: int = USUAL,
    caller: Caller = LOCAL,
) -> Json:
    """Who had two values of a group, which was kept and which was not, the latest first.

    `standing`: only conflicts that stand now. Tags of personal attributes are masked for those who may not see them.
    """
    item = definitions.groups(workspace)
    group = item[known(item, key, "group")]
    after = None
    if cursor:
        at, number = place_of(cursor, 2)
        after = (int(at), int(number))
    size = size_of(limit)
    rows, total, now = resolve.conflicts(workspace.engine, key, standing=standing, most=size + 1, after=after)
    tags = definitions.tags(workspace)
    hidden = any(tag in tags and hidden_from(tags[tag], workspace, caller) for tag in group.tags)
    shown = rows[:size]
    return {
        "group": key,
        "keep": str(group.keep),
        "total": total,
        "standing": now,
        "masked": hidden,
        "conflicts": [
            {
                "person": row["person"],
                "kept": masked(row["kept"]) if hidden else row["kept"],
                "dropped": masked(row["dropped"]) if hidden else row["dropped"],
                "at": _instant(row["began"]),
                "run": row["run"],
                "ended": None if row["ended"] is None else _instant(row["ended"]),
            }
            for row in shown
        ],
        "next": cursor_of(shown[-1]["began"], shown[-1]["number"]) if len(rows) > size else None,
    }


def group_check(workspace: Workspace, key: str) -> Json:
    """Whether a group's tags exclude each other by their definitions, pair by pair, with a witness where they do not.

    Beside each pair: how many people have each, and both but for the group.
    """
    workspace.load()
    groups = definitions.groups(workspace)
    group = groups[known(groups, key, "group")]
    found = known_now(workspace)
    members = [tag for tag in group.tags if tag in found.tags]
    names = names_of(found)
    pairs = siblings.related(
        found.graph,
        combinations(members, 2),
        catalog=names,
        columns=found.columns,
        settled=siblings.settled_pairs(workspace.engine, key),
    )
    _, total, standing = resolve.conflicts(workspace.engine, key, most=0)
    return {
        "group": key,
        "keep": str(group.keep),
        "proved": all(item.verdict.relation == "exclusive" for item in pairs),
        "conflicts": total,
        "standing": standing,
        "missing": [tag for tag in group.tags if tag not in found.tags],
        "pairs": [_pair(item) for item in pairs],
    }


def tag_siblings(workspace: Workspace, category: str = "") -> Json:
    """How the flags of each category relate by definition and by people, and the groups that they could make."""
    workspace.load()
    found = known_now(workspace)
    families = siblings.families(found.tags, category)
    if sum(len(keys) * (len(keys) - 1) // 2 for keys in families.values()) > MOST_PAIRS:
        raise UsageError(
            f"these are more than {MOST_PAIRS:,} pairs",
            where="category",
            hint="name a category",
            code="too_many",
        )
    names = names_of(found)
    settled = {
        pair: n
        for key in found.graph.groups
        for pair, n in siblings.settled_pairs(workspace.engine, key).items()
    }
    shown, proposed = [], []
    for path, keys in families.items():
        pairs = siblings.related(
            found.graph, combinations(keys, 2), catalog=names, columns=found.columns, settled=settled
        )
        shown += [{"category": path, **_pair(item)} for item in pairs]
        proposed += siblings.proposals(found.tags, pairs, path, keys)
    return {
        "pairs": shown,
        "proposals": [
            {
                "category": item.category,
                "tags": list(item.tags),
                "keep": str(item.keep),
                "proved": item.proved,
                "suggested": item.suggested,
                "text": item.text,
            }
            for item in proposed
        ],
    }


def _pair(item: siblings.Related) -> Json:
    people = item.people
    return {
        "first": item.first,
        "second": item.second,
        **outcome(item.verdict),
        "excludes": item.excludes,
        "people": None
        if people is None
        else {
            "first": people.first,
            "second": people.second,
            "both": people.both,
            "expected": people.expected,
        },
    }


def _instant(microseconds: Any) -> str:
    return utc(EPOCH_START + timedelta(microseconds=int(microseconds))).isoformat()
