"""Real time: the tags of the people whose events have just come, by the same queries as a run, without all others.

A step moves the home of the last run on to now, which takes in what came and what time left behind, and computes for
the touched people what is not counted there: attributes and rules. Where percentiles are cut anew, whoever stands
between the old and the new cut points is touched, too. Its columns are those before with other values for these people;
they are held in memory, and made from the engine's tables when the process starts again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from limner.columns import Array, Column, Columns, patched
from limner.engine.seam import Engine, Query, Transaction, quoted
from limner.expressions import Cases
from limner.expressions import tree as t
from limner.expressions.attributes import json_at
from limner.expressions.catalog import Catalog
from limner.expressions.compile import statistics
from limner.expressions.habits import DAY_US
from limner.expressions.happenings import EventSql, code_in
from limner.expressions.sql import Bound, Sql, Typed, both
from limner.expressions.together import NOW, Together
from limner.tags import aside as asides
from limner.tags import (
    changes,
    cut_points,
    homes,
    model,
    overlay,
    passing,
    patches,
    publish,
    resolve,
    weights,
)
from limner.tags.ahead import move
from limner.tags.graph import Graph
from limner.tags.increment import TOUCHED
from limner.tags.methods import given, observed, rule, statistic
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Method, Tag, Tiers
from limner.tags.passing import Instants, Span, Stamps, Trees, Turns, Words
from limner.tags.patches import as_given, changed_of
from limner.tags.publish import Applied
from limner.tags.run import Plan, keep_mark, leaf_views, out_of_home, own, own_table, plan
from limner.tags.standing import Standing
from limner.tags.tables import SQL_TYPES
from limner.types import ValueType, naive


@dataclass(frozen=True)
class StepReport:
    """What a step did: people whose tags were looked at, and those who entered, left or moved, in all tags together.

    `waiting`: tags that were left behind by what was computed before; the touched people have them.
    """

    as_of: datetime
    epoch: int
    people: int
    changes: int
    waiting: tuple[str, ...]
    columns: Columns = field(repr=False, compare=False)
    standing: Standing = field(repr=False, compare=False)


def step(
    engine: Engine,
    graph: Graph,
    *,
    catalog: Catalog,
    as_of: datetime,
    run_id: str,
    columns: Columns,
    standing: Standing | None = None,
    ready: Callable[[Columns], None] | None = None,
) -> StepReport | None:
    """Moves all tags on to `as_of`, for whom events came, went or moved, or time changed what is counted.

    `graph`: all tags but those that the last run set aside, which keep their values. `columns`: the published ones;
    `ready` is told of the new ones just before they count. `standing`: the rows that the step before left in memory;
    without them it reads them. None where only a run can do it: definitions are not as they were applied, values have
    expired, or what was counted cannot be carried on.
    """
    tags = graph.tags
    keys = [key for key in graph.order if key in tags]
    with engine.write() as tx:
        aside = asides.listed(tx)
        before = _applied(tx, aside)
        last = publish.current(tx)
        if (
            last is None
            or not _in_force(before, graph, as_of)
            or last.epoch != columns.epoch
            or as_of < last.as_of
        ):
            return None
        asked = plan(graph, keys, Fresh(catalog, tags), every=True)
        mark = homes.latest(tx, asked=asked.asked, as_of=as_of)
        if mark is None or any(state.home not in (None, mark.home) for state in before.values()):
            return None
        several = [key for key in keys if tags[key].weighted]
        if not all(weights.in_force(tx, key) for key in several):
            return None
        fresh = Fresh(catalog, tags, leaves=asked.leaves)
        by_hand = given.by_hand(tx)
        shared = {
            key: before[key] for key in keys if key not in by_hand and _is_read(before[key], besides=NOW)
        }
        alive = publish.alive(tx)
        ahead = move(
            tx,
            asked.values,
            mark=mark,
            held=standing,
            catalog=fresh,
            as_of=as_of,
            alive=alive,
            read=list(shared.values()),
        )
        if ahead is None:
            return None
        found, now, who = ahead.found, ahead.mark, ahead.touched
        homes.keep(tx, now)
        if len(shared) < len(keys) or asked.leaves:
            alone = _alone(graph, asked)
            who = _also(
                tx,
                found,
                np.concatenate([who, _of_age(tx, graph, alone, mark.as_of, as_of, catalog=fresh)]),
                passing.spans(graph, alone, catalog, mark.as_of, as_of),
                passing.words(graph, catalog, mark.as_of, as_of),
                [
                    *(
                        _passed(one, fresh, as_of)
                        for one in passing.instants(graph, catalog, mark.as_of, as_of)
                    ),
                    *(
                        _stamped(one, fresh, as_of)
                        for one in passing.stamps(graph, catalog, mark.as_of, as_of)
                    ),
                    *(
                        _turned(one, fresh, mark.as_of, as_of)
                        for one in passing.turns(alone, catalog, mark.as_of)
                    ),
                ],
                was=mark,
                now=now,
            )
            weighed = passing.asked(graph, catalog) if several else {}
            for key in several:
                weights.step(
                    tx,
                    tags[key],
                    graph.trees[key][0],
                    TOUCHED,
                    weighed.get(key, ()),
                    since=(mark.as_of, mark.load_i),
                    catalog=catalog,
                    as_of=as_of,
                )
            if several:
                who = _touched(tx)
        epoch = publish.Epoch(last.epoch + 1, as_of, run_id, len(alive))
        lively = passing.lively(graph, among={key for key in keys if before[key].as_of >= mark.as_of})
        tx.execute(
            "UPDATE tag_state SET expires_at = expires_at + (CAST($as_of AS TIMESTAMP) - as_of), as_of = $as_of"
            " WHERE list_contains($lively, tag)",
            {"lively": sorted(lively), "as_of": naive(as_of)},
        )
        cuts = cut_points.kept(tx, as_of, graph=graph)
        definitions = {key: tags[key].definition for key in keys}
        cutting = {key: one for key, one in definitions.items() if isinstance(one, Tiers)}
        busy = len(who) > 0 or any(
            key not in cuts
            or cut_points.compute(tx, definition, catalog=fresh, as_of=as_of).points != cuts[key].points
            for key, definition in cutting.items()
        )
        if busy and (len(shared) < len(keys) or asked.leaves):
            leaf_views(tx, asked, found, now)
            computed: set[str] = set()
            settled: set[str] = set()
            before = {key: apart(tx, tags[key], before[key], by_hand) for key in keys}
            for key in keys:
                points: tuple[int | float, ...] = ()
                if key in cutting:
                    points = _cut(
                        tx, tags[key], graph, cuts.get(key), catalog=fresh, as_of=as_of, run_id=run_id
                    )
                _again(
                    tx,
                    tags[key],
                    graph,
                    asked.conditions.get(key),
                    found,
                    points=points,
                    catalog=fresh,
                    as_of=as_of,
                    home=None if before[key].home is not None else now,
                )
                if key in by_hand:
                    overlay.lay_and_write(
                        tx,
                        tags[key],
                        table=own(tags[key]),
                        zone=catalog.zone,
                        as_of=as_of,
                        run=run_id,
                        among=TOUCHED if tags[key].group is None else None,
                    )
                computed.add(key)
                resolve.settle(
                    tx, graph, computed, settled, catalog=fresh, as_of=as_of, run=run_id, table=own
                )
            for table, _ in asked.leaves.values():
                tx.execute(f"DROP VIEW IF EXISTS {quoted(table)}")
            if cutting:
                who = _touched(tx)
        carried = patches.of_rows(tx, ahead.values, list(shared.values()), columns, alive=alive, settle=False)
        values = _values(tx, [before[key] for key in keys if key not in carried], now) if len(who) else {}
        columns_now: dict[str, Column] = {
            key: columns[key].padded(epoch.n) for key in aside if key in columns
        }
        changed: dict[str, changes.Changed] = {}
        for key in keys:
            held = columns[key]
            if key in carried:
                new = carried[key].column.having(as_of=held.as_of, expires_at=held.expires_at)
                changed[f"tag:{key}"] = changed_of(held, new, carried[key].who)
            elif len(who):
                coming = as_given(tx, key, held, values[key])
                new = patched(held, coming, who, epoch.n)
                changed[f"tag:{key}"] = changed_of(held, new, who)
            else:
                new = held.padded(epoch.n)
            if key in lively:
                new = replace(new, as_of=as_of, expires_at=tags[key].expires_at(as_of))
            columns_now[key] = new
        tx.execute(
            "UPDATE epochs SET epoch = $epoch, as_of = $as_of, run = $run, n = $n WHERE current", _row(epoch)
        )
        keep_mark(tx, as_of, now.load_i)
        tx.execute(f"DROP TABLE IF EXISTS temp.{TOUCHED}")
        changes.write_all(tx, changed, ts=as_of, run=run_id, cause="refresh")
        held_in_memory = Columns.memory(
            n=epoch.n,
            as_of=as_of,
            alive=alive,
            columns=columns_now,
            epoch=epoch.epoch,
            run=run_id,
        )
        if ready is not None:
            ready(held_in_memory)
    waiting = tuple(key for key in keys if key not in lively)
    total = sum(len(found.ix) for found in changed.values())
    return StepReport(as_of, epoch.epoch, len(who), total, waiting, held_in_memory, ahead.committed())


def scattered(engine: Engine, graph: Graph, *, catalog: Catalog, as_of: datetime) -> bool:
    """Whether steps cannot be taken only because tags were computed apart from all others: a run is enough then."""
    before = _applied(engine, asides.listed(engine))
    asked = plan(graph, graph.tags, Fresh(catalog, graph.tags), every=True)
    mark = homes.latest(engine, asked=asked.asked, as_of=as_of)
    apart = mark is None or any(state.home not in (None, mark.home) for state in before.values())
    apart = apart or any(
        tag.weighted and not weights.in_force(engine, key) for key, tag in graph.tags.items()
    )
    return bool(asked.values) and apart and _in_force(before, graph, as_of)


def _applied(engine: Engine | Transaction, aside: Collection[str]) -> dict[str, Applied]:
    """What is applied and moves on: what the last run set aside stays as it was."""
    return {key: state for key, state in publish.applied(engine).items() if key not in aside}


def _in_force(before: Mapping[str, Applied], graph: Graph, as_of: datetime) -> bool:
    """Whether the definitions are those that were applied, and no value has expired."""
    return before.keys() == graph.tags.keys() and all(
        state.fingerprint == graph.fingerprints[key]
        and not state.expired
        and (state.expires_at is None or state.expires_at > as_of)
        for key, state in before.items()
    )


def _is_read(state: Applied, *, besides: str) -> bool:
    """Whether the tag is read in a home, and only events change its value."""
    return state.home is not None and besides not in (state.reading or "")


def _also(
    tx: Transaction,
    found: Together,
    touched: Array,
    spans: Iterable[Span],
    words: Iterable[Words],
    passed: Iterable[Query],
    *,
    was: homes.Mark,
    now: homes.Mark,
) -> Array:
    """Makes the table of the touched: these, who was told something or did anything since, and whom time alone changed.

    `spans`: of events between which time has passed something by; `words`: of what was told; `passed`: of
    whom else, each the query of their ix. The answer is the same people.
    """
    since: dict[str, Any] = {"load_i": was.load_i, "then": naive(was.as_of), "now": naive(now.as_of)}
    tests: dict[str, list[str]] = {}
    for reading in found.reading.values():
        if NOW in reading:
            test = f"({reading.replace(NOW, '$then')}) IS DISTINCT FROM ({reading})"
            tests.setdefault(now.source(reading), []).append(test)
    parts = [
        "SELECT ix FROM attributes WHERE load_i > $load_i AND ix IS NOT NULL",
        "SELECT ix FROM events WHERE load_i > $load_i AND ix IS NOT NULL",
        "SELECT ix FROM given WHERE load_i > $load_i AND ix IS NOT NULL",
    ]
    if was.as_of != now.as_of:  # what was told or stamped ahead of time
        parts += [
            f"SELECT ix FROM {table} WHERE ts >= $then AND ts < $now AND ix IS NOT NULL"
            for table in ("attributes", "events")
        ]
        parts += [
            f"SELECT ix FROM given WHERE {column} > $then AND {column} <= $now AND ix IS NOT NULL"
            for column in ("ts", "expires_at")
        ]
        parts += [
            f"SELECT e.ix FROM {source} AS e WHERE {' OR '.join(some)}" for source, some in tests.items()
        ]
    for place, span in enumerate(spans):
        since |= {f"low{place}": span.low, f"high{place}": span.high}
        about = "" if span.codes is None else f" AND name_i IN ({', '.join(map(str, sorted(span.codes)))})"
        test = f"ts >= $low{place} AND ts < $high{place}{about}"
        parts.append(f"SELECT ix FROM events WHERE {test} AND ix IS NOT NULL")
    for place, said in enumerate(words):
        since |= {f"said{place}": said.attribute, f"from{place}": said.low, f"until{place}": said.high}
        parts.append(
            f"SELECT ix FROM attributes WHERE name = $said{place} AND ts >= $from{place} AND ts <= $until{place}"
            " AND ix IS NOT NULL"
        )
    for query in passed:
        more = tx.read(query.sql, query.values).column("ix").combine_chunks().to_numpy()
        touched = np.concatenate([touched, more])
    with tx.given("tags_moved_on", pa.table({"ix": pa.array(touched, pa.uint32())})):
        parts.append("SELECT ix FROM tags_moved_on")
        tx.execute(f"CREATE OR REPLACE TEMP TABLE {TOUCHED} AS {' UNION '.join(parts)} ORDER BY ix", since)
    return _touched(tx)


def _passed(one: Instants, catalog: Catalog, as_of: datetime) -> Query:
    """Who has, or ever was told, an instant that an edge has passed."""
    bind = Bound()
    sql = Sql(bind, naive(as_of), catalog.zone)
    tag = catalog.tag(one.value.name) if isinstance(one.value, t.Name) else None
    if tag is not None:
        table, where = quoted(tag[0]), ""
        value = sql.cast(Typed("value", tag[1]), ValueType.INSTANT)
    else:
        path = one.value.path if isinstance(one.value, t.Attribute) else (one.value.name,)
        table, where = "attributes", f"name = {bind(path[0])} AND ix IS NOT NULL AND "
        value = sql.cast(Typed(json_at(path, "value", sql), None), ValueType.INSTANT)
    test = f"{where}{value} >= {bind(one.low)} AND {value} <= {bind(one.high)}"
    return Query((), f"SELECT DISTINCT ix FROM {table} WHERE {test}", bind.values)


def _stamped(one: Stamps, catalog: Catalog, as_of: datetime) -> Query:
    """Of whom an event says an instant that an edge has passed."""
    bind = Bound()
    events = EventSql(Sql(bind, naive(as_of), catalog.zone), catalog)
    value = events.sql.cast(events.property(one.property), ValueType.INSTANT)
    about = "" if one.codes is None else code_in(events.sql, one.codes)
    test = both(["ix IS NOT NULL", about, f"{value} >= {bind(one.low)}", f"{value} < {bind(one.high)}"])
    return Query((), f"SELECT DISTINCT ix FROM events WHERE {test}", bind.values)


def _turned(one: Turns, catalog: Catalog, then: datetime, now: datetime) -> Query:
    """Of whom an event is another number of whole days ago."""
    bind = Bound()
    sql = Sql(bind, naive(now), catalog.zone)
    days = [f"(EPOCH_US({bind(naive(at))}) - EPOCH_US(ts)) // {DAY_US}" for at in (then, now)]
    about = "" if one.codes is None else code_in(sql, one.codes)
    since = "" if one.low is None else f"ts >= {bind(one.low)}"
    test = both(["ix IS NOT NULL", about, since, f"ts < {bind(naive(then))}", f"{days[0]} <> {days[1]}"])
    return Query((), f"SELECT DISTINCT ix FROM events WHERE {test}", bind.values)


def _alone(graph: Graph, asked: Plan) -> dict[str, tuple[t.Expr, ...]]:
    """Of each tag what is not counted in the home."""
    return {
        key: asked.conditions.get(key, trees) for key, trees in graph.trees.items() if key not in asked.values
    }


def _of_age(
    tx: Transaction, graph: Graph, alone: Trees, then: datetime, now: datetime, *, catalog: Catalog
) -> Array:
    """Of whom an age, a day that comes round, a window on it or a streak is another now by time alone."""
    asked = [
        node
        if isinstance(node, t.Dated | t.Streak)
        else Cases(((node, t.Flag(True)),), t.Flag(False), ValueType.FLAG)
        for node in passing.dates(graph, alone, catalog, then, now)
    ]
    if not asked:
        return np.array([], dtype=np.uint32)
    columns = {f"c{place}": value for place, value in enumerate(asked)}
    for name, at in (("tags_were", then), ("tags_are", now)):
        query = statistics(columns, catalog, at)
        tx.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query.sql}", query.values)
    differ = " OR ".join(f"a.{name} IS DISTINCT FROM b.{name}" for name in columns)
    found = tx.read(f"SELECT b.ix FROM tags_are AS b JOIN tags_were AS a ON a.ix = b.ix WHERE {differ}")
    for name in ("tags_were", "tags_are"):
        tx.execute(f"DROP TABLE temp.{name}")
    return np.asarray(found.column("ix").combine_chunks().to_numpy())


def _touched(tx: Transaction) -> Array:
    return np.asarray(
        tx.read(f"SELECT ix FROM {TOUCHED} ORDER BY ix").column("ix").combine_chunks().to_numpy()
    )


def _cut(
    tx: Transaction,
    tag: Tag,
    graph: Graph,
    was: cut_points.Cut | None,
    *,
    catalog: Catalog,
    as_of: datetime,
    run_id: str,
) -> tuple[int | float, ...]:
    """The cut points of percentiles as they are now; whom they passed by is touched, too."""
    definition = tag.definition
    if not isinstance(definition, Tiers):
        raise TypeError(f"the tag {tag.key} has no percentiles")
    mark = graph.fingerprints[tag.key]
    now = cut_points.compute(tx, definition, catalog=catalog, as_of=as_of, run=run_id, fingerprint=mark)
    if cut_points.moved(tx, definition, was, now, catalog=catalog, into=TOUCHED):
        cut_points.keep(tx, tag.key, now, step=True)
    return now.points


def _again(
    tx: Transaction,
    tag: Tag,
    graph: Graph,
    conditions: tuple[t.Expr, ...] | None,
    made: Together,
    *,
    points: tuple[int | float, ...],
    catalog: Catalog,
    as_of: datetime,
    home: homes.Mark | None,
) -> None:
    """Computes the touched people's values of a tag that has a table of its own; everybody's of one in a group.

    `home` is None for a tag that is read in its home.

    What a group took out of a table is not there to be settled again, and since when it holds would be lost.
    """
    if home is None:
        return
    among = TOUCHED if tag.group is None else None
    query: Query
    if tag.key in made.reading:
        sql = f"SELECT e.ix, {made.reading[tag.key]} AS value FROM {home.source(made.reading[tag.key])} AS e"
        if among is not None:
            sql += f" WHERE e.ix IN (SELECT ix FROM {among})"
        bound: Mapping[str, Any] = {"now": naive(as_of)}
    elif tag.weighted:
        sql, bound = f"{weights.top(tag.key)} AND ix IN (SELECT ix FROM {TOUCHED})", {}
    elif tag.expressed:
        query = statistic.query([tag], graph, catalog=catalog, as_of=as_of, among=among)
        sql, bound = f"SELECT ix, {quoted(tag.key)} AS value FROM ({query.sql})", query.values
    else:
        if isinstance(tag.definition, model.Given):
            query = given.query(tag, given.origin_of(tag), zone=catalog.zone, as_of=as_of, among=among)
        elif tag.method is Method.OBSERVED:
            query = observed.query(tag, catalog=catalog, as_of=as_of, among=among)
        else:
            query = rule.query(
                tag,
                graph,
                catalog=catalog,
                as_of=as_of,
                among=among,
                conditions=conditions,
                points=points,
            )
        sql, bound = query.sql, query.values
    if among is None:
        own_table(tx, tag, sql, bound)
        return
    table = quoted(own(tag))
    value = "v.value" if tag.type is ValueType.NUMBER else f"CAST(v.value AS {SQL_TYPES[tag.type]})"
    tx.execute(
        f"CREATE OR REPLACE TEMP TABLE tags_again AS SELECT v.ix, {value} AS value FROM ({sql}) AS v", bound
    )
    tx.execute(f"DELETE FROM {table} WHERE ix IN (SELECT ix FROM {TOUCHED})")
    tx.execute(
        f"INSERT INTO {table} SELECT ix, value FROM tags_again WHERE value IS NOT NULL AND ix IN ({publish.ALIVE})"
    )
    tx.execute("DROP TABLE temp.tags_again")


def apart(tx: Transaction, tag: Tag, held: Applied, by_hand: Collection[str]) -> Applied:
    """What is applied of the tag, which gets a table of its own when somebody gave a value by hand."""
    return held if tag.key not in by_hand else out_of_home(tx, tag, held)


def _values(tx: Transaction, states: Sequence[Applied], mark: homes.Mark) -> dict[str, pa.Table]:
    """The touched people's values by tag: tables of ix and value."""
    found: dict[str, pa.Table] = {}
    shared = [state for state in states if state.home is not None]
    for some in publish.on_shelves(mark, shared):
        shelves = mark.shelves_of([some[0].reading or ""])
        source = f"({homes.rows_of(shelves[0], TOUCHED)})"
        if len(shelves) > 1:
            whole = mark.source(some[0].reading or "")
            source = f"(SELECT s.* FROM {whole} AS s SEMI JOIN {TOUCHED} AS w ON w.ix = s.ix)"
        rows = publish.read_rows(tx, source, some, now=mark.as_of)
        for state in some:
            found[state.tag] = pa.table({"ix": rows["ix"], "value": rows[state.tag]})
    for state in states:
        if state.home is None:
            among = f"SELECT ix FROM {TOUCHED}"
            found[state.tag] = tx.read(f"SELECT ix, value FROM {quoted(state.own)} WHERE ix IN ({among})")
    return found


def _row(epoch: publish.Epoch) -> dict[str, Any]:
    return {"epoch": epoch.epoch, "as_of": naive(epoch.as_of), "run": epoch.run, "n": epoch.n}
