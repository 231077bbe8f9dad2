"""When and by which channel people are best written to: read of what they did, set by set, when it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from limner.campaigns import best_channel, best_hour
from limner.campaigns.best_hour import EVERYBODY, NOBODY, PERSON, SEGMENT, WHOSE, Ints
from limner.campaigns.model import Campaign
from limner.campaigns.policy import Asked, silence
from limner.campaigns.rules import Hours, Policy
from limner.columns import Column
from limner.events.model import IMPORTABLE
from limner.feedback import receipts
from limner.tags import publish
from limner.touches import answers, habits
from limner.types import Json, ValueType
from limner.workspace import definitions, knowing
from limner.workspace.catalog import WorkspaceCatalog
from limner.workspace.workspace import Workspace

OWN = (receipts.SENT, receipts.FAILED, receipts.DELIVERED, receipts.OPENED, receipts.UNSUBSCRIBED)
"""What is written about messages and says nothing of when somebody is there."""
AT_ONCE = 500_000
"""So many people's habits are held in memory together."""

Ordinals = npt.NDArray[np.uint32]
NOBODY_ALIKE: Ordinals = np.empty(0, dtype=np.uint32)
"""Nobody whose own habits and answers are left out."""


@dataclass(frozen=True, eq=False)
class Crowds:
    """The habits of everybody and of each segment: observations, and each one's share of the hours.

    The last row is everybody's; the segment of a code stands at its number, 0 is nobody's.
    """

    n: Ints
    shares: Ints

    @property
    def everybody(self) -> int:
        """The row of everybody."""
        return len(self.n) - 1


@dataclass(frozen=True, eq=False)
class Habits:
    """How some people's days look: observations by hour, whose habit counts, and how good each band is.

    `counted`: the observations of whoever's habit counts.
    """

    n: Ints
    counted: Ints
    whose: npt.NDArray[np.int8]
    scores: Ints
    clocks: habits.Clocks


@dataclass(frozen=True, eq=False)
class Dues:
    """When each of some people is due, in which hour of their clock (-1: no hour is open), and why.

    `best`: where their best band begins; in it are `n` of `of` observations of whoever's habit it is (`whose`).
    """

    at: Ints
    hour: npt.NDArray[np.int8]
    best: npt.NDArray[np.int8]
    n: Ints
    of: Ints
    whose: npt.NDArray[np.int8]
    band: int

    def listed(self) -> Iterator[Json]:
        """Why, of each of them."""
        return map(self.said, range(len(self.at)))

    def said(self, place: int) -> Json:
        """Why, of one of them."""
        return {
            "hour": int(self.hour[place]),
            "best": int(self.best[place]),
            "band": self.band,
            "n": int(self.n[place]),
            "of": int(self.of[place]),
            "whose": WHOSE[int(self.whose[place])],
        }


_crowds: WeakKeyDictionary[Workspace, dict[tuple[Hours, datetime], Crowds]] = WeakKeyDictionary()
_lock = Lock()


def crowds(workspace: Workspace, hours: Hours, *, now: datetime) -> Crowds:
    """The habits of the others, as they were when this hour began: asked once in an hour."""
    key = (hours, now.replace(minute=0, second=0, microsecond=0))
    with _lock:
        found = _crowds.setdefault(workspace, {})
        if key not in found:
            made = _crowds_made(workspace, hours, begun=key[1], now=now)
            found.clear()
            found[key] = made
        return found[key]


def _crowds_made(workspace: Workspace, hours: Hours, *, begun: datetime, now: datetime) -> Crowds:
    ixs = workspace.engine.read(f"SELECT ix FROM ({publish.ALIVE}) ORDER BY ix").column("ix").to_numpy()
    codes = _segments(workspace, hours, ixs)
    number = int(codes.max(initial=0)) + 1
    counted = habits.counted(
        workspace.engine,
        ixs,
        codes,
        habits.clocks(workspace.engine, ixs, usual=workspace.config.tz, now=now),
        number=number,
        which=_which(definitions.catalog(workspace), hours),
        half_life=hours.half_life,
        now=begun,
    )
    everybody, everybody_n = counted.weighted.sum(axis=0), counted.n.sum(axis=0)
    shares = [
        best_hour.others(everybody, counted.weighted[code], prior=hours.prior) for code in range(number)
    ]
    return Crowds(
        np.vstack([counted.n, everybody_n]),
        np.vstack([*shares, best_hour.others(everybody, None, prior=hours.prior)]),
    )


