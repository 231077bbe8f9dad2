"""Routes of industry templates: ready tags and audiences of a trade."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.route import Nothing, Route, Shape


class IndustryRow(Shape):
    """An industry template. `installed`: how many of its tags are here, whatever they say."""

    name: str
    titles: dict[str, str]
    about: dict[str, str]
    tags: int
    audiences: int
    installed: int


class Industries(Shape):
    """Every industry template."""

    industries: list[IndustryRow]


class NeededName(Shape):
    """An event, property or attribute that the template reads; `known`: somebody here has had it."""

    name: str
    meaning: dict[str, str]
    known: bool


class IndustryCategory(Shape):
    """The first step of a category, and how many tags lie below."""

    path: str
    tags: int


class Waits(Shape):
    """What a tag reads and nobody here has had yet, also through the tags that it refers to."""

    events: list[str]
    properties: list[str]
    attributes: list[str]


class IndustryTag(Shape):
    """A tag of the template. `exists`: a tag of this key is here; `tests`: how many stand in its file."""

    key: str
    titles: dict[str, str]
    category: str
    nature: str
    method: str
    type: str
    definition: str
    why: str
    tests: int
    exists: bool
    waits_for: Waits


class IndustryAudience(Shape):
    """An audience of the template. `exists`: one of this name is here."""

    name: str
    titles: dict[str, str]
    expression: str
    why: str
    exists: bool


class Installation(Shape):
    """The last installation that was not taken back. `changed`: its files that were edited since."""

    at: str
    by: str
    files: int
    changed: list[str]


class Industry(Shape):
    """One industry template with the data that it reads."""

    name: str
    titles: dict[str, str]
    about: dict[str, str]
    events: list[NeededName]
    properties: list[NeededName]
    attributes: list[NeededName]
    categories: list[IndustryCategory]
    tags: list[IndustryTag]
    audiences: list[IndustryAudience]
    installation: Installation | None


class IndustryAsked(Shape):
    """`only`: a category, and what its tags need (default: all); `dry_run`: nothing is written."""

    only: Annotated[str, Field(max_length=200)] = ""
    dry_run: bool = False


class FileThere(Shape):
    """A file that was there and stays; `same`: it is what the template has."""

    file: str
    same: bool


class WaitingTag(Waits):
    """A tag that cannot say much before data of these names come."""

    key: str
    titles: dict[str, str]


class IndustryInstalled(Shape):
    """The files that were written (would be, when `dry_run`), those that were there, and tags that wait for data."""

    name: str
    dry_run: bool
    saved: list[str]
    there: list[FileThere]
    waiting: list[WaitingTag]


class IndustryUndone(Shape):
    """The files of the installation, which are gone; the next run takes the values of their tags away."""

    name: str
    removed: list[str]


ROUTES = (
    Route("GET", "/api/v1/industries", "industry list", Role.VIEWER, Industries, "tags"),
    Route("GET", "/api/v1/industries/{name}", "industry show", Role.VIEWER, Industry, "tags"),
    Route(
        "POST",
        "/api/v1/industries/{name}/install",
        "industry install",
        Role.OPERATOR,
        IndustryInstalled,
        "tags",
        takes=IndustryAsked,
        effect=True,
        example={"body": {"only": "value", "dry_run": True}},
    ),
    Route(
        "POST",
        "/api/v1/industries/{name}/undo",
        "industry undo",
        Role.OPERATOR,
        IndustryUndone,
        "tags",
        takes=Nothing,
        effect=True,
    ),
)
