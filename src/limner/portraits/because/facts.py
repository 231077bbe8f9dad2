"""Facts: what is known of one person, as the questions need it, with rows taken away or added. Asks nobody."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from typing import Any

from limner.expressions import tree as t
from limner.types import ValueType

Asked = tuple[t.Event, str]
"""A property of the events of a kind: in sums as whole numbers, else as it is kept."""


@dataclass(frozen=True)
class Happened:
    """The person's events that one `t.Event` means, by time and id. Times are naive UTC.

    `values`: property → id → value (money in 1/10,000, instants as microseconds); events without one are absent.
    `scaled`: the same as whole numbers for sums. `has`: condition → the events that satisfy it.
    """

    ids: tuple[int, ...] = ()
    times: tuple[datetime, ...] = ()
    values: Mapping[str, Mapping[int, Any]] = field(default_factory=dict)
    scaled: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    has: Mapping[t.Expr, frozenset[int]] = field(default_factory=dict)

    def between(self, low: datetime | None, high: datetime) -> range:
        """The places of the events in [low, high)."""
        first = 0 if low is None else bisect_left(self.times, low)
        return range(first, max(first, bisect_left(self.times, high)))

    def without(self, ids: Collection[int]) -> Happened:
        """The same without these events."""
        if not ids or frozenset(ids).isdisjoint(self.ids):
            return self
        kept = [(item, ts) for item, ts in zip(self.ids, self.times, strict=True) if item not in ids]
        return replace(self, ids=tuple(i for i, _ in kept), times=tuple(ts for _, ts in kept))

    def plus(self, more: Iterable[tuple[int, datetime, Match]]) -> Happened:
        """The same with further events."""
        added = list(more)
        if not added:
            return self
        if all(not self.times or ts >= self.times[-1] for _, ts, _ in added):
            late = sorted((ts, item) for item, ts, _ in added)
            times = (*self.times, *(ts for ts, _ in late))
            ids = (*self.ids, *(item for _, item in late))
        else:
            here = [*zip(self.times, self.ids, strict=True), *((ts, item) for item, ts, _ in added)]
            rows = sorted(here)
            times, ids = tuple(ts for ts, _ in rows), tuple(item for _, item in rows)
        return Happened(
            ids,
            times,
            {name: {**held, **_given(added, "values", name)} for name, held in self.values.items()},
            {name: {**held, **_given(added, "scaled", name)} for name, held in self.scaled.items()},
            {test: ids | {i for i, _, match in added if test in match.has} for test, ids in self.has.items()},
        )

    @cached_property
    def totals(self) -> dict[str, tuple[list[int], list[int]]]:
        """Of each property that is summed: the sum, and how many have it, of so many first events."""
        found = {}
        for name, held in self.scaled.items():
            values = list(map(held.get, self.ids))
            sums = [0, *accumulate(value or 0 for value in values)]
            found[name] = (sums, [0, *accumulate(value is not None for value in values)])
        return found


def _given(added: Iterable[tuple[int, datetime, Match]], what: str, name: str) -> dict[int, Any]:
    """The values of a property that added events have."""
    found = ((i, getattr(match, what).get(name)) for i, _, match in added)
    return {i: value for i, value in found if value is not None}


@dataclass(frozen=True)
class Match:
    """How one imagined event would look to one `t.Event` that means it."""

    values: Mapping[str, Any] = field(default_factory=dict)
    scaled: Mapping[str, int] = field(default_factory=dict)
    has: frozenset[t.Expr] = frozenset()


@dataclass(frozen=True)
class Imagined:
    """An event that has not happened: its name, its properties in units, and which `t.Event` would mean it.

    `row`: as the engine would keep it.
    """

    name: str
    properties: tuple[tuple[str, Any], ...]
    matches: Mapping[t.Event, Match] = field(hash=False, compare=False, default_factory=dict)
    row: Mapping[str, Any] = field(hash=False, compare=False, default_factory=dict)


Ask = Callable[[t.Node, "Facts", datetime], Any]
"""The engine's answer to a condition or value, by facts as of an instant."""


