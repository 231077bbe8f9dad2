"""Verbs of giving: a tag's value to one person or to many by hand, taken back, imported, and undone exactly.

What is given is a record of the event log before it counts; then it stands in the tag, and in what refers to it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.audiences import evaluate
from limner.columns import EPOCH_START
from limner.connectors.files import open_file
from limner.connectors.seam import Block
from limner.errors import ConflictError, NotFoundError, UsageError
from limner.events import conversions as read
from limner.events import given as log
from limner.events.given import About, Batch
from limner.expressions import check as check_expression
from limner.expressions import parse, to_text
from limner.expressions.tree import Expr
from limner.identity import people
from limner.identity.then import Then
from limner.portraits.person import exact
from limner.tags import giving, handing, overlay, publish
from limner.tags import run as tag_runs
from limner.tags import text as tag_text
from limner.tags.giving import CHANGE, CHANGED, CHOSEN, GONE, SAME, UNNAMED, Change
from limner.tags.handing import Handed
from limner.tags.masking import hides, hiding, masked
from limner.tags.methods.given import IMPORTED, MANUAL
from limner.tags.model import Given, Method, Tag, Value
from limner.types import Json, Progress, ValueType, naive, silent, utc
from limner.workspace import publishing, times, uploads
from limner.workspace.catalog import known
from limner.workspace.knowing import instant_of, live, person_ix
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.tagging import Known, known_now
from limner.workspace.workspace import Workspace

TRIES = 3
LISTED = 100
"""So many people who were left out are named, one by one."""
VALUES = 12
"""So many values that people had before are counted, one by one."""

MOST_LINES = 1_000
"""So many lines of a file that were not taken are listed; all are counted."""

WHO, VALUE, UNTIL = "person", "value", "expires_at"
"""The columns of a file of values."""

CORRECT = "correct"
"""What a batch did in which a person corrected a value of their own."""

REASONS = {
    UNNAMED: "has no identifier of its own (a device of several people)",
    CHANGED: "has another value since",
    GONE: "is not there any more",
}


@dataclass(frozen=True)
class _Asked:
    """What somebody wants: the tag, one value for all (None takes it away), until when, and to whom."""

    known: Known
    tag: Tag
    value: Value | None
    until: datetime | None
    chosen: pa.Table
    said: str
    rejected: tuple[Json, ...]
    rejected_total: int


# giving and taking


def tag_give_preview(
    workspace: Workspace,
    key: str,
    value: Any = True,
    person: str = "",
    people: list[str] = [],  # noqa: B006 - never changed
    where: str = "",
    until: str = "",
) -> Json:
    """What giving the value would change: how many people, and from which values. Nothing is written."""
    workspace.load()
    asked = _asked(workspace, key, value, person, people, where, until)
    change = _change(workspace, asked, author="", batch="")
    return _said(workspace, asked, change)


def tag_give(
    workspace: Workspace,
    progress: Progress,
    key: str,
    value: Any = True,
    person: str = "",
    people: list[str] = [],  # noqa: B006 - never changed
    where: str = "",
    until: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """Gives the value to one person, to a list of people, or to everybody in a condition; it counts at once.

    Whoever has that value already keeps it as it was given. Of a tag that is computed the given value stands in the
    place of the computed one until it is taken back or ends.
    """
    return _give(workspace, progress, key, value, person, people, where, until, caller)


def tag_correct(
    workspace: Workspace,
    progress: Progress,
    key: str,
    person: str,
    value: Any = True,
    until: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """Gives one person the value that this very person says is right; it counts as a value given by hand, and as truth.

    `caller` is who handed it on (a form of the shop, the service desk); the portrait says that the customer said so.
    """
    return _give(workspace, progress, key, value, person, [], "", until, caller, what=CORRECT)


def tag_take_preview(
    workspace: Workspace,
    key: str,
    person: str = "",
    people: list[str] = [],  # noqa: B006 - never changed
    where: str = "",
) -> Json:
    """From how many people a value given by hand would be taken back. Nothing is written."""
    workspace.load()
    asked = _asked(workspace, key, None, person, people, where, "")
    return _said(workspace, asked, _change(workspace, asked, author="", batch=""))


def tag_take(
    workspace: Workspace,
    progress: Progress,
    key: str,
    person: str = "",
    people: list[str] = [],  # noqa: B006 - never changed
    where: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """Takes values given by hand back; what is computed or imported counts again at once."""
    return _give(workspace, progress, key, None, person, people, where, "", caller)


def _give(
    workspace: Workspace,
    progress: Progress,
    key: str,
    value: Any,
    person: str,
    chosen: list[str],
    where: str,
    until: str,
    caller: Caller,
    *,
    what: str = "",
) -> Json:
    with workspace.loader.paused():
        workspace.load(progress)
        asked = _asked(workspace, key, value, person, chosen, where, until)
        asked = _ready(workspace, asked, caller)
        batch = workspace.new_id()
        change = _change(workspace, asked, author=caller.name, batch=batch)
        about = About(
            what=what or ("take" if asked.value is None else "give"),
            tag=key,
            origin=MANUAL,
            author=caller.name,
            value=None if asked.value is None else giving.encoded(asked.tag.type, asked.value),
            chosen=asked.said,
        )
        answer = _said(workspace, asked, change)
        progress("giving", 0, change.rows.num_rows)
        _write(workspace, batch, about, change.rows)
    return {**answer, "batch": batch if change.rows.num_rows else None}


def _asked(
    workspace: Workspace, key: str, value: Any, person: str, listed: Sequence[str], where: str, until: str
) -> _Asked:
    known_tags = known_now(workspace, in_force=True)
    tag = _tag(known_tags, key)
    now = workspace.clock()
    wanted = None if value is None else value_of(tag, value)
    ends = _ends(workspace, tag, until, now) if wanted is not None else None
    if sum(map(bool, (person, listed, where.strip()))) != 1:
        raise UsageError("name one person, a list of people, or a condition", where="where")
    rejected: list[Json] = []
    if person:
        ordinals, said = np.array([person_ix(workspace, person)], np.uint32), "one person"
    elif listed:
        found = people.find_all(workspace.engine, listed, keys=workspace.config.strong_keys)
        rejected = [
            {"person": text, "reason": "there is no such person"}
            for text, ix in zip(listed, found, strict=True)
            if ix is None
        ]
        ordinals = np.unique(np.array([ix for ix in found if ix is not None], np.uint32))
        said = f"{len(listed)} people by name"
    else:
        tree = parse(where)
        ordinals, said = _in(workspace, known_tags, tree, now), to_text(tree)
    encoded = None if wanted is None else giving.encoded(tag.type, wanted)
    n = len(ordinals)
    chosen = pa.table(
        [
            pa.array(ordinals, pa.uint32()),
            pa.repeat(pa.scalar(encoded, pa.string()), n),
            pa.repeat(pa.scalar(None if ends is None else naive(ends), pa.timestamp("us")), n),
        ],
        schema=CHOSEN,
    )
    return _Asked(known_tags, tag, wanted, ends, chosen, said, tuple(rejected[:LISTED]), len(rejected))


def _tag(found: Known, key: str) -> Tag:
    """The tag, which is in force. Raises NotFoundError or ConflictError."""
    path = found.workspace.paths.definition("tags", key)
    if key not in found.tags and path.is_file():
        raise ConflictError(
            f"'{key}' is not computed: its file is wrong, a draft, or waits for approval",
            code="not_in_force",
            where=f"tags/{key}.yml",
            hint="limner check",
        )
    return found.tags[known(found.tags, key, "tag")]


def value_of(tag: Tag, given: Any) -> Value:
    """What is given as a value of the tag: as its file would write it, or as text. Raises UsageError."""
    kind = tag.type
    wanted = given
    if isinstance(given, str) and kind is ValueType.FLAG:
        wanted = {"true": True, "false": False}.get(given.strip().lower(), given)
    elif isinstance(given, str) and kind in (ValueType.NUMBER, ValueType.MONEY):
        try:
            wanted = float(given)
        except ValueError:
            wanted = given
    elif kind is ValueType.TEXT and isinstance(given, int | float) and not isinstance(given, bool):
        wanted = f"{given:g}" if isinstance(given, float) else str(given)
    value = tag_text.value_in(kind, wanted)
    if value is None or value == "" or value in (float("inf"), float("-inf")) or value != value:
        raise UsageError(f"'{given}' is no {kind}", where="value", code="bad_value")
    if not giving.allows(tag, value):
        allowed = tag.definition.values if isinstance(tag.definition, Given) else ()
        raise UsageError(
            f"'{tag.key}' has no value '{given}'",
            where="value",
            code="not_allowed",
            hint=f"one of {', '.join(str(exact(one, kind)) for one in allowed)}",
        )
    return value


def _ends(workspace: Workspace, tag: Tag, until: str, now: datetime) -> datetime | None:
    """When the value ends: as it is said, else by the validity of a tag whose values are given."""
    if until:
        ends = instant_of(workspace, until)
        if ends <= now:
            raise UsageError(f"'{until}' is over already", where="until", code="out_of_range")
        return ends
    if isinstance(tag.definition, Given) and tag.validity is not None:
        return now + tag.validity
    return None


def _in(workspace: Workspace, found: Known, tree: Expr, now: datetime) -> np.ndarray[Any, Any]:
    check_expression(tree, found.names, kind="person")
    columns = live(workspace)
    members = evaluate.people(
        tree, engine=workspace.engine, catalog=found.names, columns=columns, as_of=now, graph=found.graph
    )
    return members.numpy()


def _change(workspace: Workspace, asked: _Asked, *, author: str, batch: str) -> Change:
    return giving.giving(
        workspace.engine,
        asked.chosen,
        tag=asked.tag.key,
        origin=MANUAL,
        author=author,
        batch=batch,
        now=_now(workspace),
    )


def _said(workspace: Workspace, asked: _Asked, change: Change) -> Json:
    left = _left(change, (UNNAMED, GONE))
    return {
        "tag": asked.tag.key,
        "titles": dict(asked.tag.title),
        "value": None if asked.value is None else exact(asked.value, asked.tag.type),
        "until": None if asked.until is None else asked.until.isoformat(),
        "chosen": asked.said,
        "people": asked.chosen.num_rows,
        "changes": change.rows.num_rows,
        "same": change.count(SAME),
        "corrects": not isinstance(asked.tag.definition, Given) or asked.tag.method is Method.IMPORTED,
        "before": _before(workspace, asked.tag, change),
        "rejected": [*asked.rejected, *left][:LISTED],
        "rejected_total": asked.rejected_total + change.count(UNNAMED) + change.count(GONE),
        "batch": None,
    }


def _before(workspace: Workspace, tag: Tag, change: Change) -> list[Json]:
    """How many of those who change have which value now, by whomever; the most frequent first, null: none."""
    ordinals = change.people.filter(pc.equal(change.people["outcome"], CHANGE))["ix"]
    columns = live(workspace)
    if columns is None or tag.key not in columns:
        return [{"value": None, "people": len(ordinals)}] if len(ordinals) else []
    column = columns[tag.key].padded(max(columns.n, publish.size(workspace.engine)))
    counted = column.arrow(ordinals.combine_chunks().to_numpy()).value_counts().to_pylist()
    counted.sort(key=lambda row: (-row["counts"], str(row["values"])))
    shown = [{"value": _shown(row["values"], tag.type), "people": row["counts"]} for row in counted[:VALUES]]
    rest = sum(row["counts"] for row in counted[VALUES:])
    return [*shown, {"value": "…", "people": rest}] if rest else shown


def _shown(value: Any, kind: ValueType) -> Any:
    return None if value is None else exact(value, kind)


def _left(change: Change, outcomes: Sequence[str]) -> list[Json]:
    return [
        {"person": row["person"], "reason": REASONS[outcome]}
        for outcome in outcomes
        for row in change.of(outcome, LISTED)
    ]


# writing


def _now(workspace: Workspace) -> datetime:
    """Now, but never before what was given last: the later one stands, also when a clock was put back."""
    latest = giving.latest(workspace.engine)
    now = workspace.clock()
    return now if latest is None else max(now, utc(latest))


def _ready(workspace: Workspace, asked: _Asked, caller: Caller) -> _Asked:
    """The tag is applied as it is defined; one that is not yet is computed now, alone."""
    held = asked.known.applied.get(asked.tag.key)
    mark = asked.known.graph.fingerprints[asked.tag.key]
    if held is not None and held.fingerprint == mark and not held.expired:
        return asked
    key = asked.tag.key
    with workspace.runs.run("tag run", key) as detail:
        report = tag_runs.run(
            workspace.engine,
            asked.known.tags,
            catalog=asked.known.names,
            as_of=_now(workspace),
            run_id=detail["run"],
            columns_dir=workspace.paths.columns,
            only=[key],
            remove=[],
            published=workspace.columns,
        )
        times.keep(workspace, detail, report)
        publishing.keep_versions(workspace, caller)
    return asked


def _write(workspace: Workspace, batch: str, about: About, rows: pa.Table) -> None:
    """The batch is durable in the log, in the engine, and stands in the tags when this returns."""
    if not rows.num_rows:
        return
    kept = Batch(batch, naive(_now(workspace)), about, rows)
    workspace.log.append_now(log.record(kept))
    workspace.load()
    hand_on(workspace, run=batch)


def hand_on(workspace: Workspace, *, run: str = "") -> Handed | None:
    """Given values that wait to stand in their tags, or whose time is over, are handed on; None when none was."""
    for _ in range(TRIES):
        now = _now(workspace)
        columns = workspace.columns
        if columns is None or not handing.due(workspace.engine, now):
            return None
        found = known_now(workspace, in_force=True)
        handed = handing.hand_on(
            workspace.engine,
            found.graph,
            catalog=found.names,
            now=now,
            run_id=run or workspace.new_id(),
            columns=columns,
            ready=workspace.hold,
        )
        if handed is not None:
            return handed
    return None


# undoing


def tag_undo_preview(workspace: Workspace, batch: str) -> Json:
    """What undoing the batch would bring back, and who has another value since. Nothing is written."""
    workspace.load()
    row = _batch(workspace, batch)
    return _undone(row, _undoing(workspace, row))


def tag_undo(workspace: Workspace, progress: Progress, batch: str, caller: Caller = LOCAL) -> Json:
    """Everybody in the batch has again exactly what was there before it: value, author, time and end.

    Whoever was given another value since keeps that, and is named. An undoing is a batch and can be undone.
    """
    with workspace.loader.paused():
        workspace.load(progress)
        row = _batch(workspace, batch)
        change = _undoing(workspace, row)
        answer = _undone(row, change)
        if not change.rows.num_rows:
            raise ConflictError(
                "nothing is left of this batch: it was undone, or everybody has another value since",
                code="nothing_left",
                hint="limner tag batches",
            )
        made = workspace.new_id()
        about = About(
            what="undo",
            tag=row["tag"],
            origin=row["origin"],
            author=caller.name,
            chosen=row["chosen"],
            source=row["source"],
            undoes=row["batch"],
        )
        _write(workspace, made, about, change.rows)
    return {**answer, "batch": made}


def _batch(workspace: Workspace, batch: str) -> Json:
    found = [dict(row) for row in giving.batches(workspace.engine, batch=batch, most=1)] if batch else []
    if not found:
        raise NotFoundError(f"there is no batch '{batch}'", hint="limner tag batches")
    return found[0]


def _undoing(workspace: Workspace, row: Json) -> Change:
    return giving.undoing(workspace.engine, row["batch"], tag=row["tag"], origin=row["origin"])


def _undone(row: Json, change: Change) -> Json:
    return {
        "undoes": row["batch"],
        "tag": row["tag"],
        "people": change.people.num_rows,
        "changes": change.rows.num_rows,
        "changed": [
            {"person": one["person"], "by": one["author"] or "", "at": utc(one["given_at"]).isoformat()}
            for one in change.of(CHANGED, LISTED)
        ],
        "changed_total": change.count(CHANGED),
        "rejected": _left(change, (UNNAMED, GONE))[:LISTED],
        "rejected_total": change.count(UNNAMED) + change.count(GONE),
        "batch": None,
    }


def tag_batches(workspace: Workspace, key: str = "", limit: int = 50, cursor: str = "") -> Json:
    """What was given, taken, imported and undone, the latest first: by whom, to whom, what still stands of it."""
    workspace.load()
    size_of(limit)
    after = int(place_of(cursor, 1)[0]) if cursor else None
    rows = giving.batches(workspace.engine, tag=key, most=limit + 1, after=after)
    tags = known_now(workspace).tags
    shown = rows[:limit]
    return {
        "batches": [_batch_row(row, tags.get(row["tag"])) for row in shown],
        "next": cursor_of(int(shown[-1]["load_i"])) if len(rows) > limit else None,
    }


def _batch_row(row: Any, tag: Tag | None) -> Json:
    return {
        "batch": row["batch"],
        "what": row["what"],
        "tag": row["tag"],
        "titles": {} if tag is None else dict(tag.title),
        "value": None if row["value"] is None else _decoded(row["value"], tag),
        "at": utc(row["ts"]).isoformat(),
        "by": row["author"],
        "chosen": row["chosen"],
        "source": row["source"],
        "people": int(row["people"]),
        "standing": int(row["standing"]),
        "undoes": row["undoes"],
        "undone_by": row["undone_by"],
    }


def _decoded(text: str, tag: Tag | None) -> Any:
    """A value as the log writes it, as answers show it: money is an exact decimal text."""
    return text if tag is not None and tag.type is ValueType.MONEY else json.loads(text)


# conflicts


def tag_conflicts(
    workspace: Workspace,
    key: str,
    standing: bool = False,
    limit: int = 50,
    cursor: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """Where a value given by hand differs from the computed or imported one, the latest first.

    Values of personal tags are masked for those who may not see them.
    """
    workspace.load()
    found = known_now(workspace)
    tag = found.tags[known(found.tags, key, "tag")]
    size_of(limit)
    after = tuple(int(part) for part in place_of(cursor, 2)) if cursor else None
    rows, total, stand = overlay.conflicts(
        workspace.engine,
        key,
        standing=standing,
        most=limit + 1,
        after=None if after is None else (after[0], after[1]),
    )
    shown = rows[:limit]
    hide = hides(tag, hiding(workspace.config.personal, mask=not sees_personal(caller.role)))
    said = giving.standing(
        workspace.engine, [row["ix"] for row in shown], tag=key, origin=MANUAL, now=_now(workspace)
    )
    last = shown[-1] if shown else None
    return {
        "tag": key,
        "total": total,
        "standing": stand,
        "masked": hide,
        "conflicts": [_conflict(row, tag, said.get(row["ix"]), hide) for row in shown],
        "next": cursor_of(int(last["began"]), int(last["number"])) if last and len(rows) > limit else None,
    }


def conflict_list(workspace: Workspace) -> Json:
    """The tags of which a value given by hand differed from the other one: how often, and how many stand now."""
    workspace.load()
    found = known_now(workspace)
    return {
        "tags": [
            {"key": key, "titles": dict(found.tags[key].title), "total": total, "standing": standing}
            for key, (total, standing) in overlay.conflicted(workspace.engine).items()
            if key in found.tags
        ]
    }


def _conflict(row: Any, tag: Tag, said: Any, hide: bool) -> Json:
    values = {name: spoken(row[name], tag.type) for name in ("given", "computed")}
    if hide:
        values = {name: masked(value) for name, value in values.items()}
    ended = row["ended"]
    by_hand = said if said is not None and ended is None else None
    return {
        "person": row["person"],
        **values,
        "at": _instant(row["began"]),
        "ended": None if ended is None else _instant(ended),
        "by": "" if by_hand is None else by_hand["author"],
        "given_at": None
        if by_hand is None or by_hand["given_at"] is None
        else utc(by_hand["given_at"]).isoformat(),
    }


def _instant(micros: int) -> str:
    return utc(EPOCH_START + timedelta(microseconds=int(micros))).isoformat()


def spoken(text: str | None, kind: ValueType) -> Any:
    """A value as the engine's tables write it, as answers show it."""
    if text is None:
        return None
    match kind:
        case ValueType.FLAG:
            return text == "true"
        case ValueType.NUMBER:
            return exact(float(text), kind)
        case ValueType.MONEY:
            return exact(int(text), kind)
        case ValueType.INSTANT:
            return exact(utc(datetime.fromisoformat(text)), kind)
        case _:
            return text


