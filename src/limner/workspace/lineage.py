"""The verb of lineage: what is made of what, from events over tags and audiences to campaigns and journeys."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress

from limner.campaigns import journey as ways
from limner.campaigns.scene import Scene
from limner.errors import LimnerError, NotFoundError, UsageError, did_you_mean
from limner.expressions import parse
from limner.expressions import tree as t
from limner.metrics.model import measure_of
from limner.tags.graph import written
from limner.tags.model import Observed
from limner.types import Json
from limner.workspace import definitions
from limner.workspace.tagging import Known, known_now
from limner.workspace.workspace import Workspace

KINDS = ("event", "attribute", "object", "metric", "tag", "audience", "scene", "campaign", "journey")
"""In the order in which one is made of the other."""

Edge = tuple[str, str]


def tag_lineage(workspace: Workspace, focus: str = "") -> Json:
    """What is made of what. `focus`: only what this one rests on and what rests on it, near or far (`tag:vip`).

    `nodes`: each with an `id` (KIND:NAME), its `layer` (0 = made of nothing here, else one more than what it is made
    of) and how many `people` it was last computed for, null where that is not counted; `edges`: from what is used to
    what uses it. Definitions that cannot be read are left out. Raises NotFoundError for a focus that is not there.
    """
    found = known_now(workspace)
    edges = sorted(_edges(found))
    there = {f"tag:{key}" for key in found.tags} | {f"audience:{name}" for name in found.audiences}
    there |= {f"campaign:{name}" for name in found.campaigns}
    there |= {f"journey:{name}" for name in found.journeys}
    there |= {f"scene:{name}" for name in found.scenes}
    there |= {node for edge in edges for node in edge}
    if focus:
        if focus.partition(":")[0] not in KINDS or ":" not in focus:
            raise UsageError(f"'{focus}' names nothing", hint=f"write KIND:NAME, of {', '.join(KINDS)}")
        if focus not in there:
            raise NotFoundError(f"there is no {focus.replace(':', ' ', 1)}", hint=did_you_mean(focus, there))
        kept = _reached(focus, edges) | _reached(focus, [(after, before) for before, after in edges])
        edges = [edge for edge in edges if edge[0] in kept and edge[1] in kept]
        there = kept
    layers = _layers(there, edges)
    nodes = [_node(found, node, layers[node]) for node in there]
    nodes.sort(key=lambda node: (node["layer"], KINDS.index(node["kind"]), node["name"]))
    return {
        "focus": focus,
        "nodes": nodes,
        "edges": [{"from": before, "to": after} for before, after in edges],
    }


def _edges(found: Known) -> set[Edge]:
    """From what is used to what uses it."""
    edges: set[Edge] = set()
    measures = {key: metric.measure for key, metric in definitions.metrics(found.workspace).items()}
    for key, tag in found.tags.items():
        node = f"tag:{key}"
        if isinstance(tag.definition, Observed):
            edges.add((f"attribute:{tag.definition.attribute}", node))
        for tree in written(tag):
            edges |= {(used, node) for used in _used(tree, found)}
            for name in t.metrics_of(tree):
                edges.add((f"metric:{name}", node))
                edges |= {(used, f"metric:{name}") for used in _used(measure_of(measures[name]), found)}
    for name, audience in found.audiences.items():
        if audience.expression is not None:
            edges |= {(used, f"audience:{name}") for used in _used(parse(audience.expression), found)}
    for name, scene in found.scenes.items():
        edges |= {(used, f"scene:{name}") for used in _of_scene(scene, found)}
    for name, campaign in found.campaigns.items():
        node = f"campaign:{name}"
        if campaign.scene in found.scenes:
            edges.add((f"scene:{campaign.scene}", node))
        if campaign.audience in found.audiences:
            edges.add((f"audience:{campaign.audience}", node))
        if campaign.goal is not None and campaign.goal.metric:
            edges.add((f"metric:{campaign.goal.metric}", node))
        said = {key for key, how in found.in_campaign(campaign).items() if how - {"audience"}}
        edges |= {(f"tag:{key}", node) for key in said}
    for name, journey in found.journeys.items():
        node = f"journey:{name}"
        if journey.scene in found.scenes:
            edges.add((f"scene:{journey.scene}", node))
        edges |= {
            (f"audience:{used}", node) for used in ways.audiences_of(journey) if used in found.audiences
        }
        edges |= {(f"event:{item.event}", node) for item in ways.happenings_of(journey)}
        if journey.goal is not None and journey.goal.metric:
            edges.add((f"metric:{journey.goal.metric}", node))
        edges |= {
            (f"tag:{key}", node)
            for key, how in found.in_journey(journey).items()
            if how - {"audience", "gives"}
        }
        edges |= {(node, f"tag:{key}") for key in ways.gives_of(journey) if key in found.tags}
        for text in ways.conditions_of(journey):
            with suppress(LimnerError):
                edges |= {(used, node) for used in _used(parse(text), found)}
    return edges


def _of_scene(scene: Scene, found: Known) -> set[str]:
    """What a scene's audience, goal and products are made of."""
    used = {f"audience:{scene.audience}"} if scene.audience in found.audiences else set()
    if scene.goal is not None:
        used.add(f"metric:{scene.goal.metric}" if scene.goal.metric else f"event:{scene.goal.event}")
    for text in (scene.products, scene.goal.where if scene.goal else ""):
        with suppress(LimnerError):
            used |= (
                {f"object:{kind}.{name}" for kind, name in t.objects_of(parse(text, scope="event"))}
                if text
                else set()
            )
    return used


