"""Prometheus metrics, read from the stores at each scrape: nothing is counted twice, nothing is lost by a restart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text

from limner.accounts.keys import sources
from limner.tags import publish
from limner.workspace.realtime import freshness

if TYPE_CHECKING:
    from limner.workspace.workspace import Workspace


def exposition(workspace: Workspace) -> bytes:
    """All metrics as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(_State(workspace))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _State(Collector):
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._events()
        yield from self._tags()
        yield from self._messages()
        health = self._workspace.health()
        yield GaugeMetricFamily("healthy", "1 when events are accepted and loaded", int(health["healthy"]))
        yield GaugeMetricFamily(
            "load_behind", "1 when the log holds events not yet loaded", int(health["behind"])
        )
        failed = CounterMetricFamily("runs_failed", "runs that failed")
        failed.add_metric([], self._workspace.runs.failures())
        yield failed

    def _events(self) -> Iterator[Metric]:
        names = {source.source_i: source.name for source in sources(self._workspace.records)}
        rows = self._workspace.engine.read(
            "SELECT source_i, SUM(received)::BIGINT AS received, SUM(stored)::BIGINT AS stored,"
            " SUM(duplicate)::BIGINT AS duplicate, SUM(quarantined)::BIGINT AS quarantined,"
            " SUM(rejected)::BIGINT AS rejected FROM counters GROUP BY source_i"
        ).to_pylist()
        for what in ("received", "stored", "duplicate", "quarantined", "rejected"):
            family = CounterMetricFamily(f"events_{what}", f"events {what}", labels=["source"])
            for row in rows:
                family.add_metric([names.get(row["source_i"], "unknown")], row[what])
            yield family

    def _tags(self) -> Iterator[Metric]:
        applied = publish.applied(self._workspace.engine)
        now = self._workspace.clock()
        alive = int(publish.alive(self._workspace.engine).sum())
        members = GaugeMetricFamily("tag_members", "people with a value", labels=["tag"])
        coverage = GaugeMetricFamily("tag_coverage_ratio", "their share of all people", labels=["tag"])
        staleness = GaugeMetricFamily("tag_staleness_seconds", "age of the values", labels=["tag"])
        for key, state in applied.items():
            members.add_metric([key], state.people)
            if alive:
                coverage.add_metric([key], state.people / alive)
            staleness.add_metric([key], (now - state.as_of).total_seconds())
        yield from (members, coverage, staleness)
        fresh = freshness(self._workspace)
        if fresh is not None:
            yield GaugeMetricFamily("tags_age_seconds", "since tags were last moved on", fresh.age)
            yield GaugeMetricFamily(
                "events_not_in_tags", "events that are loaded and in no tag yet", fresh.events
            )
        latency = None if self._workspace.realtime is None else self._workspace.realtime.latency
        if latency is not None:
            taken = GaugeMetricFamily(
                "event_to_tag_seconds", "from the receipt of events to their tags", labels=["quantile"]
            )
            taken.add_metric(["0.5"], latency.median)
            taken.add_metric(["0.95"], latency.p95)
            yield taken

    def _messages(self) -> Iterator[Metric]:
        with self._workspace.records.read() as connection:
            sent = connection.execute(
                text("SELECT channel, status, COUNT(*) AS n FROM touches GROUP BY channel, status")
            ).all()
            suppressed = connection.execute(
                text("SELECT reason, COUNT(*) AS n FROM touches WHERE status = 'suppressed' GROUP BY reason")
            ).all()
        deliveries = CounterMetricFamily("deliveries", "messages by state", labels=["channel", "status"])
        for channel, status, n in sent:
            deliveries.add_metric([channel, status], n)
        refused = CounterMetricFamily("suppressed", "messages not sent", labels=["reason"])
        for reason, n in suppressed:
            refused.add_metric([reason or ""], n)
        yield from (deliveries, refused)
