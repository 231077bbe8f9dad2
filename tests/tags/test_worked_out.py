"""Statistics worked out of tags, attributes and each other: in their order, at every speed, as of any instant."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from limner.errors import DefinitionError
from limner.expressions import parse
from limner.portraits.why import why, why_in
from limner.tags import realtime
from limner.tags.check import problems
from limner.tags.graph import build
from limner.tags.history import values_at
from limner.tags.run import RunReport, run
from tests.builders import AS_OF, DAY, Names, attributes, engine, events, rule, statistic, tags

TEXTS = {
    "spent": statistic('sum(amount of "Order Paid")', "money"),
    "mean": statistic('spent / count("Order Paid")', "money"),
    "level": rule({"2": "mean >= 50"}, "1", kind="number"),
    "worth": statistic("level * 10 + person.bonus", "number"),
    "years": statistic("age(person.birthday)"),
    "grown_up": rule({"true": "years >= 18"}, kind="flag"),
    "refunds": statistic('count("Order Refunded") / count("Order Paid")'),
}


def ran(made, folder: Path, run_id: str, *, as_of=AS_OF, full: bool = False) -> RunReport:
    found = tags(TEXTS)
    return run(
        made, found, catalog=Names(made, found), as_of=as_of, run_id=run_id, columns_dir=folder, full=full
    )


def of(columns, ix: int) -> dict:
    return {key: columns[key].label_at(ix) for key in TEXTS}


@pytest.fixture
def made():
    """Person 0 paid 40 and 80 and has a bonus of 5; person 1 told a birthday only."""
    found = engine(people=2)
    events(found, [(0, "Order Paid", AS_OF - 2 * DAY, {"amount": a}) for a in (40, 80)])
    events(found, [(0, "Order Refunded", AS_OF - DAY, {})])
    attributes(found, [(0, "bonus", 5, AS_OF - DAY), (1, "birthday", "2007-06-02", AS_OF - DAY)])
    return found


FIRST = {
    "spent": 1_200_000, "mean": 600_000, "level": 2, "worth": 25, "years": None, "grown_up": None, "refunds": 0.5,
}  # fmt: skip
OTHER = {
    "spent": 0, "mean": None, "level": 1, "worth": None, "years": 17, "grown_up": None, "refunds": None,
}  # fmt: skip


def test_a_run_computes_each_after_what_it_is_worked_out_of(made, tmp_path: Path) -> None:
    columns = ran(made, tmp_path, "r").columns
    assert (of(columns, 0), of(columns, 1)) == (FIRST, OTHER)


def test_carried_on_and_anew_give_the_same_and_the_past_stays(made, tmp_path: Path) -> None:
    ran(made, tmp_path, "r1")
    events(made, [(0, "Order Paid", AS_OF + timedelta(hours=1), {"amount": 15})])
    later = AS_OF + DAY + timedelta(hours=1)
    carried = ran(made, tmp_path, "r2", as_of=later)
    assert carried.carried is not None
    now = {**FIRST, "spent": 1_350_000, "mean": 450_000, "level": 1, "worth": 15, "refunds": 1 / 3}
    assert of(carried.columns, 0) == now
    assert of(carried.columns, 1) == {**OTHER, "years": 18, "grown_up": True}
    anew = ran(made, tmp_path, "r3", as_of=later, full=True)
    assert [of(anew.columns, ix) for ix in (0, 1)] == [of(carried.columns, ix) for ix in (0, 1)]
    found = tags(TEXTS)
    then = values_at(made, build(found), ix=0, catalog=Names(made, found), as_of=AS_OF)
    assert then == {key: value for key, value in FIRST.items() if value is not None}


def test_a_step_computes_the_touched_and_who_grew_older_meanwhile(made, tmp_path: Path) -> None:
    columns = ran(made, tmp_path, "r1").columns
    found = tags(TEXTS)

    def step(hours: int, run_id: str) -> realtime.StepReport:
        report = realtime.step(
            made,
            build(found),
            catalog=Names(made, found),
            as_of=AS_OF + timedelta(hours=hours),
            run_id=run_id,
            columns=columns,
        )
        assert report is not None
        assert report.waiting == ()
        return report

    events(made, [(0, "Order Paid", AS_OF + timedelta(hours=1), {"amount": 15})])
    columns = step(2, "s1").columns
    assert (of(columns, 0)["mean"], of(columns, 0)["worth"]) == (450_000, 15)
    assert (of(columns, 1)["years"], of(columns, 1)["grown_up"]) == (17, None)
    columns = step(48, "s2").columns
    assert (of(columns, 1)["years"], of(columns, 1)["grown_up"]) == (18, True), "nobody did anything"


def test_why_takes_sums_apart_but_not_what_is_worked_out_of_cases(made) -> None:
    found = tags(TEXTS)
    graph, names = build(found), Names(made, found)
    told = why(made, 0, found["worth"], graph=graph, catalog=names, at=AS_OF)
    assert (told["value"], told["available"]) == (25, False)
    told = why(made, 0, found["level"], graph=graph, catalog=names, at=AS_OF)
    assert told["rule"]["decided"] == 0
    for text, named in (
        ("mean >= 50", 1),
        ('did * since first "Order Paid"', 1),
        ("streak(* by day) = 2", 1),
    ):
        told = why_in(made, 0, parse(text), graph=graph, catalog=names, at=AS_OF)
        assert told["holds"] is True
        assert (told["because"]["said"], told["because"]["named"]) == (True, named), text
    told = why_in(made, 0, parse("worth > 1"), graph=graph, catalog=names, at=AS_OF)
    assert (told["holds"], told["because"]["said"]) == (True, False)
    young = why_in(made, 1, parse("years >= 18"), graph=graph, catalog=names, at=AS_OF)
    assert (young["holds"], young["near"]["alone"]) == (False, "2025-06-02T00:00:00+00:00")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (statistic("spent"), "a statistic is worked out of events, or of other values"),
        (statistic("person.city"), "a statistic is worked out of events, or of other values"),
        (statistic("spent / 2"), "the statistic is of type money, the tag of type number"),
        (statistic("speng / 2"), "unknown tag or attribute 'speng'"),
        (statistic("spent / spent"), ""),
        (statistic('top(3, category of "Order Paid")', "text"), "a tag holds no list"),
        (statistic("anniversary(person.birthday)"), "the statistic is of type instant"),
    ],
)
def test_a_statistic_is_checked_at_its_place(made, text: str, said: str) -> None:
    found = tags({"spent": TEXTS["spent"], "tag": text})
    wrong = problems(build(found), ["tag"], catalog=Names(made, found), as_of=AS_OF)
    if not said:
        assert not wrong
        return
    assert said in str(wrong[0])
    assert isinstance(wrong[0], DefinitionError)
    assert str(wrong[0]).startswith("tags/tag.yml:")
