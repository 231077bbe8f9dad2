"""Tags through the API: the catalogue, counts that lead to people, the past, the editor, and saving."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from limner.tags.text import read
from limner.types import Json
from limner.workspace import times
from tests.api.served import Served, serving

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
START = datetime(2026, 6, 1, 4, tzinfo=UTC)
TEXTS = {
    "orders_30d": """\
# How often somebody bought lately
title: {en: Orders in 30 days, zh: 近30天订单数}
nature: fact
method: statistic
type: number
statistic: count("Order Paid" in last 30 days)   # paid ones only
validity: 2 days
category: buying/rhythm
owner: crm
why: Who is warm.
""",
    "spent": """\
nature: fact
method: statistic
type: money
statistic: sum(amount of "Order Paid")
validity: 10 days
category: buying/amount
""",
    "city": "title: City\nnature: fact\nmethod: observed\ntype: text\nattribute: city\ncategory: who\n",
    "mail": "nature: fact\nmethod: observed\ntype: text\nattribute: email\ncategory: who\n",
    "last_order": """\
nature: fact
method: statistic
type: instant
statistic: last_time("Order Paid")
validity: 2 days
category: buying/rhythm
""",
    "tier": """\
nature: model
method: rule
type: text
cases:
  # the best
  - when: orders_30d >= 3
    then: gold
  - when: orders_30d >= 1
    then: silver
validity: 2 days
category: buying
""",
    "warm": """\
nature: model
method: rule
type: flag
cases:
  - when: tier in ('gold', 'silver') and in audience locals
    then: true
validity: 2 days
""",
}
ORDERS = {"ann": [1.5, 20, 3], "bob": [7.25], "cai": [], "dan": [0.01, 100]}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Four people with orders and cities; every kind of tag, computed; an audience and a campaign that use them."""
    with serving(
        tmp_path_factory.mktemp("tags") / "shop", toml='zone = "Asia/Shanghai"\n', now=START
    ) as made:
        for user, amounts in ORDERS.items():
            made.identify(user, city="上海" if user != "bob" else "Zoë's", email=f"{user}@example.test")
            for number, amount in enumerate(amounts):
                made.track(
                    user, "Order Paid", at=(START - (number + 1) * DAY).isoformat(), amount=amount, store="s"
                )
        for key, text in TEXTS.items():
            made.world.write(f"tags/{key}.yml", text)
        made.world.write("audiences/locals.yml", "title: Locals\nexpression: city = '上海'\n")
        made.world.write("audiences/best.yml", "expression: in audience locals and tier = 'gold'\n")
        made.world.write(
            "campaigns/letter.yml",
            "title: {en: A letter, zh: 一封信}\naudience: best\nchannel: email\ntemplate: letter.html\nsubject: Hi\n",
        )
        made.world.write("templates/letter.html", "<p>{{ tag.spent }}</p>")
        made.world.now += MINUTE
        made.post("/api/v1/tags/run", {})
        yield made


def tag(served: Served, key: str, **query: Any) -> Json:
    return served.get(f"/api/v1/tags/{key}", **query)


