"""Plan: which definitions differ from what is applied, why, and whom applying them would change. Publishes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import numpy as np

from limner.columns import Array, Column, Columns
from limner.engine.seam import Engine, Transaction
from limner.errors import LimnerError
from limner.expressions.catalog import Catalog
from limner.tags import changes, publish, text
from limner.tags.graph import Graph, asked_objects, expressions, metrics, printed, references
from limner.tags.history import PREFIX, tags_at
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Tag, fingerprint
from limner.tags.preview import drafted
from limner.tags.publish import Applied
from limner.types import ValueType


class Why(StrEnum):
    """Why a tag is in a plan."""

    NEW = "new"
    CHANGED = "changed"
    REFERS = "refers"
    REMOVED = "removed"
    READ = "read"


@dataclass(frozen=True)
class Difference:
    """A tag whose definition is not the one that is applied.

    `why`: it is new, its own definition changed, only what it refers to did, or its file is gone. `through`: what it
    refers to directly and that differs too, as `tag:KEY` and `audience:NAME`.
    """

    key: str
    why: Why
    through: tuple[str, ...] = ()


@dataclass(frozen=True)
class Effect:
    """What publishing a tag would do to people: how many have a value before and after, and who changes.

    `moved`: another flag or text. `revalued`: another number, amount or instant, which is no change of membership.
    """

    difference: Difference
    before: int
    after: int
    entered: int
    left: int
    moved: int
    revalued: int


@dataclass(frozen=True, eq=False)
class Planned:
    """The effects of the tags that differ; and of others (`read`) that are computed anew because these refer to them.

    `tx` holds the tables that `catalog` names; `columns`: the tags as they would be published, those of `kept` as they
    are published now.
    """

    effects: tuple[Effect, ...]
    read: tuple[Effect, ...]
    catalog: Catalog
    columns: Columns
    tx: Transaction


def differences(
    graph: Graph, applied: Mapping[str, Applied], *, unread: Collection[str] = ()
) -> dict[str, Difference]:
    """Every tag whose definition differs from what is applied, in the order of computing, those removed last.

    `unread`: keys of files that are there and cannot be read; they are not removed.
    """
    found: dict[str, Difference] = {}
    for key in graph.order:
        held = applied.get(key)
        if held is None:
            found[key] = Difference(key, Why.NEW)
        elif held.fingerprint != graph.fingerprints[key]:
            through = [f"tag:{need}" for need in sorted(graph.needs[key] & found.keys())]
            named = metrics(graph.tags[key])
            own = _own(graph, key) != _applied_own(held, graph.tags[key])
            if not own and not _follows_from_tags(graph, key, applied):
                through += [f"audience:{name}" for name in sorted(graph.audiences[key])]
                through += [f"metric:{name}" for name in sorted(named)]
                through += [f"object:{name}" for name in sorted(asked_objects(graph.tags[key]))]
            found[key] = Difference(key, Why.CHANGED if own or not through else Why.REFERS, tuple(through))
    for key in sorted(applied.keys() - graph.tags.keys() - set(unread)):
        found[key] = Difference(key, Why.REMOVED)
    return found


def _own(graph: Graph, key: str) -> str:
    """The tag's own mark, whatever it refers to."""
    return fingerprint(graph.tags[key], normal=printed(graph.trees[key]), referenced={})


def _applied_own(held: Applied, now: Tag) -> str | None:
    """The mark of the text that was applied, by what metrics measure and objects are now."""
    try:
        tag = replace(text.read(held.text, held.tag), measures=now.measures, objects=now.objects)
        return fingerprint(tag, normal=printed(expressions(tag)), referenced={})
    except LimnerError:  # an older version of Limner could read it
        return None


def _follows_from_tags(graph: Graph, key: str, applied: Mapping[str, Applied]) -> bool:
    """Whether the tag would be as it was, had the tags that it refers to not changed: no audience did."""
    needs = graph.needs[key]
    if not needs <= applied.keys():
        return False
    before = references({need: applied[need].fingerprint for need in needs}, graph.audiences[key])
    as_it_was = fingerprint(graph.tags[key], normal=printed(graph.trees[key]), referenced=before)
    return as_it_was == applied[key].fingerprint


