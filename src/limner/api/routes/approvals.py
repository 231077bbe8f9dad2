"""Routes of approvals: the second person's word on a sending."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Entry, Paged, Route, Shape, Titles


class Approval(Shape):
    """A second person's word on a sending; void when a text was edited since."""

    id: str
    campaign: str
    titles: Titles
    entry: str
    state: Literal["waiting", "approved", "refused", "void"]
    people: int
    audience: int
    limit: int
    why: str
    asked_by: str
    asked_at: str
    mine: bool
    decided_by: str | None
    decided_at: str | None
    reason: str


class ApprovalAsked(Shape):
    """Which sending ('*': every scheduled one), and why it should go."""

    entry: Entry = ""
    reason: Annotated[str, Field(max_length=500)] = ""


class ApprovalsAsked(Paged):
    """Which questions."""

    state: Literal["", "waiting", "approved", "refused", "void"] = ""
    campaign: Annotated[str, Field(max_length=200)] = ""


class ApprovalPage(Shape):
    """Questions and answers, the latest first."""

    approvals: list[Approval]
    next: str | None


class Decision(Shape):
    """The second person's word."""

    decision: Literal["approve", "refuse"]
    reason: Annotated[str, Field(max_length=500)] = ""


_ONE = "/api/v1/campaigns/{name}"
_OPERATOR, _VIEWER = Role.OPERATOR, Role.VIEWER

ROUTES = (
    Route(
        "POST",
        f"{_ONE}/approvals",
        "approval ask",
        _OPERATOR,
        Approval,
        "approvals",
        takes=ApprovalAsked,
        effect=True,
    ),
    Route(
        "GET",
        "/api/v1/approvals",
        "approval list",
        _VIEWER,
        ApprovalPage,
        "approvals",
        asks=ApprovalsAsked,
        pages=("approvals", "id"),
    ),
    Route(
        "POST",
        "/api/v1/approvals/{id}",
        "approval decide",
        _OPERATOR,
        Approval,
        "approvals",
        takes=Decision,
        effect=True,
        example={"body": {"decision": "approve", "reason": "the text was read"}},
    ),
)
