"""Carrying on gives what computing anew gives, bit by bit: random definitions over random histories."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limner.engine.duckdb import DuckDB
from limner.expressions import scan
from limner.tags import homes, publish, realtime
from limner.tags.graph import build
from limner.tags.run import RunReport, run
from limner.tags.standing import Standing
from limner.tags.standing import read as read_standing
from tests.builders import (
    AS_OF,
    DAY,
    NAMES,
    Names,
    add_people,
    engine,
    erase,
    events,
    merge,
    rule,
    statistic,
    tags,
)

PAID_QUOTED = '"Order Paid"'
PEOPLE = 12
FUNCTIONS = (
    ("count({event}{window}{where})", "number"),
    ("recency({event}{window}{where})", "number"),
    ("first_time({event}{window}{where})", "instant"),
    ("last_time({event}{window}{where})", "instant"),
    ("sum(amount of {event}{window}{where})", "money"),
    ("avg(amount of {event}{window}{where})", "money"),
    ("sum(quantity of {event}{window}{where})", "number"),
    ("avg(quantity of {event}{window}{where})", "number"),
    ("min(amount of {event}{window}{where})", "money"),
    ("max(quantity of {event}{window}{where})", "number"),
    ("max(category of {event}{window}{where})", "text"),
    ("distinct(category of {event}{window}{where})", "number"),
    ("first(category of {event}{window}{where})", "text"),
    ("last(amount of {event}{window}{where})", "money"),
    ("most_frequent(category of {event}{window}{where})", "text"),
    ("most_frequent(category of {event}{window}{where}, 2)", "text"),
    ("streak({event} by day{window}{where})", "number"),
    ("streak({event} by week{window}{where})", "number"),
    ("current_streak({event} by day{window}{where})", "number"),
    ("current_streak({event} by month{where})", "number"),
    ("usual_hour({event}{window}{where})", "number"),
    ("usual_weekday({event} at least 3 times{window}{where})", "number"),
    ("gap({event}{window}{where})", "number"),
    ("share({event}{window} where category = 'cup')", "number"),
    ('delay({event}{window}{where} to "Order Refunded")', "number"),
    ("count({event} since last {bound}{where})", "number"),
    ("count({event} before first {bound}{where})", "number"),
    ("sum(amount of {event} since first {bound}{where})", "money"),
    ("recency({event} since last {bound}{where})", "number"),
    ("most_frequent(category of {event} before last {bound}{where})", "text"),
    ("count({event}{window}{where}) / count(*)", "number"),
    ("sum(amount of {event}{window}{where}) / count({event}{window}{where}) + 0.5", "money"),
    ("recency({event}{window}) * 2 - streak({event} by day{window})", "number"),
    (
        "(count({event} since last {bound}) + 1) * (recency(*) - distinct(category of {event}{window}))",
        "number",
    ),
)
BOUNDS = ('"Order Refunded"', '("Order Paid" where amount >= 20)', '"Product Viewed"')
WINDOWS = (
    "", "", " in last 1 day", " in last 7 days", " in last 36 hours", " in last 30 days", " in last 2 calendar weeks",
    " in this month", " since 2025-05-20", " before 2025-05-28", " from 2025-05-10 to 2025-06-04",
    " between 20 days and 3 days ago", " more than 9 days ago",
)  # fmt: skip
WHERES = (
    "", "", "", " where amount >= 20", " where category in ('茶', 'cup')", " where (hour < 12 or gift)",
    " where time in last 6 days", " where not known(quantity)",
)  # fmt: skip


def definitions(draw: random.Random) -> dict[str, str]:
    """A handful of statistics."""
    found = {}
    for number in range(draw.randint(2, 7)):
        asked, kind = aggregate(draw)
        found[f"tag_{number}"] = statistic(asked, kind)
    for number in range(draw.randint(0, 3)):
        joined = draw.choice((" and ", " or ")).join(condition(draw) for _ in range(draw.randint(1, 3)))
        found[f"rule_{number}"] = rule({"yes": json.dumps(joined, ensure_ascii=False)}, "no")
    return found


def edited(draw: random.Random, texts: dict[str, str]) -> dict[str, str]:
    """Some definitions gone, some changed, some new."""
    kept = {key: text for key, text in texts.items() if draw.random() < 0.8}
    return {**kept, **{key: text for key, text in definitions(draw).items() if draw.random() < 0.5}} or texts


def aggregate(draw: random.Random) -> tuple[str, str]:
    """A value of a person's events, and its type."""
    text, kind = draw.choice(FUNCTIONS)
    event = draw.choice(('"Order Paid"', '"Product Viewed"', '"Order *"', "*"))
    window, where, bound = draw.choice(WINDOWS), draw.choice(WHERES), draw.choice(BOUNDS)
    return text.format(event=event, window=window, where=where, bound=bound), kind


