"""The policy in the claim: each row of the page that says the order, caps of all kinds, priority, money, harm."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from limner.accounts.keys import micros
from limner.campaigns.arms import held_out
from limner.campaigns.model import Campaign, Cap, Quiet
from limner.campaigns.policy import SceneRules
from limner.campaigns.rules import NO_POLICY, Budget, Days, GlobalHoldout, Harm, Limit, Policy, Topic, WarmUp
from limner.channels.seam import Message, Outcome, Receipt, Unavailable
from limner.consents import preferences
from limner.consents.ledger import record, unsubscribe
from limner.consents.model import Consent, State, address_hash
from limner.consents.preferences import Preference
from limner.content.model import Ask
from limner.feedback import harm
from limner.store.records import Records
from limner.touches import drawing, entries
from limner.touches.letter import Source
from limner.touches.model import Counts, Recipient
from limner.touches.outbox import Members
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

DAY = timedelta(days=1)
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "how-a-message-is-decided.md"


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = open_records(tmp_path / "records.db")
    yield opened
    opened.close()


def put(
    records: Records,
    who: str,
    *,
    of: str,
    status: str = "sent",
    at: datetime = NOW - timedelta(hours=1),
    message_class: str = "marketing",
    channel: str = "email",
    hashed: str = "",
    due: datetime = NOW,
    running: str = "running",
) -> None:
    """A message of another campaign, as a row."""
    with records.begin() as connection:
        connection.execute(
            text(
                "INSERT OR IGNORE INTO campaign_entries (campaign, entry, status, started_at, as_of, seed,"
                " audience_text, definition, content, people, holdout_share)"
                " VALUES (:of, :entry, :running, 0, 0, '', '', '', '', 0, 0)"
            ),
            {"of": of, "entry": running, "running": running},
        )
        n = connection.execute(text("SELECT COUNT(*) FROM touches")).scalar_one()
        connection.execute(
            text(
                "INSERT INTO touches (campaign, entry, step, person, channel, message_id, class, address_hash,"
                " identifier_kind, identifier_value, variant, status, due_at, claimed_at)"
                " VALUES (:of, :entry, :n, :who, :channel, :n, :class, :hash, '', '', '', :status, :due, :at)"
            ),
            {
                "of": of, "entry": running, "n": f"other {n}", "who": who, "channel": channel, "class": message_class,
                "hash": hashed, "status": status, "due": micros(due),
                "at": None if status == "waiting" else micros(at),
            },
        )  # fmt: skip


def state(records: Records, who: str = person(0)) -> tuple[str, str]:
    """Where somebody's message of the spring is, and why; of one that waits because all do, why they do."""
    with records.read() as connection:
        status, reason, entry = connection.execute(
            text(
                "SELECT t.status, t.reason, e.reason FROM touches AS t"
                " JOIN campaign_entries AS e USING (campaign, entry) WHERE campaign = 'spring' AND person = :who"
            ),
            {"who": who},
        ).one()
    return status, reason or entry


# Each row of the page

TEA = SceneRules("tea", seed="tea")


@dataclass
class Case:
    """One message about to be decided, with everything that may stand against it."""

    records: Records
    policy: Policy = NO_POLICY
    known: Callable[[Any], dict[str, Recipient]] = recipients
    campaign: Campaign = SPRING
    scene: SceneRules = TEA
    members: Members | None = None
    texts: dict[str, Source] | None = None
    profiled: bool = False


def _sql(case: Case, statement: str, **values: object) -> None:
    with case.records.begin() as connection:
        connection.execute(text(statement), values)


def _unsubscribe(records: Records, number: int) -> None:
    hashed = address_hash(SECRET, "email", address(number))
    unsubscribe(records, channel="email", address_hash=hashed, person=person(number), now=NOW, proof="m")


def _stop(case: Case) -> None:
    entries.stop(case.records, "spring", "e1", reason="stopped by ann", now=NOW)


def _stop_between(case: Case) -> None:
    known = case.known

    def stops(people: Any) -> dict[str, Recipient]:
        _stop(case)
        return known(people)

    case.known = stops


