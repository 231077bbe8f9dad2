"""One person's portrait: identities, attributes, tags, audiences; and what happened. Computes no tag.

What is personal and who may read it is the caller's to say: `personal` names attributes, `mask` hides them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from types import MappingProxyType
from typing import Any

import numpy as np

from limner.columns import EPOCH_START, Column, Columns, Given, column
from limner.engine.seam import Engine, Transaction, quoted
from limner.expressions.catalog import Catalog
from limner.identity.then import Then
from limner.tags.graph import Graph
from limner.tags.history import values_at, weights_at
from limner.tags.masking import hides, hiding, is_personal, masked
from limner.tags.model import Tag, plain
from limner.tags.weights import formula_of, labels_come_from, of_person
from limner.types import MONEY_SCALE, Json, ValueType, naive, utc

UNSORTED = "unsorted"

Labelled = Mapping[str, Any]
"""One label and its weight: {label, weight}."""


def portrait(
    engine: Engine,
    ix: int,
    *,
    tags: Mapping[str, Tag],
    columns: Columns | None,
    now: datetime,
    graph: Graph | None = None,
    catalog: Catalog | None = None,
    identities: Sequence[Json] = (),
    audiences: Sequence[Json] = (),
    sources: Mapping[int, str] | None = None,
    personal: Collection[str] = (),
    mask: bool = False,
    language: str = "en",
    coverage: Mapping[str, float] = MappingProxyType({}),
    past: bool = False,
    heard: datetime | None = None,
    person: Then | None = None,
) -> Json:
    """What is believed of the person and from where, ready for JSON; what happened is `events_of`.

    `tags`: the definitions; `columns`: their published values (expired ones are gone at `now`). With `graph` and
    `catalog`, tags at a `now` before the publication, or with `past`, are computed from what had happened by then.
    `identities` and `audiences` are shown as given, identities masked when their kind is personal. `coverage`: of each
    published tag, which share of everybody has a value. `heard`: nothing counts that was received later; `person`: of
    what was heard by then that counts which was theirs then (`ix` is the ordinal that they had).
    """
    several = [key for key, tag in tags.items() if tag.weighted]
    if graph is not None and catalog is not None and columns is not None and (past or now < columns.as_of):
        columns = columns_then(
            engine, ix, graph=graph, catalog=catalog, as_of=now, heard=heard, person=person
        )
        coverage = {}
        labels = weights_at(
            engine, graph, ix=ix, catalog=catalog, as_of=now, keys=several, heard=heard, person=person
        )
    else:
        labels = of_person(engine, ix, several)
    hide = hiding(personal, mask=mask)
    return {
        "identities": [identity(item, hide) for item in identities],
        "attributes": attributes(engine, ix, now=now, sources=sources, hide=hide, heard=heard, person=person),
        "tags": tag_values(
            ix,
            tags=tags,
            columns=columns,
            now=now,
            hide=hide,
            language=language,
            coverage=coverage,
            labels=labels,
        ),
        "audiences": list(audiences),
        "masked": mask,
    }


def columns_then(
    engine: Engine,
    ix: int,
    *,
    graph: Graph,
    catalog: Catalog,
    as_of: datetime,
    heard: datetime | None = None,
    person: Then | None = None,
) -> Columns:
    """The person's tags of a past instant as columns in which only this person has values."""
    held = values_at(engine, graph, ix=ix, catalog=catalog, as_of=as_of, heard=heard, person=person)
    columns = {}
    for key, value in held.items():
        tag = graph.tags[key]
        labels: tuple[str, ...] = ()
        if tag.type is ValueType.TEXT:
            labels, value = (value,), 1
        elif tag.type is ValueType.INSTANT:
            value = (naive(value) - EPOCH_START) // timedelta(microseconds=1)
        given = Given(tag.type, np.array([ix]), np.array([value]), labels, as_of=as_of)
        columns[key] = column(key, given, ix + 1)
    return Columns.memory(n=ix + 1, as_of=as_of, alive=np.ones(ix + 1, dtype=np.bool_), columns=columns)


