"""Commands about objects: products, stores, companies."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.errors import UsageError

objects = noun("Products, stores, companies …: what events name besides people.")


@objects.command("list")
def object_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All kinds of objects, their tags, how many objects have each and which tags of people ask for it."""
    ask(
        "object list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Objects",
            ("kind", "objects", "tag", "when", "have it", "used by"),
            (
                [
                    kind["kind"],
                    kind["objects"],
                    tag["key"],
                    tag["when"],
                    tag["objects"],
                    ", ".join(tag["used_by"]),
                ]
                for kind in answer["kinds"]
                for tag in kind["tags"] or [{"key": "", "when": "", "objects": None, "used_by": []}]
            ),
        ),
    )


@objects.command("show")
def object_show(
    kind: str,
    q: str = typer.Option("", help="In the id or any text."),
    tag: str = typer.Option("", help="Only those with this tag."),
    limit: int = typer.Option(50, help="How many at most, 1 to 200."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Objects of a kind with what is known of each and their tags."""
    ask(
        "object show",
        {"kind": kind, "q": q, "tag": tag, "limit": limit},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            f"{kind}: {answer['total']:,}",
            ("id", "values", "tags"),
            (
                [row["id"], ", ".join(f"{k} {v}" for k, v in row["values"].items()), ", ".join(row["tags"])]
                for row in answer["objects"]
            ),
        ),
    )


@objects.command("load")
def object_load(kind: str, file: Path, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Put a CSV file's rows (with a column id) in the place of a kind's objects."""
    try:
        rows = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read as UTF-8 text: {error}", where="file") from error
    ask(
        "object load",
        {"kind": kind, "rows": rows},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(
            f"{answer['objects']:,} objects, {answer['added']:,} of them new; {answer['removed']:,} are gone"
        ),
    )
