"""From an event's HTTP request to the mail server's receipt of the message that a journey sends for it.

    python -m benchmarks.handover [--events 200] [--per-second 5] [--load 0]

`limner serve` runs as a process of its own on the demo's shop; a journey that begins with an event sends one service
message. `--load`: so many other events a second come meanwhile. Asked is a 95th percentile of at most one second.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path

import httpx2
import numpy as np
from sqlalchemy import text

from benchmarks.measure import machine
from limner.demo.mail_server import Mail, MailServer
from limner.types import silent
from limner.workspace.calling import call
from limner.workspace.files import init
from limner.workspace.workspace import Workspace

JOURNEY = """\
start: {event: Basket Left}
holdout: 0
again: true
steps:
  now: {message: {template: now.html, subject: Your basket, class: service}}
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=200)
    options.add_argument("--per-second", type=float, default=5.0)
    options.add_argument("--load", type=int, default=0)
    given = options.parse_args()
    heard: dict[str, float] = {}

    def note(mail: Mail) -> None:
        heard.setdefault(mail.to, time.monotonic())

    with tempfile.TemporaryDirectory(prefix="limner-bench-") as temporary, MailServer() as mail:
        mail.on_mail = note
        folder = Path(temporary) / "shop"
        key, addresses = _made(folder, mail.port, given.events)
        served = subprocess.Popen(
            [sys.executable, "-m", "limner", "serve", "--workspace", str(folder), "--port", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            url = _listening(served)
            sent = _sent(url, key, addresses, per_second=given.per_second, load=given.load)
            end = time.monotonic() + 60
            while len(heard) < len(sent) and time.monotonic() < end:
                time.sleep(0.05)
        finally:
            served.terminate()
            served.wait(30)
        took = np.array([heard[address] - at for address, at in sent.items() if address in heard])
        if len(took) < len(sent):
            raise SystemExit(f"{len(sent) - len(took)} of {len(sent)} messages did not come within a minute")
        p50, p95 = np.percentile(took, (50, 95))
        print(
            f"{len(took)} events at {given.per_second:g} a second, beside {given.load} others ({machine()})"
        )
        print(f"  HTTP request → receipt   p50 {p50:.2f} s   p95 {p95:.2f} s   longest {took.max():.2f} s")
        for name, seconds in _stages(folder).items():
            p50, p95 = np.percentile(seconds, (50, 95))
            print(f"    {name:<22} p50 {p50:.2f} s   p95 {p95:.2f} s")


def _made(folder: Path, port: int, people: int) -> tuple[str, dict[str, str]]:
    """A write key, and as many people with their addresses, of the demo's shop with a running journey."""
    init(folder)
    (folder / "limner.toml").write_text(
        'log_level = "critical"\nrefresh = ""\npublic_url = "http://127.0.0.1"\n'
        f'[email]\nhost = "127.0.0.1"\nport = {port}\nsender = "Shop <hi@shop.example>"\n',
        encoding="utf-8",
    )
    with Workspace.open(folder) as opened:
        call(opened, "start demo", {}, silent)
        (folder / "journeys" / "now.yml").write_text(JOURNEY, encoding="utf-8")
        (folder / "templates" / "now.html").write_text("<p>Your basket</p>\n", encoding="utf-8")
        call(opened, "journey start", {"name": "now"}, silent)
        key = call(opened, "source add", {"name": "bench"}, silent)["write_key"]
        found = opened.engine.read(
            "SELECT i.value AS who, MIN(a.value) AS mail FROM identifiers AS i JOIN attributes AS a ON a.ix = i.ix"
            " WHERE i.kind = 'user' AND a.name = 'email' GROUP BY 1 ORDER BY 1 LIMIT $n",
            {"n": people},
        ).to_pylist()
    return key, {row["who"]: row["mail"].strip('"') for row in found}


def _stages(folder: Path) -> dict[str, list[float]]:
    """How long each part took, as the server's own clocks say: until a message was asked for, claimed and taken."""
    with Workspace.open(folder) as opened:
        events = opened.engine.read(
            "SELECT p.person_id AS who, EPOCH_US(MIN(e.received_at)) AS received"
            " FROM events AS e JOIN names AS n ON n.name_i = e.name_i JOIN persons AS p ON p.ix = e.ix"
            " WHERE n.name = 'Basket Left' GROUP BY ALL"
        ).to_pylist()
        with opened.records.read() as connection:
            rows = connection.execute(
                text("SELECT person, due_at, claimed_at, done_at FROM touches WHERE campaign = 'now'")
            ).all()
    at = {row["who"]: row["received"] for row in events}
    found: dict[str, list[float]] = {"received → asked for": [], "→ claimed": [], "→ taken": []}
    for person, due, claimed, done in rows:
        marks = (at[person], due, claimed, done)
        for name, (one, two) in zip(found, pairwise(marks), strict=True):
            found[name].append((two - one) / 1e6)
    return found


def _listening(served: subprocess.Popen[str]) -> str:
    assert served.stdout is not None
    for line in served.stdout:
        if line.startswith("listening on "):
            return line.split()[-1]
    raise SystemExit("it does not listen")


def _sent(url: str, key: str, people: dict[str, str], *, per_second: float, load: int) -> dict[str, float]:
    """When each request began, by the address of the person."""
    stop = threading.Event()
    beside = threading.Thread(target=_others, args=(url, key, load, stop))
    beside.start()
    began: dict[str, float] = {}
    with httpx2.Client(base_url=url, auth=(key, ""), timeout=30) as client:
        for who, address in people.items():
            began[address] = time.monotonic()
            client.post("/v1/track", json={"userId": who, "event": "Basket Left"}).raise_for_status()
            time.sleep(max(0.0, 1 / per_second - (time.monotonic() - began[address])))
    stop.set()
    beside.join()
    return began


def _others(url: str, key: str, load: int, stop: threading.Event) -> None:
    with httpx2.Client(base_url=url, auth=(key, ""), timeout=30) as client:
        n = 0
        while load and not stop.wait(0.1):
            batch = [
                {"type": "track", "userId": f"other{(n + k) % 5000}", "event": "Product Viewed"}
                for k in range(load // 10)
            ]
            n += len(batch)
            client.post("/v1/batch", json={"batch": batch}).raise_for_status()


if __name__ == "__main__":
    main()
