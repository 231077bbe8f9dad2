"""The life of tags in the browser: planned and published, looked after, versioned and approved, exclusive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web import harness
from tests.web.harness import Site, Visits, go, look, settle

PROBE = """\
title: {{en: Probe, zh: 试探}}
nature: fact
method: rule
type: flag
validity: 2 days
cases:
  - when: orders_90d >= {0}
    then: true
owner: crm
why: Says who came again.
metric: replies, from 2 % to 3 %
"""


@pytest.fixture(scope="module")
def own(ui: None, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A shop of these tests' own, which they may change."""
    with harness.open_site(harness.copied_shop(shared, tmp_path_factory.mktemp("life") / "shop")) as site:
        yield site


def tag(site: Site, key: str, text: str) -> None:
    """The tag's file holds this text."""
    site.write(f"tags/{key}.yml", text)


@pytest.mark.parametrize(
    ("language", "width", "title", "publish", "done", "refused", "again"),
    [
        ("en", 1440, "What would change", "Publish exactly this", "1 tag is published",
         "This plan no longer fits", "Look again"),
        ("zh", 390, "将会改变什么", "按此发布", "已发布 1 个标签", "这份计划已不适用", "重新查看"),
    ],
)  # fmt: skip
def test_what_was_planned_is_published_and_an_old_plan_is_refused(
    visit: Visits,
    own: Site,
    language: harness.Language,
    width: int,
    title: str,
    publish: str,
    done: str,
    refused: str,
    again: str,
) -> None:
    key = f"probe_{language}"
    city, gender = (
        PROBE.format(1).replace("orders_90d >= 1", f"known({name})") for name in ("city", "gender")
    )
    tag(own, key, city)
    would = own.verb("audience count", expression="known(city)")["count"]
    page = visit("/tags", site=own, role="operator", language=language, width=width)
    page.get_by_role("button", name=title).click()
    page.wait_for_url(re.compile("plan=1"))
    row = page.get_by_role("listitem").filter(has_text=key)
    expect(row).to_contain_text(f"+{would}")
    look(page, f"plan-{language}-{width}", whole=True)
    tag(own, key, gender)  # somebody saves another text meanwhile
    page.get_by_role("button", name=publish).click()
    expect(page.get_by_role("alert").filter(has_text=refused)).to_be_visible()
    look(page, f"plan-refused-{language}-{width}", whole=True)
    assert own.verb("tag show", key=key)["as_of"] is None
    page.get_by_role("alert").get_by_role("button", name=again).click()
    fewer = own.verb("audience count", expression="known(gender)")["count"]
    assert fewer != would
    expect(row).to_contain_text(f"+{fewer}")
    page.get_by_role("button", name=publish).click()
    expect(page.get_by_text(done)).to_be_visible()
    assert own.verb("tag show", key=key)["people"] == fewer


def test_a_tags_own_plan_stands_in_its_editor_and_not_before_viewers(visit: Visits, own: Site) -> None:
    tag(own, "probe_own", PROBE.format(1))
    page = visit("/tags/probe_own/edit", site=own, role="operator")
    plan = page.get_by_role("region", name="What would change").or_(
        page.locator("section").filter(has=page.get_by_role("heading", name="What would change"))
    )
    plan.get_by_role("button", name="Look").click()
    expect(plan.get_by_role("button", name="Publish exactly this")).to_be_enabled()
    page.get_by_label("Owner").fill("desk")
    expect(plan).to_contain_text("Save first")
    viewer = visit("/tags?plan=1", site=own, role="viewer")
    settle(viewer)
    expect(viewer.get_by_text("What would change")).to_have_count(0)


