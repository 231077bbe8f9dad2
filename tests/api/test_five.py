"""A tag is five things: key, typed value, person, validity and source. Whoever tells one tells the same five."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from limner.errors import UsageError
from limner.types import MONEY_SCALE, ValueType, utc
from limner.workspace import definitions
from tests.api.served import Served, serving
from tests.builders import observed, rule, statistic
from tests.workspace.test_applying import collect

PAIRS, PEOPLE, DAY = 1_000, 100, timedelta(days=1)
Five = tuple[str, str, Any, str, str | None, str | None, str]
"""(key, type, value as JSON, person, since, until, source)."""

TAGS = {
    "orders": statistic('count("Order Paid" in last 30 days)'),
    "spent": statistic('sum(amount of "Order Paid")', "money") + "source: web shop\n",
    "mean_stars": statistic('avg(stars of "Order Paid")'),
    "favourite": statistic('most_frequent(category of "Order Paid")', "text"),
    "last_order": statistic('last_time("Order Paid")', "instant"),
    "likes": statistic('interest(category of "Order Paid" * 8 half life 14 days)', "text"),
    "city": observed("city") + "source: crm\n",
    "tier": rule({"gold": "spent >= 90", "silver": "spent >= 40"}, otherwise="bronze", validity="10 days"),
    "often": rule({"true": "orders >= 2"}, kind="flag"),
    "owner_of": "nature: model\nmethod: manual\ntype: text\nvalues: [mei, otto]\n",
    "till_points": "nature: fact\nmethod: imported\ntype: number\nsource: till\n",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """100 people with events, attributes and values that were given, some of them over computed ones."""
    with serving(tmp_path_factory.mktemp("five") / "shop", now=datetime(2026, 6, 1, 4, tzinfo=UTC)) as made:
        world, draw = made.world, random.Random(5)
        for key, text in TAGS.items():
            world.write(f"tags/{key}.yml", text)
        calls: list[dict[str, Any]] = []
        for n in range(PEOPLE):
            who = {"userId": f"u{n}", "timestamp": (world.now - 90 * DAY).isoformat()}
            calls.append({"type": "identify", **who, "traits": {"city": draw.choice(["上海", "Köln", "-1"])}})
            for _ in range(draw.randrange(5)):
                at = world.now - timedelta(minutes=draw.randrange(1, 60 * 24 * 60))
                bought = {
                    "amount": draw.choice([0, 12.5, 19.99, 80]),
                    "stars": draw.choice([0.1, 3, 7.25]),
                    "category": draw.choice(["茶", "=cups", "pots"]),
                }
                calls.append(
                    {
                        "type": "track",
                        "event": "Order Paid",
                        **who,
                        "timestamp": at.isoformat(),
                        "properties": bought,
                    }
                )
        collect(world, calls, {"name": "orders"})
        world.verb("tag run")
        world.verb("tag give", key="owner_of", value="mei", people=[f"u{n}" for n in range(0, PEOPLE, 3)])
        world.verb(
            "tag give", key="tier", value="gold", people=[f"u{n}" for n in range(0, PEOPLE, 7)],
            until=(world.now + 3 * DAY).isoformat(),
        )  # fmt: skip
        lines = "".join(f"u{n},{draw.choice([5, 7.5])}\n" for n in range(0, PEOPLE, 2))
        world.verb(
            "tag import", key="till_points", file=str(world.write("points.csv", f"person,value\n{lines}"))
        )
        world.now += timedelta(minutes=1)
        world.verb("tag run")
        yield made


def told(value: Any, kind: str) -> Any:
    """A value of the engine as JSON: whole numbers whole, money as a decimal text, instants with Z."""
    if kind == ValueType.MONEY:
        return format((Decimal(value) / MONEY_SCALE).normalize(), "f")
    if kind == ValueType.INSTANT:
        return utc(value).isoformat().replace("+00:00", "Z")
    if kind == ValueType.NUMBER:
        return int(value) if float(value).is_integer() else float(value)
    return value


def by_engine(shop: Served, people: dict[str, int]) -> set[Five]:
    """Read from the engine's own tables."""
    engine = shop.world.workspace.engine
    person = {ix: outward for outward, ix in people.items()}
    states = {row["tag"]: row for row in engine.read("SELECT * FROM tag_state").to_pylist()}
    given: dict[tuple[int, str], dict[str, Any]] = {}
    for row in engine.read("SELECT * FROM given ORDER BY origin, ts, load_i").to_pylist():
        given[row["ix"], row["tag"]] = row  # by hand comes after imported, and stands before it
    found: set[Five] = set()
    for key, tag in definitions.tags(shop.world.workspace).items():
        for row in engine.read(f'SELECT ix, value FROM "tag_{key}"').to_pylist():
            own, state = given.get((row["ix"], key)), states[key]
            since = state["as_of"] if own is None else own["given_at"]
            until = (own or {}).get("expires_at") or state["expires_at"]
            value = told(row["value"], state["type"])
            ends = [None if at is None else told(at, "instant") for at in (since, until)]
            source = tag.source or tag.described
            found.add((key, state["type"], value, person[row["ix"]], ends[0], ends[1], source))
    return found


