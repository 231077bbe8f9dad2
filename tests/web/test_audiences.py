"""Audiences in the browser: built by clicks and in words, counted as the API counts, compared, and exported."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.harness import Site, Visits, look, settle


def count(shop: Site, expression: str) -> str:
    """The count that the API gives, as the page writes it."""
    return f"{shop.verb('audience count', expression=expression)['count']:,}"


def pick(page: Page, box: Locator, typed: str, option: str) -> None:
    """Chooses an option of a list that is searched."""
    box.click()
    page.keyboard.type(typed)
    page.locator(".ant-select-dropdown:visible .ant-select-item-option", has_text=option).first.click()


def choose(page: Page, box: Locator, option: str) -> None:
    """Chooses an option of a short list."""
    box.click()
    page.locator(".ant-select-dropdown:visible").get_by_title(option, exact=True).click()


@pytest.mark.proves("A1")
def test_a_nested_audience_is_built_by_clicks_and_in_words_and_both_are_the_same(
    shop: Site, visit: Visits
) -> None:
    page = visit("/audiences/new", role="operator")
    whole = page.get_by_role("status", name="People")
    expect(whole).to_contain_text("Everybody: no condition yet")
    pick(page, page.get_by_role("combobox", name="Condition", exact=True), "orders in", "Orders in 90 days")
    page.get_by_role("spinbutton", name="Value").fill("2")
    expect(whole).to_contain_text(f"{count(shop, 'orders_90d >= 2')} people")
    pick(page, page.get_by_role("combobox", name="Condition", exact=True), "unsubscribed", "did Unsubscribed")
    second = page.get_by_role("group", name="Condition 2")
    choose(page, second.get_by_role("combobox", name="Test"), "has not done")
    choose(page, second.get_by_role("combobox", name="When"), "ever")
    page.get_by_role("button", name="Group", exact=True).click()
    inner = page.get_by_role("region", name="Group of conditions").last
    pick(page, inner.get_by_role("combobox", name="Condition", exact=True), "city", "City")
    inner.get_by_role("combobox", name="Values").click()
    page.keyboard.type("杭州")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    pick(page, inner.get_by_role("combobox", name="Condition", exact=True), "followers", "followers")
    text = "orders_90d >= 2 and not did Unsubscribed and (city in ('杭州') or in audience followers)"
    expected = shop.verb("audience count", expression=text)
    expect(whole).to_contain_text(f"{expected['count']:,} people")
    first = page.get_by_role("group", name="Condition 1").first
    alone = next(part for part in expected["conditions"] if part["path"] == [0])
    expect(first.get_by_role("link", name=f"{alone['people']:,}", exact=True)).to_have_attribute(
        "href", "/people?where=orders_90d+%3E%3D+2"
    )
    taken = alone["without"] - expected["count"]
    expect(
        first.get_by_role("img", name=f"−{taken:,}. Without it {alone['without']:,} people")
    ).to_be_visible()
    look(page, "audience-builder-en", whole=True)

    page.get_by_text("Text", exact=True).click()
    editor = page.get_by_role("textbox", name="The condition as text")
    expect(editor).to_have_text(text)
    editor.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text("orders_90d >= 3 and known(city) and sample(0.5, 1)")
    changed = count(shop, "orders_90d >= 3 and known(city) and sample(0.5, 1)")
    expect(whole).to_contain_text(f"{changed} people")
    page.get_by_text("Conditions", exact=True).click()
    rows = page.get_by_role("group", name="Condition ")
    expect(rows).to_have_count(3)
    expect(rows.nth(0).get_by_role("spinbutton", name="Value")).to_have_value("3")
    expect(rows.nth(2).get_by_role("textbox", name="Condition as text")).to_have_value("sample(0.5, 1)")
    rows.nth(2).get_by_role("button", name="Remove this condition").click()
    expect(whole).to_contain_text(f"{count(shop, 'orders_90d >= 3 and known(city)')} people")

    page.get_by_role("button", name="Save audience").click()
    expect(page.get_by_text("It needs a name.")).to_be_visible()
    page.get_by_label("Name in files and in the API").fill("clicked")
    page.get_by_label("Title in English").fill("Built by clicks")
    page.get_by_label("Title in Chinese").fill("点选人群")
    page.get_by_role("button", name="Save audience").click()
    expect(page.get_by_role("heading", name="Built by clicks")).to_be_visible()
    assert shop.verb("audience show", name="clicked")["expression"] == "orders_90d >= 3 and known(city)"
    settle(page)
    look(page, "audience-one-en", whole=True)


def test_an_edit_over_somebody_elses_edit_is_not_lost_and_loses_nothing(shop: Site, visit: Visits) -> None:
    shop.write("audiences/shared.yml", "# of both\ntitle: {en: Shared}\nexpression: orders_90d >= 1\n")
    page = visit("/audiences/shared/edit", role="operator", refusals=(409,))
    page.get_by_role("spinbutton", name="Value").fill("4")
    shop.write("audiences/shared.yml", "# of both\ntitle: {en: Shared}\nexpression: orders_90d >= 2\n")
    page.get_by_role("button", name="Save", exact=True).click()
    asked = page.get_by_role("dialog", name="Somebody else changed this meanwhile")
    expect(asked).to_contain_text("orders_90d >= 2")
    asked.get_by_role("button", name="Save mine over it").click()
    expect(page).to_have_url(f"{shop.url}/audiences/shared")
    text = (shop.workspace.paths.folder / "audiences/shared.yml").read_text(encoding="utf-8")
    assert text == "# of both\ntitle: {en: Shared}\nexpression: orders_90d >= 4\n"
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("File")).to_contain_text("orders_90d >= 2")


def test_two_audiences_are_compared_and_every_number_leads_to_people(shop: Site, visit: Visits) -> None:
    page = visit("/audiences/compare?a=recent_buyers&b=followers", role="viewer", language="zh")
    found = shop.verb("audience overlap", audiences=["recent_buyers", "followers"])
    matrix = page.get_by_role("table", name="两两重合")
    both = matrix.get_by_role("link", name=f"{found['pairs'][0]['both']:,}", exact=True).first
    expect(both).to_be_visible()
    expect(page.get_by_text("与 活跃粉丝 相比的特别之处")).to_be_visible()
    look(page, "audience-compare-zh", whole=True)
    both.click()
    expect(page).to_have_url(re.compile(r"/people\?where="))
    expect(page.get_by_text(f"{found['pairs'][0]['both']:,}").first).to_be_visible()


def test_people_are_exported_with_a_reason_and_the_file_is_fetched(
    shop: Site, visit: Visits, tmp_path: Path
) -> None:
    page = visit("/audiences/recent_buyers", role="operator", language="zh")
    people = shop.verb("audience show", name="recent_buyers")["count"]
    page.get_by_role("button", name="导出").click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name=f"导出 {people:,} 人").click()
    expect(form.get_by_text("请至少用三个字符说明原因。")).to_be_visible()
    form.get_by_label("为什么导出这些用户？").fill("春季寄样")
    form.get_by_label("列").click()
    page.keyboard.type("城市")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    form.get_by_role("button", name=f"导出 {people:,} 人").click()
    with page.expect_download() as kept:
        form.get_by_role("link", name="下载文件").click()
    kept.value.save_as(tmp_path / "people.csv")
    content = (tmp_path / "people.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.reader(content.splitlines()))
    assert rows[0] == ["person_id", "user_id", "city"]
    assert len(rows) - 1 == people
    page.goto("/audiences/exports")
    expect(page.get_by_role("cell", name="春季寄样", exact=True)).to_be_visible()
    look(page, "audience-exports-zh")


def test_the_list_is_saved_as_a_view_and_says_what_to_do_when_it_is_empty(
    shop: Site, empty: Site, visit: Visits
) -> None:
    page = visit("/audiences", role="operator")
    page.get_by_role("searchbox").fill("buyers")
    expect(page).to_have_url(f"{shop.url}/audiences?q=buyers")
    expect(page.get_by_role("link", name="recent_buyers")).to_be_visible()
    page.get_by_role("button", name="Views").click()
    page.get_by_label("Name of the view").fill("Buyers only")
    page.get_by_role("button", name="Save this view").click()
    expect(page.get_by_role("button", name="Delete the view Buyers only")).to_be_visible()
    page.keyboard.press("Escape")
    page.goto("/audiences")
    look(page, "audience-list-en")
    page.get_by_role("button", name="Views").click()
    page.get_by_role("button", name="Buyers only", exact=True).click()
    expect(page).to_have_url(f"{shop.url}/audiences?q=buyers")
    page.get_by_role("button", name="Delete the view Buyers only").or_(
        page.get_by_role("button", name="Views")
    ).first.click()
    bare = visit("/audiences", site=empty, role="operator", language="zh")
    expect(bare.get_by_text("还没有人群")).to_be_visible()
    bare.get_by_role("button", name="新建人群").first.click()
    expect(bare.get_by_text("先加一个条件")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_audience_can_be_read_on_a_phone(visit: Visits, theme: str) -> None:
    page = visit("/audiences/recent_buyers", role="viewer", language="zh", theme=theme, width=390)  # type: ignore[arg-type]
    expect(page.get_by_role("heading", name="近90天常客")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    look(page, f"audience-phone-{theme}", whole=True)


def test_a_bar_of_a_portrait_narrows_the_crowd_down_by_the_keyboard(shop: Site, visit: Visits) -> None:
    page = visit("/audiences/recent_buyers", role="operator")
    bar = page.get_by_role("link", name="Add to the conditions: Value tier: high")
    bar.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("New audience")
    both = "in audience recent_buyers and value_tier = 'high'"
    expect(page.get_by_role("status", name="People")).to_contain_text(f"{count(shop, both)} people")
    added = page.get_by_role("button", name=re.compile("^Add to the conditions: (?!Value tier)")).first
    before = page.get_by_role("group", name=re.compile(r"^Condition \d+$")).count()
    added.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name=re.compile(r"^Condition \d+$"))).to_have_count(before + 1)
    viewer = visit("/audiences/recent_buyers", role="viewer")
    expect(viewer.get_by_role("list", name=re.compile("TGI"))).to_be_visible()
    expect(viewer.get_by_role("link", name=re.compile("^Add to the conditions"))).to_have_count(0)
