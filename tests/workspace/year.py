"""A year of members with three ready journeys, and an oracle that says person by person what each of them gets.

The oracle knows how the journeys are meant and nothing of how they are run: it reads no definition, and shares no code
with what moves people.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from limner.demo.mail_server import MailServer
from limner.workspace import walking
from limner.workspace.tick import Ticker
from tests.workspace.worlds import World

HOME = ZoneInfo("America/New_York")
ZONES = ("", "", "America/New_York", "Asia/Shanghai", "Europe/Berlin")
BEGIN = datetime(2026, 1, 1, 17, 7, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
OUTAGE = (datetime(2026, 5, 11, 18, tzinfo=UTC), datetime(2026, 5, 14, 18, tzinfo=UTC))
BEFORE, CYCLE, SILENT, LOST, PAUSE = 7, 60, 30, 75, 6


@dataclass
class Member:
    """One person: a clock, what they did when, and since when which end of their membership was known."""

    id: str
    zone: str
    bought: list[datetime] = field(default_factory=list)
    renewed: list[datetime] = field(default_factory=list)
    ends: list[tuple[datetime, date]] = field(default_factory=list)


@dataclass(frozen=True, order=True)
class Outcome:
    """A message or a task that somebody gets: of which journey and step, due when; sent at which look, or why not."""

    person: str
    journey: str
    step: str
    due: datetime
    what: str
    at: datetime


def members(count: int, seed: int, days: int = 365) -> list[Member]:
    """People who renew early, in time, late or never; who buy, fall silent and return."""
    luck = random.Random(seed)
    found = []
    for number in range(count):
        member = Member(f"m{number:05d}", luck.choice(ZONES))
        length = luck.choice((90, 180, 365))
        end = BEGIN.date() + timedelta(days=luck.randrange(-20, 365))
        member.ends.append((BEGIN - 30 * DAY, end))
        while end < BEGIN.date() + timedelta(days=days):
            habit = luck.random()
            if habit < 0.2:
                break  # never
            if habit < 0.4:
                late = luck.randrange(-40, -BEFORE - 1)  # before anybody asks
            elif habit < 0.8:
                late = luck.randrange(-BEFORE, 1)
            else:
                late = luck.randrange(1, 40)
            when = _some_time(luck, end + timedelta(days=late))
            if when <= max(BEGIN, member.ends[-1][0]):
                break
            end = max(end, when.date()) + timedelta(days=length)
            member.renewed.append(when)
            member.ends.append((when, end))
        day = luck.randrange(-60, 60)
        while day < days:
            member.bought.append(_some_time(luck, BEGIN.date() + timedelta(days=day)))
            day += luck.choice((1, 3, 9, 20, 29, 30, 31, 45, 80, 140))
        member.bought.sort()
        found.append(member)
    return found


def _some_time(luck: random.Random, day: date) -> datetime:
    return datetime.combine(day, time(0), tzinfo=UTC) + timedelta(seconds=luck.randrange(86_400))


def looks(days: int = 365, every: timedelta = 40 * HOUR, near: timedelta = 3 * HOUR) -> list[datetime]:
    """When somebody looks: so often, more often around the two changes of clocks, never while the process is down."""
    found = {BEGIN + number * every for number in range(1, int(days * DAY / every))}
    for change in (datetime(2026, 3, 8, 7, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, 7, tzinfo=UTC)):
        found |= {
            change + number * near for number in range(int(-12 * HOUR / near), int(12 * HOUR / near) + 1)
        }
    return sorted(look for look in found if not OUTAGE[0] <= look < OUTAGE[1])


# The oracle


def clocks_show(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant at which clocks of the zone show a time that every day has."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def next_at(now: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The first instant after `now` at which clocks of the zone show the time."""
    day = now.astimezone(zone).date()
    while (found := clocks_show(day, at, zone)) <= now:
        day += timedelta(days=1)
    return found


def expected(member: Member, at_looks: Sequence[datetime]) -> list[Outcome]:
    """What the member gets, from all three journeys."""
    return sorted(
        [
            *_expiry(member, at_looks),
            *_quiet(member, at_looks, "silence"),
            *_quiet(member, at_looks, "recall"),
        ]
    )


