"""Edits of a live journey on an open workspace, what is late, what is withdrawn, and what a journey may tell."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from limner.errors import ConflictError, LimnerError
from limner.workspace.tick import Ticker
from tests.workspace.test_journeying import CART, Roads, roads

__all__ = ["roads"]
LONGER = CART.replace("pause: {wait: 2 hours}", "pause: {wait: 5 hours}")
GONE = CART.replace("  pause: {wait: 2 hours}\n", "  rest: {wait: 1 day}\n")


def walked(world: Roads) -> None:
    """Four people are in the cart's journey: three wait since an hour, of one the message was sent."""
    world.verb("journey start", name="cart")
    world.now += timedelta(minutes=1)
    world.did((1, "Product Added"))
    world.pass_time(timedelta(hours=2))
    world.did((2, "Product Added"), (3, "Product Added"), (4, "Product Added"))
    world.pass_time(timedelta(hours=1))
    assert world.got() == [("m01", "Your cart")]


def unsent(world: Roads, length: timedelta) -> None:
    """Time passes and people move, and no message leaves."""
    world.now += length
    Ticker(world.workspace).tick()


def test_an_edit_is_planned_and_then_happens_so(roads: Roads) -> None:
    assert roads.verb("journey plan", name="cart")["plan"] is None  # it was never started
    walked(roads)
    assert roads.verb("journey plan", name="cart")["changes"] is False
    before = roads.verb("journey people", name="cart")
    # a longer wait
    plan = roads.verb("journey plan", name="cart", text=LONGER)
    assert roads.verb("journey people", name="cart") == before
    (answer, pause) = sorted(plan["steps"], key=lambda row: row["step"])
    assert (answer["fate"], answer["people"]) == ("stays", 1)
    assert (pause["fate"], pause["people"], pause["at_once"]) == ("waits", 3, 0)
    assert pause["last_due"] == (roads.now + timedelta(hours=4)).isoformat()
    assert (plan["changed"], plan["loses"], plan["inside"]) == (["pause"], 0, 4)
    roads.write("journeys/cart.yml", LONGER)
    assert roads.verb("journey show", name="cart")["changed"]
    roads.verb("journey start", name="cart", plan=roads.verb("journey plan", name="cart")["plan"])
    due = {
        row["person"]: row["due_at"]
        for row in roads.verb("journey people", name="cart", step="pause")["people"]
    }
    assert set(due.values()) == {pause["last_due"]}
    # a step that is gone: refused without the plan, and with another one
    roads.write("journeys/cart.yml", GONE)
    plan = roads.verb("journey plan", name="cart")
    (lost,) = [row for row in plan["steps"] if row["fate"] == "leaves"]
    assert (lost["people"], lost["reason"], plan["loses"]) == (3, "the step pause is gone", 3)
    for given in ("", "0123456789abcdef"):
        with pytest.raises(ConflictError):
            roads.verb("journey start", name="cart", plan=given)
    assert roads.verb("journey show", name="cart")["inside"] == 4
    # those who stand there are said to go on at the new one
    roads.write("journeys/cart.yml", f"moved: {{pause: rest}}\n{GONE}")
    (moves,) = [row for row in roads.verb("journey plan", name="cart")["steps"] if row["fate"] == "moves"]
    assert (moves["people"], moves["to"]) == (3, "rest")
    roads.verb("journey start", name="cart")
    assert roads.verb("journey people", name="cart", step="rest")["total"] == 3
    roads.pass_time(timedelta(days=1))
    assert sorted(roads.got()) == [(f"m0{n}", "Your cart") for n in (1, 2, 3, 4)]  # to nobody twice
    versions = roads.verb("journey versions", name="cart")["versions"]
    assert [item["version"] for item in versions] == [3, 2, 1]
    assert [[(row["step"], row["fate"]) for row in item["moved"]] for item in versions] == [
        [("pause", "moves"), ("answer", "stays")],
        [("pause", "waits"), ("answer", "stays")],
        [],
    ]
    assert roads.verb("journey show", name="cart")["version"] == 3


