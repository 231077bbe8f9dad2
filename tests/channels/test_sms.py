from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.channels.kinds import phone
from limner.channels.seam import Outcome, Unavailable
from limner.channels.sms import Length, length, signature
from tests.channels.channel_rigs import SmsRig
from tests.channels.conftest import Rigging


@pytest.fixture
def rig(rigged: Rigging) -> SmsRig:
    made = rigged("sms")
    assert isinstance(made, SmsRig)
    return made


def test_a_call_is_signed_as_the_platforms_documents_sign_theirs() -> None:
    values = {
        "AccessKeyId": "testid",
        "Action": "DescribeRegions",
        "Format": "XML",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "SignatureVersion": "1.0",
        "Timestamp": "2016-02-23T12:46:24Z",
        "Version": "2014-05-26",
    }
    assert signature(values, method="GET", secret="testsecret") == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="


@pytest.mark.proves("H11")
def test_a_message_names_its_signature_template_and_parameters(rig: SmsRig) -> None:
    receipt = rig.channel.send(replace(rig.message("s1"), data={"name": "安 & 'n'*~ %+"}))
    (taken,) = rig.server.messages()
    assert (taken.to, taken.sign, taken.template) == ("13800138000", "示例商店", "SMS_1")
    assert taken.values == {"name": "安 & 'n'*~ %+"}
    assert (taken.out_id, taken.biz_id) == ("s1", receipt.provider_id)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", Outcome.DEFERRED),
        ("isp.SYSTEM_ERROR", Outcome.DEFERRED),
        ("isv.TEMPLATE_MISSING_PARAMETERS", Outcome.FAILED),
        ("isv.SOMETHING_NEW", Outcome.FAILED),
    ],
)
def test_what_the_platform_says_of_one_message(rig: SmsRig, code: str, outcome: Outcome) -> None:
    rig.server.fail_next(code)
    receipt = rig.channel.send(rig.message("s1"))
    assert receipt.outcome is outcome
    assert code in receipt.reason


@pytest.mark.parametrize(
    ("code", "what", "until"),
    [
        ("isv.AMOUNT_NOT_ENOUGH", "channel_down", None),
        ("isv.SMS_TEMPLATE_ILLEGAL", "channel_down", None),
        ("isv.DAY_LIMIT_CONTROL", "rate_limited", datetime(2026, 3, 2, 16, 0, tzinfo=UTC)),
        ("Throttling.User", "rate_limited", None),
    ],
)
def test_what_the_platform_says_of_the_account(
    rig: SmsRig, code: str, what: str, until: datetime | None
) -> None:
    rig.server.fail_next(code)
    with pytest.raises(Unavailable, match=code) as caught:
        rig.channel.send(rig.message("s1"))
    assert (caught.value.code, caught.value.until) == (what, until)
    assert rig.channel.send(rig.message("s1")).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("written", "one"),
    [
        ("138 0013 8000", "13800138000"),
        ("+86-138-0013-8000", "13800138000"),
        ("8613800138000", "13800138000"),
        ("008613800138000", "13800138000"),
        ("+852 5123 4567", "+85251234567"),
        ("0085251234567", "+85251234567"),
        ("13800138000\nx", "13800138000x"),
    ],
)
def test_a_number_has_one_spelling(written: str, one: str) -> None:
    assert phone(written) == one


@pytest.mark.proves("H11")
@pytest.mark.parametrize(
    ("text", "is_long"),
    [
        ("a" * 160, Length("gsm7", 160, 1)),
        ("a" * 161, Length("gsm7", 161, 2)),
        ("a" * 306, Length("gsm7", 306, 2)),
        ("a" * 307, Length("gsm7", 307, 3)),
        ("€" * 80, Length("gsm7", 160, 1)),
        ("€" * 81, Length("gsm7", 162, 2)),
        ("茶" * 70, Length("ucs2", 70, 1)),
        ("茶" * 71, Length("ucs2", 71, 2)),
        ("茶" * 134, Length("ucs2", 134, 2)),
        ("茶" * 135, Length("ucs2", 135, 3)),
        ("😀" * 35, Length("ucs2", 70, 1)),
        ("a" * 70 + "“", Length("ucs2", 71, 2)),
        ("", Length("gsm7", 0, 1)),
    ],
)
def test_a_text_has_so_many_segments(text: str, is_long: Length) -> None:
    assert length(text) == is_long


@given(st.text(max_size=400), st.text(max_size=20))
def test_a_longer_text_never_has_fewer_segments(text: str, more: str) -> None:
    assert length(text + more).segments >= length(text).segments
