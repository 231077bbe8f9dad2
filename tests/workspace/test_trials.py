"""A message to oneself by every kind of channel: it arrives, says what it is, and counts nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from limner.channels.kinds import KINDS
from limner.channels.seam import Unavailable
from limner.cli.serve import running
from limner.demo.mail_server import MailServer
from limner.demo.platform import Platform
from limner.demo.push_server import PushServer
from limner.demo.sms_server import SmsServer
from limner.demo.wechat_server import WechatServer
from limner.demo.wecom_server import WecomServer
from limner.errors import LimnerError, UsageError
from limner.types import Json
from tests.api.served import Served
from tests.workspace import wecom
from tests.workspace.test_channels import MEMBERS

TEMPLATES = {
    "mail.html": "<p>你好 {{ person.name }}</p>",
    "short.yml": """signature: 示例商店
template_code: SMS_1
text: 亲爱的${name}，新茶到店。拒收请回复R
parameters: {name: "{{ person.name }}"}
""",
    "account.yml": 'template_id: T0\ndata: {thing1: "{{ person.name }}"}\n',
    "mini.yml": 'template_id: T1\npage: pages/index\ndata: {thing1: "{{ person.name }}"}\n',
    "push.yml": 'title: Tea\nbody: "{{ person.name }}, come in"\n',
    "staff.yml": "text: 新茶到店\nto: group\n",
}
ADDRESSES = {
    "mail.html": "me@shop.example",
    "short.yml": "+86 138 0013 8099",
    "account.yml": "oMe",
    "mini.yml": "oMe",
    "push.yml": f"d{99:031d}",
    "staff.yml": "wm-me",
}


class Shop(wecom.Shop):
    """Two people whose data fill the texts, and a server of each kind of channel."""

    mail: MailServer
    by: dict[str, Platform[Any]]

    def touched(self) -> Json:
        with self.workspace.records.read() as connection:
            return {
                table: connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar_one()
                for table in ("touches", "campaign_entries", "arms")
            }

    def arrived(self, kind: str) -> str:
        """What the last message by a channel said, whoever got it."""
        if kind == "email":
            last = self.mail.messages()[-1]
            return f"{last.to} {last.parsed['Subject']} {last.html}"
        return str(self.by[kind].messages()[-1])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with (
        pytest.MonkeyPatch.context() as patch,
        PushServer() as push,
        WechatServer() as account,
        WechatServer() as mini,
        SmsServer() as sms,
        WecomServer() as there,
        MailServer() as mail,
    ):
        for name, value in wecom.SECRETS.items():
            patch.setenv(name, value)
        folder = tmp_path_factory.mktemp("trials") / "shop"
        made = Shop(folder, there, account)
        made.close()
        with (folder / "limner.toml").open("a", encoding="utf-8") as file:
            file.write(
                f'[email]\nhost = "{mail.host}"\nport = {mail.port}\nsender = "Shop <shop@shop.example>"\n'
                f'[push]\napi = "{push.url}"\napp_id = "demo-app"\napp_key = "demo-key"\n'
                'secret_env = "TEST_SECRET"\n'
                f'[miniprogram]\napi = "{mini.url}"\napp_id = "wx-demo"\nsecret_env = "TEST_SECRET"\n'
                f'[sms]\napi = "{sms.url}"\naccess_key = "demo-key"\nsecret_env = "TEST_SECRET"\n'
            )
        made.open()
        made.mail = mail
        made.by = {"push": push, "wechat": account, "miniprogram": mini, "sms": sms, "wecom": there}
        rows = "user_id,name,device,mini_openid,since\nm1,客人一,,,2026-05-01\nm2,客人二,,,2026-05-01\n"
        made.verb(
            "import",
            file=str(made.write("members.csv", rows)),
            map=str(made.write("members.map.yml", MEMBERS)),
        )
        for name, text in TEMPLATES.items():
            made.write(f"templates/{name}", text)
        there.add_customer("wm-me", "wei", at=wecom.AT)
        there.add_customer("wm-other", "wei", at=wecom.AT)
        there.add_chat("wr1", "wei", ["wm-me", "wm-other"], at=wecom.AT)
        made.verb("contact sync")
        yield made
        made.close()


def test_a_trial_of_every_kind_arrives_with_the_chosen_persons_values_and_counts_nowhere(shop: Shop) -> None:
    before = shop.touched()
    shop.by["miniprogram"].permissions = Counter({"oMe": 2})  # type: ignore[attr-defined]
    row = {"channel": "miniprogram", "address": "oMe", "template": "T1", "proof": "me"}
    shop.verb("permission add", permissions=[row])
    seen = set()
    for name, address in ADDRESSES.items():
        told = shop.verb("template send", name=name, to=address, person="m2", message_class="service")
        assert (told["outcome"], told["reason"]) == ("accepted", ""), name
        kind = told["channel"]
        seen.add(kind)
        assert told["confirmed"] is not KINDS[kind].confirmed
        if kind == "wecom":
            # Of a template for groups too, only this one customer gets it, once the member of staff confirms.
            assert shop.by[kind].messages() == []
            assert shop.there.confirm() == 1
            assert [one.to for one in shop.there.messages()] == ["wm-me"]
        else:
            assert "客人二" in shop.arrived(kind)
        assert KINDS[kind].spelling(address) in shop.arrived(kind) or kind == "sms"
        # Approved words have no place for a mark; all others say that they are a trial.
        assert ("[测试 Test]" in shop.arrived(kind)) is (kind in ("email", "push", "wecom"))
    assert seen == {"email", "sms", "wechat", "miniprogram", "push", "wecom"}
    assert shop.touched() == before
    with shop.workspace.records.read() as connection:
        assert connection.exec_driver_sql("SELECT SUM(left) FROM permissions").scalar_one() == 0
    audited = str(shop.verb("audit list"))
    assert all(f"'channel': '{kind}'" in audited for kind in seen)
    assert "13800138099" not in str(audited)


def test_what_cannot_be_sent_says_why_and_leaves_the_permission(shop: Shop) -> None:
    refused = shop.verb("template send", name="staff.yml", to="wm-stranger", message_class="service")
    assert (refused["outcome"], refused["reason"]) == ("failed", "no member of staff has this customer")
    wrong = shop.verb("template send", name="short.yml", to="me@shop.example", message_class="service")
    assert (wrong["outcome"], wrong["reason"]) == ("failed", "bad address: not a phone number")
    for given, code in (
        ({"name": "short.yml"}, "no_address"),
        ({"name": "short.yml", "to": "1", "channel": "email"}, "not_of_channel"),
        ({"name": "short.yml", "to": "1", "channel": "fax"}, UsageError.code),
        ({"name": "mini.yml", "to": "1", "person": "nobody"}, "not_found"),
    ):
        with pytest.raises(LimnerError) as caught:
            shop.verb("template send", **given)
        assert caught.value.code == code
    row = {"channel": "miniprogram", "address": "oBusy", "template": "T1", "proof": "busy"}
    shop.verb("permission add", permissions=[row])
    shop.by["miniprogram"].fail(429, 1_000, retry_after="120")
    with pytest.raises(Unavailable):
        shop.verb("template send", name="mini.yml", to="oBusy", message_class="service")
    shop.by["miniprogram"].heal()
    with shop.workspace.records.read() as connection:
        assert connection.exec_driver_sql("SELECT SUM(left) FROM permissions").scalar_one() == 1


def test_over_http_only_who_may_change_things_sends_to_themselves(shop: Shop) -> None:
    with running(shop.workspace) as url, httpx2.Client(base_url=url, timeout=60) as client:
        served = Served(shop, client)
        body = {"name": "push.yml", "to": ADDRESSES["push.yml"], "person": "m1", "message_class": "service"}
        assert served.send("POST", "/api/v1/templates/send", body, role="viewer").status_code == 403
        told = served.send("POST", "/api/v1/templates/send", body, role="operator").json()
        assert (told["channel"], told["outcome"]) == ("push", "accepted")
        shown = served.send(
            "POST", "/api/v1/templates/preview", {"body": TEMPLATES["push.yml"], "channel": ""}, role="viewer"
        )
        assert shown.json()["channel"] == "push"
