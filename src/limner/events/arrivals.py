"""What arrived lately: events in the order in which they were stored, what was set aside, what each source sent.

Reads the events' tables; knows no person but by the ordinal that an event has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from limner.engine.seam import Engine, quoted
from limner.events.conversions import amount
from limner.types import Json, ValueType, naive, utc

WIDTH = 20_000
"""So many of the latest rows are looked at first; ten times as many each time that they do not suffice."""


@dataclass(frozen=True)
class Wanted:
    """Which events: by name, source, person and when they were received; None and '' mean any.

    `names`: by several names; `besides`: without the events of these ids.
    """

    name: str = ""
    source_i: int | None = None
    ix: int | None = None
    since: datetime | None = None
    names: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()

    def sql(self, names: Mapping[str, int]) -> tuple[str, dict[str, Any]]:
        """The condition and its values; a name that no event has yet holds for none."""
        parts: list[str] = []
        values: dict[str, Any] = {}
        if self.name:
            parts.append("name_i = $name_i")
            values["name_i"] = names.get(self.name, -1)
        if self.names:
            parts.append("name_i IN (SELECT UNNEST($names_i::UINTEGER[]))")
            values["names_i"] = [names[name] for name in self.names if name in names]
        if self.besides:
            parts.append("id::VARCHAR NOT IN (SELECT UNNEST($besides::VARCHAR[]))")
            values["besides"] = list(self.besides)
        for column, value in (("source_i", self.source_i), ("ix", self.ix)):
            if value is not None:
                parts.append(f"{column} = ${column}")
                values[column] = value
        if self.since is not None:
            parts.append("received_at >= $since")
            values["since"] = naive(self.since)
        return " AND ".join(parts) or "TRUE", values


def latest(
    engine: Engine, wanted: Wanted, *, limit: int, below: int, above: int = -1
) -> list[tuple[int, Json]]:
    """(place in the order of arrival, event) of the latest events with above < place < below, the newest first.

    Money is an exact decimal as text. `sources` and `ix` are left as ordinals: the caller knows what they mean.
    """
    rows = engine.read("SELECT name, name_i FROM names").to_pylist()
    condition, values = wanted.sql({row["name"]: row["name_i"] for row in rows})
    places = _places(engine, condition, values, limit=limit, below=below, above=above)
    if not places:
        return []
    names = {row["name_i"]: row["name"] for row in rows}
    typed = engine.read("SELECT name, type, col FROM properties ORDER BY name").to_pylist()
    columns = "".join(f", {quoted(item['col'])}" for item in typed)
    found = engine.read(
        f"SELECT rowid AS place, id::VARCHAR AS id, name_i, ts, received_at, source_i, ix, rest{columns} FROM events"
        " WHERE rowid BETWEEN $last AND $first AND rowid IN (SELECT UNNEST($places)) ORDER BY rowid DESC",
        {"places": places, "first": places[0], "last": places[-1]},
    ).to_pylist()
    return [
        (
            row["place"],
            {
                "id": row["id"],
                "event": names.get(row["name_i"], ""),
                "at": utc(row["ts"]).isoformat(),
                "received_at": utc(row["received_at"]).isoformat(),
                "source_i": row["source_i"],
                "ix": row["ix"],
                "properties": _properties(row, typed),
            },
        )
        for row in found
    ]


def said_by(engine: Engine, id: str, names: Sequence[str]) -> int | None:
    """Whose event of one of these names has the id; -1 where it is nobody's, None where there is no such event."""
    found = engine.read(
        "SELECT ix FROM events WHERE id = TRY_CAST($id AS HUGEINT) AND name_i IN"
        " (SELECT name_i FROM names WHERE name IN (SELECT UNNEST($names::VARCHAR[]))) LIMIT 1",
        {"id": id, "names": list(names)},
    ).to_pylist()
    if not found:
        return None
    return -1 if found[0]["ix"] is None else int(found[0]["ix"])


def newer(engine: Engine, wanted: Wanted, *, above: int) -> int:
    """How many such events were stored after that place."""
    rows = engine.read("SELECT name, name_i FROM names").to_pylist()
    condition, values = wanted.sql({row["name"]: row["name_i"] for row in rows})
    found = engine.read(
        f"SELECT COUNT(*) AS n FROM events WHERE rowid > $above AND {condition}", {**values, "above": above}
    )
    return int(found.column("n")[0].as_py())


def end(engine: Engine) -> int:
    """The last place in the order of arrival; -1 when there is no event."""
    found = engine.read(
        "SELECT MAX(rowid) AS last FROM events WHERE rowid >= (SELECT COUNT(*) FROM events) - 1"
    )
    last = found.column("last")[0].as_py()
    return -1 if last is None else int(last)


def _places(engine: Engine, condition: str, values: Json, *, limit: int, below: int, above: int) -> list[int]:
    high = below - 1
    width = WIDTH
    while True:
        low = max(above + 1, high - width + 1)
        found = engine.read(
            f"SELECT rowid AS place FROM events WHERE rowid BETWEEN $low AND $high AND {condition}"
            " ORDER BY rowid DESC LIMIT $limit",
            {**values, "low": low, "high": high, "limit": limit},
        )
        places: list[int] = found.column("place").to_pylist()
        if len(places) >= limit or low <= above + 1:
            return places
        width *= 10


