"""Resolve: of an exclusive group's flags nobody keeps two. Conflicts are settled as sets, inside the run's transaction.

What loses is taken out of its tag's table before anything reads it, so it exists for no column, audience or tag. Every
conflict is written once, when it begins, and closed when it no longer stands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from limner.engine.seam import Engine, Query, Transaction, quoted
from limner.expressions.attributes import history_steps, json_at
from limner.expressions.catalog import Catalog
from limner.expressions.sql import Bound, Sql, Typed
from limner.tags.conflicts import Page, page
from limner.tags.exclusive import Group, Keep
from limner.tags.graph import Graph
from limner.tags.methods import given
from limner.tags.methods.observed import attribute_path
from limner.tags.model import Given, Method, Observed, Tag
from limner.tags.publish import ALIVE
from limner.types import naive

_CONTENDED = "group_contended"
_BEGAN = "group_began"
_HAND = "group_by_hand"
_MOVED = "group_member"

BY_HAND = frozenset({Method.OBSERVED, Method.MANUAL})
"""The methods whose values somebody told or set; the others are computed."""


def settle(
    tx: Transaction,
    graph: Graph,
    done: Collection[str],
    settled: set[str],
    *,
    catalog: Catalog,
    as_of: datetime,
    run: str | None = None,
    table: Callable[[Tag], str] = lambda tag: tag.table,
) -> frozenset[str]:
    """Settles each group all of whose tags are `done` and that is not `settled` yet; the answer is those groups' tags.

    `settled` grows by the keys of the groups. `table`: where a tag's values stand as (ix, value). With `run` the
    conflicts are written down and values remember since when they hold; without, nothing but the tables changes.
    """
    found: set[str] = set()
    for key, members in graph.groups.items():
        if key in settled or not all(member in done for member in members):
            continue
        settled.add(key)
        found.update(members)
        tags = [graph.tags[member] for member in members]
        group = tags[0].group
        if group is not None:
            _settle(tx, group, tags, catalog=catalog, as_of=as_of, run=run, table=table)
    return frozenset(found)


def close(tx: Transaction, graph: Graph, *, as_of: datetime) -> None:
    """Ends what is written of groups that are no more, and forgets since when values of no group's tag hold."""
    values: dict[str, Any] = {"groups": list(graph.groups), "as_of": naive(as_of)}
    tx.execute(
        "UPDATE group_conflicts SET ended = GREATEST(began, CAST($as_of AS TIMESTAMP))"
        " WHERE ended IS NULL AND NOT list_contains($groups, grp)",
        values,
    )
    dated = [key for key, tag in graph.tags.items() if tag.group is not None and _dated(tag)]
    tx.execute("DELETE FROM group_since WHERE NOT list_contains($dated, tag)", {"dated": dated})


def erase(tx: Transaction, ix: int) -> None:
    """Forgets everything that groups know of a person."""
    for kept in ("group_conflicts", "group_since"):
        tx.execute(f"DELETE FROM {kept} WHERE ix = $ix", {"ix": ix})


def _dated(tag: Tag) -> bool:
    """Whether it is written down since when the tag's values hold: what was told knows it by itself."""
    return tag.group is not None and tag.group.keep is Keep.NEWEST and not _told(tag)


