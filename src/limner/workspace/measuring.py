"""Verbs of metrics: which there are, who uses each, and a metric's number over a period by tags."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from limner.accounts.model import LOCAL, Caller
from limner.errors import UsageError
from limner.metrics.model import Metric
from limner.metrics.number import MOST_TAGS, Number, number, of_nobody
from limner.tags.graph import metrics
from limner.tags.masking import masked
from limner.tags.measures import judging
from limner.types import MONEY_SCALE, Json, ValueType, utc
from limner.workspace import definitions
from limner.workspace.catalog import known
from limner.workspace.knowing import instant_of
from limner.workspace.tagging import Known, hidden_from, known_now
from limner.workspace.workspace import Workspace


def metric_list(workspace: Workspace) -> Json:
    """Every metric: what it measures, and the tags that are made of it and that are judged by it."""
    found = known_now(workspace)
    return {"metrics": [_row(item, found) for item in definitions.metrics(workspace).values()]}


def metric_show(
    workspace: Workspace,
    key: str,
    start: str = "",
    end: str = "",
    by: list[str] = [],  # noqa: B006 - never changed
    caller: Caller = LOCAL,
) -> Json:
    """A metric, and its number over [start, end): of everybody, and by up to three tags as they are now.

    Without `end` until now, without `start` from the 30 days before. `rows` add up to `total`; `unnamed`: how many
    of its events name nobody, which no person's number holds.
    """
    workspace.load()
    found = known_now(workspace)
    all_metrics = definitions.metrics(workspace)
    item = all_metrics[known(all_metrics, key, "metric")]
    names = definitions.catalog(workspace)
    last = instant_of(workspace, end)
    first = last - timedelta(days=30) if not start else instant_of(workspace, start)
    if first >= last:
        raise UsageError("the period ends before it begins", where="start")
    keys = list(dict.fromkeys(by))
    if len(keys) > MOST_TAGS:
        raise UsageError(f"a number is told by one to {MOST_TAGS} tags", where="by", code="too_many")
    kinds = []
    for name in keys:
        known(names.tag_keys(), name, "tag")
        typed = names.tag(name)
        kinds.append(ValueType.TEXT if typed is None else typed[1])
    hidden = [hidden_from(found.tags.get(name), workspace, caller) for name in keys]
    total, rows, more = number(
        item, workspace.engine, catalog=names, first=first, last=last, now=found.now, by=keys
    )
    return {
        **_row(item, found),
        "start": utc(first).isoformat(),
        "end": utc(last).isoformat(),
        "by": keys,
        "masked": any(hidden),
        "unnamed": of_nobody(item, workspace.engine, catalog=names, first=first, last=last),
        "total": _told(total, (), ()),
        "rows": [_told(row, kinds, hidden) for row in rows],
        "more": more,
    }


def _row(item: Metric, found: Known) -> Json:
    return {
        "key": item.key,
        "titles": dict(item.title),
        "measure": item.measure,
        "unit": item.unit,
        "zone": item.zone or found.names.zone,
        "owner": item.owner,
        "why": item.why,
        "tags": sorted(key for key, tag in found.tags.items() if item.key in metrics(tag)),
        "judges": sorted(key for key, tag in found.tags.items() if item.key in judging(tag)),
    }


def _told(row: Number, kinds: Any, hidden: Any) -> Json:
    values = [
        _value(value, kind) if not hide or value is None else masked(str(value))
        for value, kind, hide in zip(row.values, kinds, hidden, strict=True)
    ]
    return {
        "values": values,
        "people": row.people,
        "active": row.active,
        "parts": list(row.parts),
        "value": row.value,
    }


def _value(value: Any, kind: ValueType) -> Any:
    if isinstance(value, datetime):
        return utc(value).isoformat()
    return value / MONEY_SCALE if kind is ValueType.MONEY and value is not None else value
