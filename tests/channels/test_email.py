from __future__ import annotations

from dataclasses import replace

import pytest

from limner.channels.seam import Outcome, Unavailable
from tests.channels.channel_rigs import MailRig
from tests.channels.conftest import Rigging


@pytest.fixture
def rig(rigged: Rigging) -> MailRig:
    made = rigged("email")
    assert isinstance(made, MailRig)
    return made


@pytest.mark.proves("H10")
def test_a_mail_carries_its_parts_headers_and_our_message_id(rig: MailRig) -> None:
    headers = {
        "List-Unsubscribe": "<https://shop.example/u/token>, <mailto:shop@example.com?subject=unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    long = "<p>" + "春节优惠 " * 300 + "</p>\n.\n..dots"
    rig.channel.send(
        replace(rig.message("id1"), subject="广告 优惠\r\nBcc: x@y.z", headers=headers, html=long)
    )
    mail = rig.server.messages()[0].parsed
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


def test_a_relay_that_never_greets_says_how_long_it_was_waited_for(rigged: Rigging) -> None:
    rig = rigged("email", patience=0.3)
    rig.hang()
    with pytest.raises(Unavailable, match=r"within 0\.3 s") as caught:
        rig.channel.send(rig.message("t1"))
    assert caught.value.code == "smtp_timeout"


def test_a_relay_that_ends_connections_gets_every_mail_once(rig: MailRig) -> None:
    rig.server.close_every(10)
    receipts = [rig.channel.send(rig.message(f"c{number}")) for number in range(100)]
    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    assert len(rig.server.counts) == 100
    assert rig.server.twice == []


def test_a_wrong_password_is_not_told(rig: MailRig) -> None:
    rig.lock_out()
    with pytest.raises(Unavailable) as caught:
        rig.channel.send(rig.message("p1"))
    assert "guess" not in str(caught.value)


def test_an_unknown_mailbox_is_gone_and_a_full_one_is_not(rig: MailRig) -> None:
    rig.server.answer_to = lambda _address: "550 5.1.1 unknown"
    assert rig.channel.send(rig.message("g1")).gone
    rig.server.answer_to = lambda _address: "552 5.2.2 mailbox full"
    assert not rig.channel.send(rig.message("g2")).gone


@pytest.mark.parametrize(
    "address", ["", "ann", "ann@", "@x.y", "a b@x.y", "a@x.y\nBcc: b@x.y", "a@" + "x" * 70]
)
def test_what_is_no_address_fails_and_is_not_sent(rig: MailRig, address: str) -> None:
    assert rig.channel.send(replace(rig.message("n1"), to=address)).outcome is Outcome.FAILED
    assert rig.server.messages() == []


def test_an_international_domain_is_reached_by_its_ascii_name(rig: MailRig) -> None:
    assert rig.channel.send(replace(rig.message("i1"), to="user@例子.测试")).outcome is Outcome.ACCEPTED
    assert rig.server.messages()[0].to == "user@xn--fsqu00a.xn--0zwm56d"
