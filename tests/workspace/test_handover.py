"""From an event over HTTP to the message that a journey sends for it, through everything that lives in a server."""

from __future__ import annotations

import threading
from pathlib import Path

import httpx2
import pytest

from limner.cli.serve import running
from limner.demo.mail_server import Mail, MailServer
from limner.types import silent
from limner.workspace import live
from limner.workspace.bell import Bell
from limner.workspace.calling import call
from limner.workspace.files import init
from limner.workspace.workspace import Workspace


def test_a_bell_wakes_whoever_has_not_heard_it() -> None:
    bell = Bell()
    bell.ring()
    heard = bell.wait(0, 60)  # it rang before: nobody waits
    woken = threading.Event()
    waiting = threading.Thread(target=lambda: (bell.wait(heard, 60), woken.set()))
    waiting.start()
    bell.ring()
    assert woken.wait(60)
    waiting.join()
    assert bell.wait(bell.wait(0, 0), 0) == 2


@pytest.mark.proves("U10")
def test_an_event_becomes_a_message_in_a_running_server(tmp_path: Path) -> None:
    taken = threading.Event()

    def note(mail: Mail) -> None:
        assert mail.to == "ann@example.test"
        taken.set()

    with MailServer() as mail:
        mail.on_mail = note
        init(tmp_path / "shop")
        (tmp_path / "shop" / "limner.toml").write_text(
            'log_level = "critical"\nrefresh = ""\nrealtime_seconds = 0\n'
            f'[email]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "Shop <hi@shop.example>"\n',
            encoding="utf-8",
        )
        (tmp_path / "shop" / "journeys").mkdir(exist_ok=True)
        (tmp_path / "shop" / "journeys" / "hello.yml").write_text(
            "start: {event: Signed Up}\nholdout: 0\n"
            "steps: {hi: {message: {template: hi.html, subject: Hi, class: service}}}\n",
            encoding="utf-8",
        )
        (tmp_path / "shop" / "templates" / "hi.html").write_text("<p>Hi</p>\n", encoding="utf-8")
        with Workspace.open(tmp_path / "shop") as opened:
            key = call(opened, "source add", {"name": "web"}, silent)["write_key"]
            call(opened, "journey start", {"name": "hello"}, silent)
            live.start(opened)
            with running(opened) as url, httpx2.Client(base_url=url, auth=(key, ""), timeout=60) as client:
                who = {"userId": "ann"}
                client.post(
                    "/v1/identify", json={**who, "traits": {"email": "ann@example.test"}}
                ).raise_for_status()
                client.post("/v1/track", json={**who, "event": "Signed Up"}).raise_for_status()
                assert taken.wait(60)
            messages = call(opened, "person messages", {"id": "ann"}, silent)["messages"]
            assert [row["campaign"] for row in messages] == ["hello"]
        assert len(mail.messages()) == 1
