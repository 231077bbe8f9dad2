"""Work on one tag in the browser: what it would have given, values from a file, how right it is, what was corrected."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.harness import Language, Site, Visits, hop, look, settle

EAGER = """title: {en: Eager, zh: 积极}
nature: model
method: rule
type: flag
cases:
  - when: did "Product Viewed" at least 3 times in last 30 days
    then: true
validity: 2 days
"""
WHATIF: dict[Language, dict[str, str]] = {
    "en": {"ask": "Ask the past", "did": "Did it within 30 days", "yes": "yes", "year": "Last 12 months"},
    "zh": {"ask": "问过去", "did": "30 天内做了", "yes": "是", "year": "近 12 个月"},
}


@pytest.mark.proves("B5")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_draft_is_asked_of_the_past(shop: Site, visit: Visits, language: Language) -> None:
    words = WHATIF[language]
    shop.write("tags/eager.yml", EAGER)
    page = visit(
        "/tags/eager/edit", language=language, role="operator", width=1440 if language == "en" else 390
    )
    page.get_by_role("button", name=words["ask"]).click()
    table = page.get_by_role("table").filter(has_text=words["did"]).first
    expect(table).to_be_visible()
    settle(page)
    look(page, f"whatif-{language}")
    now = shop.workspace.clock().astimezone(shop.workspace.config.tz)
    first = (now.replace(day=1) - timedelta(days=1)).replace(day=1)
    for _ in range(2):
        first = (first - timedelta(days=1)).replace(day=1)
    answer = shop.verb(
        "tag whatif", key="eager", on=[first.date().isoformat()], then='did "Order Paid" in last 30 days'
    )
    row = next(item for item in answer["instants"][0]["values"] if item["value"] == "true")
    assert row["did"]["of"] == row["people"] > 0
    expect(table.get_by_role("row").filter(has_text=words["yes"])).to_contain_text(str(row["people"]))
    if row["did"]["share"] is not None:
        share = f"{row['did']['share'] * 100:.1f}".removesuffix(".0")
        expect(table.get_by_role("row").filter(has_text=words["yes"])).to_contain_text(share)
    page.get_by_role("button", name=words["year"]).click()
    page.get_by_role("button", name=words["ask"]).click()
    expect(page.get_by_role("main").get_by_role("table")).to_have_count(12)
    assert "eager" not in {row["key"] for row in shop.verb("tag list", state="applied")["tags"]}


IMPORT: dict[Language, dict[str, str]] = {
    "en": {"which": "Lines that are not taken", "nobody": "there is no such person", "go": "Import for 3 people",
           "done": "Imported for 3 people", "undo": "Undo", "back": "Undone for 3 people", "stands": "Stand now"},
    "zh": {"which": "未采纳的行", "nobody": "没有这个人", "go": "为 3 人导入", "done": "已为 3 人导入", "undo": "撤销",
           "back": "3 位用户", "stands": "现存"},
}  # fmt: skip


@pytest.mark.proves("P7")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_values_are_imported_after_a_look_and_undone(
    shop: Site, visit: Visits, tmp_path: Path, language: Language
) -> None:
    words, key = IMPORT[language], f"till_{language}"
    shop.write(
        f"tags/{key}.yml", "nature: fact\nmethod: imported\ntype: number\nsource: till\nvalidity: 40 days\n"
    )
    ids = [row["person"] for row in shop.verb("person list", where="orders_90d >= 1")["people"][:3]]
    file = tmp_path / "till.csv"
    lines = [f"{person},{10 * at}" for at, person in enumerate(ids, 1)]
    file.write_text("\n".join(["person,value", *lines, "nobody-here,5", f"{ids[0]},many"]), encoding="utf-8")
    width = 1440 if language == "en" else 390
    page = visit(f"/tags/import?tag={key}", language=language, role="operator", width=width)
    page.set_input_files("input[type=file]", str(file))
    rejected = page.get_by_role("region", name=words["which"])
    expect(rejected).to_contain_text(words["nobody"])
    expect(rejected.get_by_role("row")).to_have_count(3)  # its head and two lines
    settle(page)
    look(page, f"import-values-{language}")
    assert shop.verb("tag batches", key=key)["batches"] == []
    page.get_by_role("button", name=words["go"]).click()
    expect(page.get_by_role("heading", name=words["done"])).to_be_visible()
    assert shop.verb("audience count", expression=f"{key} >= 20")["count"] == 2
    page.get_by_role("main").get_by_role("button", name=words["undo"]).click()
    expect(page.get_by_role("status").filter(has_text=words["back"])).to_be_visible()
    assert shop.verb("audience count", expression=f"known({key})")["count"] == 0


@pytest.mark.proves("P8")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_conflicts_of_given_values_are_listed_with_both_values(
    shop: Site, visit: Visits, language: Language
) -> None:
    person = shop.verb("person list", where="city = '上海'")["people"][0 if language == "en" else 1]["person"]
    shop.verb("tag correct", key="city", value="Thun", person=person)
    page = visit("/tags/conflicts?tag=city", language=language, role="viewer")
    row = page.get_by_role("row").filter(has_text=person)
    expect(row).to_contain_text("Thun")
    expect(row).to_contain_text("上海")
    settle(page)
    look(page, f"conflicts-{language}")
    row.get_by_role("link", name=person).click()
    expect(page.locator("main")).to_contain_text(
        "corrected by the customer" if language == "en" else "客户本人更正"
    )


@pytest.mark.proves("T15")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_tag_says_how_often_it_is_right_and_of_whom_that_is_known(
    shop: Site, visit: Visits, language: Language
) -> None:
    said, key = f"said_regular_{language}", f"regular_{language}"
    shop.write(f"tags/{said}.yml", "nature: fact\nmethod: manual\ntype: flag\n")
    rule = "cases:\n  - when: orders_90d >= 2\n    then: true\n"
    text = f"nature: model\nmethod: rule\ntype: flag\nvalidity: 2 days\ntruth: {said}\nat_least: 0.9\n{rule}"
    shop.write(f"tags/{key}.yml", text)
    people = [row["person"] for row in shop.verb("person list", limit=200)["people"]]
    shop.verb("tag give", key=said, value=True, people=people[:100])
    page = visit(f"/tags/{key}", language=language, role="viewer", width=1440 if language == "en" else 390)
    few = "Not enough data" if language == "en" else "数据不足"
    expect(page.get_by_role("main")).to_contain_text(few)
    shop.verb("tag give", key=said, value=False, people=people[100:])
    found = shop.verb("tag accuracy", key=key)
    assert found["people"] == 200
    page.reload()
    table = page.get_by_role("table", name="How often it is right" if language == "en" else "有多准")
    share = f"{found['precision']['share'] * 100:.1f}".removesuffix(".0")
    expect(table.get_by_role("row").nth(1)).to_contain_text(f"{share}%")
    below = "Below 90%" if language == "en" else "低于文件要求的 90%"
    expect(page.get_by_role("alert").filter(has_text=below)).to_have_count(
        1 if found["meets"] is False else 0
    )
    settle(page)
    look(page, f"accuracy-{language}")


def test_points_and_tiers_are_edited_in_the_form_and_stand_in_the_text(shop: Site, visit: Visits) -> None:
    page = visit("/tags/new?begin=points", role="operator")
    page.get_by_label("Key").fill("warmth")
    page.get_by_role("group", name="Points 2").get_by_role("textbox", name="Points 2").fill("5")
    page.get_by_role("textbox", name="Cut point 2").fill("4")
    page.get_by_role("button", name="Add a tier").click()
    page.get_by_role("textbox", name="Cut point 3").fill("6")
    page.get_by_role("textbox", name="Tier 4").fill("boiling")
    expect(page.get_by_text("people would have it")).to_be_visible()
    look(page, "form-points")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Warmth")
    text = (shop.workspace.paths.folder / "tags" / "warmth.yml").read_text(encoding="utf-8")
    assert "    points: 5\n" in text
    assert "cuts: {tiers: [cold, warm, hot, boiling], at: [1, 4, 6]}" in text


def test_points_of_one_day_are_a_number_and_the_editor_names_who_would_have_it(
    shop: Site, visit: Visits
) -> None:
    page = visit("/tags/new?begin=points", role="operator")
    page.get_by_label("Key").fill("today_points")
    page.get_by_role("radiogroup", name="The rule gives").get_by_text("points", exact=True).click()
    first = page.get_by_role("group", name="Points 1").get_by_role("textbox").first
    first.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    page.keyboard.type('did "Product Viewed" in last 1 day')
    page.get_by_role("group", name="Points 1").get_by_role("textbox", name="Points 1").fill("3")
    some = page.get_by_role("region", name="Who would have it")
    expect(some.get_by_role("link").first).to_have_attribute("href", re.compile("^/people/"))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text(re.compile("New tag"))
    text = (shop.workspace.paths.folder / "tags" / "today_points.yml").read_text(encoding="utf-8")
    assert 'did "Product Viewed" in last 1 day' in text
    assert "    points: 3\n" in text
    assert "cuts:" not in text


def test_interests_are_edited_in_the_form_and_stand_in_the_text(shop: Site, visit: Visits) -> None:
    page = visit("/tags/new?begin=interest", role="operator")
    page.get_by_label("Key").fill("liking")
    page.get_by_role("spinbutton", name="Points 1").fill("4")
    page.get_by_label("Half life").fill("21")
    page.get_by_label("Labels for each person, at most").fill("5")
    expect(page.get_by_text("people would have it").first).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text(re.compile("New tag"))
    text = (shop.workspace.paths.folder / "tags" / "liking.yml").read_text(encoding="utf-8")
    assert "* 4" in text
    assert "half life 21 days" in text
    assert "top 5" in text


def test_percentiles_are_cut_from_the_editor(shop: Site, visit: Visits) -> None:
    cuts = "cuts: {of: spent_90d, tiers: [low, high], at: [80%]}\n"
    shop.write("tags/spender.yml", f"nature: model\nmethod: rule\ntype: text\nvalidity: 2 days\n{cuts}")
    page = visit("/tags/spender/edit", role="operator")
    page.get_by_role("button", name="Cut now").click()
    expect(page.get_by_text(re.compile("Cut by the values of"))).to_be_visible()
    made = (shop.workspace.paths.folder / "tags" / "spender.yml").read_text(encoding="utf-8")
    assert "frozen: [" in made
    expect(page.get_by_text("nobody moves because others came")).to_be_visible()
    look(page, "form-cuts")


def test_the_market_filters_by_who_answers_and_how_a_tag_comes_about(shop: Site, visit: Visits) -> None:
    shop.write(
        "tags/whim.yml",
        "title: {en: Whim, zh: 心血来潮}\nnature: fact\nmethod: manual\ntype: flag\nowner: salon\n",
    )
    page = visit("/tags?q=心血来潮", role="viewer")
    expect(page.get_by_role("row").filter(has_text="whim")).to_have_count(1)
    hop(page, "/tags?method=manual&owner=salon")
    expect(page.get_by_role("row").filter(has_text="whim")).to_have_count(1)
    hop(page, "/tags?method=manual&owner=crm")
    expect(page.get_by_role("row").filter(has_text="whim")).to_have_count(0)
    hop(page, "/tags?sensitivity=sensitive")
    expect(page.get_by_role("row").filter(has_text="whim")).to_have_count(0)


MOVES: dict[Language, dict[str, str]] = {
    "en": {"ask": "Count the moves", "table": "People by their value before and now"},
    "zh": {"ask": "统计流转", "table": "用户按先前与现在的取值"},
}


@pytest.mark.proves("A5")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_who_went_where_stands_on_the_tags_page(shop: Site, visit: Visits, language: Language) -> None:
    words = MOVES[language]
    page = visit(
        "/tags/value_tier", language=language, role="viewer", width=1440 if language == "en" else 390
    )
    page.get_by_role("button", name=words["ask"]).click()
    table = page.get_by_role("table", name=words["table"])
    expect(table).to_be_visible()
    settle(page)
    look(page, f"moves-{language}")
    day = (shop.workspace.clock() - timedelta(days=30)).date().isoformat()
    answer = shop.verb("tag transitions", key="value_tier", since=day)
    last = table.get_by_role("row").last.get_by_role("cell").last
    expect(last).to_have_text(f"{answer['everybody']:,}")
    expect(table.get_by_role("columnheader", name="low")).to_be_visible()


GOAL = """title: {en: Comes again, zh: 复购}
nature: model
method: rule
type: flag
cases:
  - when: did "Order Paid" at least 2 times
    then: true
