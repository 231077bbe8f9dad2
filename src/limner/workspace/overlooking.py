"""Verbs of overlooking: how the whole workspace does at one glance, and how it is set up."""

from __future__ import annotations

import dataclasses
import inspect
import json
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from functools import lru_cache
from math import gcd
from threading import Lock
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from sqlalchemy import text

from limner import __version__, config
from limner.accounts.keys import instant, micros, sources
from limner.accounts.model import LOCAL, Caller, Role, may
from limner.audiences import evaluate
from limner.campaigns import text as campaign_text
from limner.campaigns.model import Campaign
from limner.errors import LimnerError
from limner.expressions import parse, to_text
from limner.expressions.tree import Compare, Expr, Known, Name, Not, Text
from limner.feedback.receipts import FAILED, SENT
from limner.tags import catalogue, publish
from limner.tags import text as tag_text
from limner.tags.graph import build
from limner.tags.masking import hides, hiding
from limner.tags.model import Tag
from limner.touches import entries
from limner.touches.model import Entry
from limner.types import Json, ValueType, naive, utc
from limner.workspace import definitions, holding, knowing, reaching, realtime
from limner.workspace.catalog import WorkspaceCatalog
from limner.workspace.schedule import moments
from limner.workspace.workspace import Workspace

DAYS = 30
HOURS = 24
WEEK = timedelta(days=7)
FRESH = timedelta(seconds=30)
"""Counts of people are taken again when they are older than this and something was written since, or tags were
published; and in any case when they are ten times as old."""

MOST_REPORTS = 5
MOST_CLASSES = 8

NEW = "first did * in last 7 days"
ACTIVE = f"did * in last 30 days where event not in ('{SENT}', '{FAILED}')"
"""Whoever did something: that a message was sent to somebody is not their doing."""

_STAGE = ("life", "stage", "阶段", "生命")
_WORTH = ("value", "worth", "loyal", "rfm", "tier", "价值", "忠诚", "层级", "等级")


def overview(workspace: Workspace, caller: Caller = LOCAL) -> Json:
    """How it goes: is data flowing, are tags fresh, who are our people, what did messages change, what needs me."""
    now = workspace.clock()
    defined = _readable(workspace)
    names = definitions.catalog(workspace)
    states = _states(workspace, defined, names, now)
    return {
        "as_of": now.isoformat(),
        "zone": workspace.config.zone,
        "started": _started(workspace),
        "data": _data(workspace, now),
        "tags": _tags(workspace, defined, states, now),
        "people": _kept(workspace, "people", now, lambda: _people(workspace, defined, names, now)),
        "messages": _kept(workspace, "messages", now, lambda: _messages(workspace, now)),
        "needs": _needs(workspace, states, now, caller),
    }


def _started(workspace: Workspace) -> bool:
    """Whether anything at all was ever received."""
    return bool(workspace.engine.read("SELECT 1 FROM events LIMIT 1").num_rows)


# What costs something is kept for a short while, and says as of when it is.

_State = tuple[int, int]
_answers: WeakKeyDictionary[Workspace, dict[str, tuple[_State, datetime, Json]]] = WeakKeyDictionary()
_lock = Lock()


def _kept(workspace: Workspace, what: str, now: datetime, make: Callable[[], Json]) -> Json:
    published = publish.current(workspace.engine)
    state = (0 if published is None else published.epoch, workspace.engine.version)
    with _lock:
        found = _answers.setdefault(workspace, {}).get(what)
    if found is not None:
        before, at, answer = found
        age = now - at
        if before[0] == state[0] and timedelta(0) <= age < (10 * FRESH if before == state else FRESH):
            return answer
    answer = {**make(), "as_of": now.isoformat()}
    with _lock:
        _answers[workspace][what] = (state, now, answer)
    return answer


# Is data flowing?


