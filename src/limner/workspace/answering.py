"""What an official account's callbacks are here: a durable event, and the answer that the platform hands on."""

from __future__ import annotations

import secrets

import pyarrow as pa
import pyarrow.compute as pc

from limner.channels import wechat_crypto
from limner.config import secret as secret_of
from limner.errors import ConfigError, DefinitionError, LimnerError
from limner.events import wechat
from limner.touches import replies
from limner.touches.replies import Reply
from limner.types import Json
from limner.workspace.workspace import Workspace

DONE = "success"
"""What the platform takes for: it was understood, nothing is answered."""


def is_ours(workspace: Workspace, *, signature: str, timestamp: str, nonce: str, sealed: str = "") -> bool:
    """Whether whoever calls knows the account's token; `sealed`: the encrypted text, which is signed, too."""
    token = secret_of(_set(workspace.config.wechat.token_env, "wechat.token_env"))
    parts = [token, timestamp, nonce, *([sealed] if sealed else [])]
    return wechat_crypto.is_signed(signature, parts)


def echoed(workspace: Workspace, text: str, *, sealed: bool) -> str:
    """What is answered to the platform's question whether this is the account's server."""
    return opened(workspace, text) if sealed else text


def opened(workspace: Workspace, sealed: str) -> str:
    """The text of an encrypted callback. Raises InputError where it is not meant for this account."""
    config = workspace.config.wechat
    return wechat_crypto.decrypted(sealed, key=_key(workspace), app_id=config.app_id)


def understood(workspace: Workspace, xml: str) -> tuple[Json, str]:
    """The call that a callback is, and the XML of its answer ('' where nothing is answered)."""
    given = wechat.fields(xml)
    call = wechat.call(given, app_id=workspace.config.wechat.app_id)
    known, _ = replies.read_folder(workspace.paths.folder / "replies")
    reply = None
    if call["event"] == wechat.MESSAGE and given.get("MsgType") == "text":
        reply = replies.meant(
            known.values(),
            given.get("Content", ""),
            matches=lambda text, pattern: bool(_fits(text, pattern)),
        )
        if reply is not None:
            call["properties"]["keyword"] = reply.name
    elif given.get("Event") == "subscribe":
        reply = known.get(replies.FOLLOWED)
    if reply is None:
        return call, ""
    return call, wechat.answered(given, reply.text, now=workspace.clock())


def sealed(workspace: Workspace, xml: str, *, nonce: str) -> str:
    """The encrypted and signed form of an answer."""
    config = workspace.config.wechat
    text = wechat_crypto.encrypted(
        xml, key=_key(workspace), app_id=config.app_id, noise=secrets.token_bytes(16)
    )
    timestamp = str(int(workspace.clock().timestamp()))
    token = secret_of(config.token_env)
    signature = wechat_crypto.signature([token, timestamp, nonce, text])
    return (
        f"<xml><Encrypt><![CDATA[{text}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
        f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce.replace(']]>', '')}]]></Nonce></xml>"
    )


def problems(reply: Reply) -> list[LimnerError]:
    """What is wrong with a reply: patterns that cannot be read."""
    return [
        DefinitionError(
            f"the pattern '{pattern}' cannot be read", where=f"replies/{reply.name}.yml", code="pattern"
        )
        for pattern in reply.keywords
        if reply.match == replies.REGEX and _fits("", pattern) is None
    ]


def _fits(text: str, pattern: str) -> bool | None:
    """Whether the pattern fits somewhere, by expressions that take time in proportion to the text; None: no pattern."""
    try:
        found = pc.match_substring_regex(pa.array([text]), pattern, ignore_case=True)
    except pa.ArrowInvalid:
        return None
    return bool(found[0].as_py())


def _key(workspace: Workspace) -> str:
    return secret_of(_set(workspace.config.wechat.aes_key_env, "wechat.aes_key_env"))


def _set(variable: str, name: str) -> str:
    if not variable:
        raise ConfigError(f"{name} is not set", hint=f"[wechat] {name.partition('.')[2]} = …", status=404)
    return variable
