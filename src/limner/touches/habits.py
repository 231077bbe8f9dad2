"""When people are there: counts of what they did by the hour of their own clock, of a whole set in one statement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from limner.campaigns.best_hour import FORGOTTEN, HOUR_US, HOURS, WEIGHT, Ints, micros, spans
from limner.campaigns.policy import zone_of
from limner.engine.seam import Engine, quoted
from limner.types import naive

ZONE = "timezone"

_ZONES = """
SELECT i, COALESCE(latest, first_said) AS value FROM (
    SELECT a.i, max_by(CASE WHEN t.mode = 'set' THEN t.value END, {'ts': t.ts, 'id': t.id})
             FILTER (t.mode <> 'once') AS latest,
           min_by(t.value, {'ts': t.ts, 'id': t.id}) FILTER (t.mode = 'once') AS first_said
    FROM attributes AS t JOIN asked AS a ON a.ix = t.ix
    WHERE t.ts < $now AND t.name = $name GROUP BY a.i
) WHERE value IS NOT NULL AND value <> 'null'
"""

_COUNTED = """
WITH seen AS (
    SELECT DISTINCT a.i, a.ix, a.today, (EPOCH_US(e.ts) + s.ahead) // {hour} AS h
    FROM events AS e JOIN asked AS a ON a.ix = e.ix
    JOIN spans AS s ON s.zone = a.zone AND EPOCH_US(e.ts) >= s.since AND EPOCH_US(e.ts) < s.until
    WHERE e.ts >= $since AND e.ts < $now AND {which}
)
SELECT i, CAST(h % 24 AS UTINYINT) AS hour, COUNT(*) AS n,
       CAST(SUM({weight} >> CAST(LEAST((today - h) // {half}, 30) AS INTEGER)) AS BIGINT) AS w
FROM seen GROUP BY i, hour
"""


@dataclass(frozen=True, eq=False)
class Clocks:
    """The time zone of each of some people, as a number in `zones`."""

    of: npt.NDArray[np.int32]
    zones: Sequence[ZoneInfo]


@dataclass(frozen=True, eq=False)
class Counted:
    """Observations by group and hour: how many, and what they count after forgetting."""

    n: Ints
    weighted: Ints


def clocks(engine: Engine, ixs: npt.NDArray[np.uint32], *, usual: ZoneInfo, now: datetime) -> Clocks:
    """On which clock each of these people lives: the one that they said, else the workspace's."""
    found = engine.read(_ZONES, {"now": naive(now), "name": ZONE}, given={"asked": _asked(ixs)})
    texts = found.column("value").combine_chunks().dictionary_encode()
    zones: list[ZoneInfo] = [usual]
    numbers = []
    for text in texts.dictionary.to_pylist():
        said = json.loads(text)
        zone = zone_of(said if isinstance(said, str) else None, usual)
        if zone not in zones:
            zones.append(zone)
        numbers.append(zones.index(zone))
    of = np.zeros(len(ixs), dtype=np.int32)
    if len(numbers):
        of[found.column("i").to_numpy()] = np.array(numbers, dtype=np.int32)[texts.indices.to_numpy()]
    return Clocks(of, zones)


def counted(
    engine: Engine,
    ixs: npt.NDArray[np.uint32],
    groups: npt.NDArray[np.int64],
    there: Clocks,
    *,
    number: int,
    which: str,
    half_life: timedelta,
    now: datetime,
) -> Counted:
    """The observations of `number` groups of people before `now`; each of `ixs` is in the group that stands beside it.

    An observation is an hour of a day in which the person did something, however much. `which`: the test of events.
    """
    since = now - half_life * FORGOTTEN
    clock = [spans(zone, since, now) for zone in there.zones]
    table = pa.table(
        {
            "zone": pa.array([at for at, some in enumerate(clock) for _ in some], pa.int32()),
            **{
                name: pa.array([getattr(span, field) for some in clock for span in some], pa.int64())
                for name, field in (("since", "since"), ("until", "until"), ("ahead", "offset"))
            },
        }
    )
    today = np.array([(micros(now) + some[-1].offset) // HOUR_US for some in clock], dtype=np.int64)
    asked = pa.table({"i": groups, "ix": ixs, "zone": there.of, "today": today[there.of]})
    found = engine.read(
        _COUNTED.format(
            hour=HOUR_US, weight=WEIGHT, half=max(half_life // timedelta(hours=1), 1), which=which
        ),
        {"since": naive(since), "now": naive(now)},
        given={"asked": asked, "spans": table},
    )
    n = np.zeros((number, HOURS), dtype=np.int64)
    weighted = np.zeros((number, HOURS), dtype=np.int64)
    place = found.column("i").to_numpy(), found.column("hour").to_numpy()
    n[place] = found.column("n").to_numpy()
    weighted[place] = found.column("w").to_numpy()
    return Counted(n, weighted)


def test_of(codes: Sequence[int], machine: str) -> str:
    """The test of events (e) of these names; `machine`: the column that says that no person did it, '' none."""
    if not codes:
        return "FALSE"
    listed = ", ".join(str(int(code)) for code in codes)
    return f"e.name_i IN ({listed})" + (f" AND e.{quoted(machine)} IS NOT TRUE" if machine else "")


def _asked(ixs: npt.NDArray[np.uint32]) -> pa.Table:
    return pa.table({"i": np.arange(len(ixs)), "ix": ixs})
