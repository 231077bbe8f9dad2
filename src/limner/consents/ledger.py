"""Consents and suppressions in the record store: written once, never changed, the latest word counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from limner.accounts.keys import instant, micros
from limner.consents.model import BLOCKED, MARKETING, UNSUBSCRIBED, Consent, Standing, State
from limner.store.records import Records

_LATEST = """
SELECT address_hash, state FROM (
  SELECT address_hash, state,
         ROW_NUMBER() OVER (PARTITION BY address_hash ORDER BY at DESC, state DESC, id DESC) AS place
  FROM consents WHERE channel = :channel AND class = :class {among}
) WHERE place = 1
"""
_SUPPRESSED = "SELECT address_hash, reason FROM suppressions WHERE channel = :channel {among}"
_AMONG = "AND address_hash IN (SELECT value FROM json_each(:hashes))"


def record(records: Records, consents: Iterable[Consent]) -> int:
    """How many of these words were new; one that is already kept changes nothing."""
    values = [
        {
            "person": consent.person,
            "channel": consent.channel,
            "hash": consent.address_hash,
            "class": consent.message_class,
            "state": str(consent.state),
            "at": micros(consent.at),
            "source": consent.source,
            "proof": consent.proof,
        }
        for consent in consents
    ]
    if not values:
        return 0
    with records.begin() as connection:
        before = connection.execute(text("SELECT COUNT(*) FROM consents")).scalar_one()
        connection.execute(
            text(
                "INSERT INTO consents (person, channel, address_hash, class, state, at, source, proof)"
                " VALUES (:person, :channel, :hash, :class, :state, :at, :source, :proof)"
                " ON CONFLICT DO NOTHING"
            ),
            values,
        )
        after = connection.execute(text("SELECT COUNT(*) FROM consents")).scalar_one()
    return int(after) - int(before)


def suppress(connection: Connection, channel: str, address_hash: str, *, reason: str, now: datetime) -> bool:
    """Whether the address was suppressed just now; one that already is keeps its first reason."""
    done = connection.execute(
        text(
            "INSERT INTO suppressions (channel, address_hash, reason, at)"
            " VALUES (:channel, :hash, :reason, :at) ON CONFLICT DO NOTHING"
        ),
        {"channel": channel, "hash": address_hash, "reason": reason, "at": micros(now)},
    )
    return bool(done.rowcount)


def unsubscribe(
    records: Records, *, channel: str, address_hash: str, person: str, now: datetime, proof: str
) -> bool:
    """Whether this ended the advertising to the address; a second time changes nothing.

    Kept as a suppression, which no later import of consents lifts, and as a withdrawn consent.
    """
    with records.begin() as connection:
        new = suppress(connection, channel, address_hash, reason=UNSUBSCRIBED, now=now)
        if new:
            connection.execute(
                text(
                    "INSERT INTO consents (person, channel, address_hash, class, state, at, source, proof)"
                    " VALUES (:person, :channel, :hash, :class, 'withdrawn', :at, 'unsubscribe', :proof)"
                    " ON CONFLICT DO NOTHING"
                ),
                {
                    "person": person,
                    "channel": channel,
                    "hash": address_hash,
                    "class": MARKETING,
                    "at": micros(now),
                    "proof": proof,
                },
            )
    return new


def block(records: Records, channel: str, address_hash: str, *, now: datetime) -> None:
    """Nothing at all goes to the address any more, whatever it was stopped for before."""
    with records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO suppressions (channel, address_hash, reason, at) VALUES (:channel, :hash, :reason, :at)"
                " ON CONFLICT (channel, address_hash) DO UPDATE SET reason = excluded.reason, at = excluded.at"
                " WHERE reason <> excluded.reason"
            ),
            {"channel": channel, "hash": address_hash, "reason": BLOCKED, "at": micros(now)},
        )


def lift(records: Records, channel: str, address_hash: str) -> bool:
    """Whether a suppression was lifted: on the recipient's own word or by somebody who says why, never by an import."""
    with records.begin() as connection:
        done = connection.execute(
            text("DELETE FROM suppressions WHERE channel = :channel AND address_hash = :hash"),
            {"channel": channel, "hash": address_hash},
        )
    return bool(done.rowcount)


def standings(
    connection: Connection,
    channel: str,
    hashes: Sequence[str] | None = None,
    *,
    message_class: str = MARKETING,
) -> dict[str, Standing]:
    """How each address stands (all addresses of the channel when `hashes` is None); absent: nobody asked."""
    among = "" if hashes is None else _AMONG
    values: dict[str, Any] = {"channel": channel, "class": message_class}
    if hashes is not None:
        values["hashes"] = json.dumps(list(hashes))
    states = connection.execute(text(_LATEST.format(among=among)), values).all()
    reasons: Mapping[str, str] = {
        row[0]: row[1] for row in connection.execute(text(_SUPPRESSED.format(among=among)), values).all()
    }
    found = {
        row[0]: Standing(consented=row[1] == State.GRANTED, suppressed=reasons.get(row[0], ""))
        for row in states
    }
    for address, reason in reasons.items():
        found.setdefault(address, Standing(suppressed=reason))
    return found


def of_person(records: Records, person: str) -> list[Consent]:
    """Every recorded word of the person, the latest first."""
    with records.read() as connection:
        found = (
            connection.execute(
                text("SELECT * FROM consents WHERE person = :person ORDER BY at DESC, id DESC"),
                {"person": person},
            )
            .mappings()
            .all()
        )
    return [
        Consent(
            person=row["person"],
            channel=row["channel"],
            address_hash=row["address_hash"],
            state=State(row["state"]),
            at=instant(row["at"]),
            source=row["source"],
            proof=row["proof"],
            message_class=row["class"],
        )
        for row in found
    ]


def suppressed_count(records: Records, channel: str) -> dict[str, int]:
    """How many addresses of the channel are suppressed, by reason."""
    with records.read() as connection:
        found = connection.execute(
            text("SELECT reason, COUNT(*) FROM suppressions WHERE channel = :channel GROUP BY reason"),
            {"channel": channel},
        ).all()
    return {row[0]: int(row[1]) for row in found}


def erase(records: Records, person: str) -> int:
    """How many recorded words of the person were erased.

    Suppressions stay: they hold no person, only a keyed hash, and without them the person would be written to
    again after the next import.
    """
    with records.begin() as connection:
        done = connection.execute(text("DELETE FROM consents WHERE person = :person"), {"person": person})
    return done.rowcount
