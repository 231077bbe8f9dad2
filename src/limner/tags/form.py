"""Form: a tag file's fields as somebody fills them in, and the text with new ones. A wrong file has a form too.

Nothing is checked here, so that a half-written definition can be edited from both sides: the text is the truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ruamel.yaml.comments import CommentedSeq

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
    "metric", "truth", "stage", "sensitivity",
)  # fmt: skip
"""The fields that hold one text."""

SHAPES = ("cases", "points", "cuts")
"""What a rule is written by: going over to another method takes them away."""

_ROWS: Mapping[str, str] = {"cases": "then", "points": "points"}
_CUTS = ("of", "tiers", "at", "frozen", "frozen_at", "refresh")
_SHOWN = (*TEXTS, *SHAPES, "title", "otherwise", "values", "at_least", "tests", "layout")


def form_of(text: str, key: str) -> Json:
    """The fields of a tag file; '' and empty lists where it says nothing.

    title (by language; "" = one for all), TEXTS, at_least, cases [{when, then}], points [{when, points}], cuts {of,
    tiers, at, frozen, frozen_at, refresh} or None, values, otherwise: all as texts. `tests`: [{name, as_of, given:
    {events, attributes, tags}, expect}], values as they stand, instants as texts. `measure`, `interest`: the statistic
    as a function of events, or as points for labels, when it is of that simple shape, else None. `kept`: keys that the
    form cannot show as they stand; it leaves them alone. Raises DefinitionError for what is no YAML mapping.
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
        **{
            form: [
                {"when": _shown(row.get("when")), gives: _shown(row.get(gives))} for row in _rows(root, form)
            ]
            for form, gives in _ROWS.items()
        },
        "cuts": _cuts(root),
        "values": [_shown(value) for value in _listed(root, "values")],
        "otherwise": _shown(root.get("otherwise")),
        "at_least": _shown(root.get("at_least")),
        "kept": _kept(root),
        "measure": measure_of(_shown(root.get("statistic"))),
        "interest": interest_of(_shown(root.get("statistic"))),
        "tests": plain_of(_tests(root)),
    }


