from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import text

from limner.accounts.keys import micros
from limner.campaigns.model import Goal
from limner.consents.model import address_hash
from limner.engine.duckdb import DuckDB
from limner.events.tables import TABLES as EVENT_TABLES
from limner.feedback import handlers, receipts
from limner.feedback.effects import Arm
from limner.feedback.report import GoalEvents, Outcome, arms_of, changed, outcome, report
from limner.identity.tables import TABLES as IDENTITY_TABLES
from limner.store.records import Records
from limner.touches import entries
from limner.types import ValueType
from tests.touches.sending import (
    LINKS,
    NOW,
    SECRET,
    SPRING,
    Box,
    address,
    audience,
    begin,
    consent_all,
    open_records,
    person,
    run,
)

PEOPLE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
LATER = NOW + timedelta(hours=1)
TARGET = "https://shop.example/sale"


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = open_records(tmp_path / "records.db")
    yield opened
    opened.close()


def sent(records: Records, count: int = 1) -> str:
    """The id of the first of `count` messages that were sent."""
    consent_all(records, count)
    begin(records, audience(count))
    box = Box()
    run(records, box)
    return box.messages[0].message_id


def token(url: str) -> str:
    return url.rpartition("/")[2]


@pytest.mark.proves("C12", partly="e-mail and the official account only")
@pytest.mark.proves("C12", "F1")
@pytest.mark.proves("C8")
def test_a_click_leads_on_and_becomes_an_event_of_the_person(records: Records) -> None:
    message_id = sent(records)
    found = handlers.click(
        records, LINKS, token(LINKS.click_url(message_id, TARGET)), user_agent=PEOPLE, now=LATER
    )
    assert found is not None
    assert found.target == TARGET
    assert found.call is not None
    assert found.call["userId"] == "u0"
    assert (found.call["type"], found.call["event"]) == ("track", "Link Clicked")
    assert found.call["timestamp"] == LATER.isoformat()
    assert found.call["properties"] == {
        "campaign": "spring", "entry": "e1", "channel": "email", "class": "marketing", "message_id": message_id,
        "url": TARGET, "machine": False,
    }  # fmt: skip
    again = handlers.click(
        records, LINKS, token(LINKS.click_url(message_id, TARGET)), user_agent=PEOPLE,
        now=LATER + timedelta(days=1),
    )  # fmt: skip
    other = handlers.click(
        records, LINKS, token(LINKS.click_url(message_id, TARGET + "2")), user_agent=PEOPLE, now=LATER
    )
    assert again is not None
    assert again.call is not None
    assert again.call["messageId"] == found.call["messageId"]
    assert other is not None
    assert other.call is not None
    assert other.call["messageId"] != found.call["messageId"]


def test_a_changed_link_leads_nowhere(records: Records) -> None:
    assert handlers.click(records, LINKS, "https://evil.example", user_agent=PEOPLE, now=LATER) is None
    assert handlers.click(records, LINKS, "x" * 10_000, user_agent=PEOPLE, now=LATER) is None


def test_a_link_of_a_trial_or_of_an_erased_person_leads_on_without_an_event(records: Records) -> None:
    message_id = sent(records)
    entries.erase(records, person(0))
    for some_id in (message_id, "t0"):
        found = handlers.click(
            records, LINKS, token(LINKS.click_url(some_id, TARGET)), user_agent=PEOPLE, now=LATER
        )
        assert found == handlers.Click(TARGET, None)


def test_a_link_leads_on_while_the_records_cannot_be_read(tmp_path: Path) -> None:
    empty = Records(tmp_path / "empty.db")
    link = token(LINKS.click_url("m1", TARGET))
    assert handlers.click(empty, LINKS, link, user_agent=PEOPLE, now=LATER) == handlers.Click(TARGET, None)
    assert handlers.opened(empty, LINKS, token(LINKS.open_url("m1")), user_agent=PEOPLE, now=LATER) is None
    empty.close()


@pytest.mark.proves("C8")
def test_opens_count_once_and_machines_apart(records: Records) -> None:
    message_id = sent(records)
    link = token(LINKS.open_url(message_id))
    by_machine = handlers.opened(records, LINKS, link, user_agent="Mozilla/5.0", now=LATER)
    assert by_machine is not None
    assert by_machine["properties"]["machine"] is True
    assert report(records, campaign=SPRING, entry="e1", outcome=None)["opened"] == 0
    calls = [handlers.opened(records, LINKS, link, user_agent=PEOPLE, now=LATER) for _ in range(3)]
    assert {call["messageId"] for call in calls if call} == {f"{message_id}.message_opened"}
    assert by_machine["messageId"] != f"{message_id}.message_opened"
    assert report(records, campaign=SPRING, entry="e1", outcome=None)["opened"] == 1
    assert handlers.opened(records, LINKS, "nonsense", user_agent=PEOPLE, now=LATER) is None
    assert handlers.GIF.startswith(b"GIF89a")
    assert handlers.GIF.endswith(b";")


