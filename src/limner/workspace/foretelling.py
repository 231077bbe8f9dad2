"""The verb of what tags predict: each tag as of a past date against what people did afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from limner.accounts.model import LOCAL, Caller
from limner.bitmap import Bitmap
from limner.columns import Column, Columns
from limner.errors import UsageError
from limner.expressions import parse, people, to_text
from limner.expressions import tree as t
from limner.metrics.model import put_in
from limner.portraits.foretelling import ENOUGH, Foretold, foretold
from limner.portraits.group import GroupPortrait, Share
from limner.portraits.group import portrait as group_portrait
from limner.tags import publish
from limner.tags.check import check
from limner.tags.document import moment
from limner.tags.history import tags_at
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Learned, Stage, Tag
from limner.tags.preview import drafted
from limner.tags.transitions import here
from limner.types import Json, Progress, ValueType
from limner.workspace import definitions, remembering
from limner.workspace.catalog import known
from limner.workspace.knowing import instant_of
from limner.workspace.tagging import Known, as_text, hidden_from, known_now
from limner.workspace.trying_out import of_events
from limner.workspace.workspace import Workspace

USUAL = 'did "Order Paid"'


def tag_predict(
    workspace: Workspace,
    progress: Progress,
    keys: list[str] = [],  # noqa: B006 - never changed
    then: str = "",
    on: str = "",
    after_days: int = 30,
    view: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """What each tag, as of the date `on`, told of who would reach `then` in the days after; the best one first.

    `then`: an event (did "Order Paid") or a metric (metric(revenue) >= 100), without a window: it is reached within
    `after_days` days from `on` (default: so many days ago). Tags are computed from what had happened by then; a tag
    whose weights were learned later is not judged. `worth` is the information value with its interval, `best` the value
    that differs most, with its lift. `proposal`: retire a tag that tells nothing and is not used. Raises UsageError.
    """
    if not 1 <= after_days <= 366:
        raise UsageError("after_days is 1 to 366", where="after_days")
    workspace.load(progress)
    found = known_now(workspace)
    span = timedelta(days=after_days)
    at = instant_of(workspace, on) if on else found.now - span
    if at + span > found.now:
        raise UsageError(
            f"{after_days} days from {at.isoformat()} are not over", where="on", hint="name an earlier date"
        )
    came = _came(workspace, found, then or USUAL, after_days)
    asked = [known(found.tags, key, "tag") for key in dict.fromkeys(keys)]
    chosen = asked or [key for key, tag in found.tags.items() if tag.stage is not Stage.DRAFT]
    later = {key for key in chosen if _learned_later(found, key, at)}
    seen = remembering.view_of(workspace, view, at)
    columns = _columns(found, [key for key in chosen if key not in later], at, seen, progress)
    query = people(came, found.names, at + span)
    reached = Bitmap.of(workspace.engine.read(query.sql, query.values).column("ix").to_numpy())
    crowd = reached & Bitmap.of_mask(columns.alive)
    everybody = int(columns.alive.sum())
    made = group_portrait(crowd, columns) if len(crowd) else GroupPortrait(0, everybody, ())
    enough = min(len(crowd), everybody - len(crowd)) >= ENOUGH
    rows = [_row(found, one, caller) for one in foretold(made)] if len(crowd) else []
    missing = [key for key in chosen if key not in later and not len(crowd)]
    rows += [_unjudged(found, key, "not_enough_data") for key in missing]
    rows += [_unjudged(found, key, "learned_later") for key in sorted(later)]
    return {
        "then": to_text(came),
        "as_of": at.isoformat(),
        "until": (at + span).isoformat(),
        "after_days": after_days,
        "view": seen,
        "everybody": everybody,
        "reached": len(crowd),
        "needed": ENOUGH,
        "enough": enough,
        "tags": rows,
    }


def _came(workspace: Workspace, found: Known, then: str, days: int) -> t.Expr:
    """What is to be reached, in the window of so many days. Raises UsageError for what has a window of its own."""
    tree = parse(then)
    of_events(tree, found.tags)
    window = t.InLast(t.Duration(days, "day"))
    if isinstance(tree, t.Did) and tree.window is None:
        return replace(tree, window=window)
    if isinstance(tree, t.Compare) and isinstance(tree.left, t.Metric) and tree.left.window is None:
        measures = {key: item.measure for key, item in definitions.metrics(workspace).items()}
        return put_in(replace(tree, left=replace(tree.left, window=window)), measures)
    raise UsageError(
        "`then` is an event or a compared metric without a window: the days after are its window",
        where="then",
        hint=f"{USUAL}, or metric(revenue) >= 100",
    )


def _learned_later(found: Known, key: str, at: datetime) -> bool:
    """Whether the tag, or one that it refers to, has weights that were learned from that instant on."""
    definitions_of = (found.graph.tags[need].definition for need in found.graph.closure([key]))
    learnt = [one.learnt for one in definitions_of if isinstance(one, Learned)]
    return any(one is not None and moment(one.at) >= at for one in learnt)


def _columns(found: Known, keys: Sequence[str], at: datetime, view: str, progress: Progress) -> Columns:
    """The tags as of then, of the people who were there by then."""
    heard = at if view == remembering.KNOWN else None
    fresh = Fresh(found.names, found.graph.tags)
    for need in sorted(found.graph.closure(keys)):
        check(found.graph.tags[need], found.graph, catalog=fresh, as_of=at)
    made: dict[str, Column] = {}
    engine = found.workspace.engine
    with tags_at(engine, found.graph, keys, catalog=fresh, as_of=at, heard=heard) as (tx, _):
        n = publish.size(tx)
        for place, key in enumerate(keys):
            progress("reading", place, len(keys))
            made[key] = drafted(tx, found.graph.tags[key], n, as_of=at)
    columns: Mapping[str, Column] = {key: replace(one, expires_at=None) for key, one in made.items()}
    return Columns.memory(n=n, as_of=at, alive=here(engine, at, n, heard=heard), columns=dict(columns))


def _row(found: Known, one: Foretold, caller: Caller) -> Json:
    tag, used = found.tags[one.tag], _used(found, one.tag)
    hidden = hidden_from(tag, found.workspace, caller)
    return {
        "key": one.tag,
        "titles": dict(tag.title),
        "verdict": one.verdict,
        "people": one.people,
        "worth": _rounded(one.worth),
        "low": _rounded(one.low),
        "high": _rounded(one.high),
        "best": None if one.best is None or hidden else _best(one.best, tag),
        "used": used,
        "proposal": "retire" if one.verdict == "nothing" and not used else "",
    }


def _best(share: Share, tag: Tag) -> Json:
    """The value that differs most: who has it, who of them reached it, and its lift."""
    lift = {"lift": share.tgi, "low": share.tgi_low, "high": share.tgi_high}
    return {
        "value": _said(share, tag.type),
        "people": share.base,
        "reached": share.crowd,
        **{name: None if index is None else round(index / 100, 4) for name, index in lift.items()},
    }


def _said(share: Share, kind: ValueType) -> str | None:
    """The value, or the bin, as text; None: no value."""
    if share.unknown:
        return None
    if share.rest:
        return "…"
    if share.value is not None:
        return as_text(share.value, kind)
    low = as_text(share.low, kind)
    return f"{low} –" if share.high is None else f"{low} – {as_text(share.high, kind)}"


def _unjudged(found: Known, key: str, verdict: str) -> Json:
    return {
        "key": key,
        "titles": dict(found.tags[key].title),
        "verdict": verdict,
        "people": None,
        "worth": None,
        "low": None,
        "high": None,
        "best": None,
        "used": _used(found, key),
        "proposal": "",
    }


def _used(found: Known, key: str) -> int:
    """How many definitions use the tag."""
    return sum(map(len, found.uses.get(key, ())))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
