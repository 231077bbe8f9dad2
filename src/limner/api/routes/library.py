"""Routes of the library of content: items, who is shown which of them next and why, and how good that is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from limner.accounts.model import Role
from limner.api.routes.definitions import ProblemAt, Text
from limner.api.routes.route import Paged, Route, Shape

State = Literal["valid", "not yet", "expired"]


class ContentUse(Shape):
    """What may show an item."""

    kind: Literal["campaign", "journey"]
    name: str


class ContentRow(Shape):
    """An item of content in the list. `weight`: what the editor adds to its score."""

    name: str
    titles: dict[str, str]
    languages: list[str]
    about: list[str]
    words: list[str]
    state: State
    from_: str | None = Field(alias="from")
    until: str | None
    audience: str
    weight: float
    owner: str
    used_by: list[ContentUse]


class ContentProblem(Shape):
    """A file of content that cannot be read."""

    where: str | None
    message: str
    hint: str | None


class ContentPage(Shape):
    """Items by name, and what is wrong with other files."""

    items: list[ContentRow]
    problems: list[ContentProblem]
    as_of: str
    zone: str
    next: str | None


class ContentWords(Shape):
    """An item in one language."""

    title: str = ""
    text: str = ""
    link: str = ""
    picture: str = ""


class ContentFields(Shape):
    """Everything that an item's file can say, as a form shows it."""

    title: dict[str, str]
    languages: dict[str, ContentWords]
    about: list[str]
    words: list[str]
    from_: str = Field(alias="from")
    until: str
    audience: str
    weight: float
    owner: str
    why: str


class ContentItem(ContentRow):
    """One item. `people`: who took it up in the last 30 days; null when it may not be shown now."""

    fields: ContentFields
    people: int | None
    as_of: str


class ContentForm(Shape):
    """An item's text as fields; null when it cannot be read."""

    name: str
    fields: ContentFields | None
    problems: list[ProblemAt]


class ContentText(ContentForm):
    """The text of a form."""

    text: str


class ContentFormAsked(Shape):
    """A text that might become an item."""

    name: Annotated[str, Field(max_length=200)]
    text: Text


class ContentTextAsked(Shape):
    """Fields to put into a text; comments and other fields stay."""

    name: Annotated[str, Field(max_length=200)]
    fields: dict[str, Any]
    text: Text = ""


class ContentReach(Shape):
    """How many people would be shown an item `first`, `because` of an interest, and `among` their first three."""

    name: str
    state: State
    everybody: int
    first: int
    because: int
    among: int
    as_of: str


class PicksAsked(Shape):
    """What to choose from: the library, or a kind of objects; `only`: words or names of items, ids of objects."""

    source: Annotated[str, Field(max_length=64)] = "content"
    count: Annotated[int, Field(ge=1, le=20)] = 3


class PickRow(Shape):
    """One place of a person's list. `kind` says what speaks for it; an interest has its tag, label and weight."""

    name: str
    title: str
    link: str
    picture: str
    score: float
    kind: Literal["interest", "popular", "new", "any"]
    tag: str | None
    tag_titles: dict[str, str]
    label: str | None
    weight: float | None
    people: int
    reason: str
    until: str | None


class PersonPicks(Shape):
    """What a person would be shown next, the best first."""

    person: str
    from_: str = Field(alias="from")
    language: str | None
    picks: list[PickRow]
    as_of: str


class EvaluationAsked(Shape):
    """What to judge: of what source, by which event (any), over how many days, with lists of what length."""

    source: Annotated[str, Field(max_length=64)] = "content"
    event: Annotated[str, Field(max_length=200)] = ""
    days: Annotated[int, Field(ge=1, le=365)] = 30
    count: Annotated[int, Field(ge=1, le=20)] = 10


class HitsAny(Shape):
    """Where anything that somebody took up counts."""

    picked: int
    popular: int


class EvaluationPart(Shape):
    """What it would be with another part of popularity in the score."""

    popularity: float
    picked: int
    ratio: float | None
    advised: bool


class Evaluation(Shape):
    """Of `people`, of how many the first thing that they took up was `picked`, and of how many it was `popular`."""

    from_: str = Field(alias="from")
    event: str
    count: int
    days: int
    since: str
    people: int
    enough_data: bool
    message: str
    picked: int
    popular: int
    ratio: float | None
    any: HitsAny
    parts: list[EvaluationPart]


ROUTES = (
    Route(
        "GET", "/api/v1/content", "content list", Role.VIEWER, ContentPage, "content", asks=Paged,
        pages=("items", "name"),
    ),
    Route(
        "POST", "/api/v1/content/form", "content form", Role.VIEWER, ContentForm, "content", takes=ContentFormAsked,
        reads=True, example={"body": {"name": "spring", "text": "languages: {en: {text: Spring is here}}\n"}},
    ),
    Route(
        "POST", "/api/v1/content/text", "content text", Role.VIEWER, ContentText, "content", takes=ContentTextAsked,
        reads=True, example={"body": {"name": "spring", "fields": {"about": ["green tea"]}}},
    ),
    Route(
        "GET", "/api/v1/content/evaluation", "content evaluate", Role.VIEWER, Evaluation, "content",
        asks=EvaluationAsked,
    ),
    Route("GET", "/api/v1/content/{name}", "content show", Role.VIEWER, ContentItem, "content"),
    Route("GET", "/api/v1/content/{name}/reach", "content reach", Role.VIEWER, ContentReach, "content"),
    Route("GET", "/api/v1/people/{id}/picks", "content pick", Role.VIEWER, PersonPicks, "people", asks=PicksAsked),
)  # fmt: skip
