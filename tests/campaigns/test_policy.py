from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.campaigns.arms import held_out, seed_of
from limner.campaigns.model import Campaign, Cap, Quiet
from limner.campaigns.policy import (
    Asked,
    Counted,
    Decision,
    InScene,
    decide,
    month_of,
    next_month,
    quiet_until,
    room,
    spoken,
    zone_of,
)
from limner.campaigns.rules import NO_POLICY, Budget, Days, Limit, Policy
from limner.consents.model import Standing

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
NIGHT = Quiet(time(22), time(8))


MARKETING = Asked("spring", "marketing", "email", Cap(2, timedelta(days=7)), NIGHT)
SENT = Counted("news", "marketing", "email", NOON - timedelta(days=1))


def say(asked: Asked = MARKETING, **other: Any) -> Decision:
    usual: dict[str, Any] = {
        "standing": Standing(consented=True), "policy": NO_POLICY, "now": NOON, "zone": UTC_ZONE,
    }  # fmt: skip
    return decide(asked, **{**usual, **other})


@pytest.mark.proves("S9")
def test_every_decision_carries_its_reason() -> None:
    assert say() == Decision(True, "ok")
    assert say(standing=Standing()) == Decision(False, "no consent")
    assert say(standing=Standing(True, "unsubscribed")) == Decision(False, "unsubscribed")
    assert say(replace(MARKETING, message_class="service"), standing=Standing()).allowed
    assert say(earlier=[SENT]).allowed
    assert say(earlier=[SENT, SENT]) == Decision(False, "cap reached: 2 in 7 days")
    assert say(replace(MARKETING, cap=None), earlier=[SENT, SENT]).allowed
    late = say(zone=ZoneInfo("Asia/Tokyo"), now=datetime(2026, 3, 2, 13, 0, tzinfo=UTC))
    assert late == Decision(False, "quiet hours", datetime(2026, 3, 2, 23, 0, tzinfo=UTC))
    assert say(replace(MARKETING, useful_until=NOON)).allowed
    gone = say(replace(MARKETING, useful_until=NOON - timedelta(seconds=1)), standing=Standing())
    assert gone == Decision(False, "too late to be of use")


@pytest.mark.proves("S1")
def test_a_scene_says_the_first_of_its_four_reasons() -> None:
    tea = InScene("tea", NOON, NOON + timedelta(days=1))
    asked = replace(MARKETING, scene=tea)
    assert say(asked).allowed
    assert say(asked, now=NOON + timedelta(days=1, microseconds=-1)).allowed
    early = NOON - timedelta(microseconds=1)
    assert say(asked, now=early) == Decision(False, "before the dates of scene tea", NOON)
    over = NOON + timedelta(days=1)
    worst = replace(asked, scene=replace(tea, member=False, held_out=True))
    assert say(worst, now=over) == Decision(False, "after the dates of scene tea")
    assert say(worst, now=early) == Decision(False, "outside the audience of scene tea")
    out = replace(asked, scene=replace(tea, held_out=True), message_class="service")
    assert say(out, now=early) == Decision(False, "held out of scene tea"), "service messages as well"
    assert say(replace(out, held_out=True)).reason == "in the global holdout", "which is asked first"
    assert say(replace(asked, scene=InScene("tea"))).allowed, "a scene without dates has no bounds"


@pytest.mark.proves("H8")
def test_a_policys_caps_count_by_class_channel_and_campaign() -> None:
    plain = replace(MARKETING, cap=None, quiet=None)
    week, day = timedelta(days=7), timedelta(days=1)
    wechat = replace(SENT, channel="wechat")
    receipt = replace(SENT, message_class="service", of="receipts")
    own = replace(SENT, of="spring")
    for cap, counts, ignored, reason in (
        (Limit(1, week), receipt, None, "cap reached: 1 in 7 days"),
        (Limit(1, week, message_class="marketing"), wechat, receipt, "cap reached: 1 in 7 days"),
        (Limit(1, week, channel="email"), receipt, wechat, "cap reached: 1 in 7 days by email"),
        (Limit(1, week, of="spring"), own, SENT, "cap reached: 1 in 7 days of spring"),
        (Limit(1, week, apart=True), own, SENT, "cap reached: 1 in 7 days of spring"),
        (Limit(1, timedelta(hours=24, microseconds=1)), SENT, None, None),
        (
            Limit(1, day),
            replace(SENT, at=NOON - day + timedelta(microseconds=1)),
            SENT,
            "cap reached: 1 in 1 day",
        ),
    ):
        policy = Policy(caps=(cap,))
        if reason:
            assert say(plain, policy=policy, earlier=[counts]) == Decision(False, reason)
        if ignored:
            assert say(plain, policy=policy, earlier=[ignored]).allowed
    others = Policy(
        caps=(
            Limit(1, week, message_class="service"),
            Limit(1, week, channel="wechat"),
            Limit(1, week, of="cart"),
        )
    )
    assert say(plain, policy=others, earlier=[SENT, wechat, receipt]).allowed, (
        "caps of others do not hold for it"
    )