@pytest.mark.parametrize(
    ("language", "width", "title", "unused", "noted", "code"),
    [
        ("en", 1440, "Health", "No tag, audience, campaign or template uses it.", "Note", "Finding"),
        ("zh", 390, "标签体检", "没有标签、人群、营销活动或模板引用它。", "提示", "问题"),
    ],
)
def test_findings_are_narrowed_and_lead_to_the_tag(
    visit: Visits,
    own: Site,
    language: harness.Language,
    width: int,
    title: str,
    unused: str,
    noted: str,
    code: str,
) -> None:
    tag(own, "lonely", PROBE.format(4).replace("Probe", "Lonely").replace("试探", "孤单"))
    tag(own, "lonely_too", PROBE.format(4).replace("Probe", "Other").replace("试探", "其他"))
    page = visit("/tags/health", site=own, role="viewer", language=language, width=width)
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    look(page, f"health-{language}-{width}", whole=True)
    found = own.verb("tag lint")["findings"]
    assert {"same_definition", "unused"} <= {item["code"] for item in found}
    expect(page.get_by_role("row")).to_have_count(len(found) + 1)
    page.get_by_role("combobox", name=code).click()
    page.locator(".ant-select-item-option").filter(has_text=re.compile("Unused|未被引用")).click()
    page.wait_for_url(re.compile("code=unused"))
    expect(page.get_by_role("row")).to_have_count(sum(item["code"] == "unused" for item in found) + 1)
    go(page, "/tags/health?code=unused&key=lonely")
    row = page.get_by_role("row").filter(has_text=unused)
    expect(row).to_have_count(1)
    expect(row).to_contain_text(noted)
    row.get_by_role("link", name="lonely").click()
    page.wait_for_url(re.compile("/tags/lonely$"))
    go(page, "/tags/health?level=bad&code=unused")
    expect(page.get_by_role("row").filter(has_text=unused)).to_have_count(0)


def test_health_says_so_when_there_is_no_tag(visit: Visits, empty: Site) -> None:
    page = visit("/tags/health", site=empty, role="viewer")
    expect(page.get_by_text("No tags to look at yet")).to_be_visible()


@pytest.mark.parametrize(
    ("language", "width", "first", "back", "rolled", "undo"),
    [
        ("en", 1440, "Version 1", "Roll back to this", "The file holds version 1 again", "Undo"),
        ("zh", 390, "版本 1", "回滚到此版本", "文件已恢复为版本 1", "撤销"),
    ],
)
def test_an_earlier_version_is_written_back_and_that_is_undone(
    visit: Visits,
    own: Site,
    language: harness.Language,
    width: int,
    first: str,
    back: str,
    rolled: str,
    undo: str,
) -> None:
    key = f"turned_{language}"
    for least in (1, 2):
        tag(own, key, PROBE.format(least))
        own.verb("tag run", keys=[key])
    viewer = visit(f"/tags/{key}/versions", site=own, role="viewer", language=language, width=width)
    expect(viewer.get_by_role("heading", name=first)).to_be_visible()
    expect(viewer.get_by_role("button", name=back)).to_have_count(0)
    page = visit(f"/tags/{key}/versions", site=own, role="operator", language=language, width=width)
    expect(page.get_by_text("- when: orders_90d >= 1")).to_be_visible()
    look(page, f"versions-{language}-{width}", whole=True)
    page.get_by_role("button", name=back).click()
    expect(page.get_by_text(rolled)).to_be_visible()
    file = own.workspace.paths.folder / "tags" / f"{key}.yml"
    assert file.read_text(encoding="utf-8") == PROBE.format(1)
    page.get_by_role("button", name=undo, exact=True).click()
    expect(page.get_by_role("button", name=re.compile(f"{back}.*1"))).to_be_visible()
    assert file.read_text(encoding="utf-8") == PROBE.format(2)


CITY = """\
title: {en: City, zh: 城市}
nature: fact
method: observed
type: text
attribute: city
owner: crm
why: Letters speak of the weather.
metric: replies, from 2 % to 3 %
"""


