"""Verbs of arriving: sources and their first event, the stream of events, what was set aside, who is who in numbers."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import islice

from sqlalchemy import text

from limner.accounts import keys
from limner.accounts.model import Source
from limner.errors import UsageError
from limner.events import arrivals
from limner.events.arrivals import Aside, Wanted
from limner.events.model import Counts
from limner.identity import overview, people
from limner.types import Json, Progress, utc
from limner.workspace.catalog import known
from limner.workspace.collecting import COUNTERS, counted
from limner.workspace.knowing import instant_of, person_ix
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.runs import done_schedules
from limner.workspace.schedule import moments
from limner.workspace.tick import Ticker
from limner.workspace.workspace import Workspace

LATELY = timedelta(days=7)
AT_ONCE = 1_000
"""So many calls are tried again by one record of the log."""

FOUND = 20
NEXT = 3


def source_list(workspace: Workspace) -> Json:
    """Each source with its counters: received = stored + duplicate + quarantined + rejected."""
    workspace.load()
    counts = counted(workspace)
    seen = arrivals.seen(workspace.engine)
    return {
        "sources": [
            _source(source, counts.get(source.source_i), seen.get(source.source_i))
            for source in keys.sources(workspace.records)
        ]
    }


def _source(source: Source, counts: dict[str, int] | None, seen: Json | None) -> Json:
    return {
        "name": source.name,
        "kind": source.kind,
        "key_tail": source.key_tail,
        "enabled": source.enabled,
        "created_at": source.created_at.isoformat(),
        **(counts or dict.fromkeys(COUNTERS, 0)),
        "first_event_at": seen["first"] if seen else None,
        "last_event_at": seen["last"] if seen else None,
    }


def source_check(workspace: Workspace, name: str) -> Json:
    """Whether a source's first event has come, how many there are, and what was refused lately and why."""
    workspace.load()
    source = _known(workspace, name)
    now = workspace.clock()
    counts = counted(workspace).get(source.source_i)
    seen = arrivals.seen(workspace.engine, source.source_i).get(source.source_i)
    refused = workspace.engine.read(
        "SELECT detail AS code, SUM(n)::BIGINT AS n FROM warnings WHERE source_i = $source_i AND code = 'rejected'"
        " GROUP BY detail ORDER BY n DESC, detail",
        {"source_i": source.source_i},
    )
    return {
        **_source(source, counts, seen),
        "received_first_event": seen is not None,
        "aside_lately": arrivals.reasons(
            workspace.engine, Aside(source_i=source.source_i, since=now - LATELY)
        ),
        "refused": refused.to_pylist(),
        "at": now.isoformat(),
    }


def source_enable(workspace: Workspace, name: str) -> Json:
    """The source's write key works again."""
    return _enabled(workspace, name, True)


def source_disable(workspace: Workspace, name: str) -> Json:
    """The source's write key works no more, within seconds; what it sent stays."""
    return _enabled(workspace, name, False)


def _enabled(workspace: Workspace, name: str, enabled: bool) -> Json:
    keys.enable_source(workspace.records, name, enabled)
    source = _known(workspace, name)
    seen = arrivals.seen(workspace.engine, source.source_i).get(source.source_i)
    return _source(source, counted(workspace).get(source.source_i), seen)


def _known(workspace: Workspace, name: str) -> Source:
    """The source. Raises NotFoundError with the nearest name."""
    found = {source.name: source for source in keys.sources(workspace.records)}
    return found[known(found, name, "source")]


def _names(workspace: Workspace) -> dict[int | None, str]:
    return {source.source_i: source.name for source in keys.sources(workspace.records)}