def among(graph: Graph, found: Mapping[str, Difference], keys: Collection[str]) -> dict[str, Difference]:
    """The differences that applying these keys takes along: what they refer to, and what refers to those."""
    chosen = {key for key in keys if key in found}
    waiting = [key for key in keys if key in graph.tags]
    seen: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key in seen:
            continue
        seen.add(key)
        differing = graph.closure([key]) & found.keys()
        more = graph.dependents(differing) & found.keys() if differing else frozenset()
        chosen |= more
        waiting.extend(more - seen)
    return {key: item for key, item in found.items() if key in chosen}


@contextmanager
def planned(
    engine: Engine,
    graph: Graph,
    found: Mapping[str, Difference],
    *,
    applied: Mapping[str, Applied],
    catalog: Catalog,
    as_of: datetime,
    published: Columns | None,
    kept: Collection[str] = (),
) -> Iterator[Planned]:
    """What a run of exactly these tags as of then would publish, against what is published and valid then.

    Everything is computed together, in temporary tables that are gone when the block ends; writers wait meanwhile.

    `published`: the columns as they stand; `kept`: other tags whose columns are wanted.
    """
    computed = [key for key in found if key in graph.tags]
    order = [key for key in graph.order if key in graph.closure(computed)]
    with tags_at(engine, graph, computed, catalog=catalog, as_of=as_of) as (tx, _):
        who = publish.alive(tx)
        standing = None if published is None else published.at(as_of, alive=who)
        made = {key: drafted(tx, graph.tags[key], len(who), as_of=as_of) for key in order}
        effects = [
            _effect(found.get(key) or Difference(key, Why.READ), _held(standing, key), made.get(key), who)
            for key in [*order, *(key for key in found if key not in graph.tags)]
        ]
        others = {
            key: standing[key]
            for key in kept
            if key not in made and key not in found and standing is not None and key in standing
        }
        columns = Columns.memory(n=len(who), as_of=as_of, alive=who, columns={**others, **made})
        tables = {key: (held.table, held.type) for key, held in applied.items() if key not in found}
        tables |= {key: (PREFIX + graph.tags[key].table, graph.tags[key].type) for key in order}
        named = {key: graph.tags[key] for key in tables if key in graph.tags}
        yield Planned(
            tuple(item for item in effects if item.difference.why is not Why.READ),
            tuple(item for item in effects if item.difference.why is Why.READ),
            Fresh(catalog, named, leaves=tables),
            columns,
            tx,
        )


def _held(published: Columns | None, key: str) -> Column | None:
    return None if published is None else published.column(key)


def _effect(difference: Difference, before: Column | None, after: Column | None, who: Array) -> Effect:
    n = len(who)
    old = None if before is None else _living(before.padded(n), who)
    found = changes.compare(old, after, n)
    return Effect(
        difference,
        before=0 if old is None else int(np.count_nonzero(old.known)),
        after=0 if after is None else int(np.count_nonzero(after.known)),
        entered=found.entered,
        left=found.left,
        moved=found.moved,
        revalued=0 if old is None or after is None else _revalued(old, after),
    )


def _living(held: Column, who: Array) -> Column:
    """The column with the values of living people alone."""
    if held.codes is not None:
        return held.having(codes=np.where(who, held.codes, held.codes.dtype.type(0)))
    return held.having(mask=held.known & who)


def _revalued(old: Column, new: Column) -> int:
    """How many people have a number, amount or instant in both columns, and another one."""
    if old.type is not new.type or new.type in (ValueType.FLAG, ValueType.TEXT):
        return 0
    both = np.flatnonzero(old.known & new.known)
    return int(np.count_nonzero(_numbers(old, both) != _numbers(new, both)))


def _numbers(column: Column, ix: Array) -> Array:
    if column.codes is None:
        return np.asarray(column.values)[ix]
    return np.asarray(column.labels)[column.codes[ix].astype(np.int64) - 1]
