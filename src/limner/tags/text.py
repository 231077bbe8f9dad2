"""Tag files: text to Tag and back. `tags/KEY.yml` defines the tag KEY. Parses no expression.

Errors name file:line:column: `tags/vip.yml:4:7: unknown key 'natur'`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from cronsim import CronSim, CronSimError

from limner.errors import DefinitionError
from limner.tags import goal as goals
from limner.tags import learned, tiers, trial
from limner.tags.document import KEY, Document, dumped
from limner.tags.model import (
    DEFINED,
    DYNAMIC,
    Case,
    Definition,
    Given,
    Learned,
    Method,
    Nature,
    Observed,
    Points,
    Rule,
    Scored,
    Sensitivity,
    Stage,
    Statistic,
    Tag,
    Tiers,
    Value,
    plain,
    refusal,
)
from limner.types import MONEY_SCALE, ValueType, utc

KEYS = (
    "title", "nature", "method", "type", "attribute", "statistic", "learned", "cases", "points", "cuts", "otherwise",
    "values", "validity", "refresh", "category", "owner", "source", "why",
    "metric", "goal", "truth", "at_least", "stage", "sensitivity", "visible", "tests", "layout",
)  # fmt: skip
FORMS: Mapping[Method, tuple[str, ...]] = {
    Method.OBSERVED: ("attribute",),
    Method.STATISTIC: ("statistic",),
    Method.RULE: ("cases", "points", "cuts", "otherwise"),
    Method.LEARNED: ("learned",),
    Method.MANUAL: ("values",),
    Method.IMPORTED: ("values",),
}
"""The keys that a definition of each method is written in."""


@lru_cache(maxsize=4_096)  # the same text is the same tag, and a tag never changes
def read(text: str, key: str, *, where: str | None = None) -> Tag:
    """The tag that the text defines. Raises DefinitionError at the place that is wrong."""
    document = Document(text, where=where or f"tags/{key}.yml")
    if not KEY.match(key) or len(key) > 60:
        raise DefinitionError(
            f"'{key}' is no tag key", where=document.where, hint="a-z, 0-9 and _, beginning with a letter"
        )
    document.known_keys(KEYS)
    method = Method(_word(document, "method", Method))
    if method not in DEFINED:
        raise document.error(f"tags of method '{method}' are not defined by a file", "method")
    nature = Nature(_word(document, "nature", Nature))
    against = refusal(nature, method)
    if against:
        raise document.error(against, "nature", code="contradiction")
    kind = ValueType(_word(document, "type", [item for item in ValueType if item is not ValueType.LIST]))
    definition = _definition(document, method, kind)
    validity = document.duration("validity")
    refresh = document.string("refresh") or None
    if refresh is not None:
        _cron(document, refresh)
        if isinstance(definition, Given):
            raise document.error(f"a tag of method '{method}' has no 'refresh'", "refresh", of_key=True)
    if method in DYNAMIC and validity is None and refresh is None:
        raise document.error(
            "a dynamic tag has a validity or a refresh",
            "method",
            code="no_validity",
            hint="for example validity: 2 days",
        )
    return Tag(
        key=key,
        title=document.titles("title"),
        nature=nature,
        method=method,
        type=kind,
        definition=definition,
        validity=validity,
        refresh=refresh,
        category=_category(document),
        owner=document.string("owner"),
        source=document.string("source"),
        why=document.string("why"),
        tests=trial.read(document, partial(value_of, document, kind)),
        text=text,
        metric=document.string("metric"),
        goal=goals.read(document),
        truth=document.string("truth"),
        at_least=_share(document, "at_least"),
        stage=Stage(_word(document, "stage", Stage, otherwise=Stage.PUBLISHED)),
        sensitivity=Sensitivity(_word(document, "sensitivity", Sensitivity, otherwise=Sensitivity.INTERNAL)),
        visible=_visible(document),
    )


def _visible(document: Document) -> bool:
    given = document.value("visible")
    if given is not None and not isinstance(given, bool):
        raise document.error("'visible' is true or false", "visible")
    if given and document.value("sensitivity") == Sensitivity.SENSITIVE:
        raise document.error("a sensitive tag is not shown behind a link that may be passed on", "visible")
    return bool(given)


def read_file(path: Path, *, where: str | None = None) -> Tag:
    """The tag of a file; the file's name is its key."""
    place = where or f"tags/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DefinitionError("the file is not UTF-8", where=place) from error
    return read(text, path.stem, where=place)


