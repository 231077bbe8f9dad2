"""Verbs of accounts: users, their sessions and passwords, keys, and the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from limner import __version__
from limner.accounts import audit, keys, passwords, sessions, throttle, users
from limner.accounts.model import LOCAL, ApiKey, Caller, Role, User, covers, may
from limner.errors import CancelledError, DeniedError, UsageError
from limner.types import Json
from limner.workspace import paging
from limner.workspace.knowing import instant_of
from limner.workspace.workspace import Workspace

log = structlog.get_logger("limner.accounts")

NOBODY = Caller("nobody", "", "nobody", Role.VIEWER)
"""Who has not signed in (yet)."""

SETUP = "/setup#"
"""Where a one-time link leads. The secret is the fragment, which browsers send to no server."""

HEAD = "audit.head"


@dataclass(frozen=True)
class SignedIn:
    """A session that has begun: who, and the two secrets of the browser, shown only this once."""

    session: sessions.Session
    token: str

    @property
    def answer(self) -> Json:
        """What the browser's page is told; the token goes into the cookie alone."""
        return {"user": described(self.session.user), "csrf": self.session.csrf}


def described(user: User) -> Json:
    """A user as every door shows one."""
    return {
        "id": user.id,
        "login": user.login,
        "name": user.name,
        "role": user.role.value,
        "enabled": user.enabled,
        "invited": not user.has_password,
        "language": user.language,
        "created_at": user.created_at.isoformat(),
        "seen_at": None if user.seen_at is None else user.seen_at.isoformat(),
    }


# Users


def user_add(workspace: Workspace, login: str, role: str, name: str = "", caller: Caller = LOCAL) -> Json:
    """A new user, with the one-time link (shown once, 72 hours) by which the first password is set."""
    _unnarrowed(caller)
    user, secret = users.add(
        workspace.records,
        login,
        role=users.role_named(role),
        name=name,
        now=workspace.clock(),
        by=caller.id,
    )
    return {**described(user), **_linked(workspace, secret)}


def user_list(workspace: Workspace) -> Json:
    """All users, disabled ones too, by login."""
    return {"users": [described(user) for user in users.listed(workspace.records)]}


def user_change(
    workspace: Workspace, id: str, role: str = "", name: str = "", caller: Caller = LOCAL
) -> Json:
    """The user with another role or name; another role ends the user's other sessions."""
    if role:
        _unnarrowed(caller)
    user = users.change(
        workspace.records,
        id,
        role=users.role_named(role) if role else None,
        name=name or None,
        but=caller.session,
    )
    return described(user)


def user_disable(workspace: Workspace, id: str) -> Json:
    """The user, whose sessions and links end at once; the last admin cannot be disabled."""
    return described(users.disable(workspace.records, id))


def user_enable(workspace: Workspace, id: str, caller: Caller = LOCAL) -> Json:
    """The user, who can sign in again."""
    _unnarrowed(caller)
    return described(users.enable(workspace.records, id))


def user_remove(workspace: Workspace, id: str) -> Json:
    """The user is gone; only one who never set a password can be removed, others are disabled."""
    removed = users.remove(workspace.records, id)
    return {"id": removed.id, "removed": removed.id}


def user_reset(workspace: Workspace, id: str, caller: Caller = LOCAL) -> Json:
    """A one-time link (shown once, 72 hours) by which the user sets a new password; the old one holds until then."""
    _unnarrowed(caller)
    user, secret = users.reset(workspace.records, id, now=workspace.clock())
    return {**described(user), **_linked(workspace, secret)}


def first_admin(workspace: Workspace) -> str | None:
    """The path of the link that makes the first admin; None once there is a user."""
    secret = users.first_link(workspace.records, now=workspace.clock())
    return None if secret is None else f"{SETUP}{secret}"


def _unnarrowed(caller: Caller) -> None:
    """Raises DeniedError for a key with scopes: through a user whom it lets in it could do more than they say."""
    if not covers(caller.scopes, ("*:write",)):
        raise DeniedError("a key with scopes lets nobody in", code="out_of_scope", hint="limner user --help")


def _linked(workspace: Workspace, secret: str) -> Json:
    return {
        "link": f"{workspace.public_url.rstrip('/')}{SETUP}{secret}",
        "expires_at": (workspace.clock() + users.LINK).isoformat(timespec="seconds"),
    }


# Signing in. These are no verbs: only a browser's door has an address and a cookie.


def sign_in(workspace: Workspace, *, login: str, password: str, address: str, agent: str) -> SignedIn:
    """A new session. Raises DeniedError, the same for an unknown login, a wrong password and a disabled user;
    TooManyAttemptsError after too many of them for this login or from this address."""
    now = workspace.clock()
    account = throttle.account(users.login_key(login))
    admitted = throttle.admit(workspace.records, (account, throttle.address(address)), now=now)
    user = users.authenticated(workspace.records, login, password)
    if user is None:
        _note(workspace, NOBODY, "sign in", "refused", "", {})
        raise DeniedError("login or password is wrong", code="wrong_credentials", status=401)
    throttle.succeeded(workspace.records, admitted, forget=account)
    return _signed_in(workspace, user, "sign in", address=address, agent=agent)