def tag_values(
    ix: int,
    *,
    tags: Mapping[str, Tag],
    columns: Columns | None,
    now: datetime,
    hide: Collection[str] = (),
    language: str = "en",
    coverage: Mapping[str, float] = MappingProxyType({}),
    labels: Mapping[str, Sequence[Labelled]] = MappingProxyType({}),
) -> list[Json]:
    """The person's live tags by category: [{category, tags: [{key, value, …}]}], both sorted.

    `labels`: the person's labels and their weights by tag, of those that give any.
    """
    if columns is None:
        return []
    live = columns.at(now)
    by_category: dict[str, list[Json]] = {}
    for key, value in live.of_person(ix).items():
        if key in tags:
            found = _told(
                value,
                tags[key],
                live[key],
                hide=hide,
                language=language,
                coverage=coverage.get(key),
                labels=labels.get(key, ()),
            )
            by_category.setdefault("/".join(tags[key].category) or UNSORTED, []).append(found)
    return [{"category": category, "tags": held} for category, held in sorted(by_category.items())]


def tag_value(
    ix: int,
    tag: Tag,
    columns: Columns,
    *,
    hide: Collection[str] = (),
    language: str = "en",
    coverage: float | None = None,
    labels: Sequence[Labelled] = (),
) -> Json | None:
    """One tag of the person: key, typed value, validity, source, kind of statement; None = no value.

    Money is an exact decimal text in units of the currency; instants are ISO texts. `labels`: everything that the tag
    gives the person with a weight, the greatest first, of which the value is the first; `weight`: how strongly the
    value holds, null where tags of this kind have none, as their `formula` is.
    `coverage`: which share of everybody has any value of the tag, null where it is not known.
    """
    found = columns[tag.key]
    value = found.label_at(ix)
    if value is None:
        return None
    return _told(value, tag, found, hide=hide, language=language, coverage=coverage, labels=labels)


def _told(
    value: Any,
    tag: Tag,
    found: Column,
    *,
    hide: Collection[str],
    language: str,
    coverage: float | None,
    labels: Sequence[Labelled],
) -> Json:
    """What a portrait says of one value."""
    shown = exact(value, found.type)
    hidden = hides(tag, hide) or personal_labels(tag, hide)
    if hidden:
        shown = masked(shown)
    return {
        "key": tag.key,
        "title": tag.name(language),
        "titles": dict(tag.title),
        "value": shown,
        "weight": labels[0]["weight"] if labels else None,
        "labels": [
            {"label": masked(item["label"]) if hidden else item["label"], "weight": item["weight"]}
            for item in labels
        ],
        "formula": formula_of(tag),
        "coverage": coverage,
        "type": str(found.type),
        "nature": str(tag.nature),
        "method": str(tag.method),
        "source": tag.told_from,
        "definition": tag.described,
        "owner": tag.owner,
        "as_of": plain(found.as_of) if found.as_of else None,
        "expires_at": plain(found.expires_at) if found.expires_at else None,
    }


def personal_labels(tag: Tag, hidden: Collection[str]) -> bool:
    """Whether the labels of a tag with weights are values of a personal property."""
    name = labels_come_from(tag)
    return name is not None and is_personal(name, hidden)


def readable(value: Any, kind: ValueType) -> Any:
    """A value as JSON shows it: money in units of the currency, whole numbers whole, ISO instants."""
    if kind is ValueType.MONEY:
        value = value / MONEY_SCALE
    if kind in (ValueType.MONEY, ValueType.NUMBER):
        return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value)
    return plain(value)


def exact(value: Any, kind: ValueType) -> Any:
    """As `readable`, but money as an exact decimal text."""
    if kind is ValueType.MONEY:
        return format((Decimal(int(value)) / MONEY_SCALE).normalize(), "f")
    return readable(value, kind)


def attributes(
    engine: Engine,
    ix: int,
    *,
    now: datetime,
    sources: Mapping[int, str] | None = None,
    hide: Collection[str] = (),
    heard: datetime | None = None,
    person: Then | None = None,
) -> list[Json]:
    """The person's attributes by name, each with its value, kind, time and source.

    The last set or unset of a kind holds, `once` sets only what has no value; declared wins over observed. `heard` and
    `person`: as in `portrait`.
    """
    by_then = "" if heard is None else " AND e.received_at <= $heard"
    whose, values = theirs(ix, person)
    rows = engine.read(
        f"SELECT name, kind, mode, value, ts, source_i FROM attributes AS e WHERE {whose} AND ts < $now{by_then}"
        " ORDER BY name, kind, ts, id",
        {**values, "now": naive(now), "heard": None if heard is None else naive(heard)},
    ).to_pylist()
    return [
        {
            "name": row["name"],
            "value": masked(value) if is_personal(row["name"], hide) else value,
            "kind": row["kind"],
            "at": utc(row["ts"]).isoformat(),
            "source": _source(row["source_i"], sources),
        }
        for row, value in _holding(rows)
    ]


