"""The library in the browser: a new item by form and text, its looks, who would get it first; and a person's next."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.harness import Language, Site, Visits, hop, look, settle

TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "new": "New content", "name": "Name", "create": "Create", "text": "Text", "link": "Link", "about": "About",
        "save": "Save", "saved": "Saved", "count": "Count now", "first": "first", "next": "What we would show next",
        "because": "because of Interests",
    },
    "zh": {
        "new": "新建内容", "name": "名称", "create": "创建", "text": "正文", "link": "链接", "about": "主题",
        "save": "保存", "saved": "已保存", "count": "现在计算", "first": "首先看到", "next": "接下来会展示什么",
        "because": "因为兴趣品类",
    },
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_item_is_made_looked_at_and_counted(shop: Site, visit: Visits, language: Language) -> None:
    words = TEXTS[language]
    page = visit(
        "/content/library", language=language, role="operator", width=1440 if language == "en" else 390
    )
    main = page.locator("main")
    expect(main).to_contain_text("8" if language == "en" else "送得体面的茶礼")
    look(page, f"library-{language}")
    page.get_by_role("button", name=words["new"]).click()
    name = f"spring_{language}"
    page.get_by_role("dialog").get_by_role("textbox", name=words["name"]).fill(name)
    page.get_by_role("dialog").get_by_role("button", name=words["create"]).click()
    expect(page.locator("main").get_by_role("textbox", name=words["link"]).first).to_be_visible()
    main.get_by_role("textbox", name=words["text"], exact=True).first.fill("Picked <before> the rain")
    main.get_by_role("textbox", name=words["link"]).first.fill("https://shop.example/spring")
    main.get_by_role("combobox", name=words["about"]).fill("oolong,")
    expect(main.locator(".cm-content")).to_contain_text("https://shop.example/spring")
    expect(main.locator(".cm-content")).to_contain_text("oolong")
    frame = main.locator("iframe").first.content_frame
    expect(frame.locator("p")).to_have_text("Picked <before> the rain")
    save = page.get_by_role("button", name=words["save"], exact=True)
    expect(save).to_be_enabled()
    save.click()
    expect(page.locator(".ant-notification-notice").filter(has_text=words["saved"])).to_be_visible()
    kept = (shop.workspace.paths.folder / "content" / f"{name}.yml").read_text(encoding="utf-8")
    assert "about: [oolong]" in kept or "- oolong" in kept
    page.get_by_role("button", name=words["count"]).click()
    told = shop.verb("content reach", name=name)
    expect(main.get_by_role("status")).to_contain_text(f"{told['everybody']:,}")
    settle(page)
    look(page, f"item-{language}", whole=True)
    (person,) = shop.verb("person list", where="known(interest)", limit=1)["people"]
    hop(page, f"/people/{person['person']}")
    expect(main).to_contain_text(words["next"])
    expect(main).to_contain_text(words["because"])
    main.get_by_text(words["next"]).scroll_into_view_if_needed()
    look(page, f"portrait-next-{language}")
