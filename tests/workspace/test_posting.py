"""Other systems are told: a journey's post once for each person, changes of audiences and tags once for each run."""

from __future__ import annotations

import tarfile
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from limner.errors import LimnerError
from limner.workspace import live, posting
from limner.workspace.tick import Ticker
from tests.channels.receiver import SECRET, Receiver
from tests.workspace.worlds import World

PEOPLE = 12
MEMBERS = """\
source: crm
person: {user_id: user_id}
time: {column: since, format: "%Y-%m-%d", zone: UTC}
event: none
attributes: {name: name}
"""
EVENTS = """\
source: shop
person: {user_id: user_id}
time: {column: at, format: "%Y-%m-%dT%H:%M:%SZ", zone: UTC}
event: {column: event}
properties: {amount: amount}
"""
JOURNEY = """\
start: {event: Order Paid}
holdout: 0
steps:
  tell: {webhook: {url: "URL/orders", data: {name: "{{ person.name }}", why: paid}}}
"""
RICH = """\
nature: fact
method: rule
type: flag
cases:
  - when: sum(amount of "Order Paid") >= 100
    then: true
otherwise: false
validity: 30 days
"""


class Told(World):
    """Twelve members and a system that is told."""

    receiver: Receiver
    n = 0

    def paid(self, *who: int, amount: int = 10) -> None:
        """People paid now."""
        self.n += 1
        at = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        lines = "".join(f"m{one:02d},{at},Order Paid,{amount}\n" for one in who)
        file = self.write(f"events{self.n}.csv", f"user_id,at,event,amount\n{lines}")
        self.verb("import", file=str(file), map=str(self.write("events.map.yml", EVENTS)))

    def pass_time(self, length: timedelta) -> None:
        """The clock moves on; then everything due is done."""
        self.now += length
        Ticker(self.workspace).tick()
        posting.watch(self.workspace)
        posting.send_waiting(self.workspace)

    def hook(self, text: str, name: str = "crm") -> None:
        """A file of webhooks."""
        self.write(f"webhooks/{name}.yml", f"url: {self.receiver.url}/{name}\n{text}")


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    monkeypatch.setenv("TEST_HOOKS", SECRET)
    with Receiver() as receiver:
        world = Told(
            tmp_path / "shop",
            toml='[webhooks]\nsecret_env = "TEST_HOOKS"\nallowed = ["127.0.0.1"]\nseconds = 2\n',
        )
        world.receiver = receiver
        # The last one has no name.
        rows = [f"m{n:02d},{'' if n == PEOPLE - 1 else f'Name {n}'},2026-05-01" for n in range(PEOPLE)]
        members = world.write("members.csv", "user_id,name,since\n" + "\n".join(rows) + "\n")
        world.verb("import", file=str(members), map=str(world.write("members.map.yml", MEMBERS)))
        world.write("audiences/rich.yml", 'expression: sum(amount of "Order Paid") >= 100\n')
        world.write("journeys/orders.yml", JOURNEY.replace("URL", receiver.url))
        world.paid(0)
        yield world
        world.close()


@pytest.mark.proves("U9")
def test_a_step_posts_once_for_each_person_whatever_happens_on_the_way(told: Told) -> None:
    told.now += timedelta(hours=1)
    told.verb("journey start", name="orders")
    told.now += timedelta(minutes=1)
    told.paid(1, 2, 3, 4, 11)
    told.receiver.lose_answers(1)
    told.pass_time(timedelta(minutes=1))
    told.receiver.fail(500)
    told.pass_time(timedelta(minutes=2))
    for _ in range(6):
        told.pass_time(timedelta(minutes=10))
    book = told.receiver.book()
    assert Counter((one.kind, str(one.data["data"]["name"])) for one in book) == {
        ("journey.step", f"Name {n}"): 1 for n in (1, 2, 3, 4)
    }
    assert {str(one.data["id"]["user"]) for one in book} == {"m01", "m02", "m03", "m04"}
    assert {(one.data["journey"], one.data["step"], one.data["data"]["why"]) for one in book} == {
        ("orders", "tell", "paid")
    }
    assert told.receiver.unsigned == 0
    assert max(told.receiver.counts.values()) == 2  # the lost answer was asked for again by the same id
    (row,) = told.verb("webhook list")["webhooks"]
    assert (row["name"], row["sent"], row["failed"], row["waiting"]) == ("orders/tell", 4, 1, 0)
    assert row["reason"] == "missing person.name"