def test_the_catalogue_holds_every_tag_with_its_people_and_its_users(shop: Served) -> None:
    found = shop.get("/api/v1/tags", trend=3)
    rows = {row["key"]: row for row in found["tags"]}
    assert list(rows) == [
        "tier", "spent", "last_order", "orders_30d", "city", "mail", "warm",
    ]  # fmt: skip
    assert (found["total"], found["defined"], found["everybody"]) == (7, 7, 4)
    assert rows["orders_30d"]["titles"] == {"en": "Orders in 30 days", "zh": "近30天订单数"}
    assert (rows["last_order"]["people"], rows["last_order"]["coverage"]) == (3, 0.75)
    assert rows["tier"]["used_by"] == {"tags": 1, "audiences": 1, "campaigns": 1, "journeys": 0}
    assert rows["spent"]["used_by"] == {"tags": 0, "audiences": 0, "campaigns": 1, "journeys": 0}
    assert rows["city"]["used_by"]["audiences"] == 2
    assert rows["city"]["freshness"] == {"stale": False, "reason": "", "since": None, "next": None}
    assert found["days"] == ["2026-05-30", "2026-05-31", "2026-06-01"]
    assert rows["last_order"]["trend"] == [None, None, 3]
    assert {item["path"]: (item["tags"], item["people"]) for item in found["categories"]} == {
        "": (1, None), "buying": (4, 4), "buying/amount": (1, 4), "buying/rhythm": (2, 4), "who": (2, 4),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        ({"q": "近30天"}, ["orders_30d"]),
        ({"q": "amount OF"}, ["spent"]),
        ({"category": "buying"}, ["tier", "spent", "last_order", "orders_30d"]),
        ({"category": "buying/rhythm"}, ["last_order", "orders_30d"]),
        ({"category": "buy"}, []),
        ({"nature": "model"}, ["tier", "warm"]),
        ({"state": "unused"}, ["last_order", "mail", "warm"]),
        ({"state": "stale"}, []),
        ({"sort": "-people", "category": "buying"}, ["orders_30d", "tier", "spent", "last_order"]),
        ({"sort": "key"}, sorted(TEXTS)),
    ],
)
def test_the_catalogue_is_searched_filtered_and_sorted(shop: Served, asked: Json, keys: list[str]) -> None:
    found = shop.get("/api/v1/tags", **asked)
    if asked.get("sort") == "-people":
        assert [row["people"] for row in found["tags"]] == sorted(
            (row["people"] for row in found["tags"]), reverse=True
        )
        keys = [row["key"] for row in found["tags"]]
    assert [row["key"] for row in found["tags"]] == keys
    assert found["total"] == len(keys)