def _settle(
    tx: Transaction,
    group: Group,
    tags: list[Tag],
    *,
    catalog: Catalog,
    as_of: datetime,
    run: str | None,
    table: Callable[[Tag], str],
) -> None:
    at = naive(as_of)
    if run is not None:
        for tag in tags:
            if _dated(tag):
                _since(tx, tag, table(tag), at)
    live = []
    by_hand = given.by_hand(tx)
    values: dict[str, Any] = {"as_of": at}
    for place, tag in enumerate(tags):
        began = "CAST($as_of AS TIMESTAMP)"
        join = ""
        if group.keep is Keep.NEWEST:
            query = _told_since(tag, catalog=catalog, as_of=as_of) if _told(tag) else _kept_since(tag, at)
            name = f"{_BEGAN}_{place}"
            tx.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query.sql}", query.values)
            join = f" LEFT JOIN {name} AS b ON b.ix = v.ix"
            began = f"COALESCE(LEAST(b.since, {began}), {began})"
        hand = "0"
        if tag.key in by_hand:
            query = given.query(tag, given.MANUAL, zone=catalog.zone, as_of=as_of)
            tx.execute(
                f"CREATE OR REPLACE TEMP TABLE {_HAND}_{place} AS SELECT ix FROM ({query.sql}) WHERE value",
                query.values,
            )
            hand = f"(v.ix IN (SELECT ix FROM {_HAND}_{place}))::INTEGER"
        live.append(
            f"SELECT v.ix, {place} AS place, {began} AS began, {0 if tag.method in BY_HAND else 1} AS computed,"
            f" {hand} AS hand FROM {quoted(table(tag))} AS v{join} WHERE v.value AND v.ix IN ({ALIVE})"
        )
    order = {Keep.NEWEST: "began DESC, place", Keep.DECLARED: "computed, place"}.get(group.keep, "place")
    tx.execute(
        f"CREATE OR REPLACE TEMP TABLE {_CONTENDED} AS SELECT ix, place, nth FROM (\n"
        "SELECT ix, place, COUNT(*) OVER (PARTITION BY ix) AS n,\n"
        f"  ROW_NUMBER() OVER (PARTITION BY ix ORDER BY hand DESC, {order}) AS nth\n"
        f"FROM ({' UNION ALL '.join(live)}))\nWHERE n > 1",
        values if any("$as_of" in part for part in live) else {},
    )
    spared = 0 if group.keep is Keep.NONE else 1
    for place, tag in enumerate(tags):
        tx.execute(
            f"DELETE FROM {quoted(table(tag))} WHERE value AND ix IN"
            f" (SELECT ix FROM {_CONTENDED} WHERE place = $place AND nth > $spared)",
            {"place": place, "spared": spared},
        )
    if run is not None:
        _write(tx, group, [tag.key for tag in tags], spared=spared, at=at, run=run)
    for name in (_CONTENDED, *(f"{one}_{place}" for place in range(len(tags)) for one in (_BEGAN, _HAND))):
        tx.execute(f"DROP TABLE IF EXISTS temp.{name}")


def _write(tx: Transaction, group: Group, keys: list[str], *, spared: int, at: datetime, run: str) -> None:
    """Writes the conflicts that are new, and closes those that no longer stand."""
    found = (
        f"SELECT l.ix, CASE WHEN $spared = 1 THEN list_extract($keys, k.place + 1) END AS kept,"
        f" list_extract($keys, l.place + 1) AS dropped"
        f" FROM {_CONTENDED} AS l JOIN {_CONTENDED} AS k ON k.ix = l.ix AND k.nth = 1 WHERE l.nth > $spared"
    )
    same = "f.ix = c.ix AND f.dropped = c.dropped AND f.kept IS NOT DISTINCT FROM c.kept"
    values: dict[str, Any] = {"keys": keys, "spared": spared, "grp": group.key, "at": at}
    tx.execute(
        "UPDATE group_conflicts AS c SET ended = GREATEST(began, CAST($at AS TIMESTAMP))"
        f" WHERE c.grp = $grp AND c.ended IS NULL AND NOT EXISTS (SELECT 1 FROM ({found}) AS f WHERE {same})",
        values,
    )
    tx.execute(
        "INSERT INTO group_conflicts SELECT $grp, f.ix, f.kept, f.dropped, CAST($at AS TIMESTAMP), $run, NULL"
        f" FROM ({found}) AS f WHERE NOT EXISTS"
        f" (SELECT 1 FROM group_conflicts AS c WHERE c.grp = $grp AND c.ended IS NULL AND {same})",
        {**values, "run": run},
    )


