"""What a management route declares: its verb, who may call it, and the exact shapes of what goes in and out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from limner.accounts.model import Caller, Role
from limner.types import Json
from limner.workspace.workspace import Workspace


class Shape(BaseModel):
    """What a body, a query or an answer holds: exactly these fields."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=False)


Limit = Annotated[int, Field(ge=1, le=200, description="How many rows a page holds.")]
Cursor = Annotated[
    str, Field(max_length=2_000, description="`next` of the page before; empty for the first.")
]
Instant = Annotated[
    str,
    Field(
        max_length=40,
        description="An instant, such as 2026-05-01T08:00:00Z; a date is its first instant in the workspace's zone.",
    ),
]
Expression = Annotated[str, Field(max_length=100_000, description="A condition in Limner's language.")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Entry = Annotated[
    str, Field(max_length=100, description="Which sending; the same entry never reaches anybody twice.")
]
Titles = dict[str, str]
"""A title in each language that it has."""


class Paged(Shape):
    """Which page of a list."""

    limit: Limit = 50
    cursor: Cursor = ""


class Nothing(Shape):
    """No field at all."""


@dataclass(frozen=True)
class Call:
    """One request that was let in: its workspace, who calls, and the arguments that fit the route's shapes."""

    workspace: Workspace
    request: Request
    caller: Caller
    arguments: Json


Handle = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """One management route.

    `role`: the lowest role that may call it; None: anybody. `noun`: what a key's scope must name; reading methods
    need `noun:read`, others `noun:write`; `reads`: a POST that changes nothing. `takes` and `asks` are the shapes
    of body and query; `answers` is the shape of the answer. `pages`: (list, unique key) of an answer that is cut into
    pages here. `effect`: an Idempotency-Key makes a second call the same as the first. `job`: the answer is 202 and
    a job. `handle`: what answers instead of the verb (files, cookies); `upload`: the body is a file.
    """

    method: str
    path: str
    verb: str
    role: Role | None
    answers: type[Shape]
    noun: str
    takes: type[Shape] | None = None
    asks: type[Shape] | None = None
    pages: tuple[str, str] | None = None
    effect: bool = False
    job: bool = False
    reads: bool = False
    handle: Handle | None = None
    upload: bool = False
    answers_file: str = ""
    example: Json = field(default_factory=dict)
    fixed: Json = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """Whether a key needs `noun:write` for it."""
        return self.method != "GET" and not self.reads


class Begun(Shape):
    """A job has begun."""

    job: str


class Problem(Shape):
    """Every error's body."""

    code: str
    message: str
    path: str | None
    request_id: str


AnyJson = dict[str, Any]
