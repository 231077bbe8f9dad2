"""How people answered on each channel: sent messages whose time to be answered is over, and which of them were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from limner.campaigns.best_channel import Answers
from limner.campaigns.rules import Response
from limner.engine.seam import Engine, quoted
from limner.types import naive


@dataclass(frozen=True)
class Names:
    """Where the engine has what is asked for: event codes, and the columns of what is written about messages.

    `reactions`: clicks and replies, unless the message made the person unsubscribe (`left`); `goal`: what counts as an
    answer whatever led to it. A column that is '' is not there yet.
    """

    sent: Sequence[int]
    reactions: Sequence[int]
    left: Sequence[int]
    goal: Sequence[int]
    channel: str
    message: str
    machine: str
    message_class: str


_ASKED = """
opportunities AS (
    SELECT e.ix, e.{channel} AS channel, e.{message} AS id, e.ts
    FROM events AS e WHERE e.name_i IN ({sent}) AND e.ix IS NOT NULL AND e.ts >= $since AND e.ts <= $until {classed}
), answered AS (
    SELECT DISTINCT o.id FROM opportunities AS o JOIN events AS r
    ON r.{message} = o.id AND r.name_i IN ({reactions}) {human}
    AND r.ts >= o.ts AND r.ts <= o.ts + TO_MICROSECONDS($within)
    WHERE NOT EXISTS (SELECT 1 FROM events AS l WHERE l.{message} = o.id AND l.name_i IN ({left}))
    UNION
    SELECT DISTINCT o.id FROM opportunities AS o JOIN events AS g
    ON g.ix = o.ix AND g.name_i IN ({goal}) AND g.ts >= o.ts AND g.ts <= o.ts + TO_MICROSECONDS($within)
)
"""


def found(
    engine: Engine,
    ixs: npt.NDArray[np.uint32],
    channels: Sequence[str],
    *,
    names: Names,
    response: Response,
    message_class: str,
    now: datetime,
) -> Answers:
    """The answers of these people, and everybody's, by channel. Only messages of the class count.

    A message that may still be answered counts for nothing yet.
    """
    shape = (len(ixs), len(channels))
    asked, answered = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    crowd_asked, crowd_answered = (np.zeros(len(channels), dtype=np.int64) for _ in range(2))
    if not names.sent or not names.channel or not names.message:
        return Answers(asked, answered, crowd_asked, crowd_answered)
    classed = f"AND COALESCE(e.{quoted(names.message_class)}, $class) = $class" if names.message_class else ""
    opportunities = _ASKED.format(
        channel=quoted(names.channel),
        message=quoted(names.message),
        sent=_listed(names.sent),
        reactions=_listed(names.reactions),
        left=_listed(names.left),
        goal=_listed(names.goal),
        human=f"AND r.{quoted(names.machine)} IS NOT TRUE" if names.machine else "",
        classed=classed,
    )
    values: Mapping[str, object] = {
        "since": naive(now - response.last),
        "until": naive(now - response.within),
        "within": int(response.within.total_seconds() * 1_000_000),
        "class": message_class,
    }
    place = {channel: at for at, channel in enumerate(channels)}
    counts = "COUNT(*) AS asked, COUNT(a.id) AS answered"
    every = engine.read(
        f"WITH {opportunities} SELECT o.channel, {counts} FROM opportunities AS o"
        " LEFT JOIN answered AS a ON a.id = o.id GROUP BY o.channel",
        values,
    )
    for row in every.to_pylist():
        if row["channel"] in place:
            crowd_asked[place[row["channel"]]] = row["asked"]
            crowd_answered[place[row["channel"]]] = row["answered"]
    own = engine.read(
        f"WITH {opportunities} SELECT p.i, c.c, {counts} FROM opportunities AS o JOIN asked AS p ON p.ix = o.ix"
        " JOIN channels AS c ON c.channel = o.channel LEFT JOIN answered AS a ON a.id = o.id GROUP BY p.i, c.c",
        values,
        given={
            "asked": pa.table({"i": np.arange(len(ixs)), "ix": ixs}),
            "channels": pa.table({"c": np.arange(len(channels)), "channel": list(channels)}),
        },
    )
    at = own.column("i").to_numpy(), own.column("c").to_numpy()
    asked[at], answered[at] = own.column("asked").to_numpy(), own.column("answered").to_numpy()
    return Answers(asked, answered, crowd_asked, crowd_answered)


def _listed(codes: Sequence[int]) -> str:
    return ", ".join(str(int(code)) for code in codes) or "NULL"
