"""Roles and what each may do; keys are kept only as hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a caller may do. Each role may do what the ones below it may."""

    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"


RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}


def may(role: Role, needed: Role) -> bool:
    """Whether `role` includes everything that `needed` may do."""
    return RANK[role] >= RANK[needed]


def sees_personal(role: Role) -> bool:
    """Whether personal values (e-mail, phone, name …) are shown to this role unmasked."""
    return role is not Role.VIEWER


SAFE = ("GET", "HEAD", "OPTIONS", "read")


@dataclass(frozen=True)
class User:
    """Somebody who signs in. `login` is case-folded: an e-mail address or a name."""

    id: str
    login: str
    name: str
    role: Role
    enabled: bool
    created_at: datetime
    has_password: bool
    language: str = ""
    seen_at: datetime | None = None


@dataclass(frozen=True)
class Caller:
    """Who calls: a signed-in user (`kind` user), an API key (key), the command line (local), or nobody.

    `session`: the outward id of the user's session.
    """

    kind: str
    id: str
    name: str
    role: Role
    scopes: tuple[str, ...] = ()
    session: str = ""


LOCAL = Caller("local", "", "command line", Role.ADMIN)
"""Whoever may open the workspace's folder."""


def allows(caller: Caller, noun: str, method: str) -> bool:
    """Whether the caller's scopes include this noun; `method` is an HTTP method, or `read` or `write`.

    Without scopes everything is included that the role may do. Writing includes reading.
    """
    if not caller.scopes:
        return True
    needed = ("read", "write") if method in SAFE else ("write",)
    return any(f"{whose}:{what}" in caller.scopes for whose in (noun, "*") for what in needed)


def covers(held: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether scopes `wanted` give nothing that `held` does not give; no scopes are all of them."""
    if not held:
        return True
    holder = Caller("key", "", "", Role.VIEWER, held)
    return bool(wanted) and all(allows(holder, *scope.split(":", 1)) for scope in wanted)


@dataclass(frozen=True)
class Source:
    """Somewhere events come from, with a write key of its own."""

    source_i: int
    name: str
    kind: str
    key_tail: str
    created_at: datetime
    enabled: bool


@dataclass(frozen=True)
class ApiKey:
    """A key to the management API."""

    id: str
    role: Role
    tail: str
    created_at: datetime
    note: str
    scopes: tuple[str, ...] = ()
    created_by: str = ""
    last_used_at: datetime | None = None


def new_secret(prefix: str) -> str:
    """A random key of 160 bits, recognisable by its prefix."""
    return f"{prefix}_{secrets.token_urlsafe(20)}"


def digest(key: str) -> str:
    """How a key is kept: SHA-256 is enough for random keys of 160 bits."""
    return hashlib.sha256(key.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Whether two digests are equal, in constant time."""
    return hmac.compare_digest(left, right)
