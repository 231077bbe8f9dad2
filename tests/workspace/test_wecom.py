"""Tags on both sides, messages that staff confirm, hand-overs: the workspace against the platforms' books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from limner.contacts import follows
from limner.demo.wechat_server import WechatServer
from limner.demo.wecom_server import WecomServer
from limner.errors import ConflictError, DefinitionError, NotFoundError
from limner.types import Json
from limner.workspace import confirming, reaching, relating
from limner.workspace.tick import Ticker
from tests.workspace.wecom import AT, LEVEL, SECRETS, TEA, Shop

STAFF = ("wei", "mei")
PEOPLE = 12
MAPPING = """\
# who is who there
wins: newest
tags:
  level: {group: 会员等级, values: {gold: 金卡, silver: 银卡}}
  tea: {group: 喜好, values: {"true": 爱茶}, wins: theirs}
  calm: {group: 状态, values: {"true": 平静}, wins: ours}
"""
CAMPAIGN = (
    "title: Spring\naudience: everybody\nholdout: 0\nchannel: wecom\nclass: service\ntemplate: {}.yml\n"
)
MARKETING = CAMPAIGN.replace("service", "marketing")
COMPUTED = """\
nature: fact
method: rule
type: flag
cases:
  - {when: person.name ends with '1', then: true}
validity: 30 days
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with WecomServer() as there, WechatServer() as account:
        for number in range(PEOPLE):
            there.add_customer(
                f"wm{number:02d}",
                STAFF[number % 2],
                name=f"Ann {number}",
                unionid=f"u{number:02d}",
                at=AT + number,
            )
        made = Shop(tmp_path / "shop", there, account)
        made.write("tags/level.yml", LEVEL)
        made.write("tags/tea.yml", TEA)
        made.write("tags/calm.yml", COMPUTED)
        made.write("sync/wecom.yml", MAPPING)
        made.write("audiences/everybody.yml", "expression: known(person.name)\n")
        for sort in ("customer", "group", "moment"):
            made.write(f"campaigns/{sort}.yml", CAMPAIGN.format(sort))
            made.write(
                f"templates/{sort}.yml",
                f"text: 春茶到了\nto: {sort}\nattachments: {{看看: https://shop.example/}}\n",
            )
        assert made.verb("contact sync") == {"staff": 2, "customers": PEOPLE, "chats": 0}
        made.later(minutes=1)
        made.verb("tag run")
        yield made
        made.close()


def give(shop: Shop, tag: str, value: Any, *customers: str) -> None:
    shop.later(seconds=1)
    shop.verb("tag give", key=tag, value=value, people=[f"external_userid:{one}" for one in customers])
    shop.later(seconds=1)


def edited(shop: Shop, staff: str, customer: str, group: str, name: str, *, on: bool = True) -> None:
    """The employee tags the customer there, and the platform tells it."""
    shop.there.tag(staff, customer, group, name, on=on)
    with shop.workspace.records.begin() as connection:
        follows.ask_again(connection, customer)
    shop.later(seconds=1)
    relating.refresh(shop.workspace)


def test_the_staff_and_their_customers_are_people_here(shop: Shop) -> None:
    listed = {
        row["staff"]: (row["name"], row["customers"], row["owned"])
        for row in shop.verb("staff list")["staff"]
    }
    assert listed == {"wei": ("Wei", 6, 6), "mei": ("Mei", 6, 6)}
    assert shop.verb("contact sync")["customers"] == PEOPLE
    shop.workspace.load()
    assert shop.verb("person list")["total"] == PEOPLE


