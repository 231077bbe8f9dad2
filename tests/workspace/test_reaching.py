"""A campaign on an open workspace: consent, holdout, feedback that becomes events, stop, schedule, two channels."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx2
import pytest

from limner.cli.serve import running
from limner.demo.mail_server import MailServer
from limner.demo.wechat_server import WechatServer
from limner.workspace.tick import Ticker
from tests.workspace.worlds import World

PEOPLE = 40
MEMBERS_MAP = """\
source: crm
person: {user_id: user_id, email: email, openid: openid}
time: {column: since, format: "%Y-%m-%d", zone: UTC}
event: none
attributes: {name: name, email: email}
"""
CAMPAIGN = """\
title: Harvest
audience: everybody
holdout: 0.25
channel: email
class: marketing
subject: Harvest
template: harvest.html
goal: {event: Order Paid, money: amount, within: 14 days}
"""
HTML = """\
<p>{{ person.name | default('friend') }}</p><a href="{{ link('https://shop.example/harvest') }}">see</a>
<a href="{{ unsubscribe_url }}">unsubscribe</a>
"""
WECHAT = """\
title: Points
audience: everybody
holdout: 0
channel: wechat
class: service
template: points.yml
"""
POINTS = "template_id: T1\ndata: {first: \"{{ person.name | default('friend') }}\"}\n"


class Reach(World):
    """A workspace with forty members, a mail server and an official account."""

    mail: MailServer
    wechat: WechatServer


@pytest.fixture
def reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reach]:
    monkeypatch.setenv("TEST_WECHAT", "s3cret")
    with MailServer() as mail, WechatServer(secret="s3cret") as wechat:
        world = Reach(
            tmp_path / "shop",
            toml=(
                'public_url = "http://127.0.0.1:1"\n'
                f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "Shop <hi@shop.example>"\n'
                f'[wechat]\napi = "{wechat.url}"\napp_id = "wx-demo"\nsecret_env = "TEST_WECHAT"\n'
            ),
        )
        world.mail, world.wechat = mail, wechat
        rows = [f"m{n:02d},Name {n},m{n:02d}@example.test,o{n:02d},2026-05-01" for n in range(PEOPLE)]
        members = world.write("members.csv", "user_id,name,email,openid,since\n" + "\n".join(rows) + "\n")
        world.verb("import", file=str(members), map=str(world.write("members.map.yml", MEMBERS_MAP)))
        agreed = [f"m{n:02d},email,m{n:02d}@example.test,granted" for n in range(PEOPLE - 4)]
        consents = world.write("consents.csv", "user_id,channel,address,state\n" + "\n".join(agreed) + "\n")
        assert world.verb("consent import", file=str(consents))["stored"] == PEOPLE - 4
        world.write("audiences/everybody.yml", "expression: known(person.name)\n")
        world.write("campaigns/harvest.yml", CAMPAIGN)
        world.write("campaigns/points.yml", WECHAT)
        world.write("templates/harvest.html", HTML)
        world.write("templates/points.yml", POINTS)
        yield world
        world.close()


def _sum(answer: dict[str, object]) -> int:
    parts = [int(str(answer[key])) for key in ("held_out", "waiting", "sent", "failed", "in_doubt")]
    suppressed = answer["suppressed"]
    assert isinstance(suppressed, dict)
    return sum(parts) + sum(suppressed.values())


def test_everybody_of_the_audience_is_accounted_for_and_nobody_gets_it_twice(reach: Reach) -> None:
    planned = reach.verb("campaign send", name="harvest", dry_run=True)
    assert reach.mail.messages() == []
    first = reach.verb("campaign send", name="harvest")
    assert {key: planned[key] for key in ("audience", "held_out", "suppressed")} == {
        key: first[key] for key in ("audience", "held_out", "suppressed")
    }
    assert first["suppressed"] == {"no consent": 4}
    assert first["audience"] == _sum(first) == PEOPLE
    assert 0 < first["held_out"] < 20
    reach.verb("campaign send", name="harvest")
    assert len(reach.mail.messages()) == first["sent"]
    assert reach.mail.twice == []


@pytest.mark.proves("C8")
@pytest.mark.proves("C12")
@pytest.mark.proves("F1")
def test_opens_clicks_and_unsubscribes_become_events_and_change_what_is_sent(reach: Reach) -> None:
    with running(reach.workspace) as url:
        reach.workspace.public_url = url
        reach.verb("campaign send", name="harvest")
        mail = reach.mail.messages()[0]
        who = mail.to.partition("@")[0]
        reach.now += timedelta(minutes=5)
        links = {kind: unescape(re.findall(rf'"({url}/{kind}/[^"]+)"', mail.html)[0]) for kind in "ocu"}
        with httpx2.Client(headers={"user-agent": "Mozilla/5.0 (iPhone) Mobile"}) as phone:
            assert phone.get(links["o"]).headers["content-type"] == "image/gif"
            assert (
                phone.get(links["c"], follow_redirects=False).headers["location"]
                == "https://shop.example/harvest"
            )
            assert phone.get(links["u"]).status_code == 200
            assert "Unsubscribed" not in _events(reach, who)
            assert phone.post(links["u"], content=b"List-Unsubscribe=One-Click").status_code == 200
            assert phone.post(links["u"]).status_code == 200
    reach.now += timedelta(minutes=1)
    assert {"Message Sent", "Message Opened", "Link Clicked", "Unsubscribed"} <= set(_events(reach, who))
    assert _events(reach, who).count("Unsubscribed") == 1
    messages = reach.verb("person messages", id=who)["messages"]
    assert [(message["campaign"], message["status"]) for message in messages] == [("harvest", "sent")]
    json.dumps(messages)
    report = reach.verb("campaign report", name="harvest")
    assert (report["opened"], report["clicked"], report["unsubscribed"]) == (1, 1, 1)
    again = reach.verb("campaign send", name="harvest", entry="second")
    assert again["suppressed"]["unsubscribed"] == 1
    assert sum(message.to == mail.to for message in reach.mail.messages()) == 1


def _events(reach: Reach, who: str) -> list[str]:
    return [event["event"] for event in reach.verb("person timeline", id=who)["events"]]


@pytest.mark.proves("B3")
def test_a_report_with_few_conversions_says_not_enough_data(reach: Reach) -> None:
    reach.verb("campaign send", name="harvest")
    report = reach.verb("campaign report", name="harvest")
    assert report["enough_data"] is False
    assert "not enough data" in report["message"]
    assert report["incremental"] is None or report["incremental"]["conversions"] is None


def test_the_official_account_gets_template_messages_by_openid(reach: Reach) -> None:
    answer = reach.verb("campaign send", name="points")
    assert answer["sent"] == PEOPLE
    assert {message.to for message in reach.wechat.messages()} == {f"o{n:02d}" for n in range(PEOPLE)}
    assert reach.wechat.twice == []


def test_a_stop_is_heard_within_a_second(reach: Reach) -> None:
    reach.write("limner.toml", (reach.folder / "limner.toml").read_text() + "\n")
    text = (
        (reach.folder / "limner.toml")
        .read_text()
        .replace("[email]\n", "[email]\nmessages_per_second = 5.0\n")
    )
    reach.write("limner.toml", text)
    reach.reopen()
    sending = threading.Thread(target=reach.verb, args=("campaign send",), kwargs={"name": "harvest"})
    sending.start()
    while not reach.mail.messages():
        assert sending.is_alive()
    began = time.monotonic()
    reach.verb("campaign stop", name="harvest")
    sending.join(5)
    assert not sending.is_alive()
    assert time.monotonic() - began < 1.5
    sent = len(reach.mail.messages())
    report = reach.verb("campaign report", name="harvest")
    assert (report["status"], report["sent"]) == ("stopped", sent)
    assert report["audience"] == _sum(report)


def test_quiet_hours_hold_messages_until_they_end(reach: Reach) -> None:
    reach.write("campaigns/harvest.yml", CAMPAIGN + 'quiet_hours: ["23:00", "09:00"]\n')
    answer = reach.verb("campaign send", name="harvest")
    assert answer["sent"] == 0
    assert answer["waiting"] > 0
    ticker = Ticker(reach.workspace)
    ticker.send_once("email")
    assert reach.mail.messages() == []
    reach.now += timedelta(hours=9, minutes=1)
    ticker.send_once("email")
    assert len(reach.mail.messages()) == answer["waiting"]


def test_a_scheduled_campaign_is_sent_once_an_instant(reach: Reach) -> None:
    reach.write("campaigns/harvest.yml", CAMPAIGN + 'schedule: "0 10 * * *"\n')
    ticker = Ticker(reach.workspace)
    ticker.tick()
    assert reach.verb("campaign list")["campaigns"][0]["status"] == "scheduled"
    for _ in range(4):
        reach.now += timedelta(hours=11)
        for _ in range(2):
            ticker.tick()
            ticker.send_once("email")
    entries = {run["subject"] for run in reach.verb("run list")["runs"] if run["what"] == "campaign launch"}
    assert entries == {"harvest 20260601T100000Z", "harvest 20260602T100000Z"}
    assert reach.mail.twice == []


def test_a_failed_run_alerts_the_log_the_metrics_and_the_webhook(reach: Reach) -> None:
    told: list[dict[str, object]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_words: object) -> None: ...

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    reach.write(
        "limner.toml",
        f'alert_webhook = "http://127.0.0.1:{hook.server_port}/"\nrefresh = "0 3 * * *"\nlog_level = "critical"\n',
    )
    reach.write("tags/broken.yml", "nature: fact\nmethod: statistic\n")
    reach.reopen()
    ticker = Ticker(reach.workspace)
    reach.now += timedelta(hours=4)
    ticker.tick()
    ticker.tick()
    hook.shutdown()
    hook.server_close()
    assert [message["type"] for message in told] == ["limner.alert"]
    with reach.workspace.records.read() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM alerts").scalar() == 1


def test_a_test_message_goes_to_me_and_is_not_counted(reach: Reach) -> None:
    answer = reach.verb("campaign test", name="harvest", to="me@shop.example", person="m01")
    assert answer["outcome"] == "accepted"
    assert [mail.to for mail in reach.mail.messages()] == ["me@shop.example"]
    assert "Name 1" in reach.mail.messages()[0].html
    assert reach.verb("campaign list")["campaigns"][0]["sent"] == 0
    # It is the text that this person would get.
    reach.write("templates/two.html", '<p>Only for two</p><a href="{{ unsubscribe_url }}">out</a>')
    reach.write(
        "campaigns/harvest.yml",
        CAMPAIGN + "variants: [{name: two, when: person.name = 'Name 2', template: two.html}]\n",
    )
    for person in ("m02", "m01"):
        reach.verb("campaign test", name="harvest", to="me@shop.example", person=person)
    assert ["Only for two" in mail.html for mail in reach.mail.messages()[1:]] == [True, False]