@pytest.mark.parametrize(
    ("agent", "click", "seconds", "machine"),
    [
        (PEOPLE, False, 0, False),
        (PEOPLE, True, 1, True),
        (PEOPLE, True, 3, False),
        ("Mozilla/5.0", False, 100, True),
        ("", False, 100, True),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko (via ggpht.com GoogleImageProxy)", False, 9, True),
        ("YahooMailProxy; https://help.yahoo.com", False, 9, True),
        ("Barracuda Sentinel", True, 100, True),
        ("python-requests/2.31", True, 100, True),
    ],
)  # fmt: skip
def test_machines_are_told_from_people(agent: str, click: bool, seconds: int, machine: bool) -> None:
    at = NOW + timedelta(seconds=seconds)
    assert receipts.is_machine(agent, at=at, sent_at=NOW, click=click) is machine


@pytest.mark.proves("G16")
@pytest.mark.proves("H10")
def test_a_get_only_shows_a_page_and_a_post_unsubscribes_at_once(records: Records) -> None:
    message_id = sent(records, 2)
    leave = token(LINKS.unsubscribe_url(message_id, "email", address_hash(SECRET, "email", address(0))))
    page = handlers.unsubscribe_page(LINKS, leave, name="<Shop>")
    assert page is not None
    assert '<form method="post">' in page
    assert "&lt;Shop&gt;" in page
    assert "<Shop>" not in page
    assert "退订" in page
    assert "Unsubscribe" in page
    assert begin(records, audience(2), entry="e2").waiting == 2
    done = handlers.unsubscribe(records, LINKS, leave, name="Shop", now=LATER)
    assert done is not None
    assert done.call is not None
    assert done.call["event"] == "Unsubscribed"
    assert done.call["userId"] == "u0"
    again = handlers.unsubscribe(records, LINKS, leave, name="Shop", now=LATER + timedelta(days=1))
    assert again is not None
    assert again.call is not None
    assert (again.page, again.call["messageId"]) == (done.page, done.call["messageId"])
    box = Box()
    run(records, box, entry="e2", now=LATER)
    assert box.addresses == [address(1)]
    assert report(records, campaign=SPRING, entry="e1", outcome=None)["unsubscribed"] == 1
    consent_all(records, 2, at=LATER + timedelta(days=60))
    assert begin(records, audience(2), entry="e3").suppressed == {"unsubscribed": 1}


def test_a_guessed_token_unsubscribes_nobody(records: Records) -> None:
    for guess in ("1", "", LINKS.open_url("m1"), "x" * 10_000):
        assert handlers.unsubscribe_page(LINKS, guess, name="Shop") is None
        assert handlers.unsubscribe(records, LINKS, guess, name="Shop", now=LATER) is None


def test_who_was_erased_can_still_unsubscribe(records: Records) -> None:
    message_id = sent(records)
    leave = token(LINKS.unsubscribe_url(message_id, "email", address_hash(SECRET, "email", address(0))))
    entries.erase(records, person(0))
    done = handlers.unsubscribe(records, LINKS, leave, name="Shop", now=LATER)
    assert done is not None
    assert done.call is None
    consent_all(records, 1, at=LATER + timedelta(days=40))
    assert begin(records, audience(1), entry="e2").suppressed == {"unsubscribed": 1}


@pytest.mark.proves("C12")
def test_every_sent_and_failed_message_is_told_once(records: Records) -> None:
    sent(records, 3)
    waiting = receipts.untold(records)
    assert [call["event"] for _, call in waiting if call] == ["Message Sent"] * 3
    assert {call["messageId"] for _, call in waiting if call} == {f"{i}.message_sent" for i, _ in waiting}
    assert receipts.untold(records) == waiting
    receipts.told(records, [message_id for message_id, _ in waiting[:2]])
    assert receipts.untold(records) == waiting[2:]
    receipts.told(records, [])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("user", {"userId": "v"}),
        ("device", {"anonymousId": "v"}),
        (
            "openid",
            {"context": {"externalIds": [
                {"id": "v", "type": "openid", "collection": "users", "encoding": "none"},
            ]}},
        ),
    ],
)  # fmt: skip
def test_the_person_is_named_as_the_event_log_knows_them(kind: str, expected: dict[str, object]) -> None:
    about = receipts.Touched("m", "c", "e", "email", "p", kind, "v", "vip", "marketing", NOW)
    call = receipts.call(receipts.SENT, about, at=NOW)
    assert call is not None
    names = {key: call[key] for key in ("userId", "anonymousId", "context") if key in call}
    assert names == expected
    assert call["properties"]["variant"] == "vip"
    assert receipts.call(receipts.SENT, replace(about, identifier_value=""), at=NOW) is None


