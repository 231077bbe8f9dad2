"""A mapping as a form: one role for each column of the file; and back to the mapping's text.

What a form cannot say (cases of an event, products, constants, a column's second use) is kept as it stands in the
text. Knows no rows.
"""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from limner.errors import MappingError
from limner.events.mapping import EventColumn, Field, Mapping, Time, written
from limner.types import Json

PERSON = ("user_id", "device_id")
ROLES = (*PERSON, "key", "time", "event", "property", "attribute", "ignore")
"""What a column can be; `key` is a declared identifier, which `name` says."""


def form_of(mapping: Mapping, columns: Sequence[str], *, zone: str) -> Json:
    """The mapping as a form: source, event, time, currency, one role for each column, and what else its text says.

    `zone` is what the text means where it names none.
    """
    roles: dict[str, Json] = {}
    more: list[Json] = []
    for role, name in (("user_id", mapping.user_id), ("device_id", mapping.device_id)):
        if name is not None:
            roles.setdefault(name, _column(name, role))
    for kind, name in mapping.keys:
        roles.setdefault(name, _column(name, "key", name=kind))
    if mapping.time is not None:
        roles.setdefault(mapping.time.column, _column(mapping.time.column, "time"))
    if isinstance(mapping.event, EventColumn):
        roles.setdefault(mapping.event.column, _column(mapping.event.column, "event"))
    for section, role, fields in (
        ("properties", "property", mapping.properties),
        ("attributes", "attribute", mapping.attributes),
    ):
        for item in fields:
            held = roles.get(item.column or "")
            if item.column and held is None:
                roles[item.column] = _field(item, role, zone)
            elif held and role == "attribute" and held["role"] == "key" and item == _plain(item, zone):
                held["attribute"] = item.name
            else:
                more.append({"section": section, "name": item.name, "text": _said(item)})
    listed = [*columns, *(name for name in roles if name not in columns)]
    return {
        "source": mapping.source or "",
        "event": _event(mapping),
        "time": _time(mapping.time),
        "currency": mapping.currency or "",
        "columns": [roles.get(name) or _column(name, "ignore") for name in listed],
        "more": more,
    }


def _column(column: str, role: str, *, name: str = "") -> Json:
    return {
        "column": column, "role": role, "name": name, "attribute": "", "type": "", "format": "", "zone": "",
        "without": "", "once": False, "otherwise": False,
    }  # fmt: skip


def _field(item: Field, role: str, zone: str) -> Json:
    made = _column(item.column or "", role, name=item.name)
    return {
        **made,
        "type": str(item.type or ""),
        "format": "" if item.format == "iso" else item.format,
        "zone": "" if item.zone == zone else item.zone,
        "without": item.without,
        "once": item.once,
        "otherwise": item.lenient,
    }


def _plain(item: Field, zone: str) -> Field:
    """The field as a bare column says it."""
    return Field(item.name, item.column, zone=zone)


def _event(mapping: Mapping) -> Json:
    event = mapping.event
    if event is None:
        return {"kind": "none", "name": "", "cases": []}
    if isinstance(event, EventColumn):
        return {"kind": "column", "name": "", "cases": []}
    if len(event) == 1 and event[0].when is None:
        return {"kind": "name", "name": event[0].name, "cases": []}
    return {"kind": "cases", "name": "", "cases": [case.name for case in event]}


def _time(time: Time | None) -> Json | None:
    return None if time is None else {"format": time.format, "zone": time.zone}


def _said(item: Field) -> str:
    if item.factors:
        return " × ".join(str(factor) for factor in item.factors)
    return str(item.value) if item.value is not None else str(item.column)


def text_of(form: Json, base: str) -> str:
    """The mapping's text as the form says; what only text can say, and comments above, stay as in `base`."""
    tree = _tree(base)
    kept = {
        section: {
            name: node
            for name, node in _fields(tree.get(section)).items()
            if any(item["section"] == section and item["name"] == str(name) for item in form["more"])
        }
        for section in ("properties", "attributes")
    }
    cases = tree.get("event")
    person, properties, attributes = CommentedMap(), CommentedMap(), CommentedMap()
    time: Any = None
    event: Any = form["event"]["name"] if form["event"]["kind"] == "name" else "none"
    if form["event"]["kind"] == "cases":
        event = cases
    for column in form["columns"]:
        name, role = column["column"], column["role"]
        if role in PERSON:
            person[role] = name
        elif role == "key":
            person[column["name"]] = name
            if column["attribute"]:
                attributes[column["attribute"]] = name
        elif role == "time":
            time = _time_node(name, form["time"] or {})
        elif role == "event" and form["event"]["kind"] == "column":
            event = flow({"column": name})
        elif role in ("property", "attribute"):
            (properties if role == "property" else attributes)[column["name"] or name] = _node(column)
    properties.update(kept["properties"])
    attributes.update(kept["attributes"])
    put: dict[str, Any] = {
        "source": form["source"] or None, "person": person or None, "time": time, "event": event,
        "properties": properties or None, "attributes": attributes or None, "currency": form["currency"] or None,
    }  # fmt: skip
    ordered = CommentedMap()
    for key, value in put.items():
        if value is not None:
            ordered[key] = value
    for key, value in tree.items():
        if key not in put:
            ordered[key] = value
    return _head(base) + written(ordered)


def _tree(text: str) -> CommentedMap:
    try:
        found = YAML(typ="rt", pure=True).load(StringIO(text))
    except (YAMLError, ValueError, RecursionError):
        raise MappingError("the text is no mapping: mend it, or begin anew", code="mapping") from None
    return found if isinstance(found, CommentedMap) else CommentedMap()


def _fields(given: Any) -> Dict[Any, Any]:
    if isinstance(given, list):
        return {name: name for name in given}
    return given if isinstance(given, dict) else {}


def _head(text: str) -> str:
    """The comment lines with which the text begins."""
    lines = []
    for line in text.splitlines(keepends=True):
        if not line.startswith("#"):
            break
        lines.append(line)
    return "".join(lines)


def _time_node(column: str, said: Json) -> Any:
    return flow({"column": column, **{key: said[key] for key in ("format", "zone") if said.get(key)}})


def _node(column: Json) -> Any:
    node: dict[str, Any] = {"column": column["column"]}
    for key in ("type", "without", "format", "zone"):
        if column[key]:
            node[key] = column[key]
    if column["once"]:
        node["once"] = True
    if column["otherwise"] and column["role"] == "attribute":
        node["otherwise"] = "text"
    return flow(node) if len(node) > 1 else column["column"]


def flow(node: Json) -> CommentedMap:
    """The node, written on one line."""
    made = CommentedMap(node)
    made.fa.set_flow_style()
    return made
