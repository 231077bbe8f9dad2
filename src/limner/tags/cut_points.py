"""Cut points: what percentiles of every run came out as, kept with the run, so that it can be said what decided.

Points are as the values of the cut tag stand in tables (money in 1/10,000). Every run's are kept; of steps in real time
the latest that moved one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from limner.engine.seam import Engine, Transaction
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.printer import name_text
from limner.expressions.sql import Bound
from limner.tags.graph import Graph
from limner.tags.methods.rule import cut_query, held
from limner.tags.model import Case, Rule, Tag, Tiers
from limner.types import MONEY_SCALE, ValueType, naive, utc


@dataclass(frozen=True)
class Cut:
    """The cut points of a tag as of then, out of so many people's values; no points: nobody had a value.

    `run`: which run (or step) computed them; empty: none, they were computed to be looked at. `fingerprint`: of the
    tag's definition.
    """

    points: tuple[int | float, ...]
    as_of: datetime
    people: int
    run: str = ""
    fingerprint: str = ""


def compute(
    tx: Transaction,
    definition: Tiers,
    *,
    catalog: Catalog,
    as_of: datetime,
    run: str = "",
    fingerprint: str = "",
) -> Cut:
    """The cut points from everybody's values as they stand now."""
    query = cut_query(definition, catalog=catalog, as_of=as_of)
    row = tx.read(query.sql, query.values).to_pylist()[0]
    points = tuple(row[f"c{number}"] for number in range(len(definition.cuts.at)))
    return Cut(() if None in points else points, as_of, int(row["n"]), run, fingerprint)


def keep(tx: Transaction, key: str, cut: Cut, *, step: bool = False) -> None:
    """Writes them down; a step's take the place of those of the step before."""
    if step:
        tx.execute("DELETE FROM cut_points WHERE tag = $tag AND step", {"tag": key})
    tx.execute(
        "INSERT INTO cut_points VALUES ($tag, $fingerprint, $run, $as_of, $people, $points, $step)",
        {
            "tag": key,
            "fingerprint": cut.fingerprint,
            "run": cut.run,
            "as_of": naive(cut.as_of),
            "people": cut.people,
            "points": json.dumps(cut.points),
            "step": step,
        },
    )


def forget(tx: Transaction, keys: Collection[str]) -> None:
    """Nothing is kept of these tags any more."""
    if keys:
        tx.execute("DELETE FROM cut_points WHERE list_contains($keys, tag)", {"keys": list(keys)})


def kept(engine: Engine | Transaction, at: datetime, *, graph: Graph | None = None) -> dict[str, Cut]:
    """By which cut points each tag's values of that instant were decided; with `graph` only of these definitions."""
    rows = engine.read(
        "SELECT tag, fingerprint, run, as_of, people, points FROM cut_points WHERE as_of <= $at"
        " QUALIFY ROW_NUMBER() OVER (PARTITION BY tag ORDER BY as_of DESC, rowid DESC) = 1",
        {"at": naive(at)},
    ).to_pylist()
    return {
        row["tag"]: Cut(
            tuple(json.loads(row["points"])),
            utc(row["as_of"]),
            int(row["people"]),
            row["run"],
            row["fingerprint"],
        )
        for row in rows
        if graph is None or graph.fingerprints.get(row["tag"]) == row["fingerprint"]
    }


def moved(
    tx: Transaction, definition: Tiers, was: Cut | None, now: Cut, *, catalog: Catalog, into: str
) -> bool:
    """Whether the cut points are others; who is between the old and the new ones is added to the people of `into`."""
    if was is not None and was.points == now.points:
        return False
    if not now.points:
        return True
    bind = Bound()
    step = held(definition, bind, catalog=catalog, as_of=now.as_of)
    test = "h.value IS NOT NULL"
    if was is not None and was.points:
        test = " OR ".join(
            f"(h.value >= {bind(min(pair))} AND h.value < {bind(max(pair))})"
            for pair in zip(was.points, now.points, strict=True)
            if pair[0] != pair[1]
        )
    tx.execute(
        f"INSERT INTO {into} WITH held AS ({step.sql}) SELECT h.ix FROM held AS h WHERE ({test})"
        f" AND h.ix NOT IN (SELECT ix FROM {into})",
        dict(bind.values),
    )
    return True


def settled(graph: Graph, cuts: Mapping[str, Cut]) -> Graph:
    """The graph in which percentiles whose cut points are known are rules of these: what decided, as cases."""
    tags, trees = dict(graph.tags), dict(graph.trees)
    for key, cut in cuts.items():
        tag = tags.get(key)
        if tag is not None and isinstance(tag.definition, Tiers) and cut.points:
            of = tags[tag.definition.cuts.of]
            tags[key], trees[key] = _as_rule(tag, tag.definition, in_units(cut.points, of.type))
    return replace(graph, tags=tags, trees=trees)


def _as_rule(tag: Tag, definition: Tiers, points: Sequence[int | float]) -> tuple[Tag, tuple[t.Expr, ...]]:
    cuts = definition.cuts
    of = t.Name(cuts.of)
    above = list(zip(points, cuts.tiers[1:], strict=True))[::-1]
    cases = tuple(Case(f"{name_text(cuts.of)} >= {point!r}", tier) for point, tier in above)
    made = Rule((*cases, Case(f"known({name_text(cuts.of)})", cuts.tiers[0])), definition.otherwise, cuts)
    tests = (t.Compare(of, ">=", t.Number(point)) for point, _ in above)
    return replace(tag, definition=made), (*tests, t.Known(of))


def in_units(points: Sequence[int | float], kind: ValueType) -> list[int | float]:
    """The points as people say them, every digit of them."""
    return [_unit(point, kind) for point in points]


def _unit(point: float, kind: ValueType) -> int | float:
    if kind is ValueType.MONEY:
        amount = Decimal(int(point)) / MONEY_SCALE
        return int(amount) if amount == int(amount) else float(amount)
    return int(point) if float(point).is_integer() and abs(point) < 2**53 else float(point)
