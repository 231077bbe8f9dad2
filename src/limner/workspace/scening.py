"""Verbs of scenes: which there are, what belongs to each, and how each stands against its goal, effect and cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from limner.accounts.keys import instant
from limner.campaigns import scene_text
from limner.campaigns.arms import held_out
from limner.campaigns.journey import sends_of
from limner.campaigns.journey_text import plain
from limner.campaigns.model import Goal
from limner.campaigns.policy import spoken
from limner.campaigns.scene import Aim, Scene
from limner.errors import LimnerError
from limner.expressions import parse, to_text
from limner.expressions import tree as t
from limner.feedback import report as reports
from limner.metrics.model import Metric, measure_of, parts_of
from limner.metrics.number import Number, number
from limner.tags import goal as goals
from limner.tags import objects
from limner.tags.document import Document
from limner.touches import entries
from limner.touches.model import Entry
from limner.touches.tallies import Tally, tallies
from limner.types import MONEY_SCALE, Json, utc
from limner.workspace import definitions, journeying, knowing, planning, policing, reaching, scenes, writing
from limner.workspace.catalog import known
from limner.workspace.workspace import Workspace


def scene_list(workspace: Workspace) -> Json:
    """Every scene: its dates and where it stands in them, whom it may reach, and how much belongs to it."""
    workspace.load()
    now = workspace.clock()
    campaigns, journeys = _belonging(workspace)
    rows = []
    for name, (item, wrong) in definitions.scene_files(workspace).items():
        rows.append(
            {
                "name": name,
                "titles": dict(item.title) if item else {},
                "state": _state(workspace, item, now) if item else "broken",
                "from": item.first.isoformat() if item and item.first else None,
                "until": item.last.isoformat() if item and item.last else None,
                "audience": item.audience if item else "",
                "channels": list(item.channels) if item else [],
                "holdout": item.holdout if item else 0.0,
                "goal": bool(item and item.goal),
                "campaigns": len(campaigns.get(name, ())),
                "journeys": len(journeys.get(name, ())),
                "owner": item.owner if item else "",
                "error": wrong,
            }
        )
    return {"scenes": rows, "as_of": now.isoformat(), "zone": workspace.config.zone}


def _state(workspace: Workspace, item: Scene, now: datetime) -> str:
    """ahead of its dates, running, or over."""
    begins, ends = item.begins(workspace.config.tz), item.ends(workspace.config.tz)
    if begins is not None and now < begins:
        return "ahead"
    return "over" if ends is not None and now >= ends else "running"


def _belonging(workspace: Workspace) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The names of the campaigns and of the journeys of each scene, by its name."""
    campaigns: dict[str, list[str]] = {}
    journeys: dict[str, list[str]] = {}
    for name, (campaign, _) in definitions.campaign_files(workspace).items():
        if campaign is not None and campaign.scene:
            campaigns.setdefault(campaign.scene, []).append(name)
    for name, (journey, _) in definitions.journey_files(workspace).items():
        if journey is not None and journey.scene:
            journeys.setdefault(journey.scene, []).append(name)
    return campaigns, journeys


def scene_show(workspace: Workspace, name: str) -> Json:
    """One scene: what its file says, how many people it may reach now, and its campaigns and journeys as they stand."""
    workspace.load()
    item = definitions.scene(workspace, name)
    now = workspace.clock()
    wrong = writing.problems_of(workspace, "scenes", name, item.definition)
    people: int | None = None
    try:
        reach = scenes.inside(workspace, item, now)
        people = _everybody(workspace) if reach is None else len(reach)
    except LimnerError:
        pass  # what is wrong with the audience stands among the problems
    return {
        "name": name,
        "titles": dict(item.title),
        "state": _state(workspace, item, now),
        "from": item.first.isoformat() if item.first else None,
        "until": item.last.isoformat() if item.last else None,
        "fields": plain(Document(item.definition, where=f"scenes/{name}.yml").root),
        "audience": item.audience,
        "people": people,
        "products": item.products,
        "objects": _objects(workspace, item),
        "channels": list(item.channels),
        "holdout": item.holdout,
        "theme": dict(item.theme),
        "owner": item.owner,
        "why": item.why,
        "campaigns": _campaigns(workspace, name),
        "journeys": _journeys(workspace, name),
        "problems": wrong,
        "read_only": workspace.config.definitions == "read-only",
        "as_of": now.isoformat(),
        "zone": workspace.config.zone,
    }


def _everybody(workspace: Workspace) -> int:
    found = workspace.engine.read(
        "SELECT COUNT(*) AS n FROM persons WHERE merged_into IS NULL AND NOT erased"
    )
    return int(found.column("n")[0].as_py())


