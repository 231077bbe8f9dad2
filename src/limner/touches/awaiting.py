"""Messages that were handed over and wait for a member of staff: which they are, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from limner.accounts.keys import micros
from limner.store.records import Records

_AWAITS = "status = 'claimed' AND provider_id <> ''"


@dataclass(frozen=True)
class Awaited:
    """One task of the platform: of which entry, and whether that was stopped."""

    task: str
    campaign: str
    entry: str
    stopped: bool


def awaited(records: Records, channel: str) -> list[Awaited]:
    """The tasks that wait; of a group's message the chat is left out of the task's id."""
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT DISTINCT CASE WHEN INSTR(t.provider_id, '/') > 0"
                " THEN SUBSTR(t.provider_id, 1, INSTR(t.provider_id, '/') - 1) ELSE t.provider_id END AS task,"
                " t.campaign, t.entry, e.status = 'stopped' FROM touches AS t JOIN campaign_entries AS e"
                " ON e.campaign = t.campaign AND e.entry = t.entry"
                f" WHERE t.channel = :channel AND t.{_AWAITS} ORDER BY 1"
            ),
            {"channel": channel},
        )
        return [Awaited(task, campaign, entry, bool(stopped)) for task, campaign, entry, stopped in rows]


_OF_TASK = "(provider_id = :task OR provider_id > :task || '/' AND provider_id < :task || '0')"
"""A task's messages: those of groups have the chat behind a stroke."""


def settle(
    records: Records,
    task: str,
    *,
    people: Mapping[str, tuple[bool, str]],
    chats: Mapping[str, tuple[bool, str]],
    now: datetime,
) -> int:
    """How many messages of a task ended: whether sent, and why not, by address hash, and by chat of a group's."""
    settled = 0
    with records.begin() as connection:
        for became, found in (
            (people, "provider_id = :task AND address_hash = j.value ->> 0"),
            (chats, "provider_id = :task || '/' || (j.value ->> 0)"),
        ):
            rows = [[where, int(sent), "" if sent else why] for where, (sent, why) in became.items()]
            done = connection.execute(
                text(
                    "UPDATE touches SET status = CASE j.value ->> 1 WHEN 1 THEN 'sent' ELSE 'failed' END,"
                    " reason = j.value ->> 2, done_at = :now, tries = tries + 1,"
                    " cost = CASE j.value ->> 1 WHEN 1 THEN cost ELSE 0 END"
                    f" FROM json_each(:rows) AS j WHERE {_AWAITS} AND {found}"
                ),
                {"rows": json.dumps(rows), "now": micros(now), "task": task},
            )
            settled += done.rowcount
    return settled


def give_up(records: Records, channel: str, *, before: datetime, reason: str, now: datetime) -> int:
    """How many messages nobody confirmed since then: they failed."""
    with records.begin() as connection:
        done = connection.execute(
            text(
                "UPDATE touches SET status = 'failed', reason = :reason, done_at = :now, cost = 0"
                f" WHERE channel = :channel AND {_AWAITS} AND claimed_at <= :before"
            ),
            {"channel": channel, "before": micros(before), "reason": reason, "now": micros(now)},
        )
    return done.rowcount


def take_back(records: Records, task: str) -> int:
    """How many messages of a task were taken back at the platform: they wait again, as if not handed over."""
    with records.begin() as connection:
        done = connection.execute(
            text(
                "UPDATE touches SET status = 'waiting', claimed_at = NULL, provider_id = '', reason = '', cost = 0"
                f" WHERE {_AWAITS} AND {_OF_TASK}"
            ),
            {"task": task},
        )
    return done.rowcount


def waits(records: Records, task: str) -> bool:
    """Whether a message of the task waits still."""
    with records.read() as connection:
        found = connection.execute(
            text(f"SELECT 1 FROM touches WHERE {_AWAITS} AND {_OF_TASK} LIMIT 1"),
            {"task": task},
        ).scalar()
    return found is not None


def finish(records: Records, entries: Sequence[tuple[str, str]], *, now: datetime) -> None:
    """The running entries of which nobody waits any more are done."""
    with records.begin() as connection:
        for campaign, entry in entries:
            connection.execute(
                text(
                    "UPDATE campaign_entries SET status = 'done', reason = '', ended_at = :now"
                    " WHERE campaign = :campaign AND entry = :entry AND status = 'running' AND kind = 'campaign'"
                    " AND NOT EXISTS (SELECT 1 FROM touches WHERE campaign = :campaign AND entry = :entry"
                    " AND status IN ('waiting', 'claimed'))"
                ),
                {"campaign": campaign, "entry": entry, "now": micros(now)},
            )


def awaiting(records: Records, campaign: str, entry: str) -> int:
    """How many messages of an entry wait for a member of staff."""
    with records.read() as connection:
        return int(
            connection.execute(
                text(
                    f"SELECT COUNT(*) FROM touches WHERE campaign = :campaign AND entry = :entry AND {_AWAITS}"
                ),
                {"campaign": campaign, "entry": entry},
            ).scalar_one()
        )
