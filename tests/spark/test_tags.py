"""On a real cluster (a master and two workers) every kind of definition has the values that it has on one machine."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from limner.engine.duckdb import DuckDB
from limner.expressions import scan
from limner.tags.run import run
from limner.types import ValueType
from tests.builders import Names, erase, merge, observed, rule, statistic, tags
from tests.tags import histories
from tests.tags.histories import AT, AUDIENCES, definitions

PEOPLE = 40
DAY = timedelta(days=1)


class Undo(Exception):
    """Takes back what a run published."""


def computed(
    made: DuckDB, texts: Mapping[str, str], folder: Path, *, as_of: datetime, zone: str, **how: Any
) -> dict[str, list[Any]]:
    """The values by person of every tag; nothing is kept of the run."""
    found = tags(texts)
    kept: dict[str, list[Any]] = {}
    try:
        with made.write():
            report = run(
                made,
                found,
                catalog=Names(made, found, AUDIENCES, zone),
                as_of=as_of,
                run_id="compared",
                columns_dir=folder,
                full=True,
                **how,
            )
            for key in found:
                kept[key] = [report.columns[key].label_at(ix) for ix in range(report.columns.n)]
            raise Undo
    except Undo:
        return kept


def differing(
    one: Mapping[str, list[Any]], other: Mapping[str, list[Any]], floats: Collection[str]
) -> list[str]:
    """The tags with other values: bit by bit, floats within 1e-12 of each other."""

    def same(key: str, a: Any, b: Any) -> bool:
        if key in floats and isinstance(a, float) and isinstance(b, float):
            return math.isclose(a, b, rel_tol=1e-12)
        return a == b and type(a) is type(b)

    return [
        f"{key}: person {ix} has {a!r} on one machine, {b!r} on the cluster"
        for key in one
        for ix, (a, b) in enumerate(zip(one[key], other[key], strict=True))
        if not same(key, a, b)
    ]


def history(seed: int, *, events: int, attributes: int) -> tuple[DuckDB, random.Random]:
    draw = random.Random(seed)
    made = histories.engine(PEOPLE)
    since, until = AT - 60 * DAY, AT + 5 * DAY
    with made.write() as tx:
        tx.execute("INSERT INTO log_position VALUES (0, 0, 1)")
        tx.insert("events", histories.events(draw, PEOPLE, since, until, events, load_i=1))
        tx.insert("attributes", histories.attributes(draw, PEOPLE, since, until, attributes, load_i=1))
    return made, draw


@pytest.mark.proves("C13", partly="a cluster gives equal values; its size is not tried")
@pytest.mark.parametrize(("seed", "zone", "most"), [(1, "Europe/Berlin", None), (2, "Asia/Shanghai", 80)])
def test_every_kind_of_definition_has_equal_values(
    seed: int, zone: str, most: int | None, spark: Any, tmp_path: Path
) -> None:
    from limner.tags.cluster import OnSpark

    made, _ = history(seed, events=1_200, attributes=500)
    texts = definitions(seed, most=most)
    floats = [key for key, tag in tags(texts).items() if tag.type is ValueType.NUMBER]
    here = computed(made, texts, tmp_path / "here", as_of=AT, zone=zone)
    there = computed(
        made, texts, tmp_path / "there", as_of=AT, zone=zone, computing=OnSpark(spark, tmp_path / "shared")
    )
    assert differing(here, there, floats) == []
    told = [key for key, values in here.items() if any(value not in (None, False) for value in values)]
    assert len(told) >= 0.7 * len(texts), "so many must say something, or nothing was compared"


def test_properties_with_many_values_have_equal_values(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More values than are numbered, or than have a bit: the answers come in other ways, and are the same."""
    from limner.tags.cluster import OnSpark

    made, _ = history(5, events=400, attributes=5)
    kinds = {"amount": "money", "code": "text", "gift": "flag"}
    texts = {
        f"{function}_{name}_{place}": statistic(
            f"{function}({name} of *{where})", "number" if function == "distinct" else kind
        )
        for function in ("first", "last", "most_frequent", "distinct")
        for name, kind in kinds.items()
        for place, where in enumerate(("", " where time in last 9 days"))
    }
    plain = computed(made, texts, tmp_path / "plain", as_of=AT, zone="UTC")
    monkeypatch.setattr(scan, "MOST_NUMBERED", 10)  # code has more, amount has eight
    monkeypatch.setattr(scan, "MOST_BITS", 3)
    here = computed(made, texts, tmp_path / "here", as_of=AT, zone="UTC")
    there = computed(
        made, texts, tmp_path / "there", as_of=AT, zone="UTC", computing=OnSpark(spark, tmp_path / "shared")
    )
    assert differing(plain, here, []) == []
    assert differing(here, there, []) == []


WORDS = {
    **{
        f"{word}_{by}_{place}": (f"{word}({event} by {by}{more})", "number")
        for word in ("streak", "current_streak")
        for by in ("day", "week", "month", "year")
        for place, (event, more) in enumerate((("*", ""), ('"Order Paid"', " in last 20 days")))
    },
    "old": ("age(person.birthday)", "number"),
    "since": ("age(person.joined)", "number"),
    "birthday": ("anniversary(person.birthday)", "instant"),
    "leap": ("anniversary(person.leap)", "instant"),
    "chance": ("logistic(-0.5, streak_day_0 * 0.07, streak_week_0 * -0.31)", "number"),
}