def event_list(
    workspace: Workspace,
    event: str = "",
    source: str = "",
    person: str = "",
    since: str = "",
    limit: int = 50,
    cursor: str = "",
    after: str = "",
) -> Json:
    """The latest events in the order in which they arrived, newest first; `after` asks what came since `newest`.

    `skipped`: so many more came since then than are shown.
    """
    workspace.load()
    size_of(limit)
    if cursor and after:
        raise UsageError("either 'cursor' or 'after'", where="after")
    wanted = Wanted(
        name=event,
        source_i=_known(workspace, source).source_i if source else None,
        ix=person_ix(workspace, person) if person else None,
        since=instant_of(workspace, since) if since else None,
    )
    end = arrivals.end(workspace.engine)
    below = _place(cursor, "cursor") if cursor else end + 1
    above = _place(after, "after") if after else -1
    found = arrivals.latest(
        workspace.engine, wanted, limit=limit + (0 if after else 1), below=below, above=above
    )
    shown, more = found[:limit], len(found) > limit
    skipped = 0
    if after and len(shown) == limit:
        skipped = arrivals.newer(workspace.engine, wanted, above=above) - len(shown)
    ids = people.person_ids(
        workspace.engine, sorted({row["ix"] for _, row in shown if row["ix"] is not None})
    )
    persons = dict(zip(ids.column("ix").to_pylist(), ids.column("person_id").to_pylist(), strict=True))
    names = _names(workspace)
    return {
        "events": [
            {
                "id": row["id"],
                "event": row["event"],
                "at": row["at"],
                "received_at": row["received_at"],
                "source": names.get(row["source_i"], ""),
                "person": persons.get(row["ix"]),
                "properties": row["properties"],
            }
            for _, row in shown
        ],
        "next": cursor_of(shown[-1][0]) if more else None,
        "newest": None if cursor else cursor_of(end),
        "skipped": skipped,
    }


def _place(cursor: str, where: str) -> int:
    (place,) = place_of(cursor, 1)
    if not isinstance(place, int):
        raise UsageError("this cursor was not given by this list", where=where, code="bad_cursor")
    return place


def event_names(workspace: Workspace) -> Json:
    """Every event name with its number, its first and last time, and how many came from each source."""
    workspace.load()
    names = _names(workspace)
    return {
        "names": [
            {
                "name": row["name"],
                "count": row["count"],
                "first_at": row["first"],
                "last_at": row["last"],
                "by_source": {names.get(i, ""): n for i, n in row["by"].items()},
            }
            for row in arrivals.names(workspace.engine)
        ]
    }


def event_quarantine(
    workspace: Workspace, code: str = "", source: str = "", limit: int = 50, cursor: str = ""
) -> Json:
    """Events that were set aside, newest first, each with its reason; and how many there are of each reason."""
    workspace.load()
    wanted = Aside(code=code, source_i=_known(workspace, source).source_i if source else None)
    after: tuple[int, str] | None = None
    if cursor:
        at, mark = place_of(cursor, 2)
        after = (int(at), str(mark))
    found = arrivals.aside(workspace.engine, wanted, limit=size_of(limit) + 1, after=after)
    shown = found[:limit]
    names = _names(workspace)
    files = _files(workspace)
    return {
        "events": [
            {
                "id": row["id"],
                "received_at": utc(row["received_at"]).isoformat(),
                "source": names.get(row["source_i"], ""),
                "code": row["code"],
                "path": row["path"],
                "message": row["message"],
                "raw": row["raw"],
                "file": None if row["origin"] is None else files.get(row["origin"].partition(":")[0], ""),
            }
            for row in shown
        ],
        "reasons": arrivals.reasons(workspace.engine, Aside(source_i=wanted.source_i)),
        "next": cursor_of(shown[-1]["micros"], shown[-1]["id"]) if len(found) > limit else None,
    }


def _files(workspace: Workspace) -> dict[str, str]:
    """The name under which each file was imported first, by its digest."""
    with workspace.records.read() as connection:
        rows = connection.execute(text("SELECT digest, name FROM imports ORDER BY at DESC")).all()
    return {row.digest: row.name for row in rows}


