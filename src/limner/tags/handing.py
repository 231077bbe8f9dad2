"""Handing: given values stand in the tags at once, and in whatever refers to them, for the people they are about.

Nothing else moves: tags that are computed keep their instant, and only the people with another given value are looked
at. It is what a run or a step would do for them, without all others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from limner.columns import Columns, patched
from limner.engine.seam import Engine, Query, Transaction, quoted
from limner.events.load import loads
from limner.expressions.catalog import Catalog
from limner.tags import changes, overlay, publish, resolve
from limner.tags.graph import Graph
from limner.tags.increment import TOUCHED
from limner.tags.methods import given, observed, rule, statistic
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Given, Method, Tag
from limner.tags.patches import as_given, changed_of
from limner.tags.publish import Applied
from limner.tags.realtime import apart
from limner.tags.run import keep_mark, own, own_table
from limner.tags.tables import SQL_TYPES
from limner.types import ValueType, naive

_SINCE = (
    "SELECT tag, ix FROM given, (SELECT MAX(as_of) AS as_of, COALESCE(MAX(load_i), 0) AS load_i FROM given_mark) AS m"
    " WHERE ix IS NOT NULL AND (given.load_i > m.load_i OR m.as_of IS NULL"
    " OR (given.ts > m.as_of AND given.ts <= $now) OR (given.expires_at > m.as_of AND given.expires_at <= $now))"
)
"""Of whom, and of which tag, given values have changed, began or ended since they were handed on last."""


@dataclass(frozen=True)
class Handed:
    """What was handed on: the people looked at, who entered, left or moved in all tags together, and those tags."""

    epoch: int
    people: int
    changes: int
    tags: tuple[str, ...]
    columns: Columns


def due(engine: Engine, now: datetime) -> bool:
    """Whether any given value waits to stand in its tag, or to leave it."""
    found = engine.read(f"SELECT EXISTS ({_SINCE}) AS due", {"now": naive(now)})
    return bool(found.column("due")[0].as_py())


def hand_on(
    engine: Engine,
    graph: Graph,
    *,
    catalog: Catalog,
    now: datetime,
    run_id: str,
    columns: Columns,
    ready: Callable[[Columns], None] | None = None,
) -> Handed | None:
    """Brings the published tags up with what is given now.

    `columns`: the published ones; `ready` is told of the new ones just before they count. Tags that are not applied as
    they are defined wait for their run. None when the columns are no longer the published ones.
    """
    with engine.write() as tx:
        last = publish.current(tx)
        if last is None or last.epoch != columns.epoch:
            return None
        before = {
            key: held
            for key, held in publish.applied(tx).items()
            if key in graph.tags and held.fingerprint == graph.fingerprints[key]
        }
        said = f"SELECT DISTINCT ix FROM ({_SINCE}) WHERE list_contains($keys, tag) ORDER BY ix"
        asked = tx.read(f"SELECT DISTINCT tag FROM ({_SINCE})", {"now": naive(now)}).column("tag").to_pylist()
        direct = frozenset(asked) & before.keys()
        bound: dict[str, Any] = {"now": naive(now), "keys": sorted(direct)}
        tx.execute(f"CREATE OR REPLACE TEMP TABLE {TOUCHED} AS {said}", bound)
        who = tx.read(f"SELECT ix FROM {TOUCHED} ORDER BY ix").column("ix").combine_chunks().to_numpy()
        keep_mark(tx, now, loads(tx))
        keys = [key for key in graph.order if key in graph.dependents(direct) and key in before]
        by_hand = given.by_hand(tx)
        epoch = publish.Epoch(last.epoch + 1, last.as_of, run_id, publish.size(tx))
        fresh = Fresh(catalog, graph.tags)
        done = set(before) - set(keys)
        settled = {group for group, members in graph.groups.items() if not set(members) & set(keys)}
        made = {key: columns[key].padded(epoch.n) for key in list(columns.keys())}
        total = 0
        changed: list[str] = []
        for key in keys:
            tag = graph.tags[key]
            state = apart(tx, tag, before[key], by_hand)
            if state.home is None:
                _again(tx, tag, state, graph, catalog=fresh, now=now)
                if key in by_hand:
                    among = TOUCHED if tag.group is None else None
                    overlay.lay_and_write(
                        tx, tag, table=own(tag), zone=catalog.zone, as_of=now, run=run_id, among=among
                    )
                changed.append(key)
            done.add(key)
            resolve.settle(tx, graph, done, settled, catalog=fresh, as_of=now, run=run_id, table=own)
        for key in changed:
            rows = tx.read(
                f"SELECT ix, value FROM {quoted(own(graph.tags[key]))} WHERE ix IN (SELECT ix FROM {TOUCHED})"
            )
            held = columns[key]
            new = patched(held, as_given(tx, key, held, rows), who, epoch.n)
            cause = "given" if key in direct else "refresh"
            found = changed_of(held, new, who)
            total += changes.write(tx, found, subject=f"tag:{key}", ts=now, run=run_id, cause=cause)
            made[key] = new
        tx.execute(
            "UPDATE epochs SET epoch = $epoch, run = $run, n = $n WHERE current",
            {"epoch": epoch.epoch, "run": run_id, "n": epoch.n},
        )
        tx.execute(f"DROP TABLE IF EXISTS temp.{TOUCHED}")
        held_in_memory = Columns.memory(
            n=epoch.n,
            as_of=last.as_of,
            alive=publish.alive(tx, epoch.n),
            columns=made,
            epoch=epoch.epoch,
            run=run_id,
        )
        if ready is not None:
            ready(held_in_memory)
    return Handed(epoch.epoch, len(who), total, tuple(changed), held_in_memory)


def _again(
    tx: Transaction, tag: Tag, state: Applied, graph: Graph, *, catalog: Catalog, now: datetime
) -> None:
    """The touched people's values without those by hand, in the tag's own table; everybody's of one in a group.

    What is computed is computed as of the instant at which it was published.
    """
    among = TOUCHED if tag.group is None else None
    query: Query
    if isinstance(tag.definition, Given):
        query = given.query(tag, given.origin_of(tag), zone=catalog.zone, as_of=now, among=among)
    elif tag.method is Method.OBSERVED:
        query = observed.query(tag, catalog=catalog, as_of=state.as_of, among=among)
    elif tag.expressed:
        query = statistic.query([tag], graph, catalog=catalog, as_of=state.as_of, among=among)
        query = replace(query, final=f"SELECT ix, {quoted(tag.key)} AS value FROM ({query.final})")
    else:
        query = rule.query(tag, graph, catalog=catalog, as_of=state.as_of, among=among)
    if among is None:
        own_table(tx, tag, query.sql, query.values)
        return
    value = "v.value" if tag.type is ValueType.NUMBER else f"CAST(v.value AS {SQL_TYPES[tag.type]})"
    table = quoted(own(tag))
    tx.execute(
        f"CREATE OR REPLACE TEMP TABLE given_again AS SELECT v.ix, {value} AS value FROM ({query.sql}) AS v"
        f" WHERE v.value IS NOT NULL AND v.ix IN ({publish.ALIVE})",
        query.values,
    )
    tx.execute(f"DELETE FROM {table} WHERE ix IN (SELECT ix FROM {TOUCHED})")
    if tag.type is ValueType.NUMBER and not isinstance(tag.definition, Given):
        tx.execute(f"ALTER TABLE {table} ALTER COLUMN value SET DATA TYPE DOUBLE")
    tx.execute(f"INSERT INTO {table} SELECT ix, value FROM given_again")
    tx.execute("DROP TABLE temp.given_again")