def read_folder(folder: Path) -> dict[str, Tag]:
    """Every tag of `folder/*.yml`, by key. Raises DefinitionError for the first file that is wrong."""
    if not folder.is_dir():
        return {}
    return {path.stem: read_file(path) for path in sorted(folder.glob("*.yml"))}


def read_folder_leniently(folder: Path) -> tuple[dict[str, Tag], list[DefinitionError]]:
    """Every tag of the folder that can be read, and the errors of the others."""
    tags: dict[str, Tag] = {}
    errors: list[DefinitionError] = []
    for path in sorted(folder.glob("*.yml")) if folder.is_dir() else ():
        try:
            tags[path.stem] = read_file(path)
        except DefinitionError as error:
            errors.append(error)
    return tags, errors


def write(tag: Tag) -> str:
    """The tag as a file: its own text edited where it differs, so that comments survive."""
    fields = _fields(tag)
    if not tag.text:
        return dumped({name: value for name, value in fields.items() if value is not None})
    return Document(tag.text, where=f"tags/{tag.key}.yml").edited(fields)


def document_of(tag: Tag) -> Document:
    """The tag's file with positions, for errors that are found later."""
    return Document(tag.text or write(tag), where=f"tags/{tag.key}.yml")


def _fields(tag: Tag) -> dict[str, Any]:
    definition = tag.definition
    title: Any = dict(tag.title) or None
    if set(tag.title) == {""}:
        title = tag.title[""]
    cases = None
    if isinstance(definition, Rule):
        cases = [{"when": case.when, "then": _yaml_value(tag.type, case.then)} for case in definition.cases]
    cuts = definition.cuts if isinstance(definition, Rule | Points | Tiers) else None
    if cuts is not None:
        cases = None
    points = None
    if isinstance(definition, Points):
        points = [{"when": row.when, "points": row.points} for row in definition.rows]
    otherwise = definition.otherwise if isinstance(definition, Rule | Tiers) else None
    tests: Any = trial.written(tag.tests, partial(_yaml_value, tag.type))
    goal: Any = None if tag.goal is None else goals.written(tag.goal)
    if tag.text and (tag.tests or tag.goal):  # as it was written
        held, root = read(tag.text, tag.key), Document(tag.text, where=f"tags/{tag.key}.yml").root
        tests = root.get("tests") if held.tests == tag.tests else tests
        goal = root.get("goal") if held.goal == tag.goal else goal
    return {
        "title": title,
        "nature": str(tag.nature),
        "method": str(tag.method),
        "type": str(tag.type),
        "attribute": definition.attribute if isinstance(definition, Observed) else None,
        "statistic": definition.expression if type(definition) is Statistic else None,
        "learned": learned.written(definition) if isinstance(definition, Learned) else None,
        "cases": cases,
        "points": points,
        "cuts": None if cuts is None else tiers.written(cuts),
        "otherwise": None if otherwise is None else _yaml_value(tag.type, otherwise),
        "values": [_yaml_value(tag.type, value) for value in definition.values] or None
        if isinstance(definition, Given)
        else None,
        "validity": None if tag.validity is None else _duration(tag.validity),
        "refresh": tag.refresh,
        "category": "/".join(tag.category) or None,
        "owner": tag.owner or None,
        "source": tag.source or None,
        "why": tag.why or None,
        "tests": tests,
        "metric": tag.metric or None,
        "goal": goal,
        "truth": tag.truth or None,
        "at_least": tag.at_least,
        "stage": None if tag.stage is Stage.PUBLISHED else str(tag.stage),
        "sensitivity": None if tag.sensitivity is Sensitivity.INTERNAL else str(tag.sensitivity),
        "visible": tag.visible or None,
    }