def condition(draw: random.Random) -> str:
    """A condition about what a person did."""
    event = draw.choice(('"Order Paid"', '"Product Viewed"', "*"))
    window, where = draw.choice(WINDOWS), draw.choice(WHERES)
    times = draw.choice(
        ("", " at least 2 times", " exactly 1 times", " fewer than 3 times", " more than 1 times")
    )
    number = draw.choice((0, 1, 2, 20))
    return draw.choice(
        (
            f"did {event}{times}{window}{where}",
            f"not did {event}{times}{window}{where}",
            f"first did {event} in last 9 days{where}",
            f"last {event}{window} has amount >= 20",
            f"did {event} then {PAID_QUOTED} within 5 days",
            f"did {event} in at least 2 of the last 4 periods of 3 days",
            f"sum(amount of {event}{window}{where}) >= {number}",
            f"known(last_time({event}{window}{where}))",
            f"recency({event}{window}{where}) < {number}",
            f"count({event}{window}{where}) / count(*) >= 0.5",
            f"did {event}{times} since last {draw.choice(BOUNDS)}",
            f"top(2, category of {event}{window}{where}) includes '茶'",
            f"current_streak({event} by day{window}{where}) > {number}",
            f"gap({event}{window}) * {number} < 9 and usual_hour(*) < 12",
        )
    )


def history(draw: random.Random, since: datetime, until: datetime, n: int) -> Iterator[tuple[Any, ...]]:
    """Events between two instants; some of them at whole days, some at the same instant."""
    seconds = int((until - since).total_seconds())
    for _ in range(n):
        at = since + timedelta(seconds=draw.randrange(seconds))
        if draw.random() < 0.3:
            at = at.replace(hour=0, minute=0, second=0)
        said: dict[str, Any] = {}
        if draw.random() < 0.8:
            said["amount"] = draw.choice((5, 20, 20.01, 80))
        if draw.random() < 0.8:
            said["category"] = draw.choice(("茶", "cup", "pot", "A"))
        if draw.random() < 0.5:
            said["quantity"] = draw.choice((0.1, 0.2, 1 / 3, 7.0))
        if draw.random() < 0.3:
            said["gift"] = draw.random() < 0.5
        yield draw.randrange(PEOPLE), draw.choice(NAMES), at, said


def values(report: RunReport) -> dict[str, list[Any]]:
    n = report.columns.n
    return {
        key: [(value, type(value)) for value in (report.columns[key].label_at(ix) for ix in range(n))]
        for key in report.columns.keys()  # noqa: SIM118 - not a mapping
    }


