"""An operator's desk over HTTP: who is written to no more, what people said, whether a channel is set up, webhooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from limner.demo.sms_server import SmsServer
from limner.types import Json
from limner.workspace import posting
from tests.api.served import Served, serving
from tests.api.test_sms import CAMPAIGN, MAP, TEMPLATE, WORD

NOBODYS = b"From: Ann <ann@shop.example>\r\nSubject: my parcel\r\n\r\nWhere is it?\r\n"
PHONES = [f"138001380{n:02d}" for n in range(4)]


@dataclass
class Desk:
    """A served shop that sent a text message to four members."""

    served: Served
    sms: SmsServer

    def reply(self, n: int, text: str) -> None:
        """A member's answer, as the platform posts it."""
        row = {
            "phone_number": PHONES[n],
            "content": text,
            "send_time": "2026-05-20 10:00:00",
            "sequence_id": n,
        }
        self.served.client.post(f"/sms/callback/{WORD}/reply", content=json.dumps([row])).raise_for_status()

    def addresses(self, role: str = "operator", **query: str) -> Json:
        """The list of those who are written to no more."""
        return self.served.get("/api/v1/suppressed", role=role, **query)

    def inbox(self, role: str = "operator", **query: str) -> Json:
        """What people said."""
        return self.served.get("/api/v1/inbox", role=role, **query)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with pytest.MonkeyPatch.context() as patch, SmsServer() as sms:
        patch.setenv("TEST_SMS", "demo-secret")
        patch.setenv("TEST_WORD", WORD)
        toml = (
            f'[sms]\napi = "{sms.url}"\naccess_key = "demo-key"\nsecret_env = "TEST_SMS"\n'
            'callback_env = "TEST_WORD"\n'
        )
        with serving(tmp_path_factory.mktemp("desk") / "shop", toml=toml) as served:
            world = served.world
            rows = "".join(f"m{n:02d},客人{n},{phone},2026-05-01\n" for n, phone in enumerate(PHONES))
            members = world.write("members.csv", f"user_id,name,phone,since\n{rows}")
            world.verb("import", file=str(members), map=str(world.write("members.map.yml", MAP)))
            agreed = "".join(f"m{n:02d},sms,{phone},granted\n" for n, phone in enumerate(PHONES))
            consents = world.write("consents.csv", f"user_id,channel,address,state\n{agreed}")
            world.verb("consent import", file=str(consents))
            world.write("audiences/everybody.yml", "expression: known(person.name)\n")
            world.write("campaigns/tea.yml", CAMPAIGN.format(of="marketing"))
            world.write("templates/tea.yml", TEMPLATE)
            assert world.verb("campaign send", name="tea")["sent"] == 4
            yield Desk(served, sms)


def test_who_is_written_to_no_more_is_found_added_and_taken_off_with_a_reason(desk: Desk) -> None:
    post = desk.served.post
    number = PHONES[0]
    added = post(
        "/api/v1/suppressed/add",
        {"channel": "sms", "address": f"+86 {number}", "why": "asked us by phone"},
        role="operator",
    )
    assert (added["reason"], added["added"]) == ("unsubscribed", True)
    found = desk.addresses(q=number)
    assert found["total"] == 1 == len(found["suppressed"])
    assert found["suppressed"][0]["name"] == "客人0" == desk.addresses(q="m00")["suppressed"][0]["name"]
    assert found["counts"] == [{"channel": "sms", "reason": "unsubscribed", "addresses": 1}]
    assert number not in json.dumps(found)
    seen = desk.addresses("viewer", q="m00")
    assert seen["masked"] is True
    assert seen["suppressed"][0]["name"] == "客***"
    assert desk.addresses(q="m01")["suppressed"] == [] == desk.addresses(channel="email")["suppressed"]

    # what stops more takes its place; the same again changes nothing
    blocked = {"channel": "sms", "address": number, "why": "a wrong number", "reason": "blocked"}
    assert post("/api/v1/suppressed/add", blocked)["reason"] == "blocked"
    assert post("/api/v1/suppressed/add", {**blocked, "reason": "unsubscribed"})["added"] is False
    assert desk.addresses(reason="blocked")["suppressed"][0]["person"]
    post("/api/v1/suppressed/add", {"channel": "email", "address": "X@shop.example", "why": "letter"})
    page = desk.addresses(limit="1")
    assert ([row["channel"] for row in page["suppressed"]], page["total"]) == (["sms"], 2)
    second = desk.addresses(limit="1", cursor=page["next"])
    assert [(row["channel"], row["person"]) for row in second["suppressed"]] == [("email", None)]
    assert second["next"] is None

    gone = post(
        "/api/v1/suppressed/remove", {"channel": "sms", "address": added["hash"], "why": "their own wish"}
    )
    assert (gone["reason"], gone["still"]) == ("blocked", "no consent")  # the withdrawal stays
    assert desk.addresses(q=number)["total"] == 0
    log = json.dumps(desk.served.world.verb("audit list"))
    assert "asked us by phone" in log
    assert number not in log


def test_a_wrong_wish_is_refused(desk: Desk) -> None:
    send = desk.served.send
    wish = {"channel": "sms", "address": "13900000000", "why": "?"}
    for role in ("viewer", "write"):
        assert send("POST", "/api/v1/suppressed/add", wish, role=role).status_code in (401, 403)
    assert send("POST", "/api/v1/suppressed/add", {**wish, "why": ""}).status_code == 422
    assert send("POST", "/api/v1/suppressed/remove", wish).status_code == 404
    assert send("GET", "/api/v1/suppressed", cursor="x").status_code == 422
    assert send("POST", "/api/v1/inbox/12345/handle", {}).status_code == 404


