"""Verbs of journeys: list and show them, try one with a person, report, stop, and the tasks of staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.campaigns import journey_text, positions
from limner.campaigns.arms import held_out
from limner.campaigns.journey import (
    END,
    Branch,
    Happening,
    Journey,
    Send,
    Step,
    Task,
    WaitFor,
    ways,
)
from limner.campaigns.policy import Asked, decide
from limner.campaigns.positions import Running
from limner.campaigns.scene import Scene
from limner.campaigns.stepping import chosen, due
from limner.campaigns.text import goal_fields
from limner.consents import preferences
from limner.consents.ledger import standings
from limner.consents.model import NOBODY_ASKED, address_hash
from limner.errors import NotFoundError
from limner.feedback import report as reports
from limner.portraits import finding
from limner.tags.document import Document
from limner.touches import entries, letter
from limner.touches.journeys import besides
from limner.types import Json
from limner.workspace import (
    definitions,
    holding,
    journeys,
    knowing,
    policing,
    reaching,
    recipients,
    scenes,
    unprofiled,
)
from limner.workspace.catalog import known
from limner.workspace.walking import Here, whom_it_may_reach
from limner.workspace.workspace import Workspace


def journey_list(workspace: Workspace) -> Json:
    """Every journey: its file, whether it runs, and how many are in it."""
    running = {item.journey: item for item in positions.running(workspace.records)}
    held = holding.reasons(workspace)
    rows = []
    for name, (journey, wrong) in definitions.journey_files(workspace).items():
        state = running.get(name)
        flow = positions.flow(workspace.records, name) if state else None
        rows.append(
            {
                "name": name,
                "titles": dict(journey.title) if journey else {},
                "error": wrong,
                "status": state.status if state else "not started",
                "reason": (state.reason or held.get(name, "")) if state else "",
                "entered": flow.entered if flow else 0,
                "inside": sum(flow.at.values()) if flow else 0,
                "finished": flow.ended.get(END, 0) if flow else 0,
                "left": sum(flow.ended.values()) - flow.ended.get(END, 0) if flow else 0,
                "changed": bool(state and journey and state.definition != journey.definition),
            }
        )
    return {"journeys": rows}


def journey_show(workspace: Workspace, name: str) -> Json:
    """One journey: its steps, how many stand at each and passed each way, and where its messages are."""
    running = positions.running(workspace.records, name)
    journey = journey_text.read(running[0].definition, name) if running else journeys.saved(workspace, name)
    filed, wrong = definitions.journey_files(workspace).get(name, (None, None))
    flow = positions.flow(workspace.records, name)
    steps = []
    for step_name, step in journey.steps.items():
        sent = None
        if isinstance(step, Send) and running:
            sent = reaching.counted(entries.counts(workspace.records, name, step_name))
        steps.append(
            {
                "name": step_name,
                "kind": type(step).__name__.lower(),
                "says": journeys.said_of(step),
                "place": list(journey.layout[step_name]) if step_name in journey.layout else None,
                "here": flow.at.get(step_name, 0),
                "ways": [
                    {"name": way.name, "next": way.next, "people": flow.passed.get((step_name, way.name), 0)}
                    for way in ways(step)
                ],
                "messages": sent,
                "variants": reports.by_variant(workspace.records, name, step_name)
                if isinstance(step, Send) and step.variants and running
                else [],
            }
        )
    return {
        "name": name,
        "titles": dict(journey.title),
        "start": journeys.start_of(journey),
        "status": running[0].status if running else "not started",
        "reason": (running[0].reason or holding.reasons(workspace).get(name, "")) if running else "",
        "started_at": running[0].started_at.isoformat() if running else None,
        "version": len(positions.versions(workspace.records, name)),
        "entered": flow.entered,
        "held_out": flow.held_out,
        "inside": sum(flow.at.values()),
        "ended": dict(sorted(flow.ended.items())),
        "steps": steps,
        "fields": journey_text.plain(Document(journey.definition, where=f"journeys/{name}.yml").root),
        "changed": bool(running and filed and filed.definition != journey.definition),
        "error": wrong,
    }


def journey_check(workspace: Workspace, name: str) -> Json:
    """What is wrong with the journey: empty when it can be started."""
    return {"name": name, "problems": journeys.problems(workspace, journeys.saved(workspace, name))}


MOST_STEPS_TRIED = 100


def journey_try(workspace: Workspace, name: str, person: str) -> Json:
    """What would happen to one person who entered now, if nothing else happened meanwhile; nothing is kept.

    Conditions are answered as of now, waits pass at once, and an event that is waited for does not come. A message says
    whether it could be sent now.
    """
    workspace.load()
    journey = journeys.saved(workspace, name)
    running = positions.running(workspace.records, name)
    seed = running[0].seed if running else journeys.seed_of(journey)
    now = workspace.clock()
    here = Here(workspace, now)
    found = recipients.person_ids(workspace.engine, [knowing.person_ix(workspace, person)])
    if not found:
        raise NotFoundError(f"there is no person '{person}'")
    who = found[0]
    (zone,) = here.zones([who])
    stood = [row for row in positions.of_person(workspace.records, who) if row["journey"] == name]
    may = may_code = ""
    if any(row["ended_at"] is None for row in stood):
        may, may_code = "is in the journey already", "inside"
    elif stood and not journey.again.ever:
        may, may_code = "was in the journey before, and may not come again", "before"
    elif stood and max(row["entered_at"] for row in stood) + journey.again.after > now:  # type: ignore[type-var,operator]
        may, may_code = "was in the journey too short a time ago", "soon"
    elif journey.only and not here.true(journey.only, [who])[0]:
        may, may_code = f"is not one of whom this is true: {journey.only}", "only"
    scene = scenes.of(workspace, journey.scene)
    if not may and scene is not None:
        why = scenes.outside(workspace, scene, now)
        if why:
            may, may_code = f"it is {why}", "scene_dates"
        elif not whom_it_may_reach(workspace, scene, [who], now):
            may, may_code = f"is outside the audience of scene {scene.name}", "scene_audience"
    path: list[Json] = []
    at, step_name = now, journey.first
    while step_name != END and len(path) < MOST_STEPS_TRIED:
        step = journey.steps[step_name]
        then = due(step, at, zone)
        way = int(
            chosen(
                step,
                [who],
                np.array([len(stood) + 1], dtype=np.int64),
                seed=f"{seed}\0{step_name}",
                came=np.array([False]),
                true=lambda condition: here.true(condition, [who]),
            )[0]
        )
        went = ways(step)[way]
        path.append(
            {
                "step": step_name,
                "kind": type(step).__name__.lower(),
                "at": then.isoformat(),
                "way": went.name,
                "next": went.next,
                "why": _why(workspace, journey, step, way, who, then, zone),
            }
        )
        at, step_name = then, went.next
    return {
        "name": name,
        "person": who,
        "may": may,
        "may_code": may_code,
        "held_out": bool(held_out([who], seed=seed, share=journey.holdout)[0]) or _held_by_scene(scene, who),
        "path": path,
        "ends": step_name == END,
    }


def _held_by_scene(scene: Scene | None, who: str) -> bool:
    return scene is not None and bool(held_out([who], seed=scene.draws_by, share=scene.holdout)[0])


def _why(
    workspace: Workspace, journey: Journey, step: Step, way: int, who: str, at: datetime, zone: ZoneInfo
) -> str:
    """What decides, at a step, for one person; of a message whether it could be sent now."""
    match step:
        case Branch() if way < len(step.cases):
            return step.cases[way].when
        case Branch():
            return "no condition is true"
        case WaitFor():
            return f"“{step.happening.event}” does not come"
        case Send():
            return _sendable(workspace, journey, step, who, at, zone)
        case _:
            return ""


def _sendable(
    workspace: Workspace, journey: Journey, step: Send, who: str, at: datetime, zone: ZoneInfo
) -> str:
    """Why the message could not be sent to the person, as far as it is known now; '' when it could."""
    item, content = journeys.content_of(workspace, journey, step)
    composers = reaching.composers_of(workspace, item, letter.thaw(content))
    reasons = {
        channel: _sendable_by(workspace, composer, journey, step, who, at, zone)
        for channel, composer in composers.items()
    }
    if "" in reasons.values():
        return ""
    alone = len(reasons) == 1 or len(set(reasons.values())) == 1
    return reasons[step.channel] if alone else "; ".join(f"{by}: {why}" for by, why in reasons.items())


def _sendable_by(
    workspace: Workspace,
    composer: letter.Composer,
    journey: Journey,
    step: Send,
    who: str,
    at: datetime,
    zone: ZoneInfo,
) -> str:
    channel = composer.campaign.channel
    recipient = reaching.recipients_of(workspace, composer, [who]).get(who)
    if recipient is None or not recipient.address:
        return "no address"
    hashed = address_hash(workspace.secret, channel, recipient.address)
    with workspace.records.read() as connection:
        standing = standings(connection, channel, [hashed], message_class=step.message_class)
        ids = (who, *recipient.former)
        wish = preferences.latest(preferences.of(connection, ids), ids)
    profiled = recipient.unprofiled and unprofiled.of_journey(
        workspace, journey, scenes.of(workspace, journey.scene)
    )
    decision = decide(
        Asked(journey.name, step.message_class, channel, quiet=step.quiet, wish=wish, profiled=profiled),
        standing=standing.get(hashed, NOBODY_ASKED),
        policy=policing.policy(workspace),
        now=at,
        zone=zone,
    )
    return "" if decision.allowed else decision.reason


def waiting_at(workspace: Workspace, name: str, step: str) -> int:
    """How many messages of a step wait to be sent."""
    try:
        return entries.counts(workspace.records, name, step).waiting
    except NotFoundError:
        return 0


def journey_report(workspace: Workspace, name: str) -> Json:
    """What the journey changed: who entered against who entered and was held out, each within the goal's time.

    Everybody counts from the first time that they entered; who entered lately has had less time, in both arms alike.
    """
    workspace.load()
    running = positions.running(workspace.records, name)
    if not running:
        raise NotFoundError(f"'{name}' was never started", hint=f"limner journey start {name}")
    journey = definitions.aimed(workspace, journey_text.read(running[0].definition, name))
    now = workspace.clock()
    answer: Json = {
        "name": name,
        "titles": dict(journey.title),
        "started_at": running[0].started_at.isoformat(),
        "as_of": now.isoformat(),
        "goal": None,
        "converted": None,
        "incremental": None,
        "money": None,
        "enough_data": False,
        "message": "the journey has no goal",
        "why_not": "no_goal",
    }
    outcome = outcome_of(workspace, running[0], journey, now)
    if outcome is None or journey.goal is None:
        return answer
    goal = journey.goal
    return {
        **answer,
        "goal": goal_fields(goal),
        **reports.changed(outcome, currency=workspace.config.currency, money=bool(goal.money)),
    }


def outcome_of(
    workspace: Workspace, running: Running, journey: Journey, now: datetime
) -> reports.Outcome | None:
    """What both arms of a journey did, each person within the goal's time since they entered; None without a goal."""
    journey = definitions.aimed(workspace, journey)
    if journey.goal is None:
        return None
    return reports.outcome(
        workspace.engine,
        after_entering(
            journey,
            besides_holdout(
                workspace, reports.arms_in_journey(workspace.records, workspace.engine, running.journey)
            ),
        ),
        reaching.goal_events(workspace, journey.goal, now),
        start=running.started_at,
        end=now,
        within=journey.goal.within,
    )


