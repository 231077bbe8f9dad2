"""At which hour of their own clock people are best written to, and when that is next. Pure: counts and instants in.

A habit is a count for each hour of the day. A person's own is shrunk towards that of the others:

    share(hour) = (n × own share + prior × others' share) / (n + prior)

of n observations, of which later ones weigh more in the own share. It is the mean of a Dirichlet posterior whose prior
is the others' habit (Zhai & Lafferty, "A study of smoothing methods for language models", ACM TOIS 22(2), 2004, eq. 6).
All of it is whole numbers: every machine answers the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

HOURS = 24
HOUR_US = 3_600_000_000
WEIGHT = 8
"""What an observation of the last half-life counts; one of the half-life before counts half of it, and so on."""
FORGOTTEN = 4
"""After so many half-lives an observation counts nothing."""
WHOLE = 1_000_000_000
"""All of the others' shares together, but for rounding."""

PERSON, SEGMENT, EVERYBODY, NOBODY = range(4)
"""Whose habit decides; NOBODY: there is too little to know any."""
WHOSE = ("person", "segment", "everybody", "nobody")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_A_DAY = timedelta(days=1)


def micros(at: datetime) -> int:
    """The instant in microseconds."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def instant(us: int) -> datetime:
    """The instant of so many microseconds (UTC)."""
    return _EPOCH + timedelta(microseconds=us)


@dataclass(frozen=True)
class Span:
    """From `since` until `until` (microseconds) the clock is `offset` (microseconds) ahead of UTC."""

    since: int
    until: int
    offset: int


def spans(zone: ZoneInfo, first: datetime, last: datetime) -> list[Span]:
    """How the clock of a zone stood from `first` until `last`, without gaps."""

    def offset(us: int) -> int:
        found = instant(us).astimezone(zone).utcoffset()
        return (found or timedelta(0)) // timedelta(microseconds=1)

    end, step = micros(last), _A_DAY // timedelta(microseconds=1)
    begin = at = micros(first)
    found: list[Span] = []
    while at < end:
        then = min(at + step, end)
        if offset(then) != offset(at):  # within this day: the very second is sought
            low, high = at // 1_000_000, -(-then // 1_000_000)
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle * 1_000_000) == offset(at) else (low, middle)
            then = min(high * 1_000_000, end)
            found.append(Span(begin, then, offset(at)))
            begin = then
        at = then
    if begin < end:
        found.append(Span(begin, end, offset(begin)))
    return found


def others(everybody: Ints, segment: Ints | None, *, prior: int) -> Ints:
    """The others' share of each hour, of WHOLE: everybody's, or a segment's shrunk towards it."""
    total = int(everybody.sum())
    plain = [int(count) * WHOLE // total if total else WHOLE // HOURS for count in everybody]
    if segment is not None:
        weight = prior * WEIGHT
        whole = int(segment.sum()) + weight
        if whole:
            plain = [
                (int(count) * WHOLE + weight * share) // whole
                for count, share in zip(segment, plain, strict=True)
            ]
    return np.array(plain, dtype=np.int64)


def scores(
    counts: Ints, n: Ints, known: npt.NDArray[np.bool_], shares: Ints, *, prior: int, band: int
) -> Ints:
    """How good each band of hours is for each person, by the hour in which it begins: more is better.

    `counts`: weighted observations by person and hour, of `n` in all; `known`: whose own count; `shares`: the others'
    by person and hour. Comparable within a person only.
    """
    whole = np.maximum(counts.sum(axis=1), 1)[:, None]
    own = counts * n[:, None] * WHOLE // whole + prior * shares
    by_hour = np.where(known[:, None], own, shares)
    return in_bands(by_hour, band)


def in_bands(by_hour: Ints, band: int) -> Ints:
    """The sums over the bands that begin in each hour, past midnight too; the hours are the last axis."""
    found = by_hour.copy()
    for step in range(1, band):
        found += np.roll(by_hour, -step, axis=-1)
    return found


@dataclass(frozen=True, eq=False)
class Openings:
    """The instants (microseconds) at which an hour begins and nothing is silent, in order, and their hours.

    `otherwise`: when to look if there are none: nothing may be sent before.
    """

    at: Ints
    hours: npt.NDArray[np.int8]
    otherwise: int


def openings(
    now: datetime, within: timedelta, zone: ZoneInfo, silent: Callable[[datetime], bool]
) -> Openings:
    """When somebody in the zone may be written to between now and so long after, at the beginnings of hours.

    The hour that has begun counts: `now` stands for it. `silent`: whether nothing may be sent at an instant.
    """
    at, hours = [], []
    for us, hour in _beginnings(now, within, zone):
        if not silent(instant(us)):
            at.append(us)
            hours.append(hour)
    return Openings(np.array(at, dtype=np.int64), np.array(hours, dtype=np.int8), micros(now))


def _beginnings(now: datetime, within: timedelta, zone: ZoneInfo) -> Sequence[tuple[int, int]]:
    end = now + within
    found = []
    for span in spans(zone, now, max(end, now + timedelta(microseconds=1))):
        at = span.since
        while at < span.until:
            local = at + span.offset
            found.append((at, local // HOUR_US % HOURS))
            at += HOUR_US - local % HOUR_US
    return found


def chosen(scored: Ints, there: Openings) -> tuple[Ints, npt.NDArray[np.int8]]:
    """When each person is due, and in which hour that is: the best of the openings, of equal ones the first.

    Without openings the hour is -1.
    """
    people = len(scored)
    if not len(there.at):
        return np.full(people, there.otherwise, dtype=np.int64), np.full(people, -1, dtype=np.int8)
    place = scored[:, there.hours].argmax(axis=1)
    return there.at[place], there.hours[place]
