"""Where people go in a journey: times on their clocks, lots, who may enter."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.campaigns.journey import Again, Share, Split
from limner.campaigns.stepping import chosen, may_enter, next_time

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "clock", "days", "zone", "then"),
    [
        ("2026-11-22T01:00", time(10), (), SHANGHAI, "2026-11-22T02:00"),
        ("2026-11-22T02:00", time(10), (), SHANGHAI, "2026-11-23T02:00"),  # at the very instant: the next
        ("2026-11-22T03:00", time(10), (), SHANGHAI, "2026-11-23T02:00"),
        ("2026-11-22T03:00", time(10), (5,), SHANGHAI, "2026-11-27T02:00"),
        ("2026-11-22T03:00", time(10), (7,), SHANGHAI, "2026-11-29T02:00"),
        # On 2026-03-29 clocks go from 02:00 to 03:00: 02:30 is passed at 03:00 (01:00 UTC).
        ("2026-03-29T00:00", time(2, 30), (), BERLIN, "2026-03-29T01:00"),
        # On 2026-10-25 02:30 comes twice: the first is meant, and once.
        ("2026-10-25T00:00", time(2, 30), (), BERLIN, "2026-10-25T00:30"),
        ("2026-10-25T00:30", time(2, 30), (), BERLIN, "2026-10-26T01:30"),
    ],
)
def test_the_next_time_on_a_clock(now: str, clock: time, days: tuple[int, ...], zone: ZoneInfo, then: str):
    assert next_time(at(now), clock, days, zone) == at(then)


@given(
    minutes=st.integers(0, 2 * 366 * 1440),
    clock=st.times().map(lambda value: value.replace(second=0, microsecond=0)),
    days=st.sets(st.integers(1, 7)).map(lambda value: tuple(sorted(value))),
    zone=st.sampled_from([BERLIN, SHANGHAI, ZoneInfo("America/St_Johns"), ZoneInfo("Australia/Lord_Howe")]),
)
def test_the_next_time_comes_within_eight_days_shows_that_clock_and_none_lies_between(
    minutes, clock, days, zone
):
    now = at("2026-01-01T00:00") + timedelta(minutes=minutes)
    found = next_time(now, clock, days, zone)
    assert now < found <= now + timedelta(days=8, hours=2)
    local = found.astimezone(zone)
    assert not days or local.isoweekday() in days
    if local.time() != clock:  # skipped: a minute before, clocks had not come there yet
        assert (found - timedelta(minutes=1)).astimezone(zone).time() < clock < local.time()
    assert next_time(found - timedelta(microseconds=1), clock, days, zone) == found


def test_lots_are_spread_as_asked_and_stay_where_they_are_sticky():
    people = [f"p{number}" for number in range(20_000)]
    once, again = np.ones(len(people), dtype=np.int64), np.full(len(people), 2)
    shares = (Share("a", 20, "x"), Share("b", 50, "x"), Share("c", 30, "x"))
    first = chosen(Split(shares, sticky=False), people, once, seed="s")
    assert np.allclose(np.bincount(first) / len(people), [0.2, 0.5, 0.3], atol=0.01)
    assert (first == chosen(Split(shares, sticky=False), people, once, seed="s")).all()
    assert 0.5 < (first != chosen(Split(shares, sticky=False), people, again, seed="s")).mean() < 0.75
    assert 0.5 < (first != chosen(Split(shares, sticky=False), people, once, seed="t")).mean() < 0.75
    kept = chosen(Split(shares, sticky=True), people, once, seed="s")
    assert (kept == chosen(Split(shares, sticky=True), people, again, seed="s")).all()


def test_who_may_enter():
    inside = np.array([False, True, False, False])
    entries = np.array([0, 1, 1, 3])
    since = np.array([0, 5, 10, 90])
    day = timedelta(microseconds=20)

    def asked(again: Again) -> list[bool]:
        return may_enter(
            again, inside=inside, entries=entries, since=since, ended=since, at=np.full(4, 100)
        ).tolist()

    assert asked(Again()) == [True, False, False, False]
    assert asked(Again(ever=True)) == [True, False, True, True]
    assert asked(Again(ever=True, after=day)) == [True, False, True, False]


def test_nobody_enters_again_by_what_came_before_they_were_out_or_let_them_in_already():
    entries = np.ones(4, dtype=np.int64)
    since, ended = np.array([10, 10, 10, 10]), np.array([20, 20, 20, 20])
    at = np.array([9, 10, 19, 20])
    again = Again(ever=True)
    may = may_enter(again, inside=np.zeros(4, bool), entries=entries, since=since, ended=ended, at=at)
    assert may.tolist() == [False, False, False, True]
