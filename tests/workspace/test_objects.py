"""Products, stores and companies have tags, and tags of people ask for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from limner.errors import ConflictError, DefinitionError, ExpressionError, LimnerError
from tests.builders import rule, statistic
from tests.workspace.test_applying import collect
from tests.workspace.worlds import NOW, World

DAY = timedelta(days=1)
PRODUCT = """title: {en: Product, zh: 商品}
property: sku
tags:
  seasonal:
    when: season in ('winter', 'spring') and price >= 20
  hero: {given: [A]}
  plain: {when: not seasonal and not hero}
"""
ROWS = """id,name,season,price,organic
A,Tea,winter,30,true
B,Pot,,12.5,false
C,Mug,spring,20,
D,Tin,spring,19.99,true
"""
TAGS = {
    "tags/seasonal_buyer.yml": rule(
        {"true": 'did "Order Paid" at least 1 time in last 90 days where product.seasonal'}, kind="flag"
    ),
    "tags/seasonal_orders.yml": statistic('count("Order Paid" in last 90 days where product.seasonal)'),
    "tags/organic_orders.yml": statistic(
        'count("Order Paid" where (product.organic = true and quantity = 1))'
    ),
    "tags/cheap_orders.yml": statistic('count("Order Paid" where product.price < 20)'),
    "tags/unknown_season.yml": statistic('count("Order Paid" where not known(product.season))'),
    "tags/no_gold.yml": statistic("count(\"Order Paid\" where product.season = 'gold')"),
}
ORDERS = [  # person, days ago, sku
    ("ann", 5, "A"), ("ann", 6, "B"), ("ann", 100, "C"), ("bob", 3, "D"), ("bob", 4, "Z"),
    ("cai", 2, "C"), ("cai", 1, None),
]  # fmt: skip


def track(user: str, ago: float, sku: str | None, now: Any = NOW) -> dict[str, Any]:
    properties: dict[str, Any] = {"quantity": 1, **({"sku": sku} if sku else {})}
    at = (now - ago * DAY).isoformat()
    return {"type": "track", "event": "Order Paid", "userId": user, "timestamp": at, "properties": properties}


@pytest.fixture
def shop(world: World) -> World:
    world.write("objects/product.yml", PRODUCT)
    world.write("objects/product.csv", ROWS)
    for path, text in TAGS.items():
        world.write(path, text)
    collect(world, [track(*order) for order in ORDERS], world.verb("source add", name="shop"))
    world.verb("tag run")
    return world


def values(world: World, key: str) -> dict[str, Any]:
    """The tag's value of each user who has one, whatever else they are called."""
    rows = world.workspace.engine.read(
        f"SELECT i.value AS user, t.value FROM tag_{key} AS t JOIN identifiers AS i ON i.ix = t.ix"
        " WHERE i.kind = 'user'"
    ).to_pylist()
    return {row["user"]: row["value"] for row in rows}


@pytest.mark.proves("T12")
def test_people_are_tagged_by_the_tags_and_columns_of_what_they_bought(shop: World) -> None:
    """By hand: seasonal are A and C (D costs 19.99); Z is in no file; one order names no product."""
    assert values(shop, "seasonal_buyer") == {"ann": True, "cai": True}
    assert values(shop, "seasonal_orders") == {"ann": 1, "bob": 0, "cai": 1}
    assert values(shop, "organic_orders") == {"ann": 1, "bob": 1, "cai": 0}
    assert values(shop, "cheap_orders") == {"ann": 1, "bob": 1, "cai": 0}
    assert values(shop, "unknown_season") == {"ann": 1, "bob": 1, "cai": 1}
    assert values(shop, "no_gold") == {"ann": 0, "bob": 0, "cai": 0}


def test_a_changed_object_computes_the_tags_that_ask_for_it_anew(shop: World) -> None:
    assert shop.verb("tag plan")["changes"] == 0
    told = shop.verb(
        "object load", kind="product", rows=ROWS.replace("19.99", "29.99").replace("A,Tea,winter", "A,Tea,")
    )
    assert (told["objects"], told["added"], told["tags"]["seasonal"]) == (4, 0, 2)
    plan = {row["key"]: row for row in shop.verb("tag plan")["tags"]}
    assert plan["seasonal_buyer"]["through"] == ["object:product.seasonal"]
    assert (plan["seasonal_buyer"]["entered"], plan["seasonal_buyer"]["left"]) == (1, 1)
    assert "organic_orders" not in plan
    shop.verb("tag run")
    assert values(shop, "seasonal_buyer") == {"bob": True, "cai": True}
    assert values(shop, "seasonal_orders") == {"ann": 0, "bob": 1, "cai": 1}


def test_carried_on_and_computed_anew_they_are_the_same(shop: World) -> None:
    shop.now += 3 * DAY
    collect(shop, [track("bob", 1, "A", shop.now), track("ann", 1, "D", shop.now)], {"name": "more"})
    shop.now += DAY
    carried = shop.verb("tag run")
    assert carried["carried"] is not None
    before = {key[5:-4]: values(shop, key[5:-4]) for key in TAGS}
    assert before["seasonal_orders"] == {"ann": 1, "bob": 1, "cai": 1}
    shop.verb("tag run", full=True)
    assert {key: values(shop, key) for key in before} == before


