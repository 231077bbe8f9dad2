"""A workspace's definition files read together: tags, audiences, campaigns, and the catalogue they make."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from limner.accounts import keys
from limner.audiences import model as audiences
from limner.audiences.model import Audience
from limner.campaigns import approvals, policy_text, scene_text
from limner.campaigns import journey_text as journeys
from limner.campaigns import text as campaigns
from limner.campaigns.approvals import Approval
from limner.campaigns.journey import Journey, Send, conditions_of, gives_of, sends_of
from limner.campaigns.model import Campaign, Goal
from limner.campaigns.policy import once_at
from limner.campaigns.scene import Scene
from limner.contacts import codes, tag_sync
from limner.content import check as content_check
from limner.content import text as content_text
from limner.content.as_objects import kind_of
from limner.content.model import LIBRARY, Ask, Item
from limner.errors import (
    ConfigError,
    DefinitionError,
    ExpressionError,
    LimnerError,
    NotFoundError,
    UsageError,
    did_you_mean,
)
from limner.expressions import Expr, check, names_of, parse
from limner.expressions.printer import to_text
from limner.expressions.tree import Aggregate, audiences_of, metrics_of
from limner.forms import text as forms
from limner.identity import people
from limner.metrics.model import Metric, measure_of, put_in
from limner.referrals import text as referrals
from limner.tags import check as tag_check
from limner.tags import exclusive, goal, measures, naming, objects, publish, trying
from limner.tags import text as tag_text
from limner.tags.document import Document
from limner.tags.exclusive import Group
from limner.tags.graph import build, grouped, strangers
from limner.tags.model import Stage, Tag
from limner.tags.objects import Objects
from limner.touches import hooks, replies
from limner.types import Json, ValueType
from limner.workspace import answering, fitting
from limner.workspace.catalog import WorkspaceCatalog, known, seen
from limner.workspace.runs import said
from limner.workspace.schedule import moments
from limner.workspace.workspace import Workspace


def tags(workspace: Workspace) -> dict[str, Tag]:
    """Every tag that is to be computed, with its exclusive group. Raises DefinitionError for the first wrong file.

    Drafts are left out. Where approvals are asked for, a text that nobody else approved yet is not read: the one that
    was applied last stands in its place.
    """
    found = tag_text.read_folder(workspace.paths.folder / "tags")
    known_groups, wrong = exclusive.read_folder(workspace.paths.folder / "groups")
    unread = (read_folder(workspace.paths.folder / kind)[1] for kind, read_folder in _NAMED.items())
    for error in (*wrong, *strangers(found, known_groups), *chain.from_iterable(unread)):
        raise error
    return grouped(told(workspace, in_force(workspace, found)), known_groups)


_NAMED: Mapping[str, Callable[[Path], tuple[Mapping[str, Any], list[DefinitionError]]]] = {
    "metrics": measures.read_folder,
    "objects": objects.read_folder,
}
"""What tags name besides each other, and how its files are read."""


def told(workspace: Workspace, found: Mapping[str, Tag]) -> dict[str, Tag]:
    """The tags, each knowing the metrics and objects that it may name; the library of content is a kind of objects."""
    known_kinds = kinds(workspace)
    if LIBRARY not in known_kinds and any(
        LIBRARY in source for tag in found.values() for source in tag.sources
    ):
        items = content_text.read_folder(workspace.paths.folder / LIBRARY)[0]
        known_kinds = {**known_kinds, LIBRARY: kind_of(items)}
    return objects.meaning(measures.measuring(found, metrics(workspace)), known_kinds)


def kinds(workspace: Workspace) -> dict[str, Objects]:
    """Every kind of objects whose files can be read."""
    return objects.read_folder(workspace.paths.folder / "objects")[0]


def metrics(workspace: Workspace) -> dict[str, Metric]:
    """Every metric whose file can be read."""
    return measures.read_folder(workspace.paths.folder / "metrics")[0]


def in_force(workspace: Workspace, files: Mapping[str, Tag]) -> dict[str, Tag]:
    """Of the files those that are to be computed: no drafts, and where approvals are asked for none that waits."""
    if not workspace.config.approvals:
        return {key: tag for key, tag in files.items() if tag.stage is not Stage.DRAFT}
    applied = publish.applied(workspace.engine)
    found = {}
    for key, tag in files.items():
        held = applied.get(key)
        if (held is not None and held.text == tag.text) or (
            tag.stage is not Stage.DRAFT and is_approved(workspace, key, tag.text)
        ):
            found[key] = tag
        elif held is not None:
            with suppress(DefinitionError):
                found[key] = tag_text.read(held.text, key)
    return found


def approval_subject(key: str) -> str:
    """What the approval of a tag is about."""
    return f"tag {key}"


def approval_digest(key: str, text: str) -> str:
    """The digest of exactly this text as that tag."""
    return approvals.digest_of({f"tags/{key}": text})


def approval_of(workspace: Workspace, key: str, text: str) -> Approval | None:
    """The last word on exactly this text as that tag; None when nobody asked."""
    return approvals.latest(
        workspace.records, subject=approval_subject(key), digest=approval_digest(key, text)
    )


def is_approved(workspace: Workspace, key: str, text: str) -> bool:
    """Whether somebody else approved exactly this text."""
    said = approval_of(workspace, key, text)
    return said is not None and said.decision == approvals.APPROVED


def groups(workspace: Workspace) -> dict[str, Group]:
    """Every exclusive group whose file can be read."""
    return exclusive.read_folder(workspace.paths.folder / "groups")[0]


def in_groups(workspace: Workspace, found: Mapping[str, Tag]) -> tuple[dict[str, Tag], list[DefinitionError]]:
    """The tags with metrics and exclusive groups, and what is wrong with groups: a wrong one holds for nobody."""
    known_groups, wrong = exclusive.read_folder(workspace.paths.folder / "groups")
    return _in_groups(told(workspace, found), known_groups, wrong)


def _in_groups(
    found: Mapping[str, Tag], known_groups: Mapping[str, Group], wrong: list[DefinitionError]
) -> tuple[dict[str, Tag], list[DefinitionError]]:
    wrong = [*wrong, *strangers(found, known_groups)]
    right: dict[str, Group] = {}
    for key, group in sorted(known_groups.items()):
        try:
            grouped(found, {**right, key: group})
            right[key] = group
        except DefinitionError as error:
            wrong.append(error)
    return grouped(found, right), wrong


def saved_audiences(workspace: Workspace) -> dict[str, Audience]:
    """Every audience file."""
    return audiences.read_folder(workspace.paths.folder / "audiences")


def saved_campaigns(workspace: Workspace) -> dict[str, Campaign]:
    """Every campaign file."""
    found = campaigns.read_folder(workspace.paths.folder / "campaigns")
    return {name: in_scene(workspace, item) for name, item in found.items()}


def campaign_files(workspace: Workspace) -> dict[str, tuple[Campaign | None, Json | None]]:
    """Every campaign file by name: the campaign and None, or None and what is wrong with the file."""
    found: dict[str, tuple[Campaign | None, Json | None]] = {}
    for path in sorted((workspace.paths.folder / "campaigns").glob("*.yml")):
        try:
            found[path.stem] = (in_scene(workspace, campaigns.read_file(path)), None)
        except LimnerError as error:
            found[path.stem] = (None, said(error))
    return found


def journey_files(workspace: Workspace) -> dict[str, tuple[Journey | None, Json | None]]:
    """Every journey file by name: the journey and None, or None and what is wrong with the file."""
    found: dict[str, tuple[Journey | None, Json | None]] = {}
    for path in sorted((workspace.paths.folder / "journeys").glob("*.yml")):
        try:
            found[path.stem] = (journeys.read_file(path), None)
        except LimnerError as error:
            found[path.stem] = (None, said(error))
    return found


def audience(workspace: Workspace, name: str) -> Audience:
    """The saved audience. Raises NotFoundError with the nearest name."""
    found = saved_audiences(workspace)
    return found[known(found, name, "audience")]


def campaign(workspace: Workspace, name: str) -> Campaign:
    """The campaign. Raises NotFoundError with the nearest name; what is wrong in other files does not matter."""
    files = {path.stem: path for path in (workspace.paths.folder / "campaigns").glob("*.yml")}
    return in_scene(workspace, campaigns.read_file(files[known(sorted(files), name, "campaign")]))


def scene(workspace: Workspace, name: str) -> Scene:
    """The scene. Raises NotFoundError with the nearest name; what is wrong in other files does not matter."""
    files = {path.stem: path for path in (workspace.paths.folder / "scenes").glob("*.yml")}
    return scene_text.read_file(files[known(sorted(files), name, "scene")])


def scene_files(workspace: Workspace) -> dict[str, tuple[Scene | None, Json | None]]:
    """Every scene file by name: the scene and None, or None and what is wrong with the file."""
    found: dict[str, tuple[Scene | None, Json | None]] = {}
    for path in sorted((workspace.paths.folder / "scenes").glob("*.yml")):
        try:
            found[path.stem] = (scene_text.read_file(path), None)
        except LimnerError as error:
            found[path.stem] = (None, said(error))
    return found


def goal_said(workspace: Workspace, goal: Goal) -> Goal:
    """The goal with what its metric measures: event, condition and money. Raises UsageError and NotFoundError."""
    if not goal.metric:
        return goal
    said_now = metric_said(goal, metrics(workspace))
    zone = metrics(workspace)[goal.metric].zone
    if said_now.where and zone not in ("", workspace.config.zone):
        raise UsageError(
            f"the metric '{goal.metric}' means the clocks of {zone}, a goal those of {workspace.config.zone}",
            where="goal.metric",
            code="other_zone",
            hint="goal: {event: …, where: …}",
        )
    return said_now


def metric_said(goal: Goal, all_metrics: Mapping[str, Metric]) -> Goal:
    """The goal with what its metric measures, by these metrics. Raises UsageError and NotFoundError."""
    for key in ("event", "where", "money"):
        if getattr(goal, key):
            raise UsageError(
                f"what '{key}' says stands in the metric", where=f"goal.{key}", code="said_twice"
            )
    measure = measure_of(all_metrics[known(all_metrics, goal.metric, "metric")].measure)
    if not isinstance(measure, Aggregate):
        raise UsageError(
            f"the metric '{goal.metric}' divides: nobody reaches a part of it",
            where="goal.metric",
            code="no_sum",
            hint="a metric that counts or adds up events",
        )
    where = measure.event.where
    return replace(
        goal,
        event=measure.event.name,
        where="" if where is None else to_text(where),
        money=measure.of or "",
    )


Aimed = TypeVar("Aimed", Campaign, Journey)


def aimed(workspace: Workspace, item: Aimed) -> Aimed:
    """The campaign or journey with what its goal's metric measures now. Raises UsageError and NotFoundError."""
    if item.goal is None or not item.goal.metric or item.goal.event:
        return item
    return replace(item, goal=goal_said(workspace, item.goal))


