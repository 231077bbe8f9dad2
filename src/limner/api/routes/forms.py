"""Routes of hosted forms: what they ask, their answers by day, and their page before it is saved."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.definitions import Text
from limner.api.routes.route import Name, Route, Shape
from limner.types import Json


class FormRow(Shape):
    """A form. `error`: what is wrong with its file."""

    name: str
    titles: dict[str, str]
    fields: int
    url: str
    answers: int
    last: str | None
    error: Json | None


class FormPage(Shape):
    """All forms, by name."""

    forms: list[FormRow]


class FormField(Shape):
    """One question. `to`: what an answer becomes, null: it stands in the event alone; `once`: not asked again."""

    name: str
    kind: Literal["text", "choice", "many", "number", "date", "phone", "email", "consent"]
    labels: dict[str, str]
    required: bool
    to: str | None
    once: bool
    identifies: bool


class FormDay(Shape):
    """The answers of one day."""

    day: str
    answers: int


class FormShown(Shape):
    """One form. `turned_away`: by reason, since the server began; `where`: the people behind the answers."""

    name: str
    titles: dict[str, str]
    url: str
    fields: list[FormField]
    gives: dict[str, Any]
    label: str
    redirect: str
    answers: int
    last: str | None
    recognized: int
    days: list[FormDay]
    turned_away: dict[str, int]
    where: str
    problems: list[Json]
    zone: str


class FormShownAsked(Shape):
    """Of how many days."""

    days: Annotated[int, Field(ge=1, le=366)] = 30


class FormChecked(Shape):
    """What is wrong with a form; nothing when it can be used."""

    name: str
    problems: list[Json]


class FormPreviewAsked(Shape):
    """A form's text that may not be saved yet."""

    text: Text
    name: Name = "preview"
    language: Literal["en", "zh"] = "en"


class FormPreviewed(Shape):
    """The page as somebody new would see it; what is sent from it is not taken."""

    name: str
    html: str
    fields: int
    problems: list[Json]


_ONE = "/api/v1/forms/{name}"
_EXAMPLE = {
    "body": {
        "text": "title: Tasting\nfields:\n  - {name: city, kind: text, to: person.city}\n",
        "name": "tasting",
    }
}

ROUTES = (
    Route("GET", "/api/v1/forms", "form list", Role.VIEWER, FormPage, "forms"),
    Route("GET", _ONE, "form show", Role.VIEWER, FormShown, "forms", asks=FormShownAsked),
    Route("GET", f"{_ONE}/check", "form check", Role.VIEWER, FormChecked, "forms"),
    Route(
        "POST", "/api/v1/forms/preview", "form preview", Role.VIEWER, FormPreviewed, "forms", takes=FormPreviewAsked,
        reads=True, example=_EXAMPLE,
    ),
)  # fmt: skip
