"""The HTTP application of one open workspace. Every management route declares who may call it."""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import typing
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner import __version__
from limner.accounts.model import Caller, Role
from limner.api import collect, forms, links, mails, openapi, sms, ui, wechat, wecom
from limner.api.admission import admitted
from limner.api.routes import ROUTES
from limner.api.routes.route import Call, Nothing, Route, Shape
from limner.errors import InputError, LimnerError, UsageError, did_you_mean
from limner.types import Json, silent
from limner.workspace import replays
from limner.workspace.calling import call
from limner.workspace.metrics import exposition
from limner.workspace.paging import page
from limner.workspace.workspace import Workspace

log = structlog.get_logger("limner.api")

MAX_BODY = 8_000_000

ANYBODY = Caller("nobody", "", "nobody", Role.VIEWER)
"""Whoever calls a route that is open to all."""


def app(workspace: Workspace) -> FastAPI:
    """The application: collector at /v1, links of messages, management at /api/v1, health and metrics."""
    made = FastAPI(
        title="Limner",
        version=__version__,
        redirect_slashes=False,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    made.include_router(collect.router(workspace.door))
    made.include_router(links.router(workspace))
    made.include_router(forms.router(workspace))
    made.include_router(wechat.router(workspace))
    made.include_router(sms.router(workspace))
    made.include_router(wecom.router(workspace))
    made.include_router(mails.router(workspace))

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
        made.add_api_route(route.path, _performs(workspace, route), methods=[route.method], name=route.verb)

    @made.get("/api/v1/openapi.json")
    async def described() -> Json:
        return openapi.document()

    ui.serve(made)
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


def _performs(workspace: Workspace, route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def perform(request: Request) -> Response:
        caller = ANYBODY if route.role is None else await admitted(workspace, request, route)
        arguments = {**route.fixed, **_asked(route, request), **request.path_params}
        if route.takes is not None:
            arguments |= _fitting(route.takes, await _body(request), strict=True)
        made = Call(workspace, request, caller, arguments)
        key = request.headers.get("idempotency-key") if route.effect else None
        if key is None:
            return await _answered(made, route)
        return await _once(made, route, key)

    return perform


async def _once(made: Call, route: Route, key: str) -> Response:
    """The answer of the first call with this key."""
    records = made.workspace.records
    asked = replays.digest_of({"path": made.request.url.path, **made.arguments})
    name = f"{route.method} {route.path}"
    first = await asyncio.to_thread(
        replays.claim, records, key, made.caller, route=name, digest=asked, now=made.workspace.clock()
    )
    if first is not None:
        status, answer = first
        return JSONResponse(answer, status_code=status, headers={"idempotent-replay": "true"})
    try:
        response = await _answered(made, route)
    except BaseException:
        await asyncio.to_thread(replays.release, records, key, made.caller)
        raise
    content = json.loads(bytes(response.body))
    await asyncio.to_thread(
        replays.keep, records, key, made.caller, status=response.status_code, answer=content
    )
    return response


async def _answered(made: Call, route: Route) -> Response:
    if route.handle is not None:
        return await route.handle(made)
    workspace, arguments, caller = made.workspace, dict(made.arguments), made.caller
    if route.job:
        subject = next((str(arguments[word]) for word in ("name", "key") if arguments.get(word)), "")
        subject = subject or ", ".join(arguments.get("keys") or ())
        job = await asyncio.to_thread(
            workspace.jobs.begin,
            route.verb,
            subject,
            caller,
            lambda progress: call(workspace, route.verb, arguments, progress, caller),
        )
        return JSONResponse({"job": job}, status_code=202)
    paged = {}
    if route.pages is not None:
        paged = {"limit": arguments.pop("limit", 50), "cursor": arguments.pop("cursor", "")}
    answer = await asyncio.to_thread(call, workspace, route.verb, arguments, silent, caller)
    if route.pages is not None:
        listed, key = route.pages
        shown, following = page(answer[listed], key, **paged)
        answer = {**answer, listed: shown, "next": following}
    headers = {"etag": f'"{answer["etag"]}"'} if "etag" in answer else None
    return JSONResponse(answer, headers=headers)


def _asked(route: Route, request: Request) -> Json:
    """The query as the route's shape says."""
    shape = route.asks or Nothing
    many = {name for name, item in shape.model_fields.items() if typing.get_origin(item.annotation) is list}
    given: Json = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        if len(values) > 1 and name not in many:
            raise UsageError(f"'{name}' is given {len(values)} times", where=name, code="invalid_type")
        given[name] = values if name in many else values[0]
    return _fitting(shape, given, strict=False)


def _fitting(shape: type[Shape], given: Json, *, strict: bool) -> Json:
    """What was given, as the shape says. Raises UsageError with the path of the first thing that is wrong."""
    try:
        made = shape.model_validate_json(json.dumps(given), strict=strict)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        path = ".".join(str(step) for step in wrong["loc"])
        if wrong["type"] == "extra_forbidden":
            near = did_you_mean(str(wrong["loc"][-1]), shape.model_fields)
            raise UsageError(f"there is no '{path}' here", where=path, code="unknown", hint=near) from None
        code = "missing" if wrong["type"] == "missing" else "invalid_type"
        raise UsageError(f"'{path}': {wrong['msg']}", where=path, code=code) from None
    return made.model_dump(mode="json", exclude_unset=True)


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
    retry = getattr(error, "retry_after", 10 if error.status == 503 else None)
    if retry is not None:
        sent.setdefault("retry-after", str(retry))
    return JSONResponse(content, status_code=error.status, headers=sent)
