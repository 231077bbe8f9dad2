"""Users who sign in, and the one-time links by which they set their first password, or a new one."""

from __future__ import annotations

import secrets
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from limner.accounts import passwords
from limner.accounts.keys import instant, micros
from limner.accounts.model import Role, User, digest
from limner.errors import ConflictError, NotFoundError, UsageError
from limner.store.records import Records

LINK = timedelta(hours=72)
"""So long a one-time link can be used."""

LONGEST_LOGIN = 200
LONGEST_NAME = 100
LANGUAGES = ("", "en", "zh")


@dataclass(frozen=True)
class Link:
    """A one-time link that can still be used: `first` makes the first admin, `invite` and `reset` set a
    user's password. `user` is None for the first admin."""

    purpose: str
    user: User | None
    expires_at: datetime


def login_of(given: str) -> str:
    """A login as it is kept and compared: case-folded. Raises UsageError when it can be none."""
    login = unicodedata.normalize("NFKC", given).strip().casefold()
    if not login or len(login) > LONGEST_LOGIN or any(c.isspace() or not c.isprintable() for c in login):
        raise UsageError(
            "a login is an e-mail address or a name without spaces", where="login", code="invalid_login"
        )
    return login


def login_key(login: str) -> str:
    """A login as somebody typed it, comparable to kept ones; empty when it can be nobody's."""
    try:
        return login_of(login)
    except UsageError:
        return ""


def name_of(given: str, login: str) -> str:
    """A name as it is shown; without one the login's part before the @."""
    name = " ".join(given.split())
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(f"a name has at most {LONGEST_NAME} letters", where="name", code="invalid_name")
    return name or login.partition("@")[0]


def role_named(given: str) -> Role:
    """The role of that name. Raises UsageError."""
    if given not in list(Role):
        raise UsageError(f"unknown role '{given}'", where="role", hint="admin, operator or viewer")
    return Role(given)


def add(
    records: Records, login: str, *, role: Role, now: datetime, name: str = "", by: str = ""
) -> tuple[User, str]:
    """A new user and the secret of the one-time link that sets the first password.

    Raises ConflictError when the login is taken.
    """
    folded = login_of(login)
    made = uuid.uuid4().hex[:12]
    with records.begin() as connection:
        _insert(connection, made, folded, name=name_of(name, folded), role=role, now=now, by=by)
        return _found(connection, made), _link(connection, made, "invite", now)


def listed(records: Records) -> list[User]:
    """All users in the order of their logins."""
    with records.read() as connection:
        return [
            user_of(row) for row in connection.execute(text("SELECT * FROM users ORDER BY login")).mappings()
        ]


def find(records: Records, id_or_login: str) -> User:
    """The user of that id or login. Raises NotFoundError."""
    with records.read() as connection:
        return _found(connection, id_or_login)


def any_user(records: Records) -> bool:
    """Whether there is a user at all, able to sign in or not."""
    with records.read() as connection:
        return _any(connection)


def change(
    records: Records,
    user_id: str,
    *,
    role: Role | None = None,
    name: str | None = None,
    language: str | None = None,
    but: str = "",
) -> User:
    """The changed user; another role ends the user's sessions but the one named.

    Raises ConflictError when the last enabled admin would cease to be one.
    """
    if language is not None and language not in LANGUAGES:
        raise UsageError(f"unknown language '{language}'", where="language", hint="en or zh")
    with records.begin() as connection:
        user = _found(connection, user_id)
        if role is not None and role is not user.role:
            if role is not Role.ADMIN:
                _keeps_an_admin(connection, user, "demoted")
            _end_sessions(connection, user.id, but)
        connection.execute(
            text("UPDATE users SET role = :role, name = :name, language = :language WHERE id = :id"),
            {
                "role": (role or user.role).value,
                "name": user.name if name is None else name_of(name, user.login),
                "language": user.language if language is None else language,
                "id": user.id,
            },
        )
        return _found(connection, user.id)


def disable(records: Records, user_id: str) -> User:
    """The user, who cannot sign in any more; sessions and one-time links end at once."""
    with records.begin() as connection:
        user = _found(connection, user_id)
        _keeps_an_admin(connection, user, "disabled")
        _end_sessions(connection, user.id)
        connection.execute(text("DELETE FROM one_time_links WHERE user_id = :id"), {"id": user.id})
        connection.execute(text("UPDATE users SET enabled = 0 WHERE id = :id"), {"id": user.id})
        return _found(connection, user.id)