@pytest.mark.proves("H6")
def test_tags_on_both_sides_agree_by_each_tags_policy_and_only_differences_are_sent(shop: Shop) -> None:
    there = shop.there
    give(shop, "level", "gold", "wm00", "wm01", "wm02")
    give(shop, "tea", True, "wm05")
    there.tag("wei", "wm00", "会员等级", "银卡")  # a conflict: newest, and ours is newer
    there.tag("mei", "wm03", "会员等级", "银卡")  # only there: comes here
    there.tag("wei", "wm04", "喜好", "爱茶")  # theirs wins
    there.tag("wei", "wm06", "状态", "平静")  # ours wins: goes away
    there.tag("wei", "wm06", "别的", "不归我们")  # not mapped: stays
    shop.now = shop.now.replace(hour=0, minute=5)
    shop.verb("contact sync")
    give(shop, "level", "gold", "wm10")
    planned = shop.verb("sync plan")
    assert not any(path.endswith("mark_tag") for path in there.asked)
    by_key = {row["key"]: row for row in planned["tags"]}
    assert by_key["tea"]["in_people"] == 2  # wm04 gets it, wm05 loses it
    assert (by_key["calm"]["out_added"], by_key["calm"]["out_removed"]) == (2, 1)  # wm01, wm11; wm06
    assert [row["customer"] for row in planned["conflicts"]] == ["wm00"]
    assert planned["new_tags"] == [{"group": "会员等级", "name": "金卡"}]
    done = shop.verb("sync run")["done"]
    assert (done["added"], done["removed"]) == (planned["added"], planned["removed"])
    assert done["refused"] == []
    assert there.tags_of("wei", "wm06") == {"别的/不归我们"}
    assert there.tags_of("mei", "wm01") == {"会员等级/金卡", "状态/平静"}
    assert shop.people("level", "silver") >= {"wm03"}
    assert shop.people("tea", "true") == {"wm04"}
    # Both sides are equal now: nothing is sent.
    marked = there.asked["/cgi-bin/externalcontact/mark_tag"]
    again = shop.verb("sync plan")
    assert (again["added"], again["removed"], again["in_people"], again["conflicts"]) == (0, 0, 0, [])
    shop.verb("sync run")
    assert there.asked["/cgi-bin/externalcontact/mark_tag"] == marked
    # One side moved: it is followed, whoever is newer by the clock.
    edited(shop, "mei", "wm03", "会员等级", "银卡", on=False)
    edited(shop, "mei", "wm03", "会员等级", "金卡")
    give(shop, "level", "silver", "wm01")
    moved = shop.verb("sync run")
    assert shop.people("level", "gold") >= {"wm03"}
    assert there.tags_of("mei", "wm01") == {"会员等级/银卡", "状态/平静"}
    assert (moved["done"]["added"], moved["done"]["removed"]) == (1, 1)
    # Both moved to different levels: the newer stands, as one level on both sides, and is a conflict.
    give(shop, "level", "gold", "wm01")
    edited(shop, "mei", "wm01", "会员等级", "银卡", on=False)
    edited(shop, "mei", "wm01", "会员等级", "白金")
    both = shop.verb("sync plan")
    assert both["added"] + both["in_people"] == 1
    shop.verb("sync run")
    (latest, *_) = shop.verb("sync changes")["changes"]
    assert latest["staff"] == "mei"
    assert latest["customer"] == "wm01"
    ways = Counter(row["way"] for row in shop.verb("sync changes", limit=200)["changes"])
    assert set(ways) == {"out", "in"}
    erased = shop.verb("person show", id="external_userid:wm01")["person"]
    shop.verb("person erase", id=erased)
    assert b"wm01" not in (shop.folder / "data/records.sqlite").read_bytes()


@pytest.mark.proves("H6")
def test_limits_of_the_platform_hold_and_what_is_broken_off_goes_on(shop: Shop) -> None:
    there = shop.there
    give(shop, "level", "gold", *(f"wm{number:02d}" for number in range(PEOPLE)))
    full = there.customers["wm00"].of["wei"]
    full.tags |= {there.tag_id("满", f"t{number}") for number in range(3_000)}
    shop.verb("contact sync")
    there.per_minute = 9
    first = shop.verb("sync run")["done"]
    assert "45009" in first["stopped"]
    assert 0 < first["pairs"] < PEOPLE
    shop.later(minutes=2)
    there.per_minute = None
    second = shop.verb("sync run")["done"]
    assert [row["customer"] for row in second["refused"]] == ["wm00"]
    assert first["pairs"] + second["pairs"] == PEOPLE - 1
    for number in range(1, PEOPLE):
        assert "会员等级/金卡" in there.tags_of(STAFF[number % 2], f"wm{number:02d}")
    shop.write(
        "limner.toml",
        (shop.folder / "limner.toml").read_text().replace("[wecom]", "[wecom]\ncompany_tags = 5"),
    )
    shop.reopen()
    shop.write("sync/wecom.yml", MAPPING.replace("金卡", "新金卡"))
    with pytest.raises(ConflictError, match="3,0"):
        shop.verb("sync run")


