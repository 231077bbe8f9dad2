"""Overlay: a value that somebody gave by hand stands in the place of the computed or imported one. Sets, no loops.

Who gave it, and when, is in the engine's `given`; which value it stands for is written down (`overruled`), so that
what is computed next to it stays visible and every conflict is known with its beginning and end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from limner.engine.seam import Engine, Transaction, quoted
from limner.tags.conflicts import Page, page
from limner.tags.methods import given
from limner.tags.model import Method, Tag
from limner.tags.publish import ALIVE
from limner.tags.tables import SQL_TYPES
from limner.types import ValueType, naive

_LAID = "given_by_hand"


def lay(
    tx: Transaction, tag: Tag, *, table: str, zone: str, as_of: datetime, among: str | None = None
) -> None:
    """Puts the values given by hand as of then into the tag's table (ix, value, perhaps more columns, then NULL).

    `among`: a table of the people whose rows are looked at; None = everybody. Restricted people aside, the table holds
    what was computed.
    """
    if tag.method is Method.MANUAL:
        return
    _find(tx, tag, zone=zone, as_of=as_of, among=among)
    _put(tx, tag, table)
    tx.execute(f"DROP TABLE temp.{_LAID}")


def lay_and_write(
    tx: Transaction,
    tag: Tag,
    *,
    table: str,
    zone: str,
    as_of: datetime,
    run: str,
    among: str | None = None,
) -> None:
    """The same, and writes down which values are overruled, and which no longer are."""
    if tag.method is Method.MANUAL:
        return
    _find(tx, tag, zone=zone, as_of=as_of, among=among)
    kind = SQL_TYPES[tag.type]
    found = (
        "SELECT l.ix, CAST(l.value AS VARCHAR) AS given,"
        f" CAST(CAST(v.value AS {kind}) AS VARCHAR) AS computed"
        f" FROM {_LAID} AS l LEFT JOIN {quoted(table)} AS v ON v.ix = l.ix"
    )
    same = "f.ix = o.ix AND f.given = o.given AND f.computed IS NOT DISTINCT FROM o.computed"
    values: dict[str, Any] = {"tag": tag.key, "at": naive(as_of)}
    looked = "" if among is None else f" AND o.ix IN (SELECT ix FROM {quoted(among)})"
    tx.execute(
        "UPDATE overruled AS o SET ended = GREATEST(began, CAST($at AS TIMESTAMP))"
        f" WHERE o.tag = $tag AND o.ended IS NULL{looked}"
        f" AND NOT EXISTS (SELECT 1 FROM ({found}) AS f WHERE {same})",
        values,
    )
    tx.execute(
        "INSERT INTO overruled SELECT $tag, f.ix, f.given, f.computed, CAST($at AS TIMESTAMP), $run, NULL"
        f" FROM ({found}) AS f WHERE NOT EXISTS"
        f" (SELECT 1 FROM overruled AS o WHERE o.tag = $tag AND o.ended IS NULL AND {same})",
        {**values, "run": run},
    )
    _put(tx, tag, table)
    tx.execute(f"DROP TABLE temp.{_LAID}")


def close(tx: Transaction, keys: Sequence[str], *, as_of: datetime) -> None:
    """Ends what is written of tags other than these: they are gone."""
    tx.execute(
        "UPDATE overruled SET ended = GREATEST(began, CAST($as_of AS TIMESTAMP))"
        " WHERE ended IS NULL AND NOT list_contains($keys, tag)",
        {"keys": list(keys), "as_of": naive(as_of)},
    )


def erase(tx: Transaction, ix: int) -> None:
    """Forgets everything about a person."""
    tx.execute("DELETE FROM overruled WHERE ix = $ix", {"ix": ix})


def _find(tx: Transaction, tag: Tag, *, zone: str, as_of: datetime, among: str | None) -> None:
    query = given.query(tag, given.MANUAL, zone=zone, as_of=as_of, among=among)
    tx.execute(
        f"CREATE OR REPLACE TEMP TABLE {_LAID} AS SELECT g.ix, CAST(g.value AS {SQL_TYPES[tag.type]}) AS value"
        f" FROM ({query.sql}) AS g WHERE g.value IS NOT NULL AND g.ix IN ({ALIVE})",
        query.values,
    )


def _put(tx: Transaction, tag: Tag, table: str) -> None:
    name = quoted(table)
    if tag.type is ValueType.NUMBER:  # what was counted may stand in whole numbers
        tx.execute(f"ALTER TABLE {name} ALTER COLUMN value SET DATA TYPE DOUBLE")
    tx.execute(f"DELETE FROM {name} WHERE ix IN (SELECT ix FROM {_LAID})")
    tx.execute(f"INSERT INTO {name} BY NAME SELECT ix, value FROM {_LAID}")


def conflicts(
    engine: Engine, tag: str, *, standing: bool = False, most: int = 50, after: tuple[int, int] | None = None
) -> Page:
    """Where a value by hand differs from the other one, see `conflicts.page`: in each row ix, given and computed."""
    return page(
        engine,
        "overruled",
        columns="c.ix, c.given, c.computed",
        where="c.tag = $tag AND c.computed IS NOT NULL AND c.computed <> c.given",
        values={"tag": tag},
        standing=standing,
        most=most,
        after=after,
    )


def conflicted(engine: Engine) -> dict[str, tuple[int, int]]:
    """Of each tag with conflicts of living people: how many there were, and how many stand now."""
    rows = engine.read(
        "SELECT c.tag, COUNT(*) AS total, COUNT(*) FILTER (WHERE c.ended IS NULL) AS standing FROM overruled AS c"
        " JOIN persons AS p ON p.ix = c.ix WHERE c.computed IS NOT NULL AND c.computed <> c.given"
        " AND p.merged_into IS NULL AND NOT p.erased GROUP BY c.tag ORDER BY standing DESC, total DESC, c.tag"
    ).to_pylist()
    return {row["tag"]: (int(row["total"]), int(row["standing"])) for row in rows}


def beside(engine: Engine, ix: int) -> dict[str, str | None]:
    """What would be the person's values without those given by hand, by tag, as SQL writes them; None = none."""
    rows = engine.read(
        "SELECT tag, computed FROM overruled WHERE ix = $ix AND ended IS NULL ORDER BY began, tag", {"ix": ix}
    ).to_pylist()
    return {row["tag"]: row["computed"] for row in rows}
