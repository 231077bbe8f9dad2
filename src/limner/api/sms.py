"""The door of the SMS platform: receipts and replies are durable before they are answered, and count once.

The platform signs nothing: a word in the address, which only it and the settings know, is what lets it in.
"""

from __future__ import annotations

import asyncio
from hmac import compare_digest
from typing import Literal

from fastapi import APIRouter, Request

from limner.api.bodies import text_of
from limner.config import variable
from limner.errors import NotFoundError
from limner.feedback import shorts
from limner.types import Json
from limner.workspace import reaching
from limner.workspace.workspace import Workspace

DONE = {"code": 0, "msg": "接收成功"}
"""What the platform takes for: it was understood."""


def router(workspace: Workspace) -> APIRouter:
    """Routes that the platform calls."""
    made = APIRouter()

    @made.post("/sms/callback/{word}/{what}")
    async def called(word: str, what: Literal["report", "reply"], request: Request) -> Json:
        named = workspace.config.sms.callback_env
        ours = variable(named) if named else ""
        if not ours or not compare_digest(word.encode(), ours.encode()):
            raise NotFoundError("there is nothing here")
        posted = shorts.read(await text_of(request, most=shorts.MOST_BYTES))
        calls = await asyncio.to_thread(_calls, what, posted)
        if calls:
            record = await asyncio.to_thread(reaching.own_record, workspace, calls)
            await workspace.log.append(record)
        return DONE

    def _calls(what: str, posted: list[shorts.Given]) -> list[Json]:
        now = workspace.clock()
        if what == "report":
            found = [shorts.reported(workspace.records, given, now=now) for given in posted]
            return [call for call in found if call is not None]
        return [
            call
            for given in posted
            for call in shorts.replied(workspace.records, given, secret=workspace.secret, now=now)
        ]

    return made
