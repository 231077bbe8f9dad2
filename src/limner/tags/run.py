"""A run: every tag's values as of one instant, published in one transaction. Knows no file of definitions.

Statistics are computed together in one pass over the events, attributes together in one over the attributes,
then rules in the order of their references. New columns are on disk before the transaction commits; whatever
fails leaves the last publication as it was.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from limner.columns import Column, Columns
from limner.engine.seam import Engine, Query, Step, Transaction, quoted
from limner.events.load import loads
from limner.expressions.catalog import Catalog
from limner.expressions.check import type_of
from limner.expressions.leaves import leaf_key, taken_out
from limner.expressions.together import NOW, Together, together
from limner.expressions.tree import Aggregate, Event, Expr, OfEvents, Value
from limner.tags import aside as asides
from limner.tags import changes, cut_points, homes, overlay, patches, publish, resolve, weights
from limner.tags.aside import Aside
from limner.tags.check import check
from limner.tags.computing import Computing, InPlace, Work
from limner.tags.graph import Graph, build
from limner.tags.homes import Mark, numbers_of
from limner.tags.increment import Advanced, advance, forget, shelved
from limner.tags.methods import given, observed, rule, statistic
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Given, Method, Tag, Tiers
from limner.tags.publish import Applied
from limner.tags.tables import SQL_TYPES
from limner.types import Progress, ValueType, naive, silent

ANY = Aggregate("count", Event("*"))

IN_PLACE = InPlace()
"""The engine that keeps the records computes."""

CONTINUED = timedelta(hours=1)
"""Who computes a tag again so soon after its end goes on with it: nobody left and came back meanwhile."""


@dataclass(frozen=True)
class TagReport:
    """What one run did to one tag. `seconds`: of its own computing; None when it was computed together with others."""

    tag: str
    people: int
    entered: int
    left: int
    moved: int
    redefined: bool
    seconds: float | None = None


@dataclass(frozen=True)
class RunReport:
    """What one run did: numbers per tag, seconds per phase, the columns that are now current."""

    run: str
    epoch: int
    as_of: datetime
    people: int
    tags: tuple[TagReport, ...]
    removed: tuple[str, ...]
    changes: int
    seconds: Mapping[str, float]
    carried: Advanced | None
    aside: tuple[Aside, ...]
    columns: Columns = field(repr=False, compare=False)


def run(
    engine: Engine,
    tags: Mapping[str, Tag],
    *,
    catalog: Catalog,
    as_of: datetime,
    run_id: str,
    columns_dir: Path,
    only: Collection[str] | None = None,
    remove: Collection[str] | None = None,
    full: bool = False,
    published: Columns | None = None,
    progress: Progress = silent,
    computing: Computing = IN_PLACE,
    aside: Mapping[str, Aside] = MappingProxyType({}),
) -> RunReport:
    """Computes the tags as of then and publishes them as the next epoch, all or nothing.

    `tags` are all definitions: what is applied and no longer among them is removed; with `remove` only these of it.
    `only`: compute these and what they refer to; the others keep their values. Statistics that are as they were are
    carried on from the last run, with equal values; `full` computes them anew. `published`: the columns as they are,
    which may be on no disk. `computing`: who answers the queries. `aside`: tags that keep their former values, with
    whatever refers to one of them. Raises DefinitionError before anything is computed.
    """
    clock = _Stopwatch()
    graph = build(tags, catalog.audience)
    wanted = graph.closure(only) if only is not None else frozenset(tags)
    keys = [key for key in graph.order if key in wanted and key not in aside]
    fresh = Fresh(catalog, tags)
    for key in keys:
        check(tags[key], graph, catalog=fresh, as_of=as_of)
    steps = len(keys) + 3
    with engine.write() as tx:
        before = publish.applied(tx)
        last = publish.current(tx)
        n = publish.size(tx)
        who = publish.alive(tx, n)
        if last is not None and published is not None and published.epoch == last.epoch:
            old = {key: published[key] for key in before if key in published}
        else:
            old = _previous(tx, columns_dir, last, before)
        before = {
            key: out_of_home(tx, tags[key], state) if key in aside else state for key, state in before.items()
        }
        clock.lap("open")
        progress("computing", 0, steps)
        epoch = publish.Epoch(1 if last is None else last.epoch + 1, as_of, run_id, n)
        home = f"tags_{epoch.epoch}"
        for key in keys:
            if key in before and (before[key].home is None) is statistic.shares(tags[key], graph):
                _drop(tx, before[key])
        _keep(
            tx,
            {key: _state(graph, key, as_of=as_of, run_id=run_id, home=home, reading=None) for key in keys},
            (),
        )
        asked = plan(graph, keys, fresh, every=only is None)
        anew = full or not computing.carries
        start = None if anew else homes.latest(tx, asked=asked.asked, as_of=as_of)
        with computing.begin(tx, run=run_id) as work:
            clock.lap("share")
            shared, advanced, mark = _compute(
                tx,
                work,
                graph,
                keys,
                plan=asked,
                states=before,
                home=home,
                start=start,
                catalog=Fresh(catalog, tags, leaves=asked.leaves),
                as_of=as_of,
                run_id=run_id,
                full=full,
                clock=clock,
                progress=progress,
            )
        home = home if mark is None else mark.home
        states = {
            key: _state(graph, key, as_of=as_of, run_id=run_id, home=home, reading=shared.get(key))
            for key in keys
        }
        carried: dict[str, patches.Patched] = {}
        if mark is not None and advanced is not None and advanced.written:
            same = {
                key: state for key, state in states.items() if key in old and _goes_on(before[key], state)
            }
            carried = patches.carried(tx, mark, advanced.written, same, old, alive=who, settle=True)
            forget(tx, advanced)
        for key in keys:
            if tags[key].type is ValueType.TEXT and key not in carried:
                publish.add_labels(tx, key)
        anew_now = {key: state for key, state in states.items() if key not in carried}
        made = publish.from_tables(tx, anew_now, n)
        made = {key: carried[key].column if key in carried else made[key] for key in keys}
        states = {
            key: replace(state, people=int(np.count_nonzero(made[key].known)))
            for key, state in states.items()
        }
        clock.lap("columns")
        gone = before.keys() - tags.keys()
        removed = tuple(sorted(gone if remove is None else gone & set(remove)))
        reports = []
        total = 0
        few: dict[str, dict[str, changes.Changed]] = {}
        for key in [*keys, *removed]:
            held = None if key in before and before[key].expired else old.get(key)
            if held is not None and key in before:
                ended = _gone(tx, before[key], held, as_of=as_of - CONTINUED, run_id=run_id)
                total, held = (total, held) if ended is None else (total + ended, None)
            if held is not None and key in carried:
                found = patches.changed_of(held, carried[key].column, carried[key].who)
            else:
                found = changes.compare(held, made.get(key), max(n, 0 if held is None else held.n))
            redefined = key in before and key in made and before[key].fingerprint != graph.fingerprints[key]
            cause = _cause(key, before, made, redefined)
            subject = f"tag:{key}"
            total += len(found.ix)
            if len(found.ix) > changes.FEW:
                changes.write(tx, found, subject=subject, ts=as_of, run=run_id, cause=cause)
            else:
                few.setdefault(cause, {})[subject] = found
            if key in made:
                people, took = states[key].people, clock.alone.get(key) if computing.carries else None
                reports.append(
                    TagReport(key, people, found.entered, found.left, found.moved, redefined, took)
                )
        for cause, several in few.items():
            changes.write_all(tx, several, ts=as_of, run=run_id, cause=cause)
        clock.lap("changes")
        for key in removed:
            _drop(tx, before[key])
        weights.leave(tx, removed)
        cut_points.forget(tx, removed)
        _keep(tx, states, removed)
        overlay.close(tx, list(tags), as_of=as_of)
        waiting = asides.write(tx, aside, done=keys, tags=tags, as_of=as_of)
        if only is None:
            keep_mark(tx, as_of, loads(tx))
        homes.leave(tx, newest=home)
        _point(tx, epoch)
        kept = {key: held for key, held in old.items() if key not in removed and key not in made}
        progress("publishing", steps - 1, steps)
        columns = Columns.publish(
            columns_dir, epoch.epoch, n=n, as_of=as_of, alive=who, columns={**kept, **made}, run=run_id
        )
        clock.lap("publish")
    clock.lap("commit")
    progress("done", steps, steps)
    return RunReport(
        run=run_id,
        epoch=epoch.epoch,
        as_of=as_of,
        people=int(who.sum()),
        tags=tuple(reports),
        removed=removed,
        changes=total,
        seconds=clock.laps,
        carried=advanced,
        aside=waiting,
        columns=columns,
    )


def expire(engine: Engine, columns: Columns, *, now: datetime, run_id: str) -> int:
    """Writes, once, that everybody left the tags whose validity has ended; the answer is how many changes.

    Readers need no such call: expired values are gone by time alone. This only keeps the history whole.
    """
    total = 0
    with engine.write() as tx:
        for key, state in publish.applied(tx).items():
            if state.expired or state.expires_at is None or state.expires_at > now:
                continue
            if key in columns:
                total += _gone(tx, state, columns.at(state.as_of)[key], as_of=now, run_id=run_id) or 0
            tx.execute("UPDATE tag_state SET expired = true WHERE tag = $tag", {"tag": key})
    return total


def _gone(tx: Transaction, state: Applied, held: Column, *, as_of: datetime, run_id: str) -> int | None:
    """Writes that everybody left a tag when its validity ended; the answer is how many, None when it has not."""
    if state.expires_at is None or state.expires_at > as_of:
        return None
    found = changes.compare(held, None, held.n)
    return changes.write(
        tx, found, subject=f"tag:{state.tag}", ts=state.expires_at, run=run_id, cause="expired"
    )


def _compute(
    tx: Transaction,
    work: Work,
    graph: Graph,
    keys: Iterable[str],
    *,
    plan: Plan,
    states: Mapping[str, Applied],
    home: str,
    start: Mark | None,
    catalog: Fresh,
    as_of: datetime,
    run_id: str,
    full: bool,
    clock: _Stopwatch,
    progress: Progress,
) -> tuple[Mapping[str, str], Advanced | None, Mark | None]:
    """Makes the table (or view) of each tag; the answer is how each that shares a home is read there, and that home.

    `states`: what was applied before; `start`: where the statistics are carried on from, None computes them anew in
    `home`; `full`: weights of labels are computed anew, too.
    """
    chosen = [graph.tags[key] for key in keys]
    shared: dict[str, str] = {}
    advanced, mark = None, None
    if plan.values:
        carried = None
        if start is not None:
            carried = advance(tx, plan.values, mark=start, home=home, catalog=catalog, as_of=as_of)
        if carried is not None:
            found, advanced, mark = carried
        else:
            sizes = work.number(plan.values, home=home, catalog=catalog, as_of=as_of)
            numbers = numbers_of(home, sizes)
            found = together(plan.values, catalog, as_of, numbers=numbers)
            shelves = shelved(found)
            work.fill(
                home, found, shelves, partial(found.some, catalog=catalog, as_of=as_of, numbers=numbers)
            )
            begun = Mark(home, as_of, loads(tx), plan.asked, sizes)
            mark = homes.shelve(tx, begun, shelves, apart=True)
        homes.keep(tx, mark)
        clock.lap("statistics")
        kinds = leaf_views(tx, plan, found, mark)
        for key, reading in found.reading.items():
            if key in plan.leaves:
                continue
            shared[key] = reading
            before = states.get(key)
            kind = graph.tags[key].type
            if before is None or (before.home, before.reading, before.type) != (mark.home, reading, kind):
                _view(tx, graph.tags[key].table, kind, mark, reading, whole=kinds[key], key=key)
        clock.lap("tables")
    late = {tag.key for tag in chosen if tag.method is Method.RULE or statistic.refers(tag, graph)}
    by_hand = given.by_hand(tx)
    several = [tag for tag in chosen if tag.weighted]
    for tag in several:
        with clock.apart(tag.key):
            weights.compute(tx, tag, graph.trees[tag.key][0], catalog=catalog, as_of=as_of, full=full)
            own_table(tx, tag, weights.top(tag.key), {})
    if several:
        clock.lap("weights")
    weights.leave(tx, {tag.key for tag in chosen if not tag.weighted})
    asked = [
        (tag, _alone(tag, graph, catalog=catalog, as_of=as_of))
        for tag in chosen
        if tag.expressed and not tag.weighted and tag.key not in {*plan.values, *late}
    ]
    told = [
        (tag, observed.query(tag, catalog=catalog, as_of=as_of))
        for tag in chosen
        if tag.method is Method.OBSERVED
    ]
    for tag, sql, bound in work.answers([*asked, *told]):
        with clock.apart(tag.key):
            own_table(tx, tag, sql, bound)
    if told:
        clock.lap("attributes")
    for tag in chosen:
        if isinstance(tag.definition, Given):
            query = given.query(tag, given.origin_of(tag), zone=catalog.zone, as_of=as_of)
            with clock.apart(tag.key):
                own_table(tx, tag, query.sql, query.values)
        apart_from_home = tag.group is not None or tag.key in by_hand
        if apart_from_home and shared.pop(tag.key, None) is not None:
            own_table(tx, tag, f"SELECT ix, value FROM {quoted(tag.table)}", {})
        if tag.key in by_hand and tag.key not in late:
            overlay.lay_and_write(tx, tag, table=own(tag), zone=catalog.zone, as_of=as_of, run=run_id)
    settled: set[str] = set()
    ready = {tag.key for tag in chosen if tag.key not in late}
    resolve.settle(tx, graph, ready, settled, catalog=catalog, as_of=as_of, run=run_id, table=own)
    done = len(ready)
    progress("computing", done, len(chosen) + 3)
    for batch in work.batches([tag for tag in chosen if tag.key in late], graph):
        queries = [
            (
                tag,
                _alone(tag, graph, catalog=catalog, as_of=as_of)
                if tag.expressed
                else rule.query(
                    tag,
                    graph,
                    catalog=catalog,
                    as_of=as_of,
                    conditions=plan.conditions[tag.key],
                    points=_cut(tx, tag, graph, catalog=catalog, as_of=as_of, run_id=run_id),
                ),
            )
            for tag in batch
        ]
        for tag, sql, bound in work.answers(queries):
            with clock.apart(tag.key):
                own_table(tx, tag, sql, bound)
            if tag.key in by_hand:
                overlay.lay_and_write(tx, tag, table=own(tag), zone=catalog.zone, as_of=as_of, run=run_id)
            ready.add(tag.key)
            resolve.settle(tx, graph, ready, settled, catalog=catalog, as_of=as_of, run=run_id, table=own)
            done += 1
            progress(f"computing {tag.key}", done, len(chosen) + 3)
    resolve.close(tx, graph, as_of=as_of)
    for table, _ in plan.leaves.values():
        tx.execute(f"DROP VIEW IF EXISTS {quoted(table)}")
    clock.lap("rules")
    return shared, advanced, mark


def _cut(
    tx: Transaction, tag: Tag, graph: Graph, *, catalog: Fresh, as_of: datetime, run_id: str
) -> tuple[int | float, ...]:
    """The cut points of percentiles that this run computes, and writes down; none of any other tag."""
    if not isinstance(tag.definition, Tiers):
        return ()
    mark = graph.fingerprints[tag.key]
    cut = cut_points.compute(tx, tag.definition, catalog=catalog, as_of=as_of, run=run_id, fingerprint=mark)
    cut_points.keep(tx, tag.key, cut)
    return cut.points


def _alone(tag: Tag, graph: Graph, *, catalog: Fresh, as_of: datetime) -> Query:
    """(ix, value) of a statistic that is computed apart from all others."""
    query = statistic.query([tag], graph, catalog=catalog, as_of=as_of)
    return Query(
        (*query.steps, Step("together", query.final)),
        f"SELECT ix, {quoted(tag.key)} AS value FROM together",
        query.values,
    )


@dataclass(frozen=True)
class Plan:
    """What is computed together: the statistics, and what the rules ask of a person's events (`leaves`).

    `conditions`: those of each rule, with names in the place of leaves. `asked`: for whom the home is: all tags, or
    these few, in a zone; a home of the same may be carried on.
    """

    values: Mapping[str, Value]
    leaves: Mapping[str, tuple[str, ValueType]]
    conditions: Mapping[str, tuple[Expr, ...]]
    asked: str


def plan(graph: Graph, keys: Collection[str], catalog: Fresh, *, every: bool) -> Plan:
    values: dict[str, Value] = {}
    leaves: dict[str, OfEvents] = {}
    conditions: dict[str, tuple[Expr, ...]] = {}
    for key in sorted(keys):
        tag = graph.tags[key]
        if statistic.shares(tag, graph):
            values[key] = graph.trees[key][0]  # type: ignore[assignment]
        elif tag.method is Method.RULE:
            conditions[key], found = taken_out(graph.trees[key])
            leaves |= found
    few = not every and all(isinstance(graph.tags[key].definition, Given) for key in keys)
    if keys and not values and not leaves and not few:  # the home says up to which load everything counts
        leaves[leaf_key(ANY)] = ANY
    typed = {key: (key, type_of(value, catalog) or ValueType.TEXT) for key, value in leaves.items()}
    whom = "every tag" if every else " ".join(sorted(keys))
    return Plan({**values, **leaves}, typed, conditions, f"{whom} in {catalog.zone}")


def leaf_views(tx: Transaction, plan: Plan, found: Together, mark: Mark) -> dict[str, bool]:
    """Makes the views of the leaves of rules; the answer is which values of the home are integers."""
    readings = ", ".join(f"{reading} AS {quoted(key)}" for key, reading in found.reading.items())
    source = mark.source(*found.reading.values())
    kinds = tx.read(f"SELECT {readings} FROM {source} AS e LIMIT 0", {"now": naive(mark.as_of)}).schema
    whole = {key: pa.types.is_integer(kinds.field(key).type) for key in found.reading}
    for key, (table, kind) in plan.leaves.items():
        _view(tx, table, kind, mark, found.reading[key], whole=whole[key])
    return whole


def _view(
    tx: Transaction,
    table: str,
    kind: ValueType,
    mark: Mark,
    reading: str,
    *,
    whole: bool,
    key: str | None = None,
) -> None:
    """Values of a home as a view (ix, value, expires_at), of the tag `key` or of no tag. `whole`: integers."""
    source = mark.source(reading)
    reading = reading.replace(NOW, f"(SELECT as_of FROM homes WHERE home = '{mark.home}')")
    held = SQL_TYPES.get(kind, "VARCHAR")  # a list, which only conditions ask for, is text
    value = reading if kind is ValueType.NUMBER and whole else f"CAST({reading} AS {held})"
    tx.execute(
        f"CREATE OR REPLACE VIEW {quoted(table)} AS SELECT e.ix, {value} AS value, {_until(key)} AS expires_at"
        f" FROM {source} AS e WHERE {reading} IS NOT NULL"
    )


def _until(key: str | None) -> str:
    """Until when the tag's values count, in SQL."""
    return (
        "CAST(NULL AS TIMESTAMP)"
        if key is None
        else f"(SELECT expires_at FROM tag_state WHERE tag = '{key}')"
    )