def test_a_campaign_makes_a_policy_stricter_and_never_looser() -> None:
    strict = Policy(caps=(Limit(1, timedelta(days=7), message_class="marketing"),), quiet=NIGHT)
    generous = replace(MARKETING, cap=Cap(100, timedelta(days=7)), quiet=Quiet(time(3), time(4)))
    assert say(generous, policy=strict, earlier=[SENT]) == Decision(False, "cap reached: 1 in 7 days")
    night = NOON.replace(hour=23)
    assert say(generous, policy=strict, now=night).until == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
    evening = replace(MARKETING, cap=None, quiet=Quiet(time(18), time(22)))
    # The campaign's hours end where the policy's begin: one wait.
    assert say(evening, policy=strict, now=NOON.replace(hour=19)) == Decision(
        False, "quiet hours", datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
    )
    service = replace(evening, message_class="service", quiet=None)
    assert say(service, policy=strict, now=night).allowed
    assert not say(service, policy=replace(strict, quiet_for=("marketing", "service")), now=night).allowed


def test_holidays_are_days_of_the_persons_calendar_and_join_the_quiet_hours() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    policy = Policy(holidays=(Days(date(2026, 10, 1), date(2026, 10, 7)),), quiet=NIGHT)
    plain = replace(MARKETING, cap=None, quiet=None)
    first = datetime(2026, 9, 30, 16, 0, tzinfo=UTC)  # 1 October begins in Shanghai
    over = datetime(2026, 10, 8, 0, 0, tzinfo=UTC)  # 08:00 on the 8th, when the night is over as well
    assert say(plain, policy=policy, now=first, zone=shanghai) == Decision(False, "holiday", over)
    before = say(plain, policy=policy, now=first - timedelta(minutes=1), zone=shanghai)
    assert before == Decision(False, "quiet hours", over), "the night runs into the holidays"
    assert say(plain, policy=policy, now=first, zone=UTC_ZONE).allowed
    assert say(plain, policy=policy, now=over, zone=shanghai).allowed


def test_quiet_hours_that_leave_no_time_refuse_instead_of_waiting_for_ever() -> None:
    day_and_night = replace(MARKETING, cap=None, quiet=Quiet(time(8), time(22)))
    assert say(day_and_night, policy=Policy(quiet=NIGHT)) == Decision(
        False, "the quiet hours leave no time to send"
    )


def test_who_has_priority_goes_first_where_there_is_room_for_fewer() -> None:
    plain = replace(MARKETING, cap=None, quiet=None)
    policy = Policy(caps=(Limit(2, timedelta(days=7)),), priority=("cart", "spring", "news"))
    cart, news = replace(SENT, of="cart", at=NOON), replace(SENT, of="news", at=NOON)
    waits = Decision(False, "waits for cart, which has priority", NOON + timedelta(minutes=1))
    assert say(plain, policy=policy, rivals=[cart]).allowed, "there is room for both"
    assert say(plain, policy=policy, rivals=[cart], earlier=[SENT]) == waits
    assert say(plain, policy=policy, rivals=[cart, cart]) == waits
    assert say(plain, policy=policy, rivals=[news], earlier=[SENT]).allowed, "it comes after"
    assert not say(replace(plain, of="other"), policy=policy, rivals=[news], earlier=[SENT]).allowed
    assert say(plain, policy=replace(policy, caps=()), rivals=[cart] * 9).allowed, "nothing is short"
    waited = replace(plain, waited=waits.reason)
    assert say(waited, policy=policy, earlier=[SENT, cart]) == Decision(
        False, "cap reached: cart had priority"
    )
    assert say(plain, policy=policy, earlier=[SENT, cart]) == Decision(False, "cap reached: 2 in 7 days")


def test_the_narrowest_budget_says_how_many_more_may_go() -> None:
    policy = Policy(budgets=(Budget(10_000, monthly=True), Budget(500, of="spring"), Budget(1, of="cart")))
    spent = [("spring", "2026-02", 100), ("spring", "2026-03", 150), ("cart", "2026-03", 9_000)]

    def left(cost: int, month: str = "2026-03", of: str = "spring") -> tuple[int, str] | None:
        found = room(policy, of=of, cost=cost, spent=spent, month=month, currency="CNY")
        return None if found is None else (found.messages, found.reason)

    assert left(0) is None
    assert left(100) == (2, "budget used up: 0.05 CNY for spring")
    assert left(260) == (0, "budget used up: 0.05 CNY for spring")
    assert left(100, of="news") == (8, "budget used up: 1.00 CNY a month")
    assert left(100, "2026-04", "news") == (100, "budget used up: 1.00 CNY a month")
    assert left(1, of="cart") == (0, "budget used up: 0.00 CNY for cart")
    assert room(NO_POLICY, of="spring", cost=1, spent=spent, month="2026-03", currency="") is None


