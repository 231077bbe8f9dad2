"""Trials: the `tests` of a tag file, read and written. What happens to one person, and the value that must follow.

Instants without a zone are in the workspace's, which is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from limner.errors import DefinitionError
from limner.events.contract import EXACT
from limner.tags.document import Document, Step
from limner.tags.model import Happening, Trial, Value

TRIAL = ("name", "as_of", "given", "expect")
GIVEN = ("events", "attributes", "tags", "objects")
HAPPENING = ("name", "at", "properties", "source")

MOST_VALUES = 10_000
DEEPEST = 20

ValueOf = Callable[..., Value]
"""The value that the file holds at a path, of the tag's type: (given, *path)."""


def read(document: Document, value_of: ValueOf) -> tuple[Trial, ...]:
    """The file's tests, in its order. Raises DefinitionError at the place that is wrong."""
    if "tests" not in document.root:
        return ()
    listed = document.value("tests")
    if not isinstance(listed, list) or not listed:
        raise document.error("'tests' is a list", "tests", hint="- name: …\n    as_of: …\n    expect: …")
    found: list[Trial] = []
    for position in range(len(listed)):
        trial = _trial(document, value_of, "tests", position)
        if any(other.name == trial.name for other in found):
            raise document.error(f"two tests are called '{trial.name}'", "tests", position, "name")
        found.append(trial)
    return tuple(found)


def _trial(document: Document, value_of: ValueOf, *path: Step) -> Trial:
    _mapping(document, "a test", TRIAL, *path)
    name = document.string(*path, "name", required=True)
    as_of = _instant(document, *path, "as_of")
    if "expect" not in document.value(*path):
        raise document.error(
            "'expect' is missing", *path, code="missing", hint="expect: null when there is no value"
        )
    expect = document.value(*path, "expect")
    given = document.value(*path, "given")
    events: tuple[Happening, ...] = ()
    attributes: Mapping[str, Any] = {}
    tags: Mapping[str, Any] = {}
    objects: Mapping[str, Any] = {}
    if given is not None:
        _mapping(document, "'given'", GIVEN, *path, "given")
        events = _events(document, *path, "given", "events")
        attributes = _values(document, *path, "given", "attributes")
        tags = _values(document, *path, "given", "tags")
        objects = _objects(document, *path, "given", "objects")
    return Trial(
        name=name,
        as_of=as_of,
        expect=None if expect is None else value_of(expect, *path, "expect"),
        events=events,
        attributes=attributes,
        tags=tags,
        objects=objects,
    )


def _objects(document: Document, *path: Step) -> Mapping[str, Any]:
    """The rows of each kind, every one with an id of its own."""
    found = _values(document, *path)
    for kind, rows in found.items():
        hint = "store: [{id: S-1, kind: mall}]"
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise document.error(f"'{kind}' is a list of objects", *path, kind, hint=hint)
        ids = [row.get("id") for row in rows]
        if not all(isinstance(one, str) for one in ids) or len(set(ids)) < len(ids):
            raise document.error("every object has an id of its own, a text", *path, kind, hint=hint)
    return found


def _events(document: Document, *path: Step) -> tuple[Happening, ...]:
    listed = document.value(*path)
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise document.error("'events' is a list", *path, hint="- {name: Order Paid, at: 2026-05-01}")
    found = []
    for position in range(len(listed)):
        here = (*path, position)
        _mapping(document, "an event", HAPPENING, *here)
        found.append(
            Happening(
                name=document.string(*here, "name", required=True),
                at=_instant(document, *here, "at"),
                properties=_values(document, *here, "properties"),
                source=document.string(*here, "source"),
            )
        )
    return tuple(found)


def _mapping(document: Document, what: str, keys: tuple[str, ...], *path: Step) -> None:
    if not isinstance(document.value(*path), Mapping):
        raise document.error(f"{what} is a mapping of {', '.join(keys)}", *path)
    document.known_keys(keys, *path)


def _values(document: Document, *path: Step) -> Mapping[str, Any]:
    found = document.value(*path)
    if found is None:
        return {}
    if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
        raise document.error(f"'{path[-1]}' is a mapping of name: value", *path)
    try:
        made: Mapping[str, Any] = plain_of(found)
    except DefinitionError as error:
        raise document.error(error.message, *path, code=error.code) from error
    return made


def plain_of(value: Any) -> Any:
    """A value of the file as JSON holds it; dates and times as ISO text, numbers that JSON has not as text.

    Raises DefinitionError for more than MOST_VALUES values, which a few lines that repeat each other can hold, and for
    what is nested deeper than DEEPEST.
    """
    return _plain(value, [MOST_VALUES], DEEPEST)


def _plain(value: Any, left: list[int], deeper: int) -> Any:
    left[0] -= 1
    if left[0] < 0 or deeper < 0:
        raise DefinitionError(
            f"tests hold at most {MOST_VALUES} values, nested at most {DEEPEST} deep", code="too_complex"
        )
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, left, deeper - 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, left, deeper - 1) for inner in value]
    if isinstance(value, datetime):
        return said(datetime.fromisoformat(value.isoformat()))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= EXACT else str(int(value))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    return str(value)


def _instant(document: Document, *path: Step) -> datetime:
    given = document.value(*path)
    if given is None:
        raise document.error(f"'{path[-1]}' is missing", *path[:-1], code="missing")
    if isinstance(given, date):  # a datetime is a date, too
        given = given.isoformat()
    try:
        if not isinstance(given, str):
            raise ValueError
        return datetime.fromisoformat(given)
    except ValueError:
        raise document.error("an instant is written 2026-05-01 or 2026-05-01T08:00:00Z", *path) from None


def said(at: datetime) -> str:
    """An instant as the file says it: 2026-05-01, 2026-05-01T08:00:00, 2026-05-01T08:00:00Z."""
    if at.tzinfo is not None:
        return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return at.date().isoformat() if at == datetime.combine(at.date(), at.time().min) else at.isoformat()


def written(trials: tuple[Trial, ...], shown: Callable[[Value], Any]) -> list[Any] | None:
    """The tests as the file holds them; None when there are none. `shown`: a value of the tag as YAML has it."""
    return [_written(trial, shown) for trial in trials] or None


def _written(trial: Trial, shown: Callable[[Value], Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if trial.events:
        given["events"] = [_event(event) for event in trial.events]
    if trial.attributes:
        given["attributes"] = dict(trial.attributes)
    if trial.tags:
        given["tags"] = dict(trial.tags)
    if trial.objects:
        given["objects"] = dict(trial.objects)
    return {
        "name": trial.name,
        "as_of": said(trial.as_of),
        **({"given": given} if given else {}),
        "expect": None if trial.expect is None else shown(trial.expect),
    }


def _event(event: Happening) -> dict[str, Any]:
    found: dict[str, Any] = {"name": event.name, "at": said(event.at)}
    if event.properties:
        found["properties"] = dict(event.properties)
    if event.source:
        found["source"] = event.source
    return found
