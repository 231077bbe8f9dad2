"""The verb of a journey's breakdown: what each way of a split, or each text of a message, did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from limner.campaigns import journey_text, positions
from limner.campaigns.journey import Journey, Send, Split, Step, ways
from limner.campaigns.positions import Running
from limner.campaigns.stepping import chosen
from limner.errors import NotFoundError, UsageError, did_you_mean
from limner.feedback import report as reports
from limner.feedback.breakdown import Group, Told, against_others, breakdown, named
from limner.types import Json
from limner.workspace import definitions, reaching
from limner.workspace.journeying import after_entering, besides_holdout
from limner.workspace.workspace import Workspace


def journey_breakdown(workspace: Workspace, name: str, step: str = "") -> Json:
    """What each way of a split, or each text of a message, did: rates, and the effect where a lot says who got which.

    `step`: a split or a message with variants (default: the first). A split draws everybody who enters, the held out
    too, also who never comes to it: the ways are compared with the held out of the same lot, and with one another.
    A text is chosen by a tag when the message is due, so nobody knows whom of the held out it would have been for:
    rates of those who got it, but no effect. Each effect's interval holds for all groups together in 95 % of all
    repetitions. Raises NotFoundError and UsageError.
    """
    reaching.tell(workspace)
    workspace.load()
    running = positions.running(workspace.records, name)
    if not running:
        raise NotFoundError(f"'{name}' was never started", hint=f"limner journey start {name}")
    journey = definitions.aimed(workspace, journey_text.read(running[0].definition, name))
    step = step or next(iter(parted(journey)), "")
    if step not in parted(journey):
        raise UsageError(
            f"'{step}' is neither a split nor a message with variants" if step else f"'{name}' parts nobody",
            where="step",
            code="not_parted",
            hint=did_you_mean(step, parted(journey)) or ", ".join(parted(journey)) or None,
        )
    return {"name": name, "step": step, **_parts(workspace, running[0], journey, step)}


def parted(journey: Journey) -> list[str]:
    """The steps at which people get one thing or another by a lot or by a tag: splits, and messages with variants."""
    return [name for name, step in journey.steps.items() if isinstance(step, Split) or _several(step)]


def _several(step: Step) -> bool:
    return isinstance(step, Send) and bool(step.variants)


def _parts(workspace: Workspace, running: Running, journey: Journey, name: str) -> Json:
    now = workspace.clock()
    step = journey.steps[name]
    split = step if isinstance(step, Split) else None
    since = None if split is None else _since(workspace, running, name, split)

    def lots(people: Sequence[str]) -> Sequence[str]:
        """Which way each of them goes, or would have gone, at their first entry."""
        names = [way.name for way in ways(step)]
        lot = chosen(step, people, np.ones(len(people), dtype=np.int64), seed=f"{running.seed}\0{name}")
        return [names[place] for place in lot.tolist()]

    people = reports.reactions_in_journey(
        workspace.records,
        workspace.engine,
        running.journey,
        None if split is None else lots,
        step="" if split else name,
        since=since,
    )
    people = besides_holdout(workspace, after_entering(journey, people))
    flags: dict[str, Any] = {
        flag: np.asarray(people[flag].to_numpy(zero_copy_only=False), dtype=np.bool_)
        for flag in ("treated", *reports.REACTIONS)
    }
    treated, sent = flags.pop("treated"), flags.pop("sent")
    converted = money = None
    if journey.goal is not None:
        events = reaching.goal_events(workspace, journey.goal, now)
        converted, money = reports.did(
            workspace.engine, people, events, start=running.started_at, end=now, within=journey.goal.within
        )
    told = Told(treated, sent, flags, converted, money)
    cells, groups = named([one or "" for one in people["variant"].to_pylist()])
    rows = breakdown(cells, groups, told, arms=split is not None)
    others: list[Json | None] = [None] * len(groups)
    if split is not None:
        others = list(against_others(cells, groups, told))
    made = [
        {**_group(group), **_why(row, split is not None), "others": other}
        for group, row, other in zip(groups, rows, others, strict=True)
    ]
    order = [way.name for way in ways(step)] if split else []
    return {
        "by": "split" if split else "variant",
        "since": (since or running.started_at).isoformat(),
        "until": now.isoformat(),
        "people": people.num_rows,
        "groups": sorted(
            made,
            key=lambda row: (
                row["kind"] == "unknown",
                order.index(row["value"]) if split else -row["people"],
            ),
        ),
    }


def _why(row: Json, drawn: bool) -> Json:
    """The row; of a text why there is no effect."""
    return row if drawn or row["why_not"] != "not_drawn_by_it" else {**row, "why_not": "chosen_by_tag"}


def _group(group: Group) -> Json:
    return {
        "kind": "unknown" if group.unknown else "value",
        "value": None if group.unknown else str(group.value),
        "low": None,
        "high": None,
    }


def _since(workspace: Workspace, running: Running, name: str, split: Split) -> datetime | None:
    """Since when the split draws as it does now; None: since the journey began."""
    found: datetime | None = None
    for version in positions.versions(workspace.records, running.journey):
        step = journey_text.read(version.definition, running.journey).steps.get(name)
        same = isinstance(step, Split) and (
            [(one.name, one.percent) for one in step.shares]
            == [(one.name, one.percent) for one in split.shares]
        )
        if not same:
            return found
        found = version.at
    return None
