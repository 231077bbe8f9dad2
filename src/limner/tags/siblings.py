"""Siblings: how flags relate by their definitions and by the people who have them; and groups that they could make.

A definition proves; people only suggest: nobody has both *yet*. What is published of tags in a group is settled
already, so for them the conflicts that were settled count as people with both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, TypeGuard

import numpy as np

from limner.columns import Columns
from limner.engine.seam import Engine
from limner.expressions import tree as t
from limner.expressions.catalog import Catalog
from limner.expressions.overlap import Verdict, decide
from limner.expressions.printer import to_text
from limner.tags.exclusive import Keep
from limner.tags.graph import Graph
from limner.tags.methods.observed import attribute_path
from limner.tags.model import Given, Observed, Rule, Statistic, Tag, Value
from limner.tags.resolve import BY_HAND
from limner.types import ValueType

LEAST_EXPECTED = 5.0
"""So many people should have both by chance before it says something that nobody has."""

MOST_SHARED = 0.01
"""At most this share of the smaller of two tags may have both, for people to suggest that they exclude each other."""

Pair = tuple[str, str]


@dataclass(frozen=True)
class People:
    """How many people have each of two flags and both, but for groups; `expected`: both, if they were independent."""

    first: int
    second: int
    both: int
    expected: float


@dataclass(frozen=True)
class Related:
    """Two flags: what their definitions prove, and what people have."""

    first: str
    second: str
    verdict: Verdict
    people: People | None

    @property
    def excludes(self) -> Literal["proved", "suggested", ""]:
        """Whether they exclude each other: proved by their definitions, or suggested by the people."""
        if self.verdict.relation == "exclusive":
            return "proved"
        if self.verdict.relation == "implied" or self.people is None:
            return ""
        few = self.people.both <= MOST_SHARED * min(self.people.first, self.people.second)
        return "suggested" if few and self.people.expected >= LEAST_EXPECTED else ""


@dataclass(frozen=True)
class Proposal:
    """Flags of one category of which every two exclude each other, and what could be kept."""

    tags: tuple[str, ...]
    category: str
    keep: Keep
    proved: int
    suggested: int

    @property
    def text(self) -> str:
        """The file of such a group."""
        return f"tags: [{', '.join(self.tags)}]\nkeep: {self.keep}\n"


def condition(graph: Graph, key: str, catalog: Catalog) -> t.Expr:
    """When a flag is true, as one condition. What it refers to stays as it is written."""
    tag = graph.tags[key]
    if isinstance(tag.definition, Observed):
        path = attribute_path(tag.definition.attribute, catalog)
        return t.Compare(t.Attribute(path), "=", t.Flag(True))
    if isinstance(tag.definition, Rule):
        return _gives(tag.definition, graph.trees[key], True)
    if isinstance(tag.definition, Given):
        return t.Compare(t.Name(key), "=", t.Flag(True))
    return graph.trees[key][0]


def _gives(rule: Rule, trees: Sequence[t.Expr], value: Value) -> t.Expr:
    """When a rule gives the value: a case with it holds, and none before with another."""
    found: list[t.Expr] = []
    before: list[t.Expr] = []
    for case, tree in zip(rule.cases, trees, strict=True):
        if case.then == value:
            found.append(t.And((tree, *(t.Not(other) for other in before))) if before else tree)
        else:
            before.append(tree)
    if rule.otherwise is not None and rule.otherwise == value:
        found.append(t.And(tuple(t.Not(tree) for tree in trees)))
    if not found:
        return t.Flag(False)
    return found[0] if len(found) == 1 else t.Or(tuple(found))


class Expanded:
    """Conditions in which a tag that they refer to is replaced by what it is computed from.

    Flags and texts of rules become the conditions that give them, statistics their aggregates: in a run both are
    computed as of one instant. Tags in an exclusive group, averages (they are rounded) and attributes stay.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[tuple[str, Value], t.Expr] = {}

    def of(self, node: t.Expr) -> t.Expr:
        """The condition expanded."""
        match node:
            case t.And(args) | t.Or(args):
                return replace(node, args=tuple(self.of(arg) for arg in args))
            case t.Not(arg):
                return t.Not(self.of(arg))
            case t.Name(key) if self._rule(key) is not None:
                return self._given(key, [True])
            case t.Known(t.Name(key)) if (rule := self._rule(key)) is not None:
                return self._given(key, _values_of(rule))
            case t.Compare(t.Name(key), "=" | "!=" as op, t.Text(said) | t.Flag(said)):
                return self._compared(node, key, op, [said])
            case t.Compare(t.Text(said) | t.Flag(said), "=" | "!=" as op, t.Name(key)):
                return self._compared(node, key, op, [said])
            case t.Among(t.Name(key), options) if all(isinstance(item, t.Text | t.Flag) for item in options):
                return self._compared(node, key, "=", [item.value for item in options])
            case t.Compare(left, op, right):
                return t.Compare(self._value(left), op, self._value(right))
            case t.Among(value) | t.Between(value) | t.TextTest(value) | t.Within(value) | t.Known(value):
                return replace(node, value=self._value(value))
            case t.Name():
                return self._value(node)
            case _:
                return node

    def _compared(self, node: t.Expr, key: str, op: str, said: Sequence[Value]) -> t.Expr:
        rule = self._rule(key)
        tag = self._graph.tags.get(key)
        if (
            rule is None
            or tag is None
            or any(isinstance(v, bool) != (tag.type is ValueType.FLAG) for v in said)
        ):
            return t.Compare(self._value(t.Name(key)), op, node.right) if _plain(node) else node
        wanted = said if op == "=" else [value for value in _values_of(rule) if value not in said]
        return self._given(key, wanted)

    def _rule(self, key: str) -> Rule | None:
        """The rule of a flag or text that stands for itself: no group takes its values."""
        tag = self._graph.tags.get(key)
        if tag is None or tag.group is not None or tag.type not in (ValueType.FLAG, ValueType.TEXT):
            return None
        return tag.definition if isinstance(tag.definition, Rule) else None

    def _given(self, key: str, wanted: Iterable[Value]) -> t.Expr:
        rule = self._rule(key)
        found = []
        for value in dict.fromkeys(wanted):
            if (key, value) not in self._known and rule is not None:
                self._known[key, value] = self.of(_gives(rule, self._graph.trees[key], value))
            found.append(self._known[key, value])
        return t.Or(tuple(found)) if found else t.Flag(False)

    def _value(self, value: t.Value) -> t.Value:
        tag = self._graph.tags.get(value.name) if isinstance(value, t.Name) else None
        if tag is None or tag.group is not None or not isinstance(tag.definition, Statistic):
            return value
        tree = self._graph.trees[tag.key][0]
        return tree if isinstance(tree, t.Aggregate) and tree.function != "avg" else value

    def names(self) -> dict[str, str]:
        """The key of the statistic that each aggregate is, where only one tag is it."""
        found: dict[str, list[str]] = {}
        for key in self._graph.order:
            tree = self._value(t.Name(key))
            if isinstance(tree, t.Aggregate):
                found.setdefault(to_text(tree), []).append(key)
        return {text: keys[0] for text, keys in found.items() if len(keys) == 1}


