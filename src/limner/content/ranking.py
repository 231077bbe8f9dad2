"""Who is shown what next: a ranking of all people and all that may be picked, as sets, and the reason of each place.

    score = match + p × popularity + 0.1 × freshness + the editor's weight

`match` is the person's greatest weight among the labels that it is about; `popularity` the people who took it up in the
last 30 days, of the most for any, and p its part (0.3 unless said); `freshness` 1 on the first day and half of it every
14 days. All of it is whole millionths, so a score is the same bits wherever and in whatever order it is computed; equal
scores go by name.

What does not depend on the person is one number for each of what may be picked. So of each label, and of everything
together, only the first few can come into anybody's first places: as many as are asked for, and as many more as are
left out for somebody. Only these are looked at for each person; nothing better is overlooked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from limner.content.model import POPULARITY
from limner.engine.seam import Engine, quoted
from limner.types import naive

MILLION = 1_000_000
FRESH = 100_000
HALF_LIFE = timedelta(days=14)
WINDOW = timedelta(days=30)
"""How far back popularity looks."""
ANY, OTHER = "", "*"
"""Languages of people: not known, so anything; one that nothing is in, so only what has none."""
SHELF = 200
"""So many of each label and language are kept ready; less what is asked for, so many may be left out for somebody."""


@dataclass(frozen=True, eq=False)
class Stock:
    """What may be picked at an instant, a row each, in the order of their names.

    `labels`: i, tag, label; `spoken`: i, language, for those that have any; `named`: i, property, value: how events
    name it. `began`: since when it may be shown, None: unknown. `limited`: which only some people may see.
    """

    names: tuple[str, ...]
    editor: tuple[int, ...]
    began: tuple[datetime | None, ...]
    limited: tuple[bool, ...]
    labels: pa.Table
    spoken: pa.Table
    named: pa.Table

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, eq=False)
class Shelves:
    """The stock with what everybody has in common: `people` who took each up, and the first of each label.

    `stock`: i, own, people; `about`: i, tag, label, language, rank; `front`: i, language, rank.
    """

    of: Stock
    people: tuple[int, ...]
    stock: pa.Table
    about: pa.Table
    front: pa.Table
    languages: frozenset[str]

    def tongue(self, language: str | None) -> str:
        """The language under which somebody's picks stand."""
        if not language:
            return ANY
        return language if language in self.languages else OTHER


def took_up(
    engine: Engine,
    stock: Stock,
    columns: Mapping[str, str],
    now: datetime,
    *,
    codes: Sequence[int] | None,
    besides: str = "",
) -> list[int]:
    """How many people did something with each in the time before `now`.

    `columns`: the engine's column of each property that names it. `codes`: the events that count; None: any.
    `besides`: a condition on events that do not.
    """
    counted = np.zeros(len(stock), dtype=np.int64)
    parts = _events(columns, "e.ts >= $since AND e.ts < $now", codes, besides)
    if parts and len(stock):
        found = engine.read(
            f"SELECT i, COUNT(DISTINCT ix) AS people FROM ({parts}) GROUP BY i",
            {"since": naive(now - WINDOW), "now": naive(now), **_coded(codes)},
            given={"named": stock.named},
        )
        counted[found.column("i").to_numpy()] = found.column("people").to_numpy()
    return [int(value) for value in counted]


def had(
    engine: Engine,
    stock: Stock,
    columns: Mapping[str, str],
    people: pa.Table,
    now: datetime,
    *,
    codes: Sequence[int],
) -> pa.Table:
    """(ix, i): what each of the people ever did one of these events with, before `now`."""
    parts = _events(columns, "e.ts < $now AND e.ix IN (SELECT ix FROM people)", codes)
    if not parts or not codes:
        return nothing_left_out()
    return engine.read(
        f"SELECT DISTINCT ix, i FROM ({parts})",
        {"now": naive(now), **_coded(codes)},
        given={"named": stock.named, "people": people},
    )


def nothing_left_out() -> pa.Table:
    """(ix, i) of nobody."""
    return pa.table({"ix": pa.array([], pa.uint32()), "i": pa.array([], pa.int32())})


def _events(columns: Mapping[str, str], when: str, codes: Sequence[int] | None, besides: str = "") -> str:
    """(ix, i) of events that name what may be picked."""
    coded = "" if codes is None else " AND e.name_i IN (SELECT UNNEST($codes))"
    coded += f" AND ({besides}) IS NOT TRUE" if besides else ""
    return " UNION ALL ".join(
        f"SELECT e.ix, n.i FROM events AS e JOIN named AS n ON n.value = CAST(e.{quoted(column)} AS VARCHAR)"
        f" AND n.property = '{name}' WHERE e.ix IS NOT NULL AND {when}{coded}"
        for name, column in sorted(columns.items())
    )


def _coded(codes: Sequence[int] | None) -> dict[str, list[int]]:
    return {} if codes is None else {"codes": list(codes)}


