"""A form's file → Form, each mistake with file:line:column. Knows no tag and no attribute."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from limner.campaigns.text import NAME, choice
from limner.channels.kinds import KINDS as CHANNELS
from limner.errors import DefinitionError, LimnerError
from limner.forms.model import CHOICE, CONSENT, EMAIL, KINDS, MANY, PHONE, Bots, Field, Form, Option
from limner.tags.document import Document
from limner.tags.document import Step as At

KEYS = (
    "title", "intro", "fields", "button", "thanks", "redirect", "gives", "label", "bots", "owner", "why",
)  # fmt: skip
FIELD_KEYS = (
    "name",
    "kind",
    "label",
    "required",
    "to",
    "ask",
    "identifies",
    "options",
    "note",
    "channel",
    "address",
)
MOST_FIELDS = 50
MOST_OPTIONS = 200
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_TAG = re.compile(r"[a-z][a-z0-9_]{0,59}")


@lru_cache(maxsize=500)  # the same text is the same form, and a form never changes
def read(text: str, name: str, *, file: str | None = None) -> Form:
    """The form that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=file or f"forms/{name}.yml")
    if not NAME.fullmatch(name):
        raise DefinitionError(
            f"'{name}' is no name of a form", where=document.where, hint="use [a-z][a-z0-9_]*, at most 64"
        )
    document.known_keys(KEYS)
    redirect = document.string("redirect")
    if redirect and not _leads(redirect):
        raise document.error("'redirect' is an address that begins with https://", "redirect")
    if redirect and document.value("thanks") is not None:
        raise document.error("a form thanks or leads elsewhere, not both", "redirect", of_key=True)
    return Form(
        name=name,
        title=document.titles("title") or {"": name},
        intro=document.titles("intro"),
        fields=_fields(document),
        button=document.titles("button"),
        thanks=document.titles("thanks"),
        redirect=redirect,
        gives=_gives(document),
        label=document.string("label"),
        bots=_bots(document),
        text=text,
    )


def read_folder(folder: Path) -> tuple[dict[str, Form], list[LimnerError]]:
    """Every form of `folder/*.yml` that can be read, by name, and what is wrong with the others."""
    found: dict[str, Form] = {}
    wrong: list[LimnerError] = []
    for path in sorted(folder.glob("*.yml")) if folder.is_dir() else ():
        try:
            found[path.stem] = read(path.read_text(encoding="utf-8"), path.stem)
        except UnicodeDecodeError:
            wrong.append(DefinitionError("the file is not UTF-8", where=f"forms/{path.name}"))
        except LimnerError as error:
            wrong.append(error)
    return found, wrong


def _leads(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname) and "@" not in parts.netloc


def _fields(document: Document) -> tuple[Field, ...]:
    given = document.value("fields")
    if not isinstance(given, list) or not given:
        raise document.error(
            "'fields' is a list of what is asked", *(("fields",) if given is not None else ()), code="missing",
            hint="fields: [{name: name, kind: text, to: person.name}]",
        )  # fmt: skip
    if len(given) > MOST_FIELDS:
        raise document.error(f"a form has at most {MOST_FIELDS} fields", "fields", code="too_complex")
    found: list[Field] = []
    for number in range(len(given)):
        made = _field(document, "fields", number)
        if any(made.name == other.name for other in found):
            raise document.error(f"two fields are called '{made.name}'", "fields", number, "name")
        found.append(made)
    for number, made in enumerate(found):
        if made.kind != CONSENT:
            continue
        if made.address not in {other.name for other in found if other.kind in (EMAIL, PHONE)}:
            raise document.error(
                "a consent names the field that holds the address", "fields", number, code="missing",
                hint="address: NAME of a field of kind email or phone",
            )  # fmt: skip
    return tuple(found)


