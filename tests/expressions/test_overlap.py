"""Whether two conditions can hold at once: what is proved holds for every value there is."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.expressions import parse, to_text
from limner.expressions import tree as t
from limner.expressions.overlap import Verdict, decide
from limner.expressions.predicate import OPERATORS, holds
from limner.types import ValueType
from tests.builders import AS_OF, Names, engine, observed, tags

KINDS = {
    "n": ValueType.NUMBER,
    "s": ValueType.TEXT,
    "f": ValueType.FLAG,
    "paid": ValueType.MONEY,
    "born": ValueType.INSTANT,
}
MADE = engine()
NAMES = Names(MADE, tags({key: observed(key, str(kind)) for key, kind in KINDS.items()}))


def verdict(first: str, second: str) -> Verdict:
    return decide(parse(first), parse(second), NAMES)


@pytest.mark.proves("B10")
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("n < 1", "n >= 1"),
        ("n between 1 and 2", "n > 2"),
        ("n = 1 or n = 2", "n in (3, 4)"),
        ("s = 'a'", "s in ('b', 'c')"),
        ("s = 'ab'", "s starts with 'b'"),
        ("known(s)", "not known(s)"),
        ("n > 1", "not known(n)"),
        ("f", "not f"),
        ("paid > 1", "paid < 1.0001"),
        ("born in last 7 days", "born more than 8 days ago"),
        ("born since 2025-01-01", "born before 2025-01-01"),
        ('did "Order Paid" in last 30 days', 'not did "Order Paid" in last 30 days'),
        ('did "Order Paid" at least 2 times in last 30 days', 'count("Order Paid" in last 30 days) < 2'),
        ('did "Order Paid" in last 7 days', 'not did "Order Paid" in last 90 days'),
        ('did "Order Paid" more than 3 times in last 7 days', 'did "Order Paid" at most 3 times'),
        ('count("Order Paid") > 1', 'count("Order Paid") < 2'),
        ('first did "Order Paid" in last 7 days', 'first did "Order Paid" more than 9 days ago'),
        ("person.age >= 18", "person.age < 18"),
        ("person.city = '上海' and n > 1", "not person.city = '上海'"),
        ("in audience x", "not in audience x"),
        ("(n > 1 and s = 'a') or (n < 0 and s = 'b')", "n > 0 and s = 'b'"),
        ("f and not f", "n > 1"),
    ],
)
def test_what_cannot_hold_together_is_proved(first: str, second: str) -> None:
    assert verdict(first, second).relation == "exclusive"
    assert verdict(second, first).relation == "exclusive"


@pytest.mark.parametrize(
    ("first", "second", "witness"),
    [
        ("n > 1", "n < 5", {"n": "2"}),
        ("n >= 1", "s = 'a'", {"n": "1", "s": "'a'"}),
        ("paid >= 10.5", "paid <= 11", {"paid": "10.5"}),
        ("not f", "known(f)", {"f": "false"}),
        ("s != 'a'", "s != 'another text'", {"s": "'another text 2'"}),
        ("not n > 1", "n > 0", {"n": "1"}),
        (
            'did "Order Paid" at least 2 times in last 30 days',
            'did "Order Paid" at most 9 times in last 90 days',
            {'count("Order Paid" in last 30 days)': "2", 'count("Order Paid" in last 90 days)': "2"},
        ),
        ("born in last 7 days", "born more than 3 days ago", {"born": "7 days before the instant"}),
    ],
)
def test_what_can_hold_together_has_a_witness(first: str, second: str, witness: dict[str, str]) -> None:
    found = verdict(first, second)
    assert (found.relation, dict(found.witness)) == ("overlapping", witness)


@pytest.mark.parametrize(
    ("first", "second", "implies"),
    [
        ("n > 2", "n > 1", "first"),
        ("s in ('a', 'b', 'c')", "s in ('b', 'c')", "second"),
        ("not n < 3", "n >= 3 or not known(n)", "both"),
        ('did "Order Paid" in last 30 days', 'did "Order Paid" in last 90 days', "first"),
        ('did "Order Paid" at least 3 times', 'did "Order Paid"', "first"),
        ("s = 'abc'", "s contains 'b'", "first"),
        ("f and n > 1", "f", "first"),
    ],
)
def test_what_follows_is_proved(first: str, second: str, implies: str) -> None:
    found = verdict(first, second)
    assert (found.relation, found.implies) == ("implied", implies)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('count("Order Paid" in last 30 days) > 1', 'sum(amount of "Order Paid" in last 30 days) = 0'),
        ('did "Order Paid"', 'not did "Order *"'),
        ("s contains 'a'", "not s contains 'b'"),
        ("n > 1", "in audience x"),
        ("sample(0.1, 1)", "not sample(0.2, 1)"),
        ("person.age > 5", "person.age = '4'"),
        ("born in last 7 days", "born since 2025-01-01"),
    ],
)
def test_what_may_depend_on_each_other_is_not_judged(first: str, second: str) -> None:
    found = verdict(first, second)
    assert found.relation == "unknown"
    assert found.witness


def test_too_many_cases_are_not_judged() -> None:
    many = " and ".join(f"(n = {i} or s = '{i}')" for i in range(20))
    found = verdict(many, "f")
    assert (found.relation, found.why) == ("unknown", "there are more than 2,000 cases")


# brute force

COUNTS = ('count("Order Paid" in last 7 days)', 'count("Order Paid" in last 30 days)')
DOMAINS: dict[str, list[Any]] = {
    "n": [None, -1, 0, 0.5, 1, 1.5, 2, 2.5, 3],
    "s": [None, "a", "b", "ab", "another text"],
    "f": [None, True, False],
    COUNTS[0]: [0, 1, 2, 3],
    COUNTS[1]: [0, 1, 2, 3],
}
WORLDS = [
    dict(zip(DOMAINS, values, strict=True))
    for values in itertools.product(*DOMAINS.values())
    if values[3] <= values[4]
]
BOUND = st.sampled_from([0, 1, 2])
WORD = st.sampled_from(["a", "b", "ab"])
ATOM = st.one_of(
    st.builds("n {} {}".format, st.sampled_from(t.COMPARISONS), BOUND),
    st.builds("n between {} and {}".format, BOUND, BOUND),
    st.builds("n in ({}, {})".format, BOUND, BOUND),
    st.builds("s {} '{}'".format, st.sampled_from(["=", "!=", "contains", "starts with"]), WORD),
    st.builds("s in ('{}', '{}')".format, WORD, WORD),
    st.builds("known({})".format, st.sampled_from(["n", "s", "f"])),
    st.builds("f = {}".format, st.sampled_from(["true", "false"])),
    st.just("f"),
    st.builds("{} {} {}".format, st.sampled_from(COUNTS), st.sampled_from(t.COMPARISONS), BOUND),
    st.builds(
        'did "Order Paid" {} {} times in last {} days'.format,
        st.sampled_from(tuple(t.COUNTS)),
        BOUND,
        st.sampled_from([7, 30]),
    ),
)
CONDITION = st.recursive(
    ATOM,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=5,
)
TIMES = {"exactly": "=", "at least": ">=", "at most": "<=", "fewer than": "<", "more than": ">"}


def true(node: t.Expr, world: Mapping[str, Any]) -> bool:
    """The condition's answer, by its definition."""
    match node:
        case t.And(args):
            return all(true(arg, world) for arg in args)
        case t.Or(args):
            return any(true(arg, world) for arg in args)
        case t.Not(arg):
            return not true(arg, world)
        case t.Did(event, times, window):
            count = world.get(to_text(t.Aggregate("count", event, window=window)), 0)
            return OPERATORS[TIMES[times.op]](count, times.n) if times else count >= 1
    leaf = node if isinstance(node, t.Name) else getattr(node, "left", None) or getattr(node, "value", None)
    value = world.get(to_text(leaf)) if isinstance(leaf, t.Name) else world.get(to_text(leaf), 0)
    kind = KINDS[leaf.name] if isinstance(leaf, t.Name) else ValueType.NUMBER
    return value is not None and holds(node, [value], kind, as_of=AS_OF, zone="UTC")[0]


