"""Appends batches and loads them for ever, saying what was acknowledged; made to be killed."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

from limner.config import Limits
from limner.engine.duckdb import DuckDB
from limner.events import tables
from limner.events.frames import Record
from limner.events.load import Loader
from limner.events.log import EventLog
from tests.events.conftest import MICROS, Identity


def opened(folder: Path) -> tuple[DuckDB, EventLog, Loader]:
    """The folder's engine, log and loader."""
    engine = DuckDB(folder / "engine.duckdb")
    with engine.write() as tx:
        tx.execute(tables.TABLES)
    log = EventLog(folder / "log", segment_bytes=20_000)
    return engine, log, Loader(engine, log, resolve=Identity(), limits=Limits(), money={"amount"})


def main(folder: Path, life: str) -> None:
    """Sends batches of ten, each with one repetition of an earlier event and one refused event."""
    _, log, loader = opened(folder)

    def load_for_ever() -> None:
        while True:
            loader.wait(1)
            loader.load_all()

    threading.Thread(target=load_for_ever, daemon=True).start()
    for number in range(1_000_000):
        ids = [f"{life}-{number}-{place}" for place in range(8)]
        calls = [
            {"type": "track", "event": "a", "userId": "u", "messageId": message, "properties": {"n": number}}
            for message in [*ids, f"{life}-{max(0, number - 1)}-0"]
        ]
        body = json.dumps({"batch": [*calls, {"type": "track"}]}).encode()
        record = Record(f"{life}-{number}", 1, MICROS, n=10, refused={9: "missing_event_name"}, body=body)
        log.append_now(record)
        print(" ".join(ids), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
