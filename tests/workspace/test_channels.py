"""Campaigns over push, subscribe messages and Apprise, from the files to the platform's book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from limner.demo.apprise_server import AppriseServer
from limner.demo.push_server import PushServer
from limner.demo.wechat_server import WechatServer
from limner.errors import InputError, UsageError
from tests.workspace.worlds import World

PEOPLE = 10
MEMBERS = """\
source: crm
person: {user_id: user_id}
time: {column: since, format: "%Y-%m-%d", zone: UTC}
event: none
attributes: {name: name, device: device, mini_openid: mini_openid}
"""
CAMPAIGN = "title: Parcel\naudience: {who}\nholdout: 0\nchannel: {channel}\nclass: service\ntemplate: {channel}.yml\n"
LEVEL = """\
nature: fact
method: rule
type: text
cases:
  - {when: person.name ends with '1', then: gold}
otherwise: silver
validity: 30 days
"""


class Shop(World):
    """Ten members, a push platform, a mini-program and an ntfy."""

    push: PushServer
    mini: WechatServer
    ntfy: AppriseServer


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("TEST_SECRET", "demo-secret")
    with PushServer() as push, WechatServer() as mini, AppriseServer() as ntfy:
        monkeypatch.setenv("TEST_APPRISE", f"ntfy://shop:demo-secret@127.0.0.1:{ntfy.port}/{{address}}")
        made = Shop(
            tmp_path / "shop",
            toml=(
                f'[push]\napi = "{push.url}"\napp_id = "demo-app"\napp_key = "demo-key"\nsecret_env = "TEST_SECRET"\n'
                'address = "device"\nttl_seconds = 60\n'
                f'[miniprogram]\napi = "{mini.url}"\napp_id = "wx-demo"\nsecret_env = "TEST_SECRET"\n'
                '[apprise]\nurl_env = "TEST_APPRISE"\naddress = "mini_openid"\nallowed = ["127.0.0.1"]\n'
            ),
        )
        made.push, made.mini, made.ntfy = push, mini, ntfy
        rows = [
            f"m{n:02d},Name {n % 5},{f'd{n:031d}' if n else ''},o{n:02d},2026-05-01" for n in range(PEOPLE)
        ]
        members = made.write(
            "members.csv", "user_id,name,device,mini_openid,since\n" + "\n".join(rows) + "\n"
        )
        made.verb("import", file=str(members), map=str(made.write("members.map.yml", MEMBERS)))
        made.write("tags/level.yml", LEVEL)
        made.write("audiences/everybody.yml", "expression: known(person.name)\n")
        made.write("audiences/gold.yml", "expression: level = 'gold'\n")
        made.write("campaigns/push.yml", CAMPAIGN.format(who="gold", channel="push"))
        made.write("campaigns/mini.yml", CAMPAIGN.format(who="everybody", channel="miniprogram"))
        made.write("campaigns/other.yml", CAMPAIGN.format(who="everybody", channel="apprise"))
        made.write(
            "templates/apprise.yml",
            'title: For you\ntext: "{{ person.name }}, come in, {{ person.mini_openid }}"\n',
        )
        made.write("templates/push.yml", 'title: For {{ tag.level }}\nbody: "{{ person.name }}, come in"\n')
        made.write(
            "templates/miniprogram.yml",
            'template_id: T1\npage: pages/index\ndata: {thing1: "{{ person.name }}"}\n',
        )
        yield made
        made.close()


@pytest.mark.proves("H5")
def test_those_with_a_tag_get_a_push_on_their_devices(shop: Shop) -> None:
    shop.verb("tag run")
    sent = shop.verb("campaign send", name="push")
    assert (sent["audience"], sent["sent"], sent["suppressed"]) == (2, 2, {})
    taken = shop.push.messages()
    assert {one.to for one in taken} == {f"d{n:031d}" for n in (1, 6)}
    assert {(one.title, one.body, one.ttl_seconds) for one in taken} == {("For gold", "Name 1, come in", 60)}
    shop.verb("campaign send", name="push")
    assert shop.push.twice == []
    assert len(shop.push.messages()) == 2


@pytest.mark.proves("H12")
def test_the_ledger_of_permissions_and_the_platforms_own_never_differ(shop: Shop) -> None:
    shop.mini.permissions = Counter({f"o{n:02d}": 1 for n in range(4)})
    row = {"channel": "miniprogram", "template": "T1"}
    added = shop.verb(
        "permission add", permissions=[{**row, "address": f"o{n:02d}", "proof": f"p{n}"} for n in range(4)]
    )
    assert added == {"received": 4, "stored": 4, "duplicate": 0}
    first = shop.verb("campaign send", name="mini")
    assert (first["sent"], first["failed"], first["suppressed"]) == (4, 0, {"no permission left": PEOPLE - 4})
    assert {one.to for one in shop.mini.messages()} == {f"o{n:02d}" for n in range(4)}
    again = shop.verb("campaign send", name="mini", entry="again")
    assert (again["sent"], again["suppressed"]) == (0, {"no permission left": PEOPLE})
    assert set(shop.mini.permissions.values()) == {0}


def test_everybody_gets_a_message_by_apprise_and_who_is_in_doubt_gets_no_second(shop: Shop) -> None:
    body = (shop.folder / "templates/apprise.yml").read_text(encoding="utf-8")
    shown = shop.verb("template preview", body=body, channel="apprise", person="m03")
    assert (shown["subject"], shown["text"]) == ("For you", "Name 3, come in, o03")
    shop.ntfy.shut = {"o04"}
    shop.ntfy.lose_answers(1)
    first = shop.verb("campaign send", name="other")
    assert (first["sent"], first["failed"], first["in_doubt"]) == (PEOPLE - 2, 1, 1)
    taken = shop.ntfy.messages()
    assert {one.to for one in taken} == {f"o{n:02d}" for n in range(PEOPLE) if n != 4}
    assert {one.text for one in taken if one.to == "o03"} == {"Name 3, come in, o03"}
    shop.verb("campaign send", name="other")
    assert shop.ntfy.twice == []
    assert len(shop.ntfy.messages()) == PEOPLE - 1


def test_the_set_up_of_apprise_says_where_it_leads_and_never_the_url(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = {row["kind"]: row for row in shop.verb("channel list")["channels"]}["apprise"]
    assert (listed["configured"], listed["server"], listed["secure"]) == (True, shop.ntfy.url, "none")
    checked = shop.verb("channel check", kind="apprise")
    assert (checked["ready"], checked["toml"]) == (True, "")
    for url, why in [
        (f"ntfy://shop:wrong-word@127.0.0.1:{shop.ntfy.port}/{{address}}", "unauthorized"),
        ("ntfy://shop:wrong-word@127.0.0.2:9/{address}", "may not reach"),
        ("syslog://wrong-word/{address}", "does not ask over HTTP"),
        ("ntfy://wrong-word/here", "has {address} once"),
    ]:
        monkeypatch.setenv("TEST_APPRISE", url)
        wrong = shop.verb("channel check", kind="apprise")
        said = next(point["message"] for point in wrong["points"] if point["what"] == "login")
        assert (wrong["ready"], why in said) == (False, True), said
        assert "wrong-word" not in str(wrong)
    assert {row["kind"]: row["server"] for row in shop.verb("channel list")["channels"]}["apprise"] == ""
    monkeypatch.delenv("TEST_APPRISE")
    bare = shop.verb("channel check", kind="apprise")
    assert not bare["ready"]
    assert bare["environment"] == "export TEST_APPRISE='ntfys://USER:PASSWORD@ntfy.example.com/{address}'"
    assert shop.ntfy.messages() == []


def test_permissions_that_mean_nothing_are_refused(shop: Shop) -> None:
    good = {"channel": "miniprogram", "address": "o1", "template": "T1", "proof": "p"}
    for wrong in ({"channel": "email"}, {"proof": " "}, {"n": 0}, {"n": True}, {"address": None}):
        with pytest.raises(UsageError):
            shop.verb("permission add", permissions=[{**good, **wrong}])
    with pytest.raises(InputError, match="proof"):
        shop.verb("permission import", file=str(shop.write("p.csv", "channel,address,template\n")))
    file = shop.write(
        "q.csv", "channel,address,template,proof,n\nminiprogram,o1,T1,p,2\nminiprogram,o1,T1,p,2\n"
    )
    assert shop.verb("permission import", file=str(file)) == {"received": 2, "stored": 1, "duplicate": 1}


@pytest.mark.parametrize(
    ("channel", "text"),
    [
        ("push", "title: a\n"),
        ("push", "title: a\nbody: b\nurl: [c]\n"),
        ("push", "title: a\nbody: b\nimage: c\n"),
        ("miniprogram", "template_id: T1\ndata: {a: b}\n"),
        ("miniprogram", "template_id: T1\npage: p\ndata: {a: 1}\n"),
        ("apprise", "title: a\n"),
        ("apprise", "text: a\nbody: b\n"),
    ],
)
def test_a_template_that_is_not_one_of_its_channel_is_refused(shop: Shop, channel: str, text: str) -> None:
    with pytest.raises(UsageError):
        shop.verb("template preview", body=text, channel=channel)


def test_the_channel_of_a_template_is_told_by_its_keys(shop: Shop) -> None:
    shop.write("templates/odd.yml", "a: b\n")
    listed = {row["name"]: row["kind"] for row in shop.verb("template list")["templates"]}
    assert listed == {
        "push.yml": "push",
        "miniprogram.yml": "miniprogram",
        "apprise.yml": "apprise",
        "odd.yml": "unknown",
    }
