"""A workspace's definition files read together: tags, audiences, campaigns, and the catalogue they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from limner.accounts import keys
from limner.audiences import model as audiences
from limner.audiences.model import Audience
from limner.campaigns import text as campaigns
from limner.campaigns.model import Campaign
from limner.errors import ConfigError, DefinitionError, ExpressionError, LimnerError, NotFoundError
from limner.expressions import Expr, check, parse
from limner.identity import people
from limner.tags import check as tag_check
from limner.tags import publish, trying
from limner.tags import text as tag_text
from limner.tags.document import Document
from limner.tags.graph import build
from limner.tags.model import Tag
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


def campaign_files(workspace: Workspace) -> dict[str, tuple[Campaign | None, Json | None]]:
    """Every campaign file by name: the campaign and None, or None and what is wrong with the file."""
    found: dict[str, tuple[Campaign | None, Json | None]] = {}
    for path in sorted((workspace.paths.folder / "campaigns").glob("*.yml")):
        try:
            found[path.stem] = (campaigns.read_file(path), None)
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
    return campaigns.read_file(files[known(sorted(files), name, "campaign")])


def catalog(workspace: Workspace) -> WorkspaceCatalog:
    """What names mean now: applied tags, saved audiences, events, properties, attributes, sources."""
    found, _ = audiences.read_folder_leniently(workspace.paths.folder / "audiences")
    return catalog_of(workspace, found)


def catalog_of(workspace: Workspace, saved: Mapping[str, Audience]) -> WorkspaceCatalog:
    """What names mean now, with these audiences."""
    applied = publish.applied(workspace.engine)
    return WorkspaceCatalog(
        workspace.engine,
        zone=workspace.config.zone,
        sources={source.name: source.source_i for source in keys.sources(workspace.records)},
        tags={key: (state.table, ValueType(state.type)) for key, state in applied.items()},
        audiences={name: _meant(workspace, item) for name, item in saved.items()},
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


Instead = Mapping[tuple[str, str], str | None]
"""Texts that stand for files: (kind, name) → text, None for a file that is not there."""


def problems(workspace: Workspace, *, instead: Instead = MappingProxyType({})) -> list[Json]:
    """What is wrong in the definition files: where, message, hint. Empty when all is well.

    With `instead`, what would be wrong if those texts stood in the files.
    """
    folder = workspace.paths.folder
    found: list[LimnerError] = []
    read_tags: dict[str, Tag] = _read(folder, "tags", tag_text.read, instead, found)
    read_audiences: dict[str, Audience] = _read(folder, "audiences", audiences.read, instead, found)
    read_campaigns: dict[str, Campaign] = _read(folder, "campaigns", campaigns.read, instead, found)
    names = catalog_of(workspace, read_audiences)
    for tag in read_tags.values():
        names.define(tag.key, tag.table, tag.type)
    try:
        graph = build(read_tags, names.audience)
        found += tag_check.problems(graph, read_tags, catalog=names, as_of=workspace.clock())
        for key, tag in read_tags.items():
            found += trying.problems(tag, graph)
            if tag.refresh:
                found += _cron(tag.refresh, workspace, f"tags/{key}.yml")
    except LimnerError as error:
        found.append(error)
    for name, item in read_audiences.items():
        if item.expression is not None:
            try:
                check(parse(item.expression), names)
            except ExpressionError as error:
                place = f"audiences/{name}.yml"
                found.append(Document(item.text, where=place).wrapped(error, "expression"))
    for name, campaign in read_campaigns.items():
        try:
            known(read_audiences, campaign.audience, "audience")
            if campaign.schedule:
                found += _cron(campaign.schedule, workspace, f"campaigns/{name}.yml")
        except LimnerError as error:
            found.append(_within(error, f"campaigns/{name}.yml"))
    return [said(error) for error in found]


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