def _drop(tx: Transaction, before: Applied) -> None:
    """The tag's view and own table go; its home stays while others may be in it."""
    tx.execute(f"DROP VIEW IF EXISTS {quoted(before.table)}")
    tx.execute(f"DROP TABLE IF EXISTS {quoted(before.own)}")


def out_of_home(tx: Transaction, tag: Tag, before: Applied) -> Applied:
    """What is applied of a tag whose values leave the home, which moves on, for a table of their own."""
    if before.home is None:
        return before
    held = replace(tag, type=ValueType(before.type))
    own_table(tx, held, f"SELECT ix, value FROM {quoted(before.table)}", {})
    tx.execute("UPDATE tag_state SET home = NULL, reading = NULL WHERE tag = $tag", {"tag": tag.key})
    return replace(before, home=None, reading=None)


def keep_mark(tx: Transaction, as_of: datetime, load: int) -> None:
    """Writes down that given values of every load until this one stand in every tag's table as of then."""
    tx.execute("DELETE FROM given_mark")
    tx.execute("INSERT INTO given_mark VALUES ($as_of, $load_i)", {"as_of": naive(as_of), "load_i": load})


def own(tag: Tag) -> str:
    """The table of the tag's own values."""
    return f"values_{tag.key}"


def own_table(tx: Transaction, tag: Tag, sql: str, values: Mapping[str, Any]) -> None:
    """Replaces the tag's own table by the living people's values, in the order of their ordinals."""
    value = "v.value" if tag.type is ValueType.NUMBER else f"CAST(v.value AS {SQL_TYPES[tag.type]})"
    table = quoted(own(tag))
    tx.execute(
        f"CREATE OR REPLACE TABLE {table} AS SELECT v.ix, {value} AS value\n"
        f"FROM ({sql}) AS v WHERE v.value IS NOT NULL AND v.ix IN ({publish.ALIVE}) ORDER BY v.ix",
        values,
    )
    tx.execute(
        f"CREATE OR REPLACE VIEW {quoted(tag.table)} AS SELECT ix, value, {_until(tag.key)} AS expires_at FROM {table}"
    )


