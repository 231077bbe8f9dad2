"""The journey through an open workspace: files in, people, tags, audiences, exports, portraits."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from limner.errors import ConflictError, DefinitionError, NotFoundError, UsageError
from tests.workspace.worlds import World

ORDERS = """\
receipt,customer,sold_at,category,price,quantity
S1,ann,2026-05-02 10:12:00,green tea,58.00,1
S2,ann,2026-05-11 18:40:00,green tea,58.00,2
S3,bob,2026-05-20 09:05:00,teaware,219.00,1
S4,cai,2026-05-21 12:00:00,black tea,130.00,1
R1,cai,2026-05-23 16:30:00,black tea,130.00,-1
S5,,2026-05-24 11:11:00,green tea,39.90,1
"""
ORDERS_MAP = """\
source: till
person: {user_id: customer}
time: {column: sold_at, format: "%Y-%m-%d %H:%M:%S", zone: Asia/Shanghai}
event:
  - when: {column: receipt, starts with: R}
    name: Order Refunded
  - name: Order Paid
properties:
  category: category
  quantity: {column: quantity, type: number}
  amount: {multiply: [price, quantity], type: money}
"""
MEMBERS = """\
user_id,name,city,email,registered_on
ann,=安,上海,ann@example.test,2026-04-01
bob,Bob,杭州,bob@example.test,2026-04-01
cai,蔡,上海,cai@example.test,2026-04-01
"""
MEMBERS_MAP = """\
source: crm
person: {user_id: user_id, email: email}
time: {column: registered_on, format: "%Y-%m-%d", zone: Asia/Shanghai}
event: none
attributes: {name: name, city: city, email: email}
"""
SPENT = """\
title: {en: Spent in 90 days, zh: 近90天消费}
nature: fact
method: statistic
type: money
statistic: sum(amount of "Order *" in last 90 days)
validity: 2 days
category: buying/amount
owner: crm
why: Decides who is a regular.
"""
REGULAR = """\
title: Regular
nature: model
method: rule
type: flag
cases:
  - when: spent_90d >= 100 and did "Order Paid" at least 2 times in last 90 days
    then: true
