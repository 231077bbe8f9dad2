"""Every page of the UI as its features register it, with an address for each in the shop."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from tests.web.harness import ROOT, Site

FEATURES = ROOT / "web" / "src" / "features"

SAMPLES = {
    "people": "m000001",
    "tags": "value_tier",
    "tags/templates": "retail",
    "audiences": "recent_buyers",
    "marketing/campaigns": "spring_harvest",
    "marketing/journeys": "waiting_basket",
    "marketing/scenes": "spring_tea",
    "content/templates": "spring_harvest.html",
    "content/library": "gift_guide",
    "marketing/referrals": "friends",
    "content/forms": "tasting",
    "content/channels": "email",
    "data/sources": "web",
}
"""What stands for the first parameter of an address that begins so."""


def samples_of(site: Site) -> dict[str, str]:
    """What stands for the first parameters of addresses in this workspace."""
    imports = site.verb("import list")["imports"]
    return {**SAMPLES, **({"data/imports": imports[0]["id"]} if imports else {})}


_PATH = re.compile(r'\bpath:\s*"([^"]+)"')
_ROLE = re.compile(r'\brole:\s*"(\w+)"')
_TITLE = re.compile(r'\btitle:\s*{\s*en:\s*"([^"]*)",\s*zh:\s*"([^"]*)"')


@dataclass(frozen=True)
class Registered:
    """One page: the pattern of its address, the lowest role that may open it, and its title in both languages."""

    pattern: str
    role: str
    en: str
    zh: str

    @property
    def fixed(self) -> bool:
        """Whether the address has no parameter, so that the heading is the page's own words."""
        return ":" not in self.pattern

    def address(self, samples: dict[str, str]) -> str:
        """An address that the pattern matches. Raises KeyError where no sample is known for it."""
        static, colon, rest = re.sub(r"/:\w+\?", "", self.pattern).partition("/:")
        if not colon:
            return static
        value = samples[static.strip("/")]
        _, _, more = rest.partition("/")
        if ":" in more:
            raise KeyError(self.pattern)
        return f"{static}/{value}" + (f"/{more}" if more else "")


@cache
def registered() -> tuple[Registered, ...]:
    """All pages, in the order of their features' names."""
    found = []
    for file in sorted(FEATURES.glob("*/index.tsx")):
        text = file.read_text(encoding="utf-8")
        places = [*_PATH.finditer(text)]
        ends = [*(place.start() for place in places[1:]), len(text)]
        for place, end in zip(places, ends, strict=True):
            block = text[place.start() : end]
            role, title = _ROLE.search(block), _TITLE.search(block)
            assert title, f"{file.parent.name}: {place[1]} has no title"
            found.append(Registered(place[1], role[1] if role else "viewer", title[1], title[2]))
    return tuple(found)
