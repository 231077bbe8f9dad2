"""Marketing in the browser: from an audience to a sent campaign with a second person's word, stop, clone, report."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.harness import Site, Visits, look, settle

LIMIT = 50


@pytest.fixture
def limited(shop: Site) -> Iterator[Site]:
    """The shop with a low limit, above which a second person must approve."""
    config = shop.workspace.config
    before = config.approval_people
    object.__setattr__(config, "approval_people", LIMIT)
    yield shop
    object.__setattr__(config, "approval_people", before)


def step(page: Page, words: str) -> None:
    page.get_by_role("button", name=words, exact=True).click()
    settle(page)


def test_from_an_audience_to_a_sent_campaign_with_a_second_person(limited: Site, visit: Visits) -> None:
    taken = len(limited.mail.messages())
    page = visit("/marketing/new?audience=recent_buyers", role="operator", refusals=(404,))
    page.get_by_label("Title").fill("Autumn tasting")
    expect(page.get_by_label("File name")).to_have_value("autumn_tasting")
    expect(page.get_by_text("In the audience")).to_be_visible()
    step(page, "Create the draft")

    expect(page.get_by_role("heading", name="How many get nothing")).to_be_visible()
    expect(
        page.get_by_text("Estimated from history").or_(page.get_by_text("Not enough data"))
    ).to_be_visible()
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")
    expect(page.get_by_text("20%", exact=True).first).to_be_visible()
    look(page, "marketing-holdout")
    step(page, "Next")

    step(page, "Begin with a sample")
    step(page, "Save the text")
    expect(page.frame_locator("iframe").first.get_by_role("heading", name="Hello")).to_be_visible()
    expect(page.locator("iframe")).to_have_count(2)
    step(page, "Next person")
    expect(page.get_by_text("2 of ")).to_be_visible()
    look(page, "marketing-content")
    step(page, "Next")
    page.get_by_role("checkbox", name="Cap").check()
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    step(page, "Next")

    checks = page.get_by_role("list", name="Check list")
    expect(checks).to_contain_text("a second person must approve")
    expect(checks).to_contain_text("At most 3 messages in 7 days")
    look(page, "marketing-check")
    step(page, "Ask for approval")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What should they know?").fill("The tasting is on Friday.")
    dialog.get_by_role("button", name="Ask for approval").click()
    expect(page.get_by_text("You asked; somebody else decides.")).to_be_visible()

    other = visit("/marketing", role="colleague", language="zh")
    expect(other.get_by_text("The tasting is on Friday.")).to_be_visible()
    look(other, "marketing-approval-zh")
    other.get_by_role("button", name="同意", exact=True).click()
    expect(other.get_by_text("The tasting is on Friday.")).to_be_hidden()

    step(page, "Check again")
    expect(checks).to_contain_text("A second person approved it")
    page.get_by_role("button", name="Send to").click()
    dialog = page.get_by_role("dialog")
    word = dialog.get_by_role("textbox")
    send = dialog.get_by_role("button", name="Send to")
    expect(send).to_be_disabled()
    people = "".join(letter for letter in (send.text_content() or "") if letter.isdigit())
    word.fill(people)
    send.click()
    page.get_by_role("link", name="See the report").click(timeout=20_000)
    settle(page)
    expect(page.get_by_text("Adds up exactly")).to_be_visible()
    assert len(limited.mail.messages()) - taken == int(people)
    assert limited.mail.twice == []


def test_a_sending_is_stopped_and_goes_on(shop: Site, visit: Visits) -> None:
    text = (
        "title: Slow\naudience: recent_buyers\nholdout: 0.2\nchannel: email\nclass: service\nsubject: Slow\n"
        "template: spring_harvest.html\n"
    )
    shop.write("campaigns/slow.yml", text)
    email = shop.workspace.config.email
    object.__setattr__(email, "messages_per_second", 5.0)
    page = visit("/marketing/campaigns/slow/edit?step=send", role="operator", refusals=(404,))
    page.get_by_role("button", name="Send to").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Send to").click()
    page.get_by_role("button", name="Stop sending").click()
    page.get_by_role("link", name="See the report").click()
    settle(page)
    expect(page.get_by_text("stopped by Otto")).to_be_visible()
    look(page, "marketing-stopped")
    object.__setattr__(email, "messages_per_second", 0.0)
    page.get_by_role("button", name="Go on sending").click()
    expect(page.get_by_role("button", name="Go on sending")).to_be_hidden(timeout=15_000)
    expect(page.get_by_text("stopped by Otto")).to_be_hidden()
    assert shop.mail.twice == []


@pytest.mark.parametrize(("language", "word"), [("en", "Incremental people"), ("zh", "增量人数")])
def test_the_report_says_first_what_it_changed(shop: Site, visit: Visits, language: str, word: str) -> None:
    page = visit("/marketing/campaigns/spring_harvest", role="viewer", language=language)  # type: ignore[arg-type]
    first = page.locator("h2").first
    expect(first).to_have_text("What it changed" if language == "en" else "改变了什么")
    report = shop.verb("campaign report", name="spring_harvest")
    if report["enough_data"]:
        expect(page.get_by_text(word)).to_be_visible()
    else:
        expect(page.get_by_text("Not enough data yet" if language == "en" else "数据还不够")).to_be_visible()
    assert page.get_by_role("button", name="Clone").count() == 0
    look(page, f"marketing-report-{language}")


def test_the_people_behind_a_number_are_one_click_away(shop: Site, visit: Visits) -> None:
    page = visit("/marketing/campaigns/spring_harvest", role="viewer")
    held = shop.verb("campaign report", name="spring_harvest")["held_out"]
    card = page.locator("section").filter(has=page.get_by_role("heading", name="Where everybody is"))
    card.get_by_role("link", name=str(held), exact=True).click()
    settle(page)
    people = page.get_by_role("table").filter(has=page.get_by_role("columnheader", name="Outcome"))
    expect(people.get_by_text("held out").first).to_be_visible()
    expect(people.get_by_text("sent", exact=True)).to_have_count(0)


def test_a_clone_is_a_new_draft(shop: Site, visit: Visits) -> None:
    page = visit("/marketing/campaigns/points_notice", role="operator")
    step_button = page.get_by_role("button", name="Clone")
    step_button.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("file name").fill("points_again")
    dialog.get_by_role("button", name="Clone").click()
    expect(page).to_have_url(f"{shop.url}/marketing/campaigns/points_again/edit")
    settle(page)
    expect(page.get_by_text("Saved")).to_be_visible()
    listed = visit("/marketing?q=points&status=draft", role="viewer")
    expect(listed.get_by_role("cell", name="Draft")).to_be_visible()


def test_a_template_shows_its_mistake_at_its_line(shop: Site, visit: Visits) -> None:
    shop.write("templates/trial.html", "<p>{{ person.nmae }}</p>\n")
    page = visit("/content/templates/trial.html", role="operator", refusals=(422,))
    expect(page.get_by_text("The text cannot be used")).to_be_visible()
    expect(page.get_by_role("list").get_by_text("unknown variable")).to_be_visible()
    listed = visit("/content", role="viewer", language="zh")
    expect(listed.get_by_role("link", name="trial.html")).to_be_visible()


def test_channels_are_tested_without_a_message(shop: Site, visit: Visits) -> None:
    before = len(shop.mail.messages())
    page = visit("/content/channels", role="operator")
    page.get_by_role("button", name="Test the connection").first.click()
    expect(page.get_by_text("It lets us in")).to_be_visible()
    assert len(shop.mail.messages()) == before


def test_effects_stand_in_one_table_also_when_nothing_was_sent(
    shop: Site, empty: Site, visit: Visits
) -> None:
    page = visit("/effects", role="viewer")
    expect(page.get_by_role("link", name="Spring harvest")).to_be_visible()
    nothing = visit("/effects", role="viewer", site=empty, language="zh")
    expect(nothing.get_by_text("还没有发送过")).to_be_visible()
    lists = visit("/marketing", role="operator", site=empty)
    expect(lists.get_by_text("No campaign yet")).to_be_visible()
