"""The schema that editors use agrees with what reads tag files: what one accepts the other does, as far as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import limner
from limner.errors import DefinitionError
from limner.tags.document import Document
from limner.tags.schema import schema
from limner.tags.text import KEYS, read
from tests.tags.test_points import EVERY, HEAT, SCORE, SPENT, tiers

ROOT = Path(limner.__file__).parent
SHIPPED = sorted([*ROOT.glob("templates/*/tags/*.yml"), *ROOT.glob("demo/files/tags/*.yml")])
TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "number": (int, float), "boolean": bool, "null": type(None),
}  # fmt: skip


def wrong(value: Any, rules: Any, path: str = "") -> Iterator[str]:
    """What JSON Schema says is wrong with a value; the part of it that our schema uses, and no other."""
    if rules is True or rules is False:
        yield from () if rules else (f"{path}: not allowed",)
        return
    unknown = set(rules) - KNOWN
    assert not unknown, unknown
    kinds = rules.get("type", [])
    for_kinds = [kinds] if isinstance(kinds, str) else kinds
    if for_kinds and not any(_is(value, kind) for kind in for_kinds):
        yield f"{path}: {value!r} is no {kinds}"
    if "const" in rules and value != rules["const"]:
        yield f"{path}: {value!r} is not {rules['const']!r}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"{path}: {value!r} is none of {rules['enum']}"
    long_enough = not isinstance(value, str) or len(value) >= rules.get("minLength", 0)
    if isinstance(value, str) and not (long_enough and re.search(rules.get("pattern", ""), value)):
        yield f"{path}: {value!r} does not fit"
    if isinstance(value, list):
        if not rules.get("minItems", 0) <= len(value) <= rules.get("maxItems", len(value)):
            yield f"{path}: {len(value)} items"
        if rules.get("uniqueItems") and len({repr(item) for item in value}) < len(value):
            yield f"{path}: one item twice"
        for n, item in enumerate(value):
            yield from wrong(item, rules.get("items", True), f"{path}/{n}")
    if isinstance(value, Mapping):
        yield from (f"{path}: no {key}" for key in rules.get("required", ()) if key not in value)
        properties = rules.get("properties", {})
        for key, item in value.items():
            yield from wrong(
                item, properties.get(key, rules.get("additionalProperties", True)), f"{path}/{key}"
            )
    for part in rules.get("allOf", ()):
        yield from wrong(value, part, path)
    if "anyOf" in rules and all(list(wrong(value, part, path)) for part in rules["anyOf"]):
        yield f"{path}: none of the ways fits"
    if "if" in rules and not list(wrong(value, rules["if"], path)):
        yield from wrong(value, rules.get("then", True), path)


KNOWN = {
    "$schema", "title", "description", "type", "const", "enum", "minLength", "pattern", "minItems", "maxItems",
    "uniqueItems", "items", "required", "properties", "additionalProperties", "allOf", "anyOf", "if", "then",
}  # fmt: skip


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def as_json(value: Any) -> Any:
    """What an editor makes of YAML: instants are texts."""
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    return value


def faults(text: str) -> list[str]:
    return list(wrong(as_json(Document(text, where="tags/x.yml").root), schema()))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: "/".join(path.parts[-3:]))
def test_every_tag_file_that_comes_with_limner_fits(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


def test_there_are_files_to_try() -> None:
    assert len(SHIPPED) > 150


@pytest.mark.parametrize(
    "text",
    [
        SCORE,
        HEAT,
        EVERY,
        SPENT,
        tiers("{of: spent, tiers: [a, b], at: [50%], frozen: [1]}", more="otherwise: c\n"),
    ],
)
def test_every_way_of_writing_a_rule_fits(text: str) -> None:
    read(text, "x")
    assert faults(text) == []


@pytest.mark.parametrize(
    "text",
    [
        SPENT.replace("nature", "natur"),
        SPENT.replace("fact", "prediction"),
        SPENT.replace("statistic: sum", "attribute: sum"),
        SPENT.replace("money", "euros"),
        SPENT.replace("validity: 2 days\n", ""),
        SPENT.replace("2 days", "two days"),
        SPENT + "cases: [{when: vip, then: 1}]\n",
        SPENT + "stage: retired\n",
        SPENT + "tests: [{name: a, as_of: 2026-01-01}]\n",
        SPENT + "tests: [{name: a, as_of: 2026-01-01, expect: many}]\n",
        SPENT + "tests: [{name: a, as_of: 2026-01-01, expect: 1, given: {event: []}}]\n",
        SCORE.replace("number", "flag"),
        SCORE.replace("2.5", "'2.5'"),
        SCORE.replace("points: 10", "then: 10"),
        SCORE + "otherwise: 3\n",
        SCORE + "cases: [{when: vip, then: 1}]\n",
        HEAT.replace("{tiers", "{of: spent, tiers"),
        tiers("{tiers: [a, b], at: [1]}"),
        tiers("{of: spent, tiers: [a], at: [1]}"),
        tiers("{of: spent, tiers: [a, a], at: [1]}"),
        tiers("{of: spent, tiers: [a, b], at: [1], refresh: daily}"),
        tiers("{of: spent, tiers: [a, b], at: [1.5x]}"),
        tiers("{of: spent, tiers: [a, b], at: [1]}").replace("text", "number"),
        "nature: model\nmethod: rule\ntype: flag\ncases: [{when: vip, then: yes please}]\nvalidity: 1 day\n",
        "nature: model\nmethod: rule\ntype: flag\nvalidity: 1 day\n",
    ],
)  # fmt: skip
def test_what_the_reader_refuses_by_its_shape_does_not_fit(text: str) -> None:
    with pytest.raises(DefinitionError):
        read(text, "x")
    assert faults(text)


def test_every_key_of_a_tag_file_is_in_the_schema() -> None:
    assert tuple(schema()["properties"]) == KEYS
