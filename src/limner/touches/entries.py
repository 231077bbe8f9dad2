"""The entries of campaigns: begin one, stop it, let it go on, and say where everybody in it is."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping, text

from limner.accounts.keys import instant, micros
from limner.campaigns.arms import HELD_OUT, SUPPRESSED, TREATED, held_out
from limner.campaigns.best_channel import picked
from limner.campaigns.model import Campaign, by_channel
from limner.campaigns.policy import HELD_OUT as GLOBAL_HOLDOUT
from limner.campaigns.policy import (
    Asked,
    SceneRules,
    cap_reached,
    in_global_holdout,
    limits_of,
    of_scene,
    own_limit,
    unwanted_by,
    wished,
)
from limner.campaigns.rules import NO_POLICY, Policy
from limner.consents import preferences
from limner.consents.ledger import standings
from limner.consents.model import NOBODY_ASKED, address_hash, objection
from limner.errors import ConflictError, NotFoundError
from limner.store.records import Records
from limner.touches.model import Counts, Entry, message_id

STEP = "send"
"""The step of a campaign's one message; longer paths name theirs."""

OVERTAKEN = "overtaken by a later message"
LEFT = "left the journey"
GONE = "the step is gone"
"""Why a message that a journey asked for is not sent."""

_CHUNK = 10_000
_FEW = 2_000
"""Of so many people consents and caps are asked for by name; of more, everybody's are read."""
_UTC = ZoneInfo("UTC")
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
    zone: ZoneInfo = _UTC,
) -> Counts:
    """Where everybody of the new entry is: held out, suppressed with a reason, or waiting for the message.

    `people`: the whole audience, one row each: person, address (null: none), identifier_kind, identifier_value,
    perhaps variant, and in_scene where only those may be reached; `due` (microseconds) and `choice` where an hour was
    chosen; of several channels `address.CHANNEL` and `worth.CHANNEL`, and `answers`, of each. Everything is kept in
    one transaction; an entry that is already there is left as it is. `zone`: on whose calendar a quota's day is.
    """
    with records.read() as connection:
        # Before the write, so that others need not wait; each claim asks about consent again.
        rows = _drawn(
            connection,
            campaign,
            people,
            seed=seed,
            secret=secret,
            now=now,
            policy=policy,
            scene=scene,
            zone=zone,
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
        for chunk in _chunks(rows):
            connection.execute(text(_INSERT_ARM), [{**row, **same} for row in chunk])
        for chunk in _chunks([row for row in rows if row["arm"] == TREATED]):
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


def _forget_waits(connection: Connection, campaign: str, entry: str) -> None:
    """No channel of the entry waits by itself any more."""
    connection.execute(
        text("DELETE FROM entry_channels WHERE campaign = :campaign AND entry = :entry"),
        {"campaign": campaign, "entry": entry},
    )


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
    _forget_waits(connection, campaign.name, step)


@dataclass(frozen=True)
class Chosen:
    """For each of some people when their message is due (microseconds), its channel, and why."""

    due: Sequence[int]
    channel: Sequence[str]
    why: Sequence[str]
    person: Sequence[str] = ()

    @property
    def columns(self) -> tuple[Sequence[int], Sequence[str], Sequence[str]]:
        """One after the other."""
        return self.due, self.channel, self.why

    def for_people(self, people: Sequence[str], *, due: datetime, channel: str) -> Chosen:
        """The same for these people in their order; of whom nothing is known, at once by the channel."""
        place = {person: at for at, person in enumerate(self.person)}
        at = [place.get(person, -1) for person in people]
        return Chosen(
            [self.due[one] or micros(due) if one >= 0 else micros(due) for one in at],
            [self.channel[one] if one >= 0 else channel for one in at],
            [self.why[one] if one >= 0 else "" for one in at],
            people,
        )


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
        for chunk in _chunks(rows):
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


def ways(
    connection: Connection,
    *,
    campaign: Campaign,
    people: pa.Table,
    secret: bytes,
    now: datetime,
    policy: Policy,
    zone: ZoneInfo,
) -> Chosen:
    """When and by what each of these few people gets a message, as `launch` would choose it; nothing is kept.

    Who can be reached by no channel has the first one: the claim says why nothing goes.
    """
    if campaign.channels:
        rows = _best_of(connection, campaign, people, secret, now=now, policy=policy, scene=None, zone=zone)
    else:
        rows = _sorted_out(connection, campaign, people, secret, now=now, policy=policy, scene=None)
    return Chosen(
        [row["due"] for row in rows],
        [row["channel"] for row in rows],
        [row["choice"] for row in rows],
        [row["person"] for row in rows],
    )


def drawn(
    records: Records,
    *,
    campaign: Campaign,
    people: pa.Table,
    seed: str,
    secret: bytes,
    now: datetime,
    policy: Policy = NO_POLICY,
    scene: SceneRules | None = None,
    zone: ZoneInfo = _UTC,
) -> list[dict[str, Any]]:
    """Each person once as `launch` would draw them now: person, arm, reason, variant; nothing is kept."""
    with records.read() as connection:
        return _drawn(
            connection,
            campaign,
            people,
            seed=seed,
            secret=secret,
            now=now,
            policy=policy,
            scene=scene,
            zone=zone,
        )


def preview(
    records: Records,
    *,
    campaign: Campaign,
    people: pa.Table,
    seed: str,
    secret: bytes,
    now: datetime,
    policy: Policy = NO_POLICY,
    scene: SceneRules | None = None,
    zone: ZoneInfo = _UTC,
    **_kept: object,
) -> Counts:
    """What `launch` would answer for a new entry; it takes the same, and keeps nothing."""
    with records.read() as connection:
        rows = _drawn(
            connection,
            campaign,
            people,
            seed=seed,
            secret=secret,
            now=now,
            policy=policy,
            scene=scene,
            zone=zone,
        )
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
    scene: SceneRules | None,
    zone: ZoneInfo,
) -> list[dict[str, Any]]:
    """Each person once, with their arm: the eligible are treated or held out, the others suppressed."""
    if campaign.channels:
        rows = _best_of(connection, campaign, people, secret, now=now, policy=policy, scene=scene, zone=zone)
    else:
        rows = _sorted_out(connection, campaign, people, secret, now=now, policy=policy, scene=scene)
    eligible = [row for row in rows if not row["reason"]]
    out = held_out([row["person"] for row in eligible], seed=seed, share=campaign.holdout)
    for row, is_out in zip(eligible, out.tolist(), strict=True):
        row["arm"] = HELD_OUT if is_out else TREATED
    return rows


