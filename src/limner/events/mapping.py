"""A mapping says what the columns of a file mean: who, when, which event, which properties.

Knows the mapping's text and its nouns; knows no rows. `docs/reference/mapping.md` explains every key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass, field
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from limner.connectors.seam import FileForm
from limner.errors import MappingError, did_you_mean
from limner.events.countries import COUNTRIES, Country
from limner.events.model import IMPORTABLE
from limner.types import ValueType

TEXT_BYTES = 100_000
TESTS = 1_000
TYPES = ("text", "number", "money", "flag", "instant")
KEYS = ("source", "country", "person", "time", "event", "properties", "attributes", "currency", "file")

OPERATORS = {
    "equals": "equals",
    "in": "in",
    "starts with": "starts with",
    "ends with": "ends with",
    "contains": "contains",
    "is empty": "is empty",
    "more than": "more than",
    "less than": "less than",
    "at least": "at least",
    "at most": "at most",
    ">": "more than",
    "<": "less than",
    ">=": "at least",
    "<=": "at most",
}
"""How a condition is written → which test it is."""

Value = str | float | bool | tuple[str, ...]


@dataclass(frozen=True)
class Test:
    """Whether one column's value passes; numbers are compared as numbers, all else as text."""

    __test__ = False

    column: str
    operator: str
    value: Value


@dataclass(frozen=True)
class All:
    """Every part is true."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Either:
    """At least one part is true."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    """The part is not true."""

    part: Condition


Condition = Test | All | Either | Not


@dataclass(frozen=True)
class Time:
    """How a column is read as an instant: `iso`, `unix`, `unix_ms` or a strptime format, local to `zone`."""

    column: str
    format: str = "iso"
    zone: str = "UTC"


@dataclass(frozen=True)
class Field:
    """One property or attribute: a column, the exact product of two, or a constant.

    `type` None means as in the file. `without`: characters of the column's text that are left out before it is
    read. `once` keeps a person's first value; `lenient` keeps what does not fit the type as text instead of setting
    the row aside (attributes only).
    """

    name: str
    column: str | None = None
    factors: tuple[str | float, ...] = ()
    value: Value | None = None
    type: ValueType | None = None
    format: str = "iso"
    zone: str = "UTC"
    once: bool = False
    lenient: bool = False
    without: str = ""


@dataclass(frozen=True)
class Case:
    """An event name and when it is the row's."""

    name: str
    when: Condition | None = None


@dataclass(frozen=True)
class EventColumn:
    """The event's name stands in a column."""

    column: str


@dataclass(frozen=True)
class Mapping:
    """What the columns of a file mean.

    `event` None: the file holds no events but static facts of people. `places` says where in the text each
    column is named, for errors.
    """

    name: str
    text: str = field(repr=False)
    source: str | None
    user_id: str | None
    device_id: str | None
    keys: tuple[tuple[str, str], ...]
    time: Time | None
    event: tuple[Case, ...] | EventColumn | None
    properties: tuple[Field, ...]
    attributes: tuple[Field, ...]
    currency: str | None
    form: FileForm
    places: tuple[tuple[str, str], ...] = field(repr=False)
    country: Country | None = None

    @property
    def fingerprint(self) -> str:
        """16 hex characters that change with the meaning, not with comments or the file's name."""
        meaning = repr((self.source, self.user_id, self.device_id, self.keys, self.time, self.event))
        meaning += repr((self.properties, self.attributes, self.currency, self.form))
        if self.country is not None:
            meaning += repr(self.country)
        return hashlib.sha256(meaning.encode()).hexdigest()[:16]

    def fit(self, columns: Sequence[str]) -> None:
        """Nothing when every column that the mapping names is in the file. Raises MappingError."""
        known = set(columns)
        for column, where in self.places:
            if column not in known:
                raise MappingError(
                    f"the file has no column '{column}'",
                    code="unknown_column",
                    where=where,
                    hint=did_you_mean(column, columns) or f"its columns are: {', '.join(columns[:20])}",
                )

    def allow(self, strong_keys: Iterable[str]) -> None:
        """Nothing when every key of `person` is declared in the workspace. Raises MappingError."""
        known = list(strong_keys)
        for kind, _ in self.keys:
            if kind not in known:
                raise MappingError(
                    f"'{kind}' does not identify a person",
                    code="unknown_key",
                    where=f"{self.name}: person",
                    hint=did_you_mean(kind, ["user_id", "device_id", *known])
                    or f"declare it in limner.toml: strong_keys = {[*known, kind]}",
                )


