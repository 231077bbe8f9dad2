"""The verb of the stage report: whether what a tag is for came about, by its goal's metric, stage by stage."""

from __future__ import annotations

from datetime import datetime

from limner.engine.seam import Engine, Transaction
from limner.errors import UsageError
from limner.expressions import check as check_expression
from limner.expressions import parse
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.metrics.model import Metric
from limner.metrics.number import Number, number_at
from limner.tags import goal as goals
from limner.tags.check import check
from limner.tags.history import tags_at
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Goal
from limner.types import Json, Progress
from limner.workspace import definitions
from limner.workspace.catalog import known
from limner.workspace.knowing import instant_of
from limner.workspace.tagging import Known, known_now
from limner.workspace.workspace import Workspace


def tag_report(workspace: Workspace, progress: Progress, key: str, as_of: str = "") -> Json:
    """Whether each stage of the tag's goal is met, not met, or ahead, or there is not enough data, with the numbers.

    The metric is computed as of each stage's date that has come, and as of `as_of` (default: now); `baseline.measured`
    is what it was on the day of the baseline. `state`: that of the last stage that has come; ahead before the first.
    With fewer than 30 people who did anything that counts nothing is judged. Raises UsageError for a tag without goal.
    """
    workspace.load(progress)
    found = known_now(workspace)
    tag = found.tags[known(found.tags, key, "tag")]
    if tag.goal is None:
        raise UsageError(
            f"'{key}' has no goal in numbers",
            where=f"tags/{key}.yml",
            code="no_goal",
            hint="goal: metric, baseline, since and stages; see docs/how-to/life-of-a-tag.md",
        )
    goal = tag.goal
    metric = goals.metric_of(goal)
    all_metrics = definitions.metrics(workspace)
    item = all_metrics[known(all_metrics, metric.name, "metric")]
    now = instant_of(workspace, as_of) if as_of else found.now
    if now > found.now:
        raise UsageError(f"{now.isoformat()} lies ahead", where="as_of")
    since = instant_of(workspace, goal.since)
    ends = [instant_of(workspace, aim.by) for aim in goal.stages]
    moments = sorted({at for at in (since, *ends, now) if at <= now})
    measured = {}
    for place, at in enumerate(moments):
        progress("computing", place, len(moments))
        measured[at] = _number(found, goal, item, at)
    stages = []
    for aim, end in zip(goal.stages, ends, strict=True):
        number = measured.get(end)
        state = (
            "ahead"
            if number is None
            else goals.judged(number.value, active=number.active, target=aim.target, baseline=goal.baseline)
        )
        stages.append({"by": end.isoformat(), "target": aim.target, "state": state, **_told(number)})
    come = [stage["state"] for stage in stages if stage["state"] != "ahead"]
    return {
        "key": key,
        "titles": dict(tag.title),
        "why": tag.why,
        "as_of": now.isoformat(),
        "metric": {"key": item.key, "titles": dict(item.title), "unit": item.unit, "measured": goal.metric},
        "where": goal.where,
        "rising": goal.stages[-1].target > goal.baseline,
        "baseline": {
            "stated": goal.baseline,
            "at": since.isoformat(),
            **_told(measured.get(since)),
        },
        "now": {"at": now.isoformat(), **_told(measured[now])},
        "state": come[-1] if come else "ahead",
        "stages": stages,
        "needed": goals.ENOUGH,
    }


def _number(found: Known, goal: Goal, item: Metric, at: datetime) -> Number:
    """The metric's number as of then; tags in the condition have the values of then."""
    engine = found.workspace.engine
    window = goals.metric_of(goal).window
    where = parse(goal.where) if goal.where else None
    fresh = Fresh(found.names, found.graph.tags)
    if where is not None:
        check_expression(where, fresh, kind="person")
    named = set() if where is None else t.names_of(where) & found.graph.tags.keys()

    def number(reads: Engine | Transaction, names: Catalog) -> Number:
        return number_at(item, window, reads, catalog=names, as_of=at, where=where)

    if not named:
        return number(engine, fresh)
    for need in found.graph.closure(named):
        check(found.graph.tags[need], found.graph, catalog=fresh, as_of=at)
    with tags_at(engine, found.graph, named, catalog=fresh, as_of=at) as (tx, then):
        return number(tx, then)


def _told(number: Number | None) -> Json:
    return {
        "value": None if number is None else number.value,
        "active": None if number is None else number.active,
    }