def _data(workspace: Workspace, now: datetime) -> Json:
    health = workspace.health()
    zone = workspace.config.tz
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=n) for n in reversed(range(DAYS))]
    starts = [utc(datetime.combine(day, time(), zone)) for day in days]
    by_day = _buckets(workspace, "ts", starts, now)
    first_hour = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    hours = [first_hour + timedelta(hours=n) for n in range(HOURS)]
    by_hour = _buckets(workspace, "received_at", hours, now)
    values = {"since": naive(now - timedelta(days=DAYS)), "day": naive(now - timedelta(days=1))}
    last = _by_source(
        workspace,
        "SELECT source_i, MAX(received_at) AS value FROM events WHERE received_at >= $since GROUP BY source_i",
        values,
    )
    aside = _by_source(
        workspace,
        "SELECT source_i, COUNT(*) AS value FROM quarantine WHERE received_at >= $day GROUP BY source_i",
        values,
    )
    taken = _by_source(
        workspace,
        "SELECT source_i, COUNT(*) AS value FROM events WHERE received_at >= $day GROUP BY source_i",
        values,
    )
    received = sum(taken.values()) + sum(aside.values())
    listed = [
        {
            "name": source.name,
            "kind": source.kind,
            "enabled": source.enabled,
            "days": by_day.get(source.source_i, [0] * DAYS),
            "events": sum(by_day.get(source.source_i, ())),
            "received_24h": taken.get(source.source_i, 0) + aside.get(source.source_i, 0),
            "quarantined_24h": aside.get(source.source_i, 0),
            "last_received_at": _iso(last.get(source.source_i)),
        }
        for source in sources(workspace.records)
    ]
    listed.sort(key=lambda item: (-item["events"], item["name"]))
    return {
        "healthy": health["healthy"],
        "behind": health["behind"],
        "problem": health["load_error"] or health["log"]["reason"],
        "last_received_at": _iso(max(last.values(), default=None)),
        "days": _summed(by_day.values(), DAYS),
        "days_from": days[0].isoformat(),
        "hours": _summed(by_hour.values(), HOURS),
        "hours_from": hours[0].isoformat(),
        "events": sum(map(sum, by_day.values())),
        "received_24h": received,
        "quarantined_24h": sum(aside.values()),
        "quarantined_share": sum(aside.values()) / received if received else None,
        "sources": listed,
    }


