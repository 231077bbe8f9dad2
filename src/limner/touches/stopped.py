"""Addresses that are written to no more: who they are of, as far as messages and consents tell, and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from limner.accounts.keys import instant
from limner.store.records import Records

# An address is kept as a keyed hash alone: whose it is, the latest consent or else the latest message says.
_PERSON = (
    "COALESCE((SELECT c.person FROM consents AS c WHERE c.channel = {channel} AND c.address_hash = {address}"
    " AND c.person <> '' ORDER BY c.at DESC LIMIT 1),"
    " (SELECT t.person FROM touches AS t WHERE t.address_hash = {address} AND t.channel = {channel}"
    " AND t.person <> '' ORDER BY t.claimed_at DESC LIMIT 1), '')"
)
_ITS_PERSON = _PERSON.format(channel="s.channel", address="s.address_hash")
_WANTED = (
    " FROM suppressions AS s WHERE :channel IN ('', s.channel) AND :reason IN ('', s.reason)"
    " AND (:among = '' OR s.address_hash IN (SELECT value FROM json_each(:among)))"
)


@dataclass(frozen=True)
class Stopped:
    """One address that is written to no more; `person` is '' where nobody is known to have it."""

    channel: str
    address_hash: str
    reason: str
    at: datetime
    person: str


@dataclass(frozen=True)
class Which:
    """Of which channel and reason ('' any), and among which addresses (None: all)."""

    channel: str = ""
    reason: str = ""
    among: Sequence[str] | None = None

    @property
    def values(self) -> dict[str, str]:
        """What the statements bind."""
        among = "" if self.among is None else json.dumps(list(self.among))
        return {"channel": self.channel, "reason": self.reason, "among": among}


def page(records: Records, which: Which, *, limit: int, after: tuple[int, str, str] | None) -> list[Stopped]:
    """So many of them, the latest first; `after`: instant, channel and address of the last one that was shown."""
    at, channel, address = after or (0, "", "")
    with records.read() as connection:
        rows = connection.execute(
            text(
                f"SELECT s.channel, s.address_hash, s.reason, s.at, {_ITS_PERSON}{_WANTED}"
                " AND (:first OR (s.at, s.channel, s.address_hash) < (:at, :last_channel, :address))"
                " ORDER BY s.at DESC, s.channel DESC, s.address_hash DESC LIMIT :limit"
            ),
            {
                **which.values, "first": after is None, "at": at, "last_channel": channel, "address": address,
                "limit": limit,
            },
        ).all()  # fmt: skip
    return [Stopped(row[0], row[1], row[2], instant(row[3]), row[4]) for row in rows]


def counted(records: Records, which: Which) -> list[tuple[str, str, int]]:
    """How many addresses of each channel are stopped for each reason, the most first."""
    with records.read() as connection:
        rows = connection.execute(
            text(f"SELECT s.channel, s.reason, COUNT(*) AS n{_WANTED} GROUP BY 1, 2 ORDER BY n DESC, 1, 2"),
            which.values,
        ).all()
    return [(row[0], row[1], int(row[2])) for row in rows]


def whose(records: Records, channel: str, address_hash: str) -> str:
    """The person whom consents or messages know by the address; '' where there is none."""
    with records.read() as connection:
        return str(
            connection.execute(
                text(f"SELECT {_PERSON.format(channel=':channel', address=':hash')}"),
                {"channel": channel, "hash": address_hash},
            ).scalar_one()
        )


def of_people(records: Records, person_ids: Sequence[str]) -> list[str]:
    """The addresses that are known of these people from consents and messages."""
    with records.read() as connection:
        return list(
            connection.execute(
                text(
                    "WITH wanted AS (SELECT value AS person FROM json_each(:people))"
                    " SELECT address_hash FROM consents WHERE address_hash <> '' AND person IN wanted"
                    " UNION SELECT address_hash FROM touches WHERE address_hash <> '' AND person IN wanted"
                ),
                {"people": json.dumps(list(person_ids))},
            ).scalars()
        )


def reason_of(records: Records, channel: str, address_hash: str) -> str | None:
    """Why the address is written to no more; None where it is."""
    with records.read() as connection:
        return connection.execute(
            text("SELECT reason FROM suppressions WHERE channel = :channel AND address_hash = :hash"),
            {"channel": channel, "hash": address_hash},
        ).scalar()
