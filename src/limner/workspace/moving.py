"""The verb of transitions: from which value of a tag to which people went between two instants."""

from __future__ import annotations

from datetime import datetime, timedelta

from limner.accounts.model import LOCAL, Caller
from limner.columns import Column
from limner.errors import ConflictError, UsageError
from limner.tags import publish
from limner.tags.check import check
from limner.tags.history import tags_at
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Tag, shown
from limner.tags.preview import drafted
from limner.tags.transitions import Place, here, transitions
from limner.types import Json, Progress, ValueType
from limner.workspace import remembering
from limner.workspace.catalog import known
from limner.workspace.knowing import instant_of
from limner.workspace.tagging import Known, hidden_from, known_now
from limner.workspace.workspace import Workspace

USUAL = timedelta(days=30)


def tag_transitions(
    workspace: Workspace,
    progress: Progress,
    key: str,
    since: str = "",
    until: str = "",
    view: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """From which value of a flag or text to which people went from `since` to `until`; all counts are everybody.

    Values are computed by today's definition as of both instants (default: now, and 30 days before); people without a
    value, and those who had done nothing by `since`, are places of their own. `view`: by what was known at each, or by
    what is true of it, see `remembering.view_of`. Raises UsageError for other types, ConflictError for hidden values.
    """
    workspace.load(progress)
    found = known_now(workspace)
    tag = found.tags[known(found.tags, key, "tag")]
    if tag.type not in (ValueType.FLAG, ValueType.TEXT):
        raise UsageError(
            f"'{key}' is of type {tag.type}: it has no places between which people go",
            where="key",
            code="no_places",
            hint="cut it into tiers: docs/how-to/rules.md",
        )
    if hidden_from(tag, workspace, caller):
        raise ConflictError(f"the values of '{key}' are personal", code="hidden", where="key")
    end = instant_of(workspace, until) if until else found.now
    start = instant_of(workspace, since) if since else end - USUAL
    if end > found.now:
        raise UsageError(f"{end.isoformat()} lies ahead", where="until")
    if start >= end:
        raise UsageError(f"{start.isoformat()} is not before {end.isoformat()}", where="since")
    seen = remembering.view_of(workspace, view, start)
    heard = {at: at if seen == remembering.KNOWN else None for at in (start, end)}
    columns = []
    for number, at in enumerate((start, end)):
        progress("computing", number, 2)
        columns.append(_then(found, tag, at, heard=heard[at]))
    n = max(column.n for column in columns)
    made = transitions(
        *columns,
        here_before=here(workspace.engine, start, n, heard=heard[start]),
        here_after=here(workspace.engine, end, n, heard=heard[end]),
        order=[shown(value).strip("'") for value in tag.named],
    )
    new = sum(made.moves[0])
    return {
        "key": key,
        "since": start.isoformat(),
        "until": end.isoformat(),
        "view": seen,
        "everybody": made.people,
        "new": new,
        "stayed": made.stayed,
        "moved": made.moved,
        "before": [_place(place, sum(row)) for place, row in zip(made.before, made.moves, strict=True)],
        "after": [
            _place(place, sum(column))
            for place, column in zip(made.after, zip(*made.moves, strict=True), strict=True)
        ],
        "moves": [list(row) for row in made.moves],
    }


def _then(found: Known, tag: Tag, at: datetime, *, heard: datetime | None) -> Column:
    """The tag's values as of then."""
    fresh = Fresh(found.names, found.graph.tags)
    for need in found.graph.closure([tag.key]):
        check(found.graph.tags[need], found.graph, catalog=fresh, as_of=at)
    with tags_at(found.workspace.engine, found.graph, [tag.key], catalog=fresh, as_of=at, heard=heard) as (
        tx,
        _,
    ):
        return drafted(tx, found.graph.tags[tag.key], publish.size(tx), as_of=at)


def _place(place: Place, people: int) -> Json:
    return {"kind": place.kind, "value": place.value, "people": people}
