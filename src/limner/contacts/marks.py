"""What platforms' tags are, what both sides agreed on last, and what was changed where and why: records, set by set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import text

from limner.accounts.keys import instant, micros
from limner.store.records import Records


def keep_corp_tags(records: Records, platform: str, rows: Iterable[tuple[str, str, str]]) -> None:
    """The platform has these tags: id, group, name."""
    with records.begin() as connection:
        connection.execute(
            text("DELETE FROM platform_tags WHERE platform = :platform"), {"platform": platform}
        )
        connection.execute(
            text(
                "INSERT INTO platform_tags (platform, tag, bunch, name)"
                " SELECT :platform, value ->> 0, value ->> 1, value ->> 2 FROM json_each(:rows)"
            ),
            {"platform": platform, "rows": json.dumps([list(row) for row in rows])},
        )
        connection.execute(text("DELETE FROM stale_things WHERE what = 'tags'"))


def corp_tags(records: Records, platform: str) -> pa.Table:
    """The platform's tags: tag, bunch, name."""
    with records.read() as connection:
        rows = connection.execute(
            text("SELECT tag, bunch, name FROM platform_tags WHERE platform = :platform"),
            {"platform": platform},
        ).all()
    return table(rows, ("tag", "bunch", "name"))


def base(records: Records, platform: str) -> pa.Table:
    """What both sides agreed on last: staff, customer, key, labels (JSON)."""
    with records.read() as connection:
        rows = connection.execute(
            text("SELECT staff, customer, key, labels FROM platform_marks WHERE platform = :platform"),
            {"platform": platform},
        ).all()
    return table(rows, ("staff", "customer", "key", "labels"))


def began(records: Records, platform: str) -> bool:
    """Whether the sides were ever made to agree."""
    with records.read() as connection:
        found = connection.execute(
            text("SELECT 1 FROM platform_changes WHERE platform = :platform LIMIT 1"), {"platform": platform}
        ).scalar()
    return found is not None


def agree(records: Records, platform: str, rows: Sequence[tuple[str, str, str, Sequence[str]]]) -> None:
    """Both sides have these labels now: staff, customer, key, labels."""
    given = json.dumps(
        [[staff, customer, key, json.dumps(sorted(labels))] for staff, customer, key, labels in rows]
    )
    with records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO platform_marks (platform, staff, customer, key, labels)"
                " SELECT :platform, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(:rows) WHERE TRUE"
                " ON CONFLICT DO UPDATE SET labels = excluded.labels"
            ),
            {"platform": platform, "rows": given},
        )


def write(
    records: Records,
    platform: str,
    run: str,
    rows: Sequence[dict[str, Any]],
    *,
    now: datetime,
) -> None:
    """What was changed: staff, customer, key, way (out, in), before, after, why."""
    if not rows:
        return
    with records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO platform_changes (platform, run, at, staff, customer, key, way, before, after, why)"
                " SELECT :platform, :run, :at, value ->> 'staff', value ->> 'customer', value ->> 'key',"
                " value ->> 'way', value ->> 'before', value ->> 'after', value ->> 'why' FROM json_each(:rows)"
            ),
            {
                "platform": platform,
                "run": run,
                "at": micros(now),
                "rows": json.dumps(
                    [
                        {**row, "before": ", ".join(row["before"]), "after": ", ".join(row["after"])}
                        for row in rows
                    ]
                ),
            },
        )


def changes(records: Records, platform: str, *, before: int | None, limit: int) -> list[dict[str, Any]]:
    """What was changed, the latest first, of ids below `before`."""
    with records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT id, run, at, staff, customer, key, way, before, after, why FROM platform_changes"
                " WHERE platform = :platform AND (:before IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit"
            ),
            {"platform": platform, "before": before, "limit": limit},
        ).mappings()
        return [{**row, "at": instant(row["at"]).isoformat()} for row in rows]


def retag(records: Records, rows: Sequence[tuple[str, str, Sequence[str]]]) -> None:
    """The relations have these tags at WeCom now: staff, customer, ids of tags. Nobody there changed them."""
    given = json.dumps([[staff, customer, json.dumps(sorted(tags))] for staff, customer, tags in rows])
    with records.begin() as connection:
        connection.execute(
            text(
                "UPDATE follows SET tags = j.value ->> 2 FROM json_each(:rows) AS j"
                " WHERE staff = j.value ->> 0 AND customer = j.value ->> 1"
            ),
            {"rows": given},
        )


def table(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> pa.Table:
    """The rows as a table of texts."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)}
    )
