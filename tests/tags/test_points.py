"""Rules by points and rules by tiers: worked out by hand, refused with a place, the same at both speeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from limner.errors import DefinitionError
from limner.tags.check import problems
from limner.tags.form import form_of, text_with
from limner.tags.graph import build
from limner.tags.history import values_at
from limner.tags.model import Rule, Tiers
from limner.tags.preview import preview
from limner.tags.run import RunReport, run
from limner.tags.text import read, write
from tests.builders import AS_OF, DAY, Names, attributes, engine, events, statistic, tags

SCORE = """\
nature: model
method: rule
type: number
points:
  - when: count("Order Paid") >= 2
    points: 10
  - when: person.city = 'Shanghai'
    points: 2.5
  - when: did "Order Refunded"
    points: -4
validity: 2 days
"""
HEAT = SCORE.replace("type: number", "type: text") + "cuts: {tiers: [cold, warm, hot], at: [0.5, 8]}\n"
SPENT = statistic('sum(amount of "Order Paid")', "money")


def tiers(block: str, *, more: str = "") -> str:
    return f"nature: model\nmethod: rule\ntype: text\ncuts: {block}\nvalidity: 2 days\n{more}"


def ran(
    made, texts: dict[str, str], folder: Path, run_id: str = "r", *, full: bool = True, as_of=AS_OF
) -> RunReport:
    found = tags(texts)
    return run(
        made, found, catalog=Names(made, found), as_of=as_of, run_id=run_id, columns_dir=folder, full=full
    )


def column(report: RunReport, key: str, n: int) -> list:
    return [report.columns[key].label_at(ix) for ix in range(n)]


def test_points_of_all_that_hold_are_added_up(tmp_path: Path) -> None:
    made = engine(people=4)
    events(made, [(ix, "Order Paid", AS_OF - DAY, {}) for ix in (0, 0, 1, 1, 2)])
    events(made, [(1, "Order Refunded", AS_OF - DAY), (3, "Order Refunded", AS_OF - DAY)])
    attributes(made, [(ix, "city", "Shanghai", AS_OF - DAY) for ix in (0, 2)])
    report = ran(made, {"score": SCORE, "heat": HEAT}, tmp_path)
    assert column(report, "score", 4) == [12.5, 6, 2.5, -4]
    assert column(report, "heat", 4) == ["hot", "warm", "warm", "cold"]


def test_points_are_added_exactly_so_that_a_sum_meets_its_cut_point(tmp_path: Path) -> None:
    made = engine(people=1)
    rows = "".join("  - when: count(*) = 0\n    points: 0.1\n" for _ in range(3))
    text = f"nature: model\nmethod: rule\ntype: text\npoints:\n{rows}"
    text += "cuts: {tiers: [low, high], at: [0.3]}\nvalidity: 1 day\n"
    assert column(ran(made, {"heat": text}, tmp_path), "heat", 1) == ["high"]


def test_tiers_of_fixed_thresholds_hold_their_lower_bound(tmp_path: Path) -> None:
    made = engine(people=5)
    events(
        made, [(ix, "Order Paid", AS_OF - DAY, {"amount": a}) for ix, a in enumerate((99.99, 100, 499, 500))]
    )
    level = tiers("{of: spent, tiers: [low, middle, high], at: [100, 500]}")
    report = ran(made, {"spent": SPENT, "level": level}, tmp_path)
    assert column(report, "level", 5) == ["low", "middle", "middle", "high", "low"]  # a sum of nothing is 0


def test_who_has_no_number_has_no_tier_but_the_one_that_is_said(tmp_path: Path) -> None:
    made = engine(people=2)
    events(made, [(0, "Order Paid", AS_OF - DAY, {"amount": 7})])
    texts = {
        "basket": statistic('avg(amount of "Order Paid")', "money"),
        "level": tiers("{of: basket, tiers: [low, high], at: [5]}"),
        "said": tiers("{of: basket, tiers: [low, high], at: [5]}", more="otherwise: none\n"),
    }
    report = ran(made, texts, tmp_path)
    assert column(report, "level", 2) == ["high", None]
    assert column(report, "said", 2) == ["high", "none"]


@pytest.mark.proves("A6")
def test_frozen_cut_points_decide_whatever_else_happens(tmp_path: Path) -> None:
    made = engine(people=3)
    text = tiers(
        "{of: spent, tiers: [low, middle, high], at: [50%, 80%], frozen: [120, 900], frozen_at: 2026-11-01}"
    )
    definition = read(text, "level").definition
    assert isinstance(definition, Rule)
    assert [case.when for case in definition.cases] == ["spent >= 900", "spent >= 120", "known(spent)"]
    events(made, [(ix, "Order Paid", AS_OF - DAY, {"amount": a}) for ix, a in enumerate((119, 120, 901))])
    report = ran(made, {"spent": SPENT, "level": text}, tmp_path)
    assert column(report, "level", 3) == ["low", "middle", "high"]


EVERY = tiers("{of: spent, tiers: [low, middle, high], at: [50%, 80%], refresh: every run}")


def test_cut_points_of_every_run_are_places_in_the_order_of_people(tmp_path: Path) -> None:
    made = engine(people=10)
    events(made, [(ix, "Order Paid", AS_OF - DAY, {"amount": ix + 1}) for ix in range(10)])
    report = ran(made, {"spent": SPENT, "level": EVERY}, tmp_path)
    # place 10 * 50 // 100 = 5 has 6, place 8 has 9
    assert column(report, "level", 10) == ["low"] * 5 + ["middle"] * 3 + ["high"] * 2


def test_equal_values_are_in_one_tier(tmp_path: Path) -> None:
    made = engine(people=10)
    amounts = [1, 1, 1, 4, 4, 4, 4, 4, 9, 9]
    events(made, [(ix, "Order Paid", AS_OF - DAY, {"amount": a}) for ix, a in enumerate(amounts)])
    report = ran(made, {"spent": SPENT, "level": EVERY}, tmp_path)
    assert column(report, "level", 10) == ["low"] * 3 + ["middle"] * 5 + ["high"] * 2


def test_cut_points_of_every_run_follow_the_people_at_both_speeds_and_in_the_past(tmp_path: Path) -> None:
    made = engine(people=4)
    half = tiers("{of: spent, tiers: [low, high], at: [50%], refresh: every run}")
    texts = {"spent": SPENT, "level": half}
    events(made, [(ix, "Order Paid", AS_OF - DAY, {"amount": ix + 1}) for ix in range(4)])
    assert column(ran(made, texts, tmp_path, "r1"), "level", 4) == ["low", "low", "high", "high"]
    events(made, [(0, "Order Paid", AS_OF + timedelta(hours=1), {"amount": 50})])
    later = AS_OF + timedelta(hours=2)
    carried = ran(made, texts, tmp_path, "r2", full=False, as_of=later)
    assert carried.carried is not None
    assert column(carried, "level", 4) == ["high", "low", "low", "high"]
    assert column(ran(made, texts, tmp_path, "r3", as_of=later), "level", 4) == ["high", "low", "low", "high"]
    found = tags(texts)
    graph = build(found)
    then = [
        values_at(made, graph, ix=ix, catalog=Names(made, found), as_of=AS_OF, keys=["level"])["level"]
        for ix in range(4)
    ]
    assert then == ["low", "low", "high", "high"]


def test_nobody_is_in_a_tier_when_nobody_has_a_value(tmp_path: Path) -> None:
    made = engine(people=2)
    texts = {
        "basket": statistic('avg(amount of "Order Paid")', "money"),
        "level": EVERY.replace("spent", "basket"),
    }
    assert column(ran(made, texts, tmp_path), "level", 2) == [None, None]


def test_what_is_not_cut_yet_is_not_run_but_a_draft_shows_what_it_would_be(tmp_path: Path) -> None:
    made = engine(people=4)
    events(made, [(ix, "Order Paid", AS_OF - DAY, {"amount": ix + 1}) for ix in range(4)])
    uncut = tiers("{of: spent, tiers: [low, high], at: [50%]}")
    found = tags({"spent": SPENT, "level": uncut})
    assert isinstance(found["level"].definition, Tiers)
    (wrong,) = problems(build(found), ["level"], catalog=Names(made, found), as_of=AS_OF)
    assert (wrong.code, wrong.where) == ("not_cut", "tags/level.yml:4:43")
    assert "limner tag cut level" in (wrong.hint or "")
    found = tags({"spent": SPENT, "level": uncut + "stage: draft\n"})
    shown = preview(
        made, build(found), "level", catalog=Names(made, found), as_of=AS_OF, published=None, held=None
    )
    assert [shown.columns["level"].label_at(ix) for ix in range(4)] == ["low", "low", "high", "high"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (tiers("{of: spent, tiers: [low], at: [100]}"), "tags/x.yml:4:26: 1 cut points make 2 tiers, not 1"),
        (tiers("{of: spent, tiers: [a, b, c], at: [500, 100]}"), "cut points rise"),
        (tiers("{of: spent, tiers: [a, b, c], at: [50%, 100]}"), "either all"),
        (tiers("{of: spent, tiers: [a, b], at: [100%]}"), "between 0 and 100"),
        (tiers("{of: spent, tiers: [a, a], at: [1]}"), "two tiers have one name"),
        (tiers("{of: spent, tiers: [a, b], at: [1], frozen: [2]}"), "fixed cut points have no 'frozen'"),
        (tiers("{of: spent, tiers: [a, b], at: [5%], frozen: [2], refresh: every run}"), "is not frozen"),
        (tiers("{of: spent, tiers: [a, b], at: [5%], refresh: daily}"), "'daily' is no refresh of cut points"),
        (tiers("{of: spent, tiers: [a, b], at: [5%], froze: [2]}"), "did you mean frozen?"),
        (tiers("{tiers: [a, b], at: [1]}"), "'of' is missing"),
        (tiers("{of: spent, tiers: [a, b], at: [1]}").replace("text", "number"), "tiers are texts"),
        (HEAT.replace("at: [0.5, 8]", "at: [50%, 80%]"), "percentiles are of a tag"),
        (SCORE.replace("number", "flag"), "points are a number"),
        (SCORE.replace("2.5", "'2.5'"), "tags/x.yml:8:13: '2.5' is no number"),
        (SCORE.replace("points: 10", "then: 10"), "unknown key 'then'"),
        (SCORE + "otherwise: 3\n", "a rule with 'points' has no 'otherwise'"),
        (SCORE + "cases: [{when: vip, then: 1}]\n", "a rule with 'cases' has no 'points'"),
        (SCORE.replace("rule", "statistic").replace("model", "fact"), "a tag of method 'statistic' has no 'points'"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_at_its_place(text: str, said: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        read(text, "x")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"level": EVERY}, "unknown tag 'spent'"),
        ({"spent": statistic('last(category of "Order Paid")', "text"), "level": EVERY}, "a number is cut"),
        ({"level": tiers("{of: spent, tiers: [a, b], at: [1]}")}, "unknown tag or attribute 'spent'"),
        ({"level": SCORE.replace("'Shanghai'", "'Shanghai' and")}, "tags/level.yml:7"),
    ],
)  # fmt: skip
def test_names_and_types_are_checked_at_their_place(texts: dict[str, str], said: str) -> None:
    made = engine(people=1)
    found = tags(texts)
    with pytest.raises(DefinitionError) as caught:
        raise problems(build(found), ["level"], catalog=Names(made, found), as_of=AS_OF)[0]
    assert said in str(caught.value)
    assert str(caught.value).startswith("tags/level.yml:")


@pytest.mark.parametrize(
    "text",
    [
        SCORE, HEAT, EVERY, tiers("{of: spent, tiers: [a, b], at: [1.5]}"),
        tiers("{of: spent, tiers: [a, b], at: [99.5%], frozen: [120.25], frozen_at: 2026-11-01}",
              more="otherwise: c\n"),
    ],
)  # fmt: skip
def test_a_tag_written_and_read_again_is_the_same(text: str) -> None:
    tag = read(text, "x")
    assert write(tag) == text
    again = read(write(replace(tag, text="")), "x")
    assert again.definition == tag.definition


def test_a_form_shows_points_and_cuts_and_drops_them_with_the_method() -> None:
    assert form_of(HEAT, "heat")["points"]
    assert form_of(HEAT, "heat")["cuts"]["tiers"]
    assert form_of(SPENT, "spent")["cuts"] is None
    assert text_with(HEAT, "heat", {"owner": "crm", "cases": []}) == HEAT + "owner: crm\n"
    made = text_with(
        HEAT, "heat", {"method": "observed", "nature": "fact", "attribute": "city", "validity": ""}
    )
    assert made == "nature: fact\nmethod: observed\ntype: text\nattribute: city\n"


def test_new_cut_points_are_another_definition_and_new_percentages_alone_are_not() -> None:
    def mark(block: str) -> str:
        return build(tags({"spent": SPENT, "level": tiers(block)})).fingerprints["level"]

    first = mark("{of: spent, tiers: [a, b], at: [50%], frozen: [120]}")
    assert first == mark("{of: spent, tiers: [a, b], at: [50%], frozen: [120], frozen_at: 2026-11-01}")
    assert first == mark("{of: spent, tiers: [a, b], at: [120]}")
    assert first != mark("{of: spent, tiers: [a, b], at: [50%], frozen: [121]}")
    assert mark("{of: spent, tiers: [a, b], at: [50%], refresh: every run}") != first
