"""The entries of campaigns: begin one, stop it, let it go on, and say where everybody in it is."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from sqlalchemy import Connection, RowMapping, text

from limner.accounts.keys import instant, micros
from limner.campaigns.arms import HELD_OUT, SUPPRESSED, TREATED
from limner.campaigns.model import Campaign
from limner.campaigns.policy import SceneRules
from limner.campaigns.rules import NO_POLICY, Policy
from limner.errors import ConflictError, NotFoundError
from limner.store.records import Records
from limner.touches.drawing import UTC, drawn
from limner.touches.model import CAMPAIGN, STEP, Counts, Entry, message_id

_CHUNK = 10_000
_INSERT_ARM = (
    "INSERT INTO arms (campaign, entry, person, arm, reason, variant)"
    " VALUES (:campaign, :entry, :person, :arm, :reason, :variant) ON CONFLICT DO NOTHING"
)
_INSERT_TOUCH = (
    "INSERT INTO touches (campaign, entry, step, person, channel, message_id, class, address_hash,"
    " identifier_kind, identifier_value, variant, status, due_at, choice)"
    " VALUES (:campaign, :entry, :step, :person, :channel, :message_id, :class, :address_hash,"
    " :identifier_kind, :identifier_value, :variant, 'waiting', :due, :choice) ON CONFLICT DO NOTHING"
)


def launch(
    records: Records,
    *,
    campaign: Campaign,
    entry: str,
    people: pa.Table,
    seed: str,
    secret: bytes,
    definition: str,
    content: str,
    audience_text: str,
    as_of: datetime,
    now: datetime,
    policy: Policy = NO_POLICY,
    scene: SceneRules | None = None,
    zone: ZoneInfo = UTC,
    profiled: bool = False,
) -> Counts:
    """Where everybody of the new entry is: held out, suppressed with a reason, or waiting for the message.

    `people`: the whole audience, one row each: person, address (null: none), identifier_kind, identifier_value,
    perhaps variant, and in_scene where only those may be reached; `due` (microseconds) and `choice` where an hour was
    chosen; of several channels `address.CHANNEL` and `worth.CHANNEL`, and `answers`, of each. Everything is kept in
    one transaction; an entry that is already there is left as it is. `zone`: on whose calendar a quota's day is;
    `profiled`: the audience was chosen by what is computed of people.
    """
    # Before the write, so that others need not wait; each claim asks about consent again.
    rows = drawn(
        records,
        campaign=campaign,
        people=people,
        seed=seed,
        secret=secret,
        now=now,
        policy=policy,
        scene=scene,
        zone=zone,
        profiled=profiled,
    )
    with records.begin() as connection:
        if _entry(connection, campaign.name, entry) is not None:
            return counts_in(connection, campaign.name, entry)
        connection.execute(
            text(
                "INSERT INTO campaign_entries (campaign, entry, status, started_at, as_of, seed,"
                " audience_text, definition, content, people, holdout_share) VALUES (:campaign, :entry,"
                " 'running', :now, :as_of, :seed, :audience_text, :definition, :content, :people, :share)"
            ),
            {
                "campaign": campaign.name,
                "entry": entry,
                "now": micros(now),
                "as_of": micros(as_of),
                "seed": seed,
                "audience_text": audience_text,
                "definition": definition,
                "content": content,
                "people": len(rows),
                "share": campaign.holdout,
            },
        )
        same = {
            "campaign": campaign.name,
            "entry": entry,
            "step": STEP,
            "class": campaign.message_class,
        }
        for chunk in in_chunks(rows):
            connection.execute(text(_INSERT_ARM), [{**row, **same} for row in chunk])
        for chunk in in_chunks([row for row in rows if row["arm"] == TREATED]):
            touches = [
                {
                    **row,
                    **same,
                    "message_id": message_id(
                        secret, campaign.name, entry, STEP, row["person"], row["channel"]
                    ),
                }
                for row in chunk
            ]
            connection.execute(text(_INSERT_TOUCH), touches)
        return counts_in(connection, campaign.name, entry)


def counts(records: Records, campaign: str, entry: str) -> Counts:
    """Where everybody of the entry is. Raises NotFoundError."""
    with records.read() as connection:
        # One transaction, so that the parts belong to the same instant.
        connection.exec_driver_sql("BEGIN")
        found = counts_in(connection, campaign, entry)
        connection.exec_driver_sql("COMMIT")
    return found


def counts_in(connection: Connection, campaign: str, entry: str) -> Counts:
    """Where everybody of the entry is, within a transaction. Raises NotFoundError."""
    key = {"campaign": campaign, "entry": entry}
    audience = connection.execute(
        text("SELECT people FROM campaign_entries WHERE campaign = :campaign AND entry = :entry"), key
    ).scalar()
    if audience is None:
        raise NotFoundError(f"campaign '{campaign}' has no entry '{entry}'")
    suppressed: Counter[str] = Counter()
    arms: Counter[str] = Counter()
    for arm, reason, people in connection.execute(
        text(
            "SELECT arm, reason, COUNT(*) FROM arms WHERE campaign = :campaign AND entry = :entry"
            " GROUP BY arm, reason"
        ),
        key,
    ):
        arms[arm] += people
        if arm == SUPPRESSED:
            suppressed[reason] += people
    statuses: Counter[str] = Counter()
    for status, reason, people in connection.execute(
        text(
            "SELECT status, CASE WHEN status = 'suppressed' THEN reason ELSE '' END, COUNT(*) FROM touches"
            " WHERE campaign = :campaign AND entry = :entry GROUP BY 1, 2"
        ),
        key,
    ):
        statuses[status] += people
        if status == "suppressed":
            suppressed[reason] += people
    return Counts(
        audience=int(audience),
        held_out=arms[HELD_OUT],
        suppressed=dict(sorted(suppressed.items())),
        waiting=statuses["waiting"] + statuses["claimed"],
        sending=statuses["claimed"],
        sent=statuses["sent"],
        failed=statuses["failed"],
        in_doubt=statuses["in_doubt"],
    )


def entries(
    records: Records,
    *,
    campaign: str | None = None,
    status: str | None = None,
    kind: str | None = CAMPAIGN,
) -> list[Entry]:
    """The entries, the latest first; of one campaign, in one status, or of one kind where that is given."""
    where = [
        clause
        for clause, given in (
            ("campaign = :campaign", campaign),
            ("status = :status", status),
            ("kind = :kind", kind),
        )
        if given is not None
    ]
    with records.read() as connection:
        found = (
            connection.execute(
                text(
                    "SELECT * FROM campaign_entries"
                    + (f" WHERE {' AND '.join(where)}" if where else "")
                    + " ORDER BY started_at DESC, campaign, entry"
                ),
                {"campaign": campaign, "status": status, "kind": kind},
            )
            .mappings()
            .all()
        )
    return [_read(row) for row in found]


def entry_of(records: Records, campaign: str, entry: str) -> Entry:
    """One entry. Raises NotFoundError."""
    with records.read() as connection:
        found = _entry(connection, campaign, entry)
    if found is None:
        raise NotFoundError(f"campaign '{campaign}' has no entry '{entry}'")
    return found


def stop(records: Records, campaign: str, entry: str, *, reason: str, now: datetime) -> Entry:
    """The entry, stopped: no message begins after this answer but the one that may be on its way now."""
    return _set_status(records, campaign, entry, "stopped", reason, now, ("running", "paused"))


def pause(records: Records, campaign: str, entry: str, *, reason: str, now: datetime) -> Entry:
    """The entry, paused until a person lets it go on."""
    return _set_status(records, campaign, entry, "paused", reason, now, ("running",))


def resume(records: Records, campaign: str, entry: str, *, now: datetime) -> Entry:
    """The entry, going on with whoever waits; what went wrong before is judged no more."""
    return _set_status(records, campaign, entry, "running", "", now, ("stopped", "paused"))


def _set_status(
    records: Records, campaign: str, entry: str, status: str, reason: str, now: datetime, among: Sequence[str]
) -> Entry:
    running = status == "running"
    with records.begin() as connection:
        present = _entry(connection, campaign, entry)
        if present is None:
            raise NotFoundError(f"campaign '{campaign}' has no entry '{entry}'")
        if present.status != status:
            if present.status not in among:
                raise ConflictError(f"the entry is {present.status} and cannot become {status}")
            connection.execute(
                text(
                    "UPDATE campaign_entries SET status = :status, reason = :reason, ended_at = :ended"
                    + (", errors = 0, not_before = 0, judged_from = :now" if running else "")
                    + " WHERE campaign = :campaign AND entry = :entry"
                ),
                {
                    "status": status,
                    "reason": reason,
                    "ended": None if running else micros(now),
                    "now": micros(now),
                    "campaign": campaign,
                    "entry": entry,
                },
            )
            if running:
                forget_waits(connection, campaign, entry)
        found = _entry(connection, campaign, entry)
    assert found is not None  # noqa: S101 - it was read in the same transaction
    return found


def recover(records: Records, *, now: datetime) -> int:
    """How many messages a process that ended left in doubt: it had claimed them and never said what became.

    Called once when the workspace opens. They are never sent again by themselves. What has the channel's id was handed
    over and waits for a member of staff.
    """
    with records.begin() as connection:
        done = connection.execute(
            text(
                "UPDATE touches SET status = 'in_doubt', done_at = :now,"
                " reason = 'the process ended while it was sending' WHERE status = 'claimed' AND provider_id = ''"
            ),
            {"now": micros(now)},
        )
    return done.rowcount


def next_due(
    records: Records, campaign: str, entry: str, *, now: datetime, channel: str = ""
) -> datetime | None:
    """Since when there is something to do for a running entry, by one channel or any; None: nothing at `now`."""
    with records.read() as connection:
        found = connection.execute(
            text(
                "SELECT e.started_at, MAX(e.not_before, COALESCE(c.not_before, 0)) AS not_before,"
                " (SELECT MIN(due_at) FROM touches WHERE status = 'waiting' AND campaign = :campaign"
                f" AND entry = :entry{' AND channel = :channel' if channel else ''}) AS due_at"
                " FROM campaign_entries AS e"
                " LEFT JOIN entry_channels AS c ON c.campaign = e.campaign AND c.entry = e.entry"
                " AND c.channel = :channel WHERE e.campaign = :campaign AND e.entry = :entry AND e.status = 'running'"
            ),
            {"campaign": campaign, "entry": entry, "channel": channel},
        ).first()
    if found is None:
        return None
    # Nobody waits any more: the entry only has to be called done.
    since = max(found.started_at, found.not_before, found.due_at or 0)
    return instant(since) if since <= micros(now) else None


WHO = {
    "held_out": "a.arm = 'held_out'",
    "suppressed": "(a.arm = 'suppressed' OR t.status = 'suppressed')",
    "waiting": "t.status IN ('waiting', 'claimed')",
    "sent": "t.status = 'sent'",
    "failed": "t.status = 'failed'",
    "in_doubt": "t.status = 'in_doubt'",
    "opened": "t.opened_at IS NOT NULL",
    "clicked": "t.clicked_at IS NOT NULL",
    "unsubscribed": "t.unsubscribed_at IS NOT NULL",
}
"""What people of an entry can be asked for, as conditions over their arm `a` and their message `t`."""


def people_of(
    records: Records,
    campaign: str,
    entry: str,
    *,
    who: str = "",
    reason: str = "",
    after: str = "",
    limit: int,
) -> list[Mapping[str, Any]]:
    """The people of an entry in order of person id: person, arm, status, reason, variant, message_id, instants.

    `who`: one of `WHO`, '' everybody; `reason`: why they were suppressed or failed; `after`: the last person id
    of the page before.
    """
    conditions = ["a.campaign = :campaign", "a.entry = :entry", "a.person > :after"]
    if who:
        conditions.append(WHO[who])
    if reason:
        conditions.append("COALESCE(NULLIF(a.reason, ''), t.reason) = :reason")
    with records.read() as connection:
        found = connection.execute(
            text(
                "SELECT a.person, a.arm, COALESCE(t.status, a.arm) AS status,"
                " COALESCE(NULLIF(a.reason, ''), t.reason, '') AS reason, t.variant, t.message_id, t.done_at,"
                " t.due_at, t.opened_at, t.clicked_at, t.unsubscribed_at FROM arms AS a LEFT JOIN touches AS t"
                " ON t.campaign = a.campaign AND t.entry = a.entry AND t.step = :step AND t.person = a.person"
                f" WHERE {' AND '.join(conditions)} ORDER BY a.person LIMIT :limit"
            ),
            {
                "campaign": campaign,
                "entry": entry,
                "step": STEP,
                "after": after,
                "reason": reason,
                "limit": limit,
            },
        ).mappings()
        return [
            {
                key: (instant(value) if value else None) if key.endswith("_at") else value
                for key, value in row.items()
            }
            for row in found
        ]


def lately(records: Records, *, since: datetime) -> dict[str, Counter[str]]:
    """By channel, how many messages ended in each status since then."""
    with records.read() as connection:
        found: dict[str, Counter[str]] = {}
        for channel, status, messages in connection.execute(
            text(
                "SELECT channel, status, COUNT(*) FROM touches WHERE done_at >= :since GROUP BY channel, status"
            ),
            {"since": micros(since)},
        ):
            found.setdefault(channel, Counter())[status] += messages
    return found


def in_doubt(records: Records, campaign: str, entry: str) -> list[Mapping[str, Any]]:
    """The messages of which nobody knows whether they arrived: message_id, person, reason, done_at."""
    with records.read() as connection:
        found = connection.execute(
            text(
                "SELECT message_id, person, reason, done_at FROM touches WHERE campaign = :campaign"
                " AND entry = :entry AND status = 'in_doubt' ORDER BY message_id"
            ),
            {"campaign": campaign, "entry": entry},
        ).mappings()
        return [{**row, "done_at": instant(row["done_at"])} for row in found]


def send_again(records: Records, campaign: str, entry: str, message_id: str) -> bool:
    """Whether a message in doubt waits again because a person said so; it keeps its Message-ID."""
    with records.begin() as connection:
        done = connection.execute(
            text(
                "UPDATE touches SET status = 'waiting', reason = '', claimed_at = NULL, done_at = NULL,"
                " tries = 0, cost = 0 WHERE message_id = :id AND campaign = :campaign AND entry = :entry"
                " AND status = 'in_doubt'"
            ),
            {"id": message_id, "campaign": campaign, "entry": entry},
        )
        if done.rowcount:
            connection.execute(
                text(
                    "UPDATE campaign_entries SET status = 'running', ended_at = NULL"
                    " WHERE campaign = :campaign AND entry = :entry AND status = 'done'"
                ),
                {"campaign": campaign, "entry": entry},
            )
    return bool(done.rowcount)


def of_person(records: Records, person: str) -> list[Mapping[str, Any]]:
    """The messages to one person, the latest first."""
    with records.read() as connection:
        found = connection.execute(
            text(
                "SELECT campaign, entry, step, channel, message_id, class, status, reason, claimed_at, choice, picks,"
                " due_at, done_at, opened_at, clicked_at, unsubscribed_at FROM touches WHERE person = :person"
                " ORDER BY COALESCE(done_at, claimed_at, due_at) DESC, message_id"
            ),
            {"person": person},
        ).mappings()
        return [
            {
                key: instant(value) if key.endswith("_at") and value is not None else value
                for key, value in row.items()
            }
            for row in found
        ]


def erase(records: Records, person: str) -> int:
    """How many rows named the person; now they name nobody, and what waited is not sent.

    The rows stay, so that the counts of each entry still add up.
    """
    nobody = f"erased-{secrets.token_hex(8)}"
    with records.begin() as connection:
        connection.execute(
            text(
                "UPDATE touches SET status = 'suppressed', reason = 'erased'"
                " WHERE person = :person AND status = 'waiting'"
            ),
            {"person": person},
        )
        touches = connection.execute(
            text(
                "UPDATE touches SET person = :nobody, identifier_kind = '', identifier_value = '', picks = '',"
                " address_hash = '', choice = '' WHERE person = :person"
            ),
            {"nobody": nobody, "person": person},
        )
        arms = connection.execute(
            text("UPDATE arms SET person = :nobody WHERE person = :person"),
            {"nobody": nobody, "person": person},
        )
        measured = connection.execute(
            text("UPDATE scene_people SET person = :nobody WHERE person = :person"),
            {"nobody": nobody, "person": person},
        )
    return touches.rowcount + arms.rowcount + measured.rowcount


def _entry(connection: Connection, campaign: str, entry: str) -> Entry | None:
    found = (
        connection.execute(
            text("SELECT * FROM campaign_entries WHERE campaign = :campaign AND entry = :entry"),
            {"campaign": campaign, "entry": entry},
        )
        .mappings()
        .first()
    )
    return _read(found) if found else None


def _read(row: RowMapping) -> Entry:
    return Entry(
        campaign=row["campaign"],
        entry=row["entry"],
        status=row["status"],
        reason=row["reason"],
        started_at=instant(row["started_at"]),
        ended_at=None if row["ended_at"] is None else instant(row["ended_at"]),
        as_of=instant(row["as_of"]),
        seed=row["seed"],
        audience_text=row["audience_text"],
        definition=row["definition"],
        content=row["content"],
        people=row["people"],
        holdout_share=row["holdout_share"],
        not_before=instant(row["not_before"]) if row["not_before"] else None,
        kind=row["kind"],
    )


def in_chunks(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The rows in lists that one statement takes."""
    waiting = iter(rows)
    while chunk := list(islice(waiting, _CHUNK)):
        yield chunk


def forget_waits(connection: Connection, campaign: str, entry: str) -> None:
    """No channel of the entry waits by itself any more."""
    connection.execute(
        text("DELETE FROM entry_channels WHERE campaign = :campaign AND entry = :entry"),
        {"campaign": campaign, "entry": entry},
    )
