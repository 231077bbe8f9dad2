"""Industry templates in the browser: what they need and what of it is here, installing, and undoing as one."""

from __future__ import annotations

from importlib.resources import files as files_of

import pytest
from playwright.sync_api import expect

from tests.web.harness import Language, Site, Visits, hop, look, settle


def written_by(template: str, *folders: str) -> int:
    """How many files of these folders the template has."""
    home = files_of("limner") / "templates" / template
    return sum(1 for folder in folders for file in (home / folder).iterdir() if file.name.endswith(".yml"))


RETAIL = written_by("retail", "tags", "audiences", "objects")
TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "install": "Install",
        "which": "What to install",
        "would": f"{RETAIL} files would be written",
        "waits": " tags wait for data that nobody here has had yet",
        "undo": "Undo the installation",
        "written": "files were written",
        "none": "0 of 16 here",
    },
    "zh": {
        "install": "安装",
        "which": "安装哪些",
        "would": f"将写入 {RETAIL} 个文件",
        "waits": " 个标签在等待尚未出现过的数据",
        "undo": "撤销安装",
        "written": "已写入",
        "none": "16 项中已有 0 项",
    },
}


@pytest.mark.proves("T9", "T10")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_template_is_looked_at_installed_and_taken_back_as_one(
    fresh: Site, visit: Visits, language: Language
) -> None:
    words = TEXTS[language]

    def files() -> list[str]:
        return sorted(path.name for path in (fresh.workspace.paths.folder / "tags").glob("*.yml"))

    page = visit(
        "/tags/templates/retail", site=fresh, language=language, width=1440 if language == "en" else 390
    )
    status = page.locator("main").get_by_role("status")
    expect(status.filter(has_text=words["would"])).to_be_visible()
    expect(page.locator("main")).to_contain_text(words["waits"])
    expect(page.locator("main")).to_contain_text(words["none"])
    assert files() == []  # looking writes nothing
    page.get_by_role("combobox", name=words["which"]).click()
    page.locator(".ant-select-item-option-content:visible").get_by_text("risk").click()
    expect(status.filter(has_text=words["would"])).to_have_count(0)
    settle(page)
    look(page, f"template-preview-{language}")
    button = page.get_by_role("button", name=words["install"], exact=True)
    button.click()
    expect(page.locator(".ant-notification-notice").filter(has_text=words["written"])).to_be_visible()
    there = files()
    assert "unsubscribed.yml" in there
    assert "gender.yml" not in there
    look(page, f"template-installed-{language}")
    hop(page, "/tags")
    hop(page, "/tags/templates/retail")
    page.get_by_role("button", name=words["undo"]).click()
    expect(page.get_by_role("button", name=words["undo"])).to_have_count(0)
    assert files() == []


@pytest.mark.proves("T10")
def test_two_templates_stand_side_by_side(fresh: Site, visit: Visits) -> None:
    page = visit("/tags/templates", site=fresh)
    for name, title in (("retail", "Retail"), ("auto_finance", "Auto finance")):
        hop(page, "/tags/templates")
        page.get_by_role("link", name=title, exact=True).click()
        page.get_by_role("button", name="Install", exact=True).click()
        expect(page.get_by_role("status").filter(has_text="Everything of it is here")).to_be_visible()
        assert fresh.verb("industry show", name=name)["installation"]["changed"] == []
    hop(page, "/tags")
    tags = written_by("retail", "tags") + written_by("auto_finance", "tags")
    expect(page.get_by_role("button", name="All tags")).to_contain_text(str(tags))


def test_a_viewer_sees_what_a_template_needs_and_installs_nothing(shop: Site, visit: Visits) -> None:
    page = visit("/tags/templates/retail", role="viewer")
    expect(page.get_by_role("region", name="Events", exact=True)).to_contain_text("Order Paid")
    expect(page.get_by_role("button", name="Install", exact=True)).to_have_count(0)
