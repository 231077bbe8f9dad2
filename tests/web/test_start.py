"""The first hour: from a shop's own messy export to a first audience, by clicks alone."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from limner.config import FILE
from tests.web import harness
from tests.web.harness import Language, Site, Visits, look, settle

MOST_CLICKS = 10
expect.set_options(timeout=20_000)  # computing tags on a busy machine takes its time

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "goal": "Bring customers back",
        "import": r"Import \d+ rows",
        "on": "Go on",
        "save_tags": r"Save \d+ tags and compute",
        "save_audience": r"Save the audience of \d+ people",
        "look": "See the audience and its portrait",
        "done": "Done",
    },
    "zh": {
        "goal": "召回老客",
        "import": r"导入 \d+ 行",
        "on": "继续",
        "save_tags": r"保存 \d+ 个标签并计算",
        "save_audience": r"保存这 \d+ 人的人群",
        "look": "查看人群与画像",
        "done": "完成",
    },
}

HEADS = {
    "zh": "订单编号,下单时间,买家手机号,收货人姓名,邮箱,商品名称,单价,数量,实付金额(元),收货城市,订单状态,备注",
    "en": "Order No,Order Date,Phone,Customer Name,Email,Product,Unit Price,Qty,Total,City,Status,Remark",
}


def export(language: Language, folder: Path) -> tuple[Path, int, int]:
    """(a shop's order lines as people export them, rows in all, customers silent for 60 days who will be found)."""
    seed = random.Random(7)
    now = datetime.now(UTC)
    lines = [HEADS[language]]
    silent = 0
    for person in range(120):
        phone = f"13{person:09d}"
        spelled = [phone, f"{phone[:3]} {phone[3:7]} {phone[7:]}", f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"]
        last = seed.randint(1, 180)
        silent += last >= 60
        for order in range(seed.randint(1, 4)):
            at = now - timedelta(days=last + order * seed.randint(1, 9), hours=1)
            price = seed.choice([39, 128, 399, 1280])
            quantity = seed.randint(1, 3)
            lines.append(
                ",".join(
                    [
                        f"T{person:04d}{order}",
                        f"{at.year}/{at.month}/{at.day} {at.hour}:{at.minute:02d}",
                        seed.choice(spelled),
                        seed.choice(["王小明", "Li Lei", '"Han, Meimei"']),
                        f"buyer{person}@example.com" if person % 3 else "",
                        seed.choice(["龙井 250g", "Teapot", "正山小种"]),
                        f"¥{price}.00",
                        str(quantity),
                        f'"¥{price * quantity:,}.00"',
                        seed.choice(["杭州", "上海", "广州"]),
                        "交易成功" if language == "zh" else "paid",
                        "",
                    ]
                )
            )
    lines.append("T9001,2026/13/45 9:05,13800000000,Bad date,,Cup,¥39.00,1,¥39.00,上海,paid,")
    lines.append("T9002,2026/3/5 9:05,1.38E+10,Bad phone,,Cup,¥39.00,1,¥39.00,上海,paid,")
    lines.append("T9003,2026/3/5 9:05,13800000000,Too short")
    path = folder / ("订单_2026-03.csv" if language == "zh" else "orders 2026-03.csv")
    path.write_text("\n".join(lines) + "\n", encoding="gb18030" if language == "zh" else "utf-8")
    return path, len(lines) - 1, silent


class Clicks:
    """A hand that counts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.n = 0

    def __call__(self, target: Locator) -> None:
        target.click()
        self.n += 1


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_shops_own_export_becomes_a_first_audience_by_a_few_clicks(
    language: Language, fresh: Site, visit: Visits, tmp_path: Path
) -> None:
    words = WORDS[language]
    path, rows, silent = export(language, tmp_path)
    page = visit("/start", site=fresh, role="operator", language=language)
    page.set_default_timeout(30_000)
    click = Clicks(page)
    look(page, f"start-{language}-empty", whole=True)

    click(page.get_by_role("radio", name=re.compile(words["goal"])))
    with page.expect_file_chooser() as chooser:
        click(page.get_by_role("button", name=re.compile("Choose a file|选择文件")))
    chooser.value.set_files(path)

    begin = page.get_by_role("button", name=re.compile(words["import"]))
    expect(begin).to_be_enabled()
    settle(page)
    look(page, f"start-{language}-mapping", whole=True)
    click(begin)
    on = page.get_by_role("button", name=words["on"], exact=True)
    expect(on).to_be_visible()
    look(page, f"start-{language}-report", whole=True)
    report = fresh.verb("import list")["imports"][0]["report"]
    assert (report["received"], report["stored"], report["quarantined"], report["rejected"]) == (
        rows,
        rows - 3,
        2,
        1,
    )

    click(on)
    expect(page.get_by_text(re.compile("120 people|120 个用户"))).to_be_visible()
    look(page, f"start-{language}-people", whole=True)
    click(page.get_by_role("button", name=words["on"], exact=True))
    save = page.get_by_role("button", name=re.compile(words["save_tags"]))
    expect(save).to_be_enabled()
    look(page, f"start-{language}-tags", whole=True)
    click(save)
    click(page.get_by_role("button", name=words["on"], exact=True))
    audience = page.get_by_role("button", name=re.compile(words["save_audience"]))
    expect(audience).to_have_text(re.compile(rf"\b{silent}\b|{silent} 人"))
    look(page, f"start-{language}-audience", whole=True)
    click(audience)
    expect(page.get_by_role("button", name=words["look"])).to_be_visible()
    look(page, f"start-{language}-done", whole=True)
    assert fresh.verb("audience count", expression="in audience silent_customers")["count"] == silent
    assert click.n <= MOST_CLICKS, f"{click.n} clicks"


@pytest.fixture
def mailing(ui: None, tmp_path: Path) -> Iterator[Site]:
    """An empty workspace whose e-mail is set up."""
    folder = tmp_path / "mailing"
    harness.make_empty(folder)
    config = folder / FILE
    config.write_text(
        config.read_text(encoding="utf-8").replace(
            'sender = ""', 'sender = "Shop <hello@shop.example.test>"'
        ),
        encoding="utf-8",
    )
    with harness.open_site(folder) as site:
        yield site


def test_from_a_file_to_a_report_by_clicks(mailing: Site, visit: Visits, tmp_path: Path) -> None:
    words = WORDS["en"]
    path, _, silent = export("en", tmp_path)
    page = visit("/start", site=mailing, role="operator", refusals=(404,))
    page.set_default_timeout(30_000)
    click = Clicks(page)

    def press(name: str | re.Pattern[str]) -> None:
        click(page.get_by_role("button", name=name, exact=True))

    click(page.get_by_role("radio", name=re.compile(words["goal"])))
    with page.expect_file_chooser() as chooser:
        press("Choose a file")
    chooser.value.set_files(path)
    for name in ("import", "on", "on", "save_tags", "on", "save_audience", "look"):
        press(re.compile(f"^{words[name]}$"))
    expect(page.get_by_role("heading", name="Portrait")).to_be_visible()
    press("Use in a campaign")
    page.get_by_label("Title").fill("We miss you")
    press("Create the draft")
    expect(page.get_by_role("heading", name="How many get nothing")).to_be_visible()
    page.get_by_role("slider", name="Holdout").press(
        "End"
    )  # so many that it is not chance whether anybody is drawn
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    click(page.get_by_role("button", name="Audience"))
    click(page.get_by_role("radio", name="Service message (needs none)"))
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
    press("Next")
    expect(page.get_by_role("heading", name="How many get nothing")).to_be_visible()
    press("Next")
    press("Begin with a sample")
    press("Save the text")
    expect(page.locator("iframe")).to_have_count(2)
    press("Next")
    expect(page.get_by_role("checkbox", name="Cap")).to_be_visible()
    press("Next")
    press(re.compile(r"^Send to \d+ people$"))
    click(page.get_by_role("dialog").get_by_role("button", name=re.compile("^Send to")))
    click(page.get_by_role("link", name="See the report"))
    expect(page.get_by_text("Adds up exactly")).to_be_visible()
    expect(page.get_by_role("heading", name="What it changed")).to_be_visible()
    report = mailing.verb("campaign report", name="we_miss_you")
    assert report["audience"] == silent
    assert report["sent"] == len(mailing.mail.messages()) > 0
    assert report["held_out"] > 0
    assert report["suppressed"]["no address"] > 0
    assert report["exact"]
    assert click.n <= 22, f"{click.n} clicks"


def test_where_one_left_is_where_one_comes_back(fresh: Site, visit: Visits, tmp_path: Path) -> None:
    path, _, _ = export("en", tmp_path)
    page = visit("/start", site=fresh, role="operator")
    page.get_by_label("File", exact=True).set_input_files(path)
    expect(page.get_by_role("button", name=re.compile(r"Import \d+ rows"))).to_be_enabled()
    place = page.url
    page.goto("/data/sources")
    settle(page)
    page.goto(place)
    expect(page.get_by_role("button", name=re.compile(r"Import \d+ rows"))).to_be_enabled()
    page.get_by_role("button", name=re.compile(r"Import \d+ rows")).click()
    page.goto("/")
    page.goto("/start")
    expect(page.get_by_role("listitem").filter(has_text="Bring data in").get_by_text("done")).to_be_attached(
        timeout=15_000
    )


def test_an_empty_workspace_can_be_filled_with_the_demo_and_only_by_an_admin(
    fresh: Site, visit: Visits
) -> None:
    page = visit("/start", site=fresh, role="operator")
    expect(page.get_by_text("An admin can fill")).to_be_visible()
    page = visit("/start", site=fresh, role="admin")
    page.get_by_role("button", name="Put the demo in").click()
    go_on: Callable[[], Locator] = lambda: page.get_by_role("button", name="Go on", exact=True)  # noqa: E731
    expect(go_on()).to_be_visible(timeout=60_000)
    go_on().click()
    expect(page.get_by_text(re.compile(r"\d+ people, known by"))).to_be_visible()
    look(page, "start-en-demo", whole=True)
