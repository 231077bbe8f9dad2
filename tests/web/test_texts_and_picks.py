"""Variants and picks in the browser: made by clicks in a campaign and in a journey's message, and what they come to."""

from __future__ import annotations

import re
from html import unescape

from playwright.sync_api import Locator, Page, expect

from limner.campaigns import text as campaign_text
from limner.content.model import Ask
from tests.web.harness import Site, Visits, look, settle
from tests.web.test_accessible import findings

TITLE = re.compile(r"<p>(?:<a[^>]*>)?([^<]+?)(?:</a>)?<br>")
"""What a place of a list is called in the message."""


def put(page: Page, editor: Locator, words: str) -> None:
    """The words instead of what stands in the editor."""
    editor.click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.insert_text(words)


def test_a_campaign_gets_two_texts_and_picks_by_clicks(shop: Site, visit: Visits) -> None:
    page = visit("/marketing/new?audience=recent_buyers", role="operator", refusals=(404, 422))
    page.get_by_label("Title").fill("Two texts")
    page.get_by_role("button", name="Create the draft").click()
    expect(page.get_by_role("heading", name="How many get nothing")).to_be_visible()
    page.get_by_role("button", name="Next", exact=True).click()
    page.get_by_role("button", name="Begin with a sample").click()
    page.get_by_role("button", name="Save the text").click()
    expect(page.get_by_role("textbox", name="two_texts.html")).to_be_visible()
    expect(page.get_by_text("Everybody gets the same text.")).to_be_visible()
    look(page, "texts-none")

    page.get_by_role("button", name="A text for some people").click()
    first, second = (page.get_by_role("group", name=f"Text {number}") for number in (1, 2))
    expect(first.get_by_label("Name", exact=True)).to_be_focused()
    first.get_by_label("Name", exact=True).fill("middle")
    first.get_by_label("Name", exact=True).press("Enter")
    condition = first.get_by_role("textbox", name="For whom")
    put(page, condition, "value_teir = 'middle'")
    expect(first.get_by_role("alert")).to_contain_text("value_teir")
    expect(page.get_by_role("status").filter(has_text="Cannot be saved as it is")).to_be_visible()
    look(page, "texts-mistake")
    put(page, condition, "value_tier = 'middle'")
    expect(first.get_by_role("alert")).to_have_count(0)
    page.get_by_role("button", name="One for everybody else").click()
    second.get_by_label("Name", exact=True).fill("rest")
    second.get_by_label("Name", exact=True).press("Enter")
    expect(second).to_contain_text("for everybody else")
    # In another order the first would be for everybody: that cannot be, and is taken back with the keyboard.
    page.get_by_role("button", name="Text 1 one place down").press("Enter")
    expect(first).to_contain_text("Only the last may be without a condition.")
    page.get_by_role("button", name="Text 1 one place down").press("Enter")
    expect(second).to_contain_text("for everybody else")

    page.get_by_role("button", name="A list of picks").click()
    listed = page.get_by_role("group", name="List articles")
    listed.get_by_role("combobox", name="Only with these words or names").fill("article")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    listed.get_by_label("How many").fill("2")
    listed.get_by_label("How many").press("Enter")

    seen = {}
    for name in ("middle", "rest"):
        page.get_by_role("radiogroup", name="Which text").get_by_text(name, exact=True).click()
        page.get_by_role("button", name="Begin with the text of two_texts").first.click()
        text = page.get_by_role("textbox", name=f"two_texts_{name}.html")
        expect(text).to_contain_text("say here what is new")
        put(page, text, f'<p>Dear {name} ones</p>\n<p><a href="{{{{ unsubscribe_url }}}}">out</a></p>\n')
        listed.get_by_role("button", name=f"Put it at the end of two_texts_{name}.html").click()
        expect(listed.get_by_role("status")).to_contain_text("is not saved yet")
        page.get_by_role("button", name="Save the text").click()
        expect(listed.get_by_role("status")).to_have_text(f"two_texts_{name}.html shows this list.")
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    settle(page)
    look(page, "texts-campaign", whole=True)
    assert findings(page) == []

    for name, when in (("rest", None), ("middle", "value_tier = 'middle'")):
        page.get_by_role("radiogroup", name="Which text").get_by_text(name, exact=True).click()
        if when:
            expect(page.get_by_text(f"Variant “{name}”, because {when}")).to_be_visible()
        else:
            expect(page.get_by_text("Variant “")).to_have_count(0)
        message = page.frame_locator("iframe").first
        expect(message.get_by_text(f"Dear {name} ones")).to_be_visible()
        seen[name] = [line.inner_text().splitlines()[0] for line in message.locator("p:has(br)").all()]
        look(page, f"texts-preview-{name}", whole=True)
    text = shop.verb("campaign show", name="two_texts")["text"]
    for name, titles in seen.items():
        shown = shop.verb("campaign preview", name="two_texts", text=text, n=1, variant=name)
        (person,) = shown["people"]
        assert person["variant"] == name
        assert titles == [unescape(title) for title in TITLE.findall(person["html"])]
        assert len(titles) == 2
    assert seen["middle"] != seen["rest"]

    page.get_by_role("button", name="As text").click()
    expect(page.get_by_role("textbox", name="campaigns/two_texts.yml")).to_contain_text("only: [article]")
    look(page, "texts-text")
    item = campaign_text.read(text, "two_texts")
    assert [(one.name, one.when, one.template) for one in item.variants] == [
        ("middle", "value_tier = 'middle'", "two_texts_middle.html"),
        ("rest", "", "two_texts_rest.html"),
    ]
    assert item.picks == {"articles": Ask(only=("article",), count=2)}


