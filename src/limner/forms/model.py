"""What a form is: frozen nouns without effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

TEXT, CHOICE, MANY, NUMBER, DATE, PHONE, EMAIL, CONSENT = (
    "text", "choice", "many", "number", "date", "phone", "email", "consent",
)  # fmt: skip
KINDS = (TEXT, CHOICE, MANY, NUMBER, DATE, PHONE, EMAIL, CONSENT)

Titles = Mapping[str, str]
"""A text by language; "" is one for all."""


@dataclass(frozen=True)
class Option:
    """One answer that can be chosen."""

    value: str
    label: Titles


@dataclass(frozen=True)
class Field:
    """One question. `attribute` or `tag`: what an answer becomes, '' neither; `once`: not asked of whom it is known.

    `identifies`: the answer is an identifier of the person, by which others of their doings are found. Of a consent
    `channel` says by which channel, and `address` which field holds the address; `label` is its wording.
    """

    name: str
    kind: str
    label: Titles
    required: bool = False
    attribute: str = ""
    tag: str = ""
    once: bool = True
    identifies: bool = False
    options: tuple[Option, ...] = ()
    note: Titles = field(default_factory=dict)
    channel: str = ""
    address: str = ""


@dataclass(frozen=True)
class Bots:
    """What keeps machines out: a form is filled in `least` time at least and within `valid`.

    Of one address so many answers an hour are `free`; of those beyond it a question is asked besides, and after `most`
    there are no more.
    """

    least: timedelta = timedelta(seconds=3)
    valid: timedelta = timedelta(hours=24)
    free: int = 5
    most: int = 300


@dataclass(frozen=True)
class Form:
    """A hosted form. `gives`: values of tags that whoever answers gets; `label`: what its content is about.

    `thanks` is shown after an answer, unless `redirect` leads elsewhere.
    """

    name: str
    title: Titles
    fields: tuple[Field, ...]
    intro: Titles = field(default_factory=dict)
    button: Titles = field(default_factory=dict)
    thanks: Titles = field(default_factory=dict)
    redirect: str = ""
    gives: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    bots: Bots = field(default_factory=Bots)
    text: str = field(default="", compare=False)


SUBMITTED = "Form Submitted"
"""The event that an answer is."""


def said(titles: Titles, language: str, fallback: str = "") -> str:
    """The text in the language, else the one for all, else any."""
    return titles.get(language) or titles.get("") or next(iter(titles.values()), "") or fallback
