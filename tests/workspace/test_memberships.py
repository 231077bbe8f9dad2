"""Who was in what, when: asked of the changes that runs and snapshots wrote."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from limner.accounts.model import Caller, Role
from limner.errors import ConflictError, NotFoundError
from limner.types import silent
from limner.workspace import memberships
from limner.workspace.calling import call
from tests.workspace.test_applying import collect
from tests.workspace.test_remembering import paid
from tests.workspace.worlds import NOW, World

DAY = timedelta(days=1)
LEVEL = (
    "nature: model\nmethod: rule\ntype: text\nvalidity: 9 days\ncases:\n"
    '  - when: did "Order Paid" at least 2 times in last 5 days\n    then: keen\n'
    '  - when: did "Order Paid" in last 5 days\n    then: once\n'
)


@pytest.fixture
def shop(world: World) -> World:
    """Day 0: ann and bob buy. Day 1: ann again. Day 6: only ann's second order is within five days; cleo buys."""
    world.write("tags/level.yml", LEVEL)
    world.write("audiences/buyers.yml", "title: Buyers\nexpression: level in ('once', 'keen')\n")
    for day, who in ((0, ["ann", "bob"]), (1, ["ann"]), (2, []), (5.5, ["cleo"])):
        world.now = NOW + day * DAY
        if who:
            told = [paid(one, world.now - timedelta(minutes=5)) for one in who]
            collect(world, told, {"name": f"day {day}"})
        world.verb("tag run")
        world.verb("audience snapshot", name="buyers")
    return world


def names(shop: World, answer: dict[str, list[str]]) -> set[str]:
    found = set()
    for person in answer["people"]:
        shown = shop.verb("person show", id=person)
        found |= {item["value"] for item in shown["identities"] if item["kind"] == "user"}
    return found


def on(day: float) -> str:
    return (NOW + day * DAY).isoformat()


@pytest.mark.proves("B6")
def test_who_was_in_an_audience_on_a_day_is_read_from_the_changes(shop: World) -> None:
    def members(moment: datetime) -> tuple[int, set[str]]:
        answer = shop.verb("audience members", name="buyers", on=moment.isoformat())
        return answer["count"], names(shop, answer)

    assert members(NOW - DAY) == (0, set())
    assert members(NOW) == (2, {"ann", "bob"})
    assert members(NOW + 5 * DAY) == (2, {"ann", "bob"}), "nothing was computed since"
    assert members(NOW + 5.5 * DAY) == (2, {"ann", "cleo"})
    assert shop.verb("tag members", key="level", value="keen", on=on(1))["count"] == 1
    assert shop.verb("tag members", key="level", value="keen", on=on(0.5))["count"] == 0
    assert shop.verb("tag members", key="level", on=on(0.5))["count"] == 2


def test_pages_of_members_meet(shop: World) -> None:
    first = shop.verb("audience members", name="buyers", on=on(0), limit=1)
    second = shop.verb("audience members", name="buyers", on=on(0), limit=1, cursor=first["next"])
    assert second["next"] is None
    assert names(shop, first) | names(shop, second) == {"ann", "bob"}


def test_who_entered_and_left_each_day_adds_up(shop: World) -> None:
    answer = shop.verb("audience history", name="buyers", days=8)
    days = [(item["people"], item["entered"], item["left"]) for item in answer["days"]]
    assert days == [
        (None, None, None), (None, None, None), (2, 2, 0), (2, 0, 0), (2, 0, 0), (2, 0, 0), (2, 0, 0), (2, 1, 1),
    ]  # fmt: skip
    assert answer["since"] == NOW.isoformat()


def test_one_persons_times_have_a_beginning_an_end_and_their_causes(shop: World) -> None:
    spells = shop.verb("person memberships", id="user:ann")["spells"]
    told = [(item["subject"], item["value"], item["since"], item["until"], item["cause"]) for item in spells]
    assert told == [
        ("audience:buyers", "in", on(0), None, "defined"),
        ("tag:level", "once", on(0), on(1), "defined"),
        ("tag:level", "keen", on(1), on(5.5), "refresh"),
        ("tag:level", "once", on(5.5), None, "refresh"),
    ]
    (left,) = [
        item for item in shop.verb("person memberships", id="user:bob")["spells"] if "tag" in item["subject"]
    ]
    assert (left["until"], left["ended_by"]) == (on(5.5), "refresh")


def test_who_was_merged_counts_as_who_they_are_and_who_was_erased_in_nothing(shop: World) -> None:
    collect(shop, [{"type": "alias", "userId": "ann", "previousId": "bob"}], {"name": "joined"})
    assert shop.verb("audience members", name="buyers", on=on(0))["count"] == 1
    assert shop.verb("tag members", key="level", on=on(0))["count"] == 1
    subjects = {item["until"] for item in shop.verb("person memberships", id="user:ann")["spells"]}
    assert on(5.5) in subjects, "bob's times are ann's now"
    shop.verb("person erase", id="user:ann")
    assert shop.verb("audience members", name="buyers", on=on(0))["count"] == 0
    assert shop.workspace.engine.read("SELECT COUNT(DISTINCT ix) AS n FROM changes")["n"][0].as_py() == 1


def test_values_that_a_viewer_may_not_see_are_not_told(shop: World) -> None:
    shop.write("tags/level.yml", LEVEL + "sensitivity: personal\n")
    viewer = Caller("user", "1", "viewer", Role.VIEWER)
    with pytest.raises(ConflictError, match="personal"):
        memberships.tag_members(shop.workspace, "level", value="keen", caller=viewer)
    shown = memberships.person_memberships(shop.workspace, "user:ann", caller=viewer)["spells"]
    assert {item["value"] for item in shown if item["subject"] == "tag:level"} == {None}


def test_what_never_was_is_not_found(shop: World) -> None:
    for verb in ("audience members", "audience history"):
        with pytest.raises(NotFoundError):
            call(shop.workspace, verb, {"name": "nobody"}, silent)
