"""Sources and API keys in the record store."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from limner.accounts.model import ApiKey, Caller, Role, Source, digest, new_secret
from limner.errors import ConflictError, NotFoundError, UsageError
from limner.store.records import Records

SCOPE = re.compile(r"([a-z][a-z_]*|\*):(read|write)")
"""What a key may be narrowed to: reading or writing (which includes reading) of one noun, or of all."""

USED = timedelta(minutes=1)
"""When a key was last used is written at most so often."""


def micros(at: datetime) -> int:
    """Microseconds since 1970: how the record store keeps instants."""
    return int(at.timestamp() * 1_000_000)


def instant(value: int) -> datetime:
    """The instant of a stored number of microseconds."""
    return datetime.fromtimestamp(value / 1_000_000, tz=UTC)


def add_source(records: Records, name: str, *, kind: str, now: datetime) -> tuple[Source, str]:
    """A new source and its write key, which is shown only this once. Raises ConflictError when it exists."""
    key = new_secret("wk")
    with records.begin() as connection:
        if connection.execute(text("SELECT 1 FROM sources WHERE name = :name"), {"name": name}).scalar():
            raise ConflictError(
                f"there is already a source '{name}'", hint=f"a new key: limner source rotate {name}"
            )
        source_i = connection.execute(text("SELECT COALESCE(MAX(source_i), 0) + 1 FROM sources")).scalar_one()
        connection.execute(
            text(
                "INSERT INTO sources (source_i, name, kind, write_key_hash, write_key_tail, created_at, enabled)"
                " VALUES (:source_i, :name, :kind, :hash, :tail, :created_at, 1)"
            ),
            {
                "source_i": source_i,
                "name": name,
                "kind": kind,
                "hash": digest(key),
                "tail": key[-4:],
                "created_at": micros(now),
            },
        )
    return Source(source_i, name, kind, key[-4:], now, True), key


def ensure_source(records: Records, name: str, *, kind: str, now: datetime) -> Source:
    """The source of that name, made when it is not there yet (an import's source needs no key)."""
    found = [source for source in sources(records) if source.name == name]
    return found[0] if found else add_source(records, name, kind=kind, now=now)[0]


def rotate_source(records: Records, name: str) -> str:
    """A new write key for the source; the old one stops working at once."""
    key = new_secret("wk")
    with records.begin() as connection:
        changed = connection.execute(
            text("UPDATE sources SET write_key_hash = :hash, write_key_tail = :tail WHERE name = :name"),
            {"hash": digest(key), "tail": key[-4:], "name": name},
        )
        if changed.rowcount == 0:
            raise NotFoundError(f"there is no source '{name}'", hint="limner source list")
    return key


def enable_source(records: Records, name: str, enabled: bool) -> None:
    """From now on the source's write key works, or does not. Raises NotFoundError."""
    with records.begin() as connection:
        changed = connection.execute(
            text("UPDATE sources SET enabled = :enabled WHERE name = :name"),
            {"enabled": int(enabled), "name": name},
        )
        if changed.rowcount == 0:
            raise NotFoundError(f"there is no source '{name}'", hint="limner source list")


def sources(records: Records) -> list[Source]:
    """All sources in order of creation."""
    with records.read() as connection:
        found = connection.execute(text("SELECT * FROM sources ORDER BY source_i")).mappings().all()
    return [_source(row) for row in found]


def source_of(records: Records, write_key: str) -> int | None:
    """The ordinal of the enabled source that this write key belongs to."""
    with records.read() as connection:
        found = connection.execute(
            text("SELECT source_i FROM sources WHERE write_key_hash = :hash AND enabled = 1"),
            {"hash": digest(write_key)},
        ).scalar()
    return None if found is None else int(found)


def add_key(
    records: Records,
    role: Role,
    *,
    note: str,
    now: datetime,
    scopes: tuple[str, ...] = (),
    by: str = "",
) -> tuple[ApiKey, str]:
    """A new API key, shown only this once. Raises UsageError when a scope is not NOUN:read or NOUN:write."""
    for scope in scopes:
        if not SCOPE.fullmatch(scope):
            raise UsageError(
                f"'{scope}' is no scope",
                where="scopes",
                code="invalid_scope",
                hint="NOUN:read, NOUN:write or *:read",
            )
    key = new_secret("lk")
    made = ApiKey(uuid.uuid4().hex[:12], role, key[-4:], now, note, tuple(sorted(set(scopes))), by)
    with records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO api_keys (id, role, key_hash, tail, created_at, note, scopes, created_by)"
                " VALUES (:id, :role, :hash, :tail, :created_at, :note, :scopes, :by)"
            ),
            {
                "id": made.id,
                "role": role.value,
                "hash": digest(key),
                "tail": made.tail,
                "created_at": micros(now),
                "note": note,
                "scopes": " ".join(made.scopes),
                "by": by,
            },
        )
    return made, key


def keys(records: Records) -> list[ApiKey]:
    """All API keys, without their secrets."""
    with records.read() as connection:
        found = connection.execute(text("SELECT * FROM api_keys ORDER BY created_at, id")).mappings().all()
    return [_key(row) for row in found]


def caller_of(records: Records, key: str, *, now: datetime) -> Caller | None:
    """Who calls with this API key, or None when it is unknown; that it was used is noted once a minute."""
    with records.read() as connection:
        row = (
            connection.execute(text("SELECT * FROM api_keys WHERE key_hash = :hash"), {"hash": digest(key)})
            .mappings()
            .first()
        )
    if row is None:
        return None
    found = _key(row)
    if found.last_used_at is None or now - found.last_used_at >= USED:
        with records.begin() as connection:
            connection.execute(
                text("UPDATE api_keys SET last_used_at = :now WHERE id = :id"),
                {"now": micros(now), "id": found.id},
            )
    return Caller("key", found.id, found.note or f"key …{found.tail}", found.role, found.scopes)


def remove_key(records: Records, key_id: str) -> None:
    """The key stops working at once. Raises NotFoundError."""
    with records.begin() as connection:
        changed = connection.execute(text("DELETE FROM api_keys WHERE id = :id"), {"id": key_id})
        if changed.rowcount == 0:
            raise NotFoundError(f"there is no key '{key_id}'", hint="limner key list")


def _key(row: Any) -> ApiKey:
    used = row["last_used_at"]
    return ApiKey(
        row["id"],
        Role(row["role"]),
        row["tail"],
        instant(row["created_at"]),
        row["note"],
        tuple(row["scopes"].split()),
        row["created_by"],
        None if used is None else instant(used),
    )


def _source(row: Any) -> Source:
    return Source(
        row["source_i"],
        row["name"],
        row["kind"],
        row["write_key_tail"],
        instant(row["created_at"]),
        bool(row["enabled"]),
    )
