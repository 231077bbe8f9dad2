"""Scenes in the browser: one is made in the form, edited as text, seen on its page, and found in the calendar."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.web.harness import Site, Visits, look, settle


@pytest.mark.proves("S1")
@pytest.mark.proves("A7")
def test_a_scene_is_made_shown_and_found_in_the_calendar(shop: Site, visit: Visits) -> None:
    page = visit("/marketing/scenes", role="operator", refusals=(404,))
    expect(page.get_by_role("link", name="Spring tea")).to_be_visible()
    look(page, "scenes")
    page.get_by_role("button", name="New scene").click()
    settle(page)
    page.get_by_label("File name").fill("autumn_tea")
    page.get_by_label("Title in English").fill("Autumn tea")
    today = datetime.now(UTC).date()
    page.get_by_label("First day").fill((today - timedelta(days=3)).isoformat())
    page.get_by_label("Last day").fill((today + timedelta(days=20)).isoformat())
    page.get_by_label("Most who may be reached").click()
    page.get_by_title("recent_buyers").click()
    text = page.get_by_role("textbox", name="Text", exact=True)
    expect(text).to_contain_text("audience: recent_buyers")
    text.press("Control+End")
    text.press_sequentially("theme: {line: The second harvest}")
    expect(page.get_by_label("Text: line")).to_have_value("The second harvest")
    look(page, "scenes-edit")
    page.get_by_role("button", name="Create the scene").click()
    expect(page.get_by_role("heading", name="Autumn tea")).to_be_visible()
    settle(page)
    shown = shop.verb("scene show", name="autumn_tea")
    assert (shown["audience"], shown["theme"]) == ("recent_buyers", {"line": "The second harvest"})
    expect(page.get_by_text("Nothing belongs to it yet")).to_be_visible()
    page.get_by_role("button", name="New campaign in this scene").click()
    page.wait_for_url("**scene=autumn_tea**")
    settle(page)
    page.get_by_label("Title").fill("Second harvest")
    page.get_by_role("button", name="Create the draft").click()
    page.wait_for_url(re.compile("/marketing/campaigns/second_harvest/edit"))
    settle(page)
    assert shop.verb("scene show", name="autumn_tea")["campaigns"][0]["name"] == "second_harvest"

    spring = visit("/marketing/scenes/spring_tea", language="zh")
    expect(spring.get_by_role("link", name="春茶上市")).to_be_visible()
    expect(spring.get_by_text("场景没有对照组，无法比较。")).to_be_visible()
    look(spring, "scenes-one-zh")

    calendar = visit("/marketing/calendar")
    expect(calendar.get_by_role("link", name="Autumn tea").first).to_be_visible()
    look(calendar, "scenes-calendar")
    cell = calendar.locator('[role=gridcell][tabindex="0"]')
    cell.focus()
    before = str(cell.get_attribute("data-day"))
    cell.press("ArrowRight")
    after = (datetime.fromisoformat(before) + timedelta(days=1)).date().isoformat()
    expect(calendar.locator(f'[data-day="{after}"]')).to_be_focused()
    calendar.locator(f'[data-day="{after}"]').press("PageDown")
    expect(calendar.locator("[role=gridcell]:focus")).to_have_attribute("aria-selected", "true")
    calendar.get_by_text("Week", exact=True).click()
    expect(calendar.locator("[data-day]")).to_have_count(7)