def test_a_text_is_applied_after_somebody_else_approved_it(visit: Visits, tmp_path: Path, ui: None) -> None:
    harness.make_empty(tmp_path / "strict")
    config = tmp_path / "strict" / "limner.toml"
    config.write_text(f"approvals = true\n{config.read_text(encoding='utf-8')}", encoding="utf-8")
    with harness.open_site(tmp_path / "strict") as site:
        site.write("tags/city.yml", CITY)
        page = visit("/tags/city", site=site, role="operator")
        expect(page.get_by_text("Nobody was asked about the text as it stands.")).to_be_visible()
        page.get_by_label("Reason (optional)").fill("for the letters")
        page.keyboard.press("Enter")
        expect(page.get_by_text("You asked: somebody else decides.")).to_be_visible()
        expect(page.get_by_role("button", name="Approve")).to_have_count(0)
        other = visit("/tags/city/versions", site=site, role="colleague", language="zh", width=390)
        expect(other.get_by_text("“for the letters”")).to_be_visible()
        look(other, "review-zh-390", whole=True)
        other.get_by_role("button", name="批准").click()
        expect(other.get_by_text("已批准")).to_be_visible()
        assert [item["state"] for item in site.verb("tag reviews")["approvals"]] == ["approved"]
        go(page, "/tags/city/versions")
        expect(page.get_by_text("decided by Mei 梅")).to_be_visible()
        look(page, "review-en-1440", whole=True)


FLAG = (
    "nature: model\nmethod: rule\ntype: flag\nvalidity: 2 days\ncategory: probes\nowner: crm\nwhy: Words.\n"
)


@pytest.mark.parametrize(
    ("language", "width", "conflicts", "judge", "relation", "find", "masked"),
    [
        ("en", 1440, "Conflicts that stand", "Do they exclude each other?", "often implies some",
         "Look for groups", "Personal values are hidden from your role."),
        ("zh", 390, "目前的冲突", "它们互斥吗？", "often 蕴含 some", "查找互斥组", "你的角色看不到个人信息。"),
    ],
)  # fmt: skip
def test_groups_show_whom_they_settled_and_why_they_had_to(
    visit: Visits,
    own: Site,
    language: harness.Language,
    width: int,
    conflicts: str,
    judge: str,
    relation: str,
    find: str,
    masked: str,
) -> None:
    rules = {"some": ">= 1", "often": ">= 2", "never": "< 1", "much": ">= 3"}
    for key, rule in rules.items():
        tag(own, key, f"title: {key}\n{FLAG}cases:\n  - when: orders_90d {rule}\n    then: true\n")
    (own.workspace.paths.folder / "groups").mkdir(exist_ok=True)
    own.write("groups/orders.yml", "title: {en: Orders, zh: 订单}\ntags: [often, some]\nkeep: priority\n")
    own.verb("tag run", keys=["some", "often", "never", "much"])
    (group,) = own.verb("group list")["groups"]
    assert group["standing"] == own.verb("tag show", key="often")["people"] > 0
    page = visit("/tags/groups", site=own, role="operator", language=language, width=width)
    page.get_by_text(conflicts, exact=True).click()
    table = page.get_by_role("table", name=conflicts)
    person = own.verb("group conflicts", key="orders", standing=True)["conflicts"][0]
    expect(table.get_by_role("link", name=person["person"])).to_be_visible()
    expect(table).to_contain_text("often")
    page.get_by_text(judge, exact=True).click()
    expect(page.get_by_text(relation)).to_be_visible()
    page.get_by_role("button", name=find).click()
    expect(page.get_by_text("never").first).to_be_visible()
    expect(page.locator("pre").first).to_contain_text("tags:")
    look(page, f"groups-{language}-{width}", whole=True)
    tag(
        own,
        "named",
        f"title: named\n{FLAG}attribute: birthday\n".replace("model", "fact").replace("rule", "observed"),
    )
    own.write("groups/orders.yml", "tags: [often, some, named]\nkeep: priority\n")
    viewer = visit("/tags/groups", site=own, role="viewer", language=language, width=width)
    viewer.get_by_text(conflicts, exact=True).click()
    expect(viewer.get_by_text(masked)).to_be_visible()
    expect(viewer.get_by_role("table", name=conflicts)).not_to_contain_text("often")
    table.get_by_role("link", name=person["person"]).click()
    page.wait_for_url(re.compile("/people/"))
