"""A person's portrait says what is known, from where, until when, and hides what is personal."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from limner.engine.duckdb import DuckDB
from limner.portraits.person import Which, event_counts, events_of, latest_events, portrait
from limner.tags.graph import build
from limner.tags.model import Tag
from limner.tags.run import RunReport, run
from tests.builders import AS_OF, DAY, Names, attributes, engine, events, observed, rule, statistic, tags

TEXTS = {
    "orders": statistic('count("Order Paid")') + "category: buying/rhythm\ntitle: {en: Orders, zh: 订单数}\n",
    "spend": statistic('sum(amount of "Order Paid")', "money")
    + "category: buying\nsource: web shop\nowner: CRM\n",
    "email": observed("email"),
    "last_order": statistic('last_time("Order Paid")', "instant"),
    "tier": rule({"gold": "spend >= 90"}, "bronze", validity="10 days"),
}


@pytest.fixture
def made(tmp_path: Path) -> tuple[DuckDB, dict[str, Tag], RunReport]:
    shop = engine(people=2)
    events(
        shop,
        [
            (0, "Order Paid", AS_OF - 40 * DAY, {"amount": 80, "category": "茶", "coupon": {"code": "X1"}}),
            (0, "Order Paid", AS_OF - 4 * DAY, {"amount": 19.99, "email": "wei@example.com"}),
            (1, "$page", AS_OF - 4 * DAY),
        ],
    )
    attributes(
        shop,
        [
            (0, "email", "wei@example.com", AS_OF - 9 * DAY),
            (0, "city", "北京", AS_OF - 30 * DAY),
            (0, "city", "上海", AS_OF - 9 * DAY),
            (0, "channel", "qr", AS_OF - 30 * DAY, "once"),
            (0, "channel", "ad", AS_OF - 9 * DAY, "once"),
            (0, "gone", 1, AS_OF - 30 * DAY),
            (0, "gone", None, AS_OF - 9 * DAY, "unset"),
            (0, "tomorrow", 1, AS_OF + DAY),
        ],
    )
    found = tags(TEXTS)
    report = run(shop, found, catalog=Names(shop, found), as_of=AS_OF, run_id="r1", columns_dir=tmp_path)
    return shop, found, report


def shown(made: tuple[DuckDB, dict[str, Tag], RunReport], **more: Any) -> dict[str, Any]:
    shop, found, report = made
    given = {"tags": found, "columns": report.columns, "now": AS_OF, "personal": ("email",), **more}
    return portrait(shop, 0, **given)


def flat(answer: dict[str, Any]) -> dict[str, Any]:
    return {tag["key"]: tag for group in answer["tags"] for tag in group["tags"]}


@pytest.mark.proves("R1", partly="speed at 10,000 people is not shown")
@pytest.mark.proves("R2", partly="orders are events of the timeline, not a list of their own")
@pytest.mark.proves("R1", "R2", "T1")
def test_tags_come_by_category_with_value_source_and_expiry(made: Any) -> None:
    answer = shown(made, language="zh", coverage={"orders": 0.5})
    assert [group["category"] for group in answer["tags"]] == ["buying", "buying/rhythm", "unsorted"]
    assert flat(answer)["orders"] == {
        "key": "orders",
        "title": "订单数",
        "titles": {"en": "Orders", "zh": "订单数"},
        "value": 2,
        "weight": None,
        "labels": [],
        "formula": None,
        "coverage": 0.5,
        "type": "number",
        "nature": "fact",
        "method": "statistic",
        "source": 'count("Order Paid")',
        "definition": 'count("Order Paid")',
        "owner": "",
        "as_of": "2025-06-01T00:00:00Z",
        "expires_at": "2025-06-03T00:00:00Z",
    }
    assert flat(answer)["spend"]["value"] == "99.99"
    assert flat(answer)["spend"]["source"] == "web shop"
    assert flat(answer)["last_order"]["value"] == "2025-05-28T00:00:00Z"
    assert flat(answer)["tier"]["nature"] == "model"
    assert flat(answer)["email"]["expires_at"] is None


@pytest.mark.proves("T5")
def test_expired_tags_leave_the_portrait_by_time_alone(made: Any) -> None:
    assert set(flat(shown(made, now=AS_OF + timedelta(days=2)))) == {"email", "tier"}


@pytest.mark.proves("C6", partly="declared wins in portraits; expressions take the latest value")
@pytest.mark.proves("C2", "C6")
def test_attributes_say_when_from_where_and_how_they_were_learned(made: Any) -> None:
    found = {item["name"]: item for item in shown(made, sources={2: "crm"})["attributes"]}
    assert {name: item["value"] for name, item in found.items()} == {
        "channel": "qr",
        "city": "上海",
        "email": "wei@example.com",
    }
    assert found["city"] == {
        "name": "city",
        "value": "上海",
        "kind": "declared",
        "at": (AS_OF - 9 * DAY).isoformat(),
        "source": "crm",
    }


def test_the_timeline_is_newest_first_and_holds_every_property(made: Any) -> None:
    shop, all_of_it = made[0], Which(until=AS_OF)
    timeline = events_of(shop, 0, all_of_it)
    assert [item["at"] for item in timeline] == [
        (AS_OF - 4 * DAY).isoformat(),
        (AS_OF - 40 * DAY).isoformat(),
    ]
    assert timeline[1]["properties"] == {"amount": 80, "category": "茶", "coupon": {"code": "X1"}}
    assert events_of(shop, 0, all_of_it, limit=1) == timeline[:1]
    assert events_of(shop, 0, all_of_it, after=timeline[0]["place"]) == timeline[1:]
    assert events_of(shop, 0, Which(until=AS_OF, since=AS_OF - 4 * DAY)) == timeline[:1]
    assert events_of(shop, 0, Which(until=AS_OF - 4 * DAY)) == timeline[1:], "until is exclusive"
    assert events_of(shop, 0, Which(until=AS_OF, names=("$page",))) == []
    assert events_of(shop, 0, Which(until=AS_OF, source_i=9)) == []
    assert event_counts(shop, 0, Which(until=AS_OF, names=("$page",))) == [
        {"event": "Order Paid", "events": 2}
    ]


@pytest.mark.proves("R3", partly="nobody measured how fast a stranger answers eight questions")
@pytest.mark.proves("R3")
def test_what_is_personal_is_masked_wherever_it_stands(made: Any) -> None:
    identities = [{"kind": "email", "value": "wei@example.com"}, {"kind": "user", "value": "u0"}]
    answer = shown(made, mask=True, identities=identities)
    assert "wei@" not in str(answer)
    assert answer["identities"][0]["value"] == "w***@example.com"
    assert answer["identities"][1]["value"] == "u0"
    assert flat(answer)["email"]["value"] == "w***@example.com"
    assert "wei@" in str(shown(made))


@pytest.mark.proves("R4")
def test_a_portrait_of_the_past_shows_what_was_so_then(made: Any) -> None:
    shop, found, _ = made
    answer = shown(made, now=AS_OF - 20 * DAY, graph=build(found), catalog=Names(shop, found))
    assert {key: tag["value"] for key, tag in flat(answer).items()} == {
        "orders": 1,
        "spend": "80",
        "last_order": "2025-04-22T00:00:00Z",
        "tier": "bronze",
    }
    assert {item["name"]: item["value"] for item in answer["attributes"]} == {
        "channel": "qr",
        "city": "北京",
        "gone": 1,
    }
    assert len(events_of(shop, 0, Which(until=AS_OF - 20 * DAY))) == 1


def test_a_portrait_without_any_publication_has_no_tags(made: Any) -> None:
    assert shown(made, columns=None)["tags"] == []


def test_latest_events_of_all_can_be_of_one_name(made: Any) -> None:
    shop = made[0]
    assert [item["event"] for item in latest_events(shop, event="$page")] == ["$page"]
    assert len(latest_events(shop)) == 3
    assert latest_events(shop, limit=0) == []
