"""Verbs of the library of content: its items, who is shown which of them next and why, and how good that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.campaigns.journey import sends_of
from limner.content import heldout, ranking
from limner.content import text as content_text
from limner.content.heldout import Foretold
from limner.content.model import LIBRARY, POPULARITY, Ask, Item, tongue
from limner.errors import LimnerError, UsageError
from limner.expressions.compile import weights as weights_then
from limner.expressions.tree import Interest
from limner.identity import people
from limner.tags import objects
from limner.tags import text as tag_text
from limner.tags import weights as tag_weights
from limner.tags.masking import hides, hiding
from limner.types import Json, Progress, naive
from limner.workspace import definitions, knowing, picking, writing
from limner.workspace.catalog import known
from limner.workspace.picking import Pick, Ready
from limner.workspace.workspace import Workspace

MOST_SHOWN = 20
AT_ONCE = 20_000
"""So many people are ranked together."""
PARTS = (0.1, POPULARITY, 1.0, 3.0)
"""Of these parts of popularity in the score the trial says which is the best."""


def content_list(workspace: Workspace) -> Json:
    """Every item of the library: what it is about, its languages, whether it may be shown now, and what is wrong."""
    items, wrong = content_text.read_folder(workspace.paths.folder / LIBRARY)
    now = workspace.clock()
    users = _users(workspace)
    return {
        "items": [
            {**_row(workspace, item, now), "used_by": _used_by(item, users)} for item in items.values()
        ],
        "problems": [{"where": error.where, "message": error.message, "hint": error.hint} for error in wrong],
        "as_of": now.isoformat(),
        "zone": workspace.config.zone,
    }


def _row(workspace: Workspace, item: Item, now: datetime) -> Json:
    return {
        "name": item.name,
        "titles": dict(item.title),
        "languages": list(item.languages),
        "about": list(item.about),
        "words": list(item.words),
        "state": item.state(now, workspace.config.tz),
        "from": item.start or None,
        "until": item.end or None,
        "audience": item.audience,
        "weight": item.weight,
        "owner": item.owner,
    }


Users = Sequence[tuple[str, str, Mapping[str, Ask]]]


def _users(workspace: Workspace) -> Users:
    """Every campaign and journey that asks for picks: kind, name, the lists."""
    found: list[tuple[str, str, Mapping[str, Ask]]] = []
    for name, (campaign, _) in definitions.campaign_files(workspace).items():
        if campaign is not None and campaign.picks:
            found.append(("campaign", name, campaign.picks))
    for name, (journey, _) in definitions.journey_files(workspace).items():
        asked: dict[str, Ask] = {}
        for send in sends_of(journey) if journey is not None else ():
            asked |= send.picks
        if asked:
            found.append(("journey", name, asked))
    return found


def _used_by(item: Item, users: Users) -> list[Json]:
    """The campaigns and journeys of which a list may hold the item."""
    chosen = {item.name, *item.words}
    return [
        {"kind": kind, "name": name}
        for kind, name, asks in users
        if any(ask.source == LIBRARY and (not ask.only or chosen & set(ask.only)) for ask in asks.values())
    ]


def asks_of(workspace: Workspace) -> dict[str, Ask]:
    """Every list of picks that a campaign or journey asks for, by name; of equal names the first."""
    found: dict[str, Ask] = {}
    for _, _, asks in _users(workspace):
        found = {**asks, **found}
    return found


def content_show(workspace: Workspace, name: str) -> Json:
    """One item with all that its file says, and how many people took it up in the last 30 days."""
    workspace.load()
    item = _item(workspace, name)
    now = workspace.clock()
    made = picking.ready(workspace, Ask(only=(name,)), now)
    return {
        **_row(workspace, item, now),
        "fields": content_text.fields_of(item),
        "used_by": _used_by(item, _users(workspace)),
        "people": made.shelves.people[0] if name in made.shelves.of.names else None,
        "as_of": now.isoformat(),
    }


def _item(workspace: Workspace, name: str) -> Item:
    there = [path.stem for path in (workspace.paths.folder / LIBRARY).glob("*.yml")]
    text = writing.read_text(workspace.paths.definition(LIBRARY, known(sorted(there), name, LIBRARY)))
    return content_text.read(text or "", name)


def content_form(workspace: Workspace, name: str, text: str) -> Json:
    """An item's text as the fields of a form (null when it cannot be read), and what is wrong in it."""
    problems = writing.problems_of(workspace, LIBRARY, name, text)
    try:
        fields = content_text.fields_of(content_text.read(text, name))
    except LimnerError:
        fields = None
    return {"name": name, "fields": fields, "problems": problems}