def test_a_month_is_the_workspaces() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    late = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
    assert (month_of(late, UTC_ZONE), month_of(late, shanghai)) == ("2026-12", "2027-01")
    assert next_month(late, UTC_ZONE) == datetime(2027, 1, 1, tzinfo=UTC)
    assert next_month(late, shanghai) == datetime(2027, 1, 31, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("local", "quiet", "until"),
    [
        ("2026-03-02T21:59", NIGHT, None),
        ("2026-03-02T22:00", NIGHT, "2026-03-03T08:00"),
        ("2026-03-03T03:00", NIGHT, "2026-03-03T08:00"),
        ("2026-03-03T08:00", NIGHT, None),
        ("2026-03-02T12:30", Quiet(time(12), time(14)), "2026-03-02T14:00"),
        ("2026-03-02T14:00", Quiet(time(12), time(14)), None),
        ("2026-03-02T11:59", Quiet(time(12), time(14)), None),
    ],
)
def test_quiet_hours_are_half_open_and_may_pass_midnight(local: str, quiet: Quiet, until: str | None) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    now = datetime.fromisoformat(local).replace(tzinfo=zone)
    expected = None if until is None else datetime.fromisoformat(until).replace(tzinfo=zone).astimezone(UTC)
    assert quiet_until(now, quiet, zone) == expected


@pytest.mark.proves("G17")
def test_quiet_hours_end_once_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    early = Quiet(time(22), time(2, 30))
    # 29 March 2026: 02:00 becomes 03:00, so 02:30 does not exist.
    until = quiet_until(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), early, berlin)
    assert until == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    # 25 October 2026: 03:00 becomes 02:00, so 02:30 comes twice.
    until = quiet_until(datetime(2026, 10, 25, 0, 0, tzinfo=UTC), early, berlin)
    assert until == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    until = quiet_until(datetime(2026, 10, 25, 1, 10, tzinfo=UTC), early, berlin)
    assert until == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
    st.times(),
    st.times(),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_the_end_of_quiet_hours_is_later_and_within_a_day(
    now: datetime, start: time, end: time, name: str
) -> None:
    zone = ZoneInfo(name)
    quiet = Quiet(start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0))
    if quiet.start == quiet.end:
        return
    at = now.replace(tzinfo=UTC)
    until = quiet_until(at, quiet, zone)
    if until is not None:
        assert at < until <= at + timedelta(hours=25)
        again = quiet_until(until, quiet, zone)
        assert again is None or again - until <= timedelta(hours=25)


def test_an_unknown_zone_is_the_workspaces() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    for wrong in (None, "", "Mars/Base", "../etc/passwd", "\0", "x" * 300):
        assert zone_of(wrong, shanghai) is shanghai
    assert zone_of("Europe/Berlin", shanghai) == ZoneInfo("Europe/Berlin")


def test_durations_are_spoken() -> None:
    days, hours = timedelta(days=7), timedelta(hours=36)
    assert [spoken(x) for x in (days, hours, timedelta(days=1), timedelta(0))] == [
        "7 days", "36 hours", "1 day", "0 seconds",
    ]  # fmt: skip


PEOPLE = [f"person-{n}" for n in range(20_000)]


@pytest.mark.proves("B3")
def test_about_the_share_is_held_out_and_each_answer_depends_on_that_person_only() -> None:
    out = held_out(PEOPLE, seed="a", share=0.2)
    assert abs(out.mean() - 0.2) < 0.01
    assert (held_out(PEOPLE[::-1], seed="a", share=0.2)[::-1] == out).all()
    assert (held_out(PEOPLE[:10], seed="a", share=0.2) == out[:10]).all()
    larger = held_out(PEOPLE, seed="a", share=0.3)
    assert (larger | ~out).all()
    other = held_out(PEOPLE, seed="b", share=0.2)
    assert abs((other & out).mean() - 0.04) < 0.01
    assert not held_out(PEOPLE, seed="a", share=0.0).any()
    assert held_out([], seed="a", share=0.5).shape == (0,)


def test_a_campaign_without_a_seed_has_its_own() -> None:
    a = Campaign("a", {}, "all", "email", "t.html")
    b = Campaign("b", {}, "all", "email", "t.html")
    assert seed_of(a) == seed_of(a) != seed_of(b)
