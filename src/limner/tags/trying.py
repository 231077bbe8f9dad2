"""Trying: the tests of tags, each on a person of its own in an engine of their own, computed as a run computes.

All tests as of one instant are computed together. Publishes nothing and knows no workspace.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pyarrow as pa

from limner.config import Limits
from limner.engine.seam import Engine, Transaction, quoted
from limner.errors import DefinitionError, did_you_mean
from limner.events import contract, values
from limner.events.ledger import ID
from limner.events.model import Event
from limner.events.registry import Registry
from limner.events.staging import Notices, stage
from limner.expressions.catalog import Catalog
from limner.tags.document import Document, Step
from limner.tags.graph import Graph
from limner.tags.history import PREFIX, tags_at
from limner.tags.model import Happening, Tag, Trial, Value
from limner.tags.text import document_of, value_of
from limner.types import ValueType, naive, utc

ALWAYS = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC, as the engine keeps it
"""Since when somebody in a test has had the attributes."""

ALIKE = 1e-9
"""Numbers that differ by less, relatively, are one: an average has no last digit."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Known:
    """What is known of data besides the tests: types of properties, sources by name, the zone, money's names."""

    zone: str
    properties: Mapping[str, ValueType]
    sources: Mapping[str, int]
    money: Sequence[str]
    limits: Limits


@dataclass(frozen=True)
class Subject:
    """A test and the person on whom it is tried."""

    ix: int
    tag: Tag
    position: int
    as_of: datetime

    @property
    def trial(self) -> Trial:
        """The test."""
        return self.tag.tests[self.position]

    @property
    def where(self) -> str:
        """file:line:column of the test."""
        return document_of(self.tag).place("tests", self.position)


@dataclass(frozen=True)
class Verdict:
    """How a test went: what followed, and whether that was expected."""

    subject: Subject
    got: Value | None

    @property
    def passed(self) -> bool:
        """Whether the value is the expected one."""
        wanted, got = self.subject.trial.expect, self.got
        if isinstance(wanted, float) and isinstance(got, float):
            return math.isclose(wanted, got, rel_tol=ALIKE, abs_tol=ALIKE)
        return wanted == got


def problems(tag: Tag, graph: Graph) -> list[DefinitionError]:
    """What is wrong with the tags that the tag's tests give: names it does not refer to, values of another type."""
    found = []
    needs = graph.closure([tag.key]) - {tag.key}
    for position, trial in enumerate(tag.tests):
        for key, value in trial.tags.items():
            try:
                _given(tag, graph, needs, position, key, value)
            except DefinitionError as error:
                found.append(error)
        path = ("tests", position, "given", "objects")
        asked = {kind for need in graph.closure([tag.key]) for kind in graph.tags[need].objects}
        for kind in trial.objects.keys() - asked:
            message = f"'{tag.key}' asks of no objects of kind '{kind}'"
            found.append(
                document_of(tag).error(message, *path, kind, of_key=True, hint=did_you_mean(kind, asked))
            )
        try:
            graph.with_objects(trial.objects)
        except DefinitionError as error:
            found.append(error)
    return found


def _given(
    tag: Tag, graph: Graph, needs: frozenset[str], position: int, key: str, value: Any
) -> Value | None:
    """A given tag's value, of its type."""
    path: tuple[Step, ...] = ("tests", position, "given", "tags", key)
    document = document_of(tag)
    if key not in needs:
        hint = f"it refers to {', '.join(sorted(needs))}" if needs else "it refers to no tag"
        raise document.error(f"'{tag.key}' does not refer to the tag '{key}'", *path, of_key=True, hint=hint)
    return None if value is None else value_of(document, graph.tags[key].type, value, *path)


def subjects(tags: Iterable[Tag], zone: str) -> tuple[Subject, ...]:
    """Each test of the tags with a person of its own."""
    found: list[Subject] = []
    for tag in tags:
        for position, trial in enumerate(tag.tests):
            found.append(Subject(len(found), tag, position, local(trial.as_of, zone)))
    return tuple(found)


def local(at: datetime, zone: str) -> datetime:
    """The instant in UTC; one without a zone is in this one."""
    return utc(at.replace(tzinfo=ZoneInfo(zone)) if at.tzinfo is None else at)


def fill(engine: Engine, given: Sequence[Subject], known: Known) -> None:
    """Puts the people of the tests, their events and attributes into an empty engine.

    Raises DefinitionError at the place of a value that is not of its property's type, or of an unknown source.
    """
    columns = {name: (kind, f"p_{number}") for number, (name, kind) in enumerate(known.properties.items())}
    registry = Registry({}, columns, known.limits, frozenset(known.money), [], list(columns))
    events: list[Event] = []
    whose: list[int] = []
    for subject in given:
        document = document_of(subject.tag)
        for number, happening in enumerate(subject.trial.events):
            path = ("tests", subject.position, "given", "events", number)
            events.append(_event(len(events) + 1, happening, registry, known, document, path))
            whose.append(subject.ix)
    with engine.write() as tx:
        staged = stage(events, registry, Notices())
        registry.keep(tx)
        _insert_people(tx, len(given))
        table = staged.base.append_column("ix", pa.array(whose, pa.uint32()))
        for name, column in staged.typed.items():
            table = table.append_column(name, column)
        names = ", ".join(quoted(name) for name in table.column_names if name not in ("row", "hi", "lo"))
        with tx.given("happened", table):
            tx.execute(f"INSERT INTO events (id, load_i, {names}) SELECT {ID}, 1, {names} FROM happened")
        tx.insert("attributes", _attributes(given))


