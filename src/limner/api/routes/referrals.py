"""Routes of referrals: K by week, what does not count and why, codes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Name, Route, Shape
from limner.types import Json


class ReferralRow(Shape):
    """A referral. `members` have a code; `came`: people who came by one; `brought`: those who count."""

    name: str
    titles: dict[str, str]
    members: int
    came: int
    brought: int
    succeeded: int
    error: Json | None


class ReferralPage(Shape):
    """All referrals, by name."""

    referrals: list[ReferralRow]


class ReferralSpread(Shape):
    """K, which is invitations each times conversion, with its interval of 95 %; null where there is not enough data."""

    members: int
    invited: int
    converted: int
    invitations_each: float | None
    conversion: float | None
    k: float | None
    low: float | None
    high: float | None


class ReferralWeek(ReferralSpread):
    """K of the week that began at a Monday. `open`: whoever came then can still do what counts."""

    week: str
    open: bool


class ReferralDepth(Shape):
    """So many people stand so many generations below whoever was not brought."""

    depth: int
    people: int


class ReferralTop(Shape):
    """Somebody who brought others."""

    person: str
    called: str | None
    brought: int
    succeeded: int


class ReferralSuccess(Shape):
    """What a new person does, within so many days."""

    event: str
    where: str
    days: float


class ReferralShown(Shape):
    """One referral. `refused`: claims that do not count, by reason; `rewarded`: people who were given something."""

    name: str
    titles: dict[str, str]
    to: str
    audience: str
    success: ReferralSuccess
    same: list[str]
    depth: int
    claims: int
    brought: int
    succeeded: int
    rewarded: dict[Literal["new", "referrer", "upline"], int]
    refused: dict[str, int]
    depths: list[ReferralDepth]
    k: ReferralSpread
    weeks: list[ReferralWeek]
    top: list[ReferralTop]
    masked: bool
    where: str
    problems: list[Json]
    zone: str


class ReferralAsked(Shape):
    """Of how many weeks."""

    weeks: Annotated[int, Field(ge=1, le=104)] = 12


class ReferralChecked(Shape):
    """What is wrong with a referral; nothing when it can be used."""

    name: str
    problems: list[Json]


class ReferralCodeAsked(Shape):
    """Whose code."""

    person: Name


class ReferralCode(Shape):
    """A person's code, and the address that they send on."""

    name: str
    person: str
    code: str
    url: str


_ONE = "/api/v1/referrals/{name}"

ROUTES = (
    Route("GET", "/api/v1/referrals", "referral list", Role.VIEWER, ReferralPage, "referrals"),
    Route("GET", _ONE, "referral show", Role.VIEWER, ReferralShown, "referrals", asks=ReferralAsked),
    Route("GET", f"{_ONE}/check", "referral check", Role.VIEWER, ReferralChecked, "referrals"),
    Route(
        "POST", f"{_ONE}/codes", "referral code", Role.OPERATOR, ReferralCode, "referrals", takes=ReferralCodeAsked,
        example={"body": {"person": "ann"}},
    ),
)  # fmt: skip
