"""Verbs of what happened to a person: its events in time, and the messages that it got."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from limner.accounts.keys import instant, sources
from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.content import text as content_text
from limner.content.model import LIBRARY
from limner.errors import LimnerError, UsageError
from limner.identity import people
from limner.portraits import person as portraits
from limner.portraits.person import Which
from limner.tags import text as tag_text
from limner.tags.masking import hides, hiding
from limner.touches import entries
from limner.types import Json, naive
from limner.workspace import definitions, remembering
from limner.workspace.catalog import known
from limner.workspace.knowing import instant_of, person_ix
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.workspace import Workspace

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def person_timeline(
    workspace: Workspace,
    id: str,
    event: list[str] = [],  # noqa: B006 - never changed
    source: str = "",
    since: str = "",
    until: str = "",
    limit: int = 50,
    cursor: str = "",
    mask: bool = False,
    view: str = "true",
    as_of: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """What a person did, newest first, a page of it; and how often each thing within source and dates.

    `view`: `known` leaves out what was received after `until`, and what was not known to be theirs; empty: as the
    portrait of then. `as_of`: as a portrait of that past instant tells it: nothing later, by what was known at that
    instant, and each event says whether it was known then to be theirs (`known_then`; null: it is not known).
    """
    workspace.load()
    size_of(limit)
    ix = person_ix(workspace, id)
    named = {item.source_i: item.name for item in sources(workspace.records)}
    by_name = {name: i for i, name in named.items()}
    end = instant_of(workspace, until)
    moment = instant_of(workspace, as_of) if as_of else end
    known_then = remembering.view_of(workspace, view, moment, ix=ix) == remembering.KNOWN
    past = moment < workspace.clock()
    was = None
    if past and (as_of or known_then):
        was = remembering.who_then(workspace, id, ix, moment, remembering.KNOWN)
    which = Which(
        until=min(end, moment),
        heard=moment if known_then and past else None,
        person=remembering.whose(workspace, was) if was is not None and known_then else None,
        since=instant_of(workspace, since) if since else None,
        names=tuple(event),
        source_i=by_name[known(by_name, source, "source")] if source else None,
    )
    after = None
    if cursor:
        at, number = place_of(cursor, 2)
        if not isinstance(at, int) or not isinstance(number, str) or not number.lstrip("-").isdigit():
            raise UsageError("this cursor was not given by this list", where="cursor", code="bad_cursor")
        after = (at, number)
    mask = mask or not sees_personal(caller.role)
    found = portraits.events_of(
        workspace.engine,
        ix,
        which,
        limit=limit + 1,
        after=after,
        hide=workspace.config.personal if mask else (),
        sources=named,
    )
    counts = portraits.event_counts(workspace.engine, ix, which)
    shown = found[:limit]
    theirs = _known_theirs(workspace, [row["id"] for row in shown], was if as_of else None, moment)
    return {
        "person": people.person_id(workspace.engine, ix if which.person is None else which.person.ix),
        "events": [
            {key: value for key, value in row.items() if key != "place"}
            | {"known_then": None if theirs is None else row["id"] in theirs}
            for row in shown
        ],
        "next": cursor_of(*shown[-1]["place"]) if len(found) > limit else None,
        "total": sum(row["events"] for row in counts if not event or row["event"] in event),
        "counts": counts,
        "until": which.until.isoformat(),
        "masked": mask,
    }


def _known_theirs(
    workspace: Workspace, ids: Sequence[str], was: remembering.Who | None, at: datetime
) -> set[str] | None:
    """Which of the events had been received by then and were known to be theirs; None: not asked, or not known."""
    if was is None or was.person is None:
        return None
    condition, binds = was.person.theirs()
    found = workspace.engine.read(
        "SELECT e.id::VARCHAR AS id FROM events AS e WHERE e.id IN (SELECT UNNEST($ids::VARCHAR[])::HUGEINT)"
        f" AND e.received_at <= $at AND {condition}",
        {**binds, "ids": list(ids), "at": naive(at)},
    )
    return set(found.column("id").to_pylist())


def person_messages(workspace: Workspace, id: str, as_of: str = "", caller: Caller = LOCAL) -> Json:
    """The messages to a person with why they went so and what was picked for them, and who held the person out."""
    workspace.load()
    person_id = people.person_id(workspace.engine, person_ix(workspace, id))
    shown = messages_of(workspace, person_id, caller)
    return {"person": person_id, "messages": until(shown, instant_of(workspace, as_of)) if as_of else shown}


def _due(row: Mapping[str, Any]) -> str | None:
    """When a message that still waits is due; null where it is due at once, or not waiting."""
    found = row["due_at"]
    return found.isoformat() if row["status"] == "waiting" and found > _EPOCH else None


def until(messages: list[Json], at: datetime) -> list[Json]:
    """The messages as they stood at a past instant."""

    def known_then(told: str | None) -> str | None:
        return told if told is not None and datetime.fromisoformat(told) < at else None

    return [
        {**item, **{key: known_then(item[key]) for key in ("opened_at", "clicked_at", "unsubscribed_at")}}
        for item in messages
        if known_then(item["at"]) is not None
    ]


def messages_of(workspace: Workspace, person_id: str, caller: Caller = LOCAL) -> list[Json]:
    """The messages to a person, the latest first; interests of tags that the caller may not see are not told."""
    titles = {name: dict(item.title) for name, item in _campaigns(workspace).items()}
    journeys = {name: item for name, (item, _) in definitions.journey_files(workspace).items()}
    titles |= {name: dict(item.title) for name, item in journeys.items() if item}
    told_of = _telling(workspace, caller)
    shown = []
    for row in entries.of_person(workspace.records, person_id):
        told = {
            key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()
        }
        shown.append(
            {
                "id": told["message_id"],
                "at": told["done_at"] or told["claimed_at"],
                "campaign": told["campaign"],
                "journey": told["campaign"] in journeys,
                "titles": titles.get(told["campaign"], {}),
                **{
                    key: told[key]
                    for key in (
                        "entry", "step", "channel", "class", "status", "reason",
                        "opened_at", "clicked_at", "unsubscribed_at",
                    )
                },
                "due_at": _due(row),
                "why": json.loads(row["choice"]) if row["choice"] else None,
                "picks": [
                    told_of(listed, one)
                    for listed, picked in json.loads(row["picks"] or "{}").items()
                    for one in picked
                ],
            }
        )  # fmt: skip
    with workspace.records.read() as connection:
        held = (
            connection.execute(
                text(
                    "SELECT a.campaign, a.entry, e.started_at FROM arms AS a JOIN campaign_entries AS e"
                    " ON e.campaign = a.campaign AND e.entry = a.entry"
                    " WHERE a.person = :person AND a.arm = 'held_out'"
                ),
                {"person": person_id},
            )
            .mappings()
            .all()
        )
    for out in held:
        shown.append(
            {
                "id": f"held out: {out['campaign']}/{out['entry']}",
                "at": instant(out["started_at"]).isoformat(),
                "campaign": out["campaign"],
                "journey": False,
                "titles": titles.get(out["campaign"], {}),
                "entry": out["entry"],
                "step": "", "channel": "", "class": "", "status": "held_out", "reason": "",
                "opened_at": None, "clicked_at": None, "unsubscribed_at": None, "due_at": None, "why": None,
                "picks": [],
            }
        )  # fmt: skip
    return sorted(shown, key=lambda item: item["at"] or "9", reverse=True)


def _telling(workspace: Workspace, caller: Caller) -> Callable[[str, Json], Json]:
    """What tells of something that was in a list of a message, and why."""
    tags = tag_text.read_folder_leniently(workspace.paths.folder / "tags")[0]
    items, _ = content_text.read_folder(workspace.paths.folder / LIBRARY)
    hidden = hiding(workspace.config.personal, mask=not sees_personal(caller.role))
    open_tags = {key for key, tag in tags.items() if not hides(tag, hidden)}

    def told(listed: str, one: Json) -> Json:
        item = items.get(one["name"]) if one["from"] == LIBRARY else None
        shown = one["tag"] in open_tags
        return {
            "list": listed,
            "from": one["from"],
            "name": one["name"],
            "titles": {} if item is None else dict(item.title),
            "kind": one["kind"],
            "tag": one["tag"] if shown else None,
            "tag_titles": dict(tags[one["tag"]].title) if shown else {},
            "label": one["label"] if shown else None,
            "weight": one["weight"] if shown else None,
            "people": one["people"],
        }

    return told


def _campaigns(workspace: Workspace) -> Mapping[str, Any]:
    try:
        return definitions.saved_campaigns(workspace)
    except LimnerError:
        return {}
