"""What was not sent and why: messages that were refused, and people who were set aside when a campaign began."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from limner.accounts.keys import micros
from limner.store.records import Records

_QUARTER = 900_000_000
"""Microseconds of a quarter of an hour: every zone's day begins at one of them."""

# What somebody's erasure took away has no other instant than when it was due.
_WHEN = "COALESCE(t.done_at, NULLIF(t.due_at, 0), e.started_at)"


@dataclass(frozen=True)
class Suppressed:
    """So many people who got no message for one reason, in the quarter of an hour that begins at `at` (microseconds).

    `kind`: campaign or journey. Of people who were set aside at a launch class and channel stand in `definition`.
    """

    reason: str
    message_class: str
    channel: str
    kind: str
    name: str
    at: int
    people: int
    definition: str = ""


def since(records: Records, *, since: datetime, name: str = "") -> Iterator[Suppressed]:
    """Everybody who got no message since then, of one campaign or journey where that is named."""
    given = {"since": micros(since), "name": name, "quarter": _QUARTER}
    with records.read() as connection:
        for row in connection.execute(
            text(
                "SELECT t.reason, t.class, t.channel, e.kind, t.campaign,"
                f" {_WHEN} / :quarter * :quarter AS at, COUNT(*) FROM touches AS t"
                " JOIN campaign_entries AS e ON e.campaign = t.campaign AND e.entry = t.entry"
                f" WHERE t.status = 'suppressed' AND {_WHEN} >= :since AND :name IN ('', t.campaign)"
                " GROUP BY 1, 2, 3, 4, 5, 6"
            ),
            given,
        ):
            yield Suppressed(*row)
        for row in connection.execute(
            text(
                "SELECT a.reason, '', '', e.kind, e.campaign, e.started_at, COUNT(*), e.definition"
                " FROM campaign_entries AS e JOIN arms AS a ON a.campaign = e.campaign AND a.entry = e.entry"
                " WHERE a.arm = 'suppressed' AND e.started_at >= :since AND :name IN ('', e.campaign)"
                " GROUP BY e.campaign, e.entry, a.reason"
            ),
            given,
        ):
            yield Suppressed(*row)


def names(records: Records) -> list[str]:
    """Every campaign and journey of which anything was ever to be sent."""
    with records.read() as connection:
        return list(
            connection.execute(text("SELECT DISTINCT campaign FROM campaign_entries ORDER BY 1")).scalars()
        )
