"""What the ways of a journey's split and the texts of its messages did, told against the same lots of the held out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from limner.demo.mail_server import MailServer
from limner.errors import LimnerError
from limner.types import Json
from limner.workspace.tick import Ticker
from tests.workspace.test_journeying import EVENTS
from tests.workspace.worlds import World

PEOPLE = 400
MEMBERS = """\
source: crm
person: {user_id: user_id, email: email}
event: none
attributes: {name: name, email: email, tier: tier}
"""
SPLIT = """\
start: {event: Product Added}
holdout: 0.4
goal: {event: Order Paid, within: 5 days}
steps:
  lots: {split: {mail: {percent: 50, next: hello}, silent: {percent: 50, next: end}}}
  hello:
    message:
      template: hello.html
      subject: Hello
      class: service
      variants: [{name: gold, when: "person.tier = 'gold'", template: gold.html}]
"""


class Town(World):
    """Many members, half of them gold; a running journey with a split before its message."""

    mail: MailServer
    n = 0

    def did(self, people: list[int], event: str) -> None:
        """People did something now."""
        self.n += 1
        at = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        file = self.write(
            f"events{self.n}.csv",
            "user_id,at,event,amount\n" + "".join(f"m{who:03d},{at},{event},1\n" for who in people),
        )
        self.verb("import", file=str(file), map=str(self.write("events.map.yml", EVENTS)))

    def tick(self, **time: int) -> None:
        self.now += timedelta(**time)
        ticker = Ticker(self.workspace)
        ticker.tick()
        ticker.send_once("email")

    def parts(self, step: str = "") -> tuple[Json, dict[str | None, Json]]:
        """The breakdown, and its groups by value."""
        found = self.verb("journey breakdown", name="roads", step=step)
        return found, {row["value"]: row for row in found["groups"]}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with MailServer() as mail:
        world = Town(
            tmp_path_factory.mktemp("parting") / "shop",
            toml=f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "Shop <hi@shop.example>"\n',
        )
        world.mail = mail
        rows = [
            f"m{n:03d},Name {n},m{n:03d}@example.test,{'gold' if n % 2 else 'plain'}" for n in range(PEOPLE)
        ]
        members = world.write("members.csv", "user_id,name,email,tier\n" + "\n".join(rows) + "\n")
        world.verb("import", file=str(members), map=str(world.write("members.map.yml", MEMBERS)))
        world.write("templates/hello.html", "<p>Hello</p>")
        world.write("templates/gold.html", "<p>Gold</p>")
        world.write("journeys/roads.yml", SPLIT)
        with pytest.raises(LimnerError, match="never started"):
            world.verb("journey breakdown", name="roads")
        world.verb("journey start", name="roads")
        world.now += timedelta(minutes=1)
        world.did(list(range(PEOPLE)), "Product Added")
        world.tick(minutes=1)
        world.tick(minutes=1)
        # Whoever got the mail buys, of all others every fifth person does.
        got = {int(mail.to[1:4]) for mail in mail.messages()}
        world.now += timedelta(hours=1)
        world.did([who for who in range(PEOPLE) if who in got or who % 5 == 0], "Order Paid")
        world.now += timedelta(hours=1)
        yield world
        world.close()


@pytest.mark.proves("B3")
def test_the_ways_of_a_split_are_told_against_the_held_out_of_the_same_lot_and_each_other(town: Town) -> None:
    found, ways = town.parts()
    assert (found["by"], found["step"], found["people"]) == ("split", "lots", PEOPLE)
    assert [row["value"] for row in found["groups"]] == ["mail", "silent"]
    got = {int(mail.to[1:4]) for mail in town.mail.messages()}
    assert ways["mail"]["sent"] == ways["mail"]["treated"] == len(got)
    assert ways["silent"]["sent"] == 0
    # The held out are parted by the same lot although nothing goes to them.
    held = town.verb("journey show", name="roads")["held_out"]
    assert ways["mail"]["held_out"] + ways["silent"]["held_out"] == held
    assert min(ways["mail"]["held_out"], ways["silent"]["held_out"]) > held / 4
    assert ways["mail"]["converted"]["treated"]["k"] == len(got)
    assert ways["mail"]["state"] == ways["mail"]["others"]["state"] == "more"
    assert ways["silent"]["state"] == "no_difference"
    assert ways["silent"]["others"]["state"] == "fewer"
    made, rates = ways["mail"]["incremental"], ways["mail"]["converted"]
    assert made["per_person"] == pytest.approx(rates["treated"]["rate"] - rates["held_out"]["rate"])
    assert ways["mail"]["others"]["per_person"] == pytest.approx(-ways["silent"]["others"]["per_person"])


def test_a_text_chosen_by_a_tag_has_rates_but_no_effect(town: Town) -> None:
    found, texts = town.parts("hello")
    got = {int(mail.to[1:4]) for mail in town.mail.messages()}
    assert (found["by"], found["people"]) == ("variant", len(got))
    assert texts["gold"]["sent"] == sum(who % 2 for who in got)
    assert texts[None]["sent"] == sum(1 - who % 2 for who in got)
    for row in found["groups"]:
        assert (row["incremental"], row["why_not"], row["held_out"]) == (None, "chosen_by_tag", None)
        assert row["others"] is None
        assert row["converted"]["treated"]["rate"] == 1


def test_after_other_shares_only_those_count_who_entered_since(town: Town) -> None:
    with pytest.raises(LimnerError, match="neither a split"):
        town.parts("gone")
    town.write(
        "journeys/roads.yml",
        SPLIT.replace("percent: 50", "percent: 25", 1).replace("percent: 50", "percent: 75"),
    )
    planned = town.verb("journey plan", name="roads")
    town.verb("journey start", name="roads", plan=planned["plan"])
    found, _ = town.parts()
    assert found["people"] == 0
    assert found["since"] == town.now.isoformat()
    assert town.parts("hello")[0]["people"] > 0
