"""Lint: what is wrong with a set of tags as a whole, and with each, with numbers and a proposal. Changes nothing.

Names (twice, nearly, by a synonym), definitions (the same normal form), people (nearly the same ones), descriptions,
use, coverage, freshness, churn. The same tags give the same findings in the same order.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from functools import cache
from importlib import resources
from itertools import combinations
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from limner.columns import Array, Column, Columns
from limner.engine.seam import Engine
from limner.expressions import tree as t
from limner.expressions.printer import to_text
from limner.metrics.model import Metric, measure_of
from limner.tags.graph import Graph, written
from limner.tags.model import Given, Observed, Points, Rule, Stage, Tag, Tiers, plain
from limner.types import ValueType, naive

NEAR_NAMES = 0.9
"""Names whose letters agree so far are nearly the same."""

NEAR_PEOPLE = 0.97
"""Tags that share so much of the people who have either are nearly the same (Jaccard)."""

LEAST_COVERAGE = 0.001
MOST_CHURN = 0.5
"""Times that people left or moved in 30 days, for each person with the tag; more is unrest."""

SAMPLE = 20_000
BLOCK = 1_000_000

Level = Literal["bad", "warn", "note"]
Proposal = Literal["merge", "rename", "retire", "describe", "refresh", "review", "replace"]
_LEVELS = ("bad", "warn", "note")


@dataclass(frozen=True)
class Finding:
    """Something that somebody should look at. `numbers` show it, `proposal` says what to do."""

    level: Level
    code: str
    tags: tuple[str, ...]
    text: str
    hint: str
    proposal: Proposal
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """What is known of one tag besides its definition.

    `stale`: never, expired, changed, overdue, or '' when its values are as they should be; `scheduled`: whether a
    schedule computes it; `used`: by how many definitions; `churn`: how often people left or moved in 30 days;
    `users`: who uses it, such as `audience warm`. `right`: how often it is right, of how many people whose truth is
    known; None when that is too few, or nobody asked.
    """

    stale: str = ""
    scheduled: bool = True
    used: int = 0
    churn: int = 0
    users: tuple[str, ...] = ()
    right: tuple[int, int] | None = None


def accurate(tags: Mapping[str, Tag], known: Mapping[str, Known]) -> Iterator[Finding]:
    """Tags that are right less often than their file asks for."""
    for key in sorted(tags):
        wanted, right = tags[key].at_least, known.get(key, Known()).right
        if wanted is None or right is None or not right[1] or right[0] / right[1] >= wanted:
            continue
        yield Finding(
            "bad",
            "inaccurate",
            (key,),
            f"{key} is right about {right[0]} of {right[1]} people whose truth is known; it must be about {wanted:.0%}",
            f"Change its definition; limner tag accuracy {key} says where it is wrong.",
            "review",
            {"right": right[0], "of": right[1]},
        )


def lint(
    graph: Graph,
    columns: Columns | None,
    known: Mapping[str, Known],
    metrics: Mapping[str, Metric] = MappingProxyType({}),
) -> list[Finding]:
    """Every finding, the worst first, then by code and tags.

    `columns`: what is published, with who is alive; None before the first run.
    """
    tags = graph.tags
    found = [*names(tags), *definitions(graph), *described(tags), *kept(tags, known), *accurate(tags, known)]
    found += spelled_out(graph, metrics)
    if columns is not None:
        found += [*people(tags, columns), *values(tags, columns, known)]
    found = _once(found)
    return sorted(found, key=lambda item: (_LEVELS.index(item.level), item.code, item.tags, item.text))


def _once(found: Iterable[Finding]) -> list[Finding]:
    """Two tags that are called the same need not be told that their names are near."""
    found = list(found)
    alike = {item.tags for item in found if item.code in ("same_title", "synonym")}
    return [item for item in found if item.code != "near_name" or item.tags not in alike]


# names


def names(tags: Mapping[str, Tag]) -> Iterator[Finding]:
    """Tags that are called the same, nearly the same, or the same in other words."""
    titles: dict[tuple[str, str], list[str]] = defaultdict(list)
    meanings: dict[str, set[str]] = defaultdict(set)
    for key in sorted(tags):
        for language, title in tags[key].title.items():
            said = _spaced(title)
            if said:
                titles[language, said].append(key)
        for name in (key, *tags[key].title.values()):
            means = meaning(name)
            if means:
                meanings[means].add(key)
    twice = set()
    for (_, title), keys in sorted(titles.items()):
        if len(keys) > 1 and tuple(keys) not in twice:
            twice.add(tuple(keys))
            yield Finding(
                "warn",
                "same_title",
                tuple(keys),
                f"{_listed(keys)} have the same title: {title}",
                "Keep one of them, or say in the titles how they differ.",
                "rename",
                {"tags": len(keys)},
            )
    pairs = {pair for keys in twice for pair in combinations(keys, 2)}
    same = set()
    for _, held in sorted(meanings.items()):
        for pair in combinations(sorted(held), 2):
            if pair not in pairs and pair not in same:
                same.add(pair)
                yield Finding(
                    "note",
                    "synonym",
                    pair,
                    f"{_listed(pair)} say the same in other words",
                    "Use one word for one thing: merge them, or say how they differ.",
                    "merge",
                )
    for one, other, near in _near(tags):
        if (one, other) not in pairs:
            yield Finding(
                "note",
                "near_name",
                (one, other),
                f"the names of {one} and {other} are nearly the same",
                "One may be a slip of the pen: merge them, or give them names that differ.",
                "rename",
                {"alike": round(near, 3)},
            )


def _near(tags: Mapping[str, Tag]) -> Iterator[tuple[str, str, float]]:
    """Pairs of tags with nearly the same key or title, and how alike; numbers in names are no slip of the pen."""
    named = [
        (key, said)
        for key in sorted(tags)
        for said in sorted({_spaced(key), *(_spaced(title) for title in tags[key].title.values())})
    ]
    places: dict[str, set[int]] = defaultdict(set)
    for place, (_, said) in enumerate(named):
        for gram in _grams(said):
            places[gram].add(place)
    best: dict[tuple[str, str], float] = {}
    for place, (key, said) in enumerate(named):
        shared: dict[int, int] = defaultdict(int)
        grams = _grams(said)
        for gram in grams:
            for other in places[gram]:
                if other > place:
                    shared[other] += 1
        for other, n in shared.items():
            twin, words = named[other]
            if twin == key or words == said or _letters(words) == _letters(said) or 2 * n < len(grams):
                continue
            near = SequenceMatcher(None, said, words, autojunk=False).ratio()
            if near >= NEAR_NAMES:
                pair = (min(key, twin), max(key, twin))
                best[pair] = max(near, best.get(pair, 0.0))
    for pair, near in sorted(best.items()):
        yield *pair, near


def _grams(said: str) -> set[str]:
    return {said[place : place + 2] for place in range(len(said) - 1)} or {said}


def _letters(said: str) -> str:
    return re.sub(r"\d+", "0", said)


def _spaced(name: str) -> str:
    """The name in small letters, its words one space apart."""
    return " ".join(re.findall(r"\w+", name.replace("_", " ").casefold()))


@cache
def synonyms() -> Mapping[str, str]:
    """The word that stands for each word of the families in synonyms.txt."""
    text = (resources.files("limner.tags") / "synonyms.txt").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {word: family[0] for family in lines for word in family}


_SMALL = frozenset(
    ("a", "an", "and", "by", "days", "day", "d", "for", "from", "has", "have", "in", "is", "of", "on", "per", "the",
     "their", "to", "with")
)  # fmt: skip
_LAST = re.compile(r"(\b(last|past|recent)|最近|近)\s*(?=\d)")
_ASCII = re.compile(r"[a-z]+|\d+")


def meaning(name: str) -> str:
    """What a name says, with one word for all of a family and no regard to order or small words."""
    said = _LAST.sub(" ", _spaced(name))
    families = synonyms()
    words = [families.get(word, word) for word in _ASCII.findall(said) if word not in _SMALL]
    rest = re.sub(r"[a-z\d\s的天了过]+", " ", said).strip()
    for word in sorted((word for word in families if not word.isascii()), key=len, reverse=True):
        if word in rest:
            rest = rest.replace(word, " ")
            words.append(families[word])
    words += rest.split()
    return " ".join(sorted(words))


# definitions


def definitions(graph: Graph) -> Iterator[Finding]:
    """Tags whose definitions have the same normal form: they can only have the same values."""
    same: dict[str, list[str]] = defaultdict(list)
    for key in sorted(graph.tags):
        same[normal(graph, key)].append(key)
    for keys in same.values():
        if len(keys) > 1:
            yield Finding(
                "warn",
                "same_definition",
                tuple(keys),
                f"{_listed(keys)} are defined alike",
                "Keep one of them, and let the others' users refer to it.",
                "merge",
                {"tags": len(keys)},
            )


def spelled_out(graph: Graph, metrics: Mapping[str, Metric]) -> Iterator[Finding]:
    """Tags that say once more what a metric measures, instead of naming it: they will differ when it changes."""
    measures = {to_text(measure_of(metric.measure)): key for key, metric in sorted(metrics.items())}
    for key in sorted(graph.tags):
        said = {text for tree in written(graph.tags[key]) for text in _measures(tree)}
        for name in sorted(measures[text] for text in said & measures.keys()):
            yield Finding(
                "note",
                "spelled_out",
                (key,),
                f"{key} says what the metric {name} measures once more",
                f"Write metric({name} …) there, so that both change together.",
                "replace",
            )


def _measures(tree: t.Expr) -> Iterator[str]:
    """What the expression counts and adds up, whatever the window."""
    for node in t.walk(tree):
        if isinstance(node, t.Aggregate):
            yield to_text(replace(node, window=None))


def normal(graph: Graph, key: str) -> str:
    """The tag's definition in its normal form, with its type: equal for tags that can only be equal."""
    tag = graph.tags[key]
    if isinstance(tag.definition, Observed):
        return f"{tag.type} attribute {tag.definition.attribute}"
    if isinstance(tag.definition, Given):
        return f"{tag.type} given as {key}"
    said = [to_text(tree) for tree in graph.trees[key]]
    if isinstance(tag.definition, Rule):
        said = [
            f"{when} → {plain(case.then)!r}" for when, case in zip(said, tag.definition.cases, strict=True)
        ]
        said.append(repr(plain(tag.definition.otherwise)))
    if isinstance(tag.definition, Points | Tiers):
        return f"{tag.type} {tag.definition!r}"
    return f"{tag.type} {tag.method} {said}"


