"""The ranking against one that looks at everything for everybody, one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.content import ranking
from limner.content.ranking import MILLION, Stock
from limner.engine.duckdb import DuckDB
from tests.builders import engine

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LABELS = ("a", "b", "c")
THING = st.fixed_dictionaries(
    {
        "editor": st.integers(-3, 3).map(lambda n: n * 100_000),
        "age": st.none() | st.integers(0, 60),
        "limited": st.booleans(),
        "labels": st.sets(st.sampled_from(LABELS), max_size=3),
        "languages": st.sets(st.sampled_from(("en", "zh")), max_size=2),
        "people": st.integers(0, 5),
    }
)
PERSON = st.fixed_dictionaries(
    {
        "language": st.sampled_from((None, "en", "zh", "fr")),
        "weights": st.dictionaries(
            st.tuples(st.sampled_from(("interest", "demand")), st.sampled_from(LABELS)),
            st.sampled_from((0.1, 0.25, 0.5, 0.9)),
        ),
        "without": st.sets(st.integers(0, 11)),
        "may": st.sets(st.integers(0, 11)),
    }
)


@pytest.fixture(scope="module")
def made() -> DuckDB:
    return engine()


def pairs(people: list[dict[str, Any]], key: str, n: int) -> pa.Table:
    rows = [(ix, i) for ix, person in enumerate(people) for i in sorted(person[key]) if i < n]
    return pa.table(
        {
            "ix": pa.array([row[0] for row in rows], pa.uint32()),
            "i": pa.array([row[1] for row in rows], pa.int32()),
        }
    )


@settings(max_examples=120, deadline=None)
@given(st.lists(THING, max_size=12), st.lists(PERSON, min_size=1, max_size=5), st.integers(1, 4))
def test_the_shelves_give_everybody_what_looking_at_all_would(
    made: DuckDB, things: list[dict[str, Any]], people: list[dict[str, Any]], count: int
) -> None:
    tags = ("interest", "demand")
    labels = [
        (i, tag, label) for i, one in enumerate(things) for tag in tags for label in sorted(one["labels"])
    ]
    spoken = [(i, language) for i, one in enumerate(things) for language in sorted(one["languages"])]
    stock = Stock(
        names=tuple(f"t{i:02d}" for i in range(len(things))),
        editor=tuple(one["editor"] for one in things),
        began=tuple(None if one["age"] is None else NOW - timedelta(days=one["age"]) for one in things),
        limited=tuple(one["limited"] for one in things),
        labels=pa.table(
            {
                "i": pa.array([row[0] for row in labels], pa.int32()),
                "tag": pa.array([row[1] for row in labels], pa.string()),
                "label": pa.array([row[2] for row in labels], pa.string()),
            }
        ),
        spoken=pa.table(
            {
                "i": pa.array([row[0] for row in spoken], pa.int32()),
                "language": pa.array([row[1] for row in spoken], pa.string()),
            }
        ),
        named=pa.table(
            {
                "i": pa.array([], pa.int32()),
                "property": pa.array([], pa.string()),
                "value": pa.array([], pa.string()),
            }
        ),
    )
    took = [one["people"] for one in things]
    shelves = ranking.shelved(made, stock, took, NOW, popularity=0.3)
    weights = [
        (ix, tag, label, weight)
        for ix, one in enumerate(people)
        for (tag, label), weight in one["weights"].items()
    ]
    found = ranking.ranked(
        made,
        shelves,
        people=pa.table(
            {
                "ix": pa.array(range(len(people)), pa.uint32()),
                "language": [shelves.tongue(one["language"]) for one in people],
            }
        ),
        weights="SELECT * FROM weighed",
        count=count,
        without=pairs(people, "without", len(things)),
        may=pairs(people, "may", len(things)),
        given={
            "weighed": pa.table(
                {
                    "ix": pa.array([row[0] for row in weights], pa.uint32()),
                    "tag": pa.array([row[1] for row in weights], pa.string()),
                    "label": pa.array([row[2] for row in weights], pa.string()),
                    "weight": pa.array([row[3] for row in weights], pa.float64()),
                }
            )
        },
    )
    got: dict[int, list[tuple[int, int]]] = {ix: [] for ix in range(len(people))}
    for row in found.to_pylist():
        assert row["place"] == len(got[row["ix"]]) + 1
        got[row["ix"]].append((row["i"], row["score"]))
    most = max(took, default=0) or 1
    for ix, person in enumerate(people):
        every = []
        for i, one in enumerate(things):
            tongues, language = one["languages"], person["language"]
            readable = language is None or not tongues or language in tongues
            if not readable or i in person["without"] or (one["limited"] and i not in person["may"]):
                continue
            match = max(
                (
                    round(weight * MILLION)
                    for (_, label), weight in person["weights"].items()
                    if label in one["labels"]
                ),
                default=0,
            )
            fresh = 0 if one["age"] is None else round(100_000 * 2.0 ** (-one["age"] / 14))
            every.append((i, match + one["editor"] + 300_000 * one["people"] // most + fresh))
        assert got[ix] == sorted(every, key=lambda pair: (-pair[1], pair[0]))[:count]


def test_of_a_long_list_the_first_places_are_right_although_much_is_left_out(made: DuckDB) -> None:
    """1,000 products of one label: the three best that somebody did not buy, for one who bought the first fifty."""
    n = 1_000
    i = pa.array(range(n), pa.int32())
    stock = Stock(
        tuple(f"p{k:04d}" for k in range(n)), (0,) * n, (None,) * n, (False,) * n,
        pa.table({"i": i, "tag": ["interest"] * n, "label": ["tea"] * n}),
        pa.table({"i": pa.array([], pa.int32()), "language": pa.array([], pa.string())}),
        pa.table({"i": i, "property": ["sku"] * n, "value": ["x"] * n}),
    )  # fmt: skip
    shelves = ranking.shelved(made, stock, [n - k for k in range(n)], NOW)
    found = ranking.ranked(
        made, shelves, people=pa.table({"ix": pa.array([7, 8], pa.uint32()), "language": ["", "*"]}),
        weights="SELECT 7::UINTEGER AS ix, 'interest' AS tag, 'tea' AS label, 0.5 AS weight", count=3,
        without=pa.table({"ix": pa.array([7] * 50, pa.uint32()), "i": pa.array(range(50), pa.int32())}),
    ).to_pylist()  # fmt: skip
    assert [(row["ix"], row["i"]) for row in found] == [(7, 50), (7, 51), (7, 52), (8, 0), (8, 1), (8, 2)]
    assert [row["match"] for row in found] == [500_000] * 3 + [0] * 3
