"""Routes of objects: products, stores, companies. Their kinds are written as definitions."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Limit, Route, Shape


class ObjectColumn(Shape):
    """A column of a kind's rows."""

    name: str
    type: str


class ObjectTagRow(Shape):
    """A tag of objects: how many have it, and the tags of people that ask for it. `when` is empty where it is given."""

    key: str
    titles: dict[str, str]
    when: str
    objects: int
    used_by: list[str]


class ObjectKind(Shape):
    """A kind of objects. `property`: the event property that holds an object's id."""

    kind: str
    titles: dict[str, str]
    property: str
    objects: int
    columns: list[ObjectColumn]
    tags: list[ObjectTagRow]
    owner: str
    why: str


class ObjectKinds(Shape):
    """All kinds of objects."""

    kinds: list[ObjectKind]


class ObjectRow(Shape):
    """An object with what is known of it and the keys of its tags."""

    id: str
    values: dict[str, str | float | bool | None]
    tags: list[str]


class ObjectRows(Shape):
    """Objects of a kind: `total` fit what was asked."""

    kind: str
    total: int
    objects: list[ObjectRow]


class ObjectsAsked(Shape):
    """Which objects: with the words in the id or any text, with the tag."""

    q: Annotated[str, Field(max_length=200)] = ""
    tag: Annotated[str, Field(max_length=60)] = ""
    limit: Limit = 50


class ObjectsGiven(Shape):
    """The rows that stand in the place of a kind's: CSV with a column `id`."""

    rows: Annotated[str, Field(max_length=7_000_000)]


class ObjectsLoaded(Shape):
    """How many objects there are now, which came and went, and how many have each tag."""

    kind: str
    objects: int
    added: int
    removed: int
    tags: dict[str, int]
    digest: str


ROUTES = (
    Route("GET", "/api/v1/objects", "object list", Role.VIEWER, ObjectKinds, "tags"),
    Route("GET", "/api/v1/objects/{kind}", "object show", Role.VIEWER, ObjectRows, "tags", asks=ObjectsAsked),
    Route(
        "PUT",
        "/api/v1/objects/{kind}/rows",
        "object load",
        Role.OPERATOR,
        ObjectsLoaded,
        "tags",
        takes=ObjectsGiven,
        example={"body": {"rows": "id,name,season\nT-1,Spring tea,spring\n"}},
    ),
)
