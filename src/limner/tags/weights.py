"""Weights: the labels of a tag that gives several with a weight each, carried on from one instant to a later one.

Kept are points: whole numbers that no passing of time changes (see `expressions.interests`). A run computes them anew
for the people whose events came, went or moved, and adds up what everybody's labels hold at its instant; so a run that
carries on gives the same bits as one that computes all anew. What labels hold is as good for every later instant of
the same generation: a step looks only for whom a weight has fallen past what somebody asks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from limner.engine.seam import Engine, Transaction, quoted
from limner.errors import ExpressionError
from limner.events.load import loads
from limner.expressions import interests
from limner.expressions.catalog import Catalog
from limner.expressions.compile import points
from limner.expressions.happenings import EventSql, simple_test
from limner.expressions.interests import weights_of
from limner.expressions.parse import parse
from limner.expressions.printer import to_text
from limner.expressions.sql import Bound, Sql, Typed, both
from limner.expressions.together import steady
from limner.expressions.tree import Expr, Interest, Value, Weight
from limner.tags import publish
from limner.tags.model import Tag
from limner.tags.passing import Asked
from limner.tags.publish import points_of, weighed_of, weighted
from limner.types import ValueType, naive

_TOUCHED = "weights_touched"
_AGAIN = "weights_again"
_BEFORE = "weights_before"


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
    _weigh(tx, tag, node, as_of)
    return Weighed(touched)


def top(key: str) -> str:
    """(ix, value) of a computed tag: the label with the greatest weight."""
    return f"SELECT ix, label AS value FROM {quoted(weights_of(f'tag_{key}'))} WHERE place = 1"


def in_force(tx: Engine | Transaction, key: str) -> bool:
    """Whether what labels hold is kept in a way that a step can carry on."""
    columns = tx.read(f"SELECT * FROM {quoted(weighed_of(key))} LIMIT 0").schema.names
    return "held" in columns and _mark(tx, key) is not None


def step(
    tx: Transaction,
    tag: Tag,
    tree: Expr,
    touched: str,
    asked: Sequence[Asked],
    *,
    since: tuple[datetime, int],
    catalog: Catalog,
    as_of: datetime,
) -> None:
    """Brings everybody's weights to `as_of`.

    `touched`: the table (ix) of the people whose events came, went or moved after an instant and a load (`since`). To
    them are added all for whom time alone let the greatest weight fall to nothing, or made another, or changed what is
    `asked` of a weight.
    """
    node, mark, now = _interest(tree), _mark(tx, tag.key), naive(as_of)
    if mark is None:
        raise TypeError(f"the weights of {tag.key} were never computed")
    on, table, people = interests.grid(node.half_life), quoted(weighed_of(tag.key)), quoted(touched)
    if mark.as_of < naive(since[0]) or mark.load_i < since[1]:
        if steady(node):
            _touch(tx, node, mark, catalog=catalog, as_of=as_of)
        else:
            tx.execute(f"CREATE OR REPLACE TEMP TABLE {_TOUCHED} AS {publish.ALIVE}")
        tx.execute(f"INSERT INTO {people} FROM {_TOUCHED} WHERE ix NOT IN (SELECT ix FROM {people})")
        tx.execute(f"DROP TABLE temp.{_TOUCHED}")
    some = bool(tx.read(f"SELECT EXISTS (FROM {people}) AS some")["some"][0].as_py())
    if some:
        _replace(tx, tag, node, touched, catalog=catalog, as_of=as_of)
    _keep(tx, tag.key, _Mark(mark.asked, now, max(mark.seen, now), loads(tx)))
    if on.generation(mark.as_of) != on.generation(now):
        tx.execute(f"CREATE OR REPLACE TEMP TABLE {_BEFORE} AS FROM {table}")
        _weigh(tx, tag, node, as_of)
        _fallen(tx, tag, node, touched, asked, then=mark.as_of, catalog=catalog, as_of=as_of)
        tx.execute(f"DROP TABLE temp.{_BEFORE}")
        return
    if some:
        tx.execute(
            f"CREATE OR REPLACE TEMP TABLE {_AGAIN} AS FROM {quoted(points_of(tag.key))}"
            f" WHERE ix IN (SELECT ix FROM {people})"
        )
        tx.execute(f"DELETE FROM {table} WHERE ix IN (SELECT ix FROM {people})")
        tx.execute(
            f"INSERT INTO {table} SELECT w.* FROM ({interests.held(node, _AGAIN, now)}) AS w"
            f" WHERE w.ix IN ({publish.ALIVE})"
        )
        tx.execute(f"DROP TABLE temp.{_AGAIN}")
    if on.number(mark.as_of) != on.number(now):
        _show(tx, tag, node, as_of)
        _fallen(tx, tag, node, touched, asked, then=mark.as_of, catalog=catalog, as_of=as_of)


def _weigh(tx: Transaction, tag: Tag, node: Interest, as_of: datetime) -> None:
    """Adds up what everybody's labels hold, and shows their weights."""
    held = interests.held(node, points_of(tag.key), naive(as_of))
    tx.execute(
        f"CREATE OR REPLACE TABLE {quoted(weighed_of(tag.key))} AS"
        f" SELECT w.* FROM ({held}) AS w WHERE w.ix IN ({publish.ALIVE}) ORDER BY w.ix, w.place"
    )
    _show(tx, tag, node, as_of)


