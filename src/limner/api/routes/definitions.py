"""Routes of definition files: read, checked, saved under If-Match, undone."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Response
from fastapi.responses import JSONResponse
from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Call, Route, Shape
from limner.errors import InputError
from limner.types import silent
from limner.workspace.calling import call
from limner.workspace.writing import NEW

Text = Annotated[str, Field(max_length=1_000_000)]


class ProblemAt(Shape):
    """What is wrong in a definition, and where: lines and columns count from 1."""

    line: int
    column: int
    message: str
    hint: str | None
    code: str


class MistakeAt(ProblemAt):
    """What is wrong in a definition. `path`: the keys and places in lists that lead to it; empty when none do."""

    path: list[str | int]


class Edit(Shape):
    """One edit that was made through Limner; `before` and `after` are whole texts, null where there was no file."""

    id: str
    at: str
    by: str
    action: str
    etag: str | None
    before: str | None
    after: str | None
    undone: bool


class Definition(Shape):
    """A definition file. `changed`: the edit that wrote this text, null when it came by hand or by git."""

    kind: str
    name: str
    text: str
    etag: str
    problems: list[ProblemAt]
    read_only: bool
    changed: Edit | None


class DefinitionText(Shape):
    """A definition's new text."""

    text: Text


class DefinitionDraft(Shape):
    """A text that might become a definition."""

    name: str
    text: Text


class Checked(Shape):
    """What would be wrong in a text; empty when it can be saved."""

    kind: str
    name: str
    problems: list[ProblemAt]


class Deleted(Shape):
    """A definition that was taken away; undo brings it back."""

    kind: str
    name: str
    deleted: bool
    edit: str


class History(Shape):
    """The edits of a definition that were made through Limner, the latest first."""

    kind: str
    name: str
    edits: list[Edit]


class Undone(Shape):
    """The edit that was taken back, and whether the file is there now."""

    kind: str
    name: str
    undone: Edit
    there: bool


async def _written(made: Call) -> Response:
    """Saves or deletes under the precondition that the headers state."""
    headers = made.request.headers
    if headers.get("if-none-match") == "*" and made.request.method == "PUT":
        base = NEW
    elif "if-match" in headers:
        base = headers["if-match"].strip().removeprefix("W/").strip('"')
        if not base:
            raise InputError("If-Match is empty", code="bad_etag", where="If-Match")
    else:
        raise InputError(
            "say which text this replaces",
            code="precondition_required",
            status=428,
            where="If-Match",
            hint='If-Match: "<etag>", or If-None-Match: * for a new definition',
        )
    verb = "definition save" if made.request.method == "PUT" else "definition delete"
    arguments = {**made.arguments, "base": base}
    answer = await asyncio.to_thread(call, made.workspace, verb, arguments, silent, made.caller)
    sent = {"etag": f'"{answer["etag"]}"'} if "etag" in answer else None
    return JSONResponse(answer, headers=sent)


_ONE = "/api/v1/definitions/{kind}/{name}"
_EXAMPLE = {"body": {"text": 'title: Loyal buyers\nexpression: "orders_90d >= 3"\n'}}

ROUTES = (
    Route("GET", _ONE, "definition show", Role.VIEWER, Definition, "definitions"),
    Route(
        "PUT",
        _ONE,
        "definition save",
        Role.OPERATOR,
        Definition,
        "definitions",
        takes=DefinitionText,
        handle=_written,
        example=_EXAMPLE,
    ),
    Route("DELETE", _ONE, "definition delete", Role.OPERATOR, Deleted, "definitions", handle=_written),
    Route("GET", f"{_ONE}/history", "definition history", Role.OPERATOR, History, "definitions"),
    Route("POST", f"{_ONE}/undo", "definition undo", Role.OPERATOR, Undone, "definitions", effect=True),
    Route(
        "POST",
        "/api/v1/definitions/{kind}/check",
        "definition check",
        Role.VIEWER,
        Checked,
        "definitions",
        takes=DefinitionDraft,
        reads=True,
        example={"body": {"name": "loyal", **_EXAMPLE["body"]}},
    ),
)
