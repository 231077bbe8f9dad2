"""Posts are signed, go only where they may, and end in time."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from limner.channels import webhook
from limner.channels.seam import Unavailable
from limner.demo.platform import Asked, Reply
from limner.errors import ChannelError, ConfigError
from tests.channels.receiver import SECRET, Receiver

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HERE = webhook.networks(["127.0.0.1"])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def _post(url: str, *, id: str = "m1", allowed: Any = HERE, seconds: float = 5.0) -> int:
    return webhook.post(
        url, kind="test", data={"a": "茶"}, message_id=id, at=NOW, secret=webhook.key(SECRET),
        allowed=allowed, seconds=seconds,
    )  # fmt: skip


def test_a_post_is_signed_as_standard_webhooks_signs_its_example() -> None:
    found = webhook.signature(
        b'{"test": 2432232314}',
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        stamp="1614265330",
        secret=webhook.key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    with pytest.raises(ConfigError):
        webhook.key("whsec_*")


def test_a_receiver_can_check_the_signature_and_reads_the_data(receiver: Receiver) -> None:
    assert _post(f"{receiver.url}/limner?token=1") == 200
    (told,) = receiver.messages()
    assert (told.id, told.kind, told.data) == ("m1", "test", {"a": "茶"})
    assert receiver.unsigned == 0


@pytest.mark.parametrize(
    "there",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1",
        "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::",
        "64:ff9b::a9fe:a9fe", "2001:db8::1",
    ],
)  # fmt: skip
def test_what_is_not_public_may_not_be_reached(there: str) -> None:
    assert not webhook.may_reach(ipaddress.ip_address(there), ())


@pytest.mark.parametrize("there", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_what_is_public_may(there: str) -> None:
    assert webhook.may_reach(ipaddress.ip_address(there), ())


def test_a_network_that_the_settings_allow_may_be_reached_and_no_other() -> None:
    allowed = webhook.networks(["10.1.0.0/16"])
    assert webhook.may_reach(ipaddress.ip_address("10.1.2.3"), allowed)
    assert webhook.may_reach(ipaddress.ip_address("::ffff:10.1.2.3"), allowed)
    assert not webhook.may_reach(ipaddress.ip_address("10.2.2.3"), allowed)
    with pytest.raises(ConfigError):
        webhook.networks(["10.1.0.0/99"])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "[::1]"])
def test_no_spelling_of_this_machine_is_reached(receiver: Receiver, host: str) -> None:
    with pytest.raises(ChannelError) as caught:
        _post(f"http://{host}:{receiver.port}/", allowed=())
    assert caught.value.code in (webhook.FORBIDDEN, "channel")
    assert receiver.messages() == []


def test_the_address_that_was_looked_at_is_the_one_that_is_reached(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that means something else the second time it is looked up gains nothing."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def lying(host: str, *rest: Any, **more: Any) -> Any:
        if host == "rebind.example":
            asked.append(host)
            host = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lying)
    assert _post(f"http://rebind.example:{receiver.port}/") == 200
    assert asked == ["rebind.example"]


class Elsewhere(Receiver):
    """Answers by a redirect, or with more than anybody wants to read."""

    endless = False

    def answer(self, asked: Asked) -> Reply:
        self.counts[asked.method] += 1
        return Reply(b"x" * 10_000_000 if self.endless else b"", 200 if self.endless else 302)


def test_redirects_are_not_followed_and_long_answers_not_read() -> None:
    with Elsewhere() as there:
        with pytest.raises(ChannelError, match="302"):
            _post(there.url)
        there.endless = True
        with pytest.raises(ChannelError, match="longer than"):
            _post(there.url)
        assert there.counts["POST"] == 2


@pytest.mark.proves("G14")
@pytest.mark.parametrize("trouble", ["hang", "drip"])
def test_a_receiver_that_takes_its_time_is_given_up(receiver: Receiver, trouble: str) -> None:
    getattr(receiver, trouble)(1)
    receiver.drips = 1.0
    began = time.monotonic()
    with pytest.raises(ChannelError):
        _post(receiver.url, seconds=0.5)
    assert time.monotonic() - began < 3


def test_what_a_receiver_says_decides_when_it_is_asked_again(receiver: Receiver) -> None:
    receiver.fail(410)
    with pytest.raises(ChannelError) as caught:
        _post(receiver.url)
    assert caught.value.code == webhook.GONE
    receiver.fail(429, retry_after="90")
    with pytest.raises(Unavailable) as waits:
        _post(receiver.url)
    assert waits.value.until == NOW + timedelta(seconds=90)
    for url in ("ftp://a.b/", "http://", "http://a:b@127.0.0.1:x/", "no url"):
        with pytest.raises(ChannelError):
            _post(url)
