"""What a referral is: frozen nouns without effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

NEW, REFERRER, UPLINE = "new", "referrer", "upline"
ROLES = (NEW, REFERRER, UPLINE)
"""Who is given something: the new person, whoever invited them, and whoever invited those in turn."""

OPENED = "Referral Opened"
CODE = "referral_code"
"""The property of any event that names the code by which somebody came."""
REWARDED = "Referral Rewarded"


@dataclass(frozen=True)
class Success:
    """What a new person has to do within a time after they came."""

    event: str
    where: str = ""
    within: timedelta = timedelta(days=30)


@dataclass(frozen=True)
class Reward:
    """What one is given besides the event that always comes: the value of a tag, a post to an address."""

    tag: str = ""
    value: Any = True
    webhook: str = ""


@dataclass(frozen=True)
class Referral:
    """A referral. `audience`: who may invite, '' everybody; `to`: where an invitation leads; `same`: identifiers and
    attributes (`person.card_hash`) that only one household shares; `depth`: how many generations are given credit.

    `most`: so many new people count for one person `per` time; None: any number.
    """

    name: str
    title: Mapping[str, str]
    to: str
    success: Success
    audience: str = ""
    same: tuple[str, ...] = ("device",)
    depth: int = 1
    most: int | None = None
    per: timedelta = timedelta(days=365)
    rewards: Mapping[str, Reward] = field(default_factory=dict)
    text: str = field(default="", compare=False)
