"""The summary of events: exact sums, distinct values and groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from limner.errors import UsageError
from tests.imports.world import ORDERS, World, open_world

MAPPING = (
    ORDERS
    + """
properties:
  city: city
  price: {column: price, type: money}
  n: {column: n, type: number}
"""
)

ROWS = """id,at,city,price,n
1,2024-01-01,A,0.1,0.1
1,2024-01-02,A,0.2,0.2
2,2024-01-03,B,-0.1,
,2024-01-04,,,1000
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    for world in open_world(tmp_path):
        (tmp_path / "x.csv").write_text(ROWS)
        world.take(tmp_path / "x.csv", MAPPING)
        yield world


def test_sums_are_exact_decimals(world: World) -> None:
    assert world.summary() == {"events": 4}
    assert world.summary(sum="price") == {"events": 4, "sum": "0.2"}
    assert world.summary(sum="n") == {"events": 4, "sum": "1000.3"}
    assert world.summary("FALSE", sum="price") == {"events": 0, "sum": "0"}


def test_a_sum_of_numbers_too_large_for_millionths_is_answered_as_a_fraction(
    world: World, tmp_path: Path
) -> None:
    (tmp_path / "y.csv").write_text("id,at,city,price,n\n1,2024-01-01,A,,1e300\n")
    world.take(tmp_path / "y.csv", MAPPING)
    assert world.summary(sum="n")["sum"] == "1e+300"


def test_one_name_counts_values_and_several_count_combinations(world: World) -> None:
    assert world.summary(distinct="city")["distinct"] == 2
    assert world.summary(distinct="person")["distinct"] == 2
    assert world.summary(distinct="city, person")["distinct"] == 3
    assert world.summary(distinct=["time", "event", "source"])["distinct"] == 4


def test_groups_come_with_the_most_events_first(world: World) -> None:
    assert world.summary(by=["city"], sum="price", distinct="person")["groups"] == [
        {"city": "A", "events": 2, "sum": "0.3", "distinct": 1},
        {"city": "B", "events": 1, "sum": "-0.1", "distinct": 1},
        {"city": None, "events": 1, "sum": "0", "distinct": 0},
    ]


def test_built_in_groups_are_shown_by_name(world: World) -> None:
    (group,) = world.summary(by=["event", "source"])["groups"]
    assert group == {"event": "Bought", "source": "shop", "events": 4}
    people = {item["person"]: item["events"] for item in world.summary(by=["person"])["groups"]}
    assert sorted(people.values()) == [1, 1, 2]
    assert None in people
    times = world.summary(by=["time", "price"])["groups"]
    assert times[0] == {"time": "2024-01-01T00:00:00Z", "price": "0.1", "events": 1}


def test_a_condition_restricts_everything(world: World) -> None:
    found = world.summary(f"{world.col('city')} = $city OR FALSE", {"city": "A"}, by=["city"], sum="price")
    assert (found["events"], found["sum"], len(found["groups"])) == (2, "0.3", 1)


def test_many_groups_are_cut_and_counted(world: World, tmp_path: Path) -> None:
    rows = "".join(f"1,2024-01-01,C{n},,\n" for n in range(1_500))
    (tmp_path / "y.csv").write_text("id,at,city,price,n\n" + rows)
    world.take(tmp_path / "y.csv", MAPPING)
    found = world.summary(by=["city"])
    assert (len(found["groups"]), found["more_groups"]) == (1_000, 503)
    assert found["groups"][0] == {"city": "A", "events": 2}


def test_an_unknown_property_is_named_with_the_nearest(world: World) -> None:
    with pytest.raises(UsageError, match="did you mean city") as error:
        world.summary(by=["citty"])
    assert error.value.code == "unknown_property"
    with pytest.raises(UsageError) as error:
        world.summary(sum="city")
    assert error.value.code == "not_a_number"
