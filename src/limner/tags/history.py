"""History: the tags of some or all people as of an instant in the past, computed anew from what happened.

Nothing is published: the values stand in temporary tables that are gone when the block ends. Identities are
those of today, but for the one person of whom it is said who they were then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa

from limner.columns import Array
from limner.engine.seam import Engine, Query, Transaction, quoted
from limner.expressions.catalog import Catalog
from limner.expressions.compile import weights
from limner.expressions.interests import weights_of
from limner.expressions.tree import Interest
from limner.identity.then import MINE, Everyone, Then
from limner.tags import overlay, resolve
from limner.tags.graph import Graph
from limner.tags.methods import given as given_values
from limner.tags.methods import observed, rule, statistic
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Given, Method, Tag, Tiers
from limner.tags.tables import SQL_TYPES
from limner.types import naive

PREFIX = "then_"
_WIDE = "then_together"
_AMONG = "then_people"


@contextmanager
def tags_at(
    engine: Engine,
    graph: Graph,
    keys: Collection[str],
    *,
    catalog: Catalog,
    as_of: datetime,
    people: Array | None = None,
    given: Mapping[str, pa.Table] | None = None,
    handed: datetime | None = None,
    uncorrected: Collection[str] = (),
    heard: datetime | None = None,
    person: Then | None = None,
    cuts: Mapping[str, Sequence[int | float]] = MappingProxyType({}),
    everyone: Everyone | None = None,
) -> Iterator[tuple[Transaction, Fresh]]:
    """A transaction in which the tags (and what they refer to) have their values of then, and its catalog.

    people: ordinals to which everything is restricted; None = everybody, and so where cut points are computed from
    everybody. given: tables (ix, value) by key, which stand instead of what would be computed for these people; NULL =
    no value. `handed`: given values as they stand at this instant instead; `uncorrected`: but not over these tags.
    `heard`: nothing counts that was received later; None = whatever is known today. `person`: who somebody was then,
    everybody else is who they are today; `everyone`: who was whom then. `cuts`: cut points by key, which stand instead
    of what everybody's values give. Writers wait meanwhile.
    """
    wanted = graph.closure(keys)
    order = [graph.tags[key] for key in graph.order if key in wanted]
    fresh = Fresh(catalog, graph.tags, prefix=PREFIX)
    made: list[str] = []
    with engine.write() as tx:
        try:
            if heard is not None:
                _forget_since(tx, heard, person, everyone)
            among = None
            everybodys = any(isinstance(tag.definition, Tiers) and not cuts.get(tag.key) for tag in order)
            if people is not None and not everybodys:
                among = _AMONG
                made.append(among)
                with tx.given("then_given", pa.table({"ix": pa.array(people, pa.uint32())})):
                    tx.execute(f"CREATE OR REPLACE TEMP TABLE {_AMONG} AS SELECT ix FROM then_given")
            together = [
                tag
                for tag in order
                if tag.expressed and not tag.weighted and not statistic.refers(tag, graph)
            ]
            if together:
                query = statistic.query(together, graph, catalog=fresh, as_of=as_of, among=among)
                made.append(_WIDE)
                tx.execute(f"CREATE OR REPLACE TEMP TABLE {_WIDE} AS {query.sql}", query.values)
            ready: set[str] = set()
            settled: set[str] = set()
            handed = handed or as_of
            by_hand = given_values.by_hand(tx) - set(uncorrected)
            for tag in order:
                made.append(PREFIX + tag.table)
                if tag.weighted:
                    made.append(weights_of(PREFIX + tag.table))
                    found = _weights(tx, tag, graph, catalog=fresh, as_of=as_of, among=among)
                elif statistic.refers(tag, graph):
                    query = statistic.query([tag], graph, catalog=fresh, as_of=as_of, among=among)
                    found = Query(
                        (), f"SELECT ix, {quoted(tag.key)} AS value FROM ({query.sql})", query.values
                    )
                elif tag.expressed:
                    found = Query((), f"SELECT ix, {quoted(tag.key)} AS value FROM {_WIDE}")
                elif tag.method is Method.OBSERVED:
                    found = observed.query(tag, catalog=fresh, as_of=as_of, among=among)
                elif isinstance(tag.definition, Given):
                    origin = given_values.origin_of(tag)
                    found = given_values.query(tag, origin, zone=fresh.zone, as_of=handed, among=among)
                else:
                    points = cuts.get(tag.key, ())
                    found = rule.query(tag, graph, catalog=fresh, as_of=as_of, among=among, points=points)
                _table(tx, tag, found, as_of)
                if tag.key in by_hand:
                    table = PREFIX + tag.table
                    overlay.lay(tx, tag, table=table, zone=fresh.zone, as_of=handed, among=among)
                if given is not None and tag.key in given:
                    _replace(tx, tag, given[tag.key], as_of)
                _settle(tx, graph, tag, ready, settled, catalog=fresh, as_of=as_of)
            yield tx, fresh
        finally:
            for name in made:
                with suppress(Exception):  # a failed statement ends the transaction, and with it the tables
                    tx.execute(f"DROP TABLE IF EXISTS temp.{quoted(name)}")
            for name in _HEARD if heard is not None else ():
                with suppress(Exception):
                    tx.execute(f"DROP VIEW IF EXISTS temp.{name}")
            for name in _WHO if person is not None or everyone is not None else ():
                with suppress(Exception):
                    tx.execute(f"DROP TABLE IF EXISTS temp.{name}")


_HEARD = ("events", "attributes", "given", "persons")
_WHO = ("then_ids", "then_devices", "then_turns", "then_homes")

_THEN = """LEFT JOIN then_ids AS u ON u.i = e.user_i
LEFT JOIN then_ids AS k ON e.user_i IS NULL AND k.i = e.key_i
LEFT JOIN then_devices AS d ON e.user_i IS NULL AND e.key_i IS NULL AND d.i = e.device_i
LEFT JOIN then_turns AS v ON e.user_i IS NULL AND e.key_i IS NULL AND v.device_i = e.device_i AND e.ts >= v."from"
  AND (v."to" IS NULL OR e.ts < v."to")"""
_THEIRS = "COALESCE(u.ix, k.ix, v.ix, d.ix, e.ix)"
"""Whose a row `e` was by the tables of who was whom: by user id, else key, else device and time."""


def _forget_since(
    tx: Transaction, heard: datetime, person: Then | None, everyone: Everyone | None = None
) -> None:
    """In this transaction what was received after that instant is not there: every query reads through these views.

    What is the person's (everyone's) is what was theirs then, and they are somebody of their own, as they were.
    """
    database = quoted(tx.read("SELECT current_database() AS name").column("name")[0].as_py())
    whose, joined = "e.ix", ""
    if everyone is not None:
        whose, joined = _THEIRS, _THEN
        tables = (everyone.who, everyone.devices, everyone.turns, everyone.homes)
        for name, rows in zip(_WHO, tables, strict=True):
            with tx.given("then_rows", rows):
                tx.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM then_rows")
        tx.execute(
            "CREATE OR REPLACE TEMP VIEW persons AS SELECT p.* REPLACE (CASE WHEN h.ix IS NOT NULL THEN h.merged_into"
            f" ELSE p.merged_into END AS merged_into) FROM {database}.main.persons AS p"
            " LEFT JOIN then_homes AS h ON h.ix = p.ix"
        )
    if person is not None:
        for name, rows in zip(_WHO, (person.mine, person.whole, person.in_turn), strict=False):
            with tx.given("then_rows", rows):
                tx.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM then_rows")
        mine = MINE.format(ids="then_ids", devices="then_devices", turns="then_turns")
        whose = f"CAST(CASE WHEN {mine} THEN {person.ix} WHEN e.ix = {person.ix} THEN NULL ELSE e.ix END AS UINTEGER)"
        tx.execute(
            f"CREATE OR REPLACE TEMP VIEW persons AS SELECT * REPLACE (CASE WHEN ix = {person.ix} THEN NULL"
            f" ELSE merged_into END AS merged_into) FROM {database}.main.persons"
        )
    until = naive(heard).isoformat()
    for name, at in (("events", "received_at"), ("attributes", "received_at"), ("given", "ts")):
        tx.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT e.* REPLACE ({whose} AS ix) FROM {database}.main.{name} AS e"
            f" {joined} WHERE e.{at} <= TIMESTAMP '{until}'"
        )


def values_at(
    engine: Engine,
    graph: Graph,
    *,
    ix: int,
    catalog: Catalog,
    as_of: datetime,
    keys: Collection[str] | None = None,
    handed: datetime | None = None,
    heard: datetime | None = None,
    person: Then | None = None,
    cuts: Mapping[str, Sequence[int | float]] = MappingProxyType({}),
) -> dict[str, Any]:
    """One person's tag values as of then, by key; tags without a value are absent. The rest: see `tags_at`."""
    wanted = graph.tags.keys() if keys is None else keys
    values: dict[str, Any] = {}
    people = np.array([ix], dtype=np.uint32)
    with tags_at(
        engine,
        graph,
        wanted,
        catalog=catalog,
        as_of=as_of,
        people=people,
        handed=handed,
        heard=heard,
        person=person,
        cuts=cuts,
    ) as (tx, _):
        for key in wanted:
            found = tx.read(
                f"SELECT value FROM {quoted(PREFIX + graph.tags[key].table)} WHERE ix = $ix", {"ix": ix}
            )
            if found.num_rows:
                values[key] = found.column(0)[0].as_py()
    return values