def read(shown: str) -> Any:
    """A witness's value."""
    known = {"missing": None, "true": True, "false": False, "known": True}
    if shown in known:
        return known[shown]
    return shown[1:-1] if shown.startswith("'") else float(shown)


@pytest.mark.proves("B10")
@settings(max_examples=200, deadline=None)
@given(CONDITION, CONDITION)
def test_every_answer_agrees_with_all_values_there_are(one: str, other: str) -> None:
    first, second = parse(one), parse(other)
    found = decide(first, second, NAMES)
    both = [world for world in WORLDS if true(first, world) and true(second, world)]
    if found.relation == "exclusive":
        assert not both
    if found.relation == "overlapping":
        assert both
    if found.relation in ("overlapping", "implied"):
        world = {leaf: read(value) for leaf, value in found.witness.items() if value != "a text that passes"}
        if len(world) == len(found.witness) and all(world.get(leaf) is not True for leaf in ("n", "s")):
            assert true(first, world)
            assert true(second, world)
    if found.implies in ("first", "both"):
        assert all(true(second, world) for world in WORLDS if true(first, world))
    if found.implies in ("second", "both"):
        assert all(true(first, world) for world in WORLDS if true(second, world))
    if not both and not {"contains", "starts"} & set(f"{one} {other}".split()):
        assert found.relation == "exclusive"