def _best_of(
    connection: Connection,
    campaign: Campaign,
    people: pa.Table,
    secret: bytes,
    *,
    now: datetime,
    policy: Policy,
    scene: SceneRules | None,
    zone: ZoneInfo,
) -> list[dict[str, Any]]:
    """Each person once, with the best of the channels by which they may be reached; `reason` where there is none."""
    ways = [
        _sorted_out(
            connection,
            by_channel(campaign, channel),
            people.append_column("address", people.column(f"address.{channel}")),
            secret,
            now=now,
            policy=policy,
            scene=scene,
        )
        for channel in campaign.channels
    ]
    may = np.array([[not row["reason"] for row in way] for way in ways], dtype=np.bool_).T
    worths = np.stack([people.column(f"worth.{channel}").to_numpy() for channel in campaign.channels], axis=1)
    costs = [policy.cost(channel, campaign.message_class) for channel in campaign.channels]
    answers = people.column("answers").to_pylist()
    days = _days(people, now, zone)
    choice = np.full(len(may), -1, dtype=np.int8)
    for day in sorted(set(days)):
        mine = np.flatnonzero(np.array([one == day for one in days], dtype=np.bool_))
        left = [room_of_day(connection, policy, channel, day, zone) for channel in campaign.channels]
        choice[mine] = picked(worths[mine], may[mine], costs, left)
    rows = []
    for place, (channel, asked) in enumerate(zip(choice.tolist(), answers, strict=True)):
        row = ways[channel if channel >= 0 else 0][place]
        reasons = {name: way[place]["reason"] for name, way in zip(campaign.channels, ways, strict=True)}
        if channel < 0:
            same = len(set(reasons.values())) == 1
            row["reason"] = row["reason"] if same else "; ".join(f"{k}: {v}" for k, v in reasons.items())
        else:
            said = {name: why for name, why in reasons.items() if why}
            chosen = {
                "by": campaign.channels[channel],
                "answers": json.loads(asked),
                **({"not": said} if said else {}),
            }
            row["choice"] = json.dumps(
                {**json.loads(row["choice"] or "{}"), "channel": chosen}, separators=(",", ":")
            )
        rows.append(row)
    return rows