def parse(text: str, *, name: str = "mapping", zone: str = "UTC") -> Mapping:
    """The mapping that the YAML text says; `zone` is meant where the text names none.

    Raises MappingError whose `where` is name:line:column.
    """
    if len(text.encode("utf-8", "replace")) > TEXT_BYTES:
        raise MappingError(f"the mapping is longer than {TEXT_BYTES:,} bytes", code="too_long", where=name)
    yaml = YAML(typ="rt", pure=True)
    try:
        given = yaml.load(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise MappingError(error.problem or "this is no YAML", where=where) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise MappingError(str(error).splitlines()[0], where=name) from error
    if not isinstance(given, CommentedMap):
        raise MappingError(
            "a mapping is a list of `key: value`", where=f"{name}:1:1", hint="see docs/reference/mapping.md"
        )
    return _Text(name, zone).mapping(given, text)


class _Text:
    """Reads the YAML tree; every error names its place."""

    def __init__(self, name: str, zone: str) -> None:
        self.name = name
        self.zone = zone
        self.places: dict[str, str] = {}
        self.tests = 0

    def mapping(self, given: CommentedMap, text: str) -> Mapping:
        self.known(given, KEYS, "a mapping")
        country = self.country(given)
        if country is not None:
            self.zone = country.zone
        event = self.event(given)
        time = self.time(given, "time") if given.get("time") is not None else None
        person = self.person(given)
        properties = self.fields(given, "properties")
        attributes = self.fields(given, "attributes")
        if event is not None and time is None:
            raise self.wrong(given, "event", "events need a time", hint="time: {column: …, format: iso}")
        if event is None and properties:
            raise self.wrong(
                given, "properties", "properties belong to an event", hint="name the event, or use attributes"
            )
        if event is None and not attributes and not person["keys"]:
            raise MappingError(
                "neither an event nor attributes: nothing would be imported", where=f"{self.name}:1:1"
            )
        if (event is None or attributes) and not (person["user_id"] or person["device_id"] or person["keys"]):
            raise MappingError(
                "attributes need a person", where=f"{self.name}:1:1", hint="person: {user_id: COLUMN}"
            )
        for item in properties:
            if item.once or item.lenient:
                raise self.wrong(given, "properties", "once and otherwise are for attributes")
        currency = self.currency(given)
        if country is not None:
            currency = currency or country.currency
            if person["user_id"] or person["device_id"] or person["keys"]:
                told = {item.name for item in attributes}
                constants = (Field("country", value=country.code), Field("language", value=country.language))
                attributes += tuple(item for item in constants if item.name not in told)
        return Mapping(
            name=self.name,
            text=text,
            source=self.source(given),
            **person,
            time=time,
            event=event,
            properties=properties,
            attributes=attributes,
            currency=currency,
            form=self.form(given),
            places=tuple(self.places.items()),
            country=country,
        )

    def at(self, given: Any, key: Any) -> str:
        try:
            if isinstance(given, CommentedMap):
                line, column = given.lc.value(key)
            else:
                line, column = given.lc.item(key)
        except (AttributeError, KeyError, TypeError):
            return self.name
        return f"{self.name}:{line + 1}:{column + 1}"

    def wrong(self, given: Any, key: Any, message: str, *, hint: str | None = None) -> MappingError:
        return MappingError(message, where=self.at(given, key), hint=hint)

    def known(self, given: Any, keys: Iterable[str], what: str) -> None:
        keys = list(keys)
        for key in given:
            if key not in keys:
                line, column = given.lc.key(key)
                raise MappingError(
                    f"{what} has no '{key}'",
                    where=f"{self.name}:{line + 1}:{column + 1}",
                    hint=did_you_mean(str(key), keys) or f"it may have: {', '.join(keys)}",
                )

    def map(self, given: Any, key: Any, keys: Iterable[str] | None = None) -> CommentedMap:
        value = given[key]
        if not isinstance(value, CommentedMap):
            raise self.wrong(given, key, f"'{key}' is written {{name: value, …}}")
        if keys is not None:
            self.known(value, keys, f"'{key}'")
        return value

    def text(self, given: Any, key: Any) -> str:
        value = given[key]
        if isinstance(value, bool) or not isinstance(value, str | int | float) or str(value) == "":
            raise self.wrong(given, key, f"'{key}' is a text")
        return str(value)

    def column(self, given: Any, key: Any) -> str:
        name = self.text(given, key)
        self.places.setdefault(name, self.at(given, key))
        return name

    def zoned(self, given: Any) -> str:
        if "zone" not in given:
            return self.zone
        zone = self.text(given, "zone")
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            raise self.wrong(
                given, "zone", f"unknown time zone '{zone}'", hint="for example Asia/Shanghai"
            ) from None
        return zone

    def format(self, given: Any) -> str:
        if "format" not in given:
            return "iso"
        found = self.text(given, "format")
        if found not in ("iso", "unix", "unix_ms") and "%" not in found:
            hint = did_you_mean(found, ["iso", "unix", "unix_ms"]) or 'for example "%d/%m/%Y %H:%M"'
            raise self.wrong(given, "format", f"unknown time format '{found}'", hint=hint)
        return found

    def time(self, given: Any, key: str) -> Time:
        if isinstance(given[key], str):
            return Time(self.column(given, key), "iso", self.zone)
        value = self.map(given, key, ("column", "format", "zone"))
        if "column" not in value:
            raise self.wrong(given, key, "time needs a column")
        return Time(self.column(value, "column"), self.format(value), self.zoned(value))

    def source(self, given: CommentedMap) -> str | None:
        if "source" not in given:
            return None
        name = self.text(given, "source")
        if "/" in name:
            raise self.wrong(given, "source", "a source's name holds no /")
        return name

    def person(self, given: CommentedMap) -> dict[str, Any]:
        found: dict[str, Any] = {"user_id": None, "device_id": None, "keys": ()}
        if given.get("person") is None:
            return found
        if isinstance(given["person"], str):
            return found | {"user_id": self.column(given, "person")}
        value = self.map(given, "person")
        keys = []
        for kind in value:
            if kind in ("user_id", "device_id"):
                found[kind] = self.column(value, kind)
            else:
                keys.append((str(kind), self.column(value, kind)))
        return found | {"keys": tuple(keys)}

    def event(self, given: CommentedMap) -> tuple[Case, ...] | EventColumn | None:
        value = given.get("event")
        if value is None or value == "none":
            return None
        if isinstance(value, CommentedMap):
            inner = self.map(given, "event", ("column",))
            if "column" not in inner:
                raise self.wrong(given, "event", "name the column: event: {column: …}")
            return EventColumn(self.column(inner, "column"))
        if not isinstance(value, CommentedSeq):
            return (Case(self.event_name(given, "event")),)
        cases = []
        for at, item in enumerate(value):
            if isinstance(item, str):
                cases.append(Case(self.event_name(value, at)))
                continue
            inner = self.map(value, at, ("when", "name"))
            if "name" not in inner:
                raise self.wrong(value, at, "a case needs a name")
            when = self.condition(inner, "when") if "when" in inner else None
            cases.append(Case(self.event_name(inner, "name"), when))
        for at, case in enumerate(cases[:-1]):
            if case.when is None:
                raise self.wrong(value, at + 1, f"no row gets here: '{case.name}' takes all that are left")
        if not cases:
            raise self.wrong(given, "event", "the list of cases is empty")
        return tuple(cases)

    def event_name(self, given: Any, key: Any) -> str:
        name = self.text(given, key)
        if name.startswith("$") and name not in IMPORTABLE:
            raise self.wrong(given, key, "event names with $ are kept for Limner's own")
        if len(name) > 200:
            raise self.wrong(given, key, "an event name has at most 200 characters")
        return name

    def condition(self, given: Any, key: Any, depth: int = 0) -> Condition:
        if depth > 16:
            raise self.wrong(given, key, "conditions nest too deep")
        value = given[key]
        if isinstance(value, CommentedSeq):
            return All(tuple(self.condition(value, at, depth + 1) for at in range(len(value))))
        inner = self.map(given, key)
        if "column" not in inner:
            self.known(inner, ("all", "any", "not"), "a condition without a column")
            if len(inner) != 1:
                raise self.wrong(given, key, "a condition is one of: a column's test, all, any, not")
            word = next(iter(inner))
            if word == "not":
                return Not(self.condition(inner, "not", depth + 1))
            parts = inner[word]
            if not isinstance(parts, CommentedSeq) or not parts:
                raise self.wrong(inner, word, f"'{word}' is a list of conditions")
            found = tuple(self.condition(parts, at, depth + 1) for at in range(len(parts)))
            return All(found) if word == "all" else Either(found)
        self.known(inner, ("column", *OPERATORS), "a condition")
        column = self.column(inner, "column")
        tests = tuple(self.test(inner, column, word) for word in inner if word != "column")
        if not tests:
            raise self.wrong(
                given, key, "the condition tests nothing", hint=f"one of: {', '.join(OPERATORS)}"
            )
        self.tests += len(tests)
        if self.tests > TESTS:
            raise MappingError(f"more than {TESTS:,} tests", code="too_complex", where=self.at(given, key))
        return tests[0] if len(tests) == 1 else All(tests)

    def test(self, given: CommentedMap, column: str, word: str) -> Test:
        operator, value = OPERATORS[word], given[word]
        if operator == "is empty":
            if not isinstance(value, bool):
                raise self.wrong(given, word, "'is empty' is true or false")
            return Test(column, operator, value)
        if operator == "in":
            if not isinstance(value, CommentedSeq):
                raise self.wrong(given, word, "'in' is a list: in: [a, b]")
            return Test(column, operator, tuple(self.text(value, at) for at in range(len(value))))
        if operator in ("more than", "less than", "at least", "at most"):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise self.wrong(given, word, f"'{word}' compares with a number")
            return Test(column, operator, float(value))
        return Test(column, operator, self.text(given, word))

    def fields(self, given: CommentedMap, key: str) -> tuple[Field, ...]:
        value = given.get(key)
        if value is None:
            return ()
        if isinstance(value, CommentedSeq):
            names = [self.column(value, at) for at in range(len(value))]
            return tuple(Field(self.field_name(given, key, name), name, zone=self.zone) for name in names)
        inner = self.map(given, key)
        return tuple(self.field(inner, self.field_name(inner, name, str(name)), name) for name in inner)

    def field_name(self, given: Any, key: Any, name: str) -> str:
        if not name or len(name) > 100 or "\x00" in name:
            raise self.wrong(given, key, "a name has 1 to 100 characters")
        return name

    def field(self, given: CommentedMap, name: str, key: Any) -> Field:
        if not isinstance(given[key], CommentedMap):
            return Field(name, self.column(given, key), zone=self.zone)
        words = ("column", "multiply", "value", "type", "format", "zone", "once", "otherwise", "without")
        inner = self.map(given, key, words)
        if sum(word in inner for word in ("column", "multiply", "value")) != 1:
            raise self.wrong(given, key, f"'{name}' needs one of: column, multiply, value")
        kind = self.type(inner)
        once = inner.get("once", False)
        if not isinstance(once, bool):
            raise self.wrong(inner, "once", "once is true or false")
        if inner.get("otherwise", "text") != "text":
            raise self.wrong(
                inner, "otherwise", "what does not fit can only be kept as text: otherwise: text"
            )
        if "without" in inner and "value" in inner:
            raise self.wrong(inner, "without", "a constant has nothing to leave out")
        common: dict[str, Any] = {
            "type": kind, "format": self.format(inner), "zone": self.zoned(inner),
            "once": once, "lenient": "otherwise" in inner,
            "without": self.text(inner, "without") if "without" in inner else "",
        }  # fmt: skip
        if "column" in inner:
            return Field(name, self.column(inner, "column"), **common)
        if "multiply" in inner:
            if kind not in (ValueType.MONEY, ValueType.NUMBER):
                raise self.wrong(given, key, "a product has type: money or number")
            return Field(name, factors=self.factors(inner), **common)
        value = inner["value"]
        if not isinstance(value, str | int | float):
            raise self.wrong(inner, "value", "a constant is a text, a number, true or false")
        return Field(name, value=value if isinstance(value, str | bool) else float(value), **common)

    def factors(self, given: CommentedMap) -> tuple[str | float, ...]:
        value = given["multiply"]
        if not isinstance(value, CommentedSeq) or len(value) != 2:
            raise self.wrong(given, "multiply", "multiply takes two: columns, or a column and a number")
        found: list[str | float] = []
        for at, item in enumerate(value):
            if isinstance(item, int | float) and not isinstance(item, bool):
                found.append(float(item))
            else:
                found.append(self.column(value, at))
        if all(isinstance(item, float) for item in found):
            raise self.wrong(given, "multiply", "at least one factor is a column")
        return tuple(found)

    def type(self, given: CommentedMap) -> ValueType | None:
        if "type" not in given:
            return None
        word = self.text(given, "type")
        if word not in TYPES:
            hint = did_you_mean(word, TYPES) or f"one of {', '.join(TYPES)}"
            raise self.wrong(given, "type", f"unknown type '{word}'", hint=hint)
        return ValueType(word)

    def country(self, given: CommentedMap) -> Country | None:
        if given.get("country") is None:
            return None
        found = self.text(given, "country")
        if found not in COUNTRIES:
            hint = did_you_mean(found, COUNTRIES) or f"one of {', '.join(COUNTRIES)}"
            raise self.wrong(given, "country", f"no policy is declared for the country '{found}'", hint=hint)
        return COUNTRIES[found]

    def currency(self, given: CommentedMap) -> str | None:
        if given.get("currency") is None:
            return None
        found = self.text(given, "currency")
        if len(found) != 3 or not found.isascii() or not found.isupper():
            raise self.wrong(given, "currency", "a currency is three capital letters", hint="for example CNY")
        return found

    def form(self, given: CommentedMap) -> FileForm:
        if given.get("file") is None:
            return FileForm()
        inner = self.map(given, "file", ("kind", "encoding", "delimiter", "quote", "columns", "sheet"))
        found: dict[str, Any] = {}
        for word in ("kind", "encoding", "delimiter", "quote", "sheet"):
            if word in inner:
                found[word] = self.text(inner, word)
        for word in ("delimiter", "quote"):
            one = {"tab": "\t", "\\t": "\t"}.get(found.get(word, ""), found.get(word))
            if one is not None:
                if len(one) != 1 or not one.isascii() or one in "\r\n\x00":
                    raise self.wrong(inner, word, f"the {word} is one ASCII character, or tab")
                found[word] = one
        if "columns" in inner:
            names = inner["columns"]
            if not isinstance(names, CommentedSeq):
                raise self.wrong(inner, "columns", "columns is a list of names, for a file without a header")
            found["columns"] = tuple(self.text(names, at) for at in range(len(names)))
        return FileForm(**found)


def written(given: Dict[str, Any]) -> str:
    """The YAML text of a mapping's tree."""
    out = StringIO()
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 100
    yaml.dump(dict(given), out)
    return out.getvalue()
