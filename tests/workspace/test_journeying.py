"""Journeys on an open workspace: events, dates and audiences let people in; messages, tags and waits; leaving."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from limner.campaigns.arms import held_out
from limner.demo.mail_server import MailServer
from limner.errors import LimnerError
from limner.workspace.tick import Ticker
from tests.workspace.worlds import World

PEOPLE = 12
MEMBERS = """\
source: crm
person: {user_id: user_id, email: email}
time: {column: since, format: "%Y-%m-%d", zone: UTC}
event: none
attributes: {name: name, email: email, expires: expires, birthday: birthday, timezone: timezone}
"""
EVENTS = """\
source: shop
person: {user_id: user_id}
time: {column: at, format: "%Y-%m-%dT%H:%M:%SZ", zone: UTC}
event: {column: event}
properties: {amount: amount}
"""
CART = """\
start: {event: Product Added}
leave: [{name: bought, event: Order Paid}]
holdout: 0
again: 1 day
steps:
  pause: {wait: 2 hours}
  remind: {message: {template: cart.html, subject: Your cart, class: service}}
  answer: {wait_for: Page Viewed, at_most: 1 day, missed: mark, next: end}
  mark: {tag: silent, value: true}
"""
RENEWAL = """\
start: {date: person.expires, before: 7 days, at: "10:00"}
again: 300 days
holdout: 0
steps:
  ask: {message: {template: cart.html, subject: Stay with us, class: service, useful: 1 day}}
"""
CLUB = """\
start: {enters: rich}
holdout: 0
steps:
  hello: {message: {template: cart.html, subject: Welcome, class: service}}
  later: {until: "09:00"}
  more: {message: {template: cart.html, subject: Again, class: service}}
