"""The hour at which people are best written to: the formula against fractions, zones and silence against the clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.campaigns.best_hour import (
    HOUR_US,
    HOURS,
    WEIGHT,
    WHOLE,
    chosen,
    in_bands,
    instant,
    micros,
    openings,
    others,
    scores,
    spans,
)
from limner.campaigns.model import Quiet
from limner.campaigns.policy import silent_until
from limner.campaigns.rules import Days

ZONES = [
    ZoneInfo(name)
    for name in (
        "Asia/Shanghai", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "UTC",
        "Pacific/Apia", "America/St_Johns",
    )
]  # fmt: skip
zones = st.sampled_from(ZONES)
instants = st.integers(1_704_067_200, 1_830_297_600).map(lambda at: datetime.fromtimestamp(at, UTC))
counts = st.lists(st.integers(0, 900), min_size=HOURS, max_size=HOURS)


@given(zones, instants, st.integers(1, 300), st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_spans_tell_every_clock_without_gaps(zone: ZoneInfo, first: datetime, days: int, at: int) -> None:
    last = first + timedelta(days=days)
    found = spans(zone, first, last)
    assert (found[0].since, found[-1].until) == (micros(first), micros(last))
    assert all(one.until == two.since for one, two in pairwise(found))
    us = micros(first) + at % (micros(last) - micros(first))
    (here,) = [one for one in found if one.since <= us < one.until]
    assert instant(us).astimezone(zone).utcoffset() == timedelta(microseconds=here.offset)


@given(counts, counts, counts, st.integers(0, 30), st.integers(1, 12), st.booleans(), st.integers(0, 200))
@settings(max_examples=80, deadline=None)
def test_the_share_is_the_one_of_the_formula(
    own: list[int], segment: list[int], every: list[int], prior: int, band: int, known: bool, n: int
) -> None:
    plain = [Fraction(count, sum(every)) if sum(every) else Fraction(1, HOURS) for count in every]
    weight = prior * WEIGHT
    whole = sum(segment) + weight
    crowd = [
        (count + weight * share) / whole if whole else share
        for count, share in zip(segment, plain, strict=True)
    ]
    found = others(np.array(every), np.array(segment), prior=prior)
    assert all(abs(int(got) - want * WHOLE) <= 2 for got, want in zip(found, crowd, strict=True))
    shrunk = [
        (n * Fraction(count, max(sum(own), 1)) + prior * share) / max(n + prior, 1)
        for count, share in zip(own, crowd, strict=True)
    ]
    wanted = shrunk if known else crowd
    bands = [sum(wanted[(hour + step) % HOURS] for step in range(band)) for hour in range(HOURS)]
    given_ = np.array([own]), np.array([n]), np.array([known]), found[None, :]
    scored = scores(*given_, prior=prior, band=band)[0]
    best = int(scored.argmax())
    assert max(bands) - bands[best] < Fraction(1, 10**6)
    assert scored.tolist() == in_bands(scores(*given_, prior=prior, band=1), band)[0].tolist()


times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
quiets = st.none() | st.tuples(times, times).filter(lambda two: two[0] != two[1]).map(lambda two: Quiet(*two))


@given(
    zones,
    instants,
    st.integers(1, 7 * 24),
    quiets,
    st.lists(st.integers(0, 900), min_size=24, max_size=24),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_the_hour_is_the_best_that_is_open_and_never_silent(
    zone: ZoneInfo, now: datetime, length: int, quiet: Quiet | None, score: list[int], festive: bool
) -> None:
    within = timedelta(hours=length)
    holidays = (Days(now.date() + timedelta(days=1), now.date() + timedelta(days=2)),) if festive else ()

    def silent(at: datetime) -> bool:
        return silent_until(at, zone, quiets=[quiet] if quiet else [], holidays=holidays) is not None

    there = openings(now, within, zone, silent)
    (due,), (hour,) = chosen(np.array([score]), there)
    # by the clock, minute by minute
    steps = [now + timedelta(minutes=n) for n in range(length * 60)]
    starts = [now] + [
        at.replace(second=0, microsecond=0)
        for at in (step + timedelta(minutes=1) for step in steps)
        if now < at.replace(second=0, microsecond=0) < now + within
        and (
            at.astimezone(zone).hour != (at - timedelta(minutes=1)).astimezone(zone).hour
            or at.astimezone(zone).utcoffset() != (at - timedelta(minutes=1)).astimezone(zone).utcoffset()
        )
    ]
    open_ = [at for at in starts if not silent(at)]
    if not open_:
        assert (int(hour), int(due)) == (-1, micros(now))
        return
    best = max(score[at.astimezone(zone).hour] for at in open_)
    assert instant(int(due)) == next(at for at in open_ if score[at.astimezone(zone).hour] == best)
    assert not silent(instant(int(due)))
    assert instant(int(due)).astimezone(zone).hour == hour


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (
            "2026-03-28T12:00:00+00:00",
            "2026-03-29T03:00:00+02:00",
        ),  # 02:00 is skipped: the hour after is next best
        ("2026-10-24T12:00:00+00:00", "2026-10-25T02:00:00+02:00"),  # 02:00 comes twice: the first
    ],
)
def test_the_hour_that_a_clock_change_skips_or_repeats(now: str, wanted: str) -> None:
    score = np.zeros((1, HOURS), dtype=np.int64)
    score[0, 2], score[0, 3] = 10, 5
    there = openings(
        datetime.fromisoformat(now), timedelta(hours=24), ZoneInfo("Europe/Berlin"), lambda _at: False
    )
    assert instant(int(chosen(score, there)[0][0])) == datetime.fromisoformat(wanted)


def test_the_hour_that_has_begun_counts() -> None:
    score = np.zeros((1, HOURS), dtype=np.int64)
    score[0, 20] = 1
    zone = ZoneInfo("Asia/Shanghai")
    now = datetime(2026, 6, 1, 12, 40, tzinfo=UTC)  # 20:40 there
    there = openings(now, timedelta(hours=24), zone, lambda _at: False)
    assert instant(int(chosen(score, there)[0][0])) == now
    assert there.at[1] - there.at[0] == 20 * 60 * 1_000_000
    assert there.at[2] - there.at[1] == HOUR_US