def test_what_people_said_is_in_the_inbox_until_somebody_has_dealt_with_it(desk: Desk) -> None:
    served = desk.served
    desk.reply(1, "几点开门？")
    desk.reply(2, "退订")
    served.track("m03", "Message Received", kind="text", text="茶", keyword="tea")
    served.world.verb("mail take", files=[str(_mail(desk))])
    found = desk.inbox()
    said = {row["text"]: row for row in found["said"]}
    assert list(said) == ["茶", "退订", "几点开门？"]
    assert (said["退订"]["left"], said["退订"]["name"], said["退订"]["campaign"]) == (True, "客人2", "tea")
    assert (said["几点开门？"]["left"], said["茶"]["answered"]) == (False, "tea")
    assert [row["subject"] for row in found["mails"]] == ["my parcel"]
    assert [row["text"] for row in desk.inbox(channel="wechat")["said"]] == ["茶"]
    assert desk.inbox(channel="email")["said"] == []
    page = desk.inbox(limit="2")
    assert [row["text"] for row in desk.inbox(limit="2", cursor=page["next"])["said"]] == ["几点开门？"]

    masked = json.dumps(desk.inbox("viewer"), ensure_ascii=False)
    assert "几点开门" not in masked
    assert "客人" not in masked
    assert "ann@" not in masked

    for id_ in (said["几点开门？"]["id"], found["mails"][0]["id"]):
        served.post(f"/api/v1/inbox/{id_}/handle", {"note": "called back"}, role="operator")
    left = desk.inbox()
    assert [row["text"] for row in left["said"]] == ["茶", "退订"]
    assert left["mails"] == []
    marked = next(row for row in desk.inbox(open="false")["said"] if row["text"] == "几点开门？")
    assert marked["handled"]["note"] == "called back"
    served.post(f"/api/v1/inbox/{marked['id']}/handle", {"handled": False})
    assert len(desk.inbox()["said"]) == 3

    # whoever is erased takes along what they said, and what was noted of it
    served.post(f"/api/v1/inbox/{marked['id']}/handle", {"note": "she is ill"})
    served.world.verb("person erase", id="m01")
    assert [row["text"] for row in desk.inbox(open="false")["said"]] == ["茶", "退订"]
    with served.world.workspace.records.read() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM handled").scalar() == 0


def _mail(desk: Desk) -> object:
    path = desk.served.world.folder / "back.eml"
    path.write_bytes(NOBODYS)
    return path


def test_a_channel_says_what_it_needs_and_what_its_platform_says(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    get, post = desk.served.get, desk.served.post
    needs = get("/api/v1/channels/push/needs", role="viewer")
    assert (needs["ready"], needs["offline"]) == (False, True)
    assert needs["toml"].splitlines()[:2] == ["[push]", 'app_id = "APP_ID"']
    assert needs["environment"] == "export PUSH_SECRET=…"
    here = post("/api/v1/channels/sms/check", role="operator")
    states = {point["what"]: point["state"] for point in here["points"]}
    assert (here["ready"], states["login"]) == (True, "ok")
    assert "demo-secret" not in json.dumps(here)
    assert WORD not in json.dumps(here)
    monkeypatch.setenv("TEST_SMS", "another")
    wrong = post("/api/v1/channels/sms/check", role="operator")
    login = next(point for point in wrong["points"] if point["what"] == "login")
    assert (wrong["ready"], login["state"], bool(login["message"])) == (False, "wrong", True)
    monkeypatch.delenv("TEST_SMS")
    bare = get("/api/v1/channels/sms/needs")
    assert [point["name"] for point in bare["points"] if point["state"] == "missing"] == ["TEST_SMS"]
    assert post("/api/v1/channels/email/check")["toml"] == "\n".join(
        ["[email]", 'sender = "Shop <hello@shop.example>"', 'username = "shop"', 'password_env = "MAIL_PASSWORD"',
         'bounces = "bounce@shop.example"', 'dkim_selector = "limner1"', 'dkim_key_file = "/etc/limner/dkim.pem"']
    )  # fmt: skip
    assert desk.served.send("GET", "/api/v1/channels/pigeon/needs").status_code == 404
    assert desk.served.send("POST", "/api/v1/channels/sms/check", {}, role="viewer").status_code == 403


def test_posts_to_other_systems_are_listed_and_tried_again(desk: Desk) -> None:
    served, world = desk.served, desk.served.world
    world.write("webhooks/crm.yml", "url: http://127.0.0.1:9/hook\naudiences: [everybody]\nbatch: 2\n")
    world.verb("audience snapshot", name="everybody")
    assert posting.note_changes(world.workspace) == 2
    rows = served.get("/api/v1/webhooks/posts", role="viewer", name="crm", limit=1)
    assert (rows["posts"][0]["of"], rows["posts"][0]["status"]) == ("audience:everybody", "waiting")
    assert len(served.get("/api/v1/webhooks/posts", cursor=rows["next"])["posts"]) == 1
    posting.send_waiting(world.workspace)  # this machine may not be posted to
    failed = served.get("/api/v1/webhooks/posts", status="failed")["posts"]
    assert "may not reach" in failed[0]["reason"]
    hook = next(
        point for point in served.post("/api/v1/channels/webhooks/check")["points"] if point["what"] == "hook"
    )
    assert (hook["name"], hook["state"]) == ("crm", "wrong")
    assert served.post("/api/v1/webhooks/replay", {"name": "crm"})["again"] == len(failed)
    assert served.get("/api/v1/webhooks")["webhooks"][0]["waiting"] == 2
    assert served.send("POST", "/api/v1/webhooks/replay", {"name": "nobody"}).status_code == 404