def described(tags: Mapping[str, Tag]) -> Iterator[Finding]:
    """What the files do not say: a title, what the tag is for, who answers for it."""
    for key, tag in sorted(tags.items()):
        if not any(tag.title.values()):
            yield Finding(
                "note",
                "no_title",
                (key,),
                f"{key} has no title",
                "Write title: in the languages of your people.",
                "describe",
            )
        if not tag.why:
            yield Finding(
                "note",
                "no_why",
                (key,),
                f"{key} does not say what it is for",
                "Write why: in one sentence.",
                "describe",
            )
        if not tag.owner:
            yield Finding(
                "note",
                "no_owner",
                (key,),
                f"nobody answers for {key}",
                "Write owner: with a department or a person.",
                "describe",
            )


# what is known of each


_STALE = {
    "expired": "the values of {} have expired",
    "overdue": "{} should have been computed again",
    "aside": "the last run could not compute {}: it has its former values",
    "changed": "the definition of {} changed after it was computed",
}


def kept(tags: Mapping[str, Tag], known: Mapping[str, Known]) -> Iterator[Finding]:
    """Tags that nobody uses, whose values are not those of now, or that no schedule computes."""
    for key, tag in sorted(tags.items()):
        one = known.get(key, Known())
        if not one.used:
            yield Finding(
                "note",
                "unused",
                (key,),
                f"nothing uses {key}: no tag, audience, campaign, journey or template",
                "Use it, or take its file away; undo brings it back.",
                "retire",
                {"uses": 0},
            )
        for user in one.users if tag.stage is Stage.DEPRECATED else ():
            yield Finding(
                "warn",
                "deprecated_use",
                (key,),
                f"{key} is deprecated, and {user} uses it",
                "Put another tag in its place, then take it away.",
                "replace",
                {"uses": len(one.users)},
            )
        if one.stale == "never":
            yield Finding(
                "note",
                "uncomputed",
                (key,),
                f"{key} is not computed yet",
                f"limner tag run {key}",
                "refresh",
            )
        elif one.stale:
            yield Finding(
                "warn",
                "stale",
                (key,),
                _STALE[one.stale].format(key),
                f"limner tag run {key}",
                "refresh",
            )
        if tag.dynamic and not one.scheduled:
            yield Finding(
                "warn",
                "unrefreshed",
                (key,),
                f"{key} changes as people act, but no schedule computes it",
                "Write refresh: in its file, or refresh = in limner.toml.",
                "refresh",
            )