@dataclass(frozen=True)
class Facts:
    """What is known of one person just before `at`.

    `fixed`: tests that neither events nor time turn; `since`: since when a condition for a time has held; `said`:
    values of attributes by type; `about`: which attributes a test reads; `gone`: attributes that are taken away;
    `turned`: answers to `fixed` tests that are imagined; `off`: lists kept by hand from which the person is taken.
    `drawn`: what was drawn for each sample, from 0 to 1. `removed`, `added`: events that are taken away or imagined, of
    which `ask` tells the engine.
    """

    at: datetime
    zone: str
    rows: Mapping[t.Event, Happened]
    kinds: Mapping[str, ValueType]
    fixed: Mapping[t.Expr, bool]
    since: Mapping[t.Expr, datetime | None]
    said: Mapping[tuple[t.Value, ValueType], Any]
    about: Mapping[t.Expr, tuple[str, ...]]
    gone: frozenset[str] = frozenset()
    turned: Mapping[t.Expr, bool] = field(default_factory=dict)
    off: frozenset[str] = frozenset()
    drawn: Mapping[t.Expr, float] = field(default_factory=dict)
    removed: frozenset[int] = frozenset()
    added: tuple[tuple[Imagined, datetime], ...] = ()
    ask: Ask | None = field(default=None, compare=False)

    def without(
        self, ids: Collection[int], attributes: Collection[str] = (), lists: Collection[str] = ()
    ) -> Facts:
        """The same, had these events not happened, these attributes never been told, on none of these lists."""
        ids = frozenset(ids)
        return replace(
            self,
            rows={event: found.without(ids) for event, found in self.rows.items()} if ids else self.rows,
            gone=self.gone | frozenset(attributes),
            off=self.off | frozenset(lists),
            removed=self.removed | ids,
        )

    def plus(self, events: Iterable[tuple[Imagined, datetime]]) -> Facts:
        """The same, with further events. Their ids are below zero, and none that were added before."""
        given = list(events)
        if not given:
            return self
        lowest = min((i for found in self.rows.values() for i in found.ids), default=0)
        lowest = min(lowest, 0)
        numbered = [(lowest - 1 - n, imagined, ts) for n, (imagined, ts) in enumerate(given)]
        return replace(
            self,
            rows={
                event: found.plus(
                    (n, ts, imagined.matches[event])
                    for n, imagined, ts in numbered
                    if event in imagined.matches
                )
                for event, found in self.rows.items()
            },
            added=(*self.added, *given),
        )

    def asked(self, node: t.Node, at: datetime) -> Any:
        """What only the engine says, by these facts at the instant; None when it is missing."""
        if self.ask is None:
            raise TypeError(f"nobody can be asked: {node!r}")
        return self.ask(node, self, at)

    def turning(self, tests: Mapping[t.Expr, bool], since: Mapping[t.Expr, datetime | None]) -> Facts:
        """The same, with other answers to tests of attributes; what held already holds since when it did."""
        if not tests and not since:
            return self
        held = {leaf: begin and (self.since.get(leaf) or begin) for leaf, begin in since.items()}
        return replace(self, turned={**self.turned, **tests}, since={**self.since, **held})

    def test(self, leaf: t.Expr) -> bool:
        """The answer to a test that neither events nor time turn."""
        if self.is_gone(leaf) or (isinstance(leaf, t.InAudience) and leaf.name in self.off):
            return False
        return self.turned.get(leaf, self.fixed[leaf])

    def is_gone(self, leaf: t.Expr) -> bool:
        """Whether an attribute that the test reads is taken away."""
        return bool(self.gone) and not self.gone.isdisjoint(self.about.get(leaf, ()))

    @property
    def everything(self) -> frozenset[int]:
        """The ids of all events that are looked at."""
        return frozenset(i for found in self.rows.values() for i in found.ids)
