"""Weights: the labels of a tag that gives several with a weight each, carried on from one instant to a later one.

Kept are points: whole numbers that no passing of time changes (see `expressions.interests`). A run computes them anew
for the people whose events came, went or moved, and reads everybody's weights at its instant out of them; so a run that
carries on gives the same bits as one that computes all anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from limner.engine.seam import Engine, Transaction, quoted
from limner.errors import ExpressionError
from limner.events.load import loads
from limner.expressions import interests
from limner.expressions.catalog import Catalog
from limner.expressions.compile import points
from limner.expressions.happenings import EventSql
from limner.expressions.interests import weights_of
from limner.expressions.parse import parse
from limner.expressions.printer import to_text
from limner.expressions.sql import Bound, Sql, both
from limner.expressions.together import steady
from limner.expressions.tree import Expr, Interest
from limner.tags import publish
from limner.tags.model import Tag
from limner.tags.publish import points_of, weighed_of, weighted
from limner.types import naive

_TOUCHED = "weights_touched"
_AGAIN = "weights_again"


@dataclass(frozen=True)
class Weighed:
    """What one run did: people of whom points were computed anew; None where it was everybody."""

    touched: int | None


@dataclass(frozen=True)
class _Mark:
    """Up to which instant and load points count. `seen`: the latest instant of which any of them is."""

    asked: str
    as_of: datetime
    seen: datetime
    load_i: int


def compute(
    tx: Transaction, tag: Tag, tree: Expr, *, catalog: Catalog, as_of: datetime, full: bool = False
) -> Weighed:
    """Brings the tag's points and weights to `as_of`; `full` computes all anew."""
    node = _interest(tree)
    asked = f"{to_text(interests.kept(node))} in {catalog.zone}"
    mark = _mark(tx, tag.key)
    table = quoted(points_of(tag.key))
    touched = None
    if full or mark is None or mark.asked != asked or mark.seen > naive(as_of) or not steady(node):
        query = points(node, catalog, as_of)
        tx.execute(f"CREATE OR REPLACE TABLE {table} AS FROM ({query.sql}) ORDER BY ix", query.values)
    else:
        touched = _touch(tx, node, mark, catalog=catalog, as_of=as_of)
        oldest = interests.grid(node.half_life).oldest(naive(as_of))
        tx.execute(f"DELETE FROM {table} WHERE generation < $oldest", {"oldest": oldest})
        _replace(tx, tag, node, _TOUCHED, catalog=catalog, as_of=as_of)
        tx.execute(f"DROP TABLE temp.{_TOUCHED}")
    _keep(tx, tag.key, _Mark(asked, naive(as_of), naive(as_of), loads(tx)))
    weights = interests.weights(node, points_of(tag.key), naive(as_of))
    tx.execute(
        f"CREATE OR REPLACE TABLE {quoted(weighed_of(tag.key))} AS"
        f" SELECT w.* FROM ({weights}) AS w WHERE w.ix IN ({publish.ALIVE}) ORDER BY w.ix, w.place"
    )
    tx.execute(
        f"CREATE OR REPLACE VIEW {quoted(weights_of(tag.table))} AS SELECT *,"
        f" (SELECT expires_at FROM tag_state WHERE tag = '{tag.key}') AS expires_at"
        f" FROM {quoted(weighed_of(tag.key))}"
    )
    return Weighed(touched)


def top(key: str) -> str:
    """(ix, value) of a computed tag: the label with the greatest weight."""
    return f"SELECT ix, label AS value FROM {quoted(weighed_of(key))} WHERE place = 1"


def step(tx: Transaction, tag: Tag, tree: Expr, touched: str, *, catalog: Catalog, as_of: datetime) -> None:
    """Brings these people's points and weights to `as_of`; everybody else's stay those of the last run."""
    node = _interest(tree)
    _replace(tx, tag, node, touched, catalog=catalog, as_of=as_of)
    tx.execute(
        "UPDATE interests SET seen = GREATEST(seen, CAST($as_of AS TIMESTAMP)) WHERE tag = $tag",
        {"tag": tag.key, "as_of": naive(as_of)},
    )
    tx.execute(
        f"CREATE OR REPLACE TEMP TABLE {_AGAIN} AS FROM {quoted(points_of(tag.key))}"
        f" WHERE ix IN (SELECT ix FROM {quoted(touched)})"
    )
    table = quoted(weighed_of(tag.key))
    tx.execute(f"DELETE FROM {table} WHERE ix IN (SELECT ix FROM {quoted(touched)})")
    tx.execute(
        f"INSERT INTO {table} SELECT w.* FROM ({interests.weights(node, _AGAIN, naive(as_of))}) AS w"
        f" WHERE w.ix IN ({publish.ALIVE})"
    )
    tx.execute(f"DROP TABLE temp.{_AGAIN}")


