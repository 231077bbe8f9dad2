"""Commands about industry templates."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.types import Json

template = noun("Ready tags and audiences of a trade.")


@template.command("list")
def template_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """The industry templates, and how many of their tags are here."""
    columns = ("name", "title", "tags", "audiences", "installed")
    ask(
        "industry list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Industry templates",
            columns,
            (
                [show.titled(row["titles"], row["name"]) if c == "title" else row[c] for c in columns]
                for row in answer["industries"]
            ),
        ),
    )


@template.command("show")
def template_show(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """One template: the events, properties and attributes that it reads, its tags, its audiences."""

    def drawn(answer: Json) -> None:
        out.print(show.clean(show.titled(answer["about"], "")), soft_wrap=True)
        for kind in ("events", "properties", "attributes"):
            show.table(
                kind.capitalize(),
                ("name", "meaning", "known here"),
                (
                    [row["name"], show.titled(row["meaning"], ""), "yes" if row["known"] else "not yet"]
                    for row in answer[kind]
                ),
            )
        columns = ("key", "title", "category", "method", "type", "here")
        show.table(
            "Tags",
            columns,
            (
                [
                    row["key"],
                    show.titled(row["titles"], row["key"]),
                    row["category"],
                    row["method"],
                    row["type"],
                    "yes" if row["exists"] else "",
                ]
                for row in answer["tags"]
            ),
        )
        show.table(
            "Audiences",
            ("name", "title", "expression", "here"),
            (
                [
                    row["name"],
                    show.titled(row["titles"], row["name"]),
                    row["expression"],
                    "yes" if row["exists"] else "",
                ]
                for row in answer["audiences"]
            ),
        )

    ask("industry show", {"name": name}, workspace=workspace, as_json=as_json, show=drawn)


@template.command("install")
def template_install(
    name: str,
    only: str = typer.Option("", "--only", help="Only this category, such as value, and what its tags need."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be written; nothing is."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Write the template's tags and audiences that are not there yet; no file is overwritten."""

    def drawn(answer: Json) -> None:
        said = "would be written" if answer["dry_run"] else "written"
        out.print(f"{len(answer['saved'])} files {said}, {len(answer['there'])} were there and stay")
        for row in answer["there"]:
            if not row["same"]:
                out.print(f"{show.clean(row['file'])} is another one than the template's", soft_wrap=True)
        for row in answer["waiting"]:
            missing = [*row["events"], *row["properties"], *row["attributes"]]
            out.print(f"{row['key']} waits for {show.clean(', '.join(missing))}", soft_wrap=True)

    ask(
        "industry install",
        {"name": name, "only": only, "dry_run": dry_run},
        workspace=workspace,
        as_json=as_json,
        show=drawn,
    )


@template.command("undo")
def template_undo(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Take the last installation of a template back, all its files at once, if none was changed since."""
    ask(
        "industry undo",
        {"name": name},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"{len(answer['removed'])} files are taken back"),
    )