def _plain(node: t.Expr) -> TypeGuard[t.Compare]:
    return isinstance(node, t.Compare) and isinstance(node.left, t.Name)


def _values_of(rule: Rule) -> list[Value]:
    given = [case.then for case in rule.cases]
    return given if rule.otherwise is None else [*given, rule.otherwise]


def sources(graph: Graph, catalog: Catalog) -> Callable[[str], frozenset[str]]:
    """What each tag is computed from in the end: `event:NAME`, `attribute:NAME`, and `*` for what is not followed."""
    found: dict[str, frozenset[str]] = {}
    for key in graph.order:
        tag = graph.tags[key]
        mine: set[str] = set()
        if isinstance(tag.definition, Observed):
            mine.add(f"attribute:{attribute_path(tag.definition.attribute, catalog)[0]}")
        for tree in graph.trees[key]:
            for name in t.names_of(tree):
                mine |= found.get(name, {f"attribute:{name}"})
            for node in t.walk(tree):
                if isinstance(node, t.Event):
                    mine.add(f"event:{node.name}")
                elif isinstance(node, t.Attribute):
                    mine.add(f"attribute:{node.path[0]}")
                elif isinstance(node, t.InAudience):
                    mine.add("*")
                elif isinstance(node, t.Sample):
                    mine.add(f"sample:{node.seed}")
        found[key] = frozenset(mine)
    return lambda key: found.get(key, frozenset({"*"}))


