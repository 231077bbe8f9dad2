"""Verbs of applying: what the definition files would change if they were applied now, and applying exactly that."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from limner.accounts.model import LOCAL, Caller
from limner.audiences import evaluate
from limner.bitmap import Bitmap
from limner.campaigns.journey import audiences_of
from limner.columns import Columns
from limner.errors import (
    OUT_OF_RANGE,
    ConflictError,
    DefinitionError,
    EngineError,
    ExpressionError,
    LimnerError,
    NotFoundError,
    did_you_mean,
)
from limner.expressions import check as check_expression
from limner.expressions import parse
from limner.expressions.tree import InAudience, names_of
from limner.tags import accuracy, publish, running
from limner.tags import plan as plans
from limner.tags import run as tag_runs
from limner.tags import text as tag_text
from limner.tags.aside import NOT_READY, unready
from limner.tags.check import check
from limner.tags.document import Document
from limner.tags.methods.fresh import Fresh
from limner.tags.plan import Difference, Effect, Planned
from limner.types import Json, Progress
from limner.workspace import definitions, journeying, planning, publishing, times
from limner.workspace.knowing import instant_of, live, ran
from limner.workspace.runs import said
from limner.workspace.tagging import Known, in_template, known_now
from limner.workspace.workspace import Workspace

AHEAD = ("draft", "scheduled", "missed")
"""Campaigns of these states still choose their people, so a tag that changes matters to them."""


@dataclass(frozen=True)
class _Scope:
    """The differences that are asked for, and everything that is wrong in the files."""

    known: Known
    keys: tuple[str, ...]
    found: Mapping[str, Difference]
    problems: tuple[Json, ...]
    broken: frozenset[str]

    @property
    def computed(self) -> tuple[str, ...]:
        """The tags that are computed by new definitions, in the order of computing."""
        return tuple(key for key in self.found if key in self.known.graph.tags)

    @property
    def removed(self) -> tuple[str, ...]:
        """The tags whose files are gone."""
        return tuple(key for key in self.found if key not in self.known.graph.tags)

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong in the files of tags and audiences."""
        return not any(_counts(item) for item in self.problems)

    @property
    def epoch(self) -> int:
        """The number of the publication; 0 before the first."""
        last = publish.current(self.known.workspace.engine)
        return 0 if last is None else last.epoch

    @property
    def token(self) -> str | None:
        """What a plan rests on: the publication's number, the files' texts, the tags asked for."""
        if not self.sound:
            return None
        texts = [("tags", key, tag.text) for key, tag in sorted(self.known.tags.items())]
        texts += [("audiences", name, item.text) for name, item in sorted(self.known.audiences.items())]
        return f"{self.epoch}-{_digest(part for item in texts for part in item)}-{_digest(self.keys)}"


def _counts(problem: Json) -> bool:
    """Whether it is in the file of a tag or audience, so that nothing can be applied.

    A tag that waits for its cut points or weights is not applied, nor what refers to it; the others are.
    """
    return (problem["where"] or "").startswith(("tags/", "audiences/")) and problem["code"] not in NOT_READY


def _digest(parts: Iterable[str]) -> str:
    found = hashlib.sha256()
    for part in parts:
        body = part.encode()
        found.update(len(body).to_bytes(8, "big") + body)
    return found.hexdigest()[:16]