def after_entering(journey: Journey, arms: pa.Table) -> pa.Table:
    """The arms, each from the instant on at which the goal may be reached: the event that lets in is not the goal."""
    if journey.goal is None or not besides(journey, Happening(journey.goal.event)):
        return arms
    since = pa.array(arms["since"].to_numpy() + 1)
    return arms.set_column(arms.schema.get_field_index("since"), "since", since)


def besides_holdout(workspace: Workspace, arms: pa.Table) -> pa.Table:
    """The arms without those who get no marketing at all: in both they are drawn by chance."""
    holdout = policing.policy(workspace).holdout
    if holdout is None or not arms.num_rows:
        return arms
    people = workspace.engine.read(
        "SELECT p.person_id FROM arms AS a JOIN persons AS p ON p.ix = a.ix ORDER BY a.ix",
        given={"arms": arms},
    )
    out = held_out(people["person_id"].to_pylist(), seed=holdout.seed, share=holdout.share)
    return arms.filter(pa.array(~out))


def journey_pause(workspace: Workspace, name: str, caller: Caller = LOCAL) -> Json:
    """Nobody moves and no message leaves until it is started again."""
    return _halt(workspace, name, positions.PAUSED, caller)


def journey_stop(workspace: Workspace, name: str, caller: Caller = LOCAL) -> Json:
    """Nobody moves and no message leaves any more; whoever is in it stays where they are."""
    return _halt(workspace, name, positions.STOPPED, caller)


