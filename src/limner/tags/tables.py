"""The engine's tables of tags. Every tag is read through a view tag_<key>(ix, value, expires_at).

Tags that were computed together stand in one home, tags_<epoch>: on its shelves tags_<epoch>_<n> there is a row for
each person and a column for each thing that is counted, and the view gives the tag's `reading` there; any other tag has
a table of its own, values_<key>(ix, value).
Until when values count stands once, in `tag_state`. `homes` says up to which instant and which load a home counts.
`group_conflicts`: whose values an exclusive group took out, from `began` until `ended`; `group_since`: since when a
member's value holds, the losing ones included. `interests`: the tags that give labels with weights, and up to which
instant and load their points count (`seen`: the latest instant of which any of them is). The points stand in
points_<key>(ix, label, generation, points), what labels hold of them in weighed_<key>(ix, label, held, place), of which
the view weights_tag_<key>(ix, label, weight, place, expires_at) makes weights.
`overruled`: in whose place of which computed (or imported) value one given by hand stands, from `began` until `ended`.
`tags_aside`: the tags that the last run could not compute, since when and why; see `aside`.
`given_mark`: up to which instant and which load given values stand in the tags' tables.
`cut_points`: what percentiles of every run came out as, see `cut_points`.
"""

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
ALTER TABLE tag_state ADD COLUMN IF NOT EXISTS home VARCHAR;
ALTER TABLE tag_state ADD COLUMN IF NOT EXISTS reading VARCHAR;
CREATE TABLE IF NOT EXISTS homes (
    home VARCHAR NOT NULL, as_of TIMESTAMP NOT NULL, load_i UINTEGER NOT NULL, asked VARCHAR NOT NULL,
    numbers VARCHAR NOT NULL, shelves VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS changes (
    ix UINTEGER NOT NULL, subject VARCHAR NOT NULL, before VARCHAR, after VARCHAR, ts TIMESTAMP NOT NULL,
    run VARCHAR NOT NULL, cause VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS group_conflicts (
    grp VARCHAR NOT NULL, ix UINTEGER NOT NULL, kept VARCHAR, dropped VARCHAR NOT NULL, began TIMESTAMP NOT NULL,
    run VARCHAR NOT NULL, ended TIMESTAMP
);
CREATE TABLE IF NOT EXISTS overruled (
    tag VARCHAR NOT NULL, ix UINTEGER NOT NULL, given VARCHAR NOT NULL, computed VARCHAR, began TIMESTAMP NOT NULL,
    run VARCHAR NOT NULL, ended TIMESTAMP
);
CREATE TABLE IF NOT EXISTS cut_points (
    tag VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, run VARCHAR NOT NULL, as_of TIMESTAMP NOT NULL,
    people UBIGINT NOT NULL, points VARCHAR NOT NULL, step BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS given_mark (as_of TIMESTAMP NOT NULL, load_i UINTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS group_since (
    tag VARCHAR NOT NULL, ix UINTEGER NOT NULL, since TIMESTAMP NOT NULL, until TIMESTAMP
);
CREATE TABLE IF NOT EXISTS tags_aside (
    tag VARCHAR NOT NULL, since TIMESTAMP NOT NULL, code VARCHAR NOT NULL, message VARCHAR NOT NULL,
    place VARCHAR NOT NULL, hint VARCHAR NOT NULL, "through" VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS interests (
    tag VARCHAR NOT NULL, asked VARCHAR NOT NULL, as_of TIMESTAMP NOT NULL, seen TIMESTAMP NOT NULL,
    load_i UINTEGER NOT NULL
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