def _buckets(
    workspace: Workspace, column: str, starts: Sequence[datetime], end: datetime
) -> dict[int | None, list[int]]:
    """How many events of each source lie in each period that begins at one of `starts`; the last ends at `end`."""
    seconds = [int(start.timestamp()) for start in starts]
    grain = 3600
    for second in seconds:
        grain = gcd(grain, second)
    rows = workspace.engine.read(
        f"SELECT source_i, epoch_us({column}) // {grain * 1_000_000} AS at, COUNT(*) AS n FROM events"
        f" WHERE {column} >= $first AND {column} < $end GROUP BY ALL",
        {"first": naive(starts[0]), "end": naive(end)},
    )
    found: dict[int | None, list[int]] = {}
    place = {}
    bucket = 0
    for at in range(seconds[0] // grain, int(end.timestamp()) // grain + 1):
        while bucket + 1 < len(seconds) and seconds[bucket + 1] <= at * grain:
            bucket += 1
        place[at] = bucket
    for source_i, at, n in zip(*(rows.column(i).to_pylist() for i in range(3)), strict=True):
        found.setdefault(source_i, [0] * len(starts))[place[at]] += n
    return found


def _by_source(workspace: Workspace, sql: str, values: Mapping[str, Any]) -> dict[int | None, Any]:
    found = workspace.engine.read(sql, values)
    return dict(zip(found.column(0).to_pylist(), found.column(1).to_pylist(), strict=True))


def _summed(rows: Iterable[Sequence[int]], length: int) -> list[int]:
    total = [0] * length
    for row in rows:
        total = [a + b for a, b in zip(total, row, strict=True)]
    return total


def _iso(at: datetime | None) -> str | None:
    return None if at is None else utc(at).isoformat()


# Are tags fresh?


def _tags(workspace: Workspace, defined: Mapping[str, Tag], states: Mapping[str, str], now: datetime) -> Json:
    applied = publish.applied(workspace.engine)
    counted = {state: sorted(key for key, found in states.items() if found == state) for state in _STATES}
    stale = [*counted["expired"], *counted["changed"]]
    last = _last_run(workspace)
    failed = _failed(workspace, defined)
    oldest = min((applied[key].as_of for key in defined if key in applied), default=None)
    refresh = workspace.config.refresh
    return {
        "total": len(defined),
        "fresh": len(counted["applied"]),
        "stale": len(stale),
        "waiting": len(counted["new"]),
        "failed": len(failed),
        "removed": len(counted["removed"]),
        "stale_keys": stale[:20],
        "failed_keys": failed[:20],
        "last_run": last,
        "oldest": None if oldest is None else oldest.isoformat(),
        "next_run": next(iter(moments(refresh, workspace.config.tz, now))).isoformat() if refresh else None,
        "behind": _behind(workspace),
    }


def _behind(workspace: Workspace) -> Json | None:
    """How far the tags are behind the events, how long the latest events took; None before the first run."""
    fresh = realtime.freshness(workspace)
    if fresh is None:
        return None
    latency = None if workspace.realtime is None else workspace.realtime.latency
    return {
        "seconds": fresh.age,
        "events": fresh.events,
        "measured": 0 if latency is None else latency.events,
        "median": None if latency is None else latency.median,
        "p95": None if latency is None else latency.p95,
    }


_STATES = ("applied", "expired", "changed", "new", "removed")


def _states(
    workspace: Workspace, defined: Mapping[str, Tag], names: WorkspaceCatalog, now: datetime
) -> dict[str, str]:
    try:
        fingerprints: Mapping[str, str] = build(defined, names.audience).fingerprints
    except LimnerError:
        fingerprints = {}  # what is wrong stands among what needs somebody
    found = catalogue.entries(
        defined, publish.applied(workspace.engine), None, fingerprints=fingerprints, now=now
    )
    return {item.key: item.state for item in found}


def _readable(workspace: Workspace) -> dict[str, Tag]:
    """Every tag file that can be read; the others stand among the problems."""
    found = {}
    for path in sorted((workspace.paths.folder / "tags").glob("*.yml")):
        try:
            found[path.stem] = tag_text.read(path.read_text(encoding="utf-8"), path.stem)
        except (LimnerError, UnicodeDecodeError):
            continue
    return definitions.in_groups(workspace, found)[0]


def _last_run(workspace: Workspace) -> Json | None:
    with workspace.records.read() as connection:
        row = connection.execute(
            text(
                "SELECT status, started_at, ended_at FROM runs WHERE what = 'tag run'"
                " ORDER BY started_at DESC LIMIT 1"
            )
        ).first()
    if row is None:
        return None
    return {
        "status": row.status,
        "started_at": instant(row.started_at).isoformat(),
        "ended_at": None if row.ended_at is None else instant(row.ended_at).isoformat(),
    }


def _failed(workspace: Workspace, defined: Mapping[str, Tag]) -> list[str]:
    """The tags whose last run failed."""
    with workspace.records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT subject, status FROM runs WHERE what = 'tag run' AND status IN ('done', 'failed')"
                " ORDER BY started_at DESC LIMIT 200"
            )
        ).all()
    ended: dict[str, str] = {}
    for subject, status in rows:
        for key in subject.split(", ") if subject else defined:
            ended.setdefault(key, status)
    return sorted(key for key in defined if ended.get(key) == "failed")


# Who are our people?


def _people(workspace: Workspace, defined: Mapping[str, Tag], names: WorkspaceCatalog, now: datetime) -> Json:
    total = workspace.engine.read(f"SELECT COUNT(*) FROM ({publish.ALIVE})").column(0)[0].as_py()
    return {
        "total": total,
        "new": _counted(workspace, NEW, names, now),
        "active": _counted(workspace, ACTIVE, names, now),
        "classes": _classes(workspace, defined, now),
    }