def in_scene(workspace: Workspace, item: Campaign) -> Campaign:
    """The campaign with what its goal's metric measures, and with the audience of its scene, where it names none and
    the scene can be read. Raises UsageError and NotFoundError for the metric."""
    item = aimed(workspace, item)
    if item.audience or not item.scene:
        return item
    with suppress(LimnerError):
        return replace(item, audience=scene(workspace, item.scene).audience)
    return item


def catalog(workspace: Workspace) -> WorkspaceCatalog:
    """What names mean now: applied tags, saved audiences, events, properties, attributes, sources."""
    found, _ = audiences.read_folder_leniently(workspace.paths.folder / "audiences")
    return catalog_of(workspace, found)


def catalog_of(workspace: Workspace, saved: Mapping[str, Audience]) -> WorkspaceCatalog:
    """What names mean now, with these audiences."""
    engine = workspace.engine
    have_seen, applied, weighted = workspace.until_written(
        "names", lambda: (seen(engine), publish.applied(engine), publish.weighted(engine))
    )
    return WorkspaceCatalog(
        engine,
        zone=workspace.config.zone,
        sources={source.name: source.source_i for source in keys.sources(workspace.records)},
        tags={key: (state.table, ValueType(state.type)) for key, state in applied.items()},
        audiences={name: _meant(workspace, item) for name, item in saved.items()},
        weighted=weighted,
        known=have_seen,
    )