def churned(engine: Engine, *, now: datetime) -> dict[str, int]:
    """How often people left each tag or moved in it in the last 30 days.

    Who enters for the first time makes no unrest, nor does a new definition or values that expired.
    """
    rows = engine.read(
        "SELECT subject, COUNT(*) AS n FROM changes WHERE starts_with(subject, 'tag:') AND cause = 'refresh'"
        " AND before IS NOT NULL AND ts > $since AND ts <= $now GROUP BY subject",
        {"since": naive(now - timedelta(days=30)), "now": naive(now)},
    ).to_pylist()
    return {row["subject"].removeprefix("tag:"): int(row["n"]) for row in rows}


def values(tags: Mapping[str, Tag], columns: Columns, known: Mapping[str, Known]) -> Iterator[Finding]:
    """Tags that say little: of hardly anybody, the same of everybody, or something else every day."""
    everybody = int(np.count_nonzero(columns.alive))
    for key in sorted(tags):
        column = columns.column(key)
        if column is None or not everybody or known.get(key, Known()).stale in ("never", "expired"):
            continue
        held = column.known & columns.alive
        people = int(np.count_nonzero(held))
        coverage = people / everybody
        if coverage < LEAST_COVERAGE:
            yield Finding(
                "warn",
                "low_coverage",
                (key,),
                f"{key} has a value for {people:,} of {everybody:,} people",
                "Widen its condition, or retire it.",
                "retire",
                {"people": people, "everybody": everybody, "coverage": round(coverage, 6)},
            )
        if people and _constant(column, held, everybody):
            yield Finding(
                "warn",
                "constant",
                (key,),
                f"{key} says the same of everybody who has it ({people:,} people)",
                "A tag that tells nobody apart helps no audience: change it or retire it.",
                "retire",
                {"people": people, "everybody": everybody},
            )
        churn = known.get(key, Known()).churn
        if people and churn / people > MOST_CHURN:
            yield Finding(
                "note",
                "high_churn",
                (key,),
                f"people left {key} or moved in it {churn:,} times in 30 days; {people:,} have it",
                "People come and go: a longer window or bounds further apart make it calmer.",
                "review",
                {"changes": churn, "people": people, "churn": round(churn / people, 4)},
            )


