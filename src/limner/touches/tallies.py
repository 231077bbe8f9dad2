"""How many messages of several campaigns and journeys are where, and what they cost: two questions for all of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import text

from limner.store.records import Records


@dataclass
class Tally:
    """The messages of one campaign or journey. `suppressed`: by reason; `cost`: in 1/10,000 of the currency unit."""

    people: int = 0
    held_out: int = 0
    waiting: int = 0
    sent: int = 0
    failed: int = 0
    in_doubt: int = 0
    cost: int = 0
    suppressed: Counter[str] = field(default_factory=Counter)


def tallies(records: Records, among: Iterable[tuple[str, str]]) -> dict[str, Tally]:
    """By campaign or journey, over those of its entries that are among these (campaign, entry)."""
    wanted = set(among)
    found = {campaign: Tally() for campaign, _ in wanted}
    names = json.dumps(sorted(found))
    with records.read() as connection:
        for campaign, entry, status, reason, people, cost in connection.execute(
            text(
                "SELECT campaign, entry, status, CASE WHEN status = 'suppressed' THEN reason ELSE '' END,"
                " COUNT(*), SUM(cost) FROM touches WHERE campaign IN (SELECT value FROM json_each(:names))"
                " GROUP BY 1, 2, 3, 4"
            ),
            {"names": names},
        ):
            if (campaign, entry) in wanted:
                _add(found[campaign], status, reason, people)
                found[campaign].cost += cost
        for campaign, entry, arm, reason, people in connection.execute(
            text(
                "SELECT campaign, entry, arm, reason, COUNT(*) FROM arms WHERE arm <> 'treated'"
                " AND campaign IN (SELECT value FROM json_each(:names)) GROUP BY 1, 2, 3, 4"
            ),
            {"names": names},
        ):
            if (campaign, entry) in wanted:
                _add(found[campaign], arm, reason, people)
    return found


def _add(tally: Tally, status: str, reason: str, people: int) -> None:
    tally.people += people
    if status == "suppressed":
        tally.suppressed[reason] += people
    else:
        name = "waiting" if status == "claimed" else status
        setattr(tally, name, getattr(tally, name) + people)
