"""An item's file → Item, a message's picks → Asks, each mistake with file:line:column; and both as fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from limner.content.model import LIBRARY, POPULARITY, Ask, Item, Words
from limner.errors import DefinitionError, ExpressionError, LimnerError, did_you_mean
from limner.expressions.build import Scope
from limner.expressions.parse import parse
from limner.tags.document import Document, Step, dumped, moment
from limner.types import Json

KEYS = ("title", "languages", "about", "words", "from", "until", "audience", "weight", "owner", "why")
PARTS = ("title", "text", "link", "picture")
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
LANGUAGE = re.compile(r"[a-z]{2,3}")
ASKED = ("from", "count", "only", "where", "by", "leave_out", "popular", "popularity", "least")
MOST_PICKS, MOST_ASKS, MOST_LABELS, MOST_TEXT = 20, 5, 50, 20_000
MOST_ITEMS = 5_000
_WORD = re.compile(r"[^\s,;:'\"{}\[\]][^,;:'\"{}\[\]]{0,59}")


@lru_cache(maxsize=10_000)  # the same text is the same item, and an item never changes
def read(text: str, name: str) -> Item:
    """The item that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=f"content/{name}.yml")
    if not NAME.fullmatch(name):
        raise DefinitionError(
            f"'{name}' is no name of content", where=document.where, hint="use [a-z][a-z0-9_]*, at most 64"
        )
    document.known_keys(KEYS)
    item = Item(
        name=name,
        title=document.titles("title") or {"": name},
        languages=_languages(document),
        about=_labels(document, "about"),
        words=_labels(document, "words"),
        start=_day(document, "from"),
        end=_day(document, "until"),
        audience=_condition(document, "person", "audience"),
        weight=_weight(document),
        owner=document.string("owner"),
        why=document.string("why"),
        definition=text,
    )
    if item.start and item.end and moment(item.start) > moment(item.end):
        raise document.error("it ends before it begins", "until")
    return item


def read_folder(folder: Path) -> tuple[dict[str, Item], list[LimnerError]]:
    """Every item of `folder/*.yml` that can be read, by name, and what is wrong with the others."""
    found: dict[str, Item] = {}
    wrong: list[LimnerError] = []
    paths = sorted(folder.glob("*.yml")) if folder.is_dir() else []
    if len(paths) > MOST_ITEMS:
        wrong.append(
            DefinitionError(f"there are {len(paths):,} items; limit {MOST_ITEMS:,}", where="content")
        )
    for path in paths[:MOST_ITEMS]:
        try:
            found[path.stem] = read(path.read_text(encoding="utf-8"), path.stem)
        except UnicodeDecodeError:
            wrong.append(DefinitionError("the file is not UTF-8", where=f"content/{path.name}"))
        except LimnerError as error:
            wrong.append(error)
    return found, wrong


def _languages(document: Document) -> dict[str, Words]:
    given = document.value("languages")
    hint = "languages: {en: {text: …, link: https://…}}"
    if not isinstance(given, Mapping) or not given:
        place = ("languages",) if given is not None else ()
        raise document.error("'languages' holds its text, by language", *place, code="missing", hint=hint)
    found: dict[str, Words] = {}
    for language in given:
        at: tuple[Step, ...] = ("languages", language)
        if not isinstance(language, str) or not LANGUAGE.fullmatch(language):
            raise document.error(
                f"'{language}' is no language", *at, of_key=True, hint="two or three letters: en, zh"
            )
        if not isinstance(given[language], Mapping):
            raise document.error("a language has title, text, link and picture", *at, hint=hint)
        document.known_keys(PARTS, *at)
        words = Words(**{part: document.string(*at, part).strip() for part in PARTS})
        if len(words.text) > MOST_TEXT:
            raise document.error(
                f"the text is longer than {MOST_TEXT:,} characters", *at, "text", code="too_long"
            )
        for part in ("link", "picture"):
            if not _is_url(getattr(words, part)):
                raise document.error(
                    f"'{part}' begins with https:// and holds no spaces", *at, part, code="bad_link"
                )
        if not words.text and not words.link:
            raise document.error("it says nothing and leads nowhere", *at, code="missing", hint=hint)
        found[language] = words
    return found


def _is_url(said: str) -> bool:
    """Whether it is a link that may stand in a message; '' is none and may."""
    if not said:
        return True
    try:
        parts = urlsplit(said)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False
    return whole and said.isprintable() and len(said) <= 2_000 and not any(c in ' <>"' for c in said)


def _labels(document: Document, key: str) -> tuple[str, ...]:
    if document.value(key) is None:
        return ()
    found = tuple(dict.fromkeys(label.strip() for label in document.strings(key)))
    if len(found) > MOST_LABELS or not all(0 < len(label) <= 200 for label in found):
        raise document.error(f"'{key}' are at most {MOST_LABELS} texts", key)
    strange = [word for word in found if key == "words" and not _WORD.fullmatch(word)]
    if strange:
        raise document.error(f"'{strange[0]}' is no word", key, hint="words: [article]")
    return found


def _day(document: Document, key: str) -> str:
    return "" if document.value(key) is None else document.date(key)


