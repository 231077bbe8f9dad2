"""A plan says exactly what applying would do, and does nothing itself."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from limner.errors import ConflictError, DefinitionError, NotFoundError
from limner.types import Json
from tests.builders import rule, statistic
from tests.workspace.worlds import NOW, World

DAY = timedelta(days=1)
FILES = {
    "tags/spent.yml": statistic('sum(amount of "Order Paid" in last 90 days)', "money"),
    "tags/orders.yml": statistic('count("Order Paid" in last 90 days)'),
    "tags/tier.yml": rule({"gold": "spent >= 100", "silver": "spent >= 20"}),
    "tags/warm.yml": rule({"true": "tier = 'gold' and orders >= 2"}, kind="flag"),
    "tags/average.yml": statistic('avg(amount of "Order Paid" in last 60 days)', "money"),
    "tags/seen.yml": rule({"true": 'did "Product Viewed"'}, kind="flag"),
    "audiences/best.yml": "expression: tier = 'gold'\n",
    "audiences/quiet.yml": 'expression: seen and not did "Order Paid" in last 30 days\n',
    "audiences/all_gold.yml": "expression: in audience best or warm\n",
}


def fill(world: World, people: int = 40, seed: int = 1) -> None:
    """People with orders and views, the same for the same seed."""
    draw = random.Random(seed)
    source = world.verb("source add", name=f"shop{seed}")
    calls: list[Json] = []
    for who in range(people):
        for _ in range(draw.randint(0, 5)):
            name = draw.choice(("Order Paid", "Order Paid", "Product Viewed"))
            at = world.now - timedelta(seconds=draw.randrange(int(120 * DAY.total_seconds())))
            calls.append(
                {
                    "type": "track", "userId": f"u{who}", "event": name, "timestamp": at.isoformat(),
                    "properties": {"amount": draw.choice((5, 19.99, 20, 50, 100))},
                }
            )  # fmt: skip
    collect(world, calls, source)


def collect(world: World, calls: list[Json], source: Json) -> None:
    from limner.accounts import keys
    from limner.events.frames import Record
    from limner.events.segment import body_of

    found = keys.ensure_source(world.workspace.records, source["name"], kind="segment", now=world.now)
    world.workspace.log.append_now(
        Record(
            batch=f"batch-{source['name']}",
            source_i=found.source_i,
            received_at=keys.micros(world.now),
            n=len(calls),
            body=body_of(calls),
        )
    )
    world.workspace.load()


@pytest.fixture
def shop(world: World) -> World:
    for path, text in FILES.items():
        world.write(path, text)
    fill(world)
    world.verb("tag run")
    return world


def by(rows: list[Json], name: str = "key") -> dict[str, Json]:
    return {row[name]: row for row in rows}


def state(world: World) -> dict[str, Any]:
    """Everything that a plan must leave as it is."""
    engine, folder = world.workspace.engine, world.folder
    tables = sorted(engine.tables())
    files = [path for path in folder.rglob("*") if path.is_file() and "data/engine" not in str(path)]
    return {
        "tables": {
            name: engine.read(f'SELECT COUNT(*), BIT_XOR(HASH(t)) FROM "{name}" AS t').to_pylist()
            for name in tables
        },
        "files": {
            str(path): path.read_bytes() for path in files if not path.name.startswith("records.sqlite")
        },
        "runs": world.verb("run list")["runs"],
        "edits": [world.verb("definition history", kind="tags", name="spent")["edits"]],
    }


def values(world: World) -> dict[str, dict[int, Any]]:
    """Everybody's published value of every tag."""
    columns = world.workspace.columns
    assert columns is not None
    return {
        key: {ix: value for ix in range(columns.n) if (value := columns[key].label_at(ix)) is not None}
        for key in columns.keys()  # noqa: SIM118 - not a mapping
    }


def counted(before: Mapping[int, Any], after: Mapping[int, Any], *, kind: str) -> Json:
    """What a plan should say of two publications, person by person."""
    both = before.keys() & after.keys()
    other = sum(before[ix] != after[ix] for ix in both)
    member = kind in ("flag", "text")
    return {
        "before": len(before),
        "after": len(after),
        "entered": len(after.keys() - before.keys()),
        "left": len(before.keys() - after.keys()),
        "moved": other if member else 0,
        "revalued": 0 if member else other,
    }