def _used(tree: t.Expr, found: Known) -> set[str]:
    """What an expression names."""
    used = {f"event:{name}" for name in t.events_of(tree)}
    used |= {f"attribute:{'.'.join(node.path)}" for node in t.walk(tree) if isinstance(node, t.Attribute)}
    used |= {f"audience:{name}" for name in t.audiences_of(tree) if name in found.audiences}
    used |= {f"object:{kind}.{name}" for kind, name in t.objects_of(tree)}
    for name in t.names_of(tree):
        used.add(f"tag:{name}" if name in found.tags else f"attribute:{name}")
    return used


def _reached(start: str, edges: Iterable[Edge]) -> set[str]:
    """The node and everything to which edges lead from it."""
    after: dict[str, list[str]] = {}
    for before, then in edges:
        after.setdefault(before, []).append(then)
    reached, waiting = {start}, [start]
    while waiting:
        for then in after.get(waiting.pop(), ()):
            if then not in reached:
                reached.add(then)
                waiting.append(then)
    return reached


def _layers(nodes: Collection[str], edges: Iterable[Edge]) -> dict[str, int]:
    """By node, the length of the longest way to it; audiences that name each other in a circle count once."""
    needs: dict[str, list[str]] = {node: [] for node in nodes}
    for before, after in edges:
        needs[after].append(before)
    layers: dict[str, int] = {}

    def layer(node: str, above: tuple[str, ...]) -> int:
        if node not in layers:
            below = [
                layer(need, (*above, node)) for need in needs[node] if need not in above and need != node
            ]
            layers[node] = max(below, default=-1) + 1
        return layers[node]

    for node in sorted(nodes):
        layer(node, ())
    return layers


def _node(found: Known, node: str, layer: int) -> Json:
    kind, _, name = node.partition(":")
    said: Json = {"id": node, "kind": kind, "name": name, "layer": layer, "titles": {}, "people": None}
    if kind == "tag":
        row = found.rows.get(name)
        said["titles"] = dict(found.tags[name].title)
        said["people"] = None if row is None or row["state"] == "new" else row["people"]
    elif kind == "audience":
        said["titles"] = dict(found.audiences[name].title)
    elif kind == "campaign":
        said["titles"] = dict(found.campaigns[name].title)
    elif kind == "scene":
        said["titles"] = dict(found.scenes[name].title)
    elif kind == "journey":
        said["titles"] = dict(found.journeys[name].title)
    return said