def meaning(workspace: Workspace, tree: Expr) -> Expr:
    """The condition with what each metric measures in the place of `metric(…)`. Raises ExpressionError."""
    if not metrics_of(tree):
        return tree
    return put_in(tree, {key: item.measure for key, item in metrics(workspace).items()})


def tags_behind(workspace: Workspace, named: Iterable[str], trees: Iterable[Expr] = ()) -> set[str]:
    """Every tag that decides who is in these audiences or of whom these are true, also through other tags."""
    names = catalog(workspace)
    found: set[str] = set()
    seen: set[str] = set()
    waiting, asked = list(named), list(trees)
    while waiting or asked:
        tree = asked.pop() if asked else names.audience(waiting.pop())
        if tree is None or isinstance(tree, frozenset):
            continue
        found |= names_of(tree)
        fresh = audiences_of(tree) - seen
        seen |= fresh
        waiting.extend(fresh)
    defined = tags(workspace)
    return set(build(defined, names.audience).closure(found & defined.keys()))


def _meant(workspace: Workspace, item: Audience) -> Callable[[], Expr | frozenset[int]]:
    def meant() -> Expr | frozenset[int]:
        if item.expression is not None:
            return meaning(workspace, parse(item.expression))
        found = []
        for user in item.members or ():
            try:
                found.append(people.find(workspace.engine, user, keys=workspace.config.strong_keys))
            except NotFoundError:
                continue
        return frozenset(ix for ix in found if ix is not None)

    return meant


