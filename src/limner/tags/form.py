"""Form: a tag file's fields as somebody fills them in, and the text with new ones. A wrong file has a form too.

Nothing is checked here, so that a half-written definition can be edited from both sides: the text is the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from limner.errors import ExpressionError
from limner.expressions import tree as t
from limner.expressions.as_json import from_json
from limner.expressions.parse import parse
from limner.expressions.printer import to_text
from limner.tags.document import Document, dumped
from limner.tags.model import Method, plain
from limner.tags.text import KEYS
from limner.tags.trial import plain_of
from limner.types import Json, ValueType

TEXTS = (
    "nature", "method", "type", "attribute", "statistic", "validity", "refresh", "category", "owner", "source", "why",
    "metric", "stage", "sensitivity",
)  # fmt: skip
"""The fields that hold one text."""

AS_TEXT = ("points", "cuts")
"""What a form does not show: it is edited as text."""


def form_of(text: str, key: str) -> Json:
    """The fields of a tag file; '' and empty lists where it says nothing.

    title (by language; "" = one for all), TEXTS, cases [{when, then}], otherwise: all as texts. `tests`: [{name, as_of,
    given: {events, attributes, tags}, expect}], values as they stand, instants as texts. `measure`: the statistic as a
    function of events when it is of that simple shape, else None. `by`: which of AS_TEXT the file holds. Raises
    DefinitionError for what is no YAML mapping.
    """
    return _form(Document(text, where=f"tags/{key}.yml").root if text.strip() else {})


def _form(root: Mapping[str, Any]) -> Json:
    title: Any = root.get("title")
    if isinstance(title, Mapping):
        title = {str(language): _shown(said) for language, said in title.items()}
    else:
        title = {"": _shown(title)} if title is not None else {}
    return {
        "title": title,
        **{name: _shown(root.get(name)) for name in TEXTS},
        "cases": [
            {"when": _shown(case.get("when")), "then": _shown(case.get("then"))} for case in _cases(root)
        ],
        "otherwise": _shown(root.get("otherwise")),
        "by": ", ".join(key for key in AS_TEXT if key in root),
        "measure": measure_of(_shown(root.get("statistic"))),
        "tests": plain_of(_tests(root)),
    }


def _tests(root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = root.get("tests")
    return [test for test in found if isinstance(test, Mapping)] if isinstance(found, list) else []


def _cases(root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = root.get("cases")
    return [case for case in found if isinstance(case, Mapping)] if isinstance(found, list) else []


def text_with(text: str, key: str, fields: Mapping[str, Any]) -> str:
    """The tag file's text with these fields of a form set; what is not among them stays, and so do comments.

    `measure` (when it is there and not None) is written as the statistic. Raises DefinitionError for a text that is no
    YAML mapping, ExpressionError for a measure that cannot be.
    """
    document = Document(text, where=f"tags/{key}.yml") if text.strip() else None
    root: Mapping[str, Any] = {} if document is None else document.root
    now = _form(root)
    given = {**now, **fields}
    if given["measure"] is not None and given["measure"] != now["measure"]:
        given["statistic"] = measured(given["measure"])
    kind = given["type"]
    same = kind == now["type"]
    changes: dict[str, Any] = {
        name: given[name].strip() or None for name in TEXTS if given[name] != now[name]
    }
    if given["title"] != now["title"]:
        changes["title"] = _title(given["title"])
    if given["otherwise"] != now["otherwise"] or not same:
        changes["otherwise"] = _value(kind, given["otherwise"]) if given["otherwise"] else None
    if given["cases"] != now["cases"] or not same:
        held = (
            {_pair(shown): case for shown, case in zip(now["cases"], _cases(root), strict=True)}
            if same
            else {}
        )
        changes["cases"] = [
            held.get(_pair(case)) or {"when": case["when"], "then": _value(kind, case["then"])}
            for case in given["cases"]
        ] or None
    if given["method"] != now["method"] and given["method"] != Method.RULE:
        changes |= dict.fromkeys(AS_TEXT)
    if given["tests"] != now["tests"]:
        kept = list(zip(now["tests"], _tests(root), strict=True))
        changes["tests"] = [
            next((test for shown, test in kept if shown == wanted), wanted) for wanted in given["tests"]
        ] or None
    if document is None:
        return dumped({name: changes[name] for name in KEYS if changes.get(name) is not None})
    return document.edited(changes, order=KEYS)


def _pair(case: Mapping[str, str]) -> tuple[str, str]:
    return case["when"], case["then"]


def _title(given: Mapping[str, str]) -> Any:
    """A title per language; one text when there is no more than that."""
    said = {language: title.strip() for language, title in given.items() if title.strip()}
    if set(said) == {""}:
        return said[""]
    return {language: title for language, title in said.items() if language} or None


def measure_of(statistic: str) -> Json | None:
    """The statistic as {function, of, event, where, window}, None when its shape is another.

    window: {kind: in_last | in_last_calendar | in_this | since | from_to, n, unit, first, last}, None = ever.
    """
    try:
        tree = parse(statistic)
    except ExpressionError:
        return None
    if not isinstance(tree, t.Aggregate) or tree.nth is not None:
        return None
    window = None if tree.window is None else _window(tree.window)
    if tree.window is not None and window is None:
        return None
    return {
        "function": tree.function,
        "of": tree.of or "",
        "event": tree.event.name,
        "where": "" if tree.event.where is None else to_text(tree.event.where),
        "window": window,
    }


def measured(measure: Mapping[str, Any]) -> str:
    """The statistic's text. Raises ExpressionError when it is none."""
    function, window = measure["function"], measure.get("window")
    takes = function in t.PROPERTY_AGGREGATES
    where = measure.get("where") or ""
    event = {"is": "event", "name": measure["event"]}
    if where.strip():
        parse(where, scope="event")
    tree: Json = {"is": "aggregate", "function": function, "event": event}
    if takes:
        if not measure.get("of"):
            raise ExpressionError(
                f"{function} needs a property", code="missing", hint=f"{function}(amount of …)"
            )
        tree["of"] = measure["of"]
    if window is not None:
        tree["window"] = _window_tree(window)
    text = to_text(from_json(tree))
    if not where.strip():
        return text
    return to_text(parse(f"{text.removesuffix(')')} where ({where}))"))