def _days(people: pa.Table, now: datetime, zone: ZoneInfo) -> list[date]:
    """On which day of the workspace's calendar each person's message is due."""
    if "due" not in people.column_names:
        return [now.astimezone(zone).date()] * people.num_rows
    known: dict[int, date] = {}
    for due in set(people.column("due").to_pylist()):
        known[due] = max(now, instant(due)).astimezone(zone).date()
    return [known[due] for due in people.column("due").to_pylist()]


def room_of_day(
    connection: Connection, policy: Policy, channel: str, day: date, zone: ZoneInfo
) -> int | None:
    """How many messages more may leave by the channel on that day; None: any number."""
    most = policy.quotas.get(channel)
    if most is None:
        return None
    begins = datetime.combine(day, time(), tzinfo=zone)
    taken = connection.execute(
        text(
            "SELECT COUNT(*) FROM touches WHERE channel = :channel AND claimed_at >= :since AND claimed_at < :until"
            f" AND {_TAKEN}"
        ),
        {
            "channel": channel,
            "since": micros(begins),
            "until": micros(datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)),
        },
    ).scalar_one()
    return max(0, most - int(taken))


def _sorted_out(
    connection: Connection,
    campaign: Campaign,
    people: pa.Table,
    secret: bytes,
    *,
    now: datetime,
    policy: Policy,
    scene: SceneRules | None,
) -> list[dict[str, Any]]:
    """Each person once, with `reason` why no message may go to them ('' when it may)."""
    unwanted = _unwanted(connection, campaign, now, policy)
    everybody = people.column("person").to_pylist()
    hashes = [
        address_hash(secret, campaign.channel, address) if address else ""
        for address in people.column("address").to_pylist()
    ]
    few = len(everybody) <= _FEW
    capped = _capped(connection, campaign, now, policy, (everybody, hashes) if few else None)
    apart = in_global_holdout(policy, everybody, campaign.message_class)
    of_its_scene = _of_scene(scene, people, now)
    standing = standings(
        connection,
        campaign.channel,
        sorted({*hashes} - {""}) if few else None,
        message_class=campaign.message_class,
    )
    variants: Sequence[str | None] = (
        people.column("variant").to_pylist() if "variant" in people.column_names else [""] * people.num_rows
    )
    there = set(people.column_names)
    dues = people.column("due").to_pylist() if "due" in there else [0] * people.num_rows
    choices = people.column("choice").to_pylist() if "choice" in there else [""] * people.num_rows
    rows: dict[str, dict[str, Any]] = {}
    taken: set[str] = set()
    for person, out_of_all, against_scene, hashed, kind, value, variant, due, choice in zip(
        everybody,
        apart,
        of_its_scene,
        hashes,
        people.column("identifier_kind").to_pylist(),
        people.column("identifier_value").to_pylist(),
        variants,
        dues,
        choices,
        strict=True,
    ):
        if person in rows:
            continue
        if not hashed:
            reason = "no address"
        elif hashed in taken:
            reason = "same address as another person"
        else:
            reason = objection(standing.get(hashed, NOBODY_ASKED), campaign.message_class)
            not_now, too_many = unwanted.get(person, ("", ""))
            reason = reason or not_now or (GLOBAL_HOLDOUT if out_of_all else "") or against_scene
            reason = reason or too_many or capped.get(person) or capped.get(hashed) or ""
            taken.add(hashed)
        rows[person] = {
            "person": person,
            "address_hash": hashed,
            "identifier_kind": kind,
            "identifier_value": value,
            "variant": variant or "",
            "reason": reason,
            "arm": SUPPRESSED,
            "channel": campaign.channel,
            "due": due,
            "choice": choice,
        }
    return list(rows.values())


