"""Giving: what a batch of given values would change for each person, and what undoing one would bring back.

Pure reading, by sets: the answer is the rows that a batch is to write. Whoever has that very value already keeps it as
it was given, with its author and time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from limner.engine.seam import Engine, Transaction
from limner.events.given import ROWS
from limner.identity.then import Then
from limner.tags.methods.given import LIVE, MANUAL, standing_sql
from limner.tags.model import Given, Tag, Value, plain
from limner.types import MONEY_SCALE, ValueType, naive

CHANGE, SAME, UNNAMED, CHANGED, GONE = "change", "same", "unnamed", "changed", "gone"
"""What becomes of a person: another state; the same; no identifier by which to name them; changed since; not there."""

CHOSEN = pa.schema([("ix", pa.uint32()), ("value", pa.string()), ("expires_at", pa.timestamp("us"))])
"""To whom what is given: `value` is JSON, null takes the given value away."""

_STATE = ("value", "author", "given_at", "expires_at", "cause")

_NAMED = (
    "named AS (SELECT ix, ARG_MIN(kind, place) AS kind, ARG_MIN(value, place) AS name FROM (\n"
    "SELECT i.ix, i.kind, i.value,\n  CASE i.kind WHEN 'user' THEN 0 WHEN 'device' THEN 2 ELSE 1 END * 4294967296 + i.i"
    " AS place FROM identifiers AS i WHERE i.ix IN (SELECT ix FROM {people}) AND i.value IS NOT NULL\n"
    "  AND NOT (i.kind = 'device' AND i.i IN (SELECT device_i FROM intervals)))\nGROUP BY ix)"
)
"""The identifier that names each person whatever the time: a device of several people names nobody."""


@dataclass(frozen=True)
class Change:
    """What a batch would do. `people`: ix, person, outcome, before (JSON or null), author, given_at.

    `rows` go to the log: only people of outcome `change` are in `rows` (schema ROWS of the log's given values).
    """

    people: pa.Table
    rows: pa.Table

    def count(self, outcome: str) -> int:
        """How many people have that outcome."""
        return int(pc.sum(pc.equal(self.people["outcome"], outcome)).as_py() or 0)

    def of(self, outcome: str, most: int) -> list[Mapping[str, Any]]:
        """The first so many people of that outcome."""
        found: list[Mapping[str, Any]] = (
            self.people.filter(pc.equal(self.people["outcome"], outcome)).slice(0, most).to_pylist()
        )
        return found


def encoded(kind: ValueType, value: Value) -> str:
    """The value as the log writes it: the same value is always the same text."""
    if kind is ValueType.MONEY:
        return format((Decimal(int(value)) / MONEY_SCALE).normalize(), "f")  # type: ignore[arg-type]
    if kind is ValueType.NUMBER:
        number = float(value)  # type: ignore[arg-type]
        return json.dumps(int(number) if number.is_integer() and abs(number) < 2**53 else number)
    return json.dumps(plain(value), ensure_ascii=False)


def allows(tag: Tag, value: Value) -> bool:
    """Whether the tag's file lets anybody give that value."""
    definition = tag.definition
    return not isinstance(definition, Given) or not definition.values or value in definition.values


def giving(
    engine: Engine, chosen: pa.Table, *, tag: str, origin: str, author: str, batch: str, now: datetime
) -> Change:
    """What giving these people these values (schema CHOSEN) would change."""
    found = engine.read(
        f"WITH {_NAMED.format(people='chosen')},\n"
        f"standing AS ({standing_sql(' AND ix IN (SELECT ix FROM chosen)')}),\n"
        f"live AS (SELECT * FROM standing WHERE {LIVE})\n"
        "SELECT c.ix, p.person_id AS person, n.kind, n.name, c.value, c.expires_at, l.value AS before,"
        " l.author, l.given_at,\n"
        f"CASE WHEN p.merged_into IS NOT NULL OR p.erased THEN '{GONE}'\n"
        f" WHEN c.value IS NOT DISTINCT FROM l.value AND c.expires_at IS NOT DISTINCT FROM l.expires_at THEN '{SAME}'\n"
        f" WHEN n.name IS NULL THEN '{UNNAMED}' ELSE '{CHANGE}' END AS outcome\n"
        "FROM chosen AS c JOIN persons AS p ON p.ix = c.ix LEFT JOIN live AS l ON l.ix = c.ix\n"
        "LEFT JOIN named AS n ON n.ix = c.ix ORDER BY c.ix",
        {"tag": tag, "origin": origin, "as_of": naive(now)},
        given={"chosen": chosen},
    )
    changing = found.filter(pc.equal(found["outcome"], CHANGE))
    n = changing.num_rows
    rows = pa.table(
        [
            changing["kind"],
            changing["name"],
            changing["value"],
            pa.repeat(pa.scalar(author), n),
            pa.repeat(pa.scalar(naive(now), pa.timestamp("us")), n),
            changing["expires_at"],
            pa.repeat(pa.scalar(batch), n),
        ],
        schema=ROWS,
    )
    return Change(found.select(["ix", "person", "outcome", "before", "author", "given_at"]), rows)


def undoing(engine: Engine, batch: str, *, tag: str, origin: str) -> Change:
    """What undoing the batch would bring back: of everybody in it the state just before it.

    Whoever's state is another batch's by now has outcome `changed`, with `author` and `given_at` of what stands.
    """
    fields = ("batch", "ts", *_STATE)
    held = ", ".join(f"{name} := g.{name}" for name in fields)
    of = "g.tag = $tag AND g.origin = $origin AND g.ix IS NOT NULL"
    found = engine.read(
        "WITH mine AS (SELECT ix, MIN(ROW(ts, load_i)) AS place FROM given WHERE batch = $batch AND ix IS NOT NULL\n"
        "GROUP BY ix),\n"
        f"{_NAMED.format(people='mine')},\n"
        f"stands AS (SELECT g.ix, ARG_MAX(STRUCT_PACK({held}), ROW(g.ts, g.load_i)) AS held\n"
        f"FROM given AS g SEMI JOIN mine AS m ON m.ix = g.ix WHERE {of} GROUP BY g.ix),\n"
        f"prior AS (SELECT g.ix, ARG_MAX(STRUCT_PACK({held}), ROW(g.ts, g.load_i)) AS held\n"
        f"FROM given AS g JOIN mine AS m ON m.ix = g.ix WHERE {of} AND ROW(g.ts, g.load_i) < m.place GROUP BY g.ix)\n"
        "SELECT m.ix, p.person_id AS person, n.kind, n.name, s.held.author AS author,"
        " COALESCE(s.held.given_at, s.held.ts) AS given_at, s.held.value AS before,\n"
        + ", ".join(f"b.held.{name} AS b_{name}" for name in _STATE)
        + f",\nCASE WHEN p.merged_into IS NOT NULL OR p.erased THEN '{GONE}'\n"
        " WHEN s.held.cause IS DISTINCT FROM $batch AND s.held.batch <> $batch THEN"
        f" '{CHANGED}'\n WHEN n.name IS NULL THEN '{UNNAMED}' ELSE '{CHANGE}' END AS outcome\n"
        "FROM mine AS m JOIN persons AS p ON p.ix = m.ix JOIN stands AS s ON s.ix = m.ix\n"
        "LEFT JOIN prior AS b ON b.ix = m.ix LEFT JOIN named AS n ON n.ix = m.ix ORDER BY m.ix",
        {"batch": batch, "tag": tag, "origin": origin},
    )
    changing = found.filter(pc.equal(found["outcome"], CHANGE))
    rows = pa.table(
        [changing["kind"], changing["name"], *(changing[f"b_{name}"] for name in _STATE)], schema=ROWS
    )
    return Change(found.select(["ix", "person", "outcome", "before", "author", "given_at"]), rows)


def batches(
    engine: Engine, *, tag: str = "", batch: str = "", most: int = 50, after: int | None = None
) -> list[Mapping[str, Any]]:
    """The batches, the latest first: each with how many people's state it still is (`standing`), and its undoing.

    `after`: the `load_i` of the last one.
    """
    conditions = ["b.tag = $tag"] if tag else []
    conditions += ["b.batch = $batch"] if batch else []
    conditions += ["b.load_i < $after"] if after is not None else []
    values: dict[str, Any] = {"tag": tag, "batch": batch, "after": after, "most": most}
    used = {
        name: value for name, value in values.items() if name == "most" or f"= ${name}" in str(conditions)
    }
    if after is not None:
        used["after"] = after
    found: list[Mapping[str, Any]] = engine.read(
        "WITH shown AS (SELECT * FROM given_batches AS b"
        + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
        + " ORDER BY b.load_i DESC LIMIT $most),\n"
        "stands AS (SELECT tag, origin, ix, ARG_MAX(STRUCT_PACK(cause := cause, batch := batch), ROW(ts, load_i))"
        " AS held\n  FROM given WHERE ix IS NOT NULL AND tag IN (SELECT tag FROM shown) GROUP BY tag, origin, ix),\n"
        "counted AS (SELECT s.batch, COUNT(*) AS n FROM shown AS s JOIN stands AS t\n"
        "  ON t.tag = s.tag AND t.origin = s.origin AND (t.held.cause = s.batch OR t.held.batch = s.batch)\n"
        "  GROUP BY s.batch),\n"
        "undone AS (SELECT undoes, ARG_MAX(batch, load_i) AS batch FROM given_batches WHERE undoes IS NOT NULL"
        " GROUP BY undoes)\n"
        "SELECT s.*, COALESCE(c.n, 0) AS standing, u.batch AS undone_by FROM shown AS s\n"
        "LEFT JOIN counted AS c ON c.batch = s.batch LEFT JOIN undone AS u ON u.undoes = s.batch\n"
        "ORDER BY s.load_i DESC",
        used,
    ).to_pylist()
    return found


def standing(
    engine: Engine, ixs: Sequence[int], *, tag: str, origin: str, now: datetime
) -> dict[int, Mapping[str, Any]]:
    """How the given values of some people stand, by ordinal: value, author, given_at, expires_at, cause."""
    rows = engine.read(
        standing_sql(" AND ix IN (SELECT UNNEST($ixs::UINTEGER[]))"),
        {"tag": tag, "origin": origin, "as_of": naive(now), "ixs": list(ixs)},
    ).to_pylist()
    return {row["ix"]: row for row in rows}


def against(engine: Engine, chosen: pa.Table, *, tag: str, now: datetime) -> int:
    """How many of these people keep another value, which somebody gave by hand."""
    found = engine.read(
        f"WITH standing AS ({standing_sql(' AND ix IN (SELECT ix FROM chosen)')})\n"
        "SELECT COUNT(*) AS n FROM chosen AS c JOIN standing AS s ON s.ix = c.ix"
        " WHERE s.value IS NOT NULL AND (s.expires_at IS NULL OR s.expires_at > $as_of) AND s.value <> c.value",
        {"tag": tag, "origin": MANUAL, "as_of": naive(now)},
        given={"chosen": chosen},
    )
    return int(found["n"][0].as_py())


def of_person(
    engine: Engine | Transaction, ix: int, *, now: datetime, person: Then | None = None
) -> list[Mapping[str, Any]]:
    """The given values that a person has now: tag, origin, value (JSON), author, given_at, expires_at, cause.

    `person`: what is theirs as they were then, whoever's it is today.
    """
    whose, values = ("e.ix = $ix", {"ix": ix}) if person is None else person.theirs()
    found: list[Mapping[str, Any]] = engine.read(
        f"SELECT tag, origin, {', '.join(f'held.{name} AS {name}' for name in _STATE)} FROM (\n"
        f"SELECT tag, origin, ARG_MAX(STRUCT_PACK({', '.join(f'{name} := {name}' for name in _STATE)}),"
        f" ROW(ts, load_i)) AS held\nFROM given AS e WHERE {whose} AND ts <= $now"
        " GROUP BY tag, origin)"
        " WHERE held.value IS NOT NULL AND (held.expires_at IS NULL OR held.expires_at > $now) ORDER BY tag, origin",
        {**values, "now": naive(now)},
    ).to_pylist()
    return found


def whats(engine: Engine, batches: Sequence[str]) -> dict[str, str]:
    """What each of these batches did: give, correct, take, import, undo."""
    if not batches:
        return {}
    rows = engine.read(
        "SELECT batch, what FROM given_batches WHERE batch IN (SELECT UNNEST($batches::VARCHAR[]))",
        {"batches": sorted(set(batches))},
    ).to_pylist()
    return {row["batch"]: row["what"] for row in rows}


def changed_after(engine: Engine, ix: int, at: datetime, *, now: datetime) -> bool:
    """Whether any given value of the person began or ended after that instant, until now."""
    found = engine.read(
        "SELECT EXISTS (SELECT 1 FROM given WHERE ix = $ix AND (ts > $at OR (expires_at > $at AND expires_at <= $now)))"
        " AS changed",
        {"ix": ix, "at": naive(at), "now": naive(now)},
    )
    return bool(found["changed"][0].as_py())


def latest(engine: Engine) -> datetime | None:
    """When anything was given last; naive UTC."""
    found = engine.read("SELECT MAX(ts) AS ts FROM given").column("ts")[0].as_py()
    return None if found is None else found
