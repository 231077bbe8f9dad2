from __future__ import annotations

import pytest

from limner.channels.mailbox import Mailbox
from limner.channels.seam import Unavailable
from tests.channels.mailboxes import Box

MAILS = [b"Subject: a\r\n\r\n.one\r\n", b"Subject: \xff\r\n\r\ntwo\r\n", b"Subject: c\r\n\r\nthree\r\n"]


def mailbox(box: Box, protocol: str, **other: float) -> Mailbox:
    return Mailbox("127.0.0.1", box.port, "shop", "right", protocol=protocol, tls="none", **other)  # type: ignore[arg-type]


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_each_mail_is_taken_once_and_one_that_failed_again(protocol: str) -> None:
    got: list[bytes] = []

    def take(raw: bytes) -> None:
        if raw.startswith(MAILS[2][:10]) and len(got) < 3:
            got.append(b"broke off")
            raise OSError("the disk is full")
        got.append(raw.rstrip(b"\r\n"))

    with Box(protocol, MAILS) as box:
        with pytest.raises(Unavailable, match="disk is full"):
            mailbox(box, protocol).read(take)
        assert got == [MAILS[0].rstrip(), MAILS[1].rstrip(), b"broke off"]
        assert mailbox(box, protocol).read(take) >= 1
        assert got[-1] == MAILS[2].rstrip()
        assert mailbox(box, protocol).read(take) == 0
    assert box.seen == {0, 1, 2}


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_a_mailbox_that_refuses_or_hangs_is_said_so(protocol: str) -> None:
    with Box(protocol, MAILS, word="other") as box:
        with pytest.raises(Unavailable, match="wrong password") as caught:
            mailbox(box, protocol).read(lambda _raw: None)
        assert caught.value.code == "channel_down"
        box.hangs.set()
        with pytest.raises(Unavailable, match="cannot be read"):
            mailbox(box, protocol, timeout_seconds=0.2).read(lambda _raw: None)
    with pytest.raises(Unavailable, match="cannot be read"):
        mailbox(box, protocol).read(lambda _raw: None)
