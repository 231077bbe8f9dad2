"""Claim → send → record. A message is claimed and flushed to disk before it is handed over, so that a process
that dies at any instant leaves it in doubt, never sent twice.

Consent, suppression, caps and quiet hours are asked inside the claim's transaction: no other writer can come
between the answer and the claim.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from limner.accounts.keys import instant, micros
from limner.campaigns.model import Campaign
from limner.campaigns.policy import (
    TOO_LATE,
    Asked,
    Counted,
    Room,
    SceneRules,
    day_began,
    decide,
    in_global_holdout,
    limits_of,
    month_of,
    narrowest,
    next_month,
    own_limit,
    quota_room,
    room,
    warm_up_room,
    zone_of,
)
from limner.campaigns.rules import NO_POLICY, Policy
from limner.channels.kinds import KINDS
from limner.channels.seam import Channel, Message, Outcome, Receipt, Unavailable
from limner.channels.wecom import CUSTOMER
from limner.consents import permissions, preferences
from limner.consents.ledger import standings, suppress
from limner.consents.model import BOUNCED, NOBODY_ASKED, REFUSED, address_hash
from limner.store.records import Records
from limner.touches import history
from limner.touches.drawing import room_of_day
from limner.touches.letter import Composer
from limner.touches.model import Recipient, Recipients, Stale, Worked
from limner.touches.values import Missing
from limner.types import Clock


@dataclass(frozen=True)
class Pace:
    """How a send proceeds: claims, tries, waits and the bounds at which it pauses itself.

    `page` people are prepared together and `claim` claimed together; `per_second` 0: as fast as it goes.
    """

    page: int = 200
    claim: int = 20
    per_second: float = 0.0
    tries: int = 6
    first_wait: timedelta = timedelta(minutes=1)
    longest_wait: timedelta = timedelta(minutes=15)
    down_errors: int = 5
    bounce_share: float = 0.05
    bounce_after: int = 50


@dataclass(frozen=True)
class _Due:
    """One waiting touch, rendered: ready to be claimed."""

    message_id: str
    person: str
    tries: int
    address_hash: str
    recipient: Recipient
    message: Message
    useful_until: datetime | None = None
    waited: str = ""
    member: bool = True

    @property
    def people(self) -> tuple[str, ...]:
        """The ids under which the person was or is known."""
        return (self.person, *self.recipient.former)

    @property
    def permission(self) -> tuple[str, str]:
        """What is used up where each message needs a permission: the address and the template."""
        return self.address_hash, self.message.template_id


AWAITS = "awaits confirmation"
"""Why a message that was handed over has not left: see `Kind.confirmed`."""


@runtime_checkable
class Together(Protocol):
    """A channel that takes many messages at once, best so many."""

    together: int

    def send_together(self, messages: Sequence[Message]) -> list[Receipt]:
        """What became of each, in their order. Raises Unavailable when certainly none was handed over."""


Judge = Callable[[int, int, int], str]
"""Why an entry must stop, by how many messages it sent and how many unsubscribed and complained; '' if it need not."""


Members = Callable[[Sequence[str]], Collection[str]]
"""Who of these people are in the audience of the message's scene."""


def work(
    records: Records,
    *,
    campaign: Campaign,
    entry: str,
    channel: Channel,
    composer: Composer,
    recipients: Recipients,
    clock: Clock,
    zone: ZoneInfo,
    policy: Policy = NO_POLICY,
    judge: Judge | None = None,
    scene: SceneRules | None = None,
    members: Members | None = None,
    currency: str = "",
    pace: Pace | None = None,
    several: bool = False,
    stopping: Callable[[], bool] = lambda: False,
    wait: Callable[[float], None] = time.sleep,
    stale: Stale = lambda _recipient, _now: False,
    profiled: bool = False,
) -> Worked:
    """What was done until nothing is due, the entry is stopped or paused, or the channel cannot be used.

    `zone`: for people whose own zone is unknown, and for months. `policy`: the workspace's rules, in `currency`;
    `judge`: its bound of harm; `scene`: what the message's scene asks, `members`: who are in its audience (None:
    everybody). `several`: the entry's other messages go by other channels, which wait for themselves;
    `campaign` is as it is for this channel then. `stopping`: whether the process wants to end. `stale`: whose
    content must be picked anew before the message may leave. `profiled`: for whom the messages are was chosen by what
    is computed of people. Called again
    at `next_due`, or when somebody lets the entry go on. One caller at a time for each channel object;
    several entries may be worked on at once.
    """
    return _Run(
        records,
        campaign,
        entry,
        channel,
        composer,
        recipients,
        clock,
        zone,
        policy,
        judge,
        scene,
        members,
        currency,
        pace or Pace(),
        several,
        stopping,
        wait,
        stale,
        profiled,
    ).go()