def _halt(workspace: Workspace, name: str, status: str, caller: Caller) -> Json:
    reaching.halt(workspace, name, status, f"{status} by {caller.name}")
    return journey_show(workspace, name)


def person_journeys(workspace: Workspace, id: str) -> Json:
    """Where one person stands or stood in every journey."""
    person = recipients.person_ids(workspace.engine, [knowing.person_ix(workspace, id)])
    if not person:
        raise NotFoundError(f"there is no person '{id}'")
    rows = positions.of_person(workspace.records, person[0])
    return {
        "person": person[0],
        "journeys": [
            {key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()}
            for row in rows
        ],
    }


def _called(workspace: Workspace, people: Sequence[str], caller: Caller) -> dict[str, str]:
    """What people are called, as far as the caller may see it: a name, an identifier, or their outward id."""
    ordinals = Here(workspace, workspace.clock()).ordinals(people).tolist()
    there = sorted({ix for ix in ordinals if ix >= 0})
    rows = finding.rows(
        workspace.engine,
        there,
        now=workspace.clock(),
        personal=workspace.config.personal,
        mask=not sees_personal(caller.role),
    )
    return {row["person"]: row["name"] or (row["id"] or {}).get("value") or row["person"] for row in rows}


def journey_people(
    workspace: Workspace, name: str, step: str = "", limit: int = 200, caller: Caller = LOCAL
) -> Json:
    """Who is in the journey now, at one step or anywhere: whoever moves first comes first, at most `limit`."""
    running = positions.running(workspace.records, name)
    journey = journey_text.read(running[0].definition, name) if running else journeys.saved(workspace, name)
    if step:
        known(list(journey.steps), step, "step")
    here = positions.flow(workspace.records, name).at
    rows = positions.present(workspace.records, name, step=step, limit=limit)
    called = _called(workspace, [row.person for row in rows], caller)
    return {
        "name": name,
        "step": step,
        "total": here.get(step, 0) if step else sum(here.values()),
        "people": [
            {
                "person": row.person,
                "called": called.get(row.person, row.person),
                "step": row.step,
                "arm": row.arm,
                "entered_at": row.entered_at.isoformat(),
                "arrived_at": row.arrived_at.isoformat(),
                "due_at": row.due_at.isoformat(),
            }
            for row in rows
        ],
    }


