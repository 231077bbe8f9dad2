"""Who is told of what: a file per URL under webhooks/, with the audiences and tags whose changes are posted to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from limner.campaigns.text import NAME, url_of
from limner.errors import DefinitionError, LimnerError
from limner.tags.document import Document

KEYS = ("url", "audiences", "tags", "batch", "owner", "why")
MOST = 1_000
"""People in one post."""


@dataclass(frozen=True)
class Hook:
    """A URL that is told who entered and left these audiences, and whose tags changed; `batch`: people in one post."""

    name: str
    url: str
    audiences: tuple[str, ...]
    tags: tuple[str, ...]
    batch: int = 500

    @property
    def subjects(self) -> tuple[str, ...]:
        """What it is told of, as the history of changes names it."""
        return (*(f"audience:{name}" for name in self.audiences), *(f"tag:{key}" for key in self.tags))


def read(text: str, name: str) -> Hook:
    """The hook that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=f"webhooks/{name}.yml")
    if not NAME.fullmatch(name):
        raise DefinitionError(
            f"'{name}' is no name of a webhook", where=document.where, hint="use [a-z][a-z0-9_]*, at most 64"
        )
    document.known_keys(KEYS)
    given = {
        key: document.strings(key) if document.value(key) is not None else () for key in ("audiences", "tags")
    }
    if not any(given.values()):
        raise document.error("of what is it told?", code="missing", hint="audiences: [vip]")
    batch = document.value("batch")
    if batch is not None and (
        isinstance(batch, bool) or not isinstance(batch, int) or not 1 <= batch <= MOST
    ):
        raise document.error(f"'batch' is a whole number from 1 to {MOST}", "batch")
    return Hook(name, url_of(document, "url"), given["audiences"], given["tags"], batch or Hook.batch)


def read_folder(folder: Path) -> tuple[Mapping[str, Hook], list[LimnerError]]:
    """Every hook of `folder/*.yml` that can be read, by name, and what is wrong with the others."""
    found: dict[str, Hook] = {}
    wrong: list[LimnerError] = []
    for path in sorted(folder.glob("*.yml")) if folder.is_dir() else ():
        try:
            found[path.stem] = read(path.read_text(encoding="utf-8"), path.stem)
        except UnicodeDecodeError:
            wrong.append(DefinitionError("the file is not UTF-8", where=f"webhooks/{path.name}"))
        except LimnerError as error:
            wrong.append(error)
    return found, wrong
