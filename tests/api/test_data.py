"""What arrives: sources and their first event, the stream, what was set aside and tried again, runs, the search."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from limner.types import Json
from tests.api.served import Served, serving


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "shop", toml='zone = "Asia/Shanghai"\n') as made:
        yield made


def batch(shop: Served, *calls: Json, key: str = "") -> None:
    answer = shop.client.post("/v1/batch", json={"batch": list(calls)}, auth=(key or shop.keys["write"], ""))
    answer.raise_for_status()


def track(user: str | None, event: str | None, **more: object) -> Json:
    found: Json = {"type": "track", **more}
    if user is not None:
        found["userId"] = user
    if event is not None:
        found["event"] = event
    return found


def test_a_sources_key_is_shown_once_and_its_first_event_is_seen(shop: Served) -> None:
    made = shop.post("/api/v1/sources", {"name": "My shop", "kind": "segment"})
    checked = shop.get("/api/v1/sources/My shop/check")
    assert (checked["received_first_event"], checked["first_event_at"], checked["received"]) == (
        False,
        None,
        0,
    )
    assert checked["key_tail"] == made["write_key"][-4:]
    assert made["write_key"] not in json.dumps(shop.get("/api/v1/sources"))
    shop.world.now += timedelta(minutes=1)
    batch(shop, track("ann", "Order Paid"), track("ann", None), track("bob", None), key=made["write_key"])
    checked = shop.get("/api/v1/sources/My shop/check")
    assert checked["received_first_event"]
    assert checked["first_event_at"] == "2026-06-01T00:01:00+00:00"
    assert (checked["received"], checked["stored"], checked["quarantined"]) == (3, 1, 2)
    assert [(item["code"], item["n"]) for item in checked["aside_lately"]] == [("missing_event_name", 2)]


def test_a_disabled_sources_key_works_no_more_and_its_events_stay(shop: Served) -> None:
    key = shop.post("/api/v1/sources", {"name": "old"})["write_key"]
    assert not shop.post("/api/v1/sources/old/disable")["enabled"]
    assert shop.client.post("/v1/track", json=track("a", "b"), auth=(key, "")).status_code == 401
    assert shop.post("/api/v1/sources/old/enable")["enabled"]
    assert shop.client.post("/v1/track", json=track("a", "b"), auth=(key, "")).status_code == 200
    rotated = shop.post("/api/v1/sources/old/rotate")["write_key"]
    assert rotated != key
    assert shop.get("/api/v1/sources/old/check")["key_tail"] == rotated[-4:]
    wrong = shop.send("POST", "/api/v1/sources/odl/disable")
    assert (wrong.status_code, wrong.json()["code"]) == (404, "not_found")


def test_the_stream_shows_what_came_since_the_last_look_newest_first(shop: Served) -> None:
    batch(shop, track("ann", "Visit", properties={"amount": 12.5}), track("bob", "Order Paid"))
    first = shop.get("/api/v1/events", role="operator")
    assert [row["event"] for row in first["events"]] == ["Order Paid", "Visit"]
    assert first["events"][1]["properties"] == {"amount": "12.5"}
    assert first["events"][1]["person"] == shop.world.verb("person show", id="ann")["person"]
    nothing = shop.get("/api/v1/events", role="operator", after=first["newest"])
    assert (nothing["events"], nothing["skipped"]) == ([], 0)
    batch(shop, *(track("ann", "Visit", messageId=f"m{n}") for n in range(5)))
    more = shop.get("/api/v1/events", role="operator", after=first["newest"], limit=2)
    assert (len(more["events"]), more["skipped"]) == (2, 3)
    assert not shop.get("/api/v1/events", role="operator", after=more["newest"])["events"]
    seen: list[str] = []
    cursor = ""
    while True:
        page = shop.get("/api/v1/events", role="operator", limit=3, cursor=cursor)
        seen += [row["id"] for row in page["events"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 7
    assert len(shop.get("/api/v1/events", role="operator", event="Order Paid")["events"]) == 1
    assert len(shop.get("/api/v1/events", role="operator", person="ann")["events"]) == 6
    assert not shop.get("/api/v1/events", role="operator", event="never")["events"]


def test_watching_the_stream_is_audited_once_not_at_each_look(shop: Served) -> None:
    batch(shop, track("ann", "Visit"))
    first = shop.get("/api/v1/events", role="operator")
    for _ in range(5):
        shop.get("/api/v1/events", role="operator", after=first["newest"])
    looked = [row for row in shop.get("/api/v1/audit")["audit"] if row["action"] == "event list"]
    assert len(looked) == 1


def test_what_was_set_aside_is_tried_again_with_an_exact_account(shop: Served) -> None:
    batch(
        shop,
        track("ann", None, messageId="m1"),
        track("bob", None, messageId="m2"),
        {"type": "track", "event": "Visit", "messageId": "m3"},
        track("cho", "Visit", messageId="m4"),
    )
    aside = shop.get("/api/v1/quarantine", role="operator")
    assert {item["code"]: item["n"] for item in aside["reasons"]} == {
        "missing_event_name": 2,
        "missing_identity": 1,
    }
    before = shop.get("/api/v1/counters")["sources"]["web"]
    assert (before["received"], before["stored"], before["quarantined"]) == (4, 1, 3)
    stayed = shop.post("/api/v1/quarantine/replay", {}, role="operator")
    assert stayed == {"tried": 3, "stored": 0, "duplicate": 0, "stayed": 3, "of_files": 0, "conflicts": 0}
    assert shop.get("/api/v1/counters")["sources"]["web"] == before
    mend(shop, "m1")
    chosen = [
        row["id"] for row in shop.get("/api/v1/quarantine", role="operator")["events"] if "m1" in row["raw"]
    ]
    took = shop.post("/api/v1/quarantine/replay", {"ids": chosen}, role="operator")
    assert (took["tried"], took["stored"], took["stayed"]) == (1, 1, 0)
    after = shop.get("/api/v1/counters")["sources"]["web"]
    assert after == {**before, "stored": 2, "quarantined": 2}
    assert len(shop.get("/api/v1/quarantine", role="operator")["events"]) == 2
    again = shop.post("/api/v1/quarantine/replay", {"ids": chosen}, role="operator")
    assert again["tried"] == 0


def mend(shop: Served, mark: str) -> None:
    """What a later version of the contract would take: the call has its name now."""
    with shop.world.workspace.engine.write() as tx:
        tx.execute(
            'UPDATE quarantine SET raw = replace(raw, \'"type"\', \'"event":"Visit","type"\')'
            " WHERE contains(raw, $mark)",
            {"mark": mark},
        )


def test_the_quarantine_is_read_page_by_page_and_by_reason(shop: Served) -> None:
    batch(shop, *(track("ann", None, messageId=f"m{n}") for n in range(5)))
    seen: list[str] = []
    cursor = ""
    while True:
        page = shop.get(
            "/api/v1/quarantine", role="operator", limit=2, cursor=cursor, code="missing_event_name"
        )
        seen += [row["id"] for row in page["events"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 5
    assert not shop.get("/api/v1/quarantine", role="operator", code="other")["events"]
    wrong = shop.send("POST", "/api/v1/quarantine/replay", {"ids": ["x"]}, role="operator")
    assert shop.get(f"/api/v1/jobs/{wrong.json()['job']}")["id"]


def test_names_runs_schedules_alerts_and_identity_answer_from_one_truth(shop: Served) -> None:
    shop.world.write("tags/visits.yml", VISITS)
    shop.identify("ann", email="ann@example.com")
    batch(
        shop,
        {"type": "track", "event": "Visit", "anonymousId": "d1", "userId": "ann"},
        track("undefined", "Visit"),
    )
    names = {row["name"]: row for row in shop.get("/api/v1/events/names")["names"]}
    assert (names["Visit"]["count"], names["Visit"]["by_source"]) == (2, {"web": 2})
    (schedule,) = shop.get("/api/v1/schedules")["schedules"]
    assert (schedule["what"], schedule["subject"], schedule["zone"]) == ("tag run", "visits", "Asia/Shanghai")
    assert schedule["next"][0] == "2026-06-01T19:00:00+00:00"
    shop.world.verb("tag run", keys=["visits"])
    assert shop.get("/api/v1/schedules")["schedules"][0]["last_status"] == "done"
    assert shop.get("/api/v1/runs")["runs"][0]["what"] == "tag run"
    shop.world.workspace.runs.alert("the roof is on fire", {"where": "attic"})
    assert [item["what"] for item in shop.get("/api/v1/alerts")["alerts"]] == ["the roof is on fire"]
    shown = shop.get("/api/v1/identity")
    assert {item["kind"]: item["n"] for item in shown["identifiers"]} == {"user": 1, "email": 1, "device": 1}
    assert (shown["people"], shown["named"]) == (1, 1)
    assert [item["value"] for item in shown["blocked"]] == ["user: undefined"]


VISITS = """\
title: {en: Visits, zh: 到访次数}
nature: fact
method: statistic
type: number
statistic: count(Visit)
refresh: 0 3 * * *
"""


def test_the_search_finds_people_by_whole_identifiers_and_the_rest_by_letters_of_any_language(
    shop: Served,
) -> None:
    shop.world.write("tags/visits.yml", VISITS)
    shop.identify("ann", email="Ann@Example.com", phone="138 0013 8000")
    ann = shop.world.verb("person show", id="ann")["person"]
    for q in ("ann", "ann@example.com", "13800138000"):
        assert {"kind": "person", "id": ann} in [
            {"kind": item["kind"], "id": item["id"]} for item in shop.get("/api/v1/search", q=q)["results"]
        ], q
    assert not shop.get("/api/v1/search", q="example.com")["results"]
    shop.world.write("tags/broken.yml", "nature: [")
    (tag,) = shop.get("/api/v1/search", q="到访", role="viewer")["results"]
    assert (tag["kind"], tag["id"], tag["titles"]["en"]) == ("tag", "visits", "Visits")
    assert shop.get("/api/v1/search", q="  ")["results"] == []


def test_the_first_hour_goes_from_an_empty_workspace_to_an_audience(shop: Served) -> None:
    shown = shop.get("/api/v1/start")
    assert shown["demo"] == {"possible": True, "made": False}
    assert not any(step["done"] for step in shown["steps"])
    assert shop.get("/api/v1/start/tags", goal="best", role="operator")["audience"] is None
    assert shop.post("/api/v1/start", {"goal": "win_back"}, role="operator")["goal"] == "win_back"
    for n in range(10):
        shop.identify(f"u{n}", city="杭州" if n % 2 else "上海")
        shop.track(
            f"u{n}", "Order Paid", at=(shop.world.now - timedelta(days=n * 20)).isoformat(), amount=n + 1
        )
    shop.world.now += timedelta(minutes=1)
    proposed = shop.get("/api/v1/start/tags", goal="win_back", role="operator")
    assert [(tag["key"], tag["exists"]) for tag in proposed["tags"]] == [
        ("orders_total", False),
        ("days_since_order", False),
        ("spent_total", False),
        ("rhythm", False),
        ("city", False),
    ]
    crowd = proposed["audience"]
    assert (crowd["expression"], crowd["people"]) == ("days_since_order >= 60", 7)
    saved = shop.post("/api/v1/start/tags", {"goal": "win_back"}, role="operator")
    assert saved["saved"] == [tag["key"] for tag in proposed["tags"]]
    made = shop.post("/api/v1/start/audience", {"goal": "win_back"}, role="operator")
    assert made["people"] == crowd["people"]
    text = (shop.world.folder / "tags" / "rhythm.yml").read_text(encoding="utf-8")
    assert text == next(tag["text"] for tag in proposed["tags"] if tag["key"] == "rhythm")
    assert [step["done"] for step in shop.get("/api/v1/start")["steps"]] == [True, True, True, True, False]
    shop.post("/api/v1/definitions/audiences/silent_customers/undo", role="operator")
    assert not (shop.world.folder / "audiences" / "silent_customers.yml").exists()
    full = shop.send("POST", "/api/v1/start/demo", {"shop": "tea"})
    job = full.json()["job"]
    while (ended := shop.get(f"/api/v1/jobs/{job}"))["status"] in ("waiting", "running"):
        pass
    assert (ended["status"], ended["error"]["code"]) == ("failed", "not_empty")


@pytest.mark.parametrize("goal", ["best", "greet"])
def test_every_goal_proposes_definitions_that_can_be_saved(shop: Served, goal: str) -> None:
    for n in range(10):
        shop.track(
            f"u{n}",
            '下单 "quoted"',
            at=(shop.world.now - timedelta(days=n * 9)).isoformat(),
            amount=(n + 1) * 100,
        )
    shop.world.now += timedelta(minutes=1)
    proposed = shop.get("/api/v1/start/tags", goal=goal, role="operator")
    shop.post("/api/v1/start/tags", {"goal": goal}, role="operator")
    made = shop.post("/api/v1/start/audience", {"goal": goal}, role="operator")
    assert made["people"] == proposed["audience"]["people"] > 0
    assert shop.world.verb("check")["problems"] == []
