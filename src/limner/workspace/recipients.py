"""Who a channel can reach and what templates may say about them: set-based reads of a page of people."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from limner.columns import Columns
from limner.engine.seam import Engine
from limner.portraits.person import readable
from limner.touches.model import Recipient
from limner.types import naive

ZONE = "timezone"

_ATTRIBUTES = """
SELECT ix, name, value FROM (
    SELECT ix, name,
           max_by(CASE WHEN mode = 'set' THEN value END, {'ts': ts, 'id': id}) FILTER (mode <> 'once') AS latest,
           min_by(value, {'ts': ts, 'id': id}) FILTER (mode = 'once') AS first_said
    FROM attributes
    WHERE ts < $now AND ix IN (SELECT UNNEST($ixs)) AND name IN (SELECT UNNEST($names))
    GROUP BY ix, name
), LATERAL (SELECT COALESCE(latest, first_said) AS value)
WHERE value IS NOT NULL AND value <> 'null'
"""

_IDENTIFIERS = """
SELECT ix, kind, min_by(value, i) AS value FROM identifiers
WHERE ix IN (SELECT UNNEST($ixs)) AND value IS NOT NULL GROUP BY ix, kind
"""


def people(
    engine: Engine, ixs: Sequence[int], *, address: str, keys: Sequence[str], now: datetime
) -> pa.Table:
    """One row each: person, address (null: none), identifier_kind, identifier_value.

    `address`: the attribute or identifier that holds it.
    """
    persons = _persons(engine, ixs)
    names = _identifiers(engine, ixs)
    addresses = _addresses(engine, ixs, wanted=address, names=names, now=now)
    rows = []
    for ix in ixs:
        if ix in persons:
            kind, value = _named(names.get(ix, {}), keys)
            rows.append((persons[ix], addresses.get(ix), kind, value))
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    return pa.table(
        {
            name: pa.array(column, type=pa.string())
            for name, column in zip(
                ("person", "address", "identifier_kind", "identifier_value"), columns, strict=True
            )
        }
    )


def named(engine: Engine, ixs: Sequence[int], *, keys: Sequence[str]) -> dict[int, tuple[str, str, str]]:
    """The outward id of each person, and the kind and value of the identifier by which other systems know them."""
    names = _identifiers(engine, ixs)
    return {ix: (person, *_named(names.get(ix, {}), keys)) for ix, person in _persons(engine, ixs).items()}


def recipients(
    engine: Engine,
    person_ids: Sequence[str],
    *,
    address: str,
    keys: Sequence[str],
    attributes: Collection[str],
    tags: Collection[str],
    columns: Columns | None,
    now: datetime,
) -> dict[str, Recipient]:
    """What a channel and a template need of these people, by person id; the unknown and erased are absent.

    `address`: the attribute or identifier that holds the address.
    """
    found = engine.read(
        "SELECT ix, person_id FROM persons WHERE merged_into IS NULL AND NOT erased"
        " AND person_id IN (SELECT UNNEST($ids))",
        {"ids": list(person_ids)},
    ).to_pylist()
    ixs = [row["ix"] for row in found]
    names = _identifiers(engine, ixs)
    addresses = _addresses(engine, ixs, wanted=address, names=names, now=now)
    said = _attributes(engine, ixs, {*attributes, ZONE}, now)
    tagged = _tags(ixs, tags, columns)
    before = former(engine, ixs)
    made = {}
    for row in found:
        ix = row["ix"]
        kind, value = _named(names.get(ix, {}), keys)
        known = said.get(ix, {})
        made[row["person_id"]] = Recipient(
            address=addresses.get(ix) or "",
            identifier_kind=kind,
            identifier_value=value,
            zone=known.get(ZONE) if isinstance(known.get(ZONE), str) else None,
            former=before.get(ix, ()),
            person={name: item for name, item in known.items() if item is not None},
            tag=tagged.get(ix, {}),
        )
    return made


def zones(engine: Engine, ixs: Sequence[int], *, now: datetime) -> dict[int, str]:
    """The time zones that people said or were said to live in, by ordinal; who said none is absent."""
    said = _attributes(engine, ixs, [ZONE], now)
    return {ix: values[ZONE] for ix, values in said.items() if isinstance(values.get(ZONE), str)}


def person_ids(engine: Engine, ixs: Sequence[int]) -> list[str]:
    """The outward ids of the living among these people."""
    return list(_persons(engine, ixs).values())


def ordinals(engine: Engine, persons: pa.ChunkedArray) -> npt.NDArray[np.uint32]:
    """The ordinals of people who are known, in their order."""
    found = engine.read(
        "SELECT a.i, p.ix FROM asked AS a JOIN persons AS p ON p.person_id = a.person",
        given={"asked": pa.table({"i": np.arange(len(persons)), "person": persons})},
    )
    answer = np.zeros(len(persons), dtype=np.uint32)
    answer[found.column("i").to_numpy()] = found.column("ix").to_numpy()
    return answer


def _persons(engine: Engine, ixs: Sequence[int]) -> dict[int, str]:
    found = engine.read(
        "SELECT ix, person_id FROM persons WHERE merged_into IS NULL AND NOT erased"
        " AND ix IN (SELECT UNNEST($ixs))",
        {"ixs": list(ixs)},
    ).to_pylist()
    return {row["ix"]: row["person_id"] for row in found}


_FORMER = """
WITH RECURSIVE found AS (
    SELECT p.ix AS now, p.ix FROM persons AS p WHERE p.ix IN (SELECT UNNEST($ixs))
    UNION
    SELECT f.now, p.ix FROM found AS f JOIN persons AS p ON p.merged_into = f.ix
)
SELECT f.now, p.person_id FROM found AS f JOIN persons AS p ON p.ix = f.ix WHERE f.ix <> f.now ORDER BY f.now, p.ix
"""


def former(engine: Engine, ixs: Sequence[int]) -> dict[int, list[str]]:
    """The outward ids of those who were found to be each of these people; who is one alone is absent."""
    found: dict[int, list[str]] = {}
    for row in engine.read(_FORMER, {"ixs": list(ixs)}).to_pylist():
        found.setdefault(row["now"], []).append(row["person_id"])
    return found


def _identifiers(engine: Engine, ixs: Sequence[int]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for row in engine.read(_IDENTIFIERS, {"ixs": list(ixs)}).to_pylist():
        found.setdefault(row["ix"], {})[row["kind"]] = row["value"]
    return found


def _attributes(
    engine: Engine, ixs: Sequence[int], names: Collection[str], now: datetime
) -> dict[int, dict[str, Any]]:
    rows = engine.read(_ATTRIBUTES, {"ixs": list(ixs), "names": sorted(names), "now": naive(now)}).to_pylist()
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row["ix"], {})[row["name"]] = json.loads(row["value"])
    return found


def _addresses(
    engine: Engine,
    ixs: Sequence[int],
    *,
    wanted: str,
    names: Mapping[int, Mapping[str, str]],
    now: datetime,
) -> dict[int, str]:
    said = _attributes(engine, ixs, [wanted], now)
    found = {ix: str(values[wanted]) for ix, values in said.items() if values.get(wanted)}
    for ix, known in names.items():
        if ix not in found and known.get(wanted):
            found[ix] = known[wanted]
    return found


def _tags(ixs: Sequence[int], tags: Collection[str], columns: Columns | None) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {ix: {} for ix in ixs}
    if columns is None or not ixs:
        return found
    ordinals = np.asarray(ixs, dtype=np.uint32)
    inside = ordinals < columns.n
    for key in tags:
        if key not in columns:
            continue
        column = columns[key]
        for ix, value in zip(ordinals[inside].tolist(), column.take(ordinals[inside]), strict=True):
            if value is not None:
                found[ix][key] = readable(value, column.type)
    return found


def _named(names: Mapping[str, str], keys: Sequence[str]) -> tuple[str, str]:
    for kind in ("user", *keys, "device"):
        if kind in names:
            return kind, names[kind]
    return "", ""
