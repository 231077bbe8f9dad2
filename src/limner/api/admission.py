"""Who calls: a key or a session; and whether the route lets them. Knows no verb."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import Request

from limner.accounts import keys, sessions
from limner.accounts.model import Caller, allows, may
from limner.api.origin import require_ours
from limner.errors import DeniedError
from limner.workspace.workspace import Workspace

if TYPE_CHECKING:  # routes that sign in import this module
    from limner.api.routes.route import Route

COOKIE = "limner_session"
CSRF = "x-csrf-token"


async def admitted(workspace: Workspace, request: Request, route: Route) -> Caller:
    """The caller, who may use the route.

    Raises DeniedError: 401 without a known key or session, 403 when role, scope or CSRF token do not do.
    """
    found = await caller_of(workspace, request, changes=route.method != "GET")
    if found is None:
        raise DeniedError(
            "sign in, or send Authorization: Bearer KEY",
            code="unauthorized",
            status=401,
            hint="limner key add",
        )
    if route.role is not None and not may(found.role, route.role):
        raise DeniedError(
            f"this needs the role {route.role.value}; yours is {found.role.value}", code="forbidden"
        )
    if not allows(found, route.noun, "POST" if route.writes else "GET"):
        wanted = f"{route.noun}:{'write' if route.writes else 'read'}"
        raise DeniedError(f"this key's scopes do not include {wanted}", code="out_of_scope")
    return found


async def caller_of(workspace: Workspace, request: Request, *, changes: bool) -> Caller | None:
    """Whoever the key or the session names; None when there is neither.

    Raises DeniedError for a key that is not known, and when a session changes something without its CSRF token.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() == "bearer" and key:
        named = await asyncio.to_thread(keys.caller_of, workspace.records, key, now=workspace.clock())
        if named is not None:
            return named
        if await asyncio.to_thread(workspace.door.source_of, key) is not None:
            raise DeniedError("a write key may only send events", code="forbidden", status=403)
        raise DeniedError("this key is not known", code="unauthorized", status=401, hint="limner key add")
    token = request.cookies.get(COOKIE, "")
    if not token:
        return None
    session = await asyncio.to_thread(sessions.find, workspace.records, token, now=workspace.clock())
    if session is None:
        return None
    if changes:
        require_ours(request, workspace.public_url)
    if changes and not sessions.csrf_matches(token, request.headers.get(CSRF, "")):
        raise DeniedError(
            "the request does not carry this session's CSRF token", code="csrf", hint=f"send {CSRF}"
        )
    return session.caller