def _segments(workspace: Workspace, hours: Hours, ixs: Ordinals) -> Ints:
    """The number of each one's segment; 0 where there is none, or nobody knows it."""
    found = np.zeros(len(ixs), dtype=np.int64)
    column = segment_of(workspace, hours)
    if column is not None and column.codes is not None:
        inside = ixs < column.n
        found[inside] = column.codes[ixs[inside]]
    return found


def segment_of(workspace: Workspace, hours: Hours) -> Column | None:
    """The published tag that cuts the segments; None where there is none, or it has too many values."""
    columns = knowing.live(workspace)
    if not hours.segment or columns is None or hours.segment not in columns:
        return None
    column = columns[hours.segment]
    return column if column.type in (ValueType.TEXT, ValueType.FLAG) else None


def _which(names: WorkspaceCatalog, hours: Hours) -> str:
    """The test of events that count."""
    wanted = hours.events or [
        name
        for name in names.event_names()
        if name not in OWN and (name in IMPORTABLE or not name.startswith("$"))
    ]
    codes = {code for name in wanted for code in names.event_codes(name)}
    machine = names.property("machine")
    return habits.test_of(
        sorted(codes), machine[0] if machine is not None and machine[1] is ValueType.FLAG else ""
    )


def habits_of(
    workspace: Workspace, ixs: Ordinals, hours: Hours, *, now: datetime, alike: Ordinals = NOBODY_ALIKE
) -> Habits:
    """How the days of these people look, each on their own clock; of those who are `alike`, as everybody's do."""
    crowd = crowds(workspace, hours, now=now)
    there = habits.clocks(workspace.engine, ixs, usual=workspace.config.tz, now=now)
    own = habits.counted(
        workspace.engine,
        ixs,
        np.arange(len(ixs), dtype=np.int64),
        there,
        number=len(ixs),
        which=_which(definitions.catalog(workspace), hours),
        half_life=hours.half_life,
        now=now,
    )
    codes = _segments(workspace, hours, ixs)
    codes[codes >= crowd.everybody] = 0  # a segment that is younger than this hour
    enough = crowd.n.sum(axis=1) >= hours.least
    same = np.isin(ixs, alike)
    segmented = (codes > 0) & enough[codes] & ~same
    row = np.where(segmented, codes, crowd.everybody)
    seen = own.n.sum(axis=1)
    known = (seen >= hours.least) & ~same
    whose = np.where(
        known, PERSON, np.where(segmented, SEGMENT, EVERYBODY if enough[crowd.everybody] else NOBODY)
    ).astype(np.int8)
    scores = best_hour.scores(
        own.weighted, seen, known, crowd.shares[row], prior=hours.prior, band=hours.band
    )
    return Habits(own.n, np.where(known[:, None], own.n, crowd.n[row]), whose, scores, there)


