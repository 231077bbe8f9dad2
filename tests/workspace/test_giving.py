"""Values given by hand and imported: at once, over everything, into the log, and undone exactly."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from limner.accounts import keys
from limner.errors import ConflictError, NotFoundError, UsageError
from limner.events.frames import Record
from limner.tags.giving import of_person
from limner.types import Json, silent
from limner.workspace import giving
from limner.workspace.backup import restore
from limner.workspace.realtime import Realtime
from tests.workspace.worlds import NOW, World

VIP = "title: {en: VIP, zh: 贵宾}\nnature: model\nmethod: manual\ntype: text\nvalues: [gold, silver]\n"
ORDERS = 'nature: fact\nmethod: statistic\ntype: number\nstatistic: count("Order Paid")\nvalidity: 30 days\n'
KEEN = (
    "nature: model\nmethod: rule\ntype: flag\nvalidity: 30 days\n"
    "cases:\n  - when: vip = 'gold' or orders >= 3\n    then: true\n"
)
POINTS = "nature: fact\nmethod: imported\ntype: number\nsource: till\n"


def tell(world: World, *calls: Json) -> None:
    source = keys.ensure_source(world.workspace.records, "shop", kind="segment", now=world.now)
    world.workspace.log.append_now(
        Record(
            batch=world.workspace.new_id(),
            source_i=source.source_i,
            received_at=keys.micros(world.now),
            n=len(calls),
            body=json.dumps({"batch": list(calls)}).encode(),
        )
    )
    world.workspace.load()


def paid(user: str, times: int) -> list[Json]:
    return [
        {
            "type": "track",
            "event": "Order Paid",
            "userId": user,
            "messageId": f"{user}-{n}",
            "timestamp": (NOW - timedelta(days=n + 1)).isoformat(),
        }
        for n in range(times)
    ]


@pytest.fixture
def shop(world: World) -> World:
    """Three people: ann paid once, bo three times, cai never but said her name."""
    tell(
        world,
        *paid("ann", 1),
        *paid("bo", 3),
        {"type": "identify", "userId": "cai", "traits": {"name": "Cai"}, "messageId": "c"},
    )
    world.write("tags/vip.yml", VIP)
    world.write("tags/orders.yml", ORDERS)
    world.write("tags/keen.yml", KEEN)
    world.now = NOW + timedelta(minutes=1)
    world.verb("tag run")
    return world


def value(world: World, person: str, tag: str) -> Any:
    shown = world.verb("person show", id=person)
    return next(
        (item["value"] for part in shown["tags"] for item in part["tags"] if item["key"] == tag), None
    )


def values(world: World, tag: str) -> dict[str, Any]:
    return {person: value(world, person, tag) for person in ("ann", "bo", "cai")}


def members(world: World, where: str) -> set[str]:
    listed = world.verb("person list", where=where)["people"]
    return {world.verb("person show", id=row["person"])["identities"][0]["value"] for row in listed}


def test_a_given_value_counts_at_once_and_in_what_refers_to_it(shop: World) -> None:
    answer = shop.verb("tag give", key="vip", value="gold", person="ann")
    assert (answer["changes"], answer["same"]) == (1, 0)
    assert values(shop, "vip") == {"ann": "gold", "bo": None, "cai": None}
    assert values(shop, "keen") == {"ann": True, "bo": True, "cai": None}
    assert members(shop, "vip = 'gold'") == {"ann"}
    shop.verb("tag take", key="vip", person="ann")
    assert values(shop, "vip") == {"ann": None, "bo": None, "cai": None}
    assert values(shop, "keen") == {"ann": None, "bo": True, "cai": None}


def test_a_given_value_stays_through_runs_and_steps_and_the_past_does_not_know_it(shop: World) -> None:
    shop.now = NOW + timedelta(hours=1)
    shop.verb("tag give", key="vip", value="gold", person="ann")
    before = {key: values(shop, key) for key in ("vip", "orders", "keen")}
    early = shop.verb("person show", id="ann", as_of=(NOW + timedelta(minutes=30)).isoformat())
    assert [item["key"] for part in early["tags"] for item in part["tags"]] == ["orders"]
    shop.now = NOW + timedelta(hours=2)
    Realtime(shop.workspace).once()
    assert {key: values(shop, key) for key in ("vip", "orders", "keen")} == before
    shop.verb("tag run")
    assert {key: values(shop, key) for key in ("vip", "orders", "keen")} == before
    shop.verb("tag run", full=True)
    assert {key: values(shop, key) for key in ("vip", "orders", "keen")} == before
    past = shop.verb("person show", id="ann", as_of=(NOW + timedelta(minutes=30)).isoformat())
    assert [item["key"] for part in past["tags"] for item in part["tags"]] == ["orders"]
    then = shop.verb("person show", id="ann", as_of=(NOW + timedelta(minutes=90)).isoformat())
    assert {item["key"] for part in then["tags"] for item in part["tags"]} == {"keen", "orders", "vip"}


@pytest.mark.parametrize("follow", ["hand on", "step", "run"])
def test_a_value_ends_at_its_end_for_the_person_alone(shop: World, follow: str) -> None:
    until = (NOW + timedelta(days=1)).isoformat()
    shop.verb("tag give", key="vip", value="gold", person="ann", until=until)
    shop.verb("tag give", key="vip", value="silver", person="bo")
    shop.now = NOW + timedelta(days=1)
    match follow:
        case "hand on":
            giving.hand_on(shop.workspace)
        case "step":
            assert Realtime(shop.workspace).once() is not None
        case _:
            shop.verb("tag run")
    assert values(shop, "vip") == {"ann": None, "bo": "silver", "cai": None}
    assert values(shop, "keen") == {"ann": None, "bo": True, "cai": None}


def test_validity_of_a_manual_tag_counts_from_when_the_value_was_given(shop: World) -> None:
    shop.write("tags/seen.yml", "nature: fact\nmethod: manual\ntype: flag\nvalidity: 7 days\n")
    shop.verb("tag give", key="seen", person="ann")
    shop.now += timedelta(days=3)
    shop.verb("tag give", key="seen", person="bo")
    shop.verb("tag run")
    shop.now += timedelta(days=5)
    giving.hand_on(shop.workspace)
    assert values(shop, "seen") == {"ann": None, "bo": True, "cai": None}


def test_a_correction_stands_in_the_place_of_a_computed_value_until_it_is_taken_back(shop: World) -> None:
    shop.verb("tag give", key="orders", value="12.5", person="ann")
    shop.verb("tag give", key="keen", value="false", person="bo")
    expected = {"ann": 12.5, "bo": 3, "cai": 0}
    for again in (None, "run", "full", "step"):
        match again:
            case "run":
                shop.verb("tag run")
            case "full":
                shop.verb("tag run", full=True)
            case "step":
                shop.now += timedelta(minutes=5)
                tell(shop, *paid("ann", 2))
                assert Realtime(shop.workspace).once() is not None
        assert values(shop, "orders") == expected
        assert values(shop, "keen") == {"ann": True, "bo": False, "cai": None}
    conflict = shop.verb("tag conflicts", key="orders", standing=True)
    assert (conflict["standing"], conflict["total"]) == (1, 2)  # what was computed went from 1 to 2
    (row,) = conflict["conflicts"]
    assert (row["given"], row["computed"], row["by"]) == (12.5, 2, "command line")
    shop.verb("tag take", key="orders", person="ann")
    shop.verb("tag take", key="keen", person="bo")
    assert values(shop, "orders") == {"ann": 2, "bo": 3, "cai": 0}
    assert values(shop, "keen") == {"ann": None, "bo": True, "cai": None}
    assert shop.verb("tag conflicts", key="orders", standing=True)["conflicts"] == []
    shop.verb("tag run")
    assert values(shop, "orders") == {"ann": 2, "bo": 3, "cai": 0}


def test_bulk_is_previewed_given_and_undone_exactly(shop: World) -> None:
    end = NOW + timedelta(days=9)
    shop.verb("tag give", key="vip", value="silver", person="ann", until=end.isoformat())
    first = given(shop, "ann")
    shop.now += timedelta(hours=1)
    asked = {"key": "vip", "value": "gold", "where": "orders >= 1"}
    preview = shop.verb("tag give preview", **asked)
    assert (preview["people"], preview["changes"], preview["same"]) == (2, 2, 0)
    assert preview["before"] == [{"value": None, "people": 1}, {"value": "silver", "people": 1}]
    assert values(shop, "vip") == {"ann": "silver", "bo": None, "cai": None}
    batch = shop.verb("tag give", **asked)["batch"]
    assert values(shop, "vip") == {"ann": "gold", "bo": "gold", "cai": None}
    assert shop.verb("tag give", **asked) | {"before": []} == {
        **preview, "before": [], "changes": 0, "same": 2,
    }  # fmt: skip
    shop.now += timedelta(hours=1)
    undone = shop.verb("tag undo", batch=batch)
    assert (undone["changes"], undone["changed"]) == (2, [])
    assert values(shop, "vip") == {"ann": "silver", "bo": None, "cai": None}
    assert given(shop, "ann") == first
    assert given(shop, "bo") == {}
    with pytest.raises(ConflictError):
        shop.verb("tag undo", batch=batch)
    again = shop.verb("tag undo", batch=undone["batch"])
    assert again["changes"] == 2
    assert values(shop, "vip") == {"ann": "gold", "bo": "gold", "cai": None}


def test_undoing_leaves_who_was_changed_since_and_names_them(shop: World) -> None:
    batch = shop.verb("tag give", key="vip", value="gold", people=["ann", "bo", "zed"])
    assert batch["rejected"] == [{"person": "zed", "reason": "there is no such person"}]
    shop.now += timedelta(hours=1)
    shop.verb("tag give", key="vip", value="silver", person="bo")
    preview = shop.verb("tag undo preview", batch=batch["batch"])
    assert (preview["changes"], preview["changed_total"]) == (1, 1)
    undone = shop.verb("tag undo", batch=batch["batch"])
    assert [(row["by"], row["at"]) for row in undone["changed"]] == [("command line", shop.now.isoformat())]
    assert values(shop, "vip") == {"ann": None, "bo": "silver", "cai": None}
    listed = shop.verb("tag batches", key="vip")["batches"]
    assert [(row["what"], row["people"], row["standing"]) for row in listed] == [
        ("undo", 1, 1), ("give", 1, 1), ("give", 2, 0),
    ]  # fmt: skip
    assert listed[2]["undone_by"] == listed[0]["batch"]


def test_values_move_with_their_person_and_come_back_when_a_merge_is_undone(shop: World) -> None:
    shop.verb("tag give", key="vip", value="silver", person="ann")
    shop.now += timedelta(hours=1)
    shop.verb("tag give", key="vip", value="gold", person="bo")
    shop.now += timedelta(hours=1)
    tell(shop, {"type": "alias", "userId": "ann", "previousId": "bo", "messageId": "m"})
    shop.verb("tag run")
    assert value(shop, "ann", "vip") == value(shop, "bo", "vip") == "gold"
    shop.verb("tag take", key="vip", person="ann")
    assert value(shop, "bo", "vip") is None


def test_the_log_makes_given_values_again_and_a_backup_holds_them(shop: World, tmp_path: Path) -> None:
    shop.verb("tag give", key="vip", value="gold", where="orders >= 1")
    shop.now += timedelta(hours=1)
    batch = shop.verb("tag give", key="orders", value=7, person="cai")["batch"]
    expected = {key: values(shop, key) for key in ("vip", "orders", "keen")}
    batches = shop.verb("tag batches")
    shop.verb("rebuild")
    assert {key: values(shop, key) for key in ("vip", "orders", "keen")} == expected
    assert shop.verb("tag batches") == batches
    shop.verb("backup", file=str(tmp_path / "b.tar.zst"))
    restore(tmp_path / "b.tar.zst", tmp_path / "again", silent)
    again = World(tmp_path / "again", now=shop.now)
    try:
        assert {key: values(again, key) for key in ("vip", "orders", "keen")} == expected
        assert again.verb("tag undo", batch=batch)["changes"] == 1
    finally:
        again.close()


def test_an_erased_person_leaves_no_given_value(shop: World) -> None:
    shop.verb("tag give", key="vip", value="gold", people=["ann", "bo"])
    shop.verb("tag give", key="orders", value=7, where="person.name = 'Cai'")
    shop.verb("person erase", id="cai")
    shop.verb("person erase", id="ann")
    assert shop.workspace.engine.read("SELECT COUNT(*) AS n FROM given")["n"][0].as_py() == 1
    assert [row["people"] for row in shop.verb("tag batches")["batches"]] == [1]
    shop.verb("rebuild")
    assert value(shop, "bo", "vip") == "gold"
    assert shop.workspace.engine.read("SELECT COUNT(*) AS n FROM given")["n"][0].as_py() == 1


def test_an_import_gives_values_lists_what_is_none_and_never_replaces_a_hand(shop: World) -> None:
    shop.write("tags/points.yml", POINTS)
    shop.verb("tag give", key="points", value=5, person="bo")
    path = shop.write(
        "points.csv",
        "person,value,expires_at\nann,10,\nbo,20,\ncai,thirty,\nzed,1,\ncai,30,2026-06-02\n,4,\nann,11,\n",
    )
    answer = shop.verb("tag import", key="points", file=str(path))
    assert (answer["rows"], answer["taken"], answer["rejected_total"], answer["by_hand"]) == (7, 3, 4, 1)
    assert [(row["line"], row["code"]) for row in answer["rejected"]] == [
        (2, "again"), (4, "bad_number"), (5, "unknown_person"), (7, "no_person"),
    ]  # fmt: skip
    assert values(shop, "points") == {"ann": 11, "bo": 5, "cai": 30}
    (row,) = shop.verb("tag conflicts", key="points")["conflicts"]
    assert (row["given"], row["computed"]) == (5, 20)
    shop.now = NOW + timedelta(days=2)
    giving.hand_on(shop.workspace)
    assert values(shop, "points") == {"ann": 11, "bo": 5, "cai": None}
    shop.verb("tag take", key="points", person="bo")
    assert values(shop, "points") == {"ann": 11, "bo": 20, "cai": None}
    assert shop.verb("tag undo", batch=answer["batch"])["changes"] == 3
    assert values(shop, "points") == {"ann": None, "bo": None, "cai": None}


def test_in_an_exclusive_group_what_was_given_by_hand_stays(shop: World) -> None:
    flag = "nature: model\nmethod: rule\ntype: flag\nvalidity: 9 days\ncases:\n  - when: {}\n    then: true\n"
    shop.write("tags/few.yml", flag.format("orders >= 1 and orders < 3"))
    shop.write("tags/many.yml", flag.format("orders >= 3"))
    shop.write("groups/amount.yml", "tags: [many, few]\nkeep: priority\n")
    shop.verb("tag run")
    assert (values(shop, "few"), values(shop, "many")) == (
        {"ann": True, "bo": None, "cai": None}, {"ann": None, "bo": True, "cai": None},
    )  # fmt: skip
    shop.verb("tag give", key="few", person="bo")
    for _ in range(2):
        assert values(shop, "few") == {"ann": True, "bo": True, "cai": None}
        assert values(shop, "many") == {"ann": None, "bo": None, "cai": None}
        shop.verb("tag run")
    shop.verb("tag take", key="few", person="bo")
    assert values(shop, "many") == {"ann": None, "bo": True, "cai": None}


def test_what_cannot_be_given_is_refused(shop: World) -> None:
    for wrong, error in (
        ({"key": "vip", "value": "bronze", "person": "ann"}, UsageError),
        ({"key": "orders", "value": "many", "person": "ann"}, UsageError),
        ({"key": "vip", "value": "gold"}, UsageError),
        ({"key": "vip", "value": "gold", "person": "ann", "where": "orders > 1"}, UsageError),
        ({"key": "vip", "value": "gold", "person": "zed"}, NotFoundError),
        ({"key": "vop", "value": "gold", "person": "ann"}, NotFoundError),
        ({"key": "vip", "value": "gold", "person": "ann", "until": "2020-01-01"}, UsageError),
    ):
        with pytest.raises(error):
            shop.verb("tag give", **wrong)
    assert shop.verb("tag batches")["batches"] == []


def given(world: World, person: str) -> Json:
    shown = world.verb("person show", id=person)["tags"]
    return {item["key"]: item["given"] for part in shown for item in part["tags"] if item["given"]}


def test_why_says_who_gave_it_when_and_what_would_be_there_without(shop: World) -> None:
    shop.now += timedelta(hours=1)
    end = shop.now + timedelta(days=3)
    shop.verb("tag give", key="orders", value=9, person="ann", until=end.isoformat())
    why = shop.verb("person why", id="ann", key="orders")
    assert (why["value"], why["recomputed"], why["agrees"]) == (9, 9, True)
    assert why["because"]["text"]["code"] == "given"
    assert why["because"]["text"]["numbers"] == {"who": "command line", "at": shop.now.isoformat()}
    assert (why["given"]["computed"], why["given"]["corrects"]) == (1, True)
    assert (why["ends"]["at"], why["ends"]["proved"], why["ends"]["then"]) == (end.isoformat(), True, 1)
    keen = shop.verb("person why", id="ann", key="keen")
    assert (keen["value"], keen["recomputed"], keen["agrees"], keen["given"]) == (True, True, True, None)
    nobody = shop.verb("person why", id="ann", key="vip")
    assert (nobody["value"], nobody["because"]["text"]["code"]) == (None, "not_given")


@dataclass(frozen=True)
class Row:
    """One row of the oracle: a user's state from a batch on."""

    user: str
    batch: str
    value: Any
    until: datetime | None
    cause: str | None