def test_a_mapping_that_means_nothing_is_told(shop: Shop) -> None:
    for text in (
        "tags: {}\n",
        "tags: {level: {values: {gold: a}}}\n",
        "tags: {level: {group: g, values: {gold: a, silver: a}}}\n",
        "tags: {level: {group: g, values: {gold: " + "x" * 31 + "}}}\n",
        "tags: {level: {group: g, values: {gold: a}, wins: me}}\n",
    ):
        shop.write("sync/wecom.yml", text)
        with pytest.raises(DefinitionError):
            shop.verb("sync plan")
    shop.write("sync/wecom.yml", "tags: {lvl: {group: g, values: {gold: a}}}\n")
    with pytest.raises(NotFoundError, match="lvl"):
        shop.verb("sync plan")
    assert {row["platform"]: row["there"] for row in shop.verb("sync list")["platforms"]} == {
        "wecom": True,
        "official_account": False,
    }


def sent(shop: Shop) -> dict[str, str]:
    """Who got what the staff sent, and from whom; nobody twice."""
    assert shop.there.twice == []
    return {one.to: one.staff for one in shop.there.messages()}


def report(shop: Shop, name: str) -> Json:
    return reaching.where_everybody_is(shop.workspace, name, "once")


def test_a_mass_message_waits_for_the_staff_and_is_counted_exactly(shop: Shop) -> None:
    there = shop.there
    there.unreachable, there.full = {"wm00"}, {"wm01"}
    there.add_customer("wm99", "wei", name="No longer", at=AT)
    shop.verb("contact sync")
    there.remove_customer("wm99", "wei")
    shop.later(minutes=1)
    begun = shop.verb("campaign send", name="customer")
    assert (begun["sent"], begun["failed"], begun["waiting"]) == (0, 2, PEOPLE - 1)
    assert begun["status"] == "running"
    assert {task.sender: len(task.customers) for task in there.tasks.values()} == {"wei": 5, "mei": 6}
    (attached, *_) = [task.attachments for task in there.tasks.values()]
    assert attached == [{"msgtype": "link", "link": {"title": "看看", "url": "https://shop.example/"}}]
    # A restart asks on; nothing is in doubt, nothing is made twice.
    shop.reopen()
    assert confirming.settle(shop.workspace) == 0
    there.confirm(staff="wei")
    confirming.settle(shop.workspace)
    assert (report(shop, "customer")["sent"], report(shop, "customer")["waiting"]) == (5, 6)
    there.confirm()
    confirming.settle(shop.workspace)
    ended = report(shop, "customer")
    assert (ended["sent"], ended["failed"], ended["waiting"], ended["in_doubt"]) == (10, 3, 0, 0)
    assert len(sent(shop)) == 10
    assert len(shop.events("Message Sent")) == 10
    assert len(there.tasks) == 2


def test_a_stopped_mass_message_is_taken_back_and_goes_on_when_it_is_let(shop: Shop) -> None:
    there = shop.there
    shop.verb("campaign send", name="customer")
    there.confirm(staff="wei")
    shop.verb("campaign stop", name="customer")
    Ticker(shop.workspace).relate_once(due=False)
    assert all(task.cancelled for task in there.tasks.values())
    there.confirm()
    confirming.settle(shop.workspace)
    assert (report(shop, "customer")["sent"], report(shop, "customer")["waiting"]) == (6, 6)
    shop.verb("campaign resume", name="customer")
    there.confirm()
    confirming.settle(shop.workspace)
    assert report(shop, "customer")["sent"] == PEOPLE
    assert len(sent(shop)) == PEOPLE


