"""Whether a send has to hold itself: what it stands on is too old, or has moved too far. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from limner.campaigns.model import Hold
from limner.campaigns.policy import spoken

REFRESH_TAKES = timedelta(hours=1)
"""A refresh that was due less long ago than this may still be under way."""


@dataclass(frozen=True)
class Finding:
    """Why a send holds itself: about what (`tag rich`, `audience buyers`, `harm`), and the sentence with numbers."""

    about: str
    says: str


@dataclass(frozen=True)
class Age:
    """How old a tag is: as of when it was computed (None: never), until when it holds, and when its refreshes were due
    since then."""

    tag: str
    as_of: datetime | None
    expires_at: datetime | None = None
    missed: Sequence[datetime] = ()


@dataclass(frozen=True)
class Size:
    """How many people an audience had at an instant, and how many it has now."""

    audience: str
    at: datetime
    before: int
    now: int


def stale(ages: Iterable[Age], bounds: Hold, *, now: datetime, zone: ZoneInfo) -> list[Finding]:
    """The tags that are too old to choose people by, each with since when."""
    found = []
    for age in ages:
        said = _too_old(age, bounds, now, zone)
        if said:
            found.append(Finding(f"tag {age.tag}", f"tag {age.tag} {said}"))
    return found


def _too_old(age: Age, bounds: Hold, now: datetime, zone: ZoneInfo) -> str:
    if age.as_of is None:
        return "was never computed"
    if age.expires_at is not None and age.expires_at <= now:
        return f"expired at {_at(age.expires_at, zone)}"
    if bounds.older is not None and now - age.as_of > bounds.older:
        return f"is of {_at(age.as_of, zone)}, older than {spoken(bounds.older)}"
    overdue = [at for at in age.missed if at <= now - REFRESH_TAKES]
    if overdue:
        return f"is of {_at(age.as_of, zone)}: its refresh of {_at(overdue[0], zone)} did not happen"
    return ""


def moved(sizes: Iterable[Size], bounds: Hold, *, zone: ZoneInfo) -> list[Finding]:
    """The audiences whose size moved by more than the bound, each with both sizes."""
    if bounds.moved is None:
        return []
    return [
        Finding(
            f"audience {size.audience}",
            f"audience {size.audience} had {size.before:,} people at {_at(size.at, zone)} and has {size.now:,} now:"
            f" moved by {_share(size):.0%}, at most {bounds.moved:.0%} is allowed",
        )
        for size in sizes
        if _share(size) > bounds.moved
    ]


def _share(size: Size) -> float:
    return abs(size.now - size.before) / max(size.before, 1)


def _at(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
