"""People over the API: found, shown masked by role, told page by page, explained, erased."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from limner.channels.kinds import KINDS
from limner.errors import NotFoundError
from limner.types import Json
from tests.api.served import Served, serving

SPENT = (
    "title: {en: Spent in 90 days, zh: 近90天消费}\nnature: fact\nmethod: statistic\ntype: money\n"
    "statistic: sum(amount of \"Order Paid\" in last 90 days where category = 'tea')\nvalidity: 2 days\n"
    "category: buying\n"
)
ORDERS = 'nature: fact\nmethod: statistic\ntype: number\nstatistic: count("Order Paid")\nvalidity: 2 days\n'
LAST = 'nature: fact\nmethod: statistic\ntype: text\nstatistic: last(category of "Order Paid")\nvalidity: 2 days\n'
TIER = (
    "title: {en: Value tier, zh: 价值层级}\nnature: model\nmethod: rule\ntype: text\n"
    'cases:\n  - when: spent_90d >= 100 and did "Order Paid" at least 2 times\n    then: high\n'
    "  - when: spent_90d > 0\n    then: low\nvalidity: 2 days\n"
)
CITY = "nature: fact\nmethod: observed\ntype: text\nattribute: city\n"
TAGS = {"spent_90d": SPENT, "orders": ORDERS, "last_bought": LAST, "value_tier": TIER, "city": CITY}

PEOPLE = {
    "m-001": {
        "name": "张伟",
        "email": "Wei.Zhang@example.test",
        "phone": "+86 138 0013 8000",
        "city": "上海",
    },
    "m-002": {"name": "Anna Zhang", "email": "anna@example.test", "phone": "+8613900001234", "city": "杭州"},
    "m-003": {"nickname": "伟哥", "openid": "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"},
    "m-004": {"first_name": "Tom", "last_name": "Weiss"},
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("people") / "shop") as made:
        for user, traits in PEOPLE.items():
            made.identify(user, **traits)
        made.track("m-001", "Order Paid", at="2026-01-05T08:00:00Z", amount=80, category="tea")
        made.track("m-001", "Order Paid", at="2026-05-05T08:00:00Z", amount=70.5, category="tea")
        made.track("m-001", "Order Paid", at="2026-05-06T08:00:00Z", amount=40, category="tea")
        made.track("m-001", "Order Paid", at="2026-05-07T08:00:00Z", amount=9, category="cups")
        made.track("m-002", "Order Paid", at="2026-05-07T08:00:00Z", amount=12, category="tea")
        made.track("m-002", "Email Left", at="2026-05-08T08:00:00Z", email="anna@example.test")
        made.track("m-003", "Product Viewed", at="2026-05-09T08:00:00Z", category="tea")
        for key, text in TAGS.items():
            made.world.write(f"tags/{key}.yml", text)
        made.world.now += timedelta(minutes=1)
        made.world.verb("tag run")
        yield made


def found(served: Served, q: str = "", *, role: str = "operator", **more: Any) -> list[str]:
    """Who is found, by user id."""
    page = served.get("/api/v1/people", role=role, q=q, **more)
    assert page["total"] == len(page["people"])
    return sorted(row["id"]["value"] for row in page["people"])


@pytest.mark.parametrize(
    ("word", "who"),
    [
        ("m-001", ["m-001"]),
        ("m-00", ["m-001", "m-002", "m-003", "m-004"]),
        ("wei.zhang@EXAMPLE.test", ["m-001"]),
        ("8000", ["m-001"]),
        ("0013-8000", ["m-001"]),
        ("13900001234", ["m-002"]),
        ("234", []),
        ("o6_bmjrPTlm6_2sgVt7hMZOPfL2M", ["m-003"]),
        ("伟", ["m-001", "m-003"]),
        ("zhang", ["m-002"]),
        ("WEI", ["m-004"]),
        ("user:m-002", ["m-002"]),
        ("email:anna@example.test", ["m-002"]),
        ("nobody at all", []),
    ],
)
def test_people_are_found_by_ids_contacts_and_names(served: Served, word: str, who: list[str]) -> None:
    assert found(served, word) == who


def test_people_are_found_by_their_outward_id_and_its_beginning(served: Served) -> None:
    person = served.get("/api/v1/people/m-002")["person"]
    assert found(served, person) == ["m-002"]
    assert "m-002" in found(served, person[:8])
    assert served.get(f"/api/v1/people/{person}")["header"]["name"] == "Anna Zhang"


def test_a_condition_chooses_people_and_counts_them_exactly(served: Served) -> None:
    page = served.get("/api/v1/people", where="spent_90d > 50")
    assert (page["total"], page["everybody"], page["where"]) == (1, 4, "spent_90d > 50")
    assert found(served, "zhang", where="city = '杭州'") == ["m-002"]
    assert found(served, "zhang", where="city = '上海'") == []
    wrong = served.send("GET", "/api/v1/people", where="spend_90d > 50")
    assert wrong.status_code == 422
    assert "spent_90d" in wrong.json()["message"]


def test_a_viewer_finds_people_but_reads_no_personal_value(served: Served) -> None:
    page = served.get("/api/v1/people", role="viewer", q="wei.zhang@example.test")
    (row,) = page["people"]
    assert (page["masked"], row["name"], row["contact"]) == (
        True,
        "张***",
        {"kind": "phone", "value": "•••• 8000"},
    )
    assert {tag["key"]: tag["value"] for tag in row["tags"]} == {"value_tier": "high", "city": "上海"}
    whole = json.dumps(served.get("/api/v1/people", role="viewer"), ensure_ascii=False)
    for secret in ("张伟", "Zhang", "伟哥", "Weiss", "example.test", "0013", "o6_bm"):
        assert secret not in whole
    assert found(served, "张伟", role="viewer") == ["m-001"], "a whole name is found"
    assert found(served, "张", role="viewer") == [], "letter by letter a masked name would be no secret"


def test_contacts_are_masked_in_lists_for_everybody_and_names_only_for_viewers(served: Served) -> None:
    (row,) = served.get("/api/v1/people", role="operator", q="m-001")["people"]
    assert (row["name"], row["contact"]["value"]) == ("张伟", "•••• 8000")


@pytest.mark.parametrize("path", ["", "/events", "/tags/city/why"])
def test_a_portrait_and_its_parts_are_masked_for_viewers(served: Served, path: str) -> None:
    for role, seen in (("operator", True), ("viewer", False)):
        answer = served.get(f"/api/v1/people/m-002{path}", role=role)
        if path != "/tags/city/why":
            assert ("anna@example.test" in json.dumps(answer)) is seen
            assert answer["masked"] is not seen


def test_a_portrait_says_who_it_is_at_a_glance(served: Served) -> None:
    header = served.get("/api/v1/people/m-001")["header"]
    assert header["name"] == "张伟"
    assert header["value"] == {
        "key": "value_tier",
        "titles": {"en": "Value tier", "zh": "价值层级"},
        "value": "high",
    }
    assert header["place"]["value"] == "上海"
    assert header["stage"] is None
    assert header["first_source"] == "web"
    assert header["first_seen"].startswith("2026-01-05T08:00:00")
    assert header["events"] == 5
    assert [(word["channel"], word["state"]) for word in header["consents"]] == [
        (kind, "unknown") for kind in KINDS
    ]


def test_a_portrait_of_the_past_shows_what_was_so_then(served: Served) -> None:
    shown = served.get("/api/v1/people/m-001", as_of="2026-05-06T00:00:00Z")
    values = {tag["key"]: tag["value"] for group in shown["tags"] for tag in group["tags"]}
    assert values["spent_90d"] == "70.5"
    assert values["orders"] == 2
    assert shown["header"]["events"] == 2


def test_pages_of_people_fit_together_while_events_arrive(served: Served) -> None:
    everybody = found(served)
    walked: list[str] = []
    cursor = ""
    for turn in range(9):
        page = served.get("/api/v1/people", limit=1, cursor=cursor)
        walked += [row["id"]["value"] for row in page["people"]]
        assert page["total"] == len(everybody), "who came after the first page began is not in it"
        if page["next"] is None:
            break
        cursor = page["next"]
        served.world.now += timedelta(minutes=1)
        for user in ("m-004", "m-001", f"newcomer-{turn}"):
            served.track(user, "$page")
    assert sorted(walked) == everybody
    assert len(walked) == len(set(walked))
    served.world.now += timedelta(minutes=1)
    after = served.get("/api/v1/people", limit=3)["people"]
    assert {row["id"]["value"] for row in after} >= {"m-001", "m-004"}, "the latest are first in a new list"


@pytest.mark.parametrize("sort", ["first_seen", "last_seen", "id"])
def test_people_are_sorted_and_paged_alike(served: Served, sort: str) -> None:
    served.world.now += timedelta(minutes=1)
    whole = served.get("/api/v1/people", sort=sort)["people"]
    keys = [row["person"] if sort == "id" else row[sort] for row in whole]
    assert keys == sorted(keys, reverse=sort != "id")
    walked: list[str] = []
    cursor = ""
    while True:
        page = served.get("/api/v1/people", sort=sort, limit=2, cursor=cursor)
        walked += [row["person"] for row in page["people"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert walked == [row["person"] for row in whole]


def test_a_cursor_of_another_list_is_refused(served: Served) -> None:
    for path in ("/api/v1/people", "/api/v1/people/m-001/events"):
        for cursor in ("nonsense", "WzFd", "WyJhIiwiYiIsImMiXQ", "WyJhIiwiYiJd"):
            answer = served.send("GET", path, cursor=cursor)
            assert (answer.status_code, answer.json()["path"]) == (422, "cursor"), (path, cursor)


def test_a_timeline_is_told_newest_first_and_filtered(served: Served) -> None:
    where = "/api/v1/people/m-001/events"
    whole = served.get(where, until="2026-05-31")
    assert [event["at"][:10] for event in whole["events"]] == [
        "2026-05-07",
        "2026-05-06",
        "2026-05-05",
        "2026-01-05",
    ]
    assert whole["counts"] == [{"event": "Order Paid", "events": 4}]
    assert whole["total"] == 4
    part = served.get(where, since="2026-05-05T08:00:00Z", until="2026-05-07T08:00:00Z")
    assert [event["properties"]["amount"] for event in part["events"]] == [40, 70.5]
    none = served.get(where, event="Product Viewed", until="2026-05-31")
    assert (none["events"], none["total"], none["counts"]) == ([], 0, whole["counts"])
    assert served.get(where, source="web", until="2026-05-31")["total"] == 4
    assert served.send("GET", where, source="wep").json()["code"] == "not_found"


def test_pages_of_a_timeline_stay_in_place_while_events_arrive(served: Served) -> None:
    before = [event["id"] for event in served.get("/api/v1/people/m-001/events")["events"]]
    walked: list[str] = []
    cursor = ""
    while True:
        page = served.get("/api/v1/people/m-001/events", limit=2, cursor=cursor)
        walked += [event["id"] for event in page["events"]]
        served.track("m-001", "$page")
        served.world.now += timedelta(seconds=1)
        if page["next"] is None:
            break
        cursor = page["next"]
    assert walked == before


def why(served: Served, user: str, key: str, **more: Any) -> Json:
    return served.get(f"/api/v1/people/{user}/tags/{key}/why", **more)


@pytest.mark.proves("B2")
def test_a_statistic_names_exactly_the_events_that_decide_it(served: Served) -> None:
    shown = why(served, "m-001", "spent_90d")
    assert (shown["known"], shown["value"], shown["agrees"]) == (True, "110.5", True)
    told = shown["statistic"]
    assert (told["considered"], told["deciding"]) == (2, 2)
    assert [event["properties"]["amount"] for event in told["events"]] == [40, 70.5]
    assert all(event["properties"]["category"] == "tea" for event in told["events"])
    assert shown["run_at"].startswith("2026-06-01")
    assert shown["expires_at"].startswith("2026-06-03")
    last = why(served, "m-001", "last_bought")
    assert (last["value"], last["statistic"]["considered"], last["statistic"]["deciding"]) == ("cups", 4, 1)


def test_a_rule_names_its_case_its_inputs_and_their_events(served: Served) -> None:
    shown = why(served, "m-001", "value_tier")
    rule = shown["rule"]
    assert (shown["value"], rule["decided"]) == ("high", 0)
    assert [case["holds"] for case in rule["cases"]] == [True, True]
    assert [(item["text"], item["holds"]) for item in rule["cases"][0]["conditions"]] == [
        ("spent_90d >= 100", True),
        ('did "Order Paid" at least 2 times', True),
    ]
    assert {item["text"]: item["value"] for item in rule["inputs"]} == {
        "spent_90d": "110.5",
        'count("Order Paid")': 4,
    }
    assert [(item["text"], item["deciding"]) for item in rule["evidence"]] == [
        ('did "Order Paid" at least 2 times', 4)
    ]


def test_who_has_no_value_is_told_so_with_the_inputs(served: Served) -> None:
    shown = why(served, "m-003", "value_tier")
    assert (shown["known"], shown["value"], shown["rule"]["decided"]) == (False, None, None)
    assert {item["text"]: item["value"] for item in shown["rule"]["inputs"]}["spent_90d"] == "0"
    assert why(served, "m-004", "last_bought")["statistic"]["events"] == []


def test_an_observed_tag_names_the_word_that_holds(served: Served) -> None:
    (word,) = why(served, "m-001", "city")["observed"]["said"]
    assert (word["value"], word["decides"], word["source"]) == ("上海", True, "web")


def test_why_says_that_data_came_late_and_that_the_definition_changed(served: Served) -> None:
    served.track("m-002", "Order Paid", at="2026-05-20T08:00:00Z", amount=1, category="tea")
    served.world.now += timedelta(minutes=1)
    shown = why(served, "m-002", "spent_90d")
    assert (shown["value"], shown["recomputed"], shown["agrees"]) == ("12", "13", False)
    path = served.world.write(
        "tags/orders.yml", ORDERS.replace('"Order Paid"', '"Order Paid" in last 9 days')
    )
    try:
        shown = why(served, "m-001", "orders")
        assert (shown["redefined"], shown["value"], shown["statistic"]["deciding"]) == (True, 4, 4)
    finally:
        path.write_text(ORDERS, encoding="utf-8")


def test_an_unknown_person_and_an_unknown_tag_are_not_found(served: Served) -> None:
    for path in ("/nobody", "/nobody/events", "/nobody/messages", "/m-001/tags/nothing/why"):
        assert served.send("GET", f"/api/v1/people{path}").status_code == 404


@pytest.mark.parametrize("key", ["spent_90d", "orders", "last_bought", "value_tier"])
def test_without_the_events_that_it_names_a_value_would_be_another(
    tmp_path_factory: pytest.TempPathFactory, key: str
) -> None:
    with serving(tmp_path_factory.mktemp("why") / "shop") as shop:
        for day in range(1, 8):
            category = ("tea", "cups", "tea")[day % 3]
            shop.track(
                "ann", "Order Paid", at=f"2026-05-{day:02}T08:00:00Z", amount=day * 10, category=category
            )
        for name, text in TAGS.items():
            shop.world.write(f"tags/{name}.yml", text)
        shop.world.now += timedelta(minutes=1)
        shop.world.verb("tag run")
        shown = why(shop, "ann", key)
        told = [shown["statistic"]] if shown["statistic"] else shown["rule"]["evidence"]
        named = [event["id"] for item in told for event in item["events"]]
        with shop.world.workspace.engine.write() as tx:
            for event in named:
                tx.execute("DELETE FROM events WHERE id = $id::HUGEINT", {"id": event})
        shop.world.verb("tag run", full=True)
        assert why(shop, "ann", key)["value"] != shown["value"]


def test_messages_tell_of_sends_and_of_being_held_out(served: Served) -> None:
    assert served.get("/api/v1/people/m-001/messages")["messages"] == []


def test_an_export_is_a_file_for_admins_and_stands_in_the_audit(served: Served) -> None:
    assert served.send("GET", "/api/v1/people/m-002/export", role="operator").status_code == 403
    answer = served.send("GET", "/api/v1/people/m-002/export")
    assert "attachment" in answer.headers["content-disposition"]
    content = answer.json()
    assert content["header"]["name"] == "Anna Zhang"
    assert {event["event"] for event in content["timeline"]} >= {"Order Paid", "Email Left", "$identify"}
    entries = served.world.verb("audit list")["audit"]
    last = next(entry for entry in entries if entry["action"] == "person export")
    assert (last["kind"], last["subject"].startswith("person ")) == ("export", True)
    assert "anna" not in json.dumps(entries).lower()


def test_sight_of_personal_values_is_audited_and_masked_sight_is_not(served: Served) -> None:
    def seen() -> int:
        return sum(entry["kind"] == "sight" for entry in served.world.verb("audit list", limit=200)["audit"])

    before = seen()
    served.get("/api/v1/people/m-001", role="viewer")
    served.get("/api/v1/people", role="viewer")
    assert seen() == before
    served.get("/api/v1/people/m-001", role="operator")
    served.get("/api/v1/people", role="operator", q="wei.zhang@example.test")
    assert seen() == before + 2


def test_only_an_admin_erases_and_a_second_try_with_the_same_key_is_the_first(served: Served) -> None:
    served.identify("leaving", name="Lea", email="lea@example.test")
    served.world.now += timedelta(minutes=1)
    assert served.send("DELETE", "/api/v1/people/leaving", role="operator").status_code == 403
    headers = {"Idempotency-Key": "erase-lea"}
    first = served.send("DELETE", "/api/v1/people/leaving", headers=headers)
    again = served.send("DELETE", "/api/v1/people/leaving", headers=headers)
    assert first.status_code == 202
    assert again.json() == first.json()
    assert served.wait(first.json()["job"])["rows"] >= 2
    assert found(served, "lea@example.test") == []
    assert found(served, "Lea") == []
    with pytest.raises(NotFoundError):
        served.world.verb("person show", id="leaving")
    entries = served.world.verb("audit list")["audit"]
    assert "person erase" in [entry["action"] for entry in entries]
    assert "leaving" not in json.dumps(entries)


def test_why_says_what_is_missing_and_when_the_value_ends(served: Served) -> None:
    shown = why(served, "m-002", "value_tier")
    assert (shown["value"], shown["rule"]["decided"]) == ("low", 1)
    near = shown["rule"]["cases"][0]["near"]
    assert (near["wanted"], near["fits"], near["parts"][0]["fits"]) == (True, False, False)
    assert near["missing"]["text"]["en"].startswith("amount of “Order Paid” (category = 'tea'): ")
    assert "还差" in near["missing"]["text"]["zh"]
    assert shown["rule"]["cases"][1]["near"] is None
    assert shown["because"]["named"] == len(shown["because"]["ids"])
    assert [item["source"] for item in shown["because"]["sources"]] == ["web"]
    assert (shown["ends_by"], shown["ends_at"]) == ("validity", shown["expires_at"])
    assert len(shown["fingerprint"]) == 16
    none = why(served, "m-003", "value_tier")
    assert (none["known"], none["near"]["value"]) == (False, "low")
    assert none["near"]["plan"]["events"][0]["properties"]["category"] == "tea"


def test_why_of_an_audience_says_what_decides_and_what_is_missing(served: Served) -> None:
    path = served.world.write(
        "audiences/buyers.yml", "expression: did \"Order Paid\" at least 2 times and city = '上海'\n"
    )
    try:
        inside = served.get("/api/v1/people/m-001/audiences/buyers/why")
        assert (inside["member"], inside["recomputed"], inside["agrees"]) == (True, True, True)
        assert (inside["because"]["named"], inside["because"]["attributes"]) == (4, ["city"])
        assert inside["near"] is None
        outside = served.get("/api/v1/people/m-004/audiences/buyers/why", role="viewer")
        assert (outside["member"], outside["because"]["named"]) == (False, 0)
        assert outside["near"]["missing"]["what"] == "parts"
        assert outside["near"]["plan"]["attributes"] == [{"name": "city", "value": "上海"}]
        missing = served.send("GET", "/api/v1/people/m-001/audiences/nothing/why")
        assert missing.status_code == 404
    finally:
        path.unlink()
