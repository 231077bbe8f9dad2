"""MJML → HTML that mail programs of all kinds show well. Pure; a text is compiled once and remembered.

What is read of a person must stand in a text, or in an attribute that says where something leads or what it is called:
nowhere else would escaping it be enough. Places are kept through the compiler by words that stand for them.
"""

from __future__ import annotations

import re
from functools import lru_cache

import mrml

from limner.errors import TemplateError, did_you_mean

ENDING = ".mjml"
ATTRIBUTES = ("href", "src", "alt", "title")
"""The attributes in which something of a person may stand."""
_TAGS = frozenset(
    f"mj-{name}"
    for name in (
        "head", "body", "attributes", "all", "class", "breakpoint", "font", "preview", "style", "title", "raw",
        "accordion", "accordion-element", "accordion-text", "accordion-title", "button", "carousel", "carousel-image",
        "column", "divider", "group", "hero", "image", "navbar", "navbar-link", "section", "social", "social-element",
        "spacer", "table", "text", "wrapper",
    )
)  # fmt: skip
_EMPTY = frozenset(("br", "hr", "img", "input", "wbr", "meta", "link", "col"))
_LIMIT = 500_000
_DEEPEST = 100
_PLACE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_MARK = re.compile(r"<!--.*?-->|</?[A-Za-z](?:\"[^\"]*+\"|'[^']*+'|[^\"'<>]++)*+>|<", re.DOTALL)
_AMPERSAND = re.compile(r"&(?!#?[A-Za-z0-9]{1,32};)")
_ATTRIBUTE = re.compile(r"([A-Za-z_:][\w:.-]*)\s*=\s*(\"[^\"]*\"|'[^']*')")


@lru_cache(maxsize=64)
def html_of(source: str) -> str:
    """The HTML of an MJML text, its places as they stood. Raises TemplateError with the line."""
    if len(source) > _LIMIT:
        raise TemplateError("the template is longer than 500 kB", code="too_long", status=413)
    places = _Places(source)
    prepared = _Reader(places).read()
    try:
        made = mrml.to_html(prepared, None, mrml.RenderOptions(fonts={})).content
    except OSError as error:  # what the compiler raises for everything
        raise TemplateError(
            f"this is no MJML: {error}", code="template_syntax", hint="<mjml><mj-body>…"
        ) from None
    return places.put_back(made)


class _Places:
    """The places of a text: each is a word while MJML is compiled."""

    def __init__(self, source: str) -> None:
        self.source = source
        mark = "limnerplace"
        while mark in source:
            mark += "x"
        self.mark = re.compile(rf"{mark}(\d+)e")
        self.found: list[tuple[str, int]] = []

        def keep(found: re.Match[str]) -> str:
            self.found.append((found[0], source.count("\n", 0, found.start()) + 1))
            return f"{mark}{len(self.found) - 1}e" + "\n" * found[0].count("\n")

        self.text = _PLACE.sub(keep, source)

    def put_back(self, html: str) -> str:
        """The HTML with its places. Raises TemplateError for one that the compiler left out or moved."""
        order = [int(found[1]) for found in self.mark.finditer(html)]
        lost = sorted(set(range(len(self.found))) - set(order))
        blocks = [number for number in order if self.found[number][0].startswith("{%")]
        if lost:
            raise _wrong(
                f"what stands here is left out: {self.found[lost[0]][0][:60]}", self.found[lost[0]][1]
            )
        if blocks != sorted(set(blocks)):
            number = next(b for a, b in zip([-1, *blocks], blocks, strict=False) if b <= a)
            raise _wrong(
                f"a condition cannot stand here: {self.found[number][0][:60]}", self.found[number][1]
            )
        return self.mark.sub(lambda found: self.found[int(found[1])][0], html)


