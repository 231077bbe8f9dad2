"""Wanting: the messages that a journey's steps ask for, and those that it takes back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from limner.accounts.keys import micros
from limner.campaigns.model import Campaign
from limner.store.records import Records
from limner.touches.drawing import Chosen
from limner.touches.entries import forget_waits, in_chunks
from limner.touches.model import JOURNEY, STEP, message_id

OVERTAKEN = "overtaken by a later message"
LEFT = "left the journey"
GONE = "the step is gone"
"""Why a message that a journey asked for is not sent."""


def open_step(connection: Connection, campaign: Campaign, step: str, *, content: str, now: datetime) -> None:
    """The entry of a journey's step, with its message as it is from now on; who waits there gets the new one."""
    connection.execute(
        text(
            "INSERT INTO campaign_entries (campaign, entry, status, started_at, as_of, seed, audience_text,"
            " definition, content, people, holdout_share, kind) VALUES (:campaign, :entry, 'done', :now, :now, '', '',"
            " :definition, :content, 0, 0, :kind) ON CONFLICT (campaign, entry) DO UPDATE SET"
            " definition = :definition, content = :content, reason = '', errors = 0, not_before = 0,"
            " status = CASE WHEN EXISTS (SELECT 1 FROM touches WHERE campaign = :campaign AND entry = :entry"
            " AND status IN ('waiting', 'claimed')) THEN 'running' ELSE 'done' END"
        ),
        {
            "campaign": campaign.name,
            "entry": step,
            "definition": campaign.definition,
            "content": content,
            "now": micros(now),
            "kind": JOURNEY,
        },
    )
    forget_waits(connection, campaign.name, step)


@dataclass(frozen=True, eq=False)
class Wanted:
    """Some people for whom a journey's step asks for its message, in step: who, at which entry of theirs, and when.

    `entries`: how many times each has entered the journey; `due`, `useful_until`: microseconds, as far as there is one.
    `variants`: the text that is for each, none: the one for everybody else; `chosen`: when and by what each gets it,
    where that was chosen for them: else when due, by the campaign's channel.
    """

    campaign: Campaign
    step: str
    people: Sequence[str]
    entries: Sequence[int]
    due: NDArray[np.int64]
    useful_until: NDArray[np.int64] | None
    variants: Sequence[str] = ()
    chosen: Chosen | None = None

    @property
    def ways(self) -> Chosen:
        """When and by what each gets the message, and why."""
        many = len(self.people)
        return self.chosen or Chosen(self.due.tolist(), [self.campaign.channel] * many, [""] * many)


def add(connection: Connection, asked: Sequence[Wanted], *, secret: bytes, now: datetime) -> None:
    """These people wait for the messages of a journey's steps, which it asks for at once.

    Nobody waits twice for one entry: adding them again changes nothing. Of several messages to somebody, all of which
    came due while nothing ran, the last that is still of use is sent, and those before it are `OVERTAKEN`.
    """
    last = _last_of_use(asked, micros(now))
    for item in asked:
        same = {"campaign": item.campaign.name, "entry": item.step, "class": item.campaign.message_class}
        rows = []
        none = [None] * len(item.people)
        for person, nth, came, useful, variant, due, channel, why in zip(
            item.people,
            item.entries,
            item.due.tolist(),
            none if item.useful_until is None else item.useful_until.tolist(),
            item.variants or [""] * len(item.people),
            *item.ways.columns,
            strict=True,
        ):
            place = STEP if nth == 1 else f"{STEP}.{nth}"
            overtaken = (useful is None or useful >= micros(now)) and came < last.get(person, came)
            rows.append(
                {
                    **same,
                    "step": place,
                    "person": person,
                    "message_id": message_id(secret, item.campaign.name, item.step, place, person, channel),
                    "variant": variant,
                    "due": due,
                    "channel": channel,
                    "choice": why,
                    "until": useful,
                    "status": "suppressed" if overtaken else "waiting",
                    "reason": OVERTAKEN if overtaken else "",
                    "done": micros(now) if overtaken else None,
                }
            )
        added = 0
        for chunk in in_chunks(rows):
            done = connection.execute(
                text(
                    "INSERT INTO touches (campaign, entry, step, person, channel, message_id, class, address_hash,"
                    " identifier_kind, identifier_value, variant, status, reason, due_at, done_at, useful_until,"
                    " choice) SELECT :campaign, :entry, :step, :person, :channel, :message_id, :class, '', '', '',"
                    " :variant, :status, :reason, :due, :done, :until, :choice WHERE NOT EXISTS (SELECT 1 FROM touches"
                    " WHERE campaign = :campaign AND entry = :entry AND step = :step AND person = :person)"
                ),
                chunk,
            )
            added += done.rowcount
        connection.execute(
            text(
                "UPDATE campaign_entries SET people = people + :added, status = CASE status WHEN 'done'"
                " THEN 'running' ELSE status END, ended_at = NULL WHERE campaign = :campaign AND entry = :entry"
            ),
            {**same, "added": added},
        )


def _last_of_use(asked: Sequence[Wanted], now: int) -> dict[str, int]:
    """When the last message that is still of use came due for each person who is asked for more than once."""
    if len(asked) < 2:
        return {}
    last: dict[str, int] = {}
    for item in asked:
        useful = (
            np.ones(len(item.people), np.bool_) if item.useful_until is None else item.useful_until >= now
        )
        for place in np.flatnonzero(useful).tolist():
            person, due = item.people[place], int(item.due[place])
            last[person] = max(due, last.get(person, due))
    return last


def withdraw(
    connection: Connection, campaign: str, people: Sequence[str], *, reason: str, now: datetime
) -> int:
    """How many messages of a journey that waited for these people will not be sent."""
    done = connection.execute(
        text(
            "UPDATE touches SET status = 'suppressed', reason = :reason, done_at = :now WHERE campaign = :campaign"
            " AND status = 'waiting' AND person IN (SELECT value FROM json_each(:people))"
        ),
        {"campaign": campaign, "reason": reason, "now": micros(now), "people": json.dumps(list(people))},
    )
    return done.rowcount


def withdraw_step(connection: Connection, campaign: str, step: str, *, reason: str, now: datetime) -> int:
    """How many messages of one step of a journey that waited will not be sent."""
    done = connection.execute(
        text(
            "UPDATE touches SET status = 'suppressed', reason = :reason, done_at = :now WHERE campaign = :campaign"
            " AND entry = :step AND status = 'waiting'"
        ),
        {"campaign": campaign, "step": step, "reason": reason, "now": micros(now)},
    )
    return done.rowcount


def halt_step(records: Records, campaign: str, step: str, *, status: str, reason: str, now: datetime) -> None:
    """No message of a journey's step begins from now on, until it is opened again."""
    with records.begin() as connection:
        connection.execute(
            text(
                "UPDATE campaign_entries SET status = :status, reason = :reason, ended_at = :now"
                " WHERE campaign = :campaign AND entry = :entry AND kind = :kind"
            ),
            {
                "status": status, "reason": reason, "now": micros(now), "campaign": campaign, "entry": step,
                "kind": JOURNEY,
            },
        )  # fmt: skip