validity: 2 days
"""


@pytest.fixture
def shop(world: World) -> World:
    """Three members with their orders, two tags and an audience."""
    orders, members = world.write("orders.csv", ORDERS), world.write("members.csv", MEMBERS)
    world.verb("import", file=str(orders), map=str(world.write("orders.map.yml", ORDERS_MAP)))
    world.verb("import", file=str(members), map=str(world.write("members.map.yml", MEMBERS_MAP)))
    world.write("tags/spent_90d.yml", SPENT)
    world.write("tags/regular.yml", REGULAR)
    world.write("audiences/tea.yml", "expression: did \"Order Paid\" where category = 'green tea'\n")
    return world


@pytest.mark.proves("C1", partly="no WeChat callback yet")
def test_each_source_says_what_became_of_every_row(shop: World) -> None:
    again = shop.verb("import", file=str(shop.folder / "orders.csv"), map=str(shop.folder / "orders.map.yml"))
    assert (again["stored"], again["duplicate"]) == (0, 6)
    for source in shop.verb("source list")["sources"]:
        parts = source["stored"] + source["duplicate"] + source["quarantined"] + source["rejected"]
        assert source["received"] == parts > 0
    assert shop.verb("event summary", sum="amount", by=["event"])["groups"][0]["sum"] == "562.9"


@pytest.mark.proves("C5")
def test_a_refund_lowers_exact_spend(shop: World) -> None:
    shop.verb("tag run")
    values = {row["value"]: row["people"] for row in shop.verb("tag show", key="spent_90d")["values"]}
    assert values == {"unknown": 0, "174": 1, "219": 1, "0": 1}
    assert shop.verb("tag show", key="spent_90d")["sum"] == "393"


def test_rules_refer_to_tags_and_audiences_count_exactly(shop: World) -> None:
    ran = shop.verb("tag run")
    assert {tag["tag"]: tag["people"] for tag in ran["tags"]} == {"spent_90d": 3, "regular": 1}
    assert shop.verb("audience count", expression="regular")["count"] == 1
    assert shop.verb("audience count", expression="in audience tea")["count"] == 1
    assert shop.verb("audience count", expression="person.city = '上海' and spent_90d < 100")["count"] == 1
    past = shop.verb("audience count", expression="regular", as_of="2026-05-05")
    assert past["count"] == 0


@pytest.mark.proves("T5")
def test_an_expired_tag_leaves_counts_portraits_and_export_without_an_event(shop: World) -> None:
    from datetime import timedelta

    shop.verb("tag run")
    assert shop.verb("audience count", expression="known(spent_90d)")["count"] == 3
    shop.now += timedelta(days=2, seconds=1)
    assert shop.verb("audience count", expression="known(spent_90d)")["count"] == 0
    shown = shop.verb("person show", id="ann")
    assert not [tag for held in shown["tags"] for tag in held["tags"]]


def test_a_snapshot_records_who_entered_and_left(shop: World) -> None:
    first = shop.verb("audience snapshot", name="tea")
    assert (first["people"], first["entered"], first["left"]) == (1, 1, 0)
    more = ORDERS.splitlines()[0] + "\nS9,bob,2026-05-25 09:00:00,green tea,20.00,1\n"
    shop.verb("import", file=str(shop.write("more.csv", more)), map=str(shop.folder / "orders.map.yml"))
    second = shop.verb("audience snapshot", name="tea")
    assert (second["people"], second["entered"], second["left"]) == (2, 1, 0)
    assert [held["name"] for held in shop.verb("person show", id="bob")["audiences"]] == ["tea"]


def test_an_export_opens_in_a_spreadsheet_runs_no_formula_and_is_logged(shop: World, tmp_path: Path) -> None:
    shop.verb("tag run")
    target = tmp_path / "people.csv"
    answer = shop.verb(
        "audience export",
        name="tea",
        to=str(target),
        columns=["spent_90d", "person.name", "person.city"],
        reason="test",
    )
    content = target.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(content.decode("utf-8-sig").splitlines()))
    assert rows[0][:2] == ["person_id", "user_id"]
    assert answer["people"] == len(rows) - 1 == 1
    assert {"'=安", "上海", "174"} <= set(rows[1])
    parquet = tmp_path / "people.parquet"
    shop.verb("audience export", name="tea", to=str(parquet))
    assert pq.read_table(parquet).num_rows == 1
    with shop.workspace.records.read() as connection:
        logged = connection.exec_driver_sql("SELECT what, people, reason FROM exports ORDER BY at").all()
    assert [tuple(row) for row in logged] == [("audience tea", 1, "test"), ("audience tea", 1, "")]


def test_a_viewers_export_and_portrait_are_masked(shop: World, tmp_path: Path) -> None:
    target = tmp_path / "people.csv"
    shop.verb(
        "audience export", name="tea", to=str(target), columns=["person.email", "person.city"], mask=True
    )
    text = target.read_text(encoding="utf-8-sig")
    assert "ann@example.test" not in text
    assert "上海" in text
    shown = json.dumps(shop.verb("person show", id="ann", mask=True), ensure_ascii=False)
    assert "ann@example.test" not in shown
    assert "=安" not in shown
    assert "ann@example.test" in json.dumps(shop.verb("person show", id="ann"))


@pytest.mark.proves("R1", partly="speed is not shown yet")
def test_a_portrait_holds_identities_attributes_tags_and_timeline(shop: World) -> None:
    shop.verb("tag run")
    shown = shop.verb("person show", id="email:ANN@example.test")
    assert {item["kind"]: item["value"] for item in shown["identities"]} == {
        "user": "ann",
        "email": "ann@example.test",
    }
    assert {item["name"]: item["value"] for item in shown["attributes"]}["city"] == "上海"
    tags = {tag["key"]: tag for held in shown["tags"] for tag in held["tags"]}
    assert tags["spent_90d"]["value"] == "174"
    assert tags["spent_90d"]["expires_at"].startswith("2026-06-03T00:00:00")
    assert tags["regular"]["nature"] == "model"
    timeline = shop.verb("person timeline", id="ann")["events"]
    assert [event["event"] for event in timeline][:2] == ["Order Paid", "Order Paid"]


def test_a_crowds_portrait_compares_with_everybody(shop: World) -> None:
    shop.verb("tag run")
    portrait = shop.verb("audience portrait", name="tea")
    assert (portrait["people"], portrait["everybody"]) == (1, 3)
    regular = next(tag for tag in portrait["tags"] if tag["tag"] == "regular")
    true = next(value for value in regular["values"] if value["value"] == "True")
    assert true["tgi"] == pytest.approx(300)


def test_a_removed_tag_file_removes_the_tag(shop: World) -> None:
    shop.verb("tag run")
    (shop.folder / "tags/regular.yml").unlink()
    assert shop.verb("tag run")["removed"] == ["regular"]
    with pytest.raises(UsageError, match="unknown tag"):
        shop.verb("audience count", expression="regular")


def test_wrong_words_get_a_hint(shop: World) -> None:
    with pytest.raises(NotFoundError, match="no tag") as caught:
        shop.verb("tag show", key="spent_90")
    assert caught.value.hint == "did you mean spent_90d?"
    with pytest.raises(NotFoundError, match="no person"):
        shop.verb("person show", id="nobody")
    with pytest.raises(UsageError, match="not computed yet"):
        shop.verb("audience count", expression="regular")
    shop.verb("tag run")
    with pytest.raises(UsageError, match="not an instant"):
        shop.verb("audience count", expression="regular", as_of="yesterday")
    with pytest.raises(ConflictError):
        shop.verb("audience save", name="tea", expression="spent_90d > 0")


def test_problems_in_files_are_listed_with_place_and_hint(shop: World) -> None:
    assert shop.verb("check")["problems"] == []
    shop.write("tags/vip.yml", REGULAR.replace("spent_90d", "spnt_90d"))
    shop.write("tags/broken.yml", "nature: fact\nmethod: nonsense\n")
    problems = {problem["where"].split(":")[0]: problem for problem in shop.verb("check")["problems"]}
    assert problems["tags/vip.yml"]["hint"] == "did you mean spent_90d?"
    assert problems["tags/vip.yml"]["where"].startswith("tags/vip.yml:6")
    assert problems["tags/broken.yml"]["where"].startswith("tags/broken.yml:2")
    with pytest.raises(DefinitionError):
        shop.verb("tag run")
