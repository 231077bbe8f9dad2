"""Verbs of knowing: expressions, tags, audiences, portraits."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import text

from limner.accounts.keys import micros
from limner.accounts.model import LOCAL, Caller, sees_personal
from limner.audiences import evaluate
from limner.audiences.model import NAME
from limner.bitmap import Bitmap
from limner.columns import Columns
from limner.errors import ConflictError, NotFoundError, UsageError
from limner.expressions import Expr, from_json, parse, to_json, to_text, warnings
from limner.expressions import check as check_expression
from limner.expressions.tree import InAudience
from limner.identity import people
from limner.portraits.person import readable
from limner.tags import accuracy, catalogue, publish, running
from limner.tags.graph import build
from limner.tags.masking import hides, hiding
from limner.tags.run import RunReport
from limner.types import Json, Progress, ValueType, utc
from limner.workspace import definitions, publishing, times
from limner.workspace.catalog import known
from limner.workspace.computing import computing
from limner.workspace.workspace import Workspace

EVERYTHING = 1_000_000_000


def instant_of(workspace: Workspace, as_of: str) -> datetime:
    """The instant that the words name: ISO, a date is its first instant in the workspace's zone; '' is now."""
    if not as_of:
        return workspace.clock()
    try:
        read = datetime.fromisoformat(as_of)
    except ValueError:
        raise UsageError(
            f"'{as_of}' is not an instant",
            where="as_of",
            hint="for example 2026-05-01 or 2026-05-01T08:00:00Z",
        ) from None
    return utc(read.replace(tzinfo=workspace.config.tz) if read.tzinfo is None else read)


def expression_check(workspace: Workspace, expression: str, kind: str = "person") -> Json:
    """Whether an expression is right: its printed form and tree, and what it names that is not known yet."""
    return _parsed(workspace, parse(expression, scope=_scope(kind)), kind)


def expression_print(workspace: Workspace, tree: Any, kind: str = "person") -> Json:
    """A tree as text, held to the same rules as a text."""
    return _parsed(workspace, from_json(tree, _scope(kind)), kind)


def _scope(kind: str) -> Literal["person", "event"]:
    if kind not in ("person", "event"):
        raise UsageError(f"unknown kind '{kind}'", hint="person or event")
    return "event" if kind == "event" else "person"


def _parsed(workspace: Workspace, tree: Expr, kind: str) -> Json:
    names = definitions.catalog(workspace)
    meant = definitions.meaning(workspace, tree)
    check_expression(meant, names, kind=_scope(kind))
    return {
        "code": "ok",
        "text": to_text(tree),
        "tree": to_json(tree),
        "warnings": list(warnings(meant, names)),
    }


LABELS = 50


def expression_names(workspace: Workspace, caller: Caller = LOCAL) -> Json:
    """Everything that an expression can name now; of each text tag its most frequent labels too.

    Labels of personal tags are left out for those who may not see them.
    """
    workspace.load()
    names = definitions.catalog(workspace)
    tags = definitions.tags(workspace)
    published = live(workspace)
    now = workspace.clock()
    hidden = hiding(workspace.config.personal, mask=not sees_personal(caller.role))
    listed = []
    for key in names.tag_keys():
        tag, typed = tags.get(key), names.tag(key)
        labels: list[str] = []
        open_to = typed is not None and typed[1] is ValueType.TEXT and not (tag and hides(tag, hidden))
        if open_to and published is not None and key in published:
            found = catalogue.distribution(key, published, now=now, most=LABELS)
            labels = [str(item.value) for item in found if not item.unknown and not item.rest]
        listed.append(
            {
                "key": key,
                "title": tag.name("en") if tag else key,
                "titles": dict(tag.title) if tag else {},
                "type": str(typed[1]) if typed else "",
                "category": "/".join(tag.category) if tag else "",
                "values": labels,
                "weighted": tag is not None and tag.weighted,
            }
        )
    properties = [(name, names.property(name)) for name in names.property_names()]
    return {
        "tags": listed,
        "attributes": list(names.attribute_names()),
        "events": list(names.event_names()),
        "properties": [{"name": name, "type": str(found[1])} for name, found in properties if found],
        "audiences": list(names.audience_names()),
        "sources": list(names.source_codes()),
        "zone": workspace.config.zone,
    }


def check(workspace: Workspace) -> Json:
    """What is wrong in the definition files, with line and column."""
    workspace.load()
    return {"problems": definitions.problems(workspace)}