def _since(tx: Transaction, tag: Tag, table: str, at: datetime) -> None:
    """Writes since when the tag's values hold, the losing ones included: before any is taken out.

    Values that were published before anything was written down hold since their last change.
    """
    values: dict[str, Any] = {"tag": tag.key, "at": at}
    known = tx.read("SELECT 1 FROM group_since WHERE tag = $tag LIMIT 1", {"tag": tag.key}).num_rows
    held = f"SELECT ix FROM {quoted(table)} WHERE value"
    if not known:
        tx.execute(
            "INSERT INTO group_since SELECT $tag, h.ix, COALESCE(c.since, CAST($at AS TIMESTAMP)), NULL"
            f" FROM ({held}) AS h LEFT JOIN (SELECT ix, MAX(ts) AS since FROM changes"
            " WHERE subject = $subject AND ts <= $at GROUP BY ix HAVING ARG_MAX(after, ts) = 'true') AS c"
            " ON c.ix = h.ix",
            {**values, "subject": tag.subject},
        )
        return
    tx.execute(
        "UPDATE group_since SET until = GREATEST(since, CAST($at AS TIMESTAMP))"
        f" WHERE tag = $tag AND until IS NULL AND ix NOT IN ({held})",
        values,
    )
    tx.execute(
        f"INSERT INTO group_since SELECT $tag, ix, CAST($at AS TIMESTAMP), NULL FROM ({held}) WHERE ix NOT IN"
        " (SELECT ix FROM group_since WHERE tag = $tag AND until IS NULL)",
        values,
    )


def _told(tag: Tag) -> bool:
    return isinstance(tag.definition, Observed | Given)


def _kept_since(tag: Tag, at: datetime) -> Query:
    """(ix, since) of the values that held at that instant, as it was written down."""
    return Query(
        (),
        "SELECT ix, MAX(since) AS since FROM group_since"
        " WHERE tag = $tag AND since <= $at AND (until IS NULL OR until > $at) GROUP BY ix",
        {"tag": tag.key, "at": at},
    )


def _told_since(tag: Tag, *, catalog: Catalog, as_of: datetime) -> Query:
    """(ix, since) of everybody whose attribute is true (since when without interruption), or was given the tag."""
    definition = tag.definition
    if isinstance(definition, Given):
        query = given.query(tag, given.origin_of(tag), zone=catalog.zone, as_of=as_of)
        return Query((), f"SELECT ix, given_at AS since FROM ({query.sql})", query.values)
    if not isinstance(definition, Observed):
        raise TypeError(f"the tag {tag.key} is of method {tag.method}")
    bind = Bound()
    sql = Sql(bind, naive(as_of), catalog.zone)
    path = attribute_path(definition.attribute, catalog)
    test = sql.cast(Typed(json_at(path, "value", sql), None), tag.type)
    steps = history_steps("told", path[0], test, sql, None)
    return Query(tuple(steps), "SELECT ix, since FROM told", dict(bind.values))


def taken(engine: Engine, ix: int, tag: str) -> Mapping[str, Any] | None:
    """What took a tag's value from a person, as it stands: {grp, kept, began, run}; None when nothing did."""
    rows = engine.read(
        "SELECT grp, kept, epoch_us(began) AS began, run FROM group_conflicts"
        " WHERE ix = $ix AND dropped = $tag AND ended IS NULL ORDER BY began DESC LIMIT 1",
        {"ix": ix, "tag": tag},
    ).to_pylist()
    return rows[0] if rows else None


def conflicts(
    engine: Engine,
    group: str,
    *,
    standing: bool = False,
    most: int = 50,
    after: tuple[int, int] | None = None,
) -> Page:
    """A group's conflicts, see `conflicts.page`: in each row which was kept and which was dropped."""
    return page(
        engine,
        "group_conflicts",
        columns="c.kept, c.dropped",
        where="c.grp = $grp",
        values={"grp": group},
        standing=standing,
        most=most,
        after=after,
    )
