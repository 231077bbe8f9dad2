"""Verbs of gathering: audiences counted, shown, saved, compared, kept and exported; and saved views of lists."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from sqlalchemy import text as sql

from limner.accounts.keys import instant, micros
from limner.accounts.model import LOCAL, Caller, Role, allows, may, sees_personal
from limner.audiences import export, snapshot
from limner.audiences import model as audiences
from limner.audiences.conditions import EVERYBODY, Data, Measured, digest_of, measure
from limner.audiences.leaves import of_one_state
from limner.audiences.model import NAME, Audience
from limner.bitmap import Bitmap
from limner.campaigns import journey as ways
from limner.campaigns.model import Campaign
from limner.columns import Columns
from limner.errors import ConflictError, DeniedError, LimnerError, NotFoundError, UsageError
from limner.expressions import Expr, audiences_of, from_json, names_of, parse, to_json, to_text
from limner.expressions import check as check_expression
from limner.expressions import tree as t
from limner.portraits import group
from limner.portraits.group import Distribution, Share
from limner.portraits.person import readable
from limner.tags import publish
from limner.tags.graph import Graph, build
from limner.tags.masking import hides, hiding
from limner.tags.model import Method, Sensitivity, Tag
from limner.types import MONEY_SCALE, Json, Progress, ValueType
from limner.workspace import definitions, remembering
from limner.workspace.catalog import WorkspaceCatalog, known
from limner.workspace.knowing import exact, instant_of, live, log_export
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.workspace import Workspace
from limner.workspace.writing import etag_of

MOST_SIZES = 60
"""Of an audience's history so many snapshots are shown."""

MOST_TAGS = 100
"""A crowd's portrait shows so many tags, those that tell most first."""

LEAST_REASON = 3

# --- counting --------------------------------------------------------------------------------------


def audience_count(
    workspace: Workspace, expression: str = "", tree: Any = None, as_of: str = "", view: str = ""
) -> Json:
    """How many people a condition (text, or a tree as JSON) holds, exactly, and what each part of it does to that.

    `view`: at a past instant by what was known then, or by what is true of it, see `remembering.view_of`.
    """
    workspace.load()
    if (tree is None) == (not expression):
        raise UsageError("give either 'expression' or 'tree'", where="expression", code="missing")
    asked = parse(expression) if tree is None else from_json(tree, "person")
    condition = definitions.meaning(workspace, asked)
    at = instant_of(workspace, as_of)
    seen = remembering.view_of(workspace, view, at)
    (found,), columns = _measured_all(workspace, [condition], at, parts=True, known=seen == remembering.KNOWN)
    return {
        "count": len(found.who),
        "everybody": len(found.everybody),
        "view": seen,
        "as_of": at.isoformat(),
        "tags_as_of": None if columns is None else columns.as_of.isoformat(),
        "expression": to_text(asked),
        "tree": to_json(asked),
        "conditions": _effects(found),
    }


def _effects(found: Measured) -> list[Json]:
    return [
        {
            "path": list(item.path),
            "expression": to_text(item.node),
            "people": item.people,
            "without": item.without,
        }
        for item in found.conditions
    ]


@dataclass(frozen=True)
class _Known:
    """What conditions are asked of: the names, the published columns, and the tags' graph."""

    names: WorkspaceCatalog
    tags: Mapping[str, Tag]
    columns: Columns | None
    graph: Graph
    saved: Mapping[str, Audience]


def _known(workspace: Workspace, version: int) -> _Known:
    tags = definitions.tags(workspace)
    names = definitions.catalog(workspace)
    saved, _ = audiences.read_folder_leniently(workspace.paths.folder / "audiences")
    return _Known(names, tags, _columns(workspace, version), build(tags, names.audience), saved)


def _columns(workspace: Workspace, version: int) -> Columns | None:
    """The published columns with who is alive in this version of the data."""
    published = workspace.columns
    if published is None:
        return None
    kept = workspace.leaves.get(version, EVERYBODY)
    if kept is None:
        alive = publish.alive(workspace.engine)
        workspace.leaves.put(version, EVERYBODY, Bitmap.of_mask(alive))
    else:
        alive = kept.mask(publish.size(workspace.engine))
    return published.at(workspace.clock(), alive=alive)


def _sound(condition: Expr, found: _Known) -> None:
    """Raises UsageError unless the condition can be answered now."""
    waiting = names_of(condition) & found.tags.keys() - set(found.names.tag_keys())
    if waiting:
        raise UsageError(
            f"the tag '{min(waiting)}' is not computed yet", hint="limner tag run", code="not_computed"
        )
    check_expression(condition, found.names, kind="person")


