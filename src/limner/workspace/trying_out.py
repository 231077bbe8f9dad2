"""The verb of what-if: what a draft would have given at past instants, and what these people did next."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import numpy as np

from limner.accounts.model import LOCAL, Caller
from limner.columns import Array, Column
from limner.errors import UsageError
from limner.expressions import parse, people
from limner.expressions import tree as t
from limner.feedback.effects import wilson
from limner.tags import publish
from limner.tags import text as tag_text
from limner.tags.check import check
from limner.tags.graph import Graph
from limner.tags.history import tags_at
from limner.tags.methods.fresh import Fresh
from limner.tags.preview import drafted
from limner.types import Json, Progress, ValueType
from limner.workspace import remembering
from limner.workspace.knowing import instant_of
from limner.workspace.tagging import hidden_from, known_now
from limner.workspace.workspace import Workspace
from limner.workspace.writing import path_of, read_text

MOST_INSTANTS = 24
MOST_VALUES = 12
ENOUGH = 30
"""Of fewer people no share is told."""


def tag_whatif(
    workspace: Workspace,
    progress: Progress,
    key: str,
    on: list[str],
    text: str = "",
    then: str = "",
    after_days: int = 30,
    view: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """What a tag's text would have given at each of the instants `on`, and who did `then` in the days after.

    `text`: a draft; default: the tag's file. `then`: a condition over events and attributes, asked `after_days` days
    later of the people by their value then; null where that instant lies ahead, or where a value has fewer than 30
    people. `everybody`: who had done or told anything by then. `view`: by what was known then, or by what is true of it
    (late events included), see `remembering.view_of`; the text itself is the draft's, and what they did next is always
    what is true. Nothing is published. Raises UsageError, DefinitionError, ExpressionError.
    """
    if not 1 <= len(on) <= MOST_INSTANTS:
        raise UsageError(
            f"name 1 to {MOST_INSTANTS} instants", where="on", hint="--on 2026-01-01 --on 2026-02-01"
        )
    if not 1 <= after_days <= 366:
        raise UsageError("after_days is 1 to 366", where="after_days")
    workspace.load(progress)
    written = text or read_text(path_of(workspace, "tags", key)) or ""
    if not written:
        raise UsageError(f"there is no tag '{key}', and no text", where="text")
    draft = tag_text.read(written, key)
    found = known_now(workspace, {key: draft})
    wrong = next((one for one in found.problems if (one.where or "").startswith(f"tags/{key}.yml")), None)
    if wrong is not None:
        raise wrong
    asked = None if not then else parse(then)
    if asked is not None:
        of_events(asked, found.tags)
    moments = sorted({instant_of(workspace, one) for one in on})
    if moments[-1] > found.now:
        raise UsageError(f"{moments[-1].isoformat()} lies ahead", where="on")
    fresh = Fresh(found.names, found.graph.tags)
    for need in found.graph.closure([key]):
        check(found.graph.tags[need], found.graph, catalog=fresh, as_of=moments[0])
    hidden = hidden_from(found.tags[key], workspace, caller)
    rows = []
    for number, moment in enumerate(moments):
        progress("computing", number, len(moments))
        until = moment + timedelta(days=after_days)
        later = until if asked is not None and until <= found.now else None
        seen = remembering.view_of(workspace, view, moment)
        row = _row(workspace, found.graph, key, moment, fresh, asked, later, view=seen, hidden=hidden)
        rows.append({**row, "view": seen})
    return {"key": key, "then": then, "after_days": after_days, "masked": hidden, "instants": rows}


def of_events(then: t.Expr, tags: Collection[str]) -> None:
    """Raises UsageError when the condition names a tag or an audience: these are not those of then."""
    named = sorted(t.names_of(then) & set(tags))
    if named or t.audiences_of(then):
        what = f"the tag '{named[0]}'" if named else "an audience"
        raise UsageError(f"`then` names {what}; it speaks of events and attributes", where="then")


def _row(
    workspace: Workspace,
    graph: Graph,
    key: str,
    moment: datetime,
    names: Fresh,
    then: t.Expr | None,
    later: datetime | None,
    *,
    view: str,
    hidden: bool,
) -> Json:
    """The people by their value at the moment, and how many of each did it later."""
    heard = moment if view == remembering.KNOWN else None
    with tags_at(workspace.engine, graph, [key], catalog=names, as_of=moment, heard=heard) as (tx, _):
        n = publish.size(tx)
        made = drafted(tx, graph.tags[key], n, as_of=moment)
        there = "SELECT ix FROM events WHERE ts < $at UNION SELECT ix FROM attributes WHERE ts < $at"
        seen = tx.read(f"{publish.ALIVE} AND ix IN ({there})", {"at": moment.replace(tzinfo=None)})
    did = None
    if then is not None and later is not None:
        asked = people(then, names, later)
        did = _mask(workspace.engine.read(asked.sql, asked.values).column("ix").to_numpy(), n)
    everybody = _mask(seen.column("ix").to_numpy(), n)
    groups = _groups(made, everybody, hidden=hidden)
    known = made.known & everybody
    groups.append({"value": None, "who": everybody & ~known})
    return {
        "as_of": moment.isoformat(),
        "everybody": int(everybody.sum()),
        "people": int(known.sum()),
        "until": None if later is None else later.isoformat(),
        "did": None if did is None else _share(did, everybody),
        "values": [
            {
                "value": group["value"],
                "people": int(group["who"].sum()),
                "did": None if did is None else _share(did, group["who"]),
            }
            for group in groups
        ],
    }


def _mask(ix: Array, n: int) -> Array:
    mask = np.zeros(n, dtype=np.bool_)
    mask[ix[ix < n]] = True
    return mask


def _groups(made: Column, everybody: Array, *, hidden: bool) -> list[Json]:
    """Who has which value, the commonest first; one group of all who have any where values are numbers, or hidden."""
    if made.codes is None or hidden or made.type not in (ValueType.FLAG, ValueType.TEXT):
        return [{"value": "*", "who": made.known & everybody}]
    codes = np.where(everybody, made.codes, 0)
    counts = np.bincount(codes, minlength=len(made.labels or ()) + 1)
    order = sorted(
        (code for code in range(1, len(counts)) if counts[code]), key=lambda code: (-counts[code], code)
    )
    found: list[Json] = [
        {"value": str((made.labels or ())[code - 1]).lower() if made.type is ValueType.FLAG
         else (made.labels or ())[code - 1], "who": codes == code}
        for code in order[:MOST_VALUES]
    ]  # fmt: skip
    if order[MOST_VALUES:]:
        found.append({"value": "…", "who": np.isin(codes, order[MOST_VALUES:])})
    return found


def _share(did: Array, who: Array) -> Json:
    """How many of them did it, as a share with a 95 % interval; no share of fewer than 30."""
    n, k = int(who.sum()), int((did & who).sum())
    if n < ENOUGH:
        return {"people": k, "of": n, "share": None, "low": None, "high": None}
    interval = wilson(k, n)
    return {
        "people": k, "of": n, "share": round(k / n, 6), "low": round(interval.low, 6), "high": round(interval.high, 6),
    }  # fmt: skip
