"""What people got before, what else is due for them, and what was spent: one question each for a whole batch."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from limner.accounts.keys import instant, micros
from limner.campaigns.policy import Counted
from limner.touches.model import TAKEN


@dataclass
class History:
    """Messages by the people and addresses that they are of; a person's are found by either, each once."""

    messages: list[Counted] = field(default_factory=list)
    _places: dict[str, list[int]] = field(default_factory=dict)

    def add(self, person: str, address_hash: str, message: Counted) -> None:
        """One message more."""
        for mark in (f"p{person}", f"a{address_hash}"):
            self._places.setdefault(mark, []).append(len(self.messages))
        self.messages.append(message)

    def of(self, people: Iterable[str], address_hash: str) -> list[Counted]:
        """The messages of somebody who is, or was before a merge, each of these people, at this address."""
        found = set(self._places.get(f"a{address_hash}", ()))
        for person in people:
            found.update(self._places.get(f"p{person}", ()))
        return [self.messages[place] for place in sorted(found)]


def earlier(
    connection: Connection,
    *,
    people: Collection[str],
    hashes: Collection[str],
    besides: Collection[str],
    within: timedelta | None,
    now: datetime,
) -> History:
    """What these people or addresses got within that time before `now`, the messages `besides` left out."""
    found = History()
    if within is None or not people:
        return found
    rows = connection.execute(
        text(
            "SELECT message_id, person, address_hash, campaign, class, channel, claimed_at FROM touches"
            " WHERE (person IN (SELECT value FROM json_each(:people))"
            " OR address_hash IN (SELECT value FROM json_each(:hashes)))"
            f" AND claimed_at > :since AND {TAKEN}"
        ),
        {
            "people": json.dumps(list(people)),
            "hashes": json.dumps(list(hashes)),
            "since": micros(now - within),
        },
    )
    for id_, person, hashed, of, message_class, channel, at in rows:
        if id_ not in besides:
            found.add(person, hashed, Counted(of, message_class, channel, instant(at)))
    return found


def rivals(
    connection: Connection,
    *,
    people: Collection[str],
    hashes: Collection[str],
    above: Sequence[str],
    now: datetime,
) -> History:
    """What is due now for these people or addresses of the campaigns and journeys `above`, where they are sending."""
    found = History()
    if not above or not people:
        return found
    rows = connection.execute(
        text(
            "SELECT t.person, t.address_hash, t.campaign, t.class, t.channel FROM touches AS t"
            " JOIN campaign_entries AS e ON e.campaign = t.campaign AND e.entry = t.entry"
            " WHERE (t.person IN (SELECT value FROM json_each(:people))"
            " OR t.address_hash IN (SELECT value FROM json_each(:hashes)))"
            " AND t.status = 'waiting' AND t.due_at <= :now AND COALESCE(t.useful_until, :now) >= :now"
            " AND t.campaign IN (SELECT value FROM json_each(:above))"
            " AND e.status = 'running' AND e.not_before <= :now"
        ),
        {
            "people": json.dumps(list(people)),
            "hashes": json.dumps(list(hashes)),
            "above": json.dumps(list(above)),
            "now": micros(now),
        },
    )
    for person, hashed, of, message_class, channel in rows:
        found.add(person, hashed, Counted(of, message_class, channel, now))
    return found


def spent(connection: Connection, *, of: str, month: str) -> list[tuple[str, str, int]]:
    """What one has spent in each month, and everybody in this month: name, month, 1/10,000 of the currency unit."""
    rows = connection.execute(
        text("SELECT campaign, month, cost FROM spendings WHERE campaign = :of OR month = :month"),
        {"of": of, "month": month},
    )
    return [(row[0], row[1], int(row[2])) for row in rows]


def handed(connection: Connection, *, channel: str, since: datetime, most: int) -> int:
    """How many messages were handed over by the channel since then, counted up to `most`."""
    found = connection.execute(
        text(
            "SELECT COUNT(*) FROM (SELECT 1 FROM touches INDEXED BY touches_handed WHERE channel = :channel"
            " AND claimed_at IS NOT NULL AND claimed_at >= :since LIMIT :most)"
        ),
        {"channel": channel, "since": micros(since), "most": most},
    ).scalar_one()
    return int(found)


def reacted(connection: Connection, campaign: str, entry: str) -> tuple[int, int]:
    """How many unsubscribed and how many complained of what an entry sent since it was last let go on."""
    unsubscribed, complained = (
        int(connection.execute(text(sql), {"campaign": campaign, "entry": entry}).scalar_one())
        for sql in (_UNSUBSCRIBED, _COMPLAINED)
    )
    return unsubscribed, complained


def sent(connection: Connection, campaign: str, entry: str) -> int:
    """How many messages an entry sent since it was last let go on."""
    return int(
        connection.execute(
            text(
                "SELECT COUNT(*) FROM touches WHERE campaign = :campaign AND entry = :entry AND status = 'sent'"
                " AND done_at > (SELECT judged_from FROM campaign_entries"
                " WHERE campaign = :campaign AND entry = :entry)"
            ),
            {"campaign": campaign, "entry": entry},
        ).scalar_one()
    )


_JUDGED = (
    " AND t.campaign = :campaign AND t.entry = :entry AND t.status = 'sent' AND t.done_at > (SELECT judged_from"
    " FROM campaign_entries WHERE campaign = :campaign AND entry = :entry)"
)
_UNSUBSCRIBED = (
    "SELECT COUNT(*) FROM touches AS t INDEXED BY touches_left WHERE t.unsubscribed_at IS NOT NULL" + _JUDGED
)
_COMPLAINED = (
    "SELECT COUNT(*) FROM suppressions AS s CROSS JOIN touches AS t ON t.address_hash = s.address_hash"
    " AND t.channel = s.channel WHERE s.reason = 'complained' AND s.at >= t.claimed_at" + _JUDGED
)