def _measured(workspace: Workspace, condition: Expr, at: datetime, *, parts: bool = False) -> Measured:
    """The people of the condition; with `parts`, what its parts do."""
    return _measured_all(workspace, [condition], at, parts=parts)[0][0]


def _measured_all(
    workspace: Workspace,
    conditions: Sequence[Expr],
    at: datetime,
    *,
    parts: bool = False,
    known: bool = False,
) -> tuple[list[Measured], Columns | None]:
    """The same of several conditions, and the published tags: all of one state of the data.

    `known`: at a past instant by what was known then, tags as they were defined then.
    """
    engine = workspace.engine
    heard = at if known and at < workspace.clock() else None

    def work(version: int) -> tuple[list[Measured], Columns | None]:
        found = _known(workspace, version)
        lists = {name: digest_of(item.text) for name, item in found.saved.items() if item.fixed}
        graph = found.graph
        if heard is not None:
            graph = build(remembering.tags_then(workspace, found.tags, at)[0], found.names.audience)
        data = Data(engine, found.names, found.columns, graph, lists, version, heard)
        for condition in conditions:
            _sound(condition, found)
        measured = [
            measure(item, data, as_of=at, leaves=workspace.leaves, parts=parts) for item in conditions
        ]
        return measured, found.columns

    published = publish.current(engine)
    if published is None or at < published.as_of or heard is not None:
        with engine.write():  # tags of then are computed in a transaction: nobody else writes meanwhile
            return work(engine.version)
    return of_one_state(lambda: engine.version, engine.write, work)


def _tree_of(workspace: Workspace, audience: str) -> Expr:
    """The condition that an audience's name, or an expression, stands for."""
    saved = definitions.saved_audiences(workspace)
    if audience in saved:
        return t.InAudience(audience)
    names = definitions.catalog(workspace)
    if NAME.match(audience) and audience not in {*names.tag_keys(), *names.attribute_names()}:
        known(saved, audience, "audience")
    return definitions.meaning(workspace, parse(audience))


# --- the list, and one of them ---------------------------------------------------------------------

SORTS = ("name", "-name", "people", "-people", "changed", "-changed")


def audience_list(workspace: Workspace, q: str = "", sort: str = "name") -> Json:
    """All saved audiences with the size of their last snapshots, their last change and what uses them."""
    if sort not in SORTS:
        raise UsageError(f"'sort' is one of {', '.join(SORTS)}", where="sort")
    folder = workspace.paths.folder / "audiences"
    saved, wrong = audiences.read_folder_leniently(folder)
    users = _users(workspace, saved)
    sizes = _sizes(workspace)
    edits = _last_edits(workspace)
    rows = [
        {**_row(workspace, item, sizes.get(name, []), edits), "used_by": users.get(name, []), "problem": None}
        for name, item in saved.items()
    ]
    rows += [
        {
            **_row(workspace, Audience(name, {}, text=""), sizes.get(name, []), edits),
            "expression": None,
            "used_by": users.get(name, []),
            "problem": str(error),
        }
        for error in wrong
        if (name := Path((error.where or "").split(":")[0]).stem)
    ]
    if q:
        wanted = q.casefold().split()
        rows = [row for row in rows if all(word in _words_of(row) for word in wanted)]
    rows.sort(key=lambda row: str(row["name"]))
    field = sort.removeprefix("-")
    if field == "changed":
        rows.sort(key=lambda row: row["changed"]["at"] if row["changed"] else "", reverse=sort[0] == "-")
    elif field == "people":
        rows.sort(key=lambda row: -1 if row["people"] is None else row["people"], reverse=sort[0] == "-")
    elif sort == "-name":
        rows.reverse()
    return {"audiences": rows}


def _words_of(row: Json) -> str:
    words = [row["name"], *row["titles"].values(), row["owner"], row["why"], row["expression"] or ""]
    return "\n".join(words).casefold()


def _row(workspace: Workspace, item: Audience, sizes: list[Json], edits: Mapping[str, Any]) -> Json:
    last = snapshot.state(workspace.engine, item.name)
    return {
        "name": item.name,
        "title": item.title.get("en") or next(iter(item.title.values()), item.name),
        "titles": dict(item.title),
        "expression": item.expression,
        "members": None if item.members is None else len(item.members),
        "owner": item.owner,
        "why": item.why,
        "people": None if last is None else last.people,
        "as_of": None if last is None else last.as_of.isoformat(),
        "sizes": [size["people"] for size in sizes],
        "changed": _changed(workspace, item.name, edits.get(item.name)),
    }


