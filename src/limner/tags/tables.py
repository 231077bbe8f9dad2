"""The engine's tables of tags. Values stand in one table per tag: tag_<key>(ix, value, expires_at)."""

from __future__ import annotations

from limner.types import ValueType

TABLES = """
CREATE TABLE IF NOT EXISTS labels (tag VARCHAR NOT NULL, code UINTEGER NOT NULL, label VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS epochs (
    epoch UBIGINT NOT NULL, as_of TIMESTAMP NOT NULL, run VARCHAR NOT NULL, n UBIGINT NOT NULL,
    current BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS tag_state (
    tag VARCHAR NOT NULL, type VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, text VARCHAR NOT NULL,
    as_of TIMESTAMP NOT NULL, expires_at TIMESTAMP, expired BOOLEAN NOT NULL, run VARCHAR NOT NULL,
    people UBIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS changes (
    ix UINTEGER NOT NULL, subject VARCHAR NOT NULL, before VARCHAR, after VARCHAR, ts TIMESTAMP NOT NULL,
    run VARCHAR NOT NULL, cause VARCHAR NOT NULL
);
"""

SQL_TYPES: dict[ValueType, str] = {
    ValueType.FLAG: "BOOLEAN",
    ValueType.TEXT: "VARCHAR",
    ValueType.NUMBER: "DOUBLE",
    ValueType.MONEY: "BIGINT",
    ValueType.INSTANT: "TIMESTAMP",
}
"""How a tag's value stands in its table; whole numbers may stand as BIGINT."""
