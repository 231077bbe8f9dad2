"""The reference pages that are made from the code: `python -m tests.reference`."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import typer

from limner import config, errors
from limner.api.routes import ROUTES
from limner.api.routes.route import Route, Shape
from limner.cli.main import app
from limner.workspace.verbs import VERBS

DOCS = Path(__file__).parent.parent / "docs" / "reference"
NOTE = "Made from the code (`make reference`); never edited by hand.\n\n"


def configuration() -> str:
    """Every key of limner.toml."""
    parts = ["# Configuration: limner.toml\n\n", NOTE]
    for section, kind in (
        ("", config.Config),
        ("email", config.Email),
        ("wechat", config.Wechat),
        ("limits", config.Limits),
    ):
        parts.append(f"## [{section}]\n\n" if section else "## Top level\n\n")
        parts.append(f"{inspect.getdoc(kind)}\n\n| key | default | meaning |\n|---|---|---|\n")
        for item in dataclasses.fields(kind):
            if "doc" in item.metadata:
                parts.append(f"| `{item.name}` | `{_toml(item.default)}` | {item.metadata['doc']} |\n")
        parts.append("\n")
    return "".join(parts).rstrip() + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else f"{value:_}" if isinstance(value, int) else str(value)


def commands() -> str:
    """Every command with its arguments and options."""
    parts = ["# Commands\n\n", NOTE]
    parts.append(
        "`--workspace DIR` stands on every command that needs one (default: the nearest `limner.toml` upward), "
        "`--json` prints JSON for programs, `limner --debug …` shows the traceback of an error. "
        "Exit 0: done. 1: could not. 2: wrong usage. 3: `tag plan` found something to change.\n\n"
    )
    root = typer.main.get_command(app)
    for words, command in _walk(root, ("limner",)):
        parts.append(f"## {' '.join(words)}\n\n{inspect.cleandoc(command.help or '')}\n\n")
        lines = []
        for parameter in command.params:
            if parameter.name in ("workspace", "as_json", "help"):
                continue
            record = getattr(parameter, "help", None) or ""
            argument = parameter.param_type_name == "argument"
            name = parameter.name.upper() if argument else parameter.opts[0]
            lines.append(f"| `{name}` | {record} |\n")
        if lines:
            parts += ["| word | meaning |\n|---|---|\n", *lines, "\n"]
    return "".join(parts).rstrip() + "\n"


def _walk(command: Any, words: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        return [(words, command)]
    return [found for name, child in sorted(children.items()) for found in _walk(child, (*words, name))]


def error_tree() -> str:
    """Every error, its HTTP status and exit code."""
    parts = ["# Errors\n\n", NOTE, "| error | code | HTTP | exit | meaning |\n|---|---|---|---|---|\n"]
    for name, kind in vars(errors).items():
        if inspect.isclass(kind) and issubclass(kind, errors.LimnerError):
            first = (inspect.getdoc(kind) or "").splitlines()[0]
            parts.append(f"| {name} | `{kind.code}` | {kind.status} | {kind.exit_code} | {first} |\n")
    return "".join(parts)


def api_routes() -> str:
    """Every route of the management API: what it answers, who may call it, and what it takes."""
    parts = ["# Management API\n\n", NOTE]
    parts.append(
        "Every route with the lowest role that may call it and the scope that a key with scopes needs. "
        "A field with `*` must be given. How to call: [the API](../how-to/api.md). The same as OpenAPI: "
        "`GET /api/v1/openapi.json`.\n\n"
        "*job*: the answer is 202 and a job, see `GET /api/v1/jobs/{id}`. *once*: with an `Idempotency-Key` a second "
        "call is answered as the first. *pages*: pass `next` as `cursor`.\n\n"
    )
    nouns = sorted({route.noun for route in ROUTES})
    for noun in nouns:
        parts.append(
            f"## {noun}\n\n| route | what | role | scope | query | body |\n|---|---|---|---|---|---|\n"
        )
        for route in sorted((r for r in ROUTES if r.noun == noun), key=lambda r: (r.path, r.method)):
            parts.append(_api_row(route))
        parts.append("\n")
    return "".join(parts).rstrip() + "\n"


def _api_row(route: Route) -> str:
    summary = VERBS[route.verb].summary if route.verb in VERBS else route.verb
    marks = [
        mark
        for mark, holds in (
            ("job", route.job),
            ("once", route.effect),
            ("pages", route.asks is not None and "cursor" in route.asks.model_fields),
        )
        if holds
    ]
    what = summary + (f" *{', '.join(marks)}*" if marks else "")
    role = "anybody" if route.role is None else route.role.value
    scope = "" if route.role is None else f"`{route.noun}:{'write' if route.writes else 'read'}`"
    body = "a file" if route.upload else _fields(route.takes)
    cells = [f"`{route.method} {route.path}`", what, role, scope, _fields(route.asks), body]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _fields(shape: type[Shape] | None) -> str:
    if shape is None:
        return ""
    return ", ".join(
        f"`{name}`{'*' if item.is_required() else ''}" for name, item in shape.model_fields.items()
    )


PAGES = {
    "configuration.md": configuration,
    "commands.md": commands,
    "errors.md": error_tree,
    "api.md": api_routes,
}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
        print(f"wrote {DOCS / name}")