def dues(
    workspace: Workspace,
    ixs: Ordinals,
    item: Campaign,
    policy: Policy,
    *,
    now: datetime,
    within: timedelta,
    alike: Ordinals = NOBODY_ALIKE,
) -> Dues:
    """When each of these people is due by the best hour of their own clock within so long, never in silence.

    `alike`: people for whom everybody's best hour counts.
    """
    parts = [
        _dues(workspace, ixs[start : start + AT_ONCE], item, policy, now=now, within=within, alike=alike)
        for start in range(0, max(len(ixs), 1), AT_ONCE)
    ]

    def joined(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    return Dues(
        joined("at"),
        joined("hour"),
        joined("best"),
        joined("n"),
        joined("of"),
        joined("whose"),
        policy.hours.band,
    )


def _dues(
    workspace: Workspace,
    ixs: Ordinals,
    item: Campaign,
    policy: Policy,
    *,
    now: datetime,
    within: timedelta,
    alike: Ordinals,
) -> Dues:
    found = habits_of(workspace, ixs, policy.hours, now=now, alike=alike)
    asked = Asked(item.name, item.message_class, item.channel, quiet=item.quiet)
    at = np.full(len(ixs), best_hour.micros(now), dtype=np.int64)
    hour = np.full(len(ixs), -1, dtype=np.int8)
    for number, zone in enumerate(found.clocks.zones):
        mine = np.flatnonzero((found.clocks.of == number) & (found.whose != NOBODY))
        if len(mine):
            there = best_hour.openings(now, within, zone, partial(_silent, asked, policy, zone))
            at[mine], hour[mine] = best_hour.chosen(found.scores[mine], there)
    best = found.scores.argmax(axis=1).astype(np.int8)
    rows = np.arange(len(ixs))
    in_band = best_hour.in_bands(found.counted, policy.hours.band)[rows, best]
    return Dues(at, hour, best, in_band, found.counted.sum(axis=1), found.whose, policy.hours.band)


def _silent(asked: Asked, policy: Policy, zone: ZoneInfo, at: datetime) -> bool:
    return silence(asked, policy, at, zone) is not None


def reason(*, hour: Json | None = None, channel: Json | None = None) -> str:
    """What is kept with a message of why it goes when and by what; '' where nothing was chosen."""
    said = {name: value for name, value in (("hour", hour), ("channel", channel)) if value is not None}
    return json.dumps(said, separators=(",", ":")) if said else ""


# channels


def answers_of(
    workspace: Workspace,
    ixs: Ordinals,
    channels: Sequence[str],
    message_class: str,
    policy: Policy,
    *,
    now: datetime,
) -> best_channel.Answers:
    """How these people, and everybody, answered on each channel so far."""
    names = definitions.catalog(workspace)

    def codes(*events: str) -> list[int]:
        return [code for event in events if event for code in names.event_codes(event)]

    def column(name: str, *kinds: ValueType) -> str:
        known = names.property(name)
        return known[0] if known is not None and known[1] in kinds else ""

    return answers.found(
        workspace.engine,
        ixs,
        channels,
        names=answers.Names(
            sent=codes(receipts.SENT),
            reactions=codes(receipts.CLICKED, receipts.REPLIED),
            left=codes(receipts.UNSUBSCRIBED),
            goal=codes(policy.response.goal),
            channel=column("channel", ValueType.TEXT),
            message=column("message_id", ValueType.TEXT),
            machine=column("machine", ValueType.FLAG),
            message_class=column("class", ValueType.TEXT),
        ),
        response=policy.response,
        message_class=message_class,
        now=now,
    )


@dataclass(frozen=True, eq=False)
class Worths:
    """What a message is worth by person and channel, and the counts on which that rests."""

    channels: Sequence[str]
    answers: best_channel.Answers
    likely: best_channel.Floats
    worth: best_channel.Floats

    def listed(self) -> Iterator[Json]:
        """Of each person; see `said`."""
        return map(self.said, range(len(self.worth)))

    def said(self, place: int) -> Json:
        """Of one person by channel: how many messages, how many were answered, and how likely the next is."""
        return {
            channel: [
                int(self.answers.answered[place, at]),
                int(self.answers.asked[place, at]),
                round(float(self.likely[place, at]), 4),
            ]
            for at, channel in enumerate(self.channels)
        }


def worths_of(
    workspace: Workspace,
    ixs: Ordinals,
    item: Campaign,
    policy: Policy,
    *,
    now: datetime,
    alike: Ordinals = NOBODY_ALIKE,
) -> Worths:
    """What the campaign's message is worth to send to each of these people by each of its channels.

    `alike`: people for whom everybody's answers count.
    """
    found = answers_of(workspace, ixs, item.channels, item.message_class, policy, now=now)
    if len(alike):
        own = ~np.isin(ixs, alike)[:, None]
        found = replace(found, asked=found.asked * own, answered=found.answered * own)
    likely = best_channel.shares(found, prior=policy.response.prior)
    costs = [policy.cost(channel, item.message_class) for channel in item.channels]
    return Worths(item.channels, found, likely, best_channel.worth(likely, costs, item.response_value))
