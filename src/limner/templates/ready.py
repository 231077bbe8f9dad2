"""Ready journeys: YAML and copy in both languages as package data, and the files that they become. Knows no workspace.

Each folder under `journeys` is one: `ready.yml` says what it asks for and what its messages say, `journeys/*.yml`,
`audiences/*.yml` and `tags/*.yml` are its files, in which `$name` stands for what was asked for.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from string import Template as Pattern
from typing import Any, Literal

from limner.channels.kinds import KINDS
from limner.consents.model import CLASSES, MARKETING
from limner.errors import NotFoundError, UsageError, did_you_mean
from limner.tags.document import Document

FILE = "ready.yml"
KEYS = ("title", "about", "icon", "class", "parameters", "words", "messages")
LANGUAGES = ("en", "zh")
SELF = "self"
"""The file of this name gets the journey's own name; the others' names are put behind it."""

Kind = Literal[
    "event",
    "attribute",
    "tag",
    "text",
    "days",
    "hours",
    "share",
    "time",
    "schedule",
    "channel",
    "class",
    "template",
]
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_NUMBERS = {"days": (0, 3650), "hours": (1, 8760), "share": (0, 0.9)}
_WRITTEN = ("email", "push", "apprise")
"""Channels for which a template can be written; for the others a provider has to approve it first."""


@dataclass(frozen=True)
class Parameter:
    """What is asked for. `among`: names to look for; `like`: what a fitting name has in it; `usual`: '' for none."""

    name: str
    kind: Kind
    title: Mapping[str, str]
    usual: str = ""
    among: tuple[str, ...] = ()
    like: str = ""
    least: float = 0
    most: float = 0


@dataclass(frozen=True)
class Copy:
    """What a message says, by language."""

    subject: Mapping[str, str]
    lines: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Ready:
    """One ready journey. `files`: the texts of its definitions, by kind and name."""

    key: str
    title: Mapping[str, str]
    about: Mapping[str, str]
    icon: str
    message_class: str
    parameters: tuple[Parameter, ...]
    words: Mapping[str, Mapping[str, str]]
    messages: Mapping[str, Copy]
    files: Mapping[tuple[str, str], str]

    @property
    def journeys(self) -> tuple[str, ...]:
        """The names of its journeys' files."""
        return tuple(name for kind, name in self.files if kind == "journeys")


Known = Callable[[Parameter], str]
"""What fits a parameter in a workspace, '' if nothing is known that does."""


def names() -> tuple[str, ...]:
    """Every ready journey, the commonest first."""
    there = {item.name for item in _home().iterdir() if (item / FILE).is_file()}
    return tuple(key for key in _ORDER if key in there) + tuple(sorted(there - set(_ORDER)))


_ORDER = ("cart", "welcome", "birthday", "expiry", "silence", "recall", "stages", "welfare", "call")


def _home() -> Any:
    return resources.files("limner.templates") / "journeys"


@lru_cache(maxsize=50)
def read(key: str) -> Ready:
    """The ready journey. Raises NotFoundError with the nearest key."""
    if key not in names():
        raise NotFoundError(
            f"there is no ready journey '{key}'",
            hint=did_you_mean(key, names()) or f"one of {', '.join(names())}",
        )
    document = Document((_home() / key / FILE).read_text(encoding="utf-8"), where=f"{key}/{FILE}")
    document.known_keys(KEYS)
    given = document.root
    parameters = [_parameter(item) for item in given["parameters"]]
    named = {item.name for item in parameters}
    files = {}
    for kind in ("tags", "audiences", "journeys"):
        folder = _home() / key / kind
        for item in sorted(folder.iterdir() if folder.is_dir() else (), key=lambda item: item.name):
            files[kind, item.name.removesuffix(".yml")] = item.read_text(encoding="utf-8")
    return Ready(
        key=key,
        title=document.titles("title"),
        about=document.titles("about"),
        icon=str(given["icon"]),
        message_class=str(given["class"]),
        parameters=(
            *parameters,
            *(item for item in _COMMON if item.name not in named and _applies(item, given)),
        ),
        words={name: dict(item) for name, item in (given.get("words") or {}).items()},
        messages={
            name: Copy(
                dict(item["subject"]), {language: tuple(item["lines"][language]) for language in LANGUAGES}
            )
            for name, item in (given.get("messages") or {}).items()
        },
        files=files,
    )