def sign_out(workspace: Workspace, *, caller: Caller) -> None:
    """The caller's session is over."""
    sessions.end(workspace.records, caller.session)
    _note(workspace, caller, "sign out", "session", caller.id, {})


def setup_link(workspace: Workspace, *, token: str, address: str) -> Json:
    """What a one-time link is for: {purpose, login, name, expires_at}. Raises NotFoundError."""
    return _tried(workspace, token, address)


def setup(
    workspace: Workspace, *, token: str, login: str, name: str, password: str, address: str, agent: str
) -> SignedIn:
    """A new session of the user whose first or new password this is; the one-time link is used up."""
    known = _tried(workspace, token, address)
    user = users.redeem(
        workspace.records, token, password=password, login=login, name=name, now=workspace.clock()
    )
    throttle.succeeded(workspace.records, (), forget=throttle.account(user.login))
    return _signed_in(workspace, user, f"set up ({known['purpose']})", address=address, agent=agent)


def _tried(workspace: Workspace, token: str, address: str) -> Json:
    now = workspace.clock()
    admitted = throttle.admit(workspace.records, (throttle.links(address),), now=now)
    known = users.link(workspace.records, token, now=now)
    throttle.succeeded(workspace.records, admitted)
    return {
        "purpose": known.purpose,
        "login": "" if known.user is None else known.user.login,
        "name": "" if known.user is None else known.user.name,
        "expires_at": known.expires_at.isoformat(),
    }


def _signed_in(workspace: Workspace, user: User, action: str, *, address: str, agent: str) -> SignedIn:
    session, token = sessions.begin(
        workspace.records, user.id, address=address, agent=agent, now=workspace.clock()
    )
    _note(workspace, session.caller, action, "session", user.id, {})
    return SignedIn(session, token)


def _note(workspace: Workspace, caller: Caller, action: str, kind: str, subject: str, detail: Json) -> None:
    audit.append(
        workspace.records,
        at=workspace.clock(),
        caller=caller,
        action=action,
        kind=kind,
        subject=subject,
        detail=detail,
    )


# One's own


def who(workspace: Workspace, caller: Caller) -> Json:
    """Who calls, and what a page must know before anything else; `setup` says that there is no user yet."""
    user = users.find(workspace.records, caller.id) if caller.kind == "user" else None
    key = None
    if caller.kind == "key":
        key = {"id": caller.id, "name": caller.name, "scopes": list(caller.scopes)}
    known = caller.kind != NOBODY.kind
    return {
        "user": None if user is None else described(user),
        "key": key,
        "role": caller.role.value if known else None,
        "setup": False if known else not users.any_user(workspace.records),
        "language": "" if user is None else user.language,
        "workspace": {
            "title": workspace.config.name,
            "zone": workspace.config.zone,
            "currency": workspace.config.currency,
            "version": __version__,
        },
    }


def session_change(workspace: Workspace, caller: Caller, name: str = "", language: str | None = None) -> Json:
    """Oneself with another name or language of the pages."""
    user = _self(workspace, caller)
    changed = users.change(
        workspace.records, user.id, name=name or None, language=language, but=caller.session
    )
    return described(changed)


def session_list(workspace: Workspace, caller: Caller, user: str = "") -> Json:
    """The caller's sessions, the last used first; an admin may name another user."""
    whose = _whose(workspace, caller, user)
    return {
        "sessions": [
            {
                "id": session.id,
                "current": session.id == caller.session,
                "created_at": session.created_at.isoformat(),
                "seen_at": session.seen_at.isoformat(),
                "expires_at": session.expires_at.isoformat(),
                "address": session.address,
                "agent": session.agent,
            }
            for session in sessions.listed(workspace.records, whose.id, now=workspace.clock())
        ]
    }


def session_end(workspace: Workspace, caller: Caller, id: str, user: str = "") -> Json:
    """The session is over at once; an admin may name another user's."""
    whose = _whose(workspace, caller, user)
    sessions.end(workspace.records, id, user_id=whose.id)
    return {"ended": id}


def password_change(workspace: Workspace, caller: Caller, current: str, new: str) -> Json:
    """How many other sessions ended with the old password. Raises DeniedError when `current` is wrong."""
    user = _self(workspace, caller)
    account = throttle.account(users.login_key(user.login))
    admitted = throttle.admit(workspace.records, (account,), now=workspace.clock())
    if users.authenticated(workspace.records, user.login, current) is None:
        raise DeniedError("the current password is wrong", code="wrong_credentials", status=403)
    throttle.succeeded(workspace.records, admitted, forget=account)
    if passwords.folded(current) == passwords.folded(new):
        raise UsageError("the new password is the current one", where="new", code="weak_password")
    ended = users.set_password(workspace.records, user.id, new, now=workspace.clock(), but=caller.session)
    return {"id": user.id, "ended": ended}


