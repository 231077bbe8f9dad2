"""What was sent → answers, or what is wrong with each field. Pure; who is no person is told elsewhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from limner.channels.kinds import phone
from limner.forms.model import CHOICE, CONSENT, DATE, EMAIL, MANY, NUMBER, PHONE, Field, Form

MOST_TEXT = 500
Answer = str | float | list[str] | bool
MISSING, NO_EMAIL, NO_PHONE, NO_NUMBER, NO_DATE, NO_OPTION, TOO_LONG = (
    "missing", "no_email", "no_phone", "no_number", "no_date", "no_option", "too_long",
)  # fmt: skip
"""What can be wrong with an answer."""

_EMAIL = re.compile(r"[^@\s\x00-\x1f<>\"',;]{1,64}@[^@\s\x00-\x1f<>\"',;]{1,190}\.[^@\s.<>\"',;]{2,63}")
_PHONE = re.compile(r"\+?\d{6,15}")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?")


@dataclass(frozen=True)
class Given:
    """The answers by field, without those that say nothing; `wrong`: what is wrong, by field."""

    answers: Mapping[str, Answer]
    wrong: Mapping[str, str]


def read(form: Form, posted: Mapping[str, Sequence[str]], *, known: Collection[str] = ()) -> Given:
    """The answers of a post. `known`: the fields that need no answer, because it is known."""
    answers: dict[str, Answer] = {}
    wrong: dict[str, str] = {}
    for field in form.fields:
        texts = [text.replace("\x00", "").strip() for text in posted.get(field.name, ())]
        texts = [text for text in texts if text]
        if not texts:
            if field.required and field.name not in known:
                wrong[field.name] = MISSING
            continue
        try:
            answers[field.name] = _answer(field, texts)
        except _Wrong as error:
            wrong[field.name] = str(error)
    for field in form.fields:
        # Whoever agrees to be written to says where.
        agreed = field.kind == CONSENT and field.name in answers
        if agreed and field.address not in known and field.address not in answers:
            wrong.setdefault(field.address, MISSING)
    return Given(answers, wrong)


class _Wrong(Exception):
    pass


def _answer(field: Field, texts: Sequence[str]) -> Answer:
    text = texts[0]
    if len(text) > MOST_TEXT:
        raise _Wrong(TOO_LONG)
    if field.kind == CONSENT:
        return True
    if field.kind in (CHOICE, MANY):
        allowed = {option.value for option in field.options}
        if any(one not in allowed for one in texts):
            raise _Wrong(NO_OPTION)
        return list(dict.fromkeys(texts)) if field.kind == MANY else text
    if field.kind == NUMBER:
        plain = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
        if not _NUMBER.fullmatch(plain):
            raise _Wrong(NO_NUMBER)
        return float(plain)
    if field.kind == DATE:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise _Wrong(NO_DATE) from None
    if field.kind == EMAIL and not _EMAIL.fullmatch(text):
        raise _Wrong(NO_EMAIL)
    if field.kind == PHONE:
        text = phone(text)
        if not _PHONE.fullmatch(text):
            raise _Wrong(NO_PHONE)
    return text
