"""Graph: which tags refer to which, in what order they are computed, and their fingerprints. Runs nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from limner.errors import DefinitionError, ExpressionError, did_you_mean
from limner.expressions.parse import parse, parse_value
from limner.expressions.printer import to_text
from limner.expressions.tree import Expr, audiences_of, metrics_of, names_of, objects_of
from limner.metrics.model import put_in
from limner.tags import objects
from limner.tags.document import Document
from limner.tags.exclusive import Group, wrong
from limner.tags.model import Learned, Points, Rule, Statistic, Tag, Tiers, fingerprint
from limner.tags.text import document_of
from limner.types import ValueType

AudienceOf = Callable[[str], "Expr | frozenset[int] | None"]
"""An audience's expression, the people of a static one, None when there is none."""


@dataclass(frozen=True)
class Graph:
    """Tags with their parsed expressions. `order`: what is referred to comes first; otherwise by key.

    `audiences`: those that each tag's conditions name, also inside each other, with a mark of what each says.
    """

    tags: Mapping[str, Tag]
    trees: Mapping[str, tuple[Expr, ...]]
    needs: Mapping[str, frozenset[str]]
    order: tuple[str, ...]
    fingerprints: Mapping[str, str]
    audiences: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """The keys of each exclusive group's tags that are here, in the order of its list."""
        found = {tag.group.key: tag.group for tag in self.tags.values() if tag.group is not None}
        return {key: tuple(tag for tag in found[key].tags if self.peers(tag)) for key in sorted(found)}

    def peers(self, key: str) -> frozenset[str]:
        """The tags of the exclusive group that the tag is in, itself included; none when it is in none."""
        return _peers(self.tags, key)

    def with_objects(self, rows: Mapping[str, Any]) -> Graph:
        """The same tags, where they ask of objects of these kinds asking of these rows."""
        if not rows:
            return self
        tags, trees = dict(self.tags), dict(self.trees)
        for key, tag in self.tags.items():
            kinds = {kind for kind in rows if kind in tag.objects}
            if kinds:
                made = {kind: objects.of_rows(tag.objects[kind], rows[kind]) for kind in kinds}
                tags[key] = replace(tag, objects={**tag.objects, **made})
                trees[key] = expressions(tags[key])
        return replace(self, tags=tags, trees=trees)

    def closure(self, keys: Iterable[str]) -> frozenset[str]:
        """The keys and everything that they refer to; of an exclusive group every member."""
        found: set[str] = set()
        waiting = list(keys)
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting.extend(self.needs[key])
                waiting.extend(self.peers(key))
        return frozenset(found)

    def dependents(self, keys: Collection[str]) -> frozenset[str]:
        """The keys and every tag that refers to them, directly or not; of an exclusive group every member."""
        found = set(keys).union(*(self.peers(key) for key in keys))
        for key in self.order:
            if self.needs[key] & found or self.peers(key) & found:
                found.add(key)
        return frozenset(found)


def expression_path(tag: Tag, position: int) -> tuple[str | int, ...]:
    """Where the tag's expression number `position` stands in its file."""
    definition = tag.definition
    if isinstance(definition, Tiers) or (isinstance(definition, Rule) and definition.cuts is not None):
        return ("cuts", "of")
    if isinstance(definition, Points):
        return ("points", position, "when")
    if isinstance(definition, Learned):
        return ("learned", "features")
    return ("cases", position, "when") if isinstance(definition, Rule) else ("statistic",)


def grouped(tags: Mapping[str, Tag], groups: Mapping[str, Group]) -> dict[str, Tag]:
    """The tags, each knowing the exclusive group that it is in.

    Members that are not among the tags are left out. Raises DefinitionError for a member that is no flag, or that is in
    two groups.
    """
    found = {key: tag if tag.group is None else replace(tag, group=None) for key, tag in tags.items()}
    for name in sorted(groups):
        group = groups[name]
        for place, key in enumerate(group.tags):
            tag = found.get(key)
            if tag is None:
                continue
            if tag.type is not ValueType.FLAG:
                message = f"'{key}' is of type {tag.type}; a group holds flags"
                raise wrong(group, ("tags", place), message, code="type")
            if tag.group is not None:
                message = f"'{key}' is in the group '{tag.group.key}' already"
                raise wrong(group, ("tags", place), message, code="twice")
            found[key] = replace(tag, group=group)
    return found


def strangers(tags: Collection[str], groups: Mapping[str, Group]) -> list[DefinitionError]:
    """An error for each member of a group that is no tag."""
    return [
        wrong(
            group, ("tags", place), f"unknown tag '{key}'", hint=did_you_mean(key, tags), code="unknown_name"
        )
        for group in groups.values()
        for place, key in enumerate(group.tags)
        if key not in tags
    ]