def test_with_its_plan_people_leave_and_what_waits_is_not_sent(roads: Roads) -> None:
    walked(roads)
    unsent(roads, timedelta(hours=1))  # three messages wait
    text = CART.replace(
        "  remind: {message: {template: cart.html, subject: Your cart, class: service}}\n", ""
    )
    roads.write("journeys/cart.yml", text.replace("Order Paid", "Page Viewed"))
    roads.did((2, "Page Viewed"))
    roads.now += timedelta(minutes=1)
    plan = roads.verb("journey plan", name="cart")
    assert plan["messages"] == [{"step": "remind", "people": 3}]
    assert plan["leaving"] == [{"name": "bought", "people": 1}]
    assert (plan["gone"], plan["other"]) == (["remind"], ["leave"])
    roads.verb("journey start", name="cart", plan=plan["plan"])
    roads.pass_time(timedelta(minutes=1))
    assert roads.verb("journey show", name="cart")["ended"]["left: bought"] == 1
    with roads.workspace.records.read() as connection:
        reasons = connection.exec_driver_sql(
            "SELECT status, reason, COUNT(*) FROM touches WHERE entry = 'remind' GROUP BY 1, 2 ORDER BY 1"
        ).all()
    assert [tuple(row) for row in reasons] == [("sent", "", 1), ("suppressed", "the step is gone", 3)]
    with pytest.raises(LimnerError):
        roads.verb("journey versions", name="club")


def test_what_is_late_is_dropped_overtaken_or_taken_back(roads: Roads) -> None:
    roads.write(
        "journeys/cart.yml",
        "start: {event: Product Added}\nleave: [{name: bought, event: Order Paid}]\nholdout: 0\nsteps:\n"
        "  pause: {wait: 2 hours}\n"
        "  one: {message: {template: cart.html, subject: One, class: service, useful: 5 days}}\n"
        "  later: {wait: 1 day}\n"
        "  two: {message: {template: cart.html, subject: Two, class: service, useful: 5 days}}\n"
        "  last: {wait: 1 day}\n"
        "  three: {message: {template: cart.html, subject: Three, class: service, useful: 1 hour}}\n",
    )
    roads.verb("journey start", name="cart")
    roads.now += timedelta(minutes=1)
    begun = roads.now
    roads.did((1, "Product Added"), (2, "Product Added"))
    roads.now += timedelta(hours=30)
    roads.did((2, "Order Paid"))
    roads.pass_time(begun + timedelta(days=3))  # nothing ran meanwhile
    assert roads.got() == [("m01", "Two")]
    with roads.workspace.records.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT entry, status, reason, due_at FROM touches WHERE campaign = 'cart' ORDER BY due_at"
        ).all()
    assert [tuple(row[:3]) for row in rows] == [
        ("one", "suppressed", "overtaken by a later message"),
        ("two", "sent", ""),
        ("three", "suppressed", "too late to be of use"),
    ]
    hours = [(row[3] - rows[0][3]) / 3_600_000_000 for row in rows]
    assert hours == [0, 24, 48]
    assert roads.verb("journey show", name="cart")["ended"] == {"end": 1, "left: bought": 1}
    # what waits in the outbox is taken back when its person leaves, also after the last step
    roads.write(
        "journeys/last.yml",
        CART.partition("  answer:")[0],
    )
    roads.verb("journey start", name="last")
    roads.now += timedelta(minutes=1)
    roads.did((5, "Product Added"), (6, "Product Added"))
    unsent(roads, timedelta(hours=3))
    roads.did((5, "Order Paid"))
    roads.now += timedelta(minutes=1)
    roads.pass_time(timedelta(minutes=1))
    with roads.workspace.records.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT status, reason FROM touches WHERE campaign = 'last' ORDER BY status"
        ).all()
    assert sorted((row[0], row[1]) for row in rows if row[0] == "suppressed") == [
        ("suppressed", "left the journey")
    ]
    assert len(rows) == 2