def held_by_hand(
    workspace: Workspace,
    ix: int,
    found: Mapping[str, Tag],
    *,
    now: datetime,
    hide: Collection[str] = (),
    person: Then | None = None,
) -> dict[str, Json]:
    """What was given to a person, by tag: {value, by, who, at, until, origin, batch, computed}.

    `who`: whether staff said it, or the customer did, and `by` handed it on.
    `computed` is what would be the value without the one given by hand, null where there would be none. `person`: who
    they were then, and what was given to whoever that was.
    """
    beside = overlay.beside(workspace.engine, ix)
    shown: dict[str, Json] = {}
    rows = giving.of_person(workspace.engine, ix, now=now, person=person)
    did = giving.whats(workspace.engine, [row["cause"] for row in rows if row["cause"]])
    for row in rows:
        tag = found.get(row["tag"])
        own = tag is not None and tag.method is Method.IMPORTED
        if tag is None or (row["origin"] == IMPORTED and (not own or row["tag"] in shown)):
            continue
        if row["origin"] == MANUAL or row["tag"] not in shown:
            hidden = hides(tag, hide)
            value, computed = _decoded(row["value"], tag), spoken(beside.get(tag.key), tag.type)
            shown[tag.key] = {
                "value": masked(value) if hidden else value,
                "by": row["author"] or "",
                "who": "customer" if did.get(row["cause"]) == CORRECT else "staff",
                "at": utc(row["given_at"]).isoformat(),
                "until": None if row["expires_at"] is None else utc(row["expires_at"]).isoformat(),
                "origin": row["origin"],
                "batch": row["cause"],
                "corrects": tag.method is not Method.MANUAL and row["origin"] == MANUAL,
                "computed": masked(computed) if hidden and computed is not None else computed,
            }
    return shown


