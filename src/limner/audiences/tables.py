"""The engine's table of audiences: what was snapped last. Members stand in roaring files."""

from __future__ import annotations

TABLES = """
CREATE TABLE IF NOT EXISTS audience_state (
    audience VARCHAR NOT NULL, text VARCHAR NOT NULL, as_of TIMESTAMP NOT NULL, run VARCHAR NOT NULL,
    people UBIGINT NOT NULL
);
"""
