"""The verb of the calendar: every send of some days, past and to come, beside scenes and quiet days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from limner.accounts.keys import micros
from limner.campaigns import positions
from limner.campaigns.journey import WhenDue, sends_of
from limner.campaigns.policy import once_at
from limner.campaigns.positions import RUNNING
from limner.errors import LimnerError, UsageError
from limner.touches import entries
from limner.types import Json
from limner.workspace import definitions, policing, scenes
from limner.workspace.schedule import moments
from limner.workspace.workspace import Workspace

MOST_DAYS = 93
TIMES = 4
"""So many times of one day are told of one campaign; how many there are is told in any case."""
MOST_TIMES = 1_000


def calendar(workspace: Workspace, start: str = "", days: int = 42) -> Json:
    """Every send of `days` days from `start` (default: this week's Monday) on, on the workspace's calendar.

    `sends`: by day and campaign or journey, the first times and how many there are (at most 1,000 of one campaign are
    looked at). `state`: sent, scheduled, missed (its moment passed without it), outside (its scene's dates) or idle
    (a journey that does not run). `scenes` lie over these days; `holidays` and `quiet_hours` are the policy's.
    """
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"'days' is 1 to {MOST_DAYS}", where="days", code="out_of_range")
    zone, now = workspace.config.tz, workspace.clock()
    today = now.astimezone(zone).date()
    try:
        first = date.fromisoformat(start) if start else today - timedelta(days=today.weekday())
        last = first + timedelta(days=days - 1)
    except (ValueError, OverflowError):
        raise UsageError(f"'{start}' is no day", where="start", hint="2026-04-01", code="bad_time") from None
    begins, ends = _midnight(workspace, first), _midnight(workspace, last + timedelta(days=1))
    found: dict[tuple[date, str, str, str], Json] = {}
    for kind, name, titles, scene, channels, at, state in (
        *_sent(workspace, begins, ends),
        *_scheduled(workspace, begins, ends, now),
        *_of_journeys(workspace, begins, ends, now),
    ):
        local = at.astimezone(zone)
        row = found.setdefault(
            (local.date(), kind, name, state),
            {
                "day": local.date().isoformat(), "kind": kind, "name": name, "titles": titles, "scene": scene,
                "channels": channels, "state": state, "times": [], "n": 0,
            },
        )  # fmt: skip
        row["n"] += 1
        if len(row["times"]) < TIMES:
            row["times"].append(local.strftime("%H:%M"))
    rows = sorted(found.values(), key=lambda row: (row["day"], row["times"][0], row["name"], row["state"]))
    rules = policing.policy(workspace)
    return {
        "from": first.isoformat(),
        "until": last.isoformat(),
        "today": today.isoformat(),
        "zone": workspace.config.zone,
        "sends": rows,
        "scenes": [
            {
                "name": name,
                "titles": dict(item.title),
                "from": None if item.first is None else item.first.isoformat(),
                "until": None if item.last is None else item.last.isoformat(),
            }
            for name, (item, _) in definitions.scene_files(workspace).items()
            if item is not None
            and (item.first is not None or item.last is not None)
            and (item.first is None or item.first <= last)
            and (item.last is None or item.last >= first)
        ],
        "holidays": [
            {"from": max(one.first, first).isoformat(), "until": min(one.last, last).isoformat()}
            for one in rules.holidays
            if one.first <= last and one.last >= first
        ],
        "quiet_hours": None
        if rules.quiet is None
        else [rules.quiet.start.strftime("%H:%M"), rules.quiet.end.strftime("%H:%M")],
    }


Send = tuple[str, str, Json, str, list[str], datetime, str]
"""kind, name, titles, scene, channels, when, state."""


def _midnight(workspace: Workspace, day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=workspace.config.tz).astimezone(UTC)


def _sent(workspace: Workspace, begins: datetime, ends: datetime) -> Iterator[Send]:
    """The sendings of campaigns that were begun in this time."""
    known = definitions.campaign_files(workspace)
    for entry in entries.entries(workspace.records):
        if begins <= entry.started_at < ends:
            item = known.get(entry.campaign, (None, None))[0]
            titles = dict(item.title) if item else {}
            channels = [item.channel] if item else []
            scene = item.scene if item else ""
            yield "campaign", entry.campaign, titles, scene, channels, entry.started_at, "sent"


def _scheduled(workspace: Workspace, begins: datetime, ends: datetime, now: datetime) -> Iterator[Send]:
    """What campaigns' schedules say of the time to come, and single moments that passed without a sending."""
    zone = workspace.config.tz
    begun: dict[str, set[str]] = {}
    for entry in entries.entries(workspace.records):
        begun.setdefault(entry.campaign, set()).add(entry.entry)
    for name, (item, _) in definitions.campaign_files(workspace).items():
        if item is None or not item.schedule:
            continue
        told = ("campaign", name, dict(item.title), item.scene, [item.channel])
        once = once_at(item.schedule, zone)
        if once is not None:
            if not begins <= once < ends or once.strftime("%Y%m%dT%H%M%SZ") in begun.get(name, ()):
                continue
            state = "missed" if once <= now else _state(workspace, item.scene, once)
            yield *told, once, state
            continue
        for at in _moments(workspace, item.schedule, max(now, begins), ends):
            yield *told, at, _state(workspace, item.scene, at)


def _of_journeys(workspace: Workspace, begins: datetime, ends: datetime, now: datetime) -> Iterator[Send]:
    """When journeys that go by a schedule take people in."""
    running = {item.journey: item.status for item in positions.running(workspace.records)}
    for name, (journey, _) in definitions.journey_files(workspace).items():
        if journey is None or not isinstance(journey.start, WhenDue):
            continue
        channels = sorted({send.channel for send in sends_of(journey)})
        for at in _moments(workspace, journey.start.schedule, max(now, begins), ends):
            state = _state(workspace, journey.scene, at)
            if state == "scheduled" and running.get(name) != RUNNING:
                state = "idle"
            yield "journey", name, dict(journey.title), journey.scene, channels, at, state


def _moments(workspace: Workspace, schedule: str, since: datetime, ends: datetime) -> Iterator[datetime]:
    """The moments of a schedule after an instant and before another; a schedule that cannot be read has none."""
    # A moment that is exactly `since` has not been yet.
    before = since - timedelta(microseconds=micros(since) % 1_000_000 or 1)
    try:
        for number, at in enumerate(moments(schedule, workspace.config.tz, before)):
            if at >= ends or number >= MOST_TIMES:
                return
            if at >= since:
                yield at
    except LimnerError:
        return


def _state(workspace: Workspace, scene: str, at: datetime) -> str:
    try:
        found = scenes.of(workspace, scene)
    except LimnerError:
        return "outside"
    return "outside" if found is not None and scenes.outside(workspace, found, at) else "scheduled"
