"""Identity's tables in the engine.

`identifiers.ix` is the identifier's person now; for a device of several people, the device's own anonymous
person. `identifiers.home` is the ordinal that the identifier owns, if any: every ordinal in `persons` has
exactly one owner for ever, so a split can revive it. An erased identifier keeps its row without its value.
`claims` is append only: 'login' (a strong id on a device), 'key' (a strong id with a declared key), 'alias'
(two user ids, or a user id and a device), 'cut' (what was claimed of the pair until then does not hold).
`intervals` says who was logged in on a device of several people; "to" NULL is open.
"""

from __future__ import annotations

TABLES = """
CREATE TABLE IF NOT EXISTS identifiers (
    i UINTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    value VARCHAR,
    ix UINTEGER NOT NULL,
    home UINTEGER
);
CREATE TABLE IF NOT EXISTS persons (
    ix UINTEGER NOT NULL,
    person_id VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    merged_into UINTEGER,
    erased BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS claims (
    a UINTEGER NOT NULL,
    b UINTEGER NOT NULL,
    ts TIMESTAMP NOT NULL,
    what VARCHAR NOT NULL,
    id HUGEINT
);
CREATE TABLE IF NOT EXISTS intervals (
    device_i UINTEGER NOT NULL,
    ix UINTEGER NOT NULL,
    "from" TIMESTAMP NOT NULL,
    "to" TIMESTAMP
);
"""
