"""Exclusive groups: flags of which nobody has two at once. `groups/KEY.yml` to Group. Knows no tag but its key.

```yaml
# groups/gender.yml
title: {en: Gender, zh: 性别}
tags: [female, male]
keep: declared
why: Nobody is addressed as both.
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from limner.errors import DefinitionError
from limner.tags.document import KEY, Document

KEYS = ("title", "tags", "keep", "owner", "why")


class Keep(StrEnum):
    """Which of several true flags somebody keeps.

    newest: the one whose value began last; priority: the first of the list; declared: what was told or set by hand
    before what was computed, then the first of the list; none: none of them. Equals go by the list.
    """

    NEWEST = "newest"
    PRIORITY = "priority"
    DECLARED = "declared"
    NONE = "none"


@dataclass(frozen=True)
class Group:
    """An exclusive group: the keys of its tags in the order of the list, and which is kept in a conflict."""

    key: str
    title: Mapping[str, str] = field(hash=False)
    tags: tuple[str, ...]
    keep: Keep
    owner: str = ""
    why: str = ""
    text: str = field(default="", compare=False)

    @property
    def mark(self) -> str:
        """What its members' values follow from, as text."""
        return f"{self.keep} {' '.join(self.tags)}"


@lru_cache(maxsize=1_024)  # the same text is the same group, and a group never changes
def read(text: str, key: str) -> Group:
    """The group that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=f"groups/{key}.yml")
    if not KEY.match(key) or len(key) > 60:
        raise DefinitionError(
            f"'{key}' is no group key", where=document.where, hint="a-z, 0-9 and _, beginning with a letter"
        )
    document.known_keys(KEYS)
    tags = document.strings("tags") if "tags" in document.root else ()
    if len(tags) < 2:
        raise document.error(
            "a group has at least two tags", *(["tags"] if "tags" in document.root else []), code="missing"
        )
    for place, tag in enumerate(tags):
        if tag in tags[:place]:
            raise document.error(f"'{tag}' stands twice in the list", "tags", place, code="twice")
    keep = document.string("keep", required=True)
    if keep not in list(Keep):
        raise document.error(f"unknown keep '{keep}'", "keep", hint=f"one of {', '.join(Keep)}")
    return Group(
        key,
        document.titles("title"),
        tags,
        Keep(keep),
        document.string("owner"),
        document.string("why"),
        text,
    )


def read_folder(folder: Path) -> tuple[dict[str, Group], list[DefinitionError]]:
    """Every group of `folder/*.yml` that can be read, by key, and the errors of the others."""
    groups: dict[str, Group] = {}
    errors: list[DefinitionError] = []
    for path in sorted(folder.glob("*.yml")) if folder.is_dir() else ():
        try:
            groups[path.stem] = read(path.read_text(encoding="utf-8"), path.stem)
        except UnicodeDecodeError:
            errors.append(DefinitionError("the file is not UTF-8", where=f"groups/{path.name}"))
        except DefinitionError as error:
            errors.append(error)
    return groups, errors


def wrong(group: Group, path: tuple[str | int, ...], message: str, **more: str | None) -> DefinitionError:
    """The error at a value of the group's file."""
    if not group.text:
        return DefinitionError(
            message, where=f"groups/{group.key}.yml", hint=more.get("hint"), code=more.get("code")
        )
    document = Document(group.text, where=f"groups/{group.key}.yml")
    return document.error(message, *path, hint=more.get("hint"), code=more.get("code"))
