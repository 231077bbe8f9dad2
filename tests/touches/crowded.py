"""Many campaigns that send to the same people at once, while some of them withdraw their consent: who broke a rule?"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import count

from sqlalchemy import text

from limner.accounts.keys import micros
from limner.campaigns.model import Quiet
from limner.campaigns.rules import Limit, Policy
from limner.channels.seam import Message, Outcome, Receipt
from limner.consents.ledger import record, unsubscribe
from limner.consents.model import Consent, State, address_hash
from limner.store.records import Records
from limner.touches import entries
from limner.touches.model import Recipient
from limner.touches.outbox import Pace, work
from tests.touches.sending import (
    NOW,
    SECRET,
    SPRING,
    UTC_ZONE,
    Box,
    address,
    audience,
    begin,
    composer,
    consent_all,
    person,
    recipients,
)

MOST = 3
"""So many messages a day may somebody get of all campaigns together."""

RULES = Policy(caps=(Limit(MOST, timedelta(days=1)),), quiet=Quiet(time(17), time(20)))


@dataclass(frozen=True)
class Found:
    """How many messages were asked for, how many left, and how many of these broke which rule."""

    asked: int
    taken: int
    over_the_cap: int
    in_quiet_hours: int
    unsubscribed: int
    after_withdrawal: int
    withdrew_between: int
    exact: bool

    @property
    def broken(self) -> int:
        """Messages that should not have left."""
        return self.over_the_cap + self.in_quiet_hours + self.unsubscribed + self.after_withdrawal


def _asleep(number: int) -> bool:
    """Whether the person lives where quiet hours are now."""
    return number % 3 == 0


def _gone(number: int) -> bool:
    """Whether the person unsubscribed before."""
    return number % 20 == 1


def _zoned(people: Sequence[str]) -> dict[str, Recipient]:
    return {
        one: replace(found, zone="Asia/Shanghai" if _asleep(int(one[1:])) else None)
        for one, found in recipients(people).items()
    }


def crowded(records: Records, *, campaigns: int, people: int, seed: int) -> Found:
    """Each campaign in a thread of its own; one person in five withdraws their consent while they send."""
    consent_all(records, people)
    for number in filter(_gone, range(people)):
        hashed = address_hash(SECRET, "email", address(number))
        unsubscribe(records, channel="email", address_hash=hashed, person=person(number), now=NOW, proof="m")
    made = [replace(SPRING, name=f"c{n}") for n in range(campaigns)]
    for campaign in made:
        begin(records, audience(people), campaign=campaign)
    ticks = count(1)
    leaving = [number for number in range(people) if number % 5 == 2]
    random.Random(seed).shuffle(leaving)
    withdrawn: dict[str, int] = {}
    step = threading.Semaphore(0)

    def clock() -> datetime:
        return NOW + timedelta(microseconds=next(ticks))

    def answer(message: Message) -> Receipt:
        step.release()
        return Receipt(message.message_id, Outcome.ACCEPTED)

    def withdraw() -> None:
        for number in leaving:
            step.acquire(timeout=5)
            hashed = address_hash(SECRET, "email", address(number))
            record(records, [Consent(person(number), "email", hashed, State.WITHDRAWN, clock(), "letter")])
            withdrawn[person(number)] = micros(clock())

    def send(name: str) -> None:
        campaign = replace(SPRING, name=name)
        box = Box()
        box.answer = answer
        work(
            records, campaign=campaign, entry="e1", channel=box, composer=composer(campaign), recipients=_zoned,
            clock=clock, zone=UTC_ZONE, policy=RULES, pace=Pace(), wait=lambda _seconds: None,
        )  # fmt: skip

    threads = [threading.Thread(target=send, args=(one.name,)) for one in made]
    threads.append(threading.Thread(target=withdraw))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT person, claimed_at FROM touches WHERE status IN ('claimed', 'sent', 'in_doubt')"
                " OR (status = 'failed' AND claimed_at IS NOT NULL)"
            )
        ).all()
        asked = connection.execute(text("SELECT COUNT(*) FROM touches")).scalar_one()
    of = Counter(row.person for row in rows)
    left = [(int(row.person[1:]), row.person, row.claimed_at) for row in rows]
    return Found(
        asked=asked,
        taken=len(rows),
        over_the_cap=sum(max(0, n - MOST) for n in of.values()),
        in_quiet_hours=sum(_asleep(number) for number, _, _ in left),
        unsubscribed=sum(_gone(number) for number, _, _ in left),
        after_withdrawal=sum(at > withdrawn.get(who, at) for _, who, at in left),
        withdrew_between=sum(who in withdrawn for who in of),
        exact=all(entries.counts(records, one.name, "e1").exact for one in made),
    )
