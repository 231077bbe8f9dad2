from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from limner.campaigns.model import Cap, Quiet
from limner.channels.seam import Message, Outcome, Receipt, Unavailable
from limner.consents.ledger import record, unsubscribe
from limner.consents.model import Consent, State, address_hash
from limner.demo.mail_server import MailServer
from limner.errors import ConfigError, ConflictError, NotFoundError
from limner.store.records import Records
from limner.touches import drawing, entries
from limner.touches.letter import Composer, Source
from limner.touches.links import Links
from limner.touches.model import Recipient
from limner.touches.outbox import Pace, send_to_me
from limner.touches.values import Missing
from tests.touches.crowded import crowded
from tests.touches.sending import (
    NOW,
    SECRET,
    SPRING,
    TEXTS,
    Box,
    address,
    audience,
    begin,
    composer,
    consent_all,
    open_records,
    person,
    recipients,
    run,
    spent,
)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = open_records(tmp_path / "records.db")
    yield opened
    opened.close()


def _hash(number: int) -> str:
    return address_hash(SECRET, "email", address(number))


@pytest.mark.proves("G13")
def test_everybody_of_an_entry_is_somewhere(records: Records) -> None:
    consent_all(records, 60)
    unsubscribe(records, channel="email", address_hash=_hash(0), person=person(0), now=NOW, proof="m")
    people = audience(100)
    counted = begin(records, people, campaign=replace(SPRING, holdout=0.2))
    assert counted.exact
    assert counted.suppressed == {"no consent": 40, "unsubscribed": 1}
    assert 0 < counted.held_out < 30
    box = Box()

    def answer(message: Message) -> Receipt:
        draw = random.Random(message.to).random()
        if draw < 0.1:
            return Receipt(message.message_id, Outcome.FAILED, "550 no")
        if draw < 0.2:
            return Receipt(message.message_id, Outcome.IN_DOUBT, "silence")
        if draw < 0.3:
            return Receipt(message.message_id, Outcome.DEFERRED, "450 later")
        return Receipt(message.message_id, Outcome.ACCEPTED)

    box.answer = answer
    worked = run(records, box, campaign=replace(SPRING, holdout=0.2), pace=Pace(bounce_share=1))
    counted = entries.counts(records, "spring", "e1")
    assert counted.exact
    assert (counted.sent, counted.failed, counted.in_doubt) == (worked.sent, worked.failed, worked.in_doubt)
    assert min(worked.sent, worked.failed, worked.in_doubt, counted.waiting) > 0
    assert worked.next_due is not None


def test_a_preview_says_what_launching_would_do_and_keeps_nothing(records: Records) -> None:
    consent_all(records, 60)
    half = replace(SPRING, holdout=0.5)
    shown = drawing.preview(records, campaign=half, people=audience(100), seed="s", secret=SECRET, now=NOW)
    with pytest.raises(NotFoundError):
        entries.counts(records, "spring", "e1")
    assert begin(records, audience(100), campaign=half) == shown


def test_an_entry_has_something_to_do_while_somebody_is_due(records: Records) -> None:
    consent_all(records, 2)
    begin(records, audience(2))
    assert entries.next_due(records, "spring", "e1", now=NOW) == NOW
    box = Box()
    box.answer = lambda message: Receipt(message.message_id, Outcome.DEFERRED, "450 later")
    due = run(records, box).next_due
    assert due is not None
    assert entries.next_due(records, "spring", "e1", now=NOW) is None
    assert entries.next_due(records, "spring", "e1", now=due) == due
    entries.stop(records, "spring", "e1", reason="", now=NOW)
    assert entries.next_due(records, "spring", "e1", now=due) is None


def test_launching_the_same_entry_again_changes_nothing(records: Records) -> None:
    consent_all(records, 10)
    first = begin(records, audience(10))
    run(records, Box())
    again = begin(records, audience(20))
    assert again.audience == first.audience == 10
    assert again.sent == 10


def test_the_held_out_are_the_same_for_the_same_seed_and_get_nothing(records: Records) -> None:
    consent_all(records, 200)
    half = replace(SPRING, holdout=0.5)
    begin(records, audience(200), campaign=half, entry="a")
    begin(records, audience(200), campaign=half, entry="b")
    with records.read() as connection:
        arms = {
            entry: set(
                connection.execute(
                    text("SELECT person FROM arms WHERE arm = 'held_out' AND entry = :e"), {"e": entry}
                ).scalars()
            )
            for entry in ("a", "b")
        }
    assert arms["a"] == arms["b"]
    box = Box()
    run(records, box, campaign=half, entry="a")
    assert not {f"{one}@example.com" for one in arms["a"]} & set(box.addresses)
    assert len(box.messages) == 200 - len(arms["a"])