def _show(tx: Transaction, tag: Tag, node: Interest, as_of: datetime) -> None:
    """Makes the view of the weights at the instant."""
    weight = interests.weight(node, "held", naive(as_of))
    tx.execute(
        f"CREATE OR REPLACE VIEW {quoted(weights_of(tag.table))} AS SELECT ix, label, {weight} AS weight, place,"
        f" (SELECT expires_at FROM tag_state WHERE tag = '{tag.key}') AS expires_at"
        f" FROM {quoted(weighed_of(tag.key))} WHERE {weight} > 0"
    )


def _fallen(
    tx: Transaction,
    tag: Tag,
    node: Interest,
    touched: str,
    asked: Sequence[Asked],
    *,
    then: datetime,
    catalog: Catalog,
    as_of: datetime,
) -> None:
    """Adds to the touched for whom another label is the greatest now, or what is asked of a weight has another answer.

    `then`: naive UTC.
    """
    table, bind = quoted(weighed_of(tag.key)), Bound()
    same = interests.grid(node.half_life).generation(then) == interests.grid(node.half_life).generation(
        naive(as_of)
    )
    columns = ("held", "held", "place", "place") if same else ("b.held", "a.held", "b.place", "a.place")
    was, is_ = interests.weight(node, columns[0], then), interests.weight(node, columns[1], naive(as_of))
    source = table if same else f"{_BEFORE} AS b FULL JOIN {table} AS a ON a.ix = b.ix AND a.label = b.label"
    key = "ix, label" if same else "COALESCE(a.ix, b.ix) AS ix, COALESCE(a.label, b.label) AS label"
    sql = Sql(bind, naive(as_of), catalog.zone)
    tests = ["(was > 0 AND COALESCE(first_was = 1, FALSE)) <> (now > 0 AND COALESCE(first_now = 1, FALSE))"]
    for one in asked:
        label = bind(one.weight.label)
        if one.test is None:
            tests.append(f"(label = {label} AND was <> now)")
            continue
        before, after = (_tested(sql, one.test, column) for column in ("was", "now"))
        tests.append(f"(label = {label} AND {before} IS DISTINCT FROM {after})")
    people = quoted(touched)
    tx.execute(
        f"INSERT INTO {people} SELECT DISTINCT ix FROM (SELECT {key}, COALESCE({was}, 0.0) AS was,"
        f" COALESCE({is_}, 0.0) AS now, {columns[2]} AS first_was, {columns[3]} AS first_now FROM {source})"
        f" WHERE ({' OR '.join(tests)}) AND ix NOT IN (SELECT ix FROM {people})",
        dict(bind.values),
    )


def _tested(sql: Sql, test: Expr, column: str) -> str:
    """A test of a weight, where the weight stands in a column."""

    def value(node: Value) -> Typed:
        return Typed(column, ValueType.NUMBER) if isinstance(node, Weight) else sql.literal(node)  # type: ignore[arg-type]

    return f"({simple_test(sql, test, value)})"


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
        " LIMIT $most".replace("FROM w", f"FROM {quoted(weights_of(f'tag_{key}'))}"),
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
            f"SELECT '{key}' AS tag, label, weight, place FROM {quoted(weights_of(f'tag_{key}'))} WHERE ix = $ix"
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


def _mark(tx: Engine | Transaction, key: str) -> _Mark | None:
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