def _known(case: Case, **other: Any) -> None:
    known = case.known
    case.known = lambda people: {who: replace(one, **other) for who, one in known(people).items()}


def _nothing_to_show(case: Case) -> None:
    _known(case, lacking=("articles",))
    case.campaign = replace(case.campaign, picks={"articles": Ask()})
    shown = "{% for item in picks.articles %}{{ item.title }}{% endfor %}"
    case.texts = {"": replace(TEXTS[""], html=TEXTS[""].html + shown)}


def _withdraw(case: Case) -> None:
    hashed = address_hash(SECRET, "email", address(0))
    record(case.records, [Consent(person(0), "email", hashed, State.WITHDRAWN, NOW, "letter")])


def _policy(case: Case, **other: Any) -> None:
    case.policy = replace(case.policy, **other)


def _scene(case: Case, **other: Any) -> None:
    case.scene = replace(case.scene, **other)


def _rank(case: Case) -> None:
    _policy(case, priority=("cart",), caps=(*case.policy.caps, Limit(1, DAY / 2)))


def _cap(case: Case) -> None:
    put(case.records, person(0), of="news")
    case.campaign = replace(SPRING, cap=Cap(1, timedelta(days=7)))


def _wishes(case: Case, **said: Any) -> None:
    """The person asks for this besides what they asked for already."""
    with case.records.read() as connection:
        before = preferences.of(connection).get(person(0), Preference(NOW))
    preferences.keep(case.records, person(0), replace(before, **said))


def _own_cap(case: Case) -> None:
    put(case.records, person(0), of="news")
    _wishes(case, messages=1, per=DAY)


def _topic(case: Case) -> None:
    _policy(case, topics=(Topic("news", {"": "News"}, ("spring",)),))
    _wishes(case, without=frozenset({"news"}))


def _chosen(case: Case) -> None:
    case.profiled = True
    _wishes(case, unprofiled=True)


def _yields(case: Case) -> None:
    _rank(case)
    put(case.records, person(0), of="cart", status="waiting")


def _yielded(case: Case) -> None:
    _rank(case)
    put(case.records, person(0), of="cart")
    _sql(case, "UPDATE touches SET reason = 'waits for cart, which has priority' WHERE campaign = 'spring'")


def _warm_up(case: Case) -> None:
    put(case.records, person(9), of="news")
    _policy(case, warm_up={"email": WarmUp(NOW.date(), 1)})


FAULTS: dict[str, Callable[[Case], None]] = {
    "stopped": _stop,
    "too late": lambda case: _sql(case, "UPDATE touches SET useful_until = :at", at=micros(NOW) - 1),
    "person": lambda case: setattr(case, "known", lambda _people: {}),
    "address": lambda case: _known(case, address=""),
    "content": _nothing_to_show,
    "values": lambda case: _known(case, person={}),
    "stopped in between": _stop_between,
    "suppressed": lambda case: _unsubscribe(case.records, 0),
    "consent": _withdraw,
    "paused by the person": lambda case: _wishes(case, paused_until=NOW + DAY),
    "topic": _topic,
    "chosen by their data": _chosen,
    "global holdout": lambda case: _policy(case, holdout=GlobalHoldout(1.0, date(2026, 3, 1))),
    "scene over": lambda case: _scene(case, ends=NOW),
    "scene audience": lambda case: setattr(case, "members", lambda _people: set()),
    "scene holdout": lambda case: _scene(case, share=1.0),
    "before the scene": lambda case: _scene(case, begins=NOW + DAY),
    "own cap": _own_cap,
    "cap": _cap,
    "holiday": lambda case: _policy(case, holidays=(Days(date(2026, 3, 2), date(2026, 3, 2)),)),
    "quiet hours": lambda case: _policy(case, quiet=Quiet(time(9), time(11))),
    "priority": _yields,
    "priority taken": _yielded,
    "budget": lambda case: _policy(case, costs={("email", "marketing"): 1}, budgets=(Budget(0, of="spring"),)),
    "budget of the month": lambda case: _policy(
        case, costs={("email", "marketing"): 1}, budgets=(*case.policy.budgets, Budget(0, monthly=True))
    ),
    "quota": lambda case: _policy(case, quotas={"email": 0}),
    "warm-up": _warm_up,
}  # fmt: skip