class Oracle:
    """What everybody must have, worked out row by row in plain Python."""

    def __init__(self, users: list[str]) -> None:
        self.users = users
        self.person = {user: user for user in users}
        self.rows: dict[str, list[Row]] = {"vip": [], "orders": []}
        self.tag: dict[str, str] = {}

    def together(self, user: str) -> list[str]:
        return [one for one in self.users if self.person[one] == self.person[user]]

    def merge(self, one: str, other: str) -> None:
        gone = self.person[other]
        for user in self.users:
            if self.person[user] == gone:
                self.person[user] = self.person[one]

    def stands(self, tag: str, user: str, rows: list[Row] | None = None) -> Row | None:
        mine = [row for row in (rows or self.rows[tag]) if row.user in self.together(user)]
        return mine[-1] if mine else None

    def live(self, tag: str, user: str, now: datetime) -> Row | None:
        row = self.stands(tag, user)
        if row is None or row.value is None or (row.until is not None and row.until <= now):
            return None
        return row

    def give(
        self, tag: str, whom: list[str], value: Any, until: datetime | None, batch: str, now: datetime
    ) -> int:
        self.tag[batch] = tag
        firsts = dict.fromkeys(self.together(user)[0] for user in whom)
        made = []
        for user in firsts:
            row = self.live(tag, user, now)
            if (row, value) != (None, None) and (row is None or (row.value, row.until) != (value, until)):
                made.append(Row(user, batch, value, until, batch))
        self.rows[tag] += made
        return len(made)

    def undo(self, batch: str, by: str) -> tuple[int, int]:
        tag = self.tag[batch]
        self.tag[by] = tag
        rows = self.rows[tag]
        made, changed = [], 0
        for user in dict.fromkeys(self.together(row.user)[0] for row in rows if row.batch == batch):
            mine = [row for row in rows if row.user in self.together(user)]
            if batch not in (mine[-1].cause, mine[-1].batch):
                changed += 1
                continue
            first = next(place for place, row in enumerate(mine) if row.batch == batch)
            prior = mine[first - 1] if first else Row(user, "", None, None, None)
            made.append(Row(user, by, prior.value, prior.until, prior.cause))
        rows += made
        return len(made), changed