def tag_run(
    workspace: Workspace,
    progress: Progress,
    keys: list[str] = [],  # noqa: B006
    as_of: str = "",
    full: bool = False,
    caller: Caller = LOCAL,
) -> Json:
    """Compute and publish tags; a failure leaves the previous values untouched."""
    workspace.load(progress)
    at = instant_of(workspace, as_of)
    tags = definitions.tags(workspace)
    for key in keys:
        if key not in tags and workspace.paths.definition("tags", key).is_file():
            raise ConflictError(
                f"'{key}' is not computed: it is a draft, or its text waits for approval",
                code="not_in_force",
                where=f"tags/{key}.yml",
                hint=f"limner tag submit {key}" if workspace.config.approvals else "stage: published",
            )
        known(tags, key, "tag")
    names = definitions.catalog(workspace)
    if any(tag.at_least is not None for tag in tags.values()):
        accuracy.refuse(
            workspace.engine,
            build(tags, names.audience),
            keys or tags,
            applied=publish.applied(workspace.engine),
            catalog=names,
            now=workspace.clock(),
        )
    with (
        workspace.runs.run("tag run", ", ".join(keys)) as detail,
        computing(workspace.config, workspace.paths.folder) as engine,
    ):
        report = running.run(
            workspace.engine,
            tags,
            catalog=names,
            as_of=at,
            run_id=detail["run"],
            columns_dir=workspace.paths.columns,
            only=keys or None,
            full=full,
            published=workspace.columns,
            progress=progress,
            computing=engine,
        )
        times.keep(workspace, detail, report)
        publishing.keep_versions(workspace, caller)
        tell_aside(workspace, report, detail)
    return ran(report)


def tell_aside(workspace: Workspace, report: RunReport, detail: Json) -> None:
    """Alerts, once, that the run set tags aside, and writes them down with the run."""
    if not report.aside:
        return
    detail["aside"] = [item.tag for item in report.aside]
    if new := [item.tag for item in report.aside if item.since is None]:
        workspace.runs.alert("tags set aside", {"tags": new, "run": report.run})


def ran(report: RunReport) -> Json:
    """What a run did, as its verb answers."""
    return {
        "run": report.run,
        "as_of": report.as_of.isoformat(),
        "people": report.people,
        "changes": report.changes,
        "removed": list(report.removed),
        "tags": [
            {
                "tag": tag.tag,
                "people": tag.people,
                "entered": tag.entered,
                "left": tag.left,
                "changed": tag.moved,
                "redefined": tag.redefined,
                "seconds": None if tag.seconds is None else round(tag.seconds, 4),
            }
            for tag in report.tags
        ],
        "aside": [
            {
                "tag": item.tag,
                "code": item.code,
                "message": item.message,
                "where": item.where or None,
                "hint": item.hint or None,
                "through": item.through or None,
                "since": (item.since or report.as_of).isoformat(),
            }
            for item in report.aside
        ],
        "carried": None
        if report.carried is None
        else {
            "touched": report.carried.touched,
            "anew": report.carried.anew,
            "held": report.carried.held,
            "added": report.carried.added,
        },
        "seconds": {name: round(value, 3) for name, value in report.seconds.items()},
    }


def live(workspace: Workspace) -> Columns | None:
    """The published columns with who is alive at this moment."""
    found = workspace.columns
    if found is None:
        return None
    return found.at(workspace.clock(), alive=publish.alive(workspace.engine))


def exact(units: int | float, scale: int) -> str:
    """A whole number of 1/scale as an exact decimal."""
    return format((Decimal(int(units)) / scale).normalize(), "f")


def _said(value: Any, low: Any, high: Any, unknown: bool, rest: bool, kind: ValueType) -> str:
    """A value, or a bin [low, high) of values, as people read it."""
    if unknown:
        return "unknown"
    if rest:
        return "all others"
    if value is not None:
        return str(readable(value, kind))
    shown = str(readable(low, kind))
    return f"{shown} and more" if high is None else f"{shown} to {readable(high, kind)}"


def members(workspace: Workspace, name: str, as_of: datetime) -> Bitmap:
    """The people of a saved audience, or of an expression."""
    saved = definitions.saved_audiences(workspace)
    names = definitions.catalog(workspace)
    if name in saved:
        tree: Expr = InAudience(name)
    elif NAME.match(name) and name not in names.tag_keys():
        raise NotFoundError(
            f"there is no audience '{name}'",
            hint=f"limner audience save {name} 'EXPRESSION', or limner audience list",
        )
    else:
        tree = definitions.meaning(workspace, parse(name))
    check_expression(tree, names, kind="person")
    return evaluate.people(
        tree,
        engine=workspace.engine,
        catalog=names,
        columns=live(workspace),
        as_of=as_of,
        graph=build(definitions.tags(workspace), names.audience),
    )


def log_export(
    workspace: Workspace, *, who: str, what: str, path: Path, people: int, reason: str, id: str = ""
) -> None:
    """Every export leaves a row: who, what, where to, how many, why."""
    with workspace.records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO exports (id, at, who, what, path, people, reason)"
                " VALUES (:id, :at, :who, :what, :path, :people, :reason)"
            ),
            {
                "id": id or uuid.uuid4().hex,
                "at": micros(workspace.clock()),
                "who": who,
                "what": what,
                "path": str(path),
                "people": people,
                "reason": reason,
            },
        )


def person_ix(workspace: Workspace, who: str) -> int:
    """The ordinal of the person that an identifier or an outward id names. Raises NotFoundError."""
    found = people.find(workspace.engine, who, keys=workspace.config.strong_keys)
    if found is None and people.PERSON_ID.fullmatch(who):
        found = people.find(workspace.engine, f"person:{who}", keys=workspace.config.strong_keys)
    if found is None:
        raise NotFoundError(
            f"there is no person '{who}'", hint="a user id, or kind:value such as device:d1 or email:a@b.c"
        )
    return found
