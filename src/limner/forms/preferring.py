"""The preference centre as HTML: one page of plain fields, and one button that ends everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from limner.forms.page import shell
from limner.forms.words import LANGUAGES, word

OFTEN: Mapping[str, int | None] = {"any": None, "1": 1, "7": 7, "30": 30}
"""How often at most: once in so many days."""


@dataclass(frozen=True)
class Belief:
    """What is believed about the person: a tag's title and value. `choices`: values to put it right with, by value;
    `open`: any text may be said; neither: it cannot be put right here.
    """

    key: str
    title: str
    value: str
    choices: Mapping[str, str] = field(default_factory=dict)
    open: bool = False


@dataclass(frozen=True)
class Settings:
    """How everything stands. `channels`: by kind, whether advertising may come; `topics`: name, title, whether on;
    `unprofiled`: nothing may be chosen by what is computed of the person.
    """

    channels: Mapping[str, bool]
    topics: Sequence[tuple[str, str, bool]] = ()
    often: str = "any"
    paused_until: str = ""
    language: str = ""
    unprofiled: bool = False
    beliefs: Sequence[Belief] = ()
    known: bool = True


def centre(
    name: str,
    settings: Settings,
    *,
    language: str,
    action: str,
    other: str,
    done: str = "",
    wrong: Mapping[str, str] | None = None,
) -> str:
    """The page. `done`: what was just done (saved, left); `wrong`: what is wrong with the value of a belief, by tag."""
    title = word("preferences", language)
    said = f'<p class="card say" role="status">{word(done, language)}</p>' if done else ""
    if wrong:
        said = f'<p class="card bad" role="alert">{word("mend", language)}</p>'
    parts = [_channels(settings, language)]
    if settings.known:
        parts += [_topics(settings, language), _often(settings, language), _language(settings, language)]
        parts.append(_alike(settings, language))
        parts.append(_beliefs(settings, language, wrong or {}))
    else:
        parts.insert(0, f'<p class="note">{word("nobody", language)}</p>')
    leave = (
        f'<form class="card" method="post" action="{escape(action)}"><input type="hidden" name="leave" value="all">'
        f'<p class="note">{word("service_note", language)}</p>'
        f'<button class="quiet">{word("leave", language)}</button></form>'
    )
    body = (
        f"<h1>{escape(name)} · {title}</h1>{said}"
        f'<form method="post" action="{escape(action)}" accept-charset="utf-8">'
        f"{''.join(part for part in parts if part)}<p>"
        f'<button name="save" value="yes">{word("save", language)}</button></p>'
        f"</form>{leave}"
    )
    return shell(f"{name} · {title}", body, language=language, other=other)


def _channels(settings: Settings, language: str) -> str:
    picks = "".join(
        f'<label class="pick"><input type="checkbox" name="channel" value="{kind}"{" checked" if on else ""}>'
        f'<span>{word(f"channel_{kind}", language)}</span></label><input type="hidden" name="shown" value="{kind}">'
        for kind, on in settings.channels.items()
    )
    return _group("channels", picks, language)


def _topics(settings: Settings, language: str) -> str:
    if not settings.topics:
        return ""
    picks = "".join(
        f'<label class="pick"><input type="checkbox" name="topic" value="{escape(key)}"{" checked" if on else ""}>'
        f"<span>{escape(title)}</span></label>"
        for key, title, on in settings.topics
    )
    return _group("topics", picks, language)


def _often(settings: Settings, language: str) -> str:
    picks = "".join(
        f'<label class="pick"><input type="radio" name="often" value="{key}"'
        f"{' checked' if settings.often == key else ''}><span>{word(f'often_{key}', language)}</span></label>"
        for key in OFTEN
    )
    until = (
        f' <span class="note">({word("paused", language, until=escape(settings.paused_until))})</span>'
        if settings.paused_until
        else ""
    )
    pause = (
        f'<label class="pick"><input type="checkbox" name="pause" value="yes"'
        f"{' checked' if settings.paused_until else ''}><span>{word('pause', language)}{until}</span></label>"
    )
    return _group("often", picks + pause, language)


def _language(settings: Settings, language: str) -> str:
    options = "".join(
        f'<option value="{key}"{" selected" if settings.language == key else ""}>'
        f"{word('language_' + (key or 'any'), language)}</option>"
        for key in ("", *LANGUAGES)
    )
    return (
        f'<div class="card"><label for="language">{word("language", language)}</label>'
        f'<select id="language" name="language">{options}</select></div>'
    )


def _alike(settings: Settings, language: str) -> str:
    pick = (
        f'<label class="pick"><input type="checkbox" name="unprofiled" value="yes"'
        f"{' checked' if settings.unprofiled else ''}><span>{word('unprofiled', language)}</span></label>"
    )
    return _group("chosen", f'{pick}<p class="note">{word("unprofiled_note", language)}</p>', language)


def _beliefs(settings: Settings, language: str, wrong: Mapping[str, str]) -> str:
    rows = "".join(_belief(one, language, wrong.get(one.key, "")) for one in settings.beliefs)
    body = (
        f'<p class="note">{word("data_note", language)}</p>{rows}'
        if rows
        else f"<p>{word('no_data', language)}</p>"
    )
    return f'<section class="card"><h2>{word("data", language)}</h2>{body}</section>'


def _belief(one: Belief, language: str, wrong: str) -> str:
    id = f"tag-{one.key}"
    title, value = escape(one.title), escape(one.value)
    if not one.choices and not one.open:
        return f'<dl class="field"><dt>{title}</dt><dd>{value or word("unknown", language)}</dd></dl>'
    says = f'<p class="wrong" id="{id}-wrong">{word(wrong, language)}</p>' if wrong else ""
    mark = f' aria-invalid="true" aria-describedby="{id}-wrong"' if wrong else ""
    was = f'<input type="hidden" name="was.{one.key}" value="{value}">'
    if one.choices:
        empty = (
            f'<option value="">{word("unknown", language)}</option>' if one.value not in one.choices else ""
        )
        options = empty + "".join(
            f'<option value="{escape(key)}"{" selected" if key == one.value else ""}>{escape(shown)}</option>'
            for key, shown in one.choices.items()
        )
        control = f'<select id="{id}" name="tag.{one.key}"{mark}>{options}</select>'
    else:
        control = f'<input id="{id}" type="text" name="tag.{one.key}" value="{value}" maxlength="200"{mark}>'
    return f'<div class="field"><label for="{id}">{title}</label>{was}{control}{says}</div>'


def _group(key: str, picks: str, language: str) -> str:
    return f'<fieldset class="card"><legend>{word(key, language)}</legend>{picks}</fieldset>'
