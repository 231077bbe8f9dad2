"""The catalogue counts people per tag, value and category; the unknown are a value of their own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from limner.engine.duckdb import DuckDB
from limner.tags import catalogue, publish
from limner.tags.graph import build
from limner.tags.masking import masked
from limner.tags.run import RunReport, run
from tests.builders import AS_OF, DAY, Names, attributes, engine, events, observed, statistic, tags

TEXTS = {
    "orders": statistic('count("Order Paid")') + "category: buying/rhythm\n",
    "spend": statistic('sum(amount of "Order Paid")', "money") + "category: buying/spend\n",
    "city": observed("city") + "category: who\n",
    "last_order": statistic('last_time("Order Paid")', "instant") + "category: buying/rhythm\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> tuple[DuckDB, RunReport]:
    made = engine(people=4)
    paid = [(0, 3.5), (0, 1), (1, 2)]
    events(made, [(ix, "Order Paid", AS_OF - DAY, {"amount": amount}) for ix, amount in paid])
    attributes(
        made,
        [(0, "city", "上海", AS_OF - DAY), (2, "city", "上海", AS_OF - DAY), (3, "city", "a", AS_OF - DAY)],
    )
    found = tags(TEXTS)
    report = run(made, found, catalog=Names(made, found), as_of=AS_OF, run_id="r1", columns_dir=tmp_path)
    return made, report


@pytest.mark.proves("N5")
def test_a_distribution_holds_the_unknown_and_adds_up(shop: tuple[DuckDB, RunReport]) -> None:
    columns = shop[1].columns
    found = catalogue.distribution("city", columns, now=AS_OF)
    assert [(item.value, item.people, item.unknown) for item in found] == [
        (None, 1, True),
        ("上海", 2, False),
        ("a", 1, False),
    ]
    assert sum(item.people for item in catalogue.distribution("orders", columns, now=AS_OF)) == 4
    folded = catalogue.distribution("city", columns, now=AS_OF, most=1)
    assert [(item.people, item.rest) for item in folded] == [(1, False), (2, False), (1, True)]
    binned = catalogue.distribution("spend", columns, now=AS_OF, most=1)
    assert sum(item.people for item in binned) == 4


def test_sums_are_exact(shop: tuple[DuckDB, RunReport]) -> None:
    columns = shop[1].columns
    assert catalogue.total("spend", columns, now=AS_OF) == 65_000
    assert catalogue.total("orders", columns, now=AS_OF) == 3
    assert catalogue.total("city", columns, now=AS_OF) is None


@pytest.mark.proves("T6")
@pytest.mark.proves("T6")
def test_a_category_counts_distinct_people(shop: tuple[DuckDB, RunReport]) -> None:
    found = catalogue.categories(tags(TEXTS), shop[1].columns, now=AS_OF)
    assert found == {(): 4, ("buying",): 4, ("buying", "rhythm"): 4, ("buying", "spend"): 4, ("who",): 3}


@pytest.mark.proves("T5")
def test_states_and_coverage_follow_time(shop: tuple[DuckDB, RunReport]) -> None:
    made, report = shop
    definitions = tags({**TEXTS, "fresh": TEXTS["city"], "spend": TEXTS["spend"].replace("2 days", "3 days")})
    del definitions["last_order"]
    marks = build(definitions).fingerprints

    def states(days: float) -> dict[str, tuple[str, float]]:
        found = catalogue.entries(
            definitions,
            publish.applied(made),
            report.columns,
            fingerprints=marks,
            now=AS_OF + timedelta(days=days),
        )
        return {item.key: (item.state, item.coverage) for item in found}

    assert states(1) == {
        "orders": ("applied", 1.0),
        "spend": ("changed", 1.0),
        "city": ("applied", 0.75),
        "last_order": ("removed", 0.5),
        "fresh": ("new", 0.0),
    }
    assert states(2)["orders"] == ("expired", 0.0)
    assert states(2)["city"] == ("applied", 0.75)


def test_masked_values_keep_only_a_trace() -> None:
    assert [masked(value) for value in ("wei@example.com", "张伟", 138, None, "", "@x", "a@b")] == [
        "w***@example.com", "张***", "1***", None, "***", "@***", "a***",
    ]  # fmt: skip
