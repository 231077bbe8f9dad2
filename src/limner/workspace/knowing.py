"""Verbs of knowing: expressions, tags, audiences, portraits."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import text

from limner.accounts.keys import micros, sources
from limner.accounts.model import Role, sees_personal
from limner.audiences import evaluate, export, snapshot
from limner.audiences.model import NAME, Audience
from limner.audiences.model import write as write_audience
from limner.bitmap import Bitmap
from limner.columns import Columns
from limner.errors import ConflictError, NotFoundError, UsageError
from limner.expressions import Expr, names_of, parse, to_json, to_text, warnings
from limner.expressions import check as check_expression
from limner.expressions.tree import InAudience
from limner.identity import people
from limner.portraits import group
from limner.portraits import person as person_portrait
from limner.portraits.person import readable
from limner.tags import catalogue, publish
from limner.tags import run as tag_runs
from limner.tags.graph import build
from limner.touches import entries
from limner.types import MONEY_SCALE, Json, Progress, ValueType, utc
from limner.workspace import definitions
from limner.workspace.catalog import WorkspaceCatalog, known
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
    if kind not in ("person", "event"):
        raise UsageError(f"unknown kind '{kind}'", hint="person or event")
    scope: Literal["person", "event"] = "event" if kind == "event" else "person"
    names = definitions.catalog(workspace)
    tree = parse(expression, scope=scope)
    check_expression(tree, names, kind=scope)
    return {
        "code": "ok",
        "text": to_text(tree),
        "tree": to_json(tree),
        "warnings": list(warnings(tree, names)),
    }


def check(workspace: Workspace) -> Json:
    """What is wrong in the definition files, with line and column."""
    workspace.load()
    return {"problems": definitions.problems(workspace)}


def tag_run(workspace: Workspace, progress: Progress, keys: list[str] = [], as_of: str = "") -> Json:  # noqa: B006
    """Compute and publish tags; a failure leaves the previous values untouched."""
    workspace.load(progress)
    at = instant_of(workspace, as_of)
    tags = definitions.tags(workspace)
    for key in keys:
        known(tags, key, "tag")
    with workspace.runs.run("tag run", ", ".join(keys)) as detail:
        report = tag_runs.run(
            workspace.engine,
            tags,
            catalog=definitions.catalog(workspace),
            as_of=at,
            run_id=detail["run"],
            columns_dir=workspace.paths.columns,
            only=keys or None,
            progress=progress,
        )
        detail.update({"tags": len(report.tags), "changes": report.changes, "epoch": report.epoch})
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
            }
            for tag in report.tags
        ],
        "seconds": {name: round(value, 3) for name, value in report.seconds.items()},
    }


def tag_list(workspace: Workspace) -> Json:
    """All tags with nature, method, people, coverage and freshness."""
    tags = definitions.tags(workspace)
    found = catalogue.entries(
        tags,
        publish.applied(workspace.engine),
        live(workspace),
        fingerprints=build(tags, definitions.catalog(workspace).audience).fingerprints,
        now=workspace.clock(),
    )
    return {"tags": [_entry(item) for item in found]}


def _entry(item: catalogue.Entry) -> Json:
    tag, applied = item.tag, item.applied
    return {
        "key": item.key,
        "title": tag.name("en") if tag else item.key,
        "nature": str(tag.nature) if tag else None,
        "method": str(tag.method) if tag else None,
        "type": str(tag.type) if tag else None,
        "category": "/".join(tag.category) if tag else None,
        "owner": tag.owner if tag else None,
        "state": item.state,
        "people": item.people,
        "coverage": round(item.coverage, 6),
        "as_of": applied.as_of.isoformat() if applied else None,
        "expires_at": applied.expires_at.isoformat() if applied and applied.expires_at else None,
    }


def live(workspace: Workspace) -> Columns | None:
    """The published columns with who is alive at this moment."""
    found = workspace.columns
    if found is None:
        return None
    return found.at(workspace.clock(), alive=publish.alive(workspace.engine))


def tag_show(workspace: Workspace, key: str) -> Json:
    """One tag: definition, coverage, sum, and its distribution; missing is a value of its own."""
    tags = definitions.tags(workspace)
    tag = tags[known(tags, key, "tag")]
    found = catalogue.entries(
        {key: tag},
        publish.applied(workspace.engine),
        live(workspace),
        fingerprints={},
        now=workspace.clock(),
    )
    entry = next(item for item in found if item.key == key)
    columns = live(workspace)
    answer = {**_entry(entry), "text": tag.text, "why": tag.why, "sum": None, "values": []}
    if columns is None or key not in columns:
        return answer
    now = workspace.clock()
    everybody = int(columns.alive.sum())
    total = catalogue.total(key, columns, now=now)
    answer["sum"] = exact(total, MONEY_SCALE) if tag.type is ValueType.MONEY and total is not None else total
    answer["values"] = [
        {
            "value": _said(item.value, item.low, item.high, item.unknown, item.rest, tag.type),
            "people": item.people,
            "share": round(item.people / everybody, 6) if everybody else 0.0,
        }
        for item in catalogue.distribution(key, columns, now=now)
    ]
    return answer


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


def audience_count(workspace: Workspace, expression: str, as_of: str = "") -> Json:
    """How many people an expression holds, exactly."""
    workspace.load()
    tree, names = _checked(workspace, expression)
    at = instant_of(workspace, as_of)
    return {"count": _count(workspace, tree, names, at), "as_of": at.isoformat()}


def _count(workspace: Workspace, tree: Expr, names: WorkspaceCatalog, at: datetime) -> int:
    return evaluate.count(
        tree,
        engine=workspace.engine,
        catalog=names,
        columns=live(workspace),
        as_of=at,
        graph=build(definitions.tags(workspace), names.audience),
    )


def _checked(workspace: Workspace, expression: str) -> tuple[Expr, WorkspaceCatalog]:
    names = definitions.catalog(workspace)
    tree = parse(expression)
    waiting = names_of(tree) & definitions.tags(workspace).keys() - set(names.tag_keys())
    if waiting:
        raise UsageError(
            f"the tag '{min(waiting)}' is not computed yet", hint="limner tag run", code="not_computed"
        )
    check_expression(tree, names, kind="person")
    return tree, names


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
        tree = parse(name)
    check_expression(tree, names, kind="person")
    return evaluate.people(
        tree,
        engine=workspace.engine,
        catalog=names,
        columns=live(workspace),
        as_of=as_of,
        graph=build(definitions.tags(workspace), names.audience),
    )


def audience_list(workspace: Workspace) -> Json:
    """All saved audiences with their last snapshot."""
    listed = []
    for name, item in definitions.saved_audiences(workspace).items():
        last = snapshot.state(workspace.engine, name)
        listed.append(
            {
                "name": name,
                "title": item.title.get("en") or next(iter(item.title.values()), name),
                "expression": item.expression or f"{len(item.members or ())} members",
                "owner": item.owner,
                "why": item.why,
                "people": None if last is None else last.people,
                "as_of": None if last is None else last.as_of.isoformat(),
            }
        )
    return {"audiences": listed}


def audience_save(
    workspace: Workspace, name: str, expression: str, title: str = "", owner: str = "", why: str = ""
) -> Json:
    """Writes audiences/NAME.yml; the answer says how many people it holds now."""
    workspace.load()
    if not NAME.match(name):
        raise UsageError(f"'{name}' is no audience name", hint="letters, digits, _ and -")
    tree, names = _checked(workspace, expression)
    path = workspace.paths.definition("audiences", name)
    if path.exists():
        raise ConflictError(f"{path.name} is already there", hint="edit the file, or choose another name")
    item = Audience(name, {"": title} if title else {}, expression=to_text(tree), owner=owner, why=why)
    draft = path.with_suffix(".part")
    draft.write_text(write_audience(item), encoding="utf-8")
    draft.replace(path)
    return {"name": name, "path": str(path), "count": _count(workspace, tree, names, workspace.clock())}


def audience_snapshot(workspace: Workspace, name: str, as_of: str = "") -> Json:
    """Keeps who is in the audience, and records who entered and left since the last snapshot."""
    workspace.load()
    at = instant_of(workspace, as_of)
    item = definitions.audience(workspace, name)
    with workspace.runs.run("audience snapshot", name) as detail:
        who = members(workspace, name, at)
        taken = snapshot.take(
            workspace.engine, item, who, as_of=at, run_id=detail["run"], folder=workspace.paths.snapshots
        )
        answer = {"people": taken.snapshot.people, "entered": taken.entered, "left": taken.left}
        detail.update(answer)
    return {"name": name, "as_of": at.isoformat(), **answer}


def audience_portrait(workspace: Workspace, name: str) -> Json:
    """Each tag's distribution in the crowd against everybody: TGI with its 95 % interval."""
    workspace.load()
    now = workspace.clock()
    published = live(workspace)
    if published is None:
        raise UsageError("no tag is published yet", hint="limner tag run", code="no_tags")
    crowd = members(workspace, name, now)
    crowd &= Bitmap.of_mask(published.alive)
    found = group.portrait(crowd, published)
    return {
        "people": found.crowd,
        "everybody": found.base,
        "findings": found.findings,
        "as_of": published.as_of.isoformat(),
        "tags": [
            {
                "tag": tag.tag,
                "type": str(tag.type),
                "mean": tag.mean_crowd,
                "base_mean": tag.mean_base,
                "values": [
                    {
                        "value": _said(
                            share.value, share.low, share.high, share.unknown, share.rest, tag.type
                        ),
                        "people": share.crowd,
                        "share": share.crowd_share,
                        "base_share": share.base_share,
                        "tgi": share.tgi,
                        "low": share.tgi_low,
                        "high": share.tgi_high,
                        "significant": share.significant,
                    }
                    for share in tag.shares
                ],
            }
            for tag in found.tags
        ],
    }