def enable(records: Records, user_id: str) -> User:
    """The user, who can sign in again with the password there was."""
    with records.begin() as connection:
        user = _found(connection, user_id)
        connection.execute(text("UPDATE users SET enabled = 1 WHERE id = :id"), {"id": user.id})
        return _found(connection, user.id)


def remove(records: Records, user_id: str) -> User:
    """The user who was there; only one who never had a password can be removed.

    Whoever once signed in stands in the audit and is disabled instead. Raises ConflictError.
    """
    with records.begin() as connection:
        user = _found(connection, user_id)
        if user.has_password:
            raise ConflictError(
                f"'{user.login}' has signed in before and stays nameable",
                hint=f"limner user disable {user.login}",
            )
        _keeps_an_admin(connection, user, "removed")
        connection.execute(text("DELETE FROM users WHERE id = :id"), {"id": user.id})
        return user


def reset(records: Records, user_id: str, *, now: datetime) -> tuple[User, str]:
    """The user and the secret of a new one-time link; the one before it ends, the password still holds."""
    with records.begin() as connection:
        user = _found(connection, user_id)
        if not user.enabled:
            raise ConflictError(f"'{user.login}' is disabled", hint=f"limner user enable {user.login}")
        return user, _link(connection, user.id, "reset" if user.has_password else "invite", now)


def first_link(records: Records, *, now: datetime) -> str | None:
    """The secret of the link that makes the first admin, in place of the one before; None once there is a user."""
    with records.begin() as connection:
        return None if _any(connection) else _link(connection, None, "first", now)


def link(records: Records, secret: str, *, now: datetime) -> Link:
    """What a one-time link is for. Raises NotFoundError when it is unknown, used or too old."""
    with records.read() as connection:
        return _usable(connection, secret, now)


def redeem(
    records: Records, secret: str, *, password: str, now: datetime, login: str = "", name: str = ""
) -> User:
    """The user whose password is now this one; the link is used up, and the user's sessions ended.

    `login` and `name` are the first admin's; other links know theirs. Raises NotFoundError for a link that
    cannot be used (any more), UsageError for a password that is not taken.
    """
    known = link(records, secret, now=now)
    whose = login_of(login) if known.user is None else known.user.login
    kept = passwords.hashed(passwords.checked(password, login=whose))
    with records.begin() as connection:
        known = _usable(connection, secret, now)
        if known.user is None:
            user_id = uuid.uuid4().hex[:12]
            _insert(connection, user_id, whose, name=name_of(name, whose), role=Role.ADMIN, now=now, by="")
        else:
            user_id = known.user.id
        connection.execute(
            text("UPDATE one_time_links SET used_at = :now WHERE hash = :hash"),
            {"now": micros(now), "hash": digest(secret)},
        )
        _set_password(connection, user_id, kept, now)
        _end_sessions(connection, user_id)
        return _found(connection, user_id)


def authenticated(records: Records, login: str, password: str) -> User | None:
    """The user with this login and password, or None.

    An unknown login, a disabled user and one without a password cost the same work as a wrong password.
    """
    with records.read() as connection:
        row = (
            connection.execute(text("SELECT * FROM users WHERE login = :login"), {"login": login_key(login)})
            .mappings()
            .first()
        )
    kept = "" if row is None else row["password_hash"]
    if not passwords.matches(kept, password) or row is None or not row["enabled"]:
        return None
    if passwords.outdated(kept):
        fresh = passwords.hashed(password)
        with records.begin() as connection:
            connection.execute(
                text("UPDATE users SET password_hash = :fresh WHERE id = :id AND password_hash = :kept"),
                {"fresh": fresh, "id": row["id"], "kept": kept},
            )
    return find(records, row["id"])


def set_password(records: Records, user_id: str, password: str, *, now: datetime, but: str = "") -> int:
    """How many other sessions of the user ended with the old password; `but` is the one that stays.

    Raises UsageError when the password is not taken.
    """
    user = find(records, user_id)
    kept = passwords.hashed(passwords.checked(password, login=user.login))
    with records.begin() as connection:
        _set_password(connection, user.id, kept, now)
        connection.execute(text("DELETE FROM one_time_links WHERE user_id = :id"), {"id": user.id})
        return _end_sessions(connection, user.id, but)


