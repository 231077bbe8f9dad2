"""The people's pages: from a word to a portrait, why a tag, what happened; masked, as of then, erased."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.web.harness import Language, Site, Visits, look, settle

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "list": "People",
        "search": "Search in People",
        "spent": "Spent in 90 days",
        "why": "Why Spent in 90 days?",
        "events": "The events that decide",
        "paid": "Order Paid",
        "which": "Which events",
        "close": "Close",
        "asof": "As it was on",
    },
    "zh": {
        "list": "用户",
        "search": "搜索用户",
        "spent": "近90天消费",
        "why": "为什么是“近90天消费”？",
        "events": "起决定作用的事件",
        "paid": "Order Paid",
        "which": "事件类型",
        "close": "关闭",
        "asof": "时的画像",
    },
}


def buyer(site: Site, also: str = "") -> dict[str, Any]:
    """Somebody who bought more than once lately and has a name."""
    condition = "spent_90d > 0 and orders_90d >= 2 and known(person.name)" + also
    found: dict[str, Any] = site.verb("person list", where=condition)["people"][0]
    return found


def opened(page: Page, who: dict[str, Any]) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(who["name"])
    settle(page)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_word_leads_to_a_portrait_its_reasons_and_its_time(
    shop: Site, visit: Visits, language: Language
) -> None:
    words = WORDS[language]
    who = buyer(shop)
    told = shop.verb("person why", id=who["person"], key="spent_90d")["statistic"]
    page = visit("/people", language=language)
    expect(page.get_by_role("heading", level=1)).to_have_text(words["list"])
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name=words["search"])
    expect(search).to_be_focused()
    search.fill(who["id"]["value"])
    expect(page).to_have_url(re.compile(f"q={who['id']['value']}"))
    look(page, f"people-{language}")
    page.get_by_role("link", name=re.compile(who["id"]["value"])).click()
    opened(page, who)
    look(page, f"portrait-{language}")

    page.get_by_role("button", name=re.compile(words["spent"])).click()
    drawer = page.get_by_role("dialog", name=words["why"])
    expect(drawer.get_by_role("list", name=words["events"]).get_by_role("listitem")).to_have_count(
        min(50, told["deciding"])
    )
    expect(page).to_have_url(re.compile("why=spent_90d"))
    look(page, f"why-{language}")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()

    chips = page.get_by_role("group", name=words["which"])
    chips.get_by_role("button", name=re.compile(f"^{words['paid']}")).click()
    expect(page).to_have_url(re.compile(r"event=Order(\+|%20)Paid"))
    page.reload()
    settle(page)
    expect(chips.get_by_role("button", name=re.compile(f"^{words['paid']}"))).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.get_by_text("Product Viewed", exact=True)).to_have_count(0)
    page.go_back()
    expect(page).not_to_have_url(re.compile("event="))
    page.get_by_role("link", name=words["list"], exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(words["list"])


def test_labels_stand_with_their_weights_in_the_portrait_its_reasons_and_the_tags_page(
    shop: Site, visit: Visits
) -> None:
    condition = "weight(interest, 'oolong') >= 0.3 and known(person.name)"
    who = shop.verb("person list", where=condition)["people"][0]
    groups = shop.verb("person show", id=who["person"])["tags"]
    (interest,) = [tag for group in groups for tag in group["tags"] if tag["key"] == "interest"]
    page = visit(f"/people/{who['person']}")
    opened(page, who)
    line = page.get_by_role("button", name=re.compile("^.*Interests"))
    expect(line.get_by_role("img", name=re.compile("weight"))).to_have_count(min(5, len(interest["labels"])))
    line.scroll_into_view_if_needed()
    look(page, "interests-portrait")
    line.click()
    drawer = page.get_by_role("dialog", name="Why Interests?")
    expect(drawer.get_by_role("heading", name="Every label with its weight")).to_be_visible()
    expect(drawer.get_by_role("img", name=re.compile("weight"))).to_have_count(len(interest["labels"]))
    expect(drawer.get_by_text(interest["formula"])).to_be_visible()
    look(page, "interests-why")

    page = visit("/tags/interest")
    settle(page)
    row = page.get_by_title(re.compile("oolong: mean weight"))
    look(page, "interests-tag", whole=True)
    row.click()
    expect(page).to_have_url(re.compile(r"where=weight"))


def test_a_condition_is_shown_counted_and_taken_away(shop: Site, visit: Visits) -> None:
    condition = "value_tier = 'high'"
    expected = shop.verb("audience count", expression=condition)["count"]
    everybody = shop.verb("person list")["everybody"]
    page = visit("/people?where=value_tier+%3D+%27high%27")
    expect(page.get_by_role("status").filter(has_text="people")).to_have_text(
        f"{expected} of {everybody} people"
    )
    chip = page.get_by_role("group", name="Only people for whom this holds")
    expect(chip).to_contain_text(condition)
    chip.get_by_role("button", name="Remove this condition").click()
    expect(page).not_to_have_url(re.compile("where="))
    expect(page.get_by_text(f"{everybody} people", exact=True)).to_be_visible()


def test_a_typed_tag_is_offered_as_a_condition(shop: Site, visit: Visits) -> None:
    page = visit("/people?q=high")
    page.get_by_role("button", name="Value tier: high").click()
    expect(page).to_have_url(re.compile("where=value_tier"))
    expect(page).not_to_have_url(re.compile("q="))


def test_a_viewer_sees_a_masked_portrait_and_the_reason(shop: Site, visit: Visits) -> None:
    who = buyer(shop)
    page = visit(f"/people/{who['person']}", role="viewer", language="zh", width=390)
    expect(page.get_by_text("个人信息已脱敏")).to_be_visible()
    expect(page.get_by_text(who["name"])).to_have_count(0)
    expect(page.get_by_role("button", name="更多操作")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    look(page, "portrait-phone-zh")


def test_a_portrait_of_the_past_says_so_and_what_is_different_today(shop: Site, visit: Visits) -> None:
    then = (shop.workspace.clock() - timedelta(days=320)).date().isoformat()
    who = buyer(shop, f" and first_seen before {then}")  # somebody whom one had heard of by then
    page = visit(f"/people/{who['person']}?as_of={then}")
    expect(page.get_by_text("As it was on")).to_be_visible()
    expect(page.get_by_text(re.compile("^today: ")).first).to_be_visible()
    changed = shop.verb("person diff", id=who["person"], since=then)
    expect(page.get_by_text(f"{changed['changes']} differences to today")).to_be_visible()
    tags = page.get_by_role("region", name="Tags", exact=True)
    expect(tags.get_by_role("listitem")).to_have_count(len(changed["tags"]))
    expect(page.get_by_text(re.compile("^first heard of")).first).to_be_visible()
    look(page, "portrait-then", whole=True)
    page.get_by_role("button", name="Back to now").click()
    expect(page).not_to_have_url(re.compile("as_of="))
    expect(page.get_by_text("As it was on")).to_have_count(0)
    line = page.get_by_role("slider", name="Portrait as of a day")
    expect(line).to_have_attribute("aria-valuetext", "now")
    line.focus()
    line.press("ArrowLeft")
    expect(page).to_have_url(re.compile(r"as_of=\d{4}-\d{2}-\d{2}"))
    expect(page.get_by_text("As it was on")).to_be_visible()
    for label, view, sentence in (
        ("True then", "true", "By all that is known today of that time"),
        ("Known then", "known", "what was heard later is left out"),
    ):
        page.get_by_text(label, exact=True).click()
        expect(page).to_have_url(re.compile(f"view={view}"))
        expect(page.get_by_text(re.compile(sentence))).to_be_visible()
    look(page, "portrait-past")
    line = page.get_by_role("slider", name="Portrait as of a day")
    line.press("End")
    expect(page.get_by_text("As it was on")).to_have_count(0)


def test_the_people_of_a_condition_become_an_audience(shop: Site, visit: Visits) -> None:
    page = visit("/people?where=orders_90d+%3E%3D+3", role="operator")
    count = shop.verb("audience count", expression="orders_90d >= 3")["count"]
    page.get_by_role("button", name="Make an audience of them").click()
    expect(page.get_by_role("heading", name="New audience", level=1)).to_be_visible()
    expect(page.get_by_text(f"{count:,}", exact=True).first).to_be_visible()
    page.get_by_text("Text", exact=True).click()
    expect(page.get_by_text("orders_90d >= 3")).to_be_visible()


def test_nobody_yet_says_what_to_do_next(empty: Site, visit: Visits) -> None:
    page = visit("/people", site=empty)
    expect(page.get_by_text("Nobody yet")).to_be_visible()
    expect(page.get_by_role("button", name="Connect a source")).to_be_visible()


def test_an_admin_erases_somebody_after_typing_the_id(fresh: Site, visit: Visits) -> None:
    key = fresh.verb("source add", name="web")["write_key"]
    for user in ("lea", "tom"):
        httpx2.post(
            f"{fresh.url}/v1/identify",
            json={"userId": user, "traits": {"name": user.title()}},
            auth=(key, ""),
        ).raise_for_status()
    page = visit("/people/lea", site=fresh, refusals=(404,))
    expect(page.get_by_role("heading", level=1)).to_have_text("Lea")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("menuitem", name="Erase this person").click()
    dialog = page.get_by_role("dialog", name="Erase this person?")
    expect(dialog.get_by_text("1 event", exact=True)).to_be_visible()
    erase = dialog.get_by_role("button", name="Erase", exact=True)
    expect(erase).to_be_disabled()
    dialog.get_by_role("textbox").fill("lea")
    erase.click()
    expect(page.get_by_role("group", name=re.compile("Erasing a person")).get_by_text("Done")).to_be_visible()
    assert [row["name"] for row in fresh.verb("person list")["people"]] == ["Tom"]
