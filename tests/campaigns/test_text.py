from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest

from limner.campaigns.model import Cap, Goal, Quiet
from limner.campaigns.text import fields_of, read, read_file, read_folder, written
from limner.errors import DefinitionError
from limner.tags.document import Document

WHOLE = """\
# spring
title: {en: Spring, zh: 春季}
audience: buyers
holdout: 0.2
channel: email
class: marketing
template: spring.html
subject: 春天来了
subject_prefix: 广告
goal: {event: Order Paid, where: amount > 100, money: amount, within: 10 days}
cap: {messages: 3, per: 7 days}
quiet_hours: ["21:00", "9:00"]
schedule: 0 10 * * 1
from: Shop <hi@shop.example>
seed: 7
variants:
  - name: vip
    when: person.tier = 'gold'
    template: vip.html
owner: growth
why: more repeat orders
"""


@pytest.mark.proves("S1")
def test_a_campaign_is_what_its_file_says() -> None:
    campaign = read(WHOLE, "spring")
    assert campaign.title == {"en": "Spring", "zh": "春季"}
    assert (campaign.audience, campaign.holdout, campaign.channel) == ("buyers", 0.2, "email")
    assert campaign.goal == Goal("Order Paid", "amount > 100", "amount", timedelta(days=10))
    assert campaign.cap == Cap(3, timedelta(days=7))
    assert campaign.quiet == Quiet(time(21), time(9))
    assert (campaign.seed, campaign.schedule) == ("7", "0 10 * * 1")
    assert campaign.variants[0].name == "vip"
    assert campaign.subject_prefix == "广告"
    assert campaign.definition == WHOLE


def test_little_must_be_said() -> None:
    campaign = read("audience: all\ntemplate: a.html\nsubject: Hi", "a")
    assert (campaign.channel, campaign.message_class, campaign.holdout) == ("email", "marketing", 0.1)
    assert (campaign.goal, campaign.cap, campaign.quiet, campaign.variants) == (None, None, None, ())
    assert campaign.title == {"": "a"}
    wechat = read("audience: all\ntemplate: a.yml\nchannel: wechat\nclass: service\ngoal: {event: Paid}", "b")
    assert wechat.goal == Goal("Paid", within=timedelta(days=14))


@pytest.mark.parametrize(
    ("line", "wrong", "where", "says"),
    [
        (4, "holdout: 2", "4:10", "share"),
        (4, "holdout: true", "4:10", "share"),
        (4, "holdot: 0.2", "4:1", "unknown key 'holdot'"),
        (5, "channel: fax", "5:10", "email, wechat"),
        (6, "class: advert", "6:8", "marketing, service"),
        (10, "goal: {event: Paid, within: 0 days}", "10:29", "duration"),
        (10, "goal: {event: Paid, within: 9999999 days}", "10:29", "ten years"),
        (10, "goal: {event: Paid, where: amount >}", "10:", ""),
        (10, "goal: {where: amount > 1}", "10:", "missing"),
        (10, "goal: Paid", "10:7", "goal"),
        (11, "cap: {messages: 0, per: 7 days}", "11:17", "1 to 1000"),
        (11, "cap: {messages: 3}", "11:", "missing"),
        (11, "cap: {messages: 3, each: 7 days}", "11:20", "unknown key 'each'"),
        (12, 'quiet_hours: ["21:00"]', "12:14", "two times"),
        (12, 'quiet_hours: ["21:00", "25:00"]', "12:14", "two times"),
        (12, 'quiet_hours: ["21:00", "21:00"]', "12:14", "never end"),
        (13, "schedule: every day", "13:11", "no schedule"),
        (15, "seed: [1]", "15:7", "seed"),
        (17, "  - name: Vip!", "17:11", "name"),
        (18, "    when: person.tier ~", "18:", ""),
        (8, "subject: ''", ":1:1", "subject"),
        (3, "audience: [a]", "3:11", "audience"),
        (2, "title: [a", "", ""),
    ],
)
def test_what_is_wrong_is_named_with_its_place(line: int, wrong: str, where: str, says: str) -> None:
    lines = WHOLE.splitlines()
    lines[line - 1] = wrong
    with pytest.raises(DefinitionError) as caught:
        read("\n".join(lines), "spring")
    assert caught.value.where is not None
    assert caught.value.where.startswith("campaigns/spring.yml:")
    assert where in caught.value.where
    assert says in caught.value.message


