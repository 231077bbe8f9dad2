"""The pages that people see: hosted forms, the preference centre, and invitations. They need no script."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from limner.api.bodies import text_of
from limner.api.origin import by_https, require_ours
from limner.errors import InputError, NotFoundError
from limner.feedback.handlers import NO_STORE
from limner.forms import page
from limner.workspace import asking, preferring, referring
from limner.workspace.asking import COOKIE, COOKIE_DAYS, Asked, Shown
from limner.workspace.workspace import Workspace

MOST_BYTES = 200_000
MOST_FIELDS = 1_000
HEADERS: Mapping[str, str] = {
    **NO_STORE,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}


def router(workspace: Workspace) -> APIRouter:
    """Routes that anybody may call; what changes something needs a token of ours."""
    made = APIRouter()

    def of(request: Request, name: str) -> Asked:
        asked = request.query_params
        return Asked(
            name,
            lang=asked.get("lang", ""),
            accepts=request.headers.get("accept-language", "")[:500],
            me=asked.get("k", ""),
            cookie=request.cookies.get(COOKIE, ""),
            stranger=asked.get("stranger") == "yes",
            address=request.client.host if request.client else "",
        )

    @made.get("/f/{name}")
    async def form(name: str, request: Request) -> Response:
        return _answer(
            workspace, request, await asyncio.to_thread(asking.shown, workspace, of(request, name))
        )

    @made.post("/f/{name}")
    async def answer(name: str, request: Request) -> Response:
        require_ours(request, workspace.public_url)
        posted = await _fields(request)
        shown = await asyncio.to_thread(asking.answered, workspace, of(request, name), posted)
        return _answer(workspace, request, shown)

    @made.get("/p/{token}")
    async def centre(token: str, request: Request) -> Response:
        lang, accepts = _tongue(request)
        html = await asyncio.to_thread(preferring.page, workspace, token, lang=lang, accepts=accepts)
        return _centre(html)

    @made.post("/p/{token}")
    async def prefer(token: str, request: Request) -> Response:
        posted = await _fields(request)
        lang, accepts = _tongue(request)
        html = await asyncio.to_thread(
            preferring.changed, workspace, token, posted, lang=lang, accepts=accepts
        )
        return _centre(html)

    @made.get("/i/{code}")
    async def invited(code: str, request: Request) -> Response:
        found = await asyncio.to_thread(
            referring.invited,
            workspace,
            code,
            cookie=request.cookies.get(COOKIE, ""),
            user_agent=request.headers.get("user-agent", ""),
            address=request.client.host if request.client else "",
        )
        response = RedirectResponse(found.target, status_code=302, headers=dict(HEADERS))
        if found.cookie:
            _remember(workspace, request, response, found.cookie)
        return response

    return made


def _answer(workspace: Workspace, request: Request, shown: Shown) -> Response:
    response: Response
    if shown.redirect:
        response = RedirectResponse(shown.redirect, status_code=303, headers=dict(HEADERS))
    else:
        headers = {**HEADERS, "Content-Security-Policy": shown.policy}
        response = HTMLResponse(shown.html, status_code=shown.status, headers=headers)
    if shown.cookie:
        _remember(workspace, request, response, shown.cookie)
    return response


def _remember(workspace: Workspace, request: Request, response: Response, cookie: str) -> None:
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=COOKIE_DAYS * 86_400,
        path="/",
        httponly=True,
        samesite="lax",
        secure=by_https(request, workspace.public_url),
    )


def _centre(html: str | None) -> Response:
    if html is None:
        raise NotFoundError("this link is not one of ours")
    return HTMLResponse(html, headers={**HEADERS, "Content-Security-Policy": page.policy()})


def _tongue(request: Request) -> tuple[str, str]:
    return request.query_params.get("lang", ""), request.headers.get("accept-language", "")[:500]


async def _fields(request: Request) -> dict[str, list[str]]:
    """The fields of a posted page. Raises InputError for what no page of ours sends."""
    text = await text_of(request, most=MOST_BYTES)
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise InputError(f"more than {MOST_FIELDS} fields", code="too_many_fields", status=413) from error
