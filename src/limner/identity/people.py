"""Who somebody is: from an id as people write it to an ordinal, and from ordinals to ids and identifiers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from limner.engine.seam import Engine
from limner.identity.model import DEVICE, PERSON, USER, Identifier, normal
from limner.identity.then import Until, first_said
from limner.types import Json, naive, utc

PERSON_ID = re.compile("[a-z2-7]{24}")
"""What an outward id looks like."""

_EVIDENCE = {
    "login": "logged in on {other} since {since}",
    "key": "gave {other} on {since}",
    "alias": "declared one with {other} on {since}",
    "cut": "cut off from {other} on {since}",
}
_EVIDENCE_OF_B = {
    **_EVIDENCE,
    "login": "{other} logged in since {since}",
    "key": "given by {other} on {since}",
}


def named(text: str, *, keys: Sequence[str]) -> Identifier:
    """What an id as people write it means: `kind:value` of a known kind, else a user id."""
    kind, colon, value = text.partition(":")
    if colon and kind in (USER, DEVICE, PERSON, *keys):
        return Identifier(kind, value if kind == PERSON else normal(kind, value))
    return Identifier(USER, text)


def named_or_person(text: str, *, keys: Sequence[str]) -> Identifier:
    """What an id means: as `named` tells it, or a bare outward id."""
    return Identifier(PERSON, text) if PERSON_ID.fullmatch(text) else named(text, keys=keys)


def find(engine: Engine, text: str, *, keys: Sequence[str]) -> int | None:
    """The living person's ordinal: a user id, `kind:value` of an identifier, or `person:ID`; None = nobody.

    A person who was merged is found as the one that lives on; a device of several people is its own
    anonymous person.
    """
    name = named(text, keys=keys)
    if name.kind == PERSON:
        found = engine.read(
            "SELECT COALESCE(merged_into, ix) AS ix FROM persons WHERE person_id = $value AND NOT erased",
            {"value": name.value},
        )
    else:
        found = engine.read(
            "SELECT i.ix FROM identifiers AS i JOIN persons AS p ON p.ix = i.ix"
            " WHERE i.kind = $kind AND i.value = $value AND NOT p.erased",
            {"kind": name.kind, "value": name.value},
        )
    values = found.column("ix").to_pylist()
    return int(values[0]) if values else None


def person_id(engine: Engine, ix: int) -> str:
    """The person's outward id."""
    found = engine.read("SELECT person_id FROM persons WHERE ix = $ix", {"ix": ix})
    return str(found.column(0).to_pylist()[0])


def person_ids(engine: Engine, ixs: Sequence[int]) -> pa.Table:
    """The outward ids of the living among these people: ix, person_id, in order of ix."""
    return engine.read(
        "SELECT p.ix, p.person_id FROM persons AS p SEMI JOIN (SELECT UNNEST($ixs::UINTEGER[]) AS ix) AS w"
        " ON w.ix = p.ix WHERE p.merged_into IS NULL AND NOT p.erased ORDER BY p.ix",
        {"ixs": list(ixs)},
    )


def person_ids_of(engine: Engine, texts: Sequence[str], *, keys: Sequence[str]) -> dict[str, str]:
    """The outward ids of many people by the id that names each; the unknown are absent."""
    names = {text: named(text, keys=keys) for text in texts}
    wanted = sorted({(name.kind, name.value) for name in names.values()})
    found = engine.read(
        "WITH wanted AS (SELECT UNNEST($kinds::VARCHAR[]) AS kind, UNNEST($values::VARCHAR[]) AS value)"
        " SELECT w.kind, w.value, p.person_id FROM wanted AS w"
        " JOIN identifiers AS i ON i.kind = w.kind AND i.value = w.value"
        " JOIN persons AS p ON p.ix = i.ix WHERE NOT p.erased",
        {"kinds": [kind for kind, _ in wanted], "values": [value for _, value in wanted]},
    ).to_pylist()
    outward = {(row["kind"], row["value"]): str(row["person_id"]) for row in found}
    return {
        text: outward[name.kind, name.value]
        for text, name in names.items()
        if (name.kind, name.value) in outward
    }


