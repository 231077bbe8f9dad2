"""Finding people: who is meant by a word, and what a row of a list says of somebody. Reads by set, computes no tag.

A word is found as a user id (its beginning), as a whole identifier of any kind, as the beginning of an outward id,
as the end of a phone number, and in names. Who may not read names finds them only whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from limner.engine.seam import Engine, Query, Step
from limner.events.countries import PHONES
from limner.expressions.attributes import attribute_steps
from limner.expressions.sql import Bound, Sql
from limner.identity import people
from limner.identity.model import DEVICE, EMAILS, PERSON, USER, normal
from limner.portraits.activity import listed
from limner.portraits.person import held_attributes
from limner.tags.masking import is_personal, masked
from limner.types import Json, naive

NAMES = ("name", "nickname", "first_name", "last_name")
"""Attributes that say what somebody is called."""

CONTACTS = (*sorted(PHONES), *sorted(EMAILS), "openid", "unionid")
"""Identifiers and attributes by which somebody can be reached; the first that is there is shown."""

TAIL = 4
"""So many last digits of a phone number find it."""

_NAMES, _PHONES, _EMAILS = (
    ", ".join(f"'{word}'" for word in sorted(words)) for words in (NAMES, PHONES, EMAILS)
)
_PERSON_ID = re.compile(r"[a-z2-7]{6,24}")
_MARKS = re.compile(r"[\s\-().]+")


def find(
    engine: Engine, word: str, *, keys: Sequence[str], now: datetime, whole: bool = False
) -> npt.NDArray[np.uint32]:
    """The ordinals of the people whom the word names; some may be merged or erased.

    `keys`: the declared kinds; `whole`: names only as a whole.
    """
    word = word.strip()
    if not word:
        return np.empty(0, np.uint32)
    kind, colon, _ = word.partition(":")
    if colon and kind in ("user", "device", PERSON, *keys):
        found = people.find(engine, word, keys=keys)
        return np.array([] if found is None else [found], dtype=np.uint32)
    digits = _MARKS.sub("", word).lstrip("+")
    tail = digits if digits.isdigit() and len(digits) >= TAIL else None
    values = {"word": word, "lower": word.lower(), "number": normal("phone", word), "tail": tail}
    sets = [
        f"SELECT ix FROM identifiers WHERE value = $word OR (value = $lower AND kind IN ({_EMAILS}))"
        f" OR (value = $number AND kind IN ({_PHONES})) OR (kind = 'user' AND starts_with(value, $word))"
    ]
    if _PERSON_ID.fullmatch(word):
        sets.append("SELECT COALESCE(merged_into, ix) FROM persons WHERE starts_with(person_id, $word)")
    if tail is not None:
        sets.append(f"SELECT ix FROM identifiers WHERE ends_with(value, $tail) AND kind IN ({_PHONES})")
    named = _ordinals(engine.read(" UNION ".join(sets), values))
    spelled = json.dumps(word.lower(), ensure_ascii=False)
    if "@" in word:
        said = _said(engine, _EMAILS, "lower(value) = $said", {"said": spelled}, now=now)
    elif whole:
        said = _said(engine, _NAMES, "lower(value) = $said", {"said": spelled}, now=now)
    else:
        said = _said(engine, _NAMES, "contains(lower(value), $said)", {"said": spelled[1:-1]}, now=now)
    called = np.empty(0, np.uint32)
    if tail is not None:
        ends = "ends_with(regexp_replace(value, '[^0-9]', '', 'g'), $tail)"
        called = _said(engine, _PHONES, ends, {"tail": tail}, now=now)
    return np.unique(np.concatenate([named, said, called]))


def _said(
    engine: Engine, names: str, test: str, values: Mapping[str, Any], *, now: datetime
) -> npt.NDArray[np.uint32]:
    """Who has an attribute of one of the names with a value (JSON) that passes the test now.

    Of whom it was ever said is looked for first, at a glance at each row; what holds now is asked of these alone.
    """
    sql = Sql(Bound(), naive(now), "UTC")
    ever = (
        f"SELECT DISTINCT ix, name FROM attributes WHERE name IN ({names}) AND {test}"
        f" AND ix IS NOT NULL AND ts < {sql.bind(sql.as_of)}"
    )
    found = engine.read(
        f"SELECT name, COUNT(*) AS people FROM ({ever}) GROUP BY name", {**sql.bind.values, **values}
    ).to_pylist()
    if not found:
        return np.empty(0, np.uint32)
    steps = [Step("ever", ever)]
    for n, row in enumerate(found):
        steps += attribute_steps(f"held_{n}", row["name"], sql, "ever")
    held = " UNION ".join(f"SELECT ix FROM held_{n} WHERE {test}" for n in range(len(found)))
    query = Query(tuple(steps), held, {**sql.bind.values, **values})
    return _ordinals(engine.read(query.sql, query.values))


def _ordinals(table: pa.Table) -> npt.NDArray[np.uint32]:
    return np.asarray(table.column(0).to_numpy(), dtype=np.uint32)


def rows(
    engine: Engine,
    ixs: Sequence[int] | npt.NDArray[Any],
    *,
    now: datetime,
    personal: Collection[str],
    mask: bool,
    mask_contact: bool = True,
) -> list[Json]:
    """What a list says of these people, in their order: person, name, id, contact, first_seen.

    Name and id are masked when they are personal and `mask` is set, contacts unless `mask_contact` is not.
    """
    wanted = {"ixs": listed(ixs)}
    persons = {
        row["ix"]: row
        for row in engine.read(
            "SELECT ix, person_id, created_at FROM persons WHERE ix IN (SELECT UNNEST($ixs::UINTEGER[]))",
            wanted,
        ).to_pylist()
    }
    ids = {row["ix"]: row for row in people.identifiers_of(engine, wanted["ixs"]).to_pylist()}
    reached: dict[int, dict[str, str]] = {}
    for row in engine.read(
        "SELECT ix, kind, value FROM identifiers WHERE ix IN (SELECT UNNEST($ixs::UINTEGER[]))"
        " AND value IS NOT NULL AND list_contains($kinds, kind) ORDER BY i DESC",
        {**wanted, "kinds": list(CONTACTS)},
    ).to_pylist():
        reached.setdefault(row["ix"], {})[row["kind"]] = row["value"]
    said = held_attributes(engine, wanted["ixs"], names=(*NAMES, *CONTACTS), now=now)
    hide = personal if mask else ()
    made = []
    for ix in wanted["ixs"]:
        values = said.get(ix, {})
        contacts = {**{name: values[name] for name in CONTACTS if values.get(name)}, **reached.get(ix, {})}
        person = persons[ix]
        made.append(
            {
                "person": person["person_id"],
                "name": name_of(values, hide),
                "id": shown_id(ids.get(ix), hide),
                "contact": contact_of(contacts, mask=mask_contact),
                "first_seen": person["created_at"],
            }
        )
    return made


def called_then(
    values: Mapping[str, Any], identities: Sequence[Json], personal: Collection[str], *, mask: bool
) -> Json:
    """{name, id, contact} of somebody as of then, by the attributes and identifiers that they had."""
    hide = personal if mask else ()
    previous = [any(tie["what"] == "alias_of" for tie in item["ties"]) for item in identities]
    rank = {USER: 0, DEVICE: 2}
    first = min(
        range(len(identities)),
        key=lambda n: (rank.get(identities[n]["kind"], 1), previous[n], n),
        default=None,
    )
    contacts = {name: values[name] for name in CONTACTS if values.get(name)}
    contacts |= {item["kind"]: item["value"] for item in identities if item["kind"] in CONTACTS}
    return {
        "name": name_of(values, hide),
        "id": None if first is None else shown_id(identities[first], hide),
        "contact": contact_of(contacts, mask=mask),
    }


def name_of(values: Mapping[str, Any], hide: Collection[str] = ()) -> str | None:
    """What somebody is called, by the attributes; None when no attribute says it."""
    said = {
        name: str(masked(values[name]) if is_personal(name, hide) else values[name])
        for name in NAMES
        if values.get(name)
    }
    parts = [said[name] for name in ("first_name", "last_name") if name in said]
    return said.get("name") or " ".join(parts) or said.get("nickname")


def contact_of(contacts: Mapping[str, Any], *, mask: bool) -> Json | None:
    """The first contact: {kind, value}."""
    for kind in CONTACTS:
        if contacts.get(kind):
            value = str(contacts[kind])
            return {"kind": kind, "value": hidden(kind, value) if mask else value}
    return None


def hidden(kind: str, value: str) -> str:
    """A contact as a list shows it: of a phone number the last four digits, of others as `masked` has it."""
    if kind in PHONES:
        digits = "".join(c for c in value if c.isdigit())
        return f"•••• {digits[-TAIL:]}" if len(digits) >= 7 else "••••"
    return str(masked(value))


def shown_id(row: Json | None, hide: Collection[str]) -> Json | None:
    """An identifier as a list shows it: {kind, value}; None without a value."""
    if row is None or row["value"] is None:
        return None
    value = masked(row["value"]) if is_personal(row["kind"], hide) else row["value"]
    return {"kind": row["kind"], "value": value}
