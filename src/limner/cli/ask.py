"""Sends a verb to whoever owns the workspace: this process when the folder is free, else its owner."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from limner.types import Json, Progress
from limner.workspace.performing import perform

errors = Console(stderr=True, highlight=False)
out = Console(highlight=False)

Workspace = typer.Option(
    None, "--workspace", "-w", help="The workspace's folder; default: the nearest limner.toml upward."
)
AsJson = typer.Option(False, "--json", help="Print JSON for programs.")
View = typer.Option(
    "",
    "--view",
    help="Of a past instant: `known` then, or `true` by all of today; default: known, if anything was heard by then.",
)
Masked = typer.Option(False, "--masked", help="Personal values masked, as a viewer sees them.")
Most = typer.Option(50, "--limit", help="How many at most, 1 to 200.")
After = typer.Option("", "--cursor", help="`next` of the page before.")
Standing = typer.Option(False, "--standing", help="Only conflicts that stand now.")


def noun(text: str) -> typer.Typer:
    """The commands about one noun; `text` says what it is."""
    return typer.Typer(no_args_is_help=True, help=text)


@contextmanager
def bar() -> Any:
    """Progress on stderr while the block runs; nothing when stderr is not a terminal."""
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as shown:
        tasks: dict[str, Any] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total or None)
            shown.update(tasks[what], completed=done, total=total or None)

        yield progress


def ask(
    verb: str,
    arguments: Json,
    *,
    workspace: Path | None,
    as_json: bool,
    show: Callable[[Json], None] | None = None,
) -> Json:
    """The verb's answer, also printed: as JSON, or as `show` draws it."""
    with bar() as progress:
        answer = perform(workspace, verb, arguments, _typed(progress))
    if as_json:
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    elif show is not None:
        show(answer)
    return answer


def _typed(progress: Any) -> Progress:
    told: Progress = progress
    return told