validity: 2 days
why: Too few buyers come back.
goal:
  metric: metric(paid_orders in last 30 days)
  baseline: 1
  since: SINCE
  stages:
    - {by: BY, target: 2}
"""
REPORT: dict[Language, dict[str, str]] = {
    "en": {"title": "Did it come about?", "met": "The last stage that has come is met."},
    "zh": {"title": "目标达成了吗？", "met": "最近到期的阶段已达成。"},
}


@pytest.mark.proves("M2")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_stage_report_stands_on_the_tags_page(shop: Site, visit: Visits, language: Language) -> None:
    words, today = REPORT[language], shop.workspace.clock().date()
    (shop.workspace.paths.folder / "metrics").mkdir(exist_ok=True)
    shop.write("metrics/paid_orders.yml", 'measure: count("Order Paid")\nunit: orders\n')
    text = GOAL.replace("SINCE", str(today - timedelta(days=60))).replace("BY", str(today))
    shop.write("tags/comes_again.yml", text)
    page = visit("/tags/comes_again", language=language, role="viewer")
    table = page.get_by_role("table", name=words["title"])
    expect(table).to_be_visible()
    expect(page.get_by_text(words["met"])).to_be_visible()
    answer = shop.verb("tag report", key="comes_again")
    assert answer["stages"][0]["state"] == "met"
    expect(table.get_by_role("row").nth(2)).to_contain_text(f"{answer['stages'][0]['value']:,.0f}")
    settle(page)
    look(page, f"report-{language}")
    (shop.workspace.paths.folder / "tags" / "comes_again.yml").unlink()


PREDICT: dict[Language, dict[str, str]] = {
    "en": {"ask": "Ask the past", "title": "What tags tell of what comes", "verdict": "Verdict"},
    "zh": {"ask": "问过去", "title": "标签能预示什么", "verdict": "结论"},
}


@pytest.mark.proves("B12")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_tags_tell_of_what_comes_stands_on_the_page_of_health(
    shop: Site, visit: Visits, language: Language
) -> None:
    words = PREDICT[language]
    page = visit("/tags/health", language=language, role="viewer")
    page.get_by_role("button", name=words["ask"]).click()
    table = page.get_by_role("table").filter(has_text=words["verdict"])
    expect(table).to_be_visible()
    settle(page)
    look(page, f"predict-{language}")
    answer = shop.verb("tag predict", then='did "Order Paid"')
    assert answer["enough"]
    best = answer["tags"][0]
    row = table.get_by_role("row").filter(has_text=best["titles"][language]).first
    expect(row).to_contain_text(f"{best['worth']:.3f}".rstrip("0"))
