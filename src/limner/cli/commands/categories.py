"""Commands about categories."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out

category = noun("The tree that tags stand in.")


@category.command("list")
def category_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Every category with its tags and the distinct people who have any of them."""
    columns = ("path", "tags", "people")
    ask(
        "category list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Categories", columns, ([row[c] for c in columns] for row in answer["categories"])
        ),
    )


@category.command("move")
def category_move(
    source: str = typer.Argument(help="The category as it is, such as buying/rhythm."),
    to: str = typer.Argument(help="What it becomes; keys of tags never change."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Give a category another name or place, in the files of all its tags."""
    ask(
        "category move",
        {"source": source, "to": to},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(
            f"{show.clean(answer['source'])} is {show.clean(answer['to'])}: {len(answer['tags'])} tags; "
            "limner category undo takes it back"
        ),
    )


@category.command("undo")
def category_undo(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Take the last move of a category back."""
    ask(
        "category undo",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"{len(answer['tags'])} tags are where they were"),
    )
