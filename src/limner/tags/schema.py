"""Schema: what a tag file may hold, as JSON Schema, by which editors complete and mark it while it is written.

It says what keys there are, their types, and what belongs to which method. Expressions, names, and what follows from
two keys together are checked by `limner tag check` alone.
"""

from __future__ import annotations

from typing import Any

from limner.expressions.tree import UNIT_SECONDS
from limner.tags.goal import AIM, MOST_STAGES
from limner.tags.goal import KEYS as AIMS
from limner.tags.learned import KEYS as LEARNING
from limner.tags.learned import MOST_DATES, MOST_FEATURES
from limner.tags.model import DYNAMIC, NATURES, Method, Sensitivity, Stage
from limner.tags.text import FORMS, KEYS
from limner.tags.tiers import EVERY_RUN, MOST_TIERS
from limner.tags.trial import GIVEN, HAPPENING, TRIAL
from limner.types import Json, ValueType

BY_HAND = (Method.MANUAL, Method.IMPORTED)
"""Whose values are given, not computed."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TEXT: Json = {"type": "string", "minLength": 1}
_TEXTS: Json = {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]}
_NUMBER: Json = {"type": "number"}
_MAPPING: Json = {"type": ["object", "null"]}
_VALUES: dict[ValueType, Json] = {
    ValueType.FLAG: {"type": "boolean"},
    ValueType.TEXT: {"type": "string"},
    ValueType.NUMBER: _NUMBER,
    ValueType.MONEY: _NUMBER,
    ValueType.INSTANT: {"type": "string"},
}


def schema() -> Json:
    """The JSON Schema of a tag file."""
    properties = _properties()
    return {
        "$schema": DIALECT,
        "title": "Limner tag",
        "description": "One tag: tags/KEY.yml. See docs/reference/tags.md.",
        "type": "object",
        "additionalProperties": False,
        "required": ["nature", "method", "type"],
        "properties": {key: properties.get(key, {}) for key in KEYS},
        "allOf": [*map(_of_method, _methods()), *map(_of_type, _VALUES), *_ways_of_rules()],
    }


def _methods() -> list[Method]:
    return [method for method in Method if method in FORMS]


def _words(words: Any, said: str) -> Json:
    return {"enum": [str(word) for word in words], "description": said}


def _properties() -> dict[str, Json]:
    unit = "|".join(UNIT_SECONDS)
    return {
        "title": {**_TEXTS, "description": "A text, or a text per language: {en: …, zh: …}"},
        "nature": _words(
            sorted({nature for method in _methods() for nature in NATURES[method]}),
            "fact: it is or was so. model: somebody decided to call it so. prediction: it may come",
        ),
        "method": _words(_methods(), "How the value comes about"),
        "type": _words(_VALUES, "What kind of value"),
        "attribute": {**_TEXT, "description": "The attribute whose value it is; address.city looks inside"},
        "statistic": {**_TEXT, "description": 'One value, such as count("Order Paid" in last 30 days)'},
        "learned": _learned(),
        "cases": _rows("then", {}, "The first condition that holds gives the value"),
        "points": _rows("points", _NUMBER, "The points of all conditions that hold are added up"),
        "cuts": _cuts(),
        "values": {
            "type": "array",
            "minItems": 1,
            "description": "The allowed values; any of the type without it",
        },
        "otherwise": {"description": "The value when no case holds"},
        "validity": {
            "type": "string",
            "pattern": rf"^\s*[0-9]+\s+({unit})s?\s*$",
            "description": "How long a value is valid: 2 days, 36 hours, 1 week",
        },
        "refresh": {**_TEXT, "description": "When it is computed again: a cron line, such as 0 3 * * *"},
        "category": {"type": "string", "description": "Its place in the tree: buying/rhythm"},
        "owner": {"type": "string", "description": "The department that answers for it"},
        "source": {"type": "string", "description": "The channel that its data come from"},
        "why": {"type": "string", "description": "What it is for"},
        "metric": {"type": "string", "description": "By what it is judged"},
        "goal": _goal(),
        "stage": _words(Stage, "Where it is in its life; published when left out"),
        "sensitivity": _words(Sensitivity, "Who sees its values; internal when left out"),
        "visible": {
            "type": "boolean",
            "description": "Whether the person may see it in the preference centre",
        },
        "tests": _tests(),
        "layout": {"description": "Positions on a canvas; changes nothing"},
    }


def _rows(gives: str, value: Json, said: str) -> Json:
    row = {
        "type": "object",
        "required": ["when", gives],
        "additionalProperties": False,
        "properties": {"when": {**_TEXT, "description": "A condition"}, gives: value},
    }
    return {"type": "array", "minItems": 1, "items": row, "description": said}


def _learned() -> Json:
    dates = {"type": "array", "minItems": 1, "maxItems": MOST_DATES, "items": {"type": "string"}}
    of: dict[str, Json] = {
        "label": {**_TEXT, "description": 'The event that may come: did "Order Paid"'},
        "horizon": {**_TEXT, "description": "Within how long: 30 days"},
        "features": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_FEATURES,
            "uniqueItems": True,
            "items": {"type": "string"},
            "description": "The tags from which it is learned: numbers, amounts and flags",
        },
        "train": {**dates, "description": "As of which dates it is learned"},
        "test": {**dates, "description": "As of which later dates it is judged"},
        "learnt": {"type": "object", "description": "The weights; limner tag learn KEY computes them"},
    }
    return {
        "type": "object",
        "description": "The chance that an event comes within a time, learned from tags",
        "required": ["label", "features", "train", "test"],
        "additionalProperties": False,
        "properties": {key: of[key] for key in LEARNING},
    }


def _goal() -> Json:
    aim = {
        "type": "object",
        "required": list(AIM),
        "additionalProperties": False,
        "properties": {"by": {**_TEXT, "description": "The date"}, "target": _NUMBER},
    }
    of: dict[str, Json] = {
        "metric": {**_TEXT, "description": "By what it is measured: metric(orders in last 30 days)"},
        "where": {**_TEXT, "description": "Of which people; of everybody without it"},
        "baseline": {**_NUMBER, "description": "The number from which it starts"},
        "since": {**_TEXT, "description": "The date of the baseline"},
        "stages": {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_STAGES,
            "items": aim,
            "description": "Which number by which date; the last is the goal itself",
        },
    }
    return {
        "type": ["object", "null"],
        "description": "By what it is judged, in numbers and dates; limner tag report KEY says whether it is met",
        "required": ["metric", "baseline", "since", "stages"],
        "additionalProperties": False,
        "properties": {key: of[key] for key in AIMS},
    }


def _cuts() -> Json:
    point = {"anyOf": [_NUMBER, {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]{1,3})?\s*%\s*$"}]}
    return {
        "type": "object",
        "description": "Named tiers of a number, by thresholds or by percentiles",
        "required": ["tiers", "at"],
        "additionalProperties": False,
        "properties": {
            "of": {**_TEXT, "description": "The tag that is cut"},
            "tiers": {
                "type": "array",
                "minItems": 2,
                "maxItems": MOST_TIERS,
                "uniqueItems": True,
                "items": {"type": "string"},
                "description": "Their names, the lowest first: one more than there are cut points",
            },
            "at": {
                "type": "array",
                "minItems": 1,
                "items": point,
                "description": "Cut points, [100, 500], or how many are below, [50%, 80%]",
            },
            "frozen": {
                "type": "array",
                "items": _NUMBER,
                "description": "The cut points of the percentiles; limner tag cut KEY computes them",
            },
            "frozen_at": {"type": "string", "description": "The day as of which they were computed"},
            "refresh": {"const": EVERY_RUN, "description": "Each run computes the cut points"},
        },
    }


def _tests() -> Json:
    happening = {
        "type": "object",
        "required": ["name", "at"],
        "additionalProperties": False,
        "properties": {
            key: _MAPPING if key == "properties" else {"type": ["string", "null"]} for key in HAPPENING
        },
    }
    given = {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            key: {"type": ["array", "null"], "items": happening} if key == "events" else _MAPPING
            for key in GIVEN
        },
    }
    of: dict[str, Json] = {
        "name": {**_TEXT, "description": "What it shows"},
        "as_of": {**_TEXT, "description": "The instant as of which the tag is computed"},
        "given": {**given, "description": "What happened to the person, and what is known of them"},
        "expect": {"description": "The value that must follow; null: none"},
    }
    test = {
        "type": "object",
        "required": ["name", "as_of", "expect"],
        "additionalProperties": False,
        "properties": {key: of.get(key, {}) for key in TRIAL},
    }
    return {"type": "array", "minItems": 1, "items": test, "description": "What follows from what"}


def _when(key: str, value: str, then: Json) -> Json:
    return {"if": {"properties": {key: {"const": value}}, "required": [key]}, "then": then}


def _of_method(method: Method) -> Json:
    """What a file of the method holds, and what it does not."""
    forms = FORMS.get(method, ())
    others = [key for keys in FORMS.values() for key in keys if key not in forms]
    allowed = sorted(str(nature) for nature in NATURES[method])
    then: Json = {"properties": {"nature": {"enum": allowed}, **dict.fromkeys(others, False)}}
    if len(forms) == 1 and method not in BY_HAND:
        then["required"] = list(forms)
    if method in BY_HAND:
        then["properties"]["refresh"] = {"type": "null"}
    if method in DYNAMIC:
        then["anyOf"] = [{"required": ["validity"]}, {"required": ["refresh"]}]
    return _when("method", str(method), then)


def _of_type(kind: ValueType) -> Json:
    """The values of a tag of the type."""
    value = _VALUES[kind]
    maybe = {"anyOf": [value, {"type": "null"}]}
    cases = {"items": {"properties": {"then": value}}}
    tests = {"items": {"properties": {"expect": maybe}}}
    return _when("type", str(kind), {"properties": {"otherwise": maybe, "cases": cases, "tests": tests}})


def _ways_of_rules() -> list[Json]:
    """A rule is by cases, by points (in tiers or not), or by the tiers of another tag."""
    ways: list[Json] = [
        {"required": ["cases"], "properties": {"points": False, "cuts": False}},
        {
            "required": ["points"],
            "properties": {"cases": False, "cuts": False, "otherwise": {"type": "null"}},
        },
        {
            "required": ["points", "cuts"],
            "properties": {
                "cases": False,
                "cuts": {"properties": {"of": False}},
                "otherwise": {"type": "null"},
            },
        },
        {
            "required": ["cuts"],
            "properties": {"cases": False, "points": False, "cuts": {"required": ["of"]}},
        },
    ]
    kinds: list[Json] = [
        {"if": {"required": ["cuts"]}, "then": {"properties": {"type": {"const": "text"}}}},
        {
            "if": {"required": ["points"], "properties": {"cuts": False}},
            "then": {"properties": {"type": {"const": "number"}}},
        },
    ]
    return [_when("method", str(Method.RULE), {"anyOf": ways}), *kinds]