def tag_plan(workspace: Workspace, keys: list[str] = [], as_of: str = "") -> Json:  # noqa: B006 - never changed
    """What applying the tag files would change, exactly: people for each tag and audience, and whatever uses them.

    Nothing is published or written. `plan`: what `tag apply` takes to apply exactly this; null when files are wrong.
    """
    began = time.perf_counter()
    workspace.load()
    at = instant_of(workspace, as_of)
    scope = _scope(workspace, keys)
    known = scope.known
    computed = {key: item for key, item in scope.found.items() if key not in scope.broken}
    effects: tuple[Effect, ...] = ()
    read: tuple[Effect, ...] = ()
    audiences: list[Json] = []
    wrong: list[Json] = []
    if computed:
        touched = known.graph.closure(key for key in computed if key in known.graph.tags) | computed.keys()
        concerned = _concerned(known, touched)
        published = live(workspace)
        with (
            _named(workspace, scope),
            plans.planned(
                workspace.engine,
                known.graph,
                computed,
                applied=known.applied,
                catalog=known.names,
                as_of=at,
                published=published,
                kept=set().union(*concerned.values()),
            ) as made,
        ):
            effects, read = made.effects, made.read
            audiences, wrong = _audiences(known, concerned, made, published)
    problems = [*scope.problems, *(item for item in wrong if item not in scope.problems)]
    changed = {item["name"] for item in audiences}
    return {
        "plan": None if wrong else scope.token,
        "as_of": at.isoformat(),
        "epoch": scope.epoch,
        "changes": bool(scope.found),
        "everybody": int(publish.alive(workspace.engine).sum()),
        "tags": [_shown(known, item) for item in effects],
        "read": [_shown(known, item) for item in read],
        "audiences": audiences,
        "campaigns": _campaigns(known, scope.found, changed),
        "journeys": _journeys(known, scope.found, changed),
        "templates": _templates(known, scope.found),
        "problems": problems,
        "waiting": _waiting(known),
        "seconds": round(time.perf_counter() - began, 3),
    }