class _Reader:
    """Looks at each tag once: the compiler says of most mistakes neither what nor where."""

    def __init__(self, places: _Places) -> None:
        self.places = places
        self.open: list[tuple[str, int]] = []
        self.made: list[str] = []

    def read(self) -> str:
        """The text as the compiler wants it. Raises TemplateError with the line."""
        text, at = self.places.text, 0
        line = 1
        for found in _MARK.finditer(text):
            self._between(text[at : found.start()], line)
            line += text.count("\n", at, found.start())
            self._tag(found[0], line)
            line += found[0].count("\n")
            at = found.end()
        self._between(text[at:], line)
        if self.open:
            raise _wrong(f"<{self.open[-1][0]}> is not closed", self.open[-1][1])
        if "<mjml" not in text.lower():
            raise _wrong("there is no <mjml>", 1)
        return "".join(self.made)

    def _between(self, text: str, line: int) -> None:
        within = {name for name, _ in self.open}
        if self.places.mark.search(text) and "mj-style" in within:
            raise _wrong("what is read of a person cannot stand in a style", line)
        if self.places.mark.search(text) and not within & _WORDS:
            start = line + text[: self.places.mark.search(text).start()].count("\n")  # type: ignore[union-attr]
            raise _wrong(
                "what is read of a person, and conditions, stand within <mj-text>, <mj-button>, <mj-raw> and the like",
                start,
            )
        self.made.append(_AMPERSAND.sub("&amp;", text))

    def _tag(self, tag: str, line: int) -> None:
        if tag == "<":
            raise _wrong("a '<' that begins no tag", line, hint="write &lt;")
        if tag.startswith("<!--"):
            if self.places.mark.search(tag):
                raise _wrong("what is read of a person cannot stand in a comment", line)
            self.made.append(tag)
            return
        closes = tag.startswith("</")
        name = re.split(r"[\s/>]", tag.lstrip("</"), maxsplit=1)[0].lower()
        self._known(name, line)
        if closes:
            if name in _EMPTY:
                return
            if not self.open or self.open[-1][0] != name:
                what = (
                    f"<{self.open[-1][0]}> of line {self.open[-1][1]} is open"
                    if self.open
                    else "nothing is open"
                )
                raise _wrong(f"</{name}> closes nothing: {what}", line)
            self.open.pop()
        else:
            self._attributes(tag, name, line)
            whole = tag.endswith("/>")
            if name in _EMPTY and not whole:
                tag, whole = f"{tag[:-1]}/>", True
            if not whole:
                self.open.append((name, line))
            if len(self.open) > _DEEPEST:
                raise _wrong("tags stand in one another too deeply", line)
        self.made.append(_AMPERSAND.sub("&amp;", tag))

    def _known(self, name: str, line: int) -> None:
        if name == "mj-include":
            raise _wrong("<mj-include> is not read: a template is one file", line)
        if name.startswith("mj-") and name not in _TAGS:
            raise _wrong(f"there is no <{name}>", line, hint=did_you_mean(name, sorted(_TAGS)))

    def _attributes(self, tag: str, name: str, line: int) -> None:
        outside = _ATTRIBUTE.sub("", tag)
        if self.places.mark.search(outside):
            raise _wrong(f"what is read of a person stands in no attribute of <{name}>", line, hint=_HINT)
        for found in _ATTRIBUTE.finditer(tag):
            if self.places.mark.search(found[2]) and found[1].lower() not in ATTRIBUTES:
                raise _wrong(
                    f"what is read of a person cannot stand in the attribute {found[1]}", line, hint=_HINT
                )


_HINT = f"it may stand in {', '.join(ATTRIBUTES)} and in texts"
_WORDS = frozenset(
    ("mj-text", "mj-button", "mj-raw", "mj-preview", "mj-title", "mj-table", "mj-navbar-link", "mj-social-element",
     "mj-accordion-title", "mj-accordion-text")
)  # fmt: skip


def _wrong(what: str, line: int, hint: str | None = None) -> TemplateError:
    return TemplateError(f"line {line}: {what}", code="template_syntax", where=f"line {line}", hint=hint)
