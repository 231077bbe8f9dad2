"""Verbs of journeys that are being drawn: a text as the fields of a form, and fields put into a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limner.campaigns import journey_text
from limner.errors import LimnerError
from limner.tags.document import Document
from limner.types import Json
from limner.workspace import journeys, writing
from limner.workspace.workspace import Workspace


def journey_form(workspace: Workspace, name: str, text: str) -> Json:
    """A journey's text as its fields (null when it is no YAML), and what is wrong in it, each at its line and step.

    `stops`: whether the text cannot be saved so, or can be saved but not started.
    """
    try:
        document = Document(text, where=f"journeys/{name}.yml")
    except LimnerError:
        document = None
    wrong = [{**item, "stops": "save"} for item in writing.problems_of(workspace, "journeys", name, text)]
    if document is not None and not wrong:
        for item in journeys.problems(workspace, journey_text.read(text, name)):
            wrong.append({**writing.placed(item, document), "stops": "start"})
    wrong = writing.with_paths(wrong, document)
    for item in wrong:
        item["step"] = None if document is None else _step_at(document, item["line"])
    return {
        "name": name,
        "fields": None if document is None else journey_text.plain(document.root),
        "problems": wrong,
    }


def journey_text_of(workspace: Workspace, name: str, fields: dict[str, Any], text: str = "") -> Json:
    """The text with these keys changed (null takes one away); comments, order and what is not named stay."""
    made = journey_text.written(text, fields, name=name)
    return {**journey_form(workspace, name, made), "text": made}


def _step_at(document: Document, line: int) -> str | None:
    """The step in whose lines a line of the text lies; None where it lies in none."""
    steps = document.value("steps")
    if not isinstance(steps, Mapping):
        return None
    begins = _line(document, "steps")
    after = [found for found in (_line(document, key) for key in document.root) if found > begins]
    if not begins <= line < min(after, default=line + 1):
        return None
    above = [str(name) for name in steps if _line(document, "steps", name) <= line]
    return above[-1] if above else None


def _line(document: Document, *path: str) -> int:
    return int(document.place(*path, of_key=True).rsplit(":", 2)[1])