def _tests(root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = root.get("tests")
    return [test for test in found if isinstance(test, Mapping)] if isinstance(found, list) else []


def _listed(root: Mapping[str, Any], key: str) -> list[Any]:
    found = root.get(key)
    return list(found) if isinstance(found, list) else []


def _rows(root: Mapping[str, Any], form: str) -> list[Mapping[str, Any]]:
    return [row for row in _listed(root, form) if isinstance(row, Mapping)]


def _cuts(root: Mapping[str, Any]) -> Json | None:
    """The tiers of a number as texts; None when the file has none."""
    cuts = root.get("cuts")
    if not isinstance(cuts, Mapping):
        return None
    return {
        **{name: _shown(cuts.get(name)) for name in ("of", "frozen_at", "refresh")},
        **{name: [_shown(item) for item in _listed(cuts, name)] for name in ("tiers", "at", "frozen")},
    }


def _kept(root: Mapping[str, Any]) -> list[str]:
    """The keys of which the form shows not everything."""
    found = [key for key in root if key not in _SHOWN]
    for form, gives in _ROWS.items():
        rows = root.get(form)
        whole = isinstance(rows, list) and all(
            isinstance(row, Mapping) and set(row) <= {"when", gives} and _plain(list(row.values()))
            for row in rows
        )
        found += [form] if form in root and not whole else []
    cuts = root.get("cuts")
    if "cuts" in root and not (
        isinstance(cuts, Mapping)
        and set(cuts) <= set(_CUTS)
        and all(_plain(part if isinstance(part, list) else [part]) for part in cuts.values())
    ):
        found.append("cuts")
    values = root.get("values")
    if "values" in root and not (isinstance(values, list) and _plain(values)):
        found.append("values")
    return [*found, *(name for name in TEXTS if isinstance(root.get(name), Mapping | list))]


def _plain(items: Sequence[Any]) -> bool:
    return not any(isinstance(item, Mapping | list) for item in items)


def text_with(text: str, key: str, fields: Mapping[str, Any]) -> str:
    """The tag file's text with these fields of a form set; what is not among them stays, and so do comments.

    `measure` or `interest` (when it is there and not None) is written as the statistic. Raises DefinitionError for a
    text that is no YAML mapping, ExpressionError for a statistic that cannot be.
    """
    document = Document(text, where=f"tags/{key}.yml") if text.strip() else None
    root: Mapping[str, Any] = {} if document is None else document.root
    now = _form(root)
    given = {**now, **fields}
    if given["measure"] is not None and given["measure"] != now["measure"]:
        given["statistic"] = measured(given["measure"])
    elif given["interest"] is not None and given["interest"] != now["interest"]:
        given["statistic"] = interested(given["interest"])
    kind = given["type"]
    same = kind == now["type"]
    changes: dict[str, Any] = {
        name: given[name].strip() or None for name in TEXTS if given[name] != now[name]
    }
    if given["title"] != now["title"]:
        changes["title"] = _title(given["title"])
    if given["otherwise"] != now["otherwise"] or not same:
        changes["otherwise"] = _value(kind, given["otherwise"]) if given["otherwise"] else None
    for form, gives in _ROWS.items():
        typed = kind if form == "cases" else ValueType.NUMBER
        if given[form] != now[form] or (form == "cases" and not same and "cases" not in now["kept"]):
            held = {
                (shown["when"], shown[gives]): row
                for shown, row in zip(now[form], _rows(root, form), strict=True)
                if same or form != "cases"
            }
            changes[form] = [
                held.get((row["when"], row[gives])) or {"when": row["when"], gives: _value(typed, row[gives])}
                for row in given[form]
            ] or None
    if given["values"] != now["values"] or (given["values"] and not same):
        changes["values"] = [_value(kind, shown) for shown in given["values"]] or None
    if given["cuts"] != now["cuts"]:
        changes["cuts"] = None if given["cuts"] is None else _cut(given["cuts"])
    if given["at_least"] != now["at_least"]:
        changes["at_least"] = (
            _value(ValueType.NUMBER, given["at_least"]) if given["at_least"].strip() else None
        )
    if given["method"] != now["method"] and given["method"] != Method.RULE:
        changes |= dict.fromkeys(SHAPES)
    if given["tests"] != now["tests"]:
        kept = list(zip(now["tests"], _tests(root), strict=True))
        changes["tests"] = [
            next((test for shown, test in kept if shown == wanted), wanted) for wanted in given["tests"]
        ] or None
    if document is None:
        return dumped({name: changes[name] for name in KEYS if changes.get(name) is not None})
    return document.edited(changes, order=KEYS)


def _cut(cuts: Mapping[str, Any]) -> Json:
    """The `cuts` of a file: cut points as numbers, or as percentages with their sign."""
    found: Json = {"of": cuts["of"].strip()} if cuts["of"].strip() else {}
    found["tiers"] = _line(cuts["tiers"])
    found["at"] = _line([_value(ValueType.NUMBER, shown) for shown in cuts["at"]])
    if cuts["frozen"]:
        found["frozen"] = _line([_value(ValueType.NUMBER, shown) for shown in cuts["frozen"]])
        if cuts["frozen_at"]:
            found["frozen_at"] = date.fromisoformat(cuts["frozen_at"])
    if cuts["refresh"].strip():
        found["refresh"] = cuts["refresh"].strip()
    return found


def _line(items: Sequence[Any]) -> CommentedSeq:
    """A list that is written in one line."""
    listed = CommentedSeq(items)
    listed.fa.set_flow_style()
    return listed


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


def interest_of(statistic: str) -> Json | None:
    """The statistic as {function, of, terms, half_life, window, until, half_at, most}, None when its shape is another.

    terms: [{event, points, where}]; half_life: {n, unit}; window: as in `measure_of`; `until`: an event, '' = none.
    """
    try:
        tree = parse(statistic)
    except ExpressionError:
        return None
    if not isinstance(tree, t.Interest) or (tree.until is not None and tree.until.where is not None):
        return None
    window = None if tree.window is None else _window(tree.window)
    if tree.window is not None and window is None:
        return None
    return {
        "function": tree.function,
        "of": tree.of,
        "terms": [
            {
                "event": term.event.name,
                "points": term.points,
                "where": "" if term.event.where is None else to_text(term.event.where),
            }
            for term in tree.terms
        ],
        "half_life": {"n": tree.half_life.n, "unit": tree.half_life.unit},
        "window": window,
        "until": "" if tree.until is None else tree.until.name,
        "half_at": tree.half_at,
        "most": tree.most,
    }


def interested(interest: Mapping[str, Any]) -> str:
    """The statistic's text. Raises ExpressionError when it is none."""
    if not interest["of"] or not interest["terms"] or not all(term["event"] for term in interest["terms"]):
        raise ExpressionError(
            f"{interest['function']} needs a property and events",
            code="missing",
            hint="interest(category of …)",
        )
    window = interest.get("window")
    shaped = None
    if window is not None:
        event = {"is": "event", "name": interest["terms"][0]["event"]}
        counted = from_json(
            {"is": "aggregate", "function": "count", "event": event, "window": _window_tree(window)}
        )
        shaped = counted.window if isinstance(counted, t.Aggregate) else None
    until = interest.get("until") or ""
    tree = t.Interest(
        interest["function"],
        interest["of"],
        tuple(
            t.Points(
                t.Event(
                    term["event"],
                    parse(term["where"], scope="event") if term.get("where", "").strip() else None,
                ),
                int(term["points"]),
            )
            for term in interest["terms"]
        ),
        t.Duration(int(interest["half_life"]["n"]), interest["half_life"]["unit"]),
        shaped,
        t.Event(until) if until else None,
        int(interest["half_at"]),
        int(interest["most"]),
    )
    return to_text(parse(to_text(tree)))


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