def compared(seed: int, folder: Path) -> int:
    """Runs day after day both ways; the answer is how many of the runs were carried on."""
    draw = random.Random(seed)
    made = engine(people=PEOPLE)
    texts = definitions(draw)
    found = tags(texts)
    as_of = AS_OF
    events(made, history(draw, as_of - 40 * DAY, as_of + 2 * DAY, draw.randint(20, 120)))
    carried = 0
    for step in range(draw.randint(2, 4)):
        report = ran(made, found, as_of, folder / "carried", f"c{step}")
        anew = fresh(made, found, as_of, folder / "anew", f"f{step}")
        assert values(report) == anew, f"seed {seed}, step {step}, carried {report.carried}"
        same_as_read_anew(made, report, f"seed {seed}, step {step}")
        carried += report.carried is not None
        if draw.random() < 0.4:
            texts = edited(draw, texts)
            found = tags(texts)
        before = as_of
        as_of += draw.choice((timedelta(0), timedelta(hours=5), DAY, DAY, 8 * DAY, 33 * DAY))
        for _ in range(draw.randint(0, 2)):  # on time, late, and ahead of time
            first = draw.choice((before - 35 * DAY, before, as_of - DAY))
            events(made, history(draw, first, as_of + DAY, draw.randint(1, 25)))
        if draw.random() < 0.3:
            living = (
                made.read("SELECT ix FROM persons WHERE merged_into IS NULL AND NOT erased")
                .column(0)
                .to_pylist()
            )
            away, into = draw.sample(living, 2)
            merge(made, away, into=into)
        if draw.random() < 0.1:
            erase(made, draw.randrange(PEOPLE))
    return carried


def same_as_read_anew(made: DuckDB, report: RunReport, where: str) -> None:
    """The columns, patched or not, have the bits of those that are read out of the tables for everybody."""
    n = report.columns.n
    for key, read in publish.from_tables(made, publish.applied(made), n).items():
        held = report.columns[key]
        for name in ("codes", "labels", "values", "mask"):
            mine, theirs = getattr(held, name), getattr(read, name)
            assert (mine is None) is (theirs is None), f"{where}, {key}"
            if isinstance(theirs, np.ndarray):
                assert mine.dtype == theirs.dtype, f"{where}, {key}"
                assert mine.tolist() == theirs.tolist(), f"{where}, {key}"
            else:
                assert mine == theirs, f"{where}, {key}"


def stepped(seed: int, folder: Path) -> tuple[int, int]:
    """Steps through a history in small batches, beside computing anew; the answer is steps, and people looked at."""
    draw = random.Random(seed)
    made = engine(people=PEOPLE)
    found = tags(definitions(draw))
    as_of = AS_OF
    events(made, history(draw, as_of - 40 * DAY, as_of + DAY, draw.randint(20, 60)))
    columns = ran(made, found, as_of, folder / "live", "base").columns
    graph = build(found, Names(made, found).audience)
    steps = people = 0
    standing = None
    for number in range(draw.randint(3, 6)):
        for _ in range(draw.randint(0, 2)):
            first = draw.choice((as_of - 9 * DAY, as_of - timedelta(hours=1)))
            events(made, history(draw, first, as_of + timedelta(hours=6), draw.randint(1, 4)))
        if draw.random() < 0.2:
            alive = (
                made.read("SELECT ix FROM persons WHERE merged_into IS NULL AND NOT erased")
                .column("ix")
                .to_pylist()
            )
            away, into = draw.sample(alive, 2)
            merge(made, away, into=into)
        as_of += draw.choice((timedelta(0), timedelta(seconds=1), timedelta(hours=5), DAY))
        report = realtime.step(
            made,
            graph,
            catalog=Names(made, found),
            as_of=as_of,
            run_id=f"s{number}",
            columns=columns,
            standing=standing,
        )
        if report is None:
            columns = ran(made, found, as_of, folder / "live", f"r{number}").columns
            continue
        standing = report.standing
        assert in_memory(standing) == in_memory(read_standing(made, standing.mark, columns.n)), f"seed {seed}"
        steps, people, columns = steps + 1, people + report.people, report.columns
        anew = fresh(made, found, as_of, folder / "anew", f"f{number}")
        now = {
            key: [(value, type(value)) for value in (columns[key].label_at(ix) for ix in range(columns.n))]
            for key in columns.keys()  # noqa: SIM118 - not a mapping
            if key not in report.waiting
        }
        expected = {key: values for key, values in anew.items() if key not in report.waiting}
        assert now == expected, f"seed {seed}, step {number}"
        remade = publish.remade(made, folder / "remade", publish.current(made))  # type: ignore[arg-type]
        for key in columns.keys():  # noqa: SIM118 - not a mapping
            assert remade[key].take(np.arange(remade.n)) == columns[key].take(np.arange(columns.n)), (
                f"seed {seed}, {key}"
            )
    return steps, people


