"""Routes of categories: the tree, and moving a branch of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Nothing, Route, Shape
from limner.api.routes.tags import TagCategory

Path = Annotated[str, Field(min_length=1, max_length=200, description="A category, such as buying/rhythm.")]


class Categories(Shape):
    """Every category, parents before children."""

    categories: list[TagCategory]


class CategoryMove(Shape):
    """Which category gets which name or place."""

    source: Path
    to: Path


class CategoryMoved(CategoryMove):
    """The tags whose files were changed; `move` names this change."""

    tags: list[str]
    move: str


class CategoryUndone(Shape):
    """The tags whose files are as before."""

    tags: list[str]
    move: str


ROUTES = (
    Route("GET", "/api/v1/categories", "category list", Role.VIEWER, Categories, "tags"),
    Route(
        "POST",
        "/api/v1/categories/move",
        "category move",
        Role.OPERATOR,
        CategoryMoved,
        "tags",
        takes=CategoryMove,
        effect=True,
        example={"body": {"source": "buying", "to": "purchases"}},
    ),
    Route(
        "POST",
        "/api/v1/categories/undo",
        "category undo",
        Role.OPERATOR,
        CategoryUndone,
        "tags",
        takes=Nothing,
        effect=True,
    ),
)
