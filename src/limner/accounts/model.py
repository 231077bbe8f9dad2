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


def new_secret(prefix: str) -> str:
    """A random key of 160 bits, recognisable by its prefix."""
    return f"{prefix}_{secrets.token_urlsafe(20)}"


def digest(key: str) -> str:
    """How a key is kept: SHA-256 is enough for random keys of 160 bits."""
    return hashlib.sha256(key.encode()).hexdigest()


def same(left: str, right: str) -> bool:
    """Whether two digests are equal, in constant time."""
    return hmac.compare_digest(left, right)
