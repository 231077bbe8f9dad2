"""A channel or receiver that hangs holds no other: asked without a clock, by who is done while it still hangs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from limner.channels import webhook
from limner.channels.seam import Message, Outcome, Receipt
from limner.channels.smtp import Smtp
from limner.workspace import posting, reaching
from limner.workspace.tick import Ticker
from tests.channels.receiver import Receiver
from tests.workspace import test_posting, test_reaching
from tests.workspace.test_posting import Told
from tests.workspace.test_reaching import PEOPLE, Reach

reach = test_reaching.reach
told = test_posting.told


@pytest.fixture
def stuck() -> Iterator[tuple[threading.Event, threading.Event]]:
    """Set when somebody hangs; set it to let them go."""
    hangs, goes_on = threading.Event(), threading.Event()
    yield hangs, goes_on
    goes_on.set()


@pytest.mark.proves("G14")
def test_a_channel_that_hangs_holds_no_other(
    reach: Reach, monkeypatch: pytest.MonkeyPatch, stuck: tuple[threading.Event, threading.Event]
) -> None:
    hangs, goes_on = stuck

    def send(_self: Smtp, message: Message) -> Receipt:
        hangs.set()
        assert goes_on.wait(20)
        return Receipt(message.message_id, Outcome.ACCEPTED)

    monkeypatch.setattr(Smtp, "send", send)
    for name in ("harvest", "points"):
        reaching.campaign_launch(reach.workspace, name=name, entry="e1")
    ticker = Ticker(reach.workspace)
    mails = threading.Thread(target=lambda: ticker.send_once("email"))
    mails.start()
    try:
        assert hangs.wait(20)
        ticker.tick()
        ticker.send_once("wechat")
        assert len(reach.wechat.messages()) == PEOPLE
        assert mails.is_alive(), "the mail still hangs"
        counts = reaching.where_everybody_is(reach.workspace, "harvest", "e1")
        assert (counts["sent"], counts["waiting"] > 0) == (0, True)
    finally:
        goes_on.set()
        mails.join(60)
    assert reaching.where_everybody_is(reach.workspace, "harvest", "e1")["waiting"] == 0


@pytest.mark.proves("G14")
def test_a_receiver_that_hangs_holds_no_other(
    told: Told, monkeypatch: pytest.MonkeyPatch, stuck: tuple[threading.Event, threading.Event]
) -> None:
    hangs, goes_on = stuck
    real = webhook.post

    def post(url: str, **about: object) -> None:
        if url.endswith("/slow"):
            hangs.set()
            assert goes_on.wait(20)
        real(url, **about)  # type: ignore[arg-type]

    monkeypatch.setattr(posting.webhook, "post", post)
    for name in ("slow", "swift"):
        told.write(f"webhooks/{name}.yml", f"url: {told.receiver.url}/{name}\naudiences: [rich]\n")
    posters = posting.Posters(told.workspace)

    def enters(who: int) -> None:
        told.now += timedelta(minutes=1)
        told.paid(who, amount=100)
        told.now += timedelta(minutes=1)
        posting.watch(told.workspace)
        posters.send_waiting()

    posting.watch(told.workspace)
    posters.send_waiting()
    try:
        enters(1)
        assert hangs.wait(20)
        _until(told.receiver, 1)
        enters(2)
        posters.send_waiting()
        _until(told.receiver, 2)
    finally:
        goes_on.set()
        posters.close()
    assert len(told.receiver.book()) >= 3, "what hung arrived, too"


def _until(receiver: Receiver, n: int) -> None:
    """Waits until it was told so often."""
    waiting = threading.Event()
    for _ in range(2_000):
        if len(receiver.book()) >= n:
            return
        waiting.wait(0.01)
    raise AssertionError(f"{len(receiver.book())} of {n}")
