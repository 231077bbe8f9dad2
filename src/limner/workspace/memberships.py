"""Verbs of membership: who had a value or was in an audience on a day, who came and went, and one person's times."""

from __future__ import annotations

from datetime import datetime

from limner.accounts.model import LOCAL, Caller
from limner.errors import ConflictError, NotFoundError
from limner.identity import people
from limner.tags import memberships, publish
from limner.types import Json
from limner.workspace import definitions
from limner.workspace.knowing import instant_of, person_ix
from limner.workspace.paging import USUAL, cursor_of, place_of, size_of
from limner.workspace.tagging import day_of, hidden_from, starts_of
from limner.workspace.workspace import Workspace


def audience_history(workspace: Workspace, name: str, days: int = 30) -> Json:
    """How many were in the audience at the end of each day by its snapshots, and who entered and left.

    `since`: the first snapshot; days before it are null.
    """
    first = _since(workspace, f"audience:{name}", name in definitions.saved_audiences(workspace))
    now = workspace.clock()
    starts = starts_of(workspace, now, days)
    ends = [*starts[1:], now]
    known = memberships.flows(workspace.engine, f"audience:{name}", starts, now=now)
    return {
        "name": name,
        "since": None if first is None else first.isoformat(),
        "as_of": now.isoformat(),
        "days": [
            {
                "day": day_of(workspace, item.start),
                "people": item.people if first is not None and first < end else None,
                "entered": item.entered if first is not None and first < end else None,
                "left": item.left if first is not None and first < end else None,
            }
            for item, end in zip(known, ends, strict=True)
        ],
    }


def audience_members(
    workspace: Workspace, name: str, on: str = "", limit: int = USUAL, cursor: str = ""
) -> Json:
    """Who was in the audience at an instant, by its snapshots: how many, and a page of outward ids."""
    _since(workspace, f"audience:{name}", name in definitions.saved_audiences(workspace))
    return {"name": name, **_members(workspace, f"audience:{name}", None, on, limit, cursor)}


def tag_members(
    workspace: Workspace,
    key: str,
    value: str = "",
    on: str = "",
    limit: int = USUAL,
    cursor: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """Who had the tag at an instant, as it was published (with `value`: that flag or text), and a page of outward ids.

    Raises ConflictError where values are personal and the caller may not see them.
    """
    tags = definitions.tags(workspace)
    _since(workspace, f"tag:{key}", key in tags or key in publish.applied(workspace.engine))
    if value and hidden_from(tags.get(key), workspace, caller):
        raise ConflictError(f"the values of '{key}' are personal", code="hidden", where="value")
    found = _members(workspace, f"tag:{key}", value or None, on, limit, cursor)
    return {"key": key, "value": value or None, **found}


def person_memberships(workspace: Workspace, id: str, caller: Caller = LOCAL) -> Json:
    """Which tag values the person had and which audiences it was in: since, until, by which run and cause."""
    workspace.load()
    ix = person_ix(workspace, id)
    tags = definitions.tags(workspace)
    hidden = {f"tag:{key}" for key, tag in tags.items() if hidden_from(tag, workspace, caller)}
    return {
        "person": people.person_id(workspace.engine, ix),
        "spells": [
            {
                "subject": item.subject,
                "value": None if item.subject in hidden else item.value,
                "since": item.since.isoformat(),
                "until": None if item.until is None else item.until.isoformat(),
                "run": item.run,
                "cause": item.cause,
                "ended_by": item.ended_by,
            }
            for item in memberships.spells(workspace.engine, ix)
        ],
    }


def _since(workspace: Workspace, subject: str, there: bool) -> datetime | None:
    """When its first change was. Raises NotFoundError for what neither is nor was."""
    first = memberships.since(workspace.engine, subject)
    if first is None and not there:
        what, _, name = subject.partition(":")
        raise NotFoundError(f"there is no {what} '{name}'", hint=f"limner {what} list")
    return first


def _members(workspace: Workspace, subject: str, value: str | None, on: str, limit: int, cursor: str) -> Json:
    at = instant_of(workspace, on)
    size_of(limit)
    found = memberships.members(workspace.engine, subject, at, value=value)
    total = len(found)
    if cursor:
        (last,) = place_of(cursor, 1)
        found = found[found > last]
    page = found[:limit].tolist()
    return {
        "on": at.isoformat(),
        "count": total,
        "people": [str(people.person_id(workspace.engine, ix)) for ix in page],
        "next": cursor_of(page[-1]) if len(found) > limit else None,
    }
