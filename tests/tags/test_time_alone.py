"""Nobody does anything any more, and steps go on: every value is the one of that instant, and few are looked at."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limner.tags import realtime
from limner.tags.graph import build
from limner.tags.run import run
from tests.builders import AS_OF, NAMES, Names, add_people, events, rule, statistic, tags
from tests.tags.speeds import EXPIRES, world

PEOPLE = 40
AUDIENCES = {
    "active": 'did "Order Paid" at least 2 times in last 9 days',
    "resting": 'recency("Order *") >= 4 and not in audience active',
    "habit": "current_streak(* by day) >= 1",
}
STATISTICS = {
    "recency('Order Paid' where time in last 9 days)": "number",
    "count('Product Viewed' in last 5 days where time in last 8 days)": "number",
    "max(category of 'Product Viewed' in last 5 days)": "text",
    "count('Product Viewed' in last 3 days) * 10 + plain": "number",
    "recency('Product Viewed' in last 12 days) * 10 + plain": "number",
    "current_streak(* by week) + plain": "number",
    "usual_hour('Product Viewed' in last 9 days where time in last 7 days)": "number",
    "demand(category of 'Product Viewed' * 5 half life 1 day in last 9 days until 'Order Refunded')": "text",
    "interest(category of * * 1 where time in last 9 days half life 5 hours)": "text",
}
CONDITIONS = (
    "in audience active",
    "in audience resting",
    "not in audience habit",
    "did 'Order *' where expires in next 3 days",
    "did 'Product Viewed' in last 12 days where expires in last 30 hours",
    "max(expires of 'Product Viewed') in next 50 hours",
    "last 'Product Viewed' has time in last 4 days",
    "last 'Product Viewed' in last 6 days has expires in last 4 days",
    "last(gift of 'Product Viewed' in last 6 days)",
    "anniversary(first_time('Order Paid' in last 20 days)) in next 359 days",
    "anniversary(last_time('Order Paid' in last 20 days)) in next 359 days",
    "age(first_time('$page' in last 380 days)) >= 1",
    "did * since last ('$page' where time in last 100 hours)",
    "current_streak(* by day where time in last 9 days) >= 1",
    "first did 'Product Viewed' in last 400 days where time in last 6 days",
    "did 'Product Viewed' then 'Order Paid' where time in last 5 days",
    "did 'Product Viewed' in at least 2 of the last 4 periods of 3 days",
    "weight(wanted, 'cup') >= 0.15",
    "weight(wanted, 'cup') > weight(liked, 'pot')",
    "weight(liked, 'pot') * 100 > 0.1",
)


@pytest.mark.proves("B1")
@pytest.mark.proves("G11")
def test_what_falls_by_time_alone_falls_in_the_step_that_passes_it(tmp_path: Path) -> None:
    draw, made = random.Random(5), world(PEOPLE)
    add_people(made, 20)  # who never did anything
    happened = []
    for ix in range(PEOPLE):
        for _ in range(draw.randint(1, 9)):
            at = AS_OF - timedelta(hours=draw.randrange(20 * 24), minutes=draw.randrange(60), microseconds=7)
            said: dict[str, Any] = {
                "category": draw.choice(("cup", "pot", "茶")),
                "gift": draw.random() < 0.5,
            }
            happened.append((ix, draw.choice(NAMES[:4]), at, said))
        happened.append((ix, "$page", AS_OF - timedelta(hours=364 * 24 + ix * 13), {}))
    events(made, happened)
    with made.write() as tx:
        tx.execute(f"UPDATE events SET {EXPIRES} = ts + to_hours(CAST(epoch(ts) AS BIGINT) % 400)")
    texts = {"plain": statistic('count("Order Paid")', validity="90 days")}
    for number, (text, kind) in enumerate(STATISTICS.items()):
        key = {"demand": "wanted", "interest": "liked"}.get(text.split("(")[0], f"value_{number}")
        texts[key] = statistic(_text(text), kind, "90 days")
    for number, text in enumerate(CONDITIONS):
        texts[f"flag_{number}"] = rule({"true": _text(text)}, kind="flag", validity="90 days")
    found = tags(texts)

    def catalog() -> Names:
        return Names(made, found, AUDIENCES, zone="Asia/Shanghai")

    def ran(at: Any, name: str) -> Any:
        return run(made, found, catalog=catalog(), as_of=at, run_id=name, columns_dir=tmp_path, full=True)

    at = AS_OF + timedelta(seconds=3)
    columns = ran(at, "first").columns
    graph = build(found, catalog().audience)
    differ: dict[str, int] = {}
    people, standing = 0, None
    for number, passed in enumerate(
        (0, 1, 20_000, 40_000, 3 * 86_400, 9_000, 86_400, 6 * 86_400, 7 * 86_400)
    ):
        at += timedelta(seconds=passed)
        before = {key: columns[key].take(np.arange(columns.n)) for key in found}
        report = realtime.step(
            made, graph, catalog=catalog(), as_of=at, run_id=f"s{number}", columns=columns, standing=standing
        )
        assert report is not None
        assert report.waiting == ()
        columns, standing, people = report.columns, report.standing, people + report.people
        now = {key: columns[key].take(np.arange(columns.n)) for key in found}
        assert now == _anew(made, ran, at), f"step {number}"
        for key in found:
            differ[key] = differ.get(key, 0) + (now[key] != before[key])
    assert differ.pop("plain") == 0
    assert [key for key, times in differ.items() if not times] == []
    assert people < 9 * PEOPLE * 3 / 4


def _text(asked: str) -> str:
    """The expression as a tag's file says it: events in double quotes."""
    return json.dumps(asked if "weight(" in asked else asked.replace("'", '"'), ensure_ascii=False)


def _anew(made: Any, ran: Any, at: Any) -> dict[str, Any]:
    """Every value computed anew, without leaving a trace in the engine."""

    class Undo(Exception):
        pass

    kept: dict[str, Any] = {}
    try:
        with made.write():
            columns = ran(at, "anew").columns
            kept = {key: columns[key].take(np.arange(columns.n)) for key in columns.keys()}  # noqa: SIM118 - no mapping
            raise Undo
    except Undo:
        return kept
