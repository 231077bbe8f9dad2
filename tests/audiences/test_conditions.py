"""What the builder counts while one edits is what the audience becomes when it is kept."""

from __future__ import annotations

import random

import pytest

from limner.audiences import conditions, evaluate
from limner.audiences.conditions import Data, measure
from limner.audiences.leaves import Leaves
from limner.engine.duckdb import DuckDB
from limner.expressions import parse
from tests.builders import AS_OF, DAY, NAMES, Names, engine, erase, events, merge

PEOPLE = 120
BEHAVIOUR = [
    'did "Order Paid"',
    'did "Order Paid" exactly 2 times',
    'did "Order Paid" exactly 0 times in last 9 days',
    'did "Order Paid" at least 3 times in last 40 days',
    'did "Order Paid" at most 1 times in last 40 days',
    'did "Order Paid" fewer than 2 times',
    'did "Order Paid" more than 2 times where amount > 50',
    "did \"Order Paid\" in last 9 days where category = '茶'",
    'did "Order Paid" since first "$page"',
    "did Nothing",
    "did Nothing at most 3 times",
    'did "$page" then "Order Paid" within 5 days',
    'did "$page" in last 30 days then "Product Viewed" within 9 days then "Order Paid" within 9 days',
    'did "$page" then "Order Paid" within 9 days without "Message Opened"',
]


@pytest.fixture(scope="module")
def shop() -> DuckDB:
    """Random events of people, two of whom are no more, and of nobody."""
    made = engine(PEOPLE)
    draw = random.Random(5)
    ixs = [None, *range(PEOPLE - 20)]
    events(
        made,
        [
            (draw.choice(ixs), draw.choice(NAMES), AS_OF - draw.random() * 60 * DAY, properties)
            for properties in (
                {"amount": draw.randint(1, 99), "category": draw.choice("茶杯")} for _ in range(1500)
            )
        ],
    )
    merge(made, 3, into=7)
    erase(made, 5)
    return made


def asked(made: DuckDB) -> Data:
    return Data(made, Names(made), None, None, {}, 1)


@pytest.mark.proves("A1")
@pytest.mark.parametrize("text", BEHAVIOUR)
@pytest.mark.parametrize("most", [conditions.MOST_EVENTS, 0])
def test_a_part_counts_whom_the_audience_holds(
    shop: DuckDB, text: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "MOST_EVENTS", most)
    expected = list(
        evaluate.people(parse(text), columns=None, catalog=Names(shop), engine=shop, as_of=AS_OF, graph=None)
    )
    found = measure(parse(text), asked(shop), as_of=AS_OF, leaves=Leaves())
    assert list(found.who) == expected
    assert 5 not in found.who
    assert [one.people for one in found.conditions] == [len(expected)]
    among = f"did Searched at most 0 times and ({text})"
    assert list(measure(parse(among), asked(shop), as_of=AS_OF, leaves=Leaves()).who) == expected


def test_the_parts_differ_from_one_another(shop: DuckDB) -> None:
    sizes = [len(measure(parse(text), asked(shop), as_of=AS_OF, leaves=Leaves()).who) for text in BEHAVIOUR]
    assert sum(0 < size < PEOPLE - 2 for size in sizes) >= len(BEHAVIOUR) - 3


def test_nobody_did_anything_where_nobody_is() -> None:
    for text in BEHAVIOUR:
        assert not measure(parse(text), asked(engine()), as_of=AS_OF, leaves=Leaves()).who
