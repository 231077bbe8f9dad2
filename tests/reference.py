"""The reference pages that are made from the code: `python -m tests.reference`."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import typer

from limner import config, errors
from limner.api.routes import ROUTES
from limner.api.routes.route import Route, Shape
from limner.channels.kinds import KINDS
from limner.cli.main import app
from limner.tags import schema
from limner.testing.channels import CHECKS
from limner.workspace.verbs import VERBS

DOCS = Path(__file__).parent.parent / "docs" / "reference"
NOTE = "Made from the code (`make reference`); never edited by hand.\n\n"


def configuration() -> str:
    """Every key of limner.toml."""
    parts = ["# Configuration: limner.toml\n\n", NOTE]
    for section, kind in (("", config.Config), *config.SECTIONS.items()):
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


def grammar() -> str:
    """The language's grammar, rule by rule, from the file that the parser reads."""
    source = files("limner.expressions").joinpath("grammar.lark").read_text(encoding="utf-8")
    rules, terminals = _grammar_of(source)
    words = {name: _spoken(pattern) for name, pattern in terminals.items()}
    parts = ["# Grammar\n\n", NOTE]
    parts.append(
        "What the language can say, rule by rule; what it means stands in [expressions](expressions.md). `start` is "
        "an expression. `[ ]` may be left out, `{ }` may come any number of times, `|` is or, and what stands in "
        "quotes is written as it is. Between words there may be spaces and new lines.\n\n"
        "Brackets hold a condition or a value, whichever is needed. Inside `where` and `has` there are no attributes "
        "of the person, no audiences, no values of events and no arithmetic.\n\n## Rules\n\n"
    )
    for name, lines in rules.items():
        said = [_ebnf(line, words) for line in lines]
        parts.append(f"```text\n{name} =\n    " + "\n  | ".join(said) + "\n```\n\n")
    parts.append("## Words with many forms\n\n| word | pattern |\n|---|---|\n")
    for name, pattern in terminals.items():
        if words[name] is None:
            parts.append(f"| {name} | `{pattern.replace('|', chr(92) + '|')}` |\n")
    return "".join(parts)


def _grammar_of(source: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The alternatives of each rule, and the pattern of each terminal."""
    rules: dict[str, list[str]] = {}
    terminals: dict[str, str] = {}
    name = ""
    for line in source.splitlines():
        head = re.match(r"(\??[a-z_]+|_?[A-Z_]+)(?:\.\d+)?:\s*(.*)", line)
        if line.startswith(("//", "%")) or not line.strip():
            continue
        if head and head[1].lstrip("_").isupper():
            terminals[head[1]] = head[2]
        elif head:
            name = head[1].lstrip("?")
            rules[name] = [head[2]]
        else:
            rules[name].append(line.strip().removeprefix("| "))
    return rules, terminals


def _spoken(pattern: str) -> str | None:
    """The words that a terminal stands for; None when it stands for more than can be listed."""
    if pattern.startswith('"'):
        said = pattern.replace('"', "'")
        return f"({said})" if " | " in said else said
    found = re.fullmatch(r"/\(?([a-z_|]+?)\)?(s\?)?\(\?[!=].*\)/", pattern)
    if found is None:
        return None
    words = [word + end for word in found[1].split("|") for end in (("", "s") if found[2] else ("",))]
    said = " | ".join(f"'{word}'" for word in words)
    return said if len(words) == 1 else f"({said})"


def _ebnf(alternative: str, words: Mapping[str, str | None]) -> str:
    said = re.sub(r"\s*->\s*\w+$", "", alternative).replace('"', "'")
    for one in (r"(\w+)", r"\(([^()]*)\)"):
        said = re.sub(one + r"\?", r"[ \1 ]", said)
        said = re.sub(one + r"\*(?!')", r"{ \1 }", said)
    said = re.sub(r"(\w+)\+(?!')", r"\1 { \1 }", said)
    return re.sub(r"\b_?[A-Z][A-Z_]*\b", lambda found: words.get(found[0]) or found[0], said)


def channels() -> str:
    """What every channel is held to, and how they differ."""
    head = "| | " + " | ".join(f"`{kind}`" for kind in KINDS) + " |\n|---|" + "---|" * len(KINDS) + "\n"

    def row(name: str, cells: Iterable[str]) -> str:
        return f"| {name} | {' | '.join(cells)} |\n"

    every = list(KINDS.values())
    checks = "".join(row(name, ["✓"] * len(every)) for name in CHECKS)
    return (
        f"# Channels: what each is held to\n\n{NOTE}"
        "Each channel is tried against a server of its kind, which keeps a book of what arrived. How each is set up:\n"
        + ", ".join(f"[{kind}](../how-to/channels-{kind}.md)" for kind in KINDS)
        + ".\n\n"
        "## How they differ\n\n"
        + head
        + row("the address, unless the settings name another", [f"`{kind.address}`" for kind in every])
        + row("its templates' files", [" ".join(f"`{end}`" for end in kind.template) for kind in every])
        + row("each message uses up a permission", ["yes" if kind.permits else "no" for kind in every])
        + row(
            "staff let a message go, so it is asked after",
            ["yes" if kind.confirmed else "no" for kind in every],
        )
        + "\n## What a test asks of each\n\nEvery row is a test of every channel: `tests/channels/test_conformance.py`;"
        " a channel of your own is held to the same by `limner.testing.channels.conforms`.\n\n"
        + head
        + checks
        + row("what the server's book says is what the ledger says, person by person", ["✓"] * len(every))
    )


def tag_schema() -> str:
    """The JSON Schema of tag files."""
    return json.dumps(schema.schema(), ensure_ascii=False, indent=2) + "\n"


PAGES = {
    "configuration.md": configuration,
    "commands.md": commands,
    "errors.md": error_tree,
    "api.md": api_routes,
    "grammar.md": grammar,
    "channels.md": channels,
    "tag.schema.json": tag_schema,
}

if __name__ == "__main__":
    for name, make in PAGES.items():
        (DOCS / name).write_text(make(), encoding="utf-8")
        print(f"wrote {DOCS / name}")
