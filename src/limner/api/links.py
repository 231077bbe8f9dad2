"""The links in messages: open, click, unsubscribe. The event is durable before the answer where it must be."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from limner.errors import NotFoundError, StorageError
from limner.feedback import handlers
from limner.types import Json
from limner.workspace import reaching
from limner.workspace.workspace import Workspace


def router(workspace: Workspace) -> APIRouter:
    """Routes that anybody with a signed link may call."""
    made = APIRouter()

    async def keep(call: Json | None) -> None:
        if call is not None:
            record = await asyncio.to_thread(reaching.own_record, workspace, [call])
            await workspace.log.append(record)

    @made.get("/o/{token}")
    async def opened(token: str, request: Request) -> Response:
        call = await asyncio.to_thread(
            handlers.opened,
            workspace.records,
            reaching.links(workspace),
            token,
            user_agent=request.headers.get("user-agent", ""),
            now=workspace.clock(),
        )
        with suppress(StorageError):  # the image must still be shown; health says that the disk is full
            await keep(call)
        return Response(handlers.GIF, media_type="image/gif", headers=handlers.NO_STORE)

    @made.get("/c/{token}")
    async def clicked(token: str, request: Request) -> Response:
        found = await asyncio.to_thread(
            handlers.click,
            workspace.records,
            reaching.links(workspace),
            token,
            user_agent=request.headers.get("user-agent", ""),
            now=workspace.clock(),
        )
        if found is None:
            raise NotFoundError("this link is not one of ours")
        with suppress(StorageError):  # the recipient's way matters more than our count
            await keep(found.call)
        return RedirectResponse(found.target, status_code=302, headers=handlers.NO_STORE)

    @made.get("/u/{token}")
    async def leaving(token: str) -> Response:
        page = handlers.unsubscribe_page(reaching.links(workspace), token, name=workspace.config.name)
        if page is None:
            raise NotFoundError("this link is not one of ours")
        return _page(page)

    @made.post("/u/{token}")
    async def unsubscribe(token: str) -> Response:
        done = await asyncio.to_thread(
            handlers.unsubscribe,
            workspace.records,
            reaching.links(workspace),
            token,
            name=workspace.config.name,
            now=workspace.clock(),
        )
        if done is None:
            raise NotFoundError("this link is not one of ours")
        await keep(done.call)
        return _page(done.page)

    return made


def _page(content: str) -> Response:
    return HTMLResponse(
        content, headers={**handlers.NO_STORE, "Content-Security-Policy": handlers.PAGE_POLICY}
    )
