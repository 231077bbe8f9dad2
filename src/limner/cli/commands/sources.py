"""Commands about what comes in: sources, imports, events."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun, out
from limner.types import Json

source = noun("Where events come from; each has a write key.")
event = noun("What happened.")


@source.command("add")
def source_add(
    name: str,
    kind: str = typer.Option("segment", help="segment or import"),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """A new source and its write key, shown once."""
    ask(
        "source add",
        {"name": name, "kind": kind},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"write key of {show.clean(name)} (shown once): {answer['write_key']}"),
    )


@source.command("list")
def source_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Each source: received = stored + duplicate + quarantined + rejected."""
    columns = ("name", "kind", "key_tail", "received", "stored", "duplicate", "quarantined", "rejected")
    ask(
        "source list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Sources", columns, ([row[c] for c in columns] for row in answer["sources"])
        ),
    )


@source.command("rotate")
def source_rotate(name: str, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """A new write key; the old one stops working at once."""
    ask(
        "source rotate",
        {"name": name},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: out.print(f"new write key (shown once): {answer['write_key']}"),
    )


def import_file(
    file: Path,
    mapping: Path = typer.Option(..., "--map", help="The mapping: which column is what."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """CSV, JSON lines or Parquet (also .gz): each row becomes an event; the same file twice adds nothing."""
    arguments = {"file": str(file.absolute()), "map": str(mapping.absolute())}
    ask(
        "import",
        arguments,
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(str(file), answer),
    )


@event.command("summary")
def event_summary(
    where: str = typer.Option("", help="An expression over event properties."),
    by: list[str] = typer.Option([], help="Group by this property."),
    sum_of: str = typer.Option("", "--sum", help="Sum this property."),
    distinct: str = typer.Option(
        "", help="Count distinct values of this property, or of several joined by commas."
    ),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """Counts and exact sums over all events."""
    arguments = {"where": where, "by": list(by), "sum": sum_of, "distinct": distinct}

    def drawn(answer: Json) -> None:
        groups = answer["groups"] if by else [answer]
        columns = [*by, *(c for c in ("events", "sum", "distinct") if any(c in g for g in groups))]
        show.table("Events", columns, ([group.get(c) for c in columns] for group in groups))

    ask("event summary", arguments, workspace=workspace, as_json=as_json, show=drawn)


@event.command("quarantine")
def event_quarantine(limit: int = 50, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Events that were set aside, each with its reason."""
    columns = ("received_at", "source", "code", "path", "message")
    ask(
        "event quarantine",
        {"limit": limit},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Quarantine", columns, ([row[c] for c in columns] for row in answer["events"])
        ),
    )
