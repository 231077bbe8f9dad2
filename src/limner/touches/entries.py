"""The entries of campaigns: begin one, stop it, let it go on, and say where everybody in it is."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, RowMapping, text

from limner.accounts.keys import instant, micros
from limner.campaigns.arms import HELD_OUT, SUPPRESSED, TREATED, held_out
from limner.campaigns.model import Campaign
from limner.campaigns.policy import HELD_OUT as GLOBAL_HOLDOUT
from limner.campaigns.policy import Asked, cap_reached, in_global_holdout, limits_of
from limner.campaigns.rules import NO_POLICY, Policy
from limner.consents.ledger import standings
from limner.consents.model import NOBODY_ASKED, address_hash, objection
from limner.errors import ConflictError, NotFoundError
from limner.store.records import Records
from limner.touches.model import Counts, Entry, message_id

STEP = "send"
"""The step of a campaign's one message; longer paths name theirs."""

_CHUNK = 10_000
_INSERT_ARM = (
    "INSERT INTO arms (campaign, entry, person, arm, reason)"
    " VALUES (:campaign, :entry, :person, :arm, :reason) ON CONFLICT DO NOTHING"
)
_INSERT_TOUCH = (
    "INSERT INTO touches (campaign, entry, step, person, channel, message_id, class, address_hash,"
    " identifier_kind, identifier_value, variant, status)"
    " VALUES (:campaign, :entry, :step, :person, :channel, :message_id, :class, :address_hash,"
    " :identifier_kind, :identifier_value, :variant, 'waiting') ON CONFLICT DO NOTHING"
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
) -> Counts:
    """Where everybody of the new entry is: held out, suppressed with a reason, or waiting for the message.

    `people`: the whole audience, one row each: person, address (null: none), identifier_kind,
    identifier_value and perhaps variant. Everything is kept in one transaction; an entry that is already
    there is left as it is.
    """
    with records.read() as connection:
        # Before the write, so that others need not wait; each claim asks about consent again.
        rows = _drawn(connection, campaign, people, seed=seed, secret=secret, now=now, policy=policy)
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
            "channel": campaign.channel,
            "class": campaign.message_class,
        }
        for chunk in _chunks(rows):
            connection.execute(text(_INSERT_ARM), [{**row, **same} for row in chunk])
        for chunk in _chunks([row for row in rows if row["arm"] == TREATED]):
            touches = [
                {
                    **row,
                    **same,
                    "message_id": message_id(
                        secret, campaign.name, entry, STEP, row["person"], campaign.channel
                    ),
                }
                for row in chunk
            ]
            connection.execute(text(_INSERT_TOUCH), touches)
        return counts_in(connection, campaign.name, entry)


CAMPAIGN, JOURNEY = "campaign", "journey"
"""Whose entry it is: one send of a campaign, or a step of a journey, to which people come one by one."""


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


def add(
    connection: Connection,
    campaign: Campaign,
    step: str,
    people: Sequence[str],
    times: Sequence[int],
    *,
    secret: bytes,
    useful_until: datetime | None,
    now: datetime,
) -> None:
    """These people wait for the message of a journey's step. `times`: how many times each has entered the journey.

    Nobody waits twice for one time: adding them again changes nothing.
    """
    same = {
        "campaign": campaign.name,
        "entry": step,
        "channel": campaign.channel,
        "class": campaign.message_class,
        "until": None if useful_until is None else micros(useful_until),
        "now": micros(now),
    }
    rows = []
    for person, time in zip(people, times, strict=True):
        place = STEP if time == 1 else f"{STEP}.{time}"
        found = message_id(secret, campaign.name, step, place, person, campaign.channel)
        rows.append({**same, "step": place, "person": person, "message_id": found})
    added = 0
    for chunk in _chunks(rows):
        done = connection.execute(
            text(
                "INSERT INTO touches (campaign, entry, step, person, channel, message_id, class, address_hash,"
                " identifier_kind, identifier_value, variant, status, due_at, useful_until) VALUES (:campaign,"
                " :entry, :step, :person, :channel, :message_id, :class, '', '', '', '', 'waiting', :now, :until)"
                " ON CONFLICT DO NOTHING"
            ),
            chunk,
        )
        added += done.rowcount
    connection.execute(
        text(
            "UPDATE campaign_entries SET people = people + :added, status = CASE status WHEN 'done' THEN 'running'"
            " ELSE status END, ended_at = NULL WHERE campaign = :campaign AND entry = :entry"
        ),
        {**same, "added": added},
    )


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


def drawn(
    records: Records,
    *,
    campaign: Campaign,
    people: pa.Table,
    seed: str,
    secret: bytes,
    now: datetime,
    policy: Policy = NO_POLICY,
) -> list[dict[str, Any]]:
    """Each person once as `launch` would draw them now: person, arm, reason, variant; nothing is kept."""
    with records.read() as connection:
        return _drawn(connection, campaign, people, seed=seed, secret=secret, now=now, policy=policy)


def preview(
    records: Records,
    *,
    campaign: Campaign,
    people: pa.Table,
    seed: str,
    secret: bytes,
    now: datetime,
    policy: Policy = NO_POLICY,
    **_kept: object,
) -> Counts:
    """What `launch` would answer for a new entry; it takes the same, and keeps nothing."""
    with records.read() as connection:
        rows = _drawn(connection, campaign, people, seed=seed, secret=secret, now=now, policy=policy)
    arms = Counter(row["arm"] for row in rows)
    reasons = Counter(row["reason"] for row in rows if row["reason"])
    return Counts(
        audience=len(rows),
        held_out=arms[HELD_OUT],
        suppressed=dict(sorted(reasons.items())),
        waiting=arms[TREATED],
        sending=0,
        sent=0,
        failed=0,
        in_doubt=0,
    )