def _rows(page: str, after: str) -> dict[str, list[str]]:
    """The rows of the table after a heading: by check, the other cells."""
    part = page.split(after, 1)[1].split("\n## ", 1)[0]
    found = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in part.splitlines()
        if line.startswith("| `")
    )
    return {cells[0].strip("`"): cells[1:] for cells in found}


ROWS = _rows(PAGE.read_text(encoding="utf-8"), "## Each message")


def test_the_page_names_every_check_in_order() -> None:
    assert list(ROWS) == list(FAULTS)


def decided(case: Case) -> tuple[str, str]:
    box = Box()
    run(
        case.records, box, campaign=case.campaign, policy=case.policy, recipients=case.known, currency="CNY",
        scene=case.scene, members=case.members, profiled=case.profiled,
        composer=composer(case.campaign, case.texts),
    )  # fmt: skip
    status, reason = state(case.records)
    assert len(box.messages) == (status == "sent")
    return status, reason


@pytest.mark.proves("S9")
@pytest.mark.parametrize("check", FAULTS)
def test_each_row_of_the_page_gives_its_reason(records: Records, check: str) -> None:
    consent_all(records, 1)
    begin(records, audience(1))
    case = Case(records)
    FAULTS[check](case)
    happens, reason = ROWS[check][1], ROWS[check][2].strip("`")
    assert decided(case) == ("suppressed" if happens == "not sent" else "waiting", reason)
    counted: Counts = entries.counts(records, "spring", "e1")
    assert counted.exact


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_of_many_faults_the_first_row_gives_the_reason(records: Records, first: int) -> None:
    consent_all(records, 1)
    begin(records, audience(1))
    case = Case(records)
    # Later ones first: what wraps the reading of people is asked before what it wraps. The two of priority exclude
    # each other, and one that went fills the cap.
    names = [
        name for name in list(FAULTS)[first:] if name != "priority taken" or first == list(FAULTS).index(name)
    ]
    if names[0] == "priority taken":
        names = [name for name in names if name != "priority"]
    for name in reversed(names):
        FAULTS[name](case)
    assert decided(case)[1] == ROWS[names[0]][2].strip("`")


# Scenes


@pytest.mark.proves("S1")
def test_a_scene_leaves_out_the_same_people_at_a_begin_and_in_each_claim(records: Records) -> None:
    consent_all(records, 200)
    rules = SceneRules("tea", NOW, NOW + DAY, seed="tea", share=0.3)
    out = rules.held_out([person(n) for n in range(200)])
    assert 30 < sum(out) < 90
    begin(records, audience(200))
    box = Box()
    run(records, box, scene=rules, members=lambda people: {who for who in people if who >= person(100)})
    assert sorted(box.addresses) == [address(n) for n in range(100, 200) if not out[n]]
    people = audience(200).append_column("in_scene", [[n >= 100 for n in range(200)]])
    given = {"people": people, "seed": "s", "secret": SECRET, "campaign": replace(SPRING, name="other")}
    before = drawing.preview(records, now=NOW - DAY, scene=rules, **given)
    assert before.suppressed == {
        "outside the audience of scene tea": 100,
        "held out of scene tea": sum(out[100:]),
    }, "that it has not begun yet keeps nobody out for good"
    late = drawing.preview(records, now=NOW + DAY, scene=rules, **given)
    assert late.suppressed == {"after the dates of scene tea": 200}


# Caps, priority and money


def test_what_somebody_got_before_they_were_found_to_be_this_person_counts(records: Records) -> None:
    consent_all(records, 3)
    begin(records, audience(3))
    put(records, "gone", of="news", channel="wechat", message_class="service")
    policy = Policy(caps=(Limit(1, DAY),))

    def known(people: Any) -> dict[str, Recipient]:
        found = recipients(people)
        return {**found, person(1): replace(found[person(1)], former=("gone", "older"))}

    box = Box()
    run(records, box, policy=policy, recipients=known)
    assert box.addresses == [address(0), address(2)]
    assert state(records, person(1)) == ("suppressed", "cap reached: 1 in 1 day")


