"""The door of a WeChat official account: a callback is durable before it is answered, and counts once."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from limner.api.bodies import text_of
from limner.errors import LimnerError
from limner.events import wechat
from limner.workspace import answering, reaching
from limner.workspace.workspace import Workspace

PATH = "/wechat/callback"


def router(workspace: Workspace) -> APIRouter:
    """Routes that the platform calls; who does not know the account's token is refused."""
    made = APIRouter()

    @made.get(PATH)
    async def asked(
        timestamp: str = "", nonce: str = "", echostr: str = "", signature: str = "", msg_signature: str = ""
    ) -> Response:
        sealed = bool(msg_signature)
        _ours(
            workspace,
            signature=msg_signature or signature,
            timestamp=timestamp,
            nonce=nonce,
            sealed=echostr if sealed else "",
        )
        return PlainTextResponse(answering.echoed(workspace, echostr, sealed=sealed))

    @made.post(PATH)
    async def called(
        request: Request,
        timestamp: str = "",
        nonce: str = "",
        signature: str = "",
        msg_signature: str = "",
        encrypt_type: str = "",
    ) -> Response:
        xml = await text_of(request, most=wechat.MOST_BYTES)
        sealed = encrypt_type == "aes"
        if sealed:
            inner = wechat.fields(xml).get("Encrypt", "")
            _ours(workspace, signature=msg_signature, timestamp=timestamp, nonce=nonce, sealed=inner)
            xml = answering.opened(workspace, inner)
        else:
            _ours(workspace, signature=signature, timestamp=timestamp, nonce=nonce)
        call, answer = await asyncio.to_thread(answering.understood, workspace, xml)
        record = await asyncio.to_thread(reaching.own_record, workspace, [call])
        await workspace.log.append(record)
        if not answer:
            return PlainTextResponse(answering.DONE)
        if sealed:
            answer = answering.sealed(workspace, answer, nonce=nonce)
        return Response(answer, media_type="application/xml")

    return made


def _ours(workspace: Workspace, *, signature: str, timestamp: str, nonce: str, sealed: str = "") -> None:
    if not answering.is_ours(workspace, signature=signature, timestamp=timestamp, nonce=nonce, sealed=sealed):
        raise LimnerError("the signature is not this account's", code="not_signed", status=403)
