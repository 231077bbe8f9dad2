"""Goal: the `goal` of a tag file, from which number of a metric to which by when; and whether a target is met.

```yaml
goal:
  metric: metric(orders in last 30 days)
  where: value_tier = 'high'
  baseline: 120
  since: 2026-05-01
  stages:
    - {by: 2026-07-01, target: 130}
    - {by: 2026-10-01, target: 150}
```
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limner.errors import DefinitionError, ExpressionError
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.check import check
from limner.expressions.parse import parse, parse_value
from limner.expressions.printer import to_text
from limner.tags.document import Document, moment
from limner.tags.model import Aim, Goal, Tag
from limner.tags.tiers import number

KEYS = ("metric", "where", "baseline", "since", "stages")
AIM = ("by", "target")
MOST_STAGES = 24
ENOUGH = 30
"""Of fewer people who did anything that counts nothing is judged."""


def read(document: Document) -> Goal | None:
    """What the file says of its goal; None when it says nothing. Raises DefinitionError at the place that is wrong."""
    if document.value("goal") is None:
        return None
    if not isinstance(document.value("goal"), Mapping):
        hint = "metric, baseline, since and stages"
        raise document.error("'goal' is a mapping", "goal", hint=hint)
    document.known_keys(KEYS, "goal")
    for key in ("baseline", "since", "stages"):
        if document.value("goal", key) is None:
            raise document.error(f"'{key}' is missing", "goal", code="missing")
    baseline = number(document, document.value("goal", "baseline"), "goal", "baseline")
    goal = Goal(
        metric=_metric(document),
        baseline=baseline,
        since=document.date("goal", "since"),
        stages=_stages(document, baseline),
        where=_where(document),
    )
    if moment(goal.stages[0].by) <= moment(goal.since):
        raise document.error("the first stage ends after 'since'", "goal", "stages", 0, "by")
    return goal


def _metric(document: Document) -> str:
    said = document.string("goal", "metric", required=True)
    try:
        tree = parse_value(said)
    except ExpressionError as error:
        raise document.wrapped(error, "goal", "metric") from error
    if not isinstance(tree, t.Metric) or tree.window is None:
        raise document.error(
            "a goal is measured by one metric in a window",
            "goal",
            "metric",
            hint="metric(revenue in last 30 days)",
        )
    return to_text(tree)


def _where(document: Document) -> str:
    said = document.string("goal", "where")
    try:
        return to_text(parse(said)) if said else ""
    except ExpressionError as error:
        raise document.wrapped(error, "goal", "where") from error


def _stages(document: Document, baseline: float) -> tuple[Aim, ...]:
    listed = document.value("goal", "stages")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_STAGES:
        raise document.error(
            f"'stages' is a list of 1 to {MOST_STAGES}",
            "goal",
            "stages",
            hint="- {by: 2026-07-01, target: 15}",
        )
    found: list[Aim] = []
    for place, item in enumerate(listed):
        if not isinstance(item, Mapping):
            raise document.error("a stage has by and target", "goal", "stages", place)
        document.known_keys(AIM, "goal", "stages", place)
        for key in AIM:
            if key not in item:
                raise document.error(f"'{key}' is missing", "goal", "stages", place, code="missing")
        aim = Aim(
            document.date("goal", "stages", place, "by"),
            number(document, item["target"], "goal", "stages", place, "target"),
        )
        if aim.target == baseline:
            raise document.error("a target differs from the baseline", "goal", "stages", place, "target")
        if found and moment(aim.by) <= moment(found[-1].by):
            raise document.error("stages are in the order of their dates", "goal", "stages", place, "by")
        found.append(aim)
    return tuple(found)


def written(goal: Goal) -> dict[str, Any]:
    """What a tag file says of the goal."""
    return {
        "metric": goal.metric,
        **({"where": goal.where} if goal.where else {}),
        "baseline": goal.baseline,
        "since": goal.since,
        "stages": [{"by": aim.by, "target": aim.target} for aim in goal.stages],
    }


def problems(tag: Tag, catalog: Catalog) -> list[DefinitionError]:
    """What is wrong in the condition of the tag's goal, by what is known here."""
    if tag.goal is None or not tag.goal.where:
        return []
    try:
        check(parse(tag.goal.where), catalog)
    except ExpressionError as error:
        document = Document(tag.text or "", where=f"tags/{tag.key}.yml")
        return [document.wrapped(error, "goal", "where")]
    return []


def metric_of(goal: Goal) -> t.Metric:
    """The metric by which it is measured, in its window."""
    tree = parse_value(goal.metric)
    if not isinstance(tree, t.Metric):
        raise TypeError(f"a {type(tree).__name__} as a goal's metric")
    return tree


def judged(value: float | None, *, active: int, target: float, baseline: float) -> str:
    """Whether the target is met: met, not_met, or not_enough_data below 30 people who did anything that counts.

    A target above the baseline is to be reached from below, one under it from above.
    """
    if value is None or active < ENOUGH:
        return "not_enough_data"
    reached = value >= target if target > baseline else value <= target
    return "met" if reached else "not_met"


def said(tag: Tag) -> str:
    """By what the tag is judged, in words: its `metric`, else its goal."""
    if tag.metric or tag.goal is None:
        return tag.metric
    last = tag.goal.stages[-1]
    of = f" where {tag.goal.where}" if tag.goal.where else ""
    return f"{tag.goal.metric}{of} from {tag.goal.baseline:g} to {last.target:g} by {last.by}"
