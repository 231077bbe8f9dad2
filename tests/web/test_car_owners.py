"""The lender's pages as docs/car-owners.md shows them: the tag, one person, the journey and the scene."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.sharing import lender_made
from tests.web.harness import Visits, look, open_site


@pytest.mark.proves("S6")
def test_the_pages_say_who_has_a_car_and_why_each_offer_went_so(
    ui: None, visit: Visits, shared: Path, tmp_path: Path
) -> None:
    made = lender_made(shared)
    shutil.copytree(made / "workspace", tmp_path / "lender")
    summary = json.loads((made / "summary.json").read_text())
    with open_site(tmp_path / "lender") as site:
        page = visit("/tags/car_owner", site=site)
        expect(page.get_by_text("It is right as often as its file asks for: 80%.")).to_be_visible()
        page.get_by_text("How often it is right").scroll_into_view_if_needed()
        look(page, "car-owners-tag")

        one = summary["examples"][0]
        page = visit(f"/people/{one['user']}", site=site)
        expect(page.get_by_text(re.compile("at the best hour: there")).first).to_be_visible()
        expect(page.get_by_text(re.compile("by the best channel; answered")).first).to_be_visible()
        offer = page.get_by_text(re.compile(f"{one['picks'][0]['titles']['en']}:")).first
        expect(offer).to_be_visible()
        look(page, "car-owners-person")
        offer.scroll_into_view_if_needed()
        look(page, "car-owners-offer")

        page = visit("/marketing/journeys/car_offer", site=site)
        expect(page.get_by_role("heading", name="An offer for the car")).to_be_visible()
        signed = summary["journey"]["ended"]["left: signed"]
        expect(page.get_by_text(f"{signed} left", exact=True)).to_be_visible()
        look(page, "car-owners-journey")

        page = visit("/marketing/scenes/car_finance", site=site)
        expect(page.get_by_role("heading", name="Car finance")).to_be_visible()
        look(page, "car-owners-report", whole=True)
        for opened in visit.watched:
            opened.page.close()
