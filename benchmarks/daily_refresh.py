"""Tags refreshed day after day: how long each day takes, and how much memory.

    python -m benchmarks.daily_refresh [--people 1000000] [--tags 100] [--days 4] [--memory 2.5GB]
    python -m benchmarks.daily_refresh --growth [--thousand]

Twenty events a person lie behind the first day, one hundredth more comes in every day. The hundred tags are those of
the template for retail (statistics, weights, rules, points, cut points by percentage, tiers, attributes; they refer to
each other) and statistics of the full refresh; ten are statistics alone; a thousand (`--thousand`) are a hundred and
counts and sums over many windows. Where the events have no such property as a tag asks for, another stands in for it.

The events are made in one process, the tags run in another, of which the greatest memory is told; `--memory` is what
the engine in it may use. `--growth` tells this for 100,000, 300,000 and 1,000,000 people, with ten and a hundred tags.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from ruamel.yaml import YAML

import limner.templates
from benchmarks.carried_refresh import another_day
from benchmarks.full_refresh import AS_OF, NAMES, TAGS, shop
from limner.engine.duckdb import DuckDB
from limner.errors import DefinitionError
from limner.tags.check import check
from limner.tags.graph import build, expressions
from limner.tags.methods.fresh import Fresh
from limner.tags.model import Tag
from limner.tags.run import run
from limner.tags.text import read
from limner.workspace.catalog import WorkspaceCatalog

RETAIL = Path(limner.templates.__file__).parent / "retail"
EVENTS_EACH = 20
STANDING_IN = {
    "p_1": ("product", "brand", "topic", "query", "source"),
    "p_2": ("store", "utm_source", "coupon"),
}
NUMBERS = ("quantity", "rating")
MONEY = ("discount", "price")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=1_000_000)
    options.add_argument("--tags", type=int, default=100)
    options.add_argument("--days", type=int, default=4)
    options.add_argument("--memory", default="2.5GB")
    options.add_argument("--growth", action="store_true")
    options.add_argument("--thousand", action="store_true")
    options.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.folder is not None:
        if given.fill:
            _fill(given.folder, people=given.people)
        else:
            _refresh(given.folder, people=given.people, tags=given.tags, days=given.days, memory=given.memory)
        return
    sizes = (100_000, 300_000, 1_000_000) if given.growth else (given.people,)
    for people in sizes:
        many = (10, 100) if given.growth else (given.tags,)
        if given.thousand and people == 1_000_000:
            many = (*many, 1_000)
        base = Path(tempfile.mkdtemp(prefix="limner-bench-"))
        try:
            _child(base, "--fill", "--people", str(people))
            for tags in many:
                folder = base / str(tags)
                folder.mkdir()
                shutil.copy(base / "engine.duckdb", folder / "engine.duckdb")
                asked = ("--people", str(people), "--tags", str(tags), "--days", str(given.days))
                _told(json.loads(_child(folder, *asked, "--memory", given.memory)))
                shutil.rmtree(folder)
        finally:
            shutil.rmtree(base)


def _child(folder: Path, *arguments: str) -> str:
    """What another process says, in its last line, that does this."""
    command = [sys.executable, "-m", "benchmarks.daily_refresh", "--in", str(folder), *arguments]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return lines[-1] if lines else ""


def _fill(folder: Path, *, people: int) -> None:
    """The events and attributes of everybody."""
    engine, _, _ = shop(folder, people=people, events=EVENTS_EACH * people)
    with engine.write() as tx:
        names = list(YAML(typ="safe").load(RETAIL / "template.yml")["events"])
        for code, name in enumerate([name for name in names if name not in NAMES], len(NAMES)):
            tx.execute("INSERT INTO names VALUES ($code, $name)", {"code": code, "name": name})
        columns = [(name, "text", col) for col, several in STANDING_IN.items() for name in several]
        for n, name in enumerate((*NUMBERS, *MONEY), 3):
            kind, sql = ("number", "DOUBLE") if name in NUMBERS else ("money", "BIGINT")
            tx.execute(f"ALTER TABLE events ADD COLUMN p_{n} {sql}")
            columns.append((name, kind, f"p_{n}"))
        for name, kind, col in columns:
            tx.execute(
                "INSERT INTO properties (name, type, col) VALUES ($name, $type, $col)",
                {"name": name, "type": kind, "col": col},
            )
        for n, (name, value) in enumerate(
            (
                (
                    "birthday",
                    "to_json(strftime(DATE '1950-01-01' + (ix::BIGINT * 7919 % 20000)::INTEGER, '%Y-%m-%d'))",
                ),
                ("city", "to_json('city ' || (ix % 40))"),
                ("gender", "to_json(CASE ix % 3 WHEN 0 THEN 'f' WHEN 1 THEN 'm' ELSE 'x' END)"),
            )
        ):
            tx.execute(
                "INSERT INTO attributes (id, ix, name, ts, received_at, source_i, mode, kind, value)"
                f" SELECT ({10**15 + n * 10**9} + ix)::HUGEINT, ix, '{name}', TIMESTAMP '2026-01-01',"
                f" TIMESTAMP '2026-01-01', 1, 'set', 'declared', {value} FROM persons"
            )
    engine.close()


def definitions(catalog: WorkspaceCatalog, *, many: int) -> Mapping[str, Tag]:
    """So many tags that the events can answer."""
    statistics = {
        key: f"nature: fact\nmethod: statistic\ntype: {kind}\nstatistic: '{ours}'\nvalidity: 2 days\n"
        for key, (kind, ours, _) in TAGS.items()
    }
    texts: dict[str, str] = {}
    if many > 10:
        texts = {file.stem: file.read_text(encoding="utf-8") for file in sorted(RETAIL.glob("tags/*.yml"))}
        texts = _possible(texts, catalog)
    texts |= {f"more_{key}": text for key, text in statistics.items()}
    for days in range(1, 400):
        for number, name in enumerate(NAMES):
            asked = f'count("{name}" in last {days} days)', f'sum(amount of "{name}" in last {days} days)'
            for kind, text in zip(("number", "money"), asked, strict=True):
                texts[f"{kind}_{number}_{days}"] = statistics["events"].replace("count(*)", text).replace(
                    "type: number", f"type: {kind}"
                )  # fmt: skip
    return {key: read(texts[key], key) for key in list(texts)[:many]}


def _possible(texts: Mapping[str, str], catalog: WorkspaceCatalog) -> dict[str, str]:
    """Those that are right in this workspace, and so is everything that they refer to."""
    tags = {key: tag for key, text in texts.items() if _readable(tag := read(text, key))}
    while True:
        wrong = set()
        graph = build(tags, catalog.audience)
        for key, tag in tags.items():
            try:
                check(tag, graph, catalog=Fresh(catalog, tags), as_of=AS_OF)
            except DefinitionError:
                wrong.add(key)
        if not wrong:
            return {key: texts[key] for key in graph.order}
        tags = {
            key: tag for key, tag in tags.items() if not graph.dependents([key]) & wrong and key not in wrong
        }
        tags = {key: tag for key, tag in tags.items() if not graph.closure([key]) & wrong}


def _readable(tag: Tag) -> bool:
    """Whether it asks of no kind of objects: there are none here."""
    try:
        expressions(tag)
    except DefinitionError:
        return False
    return True


def _refresh(folder: Path, *, people: int, tags: int, days: int, memory: str) -> None:
    """The first day, which computes everything, and those after it; prints what each took as JSON."""
    engine = DuckDB(folder / "engine.duckdb", memory=memory)
    catalog = WorkspaceCatalog(
        engine, zone="UTC", sources={}, tags={}, audiences={}, attributes=("birthday", "city", "gender")
    )
    chosen = definitions(catalog, many=tags)
    methods = sorted({str(tag.method) for tag in chosen.values()})
    taken = []
    for day in range(days + 1):
        if day:
            another_day(engine, day, people=people, events=EVENTS_EACH * people // 100)
        began, used = time.perf_counter(), time.process_time()
        report = run(
            engine,
            chosen,
            catalog=catalog,
            as_of=AS_OF + timedelta(days=day),
            run_id=f"day {day}",
            columns_dir=folder / "columns",
        )
        taken.append((time.perf_counter() - began, time.process_time() - used))
        phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in report.seconds.items())
        print(f"day {day}: {taken[-1][0]:.1f} s ({phases})", file=sys.stderr, flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024
    engine.close()
    disk = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1024**3
    print(
        json.dumps(
            {
                "people": people, "tags": len(chosen), "methods": methods, "days": taken, "peak": peak,
                "memory": memory, "disk": disk,
            }
        )
    )  # fmt: skip


def _told(found: Mapping[str, object]) -> None:
    days = found["days"]
    assert isinstance(days, list)
    later = ", ".join(f"{wall:.1f} ({cpu:.1f})" for wall, cpu in days[1:])
    print(
        f"{found['people']:>9,} people, {found['tags']:>5} tags ({', '.join(found['methods'])}):"  # type: ignore[arg-type]
        f" first {days[0][0]:.1f} s ({days[0][1]:.1f} of the processor), then {later};"
        f" peak {found['peak']:.2f} GiB (engine {found['memory']}), disk {found['disk']:.1f} GiB",
        flush=True,
    )


if __name__ == "__main__":
    main()