def _state(
    graph: Graph, key: str, *, as_of: datetime, run_id: str, home: str, reading: str | None
) -> Applied:
    """What is applied of the tag from now on; its people are not counted yet."""
    tag = graph.tags[key]
    return Applied(
        tag=key,
        type=tag.type,
        fingerprint=graph.fingerprints[key],
        text=tag.text,
        as_of=as_of,
        expires_at=tag.expires_at(as_of),
        expired=False,
        run=run_id,
        people=0,
        home=None if reading is None else home,
        reading=reading,
    )


def _goes_on(before: Applied, now: Applied) -> bool:
    """Whether the tag is read where it was, and its values have not expired."""
    where = (now.home, now.reading, now.type)
    kept = before.expires_at is None or before.expires_at > now.as_of
    return (
        now.home is not None
        and where == (before.home, before.reading, before.type)
        and kept
        and not before.expired
    )


def _previous(
    tx: Transaction, root: Path, last: publish.Epoch | None, before: Mapping[str, Applied]
) -> dict[str, Column]:
    """The columns of the last publication, from disk, else from the tables."""
    if last is None:
        return {}
    columns = publish.opened(root, last)
    if columns is not None and all(key in columns for key in before):
        return {key: columns[key] for key in before}
    return publish.from_tables(tx, before, last.n)