def _drawn(
    connection: Connection,
    campaign: Campaign,
    people: pa.Table,
    *,
    seed: str,
    secret: bytes,
    now: datetime,
    policy: Policy,
) -> list[dict[str, Any]]:
    """Each person once, with their arm: the eligible are treated or held out, the others suppressed."""
    rows = _sorted_out(connection, campaign, people, secret, now=now, policy=policy)
    eligible = [row for row in rows if not row["reason"]]
    out = held_out([row["person"] for row in eligible], seed=seed, share=campaign.holdout)
    for row, is_out in zip(eligible, out.tolist(), strict=True):
        row["arm"] = HELD_OUT if is_out else TREATED
    return rows


def _sorted_out(
    connection: Connection,
    campaign: Campaign,
    people: pa.Table,
    secret: bytes,
    *,
    now: datetime,
    policy: Policy,
) -> list[dict[str, Any]]:
    """Each person once, with `reason` why no message may go to them ('' when it may)."""
    capped = _capped(connection, campaign, now, policy)
    everybody = people.column("person").to_pylist()
    apart = in_global_holdout(policy, everybody, campaign.message_class)
    standing = standings(connection, campaign.channel, message_class=campaign.message_class)
    variants: Sequence[str | None] = (
        people.column("variant").to_pylist() if "variant" in people.column_names else [""] * people.num_rows
    )
    rows: dict[str, dict[str, Any]] = {}
    taken: set[str] = set()
    for person, out_of_all, address, kind, value, variant in zip(
        everybody,
        apart,
        people.column("address").to_pylist(),
        people.column("identifier_kind").to_pylist(),
        people.column("identifier_value").to_pylist(),
        variants,
        strict=True,
    ):
        if person in rows:
            continue
        hashed = address_hash(secret, campaign.channel, address) if address else ""
        if not address:
            reason = "no address"
        elif hashed in taken:
            reason = "same address as another person"
        else:
            reason = objection(standing.get(hashed, NOBODY_ASKED), campaign.message_class)
            reason = reason or (GLOBAL_HOLDOUT if out_of_all else "")
            reason = reason or capped.get(person) or capped.get(hashed) or ""
            taken.add(hashed)
        rows[person] = {
            "person": person,
            "address_hash": hashed,
            "identifier_kind": kind,
            "identifier_value": value,
            "variant": variant or "",
            "reason": reason,
            "arm": SUPPRESSED,
        }
    return list(rows.values())


def _capped(connection: Connection, campaign: Campaign, now: datetime, policy: Policy) -> dict[str, str]:
    """Why no more goes to those people and address hashes that are at a cap, the campaign's own or the policy's."""
    found: dict[str, str] = {}
    for limit in limits_of(
        Asked(campaign.name, campaign.message_class, campaign.channel, campaign.cap), policy
    ):
        among = [
            f"{column} = :{column}"
            for column, value in (
                ("class", limit.message_class),
                ("channel", limit.channel),
                ("campaign", limit.of),
            )
            if value
        ]
        values = {
            "since": micros(now - limit.per),
            "messages": limit.messages,
            "class": limit.message_class,
            "channel": limit.channel,
            "campaign": limit.of,
        }
        for column in ("person", "address_hash"):
            rows = connection.execute(
                text(
                    f"SELECT {column} FROM touches WHERE claimed_at > :since"
                    f" AND {' AND '.join([*among, _TAKEN])} GROUP BY {column} HAVING COUNT(*) >= :messages"
                ),
                values,
            )
            for one in rows.scalars():
                found.setdefault(one, cap_reached(limit))
    return found


_TAKEN = "status IN ('claimed', 'sent', 'in_doubt')"


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
        found = _entry(connection, campaign, entry)
    assert found is not None  # noqa: S101 - it was read in the same transaction
    return found


def recover(records: Records, *, now: datetime) -> int:
    """How many messages a process that ended left in doubt: it had claimed them and never said what became.

    Called once when the workspace opens. They are never sent again by themselves.
    """
    with records.begin() as connection:
        done = connection.execute(
            text(
                "UPDATE touches SET status = 'in_doubt', done_at = :now,"
                " reason = 'the process ended while it was sending' WHERE status = 'claimed'"
            ),
            {"now": micros(now)},
        )
    return done.rowcount


def next_due(records: Records, campaign: str, entry: str, *, now: datetime) -> datetime | None:
    """Since when there is something to do for a running entry; None when there is nothing at `now`."""
    with records.read() as connection:
        found = connection.execute(
            text(
                "SELECT started_at, not_before, (SELECT MIN(due_at) FROM touches WHERE status = 'waiting'"
                " AND campaign = :campaign AND entry = :entry) AS due_at FROM campaign_entries"
                " WHERE campaign = :campaign AND entry = :entry AND status = 'running'"
            ),
            {"campaign": campaign, "entry": entry},
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
                "SELECT campaign, entry, step, channel, message_id, class, status, reason, claimed_at,"
                " done_at, opened_at, clicked_at, unsubscribed_at FROM touches WHERE person = :person"
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
                "UPDATE touches SET person = :nobody, identifier_kind = '', identifier_value = '',"
                " address_hash = '' WHERE person = :person"
            ),
            {"nobody": nobody, "person": person},
        )
        arms = connection.execute(
            text("UPDATE arms SET person = :nobody WHERE person = :person"),
            {"nobody": nobody, "person": person},
        )
    return touches.rowcount + arms.rowcount


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
    )


def _chunks(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    waiting = iter(rows)
    while chunk := list(islice(waiting, _CHUNK)):
        yield chunk
