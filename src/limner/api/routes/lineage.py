"""Routes of lineage: what is made of what."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Route, Shape


class LineageAsked(Shape):
    """`focus`: only what this one rests on and what rests on it, near or far: `tag:vip`, `event:Order Paid`."""

    focus: Annotated[str, Field(max_length=300)] = ""


class LineageNode(Shape):
    """What somebody did or is, a metric, a tag, who it is for. `layer`: one more than what it is made of."""

    id: str
    kind: Literal["event", "attribute", "object", "metric", "tag", "audience", "scene", "campaign", "journey"]
    name: str
    layer: int
    titles: dict[str, str]
    people: int | None


class LineageEdge(Shape):
    """From what is used to what uses it."""

    from_: Annotated[str, Field(alias="from")]
    to: str


class LineageAnswer(Shape):
    """What is made of what."""

    focus: str
    nodes: list[LineageNode]
    edges: list[LineageEdge]


ROUTES = (
    Route("GET", "/api/v1/lineage", "tag lineage", Role.VIEWER, LineageAnswer, "tags", asks=LineageAsked),
)
