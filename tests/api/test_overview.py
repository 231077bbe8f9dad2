"""How the workspace does at one glance, and its settings: exact, in the workspace's zone, without secrets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from limner.config import SECTIONS
from limner.types import Json
from tests.api.served import Served, serving

NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)
TOML = 'zone = "Asia/Shanghai"\nalert_webhook = "https://hooks.example/secret-path?token=abc"\n'
TIER = """\
title: {en: Value tier, zh: 价值层级}
nature: model
method: rule
type: text
cases:
  - when: count("Order Paid") >= 2
    then: high
  - when: did "Order Paid"
    then: low
validity: 2 days
"""


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("overview") / "shop", toml=TOML, now=NOW) as served:
        yield served


def looked(site: Served, *, role: str = "admin") -> Json:
    """The overview once everything that was sent is loaded, and what is kept of it for a while is old."""
    site.world.workspace.load()
    site.world.now += timedelta(minutes=6)
    return site.get("/api/v1/overview", role=role)


def kinds(found: Json) -> list[str]:
    return [need["kind"] for need in found["needs"]]


def test_a_fresh_workspace_has_not_started_and_needs_nothing(site: Served) -> None:
    found = looked(site)
    assert (found["started"], found["needs"]) == (False, [])
    assert (found["people"]["total"], found["tags"]["total"], found["messages"]["sent"]) == (0, 0, 0)
    assert found["data"]["quarantined_share"] is None
    assert found["zone"] == "Asia/Shanghai"


def test_events_are_counted_by_the_workspaces_days(site: Served) -> None:
    for hours in (1, 13, 37):  # noon in Shanghai: today, today's first hour less one, the day before that
        site.track(f"u{hours}", "Seen", at=(NOW - timedelta(hours=hours)).isoformat())
    found = looked(site)
    data = found["data"]
    assert (data["days"][-3:], data["days_from"]) == ([1, 1, 1], "2026-05-03")
    assert sum(data["hours"]) == data["received_24h"] == data["events"] == 3
    (source,) = [one for one in data["sources"] if one["events"]]
    assert (source["name"], source["days"]) == ("web", data["days"])


def test_people_are_counted_by_conditions_that_lead_to_them(site: Served) -> None:
    site.track("old", "Seen", at=(NOW - timedelta(days=40)).isoformat())
    site.track("back", "Seen", at=(NOW - timedelta(days=20)).isoformat())
    site.track("new", "Seen", at=(NOW - timedelta(days=2)).isoformat())
    people = looked(site)["people"]
    assert (people["total"], people["active"]["people"], people["new"]["people"]) == (3, 2, 1)
    for one in (people["active"], people["new"]):
        answer = site.post("/api/v1/audiences/count", {"expression": one["where"]})
        assert answer["count"] == one["people"]


def test_a_tag_that_tells_worth_divides_people_in_the_order_of_its_definition(site: Served) -> None:
    for user, orders in (("a", 2), ("b", 1), ("c", 0)):
        site.identify(user, city="x")
        for _ in range(orders):
            site.track(user, "Order Paid", amount=1)
    site.world.write("tags/value_tier.yml", TIER)
    assert kinds(looked(site)) == ["new_tags"]
    site.world.verb("tag run")
    found = looked(site)
    (tier,) = found["people"]["classes"]
    assert [(item["value"], item["people"], item["where"]) for item in tier["values"]] == [
        ("high", 1, "value_tier = 'high'"),
        ("low", 1, "value_tier = 'low'"),
        (None, 1, "not known(value_tier)"),
    ]
    assert (found["tags"]["fresh"], found["tags"]["last_run"]["status"]) == (1, "done")
    site.world.now += timedelta(days=3)
    assert kinds(looked(site)) == ["expired_tags"]


def test_what_is_wrong_is_named_the_worst_first(site: Served) -> None:
    site.world.write("tags/broken.yml", "title: Broken\n")
    site.world.write("tags/value_tier.yml", TIER)
    site.client.post(
        "/v1/batch", json={"batch": [{"type": "track", "event": "Nobody"}]}, auth=(site.keys["write"], "")
    ).raise_for_status()
    found = looked(site)
    assert kinds(found) == ["problems", "quarantine", "new_tags"]
    assert found["needs"][0]["subjects"][0].startswith("tags/broken.yml")
    assert found["data"]["quarantined_24h"] == 1


def test_an_approval_is_asked_of_others_than_who_asked(site: Served) -> None:
    def ask(by: str) -> None:
        with site.world.workspace.records.begin() as connection:
            connection.exec_driver_sql(
                "INSERT INTO approvals (id, subject, digest, asked_by, asked_at, detail)"
                f" VALUES ('{by}', 'campaign spring once', 'd', '{by}', 1, '{{}}')"
            )

    ask("somebody")
    assert kinds(looked(site, role="operator")) == ["approvals"]
    assert kinds(looked(site, role="viewer")) == []


def test_settings_name_every_key_and_tell_no_secret(site: Served) -> None:
    found = site.get("/api/v1/settings", role="operator")
    keys = {setting["key"]: setting for section in found["sections"] for setting in section["settings"]}
    assert keys["zone"]["value"] == "Asia/Shanghai"
    assert (keys["zone"]["set"], keys["currency"]["set"]) == (True, False)
    assert keys["alert_webhook"]["value"] == "https://hooks.example/…"
    assert [section["name"] for section in found["sections"]] == ["", *SECTIONS]
    assert site.send("GET", "/api/v1/settings", role="viewer").status_code == 403