def _window(window: t.Window) -> Json | None:
    blank = {"n": 0, "unit": "", "first": "", "last": ""}
    match window:
        case t.InLast(duration):
            return {**blank, "kind": "in_last", "n": duration.n, "unit": duration.unit}
        case t.InLastCalendar(n, unit):
            return {**blank, "kind": "in_last_calendar", "n": n, "unit": unit}
        case t.InThis(unit):
            return {**blank, "kind": "in_this", "unit": unit}
        case t.Since(instant):
            return {**blank, "kind": "since", "first": instant.value}
        case t.FromTo(first, last):
            return {**blank, "kind": "from_to", "first": first.value, "last": last.value}
        case _:
            return None


def _window_tree(window: Mapping[str, Any]) -> Json:
    kind = window["kind"]
    if kind == "in_last":
        return {"is": kind, "duration": {"is": "duration", "n": window["n"], "unit": window["unit"]}}
    if kind == "in_last_calendar":
        return {"is": kind, "n": window["n"], "unit": window["unit"]}
    if kind == "in_this":
        return {"is": kind, "unit": window["unit"]}
    if kind == "since":
        return {"is": kind, "instant": {"is": "instant", "value": window["first"]}}
    return {
        "is": "from_to",
        "first": {"is": "instant", "value": window["first"]},
        "last": {"is": "instant", "value": window["last"]},
    }


def _shown(value: Any) -> str:
    """A value of the file as the form shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return str(plain(datetime.fromisoformat(value.isoformat()))) if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return format(Decimal(repr(float(value))).normalize(), "f")
    return str(value)


def _value(kind: str, shown: str) -> Any:
    """The value that the file holds for what the form shows; what does not fit the type stays a text."""
    word = shown.strip()
    if kind == ValueType.FLAG and word in ("true", "false"):
        return word == "true"
    if kind in (ValueType.NUMBER, ValueType.MONEY):
        try:
            number = Decimal(word)
        except InvalidOperation:
            return shown
        if number.is_finite():
            return int(number) if number == number.to_integral_value() else float(number)
    return shown
