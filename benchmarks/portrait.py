"""The portrait of a person with 300 tags and 5,000 events: everything that the page asks, beside raw reads.

    python -m benchmarks.portrait [--tags 300] [--events 5000] [--people 3000] [--rounds 20]

Limner: the portrait, the first 50 events with their counts, and the messages, through the verbs that the API calls.
Raw: hand-written DuckDB statements that read the same rows: identifiers, attributes, one value of each tag's table,
the counts of events by name and the latest 50.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.measure import compare, machine, show
from limner.accounts import keys
from limner.config import FILE
from limner.engine.seam import quoted
from limner.events.frames import Record
from limner.types import Json, silent
from limner.workspace.calling import call
from limner.workspace.files import init
from limner.workspace.workspace import Workspace

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BUSY = "busy"
NAMES = [f"Event {i}" for i in range(20)]
BATCH = 500


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tags", type=int, default=300)
    options.add_argument("--events", type=int, default=5_000)
    options.add_argument("--people", type=int, default=3_000)
    options.add_argument("--rounds", type=int, default=20)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="limner-bench-"))
    try:
        init(folder / "shop")
        (folder / "shop" / FILE).write_text('refresh = ""\nlog_level = "critical"\n', encoding="utf-8")
        define(folder / "shop", given.tags)
        with Workspace.open(folder / "shop", clock=lambda: NOW) as workspace:
            fill(workspace, people=given.people, events=given.events)
            call(workspace, "tag run", {}, silent)
            measure(workspace, given.rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def define(folder: Path, tags: int) -> None:
    """Statistics, rules over them, and observed attributes: a third each."""
    for n in range(tags):
        name = NAMES[n // 3 % len(NAMES)]
        if n % 3 == 0:
            days = 30 + n
            text = (
                "nature: fact\nmethod: statistic\ntype: money\n"
                f'statistic: sum(amount of "{name}" in last {days} days)\nvalidity: 2 days\n'
            )
        elif n % 3 == 1:
            text = (
                "nature: model\nmethod: rule\ntype: text\ncases:\n"
                f"  - when: tag_{n - 1} > 100\n    then: high\notherwise: low\nvalidity: 2 days\n"
            )
        else:
            text = f"nature: fact\nmethod: observed\ntype: text\nattribute: trait_{n}\n"
        (folder / "tags" / f"tag_{n}.yml").write_text(
            f"title: {{en: Tag {n}, zh: 标签 {n}}}\ncategory: group_{n % 12}\n{text}", encoding="utf-8"
        )


def fill(workspace: Workspace, *, people: int, events: int) -> None:
    """The busy person's events and traits, and six events of everybody else."""
    source = keys.ensure_source(workspace.records, "web", kind="segment", now=NOW)
    calls: list[Json] = [
        {
            "type": "identify",
            "userId": BUSY,
            "anonymousId": "busy-device",
            "traits": {
                "name": "张伟",
                "email": "busy@example.test",
                **{f"trait_{n}": f"value {n}" for n in range(600)},
            },
        }
    ]
    calls += [tracked(BUSY, n, minutes=n) for n in range(events)]
    calls += [tracked(f"user-{who}", who + n, minutes=who * 6 + n) for who in range(people) for n in range(6)]
    for place in range(0, len(calls), BATCH):
        batch = calls[place : place + BATCH]
        for n, item in enumerate(batch):
            item["messageId"] = f"{place}-{n}"
        workspace.log.append_now(
            Record(
                batch=f"b{place}",
                source_i=source.source_i,
                received_at=keys.micros(NOW - timedelta(seconds=1)),
                n=len(batch),
                body=json.dumps({"batch": batch}).encode(),
            )
        )
    workspace.load()


def tracked(user: str, n: int, *, minutes: int) -> Json:
    return {
        "type": "track",
        "event": NAMES[n % len(NAMES)],
        "userId": user,
        "timestamp": (NOW - timedelta(minutes=60 + minutes)).isoformat(),
        "properties": {"amount": n % 97 + 0.5, "category": f"category {n % 11}", "product": f"p{n % 203}"},
    }


def measure(workspace: Workspace, rounds: int) -> None:
    engine = workspace.engine
    ix = engine.read("SELECT ix FROM identifiers WHERE kind = 'user' AND value = $id", {"id": BUSY})
    values = {"ix": ix.column(0)[0].as_py()}
    tables = sorted(name for name in engine.tables() if name.startswith("tag_") and name != "tag_state")
    every_tag = " UNION ALL ".join(
        f"SELECT '{table}' AS tag, value::VARCHAR AS value FROM {quoted(table)} WHERE ix = $ix"
        for table in tables
    )

    def ours() -> None:
        shown = call(workspace, "person show", {"id": BUSY}, silent)
        assert sum(len(group["tags"]) for group in shown["tags"]) == len(tables)
        call(workspace, "person timeline", {"id": BUSY}, silent)
        call(workspace, "person messages", {"id": BUSY}, silent)

    def raw() -> None:
        engine.read("SELECT * FROM identifiers WHERE ix = $ix", values).to_pylist()
        engine.read("SELECT * FROM attributes WHERE ix = $ix ORDER BY name, ts", values).to_pylist()
        engine.read(every_tag, values).to_pylist()
        engine.read("SELECT name_i, COUNT(*) FROM events WHERE ix = $ix GROUP BY name_i", values).to_pylist()
        engine.read("SELECT * FROM events WHERE ix = $ix ORDER BY ts DESC LIMIT 50", values).to_pylist()

    def why() -> None:
        call(workspace, "person why", {"id": BUSY, "key": "tag_1"}, silent)

    def listed() -> None:
        call(workspace, "person list", {}, silent)

    found = compare({"Limner, the whole page": ours, "raw reads of the same rows": raw}, rounds=rounds)
    show(
        f"A portrait: {len(tables)} tags, {call(workspace, 'person timeline', {'id': BUSY}, silent)['total']:,} events",
        found,
        ours="Limner, the whole page",
        unit=1_000,
        name="ms",
    )
    beside = compare({"why (a rule over a statistic)": why, "a page of the list": listed}, rounds=rounds)
    show("Beside it", beside, ours="why (a rule over a statistic)", unit=1_000, name="ms")
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
