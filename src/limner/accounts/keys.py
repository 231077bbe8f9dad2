"""Sources and API keys in the record store."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from limner.accounts.model import ApiKey, Role, Source, digest, new_secret
from limner.errors import ConflictError, NotFoundError
from limner.store.records import Records


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


def add_key(records: Records, role: Role, *, note: str, now: datetime) -> tuple[ApiKey, str]:
    """A new API key, shown only this once."""
    key = new_secret("lk")
    made = ApiKey(uuid.uuid4().hex[:12], role, key[-4:], now, note)
    with records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO api_keys (id, role, key_hash, tail, created_at, note)"
                " VALUES (:id, :role, :hash, :tail, :created_at, :note)"
            ),
            {
                "id": made.id,
                "role": role.value,
                "hash": digest(key),
                "tail": made.tail,
                "created_at": micros(now),
                "note": note,
            },
        )
    return made, key


def keys(records: Records) -> list[ApiKey]:
    """All API keys, without their secrets."""
    with records.read() as connection:
        found = connection.execute(text("SELECT * FROM api_keys ORDER BY created_at, id")).mappings().all()
    return [
        ApiKey(row["id"], Role(row["role"]), row["tail"], instant(row["created_at"]), row["note"])
        for row in found
    ]


def remove_key(records: Records, key_id: str) -> None:
    """The key stops working at once. Raises NotFoundError."""
    with records.begin() as connection:
        changed = connection.execute(text("DELETE FROM api_keys WHERE id = :id"), {"id": key_id})
        if changed.rowcount == 0:
            raise NotFoundError(f"there is no key '{key_id}'", hint="limner key list")


def role_of(records: Records, key: str) -> Role | None:
    """The role that an API key gives, or None when it is unknown."""
    with records.read() as connection:
        found = connection.execute(
            text("SELECT role FROM api_keys WHERE key_hash = :hash"), {"hash": digest(key)}
        ).scalar()
    return None if found is None else Role(found)


def _source(row: Any) -> Source:
    return Source(
        row["source_i"],
        row["name"],
        row["kind"],
        row["write_key_tail"],
        instant(row["created_at"]),
        bool(row["enabled"]),
    )