def test_two_people_with_one_address_get_one_message(records: Records) -> None:
    consent_all(records, 1)
    people = audience(2).set_column(1, "address", [["P000000@example.com", "p000000@example.com "]])
    assert begin(records, people).suppressed == {"same address as another person": 1}


@pytest.mark.proves("G15")
def test_consent_withdrawn_between_queue_and_send_stops_the_message(records: Records) -> None:
    consent_all(records, 3)
    begin(records, audience(3))
    withdrawn = Consent(person(1), "email", _hash(1), State.WITHDRAWN, NOW, "preferences")
    record(records, [withdrawn])
    box = Box()
    run(records, box)
    assert box.addresses == [address(0), address(2)]
    counted = entries.counts(records, "spring", "e1")
    assert counted.suppressed == {"no consent": 1}
    assert counted.exact


@pytest.mark.proves("G16")
def test_unsubscribing_between_two_claims_stops_the_next_message(records: Records) -> None:
    consent_all(records, 3)
    begin(records, audience(3))
    box = Box()

    def answer(message: Message) -> Receipt:
        unsubscribe(records, channel="email", address_hash=_hash(2), person=person(2), now=NOW, proof="m")
        return Receipt(message.message_id, Outcome.ACCEPTED)

    box.answer = answer
    run(records, box, pace=Pace(claim=1))
    assert sorted(box.addresses) == [address(0), address(1)]


def test_a_service_message_needs_no_consent_and_outlives_an_unsubscription(records: Records) -> None:
    unsubscribe(records, channel="email", address_hash=_hash(0), person=person(0), now=NOW, proof="m")
    service = replace(SPRING, message_class="service")
    begin(records, audience(2), campaign=service)
    box = Box()
    run(records, box, campaign=service)
    assert len(box.messages) == 2
    assert "List-Unsubscribe" not in box.messages[0].headers


@pytest.mark.proves("H8")
def test_the_class_drives_consent_and_caps(records: Records) -> None:
    consent_all(records, 1)
    capped = replace(SPRING, cap=Cap(1, timedelta(days=7)))
    service = replace(capped, name="parcel", message_class="service")
    box = Box()
    for campaign, entry in ((service, "a"), (capped, "b"), (service, "c"), (capped, "d")):
        begin(records, audience(2), campaign=campaign, entry=entry)
        run(records, box, campaign=campaign, entry=entry)
    assert [message.message_class for message in box.messages] == ["service", "service", "marketing"]
    assert entries.counts(records, "parcel", "c").suppressed == {"cap reached: 1 in 7 days": 2}
    assert entries.counts(records, "spring", "d").suppressed == {
        "cap reached: 1 in 7 days": 1,
        "no consent": 1,
    }


def test_an_advertisement_carries_the_one_click_headers(records: Records) -> None:
    consent_all(records, 1)
    begin(records, audience(1))
    box = Box()
    run(records, box)
    headers = box.messages[0].headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].startswith("<https://shop.example/u/")
    assert "<mailto:shop@example.com?subject=unsubscribe>" in headers["List-Unsubscribe"]
    assert "https://shop.example/o/" in box.messages[0].html
    answered = replace(SPRING, name="b", sender="Shop <care@shop.example>", subject_prefix="广告")
    begin(records, audience(1), campaign=answered)
    run(records, box, campaign=answered)
    assert box.messages[1].headers["Reply-To"] == "care@shop.example"
    assert "<mailto:care@shop.example?" in box.messages[1].headers["List-Unsubscribe"]
    assert box.messages[1].subject.startswith("广告 Hello")


def test_advertising_without_a_public_address_cannot_be_composed() -> None:
    with pytest.raises(ConfigError, match="public_url"):
        Composer(SPRING, composer().letters, Links(b"x", ""), b"x")