def test_the_global_holdout_gets_no_marketing_and_every_service_message(records: Records) -> None:
    consent_all(records, 200)
    policy = Policy(holdout=GlobalHoldout(0.3, date(2026, 3, 1), seed="all"))
    out = held_out([person(n) for n in range(200)], seed="all", share=0.3)
    begin(records, audience(200))
    box = Box()
    run(records, box, policy=policy)
    assert sorted(box.addresses) == sorted(address(n) for n in range(200) if not out[n])
    assert 30 < int(out.sum()) < 90
    given = {"people": audience(200), "seed": "s", "secret": SECRET, "now": NOW, "policy": policy}
    before = drawing.preview(records, campaign=replace(SPRING, name="other"), **given)
    assert before.suppressed == {"in the global holdout": int(out.sum())}
    service = replace(SPRING, name="receipt", message_class="service")
    assert drawing.preview(records, campaign=service, **given).suppressed == {}


def test_at_a_launch_who_is_at_a_cap_of_the_policy_is_set_aside(records: Records) -> None:
    consent_all(records, 3)
    put(records, person(0), of="news", channel="wechat")
    put(records, "another", of="news", hashed=address_hash(SECRET, "email", address(1)))
    people = audience(3)
    given = {"people": people, "seed": "s", "secret": SECRET, "now": NOW, "campaign": SPRING}
    every = drawing.preview(records, policy=Policy(caps=(Limit(1, DAY),)), **given)
    assert every.suppressed == {"cap reached: 1 in 1 day": 2}
    mail = drawing.preview(records, policy=Policy(caps=(Limit(1, DAY, channel="email"),)), **given)
    assert mail.suppressed == {"cap reached: 1 in 1 day by email": 1}
    assert drawing.preview(records, **given).suppressed == {}


@pytest.mark.proves("V4")
def test_what_people_asked_for_holds_at_the_launch_and_at_the_claim_and_survives_a_merge(
    records: Records,
) -> None:
    consent_all(records, 4)
    news = Policy(topics=(Topic("news", {"": "News"}, ("spring",)),))
    given = {"people": audience(4), "seed": "s", "secret": SECRET, "now": NOW, "policy": news}
    begin(records, audience(4))
    put(records, person(0), of="other", at=NOW - 6 * DAY)
    put(records, "gone", of="other", at=NOW - 6 * DAY)
    week = Preference(NOW, messages=1, per=7 * DAY)
    preferences.keep(records, person(0), week)
    preferences.keep(records, "gone", week)
    preferences.keep(records, person(1), Preference(NOW, without=frozenset({"news"})))
    preferences.keep(records, person(2), Preference(NOW, paused_until=NOW + DAY))
    aside = drawing.preview(records, campaign=replace(SPRING, name="spring"), **given)
    assert aside.suppressed == {
        "cap reached: 1 in 7 days, as the person asked": 1,
        "paused by the person": 1,
        "wants nothing about news": 1,
    }
    service = replace(SPRING, name="spring", message_class="service")
    assert drawing.preview(records, campaign=service, **given).suppressed == {}

    def known(people: Any) -> dict[str, Recipient]:
        found = recipients(people)
        return {
            who: replace(one, former=("gone",)) if who == person(3) else one for who, one in found.items()
        }

    box = Box()
    run(records, box, policy=news, recipients=known)
    assert box.messages == []
    assert state(records, person(3)) == ("suppressed", "cap reached: 1 in 7 days, as the person asked")
    assert state(records, person(0))[1] == state(records, person(3))[1]
    # A later word takes the earlier one's place, and what was asked for ends by itself.
    preferences.keep(records, person(3), Preference(NOW + DAY))
    later = NOW + 2 * DAY
    begin(records, audience(4), entry="e2", now=later)
    box = Box()
    run(records, box, policy=news, recipients=known, entry="e2", now=later)
    assert box.addresses == [address(0), address(2), address(3)]


