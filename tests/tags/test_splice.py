"""Editing a definition leaves every line that does not change as it was written."""

from __future__ import annotations

from difflib import unified_diff
from typing import Any

import pytest

from limner.tags.document import Document
from limner.tags.text import KEYS

TEXT = """\
# top
title: {en: A, zh: B}   # names
nature: model
type: text   # eol
# the cases
cases:
  # first
  - when: a   # one
    then: x
  # second
  - when: |
      b
      and c
    then: 'y'
  # third
  - when: "z"
    then: zz

why: hello   # because
# tail
"""
A, B, Z = {"when": "a", "then": "x"}, {"when": "b\nand c\n", "then": "y"}, {"when": "z", "then": "zz"}


def changed(text: str = TEXT, **changes: Any) -> list[str]:
    """The lines that go (-) and come (+)."""
    made = Document(text, where="f").edited(changes, order=KEYS)
    again = Document(made, where="f").root
    assert all(again.get(key) == value for key, value in changes.items())
    lines = unified_diff(text.splitlines(), made.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"type": "text", "why": "hello"}, []),
        ({"type": "money"}, ["-type: text   # eol", "+type: money   # eol"]),
        (
            {"title": {"en": "A: b", "zh": "B"}},
            ["-title: {en: A, zh: B}   # names", "+title: {en: 'A: b', zh: B}   # names"],
        ),
        ({"owner": "crm", "category": "a/b"}, ["+category: a/b", "+owner: crm"]),
        ({"why": None}, ["-why: hello   # because"]),
        ({"why": "two\nlines"}, ["-why: hello   # because", '+why: "two\\nlines" # because']),
        ({"cases": [A, {**B, "then": "it's"}, Z]}, ["-    then: 'y'", "+    then: 'it''s'"]),
        ({"cases": [A, B, {**Z, "when": "q"}]}, ['-  - when: "z"', '+  - when: "q"']),
        ({"cases": [A, {"when": "n", "then": "m"}, B, Z]}, ["+  - when: n", "+    then: m"]),
        ({"cases": [{"when": "n", "then": "m"}, A, B, Z]}, ["+  - when: n", "+    then: m"]),
        ({"cases": [B, Z]}, ["-  # first", "-  - when: a   # one", "-    then: x"]),
        (
            {"cases": [B, A, Z]},
            [f"{sign}{line}" for line in ("  # first", "  - when: a   # one", "    then: x") for sign in "-+"],
        ),
    ],
)  # fmt: skip
def test_only_what_changes_is_written_anew(changes: dict[str, Any], lines: list[str]) -> None:
    assert sorted(changed(**changes)) == sorted(lines)


def test_a_definition_of_another_kind_takes_the_place_of_the_old_one() -> None:
    made = Document(TEXT, where="f").edited({"cases": None, "statistic": "count(x)"}, order=KEYS)
    assert made == (
        "# top\ntitle: {en: A, zh: B}   # names\nnature: model\ntype: text   # eol\nstatistic: count(x)\n# the cases\n"
        "\nwhy: hello   # because\n# tail\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "{nature: fact, type: text}\n",
        "---\nnature: fact\ntype: text\n",
        "nature: &a fact\ntype: *a\n",
        "nature: fact\ntype:\n  text\n",
        "nature: fact\ntype: text",
        "nature: fact\ntype:\n",
        "  nature: fact\n  type: 'text'\n",
    ],
)
def test_every_layout_can_be_edited(text: str) -> None:
    made = Document(text, where="f").edited({"type": "money", "owner": "crm", "cases": [A, B]}, order=KEYS)
    root = Document(made, where="f").root
    assert (root["nature"], root["type"], root["owner"], root["cases"]) == ("fact", "money", "crm", [A, B])


ROAD = """\
steps:
  # the first word
  hello:
    message:
      subject: {subject}
      picks:
        # the best ones
        articles: {{count: 3}}   # three
        # for those who buy
        goods:
          from: product
          count: 2   # two
        last: {{count: 1}}
  # and then
  bye: {{wait: 1 day}}
"""


@pytest.mark.parametrize("subject", ["Hi & bye", "&greeting Hi"], ids=["in place", "written anew"])
@pytest.mark.parametrize(
    ("was", "then", "lines"),
    [
        ("articles", {"count": 3}, {"-        articles: {count: 3}   # three"}),
        ("goods", {"from": "product", "count": 2}, {"-        goods:"}),
        ("goods", {"from": "product", "count": 4}, {"-        goods:", "-          count: 2   # two"}),
        ("last", {"count": 1}, {"-        last: {count: 1}"}),
    ],
)
def test_what_is_renamed_stays_where_it_was_with_its_comments(
    subject: str, was: str, then: dict[str, Any], lines: set[str]
) -> None:
    text = ROAD.format(subject=subject)
    picks = {"articles": {"count": 3}, "goods": {"from": "product", "count": 2}, "last": {"count": 1}}
    wanted = {"zz" if name == was else name: then if name == was else row for name, row in picks.items()}
    message = {"subject": subject.removeprefix("&greeting "), "picks": wanted}
    steps = {"hello": {"message": message}, "bye": {"wait": "1 day"}}
    found = changed(text, steps=steps)
    made = Document(text, where="f").edited({"steps": steps})
    assert list(Document(made, where="f").value("steps", "hello", "message", "picks")) == list(wanted)
    assert made.count("#") == text.count("#")
    if not subject.startswith("&"):
        assert {line for line in found if line.startswith("-")} == lines


def test_a_step_in_the_place_of_another_is_no_renamed_one() -> None:
    text = "steps:\n  # why a\n  a: {wait: 1 day}\n  b: {wait: 3 days}\n"
    made = Document(text, where="f").edited({"steps": {"c": {"wait": "2 days"}, "b": {"wait": "3 days"}}})
    assert list(Document(made, where="f").value("steps")) == ["c", "b"]