def in_memory(found: Standing) -> dict[str, Any]:
    """What a step leaves in memory: who has a row, and their values."""
    who = np.flatnonzero(found.there)
    held = {name: found.take(name, who, None) for name in found.columns}
    return {
        "who": who.tolist(),
        "lately": {view: np.flatnonzero(some & found.there).tolist() for view, some in found.lately.items()},
        **{name: (one.known.tolist(), one.values[one.known].tolist()) for name, one in held.items()},
    }


def ran(made: DuckDB, found: Any, as_of: datetime, folder: Path, run_id: str) -> RunReport:
    return run(made, found, catalog=Names(made, found), as_of=as_of, run_id=run_id, columns_dir=folder)


def fresh(made: DuckDB, found: Any, as_of: datetime, folder: Path, run_id: str) -> dict[str, list[Any]]:
    """The values computed anew, without leaving a trace in the engine."""

    class Undo(Exception):
        pass

    kept: dict[str, list[Any]] = {}
    try:
        with made.write():
            report = run(
                made,
                found,
                catalog=Names(made, found),
                as_of=as_of,
                run_id=run_id,
                columns_dir=folder,
                full=True,
            )
            assert report.carried is None
            kept = values(report)
            raise Undo
    except Undo:
        return kept


@pytest.mark.proves("P1")
@pytest.mark.parametrize("block", range(4))
def test_carrying_on_equals_computing_anew(tmp_path: Path, block: int) -> None:
    """A hundred and fifty random definitions over ten random histories of twelve people each, day after day."""
    carried = sum(compared(seed, tmp_path / str(seed)) for seed in range(block * 10, block * 10 + 10))
    assert carried >= 10


def test_steps_are_equal_where_nothing_of_the_home_fits_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("limner.tags.standing.MOST_BYTES", 0)
    assert stepped(41, tmp_path)[0] >= 2


def test_the_greatest_text_of_a_window_follows_when_it_leaves(tmp_path: Path) -> None:
    made = engine(people=2)
    for ix, ago, label in ((0, 164, "z"), (0, 24, "a"), (1, 24, "q")):
        events(made, [(ix, "Order Paid", AS_OF - timedelta(hours=ago), {"category": label})])
    found = tags({"last": statistic('max(category of "Order Paid" in last 7 days)', "text", "9 days")})
    columns = ran(made, found, AS_OF, tmp_path, "base").columns
    assert columns["last"].take(np.arange(2)) == ["z", "q"]
    report = realtime.step(
        made, build(found), catalog=Names(made, found), as_of=AS_OF + DAY, run_id="s", columns=columns
    )
    assert report is not None
    assert report.columns["last"].take(np.arange(2)) == ["a", "q"]


@pytest.mark.parametrize("block", range(3))
def test_steps_in_real_time_equal_computing_anew(tmp_path: Path, block: int) -> None:
    found = [stepped(seed, tmp_path / str(seed)) for seed in range(block * 8, block * 8 + 8)]
    assert sum(steps for steps, _ in found) >= 16
    assert sum(people for _, people in found) > 0


@pytest.mark.parametrize("most", [0, 2])
def test_it_is_equal_where_values_are_too_many_to_be_numbered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(scan, "MOST_NUMBERED", most)
    monkeypatch.setattr(scan, "MOST_BITS", 1)
    assert sum(compared(seed, tmp_path / str(seed)) for seed in range(100, 106)) >= 6


