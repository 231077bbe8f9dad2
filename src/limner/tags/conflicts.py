"""Conflicts: a page of a table that says whose values were settled, from `began` until `ended`; the latest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limner.engine.seam import Engine

Page = tuple[list[Mapping[str, Any]], int, int]
"""Rows, how many there are, and how many stand now."""


def page(
    engine: Engine,
    table: str,
    *,
    columns: str,
    where: str,
    values: Mapping[str, Any],
    standing: bool = False,
    most: int = 50,
    after: tuple[int, int] | None = None,
) -> Page:
    """Conflicts of living people. `columns` of a row, and `where`, are SQL over the table, called c.

    A row also has person, number, began and ended (microseconds) and run. `standing`: only those that stand; `after`:
    (began, number) of the last row before.
    """
    people = f"JOIN persons AS p ON p.ix = c.ix WHERE {where} AND p.merged_into IS NULL AND NOT p.erased"
    counted = engine.read(
        "SELECT COUNT(*) AS total, COUNT(*) FILTER (WHERE c.ended IS NULL) AS standing"
        f" FROM {table} AS c {people}",
        values,
    ).to_pylist()[0]
    bound = {**values, "most": most}
    more = " AND c.ended IS NULL" if standing else ""
    if after is not None:
        more += " AND (epoch_us(c.began) < $at OR (epoch_us(c.began) = $at AND c.number > $number))"
        bound |= {"at": after[0], "number": after[1]}
    rows = engine.read(
        f"SELECT p.person_id AS person, c.number, {columns}, epoch_us(c.began) AS began, c.run,"
        f" epoch_us(c.ended) AS ended FROM (SELECT *, rowid AS number FROM {table}) AS c {people}{more}"
        " ORDER BY began DESC, c.number LIMIT $most",
        bound,
    ).to_pylist()
    return rows, int(counted["total"]), int(counted["standing"])