def tag_apply(
    workspace: Workspace,
    progress: Progress,
    keys: list[str] = [],  # noqa: B006 - never changed
    plan: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """Computes and publishes the tags that differ from what is applied, with what refers to them; no others.

    `plan`: refused when the files, the publication or the tags asked for are not those of that plan.
    """
    workspace.load(progress)
    scope = _fitting(workspace, keys, plan)
    if not scope.found:
        return {"plan": scope.token, "tags": [], "removed": [], "run": None}
    with (
        workspace.runs.run("tag run", ", ".join(scope.computed)) as detail,
        _named(workspace, scope),
        workspace.engine.write(),
    ):
        scope = _fitting(workspace, keys, plan)  # from here on nobody else publishes
        token = scope.token
        accuracy.refuse(
            workspace.engine,
            scope.known.graph,
            scope.computed,
            applied=scope.known.applied,
            catalog=scope.known.names,
            now=scope.known.now,
        )
        report = tag_runs.run(
            workspace.engine,
            scope.known.tags,
            catalog=scope.known.names,
            as_of=scope.known.now,
            run_id=detail["run"],
            columns_dir=workspace.paths.columns,
            only=scope.computed,
            remove=scope.removed,
            published=workspace.columns,
            progress=progress,
        )
        times.keep(workspace, detail, report)
        publishing.keep_versions(workspace, caller)
    return {
        "plan": token,
        "tags": list(scope.computed),
        "removed": list(scope.removed),
        "run": ran(report),
    }


@contextmanager
def _named(workspace: Workspace, scope: _Scope) -> Iterator[None]:
    """Where the data cannot be computed the error names the tag: the others can be asked for without it."""
    known = scope.known
    try:
        yield
    except EngineError as error:
        if error.code != OUT_OF_RANGE:
            raise
        computed = known.graph.closure(scope.computed)
        found = running.failing(
            workspace.engine,
            known.tags,
            known.graph,
            [key for key in known.graph.order if key in computed],
            catalog=known.names,
            as_of=known.now,
            run_id=workspace.new_id(),
            columns_dir=workspace.paths.columns,
        )
        if not found:
            raise
        raise next(iter(found.values())) from error


def _waiting(known: Known) -> list[str]:
    """The tags whose file is a draft, or waits for somebody's approval: it is not in the plan."""
    files, _ = tag_text.read_folder_leniently(known.workspace.paths.folder / "tags")
    return sorted(
        key for key, tag in files.items() if key not in known.tags or known.tags[key].text != tag.text
    )


def _fitting(workspace: Workspace, keys: Collection[str], plan: str) -> _Scope:
    """What is to be applied. Raises DefinitionError when a file is wrong, ConflictError when the plan is of another."""
    scope = _scope(workspace, keys)
    if not scope.sound:
        first = next(item for item in scope.problems if _counts(item))
        raise DefinitionError(
            first["message"], where=first["where"], hint="limner tag plan lists everything that is wrong"
        )
    _fits(scope, plan)
    return scope


def _fits(scope: _Scope, plan: str) -> None:
    """Raises ConflictError when the plan is not of what stands now."""
    if not plan:
        return
    parts, now = plan.split("-"), (scope.token or "").split("-")
    hint = "look at it again: limner tag plan"
    if len(parts) != 3:
        raise ConflictError(f"'{plan}' is no plan", code="no_plan", where="plan", hint=hint)
    if parts[2] != now[2]:
        raise ConflictError("this plan is of other tags", code="other_tags", where="plan", hint=hint)
    if parts[1] != now[1]:
        raise ConflictError(
            "definitions changed since the plan was made", code="definitions_changed", where="plan", hint=hint
        )
    if parts[0] != now[0]:
        raise ConflictError(
            f"tags were published since the plan was made: publication {parts[0]} then, {now[0]} now",
            code="publication_changed",
            where="plan",
            hint=hint,
        )


def _scope(workspace: Workspace, keys: Collection[str]) -> _Scope:
    """What differs, of the keys that are asked for (none: of all), and what is wrong in the files."""
    known = known_now(workspace, in_force=True)
    there = known.tags.keys() | known.applied.keys() | known.broken
    for key in keys:
        if key not in there:
            raise NotFoundError(
                f"there is no tag '{key}'", hint=did_you_mean(key, there) or "limner tag list"
            )
    problems = definitions.problems(workspace)
    listed = {(item["where"], item["message"]) for item in problems}
    lost, cannot = _lost(known)
    problems += [item for item in lost if (item["where"], item["message"]) not in listed]
    found = plans.differences(known.graph, known.applied, unread=known.broken)
    if keys:
        found = plans.among(known.graph, found, keys)
    unset = unready(known.graph, known.tags, catalog=Fresh(known.names, known.tags), as_of=known.now)
    waiting = known.graph.dependents(unset) if unset else frozenset()
    if keys and waiting >= set(keys):
        raise next(iter(unset.values()))
    found = {key: item for key, item in found.items() if key not in waiting}
    broken = known.graph.dependents(cannot)
    return _Scope(known, tuple(sorted(set(keys))), found, tuple(problems), broken)


def _lost(known: Known) -> tuple[list[Json], frozenset[str]]:
    """What is wrong when tags are those of the files and no others, and the tags that cannot be computed then.

    A tag that only names one whose own file is wrong is not listed again.
    """
    names = Fresh(known.names, known.tags)
    found: list[LimnerError] = []
    cannot = set()
    for key, tag in known.tags.items():
        try:
            check(tag, known.graph, catalog=names, as_of=known.now)
        except DefinitionError as error:
            cannot.add(key)
            if not any(names_of(tree) & known.broken for tree in known.graph.trees[key]):
                found.append(error)
    for name, item in known.audiences.items():
        if item.expression is not None and not names_of(parse(item.expression)) & known.broken:
            try:
                check_expression(parse(item.expression), names)
            except ExpressionError as error:
                found.append(Document(item.text, where=f"audiences/{name}.yml").wrapped(error, "expression"))
    return [said(error) for error in found], frozenset(cannot)


def _concerned(known: Known, touched: Collection[str]) -> dict[str, frozenset[str]]:
    """The audiences that name any of these tags, with all tags that each names."""
    return {name: keys for name, keys in known.named_by.items() if keys & set(touched)}


def _audiences(
    known: Known, concerned: Mapping[str, frozenset[str]], made: Planned, published: Columns | None
) -> tuple[list[Json], list[Json]]:
    """The audiences whose people would change, and what is wrong with those that could not be counted then."""
    listed: list[Json] = []
    wrong: list[Json] = []
    for name in sorted(concerned):
        item = known.audiences[name]
        try:
            after = _people_then(name, made)
        except ExpressionError as error:
            place = f"audiences/{name}.yml"
            wrong.append(said(Document(item.text, where=place).wrapped(error, "expression")))
            continue
        before = _people_now(known, name, published, made.columns.as_of)
        if before is not None and before == after:
            continue
        listed.append(
            {
                "name": name,
                "titles": dict(item.title),
                "before": None if before is None else len(before),
                "after": len(after),
                "entered": None if before is None else len(after - before),
                "left": None if before is None else len(before - after),
            }
        )
    return listed, wrong


def _people_then(name: str, made: Planned) -> Bitmap:
    tree = InAudience(name)
    check_expression(tree, made.catalog)
    return evaluate.people_of(
        tree, catalog=made.catalog, reads=made.tx, columns=made.columns, as_of=made.columns.as_of
    )


def _people_now(known: Known, name: str, published: Columns | None, at: datetime) -> Bitmap | None:
    """Who is in the audience as tags are published; None when it names one that is not."""
    tree = InAudience(name)
    try:
        check_expression(tree, known.names)
    except ExpressionError:
        return None
    return evaluate.people_of(
        tree, catalog=known.names, reads=known.workspace.engine, columns=published, as_of=at
    )


def _campaigns(known: Known, keys: Collection[str], audiences: Collection[str]) -> list[Json]:
    """The campaigns that are still to choose their people and use one of the tags, or an audience that changes."""
    states = planning.states(known.workspace)
    listed = []
    for name, item in known.campaigns.items():
        uses = {key: how for key, how in known.in_campaign(item).items() if key in keys}
        state = states.get(name, {"status": "broken", "next": []})
        if (state["status"] in AHEAD or state["next"]) and (uses or item.audience in audiences):
            listed.append(
                {
                    "name": name,
                    "titles": dict(item.title),
                    "status": state["status"],
                    "next_at": state["next"][0] if state["next"] else None,
                    "audience": item.audience,
                    "tags": sorted(uses),
                    "how": sorted(set().union(*uses.values())) if uses else ["audience"],
                }
            )
    return listed


def _journeys(known: Known, keys: Collection[str], audiences: Collection[str]) -> list[Json]:
    """The journeys that are not stopped and use one of the tags, or an audience that changes."""
    states = {row["name"]: row for row in journeying.journey_list(known.workspace)["journeys"]}
    listed = []
    for name, item in known.journeys.items():
        uses = {key: how for key, how in known.in_journey(item).items() if key in keys}
        state = states[name]
        entry = audiences_of(item) & set(audiences)
        if state["status"] != "stopped" and (uses or entry):
            listed.append(
                {
                    "name": name,
                    "titles": dict(item.title),
                    "status": state["status"],
                    "inside": state["inside"],
                    "tags": sorted(uses),
                    "how": sorted(set().union(*uses.values(), {"audience"} if entry else ())),
                }
            )
    return listed


def _templates(known: Known, keys: Collection[str]) -> list[Json]:
    folder = known.workspace.paths.folder / "templates"
    found = {path.name: in_template(path) & set(keys) for path in sorted(folder.glob("*")) if path.is_file()}
    return [{"name": name, "tags": sorted(used)} for name, used in found.items() if used]


def _shown(known: Known, effect: Effect) -> Json:
    key = effect.difference.key
    tag = known.tags.get(key)
    return {
        "key": key,
        "titles": dict(tag.title) if tag else {},
        "type": str(tag.type if tag else known.applied[key].type),
        "why": str(effect.difference.why),
        "through": list(effect.difference.through),
        "before": effect.before,
        "after": effect.after,
        "entered": effect.entered,
        "left": effect.left,
        "moved": effect.moved,
        "revalued": effect.revalued,
    }
