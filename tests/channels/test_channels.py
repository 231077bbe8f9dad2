from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from limner.channels.seam import Message, Outcome, Unavailable
from limner.channels.smtp import Smtp
from limner.channels.wechat import Wechat
from limner.demo.mail_server import MailServer
from limner.demo.wechat_server import WechatServer
from limner.testing.channels import CHECKS, conforms
from tests.channels.channel_rigs import NOW, OPENED, MailRig, WechatRig


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def platform() -> Iterator[WechatServer]:
    with WechatServer() as server:
        yield server


@pytest.mark.proves(
    "H10", partly="DKIM is left to the relay; bounce and complaint mails are not read; no mobile preview"
)
@pytest.mark.proves("G14", partly="the delay of other channels is not measured")
def test_email_behaves_as_a_channel_must(mails: MailServer) -> None:
    assert len(conforms(MailRig(mails))) == len(CHECKS)


@pytest.mark.proves("H3", partly="QR codes, menus and keywords")
def test_wechat_behaves_as_a_channel_must(platform: WechatServer) -> None:
    assert len(conforms(WechatRig(platform))) == len(CHECKS)


@pytest.mark.proves(
    "H10", partly="DKIM is left to the relay; bounce and complaint mails are not read; no mobile preview"
)
def test_a_mail_carries_its_parts_headers_and_our_message_id(mails: MailServer) -> None:
    rig = MailRig(mails)
    headers = {
        "List-Unsubscribe": "<https://shop.example/u/token>, <mailto:shop@example.com?subject=unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    long = "<p>" + "春节优惠 " * 300 + "</p>\n.\n..dots"
    rig.channel.send(
        replace(rig.message("id1"), subject="广告 优惠\r\nBcc: x@y.z", headers=headers, html=long)
    )
    mail = mails.messages()[0].parsed
    assert mail["Message-ID"] == "<id1@example.com>"
    assert mail["Subject"] == "广告 优惠 Bcc: x@y.z"
    assert mail["Bcc"] is None
    assert "商店" in mail["From"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "https://shop.example/u/token" in mail["List-Unsubscribe"]
    assert mail.get_content_type() == "multipart/alternative"
    html = mail.get_body(("html",))
    assert html is not None
    assert html.get_content().strip().replace("\r\n", "\n") == long


def test_a_mail_answered_by_silence_after_data_is_in_doubt(mails: MailServer) -> None:
    rig = MailRig(mails)
    rig.lose_answers()
    assert rig.channel.send(rig.message("d1")).outcome is Outcome.IN_DOUBT
    assert mails.counts["d1@example.com"] == 1


def test_a_relay_that_never_greets_times_out_and_frees_the_worker(mails: MailServer) -> None:
    mails.tarpit()
    rig = MailRig(mails, timeout_seconds=0.3)
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"within 0\.3 s") as caught:
        rig.channel.send(rig.message("t1"))
    assert caught.value.code == "smtp_timeout"
    assert time.monotonic() - began < 3


def test_a_relay_that_answers_byte_by_byte_is_cut_at_the_deadline() -> None:
    stop = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"220-")
            while not stop.wait(0.02):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        channel = Smtp(
            host="127.0.0.1",
            port=listening.getsockname()[1],
            sender="shop@example.com",
            clock=lambda: NOW,
            timeout_seconds=0.4,
        )
        began = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            channel.send(Message("drip", "ann@example.com", subject="a", text="b"))
        assert caught.value.code == "smtp_timeout"
        assert time.monotonic() - began < 3
        stop.set()
        thread.join()


def test_a_relay_that_ends_connections_gets_every_mail_once(mails: MailServer) -> None:
    mails.close_every(10)
    rig = MailRig(mails)
    receipts = [rig.channel.send(rig.message(f"c{number}")) for number in range(100)]
    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    assert len(mails.counts) == 100
    assert mails.twice == []


def test_a_wrong_password_is_channel_down_and_hands_nothing_over() -> None:
    with MailServer(password=("shop", "right")) as mails:
        channel = Smtp(
            host=mails.host,
            port=mails.port,
            sender="shop@example.com",
            clock=lambda: NOW,
            username="shop",
            password="wrong",
            timeout_seconds=5,
        )
        message = MailRig(mails).message("p1")
        with pytest.raises(Unavailable) as caught:
            channel.send(message)
        assert caught.value.code == "channel_down"
        assert "wrong" not in str(caught.value)
        channel._password = "right"
        assert channel.send(message).outcome is Outcome.ACCEPTED
        channel.close()


