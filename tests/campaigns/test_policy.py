from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.campaigns.arms import held_out, seed_of
from limner.campaigns.model import Campaign, Cap, Quiet
from limner.campaigns.policy import Decision, may_touch, quiet_until, spoken, zone_of
from limner.consents.model import Standing

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")
NIGHT = Quiet(time(22), time(8))


def decide(**other: object) -> Decision:
    usual: dict[str, object] = {
        "message_class": "marketing", "standing": Standing(consented=True), "touches_in_cap": 0,
        "cap": Cap(2, timedelta(days=7)), "quiet": NIGHT, "now": NOON, "zone": UTC_ZONE,
    }  # fmt: skip
    return may_touch(**{**usual, **other})  # type: ignore[arg-type]


@pytest.mark.proves("S9", partly="the unprofiled alternative, complaints, the harm bound")
def test_every_decision_carries_its_reason() -> None:
    assert decide() == Decision(True, "ok")
    assert decide(standing=Standing()) == Decision(False, "no consent")
    assert decide(standing=Standing(True, "unsubscribed")) == Decision(False, "unsubscribed")
    assert decide(standing=Standing(), message_class="service").allowed
    assert decide(touches_in_cap=1).allowed
    assert decide(touches_in_cap=2) == Decision(False, "cap reached: 2 in 7 days")
    assert decide(touches_in_cap=2, cap=None).allowed
    late = decide(zone=ZoneInfo("Asia/Tokyo"), now=datetime(2026, 3, 2, 13, 0, tzinfo=UTC))
    assert late == Decision(False, "quiet hours", datetime(2026, 3, 2, 23, 0, tzinfo=UTC))


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


@pytest.mark.proves("G17", partly="schedules")
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


@pytest.mark.proves("B3", partly="power before launch")
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