def by_file(shop: Served, tmp_path: Path) -> set[Five]:
    """Read from an exported file."""
    to = tmp_path / "values.parquet"
    answer = shop.world.verb("audience export", name="orders >= 0", to=str(to), rows=True)
    rows = pq.read_table(to).to_pylist()
    assert (answer["people"], answer["rows"]) == (PEOPLE, len(rows))
    plain = {"number": json.loads, "flag": json.loads}
    return {
        (
            row["tag"], row["type"], plain.get(row["type"], str)(row["value"]), row["person_id"], row["as_of"],
            row["expires_at"], row["source"],
        )
        for row in rows
    }  # fmt: skip


def by_api(shop: Served, people: set[str]) -> set[Five]:
    """Read over HTTP from the route of a person's portrait, which is the one that the browser shows."""
    found: set[Five] = set()
    for person in people:
        for group in shop.get(f"/api/v1/people/{person}")["tags"]:
            for tag in group["tags"]:
                since, until = (
                    None if tag[name] is None else tag[name].replace("+00:00", "Z")
                    for name in ("as_of", "expires_at")
                )
                found.add((tag["key"], tag["type"], tag["value"], person, since, until, tag["source"]))
    return found


@pytest.mark.proves("T1")
def test_engine_file_and_the_pages_route_tell_the_same_five_of_a_thousand_pairs(
    shop: Served, tmp_path: Path
) -> None:
    read = shop.world.workspace.engine.read("SELECT person_id, ix FROM persons ORDER BY ix").to_pylist()
    people = {row["person_id"]: row["ix"] for row in read}
    everything = [(person, key) for person in people for key in TAGS]
    pairs = set(random.Random(11).sample(everything, PAIRS))

    def drawn(fives: set[Five]) -> set[Five]:
        return {five for five in fives if (five[3], five[0]) in pairs}

    engine = drawn(by_engine(shop, people))
    assert drawn(by_file(shop, tmp_path)) == engine
    assert drawn(by_api(shop, {person for person, _ in pairs})) == engine
    assert {five[0] for five in engine} == set(TAGS), "every tag is among them"
    assert 500 < len(engine) < PAIRS, "and so are people without a value"
    assert len({five[4] for five in engine}) == 2, "and values that were given at another time"
    shown = (Path(__file__).parents[2] / "web/src/features/people/Portrait.tsx").read_text(encoding="utf-8")
    assert 'useAnswer("/api/v1/people/{id}"' in shown


def test_rows_in_a_csv_run_no_formula_and_attributes_have_none(shop: Served, tmp_path: Path) -> None:
    to = tmp_path / "values.csv"
    shop.world.verb(
        "audience export", name="orders >= 0", to=str(to), columns=["city", "favourite"], rows=True
    )
    lines = to.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "person_id,user_id,tag,type,value,as_of,expires_at,source"
    assert any(",'-1," in line for line in lines)
    assert not any(",=cups," in line for line in lines)
    with pytest.raises(UsageError, match="an attribute has none"):
        shop.world.verb("audience export", name="orders >= 0", to=str(to), columns=["person.city"], rows=True)
