"""Text messages from the campaign's file to the recipient's answer: price, sending, receipts, 退订."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from limner.cli.serve import running
from limner.consents import ledger
from limner.consents.model import address_hash
from limner.demo.sms_server import SmsServer
from limner.errors import TemplateError
from limner.touches.settling import last_to
from tests.workspace.worlds import World

PEOPLE = 12
WORD = "a-word-nobody-guesses"
MAP = """\
source: crm
person: {user_id: user_id, phone: phone}
time: {column: since, format: "%Y-%m-%d", zone: UTC}
event: none
attributes: {name: name}
"""
CAMPAIGN = "title: Tea\naudience: everybody\nholdout: 0\nchannel: sms\nclass: {of}\ntemplate: tea.yml\n"
TEMPLATE = """\
signature: 示例商店
template_code: SMS_1001
text: 亲爱的${name}，新茶到店，欢迎品尝。拒收请回复R
parameters: {name: "{{ person.name }}"}
"""


class Shop(World):
    """A served workspace with twelve members who have phones, and a platform."""

    sms: SmsServer
    client: httpx2.Client

    def posted(self, what: str, rows: list[object], word: str = WORD) -> httpx2.Response:
        """The answer to what the platform posts."""
        return self.client.post(f"/sms/callback/{word}/{what}", content=json.dumps(rows))

    def events(self, name: str) -> int:
        """How many events of that name there are."""
        self.workspace.load()
        sql = "SELECT COUNT(*) AS n FROM events JOIN names ON names.name_i = events.name_i WHERE names.name = $name"
        return int(self.workspace.engine.read(sql, {"name": name}).column("n")[0].as_py())


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("TEST_SMS", "demo-secret")
    monkeypatch.setenv("TEST_WORD", WORD)
    with SmsServer() as sms:
        made = Shop(
            tmp_path / "shop",
            toml=(
                f'[sms]\napi = "{sms.url}"\naccess_key = "demo-key"\nsecret_env = "TEST_SMS"\n'
                'callback_env = "TEST_WORD"\nprice = 0.045\n'
            ),
        )
        made.sms = sms
        rows = [f"m{n:02d},客人{n},+86 138 0013 80{n:02d},2026-05-01" for n in range(PEOPLE)]
        members = made.write("members.csv", "user_id,name,phone,since\n" + "\n".join(rows) + "\n")
        made.verb("import", file=str(members), map=str(made.write("members.map.yml", MAP)))
        agreed = [f"m{n:02d},sms,138001380{n:02d},granted" for n in range(PEOPLE - 2)]
        consents = made.write("consents.csv", "user_id,channel,address,state\n" + "\n".join(agreed) + "\n")
        assert made.verb("consent import", file=str(consents))["stored"] == PEOPLE - 2
        made.write("audiences/everybody.yml", "expression: known(person.name)\n")
        made.write("campaigns/tea.yml", CAMPAIGN.format(of="marketing"))
        made.write("templates/tea.yml", TEMPLATE)
        with running(made.workspace) as url, httpx2.Client(base_url=url) as client:
            made.client = client
            yield made
        made.close()


@pytest.mark.proves("H11")
def test_a_text_message_shows_its_text_segments_and_cost_before_it_is_sent(shop: Shop) -> None:
    shown = shop.verb("campaign preview", text=CAMPAIGN.format(of="marketing"), name="tea", n=1)["people"][0]
    assert shown["text"] == "【示例商店】亲爱的客人0，新茶到店，欢迎品尝。拒收请回复R"
    assert (shown["segments"], shown["cost"]) == (1, 0.045)
    long = TEMPLATE.replace("欢迎品尝", "欢迎品尝" * 20)
    shown = shop.verb(
        "campaign preview", text=CAMPAIGN.format(of="marketing"), n=1, templates={"tea.yml": long}
    )["people"][0]
    assert (shown["segments"], shown["cost"]) == (2, 0.09)
    checked = shop.verb("campaign check", name="tea")
    assert {one["code"]: one["state"] for one in checked["items"]}["channel"] == "ok"
    assert shop.sms.messages() == []


@pytest.mark.proves("H11")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("拒收请回复R", ""), "missing_unsubscribe"),
        (("${name}", "朋友"), "template_parameters"),
        (("亲爱的", "亲爱的${title}"), "template_parameters"),
        (("signature: 示例商店", "signature: ''"), "missing"),
        (("template_code: SMS_1001\n", ""), "template_syntax"),
        (("person.name", "person.nome"), "unknown_variable"),
    ],
)
def test_a_template_that_the_platform_would_refuse_is_refused_here(
    shop: Shop, change: tuple[str, str], code: str
) -> None:
    with pytest.raises(TemplateError) as caught:
        shop.verb("template preview", body=TEMPLATE.replace(*change), channel="sms")
    assert caught.value.code == code
    assert shop.verb(
        "template preview", body=TEMPLATE.replace("拒收请回复R", ""), channel="", message_class="service"
    )


@pytest.mark.proves("H11")
@pytest.mark.proves("C8")
def test_receipts_and_replies_become_events_and_whoever_answers_td_gets_no_more(shop: Shop) -> None:
    sent = shop.verb("campaign send", name="tea")
    assert (sent["sent"], sent["suppressed"]) == (PEOPLE - 2, {"no consent": 2})
    taken = shop.sms.messages()
    assert {one.to for one in taken} == {f"138001380{n:02d}" for n in range(PEOPLE - 2)}
    assert {one.sign for one in taken} == {"示例商店"}
    rows = [SmsServer.report(one, delivered=number > 0) for number, one in enumerate(taken)]
    for _ in range(2):  # the platform posts again what it is not sure of
        assert shop.posted("report", rows).json() == {"code": 0, "msg": "接收成功"}
    assert (shop.events("Message Delivered"), shop.events("Message Failed")) == (PEOPLE - 3, 1)
    replies = [SmsServer.reply(taken[3].to, "什么时候?"), SmsServer.reply(taken[4].to, " ｔｄ ", sequence=2)]
    for _ in range(2):
        assert shop.posted("reply", [*replies, SmsServer.reply("13900000000", "T")]).status_code == 200
    assert (shop.events("Message Replied"), shop.events("Unsubscribed")) == (2, 1)
    again = shop.verb("campaign send", name="tea", entry="again")
    assert again["suppressed"] == {"no consent": 2, "unsubscribed": 1}
    with shop.workspace.records.read() as connection:
        stranger = address_hash(shop.workspace.secret, "sms", "13900000000")
        assert ledger.standings(connection, "sms", [stranger])[stranger].suppressed == "unsubscribed"


def test_a_receipt_ends_a_doubt(shop: Shop) -> None:
    shop.sms.lose_answers(2)
    assert shop.verb("campaign send", name="tea")["in_doubt"] == 2
    first, second = shop.sms.messages()[:2]
    shop.posted("report", [SmsServer.report(first), SmsServer.report(second, delivered=False)])
    report = shop.verb("campaign report", name="tea")
    hashed = address_hash(shop.workspace.secret, "sms", first.to)
    assert last_to(shop.workspace.records, "sms", hashed) == first.out_id
    again = shop.verb("campaign send", name="tea", dry_run=True)
    assert (again["in_doubt"], again["failed"], again["sent"]) == (0, 1, PEOPLE - 3), report


def test_whoever_does_not_know_the_word_is_told_nothing(shop: Shop) -> None:
    assert shop.posted("report", [], word="guess").status_code == 404
    assert shop.posted("else", []).status_code == 422
    assert shop.client.post(f"/sms/callback/{WORD}/report", content=b"{}").status_code == 400
    assert shop.client.post(f"/sms/callback/{WORD}/report", content=b"[" * 100_000).status_code == 400
    assert shop.posted("report", [{"out_id": "nobody's"}, {}]).json()["code"] == 0
