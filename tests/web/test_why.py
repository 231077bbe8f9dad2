"""The drawer that says why: how far the next tier is by whose cut points, and what makes a learned chance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web import harness
from tests.web.harness import Language, Site, Visits, look, settle

TIER = """title: {en: Spending tier, zh: 消费分层}
nature: model
method: rule
type: text
cuts: {of: spent_90d, tiers: [low, middle, high], at: [50%, 80%], refresh: every run}
validity: 2 days
category: buying/amount
owner: crm
why: Who spends most.
"""
CHANCE = """title: {en: Buys again in 30 days, zh: 30天内复购}
nature: prediction
method: learned
type: number
learned:
  label: did "Order Paid"
  features: [days_since_order, orders_90d, spent_90d]
  train: [2024-01-01]
  test: [2024-06-01]
  learnt:
    base: -0.6
    features:
    - {tag: days_since_order, weight: -0.03, mean: 30}
    - {tag: orders_90d, weight: 0.2, mean: 2}
    - {tag: spent_90d, weight: 0.002, mean: 100}
    at: '2026-05-01T09:30:00+08:00'
    examples: 1200
    reached: 300
    auc: 0.81
validity: 2 days
category: buying/amount
owner: crm
why: Who is about to buy needs no coupon.
"""
LIKELY = """title: {en: Likely to buy, zh: 可能复购}
nature: model
method: rule
type: flag
cases:
- when: buys_again >= 0.9
  then: true
validity: 2 days
category: buying/amount
owner: crm
why: No coupon for them.
"""
WORDS: dict[Language, dict[str, str]] = {
    "en": {"moving": "cut points move with every run", "run": "by the run as of", "intercept": "Intercept"},
    "zh": {"moving": "分界点随每次运行变动", "run": "的运行根据", "intercept": "截距"},
}  # fmt: skip


@pytest.fixture(scope="module")
def site(ui: None, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A shop of its own, which has the three tags."""
    folder = tmp_path_factory.mktemp("why") / "shop"
    with harness.open_site(harness.copied_shop(shared, folder)) as made:
        for key, text in {"spending_tier": TIER, "buys_again": CHANCE, "likely": LIKELY}.items():
            made.write(f"tags/{key}.yml", text)
        made.verb("tag run")
        yield made


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_drawer_shows_cut_points_and_chances(site: Site, visit: Visits, language: Language) -> None:
    words = WORDS[language]
    where = "spending_tier = 'middle' and buys_again < 0.9 and days_since_order > 3"
    person = site.verb("person list", where=where)["people"][0]["person"]
    told = site.verb("person why", id=person, key="spending_tier")["tiers"]
    page = visit(f"/people/{person}?why=spending_tier", site=site, language=language)
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text(told["above"]["text"][language])).to_be_visible()
    expect(drawer.get_by_text(told["below"]["text"][language])).to_be_visible()
    expect(drawer.get_by_text(re.compile(words["moving"])).first).to_be_visible()
    expect(drawer.get_by_text(re.compile(words["run"]))).to_be_visible()
    settle(page)
    look(page, f"why-tiers-{language}")

    chance = site.verb("person why", id=person, key="buys_again")
    learned = chance["learned"]
    page = visit(f"/people/{person}?why=buys_again", site=site, language=language)
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text(words["intercept"], exact=True)).to_be_visible()
    assert learned["above"]["tag"] == "likely"
    expect(drawer.get_by_text(learned["above"]["text"][language])).to_be_visible()
    expect(drawer.get_by_text(learned["above"]["near"]["missing"]["text"][language])).to_be_visible()
    expect(drawer.get_by_text("−0.6000")).to_be_visible()
    settle(page)
    look(page, f"why-learned-{language}")
