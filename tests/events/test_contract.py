"""What the collector takes for an event, and how it reads a body."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.config import Limits
from limner.events import contract, segment, strict
from limner.events.model import Event, Request
from limner.types import naive

from .conftest import track

RECEIVED = naive(datetime(2026, 11, 22, 8, 0, tzinfo=UTC))
LIMITS = Limits()


def read(body: bytes | str | dict[str, Any], endpoint: str = "track") -> Request:
    if isinstance(body, dict):
        body = json.dumps(body)
    return segment.read(body.encode() if isinstance(body, str) else body, endpoint)


def code(body: bytes | str | dict[str, Any], endpoint: str = "track") -> tuple[str, str | None]:
    """The code and path of the refusal, or ('accepted', None)."""
    request = read(body, endpoint)
    found = request.refusal or next(
        (refusal for call in request.calls if (refusal := contract.refusal(call, LIMITS))), None
    )
    return (found.code, found.path) if found else ("accepted", None)


def event(body: bytes | str | dict[str, Any], **more: Any) -> Event:
    call = read(body).calls[0]
    assert contract.refusal(call, LIMITS) is None
    settings = {"source_i": 1, "received_at": RECEIVED, "batch": "b", "declared": ("email",), **more}
    return contract.event(call, **settings)


@pytest.mark.proves(
    "G22",
    partly="eight entries of the catalogue cannot be seen from outside; 100,000 fuzzed bodies are not run",
)
@pytest.mark.proves("G22")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "invalid_json"),
        ("  ", "invalid_json"),
        ("{", "invalid_json"),
        ('{"a":1,}', "invalid_json"),
        ('{"a" 1}', "invalid_json"),
        ('{"a":01}', "invalid_json"),
        ('{"a":+1}', "invalid_json"),
        ('{"a":.5}', "invalid_json"),
        ("{'a':1}", "invalid_json"),
        ('{"a":"\x01"}', "invalid_json"),
        ('{"a":"\\x41"}', "invalid_json"),
        ('{"a":tru}', "invalid_json"),
        ('{"a":"b', "invalid_json"),
        ('{"a":NaN,"event":"e","userId":"u"}', "invalid_json"),
        ("true", "not_an_object"),
        ('"x"', "not_an_object"),
        (b"\xff\xfe{\x00}\x00", "invalid_utf8"),
        (b'{"\xff":1}', "invalid_utf8"),
        ('{"event":"e","userId":"u","properties":{"a":' + "[" * 40 + "]" * 40 + "}}", "too_deep"),
        ('{"event":"e","userId":"u","properties":' + '{"a":' * 5_000 + "1" + "}" * 5_001, "too_deep"),
        ("[" * 100_000, "too_deep"),
        ('{"event":"e","userId":"u","properties":{"a":1' + "0" * 5_000 + "}}", "number_out_of_range"),
        ('{"event":"e","userId":"u","properties":{"a":{"b":1,"b":2}}}', "duplicate_key"),
        ('{"event":"e","userId" :"u","userId":"v"}', "duplicate_key"),
        ('{"event":"e","user\\u0049d":"u","userId":"v"}', "duplicate_key"),
        ('{"event":"e","userId":"u","properties":{"\\udc00":1}}', "invalid_utf8"),
    ],
)
def test_bodies_that_cannot_be_read(body: bytes | str, expected: str) -> None:
    assert code(body)[0] == expected


def test_a_text_that_looks_like_keys_is_no_duplicate() -> None:
    body = json.dumps(track(properties={"json": json.dumps({"userId": "x", "a": 1})}))
    assert code(body) == ("accepted", None)
    assert code(body.replace('":', '"  :')) == ("accepted", None)


def test_one_bad_value_refuses_its_event_not_its_batch() -> None:
    good = json.dumps(track())
    bad = [
        good.replace('"u1"', '"u1","userId":"u2"'),
        good.replace('"u1"', '"u1","properties":{"a":NaN}'),
        good.replace('"u1"', '"u1","properties":{"a":1e400}'),
        good.replace('"u1"', '"u1","properties":{"a":"\\ud800"}'),
        good.replace('"u1"', '"u1","properties":' + '{"a":' * 500 + "1" + "}" * 500),
    ]
    request = read('{"batch":[' + ",".join([good, *bad, good]) + "]}", "batch")
    found = [refusal and (refusal.code, refusal.path) for refusal in map(_refusal, request.calls)]
    assert [item and item[0] for item in found] == [
        None,
        "duplicate_key",
        "invalid_json",
        "number_out_of_range",
        "invalid_utf8",
        "too_deep",
        None,
    ]
    assert found[3] == ("number_out_of_range", "properties.a")


def _refusal(call: Any) -> Any:
    return contract.refusal(call, LIMITS)


def test_an_event_of_a_batch_may_be_too_large() -> None:
    large = track(properties={"a": "x" * 40_000})
    request = read({"batch": [track(), large]}, "batch")
    assert [refusal and refusal.code for refusal in map(_refusal, request.calls)] == [None, "event_too_large"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"userId": None}, ("missing_identity", "userId")),
        ({"userId": "  "}, ("missing_identity", "userId")),
        ({"userId": True}, ("invalid_type", "userId")),
        ({"userId": ["a"]}, ("invalid_type", "userId")),
        ({"anonymousId": {}}, ("invalid_type", "anonymousId")),
        ({"userId": "x" * 257}, ("too_long", "userId")),
        ({"userId": "x" * 256}, ("accepted", None)),
        ({"event": " "}, ("missing_event_name", "event")),
        ({"event": 7}, ("invalid_type", "event")),
        ({"event": "x" * 201}, ("too_long", "event")),
        ({"type": "trakc"}, ("unknown_type", "type")),
        ({"type": []}, ("unknown_type", "type")),
        ({"messageId": "x" * 101}, ("too_long", "messageId")),
        ({"messageId": 7}, ("accepted", None)),
        ({"properties": []}, ("invalid_type", "properties")),
        ({"traits": "x"}, ("invalid_type", "traits")),
        ({"context": 1}, ("invalid_type", "context")),
        ({"properties": None, "context": None}, ("accepted", None)),
        ({"type": "alias"}, ("missing_identity", "previousId")),
        ({"type": "alias", "previousId": "p"}, ("accepted", None)),
    ],
)
def test_what_a_call_must_be(change: dict[str, Any], expected: tuple[str, str | None]) -> None:
    assert code(track() | change) == expected


def test_identifiers_become_text_exactly() -> None:
    assert event(track(userId=12345)).user == "12345"
    assert event('{"event":"a","userId":9007199254740993}').user == "9007199254740993"
    assert event(track(userId=" u1 ")).user == "u1"


def test_a_device_that_is_the_user_is_no_device() -> None:
    assert event(track(anonymousId="u1")).device is None
    assert event(track(anonymousId="d1")).device == "d1"


def test_a_missing_message_id_is_assigned_from_the_batch() -> None:
    for blank in (None, "", "  "):
        assert event(track(blank), batch="b7").message_id == "b7-0"


@pytest.mark.parametrize(
    ("at", "sent", "expected"),
    [
        ("2026-11-22T07:00:00Z", None, "2026-11-22T07:00:00"),
        ("2026-11-22T07:00:00", None, "2026-11-22T07:00:00"),
        ("2026-11-22T15:00:00+08:00", None, "2026-11-22T07:00:00"),
        ("2026-11-22T07:00:00.123456Z", None, "2026-11-22T07:00:00.123456"),
        (1795330800000, None, "2026-11-22T07:00:00"),
        ("2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z", "2026-11-22T07:00:00"),
        ("2026-11-22T09:00:00Z", None, "2026-11-22T08:00:00"),
        ("2026-11-22T09:00:00Z", "2026-11-22T08:00:00Z", "2026-11-22T08:00:00"),
        ("2025-10-18T00:00:00Z", None, "2025-10-18T00:00:00"),
        (None, "2026-11-22T08:00:00Z", "2026-11-22T08:00:00"),
    ],
)
def test_the_time_of_an_event_is_by_our_clock(at: Any, sent: Any, expected: str) -> None:
    found, notices = contract.event_time(at, sent, RECEIVED)
    assert (found, notices) == (datetime.fromisoformat(expected), [])


@pytest.mark.parametrize(
    "at",
    [
        "2026-11-22T00:00:00+99:99",
        "yesterday",
        "",
        {},
        True,
        "0001-01-01T00:00:00Z",
        -5.5,
        1e300,
        "2026-13-01",
    ],
)
def test_a_bad_time_is_the_moment_of_receipt_with_a_warning(at: Any) -> None:
    found, notices = contract.event_time(at, None, RECEIVED)
    assert (found, [notice.code for notice in notices]) == (RECEIVED, ["bad_timestamp"])


def test_a_time_in_the_far_future_is_noticed() -> None:
    found, notices = contract.event_time("2030-01-01T00:00:00Z", None, RECEIVED)
    assert (found, [notice.code for notice in notices]) == (RECEIVED, ["future_timestamp"])


@given(st.datetimes(), st.datetimes() | st.none())
def test_no_event_is_later_than_its_receipt(at: datetime, sent: datetime | None) -> None:
    found, _ = contract.event_time(at.isoformat(), sent.isoformat() if sent else None, RECEIVED)
    assert datetime.fromisoformat("1970-01-01") <= found <= RECEIVED


def test_names_are_dotted_and_empty_ones_dropped() -> None:
    found = event(track(properties={"a": {"b": 1, "c": {"d": "x"}}, "": 5, "n": None, "l": [1]}))
    assert found.properties == {"a.b": 1, "a.c.d": "x", "l": [1]}
    assert [notice.code for notice in found.warnings] == ["empty_key"]


def test_nul_is_removed_with_a_warning() -> None:
    found = event('{"event":"a","userId":"u","properties":{"s":"a\\u0000b"}}')
    assert found.properties == {"s": "ab"}
    assert [notice.code for notice in found.warnings] == ["nul_removed"]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert code(b"\xef\xbb\xbf" + json.dumps(track()).encode()) == ("accepted", None)


def test_a_batch_shares_its_context_and_time() -> None:
    body = {"batch": [track(context={"b": 2})], "context": {"a": 1}, "sentAt": "2026-11-22T08:00:00Z"}
    call = read(body, "batch").calls[0]
    assert (call.context, call.sent) == ({"a": 1, "b": 2}, "2026-11-22T08:00:00Z")


def test_reading_again_gives_the_same() -> None:
    body = '{"batch":[' + json.dumps(track()) + ',{"a":NaN}]}'
    assert read(body, "batch") == read(body, "batch")


def test_every_received_moment_of_a_client_is_believed_by_its_distance() -> None:
    late = timedelta(hours=5)
    sent = RECEIVED - timedelta(days=400)
    found, _ = contract.event_time((sent - late).isoformat(), sent.isoformat(), RECEIVED)
    assert found == RECEIVED - late


trees = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(trees)
@settings(deadline=None)
def test_the_strict_reader_agrees_with_json(tree: Any) -> None:
    for text in (json.dumps(tree), json.dumps(tree, ensure_ascii=False, indent=1)):
        found, issues = strict.parse(text)
        assert issues == []
        assert json.loads(json.dumps(found, default=float)) == json.loads(text)


@pytest.mark.proves("G22")
@given(
    st.binary(max_size=200) | st.text(alphabet='{}[]",:\\u0d8123eE+-. truefalsn', max_size=60).map(str.encode)
)
@settings(max_examples=400, deadline=None)
def test_any_bytes_get_an_answer(body: bytes) -> None:
    for endpoint in ("track", "batch"):
        request = segment.read(body, endpoint)
        for call in request.calls:
            if contract.refusal(call, LIMITS) is None:
                contract.event(call, source_i=1, received_at=RECEIVED, batch="b")
        try:
            good = isinstance(json.loads(body.removeprefix(b"\xef\xbb\xbf").decode()), dict)
        except (ValueError, RecursionError):
            good = False
        if request.refusal is None:
            assert good


def test_numbers_keep_their_digits() -> None:
    assert strict.number("9.9") == 9.9
    assert strict.number("0.1000000000000000055511151231257827") == Decimal(
        "0.1000000000000000055511151231257827"
    )
    assert strict.number("1e5") == 100_000.0
    with pytest.raises(ValueError, match="range"):
        strict.number("1e400")