def _constant(column: Column, held: Array, everybody: int) -> bool:
    """Whether all who have a value have the same one; a flag, whether all have it."""
    if column.coded:
        present = np.flatnonzero(column.counts(held)[1:])
        if column.type is ValueType.FLAG:
            return len(present) == 1 and int(np.count_nonzero(held)) == everybody
        return len(present) == 1 and int(np.count_nonzero(held)) > 1
    found = column.known_values(held)
    return len(found) > 1 and bool((found == found[0]).all())


# people


def people(tags: Mapping[str, Tag], columns: Columns) -> Iterator[Finding]:
    """Tags of one type whose people and values are the same, or pairs of them that nearly are.

    Shared: people of whom both say the same; its share is of the people of whom either says something. Of a flag only
    true counts; of others a value that more than half of all people have says nothing.
    """
    compared = _Compared(columns, [key for key in sorted(tags) if columns.column(key) is not None])
    for keys, shared in compared.same():
        yield _same(keys, shared, shared)
    for one, other in compared.pairs():
        shared, either = compared.counted(one, other)
        if shared and shared >= NEAR_PEOPLE * either:
            yield _same((one, other), shared, either)


def _same(keys: tuple[str, ...], shared: int, either: int) -> Finding:
    return Finding(
        "warn",
        "same_people",
        keys,
        f"{_listed(keys)} say the same of {shared:,} of {either:,} people",
        "Keep the one with the clearer definition.",
        "merge",
        {"shared": shared, "either": either, "jaccard": round(shared / either, 4)},
    )