def _judged(due: datetime, useful: timedelta, look: datetime) -> str:
    return "sent" if look <= due + useful else "too late"


def _expiry(member: Member, at_looks: Sequence[datetime]) -> Iterator[Outcome]:
    """Some days before the end at ten, and on the day at ten; who renews, or whose end moves, gets nothing more."""
    zone = ZoneInfo(member.zone) if member.zone else HOME
    inside: datetime | None = None
    out = last = None
    waiting: list[tuple[str, datetime, timedelta]] = []
    then = BEGIN
    for look in at_looks:
        end = [end for since, end in member.ends if since < look][-1]

        def gone(entered: datetime, look: datetime = look, end: date = end) -> datetime | None:
            renewals = [when for when in member.renewed if entered <= when < look]
            if renewals:
                return renewals[0]
            begins = datetime.combine(end, time(0), tzinfo=HOME).astimezone(UTC)
            if look <= begins < look + (BEFORE + 1) * DAY or look - 2 * DAY <= begins < look:
                return None
            return look

        if inside is not None and (when := gone(inside)) is not None:
            inside, out, waiting = None, when, []
        start = clocks_show(end - timedelta(days=BEFORE), time(10), zone)
        known_since = max(BEGIN, min(then, look - 2 * DAY))
        may = last is None or (start >= last + CYCLE * DAY and start >= (out or start))
        if inside is None and known_since < start <= look and may:
            inside = last = start
            second = next_at(start + (24 * BEFORE - 12) * HOUR, time(10), zone)
            waiting = [("first", start, DAY), ("last", second, 12 * HOUR)]
            if (when := gone(start)) is not None:
                inside, out, waiting = None, when, []
        due = [item for item in waiting if item[1] <= look]
        useful = [item for item in due if look <= item[1] + item[2]]
        for step, when, of_use in due:
            what = _judged(when, of_use, look)
            if what == "sent" and (step, when, of_use) != useful[-1]:
                what = "overtaken"
            yield Outcome(member.id, "expiry", step, when, what, look)
        waiting = waiting[len(due) :]
        if inside is not None and not waiting:
            inside, out = None, due[-1][1]
        then = look


def _quiet(member: Member, at_looks: Sequence[datetime], journey: str) -> Iterator[Outcome]:
    """Whoever bought once and then not for long: asked at the next morning, unless they buy; the lost several times."""
    zone = ZoneInfo(member.zone) if member.zone else HOME
    days = SILENT if journey == "silence" else LOST

    def silent(now: datetime) -> bool:
        before = bisect_left(member.bought, now)
        return before > 0 and member.bought[before - 1] < now - days * DAY

    steps: list[tuple[str, datetime, timedelta | None]] = []
    last = out = None
    was = silent(at_looks[0])  # whoever is silent when it is looked at first did not fall silent
    for look in at_looks[1:]:
        now_silent = silent(look)
        if steps and not now_silent:
            steps, out = [], look
        may = last is None or (look >= last + days * DAY and (out is None or look >= out))
        if now_silent and not was and not steps and may:
            last = look
            if journey == "silence":
                morning = next_at(look, time(10), zone)
                steps = [("call", morning, None), ("write", morning, DAY)]
            else:
                morning = next_at(look, time(11), zone)
                steps = [
                    ("first", morning, 2 * DAY),
                    ("second", morning + PAUSE * DAY, 2 * DAY),
                    ("call", morning + 2 * PAUSE * DAY, None),
                ]
        was = now_silent
        due = [step for step in steps if step[1] <= look]
        of_use = [step for step in due if step[2] is not None and look <= step[1] + step[2]]
        for step in due:
            name, when, useful = step
            if useful is None:
                yield Outcome(member.id, journey, name, when, "task", look)
            else:
                what = _judged(when, useful, look)
                if what == "sent" and step != of_use[-1]:
                    what = "overtaken"
                yield Outcome(member.id, journey, name, when, what, look)
        if due:
            steps = steps[len(due) :]
            if not steps:
                out = due[-1][1]