def _changed(workspace: Workspace, name: str, edit: Any) -> Json | None:
    """When the file was written last, and by whom when it was through Limner."""
    path = workspace.paths.definition("audiences", name)
    try:
        content, written = path.read_text(encoding="utf-8"), path.stat().st_mtime
    except (OSError, UnicodeDecodeError):
        return None
    if edit is not None and edit.after == content:
        return {"at": instant(edit.at).isoformat(), "by": edit.by}
    return {"at": datetime.fromtimestamp(written, UTC).isoformat(), "by": None}


def _last_edits(workspace: Workspace) -> dict[str, Any]:
    with workspace.records.read() as connection:
        rows = connection.execute(
            sql(
                "SELECT name, at, by, after FROM (SELECT *, ROW_NUMBER() OVER"
                " (PARTITION BY name ORDER BY at DESC, rowid DESC) AS place FROM edits WHERE kind = 'audiences')"
                " WHERE place = 1"
            )
        ).all()
    return {row.name: row for row in rows}


def _sizes(workspace: Workspace, name: str | None = None) -> dict[str, list[Json]]:
    """Each audience's snapshots, the earliest first: when, how many people, who entered and left."""
    with workspace.records.read() as connection:
        rows = connection.execute(
            sql(
                "SELECT * FROM (SELECT subject, started_at, detail, ROW_NUMBER() OVER"
                " (PARTITION BY subject ORDER BY started_at DESC, rowid DESC) AS place FROM runs"
                " WHERE what = 'audience snapshot' AND status = 'done' AND (:name IS NULL OR subject = :name))"
                " WHERE place <= :most ORDER BY subject, place DESC"
            ),
            {"name": name, "most": MOST_SIZES},
        ).all()
    found: dict[str, list[Json]] = {}
    for row in rows:
        detail = json.loads(row.detail)
        if "people" in detail:
            found.setdefault(row.subject, []).append(
                {
                    "at": detail.get("as_of") or instant(row.started_at).isoformat(),
                    "people": detail["people"],
                    "entered": detail["entered"],
                    "left": detail["left"],
                }
            )
    return found


def _users(workspace: Workspace, saved: Mapping[str, Audience]) -> dict[str, list[Json]]:
    """What names each audience: campaigns, journeys, other audiences and tags."""
    found: dict[str, list[Json]] = {}

    def note(kind: str, key: str, titles: Mapping[str, str], named: Iterable[str]) -> None:
        for name in sorted(set(named)):
            found.setdefault(name, []).append({"kind": kind, "name": key, "titles": dict(titles)})

    for campaign_key, campaign in _campaigns(workspace).items():
        texts = [campaign.audience, *(variant.when for variant in campaign.variants)]
        note(
            "campaign", campaign_key, campaign.title, (name for text in texts for name in _named(text, saved))
        )
    for journey_key, (journey, _) in definitions.journey_files(workspace).items():
        if journey is not None:
            conditions = [
                *ways.conditions_of(journey),
                *(v.when for send in ways.sends_of(journey) for v in send.variants),
            ]
            inside = (name for text in conditions for name in _named(text, {}))
            note("journey", journey_key, journey.title, {*ways.audiences_of(journey), *inside})
    for scene_key, (scene, _) in definitions.scene_files(workspace).items():
        if scene is not None and scene.audience:
            note("scene", scene_key, scene.title, [scene.audience])
    for key, item in saved.items():
        note("audience", key, item.title, _named(item.expression or "", {}))
    for key, tag in definitions.tags(workspace).items():
        if tag.method is Method.RULE:
            note("tag", key, tag.title, (name for text in tag.sources for name in _named(text, {})))
    return found


def _campaigns(workspace: Workspace) -> Mapping[str, Campaign]:
    """The campaigns that can be read; one that is wrong uses nothing."""
    try:
        return definitions.saved_campaigns(workspace)
    except LimnerError:
        return {}


def _named(text: str, saved: Mapping[str, Audience]) -> set[str]:
    """The audiences that a text names: one by its name, or those inside an expression."""
    if text in saved:
        return {text}
    try:
        return audiences_of(parse(text)) if text else set()
    except LimnerError:
        return set()


