"""Figures that others have published, reproduced exactly through mapping, log, loader and summary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.imports.world import World, open_world
from tests.retail import RETAIL

pytestmark = pytest.mark.datasets


@pytest.fixture(scope="module")
def retail(datasets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    for world in open_world(tmp_path_factory.mktemp("retail")):
        report = world.take(datasets / "data" / "online_retail.csv.gz", RETAIL)
        assert (report.received, report.stored) == (541_909, 541_909)
        yield world


@pytest.fixture(scope="module")
def expected(datasets: Path) -> dict[str, Any]:
    known = json.loads((datasets / "data" / "known_answers.json").read_text())
    items = next(value for value in known.values() if isinstance(value, list))
    return {item["id"]: item["expected"] for item in items}


@pytest.mark.proves("C1", partly="no WeChat callback yet")
@pytest.mark.proves("C1", "C5")
def test_online_retail_rows_people_and_revenue_are_the_published_ones(
    retail: World, expected: dict[str, Any]
) -> None:
    known = expected["or-1"]
    whole = retail.summary(sum="amount", distinct="person")
    everything = "event,time,person,invoice,stock,description,quantity,price,country"
    cancelled = f"{retail.col('invoice')} LIKE 'C%'"
    assert whole["events"] == known["rows"]
    assert Decimal(whole["sum"]) == Decimal(str(known["revenue"]))
    assert whole["distinct"] == known["customers"]
    assert retail.summary(distinct="invoice")["distinct"] == known["invoices"]
    assert retail.summary(distinct="stock")["distinct"] == known["stock"]
    assert retail.summary(distinct="country")["distinct"] == known["countries"]
    assert retail.summary("ix IS NULL")["events"] == known["no_customer"]
    assert retail.summary(cancelled)["events"] == known["cancel_rows"]
    assert retail.summary(cancelled, distinct="invoice")["distinct"] == known["cancel_invoices"]
    assert known["rows"] - retail.summary(distinct=everything)["distinct"] == known["exact_duplicates"]


@pytest.mark.proves("C5")
def test_online_retail_purchases_alone_are_the_published_ones(
    retail: World, expected: dict[str, Any]
) -> None:
    known = expected["or-2"]
    bought = f"ix IS NOT NULL AND {retail.col('quantity')} > 0 AND {retail.col('price')} > 0"
    whole = retail.summary(bought, sum="amount", distinct="person")
    assert (whole["events"], whole["distinct"]) == (known["rows"], known["customers"])
    assert Decimal(whole["sum"]) == Decimal(str(known["revenue"]))
    assert retail.summary(bought, distinct="invoice")["distinct"] == known["invoices"]
    british = f"{bought} AND {retail.col('country')} = $country"
    found = retail.summary(british, {"country": "United Kingdom"}, sum="amount", distinct="person")
    assert found["distinct"] == known["uk_customers"]
    assert round(Decimal(found["sum"]), 2) == Decimal(str(known["uk_revenue"]))


@pytest.mark.proves("C5")
def test_online_retail_revenue_by_country_counts_cancellations(
    retail: World, expected: dict[str, Any]
) -> None:
    groups = retail.summary(by=["country"], sum="amount")["groups"]
    found = {group["country"]: Decimal(group["sum"]) for group in groups}
    names = ("United Kingdom", "Netherlands", "EIRE", "Germany", "France")
    for name, amount in zip(names, expected["or-3"], strict=True):
        assert abs(found[name] - Decimal(str(amount))) <= Decimal("0.01")


def test_importing_online_retail_again_stores_nothing(retail: World, datasets: Path) -> None:
    report = retail.take(datasets / "data" / "online_retail.csv.gz", RETAIL)
    assert (report.stored, report.duplicate) == (0, 541_909)
    assert retail.summary()["events"] == 541_909


def test_complete_journey_parquet_is_read_with_its_own_types(datasets: Path, tmp_path: Path) -> None:
    mapping = """
    person: {user_id: household_id}
    time: {column: transaction_timestamp, zone: America/New_York}
    event: Bought
    properties:
      basket: basket_id
      product: {column: product_id, type: text}
      quantity: quantity
      amount: {column: sales_value, type: money}
    """
    for world in open_world(tmp_path):
        report = world.take(datasets / "data" / "cj_transactions_sample.parquet", mapping)
        assert (report.received, report.stored) == (75_000, 75_000)
        assert report.warnings == {"binary_noise": 1}
        assert world.summary(sum="amount")["sum"] == "233935.24"


def test_telco_members_become_people_with_attributes(datasets: Path, tmp_path: Path) -> None:
    mapping = """
    person: {user_id: customerID}
    attributes:
      tenure: {column: tenure, type: number}
      contract: Contract
      monthly: {column: MonthlyCharges, type: money}
    """
    for world in open_world(tmp_path):
        report = world.take(datasets / "data" / "telco_churn.csv.gz", mapping)
        assert (report.received, report.stored) == (7_043, 7_043)
        assert world.one("SELECT COUNT(DISTINCT ix) FROM attributes WHERE name = 'tenure'") == 7_043
