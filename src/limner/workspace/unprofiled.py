"""People who want nothing chosen for them by what is computed of them: advertising takes them for somebody unknown.

What is computed is what comes of people's events, in an expression or through tags, and every learned tag. What
somebody told (attributes, values given or imported) is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from limner.campaigns import journey as ways
from limner.campaigns import journey_text, positions
from limner.campaigns.journey import Journey, WhenDated
from limner.campaigns.model import Campaign
from limner.campaigns.scene import Scene
from limner.consents import preferences
from limner.consents.model import MARKETING
from limner.errors import LimnerError
from limner.expressions import Expr, Value, audiences_of, events_of, names_of, parse, parse_value
from limner.tags.graph import build
from limner.tags.model import Method
from limner.touches.model import JOURNEY, Entry
from limner.workspace import definitions, recipients
from limner.workspace.workspace import Workspace

Ordinals = npt.NDArray[np.uint32]

_NOW = """
WITH RECURSIVE found AS (
    SELECT p.ix, p.merged_into FROM persons AS p SEMI JOIN asked AS a ON a.person = p.person_id
    UNION
    SELECT p.ix, p.merged_into FROM found AS f JOIN persons AS p ON p.ix = f.merged_into
)
SELECT p.ix, p.person_id AS person FROM found AS f JOIN persons AS p ON p.ix = f.ix
WHERE f.merged_into IS NULL AND NOT p.erased ORDER BY p.ix
"""


@dataclass(frozen=True, eq=False)
class Asking:
    """Who asked for it: their ordinals, in order, and their ids."""

    ixs: Ordinals
    people: frozenset[str]

    def among(self, ixs: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """Of each of these people whether they asked for it."""
        return np.isin(ixs, self.ixs)


NOBODY = Asking(np.empty(0, dtype=np.uint32), frozenset())


def asking(workspace: Workspace, message_class: str) -> Asking:
    """For whom nothing may be chosen by what is computed of them in messages of the class; service chooses for all."""
    if message_class != MARKETING:
        return NOBODY
    with workspace.records.read() as connection:
        said = preferences.unprofiled(connection)
    if not said:
        return NOBODY
    found = workspace.engine.read(_NOW, given={"asked": pa.table({"person": pa.array(said, pa.string())})})
    ids = dict(zip(found.column("ix").to_pylist(), found.column("person").to_pylist(), strict=True))
    former = recipients.former(workspace.engine, list(ids))
    families = {ix: (person, *former.get(ix, ())) for ix, person in ids.items()}
    with workspace.records.read() as connection:
        wishes = preferences.of(connection, {person for family in families.values() for person in family})
    still = [
        ix
        for ix, family in families.items()
        if (wish := preferences.latest(wishes, family)) is not None and wish.unprofiled
    ]
    return Asking(np.array(still, dtype=np.uint32), frozenset(ids[ix] for ix in still))


def computed(workspace: Workspace, trees: Iterable[Expr | Value], audiences: Iterable[str] = ()) -> bool:
    """Whether any of these expressions and audiences reads what is computed of people, directly or through tags."""
    names = definitions.catalog(workspace)
    tags = definitions.tags(workspace)
    graph = build(tags, names.audience)
    waiting = list(trees)
    unread, read, seen = set(audiences), set[str](), set[str]()
    while waiting or unread:
        if not waiting:
            name = unread.pop()
            read.add(name)
            meant = names.audience(name)
            if meant is not None and not isinstance(meant, frozenset):
                waiting.append(meant)
            continue
        tree = waiting.pop()
        if events_of(tree):
            return True
        unread |= audiences_of(tree) - read
        for key in (names_of(tree) & tags.keys()) - seen:
            if tags[key].method is Method.LEARNED:
                return True
            seen.add(key)
            waiting.extend(graph.trees[key])
    return False


def computed_tags(workspace: Workspace, keys: Iterable[str]) -> set[str]:
    """Those of these tags that are computed of people."""
    tags = definitions.tags(workspace)
    graph = build(tags, definitions.catalog(workspace).audience)
    return {
        key
        for key in keys
        if key in tags and (tags[key].method is Method.LEARNED or computed(workspace, graph.trees[key]))
    }


def of_campaign(workspace: Workspace, item: Campaign, scene: Scene | None = None) -> bool:
    """Whether the people of the campaign are chosen by what is computed of them; also where that cannot be read."""
    try:
        return computed(workspace, (), _named({item.audience}, scene))
    except LimnerError:
        return True


def of_journey(workspace: Workspace, journey: Journey, scene: Scene | None = None) -> bool:
    """Whether people enter the journey by what is computed of them; what they did themselves just then is not that."""
    try:
        trees: list[Expr | Value] = [parse(journey.only)] if journey.only else []
        if isinstance(journey.start, WhenDated):
            trees.append(parse_value(journey.start.value))
        trees = [definitions.meaning(workspace, tree) for tree in trees]
        return computed(workspace, trees, _named(ways.audiences_of(journey), scene))
    except LimnerError:
        return True


def of_entry(workspace: Workspace, entry: Entry, item: Campaign, scene: Scene | None = None) -> bool:
    """The same of what is being sent: an entry of a campaign, or a journey's step."""
    if entry.kind != JOURNEY:
        return of_campaign(workspace, item, scene)
    running = positions.running(workspace.records, entry.campaign)
    if not running:
        return True
    return of_journey(workspace, journey_text.read(running[0].definition, entry.campaign), scene)


def _named(audiences: set[str], scene: Scene | None) -> set[str]:
    return (audiences if scene is None else audiences | {scene.audience}) - {""}