class _Run:
    """One call of `work`."""

    def __init__(
        self,
        records: Records,
        campaign: Campaign,
        entry: str,
        channel: Channel,
        composer: Composer,
        recipients: Recipients,
        clock: Clock,
        zone: ZoneInfo,
        policy: Policy,
        judge: Judge | None,
        scene: SceneRules | None,
        members: Members | None,
        currency: str,
        pace: Pace,
        several: bool,
        stopping: Callable[[], bool],
        wait: Callable[[float], None],
        stale: Stale,
        profiled: bool,
    ) -> None:
        self.records = records
        self.campaign = campaign
        self.key = {"campaign": campaign.name, "entry": entry, "channel": channel.kind}
        self.channel = channel
        self.composer = composer
        self.recipients = recipients
        self.clock = clock
        self.zone = zone
        self.policy = policy
        self.judge = judge
        self.scene = scene
        self.members = members
        self.cost = policy.cost(channel.kind, campaign.message_class)
        self.currency = currency
        self.pace = pace
        self.several = several
        self.stopping = stopping
        self.wait = wait
        self.stale = stale
        self.profiled = profiled
        self.permits = channel.kind in KINDS and KINDS[channel.kind].permits
        self.confirmed = channel.kind in KINDS and KINDS[channel.kind].confirmed
        self.done = Worked()
        self.judged: Counter[str] = Counter()
        self.quota_left: int | None = None

    def go(self) -> Worked:
        self.judged = self._judged_before()
        together = getattr(self.channel, "together", 0)
        while self._goes_on():
            now = self.clock()
            if self.judge is not None and self._harmed(self.judge, now):
                break
            page = self._page(now, max(together, self.pace.page))
            with self.records.read() as connection:
                self.quota_left = room_of_day(
                    connection, self.policy, self.channel.kind, now.astimezone(self.zone).date(), self.zone
                )
            if not page:
                self._finish(now)
                break
            ready = iter(self._prepared(page, now))
            while batch := list(islice(ready, together or self.pace.claim)):
                if not self._goes_on() or not self._send(self._claim(batch)):
                    break
        return self._answer()

    def _goes_on(self) -> bool:
        """Whether the entry runs and its channel may be tried: asked before each message."""
        with self.records.read() as connection:
            status, reason, not_before = connection.execute(
                text(
                    "SELECT e.status, e.reason, MAX(e.not_before, COALESCE(c.not_before, 0)) FROM campaign_entries AS e"
                    " LEFT JOIN entry_channels AS c ON c.campaign = e.campaign AND c.entry = e.entry"
                    " AND c.channel = :channel WHERE e.campaign = :campaign AND e.entry = :entry"
                ),
                self.key,
            ).one()
        self.done = replace(self.done, status=status, reason=reason)
        return status == "running" and not_before <= micros(self.clock()) and not self.stopping()

    def _page(self, now: datetime, size: int) -> list[dict[str, Any]]:
        with self.records.read() as connection:
            found = connection.execute(
                text(
                    "SELECT message_id, person, variant, tries, useful_until, reason FROM touches"
                    " WHERE campaign = :campaign AND entry = :entry AND status = 'waiting' AND due_at <= :now"
                    " AND channel = :channel ORDER BY due_at LIMIT :page"
                ),
                {**self.key, "now": micros(now), "page": size},
            ).mappings()
            return [dict(row) for row in found]

    def _prepared(self, page: Sequence[dict[str, Any]], now: datetime) -> list[_Due]:
        """The messages of those who can be written to; the others are suppressed with their reason."""
        known = self.recipients([row["person"] for row in page])
        inside = None if self.members is None else self.members([row["person"] for row in page])
        ready: list[_Due] = []
        without: list[tuple[str, str]] = []
        for row in page:
            recipient = known.get(row["person"])
            if row["useful_until"] is not None and row["useful_until"] < micros(now):
                without.append((row["message_id"], TOO_LATE))
            elif recipient is None:
                without.append((row["message_id"], "the person is no longer known"))
            elif not recipient.address:
                without.append((row["message_id"], "no address"))
            else:
                try:
                    message = self.composer.message(row["message_id"], row["variant"], recipient)
                except Missing as missing:
                    without.append((row["message_id"], missing.reason))
                    continue
                hashed = address_hash(self.composer.secret, self.channel.kind, recipient.address)
                until = None if row["useful_until"] is None else instant(row["useful_until"])
                ready.append(
                    _Due(
                        row["message_id"],
                        row["person"],
                        row["tries"],
                        hashed,
                        recipient,
                        message,
                        until,
                        row["reason"],
                        inside is None or row["person"] in inside,
                    )
                )
        if without:
            with self.records.begin() as connection:
                self._suppress(connection, without, now)
        return ready

    def _claim(self, batch: Sequence[_Due]) -> list[_Due]:
        """Those of the batch that may be sent now, claimed on disk. One transaction decides and claims.

        Whose content is not valid any more waits: it is prepared anew with what is.
        """
        now = self.clock()
        batch = [due for due in batch if not self.stale(due.recipient, now)]
        if not batch:
            return []
        with self.records.begin() as connection:
            claimed = connection.execute(
                text(
                    "UPDATE touches SET status = 'claimed', claimed_at = :now"
                    " WHERE message_id IN (SELECT value FROM json_each(:ids)) AND status = 'waiting'"
                    " AND EXISTS (SELECT 1 FROM campaign_entries WHERE campaign = :campaign"
                    " AND entry = :entry AND status = 'running') RETURNING message_id"
                ),
                {**self.key, "now": micros(now), "ids": json.dumps([due.message_id for due in batch])},
            ).scalars()
            ours = set(claimed)
            candidates = [due for due in batch if due.message_id in ours]
            standing = standings(
                connection,
                self.channel.kind,
                [due.address_hash for due in candidates],
                message_class=self.campaign.message_class,
            )
            earlier, rivals = self._asked_of_others(connection, candidates, now)
            left = self._room(connection, now, besides=len(candidates))
            wishes = preferences.of(connection, {person for due in candidates for person in due.people})
            apart = in_global_holdout(
                self.policy, [due.person for due in candidates], self.campaign.message_class
            )
            scenes = (
                [None] * len(candidates)
                if self.scene is None
                else self.scene.of([due.person for due in candidates], [due.member for due in candidates])
            )
            may: list[_Due] = []
            unpaid: list[str] = []
            refused: list[tuple[str, str]] = []
            for due, out, scene in zip(candidates, apart, scenes, strict=True):
                decision = decide(
                    replace(
                        self._asked(due),
                        held_out=out,
                        scene=scene,
                        wish=preferences.latest(wishes, due.people),
                    ),
                    standing=standing.get(due.address_hash, NOBODY_ASKED),
                    policy=self.policy,
                    now=now,
                    zone=zone_of(due.recipient.zone, self.zone),
                    earlier=earlier.of(due.people, due.address_hash),
                    rivals=rivals.of(due.people, due.address_hash),
                )
                if decision.allowed and left is not None and len(may) >= left.messages:
                    unpaid.append(due.message_id)
                elif decision.allowed:
                    may.append(due)
                    earlier.add(due.person, due.address_hash, self._counted(now))
                elif decision.until is not None:
                    self._release(connection, [due.message_id], due_at=decision.until, reason=decision.reason)
                else:
                    refused.append((due.message_id, decision.reason))
            if unpaid and not may and left is not None:
                self._out_of_money(connection, left, now)
            if self.permits:
                may = self._permitted(connection, may, refused)
            self._suppress(connection, refused, now)
            self._release(connection, unpaid)
            if may:
                paid = ", cost = :cost, month = :month" if self.cost else ""
                month = month_of(now, self.zone)
                connection.execute(
                    text(
                        f"UPDATE touches SET address_hash = :hash, picks = :picks{paid},"
                        " identifier_kind = CASE identifier_value WHEN '' THEN :kind ELSE identifier_kind END,"
                        " identifier_value = CASE identifier_value WHEN '' THEN :value ELSE identifier_value END"
                        " WHERE message_id = :id"
                    ),
                    [
                        {
                            "hash": due.address_hash,
                            "picks": _kept(due.recipient),
                            "id": due.message_id,
                            "cost": self.cost,
                            "month": month,
                            "kind": due.recipient.identifier_kind,
                            "value": due.recipient.identifier_value,
                        }
                        for due in may
                    ],
                )
                if self.quota_left is not None:
                    self.quota_left = max(0, self.quota_left - len(may))
        return may

    def _permitted(
        self, connection: Connection, may: Sequence[_Due], refused: list[tuple[str, str]]
    ) -> list[_Due]:
        """Those who gave a permission that is left: it is used up by this claim."""
        used = permissions.use(connection, self.channel.kind, [due.permission for due in may])
        refused += [
            (due.message_id, permissions.NONE_LEFT) for due, yes in zip(may, used, strict=True) if not yes
        ]
        return [due for due, yes in zip(may, used, strict=True) if yes]

    def _give_back(self, connection: Connection, unused: Sequence[_Due]) -> None:
        """The permissions of messages that were certainly not handed over."""
        if self.permits:
            permissions.give_back(connection, self.channel.kind, [due.permission for due in unused])

    def _asked(self, due: _Due) -> Asked:
        return Asked(
            self.campaign.name,
            self.campaign.message_class,
            self.channel.kind,
            self.campaign.cap,
            self.campaign.quiet,
            due.useful_until,
            due.waited,
            profiled=self.profiled,
        )

    def _counted(self, now: datetime) -> Counted:
        return Counted(self.campaign.name, self.campaign.message_class, self.channel.kind, now)

    def _asked_of_others(
        self, connection: Connection, batch: Sequence[_Due], now: datetime
    ) -> tuple[history.History, history.History]:
        """What the people of the batch got before, as far back as any cap looks, and what has priority over this."""
        limits = limits_of(self._asked(batch[0]), self.policy) if batch else ()
        people = {person for due in batch for person in due.people}
        hashes = {due.address_hash for due in batch}
        earlier = history.earlier(
            connection,
            people=people,
            hashes=hashes,
            besides={due.message_id for due in batch},
            within=max([*(limit.per for limit in limits), *self._wished(connection, people)], default=None),
            now=now,
        )
        above = self.policy.above(self.campaign.name) if limits else ()
        return earlier, history.rivals(connection, people=people, hashes=hashes, above=above, now=now)

    def _wished(self, connection: Connection, people: set[str]) -> list[timedelta]:
        """How far back the caps look that these people asked for themselves."""
        wishes = preferences.of(connection, people).values()
        own = (own_limit(wish, self.campaign.message_class) for wish in wishes)
        return [limit.per for limit in own if limit is not None]

    def _room(self, connection: Connection, now: datetime, *, besides: int) -> Room | None:
        """How many messages more the budgets, the channel's quota and its warm-up allow; None: any number.

        `besides`: claimed just now.
        """
        quota = quota_room(self.policy, self.channel.kind, self.quota_left, now=now, zone=self.zone)
        return narrowest((self._paid(connection, now), quota, self._warm(connection, now, besides)))

    def _warm(self, connection: Connection, now: datetime, besides: int) -> Room | None:
        """How many messages more the channel may hand over today while its sender is warmed up; None: any number."""
        warm_up = self.policy.warm_up.get(self.channel.kind)
        if warm_up is None:
            return None
        since = day_began(now, self.zone)
        most = besides + (warm_up.limit(now.astimezone(self.zone).date()) or 0)
        done = history.handed(connection, channel=self.channel.kind, since=since, most=most) - besides
        return warm_up_room(self.policy, self.channel.kind, handed=done, now=now, zone=self.zone)

    def _paid(self, connection: Connection, now: datetime) -> Room | None:
        """How many messages more the budgets allow; None: any number."""
        if not self.cost or not self.policy.budgets:
            return None
        month = month_of(now, self.zone)
        return room(
            self.policy,
            of=self.campaign.name,
            cost=self.cost,
            spent=history.spent(connection, of=self.campaign.name, month=month),
            month=month,
            currency=self.currency,
        )

    def _out_of_money(self, connection: Connection, left: Room, now: datetime) -> None:
        """The entry waits for the next day or month, or for somebody to let it go on."""
        if left.until is not None:
            self._wait_until(connection, left.until, left.reason)
            return
        if not left.monthly:
            self._pause(connection, left.reason, now)
            return
        self.done = replace(self.done, alarm=left.reason)
        connection.execute(
            text(
                "UPDATE campaign_entries SET not_before = :until, reason = :reason"
                " WHERE campaign = :campaign AND entry = :entry AND status = 'running'"
            ),
            {**self.key, "until": micros(next_month(now, self.zone)), "reason": left.reason},
        )

    def _wait_until(self, connection: Connection, until: datetime, reason: str, *, errors: int = 0) -> None:
        """The entry rests until then; of several channels only this one."""
        values = {**self.key, "until": micros(until), "reason": reason, "errors": errors}
        if not self.several:
            connection.execute(
                text(
                    "UPDATE campaign_entries SET errors = :errors, not_before = :until, reason = :reason"
                    " WHERE campaign = :campaign AND entry = :entry AND status = 'running'"
                ),
                values,
            )
            return
        connection.execute(
            text(
                "INSERT INTO entry_channels (campaign, entry, channel, not_before, errors, reason) VALUES"
                " (:campaign, :entry, :channel, :until, :errors, :reason) ON CONFLICT (campaign, entry, channel)"
                " DO UPDATE SET not_before = :until, errors = :errors, reason = :reason"
            ),
            values,
        )
        connection.execute(
            text(
                "UPDATE campaign_entries SET reason = :reason"
                " WHERE campaign = :campaign AND entry = :entry AND status = 'running'"
            ),
            {**values, "reason": f"{self.channel.kind}: {reason}"},
        )

    def _harmed(self, judge: Judge, now: datetime) -> bool:
        """Whether what was sent harmed so many that the entry has stopped itself."""
        of_entry = {"campaign": self.campaign.name, "entry": self.key["entry"]}
        with self.records.read() as connection:
            unsubscribed, complained = history.reacted(connection, **of_entry)
            sent = history.sent(connection, **of_entry) if self.several else self.judged["sent"]
        why = judge(sent, unsubscribed, complained)
        if why:
            with self.records.begin() as connection:
                self._pause(connection, why, now)
            self.done = replace(self.done, harmed=True)
        return bool(why)

    def _send(self, claimed: Sequence[_Due]) -> bool:
        """Hands over what was claimed and records what became of it; whether the channel may be used on."""
        receipts: list[tuple[_Due, Receipt]] = []
        trouble: Unavailable | None = None
        left = list(claimed)
        again: list[_Due] = []
        try:
            while left and self._goes_on():
                if isinstance(self.channel, Together):
                    now = self.clock()
                    again += [due for due in left if self.stale(due.recipient, now)]
                    fresh = [due for due in left if due not in again]
                    receipts, left = self._sent_together(self.channel, fresh), []
                    break
                due = left[0]
                if self.stale(due.recipient, self.clock()):
                    again.append(left.pop(0))
                    continue
                try:
                    receipt = self.channel.send(due.message)
                except Unavailable as error:
                    trouble = error
                    break
                except BaseException as error:
                    left.pop(0)
                    receipts.append((due, _unknown(due, error)))
                    raise
                left.pop(0)
                receipts.append((due, receipt))
                self._keep_pace()
        except Unavailable as error:
            trouble = error
        finally:
            with self.records.begin() as connection:
                self._record(connection, receipts)
                self._release(connection, [due.message_id for due in (*left, *again)])
                self._give_back(connection, [*left, *again])
                if trouble is not None:
                    self._note_trouble(connection, trouble)
        return trouble is None

    def _sent_together(self, channel: Together, claimed: Sequence[_Due]) -> list[tuple[_Due, Receipt]]:
        """What became of each of them, handed over at once. Raises Unavailable where none was."""
        try:
            answers = channel.send_together([due.message for due in claimed])
        except Unavailable:
            raise
        except Exception as error:
            return [(due, _unknown(due, error)) for due in claimed]
        return list(zip(claimed, answers, strict=True))

    def _record(self, connection: Connection, receipts: Sequence[tuple[_Due, Receipt]]) -> None:
        now = self.clock()
        rows = []
        for due, receipt in receipts:
            outcome, reason = receipt.outcome, receipt.reason
            if outcome is Outcome.DEFERRED:
                if due.tries + 1 < self.pace.tries:
                    self._defer(connection, due, reason, now)
                    self._give_back(connection, [due])
                    continue
                outcome, reason = Outcome.FAILED, f"gave up after {self.pace.tries} tries: {reason}"
            if outcome is Outcome.ACCEPTED and self.confirmed:
                self._await(connection, due, receipt)
                continue
            status = _STATUS[outcome]
            self.judged[status] += 1
            self.done = replace(self.done, **{status: getattr(self.done, status) + 1})
            rows.append(
                {
                    "id": due.message_id,
                    "status": status,
                    "reason": reason[:500],
                    "now": micros(now),
                    "provider_id": receipt.provider_id,
                }
            )
            if receipt.gone:
                suppress(
                    connection,
                    self.channel.kind,
                    due.address_hash,
                    reason=BOUNCED if self.channel.kind == "email" else REFUSED,
                    now=now,
                )
        if rows:
            connection.execute(
                text(
                    "UPDATE touches SET status = :status, reason = :reason, done_at = :now,"
                    " provider_id = :provider_id, tries = tries + 1,"
                    " cost = CASE :status WHEN 'failed' THEN 0 ELSE cost END WHERE message_id = :id"
                ),
                rows,
            )
            connection.execute(
                text(
                    "UPDATE campaign_entries SET errors = 0 WHERE campaign = :campaign AND entry = :entry"
                    " AND errors > 0"
                ),
                self.key,
            )
            if self.several:
                connection.execute(
                    text(
                        "UPDATE entry_channels SET errors = 0 WHERE campaign = :campaign AND entry = :entry"
                        " AND channel = :channel AND errors > 0"
                    ),
                    self.key,
                )
        self._judge(connection, now)

    def _await(self, connection: Connection, due: _Due, receipt: Receipt) -> None:
        """The message is handed over, and leaves when a member of staff confirms it."""
        self.done = replace(self.done, handed_over=self.done.handed_over + 1)
        connection.execute(
            text("UPDATE touches SET provider_id = :provider, reason = :reason WHERE message_id = :id"),
            {"provider": receipt.provider_id, "reason": AWAITS, "id": due.message_id},
        )

    def _judge(self, connection: Connection, now: datetime) -> None:
        """Pauses the entry when too many messages fail: going on would ruin the sender's name."""
        tried = self.judged["sent"] + self.judged["failed"]
        if self.channel.kind != "email" or tried < self.pace.bounce_after:
            return
        if self.judged["failed"] <= self.pace.bounce_share * tried:
            return
        self._pause(connection, f"bounce rate over {self.pace.bounce_share:.0%}", now)

    def _note_trouble(self, connection: Connection, trouble: Unavailable) -> None:
        """Waits longer after each time in a row; what only a person can mend pauses the entry."""
        now = self.clock()
        table = "entry_channels" if self.several else "campaign_entries"
        errors = 1 + int(
            connection.execute(
                text(
                    f"SELECT errors FROM {table} WHERE campaign = :campaign AND entry = :entry"
                    + (" AND channel = :channel" if self.several else "")
                ),
                self.key,
            ).scalar()
            or 0
        )
        pause = min(self.pace.first_wait * 2 ** min(errors - 1, 10), self.pace.longest_wait)
        until = max(trouble.until or now + pause, now + _A_MOMENT)
        self._wait_until(connection, until, f"{trouble.code}: {trouble.message}"[:500], errors=errors)
        if trouble.code == "channel_down" and errors >= self.pace.down_errors:
            why = f"channel_down: {trouble.message}"[:500]
            if not self.several:
                self._pause(connection, why, now)
            elif (
                errors == self.pace.down_errors
            ):  # the other channels go on; this one is tried again and again
                self.done = replace(self.done, alarm=f"{self.channel.kind}: {why}")

    def _pause(self, connection: Connection, reason: str, now: datetime) -> None:
        self.done = replace(self.done, alarm=reason)
        connection.execute(
            text(
                "UPDATE campaign_entries SET status = 'paused', reason = :reason, ended_at = :now"
                " WHERE campaign = :campaign AND entry = :entry AND status = 'running'"
            ),
            {**self.key, "reason": reason, "now": micros(now)},
        )

    def _defer(self, connection: Connection, due: _Due, reason: str, now: datetime) -> None:
        # What is handed over together waits together: else each of them would be a task of its own the next time.
        who = self.campaign.name if isinstance(self.channel, Together) else due.message_id
        spread = int.from_bytes(blake2b(f"{who}{due.tries}".encode(), digest_size=2).digest(), "big")
        pause = self.pace.first_wait * 4**due.tries * (1 + spread / 65_536)
        connection.execute(
            text(
                "UPDATE touches SET status = 'waiting', claimed_at = NULL, due_at = :due_at,"
                " reason = :reason, tries = tries + 1, cost = 0 WHERE message_id = :id AND status = 'claimed'"
            ),
            {"id": due.message_id, "due_at": micros(now + pause), "reason": reason[:500]},
        )
        self.done = replace(self.done, deferred=self.done.deferred + 1)

    def _release(
        self, connection: Connection, ids: Sequence[str], *, due_at: datetime | None = None, reason: str = ""
    ) -> None:
        """Claimed messages wait again: they were certainly not handed over."""
        if ids:
            connection.execute(
                text(
                    "UPDATE touches SET status = 'waiting', claimed_at = NULL, reason = :reason, cost = 0,"
                    " due_at = COALESCE(:due_at, due_at) WHERE status = 'claimed'"
                    " AND message_id IN (SELECT value FROM json_each(:ids))"
                ),
                {
                    "ids": json.dumps(list(ids)),
                    "reason": reason,
                    "due_at": None if due_at is None else micros(due_at),
                },
            )

    def _suppress(self, connection: Connection, refused: Sequence[tuple[str, str]], now: datetime) -> None:
        if refused:
            connection.execute(
                text(
                    "UPDATE touches SET status = 'suppressed', reason = :reason, claimed_at = NULL,"
                    " done_at = :now WHERE message_id = :id AND status IN ('waiting', 'claimed')"
                ),
                [{"id": id_, "reason": reason, "now": micros(now)} for id_, reason in refused],
            )
            self.done = replace(self.done, suppressed=self.done.suppressed + len(refused))

    def _finish(self, now: datetime) -> None:
        """The entry is done when nobody waits any more."""
        with self.records.begin() as connection:
            connection.execute(
                text(
                    "UPDATE campaign_entries SET status = 'done', reason = '', ended_at = :now"
                    " WHERE campaign = :campaign AND entry = :entry AND status = 'running'"
                    " AND NOT EXISTS (SELECT 1 FROM touches WHERE campaign = :campaign AND entry = :entry"
                    " AND status IN ('waiting', 'claimed'))"
                ),
                {**self.key, "now": micros(now)},
            )

    def _answer(self) -> Worked:
        with self.records.read() as connection:
            status, reason, not_before, due_at = connection.execute(
                text(
                    "SELECT e.status, e.reason, MAX(e.not_before, COALESCE(c.not_before, 0)),"
                    " (SELECT MIN(due_at) FROM touches WHERE campaign = :campaign AND entry = :entry"
                    " AND status = 'waiting' AND channel = :channel) FROM campaign_entries AS e"
                    " LEFT JOIN entry_channels AS c ON c.campaign = e.campaign AND c.entry = e.entry"
                    " AND c.channel = :channel WHERE e.campaign = :campaign AND e.entry = :entry"
                ),
                self.key,
            ).one()
        due = instant(max(due_at, not_before)) if due_at is not None and status == "running" else None
        return replace(self.done, status=status, reason=reason, next_due=due)

    def _judged_before(self) -> Counter[str]:
        with self.records.read() as connection:
            found = connection.execute(
                text(
                    "SELECT status, COUNT(*) FROM touches WHERE campaign = :campaign AND entry = :entry"
                    " AND channel = :channel AND status IN ('sent', 'failed') AND done_at > (SELECT judged_from"
                    " FROM campaign_entries WHERE campaign = :campaign AND entry = :entry) GROUP BY status"
                ),
                self.key,
            )
            return Counter({row[0]: int(row[1]) for row in found})

    def _keep_pace(self) -> None:
        """Waits for the channel's rate in short pieces, so that a stop is heard within a second."""
        left = 1 / self.pace.per_second if self.pace.per_second else 0.0
        while left > 0 and not self.stopping():
            piece = min(left, 0.5)
            self.wait(piece)
            left -= piece
            if left > 0 and not self._goes_on():
                return