def user_of(row: Any) -> User:
    """The user in a row of the table."""
    return User(
        row["id"],
        row["login"],
        row["name"],
        Role(row["role"]),
        bool(row["enabled"]),
        instant(row["created_at"]),
        bool(row["password_hash"]),
        row["language"],
        None if row["seen_at"] is None else instant(row["seen_at"]),
    )


def _insert(
    connection: Connection, user_id: str, login: str, *, name: str, role: Role, now: datetime, by: str
) -> None:
    if connection.execute(text("SELECT 1 FROM users WHERE login = :login"), {"login": login}).scalar():
        raise ConflictError(
            f"there is already a user '{login}'", hint=f"a new link: limner user reset {login}"
        )
    connection.execute(
        text(
            "INSERT INTO users (id, login, name, role, created_at, created_by)"
            " VALUES (:id, :login, :name, :role, :now, :by)"
        ),
        {"id": user_id, "login": login, "name": name, "role": role.value, "now": micros(now), "by": by},
    )


def _found(connection: Connection, id_or_login: str) -> User:
    row = (
        connection.execute(
            text("SELECT * FROM users WHERE id = :given OR login = :login ORDER BY id <> :given LIMIT 1"),
            {"given": id_or_login, "login": login_key(id_or_login)},
        )
        .mappings()
        .first()
    )
    if row is None:
        raise NotFoundError(f"there is no user '{id_or_login}'", hint="limner user list")
    return user_of(row)


def _any(connection: Connection) -> bool:
    return connection.execute(text("SELECT 1 FROM users LIMIT 1")).scalar() is not None


def _keeps_an_admin(connection: Connection, user: User, what: str) -> None:
    """Raises ConflictError when without this user no enabled admin would be left who can sign in."""
    if user.role is not Role.ADMIN or not user.enabled:
        return
    others = connection.execute(
        text(
            "SELECT COUNT(*) FROM users WHERE role = 'admin' AND enabled = 1 AND id <> :id"
            " AND (password_hash <> '' OR NOT :able)"
        ),
        {"id": user.id, "able": user.has_password},
    ).scalar_one()
    if not others:
        raise ConflictError(
            f"'{user.login}' is the last admin who can sign in and cannot be {what}",
            code="last_admin",
            hint="make another admin first",
        )


def _end_sessions(connection: Connection, user_id: str, but: str = "") -> int:
    return connection.execute(
        text("DELETE FROM sessions WHERE user_id = :user AND id <> :but"), {"user": user_id, "but": but}
    ).rowcount


def _set_password(connection: Connection, user_id: str, kept: str, now: datetime) -> None:
    connection.execute(
        text("UPDATE users SET password_hash = :kept, password_at = :now WHERE id = :id"),
        {"kept": kept, "now": micros(now), "id": user_id},
    )


def _link(connection: Connection, user_id: str | None, purpose: str, now: datetime) -> str:
    """The secret of a new link, kept as its hash; the unused ones it replaces are gone."""
    secret = f"lt_{secrets.token_urlsafe(32)}"
    connection.execute(
        text("DELETE FROM one_time_links WHERE (user_id IS :user AND used_at IS NULL) OR expires_at <= :now"),
        {"user": user_id, "now": micros(now)},
    )
    connection.execute(
        text(
            "INSERT INTO one_time_links (hash, user_id, purpose, created_at, expires_at)"
            " VALUES (:hash, :user, :purpose, :now, :expires)"
        ),
        {
            "hash": digest(secret),
            "user": user_id,
            "purpose": purpose,
            "now": micros(now),
            "expires": micros(now + LINK),
        },
    )
    return secret


def _usable(connection: Connection, secret: str, now: datetime) -> Link:
    row = (
        connection.execute(
            text(
                "SELECT purpose, user_id, expires_at FROM one_time_links"
                " WHERE hash = :hash AND used_at IS NULL AND expires_at > :now"
            ),
            {"hash": digest(secret), "now": micros(now)},
        )
        .mappings()
        .first()
    )
    user = None
    if row is not None and row["user_id"] is not None:
        user = _found(connection, row["user_id"])
    if row is None or (user is None and _any(connection)) or (user is not None and not user.enabled):
        raise NotFoundError(
            "this link is unknown, used or too old", code="unknown_link", hint="ask an admin for a new one"
        )
    return Link(row["purpose"], user, instant(row["expires_at"]))
