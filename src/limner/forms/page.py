"""The pages of forms as HTML: they run nothing, load nothing, and work on a phone and by keyboard alone."""

from __future__ import annotations

# ruff: noqa: E501  (lines of HTML)
import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from html import escape
from urllib.parse import urlsplit

from limner.forms import guard
from limner.forms.answers import MOST_TEXT
from limner.forms.model import CHOICE, CONSENT, DATE, EMAIL, MANY, NUMBER, PHONE, Field, Form, said
from limner.forms.words import number, word

STYLE = (
    "*{box-sizing:border-box}body{font:1rem/1.5 system-ui,-apple-system,'PingFang SC','Microsoft YaHei',sans-serif;"
    "margin:0;background:#f6f5f2;color:#22231f}main{max-width:34rem;margin:0 auto;padding:1.5rem 1rem 4rem}"
    "h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0 1rem}h2{font-size:1.05rem;margin:0 0 .5rem}"
    ".card{background:#fff;border-radius:.75rem;padding:1.25rem;margin:0 0 1rem}"
    "label,legend{display:block;font-weight:600;margin:0 0 .25rem;padding:0}fieldset{border:0;padding:0;margin:0}"
    ".field{margin:0 0 1.25rem}.pick{display:flex;gap:.6rem;align-items:flex-start;font-weight:400;padding:.4rem 0}"
    "input:not([type=checkbox]):not([type=radio]),select{font:inherit;width:100%;padding:.6rem .7rem;"
    "border:1px solid #8b8a83;border-radius:.5rem;background:#fff;color:inherit;min-height:2.75rem}"
    "input[type=checkbox],input[type=radio]{width:1.25rem;height:1.25rem;margin:.15rem 0 0;flex:none;accent-color:#0f5f5c}"
    "button{font:inherit;font-weight:600;min-height:2.75rem;padding:.6rem 1.4rem;border:0;border-radius:.5rem;"
    "background:#0f5f5c;color:#fff;cursor:pointer}button.quiet{background:#fff;color:#8a1f11;border:1px solid #8a1f11}"
    ":focus-visible{outline:3px solid #e0a526;outline-offset:2px}.note{color:#55564f;font-size:.9rem;font-weight:400}"
    ".wrong{color:#8a1f11;font-weight:600;font-size:.9rem;margin:.25rem 0 0}.say{border-left:4px solid #0f5f5c}"
    ".bad{border-left:4px solid #8a1f11}a{color:#0f5f5c}.top{display:flex;justify-content:space-between;gap:1rem}"
    ".trap{position:absolute;left:-9999px;height:1px;width:1px;overflow:hidden}dl{margin:0}dt{font-weight:600}dd{margin:0 0 .75rem}"
    "p{margin:0 0 .75rem}fieldset.card>legend{float:left;width:100%;padding:0 0 .25rem}fieldset.card>legend+*{clear:both}"
    "fieldset.card{padding:1.25rem;margin:0 0 1rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def policy(redirect: str = "") -> str:
    """The Content-Security-Policy of a page; `redirect`: where its form leads after an answer."""
    parts = urlsplit(redirect)
    beyond = f" {parts.scheme}://{parts.netloc}" if redirect else ""
    return (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'{beyond};"
        " frame-ancestors 'none'; base-uri 'none'"
    )


def shell(title: str, body: str, *, language: str, other: str = "") -> str:
    """A whole page. `other`: the address of the same page in the other language."""
    tongue = {"en": "en", "zh": "zh-CN"}[language]
    switch = (
        f'<nav class="top"><span></span><a href="{escape(other)}" lang="{"zh-CN" if language == "en" else "en"}">'
        f"{word('other', language)}</a></nav>"
        if other
        else ""
    )
    return (
        f'<!doctype html><html lang="{tongue}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{switch}{body}</main></body></html>"
    )


def asked(
    form: Form,
    *,
    language: str,
    token: str,
    action: str,
    other: str,
    known: Collection[str] = (),
    person: str | None = None,
    stranger: str = "",
    posted: Mapping[str, Sequence[str]] | None = None,
    wrong: Mapping[str, str] | None = None,
    refused: str = "",
    sum_of: tuple[int, int] | None = None,
) -> str:
    """The page that asks. `known`: fields that are not asked; `person`: who it is, '' without a name, None unknown.

    `stranger`: the address of the page for somebody else; `refused`: why the last answer was not taken.
    """
    title = said(form.title, language, form.name)
    parts = [f"<h1>{escape(title)}</h1>"]
    if form.intro:
        parts.append(f"<p>{escape(said(form.intro, language))}</p>")
    if refused or wrong:
        parts.append(f'<p class="card bad" role="alert">{word(refused or "mend", language)}</p>')
    shown = [field for field in form.fields if field.name not in known]
    if person is not None:
        hello = word("known", language, name=escape(person)) if person else word("known_nameless", language)
        more = "" if shown else f" {word('nothing_to_ask', language)}"
        parts.append(
            f'<p class="card say">{hello}{more} <a href="{escape(stranger)}">{word("not_me", language)}</a></p>'
        )
    fields = "".join(
        _field(field, language, (posted or {}).get(field.name, ()), (wrong or {}).get(field.name, ""))
        for field in shown
    )
    if sum_of is not None:
        a, b = (number(one, language) for one in sum_of)
        fields += (
            f'<div class="field"><label for="{guard.QUESTION}">{word("sum", language, a=a, b=b)}</label>'
            f'<input id="{guard.QUESTION}" name="{guard.QUESTION}" inputmode="numeric" autocomplete="off" required></div>'
        )
    button = escape(said(form.button, language)) or word("send", language)
    parts.append(
        f'<form class="card" method="post" action="{escape(action)}" accept-charset="utf-8">{fields}'
        f'<div class="trap" aria-hidden="true"><label for="{guard.TRAP}">{word("trap", language)}</label>'
        f'<input id="{guard.TRAP}" name="{guard.TRAP}" tabindex="-1" autocomplete="off"></div>'
        f'<input type="hidden" name="token" value="{escape(token)}"><button>{button}</button></form>'
    )
    return shell(title, "".join(parts), language=language, other=other)


def thanked(form: Form, *, language: str, other: str = "") -> str:
    """The page after an answer."""
    title = said(form.title, language, form.name)
    thanks = escape(said(form.thanks, language)) or word("thanks", language)
    body = f'<h1>{escape(title)}</h1><p class="card say" role="status">{thanks}</p>'
    return shell(title, body, language=language, other=other)


def closed(form: Form, *, language: str) -> str:
    """The page of a form that does not fit its workspace."""
    title = said(form.title, language, form.name)
    body = f'<h1>{escape(title)}</h1><p class="card bad" role="alert">{word("closed", language)}</p>'
    return shell(title, body, language=language)


def _field(field: Field, language: str, posted: Sequence[str], wrong: str) -> str:
    id = f"f-{field.name}"
    label = escape(said(field.label, language, field.name))
    needed = f' <span class="note">({word("required", language)})</span>' if field.required else ""
    described = [f"{id}-{part}" for part, there in (("note", field.note), ("wrong", wrong)) if there]
    marks = (f' aria-describedby="{" ".join(described)}"' if described else "") + (
        ' aria-invalid="true"' if wrong else ""
    )
    under = f'<p class="note" id="{id}-note">{escape(said(field.note, language))}</p>' if field.note else ""
    under += f'<p class="wrong" id="{id}-wrong">{word(wrong, language)}</p>' if wrong else ""
    must = " required" if field.required else ""
    if field.kind == CONSENT:
        ticked = " checked" if posted else ""
        return (
            f'<div class="field"><label class="pick"><input type="checkbox" name="{field.name}" value="yes"'
            f"{ticked}{must}{marks}><span>{label}{needed}</span></label>{under}</div>"
        )
    if field.kind == MANY:
        picks = "".join(
            f'<label class="pick"><input type="checkbox" name="{field.name}" value="{escape(option.value)}"'
            f"{' checked' if option.value in posted else ''}><span>{escape(said(option.label, language))}</span></label>"
            for option in field.options
        )
        return f'<fieldset class="field"{marks}><legend>{label}{needed}</legend>{picks}{under}</fieldset>'
    first = posted[0] if posted else ""
    if field.kind == CHOICE:
        choices = f'<option value="">{word("choose", language)}</option>' + "".join(
            f'<option value="{escape(option.value)}"{" selected" if option.value == first else ""}>'
            f"{escape(said(option.label, language))}</option>"
            for option in field.options
        )
        control = f'<select id="{id}" name="{field.name}"{must}{marks}>{choices}</select>'
    else:
        control = (
            f'<input id="{id}" name="{field.name}" {_TYPES.get(field.kind, _PLAIN)} value="{escape(first)}"'
            f"{must}{marks}>"
        )
    return f'<div class="field"><label for="{id}">{label}{needed}</label>{control}{under}</div>'


_PLAIN = f'type="text" maxlength="{MOST_TEXT}"'
_TYPES = {
    EMAIL: 'type="email" autocomplete="email" maxlength="254"',
    PHONE: 'type="tel" autocomplete="tel" maxlength="30"',
    NUMBER: 'type="text" inputmode="decimal" maxlength="30"',
    DATE: 'type="date"',
}