def _condition(document: Document, scope: Scope, *path: Step) -> str:
    said = document.string(*path)
    if said:
        try:
            parse(said, scope=scope)
        except ExpressionError as error:
            raise document.wrapped(error, *path) from error
    return said


def _weight(document: Document) -> float:
    given = document.value("weight")
    if given is None:
        return 0.0
    if isinstance(given, bool) or not isinstance(given, int | float) or not -1 <= given <= 1:
        raise document.error("'weight' is a number from -1 to 1: it is added to the score", "weight")
    return float(given)


# What a message asks for


def picks_of(document: Document, *path: Step) -> dict[str, Ask]:
    """What the `picks` at the path ask for, by name. Raises DefinitionError."""
    given = document.value(*path)
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not 0 < len(given) <= MOST_ASKS:
        raise document.error(
            f"'picks' holds at most {MOST_ASKS} lists by name", *path, hint="picks: {articles: {count: 3}}"
        )
    return {str(name): _ask(document, name, *path, name) for name in given}


def _ask(document: Document, name: Any, *at: Step) -> Ask:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise document.error(f"'{name}' is no name of a list", *at, of_key=True, hint="[a-z][a-z0-9_]*")
    given = document.value(*at)
    if not isinstance(given, Mapping):
        raise document.error(
            "a list of picks says from, count …", *at, hint="articles: {only: [article], count: 3}"
        )
    document.known_keys(ASKED, *at)
    source = document.string(*at, "from") or LIBRARY
    where = _condition(document, "event", *at, "where")
    if where and source == LIBRARY:
        raise document.error("'where' asks objects; content is chosen by 'only'", *at, "where")
    count = _number(document, 3, 1, *at, "count")
    return Ask(
        source=source,
        count=count,
        only=_texts(document, *at, "only"),
        where=where,
        by=_texts(document, *at, "by"),
        leave_out=_texts(document, *at, "leave_out"),
        popular=document.string(*at, "popular"),
        popularity=_share(document, *at, "popularity"),
        least=min(_number(document, 1, 0, *at, "least"), count),
    )


def _texts(document: Document, *path: Step) -> tuple[str, ...]:
    return () if document.value(*path) is None else document.strings(*path)


def _number(document: Document, usual: int, lowest: int, *path: Step) -> int:
    given = document.value(*path)
    if given is None:
        return usual
    if isinstance(given, bool) or not isinstance(given, int) or not lowest <= given <= MOST_PICKS:
        raise document.error(f"'{path[-1]}' is a whole number from {lowest} to {MOST_PICKS}", *path)
    return int(given)


def _share(document: Document, *path: Step) -> float:
    given = document.value(*path)
    if given is None:
        return POPULARITY
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 10:
        raise document.error("'popularity' is a number from 0 to 10: its part in the score", *path)
    return float(given)


def asks_of(picks: Mapping[str, Ask]) -> Json:
    """The picks as their file says them: only what is not as usual."""
    usual = Ask()
    return {
        name: {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in (
                ("from", ask.source), ("count", ask.count), ("only", ask.only), ("where", ask.where),
                ("by", ask.by), ("leave_out", ask.leave_out), ("popular", ask.popular),
                ("popularity", ask.popularity), ("least", ask.least),
            )
            if key == "count" or value != getattr(usual, "source" if key == "from" else key)
        }
        for name, ask in picks.items()
    }  # fmt: skip


# An item's form


def fields_of(item: Item) -> Json:
    """Everything that the item's file can say, as a form shows it."""
    return {
        "title": {} if item.title == {"": item.name} else dict(item.title),
        "languages": {
            language: {part: getattr(words, part) for part in PARTS}
            for language, words in item.languages.items()
        },
        "about": list(item.about),
        "words": list(item.words),
        "from": item.start,
        "until": item.end,
        "audience": item.audience,
        "weight": item.weight,
        "owner": item.owner,
        "why": item.why,
    }


def written(text: str, fields: Mapping[str, Any], *, name: str) -> str:
    """The file's text with these fields; comments and what does not change stay. Empty ones go.

    Raises DefinitionError when the text is no mapping, or a field is not known.
    """
    for key in fields:
        if key not in KEYS:
            raise DefinitionError(
                f"unknown key '{key}'", where=f"content/{name}.yml", hint=did_you_mean(key, KEYS)
            )
    changes = {key: _plain(key, value) for key, value in fields.items()}
    if not text.strip():
        return dumped({key: changes[key] for key in KEYS if changes.get(key) is not None})
    document = Document(text, where=f"content/{name}.yml")
    for key, value in fields.items():
        there = document.root.get(key)
        if isinstance(there, date) and value == there.isoformat():
            del changes[key]
    return document.edited(changes, order=KEYS)


def _plain(key: str, value: Any) -> Any:
    """The value as the file says it; None where it says nothing."""
    if key == "languages" and isinstance(value, Mapping):
        made = {
            language: {part: said for part, said in words.items() if said}
            if isinstance(words, Mapping)
            else words
            for language, words in value.items()
        }
        return made or None
    if key == "title" and isinstance(value, Mapping):
        kept = {language: said for language, said in value.items() if said}
        return kept.get("", kept) or None
    if key in ("from", "until") and value:
        return DoubleQuotedScalarString(str(value))
    if value in ("", [], {}, None) or (key == "weight" and not value):
        return None
    return value
