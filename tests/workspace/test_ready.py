"""Ready journeys: each put into an empty shop with mapped columns sends exactly what it says to exactly those."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from limner.demo.mail_server import MailServer
from limner.errors import ConflictError, LimnerError, NotFoundError, UsageError
from limner.templates import ready
from limner.workspace.tick import Ticker
from tests.workspace.worlds import World

MEMBERS = """\
source: crm
person: {user_id: user_id, email: email}
time: {column: since, format: "%Y-%m-%d", zone: UTC}
event: none
attributes: {name: name, email: email, member_expiry: expires, birth_date: birthday}
"""
EVENTS = """\
source: shop
person: {user_id: user_id}
time: {column: at, format: "%Y-%m-%dT%H:%M:%SZ", zone: UTC}
event: {column: event}
"""
GIVEN = """\
nature: fact
method: manual
type: flag
owner: crm
why: Words.
"""
CHINESE = range(0x4E00, 0x9FFF)
PEOPLE = 6


class Shop(World):
    """Six members without any history, and a mail server."""

    mail: MailServer
    n = 0

    def until(self, *moments: datetime) -> None:
        """At each of these moments whatever is due is done."""
        for self.now in moments:
            self.tick()

    def tick(self) -> None:
        ticker = Ticker(self.workspace)
        ticker.tick()
        ticker.send_once("email")

    def next_day(self, day: int) -> None:
        """In the night the tags are computed."""
        self.now = at(day, 3)
        self.verb("tag run")
        self.tick()

    def did(self, *rows: tuple[int, str]) -> None:
        """People did something a second ago."""
        self.n += 1
        at = (self.now - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines = "".join(f"m{who},{at},{event}\n" for who, event in rows)
        file = self.write(f"events{self.n}.csv", f"user_id,at,event\n{lines}")
        self.verb("import", file=str(file), map=str(self.write("events.map.yml", EVENTS)))

    def got(self) -> list[tuple[str, str]]:
        """To whom which subject was sent since somebody asked last, in order."""
        found = [(mail.to.partition("@")[0], str(mail.parsed["Subject"])) for mail in self.mail.messages()]
        new, self.seen = found[self.seen :], len(found)
        return new

    seen = 0

    def put(self, key: str, language: str = "en", **values: str) -> None:
        """The ready journey is put in under its own key, with nobody held out, and started."""
        made = self.verb(
            "ready install", key=key, name=key, values={"holdout": "0", **values}, language=language
        )
        for journey in made["journeys"]:
            assert self.verb("journey check", name=journey["name"])["problems"] == []
            self.verb("journey start", name=journey["name"])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with MailServer() as mail:
        world = Shop(
            tmp_path / "shop",
            toml='public_url = "https://shop.example"\n[email]\nhost = "127.0.0.1"\n'
            f'port = {mail.port}\nsender = "Shop <hi@shop.example>"\n',
        )
        world.mail = mail
        rows = [
            f"m{n},Name {n},m{n}@example.test,2026-05-01,2026-07-{n + 1:02d},1990-06-{n + 3:02d}"
            for n in range(PEOPLE)
        ]
        columns = "user_id,name,email,since,expires,birthday\n"
        members = world.write("members.csv", columns + "\n".join(rows) + "\n")
        world.verb("import", file=str(members), map=str(world.write("members.map.yml", MEMBERS)))
        agreed = "".join(f"m{n},email,m{n}@example.test,granted\n" for n in range(PEOPLE))
        world.verb(
            "consent import", file=str(world.write("agreed.csv", f"user_id,channel,address,state\n{agreed}"))
        )
        world.write("tags/invited.yml", GIVEN)
        yield world
        world.close()


def at(day: int, hour: int = 0, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def test_every_ready_journey_says_everything_in_both_languages_and_is_right(shop: Shop) -> None:
    assert ready.names() == tuple(row["key"] for row in shop.verb("ready list")["ready"])
    for key in ready.names():
        shown = shop.verb("ready show", key=key)
        said = [shown["titles"], shown["about"], *(row["titles"] for row in shown["parameters"])]
        said += [message["subject"] for message in shown["messages"]]
        said += [{k: " ".join(v) for k, v in message["lines"].items()} for message in shown["messages"]]
        for text in said:
            assert set(text) == {"en", "zh"}
            assert any(ord(letter) in CHINESE for letter in text["zh"]), text
            assert text["en"].isascii(), text
        values = {"tag": "invited"} if key == "welfare" else {}
        for language in ("en", "zh"):
            made = shop.verb("ready preview", key=key, name=f"a_{key}", values=values, language=language)
            assert made["problems"] == made["taken"] == []
            assert all(journey["fields"]["steps"] for journey in made["journeys"])
            texts = [file["text"] for file in made["files"] if file["kind"] == "templates"]
            assert len(texts) == len(shown["messages"])
            assert all(any(ord(letter) in CHINESE for letter in text) == (language == "zh") for text in texts)
    assert not list((shop.folder / "journeys").glob("*.yml"))


def test_what_is_asked_for_is_found_here_and_what_does_not_fit_is_refused(shop: Shop) -> None:
    asked = {row["name"]: row for row in shop.verb("ready show", key="expiry")["parameters"]}
    assert (asked["date"]["value"], asked["date"]["known"]) == ("member_expiry", True)
    assert (asked["renewal"]["value"], asked["renewal"]["known"]) == ("Membership Renewed", False)
    assert shop.verb("ready preview", key="cart", name="c")["unseen"] == ["Product Added", "Order Paid"]
    shop.did((0, "Add To Cart"), (0, "Purchase"))
    made = shop.verb("ready preview", key="cart", name="c")
    assert (made["values"]["added"], made["values"]["purchase"], made["unseen"]) == (
        "Add To Cart",
        "Purchase",
        [],
    )
    for key, values in (
        ("expiry", {"days": "0"}),
        ("expiry", {"days": "ten"}),
        ("expiry", {"at": "25:00"}),
        ("expiry", {"date": "a b"}),
        ("expiry", {"renewal": 'x"y'}),
        ("expiry", {"colour": "red"}),
        ("cart", {"holdout": "0.99"}),
        ("cart", {"channel": "pigeon"}),
        ("cart", {"channel": "sms"}),
        ("welfare", {}),
        ("welfare", {"tag": "nobody_knows"}),
        ("welfare", {"tag": "invited", "schedule": "never"}),
    ):
        with pytest.raises(UsageError):
            shop.verb("ready install", key=key, name="bad", values=values)
    with pytest.raises(NotFoundError):
        shop.verb("ready show", key="carts")
    with pytest.raises(UsageError):
        shop.verb("ready install", key="cart", name="Bad Name")
    shop.verb("ready install", key="cart", name="cart")
    before = {path: path.read_text() for path in shop.folder.glob("journeys/*")}
    assert shop.verb("ready install", key="cart", name="cart")["files"][0][
        "exists"
    ]  # the same again changes nothing
    with pytest.raises(ConflictError):
        shop.verb("ready install", key="cart", name="cart", values={"hours": "5"})
    assert before == {path: path.read_text() for path in shop.folder.glob("journeys/*")}
    pushed = shop.verb("ready preview", key="cart", name="p", values={"channel": "push"}, language="zh")
    assert [file["name"] for file in pushed["files"]] == ["p_remind.yml", "p_once_more.yml", "p"]


@pytest.mark.proves("U1")
def test_members_are_reminded_before_the_end_and_on_the_day_unless_they_renew(shop: Shop) -> None:
    shop.put("expiry", days="7", cycle="20")
    shop.until(at(24, 11))
    assert shop.got() == [("m0", "Your membership ends soon")]
    shop.until(at(25, 11))
    assert shop.got() == [("m1", "Your membership ends soon")]
    shop.did((0, "Membership Renewed"), (2, "Membership Renewed"))
    shop.until(
        at(26, 11)
    )  # who renewed before the reminder still has the old date in the file: reminded, until it moves
    assert shop.got() == [("m2", "Your membership ends soon")]
    # m1's date moves without any event
    moved = shop.write(
        "moved.csv",
        "user_id,name,email,since,expires,birthday\nm1,N,m1@example.test,2026-06-26,2027-07-02,\n",
    )
    shop.verb("import", file=str(moved), map=str(shop.folder / "members.map.yml"))
    shop.until(*(at(day, 11) for day in range(27, 31)), *(at(day, 11, month=7) for day in range(1, 8)))
    got = shop.got()
    assert got[:3] == [(f"m{n}", "Your membership ends soon") for n in (3, 4, 5)]
    assert got[3:] == [(f"m{n}", "Your membership ends today") for n in (2, 3, 4, 5)]
    ended = shop.verb("journey show", name="expiry")["ended"]
    assert ended == {"end": 4, "left: moved": 1, "left: renewed": 1}


@pytest.mark.proves("U2")
def test_who_falls_silent_is_called_and_written_to_unless_they_come_back(shop: Shop) -> None:
    shop.put("silence", days="10", activity="Page Viewed")
    shop.until(at(2, 8))
    shop.did((0, "Page Viewed"), (1, "Page Viewed"), (2, "Page Viewed"))
    shop.until(at(5, 8))
    shop.did((1, "Page Viewed"))
    shop.until(at(12, 9))
    shop.did((2, "Page Viewed"))  # in the hour before the message
    shop.until(at(12, 11))
    assert shop.got() == [("m0", "We have not seen you for a while")]
    (task,) = shop.verb("journey tasks")["tasks"]
    assert task["text"] == "Silent for 10 days: call and ask what is missing"
    shop.until(at(15, 9), at(15, 11))
    assert shop.got() == [("m1", "We have not seen you for a while")]
    assert shop.verb("journey show", name="silence")["ended"] == {"end": 2, "left: active": 1}


@pytest.mark.proves("U3")
def test_the_lost_are_recalled_in_steps_and_leave_when_they_return(shop: Shop) -> None:
    shop.put("recall", days="20", pause="3")
    shop.until(at(2, 8))
    shop.did((0, "Order Paid"), (1, "Order Paid"))
    shop.until(at(2, 9), at(22, 9), at(22, 10))
    assert shop.got() == []
    shop.until(at(22, 12))
    assert sorted(shop.got()) == [("m0", "We miss you"), ("m1", "We miss you")]
    shop.did((1, "Order Paid"))
    shop.until(at(25, 12), at(28, 12), at(30))
    assert shop.got() == [("m0", "Something for your return")]
    assert [task["text"] for task in shop.verb("journey tasks")["tasks"]] == [
        "Lost customer who did not answer two messages: call"
    ]
    assert shop.verb("journey show", name="recall")["ended"] == {"end": 1, "left: returned": 1}
    installed = shop.verb("ready preview", key="recall", name="other")["journeys"][0]["fields"]
    assert installed["holdout"] == 0.1
    assert installed["goal"]["event"] == "Order Paid"


def test_welcome_cart_birthday_and_call(shop: Shop) -> None:
    shop.put("welcome", language="zh", days="3")
    shop.put("cart")
    shop.put("birthday")
    shop.put("call", days="1")
    shop.until(at(1, 8))
    shop.did((0, "Signed Up"), (1, "Signed Up"), (2, "Product Added"), (3, "Product Added"))
    shop.until(at(1, 9))
    assert sorted(shop.got()) == [("m0", "欢迎您"), ("m1", "欢迎您")]
    shop.did((1, "Order Paid"), (3, "Order Paid"))
    shop.until(at(1, 11))
    assert shop.got() == [("m2", "Your cart is waiting")]
    shop.until(at(2, 10))
    assert shop.got() == [("m2", "It is still there")]
    assert len(shop.verb("journey tasks")["tasks"]) == 2
    shop.until(at(3, 10))
    assert shop.got() == [("m0", "Happy birthday")]
    shop.until(at(4, 10))
    assert sorted(shop.got()) == [("m0", "从这里开始"), ("m1", "Happy birthday")]


@pytest.mark.proves("U6")
def test_the_people_of_a_tag_are_invited_at_each_moment_of_the_schedule(shop: Shop) -> None:
    shop.verb("tag give", key="invited", people=["m1", "m4"])
    shop.verb("tag run")
    shop.put("welfare", tag="invited", schedule="0 10 * * 1")
    shop.until(at(1, 11), at(8, 9))
    first = [("m1", "You are invited"), ("m4", "You are invited")]
    assert sorted(shop.got()) == first  # on Monday the first of June
    shop.verb("tag take", key="invited", people=["m4"])
    shop.verb("tag run")
    shop.until(at(8, 11))
    assert shop.got() == [("m1", "You are invited")]
    assert len(shop.verb("journey tasks")["tasks"]) == 3


@pytest.mark.proves("U5")
def test_each_stage_has_its_play_and_entering_one_stops_the_one_before(shop: Shop) -> None:
    shop.put("stages", new_days="10", active_days="20", cooling_days="40", active_at="08:00")
    names = [row["name"] for row in shop.verb("journey list")["journeys"]]
    assert names == ["stages_active", "stages_cooling", "stages_lost", "stages_new"]
    shop.verb("tag run")
    shop.tick()
    shop.until(at(1, 2))
    shop.did((0, "Order Paid"), (1, "Order Paid"))
    shop.verb("tag run")
    shop.until(at(1, 3), at(1, 11))
    assert sorted(shop.got()) == [
        ("m0", "Thank you for your first order"),
        ("m1", "Thank you for your first order"),
    ]
    shop.next_day(11)
    shop.until(at(11, 9))
    assert sorted(shop.got()) == [("m0", "New for regular customers"), ("m1", "New for regular customers")]
    assert shop.verb("journey show", name="stages_new")["ended"] == {"entered stages_active": 2}
    shop.did((1, "Order Paid"))
    shop.next_day(12)
    shop.next_day(21)
    shop.until(at(21, 19))
    assert shop.got() == [("m0", "How did you like it?")]
    inside = {name: shop.verb("journey show", name=name)["inside"] for name in names}
    assert inside == {"stages_active": 1, "stages_cooling": 1, "stages_lost": 0, "stages_new": 0}


def test_the_read_only_shop_refuses(shop: Shop) -> None:
    shop.write("limner.toml", 'definitions = "read-only"\n')
    shop.reopen()
    with pytest.raises(LimnerError):
        shop.verb("ready install", key="cart", name="cart")
