"""Commands about hosted forms."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.types import Json

form = noun("Hosted forms: what they ask, and what was answered.")


@form.command("list")
def form_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All forms: their address, how many answers each took, and when the last came."""
    columns = ("name", "url", "fields", "answers", "last")
    ask(
        "form list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Forms", columns, ([row[column] for column in columns] for row in answer["forms"])
        ),
    )


@form.command("show")
def form_show(
    name: str,
    days: int = typer.Option(30, help="Answers of so many days."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """One form: what its answers become, answers by day, and what was turned away since the server began."""

    def told(answer: Json) -> None:
        out.print(f"{show.clean(answer['url'])}: {answer['answers']:,} answers")
        columns = ("name", "kind", "required", "to", "once")
        show.table(name, columns, ([row[column] for column in columns] for row in answer["fields"]))
        for day in answer["days"]:
            if day["answers"]:
                out.print(f"{day['day']}: {day['answers']:,}")
        for why, n in answer["turned_away"].items():
            out.print(f"turned away, {why}: {n:,}")
        out.print(f"people: {show.clean(answer['where'])}")

    ask("form show", {"name": name, "days": days}, workspace=workspace, as_json=as_json, show=told)


@form.command("check")
def form_check(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """What is wrong with a form's file; nothing when it can be used."""
    ask("form check", {"name": name}, workspace=workspace, as_json=as_json, show=problems)


def problems(answer: Json) -> None:
    """Prints what is wrong with a definition."""
    for problem in answer["problems"]:
        out.print(f"{show.clean(problem['where'])}: {show.clean(problem['message'])}")
    if not answer["problems"]:
        out.print("nothing is wrong")
