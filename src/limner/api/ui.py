"""The browser UI's files: its page with a fresh nonce, its assets for ever. Knows no workspace and no session."""

from __future__ import annotations

import mimetypes
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from limner.errors import NotFoundError

ASSETS = Path(__file__).with_name("ui")
"""Where the build puts the UI: `make ui`, or the building of a wheel."""

NONCE = "LIMNER-NONCE"
"""The word in the built page over which the nonce is written."""

THEME = "limner_theme"
"""The cookie in which the page keeps that light or dark was chosen."""

_NOT_PAGES = frozenset({"api", "v1", "v2", "assets"})
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_PACKED = (("br", ".br"), ("gzip", ".gz"))
_FOR_EVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}

_SAFE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

_UNBUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Limner 绘客</title>
<h1>Limner 绘客</h1>
<p>The server runs. Its browser UI is not built here. In the source folder, run <code>make ui</code>, then load this
page again; or install a wheel, which has the UI inside.</p>
<p lang="zh">服务器正在运行，但浏览器界面尚未构建。请在源码目录运行 <code>make ui</code>，
然后刷新此页面；或安装已包含界面的 wheel 包。</p>
</html>
"""


def serve(app: FastAPI, folder: Path = ASSETS) -> None:
    """The application with the UI behind all its other routes: call it when those are there.

    Only GET and HEAD of paths that no other route knows come here; what lies under /api and /v1 stays unknown.
    """
    app.router.routes.append(_Files(folder))


class _Files(BaseRoute):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return Match.NONE, {}
        first, _, rest = scope["path"].lstrip("/").partition("/")
        if first == "assets" or (first == "favicon.svg" and not rest):
            return Match.FULL, {}
        unknown_file = not rest and "." in first
        return (Match.NONE if first in _NOT_PAGES or unknown_file else Match.FULL), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        first, _, rest = scope["path"].lstrip("/").partition("/")
        if first == "assets":
            response: Response = asset(self._folder / "assets", rest, request.headers)
        elif first == "favicon.svg":
            response = asset(self._folder, first, request.headers, cached="public, max-age=86400")
        else:
            response = page(self._folder, theme=request.cookies.get(THEME, ""))
        await response(scope, receive, send)


def page(folder: Path, *, theme: str = "") -> Response:
    """The UI's page with a nonce of its own; where the UI is not built, a page that says what to do."""
    try:
        html = (folder / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        headers = {**_SAFE, "cache-control": "no-store", "content-security-policy": "default-src 'none'"}
        return HTMLResponse(_UNBUILT, status_code=503, headers=headers)
    nonce = secrets.token_urlsafe(16)
    if theme in ("light", "dark"):
        html = html.replace('data-theme="system"', f'data-theme="{theme}"', 1)
    return HTMLResponse(
        html.replace(NONCE, nonce),
        headers={**_SAFE, "cache-control": "no-cache", "content-security-policy": policy(nonce)},
    )


def policy(nonce: str) -> str:
    """The Content-Security-Policy of the page: everything from here, styles made at run time only with the nonce."""
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "frame-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "object-src 'none'",
        )
    )


def asset(folder: Path, name: str, headers: Mapping[str, str], *, cached: str = _FOR_EVER) -> Response:
    """One built file, packed as the browser takes it. Raises NotFoundError for every other name."""
    path = folder / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFoundError(f"there is no file '{name[:200]}' in the UI", hint="load the page again")
    media = _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    sent = {**_SAFE, "cache-control": cached, "vary": "accept-encoding"}
    taken = _taken(headers.get("accept-encoding", ""))
    for coding, ending in _PACKED:
        packed = path.with_name(name + ending)
        if coding in taken and packed.is_file():
            return FileResponse(packed, media_type=media, headers={**sent, "content-encoding": coding})
    return FileResponse(path, media_type=media, headers=sent)


def _taken(accepted: str) -> set[str]:
    """The codings that an Accept-Encoding takes: those that it names without `q=0`."""
    found = set()
    for part in accepted.lower().split(","):
        coding, _, quality = part.partition(";")
        if not re.fullmatch(r"q=0(\.0*)?", quality.strip()):
            found.add(coding.strip())
    return found
