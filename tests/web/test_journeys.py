"""Journeys in the browser: from a ready one to a running one, picture and text, one person tried, a task done."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, expect

from tests.web.harness import Language, Site, Theme, Visits, look, settle

CALLS = """\
# who fills a basket is called
title: {en: Calls, zh: 回访}
start: {event: Product Viewed}
holdout: 0
leave:
  - {name: bought, event: Order Paid}
steps:
  look:
    branch:
      - {when: value_tier = 'middle', next: call}  # the best customers
  pause: {wait: 2 hours}  # not at once
  answer: {wait_for: Order Paid, at_most: 2 days, next: end, missed: call}
  call: {task: Call them, within: 1 day}
"""
MAP = """\
source: shop
person: {user_id: user_id}
time: {column: at, format: "%Y-%m-%d %H:%M:%S", zone: UTC}
event: {column: event}
"""
PEOPLE = 30
NAME = "lived"


@pytest.fixture(scope="module")
def lived(shop: Site) -> Site:
    """The shop with a running journey that thirty people have entered just now."""
    folder = shop.workspace.paths.folder
    shop.write(f"journeys/{NAME}.yml", CALLS)
    shop.verb("journey start", name=NAME)
    at = (shop.workspace.clock() + timedelta(seconds=1)).strftime("%Y-%m-%d %H:%M:%S")
    rows = "".join(f"m{number:06d},{at},Product Viewed\n" for number in range(1, PEOPLE + 1))
    (folder / "seen.csv").write_text(f"user_id,at,event\n{rows}", encoding="utf-8")
    (folder / "seen.yml").write_text(MAP, encoding="utf-8")
    shop.verb("import", file=str(folder / "seen.csv"), map=str(folder / "seen.yml"))
    for _ in range(100):
        if shop.verb("journey show", name=NAME)["entered"] == PEOPLE:
            return shop
        time.sleep(0.1)
    raise AssertionError(shop.verb("journey show", name=NAME))


def box(picture: Locator, words: str) -> Locator:
    """A step's box in the picture."""
    return picture.get_by_role("button", name=re.compile(f"^{re.escape(words)}"))