def _objects(workspace: Workspace, item: Scene) -> int | None:
    """How many objects the products are; None where they are said without objects, or cannot be read."""
    if not item.products:
        return None
    try:
        tree = parse(item.products, scope="event")
        if not t.objects_of(tree):
            return None
        kinds = definitions.kinds(workspace)
        meant = objects.put_in(tree, kinds)
    except LimnerError:
        return None
    named = {kind.property for kind in kinds.values()}
    ids = [
        {option.value for option in node.options if isinstance(option, t.Text)}
        for node in t.walk(meant)
        if isinstance(node, t.Among) and isinstance(node.value, t.Name) and node.value.name in named
    ]
    # Of several tests on objects it is not said how many pass all of them.
    return len(ids[0]) if len(ids) == 1 else None


def _campaigns(workspace: Workspace, name: str) -> list[Json]:
    states = planning.states(workspace)
    last: dict[str, Entry] = {}
    for entry in entries.entries(workspace.records):
        last.setdefault(entry.campaign, entry)
    return [
        {
            "name": key,
            "titles": dict(item.title),
            "status": states[key]["status"],
            "channel": item.channel,
            "audience": item.audience,
            "schedule": item.schedule,
            "next_at": states[key]["next"][0] if states[key]["next"] else None,
            "started_at": last[key].started_at.isoformat() if key in last else None,
            "variants": len(item.variants),
        }
        for key, (item, _) in definitions.campaign_files(workspace).items()
        if item is not None and item.scene == name
    ]


def _journeys(workspace: Workspace, name: str) -> list[Json]:
    files = definitions.journey_files(workspace)
    rows = []
    for row in journeying.journey_list(workspace)["journeys"]:
        item = files[row["name"]][0]
        if item is not None and item.scene == name:
            channels = sorted({by for send in sends_of(item) for by in send.channels or (send.channel,)})
            kept = ("name", "titles", "status", "reason", "entered", "inside")
            rows.append({**{key: row[key] for key in kept}, "channels": channels})
    return rows


def scene_form(workspace: Workspace, name: str, text: str) -> Json:
    """A scene's text as its fields (null when it is no YAML), and what is wrong in it, each at its line.

    A text that says nothing yet is a scene without any field.
    """
    if not text.strip():
        return {"name": name, "fields": {}, "problems": []}
    try:
        document = Document(text, where=f"scenes/{name}.yml")
    except LimnerError:
        document = None
    return {
        "name": name,
        "fields": None if document is None else plain(document.root),
        "problems": writing.problems_of(workspace, "scenes", name, text),
    }


def scene_text_of(workspace: Workspace, name: str, fields: dict[str, Any], text: str = "") -> Json:
    """The text with these keys changed (null takes one away); comments, order and what is not named stay."""
    made = scene_text.written(text, fields, name=name)
    return {**scene_form(workspace, name, made), "text": made}


# -- the report


def scene_report(workspace: Workspace, name: str, as_of: str = "") -> Json:
    """How the scene stands: its number against baseline and target, what it changed, its messages, what they cost and
    brought back."""
    reaching.tell(workspace)
    workspace.load()
    item = definitions.scene(workspace, name)
    at = knowing.instant_of(workspace, as_of)
    sent = _sent(workspace, name)
    counted = tallies(workspace.records, [(entry.campaign, entry.entry) for entry in sent])
    kinds = {entry.campaign: entry for entry in sent}
    rows = [_row(key, tally, kinds[key]) for key, tally in sorted(counted.items())]
    reasons: Counter[str] = Counter()
    for tally in counted.values():
        reasons.update(tally.suppressed)
    cost = sum(tally.cost for tally in counted.values()) / MONEY_SCALE
    effect = _effect(workspace, item, at)
    return {
        "name": name,
        "titles": dict(item.title),
        "state": _state(workspace, item, at),
        "from": item.first.isoformat() if item.first else None,
        "until": item.last.isoformat() if item.last else None,
        "as_of": at.isoformat(),
        "zone": workspace.config.zone,
        "currency": workspace.config.currency,
        **_against_goal(workspace, item, at),
        "effect": effect,
        "members": rows,
        "total": {
            **{
                key: sum(row[key] for row in rows)
                for key in ("people", "held_out", "waiting", "sent", "failed", "in_doubt")
            },
            "suppressed": dict(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))),
            "cost": cost,
        },
        "returned": reports.returned(effect, cost=cost),
    }


def _sent(workspace: Workspace, name: str) -> list[Entry]:
    """Every entry that was begun as one of the scene, of campaigns and of journeys."""
    return [
        entry
        for entry in entries.entries(workspace.records, kind=None)
        if "scene:" in entry.definition and reaching.frozen(entry).scene == name
    ]


