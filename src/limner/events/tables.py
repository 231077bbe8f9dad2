"""The events' tables in the engine. All times are naive UTC."""

from __future__ import annotations

TABLES = """
CREATE TABLE IF NOT EXISTS names (name_i UINTEGER NOT NULL, name VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS properties (name VARCHAR NOT NULL, type VARCHAR NOT NULL, col VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS events (
    id HUGEINT NOT NULL,
    name_i UINTEGER NOT NULL,
    ts TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    source_i USMALLINT,
    user_i UINTEGER,
    device_i UINTEGER,
    key_i UINTEGER,
    ix UINTEGER,
    rest VARCHAR,
    body UBIGINT
);
CREATE TABLE IF NOT EXISTS attributes (
    id HUGEINT NOT NULL,
    ix UINTEGER,
    user_i UINTEGER,
    device_i UINTEGER,
    key_i UINTEGER,
    name VARCHAR NOT NULL,
    ts TIMESTAMP NOT NULL,
    received_at TIMESTAMP NOT NULL,
    source_i USMALLINT,
    mode VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    value VARCHAR
);
CREATE TABLE IF NOT EXISTS quarantine (
    id HUGEINT NOT NULL,
    source_i USMALLINT,
    received_at TIMESTAMP NOT NULL,
    code VARCHAR NOT NULL,
    path VARCHAR,
    message VARCHAR NOT NULL,
    raw VARCHAR NOT NULL
);
ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS origin VARCHAR;
CREATE TABLE IF NOT EXISTS loads (batch VARCHAR PRIMARY KEY, loaded_at TIMESTAMP NOT NULL);
CREATE TABLE IF NOT EXISTS log_position (segment UBIGINT NOT NULL, "offset" UBIGINT NOT NULL);
ALTER TABLE events ADD COLUMN IF NOT EXISTS load_i UINTEGER;
ALTER TABLE attributes ADD COLUMN IF NOT EXISTS load_i UINTEGER;
ALTER TABLE log_position ADD COLUMN IF NOT EXISTS load_i UINTEGER;
CREATE TABLE IF NOT EXISTS moved (load_i UINTEGER NOT NULL, ix UINTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS given (
    batch VARCHAR NOT NULL,
    ix UINTEGER,
    user_i UINTEGER,
    device_i UINTEGER,
    key_i UINTEGER,
    tag VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    ts TIMESTAMP NOT NULL,
    load_i UINTEGER NOT NULL,
    value VARCHAR,
    author VARCHAR,
    given_at TIMESTAMP,
    expires_at TIMESTAMP,
    cause VARCHAR
);
CREATE TABLE IF NOT EXISTS given_batches (
    batch VARCHAR NOT NULL,
    what VARCHAR NOT NULL,
    tag VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    ts TIMESTAMP NOT NULL,
    load_i UINTEGER NOT NULL,
    author VARCHAR NOT NULL,
    people UBIGINT NOT NULL,
    value VARCHAR,
    chosen VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    undoes VARCHAR
);
CREATE TABLE IF NOT EXISTS shared_parts (tbl VARCHAR NOT NULL, file VARCHAR NOT NULL, load_i UINTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS counters (
    source_i USMALLINT,
    received BIGINT NOT NULL,
    stored BIGINT NOT NULL,
    duplicate BIGINT NOT NULL,
    quarantined BIGINT NOT NULL,
    rejected BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS warnings (
    source_i USMALLINT,
    code VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    n BIGINT NOT NULL
);
"""
"""`origin` of what is set aside: DIGEST:ROW of a file's row, NULL of a call.
`load_i` counts loads from 1: which of them stored the row, and which was the last. `moved` names the people whose
events were given to or taken from somebody in a load. `shared_parts`: the files that hold a table for others, each
as it was at a load.
`given`: what people and other systems gave as tags' values; the last row of (ts, load_i) of a person, tag and origin
('manual' or 'imported') is how it stands: `value` JSON (NULL: none), who gave it, when, until when, and in which batch
it was given (`cause`; an undo writes again what stood before, so `batch`, which wrote the row, may be another).
`given_batches`: what each batch did ('give', 'correct', 'take', 'import', 'undo'), to whom (`chosen`, as it was said).
`body` of events is a hash of what a call said: it tells a repetition from a conflict. NULL for imports."""
