"""A tag file says everything of a tag, or where it is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from limner.errors import DefinitionError
from limner.tags.document import Document
from limner.tags.form import form_of, text_with
from limner.tags.graph import build
from limner.tags.model import Given, Method, Nature, Rule, Statistic
from limner.tags.text import read, read_folder, read_folder_leniently, write
from limner.types import ValueType

SPEND = """\
# How much somebody paid lately
title: {en: Paid in 90 days, zh: 近90天消费}
nature: fact
method: statistic
type: money
statistic: sum(amount of "Order Paid" in last 90 days)
validity: 2 days
category: consumption/spend
owner: CRM
source: web shop
why: ranks customers   # asked for by retail
"""

TIER = """\
nature: model
method: rule
type: text
cases:
  - when: paid_90d >= 1000
    then: gold
  - when: |
      paid_90d >= 100
      and orders > 1
    then: 'silver'
otherwise: bronze
refresh: 0 3 * * *
"""


@pytest.mark.proves("T8")
@pytest.mark.proves("T1", "T2", "T3", "T8")
def test_a_statistic_is_read() -> None:
    tag = read(SPEND, "paid_90d")
    assert tag.definition == Statistic('sum(amount of "Order Paid" in last 90 days)')
    assert (tag.nature, tag.method, tag.type) == (Nature.FACT, Method.STATISTIC, ValueType.MONEY)
    assert tag.validity == timedelta(days=2)
    assert tag.category == ("consumption", "spend")
    assert (tag.owner, tag.source) == ("CRM", "web shop")
    assert tag.name("zh-CN") == "近90天消费"
    assert tag.name("fr") == "Paid in 90 days"
    assert tag.dynamic


def test_a_rule_is_read_with_its_cases_in_order() -> None:
    tag = read(TIER, "tier")
    assert isinstance(tag.definition, Rule)
    assert [case.then for case in tag.definition.cases] == ["gold", "silver"]
    assert tag.definition.otherwise == "bronze"
    assert tag.sources[1] == "paid_90d >= 100\nand orders > 1\n"


def test_a_file_written_again_keeps_its_comments() -> None:
    tag = read(SPEND, "paid_90d")
    assert write(tag) == SPEND
    edited = Document(SPEND, where="tags/paid_90d.yml").edited({"owner": "Sales", "why": None})
    assert "# How much somebody paid lately" in edited
    assert read(edited, "paid_90d").owner == "Sales"
    assert "why" not in edited


@pytest.mark.parametrize("text", [SPEND, TIER])
def test_a_tag_without_its_text_is_written_and_read_the_same(text: str) -> None:
    from dataclasses import replace

    tag = read(text, "t")
    assert read(write(replace(tag, text="")), "t") == tag


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("money", "12.5", 125_000),
        ("number", "3", 3.0),
        ("flag", "true", True),
        ("instant", "2025-01-15", datetime(2025, 1, 15, tzinfo=UTC)),
        ("instant", "'2025-01-15T17:00:00Z'", datetime(2025, 1, 15, 17, tzinfo=UTC)),
        ("instant", "2025-01-15T17:00:00+08:00", datetime(2025, 1, 15, 9, tzinfo=UTC)),
    ],
)
def test_a_value_has_the_type_of_the_tag(kind: str, given: str, value: object) -> None:
    text = f"nature: fact\nmethod: rule\ntype: {kind}\nvalidity: 1 day\ncases:\n- when: a\n  then: {given}\n"
    definition = read(text, "t").definition
    assert isinstance(definition, Rule)
    assert definition.cases[0].then == value


def test_an_unknown_key_is_named_at_its_place_with_a_hint() -> None:
    with pytest.raises(DefinitionError) as caught:
        read(SPEND.replace("nature:", "natur:"), "paid_90d")
    assert str(caught.value) == "tags/paid_90d.yml:3:1: unknown key 'natur'\n  hint: did you mean nature?"


@pytest.mark.proves("T3")
@pytest.mark.parametrize(
    ("nature", "method"),
    [("fact", "learned"), ("prediction", "statistic"), ("prediction", "rule"), ("model", "observed")],
)
def test_contradictory_nature_and_method_are_refused(nature: str, method: str) -> None:
    text = f"nature: {nature}\nmethod: {method}\ntype: flag\nattribute: a\nvalidity: 1 day\n"
    with pytest.raises(DefinitionError) as caught:
        read(text, "t")
    assert caught.value.where in ("tags/t.yml:1:9", "tags/t.yml:2:9")


def test_learned_fact_is_called_a_contradiction() -> None:
    from limner.tags.model import refusal

    assert "never a fact" in (refusal(Nature.FACT, Method.LEARNED) or "")
    assert refusal(Nature.PREDICTION, Method.LEARNED) is None


@pytest.mark.proves("T4")
@pytest.mark.proves("T4")
def test_a_dynamic_tag_without_validity_or_refresh_is_refused() -> None:
    with pytest.raises(DefinitionError, match="a validity or a refresh") as caught:
        read(SPEND.replace("validity: 2 days\n", ""), "paid_90d")
    assert caught.value.code == "no_validity"
    observed = "nature: fact\nmethod: observed\ntype: text\nattribute: city\n"
    assert not read(observed, "city").dynamic


@pytest.mark.parametrize(
    ("change", "where", "message"),
    [
        (("type: text", "type: txt"), "3:7", "unknown type"),
        (("refresh: 0 3 * * *", "refresh: 99 3 * * *"), "12:10", "no schedule"),
        (("    then: gold", "    then: 3"), "6:11", "no text"),
        (("    then: gold", "    thn: gold"), "6:5", "unknown key 'thn'"),
        (("    then: gold\n", ""), "5:5", "'then' is missing"),
        (("cases:", "attribute: a\ncases:"), "4:1", "has no 'attribute'"),
        (("otherwise: bronze", "otherwise: [a"), "12:8", "expected"),
        (("otherwise: bronze", "type: flag"), "11:1", "duplicate key"),
        (("refresh: 0 3 * * *", "validity: soon"), "12:11", "is a duration"),
    ],
)
def test_what_is_wrong_is_named_at_its_place(change: tuple[str, str], where: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message) as caught:
        read(TIER.replace(*change), "tier")
    assert caught.value.where == f"tags/tier.yml:{where}"


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("statistic: count(x) of", "1:18"),
        ("statistic: 'count(''x'') of'", "1:22"),
        ('statistic: "count(\\"x\\") of"', "1:22"),
        ("statistic: |\n    count(x) of", "2:11"),
    ],
)
def test_a_place_inside_an_expression_is_a_place_in_the_file(line: str, place: str) -> None:
    document = Document(line + "\n", where="f")
    column = 9 if "''" in line or '\\"' in line else 7
    assert document.place("statistic", inside=(1, column)) == f"f:{place}"


@pytest.mark.parametrize("key", ["Vip", "1st", "a-b", "", "é"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(DefinitionError, match="no tag key"):
        read(SPEND, key)


def test_a_folder_gives_its_tags_by_the_names_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "paid_90d.yml").write_text(SPEND)
    (tmp_path / "tier.yml").write_text(TIER)
    assert list(read_folder(tmp_path)) == ["paid_90d", "tier"]
    (tmp_path / "bad.yml").write_bytes(b"\xff\xfe")
    tags, errors = read_folder_leniently(tmp_path)
    assert len(tags) == 2
    assert [error.where for error in errors] == ["tags/bad.yml"]
    assert read_folder(tmp_path / "none") == {}


def test_a_file_of_many_aliases_does_not_grow() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefghij", "bcdefghijk", strict=True)
    )
    with pytest.raises(DefinitionError):
        read(bomb, "t")


LIFE = """\
nature: fact
method: observed
type: text
attribute: illness
metric: letters answered
stage: deprecated
sensitivity: sensitive   # by law
"""


def test_stage_metric_and_sensitivity_are_read_written_and_no_part_of_the_values() -> None:
    tag = read(LIFE, "illness")
    assert (tag.stage, tag.metric, tag.sensitivity) == ("deprecated", "letters answered", "sensitive")
    assert write(tag) == LIFE
    assert read(write(replace(tag, text="")), "illness") == tag
    form = form_of(LIFE, "illness")
    assert (form["stage"], form["metric"], form["sensitivity"]) == (
        "deprecated",
        "letters answered",
        "sensitive",
    )
    assert text_with(LIFE, "illness", {**form, "stage": "draft"}) == LIFE.replace("deprecated", "draft")
    plainly = LIFE.split("metric")[0]
    silent = read(plainly, "illness")
    assert (silent.stage, silent.metric, silent.sensitivity) == ("published", "", "internal")
    assert build({"illness": tag}).fingerprints == build({"illness": silent}).fingerprints


@pytest.mark.parametrize(
    ("line", "place", "message"),
    [
        ("stage: live", "tags/x.yml:6:8", "unknown stage 'live'"),
        ("sensitivity: secret", "tags/x.yml:6:14", "unknown sensitivity 'secret'"),
        ("metric: 3", "tags/x.yml:6:9", "'metric' is a text"),
    ],
)
def test_a_wrong_stage_metric_or_sensitivity_is_named_at_its_place(
    line: str, place: str, message: str
) -> None:
    text = LIFE.split("metric")[0] + f"category: a\n{line}\n"
    with pytest.raises(DefinitionError, match=message) as caught:
        read(text, "x")
    assert caught.value.where == place


@pytest.mark.proves("T3")
def test_a_manual_tag_lists_its_values_and_each_value_has_its_own_end() -> None:
    text = (
        "nature: model\nmethod: manual\ntype: text\nvalues: [gold, silver]  # no bronze\nvalidity: 7 days\n"
    )
    tag = read(text, "vip")
    assert tag.definition == Given(("gold", "silver"))
    assert tag.expires_at(datetime(2026, 6, 1, tzinfo=UTC)) is None
    assert tag.described == "given by hand: 'gold', 'silver'"
    edited = write(replace(tag, definition=Given(("gold",))))
    assert read(edited, "vip").definition == Given(("gold",))
    assert "# no bronze" in write(tag)
    free = read("nature: prediction\nmethod: imported\ntype: money\n", "score")
    assert (free.definition, free.described) == (Given(), "imported")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nature: prediction\nmethod: manual\ntype: flag\n", "tags/vip.yml:1:9: nature 'prediction' contradicts"),
        ("nature: model\nmethod: manual\ntype: text\nvalues: gold\n", "tags/vip.yml:4:9: 'values' is a list"),
        ("nature: model\nmethod: manual\ntype: text\nvalues: [a, a]\n", "tags/vip.yml:4:13: 'a' is listed twice"),
        ("nature: model\nmethod: manual\ntype: number\nvalues: [many]\n", "tags/vip.yml:4:10: 'many' is no number"),
        ("nature: model\nmethod: manual\ntype: flag\nrefresh: 0 3 * * *\n", "'manual' has no 'refresh'"),
        ("nature: model\nmethod: manual\ntype: flag\nstatistic: count(A)\n", "has no 'statistic'"),
        ("nature: fact\nmethod: observed\nattribute: a\ntype: flag\nvalues: [true]\n", "has no 'values'"),
    ],
)  # fmt: skip
def test_a_manual_tag_that_is_wrong_says_where(text: str, says: str) -> None:
    with pytest.raises(DefinitionError) as error:
        read(text, "vip")
    assert says in str(error.value)
