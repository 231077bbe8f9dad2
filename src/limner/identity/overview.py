"""Who is who, in numbers: people, identifiers by kind, people found to be one, devices of several. Names nobody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from limner.engine.seam import Engine
from limner.identity.model import DEVICE
from limner.types import Json, naive

LINKS = ("login", "key", "alias")
"""What ties identifiers together: seen logged in on a device, given with another key, declared to be one."""


def numbers(engine: Engine) -> Json:
    """How many people have a strong identifier, how many only a device, how many were found to be others.

    `identifiers` by kind; `shared_devices`: devices on which several people were logged in.
    """
    one = engine.read(
        "SELECT COUNT(*) FILTER (WHERE merged_into IS NOT NULL AND NOT erased) AS merged,"
        " COUNT(*) FILTER (WHERE erased) AS erased FROM persons"
    ).to_pylist()[0]
    named = (
        engine.read(
            "SELECT COUNT(DISTINCT i.ix) AS n FROM identifiers AS i JOIN persons AS p ON p.ix = i.ix"
            " WHERE i.kind <> $device AND i.value IS NOT NULL AND p.merged_into IS NULL AND NOT p.erased",
            {"device": DEVICE},
        )
        .column("n")[0]
        .as_py()
    )
    kinds = engine.read(
        "SELECT kind, COUNT(*) AS n, COUNT(DISTINCT ix) AS people FROM identifiers WHERE value IS NOT NULL"
        " GROUP BY kind ORDER BY n DESC, kind"
    ).to_pylist()
    shared = engine.read("SELECT COUNT(DISTINCT device_i) AS n FROM intervals").column("n")[0].as_py()
    return {
        "named": int(named),
        "merged": int(one["merged"]),
        "erased": int(one["erased"]),
        "identifiers": kinds,
        "shared_devices": int(shared),
    }


def links(engine: Engine, *, since: datetime) -> list[Json]:
    """How many ties of each kind appeared on each day (UTC) since then, the days in order."""
    rows: list[dict[str, Any]] = engine.read(
        "SELECT ts::DATE AS day, what, COUNT(*) AS n FROM claims WHERE ts >= $since AND what <> 'cut'"
        " GROUP BY day, what ORDER BY day, what",
        {"since": naive(since)},
    ).to_pylist()
    found: dict[str, Json] = {}
    for row in rows:
        day = row["day"].isoformat()
        found.setdefault(day, {"day": day, **dict.fromkeys(LINKS, 0)})[row["what"]] = row["n"]
    return list(found.values())
