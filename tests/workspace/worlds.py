"""A workspace in a temporary folder for tests, on a clock that the test turns."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from limner.config import FILE
from limner.types import Json, silent
from limner.workspace.calling import call
from limner.workspace.files import init
from limner.workspace.workspace import Workspace

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class World:
    """An open workspace with a clock."""

    def __init__(self, folder: Path, *, toml: str = "", now: datetime = NOW) -> None:
        self.now = now
        self.folder = folder
        if not (folder / FILE).exists():
            init(folder)
            (folder / FILE).write_text(f'refresh = ""\nlog_level = "critical"\n{toml}', encoding="utf-8")
        self.open()

    def open(self) -> None:
        self.workspace = Workspace.open(self.folder, clock=lambda: self.now)

    def close(self) -> None:
        self.workspace.close()

    def reopen(self) -> None:
        self.close()
        self.open()

    def verb(self, verb: str, /, **arguments: Any) -> Json:
        return call(self.workspace, verb, arguments, silent)

    def ids(self, *users: str) -> list[str]:
        """The outward ids of these users, in their order."""
        found = self.workspace.engine.read(
            "SELECT i.value, p.person_id FROM identifiers AS i JOIN persons AS p ON p.ix = i.ix"
            " WHERE i.kind = 'user' AND p.merged_into IS NULL"
        )
        known = dict(zip(*(column.to_pylist() for column in found.columns), strict=True))
        return [known[user] for user in users]

    def write(self, path: str, text: str) -> Path:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target
