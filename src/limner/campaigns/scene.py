"""What a scene is: a goal, products, who it is for, channels and dates, over campaigns and journeys. Frozen nouns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Target:
    """The number that the goal is to reach: as it stands, or as a change of the baseline (0.05: five percent more)."""

    number: float
    relative: bool = False

    def of(self, baseline: float | None) -> float | None:
        """The number itself; None when it is a change of a baseline that is not known."""
        if not self.relative:
            return self.number
        return None if baseline is None else baseline * (1 + self.number)


@dataclass(frozen=True)
class Aim:
    """What the scene is for: a metric by its name, or an event (where this holds) counted, or its money summed.

    `within`: so long after the last day what people do still counts for the effect.
    """

    metric: str = ""
    event: str = ""
    where: str = ""
    money: str = ""
    target: Target | None = None
    within: timedelta = timedelta(days=14)


@dataclass(frozen=True)
class Scene:
    """One scene as its file defines it; `definition` is the file's own text.

    `products`: a condition on events that are about them; `channels`: the only ones, none: any; `first` and `last`:
    its days, both within, on the workspace's calendar; `holdout`: this share gets nothing of it; `theme`: values that
    the texts of its campaigns and journeys may name.
    """

    name: str
    title: Mapping[str, str]
    goal: Aim | None = None
    baseline: float | None = None
    products: str = ""
    audience: str = ""
    channels: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None
    holdout: float = 0.0
    seed: str = ""
    theme: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    why: str = ""
    definition: str = field(default="", compare=False)

    @property
    def draws_by(self) -> str:
        """The seed by which it is drawn who is held out: its own, or one made of its name."""
        return self.seed or f"scene:{self.name}"

    def begins(self, zone: ZoneInfo) -> datetime | None:
        """The first instant (UTC) of its first day; None when it has none."""
        return None if self.first is None else _midnight(self.first, zone)

    def ends(self, zone: ZoneInfo) -> datetime | None:
        """The first instant (UTC) after its last day; None when it has none."""
        return None if self.last is None else _midnight(self.last + timedelta(days=1), zone)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
