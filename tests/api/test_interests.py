"""Labels with weights over the API: in the portrait, on the tag's page, in conditions, explained, erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.api.served import Served, serving

INTEREST = (
    "title: {en: Interests, zh: 兴趣}\nnature: fact\nmethod: statistic\ntype: text\nstatistic: "
    'interest(category of "Product Viewed" * 1, "Order Paid" * 8 half life 14 days)\nvalidity: 2 days\n'
)
KEEN = (
    "nature: model\nmethod: rule\ntype: flag\ncases:\n  - when: weight(interest, 'tea') >= 0.3\n    then: true\n"
    "validity: 2 days\n"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("interests") / "shop") as made:
        then = (made.world.now - timedelta(days=14)).isoformat()
        made.track("m-001", "Order Paid", at=then, category="tea")
        made.track("m-001", "Order Paid", at=then, category="tea")
        made.track("m-001", "Order Paid", at=then, category="cups")
        made.track("m-002", "Product Viewed", at=then, category="cups")
        made.track("m-003", "Product Viewed", at=then, category="pots")
        made.world.write("tags/interest.yml", INTEREST)
        made.world.write("tags/keen.yml", KEEN)
        made.world.write("audiences/tea_people.yml", "expression: weight(interest, 'tea') > 0.2\n")
        made.world.now += timedelta(minutes=1)
        made.world.verb("tag run")
        yield made


def test_a_portrait_has_every_label_with_its_weight(served: Served) -> None:
    groups = served.get("/api/v1/people/m-001")["tags"]
    tags = {tag["key"]: tag for group in groups for tag in group["tags"]}
    interest = tags["interest"]
    assert interest["value"] == "tea"
    assert [(item["label"], round(item["weight"], 3)) for item in interest["labels"]] == [
        ("tea", round(8 / 18, 3)),
        ("cups", round(4 / 14, 3)),
    ]
    assert interest["weight"] == interest["labels"][0]["weight"]
    assert interest["formula"] == "weight = s / (s + 10), s = points × 2^(−age / 14 days)"
    assert (tags["keen"]["labels"], tags["keen"]["weight"], tags["keen"]["formula"]) == ([], None, None)
    before = served.get("/api/v1/people/m-001", as_of=(served.world.now - timedelta(days=13)).isoformat())
    (then,) = [tag for group in before["tags"] for tag in group["tags"] if tag["key"] == "interest"]
    assert then["labels"][0]["weight"] > 0.6


def test_the_tags_page_has_the_labels_by_mean_weight(served: Served) -> None:
    tag = served.get("/api/v1/tags/interest")
    labels = {item["label"]: item for item in tag["labels"]}
    assert list(labels) == ["tea", "cups", "pots"]
    assert labels["tea"]["mean"] == pytest.approx(8 / 18 / 3, abs=1e-3)
    assert labels["cups"]["mean"] == pytest.approx((4 / 14 + 0.5 / 10.5) / 3, abs=1e-3)
    assert (labels["cups"]["people"], labels["cups"]["top"]) == (2, 1)
    assert served.get("/api/v1/people", where=labels["cups"]["where"])["total"] == 2
    assert tag["formula"].startswith("weight = s / (s + 10)")
    assert served.get("/api/v1/tags/keen")["labels"] == []


def test_a_condition_counts_exactly_and_an_audience_holds_it(served: Served) -> None:
    assert served.get("/api/v1/people", where="weight(interest, 'tea') >= 0.3")["total"] == 1
    assert served.get("/api/v1/people", where="keen")["total"] == 1
    assert served.get("/api/v1/people", where="weight(interest, 'cups') < 0.1")["total"] == 2
    assert served.world.verb("audience count", expression="in audience tea_people")["count"] == 1
    wrong = served.send("GET", "/api/v1/people", where="weight(keen, 'tea') > 0")
    assert wrong.status_code == 422
    assert "has no weights" in wrong.json()["message"]


def test_why_names_the_events_and_the_weights(served: Served) -> None:
    why = served.get("/api/v1/people/m-001/tags/interest/why")
    assert (why["value"], why["agrees"], why["statistic"]["deciding"]) == ("tea", True, 2)
    assert [item["label"] for item in why["weights"]["labels"]] == ["tea", "cups"]
    assert why["because"]["named"] == 2
    assert (why["ends"]["said"], why["ends"]["proved"]) == (True, True)
    assert served.get("/api/v1/people/m-001/tags/keen/why")["rule"]["cases"][0]["holds"]
    member = served.world.verb("audience why", id="m-001", name="tea_people")
    assert member["member"]
    assert (member["because"]["said"], member["because"]["text"]["code"]) == (True, "decided_events")


def test_an_erased_person_leaves_no_points_behind(served: Served) -> None:
    served.world.verb("person erase", id="m-003")
    engine = served.world.workspace.engine
    for table in ("points_interest", "weighed_interest"):
        assert engine.read(f"SELECT * FROM {table} WHERE label = 'pots'").num_rows == 0
    assert [item["label"] for item in served.get("/api/v1/tags/interest")["labels"]] == ["tea", "cups"]