def _duration(validity: timedelta) -> str:
    seconds = int(validity.total_seconds())
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"


def _yaml_value(kind: ValueType, value: Value) -> Any:
    if kind is ValueType.MONEY:
        amount = Decimal(int(value)) / MONEY_SCALE  # type: ignore[arg-type]
        return int(amount) if amount == int(amount) else float(amount)
    return plain(value)


def _word(document: Document, key: str, words: Any, *, otherwise: str | None = None) -> str:
    given = document.value(key)
    if given is None and otherwise is not None:
        return str(otherwise)
    known = [str(word) for word in words]
    if given is None:
        raise document.error(f"'{key}' is missing", code="missing", hint=f"one of {', '.join(known)}")
    if given not in known:
        raise document.error(f"unknown {key} '{given}'", key, hint=f"one of {', '.join(known)}")
    return str(given)


def _definition(document: Document, method: Method, kind: ValueType) -> Definition:
    for other in (key for keys in FORMS.values() for key in keys):
        if other in document.root and other not in FORMS[method]:
            raise document.error(f"a tag of method '{method}' has no '{other}'", other, of_key=True)
    if method is Method.OBSERVED:
        return Observed(_needed(document, method))
    if method is Method.STATISTIC:
        return Statistic(_needed(document, method))
    if method is Method.LEARNED:
        return learned.read(document, kind)
    if method in (Method.MANUAL, Method.IMPORTED):
        return _given(document, kind)
    return _rule(document, kind)


def _needed(document: Document, method: Method) -> str:
    form = FORMS[method][0]
    if form not in document.root:
        raise document.error(f"a tag of method '{method}' needs '{form}'", "method", code="missing")
    return document.string(form, required=True)


def _rule(document: Document, kind: ValueType) -> Definition:
    """A rule by cases, by points, by points in tiers, or by the tiers of another tag."""
    given = [form for form in ("cases", "points", "cuts") if form in document.root]
    if not given:
        hint = "or 'points', or 'cuts'"
        raise document.error("a tag of method 'rule' needs 'cases'", "method", code="missing", hint=hint)
    if given not in (["cases"], ["points"], ["cuts"], ["points", "cuts"]):
        raise document.error(f"a rule with '{given[0]}' has no '{given[1]}'", given[1], of_key=True)
    otherwise = document.root.get("otherwise")
    if otherwise is not None and "points" in given:
        raise document.error("a rule with 'points' has no 'otherwise'", "otherwise", of_key=True)
    last = None if otherwise is None else value_of(document, kind, otherwise, "otherwise")
    wanted = ValueType.TEXT if "cuts" in given else ValueType.NUMBER
    if "cases" not in given and kind is not wanted:
        said = "tiers are texts" if "cuts" in given else "points are a number"
        raise document.error(
            f"{said}, the tag is of type {kind}", "type", code="type", hint=f"type: {wanted}"
        )
    if "points" in given:
        return Points(_points(document), tiers.read(document, of=False) if "cuts" in given else None)
    if "cuts" in given:
        return tiers.definition(tiers.read(document, of=True), last)
    cases = _rows(document, "cases", "then")
    return Rule(
        tuple(
            Case(when, value_of(document, kind, then, "cases", position, "then"))
            for position, (when, then) in enumerate(cases)
        ),
        last,
    )


