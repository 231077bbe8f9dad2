"""Callbacks of an official account: recorded signatures, encrypted bodies and messages, and what they become."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.channels.wechat_crypto import decrypted, encrypted, is_signed, signature
from limner.errors import InputError
from limner.events import wechat

APP, KEY = "wx0123456789abcdef", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


@pytest.fixture
def vectors(datasets: Path) -> Any:
    return json.loads((datasets / "cases" / "wechat_vectors.json").read_text(encoding="utf-8"))


def test_recorded_signatures_are_told_apart(vectors: Any) -> None:
    for case in vectors["plain_signature"]:
        parts = (case["token"], case["timestamp"], case["nonce"])
        assert is_signed(case["signature"], parts) is case["valid"]
    sealed = vectors["encrypted"]
    for case in sealed["echo"]:
        parts = (sealed["token"], case["timestamp"], case["nonce"], case["echostr"])
        assert is_signed(case["msg_signature"], parts) is case["valid"]
        if case["valid"]:
            opened = decrypted(case["echostr"], key=sealed["encoding_aes_key"], app_id=sealed["app_id"])
            assert opened == case["decrypted"]


def test_a_recorded_encrypted_message_is_read(vectors: Any) -> None:
    sealed = vectors["encrypted"]
    message = sealed["message"]
    inner = wechat.fields(message["xml"])["Encrypt"]
    assert is_signed(
        message["msg_signature"], (sealed["token"], message["timestamp"], message["nonce"], inner)
    )
    assert decrypted(inner, key=sealed["encoding_aes_key"], app_id=sealed["app_id"]) == message["plain"]


@pytest.mark.proves("C9")
def test_every_recorded_message_is_read_and_becomes_one_call(vectors: Any) -> None:
    for case in vectors["messages"]:
        found = wechat.fields(case["xml"])
        for name, value in case["fields"].items():
            if isinstance(value, str):
                assert found.get(name, "").strip() == value.strip(), case["id"]
        made = wechat.call(found, app_id=APP)
        assert made["context"]["externalIds"][0]["id"] == found["FromUserName"]
        assert made == wechat.call(wechat.fields(case["xml"]), app_id=APP)
    names = {case["id"]: wechat.call(wechat.fields(case["xml"]), app_id=APP) for case in vectors["messages"]}
    scan = names["wx-parse_subscribe_scan_event"]
    assert (scan["event"], scan["properties"]["scene"], scan["properties"]["new"]) == (
        "Followed", "123123", True,
    )  # fmt: skip
    again = names["wx-parse_scan_event"]
    assert (again["event"], again["properties"]["scene"], again["properties"]["new"]) == (
        "Code Scanned", "123123", False,
    )  # fmt: skip
    assert names["wx-parse_click_event"]["properties"]["menu"] == "EVENTKEY"
    assert names["wx-parse_view_event"]["properties"]["url"] == "www.qq.com"
    assert names["wx-parse_text_message"]["properties"]["text"] == "this is a test"
    assert names["wx-parse_text_message"]["timestamp"] == "2012-09-28T11:31:00+00:00"


@given(text=st.text(st.characters(exclude_categories=["Cs"])), noise=st.binary(min_size=16, max_size=16))
def test_what_is_encrypted_is_read_by_its_own_account_only(text: str, noise: bytes) -> None:
    sealed = encrypted(text, key=KEY, app_id=APP, noise=noise)
    assert decrypted(sealed, key=KEY, app_id=APP) == text
    with pytest.raises(InputError):
        decrypted(sealed, key=KEY, app_id="wxffffffffffffffff")
    with pytest.raises(InputError):
        decrypted(sealed, key=KEY[::-1], app_id=APP)


@given(st.binary(max_size=200))
def test_no_bytes_break_it(body: bytes) -> None:
    with pytest.raises(InputError):
        decrypted(body.decode("latin-1"), key=KEY, app_id=APP)
    with pytest.raises(InputError):
        wechat.call(wechat.fields(f"<xml>{body.decode('latin-1')}</xml>"), app_id=APP)


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "<xml>",
        "no xml",
        '<!DOCTYPE x [<!ENTITY a "b">]><xml>&a;</xml>',
        "<xml>" + "<a>1</a>" * 20_000 + "</xml>",
    ],
)
def test_what_is_no_callback_is_refused(xml: str) -> None:
    with pytest.raises(InputError):
        wechat.fields(xml)


def test_an_answer_can_be_read_again() -> None:
    asked = {"FromUserName": "o1", "ToUserName": "gh_1"}
    text = "您好 ]]> & <b>"
    read = wechat.fields(wechat.answered(asked, text, now=datetime(2026, 1, 1, tzinfo=UTC)))
    assert (read["ToUserName"], read["FromUserName"], read["Content"]) == ("o1", "gh_1", text)


def test_signatures_do_not_depend_on_the_order() -> None:
    assert signature(["b", "a", "c"]) == signature(["c", "b", "a"])
