"""Our tags and a platform's: which of ours are which of theirs, and what must change on which side. Pure.

What both sides agreed on last is the base. Of a pair of customer and member of staff and a tag of ours, the labels of
each side are compared as wholes, so a level that moved on both sides is one conflict and never two levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from limner.campaigns.text import choice
from limner.engine.seam import Engine
from limner.errors import DefinitionError
from limner.tags.document import Document

OURS, THEIRS, NEWEST = "ours", "theirs", "newest"
WINS = (OURS, THEIRS, NEWEST)
WECOM, OFFICIAL = "wecom", "official_account"
PLATFORMS = (WECOM, OFFICIAL)
OUT, IN, SAME, CLASH = "out", "in", "same", "clash"
"""What is to be done: theirs is changed, ours is changed, nothing, or nobody can say (several labels of one value)."""
KEYS = ("wins", "tags", "owner", "why")
TAG_KEYS = ("group", "values", "wins")
MOST_NAME = 30
"""Characters of a tag at WeCom; bytes of one at an official account."""


@dataclass(frozen=True)
class Mapped:
    """One tag of ours: the platform's group ('' for an official account), our values' labels there, who wins."""

    key: str
    group: str
    labels: Mapping[str, str]
    wins: str


@dataclass(frozen=True)
class Mapping_:
    """A platform's mapping file."""

    platform: str
    tags: tuple[Mapped, ...]

    def table(self) -> pa.Table:
        """One row for each label: key, value, group, label, wins."""
        rows = [
            (one.key, value, one.group, label, one.wins)
            for one in self.tags
            for value, label in one.labels.items()
        ]
        columns = list(zip(*rows, strict=True)) if rows else [()] * 5
        return pa.table(
            {
                name: pa.array(column, pa.string())
                for name, column in zip(("key", "value", "bunch", "label", "wins"), columns, strict=True)
            }
        )