@pytest.mark.parametrize(("share", "shelves"), [(0, 8), (10, 8), (1 / 8, 1), (1 / 4, 2)])
def test_it_is_equal_whether_shelves_are_written_whole_or_in_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, shelves: int
) -> None:
    monkeypatch.setattr(homes, "SCATTERED", share)
    monkeypatch.setattr(homes, "MOST_SHELVES", shelves)
    assert sum(compared(seed, tmp_path / str(seed)) for seed in range(200, 203)) >= 3


def shelf_of(made: DuckDB, key: str) -> homes.Shelf:
    (mark,) = homes.marks(made)
    (shelf,) = mark.shelves_of([publish.applied(made)[key].reading or ""])
    return shelf


LOOKED = {
    "orders": statistic('count("Order Paid" in last 7 days)'),
    "spent": statistic('sum(amount of "Order Paid")', "money"),
    "views": statistic('count("Product Viewed" in last 7 days)'),
}


def test_what_rests_on_other_events_is_not_written(tmp_path: Path) -> None:
    made = engine(people=40)
    events(made, [(ix, "Order Paid", AS_OF - DAY, {"amount": 5}) for ix in range(40)])
    ran(made, tags(LOOKED), AS_OF, tmp_path, "r1")
    orders, views = shelf_of(made, "orders"), shelf_of(made, "views")
    assert shelf_of(made, "spent") == orders != views
    events(made, [(7, "Product Viewed", AS_OF - DAY)])
    report = ran(made, tags(LOOKED), AS_OF, tmp_path, "r2")
    assert report.carried is not None
    assert values(report)["views"][7] == (1.0, float)
    assert made.read(f"SELECT ix FROM {orders.lately}").num_rows == 0
    assert made.read(f"SELECT ix FROM {views.lately}").column("ix").to_pylist() == [7]
    assert views.base != orders.base


def test_a_shelf_of_which_many_rows_were_written_is_written_whole(tmp_path: Path) -> None:
    made = engine(people=40)
    ran(made, tags(LOOKED), AS_OF, tmp_path, "r1")
    events(made, [(ix, "Order Paid", AS_OF - DAY) for ix in range(20)])
    report = ran(made, tags(LOOKED), AS_OF, tmp_path, "r2")
    orders = shelf_of(made, "orders")
    assert made.read(f"SELECT ix FROM {orders.lately}").num_rows == 0
    assert made.read(f"SELECT ix FROM {orders.base}").num_rows == 40
    assert [value for value, _ in values(report)["orders"]] == [1.0] * 20 + [0.0] * 20
    events(made, [(ix, "Product Viewed", AS_OF - DAY) for ix in range(20)])
    ran(made, tags(LOOKED), AS_OF, tmp_path, "r3")
    found = made.read("SELECT ix, value FROM tag_views ORDER BY ix").column("value").to_pylist()
    assert found == [1.0] * 20 + [0.0] * 20


def test_who_is_new_stands_on_every_shelf_and_who_is_gone_on_none(tmp_path: Path) -> None:
    made = engine(people=3)
    events(made, [(1, "Order Paid", AS_OF - DAY), (1, "Product Viewed", AS_OF - DAY)])
    ran(made, tags(LOOKED), AS_OF, tmp_path, "r1")
    add_people(made, 1)
    erase(made, 1)
    events(made, [(3, "Product Viewed", AS_OF - DAY)])
    report = ran(made, tags(LOOKED), AS_OF, tmp_path, "r2")
    assert report.carried is not None
    assert [value for value, _ in values(report)["orders"]] == [0.0, None, 0.0, 0.0]
    assert [value for value, _ in values(report)["views"]] == [0.0, None, 0.0, 1.0]


TEXTS = {
    "orders": statistic('count("Order Paid" in last 7 days)'),
    "last_category": statistic('last(category of "Order Paid")', "text"),
    "categories": statistic('distinct(category of "Order Paid")'),
}