def test_steps_wait_for_the_run_after_objects_changed(shop: World) -> None:
    from limner.workspace.realtime import Realtime

    steps = Realtime(shop.workspace)
    collect(shop, [track("bob", 0.5, "A")], {"name": "more"})
    shop.now += timedelta(minutes=2)
    steps.once()
    assert values(shop, "seasonal_orders") == {"ann": 1, "bob": 1, "cai": 1}
    shop.verb("object load", kind="product", rows=ROWS.replace("winter", "autumn"))
    collect(shop, [track("bob", 0.4, "C")], {"name": "still more"})
    shop.now += timedelta(minutes=2)
    steps.once()
    held = values(shop, "seasonal_orders")
    assert held == {"ann": 1, "bob": 1, "cai": 1}
    shop.verb("tag run")
    assert values(shop, "seasonal_orders") == {"ann": 0, "bob": 1, "cai": 1}


def test_objects_are_listed_shown_and_asked_who_uses_them(shop: World) -> None:
    (kind,) = shop.verb("object list")["kinds"]
    assert (kind["kind"], kind["property"], kind["objects"]) == ("product", "sku", 4)
    assert {tag["key"]: (tag["objects"], tag["used_by"]) for tag in kind["tags"]} == {
        "seasonal": (2, ["seasonal_buyer", "seasonal_orders"]), "hero": (1, []), "plain": (2, []),
    }  # fmt: skip
    found = shop.verb("object show", kind="product", tag="seasonal", q="tea")
    (row,) = found["objects"]
    assert (row["id"], row["tags"], row["values"]["price"]) == ("A", ["seasonal", "hero"], 30)
    assert shop.verb("object show", kind="product", tag="plain")["total"] == 2


def test_what_tags_ask_for_cannot_be_taken_away(shop: World) -> None:
    etag = shop.verb("definition show", kind="objects", name="product")["etag"]
    with pytest.raises(ConflictError, match=r"tags/seasonal_buyer\.yml"):
        shop.verb("definition delete", kind="objects", name="product", base=etag)


def test_lineage_names_the_objects(shop: World) -> None:
    found = shop.verb("tag lineage", focus="object:product.organic")
    assert {(edge["from"], edge["to"]) for edge in found["edges"]} == {
        ("object:product.organic", "tag:organic_orders")
    }


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("product.seasonl", "a product has no 'seasonl'"),
        ("prodct.seasonal", "prodct"),
        ("product.price = 'dear'", "is a number"),
        ("product.season", "a text is no condition"),
        ("product.season = sku", "is compared with a literal"),
    ],
)
def test_what_objects_do_not_have_is_refused_at_its_place(shop: World, condition: str, said: str) -> None:
    shop.write("tags/wrong.yml", rule({"true": f'did "Order Paid" where {condition}'}, kind="flag"))
    (problem,) = shop.verb("check")["problems"]
    assert problem["where"].startswith("tags/wrong.yml:5:")
    assert said in problem["message"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("name\nTea\n", "no column 'id'"),
        ("id,name\nA,Tea\nA,Pot\n", "an id of its own"),
        ("id,hero\nA,1\n", "both a column and a tag"),
        ("id,name\nA,Tea,more\n", "no CSV"),
        ("id,name\nA,Tea\n", "a product has no 'season'"),
    ],
)
def test_wrong_rows_change_nothing(shop: World, rows: str, said: str) -> None:
    with pytest.raises(LimnerError, match=said):
        shop.verb("object load", kind="product", rows=rows)
    assert shop.verb("object show", kind="product")["total"] == 4


def test_outside_where_and_in_audiences_it_is_refused(shop: World) -> None:
    with pytest.raises(ExpressionError, match="asked of an event"):
        shop.verb("audience count", expression="product.seasonal")
    with pytest.raises((ExpressionError, DefinitionError), match="definitions of tags alone"):
        shop.verb("audience count", expression='did "Order Paid" where product.seasonal')


def test_before_any_rows_are_loaded_nobody_is_meant(world: World) -> None:
    world.write("objects/product.yml", PRODUCT)
    world.write("tags/seasonal_buyer.yml", TAGS["tags/seasonal_buyer.yml"])
    world.write("tags/cheap_orders.yml", TAGS["tags/cheap_orders.yml"])
    assert world.verb("check")["problems"] == []
    collect(world, [track("ann", 1, "A")], world.verb("source add", name="shop"))
    world.verb("tag run")
    assert (values(world, "seasonal_buyer"), values(world, "cheap_orders")) == ({}, {"ann": 0})


def test_why_calls_objects_by_their_titles(shop: World) -> None:
    shop.verb("tag run")
    why = shop.verb("person why", id="user:bob", key="seasonal_buyer")
    assert why["near"]["missing"]["text"]["en"].startswith(
        "1 more “Order Paid” (sku in ('Tea', 'Mug')): 0 of 1"
    )
    assert "where sku in ('Tea', 'Mug')" in why["rule"]["cases"][0]["when"]
    example = why["near"]["plan"]["events"][0]["properties"]
    assert example["sku"] in ("A", "C"), "a plan names what an event would hold: the id"
