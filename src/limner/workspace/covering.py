"""Verbs of coverage: how many people of each source have a tag, and how much all tags tell, by category and day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from limner.accounts.keys import sources
from limner.errors import UsageError
from limner.tags.publish import ALIVE
from limner.types import Json, ValueType
from limner.workspace import definitions, tagging
from limner.workspace.catalog import known
from limner.workspace.knowing import live
from limner.workspace.workspace import Workspace

_BY_SOURCE = f"""
SELECT s.source_i, COUNT(*) AS people, COUNT(t.ix) AS tagged
FROM (
    SELECT DISTINCT source_i, ix FROM (
        SELECT source_i, ix FROM events UNION ALL SELECT source_i, ix FROM attributes
    ) WHERE ix IN ({ALIVE})
) AS s LEFT JOIN tagged AS t ON t.ix = s.ix
GROUP BY s.source_i ORDER BY people DESC, s.source_i
"""


def tag_coverage(workspace: Workspace, key: str) -> Json:
    """How many people of each source have the tag, as it is published: a flag when it is true, others with any value.

    Somebody who is known from several sources counts in each of them; `everybody` and `people` count once.
    """
    workspace.load()
    known(definitions.tags(workspace), key, "tag")
    columns = live(workspace)
    found = None if columns is None else columns.column(key)
    ix = np.zeros(0, dtype=np.uint32)
    if columns is not None and found is not None:
        held = found.known & columns.alive[: found.n]
        if found.type is ValueType.FLAG:
            yes = [code for code, label in enumerate(found.labels or (), 1) if found.python(label) is True]
            held &= np.isin(np.asarray(found.codes), yes)
        ix = np.flatnonzero(held).astype(np.uint32)
    named = {item.source_i: item.name for item in sources(workspace.records)}
    rows = workspace.engine.read(
        _BY_SOURCE, {}, given={"tagged": pa.table({"ix": pa.array(ix, pa.uint32())})}
    ).to_pylist()
    return {
        "key": key,
        "as_of": None if columns is None else columns.as_of.isoformat(),
        "everybody": 0 if columns is None else int(columns.alive.sum()),
        "people": len(ix),
        "sources": [
            {
                "source": named.get(row["source_i"], str(row["source_i"])),
                "people": int(row["people"]),
                "tagged": int(row["tagged"]),
                "share": round(row["tagged"] / row["people"], 6),
            }
            for row in rows
        ],
    }


MOST_DAYS = 366


def tag_counts(workspace: Workspace, category: str = "", days: int = 30) -> Json:
    """How many tags there are and how many people have each, by category, now and at the end of each of `days`.

    `values`: one for each person and tag, as many as all people have together. `tagged`: distinct people with any of
    the tags. What a tag or category had before its first tag was computed is null.
    """
    if not 1 <= days <= MOST_DAYS:
        raise UsageError(f"'days' is 1 to {MOST_DAYS}", where="days", code="out_of_range")
    listed = tagging.tag_list(workspace, category=category, trend=days)
    everybody = listed["everybody"]
    rows = [
        {
            **{
                name: row[name]
                for name in (
                    "key", "titles", "category", "nature", "method", "state", "people", "coverage", "as_of",
                    "freshness", "where", "trend",
                )
            },
            "change": _change(row["trend"]),
        }
        for row in listed["tags"]
    ]  # fmt: skip
    lines = {row["key"]: row["trend"] for row in rows}
    groups = []
    for group in listed["categories"]:
        path = group["path"]
        if category and not f"{path}/".startswith(f"{category}/"):
            continue
        inside = [row for row in rows if _lies_in(row["category"], path)]
        groups.append(
            {
                **group,
                **_together(inside, everybody),
                "trend": _sums([lines[row["key"]] for row in inside], len(listed["days"])),
            }
        )
    tagged = _anybody(workspace, [row["key"] for row in rows])
    return {
        "as_of": listed["as_of"],
        "everybody": everybody,
        "category": category,
        "defined": len(rows),
        **_together(rows, everybody),
        "tagged": tagged,
        "days": [
            {"day": day, "tags": _more_than_none(lines.values(), place), "values": total}
            for place, (day, total) in enumerate(
                zip(listed["days"], _sums(list(lines.values()), len(listed["days"])), strict=True)
            )
        ],
        "categories": groups,
        "tags": rows,
    }


def _lies_in(category: str | None, path: str) -> bool:
    """Whether a tag of the category counts under a path; '' is the tags without one."""
    return f"{category or ''}/".startswith(f"{path}/") if path else not category


def _together(rows: Sequence[Json], everybody: int) -> Json:
    """How many of the tags anybody has, how many values that makes, and how many of them a person has on average."""
    values = sum(row["people"] for row in rows)
    return {
        "used": sum(1 for row in rows if row["people"]),
        "values": values,
        "per_person": round(values / everybody, 6) if everybody else None,
        "coverage": round(values / everybody / len(rows), 6) if everybody and rows else None,
    }


def _change(line: Sequence[int | None]) -> int | None:
    """By how many people the tag grew since the first day of which its people are known."""
    known_days = [people for people in line if people is not None]
    return known_days[-1] - known_days[0] if len(known_days) > 1 else None


def _sums(lines: Sequence[Sequence[int | None]], days: int) -> list[int | None]:
    """The lines added up by day; null where none is known."""
    found: list[int | None] = []
    for place in range(days):
        told = [line[place] for line in lines if len(line) > place and line[place] is not None]
        found.append(sum(people for people in told if people is not None) if told else None)
    return found


def _more_than_none(lines: Iterable[Sequence[int | None]], place: int) -> int:
    return sum(1 for line in lines if len(line) > place and line[place])


def _anybody(workspace: Workspace, keys: Sequence[str]) -> int:
    """How many distinct people alive have any of these tags."""
    columns = live(workspace)
    if columns is None:
        return 0
    now = columns.at(workspace.clock())
    held = np.zeros(len(now.alive), dtype=np.bool_)
    for key in keys:
        column = now.column(key)
        if column is not None:
            held[: column.n] |= column.known[: len(held)]
    return int(np.count_nonzero(held & now.alive))
