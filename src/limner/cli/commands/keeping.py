"""Commands about runs, backups and the engine file."""

from __future__ import annotations

from pathlib import Path

from limner.cli import show
from limner.cli.ask import AsJson, Workspace, ask, bar, noun, out
from limner.workspace import backup as archive

run = noun("What was computed and sent, and how it ended.")


@run.command("list")
def run_list(limit: int = 20, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """The latest runs."""
    columns = ("started_at", "what", "subject", "status", "seconds", "detail")
    ask(
        "run list",
        {"limit": limit},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.table(
            "Runs", columns, ([r.get(c) for c in columns] for r in answer["runs"])
        ),
    )


def backup(file: Path, workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """One consistent file of everything, also while the server runs."""
    ask(
        "backup",
        {"file": str(file.absolute())},
        workspace=workspace,
        as_json=as_json,
        show=lambda answer: show.pairs(str(file), answer),
    )


def restore(file: Path, folder: Path, as_json: bool = AsJson) -> None:
    """A backup into a new folder; a damaged backup is refused before anything is written."""
    with bar() as progress:
        answer = archive.restore(file, folder, progress)
    if as_json:
        out.print_json(data=answer)
    else:
        show.pairs(str(folder), answer)


def rebuild(workspace: Path = Workspace, as_json: bool = AsJson) -> None:
    """Make the engine file again from the log (the server must be stopped)."""
    ask(
        "rebuild", {}, workspace=workspace, as_json=as_json, show=lambda answer: show.pairs("rebuilt", answer)
    )
