"""Conditions: how many people a condition holds, and what each part of it does to the whole. Exact.

The parts without and, or and not are asked for once and kept (Leaves); the rest is set algebra. Parts over
published tags are read from columns, all others in one pass of the engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from limner.audiences.evaluate import in_the_past, with_audiences
from limner.audiences.leaves import Leaves
from limner.bitmap import Bitmap
from limner.columns import Columns
from limner.engine.seam import Engine
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.columnar import NotInColumns, columns_mask
from limner.expressions.compile import doers, statistics
from limner.expressions.compile import people as people_query
from limner.expressions.compiler import Cases
from limner.expressions.printer import to_text
from limner.identity.then import Everyone
from limner.tags.graph import Graph
from limner.tags.history import tags_at
from limner.tags.publish import ALIVE
from limner.types import ValueType

MOST_CONDITIONS = 200
"""Of larger conditions only the whole is counted."""

AT_ONCE = 40
"""So many parts are asked of the engine in one query."""

MOST_EVENTS = 100_000_000
"""Up to so many events of one part are counted here, by the ordinals of who did them; the engine takes longer."""

_STEP = 1 << 24
"""So many events are counted at once: counting takes twice their room."""

EVERYBODY = ("everybody",)
"""The key under which everybody alive is kept."""

Reads = Callable[[str, Mapping[str, Any] | None], pa.Table]

_WINDOWS = (
    t.InLast, t.InLastCalendar, t.InThis, t.InNext, t.Since, t.Before, t.FromTo, t.BetweenAgo, t.MoreThanAgo,
)  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """One node of the tree: `path` are the positions from the root; `()` is the whole.

    `people`: whom it holds by itself; `without`: whom the whole would hold if the node were not there: what stood
    in a `not` goes with it, and where nothing is left that is everybody.
    """

    path: tuple[int, ...]
    node: t.Expr
    people: int
    without: int


@dataclass(frozen=True)
class Measured:
    """Who satisfies a condition among everybody alive; `conditions` is empty when there are too many."""

    who: Bitmap
    everybody: Bitmap
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Data:
    """What conditions are asked of, as one `version` of the data.

    `columns`: the published tags with who is alive now. `lists`: a digest of each fixed list's definition.
    `heard`, with a graph: of what was received later nothing counts, and tags are computed anew; `everyone`: who
    was whom then.
    """

    engine: Engine
    catalog: Catalog
    columns: Columns | None
    graph: Graph | None
    lists: Mapping[str, str]
    version: int
    heard: datetime | None = None
    everyone: Everyone | None = None


def measure(expr: t.Expr, data: Data, *, as_of: datetime, leaves: Leaves, parts: bool = True) -> Measured:
    """The people of the condition as of the instant, and what each of its nodes does. Raises ExpressionError.

    `parts`: False for the people alone.
    """
    inline = with_audiences(expr, data.catalog)
    people, everybody = _leaves_of(inline, data, as_of=as_of, leaves=leaves)
    sets = _Sets(people, everybody)
    who = sets.of(inline)
    nodes = sum(1 for _ in _nodes(expr))
    if not parts or nodes > MOST_CONDITIONS:
        return Measured(who, everybody, ())
    found = _effects(expr, (), _Place(everybody, Bitmap(), len(everybody)), sets, data.catalog)
    return Measured(who, everybody, tuple(found))


@dataclass(frozen=True)
class _Place:
    """Where a node stands: the whole if the node were true of all, if it were true of none, and without it."""

    held: Bitmap
    failed: Bitmap
    without: int


def _effects(
    node: t.Expr, path: tuple[int, ...], place: _Place, sets: _Sets, catalog: Catalog
) -> Iterator[Condition]:
    """The node and everything below it, parents first."""
    own = sets.of(with_audiences(node, catalog))
    yield Condition(path, node, len(own), place.without)
    if isinstance(node, t.Not):
        # a person for whom the inner node is true fails here, and the other way round
        inner = _Place(place.failed, place.held, place.without)
        yield from _effects(node.arg, (*path, 0), inner, sets, catalog)
    elif isinstance(node, t.And | t.Or):
        every = isinstance(node, t.And)
        inner_sets = [sets.of(with_audiences(arg, catalog)) for arg in node.args]
        for position, (arg, others) in enumerate(zip(node.args, _others(inner_sets, every), strict=True)):
            if others is None:
                inner = place
            else:
                mixed = (others & place.held) | (place.failed - others)
                without = len(mixed)
                inner = _Place(mixed, place.failed, without) if every else _Place(place.held, mixed, without)
            yield from _effects(arg, (*path, position), inner, sets, catalog)


def _others(found: list[Bitmap], every: bool) -> list[Bitmap | None]:
    """For each set all (or any) of the other sets; None where there is no other."""
    before: list[Bitmap | None] = [None]
    for item in found[:-1]:
        before.append(_joined(before[-1], item, every))
    after: list[Bitmap | None] = [None]
    for item in reversed(found[1:]):
        after.append(_joined(after[-1], item, every))
    return [_joined(left, right, every) for left, right in zip(before, reversed(after), strict=True)]


def _joined(left: Bitmap | None, right: Bitmap | None, every: bool) -> Bitmap | None:
    if left is None or right is None:
        return right if left is None else left
    return left & right if every else left | right


class _Sets:
    """The set of any node, out of the sets of its leaves."""

    def __init__(self, leaves: Mapping[t.Expr, Bitmap], everybody: Bitmap) -> None:
        self._leaves = leaves
        self._everybody = everybody
        self._known: dict[t.Expr, Bitmap] = {}

    def of(self, node: t.Expr) -> Bitmap:
        """Who satisfies the node, of everybody."""
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = self._made(node)
        return found

    def _made(self, node: t.Expr) -> Bitmap:
        match node:
            case t.Not(arg):
                return self._everybody - self.of(arg)
            case t.And(args) | t.Or(args):
                every = isinstance(node, t.And)
                joined: Bitmap | None = None
                for arg in args:
                    joined = _joined(joined, self.of(arg), every)
                if joined is not None:
                    return joined
                return self._everybody if every else Bitmap()
            case _:
                return self._leaves[node]


def _nodes(node: t.Expr) -> Iterator[t.Expr]:
    yield node
    if isinstance(node, t.Not):
        yield from _nodes(node.arg)
    elif isinstance(node, t.And | t.Or):
        for arg in node.args:
            yield from _nodes(arg)


def _leaves_of(
    inline: t.Expr, data: Data, *, as_of: datetime, leaves: Leaves
) -> tuple[dict[t.Expr, Bitmap], Bitmap]:
    """Who satisfies each part of the condition that is no and, or or not; and everybody."""
    wanted = dict.fromkeys(node for node in _nodes(inline) if not isinstance(node, t.And | t.Or | t.Not))
    if data.graph is not None and (
        data.heard is not None or in_the_past(inline, data.columns, as_of, data.graph)
    ):
        keys = t.names_of(inline) & data.graph.tags.keys()
        with tags_at(
            data.engine,
            data.graph,
            keys,
            catalog=data.catalog,
            as_of=as_of,
            heard=data.heard,
            everyone=data.everyone,
        ) as (tx, then):
            who = _asked(list(wanted), tx.read, then, as_of)
            if data.everyone is None:
                return who, _everybody(data, leaves)
            return who, Bitmap.of(tx.read(ALIVE).column(0).to_numpy())
    found: dict[t.Expr, Bitmap] = {}
    waiting: dict[t.Expr, tuple[str, ...]] = {}
    node: t.Expr
    for node in wanted:
        key = _key(node, data, as_of)
        kept = leaves.get(data.version, key)
        if kept is None:
            kept = _columnar(node, data, as_of)
            if kept is None:
                waiting[node] = key
                continue
            leaves.put(data.version, key, kept)
        found[node] = kept
    everybody = _everybody(data, leaves)
    asked = {}
    for node in waiting:
        people = (
            _did(node, everybody, data, as_of) if isinstance(node, t.Did) else _sequence(node, data, as_of)
        )
        if people is not None:
            asked[node] = people
    asked |= _asked([node for node in waiting if node not in asked], data.engine.read, data.catalog, as_of)
    for node, people in asked.items():
        leaves.put(data.version, waiting[node], people)
    return {**found, **asked}, everybody


def _did(node: t.Did, everybody: Bitmap, data: Data, as_of: datetime) -> Bitmap | None:
    """Who did it as often as asked for; None where the engine has to say."""
    query = doers(node, data.catalog, as_of)
    if query is None:
        return None
    if _many("events", {}, data) > MOST_EVENTS and _many(f"({query.sql})", query.values, data) > MOST_EVENTS:
        return None
    doing = data.engine.read(query.sql, query.values)["ix"]
    n = max(everybody.last + 1 if everybody else 0, pc.max(doing).as_py() + 1 if len(doing) else 0)
    times = np.zeros(n, dtype=np.int64)
    for first in range(0, len(doing), _STEP):
        some = doing.slice(first, _STEP).combine_chunks().to_numpy()
        times += np.bincount(some, minlength=n)
    return Bitmap.of_mask((node.times or t.ONCE).of(times)) & everybody


def _many(rows: str, values: Mapping[str, Any], data: Data) -> int:
    """How many rows there are. Of a table this is known without reading it."""
    return int(data.engine.read(f"SELECT COUNT(*) AS n FROM {rows}", values)["n"][0].as_py())


def _sequence(node: t.Expr, data: Data, as_of: datetime) -> Bitmap | None:
    """Who did the steps of a sequence, of which few people are asked; None of any other part."""
    if not isinstance(node, t.Sequence):
        return None
    query = people_query(node, data.catalog, as_of)
    return Bitmap.of(data.engine.read(query.sql, query.values).column(0).to_numpy())


def _columnar(node: t.Expr, data: Data, as_of: datetime) -> Bitmap | None:
    if data.columns is None or as_of < data.columns.as_of:
        return None
    try:
        mask = columns_mask(node, data.columns.at(as_of), as_of=as_of, zone=data.catalog.zone)
    except NotInColumns:
        return None
    return Bitmap.of_mask(mask)


def _asked(nodes: list[t.Expr], read: Reads, catalog: Catalog, as_of: datetime) -> dict[t.Expr, Bitmap]:
    """Who satisfies each node, by the engine: many nodes in one pass over the events."""
    found: dict[t.Expr, Bitmap] = {}
    for start in range(0, len(nodes), AT_ONCE):
        some = nodes[start : start + AT_ONCE]
        cases = {
            f"c{number}": Cases(((node, t.Flag(True)),), t.Flag(False), ValueType.FLAG)
            for number, node in enumerate(some)
        }
        query = statistics(cases, catalog, as_of)
        table = read(query.sql, query.values)
        ix = table.column("ix").to_numpy()
        for number, node in enumerate(some):
            held = table.column(f"c{number}").to_numpy(zero_copy_only=False)
            found[node] = Bitmap.of(ix[np.asarray(held, dtype=np.bool_)])
    return found


def _everybody(data: Data, leaves: Leaves) -> Bitmap:
    kept = leaves.get(data.version, EVERYBODY)
    if kept is None:
        if data.columns is not None:
            kept = Bitmap.of_mask(data.columns.alive)
        else:
            kept = Bitmap.of(data.engine.read(ALIVE).column(0).to_numpy())
        leaves.put(data.version, EVERYBODY, kept)
    return kept


def _key(node: t.Expr, data: Data, as_of: datetime) -> tuple[str, ...]:
    """What the people of the part depend on besides the data: its text, and the instant where time matters."""
    text = to_text(node)
    if isinstance(node, t.InAudience):
        return (text, data.lists.get(node.name, ""))
    columns = data.columns
    names = t.names_of(node)
    plain = all(not isinstance(item, (*_WINDOWS, t.Event, t.Attribute, t.HasBeen)) for item in t.walk(node))
    if not plain or columns is None or as_of < columns.as_of or any(name not in columns for name in names):
        return (text, as_of.isoformat())
    gone = sorted(name for name in names if _expired(columns, name, as_of))
    return (text, *gone)


def _expired(columns: Columns, name: str, as_of: datetime) -> bool:
    expires = columns[name].expires_at
    return expires is not None and expires <= as_of


def digest_of(text: str) -> str:
    """A definition's digest, as `Data.lists` wants it."""
    return hashlib.sha256(text.encode()).hexdigest()