@pytest.mark.proves("U4")
def test_from_nothing_to_a_running_journey_by_clicks(shop: Site, visit: Visits) -> None:
    page = visit("/marketing/journeys", role="operator", refusals=(404, 409, 412))
    look(page, "journeys-list")
    page.get_by_role("button", name="New journey").click()
    settle(page)
    page.get_by_text("Abandoned cart", exact=True).click()
    page.get_by_label("Hours until the first message").fill("3")
    drawing = page.get_by_role("group", name="The journey as a picture")
    expect(drawing).to_contain_text("3 hours")
    page.get_by_text("Call after an order", exact=True).click()
    expect(page.get_by_label("File name")).to_have_value("call")
    expect(drawing).to_contain_text("1 day")
    look(page, "journeys-new", whole=True)
    page.get_by_role("button", name="Draw it").click()
    expect(page.get_by_text("Nobody enters yet")).to_be_visible()
    expect(page.get_by_text("It has no goal")).to_be_visible()
    look(page, "journeys-not-started")
    page.get_by_role("button", name="Start", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Nobody is let in for what they did before")).to_be_visible()
    dialog.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Running", exact=True)).to_be_visible()
    assert shop.verb("journey show", name="call")["status"] == "running"
    page.get_by_role("button", name="Stop", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("stays at their step")).to_be_visible()
    look(page, "journeys-stop")
    dialog.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Stopped", exact=True)).to_be_visible()


def test_the_picture_and_the_text_follow_each_other(shop: Site, visit: Visits) -> None:
    path = shop.write("journeys/drawn.yml", CALLS)
    page = visit("/marketing/journeys/drawn/edit", role="operator")
    text = page.get_by_role("textbox", name="The text")
    picture = page.get_by_role("group", name="The journey as a picture")
    expect(box(picture, "Staff task Call them")).to_be_visible()
    look(page, "journeys-edit")

    box(picture, "Wait 2 hours").click()
    panel = page.get_by_role("dialog", name="Wait")
    panel.get_by_label("How long").first.fill("5")
    expect(text).to_contain_text("pause: {wait: 5 hours}  # not at once")
    expect(box(picture, "Wait 5 hours")).to_be_visible()
    look(page, "journeys-drawer")
    panel.get_by_role("button", name="Add a step after it").click()
    page.get_by_role("dialog", name="Add a step").get_by_role("button", name="Give a tag").click()
    panel = page.get_by_role("dialog", name="Give a tag")
    panel.get_by_label("Tag", exact=True).fill("tea_lover")
    expect(text).to_contain_text("tag: tea_lover")
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()
    expect(page.get_by_role("status").filter(has_text="It can be saved")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Calls is saved")).to_be_visible()
    saved = path.read_text(encoding="utf-8")
    assert saved.startswith("# who fills a basket is called\n")
    assert "next: call}  # the best customers\n" in saved
    steps = saved.partition("steps:\n")[2]
    order = [line.strip().partition(":")[0] for line in steps.splitlines() if line[2:3] not in (" ", "")]
    assert order == ["look", "pause", "tag", "answer", "call"]

    text.click()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.insert_text("  late: {wait: 3 days}\n")
    expect(box(picture, "Wait 3 days")).to_be_visible()
    page.keyboard.insert_text("  wrong: {wate: 3 days}\n")
    expect(page.get_by_role("status").filter(has_text="1 problem: it cannot be saved so")).to_be_visible()
    expect(picture.get_by_text("Something is wrong here")).to_be_visible()
    look(page, "journeys-wrong")


@pytest.mark.parametrize(
    ("language", "theme", "width"), [("en", "light", 1440), ("zh", "dark", 1440), ("zh", "light", 390)]
)
def test_a_journey_is_seen_and_tried_with_one_person(
    lived: Site, visit: Visits, language: Language, theme: Theme, width: int
) -> None:
    page = visit(f"/marketing/journeys/{NAME}", role="viewer", language=language, theme=theme, width=width)
    words = f"{PEOPLE} entered" if language == "en" else f"{PEOPLE} 人进入"
    name = "The journey as a picture" if language == "en" else "流程图"
    picture = page.get_by_role("group", name=name) if width > 768 else page.get_by_role("list", name="列表")
    expect(picture.get_by_text(words)).to_be_visible()
    look(page, f"journeys-one-{language}-{theme}-{width}", whole=True)
    picture.get_by_role("button", name=re.compile("^(Wait|等待)")).first.click()
    people = page.get_by_role("dialog").get_by_role("table")
    standing = next(
        step for step in lived.verb("journey show", name=NAME)["steps"] if step["name"] == "pause"
    )
    expect(people.get_by_role("row")).to_have_count(standing["here"] + 1)
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Close|关闭")).click()
    expect(people).to_be_hidden()
    page.get_by_role("button", name="Try with one person" if language == "en" else "用一个人试走").click()
    panel = page.get_by_role("dialog")
    panel.get_by_role("combobox").fill("m000020")
    page.locator(".ant-select-item-option").filter(has_text="m000020").first.click()
    path = panel.get_by_role("list")
    tried = lived.verb("journey try", name=NAME, person="m000020")
    expect(path.get_by_role("listitem")).to_have_count(len(tried["path"]))
    expect(path.get_by_text("Branch" if language == "en" else "条件分支", exact=True)).to_be_visible()
    look(page, f"journeys-try-{language}-{theme}-{width}")


def test_an_edit_says_what_becomes_of_those_inside(lived: Site, visit: Visits) -> None:
    """The last test but one: the journey runs on with another text."""
    page = visit(f"/marketing/journeys/{NAME}/edit", role="operator")
    picture = page.get_by_role("group", name="The journey as a picture")
    standing = {step["name"]: step["here"] for step in lived.verb("journey show", name=NAME)["steps"]}
    box(picture, "Wait 2 hours").click()
    page.get_by_role("dialog", name="Wait").get_by_label("How long").first.fill("6")
    plan = page.get_by_label("What becomes of those who are in it")
    expect(plan).to_contain_text("pause wait until another moment")
    expect(plan).to_contain_text(str(standing["pause"]))
    look(page, "journeys-plan", whole=True)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Calls is saved")).to_be_visible()
    page.goto(f"{page.url.rpartition('/edit')[0]}")
    page.get_by_role("button", name="Start the new text").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("What becomes of those who are in it")).to_contain_text(
        "wait until another moment"
    )
    look(page, "journeys-apply")
    dialog.get_by_role("button", name="Start the new text").click()
    expect(dialog).to_be_hidden()
    assert lived.verb("journey show", name=NAME)["version"] == 2


def test_a_task_is_done_with_a_note(lived: Site, visit: Visits) -> None:
    tasks = lived.verb("journey tasks")["tasks"]
    assert tasks, "nobody of value is among the first people"
    page = visit("/marketing/tasks", role="operator")
    row = page.get_by_role("row").filter(has_text=tasks[0]["called"])
    expect(row).to_contain_text("Call them")
    look(page, "journeys-tasks")
    row.get_by_role("button", name="Done").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Note (optional)").fill("She will come on Friday")
    dialog.get_by_role("button", name="Done").click()
    expect(row).to_have_count(0)
    assert tasks[0]["id"] not in [task["id"] for task in lived.verb("journey tasks")["tasks"]]
    with lived.workspace.records.read() as connection:
        (found,) = connection.exec_driver_sql(
            "SELECT done_by, note FROM charges WHERE done_at IS NOT NULL"
        ).all()
    assert tuple(found) == ("Otto", "She will come on Friday")
