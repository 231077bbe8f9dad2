"""What the author of a mail should know before it leaves, by looking at the HTML that people would get. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

from limner.touches.plain import plain
from limner.touches.render import CLIP

LEAST_TEXT = 20
"""Characters that a mail without pictures should at least have."""


@dataclass(frozen=True)
class Advice:
    """One thing to mend: a code, and a number that belongs to it.

    clipped: so many kB, Gmail hides what is behind 102; no_alt: so many pictures without a text; little_text: so many
    characters are left without pictures; no_unsubscribe; insecure: so many pictures over http.
    """

    code: str
    n: int = 0


class _Pictures(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.without = self.insecure = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "img":
            return
        given = dict(attrs)
        self.without += "alt" not in given
        self.insecure += (given.get("src") or "").startswith("http://")


def advice(html: str, *, unsubscribes: bool) -> list[Advice]:
    """What should be mended in a mail. `unsubscribes`: whether it offers the way out."""
    pictures = _Pictures()
    pictures.feed(html)
    pictures.close()
    text = len("".join(plain(html).split()))
    size = len(html.encode())
    return [
        *([Advice("no_unsubscribe")] if not unsubscribes else []),
        *([Advice("clipped", size // 1000)] if size > CLIP else []),
        *([Advice("no_alt", pictures.without)] if pictures.without else []),
        *([Advice("little_text", text)] if text < LEAST_TEXT else []),
        *([Advice("insecure", pictures.insecure)] if pictures.insecure else []),
    ]
