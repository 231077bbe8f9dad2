"""Commands about metrics."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun
from limner.types import Json

metric = noun("Indicators that are defined once, and their numbers.")


@metric.command("list")
def metric_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """All metrics, and the tags that are made of each or judged by it."""
    columns = ("key", "measure", "unit", "owner", "tags", "judges")
    ask(
        "metric list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Metrics",
            columns,
            (
                [", ".join(row[c]) if c in ("tags", "judges") else row[c] for c in columns]
                for row in answer["metrics"]
            ),
        ),
    )


@metric.command("show")
def metric_show(
    key: str,
    start: str = typer.Option("", "--from", help="An instant or a date; default: 30 days before the end."),
    end: str = typer.Option("", "--to", help="Not included; default: now."),
    by: list[str] = typer.Option([], "--by", help="A tag; up to three."),
    workspace: Path = Workspace,
    as_json: bool = AsJson,
) -> None:
    """A metric's number over a period, of everybody and by tags as they are now."""

    def drawn(answer: Json) -> None:
        rows = [(answer["total"], ["all"] * max(1, len(answer["by"])))]
        rows += [(row, row["values"]) for row in answer["rows"]]
        show.table(
            f"{key}: {answer['measure']}, {answer['start']} to {answer['end']}",
            (*(answer["by"] or [""]), answer["unit"] or "value", "people", "active"),
            ([*values, row["value"], row["people"], row["active"]] for row, values in rows),
        )

    ask(
        "metric show",
        {"key": key, "start": start, "end": end, "by": by},
        workspace=workspace,
        as_json=as_json,
        show=drawn,
    )
