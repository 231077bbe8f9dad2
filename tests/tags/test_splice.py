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