def members(world: World, name: str) -> set[int]:
    from limner.workspace.knowing import members as found

    return set(found(world.workspace, name, world.now))


def test_what_is_applied_needs_no_plan(shop: World) -> None:
    answer = shop.verb("tag plan")
    assert answer["changes"] is False
    assert (answer["tags"], answer["read"], answer["audiences"], answer["campaigns"]) == ([], [], [], [])
    assert answer["problems"] == []


@pytest.mark.proves("B4")
def test_a_plan_writes_nothing(shop: World) -> None:
    shop.write("tags/spent.yml", FILES["tags/spent.yml"].replace("90", "30"))
    (shop.folder / "tags" / "seen.yml").unlink()
    (shop.folder / "audiences" / "quiet.yml").unlink()
    shop.write("tags/fresh.yml", rule({"true": "orders >= 3"}, kind="flag"))
    shop.workspace.engine.read("SELECT 1")
    before = state(shop)
    assert shop.verb("tag plan")["changes"] is True
    assert state(shop) == before


EDITS: dict[str, Mapping[str, str | None]] = {
    "a new tag": {"tags/many.yml": rule({"true": "orders >= 2"}, kind="flag")},
    "another threshold": {"tags/tier.yml": rule({"gold": "spent >= 50", "silver": "spent >= 20"})},
    "another window": {"tags/orders.yml": statistic('count("Order Paid" in last 20 days)')},
    "a value for other people": {
        "tags/average.yml": statistic('avg(amount of "Order Paid" in last 20 days)', "money")
    },
    "what two refer to": {
        "tags/spent.yml": statistic('sum(amount of "Order Paid" in last 20 days)', "money")
    },
    "a removed one": {
        "tags/seen.yml": None, "audiences/quiet.yml": "expression: not did \"Order Paid\" in last 30 days\n",
    },
    "another type": {
        "tags/seen.yml": rule({"often": 'did "Product Viewed" at least 2 times'}),
        "audiences/quiet.yml": "expression: known(seen) and not did \"Order Paid\" in last 30 days\n",
    },
    "all of it": {
        "tags/spent.yml": statistic('sum(amount of "Order Paid" in last 40 days)', "money"),
        "tags/tier.yml": rule({"gold": "spent >= 70", "silver": "orders >= 1"}, "basic"),
        "tags/many.yml": rule({"true": "tier = 'gold' or seen"}, kind="flag"),
        "tags/warm.yml": None, "audiences/all_gold.yml": "expression: in audience best\n",
    },
}  # fmt: skip


def changed(world: World, edit: Mapping[str, str | None]) -> None:
    for path, text in edit.items():
        if text is None:
            (world.folder / path).unlink()
        else:
            world.write(path, text)


@pytest.mark.proves("B4")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_plan_counts_what_two_full_runs_differ_by(
    world: World, edit: Mapping[str, str | None], seed: int
) -> None:
    for path, text in FILES.items():
        world.write(path, text)
    fill(world, seed=seed)
    world.verb("tag run", full=True)
    before = values(world)
    changed(world, {path: text for path, text in edit.items() if path.startswith("audiences/")})
    people = {path.stem: members(world, path.stem) for path in (world.folder / "audiences").glob("*.yml")}
    changed(world, {path: text for path, text in edit.items() if path.startswith("tags/")})
    plan = world.verb("tag plan")
    assert plan["problems"] == []
    world.verb("tag run", full=True)
    after = values(world)
    planned = by(plan["tags"])
    for key in before.keys() | after.keys():
        kind = world.verb("tag show", key=key)["type"] if key in after else "flag"
        expected = counted(before.get(key, {}), after.get(key, {}), kind=kind)
        if key in planned:
            said = {name: planned[key][name] for name in expected}
            assert said == expected, key
        else:
            assert before.get(key, {}) == after.get(key, {}), key
    assert set(planned) == {row["key"] for row in plan["tags"]}
    audiences = by(plan["audiences"], "name")
    for name, then in people.items():
        now = members(world, name)
        if then == now:
            assert name not in audiences
        else:
            row = audiences[name]
            said = (row["before"], row["after"], row["entered"], row["left"])
            assert said == (len(then), len(now), len(now - then), len(then - now)), name
    assert any(row["entered"] + row["left"] + row["moved"] + row["revalued"] for row in plan["tags"])


