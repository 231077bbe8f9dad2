"""Accuracy: what a tag says against what people declared, or staff corrected. Counts only; knows no interval.

The truth is the value of the tag that `truth` names; a value that somebody gave by hand for the tag itself counts as
truth before it. What the tag says is what it says without such corrections.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from limner.engine.seam import Engine, quoted
from limner.errors import ConflictError, DefinitionError
from limner.expressions.catalog import Catalog
from limner.tags.check import check_truth
from limner.tags.graph import Graph
from limner.tags.history import PREFIX, tags_at
from limner.tags.methods import given
from limner.tags.publish import ALIVE, Applied
from limner.types import ValueType

ENOUGH = 200
"""With fewer people whose truth is known there is not enough to say how accurate a tag is."""


@dataclass(frozen=True)
class Compared:
    """How often a tag said what of people whose truth is known: (truth, said) → people; None: the tag said nothing.

    `corrected`: of how many the truth is a correction. `everybody`, `tagged`: people alive, and those with the tag;
    `declared_tagged`: those of them whose truth is known.
    """

    pairs: Mapping[tuple[str, str | None], int]
    corrected: int
    everybody: int
    tagged: int
    declared_tagged: int

    @property
    def people(self) -> int:
        """How many people's truth is known."""
        return sum(self.pairs.values())

    @property
    def enough(self) -> bool:
        """Whether that is enough to say anything."""
        return self.people >= ENOUGH

    def precision(self, value: str | None = None) -> tuple[int, int]:
        """(right, said): how often the tag was right when it said the value; None: when it said any."""
        said = [(n, truth == told) for (truth, told), n in self.pairs.items() if told is not None]
        if value is not None:
            said = [(n, truth == told) for (truth, told), n in self.pairs.items() if told == value]
        return sum(n for n, right in said if right), sum(n for n, _ in said)

    def recall(self, value: str | None = None) -> tuple[int, int]:
        """(found, there are): how many of those who are the value in truth the tag found; None: of everybody."""
        there = [
            (n, truth == told) for (truth, told), n in self.pairs.items() if value is None or truth == value
        ]
        return sum(n for n, right in there if right), sum(n for n, _ in there)

    @property
    def values(self) -> tuple[str, ...]:
        """The values that are declared or said, in order."""
        found = {truth for truth, _ in self.pairs} | {told for _, told in self.pairs if told is not None}
        return tuple(sorted(found))

    def by(self) -> Mapping[str, int]:
        """How many people declared each value."""
        counted: Counter[str] = Counter()
        for (truth, _), n in self.pairs.items():
            counted[truth] += n
        return counted


def refuse(
    engine: Engine,
    graph: Graph,
    keys: Iterable[str],
    *,
    applied: Mapping[str, Applied],
    catalog: Catalog,
    now: datetime,
) -> None:
    """Raises ConflictError when one of the tags would be published anew although it is right less often than it must.

    A tag that is published as it stands keeps its values; where too few people's truth is known nothing is refused.
    """
    for key in sorted(keys):
        tag = graph.tags.get(key)
        if tag is None or tag.at_least is None or not tag.truth:
            continue
        held = applied.get(key)
        if held is not None and held.fingerprint == graph.fingerprints[key]:
            continue
        made = compared(engine, graph, key, catalog=catalog, as_of=now, now=now)
        right, said = made.precision("true" if tag.type is ValueType.FLAG else None)
        if made.enough and said and right / said < tag.at_least:
            raise ConflictError(
                f"'{key}' is right about {right} of {said} people whose truth is known ({right / said:.1%}),"
                f" and must be about {tag.at_least:.0%}",
                code="not_accurate",
                where=f"tags/{key}.yml",
                hint=f"limner tag accuracy {key}; stage: draft keeps it in previews",
            )


def compared(
    engine: Engine, graph: Graph, key: str, *, catalog: Catalog, as_of: datetime, now: datetime
) -> Compared:
    """What the tag says as of then against the truth as it is known now. Publishes nothing.

    Of a flag, no value is false. Raises DefinitionError for a tag without `truth`.
    """
    tag = graph.tags[key]
    if not tag.truth:
        raise DefinitionError(
            f"'{key}' names no truth", where=f"tags/{key}.yml", hint="truth: a declared tag"
        )
    check_truth(tag, graph.tags)
    hand = given.query(tag, given.MANUAL, zone=catalog.zone, as_of=now)
    missing = "'false'" if tag.type is ValueType.FLAG else "NULL"
    said, true = (quoted(PREFIX + graph.tags[one].table) for one in (key, tag.truth))
    with tags_at(
        engine, graph, [key, tag.truth], catalog=catalog, as_of=as_of, handed=now, uncorrected={key}
    ) as (tx, _):
        tx.execute(
            "CREATE OR REPLACE TEMP TABLE accuracy_truth AS\n"
            f"WITH hand AS (SELECT ix, value FROM ({hand.sql}) WHERE value IS NOT NULL),\n"
            f"told AS (SELECT ix, value, true AS corrected FROM hand UNION ALL SELECT ix, value, false FROM {true}"
            " WHERE ix NOT IN (SELECT ix FROM hand))\n"
            f"SELECT ix, CAST(value AS VARCHAR) AS value, corrected FROM told WHERE ix IN ({ALIVE})",
            hand.values,
        )
        rows = tx.read(
            f"SELECT t.value AS truth, COALESCE(CAST(s.value AS VARCHAR), {missing}) AS said, COUNT(*) AS n"
            f" FROM accuracy_truth AS t LEFT JOIN {said} AS s ON s.ix = t.ix GROUP BY ALL"
        ).to_pylist()
        has = "s.value" if tag.type is ValueType.FLAG else "s.value IS NOT NULL"
        counted = tx.read(
            f"SELECT (SELECT COUNT(*) FROM ({ALIVE})) AS everybody,"
            " (SELECT COUNT(*) FROM accuracy_truth WHERE corrected) AS corrected,"
            f" COUNT(*) AS tagged, COUNT(*) FILTER (WHERE s.ix IN (SELECT ix FROM accuracy_truth)) AS declared"
            f" FROM {said} AS s WHERE {has} AND s.ix IN ({ALIVE})"
        ).to_pylist()[0]
        tx.execute("DROP TABLE temp.accuracy_truth")
    return Compared(
        pairs={(row["truth"], row["said"]): int(row["n"]) for row in rows},
        corrected=int(counted["corrected"]),
        everybody=int(counted["everybody"]),
        tagged=int(counted["tagged"]),
        declared_tagged=int(counted["declared"]),
    )