@pytest.mark.proves("S9")
@pytest.mark.proves("G15")
def test_a_cap_counts_every_campaign_and_is_recorded(records: Records) -> None:
    consent_all(records, 2)
    capped = replace(SPRING, cap=Cap(1, timedelta(days=7)))
    other = replace(capped, name="summer")
    begin(records, audience(2), campaign=capped)
    begin(records, audience(2), campaign=other)
    box = Box()
    run(records, box, campaign=capped)
    run(records, box, campaign=other)
    assert len(box.messages) == 2
    assert entries.counts(records, "summer", "e1").suppressed == {"cap reached: 1 in 7 days": 2}
    early = begin(records, audience(3), campaign=other, entry="early")
    assert early.suppressed == {"cap reached: 1 in 7 days": 2, "no consent": 1}
    later = NOW + timedelta(days=7, seconds=1)
    assert begin(records, audience(2), campaign=other, entry="e2", now=later).waiting == 2
    run(records, box, campaign=other, entry="e2", now=later)
    assert len(box.messages) == 4


@pytest.mark.proves("G15")
def test_no_rule_is_broken_when_many_campaigns_send_at_once_and_people_withdraw(records: Records) -> None:
    """`python -m benchmarks.rules_at_the_claim` asks it of 100,000 messages."""
    found = crowded(records, campaigns=12, people=60, seed=1)
    assert (found.asked, found.broken, found.exact) == (12 * 57, 0, True), "three unsubscribed before"
    assert found.taken > 60, "something was sent"


@pytest.mark.proves("S3")
@pytest.mark.proves("G15")
def test_quiet_hours_on_the_persons_clock_put_the_message_off(records: Records) -> None:
    consent_all(records, 2)
    quiet = replace(SPRING, quiet=Quiet(time(22), time(8)))
    begin(records, audience(2), campaign=quiet)
    box = Box()

    def zoned(people: Sequence[str]) -> dict[str, Recipient]:
        zones = {person(0): "Asia/Shanghai", person(1): None}
        return {one: replace(found, zone=zones[one]) for one, found in recipients(people).items()}

    night = datetime(2026, 3, 2, 19, 0, tzinfo=UTC)  # 03:00 in Shanghai
    worked = run(records, box, campaign=quiet, recipients=zoned, now=night)
    assert box.addresses == [address(1)]
    assert worked.next_due == datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    morning = worked.next_due
    run(records, box, campaign=quiet, recipients=zoned, now=morning)
    assert box.addresses == [address(1), address(0)]
    assert entries.entry_of(records, "spring", "e1").status == "done"


@pytest.mark.proves("S8")
def test_who_lacks_a_value_is_skipped_with_the_reason(records: Records) -> None:
    consent_all(records, 2)
    begin(records, audience(2))

    def nameless(people: Sequence[str]) -> dict[str, Recipient]:
        found = recipients(people)
        return {**found, person(0): replace(found[person(0)], person={"name": " "})}

    box = Box()
    run(records, box, recipients=nameless)
    assert box.addresses == [address(1)]
    assert entries.counts(records, "spring", "e1").suppressed == {"missing person.name": 1}


@pytest.mark.proves("G18", partly="the rest of the data folder")
def test_who_is_erased_while_waiting_gets_nothing_and_the_sum_stays_exact(records: Records) -> None:
    consent_all(records, 3)
    begin(records, audience(3))
    entries.erase(records, person(1))
    box = Box()
    run(records, box)
    assert box.addresses == [address(0), address(2)]
    counted = entries.counts(records, "spring", "e1")
    assert counted.exact
    assert counted.suppressed == {"erased": 1}
    with records.read() as connection:
        rows = connection.execute(text("SELECT * FROM touches")).all()
        rows += connection.execute(text("SELECT * FROM arms")).all()
    assert person(1) not in str(rows)
    assert _hash(1) not in str(rows)
    assert "u1'" not in str(rows)


@pytest.mark.proves("G15")
def test_a_stop_is_obeyed_before_the_next_message_and_can_be_undone(records: Records) -> None:
    consent_all(records, 50)
    begin(records, audience(50))
    box = Box()

    def answer(message: Message) -> Receipt:
        if len(box.messages) == 6:
            entries.stop(records, "spring", "e1", reason="typo", now=NOW)
        return Receipt(message.message_id, Outcome.ACCEPTED)

    box.answer = answer
    worked = run(records, box)
    assert len(box.messages) == 7
    assert worked.status == "stopped"
    counted = entries.counts(records, "spring", "e1")
    assert (counted.sent, counted.waiting, counted.in_doubt) == (7, 43, 0)
    entries.resume(records, "spring", "e1", now=NOW)
    run(records, box)
    assert Counter(box.addresses) == Counter(address(n) for n in range(50))
    with pytest.raises(ConflictError):
        entries.resume(records, "spring", "e1", now=NOW)
    with pytest.raises(NotFoundError):
        entries.stop(records, "spring", "e9", reason="", now=NOW)


