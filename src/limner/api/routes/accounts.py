"""Routes of accounts: signing in, oneself, users, keys and the audit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Annotated, Literal

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from limner.accounts import sessions
from limner.accounts.model import Role
from limner.api.admission import COOKIE, caller_of
from limner.api.origin import by_https, require_ours
from limner.api.routes.route import AnyJson, Call, Instant, Paged, Route, Shape
from limner.types import Json
from limner.workspace import accounting

_HASHING = ThreadPoolExecutor(2, thread_name_prefix="limner-sign-in")
"""Passwords are hashed in threads of their own, so that a flood of sign-ins keeps nobody else waiting."""

RoleName = Literal["admin", "operator", "viewer"]
Login = Annotated[str, Field(min_length=1, max_length=200, description="An e-mail address or a name.")]
ShownName = Annotated[str, Field(max_length=100, description="How the user is shown.")]
Password = Annotated[str, Field(max_length=1_000, description="At least 12 characters.")]
Secret = Annotated[str, Field(min_length=1, max_length=200)]
Scope = Annotated[str, Field(max_length=60, description="NOUN:read, NOUN:write, *:read or *:write.")]


class User(Shape):
    """Somebody who signs in; `invited` has set no password yet."""

    id: str
    login: str
    name: str
    role: RoleName
    enabled: bool
    invited: bool
    language: Literal["", "en", "zh"]
    created_at: str
    seen_at: str | None


class UserWithLink(User):
    """A user and the one-time link that sets the password, shown once."""

    link: str
    expires_at: str


class UserPage(Shape):
    """Users by login."""

    users: list[User]
    next: str | None


class NewUser(Shape):
    """Who is to sign in."""

    login: Login
    role: RoleName
    name: ShownName = ""


class UserChange(Shape):
    """What of a user is to change."""

    role: RoleName | None = None
    name: ShownName | None = None


class UserRemoved(Shape):
    """Who is gone."""

    id: str
    removed: str


class KeyCalling(Shape):
    """The API key that calls."""

    id: str
    name: str
    scopes: list[str]


class Place(Shape):
    """The workspace as every page names it: its title, time zone and currency, and the version that serves it."""

    title: str
    zone: str
    currency: str
    version: str


class Who(Shape):
    """Who calls; `setup`: there is no user yet. `csrf` goes into the header x-csrf-token of whatever changes."""

    user: User | None
    key: KeyCalling | None
    role: RoleName | None
    csrf: str
    setup: bool
    language: str
    workspace: Place


class SignIn(Shape):
    """Login and password."""

    login: Login
    password: Password


class SignedIn(Shape):
    """Who is signed in now; the session is in the cookie."""

    user: User
    csrf: str


class SetupAsked(Shape):
    """The secret of a one-time link."""

    token: Secret


class SetupLink(Shape):
    """What a one-time link is for; `first` makes the first admin, who chooses a login."""

    purpose: Literal["first", "invite", "reset"]
    login: str
    name: str
    expires_at: str


class Setup(Shape):
    """The password, by a one-time link; login and name only for the first admin."""

    token: Secret
    password: Password
    login: Annotated[str, Field(max_length=200)] = ""
    name: ShownName = ""


class SessionChange(Shape):
    """What of oneself is to change."""

    name: ShownName | None = None
    language: Literal["", "en", "zh"] | None = None


class PasswordChange(Shape):
    """The password there was, and the new one."""

    current: Password
    new: Password


class PasswordChanged(Shape):
    """How many other sessions ended."""

    id: str
    ended: int


class Session(Shape):
    """One signed-in browser."""

    id: str
    current: bool
    created_at: str
    seen_at: str
    expires_at: str
    address: str
    agent: str


class SessionPage(Shape):
    """Sessions, the last used first."""

    sessions: list[Session]
    next: str | None


class SessionsAsked(Paged):
    """Whose sessions; an admin may name another user."""

    user: str = ""


class SessionOf(Shape):
    """Whose session; an admin may name another user."""

    user: str = ""


class SessionEnded(Shape):
    """Which session is over."""

    ended: str


class Key(Shape):
    """An API key without its secret; no scopes: whatever its role may do."""

    id: str
    role: RoleName
    scopes: list[str]
    note: str
    tail: str
    created_at: str
    created_by: str
    last_used_at: str | None


class KeyWithSecret(Key):
    """A new API key; `key` is shown once."""

    key: str


class KeyPage(Shape):
    """API keys, the oldest first."""

    keys: list[Key]
    next: str | None


class NewKey(Shape):
    """What a key may do."""

    role: RoleName
    note: Annotated[str, Field(max_length=200)] = ""
    scopes: list[Scope] = Field(default_factory=list, max_length=50)


class KeyRemoved(Shape):
    """Which key works no more."""

    removed: str


class AuditCaller(Shape):
    """Who did it."""

    kind: str
    id: str
    name: str


class AuditRow(Shape):
    """One act."""

    seq: int
    at: str
    caller: AuditCaller
    action: str
    kind: str
    subject: str
    detail: AnyJson


class AuditPage(Shape):
    """Acts, the newest first."""

    audit: list[AuditRow]
    next: str | None


class AuditAsked(Paged):
    """Which acts; `who` is an id or a name, the time is half-open."""

    who: Annotated[str, Field(max_length=200)] = ""
    action: Annotated[str, Field(max_length=100)] = ""
    kind: Annotated[str, Field(max_length=100)] = ""
    subject: Annotated[str, Field(max_length=300)] = ""
    since: Instant = ""
    until: Instant = ""


class AuditHead(Shape):
    """What an earlier verification said, SEQ:HASH."""

    head: Annotated[str, Field(max_length=100)] = ""


class FirstWrong(Shape):
    """The first row that is not as it was written."""

    seq: int
    why: str


class AuditVerified(Shape):
    """Whether the audit is whole."""

    ok: bool
    rows: int
    head: str
    first_wrong: FirstWrong | None


async def who(call: Call) -> Response:
    """Who calls."""
    session = await _session(call)
    caller = (
        session.caller
        if session is not None
        else await caller_of(call.workspace, call.request, changes=False) or accounting.NOBODY
    )
    answer = await asyncio.to_thread(accounting.who, call.workspace, caller)
    return _answer({**answer, "csrf": "" if session is None else session.csrf})


async def sign_in(call: Call) -> Response:
    """A new session, whose token is in the cookie."""
    require_ours(call.request, call.workspace.public_url)
    before = await _session(call)
    made = await _slowly(
        partial(accounting.sign_in, call.workspace, **call.arguments, **_browser(call.request))
    )
    if before is not None:
        await asyncio.to_thread(accounting.sign_out, call.workspace, caller=before.caller)
    return _begun(call, made)


async def sign_out(call: Call) -> Response:
    """The session is over and the cookie gone, also when it was over before."""
    require_ours(call.request, call.workspace.public_url)
    session = await _session(call)
    if session is not None:
        caller = await caller_of(call.workspace, call.request, changes=True) or session.caller
        await asyncio.to_thread(accounting.sign_out, call.workspace, caller=caller)
    answer = await asyncio.to_thread(accounting.who, call.workspace, accounting.NOBODY)
    response = _answer({**answer, "csrf": ""})
    secure = by_https(call.request, call.workspace.public_url)
    response.delete_cookie(COOKIE, path="/", secure=secure, httponly=True, samesite="strict")
    return response


async def setup_link(call: Call) -> Response:
    """What the one-time link is for."""
    require_ours(call.request, call.workspace.public_url)
    address = _browser(call.request)["address"]
    return _answer(
        await asyncio.to_thread(
            accounting.setup_link, call.workspace, token=call.arguments["token"], address=address
        )
    )


async def setup(call: Call) -> Response:
    """A new session of the user whose password this is now."""
    require_ours(call.request, call.workspace.public_url)
    given = {"login": "", "name": "", **call.arguments}
    made = await _slowly(partial(accounting.setup, call.workspace, **given, **_browser(call.request)))
    return _begun(call, made)


async def _slowly(work: Callable[[], accounting.SignedIn]) -> accounting.SignedIn:
    return await asyncio.get_running_loop().run_in_executor(_HASHING, work)


async def _session(call: Call) -> sessions.Session | None:
    """The session of the request's cookie, unless a key is sent too."""
    token = call.request.cookies.get(COOKIE, "")
    if not token or "authorization" in call.request.headers:
        return None
    workspace = call.workspace
    return await asyncio.to_thread(sessions.find, workspace.records, token, now=workspace.clock())