Instead = Mapping[tuple[str, str], str | None]
"""Texts that stand for files: (kind, name) → text, None for a file that is not there."""


def problems(workspace: Workspace, *, instead: Instead = MappingProxyType({})) -> list[Json]:
    """What is wrong in the definition files: where, message, hint. Empty when all is well.

    With `instead`, what would be wrong if those texts stood in the files.
    """
    folder = workspace.paths.folder
    found: list[LimnerError] = []
    read_tags: dict[str, Tag] = _read(folder, "tags", tag_text.read, instead, found)
    read_groups: dict[str, Group] = _read(folder, "groups", exclusive.read, instead, found)
    read_metrics: dict[str, Metric] = _read(folder, "metrics", measures.read, instead, found)
    read_objects, wrong = _objects(folder, instead)
    found += wrong
    read_content: dict[str, Item] = _read(folder, "content", content_text.read, instead, found)
    named = {LIBRARY: kind_of(read_content), **read_objects}
    read_tags = objects.meaning(measures.measuring(read_tags, read_metrics), named)
    read_tags, wrong = _in_groups(read_tags, read_groups, [])
    found += wrong
    found += measures.strangers(read_tags, read_metrics)
    read_audiences: dict[str, Audience] = _read(folder, "audiences", audiences.read, instead, found)
    read_campaigns: dict[str, Campaign] = _read(folder, "campaigns", campaigns.read, instead, found)
    _read(folder, "mappings", naming.read, instead, found)
    for reply in _read(folder, "replies", replies.read, instead, found).values():
        found += answering.problems(reply)
    read_scenes: dict[str, Scene] = _read(folder, "scenes", scene_text.read, instead, found)
    read_journeys: dict[str, Journey] = _read(folder, "journeys", journeys.read, instead, found)
    _read(folder, "webhooks", hooks.read, instead, found)
    _read(folder, "codes", codes.read, instead, found)
    _read(folder, "sync", tag_sync.read, instead, found)
    for form in _read(folder, "forms", forms.read, instead, found).values():
        found += fitting.of_form(form, read_tags, workspace.config)
    for referral in _read(folder, "referrals", referrals.read, instead, found).values():
        found += fitting.of_referral(referral, read_tags, read_audiences, workspace.config)
    try:
        policy_text.read_folder(folder)
    except LimnerError as error:
        found.append(error)
    names = catalog_of(workspace, read_audiences)
    drafts = {
        key
        for key, tag in read_tags.items()
        if tag.stage is Stage.DRAFT and not (workspace.config.approvals and names.tag(key) is not None)
    }
    for tag in read_tags.values():
        names.define(tag.key, tag.table, tag.type, weighted=tag.weighted)
    for metric in read_metrics.values():
        found += measures.problems(metric, names)
    try:
        graph = build(read_tags, names.audience)
        found += tag_check.problems(graph, read_tags, catalog=names, as_of=workspace.clock())
        for key, tag in read_tags.items():
            found += trying.problems(tag, graph)
            found += goal.problems(tag, names)
            if tag.refresh:
                found += _cron(tag.refresh, workspace, f"tags/{key}.yml")
        found += _of_drafts(
            drafts, {f"tags/{key}": need for key, need in graph.needs.items() if key not in drafts}
        )
    except LimnerError as error:
        found.append(error)
    for name, item in read_audiences.items():
        if item.expression is not None:
            try:
                tree = put_in(parse(item.expression), {key: one.measure for key, one in read_metrics.items()})
                check(tree, names)
                found += _of_drafts(drafts, {f"audiences/{name}": names_of(tree)})
            except ExpressionError as error:
                place = f"audiences/{name}.yml"
                found.append(Document(item.text, where=place).wrapped(error, "expression"))
    found += content_check.of_items(read_content, names)
    asked = [(f"campaigns/{name}.yml", "", one.picks) for name, one in read_campaigns.items()]
    asked += [
        (f"journeys/{name}.yml", f"steps.{step}.message.", send.picks)
        for name, one in read_journeys.items()
        for step, send in one.steps.items()
        if isinstance(send, Send)
    ]
    for where, within, asks in asked:
        found += content_check.of_asks(
            asks,
            where=where,
            within=within,
            kinds=read_objects,
            weighted=[key for key, tag in read_tags.items() if tag.weighted],
            words=content_check.words_of(read_content),
        )
    for name, campaign in read_campaigns.items():
        try:
            if campaign.audience or not campaign.scene:
                known(read_audiences, campaign.audience, "audience")
            if campaign.schedule:
                found += _cron(campaign.schedule, workspace, f"campaigns/{name}.yml")
        except LimnerError as error:
            found.append(_within(error, f"campaigns/{name}.yml"))
        found += _of_variants(campaign, names, read_metrics)
    aiming: list[Campaign | Journey] = [*read_campaigns.values(), *read_journeys.values()]
    for one_aim in aiming:
        found += _of_goal(one_aim, read_metrics)
    found += _in_scenes(workspace, read_scenes, read_campaigns, read_journeys)
    for scene in read_scenes.values():
        found += _of_scene(scene, names, read_audiences, read_metrics, read_objects)
    return list({(error.where, error.message): said(error) for error in found}.values())


