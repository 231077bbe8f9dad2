"""Commands about audiences."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import reasons, show
from limner.cli.ask import AsJson, Masked, View, Workspace, ask, noun, out
from limner.types import Json

audience = noun("Who.")


@audience.command("count")
def audience_count(
    expression: str,
    as_of: str = typer.Option("", "--as-of"),
    view: str = View,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """How many people an expression holds, exactly."""
    ask(
        "audience count",
        {"expression": expression, "as_of": as_of, "view": view},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"{answer['count']:,}"),
    )


@audience.command("list")
def audience_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All saved audiences."""
    columns = ("name", "title", "expression", "people", "as_of")
    ask(
        "audience list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Audiences", columns, ([r.get(c) for c in columns] for r in answer["audiences"])
        ),
    )


@audience.command("save")
def audience_save(
    name: str,
    expression: str,
    title: str = "",
    owner: str = "",
    why: str = "",
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Write audiences/NAME.yml."""
    arguments = {"name": name, "expression": expression, "title": title, "owner": owner, "why": why}
    ask(
        "audience save",
        arguments,
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"saved {show.clean(answer['path'])}: {answer['count']:,} people"),
    )


@audience.command("history")
def audience_history(
    name: str,
    days: int = typer.Option(30, help="So many days back, today included."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """How many were in the audience each day by its snapshots, and who entered and left."""
    ask(
        "audience history",
        {"name": name, "days": days},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            f"{name} since {answer['since']}",
            ("day", "people", "entered", "left"),
            ([d["day"], d["people"], d["entered"], d["left"]] for d in answer["days"]),
        ),
    )


@audience.command("members")
def audience_members(
    name: str,
    on: str = typer.Option("", "--on", help="At this instant; default: now."),
    limit: int = typer.Option(50),
    cursor: str = typer.Option("", help="`next` of the page before."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Who was in the audience at an instant, by its snapshots."""
    ask(
        "audience members",
        {"name": name, "on": on, "limit": limit, "cursor": cursor},
        workspace=workspace,
        as_json=as_json,
        show=show.members,
    )


@audience.command("snapshot")
def audience_snapshot(
    name: str, as_of: str = typer.Option("", "--as-of"), workspace: Path = Workspace, as_json: bool = AsJson
) -> None:
    """Keep who is in the audience now, and record who entered and left since the last snapshot."""
    ask(
        "audience snapshot",
        {"name": name, "as_of": as_of},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(
            f"{answer['people']:,} people: +{answer['entered']:,} −{answer['left']:,}"
        ),
    )


def _round(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


@audience.command("portrait")
def audience_portrait(
    name: str = typer.Argument(..., help="A saved audience, or an expression."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Each tag's distribution in the crowd against everybody: TGI with its 95 % interval."""

    def drawn(answer: Json) -> None:
        out.print(f"{answer['people']:,} of {answer['everybody']:,} people")
        columns = ("tag", "value", "crowd", "everybody", "tgi", "low", "high", "significant")
        lines = (
            [t["tag"], v["value"], f"{v['share']:.1%}", f"{v['base_share']:.1%}",
             *(_round(v[c]) for c in ("tgi", "low", "high")), "yes" if v["significant"] else ""]
            for t in answer["tags"] for v in t["values"]
        )  # fmt: skip
        show.table("Portrait", columns, lines)

    ask("audience portrait", {"name": name}, workspace=workspace, as_json=as_json, show=drawn)


@audience.command("export")
def audience_export(
    name: str,
    to: Path = typer.Option(..., "--to", help="A .csv or .parquet file."),
    columns: str = typer.Option(
        "", help="Tags and person.attributes to add, joined by commas; default: all tags."
    ),
    reason: str = "",
    masked: bool = Masked,
    rows: bool = typer.Option(
        False,
        "--rows",
        help="A row for each value of a tag, with its validity and source, not for each person.",
    ),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """The people of an audience with their tags; every export is logged."""
    arguments = {
        "name": name,
        "to": str(to.absolute()),
        "columns": columns.split(",") if columns else [],
        "reason": reason,
        "mask": masked,
        "rows": rows,
    }
    ask(
        "audience export",
        arguments,
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"{answer['people']:,} people written to {show.clean(answer['path'])}"),
    )


@audience.command("why")
def audience_why(
    who: str = typer.Argument(
        ...,
        metavar="PERSON",
        help="A user id, kind:value such as device:d1 or email:a@b.c, or an outward id.",
    ),
    name: str = typer.Argument(..., metavar="AUDIENCE", help="A saved audience, or a condition."),
    as_of: str = typer.Option("", "--as-of"),
    view: str = View,
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Why the person is in the audience, or is not: what decided, what is missing, until when."""
    ask(
        "audience why",
        {"id": who, "name": name, "as_of": as_of, "view": view},
        workspace=workspace,
        as_json=as_json,
        show=reasons.member,
    )