def _self(workspace: Workspace, caller: Caller) -> User:
    if caller.kind != "user":
        raise UsageError(
            "only somebody who signed in has sessions and a password",
            code="needs_user",
            hint="sign in with login and password",
        )
    return users.find(workspace.records, caller.id)


def _whose(workspace: Workspace, caller: Caller, user: str) -> User:
    if not user:
        return _self(workspace, caller)
    found = users.find(workspace.records, user) if caller.role is Role.ADMIN else None
    if found is None and user == caller.id:
        return _self(workspace, caller)
    if found is None:
        raise DeniedError("only an admin sees another user's sessions", code="forbidden")
    return found


# Keys


def key_add(
    workspace: Workspace,
    role: str,
    note: str = "",
    scopes: list[str] = [],  # noqa: B006 - never changed
    caller: Caller = LOCAL,
) -> Json:
    """A new API key, shown once; it can do no more than whoever makes it."""
    given = users.role_named(role)
    if not may(caller.role, given):
        raise DeniedError(f"a key of role {role} is more than yours, {caller.role.value}", code="forbidden")
    if not covers(caller.scopes, tuple(scopes)):
        raise DeniedError("a key's scopes cannot go beyond those of the key that makes it", code="forbidden")
    made, key = keys.add_key(
        workspace.records, given, note=note, now=workspace.clock(), scopes=tuple(scopes), by=caller.id
    )
    return {**_key(made), "key": key}


def key_list(workspace: Workspace) -> Json:
    """All API keys, without their secrets."""
    return {"keys": [_key(key) for key in keys.keys(workspace.records)]}


def key_remove(workspace: Workspace, id: str) -> Json:
    """The key stops working at once."""
    keys.remove_key(workspace.records, id)
    return {"removed": id}


def _key(key: ApiKey) -> Json:
    return {
        "id": key.id,
        "role": key.role.value,
        "scopes": list(key.scopes),
        "note": key.note,
        "tail": key.tail,
        "created_at": key.created_at.isoformat(),
        "created_by": key.created_by,
        "last_used_at": None if key.last_used_at is None else key.last_used_at.isoformat(),
    }


# The audit


def audit_list(
    workspace: Workspace,
    who: str = "",
    action: str = "",
    kind: str = "",
    subject: str = "",
    since: str = "",
    until: str = "",
    limit: int = paging.USUAL,
    cursor: str = "",
) -> Json:
    """Who did what to whom, newest first; `who` is an id or a name, the time is half-open."""
    size = paging.size_of(limit)
    before = int(paging.place_of(cursor, 1)[0]) if cursor else None
    found = audit.listed(
        workspace.records,
        limit=size + 1,
        before=before,
        caller=who,
        action=action,
        kind=kind,
        subject=subject,
        since=_instant(workspace, since),
        until=_instant(workspace, until),
    )
    shown = found[:size]
    return {
        "audit": [
            {
                "seq": entry.seq,
                "at": entry.at.isoformat(),
                "caller": {"kind": entry.caller_kind, "id": entry.caller_id, "name": entry.caller_name},
                "action": entry.action,
                "kind": entry.kind,
                "subject": entry.subject,
                "detail": entry.detail,
            }
            for entry in shown
        ],
        "next": paging.cursor_of(shown[-1].seq) if len(found) > size else None,
    }


def _instant(workspace: Workspace, text: str) -> datetime | None:
    return instant_of(workspace, text) if text else None


def audit_verify(workspace: Workspace, head: str = "") -> Json:
    """{ok, rows, head, first_wrong}: whether nothing in the audit was changed, removed, inserted or moved.

    `head` is what an earlier answer said: rows cut off at the end are found by it. Without one the head of the
    last good answer is taken, which stands in the data folder beside the records.
    """
    place = workspace.paths.data / HEAD
    remembered = place.read_text(encoding="ascii").strip() if place.exists() else ""
    answer = audit.verify(workspace.records, head=head or remembered, stopped=workspace.stopping.is_set)
    if answer["ok"] and answer["head"] != remembered:
        fresh = place.with_suffix(f".{workspace.new_id()}")
        fresh.write_text(answer["head"] + "\n", encoding="ascii")
        fresh.replace(place)
    return answer


def watch_audit(workspace: Workspace) -> None:
    """Verifies the audit once; the log then holds its head, or the alerts what is wrong."""
    try:
        found = audit_verify(workspace)
    except CancelledError:
        return
    if found["ok"]:
        log.info("audit verified", rows=found["rows"], head=found["head"])
    else:
        workspace.runs.alert("the audit was tampered with", found["first_wrong"])
