"""A real shop's half a million order lines: the public figures, exactly, through the product's own verbs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.retail import RETAIL
from tests.workspace.worlds import World

BOUGHT = "where (quantity > 0 and price > 0)"
UK = "where (quantity > 0 and price > 0 and country = 'United Kingdom')"
TAGS = {
    "lines": ("number", f"count(Purchased {BOUGHT})"),
    "invoices": ("number", f"distinct(invoice of Purchased {BOUGHT})"),
    "revenue": ("money", f"sum(amount of Purchased {BOUGHT})"),
    "revenue_uk": ("money", f"sum(amount of Purchased {UK})"),
}

pytestmark = pytest.mark.datasets


@pytest.fixture(scope="module")
def answers(datasets: Path) -> dict[str, dict[str, object]]:
    listed = json.loads((datasets / "data" / "known_answers.json").read_text(encoding="utf-8"))["answers"]
    return {answer["id"]: answer["expected"] for answer in listed}


@pytest.fixture(scope="module")
def shop(datasets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("retail") / "shop", now=datetime(2011, 12, 10, tzinfo=UTC))
    mapping = world.write("online_retail.map.yml", RETAIL)
    report = world.verb("import", file=str(datasets / "data" / "online_retail.csv.gz"), map=str(mapping))
    assert (report["stored"], report["quarantined"], report["rejected"]) == (541_909, 0, 0)
    for key, (kind, statistic) in TAGS.items():
        world.write(
            f"tags/{key}.yml",
            f'nature: fact\nmethod: statistic\ntype: {kind}\nstatistic: "{statistic}"\nvalidity: 2 days\n',
        )
    world.verb("tag run")
    yield world
    world.close()


def test_the_whole_file_summarised(shop: World, answers: dict[str, dict[str, object]]) -> None:
    known = answers["or-1"]
    row = "invoice,stock,description,quantity,time,price,person,country"
    found = {
        "rows": shop.verb("event summary")["events"],
        "customers": shop.verb("event summary", distinct="person")["distinct"],
        "invoices": shop.verb("event summary", distinct="invoice")["distinct"],
        "stock": shop.verb("event summary", distinct="stock")["distinct"],
        "countries": shop.verb("event summary", distinct="country")["distinct"],
        "no_customer": shop.verb("event summary", where="not known(person)")["events"],
        "cancel_rows": shop.verb("event summary", where="event = 'Cancelled'")["events"],
        "cancel_invoices": shop.verb("event summary", where="event = 'Cancelled'", distinct="invoice")[
            "distinct"
        ],
        "exact_duplicates": 541_909 - shop.verb("event summary", distinct=row)["distinct"],
    }
    assert found == {key: known[key] for key in found}
    assert Decimal(shop.verb("event summary", sum="amount")["sum"]) == Decimal(str(known["revenue"]))


@pytest.mark.proves("C1", partly="no WeChat callback yet")
@pytest.mark.proves("P12")
def test_buyers_and_their_money_through_tags_and_audiences(
    shop: World, answers: dict[str, dict[str, object]]
) -> None:
    known = answers["or-2"]
    sums = {key: Decimal(str(shop.verb("tag show", key=key)["sum"])) for key in TAGS}
    assert sums["lines"] == known["rows"]
    assert sums["invoices"] == known["invoices"]
    assert sums["revenue"] == Decimal(str(known["revenue"]))
    assert sums["revenue_uk"] == Decimal("7308391.554")
    assert round(sums["revenue_uk"], 2) == Decimal(str(known["uk_revenue"]))
    for expression, people in (
        (f"did Purchased {BOUGHT}", known["customers"]),
        ("lines > 0", known["customers"]),
        (f"did Purchased {UK}", known["uk_customers"]),
        ("revenue_uk > 0", known["uk_customers"]),
    ):
        assert shop.verb("audience count", expression=expression)["count"] == people, expression


def test_net_revenue_by_country(shop: World, answers: dict[str, dict[str, object]]) -> None:
    groups = shop.verb("event summary", by=["country"], sum="amount")["groups"]
    found = {group["country"]: Decimal(group["sum"]) for group in groups}
    names = ("United Kingdom", "Netherlands", "EIRE", "Germany", "France")
    for name, known in zip(names, answers["or-3"], strict=True):
        assert abs(found[name] - Decimal(str(known))) <= Decimal("0.01"), name


def test_the_same_file_again_adds_nothing(shop: World, datasets: Path) -> None:
    report = shop.verb(
        "import",
        file=str(datasets / "data" / "online_retail.csv.gz"),
        map=str(shop.folder / "online_retail.map.yml"),
    )
    assert (report["stored"], report["duplicate"]) == (0, 541_909)
    assert shop.verb("event summary")["events"] == 541_909