def audience_show(workspace: Workspace, name: str) -> Json:
    """One audience: its text, how many people it holds now and why, the history of its snapshots, what uses it."""
    workspace.load()
    path = workspace.paths.definition("audiences", name) if NAME.match(name) else None
    if path is None or not path.is_file():
        known(definitions.saved_audiences(workspace), name, "audience")
        raise NotFoundError(f"there is no audience '{name}'")
    text = path.read_text(encoding="utf-8")
    saved, _ = audiences.read_folder_leniently(path.parent)
    now = workspace.clock()
    sizes = _sizes(workspace, name).get(name, [])
    item = saved.get(name) or Audience(name, {}, text=text)
    shown: Json = {
        **_row(workspace, item, sizes, _last_edits(workspace)),
        "used_by": _users(workspace, saved).get(name, []),
        "text": text,
        "etag": etag_of(text),
        "history": list(reversed(sizes)),
        "now": now.isoformat(),
        "count": None,
        "everybody": None,
        "tree": None,
        "conditions": [],
        "ids": None if item.members is None else list(item.members),
        "problem": None,
    }
    try:
        item = audiences.read(text, name)
        condition = audiences.tree(item) if item.expression is not None else t.InAudience(name)
        found = _measured(workspace, definitions.meaning(workspace, condition), now, parts=True)
    except LimnerError as error:
        return {**shown, "problem": str(error)}
    return {
        **shown,
        "count": len(found.who),
        "everybody": len(found.everybody),
        "tree": None if item.fixed else to_json(condition),
        "conditions": [] if item.fixed else _effects(found),
    }


# --- writing ---------------------------------------------------------------------------------------


def audience_save(
    workspace: Workspace, name: str, expression: str, title: str = "", owner: str = "", why: str = ""
) -> Json:
    """Writes audiences/NAME.yml; the answer says how many people it holds now."""
    workspace.load()
    if not NAME.match(name):
        raise UsageError(f"'{name}' is no audience name", hint="letters, digits, _ and -")
    condition = parse(expression)
    found = _measured(workspace, definitions.meaning(workspace, condition), workspace.clock())
    path = workspace.paths.definition("audiences", name)
    if path.exists():
        raise ConflictError(f"{path.name} is already there", hint="edit the file, or choose another name")
    item = Audience(name, {"": title} if title else {}, expression=to_text(condition), owner=owner, why=why)
    draft = path.with_suffix(".part")
    draft.write_text(audiences.write(item), encoding="utf-8")
    draft.replace(path)
    return {"name": name, "path": str(path), "count": len(found.who)}


def audience_text(
    workspace: Workspace,  # noqa: ARG001 - every verb has one
    name: str,
    text: str = "",
    titles: dict[str, str] = {},  # noqa: B006
    expression: str = "",
    members: list[str] = [],  # noqa: B006
    owner: str = "",
    why: str = "",
) -> Json:
    """The definition file that says this; with `text`, that file edited, so that its comments stay."""
    if not NAME.match(name):
        raise UsageError(f"'{name}' is no audience name", where="name", hint="letters, digits, _ and -")
    if bool(expression) == bool(members):
        raise UsageError("an audience has an expression or members", where="expression", code="missing")
    if any(not isinstance(title, str) for title in titles.values()):
        raise UsageError("a title is a text", where="titles", code="invalid_type")
    if expression:
        parse(expression)
    item = Audience(
        name,
        {language: title for language, title in titles.items() if title},
        expression=expression or None,
        members=tuple(members) or None,
        owner=owner,
        why=why,
        text=text,
    )
    return {"text": audiences.write(item)}


def audience_snapshot(workspace: Workspace, name: str, as_of: str = "") -> Json:
    """Keeps who is in the audience, and records who entered and left since the last snapshot."""
    workspace.load()
    at = instant_of(workspace, as_of)
    item = definitions.audience(workspace, name)
    with workspace.runs.run("audience snapshot", name) as detail:
        found = _measured(workspace, t.InAudience(name), at)
        taken = snapshot.take(
            workspace.engine,
            item,
            found.who,
            as_of=at,
            run_id=detail["run"],
            folder=workspace.paths.snapshots,
        )
        answer = {"people": taken.snapshot.people, "entered": taken.entered, "left": taken.left}
        detail.update({"as_of": at.isoformat(), **answer})
    return {"name": name, "as_of": at.isoformat(), **answer}


# --- portraits and comparison ----------------------------------------------------------------------


