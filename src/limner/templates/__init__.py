"""Industry templates: tags and audiences of a trade, as package data, and what data they need.

Each folder here is one template: `template.yml`, `tags/*.yml`, `audiences/*.yml`, perhaps `objects/*.yml`. Knows no
workspace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

from limner.audiences import model as audience_files
from limner.audiences.model import Audience
from limner.errors import NotFoundError, did_you_mean
from limner.expressions import tree as t
from limner.tags import objects
from limner.tags import text as tag_text
from limner.tags.document import Document
from limner.tags.graph import Graph, asked_objects, build
from limner.tags.model import Observed, Tag
from limner.tags.objects import Objects

FILE = "template.yml"
KEYS = ("title", "about", "events", "properties", "attributes")

Meanings = Mapping[str, Mapping[str, str]]
"""What each name means, by language."""


@dataclass(frozen=True)
class About:
    """What a template is for, how much is in it, and the data that it reads: each name with its meaning."""

    name: str
    title: Mapping[str, str]
    about: Mapping[str, str]
    events: Meanings
    properties: Meanings
    attributes: Meanings
    tags: tuple[str, ...]
    audiences: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """A template with its definitions, each with the text of its file, and how its tags refer to each other."""

    about: About
    tags: Mapping[str, Tag]
    audiences: Mapping[str, Audience]
    graph: Graph
    objects: Mapping[str, Objects] = field(default_factory=dict)

    @property
    def categories(self) -> tuple[str, ...]:
        """The first steps of its categories, in the order of their names."""
        return tuple(sorted({tag.category[0] for tag in self.tags.values()}))

    def within(self, category: str) -> tuple[str, ...]:
        """The keys of the tags in the category or below, and of those that they refer to; '' is all of them.

        Raises NotFoundError for a category that no tag is in.
        """
        steps = tuple(category.split("/")) if category else ()
        found = [key for key, tag in self.tags.items() if tag.category[: len(steps)] == steps]
        if not found:
            raise NotFoundError(
                f"no tag of '{self.about.name}' is in the category '{category}'",
                hint=did_you_mean(category, self.categories) or f"one of {', '.join(self.categories)}",
            )
        return tuple(sorted(self.graph.closure(found)))

    def objects_of(self, keys: Iterable[str]) -> tuple[str, ...]:
        """The kinds of objects of which these tags ask."""
        asked = {said.partition(".")[0] for key in keys for said in asked_objects(self.tags[key])}
        return tuple(kind for kind in self.objects if kind in asked)

    def audiences_of(self, keys: Iterable[str]) -> tuple[str, ...]:
        """The audiences that name none of the template's other tags."""
        others = self.tags.keys() - set(keys)
        return tuple(
            name
            for name, item in self.audiences.items()
            if not t.names_of(audience_files.tree(item)) & others
        )


@dataclass(frozen=True)
class Needs:
    """What a tag reads: names of events (or patterns), of their properties, of attributes."""

    events: frozenset[str]
    properties: frozenset[str]
    attributes: frozenset[str]


def names() -> tuple[str, ...]:
    """Every template."""
    return tuple(sorted(item.name for item in _home().iterdir() if (item / FILE).is_file()))


def _home() -> Traversable:
    return resources.files("limner.templates")


def _files(name: str, kind: str) -> dict[str, str]:
    """The texts of the template's definitions of a kind, by name."""
    folder = _home() / name / kind
    found = (item for item in (folder.iterdir() if folder.is_dir() else ()) if item.name.endswith(".yml"))
    return {
        item.name.removesuffix(".yml"): item.read_text(encoding="utf-8")
        for item in sorted(found, key=lambda item: item.name)
    }


@lru_cache(maxsize=20)
def about(name: str) -> About:
    """What the template is for. Raises NotFoundError with the nearest name."""
    if name not in names():
        raise NotFoundError(
            f"there is no template '{name}'",
            hint=did_you_mean(name, names()) or f"one of {', '.join(names())}",
        )
    document = Document((_home() / name / FILE).read_text(encoding="utf-8"), where=f"{name}/{FILE}")
    document.known_keys(KEYS)
    events, properties, attributes = (
        {key: document.titles(kind, key) for key in document.value(kind)}
        for kind in ("events", "properties", "attributes")
    )
    return About(
        name=name,
        title=document.titles("title"),
        about=document.titles("about"),
        events=events,
        properties=properties,
        attributes=attributes,
        tags=tuple(_files(name, "tags")),
        audiences=tuple(_files(name, "audiences")),
    )


@lru_cache(maxsize=20)
def read(name: str) -> Template:
    """The template with its definitions. Raises NotFoundError with the nearest name."""
    described = about(name)
    kinds = {kind: objects.listed(text, kind, b"") for kind, text in _files(name, "objects").items()}
    read_tags = {key: tag_text.read(text, key) for key, text in _files(name, "tags").items()}
    tags = objects.meaning(read_tags, kinds)
    audiences = {key: audience_files.read(text, key) for key, text in _files(name, "audiences").items()}
    return Template(described, tags, audiences, build(tags), kinds)


def needs(template: Template, key: str) -> Needs:
    """What the tag reads, itself and through the tags that it refers to."""
    events: set[str] = set()
    properties: set[str] = set()
    attributes: set[str] = set()
    for each in template.graph.closure([key]):
        definition = template.tags[each].definition
        if isinstance(definition, Observed):
            attributes.add(definition.attribute.partition(".")[0])
        kinds = {said.partition(".")[0] for said in asked_objects(template.tags[each])}
        properties |= {template.objects[kind].property for kind in kinds}
        for tree in template.graph.trees[each]:
            attributes |= t.names_of(tree) - template.tags.keys()
            for node in t.walk(tree):
                match node:
                    case t.Event(name, where):
                        events.add(name)
                        properties |= _names(where)
                    case t.LastHas(_, has):
                        properties |= _names(has)
                    case t.Aggregate(of=of) | t.Interest(of=of) if of is not None:
                        properties.add(of)
                    case t.Attribute(path):
                        attributes.add(path[0])
    return Needs(frozenset(events), frozenset(properties), frozenset(attributes))


def _names(condition: t.Node | None) -> set[str]:
    if condition is None:
        return set()
    return {node.name for node in t.walk(condition) if isinstance(node, t.Name)}
