"""Running: a run that no single tag stops. What cannot be computed is set aside; the others are published together.

A tag without its cut points or weights is set aside before anything is computed. Where the data of a tag cannot be
computed, such as a sum beyond what a number holds, the whole run is undone, the tag is found by computing fewer and
fewer of them, and the others run again: what is published is whole either way.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from limner.engine.seam import Engine
from limner.errors import OUT_OF_RANGE, DefinitionError, EngineError, LimnerError
from limner.expressions.catalog import Catalog
from limner.tags import aside
from limner.tags import run as runs
from limner.tags.graph import Graph, build
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Tag
from limner.tags.run import RunReport


def run(
    engine: Engine,
    tags: Mapping[str, Tag],
    *,
    catalog: Catalog,
    as_of: datetime,
    run_id: str,
    columns_dir: Path,
    only: Collection[str] | None = None,
    **more: Any,
) -> RunReport:
    """As `limner.tags.run.run`, but what cannot be computed is set aside, with whatever refers to it.

    Raises what is wrong with the first of them when nothing else was asked for (`only`), and DefinitionError for a file
    that is wrong, before anything is computed. Not to be called inside a transaction: the run is its own.
    """
    graph = build(tags, catalog.audience)
    keys = [key for key in graph.order if only is None or key in graph.closure(only)]
    wrong = aside.unready(graph, keys, catalog=Fresh(catalog, tags), as_of=as_of)
    given: dict[str, Any] = {
        "catalog": catalog, "as_of": as_of, "run_id": run_id, "only": only, "columns_dir": columns_dir, **more
    }  # fmt: skip
    while True:
        waiting = {key: item for key, item in aside.with_users(graph, wrong).items() if key in keys}
        if only is not None and wrong and waiting.keys() >= set(only):
            raise next(iter(wrong.values()))
        try:
            return runs.run(engine, tags, aside=waiting, **given)
        except EngineError as error:
            left = [key for key in keys if key not in waiting]
            found = failing(engine, tags, graph, left, **given) if error.code == OUT_OF_RANGE else {}
            if not found:
                raise
            wrong |= found


def failing(
    engine: Engine, tags: Mapping[str, Tag], graph: Graph, keys: Sequence[str], **given: Any
) -> dict[str, LimnerError]:
    """Which of the tags (in the order of computing) cannot be computed from the data, by halves; nothing is kept.

    Not those that only refer to one of them.
    """
    found: dict[str, LimnerError] = {}
    waiting = [list(keys)]
    while waiting:
        some = [key for key in waiting.pop() if not graph.closure([key]) & found.keys()]
        error = _fails(engine, tags, some, **given) if some else None
        if error is None:
            continue
        if len(some) > 1:
            waiting += [some[len(some) // 2 :], some[: len(some) // 2]]
            continue
        found[some[0]] = DefinitionError(
            f"'{some[0]}' cannot be computed: {error.message}",
            where=f"tags/{some[0]}.yml",
            code=error.code,
            hint=error.hint,
        )
    return found


class _Undone(Exception):
    """What was computed is not to be kept."""


def _fails(engine: Engine, tags: Mapping[str, Tag], keys: Sequence[str], **given: Any) -> EngineError | None:
    """Why these tags cannot be computed together from the data; None when they can."""
    try:
        with engine.write(), tempfile.TemporaryDirectory() as folder:
            runs.run(engine, tags, **{**given, "only": keys, "full": True, "columns_dir": Path(folder)})
            raise _Undone
    except _Undone:
        return None
    except EngineError as error:
        if error.code != OUT_OF_RANGE:
            raise
        return error
