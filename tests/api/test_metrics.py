"""Metrics through the API: what viewers see, and who may write them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.api.served import Served, serving
from tests.builders import observed

START = datetime(2026, 6, 1, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("metrics") / "shop", now=START) as made:
        made.identify("ann", city="Paris")
        made.identify("bob", city="Rome")
        made.world.write("tags/city.yml", observed("city"))
        made.world.write("metrics/told.yml", "title: Told\nmeasure: count(*)\n")
        made.world.now += timedelta(minutes=1)
        made.post("/api/v1/tags/run", {})
        yield made


def test_a_viewer_reads_a_metric_by_tags(shop: Served) -> None:
    (row,) = shop.get("/api/v1/metrics", role="viewer")["metrics"]
    assert (row["key"], row["titles"], row["measure"]) == ("told", {"": "Told"}, "count(*)")
    found = shop.get("/api/v1/metrics/told?by=city", role="viewer")
    assert sorted(item["values"] for item in found["rows"]) == [["Paris"], ["Rome"]]
    assert sum(item["value"] for item in found["rows"]) == found["total"]["value"]
