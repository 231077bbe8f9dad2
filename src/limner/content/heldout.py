"""What picks foretell: how often what people took up later was among those that the ranking put first for them then.

The rival is popularity: the same first few for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from limner.engine.seam import Engine

ENOUGH = 30
"""Of fewer people nothing is said."""


@dataclass(frozen=True)
class Foretold:
    """Of `people` who took anything up later: of how many the first thing was among their picks, and among the popular
    ones; and of how many anything at all was (`any_own`, `any_popular`)."""

    people: int
    own: int
    popular: int
    any_own: int
    any_popular: int

    @property
    def enough(self) -> bool:
        """Whether there is an honest answer."""
        return self.people >= ENOUGH and self.popular > 0

    @property
    def ratio(self) -> float:
        """How many times as often as popularity."""
        return self.own / self.popular

    @property
    def any_ratio(self) -> float:
        """The same where anything that they took up counts."""
        return self.any_own / self.any_popular


def foretold(engine: Engine, picks: pa.Table, popular: Sequence[int], later: pa.Table) -> Foretold:
    """How many of the people of `later` (ix, i, ts) took up what was picked (ix, i), or what is popular."""
    found = engine.read(
        "WITH firsts AS (SELECT ix, ARG_MIN(i, {'ts': ts, 'i': i}) AS i FROM later GROUP BY ix)\n"
        "SELECT (SELECT COUNT(*) FROM firsts) AS people,"
        " (SELECT COUNT(*) FROM firsts SEMI JOIN picks USING (ix, i)) AS own,"
        " (SELECT COUNT(*) FROM firsts WHERE i IN (SELECT i FROM popular)) AS popular,"
        " (SELECT COUNT(DISTINCT ix) FROM later SEMI JOIN picks USING (ix, i)) AS any_own,"
        " (SELECT COUNT(DISTINCT ix) FROM later WHERE i IN (SELECT i FROM popular)) AS any_popular",
        given={"picks": picks, "later": later, "popular": pa.table({"i": pa.array(popular, pa.int32())})},
    ).to_pylist()[0]
    return Foretold(**{name: int(value) for name, value in found.items()})