def _counted(workspace: Workspace, where: str, names: WorkspaceCatalog, now: datetime) -> Json:
    """How many people the condition holds, with the condition that leads to them."""
    people = evaluate.count(parse(where), engine=workspace.engine, catalog=names, columns=None, as_of=now)
    return {"where": where, "people": people}


def _classes(workspace: Workspace, defined: Mapping[str, Tag], now: datetime) -> list[Json]:
    """The tags that divide people into few classes: first those that speak of a stage in life, or of worth."""
    columns = knowing.live(workspace)
    if columns is None:
        return []
    found: list[Json] = []
    for wanted in (_WORTH, _STAGE):
        fitting = [
            (rank, tag)
            for tag in defined.values()
            if (rank := _speaks_of(tag, wanted)) and tag.type is ValueType.TEXT and tag.key in columns
            if not hides(tag, hiding(workspace.config.personal, mask=True))
        ]
        for _, tag in sorted(fitting, key=lambda item: (-item[0], item[1].key)):
            counts = catalogue.distribution(tag.key, columns, now=now, most=MOST_CLASSES)
            if any(item.rest for item in counts) or not any(item.people for item in counts[1:]):
                continue
            if tag.key not in {item["tag"] for item in found}:
                found.append(_class(workspace, tag, counts))
                break
    return found


def _speaks_of(tag: Tag, words: Sequence[str]) -> int:
    """How plainly the tag's key, category or titles say it; what a rule concludes comes before what was told."""
    said = (tag.key, *tag.category, *tag.title.values())
    hits = sum(any(word in part.lower() for word in words) for part in said)
    return 0 if not hits else 2 * hits + (tag.method == "rule")


def _class(workspace: Workspace, tag: Tag, counts: Sequence[catalogue.Count]) -> Json:
    applied = publish.applied(workspace.engine).get(tag.key)
    everybody = sum(item.people for item in counts)
    order: dict[Any, int] = {value: place for place, value in enumerate(tag.named)}
    shown = sorted(
        counts,
        key=lambda item: (item.unknown, order.get(item.value, len(order)) if item.value else 0, -item.people),
    )
    values = []
    for item in shown:
        condition: Expr = (
            Not(Known(Name(tag.key))) if item.unknown else Compare(Name(tag.key), "=", Text(item.value))
        )
        values.append(
            {
                "value": None if item.unknown else item.value,
                "people": item.people,
                "share": item.people / everybody if everybody else 0.0,
                "where": to_text(condition),
            }
        )
    return {
        "tag": tag.key,
        "titles": dict(tag.title),
        "nature": str(tag.nature),
        "as_of": None if applied is None else applied.as_of.isoformat(),
        "values": values,
    }


# What did messages change this week?


def _messages(workspace: Workspace, now: datetime) -> Json:
    lately = [
        item
        for item in entries.entries(workspace.records)
        if item.ended_at is None or item.ended_at >= now - 2 * WEEK or _counting(item, now)
    ]
    sent, before = 0, 0
    for item in lately:
        sent += _sent(workspace, item, now - WEEK, now)
        before += _sent(workspace, item, now - 2 * WEEK, now - WEEK)
    measured = [item for item in lately if _counting(item, now)]
    return {
        "sent": sent,
        "sent_before": before,
        "reports": [_report(workspace, item, now) for item in measured[:MOST_REPORTS]],
        "more": max(0, len(measured) - MOST_REPORTS),
    }


@lru_cache(maxsize=256)
def _campaign(name: str, definition: str) -> Campaign | None:
    """The campaign as it was launched; None when its text is of another time and cannot be read."""
    try:
        return campaign_text.read(definition, name=name, file=f"campaigns/{name}.yml")
    except LimnerError:
        return None


def _counting(item: Entry, now: datetime) -> bool:
    """Whether some of the time in which the entry's goal counts lay in the last seven days."""
    found = _campaign(item.campaign, item.definition)
    goal = None if found is None else found.goal
    return goal is not None and item.started_at + goal.within >= now - WEEK


