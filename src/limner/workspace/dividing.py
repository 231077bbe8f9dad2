"""The verb of breakdowns: what a sending did to the people of each value of a tag, of each text or channel."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.columns import Array, Column
from limner.errors import DeniedError, NotFoundError, UsageError, did_you_mean
from limner.feedback import report as reports
from limner.feedback.breakdown import Group, Told, breakdown, grouped, named
from limner.tags import publish
from limner.tags.check import check
from limner.tags.history import tags_at
from limner.tags.masking import hides, hiding
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Tag
from limner.tags.preview import drafted
from limner.touches import entries
from limner.touches.model import Entry
from limner.types import Json, ValueType
from limner.workspace import knowing, reaching, remembering
from limner.workspace.catalog import known
from limner.workspace.tagging import as_text, known_now
from limner.workspace.workspace import Workspace

BY = ("variant", "channel")
"""Besides the keys of tags; a tag of such a key is asked for as tag:KEY."""


def campaign_breakdown(
    workspace: Workspace, name: str, by: str, entry: str = "", as_of: str = "", caller: Caller = LOCAL
) -> Json:
    """What a sending did to the people of each value of a tag, or by variant or channel: rates, effect, who left.

    `by`: a tag's key, variant, or channel. A tag's values are those of when the sending began, as they were known then.
    Of a channel the held out are not known, since it is chosen for those who get something: rates, but no effect. Each
    effect's interval, and what is said to differ, holds for all groups together in 95 % of all repetitions.
    Raises NotFoundError, UsageError, and DeniedError for a tag whose values the caller may not see.
    """
    reaching.tell(workspace)
    workspace.load()
    at = knowing.instant_of(workspace, as_of)
    sent = entries.entries(workspace.records, campaign=name)
    if not sent:
        raise NotFoundError(f"'{name}' was never sent", hint=f"limner campaign send {name}")
    chosen = next((one for one in sent if entry in ("", one.entry)), None)
    if chosen is None:
        raise NotFoundError(
            f"'{name}' has no entry '{entry}'", hint=did_you_mean(entry, [one.entry for one in sent])
        )
    people = reports.reactions_of(workspace.records, workspace.engine, name, chosen.entry)
    tag: Tag | None = None
    if by in BY:
        cells, groups = named([one or "" for one in people[by].to_pylist()])
    else:
        tag = _tag(workspace, by.removeprefix("tag:"), caller)
        column = _then(workspace, tag, chosen.as_of)
        cells, groups = grouped(column, people["ix"].to_numpy())
    told, until = _told(workspace, people, chosen, at)
    rows = breakdown(cells, groups, told, arms=by != "channel")
    kind = ValueType.TEXT if tag is None else tag.type
    ordered = kind in (ValueType.NUMBER, ValueType.MONEY, ValueType.INSTANT)
    made = [{**_group(group, kind), **row} for group, row in zip(groups, rows, strict=True)]
    return {
        "name": name,
        "entry": chosen.entry,
        "by": by,
        "titles": dict(tag.title) if tag else {},
        "type": str(kind),
        "tag_as_of": chosen.as_of.isoformat() if tag else None,
        "until": until.isoformat(),
        "people": people.num_rows,
        "groups": sorted(
            made, key=lambda row: (row["kind"] in ("rest", "unknown"), 0 if ordered else -row["people"])
        ),
    }


def _tag(workspace: Workspace, key: str, caller: Caller) -> Tag:
    """The tag, if its values may be seen and stand for themselves."""
    tags = known_now(workspace).tags
    tag = tags[known(tags, key, "tag")]
    if hides(tag, hiding(workspace.config.personal, mask=not sees_personal(caller.role))):
        raise DeniedError(f"the values of '{key}' are not shown to {caller.name}")
    if tag.type is ValueType.LIST:
        raise UsageError(
            f"'{key}' holds several values of each person",
            where="by",
            hint="a tag with one value",
            code="a_list",
        )
    return tag


def _then(workspace: Workspace, tag: Tag, at: datetime) -> Column:
    """The tag's values when the sending began, as far as they were known then."""
    found = known_now(workspace)
    fresh = Fresh(found.names, found.graph.tags)
    for need in found.graph.closure([tag.key]):
        check(found.graph.tags[need], found.graph, catalog=fresh, as_of=at)
    heard = at if remembering.heard(workspace, at) else None
    with tags_at(workspace.engine, found.graph, [tag.key], catalog=fresh, as_of=at, heard=heard) as (tx, _):
        return drafted(tx, found.graph.tags[tag.key], publish.size(tx), as_of=at)


def _told(workspace: Workspace, people: pa.Table, entry: Entry, at: datetime) -> tuple[Told, datetime]:
    """What each did, and until when it counts."""
    goal = reaching.frozen(entry).goal
    until = at if goal is None else min(at, entry.started_at + goal.within)
    converted: Array | None = None
    money: Array | None = None
    if goal is not None:
        events = reaching.goal_events(workspace, goal, until)
        converted, money = reports.did(workspace.engine, people, events, start=entry.started_at, end=until)
    flags: dict[str, Any] = {
        name: people[name].to_numpy(zero_copy_only=False) for name in ("treated", *reports.REACTIONS)
    }
    flags = {name: np.asarray(values, dtype=np.bool_) for name, values in flags.items()}
    treated, sent = flags.pop("treated"), flags.pop("sent")
    return Told(treated, sent, flags, converted, money), until


def _group(group: Group, kind: ValueType) -> Json:
    which = (
        "unknown" if group.unknown else "rest" if group.rest else "bin" if group.value is None else "value"
    )

    def said(value: Any) -> str | None:
        return None if value is None else as_text(value, kind)

    return {"kind": which, "value": said(group.value), "low": said(group.low), "high": said(group.high)}
