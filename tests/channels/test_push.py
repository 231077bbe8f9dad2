from __future__ import annotations

from datetime import timedelta

import pytest

from limner.channels.seam import Outcome, Unavailable
from limner.testing.channels import named
from tests.channels.channel_rigs import NOW, PushRig
from tests.channels.conftest import Rigging


@pytest.fixture
def rig(rigged: Rigging) -> PushRig:
    made = rigged("push")
    assert isinstance(made, PushRig)
    return made


@pytest.mark.proves("H5")
def test_a_push_names_its_device_title_text_link_and_lifetime(rig: PushRig) -> None:
    receipt = rig.channel.send(rig.message(named("p1")))
    (taken,) = rig.server.messages()
    assert (taken.to, taken.title, taken.body) == ("c" * 32, "优惠", "你好")
    assert (taken.url, taken.ttl_seconds) == ("https://shop.example/sale", 7_200)
    assert receipt.provider_id.endswith(named("p1"))


def test_a_device_that_the_platform_does_not_know_is_gone_and_a_sleeping_one_is_not(rig: PushRig) -> None:
    rig.server.unknown.add("c" * 32)
    answer = rig.channel.send(rig.message(named("p1")))
    assert (answer.outcome, answer.gone) == (Outcome.FAILED, True)
    rig.server.unknown.clear()
    rig.server.inactive.add("c" * 32)
    answer = rig.channel.send(rig.message(named("p2")))
    assert (answer.outcome, answer.gone) == (Outcome.FAILED, False)
    assert rig.server.messages() == []


def test_a_lost_answer_is_asked_for_again_and_nobody_gets_two(rig: PushRig) -> None:
    rig.lose_answers(1)
    assert rig.channel.send(rig.message(named("p1"))).outcome is Outcome.ACCEPTED
    assert rig.server.counts == {named("p1"): 1}


def test_a_new_token_is_asked_for_once(rig: PushRig) -> None:
    rig.channel.send(rig.message(named("p1")))
    rig.server.expire_tokens()
    rig.channel.send(rig.message(named("p2")))
    assert rig.server.tokens_given == 2
    rig.server.fail_next(10001, times=2)
    with pytest.raises(Unavailable) as caught:
        rig.channel.send(rig.message(named("p3")))
    assert caught.value.code == "channel_down"


def test_who_asks_too_often_waits_a_minute(rig: PushRig) -> None:
    rig.server.fail_next(10005)
    with pytest.raises(Unavailable) as caught:
        rig.channel.send(rig.message(named("p1")))
    assert (caught.value.code, caught.value.until) == ("rate_limited", NOW + timedelta(minutes=1))
