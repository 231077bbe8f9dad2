"""An operator's desk in the browser: who gets nothing, what people said, and a channel's set-up."""

from __future__ import annotations

import httpx2
from playwright.sync_api import expect
from sqlalchemy import text

from limner.accounts.keys import micros
from tests.web.harness import Site, Visits, go, settle

SAID = "请问还有货吗？"


def test_an_operator_sees_who_gets_nothing_answers_people_and_checks_a_channel(
    visit: Visits, shop: Site
) -> None:
    key = shop.verb("source add", name="desk")["write_key"]
    body = {"userId": "m000001", "event": "Message Received", "properties": {"kind": "text", "text": SAID}}
    httpx2.post(f"{shop.url}/v1/track", json=body, auth=(key, "")).raise_for_status()
    held = {"at": micros(shop.workspace.clock()), "why": "the audience grew from 10 people to 40 now"}
    with shop.workspace.records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO holds (kind, name, entry, at, reason, finding)"
                " VALUES ('journey', 'desk_journey', '', :at, :why, 'audience desk')"
            ),
            held,
        )

    page = visit("/marketing/suppressions", role="operator")
    card = page.locator("section", has=page.get_by_role("heading", name="Held now"))
    expect(card).to_contain_text("grew from 10 people to 40")
    card.get_by_role("button", name="Let it go on").click()
    ask = page.get_by_role("dialog")
    expect(ask.get_by_role("button", name="Let it go on")).to_be_disabled()
    ask.get_by_role("textbox").fill("the sale, as planned")
    ask.get_by_role("button", name="Let it go on").click()
    expect(card).to_contain_text("Nothing is held")
    assert shop.verb("hold list")["holds"] == []
    expect(page.get_by_text("no consent").first).to_be_visible()

    page.get_by_role("button", name="Add an address").click()
    form = page.get_by_role("form", name="Add an address")
    form.get_by_label("Address", exact=True).fill("Desk@shop.example")
    form.get_by_label("Why?").fill("asked us by phone")
    form.get_by_role("button", name="Add an address").click()
    expect(form).to_be_hidden()
    found = shop.verb("suppression list", q="desk@shop.example")["suppressed"]
    assert [row["reason"] for row in found] == ["unsubscribed"]
    go(page, "/marketing/suppressions?address-q=desk@shop.example")
    page.get_by_role("button", name="Take off").click()
    ask = page.get_by_role("dialog")
    ask.get_by_role("textbox").fill("their own wish")
    ask.get_by_role("button", name="Take off").click()
    expect(ask).to_be_hidden()
    assert shop.verb("suppression list", q="desk@shop.example")["total"] == 0

    go(page, "/marketing/inbox")
    row = page.get_by_role("row").filter(has_text=SAID)
    row.get_by_role("button", name="Done").click()
    ask = page.get_by_role("dialog")
    ask.get_by_role("textbox").fill("called back")
    ask.get_by_role("button", name="Done").click()
    expect(row).to_have_count(0)
    page.get_by_title("All", exact=True).click()
    expect(row).to_contain_text("called back")
    hidden = visit("/marketing/inbox?all=true", role="viewer")
    expect(hidden.get_by_text("Names and texts are masked for your role.")).to_be_visible()
    expect(hidden.get_by_text(SAID)).to_have_count(0)

    go(page, "/content/channels/wechat")
    page.get_by_role("button", name="Check now").click()
    settle(page)
    said = page.locator("li").filter(has_text="Connection and sign-in")
    expect(said).to_contain_text("in order")
    go(page, "/content/channels/sms")
    expect(page.get_by_text('secret_env = "SMS_SECRET"')).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Something is missing")).to_be_visible()
