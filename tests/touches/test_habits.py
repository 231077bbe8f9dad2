"""Habits of a simulated crowd with known preferences, in several time zones; answers against one message at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from limner.campaigns import best_hour
from limner.campaigns.best_hour import HOURS, WEIGHT, instant, openings
from limner.campaigns.model import Quiet
from limner.campaigns.policy import silent_until
from limner.campaigns.rules import Hours, Response
from limner.engine.duckdb import DuckDB
from limner.touches import answers, habits
from limner.types import naive
from limner.workspace.workspace import make_tables

NOW = datetime(2026, 4, 20, 9, 30, tzinfo=UTC)  # clocks changed in Berlin and New York within the last months
ZONES = ("Asia/Shanghai", "America/New_York", "Europe/Berlin", "Asia/Kolkata")
USUAL = ZoneInfo("Asia/Shanghai")
PEOPLE = 3_000
SHARE = 0.5
"""Of what people do, so much lies in their own two hours; the rest follows everybody's day."""
DAY = np.array([1, 1, 1, 1, 1, 1, 2, 4, 6, 6, 6, 6, 7, 6, 5, 5, 5, 6, 7, 9, 10, 9, 6, 3], dtype=float)


class Crowd:
    """People who like two hours each, and what they did in the last 100 days, by the clocks where they live."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.zone = rng.integers(0, len(ZONES), PEOPLE)
        self.likes = rng.integers(0, HOURS, PEOPLE)
        self.many = np.where(
            rng.random(PEOPLE) < 0.3, rng.integers(1, 8, PEOPLE), rng.integers(12, 60, PEOPLE)
        )
        who = np.repeat(np.arange(PEOPLE), self.many)
        own = rng.random(len(who)) < SHARE
        hour = np.where(
            own,
            (self.likes[who] + rng.integers(0, 2, len(who))) % HOURS,
            rng.choice(HOURS, len(who), p=DAY / DAY.sum()),
        )
        day = rng.integers(1, 101, len(who))
        self.who = who
        local = [
            datetime(2026, 4, 20, int(h), int(m), tzinfo=ZoneInfo(ZONES[self.zone[w]]))
            - timedelta(days=int(d))
            for w, h, m, d in zip(who, hour, rng.integers(0, 60, len(who)), day, strict=True)
        ]
        self.at = np.array([int(one.timestamp()) for one in local]) * 1_000_000

    def tell(self, engine: DuckDB) -> None:
        rows = pa.table({"ix": self.who.astype(np.uint32), "us": self.at})
        zones = pa.table(
            {"ix": np.arange(PEOPLE, dtype=np.uint32), "zone": [f'"{ZONES[zone]}"' for zone in self.zone]}
        )
        with engine.write() as tx:
            with tx.given("said", rows):
                tx.execute(
                    "INSERT INTO events (id, name_i, ts, received_at, ix) SELECT ROW_NUMBER() OVER (), 1,"
                    " MAKE_TIMESTAMP(us), MAKE_TIMESTAMP(us), ix FROM said"
                )
            with tx.given("lived", zones):
                tx.execute(
                    "INSERT INTO attributes (id, ix, name, ts, received_at, mode, kind, value) SELECT ix, ix,"
                    " 'timezone', TIMESTAMP '2025-01-01', TIMESTAMP '2025-01-01', 'set', 'declared', zone FROM lived"
                )


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[DuckDB, Crowd]]:
    engine = DuckDB(None)
    make_tables(engine)
    crowd = Crowd(5)
    crowd.tell(engine)
    yield engine, crowd
    engine.close()


@pytest.mark.proves("S3")
def test_the_right_band_is_found_and_nothing_is_due_in_quiet_hours(told: tuple[DuckDB, Crowd]) -> None:
    engine, crowd = told
    hours = Hours()
    ixs = np.arange(PEOPLE, dtype=np.uint32)
    there = habits.clocks(engine, ixs, usual=USUAL, now=NOW)
    assert [str(there.zones[of]) for of in there.of] == [ZONES[zone] for zone in crowd.zone]
    found = habits.counted(
        engine,
        ixs,
        np.arange(PEOPLE),
        there,
        number=PEOPLE,
        which="e.name_i = 1",
        half_life=hours.half_life,
        now=NOW,
    )
    # each one's own clock, one event at a time
    for who in range(0, PEOPLE, 60):
        seen = {
            instant(int(at))
            .astimezone(ZoneInfo(ZONES[crowd.zone[who]]))
            .replace(minute=0, second=0, microsecond=0)
            for at in crowd.at[crowd.who == who]
            if NOW - timedelta(days=240) <= instant(int(at)) < NOW
        }
        n, weighted = np.zeros(HOURS, dtype=int), np.zeros(HOURS, dtype=int)
        today = NOW.astimezone(ZoneInfo(ZONES[crowd.zone[who]])).replace(tzinfo=None)
        for hour in seen:
            n[hour.hour] += 1
            age = today.replace(minute=0, second=0, microsecond=0) - hour.replace(tzinfo=None)
            weighted[hour.hour] += WEIGHT >> int(age / timedelta(days=60))
        assert found.n[who].tolist() == n.tolist()
        assert found.weighted[who].tolist() == weighted.tolist()
    shares = best_hour.others(found.weighted.sum(axis=0), None, prior=hours.prior)
    known = found.n.sum(axis=1) >= hours.least
    assert 1_500 < known.sum() < 2_500
    scored = best_hour.scores(
        found.weighted, found.n.sum(axis=1), known, shares[None, :], prior=hours.prior, band=hours.band
    )
    best = scored.argmax(axis=1)
    right = best == crowd.likes
    assert right[known].mean() >= 0.7
    # below that everybody's
    assert set(best[~known]) == {int(best_hour.in_bands(shares, hours.band).argmax())}
    quiet = Quiet(time(21), time(9))
    for number, zone in enumerate(there.zones):

        def silent(at: datetime, zone: ZoneInfo = zone) -> bool:
            return silent_until(at, zone, quiets=[quiet], holidays=()) is not None

        mine = np.flatnonzero(there.of == number)
        opened = openings(NOW, timedelta(hours=24), zone, silent)
        at, hour = best_hour.chosen(scored[mine], opened)
        local = [instant(int(one)).astimezone(zone).hour for one in at]
        assert local == hour.tolist()
        assert all(9 <= one < 21 for one in local)
        awake = (crowd.likes[mine] >= 9) & (crowd.likes[mine] < 21) & known[mine]
        assert (hour[awake] == crowd.likes[mine][awake]).mean() >= 0.7


def test_answers_are_those_of_one_message_at_a_time() -> None:
    engine = DuckDB(None)
    make_tables(engine)
    rng = np.random.default_rng(3)
    channels = ("email", "sms")
    rows = []
    response = Response(within=timedelta(days=3), last=timedelta(days=60))
    sent: list[tuple[int, int, datetime, bool]] = []
    bought: list[tuple[int, datetime]] = []
    for number in range(600):
        who, by = int(rng.integers(0, 40)), int(rng.integers(0, 2))
        at = NOW - timedelta(hours=int(rng.integers(0, 24 * 90)))
        later = at + timedelta(hours=int(rng.integers(1, 120)))
        service, reacts, machine, leaves, buys = rng.random(5) < (0.2, 0.5, 0.2, 0.1, 0.05)
        rows.append((who, 1, at, channels[by], f"m{number}", None, "service" if service else "marketing"))
        if reacts:
            rows.append((who, 2, later, channels[by], f"m{number}", bool(machine), None))
            if leaves:
                rows.append((who, 3, later, channels[by], f"m{number}", None, None))
        if buys:
            rows.append((who, 4, later, None, None, None, None))
            bought.append((who, later))
        if not service and NOW - response.last <= at <= NOW - response.within:
            clicked = reacts and later <= at + response.within and not machine and not leaves
            sent.append((who, by, at, bool(clicked)))
    asked, answered = np.zeros((40, 2), dtype=int), np.zeros((40, 2), dtype=int)
    for who, by, at, clicked in sent:
        asked[who, by] += 1
        answered[who, by] += clicked or any(
            who == other and at <= then <= at + response.within for other, then in bought
        )
    table = pa.table(
        {
            name: list(column)
            for name, column in zip(
                ("ix", "name_i", "ts", "channel", "message", "machine", "class"),
                zip(*rows, strict=True),
                strict=True,
            )
        }
    ).set_column(2, "ts", pa.array([naive(row[2]) for row in rows]))
    with engine.write() as tx:
        for column in ("channel VARCHAR", "message VARCHAR", "machine BOOLEAN", '"class" VARCHAR'):
            tx.execute(f"ALTER TABLE events ADD COLUMN {column}")
        with tx.given("rows", table):
            tx.execute(
                "INSERT INTO events (id, name_i, ts, received_at, ix, channel, message, machine, class)"
                " SELECT ROW_NUMBER() OVER (), name_i, ts, ts, ix, channel, message, machine, class FROM rows"
            )
    names = answers.Names([1], [2], [3], [4], "channel", "message", "machine", "class")
    found = answers.found(
        engine,
        np.arange(40, dtype=np.uint32),
        channels,
        names=names,
        response=response,
        message_class="marketing",
        now=NOW,
    )
    assert found.asked.tolist() == asked.tolist()
    assert found.answered.tolist() == answered.tolist()
    assert found.crowd_asked.tolist() == asked.sum(axis=0).tolist()
    assert found.crowd_answered.tolist() == answered.sum(axis=0).tolist()
    nobody = answers.found(
        engine, np.arange(3, dtype=np.uint32), channels, names=answers.Names([], [], [], [], "", "", "", ""),
        response=response, message_class="marketing", now=NOW,
    )  # fmt: skip
    assert not nobody.asked.any()
    engine.close()
