"""What an item of content is, and what a message asks of the library. Frozen nouns and their small decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LIBRARY = "content"
"""Where picks come from when nothing else is said: the library; any other word is a kind of objects."""
SENT = "sent"
"""In `leave_out`: what was in a message to the person before."""
POPULARITY = 0.3
"""The part that popularity has in a score, unless something else is said."""
VALID, NOT_YET, EXPIRED = "valid", "not yet", "expired"
STATES = (VALID, NOT_YET, EXPIRED)


@dataclass(frozen=True)
class Words:
    """An item in one language: a title, a text, where it leads and what it looks like; '' is none."""

    title: str = ""
    text: str = ""
    link: str = ""
    picture: str = ""


@dataclass(frozen=True)
class Item:
    """One item of content as its file defines it.

    `languages`: its words, by language; '' where its language does not matter. `about`: labels that tags give weights
    to, such as a category; `words`: the editor's own, by which messages choose. `start` and `end`: dates or instants
    as written, '' for none. `audience`: a condition on who may see it. `weight`: what the editor adds to its score.
    """

    name: str
    title: Mapping[str, str]
    languages: Mapping[str, Words]
    about: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    start: str = ""
    end: str = ""
    audience: str = ""
    weight: float = 0.0
    owner: str = ""
    why: str = ""
    definition: str = field(default="", compare=False)

    def begins(self, zone: ZoneInfo) -> datetime | None:
        """The instant from which it may be shown; None: it always might."""
        return moment(self.start, zone) if self.start else None

    def ends(self, zone: ZoneInfo) -> datetime | None:
        """The instant from which it may not be shown any more; a day counts in full. None: never."""
        return moment(self.end, zone, whole=True) if self.end else None

    def state(self, now: datetime, zone: ZoneInfo) -> str:
        """Whether it may be shown at an instant: valid, not yet or expired."""
        begins, ends = self.begins(zone), self.ends(zone)
        if ends is not None and now >= ends:
            return EXPIRED
        return NOT_YET if begins is not None and now < begins else VALID

    def said(self, language: str) -> Words:
        """Its words in that language, in none in particular, or else in its first."""
        found = self.languages.get(language) or self.languages.get("")
        return found or next(iter(self.languages.values()), Words())

    @property
    def links(self) -> tuple[str, ...]:
        """Where it leads, in any language."""
        return tuple(dict.fromkeys(words.link for words in self.languages.values() if words.link))


@dataclass(frozen=True)
class Ask:
    """What a message asks for: so many of the best for each person.

    `source`: the library, or a kind of objects. `only`: words or names of items, ids of objects; none: any. `where`: a
    condition on objects. `by`: the tags whose weights count; none: all that give weights. `leave_out`: events, or
    `sent`: what a person has done that with is left out. `popular`: the event that is counted; '' any; `popularity`:
    the part that this has in the score. `least`: with fewer the message is not sent.
    """

    source: str = LIBRARY
    count: int = 3
    only: tuple[str, ...] = ()
    where: str = ""
    by: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    popular: str = ""
    popularity: float = POPULARITY
    least: int = 1


def moment(said: str, zone: ZoneInfo, *, whole: bool = False) -> datetime:
    """The instant that a date or instant names in the zone; with `whole` the end of a day that is only a date."""
    if len(said) <= len("2026-01-01"):
        day = date.fromisoformat(said) + timedelta(days=int(whole))
        return datetime.combine(day, time(0), zone)
    found = datetime.fromisoformat(said)
    return found if found.tzinfo else found.replace(tzinfo=zone)


def tongue(said: str) -> str:
    """The language of a tag such as zh-CN or zh_Hans: its first part, in small letters."""
    return said.strip().replace("_", "-").partition("-")[0].lower()


def valid(items: Iterable[Item], now: datetime, zone: ZoneInfo) -> list[Item]:
    """Those that may be shown at an instant, by name."""
    return sorted((item for item in items if item.state(now, zone) == VALID), key=lambda item: item.name)