_A_MOMENT = timedelta(seconds=1)
_STATUS = {Outcome.ACCEPTED: "sent", Outcome.FAILED: "failed", Outcome.IN_DOUBT: "in_doubt"}


def _kept(recipient: Recipient) -> str:
    """What was picked for the recipient and why, as it is kept with the message; '' without any."""
    if not recipient.picks:
        return ""
    listed = {name: [one["kept"] for one in picks] for name, picks in recipient.picks.items()}
    return json.dumps(listed, ensure_ascii=False)


TRIAL = "[测试 Test]"
"""Before the words of a message that somebody sends to themselves."""


def _unknown(due: _Due, error: BaseException) -> Receipt:
    return Receipt(due.message_id, Outcome.IN_DOUBT, f"sending broke off: {type(error).__name__}")


def send_to_me(
    channel: Channel, composer: Composer, *, address: str, recipient: Recipient, variant: str = "", nonce: str
) -> Receipt:
    """The receipt of one message to `address` with a chosen person's values: not claimed, not counted.

    `nonce`: makes each trial a message of its own. Raises Missing and Unavailable.
    """
    trial = blake2b(f"trial\0{address}\0{nonce}".encode(), digest_size=15).hexdigest()
    made = composer.message(f"t{trial}", variant, replace(recipient, address=address))
    return channel.send(_marked(made, channel.kind))


def _marked(made: Message, kind: str) -> Message:
    """The message, which says that it is a trial where its words are free: approved texts have no place for it.

    Of what staff send, it goes to the one customer, never to a whole group.
    """
    if made.template_id:
        return made
    subject = f"{TRIAL} {made.subject}".strip()
    if kind == "email":
        return replace(made, subject=subject, headers={**made.headers, "X-Limner-Trial": "yes"})
    if made.subject:
        return replace(made, subject=subject)
    data = {**made.data, "as": CUSTOMER} if "as" in made.data else made.data
    return replace(made, text=f"{TRIAL} {made.text}".strip(), data=data)
