"""Real time in a workspace: events that were accepted are in the tags a moment later, without a run."""

import json
from datetime import timedelta

import pytest

from limner.accounts import keys
from limner.accounts.model import LOCAL
from limner.events.frames import Record
from limner.workspace.metrics import exposition
from limner.workspace.overlooking import overview
from limner.workspace.realtime import IDLE, Realtime
from tests.workspace.worlds import NOW, World

ORDERS = """\
title: Orders in a week
nature: fact
method: statistic
type: number
statistic: count("Order Paid" in last 7 days)
validity: 2 days
"""
BUYER = """\
nature: model
method: rule
type: text
cases:
  - when: orders >= 2
    then: keen
  - when: did "Order Paid"
    then: one
otherwise: none
validity: 2 days
"""
TASTE = """\
nature: fact
method: statistic
type: text
statistic: interest(source of "Order Paid" * 1 half life 14 days)
validity: 2 days
"""


def told(world: World, user: str, name: str, message: str) -> None:
    """One event, accepted and loaded."""
    source = keys.ensure_source(world.workspace.records, "web", kind="segment", now=world.now)
    call = {
        "type": "track",
        "event": name,
        "userId": user,
        "messageId": message,
        "timestamp": world.now.isoformat(),
    }
    world.workspace.log.append_now(
        Record(
            batch=message,
            source_i=source.source_i,
            received_at=keys.micros(world.now),
            n=1,
            refused={},
            body=json.dumps({"batch": [call]}).encode(),
        )
    )
    world.workspace.load()


@pytest.fixture
def shop(world: World) -> World:
    for key, text in (("orders", ORDERS), ("buyer", BUYER), ("taste", TASTE)):
        world.write(f"tags/{key}.yml", text)
    told(world, "ann", "Order Paid", "m1")
    told(world, "bob", "Visited", "m2")
    world.now = NOW + timedelta(minutes=1)
    world.verb("tag run")
    return world


@pytest.mark.proves("P10")
def test_an_event_is_in_the_tags_after_one_step(shop: World) -> None:
    live = Realtime(shop.workspace)
    live.once()
    shop.now += timedelta(seconds=5)
    told(shop, "ann", "Order Paid", "m3")
    shop.now += timedelta(seconds=2)
    report = live.once()
    assert report is not None
    assert report.people == 1
    assert report.waiting == ()
    columns = shop.workspace.columns
    assert columns is not None
    assert columns.epoch == report.epoch
    ann = shop.workspace.engine.read("SELECT ix, value FROM tag_orders WHERE value = 2").to_pylist()
    assert len(ann) == 1
    assert columns["orders"].label_at(ann[0]["ix"]) == 2
    assert columns["buyer"].label_at(ann[0]["ix"]) == "keen"
    changed = shop.workspace.engine.read(
        "SELECT subject, before, after FROM changes WHERE ts = $ts",
        {"ts": shop.now.replace(tzinfo=None)},
    ).to_pylist()
    assert changed == [{"subject": "tag:buyer", "before": "one", "after": "keen"}]
    assert live.latency is not None
    assert live.latency.events == 1
    shop.workspace.realtime = live
    behind = overview(shop.workspace, caller=LOCAL)["tags"]["behind"]
    assert behind == {"seconds": 0, "events": 0, "measured": 1, "median": 2.0, "p95": 2.0}


@pytest.mark.proves("P10")
def test_how_far_tags_are_behind_is_among_the_metrics(shop: World) -> None:
    def told_of() -> tuple[float, float]:
        lines = dict(line.rsplit(" ", 1) for line in exposition(shop.workspace).decode().splitlines())
        return float(lines["tags_age_seconds"]), float(lines["events_not_in_tags"])

    live = shop.workspace.realtime = Realtime(shop.workspace)
    assert told_of() == (0, 0)
    shop.now += timedelta(seconds=5)
    told(shop, "ann", "Order Paid", "m3")
    shop.now += timedelta(seconds=2)
    assert told_of() == (7, 1)
    live.once()
    live.once()
    assert told_of() == (0, 0)


def test_time_alone_takes_values_away(shop: World) -> None:
    live = Realtime(shop.workspace)
    live.once()
    for _ in range(7):
        shop.now += timedelta(days=1)
        live.once()
    assert shop.workspace.engine.read("SELECT MAX(value) AS m FROM tag_orders").to_pylist() == [{"m": 0}]
    shop.now += timedelta(days=2)
    assert live.once() is None  # nothing followed for as long as values are valid: a run is due
    shop.verb("tag run")
    assert live.once() is not None


def test_nothing_happens_without_events_for_a_minute(shop: World) -> None:
    live = Realtime(shop.workspace)
    assert live.once() is not None
    shop.now += timedelta(seconds=30)
    assert live.once() is None
    shop.now += IDLE
    assert live.once() is not None


def test_changed_definitions_wait_for_a_run(shop: World) -> None:
    live = Realtime(shop.workspace)
    live.once()
    shop.write("tags/orders.yml", ORDERS.replace("7 days", "8 days"))
    told(shop, "ann", "Order Paid", "m4")
    shop.now += timedelta(seconds=1)
    assert live.once() is None
    shop.verb("tag run")
    told(shop, "ann", "Order Paid", "m5")
    shop.now += timedelta(seconds=1)
    assert live.once() is not None


def test_what_was_stepped_to_is_there_after_a_restart(shop: World) -> None:
    live = Realtime(shop.workspace)
    told(shop, "bob", "Order Paid", "m6")
    shop.now += timedelta(seconds=1)
    report = live.once()
    assert report is not None
    shop.reopen()
    columns = shop.workspace.columns
    assert columns is not None
    assert columns.epoch == report.epoch
    people = range(columns.n)
    assert [columns["buyer"].label_at(ix) for ix in people] == [
        report.columns["buyer"].label_at(ix) for ix in people
    ]
    shop.now += timedelta(seconds=1)
    assert Realtime(shop.workspace).once() is not None


def test_after_some_tags_were_applied_alone_steps_are_taken_again(shop: World) -> None:
    live = Realtime(shop.workspace)
    live.once()
    shop.write("tags/orders.yml", ORDERS.replace("7 days", "8 days"))
    shop.verb("tag apply", keys=["orders"])
    shop.now += timedelta(seconds=1)
    assert live.once() is None
    shop.now += timedelta(seconds=1)
    assert live.once() is not None


def test_members_of_an_exclusive_group_stay_exclusive_between_runs(shop: World) -> None:
    for key, least in (("hot", 2), ("warm", 1)):
        shop.write(
            f"tags/{key}.yml",
            "nature: model\nmethod: rule\ntype: flag\nvalidity: 2 days\n"
            f"cases:\n  - when: orders >= {least}\n    then: true\n",
        )
    shop.write("groups/heat.yml", "tags: [hot, warm]\nkeep: priority\n")
    shop.verb("tag run")
    live = Realtime(shop.workspace)
    live.once()

    def held() -> dict[str, int]:
        columns = shop.workspace.columns
        assert columns is not None
        return {key: int(columns[key].known.sum()) for key in ("hot", "warm")}

    assert held() == {"hot": 0, "warm": 1}
    told(shop, "ann", "Order Paid", "m7")
    told(shop, "bob", "Order Paid", "m8")
    shop.now += timedelta(seconds=1)
    assert live.once() is not None
    assert held() == {"hot": 1, "warm": 1}
    standing = shop.workspace.engine.read(
        "SELECT kept, dropped FROM group_conflicts WHERE ended IS NULL"
    ).to_pylist()
    assert standing == [{"kept": "hot", "dropped": "warm"}]