@pytest.mark.proves("U9")
def test_who_enters_and_leaves_an_audience_is_told_on_change_in_batches_once(told: Told) -> None:
    told.hook("audiences: [rich]\nbatch: 2\n")
    told.pass_time(timedelta(minutes=1))
    told.pass_time(timedelta(minutes=1))
    assert told.receiver.book() == []
    told.paid(1, 2, 3, amount=100)
    told.pass_time(timedelta(minutes=1))
    posts = told.receiver.book()
    assert [len(one.data["people"]) for one in posts] == [2, 1]
    people = [one for post in posts for one in post.data["people"]]
    assert sorted((one["id"]["user"], one["entered"]) for one in people) == [
        ("m01", True), ("m02", True), ("m03", True),
    ]  # fmt: skip
    assert {(one.kind, one.data["audience"]) for one in posts} == {("audience.changed", "rich")}
    told.pass_time(timedelta(minutes=1))
    told.reopen()
    told.pass_time(timedelta(minutes=1))
    assert len(told.receiver.messages()) == 2, "nothing changed, and nothing is told twice"
    told.write("audiences/rich.yml", 'expression: sum(amount of "Order Paid") >= 1000\n')
    told.pass_time(timedelta(minutes=1))
    gone = [one for post in told.receiver.book()[2:] for one in post.data["people"]]
    assert sorted((one["id"]["user"], one["entered"]) for one in gone) == [
        ("m01", False), ("m02", False), ("m03", False),
    ]  # fmt: skip


@pytest.mark.proves("U9")
def test_who_gets_and_loses_a_tag_is_told(told: Told) -> None:
    told.write("tags/rich.yml", RICH)
    told.hook("tags: [rich]\n")
    told.pass_time(timedelta(minutes=1))
    told.paid(5, amount=500)
    told.now += timedelta(minutes=1)
    told.verb("tag run")
    told.pass_time(timedelta(minutes=1))
    (post,) = told.receiver.book()
    assert (post.kind, post.data["tag"], len(post.data["people"])) == ("tag.changed", "rich", PEOPLE)
    assert {one["id"]["user"] for one in post.data["people"] if one["after"] == "true"} == {"m05"}
    told.paid(6, amount=500)
    told.now += timedelta(minutes=1)
    told.verb("tag run")
    told.pass_time(timedelta(minutes=1))
    assert [
        (one["id"]["user"], one["before"], one["after"]) for one in told.receiver.book()[1].data["people"]
    ] == [("m06", "false", "true")]


def test_a_receiver_that_is_gone_gets_what_it_missed_by_the_same_ids(told: Told) -> None:
    told.hook("audiences: [rich]\n")
    told.pass_time(timedelta(minutes=1))
    told.paid(1, amount=100)
    told.receiver.fail(410)
    told.pass_time(timedelta(minutes=1))
    (row,) = told.verb("webhook list")["webhooks"]
    assert (row["failed"], row["reason"]) == (1, "the webhook answered 410")
    told.pass_time(timedelta(days=1))
    assert told.receiver.book() == []
    assert told.verb("webhook replay", name="crm")["again"] == 1
    told.pass_time(timedelta(seconds=1))
    assert len(told.receiver.book()) == 1
    assert told.verb("webhook replay", name="crm")["again"] == 0


