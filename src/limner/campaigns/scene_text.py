"""A scene's file → Scene, each mistake with file:line:column; and fields put into its text.

```yaml
title: {en: Spring tea, zh: 春茶季}
goal: {event: Order Paid, money: amount, target: +5%, within: 14 days}
products: product.seasonal
audience: tea_people
channels: [email, wechat]
from: 2026-04-01
until: 2026-04-30
holdout: 0.1
theme: {line: The first leaves are here}
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from limner.campaigns import text as campaign_text
from limner.campaigns.model import CHANNELS
from limner.campaigns.scene import Aim, Scene, Target
from limner.errors import DefinitionError, did_you_mean
from limner.tags.document import Document, dumped
from limner.tags.document import Step as At

KEYS = (
    "title", "goal", "baseline", "products", "audience", "channels", "from", "until", "holdout", "seed", "theme",
    "owner", "why",
)  # fmt: skip
GOAL = ("metric", "event", "where", "money", "target", "within")
_PERCENT = re.compile(r"([+-]\d+(?:\.\d+)?) ?%")
_THEME = re.compile(r"[a-z][a-z0-9_]{0,63}")
MOST_THEME = 100
LONGEST_VALUE = 10_000
LONGEST = timedelta(days=3660)


@lru_cache(maxsize=1_000)  # the same text is the same scene, and a scene never changes
def read(text: str, name: str, *, file: str | None = None) -> Scene:
    """The scene that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=file or f"scenes/{name}.yml")
    if not campaign_text.NAME.fullmatch(name):
        raise DefinitionError(
            f"'{name}' is no scene name", where=document.where, hint="use [a-z][a-z0-9_]*, at most 64"
        )
    document.known_keys(KEYS)
    first, last = _day(document, "from"), _day(document, "until")
    if first is not None and last is not None and last < first:
        raise document.error("the scene ends before it begins", "until", code="order")
    if first is not None and last is not None and last - first > LONGEST:
        raise document.error("a scene is at most ten years long", "until", code="out_of_range")
    return Scene(
        name=name,
        title=document.titles("title") or {"": name},
        goal=_goal(document),
        baseline=_number(document, "baseline"),
        products=campaign_text.condition(document, "event", "products"),
        audience=document.string("audience"),
        channels=_channels(document),
        first=first,
        last=last,
        holdout=campaign_text.share_of(document, "holdout", highest=campaign_text.MAX_HOLDOUT) or 0.0,
        seed=document.string("seed"),
        theme=_theme(document),
        owner=document.string("owner"),
        why=document.string("why"),
        definition=text,
    )


def read_file(path: Path) -> Scene:
    """The scene of a file; the file's name is its name."""
    place = f"scenes/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DefinitionError("the file is not UTF-8", where=place) from error
    return read(text, path.stem, file=place)


def written(text: str, changes: Mapping[str, Any], *, name: str) -> str:
    """The file's text with these keys set (None takes one away); what does not change stays as it was written.

    Raises DefinitionError for what is no YAML, or an unknown key.
    """
    for key in changes:
        if key not in KEYS:
            raise DefinitionError(
                f"unknown key '{key}'", where=f"scenes/{name}.yml", hint=did_you_mean(key, KEYS)
            )
    made = {key: _as_written(key, value) for key, value in changes.items()}
    if not text.strip():
        return dumped({key: made[key] for key in KEYS if made.get(key) is not None})
    return Document(text, where=f"scenes/{name}.yml").edited(made, order=KEYS)


def _as_written(key: str, value: Any) -> Any:
    """The value as a file says it: a day is a date, and what says nothing is not there."""
    if value in ("", [], {}):
        return None
    if key in ("from", "until") and isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value  # reading the text says what is wrong with it
    return value


def _goal(document: Document) -> Aim | None:
    given = document.value("goal")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise document.error(
            "'goal' says a metric or an event", "goal", hint="goal: {event: Order Paid, target: +5%}"
        )
    document.known_keys(GOAL, "goal")
    metric, event = document.string("goal", "metric"), document.string("goal", "event")
    if bool(metric) == bool(event):
        raise document.error("a goal is measured by a metric, or by an event", "goal", code="missing")
    for key in ("where", "money"):
        if metric and key in given:
            raise document.error(f"what '{key}' says stands in the metric", "goal", key, of_key=True)
    return Aim(
        metric=metric,
        event=event,
        where=campaign_text.condition(document, "event", "goal", "where"),
        money=document.string("goal", "money"),
        target=_target(document),
        within=campaign_text.duration(document, "goal", "within") or Aim.within,
    )


def _target(document: Document) -> Target | None:
    given = document.value("goal", "target")
    found = _PERCENT.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is not None:
        return Target(float(found[1]) / 100, relative=True)
    if isinstance(given, str):
        raise document.error(
            "'target' is a number, or a change in percent", "goal", "target", hint='"+5%", or 1200'
        )
    number = _number(document, "goal", "target")
    return None if number is None else Target(number)


def _number(document: Document, *at: At) -> float | None:
    given = document.value(*at)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or abs(given) > 1e15:
        raise document.error(f"'{at[-1]}' is a number", *at)
    return float(given)


def _channels(document: Document) -> tuple[str, ...]:
    if document.value("channels") is None:
        return ()
    given = document.strings("channels")
    for number, channel in enumerate(given):
        if channel not in CHANNELS:
            raise document.error(
                f"'channels' are some of {', '.join(CHANNELS)}, not '{channel}'", "channels", number,
                hint=did_you_mean(channel, CHANNELS),
            )  # fmt: skip
    return tuple(dict.fromkeys(given))


def _day(document: Document, key: str) -> date | None:
    given = document.value(key)
    if given is None:
        return None
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    try:
        return date.fromisoformat(str(given))
    except ValueError:
        raise document.error(f"'{given}' is no day", key, hint=f"{key}: 2026-04-01") from None


def _theme(document: Document) -> dict[str, str]:
    given = document.value("theme")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise document.error("'theme' is a mapping of name: text", "theme", hint="theme: {line: …}")
    if len(given) > MOST_THEME:
        raise document.error(f"a theme has at most {MOST_THEME} values", "theme", code="too_complex")
    found = {}
    for name, value in given.items():
        if not isinstance(name, str) or not _THEME.fullmatch(name):
            raise document.error(
                f"'{name}' is no name of a value", "theme", name, of_key=True, hint="use [a-z][a-z0-9_]*"
            )
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise document.error(f"'{name}' is no text", "theme", name, hint="put it in quotes")
        if len(str(value)) > LONGEST_VALUE:
            raise document.error(
                f"'{name}' is longer than {LONGEST_VALUE:,} characters", "theme", name, code="too_long"
            )
        found[name] = str(value)
    return found
