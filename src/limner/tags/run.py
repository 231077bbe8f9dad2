"""A run: every tag's values as of one instant, published in one transaction. Knows no file of definitions.

Statistics are computed together in one pass over the events, attributes together in one over the attributes,
then rules in the order of their references. New columns are on disk before the transaction commits; whatever
fails leaves the last publication as it was.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from limner.columns import Column, Columns
from limner.engine.seam import Engine, Transaction, quoted
from limner.errors import DamagedError, NotFoundError
from limner.expressions.catalog import Catalog
from limner.tags import changes, publish
from limner.tags.check import check
from limner.tags.graph import Graph, build
from limner.tags.methods import observed, rule, statistic
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Method, Tag
from limner.tags.publish import Applied
from limner.tags.tables import SQL_TYPES
from limner.types import Progress, ValueType, naive, silent

_WIDE = "tags_of_this_run"

CONTINUED = timedelta(hours=1)
"""Who computes a tag again so soon after its end goes on with it: nobody left and came back meanwhile."""


@dataclass(frozen=True)
class TagReport:
    """What one run did to one tag."""

    tag: str
    people: int
    entered: int
    left: int
    moved: int
    redefined: bool


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
    progress: Progress = silent,
) -> RunReport:
    """Computes the tags as of then and publishes them as the next epoch, all or nothing.

    `tags` are all definitions: what is applied and no longer among them is removed. `only`: compute these and
    what they refer to; the others keep their values. Raises DefinitionError before anything is computed.
    """
    clock = _Stopwatch()
    graph = build(tags, catalog.audience)
    wanted = graph.closure(only) if only is not None else frozenset(tags)
    keys = [key for key in graph.order if key in wanted]
    fresh = Fresh(catalog, tags)
    for key in keys:
        check(tags[key], graph, catalog=fresh, as_of=as_of)
    steps = len(keys) + 3
    with engine.write() as tx:
        before = publish.applied(tx)
        last = publish.current(tx)
        n = publish.size(tx)
        who = publish.alive(tx, n)
        old = _previous(tx, columns_dir, last, before)
        clock.lap("open")
        progress("computing", 0, steps)
        _compute(tx, graph, keys, catalog=fresh, as_of=as_of, clock=clock, progress=progress)
        states = {key: _state(tx, graph, key, as_of=as_of, run_id=run_id) for key in keys}
        clock.lap("tables")
        made: dict[str, Column] = {}
        for key in keys:
            if tags[key].type is ValueType.TEXT:
                publish.add_labels(tx, key)
            made[key] = publish.from_table(tx, states[key], n)
        clock.lap("columns")
        removed = tuple(sorted(before.keys() - tags.keys()))
        reports = []
        total = 0
        for key in [*keys, *removed]:
            held = None if key in before and before[key].expired else old.get(key)
            if held is not None and key in before:
                gone = _gone(tx, before[key], held, as_of=as_of - CONTINUED, run_id=run_id)
                total, held = (total, held) if gone is None else (total + gone, None)
            found = changes.compare(held, made.get(key), max(n, 0 if held is None else held.n))
            redefined = key in before and key in made and before[key].fingerprint != graph.fingerprints[key]
            cause = _cause(key, before, made, redefined)
            total += changes.write(tx, found, subject=f"tag:{key}", ts=as_of, run=run_id, cause=cause)
            if key in made:
                reports.append(
                    TagReport(key, states[key].people, found.entered, found.left, found.moved, redefined)
                )
        clock.lap("changes")
        for key in removed:
            tx.execute(f"DROP TABLE IF EXISTS {quoted('tag_' + key)}")
        _keep(tx, states, removed)
        epoch = publish.Epoch(1 if last is None else last.epoch + 1, as_of, run_id, n)
        _point(tx, epoch)
        kept = {key: held for key, held in old.items() if key in tags and key not in made}
        progress("publishing", steps - 1, steps)
        columns = Columns.publish(
            columns_dir, epoch.epoch, n=n, as_of=as_of, alive=who, columns={**kept, **made}
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
    graph: Graph,
    keys: Iterable[str],
    *,
    catalog: Fresh,
    as_of: datetime,
    clock: _Stopwatch,
    progress: Progress,
) -> None:
    chosen = [graph.tags[key] for key in keys]
    together = [tag for tag in chosen if tag.method is Method.STATISTIC]
    if together:
        query = statistic.query(together, graph, catalog=catalog, as_of=as_of)
        tx.execute(f"CREATE OR REPLACE TEMP TABLE {_WIDE} AS {query.sql} ORDER BY ix", query.values)
        clock.lap("statistics")
        kinds = tx.read(f"SELECT * FROM {_WIDE} LIMIT 0").schema
        for tag in together:
            column = quoted(tag.key)
            if tag.type is ValueType.NUMBER and not pa.types.is_int64(kinds.field(tag.key).type):
                column = f"CAST({column} AS DOUBLE)"
            _table(tx, tag, f"SELECT ix, {column} AS value FROM {_WIDE}", {}, as_of, tidy=True)
        tx.execute(f"DROP TABLE {_WIDE}")
        clock.lap("tables")
    seen = [tag for tag in chosen if tag.method is Method.OBSERVED]
    if seen:
        for tag in seen:
            query = observed.query(tag, catalog=catalog, as_of=as_of)
            _table(tx, tag, query.sql, query.values, as_of)
        clock.lap("attributes")
    progress("computing", len(together) + len(seen), len(chosen) + 3)
    done = len(together) + len(seen)
    for tag in chosen:
        if tag.method is Method.RULE:
            query = rule.query(tag, graph, catalog=catalog, as_of=as_of)
            _table(tx, tag, query.sql, query.values, as_of)
            done += 1
            progress(f"computing {tag.key}", done, len(chosen) + 3)
    clock.lap("rules")


def _table(
    tx: Transaction, tag: Tag, sql: str, values: Mapping[str, Any], as_of: datetime, *, tidy: bool = False
) -> None:
    """Replaces the tag's table by the living people's values, in the order of their ordinals.

    tidy: the rows are of living people only, and in that order, already.
    """
    order = "" if tidy else f" AND v.ix IN ({publish.ALIVE}) ORDER BY v.ix"
    expires = tag.expires_at(as_of)
    kind = SQL_TYPES[tag.type]
    value = "v.value" if tag.type is ValueType.NUMBER else f"CAST(v.value AS {kind})"
    tx.execute(
        f"CREATE OR REPLACE TABLE {quoted(tag.table)} AS\n"
        f"SELECT v.ix, {value} AS value, CAST($expires_at AS TIMESTAMP) AS expires_at\n"
        f"FROM ({sql}) AS v WHERE v.value IS NOT NULL{order}",
        {**values, "expires_at": None if expires is None else naive(expires)},
    )


def _state(tx: Transaction, graph: Graph, key: str, *, as_of: datetime, run_id: str) -> Applied:
    tag = graph.tags[key]
    people = tx.read(f"SELECT COUNT(*) AS people FROM {quoted(tag.table)}").column(0)[0].as_py()
    return Applied(
        tag=key,
        type=tag.type,
        fingerprint=graph.fingerprints[key],
        text=tag.text,
        as_of=as_of,
        expires_at=tag.expires_at(as_of),
        expired=False,
        run=run_id,
        people=int(people),
    )


def _previous(
    tx: Transaction, root: Path, last: publish.Epoch | None, before: Mapping[str, Applied]
) -> dict[str, Column]:
    """The columns of the last publication, from disk, else from the tables."""
    if last is None:
        return {}
    with suppress(NotFoundError, DamagedError):
        columns = Columns.open(root, last.epoch)
        if all(key in columns for key in before):
            return {key: columns[key] for key in before}
    return {key: publish.from_table(tx, state, last.n) for key, state in before.items()}


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
    for state in states.values():
        tx.execute(
            "INSERT INTO tag_state VALUES"
            " ($tag, $type, $fingerprint, $text, $as_of, $expires_at, false, $run, $people)",
            {
                "tag": state.tag,
                "type": str(state.type),
                "fingerprint": state.fingerprint,
                "text": state.text,
                "as_of": naive(state.as_of),
                "expires_at": None if state.expires_at is None else naive(state.expires_at),
                "run": state.run,
                "people": state.people,
            },
        )


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
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = self.laps.get(name, 0.0) + now - self._since
        self._since = now