def quarantine_replay(
    workspace: Workspace,
    progress: Progress,
    ids: list[str] = [],  # noqa: B006 - never changed
    code: str = "",
    source: str = "",
) -> Json:
    """Tries calls that were set aside again: each is stored or found a duplicate now, or stays with its new reason.

    Rows of files stay: they come in when the file is imported again with a mapping that fits.
    """
    workspace.load()
    if any(not mark.isdigit() for mark in ids):
        raise UsageError("an id of the quarantine is a number", where="ids")
    wanted = Aside(code=code, source_i=_known(workspace, source).source_i if source else None, ids=tuple(ids))
    with workspace.runs.run("quarantine replay", code or source) as detail:
        chosen, files, conflicts = arrivals.again(workspace.engine, wanted)
        tried = 0
        became = Counts()
        marks = iter(chosen)
        while part := list(islice(marks, AT_ONCE)):
            with workspace.loader.paused():
                workspace.load()
                tried += workspace.loader.retry(part, batch=workspace.new_id(), now=workspace.clock())
                for loaded in workspace.loader.load_all():
                    if loaded.again:
                        for counts in loaded.counts.values():
                            became = became.plus(counts)
            progress("events tried again", tried, len(chosen))
        answer: Json = {
            "tried": tried,
            "stored": became.stored,
            "duplicate": became.duplicate,
            "stayed": tried + became.quarantined,
            "of_files": files,
            "conflicts": conflicts,
        }
        detail.update(answer)
    return answer


def identity_show(workspace: Workspace) -> Json:
    """How many people there are, by what they are known, what was found to be one person lately, what names nobody."""
    workspace.load()
    now = workspace.clock()
    blocked = workspace.engine.read(
        "SELECT detail AS value, SUM(n)::BIGINT AS n FROM warnings WHERE code = 'blocked_identity'"
        " GROUP BY detail ORDER BY n DESC, detail LIMIT $most",
        {"most": FOUND},
    )
    return {
        "people": people.alive(workspace.engine),
        **overview.numbers(workspace.engine),
        "links": overview.links(workspace.engine, since=now - timedelta(days=30)),
        "blocked": blocked.to_pylist(),
        "keys": list(workspace.config.strong_keys),
        "at": now.isoformat(),
    }


def schedule_list(workspace: Workspace) -> Json:
    """What is done by itself: when next, when last, and how that ended."""
    now = workspace.clock()
    done = done_schedules(workspace.records)
    with workspace.records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT what, subject, status, started_at, ended_at FROM runs WHERE (what, subject, started_at) IN"
                " (SELECT what, subject, MAX(started_at) FROM runs GROUP BY what, subject)"
            )
        ).all()
    last = {(row.what, row.subject): row for row in rows}
    listed = []
    for item in Ticker(workspace).schedules():
        row = last.get((item.what, item.subject))
        due = [at.isoformat() for at in islice(moments(item.cron, item.zone, now), NEXT)]
        listed.append(
            {
                "what": item.what,
                "subject": item.subject,
                "cron": item.cron,
                "zone": str(item.zone),
                "next": due,
                "done_at": done[item.key].isoformat() if item.key in done else None,
                "last_status": None if row is None else row.status,
                "last_at": None if row is None else keys.instant(row.ended_at or row.started_at).isoformat(),
            }
        )
    return {"schedules": sorted(listed, key=lambda item: item["next"][0])}


def alert_list(workspace: Workspace, limit: int = 50, cursor: str = "") -> Json:
    """What went wrong by itself, the latest first."""
    below = place_of(cursor, 1)[0] if cursor else None
    with workspace.records.read() as connection:
        rows = connection.execute(
            text(
                f"SELECT * FROM alerts {'WHERE id < :below' if cursor else ''} ORDER BY id DESC LIMIT :limit"
            ),
            {"limit": size_of(limit) + 1, **({"below": below} if cursor else {})},
        ).all()
    shown = rows[:limit]
    return {
        "alerts": [
            {
                "id": row.id,
                "at": keys.instant(row.at).isoformat(),
                "what": row.what,
                "detail": json.loads(row.detail),
            }
            for row in shown
        ],
        "next": cursor_of(shown[-1].id) if len(rows) > limit else None,
    }
