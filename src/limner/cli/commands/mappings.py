"""Commands about names of other systems."""

from __future__ import annotations

from pathlib import Path

import typer

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, noun
from limner.types import Json

mapping = noun("What other systems call our tags.")


@mapping.command("list")
def mapping_list(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Every name of another system and what it means here."""
    ask(
        "mapping list",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Names of other systems",
            ("system", "theirs", "ours", "where"),
            (
                [item["system"], row["theirs"], row["meant"], row["where"]]
                for item in answer["systems"]
                for row in item["names"]
            ),
        ),
    )


@mapping.command("check")
def mapping_check(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Where names contradict each other or mean what is not there; exit 2 when a name does so for certain."""
    answer = ask(
        "mapping check",
        {},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Conflicts",
            ("level", "code", "what", "where", "hint"),
            [*map(_problem, answer["problems"]), *map(_conflict, answer["conflicts"])],
        ),
    )
    if answer["problems"] or any(row["level"] == "bad" for row in answer["conflicts"]):
        raise typer.Exit(2)


def _problem(item: Json) -> list[str]:
    return ["bad", item["code"], item["message"], item["where"], item["hint"]]


def _conflict(row: Json) -> list[str]:
    return [row["level"], row["code"], row["text"], ", ".join(row["where"]), row["hint"]]
