"""Claim → send → record. A message is claimed and flushed to disk before it is handed over, so that a process
that dies at any instant leaves it in doubt, never sent twice.

Consent, suppression, caps and quiet hours are asked inside the claim's transaction: no other writer can come
between the answer and the claim.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from limner.accounts.keys import instant, micros
from limner.campaigns.model import Campaign, Cap
from limner.campaigns.policy import may_touch, zone_of
from limner.channels.seam import Channel, Message, Outcome, Receipt, Unavailable
from limner.consents.ledger import standings, suppress
from limner.consents.model import BOUNCED, NOBODY_ASKED, REFUSED, address_hash
from limner.store.records import Records
from limner.touches.letter import Composer
from limner.touches.model import Recipient, Recipients, Worked
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
    pace: Pace | None = None,
    stopping: Callable[[], bool] = lambda: False,
    wait: Callable[[float], None] = time.sleep,
) -> Worked:
    """What was done until nothing is due, the entry is stopped or paused, or the channel cannot be used.

    `zone`: for people whose own zone is unknown. `stopping`: whether the process wants to end. Called again
    at `next_due`, or when somebody lets the entry go on. One caller at a time for each channel object;
    several entries may be worked on at once.
    """
    return _Run(
        records, campaign, entry, channel, composer, recipients, clock, zone, pace or Pace(), stopping, wait
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
        pace: Pace,
        stopping: Callable[[], bool],
        wait: Callable[[float], None],
    ) -> None:
        self.records = records
        self.campaign = campaign
        self.key = {"campaign": campaign.name, "entry": entry}
        self.channel = channel
        self.composer = composer
        self.recipients = recipients
        self.clock = clock
        self.zone = zone
        self.pace = pace
        self.stopping = stopping
        self.wait = wait
        self.done = Worked()
        self.judged: Counter[str] = Counter()

    def go(self) -> Worked:
        self.judged = self._judged_before()
        while self._goes_on():
            now = self.clock()
            page = self._page(now)
            if not page:
                self._finish(now)
                break
            ready = iter(self._prepared(page, now))
            while batch := list(islice(ready, self.pace.claim)):
                if not self._goes_on() or not self._send(self._claim(batch)):
                    break
        return self._answer()

    def _goes_on(self) -> bool:
        """Whether the entry runs and its channel may be tried: asked before each message."""
        with self.records.read() as connection:
            status, reason, not_before = connection.execute(
                text(
                    "SELECT status, reason, not_before FROM campaign_entries"
                    " WHERE campaign = :campaign AND entry = :entry"
                ),
                self.key,
            ).one()
        self.done = replace(self.done, status=status, reason=reason)
        return status == "running" and not_before <= micros(self.clock()) and not self.stopping()

    def _page(self, now: datetime) -> list[dict[str, Any]]:
        with self.records.read() as connection:
            found = connection.execute(
                text(
                    "SELECT message_id, person, variant, tries, useful_until FROM touches WHERE campaign = :campaign"
                    " AND entry = :entry AND status = 'waiting' AND due_at <= :now"
                    " ORDER BY due_at LIMIT :page"
                ),
                {**self.key, "now": micros(now), "page": self.pace.page},
            ).mappings()
            return [dict(row) for row in found]

    def _prepared(self, page: Sequence[dict[str, Any]], now: datetime) -> list[_Due]:
        """The messages of those who can be written to; the others are suppressed with their reason."""
        known = self.recipients([row["person"] for row in page])
        ready: list[_Due] = []
        without: list[tuple[str, str]] = []
        for row in page:
            recipient = known.get(row["person"])
            if row["useful_until"] is not None and row["useful_until"] < micros(now):
                without.append((row["message_id"], "too late to be of use"))
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
                ready.append(_Due(row["message_id"], row["person"], row["tries"], hashed, recipient, message))
        if without:
            with self.records.begin() as connection:
                self._suppress(connection, without, now)
        return ready

    def _claim(self, batch: Sequence[_Due]) -> list[_Due]:
        """Those of the batch that may be sent now, claimed on disk. One transaction decides and claims."""
        now = self.clock()
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
            earlier = _earlier_touches(
                connection, candidates, self.campaign.message_class, self.campaign.cap, now
            )
            may: list[_Due] = []
            refused: list[tuple[str, str]] = []
            for due in candidates:
                decision = may_touch(
                    message_class=self.campaign.message_class,
                    standing=standing.get(due.address_hash, NOBODY_ASKED),
                    touches_in_cap=earlier[due.message_id]
                    + sum(_same(due.person, due.address_hash, other) for other in may),
                    cap=self.campaign.cap,
                    quiet=self.campaign.quiet,
                    now=now,
                    zone=zone_of(due.recipient.zone, self.zone),
                )
                if decision.allowed:
                    may.append(due)
                elif decision.until is not None:
                    self._release(connection, [due.message_id], due_at=decision.until, reason=decision.reason)
                else:
                    refused.append((due.message_id, decision.reason))
            self._suppress(connection, refused, now)
            if may:
                connection.execute(
                    text("UPDATE touches SET address_hash = :hash WHERE message_id = :id"),
                    [{"hash": due.address_hash, "id": due.message_id} for due in may],
                )
        return may

    def _send(self, claimed: Sequence[_Due]) -> bool:
        """Hands over what was claimed and records what became of it; whether the channel may be used on."""
        receipts: list[tuple[_Due, Receipt]] = []
        trouble: Unavailable | None = None
        left = list(claimed)
        try:
            while left and self._goes_on():
                due = left[0]
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
        finally:
            with self.records.begin() as connection:
                self._record(connection, receipts)
                self._release(connection, [due.message_id for due in left])
                if trouble is not None:
                    self._note_trouble(connection, trouble)
        return trouble is None

    def _record(self, connection: Connection, receipts: Sequence[tuple[_Due, Receipt]]) -> None:
        now = self.clock()
        rows = []
        for due, receipt in receipts:
            outcome, reason = receipt.outcome, receipt.reason
            if outcome is Outcome.DEFERRED:
                if due.tries + 1 < self.pace.tries:
                    self._defer(connection, due, reason, now)
                    continue
                outcome, reason = Outcome.FAILED, f"gave up after {self.pace.tries} tries: {reason}"
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
                    " provider_id = :provider_id, tries = tries + 1 WHERE message_id = :id"
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
        self._judge(connection, now)

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
        errors = 1 + int(
            connection.execute(
                text("SELECT errors FROM campaign_entries WHERE campaign = :campaign AND entry = :entry"),
                self.key,
            ).scalar_one()
        )
        pause = min(self.pace.first_wait * 2 ** min(errors - 1, 10), self.pace.longest_wait)
        connection.execute(
            text(
                "UPDATE campaign_entries SET errors = :errors, not_before = :not_before, reason = :reason"
                " WHERE campaign = :campaign AND entry = :entry AND status = 'running'"
            ),
            {
                **self.key,
                "errors": errors,
                "not_before": micros(max(trouble.until or now + pause, now + _A_MOMENT)),
                "reason": f"{trouble.code}: {trouble.message}"[:500],
            },
        )
        if trouble.code == "channel_down" and errors >= self.pace.down_errors:
            self._pause(connection, f"channel_down: {trouble.message}"[:500], now)

    def _pause(self, connection: Connection, reason: str, now: datetime) -> None:
        connection.execute(
            text(
                "UPDATE campaign_entries SET status = 'paused', reason = :reason, ended_at = :now"
                " WHERE campaign = :campaign AND entry = :entry AND status = 'running'"
            ),
            {**self.key, "reason": reason, "now": micros(now)},
        )

    def _defer(self, connection: Connection, due: _Due, reason: str, now: datetime) -> None:
        spread = int.from_bytes(
            blake2b(f"{due.message_id}{due.tries}".encode(), digest_size=2).digest(), "big"
        )
        pause = self.pace.first_wait * 4**due.tries * (1 + spread / 65_536)
        connection.execute(
            text(
                "UPDATE touches SET status = 'waiting', claimed_at = NULL, due_at = :due_at,"
                " reason = :reason, tries = tries + 1 WHERE message_id = :id AND status = 'claimed'"
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
                    "UPDATE touches SET status = 'waiting', claimed_at = NULL, reason = :reason,"
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
                    "SELECT status, reason, not_before, (SELECT MIN(due_at) FROM touches"
                    " WHERE campaign = :campaign AND entry = :entry AND status = 'waiting')"
                    " FROM campaign_entries WHERE campaign = :campaign AND entry = :entry"
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
                    " AND status IN ('sent', 'failed') AND done_at > (SELECT judged_from"
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


def _unknown(due: _Due, error: BaseException) -> Receipt:
    return Receipt(due.message_id, Outcome.IN_DOUBT, f"sending broke off: {type(error).__name__}")


def _same(person: str, hashed: str, other: _Due) -> bool:
    return other.person == person or other.address_hash == hashed


def _earlier_touches(
    connection: Connection, batch: Sequence[_Due], message_class: str, cap: Cap | None, now: datetime
) -> Counter[str]:
    """How many messages of the class each one's person or address got in the cap's window, by message_id."""
    if cap is None or not batch:
        return Counter()
    found = connection.execute(
        text(
            "SELECT message_id, person, address_hash FROM touches"
            " WHERE (person IN (SELECT value FROM json_each(:people))"
            " OR address_hash IN (SELECT value FROM json_each(:hashes)))"
            " AND claimed_at > :since AND class = :class AND status IN ('claimed', 'sent', 'in_doubt')"
        ),
        {
            "people": json.dumps([due.person for due in batch]),
            "hashes": json.dumps([due.address_hash for due in batch]),
            "since": micros(now - cap.per),
            "class": message_class,
        },
    ).all()
    ours = {due.message_id for due in batch}
    counted: Counter[str] = Counter()
    for due in batch:
        counted[due.message_id] = sum(
            row[0] not in ours and (row[1] == due.person or row[2] == due.address_hash) for row in found
        )
    return counted


def send_to_me(
    channel: Channel, composer: Composer, *, address: str, recipient: Recipient, variant: str = "", nonce: str
) -> Receipt:
    """The receipt of one message to `address` with a chosen person's values: not claimed, not counted.

    `nonce`: makes each trial a message of its own. Raises Missing and Unavailable.
    """
    trial = blake2b(f"trial\0{address}\0{nonce}".encode(), digest_size=15).hexdigest()
    return channel.send(composer.message(f"t{trial}", variant, replace(recipient, address=address)))
