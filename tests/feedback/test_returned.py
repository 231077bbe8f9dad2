"""Mails that come back: what they say, what that changes, and that each counts once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from limner.accounts.keys import micros
from limner.campaigns.rules import Harm
from limner.channels.seam import Outcome, Receipt
from limner.consents.model import address_hash
from limner.feedback import harm, returns
from limner.feedback.returned import MOST_BYTES, Kind, read
from limner.store.records import Records
from limner.touches import entries
from limner.touches.history import reacted
from tests.feedback.mails_that_came_back import MAILS, mail
from tests.touches.sending import (
    NOW,
    SECRET,
    Box,
    address,
    audience,
    begin,
    consent_all,
    open_records,
    person,
    run,
)

ID = "0f" * 15
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = open_records(tmp_path / "records.db")
    yield opened
    opened.close()


def sent(records: Records, people: int = 1, entry: str = "e1") -> list[str]:
    """The ids of messages that were sent, by person."""
    if entry == "e1":
        consent_all(records, people)
    begin(records, audience(people), entry=entry, seed=entry)
    box = Box()
    run(records, box, entry=entry)
    return [message.message_id for message in sorted(box.messages, key=lambda message: message.to)]


def suppressed(records: Records, number: int = 0) -> str | None:
    with records.read() as connection:
        return connection.execute(
            text("SELECT reason FROM suppressions WHERE address_hash = :hash"),
            {"hash": address_hash(SECRET, "email", address(number))},
        ).scalar()


def take(records: Records, name: str, message_id: str, soft: int = 3) -> returns.Taken:
    return returns.take(records, mail(name, message_id), soft_in_a_row=soft, now=LATER)


@pytest.mark.parametrize("name", list(MAILS))
def test_what_mail_servers_write_is_understood(name: str) -> None:
    found = read(mail(name, ID))
    assert found.kind == MAILS[name][0], found
    assert "ann@" not in found.reason, "an address stands in no reason"
    if found.kind not in (Kind.NOISE, Kind.UNCLEAR):
        assert found.message_id == ID


def test_nonsense_breaks_nothing() -> None:
    dice = random.Random(7)
    whole = [mail(name, ID) for name in MAILS]
    for _ in range(400):
        raw = bytearray(dice.choice(whole))
        for _ in range(dice.randrange(1, 30)):
            at = dice.randrange(len(raw))
            match dice.randrange(3):
                case 0:
                    raw[at] = dice.randrange(256)
                case 1:
                    del raw[at : at + dice.randrange(40)]
                case _:
                    raw[at:at] = dice.randbytes(dice.randrange(1, 20))
            raw = raw or bytearray(b"x")
        assert read(bytes(raw)).kind in Kind
    deep = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 3_000
    )
    for raw in (
        b"",
        b"\0" * 100,
        b"a" * (MOST_BYTES + 9),
        "退信".encode("utf-16"),
        deep,
        b"From: \xff\r\n\r\n\xff",
    ):
        assert read(raw).kind is Kind.UNCLEAR


@pytest.mark.proves("H10")
def test_a_dead_address_gets_no_more_and_it_counts_once(records: Records) -> None:
    first, second = sent(records, 2)
    found = [take(records, "Postfix, unknown mailbox", first) for _ in range(3)]
    assert suppressed(records, 0) == "bounced"
    assert suppressed(records, 1) is None
    call = found[0].call
    assert call is not None
    assert (call["event"], call["userId"]) == ("Message Bounced", "u0")
    assert (call["properties"]["kind"], call["properties"]["status"]) == ("hard", "5.1.1")
    assert {one.call["messageId"] for one in found if one.call} == {f"{first}.message_bounced.hard"}
    assert [row["message_id"] for row in returns.listed(records)] == [first]
    take(records, "wants to leave", second)
    assert suppressed(records, 1) == "unsubscribed"
    take(records, "Exim", second)
    assert suppressed(records, 1) == "bounced", "a dead address gets no service messages either"
    begin(records, audience(2), entry="e2", seed="2")
    box = Box()
    run(records, box, entry="e2")
    assert box.messages == []
    assert entries.counts(records, "spring", "e2").suppressed == {"bounced": 2}


def test_an_address_is_dead_after_messages_in_a_row_came_back(records: Records) -> None:
    ids = [sent(records, entry=f"e{n}")[0] for n in range(1, 5)]
    with records.begin() as connection:
        for n, one in enumerate(ids):
            connection.execute(
                text("UPDATE touches SET claimed_at = :at WHERE message_id = :id"),
                {"at": micros(NOW + timedelta(days=n)), "id": one},
            )
    for _ in range(3):
        take(records, "full mailbox", ids[0])
    take(records, "gave up after days", ids[1])
    take(records, "held for spam", ids[3])
    assert suppressed(records) is None, "the third arrived: they were not in a row"
    take(records, "Chinese, full", ids[2])
    assert suppressed(records) == "bounced"
    take(records, "full mailbox", ids[3], soft=0)


def test_soft_bounces_never_kill_where_the_settings_say_so(records: Records) -> None:
    (one,) = sent(records)
    take(records, "full mailbox", one, soft=0)
    assert suppressed(records) is None
    take(records, "full mailbox", one, soft=1)
    assert suppressed(records) == "bounced"


@pytest.mark.proves("S9")
def test_a_complaint_stops_advertising_and_counts_as_harm(records: Records) -> None:
    ids = sent(records, 30)
    for _ in range(3):
        found = take(records, "complaint", ids[0])
    assert suppressed(records) == "complained"
    assert found.call is not None
    assert (found.call["event"], found.call["properties"]["reason"]) == ("Complained", "abuse")
    for one in ids[1:4]:
        take(records, "complaint", one)
    with records.read() as connection:
        assert reacted(connection, "spring", "e1") == (0, 4)
    judge = harm.judge(Harm(complained=0.02, least=10))
    assert judge is not None
    assert "4 of 30 complained" in judge(30, 0, 4)


def test_what_is_not_ours_or_not_clear_is_kept_and_changes_nothing(records: Records) -> None:
    (one,) = sent(records)
    calls = [
        take(records, "Postfix, unknown mailbox", "ab" * 15).call,
        take(records, "a person writes", one).call,
        take(records, "only delayed", one).call,
        returns.take(records, b"nonsense", soft_in_a_row=3, now=LATER).call,
    ]
    assert calls == [None] * 4
    assert suppressed(records) is None
    rows = {row["kind"]: row for row in returns.listed(records)}
    assert {kind: row["kept"] for kind, row in rows.items()} == {
        "unknown": True,
        "unclear": True,
        "noise": False,
    }
    assert returns.counted(records, since=NOW) == {"unknown": 1, "unclear": 2, "noise": 1}
    assert returns.whole(records, rows["unknown"]["id"]) == mail("Postfix, unknown mailbox", "ab" * 15)
    returns.take(records, b"later", soft_in_a_row=3, now=LATER + returns.KEPT + timedelta(hours=1))
    assert returns.whole(records, rows["unknown"]["id"]) is None, "nothing is kept for longer than a month"


def test_a_bounce_ends_a_doubt_and_an_erased_person_leaves_no_trace(records: Records) -> None:
    consent_all(records, 1)
    begin(records, audience(1))
    box = Box()
    box.answer = lambda message: Receipt(message.message_id, Outcome.IN_DOUBT, "no answer")
    run(records, box)
    one = box.messages[0].message_id
    take(records, "full mailbox", one)
    take(records, "a person writes", one)
    assert entries.counts(records, "spring", "e1").failed == 1
    assert returns.erase(records, person(0)) == 2
    assert returns.listed(records) == []