@pytest.mark.proves("P7", "P8")
@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_given_taken_undone_and_merged_equals_the_oracle(world: World, seed: int) -> None:
    rng = random.Random(seed)
    users = [f"u{n}" for n in range(7)]
    paid_times = {user: rng.randrange(4) for user in users}
    for user in users:  # in this order they are met
        tell(world, {"type": "identify", "userId": user, "traits": {"n": 1}, "messageId": user})
        if paid_times[user]:
            tell(world, *paid(user, paid_times[user]))
    for key, text in {"vip": VIP, "orders": ORDERS, "keen": KEEN}.items():
        world.write(f"tags/{key}.yml", text)
    world.now += timedelta(minutes=1)
    world.verb("tag run")
    oracle = Oracle(users)
    batches: list[str] = []
    for step in range(24):
        if rng.random() < 0.7:
            world.now += timedelta(minutes=rng.choice((1, 7, 40)))
        now = world.now
        tag = rng.choice(("vip", "vip", "orders"))
        whom = rng.sample(users, rng.randrange(1, 6))
        match rng.choice(("give", "give", "give", "take", "undo", "undo", "merge", "refresh")):
            case "give":
                value = rng.choice(("gold", "silver")) if tag == "vip" else float(rng.randrange(5))
                until = rng.choice((None, now + timedelta(minutes=rng.choice((5, 30)))))
                answer = world.verb(
                    "tag give",
                    key=tag,
                    value=value,
                    people=whom,
                    until="" if until is None else until.isoformat(),
                )
                batch = answer["batch"] or f"none {step}"
                assert answer["changes"] == oracle.give(tag, whom, value, until, batch, now)
                batches += [answer["batch"]] if answer["batch"] else []
            case "take":
                answer = world.verb("tag take", key=tag, people=whom)
                assert answer["changes"] == oracle.give(
                    tag, whom, None, None, answer["batch"] or f"none {step}", now
                )
                batches += [answer["batch"]] if answer["batch"] else []
            case "undo" if batches:
                batch = rng.choice(batches)
                seen = world.verb("tag undo preview", batch=batch)
                if seen["changes"]:
                    done = world.verb("tag undo", batch=batch)
                    expected = oracle.undo(batch, done["batch"])
                    batches.append(done["batch"])
                else:
                    expected = oracle.undo(batch, "never")
                assert (seen["changes"], seen["changed_total"]) == expected
            case "merge" if rng.random() < 0.5:
                one, other = rng.sample(users, 2)
                tell(
                    world,
                    {"type": "alias", "userId": one, "previousId": other, "messageId": f"m{step}",
                     "timestamp": now.isoformat()},
                )  # fmt: skip
                oracle.merge(one, other)
                world.verb("tag run")
            case "refresh":
                if rng.random() < 0.5:
                    world.verb("tag run", full=rng.random() < 0.5)
                else:
                    Realtime(world.workspace).once()
        giving.hand_on(world.workspace)
        _compare(world, oracle, paid_times)
    world.verb("rebuild")
    _compare(world, oracle, paid_times)


