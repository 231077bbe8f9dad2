"""A small send: records, people who consented, a campaign, and a worker that can be killed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from sqlalchemy import text

from limner.campaigns.model import Campaign
from limner.campaigns.rules import Budget, Limit, Policy
from limner.channels.seam import Channel, Message, Outcome, Receipt
from limner.channels.smtp import Smtp
from limner.consents.ledger import record
from limner.consents.model import Consent, State, address_hash
from limner.store.records import Records
from limner.touches import entries
from limner.touches.letter import Composer, Source, freeze, letters
from limner.touches.links import Links
from limner.touches.model import Counts, Recipient, Worked
from limner.touches.outbox import Pace, work
from limner.touches.render import Names

SECRET = b"a secret of this workspace"
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
NAMES = Names(person=frozenset({"name", "city"}))
LINKS = Links(SECRET, "https://shop.example")
SPRING = Campaign(
    name="spring",
    title={"": "Spring"},
    audience="all",
    channel="email",
    template="spring.html",
    subject="Hello {{ person.name }}",
    holdout=0.0,
)
TEXTS = {
    "": Source(
        subject="Hello {{ person.name }}",
        html="<p>Hi {{ person.name }}, <a href=\"{{ link('https://shop.example/sale') }}\">sale</a>"
        ' <a href="{{ unsubscribe_url }}">no more</a></p>',
    )
}


PAID = Policy(
    caps=(Limit(1, timedelta(days=1)),),
    costs={("email", "marketing"): 100},
    budgets=(Budget(10**12, monthly=True), Budget(10**12, of="spring")),
    priority=("cart", "spring"),
)
"""Rules under which everybody may still be written to, so that a killed claim has all of them to keep."""


def spent(records: Records) -> dict[tuple[str, str], int]:
    """What was spent, by campaign and month; it is what the messages cost."""
    with records.read() as connection:
        kept = {
            (row[0], row[1]): row[2]
            for row in connection.execute(text("SELECT campaign, month, cost FROM spendings WHERE cost <> 0"))
        }
        true = {
            (row[0], row[1]): row[2]
            for row in connection.execute(
                text(
                    "SELECT campaign, month, SUM(cost) FROM touches WHERE status IN ('claimed', 'sent', 'in_doubt')"
                    " GROUP BY 1, 2 HAVING SUM(cost) <> 0"
                )
            )
        }
    assert kept == true, "the sums are what the messages cost"
    return kept


def open_records(path: Path) -> Records:
    records = Records(path)
    records.migrate()
    return records


def person(number: int) -> str:
    return f"p{number:06d}"


def address(number: int) -> str:
    return f"p{number:06d}@example.com"


def audience(count: int, start: int = 0) -> pa.Table:
    numbers = range(start, start + count)
    return pa.table(
        {
            "person": [person(n) for n in numbers],
            "address": [address(n) for n in numbers],
            "identifier_kind": ["user"] * count,
            "identifier_value": [f"u{n}" for n in numbers],
        }
    )


def consent_all(records: Records, count: int, *, start: int = 0, at: datetime = NOW) -> None:
    record(
        records,
        (
            Consent(
                person(n), "email", address_hash(SECRET, "email", address(n)), State.GRANTED,
                at - timedelta(days=30), "form", "row 1",
            )
            for n in range(start, start + count)
        ),
    )  # fmt: skip


def recipients(people: Sequence[str]) -> dict[str, Recipient]:
    return {
        one: Recipient(
            address=f"{one}@example.com",
            identifier_kind="user",
            identifier_value="u" + str(int(one[1:])),
            person={"name": f"Name {one}"},
        )
        for one in people
    }


def composer(campaign: Campaign = SPRING, texts: dict[str, Source] | None = None) -> Composer:
    return Composer(campaign, letters(campaign, texts or TEXTS, NAMES), LINKS, SECRET, "shop@example.com")


def begin(
    records: Records,
    people: pa.Table,
    *,
    campaign: Campaign = SPRING,
    entry: str = "e1",
    seed: str = "s",
    now: datetime = NOW,
) -> Counts:
    return entries.launch(
        records, campaign=campaign, entry=entry, people=people, seed=seed, secret=SECRET,
        definition="title: Spring", content=freeze(TEXTS), audience_text="all", as_of=now, now=now,
    )  # fmt: skip


def run(
    records: Records,
    channel: Channel,
    *,
    campaign: Campaign = SPRING,
    entry: str = "e1",
    now: datetime = NOW,
    **other: Any,
) -> Worked:
    given: dict[str, Any] = {
        "composer": composer(campaign),
        "recipients": recipients,
        "zone": UTC_ZONE,
        "wait": lambda _seconds: None,
        **other,
    }
    return work(records, campaign=campaign, entry=entry, channel=channel, clock=lambda: now, **given)


class Box:
    """A channel that keeps messages; `answer` may turn each message into another receipt or an exception."""

    kind = "email"

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.answer = lambda message: Receipt(message.message_id, Outcome.ACCEPTED)

    def send(self, message: Message) -> Receipt:
        receipt: Receipt = self.answer(message)
        self.messages.append(message)
        return receipt

    def close(self) -> None:
        """Nothing to let go of."""

    @property
    def addresses(self) -> list[str]:
        return [message.to for message in self.messages]


def main(path: str, port: str) -> None:
    """The worker of the killing test: sends entry e1 through the mail server until it is done."""
    records = Records(Path(path))
    entries.recover(records, now=NOW)
    channel = Smtp(host="127.0.0.1", port=int(port), sender="shop@example.com", clock=lambda: NOW)
    run(records, channel, pace=replace(Pace(), bounce_share=1.0), policy=PAID)
    channel.close()
    records.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
