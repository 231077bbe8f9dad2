"""Best hours and best channels on an open workspace: campaigns and journeys, what is chosen, stored, shown and sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from limner.accounts.keys import instant
from limner.demo.mail_server import MailServer
from limner.demo.sms_server import ACCESS_KEY, SECRET, SmsServer
from limner.errors import DefinitionError, NotFoundError, UsageError
from limner.types import Json
from limner.workspace.tick import Ticker
from tests.workspace.worlds import World

PEOPLE = 24
REACHED = [who for who in range(PEOPLE) if not (who % 8 == 7 and who % 6 == 5)]
"""Whoever consented to mails or text messages."""
ZONES = ("Asia/Shanghai", "America/New_York", "Europe/Berlin")
START = datetime(2026, 6, 1, 4, 30, tzinfo=UTC)
MEMBERS = """\
source: crm
person: {user_id: user_id, email: email, phone: phone}
time: {column: since, format: "%Y-%m-%d", zone: UTC}
event: none
attributes: {name: name, email: email, phone: phone, timezone: timezone, tier: tier}
"""
EVENTS = """\
source: shop
person: {user_id: user_id}
time: {column: at, format: "%Y-%m-%dT%H:%M:%SZ", zone: UTC}
event: {column: event}
"""
TIER = """\
nature: fact
method: observed
type: text
attribute: tier
owner: crm
why: Words.
"""
POLICY = """\
quiet_hours: ["21:00", "09:00"]
hours: {events: [Page Viewed], segment: tier}
costs: {email: 0.01, sms: 0.05}
"""
NEWS = """\
audience: everybody
holdout: 0
channel: best of [email, sms]
subject: News
templates: {email: news.html, sms: news.yml}
when: best hour
within: 24 hours
"""
SMS = """\
signature: 示例商店
template_code: SMS_1
text: "${name} 您好，退订回复R"
parameters: {name: "{{ person.name }}"}
"""


def zone_of(who: int) -> ZoneInfo:
    return ZoneInfo(ZONES[who % 3])


def likes(who: int) -> int:
    """The hour at which a person is usually there; some in the night."""
    return (7 + who) % 24


class Shop(World):
    """People in three zones with known hours, who answer by known channels; a mail server and an SMS platform."""

    mail: MailServer
    sms: SmsServer
    n = 0

    def events(self, rows: list[tuple[int, datetime, str]]) -> None:
        self.n += 1
        lines = "".join(
            f"m{who:02d},{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ},{event}\n" for who, at, event in rows
        )
        file = self.write(f"events{self.n}.csv", f"user_id,at,event\n{lines}")
        self.verb("import", file=str(file), map=str(self.write("events.map.yml", EVENTS)))

    def send(self) -> None:
        ticker = Ticker(self.workspace)
        for channel in ("email", "sms"):
            ticker.send_once(channel)

    def touches(self, campaign: str) -> dict[str, Json]:
        """By user, the message of the campaign: channel, due_at, status, reason and choice."""
        users = [f"m{who:02d}" for who in range(PEOPLE)]
        ids = dict(zip(self.ids(*users), users, strict=True))
        with self.workspace.records.read() as connection:
            rows = connection.execute(
                text("SELECT * FROM touches WHERE campaign = :campaign"), {"campaign": campaign}
            ).mappings()
            return {ids[row["person"]]: dict(row) for row in rows if row["person"] in ids}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    patch = pytest.MonkeyPatch()
    patch.setenv("SMS_SECRET", SECRET)
    with MailServer() as mail, SmsServer() as sms:
        world = Shop(
            tmp_path_factory.mktemp("timing") / "shop",
            toml=f'public_url = "https://shop.example"\n[email]\nhost = "127.0.0.1"\nport = {mail.port}\n'
            'sender = "Shop <hi@shop.example>"\n'
            f'[sms]\napi = "{sms.url}"\naccess_key = "{ACCESS_KEY}"\nsecret_env = "SMS_SECRET"\n',
            now=START,
        )
        world.mail, world.sms = mail, sms
        rows = [
            f"m{n:02d},Name {n},m{n:02d}@example.test,139000000{n:02d},2026-01-01,{ZONES[n % 3]},"
            + ("gold" if n < 12 else "")
            for n in range(PEOPLE)
        ]
        members = world.write(
            "members.csv", "user_id,name,email,phone,since,timezone,tier\n" + "\n".join(rows) + "\n"
        )
        world.verb("import", file=str(members), map=str(world.write("members.map.yml", MEMBERS)))
        world.write("tags/tier.yml", TIER)
        world.write("audiences/everybody.yml", "expression: not person.name = 'Nobody'\n")
        world.write("policy.yml", POLICY)
        world.write("templates/news.html", '<p>{{ person.name }} <a href="{{ unsubscribe_url }}">x</a></p>\n')
        world.write("templates/news.yml", SMS)
        world.write("campaigns/news.yml", NEWS)
        # who is number 10 or 22 was seen too seldom; all others twelve to twenty times at their hour, twice elsewhere
        seen = []
        for who in range(PEOPLE):
            days = 4 if who in (10, 22) else 12 + who % 9
            for day in range(1, days + 1):
                local = datetime(2026, 5, 31, likes(who), 20, tzinfo=zone_of(who)) - timedelta(days=day)
                seen.append((who, local, "Page Viewed"))
            seen += [
                (who, datetime(2026, 5, 30, 11, 0, tzinfo=zone_of(who)), "Page Viewed"),
                (who, datetime(2026, 5, 30, 11, 40, tzinfo=zone_of(who)), "Page Viewed"),
            ]
        world.events(seen)
        consents = [
            f"m{n:02d},{channel},{address},granted"
            for n in range(PEOPLE)
            for channel, address in (("email", f"m{n:02d}@example.test"), ("sms", f"139000000{n:02d}"))
            if not (channel == "sms" and n % 6 == 5) and not (channel == "email" and n % 8 == 7)
        ]
        file = world.write("consents.csv", "user_id,channel,address,state\n" + "\n".join(consents) + "\n")
        world.verb("consent import", file=str(file))
        world.verb("tag run")
        yield world
        world.close()
    patch.undo()


@pytest.mark.proves("S3")
def test_each_is_written_to_at_their_hour_on_their_clock_never_in_quiet_hours(shop: Shop) -> None:
    foretold = shop.verb("campaign when", name="news")
    sent = shop.verb("campaign send", name="news")
    assert sent["suppressed"] == {"no consent": 1}
    assert sent["waiting"] + sent["sent"] == len(REACHED)
    found = shop.touches("news")
    hours: Counter[int] = Counter()
    for who in REACHED:
        row = found[f"m{who:02d}"]
        why = json.loads(row["choice"])["hour"]
        due = instant(row["due_at"])
        local = due.astimezone(zone_of(who))
        assert START <= due < START + timedelta(hours=24)
        assert 9 <= local.hour < 21
        assert local.hour == why["hour"]
        hours[local.hour] += 1
        if who in (10, 22):
            assert why["whose"] == ("segment" if who == 10 else "everybody")
            continue
        assert why["whose"] == "person"
        days = 12 + who % 9
        counts = Counter({likes(who): days}) + Counter({11: 1} if likes(who) != 11 else {})
        inside = counts[why["best"]] + counts[(why["best"] + 1) % 24]
        assert (why["n"], why["of"]) == (inside, counts.total())
        # of the two bands that hold the hour as well, the others' habit decides
        assert (likes(who) - why["best"]) % 24 in (0, 1)
        if 9 <= why["best"] < 21:
            assert local.hour == why["best"]
    assert foretold["hours"] == [hours[hour] for hour in range(24)]
    assert foretold["goes_to"] == len(REACHED)
    assert foretold["channels"] == dict(Counter(row["channel"] for row in found.values()))
    shown = shop.verb("person messages", id="m03")["messages"][0]
    assert shown["why"] == json.loads(found["m03"]["choice"])
    assert (shown["status"], shown["due_at"]) == ("waiting", instant(found["m03"]["due_at"]).isoformat())
    # hour by hour through a day: everything is handed over at its hour, nothing in the night
    at_hand: list[tuple[str, datetime]] = []
    done: set[str] = set()
    while shop.now < START + timedelta(hours=25):
        shop.send()
        for user, row in shop.touches("news").items():
            if row["status"] == "sent" and user not in done:
                done.add(user)
                at_hand.append((user, shop.now))
        shop.now += timedelta(minutes=60)
    assert len(done) == len(REACHED)
    for user, at in at_hand:
        assert 9 <= at.astimezone(zone_of(int(user[1:]))).hour < 21
        assert timedelta(0) <= at - instant(found[user]["due_at"]) < timedelta(minutes=60)
    assert shop.mail.messages()


@pytest.fixture(scope="module")
def truth(shop: Shop) -> dict[int, str]:
    """By which channel each answers, which the shop has seen ever since."""
    history = shop.write(
        "answers.map.yml",
        "source: old\nperson: {user_id: user_id}\ntime: {column: at, format: '%Y-%m-%dT%H:%M:%SZ', zone: UTC}\n"
        "event: {column: event}\nproperties: {channel: channel, message_id: message_id, class: class}\n",
    )
    rows: list[str] = []
    truth: dict[int, str] = {}
    for who in range(PEOPLE):
        truth[who] = "sms" if who % 2 else "email"
        for n in range(30):
            channel = ("email", "sms")[n % 2]
            at = START - timedelta(days=5 + n, hours=who % 5)
            mark = f"old-{who}-{n}"
            rows.append(f"m{who:02d},{at:%Y-%m-%dT%H:%M:%SZ},Message Sent,{channel},{mark},marketing")
            if channel == truth[who] and n % 3 == 0:
                later = at + timedelta(hours=2)
                event = "Message Replied" if channel == "sms" else "Link Clicked"
                rows.append(f"m{who:02d},{later:%Y-%m-%dT%H:%M:%SZ},{event},{channel},{mark},marketing")
    file = shop.write("answers.csv", "user_id,at,event,channel,message_id,class\n" + "\n".join(rows) + "\n")
    shop.verb("import", file=str(file), map=str(history))
    return truth


@pytest.mark.proves("S4")
@pytest.mark.proves("B8", partly="products, logged propensities, off-policy evaluation")
def test_the_channel_by_which_somebody_answers_is_chosen_and_consent_holds(
    shop: Shop, truth: dict[int, str]
) -> None:
    """After the news: who clicked in their mails, or answered by SMS, is written to so."""
    shop.write("campaigns/offer.yml", NEWS.replace("when: best hour\nwithin: 24 hours\n", ""))
    shop.now = datetime(2026, 6, 2, 20, 0, tzinfo=UTC)
    planned = shop.verb("campaign preview", text=(shop.folder / "campaigns/offer.yml").read_text(), n=20)
    shop.verb("campaign send", name="offer")
    found = shop.touches("offer")
    for who in REACHED:
        row = found[f"m{who:02d}"]
        may = {"email": who % 8 != 7, "sms": who % 6 != 5}
        wanted = truth[who] if may[truth[who]] else next(one for one, yes in may.items() if yes)
        assert row["channel"] == wanted
        why = json.loads(row["choice"])["channel"]
        assert why["by"] == wanted
        assert (why["answers"]["email"][1], why["answers"]["sms"][1]) == (15, 15)
        assert why.get("not", {}) == {one: "no consent" for one, yes in may.items() if not yes}
    by_person = {one["person"]: one for one in planned["people"]}
    for row in found.values():
        if row["person"] in by_person:
            assert by_person[row["person"]]["channel"] == row["channel"]
    one = shop.verb("person when", id="m03")
    (sms,) = [row for row in one["channels"] if row["channel"] == "sms"]
    assert (sms["answered"], sms["asked"], sms["objection"]) == (5, 15, "")
    assert sms["share"] > next(row["share"] for row in one["channels"] if row["channel"] == "email")
    assert one["best"] is not None
    # the value of an answer against the costs: a text message that costs more than it brings is not chosen
    dear = "response_value: 0.05\n" + NEWS.replace("when: best hour\nwithin: 24 hours\n", "")
    shop.write("campaigns/dear.yml", dear)
    cheap = shop.verb("campaign when", name="dear")
    assert cheap["channels"]["sms"] == sum(1 for who in range(PEOPLE) if who % 8 == 7 and who % 6 != 5)


@pytest.mark.usefixtures("truth")
def test_a_quota_is_kept_and_the_others_go_by_their_next_channel(shop: Shop) -> None:
    shop.now = datetime(2026, 6, 10, 4, 0, tzinfo=UTC)
    shop.write(
        "policy.yml", POLICY.replace('quiet_hours: ["21:00", "09:00"]\n', "") + "quotas: {sms: 3 per day}\n"
    )
    shop.write("campaigns/few.yml", NEWS.replace("when: best hour\nwithin: 24 hours\n", ""))
    foretold = shop.verb("campaign when", name="few")
    must = [who for who in range(PEOPLE) if who % 8 == 7 and who % 6 != 5]
    assert foretold["channels"]["sms"] == max(3, len(must))
    shop.verb("campaign send", name="few")
    assert shop.sms.messages()
    found = shop.touches("few")
    by_sms = [row for row in found.values() if row["channel"] == "sms"]
    assert Counter(row["status"] for row in by_sms)["sent"] == 3
    assert {row["status"] for row in found.values() if row["channel"] == "email"} == {"sent"}
    shop.write("campaigns/only.yml", "audience: everybody\nholdout: 0\nchannel: sms\ntemplate: news.yml\n")
    said = shop.verb("campaign send", name="only")
    assert (said["sent"], said["status"], said["reason"]) == (0, "running", "quota used up: 3 a day by sms")
    shop.now += timedelta(days=1)
    shop.send()
    assert sum(row["status"] == "sent" for row in shop.touches("only").values()) == 3
    shop.write("policy.yml", POLICY)


def test_a_journey_writes_at_the_best_hour_and_not_after_it_is_useful(shop: Shop) -> None:
    shop.now = datetime(2026, 6, 20, 0, 0, tzinfo=UTC)
    shop.write(
        "journeys/hello.yml",
        "start: {event: Signed Up}\nholdout: 0\nsteps:\n"
        '  hi: {message: {channel: "best of [email, sms]", templates: {email: news.html, sms: news.yml}, subject: Hi,'
        ' class: service, when: best hour, quiet_hours: ["21:00", "09:00"]}}\n'
        "  soon: {message: {template: news.html, subject: Soon, class: service, when: best hour, useful: 3 hours}}\n",
    )
    shop.verb("journey start", name="hello")
    shop.now += timedelta(minutes=1)
    shop.events([(who, shop.now, "Signed Up") for who in range(6)])
    shop.now += timedelta(minutes=1)
    Ticker(shop.workspace).tick()
    found = _all(shop, "hello")
    assert Counter(row["entry"] for row in found) == {"hi": 6, "soon": 6}
    for row in found:
        due = instant(row["due_at"])
        limit = timedelta(hours=3) if row["entry"] == "soon" else timedelta(hours=24)
        assert shop.now <= due < shop.now + limit
        assert json.loads(row["choice"])["hour"]["whose"] == "person"
        assert ("channel" in json.loads(row["choice"])) == (row["entry"] == "hi")
    inside = shop.verb("journey when", name="hello", step="hi")
    assert inside["goes_to"] == PEOPLE  # nobody is in it any more: everybody
    Ticker(shop.workspace).tick()
    assert len(_all(shop, "hello")) == 12
    with pytest.raises(NotFoundError):
        shop.verb("journey when", name="hello", step="ho")


def _all(shop: Shop, campaign: str) -> list[Json]:
    with shop.workspace.records.read() as connection:
        rows = connection.execute(
            text("SELECT * FROM touches WHERE campaign = :c"), {"c": campaign}
        ).mappings()
        return [dict(row) for row in rows]


def test_a_message_that_is_not_saved_is_foretold_and_what_is_wrong_is_said(shop: Shop) -> None:
    answer = shop.verb(
        "message when",
        message={"channel": "best of [email, sms]", "when": "best hour", "template": "x"},
        audience="everybody",
    )
    assert sum(answer["hours"]) + answer["at_once"] == answer["goes_to"] == len(REACHED)
    assert sum(answer["whose"].values()) == len(REACHED)
    plain = shop.verb("message when", message={"class": "service"})
    assert (plain["at_once"], plain["channels"]) == (PEOPLE, {"email": PEOPLE})
    with pytest.raises(DefinitionError):
        shop.verb("message when", message={"when": "tomorrow"})
    with pytest.raises(DefinitionError):
        shop.verb("message when", message={"channel": "best of [email]"})
    with pytest.raises(UsageError):
        shop.verb("campaign test", name="news", to="a@b.c", person="m01", channel="push")


def test_of_nobody_anything_is_known_at_once(tmp_path: Path) -> None:
    world = World(tmp_path / "empty")
    file = world.write(
        "members.csv", "user_id,name,email,phone,since,timezone,tier\na,A,a@b.c,1,2026-01-01,,\n"
    )
    world.verb("import", file=str(file), map=str(world.write("members.map.yml", MEMBERS)))
    world.verb("tag run")
    found = world.verb("person when", id="a")
    assert (found["best"], found["whose"], found["of"]) == (None, "nobody", 0)
    answer = world.verb("message when", message={"class": "service", "when": "best hour"})
    assert (answer["at_once"], answer["whose"]["nobody"]) == (1, 1)
    world.close()
