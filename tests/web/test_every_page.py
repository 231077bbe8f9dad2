"""Every page of the UI: it opens in both languages, on a phone and in the dark, for whoever may see it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page

from tests.web.harness import Language, RoleOf, Site, Theme, Visits, go, hop
from tests.web.pages import FEATURES, registered, samples_of

HAN = re.compile(r"[\u4e00-\u9fff]")
VARIANTS: list[tuple[RoleOf, Language, Theme, int]] = [
    ("admin", "en", "light", 1440),
    ("operator", "zh", "dark", 1440),
    ("admin", "zh", "light", 390),
    ("viewer", "en", "light", 1280),
]

WORDS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const code = walker.currentNode.parentElement.closest('script, style, code, pre, kbd, textarea, .cm-editor');
    if (!code) found.push(walker.currentNode.data.trim());
  }
  for (const name of ['aria-label', 'title', 'placeholder', 'alt'])
    for (const one of document.querySelectorAll(`[${name}]`)) found.push(one.getAttribute(name));
  return found.filter(Boolean);
}"""
"""Everything that a person reads on a page, but for what is code."""


def keys() -> set[str]:
    """The dotted names of texts, as they would stand on a page where a text is missing."""
    found = set()
    for file in [
        *FEATURES.glob("*/en.ts"),
        *(FEATURES.parent / name / "en.ts" for name in ("app", "components")),
    ]:
        path: list[str] = []
        for line in file.read_text(encoding="utf-8").splitlines():
            for name, opens, closes in re.findall(r'(?:(\w+):\s*(?={|")({)?)|(})', line):
                if closes:
                    path = path[:-1]
                elif opens:
                    path.append(name)
                elif path:
                    found.add(".".join([*path, re.sub(r"_(one|other)$", "", name)]))
    return found


def wrong(page: Page, language: Language, *, fixed: bool, width: int, texts: set[str]) -> list[str]:
    """What is not as it should be on the open page."""
    found = []
    heading = page.locator("h1").first.inner_text()
    if not heading.strip():
        found.append("the heading is empty")
    if fixed and bool(HAN.search(heading)) is not (language == "zh"):
        found.append(f"the heading '{heading}' is not in {language}")
    if page.locator("html").get_attribute("lang") != ("zh-CN" if language == "zh" else "en"):
        found.append("the page says another language")
    for words in page.evaluate(WORDS):
        if words in texts:
            found.append(f"the text '{words}' is missing")
        if "{{" in words and "}}" in words:
            found.append(f"a gap was not filled: {words[:100]}")
    found += [
        f"alert: {alert.inner_text()}"
        for alert in page.locator("[role=alert]:visible").all()
        if alert.inner_text()
    ]
    if width < 768:
        across = page.evaluate("() => document.documentElement.scrollWidth")
        if across > width:
            found.append(f"it is {across} pixels wide")
    return found


@pytest.mark.parametrize(("role", "language", "theme", "width"), VARIANTS)
def test_every_page_opens(
    visit: Visits, shop: Site, role: RoleOf, language: Language, theme: Theme, width: int
) -> None:
    texts = keys()
    samples = samples_of(shop)
    page = visit(role=role, language=language, theme=theme, width=width)
    loaded = set[str]() if role == "admin" and language == "en" else None
    problems = []
    for one in registered():
        if (role == "viewer" and one.role != "viewer") or (role == "operator" and one.role == "admin"):
            continue
        section = one.pattern.split("/")[1]
        if loaded is not None and section not in loaded:
            loaded.add(section)
            go(page, one.address(samples))
        else:
            hop(page, one.address(samples))
        problems += [
            f"{one.pattern}: {what}"
            for what in wrong(page, language, fixed=one.fixed, width=width, texts=texts)
        ]
    assert not problems, "\n".join(problems)


def test_every_page_opens_before_anything_was_received(visit: Visits, empty: Site) -> None:
    page = visit(site=empty)
    problems = []
    for one in registered():
        if one.fixed:
            hop(page, one.pattern)
            problems += [
                f"{one.pattern}: {what}" for what in wrong(page, "en", fixed=True, width=1440, texts=keys())
            ]
    assert not problems, "\n".join(problems)


def test_the_names_of_texts_are_found() -> None:
    assert {"failure.title", "needs.look", "tabs.account"} <= keys()


def test_an_address_that_leads_nowhere_says_so(visit: Visits) -> None:
    page = visit("/nowhere/at/all")
    assert page.get_by_role("heading", name="Nothing here").is_visible()