"""
SILENT = """\
nature: model
method: manual
type: flag
validity: 30 days
owner: crm
why: Words.
"""
MAIL = "<p>{{ person.name | default('friend') }}</p>\n"


class Roads(World):
    """Twelve members, a mail server, and the journeys."""

    mail: MailServer
    n = 0

    def pass_time(self, until: datetime | timedelta) -> None:
        """The clock moves on; then everything due is done."""
        self.now = until if isinstance(until, datetime) else self.now + until
        ticker = Ticker(self.workspace)
        ticker.tick()
        ticker.send_once("email")

    def did(self, *rows: tuple[int, str], amount: int = 10) -> None:
        """People did something now."""
        self.n += 1
        at = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        lines = "".join(f"m{who:02d},{at},{event},{amount}\n" for who, event in rows)
        file = self.write(f"events{self.n}.csv", f"user_id,at,event,amount\n{lines}")
        self.verb("import", file=str(file), map=str(self.write("events.map.yml", EVENTS)))

    def got(self) -> list[tuple[str, str]]:
        """To whom which subject was sent, in order."""
        return [(mail.to.partition("@")[0], str(mail.parsed["Subject"])) for mail in self.mail.messages()]


@pytest.fixture
def roads(tmp_path: Path) -> Iterator[Roads]:
    with MailServer() as mail:
        world = Roads(
            tmp_path / "shop",
            toml=f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "Shop <hi@shop.example>"\n',
        )
        world.mail = mail
        zones = ["Asia/Shanghai", "America/New_York", ""]
        rows = [
            f"m{n:02d},Name {n},m{n:02d}@example.test,2026-05-01,2026-07-{n + 1:02d},1990-06-{n + 1:02d},{zones[n % 3]}"
            for n in range(PEOPLE)
        ]
        columns = "user_id,name,email,since,expires,birthday,timezone\n"
        members = world.write("members.csv", columns + "\n".join(rows) + "\n")
        world.verb("import", file=str(members), map=str(world.write("members.map.yml", MEMBERS)))
        world.write("audiences/rich.yml", 'expression: sum(amount of "Order Paid") >= 100\n')
        for name, text in (("cart", CART), ("renewal", RENEWAL), ("club", CLUB)):
            world.write(f"journeys/{name}.yml", text)
        world.write("tags/silent.yml", SILENT)
        world.write("templates/cart.html", MAIL)
        yield world
        world.close()


@pytest.mark.proves("U4")
def test_an_abandoned_cart_is_reminded_of_unless_it_is_bought(roads: Roads) -> None:
    roads.did((0, "Product Added"), (0, "Page Viewed"))  # before the start: nobody enters by it
    roads.now += timedelta(hours=1)
    assert roads.verb("journey start", name="cart")["status"] == "running"
    roads.now += timedelta(minutes=1)
    roads.did((1, "Product Added"), (2, "Product Added"), (3, "Product Added"), (3, "Product Added"))
    roads.pass_time(timedelta(minutes=10))
    shown = roads.verb("journey show", name="cart")
    assert (shown["entered"], shown["inside"], shown["steps"][0]["here"]) == (3, 3, 3)
    roads.did((2, "Order Paid"))
    roads.pass_time(timedelta(hours=1))
    assert roads.verb("journey show", name="cart")["ended"] == {"left: bought": 1}
    assert roads.got() == []
    roads.pass_time(timedelta(hours=1))
    assert sorted(roads.got()) == [("m01", "Your cart"), ("m03", "Your cart")]
    roads.pass_time(timedelta(minutes=1))  # the step after: nothing twice
    roads.did((1, "Page Viewed"))
    roads.pass_time(timedelta(minutes=1))
    shown = roads.verb("journey show", name="cart")
    assert shown["ended"] == {"end": 1, "left: bought": 1}
    roads.pass_time(timedelta(days=1))
    shown = roads.verb("journey show", name="cart")
    assert shown["ended"] == {"end": 2, "left: bought": 1}
    assert shown["inside"] == 0
    ways = {(step["name"], way["name"]): way["people"] for step in shown["steps"] for way in step["ways"]}
    assert ways[("answer", "")] == 1
    assert ways[("answer", "missed")] == 1
    (remind,) = [step["messages"] for step in shown["steps"] if step["name"] == "remind"]
    assert (remind["audience"], remind["sent"]) == (2, 2)
    assert len(roads.got()) == 2
    holders = roads.verb("tag members", key="silent")
    assert len(holders["people"]) == 1
    # after a day they may come again, with a message of their own
    roads.did((3, "Product Added"))
    roads.pass_time(timedelta(minutes=1))
    roads.pass_time(timedelta(hours=3))
    assert sorted(roads.got()) == [("m01", "Your cart"), ("m03", "Your cart"), ("m03", "Your cart")]


def test_members_are_asked_to_stay_seven_days_before_on_their_own_clocks(roads: Roads) -> None:
    roads.now = datetime.fromisoformat("2026-06-20T00:00:00+00:00")
    roads.verb("journey start", name="renewal")
    # m00 ends on 1 July and lives in Shanghai: asked on 24 June at 10:00 there, 02:00 UTC
    roads.pass_time(datetime.fromisoformat("2026-06-24T01:59:00+00:00"))
    assert roads.got() == []
    roads.pass_time(datetime.fromisoformat("2026-06-24T02:00:00+00:00"))
    assert roads.got() == [("m00", "Stay with us")]
    # m01 ends on 2 July and lives in New York: 14:00 UTC on the 25th
    roads.pass_time(datetime.fromisoformat("2026-06-25T13:59:00+00:00"))
    assert len(roads.got()) == 1
    roads.pass_time(datetime.fromisoformat("2026-06-25T14:00:00+00:00"))
    assert roads.got()[1:] == [("m01", "Stay with us")]
    # a clock that stands still, or goes back, asks nobody again
    roads.pass_time(datetime.fromisoformat("2026-06-25T12:00:00+00:00"))
    roads.pass_time(datetime.fromisoformat("2026-06-25T14:00:00+00:00"))
    assert len(roads.got()) == 2


def test_who_enters_an_audience_is_welcomed_who_was_in_it_before_is_not(roads: Roads) -> None:
    roads.did((0, "Order Paid"), amount=200)
    roads.now += timedelta(minutes=1)
    roads.verb("journey start", name="club")
    roads.pass_time(timedelta(minutes=1))
    roads.did((1, "Order Paid"), (2, "Order Paid"), amount=150)
    roads.pass_time(timedelta(minutes=1))
    assert sorted(roads.got()) == [("m01", "Welcome"), ("m02", "Welcome")]
    roads.pass_time(timedelta(days=2))
    assert sorted(roads.got()) == [
        (who, subject) for who in ("m01", "m02") for subject in ("Again", "Welcome")
    ]


def test_a_paused_journey_moves_nobody_and_goes_on_where_it_was(roads: Roads) -> None:
    roads.verb("journey start", name="cart")
    roads.now += timedelta(minutes=1)
    roads.did((1, "Product Added"))
    roads.pass_time(timedelta(minutes=1))
    roads.verb("journey pause", name="cart")
    roads.pass_time(timedelta(hours=5))
    assert roads.got() == []
    roads.verb("journey start", name="cart")
    roads.pass_time(timedelta(minutes=1))
    assert roads.got() == [("m01", "Your cart")]


def test_what_is_wrong_is_said_before_it_starts(roads: Roads) -> None:
    roads.write("journeys/bad.yml", CART.replace("cart.html", "none.html").replace("silent", "nobody_knows"))
    found = roads.verb("journey check", name="bad")["problems"]
    assert [problem["where"] for problem in found] == [
        "journeys/bad.yml: steps.remind",
        "journeys/bad.yml: steps.mark",
    ]
    with pytest.raises(LimnerError):
        roads.verb("journey start", name="bad")
    assert roads.verb("journey list")["journeys"][0]["status"] == "not started"


def test_a_task_stands_until_somebody_did_it(roads: Roads) -> None:
    roads.write(
        "journeys/call.yml",
        "start: {event: Product Added}\nholdout: 0\nsteps: {a: {task: Call, within: 1 day}}",
    )
    roads.verb("journey start", name="call")
    roads.now += timedelta(minutes=1)
    roads.did((1, "Product Added"), (2, "Product Added"))
    roads.pass_time(timedelta(minutes=1))
    first, second = roads.verb("journey tasks")["tasks"]
    assert (first["text"], first["late"]) == ("Call", False)
    roads.verb("journey done", id=first["id"])
    roads.pass_time(timedelta(days=2))
    assert [(task["id"], task["late"]) for task in roads.verb("journey tasks")["tasks"]] == [
        (second["id"], True)
    ]
    with pytest.raises(LimnerError):
        roads.verb("journey done", id=first["id"])
    stood = roads.verb("person journeys", id="m01")["journeys"]
    assert [(row["journey"], row["ended"]) for row in stood] == [("call", "end")]


def test_what_would_happen_to_one_person_is_said_and_nothing_is_kept(roads: Roads) -> None:
    text = CART.replace(
        "  remind:", "  look: {branch: [{when: \"did 'Order Paid'\", next: mark}]}\n  remind:"
    )
    roads.write("journeys/cart.yml", text.replace("did 'Order Paid'", 'did \\"Order Paid\\"'))
    roads.did((1, "Order Paid"))
    roads.now += timedelta(minutes=1)

    def tried(person: str) -> list[tuple[str, str, str]]:
        found = roads.verb("journey try", name="cart", person=person)
        assert found["ends"]
        return [(step["step"], step["next"], step["why"]) for step in found["path"]]

    assert tried("m01") == [
        ("pause", "look", ""),
        ("look", "mark", 'did "Order Paid"'),
        ("mark", "end", ""),
    ]
    assert tried("m02") == [
        ("pause", "look", ""),
        ("look", "remind", "no condition is true"),
        ("remind", "answer", ""),
        ("answer", "mark", "“Page Viewed” does not come"),
        ("mark", "end", ""),
    ]
    instants = [step["at"] for step in roads.verb("journey try", name="cart", person="m02")["path"]]
    assert instants[0] == (roads.now + timedelta(hours=2)).isoformat()
    assert instants[-1] == (roads.now + timedelta(hours=26)).isoformat()
    assert roads.verb("journey list")["journeys"][0]["entered"] == 0
    assert roads.got() == []
    # advertising needs consent, which nobody here gave
    roads.write(
        "journeys/cart.yml",
        text.replace("class: service", "class: marketing").replace("'Order Paid'", "visit"),
    )
    roads.write("templates/cart.html", f'{MAIL}<a href="{{{{ unsubscribe_url }}}}">out</a>')
    with pytest.raises(LimnerError):  # its links would lead nowhere
        roads.verb("journey try", name="cart", person="m02")
    roads.verb("journey start", name="renewal")
    roads.now = datetime.fromisoformat("2026-06-24T02:00:00+00:00")
    roads.pass_time(timedelta(0))
    assert roads.verb("journey try", name="renewal", person="m00")["may"].startswith(
        "was in the journey too short"
    )


@pytest.mark.proves("B3")
def test_what_a_journey_changed_is_told_against_who_was_held_out(roads: Roads) -> None:
    roads.write(
        "journeys/half.yml",
        "start: {event: Product Added}\nholdout: 0.5\ngoal: {event: Order Paid, money: amount, within: 2 days}\n"
        "steps: {a: {wait: 1 day}}",
    )
    assert "never started" in str(refused(roads, "journey report", name="half"))
    roads.verb("journey start", name="half")
    roads.now += timedelta(minutes=1)
    roads.did(*[(who, "Product Added") for who in range(10)])
    roads.pass_time(timedelta(minutes=1))
    shown = roads.verb("journey show", name="half")
    assert (shown["entered"], 0 < shown["held_out"] < 10) == (10, True)
    roads.now += timedelta(days=1)
    roads.did(*[(who, "Order Paid") for who in (0, 1, 2)], amount=40)
    roads.now += timedelta(days=1)
    roads.did(*[(who, "Order Paid") for who in (3, 4)], amount=40)  # later than two days after they entered
    roads.now += timedelta(minutes=1)
    report = roads.verb("journey report", name="half")
    arms = report["converted"]
    assert arms["treated"]["n"] + arms["held_out"]["n"] == 10
    assert arms["held_out"]["n"] == shown["held_out"]
    assert arms["treated"]["k"] + arms["held_out"]["k"] == 3
    assert (report["enough_data"], report["why_not"]) == (False, "few_conversions")
    roads.write("policy.yml", "holdout: {share: 0.5, since: 2026-06-01}\n")
    people = roads.ids(*(f"m{who:02d}" for who in range(10)))
    besides = 10 - int(held_out(people, seed="everything", share=0.5).sum())
    without = roads.verb("journey report", name="half")["converted"]
    assert without["treated"]["n"] + without["held_out"]["n"] == besides < 10
    assert roads.verb("journey start", name="cart")["status"] == "running"
    assert roads.verb("journey report", name="cart")["why_not"] == "no_goal"


@pytest.mark.proves("N8")
def test_a_goal_names_a_metric_instead_of_spelling_its_event(roads: Roads) -> None:
    roads.write("metrics/big.yml", 'title: Big\nmeasure: sum(amount of "Order Paid" where amount >= 50)\n')
    roads.write("metrics/ratio.yml", 'title: R\nmeasure: count("Order Paid") / count("Product Added")\n')
    text = (
        "title: Tea\naudience: all\nchannel: email\ntemplate: cart.html\nsubject: Tea\nclass: service\nholdout: 0\n"
        "# what for\ngoal: {GOAL, within: 3 days}\n"
    )
    road = "start: {event: Order Paid}\nholdout: 0\ngoal: {GOAL, within: 3 days}\nsteps: {a: {wait: 1 day}}\n"
    spelled = "event: Order Paid, where: amount >= 50, money: amount"
    roads.write("audiences/all.yml", "expression: known(person.name)\n")
    for name, goal in (("named", "metric: big"), ("spelled", spelled)):
        roads.write(f"campaigns/{name}.yml", text.replace("GOAL", goal))
        roads.write(f"journeys/{name}_road.yml", road.replace("GOAL", goal))
        roads.verb("campaign send", name=name)
        roads.verb("journey start", name=f"{name}_road")
    roads.now += timedelta(minutes=1)
    roads.did(*[(who, "Order Paid") for who in (0, 1, 2)], amount=80)
    roads.pass_time(timedelta(minutes=1))
    roads.did(*[(who, "Order Paid") for who in (2, 3)], amount=20)
    roads.did((0, "Order Paid"), amount=60)
    roads.now += timedelta(minutes=1)
    shown = [roads.verb("campaign report", name=name) for name in ("named", "spelled")]
    assert shown[0]["converted"]["treated"] == shown[1]["converted"]["treated"]
    assert shown[0]["converted"]["treated"]["k"] == 3
    assert shown[0]["money"] == shown[1]["money"]
    goal = shown[0]["goal"]
    assert (goal["metric"], goal["event"], goal["where"], goal["money"]) == (
        "big", "Order Paid", "amount >= 50", "amount",
    )  # fmt: skip
    # The event that lets somebody in is not the one that is aimed at, also where a metric names it.
    ways = [roads.verb("journey report", name=f"{name}_road")["converted"] for name in ("named", "spelled")]
    assert ways[0] == ways[1]
    assert (ways[0]["treated"]["n"], ways[0]["treated"]["k"]) == (3, 1)
    # A sending counts what the metric measured when it began; a journey, which goes on, what it measures now.
    roads.write("metrics/big.yml", 'title: Big\nmeasure: count("Order Paid" where amount < 50)\n')
    assert roads.verb("campaign report", name="named")["converted"] == shown[0]["converted"]
    assert roads.verb("journey report", name="named_road")["converted"]["treated"]["k"] == 1
    form = roads.verb("campaign show", name="named")
    assert form["fields"]["goal"] == {
        "metric": "big",
        "event": "",
        "where": "",
        "money": "",
        "within": "3 days",
    }
    made = roads.verb(
        "campaign text", name="named", text=form["text"], fields={"goal": form["fields"]["goal"]}
    )
    assert made["text"] == form["text"]
    # What is wrong is said at its place, and a metric that a goal names stays.
    for wrong, code in (
        ("metric: bgi", "not_found"),
        ("metric: ratio", "no_sum"),
        (f"metric: big, {spelled}", "said_twice"),
    ):
        checked = roads.verb("campaign form", name="named", text=text.replace("GOAL", wrong))
        assert [(one["code"], one["path"][0]) for one in checked["problems"]] == [(code, "goal")], wrong
    etag = roads.verb("definition show", kind="metrics", name="big")["etag"]
    error = refused(roads, "definition delete", kind="metrics", name="big", base=etag)
    assert error.code == "in_use"
    assert "campaigns/named.yml" in str(error)
    reached = str(roads.verb("tag lineage", focus="metric:big"))
    assert "campaign:named" in reached
    assert "journey:named_road" in reached


def refused(roads: Roads, verb: str, **arguments: str) -> LimnerError:
    """What the verb is refused with."""
    with pytest.raises(LimnerError) as caught:
        roads.verb(verb, **arguments)
    return caught.value