def content_words(workspace: Workspace, name: str, fields: dict[str, Any], text: str = "") -> Json:
    """The text with these fields changed; its comments stay, fields that are not named stay as they are."""
    made = content_text.written(text, fields, name=name)
    return {**content_form(workspace, name, made), "text": made}


def content_pick(
    workspace: Workspace,
    id: str,
    source: str = LIBRARY,
    count: int = 3,
    only: list[str] = [],  # noqa: B006 - never changed
    caller: Caller = LOCAL,
) -> Json:
    """What one person would be shown next, the best first, each with its reason."""
    workspace.load()
    ask = Ask(source=source, count=_count(count), only=tuple(only))
    now = workspace.clock()
    ix = knowing.person_ix(workspace, id)
    one = pa.table({"ix": pa.array([ix], pa.uint32())})
    made = picking.ready(workspace, ask, now)
    said = picking.languages(workspace, one, now).column("language").to_pylist()[0]
    rows = picking.ranked(workspace, made, one, now).to_pylist()
    found = picking.picks(made, [{**row, "language": tongue(said or "")} for row in rows])
    given = tag_text.read_folder_leniently(workspace.paths.folder / "tags")[0]
    hidden = hiding(workspace.config.personal, mask=not sees_personal(caller.role))
    closed = {key for key, tag in given.items() if hides(tag, hidden)}
    return {
        "person": people.person_id(workspace.engine, ix),
        "from": source,
        "language": tongue(said) if said else None,
        "picks": [_told(pick, pick.tag in closed, given) for pick in found],
        "as_of": now.isoformat(),
    }


def _told(pick: Pick, closed: bool, given: Mapping[str, Any]) -> Json:
    """One place of the list; the interest of a tag that the caller may not see is not told."""
    tag = given.get(pick.tag)
    shown = bool(pick.tag) and not closed
    return {
        "name": pick.name,
        "title": pick.shown["title"],
        "link": pick.shown["link"],
        "picture": pick.shown["picture"],
        "score": round(pick.score, 6),
        "kind": pick.kind,
        "tag": pick.tag if shown else None,
        "tag_titles": dict(tag.title) if tag is not None and shown else {},
        "label": pick.label if shown else None,
        "weight": pick.weight if shown else None,
        "people": pick.people,
        "reason": pick.reason if shown or not pick.tag else "because of an interest",
        "until": None if pick.ends is None else pick.ends.isoformat(),
    }


def _count(count: int) -> int:
    if not 1 <= count <= MOST_SHOWN:
        raise UsageError(f"'count' is 1 to {MOST_SHOWN}", where="count", code="out_of_range")
    return count


def content_reach(workspace: Workspace, name: str, progress: Progress) -> Json:
    """How many people would be shown the item first, and how many among their first three, of everybody now."""
    workspace.load(progress)
    item = _item(workspace, name)
    now = workspace.clock()
    made = picking.ready(workspace, Ask(count=3), now)
    everybody = workspace.engine.read(
        "SELECT ix FROM persons WHERE merged_into IS NULL AND NOT erased ORDER BY ix"
    )
    first = among = because = 0
    if name in made.shelves.of.names:
        place = made.shelves.of.names.index(name)
        for start in range(0, everybody.num_rows, AT_ONCE):
            progress("people", start, everybody.num_rows)
            found = picking.ranked(workspace, made, everybody.slice(start, AT_ONCE), now)
            counted = workspace.engine.read(
                "SELECT COUNT(*) FILTER (place = 1) AS first, COUNT(*) AS among,"
                " COUNT(*) FILTER (place = 1 AND match > 0) AS because FROM found WHERE i = $place",
                {"place": place},
                given={"found": found},
            ).to_pylist()[0]
            first, among, because = (
                first + counted["first"], among + counted["among"], because + counted["because"],
            )  # fmt: skip
    return {
        "name": name,
        "state": item.state(now, workspace.config.tz),
        "everybody": everybody.num_rows,
        "first": first,
        "because": because,
        "among": among,
        "as_of": now.isoformat(),
    }


# How good it is


