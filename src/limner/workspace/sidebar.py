"""The sidebar beside a chat in WeCom: who opened it, what they may see of that one customer, tagging from it.

A member of staff sees their own customers only. What they see is masked by the role that the settings give them.
"""

from __future__ import annotations

import hmac
import json
import secrets
from datetime import timedelta
from hashlib import sha1
from typing import Any
from urllib.parse import urlencode

from limner.accounts.model import LOCAL, Caller, Role, sees_personal
from limner.channels import wechat_crypto
from limner.channels.tencent import Refused
from limner.config import secret as secret_of
from limner.contacts import follows
from limner.errors import ConfigError, DeniedError
from limner.tags.masking import hides, hiding
from limner.tags.model import Given
from limner.types import Json, Progress
from limner.workspace import definitions, finding, giving, relating
from limner.workspace.workspace import Workspace

LASTS_SECONDS = 8 * 3600
_STATE_LASTS = timedelta(minutes=10)
MOST_TAGS = 60

# callbacks


def is_ours(workspace: Workspace, *, signature: str, timestamp: str, nonce: str, sealed: str) -> bool:
    """Whether whoever calls knows the company's token."""
    token = secret_of(_set(workspace.config.wecom.token_env, "token_env"))
    return wechat_crypto.is_signed(signature, [token, timestamp, nonce, sealed])


def unsealed(workspace: Workspace, sealed: str) -> str:
    """The text of an encrypted callback. Raises InputError where it is not meant for this company."""
    config = workspace.config.wecom
    key = secret_of(_set(config.aes_key_env, "aes_key_env"))
    return wechat_crypto.decrypted(sealed, key=key, app_id=config.corp_id)


def _set(value: str, name: str) -> str:
    if not value:
        raise ConfigError(f"wecom.{name} is not set", hint=f"[wecom] {name} = …", status=404)
    return value


# who opened it


def sign_in(workspace: Workspace, back: str) -> str:
    """Where a browser goes to say whose it is; it comes back with a code."""
    config = workspace.config.wecom
    query = {
        "appid": _set(config.corp_id, "corp_id"),
        "redirect_uri": back,
        "response_type": "code",
        "scope": "snsapi_base",
        "agentid": _set(config.agent_id, "agent_id"),
        "state": _sealed(workspace, "sign-in", secrets.token_hex(8), _STATE_LASTS),
    }
    return f"{config.sign_in}?{urlencode(query)}#wechat_redirect"


def signed_in(workspace: Workspace, code: str, state: str) -> str:
    """The member of staff who came back with the code. Raises DeniedError for anybody else."""
    if not _opened(workspace, "sign-in", state):
        raise DeniedError("the sign-in took too long, or was not begun here", code="bad_state", status=401)
    with relating.opened(workspace) as there:
        try:
            answer = there.api.ask("/cgi-bin/auth/getuserinfo", code=code)
        except Refused as error:
            raise DeniedError(
                f"WeCom does not know who you are: {error.said}", code="bad_code", status=401
            ) from error
    staff = str(answer.get("userid") or "")
    if not staff:
        raise DeniedError("only members of staff see the sidebar", code="not_staff")
    return staff


def ticket(workspace: Workspace, staff: str) -> str:
    """What the member of staff's browser keeps."""
    return _sealed(workspace, "sidebar", staff, timedelta(seconds=LASTS_SECONDS))


def whose(workspace: Workspace, held: str) -> str:
    """The member of staff whose browser this is; '' where nobody signed in, or it is over."""
    return _opened(workspace, "sidebar", held)


def caller(workspace: Workspace, staff: str) -> Caller:
    """As whom a member of staff calls verbs of the sidebar."""
    return Caller("staff", staff, f"staff {staff}", Role(workspace.config.wecom.sidebar_role))


def _sealed(workspace: Workspace, what: str, said: str, lasts: timedelta) -> str:
    ends = int((workspace.clock() + lasts).timestamp())
    text = f"{ends}.{said.encode().hex()}"
    return f"{text}.{_mark(workspace, what, text)}"


def _opened(workspace: Workspace, what: str, held: str) -> str:
    text, _, mark = held.rpartition(".")
    if not text or not hmac.compare_digest(mark.encode(), _mark(workspace, what, text).encode()):
        return ""
    ends, _, said = text.partition(".")
    return bytes.fromhex(said).decode() if int(ends) > workspace.clock().timestamp() else ""


def _mark(workspace: Workspace, what: str, text: str) -> str:
    return hmac.new(workspace.secret, f"{what}\0{text}".encode(), "sha256").hexdigest()


# the JS-SDK


