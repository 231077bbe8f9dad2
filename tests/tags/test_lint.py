"""What lint finds in a set of tags: each finding with its numbers, in the same order every time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.columns import Columns, Given, column
from limner.tags.graph import build
from limner.tags.lint import Finding, Known, lint, meaning, normal
from limner.types import ValueType
from tests.builders import AS_OF, observed, rule, statistic, tags

WELL = "owner: crm\nwhy: It is needed.\n"
USED = Known(used=1)


def published(values: Mapping[str, tuple[ValueType, list[Any]]], dead: tuple[int, ...] = ()) -> Columns:
    """Columns of lists of values by ordinal; None = unknown."""
    n = max((len(held) for _, held in values.values()), default=0)
    made = {}
    for key, (kind, held) in values.items():
        ix = np.array([place for place, value in enumerate(held) if value is not None], dtype=np.uint32)
        known = [value for value in held if value is not None]
        labels: tuple[str, ...] = ()
        if kind is ValueType.TEXT:
            labels = tuple(sorted(set(known)))
            known = [labels.index(value) + 1 for value in known]
        made[key] = column(key, Given(kind, ix, np.array(known), labels), n)
    alive = np.ones(n, dtype=np.bool_)
    alive[list(dead)] = False
    return Columns.memory(n=n, as_of=AS_OF, alive=alive, columns=made)


def findings(
    texts: Mapping[str, str], columns: Columns | None = None, known: Mapping[str, Known] | None = None
) -> list[Finding]:
    everything = dict.fromkeys(texts, USED) | dict(known or {})
    return lint(build(tags(texts)), columns, everything)


def codes(found: list[Finding]) -> list[tuple[str, tuple[str, ...]]]:
    return [(item.code, item.tags) for item in found]


def titled(title: str, more: str = WELL, attribute: str = "x") -> str:
    return observed(attribute) + f"title: {title}\n{more}"


@pytest.mark.proves("T14")
def test_names_that_are_equal_near_or_synonyms_are_found() -> None:
    found = findings(
        {
            "city": titled("Home town", attribute="a"),
            "place": titled("home  Town", attribute="b"),
            "spent_90d": titled("{en: Spent in 90 days, zh: 近90天消费金额}", attribute="c"),
            "outlay_90d": titled("{en: Money of a quarter, zh: 最近90天花费总额}", attribute="d"),
            "favourite_shop": titled("The shop most liked", attribute="e"),
            "favorite_shops": titled("Something else", attribute="f"),
            "orders_30d": titled("Orders in 30 days", attribute="g"),
            "orders_90d": titled("Orders in 90 days", attribute="h"),
        }
    )
    assert codes(found) == [
        ("same_title", ("city", "place")),
        ("near_name", ("favorite_shops", "favourite_shop")),
        ("synonym", ("outlay_90d", "spent_90d")),
    ]
    assert found[0].proposal == "rename"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Spent in 90 days", "Expenditure of the last 90 days"),
        ("近90天消费金额", "最近 90 天花费总额"),
        ("spent_90d", "outlay_90d"),
        ("Favourite category", "Preferred kind"),
        ("流失用户", "沉睡会员"),
    ],
)
def test_words_of_one_family_mean_the_same(one: str, other: str) -> None:
    assert meaning(one) == meaning(other)


def test_other_words_or_numbers_mean_something_else() -> None:
    names = [
        "Spent in 30 days",
        "Spent in 90 days",
        "Orders in 90 days",
        "近30天消费",
        "近90天消费",
        "近90天订单",
    ]
    assert len({meaning(name) for name in names}) == len(names)


@pytest.mark.proves("T14")
def test_one_definition_under_two_keys_is_found_in_any_spelling() -> None:
    texts = {
        "a": statistic('count("Order Paid" in last 30 days)') + "title: A\n" + WELL,
        "b": statistic('count( "Order Paid"   in last 30 days )', validity="9 days") + "title: Be\n" + WELL,
        "c": statistic('count("Order Paid" in last 31 days)') + "title: See\n" + WELL,
        "d": rule({"x": "a > 1"}) + "title: Dee\n" + WELL,
        "e": rule({"x": "a>1"}) + "title: Ee\n" + WELL,
        "f": rule({"y": "a > 1"}) + "title: Eff\n" + WELL,
    }
    assert codes(findings(texts)) == [("same_definition", ("a", "b")), ("same_definition", ("d", "e"))]
    graph = build(tags(texts))
    assert normal(graph, "a") != normal(graph, "c")
    assert normal(graph, "d") != normal(graph, "f")


def test_what_a_file_leaves_out_is_found() -> None:
    found = findings({"city": observed("city")})
    assert codes(found) == [("no_owner", ("city",)), ("no_title", ("city",)), ("no_why", ("city",))]
    assert {item.proposal for item in found} == {"describe"}


def test_what_nobody_uses_or_computes_is_found() -> None:
    texts = {
        "a": statistic("count(*)") + "title: A\n" + WELL,
        "b": titled("B"),
    }
    known = {"a": Known(stale="overdue", scheduled=False, used=2), "b": Known(scheduled=False)}
    found = findings(texts, None, known)
    assert codes(found) == [("stale", ("a",)), ("unrefreshed", ("a",)), ("unused", ("b",))]
    assert [item.proposal for item in found] == ["refresh", "refresh", "retire"]
    never = findings({"a": texts["a"]}, None, {"a": Known(stale="never", used=1)})
    assert [(item.code, item.text) for item in never] == [("uncomputed", "a is not computed yet")]


@pytest.mark.proves("B12")
def test_tags_that_say_little_are_found_with_their_numbers() -> None:
    people = 2_000
    texts = {
        "rare": observed("rare", "flag") + "title: Rare\n" + WELL,
        "same": observed("same") + "title: Same\n" + WELL,
        "wild": observed("wild", "flag") + "title: Wild\n" + WELL,
        "fine": observed("fine") + "title: Fine\n" + WELL,
        "all": observed("all", "flag") + "title: Of everybody\n" + WELL,
    }
    columns = published(
        {
            "rare": (ValueType.FLAG, [True] + [None] * (people - 1)),
            "same": (ValueType.TEXT, ["x"] * 50 + [None] * (people - 50)),
            "wild": (ValueType.FLAG, [None] * 1_000 + [True] * 1_000),
            "fine": (ValueType.TEXT, ["a", "b", "c", None] * 500),
            "all": (ValueType.FLAG, [True] * people),
        }
    )
    found = findings(texts, columns, {"wild": Known(used=1, churn=501), "fine": Known(used=1, churn=700)})
    assert codes(found) == [
        ("constant", ("all",)),
        ("constant", ("same",)),
        ("low_coverage", ("rare",)),
        ("high_churn", ("wild",)),
    ]
    assert dict(found[2].numbers) == {"people": 1, "everybody": 2000, "coverage": 0.0005}
    assert dict(found[3].numbers) == {"changes": 501, "people": 1000, "churn": 0.501}


@pytest.mark.proves("T14")
def test_tags_of_nearly_the_same_people_are_found() -> None:
    flags = {key: observed(key, "flag") + f"title: {key}\n" + WELL for key in ("one", "two", "six")}
    texts = {
        **flags,
        "city": titled("Where", attribute="city"),
        "town": titled("Place", attribute="town"),
        "zeros": observed("zeros", "number") + "title: Zeros\n" + WELL,
        "noughts": observed("noughts", "number") + "title: Noughts\n" + WELL,
    }
    hundred = [True] * 100
    columns = published(
        {
            "one": (ValueType.FLAG, hundred + [None] * 900),
            "two": (ValueType.FLAG, [True] * 97 + [False] * 3 + [None] * 900),  # 97 of 100
            "six": (ValueType.FLAG, [None] * 4 + [True] * 96 + [None] * 900),  # 96 of 100
            "city": (ValueType.TEXT, ["x", "y"] * 100 + ["z"] * 200 + [None] * 600),
            "town": (ValueType.TEXT, ["x", "y"] * 100 + ["z"] * 195 + ["a"] * 5 + [None] * 600),  # 395 of 400
            "zeros": (ValueType.NUMBER, [0.0] * 980 + [1.0] * 20),
            "noughts": (ValueType.NUMBER, [2.0] * 20 + [0.0] * 980),
        }
    )
    found = [item for item in findings(texts, columns) if item.code == "same_people"]
    assert codes(found) == [("same_people", ("city", "town")), ("same_people", ("one", "two"))]
    assert dict(found[0].numbers) == {"shared": 395, "either": 400, "jaccard": 0.9875}
    assert dict(found[1].numbers) == {"shared": 97, "either": 100, "jaccard": 0.97}


@given(
    st.lists(
        st.tuples(st.sampled_from([True, False, None]), st.sampled_from([True, False, None])), max_size=60
    ),
    st.integers(0, 3),
)
def test_flags_are_the_same_exactly_when_their_people_are(pairs: list[tuple[Any, Any]], dead: int) -> None:
    gone = tuple(range(min(dead, len(pairs))))
    texts = {key: observed(key, "flag") for key in ("one", "two")}
    columns = published(
        {
            "one": (ValueType.FLAG, [one for one, _ in pairs]),
            "two": (ValueType.FLAG, [two for _, two in pairs]),
        },
        gone,
    )
    left = pairs[len(gone) :]
    one = {place for place, pair in enumerate(left) if pair[0]}
    two = {place for place, pair in enumerate(left) if pair[1]}
    found = [item for item in findings(texts, columns) if item.code == "same_people"]
    alike = bool(one & two) and len(one & two) / len(one | two) >= 0.97
    assert bool(found) is alike


def test_the_order_of_the_findings_never_changes() -> None:
    texts = {f"tag_{n}": observed(f"x{n % 3}") for n in range(9)}
    turned = dict(reversed(list(texts.items())))
    assert findings(texts) == findings(turned)