def _insert_people(tx: Transaction, n: int) -> None:
    people = pa.table(
        {
            "ix": pa.array(range(n), pa.uint32()),
            "person_id": [f"test{ix}" for ix in range(n)],
            "created_at": pa.array([ALWAYS] * n, pa.timestamp("us")),
            "erased": [False] * n,
        }
    )
    tx.insert("persons", people)


def _attributes(given: Sequence[Subject]) -> pa.Table:
    rows = [
        (subject.ix, name, value)
        for subject in given
        for name, value in subject.trial.attributes.items()
        if value is not None
    ]
    n = len(rows)
    return pa.table(
        {
            "id": pa.array(range(1, n + 1), pa.int64()),
            "ix": pa.array([ix for ix, _, _ in rows], pa.uint32()),
            "name": pa.array([name for _, name, _ in rows], pa.string()),
            "ts": pa.array([ALWAYS] * n, pa.timestamp("us")),
            "received_at": pa.array([ALWAYS] * n, pa.timestamp("us")),
            "mode": pa.array(["set"] * n, pa.string()),
            "kind": pa.array(["declared"] * n, pa.string()),
            "value": pa.array([_encode(value).decode() for _, _, value in rows], pa.string()),
        }
    )


def _event(
    number: int,
    happening: Happening,
    registry: Registry,
    known: Known,
    document: Document,
    path: tuple[Step, ...],
) -> Event:
    at = naive(local(happening.at, known.zone))
    properties = contract.flat(happening.properties, [])
    for name, value in properties.items():
        slot = registry.column(name, values.kind_of(value))
        if slot is None:
            continue
        kind, _ = slot
        if values.CONVERT[kind](value) is None and values.rescued(value, kind) is None:
            top = name if name in happening.properties else name.partition(".")[0]
            raise document.error(
                f"the property '{name}' is of type {kind}, '{value}' is none",
                *path, "properties", top, code="type",
            )  # fmt: skip
    if happening.source and happening.source not in known.sources:
        raise document.error(
            f"there is no source '{happening.source}'", *path, "source", hint="limner source list"
        )
    return Event(
        id=number,
        message_id=str(number),
        call="track",
        name=happening.name,
        ts=at,
        received_at=at,
        source_i=known.sources.get(happening.source, 0),
        properties=properties,
        around={},
    )


def verdicts(
    engine: Engine, graph: Graph, given: Sequence[Subject], *, catalog: Catalog
) -> tuple[Verdict, ...]:
    """How the tests went, in their order: one computing for each instant as of which they are, and its objects."""
    found: dict[int, Verdict] = {}
    together: dict[tuple[datetime, str], list[Subject]] = {}
    for subject in given:
        objects = _encode(subject.trial.objects).decode()
        together.setdefault((subject.as_of, objects), []).append(subject)
    for (as_of, _), now in sorted(together.items()):
        among = graph.with_objects(now[0].trial.objects)
        keys = sorted({subject.tag.key for subject in now})
        people = np.array([subject.ix for subject in now], dtype=np.uint32)
        stated = _stated(graph, now)
        with tags_at(engine, among, keys, catalog=catalog, as_of=as_of, people=people, given=stated) as (
            tx,
            _,
        ):
            read = {key: _read(tx, graph.tags[key]) for key in keys}
        found |= {subject.ix: Verdict(subject, read[subject.tag.key].get(subject.ix)) for subject in now}
    return tuple(found[subject.ix] for subject in given)


def _stated(graph: Graph, now: Sequence[Subject]) -> dict[str, pa.Table]:
    """The given tags of the tests as tables (ix, value)."""
    rows: dict[str, list[tuple[int, Value | None]]] = {}
    for subject in now:
        needs = graph.closure([subject.tag.key]) - {subject.tag.key}
        for key, value in subject.trial.tags.items():
            made = _given(subject.tag, graph, needs, subject.position, key, value)
            rows.setdefault(key, []).append((subject.ix, made))
    return {
        key: pa.table(
            {
                "ix": pa.array([ix for ix, _ in stated], pa.uint32()),
                "value": pa.array(
                    [naive(value) if isinstance(value, datetime) else value for _, value in stated],
                    values.ARROW[graph.tags[key].type],
                ),
            }
        )
        for key, stated in rows.items()
    }


def _read(tx: Transaction, tag: Tag) -> dict[int, Value]:
    """The tag's values by person, as Python knows them; few people."""
    found = tx.read(f"SELECT ix, value FROM {quoted(PREFIX + tag.table)}").to_pydict()
    made: Callable[[Any], Value] = utc if tag.type is ValueType.INSTANT else lambda value: value
    return {ix: made(value) for ix, value in zip(found["ix"], found["value"], strict=True)}
