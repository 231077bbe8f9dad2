"""Windows of time as bounds: half open, computed from `as_of` and the zone, never reaching `as_of`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from limner.errors import ExpressionError
from limner.expressions import tree as t
from limner.types import naive

EARLIEST = datetime(1, 1, 1, tzinfo=UTC).replace(tzinfo=None)
LATEST = datetime(9999, 12, 31, tzinfo=UTC).replace(tzinfo=None)

Bounds = tuple[datetime | None, datetime]
"""[low, high) as naive UTC; low None = from the beginning. Empty when low >= high."""


def instant_of(text: str, zone: str) -> datetime:
    """The naive UTC instant that an ISO text names; without an offset it is local time in the zone.

    Raises ValueError when it names none.
    """
    value = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if value.tzinfo is None:
        value = value.replace(tzinfo=ZoneInfo(zone))
    try:
        return naive(value)
    except OverflowError as error:
        raise ValueError(text) from error


def bounds(window: t.Window | None, *, as_of: datetime, zone: str) -> Bounds:
    """The window as [low, high), naive UTC; high is at most `as_of`.

    Calendar units follow the zone: `in last 3 calendar months` is this month and the two before.
    """
    end = naive(as_of)
    match window:
        case None:
            return None, end
        case t.InLast(duration):
            return _back(end, duration), end
        case t.InLastCalendar(n, unit):
            return _unit_start(end, unit, zone, n - 1), end
        case t.InThis(unit):
            return _unit_start(end, unit, zone, 0), end
        case t.Since(instant):
            return instant_of(instant.value, zone), end
        case t.Before(instant):
            return None, min(instant_of(instant.value, zone), end)
        case t.FromTo(first, last):
            return instant_of(first.value, zone), min(instant_of(last.value, zone), end)
        case t.BetweenAgo(far, near):
            return _back(end, far), _back(end, near)
        case t.MoreThanAgo(duration):
            return None, _back(end, duration)
        case t.InNext():
            return end, end
        case t.SinceEvent() | t.BeforeEvent():
            raise ExpressionError("each person's own events bound this window", code="type")


def value_bounds(window: t.Window, *, as_of: datetime, zone: str) -> tuple[datetime | None, datetime | None]:
    """The window of a value that may lie in the future, as [low, high); None = open on that side.

    As `bounds`, but `in this month` is the whole month, and dates that are given are not cut at `as_of`.
    """
    end = naive(as_of)
    match window:
        case t.InNext(duration):
            return end, _forward(end, duration)
        case t.InThis(unit):
            return _unit_start(end, unit, zone, 0), _unit_start(end, unit, zone, -1)
        case t.Since(instant):
            return instant_of(instant.value, zone), None
        case t.Before(instant):
            return None, instant_of(instant.value, zone)
        case t.FromTo(first, last):
            return instant_of(first.value, zone), instant_of(last.value, zone)
        case _:
            return bounds(window, as_of=as_of, zone=zone)


def _back(end: datetime, duration: t.Duration) -> datetime:
    """`duration` before `end`; the beginning of time when that lies before it."""
    try:
        return end - timedelta(seconds=duration.seconds)
    except OverflowError:
        return EARLIEST


def _forward(end: datetime, duration: t.Duration) -> datetime:
    """`duration` after `end`; the end of time when that lies beyond it."""
    try:
        return end + timedelta(seconds=duration.seconds)
    except OverflowError:
        return LATEST


def _unit_start(end: datetime, unit: str, zone: str, units_back: int) -> datetime:
    """When the calendar unit that holds the last instant before `end`, or an earlier one, began."""
    local = (end.replace(tzinfo=UTC) - timedelta(microseconds=1)).astimezone(ZoneInfo(zone))
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, fold=0)
    try:
        match unit:
            case "day":
                start = day - timedelta(days=units_back)
            case "week":
                start = day - timedelta(days=day.weekday() + 7 * units_back)
            case "month":
                months = day.year * 12 + day.month - 1 - units_back
                start = day.replace(year=months // 12, month=months % 12 + 1, day=1)
            case _:
                start = day.replace(year=day.year - units_back, month=1, day=1)
        return naive(start.replace(tzinfo=ZoneInfo(zone)))
    except (OverflowError, ValueError):
        return EARLIEST


MICROSECOND = timedelta(microseconds=1)


def passes(window: t.Window | None, at: datetime, *, zone: str) -> tuple[datetime, ...]:
    """The instants of `as_of` at which something that happened at `at` (naive UTC) comes into the window or leaves it.

    Whoever is inside at such an instant was not just before it, or the other way round. Windows with fixed dates, and
    none, are never left: they give ().
    """
    match window:
        case t.InLast(duration):
            return (_forward(at, duration) + MICROSECOND,)
        case t.BetweenAgo(far, near):
            return _forward(at, near) + MICROSECOND, _forward(at, far) + MICROSECOND
        case t.MoreThanAgo(duration):
            return (_forward(at, duration) + MICROSECOND,)
        case t.InLastCalendar(n, unit):
            return (_unit_start(at + MICROSECOND, unit, zone, -n) + MICROSECOND,)
        case t.InThis(unit):
            return (_unit_start(at + MICROSECOND, unit, zone, -1) + MICROSECOND,)
        case _:
            return ()


def value_passes(window: t.Window, value: datetime, *, zone: str) -> tuple[datetime, ...]:
    """As `passes`, of a value that may lie in the future; see `value_bounds`."""
    match window:
        case t.InNext(duration):
            return _back(value, duration) + MICROSECOND, value + MICROSECOND
        case t.InThis(unit):
            begin = _unit_start(value + MICROSECOND, unit, zone, 0)
            return begin + MICROSECOND, _unit_start(value + MICROSECOND, unit, zone, -1) + MICROSECOND
        case t.InLast() | t.InLastCalendar():
            return value + MICROSECOND, *passes(window, value, zone=zone)
        case _:
            return passes(window, value, zone=zone)