@pytest.mark.proves("H1")
def test_a_moment_is_seen_only_by_those_who_may_see_it_through_a_tag_of_its_own(shop: Shop) -> None:
    there = shop.there
    shop.write(
        "consents.csv",
        "id,channel,address,state\n"
        + "".join(f"external_userid:wm{n:02d},wecom,wm{n:02d},granted\n" for n in range(8)),
    )
    shop.verb("consent import", file=str(shop.folder / "consents.csv"))
    shop.write("campaigns/moment.yml", MARKETING.format("moment"))
    begun = shop.verb("campaign send", name="moment")
    assert begun["suppressed"] == {"no consent": PEOPLE - 8}
    (task,) = there.tasks.values()
    (tag,) = task.tags
    assert set(task.senders) == set(STAFF)
    assert {
        one for one, known in there.customers.items() for about in known.of.values() if tag in about.tags
    } == {f"wm{n:02d}" for n in range(8)}
    there.confirm(staff="mei")
    confirming.settle(shop.workspace)
    assert (report(shop, "moment")["sent"], report(shop, "moment")["waiting"]) == (4, 4)
    there.confirm()
    confirming.settle(shop.workspace)
    assert (report(shop, "moment")["sent"], report(shop, "moment")["waiting"]) == (8, 0)
    assert set(sent(shop)) == {f"wm{n:02d}" for n in range(8)}
    assert "Limner" not in there.groups, "the tag of a moment that is over is deleted"


@pytest.mark.proves("H2")
def test_a_group_gets_a_message_only_where_nobody_in_it_refused(shop: Shop) -> None:
    there = shop.there
    there.add_chat("wr1", "wei", ["wm00", "wm01", "wm02"])
    there.add_chat("wr2", "mei", ["wm03", "wm04"])
    there.add_chat("wr3", "mei", ["wm05", "stranger"])
    shop.verb("contact sync")
    give(shop, "level", "gold", "wm00", "wm01", "wm03", "wm05")
    shop.verb("tag run")
    shop.write("audiences/gold.yml", "expression: level = 'gold'\n")
    shop.write(
        "campaigns/group.yml",
        MARKETING.format("group").replace("everybody", "gold"),
    )
    states = {"wm00": "granted", "wm01": "granted", "wm03": "granted", "wm04": "withdrawn", "wm05": "granted"}
    shop.write(
        "consents.csv",
        "id,channel,address,state\n"
        + "".join(f"external_userid:{one},wecom,{one},{state}\n" for one, state in states.items()),
    )
    shop.verb("consent import", file=str(shop.folder / "consents.csv"))
    begun = shop.verb("campaign send", name="group")
    assert (begun["audience"], begun["waiting"], begun["failed"]) == (
        4,
        3,
        1,
    )  # wm03 sits with wm04, who refused
    assert sorted(chat for task in there.tasks.values() for chat in task.chats) == ["wr1", "wr3"]
    there.confirm()
    confirming.settle(shop.workspace)
    assert (report(shop, "group")["sent"], report(shop, "group")["waiting"]) == (3, 0)
    assert sent(shop) == {"wr1": "wei", "wr3": "mei"}


def test_what_nobody_confirms_fails_after_a_month(shop: Shop) -> None:
    shop.verb("campaign send", name="customer")
    shop.later(days=31)
    confirming.settle(shop.workspace)
    assert (report(shop, "customer")["failed"], report(shop, "customer")["waiting"]) == (PEOPLE, 0)


