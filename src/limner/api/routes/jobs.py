"""Routes of long work."""

from __future__ import annotations

from typing import Literal

from limner.accounts.model import Role
from limner.api.routes.route import AnyJson, Paged, Route, Shape


class JobError(Shape):
    """Why a job failed."""

    code: str
    message: str
    path: str | None
    hint: str | None


class Job(Shape):
    """Long work: how far it is, and its answer or error when it has ended."""

    id: str
    verb: str
    subject: str
    status: Literal["waiting", "running", "done", "failed", "cancelled"]
    by: str
    what: str
    done: int
    total: int
    eta_seconds: float | None
    started_at: str
    ended_at: str | None
    answer: AnyJson | None
    error: JobError | None


class JobPage(Shape):
    """Jobs, the latest first."""

    jobs: list[Job]
    next: str | None


class JobsAsked(Paged):
    """Which jobs; `running` includes those that wait."""

    status: Literal["", "waiting", "running", "done", "failed", "cancelled"] = ""


ROUTES = (
    Route("GET", "/api/v1/jobs", "job list", Role.VIEWER, JobPage, "jobs", asks=JobsAsked),
    Route("GET", "/api/v1/jobs/{id}", "job show", Role.VIEWER, Job, "jobs"),
    Route("POST", "/api/v1/jobs/{id}/cancel", "job cancel", Role.VIEWER, Job, "jobs"),
)