@pytest.mark.proves("B3")
def test_before_it_starts_it_is_said_how_long_until_it_tells_something(roads: Roads) -> None:
    goal = "goal: {event: Order Paid, within: 2 days}\n"
    text = f"start: {{event: Product Added}}\nholdout: 0.5\n{goal}steps: {{a: {{wait: 1 day}}}}\n"
    roads.write("journeys/shop.yml", text)
    assert roads.verb("journey power", name="shop")["reason"] == "few_people"
    weeks, each = 8, 12
    for week in range(weeks):
        roads.now += timedelta(hours=each)
        roads.did(*[(person, "Product Added") for person in range(each)])
        roads.now += timedelta(days=1)
        if week == 1:
            roads.did(*[(person, "Order Paid") for person in range(each) if person % 6], amount=200)
        roads.now += timedelta(days=6) - timedelta(hours=each)
    roads.now += timedelta(days=3)
    told = roads.verb("journey power", name="shop", effect=0.16)
    # all twelve come each week, and each is counted once; ten of them buy within two days
    assert (told["weeks_seen"], told["entered"], told["per_week"]) == (8, each, each / 8)
    assert told["baseline"] == 10 / 12
    assert 10 < told["weeks"] < 105
    assert roads.verb("journey power", name="shop", effect=0.05)["reason"] == "too_long"
    without = roads.verb("journey power", name="shop", text=text.replace("0.5", "0"))
    assert (without["weeks"], without["reason"]) == (None, "nobody_held_out")
    assert roads.verb("journey power", name="shop", text=text.replace(goal, ""))["reason"] == "no_goal"
    # dates: who will enter is known, what they would have done is not
    dated = text.replace("event: Product Added", 'date: person.expires, before: 7 days, at: "10:00"')
    assert roads.verb("journey power", name="shop", text=dated)["reason"] in ("few_people", "no_record")
    # an audience of events is known as it was; one of attributes is not
    member = text.replace("event: Product Added", "enters: rich")
    assert roads.verb("journey power", name="shop", text=member)["per_week"] == 10 / 8
    roads.write("audiences/named.yml", "expression: known(person.name)\n")
    assert (
        roads.verb("journey power", name="shop", text=member.replace("rich", "named"))["reason"]
        == "no_record"
    )
    with pytest.raises(LimnerError):
        roads.verb("journey power", name="shop", effect=2.0)


STAGE = """\
nature: model
method: rule
type: text
cases: [{when: did "Order Paid", then: buyer}]
otherwise: visitor
validity: 2 days
owner: crm
why: Words.
"""


@pytest.mark.proves("U5")
def test_where_people_moved_is_told_against_who_was_held_out(roads: Roads, tmp_path: Path) -> None:
    roads.write("tags/stage.yml", STAGE)
    roads.write("audiences/visitors.yml", "expression: stage = 'visitor'\n")
    rows = "".join(f"n{number:03d},N,n{number:03d}@example.test,2026-05-01,,,\n" for number in range(400))
    file = roads.write("more.csv", f"user_id,name,email,since,expires,birthday,timezone\n{rows}")
    roads.write(
        "journeys/play.yml",
        "start: {enters: visitors}\nplay: stages\nholdout: 0.5\nsteps: {a: {wait: 1 day}}\n",
    )
    roads.verb("tag run")
    roads.verb("journey start", name="play")
    roads.pass_time(timedelta(minutes=1))
    roads.verb("import", file=str(file), map=str(roads.folder / "members.map.yml"))
    roads.verb("tag run")
    roads.pass_time(timedelta(minutes=1))
    treated = [
        row["called"]
        for row in roads.verb("journey people", name="play", limit=1000)["people"]
        if row["arm"] == "treated"
    ]
    held = [
        row["called"]
        for row in roads.verb("journey people", name="play", limit=1000)["people"]
        if row["arm"] == "held_out"
    ]
    assert len(treated) + len(held) == 400
    people = {
        row["person"]: row["arm"] for row in roads.verb("journey people", name="play", limit=1000)["people"]
    }
    users = [f"n{number:03d}" for number in range(60)]
    ids = dict(zip(roads.ids(*users), users, strict=True))
    buyers = [user for person, user in ids.items() if people[person] == "treated"]
    at = roads.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    bought = roads.write(
        "bought.csv", "user_id,at,event,amount\n" + "".join(f"{user},{at},Order Paid,5\n" for user in buyers)
    )
    roads.now += timedelta(minutes=1)
    roads.did((0, "Product Added"))
    roads.verb("import", file=str(bought), map=str(roads.folder / "events.map.yml"))
    roads.verb("tag run")
    told = roads.verb("journey movement", name="play")
    assert (told["tag"], told["treated"], told["held_out"]) == ("stage", len(treated), len(held))
    values = {row["value"]: row for row in told["values"]}
    assert (values["buyer"]["treated"], values["buyer"]["held_out"]) == (len(buyers), 0)
    rise = values["buyer"]["difference"]
    assert rise["low"] > 0
    assert rise["value"] == pytest.approx(len(buyers) / len(treated))
    with pytest.raises(LimnerError):
        roads.verb("journey movement", name="play", tag="nobody")
    with pytest.raises(LimnerError):
        roads.verb("journey movement", name="cart")