def theirs(ix: int, person: Then | None) -> tuple[str, Json]:
    """Whether a row `e` is the person's, and what that binds: as of today, or as it was then."""
    return ("e.ix = $ix", {"ix": ix}) if person is None else person.theirs()


def held_attributes(
    engine: Engine, ixs: Sequence[int], *, names: Collection[str], now: datetime
) -> dict[int, dict[str, Any]]:
    """Some attributes of some people: ordinal → name → value, as `attributes` has them."""
    rows = engine.read(
        "SELECT ix, name, kind, mode, value FROM attributes WHERE ix IN (SELECT UNNEST($ixs::UINTEGER[]))"
        " AND list_contains($names, name) AND ts < $now ORDER BY ix, name, kind, ts, id",
        {"ixs": list(ixs), "names": sorted(names), "now": naive(now)},
    ).to_pylist()
    found: dict[int, dict[str, Any]] = {}
    for ix, his in groupby(rows, key=lambda row: row["ix"]):
        found[ix] = {row["name"]: value for row, value in _holding(his)}
    return found


def _holding(rows: Iterable[Json]) -> list[tuple[Json, Any]]:
    """One person's rows of `attributes` (by name, kind, time, id) that hold, with their values, by name."""
    held: dict[tuple[str, str], Json] = {}
    for row in rows:
        place = (row["name"], row["kind"])
        if row["mode"] == "unset" or row["value"] in (None, "null"):
            held.pop(place, None)
        elif row["mode"] != "once" or place not in held:
            held[place] = row
    shown = {}
    for (name, _kind), row in sorted(held.items(), key=lambda item: (item[0][0], item[0][1] == "declared")):
        shown[name] = (row, json.loads(row["value"]))
    return list(shown.values())


def latest_events(
    engine: Engine,
    *,
    limit: int = 50,
    event: str | None = None,
    hide: Collection[str] = (),
    sources: Mapping[int, str] | None = None,
) -> list[Json]:
    """The latest events of all people, newest first: name, time, source and properties."""
    conditions = [] if event is None else ["n.name = $event"]
    rows = event_rows(engine, conditions, {"event": event}, limit=limit, hide=hide, sources=sources)
    return [{key: value for key, value in row.items() if key not in ("id", "place")} for row in rows]


@dataclass(frozen=True)
class Which:
    """Which of a person's events: of these names and this source (None: any), since (inclusive) until (exclusive).

    `heard`: none that was received later; `person`: those that were theirs then, whoever's they are today.
    """

    until: datetime
    since: datetime | None = None
    heard: datetime | None = None
    names: tuple[str, ...] = ()
    source_i: int | None = None
    person: Then | None = None

    def conditions(self, *, names: bool = True) -> list[str]:
        """As SQL over events `e` and names `n`, with `values`."""
        found = [theirs(0, self.person)[0], "e.ts < $until"]
        if self.since is not None:
            found.append("e.ts >= $since")
        if self.heard is not None:
            found.append("e.received_at <= $heard")
        if self.source_i is not None:
            found.append("e.source_i = $source_i")
        if names and self.names:
            found.append("list_contains($names, n.name)")
        return found

    def values(self, ix: int) -> Json:
        """What the conditions bind."""
        return {
            **theirs(ix, self.person)[1],
            "until": naive(self.until),
            "since": None if self.since is None else naive(self.since),
            "heard": None if self.heard is None else naive(self.heard),
            "names": list(self.names),
            "source_i": self.source_i,
        }


Place = tuple[int, str]
"""Where an event stands in a timeline: its time in microseconds, and its id."""


