"""Who is meant by conditions, and what their parts do: all of one state of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from limner.audiences import model as audiences
from limner.audiences.conditions import EVERYBODY, Data, Measured, digest_of, measure
from limner.audiences.leaves import of_one_state
from limner.audiences.model import NAME, Audience
from limner.bitmap import Bitmap
from limner.columns import Columns
from limner.errors import UsageError
from limner.expressions import Expr, names_of, parse
from limner.expressions import check as check_expression
from limner.expressions import tree as t
from limner.identity.then import everyone_then
from limner.tags import publish
from limner.tags.graph import Graph, build
from limner.tags.model import Tag
from limner.workspace import belonging, definitions, remembering
from limner.workspace.catalog import WorkspaceCatalog, known
from limner.workspace.workspace import Workspace


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


def measured(workspace: Workspace, condition: Expr, at: datetime, *, parts: bool = False) -> Measured:
    """The people of the condition; with `parts`, what its parts do."""
    return measured_all(workspace, [condition], at, parts=parts)[0][0]


def measured_all(
    workspace: Workspace,
    conditions: Sequence[Expr],
    at: datetime,
    *,
    parts: bool = False,
    known: bool = False,
) -> tuple[list[Measured], Columns | None]:
    """The same of several conditions, and the published tags: all of one state of the data.

    `known`: at a past instant by what was known then, of who people were then, tags and audiences as they were defined.
    """
    engine = workspace.engine
    heard = at if known and at < workspace.clock() else None

    def work(version: int) -> tuple[list[Measured], Columns | None]:
        found = _known(workspace, version)
        lists = {name: digest_of(item.text) for name, item in found.saved.items() if item.fixed}
        graph, names, everyone = found.graph, found.names, None
        if heard is not None:
            with engine.write() as tx:
                everyone = everyone_then(tx, heard)
            names = belonging.named_at(workspace, at, then=True, everyone=everyone).names
            graph = build(remembering.tags_then(workspace, found.tags, at)[0], names.audience)
        data = Data(engine, names, found.columns, graph, lists, version, heard, everyone)
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


def tree_of(workspace: Workspace, audience: str) -> Expr:
    """The condition that an audience's name, or an expression, stands for."""
    saved = definitions.saved_audiences(workspace)
    if audience in saved:
        return t.InAudience(audience)
    names = definitions.catalog(workspace)
    if NAME.match(audience) and audience not in {*names.tag_keys(), *names.attribute_names()}:
        known(saved, audience, "audience")
    return definitions.meaning(workspace, parse(audience))
