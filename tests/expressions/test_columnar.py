"""Both executors answer alike: SQL over tag tables, numpy over the columns published from them."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from limner.columns import Column, Columns, Given, column
from limner.errors import ExpressionError
from limner.expressions import (
    NotInColumns,
    check,
    columnar,
    columns_count,
    columns_mask,
    parse,
    people,
    to_text,
)
from limner.expressions import tree as t
from limner.expressions.predicate import OPERATORS, holds, microseconds
from limner.types import ValueType, naive
from tests.expressions.strategies import combined, windows
from tests.expressions.world import AS_OF, World

CITIES = ["Shanghai", "上海", "Beijing", "", "100%_", "sh", "Xi'an"]


def stored(kind: str, value):
    """A value as columns keep it."""
    if isinstance(value, datetime):
        return microseconds(naive(value))
    return round(value * 10_000) if kind == "money" else value


@pytest.fixture(scope="module")
def both():
    """Five hundred people, some without each value, one erased; the same tags as tables and as columns."""
    dice, world = np.random.default_rng(11), World()
    n = 500
    for i in range(n):
        world.person(f"u{i}")
    given = {
        "vip": ("flag", lambda: bool(dice.integers(2))),
        "city": ("text", lambda: CITIES[dice.integers(len(CITIES))]),
        "orders": ("number", lambda: float(dice.integers(-2, 40))),
        "score": ("number", lambda: float(dice.normal())),
        "spent": ("money", lambda: int(dice.integers(-5, 300)) / 4),
        "born": ("instant", lambda: AS_OF + timedelta(hours=int(dice.integers(-900, 900)))),
    }
    made = {}
    for key, (kind, draw) in given.items():
        values = {f"u{i}": draw() for i in range(n) if dice.random() < 0.8}
        world.tag(key, kind, values)
        ix = np.array([world.users[user] for user in values])
        raw = [stored(kind, value) for value in values.values()]
        labels: list[str] = []
        if kind == "text":
            labels = CITIES
            raw = [CITIES.index(value) + 1 for value in raw]
        typed = np.array(raw, dtype={"flag": bool, "text": np.uint8, "number": float}.get(kind, np.int64))
        made[key] = column(key, Given(ValueType(kind), ix, typed, labels), n)
    plain = made["score"]
    made["score"] = type(plain)(
        "score", ValueType.NUMBER, None, None,
        np.where(plain.codes > 0, np.append(0.0, plain.labels)[plain.codes], 0.0), plain.codes > 0,
    )  # fmt: skip
    with world.engine.write() as tx:
        tx.execute("UPDATE persons SET erased = TRUE WHERE ix = 7")
    alive = np.ones(n, dtype=bool)
    alive[7] = False
    yield world, Columns.memory(n=n, as_of=AS_OF, alive=alive, columns=made)
    world.engine.close()


def literals(key: str):
    """Literals that fit the tag, and some that nearly do."""
    return {
        "vip": st.booleans().map(t.Flag),
        "city": st.sampled_from([*CITIES, "b"]).map(t.Text),
        "orders": st.sampled_from([-3, -2, 0, 3, 3.5, 39, 40, 10**30]).map(t.Number),
        "score": st.sampled_from([-1, 0, 0.25, 1e300]).map(t.Number),
        "spent": st.sampled_from([-1.25, 0, 10.5, 0.00001, 75]).map(t.Number),
        "born": st.sampled_from(["2025-06-01", "2025-06-15T12:00:00Z", "2025-07-01T00:00:00+08:00"]).map(
            t.Instant
        ),
    }[key]


def one_test_of(key: str):
    """One test of the tag."""
    name, literal = t.Name(key), literals(key)
    kinds = [
        st.builds(t.Compare, st.just(name), st.sampled_from(t.COMPARISONS), literal),
        st.builds(t.Compare, literal, st.sampled_from(t.COMPARISONS), st.just(name)),
        st.builds(t.Among, st.just(name), st.lists(literal, min_size=1, max_size=4).map(tuple)),
        st.builds(t.Between, st.just(name), literal, literal),
        st.just(t.Known(name)),
    ]
    if key == "city":
        kinds.append(
            st.builds(
                t.TextTest,
                st.just(name),
                st.sampled_from(t.TEXT_TESTS[:3]),
                st.sampled_from(["", "h", "上", "%"]).map(t.Text),
            )
        )
        kinds.append(st.just(t.TextTest(name, "matches", t.Text("^[A-Z].*i$"))))
    if key == "born":
        kinds.append(st.builds(t.Within, st.just(name), windows(ahead=True)))
    if key == "vip":
        kinds.append(st.just(name))
    return st.one_of(kinds)


conditions = combined(
    st.one_of([one_test_of(key) for key in ("vip", "city", "orders", "score", "spent", "born")])
)


@given(tree=conditions)
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
def test_both_executors_agree(both, tree):
    world, columns = both
    try:
        check(tree, world.catalog)
    except ExpressionError:
        assume(False)
    query = people(tree, world.catalog, AS_OF)
    expected = sorted(world.engine.read(query.sql, query.values).column("ix").to_pylist())
    mask = columns_mask(tree, columns, as_of=AS_OF)
    assert mask.dtype == np.bool_
    assert np.flatnonzero(mask).tolist() == expected, to_text(tree)
    assert columns_count(tree, columns, as_of=AS_OF) == len(expected)


@pytest.mark.parametrize(
    "text",
    [
        "did A",
        "person.city = 'x'",
        "count(*) > 1",
        "in audience x",
        "unpublished = 1",
        "orders = score",
        "sample(0.1, 1)",
        "orders",
        "vip and did A",
    ],
)
def test_what_needs_more_than_tags_says_so(both, text):
    with pytest.raises(NotInColumns):
        columns_mask(parse(text), both[1])


def test_a_window_needs_as_of(both):
    with pytest.raises(NotInColumns):
        columns_count(parse("born in last 7 days"), both[1])


def test_blocks_do_not_change_the_answer(both, monkeypatch):
    tree = parse("orders between 3 and 20 and not city = 'Beijing' or spent > 10.5")
    whole = columns_mask(tree, both[1])
    monkeypatch.setattr(columnar, "BLOCK", 7)
    assert (columns_mask(tree, both[1]) == whole).all()


@pytest.mark.parametrize("dtype", [np.int16, np.int64, np.float32])
def test_codes_of_a_wrong_type_are_refused(both, dtype):
    world_column = both[1].column("orders")
    wrong = type(world_column)(
        "orders", ValueType.NUMBER, world_column.codes.astype(dtype), world_column.labels
    )
    columns = Columns.memory(n=500, as_of=AS_OF, alive=both[1].alive, columns={"orders": wrong})
    with pytest.raises(TypeError):
        columns_count(parse("orders > 1"), columns)


NUMBERS = st.one_of(
    st.integers(-20, 20),
    st.sampled_from([2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**30, -(10**30)]),
    st.integers(-4, 4).map(lambda n: n + 0.5),
    st.sampled_from([0.00005, -0.00005, 1.00001, 1e300]),
)


@given(
    kind=st.sampled_from([ValueType.NUMBER, ValueType.MONEY, ValueType.INSTANT]),
    whole=st.lists(st.one_of(st.integers(-12, 12), st.sampled_from([2**53 + 1, 2**63 - 1])), unique=True),
    test=st.one_of(
        st.builds(t.Compare, st.just(t.Name("x")), st.sampled_from(sorted(OPERATORS)), NUMBERS.map(t.Number)),
        st.builds(
            t.Compare,
            st.just(t.Name("x")),
            st.sampled_from(sorted(OPERATORS)),
            st.sampled_from([t.Text("2"), t.Text("上海"), t.Instant("1970-01-01"), t.Flag(True)]),
        ),
        st.builds(t.Among, st.just(t.Name("x")), st.lists(NUMBERS.map(t.Number), min_size=1).map(tuple)),
        st.builds(t.Between, st.just(t.Name("x")), NUMBERS.map(t.Number), NUMBERS.map(t.Number)),
    ),
)
def test_ranges_of_sorted_labels_are_those_that_satisfy_the_test_one_by_one(kind, whole, test):
    stored = np.float64 if kind is ValueType.NUMBER else np.int64
    labels = np.unique(np.array(whole, dtype=np.int64).astype(stored))
    codes = np.arange(len(labels) + 1, dtype=np.uint8)
    columns = Columns.memory(
        n=len(codes),
        as_of=AS_OF,
        alive=np.ones(len(codes), dtype=np.bool_),
        columns={"x": Column("x", kind, codes, labels)},
    )
    one_by_one = holds(test, labels.tolist(), kind, as_of=naive(AS_OF), zone="UTC")
    assert columns_mask(test, columns).tolist() == [False, *one_by_one]