# -- the report


@pytest.fixture
def engine() -> Iterator[DuckDB]:
    opened = DuckDB(None)
    with opened.write() as tx:
        for tables in (EVENT_TABLES, IDENTITY_TABLES):
            for statement in tables.split(";"):
                if statement.strip():
                    tx.execute(statement)
        tx.execute("ALTER TABLE events ADD COLUMN p_0 BIGINT")
        tx.execute("ALTER TABLE events ADD COLUMN p_1 DOUBLE")
    yield opened
    opened.close()


def persons(
    engine: DuckDB, count: int, merged: dict[int, int] | None = None, erased: tuple[int, ...] = ()
) -> None:
    with engine.write() as tx:
        tx.insert(
            "persons",
            pa.table(
                {
                    "ix": pa.array(range(count), pa.uint32()),
                    "person_id": [person(n) for n in range(count)],
                    "created_at": pa.array([NOW.replace(tzinfo=None)] * count, pa.timestamp("us")),
                    "merged_into": pa.array([(merged or {}).get(n) for n in range(count)], pa.uint32()),
                    "erased": [n in erased for n in range(count)],
                }
            ),
        )


def bought(engine: DuckDB, rows: list[tuple[int | None, float, datetime]], name: int = 0) -> None:
    at = [row[2].replace(tzinfo=None) for row in rows]
    with engine.write() as tx:
        tx.insert(
            "events",
            pa.table(
                {
                    "id": pa.array(range(len(rows)), pa.int64()),
                    "name_i": pa.array([name] * len(rows), pa.uint32()),
                    "ts": pa.array(at, pa.timestamp("us")),
                    "received_at": pa.array(at, pa.timestamp("us")),
                    "ix": pa.array([row[0] for row in rows], pa.uint32()),
                    "p_0": pa.array([round(row[1] * 10_000) for row in rows], pa.int64()),
                    "p_1": pa.array([row[1] for row in rows], pa.float64()),
                }
            ),
        )


ARMS = pa.table({"ix": pa.array([1, 3, 5, 8], pa.uint32()), "treated": [True, False, True, True]})
PAID = GoalEvents(codes=[0], money=("p_0", ValueType.MONEY))
END = NOW + timedelta(days=14)


@pytest.mark.proves("F3")
@pytest.mark.proves("B3")
def test_an_outcome_counts_people_once_and_only_within_the_goals_time(engine: DuckDB) -> None:
    inside = NOW + timedelta(days=1)
    bought(
        engine,
        [
            (1, 10.5, NOW), (1, 2, inside), (3, 7, inside), (5, 100, NOW - timedelta(microseconds=1)),
            (8, 100, END), (2, 50, inside), (9, 50, inside), (None, 50, inside),
        ],
    )  # fmt: skip
    bought(engine, [(5, 1000, inside)], name=1)
    found = outcome(engine, ARMS, PAID, start=NOW, end=END)
    assert found == Outcome(Arm(3, 1, 12.5, 12.5**2), Arm(1, 1, 7.0, 49.0))
    as_number = replace(PAID, money=("p_1", ValueType.NUMBER))
    assert outcome(engine, ARMS, as_number, start=NOW, end=END) == found
    large = replace(PAID, where="p_1 > $least", values={"least": 8.0})
    assert outcome(engine, ARMS, large, start=NOW, end=END) == Outcome(Arm(3, 1, 10.5, 10.5**2), Arm(1, 0))
    assert outcome(engine, ARMS, replace(PAID, codes=[]), start=NOW, end=END).treated.k == 0
    assert outcome(engine, ARMS.slice(0, 0), PAID, start=NOW, end=END) == Outcome(Arm(0, 0), Arm(0, 0))
    assert outcome(engine, ARMS, replace(PAID, money=None), start=NOW, end=END).treated == Arm(3, 1)


