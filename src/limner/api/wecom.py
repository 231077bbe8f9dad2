"""The doors of WeCom: callbacks, durable before they are answered, and the sidebar that staff open beside a chat."""

from __future__ import annotations

import asyncio
from importlib import resources
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse

from limner.api.bodies import text_of
from limner.errors import DeniedError, InputError, LimnerError, UsageError
from limner.events import wechat
from limner.types import Json
from limner.workspace import reaching, relating, sidebar
from limner.workspace.calling import call
from limner.workspace.workspace import Workspace

PATH = "/wecom/callback"
SIDEBAR = "/wecom/sidebar"
DONE = "success"
"""What the platform takes for: it was understood."""
_COOKIE = "limner_sidebar"
_FILES = {"sidebar.js": "text/javascript; charset=utf-8", "sidebar.css": "text/css; charset=utf-8"}
_MOST_BODY = 10_000
_POLICY = (
    "default-src 'none'; script-src 'self' https://res.wx.qq.com; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; base-uri 'none'; form-action 'none'"
)


def router(workspace: Workspace) -> APIRouter:
    """Routes that the platform and the staff's WeCom call; who does not know the token, or is no staff, is refused."""
    made = APIRouter()

    @made.get(PATH)
    async def asked(
        timestamp: str = "", nonce: str = "", echostr: str = "", msg_signature: str = ""
    ) -> Response:
        _ours(workspace, msg_signature, timestamp, nonce, echostr)
        return PlainTextResponse(sidebar.unsealed(workspace, echostr))

    @made.post(PATH)
    async def called(
        request: Request, timestamp: str = "", nonce: str = "", msg_signature: str = ""
    ) -> Response:
        xml = await text_of(request, most=wechat.MOST_BYTES)
        inner = wechat.fields(xml).get("Encrypt", "")
        _ours(workspace, msg_signature, timestamp, nonce, inner)
        given = wechat.fields(sidebar.unsealed(workspace, inner))
        calls = await asyncio.to_thread(relating.heard, workspace, given)
        if calls:
            record = await asyncio.to_thread(reaching.own_record, workspace, calls)
            await workspace.log.append(record)
        return PlainTextResponse(DONE)

    @made.get(SIDEBAR)
    async def page(request: Request, code: str = "", state: str = "") -> Response:
        here = _address(workspace, request)
        if code:
            staff = await asyncio.to_thread(sidebar.signed_in, workspace, code, state)
            answer = RedirectResponse(here, status_code=303)
            answer.set_cookie(
                _COOKIE,
                sidebar.ticket(workspace, staff),
                max_age=sidebar.LASTS_SECONDS,
                path="/wecom",
                httponly=True,
                secure=here.startswith("https:"),
                samesite="lax",
            )
            return answer
        if not sidebar.whose(workspace, request.cookies.get(_COOKIE, "")):
            return RedirectResponse(sidebar.sign_in(workspace, here), status_code=303)
        text = (resources.files("limner.api") / "sidebar" / "sidebar.html").read_text(encoding="utf-8")
        return Response(
            text,
            media_type="text/html; charset=utf-8",
            headers={"content-security-policy": _POLICY, "cache-control": "no-store"},
        )

    @made.get(SIDEBAR + "/files/{name}")
    async def file(name: str) -> Response:
        if name not in _FILES:
            raise LimnerError("there is nothing here", code="not_found", status=404)
        text = (resources.files("limner.api") / "sidebar" / name).read_text(encoding="utf-8")
        return Response(text, media_type=_FILES[name], headers={"cache-control": "max-age=3600"})

    @made.get(SIDEBAR + "/signature")
    async def signed(request: Request, url: str = "") -> Response:
        _staff(workspace, request)
        if not url.startswith(_address(workspace, request)):
            raise UsageError("only this page's address is signed", where="url")
        return JSONResponse(await asyncio.to_thread(sidebar.signature, workspace, url))

    @made.get(SIDEBAR + "/customer")
    async def customer(request: Request, id: str = "") -> Response:
        return await _verb(request, "sidebar show", {"customer": id})

    @made.get(SIDEBAR + "/tasks")
    async def tasks(request: Request) -> Response:
        return await _verb(request, "sidebar tasks", {})

    @made.post(SIDEBAR + "/tags")
    async def tags(request: Request) -> Response:
        return await _verb(request, "sidebar tag", await _body(request))

    @made.post(SIDEBAR + "/done")
    async def done(request: Request) -> Response:
        return await _verb(request, "sidebar done", await _body(request))

    async def _verb(request: Request, verb: str, arguments: Json) -> Response:
        staff = _staff(workspace, request)
        caller = sidebar.caller(workspace, staff)
        answer = await asyncio.to_thread(
            call, workspace, verb, {**arguments, "staff": staff}, lambda *_: None, caller
        )
        return JSONResponse(answer, headers={"cache-control": "no-store"})

    return made


def _ours(workspace: Workspace, signature: str, timestamp: str, nonce: str, inner: str) -> None:
    if not sidebar.is_ours(workspace, signature=signature, timestamp=timestamp, nonce=nonce, sealed=inner):
        raise LimnerError("the signature is not this company's", code="not_signed", status=403)


def _staff(workspace: Workspace, request: Request) -> str:
    """Who opened the sidebar. Another site cannot ask in their name: it cannot send this header."""
    staff = sidebar.whose(workspace, request.cookies.get(_COOKIE, ""))
    if not staff:
        raise DeniedError("open the sidebar from WeCom", code="not_signed_in", status=401)
    if request.method != "GET" and request.headers.get("x-limner-sidebar") != "1":
        raise DeniedError("the call does not come from the sidebar", code="not_the_sidebar", status=403)
    return staff


def _address(workspace: Workspace, request: Request) -> str:
    base = workspace.public_url or str(request.base_url)
    return f"{base.rstrip('/')}{SIDEBAR}"


async def _body(request: Request) -> Json:
    text = await text_of(request, most=_MOST_BODY)
    found: Any = None
    try:
        found = sidebar.read(text)
    except ValueError as error:
        raise InputError("the body is not JSON", code="invalid_json") from error
    if not isinstance(found, dict) or "staff" in found:
        raise InputError("the body must be a JSON object", code="not_an_object")
    return found