def test_a_process_that_must_end_leaves_the_rest_waiting(records: Records) -> None:
    consent_all(records, 30)
    begin(records, audience(30))
    box = Box()
    run(records, box, stopping=lambda: len(box.messages) >= 5)
    counted = entries.counts(records, "spring", "e1")
    assert (counted.sent, counted.waiting, counted.sending) == (5, 25, 0)


def test_a_channel_that_is_not_there_fails_nobody_and_is_tried_later(records: Records) -> None:
    consent_all(records, 30)
    begin(records, audience(30))
    box = Box()

    def gone(_message: Message) -> Receipt:
        raise Unavailable("no route", code="smtp_timeout")

    box.answer = gone
    now = NOW
    for minutes in (1, 2, 4, 8, 15, 15):
        worked = run(records, box, now=now)
        assert worked.next_due == now + timedelta(minutes=minutes)
        assert worked.reason == "smtp_timeout: no route"
        assert run(records, box, now=now).next_due == worked.next_due
        now = worked.next_due
    assert entries.counts(records, "spring", "e1").waiting == 30
    box.answer = Box().answer
    assert run(records, box, now=now).sent == 30


def test_a_wrong_password_pauses_the_entry_after_five_tries_and_fails_nobody(records: Records) -> None:
    consent_all(records, 3)
    begin(records, audience(3))
    box = Box()

    def refused(_message: Message) -> Receipt:
        raise Unavailable("535 no", code="channel_down")

    box.answer = refused
    now = NOW
    for _ in range(4):
        now = run(records, box, now=now).next_due or pytest.fail("stopped too early")
    worked = run(records, box, now=now)
    assert worked.status == "paused"
    assert worked.next_due is None
    counted = entries.counts(records, "spring", "e1")
    assert (counted.waiting, counted.failed) == (3, 0)


def test_a_quota_waits_until_the_platform_says(records: Records) -> None:
    consent_all(records, 3)
    begin(records, audience(3))
    box = Box()
    midnight = NOW + timedelta(hours=6)

    def used_up(message: Message) -> Receipt:
        if box.messages:
            raise Unavailable("quota", code="rate_limited", until=midnight)
        return Receipt(message.message_id, Outcome.ACCEPTED)

    box.answer = used_up
    assert run(records, box).next_due == midnight
    box.answer = Box().answer
    assert run(records, box, now=midnight).sent == 2


def test_a_busy_relay_is_asked_again_and_given_up_after_six_tries(records: Records) -> None:
    consent_all(records, 1)
    begin(records, audience(1))
    box = Box()
    box.answer = lambda message: Receipt(message.message_id, Outcome.DEFERRED, "450 later")
    now = NOW
    waits = []
    for _ in range(5):
        worked = run(records, box, now=now)
        assert worked.next_due is not None
        waits.append((worked.next_due - now).total_seconds())
        now = worked.next_due
    assert run(records, box, now=now).failed == 1
    assert len(box.messages) == 6
    assert waits == sorted(waits)
    assert now - NOW < timedelta(hours=24)
    assert entries.counts(records, "spring", "e1").failed == 1


def test_a_bounce_storm_pauses_the_entry(records: Records) -> None:
    consent_all(records, 300)
    begin(records, audience(300))
    box = Box()
    box.answer = lambda message: (
        Receipt(message.message_id, Outcome.FAILED, "550 5.1.1 unknown", gone=True)
        if random.Random(message.to).random() < 0.3
        else Receipt(message.message_id, Outcome.ACCEPTED)
    )
    worked = run(records, box)
    assert (worked.status, worked.reason) == ("paused", "bounce rate over 5%")
    assert len(box.messages) < 100
    counted = entries.counts(records, "spring", "e1")
    assert counted.exact
    assert counted.waiting > 200
    gone = [one.to for one in box.messages if random.Random(one.to).random() < 0.3]
    again = begin(records, audience(300), entry="e2")
    assert again.suppressed == {"bounced": len(gone)}