def _applies(common: Parameter, given: Mapping[str, Any]) -> bool:
    """Whether it is asked for: nobody chooses a channel where nothing is sent, or where each message has its own."""
    own = any(item["kind"] == "channel" for item in given["parameters"])
    return common.kind == "share" or (bool(given.get("messages")) and not (own and common.kind == "channel"))


def _parameter(given: Mapping[str, Any]) -> Parameter:
    least, most = _NUMBERS.get(given["kind"], (0, 0))
    return Parameter(
        name=given["name"],
        kind=given["kind"],
        title=dict(given["title"]),
        usual=str(given.get("default", "")),
        among=tuple(given.get("among", ())),
        like=given.get("like", ""),
        least=given.get("least", least),
        most=given.get("most", most),
    )


_COMMON = (
    Parameter("channel", "channel", {"en": "Channel", "zh": "渠道"}, usual="email"),
    Parameter(
        "template",
        "template",
        {"en": "Template (empty: a new one with the ready text)", "zh": "模板（留空则用现成文案新建）"},
    ),
    Parameter("class", "class", {"en": "Advertising or service", "zh": "营销还是服务消息"}),
    Parameter(
        "holdout", "share", {"en": "Share held out", "zh": "对照组比例"}, usual="0.1", least=0, most=0.9
    ),
)


def usual(ready: Ready, known: Known) -> dict[str, str]:
    """What each parameter is unless somebody says another thing: what fits here, else what usually does."""
    return {item.name: _usual(ready, item, known) for item in ready.parameters}


def _usual(ready: Ready, item: Parameter, known: Known) -> str:
    if item.kind == "class":
        return ready.message_class
    return known(item) or item.usual or (item.among[0] if item.among else "")


def texts(
    ready: Ready, *, name: str, given: Mapping[str, str], language: str, flag: Callable[[str], bool]
) -> dict[tuple[str, str], str]:
    """The files that it becomes, by kind and name: tags and audiences first, then its messages' templates and journeys.

    `given`: every parameter. `flag`: whether a tag is a yes or no. Raises UsageError for what fits no parameter.
    """
    if language not in LANGUAGES:
        raise UsageError(
            f"'{language}' is no language", where="language", hint=f"one of {', '.join(LANGUAGES)}"
        )
    for item in ready.parameters:
        _fits(item, given[item.name])
    put = dict(given) | {"name": name, **_lengths(ready, given)}
    for item in ready.parameters:
        if item.kind == "attribute":
            put[item.name] = given[item.name] if "." in given[item.name] else f"person.{given[item.name]}"
    if "tag" in given:
        put["people"] = given["tag"] if flag(given["tag"]) else f"{given['tag']} = {_quoted(given['value'])}"
    for word, said in ready.words.items():
        put[word] = json.dumps(_filled(said[language], put), ensure_ascii=False)
    found: dict[tuple[str, str], str] = {}
    for message, copy in ready.messages.items():
        channel = given.get(f"{message}_channel") or given["channel"]
        file = given["template"]
        if not file:
            if channel not in _WRITTEN:
                raise UsageError(
                    f"'{channel}' needs a template that its provider approved",
                    where="template",
                    code="template_needed",
                    hint="make it under templates/ and name it: template=FILE",
                )
            file = (
                f"{name}.{_ending(channel)}"
                if len(ready.messages) == 1
                else f"{name}_{message}.{_ending(channel)}"
            )
            found["templates", file] = _letter(copy, put, channel, language, given["class"])
        subject = json.dumps(_filled(copy.subject[language], put), ensure_ascii=False)
        titled = f", subject: {subject}" if channel == "email" else ""
        put[message] = f"channel: {channel}, template: {file}{titled}, class: {given['class']}"
    for (kind, file), text in ready.files.items():
        found[kind, name if file == SELF else f"{name}_{file}"] = _filled(text, put)
    order = ("tags", "audiences", "templates", "journeys")
    return dict(sorted(found.items(), key=lambda item: order.index(item[0][0])))


