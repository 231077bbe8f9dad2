"""Which flags of a category exclude each other, by their definitions and by their people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limner.columns import Columns
from limner.tags import exclusive, siblings
from limner.tags.graph import build, grouped
from limner.tags.run import run
from limner.types import ValueType
from tests.builders import AS_OF, DAY, Names, attributes, engine, events, observed, rule, statistic, tags
from tests.tags.test_lint import published

SAID = "category: who\n"


def flag(*cases: tuple[str, bool], otherwise: str = "", category: str = "worth") -> str:
    listed = "".join(f"  - when: {when}\n    then: {str(then).lower()}\n" for when, then in cases)
    last = f"otherwise: {otherwise}\n" if otherwise else ""
    return f"nature: model\nmethod: rule\ntype: flag\ncases:\n{listed}{last}validity: 2 days\ncategory: {category}\n"


def judged(
    texts: Mapping[str, str],
    columns: Columns | None = None,
    groups: Mapping[str, str] | None = None,
    settled: Mapping[tuple[str, str], int] | None = None,
) -> tuple[dict[tuple[str, str], siblings.Related], list[siblings.Proposal]]:
    held = {key: exclusive.read(text, key) for key, text in (groups or {}).items()}
    found = grouped(tags(texts), held)
    graph = build(found)
    names = Names(engine(), found)
    shown: dict[tuple[str, str], siblings.Related] = {}
    proposed = []
    for path, keys in siblings.families(found).items():
        pairs = siblings.related(
            graph, combinations(keys, 2), catalog=names, columns=columns, settled=settled or {}
        )
        shown |= {(item.first, item.second): item for item in pairs}
        proposed += siblings.proposals(found, pairs, path, keys)
    return shown, proposed


SPENT = statistic('sum(amount of "Order Paid")', "money")


@pytest.mark.proves("T7")
@pytest.mark.proves("B10")
def test_rules_that_exclude_each_other_are_proved_and_proposed_as_a_group() -> None:
    texts = {
        "spent": SPENT,
        "big": flag(("spent >= 1000", True)),
        "middle": flag(("spent >= 1000", False), ("spent >= 100", True)),
        "small": flag(("spent >= 100", False), otherwise="true"),
        "huge": flag(("spent > 5000", True)),
        "elsewhere": flag(("spent < 0", True), category="other"),
    }
    found, proposed = judged(texts)
    relations = {pair: item.verdict.relation for pair, item in found.items()}
    assert relations == {
        ("big", "huge"): "implied",
        ("big", "middle"): "exclusive",
        ("big", "small"): "exclusive",
        ("huge", "middle"): "exclusive",
        ("huge", "small"): "exclusive",
        ("middle", "small"): "exclusive",
    }
    assert found["big", "huge"].verdict.implies == "second"
    (one,) = proposed
    assert (one.tags, one.category, one.proved, one.suggested) == (("big", "middle", "small"), "worth", 3, 0)
    made = exclusive.read(one.text, "worth")
    assert (made.tags, made.keep) == (one.tags, exclusive.Keep.NEWEST)


@pytest.mark.proves("B10")
def test_what_a_tag_refers_to_is_looked_into() -> None:
    texts = {
        "spent": SPENT,
        "orders": statistic('count("Order Paid" in last 30 days)'),
        "tier": rule({"gold": "spent >= 1000", "silver": "spent >= 100"}, "basic"),
        "buyer": flag(("orders >= 1", True)),
        "idle": flag(('not did "Order Paid" in last 30 days', True)),
        "gold": flag(("tier = 'gold'", True)),
        "poor": flag(("spent < 500", True)),
        "other": flag(("tier != 'gold'", True)),
        "best": flag(("gold and buyer", True)),
    }
    found, _ = judged(texts)
    assert found["buyer", "idle"].verdict.relation == "exclusive"
    assert found["gold", "poor"].verdict.relation == "exclusive"
    assert found["gold", "other"].verdict.relation == "exclusive"
    assert found["best", "idle"].verdict.relation == "exclusive"
    assert (found["best", "gold"].verdict.relation, found["best", "gold"].verdict.implies) == (
        "implied",
        "first",
    )
    assert found["other", "poor"].verdict.implies == "second"
    assert found["buyer", "gold"].verdict.relation == "unknown"
    assert found["buyer", "gold"].verdict.witness == {"orders": "1", "spent": "1000"}


def test_a_tag_in_a_group_is_not_looked_into() -> None:
    texts = {
        "n": statistic("count(*)"),
        "a": flag(("n > 1", True), category="x"),
        "b": flag(("n > 0", True), category="x"),
        "without": flag(("not a", True)),
        "more": flag(("n > 1", True)),
    }
    alone, _ = judged(texts)
    assert alone["more", "without"].verdict.relation == "exclusive"
    kept, _ = judged(texts, groups={"g": "tags: [b, a]\nkeep: priority\n"})
    assert kept["more", "without"].verdict.relation == "unknown"  # the group may take `a` although n > 1


def test_people_suggest_what_definitions_do_not_prove() -> None:
    texts = {
        "female": observed("is_female", "flag") + SAID,
        "male": observed("is_male", "flag") + SAID,
        "old": rule({"true": "person.age > 60"}, kind="flag") + SAID,
    }
    columns = published(
        {
            "female": (ValueType.FLAG, [True] * 500 + [None] * 500),
            "male": (ValueType.FLAG, [None] * 497 + [True] * 503),
            "old": (ValueType.FLAG, [None, True] * 500),
        }
    )
    found, (one,) = judged(texts, columns)
    pair = found["female", "male"]
    assert (pair.verdict.relation, pair.excludes) == ("overlapping", "suggested")
    assert pair.people == siblings.People(500, 503, 3, 251.5)
    assert found["female", "old"].excludes == ""
    assert (one.tags, one.proved, one.suggested) == (("female", "male"), 0, 1)


def test_few_people_suggest_nothing() -> None:
    texts = {key: observed(key, "flag") + SAID for key in ("one", "two")}
    columns = published(
        {
            "one": (ValueType.FLAG, [True] * 50 + [None] * 950),
            "two": (ValueType.FLAG, [None] * 900 + [True] * 90 + [None] * 10),
        }
    )
    found, proposed = judged(texts, columns)
    assert found["one", "two"].people == siblings.People(50, 90, 0, 4.5)
    assert proposed == []


def test_who_was_settled_counts_as_having_both_and_a_group_is_not_proposed_twice(tmp_path: Path) -> None:
    made = engine(people=40)
    attributes(made, [(ix, name, True, AS_OF - DAY) for ix in range(30) for name in ("is_a", "is_b")])
    texts = {key: observed(f"is_{key}", "flag") + SAID for key in ("a", "b")}
    groups = {"g": exclusive.read("tags: [a, b]\nkeep: none\n", "g")}
    found = grouped(tags(texts), groups)
    report = run(made, found, catalog=Names(made, found), as_of=AS_OF, run_id="r", columns_dir=tmp_path)
    settled = siblings.settled_pairs(made, "g")
    assert settled == {("a", "b"): 30, ("a", "a"): 30, ("b", "b"): 30}
    shown, proposed = judged(texts, report.columns, {"g": "tags: [a, b]\nkeep: none\n"}, settled)
    people = shown["a", "b"].people
    assert people is not None
    assert (people.first, people.second, people.both, proposed) == (30, 30, 30, [])


@pytest.mark.parametrize(
    ("text", "when"),
    [
        (flag(("n > 1", True)), "n > 1"),
        (flag(("n > 3", False), ("n > 1", True)), "n > 1 and not n > 3"),
        (flag(("n > 1", True), ("n > 0", False), otherwise="true"), "n > 1 or (not n > 1 and not n > 0)"),
        (flag(("n > 1", False)), None),
        (observed("x", "flag"), "person.x = true"),
    ],
)
def test_a_flag_is_true_under_one_condition(text: str, when: str | None) -> None:
    from limner.expressions import parse
    from limner.expressions import tree as t

    found = tags({"n": statistic("count(*)"), "f": text})
    made = siblings.condition(build(found), "f", Names(engine(), found))
    assert made == (t.Flag(False) if when is None else parse(when))


@pytest.mark.proves("B10")
@pytest.mark.parametrize("seed", range(10))
def test_what_is_proved_exclusive_no_data_ever_breaks(tmp_path: Path, seed: int) -> None:
    """Random rules over random people: of two that are proved exclusive nobody has both, whatever the data."""
    rng = np.random.default_rng(seed)
    made = engine(people=60)
    said: list[tuple[Any, ...]] = []
    for ix in range(60):
        if rng.random() < 0.8:
            said.append((ix, "age", int(rng.integers(0, 6)), AS_OF - DAY))
        if rng.random() < 0.8:
            said.append((ix, "city", str(rng.choice(["a", "b", "c"])), AS_OF - DAY))
    attributes(made, said)
    events(made, [(int(rng.integers(0, 60)), "Order Paid", AS_OF - DAY, {}) for _ in range(80)])

    def test(n: int) -> str:
        simple = [
            f"orders {rng.choice(['<', '>=', '='])} {rng.integers(0, 4)}",
            f"did 'Order Paid' at least {rng.integers(1, 4)} times in last 30 days".replace("'", '"'),
            f"side {rng.choice(['=', '!='])} '{rng.choice(['low', 'high', 'none'])}'",
            *(f"rule_{m}" for m in range(max(0, n - 2), n)),
            f"age {rng.choice(['<', '<=', '>', '>=', '=', '!='])} {rng.integers(0, 6)}",
            f"city {rng.choice(['=', '!='])} '{rng.choice(['a', 'b', 'c'])}'",
            f"age between {rng.integers(0, 3)} and {rng.integers(2, 6)}",
            "known(city)",
        ]
        chosen = [str(rng.choice(simple)) for _ in range(int(rng.integers(1, 4)))]
        joined = str(rng.choice([" and ", " or "])).join(chosen)
        return f"not ({joined})" if rng.random() < 0.3 else joined

    texts = {
        "age": observed("age", "number"),
        "city": observed("city"),
        "orders": statistic('count("Order Paid" in last 30 days)'),
        "side": rule({"low": "age < 2", "high": "age > 3 and orders > 0"}, "none"),
        **{f"rule_{n}": flag((json.dumps(test(n)), True)) for n in range(12)},
    }
    found = tags(texts)
    report = run(made, found, catalog=Names(made, found), as_of=AS_OF, run_id="r", columns_dir=tmp_path)
    pairs = list(combinations([key for key in texts if key.startswith("rule")], 2))
    shown = siblings.related(
        build(found), pairs, catalog=Names(made, found), columns=report.columns, settled={}
    )
    relations = {item.verdict.relation for item in shown}
    assert "exclusive" in relations
    for item in shown:
        assert item.people is not None
        if item.verdict.relation == "exclusive":
            assert item.people.both == 0
        if item.verdict.implies == "first":
            assert item.people.both == item.people.first
        if item.verdict.implies == "second":
            assert item.people.both == item.people.second