def _properties(row: Json, typed: Sequence[Json]) -> Json:
    found: Json = {}
    for item in typed:
        value = row[item["col"]]
        if value is None:
            continue
        kind = ValueType(item["type"])
        if kind is ValueType.MONEY:
            value = amount(value)
        elif kind is ValueType.INSTANT:
            value = utc(value).isoformat()
        elif kind is ValueType.NUMBER and float(value).is_integer() and abs(value) < 2**53:
            value = int(value)
        found[item["name"]] = value
    found.update(json.loads(row["rest"] or "{}"))
    return found


def names(engine: Engine) -> list[Json]:
    """Every event name that happened, the most frequent first, with its number and times, in all and by source."""
    rows = engine.read(
        "SELECT n.name, e.source_i, COUNT(*) AS n, MIN(e.ts) AS first, MAX(e.ts) AS last FROM events AS e"
        " JOIN names AS n ON n.name_i = e.name_i GROUP BY n.name, e.source_i ORDER BY n.name, e.source_i"
    ).to_pylist()
    found: dict[str, Json] = {}
    for row in rows:
        held = found.setdefault(
            row["name"], {"name": row["name"], "count": 0, "first": None, "last": None, "by": {}}
        )
        held["count"] += row["n"]
        held["first"] = min(row["first"], held["first"] or row["first"])
        held["last"] = max(row["last"], held["last"] or row["last"])
        held["by"][row["source_i"]] = row["n"]
    for held in found.values():
        held["first"], held["last"] = utc(held["first"]).isoformat(), utc(held["last"]).isoformat()
    return sorted(found.values(), key=lambda held: (-held["count"], held["name"]))


def seen(engine: Engine, source_i: int | None = None) -> dict[int | None, Json]:
    """When each source's first and last stored events were received, and how many there are."""
    rows = engine.read(
        "SELECT source_i, COUNT(*) AS n, MIN(received_at) AS first, MAX(received_at) AS last FROM events"
        f" WHERE {'TRUE' if source_i is None else 'source_i = $source_i'} GROUP BY source_i",
        {} if source_i is None else {"source_i": source_i},
    ).to_pylist()
    return {
        row["source_i"]: {
            "events": row["n"],
            "first": utc(row["first"]).isoformat(),
            "last": utc(row["last"]).isoformat(),
        }
        for row in rows
    }


@dataclass(frozen=True)
class Aside:
    """Which of what was set aside: by code, source and id; None, '' and () mean any."""

    code: str = ""
    source_i: int | None = None
    ids: tuple[str, ...] = ()
    since: datetime | None = None
    names: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()

    def sql(self) -> tuple[str, dict[str, Any]]:
        """The condition and its values."""
        parts: list[str] = []
        values: dict[str, Any] = {}
        if self.code:
            parts.append("code = $code")
            values["code"] = self.code
        if self.source_i is not None:
            parts.append("source_i = $source_i")
            values["source_i"] = self.source_i
        if self.ids:
            parts.append("id::VARCHAR IN (SELECT UNNEST($ids))")
            values["ids"] = list(self.ids)
        if self.since is not None:
            parts.append("received_at >= $since")
            values["since"] = naive(self.since)
        return " AND ".join(parts) or "TRUE", values


def aside(engine: Engine, wanted: Aside, *, limit: int, after: tuple[int, str] | None = None) -> list[Json]:
    """What was set aside, the newest first, after the row (microseconds, id)."""
    condition, values = wanted.sql()
    if after is not None:
        condition += " AND (epoch_us(received_at), id::VARCHAR) < ($at, $id)"
        values |= {"at": after[0], "id": after[1]}
    found: list[Json] = engine.read(
        "SELECT id::VARCHAR AS id, source_i, received_at, epoch_us(received_at) AS micros, code, path, message, raw,"
        f" origin FROM quarantine WHERE {condition} ORDER BY micros DESC, id::VARCHAR DESC LIMIT $limit",
        {**values, "limit": limit},
    ).to_pylist()
    return found


def reasons(engine: Engine, wanted: Aside) -> list[Json]:
    """How much was set aside for each reason, the most frequent first, and since when."""
    condition, values = wanted.sql()
    rows = engine.read(
        "SELECT code, COUNT(*) AS n, COUNT(origin) AS rows, MAX(received_at) AS last, ANY_VALUE(message) AS message"
        f" FROM quarantine WHERE {condition} GROUP BY code ORDER BY n DESC, code",
        values,
    ).to_pylist()
    return [
        {
            "code": row["code"],
            "n": row["n"],
            "of_files": row["rows"],
            "last_at": utc(row["last"]).isoformat(),
            "message": row["message"],
        }
        for row in rows
    ]


def again(engine: Engine, wanted: Aside) -> tuple[list[int], int, int]:
    """(ids of the calls that can be tried again, rows of files, calls whose id was stored with other content)."""
    condition, values = wanted.sql()
    rows = engine.read(
        f"SELECT id::VARCHAR AS id, code, origin FROM quarantine WHERE {condition} ORDER BY received_at, id",
        values,
    ).to_pylist()
    files = sum(row["origin"] is not None for row in rows)
    conflicts = sum(row["origin"] is None and row["code"] == "duplicate_conflict" for row in rows)
    ids = [int(row["id"]) for row in rows if row["origin"] is None and row["code"] != "duplicate_conflict"]
    return ids, files, conflicts
