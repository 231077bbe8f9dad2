"""Routes of the expression language: text to tree and back, and what can be named."""

from __future__ import annotations

from typing import Any, Literal

from limner.accounts.model import Role
from limner.api.routes.route import Expression, Route, Shape


class ExpressionText(Shape):
    """An expression about people, or about one event."""

    expression: Expression
    kind: Literal["person", "event"] = "person"


class Parsed(Shape):
    """The printed form and the tree of an expression, and what it names that is not known yet."""

    code: str
    text: str
    tree: Any
    warnings: list[str]


class ExpressionTree(Shape):
    """A tree as the parsed form shows it."""

    tree: Any
    kind: Literal["person", "event"] = "person"


class NamedTag(Shape):
    """A tag that expressions can name. `values`: its most frequent labels when it is a text.

    `weighted`: it gives labels weights, which picks go by.
    """

    key: str
    title: str
    titles: dict[str, str]
    type: str
    category: str
    values: list[str]
    weighted: bool


class NamedProperty(Shape):
    """A property of events, with its type."""

    name: str
    type: str


class Vocabulary(Shape):
    """Everything that an expression can name in this workspace now."""

    tags: list[NamedTag]
    attributes: list[str]
    events: list[str]
    properties: list[NamedProperty]
    audiences: list[str]
    sources: list[str]
    zone: str


_TREE = {"is": "compare", "left": {"is": "name", "name": "orders_90d"}, "op": ">=", "right": 3}

ROUTES = (
    Route(
        "POST",
        "/api/v1/expressions/check",
        "expression check",
        Role.VIEWER,
        Parsed,
        "expressions",
        takes=ExpressionText,
        reads=True,
        example={"body": {"expression": "orders_90d >= 3 and city = '杭州'"}},
    ),
    Route(
        "POST",
        "/api/v1/expressions/print",
        "expression print",
        Role.VIEWER,
        Parsed,
        "expressions",
        takes=ExpressionTree,
        reads=True,
        example={"body": {"tree": _TREE}},
    ),
    Route("GET", "/api/v1/expressions/names", "expression names", Role.VIEWER, Vocabulary, "expressions"),
)