def _field(document: Document, *at: At) -> Field:
    if not isinstance(document.value(*at), dict):
        raise document.error("a field has a name and a kind", *at)
    document.known_keys(FIELD_KEYS, *at)
    name = document.string(*at, "name", required=True)
    if not NAME.fullmatch(name):
        raise document.error(f"'{name}' is no name of a field", *at, "name", hint="[a-z][a-z0-9_]*")
    document.string(*at, "kind", required=True)
    kind = choice(document, *at, "kind", among=KINDS, default="")
    attribute, tag = _target(document, kind, *at)
    ask = choice(document, *at, "ask", among=("once", "always"), default="once")
    identifies = _truth(document, *at, "identifies")
    if identifies and (kind not in (EMAIL, PHONE) or not attribute):
        raise document.error(
            "only an e-mail address or a phone number that becomes an attribute identifies", *at, "identifies"
        )
    options = _options(document, *at)
    if bool(options) != (kind in (CHOICE, MANY)):
        raise document.error(
            f"a field of kind '{kind}' has {'' if kind in (CHOICE, MANY) else 'no '}options",
            *at,
            code="options",
        )
    channel = document.string(*at, "channel")
    if kind == CONSENT and channel not in CHANNELS:
        raise document.error(
            "by which channel may they be written to?",
            *at,
            code="missing",
            hint=f"channel: {', '.join(CHANNELS)}",
        )
    if kind != CONSENT and (channel or document.string(*at, "address")):
        raise document.error("only a consent has a channel and an address", *at)
    return Field(
        name=name,
        kind=kind,
        label=document.titles(*at, "label") or {"": name},
        required=_truth(document, *at, "required"),
        attribute=attribute,
        tag=tag,
        once=ask == "once",
        identifies=identifies,
        options=options,
        note=document.titles(*at, "note"),
        channel=channel,
        address=document.string(*at, "address"),
    )


def _target(document: Document, kind: str, *at: At) -> tuple[str, str]:
    to = document.string(*at, "to")
    if not to:
        return "", ""
    what, _, name = to.partition(".")
    if what == "person" and _ATTRIBUTE.fullmatch(name):
        if kind == CONSENT:
            raise document.error("a consent stands in the ledger of consents, not in an attribute", *at, "to")
        return name, ""
    if what == "tag" and _TAG.fullmatch(name) and kind not in (MANY, CONSENT):
        return "", name
    raise document.error(
        f"'{to}' is nothing that an answer of kind '{kind}' can become",
        *at,
        "to",
        hint="person.name, or tag.KEY",
    )


def _options(document: Document, *at: At) -> tuple[Option, ...]:
    given = document.value(*at, "options")
    if given is None:
        return ()
    if not isinstance(given, list) or not given or len(given) > MOST_OPTIONS:
        raise document.error(f"'options' is a list of 1 to {MOST_OPTIONS}", *at, "options")
    found: list[Option] = []
    for number, item in enumerate(given):
        place: tuple[At, ...] = (*at, "options", number)
        if isinstance(item, str) and item.strip():
            made = Option(str(item), {"": str(item)})
        elif isinstance(item, dict):
            document.known_keys(("value", "label"), *place)
            value = document.string(*place, "value", required=True)
            made = Option(value, document.titles(*place, "label") or {"": value})
        else:
            raise document.error("an option is a text, or has a value and a label", *place)
        if any(made.value == other.value for other in found):
            raise document.error(f"the option '{made.value}' is there twice", *place)
        found.append(made)
    return tuple(found)


def _gives(document: Document) -> dict[str, Any]:
    given = document.value("gives")
    if given is None:
        return {}
    if not isinstance(given, dict) or any(
        isinstance(value, dict | list) or value is None for value in given.values()
    ):
        raise document.error("'gives' is a mapping of tag: value", "gives", hint="gives: {interest: tea}")
    return {
        str(key): value if isinstance(value, bool | int | float) else str(value)
        for key, value in given.items()
    }


def _bots(document: Document) -> Bots:
    given = document.value("bots")
    if given is None:
        return Bots()
    if not isinstance(given, dict):
        raise document.error("'bots' holds least, valid, free, most", "bots")
    document.known_keys(("least", "valid", "free", "most"), "bots")
    usual = Bots()
    least = document.duration("bots", "least") or usual.least
    valid = document.duration("bots", "valid") or usual.valid
    if not timedelta(seconds=1) <= least < valid <= timedelta(days=30):
        raise document.error("'least' is shorter than 'valid', which is at most 30 days", "bots")
    counts = {}
    for key, otherwise in (("free", usual.free), ("most", usual.most)):
        value = document.value("bots", key)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100_000
        ):
            raise document.error(f"'{key}' is a number of answers an hour", "bots", key)
        counts[key] = otherwise if value is None else int(value)
    if counts["free"] > counts["most"]:
        raise document.error("'free' is at most 'most'", "bots")
    return Bots(least, valid, counts["free"], counts["most"])


def _truth(document: Document, *path: At) -> bool:
    given = document.value(*path)
    if given is not None and not isinstance(given, bool):
        raise document.error(f"'{path[-1]}' is true or false", *path)
    return bool(given)
