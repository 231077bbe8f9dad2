"""How a command's verb is performed: by the workspace's owner when there is one, else here, on the folder opened."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from limner.config import find
from limner.errors import LimnerError, NotFoundError, OwnedError
from limner.types import Json, Progress
from limner.workspace.owner import ask

PATIENCE = 3
"""How often a verb is tried when the owner ends or begins just then."""


def perform(folder: Path | None, name: str, arguments: Json, progress: Progress) -> Json:
    """The verb's answer on the workspace at `folder` (default: the nearest upward).

    Another process owns it: that process performs the verb. The folder is free: it is opened here.
    """
    here = find(folder or Path.cwd())
    if folder is not None and here != folder.resolve():
        raise NotFoundError(f"there is no limner.toml in {folder}", hint=f"limner init {folder}")
    for _ in range(PATIENCE):
        with suppress(OwnedError):
            return ask(here / "data", name, arguments, progress)
        with suppress(OwnedError):
            return _opened(here, name, arguments, progress)
    return ask(here / "data", name, arguments, progress)


def _opened(here: Path, name: str, arguments: Json, progress: Progress) -> Json:
    from limner.workspace import calling, giving, logs  # an owner's answer needs no engine here
    from limner.workspace.workspace import Workspace

    with Workspace.open(here) as opened:
        logs.configure("critical")
        opened.load(progress)
        with suppress(LimnerError):  # what is wrong in a file is for its own commands to say
            giving.hand_on(opened)
        return calling.call(opened, name, arguments, progress)
