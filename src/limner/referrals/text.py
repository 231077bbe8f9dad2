"""A referral's file → Referral, each mistake with file:line:column."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from limner.campaigns.text import NAME, condition
from limner.errors import DefinitionError, LimnerError
from limner.referrals.model import ROLES, Referral, Reward, Success
from limner.tags.document import Document

KEYS = ("title", "audience", "to", "success", "same", "depth", "limits", "reward", "owner", "why")
MOST_DEPTH = 10
_SAME = re.compile(r"(person\.)?[A-Za-z][A-Za-z0-9_]{0,99}")


@lru_cache(maxsize=500)  # the same text is the same referral, and a referral never changes
def read(text: str, name: str, *, file: str | None = None) -> Referral:
    """The referral that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=file or f"referrals/{name}.yml")
    if not NAME.fullmatch(name):
        raise DefinitionError(
            f"'{name}' is no name of a referral", where=document.where, hint="use [a-z][a-z0-9_]*, at most 64"
        )
    document.known_keys(KEYS)
    most, per = _limits(document)
    return Referral(
        name=name,
        title=document.titles("title") or {"": name},
        to=_address(document, "to"),
        success=_success(document),
        audience=document.string("audience"),
        same=_same(document),
        depth=_depth(document),
        most=most,
        per=per,
        rewards=_rewards(document),
        text=text,
    )


def read_folder(folder: Path) -> tuple[dict[str, Referral], list[LimnerError]]:
    """Every referral of `folder/*.yml` that can be read, by name, and what is wrong with the others."""
    found: dict[str, Referral] = {}
    wrong: list[LimnerError] = []
    for path in sorted(folder.glob("*.yml")) if folder.is_dir() else ():
        try:
            found[path.stem] = read(path.read_text(encoding="utf-8"), path.stem)
        except UnicodeDecodeError:
            wrong.append(DefinitionError("the file is not UTF-8", where=f"referrals/{path.name}"))
        except LimnerError as error:
            wrong.append(error)
    return found, wrong


def _address(document: Document, *at: str) -> str:
    url = document.string(*at, required=True)
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or "@" in parts.netloc
        or not url.isprintable()
    ):
        raise document.error(f"'{at[-1]}' is an address that begins with https://", *at)
    return url


def _success(document: Document) -> Success:
    if not isinstance(document.value("success"), dict):
        raise document.error(
            "'success' says what a new person does", *(("success",) if document.value("success") is not None else ()),
            code="missing", hint="success: {event: Order Paid, within: 30 days}",
        )  # fmt: skip
    document.known_keys(("event", "where", "within"), "success")
    return Success(
        document.string("success", "event", required=True),
        condition(document, "event", "success", "where"),
        document.duration("success", "within") or Success("").within,
    )


def _same(document: Document) -> tuple[str, ...]:
    if document.value("same") is None:
        return ("device",)
    found = document.strings("same")
    for number, one in enumerate(found):
        if not _SAME.fullmatch(one):
            raise document.error(
                f"'{one}' is no identifier or attribute",
                "same",
                number,
                hint="same: [device, person.card_hash]",
            )
    return found


def _depth(document: Document) -> int:
    given = document.value("depth")
    if given is None:
        return 1
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MOST_DEPTH:
        raise document.error(f"'depth' is 1 to {MOST_DEPTH}", "depth")
    return int(given)


def _limits(document: Document) -> tuple[int | None, timedelta]:
    given = document.value("limits")
    usual = timedelta(days=365)
    if given is None:
        return None, usual
    if not isinstance(given, dict):
        raise document.error(
            "'limits' has people and per", "limits", hint="limits: {people: 20, per: 30 days}"
        )
    document.known_keys(("people", "per"), "limits")
    most = document.value("limits", "people")
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise document.error(
            "'people' is a whole number from 1 on", "limits", hint="limits: {people: 20, per: 30 days}"
        )
    return int(most), document.duration("limits", "per") or usual


def _rewards(document: Document) -> dict[str, Reward]:
    given = document.value("reward")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise document.error(f"'reward' is a mapping of {', '.join(ROLES)}", "reward")
    document.known_keys(ROLES, "reward")
    found = {}
    for role in given:
        if not isinstance(given[role], dict):
            raise document.error("a reward has a tag, or a webhook", "reward", role)
        document.known_keys(("tag", "value", "webhook"), "reward", role)
        value = document.value("reward", role, "value")
        if isinstance(value, dict | list):
            raise document.error("'value' is a text, a number, true or false", "reward", role, "value")
        tag = document.string("reward", role, "tag")
        webhook = document.string("reward", role, "webhook") and _address(document, "reward", role, "webhook")
        if not tag and not webhook:
            raise document.error("a reward has a tag, or a webhook", "reward", role, code="missing")
        found[str(role)] = Reward(tag, True if value is None else value, webhook)
    return found