class _Compared:
    """Columns that can be compared value by value: whole by their digests, then in a sample, then whole by blocks."""

    def __init__(self, columns: Columns, keys: list[str]) -> None:
        self._alive = columns.alive
        self._words: dict[str, int] = {}
        held = {key: columns.column(key) for key in keys}
        self._columns = {key: column.padded(columns.n) for key, column in held.items() if column is not None}
        self._tables = {key: self._table(column) for key, column in self._columns.items()}
        self._usual: dict[str, Any] = {}
        living = np.flatnonzero(self._alive)
        sampled = living[:: max(1, len(living) // SAMPLE)]
        self._sample: dict[str, tuple[Array, Array]] = {}
        self._counts: dict[str, int] = {}
        alike: dict[tuple[ValueType, bytes], list[str]] = defaultdict(list)
        for key, column in self._columns.items():
            self._usual[key] = _usual(column, *self._read(key, sampled))
            self._sample[key] = self._read(key, sampled)
            digest, count = hashlib.sha256(), 0
            for block in self._blocks():
                values, known = self._read(key, block)
                count += int(np.count_nonzero(known))
                digest.update(np.packbits(known).tobytes())
                digest.update(np.where(known, values, 0).tobytes())
            self._counts[key] = count
            alike[column.type, digest.digest()].append(key)
        self._alike = [tuple(found) for found in alike.values()]

    def same(self) -> Iterator[tuple[tuple[str, ...], int]]:
        """Columns that say exactly the same, and of how many people."""
        for keys in self._alike:
            if len(keys) > 1 and self._counts[keys[0]]:
                yield keys, self._counts[keys[0]]

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Pairs of one type that are not the same but may nearly be, by their counts and a sample."""
        by_type: dict[ValueType, list[str]] = defaultdict(list)
        for keys in self._alike:
            by_type[self._columns[keys[0]].type].append(keys[0])
        for listed in by_type.values():
            ranked = sorted((self._counts[key], key) for key in listed if self._counts[key])
            for place, (low, one) in enumerate(ranked):
                for high, other in ranked[place + 1 :]:
                    if low < NEAR_PEOPLE * high:
                        break
                    shared, either = _agreed(self._sample[one], self._sample[other])
                    # The sample rules out only what is far off: of 400 people 0.9 is eight deviations below 0.97.
                    if either < 400 or shared >= 0.9 * either:
                        yield (one, other) if one < other else (other, one)

    def counted(self, one: str, other: str) -> tuple[int, int]:
        """(people of whom both say the same, people of whom either says something)."""
        counts = [_agreed(self._read(one, block), self._read(other, block)) for block in self._blocks()]
        return sum(shared for shared, _ in counts), sum(either for _, either in counts)

    def _blocks(self) -> Iterator[slice]:
        for first in range(0, len(self._alive), BLOCK):
            yield slice(first, first + BLOCK)

    def _table(self, column: Column) -> Array:
        """Each code's value as a number that means the same in every column of the type; the first is unknown."""
        labels: Any = () if column.labels is None else column.labels
        if column.type is ValueType.TEXT:
            return np.array([0, *(self._words.setdefault(label, len(self._words)) for label in labels)])
        return np.array([0, *labels], dtype=np.float64 if column.type is ValueType.NUMBER else np.int64)

    def _read(self, key: str, which: Array | slice) -> tuple[Array, Array]:
        """The values of some people, and who of them is alive and has one that says something."""
        column = self._columns[key]
        if column.codes is not None:
            codes = column.codes[which]
            held = (codes == 2) if column.type is ValueType.FLAG else (codes != 0)
            read = codes if column.type is ValueType.FLAG else self._tables[key][codes]
        else:
            read, held = np.asarray(column.values)[which], column.known[which]
        held = held & self._alive[which]
        usual = self._usual.get(key)
        return read, held if usual is None else held & (read != usual)


def _usual(column: Column, read: Array, held: Array) -> Any:
    """The value that more than half of all people have; None when there is none, and of flags."""
    if column.type is ValueType.FLAG or 2 * int(np.count_nonzero(held)) <= len(held):
        return None
    found, counts = np.unique(read[held], return_counts=True)
    most = int(counts.argmax())
    return found[most] if 2 * int(counts[most]) > len(held) else None


def _agreed(one: tuple[Array, Array], other: tuple[Array, Array]) -> tuple[int, int]:
    same = (one[0] == other[0]) & one[1] & other[1]
    return int(np.count_nonzero(same)), int(np.count_nonzero(one[1] | other[1]))


def _listed(keys: Iterable[str]) -> str:
    *first, last = keys
    return f"{', '.join(first)} and {last}" if first else last
