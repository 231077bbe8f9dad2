"""Naming: what other systems call our tags. `mappings/NAME.yml` to System; where the names contradict each other.

```yaml
# mappings/shop.yml
system: Shop back office
names:
  - {theirs: VIP, tag: vip}
  - {theirs: 高价值, tag: value_tier, value: high}
```

Mappings of imports stand in the same folder; they have no `system`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from limner.errors import DefinitionError, did_you_mean
from limner.tags.document import Document
from limner.tags.model import Points, Rule, Stage, Tag, Tiers, Value, plain, shown
from limner.tags.text import value_in
from limner.types import MONEY_SCALE, ValueType

KEYS = ("title", "system", "owner", "why", "names")
_NAME_KEYS = ("theirs", "tag", "value")


@dataclass(frozen=True)
class Named:
    """One of their names: it means that the tag has the value (as the file writes it; None: any value)."""

    theirs: str
    tag: str
    value: Any
    line: int

    @property
    def meant(self) -> str:
        """What it means here, in words."""
        return self.tag if self.value is None else f"{self.tag} = {plain(self.value)}"


@dataclass(frozen=True)
class System:
    """Another system and its names."""

    name: str
    system: str
    names: tuple[Named, ...]
    title: Mapping[str, str] = field(default_factory=dict, hash=False)
    owner: str = ""
    why: str = ""

    def where(self, named: Named) -> str:
        """The place of a name in the file."""
        return f"mappings/{self.name}.yml:{named.line}"


@dataclass(frozen=True)
class Conflict:
    """Names that contradict each other, or what they mean."""

    level: Literal["bad", "warn"]
    code: str
    where: tuple[str, ...]
    theirs: tuple[str, ...]
    ours: tuple[str, ...]
    text: str
    hint: str


@lru_cache(maxsize=512)  # the same text is the same system, and a system never changes
def read(text: str, name: str) -> System | None:
    """The system whose names the text gives; None when it is a mapping of an import.

    Raises DefinitionError at the place that is wrong.
    """
    document = Document(text, where=f"mappings/{name}.yml")
    if "system" not in document.root and "names" not in document.root:
        return None
    document.known_keys(KEYS)
    system = document.string("system", required=True)
    listed = document.value("names")
    if not isinstance(listed, list) or not listed:
        raise document.error(
            "'names' is a list of theirs and tag", *(["names"] if listed else []), hint=_HINT
        )
    names = []
    for place, item in enumerate(listed):
        if not isinstance(item, Mapping):
            raise document.error("a name has theirs and tag", "names", place, hint=_HINT)
        document.known_keys(_NAME_KEYS, "names", place)
        theirs = document.string("names", place, "theirs", required=True).strip()
        tag = document.string("names", place, "tag", required=True).strip()
        if not theirs:
            raise document.error("'theirs' is empty", "names", place, "theirs", code="missing")
        line = int(document.place("names", place).split(":")[1])
        names.append(Named(theirs, tag, item.get("value"), line))
    return System(
        name, system, tuple(names), document.titles("title"), document.string("owner"), document.string("why")
    )


_HINT = "- {theirs: VIP, tag: vip}"


def read_folder(folder: Path) -> tuple[dict[str, System], list[DefinitionError]]:
    """Every system of `folder/*.yml` that can be read, by name, and the errors of the others."""
    systems: dict[str, System] = {}
    errors: list[DefinitionError] = []
    for path in sorted(folder.glob("*.yml")) if folder.is_dir() else ():
        try:
            found = read(path.read_text(encoding="utf-8"), path.stem)
        except UnicodeDecodeError:
            errors.append(DefinitionError("the file is not UTF-8", where=f"mappings/{path.name}"))
        except DefinitionError as error:
            errors.append(error)
        else:
            if found is not None:
                systems[path.stem] = found
    return systems, errors


def conflicts(systems: Mapping[str, System], tags: Mapping[str, Tag]) -> list[Conflict]:
    """Everything that contradicts, the worst first, then in the order of the files.

    one_to_two: one name means two things here. two_to_one: two names of a system mean the same, so that nothing tells
    them apart on the way back. part_of_another: one name means a value, another any value of that tag. elsewhere: two
    systems mean different things by one name. unknown_tag, wrong_value, unknown_value, deprecated: what a name means.
    """
    found: list[Conflict] = []
    for _, system in sorted(systems.items()):
        for named in system.names:
            found += _meaning(system, named, tags)
        found += _within(system)
    found += _between(systems)
    return sorted(found, key=lambda item: item.level != "bad")


def _meaning(system: System, named: Named, tags: Mapping[str, Tag]) -> Iterator[Conflict]:
    tag = tags.get(named.tag)

    def conflict(level: Literal["bad", "warn"], code: str, text: str, hint: str) -> Conflict:
        return Conflict(level, code, (system.where(named),), (named.theirs,), (named.meant,), text, hint)

    if tag is None:
        hint = did_you_mean(named.tag, tags) or "limner tag list"
        yield conflict("bad", "unknown_tag", f"{named.theirs} means the tag {named.tag}, which is none", hint)
        return
    if tag.stage is Stage.DEPRECATED:
        yield conflict(
            "warn",
            "deprecated",
            f"{named.theirs} means {named.tag}, which is deprecated",
            "Name another tag.",
        )
    if named.value is None:
        return
    value = value_in(tag.type, named.value)
    if value is None:
        said = f"{named.theirs} means {named.meant}, but {named.tag} is of type {tag.type}"
        yield conflict("bad", "wrong_value", said, f"Write a value of type {tag.type}.")
        return
    possible = _possible(tag)
    if possible is not None and value not in possible:
        said = f"{named.theirs} means {named.meant}, a value that {named.tag} never has"
        known = ", ".join(sorted(_shown(tag, item) for item in possible))
        yield conflict("bad", "unknown_value", said, f"Its values: {known}.")


def _possible(tag: Tag) -> set[Value] | None:
    """The values that a rule can give; None where anything may come."""
    if isinstance(tag.definition, Points | Tiers) and tag.definition.cuts is not None:
        last = tag.definition.otherwise if isinstance(tag.definition, Tiers) else None
        return {*tag.definition.cuts.tiers, *([] if last is None else [last])}
    if not isinstance(tag.definition, Rule):
        return None
    given = {case.then for case in tag.definition.cases}
    return given if tag.definition.otherwise is None else {*given, tag.definition.otherwise}


def _shown(tag: Tag, value: Value) -> str:
    if tag.type is ValueType.MONEY and isinstance(value, int):
        return f"{value / MONEY_SCALE:g}"
    return shown(value)


def _within(system: System) -> Iterator[Conflict]:
    theirs: dict[str, list[Named]] = defaultdict(list)
    ours: dict[str, list[Named]] = defaultdict(list)
    for named in system.names:
        theirs[named.theirs.casefold()].append(named)
        ours[named.meant].append(named)
    for same in theirs.values():
        meant = list(dict.fromkeys(named.meant for named in same))
        if len(meant) > 1:
            yield _conflict(
                "bad",
                "one_to_two",
                [(system, named) for named in same],
                f"{system.system}: {same[0].theirs} means {' and '.join(meant)}",
                "Let it mean one of them, or a rule that says both.",
            )
    for what, same in ours.items():
        said = list(dict.fromkeys(named.theirs for named in same))
        if len({word.casefold() for word in said}) > 1:
            yield _conflict(
                "warn",
                "two_to_one",
                [(system, named) for named in same],
                f"{system.system}: {' and '.join(said)} both mean {what}",
                "On the way back nothing tells them apart: give one of them a value or a tag of its own.",
            )
    for named in system.names:
        for part in system.names:
            other = part.theirs.casefold() != named.theirs.casefold()
            if named.value is None and part.value is not None and part.tag == named.tag and other:
                yield _conflict(
                    "warn",
                    "part_of_another",
                    [(system, named), (system, part)],
                    f"{system.system}: {named.theirs} means any value of {named.tag}, {part.theirs} one of them",
                    "Give the first its own values.",
                )


def _between(systems: Mapping[str, System]) -> Iterator[Conflict]:
    said: dict[str, list[tuple[System, Named]]] = defaultdict(list)
    for _, system in sorted(systems.items()):
        for named in system.names:
            said[named.theirs.casefold()].append((system, named))
    for _, held in sorted(said.items()):
        by_system: dict[str, set[str]] = defaultdict(set)
        for system, named in held:
            by_system[system.name].add(named.meant)
        if len(by_system) > 1 and len({frozenset(meant) for meant in by_system.values()}) > 1:
            words = "; ".join(f"{system.system}: {named.meant}" for system, named in held)
            yield _conflict(
                "warn",
                "elsewhere",
                held,
                f"{held[0][1].theirs} means different things: {words}",
                "People who read both take them for one: agree on one meaning.",
            )


def _conflict(
    level: Literal["bad", "warn"], code: str, held: list[tuple[System, Named]], text: str, hint: str
) -> Conflict:
    return Conflict(
        level,
        code,
        tuple(system.where(named) for system, named in held),
        tuple(dict.fromkeys(named.theirs for _, named in held)),
        tuple(dict.fromkeys(named.meant for _, named in held)),
        text,
        hint,
    )