def audience_portrait(
    workspace: Workspace, name: str, against: str = "", most: int = MOST_TAGS, caller: Caller = LOCAL
) -> Json:
    """Each tag's distribution in a crowd against everybody, or another crowd: TGI with its 95 % interval.

    `name`, `against`: a saved audience, or an expression. Tags and values come in the order of what they tell. Personal
    tags are left out for those who may not see them.
    """
    workspace.load()
    now = workspace.clock()
    crowd = _tree_of(workspace, name)
    asked = [crowd, *([_tree_of(workspace, against)] if against else [])]
    found, published = _measured_all(workspace, asked, now)
    if published is None:
        raise UsageError("no tag is published yet", hint="limner tag run", code="no_tags")
    living = Bitmap.of_mask(published.alive)
    drawn = group.portrait(
        found[0].who & living, published, against=found[1].who & living if against else None
    )
    tags = definitions.tags(workspace)
    hidden = hiding(workspace.config.personal, mask=not sees_personal(caller.role))
    open_to = [item for item in drawn.tags if item.tag not in tags or not hides(tags[item.tag], hidden)]
    shown = sorted(open_to, key=_telling, reverse=True)
    return {
        "people": drawn.crowd,
        "everybody": int(published.alive.sum()),
        "base": drawn.base,
        "findings": drawn.findings,
        "as_of": now.isoformat(),
        "tags_as_of": published.as_of.isoformat(),
        "expression": to_text(crowd),
        "against": to_text(asked[1]) if against else None,
        "tags_in_all": len(shown),
        "tags": [_drawn(item, tags.get(item.tag), crowd) for item in shown[:most]],
    }


def _telling(tag: Distribution) -> tuple[float, float]:
    return max((_told(share) for share in tag.shares), default=(0.0, 0.0))


def _told(share: Share) -> tuple[float, float]:
    """How much a value tells of the crowd: the least difference that its interval allows, as a logarithm.

    Findings come before what may be chance.
    """
    if share.tgi is None:
        return (1.0, math.log(1 + share.crowd)) if share.significant else (0.0, 0.0)
    if share.tgi_low is None or share.tgi_high is None:
        # nobody of the crowd has it: at most 3 of so many would be missed in 95 of 100 draws
        expected = share.base_share * (share.crowd / share.crowd_share if share.crowd_share else 0.0)
        least = math.log(max(expected, 3.0) / 3.0)
    elif share.tgi_low > 100:
        least = math.log(share.tgi_low / 100)
    else:
        least = max(0.0, math.log(100 / share.tgi_high)) if share.tgi_high else 0.0
    return (1.0 if share.significant else 0.0, least)


def _drawn(item: Distribution, tag: Tag | None, crowd: Expr) -> Json:
    shares = sorted(item.shares, key=_told, reverse=True)
    listed = [share.value for share in item.shares if share.value is not None]
    return {
        "tag": item.tag,
        "titles": dict(tag.title) if tag else {},
        "nature": str(tag.nature) if tag else None,
        "method": str(tag.method) if tag else None,
        "category": "/".join(tag.category) if tag else "",
        "type": str(item.type),
        "mean": _mean(item.mean_crowd, item.type),
        "base_mean": _mean(item.mean_base, item.type),
        "values": [_value(item, share, listed, crowd) for share in shares],
    }


def _mean(value: float | None, kind: ValueType) -> float | str | None:
    if value is None:
        return None
    return exact(round(value), MONEY_SCALE) if kind is ValueType.MONEY else value


def _value(item: Distribution, share: Share, listed: list[Any], crowd: Expr) -> Json:
    condition = _condition(item, share, listed)
    return {
        "value": _worded(share, item.type),
        "is": "unknown"
        if share.unknown
        else "rest"
        if share.rest
        else "range"
        if share.value is None
        else "value",
        "of": _plain(share.value, item.type),
        "from": _plain(share.low, item.type),
        "below": _plain(share.high, item.type),
        "people": share.crowd,
        "share": share.crowd_share,
        "base_people": share.base,
        "base_share": share.base_share,
        "tgi": share.tgi,
        "low": share.tgi_low,
        "high": share.tgi_high,
        "p": share.p,
        "significant": share.significant,
        "condition": to_text(condition),
        "expression": to_text(t.And((crowd, condition))),
    }


def _worded(share: Share, kind: ValueType) -> str:
    """A value, or a bin [low, high) of values, as people read it."""
    if share.unknown or share.rest:
        return "unknown" if share.unknown else "all others"
    if share.value is not None:
        return str(readable(share.value, kind))
    shown = str(readable(share.low, kind))
    return f"{shown} and more" if share.high is None else f"{shown} to {readable(share.high, kind)}"


