"""Words that every folder shares: kinds of value, instants, money. Knows no logic beyond their bounds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

PersonId = str
"""A person's outward id: stable, opaque, safe to show."""

PersonIx = int
"""A person's dense ordinal (uint32, from 0, never reused). It never leaves the data folder."""

Json = dict[str, Any]

Clock = Callable[[], datetime]
"""The answer is the present instant (UTC). Only the workspace holds one."""

Progress = Callable[[str, int, int], None]
"""Told (what, done, total) as long work goes on; total 0 means unknown."""

MONEY_SCALE = 10_000
"""Money is kept as an integer of 1/10,000 of the currency unit."""


class ValueType(StrEnum):
    """What kind of value a property, attribute or tag holds."""

    FLAG = "flag"
    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    INSTANT = "instant"
    LIST = "list"


def utc(value: datetime) -> datetime:
    """The same instant with UTC as its zone; a naive value is read as UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def naive(value: datetime) -> datetime:
    """The same instant as the engine keeps it: UTC without a zone."""
    return utc(value).replace(tzinfo=None)


def silent(_what: str, _done: int, _total: int) -> None:
    """Progress that tells nobody."""
