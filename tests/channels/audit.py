"""Everybody gets a message through a channel whose server makes trouble; then the ledger is held against its book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from sqlalchemy import text

from limner.campaigns.model import Campaign
from limner.channels.kinds import KINDS
from limner.channels.seam import Message, Receipt
from limner.consents import permissions
from limner.consents.model import SERVICE, address_hash
from limner.touches import entries
from limner.touches.model import Recipient
from limner.touches.outbox import Pace, work
from limner.workspace.confirming import settled_with
from tests.channels.channel_rigs import NOW, Rigs, WecomRig
from tests.touches.sending import SECRET, UTC_ZONE, open_records


class Troubled:
    """A channel whose server makes trouble at certain messages, and works again at the next."""

    def __init__(self, rig: Rigs, *, refused: set[str], every: int) -> None:
        self.kind = rig.channel.kind
        self._rig, self._refused, self._every = rig, refused, every
        self._sent = 0
        self._heal()

    def send(self, message: Message) -> Receipt:
        self._trouble()
        return self._rig.channel.send(message)

    def _trouble(self) -> None:
        self._heal()
        self._sent += 1
        match self._sent / self._every:
            case 1 | 7:
                self._rig.lose_answers(1)
            case 2 | 8:
                self._rig.drop(1)
            case 3:
                self._rig.limit()
            case 4:
                self._rig.expire()
            case 5 | 9:
                self._rig.busy()
            case 6:
                self._rig.break_down()

    def check(self) -> str:
        return self._rig.channel.check()

    def close(self) -> None:
        self._rig.channel.close()

    def _heal(self) -> None:
        self._rig.heal()
        self._rig.refuse_these(self._refused)


class TroubledTogether(Troubled):
    """The same of a channel that takes many messages at once."""

    together = 100

    def send_together(self, messages: Sequence[Message]) -> list[Receipt]:
        self._trouble()
        found: list[Receipt] = self._rig.channel.send_together(messages)  # type: ignore[union-attr]
        return found


class Plain:
    """Makes the rig's own message for everybody."""

    secret = SECRET

    def __init__(self, rig: Rigs) -> None:
        self._rig = rig

    def message(self, message_id: str, _variant: str, recipient: Recipient) -> Message:
        made = self._rig.message(message_id)
        return Message(**{**vars(made), "to": recipient.address})


def audited(rig: Rigs, *, people: int, folder: Path, together: bool = False) -> Counter[str]:
    """How many became what. Raises AssertionError where the ledger says anything else than the server's book.

    `together`: the channel is handed a hundred messages at once, all of the same words.
    Twenty of a thousand addresses are refused for good; answers and connections are lost, limits reached.
    """
    address = {f"p{number:06d}": rig.address(number) for number in range(people)}
    refused = {where for number, where in enumerate(address.values()) if number % 50 == 7}
    kind = rig.channel.kind
    campaign = Campaign("spring", {"": "Spring"}, "all", kind, "t", message_class=SERVICE, holdout=0.1)
    records = open_records(folder / "records.db")
    everybody = pa.table(
        {
            "person": list(address),
            "address": list(address.values()),
            "identifier_kind": ["user"] * people,
            "identifier_value": list(address),
        }
    )
    entries.launch(
        records, campaign=campaign, entry="e1", people=everybody, seed="s", secret=SECRET,
        definition="", content="", audience_text="all", as_of=NOW, now=NOW,
    )  # fmt: skip
    permits = KINDS[kind].permits
    if permits:
        permissions.give(
            records,
            [
                permissions.Permission(kind, address_hash(SECRET, kind, where), "T1", person)
                for person, where in address.items()
            ],
            now=NOW,
        )
    kind_of, every = (TroubledTogether, 2) if together else (Troubled, people // 20)
    troubled = kind_of(rig, refused=refused, every=every)
    if isinstance(rig, WecomRig):
        rig.same = together

    def known(persons: Sequence[str]) -> dict[str, Recipient]:
        return {one: Recipient(address[one], "user", one) for one in persons}

    now: datetime | None = NOW
    while now is not None:

        def clock(at: datetime = now) -> datetime:
            return at

        done = work(
            records, campaign=campaign, entry="e1", channel=troubled, composer=Plain(rig),  # type: ignore[arg-type]
            recipients=known, clock=clock, zone=UTC_ZONE, pace=Pace(bounce_share=1),
        )  # fmt: skip
        now = done.next_due
        if isinstance(rig, WecomRig):
            rig.heal()
            settled_with(records, rig.channel, clock=lambda: NOW, secret=SECRET)
    assert entries.entries(records, campaign="spring")[0].status == "done"
    counted = entries.counts(records, "spring", "e1")
    assert counted.exact
    assert counted.waiting == 0
    with records.read() as connection:
        rows = connection.execute(text("SELECT message_id, person, status FROM touches")).all()
        unused = connection.execute(text("SELECT COALESCE(SUM(left), 0) FROM permissions")).scalar_one()
    records.close()
    book, arrived_at = rig.received(), rig.arrived_at()
    if together:  # the book knows people, not our ids
        ids = {address[person]: message_id for message_id, person, _ in rows}
        book = {ids[where]: count for where, count in book.items()}
        arrived_at = {ids[where]: where for where in arrived_at}
    became = {message_id: (person, status) for message_id, person, status in rows}
    assert set(book) <= set(became)
    assert max(book.values()) == 1
    for message_id, (person, status) in became.items():
        arrived = book.get(message_id, 0)
        assert arrived_at.get(message_id, address[person]) == address[person]
        match status:
            case "sent":
                assert arrived == 1
                assert address[person] not in refused
            case "failed":
                assert arrived == 0
                assert address[person] in refused
            case _:
                assert status == "in_doubt"
    most_in_doubt = 5 * (troubled.together if isinstance(troubled, TroubledTogether) else 1)
    assert len([1 for _, status in became.values() if status == "in_doubt"]) <= most_in_doubt
    assert unused == (counted.held_out if permits else 0), "whoever was written to used up one permission"
    treated = {person for person, _ in became.values()}
    assert len(treated) + counted.held_out == people
    return Counter(status for _, status in became.values())
