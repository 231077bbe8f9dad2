"""Catalogue: every tag with its definition, what is applied, coverage and distribution. Computes no tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from limner.columns import Column, Columns
from limner.expressions import tree as t
from limner.expressions.printer import to_text
from limner.tags.methods.rule import literal
from limner.tags.model import Tag
from limner.tags.publish import Applied
from limner.types import ValueType

MOST_VALUES = 100
BINS = 10


@dataclass(frozen=True)
class Count:
    """How many people have a value: `value`, a bin [low, high) of numbers, `rest`, or `unknown`."""

    people: int
    value: Any = None
    low: Any = None
    high: Any = None
    rest: bool = False
    unknown: bool = False


@dataclass(frozen=True)
class Entry:
    """A tag in the catalogue. `state`: new (not applied), applied, changed (its file), expired, removed."""

    tag: Tag | None
    key: str
    state: str
    applied: Applied | None
    people: int
    coverage: float


def entries(
    tags: Mapping[str, Tag],
    applied: Mapping[str, Applied],
    columns: Columns | None,
    *,
    fingerprints: Mapping[str, str],
    now: datetime,
) -> list[Entry]:
    """Every tag that is defined or applied, by key; `people`, `coverage` are of people alive at `now`."""
    live = None if columns is None else columns.at(now)
    everybody = 0 if live is None else int(live.alive.sum())
    found = []
    for key in sorted({*tags, *applied}):
        held = applied.get(key)
        column = None if live is None or held is None else live.column(key)
        people = 0 if column is None or live is None else int(np.count_nonzero(column.known & live.alive))
        state = _state(tags.get(key), held, fingerprints.get(key), now)
        found.append(Entry(tags.get(key), key, state, held, people, people / everybody if everybody else 0.0))
    return found


def distribution(key: str, columns: Columns, *, now: datetime, most: int = MOST_VALUES) -> list[Count]:
    """How many people alive have each value; the unknown come first, and all add up to everybody alive.

    Texts: the most frequent first, beyond `most` one `rest`. Numbers with more than `most` values: bins of
    about as many people each.
    """
    live = columns.at(now)
    column = live[key]
    everybody = int(live.alive.sum())
    if not column.coded:
        ordered = np.sort(column.known_values(live.alive))
        return [Count(everybody - len(ordered), unknown=True), *_binned(column, ordered)]
    counts = column.counts(live.alive)
    unknown = Count(int(counts[0]), unknown=True)
    labels: Any = column.labels
    if column.type is ValueType.TEXT:
        order = [int(code) for code in np.argsort(-counts[1:], kind="stable") + 1 if counts[code]]
        shown = [Count(int(counts[code]), value=labels[code - 1]) for code in order[:most]]
        rest = sum(int(counts[code]) for code in order[most:])
        return [unknown, *shown, *([Count(rest, rest=True)] if rest else [])]
    if len(labels) > most:
        return [unknown, *_binned(column, np.repeat(np.asarray(labels), counts[1:]))]
    values = [column.python(label) for label in labels]
    pairs = zip(values, counts[1:].tolist(), strict=True)
    return [unknown, *(Count(people, value=value) for value, people in pairs if people)]


def condition(key: str, counted: Count, kind: ValueType, *, shown: Sequence[Count] = ()) -> str:
    """The expression of exactly the people that are counted; `shown` are the other counts of the distribution."""
    name = t.Name(key)
    if counted.unknown:
        return to_text(t.Not(t.Known(name)))
    if counted.rest:
        others = tuple(literal(item.value, kind) for item in shown if item.value is not None)
        return to_text(t.And((t.Known(name), t.Not(t.Among(name, others)))))
    if counted.value is not None:
        return to_text(t.Compare(name, "=", literal(counted.value, kind)))
    low = t.Compare(name, ">=", literal(counted.low, kind))
    if counted.high is None:
        return to_text(low)
    return to_text(t.And((low, t.Compare(name, "<", literal(counted.high, kind)))))


def total(key: str, columns: Columns, *, now: datetime) -> float | int | None:
    """The sum of a number or money tag (1/10,000) over people alive; None of other types."""
    live = columns.at(now)
    column = live[key]
    if column.type not in (ValueType.NUMBER, ValueType.MONEY):
        return None
    values = column.known_values(live.alive)
    return int(values.sum()) if column.type is ValueType.MONEY else float(values.sum())


def categories(tags: Mapping[str, Tag], columns: Columns, *, now: datetime) -> dict[tuple[str, ...], int]:
    """How many distinct people alive have any tag in each category or below it; () is all tags."""
    live = columns.at(now)
    known: dict[tuple[str, ...], Any] = {}
    for key, tag in tags.items():
        column = live.column(key)
        if column is None:
            continue
        for depth in range(len(tag.category) + 1):
            path = tag.category[:depth]
            held = known.get(path)
            known[path] = column.known if held is None else held | column.known
    return {path: int(np.count_nonzero(mask & live.alive)) for path, mask in sorted(known.items())}


def owners(tags: Mapping[str, Tag], columns: Columns, *, now: datetime) -> dict[str, int]:
    """How many distinct people alive have any tag of each owner; '' is the tags that nobody owns."""
    live = columns.at(now)
    known: dict[str, Any] = {}
    for key, tag in tags.items():
        column = live.column(key)
        if column is not None:
            held = known.get(tag.owner)
            known[tag.owner] = column.known if held is None else held | column.known
    return {owner: int(np.count_nonzero(mask & live.alive)) for owner, mask in sorted(known.items())}


def _binned(column: Column, ordered: Any) -> list[Count]:
    if not len(ordered):
        return []
    cuts = np.unique(ordered[(len(ordered) * np.arange(BINS)) // BINS])
    starts = np.searchsorted(ordered, cuts)
    people = np.diff(np.append(starts, len(ordered)))
    firsts = [column.python(value) for value in cuts]
    bounds = zip(firsts, [*firsts[1:], None], people.tolist(), strict=True)
    return [Count(number, low=low, high=high) for low, high, number in bounds]


def _state(tag: Tag | None, held: Applied | None, fingerprint: str | None, now: datetime) -> str:
    if tag is None:
        return "removed"
    if held is None:
        return "new"
    if fingerprint is not None and held.fingerprint != fingerprint:
        return "changed"
    expired = held.expires_at is not None and held.expires_at <= now
    return "expired" if expired else "applied"
