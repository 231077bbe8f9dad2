"""Schedules: each instant once, whatever the clock does."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from limner.errors import ConfigError
from limner.workspace.schedule import Scheduled, due, moments

SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHTLY = Scheduled("tag run", "", "0 3 * * *", SHANGHAI)
START = datetime(2026, 5, 1, tzinfo=UTC)


def test_a_cron_expression_is_read_in_its_zone() -> None:
    first = next(iter(moments("0 3 * * *", SHANGHAI, START)))
    assert first == datetime(2026, 5, 1, 19, tzinfo=UTC)


def test_several_missed_instants_become_one() -> None:
    now = START + timedelta(days=30)
    found = due([NIGHTLY], done={}, since=START, now=now)
    assert [item.at for item in found] == [datetime(2026, 5, 30, 19, tzinfo=UTC)]


def test_what_was_done_is_not_due_again_even_when_the_clock_goes_back() -> None:
    at = datetime(2026, 5, 1, 19, tzinfo=UTC)
    done = {NIGHTLY.key: at}
    for now in (at, at + timedelta(hours=1), at - timedelta(hours=5), at - timedelta(days=1)):
        assert due([NIGHTLY], done=done, since=START, now=now) == []


def test_nothing_is_due_before_its_time() -> None:
    assert due([NIGHTLY], done={}, since=START, now=START + timedelta(hours=18)) == []


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_a_day_with_a_clock_change_has_each_nightly_run_once(day: datetime) -> None:
    nightly = Scheduled("tag run", "", "30 2 * * *", ZoneInfo("Europe/Berlin"))
    start = day - timedelta(days=2)
    done: dict[str, datetime] = {}
    ran = []
    for minute in range(0, 4 * 24 * 60, 10):
        for item in due([nightly], done=done, since=start, now=start + timedelta(minutes=minute)):
            done[item.scheduled.key] = item.at
            ran.append(item.at.astimezone(ZoneInfo("Europe/Berlin")).date())
    assert len(ran) == len(set(ran)) == 4


def test_a_wrong_cron_expression_is_refused() -> None:
    with pytest.raises(ConfigError, match="not a cron expression"):
        list(moments("every day", SHANGHAI, START))