def find_all(engine: Engine, texts: Sequence[str], *, keys: Sequence[str]) -> list[int | None]:
    """The living person's ordinal for each text, as `find` tells it, or for a bare outward id; None = nobody."""
    names = [named(text, keys=keys) for text in texts]
    given = pa.table(
        {
            "place": pa.array(range(len(texts)), pa.int64()),
            "kind": pa.array([name.kind for name in names], pa.string()),
            "value": pa.array([name.value for name in names], pa.string()),
        }
    )
    rows = engine.read(
        "SELECT w.place, MIN(CASE WHEN i.ix IS NOT NULL THEN i.ix ELSE COALESCE(o.merged_into, o.ix) END) AS ix"
        " FROM wanted AS w LEFT JOIN identifiers AS i ON i.kind = w.kind AND i.value = w.value"
        " LEFT JOIN persons AS o ON o.person_id = w.value AND w.kind IN ('user', 'person') AND i.ix IS NULL"
        " LEFT JOIN persons AS p ON p.ix = COALESCE(i.ix, o.merged_into, o.ix)"
        " WHERE p.ix IS NOT NULL AND NOT p.erased GROUP BY w.place",
        given={"wanted": given},
    )
    found: list[int | None] = [None] * len(texts)
    for place, ix in zip(rows["place"].to_pylist(), rows["ix"].to_pylist(), strict=True):
        found[place] = ix
    return found


def identifiers_of(engine: Engine, ixs: Sequence[int]) -> pa.Table:
    """The identifier by which to name each of these people: ix, kind, value, in order of ix.

    The user id met first that no alias calls a previous one; else the first user id, declared key, device.
    """
    return engine.read(
        "WITH wanted AS (SELECT UNNEST($ixs::UINTEGER[]) AS ix),"
        " mine AS (SELECT i.i, i.ix, i.kind, i.value FROM identifiers AS i SEMI JOIN wanted AS w ON w.ix = i.ix"
        " WHERE i.value IS NOT NULL),"
        " previous AS (SELECT DISTINCT c.b AS i FROM claims AS c WHERE c.what = 'alias')"
        " SELECT m.ix, arg_min(m.kind, m.place) AS kind, arg_min(m.value, m.place) AS value FROM"
        " (SELECT mine.*, (CASE kind WHEN 'user' THEN 0 WHEN 'device' THEN 2 ELSE 1 END * 2"
        " + (mine.i IN (SELECT i FROM previous))::BIGINT) * 4294967296 + mine.i AS place FROM mine) AS m"
        " GROUP BY m.ix ORDER BY m.ix",
        {"ixs": list(ixs)},
    )


def persons_of(engine: Engine, person_ids: Sequence[str]) -> dict[str, int]:
    """The living person's ordinal by outward id, also of those who were merged into another; the erased are absent."""
    given = pa.table({"person": pa.array(sorted(set(person_ids)), pa.string())})
    found = engine.read(
        "SELECT o.person_id, p.ix FROM wanted AS w JOIN persons AS o ON o.person_id = w.person"
        " JOIN persons AS p ON p.ix = COALESCE(o.merged_into, o.ix) WHERE NOT p.erased",
        given={"wanted": given},
    )
    return dict(zip(found["person_id"].to_pylist(), found["ix"].to_pylist(), strict=True))


def alive(engine: Engine) -> int:
    """How many people there are now: neither part of another nor erased."""
    found = engine.read("SELECT count(*) AS n FROM persons WHERE merged_into IS NULL AND NOT erased")
    return int(found.column("n")[0].as_py())


