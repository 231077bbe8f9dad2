"""Metrics are defined once: tags that name them and their numbers over a period agree."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from limner.errors import ConflictError, DefinitionError, ExpressionError, UsageError
from tests.builders import observed, rule, statistic
from tests.workspace.test_applying import collect
from tests.workspace.worlds import NOW, World

DAY = timedelta(days=1)
METRICS = {
    "metrics/revenue.yml": "title: {en: Revenue, zh: 销售额}\n"
    'measure: sum(amount of "Order Paid" where amount > 0)\nunit: CNY\nowner: finance\n',
    "metrics/orders.yml": 'measure: count("Order Paid" where amount > 0)\nunit: orders\n',
    "metrics/basket.yml": 'measure: sum(amount of "Order Paid") / count("Order Paid")\nunit: CNY\n',
}
TAGS = {
    "tags/spent_90d.yml": statistic("metric(revenue in last 90 days)", "money"),
    "tags/orders_90d.yml": statistic("metric(orders in last 90 days)"),
    "tags/basket_90d.yml": statistic("metric(basket in last 90 days)", "money"),
    "tags/city.yml": observed("city"),
    "tags/level.yml": rule({"high": "metric(revenue in last 90 days) >= 100"}, otherwise="low")
    + "metric: metric(revenue) of the high ones rises from 150 to 200\n",
}
ORDERS = [  # person, days ago, amount
    ("ann", 1, 100), ("ann", 10, 20.5), ("ann", 100, 999), ("bob", 5, 30), ("bob", 6, 0), ("cai", 89, 7), (None, 2, 50),
]  # fmt: skip
CITIES = {"ann": "Paris", "bob": "Paris", "cai": "Rome"}


@pytest.fixture
def shop(world: World) -> World:
    for path, text in {**METRICS, **TAGS}.items():
        world.write(path, text)
    calls: list[dict[str, Any]] = [
        {
            "type": "identify",
            "userId": user,
            "timestamp": (NOW - 200 * DAY).isoformat(),
            "traits": {"city": city},
        }
        for user, city in CITIES.items()
    ]
    for user, ago, amount in ORDERS:
        who = {"userId": user} if user else {"anonymousId": ""}
        calls.append(
            {
                "type": "track", "event": "Order Paid", "timestamp": (NOW - ago * DAY).isoformat(),
                "properties": {"amount": amount}, **who,
            }
        )  # fmt: skip
    collect(world, calls, world.verb("source add", name="shop"))
    world.verb("tag run")
    return world


def number(world: World, key: str, **more: Any) -> dict[str, Any]:
    start = (NOW - 90 * DAY).isoformat()
    return world.verb("metric show", key=key, start=start, end=NOW.isoformat(), **more)


def sum_of(world: World, key: str) -> float:
    return float(world.verb("tag show", key=key)["sum"])


@pytest.mark.proves("N8")
def test_a_metric_and_the_tag_that_names_it_agree(shop: World) -> None:
    """By hand: of the last 90 days ann paid 120.50 in 2 orders, bob 30 in 1 (the one of 0 does not count), cai 7."""
    assert sum_of(shop, "spent_90d") == 157.5
    revenue = number(shop, "revenue")
    assert (revenue["total"]["value"], revenue["total"]["people"], revenue["total"]["active"]) == (
        157.5,
        3,
        3,
    )
    assert number(shop, "orders")["total"]["value"] == sum_of(shop, "orders_90d") == 4


def test_a_ratio_is_the_sums_divided_and_no_mean_of_ratios(shop: World) -> None:
    found = number(shop, "basket")["total"]
    assert (found["parts"], found["value"]) == ([157.5, 5.0], 31.5)


@pytest.mark.proves("N1")
def test_a_metric_is_told_by_tags_and_its_rows_add_up(shop: World) -> None:
    found = number(shop, "revenue", by=["city", "level"])
    assert [(row["values"], row["value"], row["people"]) for row in found["rows"]] == [
        (["Paris", "high"], 120.5, 1), (["Paris", "low"], 30.0, 1), (["Rome", "low"], 7.0, 1),
    ]  # fmt: skip
    three = number(shop, "orders", by=["city", "level", "orders_90d"])
    assert sum(row["value"] for row in three["rows"]) == three["total"]["value"] == 4
    with pytest.raises(UsageError):
        number(shop, "orders", by=["city", "level", "orders_90d", "spent_90d"])


def test_another_measure_changes_the_tags_and_the_plan_says_through_which_metric(shop: World) -> None:
    assert shop.verb("tag plan")["changes"] == 0
    shop.write("metrics/revenue.yml", 'measure: sum(amount of "Order Paid" where amount >= 30)\n')
    plan = shop.verb("tag plan")
    assert {row["key"]: row["through"] for row in plan["tags"]} == {
        "spent_90d": ["metric:revenue"], "level": ["metric:revenue"],
    }  # fmt: skip
    assert {row["key"]: row["revalued"] for row in plan["tags"]} == {"spent_90d": 2, "level": 0}
    shop.verb("tag apply")
    assert sum_of(shop, "spent_90d") == 130 == number(shop, "revenue")["total"]["value"]


def test_carried_runs_and_the_past_give_the_metrics_number_too(shop: World) -> None:
    shop.now += 3 * DAY
    shop.verb("tag run")
    start, end = (shop.now - 90 * DAY).isoformat(), shop.now.isoformat()
    later = shop.verb("metric show", key="revenue", start=start, end=end)["total"]["value"]
    assert sum_of(shop, "spent_90d") == later == 150.5  # cai's order fell out
    past = shop.verb("tag run", as_of=(NOW - 20 * DAY).isoformat(), keys=["spent_90d"])
    assert past["as_of"].startswith("2026-05-12")


def test_a_metric_in_use_cannot_be_taken_away(shop: World) -> None:
    for key, users in {"revenue": ("level", "spent_90d"), "orders": ("orders_90d",)}.items():
        etag = shop.verb("definition show", kind="metrics", name=key)["etag"]
        with pytest.raises(ConflictError) as used:
            shop.verb("definition delete", kind="metrics", name=key, base=etag)
        assert all(f"tags/{user}.yml" in used.value.message for user in users)
    rows = {row["key"]: row for row in shop.verb("metric list")["metrics"]}
    assert (rows["revenue"]["tags"], rows["revenue"]["judges"]) == (["level", "spent_90d"], ["level"])


def test_a_tag_that_is_judged_by_an_unknown_metric_is_wrong(world: World) -> None:
    world.write("tags/a.yml", statistic("count(*)") + "metric: metric(revenu) rises\n")
    (problem,) = world.verb("check")["problems"]
    assert problem["where"].startswith("tags/a.yml:6:")
    assert "unknown metric 'revenu'" in problem["message"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("measure: avg(amount of visit)", "a metric is a count or a sum"),
        ("measure: count(visit in last 7 days)", "a metric has no window"),
        ("measure: count(visit) + count(search)", "a metric is a count or a sum"),
        ("measure: count(visit) > 3", "this is a condition"),
        ("unit: CNY", "a metric needs 'measure'"),
        ("measure: count(visit)\nzone: Mars", "is no time zone"),
        ("measure: count(visit)\nwindow: 3", "unknown key 'window'"),
    ],
)
def test_what_is_no_metric_is_refused(world: World, text: str, said: str) -> None:
    with pytest.raises((DefinitionError, UsageError), match=said):
        world.verb("definition save", kind="metrics", name="m", text=text + "\n")


def test_a_metric_of_another_zone_would_agree_with_no_tag(world: World) -> None:
    with pytest.raises(UsageError, match="would agree with no tag"):
        world.verb(
            "definition save", kind="metrics", name="m", text="measure: count(visit)\nzone: Asia/Shanghai\n"
        )


def test_lineage_leads_from_the_event_over_the_metric_to_the_tag(shop: World) -> None:
    found = shop.verb("tag lineage", focus="metric:orders")
    assert {(edge["from"], edge["to"]) for edge in found["edges"]} == {
        ("event:Order Paid", "metric:orders"), ("metric:orders", "tag:orders_90d"),
    }  # fmt: skip


def test_why_speaks_of_what_the_metric_measures(shop: World) -> None:
    shop.now += timedelta(minutes=1)
    person = shop.verb("person list", where="level = 'high'")["people"][0]["person"]
    assert "Order Paid" in str(shop.verb("person why", id=person, key="level")["because"])


def test_a_tag_that_says_once_more_what_a_metric_measures_is_found(shop: World) -> None:
    shop.write(
        "tags/twice.yml", statistic('sum(amount of "Order Paid" in last 7 days where amount > 0)', "money")
    )
    (finding,) = shop.verb("tag lint", code="spelled_out")["findings"]
    assert finding["tags"] == ["twice"]
    assert "metric(revenue …)" in finding["hint"]


def test_a_metric_stands_in_conditions_of_audiences_lists_and_counts(shop: World) -> None:
    """By hand: of the last 90 days ann paid 120.50, bob 30, cai 7."""
    condition = "metric(revenue in last 90 days) >= 30 and not metric(orders in last 90 days) >= 2"
    assert shop.verb("expression check", expression=condition)["text"] == condition
    assert shop.verb("audience count", expression=condition)["count"] == 1
    shop.verb("audience save", name="once", expression=condition)
    assert condition in (shop.folder / "audiences/once.yml").read_text(encoding="utf-8")
    assert shop.verb("check")["problems"] == []
    assert shop.verb("audience count", expression="in audience once and city = 'Paris'")["count"] == 1
    assert shop.verb("audience show", name="once")["count"] == 1
    with pytest.raises(ExpressionError, match="unknown metric 'order'"):
        shop.verb("audience count", expression="metric(order in last 7 days) > 1")
    shop.now += DAY / 24
    listed = shop.verb("person list", where=condition)
    assert (listed["total"], listed["where"]) == (1, condition)
    assert shop.verb("audience snapshot", name="once")["people"] == 1
    why = shop.verb("audience why", id="bob", name="once")
    assert why["member"] is True
    shop.write("metrics/revenue.yml", 'measure: sum(amount of "Order Paid" where amount > 30)\n')
    assert shop.verb("audience count", expression="in audience once")["count"] == 0, "bob paid exactly 30"
    base = shop.verb("definition show", kind="metrics", name="orders")["etag"]
    with pytest.raises(ConflictError):
        shop.verb("definition delete", kind="metrics", name="orders", base=base)
    (shop.folder / "metrics/orders.yml").unlink()
    places = {row["where"] for row in shop.verb("check")["problems"]}
    assert any(place.startswith("audiences/once.yml") for place in places)
