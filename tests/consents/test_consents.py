from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from limner.consents import ledger
from limner.consents.model import Consent, Standing, State, address_hash, normalized, objection
from limner.store.records import Records

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
SECRET = b"secret"


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records(tmp_path / "records.db")
    opened.migrate()
    yield opened
    opened.close()


def consent(
    state: State = State.GRANTED, *, days: int = 0, address: str = "a@x.y", source: str = "form"
) -> Consent:
    hashed = address_hash(SECRET, "email", address)
    return Consent("p1", "email", hashed, state, NOW + timedelta(days=days), source, "row 7")


def standing(records: Records, address: str = "a@x.y", channel: str = "email") -> Standing:
    with records.read() as connection:
        found = ledger.standings(connection, channel)
        asked = ledger.standings(connection, channel, [address_hash(SECRET, channel, address)])
    hashed = address_hash(SECRET, channel, address)
    assert found.get(hashed) == asked.get(hashed)
    return asked.get(hashed, Standing())


def test_one_address_has_one_spelling() -> None:
    assert normalized("email", " Ann@Example.COM ") == normalized("email", "ann@example.com")
    assert normalized("email", "ａnn@example.com") == "ann@example.com"
    assert normalized("wechat", " oABC ") == "oABC"
    assert address_hash(SECRET, "email", "A@x.y") == address_hash(SECRET, "email", "a@x.y ")
    assert address_hash(SECRET, "email", "a@x.y") != address_hash(SECRET, "wechat", "a@x.y")
    assert address_hash(SECRET, "email", "a@x.y") != address_hash(b"other", "email", "a@x.y")


@pytest.mark.proves("V4")
@pytest.mark.parametrize("consented", [True, False])
@pytest.mark.parametrize("suppressed", ["", "unsubscribed", "complained", "bounced", "refused", "by hand"])
@pytest.mark.parametrize("message_class", ["marketing", "service"])
def test_the_class_drives_consent(consented: bool, suppressed: str, message_class: str) -> None:
    against = objection(Standing(consented, suppressed), message_class)
    if message_class == "marketing":
        assert against == (suppressed or ("" if consented else "no consent"))
    else:
        assert against == (suppressed if suppressed in ("bounced", "refused", "by hand") else "")


@pytest.mark.proves("V4")
def test_the_latest_word_counts_in_whatever_order_it_arrives(tmp_path: Path) -> None:
    words = [consent(), consent(State.WITHDRAWN, days=1), consent(days=2, source="shop")]
    for number, order in enumerate(itertools.permutations(words)):
        records = Records(tmp_path / f"{number}.db")
        records.migrate()
        for word in order:
            ledger.record(records, [word])
        assert standing(records) == Standing(consented=True)
        records.close()


def test_words_of_the_same_instant_count_against_sending(records: Records) -> None:
    ledger.record(records, [consent(State.WITHDRAWN), consent(source="import")])
    assert not standing(records).consented


def test_the_same_word_twice_is_kept_once_with_its_proof(records: Records) -> None:
    assert ledger.record(records, [consent(), consent()]) == 1
    assert ledger.record(records, [consent()]) == 0
    assert ledger.record(records, []) == 0
    kept = ledger.of_person(records, "p1")
    assert kept == [consent()]


def test_consent_is_per_channel_and_class(records: Records) -> None:
    ledger.record(records, [consent()])
    assert standing(records).consented
    assert not standing(records, channel="wechat").consented
    with records.read() as connection:
        assert ledger.standings(connection, "email", message_class="newsletter") == {}


@pytest.mark.proves("G16")
def test_an_unsubscription_outlives_a_later_import_until_the_recipient_lifts_it(records: Records) -> None:
    ledger.record(records, [consent()])
    hashed = address_hash(SECRET, "email", "a@x.y")
    assert ledger.unsubscribe(
        records, channel="email", address_hash=hashed, person="p1", now=NOW, proof="message 1"
    )
    assert not ledger.unsubscribe(
        records, channel="email", address_hash=hashed, person="p1", now=NOW, proof="message 1"
    )
    ledger.record(records, [consent(days=5, source="import")])
    assert objection(standing(records), "marketing") == "unsubscribed"
    assert ledger.suppressed_count(records, "email") == {"unsubscribed": 1}
    assert [word.state for word in ledger.of_person(records, "p1")] == ["granted", "withdrawn", "granted"]
    assert ledger.lift(records, "email", hashed)
    assert not ledger.lift(records, "email", hashed)
    assert objection(standing(records), "marketing") == ""


def test_the_first_reason_of_a_suppression_stays(records: Records) -> None:
    with records.begin() as connection:
        assert ledger.suppress(connection, "email", "h", reason="bounced", now=NOW)
        assert not ledger.suppress(connection, "email", "h", reason="unsubscribed", now=NOW)
    assert ledger.suppressed_count(records, "email") == {"bounced": 1}


@pytest.mark.proves("G18", partly="the rest of the data folder")
def test_erasing_leaves_no_word_of_the_person_but_keeps_the_suppression(records: Records) -> None:
    ledger.record(records, [consent()])
    hashed = address_hash(SECRET, "email", "a@x.y")
    ledger.unsubscribe(records, channel="email", address_hash=hashed, person="p1", now=NOW, proof="m")
    assert ledger.erase(records, "p1") == 2
    assert ledger.of_person(records, "p1") == []
    assert standing(records).suppressed == "unsubscribed"
    with records.read() as connection:
        assert "p1" not in str(connection.execute(text("SELECT * FROM suppressions")).all())
