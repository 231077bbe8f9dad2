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