def test_streaks_dates_ranks_and_chances_have_equal_values(spark: Any, tmp_path: Path) -> None:
    """Days and dates in a zone whose clock skips midnight once a year; values at borders of days among them."""
    from limner.tags.cluster import OnSpark

    made, draw = history(9, events=900, attributes=5)
    with made.write() as tx:
        for ix in range(PEOPLE):
            for name, said in (
                ("birthday", f"{draw.randint(1930, 2026)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"),
                ("joined", (AT - draw.randint(0, 4_000) * DAY / 3).isoformat()),
                ("leap", draw.choice(["2000-02-29", "no date", "1999-03-28", "2031-01-01", ""])),
            ):
                tx.execute(
                    "INSERT INTO attributes (id, ix, name, ts, received_at, mode, kind, value, load_i)"
                    " VALUES ($id, $ix, $name, $ts, $ts, 'set', 'declared', $value, 1)",
                    {
                        "id": 10_000_000 + len(WORDS) * ix + len(name), "ix": ix, "name": name,
                        "ts": (AT - 50 * DAY).replace(tzinfo=None), "value": json.dumps(said),
                    },
                )  # fmt: skip
    texts = {key: statistic(*word) for key, word in WORDS.items()}
    texts["likes"] = rule(
        {"true": "top(2, code of *) includes 'a' or top(3, code of *) includes 'b'"}, kind="flag"
    )
    for zone in ("Asia/Beirut", "America/New_York"):
        here = computed(made, texts, tmp_path / f"here{zone[:2]}", as_of=AT, zone=zone)
        there = computed(
            made,
            texts,
            tmp_path / f"there{zone[:2]}",
            as_of=AT,
            zone=zone,
            computing=OnSpark(spark, tmp_path / f"shared{zone[:2]}"),
        )
        assert differing(here, there, ["chance"]) == []
        assert all(any(value not in (None, 0) for value in here[key]) for key in WORDS), "each says something"


SOME = {
    "count": statistic("count(* in last 30 days)"),
    "paid": statistic("sum(amount of *)", "money"),
    "often": statistic("most_frequent(category of *)", "text"),
    "last": statistic("last(code of * in this month)", "text"),
    "city": observed("city"),
    "order": rule({"yes": """'did "Order Paid" then "$page" without "Message Opened"'"""}, "no"),
    "held": rule({"yes": "\"person.city = 'x' for at least 1 day\""}),
}


def test_what_came_since_is_shared_and_the_rest_stays(spark: Any, tmp_path: Path) -> None:
    """Late events, merged people, an erased one: every time equal, and files once written stay as they are."""
    from limner.tags.cluster import OnSpark

    made, draw = history(3, events=300, attributes=100)
    cluster = OnSpark(spark, tmp_path / "shared")
    files: dict[str, int] = {}
    for step in range(3):
        as_of = AT + step * DAY
        if step:
            with made.write() as tx:
                tx.execute("UPDATE log_position SET load_i = load_i + 1")
                since = as_of - 40 * DAY
                load_i = tx.read("SELECT load_i FROM log_position").column(0)[0].as_py()
                tx.insert("events", histories.events(draw, PEOPLE, since, as_of, 40, load_i=load_i))
                tx.insert("attributes", histories.attributes(draw, PEOPLE, since, as_of, 20, load_i=load_i))
            merge(made, step * 2, into=step * 2 + 1)
            erase(made, 10 + step)
        here = computed(made, SOME, tmp_path / "here", as_of=as_of, zone="America/New_York")
        found = tags(SOME)
        report = run(
            made,
            found,
            catalog=Names(made, found, AUDIENCES, "America/New_York"),
            as_of=as_of,
            run_id=f"run-{step}",
            columns_dir=tmp_path / "there",
            computing=cluster,
        )
        there = {key: [report.columns[key].label_at(ix) for ix in range(report.columns.n)] for key in found}
        assert differing(here, there, []) == []
        now = {path.name: path.stat().st_mtime_ns for path in cluster.tables.glob("*.parquet")}
        assert files.items() <= now.items(), "a file that was written is never written again"
        assert len(now) == 2 * (step + 1)
        files = now
    later = run(
        made,
        found,
        catalog=Names(made, found, AUDIENCES, "America/New_York"),
        as_of=AT + 3 * DAY,
        run_id="later",
        columns_dir=tmp_path / "there",
    )
    assert later.carried is not None, "one machine goes on from where the cluster ended"
    anew = computed(made, SOME, tmp_path / "here", as_of=AT + 3 * DAY, zone="America/New_York")
    carried = {key: [later.columns[key].label_at(ix) for ix in range(later.columns.n)] for key in found}
    assert differing(anew, carried, []) == []
    assert not (cluster.folder / "runs").exists(), "what belongs to a run goes with it"


def test_a_folder_that_lost_its_files_is_filled_again(spark: Any, tmp_path: Path) -> None:
    from limner.tags.cluster import OnSpark

    made, _ = history(4, events=60, attributes=10)
    cluster = OnSpark(spark, tmp_path / "shared")
    found = tags({"count": SOME["count"]})
    seen = []
    for step in range(2):
        report = run(
            made, found, catalog=Names(made, found), as_of=AT, run_id=f"run-{step}", columns_dir=tmp_path / "c",
            computing=cluster,
        )  # fmt: skip
        seen.append([report.columns["count"].label_at(ix) for ix in range(PEOPLE)])
        if step == 0:
            for path in cluster.tables.glob("*.parquet"):
                path.unlink()
    assert seen[0] == seen[1]
    assert sum(value or 0 for value in seen[0]) > 0
