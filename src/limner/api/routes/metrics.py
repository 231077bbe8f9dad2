"""Routes of metrics: which there are, and their numbers. Their files are written as definitions."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Instant, Name, Route, Shape


class MetricRow(Shape):
    """A metric. `tags`: those made of it; `judges`: those that are judged by it."""

    key: str
    titles: dict[str, str]
    measure: str
    unit: str
    zone: str
    owner: str
    why: str
    tags: list[str]
    judges: list[str]


class MetricPage(Shape):
    """All metrics, by key."""

    metrics: list[MetricRow]


class MetricNumber(Shape):
    """What the metric is of these people: who have these `values` of the tags.

    `active`: how many did anything that counts; `parts`: what adds up (of a ratio two); `value` is null where it is
    divided by 0.
    """

    values: list[Any]
    people: int
    active: int
    parts: list[float]
    value: float | None


class MetricNumbers(MetricRow):
    """A metric's number over [start, end). `unnamed`: its events that name nobody; `more`: there are more rows."""

    start: str
    end: str
    by: list[str]
    masked: bool
    unnamed: int
    total: MetricNumber
    rows: list[MetricNumber]
    more: bool


class MetricAsked(Shape):
    """Over which period, and by which tags."""

    start: Instant = ""
    end: Instant = ""
    by: list[Name] = Field(default=[], max_length=3)


ROUTES = (
    Route("GET", "/api/v1/metrics", "metric list", Role.VIEWER, MetricPage, "tags"),
    Route(
        "GET", "/api/v1/metrics/{key}", "metric show", Role.VIEWER, MetricNumbers, "tags", asks=MetricAsked
    ),
)
