"""May this person be touched now? Pure: the instant, the zone and all counts are arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from limner.campaigns.model import Cap, Quiet
from limner.consents.model import Standing, objection

_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?")


@dataclass(frozen=True)
class Decision:
    """Whether a message may go now, and why not; `until`: not now, but from that instant on."""

    allowed: bool
    reason: str = "ok"
    until: datetime | None = None


def may_touch(
    *,
    message_class: str,
    standing: Standing,
    touches_in_cap: int,
    cap: Cap | None,
    quiet: Quiet | None,
    now: datetime,
    zone: ZoneInfo,
) -> Decision:
    """May this person be touched now? The answer carries its reason.

    `touches_in_cap`: messages of this class to the person, of every campaign, in the cap's window before
    `now`. `zone`: the person's own.
    """
    against = objection(standing, message_class)
    if against:
        return Decision(False, against)
    if cap is not None and touches_in_cap >= cap.messages:
        return Decision(False, cap_reached(cap))
    until = quiet_until(now, quiet, zone)
    if until is not None:
        return Decision(False, "quiet hours", until)
    return Decision(True)


def quiet_until(now: datetime, quiet: Quiet | None, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours that hold at `now` end (UTC); None when none hold.

    An end that a clock change skips counts as the instant at which the clock passes it.
    """
    if quiet is None:
        return None
    local = now.astimezone(zone)
    clock = local.time().replace(tzinfo=None)
    if quiet.start < quiet.end:
        if not quiet.start <= clock < quiet.end:
            return None
        day = local.date()
    else:
        if quiet.end <= clock < quiet.start:
            return None
        day = local.date() + timedelta(days=1) if clock >= quiet.start else local.date()
    end = datetime.combine(day, quiet.end, tzinfo=zone).astimezone(UTC)
    # When clocks go back the end's wall time comes twice; the second one is meant once the first is past.
    if end <= now:
        end = datetime.combine(day, quiet.end, tzinfo=zone).replace(fold=1).astimezone(UTC)
    return end if end > now else None


def once_at(schedule: str, zone: ZoneInfo) -> datetime | None:
    """The instant (UTC) of a schedule that names one moment; None for a recurring one, or none.

    `2026-12-01 10:00` is on the clocks of `zone`, unless an offset stands behind it.
    """
    if not _MOMENT.fullmatch(schedule):
        return None
    try:
        read = datetime.fromisoformat(schedule)
        return (read.replace(tzinfo=zone) if read.tzinfo is None else read).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def zone_of(name: str | None, fallback: ZoneInfo) -> ZoneInfo:
    """The person's time zone, or the workspace's when it is unknown or wrong."""
    if not name:
        return fallback
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return fallback


def cap_reached(cap: Cap) -> str:
    """The reason that somebody at the cap is not written to."""
    return f"cap reached: {cap.messages} in {spoken(cap.per)}"


def spoken(length: timedelta) -> str:
    """The duration in words: 7 days, 36 hours, 1 day."""
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        count, rest = divmod(int(length.total_seconds()), seconds)
        if count and not rest:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "0 seconds"