def test_a_plan_says_why(shop: World) -> None:
    changed(shop, EDITS["all of it"])
    planned = by(shop.verb("tag plan")["tags"])
    assert {key: (row["why"], row["through"]) for key, row in planned.items()} == {
        "spent": ("changed", []),
        "tier": ("changed", ["tag:spent"]),
        "many": ("new", []),
        "warm": ("removed", []),
    }


def test_what_only_refers_to_a_change_says_to_which(shop: World) -> None:
    changed(shop, EDITS["what two refer to"])
    planned = by(shop.verb("tag plan")["tags"])
    assert {key: (row["why"], row["through"]) for key, row in planned.items()} == {
        "spent": ("changed", []),
        "tier": ("refers", ["tag:spent"]),
        "warm": ("refers", ["tag:tier"]),
    }


def test_a_changed_audience_is_the_reason_for_a_tag_that_names_it(shop: World) -> None:
    shop.write("tags/picked.yml", rule({"true": "in audience best"}, kind="flag"))
    shop.verb("tag run")
    shop.write("audiences/best.yml", "expression: tier = 'silver'\n")
    planned = by(shop.verb("tag plan")["tags"])
    assert {key: (row["why"], row["through"]) for key, row in planned.items()} == {
        "picked": ("refers", ["audience:best"])
    }


def test_titles_and_owners_change_nothing(shop: World) -> None:
    shop.write("tags/tier.yml", FILES["tags/tier.yml"] + "owner: crm\ntitle: Tier\n")
    assert shop.verb("tag plan")["changes"] is False


def test_a_plan_of_one_tag_takes_along_what_it_needs_and_what_needs_it(shop: World) -> None:
    shop.write("tags/spent.yml", FILES["tags/spent.yml"].replace("90", "30"))
    shop.write("tags/orders.yml", FILES["tags/orders.yml"].replace("90", "30"))
    shop.write("tags/other.yml", rule({"true": "seen"}, kind="flag"))
    # warm refers to tier, tier to spent; warm also to orders
    assert set(by(shop.verb("tag plan", keys=["other"])["tags"])) == {"other"}
    assert set(by(shop.verb("tag plan", keys=["tier"])["tags"])) == {"spent", "tier", "warm", "orders"}
    assert shop.verb("tag plan", keys=["seen"])["changes"] is False
    with pytest.raises(NotFoundError, match="no tag 'teir'"):
        shop.verb("tag plan", keys=["teir"])


def test_what_is_only_read_is_shown_beside(shop: World) -> None:
    shop.now += 20 * DAY
    shop.write("tags/tier.yml", EDITS["another threshold"]["tags/tier.yml"] or "")
    plan = shop.verb("tag plan", keys=["tier"])
    assert set(by(plan["tags"])) == {"tier", "warm"}
    assert set(by(plan["read"])) == {"spent", "orders"}
    ran = by(shop.verb("tag apply", keys=["tier"])["run"]["tags"], "tag")
    assert set(ran) == {"tier", "warm", "spent", "orders"}


def test_applying_publishes_exactly_the_plan(shop: World) -> None:
    changed(shop, EDITS["all of it"])
    plan = shop.verb("tag plan")
    done = shop.verb("tag apply", plan=plan["plan"])
    assert (done["tags"], done["removed"]) == (["spent", "tier", "many"], ["warm"])
    ran = by(done["run"]["tags"], "tag")
    for row in plan["tags"]:
        if row["why"] != "removed":
            assert ran[row["key"]]["people"] == row["after"]
            assert (ran[row["key"]]["entered"], ran[row["key"]]["left"]) == (row["entered"], row["left"])
            assert ran[row["key"]]["changed"] == row["moved"]
    assert shop.verb("tag plan")["changes"] is False
    again = shop.verb("tag apply")
    assert (again["tags"], again["removed"], again["run"]) == ([], [], None)


