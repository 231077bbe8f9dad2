"""Verbs of a journey's text: starting it, what a new one would do to everybody inside, and the texts that ran."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from limner.accounts.keys import instant
from limner.accounts.model import LOCAL, Caller
from limner.campaigns import editing, journey_text, positions
from limner.campaigns.editing import LEAVES
from limner.campaigns.journey import Journey
from limner.campaigns.positions import Running
from limner.errors import ConflictError, LimnerError, NotFoundError, UsageError
from limner.events.load import loads
from limner.touches import journeys as moving
from limner.touches import wanting
from limner.touches.journeys import Changed, sends
from limner.types import Json
from limner.workspace import journeying, journeys, walking
from limner.workspace.runs import said
from limner.workspace.workspace import Workspace


def journey_plan(workspace: Workspace, name: str, text: str = "") -> Json:
    """What starting the new text would do to everybody who is in the journey; nothing is changed.

    `text`: the new text, else the file's. By step: how many stand there and whether they stay, wait until another
    moment, move or leave, and why. `leaving`: how many more leave at once by what the text newly says of leaving.
    `messages`: by step that is gone, how many messages that wait are not sent. `plan`: the plan's name, for starting
    exactly this; null where the text is wrong or the journey was never started.
    """
    workspace.load()
    found = positions.running(workspace.records, name)
    answer: Json = {
        "name": name,
        "plan": None,
        "version": len(positions.versions(workspace.records, name)),
        "inside": 0,
        "changes": False,
        "loses": 0,
        "steps": [],
        "leaving": [],
        "messages": [],
        "added": [],
        "gone": [],
        "changed": [],
        "other": [],
        "problems": [],
    }
    try:
        new = journey_text.read(text, name) if text else journeys.saved(workspace, name)
    except NotFoundError:
        raise
    except LimnerError as error:
        return {**answer, "problems": [said(error)]}
    wrong = journeys.problems(workspace, new)
    if not found:
        return {**answer, "problems": wrong}
    old = journey_text.read(found[0].definition, name)
    with workspace.records.read() as connection:
        made = _made(workspace, connection, old, new)
    differs = editing.edit(old, new)
    return {
        **answer,
        "plan": None if wrong else plan_of(found[0], new),
        "inside": sum(positions.flow(workspace.records, name).at.values()),
        "changes": old.definition != new.definition,
        "loses": sum(len(change.people) for change in made.changes if change.fate.kind == LEAVES),
        "steps": made.rows,
        "leaving": _leaving(workspace, old, new, made.changes),
        "messages": [
            {"step": step, "people": waiting}
            for step in sends(old)
            if step not in new.steps and (waiting := journeying.waiting_at(workspace, name, step))
        ],
        "added": list(differs.added),
        "gone": list(differs.gone),
        "changed": list(differs.changed),
        "other": list(differs.other),
        "problems": wrong,
    }


def plan_of(running: Running, new: Journey) -> str:
    """The name of the plan to put the new text in the place of what runs."""
    return hashlib.sha256(f"{running.definition}\0{new.definition}".encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Made:
    """A plan as the people that it is about, and as its rows."""

    changes: list[Changed]
    rows: list[Json]


def _made(workspace: Workspace, connection: Connection, old: Journey, new: Journey) -> Made:
    now = workspace.clock()
    changes = moving.planned(connection, old, new, world=walking.Here(workspace, now), now=now)
    rows = []
    for change in changes:
        due = change.people.due
        rows.append(
            {
                "step": change.fate.step,
                "people": len(change.people),
                "fate": change.fate.kind,
                "to": change.fate.to,
                "reason": change.fate.reason,
                "at_once": change.due_by(now),
                "first_due": None if change.fate.kind == LEAVES else instant(int(np.min(due))).isoformat(),
                "last_due": None if change.fate.kind == LEAVES else instant(int(np.max(due))).isoformat(),
            }
        )
    return Made(changes, rows)


def _leaving(workspace: Workspace, old: Journey, new: Journey, changes: list[Changed]) -> list[Json]:
    """How many of those who stay leave at once by a rule of leaving that the old text did not have."""
    now = workspace.clock()
    here = walking.Here(workspace, now)
    people = [person for change in changes if change.fate.kind != LEAVES for person in change.people.people]
    with workspace.records.read() as connection:
        reachable = positions.reachable(connection, old.name)
    there = reachable.only(
        np.isin(np.array(reachable.people, dtype=np.str_), np.array(people, dtype=np.str_))
    )
    rows = []
    for leave in new.leaves:
        if any(
            (leave.happening, leave.when) == (other.happening, other.when) for other in old.leaves
        ) or not len(there):
            continue
        if leave.happening is None:
            gone = here.true(leave.when, there.people)
        else:
            gone = (
                here.came(leave.happening, there.people, there.at + moving.besides(new, leave.happening)) >= 0
            )
        rows.append({"name": leave.name, "people": int(np.count_nonzero(gone))})
        there = there.only(~gone)
    return [row for row in rows if row["people"]]


def apply(workspace: Workspace, connection: Connection, old: Journey, new: Journey) -> list[Json]:
    """Puts everybody where the new text says; the answer is what it did, step by step."""
    made = _made(workspace, connection, old, new)
    now = workspace.clock()
    moving.rearrange(connection, new.name, made.changes, doing=walking.Hands(workspace, new, now), now=now)
    return made.rows


def journey_start(workspace: Workspace, name: str, plan: str = "", caller: Caller = LOCAL) -> Json:
    """From now on people enter. A journey that was stopped or paused goes on, as its file says it now.

    What becomes of those who are inside is what `journey plan` says. `plan`: the plan that somebody looked at; it is
    refused where another text runs or stands in the file by now, and needed where people would leave by the change.
    """
    workspace.load()
    journey = journeys.saved(workspace, name)
    wrong = journeys.problems(workspace, journey)
    if wrong:
        raise UsageError(wrong[0]["message"], where=wrong[0]["where"], hint=wrong[0].get("hint"))
    now = workspace.clock()
    before = positions.running(workspace.records, name)
    texts = {
        step_name: journeys.content_of(workspace, journey, step) for step_name, step in sends(journey).items()
    }
    if plan and (not before or plan_of(before[0], journey) != plan):
        raise ConflictError(
            "another text runs, or stands in the file, than the plan is about",
            where=f"journeys/{name}.yml",
            code="stale_plan",
            hint=f"limner journey plan {name}",
        )
    with workspace.records.begin() as connection:
        moved: list[Json] = []
        if before and before[0].definition != journey.definition:
            old = journey_text.read(before[0].definition, name)
            moved = apply(workspace, connection, old, journey)
            lost = [row for row in moved if row["fate"] == LEAVES]
            if lost and not plan:
                raise ConflictError(
                    f"people stand at '{lost[0]['step']}', which the file does not have any more: they would leave",
                    where=f"journeys/{name}.yml",
                    code="people_leave",
                    hint=f"say under 'moved' where they go on, or look at `limner journey plan {name}`"
                    " and start that plan",
                )
            for gone in sends(old):
                if gone not in texts:
                    wanting.withdraw_step(connection, name, gone, reason=wanting.GONE, now=now)
        positions.start(
            connection, journey, content="", seed=journeys.seed_of(journey),
            load_i=loads(workspace.engine), now=now,
        )  # fmt: skip
        positions.add_version(connection, journey, by=caller.name, moved=moved, now=now)
        for step_name, (item, content) in texts.items():
            wanting.open_step(connection, item, step_name, content=content, now=now)
    return journeying.journey_show(workspace, name)


def journey_versions(workspace: Workspace, name: str) -> Json:
    """Every text of the journey that ran: since when, by whom, what it did to those inside; the latest first."""
    found = positions.versions(workspace.records, name)
    if not found:
        raise NotFoundError(f"'{name}' was never started", hint=f"limner journey start {name}")
    return {
        "name": name,
        "versions": [
            {
                "version": item.version,
                "at": item.at.isoformat(),
                "by": item.by,
                "text": item.definition,
                "moved": item.moved,
            }
            for item in found
        ],
    }