def _compare(world: World, oracle: Oracle, paid_times: dict[str, int]) -> None:
    engine, columns = world.workspace.engine, world.workspace.columns
    assert columns is not None
    ixs = {
        row["value"]: row["ix"]
        for row in engine.read("SELECT value, ix FROM identifiers WHERE kind = 'user'").to_pylist()
    }
    for user in oracle.users:
        vip, orders = (oracle.live(tag, user, world.now) for tag in ("vip", "orders"))
        counted = float(sum(paid_times[one] for one in oracle.together(user)))
        expected = {
            "vip": None if vip is None else vip.value,
            "orders": counted if orders is None else orders.value,
        }
        expected["keen"] = True if expected["vip"] == "gold" or expected["orders"] >= 3 else None
        ix = ixs[user]
        assert {key: columns[key].label_at(ix) for key in expected} == expected, user
        assert {(row["tag"], row["cause"]) for row in of_person(engine, ix, now=world.now)} == {
            (tag, row.cause) for tag, row in (("vip", vip), ("orders", orders)) if row is not None
        }


def test_what_a_visitor_was_given_goes_to_the_account_and_a_shared_device_names_nobody(shop: World) -> None:
    tell(shop, {"type": "track", "event": "Seen", "anonymousId": "d1", "messageId": "s1"})
    shop.verb("tag run")
    shop.verb("tag give", key="vip", value="gold", person="device:d1")
    assert value(shop, "device:d1", "vip") == "gold"
    shop.now += timedelta(minutes=5)
    tell(shop, {"type": "identify", "userId": "ann", "anonymousId": "d1", "messageId": "l1"})
    shop.verb("tag run")
    assert value(shop, "ann", "vip") == "gold"
    shop.now += timedelta(minutes=5)
    tell(shop, {"type": "identify", "userId": "bo", "anonymousId": "d1", "messageId": "l2"})
    shop.verb("tag run")
    answer = shop.verb("tag give", key="vip", value="silver", person="device:d1")
    assert (answer["changes"], answer["rejected_total"], answer["batch"]) == (0, 1, None)