def content_evaluate(
    workspace: Workspace,
    source: str = LIBRARY,
    event: str = "",
    days: int = 30,
    count: int = 10,
) -> Json:
    """How often what people took up in the last days was among their picks of before, against popularity.

    The part of popularity that did best in the days before those is tried as well: what is advised was not chosen by
    what it is judged by.
    """
    workspace.load()
    if not 1 <= days <= 365:
        raise UsageError("'days' is 1 to 365", where="days", code="out_of_range")
    now, length = workspace.clock(), timedelta(days=days)
    names = definitions.catalog(workspace)
    if event:
        known(list(names.event_names()), event, "event")
    ask = Ask(source=source, count=_count(count), popular=event)
    cut = now - length
    then = {part: _foretold(workspace, replace(ask, popularity=part), cut - length, cut) for part in PARTS}
    told = {part: _foretold(workspace, replace(ask, popularity=part), cut, now) for part in PARTS}
    best = max(PARTS, key=lambda part: (then[part].own, -abs(part - POPULARITY)))
    usual = told[POPULARITY]
    return {
        "from": source,
        "event": event,
        "count": count,
        "days": days,
        "since": cut.isoformat(),
        "people": usual.people,
        "enough_data": usual.enough,
        "message": _verdict(usual),
        "picked": usual.own,
        "popular": usual.popular,
        "ratio": round(usual.ratio, 3) if usual.enough else None,
        "any": {"picked": usual.any_own, "popular": usual.any_popular},
        "parts": [
            {
                "popularity": part,
                "picked": one.own,
                "ratio": round(one.ratio, 3) if one.enough else None,
                "advised": part == best and then[part].enough,
            }
            for part, one in told.items()
        ],
    }


def _verdict(told: Foretold) -> str:
    if not told.enough:
        return f"not enough data: {told.people:,} people took up anything in these days, of {heldout.ENOUGH} at least"
    return f"{told.ratio:.2f} times as often as what is popular"


def _foretold(workspace: Workspace, ask: Ask, cut: datetime, end: datetime) -> Foretold:
    """What the picks of an instant foretold of the time after it; tags as they would have been computed then."""
    made = picking.ready(workspace, ask, cut)
    names = definitions.catalog(workspace)
    codes = names.event_codes(ask.popular) if ask.popular else None
    later = _taken(workspace, made, cut, end, codes)
    who = workspace.engine.read(
        "SELECT ix, '' AS language FROM later GROUP BY ix ORDER BY ix", given={"later": later}
    )
    weights = _weights_then(workspace, made, cut)
    found = ranking.ranked(
        workspace.engine, made.shelves, people=who, weights="SELECT * FROM weights", count=ask.count,
        given={"weights": weights},
    )  # fmt: skip
    order = sorted(range(len(made.shelves.of)), key=lambda i: (-made.shelves.people[i], i))
    return heldout.foretold(workspace.engine, found, order[: ask.count], later)


def _taken(
    workspace: Workspace, made: Ready, since: datetime, end: datetime, codes: Sequence[int] | None
) -> pa.Table:
    """(ix, i, ts): what people took up in that time who had done anything before it."""
    coded = "" if codes is None else " AND e.name_i IN (SELECT UNNEST($codes))"
    parts = " UNION ALL ".join(
        f"SELECT e.ix, n.i, e.ts FROM events AS e JOIN named AS n ON n.value = e.\"{column}\" AND n.property = '{name}'"
        f" WHERE e.ix IS NOT NULL AND e.ts >= $since AND e.ts < $end{coded}"
        for name, column in sorted(made.columns.items())
    )
    if not parts:
        return pa.table(
            {
                "ix": pa.array([], pa.uint32()),
                "i": pa.array([], pa.int32()),
                "ts": pa.array([], pa.timestamp("us")),
            }
        )
    return workspace.engine.read(
        f"SELECT * FROM ({parts}) WHERE ix IN (SELECT ix FROM events WHERE ts < $since AND ix IS NOT NULL)",
        {"since": naive(since), "end": naive(end), **({} if codes is None else {"codes": list(codes)})},
        given={"named": made.shelves.of.named},
    )


def _weights_then(workspace: Workspace, made: Ready, cut: datetime) -> pa.Table:
    """(ix, tag, label, weight) of everybody as of then."""
    names = definitions.catalog(workspace)
    given = definitions.tags(workspace)
    parts = []
    for key in made.tags:
        node = tag_weights.interest_of(given[key]) if key in given else None
        meant = None if node is None else objects.put_in(node, given[key].objects or {})
        if not isinstance(meant, Interest):
            continue
        query = weights_then(meant, names, cut)
        found = workspace.engine.read(query.sql, query.values)
        parts.append(
            found.select(["ix", "label", "weight"]).append_column("tag", pa.array([key] * found.num_rows))
        )
    if not parts:
        return pa.table(
            {"ix": pa.array([], pa.uint32()), "label": pa.array([], pa.string()),
             "weight": pa.array([], pa.float64()), "tag": pa.array([], pa.string())}
        )  # fmt: skip
    return pa.concat_tables(parts)