def _row(name: str, tally: Tally, entry: Entry) -> Json:
    item = reaching.frozen(entry)
    return {
        "kind": "journey" if item.audience == f"journey {name}" else "campaign",
        "name": name,
        "titles": dict(item.title),
        "people": tally.people,
        "held_out": tally.held_out,
        "suppressed": dict(sorted(tally.suppressed.items())),
        "waiting": tally.waiting,
        "sent": tally.sent,
        "failed": tally.failed,
        "in_doubt": tally.in_doubt,
        "cost": tally.cost / MONEY_SCALE,
    }


def metric_of(workspace: Workspace, item: Scene, goal: Aim) -> Metric:
    """What is counted: the goal's metric, or its event, of the scene's products. Raises LimnerError."""
    if goal.metric:
        all_metrics = definitions.metrics(workspace)
        metric = all_metrics[known(all_metrics, goal.metric, "metric")]
    else:
        event = t.Event(goal.event, parse(goal.where, scope="event") if goal.where else None)
        function, of = ("sum", goal.money) if goal.money else ("count", None)
        metric = Metric("goal", {}, to_text(t.Aggregate(function, event, of)))
    if not item.products and not goal.where:
        return metric
    only = parse(item.products, scope="event") if item.products else None
    kinds = definitions.kinds(workspace)
    return replace(metric, measure=to_text(_narrowed(measure_of(metric.measure), only, kinds)))


def _narrowed(measure: Any, only: t.Expr | None, kinds: Any) -> Any:
    """The measure, each part of it over events of which the condition is true as well."""
    if isinstance(measure, t.Arithmetic):
        return replace(
            measure, left=_narrowed(measure.left, only, kinds), right=_narrowed(measure.right, only, kinds)
        )
    asked = [test for test in (measure.event.where, only) if test is not None]
    if not asked:
        return measure
    where = asked[0] if len(asked) == 1 else t.And(tuple(asked))
    return replace(measure, event=replace(measure.event, where=objects.put_in(where, kinds)))


def _against_goal(workspace: Workspace, item: Scene, at: datetime) -> Json:
    """The number so far, what it was over the same length of time before, and how far it is to the target.

    `why_not`: why there is no number or no baseline: no_goal, no_dates, ahead, short_history, problem, else null.
    """
    goal = item.goal
    answer: Json = {
        "goal": None,
        "baseline": {
            "stated": item.baseline,
            "value": item.baseline,
            "from": None,
            "until": None,
            "why_not": None,
        },
        "so_far": None,
        "before": None,
        "target": None,
        "progress": None,
        "judged": "no_goal" if goal is None else "ahead",
        "message": "",
    }
    if goal is None:
        return answer
    answer["goal"] = {
        "metric": goal.metric,
        "event": goal.event,
        "where": goal.where,
        "money": goal.money,
        "products": item.products,
        "within": spoken(goal.within),
        "unit": workspace.config.currency if goal.money else "",
        "target": None
        if goal.target is None
        else {"number": goal.target.number, "relative": goal.target.relative},
    }
    try:
        metric = metric_of(workspace, item, goal)
        answer["goal"]["unit"] = answer["goal"]["unit"] or metric.unit
        return answer | _measured(workspace, item, goal, metric, at)
    except LimnerError as error:
        return {**answer, "judged": "problem", "message": error.message}


def _measured(workspace: Workspace, item: Scene, goal: Aim, metric: Metric, at: datetime) -> Json:
    zone = workspace.config.tz
    begins, ends = item.begins(zone), item.ends(zone)
    baseline: Json = {
        "stated": item.baseline, "value": item.baseline, "from": None, "until": None, "why_not": None,
    }  # fmt: skip
    if begins is None:
        baseline["why_not"] = None if item.baseline is not None else "no_dates"
        return {"baseline": baseline, "judged": "no_dates"}
    names = definitions.catalog(workspace)

    def measured(first: datetime, last: datetime) -> Number:
        return number(metric, workspace.engine, catalog=names, first=first, last=last, now=at)[0]

    until = at if ends is None else min(at, ends)
    so_far = measured(begins, until) if until > begins else None
    before = None
    if item.baseline is None and ends is None:
        baseline["why_not"] = "no_dates"
    elif item.baseline is None and ends is not None:
        start = begins - (ends - begins)
        baseline |= {"from": start.isoformat(), "until": begins.isoformat()}
        first = workspace.engine.read("SELECT MIN(ts) AS first FROM events").column("first")[0].as_py()
        if first is None or utc(first) > start:
            baseline["why_not"] = "short_history"
        elif begins <= at:
            then = measured(start, begins)
            baseline["value"] = then.value
            baseline["why_not"] = None if then.value is not None else "no_value"
            if so_far is not None and until < ends:
                same = measured(start, start + (until - begins))
                before = {"value": same.value, "until": (start + (until - begins)).isoformat()}
        else:
            # Its last days are still to come: what is there so far is no baseline yet.
            baseline["why_not"] = "ahead"
    target = None if goal.target is None else goal.target.of(baseline["value"])
    value = None if so_far is None else so_far.value
    return {
        "baseline": baseline,
        "so_far": None
        if so_far is None
        else {
            "value": value,
            "active": so_far.active,
            "from": begins.isoformat(),
            "until": until.isoformat(),
        },
        "before": before,
        "target": target,
        "progress": value / target if value is not None and target else None,
        "judged": _judged(so_far, target, baseline["value"], over=ends is not None and at >= ends),
    }


