"""The sentences that the product's own source holds, as templates: what stands in a name's place is `{}`."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src/limner"
_REFUSES = re.compile(r"(error|fail|fail_at|mistake|missing|cannot|unknown|refuse)$", re.IGNORECASE)


def templates(node: ast.expr) -> list[str]:
    """Every text that the expression may be; none where it is no text."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=body, orelse=other):
            return templates(body) + templates(other)
        case ast.JoinedStr(values=parts):
            choices = [
                [part.value] if isinstance(part, ast.Constant) else _inside(part.value)  # type: ignore[attr-defined]
                for part in parts
            ]
            return ["".join(map(str, words)) for words in itertools.product(*choices)]
        case _:
            return []


def _inside(node: ast.expr) -> list[str]:
    """What an f-string's field may be: words that stand there, else anything."""
    found = templates(node) if isinstance(node, ast.IfExp) else []
    return found or ["{}"]


def refusals(*modules: str) -> Iterator[tuple[str, str]]:
    """The place and the template of each sentence with which something is refused in these modules."""
    for module in modules:
        tree = ast.parse((SOURCE / module).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _REFUSES.search(_name(node.func)):
                for argument in node.args:
                    for text in templates(argument):
                        if " " in text.strip():
                            yield f"{module}:{node.lineno}", text


def texts(*modules: str) -> Iterator[tuple[str, str]]:
    """The place and the template of every sentence of these modules that is no docstring."""
    for module in modules:
        tree = ast.parse((SOURCE / module).read_text(encoding="utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        inner = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
            for part in ast.walk(node)
            if part is not node
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in docs | inner:
                for text in templates(node):
                    if re.search(r"[a-z]+ [a-z{]", text) and not text.startswith(" "):
                        yield f"{module}:{node.lineno}", text


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
