"""What reaches people, in two languages: a trial, why something holds, coverage, a goal, the ways of a split."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from limner.workspace.tick import Ticker
from tests.web.harness import Site, Visits, go, look
from tests.web.test_accessible import findings
from tests.web.test_texts_and_picks import put

ROAD = """\
title: {en: Two ways, zh: 两条路}
start: {event: Asked The Way}
holdout: 0.2
goal: {metric: arrivals, within: 5 days}
steps:
  lots: {split: {left: {percent: 50, next: end}, right: {percent: 50, next: end}}}
"""
MAP = """\
source: roads
person: {user_id: user_id}
time: {column: at, format: "%Y-%m-%dT%H:%M:%SZ", zone: UTC}
event: {column: event}
"""


@pytest.fixture(scope="module")
def town(shop: Site) -> Site:
    """The shop with a journey that parts people, something that is held, and a metric to aim at."""
    folder = shop.workspace.paths.folder
    (folder / "metrics").mkdir(exist_ok=True)
    shop.write("metrics/arrivals.yml", 'title: {en: Arrivals, zh: 到达}\nmeasure: count("Arrived")\n')
    shop.write("journeys/two_ways.yml", ROAD)
    shop.verb("journey start", name="two_ways")

    def did(event: str, people: range, at: datetime) -> None:
        rows = "".join(f"road{who},{at:%Y-%m-%dT%H:%M:%SZ},{event}\n" for who in people)
        file = folder / f"{event.lower().replace(' ', '_')}.csv"
        file.write_text(f"user_id,at,event\n{rows}", encoding="utf-8")
        shop.verb("import", file=str(file), map=str(shop.write("road.map.yml", MAP)))

    now = datetime.now(UTC) + timedelta(seconds=1)
    did("Asked The Way", range(80), now)
    Ticker(shop.workspace).tick()
    did("Arrived", range(40), now + timedelta(seconds=1))
    with shop.workspace.records.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO holds (kind, name, entry, at, reason, finding) VALUES ('campaign', 'spring_harvest',"
                " 'monday', 1, 'tag value_tier was never computed; audience lapsed had 1,200 people at"
                " 2026-05-01 10:00 and has 3 now: moved by 99%, at most 50% is allowed', 'x')"
            )
        )
    return shop


@pytest.mark.parametrize(("language", "width"), [("zh", 1440), ("en", 390)])
def test_what_reaches_people_is_told_in_ones_own_language(
    town: Site, visit: Visits, language: str, width: int
) -> None:
    zh = language == "zh"
    page = visit(
        "/content/channels/wechat",
        site=town,
        role="operator",
        language=language,
        width=width,
        refusals=(422,),  # type: ignore[arg-type]
    )
    page.get_by_role(
        "textbox", name="您在公众号的 openid" if zh else "Your openid of the official account"
    ).fill("oMe")
    page.get_by_role("button", name="发给我自己" if zh else "Send it to me").click()
    expect(
        page.get_by_role("status").filter(has_text="已发送至 oMe" if zh else "Sent to oMe")
    ).to_be_visible()
    assert town.wechat.messages()[-1].to == "oMe"
    look(page, f"reach-channel-{language}-{width}", whole=True)
    go(page, "/content/templates/points_notice.yml")
    expect(page.get_by_role("button", name="发给我自己" if zh else "Send it to me")).to_be_visible()
    look(page, f"reach-template-{language}-{width}", whole=True)

    go(page, "/marketing/suppressions")
    said = (
        "标签“value_tier”从未计算过；人群“lapsed”在 2026-05-01 10:00 有 1,200 人"
        if zh
        else "tag value_tier was never computed"
    )
    expect(page.get_by_text(said)).to_be_visible()
    look(page, f"reach-held-{language}-{width}")

    go(page, "/audiences/new")
    page.get_by_text("文本" if zh else "Text", exact=True).click()
    put(
        page,
        page.get_by_role("textbox", name="文本形式的条件" if zh else "The condition as text"),
        "cityy = 'a'",
    )
    wrong = "没有标签或属性“cityy”" if zh else "unknown tag or attribute 'cityy'"
    expect(page.get_by_text(wrong).first).to_be_visible()
    look(page, f"reach-audience-{language}-{width}")
    go(page, "/marketing/journeys/two_ways")
    expect(page.get_by_text("分支与文案" if zh else "Ways and texts")).to_be_visible()
    expect(page.get_by_role("cell", name="left", exact=True)).to_be_visible()
    look(page, f"reach-parted-{language}-{width}", whole=True)

    go(page, "/tags/coverage")
    expect(page.get_by_text("平均覆盖率" if zh else "Average coverage").first).to_be_visible()
    look(page, f"reach-coverage-{language}-{width}", whole=True)
    assert not findings(page)
    page.get_by_role("button", name="buying", exact=True).first.click()
    look(page, f"reach-coverage-in-{language}-{width}", whole=True)

    go(page, "/marketing/campaigns/points_notice/edit?step=holdout")
    page.get_by_label("事件或指标" if zh else "Event or metric", exact=True).first.click()
    page.keyboard.insert_text("到达" if zh else "Arrivals")
    page.get_by_title("到达" if zh else "Arrivals").last.click()
    expect(page.get_by_text('count("Arrived")')).to_be_visible()
    look(page, f"reach-goal-{language}-{width}", whole=True)