@pytest.mark.parametrize("text", ["", "- a", "a: b: c", "x: 1\nx: 2", "\0", "[" * 300, "a: &a [*a]"])
def test_what_is_no_definition_is_refused(text: str) -> None:
    with pytest.raises(DefinitionError):
        read(text, "spring")


@pytest.mark.parametrize("name", ["", "Spring", "1a", "a-b", "a" * 65, "a/b"])
def test_a_name_is_plain(name: str) -> None:
    with pytest.raises(DefinitionError):
        read(WHOLE, name)


def test_a_folder_is_read_by_name(tmp_path: Path) -> None:
    assert read_folder(tmp_path / "none") == {}
    (tmp_path / "spring.yml").write_text(WHOLE, encoding="utf-8")
    assert read_folder(tmp_path)["spring"] == read(WHOLE, "spring")
    (tmp_path / "bad.yml").write_bytes(b"title: \xff")
    with pytest.raises(DefinitionError, match="UTF-8"):
        read_file(tmp_path / "bad.yml")


VARIED = """\
audience: buyers
template: own.html
subject: Hi
# who gets which
variants:
  # our best
  - name: gold   # by tier
    when: person.tier = 'gold'
    template: gold.html
  # those who left
  - name: lost
    when: person.tier = 'none'   # for now
    template: lost.html
picks:
  # to read
  articles: {only: [article], count: 2}   # two
  tea:
    from: product   # not the library
    count: 3
# the end
"""
GOLD = """\
  # our best
  - name: gold   # by tier
    when: person.tier = 'gold'
    template: gold.html
"""
LOST = """\
  # those who left
  - name: lost
    when: person.tier = 'none'   # for now
    template: lost.html
"""


def test_variants_are_added_moved_and_taken_away_and_every_comment_stays() -> None:
    gold, lost = fields_of(read(VARIED, "spring"))["variants"]
    rest = {"name": "rest", "when": "", "template": "rest.html", "subject": "", "templates": {}}
    more = "  - name: rest\n    template: rest.html\n"
    for variants, block in (
        ([gold, lost, rest], GOLD + LOST + more),
        ([lost, gold], LOST + GOLD),
        ([lost], LOST),
        ([gold, {**lost, "when": "person.tier = 'x'"}], GOLD + LOST.replace("'none'", "'x'")),
    ):
        made = written(VARIED, {"variants": variants}, name="spring")
        assert made == VARIED.replace(GOLD + LOST, block)
    subject = {"name": "gold", "when": gold["when"], "subject": "For you", "template": "gold.html"}
    named = written(VARIED, {"variants": [subject, lost]}, name="spring")
    assert named == VARIED.replace(GOLD, GOLD.replace("    template", "    subject: For you\n    template"))
    gone = written(VARIED, {"variants": []}, name="spring")
    assert (read(gone, "spring").variants, "variants" in gone) == ((), False)
    assert "  # to read\n  articles: {only: [article], count: 2}   # two\n" in gone


def test_a_list_of_picks_gets_a_name_in_its_place_and_says_only_what_is_unusual() -> None:
    picks = fields_of(read(VARIED, "spring"))["picks"]
    made = written(
        VARIED, {"picks": {"reads": picks["articles"], "tea": {**picks["tea"], "by": []}}}, name="spring"
    )
    assert list(read(made, "spring").picks) == ["reads", "tea"]
    assert "    from: product   # not the library\n    count: 3\n" in made
    assert "by:" not in made
    fresh = written(VARIED, {"picks": {**picks, "offers": {"count": 1, "only": ["offer"]}}}, name="spring")
    assert "  offers:\n    count: 1\n    only: [offer]\n" in fresh
    assert GOLD + LOST in fresh


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("when: person.tier = 'none'", "when: person.tier =", ("variants", 1, "when")),
        ("name: lost", "name: Lost", ("variants", 1, "name")),
        ("    template: lost.html", "    tmplate: lost.html", ("variants", 1, "tmplate")),
        ("count: 2", "count: 99", ("picks", "articles", "count")),
        ("count: 3", "coun: 3", ("picks", "tea", "coun")),
        ("  tea:", "  Tea:", ("picks", "Tea")),
        ("audience: buyers", "audience: [buyers]", ("audience",)),
    ],
)
def test_the_place_of_a_mistake_leads_to_its_value(
    before: str, after: str, path: tuple[str | int, ...]
) -> None:
    text = VARIED.replace(before, after)
    with pytest.raises(DefinitionError) as caught:
        read(text, "spring")
    line, column = map(int, str(caught.value.where).split(":")[1:])
    assert Document(text, where="f").path_at(line, column) == path
