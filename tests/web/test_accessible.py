"""Every page passes axe-core: no serious or critical finding, in the light and in the dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.web.harness import ROOT, Site, Theme, Visits, hop
from tests.web.pages import registered, samples_of

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
RUN = """(rules) => axe.run(document, { runOnly: { type: "tag", values: rules }, resultTypes: ["violations"] })
  .then(({ violations }) => violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => {
      const places = nodes.slice(0, 4).map((node) => node.html.slice(0, 160));
      return `${id}: ${help}: ${places.join(" | ")}`;
    }))"""


def findings(page: Page) -> list[str]:
    """The serious and critical findings on the open page."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(RUN, RULES)
    return found


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_every_page_is_accessible(visit: Visits, shop: Site, theme: Theme, width: int) -> None:
    samples = samples_of(shop)
    page = visit(theme=theme, width=width)
    problems = []
    for one in registered():
        hop(page, one.address(samples))
        problems += [f"{one.pattern}: {what}" for what in findings(page)]
    assert not problems, "\n".join(problems)


def test_signing_in_is_accessible(visit: Visits) -> None:
    for address in ("/", "/setup#lt_unknown"):
        for theme in ("light", "dark"):
            assert not findings(visit(address, role=None, theme=theme, refusals=(401, 404)))
