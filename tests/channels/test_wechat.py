from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from limner.channels.seam import Outcome, Unavailable
from limner.channels.wechat import Wechat
from tests.channels.channel_rigs import NOW, MiniprogramRig, WechatRig
from tests.channels.conftest import Rigging


@pytest.fixture
def rig(rigged: Rigging) -> WechatRig:
    made = rigged("wechat")
    assert isinstance(made, WechatRig)
    return made


@pytest.mark.proves("H3")
@pytest.mark.parametrize("code", [40001, 42001])
def test_wechat_asks_once_for_a_new_token(rig: WechatRig, code: int) -> None:
    rig.channel.send(rig.message("w1"))
    rig.server.fail_next(code)
    assert rig.channel.send(rig.message("w2")).outcome is Outcome.ACCEPTED
    assert rig.server.tokens_given == 2
    rig.server.fail_next(code, times=2)
    with pytest.raises(Unavailable) as caught:
        rig.channel.send(rig.message("w3"))
    assert caught.value.code == "channel_down"
    assert rig.server.tokens_given == 3


def test_wechat_renews_a_token_before_it_expires(rig: WechatRig) -> None:
    now = [NOW]
    channel = Wechat(api=rig.server.url, app_id="wx-demo", secret="demo-secret", clock=lambda: now[0])
    channel.send(rig.message("w1"))
    now[0] = NOW + timedelta(seconds=7000)
    channel.send(rig.message("w2"))
    assert rig.server.tokens_given == 1
    now[0] = NOW + timedelta(seconds=7150)
    channel.send(rig.message("w3"))
    assert rig.server.tokens_given == 2
    channel.close()


def test_wechat_stops_at_its_quota_until_midnight_in_beijing(rig: WechatRig) -> None:
    rig.server.quota = 1
    rig.channel.send(rig.message("w1"))
    with pytest.raises(Unavailable) as caught:
        rig.channel.send(rig.message("w2"))
    assert caught.value.code == "rate_limited"
    assert caught.value.until == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def test_wechat_names_who_cannot_be_reached(rig: WechatRig) -> None:
    rig.server.not_following.add("openid-ann")
    answer = rig.channel.send(rig.message("w1"))
    assert (answer.outcome, answer.gone) == (Outcome.FAILED, False)
    rig.server.not_following.clear()
    rig.server.refused.add("openid-ann")
    answer = rig.channel.send(rig.message("w2"))
    assert (answer.outcome, answer.gone) == (Outcome.FAILED, True)


def test_wechat_asks_again_after_a_lost_answer_and_nobody_gets_two(rig: WechatRig) -> None:
    rig.lose_answers(1)
    assert rig.channel.send(rig.message("l1")).outcome is Outcome.ACCEPTED
    assert rig.server.counts["l1"] == 1


def test_a_wrong_secret_is_not_told(rig: WechatRig) -> None:
    rig.lock_out()
    with pytest.raises(Unavailable) as caught:
        rig.channel.send(rig.message("s1"))
    assert "guess" not in str(caught.value)


def test_a_subscribe_message_uses_up_its_permission_and_none_is_no_refusal_for_ever(rigged: Rigging) -> None:
    rig = rigged("miniprogram")
    assert isinstance(rig, MiniprogramRig)
    rig.server.permissions = Counter({"openid-ann": 1})
    assert rig.channel.send(rig.message("n1")).outcome is Outcome.ACCEPTED
    assert rig.server.messages()[0].url == "pages/index"
    answer = rig.channel.send(rig.message("n2"))
    assert (answer.outcome, answer.gone) == (Outcome.FAILED, False)
