"""The first page: five questions with exact numbers, each of which leads somewhere."""

from __future__ import annotations

import gzip
import re
from typing import Literal

import httpx2
import pytest
from playwright.sync_api import Page, Response, expect

from tests.web.harness import Site, Visits, go, hop, look, settle

QUESTIONS = {
    "en": ["Is data flowing?", "What did messages change?", "Who are our people?", "Are tags fresh?"],
    "zh": ["数据是否正常接入？", "消息带来了什么改变？", "我们的用户是谁？", "标签是否新鲜？"],
}
FIRST_PAGE = 400_000
SIGN_IN = 150_000


def number(page: Page, label: str) -> int:
    """The number that stands under the label."""
    figure = page.get_by_text(label, exact=True).locator("xpath=following-sibling::*[1]")
    return int(re.sub(r"\D", "", figure.inner_text()))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_page_answers_five_questions(visit: Visits, language: Literal["en", "zh"]) -> None:
    page = visit("/", language=language)
    for question in QUESTIONS[language]:
        expect(page.get_by_role("heading", name=question)).to_be_visible()
    needs = {
        "en": re.compile("What needs you|Nothing needs you"),
        "zh": re.compile("需要您处理|暂无待处理事项"),
    }
    expect(page.get_by_text(needs[language]).first).to_be_visible()
    behind = {"en": "From event to tags", "zh": "事件到标签用时"}
    expect(page.get_by_text(behind[language], exact=True)).to_be_visible()
    look(page, f"overview-{language}", whole=True)


def test_its_numbers_are_those_of_the_workspace(visit: Visits, shop: Site) -> None:
    known = shop.verb("overview")
    page = visit("/")
    assert number(page, "People") == known["people"]["total"]
    assert number(page, "Active in 30 days") == known["people"]["active"]["people"]
    assert number(page, "Events in 30 days") == known["data"]["events"]
    for one in known["people"]["classes"]:
        assert sum(item["people"] for item in one["values"]) == known["people"]["total"]
    high = next(
        item
        for item in known["people"]["classes"][0]["values"]
        if item["value"] not in (None, "") and item["people"]
    )
    row = page.get_by_role("link").filter(has_text=re.compile(rf"^{high['value']}"))
    expect(row).to_contain_text(f"{high['people']:,}")


def test_every_number_leads_to_the_people_behind_it(visit: Visits, shop: Site) -> None:
    known = shop.verb("overview")["people"]
    conditions = [
        known["new"],
        known["active"],
        *(item for one in known["classes"] for item in one["values"]),
    ]
    for one in conditions:
        assert shop.verb("audience count", expression=one["where"])["count"] == one["people"], one["where"]
    page = visit("/")
    active = page.get_by_text("Active in 30 days", exact=True).locator("xpath=following-sibling::*[1]")
    active.get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/people\?where=did"))
    settle(page)


def test_no_link_of_the_first_page_leads_nowhere(visit: Visits, shop: Site) -> None:
    page = visit("/")
    places = {link.get_attribute("href") or "" for link in page.locator("main a").all()}
    kinds = {re.sub(r"\?.*", "", re.sub(r"(/\w+/\w+)/.*", r"\1/…", place)): place for place in sorted(places)}
    assert len(kinds) > 6
    for place in kinds.values():
        go(page, place)
        expect(page.get_by_role("heading", name="Nothing here")).to_have_count(0)


def test_what_needs_somebody_is_named_and_leads_to_where_it_is_mended(visit: Visits, fresh: Site) -> None:
    key = fresh.verb("source add", name="web")["write_key"]
    with httpx2.Client(base_url=fresh.url, auth=(key, ""), timeout=30) as client:
        good = {"type": "track", "userId": "u1", "event": "Seen"}
        client.post(
            "/v1/batch", json={"batch": [good, {"type": "track", "event": "Nobody"}]}
        ).raise_for_status()
    fresh.write("tags/broken.yml", "title: Broken\ntype: nothing\n")
    fresh.write(
        "tags/seen.yml",
        'title: Seen\nnature: fact\nmethod: statistic\ntype: number\nstatistic: "count(Seen)"\nvalidity: 1 day\n',
    )
    fresh.workspace.load()
    page = visit("/", site=fresh)
    broken = page.get_by_role("link").filter(has_text=re.compile(r"\d+ problems? in the definitions"))
    expect(broken).to_contain_text("tags/broken.yml")
    expect(broken).to_have_attribute("href", "/tags/broken")
    aside = page.get_by_role("link").filter(has_text="1 event was set aside")
    expect(aside).to_have_attribute("href", "/data/quarantine")
    expect(page.get_by_role("link").filter(has_text="1 tag was never computed")).to_be_visible()
    look(page, "overview-needs", whole=True)


def test_before_anything_was_received_it_says_how_to_begin(visit: Visits, empty: Site) -> None:
    page = visit("/", site=empty)
    expect(page.get_by_text("Nothing has been received yet")).to_be_visible()
    page.get_by_role("button", name="Set up the first source").click()
    expect(page).to_have_url(re.compile("/start$"))
    look(page, "overview-empty")


def test_a_viewer_sees_it_without_approvals(visit: Visits) -> None:
    page = visit("/", role="viewer")
    expect(page.get_by_role("heading", name="Who are our people?")).to_be_visible()
    expect(page.get_by_text("approval")).to_have_count(0)


def test_pages_open_where_the_server_is_and_the_internet_is_not(visit: Visits) -> None:
    page = visit("/", role="viewer")
    page.evaluate("() => dispatchEvent(new Event('offline'))")
    hop(page, "/tags")
    expect(page.get_by_role("heading", name="Tags", exact=True)).to_be_visible()
    expect(page.get_by_role("row").nth(3)).to_be_visible()


@pytest.mark.parametrize(("role", "most"), [("admin", FIRST_PAGE), (None, SIGN_IN)])
def test_the_first_page_is_small(visit: Visits, role: Literal["admin"] | None, most: int) -> None:
    page = visit(role=role)
    bodies: list[Response] = []
    page.on("response", lambda response: bodies.append(response))
    go(page, "/")
    page.wait_for_load_state("networkidle")
    sizes = {one.url: len(gzip.compress(one.body(), mtime=0)) for one in bodies if one.status == 200}
    assert sum(sizes.values()) <= most, sorted(sizes.items(), key=lambda item: -item[1])[:8]
