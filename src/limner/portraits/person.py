"""One person's portrait: identities, attributes, tags, events, messages, audiences. Computes no tag.

What is personal and who may read it is the caller's to say: `personal` names attributes, `mask` hides them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from limner.columns import EPOCH_START, Columns, Given, column
from limner.engine.seam import Engine, quoted
from limner.expressions.catalog import Catalog
from limner.tags.graph import Graph
from limner.tags.history import values_at
from limner.tags.masking import is_personal, masked
from limner.tags.model import Observed, Tag, plain
from limner.types import MONEY_SCALE, Json, ValueType, naive, utc

UNSORTED = "unsorted"


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
    messages: Sequence[Json] = (),
    audiences: Sequence[str] = (),
    sources: Mapping[int, str] | None = None,
    personal: Collection[str] = (),
    mask: bool = False,
    events: int = 50,
    language: str = "en",
) -> Json:
    """Everything that is known of the person, ready for JSON.

    `tags`: the definitions; `columns`: their published values (expired ones are gone at `now`). With `graph` and
    `catalog`, tags at a `now` before the publication are computed from what had happened by then. `identities`,
    `messages` and `audiences` are shown as given, identities masked when their kind is personal.
    """
    if graph is not None and catalog is not None and columns is not None and now < columns.as_of:
        columns = columns_then(engine, ix, graph=graph, catalog=catalog, as_of=now)
    hide = personal if mask else ()
    return {
        "identities": [_identity(item, hide) for item in identities],
        "attributes": attributes(engine, ix, now=now, sources=sources, hide=hide),
        "tags": tag_values(ix, tags=tags, columns=columns, now=now, hide=hide, language=language),
        "timeline": latest_events(engine, ix=ix, limit=events, before=now, hide=hide, sources=sources),
        "messages": list(messages),
        "audiences": list(audiences),
        "masked": mask,
    }


def columns_then(engine: Engine, ix: int, *, graph: Graph, catalog: Catalog, as_of: datetime) -> Columns:
    """The person's tags of a past instant as columns in which only this person has values."""
    held = values_at(engine, graph, ix=ix, catalog=catalog, as_of=as_of)
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
) -> list[Json]:
    """The person's live tags by category: [{category, tags: [{key, value, …}]}], both sorted."""
    if columns is None:
        return []
    live = columns.at(now)
    by_category: dict[str, list[Json]] = {}
    for key in sorted(tags.keys() & set(live.keys())):
        found = tag_value(ix, tags[key], live, hide=hide, language=language)
        if found is not None:
            by_category.setdefault("/".join(tags[key].category) or UNSORTED, []).append(found)
    return [{"category": category, "tags": held} for category, held in sorted(by_category.items())]


def tag_value(
    ix: int, tag: Tag, columns: Columns, *, hide: Collection[str] = (), language: str = "en"
) -> Json | None:
    """One tag of the person: key, typed value, validity, source, kind of statement; None = no value.

    Money is in units of the currency; instants are ISO texts.
    """
    found = columns[tag.key]
    value = found.label_at(ix)
    if value is None:
        return None
    shown = readable(value, found.type)
    if isinstance(tag.definition, Observed) and is_personal(tag.definition.attribute, hide):
        shown = masked(shown)
    return {
        "key": tag.key,
        "title": tag.name(language),
        "value": shown,
        "type": str(found.type),
        "nature": str(tag.nature),
        "method": str(tag.method),
        "source": tag.source or tag.described,
        "definition": tag.described,
        "owner": tag.owner,
        "as_of": plain(found.as_of) if found.as_of else None,
        "expires_at": plain(found.expires_at) if found.expires_at else None,
    }


def readable(value: Any, kind: ValueType) -> Any:
    """A value as JSON shows it: money in units of the currency, whole numbers whole, ISO instants."""
    if kind is ValueType.MONEY:
        value = value / MONEY_SCALE
    if kind in (ValueType.MONEY, ValueType.NUMBER):
        return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value)
    return plain(value)


def attributes(
    engine: Engine,
    ix: int,
    *,
    now: datetime,
    sources: Mapping[int, str] | None = None,
    hide: Collection[str] = (),
) -> list[Json]:
    """The person's attributes by name, each with its value, kind, time and source.

    The last set or unset of a kind holds, `once` sets only what has no value; declared wins over observed.
    """
    rows = engine.read(
        "SELECT name, kind, mode, value, ts, source_i FROM attributes WHERE ix = $ix AND ts < $now"
        " ORDER BY name, kind, ts, id",
        {"ix": ix, "now": naive(now)},
    ).to_pylist()
    held: dict[tuple[str, str], Json] = {}
    for row in rows:
        place = (row["name"], row["kind"])
        if row["mode"] == "unset" or row["value"] in (None, "null"):
            held.pop(place, None)
        elif row["mode"] != "once" or place not in held:
            held[place] = row
    shown: dict[str, Json] = {}
    for (name, _kind), row in sorted(held.items(), key=lambda item: (item[0][0], item[0][1] == "declared")):
        value = json.loads(row["value"])
        shown[name] = {
            "name": name,
            "value": masked(value) if is_personal(name, hide) else value,
            "kind": row["kind"],
            "at": utc(row["ts"]).isoformat(),
            "source": _source(row["source_i"], sources),
        }
    return list(shown.values())


def latest_events(
    engine: Engine,
    *,
    limit: int = 50,
    ix: int | None = None,
    event: str | None = None,
    before: datetime | None = None,
    hide: Collection[str] = (),
    sources: Mapping[int, str] | None = None,
) -> list[Json]:
    """The latest events, newest first, of one person or of all: name, time, source and properties."""
    typed = engine.read("SELECT name, type, col FROM properties ORDER BY name").to_pylist()
    conditions = ["TRUE"]
    if ix is not None:
        conditions.append("e.ix = $ix")
    if event is not None:
        conditions.append("n.name = $event")
    if before is not None:
        conditions.append("e.ts < $before")
    columns = "".join(f", e.{quoted(item['col'])}" for item in typed)
    rows = engine.read(
        f"SELECT n.name AS event, e.ts, e.received_at, e.source_i, e.rest{columns}"
        " FROM events AS e JOIN names AS n ON n.name_i = e.name_i"
        f" WHERE {' AND '.join(conditions)} ORDER BY e.ts DESC, e.id DESC LIMIT $most",
        {
            "ix": ix,
            "event": event,
            "before": None if before is None else naive(before),
            "most": max(0, limit),
        },
    ).to_pylist()
    return [
        {
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


def _identity(item: Json, hide: Collection[str]) -> Json:
    shown = dict(item)
    if hide and item.get("evidence"):
        kinds = "|".join(re.escape(kind) for kind in hide)
        shown["evidence"] = re.sub(
            rf"\b({kinds}):(\S+)", lambda found: f"{found[1]}:{masked(found[2])}", str(item["evidence"])
        )
    if is_personal(str(item.get("kind", "")), hide):
        shown["value"] = masked(item.get("value"))
    return shown


def _source(number: int | None, sources: Mapping[int, str] | None) -> str | int | None:
    return number if sources is None or number is None else sources.get(number, str(number))
