"""The tests of a tag file: read at their places, kept when the file is written, and never part of the definition."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from limner.errors import DefinitionError
from limner.tags import form
from limner.tags.graph import build
from limner.tags.model import Happening, Trial
from limner.tags.text import read, write
from tests.builders import rule, statistic

SPENT = statistic('sum(amount of "Order Paid" in last 90 days)', "money")
TESTS = """\
tests:
  # the plain one
  - name: two orders   # of which one counts
    as_of: 2026-06-01
    given:
      events:
        - {name: Order Paid, at: 2026-05-01T08:00:00+08:00, properties: {amount: 12.50, by: {x: [1]}}, source: web}
        - {name: Order Paid, at: 2026-06-01T12:00:00}
      attributes: {city: 上海, since: 2020-01-31, at: 2020-01-31T10:00:00Z, many: .inf}
      tags: {tier: gold, vip: null}
    expect: 12.50
  - name: nobody
    as_of: 2026-06-01T00:00:00Z
    expect: null
"""


def test_tests_are_read() -> None:
    first, second = read(SPENT + TESTS, "spent").tests
    assert first.name == "two orders"
    assert first.as_of == datetime(2026, 6, 1)  # noqa: DTZ001 - in the workspace's zone, whichever it is
    assert first.expect == 125_000
    assert first.events[0] == Happening(
        "Order Paid",
        datetime(2026, 5, 1, tzinfo=UTC),
        {"amount": 12.5, "by": {"x": [1]}},
        "web",
    )
    assert first.events[1].at == datetime(2026, 6, 1, 12)  # noqa: DTZ001
    assert first.attributes == {
        "city": "上海", "since": "2020-01-31", "at": "2020-01-31T10:00:00Z", "many": "inf",
    }  # fmt: skip
    assert first.tags == {"tier": "gold", "vip": None}
    assert second == Trial("nobody", datetime(2026, 6, 1, tzinfo=UTC), None)


def test_tests_do_not_change_the_fingerprint() -> None:
    with_tests, without = read(SPENT + TESTS, "spent"), read(SPENT, "spent")
    assert build({"spent": with_tests}).fingerprints == build({"spent": without}).fingerprints


def test_tests_survive_when_something_else_is_written() -> None:
    tag = read(SPENT + TESTS, "spent")
    assert write(tag) == SPENT + TESTS
    changed = write(replace(tag, owner="crm"))
    assert TESTS in changed
    assert read(changed, "spent").tests == tag.tests


def test_a_tag_without_a_file_is_written_with_its_tests() -> None:
    tag = read(SPENT + TESTS, "spent")
    made = write(replace(tag, text=""))
    assert read(made, "spent").tests == tag.tests


def test_other_tests_replace_those_of_the_file() -> None:
    tag = read(SPENT + TESTS, "spent")
    fewer = read(write(replace(tag, tests=tag.tests[1:])), "spent")
    assert fewer.tests == tag.tests[1:]
    assert "tests" not in write(replace(tag, tests=()))


def test_tests_go_through_the_form_and_back() -> None:
    fields = form.form_of(SPENT + TESTS, "spent")
    assert [item["name"] for item in fields["tests"]] == ["two orders", "nobody"]
    assert fields["tests"][0]["given"]["tags"] == {"tier": "gold", "vip": None}
    assert form.text_with(SPENT + TESTS, "spent", fields) == SPENT + TESTS
    owned = form.text_with(SPENT + TESTS, "spent", {**fields, "owner": "crm"})
    assert TESTS in owned
    more = [*fields["tests"], {"name": "third", "as_of": "2026-06-02", "expect": 1}]
    text = form.text_with(SPENT + TESTS, "spent", {**fields, "tests": more})
    assert [trial.name for trial in read(text, "spent").tests] == ["two orders", "nobody", "third"]
    assert read(text, "spent").tests[:2] == read(SPENT + TESTS, "spent").tests
    fresh = form.text_with("", "spent", fields)
    assert read(fresh, "spent").tests == read(SPENT + TESTS, "spent").tests
    assert read(form.text_with(SPENT + TESTS, "spent", {"tests": []}), "spent").tests == ()


ONE = "  - name: a\n    as_of: 2026-06-01\n"


@pytest.mark.parametrize(
    ("tests", "place", "says"),
    [
        ("tests: yes\n", "6:8", "'tests' is a list"),
        ("tests: []\n", "6:8", "'tests' is a list"),
        ("tests:\n  - one\n", "7:5", "a test is a mapping"),
        ("tests:\n  - nam: a\n", "7:5", "unknown key 'nam'"),
        ("tests:\n  - as_of: 2026-06-01\n    expect: 1\n", "7:5", "'name' is missing"),
        ("tests:\n  - name: a\n    expect: 1\n", "7:5", "'as_of' is missing"),
        ("tests:\n  - name: a\n    as_of: soon\n    expect: 1\n", "8:12", "an instant is written"),
        (f"tests:\n{ONE}", "7:5", "'expect' is missing"),
        (f"tests:\n{ONE}    expect: many\n", "9:13", "'many' is no money"),
        (f"tests:\n{ONE}    expect: 1.00001\n", "9:13", "at most four decimals"),
        (f"tests:\n{ONE}    expect: 1\n{ONE}    expect: 2\n", "10:11", "two tests are called 'a'"),
        (f"tests:\n{ONE}    expect: 1\n    given: 3\n", "10:12", "'given' is a mapping"),
        (f"tests:\n{ONE}    expect: 1\n    given: {{event: []}}\n", "10:13", "unknown key 'event'"),
        (f"tests:\n{ONE}    expect: 1\n    given: {{events: [{{name: a}}]}}\n", "10:22", "'at' is missing"),
        (
            f"tests:\n{ONE}    expect: 1\n    given: {{events: [{{name: a, at: 2026-01-01, amount: 3}}]}}\n",
            "10:48",
            "unknown key 'amount'",
        ),
        (f"tests:\n{ONE}    expect: 1\n    given: {{tags: [a]}}\n", "10:19", "'tags' is a mapping"),
    ],
)
def test_what_is_wrong_in_a_test_is_told_with_its_place(tests: str, place: str, says: str) -> None:
    with pytest.raises(DefinitionError, match=says) as error:
        read(SPENT + tests, "spent")
    assert error.value.where == f"tags/spent.yml:{place}"


def test_lines_that_repeat_each_other_without_end_are_refused() -> None:
    many = "".join(f"      l{n + 1}: &l{n + 1} {{a: *l{n}, b: *l{n}}}\n" for n in range(19))
    text = f"{SPENT}tests:\n{ONE}    expect: 1\n    given:\n     attributes:\n      l0: &l0 1\n{many}"
    with pytest.raises(DefinitionError, match="at most 10000 values"):
        read(text, "spent")
    with pytest.raises(DefinitionError, match="at most 10000 values"):
        form.form_of(text, "spent")
    deep = f"{SPENT}tests:\n{ONE}    expect: 1\n    given: {{attributes: {'{a: ' * 25}1{'}' * 25}}}\n"
    with pytest.raises(DefinitionError, match="nested at most 20 deep"):
        read(deep, "spent")


def test_a_rule_s_tests_expect_its_values() -> None:
    text = rule({"gold": "spent > 1"}) + f"tests:\n{ONE}    expect: gold\n"
    assert read(text, "tier").tests[0].expect == "gold"
    with pytest.raises(DefinitionError, match="'1' is no text"):
        read(text.replace("expect: gold", "expect: 1"), "tier")