def test_merged_people_count_once_and_erased_people_not(records: Records, engine: DuckDB) -> None:
    persons(engine, 6, merged={1: 0, 2: 5, 5: 3}, erased=(4,))
    rows = {0: "held_out", 1: "treated", 2: "treated", 3: "held_out", 4: "treated"}
    with records.begin() as connection:
        for number, arm in rows.items():
            connection.execute(
                text(
                    "INSERT INTO arms (campaign, entry, person, arm, reason)"
                    " VALUES ('spring', 'e1', :person, :arm, '')"
                ),
                {"person": person(number), "arm": arm},
            )
    assert arms_of(records, engine, "spring", "e1").select(["ix", "treated"]).to_pydict() == {
        "ix": [0, 3],
        "treated": [False, False],
    }
    with records.begin() as connection:
        connection.execute(
            text("DELETE FROM arms WHERE person IN (:a, :b)"), {"a": person(0), "b": person(3)}
        )
    assert arms_of(records, engine, "spring", "e1").select(["ix", "treated"]).to_pydict() == {
        "ix": [0, 3],
        "treated": [True, True],
    }


@pytest.mark.proves("F1")
@pytest.mark.proves("F3")
@pytest.mark.proves("B3")
def test_a_report_says_what_the_campaign_changed(records: Records, engine: DuckDB) -> None:
    people = 1000
    campaign = replace(SPRING, holdout=0.3, goal=Goal("Paid", money="amount"))
    consent_all(records, people)
    begin(records, audience(people), campaign=campaign)
    run(records, Box(), campaign=campaign)
    persons(engine, people)
    arms = arms_of(records, engine, "spring", "e1")
    treated = arms["treated"].to_numpy(zero_copy_only=False)
    random = np.random.default_rng(1)
    chance = np.where(treated, 0.5, 0.2)
    buys = np.flatnonzero(random.random(people) < chance)
    bought(engine, [(int(ix), 10.0, NOW + timedelta(days=2)) for ix in buys])
    found = outcome(engine, arms, PAID, start=NOW, end=END)
    shown = report(records, campaign=campaign, entry="e1", outcome=found, currency="CNY", until=END)
    assert shown["exact"]
    assert shown["audience"] == people == shown["treated"] + shown["held_out"]
    assert shown["sent"] == shown["accepted"] == shown["converted"]["treated"]["n"]
    assert shown["converted"]["held_out"]["k"] == int((~treated[buys]).sum())
    assert shown["enough_data"]
    assert shown["message"] == "more people converted because of what was sent"
    assert shown["incremental"]["per_person_low"] < 0.3 < shown["incremental"]["per_person_high"]
    assert shown["incremental"]["conversions"] == pytest.approx(
        shown["incremental"]["per_person"] * shown["treated"]
    )
    assert shown["money"]["currency"] == "CNY"
    assert shown["money"]["per_person"] == pytest.approx(10 * shown["incremental"]["per_person"])
    assert shown["money"]["low"] < shown["money"]["total"] < shown["money"]["high"]


@pytest.mark.proves("B3")
def test_a_report_admits_that_it_cannot_know(records: Records) -> None:
    sent(records)
    bare = report(records, campaign=SPRING, entry="e1", outcome=None)
    assert (bare["incremental"], bare["money"], bare["enough_data"]) == (None, None, False)
    thin = changed(Outcome(Arm(100, 5), Arm(10, 1)))
    assert thin["enough_data"] is False
    assert thin["incremental"] is None
    assert thin["money"] is None
    assert "not enough data" in thin["message"]
    assert thin["converted"]["treated"]["low"] is not None
    same = changed(Outcome(Arm(1000, 50), Arm(1000, 50)), money=False)
    assert (same["enough_data"], same["money"]) == (True, None)
    assert same["message"] == "no difference can be told from chance"
    worse = changed(Outcome(Arm(1000, 10, 10, 10), Arm(1000, 100, 100, 100)))
    assert worse["message"] == "fewer people converted because of what was sent"
    empty = changed(Outcome(Arm(0, 0), Arm(0, 0)))
    assert empty["converted"]["treated"] == {"n": 0, "k": 0, "rate": None, "low": None, "high": None}


def test_times_are_kept_as_microseconds(records: Records) -> None:
    message_id = sent(records)
    handlers.opened(records, LINKS, token(LINKS.open_url(message_id)), user_agent=PEOPLE, now=LATER)
    with records.read() as connection:
        row = connection.execute(text("SELECT done_at, opened_at, clicked_at FROM touches")).one()
    assert tuple(row) == (micros(NOW), micros(LATER), None)
    assert entries.of_person(records, person(0))[0]["opened_at"] == LATER.astimezone(UTC)