def _of_goal(item: Campaign | Journey, read_metrics: Mapping[str, Metric]) -> list[LimnerError]:
    """What is wrong in a goal that names a metric."""
    if item.goal is None or not item.goal.metric:
        return []
    kind = "campaigns" if isinstance(item, Campaign) else "journeys"
    try:
        metric_said(item.goal, read_metrics)
    except (UsageError, NotFoundError) as error:
        document = Document(item.definition, where=f"{kind}/{item.name}.yml")
        word = (error.where or "").removeprefix("goal.") or "metric"
        path = ("goal", word if document.value("goal", word) is not None else "metric")
        return [document.error(error.message, *path, code=error.code, hint=error.hint)]
    return []


def _of_variants(
    campaign: Campaign, names: WorkspaceCatalog, read_metrics: Mapping[str, Metric]
) -> list[LimnerError]:
    """What is wrong in the conditions of a campaign's variants by what is known here."""
    found: list[LimnerError] = []
    for at, variant in enumerate(campaign.variants):
        if not variant.when:
            continue
        try:
            check(put_in(parse(variant.when), {key: one.measure for key, one in read_metrics.items()}), names)
        except ExpressionError as error:
            document = Document(campaign.definition, where=f"campaigns/{campaign.name}.yml")
            found.append(document.wrapped(error, "variants", at, "when"))
    return found