def identities(engine: Engine, ix: int) -> list[Json]:
    """The person's identifiers, strong ones first, each with its evidence: the claims that tie it to others.

    `ties` say the same as data: what (login, key, alias, cut; with `_of` seen from the other end), to whom, since when.
    """
    found = engine.read(
        "SELECT i, kind, value FROM identifiers WHERE ix = $ix AND value IS NOT NULL"
        " ORDER BY kind = 'device', i",
        {"ix": ix},
    ).to_pylist()
    claims = engine.read(
        "SELECT a, b, what, min(ts) AS since, NULL::TIMESTAMP AS heard FROM claims"
        " WHERE a IN (SELECT UNNEST($mine::UINTEGER[])) OR b IN (SELECT UNNEST($mine::UINTEGER[]))"
        " GROUP BY a, b, what ORDER BY since, a, b",
        {"mine": [row["i"] for row in found]},
    ).to_pylist()
    return _shown(engine, found, claims)


def identities_then(engine: Engine, ids: Sequence[int], until: Until) -> list[Json]:
    """These identifiers as `identities` shows them, with no evidence that does not count by then.

    `heard`: when the identifier, and each tie, was heard of; null where that is not known.
    """
    found = engine.read(
        "SELECT i, kind, value FROM identifiers WHERE i IN (SELECT UNNEST($mine::UINTEGER[]))"
        " AND value IS NOT NULL ORDER BY kind = 'device', i",
        {"mine": list(ids)},
    ).to_pylist()
    claims = engine.read(
        "SELECT c.a, c.b, c.what, MIN(c.ts) AS since, MIN(e.received_at) AS heard FROM claims AS c"
        " LEFT JOIN events AS e ON e.id = c.id WHERE (c.a IN (SELECT UNNEST($mine::UINTEGER[]))"
        f" OR c.b IN (SELECT UNNEST($mine::UINTEGER[]))) AND {until.said('c.ts', 'e.received_at')}"
        " GROUP BY c.a, c.b, c.what ORDER BY since, c.a, c.b",
        {"mine": [row["i"] for row in found], "at": naive(until.at)},
    ).to_pylist()
    first = first_said(engine, [row["i"] for row in found], until)
    for row in found:
        row |= {"heard": first.get(row["i"], {}).get("heard")}
    return _shown(engine, found, claims)


def _shown(engine: Engine, found: list[Json], claims: list[Json]) -> list[Json]:
    """Identifiers with what ties them to others, in words and as data."""
    names = _names(engine, sorted({end for claim in claims for end in (claim["a"], claim["b"])}))
    shown = []
    for row in found:
        evidence, ties = [], []
        for claim in claims:
            for me, other, words in (("a", "b", _EVIDENCE), ("b", "a", _EVIDENCE_OF_B)):
                if claim[me] == row["i"] and claim[other] in names:
                    since = utc(claim["since"]).isoformat(timespec="seconds")
                    name = names[claim[other]]
                    evidence.append(words[claim["what"]].format(other=name, since=since))
                    ties.append(
                        {
                            "what": f"{claim['what']}{'_of' if me == 'b' else ''}",
                            "kind": name.kind,
                            "value": name.value,
                            "since": since,
                            "heard": _seconds(claim["heard"]),
                        }
                    )
        shown.append(
            {
                "kind": row["kind"],
                "value": row["value"],
                "evidence": "; ".join(evidence),
                "ties": ties,
                "heard": _seconds(row.get("heard")),
            }
        )
    return shown


def _seconds(at: datetime | None) -> str | None:
    return None if at is None else utc(at).isoformat(timespec="seconds")


def named_by(engine: Engine, ids: Sequence[int]) -> set[Identifier]:
    """The identifiers with these ordinals, without the erased."""
    return set(_names(engine, list(ids)).values())


def _names(engine: Engine, ordinals: list[Any]) -> dict[int, Identifier]:
    """The identifiers with these ordinals, without the erased."""
    found = engine.read(
        "SELECT i, kind, value FROM identifiers WHERE i IN (SELECT UNNEST($ordinals::UINTEGER[]))"
        " AND value IS NOT NULL",
        {"ordinals": ordinals},
    ).to_pylist()
    return {row["i"]: Identifier(row["kind"], row["value"]) for row in found}
