"""Verbs of people: found in a list, and shown one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from limner.accounts.keys import sources
from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.audiences import evaluate, snapshot, versions
from limner.bitmap import Bitmap
from limner.channels.kinds import KINDS
from limner.columns import EPOCH_START, Columns
from limner.consents import ledger
from limner.consents.model import MARKETING
from limner.errors import UsageError, did_you_mean
from limner.expressions import check as check_expression
from limner.expressions import names_of, parse, to_text
from limner.identity import people
from limner.identity.then import Then, Until
from limner.portraits import finding
from limner.portraits import person as portraits
from limner.portraits.activity import NEVER, Seen, seen_by
from limner.portraits.person import Which, exact
from limner.tags import publish
from limner.tags.giving import changed_after
from limner.tags.graph import build
from limner.tags.masking import hides, hiding
from limner.tags.model import Tag
from limner.types import Json, naive, utc
from limner.workspace import belonging, definitions, giving, remembering, telling
from limner.workspace.knowing import instant_of, live, person_ix
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.workspace import Workspace

LAST_SEEN, FIRST_SEEN, ID = "last_seen", "first_seen", "id"
SORTS = (LAST_SEEN, FIRST_SEEN, ID)

MAIN = {
    "stage": ("life_cycle", "lifecycle", "life_cycle_stage", "stage"),
    "value": ("value_tier", "value", "customer_value", "stratum", "tier", "level"),
    "place": ("city", "region", "province", "country"),
}
"""Under which keys the tags that a list and a header show first are looked for."""

Ordinals = npt.NDArray[np.uint32]


def _micros(at: datetime) -> int:
    return int(np.datetime64(naive(at), "us").astype(np.int64))


def _instant(micros: int) -> str | None:
    return (
        None
        if micros == NEVER
        else utc(EPOCH_START + np.timedelta64(micros, "us").astype(object)).isoformat()
    )


# the list


def person_list(
    workspace: Workspace,
    q: str = "",
    where: str = "",
    sort: str = LAST_SEEN,
    limit: int = 50,
    cursor: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """People found by a word and a condition, a page of them, and exactly how many there are."""
    workspace.load()
    size_of(limit)
    if sort not in SORTS:
        raise UsageError(f"unknown sort '{sort}'", where="sort", hint=did_you_mean(sort, SORTS))
    begun, rank, last_person = workspace.clock(), 0, ""
    if cursor:
        micros, rank, last_person = place_of(cursor, 3)
        if not isinstance(micros, int) or not isinstance(rank, int) or not isinstance(last_person, str):
            raise UsageError("this cursor was not given by this list", where="cursor", code="bad_cursor")
        begun = utc(EPOCH_START + np.timedelta64(micros, "us").astype(object))
    mask = not sees_personal(caller.role)
    columns = live(workspace)
    everybody = _everybody(workspace, begun)
    chosen = everybody.chosen
    condition = ""
    if where.strip():
        condition, bitmap = _meant(workspace, columns, where, begun)
        chosen = chosen & bitmap.mask(len(chosen))
    if q.strip():
        found = finding.find(
            workspace.engine,
            q,
            keys=workspace.config.strong_keys,
            now=begun,
            whole=mask,
        )
        wanted = np.zeros(len(chosen), dtype=np.bool_)
        wanted[found[found < len(chosen)]] = True
        chosen = chosen & wanted
    after = _ordinal(workspace, last_person) if last_person else None
    page = _page(workspace, everybody, chosen, sort, limit + 1, rank=rank, after=after, person=last_person)
    shown = page[:limit]
    rows = finding.rows(
        workspace.engine,
        shown,
        now=begun,
        personal=workspace.config.personal,
        mask=mask,
    )
    tags = _main_tags(workspace, columns)
    for ix, row in zip(shown, rows, strict=True):
        row["first_seen"] = utc(row["first_seen"]).isoformat()
        row["last_seen"] = _instant(int(everybody.seen.last[ix]))
        row["events"] = int(everybody.seen.events[ix])
        row["tags"] = _values(tags, columns, int(ix), begun)
    following = None
    if len(page) > limit:
        last = shown[-1]
        following = cursor_of(_micros(begun), _rank(everybody, sort, last), rows[-1]["person"])
    return {
        "people": rows,
        "next": following,
        "total": int(np.count_nonzero(chosen)),
        "everybody": int(np.count_nonzero(everybody.chosen)),
        "where": condition,
        "sort": sort,
        "as_of": begun.isoformat(),
        "masked": mask,
    }


@dataclass(frozen=True, eq=False)
class _Everybody:
    """Who lives, by ordinal: `chosen`, since when they are known (microseconds), and what they did."""

    chosen: npt.NDArray[np.bool_]
    first: npt.NDArray[np.int64]
    seen: Seen


def _everybody(workspace: Workspace, begun: datetime) -> _Everybody:
    found = workspace.engine.read(
        "SELECT ix, epoch_us(created_at) AS first FROM persons WHERE merged_into IS NULL AND NOT erased"
    )
    ix = found.column("ix").to_numpy()
    n = int(ix.max()) + 1 if len(ix) else 0
    seen, strangers = seen_by(workspace.engine, workspace.activity.seen(n), at=begun)
    n = max(n, len(seen.last))
    chosen = np.zeros(n, dtype=np.bool_)
    first = np.full(n, NEVER, dtype=np.int64)
    chosen[ix] = True
    first[ix] = found.column("first").to_numpy()
    chosen[strangers[strangers < n]] = False
    return _Everybody(chosen, first, seen)


def _page(
    workspace: Workspace,
    everybody: _Everybody,
    chosen: npt.NDArray[np.bool_],
    sort: str,
    most: int,
    *,
    rank: int,
    after: int | None,
    person: str,
) -> list[int]:
    """So many ordinals in the order of the list, from behind the last one shown."""
    if sort == ID:
        return _by_id(workspace, chosen, most, person)
    ix = np.flatnonzero(chosen)
    by = (everybody.first if sort == FIRST_SEEN else everybody.seen.last)[ix]
    if after is not None:
        behind = (by < rank) | ((by == rank) & (ix > after))
        ix, by = ix[behind], by[behind]
    if len(ix) > most:
        least = np.partition(by, len(by) - most)[len(by) - most]
        sure, edge = ix[by > least], ix[by == least]
        near = np.concatenate([sure, edge[: most - len(sure)]])
        ix, by = near, (everybody.first if sort == FIRST_SEEN else everybody.seen.last)[near]
    return [int(item) for item in ix[np.lexsort((ix, -by))][:most]]


def _by_id(workspace: Workspace, chosen: npt.NDArray[np.bool_], most: int, person: str) -> list[int]:
    share = np.count_nonzero(chosen) / max(1, len(chosen))
    take = int(most / share * 1.5) + most if share else 0
    found: list[int] = []
    last = person
    while take and len(found) < most:
        rows = workspace.engine.read(
            "SELECT ix, person_id FROM persons WHERE merged_into IS NULL AND NOT erased AND person_id > $last"
            " ORDER BY person_id LIMIT $take",
            {"last": last, "take": take},
        )
        if not rows.num_rows:
            break
        ix = rows.column("ix").to_numpy()
        ix = ix[ix < len(chosen)]
        found += ix[chosen[ix]].tolist()
        last = rows.column("person_id")[-1].as_py()
        take *= 4
    return found[:most]


def _rank(everybody: _Everybody, sort: str, ix: int) -> int:
    if sort == ID:
        return 0
    return int((everybody.first if sort == FIRST_SEEN else everybody.seen.last)[ix])


def _ordinal(workspace: Workspace, person: str) -> int:
    found = workspace.engine.read("SELECT ix FROM persons WHERE person_id = $id", {"id": person})
    if not found.num_rows:
        raise UsageError("this cursor was not given by this list", where="cursor", code="bad_cursor")
    return int(found.column(0)[0].as_py())


def _meant(workspace: Workspace, columns: Columns | None, where: str, at: datetime) -> tuple[str, Bitmap]:
    """The condition as it is printed, and the people who satisfy it."""
    names = definitions.catalog(workspace)
    asked = parse(where)
    tree = definitions.meaning(workspace, asked)
    waiting = names_of(tree) & definitions.tags(workspace).keys() - set(names.tag_keys())
    if waiting:
        raise UsageError(
            f"the tag '{min(waiting)}' is not computed yet", hint="limner tag run", code="not_computed"
        )
    check_expression(tree, names, kind="person")
    return to_text(asked), evaluate.people(
        tree, engine=workspace.engine, catalog=names, columns=columns, as_of=at
    )


def _main_tags(workspace: Workspace, columns: Columns | None) -> list[Tag]:
    """The few tags that say most of somebody at a glance."""
    if columns is None:
        return []
    tags = definitions.tags(workspace)
    chosen = [main_tag(tags, words, workspace.config.personal) for words in MAIN.values()]
    return [tag for tag in chosen if tag is not None and tag.key in columns]


def main_tag(tags: Mapping[str, Tag], words: Iterable[str], personal: Iterable[str]) -> Tag | None:
    """The first of the tags with one of these keys; None when there is none, or it is personal."""
    for key in words:
        tag = tags.get(key)
        if tag is not None and not hides(tag, hiding(tuple(personal), mask=True)):
            return tag
    return None


def _values(tags: list[Tag], columns: Columns | None, ix: int, now: datetime) -> list[Json]:
    shown = []
    live = None if columns is None else columns.at(now)
    for tag in tags:
        column = None if live is None else live.column(tag.key)
        value = None if column is None else column.label_at(ix)
        if value is not None:
            shown.append({"key": tag.key, "titles": dict(tag.title), "value": exact(value, tag.type)})
    return shown


# one person


def person_show(
    workspace: Workspace,
    id: str,
    as_of: str = "",
    mask: bool = False,
    view: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """The portrait of a person: who it is, what is believed and from where, identities, consents, audiences.

    `view`: at a past instant by what was known then (events, attributes, definitions, who was one person), or by what
    is true of it, see `remembering.view_of`. `then` says who they were: `others` are one with them today and were not
    then; by what is true of then the events of all of them count. `moved_since`: they are not who they were then.
    `defined_later`: the tags that nobody had defined then; they stand as they began.
    """
    workspace.load()
    return shown_at(
        workspace, id, instant_of(workspace, as_of), view, mask=mask or not sees_personal(caller.role)
    )


def shown_at(workspace: Workspace, id: str, at: datetime, view: str, *, mask: bool) -> Json:
    """The portrait as of an instant."""
    ix = today = person_ix(workspace, id)
    tags = definitions.tags(workspace)
    columns = live(workspace)
    now = workspace.clock()
    seen = remembering.view_of(workspace, view, at, ix=ix)
    heard = at if seen == remembering.KNOWN and at < now else None
    was = remembering.who_then(workspace, id, ix, at, seen) if at < now else None
    moved = was is not None and (
        was.moved or (bool(was.unknown) and remembering.moved_since(workspace, ix, at))
    )
    person = remembering.whose(workspace, was) if was is not None and heard is not None else None
    past = columns is not None and (
        at < columns.as_of
        or (at < now and changed_after(workspace.engine, ix, at, now=now))
        or person is not None
    )
    if person is not None:
        ix = person.ix
    later: list[str] = []
    if heard is not None:
        tags, later = remembering.tags_then(workspace, tags, at)
    meant, graph = None, None
    if past or at < now:
        meant = belonging.named_at(workspace, at, then=heard is not None, person=person)
        graph = build(tags, meant.names.audience)
    named = {source.source_i: source.name for source in sources(workspace.records)}
    until = Until(at, true=heard is None)
    identities = (
        people.identities(workspace.engine, ix)
        if was is None or was.person is None
        else people.identities_then(workspace.engine, was.person.all_ids, until)
    )
    shown = portraits.portrait(
        workspace.engine,
        ix,
        tags=tags,
        columns=columns,
        now=at,
        graph=graph if past else None,
        catalog=meant.names if past and meant is not None else None,
        identities=identities,
        audiences=_audiences_of(workspace, ix)
        if at >= now or meant is None or graph is None
        else belonging.audiences_at(workspace, ix, at, named=meant, graph=graph, heard=heard, person=person),
        sources=named,
        personal=workspace.config.personal,
        mask=mask,
        coverage=_coverage(workspace, columns),
        past=past,
        heard=heard,
        person=person,
    )
    person_id = people.person_id(workspace.engine, ix)
    hide = hiding(workspace.config.personal, mask=mask)
    by_hand = giving.held_by_hand(workspace, ix, tags, now=at, hide=hide, person=person)
    for item in (item for part in shown["tags"] for item in part["tags"]):
        item["given"] = by_hand.get(item["key"])
        if item["given"] is not None:
            item |= {"as_of": item["given"]["at"], "expires_at": item["given"]["until"] or item["expires_at"]}
    (one,) = finding.rows(
        workspace.engine,
        [ix],
        now=at,
        personal=workspace.config.personal,
        mask=mask,
        mask_contact=mask,
    )
    if heard is not None:
        said = portraits.attributes(workspace.engine, ix, now=at, heard=heard, person=person)
        one |= finding.called_then(
            {item["name"]: item["value"] for item in said}, identities, workspace.config.personal, mask=mask
        )
    which = Which(until=at, heard=heard, person=person)
    return {
        "person": person_id,
        "today": people.person_id(workspace.engine, today),
        "as_of": at.isoformat(),
        "view": seen,
        "moved_since": moved,
        "defined_later": later,
        "header": _header(workspace, ix, person_id, tags, shown, named, which, one),
        **shown,
        "merges": _merges(workspace, ix, was.person if was is not None else None, mask=mask),
        "then": None if was is None else _then(workspace, id, today, was, until, view=seen, mask=mask),
    }


def _then(
    workspace: Workspace, id: str, ix: int, was: remembering.Who, until: Until, *, view: str, mask: bool
) -> Json:
    """Who they were at the instant, who else is one with them today, and whose the events were known to be.

    Of the `events` of today's person before the instant: `theirs` were known to be theirs, `others` somebody else's,
    and of `unheard` nobody had heard.
    """
    knew = (
        was
        if view == remembering.KNOWN
        else remembering.who_then(workspace, id, ix, until.at, remembering.KNOWN)
    )
    mine, binds = ("NULL::BOOLEAN", {}) if knew.person is None else knew.person.theirs()
    (counted,) = workspace.engine.read(
        "SELECT COUNT(*) AS events, COUNT(*) FILTER (NOT heard) AS unheard,"
        " CASE WHEN $told THEN COUNT(*) FILTER (heard AND theirs) END AS theirs,"
        " CASE WHEN $told THEN COUNT(*) FILTER (heard AND theirs IS NOT TRUE) END AS others"
        f" FROM (SELECT e.received_at <= $at AS heard, {mine} AS theirs FROM events AS e"
        " WHERE e.ix = $ix AND e.ts < $at)",
        {**binds, "ix": ix, "at": naive(until.at), "told": knew.person is not None},
    ).to_pylist()
    hide = hiding(workspace.config.personal, mask=mask)
    return {
        "known": not was.unknown,
        "unknown": was.unknown,
        "same": not was.moved,
        "events": counted,
        "others": [
            {
                "person": people.person_id(workspace.engine, one.ix) if one.known else None,
                "identities": [
                    portraits.identity(item, hide)
                    for item in people.identities_then(workspace.engine, one.all_ids, until)
                ],
            }
            for one in was.others
        ],
    }


def _coverage(workspace: Workspace, columns: Columns | None) -> dict[str, float]:
    everybody = 0 if columns is None else int(np.count_nonzero(columns.alive))
    if not everybody:
        return {}
    return {
        key: round(min(1.0, state.people / everybody), 6)
        for key, state in publish.applied(workspace.engine).items()
    }


def _header(
    workspace: Workspace,
    ix: int,
    person_id: str,
    tags: Mapping[str, Tag],
    shown: Json,
    named: Mapping[int, str],
    which: Which,
    row: Json,
) -> Json:
    """Who it is, at a glance: `row` says how they are called, `which` events are theirs."""
    at = which.until
    (seen,) = workspace.engine.read(
        "SELECT COUNT(*) AS events, MIN(ts) AS first, MAX(ts) AS last, ARG_MIN(source_i, ROW(ts, id)) AS source_i"
        f" FROM events AS e WHERE {' AND '.join(which.conditions())}",
        which.values(ix),
    ).to_pylist()
    values = {tag["key"]: tag for group in shown["tags"] for tag in group["tags"]}

    def main(what: str) -> Json | None:
        tag = main_tag(tags, MAIN[what], workspace.config.personal)
        found = None if tag is None else values.get(tag.key)
        return None if found is None else {name: found[name] for name in ("key", "titles", "value")}

    return {
        "name": row["name"],
        "id": row["id"],
        "contact": row["contact"],
        "stage": main("stage"),
        "value": main("value"),
        "place": main("place"),
        "first_source": None
        if seen["source_i"] is None
        else named.get(seen["source_i"], str(seen["source_i"])),
        "first_seen": None if seen["first"] is None else utc(seen["first"]).isoformat(),
        "last_seen": None if seen["last"] is None else utc(seen["last"]).isoformat(),
        "events": seen["events"],
        "messages": len(telling.until(telling.messages_of(workspace, person_id), at)),
        "consents": _consents(workspace, person_id, at),
    }


def _consents(workspace: Workspace, person_id: str, at: datetime) -> list[Json]:
    """What the person last said of each channel and class, and what stops messages; 'unknown' where nobody asked."""
    latest: dict[tuple[str, str, str], Json] = {}
    words = [word for word in ledger.of_person(workspace.records, person_id) if word.at < at]
    for word in words:
        latest.setdefault(
            (word.channel, word.message_class, word.address_hash),
            {
                "channel": word.channel,
                "class": word.message_class,
                "state": str(word.state),
                "at": word.at.isoformat(),
                "source": word.source,
                "proof": word.proof,
                "suppressed": "",
            },
        )
    with workspace.records.read() as connection:
        for (channel, message_class, address), item in latest.items():
            standing = ledger.standings(connection, channel, [address], message_class=message_class)
            item["suppressed"] = standing[address].suppressed if address in standing else ""
    asked = {channel for channel, _, _ in latest}
    silent = [
        {
            "channel": channel, "class": MARKETING, "state": "unknown", "at": None, "source": "", "proof": "",
            "suppressed": "",
        }
        for channel in KINDS
        if channel not in asked
    ]  # fmt: skip
    return [*latest.values(), *silent]


def _audiences_of(workspace: Workspace, ix: int) -> list[Json]:
    """The saved audiences whose last snapshot holds the person, and since when."""
    since = belonging.since_then(workspace, ix, workspace.clock())
    return [
        {
            "name": name,
            "titles": dict(item.title),
            "since": since[name].isoformat() if name in since else None,
            "by": belonging.SNAPSHOT,
            "definition": versions.TODAY,
        }
        for name, item in definitions.saved_audiences(workspace).items()
        if snapshot.state(workspace.engine, name) is not None
        and ix in snapshot.members(workspace.engine, name, workspace.paths.snapshots)
    ]


def _merges(workspace: Workspace, ix: int, person: Then | None, *, mask: bool) -> list[Json]:
    """The people who became part of this one: their outward ids, and the identifier that each began with.

    `person`: as of then, when only whose identifiers were theirs already had.
    """
    hide = workspace.config.personal if mask else ()
    part = "p.merged_into = $ix"
    if person is not None:
        part = "p.ix <> $ix AND i.i IN (SELECT UNNEST($ids::UINTEGER[]))"
    found = workspace.engine.read(
        "SELECT p.person_id, p.created_at, i.kind, i.value FROM persons AS p"
        f" LEFT JOIN identifiers AS i ON i.home = p.ix WHERE {part} ORDER BY p.created_at, p.ix",
        {"ix": ix if person is None else person.ix, "ids": [] if person is None else list(person.all_ids)},
    ).to_pylist()
    return [
        {
            "person": row["person_id"],
            "first_seen": utc(row["created_at"]).isoformat(),
            "id": finding.shown_id(row, hide),
        }
        for row in found
    ]