def _of_scene(
    scene: Scene,
    names: WorkspaceCatalog,
    read_audiences: Mapping[str, Audience],
    read_metrics: Mapping[str, Metric],
    read_objects: Mapping[str, Objects],
) -> list[LimnerError]:
    """What is wrong in a scene by what is known here."""
    found: list[LimnerError] = []
    document = Document(scene.definition, where=f"scenes/{scene.name}.yml")

    def tried(work: Callable[[], object], *at: str) -> None:
        try:
            work()
        except ExpressionError as error:
            found.append(document.wrapped(error, *at))
        except LimnerError as error:
            found.append(document.error(error.message, *at, hint=error.hint, code=error.code))

    if scene.audience:
        tried(lambda: known(read_audiences, scene.audience, "audience"), "audience")
    if scene.products:
        tried(
            lambda: check(
                objects.put_in(parse(scene.products, scope="event"), read_objects), names, kind="event"
            ),
            "products",
        )
    goal_ = scene.goal
    if goal_ is not None and goal_.metric:
        tried(lambda: known(read_metrics, goal_.metric, "metric"), "goal", "metric")
    if goal_ is not None and goal_.where:
        tried(
            lambda: check(
                objects.put_in(parse(goal_.where, scope="event"), read_objects), names, kind="event"
            ),
            "goal",
            "where",
        )
    return found


def _in_scenes(
    workspace: Workspace,
    scenes: Mapping[str, Scene],
    read_campaigns: Mapping[str, Campaign],
    read_journeys: Mapping[str, Journey],
) -> list[LimnerError]:
    """What is wrong between campaigns, journeys and the scenes that they say they belong to."""
    found: list[LimnerError] = []
    named: list[tuple[str, str, Campaign | Journey]] = [
        *(("campaigns", name, item) for name, item in read_campaigns.items()),
        *(("journeys", name, item) for name, item in read_journeys.items()),
    ]
    for kind, name, item in named:
        if not item.scene:
            continue
        document = Document(item.definition, where=f"{kind}/{name}.yml")
        if item.scene not in scenes:
            hint = did_you_mean(item.scene, scenes) or "limner scene list"
            found.append(
                document.error(f"there is no scene '{item.scene}'", "scene", hint=hint, code="not_found")
            )
            continue
        scene = scenes[item.scene]
        for path, channel in _channels(item):
            if scene.channels and channel not in scene.channels:
                found.append(
                    document.error(
                        f"scene '{scene.name}' has no channel '{channel}'", *path, code="channel",
                        hint=f"its channels: {', '.join(scene.channels)}",
                    )
                )  # fmt: skip
        if isinstance(item, Campaign):
            if not item.audience and not scene.audience:
                found.append(
                    document.error(
                        f"'audience' is missing, and scene '{scene.name}' has none", code="missing",
                        hint="audience: …",
                    )
                )  # fmt: skip
            at = once_at(item.schedule, workspace.config.tz)
            if at is not None and not _within_dates(scene, at, workspace):
                found.append(
                    document.error(
                        f"this moment is outside the dates of scene '{scene.name}'", "schedule",
                        code="outside_scene", hint=f"{scene.first or '…'} to {scene.last or '…'}",
                    )
                )  # fmt: skip
    return found


def _channels(item: Campaign | Journey) -> list[tuple[tuple[str, ...], str]]:
    """The channels of its messages, each with where the file says it."""
    if isinstance(item, Campaign):
        return [(("channel",), channel) for channel in item.channels or (item.channel,)]
    return [
        (("steps", name, "message", "channel"), channel)
        for name, step in item.steps.items()
        if isinstance(step, Send)
        for channel in step.channels or (step.channel,)
    ]


def scene_problems(workspace: Workspace, journey: Journey) -> list[LimnerError]:
    """What is wrong between a journey and the scene that it says it belongs to."""
    known_scenes = {name: item for name, (item, _) in scene_files(workspace).items() if item is not None}
    return _in_scenes(workspace, known_scenes, {}, {journey.name: journey})


def _within_dates(scene: Scene, at: datetime, workspace: Workspace) -> bool:
    begins, ends = scene.begins(workspace.config.tz), scene.ends(workspace.config.tz)
    return (begins is None or at >= begins) and (ends is None or at < ends)