def _of_scene(scene: SceneRules | None, people: pa.Table, now: datetime) -> list[str]:
    """Why nothing of the scene may ever go to each of the people, '' where it may."""
    if scene is None:
        return [""] * people.num_rows
    members = (
        people.column("in_scene").to_pylist()
        if "in_scene" in people.column_names
        else [True] * people.num_rows
    )
    said = [of_scene(one, now) for one in scene.of(people.column("person").to_pylist(), members)]
    return ["" if one is None or one.until is not None else one.reason for one in said]


def _capped(
    connection: Connection,
    campaign: Campaign,
    now: datetime,
    policy: Policy,
    some: tuple[Sequence[str], Sequence[str]] | None,
) -> dict[str, str]:
    """Why no more goes to those people and address hashes that are at a cap, the campaign's own or the policy's.

    `some`: only these people and hashes are asked for.
    """
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
        values: dict[str, Any] = {
            "since": micros(now - limit.per),
            "messages": limit.messages,
            "class": limit.message_class,
            "channel": limit.channel,
            "campaign": limit.of,
        }
        for number, column in enumerate(("person", "address_hash")):
            tests = [*among, _TAKEN]
            if some is not None:
                values["some"] = json.dumps([one for one in some[number] if one])
                tests.append(f"{column} IN (SELECT value FROM json_each(:some))")
            rows = connection.execute(
                text(
                    f"SELECT {column} FROM touches WHERE claimed_at > :since"
                    f" AND {' AND '.join(tests)} GROUP BY {column} HAVING COUNT(*) >= :messages"
                ),
                values,
            )
            for one in rows.scalars():
                found.setdefault(one, cap_reached(limit))
    return found


def _unwanted(
    connection: Connection, campaign: Campaign, now: datetime, policy: Policy
) -> dict[str, tuple[str, str]]:
    """Of each person who asked for something: why they want no such message now, and why no more of them; '' none."""
    wishes = preferences.of(connection)
    capped: dict[str, str] = {}
    limits = {who: own_limit(wish, campaign.message_class) for who, wish in wishes.items()}
    for limit in {limit for limit in limits.values() if limit is not None}:
        asking = [who for who, own in limits.items() if own == limit]
        rows = connection.execute(
            text(
                "SELECT person FROM touches WHERE person IN (SELECT value FROM json_each(:people))"
                f" AND claimed_at > :since AND class = :class AND {_TAKEN}"
                " GROUP BY person HAVING COUNT(*) >= :messages"
            ),
            {
                "people": json.dumps(asking),
                "since": micros(now - limit.per),
                "class": limit.message_class,
                "messages": limit.messages,
            },
        )
        capped.update(dict.fromkeys(rows.scalars(), wished(cap_reached(limit))))
    return {
        who: (
            unwanted_by(wish, campaign.name, campaign.message_class, policy, now),
            capped.get(who, ""),
        )
        for who, wish in wishes.items()
    }


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
            if running:
                _forget_waits(connection, campaign, entry)
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
                "SELECT campaign, entry, step, channel, message_id, class, status, reason, claimed_at, choice, due_at,"
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
    )


def _chunks(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    waiting = iter(rows)
    while chunk := list(islice(waiting, _CHUNK)):
        yield chunk