def build(tags: Mapping[str, Tag], audience: AudienceOf = lambda _name: None) -> Graph:
    """The graph of the tags. Raises DefinitionError for an expression that is none, and for a cycle.

    What refers to a member of an exclusive group comes after all of the group: it sees the value that was kept.
    """
    trees = {key: expressions(tag) for key, tag in tags.items()}
    named = {key: _names(found, audience) for key, found in trees.items()}
    needs = {key: frozenset(names & tags.keys()) for key, (names, _) in named.items()}
    order = _ordered(tags, needs)
    if any(tag.group is not None for tag in tags.values()):
        after = {key: found.union(*(_peers(tags, need) for need in found)) for key, found in needs.items()}
        try:
            order = _ordered(tags, after)
        except DefinitionError as error:
            raise DefinitionError(
                error.message.replace("tags refer", "exclusive groups and tags refer"),
                where=error.where,
                code="group_cycle",
                hint="a member of a group refers to no tag of its group, nor to one that depends on it",
            ) from None
    own: dict[str, str] = {}
    fingerprints: dict[str, str] = {}
    marks = {
        key: {name: _audience_mark(name, audience) for name in audiences}
        for key, (_, audiences) in named.items()
    }
    for key in order:
        referenced = references({need: fingerprints[need] for need in needs[key]}, marks[key])
        own[key] = fingerprint(tags[key], normal=printed(trees[key]), referenced=referenced)
        peers = _peers(tags, key)
        if not peers:
            fingerprints[key] = own[key]
        elif peers <= own.keys():
            fingerprints |= {peer: _in_group(tags[peer], own, peers) for peer in peers}
    return Graph(dict(tags), trees, needs, order, fingerprints, marks)


def _peers(tags: Mapping[str, Tag], key: str) -> frozenset[str]:
    tag = tags.get(key)
    if tag is None or tag.group is None:
        return frozenset()
    group = tag.group
    return frozenset(peer for peer in group.tags if peer in tags and tags[peer].group == group)


def _in_group(tag: Tag, own: Mapping[str, str], peers: Iterable[str]) -> str:
    """The fingerprint of a member: its values follow from those of the others and from what is kept."""
    held = "" if tag.group is None else tag.group.mark
    marks = [own[tag.key], held, *(own[peer] for peer in sorted(peers))]
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()[:16]


def references(tags: Mapping[str, str], audiences: Mapping[str, str]) -> dict[str, str]:
    """What a tag refers to, as its fingerprint counts it: fingerprints of tags and marks of audiences by subject."""
    return {
        **{f"tag:{key}": mark for key, mark in tags.items()},
        **{f"audience:{name}": mark for name, mark in audiences.items()},
    }


def printed(trees: Iterable[Expr]) -> tuple[str, ...]:
    """The printed form of a tag's expressions."""
    return tuple(to_text(tree) for tree in trees)


def expressions(tag: Tag) -> tuple[Expr, ...]:
    """The tag's parsed expressions, measures and ids in the place of metrics and objects.

    Raises DefinitionError for one that is none.
    """
    measures = dict(tag.measures)
    return _each(tag, lambda tree: objects.put_in(put_in(tree, measures), tag.objects))


def metrics(tag: Tag) -> set[str]:
    """The metrics that the tag's expressions name."""
    return set().union(*(metrics_of(tree) for tree in written(tag)))


def asked_objects(tag: Tag) -> set[str]:
    """What of which objects the tag's expressions ask: `product.seasonal`."""
    return {f"{kind}.{name}" for tree in written(tag) for kind, name in objects_of(tree)}


def written(tag: Tag) -> tuple[Expr, ...]:
    """The tag's parsed expressions as its file writes them. Raises DefinitionError for one that is none."""
    return _each(tag, lambda tree: tree)


def _each(tag: Tag, made: Callable[[Expr], Expr]) -> tuple[Expr, ...]:
    found = []
    document: Document | None = None
    for position, source in enumerate(tag.sources):
        try:
            found.append(
                made(parse_value(source) if isinstance(tag.definition, Statistic | Tiers) else parse(source))
            )
        except ExpressionError as error:
            document = document or document_of(tag)
            raise document.wrapped(error, *expression_path(tag, position)) from error
    return tuple(found)


def _names(trees: tuple[Expr, ...], audience: AudienceOf) -> tuple[set[str], set[str]]:
    """The bare names in the trees and in the audiences they name, and those audiences."""
    names: set[str] = set()
    audiences: set[str] = set()
    waiting = list(trees)
    while waiting:
        tree = waiting.pop()
        names |= names_of(tree)
        for name in audiences_of(tree) - audiences:
            audiences.add(name)
            found = audience(name)
            if found is not None and not isinstance(found, frozenset):
                waiting.append(found)
    return names, audiences


def _audience_mark(name: str, audience: AudienceOf) -> str:
    found = audience(name)
    if found is None:
        return ""
    text = repr(sorted(found)) if isinstance(found, frozenset) else to_text(found)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _ordered(tags: Mapping[str, Tag], needs: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    order: list[str] = []
    done: set[str] = set()
    for start in sorted(tags):
        path: list[str] = []
        waiting: list[tuple[str, bool]] = [(start, False)]
        while waiting:
            key, leaving = waiting.pop()
            if leaving:
                path.pop()
                done.add(key)
                order.append(key)
            elif key in path:
                cycle = " → ".join([*path[path.index(key) :], key])
                raise DefinitionError(
                    f"tags refer to each other in a circle: {cycle}", where=f"tags/{key}.yml", code="cycle"
                )
            elif key not in done:
                path.append(key)
                waiting.append((key, True))
                waiting.extend((need, False) for need in sorted(needs[key], reverse=True))
    return tuple(order)
