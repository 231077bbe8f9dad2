"""Clocks that jump: each moment of a schedule, of a campaign as of a journey, is done once and once only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from limner.demo.mail_server import MailServer
from limner.workspace.tick import Ticker
from tests.workspace.worlds import World

HOME = ZoneInfo("Europe/Berlin")
MEMBERS = """\
source: crm
person: {user_id: user_id, email: email}
time: {column: since, format: "%Y-%m-%d", zone: UTC}
event: none
attributes: {email: email, expires: expires}
"""
CAMPAIGN = """\
audience: everybody
template: hello.html
subject: Hello
class: service
holdout: 0
schedule: "30 2 * * *"
"""
JOURNEY = 'start: {schedule: "30 2 * * *", audience: everybody}\nagain: true\nholdout: 0\nsteps: {call: {task: Call}}\n'
DATED = 'start: {date: person.expires, at: "02:30"}\nagain: true\nholdout: 0\nsteps: {call: {task: Call}}\n'
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
JUMPS = (
    *[9 * HOUR] * 3, SECOND, -SECOND, SECOND, 6 * HOUR, -SECOND, SECOND, HOUR, -HOUR, HOUR, -HOUR, 5 * HOUR, DAY, -DAY,
    HOUR, DAY - HOUR, SECOND, -3 * SECOND, 25 * HOUR, -2 * DAY, DAY, DAY, HOUR, *[7 * HOUR] * 9,
)  # fmt: skip


@pytest.mark.proves("G17")
@pytest.mark.parametrize(
    "day", [datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC)], ids=str
)
def test_each_moment_of_a_schedule_is_done_once_whatever_the_clock_does(
    tmp_path: Path, day: datetime
) -> None:
    """The clock runs over a change of clocks, and jumps by a second, an hour and a day, forward and back."""
    with MailServer() as mail:
        world = World(
            tmp_path / "shop",
            now=day,
            toml='zone = "Europe/Berlin"\n[email]\nhost = "127.0.0.1"\n'
            f'port = {mail.port}\nsender = "Shop <hi@shop.example>"\n',
        )
        ends = [(day.date() + number * DAY).isoformat() for number in range(12)]
        rows = "".join(f"m{n},m{n}@example.test,2026-01-01,{end}\n" for n, end in enumerate(ends))
        file = world.write("members.csv", f"user_id,email,since,expires\n{rows}")
        world.verb("import", file=str(file), map=str(world.write("members.map.yml", MEMBERS)))
        world.write("audiences/everybody.yml", "expression: known(person.email)\n")
        world.write("templates/hello.html", "<p>hello</p>\n")
        world.write("campaigns/daily.yml", CAMPAIGN)
        world.write("journeys/nightly.yml", JOURNEY)
        world.write("journeys/dated.yml", DATED)
        for name in ("nightly", "dated"):
            world.verb("journey start", name=name)
        ticker = Ticker(world.workspace)
        latest, wanted, due_dates = world.now, [], []
        for jump in JUMPS:
            world.now += jump
            ticker.tick()
            ticker.tick()
            # a moment counts at the first reading that is past it; of several the last
            passed = [moment for moment in _nights(day) if latest < moment <= world.now]
            wanted += passed[-1:]
            due_dates += passed
            latest = max(latest, world.now)
        assert len(wanted) > 6
        with world.workspace.records.read() as connection:
            sends = connection.exec_driver_sql(
                "SELECT entry FROM campaign_entries WHERE campaign = 'daily' ORDER BY entry"
            ).scalars()
            assert list(sends) == [moment.strftime("%Y%m%dT%H%M%SZ") for moment in wanted]
            entered = connection.exec_driver_sql(
                "SELECT entered_at, COUNT(*) FROM positions WHERE journey = 'nightly' GROUP BY 1 ORDER BY 1"
            ).all()
            assert [tuple(row) for row in entered] == [(_micros(moment), len(ends)) for moment in wanted]
            dated = connection.exec_driver_sql(
                "SELECT entered_at, COUNT(*) FROM positions WHERE journey = 'dated' GROUP BY 1 ORDER BY 1"
            ).all()
            assert [tuple(row) for row in dated] == [(_micros(moment), 1) for moment in due_dates]
        world.close()


def _nights(day: datetime) -> list[datetime]:
    """Half past two in Berlin, of each night; where clocks skip it, the moment at which they pass it."""
    found = []
    for number in range(13):
        night = (day + number * DAY).date()
        local = datetime(night.year, night.month, night.day, 2, 30, tzinfo=HOME)
        if local.astimezone(UTC).astimezone(HOME).replace(tzinfo=None) != local.replace(tzinfo=None):
            local = datetime(night.year, night.month, night.day, 3, tzinfo=HOME)
        found.append(local.astimezone(UTC))
    return found


def _micros(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))