def test_the_lower_waits_while_the_higher_is_due_and_goes_when_that_is_refused(records: Records) -> None:
    consent_all(records, 3)
    policy = Policy(caps=(Limit(1, DAY),), priority=("cart", "spring"))
    cart = replace(SPRING, name="cart")
    begin(records, audience(2), campaign=cart)
    begin(records, audience(3))
    unsubscribe(
        records, channel="email", address_hash=address_hash(SECRET, "email", address(1)), person=person(1), now=NOW,
        proof="m",
    )  # fmt: skip
    record(
        records,
        [
            Consent(
                person(1), "email", address_hash(SECRET, "email", "new@example.com"), State.GRANTED, NOW, "f"
            )
        ],
    )

    def elsewhere(people: Any) -> dict[str, Recipient]:
        found = recipients(people)
        return {
            who: replace(one, address="new@example.com") if who == person(1) else one
            for who, one in found.items()
        }

    box = Box()
    worked = run(records, box, policy=policy, recipients=elsewhere)
    assert box.addresses == [address(2)], "the two others are due for the cart"
    assert state(records, person(0)) == ("waiting", "waits for cart, which has priority")
    assert worked.next_due == NOW + timedelta(minutes=1)
    run(records, box, campaign=cart, policy=policy)
    assert box.addresses == [address(2), address(0)]
    run(records, box, policy=policy, recipients=elsewhere, now=NOW + timedelta(minutes=1))
    assert box.addresses == [address(2), address(0), "new@example.com"]
    assert state(records, person(0)) == ("suppressed", "cap reached: cart had priority")


@pytest.mark.parametrize(
    "other",
    [
        {"due": NOW + DAY},
        {"running": "paused"},
        {"status": "failed"},
        {"of": "news"},
        {"status": "suppressed"},
    ],
)
def test_only_what_is_due_in_a_sending_that_runs_competes(records: Records, other: dict[str, Any]) -> None:
    consent_all(records, 1)
    begin(records, audience(1))
    put(records, person(0), **{"of": "cart", "status": "waiting", **other})
    run(records, Box(), policy=Policy(caps=(Limit(1, DAY),), priority=("cart",)))
    assert state(records)[0] == "sent"


COSTS = {("email", "marketing"): 10_000}


def test_a_budget_ends_a_campaign_at_the_last_message_that_it_pays_and_pauses_it(records: Records) -> None:
    consent_all(records, 50)
    begin(records, audience(50))
    policy = Policy(costs=COSTS, budgets=(Budget(239_999, of="spring"),))
    box = Box()
    worked = run(records, box, policy=policy, currency="CNY")
    assert len(box.messages) == 23
    assert (worked.status, worked.alarm) == ("paused", "budget used up: 24.00 CNY for spring")
    assert entries.counts(records, "spring", "e1").waiting == 27
    assert spent(records) == {("spring", "2026-03"): 230_000}
    entries.resume(records, "spring", "e1", now=NOW)
    assert run(records, box, policy=policy).sent == 0
    entries.resume(records, "spring", "e1", now=NOW)
    assert run(records, box, policy=replace(policy, budgets=())).sent == 27
    assert spent(records) == {("spring", "2026-03"): 500_000}


def test_a_months_budget_goes_on_with_the_next_month(records: Records) -> None:
    consent_all(records, 30)
    begin(records, audience(30))
    policy = Policy(costs=COSTS, budgets=(Budget(200_000, monthly=True),))
    box = Box()
    worked = run(records, box, policy=policy, currency="CNY")
    april = datetime.fromisoformat("2026-04-01T00:00:00+00:00")
    assert (len(box.messages), worked.status, worked.next_due) == (20, "running", april)
    assert worked.alarm == "budget used up: 20.00 CNY a month"
    assert run(records, box, policy=policy, now=april - timedelta(seconds=1)).sent == 0
    assert run(records, box, policy=policy, now=april).sent == 10
    assert spent(records) == {("spring", "2026-03"): 200_000, ("spring", "2026-04"): 100_000}


