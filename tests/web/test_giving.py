"""Giving tags in the browser: filter, look at what would change, tag, undo; one person; and what was given before."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web.harness import Language, Site, Visits, hop, look, settle

TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "tag_these": "Tag these people",
        "new": "Make a new tag",
        "title": "Title",
        "words": "words",
        "which": "Which words",
        "make": "Make the tag",
        "value": "Value",
        "change": "people change",
        "tag": "Tag {} people",
        "given": "given to",
        "undo": "Undo",
        "undone": "undone",
        "one": "Give a tag",
        "give": "Give",
        "by": "given by",
        "take": "Take it back",
        "why": "Why",
        "cancel": "Cancel",
    },
    "zh": {
        "tag_these": "给这些用户打标签",
        "new": "新建一个标签",
        "title": "名称",
        "words": "文字",
        "which": "哪些文字",
        "make": "新建",
        "value": "取值",
        "change": "位会改变",
        "tag": "给 {} 位用户打标签",
        "given": "已给",
        "undo": "撤销",
        "undone": "已撤销",
        "one": "打标签",
        "give": "打标签",
        "by": "手动",
        "take": "收回",
        "why": "为什么",
        "cancel": "取消",
    },
}
MANUAL = (
    "title: {{en: Call {0}, zh: 致电{0}}}\nnature: model\nmethod: manual\ntype: text\nvalues: [call, visit]\n"
)


def held(site: Site, key: str) -> int:
    """How many people have a value of the tag now."""
    return int(site.verb("audience count", expression=f"known({key})")["count"])


def choose(page: Page, name: str, option: str) -> None:
    page.get_by_role("combobox", name=name).click()
    page.locator(".ant-select-item-option-content:visible").get_by_text(option, exact=True).click()


@pytest.mark.proves("P7", "P8")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_filter_preview_tag_and_undo(shop: Site, visit: Visits, language: Language) -> None:
    words = TEXTS[language]
    many = int(shop.verb("audience count", expression="orders_90d >= 1")["count"])
    key = f"care_{language}"
    width = 1440 if language == "en" else 390
    page = visit("/people?where=orders_90d+%3E%3D+1", language=language, role="operator", width=width)
    page.get_by_role("button", name=words["tag_these"], exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=words["new"]).click()
    dialog.get_by_role("textbox", name=words["title"]).fill(f"Care {language}")
    dialog.get_by_text(words["words"], exact=True).click()
    dialog.get_by_role("combobox", name=words["which"]).fill("call,visit,")
    look(page, f"give-make-{language}")
    dialog.get_by_role("button", name=words["make"], exact=True).click()
    choose(page, words["value"], "call")
    expect(dialog.get_by_role("status")).to_contain_text(words["change"])
    expect(dialog.get_by_role("status")).to_contain_text(str(many))
    look(page, f"give-preview-{language}")
    assert (shop.workspace.paths.folder / "tags" / f"{key}.yml").is_file()
    dialog.get_by_role("button", name=words["tag"].format(many)).click()
    toast = page.locator(".ant-notification-notice").filter(has_text=words["given"])
    expect(toast).to_be_visible()
    assert held(shop, key) == many
    look(page, f"give-done-{language}")
    toast.get_by_role("button", name=words["undo"]).click()
    hop(page, "/tags/batches")
    expect(page.locator("main")).to_contain_text(words["undone"])
    look(page, f"batches-{language}")
    assert held(shop, key) == 0


@pytest.mark.proves("P8")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_one_person_is_given_a_tag_with_author_and_it_is_taken_back(
    shop: Site, visit: Visits, language: Language
) -> None:
    words = TEXTS[language]
    key = f"call_{language}"
    shop.write(f"tags/{key}.yml", MANUAL.format(language))
    title = f"Call {language}" if language == "en" else f"致电{language}"
    who = shop.verb("person list", where="known(person.name)")["people"][2]
    page = visit(f"/people/{who['person']}", language=language, role="operator")
    page.get_by_role("button", name=words["one"], exact=True).click()
    dialog = page.get_by_role("dialog")
    choose(page, "Tag" if language == "en" else "标签", title)
    choose(page, words["value"], "visit")
    expect(dialog.get_by_role("status")).to_be_visible()
    look(page, f"give-one-{language}")
    dialog.get_by_role("button", name=words["give"], exact=True).click()
    line = page.get_by_role("button", name=re.compile(title))
    expect(line).to_contain_text(words["by"])
    settle(page)
    look(page, f"give-portrait-{language}")
    line.click()
    drawer = page.get_by_role("dialog", name=re.compile(title))
    expect(drawer).to_contain_text("Otto")
    look(page, f"give-why-{language}")
    drawer.get_by_role("button", name=words["take"]).click()
    expect(drawer.get_by_role("button", name=words["take"])).to_be_hidden()
    assert held(shop, key) == 0


def test_a_batch_is_undone_from_the_list_and_who_changed_since_is_named(shop: Site, visit: Visits) -> None:
    shop.write("tags/call_list.yml", MANUAL.format("list"))
    ids = [row["person"] for row in shop.verb("person list", where="orders_90d >= 1")["people"][:3]]
    shop.verb("tag give", key="call_list", value="call", people=ids)
    shop.verb("tag give", key="call_list", value="visit", person=ids[0])
    page = visit("/tags/batches", role="operator")
    page.get_by_role("button", name="Undo: Call list: given call").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 people get back exactly what was there before")
    expect(dialog).to_contain_text(ids[0])
    look(page, "batches-undo")
    dialog.get_by_role("button", name="Undo", exact=True).click()
    expect(page.locator(".ant-notification-notice").filter(has_text="Undone for 2 people")).to_be_visible()
    assert held(shop, "call_list") == 1


def test_viewers_see_who_gave_a_value_and_give_none(shop: Site, visit: Visits) -> None:
    page = visit("/people?where=orders_90d+%3E%3D+1", role="viewer")
    expect(page.get_by_role("heading", level=1)).to_have_text("People")
    expect(page.get_by_role("button", name="Tag these people")).to_have_count(0)