def weights_at(
    engine: Engine,
    graph: Graph,
    *,
    ix: int,
    catalog: Catalog,
    as_of: datetime,
    keys: Collection[str],
    heard: datetime | None = None,
    person: Then | None = None,
) -> dict[str, list[Mapping[str, Any]]]:
    """One person's {label, weight} as of then, by tag, the greatest weight first; only tags that give weights."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    wanted = [key for key in keys if key in graph.tags and graph.tags[key].weighted]
    people = np.array([ix], dtype=np.uint32)
    with tags_at(
        engine, graph, wanted, catalog=catalog, as_of=as_of, people=people, heard=heard, person=person
    ) as (tx, _):
        for key in wanted:
            table = quoted(weights_of(PREFIX + graph.tags[key].table))
            rows = tx.read(f"SELECT label, weight FROM {table} WHERE ix = $ix ORDER BY place", {"ix": ix})
            found[key] = rows.to_pylist()
    return found


def _settle(
    tx: Transaction,
    graph: Graph,
    tag: Tag,
    ready: set[str],
    settled: set[str],
    *,
    catalog: Catalog,
    as_of: datetime,
) -> None:
    """One more tag is ready: the exclusive group that it completes is settled as it was then."""
    ready.add(tag.key)
    if tag.group is not None:
        resolve.settle(
            tx, graph, ready, settled, catalog=catalog, as_of=as_of, table=lambda one: PREFIX + one.table
        )


def _weights(
    tx: Transaction, tag: Tag, graph: Graph, *, catalog: Catalog, as_of: datetime, among: str | None
) -> Query:
    """Makes the table of the weights that a tag gives; the answer is the query of its values."""
    tree = graph.trees[tag.key][0]
    if not isinstance(tree, Interest):
        raise TypeError(f"the tag {tag.key} gives no weights")
    found = weights(tree, catalog, as_of, among=among)
    table = quoted(weights_of(PREFIX + tag.table))
    tx.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT w.*, CAST($until AS TIMESTAMP) AS expires_at"
        f" FROM ({found.sql}) AS w",
        {**found.values, "until": _until(tag, as_of)},
    )
    return Query((), f"SELECT ix, label AS value FROM {table} WHERE place = 1")


def _table(tx: Transaction, tag: Tag, found: Query, as_of: datetime) -> None:
    tx.execute(
        f"CREATE OR REPLACE TEMP TABLE {quoted(PREFIX + tag.table)} AS"
        f" SELECT v.ix, CAST(v.value AS {SQL_TYPES[tag.type]}) AS value,"
        " CAST($until AS TIMESTAMP) AS expires_at"
        f" FROM ({found.sql}) AS v WHERE v.value IS NOT NULL",
        {**found.values, "until": _until(tag, as_of)},
    )


def _replace(tx: Transaction, tag: Tag, given: pa.Table, as_of: datetime) -> None:
    """The given values in the place of the computed ones."""
    table = f"temp.{quoted(PREFIX + tag.table)}"
    with tx.given("then_values", given):
        tx.execute(f"DELETE FROM {table} WHERE ix IN (SELECT ix FROM then_values)")
        tx.execute(
            f"INSERT INTO {table} SELECT ix, CAST(value AS {SQL_TYPES[tag.type]}), CAST($until AS TIMESTAMP)"
            " FROM then_values WHERE value IS NOT NULL",
            {"until": _until(tag, as_of)},
        )


def _until(tag: Tag, as_of: datetime) -> datetime | None:
    expires = tag.expires_at(as_of)
    return None if expires is None else naive(expires)