def test_a_channel_that_breaks_leaves_its_message_in_doubt_and_the_rest_waiting(records: Records) -> None:
    consent_all(records, 30)
    begin(records, audience(30))
    box = Box()

    def breaks(message: Message) -> Receipt:
        if len(box.messages) == 3:
            raise ZeroDivisionError
        return Receipt(message.message_id, Outcome.ACCEPTED)

    box.answer = breaks
    with pytest.raises(ZeroDivisionError):
        run(records, box)
    counted = entries.counts(records, "spring", "e1")
    assert (counted.sent, counted.in_doubt, counted.waiting) == (3, 1, 26)
    doubtful = entries.in_doubt(records, "spring", "e1")
    assert [row["reason"] for row in doubtful] == ["sending broke off: ZeroDivisionError"]
    box.answer = Box().answer
    run(records, box)
    assert len(box.messages) == 29
    assert entries.send_again(records, "spring", "e1", doubtful[0]["message_id"])
    assert not entries.send_again(records, "spring", "e1", doubtful[0]["message_id"])
    run(records, box)
    assert len(set(box.addresses)) == len(box.addresses) == 30


def test_a_pace_is_kept_and_a_stop_heard_while_waiting(records: Records) -> None:
    consent_all(records, 5)
    begin(records, audience(5))
    box = Box()
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 7:
            entries.stop(records, "spring", "e1", reason="", now=NOW)

    run(records, box, pace=Pace(per_second=0.5), wait=wait)
    assert len(box.messages) == 2
    assert max(waited) <= 0.5
    assert len(waited) == 7


def test_a_message_to_oneself_is_not_counted(records: Records) -> None:
    consent_all(records, 1)
    begin(records, audience(1))
    box = Box()
    shown = recipients([person(0)])[person(0)]
    receipt = send_to_me(box, composer(), address="me@shop.example", recipient=shown, nonce="1")
    assert receipt.outcome is Outcome.ACCEPTED
    assert box.addresses == ["me@shop.example"]
    assert person(0) in box.messages[0].html
    assert len(receipt.message_id) <= 32
    counted = entries.counts(records, "spring", "e1")
    assert (counted.waiting, counted.sent) == (1, 0)
    with pytest.raises(Missing):
        send_to_me(box, composer(), address="me@shop.example", recipient=replace(shown, person={}), nonce="2")


@pytest.mark.proves("S7")
def test_each_variant_has_its_own_text(records: Records) -> None:
    consent_all(records, 3)
    people = audience(3).append_column("variant", [["vip", None, "unknown"]])
    begin(records, people)
    texts = {**TEXTS, "vip": Source(subject="For you", text="Dear {{ unsubscribe_url }}")}
    box = Box()
    run(records, box, composer=composer(texts=texts))
    assert [message.subject for message in box.messages] == [
        "For you",
        f"Hello Name {person(1)}",
        f"Hello Name {person(2)}",
    ]
    assert box.messages[0].html == ""


@pytest.mark.proves("G13")
@pytest.mark.proves("G12")
def test_a_killed_sender_never_sends_a_message_twice(tmp_path: Path) -> None:
    """Twenty kills; `benchmarks/outbox_kills.py` makes 500 of 100,000 messages."""
    people, kills = 2000, 20
    path = tmp_path / "records.db"
    records = open_records(path)
    consent_all(records, people)
    begin(records, audience(people), campaign=replace(SPRING, holdout=0.1))
    treated = entries.counts(records, "spring", "e1").waiting
    reached = threading.Event()
    goal = [0]

    with MailServer() as mails:
        mails.on_mail = lambda _mail: reached.set() if len(mails.messages()) >= goal[0] else None
        for share in (*(n / (kills + 10) for n in range(1, kills + 1)), None):
            goal[0] = treated * 10 if share is None else int(treated * share)
            reached.clear()
            worker = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("sending.py")), str(path), str(mails.port)]
            )
            if share is None:
                assert worker.wait(timeout=120) == 0
            else:
                assert reached.wait(timeout=120)
                os.kill(worker.pid, signal.SIGKILL)
                worker.wait()
        taken = len(mails.messages())
        assert mails.twice == []
    counted = entries.counts(records, "spring", "e1")
    assert counted.exact
    assert counted.waiting == 0
    assert counted.sent + counted.in_doubt == treated
    assert counted.sent <= taken <= treated
    assert 0 < counted.in_doubt <= kills * Pace().claim
    assert spent(records) == {("spring", "2026-03"): 100 * treated}
    assert len(entries.in_doubt(records, "spring", "e1")) == counted.in_doubt
    records.close()