def journey_tasks(workspace: Workspace, limit: int = 200, caller: Caller = LOCAL) -> Json:
    """What journeys ask members of staff to do, the oldest first: for whom, what, and until when."""
    steps: dict[str, Mapping[str, Step]] = {
        item.journey: journey_text.read(item.definition, item.journey).steps
        for item in positions.running(workspace.records)
    }
    rows = []
    charges = positions.open_charges(workspace.records, limit=limit)
    called = _called(workspace, [item.person for item in charges], caller)
    for item in charges:
        step = steps[item.journey].get(item.step)
        if isinstance(step, Task):
            until = None if step.within is None else item.at + step.within
            rows.append(
                {
                    "id": item.id,
                    "journey": item.journey,
                    "person": item.person,
                    "called": called.get(item.person, item.person),
                    "text": step.text,
                    "to": step.to,
                    "since": item.at.isoformat(),
                    "until": None if until is None else until.isoformat(),
                    "late": until is not None and until < workspace.clock(),
                }
            )
    return {"tasks": rows}


def journey_done(workspace: Workspace, id: int, note: str = "", caller: Caller = LOCAL) -> Json:
    """A task of a journey is done; what is to be remembered of it."""
    positions.done(workspace.records, id, by=caller.name, note=note, now=workspace.clock())
    return {"id": id, "note": note}