def _rows(document: Document, form: str, gives: str) -> list[tuple[str, Any]]:
    """The list of conditions and what each gives."""
    listed = document.value(form)
    if not isinstance(listed, list) or not listed:
        hint = f"- when: …\n    {gives}: …"
        raise document.error(f"'{form}' is a list of when and {gives}", form, hint=hint)
    found = []
    for position, item in enumerate(listed):
        if not isinstance(item, Mapping):
            what = "a case" if form == "cases" else "a row"
            raise document.error(f"{what} has when and {gives}", form, position)
        document.known_keys(("when", gives), form, position)
        when = document.string(form, position, "when", required=True)
        if gives not in item:
            raise document.error(f"'{gives}' is missing", form, position, code="missing")
        found.append((when, item[gives]))
    return found


def _points(document: Document) -> tuple[Scored, ...]:
    found = []
    for position, (when, points) in enumerate(_rows(document, "points", "points")):
        found.append(Scored(when, tiers.number(document, points, "points", position, "points")))
    return tuple(found)


def _given(document: Document, kind: ValueType) -> Given:
    """The allowed values, as the file lists them."""
    allowed = document.value("values")
    if allowed is None:
        return Given()
    if not isinstance(allowed, list) or not allowed:
        raise document.error("'values' is a list of the allowed values", "values", hint="- gold\n- silver")
    read = tuple(value_of(document, kind, item, "values", place) for place, item in enumerate(allowed))
    for place, value in enumerate(read):
        if value in read[:place]:
            raise document.error(f"{plain(value)!r} is listed twice", "values", place, code="twice")
    return Given(read)


def value_of(document: Document, kind: ValueType, given: Any, *path: str | int) -> Value:
    """What stands at the path of a file as a value of the type. Raises DefinitionError there when it is none."""
    if kind is ValueType.FLAG and isinstance(given, bool):
        return bool(given)
    if kind is ValueType.TEXT and isinstance(given, str):
        return str(given)
    if (
        kind in (ValueType.NUMBER, ValueType.MONEY)
        and isinstance(given, int | float)
        and not isinstance(given, bool)
    ):
        if kind is ValueType.NUMBER:
            return float(given)
        try:
            scaled = Decimal(str(given)) * MONEY_SCALE
        except InvalidOperation:
            scaled = Decimal("NaN")
        if scaled.is_finite() and scaled == scaled.to_integral_value():
            return int(scaled)
        raise document.error("money has at most four decimals", *path)
    if kind is ValueType.INSTANT:
        if isinstance(given, str):
            try:
                given = datetime.fromisoformat(given)
            except ValueError:
                raise document.error(
                    "an instant is written 2025-01-15 or 2025-01-15T17:00:00Z", *path
                ) from None
        if isinstance(given, datetime):
            return utc(datetime.fromisoformat(given.isoformat()))
        if isinstance(given, date):
            return datetime(given.year, given.month, given.day, tzinfo=UTC)
    hint = "put it in quotes" if kind is ValueType.TEXT else None
    raise document.error(f"'{given}' is no {kind}", *path, hint=hint)


def value_in(kind: ValueType, given: Any) -> Value | None:
    """What a file writes as a value of that type; None when it is none."""
    try:
        return value_of(Document("value: 0", where=""), kind, given, "value")
    except DefinitionError:
        return None


def _category(document: Document) -> tuple[str, ...]:
    return tuple(part.strip() for part in document.string("category").split("/") if part.strip())


def _share(document: Document, key: str) -> float | None:
    """A share of one; None when it is not said."""
    given = document.value(key)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= 1:
        raise document.error(f"'{given}' is no share", key, hint="for example 0.8")
    if not document.string("truth"):
        raise document.error(
            f"'{key}' needs 'truth': the tag that holds what people declared", key, of_key=True
        )
    return float(given)


def _cron(document: Document, refresh: str) -> None:
    try:
        CronSim(refresh, datetime(2025, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise document.error(
            f"'{refresh}' is no schedule: {error}", "refresh", hint="for example 0 3 * * *"
        ) from None