def test_an_unknown_mailbox_is_gone_and_a_full_one_is_not(mails: MailServer) -> None:
    rig = MailRig(mails)
    mails.answer_to = lambda _address: "550 5.1.1 unknown"
    assert rig.channel.send(rig.message("g1")).gone
    mails.answer_to = lambda _address: "552 5.2.2 mailbox full"
    assert not rig.channel.send(rig.message("g2")).gone


@pytest.mark.parametrize(
    "address", ["", "ann", "ann@", "@x.y", "a b@x.y", "a@x.y\nBcc: b@x.y", "a@" + "x" * 70]
)
def test_what_is_no_address_fails_and_is_not_sent(mails: MailServer, address: str) -> None:
    rig = MailRig(mails)
    assert rig.channel.send(replace(rig.message("n1"), to=address)).outcome is Outcome.FAILED
    assert mails.messages() == []


def test_an_international_domain_is_reached_by_its_ascii_name(mails: MailServer) -> None:
    rig = MailRig(mails)
    assert rig.channel.send(replace(rig.message("i1"), to="user@例子.测试")).outcome is Outcome.ACCEPTED
    assert mails.messages()[0].to == "user@xn--fsqu00a.xn--0zwm56d"


@pytest.mark.parametrize("code", [40001, 42001])
def test_wechat_asks_once_for_a_new_token(platform: WechatServer, code: int) -> None:
    rig = WechatRig(platform)
    rig.channel.send(rig.message("w1"))
    platform.fail_next(code)
    assert rig.channel.send(rig.message("w2")).outcome is Outcome.ACCEPTED
    assert platform.tokens_given == 2
    platform.fail_next(code, times=2)
    with pytest.raises(Unavailable) as caught:
        rig.channel.send(rig.message("w3"))
    assert caught.value.code == "channel_down"
    assert platform.tokens_given == 3


def test_wechat_renews_a_token_before_it_expires(platform: WechatServer) -> None:
    now = [NOW]
    channel = Wechat(api=platform.url, app_id="wx-demo", secret="demo-secret", clock=lambda: now[0])
    rig = WechatRig(platform)
    channel.send(rig.message("w1"))
    now[0] = NOW + timedelta(seconds=7000)
    channel.send(rig.message("w2"))
    assert platform.tokens_given == 1
    now[0] = NOW + timedelta(seconds=7150)
    channel.send(rig.message("w3"))
    assert platform.tokens_given == 2
    channel.close()


def test_wechat_stops_at_its_quota_until_midnight_in_beijing(platform: WechatServer) -> None:
    platform.quota = 1
    rig = WechatRig(platform)
    rig.channel.send(rig.message("w1"))
    with pytest.raises(Unavailable) as caught:
        rig.channel.send(rig.message("w2"))
    assert caught.value.code == "rate_limited"
    assert caught.value.until == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def test_wechat_names_who_cannot_be_reached(platform: WechatServer) -> None:
    rig = WechatRig(platform)
    platform.not_following.add("openid-ann")
    answer = rig.channel.send(rig.message("w1"))
    assert (answer.outcome, answer.gone) == (Outcome.FAILED, False)
    platform.not_following.clear()
    platform.refused.add("openid-ann")
    answer = rig.channel.send(rig.message("w2"))
    assert (answer.outcome, answer.gone) == (Outcome.FAILED, True)


def test_wechat_counts_a_repeated_message_id_as_sent(platform: WechatServer) -> None:
    rig = WechatRig(platform)
    rig.channel.send(rig.message("same"))
    assert rig.channel.send(rig.message("same")).outcome is Outcome.ACCEPTED
    assert platform.counts["same"] == 1


def test_wechat_asks_again_after_a_lost_answer_and_nobody_gets_two(platform: WechatServer) -> None:
    rig = WechatRig(platform)
    platform.lose_answers(1)
    assert rig.channel.send(rig.message("l1")).outcome is Outcome.ACCEPTED
    assert platform.counts["l1"] == 1


def test_wechat_is_in_doubt_when_every_answer_is_lost(platform: WechatServer) -> None:
    rig = WechatRig(platform, timeout_seconds=0.3)
    rig.channel.send(rig.message("first"))
    platform.hang(3)
    assert rig.channel.send(rig.message("h1")).outcome is Outcome.IN_DOUBT
    platform.release()


def test_wechat_with_a_wrong_secret_is_channel_down(platform: WechatServer) -> None:
    channel = Wechat(api=platform.url, app_id="wx-demo", secret="guess", clock=lambda: NOW)
    with pytest.raises(Unavailable) as caught:
        channel.send(WechatRig(platform).message("s1"))
    assert caught.value.code == "channel_down"
    assert "guess" not in str(caught.value)
    channel.close()
