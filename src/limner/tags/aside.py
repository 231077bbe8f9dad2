"""Aside: the tags that the last run set aside because they could not be computed, and why; all others were computed.

A tag that is set aside keeps its former values, in a table of its own, or has none as before; so does whatever refers
to it. It is looked at again in every run, and no longer aside once it is computed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from limner.engine.seam import Engine, Transaction
from limner.errors import DefinitionError, LimnerError
from limner.expressions.catalog import Catalog
from limner.tags.check import check
from limner.tags.graph import Graph
from limner.types import naive, utc

NOT_READY = ("not_cut", "not_learned")
"""What is missing of a tag that waits for a command of its own: cut points, weights."""


@dataclass(frozen=True)
class Aside:
    """A tag that was set aside: an error's code, words, place and hint. `through`: the tag that it refers to, else ''.

    `since`: as of when a run first set it aside; None = in this one.
    """

    tag: str
    code: str
    message: str
    where: str = ""
    hint: str = ""
    through: str = ""
    since: datetime | None = None


def unready(
    graph: Graph, keys: Iterable[str], *, catalog: Catalog, as_of: datetime
) -> dict[str, LimnerError]:
    """What is missing of the tags that wait for cut points or weights; other errors are not looked at."""
    found: dict[str, LimnerError] = {}
    for key in keys:
        try:
            check(graph.tags[key], graph, catalog=catalog, as_of=as_of)
        except DefinitionError as error:
            if error.code in NOT_READY:
                found[key] = error
    return found


def with_users(graph: Graph, wrong: Mapping[str, LimnerError]) -> dict[str, Aside]:
    """The tags that cannot be computed, and whatever refers to one of them."""
    found = {
        key: Aside(key, error.code, error.message, error.where or "", error.hint or "")
        for key, error in wrong.items()
    }
    for key in sorted(wrong):
        for user in graph.dependents([key]) - found.keys():
            found[user] = Aside(
                user, "through", f"it rests on '{key}', which could not be computed", through=key
            )
    return found


def listed(engine: Engine | Transaction) -> dict[str, Aside]:
    """The tags that are aside now, by key."""
    rows = engine.read("SELECT * FROM tags_aside ORDER BY tag").to_pylist()
    return {
        row["tag"]: Aside(
            row["tag"],
            row["code"],
            row["message"],
            row["place"],
            row["hint"],
            row["through"],
            utc(row["since"]),
        )
        for row in rows
    }


def write(
    tx: Transaction,
    aside: Mapping[str, Aside],
    *,
    done: Collection[str],
    tags: Collection[str],
    as_of: datetime,
) -> tuple[Aside, ...]:
    """Writes down what is aside from now on; the answer is these, each with since when, None where it is new.

    `done`: what was computed; `tags`: all that there are.
    """
    before = listed(tx)
    tx.execute("DELETE FROM tags_aside WHERE list_contains($done, tag)", {"done": [*done, *aside]})
    tx.execute("DELETE FROM tags_aside WHERE NOT list_contains($tags, tag)", {"tags": [*tags]})
    known = [replace(aside[key], since=before[key].since if key in before else None) for key in sorted(aside)]
    for item in known:
        tx.execute(
            "INSERT INTO tags_aside VALUES ($tag, $since, $code, $message, $place, $hint, $through)",
            {
                "tag": item.tag,
                "since": naive(item.since or as_of),
                "code": item.code,
                "message": item.message,
                "place": item.where,
                "hint": item.hint,
                "through": item.through,
            },
        )
    return tuple(known)
