"""The description of the management API, made from its routes: `python -m limner.api.openapi` prints it."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from pydantic.json_schema import models_json_schema

from limner import __version__
from limner.api.routes import ROUTES
from limner.api.routes.route import Begun, Problem, Route, Shape
from limner.types import Json
from limner.workspace.verbs import VERBS

_REF = "#/components/schemas/{model}"

_ERRORS = {
    "400": "The content cannot be read.",
    "401": "Nobody is signed in, or the key is not known.",
    "403": "The role, the scope or the CSRF token does not do.",
    "404": "There is no such thing.",
    "409": "Somebody else changed it, or it is under way.",
    "413": "The body is too large.",
    "415": "The file is of a kind that is not taken.",
    "422": "The words are wrong; `path` says where.",
    "428": "It is not said which text this replaces: send If-Match.",
    "429": "Too many tries; Retry-After says how long to wait.",
    "431": "The address or the headers are too long.",
    "502": "The channel refused, or cannot be reached.",
    "503": "The disk is full or the store does not answer; Retry-After says how long to wait.",
}

_UNREAD: Json = {
    "application/json": {"schema": {"type": "object", "required": ["code", "message", "path", "request_id"]}}
}
"""What is refused before its path is known is answered as the collector answers, whose clients read more words."""

_REPLACING = ("definition save", "definition delete")
"""What needs to know which text it replaces."""


def document() -> Json:
    """The OpenAPI 3.1 document: every management route with its shapes, roles, scopes and an example."""
    shapes: set[type[Shape]] = {Begun, Problem}
    for route in ROUTES:
        shapes |= {shape for shape in (route.takes, route.asks, route.answers) if shape is not None}
    inputs: list[tuple[type[Shape], Any]] = [(shape, "validation") for shape in sorted(shapes, key=_name)]
    _, definitions = models_json_schema(inputs, ref_template=_REF)
    schemas = definitions["$defs"]
    _without_nulls(schemas)
    paths: Json = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Limner",
            "version": __version__,
            "description": (
                "The management API of a Limner workspace. Send `Authorization: Bearer KEY`, or a session's cookie with"
                " its CSRF token. Lists are cut into pages: pass `next` as `cursor`. Every error is"
                " `{code, message, path, request_id}`."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "limner_session"},
            },
        },
    }


def _without_nulls(schemas: Json) -> None:
    """A default of null says no more than that the field may be left out; makers of clients take it for more."""
    for schema in schemas.values():
        for item in schema.get("properties", {}).values():
            if item.get("default", ...) is None:
                del item["default"]


def _name(shape: type[Shape]) -> str:
    return shape.__name__


def _operation(route: Route, schemas: Json) -> Json:
    found: Json = {
        "operationId": _operation_id(route),
        "tags": [route.noun],
        "summary": VERBS[route.verb].summary if route.verb in VERBS else route.verb,
        "x-role": None if route.role is None else route.role.value,
        "x-scope": f"{route.noun}:{'write' if route.writes else 'read'}",
        "parameters": [*_path(route), *_query(route, schemas), *_headers(route)],
        "responses": _responses(route),
        "security": [] if route.role is None else [{"key": []}, {"session": []}],
    }
    if route.takes is not None:
        content: Json = {"schema": {"$ref": _REF.format(model=_name(route.takes))}}
        content["example"] = example_of(route)
        found["requestBody"] = {"required": True, "content": {"application/json": content}}
    elif route.upload:
        found["requestBody"] = {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    return found


def example_of(route: Route) -> Json:
    """A body that the route takes: its own example, or nothing where nothing is needed."""
    given: Json = route.example.get("body", {})
    return given


def _operation_id(route: Route) -> str:
    words = re.sub(r"[{}]", "", route.path.removeprefix("/api/v1/")).replace("/", "_").replace("-", "_")
    return f"{route.method.lower()}_{words}".replace(".", "_")


def _path(route: Route) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)(?::path)?}", route.path)
    ]


def _query(route: Route, schemas: Json) -> list[Json]:
    if route.asks is None:
        return []
    schema = schemas[_name(route.asks)]
    needed = set(schema.get("required", ()))
    found = []
    for name, item in schema.get("properties", {}).items():
        plain = {key: value for key, value in item.items() if key != "title"}
        described = plain.pop("description", None)
        found.append(
            {
                "name": name,
                "in": "query",
                "required": name in needed,
                "schema": plain,
                **({"description": described} if described else {}),
            }
        )
    return found


def _headers(route: Route) -> list[Json]:
    found = []
    if route.effect:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "A second call with the same key is answered as the first, for 24 hours.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 100},
            }
        )
    if route.verb in _REPLACING:
        found.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": False,
                "description": "The etag of the text that was read; If-None-Match: * for a new one.",
                "schema": {"type": "string"},
            }
        )
    return found


def _responses(route: Route) -> Json:
    if route.answers_file:
        content: Json = {route.answers_file: {"schema": {"type": "string", "format": "binary"}}}
    else:
        answers = Begun if route.job else route.answers
        content = {"application/json": {"schema": {"$ref": _REF.format(model=_name(answers))}}}
        if "answer" in route.example:
            content["application/json"]["example"] = route.example["answer"]
    problem = {"application/json": {"schema": {"$ref": _REF.format(model="Problem")}}}
    left_out = {"403"} if route.role is None else set()
    if route.verb not in _REPLACING:
        left_out.add("428")
    if not route.upload:
        left_out.add("415")
    if not route.verb.endswith(" test"):
        left_out.add("502")
    codes = [code for code in _ERRORS if code not in left_out]
    return {
        "202" if route.job else "200": {
            "description": "Done." if not route.job else "Begun.",
            "content": content,
        },
        **{
            code: {"description": _ERRORS[code], "content": _UNREAD if code == "431" else problem}
            for code in codes
        },
    }


def text() -> str:
    """The document as a file: two-space JSON, ended by a line feed."""
    return json.dumps(document(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
