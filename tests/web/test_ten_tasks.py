"""The click paths of docs/how-to/ten-tasks.md, walked as they are written, with their numbers of clicks."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web import harness
from tests.web.harness import ROOT, RoleOf, Site, Visits, settle

PAGE = ROOT / "docs" / "how-to" / "ten-tasks.md"
TASK = re.compile(r"^## (\d+)\. ([^\n]*) \((\d+) clicks?\)\n(.*?)(?=^## |\Z)", re.M | re.S)
STEP = re.compile(r"^\d+\. (.*)$", re.M)
ROLE = re.compile(r"^As an? (\w+)", re.M)

CLICKED = ("button", "link", "menuitem", "radio", "tab", "checkbox", "option")
TYPED = ("textbox", "spinbutton", "searchbox", "combobox")

ORDERS = """\
order,customer,phone,sold_at,item,total,status
S1,t001,13800000001,2026-10-02 10:12:00,Longjing 50 g,58.00,paid
S2,t001,13800000001,2026-10-11 18:40:00,Longjing 50 g,116.00,paid
S3,t002,13800000002,2026-10-20 09:05:00,Teapot,219.00,paid
"""


@dataclass(frozen=True)
class Task:
    number: int
    title: str
    clicks: int
    text: str

    @property
    def steps(self) -> list[str]:
        return STEP.findall(self.text)

    @property
    def role(self) -> RoleOf:
        found = ROLE.search(self.text)
        assert found, self.title
        return found[1]  # type: ignore[return-value]


TASKS = [
    Task(int(n), title, int(clicks), text) for n, title, clicks, text in TASK.findall(PAGE.read_text("utf-8"))
]


def test_there_are_ten_tasks() -> None:
    assert [task.number for task in TASKS] == list(range(1, 11))


def named(words: str) -> re.Pattern[str]:
    """What the page must say: the words, with anything in place of `…`."""
    return re.compile("^" + ".*".join(re.escape(part) for part in words.split("…")) + "$", re.S)


def visible(found: list[Locator]) -> Locator:
    """The first of the locators that is there."""
    whole = found[0]
    for item in found[1:]:
        whole = whole.or_(item)
    return whole.locator("visible=true").first


class Walk:
    """One task, step by step."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder, self.clicks = page, folder, 0

    def step(self, words: str) -> None:
        where: Page | Locator = self.page
        if inside := re.fullmatch(r"In \*\*(.*?)\*\*: (.*)", words):
            name = named(inside[1])
            where = visible(
                [self.page.get_by_role(role, name=name) for role in ("dialog", "region", "group")]
            )  # type: ignore[arg-type]
            words = inside[2]
        forms = (
            (r"Open `(.*)`\.", self.open),
            (r"Click the first link of \*\*(.*)\*\*\.", self.first),
            (r"[Cc]lick \*\*(.*)\*\*\.", self.click),
            (r"[Cc]hoose \*\*(.*?)\*\* in \*\*(.*?)\*\*, typing `(.*)`\.", self.choose),
            (r"Type `(.*)` into \*\*(.*)\*\*\.", self.type),
            (r"Type `(.*)` into the only box\.", self.only),
            (r"Give the file `(.*)` to \*\*(.*)\*\*\.", self.give),
            (r"Press \*\*(.*)\*\*\.", self.press),
            (r"See \*\*(.*)\*\*\.", self.see),
        )
        for pattern, does in forms:
            if found := re.fullmatch(pattern, words):
                does(where, *found.groups())
                return
        raise AssertionError(f"no such step: {words}")

    def open(self, _where: Page | Locator, path: str) -> None:
        harness.go(self.page, path)

    def click(self, where: Page | Locator, name: str) -> None:
        target = visible([where.get_by_role(role, name=named(name)) for role in CLICKED])  # type: ignore[arg-type]
        expect(target).to_be_enabled()
        target.click()
        self.clicks += 1

    def first(self, where: Page | Locator, _column: str) -> None:
        where.get_by_role("table").get_by_role("link").first.click()
        self.clicks += 1
        settle(self.page)

    def choose(self, where: Page | Locator, option: str, box: str, typed: str) -> None:
        where.get_by_role("combobox", name=named(box)).last.click()
        self.page.keyboard.type(typed)
        offered = self.page.locator(".ant-select-dropdown:visible .ant-select-item-option", has_text=option)
        offered.first.click()
        self.clicks += 2

    def type(self, where: Page | Locator, words: str, name: str) -> None:
        visible([where.get_by_role(role, name=named(name)) for role in TYPED]).fill(words)  # type: ignore[arg-type]

    def only(self, _where: Page | Locator, words: str) -> None:
        self.page.get_by_role("dialog").get_by_role("textbox").fill(words)

    def give(self, where: Page | Locator, name: str, button: str) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.click(where, button)
        chooser.value.set_files(self.folder / name)

    def press(self, _where: Page | Locator, key: str) -> None:
        self.page.keyboard.press(key)

    def see(self, where: Page | Locator, words: str) -> None:
        expect(where.get_by_text(named(words)).locator("visible=true").first).to_be_visible()


@pytest.fixture(scope="module")
def tea(ui: None, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A shop of this module's own, since the tasks change it."""
    with harness.open_site(harness.copied_shop(shared, tmp_path_factory.mktemp("tasks") / "shop")) as site:
        yield site


@pytest.fixture
def sending(tea: Site) -> Iterator[None]:
    """A campaign that is being sent, slowly."""
    text = (
        "title: Slow\naudience: recent_buyers\nholdout: 0.2\nchannel: email\nclass: service\nsubject: Slow\n"
        "template: spring_harvest.html\n"
    )
    tea.write("campaigns/slow.yml", text)
    email = tea.workspace.config.email
    object.__setattr__(email, "messages_per_second", 2.0)
    thread = threading.Thread(target=lambda: tea.verb("campaign send", name="slow"))
    thread.start()
    while tea.verb("campaign list")["campaigns"] and not any(
        row["name"] == "slow" and row["status"] == "running" for row in tea.verb("campaign list")["campaigns"]
    ):
        pass
    yield
    thread.join()
    object.__setattr__(email, "messages_per_second", 0.0)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.number}-{task.title}")
def test_a_task_is_done_by_the_clicks_that_the_page_says(
    task: Task, tea: Site, visit: Visits, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if task.number == 6:
        request.getfixturevalue("sending")
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    page = visit(site=tea, role=task.role, refusals=(404,))
    walk = Walk(page, tmp_path)
    for step in task.steps:
        try:
            walk.step(step)
        except Exception as error:
            raise AssertionError(f"step “{step}” of task {task.number}: {error}") from error
    assert walk.clicks == task.clicks