def test_applying_one_tag_leaves_the_others_as_they_are(shop: World) -> None:
    (shop.folder / "tags" / "seen.yml").unlink()
    (shop.folder / "audiences" / "quiet.yml").unlink()
    shop.write("tags/other.yml", rule({"true": "orders >= 1"}, kind="flag"))
    before = values(shop)
    done = shop.verb("tag apply", keys=["other"])
    assert (done["tags"], done["removed"]) == (["other"], [])
    after = values(shop)
    assert after.pop("other")
    assert after == before
    left = shop.verb("tag plan")
    assert {key: row["why"] for key, row in by(left["tags"]).items()} == {"seen": "removed"}
    assert shop.verb("tag apply", keys=["seen"])["removed"] == ["seen"]
    assert "seen" not in values(shop)


def test_a_plan_that_no_longer_fits_is_refused(shop: World) -> None:
    shop.write("tags/tier.yml", EDITS["another threshold"]["tags/tier.yml"] or "")
    plan = shop.verb("tag plan")["plan"]
    with pytest.raises(ConflictError, match="other tags"):
        shop.verb("tag apply", keys=["orders"], plan=plan)
    with pytest.raises(ConflictError, match="is no plan"):
        shop.verb("tag apply", plan="yesterday")
    shop.write("tags/tier.yml", FILES["tags/tier.yml"].replace("20", "30"))
    with pytest.raises(ConflictError, match="definitions changed"):
        shop.verb("tag apply", plan=plan)
    shop.write("tags/tier.yml", EDITS["another threshold"]["tags/tier.yml"] or "")
    shop.verb("tag run", keys=["seen"])
    with pytest.raises(ConflictError, match="publication 1 then, 2 now"):
        shop.verb("tag apply", plan=plan)
    assert shop.verb("tag plan")["changes"] is True
    assert shop.verb("tag apply", plan=shop.verb("tag plan")["plan"])["tags"] == ["tier", "warm"]


def test_wrong_definitions_are_problems_and_stop_the_applying(shop: World) -> None:
    shop.write("tags/tier.yml", rule({"gold": "spend >= 50"}))
    shop.write("tags/many.yml", rule({"true": "orders >= 2"}, kind="flag"))
    plan = shop.verb("tag plan")
    assert [item["where"] for item in plan["problems"]] == ["tags/tier.yml:5:11"]
    assert set(by(plan["tags"])) == {"many"}
    assert plan["plan"] is None
    before = state(shop)
    with pytest.raises(DefinitionError, match="unknown tag or attribute 'spend'"):
        shop.verb("tag apply")
    assert state(shop)["tables"] == before["tables"]


def test_a_removed_tag_that_others_name_is_a_problem_of_those(shop: World) -> None:
    (shop.folder / "tags" / "spent.yml").unlink()
    (shop.folder / "tags" / "seen.yml").unlink()
    plan = shop.verb("tag plan")
    places = [re.sub(r":\d+:\d+$", "", item["where"]) for item in plan["problems"]]
    assert places == ["tags/tier.yml", "audiences/quiet.yml"]
    assert {key: row["why"] for key, row in by(plan["tags"]).items()} == {
        "seen": "removed",
        "spent": "removed",
    }
    assert plan["plan"] is None


def test_a_file_that_cannot_be_read_is_not_taken_for_removed(shop: World) -> None:
    shop.write("tags/spent.yml", "nature: [\n")
    plan = shop.verb("tag plan")
    assert [item["where"].split(":")[0] for item in plan["problems"]] == ["tags/spent.yml"]
    assert plan["tags"] == []


def test_a_first_plan_counts_from_nobody(world: World) -> None:
    for path, text in FILES.items():
        world.write(path, text)
    fill(world)
    plan = world.verb("tag plan")
    assert {row["why"] for row in plan["tags"]} == {"new"}
    assert all(row["before"] == row["left"] == 0 and row["entered"] == row["after"] for row in plan["tags"])
    assert all(row["before"] is None and row["entered"] is None for row in plan["audiences"])
    world.verb("tag apply", plan=plan["plan"])
    for row in plan["audiences"]:
        assert row["after"] == len(members(world, row["name"]))


CAMPAIGN = """\
title: Gold
audience: best
channel: email
template: gold.txt
subject: Hello
"""


