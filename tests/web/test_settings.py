"""Settings: people and their one-time links, oneself, keys, the audit, and how the workspace is set up."""

from __future__ import annotations

import re
from dataclasses import fields

import httpx2
import pytest
from playwright.sync_api import expect

from limner import config
from tests.web.harness import PASSWORD, ROOT, Site, Visits, look

SECTIONS = {"": config.Config, **config.SECTIONS}


def test_somebody_is_invited_by_a_link_that_is_shown_once(visit: Visits, fresh: Site) -> None:
    page = visit("/settings/users", site=fresh)
    page.get_by_role("button", name="Add a person").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Login").fill("nina@tea.example.test")
    form.get_by_role("textbox", name="Name", exact=True).fill("Nina")
    form.get_by_role("radio", name="Operator").check()
    form.get_by_role("button", name="Add a person").click()
    shown = page.get_by_role("dialog", name="One-time link for Nina")
    link = shown.locator("pre").inner_text()
    assert link.startswith(f"{fresh.url}/setup#lt_")
    look(page, "settings-link")
    shown.get_by_role("button", name="I have kept it").click()
    expect(shown).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="nina@tea.example.test")).to_contain_text("invited")
    assert link.partition("#")[2] not in page.content()

    nina = visit(role=None, site=fresh)
    nina.goto(link)
    nina.locator("input[name=password]").fill("three grey boats waiting")
    nina.locator("button[type=submit]").click()
    expect(nina.get_by_role("heading", level=1)).to_have_text("Overview")


def test_whoever_is_disabled_is_out_at_once(visit: Visits, fresh: Site) -> None:
    vera = visit("/settings/account", site=fresh, role="viewer", refusals=(401,))
    page = visit("/settings/users", site=fresh)
    page.get_by_role("button", name="More for Vera").click()
    page.get_by_role("menuitem", name="Disable").click()
    page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    expect(page.get_by_role("row").filter(has_text="vera@")).to_contain_text("disabled")
    vera.goto("/people")
    expect(vera.locator("input[name=password]")).to_be_visible()


def test_a_role_is_changed(visit: Visits, fresh: Site) -> None:
    page = visit("/settings/users", site=fresh)
    page.get_by_role("button", name="Change Otto").click()
    form = page.get_by_role("dialog")
    form.get_by_role("radio", name="Viewer").check()
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row").filter(has_text="otto@")).to_contain_text("Viewer")


def test_a_key_is_shown_once_works_and_is_removed(visit: Visits, fresh: Site) -> None:
    page = visit("/settings/keys", site=fresh)
    expect(page.get_by_text("There is no key yet")).to_be_visible()
    page.get_by_role("button", name="New key").first.click()
    form = page.get_by_role("dialog")
    form.get_by_label("What it is for").fill("the dashboard")
    form.get_by_role("combobox", name="Scopes").click()
    form.get_by_role("combobox", name="Scopes").fill("people:read")
    page.locator(".ant-select-item-option").filter(has_text="people:read").click()
    page.keyboard.press("Escape")
    form.get_by_role("button", name="New key").click()
    shown = page.get_by_role("dialog", name="The new key")
    key = shown.locator("pre").first.inner_text()
    assert (
        httpx2.get(f"{fresh.url}/api/v1/session", headers={"authorization": f"Bearer {key}"}).json()["role"]
        == "viewer"
    )
    shown.get_by_role("button", name="I have kept it").click()
    assert key not in page.content()
    line = page.get_by_role("row").filter(has_text="the dashboard")
    expect(line).to_contain_text("people:read")
    line.get_by_role("button", name="Remove the key the dashboard").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("There is no key yet")).to_be_visible()
    refused = httpx2.get(f"{fresh.url}/api/v1/people", headers={"authorization": f"Bearer {key}"})
    assert refused.status_code == 401


def test_other_sessions_are_ended(visit: Visits, fresh: Site) -> None:
    other = visit("/settings/account", site=fresh, role="operator", refusals=(401,))
    page = visit("/settings/account", site=fresh, role="operator")
    expect(page.get_by_role("row").filter(has_text="this one")).to_have_count(1)
    page.get_by_role("button", name="End all others").click()
    expect(page.get_by_role("button", name="End all others")).to_be_disabled()
    other.goto("/people")
    expect(other.locator("input[name=password]")).to_be_visible()


def test_the_password_is_changed_only_with_the_present_one(visit: Visits, fresh: Site) -> None:
    page = visit("/settings/account", site=fresh, role="operator", refusals=(403,))
    page.get_by_label("Current password").fill("not this one at all")
    page.get_by_label("New password").fill("seven kites over water")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("The password is changed")).to_be_visible()


def test_the_language_is_the_accounts_and_changes_every_word(visit: Visits, fresh: Site) -> None:
    page = visit("/settings/account", site=fresh, role="viewer")
    with page.expect_response(lambda answer: answer.request.method == "PATCH") as told:
        page.get_by_title("中文").click()
    assert told.value.ok
    expect(page.get_by_role("heading", level=1)).to_have_text("我的账户")
    expect(page.get_by_role("link", name="概览")).to_be_visible()
    found = [user for user in fresh.verb("user list")["users"] if user["login"].startswith("vera")]
    assert found[0]["language"] == "zh"


def test_the_audit_is_filtered_by_its_address_and_verified(visit: Visits, fresh: Site) -> None:
    for name in ("one", "two"):
        fresh.verb("source add", name=name)
    fresh.verb("key add", role="viewer", note="a note")
    page = visit("/settings/audit?action=source+add", site=fresh)
    expect(page.get_by_role("row").filter(has_text="source add")).to_have_count(2)
    expect(page.get_by_role("row").filter(has_text="key add")).to_have_count(0)
    page.get_by_label("Subject").fill("two")
    expect(page.get_by_role("row").filter(has_text="source add")).to_have_count(1)
    expect(page).to_have_url(re.compile("subject=two"))
    page.get_by_role("button", name="Verify the chain").click()
    expect(page.get_by_role("status").filter(has_text="The chain is whole")).to_be_visible()
    look(page, "settings-audit")
    with page.expect_download() as saving:
        page.get_by_role("button", name="Download CSV").click()
    assert "source add" in saving.value.path().read_text(encoding="utf-8-sig")


def test_the_settings_tell_no_secret(visit: Visits, shop: Site) -> None:
    page = visit("/settings/workspace", role="operator")
    expect(page.get_by_text("Asia/Shanghai", exact=True).last).to_be_visible()
    expect(page.get_by_text("the secret is there")).to_be_visible()
    assert "only-for-the-demo" not in page.content()


@pytest.mark.parametrize("path", ["users", "keys", "audit"])
def test_a_viewer_is_offered_nothing_of_an_admin(visit: Visits, path: str) -> None:
    page = visit("/settings/about", role="viewer")
    expect(page.locator(f"a[href='/settings/{path}']")).to_have_count(0)


def test_every_setting_is_explained_in_chinese() -> None:
    known = {
        f"{section}.{item.name}".lstrip(".")
        for section, kind in SECTIONS.items()
        for item in fields(kind)
        if "doc" in item.metadata
    }
    text = (ROOT / "web" / "src" / "features" / "settings" / "meanings.ts").read_text(encoding="utf-8")
    assert set(re.findall(r'^  "?([\w.]+)"?: "', text, re.M)) == known