def test_who_was_erased_while_a_post_waited_is_in_none(told: Told) -> None:
    told.hook("audiences: [rich]\n")
    told.pass_time(timedelta(minutes=1))
    told.paid(1, 2, amount=100)
    told.receiver.fail(500)
    told.pass_time(timedelta(minutes=1))
    told.verb("person erase", id="m01")
    told.pass_time(timedelta(hours=1))
    (post,) = told.receiver.book()
    assert [one["id"]["user"] for one in post.data["people"]] == ["m02"]


def test_a_hook_that_is_wrong_is_said_and_stops_no_other(told: Told) -> None:
    told.hook("audiences: [rich]\n", name="good")
    told.hook("audiences: [rihc]\n", name="bad")
    told.write("webhooks/worse.yml", "url: no url\naudiences: [rich]\n")
    with pytest.raises(LimnerError):
        posting.send_waiting(told.workspace)
    told.now += timedelta(minutes=1)
    told.paid(1, amount=100)
    told.now += timedelta(minutes=1)
    posting.watch(told.workspace)
    with pytest.raises(LimnerError):
        posting.send_waiting(told.workspace)
    assert len(told.receiver.book()) == 1
    assert [item["where"] for item in told.verb("webhook list")["problems"]] == [
        "webhooks/worse.yml:1:6", "webhooks/bad.yml",
    ]  # fmt: skip


def test_what_the_settings_do_not_allow_is_refused_and_said(tmp_path: Path) -> None:
    with Receiver() as receiver:
        world = Told(tmp_path / "shop")
        world.receiver = receiver
        world.write("audiences/rich.yml", 'expression: sum(amount of "Order Paid") >= 100\n')
        world.paid(0)
        world.hook("audiences: [rich]\n")
        world.pass_time(timedelta(minutes=1))
        world.paid(1, amount=100)
        world.pass_time(timedelta(minutes=1))
        (row,) = world.verb("webhook list")["webhooks"]
        assert row["failed"] == 1
        assert "may not reach" in row["reason"]
        assert receiver.messages() == []
        world.close()


def test_a_served_workspace_posts_by_itself(told: Told) -> None:
    told.hook("audiences: [rich]\n")
    posting.send_waiting(told.workspace)
    told.now += timedelta(minutes=1)
    told.paid(1, amount=100)
    told.now += timedelta(minutes=1)
    live.start(told.workspace)
    for _ in range(100):
        if told.receiver.book():
            break
        told.workspace.stopping.wait(0.1)
    assert len(told.receiver.book()) == 1


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ("{webhook: {data: {a: b}}}", "url"),
        ("{webhook: {url: 'file:///etc/passwd'}}", "no URL"),
        ("{webhook: {url: 'https://u:p@crm.example/'}}", "no URL"),
        ("{webhook: {url: 'https://crm.example/', data: [a]}}", "mapping"),
        ("{webhook: {url: 'https://crm.example/', data: {a: [1]}}}", "no text"),
        ("{webhook: {url: 'https://crm.example/', method: PUT}}", "method"),
        ("{webhook: {url: 'https://crm.example/', data: {a: '{{ person.nmae }}'}}}", "nmae"),
    ],
)
def test_a_step_that_cannot_be_posted_is_said(told: Told, step: str, what: str) -> None:
    told.write("journeys/other.yml", f"start: {{event: Order Paid}}\nsteps:\n  tell: {step}\n")
    try:
        problems = told.verb("journey check", name="other")["problems"]
    except LimnerError as error:
        problems = [{"message": error.message}]
    assert len(problems) == 1
    assert what in str(problems[0]["message"])


def test_hooks_are_kept_by_a_backup(told: Told, tmp_path: Path) -> None:
    told.hook("audiences: [rich]\n")
    told.verb("backup", file=str(tmp_path / "kept.tar"))
    with tarfile.open(tmp_path / "kept.tar") as kept:
        assert "webhooks/crm.yml" in kept.getnames()