def signature(workspace: Workspace, url: str) -> Json:
    """What the page needs to ask WeCom whose chat is open: of the company, and of the application."""
    config = workspace.config.wecom
    stamp, nonce = str(int(workspace.clock().timestamp())), secrets.token_hex(8)
    page = url.partition("#")[0]

    def signed(kind: str) -> str:
        text = f"jsapi_ticket={_ticket(workspace, kind)}&noncestr={nonce}&timestamp={stamp}&url={page}"
        return sha1(text.encode(), usedforsecurity=False).hexdigest()

    return {
        "corp_id": config.corp_id,
        "agent_id": config.agent_id,
        "timestamp": stamp,
        "nonce": nonce,
        "signature": signed("corp"),
        "agent_signature": signed("agent_config"),
    }


def _ticket(workspace: Workspace, kind: str) -> str:
    """The ticket of a kind, which lives two hours; asked for when there is none."""
    now = workspace.clock().timestamp()
    held = workspace.tickets.get(kind)
    if held is not None and held[1] > now:
        return held[0]
    with relating.opened(workspace) as there:
        if kind == "corp":
            answer = there.api.surely("/cgi-bin/get_jsapi_ticket")
        else:
            answer = there.api.surely("/cgi-bin/ticket/get", type=kind)
    fresh = str(answer["ticket"])
    workspace.tickets[kind] = (fresh, now + int(answer.get("expires_in", 7200)) - 60)
    return fresh


# what it shows


def read(text: str) -> Any:
    """The JSON of a body. Raises ValueError."""
    return json.loads(text)


def _own(workspace: Workspace, staff: str, customer: str) -> None:
    if not follows.knows(workspace.records, staff, customer):
        raise DeniedError("this is not one of your customers", code="not_yours")


def sidebar_show(workspace: Workspace, customer: str, staff: str, caller: Caller = LOCAL) -> Json:
    """One customer as their member of staff sees them: name, tags with what may be given, tasks, what happened last."""
    _own(workspace, staff, customer)
    tags = definitions.tags(workspace)
    shown = finding.person_show(workspace, id=f"external_userid:{customer}", caller=caller)
    hide = hiding(workspace.config.personal, mask=not sees_personal(caller.role))
    here = [
        {
            "key": item["key"],
            "titles": item["titles"],
            "value": item["value"],
            "given": item["given"] is not None,
        }
        for part in shown["tags"]
        for item in part["tags"]
        if item["value"] is not None
    ]
    may = [
        {
            "key": tag.key,
            "titles": dict(tag.title),
            "type": str(tag.type),
            "values": [str(one) for one in tag.definition.values],
        }
        for tag in tags.values()
        if isinstance(tag.definition, Given) and not hides(tag, hide)
    ]
    tasks = [
        {key: task[key] for key in ("id", "text", "since", "until", "late")}
        for task in relating.staff_tasks(workspace, staff, caller=caller)["tasks"]
        if task["person"] == shown["person"]
    ]
    return {
        "person": shown["person"],
        "name": shown["header"]["name"] or "",
        "first_seen": shown["header"]["first_seen"],
        "last_seen": shown["header"]["last_seen"],
        "tags": here[:MOST_TAGS],
        "may": may,
        "tasks": tasks,
        "audiences": [{"name": one["name"], "titles": one["titles"]} for one in shown["audiences"]],
    }


def sidebar_tasks(workspace: Workspace, staff: str, caller: Caller = LOCAL) -> Json:
    """What the member of staff is to do for the customers whom they own."""
    return relating.staff_tasks(workspace, staff, caller=caller)


def sidebar_tag(
    workspace: Workspace,
    progress: Progress,
    customer: str,
    tag: str,
    staff: str,
    value: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """The member of staff gives their customer a tag, or takes it back with an empty value."""
    _own(workspace, staff, customer)
    tags = definitions.tags(workspace)
    hide = hiding(workspace.config.personal, mask=not sees_personal(caller.role))
    if tag not in tags or not isinstance(tags[tag].definition, Given) or hides(tags[tag], hide):
        raise DeniedError(f"the tag '{tag}' is not given by staff", code="not_given")
    who = f"external_userid:{customer}"
    if value:
        answer = giving.tag_give(workspace, progress, tag, value, person=who, caller=caller)
    else:
        answer = giving.tag_take(workspace, progress, tag, person=who, caller=caller)
    return {"tag": tag, "value": value, "changes": answer["changes"]}


def sidebar_done(workspace: Workspace, id: int, staff: str, note: str = "", caller: Caller = LOCAL) -> Json:
    """A task of the member of staff is done."""
    mine = relating.staff_tasks(workspace, staff, caller=caller)["tasks"]
    if id not in {task["id"] for task in mine}:
        raise DeniedError("this is not one of your tasks", code="not_yours")
    return relating.staff_done(workspace, id, note, caller=caller)
