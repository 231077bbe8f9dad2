"""Mails over HTTP: what comes back, the way out at once, trials to oneself, MJML, and what the sender's names say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from limner.accounts import users
from limner.accounts.model import Caller, Role
from limner.channels.dkim import signer
from limner.demo.mail_server import MailServer
from limner.errors import ChannelError
from limner.types import Json
from limner.workspace import calling
from tests.api.served import Served, serving
from tests.api.test_campaigns import CAMPAIGN, PEOPLE, fill
from tests.channels.mailboxes import Box
from tests.channels.test_dkim import pem
from tests.feedback.mails_that_came_back import mail as came_back


class Shop(Served):
    """A served workspace with sixty members, a mail server, a key that signs, and a mailbox of returned mails."""

    mail: MailServer
    box: Box

    def sent(self, **other: object) -> Json:
        """The answer of sending the campaign."""
        return self.world.verb("campaign send", name="harvest", **other)

    def events(self, person: str) -> list[str]:
        """The names of what happened to a person, the latest first."""
        self.world.now += timedelta(seconds=1)
        return [row["event"] for row in self.world.verb("person timeline", id=person, limit=200)["events"]]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder: Path = tmp_path_factory.mktemp("letters") / "shop"
    with pytest.MonkeyPatch.context() as patched, MailServer() as mail, Box("imap", []) as box:
        patched.setenv("TEST_BACK", "w0rd")
        patched.setenv("TEST_BOX", "right")
        patched.setenv("TEST_DKIM", pem(ed25519.Ed25519PrivateKey.generate()).decode())
        toml = (
            'public_url = "http://127.0.0.1:1"\n'
            f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "Shop <hi@shop.example>"\n'
            'bounces = "bounce@shop.example"\ncallback_env = "TEST_BACK"\n'
            'dkim_selector = "s1"\ndkim_key_env = "TEST_DKIM"\n'
            f'[mailbox]\nhost = "127.0.0.1"\nport = {box.port}\ntls = "none"\n'
            'username = "b"\npassword_env = "TEST_BOX"\n'
        )
        with serving(folder, toml=toml) as made:
            made.__class__ = Shop
            assert isinstance(made, Shop)
            made.mail, made.box = mail, box
            fill(made.world)
            made.world.write("campaigns/harvest.yml", CAMPAIGN.replace("holdout: 0.25", "holdout: 0").replace(
                "cap: {messages: 3, per: 7 days}\n", ""))  # fmt: skip
            yield made


@pytest.mark.proves("G16")
def test_a_one_click_post_keeps_the_next_send_away_and_no_import_brings_it_back(shop: Shop) -> None:
    assert shop.sent(entry="first")["sent"] == PEOPLE - 5
    mails = {mail.to: mail for mail in shop.mail.messages()}
    who = "m07@example.test"
    url = str(mails[who].parsed["List-Unsubscribe"]).partition("<")[2].partition(">")[0]
    assert mails[who].parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for _ in range(3):
        answer = shop.client.post(url, data={"List-Unsubscribe": "One-Click"}, follow_redirects=False)
        assert answer.status_code == 200
    before = len(shop.mail.messages())
    again = shop.sent(entry="at once")
    assert again["suppressed"] == {"no consent": 5, "unsubscribed": 1}
    assert again["sent"] == PEOPLE - 6
    consents = shop.world.write("again.csv", f"user_id,channel,address,state\nm07,email,{who},granted\n")
    shop.world.verb("consent import", file=str(consents))
    assert shop.sent(entry="later")["suppressed"] == {"no consent": 5, "unsubscribed": 1}
    assert who not in {mail.to for mail in shop.mail.messages()[before:]}
    shop.world.workspace.load()
    with shop.world.workspace.records.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT COUNT(*) FROM touches WHERE unsubscribed_at IS NOT NULL"
        ).scalar_one()
    assert rows == 1
    assert shop.events("m07").count("Unsubscribed") == 1


@pytest.mark.proves("H10")
def test_what_comes_back_by_post_or_mailbox_counts_once(shop: Shop) -> None:
    shop.sent(entry="comes back")
    ids = {mail.to: mail.message_id.partition("@")[0] for mail in shop.mail.messages()}
    assert {mail.sender for mail in shop.mail.messages() if mail.to == "m10@example.test"} >= {
        f"bounce+{ids['m10@example.test']}@shop.example"
    }
    hard = came_back("NetEase, in GBK", ids["m10@example.test"])
    post = "/mail/callback/w0rd"
    for _ in range(3):
        told = shop.client.post(post, content=hard).json()
        assert told == {"kind": "hard", "message_id": ids["m10@example.test"]}
    assert shop.client.post("/mail/callback/guess", content=hard).status_code == 404
    assert shop.client.post(post, content=b"x" * 2_100_000).status_code == 413
    assert shop.client.post(post, content=b"\xff\0nonsense").json()["kind"] == "unclear"
    shop.box.mails += [
        hard,
        came_back("complaint", ids["m11@example.test"]),
        b"\0\xff",
        came_back("wants to leave", ids["m12@example.test"]),
    ]
    told = shop.world.verb("mail read")
    assert told == {"read": 4, "kinds": {"hard": 1, "complaint": 1, "unclear": 1, "leaves": 1}}
    assert shop.world.verb("mail read") == {"read": 0, "kinds": {}}
    assert [shop.events(who).count(name) for who, name in (
        ("m10", "Message Bounced"), ("m11", "Complained"), ("m12", "Unsubscribed"), ("m13", "Message Bounced"),
    )] == [1, 1, 1, 0]  # fmt: skip
    counted = shop.sent(entry="after")["suppressed"]
    assert {key: counted[key] for key in ("bounced", "complained")} == {"bounced": 1, "complained": 1}
    listed = shop.get("/api/v1/channels/email/returned", role="viewer")
    assert listed["counts"]["hard"] == 1
    unclear = shop.get("/api/v1/channels/email/returned", role="viewer", kind="unclear")["mails"]
    assert len(unclear) == 2
    one = f"/api/v1/channels/email/returned/{unclear[0]['id']}"
    assert shop.send("GET", one, role="viewer").status_code == 403
    assert shop.get(one, role="operator")["text"]
    with shop.world.workspace.records.read() as connection:
        alerts = connection.exec_driver_sql("SELECT COUNT(*) FROM alerts WHERE what LIKE '%nobody can read%'")
        assert alerts.scalar_one() == 1
    shop.world.verb("person erase", id="m10")
    left = shop.get("/api/v1/channels/email/returned")
    assert ids["m10@example.test"] not in str(left)
    assert not any(row["kept"] for row in left["mails"])
    assert shop.send("GET", one, role="operator").status_code == 404


def test_a_template_goes_to_whoever_is_signed_in_and_counts_nowhere(shop: Shop) -> None:
    world = shop.world
    user, _ = users.add(world.workspace.records, "ann@shop.example", role=Role.OPERATOR, now=world.now)
    ann = Caller("user", user.id, "Ann", Role.OPERATOR)

    def counts() -> Json:
        with world.workspace.records.read() as connection:
            return (
                connection.exec_driver_sql("SELECT COUNT(*), SUM(status = 'sent') FROM touches")
                .one()
                ._asdict()
            )

    before = counts()
    told = calling.call(
        world.workspace,
        "template send",
        {"name": "harvest.html", "subject": "春茶", "person": "m02"},
        _quiet,
        ann,
    )
    assert (told["outcome"], told["to"]) == ("accepted", "ann@shop.example")
    mail = shop.mail.messages()[-1]
    assert mail.to == "ann@shop.example"
    assert str(mail.parsed["Subject"]) == "[测试 Test] 春茶"
    assert mail.parsed["X-Limner-Trial"] == "yes"
    assert "Name 2" in mail.html
    assert (
        shop.client.get(mail.html.split('href="')[1].split('"')[0], follow_redirects=False).status_code == 302
    )
    assert counts() == before
    audited = str(world.verb("audit list"))
    assert "template send" in audited
    assert "ann@shop.example" not in audited.split("template send")[1][:300]
    body = {
        "channel": "email",
        "body": "<p>{{ person.name }}</p>",
        "message_class": "service",
        "kind": "html",
        "to": "me@shop.example",
    }
    assert shop.post("/api/v1/templates/send", body, role="operator")["outcome"] == "accepted"
    for given, code in (
        ({**body, "to": ""}, "no_address"),
        ({"to": "me@shop.example"}, "missing"),
        ({**body, "body": "<p>{{ person.nmae }}</p>"}, "unknown_variable"),
        ({**body, "body": "", "name": "gone.html"}, "not_found"),
    ):
        answer = shop.send("POST", "/api/v1/templates/send", given, role="operator")
        assert (answer.status_code // 100, answer.json()["code"]) == (4, code)
    assert shop.send("POST", "/api/v1/templates/send", body, role="viewer").status_code == 403


def _quiet(*_words: object) -> None:
    """Says nothing."""


def test_a_preview_of_mjml_is_html_and_says_what_to_mend(shop: Shop) -> None:
    source = (
        "<mjml><mj-body><mj-section><mj-column><mj-text>Hi {{ person.name }}</mj-text>"
        '<mj-image src="http://shop.example/a.png" /></mj-column></mj-section></mj-body></mjml>'
    )
    asked = {"body": source, "kind": "mjml", "message_class": "service", "person": "m02"}
    found = shop.post("/api/v1/templates/preview", asked, role="viewer")
    assert "<table" in found["html"]
    assert found["advice"] == [
        {"code": "no_unsubscribe", "n": 0}, {"code": "no_alt", "n": 1}, {"code": "little_text", "n": 6},
        {"code": "insecure", "n": 1},
    ]  # fmt: skip
    wrong = shop.send(
        "POST", "/api/v1/templates/preview", {**asked, "body": source.replace("mj-text", "mj-txt")}
    )
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["path"]) == (
        422,
        "template_syntax",
        "line 1",
    )
    shop.world.write("templates/spring.mjml", source)
    kinds = {row["name"]: row["kind"] for row in shop.get("/api/v1/templates")["templates"]}
    assert kinds["spring.mjml"] == "mjml"


def test_the_senders_names_are_judged_and_what_to_publish_is_said(shop: Shop) -> None:
    sending = shop.world.workspace.sending
    names: dict[str, list[str]] = {}

    def resolve(name: str) -> list[str]:
        if name == "down":
            raise ChannelError("nobody answers")
        return names.get(name, [])

    sending.resolve = resolve

    def states() -> dict[str, str]:
        found = shop.get("/api/v1/channels/email/dns", role="operator")
        return {row["what"]: row["state"] for row in found["checks"]}

    assert states() == {"SPF": "missing", "DKIM": "missing", "DMARC": "missing"}
    told = shop.get("/api/v1/channels/email/dns", role="operator")
    publish = {row["what"]: row["publish"] for row in told["checks"]}
    assert told["zone_line"].startswith("s1._domainkey.shop.example. IN TXT")
    names |= {
        "shop.example": ["google-site-verification=1", "v=spf1 include:relay.example ~all"],
        "s1._domainkey.shop.example": [publish["DKIM"]],
        "_dmarc.shop.example": ["v=DMARC1; p=quarantine; rua=mailto:d@shop.example"],
    }
    assert states() == {"SPF": "ok", "DKIM": "ok", "DMARC": "ok"}
    other = signer(pem(ed25519.Ed25519PrivateKey.generate()), domain="shop.example", selector="s1")
    names |= {
        "shop.example": ["v=spf1 +all"],
        "s1._domainkey.shop.example": [other.record],
        "_dmarc.shop.example": ["v=DMARC1"],
    }
    assert states() == {"SPF": "wrong", "DKIM": "wrong", "DMARC": "wrong"}
    assert shop.world.verb("channel dns", offline=True)["checks"][0]["state"] == "unknown"
    assert shop.send("GET", "/api/v1/channels/email/dns", role="viewer").status_code == 403