@pytest.mark.proves("H9")
def test_customers_are_handed_over_when_somebody_leaves_and_tasks_go_with_them(shop: Shop) -> None:
    there = shop.there
    shop.write(
        "journeys/call.yml",
        "title: Call\nholdout: 0\nstart: {schedule: '5 0 * * *', audience: everybody}\n"
        "steps:\n  ask: {task: Ring them, within: 2 days, to: shop}\n",
    )
    shop.verb("journey start", name="call")
    shop.later(days=1)
    Ticker(shop.workspace).tick()
    tasks = shop.verb("staff tasks", staff="wei")["tasks"]
    assert len(tasks) == 6
    assert {row["called"] for row in tasks} == {f"Ann {n}" for n in range(0, PEOPLE, 2)}
    shop.verb("staff done", id=tasks[0]["id"], note="rang")
    assert len(shop.verb("staff tasks", staff="wei")["tasks"]) == 5
    # wei leaves: customers and tasks become mei's, one customer refuses.
    there.gone.add("wei")
    shop.verb("contact sync")
    assert shop.verb("staff hand over", giver="wei", taker="mei", dry_run=True)["customers"] == 6
    begun = shop.verb("staff hand over", giver="wei", taker="mei")
    assert (begun["resigned"], begun["waiting"], begun["refused"]) == (True, 6, 0)
    there.transfers["wei", "mei", "wm00"] = 3
    there.settle_transfers()
    assert shop.verb("contact settle")["customers"] == 6
    owned = {row["staff"]: row["owned"] for row in shop.verb("staff list")["staff"]}
    assert owned == {"wei": 1, "mei": 11}
    assert len(shop.verb("staff tasks", staff="mei")["tasks"]) == 6 + 5 - (tasks[0]["customer"] != "wm00")
    became = {
        row["status"]: (row["customers"], row["reason"]) for row in shop.verb("staff list")["hand_overs"]
    }
    assert became == {"done": (5, ""), "refused": (1, "the customer refused")}


@pytest.mark.proves("H3", "P3")
def test_codes_menus_and_tags_of_an_official_account_are_made_from_files(shop: Shop) -> None:
    account = shop.account
    shop.write("codes/door.yml", "kind: official_account\ntitle: Door\nscene: door\nlasts: 30 days\n")
    shop.write("codes/poster.yml", "kind: official_account\ntitle: Poster\n")
    assert shop.verb("code apply")["made"] == ["door", "poster"]
    asked = {body["action_info"]["scene"]["scene_str"]: body for body in account.qr_codes.values()}
    assert (asked["door"]["action_name"], asked["door"]["expire_seconds"]) == ("QR_STR_SCENE", 2_592_000)
    assert asked["poster"]["action_name"] == "QR_LIMIT_STR_SCENE"
    assert shop.verb("code apply")["made"] == []
    shop.later(days=30)
    assert shop.verb("code apply")["made"] == ["door"], "what is over is made anew"
    shop.write(
        "menus/official_account.yml",
        "entries:\n  - {name: 茶, key: tea}\n  - name: 更多\n    entries: [{name: 商店, url: https://shop.example/}]\n",
    )
    assert shop.verb("menu show")["same"] is False
    assert shop.verb("menu apply") == {"entries": 2}
    assert shop.verb("menu show")["same"] is True
    assert account.menu is not None
    assert account.menu["button"][0] == {"type": "click", "name": "茶", "key": "tea"}
    # Tags: followers are known by their openids.
    rows = "".join(f"f{n},o{n:03d}\n" for n in range(120))
    file = shop.write("followers.csv", "user_id,openid\n" + rows)
    mapping = shop.write("m.yml", "source: crm\nperson: {user_id: user_id, openid: openid}\nevent: none\n")
    shop.verb("import", file=str(file), map=str(mapping))
    account.followers = {f"o{n:03d}": set() for n in range(119)}
    shop.later(seconds=1)
    shop.verb("tag give", key="level", value="gold", people=[f"openid:o{n:03d}" for n in range(120)])
    shop.later(seconds=1)
    shop.write("sync/official_account.yml", "tags: {level: {values: {gold: 金卡}}}\n")
    done = shop.verb("sync run", platform="official_account")["done"]
    assert (done["added"], done["refused"]) == (119, [])
    (tag,) = account.tags
    assert {one for one, tags in account.followers.items() if tag in tags} == set(account.followers)
    shop.verb("tag take", key="level", people=["openid:o000"])
    shop.later(seconds=1)
    assert shop.verb("sync run", platform="official_account")["done"]["removed"] == 1
