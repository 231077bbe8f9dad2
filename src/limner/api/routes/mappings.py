"""Routes of other systems' names: what they mean here, and where they contradict each other."""

from __future__ import annotations

from typing import Literal

from limner.accounts.model import Role
from limner.api.routes.route import Route, Shape
from limner.api.routes.tags import FileProblem


class MappedName(Shape):
    """One of their names, the tag that it is about, and what it means in words."""

    theirs: str
    tag: str
    meant: str
    where: str


class MappedSystem(Shape):
    """Another system and its names."""

    name: str
    system: str
    titles: dict[str, str]
    owner: str
    why: str
    names: list[MappedName]


class OtherNames(Shape):
    """Every other system; `problems`: files that cannot be read."""

    systems: list[MappedSystem]
    problems: list[FileProblem]


class NamesConflict(Shape):
    """Names that contradict each other, or mean what is not there; `where`: the places in the files."""

    level: Literal["bad", "warn"]
    code: Literal[
        "one_to_two", "two_to_one", "part_of_another", "elsewhere", "unknown_tag", "wrong_value", "unknown_value",
        "deprecated",
    ]  # fmt: skip
    where: list[str]
    theirs: list[str]
    ours: list[str]
    text: str
    hint: str


class NamesChecked(Shape):
    """How many systems and names there are, and every conflict, the worst first."""

    systems: int
    names: int
    problems: list[FileProblem]
    conflicts: list[NamesConflict]


ROUTES = (
    Route("GET", "/api/v1/mappings", "mapping list", Role.VIEWER, OtherNames, "tags"),
    Route("GET", "/api/v1/mappings/check", "mapping check", Role.VIEWER, NamesChecked, "tags"),
)
