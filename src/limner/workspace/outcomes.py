"""Verbs of outcomes: what became of the people of a sending, and what each sending changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time
from threading import Lock
from weakref import WeakKeyDictionary

import pyarrow as pa

from limner.accounts.keys import micros
from limner.accounts.model import LOCAL, Caller
from limner.campaigns.arms import held_out
from limner.campaigns.model import Goal
from limner.errors import LimnerError, NotFoundError, UsageError, did_you_mean
from limner.feedback import report
from limner.touches import entries
from limner.touches.model import Entry
from limner.types import Json
from limner.workspace import definitions, policing, previewing, reaching
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.workspace import Workspace


def campaign_people(
    workspace: Workspace,
    name: str,
    entry: str = "",
    who: str = "",
    reason: str = "",
    limit: int = 50,
    cursor: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """The people of a sending: what became of each, and why."""
    size_of(limit)
    if who and who not in entries.WHO:
        raise UsageError(f"unknown 'who': {who}", where="who", hint=did_you_mean(who, entries.WHO))
    found = entries.entries(workspace.records, campaign=name)
    if not found:
        raise NotFoundError(f"'{name}' was never sent")
    chosen = entry or found[0].entry
    entries.entry_of(workspace.records, name, chosen)
    after = str(place_of(cursor, 1)[0]) if cursor else ""
    rows = entries.people_of(
        workspace.records, name, chosen, who=who, reason=reason, after=after, limit=limit + 1
    )
    shown = rows[:limit]
    names = previewing.names_of(workspace, [row["person"] for row in shown], caller)
    return {
        "name": name,
        "entry": chosen,
        "people": [
            {
                **names.get(row["person"], {"person": row["person"], "name": None, "id": None}),
                "status": "waiting" if row["status"] == "claimed" else row["status"],
                "reason": row["reason"],
                "variant": row["variant"] or "",
                **{
                    key: None if row[key] is None else row[key].isoformat()
                    for key in ("done_at", "opened_at", "clicked_at", "unsubscribed_at")
                },
            }
            for row in shown
        ],
        "next": cursor_of(shown[-1]["person"]) if len(rows) > limit else None,
    }


def effect_list(workspace: Workspace, q: str = "", limit: int = 50, cursor: str = "") -> Json:
    """What each sending truly changed, the latest first: people and money against its holdout."""
    size_of(limit)
    workspace.load()
    now = workspace.clock()
    known = definitions.campaign_files(workspace)
    found = []
    for entry in entries.entries(workspace.records):
        item = known.get(entry.campaign, (None, None))[0]
        titles = dict(item.title) if item else {}
        if q.casefold() in " ".join((entry.campaign, *titles.values())).casefold():
            found.append((entry, titles))
    if cursor:
        at, campaign, name = place_of(cursor, 3)
        found = [
            pair
            for pair in found
            if (-micros(pair[0].started_at), pair[0].campaign, pair[0].entry) > (-int(at), campaign, name)
        ]
    shown = found[:limit]
    last = shown[-1][0] if shown else None
    more = len(found) > limit and last is not None
    return {
        "effects": [_effect(workspace, entry, titles, now) for entry, titles in shown],
        "next": cursor_of(micros(last.started_at), last.campaign, last.entry) if more and last else None,
        "currency": workspace.config.currency,
        "as_of": now.isoformat(),
    }


def effect_overall(workspace: Workspace, event: str, where: str = "", money: str = "") -> Json:
    """What all marketing together changed: everybody against those in the global holdout, since its day.

    Both arms hold everybody who is known now, and everything that they did since then counts, whether or not a message
    ever went to them. `event`, `where`, `money`: what counts, as in a campaign's goal. Raises UsageError without a
    global holdout.
    """
    workspace.load()
    holdout = policing.policy(workspace).holdout
    now = workspace.clock()
    if holdout is None:
        raise UsageError(
            "there is no global holdout, so nothing can be compared",
            where="policy.yml",
            code="no_holdout",
            hint="holdout: {share: 0.02, since: 2026-06-01}",
        )
    start = datetime.combine(holdout.since, time(), tzinfo=workspace.config.tz).astimezone(UTC)
    goal = Goal(event, where, money)
    people = workspace.engine.read(
        "SELECT ix, person_id FROM persons WHERE merged_into IS NULL AND NOT erased ORDER BY ix"
    )
    out = held_out(people["person_id"].to_pylist(), seed=holdout.seed, share=holdout.share)
    arms = pa.table({"ix": people["ix"], "treated": ~out})
    found = report.outcome(
        workspace.engine, arms, reaching.goal_events(workspace, goal, now), start=start, end=max(start, now)
    )
    return {
        "since": start.isoformat(),
        "until": now.isoformat(),
        "share": holdout.share,
        "goal": {"event": event, "where": where, "money": money},
        "currency": workspace.config.currency,
        **report.changed(found, currency=workspace.config.currency, money=bool(money)),
    }


def _effect(workspace: Workspace, entry: Entry, titles: Mapping[str, str], now: datetime) -> Json:
    row: Json = {
        "campaign": entry.campaign,
        "titles": titles,
        "entry": entry.entry,
        "status": entry.status,
        "started_at": entry.started_at.isoformat(),
        "people": entry.people,
        "problem": None,
    }
    kept = (
        "until", "window_ends_at", "held_out", "treated", "converted", "incremental", "money", "more_days", "why_not",
    )  # fmt: skip
    try:
        found = _reported(workspace, entry, now)
    except LimnerError as error:
        return {
            **row,
            **dict.fromkeys(kept),
            "problem": error.message,
            "why_not": "problem",
            "state": "not_enough",
        }
    made = found["incremental"]
    if made is None:
        state = "no_goal" if found["why_not"] == "no_goal" else "not_enough"
    else:
        state = "more" if made["low"] > 0 else "fewer" if made["high"] < 0 else "no_difference"
    return {**row, **{key: found[key] for key in kept}, "state": state}


_over: WeakKeyDictionary[Workspace, dict[tuple[str, str], tuple[object, Json]]] = WeakKeyDictionary()
_lock = Lock()


def _reported(workspace: Workspace, entry: Entry, now: datetime) -> Json:
    """The report of an entry. Once everything was sent and the goal's time is over, it is kept until events change."""
    state = (entry.status, entry.reason, workspace.engine.version)
    key = (entry.campaign, entry.entry)
    with _lock:
        before, answer = _over.setdefault(workspace, {}).get(key, (None, {}))
    if before == state:
        return answer
    found = reaching.reported(workspace, entry, now)
    if entry.status == "done" and found["window_ends_at"] and found["window_ends_at"] <= now.isoformat():
        with _lock:
            _over[workspace][key] = (state, found)
    return found
