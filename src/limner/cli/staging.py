"""What the demos have in common: a folder of their own, a clock that they turn, calls that they post, a server."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path

import httpx2

from limner.campaigns import scene_text
from limner.cli.ask import errors
from limner.cli.serve import running
from limner.errors import ConflictError
from limner.types import Json, Progress
from limner.workspace import accounting
from limner.workspace.files import copy_example, init
from limner.workspace.workspace import Workspace, system_clock

BATCH = 100
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Mobile/15E148"


class TurnedClock:
    """A clock that shows what it was set to, until it is let go; then it is the machine's."""

    def __init__(self, now: datetime) -> None:
        self.now: datetime | None = now

    def __call__(self) -> datetime:
        return system_clock() if self.now is None else self.now


def prepare(folder: Path, files: str) -> None:
    """A fresh workspace with the definitions of a demo; only an earlier demo is ever replaced."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / ".limner-demo").exists():
            raise ConflictError(f"{folder} is not empty and not a demo", hint="name another folder with --to")
        shutil.rmtree(folder)
    init(folder)
    copy_example(folder, files)
    (folder / ".limner-demo").write_text("made by limner demo; replaced by the next one\n", encoding="utf-8")


def date_scene(folder: Path, name: str, *, first: date, days: int) -> None:
    """The scene begins on the first day and lasts so many."""
    path = folder / "scenes" / f"{name}.yml"
    dates = {"from": first.isoformat(), "until": (first + timedelta(days=days - 1)).isoformat()}
    path.write_text(scene_text.written(path.read_text(encoding="utf-8"), dates, name=name), encoding="utf-8")


def post(url: str, write_key: str, calls: Iterator[Json], progress: Progress) -> int:
    """How many calls were posted to the collector, in batches, as an SDK does."""

    def send(batch: list[Json]) -> int:
        answer = client.post("/v1/batch", json={"batch": batch, "sentAt": None}, auth=(write_key, ""))
        answer.raise_for_status()
        return len(batch)

    posted = 0
    with httpx2.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor(4) as pool:
        batches = iter(lambda: list(islice(calls, BATCH)), [])
        for n in pool.map(send, batches):
            posted += n
            progress("events through HTTP", posted, 0)
    return posted


def keep_serving(opened: Workspace, *, port: int, example: str) -> None:
    """Serves the demo's workspace until Ctrl-C. `example`: a person to look at."""
    with running(opened, port=port) as url:
        opened.public_url = url
        errors.print(
            f"look around: limner --help, for example: limner person show {example}"
            f" --workspace {opened.paths.folder}"
        )
        print(f"listening on {url}", flush=True)
        first = accounting.first_admin(opened)
        if first is not None:
            print(f"first admin: {url}{first}", flush=True)
            errors.print(
                "open that address to choose a name and a password, once; then everything is yours to look at"
            )
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            errors.print("stopped")