def _plain(value: Any, kind: ValueType) -> Any:
    """A value as JSON: money an exact decimal, an instant ISO."""
    if value is None:
        return None
    if kind is ValueType.MONEY:
        return exact(value, MONEY_SCALE)
    if kind is ValueType.INSTANT:
        return value.isoformat()
    return readable(value, kind)


def _condition(item: Distribution, share: Share, listed: list[Any]) -> Expr:
    """The condition of the people who have the value."""
    name = t.Name(item.tag)
    if share.unknown:
        return t.Not(t.Known(name))
    if share.rest:
        return t.And((t.Known(name), t.Not(t.Among(name, tuple(t.Text(label) for label in listed)))))
    if share.value is not None:
        return t.Compare(name, "=", _literal(share.value, item.type))
    low = t.Compare(name, ">=", _literal(share.low, item.type))
    if share.high is None:
        return low
    return t.And((low, t.Compare(name, "<", _literal(share.high, item.type))))


def _literal(value: Any, kind: ValueType) -> t.Literal:
    match kind:
        case ValueType.FLAG:
            return t.Flag(bool(value))
        case ValueType.INSTANT:
            return t.Instant(value.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        case ValueType.NUMBER | ValueType.MONEY:
            return t.Number(readable(value, kind))
        case _:
            return t.Text(str(value))


def audience_overlap(workspace: Workspace, audiences: list[str]) -> Json:
    """How far 2 to 6 crowds (names or expressions) are the same people: sizes, pairs, and each part on its own."""
    workspace.load()
    if not 2 <= len(audiences) <= 6:
        raise UsageError("give 2 to 6 audiences", where="audiences", code="out_of_range")
    now = workspace.clock()
    trees = [_tree_of(workspace, item) for item in audiences]
    found, _ = _measured_all(workspace, trees, now)
    sets = [item.who for item in found]
    saved = definitions.saved_audiences(workspace)
    pairs = []
    for a, b in combinations(range(len(sets)), 2):
        both, either = len(sets[a] & sets[b]), len(sets[a] | sets[b])
        pairs.append(
            {
                "a": a,
                "b": b,
                "both": both,
                "either": either,
                "jaccard": both / either if either else None,
                "expression": to_text(t.And((trees[a], trees[b]))),
            }
        )
    return {
        "as_of": now.isoformat(),
        "everybody": len(found[0].everybody),
        "audiences": [
            {
                "audience": name,
                "titles": dict(saved[name].title) if name in saved else {},
                "expression": to_text(tree),
                "people": len(who),
            }
            for name, tree, who in zip(audiences, trees, sets, strict=True)
        ],
        "pairs": pairs,
        "parts": _parts(trees, sets),
    }


def _parts(trees: list[Expr], sets: list[Bitmap]) -> list[Json]:
    """Everybody who is in some of the crowds, by which; the largest part first, empty ones left out."""
    found = []
    for size in range(1, len(sets) + 1):
        for inside in combinations(range(len(sets)), size):
            who = sets[inside[0]]
            for place in range(len(sets)):
                who = who & sets[place] if place in inside else who - sets[place]
            if len(who):
                terms = tuple(
                    tree if place in inside else t.negated(tree) for place, tree in enumerate(trees)
                )
                found.append({"in": list(inside), "people": len(who), "expression": to_text(t.And(terms))})
    return sorted(found, key=lambda part: -int(part["people"]))


# --- exports ---------------------------------------------------------------------------------------

_WRITERS = {"csv": export.to_csv, "parquet": export.to_parquet}


def audience_export(
    workspace: Workspace,
    progress: Progress,
    name: str,
    to: str = "",
    format: str = "csv",
    columns: list[str] = [],  # noqa: B006
    reason: str = "",
    mask: bool = False,
    rows: bool = False,
    caller: Caller = LOCAL,
) -> Json:
    """The people of an audience with their tags, as CSV or Parquet; every export is logged.

    Without `to` the file is kept in the workspace's folder of exports, and a reason is needed. `rows`: a row for each
    value of a tag, with since when and until when it holds and from where it comes, instead of one for each person.
    """
    workspace.load()
    now = workspace.clock()
    if not to and len(reason.strip()) < LEAST_REASON:
        raise UsageError(
            "say why", where="reason", code="missing", hint="it stands beside the export for ever"
        )
    kind = Path(to).suffix.removeprefix(".") if to else format
    if kind not in _WRITERS:
        ends = f"'{Path(to).name}' ends neither in .csv nor in .parquet" if to else "csv or parquet"
        raise UsageError(ends, where="to" if to else "format")
    condition = _tree_of(workspace, name)
    fields = _allowed(workspace, _fields(workspace, columns), caller, asked=bool(columns))
    found = _measured(workspace, condition, now)
    number = uuid.uuid4().hex
    target = Path(to) if to else workspace.paths.exports / f"{number}.{kind}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if rows and fields.attributes:
        raise UsageError("rows are of tags: an attribute has none", where="columns", code="no_rows")
    mask = mask or not sees_personal(caller.role)
    hiding: Json = {"personal": workspace.config.personal, "mask": mask}
    tags, published = definitions.tags(workspace), live(workspace)
    if rows:
        batches = export.rows(
            workspace.engine, found.who, fields.tags, tags=tags, columns=published, as_of=now, **hiding
        )
    else:
        batches = export.batches(
            workspace.engine,
            found.who,
            fields,
            tags=tags,
            columns=published,
            catalog=definitions.catalog(workspace),
            as_of=now,
            **hiding,
        )
    draft = target.with_name(f".{target.name}.part")
    try:
        written = _WRITERS[kind](draft, batches, progress=progress, total=0 if rows else len(found.who))
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    log_export(
        workspace,
        id=number,
        who=caller.name,
        what=f"audience {name}",
        path=target,
        people=len(found.who),
        reason=reason.strip(),
    )
    return {
        "export": number,
        "name": name,
        "path": str(target) if to else None,
        "people": len(found.who),
        "rows": written,
        "masked": mask,
        "format": kind,
        "bytes": target.stat().st_size,
        "as_of": now.isoformat(),
    }


def _allowed(workspace: Workspace, fields: export.Fields, caller: Caller, *, asked: bool) -> export.Fields:
    """The fields that the caller may take out: sensitive tags need a role that sees personal data, and its scope.

    Where they were not asked for by name they are left out. Raises DeniedError where they were.
    """
    if sees_personal(caller.role) and allows(caller, "people", "read"):
        return fields
    tags = definitions.tags(workspace)
    closed = [key for key in fields.tags if key in tags and tags[key].sensitivity is Sensitivity.SENSITIVE]
    if closed and asked:
        raise DeniedError(
            f"'{closed[0]}' is sensitive: it is not exported for you",
            code="sensitive",
            where="columns",
            hint="leave it out, or ask an operator; a key with scopes needs people:read",
        )
    return replace(fields, tags=tuple(key for key in fields.tags if key not in closed))


def _fields(workspace: Workspace, columns: list[str]) -> export.Fields:
    """What an export shows: the tags and person.attributes that are named, else all tags."""
    tags = definitions.tags(workspace)
    chosen = list(dict.fromkeys(item.strip() for item in columns if item.strip()))
    if not chosen:
        return export.Fields(tags=tuple(tags))
    return export.Fields(
        attributes=tuple(item.removeprefix("person.") for item in chosen if item.startswith("person.")),
        tags=tuple(known(tags, item, "tag") for item in chosen if not item.startswith("person.")),
    )


def export_list(workspace: Workspace, q: str = "", limit: int = 50, cursor: str = "") -> Json:
    """Who took which people out, when, how many and why; the latest first. `there`: the file can be fetched."""
    values: Json = {"limit": size_of(limit) + 1, "q": f"%{q.casefold()}%"}
    conditions = ["TRUE"]
    if q:
        conditions.append("(LOWER(who) LIKE :q OR LOWER(what) LIKE :q OR LOWER(reason) LIKE :q)")
    if cursor:
        values["at"], values["id"] = place_of(cursor, 2)
        conditions.append("(at, id) < (:at, :id)")
    with workspace.records.read() as connection:
        rows = connection.execute(
            sql(
                f"SELECT * FROM exports WHERE {' AND '.join(conditions)} ORDER BY at DESC, id DESC LIMIT :limit"
            ),
            values,
        ).all()
    shown = rows[:limit]
    return {
        "exports": [_export(workspace, row) for row in shown],
        "next": cursor_of(shown[-1].at, shown[-1].id) if len(rows) > limit else None,
    }


def _export(workspace: Workspace, row: Any) -> Json:
    path = _kept(workspace, row)
    what, _, name = str(row.what).partition(" ")
    return {
        "id": row.id,
        "at": instant(row.at).isoformat(),
        "by": row.who,
        "what": what,
        "name": name or None,
        "people": row.people,
        "reason": row.reason,
        "format": Path(row.path).suffix.removeprefix("."),
        "there": path is not None,
        "bytes": None if path is None else path.stat().st_size,
    }


def _kept(workspace: Workspace, row: Any) -> Path | None:
    """The export's file, if it is one that was kept here and is still there."""
    path = workspace.paths.exports / f"{row.id}{Path(row.path).suffix}"
    return path if Path(row.path) == path and path.is_file() else None


def export_file(workspace: Workspace, id: str) -> Json:
    """Where the file of a kept export lies, and what it is to be called. Raises NotFoundError when it is gone."""
    with workspace.records.read() as connection:
        row = connection.execute(sql("SELECT * FROM exports WHERE id = :id"), {"id": id}).first()
    if row is None:
        raise NotFoundError(f"there is no export '{id}'")
    path = _kept(workspace, row)
    if path is None:
        raise NotFoundError(
            "the file of this export is gone",
            hint="it is deleted when somebody in it is erased; export again",
        )
    shown = _export(workspace, row)
    day = instant(row.at).astimezone(workspace.config.tz).date().isoformat()
    stem = shown["name"] if shown["name"] and NAME.match(shown["name"]) else "people"
    return {**shown, "path": str(path), "file": f"{stem}-{day}.{shown['format']}"}


# --- saved views -----------------------------------------------------------------------------------


def view_list(workspace: Workspace, page: str = "", *, caller: Caller = LOCAL) -> Json:
    """The saved views of a page (or all): one's own, and those that others share."""
    with workspace.records.read() as connection:
        rows = connection.execute(
            sql(
                "SELECT * FROM views WHERE (:page = '' OR page = :page) AND (owner = :owner OR shared = 1)"
                " ORDER BY page, LOWER(name), id"
            ),
            {"page": page, "owner": _owner(caller)},
        ).all()
        rows_of_users = connection.execute(sql("SELECT id, name FROM users")).all()
    names = {f"user:{row.id}": str(row.name) for row in rows_of_users}
    return {"views": [_view(row, caller, names) for row in rows]}


def view_save(
    workspace: Workspace, page: str, name: str, query: str, shared: bool = False, *, caller: Caller = LOCAL
) -> Json:
    """A named view of a page: what its address asks. One's own view of the same name is replaced."""
    if shared and not may(caller.role, Role.OPERATOR):
        raise DeniedError("this needs the role operator: others would see the view", code="forbidden")
    given = {
        "id": uuid.uuid4().hex,
        "page": page,
        "name": name.strip(),
        "query": query.removeprefix("?"),
        "owner": _owner(caller),
        "shared": int(shared),
        "at": micros(workspace.clock()),
    }
    if not given["name"]:
        raise UsageError("a view has a name", where="name", code="missing")
    with workspace.records.begin() as connection:
        connection.execute(
            sql("DELETE FROM views WHERE page = :page AND name = :name AND owner = :owner"), given
        )
        connection.execute(
            sql("INSERT INTO views VALUES (:id, :page, :name, :query, :owner, :shared, :at)"), given
        )
        row = connection.execute(sql("SELECT * FROM views WHERE id = :id"), given).one()
    return _view(row, caller, {})


def view_remove(workspace: Workspace, id: str, *, caller: Caller = LOCAL) -> Json:
    """Takes a saved view away: one's own, or for an admin any that is shared."""
    with workspace.records.begin() as connection:
        row = connection.execute(sql("SELECT * FROM views WHERE id = :id"), {"id": id}).first()
        own = row is not None and row.owner == _owner(caller)
        if row is None or not (own or row.shared):
            raise NotFoundError(f"there is no view '{id}'")
        if not own and caller.role is not Role.ADMIN:
            raise DeniedError("this view is somebody else's", code="forbidden")
        connection.execute(sql("DELETE FROM views WHERE id = :id"), {"id": id})
    return {"id": id, "removed": True}


def _owner(caller: Caller) -> str:
    return f"{caller.kind}:{caller.id}"


def _view(row: Any, caller: Caller, names: Mapping[str, str]) -> Json:
    own = row.owner == _owner(caller)
    return {
        "id": row.id,
        "page": row.page,
        "name": row.name,
        "query": row.query,
        "shared": bool(row.shared),
        "own": own,
        "by": caller.name if own else names.get(row.owner, ""),
    }