def _sent(workspace: Workspace, item: Entry, start: datetime, end: datetime) -> int:
    with workspace.records.read() as connection:
        return int(
            connection.execute(
                text(
                    "SELECT COUNT(*) FROM touches WHERE campaign = :campaign AND entry = :entry"
                    " AND status = 'sent' AND done_at >= :start AND done_at < :end"
                ),
                {
                    "campaign": item.campaign,
                    "entry": item.entry,
                    "start": micros(start),
                    "end": micros(end),
                },
            ).scalar_one()
        )


def _report(workspace: Workspace, item: Entry, now: datetime) -> Json:
    """What the entry has changed so far: incremental with its interval, or why nothing can be said."""
    found = _campaign(item.campaign, item.definition)
    shown: Json = {
        "campaign": item.campaign,
        "entry": item.entry,
        "titles": {} if found is None else dict(found.title),
        "status": item.status,
        "started_at": item.started_at.isoformat(),
        "until": now.isoformat(),
        "sent": 0,
        "verdict": "failed",
        "treated": None,
        "held_out": None,
        "incremental": None,
        "money": None,
    }
    try:
        report = reaching.campaign_report(workspace, item.campaign, item.entry)
    except LimnerError:
        return shown
    changed, money, converted = report["incremental"], report["money"], report["converted"]
    return {
        **shown,
        "until": report["until"] or shown["until"],
        "sent": report["sent"],
        "verdict": _verdict(report),
        "treated": _arm(converted["treated"]),
        "held_out": _arm(converted["held_out"]),
        "incremental": None
        if changed is None
        else {"value": changed["conversions"], "low": changed["low"], "high": changed["high"]},
        "money": None
        if money is None
        else {"value": money["total"], "low": money["low"], "high": money["high"]},
    }


def _verdict(report: Json) -> str:
    """What can be said of the difference: more, fewer, unclear, not_enough or no_holdout."""
    changed = report["incremental"]
    if changed is None:
        return "not_enough" if report["converted"]["held_out"]["n"] else "no_holdout"
    if changed["low"] > 0:
        return "more"
    return "fewer" if changed["high"] < 0 else "unclear"


def _arm(converted: Json) -> Json:
    return {"n": converted["n"], "k": converted["k"]}


# What needs me?


def _needs(workspace: Workspace, states: Mapping[str, str], now: datetime, caller: Caller) -> list[Json]:
    """What somebody must look at, the worst first: {kind, weight, n, subjects, at, note}."""
    health = workspace.health()
    found: list[Json] = []
    if not health["healthy"]:
        note = health["load_error"] or health["log"]["reason"] or ""
        found.append(_need("unhealthy", "danger", note=str(note)))
    wrong = definitions.problems(workspace)
    if wrong:
        places = [str(item["where"] or "") for item in wrong]
        found.append(_need("problems", "danger", n=len(wrong), subjects=places, note=wrong[0]["message"]))
    found += _failed_runs(workspace, now)
    found += _halted(workspace)
    found += _approvals(workspace, caller)
    found += _aside(workspace, now)
    for kind, state in (("expired_tags", "expired"), ("changed_tags", "changed"), ("new_tags", "new")):
        keys = sorted(key for key, found_state in states.items() if found_state == state)
        if keys:
            weight = "notice" if kind == "new_tags" else "warn"
            found.append(_need(kind, weight, n=len(keys), subjects=keys))
    return sorted(found, key=lambda item: ("danger", "warn", "notice").index(item["weight"]))


def _need(
    kind: str,
    weight: str,
    *,
    n: int = 1,
    subjects: Sequence[str] = (),
    at: datetime | None = None,
    note: str = "",
) -> Json:
    return {
        "kind": kind,
        "weight": weight,
        "n": n,
        "subjects": list(subjects[:5]),
        "at": None if at is None else at.isoformat(),
        "note": note,
    }