@pytest.mark.proves("H10")
def test_a_warm_up_lets_so_many_leave_each_day_of_all_sendings_together(records: Records) -> None:
    consent_all(records, 60)
    news = replace(SPRING, name="news", message_class="service")
    begin(records, audience(5), campaign=news)
    begin(records, audience(60))
    zone = ZoneInfo("Asia/Shanghai")
    policy = Policy(warm_up={"email": WarmUp(NOW.date(), 20, 1.5, most=40)})
    box = Box()
    box.answer = lambda message: Receipt(
        message.message_id, Outcome.FAILED if len(box.messages) == 3 else Outcome.ACCEPTED
    )
    assert run(records, box, campaign=news, policy=policy, zone=zone).sent == 4
    worked = run(records, box, policy=policy, zone=zone)
    midnight = datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert (worked.sent, worked.status, worked.next_due, worked.alarm) == (15, "running", midnight, "")
    assert worked.reason == "waits: warm-up 20 of 20 today"
    assert state(records, person(59)) == ("waiting", worked.reason)
    assert run(records, box, policy=policy, zone=zone, now=midnight - timedelta(seconds=1)).sent == 0
    assert run(records, box, policy=policy, zone=zone, now=midnight).sent == 30
    assert run(records, box, policy=policy, zone=zone, now=midnight + timedelta(hours=23)).sent == 0
    assert policy.warm_up["email"].limit(date(2026, 3, 1)) is None, "before it begins"
    assert policy.warm_up["email"].limit(date(2026, 3, 4)) is None, "45 are more than the most: it is known"
    assert run(records, box, policy=policy, zone=zone, now=midnight + DAY).sent == 15
    assert entries.counts(records, "spring", "e1").exact


def test_what_was_not_handed_over_or_failed_costs_nothing(records: Records) -> None:
    consent_all(records, 40)
    begin(records, audience(40))
    box = Box()
    outcomes = [Outcome.ACCEPTED, Outcome.FAILED, Outcome.DEFERRED, Outcome.IN_DOUBT]

    def answer(message: Message) -> Receipt:
        if len(box.messages) == 12:
            raise Unavailable("gone", code="smtp_timeout")
        return Receipt(message.message_id, outcomes[len(box.messages) % 4])

    box.answer = answer
    run(records, box, policy=Policy(costs=COSTS))
    assert spent(records) == {("spring", "2026-03"): 60_000}, "three were sent, three are in doubt"
    doubtful = entries.in_doubt(records, "spring", "e1")[0]["message_id"]
    assert entries.send_again(records, "spring", "e1", doubtful)
    assert spent(records) == {("spring", "2026-03"): 50_000}
    entries.recover(records, now=NOW)
    spent(records)


# Harm


@pytest.mark.proves("S9")
def test_a_sending_stops_itself_when_too_many_leave(records: Records) -> None:
    consent_all(records, 600)
    begin(records, audience(600))
    judge = harm.judge(Harm(unsubscribed=0.02, least=100))
    box = Box()

    def answer(message: Message) -> Receipt:
        if len(box.messages) % 10 == 0:
            with records.begin() as connection:
                connection.execute(
                    text("UPDATE touches SET unsubscribed_at = 1 WHERE message_id = :id"),
                    {"id": message.message_id},
                )
        return Receipt(message.message_id, Outcome.ACCEPTED)

    box.answer = answer
    worked = run(records, box, judge=judge)
    assert worked.harmed
    assert worked.status == "paused"
    assert (
        worked.alarm
        == worked.reason
        == ("harm: 20 of 200 unsubscribed, surely more than 6.57%; at most 2.00% is allowed")
    )
    assert entries.counts(records, "spring", "e1").waiting == 400
    entries.resume(records, "spring", "e1", now=NOW)
    box.answer = Box().answer
    assert run(records, box, judge=judge).sent == 400, "what was before is judged no more"