def audience_export(
    workspace: Workspace,
    progress: Progress,
    name: str,
    to: str,
    columns: str = "",
    reason: str = "",
    role: str = "admin",
) -> Json:
    """The people of an audience with their tags, as CSV or Parquet; every export is logged."""
    workspace.load()
    now = workspace.clock()
    who = members(workspace, name, now)
    target = Path(to)
    tags = definitions.tags(workspace)
    chosen = [item.strip() for item in columns.split(",") if item.strip()]
    fields = export.Fields(
        attributes=tuple(item.removeprefix("person.") for item in chosen if item.startswith("person.")),
        tags=tuple(known(tags, item, "tag") for item in chosen if not item.startswith("person."))
        if chosen
        else tuple(tags),
    )
    mask = not sees_personal(_role(role))
    writers = {".csv": export.to_csv, ".parquet": export.to_parquet}
    if target.suffix not in writers:
        raise UsageError(f"'{target.name}' ends neither in .csv nor in .parquet", where="to")
    found = export.batches(
        workspace.engine,
        who,
        fields,
        tags=tags,
        columns=live(workspace),
        catalog=definitions.catalog(workspace),
        as_of=now,
        personal=workspace.config.personal,
        mask=mask,
    )
    written = writers[target.suffix](target, found, progress=progress, total=len(who))
    log_export(workspace, who=role, what=f"audience {name}", path=target, people=written, reason=reason)
    return {"name": name, "path": str(target), "people": written, "masked": mask}