def leave(tx: Transaction, keys: Collection[str]) -> None:
    """Of these tags nothing is kept any more."""
    for key in set(keys) & set(weighted(tx)):
        tx.execute(f"DROP VIEW IF EXISTS {quoted(weights_of('tag_' + key))}")
        for table in (points_of(key), weighed_of(key)):
            tx.execute(f"DROP TABLE IF EXISTS {quoted(table)}")
        tx.execute("DELETE FROM interests WHERE tag = $tag", {"tag": key})


def interest_of(tag: Tag) -> Interest | None:
    """What the tag's weights are made of; None when it gives none, or its text is wrong."""
    if not tag.weighted:
        return None
    try:
        tree = parse(tag.sources[0])
    except ExpressionError:
        return None
    return tree if isinstance(tree, Interest) else None


def formula_of(tag: Tag) -> str | None:
    """How the tag's weights come about, as a person reads it; None when it gives none."""
    node = interest_of(tag)
    return None if node is None else interests.formula(node)


def labels_come_from(tag: Tag) -> str | None:
    """The property whose values are the tag's labels; None when it gives none."""
    node = interest_of(tag)
    return None if node is None else node.of


def labels(engine: Engine, key: str, *, most: int = 20) -> list[Mapping[str, Any]]:
    """{label, people, mean, top} of a computed tag, by mean weight among everybody who has any, the greatest first.

    `people` have the label, `top` of them as the one with the greatest weight.
    """
    found: list[Mapping[str, Any]] = engine.read(
        "SELECT label, COUNT(*) AS people, SUM(weight) / (SELECT COUNT(DISTINCT ix) FROM w) AS mean,"
        " COUNT(*) FILTER (WHERE place = 1) AS top FROM w GROUP BY label ORDER BY mean DESC, label"
        " LIMIT $most".replace("FROM w", f"FROM {quoted(weighed_of(key))}"),
        {"most": most},
    ).to_pylist()
    return found


def of_person(engine: Engine, ix: int, keys: Collection[str]) -> dict[str, list[Mapping[str, Any]]]:
    """{label, weight} of each of these tags that the person has, the greatest weight first."""
    wanted = [key for key in weighted(engine) if key in keys]
    if not wanted:
        return {}
    rows = engine.read(
        " UNION ALL ".join(
            f"SELECT '{key}' AS tag, label, weight, place FROM {quoted(weighed_of(key))} WHERE ix = $ix"
            for key in wanted
        )
        + " ORDER BY tag, place",
        {"ix": ix},
    ).to_pylist()
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["tag"], []).append({"label": row["label"], "weight": row["weight"]})
    return found


def _touch(tx: Transaction, node: Interest, mark: _Mark, *, catalog: Catalog, as_of: datetime) -> int:
    """Makes the table of the people whose events came, went or moved since; the answer is how many they are."""
    bind = Bound()
    events = EventSql(Sql(bind, naive(as_of), catalog.zone), catalog)
    seen = bind(mark.load_i)
    spans = interests.moved(node, bind, then=mark.as_of, now=naive(as_of), zone=catalog.zone)
    came = " OR ".join([f"load_i > {seen}", *spans])
    tests = both(["ix IS NOT NULL", f"ts < {bind(naive(as_of))}", interests.named(node, events), f"({came})"])
    tx.execute(
        f"CREATE OR REPLACE TEMP TABLE {_TOUCHED} AS SELECT ix FROM moved WHERE load_i > {seen}"
        f" UNION SELECT ix FROM events WHERE {tests}"
        " UNION SELECT ix FROM persons WHERE merged_into IS NOT NULL OR erased",
        bind.values,
    )
    return int(tx.read(f"SELECT COUNT(*) AS n FROM {_TOUCHED}").column("n")[0].as_py())


def _replace(
    tx: Transaction, tag: Tag, node: Interest, touched: str, *, catalog: Catalog, as_of: datetime
) -> None:
    """Computes the points of these people anew."""
    table = quoted(points_of(tag.key))
    query = points(node, catalog, as_of, among=touched)
    tx.execute(f"DELETE FROM {table} WHERE ix IN (SELECT ix FROM {quoted(touched)})")
    tx.execute(f"INSERT INTO {table} {query.sql}", query.values)


def _interest(tree: Expr) -> Interest:
    if not isinstance(tree, Interest):
        raise TypeError(f"no weights of labels: {to_text(tree)}")
    return tree


def _mark(tx: Transaction, key: str) -> _Mark | None:
    rows = tx.read("SELECT * FROM interests WHERE tag = $tag", {"tag": key}).to_pylist()
    if not rows:
        return None
    row = rows[0]
    return _Mark(row["asked"], row["as_of"], row["seen"], int(row["load_i"]))


def _keep(tx: Transaction, key: str, mark: _Mark) -> None:
    tx.execute("DELETE FROM interests WHERE tag = $tag", {"tag": key})
    tx.execute(
        "INSERT INTO interests VALUES ($tag, $asked, $as_of, $seen, $load_i)",
        {"tag": key, "asked": mark.asked, "as_of": mark.as_of, "seen": mark.seen, "load_i": mark.load_i},
    )