def test_the_catalogue_comes_in_pages(shop: Served) -> None:
    keys: list[str] = []
    cursor = ""
    while True:
        page = shop.get("/api/v1/tags", sort="key", limit=3, cursor=cursor)
        keys += [row["key"] for row in page["tags"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert keys == sorted(TEXTS)


@pytest.mark.parametrize("key", list(TEXTS))
def test_every_count_of_a_distribution_leads_to_exactly_these_people(shop: Served, key: str) -> None:
    shown = tag(shop, key)
    assert sum(item["people"] for item in shown["values"]) == shown["everybody"] == 4
    for item in shown["values"]:
        counted = shop.world.verb("audience count", expression=item["where"])
        assert counted["count"] == item["people"], item


def test_a_tag_is_shown_with_everything_around_it(shop: Served) -> None:
    shown = tag(shop, "tier")
    assert shown["text"] == TEXTS["tier"]
    assert [item["key"] for item in shown["needs"]["tags"]] == ["orders_30d"]
    assert [item["key"] for item in shown["used_by"]["tags"]] == ["warm"]
    assert [(item["name"], item["direct"]) for item in shown["used_by"]["audiences"]] == [("best", True)]
    assert shown["used_by"]["campaigns"] == [
        {"name": "letter", "titles": {"en": "A letter", "zh": "一封信"}, "how": ["audience"]}
    ]
    assert shown["fingerprint"]["defined"] == shown["fingerprint"]["applied"]
    assert shown["runs"][0]["status"] == "done"
    assert shown["runs"][0]["run"] == shown["run"]
    assert {item["code"] for item in shown["health"]} == {"no_why", "no_owner"}
    assert tag(shop, "spent")["sum"] == "131.76"
    assert tag(shop, "spent")["used_by"]["campaigns"][0]["how"] == ["template"]
    assert tag(shop, "orders_30d")["needs"]["events"] == ["Order Paid"]
    assert tag(shop, "city")["needs"]["attributes"] == ["city"]
    assert tag(shop, "warm")["needs"]["audiences"] == ["locals"]


def test_a_tag_that_is_not_there_is_named_with_the_nearest(shop: Served) -> None:
    answer = shop.send("GET", "/api/v1/tags/teir")
    assert answer.status_code == 404
    assert "tier" in answer.json()["message"]


def test_a_viewer_sees_no_personal_values(shop: Served) -> None:
    shown = tag(shop, "mail", role="viewer")
    assert shown["masked"]
    values = [item for item in shown["values"] if item["kind"] == "value"]
    assert {item["value"] for item in values} == {f"{user[0]}***@example.test" for user in ORDERS}
    assert {item["where"] for item in shown["values"]} == {None}
    seen = tag(shop, "mail")
    assert not seen["masked"]
    assert any(item["value"] == "ann@example.test" for item in seen["values"])
    previewed = shop.post("/api/v1/tags/preview", {"key": "mail", "text": TEXTS["mail"]}, role="viewer")
    assert not any("ann@" in item["value"] for item in previewed["values"])
    assert {item["value"] for item in previewed["some"]} == {f"{user[0]}***@example.test" for user in ORDERS}
    assert not any("ann@" in str(item["id"]) for item in previewed["some"])
    assert shop.get("/api/v1/tags/mail/history", role="viewer")["labels"] is None


def test_a_preview_names_some_people_and_who_enters_comes_first(shop: Served) -> None:
    same = shop.post("/api/v1/tags/preview", {"key": "tier", "text": TEXTS["tier"]})
    assert 0 < len(same["some"]) == same["people"] <= 8
    assert not any(item["enters"] for item in same["some"])
    for item in same["some"]:
        members = shop.world.verb("tag members", key="tier", value=item["value"])
        assert item["person"] in members["people"]
    text = TEXTS["tier"].replace("  - when: orders_30d >= 1\n", "  - when: known(orders_30d)\n")
    wider = shop.post("/api/v1/tags/preview", {"key": "tier", "text": text})
    assert [item["enters"] for item in wider["some"]] == sorted(
        (item["enters"] for item in wider["some"]), reverse=True
    )
    assert sum(item["enters"] for item in wider["some"]) == wider["entered"] > 0


@pytest.mark.parametrize(
    "path",
    sorted((Path(str(resources.files("limner.demo"))) / "files" / "tags").glob("*.yml")),
    ids=lambda p: p.stem,
)
def test_a_form_and_its_text_say_the_same_and_comments_stay(shop: Served, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    form = shop.post("/api/v1/tags/form", {"key": path.stem, "text": text})["fields"]
    body = {"key": path.stem, "text": text, "fields": form}
    assert shop.post("/api/v1/tags/text", body)["text"] == text
    lines = text.splitlines(keepends=True)
    noted = "# at the top\n" + "".join(
        f"{'' if line.startswith(' ') else '# above' + chr(10)}{line}" for line in lines
    ) + "# at the end\n"  # fmt: skip
    changed = {**form, "owner": "somebody", "title": {"en": "New: title", "zh": "新"}, "why": ""}
    made = shop.post("/api/v1/tags/text", {"key": path.stem, "text": noted, "fields": changed})["text"]
    assert [line for line in made.splitlines() if line.startswith("#")] == [
        line for line in noted.splitlines() if line.startswith("#")
    ]
    assert shop.post("/api/v1/tags/form", {"key": path.stem, "text": made})["fields"] == changed
    before, after = read(text, path.stem), read(made, path.stem)
    assert (after.definition, after.validity, after.type) == (before.definition, before.validity, before.type)
    blank = {"key": path.stem, "text": "", "fields": {k: v for k, v in form.items() if k != "measure"}}
    assert read(shop.post("/api/v1/tags/text", blank)["text"], path.stem) == before


@pytest.mark.parametrize(
    ("measure", "statistic"),
    [
        ({"function": "count", "event": "Order Paid"}, 'count("Order Paid")'),
        (
            {
                "function": "sum",
                "of": "amount",
                "event": "Order *",
                "where": "store = 's' or amount > 3",
                "window": {"kind": "in_last", "n": 90, "unit": "day"},
            },
            "sum(amount of \"Order *\" in last 90 days where (store = 's' or amount > 3))",
        ),
        (
            {"function": "distinct", "of": "store", "event": "*", "window": {"kind": "in_this", "unit": "month"}},
            "distinct(store of * in this month)",
        ),
        (
            {
                "function": "recency",
                "event": "Order Paid",
                "window": {"kind": "from_to", "first": "2026-01-01", "last": "2026-02-01"},
            },
            'recency("Order Paid" from 2026-01-01 to 2026-02-01)',
        ),
        (
            {
                "function": "avg",
                "of": "amount",
                "event": "x",
                "window": {"kind": "in_last_calendar", "n": 3, "unit": "week"},
            },
            "avg(amount of x in last 3 calendar weeks)",
        ),
        ({"function": "max", "of": "amount", "event": "x", "window": {"kind": "since", "first": "2026-01-01"}},
         "max(amount of x since 2026-01-01)"),
    ],
)  # fmt: skip
def test_a_measure_in_parts_is_a_statistic_and_back(shop: Served, measure: Json, statistic: str) -> None:
    body = {"key": "spent", "text": TEXTS["spent"], "fields": {"measure": measure}}
    made = shop.post("/api/v1/tags/text", body)["text"]
    assert read(made, "spent").described == statistic
    form = shop.post("/api/v1/tags/form", {"key": "spent", "text": made})["fields"]
    assert {k: v for k, v in form["measure"].items() if v} == {
        k: v if k != "window" else {"n": 0, "unit": "", "first": "", "last": "", **v}
        for k, v in measure.items()
    }
    assert shop.post("/api/v1/tags/text", {"key": "spent", "text": made, "fields": form})["text"] == made


def test_a_measure_that_cannot_be_is_refused_with_its_reason(shop: Served) -> None:
    def refused(**measure: Any) -> str:
        body = {"key": "spent", "text": TEXTS["spent"], "fields": {"measure": {"event": "x", **measure}}}
        answer = shop.send("POST", "/api/v1/tags/text", body)
        assert answer.status_code == 422
        return str(answer.json()["message"])

    assert "needs a property" in refused(function="sum")
    assert "not closed" in refused(function="count", where="store = 's")
    assert "unexpected" in refused(function="count", where="true) or count(*")


def test_a_form_of_what_is_no_yaml_says_where(shop: Served) -> None:
    found = shop.post("/api/v1/tags/form", {"key": "x", "text": "nature: fact\ntype: [\n"})
    assert found["fields"] is None
    assert found["problems"][0]["line"] == 3
    assert (
        shop.send("POST", "/api/v1/tags/text", {"key": "x", "text": "- a\n", "fields": {}}).status_code == 422
    )


def test_a_type_that_does_not_fit_is_a_problem_before_it_is_saved(shop: Served) -> None:
    found = shop.post(
        "/api/v1/tags/form", {"key": "spent", "text": TEXTS["spent"].replace("money", "number")}
    )
    (problem,) = found["problems"]
    assert (problem["line"], problem["hint"]) == (3, "type: money")


def test_a_rules_values_follow_its_type(shop: Served) -> None:
    form = shop.post("/api/v1/tags/form", {"key": "tier", "text": TEXTS["tier"]})["fields"]
    cases = [{"when": "orders_30d >= 3", "then": "12.50"}, {"when": "orders_30d >= 1", "then": "-1"}]
    fields = {**form, "type": "money", "cases": cases, "otherwise": "0"}
    made = shop.post("/api/v1/tags/text", {"key": "tier", "text": TEXTS["tier"], "fields": fields})
    assert made["problems"] == []
    assert "  # the best\n  - when: orders_30d >= 3\n    then: 12.5\n" in made["text"]
    assert "otherwise: 0\n" in made["text"]


def test_a_preview_counts_what_a_run_then_publishes(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", now=START) as made:
        for user, amounts in ORDERS.items():
            made.identify(user, city="a")
            for amount in amounts:
                made.track(user, "Order Paid", amount=amount)
        for key in ("orders_30d", "spent", "tier", "city", "last_order"):
            made.world.write(f"tags/{key}.yml", TEXTS[key])
        made.world.now += MINUTE
        first = made.post("/api/v1/tags/preview", {"key": "tier", "text": TEXTS["tier"]})
        assert (first["people"], first["before"], first["entered"], first["left"]) == (3, 0, 3, 0)
        made.post("/api/v1/tags/run")
        made.track("cai", "Order Paid", amount=1)
        made.world.now += MINUTE
        texts = {
            "tier": TEXTS["tier"].replace(">= 1", ">= 2").replace("gold", "top"),
            "spent": TEXTS["spent"].replace(' "Order Paid"', ' "Order Paid" where amount > 5'),
            "orders_30d": TEXTS["orders_30d"],
            "last_order": TEXTS["last_order"],
            "city": TEXTS["city"].replace("attribute: city", "attribute: town"),
        }
        for key, text in texts.items():
            epoch = tag(made, key)["as_of"]
            previewed = made.post("/api/v1/tags/preview", {"key": key, "text": text})
            assert tag(made, key)["as_of"] == epoch
            made.world.write(f"tags/{key}.yml", text)
            ran = made.post("/api/v1/tags/run", {"keys": [key]})
            (report,) = [item for item in ran["tags"] if item["tag"] == key]
            assert {name: previewed[name] for name in ("people", "entered", "left", "changed")} == {
                name: report[name] for name in ("people", "entered", "left", "changed")
            }
            shown = tag(made, key)
            counts = [(item["value"], item["people"]) for item in shown["values"]]
            assert [(item["value"], item["people"]) for item in previewed["values"]] == counts
            assert previewed["sum"] == shown["sum"]
        assert tag(made, "tier")["people"] == 2


def test_a_preview_of_what_cannot_be_computed_says_where(shop: Served) -> None:
    text = TEXTS["tier"].replace("orders_30d >= 1", "ordrs_30d >= 1")
    answer = shop.send("POST", "/api/v1/tags/preview", {"key": "tier", "text": text})
    assert answer.status_code == 422
    assert answer.json()["path"].startswith("tags/tier.yml:8:11")


def test_the_days_of_a_tag_follow_its_publications(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", toml='zone = "Asia/Shanghai"\n', now=START) as made:
        made.identify("ann", tier="gold")
        made.identify("bob", tier="silver")
        made.world.now += MINUTE
        text = "nature: fact\nmethod: observed\ntype: text\nattribute: tier\nvalidity: 3 days\n"
        made.world.write("tags/card.yml", text)
        made.post("/api/v1/tags/run")
        made.world.now += DAY
        made.identify("ann", tier="silver")
        made.identify("cai", tier="gold")
        made.world.now += timedelta(hours=11)
        made.post("/api/v1/tags/run")
        made.world.now += 4 * DAY
        found = made.get("/api/v1/tags/card/history", days=8)
        assert found["since"] == (START + MINUTE).isoformat()
        assert found["labels"] == ["silver", "gold"]
        days = [
            (item["day"][5:], item["people"], item["entered"], item["left"], item["values"])
            for item in found["days"]
        ]
        assert days == [
            ("05-30", None, None, None, None),
            ("05-31", None, None, None, None),
            ("06-01", 2, 2, 0, [1, 1]),
            ("06-02", 3, 1, 0, [2, 1]),
            ("06-03", 3, 0, 0, [2, 1]),
            ("06-04", 3, 0, 0, [2, 1]),
            ("06-05", 0, 0, 3, [0, 0]),
            ("06-06", 0, 0, 0, [0, 0]),
        ]
        assert made.get("/api/v1/tags", trend=8)["tags"][0]["trend"] == [day[1] for day in days]
        assert tag(made, "card")["freshness"]["reason"] == "expired"
        made.post("/api/v1/tags/run")
        again = made.get("/api/v1/tags/card/history", days=8)["days"]
        assert [(item["people"], item["entered"], item["left"]) for item in again[-2:]] == [
            (0, 0, 3),
            (3, 3, 0),
        ]
        assert made.get("/api/v1/tags", trend=8)["tags"][0]["trend"][-2:] == [0, 3]


def test_a_number_has_days_but_no_labels(shop: Served) -> None:
    found = shop.get("/api/v1/tags/orders_30d/history", days=2)
    assert found["labels"] is None
    assert [item["people"] for item in found["days"]] == [None, 4]


def test_a_wrong_file_is_in_the_catalogue_and_stops_no_other(tmp_path: Path) -> None:
    with serving(tmp_path / "shop", now=START) as made:
        made.identify("ann", city="a")
        made.world.now += MINUTE
        made.world.write("tags/city.yml", TEXTS["city"])
        made.world.write("tags/uses.yml", TEXTS["tier"].replace("orders_30d", "odd"))
        made.post("/api/v1/tags/run", {"keys": ["city"]})
        made.world.write(
            "tags/odd.yml",
            "nature: fact\nmethod: statistic\ntype: number\nstatistic: count(\nvalidity: 1 day\n",
        )
        made.world.write("tags/worse.yml", "nature: [\n")
        made.world.write("tags/city.yml", TEXTS["city"].replace("type: text", "type: number"))
        found = made.get("/api/v1/tags")
        assert {row["key"]: row["state"] for row in found["tags"]} == {
            "city": "changed", "odd": "broken", "uses": "new", "worse": "broken",
        }  # fmt: skip
        assert {problem["where"].partition(":")[0] for problem in found["problems"]} == {
            "tags/odd.yml", "tags/worse.yml",
        }  # fmt: skip
        shown = tag(made, "odd")
        assert (shown["state"], shown["problems"][0]["line"]) == ("broken", 4)
        assert shown["fields"]["statistic"] == "count("
        assert tag(made, "worse")["fields"] is None
        (made.world.folder / "tags" / "city.yml").unlink()
        gone = tag(made, "city")
        assert (gone["state"], gone["etag"], gone["people"]) == ("removed", None, 1)


def test_a_save_over_somebody_elses_text_names_the_other_edit(shop: Served) -> None:
    place = "/api/v1/definitions/tags/owned"
    made = shop.send("PUT", place, {"text": TEXTS["city"]}, headers={"if-none-match": "*"})
    mine = {"if-match": made.headers["etag"]}
    theirs = shop.send(
        "PUT", place, {"text": TEXTS["city"] + "owner: her\n"}, role="operator", headers=dict(mine)
    )
    assert theirs.status_code == 200
    answer = shop.send("PUT", place, {"text": TEXTS["city"] + "owner: me\n"}, headers=mine)
    assert answer.status_code == 409
    assert "changed it at" in answer.json()["message"]
    assert shop.get("/api/v1/definitions/tags/owned")["text"].endswith("owner: her\n")
    shop.send("POST", f"{place}/undo")
    shop.send("POST", f"{place}/undo")
    assert shop.send("GET", place).status_code == 404


def test_a_run_is_a_job_that_only_operators_begin(shop: Served) -> None:
    assert shop.send("POST", "/api/v1/tags/run", {}, role="viewer").status_code == 403
    shop.world.now += MINUTE
    begun = shop.send("POST", "/api/v1/tags/run", {"keys": ["tier"]}, headers={"idempotency-key": "one"})
    again = shop.send("POST", "/api/v1/tags/run", {"keys": ["tier"]}, headers={"idempotency-key": "one"})
    assert begun.status_code == 202
    assert begun.json() == again.json()
    ran = shop.wait(begun.json()["job"])
    assert {item["tag"] for item in ran["tags"]} == {"orders_30d", "tier"}
    assert tag(shop, "orders_30d")["runs"][0]["keys"] == ["tier"]
    assert tag(shop, "city")["runs"][0]["keys"] == []


def test_the_runs_of_a_tag_say_how_long_it_took_alone_or_together_and_whom_they_changed(shop: Served) -> None:
    shop.world.now += MINUTE
    shop.wait(shop.send("POST", "/api/v1/tags/run", {"keys": ["tier"]}).json()["job"])
    tier = shop.get("/api/v1/tags/tier/runs")["runs"]
    assert (tier[0]["keys"], tier[-1]["keys"]) == (["tier"], [])
    assert tier[0]["took"]["together"] == 1  # a rule is computed alone
    assert 0 < tier[0]["took"]["seconds"] < 60
    assert (tier[0]["took"]["entered"], tier[0]["took"]["left"]) == (0, 0)
    assert tier[-1]["took"]["entered"] == tier[-1]["took"]["people"] == tag(shop, "tier")["people"]
    orders = shop.get("/api/v1/tags/orders_30d/runs", limit=1)["runs"]
    assert len(orders) == 1
    assert orders[0]["took"]["together"] == 1  # the only statistic of that run
    first = shop.get("/api/v1/tags/orders_30d/runs")["runs"][-1]["took"]
    statistics = {key for key in TEXTS if shop.get(f"/api/v1/tags/{key}")["method"] == "statistic"}
    assert first["together"] == len(statistics)
    assert first["seconds"] == shop.get("/api/v1/tags/spent/runs")["runs"][-1]["took"]["seconds"]
    assert tag(shop, "tier")["runs"] == tier
    assert shop.send("GET", "/api/v1/tags/tier/runs", limit=51).status_code == 422
    assert shop.send("GET", "/api/v1/tags/no_such/runs").status_code == 404


def test_times_are_kept_of_the_last_runs_of_each_tag_only(
    shop: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(times, "KEPT", 2)
    for _ in range(3):
        shop.world.now += MINUTE
        shop.world.verb("tag run", keys=["city"])
    took = [item["took"] is not None for item in tag(shop, "city")["runs"]]
    assert took == [True, True, *[False] * (len(took) - 2)]
    assert len(took) > 3
    assert tag(shop, "mail")["runs"][0]["took"] is not None  # its last run was the first one


def test_a_run_that_goes_on_says_when_it_ends_by_how_long_the_same_took(shop: Served) -> None:
    with shop.world.workspace.runs.run("tag run", "spent"):
        shop.world.now += timedelta(seconds=40)
    with shop.world.workspace.runs.run("tag run", "spent"):
        shop.world.now += timedelta(seconds=10)
        shown = tag(shop, "spent")["runs"][0]
        assert (shown["status"], shown["eta_seconds"], shown["took"]) == ("running", 30.0, None)
        assert shop.get("/api/v1/runs")["runs"][0]["eta_seconds"] == 30.0
        assert tag(shop, "mail")["runs"][0]["eta_seconds"] is None  # that one has ended
        shop.world.now += timedelta(seconds=31)
        assert (
            tag(shop, "spent")["runs"][0]["eta_seconds"] is None
        )  # it takes longer than usual: nobody knows


@pytest.mark.proves("B4")
def test_a_plan_is_looked_at_and_then_applied(shop: Served) -> None:
    text = TEXTS["tier"].replace("orders_30d >= 3", "orders_30d >= 2")
    shop.world.write("tags/tier.yml", text)
    try:
        plan = shop.post("/api/v1/tags/plan", {}, role="operator")
        assert {row["key"]: (row["why"], row["through"]) for row in plan["tags"]} == {
            "tier": ("changed", []), "warm": ("refers", ["tag:tier"]),
        }  # fmt: skip
        assert {row["key"] for row in plan["read"]} == {"orders_30d", "city"}
        assert plan["changes"] is True
        assert [row["name"] for row in plan["campaigns"]] == ["letter"]
        assert shop.send("POST", "/api/v1/tags/plan", {}, role="viewer").status_code == 403
        assert shop.send("POST", "/api/v1/tags/apply", {}, role="viewer").status_code == 403
        begun = shop.send("POST", "/api/v1/tags/apply", {"plan": "0-x-y"})
        job = begun.json()["job"]
        while (shown := shop.get(f"/api/v1/jobs/{job}"))["status"] in ("waiting", "running"):
            pass
        assert (shown["status"], shown["error"]["code"]) == ("failed", "other_tags")
        applied = shop.post("/api/v1/tags/apply", {"plan": plan["plan"]}, role="operator")
        assert (applied["tags"], applied["removed"]) == (["tier", "warm"], [])
        ran = {row["tag"]: row["people"] for row in applied["run"]["tags"]}
        assert {row["key"]: row["after"] for row in plan["tags"]} == {
            key: ran[key] for key in ("tier", "warm")
        }
        assert shop.post("/api/v1/tags/plan", {})["changes"] is False
    finally:
        shop.world.write("tags/tier.yml", TEXTS["tier"])
        shop.post("/api/v1/tags/run", {})


def test_the_tests_of_tag_files_are_tried(shop: Served) -> None:
    listed = "tests:\n  - name: none\n    as_of: 2026-06-01\n    expect: 0\n"
    shop.world.write("tags/orders_30d.yml", TEXTS["orders_30d"] + listed)
    try:
        answer = shop.post("/api/v1/tags/test", {"keys": ["orders_30d"]}, role="viewer")
        assert (answer["ok"], answer["passed"]) == (True, 1)
        fields = tag(shop, "orders_30d")["fields"]
        assert fields["tests"] == [{"name": "none", "as_of": "2026-06-01", "expect": 0}]
    finally:
        shop.world.write("tags/orders_30d.yml", TEXTS["orders_30d"])
