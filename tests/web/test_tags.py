"""Tags in the browser: found, made by the form, computed, looked into, changed by two at once, taken back."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import expect

from tests.web.harness import Language, Site, Visits, asks, hop, look, settle


@pytest.mark.parametrize(
    ("language", "theme", "width", "title", "search", "word"),
    [
        ("en", "light", 1440, "Tags", "Search in Tags", "Gender"),
        ("zh", "dark", 390, "标签", "在标签中搜索", "性别"),
    ],
)
def test_tags_are_searched_and_the_search_stays_in_the_address(
    visit: Visits, shop: Site, language: str, theme: str, width: int, title: str, search: str, word: str
) -> None:
    page = visit("/tags", role="viewer", language=language, theme=theme, width=width)  # type: ignore[arg-type]
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(1 + shop.verb("tag list")["defined"])
    look(page, f"tags-{language}-{theme}-{width}")
    page.keyboard.press("/")
    page.keyboard.type(word)
    expect(page.get_by_role("row")).to_have_count(2)
    asks(page, q=word)
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value(word)
    page.get_by_role("link", name=re.compile(word)).click()
    expect(page.get_by_role("heading", name=word, level=1)).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Edit|编辑"))).to_have_count(0)
    settle(page)
    look(page, f"tag-{language}-{theme}-{width}", whole=True)


@pytest.mark.parametrize(
    ("language", "runs", "alone", "together"),
    [
        ("en", "Runs", "computed alone", r"(in one pass|carried on) with \d+ others"),
        ("zh", "运行记录", "单独计算", r"与另外 \d+ 个标签一(次算完|起增量计算)"),
    ],
)
def test_the_runs_of_a_tag_say_how_long_it_took(
    visit: Visits, language: Language, runs: str, alone: str, together: str
) -> None:
    page = visit("/tags/value_tier", role="viewer", language=language)
    first = page.get_by_role("list", name=runs).get_by_role("listitem").first
    expect(first).to_contain_text(re.compile(rf"[\d.]+ (ms|毫秒|s|秒) ?{alone}"))
    hop(page, "/tags/spent_90d")
    expect(page.get_by_role("list", name=runs).get_by_role("listitem").first).to_contain_text(
        re.compile(together)
    )


def test_what_a_tag_is_made_of_and_who_uses_it_is_drawn(visit: Visits) -> None:
    page = visit("/tags/value_tier")
    page.get_by_role("link", name="Lineage").last.click()
    expect(page.get_by_role("heading", name="Lineage", level=1)).to_be_visible()
    asks(page, focus="tag:value_tier")
    drawn = page.get_by_role("group", name="Lineage")
    expect(drawn.get_by_role("button", name=re.compile("^Value tier "))).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(
        drawn.get_by_role("button", name=re.compile("^Spent in 90 days .* people ?, made of 1, used by 1$"))
    ).to_be_visible()
    expect(drawn.get_by_role("button", name=re.compile("^Order Paid event"))).to_be_visible()
    expect(drawn.get_by_role("button", name=re.compile("^First seen"))).to_have_count(0)
    settle(page)
    look(page, "lineage-focus")
    drawn.get_by_role("button", name=re.compile("^Order Paid event")).click()
    page.wait_for_url(re.compile("focus=event"))
    page.go_back()
    drawn.get_by_role("link", name="Open Value tier").click()
    expect(page.get_by_role("heading", name="Value tier", level=1)).to_be_visible()


def test_a_category_and_a_filter_narrow_the_list(visit: Visits) -> None:
    page = visit("/tags?state=unused")
    buying, other = page.get_by_role("row", name="spent_total"), page.get_by_role("row", name="came_from")
    expect(buying.or_(other)).to_have_count(2)
    page.get_by_role("navigation", name="Categories").get_by_role("button", name=re.compile("buying")).click()
    expect(other).to_have_count(0)
    expect(buying).to_have_count(1)
    asks(page, state="unused", category="buying")
    page.go_back()
    expect(other).to_have_count(1)


def test_a_tag_is_made_by_the_form_computed_looked_into_and_taken_back(visit: Visits, shop: Site) -> None:
    page = visit("/tags", role="operator")
    page.get_by_role("button", name="New tag").click()
    page.get_by_label("Key", exact=True).fill("orders_60d")
    page.get_by_label("Title, English").fill("Orders in 60 days")
    page.get_by_label("How many").fill("60")
    page.get_by_label("Owner").fill("crm desk")
    text = page.get_by_role("textbox", name="Text", exact=True)
    expect(text).to_contain_text('statistic: count("Order Paid" in last 60 days)')
    expect(text).to_contain_text("owner: crm desk")
    expect(page.get_by_text(re.compile(r"^\d+ people would have it"))).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Ready to save")).to_be_visible()
    settle(page)
    look(page, "tag-new", whole=True)
    page.keyboard.press("Control+s")
    expect(page.get_by_role("heading", name="Orders in 60 days", level=1, exact=True)).to_be_visible()
    saved = shop.verb("definition show", kind="tags", name="orders_60d")
    assert saved["changed"]["by"] == "Otto"
    assert "title: {en: Orders in 60 days, zh: 近30天订单数}" in saved["text"]
    expect(page.get_by_text("It was never computed")).to_be_visible()
    page.get_by_role("button", name="Compute").click()
    row = page.get_by_role("link", name=re.compile(r"^0 [\d,]+ "))
    expect(row).to_be_visible()
    shown = shop.verb("tag show", key="orders_60d")
    first = next(item for item in shown["values"] if item["value"] == "0")
    expect(row).to_have_accessible_name(re.compile(rf"^0 {first['people']} "))
    row.click()
    page.wait_for_url(re.compile(r"/people\?.*where="))
    where = parse_qs(urlparse(page.url).query)["where"][0]
    assert shop.verb("audience count", expression=where)["count"] == first["people"]
    page.go_back()
    page.get_by_role("link", name="Edits").click()
    expect(page.get_by_text("Otto made")).to_be_visible()
    page.get_by_role("button", name="Undo this edit").click()
    page.wait_for_url(re.compile(r"/tags$"))
    expect(page.get_by_text("orders_60d").first).to_be_visible()
    assert not (shop.workspace.paths.folder / "tags" / "orders_60d.yml").exists()


def test_a_mistake_in_the_text_is_marked_and_cannot_be_saved(visit: Visits) -> None:
    page = visit("/tags/value_tier/edit", role="operator", language="zh")
    text = page.get_by_role("textbox", name="文本", exact=True)
    expect(text).to_contain_text("spent_90d >= 300")
    page.get_by_label("当 2").fill("spnt_90d >= 300")
    problems = page.get_by_role("list", name="1 个问题")
    expect(problems).to_contain_text("第 8 行")
    expect(problems).to_contain_text("spent_90d")
    expect(page.get_by_role("button", name="保存")).to_be_disabled()
    page.get_by_label("当 2").fill("spent_90d >= 200")
    expect(problems).to_have_count(0)
    expect(page.get_by_text(re.compile("进入 .0，离开 .0，换值"))).to_be_visible()
    text.press("Control+End")
    text.press_sequentially("owner: [")
    expect(page.get_by_text("文本有表单读不懂的错误")).to_be_visible()
    expect(page.get_by_role("button", name="保存")).to_be_disabled()


def test_two_edits_at_once_are_shown_side_by_side(visit: Visits, shop: Site) -> None:
    page = visit("/tags/gender/edit", role="operator", refusals=(409,))
    owner = page.get_by_label("Owner")
    expect(owner).to_have_value("membership")
    theirs = shop.verb("definition show", kind="tags", name="gender")

    def other(word: str) -> None:
        now = shop.verb("definition show", kind="tags", name="gender")
        text = theirs["text"].replace("owner: membership", f"owner: {word}")
        shop.verb("definition save", kind="tags", name="gender", text=text, base=now["etag"])

    other("desk")
    owner.fill("me")
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="Somebody else changed this tag")
    expect(dialog).to_contain_text("command line saved it")
    expect(dialog.get_by_role("region", name="Theirs")).to_contain_text("owner: desk")
    expect(dialog.get_by_role("region", name="Mine")).to_contain_text("owner: me")
    look(page, "tag-conflict")
    dialog.get_by_role("button", name="Take theirs").click()
    expect(owner).to_have_value("desk")
    other("shop")
    owner.fill("me again")
    expect(page.get_by_role("textbox", name="Text", exact=True)).to_contain_text("owner: me again")
    page.get_by_role("button", name="Save").click()
    dialog.get_by_role("button", name="Keep mine").click()
    expect(page.get_by_role("heading", name="Gender", level=1, exact=True)).to_be_visible()
    assert "owner: me again\n" in shop.verb("definition show", kind="tags", name="gender")["text"]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("definition").filter(has_text=re.compile("^shop$"))).to_be_visible()
    assert "owner: shop\n" in shop.verb("definition show", kind="tags", name="gender")["text"]


def test_a_tag_is_deleted_after_a_question_and_brought_back(visit: Visits, shop: Site) -> None:
    page = visit("/tags/first_seen", role="operator")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete the tag First seen?")
    expect(dialog).to_contain_text(re.compile(r"This touches \d+ people"))
    dialog.get_by_role("button", name="Delete").click()
    page.wait_for_url(re.compile(r"/tags$"))
    file = shop.workspace.paths.folder / "tags" / "first_seen.yml"
    expect(page.get_by_text("First seen was deleted")).to_be_visible()
    expect(dialog).to_have_count(0)
    settle(page)
    assert not file.exists()
    with page.expect_response(re.compile(r"/definitions/tags/first_seen/undo$")) as undone:
        page.get_by_role("button", name="Undo").click()
    assert undone.value.ok
    assert file.exists()
    expect(page.get_by_role("link", name=re.compile("First seen"))).to_be_visible()


def test_an_empty_workspace_says_what_to_do_first(visit: Visits, empty: Site) -> None:
    page = visit("/tags", site=empty)
    page.get_by_role("button", name="New tag").click()
    expect(page.get_by_role("heading", name="New tag", level=1)).to_be_visible()
    expect(page.get_by_text("0 people would have it")).to_be_visible()