def log_export(workspace: Workspace, *, who: str, what: str, path: Path, people: int, reason: str) -> None:
    """Every export leaves a row: who, what, where to, how many, why."""
    with workspace.records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO exports (id, at, who, what, path, people, reason)"
                " VALUES (:id, :at, :who, :what, :path, :people, :reason)"
            ),
            {
                "id": uuid.uuid4().hex,
                "at": micros(workspace.clock()),
                "who": who,
                "what": what,
                "path": str(path),
                "people": people,
                "reason": reason,
            },
        )


def _role(role: str) -> Role:
    if role not in list(Role):
        raise UsageError(f"unknown role '{role}'", hint="admin, operator or viewer")
    return Role(role)


def person_ix(workspace: Workspace, who: str) -> int:
    """The person's ordinal. Raises NotFoundError."""
    found = people.find(workspace.engine, who, keys=workspace.config.strong_keys)
    if found is None:
        raise NotFoundError(
            f"there is no person '{who}'", hint="a user id, or kind:value such as device:d1 or email:a@b.c"
        )
    return found


def person_show(
    workspace: Workspace, id: str, as_of: str = "", role: str = "admin", everything: bool = False
) -> Json:
    """The portrait of a person: identities, attributes, tags, timeline (50 events, or all), messages, audiences."""
    workspace.load()
    at = instant_of(workspace, as_of)
    ix = person_ix(workspace, id)
    names = definitions.catalog(workspace)
    tags = definitions.tags(workspace)
    person_id = people.person_id(workspace.engine, ix)
    shown = person_portrait.portrait(
        workspace.engine,
        ix,
        tags=tags,
        columns=live(workspace),
        now=at,
        graph=build(tags, names.audience),
        catalog=names,
        identities=people.identities(workspace.engine, ix),
        messages=messages_of(workspace, person_id),
        audiences=_audiences_of(workspace, ix),
        sources={source.source_i: source.name for source in sources(workspace.records)},
        personal=workspace.config.personal,
        mask=not sees_personal(_role(role)),
        events=EVERYTHING if everything else 50,
    )
    return {"person": person_id, "as_of": at.isoformat(), **shown}


def _audiences_of(workspace: Workspace, ix: int) -> list[str]:
    found = []
    for name in definitions.saved_audiences(workspace):
        if snapshot.state(workspace.engine, name) is not None and ix in snapshot.members(
            workspace.engine, name, workspace.paths.snapshots
        ):
            found.append(name)
    return found


def messages_of(workspace: Workspace, person_id: str) -> list[Json]:
    """The messages to a person, the latest first."""
    shown = []
    for row in entries.of_person(workspace.records, person_id):
        found = {
            name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()
        }
        shown.append({"at": found["done_at"] or found["claimed_at"], **found})
    return shown
