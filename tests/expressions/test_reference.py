"""The language reference: every example is an expression, and every word of the language has one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from limner.errors import ExpressionError
from limner.expressions import parse, to_text
from limner.expressions import tree as t
from limner.expressions.parse import FUNCTIONS, KEYWORDS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "expressions.md").read_text(encoding="utf-8")
EXAMPLES = [
    line for block in re.findall(r"^```limner\n(.*?)^```$", PAGE, re.M | re.S) for line in block.splitlines()
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_an_expression(text):
    tree = parse(text)
    assert parse(to_text(tree)) == tree


def test_every_word_of_the_language_has_an_example():
    words = {word for text in EXAMPLES for word in re.findall(r"[a-z_]+", text)}
    assert {*KEYWORDS, *FUNCTIONS} - words == set()
    kinds = {type(node).__name__ for text in EXAMPLES for node in t.walk(parse(text))}
    assert set(t.NODES) - kinds == set()
    assert {
        node.name for text in EXAMPLES for node in t.walk(parse(text)) if isinstance(node, t.Builtin)
    } == {*t.BUILTINS}


def test_every_error_code_is_explained():
    source = Path(parse.__wrapped__.__code__.co_filename).parent
    codes = {code for file in source.glob("*.py") for code in re.findall(r'code="(\w+)"', file.read_text())}
    codes = {ExpressionError.code, *codes} - {"not_in_columns"}
    assert codes == {code for code in re.findall(r"`(\w+)`", PAGE.split("## Errors")[1]) if code in codes}
