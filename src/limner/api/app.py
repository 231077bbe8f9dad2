"""The HTTP application of one open workspace. Every management route declares who may call it."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner import __version__
from limner.accounts.keys import role_of
from limner.accounts.model import Role, may
from limner.api import collect, links
from limner.errors import DeniedError, InputError, LimnerError
from limner.types import Json, silent
from limner.workspace.metrics import exposition
from limner.workspace.verbs import VERBS, call
from limner.workspace.workspace import Workspace

log = structlog.get_logger("limner.api")

MAX_BODY = 8_000_000


@dataclass(frozen=True)
class Route:
    """One management route: which verb it performs and the lowest role that may call it."""

    method: str
    path: str
    verb: str
    role: Role


ROUTES = (
    Route("GET", "/api/v1/sources", "source list", Role.VIEWER),
    Route("POST", "/api/v1/sources", "source add", Role.ADMIN),
    Route("GET", "/api/v1/counters", "counters", Role.VIEWER),
    Route("GET", "/api/v1/events", "event list", Role.OPERATOR),
    Route("GET", "/api/v1/events/summary", "event summary", Role.VIEWER),
    Route("GET", "/api/v1/quarantine", "event quarantine", Role.OPERATOR),
    Route("POST", "/api/v1/expressions/check", "expression check", Role.VIEWER),
    Route("POST", "/api/v1/templates/preview", "template preview", Role.OPERATOR),
    Route("GET", "/api/v1/tags", "tag list", Role.VIEWER),
    Route("GET", "/api/v1/tags/{key}", "tag show", Role.VIEWER),
    Route("POST", "/api/v1/tags/run", "tag run", Role.OPERATOR),
    Route("GET", "/api/v1/audiences", "audience list", Role.VIEWER),
    Route("POST", "/api/v1/audiences/count", "audience count", Role.VIEWER),
    Route("POST", "/api/v1/audiences/portrait", "audience portrait", Role.VIEWER),
    Route("GET", "/api/v1/people/{id}", "person show", Role.VIEWER),
    Route("DELETE", "/api/v1/people/{id}", "person erase", Role.ADMIN),
    Route("GET", "/api/v1/campaigns", "campaign list", Role.VIEWER),
    Route("GET", "/api/v1/campaigns/{name}/report", "campaign report", Role.VIEWER),
    Route("POST", "/api/v1/campaigns/{name}/send", "campaign send", Role.OPERATOR),
    Route("POST", "/api/v1/campaigns/{name}/stop", "campaign stop", Role.OPERATOR),
    Route("GET", "/api/v1/runs", "run list", Role.VIEWER),
)


def app(workspace: Workspace) -> FastAPI:
    """The application: collector at /v1, links of messages, management at /api/v1, health and metrics."""
    made = FastAPI(title="Limner", version=__version__, redirect_slashes=False)
    made.include_router(collect.router(workspace.door))
    made.include_router(links.router(workspace))

    made.add_middleware(_Identified)

    @made.exception_handler(LimnerError)
    async def refused(request: Request, error: LimnerError) -> Response:
        return failure(request, error)

    @made.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http")
        message = f"{request.method} {request.url.path}: {error.detail}"
        refusal = LimnerError(message, code=code, status=error.status_code)
        return failure(request, refusal, headers=dict(error.headers or {}))

    @made.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        log.error("unplanned error", path=request.url.path, error=type(error).__name__, exc_info=error)
        return failure(request, LimnerError("something went wrong here; it was logged", code="internal"))

    @made.get("/health")
    async def health() -> Response:
        state = await asyncio.to_thread(workspace.health)
        return JSONResponse(state, status_code=200 if state["healthy"] else 503)

    @made.get("/version")
    async def version() -> Json:
        return {"version": __version__}

    @made.get("/metrics")
    async def metrics() -> Response:
        return PlainTextResponse(
            await asyncio.to_thread(exposition, workspace), media_type="text/plain; version=0.0.4"
        )

    for route in ROUTES:
        made.add_api_route(
            route.path,
            _performs(workspace, route),
            methods=[route.method],
            name=route.verb,
            summary=VERBS[route.verb].summary,
        )

    @made.post("/api/v1/imports", name="import")
    async def imports(request: Request) -> Response:
        await permitted(workspace, request, Role.OPERATOR)
        limit = workspace.config.limits.import_bytes
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > limit:
            raise InputError(
                f"the file is larger than the limit of {limit} bytes", code="file_too_large", status=413
            )
        name = Path(request.query_params.get("name", "upload.csv")).name
        with tempfile.TemporaryDirectory(dir=workspace.paths.data) as folder:
            path = Path(folder) / name
            size = 0
            with path.open("wb") as file:
                async for block in request.stream():
                    size += len(block)
                    if size > limit:
                        raise InputError(
                            f"the file is larger than the limit of {limit} bytes",
                            code="file_too_large",
                            status=413,
                        )
                    file.write(block)
            arguments = {
                "file": str(path),
                "map": request.query_params.get("map", "auto"),
            }
            return JSONResponse(await asyncio.to_thread(call, workspace, "import", arguments, silent))

    return made


class _Identified:
    """Gives every request an id, which its answer and its errors carry."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner
        self._start = secrets.token_hex(4)
        self._count = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        request_id = f"{self._start}{next(self._count):08x}"
        scope.setdefault("state", {})["request_id"] = request_id

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        await self._inner(scope, receive, named)


