"""The reference pages say what the code says."""

import re

import pytest

from limner.expressions.parse import FUNCTIONS, KEYWORDS
from tests import reference


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_reference_page_is_up_to_date(name: str) -> None:
    made = reference.PAGES[name]()
    assert (reference.DOCS / name).read_text(encoding="utf-8") == made, "run: make reference"


def test_every_command_stands_in_the_reference() -> None:
    assert reference.commands().count("\n## limner ") > 40
    assert "\n## limner tag plan\n" in reference.commands()


def test_the_grammar_page_has_every_word_and_every_rule_of_the_language() -> None:
    page = reference.grammar()
    for word in (*KEYWORDS, *FUNCTIONS, "=", "!=", "~", "/"):
        assert f"'{word}'" in page, word
    rules = set(re.findall(r"^```text\n(\w+) =$", page, re.M))
    said = " ".join(re.findall(r"^```text\n(.*?)^```$", page, re.M | re.S))
    terminals = set(re.findall(r"^\| ([A-Z]+) \| `", page, re.M))
    words = set(re.findall(r"\b[A-Za-z_]+\b", re.sub(r"'[^' ]*'", "", said)))
    assert words - rules - terminals == set()