def test_a_sending_stops_itself_when_too_many_complain(records: Records) -> None:
    consent_all(records, 400)
    begin(records, audience(400))
    box = Box()

    def answer(message: Message) -> Receipt:
        if len(box.messages) < 5:
            with records.begin() as connection:
                connection.execute(
                    text(
                        "INSERT INTO suppressions (channel, address_hash, reason, at)"
                        " VALUES ('email', :hash, :why, :at)"
                    ),
                    {
                        "hash": address_hash(SECRET, "email", message.to), "at": micros(NOW),
                        "why": "complained" if len(box.messages) < 4 else "unsubscribed",
                    },
                )  # fmt: skip
        return Receipt(message.message_id, Outcome.ACCEPTED)

    box.answer = answer
    worked = run(records, box, judge=harm.judge(Harm(complained=0.001)))
    assert worked.reason.startswith("harm: 4 of 200 complained, surely more than 0.78%")


# Against a plain oracle

HOURS = st.integers(0, 100)
PEOPLE = [person(n) for n in range(5)]
NAMES = ("spring", "cart", "news")
CLASSES = ("marketing", "service")
CHANNELS = ("email", "wechat")
CAPS = st.builds(
    lambda messages, hours, message_class, channel, of: Limit(
        messages, timedelta(hours=hours), message_class, channel, "" if of == "apart" else of, of == "apart"
    ),
    st.integers(1, 3), st.integers(1, 90), st.sampled_from(("", *CLASSES)), st.sampled_from(("", *CHANNELS)),
    st.sampled_from(("", "", "apart", *NAMES)),
)  # fmt: skip
PAST = st.tuples(
    st.sampled_from((*PEOPLE, "gone")), st.sampled_from(NAMES), st.sampled_from(CLASSES),
    st.sampled_from(CHANNELS), HOURS,
    st.sampled_from(("sent", "sent", "claimed", "in_doubt", "failed", "waiting", "waiting", "waiting later")),
    st.none() | st.integers(0, 4), st.sampled_from(("running", "running", "paused")),
)  # fmt: skip
HISTORIES = st.lists(PAST, min_size=3, max_size=14)


@dataclass(frozen=True)
class World:
    policy: Policy
    message_class: str
    cap: Cap | None
    past: list[Any]
    merged: str
    agreed: frozenset[str]


ORDERS: tuple[tuple[str, ...], ...] = (
    (), ("cart",), ("cart", "news", "spring"), ("news", "spring"), ("spring", "cart"),
)  # fmt: skip
WORLDS = st.builds(
    World,
    st.builds(
        lambda caps, order, room: Policy(
            caps=tuple(caps), priority=tuple(order),
            costs={} if room is None else {("email", one): 1 for one in CLASSES},
            budgets=() if room is None else (Budget(room, of="spring"),),
        ),
        st.lists(CAPS, max_size=3), st.sampled_from(ORDERS),
        st.none() | st.integers(0, 4),
    ),
    st.sampled_from(CLASSES), st.none() | st.builds(Cap, st.integers(1, 3), st.just(timedelta(hours=50))),
    HISTORIES, st.sampled_from(PEOPLE), st.frozensets(st.sampled_from(PEOPLE), min_size=3),
)  # fmt: skip