# importing


def tag_import_preview(
    workspace: Workspace, key: str, file: str = "", upload: str = "", source: str = "", until: str = ""
) -> Json:
    """What importing the file's values would change, and which rows are no values. Nothing is written."""
    workspace.load()
    return _imported(workspace, silent, key, _path(workspace, file, upload), source, until)[0]


def tag_import(
    workspace: Workspace,
    progress: Progress,
    key: str,
    file: str = "",
    upload: str = "",
    source: str = "",
    until: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """Gives the values of a file (person, value, perhaps expires_at) to its people; rows = taken + rejected.

    A value that somebody gave by hand stays in its place; both are listed as a conflict.
    """
    path = _path(workspace, file, upload)
    with workspace.loader.paused():
        workspace.load(progress)
        batch = workspace.new_id()
        answer, asked, change = _imported(
            workspace, progress, key, path, source, until, author=caller.name, batch=batch
        )
        _ready(workspace, asked, caller)
        about = About(what="import", tag=key, origin=IMPORTED, author=caller.name, source=answer["source"])
        _write(workspace, batch, about, change.rows)
    return {**answer, "batch": batch if change.rows.num_rows else None}


def _path(workspace: Workspace, file: str, upload: str) -> Path:
    if bool(file) is bool(upload):
        raise UsageError("name a file, or an upload", where="file")
    return uploads.find(workspace.paths, upload).path if upload else Path(file)


def _imported(
    workspace: Workspace,
    progress: Progress,
    key: str,
    path: Path,
    source: str,
    until: str,
    *,
    author: str = "",
    batch: str = "",
) -> tuple[Json, _Asked, Change]:
    found = known_now(workspace, in_force=True)
    tag = _tag(found, key)
    if tag.method is not Method.IMPORTED:
        raise UsageError(
            f"'{key}' is of method {tag.method}: only values of imported tags come from a file",
            where="key",
            code="not_imported",
            hint=f"limner tag give {key} VALUE --people FILE",
        )
    now = workspace.clock()
    ends = _ends(workspace, tag, until, now)
    limits = workspace.config.limits
    reader = open_file(path, file_bytes=limits.import_bytes, field_bytes=limits.field_bytes)
    names = {name.strip().lower(): name for name in reader.columns}
    places = {WHO: names.get(WHO), VALUE: names.get(VALUE) or names.get(key), UNTIL: names.get(UNTIL)}
    missing = [name for name in (WHO, VALUE) if places[name] is None]
    if missing:
        raise UsageError(
            f"the file has no column '{missing[0]}'",
            where=path.name,
            code="missing_column",
            hint=f"its first line names {WHO}, {VALUE} and, if values end, {UNTIL}",
        )
    rows = _Rows([], [], [], [], {})
    for block in reader.blocks():
        rows.take(workspace, tag, block, places, ends, now)
        progress("reading", *reader.done())
    chosen = rows.chosen()
    change = giving.giving(
        workspace.engine, chosen, tag=key, origin=IMPORTED, author=author, batch=batch, now=_now(workspace)
    )
    rows.unnamed(change)
    lines = sorted(rows.rejected.items())
    taken = change.rows.num_rows + change.count(SAME)
    by_hand = giving.against(workspace.engine, chosen, tag=key, now=_now(workspace))
    answer: Json = {
        "tag": key,
        "titles": dict(tag.title),
        "source": source or tag.source or path.name,
        "rows": taken + len(lines),
        "taken": taken,
        "changes": change.rows.num_rows,
        "same": change.count(SAME),
        "by_hand": by_hand,
        "rejected": [
            {"line": line, "person": who, "code": code, "reason": reason}
            for line, (who, code, reason) in lines[:MOST_LINES]
        ],
        "rejected_total": len(lines),
        "reasons": dict(Counter(code for _, (_, code, _) in lines)),
        "batch": None,
    }
    said = _Asked(found, tag, None, ends, chosen, "", (), 0)
    return answer, said, change


@dataclass
class _Rows:
    """A file's rows as they are read: who, value, end and line of what fits; why others do not, by line."""

    ixs: list[int]
    values: list[str]
    ends: list[datetime | None]
    lines: list[int]
    rejected: dict[int, tuple[str, str, str]]

    def take(
        self,
        workspace: Workspace,
        tag: Tag,
        block: Block,
        places: Mapping[str, str | None],
        ends: datetime | None,
        now: datetime,
    ) -> None:
        """Reads one block."""
        for problem in block.problems:
            self.rejected[problem.line] = ("", problem.code, problem.message)
        n = block.rows.num_rows
        who = read.texts(_column(block, places[WHO])).to_pylist()
        given, wrong = _typed(_column(block, places[VALUE]), tag.type, workspace.config.zone)
        texts = read.json(given, kind=tag.type).to_pylist()
        until: list[datetime | None] = [None if ends is None else naive(ends)] * n
        if places[UNTIL] is not None:
            told = read.instant(_column(block, places[UNTIL]), format="iso", zone=workspace.config.zone)
            for bad in told.bad:
                wrong |= dict.fromkeys(bad.rows.tolist(), (bad.code, f"{UNTIL} {bad.says}"))
            until = [own or usual for own, usual in zip(told.values.to_pylist(), until, strict=True)]
        allowed = tag.definition.values if isinstance(tag.definition, Given) else ()
        known_values = {giving.encoded(tag.type, value) for value in allowed}
        people_named = people.find_all(
            workspace.engine, [text or "" for text in who], keys=workspace.config.strong_keys
        )
        for at, (text, ix, value, end) in enumerate(zip(who, people_named, texts, until, strict=True)):
            line = int(block.lines[at])
            why: tuple[str, str] | None = wrong.get(at)
            if not text:
                why = ("no_person", "names no person")
            elif why is None and value is None:
                why = ("no_value", "has no value")
            elif why is None and known_values and value not in known_values:
                why = ("not_allowed", f"{value} is none of the tag's values")
            elif why is None and end is not None and end <= naive(now):
                why = ("over", "is over already")
            elif why is None and ix is None:
                why = ("unknown_person", "there is no such person")
            if why is not None or ix is None or value is None:
                self.rejected[line] = (text or "", *(why or ("no_value", "has no value")))
                continue
            self.ixs.append(ix)
            self.values.append(value)
            self.ends.append(end)
            self.lines.append(line)

    def chosen(self) -> pa.Table:
        """Each person once: the last line of a person counts, those before are rejected."""
        last = {ix: at for at, ix in enumerate(self.ixs)}
        for at, ix in enumerate(self.ixs):
            if last[ix] != at:
                said = f"the person is named again on line {self.lines[last[ix]]}"
                self.rejected[self.lines[at]] = ("", "again", said)
        kept = sorted(last.values())
        return pa.table(
            [
                pa.array([self.ixs[at] for at in kept], pa.uint32()),
                pa.array([self.values[at] for at in kept], pa.string()),
                pa.array([self.ends[at] for at in kept], pa.timestamp("us")),
            ],
            schema=CHOSEN,
        )

    def unnamed(self, change: Change) -> None:
        """Rejects the lines of people who cannot be given anything."""
        lines = dict(zip(self.ixs, self.lines, strict=True))
        for outcome in (UNNAMED, GONE):
            for row in change.of(outcome, change.people.num_rows):
                self.rejected[lines[row["ix"]]] = (row["person"], outcome, REASONS[outcome])


def _column(block: Block, name: str | None) -> pa.Array:
    if name is None or name not in block.rows.column_names:
        return pa.nulls(block.rows.num_rows, pa.string())
    column = block.rows[name].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        return pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, column.type)
    return column


def _typed(column: pa.Array, kind: ValueType, zone: str) -> tuple[pa.Array, dict[int, tuple[str, str]]]:
    """The values of the type, and what is wrong by row."""
    match kind:
        case ValueType.MONEY:
            found = read.money(column)
        case ValueType.NUMBER:
            found = read.number(column)
        case ValueType.FLAG:
            found = read.flag(column)
        case ValueType.INSTANT:
            found = read.instant(column, format="iso", zone=zone)
        case _:
            return read.texts(column), {}
    wrong = {at: (bad.code, f"the value {bad.says}") for bad in found.bad for at in bad.rows.tolist()}
    return found.values, wrong
