"""Keeps the tags up with the events between runs: a step as soon as events were loaded, and every minute for time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from limner.events.load import loads
from limner.tags import aside, publish, realtime, running
from limner.tags.graph import build
from limner.tags.model import Tag
from limner.tags.realtime import StepReport
from limner.tags.standing import Standing
from limner.workspace import definitions, times
from limner.workspace.workspace import Workspace

IDLE = timedelta(minutes=1)
"""So often tags follow the passing of time when no event comes."""

RESTS = 3.0
"""After a step it rests so many times as long as the step took: others want the machine too."""


@dataclass(frozen=True)
class Latency:
    """From the receipt of an event to its tags, in seconds, over the latest steps; `events`: how many were measured."""

    events: int
    median: float
    p95: float


@dataclass(frozen=True)
class Freshness:
    """How far the published tags are behind: seconds since they were last moved on, events that are in none yet."""

    age: float
    events: int


def freshness(workspace: Workspace) -> Freshness | None:
    """How fresh all tags are together; None before the first run."""
    current = publish.current(workspace.engine)
    if current is None:
        return None
    behind = workspace.engine.read(
        "SELECT COUNT(*) AS n FROM events WHERE load_i > (SELECT COALESCE(MAX(load_i), 0) FROM homes)"
    )
    return Freshness((workspace.clock() - current.as_of).total_seconds(), int(behind["n"][0].as_py()))


class Realtime:
    """Steps while the workspace is open. It waits where only a run can go on: definitions changed, values expired."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._load_i = self._epoch = -1
        self._at: datetime | None = None
        self._standing: Standing | None = None
        self._took: deque[tuple[int, float, float]] = deque(maxlen=50)

    def run(self) -> None:
        """Steps until the workspace is closed."""
        pause = least = self._workspace.config.realtime_seconds
        while not self._workspace.stopping.wait(pause):
            began = time.monotonic()
            try:
                self.once()
                pause = max(least, RESTS * (time.monotonic() - began))
            except Exception as error:  # the tags of the last run stay; the next run finds what is wrong
                self._workspace.runs.alert("real time failed", {"error": f"{type(error).__name__}: {error}"})
                self._workspace.stopping.wait(IDLE.total_seconds())

    def once(self) -> StepReport | None:
        """One step, when something came or a minute has passed; None when there was none to take."""
        workspace = self._workspace
        load_i, now = loads(workspace.engine), workspace.clock()
        columns = workspace.columns
        if columns is None:
            return None
        idle = self._at is not None and now - self._at < IDLE
        if idle and load_i == self._load_i and columns.epoch == self._epoch:
            return None
        every = definitions.tags(workspace)
        waiting = aside.listed(workspace.engine)
        tags = {key: tag for key, tag in every.items() if key not in waiting}
        catalog = definitions.catalog(workspace)
        before, self._load_i, self._at, self._epoch = self._load_i, load_i, now, columns.epoch
        graph = build(tags, catalog.audience)
        report = realtime.step(
            workspace.engine,
            graph,
            catalog=catalog,
            as_of=now,
            run_id=workspace.new_id(),
            columns=columns,
            standing=self._standing,
            ready=workspace.hold,
        )
        if report is None and realtime.scattered(workspace.engine, graph, catalog=catalog, as_of=now):
            self._gather(every, now)
        if report is not None:
            self._epoch, self._standing = report.epoch, report.standing
            if before >= 0:
                self._measure(before, load_i)
        return report

    def _gather(self, tags: Mapping[str, Tag], now: datetime) -> None:
        """A run of all tags, as they are applied: from then on steps can be taken again."""
        workspace = self._workspace
        with workspace.runs.run("tag run", "after some were computed apart") as detail:
            report = running.run(
                workspace.engine,
                tags,
                catalog=definitions.catalog(workspace),
                as_of=now,
                run_id=detail["run"],
                columns_dir=workspace.paths.columns,
                published=workspace.columns,
            )
            times.keep(workspace, detail, report)

    def _measure(self, after: int, until: int) -> None:
        """How long the events of these loads took to their tags."""
        rows = self._workspace.engine.read(
            "SELECT COUNT(*) AS events, QUANTILE_DISC(received_at, 0.5) AS median, MIN(received_at) AS first"
            " FROM events WHERE load_i > $after AND load_i <= $until",
            {"after": after, "until": until},
        ).to_pylist()[0]
        if rows["events"]:
            now = self._workspace.clock().replace(tzinfo=None)
            self._took.append(
                (
                    rows["events"],
                    (now - rows["median"]).total_seconds(),
                    (now - rows["first"]).total_seconds(),
                )
            )

    @property
    def latency(self) -> Latency | None:
        """Of the latest steps; None before any event came. `p95` is that of the steps' oldest events."""
        took = list(self._took)
        if not took:
            return None
        medians, oldest = sorted(item[1] for item in took), sorted(item[2] for item in took)
        return Latency(
            sum(item[0] for item in took), medians[len(took) // 2], oldest[int(0.95 * (len(took) - 1))]
        )