def _cause(key: str, before: Mapping[str, Applied], made: Mapping[str, Column], redefined: bool) -> str:
    """Why values changed: defined (new tag), redefined, removed, or refresh (only the data changed)."""
    if key not in made:
        return "removed"
    if key not in before:
        return "defined"
    return "redefined" if redefined else "refresh"


def _keep(tx: Transaction, states: Mapping[str, Applied], removed: Iterable[str]) -> None:
    gone = [*states, *removed]
    tx.execute("DELETE FROM tag_state WHERE list_contains($gone, tag)", {"gone": gone})
    instant = pa.timestamp("us")
    rows = {
        "tag": pa.array([state.tag for state in states.values()], pa.string()),
        "type": pa.array([str(state.type) for state in states.values()], pa.string()),
        "fingerprint": pa.array([state.fingerprint for state in states.values()], pa.string()),
        "text": pa.array([state.text for state in states.values()], pa.string()),
        "as_of": pa.array([naive(state.as_of) for state in states.values()], instant),
        "expires_at": pa.array(
            [None if state.expires_at is None else naive(state.expires_at) for state in states.values()],
            instant,
        ),
        "expired": pa.array([False] * len(states)),
        "run": pa.array([state.run for state in states.values()], pa.string()),
        "people": pa.array([state.people for state in states.values()], pa.int64()),
        "home": pa.array([state.home for state in states.values()], pa.string()),
        "reading": pa.array([state.reading for state in states.values()], pa.string()),
    }
    tx.insert("tag_state", pa.table(rows))


def _point(tx: Transaction, epoch: publish.Epoch) -> None:
    """Makes the epoch the current one."""
    tx.execute("DELETE FROM epochs WHERE NOT current")
    tx.execute("UPDATE epochs SET current = false")
    tx.execute(
        "INSERT INTO epochs VALUES ($epoch, $as_of, $run, $n, true)",
        {"epoch": epoch.epoch, "as_of": naive(epoch.as_of), "run": epoch.run, "n": epoch.n},
    )


class _Stopwatch:
    """Seconds since the last lap, added up by name; it measures and decides nothing."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.alone: dict[str, float] = {}
        self._since = time.perf_counter()

    @contextmanager
    def apart(self, tag: str) -> Iterator[None]:
        """The block computes this tag and no other."""
        began = time.perf_counter()
        yield
        self.alone[tag] = time.perf_counter() - began

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = self.laps.get(name, 0.0) + now - self._since
        self._since = now