def _browser(request: Request) -> Json:
    return {
        "address": request.client.host if request.client else "",
        "agent": request.headers.get("user-agent", ""),
    }


def _begun(call: Call, made: accounting.SignedIn) -> Response:
    response = _answer(made.answer)
    response.set_cookie(
        COOKIE,
        made.token,
        max_age=int(sessions.LONGEST.total_seconds()),
        path="/",
        secure=by_https(call.request, call.workspace.public_url),
        httponly=True,
        samesite="strict",
    )
    return response


def _answer(content: Json) -> JSONResponse:
    return JSONResponse(content, headers={"cache-control": "no-store"})


_USER = {
    "id": "5b0c6d3f1a2e", "login": "ada@shop.example", "name": "Ada", "role": "operator", "enabled": True,
    "invited": False, "language": "en", "created_at": "2026-05-01T08:00:00+00:00", "seen_at": None,
}  # fmt: skip

ROUTES = (
    Route(
        "GET",
        "/api/v1/session",
        "who calls",
        None,
        Who,
        "session",
        handle=who,
    ),
    Route(
        "POST",
        "/api/v1/session",
        "sign in",
        None,
        SignedIn,
        "session",
        takes=SignIn,
        handle=sign_in,
        example={
            "body": {"login": "ada@shop.example", "password": "several words of my own"},
            "answer": {"user": _USER, "csrf": "9f2c…"},
        },
    ),
    Route("PATCH", "/api/v1/session", "session change", Role.VIEWER, User, "session", takes=SessionChange),
    Route("DELETE", "/api/v1/session", "sign out", None, Who, "session", handle=sign_out),
    Route(
        "POST",
        "/api/v1/setup/link",
        "look at a one-time link",
        None,
        SetupLink,
        "session",
        takes=SetupAsked,
        reads=True,
        handle=setup_link,
        example={"body": {"token": "lt_9fKx2mB7…"}},
    ),
    Route(
        "POST",
        "/api/v1/setup",
        "set the password by a one-time link",
        None,
        SignedIn,
        "session",
        takes=Setup,
        handle=setup,
        example={"body": {"token": "lt_9fKx2mB7…", "password": "several words of my own"}},
    ),
    Route(
        "POST",
        "/api/v1/password",
        "password change",
        Role.VIEWER,
        PasswordChanged,
        "session",
        takes=PasswordChange,
        example={"body": {"current": "several words of my own", "new": "other words, also mine"}},
    ),
    Route(
        "GET",
        "/api/v1/sessions",
        "session list",
        Role.VIEWER,
        SessionPage,
        "session",
        asks=SessionsAsked,
        pages=("sessions", "id"),
    ),
    Route(
        "DELETE",
        "/api/v1/sessions/{id}",
        "session end",
        Role.VIEWER,
        SessionEnded,
        "session",
        asks=SessionOf,
    ),
    Route(
        "GET",
        "/api/v1/users",
        "user list",
        Role.ADMIN,
        UserPage,
        "users",
        asks=Paged,
        pages=("users", "id"),
        example={"answer": {"users": [_USER], "next": None}},
    ),
    Route(
        "POST",
        "/api/v1/users",
        "user add",
        Role.ADMIN,
        UserWithLink,
        "users",
        takes=NewUser,
        example={"body": {"login": "ada@shop.example", "role": "operator", "name": "Ada"}},
    ),
    Route("PATCH", "/api/v1/users/{id}", "user change", Role.ADMIN, User, "users", takes=UserChange),
    Route("DELETE", "/api/v1/users/{id}", "user remove", Role.ADMIN, UserRemoved, "users"),
    Route("POST", "/api/v1/users/{id}/disable", "user disable", Role.ADMIN, User, "users"),
    Route("POST", "/api/v1/users/{id}/enable", "user enable", Role.ADMIN, User, "users"),
    Route("POST", "/api/v1/users/{id}/reset", "user reset", Role.ADMIN, UserWithLink, "users"),
    Route(
        "GET",
        "/api/v1/keys",
        "key list",
        Role.ADMIN,
        KeyPage,
        "keys",
        asks=Paged,
        pages=("keys", "id"),
    ),
    Route(
        "POST",
        "/api/v1/keys",
        "key add",
        Role.ADMIN,
        KeyWithSecret,
        "keys",
        takes=NewKey,
        example={"body": {"role": "viewer", "scopes": ["people:read"], "note": "the dashboard"}},
    ),
    Route("DELETE", "/api/v1/keys/{id}", "key remove", Role.ADMIN, KeyRemoved, "keys"),
    Route("GET", "/api/v1/audit", "audit list", Role.ADMIN, AuditPage, "audit", asks=AuditAsked),
    Route("GET", "/api/v1/audit/verify", "audit verify", Role.ADMIN, AuditVerified, "audit", asks=AuditHead),
)
