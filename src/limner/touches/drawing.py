"""Drawing: who of an audience gets a message, who is held out, and why the others get none. Nothing is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, text

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
from limner.store.records import Records
from limner.touches.model import TAKEN, Counts

UTC = ZoneInfo("UTC")
"""The calendar of a quota's day where no other is said."""

_FEW = 2_000
"""Of so many people consents and caps are asked for by name; of more, everybody's are read."""


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


def ways(
    connection: Connection,
    *,
    campaign: Campaign,
    people: pa.Table,
    secret: bytes,
    now: datetime,
    policy: Policy,
    zone: ZoneInfo,
    profiled: bool = False,
) -> Chosen:
    """When and by what each of these few people gets a message, as `launch` would choose it; nothing is kept.

    Who can be reached by no channel has the first one: the claim says why nothing goes.
    """
    rows = _sorted_out(
        connection, campaign, people, secret, now=now, policy=policy, scene=None, zone=zone, profiled=profiled
    )
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
    zone: ZoneInfo = UTC,
    profiled: bool = False,
) -> list[dict[str, Any]]:
    """Each person once, with their arm: the eligible are treated or held out, the others suppressed; nothing is kept.

    One row each: person, arm, reason, variant, channel, due (microseconds), choice, and the address by its hash.
    `people`: as `entries.launch` takes them; `zone`: on whose calendar a quota's day is; `profiled`: the audience was
    chosen by what is computed of people.
    """
    with records.read() as connection:
        rows = _sorted_out(
            connection,
            campaign,
            people,
            secret,
            now=now,
            policy=policy,
            scene=scene,
            zone=zone,
            profiled=profiled,
        )
    eligible = [row for row in rows if not row["reason"]]
    out = held_out([row["person"] for row in eligible], seed=seed, share=campaign.holdout)
    for row, is_out in zip(eligible, out.tolist(), strict=True):
        row["arm"] = HELD_OUT if is_out else TREATED
    return rows


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
    zone: ZoneInfo = UTC,
    profiled: bool = False,
    **_kept: object,
) -> Counts:
    """What `entries.launch` would answer for a new entry; it takes the same, and keeps nothing."""
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


def _sorted_out(
    connection: Connection,
    campaign: Campaign,
    people: pa.Table,
    secret: bytes,
    *,
    now: datetime,
    policy: Policy,
    scene: SceneRules | None,
    zone: ZoneInfo,
    profiled: bool,
) -> list[dict[str, Any]]:
    """Each person once: by the campaign's channel, or by the best of its channels."""
    if campaign.channels:
        return _best_of(
            connection,
            campaign,
            people,
            secret,
            now=now,
            policy=policy,
            scene=scene,
            zone=zone,
            profiled=profiled,
        )
    return _by_one(
        connection, campaign, people, secret, now=now, policy=policy, scene=scene, profiled=profiled
    )


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
    profiled: bool,
) -> list[dict[str, Any]]:
    """Each person once, with the best of the channels by which they may be reached; `reason` where there is none."""
    ways = [
        _by_one(
            connection,
            by_channel(campaign, channel),
            people.append_column("address", people.column(f"address.{channel}")),
            secret,
            now=now,
            policy=policy,
            scene=scene,
            profiled=profiled,
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
            f" AND {TAKEN}"
        ),
        {
            "channel": channel,
            "since": micros(begins),
            "until": micros(datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)),
        },
    ).scalar_one()
    return max(0, most - int(taken))


def _by_one(
    connection: Connection,
    campaign: Campaign,
    people: pa.Table,
    secret: bytes,
    *,
    now: datetime,
    policy: Policy,
    scene: SceneRules | None,
    profiled: bool,
) -> list[dict[str, Any]]:
    """Each person once, with `reason` why no message may go to them ('' when it may)."""
    unwanted = _unwanted(connection, campaign, now, policy, profiled=profiled)
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
            tests = [*among, TAKEN]
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
    connection: Connection, campaign: Campaign, now: datetime, policy: Policy, *, profiled: bool
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
                f" AND claimed_at > :since AND class = :class AND {TAKEN}"
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
            unwanted_by(wish, campaign.name, campaign.message_class, policy, now, profiled=profiled),
            capped.get(who, ""),
        )
        for who, wish in wishes.items()
    }
