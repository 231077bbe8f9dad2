"""The verb of differences: what is otherwise of a person at one instant than at another, or today."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.errors import UsageError
from limner.portraits.person import personal_labels
from limner.tags.graph import build
from limner.tags.masking import hides, hiding, is_personal, masked
from limner.types import Json
from limner.workspace import belonging, definitions, remembering
from limner.workspace.finding import shown_at
from limner.workspace.knowing import instant_of, person_ix
from limner.workspace.workspace import Workspace

ADDED, GONE, CHANGED = "added", "gone", "changed"


def person_diff(
    workspace: Workspace,
    id: str,
    since: str,
    until: str = "",
    view: str = "",
    mask: bool = False,
    caller: Caller = LOCAL,
) -> Json:
    """What is otherwise of the person at `until` (default: now) than at `since`: added, gone, or changed.

    Attributes and tags with both values, audiences by their conditions, and identifiers. `view`: a past instant by what
    was known then, of who the person was, or by what is true of it, see `remembering.view_of`. Values that the caller
    may not see are masked; that they changed is told.
    """
    workspace.load()
    now = workspace.clock()
    start = instant_of(workspace, since)
    end = instant_of(workspace, until) if until else now
    if end > now:
        raise UsageError(f"{end.isoformat()} lies ahead", where="until")
    if start >= end:
        raise UsageError(f"{start.isoformat()} is not before {end.isoformat()}", where="since")
    seen = remembering.view_of(workspace, view, start, ix=person_ix(workspace, id))
    before, after = (shown_at(workspace, id, at, seen, mask=False) for at in (start, end))
    if end == now:
        after["audiences"] = _today(workspace, id, now)
    hide = hiding(workspace.config.personal, mask=mask or not sees_personal(caller.role))
    tags = definitions.tags(workspace)
    then, _ = remembering.tags_then(workspace, tags, start)
    covered = {
        key
        for key, tag in chain(tags.items(), then.items())
        if hides(tag, hide) or personal_labels(tag, hide)
    }
    answer: Json = {
        "person": before["person"],
        "today": after["today"],
        "since": start.isoformat(),
        "until": end.isoformat(),
        "view": seen,
        "unknown": before["then"]["unknown"],
        "attributes": _told(_attributes(before), _attributes(after), lambda name: is_personal(name, hide)),
        "tags": [
            {**row, "type": (_tags(after).get(row["key"]) or _tags(before)[row["key"]])["type"]}
            for row in _told(
                _values(before), _values(after), lambda key: key in covered, _titles(before, after)
            )
        ],
        "audiences": _told(
            _held(before),
            _held(after),
            lambda _: False,
            {item["name"]: item["titles"] for one in (before, after) for item in one["audiences"]},
        ),
        "identifiers": _identifiers(before, after, hide),
        "masked": bool(hide),
    }
    parts = ("attributes", "tags", "audiences", "identifiers")
    return {**answer, "changes": sum(len(answer[part]) for part in parts)}


def _today(workspace: Workspace, id: str, now: datetime) -> list[Json]:
    """The audiences whose condition holds now: by the same way as of then."""
    meant = belonging.named_at(workspace, now)
    graph = build(definitions.tags(workspace), meant.names.audience)
    return belonging.audiences_at(workspace, person_ix(workspace, id), now, named=meant, graph=graph)


def _attributes(shown: Json) -> dict[str, Any]:
    return {item["name"]: item["value"] for item in shown["attributes"]}


def _held(shown: Json) -> dict[str, Any]:
    """The audiences whose condition held."""
    return {item["name"]: None for item in shown["audiences"] if item["by"] != belonging.SNAPSHOT}


def _tags(shown: Json) -> dict[str, Json]:
    return {item["key"]: item for part in shown["tags"] for item in part["tags"]}


def _values(shown: Json) -> dict[str, Any]:
    """Each tag's value; of a tag that gives labels with weights all of them, the greatest first."""
    return {
        key: [one["label"] for one in item["labels"]] if item["labels"] else item["value"]
        for key, item in _tags(shown).items()
    }


def _titles(*shown: Json) -> dict[str, Json]:
    return {key: item["titles"] for one in shown for key, item in _tags(one).items()}


def _told(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    hidden: Callable[[str], bool],
    titles: Mapping[str, Json] | None = None,
) -> list[Json]:
    """What was added, went or changed, by key: {key, titles, what, before, after}; null where there is none."""

    def said(held: Mapping[str, Any], key: str) -> Any:
        value = held.get(key)
        if value is None or not hidden(key):
            return value
        return [masked(one) for one in value] if isinstance(value, list) else masked(value)

    return [
        {
            "key": key,
            "titles": {} if titles is None else titles[key],
            "what": ADDED if key not in before else GONE if key not in after else CHANGED,
            "before": said(before, key),
            "after": said(after, key),
        }
        for key in sorted({*before, *after})
        if key not in before or key not in after or before[key] != after[key]
    ]


def _identifiers(before: Json, after: Json, hide: Collection[str]) -> list[Json]:
    """Which identifiers came and went: {kind, value, what, was}.

    `was`: the outward id of whoever had it before, where that was somebody else known; null: nobody had heard of it.
    """
    held = [{(item["kind"], item["value"]) for item in shown["identities"]} for shown in (before, after)]
    others = {
        (item["kind"], item["value"]): other["person"]
        for other in before["then"]["others"]
        for item in other["identities"]
    }
    return [
        {
            "kind": kind,
            "value": masked(value) if is_personal(kind, hide) else value,
            "what": GONE if (kind, value) in held[0] else ADDED,
            "was": others.get((kind, value)),
        }
        for kind, value in sorted(held[0] ^ held[1])
    ]