def _ending(channel: str) -> str:
    return "html" if channel == "email" else "yml"


def _lengths(ready: Ready, given: Mapping[str, str]) -> dict[str, str]:
    """Of each number of days: one more, thirty more, the hours until half a day before they are over, and `before`."""
    found: dict[str, str] = {}
    for item in ready.parameters:
        if item.kind == "days":
            days = int(given[item.name])
            found |= {
                f"{item.name}_one": str(days + 1),
                f"{item.name}_more": str(days + 30),
                f"{item.name}_less": str(max(1, 24 * days - 12)),
                f"{item.name}_before": f"before: {days} days, " if days else "",
            }
    return found


def _filled(text: str, put: Mapping[str, str]) -> str:
    return Pattern(text).substitute(put)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _letter(copy: Copy, put: Mapping[str, str], channel: str, language: str, message_class: str) -> str:
    lines = [_filled(line, put) for line in copy.lines[language]]
    if channel != "email":
        title = json.dumps(_filled(copy.subject[language], put), ensure_ascii=False)
        body = json.dumps(" ".join(lines) if language == "en" else "".join(lines), ensure_ascii=False)
        return f"title: {title}\n{'body' if channel == 'push' else 'text'}: {body}\n"
    hello = {
        "en": "Hello {{ person.name | default('there') }},",
        "zh": "{{ person.name | default('您') }}，您好：",
    }
    leave = {"en": "Unsubscribe", "zh": "退订"}
    small = (
        '<p style="margin-top:32px;font-size:12px;color:#76706a"><a href="{{ unsubscribe_url }}"'
        f' style="color:#76706a">{leave[language]}</a></p>\n'
    )
    return _filled(
        (_home() / "frame.html").read_text(encoding="utf-8"),
        {
            "language": language,
            "hello": hello[language],
            "lines": "".join(f"<p>{html.escape(line, quote=False)}</p>\n" for line in lines),
            "leave": small if message_class == MARKETING else "",
        },
    )


def _fits(item: Parameter, value: str) -> None:
    """Raises UsageError where the value is none of the parameter."""

    def refused(message: str, hint: str = "") -> UsageError:
        return UsageError(message, where=f"with.{item.name}", code="bad_value", hint=hint or None)

    match item.kind:
        case "days" | "hours":
            if not value.isdecimal() or not item.least <= int(value) <= item.most:
                raise refused(f"'{item.name}' is a whole number from {item.least:g} to {item.most:g}")
        case "share":
            try:
                share = float(value)
            except ValueError:
                share = -1.0
            if not item.least <= share <= item.most:
                raise refused(f"'{item.name}' is a share from {item.least:g} to {item.most:g}")
        case "time":
            if not _TIME.fullmatch(value):
                raise refused(f"'{item.name}' is a time of day", '"10:00"')
        case "channel":
            if value not in KINDS:
                raise refused(f"there is no channel '{value}'", f"one of {', '.join(KINDS)}")
        case "class":
            if value not in CLASSES:
                raise refused(f"'{value}' is no class of messages", f"one of {', '.join(CLASSES)}")
        case "event" | "attribute" | "tag":
            if not value:
                raise refused(f"'{item.name}' is needed: {item.title['en']}", f"{item.name}=NAME")
            if set(value) & set("\"'\\\n\r{}$") or (
                item.kind != "event" and not re.fullmatch(r"[\w.]+", value)
            ):
                raise refused(f"'{item.name}' has a character that cannot stand there")
        case _:
            if set(value) & set('"\\\n\r$'):
                raise refused(f"'{item.name}' has a character that cannot stand there")