async def permitted(workspace: Workspace, request: Request, needed: Role) -> Role:
    """The caller's role. Raises DeniedError: 401 without a known key, 403 when the role is too low."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise DeniedError(
            "send Authorization: Bearer KEY", code="unauthorized", status=401, hint="limner key add"
        )
    role = await asyncio.to_thread(role_of, workspace.records, key.strip())
    if role is None:
        if await asyncio.to_thread(workspace.door.source_of, key.strip()) is not None:
            raise DeniedError("a write key may only send events", code="forbidden", status=403)
        raise DeniedError("this key is not known", code="unauthorized", status=401, hint="limner key add")
    if not may(role, needed):
        raise DeniedError(
            f"this needs the role {needed.value}; the key's role is {role.value}", code="forbidden"
        )
    return role


def _performs(workspace: Workspace, route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def perform(request: Request) -> Response:
        role = await permitted(workspace, request, route.role)
        arguments: Json = {}
        if request.method in ("POST", "PUT", "PATCH"):
            arguments.update(await _body(request))
        arguments.update(_query(request))
        arguments.update(request.path_params)
        verb = VERBS[route.verb]
        if "role" in verb.parameters:
            arguments["role"] = role.value
        return JSONResponse(await asyncio.to_thread(call, workspace, route.verb, arguments, silent))

    return perform


def _query(request: Request) -> Json:
    found: Json = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        found[name] = values if len(values) > 1 or name == "by" else values[0]
    return found


async def _body(request: Request) -> Json:
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > MAX_BODY:
            raise InputError(f"the body is larger than {MAX_BODY} bytes", code="too_long", status=413)
    if not body:
        return {}
    try:
        content = json.loads(bytes(body))
    except (ValueError, RecursionError) as error:
        raise InputError(f"the body is not JSON: {error}", code="invalid_json") from error
    if not isinstance(content, dict):
        raise InputError("the body must be a JSON object", code="not_an_object")
    return content


def failure(request: Request, error: LimnerError, *, headers: dict[str, str] | None = None) -> Response:
    """An error as every door answers it: code, message, path and request id."""
    content: dict[str, Any] = {
        "code": error.code,
        "message": error.message if error.hint is None else f"{error.message} ({error.hint})",
        "path": error.where,
        "request_id": getattr(request.state, "request_id", ""),
    }
    sent = dict(headers or {})
    if error.status == 503:
        sent.setdefault("retry-after", "10")
    return JSONResponse(content, status_code=error.status, headers=sent)
