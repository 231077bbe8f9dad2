"""What people asked for themselves: how often, about what, and not for a while. The latest word of a person counts."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from limner.accounts.keys import instant, micros
from limner.store.records import Records


@dataclass(frozen=True)
class Preference:
    """At most `messages` of advertising `per` time (None: as many as the rules allow), none until `paused_until`, none
    of the topics `without`; `unprofiled`: none that is chosen by what is computed of the person. `at`: when it was
    said; `proof`: where that can be seen.
    """

    at: datetime
    messages: int | None = None
    per: timedelta | None = None
    paused_until: datetime | None = None
    without: frozenset[str] = frozenset()
    unprofiled: bool = False
    proof: str = ""


def keep(records: Records, person: str, said: Preference) -> None:
    """From now on this is what the person asked for."""
    with records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO preferences (person, messages, per, paused_until, topics, unprofiled, at, proof)"
                " VALUES (:person, :messages, :per, :paused, :topics, :unprofiled, :at, :proof)"
                " ON CONFLICT (person) DO UPDATE SET messages = :messages, per = :per, paused_until = :paused,"
                " topics = :topics, unprofiled = :unprofiled, at = :at, proof = :proof"
            ),
            {
                "person": person,
                "messages": said.messages,
                "per": None if said.per is None else int(said.per / timedelta(microseconds=1)),
                "paused": None if said.paused_until is None else micros(said.paused_until),
                "topics": json.dumps(sorted(said.without)),
                "unprofiled": int(said.unprofiled),
                "at": micros(said.at),
                "proof": said.proof,
            },
        )


def of(connection: Connection, people: Collection[str] | None = None) -> dict[str, Preference]:
    """What each of these people (None: everybody) asked for; who never said anything is absent."""
    among = "" if people is None else " WHERE person IN (SELECT value FROM json_each(:people))"
    rows = connection.execute(
        text(
            f"SELECT person, messages, per, paused_until, topics, unprofiled, at, proof FROM preferences{among}"
        ),
        {} if people is None else {"people": json.dumps(list(people))},
    )
    return {row[0]: _read(row) for row in rows}


def unprofiled(connection: Connection) -> list[str]:
    """Who asked that nothing is chosen for them by what is computed of them, under the id that they had then."""
    return list(connection.execute(text("SELECT person FROM preferences WHERE unprofiled = 1")).scalars())


def latest(known: dict[str, Preference], people: Sequence[str]) -> Preference | None:
    """What somebody who is, or was before a merge, each of these people asked for last."""
    said = [known[person] for person in people if person in known]
    return max(said, key=lambda one: one.at, default=None)


def erase(records: Records, person: str) -> None:
    """Nothing is kept of what the person asked for; that their address wants no advertising stays with the address."""
    with records.begin() as connection:
        connection.execute(text("DELETE FROM preferences WHERE person = :person"), {"person": person})


def _read(row: Any) -> Preference:
    _, messages, per, paused, topics, unprofiled, at, proof = row
    return Preference(
        at=instant(at),
        messages=messages,
        per=None if per is None else timedelta(microseconds=per),
        paused_until=None if paused is None else instant(paused),
        without=frozenset(json.loads(topics)),
        unprofiled=bool(unprofiled),
        proof=proof,
    )
