"""The door for mails that came back: a mail server posts each as it is, and gets its answer when it is durable.

A word in the address, which only the server and the settings know, is what lets it in.
"""

from __future__ import annotations

import asyncio
from hmac import compare_digest

from fastapi import APIRouter, Request

from limner.api.bodies import bytes_of
from limner.config import variable
from limner.errors import NotFoundError
from limner.feedback.returned import MOST_BYTES
from limner.types import Json
from limner.workspace import returning
from limner.workspace.workspace import Workspace


def router(workspace: Workspace) -> APIRouter:
    """The route that mail servers call."""
    made = APIRouter()

    @made.post("/mail/callback/{word}")
    async def returned(word: str, request: Request) -> Json:
        named = workspace.config.email.callback_env
        ours = variable(named) if named else ""
        if not ours or not compare_digest(word.encode(), ours.encode()):
            raise NotFoundError("there is nothing here")
        raw = await bytes_of(request, most=MOST_BYTES)
        found = await asyncio.to_thread(returning.take, workspace, raw)
        return {"kind": found.kind, "message_id": found.message_id}

    return made