def _judged(so_far: Number | None, target: float | None, baseline: float | None, *, over: bool) -> str:
    """ahead, running, or at the end: met, not_met, or not_enough_data; no_target where there is none to judge by."""
    if so_far is None:
        return "ahead"
    if not over:
        return "running"
    if target is None:
        return "no_target" if baseline is not None else "not_enough_data"
    return goals.judged(
        so_far.value,
        active=so_far.active,
        target=target,
        baseline=target - 1 if baseline is None else baseline,
    )


def _effect(workspace: Workspace, item: Scene, at: datetime) -> Json:
    """What the scene changed: those whom its holdout measures, treated against held out, since it began.

    `why_not`, besides what a campaign's report says: no_goal, no_holdout, not_begun, holdout_changed, no_sum, problem.
    """
    nothing: Json = {
        "share": item.holdout, "since": None, "until": None, "everybody": not item.audience, "converted": None,
        "incremental": None, "money": None, "enough_data": False,
    }  # fmt: skip

    def no(why: str, message: str) -> Json:
        return {**nothing, "message": message, "why_not": why}

    if item.goal is None:
        return no("no_goal", "the scene has no goal")
    begun = scenes.begun(workspace, item.name)
    if not item.holdout:
        return no("no_holdout", "nobody is held out of the scene, so nothing can be compared")
    if begun is None:
        return no("not_begun", "nothing of the scene has gone out since it has a holdout")
    since = instant(int(str(begun["began_at"])))
    nothing |= {"since": since.isoformat(), "everybody": bool(begun["everybody"])}
    if (begun["seed"], begun["share"]) != (item.draws_by, item.holdout):
        return no(
            "holdout_changed",
            f"{float(str(begun['share'])):.1%} were held out when it began, drawn by '{begun['seed']}': who got nothing"
            " then and who gets nothing now are not the same people",
        )
    ends = item.ends(workspace.config.tz)
    end = at if ends is None else min(at, ends + item.goal.within)
    end = max(since, end)
    nothing["until"] = end.isoformat()
    try:
        events = _goal_events(workspace, item, item.goal, end)
        outcome = reports.outcome(
            workspace.engine,
            _arms(workspace, item, everybody=bool(begun["everybody"])),
            events,
            start=since,
            end=end,
        )
    except LimnerError as error:
        return no("problem", error.message)
    except _NoSum:
        return no("no_sum", "the metric divides: it has no sum of each person that could be compared")
    return {
        **nothing,
        **reports.changed(outcome, currency=workspace.config.currency, money=events.money is not None),
    }


class _NoSum(Exception):
    """The goal is no sum over people."""


def _goal_events(workspace: Workspace, item: Scene, goal: Aim, end: datetime) -> reports.GoalEvents:
    """The goal's events of the scene's products, in the engine's terms."""
    parts = parts_of(measure_of(metric_of(workspace, item, goal).measure))
    if len(parts) != 1:
        raise _NoSum
    (part,) = parts
    where = "" if part.event.where is None else to_text(part.event.where)
    return reaching.goal_events(
        workspace,
        Goal(part.event.name, where, part.of or ""),
        end,
    )


def _arms(workspace: Workspace, item: Scene, *, everybody: bool) -> pa.Table:
    """Who is measured, and who of them is held out; those who get no marketing at all are in neither arm."""
    people: Sequence[str]
    if everybody:
        found = workspace.engine.read(
            "SELECT person_id FROM persons WHERE merged_into IS NULL AND NOT erased ORDER BY ix"
        )
        people = found.column("person_id").to_pylist()
    else:
        people = scenes.people_of(workspace, item.name)
    of_all = policing.policy(workspace).holdout
    if of_all is not None and len(people):
        apart = held_out(people, seed=of_all.seed, share=of_all.share).tolist()
        people = [person for person, out in zip(people, apart, strict=True) if not out]
    return reports.arms_by_lot(workspace.engine, people, scenes.rules(workspace, item).held_out(people))