def test_only_what_changed_is_computed_anew(tmp_path: Path) -> None:
    made = engine(people=3)
    events(made, [(0, "Order Paid", AS_OF - DAY, {"category": "tea"})])
    ran(made, tags(TEXTS), AS_OF, tmp_path, "r1")
    report = ran(
        made,
        tags({**TEXTS, "orders": statistic('count("Order Paid" in last 9 days)')}),
        AS_OF,
        tmp_path,
        "r2",
    )
    assert report.carried is not None
    assert (report.carried.held, report.carried.added) == (2, 1)
    assert [row.tag for row in report.tags if row.redefined] == ["orders"]
    assert report.columns["orders"].label_at(0) == 1


def test_a_value_that_comes_before_all_others_changes_nobody_elses(tmp_path: Path) -> None:
    made = engine(people=3)
    events(made, [(0, "Order Paid", AS_OF - DAY, {"category": "tea"})])
    texts = {"last_category": TEXTS["last_category"]}
    ran(made, tags(texts), AS_OF, tmp_path, "r1")
    events(made, [(1, "Order Paid", AS_OF + DAY, {"category": "anise"})])
    report = ran(made, tags(texts), AS_OF + 2 * DAY, tmp_path, "r2")
    assert report.carried is not None
    assert [report.columns["last_category"].label_at(ix) for ix in range(3)] == ["tea", "anise", None]


def test_more_new_values_than_bits_are_computed_anew(tmp_path: Path) -> None:
    made = engine(people=2)
    texts = {"categories": TEXTS["categories"]}
    events(made, [(0, "Order Paid", AS_OF - DAY, {"category": "tea"})])
    ran(made, tags(texts), AS_OF, tmp_path, "r1")
    events(made, [(0, "Order Paid", AS_OF + DAY, {"category": f"new {n}"}) for n in range(70)])
    report = ran(made, tags(texts), AS_OF + 2 * DAY, tmp_path, "r2")
    assert report.carried is None
    assert report.columns["categories"].label_at(0) == 71
    report = ran(made, tags(texts), AS_OF + 3 * DAY, tmp_path, "r3")
    assert report.carried is not None
    assert report.columns["categories"].label_at(0) == 71


@pytest.mark.parametrize("days", [5, 40])
def test_where_nearly_all_events_come_or_go_all_is_computed_anew(tmp_path: Path, days: int) -> None:
    made = engine(people=3)
    events(made, [(n % 3, "Order Paid", AS_OF - n * DAY + DAY / 2) for n in range(1, 60)])
    asked = tags({f"in_{n}": statistic(f'count("Order Paid" in last {n} days)') for n in range(1, days + 1)})
    ran(made, asked, AS_OF, tmp_path, "r1")
    report = ran(made, asked, AS_OF + DAY, tmp_path, "r2")
    assert (report.carried is None) is (days == 40)
    assert values(report) == fresh(made, asked, AS_OF + DAY, tmp_path, "r3")


def test_one_refresh_of_some_tags_leaves_the_others_at_their_instant(tmp_path: Path) -> None:
    made = engine(people=2)
    texts = {"orders": TEXTS["orders"], "recent": statistic('recency("Order Paid")')}
    events(made, [(0, "Order Paid", AS_OF - DAY, {})])
    ran(made, tags(texts), AS_OF, tmp_path, "r1")
    events(made, [(0, "Order Paid", AS_OF + DAY, {})])
    found = tags(texts)
    report = run(
        made,
        found,
        catalog=Names(made, found),
        as_of=AS_OF + 3 * DAY,
        run_id="r2",
        columns_dir=tmp_path,
        only=["orders"],
    )
    assert (report.columns["orders"].label_at(0), report.columns["recent"].label_at(0)) == (2, 1)
    assert made.read("SELECT value FROM tag_recent").column("value").to_pylist() == [1]
    report = ran(made, found, AS_OF + 3 * DAY, tmp_path, "r3")
    assert report.carried is not None
    assert (report.columns["orders"].label_at(0), report.columns["recent"].label_at(0)) == (2, 2)
