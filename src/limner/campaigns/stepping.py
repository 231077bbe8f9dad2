"""Where somebody stands in a journey, and where they go: pure, by one person or by many at once.

Everything about the world is an argument: the instant, the zone, what happened, what is true. All who stand at one
step are decided together: `chosen` says for each which of the step's ways is theirs, as its place in `ways`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from limner.campaigns.journey import END, Again, Branch, Journey, Split, Step, Until, Wait, WaitFor, ways

_A_WEEK = 7


def due(step: Step, arrived: datetime, zone: ZoneInfo) -> datetime:
    """When somebody who arrives at the step is looked at: an instant (UTC) not before `arrived`.

    `zone`: the person's. For an event that is waited for, when the waiting ends.
    """
    match step:
        case Wait():
            return arrived + step.length
        case Until():
            return next_time(arrived, step.at, step.days, zone)
        case WaitFor():
            return arrived + step.at_most
        case _:
            return arrived


def next_time(now: datetime, at: time, days: Sequence[int], zone: ZoneInfo) -> datetime:
    """The first instant (UTC) after `now` at which clocks in the zone show this time on one of these days.

    `days`: 1 is Monday, none is any. A time that a change of clocks skips is the instant at which clocks pass it; one
    that comes twice is the first.
    """
    today = now.astimezone(zone).date()
    for ahead in range(_A_WEEK + 2):
        day = today + timedelta(days=ahead)
        if days and day.isoweekday() not in days:
            continue
        found = on_clocks(day, at, zone)
        if found > now:
            return found
    raise ValueError("a week has every day")  # pragma: no cover


def on_clocks(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant (UTC) of a time of a day; one that is skipped counts as the instant at which clocks pass it."""
    found = datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == datetime.combine(day, at):
        return found
    # The clocks were put forward over it: with the later reading the same time lies just behind the gap's other end.
    before = datetime.combine(day, at, tzinfo=zone).replace(fold=1).astimezone(UTC)
    low, high = sorted((found, before))
    offset = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def chosen(
    step: Step,
    people: Sequence[str],
    entries: NDArray[np.int64],
    *,
    seed: str,
    came: NDArray[np.bool_] | None = None,
    true: Callable[[str], NDArray[np.bool_]] | None = None,
) -> NDArray[np.int64]:
    """Which way each of these people goes who is due at the step, as its place in `ways`; shape (len(people),).

    `entries`: how many times each has entered. `came`: who did what is waited for. `true`: of whom a condition holds.
    """
    match step:
        case WaitFor():
            if came is None:
                raise TypeError("it has to be known who came")
            return (~came).astype(np.int64)
        case Branch():
            if true is None:
                raise TypeError("it has to be known what is true")
            way = np.full(len(people), len(step.cases), dtype=np.int64)
            left = np.ones(len(people), dtype=np.bool_)
            for number, case in enumerate(step.cases):
                mine = left & true(case.when)
                way[mine] = number
                left &= ~mine
            return way
        case Split():
            bounds = np.cumsum([share.percent for share in step.shares])
            lots = (
                drawn(people, entries if not step.sticky else np.zeros_like(entries), seed=seed) * bounds[-1]
            )
            found = np.searchsorted(bounds, lots, side="right")
            lot: NDArray[np.int64] = np.minimum(found, len(step.shares) - 1).astype(np.int64)
            return lot
        case _:
            return np.zeros(len(people), dtype=np.int64)


def drawn(people: Sequence[str], entries: NDArray[np.int64], *, seed: str) -> NDArray[np.float64]:
    """A lot in [0, 1) for each of these people at this entry; the same question has the same answer."""
    key = blake2b(seed.encode(), digest_size=32).digest()
    numbers = np.fromiter(
        (
            int.from_bytes(blake2b(f"{person}\0{entry}".encode(), digest_size=8, key=key).digest(), "big")
            for person, entry in zip(people, entries.tolist(), strict=True)
        ),
        dtype=np.uint64,
        count=len(people),
    )
    lots: NDArray[np.float64] = (numbers >> np.uint64(11)).astype(np.float64) / float(2**53)
    return lots


def may_enter(
    again: Again,
    *,
    inside: NDArray[np.bool_],
    entries: NDArray[np.int64],
    since: NDArray[np.int64],
    ended: NDArray[np.int64],
    at: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Who of some people may enter at their instants: nobody who is inside or was then, others as `again` says.

    `entries`: how many times each has entered; `since` and `ended`: when they last did and when that ended, in
    microseconds, as `at` is. What let somebody in lets them in no second time.
    """
    new = entries == 0
    waited = (since + int(again.after / timedelta(microseconds=1)) <= at) & (since < at) & (ended <= at)
    answer: NDArray[np.bool_] = ~inside & (new | (waited & again.ever))
    return answer


@dataclass(frozen=True)
class Position:
    """Where one person stands: at a step since `arrived`, looked at when `due`; a journey that ended is at `END`."""

    person: str
    entry: int
    step: str
    arrived: datetime
    due: datetime


@dataclass(frozen=True)
class Visit:
    """A step that a person passed, and by which way."""

    step: str
    way: str
    at: datetime


def walked(
    journey: Journey,
    position: Position,
    *,
    now: datetime,
    zone: ZoneInfo,
    seed: str,
    came: Callable[[str, datetime], datetime | None],
    true: Callable[[str], bool],
) -> tuple[Position, tuple[Visit, ...]]:
    """Where one person stands at `now`, and what they passed on the way: `chosen` and `due`, one person at a time.

    Each step is passed at the instant at which it was due, however much later somebody looks. `came`: the first time
    that they did what a step waits for, after an instant, if they did before `now`.
    This is what journeys mean; whoever moves many people at once has to arrive at the same.
    """
    visits: list[Visit] = []
    while position.step != END:
        step = journey.steps[position.step]
        at = position.due
        there = None
        if isinstance(step, WaitFor):
            there = came(position.step, position.arrived)
            if there is not None and there < position.due:
                at = there
            else:
                there = None
        if at > now:
            break
        way = int(
            chosen(
                step,
                [position.person],
                np.array([position.entry], dtype=np.int64),
                seed=f"{seed}\0{position.step}",
                came=np.array([there is not None]),
                true=lambda condition: np.array([true(condition)]),
            )[0]
        )
        found = ways(step)[way]
        visits.append(Visit(position.step, found.name, at))
        position = arrive(journey, position, found.next, at=at, zone=zone)
    return position, tuple(visits)


def arrive(journey: Journey, position: Position, step: str, *, at: datetime, zone: ZoneInfo) -> Position:
    """The person at that step from an instant on."""
    if step == END:
        return Position(position.person, position.entry, END, at, at)
    return Position(position.person, position.entry, step, at, due(journey.steps[step], at, zone))


def reached(journey: Journey) -> Mapping[str, tuple[str, ...]]:
    """By step, the steps that its ways lead to."""
    return {
        name: tuple(dict.fromkeys(way.next for way in ways(step) if way.next != END))
        for name, step in journey.steps.items()
    }