def read(text: str, platform: str) -> Mapping_:
    """The mapping that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=f"sync/{platform}.yml")
    if platform not in PLATFORMS:
        raise DefinitionError(
            f"tags are synchronised with {', '.join(PLATFORMS)}, not with '{platform}'", where=document.where
        )
    document.known_keys(KEYS)
    usual = choice(document, "wins", among=WINS, default=OURS)
    given = document.value("tags")
    if not isinstance(given, dict) or not given:
        raise document.error(
            "which tags?", code="missing", hint="tags: {tier: {group: 会员等级, values: {gold: 金卡}}}"
        )
    found = []
    taken: dict[tuple[str, str], str] = {}
    for key in map(str, given):
        if not isinstance(given[key], dict):
            raise document.error(f"'{key}' holds {', '.join(TAG_KEYS)}", "tags", key)
        document.known_keys(TAG_KEYS, "tags", key)
        group = document.string("tags", key, "group")
        values = document.value("tags", key, "values")
        if platform == WECOM and not (group and len(group) <= MOST_NAME):
            raise document.error(f"a group of tags has 1 to {MOST_NAME} characters", "tags", key)
        if platform == OFFICIAL and group:
            raise document.error("an official account's tags have no groups", "tags", key, "group")
        if not isinstance(values, dict) or not values:
            raise document.error(
                "which values are which tags there?", "tags", key, hint="values: {gold: 金卡}"
            )
        labels: dict[str, str] = {}
        for value, label in values.items():
            said = _word(value)
            long = len(str(label)) if platform == WECOM else len(str(label).encode())
            if not isinstance(label, str) or not 1 <= long <= MOST_NAME:
                what = "characters" if platform == WECOM else "bytes"
                raise document.error(f"a tag there has 1 to {MOST_NAME} {what}", "tags", key, "values", value)
            before = taken.setdefault((group, label), f"{key}: {said}")
            if before != f"{key}: {said}":
                raise document.error(f"'{label}' is {before} already", "tags", key, "values", value)
            labels[said] = label
        found.append(
            Mapped(key, group, labels, choice(document, "tags", key, "wins", among=WINS, default=usual))
        )
    return Mapping_(platform, tuple(found))


def read_file(path: Path) -> Mapping_:
    """The mapping of a file. Raises DefinitionError."""
    try:
        return read(path.read_text(encoding="utf-8"), path.stem)
    except UnicodeDecodeError as error:
        raise DefinitionError("the file is not UTF-8", where=f"sync/{path.name}") from error


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_DIFFERENCES = """
WITH keys AS (SELECT DISTINCT key, wins FROM mapped),
ours AS (
    SELECT o.customer, o.key, LIST_SORT(LIST(DISTINCT m.label)) AS labels
    FROM held AS o JOIN mapped AS m ON m.key = o.key AND m.value = o.value GROUP BY ALL
),
changed AS (SELECT h.customer, h.key, MAX(h.moved) AS moved FROM held AS h GROUP BY ALL),
theirs AS (
    SELECT t.staff, t.customer, m.key, LIST_SORT(LIST(DISTINCT m.label)) AS labels
    FROM tagged AS t JOIN library AS l ON l.tag = t.tag JOIN mapped AS m ON m.bunch = l.bunch AND m.label = l.name
    GROUP BY ALL
),
sides AS (
    SELECT p.staff, p.customer, k.key, k.wins, COALESCE(o.labels, []) AS ours, COALESCE(t.labels, []) AS theirs,
        b.labels AS base, COALESCE(c.moved, 0) AS ours_at, p.moved AS theirs_at, d.computed, d.several
    FROM pairs AS p CROSS JOIN keys AS k JOIN described AS d ON d.key = k.key
    LEFT JOIN ours AS o ON o.customer = p.customer AND o.key = k.key
    LEFT JOIN changed AS c ON c.customer = p.customer AND c.key = k.key
    LEFT JOIN theirs AS t ON t.staff = p.staff AND t.customer = p.customer AND t.key = k.key
    LEFT JOIN (SELECT staff, customer, key, labels::VARCHAR[] AS labels FROM
        (SELECT * REPLACE (FROM_JSON(labels, '["VARCHAR"]') AS labels) FROM base)) AS b
        ON b.staff = p.staff AND b.customer = p.customer AND b.key = k.key
)
SELECT staff, customer, key, wins, ours, theirs, ours_at, theirs_at,
    base IS NOT NULL AND ours <> base AND theirs <> base OR base IS NULL AND LEN(ours) > 0 AND LEN(theirs) > 0
        AS conflict,
    CASE
        WHEN wins = 'ours' THEN 'out'
        WHEN wins = 'newest' AND base IS NOT NULL AND theirs = base THEN 'out'
        WHEN wins = 'newest' AND base IS NULL AND LEN(theirs) = 0 THEN 'out'
        WHEN wins = 'newest' AND LEN(ours) > 0 AND LEN(theirs) > 0 AND (base IS NULL OR ours <> base)
            AND ours_at > theirs_at THEN 'out'
        WHEN computed AND LEN(theirs) = 0 THEN 'out'
        WHEN NOT several AND LEN(theirs) > 1 THEN 'clash'
        ELSE 'in'
    END AS way,
    CASE
        WHEN wins <> 'newest' THEN wins || ' wins'
        WHEN base IS NOT NULL AND theirs = base THEN 'changed here'
        WHEN base IS NOT NULL AND ours = base THEN 'changed there'
        WHEN base IS NULL AND LEN(theirs) = 0 THEN 'only here'
        WHEN base IS NULL AND LEN(ours) = 0 THEN 'only there'
        WHEN ours_at > theirs_at THEN 'changed on both sides, newer here'
        ELSE 'changed on both sides, newer there'
    END AS why
FROM sides WHERE ours <> theirs ORDER BY customer, staff, key
"""


def differences(
    engine: Engine,
    mapping: Mapping_,
    *,
    pairs: pa.Table,
    held: pa.Table,
    tagged: pa.Table,
    library: pa.Table,
    base: pa.Table,
    described: pa.Table,
) -> pa.Table:
    """Where the sides differ and what is to be done: one row for each pair and tag, with way, why and conflict.

    `pairs`: staff, customer, moved (since when theirs stand, microseconds); `held`: customer, key, value, moved;
    `tagged`: staff, customer, tag; `library`: tag, bunch, name; `base`: staff, customer, key, labels (JSON);
    `described`: key, computed (not given by hand), several (a list).
    """
    return engine.read(
        _DIFFERENCES,
        given={
            "mapped": mapping.table(),
            "pairs": pairs,
            "held": held,
            "tagged": tagged,
            "library": library,
            "base": base,
            "described": described,
        },
    )