def oracle(world: World) -> dict[str, str]:
    """What becomes of each person's message, one person and one cap at a time."""
    answer = {}
    for who in PEOPLE:
        if world.message_class == "marketing" and who not in world.agreed:
            answer[who] = "no consent"
            continue
        mine = [
            one
            for one in world.past
            if one[0] == who or (one[0] == "gone" and world.merged == who) or one[6] == PEOPLE.index(who)
        ]
        caps = [] if world.cap is None else [(world.cap.messages, 50, world.message_class, "", "", "")]
        for limit in world.policy.caps:
            hours = int(limit.per / timedelta(hours=1))
            if limit.message_class not in ("", world.message_class) or limit.channel not in ("", "email"):
                continue
            if limit.of not in ("", "spring"):
                continue
            of = "spring" if limit.apart else limit.of
            words = (f" by {limit.channel}" if limit.channel else "") + (f" of {of}" if of else "")
            caps.append((limit.messages, hours, limit.message_class, limit.channel, of, words))

        def fits(cap: tuple[Any, ...], one: Any) -> bool:
            return cap[2] in ("", one[2]) and cap[3] in ("", one[3]) and cap[4] in ("", one[1])

        rank = {name: place for place, name in enumerate(world.policy.priority)}
        verdict = "sent"
        for cap in caps:
            got = sum(
                fits(cap, one) and one[4] < cap[1] and one[5] in ("sent", "claimed", "in_doubt")
                for one in mine
            )
            if got >= cap[0]:
                count, unit = (cap[1], "hour") if cap[1] % 24 else (cap[1] // 24, "day")
                length = f"{count} {unit}" + ("s" if count > 1 else "")
                verdict = f"cap reached: {cap[0]} in {length}{cap[5]}"
                break
        if verdict == "sent":
            for cap in caps:
                got = sum(
                    fits(cap, one) and one[4] < cap[1] and one[5] in ("sent", "claimed", "in_doubt")
                    for one in mine
                )
                ahead = [
                    one[1]
                    for one in mine
                    if one[5] == "waiting"
                    and one[7] == "running"
                    and fits(cap, one)
                    and rank.get(one[1], 99) < rank.get("spring", 99)
                ]
                if ahead and got + len(ahead) >= cap[0]:
                    verdict = f"waits for {min(ahead, key=lambda name: rank[name])}, which has priority"
                    break
        answer[who] = verdict
    if world.policy.budgets:
        going = [who for who in PEOPLE if answer[who] == "sent"]
        for who in going[world.policy.budgets[0].most :]:
            answer[who] = f"budget used up: {world.policy.budgets[0].most / 10_000:.2f} CNY for spring"
    return answer


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Records]:
    opened = open_records(tmp_path_factory.mktemp("oracle") / "records.db")
    yield opened
    opened.close()


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # a world is small, and finding a smaller one takes minutes
)
@given(world=WORLDS)
def test_everybody_gets_what_a_plain_oracle_says(shared: Records, world: World) -> None:
    with shared.begin() as connection:
        for table in ("touches", "arms", "campaign_entries", "spendings", "consents"):
            connection.execute(text(f"DELETE FROM {table}"))
    consent_all(shared, 5)
    campaign = replace(SPRING, message_class=world.message_class, cap=world.cap)
    begin(shared, audience(5), campaign=campaign)
    for who, of, message_class, channel, hours, status, at_address, running in world.past:
        put(
            shared, who, of=of, message_class=message_class, channel=channel, status=status.split()[0],
            at=NOW - timedelta(hours=hours), due=NOW + DAY if status == "waiting later" else NOW, running=running,
            hashed="" if at_address is None else address_hash(SECRET, "email", address(at_address)),
        )  # fmt: skip
    for n, who in enumerate(PEOPLE):
        if who not in world.agreed:
            hashed = address_hash(SECRET, "email", address(n))
            record(shared, [Consent(who, "email", hashed, State.WITHDRAWN, NOW, "letter")])

    def known(people: Any) -> dict[str, Recipient]:
        return {
            who: replace(one, former=("gone",)) if who == world.merged else one
            for who, one in recipients(people).items()
        }

    box = Box()
    run(shared, box, campaign=campaign, policy=world.policy, recipients=known, currency="CNY")
    with shared.read() as connection:
        found = {
            row[0]: "sent" if row[1] == "sent" else row[2]
            for row in connection.execute(
                text(
                    "SELECT t.person, t.status, CASE t.reason WHEN '' THEN e.reason ELSE t.reason END FROM touches AS t"
                    " JOIN campaign_entries AS e USING (campaign, entry) WHERE entry = 'e1'"
                )
            )
        }
    assert found == oracle(world)
    assert len(box.messages) == sum(verdict == "sent" for verdict in found.values())
    spent(shared)


def test_the_page_says_what_a_policy_may_hold() -> None:
    from limner.campaigns.policy_text import KEYS, read

    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    policy = read(example)
    assert set(re.findall(r"^([a-z_]+):", example, re.MULTILINE)) == set(KEYS)
    assert len(policy.caps) == 4
