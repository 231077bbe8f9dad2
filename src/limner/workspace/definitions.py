"""A workspace's definition files read together: tags, audiences, campaigns, and the catalogue they make."""

from __future__ import annotations

from collections.abc import Callable

from limner.accounts import keys
from limner.audiences import model as audiences
from limner.audiences.model import Audience
from limner.campaigns import text as campaigns
from limner.campaigns.model import Campaign
from limner.errors import ConfigError, DefinitionError, ExpressionError, LimnerError, NotFoundError
from limner.expressions import Expr, check, parse
from limner.expressions.check import check_value
from limner.identity import people
from limner.tags import publish
from limner.tags import text as tag_text
from limner.tags.graph import build, expression_path
from limner.tags.model import Statistic, Tag
from limner.types import Json, ValueType
from limner.workspace.catalog import WorkspaceCatalog, known
from limner.workspace.runs import said
from limner.workspace.schedule import moments
from limner.workspace.workspace import Workspace


def tags(workspace: Workspace) -> dict[str, Tag]:
    """Every tag file. Raises DefinitionError for the first that is wrong."""
    return tag_text.read_folder(workspace.paths.folder / "tags")


def saved_audiences(workspace: Workspace) -> dict[str, Audience]:
    """Every audience file."""
    return audiences.read_folder(workspace.paths.folder / "audiences")


def saved_campaigns(workspace: Workspace) -> dict[str, Campaign]:
    """Every campaign file."""
    return campaigns.read_folder(workspace.paths.folder / "campaigns")


def audience(workspace: Workspace, name: str) -> Audience:
    """The saved audience. Raises NotFoundError with the nearest name."""
    found = saved_audiences(workspace)
    return found[known(found, name, "audience")]


def campaign(workspace: Workspace, name: str) -> Campaign:
    """The campaign. Raises NotFoundError with the nearest name."""
    found = saved_campaigns(workspace)
    return found[known(found, name, "campaign")]


def catalog(workspace: Workspace) -> WorkspaceCatalog:
    """What names mean now: applied tags, saved audiences, events, properties, attributes, sources."""
    applied = publish.applied(workspace.engine)
    found, _ = audiences.read_folder_leniently(workspace.paths.folder / "audiences")
    return WorkspaceCatalog(
        workspace.engine,
        zone=workspace.config.zone,
        sources={source.name: source.source_i for source in keys.sources(workspace.records)},
        tags={key: (state.table, ValueType(state.type)) for key, state in applied.items()},
        audiences={name: _meant(workspace, item) for name, item in found.items()},
    )


def _meant(workspace: Workspace, item: Audience) -> Callable[[], Expr | frozenset[int]]:
    def meant() -> Expr | frozenset[int]:
        if item.expression is not None:
            return parse(item.expression)
        found = []
        for user in item.members or ():
            try:
                found.append(people.find(workspace.engine, user, keys=workspace.config.strong_keys))
            except NotFoundError:
                continue
        return frozenset(ix for ix in found if ix is not None)

    return meant


def problems(workspace: Workspace) -> list[Json]:
    """What is wrong in the definition files: where, message, hint. Empty when all is well."""
    folder = workspace.paths.folder
    found: list[LimnerError] = []
    read_tags, wrong = tag_text.read_folder_leniently(folder / "tags")
    found += wrong
    read_audiences, wrong = audiences.read_folder_leniently(folder / "audiences")
    found += wrong
    names = catalog(workspace)
    for tag in read_tags.values():
        names.define(tag.key, tag.table, tag.type)
    try:
        graph = build(read_tags, names.audience)
        for key, tag in read_tags.items():
            for place, tree in enumerate(graph.trees[key]):
                try:
                    if isinstance(tag.definition, Statistic):
                        check_value(tree, names)  # type: ignore[arg-type]  # its text is a value
                    else:
                        check(tree, names)
                except ExpressionError as error:
                    found.append(tag_text.document_of(tag).wrapped(error, *expression_path(tag, place)))
            if tag.refresh:
                found += _cron(tag.refresh, workspace, f"tags/{key}.yml")
    except LimnerError as error:
        found.append(error)
    for name, item in read_audiences.items():
        if item.expression is not None:
            try:
                check(parse(item.expression), names)
            except LimnerError as error:
                found.append(_within(error, f"audiences/{name}.yml"))
    for path in sorted((folder / "campaigns").glob("*.yml")):
        try:
            planned = campaigns.read_file(path)
            known(read_audiences, planned.audience, "audience")
            if planned.schedule:
                found += _cron(planned.schedule, workspace, f"campaigns/{path.name}")
        except LimnerError as error:
            found.append(_within(error, f"campaigns/{path.name}"))
    return [said(error) for error in found]


def _within(error: LimnerError, where: str) -> LimnerError:
    if error.where and error.where.startswith(where):
        return error
    place = f"{where}:{error.where}" if error.where else where
    return DefinitionError(error.message, where=place, hint=error.hint, code=error.code)


def _cron(cron: str, workspace: Workspace, where: str) -> list[LimnerError]:
    try:
        next(iter(moments(cron, workspace.config.tz, workspace.clock())))
    except ConfigError as error:
        return [_within(error, where)]
    return []
