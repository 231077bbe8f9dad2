"""Audience: a named condition or a fixed list of user ids, as `audiences/NAME.yml` says. Counts nobody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from limner.errors import DefinitionError, ExpressionError
from limner.expressions.parse import parse
from limner.expressions.tree import Expr
from limner.tags.document import Document, dumped

NAME = re.compile(r"[^\W_][\w-]{0,99}\Z")
KEYS = ("title", "expression", "members", "owner", "why")


@dataclass(frozen=True)
class Audience:
    """A saved audience: `expression`, or `members` (user ids) when it is a fixed list."""

    name: str
    title: Mapping[str, str]
    expression: str | None = None
    members: tuple[str, ...] | None = None
    owner: str = ""
    why: str = ""
    text: str = field(default="", compare=False)

    @property
    def fixed(self) -> bool:
        """Whether it is a list rather than a condition."""
        return self.members is not None

    @property
    def subject(self) -> str:
        """Its name in the history of changes."""
        return f"audience:{self.name}"


@lru_cache(maxsize=2_000)  # the same text is the same audience, and an audience never changes
def read(text: str, name: str, *, where: str | None = None) -> Audience:
    """The audience that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=where or f"audiences/{name}.yml")
    if not NAME.match(name):
        raise DefinitionError(
            f"'{name}' is no audience name", where=document.where, hint="letters, digits, _ and -"
        )
    document.known_keys(KEYS)
    expression = document.string("expression") or None
    members = document.strings("members") if "members" in document.root else None
    if (expression is None) == (members is None):
        raise document.error("an audience has an expression or members", code="missing")
    if expression is not None:
        try:
            parse(expression)
        except ExpressionError as error:
            raise document.wrapped(error, "expression") from error
    return Audience(
        name=name,
        title=document.titles("title"),
        expression=expression,
        members=None if members is None else tuple(dict.fromkeys(members)),
        owner=document.string("owner"),
        why=document.string("why"),
        text=text,
    )


def read_file(path: Path) -> Audience:
    """The audience of a file; the file's name is its name."""
    place = f"audiences/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DefinitionError("the file is not UTF-8", where=place) from error
    return read(text, path.stem, where=place)


def read_folder(folder: Path) -> dict[str, Audience]:
    """Every audience of `folder/*.yml`, by name. Raises DefinitionError for the first file that is wrong."""
    if not folder.is_dir():
        return {}
    return {path.stem: read_file(path) for path in sorted(folder.glob("*.yml"))}


def read_folder_leniently(folder: Path) -> tuple[dict[str, Audience], list[DefinitionError]]:
    """Every audience of the folder that can be read, and the errors of the others."""
    audiences: dict[str, Audience] = {}
    errors: list[DefinitionError] = []
    for path in sorted(folder.glob("*.yml")) if folder.is_dir() else ():
        try:
            audiences[path.stem] = read_file(path)
        except DefinitionError as error:
            errors.append(error)
    return audiences, errors


def write(audience: Audience) -> str:
    """The audience as a file: its own text edited where it differs, so that comments survive."""
    title: Any = dict(audience.title) or None
    if set(audience.title) == {""}:
        title = audience.title[""]
    fields = {
        "title": title,
        "expression": audience.expression,
        "members": None if audience.members is None else list(audience.members),
        "owner": audience.owner or None,
        "why": audience.why or None,
    }
    if not audience.text:
        return dumped({key: value for key, value in fields.items() if value is not None})
    return Document(audience.text, where=f"audiences/{audience.name}.yml").edited(fields)


def tree(audience: Audience) -> Expr:
    """The condition as a tree. Raises DefinitionError for a fixed list."""
    if audience.expression is None:
        raise DefinitionError("a fixed list has no condition", where=f"audiences/{audience.name}.yml")
    return parse(audience.expression)