def problems_of_picks(
    workspace: Workspace, asks: Mapping[str, Ask], where: str, *, within: str = ""
) -> list[LimnerError]:
    """What the picks of one message name that is not there. `within`: where in the file the message stands."""
    if not asks:
        return []
    given = tag_text.read_folder_leniently(workspace.paths.folder / "tags")[0]
    return content_check.of_asks(
        asks,
        where=where,
        within=within,
        kinds=kinds(workspace),
        weighted=[key for key, tag in given.items() if tag.weighted],
        words=content_check.words_of(content_text.read_folder(workspace.paths.folder / LIBRARY)[0]),
    )


def _objects(folder: Path, instead: Instead) -> tuple[dict[str, Objects], list[DefinitionError]]:
    """Every kind of objects with its rows, and what is wrong with those whose own file can be read."""
    made: dict[str, Objects] = {}
    wrong: list[DefinitionError] = []
    texts: dict[str, str | None] = {
        path.stem: path.read_text(encoding="utf-8", errors="replace")
        for path in sorted((folder / "objects").glob("*.yml"))
    }
    for kind, text in {
        **texts,
        **{name: text for (what, name), text in instead.items() if what == "objects"},
    }.items():
        rows = folder / "objects" / f"{kind}.csv"
        try:
            if text is not None:
                made[kind] = objects.listed(text, kind, rows.read_bytes() if rows.exists() else b"")
        except DefinitionError as error:
            wrong.append(error)
    return made, wrong


def _of_drafts(drafts: Collection[str], uses: Mapping[str, Collection[str]]) -> list[DefinitionError]:
    """An error for each definition that is in force and names a draft, which is not computed."""
    return [
        DefinitionError(
            f"'{key}' is a draft, which is not computed",
            where=f"{where}.yml",
            code="draft",
            hint=f"publish {key} first, or use another tag",
        )
        for where, named in sorted(uses.items())
        for key in sorted(set(named) & set(drafts))
    ]


def _read(
    folder: Path,
    kind: str,
    read: Callable[[str, str], Any],
    instead: Instead,
    errors: list[LimnerError],
) -> dict[str, Any]:
    """Every definition of a kind that can be read, by name; what is wrong with the others joins `errors`."""
    texts: dict[str, str | None] = {}
    for path in sorted((folder / kind).glob("*.yml")):
        try:
            texts[path.stem] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            texts[path.stem] = None
            if (kind, path.stem) not in instead:
                errors.append(DefinitionError("the file is not UTF-8", where=f"{kind}/{path.name}"))
    texts |= {name: text for (where, name), text in instead.items() if where == kind}
    made = {}
    for name, text in sorted(texts.items()):
        try:
            if text is not None:
                made[name] = read(text, name)
        except LimnerError as error:
            errors.append(_within(error, f"{kind}/{name}.yml"))
    return made


def _within(error: LimnerError, where: str) -> LimnerError:
    if error.where and error.where.startswith(where):
        return error
    place = f"{where}:{error.where}" if error.where else where
    return DefinitionError(error.message, where=place, hint=error.hint, code=error.code)


def _cron(cron: str, workspace: Workspace, where: str) -> list[LimnerError]:
    try:
        next(iter(moments(cron, workspace.config.tz, workspace.clock())), None)
    except ConfigError as error:
        return [_within(error, where)]
    return []


def names_in(kind: str, name: str, text: str) -> set[str]:
    """The bare names in a definition's expressions; none when it cannot be read, and of templates."""
    expressions: list[str] = []
    given: set[str] = set()
    try:
        if kind == "tags":
            expressions = list(tag_text.read(text, name).sources)
        elif kind == "audiences":
            expressions = [audiences.read(text, name).expression or ""]
        elif kind == "campaigns":
            expressions = [variant.when for variant in campaigns.read(text, name).variants]
        elif kind == "content":
            expressions = [content_text.read(text, name).audience]
        elif kind == "journeys":
            journey = journeys.read(text, name)
            said_in = [variant.when for send in sends_of(journey) for variant in send.variants]
            given = gives_of(journey)
            expressions = [*conditions_of(journey), *said_in]
        return given.union(*(names_of(parse(item)) for item in expressions if item))
    except LimnerError:
        return set()