def _failed_runs(workspace: Workspace, now: datetime) -> list[Json]:
    """Work of the last week that failed and has not gone well since."""
    with workspace.records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT what, subject, started_at, detail FROM runs AS r WHERE status = 'failed'"
                " AND started_at >= :since AND NOT EXISTS (SELECT 1 FROM runs AS later WHERE later.what = r.what"
                " AND later.subject = r.subject AND later.started_at > r.started_at)"
                " ORDER BY started_at DESC"
            ),
            {"since": micros(now - WEEK)},
        ).all()
    if not rows:
        return []
    note = str(json.loads(rows[0].detail).get("error", ""))
    return [
        _need(
            "failed_runs",
            "danger",
            n=len(rows),
            subjects=[f"{row.what} {row.subject}".strip() for row in rows],
            at=instant(rows[0].started_at),
            note=note,
        )
    ]


def _halted(workspace: Workspace) -> list[Json]:
    """Sendings that were stopped, or stopped or held themselves, while people were waiting."""
    found = [
        item
        for status in ("paused", "stopped")
        for item in entries.entries(workspace.records, status=status)
        if entries.counts(workspace.records, item.campaign, item.entry).waiting
    ]
    held = holding.hold_list(workspace)["holds"]
    return [
        _need(
            "halted",
            "warn",
            subjects=[item.campaign],
            at=item.ended_at or item.started_at,
            note=item.reason,
        )
        for item in found
    ] + [
        _need(
            "halted",
            "warn",
            subjects=[row["name"]],
            at=datetime.fromisoformat(row["since"]),
            note=row["reason"],
        )
        for row in held
    ]


def _approvals(workspace: Workspace, caller: Caller) -> list[Json]:
    """What waits for a second pair of eyes; nobody decides about what they asked for themselves."""
    if not may(caller.role, Role.OPERATOR):
        return []
    with workspace.records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT subject, asked_at FROM approvals WHERE decided_at IS NULL AND asked_by <> :me"
                " ORDER BY asked_at"
            ),
            {"me": caller.id},
        ).all()
    if not rows:
        return []
    return [
        _need(
            "approvals",
            "warn",
            n=len(rows),
            subjects=[row.subject for row in rows],
            at=instant(rows[0].asked_at),
        )
    ]


def _aside(workspace: Workspace, now: datetime) -> list[Json]:
    """Events of the last day that were set aside."""
    row = workspace.engine.read(
        "SELECT COUNT(*) AS n, MAX(received_at) AS at, MODE(code) AS code FROM quarantine"
        " WHERE received_at >= $day",
        {"day": naive(now - timedelta(days=1))},
    ).to_pylist()[0]
    if not row["n"]:
        return []
    return [_need("quarantine", "warn", n=row["n"], at=utc(row["at"]), note=row["code"])]


# How it is set up


SECTIONS = (("", config.Config), *config.SECTIONS.items())


def settings_show(workspace: Workspace) -> Json:
    """Every setting of limner.toml with its meaning; of secrets only whether they are there."""
    return {
        "file": config.FILE,
        "version": __version__,
        "python": platform.python_version(),
        "sections": [
            {
                "name": name,
                "doc": inspect.getdoc(kind) or "",
                "settings": _settings(getattr(workspace.config, name) if name else workspace.config),
            }
            for name, kind in SECTIONS
        ],
    }


def _settings(section: Any) -> list[Json]:
    return [
        {
            "key": item.name,
            "value": _shown(item.name, getattr(section, item.name)),
            "default": _shown(item.name, item.default),
            "set": getattr(section, item.name) != item.default,
            "doc": item.metadata["doc"],
            "secret": _kept_secret(item.name, getattr(section, item.name)),
        }
        for item in dataclasses.fields(section)
        if "doc" in item.metadata
    ]


def _shown(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(value)
    if key == "alert_webhook" and value:
        parts = urlsplit(value)  # its path and query may be what lets one in
        return f"{parts.scheme}://{parts.hostname or ''}/…"
    return str(value)


def _kept_secret(key: str, value: str) -> str:
    """Whether the secret that the setting names is there: given, missing, or '' for what names none."""
    if not key.endswith("_env") or not value:
        return ""
    return "given" if config.flag(value) else "missing"
