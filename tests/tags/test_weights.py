"""Weights of labels: by hand, in any order, carried on and in steps, and asked in conditions."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limner.columns import Columns
from limner.engine.duckdb import DuckDB
from limner.engine.seam import quoted
from limner.errors import DefinitionError, ExpressionError
from limner.expressions import check, interests
from limner.expressions.compile import people
from limner.expressions.parse import parse
from limner.portraits.person import portrait
from limner.portraits.why import why
from limner.tags import publish, realtime, weights
from limner.tags.check import check as check_tag
from limner.tags.graph import build
from limner.tags.history import values_at, weights_at
from limner.tags.run import RunReport, run
from tests.builders import AS_OF, DAY, NAMES, Names, engine, erase, events, merge, rule, statistic, tags

INTEREST = 'interest(category of "Product Viewed" * 1, "Order Paid" * 8 half life 14 days)'
DEMAND = 'demand(category of "Product Viewed" * 1, "$page" * 3 half life 3 days until "Order Paid")'
PEOPLE = 10


def ran(
    made: DuckDB, found: Any, as_of: datetime, folder: Path, *, full: bool = False, only: Any = None
) -> RunReport:
    name = f"r{as_of.isoformat()}"
    return run(
        made, found, catalog=Names(made, found), as_of=as_of, run_id=name, columns_dir=folder, full=full, only=only
    )  # fmt: skip


def held(made: DuckDB, key: str) -> dict[int, dict[str, float]]:
    """The weights of a computed tag: label → weight by person, in the order of their places."""
    rows = made.read(f"SELECT * FROM {quoted('weights_tag_' + key)} ORDER BY ix, place").to_pylist()
    found: dict[int, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row["ix"], {})[row["label"]] = row["weight"]
    return found


def test_the_share_of_a_step_is_the_same_in_the_engine() -> None:
    found = engine().read(
        "SELECT CAST(ROUND(POWER(2.0, i / 1024.0) * 16777216.0) AS BIGINT) AS n FROM range(1024) AS r(i) ORDER BY i"
    )
    assert found.column("n").to_pylist() == [interests.share(i) for i in range(1024)]
    # and it is the exact root: rounding by whole numbers alone gives the same
    for i in range(0, 1024, 37):
        n = interests.share(i)
        low, high = (2 * n - 1) ** 1024, (2 * n + 1) ** 1024
        assert low <= 2 ** (25 * 1024 + i) < high


def test_a_weight_is_the_points_that_are_left_over_them_and_ten(tmp_path: Path) -> None:
    """8 points 14 days ago are 4 now: 4 / (4 + 10). One view today: 1 / 11. Both by hand."""
    made = engine(people=4)
    tea = {"category": "tea"}
    events(
        made,
        [
            (0, "Order Paid", AS_OF - 14 * DAY, tea),
            (0, "Product Viewed", AS_OF - timedelta(seconds=1), {"category": "cup"}),
            (1, "Product Viewed", AS_OF - 28 * DAY, tea),
            (1, "Product Viewed", AS_OF - 28 * DAY, {"category": "cup"}),
            (2, "Order Paid", AS_OF, tea),
            (2, "Product Viewed", AS_OF - DAY),
            (3, "Order Paid", AS_OF - 700 * DAY, tea),
        ],
    )
    found = tags({"interest": statistic(INTEREST, "text")})
    report = ran(made, found, AS_OF, tmp_path)
    assert held(made, "interest") == {
        0: {"tea": pytest.approx(4 / 14, abs=1e-6), "cup": pytest.approx(1 / 11, abs=1e-4)},
        1: {"cup": pytest.approx(0.25 / 10.25, abs=1e-6), "tea": pytest.approx(0.25 / 10.25, abs=1e-6)},
    }
    assert [report.columns["interest"].label_at(ix) for ix in range(4)] == ["tea", "cup", None, None]


@pytest.mark.proves("X1")
def test_silence_lowers_an_interest_until_it_is_gone(tmp_path: Path) -> None:
    made = engine(people=1)
    events(made, [(0, "Order Paid", AS_OF - DAY, {"category": "tea"})])
    found = tags({"interest": statistic(INTEREST, "text", "2000 days")})
    seen = []
    for days in (0, 1, 14, 60, 200, 400):
        ran(made, found, AS_OF + days * DAY, tmp_path)
        seen.append(held(made, "interest").get(0, {}).get("tea", 0.0))
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == len(seen)
    assert seen[0] > 0.4
    assert seen[-1] == 0.0


@pytest.mark.proves("X2")
def test_a_demand_falls_when_the_same_label_is_bought(tmp_path: Path) -> None:
    made = engine(people=2)
    events(
        made,
        [
            (0, "$page", AS_OF - 2 * DAY, {"category": "tea"}),
            (0, "$page", AS_OF - 2 * DAY, {"category": "cup"}),
            (1, "$page", AS_OF - 2 * DAY, {"category": "tea"}),
            (1, "Order Paid", AS_OF - DAY, {"category": "cup"}),
        ],
    )
    found = tags({"demand": statistic(DEMAND, "text"), "interest": statistic(INTEREST, "text")})
    ran(made, found, AS_OF, tmp_path)
    before = held(made, "demand")
    assert before[0]["tea"] == before[0]["cup"] == before[1]["tea"] > 0
    assert "cup" not in before[1]
    events(
        made,
        [
            (0, "Order Paid", AS_OF, {"category": "tea"}),
            (0, "Product Viewed", AS_OF, {"category": "tea"}),
            (1, "Order Paid", AS_OF, {"category": "tea"}),
            (1, "Product Viewed", AS_OF + timedelta(hours=1), {"category": "tea"}),
        ],
    )
    ran(made, found, AS_OF + DAY, tmp_path)
    after = held(made, "demand")
    assert "tea" not in after[0]  # what comes at the same instant is met, too
    assert 0 < after[0]["cup"] < before[0]["cup"]
    assert 0 < after[1]["tea"] < before[1]["tea"]  # one view after the purchase
    assert held(made, "interest")[0]["tea"] > 0.4  # an interest rises by it


def test_only_so_many_labels_have_a_weight(tmp_path: Path) -> None:
    made = engine(people=1)
    events(
        made,
        [(0, "Product Viewed", AS_OF - (n + 1) * DAY, {"category": f"c{n:02}"}) for n in range(30)],
    )
    short = INTEREST.removesuffix(")") + " half at 2 top 3)"
    found = tags({"short": statistic(short, "text"), "interest": statistic(INTEREST, "text")})
    ran(made, found, AS_OF, tmp_path)
    assert list(held(made, "short")[0]) == ["c00", "c01", "c02"]
    assert list(held(made, "interest")[0]) == [f"c{n:02}" for n in range(20)]


def test_a_condition_asks_a_weight_and_nothing_is_zero(tmp_path: Path) -> None:
    made = engine(people=3)
    events(
        made,
        [
            (0, "Order Paid", AS_OF - DAY, {"category": "green tea"}),
            (0, "Order Paid", AS_OF - DAY, {"category": "green tea"}),
            (1, "Product Viewed", AS_OF - DAY, {"category": "green tea"}),
        ],
    )
    found = tags(
        {
            "interest": statistic(INTEREST, "text"),
            "keen": rule({"keen": "weight(interest, 'green tea') >= 0.5"}, "not"),
        }
    )
    report = ran(made, found, AS_OF, tmp_path)
    assert [report.columns["keen"].label_at(ix) for ix in range(3)] == ["keen", "not", "not"]

    def who(text: str, as_of: datetime = AS_OF) -> list[int]:
        query = people(parse(text), Names(made, found), as_of)
        return sorted(made.read(query.sql, query.values).column("ix").to_pylist())

    assert who("weight(interest, 'green tea') > 0") == [0, 1]
    assert who("weight(interest, 'green tea') = 0") == [2]
    assert who("weight(interest, 'green tea') between 0.05 and 0.2") == [1]
    assert who("weight(interest, 'green tea') > weight(interest, 'cup')") == [0, 1]
    assert who("weight(interest, 'green tea') > 0", AS_OF + 3 * DAY) == []  # its validity has ended


LABELS = ("茶", "cup", "pot", "A")
DEFINITIONS = (
    INTEREST,
    DEMAND,
    'interest(category of "Product Viewed" * 1, "Order *" * 3 where amount >= 20 half life 5 hours in last 9 days)',
    'interest(category of * * 2 half life 36 hours in last 2 calendar weeks half at 3 top 2)',
    'demand(category of "$page" * 1, "Order Paid" * 2 half life 1 week between 20 days and 3 days ago'
    ' until "Order Paid" where gift)',
    'demand(category of "Product Viewed" * 7 where time in last 6 days half life 1 day until "Order Refunded")',
    'interest(category of "Product Viewed" * 5 half life 2 days since 2025-05-20)',
    "interest(category of * * 3 half life 5 hours)",
)  # fmt: skip


def history(draw: random.Random, since: datetime, until: datetime, n: int) -> list[Any]:
    """Events between two instants; some at whole days, some at the same instant, many years back a few."""
    seconds = int((until - since).total_seconds())
    rows = []
    for _ in range(n):
        at = since + timedelta(seconds=draw.randrange(seconds))
        if draw.random() < 0.3:
            at = at.replace(hour=0, minute=0, second=0)
        if draw.random() < 0.03:
            at -= timedelta(days=draw.choice((100, 800, 21_000)))
        said: dict[str, Any] = {"amount": draw.choice((5, 20, 80)), "gift": draw.random() < 0.5}
        if draw.random() < 0.9:
            said["category"] = draw.choice(LABELS)
        rows.append((draw.randrange(PEOPLE), draw.choice(NAMES), at, said))
    return rows


def state(made: DuckDB, columns: Columns, keys: Any) -> dict[str, Any]:
    """Every bit that is kept of the tags: points, weights, values."""
    found: dict[str, Any] = {}
    for key in keys:
        for table, order in (("points_", "ix, label, generation"), ("weighed_", "ix, place")):
            found[table + key] = made.read(
                f"SELECT * FROM {quoted(table + key)} WHERE ix IN ({publish.ALIVE}) ORDER BY {order}"
            ).to_pylist()
        found[key] = [columns[key].label_at(ix) for ix in range(columns.n)]
    return found


def anew(
    made: DuckDB, found: Any, as_of: datetime, folder: Path, seen: Callable[..., dict[str, Any]] = state
) -> dict[str, Any]:
    """The same computed anew, without leaving a trace in the engine."""

    class Undo(Exception):
        pass

    kept: dict[str, Any] = {}
    try:
        with made.write():
            kept = seen(made, ran(made, found, as_of, folder, full=True).columns, found)
            raise Undo
    except Undo:
        return kept


def later(made: DuckDB, draw: random.Random, before: datetime, as_of: datetime) -> None:
    """More events: on time, late and ahead of time; people who merge, and who are erased."""
    for _ in range(draw.randint(0, 2)):
        first = draw.choice((before - 35 * DAY, before, as_of - DAY))
        rows = history(draw, first, as_of + DAY, draw.randint(1, 25))
        draw.shuffle(rows)
        events(made, rows)
    alive = made.read(publish.ALIVE).column("ix").to_pylist()
    if draw.random() < 0.4:
        away, into = draw.sample(alive, 2)
        merge(made, away, into=into)
    if draw.random() < 0.1:
        erase(made, draw.choice(alive))


@pytest.mark.proves("T13")
@pytest.mark.parametrize("block", range(4))
def test_weights_carried_on_equal_weights_computed_anew(tmp_path: Path, block: int) -> None:
    """Random histories, late and shuffled, with merged people, as time passes: bit by bit."""
    carried = 0
    for seed in range(block * 4, block * 4 + 4):
        draw = random.Random(seed)
        made = engine(people=PEOPLE)
        chosen = draw.sample(DEFINITIONS, 3)
        found = tags({f"i{n}": statistic(text, "text", "400 days") for n, text in enumerate(chosen)})
        as_of = AS_OF + timedelta(seconds=draw.randrange(86_400))
        events(made, history(draw, as_of - 40 * DAY, as_of + 2 * DAY, draw.randint(20, 120)))
        for step in range(draw.randint(2, 5)):
            report = ran(made, found, as_of, tmp_path / str(seed))
            now = state(made, report.columns, found)
            assert now == anew(made, found, as_of, tmp_path / f"{seed}anew"), f"seed {seed}, step {step}"
            carried += step > 0
            before = as_of
            as_of += draw.choice((timedelta(0), timedelta(hours=5), DAY, DAY, 8 * DAY, 33 * DAY))
            later(made, draw, before, as_of)
    assert carried >= 4


def test_any_order_of_arrival_gives_the_same_bits(tmp_path: Path) -> None:
    draw = random.Random(7)
    rows = history(draw, AS_OF - 40 * DAY, AS_OF, 200)
    found = tags({f"i{n}": statistic(text, "text") for n, text in enumerate(DEFINITIONS[:5])})
    states = []
    for parts in (1, 3, 5):
        made = engine(people=PEOPLE)
        draw.shuffle(rows)
        for part in range(parts):
            events(made, rows[part::parts])
            report = ran(made, found, AS_OF - (parts - 1 - part) * DAY, tmp_path / str(parts))
        states.append(state(made, report.columns, found))
    assert states[0] == states[1] == states[2]


def test_a_carried_run_looks_at_the_touched_people_only(tmp_path: Path) -> None:
    made = engine(people=50)
    events(made, [(ix, "Product Viewed", AS_OF - 2 * DAY, {"category": "tea"}) for ix in range(50)])
    found = tags({"interest": statistic(INTEREST, "text")})
    ran(made, found, AS_OF, tmp_path)
    events(made, [(3, "Order Paid", AS_OF + DAY / 2, {"category": "cup"})])
    events(made, [(4, "Message Opened", AS_OF + DAY / 2, {"category": "cup"})])
    tree = build(found).trees["interest"][0]
    catalog = Names(made, found)
    with made.write() as tx:
        done = weights.compute(tx, found["interest"], tree, catalog=catalog, as_of=AS_OF + DAY)
    assert done.touched == 1


ASKED = (
    "weight({0}, '{1}') >= {2}",
    "not weight({0}, '{1}') < {2}",
    "weight({0}, '{1}') >= 0.0001 and weight({0}, '{1}') <= {2}",
    "weight(i0, '{1}') > weight(i1, '{1}')",
    "weight({0}, '{1}') * 10 > {2}",
    "{0} = '{1}' or not known({0})",
)


def test_steps_let_everybodys_weights_fall_and_leave_nothing_to_a_run(tmp_path: Path) -> None:
    """Steps with events and without, of seconds, of days, and until nothing is left: bit by bit as computed anew."""
    steps, fallen = 0, 0
    for seed in range(4):
        draw = random.Random(seed)
        made = engine(people=PEOPLE)
        texts = {
            f"i{n}": statistic(text, "text", "400 days") for n, text in enumerate(draw.sample(DEFINITIONS, 2))
        }
        texts["paid"] = statistic('count("Order Paid")', validity="400 days")
        texts["much"] = statistic("weight(i0, 'cup') * 100", validity="400 days")
        for number, text in enumerate(ASKED):
            when = text.format(draw.choice(("i0", "i1")), draw.choice(LABELS), draw.choice((0.02, 0.3, 0.6)))
            texts[f"keen_{number}"] = rule({"keen": f'"{when}"'}, "not", validity="400 days")
        found = tags(texts)
        as_of = AS_OF + timedelta(seconds=draw.randrange(86_400))
        events(made, history(draw, as_of - 40 * DAY, as_of + DAY, 80))
        columns = ran(made, found, as_of, tmp_path / str(seed)).columns
        graph = build(found, Names(made, found).audience)
        for number in range(5):
            before = as_of
            as_of += draw.choice(
                (timedelta(seconds=1), timedelta(hours=1), timedelta(hours=5), DAY, 33 * DAY)
            )
            if draw.random() < 0.4:
                later(made, draw, before, as_of)
            held_before = [columns["i0"].label_at(ix) for ix in range(PEOPLE)]
            report = realtime.step(
                made, graph, catalog=Names(made, found), as_of=as_of, run_id=f"s{number}", columns=columns
            )
            assert report is not None
            assert report.waiting == ()
            columns, steps = report.columns, steps + 1
            fallen += held_before != [columns["i0"].label_at(ix) for ix in range(PEOPLE)]
            shown = stepped(made, columns, found)
            assert shown == anew(made, found, as_of, tmp_path / f"{seed}anew", stepped), (
                f"seed {seed}, {number}"
            )
        for passed in (timedelta(0), DAY):
            as_of += passed
            report_now = ran(made, found, as_of, tmp_path / str(seed))
            several = {key: found[key] for key in ("i0", "i1")}
            assert state(made, report_now.columns, several) == anew(
                made, several, as_of, tmp_path / f"{seed}anew"
            )
    assert steps == 20
    assert fallen > 3


def stepped(made: DuckDB, columns: Columns, keys: Any) -> dict[str, Any]:
    """What is seen after a step: every value, and every weight."""
    found: dict[str, Any] = {key: columns[key].take(np.arange(columns.n)) for key in keys}
    for key in ("i0", "i1"):
        found["weights " + key] = made.read(
            f"SELECT ix, label, weight, place FROM {quoted('weights_tag_' + key)}"
            f" WHERE ix IN ({publish.ALIVE}) ORDER BY ix, place"
        ).to_pylist()
    return found


def test_time_alone_lets_a_weight_fall_in_the_step_in_which_it_passes_what_is_asked(tmp_path: Path) -> None:
    made = engine(people=3)
    events(made, [(1, "Order Paid", AS_OF - DAY, {"category": "tea"})])
    found = tags(
        {
            "interest": statistic(INTEREST, "text", "400 days"),
            "keen": rule({"true": "weight(interest, 'tea') > 0.4"}, kind="flag", validity="400 days"),
        }
    )
    columns, graph, at = ran(made, found, AS_OF, tmp_path).columns, build(found), AS_OF
    touched = []
    for hour in range(24, 24 * 8, 24):  # 8 points of 4 days ago are 6.56 of 16.56
        at = AS_OF + timedelta(hours=hour)
        report = realtime.step(
            made, graph, catalog=Names(made, found), as_of=at, run_id=f"s{hour}", columns=columns
        )
        assert report is not None
        columns = report.columns
        touched.append((report.people, report.changes))
        weight = weights.of_person(made, 1, ["interest"])["interest"][0]["weight"]
        assert columns["keen"].label_at(1) is (True if weight > 0.4 else None)
    assert touched == [(0, 0)] * 2 + [(1, 1)] + [(0, 0)] * 4
    assert weights.of_person(made, 1, ["interest"]) == weights_at(
        made, graph, ix=1, catalog=Names(made, found), as_of=at, keys=["interest"]
    )


def test_the_past_is_computed_as_it_was(tmp_path: Path) -> None:
    made = engine(people=1)
    tea = {"category": "tea"}
    events(
        made, [(0, "Order Paid", AS_OF - 14 * DAY, tea), (0, "Order Paid", AS_OF - DAY, {"category": "cup"})]
    )
    found = tags(
        {"interest": statistic(INTEREST, "text"), "keen": rule({"keen": "weight(interest, 'tea') >= 0.3"})}
    )
    catalog = Names(made, found)
    graph = build(found)
    then = AS_OF - 13 * DAY
    assert history_of(made, graph, then, catalog) == {"interest": "tea", "keen": "keen"}
    assert history_of(made, graph, AS_OF, catalog) == {"interest": "cup"}
    held = weights_at(made, graph, ix=0, catalog=catalog, as_of=then, keys=["interest"])
    assert held == {"interest": [{"label": "tea", "weight": pytest.approx(7.6136 / 17.6136, abs=5e-4)}]}


def history_of(made: DuckDB, graph: Any, as_of: datetime, catalog: Names) -> dict[str, Any]:
    return values_at(made, graph, ix=0, catalog=catalog, as_of=as_of)


def test_a_portrait_shows_every_label_and_why_names_the_events(tmp_path: Path) -> None:
    made = engine(people=2)
    events(
        made,
        [
            (0, "Order Paid", AS_OF - 14 * DAY, {"category": "tea"}),
            (0, "Product Viewed", AS_OF - 28 * DAY, {"category": "tea"}),
            (0, "Product Viewed", AS_OF - DAY, {"category": "cup"}),
            (0, "Message Opened", AS_OF - DAY, {"category": "tea"}),
        ],
    )
    found = tags(
        {
            "interest": statistic(INTEREST, "text"),
            "keen": rule({"keen": "weight(interest, 'tea') >= 0.2"}, "not"),
        }
    )
    columns = ran(made, found, AS_OF, tmp_path).columns
    shown = portrait(made, 0, tags=found, columns=columns, now=AS_OF)["tags"][0]["tags"]
    (interest,) = [tag for tag in shown if tag["key"] == "interest"]
    assert interest["value"] == "tea"
    assert interest["weight"] == interest["labels"][0]["weight"] == pytest.approx(4.25 / 14.25, abs=1e-5)
    assert [item["label"] for item in interest["labels"]] == ["tea", "cup"]
    assert interest["formula"] == "weight = s / (s + 10), s = points × 2^(−age / 14 days)"
    hidden = portrait(made, 0, tags=found, columns=columns, now=AS_OF, personal=["category"], mask=True)
    (interest,) = [tag for tag in hidden["tags"][0]["tags"] if tag["key"] == "interest"]
    assert [item["label"] for item in interest["labels"]] == ["t***", "c***"]

    told = why(made, 0, found["interest"], graph=build(found), catalog=Names(made, found), at=AS_OF)
    assert told["value"] == "tea"
    assert [item["label"] for item in told["weights"]["labels"]] == ["tea", "cup"]
    assert (told["statistic"]["considered"], told["statistic"]["deciding"]) == (3, 2)
    assert [event["event"] for event in told["statistic"]["events"]] == ["Order Paid", "Product Viewed"]
    assert told["because"]["named"] == 2
    assert told["ends"]["text"]["en"] == "if nothing new happens, this changes on 3 Mar 2026 18:00"
    nobody = why(made, 1, found["interest"], graph=build(found), catalog=Names(made, found), at=AS_OF)
    assert (nobody["value"], nobody["weights"]["labels"], nobody["statistic"]["deciding"]) == (None, [], 0)

    ruled = why(made, 0, found["keen"], graph=build(found), catalog=Names(made, found), at=AS_OF)
    assert ruled["value"] == "keen"
    (given,) = ruled["rule"]["inputs"]
    assert (given["text"], given["value"]) == (
        "weight(interest, 'tea')",
        pytest.approx(4.25 / 14.25, abs=1e-5),
    )
    assert ruled["because"]["text"]["en"] == "rests on 2 events: without them it would be another"


def test_what_is_no_tag_with_weights_is_said() -> None:
    made = engine(people=1)
    found = tags({"paid": statistic('count("Order Paid")'), "interest": statistic(INTEREST, "text")})
    names = Names(made, found)
    for text, said in (
        ("weight(paid, 'tea') > 0", "the tag 'paid' has no weights"),
        ("weight(intrest, 'tea') > 0", "unknown tag 'intrest'"),
        ("weight(interest, 'tea')", "a number is no condition"),
        ("weight(interest, 'tea') = 'much'", "a number is not compared with a text"),
        (f"{INTEREST} = 'tea'", "is a tag's statistic, not part of a condition"),
    ):
        with pytest.raises(ExpressionError, match=said.replace("(", r"\(")):
            check(parse(text), names)
    wrong = tags({"much": statistic(INTEREST.replace("category", "amount"), "text")})
    with pytest.raises(DefinitionError, match="labels are texts; amount is a money"):
        check_tag(wrong["much"], build(wrong), catalog=Names(made, wrong), as_of=AS_OF)
    wrong = tags({"much": statistic(INTEREST, "number")})
    with pytest.raises(DefinitionError, match="the statistic is of type text, the tag of type number"):
        check_tag(wrong["much"], build(wrong), catalog=Names(made, wrong), as_of=AS_OF)


def test_nothing_is_left_of_a_tag_that_is_gone_or_gives_no_weights_any_more(tmp_path: Path) -> None:
    made = engine(people=1)
    events(made, [(0, "Order Paid", AS_OF - DAY, {"category": "tea"})])
    both = tags({"a": statistic(INTEREST, "text"), "b": statistic(INTEREST, "text")})
    ran(made, both, AS_OF, tmp_path)
    assert publish.weighted(made) == ["a", "b"]
    assert {"points_a", "weighed_b"} <= names_of_tables(made)
    other = tags({"a": statistic('last(category of "Order Paid")', "text")})
    report = ran(made, other, AS_OF, tmp_path)
    assert report.columns["a"].label_at(0) == "tea"
    assert publish.weighted(made) == []
    assert not [
        name for name in names_of_tables(made) if name.startswith(("points_", "weighed_", "weights_"))
    ]
    assert ran(made, both, AS_OF, tmp_path).columns["b"].label_at(0) == "tea"


def names_of_tables(made: DuckDB) -> set[str]:
    found = made.read("SELECT table_name AS name FROM information_schema.tables")
    return set(found.column("name").to_pylist())


def test_what_is_too_old_to_count_is_not_kept(tmp_path: Path) -> None:
    made = engine(people=2)
    hourly = INTEREST.replace("14 days", "1 hour")
    events(made, [(0, "Order Paid", AS_OF - DAY, {"category": "tea"})])
    found = tags({"interest": statistic(hourly, "text")})
    ran(made, found, AS_OF, tmp_path)
    assert made.read("SELECT ix FROM points_interest").column("ix").to_pylist() == [0]
    events(made, [(1, "Order Paid", AS_OF + DAY, {"category": "tea"})])
    report = ran(made, found, AS_OF + 2 * DAY, tmp_path)
    assert made.read("SELECT ix FROM points_interest").column("ix").to_pylist() == [1]
    assert state(made, report.columns, found) == anew(made, found, AS_OF + 2 * DAY, tmp_path / "anew")
    assert held(made, "interest") == {}  # a weight below half a millionth is none