def test_campaigns_and_templates_that_use_a_tag_are_named(shop: World) -> None:
    shop.write("campaigns/gold.yml", CAMPAIGN)
    shop.write("campaigns/plain.yml", CAMPAIGN.replace("best", "quiet").replace("gold.txt", "plain.txt"))
    shop.write("templates/gold.txt", "You spent {{ tag.spent }} {{ unsubscribe_url }}")
    shop.write("templates/plain.txt", "Hello {{ unsubscribe_url }}")
    changed(shop, EDITS["what two refer to"])
    plan = shop.verb("tag plan")
    assert plan["campaigns"] == [
        {
            "name": "gold", "titles": {"": "Gold"}, "status": "draft", "next_at": None, "audience": "best",
            "tags": ["spent", "tier"], "how": ["audience", "template"],
        }
    ]  # fmt: skip
    assert plan["templates"] == [{"name": "gold.txt", "tags": ["spent"]}]


JOURNEY = """\
title: Care
start: {enters: best}
steps:
  look: {branch: [{when: spent > 10, next: ask}]}
  ask: {task: Call}
"""


def test_journeys_that_use_a_tag_are_named_until_they_are_stopped(shop: World) -> None:
    shop.write("journeys/care.yml", JOURNEY)
    shop.write("journeys/other.yml", JOURNEY.replace("best", "quiet").replace("spent > 10", "orders > 10"))
    shop.verb("journey start", name="care")
    changed(shop, EDITS["what two refer to"])
    care = {
        "name": "care",
        "titles": {"": "Care"},
        "status": "running",
        "inside": 0,
        "tags": ["spent", "tier"],
    }
    assert shop.verb("tag plan")["journeys"] == [{**care, "how": ["audience", "condition"]}]
    shop.verb("journey stop", name="care")
    assert shop.verb("tag plan")["journeys"] == []


def test_a_plan_as_of_another_instant(shop: World) -> None:
    shop.write("tags/orders.yml", statistic('count("Order Paid" in last 20 days)'))
    plan = shop.verb("tag plan", as_of=(NOW + 30 * DAY).isoformat())
    row = by(plan["tags"])["orders"]
    assert (row["before"], row["entered"]) == (0, row["after"])  # expired by then
    assert plan["as_of"] == (NOW + 30 * DAY).isoformat()


def test_a_plan_as_of_the_last_run_is_the_difference_that_definitions_make(shop: World) -> None:
    shop.write("tags/tier.yml", EDITS["another threshold"]["tags/tier.yml"] or "")
    at_once = shop.verb("tag plan")
    shop.now += 20 * DAY  # everything has expired, and windows have moved on
    later = shop.verb("tag plan", as_of=NOW.isoformat())
    assert (later["tags"], later["audiences"]) == (at_once["tags"], at_once["audiences"])
    assert all(row["entered"] == row["left"] == row["moved"] == row["revalued"] == 0 for row in later["read"])


def test_expired_tags_are_nobody_s_before(shop: World) -> None:
    shop.now += 3 * DAY
    shop.write("tags/tier.yml", EDITS["another threshold"]["tags/tier.yml"] or "")
    assert all(row["before"] == 0 for row in shop.verb("tag plan")["tags"])


def test_only_people_who_exist_are_counted(shop: World) -> None:
    gold = by(shop.verb("tag list")["tags"])["tier"]["people"]
    columns = shop.workspace.columns
    assert columns is not None
    someone = next(ix for ix in range(columns.n) if columns["tier"].label_at(ix) is not None)
    with shop.workspace.engine.write() as tx:
        tx.execute("UPDATE persons SET erased = true WHERE ix = $ix", {"ix": someone})
    shop.write("tags/tier.yml", FILES["tags/tier.yml"].replace("then: gold", "then: best"))
    shop.write("audiences/best.yml", "expression: tier = 'best'\n")
    row = by(shop.verb("tag plan")["tags"])["tier"]
    assert (row["before"], row["after"], row["left"]) == (gold - 1, gold - 1, 0)


def test_a_plan_and_a_load_beside_each_other_both_end(shop: World) -> None:
    shop.write("tags/tier.yml", EDITS["another threshold"]["tags/tier.yml"] or "")
    plans: list[Json] = []

    def plan() -> None:
        plans.extend(shop.verb("tag plan") for _ in range(5))

    beside = threading.Thread(target=plan)
    beside.start()
    for seed in range(10, 15):
        fill(shop, people=5, seed=seed)
    shop.verb("tag run", keys=["seen"])
    beside.join()
    assert len(plans) == 5
    assert all(item["changes"] for item in plans)