JOURNEY = """\
title: 新品来信
start: {event: Product Added}  # 加购之后
holdout: 0
steps:
  hello:
    message:
      channel: email
      template: waiting_basket.html  # 先用这一份
      subject: 为您挑选
      class: marketing
"""


def test_a_journeys_message_gets_picks_on_a_phone(shop: Site, visit: Visits) -> None:
    path = shop.write("journeys/letter_zh.yml", JOURNEY)
    page = visit(
        "/marketing/journeys/letter_zh/edit", role="operator", language="zh", theme="dark", width=390
    )
    page.get_by_role("button", name=re.compile("为您挑选")).first.click()
    drawer = page.get_by_role("dialog")
    drawer.get_by_role("button", name="添加推荐列表").click()
    listed = drawer.get_by_role("group", name="列表 articles")
    listed.get_by_label("名称", exact=True).fill("offers")
    listed.get_by_label("名称", exact=True).press("Enter")
    listed = drawer.get_by_role("group", name="列表 offers")
    listed.get_by_role("combobox", name="仅限这些词或名称").fill("nothing_of_this_name")
    page.keyboard.press("Enter")
    expect(listed.get_by_role("alert")).to_contain_text("nothing_of_this_name")
    page.keyboard.press("Backspace")
    page.keyboard.insert_text("offer")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(listed.get_by_role("alert")).to_have_count(0)
    listed.get_by_label("数量").fill("1")
    listed.get_by_label("数量").press("Enter")
    listed.get_by_text("更多", exact=True).click()
    listed.get_by_label("至少几项").fill("0")
    listed.get_by_label("至少几项").press("Enter")
    expect(listed.get_by_text("{% for item in picks.offers %}")).to_be_visible()
    drawer.get_by_role("button", name="为部分人添加正文").click()
    first = drawer.get_by_role("group", name="正文 1")
    put(page, first.get_by_role("textbox", name="发给谁"), "value_tier = 'high'")
    expect(first).to_contain_text("发给符合条件的人")
    across = page.evaluate("() => document.documentElement.scrollWidth")
    assert across <= 390
    listed.scroll_into_view_if_needed()
    look(page, "texts-journey-picks")
    first.scroll_into_view_if_needed()
    look(page, "texts-journey-texts")
    assert findings(page) == []
    drawer.get_by_role("button", name="关闭").first.click()
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.get_by_text("新品来信").first).to_be_visible()
    page.wait_for_function("() => !document.querySelector('.ant-btn-loading')")
    saved = path.read_text(encoding="utf-8")
    assert "# 加购之后" in saved
    assert "template: waiting_basket.html  # 先用这一份" in saved
    form = shop.verb("journey form", name="letter_zh", text=saved)
    message = form["fields"]["steps"]["hello"]["message"]
    assert message["picks"] == {"offers": {"count": 1, "only": ["offer"], "least": 0}}
    assert message["variants"] == [
        {"name": "some", "when": "value_tier = 'high'", "template": "waiting_basket.html"}
    ]
    assert form["problems"] == []