def related(
    graph: Graph,
    pairs: Iterable[Pair],
    *,
    catalog: Catalog,
    columns: Columns | None,
    settled: Mapping[Pair, int],
) -> list[Related]:
    """Each pair of flags with what is proved and what people have; `settled`: what groups took out, by sorted pair."""
    conditions: dict[str, t.Expr] = {}
    masks: dict[str, object] = {}
    roots = sources(graph, catalog)
    expanded = Expanded(graph)
    called = expanded.names()
    everybody = 0 if columns is None else int(np.count_nonzero(columns.alive))
    found = []
    for first, second in pairs:
        for key in (first, second):
            if key not in conditions:
                conditions[key] = expanded.of(condition(graph, key, catalog))
                masks[key] = _true(columns, key)
        verdict = decide(conditions[first], conditions[second], catalog, sources=roots)
        witness = {called.get(leaf, leaf): value for leaf, value in verdict.witness.items()}
        verdict = replace(verdict, witness=witness)
        one, two = masks[first], masks[second]
        people = None
        if isinstance(one, np.ndarray) and isinstance(two, np.ndarray) and everybody:
            more = settled.get((min(first, second), max(first, second)), 0)
            both = int(np.count_nonzero(one & two)) + more
            n = int(np.count_nonzero(one)) + settled.get((first, first), 0)
            m = int(np.count_nonzero(two)) + settled.get((second, second), 0)
            people = People(n, m, both, round(n * m / everybody, 2))
        found.append(Related(first, second, verdict, people))
    return found


def _true(columns: Columns | None, key: str) -> object:
    column = None if columns is None else columns.column(key)
    if columns is None or column is None or column.codes is None or column.type is not ValueType.FLAG:
        return None
    return (column.codes == 2) & columns.alive


def settled_pairs(engine: Engine, group: str) -> dict[Pair, int]:
    """How many people would have two of a group's flags but for the group, by sorted pair.

    Of a flag with itself: from how many people the group took it.
    """
    rows = engine.read(
        "WITH held AS (SELECT DISTINCT ix, tag FROM (SELECT ix, kept AS tag FROM group_conflicts"
        " WHERE grp = $grp AND ended IS NULL UNION ALL SELECT ix, dropped FROM group_conflicts"
        " WHERE grp = $grp AND ended IS NULL) WHERE tag IS NOT NULL)\n"
        "SELECT a.tag AS one, b.tag AS two, COUNT(*) AS n FROM held AS a JOIN held AS b"
        " ON a.ix = b.ix AND a.tag < b.tag GROUP BY a.tag, b.tag"
        " UNION ALL SELECT dropped, dropped, COUNT(DISTINCT ix) FROM group_conflicts"
        " WHERE grp = $grp AND ended IS NULL GROUP BY dropped",
        {"grp": group},
    ).to_pylist()
    return {(row["one"], row["two"]): int(row["n"]) for row in rows}


def families(tags: Mapping[str, Tag], category: str = "") -> dict[str, tuple[str, ...]]:
    """The flags of each category that has at least two, by key; of `category` and those below it when it is given."""
    found: dict[str, list[str]] = {}
    for key in sorted(tags):
        path = "/".join(tags[key].category)
        if tags[key].type is ValueType.FLAG and (not category or f"{path}/".startswith(f"{category}/")):
            found.setdefault(path, []).append(key)
    return {path: tuple(keys) for path, keys in sorted(found.items()) if len(keys) > 1}


def proposals(
    tags: Mapping[str, Tag], pairs: Sequence[Related], category: str, keys: Collection[str]
) -> list[Proposal]:
    """Groups that the flags of a category could make: each as large as it can be, none of a group already in use.

    The flags with most people to exclude come first; a flag is proposed for one group.
    """
    how = {frozenset((item.first, item.second)): item.excludes for item in pairs if item.excludes}
    free = [key for key in sorted(keys) if tags[key].group is None]
    free.sort(key=lambda key: (-sum(key in pair for pair in how), key))
    found, used = [], set[str]()
    for first in free:
        if first in used:
            continue
        members = [first]
        for other in free:
            taken = other in used or other in members
            if not taken and all(frozenset((other, member)) in how for member in members):
                members.append(other)
        if len(members) < 2:
            continue
        used.update(members)
        evidence = [how[frozenset(pair)] for pair in combinations(members, 2)]
        methods = {tags[key].method in BY_HAND for key in members}
        keep = Keep.DECLARED if methods == {True, False} else Keep.NEWEST
        found.append(
            Proposal(
                tuple(sorted(members)), category, keep, evidence.count("proved"), evidence.count("suggested")
            )
        )
    return found