def events_of(
    engine: Engine,
    ix: int,
    which: Which,
    *,
    limit: int | None = 50,
    after: Place | None = None,
    hide: Collection[str] = (),
    sources: Mapping[int, str] | None = None,
) -> list[Json]:
    """The person's events, newest first, from the place `after` on; each with its own `place`. None: all."""
    conditions, values = which.conditions(), which.values(ix)
    if after is not None:
        conditions.append("(epoch_us(e.ts), e.id) < ($after_us, $after_id::HUGEINT)")
        values |= {"after_us": after[0], "after_id": after[1]}
    return event_rows(engine, conditions, values, limit=limit, hide=hide, sources=sources)


def event_counts(engine: Engine, ix: int, which: Which) -> list[Json]:
    """How many of the person's events there are of each name, most first; whatever names are asked for."""
    found: list[Json] = engine.read(
        "SELECT n.name AS event, COUNT(*) AS events FROM events AS e JOIN names AS n ON n.name_i = e.name_i"
        f" WHERE {' AND '.join(which.conditions(names=False))} GROUP BY n.name ORDER BY events DESC, n.name",
        which.values(ix),
    ).to_pylist()
    return found


def event_rows(
    engine: Engine | Transaction,
    conditions: Sequence[str],
    values: Mapping[str, Any],
    *,
    limit: int | None,
    hide: Collection[str] = (),
    sources: Mapping[int, str] | None = None,
) -> list[Json]:
    """Events that satisfy conditions over `e` (events) and `n` (names), newest first."""
    typed = engine.read("SELECT name, type, col FROM properties ORDER BY name").to_pylist()
    columns = "".join(f", e.{quoted(item['col'])}" for item in typed)
    rows = engine.read(
        "SELECT e.id::VARCHAR AS id, n.name AS event, e.ts, e.received_at, e.source_i, e.rest"
        f"{columns} FROM events AS e JOIN names AS n ON n.name_i = e.name_i"
        f" WHERE {' AND '.join(conditions) or 'TRUE'} ORDER BY e.ts DESC, e.id DESC"
        + ("" if limit is None else " LIMIT $most"),
        {**values, "most": None if limit is None else max(0, limit)},
    ).to_pylist()
    return [
        {
            "id": row["id"],
            "place": ((row["ts"] - EPOCH_START) // timedelta(microseconds=1), row["id"]),
            "event": row["event"],
            "at": utc(row["ts"]).isoformat(),
            "received_at": utc(row["received_at"]).isoformat(),
            "source": _source(row["source_i"], sources),
            "properties": _properties(row, typed, hide),
        }
        for row in rows
    ]


def _properties(row: Json, typed: Sequence[Json], hide: Collection[str]) -> Json:
    found: Json = {}
    for item in typed:
        value = row[item["col"]]
        if value is not None:
            kind = ValueType(item["type"])
            found[item["name"]] = (
                utc(value).isoformat() if kind is ValueType.INSTANT else readable(value, kind)
            )
    if row["rest"]:
        found |= json.loads(row["rest"])
    return _hidden(found, hide) if hide else found


def _hidden(value: Any, hide: Collection[str]) -> Any:
    """The JSON with every personal key's value masked, at any depth."""
    if isinstance(value, dict):
        return {
            key: masked(item)
            if any(part in hide for part in key.split(".")) and not isinstance(item, dict | list)
            else _hidden(item, hide)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_hidden(item, hide) for item in value]
    return value


def identity(item: Json, hide: Collection[str]) -> Json:
    """An identifier as a portrait shows it, with its ties: personal ones masked."""
    shown = dict(item)
    if hide and item.get("evidence"):
        kinds = "|".join(re.escape(kind) for kind in hide)
        shown["evidence"] = re.sub(
            rf"\b({kinds}):(\S+)", lambda found: f"{found[1]}:{masked(found[2])}", str(item["evidence"])
        )
    if item.get("ties"):
        shown["ties"] = [
            {**tie, "value": masked(tie["value"])} if is_personal(tie["kind"], hide) else tie
            for tie in item["ties"]
        ]
    if is_personal(str(item.get("kind", "")), hide):
        shown["value"] = masked(item.get("value"))
    return shown


def _source(number: int | None, sources: Mapping[int, str] | None) -> str | int | None:
    return number if sources is None or number is None else sources.get(number, str(number))
