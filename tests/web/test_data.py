"""The data pages: a first event turns its source green, what was set aside is tried again, files come in exactly."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.harness import Language, Site, Theme, Visits, look, settle

expect.set_options(timeout=20_000)

PAGES = ("sources", "events", "imports", "quarantine", "runs", "identity")


def send(site: Site, key: str, *calls: dict[str, object]) -> None:
    body = json.dumps({"batch": list(calls), "writeKey": key}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{site.url}/v1/batch", data=body)) as answer:  # noqa: S310
        assert answer.status == 200


def track(user: str, event: str, **properties: object) -> dict[str, object]:
    return {"type": "track", "userId": user, "event": event, "properties": properties}


@pytest.mark.parametrize(
    ("language", "theme", "width"), [("en", "light", 1440), ("zh", "dark", 1440), ("zh", "light", 390)]
)
def test_every_page_of_the_section_shows_the_shop(
    visit: Visits, language: Language, theme: Theme, width: int
) -> None:
    page = visit(language=language, theme=theme, width=width)
    for name in PAGES:
        page.goto(f"/data/{name}")
        settle(page)
        look(page, f"data-{name}-{language}-{theme}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_empty_pages_say_what_to_do_next(visit: Visits, empty: Site) -> None:
    page = visit("/data", site=empty)
    expect(page).to_have_url(re.compile("/data/sources$"))
    for name, says in {
        "sources": "Add a website, an app or a server, or import a file.",
        "events": "Add a source or import a file, and they appear here.",
        "imports": "Drop a file above.",
        "quarantine": "Every event that arrived was taken.",
        "runs": "Imports, tag runs, sends and backups are listed here.",
        "identity": "Send events with a user id, or import a file of members.",
    }.items():
        page.goto(f"/data/{name}")
        expect(page.get_by_text(says)).to_be_visible()
        look(page, f"data-{name}-empty")


def test_a_source_waits_for_its_first_event_and_turns_green_by_itself(visit: Visits, fresh: Site) -> None:
    page = visit("/data/sources", site=fresh)
    page.get_by_role("button", name="Add a source").first.click()
    page.get_by_label("Name").fill("Website & shop")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Waiting for the first event…")).to_be_visible()
    key = page.locator("pre").first.inner_text().strip()
    assert key.startswith("wk_")
    expect(page.locator("pre").nth(1)).to_contain_text(fresh.url)
    expect(page.locator("pre").nth(1)).to_contain_text(key)
    page.get_by_text("curl", exact=True).click()
    look(page, "data-source-waiting", whole=True)
    send(fresh, key, track("ann", "Order Paid", amount=30.5), {"type": "track", "userId": "bob"})
    expect(page.get_by_text("The first event is here")).to_be_visible()
    expect(page.get_by_text("no event name")).to_be_visible()
    look(page, "data-source-here", whole=True)
    page.reload()
    settle(page)
    assert key not in page.content()
    page.get_by_role("button", name="Turn off").click()
    page.get_by_role("dialog").get_by_role("button", name="Turn off").click()
    expect(page.get_by_text("This source is off")).to_be_visible()


def test_the_stream_shows_what_arrives_can_be_paused_and_tells_all_of_an_event(
    visit: Visits, fresh: Site
) -> None:
    key = fresh.verb("source add", name="web")["write_key"]
    page = visit("/data/events", site=fresh, role="operator")
    send(fresh, key, track("ann", "Order Paid", amount=30.5))
    stream = page.get_by_role("list", name="Events")
    expect(stream.get_by_role("listitem")).to_have_count(1)
    stream.get_by_role("button").first.click()
    expect(page.get_by_role("dialog").locator("pre")).to_contain_text('"amount": "30.5"')
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Pause").click()
    send(fresh, key, track("bob", "Order Paid"), track("bob", "Visit"))
    expect(page.get_by_text("paused")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(stream.get_by_role("listitem")).to_have_count(3)
    page.goto("/data/events?event=Visit")
    expect(stream.get_by_role("listitem")).to_have_count(1)
    looked = [row for row in fresh.verb("audit list")["audit"] if row["action"] == "event list"]
    assert len(looked) == 2


def test_what_was_set_aside_is_seen_by_reason_and_tried_again(visit: Visits, fresh: Site) -> None:
    key = fresh.verb("source add", name="web")["write_key"]
    send(
        fresh,
        key,
        {"type": "track", "userId": "bob"},
        {"type": "track", "event": "Visit"},
        track("ann", "Visit"),
    )
    page = visit("/data/quarantine", site=fresh, role="operator")
    expect(page.get_by_role("button", name=re.compile("All reasons 2"))).to_be_visible()
    page.get_by_role("button", name=re.compile("no event name 1")).click()
    expect(page).to_have_url(re.compile("code=missing_event_name"))
    page.get_by_role("button", name="no event name", exact=True).click()
    expect(page.get_by_role("dialog").locator("pre")).to_contain_text('"userId": "bob"')
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Try all again").click()
    expect(page.get_by_text("1 tried: 0 stored, 0 duplicates, 1 stay.")).to_be_visible()
    look(page, "data-quarantine-replayed")


def test_a_file_is_mapped_in_form_and_text_imported_and_its_bad_lines_are_kept(
    visit: Visits, fresh: Site, tmp_path: Path
) -> None:
    path = tmp_path / "till.csv"
    path.write_text(
        "card,sold at,price,note\nann,2026-03-01,5.00,a\nbob,yesterday,6.00,b\n", encoding="utf-8"
    )
    page = visit("/data/imports", site=fresh, role="operator")
    page.set_default_timeout(30_000)
    page.get_by_label("File", exact=True).set_input_files(path)
    begin = page.get_by_role("button", name="Import 2 rows")
    expect(begin).to_be_enabled()
    expect(page.get_by_text("No column says who it was.")).to_be_visible()
    choose(page, "What card is", "who: user id")
    expect(page.get_by_text("No column says who it was.")).not_to_be_visible()
    editor = page.get_by_role("textbox", name="The same as text")
    expect(editor).to_contain_text("user_id: card")
    page.get_by_label("Event name").fill("Bought")
    expect(editor).to_contain_text("event: Bought")
    choose(page, "What note is", "left out")
    expect(editor).not_to_contain_text("note")
    editor.click()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.type("\nsourse: x")
    expect(page.get_by_text("did you mean source?")).to_be_visible()
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_disabled()
    page.keyboard.press("Shift+Home")
    page.keyboard.press("Backspace")
    expect(begin).to_be_enabled()
    look(page, "data-import-mapping", whole=True)
    begin.click()
    expect(page.get_by_text("Rows that were not taken: 1")).to_be_visible()
    look(page, "data-import-report", whole=True)
    with page.expect_download() as kept:
        page.get_by_role("link", name="All as CSV").click()
    assert "yesterday" in Path(kept.value.path()).read_text(encoding="utf-8-sig")
    page.goto("/data/imports")
    page.get_by_role("link", name="till.csv").click()
    page.get_by_role("button", name="Import again with another mapping").click()
    expect(
        page.get_by_text(re.compile("This very file was imported .* its 1 stored rows stay"))
    ).to_be_visible()
    assert fresh.verb("event summary", by=["event"])["groups"] == [{"event": "Bought", "events": 1}]


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.locator(".ant-select-dropdown:visible").get_by_title(option, exact=True).click()


def test_a_viewer_sees_which_events_there_are_but_no_single_one(visit: Visits) -> None:
    page = visit("/data/events", role="viewer")
    expect(page.get_by_role("cell", name="Order Paid")).to_be_visible()
    expect(page.get_by_role("list", name="Events")).not_to_be_visible()
    expect(page.get_by_role("link", name="Quarantine")).not_to_be_visible()
