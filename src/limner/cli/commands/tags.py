"""Commands about tags."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.types import Json

tag = noun("What we believe about people.")


@tag.command("run")
def tag_run(
    keys: list[str] = typer.Argument(None, help="Only these tags and what they need; default: all."),
    as_of: str = typer.Option("", "--as-of", help="As if it were this instant; default: now."),
    full: bool = typer.Option(
        False, "--full", help="Compute all anew instead of carrying on from the last run."
    ),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Compute and publish tags; a failure leaves the previous values untouched."""

    def drawn(answer: Json) -> None:
        columns = ("tag", "people", "entered", "left", "changed", "seconds")
        show.table(
            f"Tags as of {answer['as_of']}",
            columns,
            ([row.get(c) for c in columns] for row in answer["tags"]),
        )

    ask(
        "tag run",
        {"keys": list(keys or []), "as_of": as_of, "full": full},
        workspace=workspace,
        as_json=as_json,
        show=drawn,
    )


@tag.command("list")
def tag_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All tags with nature, method, people and freshness."""
    columns = ("key", "title", "nature", "method", "type", "people", "coverage", "as_of")
    ask(
        "tag list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Tags",
            columns,
            (
                [show.titled(row["titles"], row["key"]) if c == "title" else row[c] for c in columns]
                for row in answer["tags"]
            ),
        ),
    )


@tag.command("show")
def tag_show(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """One tag: its definition, coverage and distribution; people without a value are a value of their own."""

    def drawn(answer: Json) -> None:
        out.print(show.clean_lines(answer["text"]))
        facts = ("state", "people", "coverage", "sum", "as_of", "expires_at", "used_by", "needs", "run")
        show.pairs(name, {fact: answer[fact] for fact in facts})
        if answer["health"]:
            show.table(
                "Health", ("level", "what"), ([item["level"], item["code"]] for item in answer["health"])
            )
        show.table(
            "Values",
            ("value", "people", "share"),
            ([r["value"], r["people"], r["share"]] for r in answer["values"]),
        )

    ask("tag show", {"key": name}, workspace=workspace, as_json=as_json, show=drawn)


@tag.command("check")
def tag_check(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Reads every definition (tags, audiences, campaigns) and reports what is wrong, with line and column."""
    answer = ask(
        "check",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Definitions",
            ("where", "problem", "hint"),
            ([p["where"], p["message"], p["hint"]] for p in answer["problems"]),
        ),
    )
    if answer["problems"]:
        raise typer.Exit(2)