# The same year in a workspace

MEMBERS = """\
source: crm
person: {user_id: user_id, email: email}
time: {column: since, format: "%Y-%m-%dT%H:%M:%SZ", zone: UTC}
event: none
attributes: {email: email, expires: expires, timezone: timezone}
"""
EVENTS = """\
source: shop
person: {user_id: user_id}
time: {column: at, format: "%Y-%m-%dT%H:%M:%SZ", zone: UTC}
event: {column: event}
"""
FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class Year(World):
    """The members' year in a workspace with the three journeys, which nobody is held out of."""

    mail: MailServer

    def look(self, at: datetime) -> None:
        """What is due is done, and sent."""
        self.now = at
        walking.move_all(self.workspace)
        Ticker(self.workspace).send_once("email")

    def outcomes(self) -> list[Outcome]:
        """What everybody got, as the records say it."""
        people = {
            row["id"]: row["user"]
            for row in self.workspace.engine.read(
                "SELECT p.person_id AS id, i.value AS user FROM persons AS p JOIN identifiers AS i ON i.ix = p.ix"
                " WHERE i.kind = 'user'"
            ).to_pylist()
        }
        reasons = {"": "", "too late to be of use": "too late", "overtaken by a later message": "overtaken"}
        with self.workspace.records.read() as connection:
            touches = connection.exec_driver_sql(
                "SELECT person, campaign, entry, due_at, status, reason, done_at FROM touches"
            ).all()
            tasks = connection.exec_driver_sql("SELECT person, journey, step, at FROM charges").all()
        found = [
            Outcome(
                people[row[0]], row[1], row[2], _instant(row[3]),
                "sent" if row[4] == "sent" else reasons.get(row[5], row[5]), _instant(row[6]),
            )
            for row in touches
        ]  # fmt: skip
        found += [
            Outcome(people[person], journey, step, _instant(at), "task", _instant(at))
            for person, journey, step, at in tasks
        ]
        return sorted(found)


def _instant(micros: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


@contextmanager
def lived(folder: Path, people: Sequence[Member], at_looks: Sequence[datetime]) -> Iterator[Year]:
    """The whole year, looked at at these moments."""
    with MailServer() as mail:
        year = Year(
            folder,
            now=BEGIN,
            toml='public_url = "https://shop.example"\nzone = "America/New_York"\n[email]\nhost = "127.0.0.1"\n'
            f'port = {mail.port}\nsender = "Shop <hi@shop.example>"\n',
        )
        year.mail = mail
        rows = [
            f"{one.id},{one.id}@example.test,{since.strftime(FORMAT)},{end},{one.zone}\n"
            for one in people
            for since, end in one.ends
        ]
        events = [
            f"{one.id},{at.strftime(FORMAT)},{event}\n"
            for one in people
            for event, moments in (("Order Paid", one.bought), ("Membership Renewed", one.renewed))
            for at in moments
        ]
        for name, head, lines, mapping in (
            ("members", "user_id,email,since,expires,timezone\n", rows, MEMBERS),
            ("events", "user_id,at,event\n", events, EVENTS),
        ):
            file = year.write(f"{name}.csv", head + "".join(lines))
            year.verb("import", file=str(file), map=str(year.write(f"{name}.map.yml", mapping)))
        agreed = "".join(f"{one.id},email,{one.id}@example.test,granted\n" for one in people)
        year.verb(
            "consent import", file=str(year.write("agreed.csv", f"user_id,channel,address,state\n{agreed}"))
        )
        for key, values in (
            ("expiry", {"days": str(BEFORE), "cycle": str(CYCLE), "renewal": "Membership Renewed"}),
            ("silence", {"days": str(SILENT), "activity": "Order Paid"}),
            ("recall", {"days": str(LOST), "pause": str(PAUSE), "purchase": "Order Paid"}),
        ):
            year.verb("ready install", key=key, name=key, values={"holdout": "0", **values})
            year.verb("journey start", name=key)
        for at in at_looks:
            year.look(at)
        yield year
        year.close()