def shelved(
    engine: Engine, stock: Stock, people: Sequence[int], now: datetime, *, popularity: float = POPULARITY
) -> Shelves:
    """The stock in the order in which it stands for everybody, with the first of each label and language.

    `people`: who took each up; `popularity`: its part in the score.
    """
    most, part = max(people, default=0) or 1, round(popularity * MILLION)
    own = [
        editor + part * taken // most + _fresh(began, now)
        for editor, taken, began in zip(stock.editor, people, stock.began, strict=True)
    ]
    listed = pa.table(
        {
            "i": pa.array(range(len(stock)), pa.int32()),
            "own": pa.array(own, pa.int64()),
            "people": pa.array(list(people), pa.int64()),
            "limited": pa.array(stock.limited, pa.bool_()),
        }
    )
    languages = frozenset(stock.spoken.column("language").to_pylist())
    spoken = (
        "SELECT i, language FROM spoken UNION ALL SELECT i, '' FROM stock"
        " UNION ALL SELECT s.i, t.language FROM stock AS s CROSS JOIN (SELECT DISTINCT language FROM spoken"
        f" UNION ALL SELECT '{OTHER}') AS t WHERE s.i NOT IN (SELECT i FROM spoken)"
    )
    given = {"stock": listed, "spoken": stock.spoken, "labels": stock.labels}
    rank = "ROW_NUMBER() OVER (PARTITION BY {} ORDER BY s.own DESC, s.i) AS rank"
    about = engine.read(
        f"SELECT a.i, a.tag, a.label, p.language, s.limited, {rank.format('a.tag, a.label, p.language, s.limited')}"
        f" FROM (SELECT DISTINCT i, tag, label FROM labels) AS a JOIN stock AS s ON s.i = a.i"
        f" JOIN ({spoken}) AS p ON p.i = a.i QUALIFY s.limited OR rank <= {SHELF}",
        given=given,
    )
    front = engine.read(
        f"SELECT s.i, p.language, s.limited, {rank.format('p.language, s.limited')}"
        f" FROM stock AS s JOIN ({spoken}) AS p ON p.i = s.i QUALIFY s.limited OR rank <= {SHELF}",
        given=given,
    )
    return Shelves(stock, tuple(people), listed, about, front, languages)


def _fresh(began: datetime | None, now: datetime) -> int:
    """How new it is at an instant, in millionths of a score."""
    if began is None:
        return 0
    age = max((now - began) / HALF_LIFE, 0.0)
    part: float = 2.0 ** -min(age, 60.0)
    return round(FRESH * part)


def ranked(
    engine: Engine,
    shelves: Shelves,
    *,
    people: pa.Table,
    weights: str,
    count: int,
    without: pa.Table | None = None,
    may: pa.Table | None = None,
    given: Mapping[str, pa.Table] | None = None,
) -> pa.Table:
    """(ix, place, i, score, match, tag, label) of each person's first places, from 1 on.

    `people`: ix, language as `Shelves.tongue` says it. `weights`: SQL of (ix, tag, label, weight), over the engine and
    `given`. `without`: (ix, i) that are left out for a person; `may`: (ix, i) of who may see what is limited.
    """
    without = nothing_left_out() if without is None else without
    may = nothing_left_out() if may is None else may
    left_out = without.column("ix").to_numpy()
    most = int(np.unique(left_out, return_counts=True)[1].max()) if len(left_out) else 0
    return engine.read(
        f"WITH held AS (SELECT w.ix, p.language, w.tag, w.label, CAST(ROUND(w.weight * {MILLION}) AS BIGINT) AS micro"
        f" FROM ({weights}) AS w JOIN people AS p ON p.ix = w.ix),\n"
        "shelf AS (SELECT * FROM about WHERE limited OR rank <= $deep),\n"
        "matched AS (SELECT h.ix, a.i, MAX({'micro': h.micro, 'tag': h.tag, 'label': h.label}) AS best"
        " FROM held AS h JOIN shelf AS a ON a.tag = h.tag AND a.label = h.label AND a.language = h.language"
        " GROUP BY h.ix, a.i),\n"
        "common AS (SELECT p.ix, f.i FROM people AS p JOIN front AS f ON f.language = p.language"
        " AND (f.limited OR f.rank <= $deep)),\n"
        "candidates AS (SELECT ix, i, best.micro AS match, best.tag AS tag, best.label AS label FROM matched"
        " UNION ALL SELECT ix, i, 0, NULL, NULL FROM common ANTI JOIN matched USING (ix, i)),\n"
        "scored AS (SELECT c.*, c.match + s.own AS score, s.limited FROM candidates AS c JOIN stock AS s ON s.i = c.i"
        " ANTI JOIN without AS b ON b.ix = c.ix AND b.i = c.i)\n"
        "SELECT ix, ROW_NUMBER() OVER (PARTITION BY ix ORDER BY score DESC, i) AS place, i, score, match, tag, label"
        " FROM scored AS x WHERE NOT limited OR EXISTS (SELECT 1 FROM may AS m WHERE m.ix = x.ix AND m.i = x.i)"
        " QUALIFY place <= $count ORDER BY ix, place",
        {"deep": min(count + most, SHELF), "count": count},
        given={
            "people": people,
            "stock": shelves.stock,
            "about": shelves.about,
            "front": shelves.front,
            "without": without,
            "may": may,
            **(given or {}),
        },
    )
