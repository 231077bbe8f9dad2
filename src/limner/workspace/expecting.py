"""Verbs of what a journey may tell: how long until its holdout shows an effect, and how its people moved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

import numpy as np
import pyarrow as pa

from limner.accounts.keys import micros
from limner.audiences import evaluate
from limner.audiences import model as audience_files
from limner.bitmap import Bitmap
from limner.campaigns import journey_text, positions, power
from limner.campaigns.journey import Journey, WhenDated, WhenDone, WhenDue, WhenMember
from limner.campaigns.positions import NOBODY, Called
from limner.errors import NotFoundError, UsageError
from limner.expressions import tree as t
from limner.feedback import effects
from limner.feedback import report as reports
from limner.tags.graph import build
from limner.types import Json, ValueType, utc
from limner.workspace import definitions, journeying, journeys, knowing, reaching
from limner.workspace.catalog import known
from limner.workspace.schedule import moments
from limner.workspace.walking import Here
from limner.workspace.workspace import Workspace

WEEK = timedelta(days=7)
SEEN = 8
"""So many weeks of history, or of dates that lie ahead, are looked at."""
LEAST = 2
MOST = 104
"""Longer than so many weeks nobody waits for an answer."""


@dataclass(frozen=True)
class Entrants:
    """Who would have entered in how many weeks. `past`: whether it is history, so that what they did then is known."""

    called: Called = NOBODY
    weeks: int = 0
    past: bool = True
    reason: str = ""


def journey_power(workspace: Workspace, name: str, effect: float = 0.02, text: str = "") -> Json:
    """How many would enter a week, and after how many weeks the holdout tells a rise of the goal's share by `effect`.

    Found in 80 % of all trials at 95 % confidence. The share without it is that of those who would have entered in the
    last weeks, each within the goal's time. `reason`: why something of it cannot be said. `text`: else the file's.
    """
    if not 0 < effect <= 1:
        raise UsageError("'effect' is a share over 0, up to 1", where="effect", code="out_of_range")
    workspace.load()
    journey = journey_text.read(text, name) if text else journeys.saved(workspace, name)
    journey = definitions.aimed(workspace, journey)
    found = _entrants(workspace, journey)
    people = len(set(found.called.people))
    answer: Json = {
        "name": name,
        "weeks_seen": found.weeks,
        "entered": people,
        "per_week": None,
        "baseline": None,
        "effect": effect,
        "holdout": journey.holdout,
        "weeks": None,
        "reason": found.reason or None,
    }
    if found.reason:
        return answer
    if not people:
        return {**answer, "reason": "few_people"}
    per_week = people / found.weeks
    answer |= {"per_week": per_week}
    if journey.goal is None:
        return {**answer, "reason": "no_goal"}
    if not found.past:
        return {**answer, "reason": "no_record"}
    arm = _converted(workspace, journey, found)
    if arm.n < power.ENOUGH or arm.k < power.ENOUGH:
        return {**answer, "reason": "few_people" if arm.n < power.ENOUGH else "few_conversions"}
    baseline = arm.k / arm.n
    answer |= {"baseline": baseline}
    last: power.Shows | power.ShowsNothing | None = None
    for weeks in range(1, MOST + 1):
        entered = round(per_week * weeks)
        out = round(entered * journey.holdout)
        last = power.smallest_difference(entered - out, out, baseline)
        if isinstance(last, power.Shows) and last.difference <= effect:
            return {**answer, "weeks": weeks + math.ceil(journey.goal.within / WEEK)}
    reason = "nobody_held_out" if journey.holdout == 0 else "too_long"
    return {**answer, "reason": reason}


def _entrants(workspace: Workspace, journey: Journey) -> Entrants:
    """Who would have entered lately; of dates that move on when somebody renews, who will."""
    now = workspace.clock()
    first = workspace.engine.read("SELECT MIN(ts) AS first FROM events").column("first")[0].as_py()
    weeks = 0 if first is None else min(SEEN, int((now - utc(first)) / WEEK))
    if isinstance(journey.start, WhenDated) and not journey.start.yearly:
        ahead = Here(workspace, now + SEEN * WEEK)
        return Entrants(_only(workspace, journey, ahead.dated(journey.start, then=now)), SEEN, past=False)
    if isinstance(journey.start, WhenDue):
        return _on_schedule(workspace, journey, journey.start, now, weeks)
    if weeks < LEAST:
        return Entrants(weeks=weeks, reason="short_history")
    since = now - weeks * WEEK
    here = Here(workspace, now)
    match journey.start:
        case WhenDone(happening):
            return Entrants(
                _only(workspace, journey, here.did(happening, after=-1, since=since, then=since)), weeks
            )
        case WhenDated():
            return Entrants(_only(workspace, journey, here.dated(journey.start, then=since)), weeks)
        case WhenMember(audience, inwards):
            if not _historical(workspace, audience):
                return Entrants(weeks=weeks, reason="no_record")
            people: list[str] = []
            at: list[int] = []
            before = members_then(workspace, audience, since)
            for number in range(1, weeks + 1):
                moment = since + number * WEEK
                there = members_then(workspace, audience, moment)
                new = here.ids(there - before if inwards else before - there)
                people += new
                at += [micros(moment)] * len(new)
                before = there
            return Entrants(_only(workspace, journey, Called(people, np.array(at, dtype=np.int64))), weeks)
    raise TypeError(journey.start)  # pragma: no cover


def _on_schedule(
    workspace: Workspace, journey: Journey, start: WhenDue, now: datetime, weeks: int
) -> Entrants:
    """Everybody in the audience enters at the next moment: as those would have who were in it at the moments before."""
    if not _historical(workspace, start.audience):
        return Entrants(weeks=weeks, reason="no_record")
    if weeks < LEAST:
        return Entrants(weeks=weeks, reason="short_history")
    since = now - weeks * WEEK
    here = Here(workspace, now)
    people: list[str] = []
    at: list[int] = []
    for moment in takewhile(lambda one: one <= now, moments(start.schedule, workspace.config.tz, since)):
        there = here.ids(members_then(workspace, start.audience, moment))
        people += there
        at += [micros(moment)] * len(there)
    return Entrants(_only(workspace, journey, Called(people, np.array(at, dtype=np.int64))), weeks)


def _only(workspace: Workspace, journey: Journey, called: Called) -> Called:
    """Those who may enter by what is true of them now."""
    if not journey.only or not len(called):
        return called
    return called.only(Here(workspace, workspace.clock()).true(journey.only, called.people))


def _historical(workspace: Workspace, audience: str) -> bool:
    """Whether it can be said who was in the audience at an earlier moment: it rests on events alone."""
    item = definitions.audience(workspace, audience)
    tree = definitions.meaning(workspace, audience_files.tree(item))
    return not t.names_of(tree) and not any(isinstance(node, t.Attribute) for node in t.walk(tree))


def members_then(workspace: Workspace, audience: str, moment: datetime) -> Bitmap:
    """Who was in the audience at the moment, of one that rests on events alone."""
    names = definitions.catalog(workspace)
    tree = definitions.meaning(workspace, audience_files.tree(definitions.audience(workspace, audience)))
    return evaluate.people(
        tree,
        engine=workspace.engine,
        catalog=names,
        columns=knowing.live(workspace),
        as_of=moment,
        graph=build(definitions.tags(workspace), names.audience),
    )


def _converted(workspace: Workspace, journey: Journey, found: Entrants) -> effects.Arm:
    """How many of those whose time is over reached the goal within it, each from the first time on."""
    goal = journey.goal
    assert goal is not None  # noqa: S101 - asked before
    now = workspace.clock()
    over = found.called.only(found.called.at + micros_of(goal.within) <= micros(now))
    arms = workspace.engine.read(
        "SELECT CAST(p.ix AS BIGINT) AS ix, true AS treated, MIN(a.since) AS since FROM asked AS a"
        " JOIN persons AS p ON p.person_id = a.person GROUP BY p.ix ORDER BY p.ix",
        given={"asked": pa.table({"person": pa.array(list(over.people), pa.string()), "since": over.at})},
    )
    return reports.outcome(
        workspace.engine,
        journeying.after_entering(journey, arms),
        reaching.goal_events(workspace, goal, now),
        start=now - SEEN * WEEK - timedelta(days=1),
        end=now,
        within=goal.within,
    ).treated


def micros_of(length: timedelta) -> int:
    """A length in microseconds."""
    return length // timedelta(microseconds=1)


def journey_movement(workspace: Workspace, name: str, tag: str = "") -> Json:
    """At which value of a tag they are now who entered, those who got messages against those who were held out.

    Both arms are drawn by lot, so a difference of their shares is what the journey did. `tag`: else the one by
    which people enter. Everybody counts once, in the arm of the first time.
    """
    workspace.load()
    running = positions.running(workspace.records, name)
    if not running:
        raise NotFoundError(f"'{name}' was never started", hint=f"limner journey start {name}")
    journey = journey_text.read(running[0].definition, name)
    tags = definitions.tags(workspace)
    key = known(tags, tag, "tag") if tag else _stage_of(workspace, journey, set(tags))
    if tags[key].type not in (ValueType.FLAG, ValueType.TEXT):
        raise UsageError(
            f"'{key}' is of type {tags[key].type}: it has no places between which people go",
            where="tag",
            code="no_places",
        )
    columns = knowing.live(workspace)
    if columns is None or key not in columns:
        raise NotFoundError(f"'{key}' has no values yet", hint="limner tag run")
    arms = reports.arms_in_journey(workspace.records, workspace.engine, name)
    ordinals = arms["ix"].to_numpy()
    covers = int(ordinals.max()) + 1 if len(ordinals) else 0
    treated = arms["treated"].to_numpy(zero_copy_only=False)
    values = np.array(
        ["" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
         for value in columns[key].padded(covers).take(ordinals)],
        dtype=np.str_,
    )  # fmt: skip
    n, m = int(treated.sum()), int((~treated).sum())
    rows = []
    for value in sorted(set(values.tolist())):
        k, j = int((values[treated] == value).sum()), int((values[~treated] == value).sum())
        difference = None
        if n and m and min(k, n - k) + min(j, m - j) >= 2 * effects.ENOUGH:
            found = effects.newcombe(k, n, j, m)
            difference = {"value": found.value, "low": found.low, "high": found.high}
        rows.append({"value": value, "treated": k, "held_out": j, "difference": difference})
    return {
        "name": name,
        "tag": key,
        "treated": n,
        "held_out": m,
        "values": rows,
        "why_not": "nobody_held_out" if not m else "nobody_treated" if not n else None,
    }


def _stage_of(workspace: Workspace, journey: Journey, tags: set[str]) -> str:
    """The one tag that the audience by which people enter names. Raises UsageError."""
    named: set[str] = set()
    if isinstance(journey.start, WhenMember | WhenDue):
        named = (
            t.names_of(audience_files.tree(definitions.audience(workspace, journey.start.audience))) & tags
        )
    if len(named) != 1:
        raise UsageError("which tag's values are the stages?", where="tag", code="missing", hint="--tag KEY")
    return named.pop()
