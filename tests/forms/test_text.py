"""A form's file, what an answer means, and what tells machines from people; without a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from limner.errors import DefinitionError
from limner.forms import answers, guard
from limner.forms.guard import Gate, Page
from limner.forms.model import Bots
from limner.forms.text import read
from limner.forms.words import LANGUAGES, WORDS, language_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
GOOD = """
title: {en: Tasting, zh: 品茶会}
fields:
  - {name: mail, kind: email, to: person.email, required: true}
  - {name: phone, kind: phone, to: person.phone}
  - {name: cups, kind: number}
  - {name: day, kind: date}
  - {name: tea, kind: choice, options: [green, {value: black, label: {en: Black, zh: 红茶}}]}
  - {name: likes, kind: many, to: person.likes, options: [sweet, sour]}
  - {name: news, kind: consent, channel: email, address: mail, label: Write to me}
bots: {least: 2 seconds, free: 3, most: 10}
"""
FORM = read(GOOD, "tasting")


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("title: A\n", "forms/a.yml:1:1", "'fields' is a list of what is asked"),
        ("fields: []\n", "forms/a.yml:1:9", "'fields' is a list of what is asked"),
        ("fields:\n  - {name: a, kind: txt}\n", "forms/a.yml:2:21", "'kind' is one of"),
        ("fields:\n  - {name: a, kind: text, to: people.x}\n", "forms/a.yml:2:31", "can become"),
        ("fields:\n  - {name: a, kind: choice}\n", "forms/a.yml:2:5", "of kind 'choice' has options"),
        ("fields:\n  - {name: a, kind: text, identifies: true}\n", "forms/a.yml:2:39", "identifies"),
        ("fields:\n  - {name: n, kind: consent, channel: email}\n", "forms/a.yml:2:5", "holds the address"),
        ("fields:\n  - {name: n, kind: consent, address: m}\n", "forms/a.yml:2:5", "by which channel"),
        ("fields:\n  - {name: n, kind: many, to: tag.x, options: [a]}\n", "forms/a.yml:2:31", "can become"),
        ("fields:\n  - {name: a, kind: text}\n  - {name: a, kind: text}\n", "forms/a.yml:3:12", "two fields"),
        ("redirect: javascript:1\nfields:\n  - {name: a, kind: text}\n", "forms/a.yml:1:11", "https://"),
        ("bots: {least: 2 days}\nfields:\n  - {name: a, kind: text}\n", "forms/a.yml:1:7", "shorter than"),
        (
            "bots: {free: 9, most: 3}\nfields:\n  - {name: a, kind: text}\n",
            "forms/a.yml:1:7",
            "at most 'most'",
        ),
        (
            "gives: {tea: [1]}\nfields:\n  - {name: a, kind: text}\n",
            "forms/a.yml:1:8",
            "mapping of tag: value",
        ),
    ],
)
def test_what_is_wrong_in_a_forms_file_is_named_with_its_place(text: str, where: str, message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        read(text, "a")
    assert message in caught.value.message
    assert caught.value.where == where


def test_answers_are_read_as_their_kinds_and_what_is_wrong_is_named_by_field() -> None:
    good = answers.read(
        FORM,
        {
            "mail": [" Ann@Example.test "], "phone": ["+86 139 1234 5678"], "cups": ["2,5"], "day": ["2026-06-30"],
            "tea": ["black"], "likes": ["sour", "sweet", "sour"], "news": ["yes"], "stranger": ["x"],
        },
    )  # fmt: skip
    assert good.wrong == {}
    assert good.answers == {
        "mail": "Ann@Example.test", "phone": "13912345678", "cups": 2.5, "day": "2026-06-30", "tea": "black",
        "likes": ["sour", "sweet"], "news": True,
    }  # fmt: skip
    bad = answers.read(
        FORM,
        {
            "phone": ["12"], "cups": ["many"], "day": ["30.2.2026"], "tea": ["coffee"], "likes": ["bitter"],
            "news": ["yes"],
        },
    )  # fmt: skip
    assert bad.wrong == {
        "mail": "missing", "phone": "no_phone", "cups": "no_number", "day": "no_date", "tea": "no_option",
        "likes": "no_option",
    }  # fmt: skip
    assert answers.read(FORM, {"mail": ["a\r\nBcc: b@c.de"]}).wrong == {"mail": "no_email"}
    assert answers.read(FORM, {"news": ["yes"]}, known=["mail"]).wrong == {}, "what is known is not asked"


def test_a_page_is_good_for_its_form_after_a_while_and_not_for_ever() -> None:
    shown = Page("tasting", NOW, "n1")
    assert guard.read(list(guard.parts(shown)), "tasting") == shown
    assert guard.read(list(guard.parts(shown)), "other") is None
    assert guard.read(None, "tasting") is None
    for after, trapped, why in (
        (timedelta(seconds=1), False, "too_soon"),
        (timedelta(seconds=2), False, ""),
        (timedelta(hours=24), False, ""),
        (timedelta(hours=24, seconds=1), False, "too_old"),
        (timedelta(minutes=1), True, "trapped"),
    ):
        assert guard.objection(shown, FORM.bots, trapped=trapped, now=NOW + after) == why
    assert guard.objection(None, FORM.bots, trapped=False, now=NOW) == "forged"


def test_an_address_is_asked_a_question_after_some_answers_and_takes_a_rest_after_many() -> None:
    gate, bots = Gate(), Bots(free=2, most=4)
    for number, (answered, says) in enumerate(
        ((False, ""), (False, ""), (False, "unanswered"), (True, ""), (True, ""), (True, "too_many"))
    ):
        assert gate.busy("f", "192.0.2.1", bots, answered=answered, now=NOW) == says, number
        if not says:
            gate.take("f", "192.0.2.1", now=NOW)
    assert gate.busy("f", "192.0.2.2", bots, answered=False, now=NOW) == "", "another address"
    assert gate.busy("g", "192.0.2.1", bots, answered=False, now=NOW) == "", "another form"
    assert gate.busy("f", "192.0.2.1", bots, answered=False, now=NOW + timedelta(hours=1)) == "", (
        "an hour later"
    )
    for last in range(3):
        gate.take("f", f"2001:db8::{last}", now=NOW)
    assert gate.busy("f", "2001:db8::99", bots, answered=False, now=NOW) == "unanswered", "one household"
    assert gate.busy("f", "2001:db8:0:1::1", bots, answered=False, now=NOW) == ""


@pytest.mark.parametrize(
    ("asked", "accepts", "language"),
    [
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "fr,en;q=0.5,zh;q=0.7", "zh"),
        ("en", "zh", "en"),
        ("xx", "", "zh"),
        ("", "de,*;q=bad", "zh"),
    ],
)
def test_a_page_speaks_what_is_asked_for_or_what_the_browser_likes(
    asked: str, accepts: str, language: str
) -> None:
    assert language_of(asked, accepts, ("zh", "en")) == language


def test_every_text_of_the_pages_is_there_in_both_languages() -> None:
    for key, texts in WORDS.items():
        assert set(texts) == set(LANGUAGES), key
        assert all(texts.values()), key
