"""Which scheduled work is due. Pure: the clock, the definitions and what was done are arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from limner.campaigns.policy import once_at
from limner.errors import ConfigError

HORIZON = timedelta(days=2)
"""Work missed for longer than this (the server was off) is not caught up."""


@dataclass(frozen=True)
class Scheduled:
    """Work to be done at the times of a cron expression in a zone."""

    what: str
    subject: str
    cron: str
    zone: ZoneInfo

    @property
    def key(self) -> str:
        """Its name in the records."""
        return f"{self.what} {self.subject}".strip()


@dataclass(frozen=True)
class Due:
    """Work that is due: `at` is the scheduled instant (UTC), also its identity."""

    scheduled: Scheduled
    at: datetime


def due(
    schedules: Iterable[Scheduled], *, done: Mapping[str, datetime], since: datetime, now: datetime
) -> list[Due]:
    """What is due at `now`: for each schedule the latest instant in (last done, now].

    `done`: the last instant done, by key; a schedule never done counts from `since`. Several missed
    instants become one. Repeated or backward clocks yield nothing new.
    """
    found = []
    for scheduled in schedules:
        start = max(done.get(scheduled.key, since), now - HORIZON)
        latest = None
        for instant in moments(scheduled.cron, scheduled.zone, start):
            if instant > now:
                break
            latest = instant
        if latest is not None:
            found.append(Due(scheduled, latest))
    return sorted(found, key=lambda item: (item.at, item.scheduled.key))


def moments(cron: str, zone: ZoneInfo, after: datetime) -> Iterable[datetime]:
    """The instants (UTC) of a schedule strictly after `after`: of a cron expression, or the one moment it names.

    Raises ConfigError when it is wrong.
    """
    once = once_at(cron, zone)
    if once is not None:
        if once > after:
            yield once
        return
    try:
        simulation = CronSim(cron, after.astimezone(zone))
    except CronSimError as error:
        raise ConfigError(
            f"'{cron}' is not a cron expression: {error}", hint="five fields, for example 0 3 * * *"
        ) from error
    for moment in simulation:
        instant = moment.astimezone(UTC)
        if instant > after:
            yield instant
