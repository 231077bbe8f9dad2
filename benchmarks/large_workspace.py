"""A workspace of a million people with the demo shop's definitions, to look at and to measure the browser UI with.

    python -m benchmarks.large_workspace FOLDER [--people 1000000] [--events 2000000]

Prints how long each step took. The same seed gives the same people.
"""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from limner.config import FILE
from limner.demo import shop as tea
from limner.types import silent
from limner.workspace import logs
from limner.workspace.calling import call
from limner.workspace.files import init
from limner.workspace.workspace import Workspace


def main() -> None:
    """Makes it and says how long each step took."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--people", type=int, default=1_000_000)
    asked.add_argument("--events", type=int, default=2_000_000)
    given = asked.parse_args()
    init(given.folder, example=True)
    toml = given.folder / FILE
    toml.write_text(toml.read_text(encoding="utf-8").replace("demo", "large"), encoding="utf-8")
    now = datetime.now(UTC)
    made = tea.shop(people=given.people, seed=3, start=tea.first_day(now))
    files = given.folder / "sample"
    files.mkdir()
    began = time.monotonic()

    def told(what: str) -> None:
        nonlocal began
        print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)
        began = time.monotonic()

    tea.write_members(made, files / "members.csv")
    web = tea.browsing(made, events=int(given.events * 0.7))
    tea.write_web(made, web.part(web.seconds < tea.DAYS * 86_400), files / "web.parquet")
    tea.write_till(made, files / "till.csv", lines=int(given.events * 0.3), first_day=0, last_day=tea.DAYS)
    told("files written")
    clock = made.start + timedelta(days=tea.DAYS)
    with Workspace.open(given.folder, clock=lambda: clock) as opened:
        logs.configure("error")

        def verb(name: str, /, **arguments: Any) -> None:
            answer = call(opened, name, arguments, silent)
            told(f"{name} { ({k: answer[k] for k in ('stored', 'people', 'changes') if k in answer}) }")

        for name, mapping in (("members.csv", "members"), ("web.parquet", "web"), ("till.csv", "till")):
            verb(
                "import",
                file=str(files / name),
                map=str(given.folder / "mappings" / f"{mapping}.yml"),
            )
        verb("tag run")
        verb("audience snapshot", name="recent_buyers")


if __name__ == "__main__":
    main()
