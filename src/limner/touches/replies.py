"""What an account answers by itself: a file per keyword, and which of them a text is meant for. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from limner.campaigns.text import NAME, choice
from limner.errors import DefinitionError, LimnerError
from limner.tags.document import Document

EXACT, CONTAINS, REGEX = "exact", "contains", "regex"
MATCHES = (EXACT, CONTAINS, REGEX)
KEYS = ("match", "keywords", "reply", "owner", "why")
FOLLOWED = "followed"
"""The file of this name is what is answered to whoever follows; it has no keywords."""
MOST_TEXT = 600
"""Characters of an answer: the platform takes 2,048 bytes."""


@dataclass(frozen=True)
class Reply:
    """What is answered to a text: one that is a keyword, holds one, or matches one as a pattern."""

    name: str
    match: str
    keywords: tuple[str, ...]
    text: str


def read(text: str, name: str, *, file: str | None = None) -> Reply:
    """The reply that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=file or f"replies/{name}.yml")
    if not NAME.fullmatch(name):
        raise DefinitionError(
            f"'{name}' is no name of a reply", where=document.where, hint="use [a-z][a-z0-9_]*, at most 64"
        )
    document.known_keys(KEYS)
    reply = document.string("reply", required=True)
    if not reply.strip() or len(reply) > MOST_TEXT:
        raise document.error(f"a reply has 1 to {MOST_TEXT} characters", "reply")
    keywords: tuple[str, ...] = ()
    if name != FOLLOWED:
        if document.value("keywords") is None:
            raise document.error("which keywords?", code="missing", hint="keywords: [茶, tea]")
        keywords = document.strings("keywords")
        if not keywords or any(not word.strip() for word in keywords):
            raise document.error("a keyword is a text", "keywords")
    return Reply(
        name,
        choice(document, "match", among=MATCHES, default=EXACT),
        tuple(w.strip() for w in keywords),
        reply,
    )


def read_folder(folder: Path) -> tuple[dict[str, Reply], list[LimnerError]]:
    """Every reply of `folder/*.yml` that can be read, by name, and what is wrong with the others."""
    found: dict[str, Reply] = {}
    wrong: list[LimnerError] = []
    for path in sorted(folder.glob("*.yml")) if folder.is_dir() else ():
        try:
            found[path.stem] = read(path.read_text(encoding="utf-8"), path.stem)
        except UnicodeDecodeError:
            wrong.append(DefinitionError("the file is not UTF-8", where=f"replies/{path.name}"))
        except LimnerError as error:
            wrong.append(error)
    return found, wrong


def meant(replies: Iterable[Reply], text: str, *, matches: Callable[[str, str], bool]) -> Reply | None:
    """The reply to a text; None where none is meant.

    A keyword that is the whole text comes before one that the text holds, of those the longest before shorter ones, and
    patterns come last; among equals the first by name. Case and blanks around do not matter. `matches` (text, pattern):
    whether a pattern fits somewhere in the text.
    """
    said = text.strip().casefold()
    ranked: list[tuple[int, int, str, Reply]] = []
    for reply in replies:
        for word in reply.keywords:
            keyword = word.casefold()
            if reply.match == EXACT and keyword == said:
                ranked.append((0, 0, reply.name, reply))
            elif reply.match == CONTAINS and keyword in said:
                ranked.append((1, -len(keyword), reply.name, reply))
            elif reply.match == REGEX and matches(text, word):
                ranked.append((2, 0, reply.name, reply))
    return min(ranked, key=lambda found: found[:3])[3] if ranked else None
