"""The driver of bad inputs judges answers by their words, and says what it cannot see."""

from __future__ import annotations

import gzip
import json

import pytest

from limner.testing import bodies, effects
from limner.testing.bad_inputs import said
from limner.testing.client import Answer, Server, Source, parsed
from limner.testing.exchanges import Exchange


@pytest.mark.parametrize(
    ("wanted", "message", "expected"),
    [
        ("userId limit 256", "userId limit 256 characters", True),
        ("userId limit 256", "userId is too long", False),
        ("line and column of the first error", "expecting value at line 1 column 7", True),
        ("line and column of the first error", "expecting value", False),
        ("already imported at T", "already imported at 2026-11-22", True),
        ("lines 2 and 3, reason", "line 2: too many; line 3: too few", True),
        ("did you mean user.name", "unknown variable user.nme (did you mean user.name?)", True),
    ],
)
def test_an_answer_says_the_words(wanted: str, message: str, expected: bool) -> None:
    assert said(wanted, {"message": message}) is expected


def test_other_limits_than_the_catalogues_are_the_products_own() -> None:
    content = {"message": "too complex: limit depth 64, 2,000 terms"}
    assert said("limit depth 50, 1000 nodes", content, limits=False)
    assert not said("limit depth 50, 1000 nodes", content)


def test_rejected_events_are_looked_for_by_index_and_code() -> None:
    rejected = [{"index": 0, "code": "unknown_type", "path": "type"}]
    assert said("rejected index 0 unknown_type", {"rejected": rejected})
    assert not said("rejected index 1 unknown_type", {"rejected": rejected})
    assert said("rejected:[{index,code,path}]", {"rejected": rejected})
    assert not said("rejected has 2 entries", {"rejected": rejected})


def test_bodies_are_made_from_their_description() -> None:
    assert bodies.body({"hex": "7b7d"}) == b"{}"
    assert bodies.body({"json": {"a": 1}}) == b'{"a": 1}'
    assert bodies.body({"state": "disk full"}) is None
    assert bodies.made({"op": "repeat", "prefix": "a", "unit": "b", "times": 3, "suffix": "c"}) == b"abbbc"
    packed = bodies.made({"op": "gzip", "byte": "30", "times": 9})
    assert packed is not None
    assert gzip.decompress(packed) == b"0" * 9
    batch = json.loads(bodies.made({"op": "batch", "good": 2, "bad": 1}) or b"")
    assert [call.get("userId") for call in batch["batch"]] == ["u", "u", None]
    twice = json.loads(bodies.made({"op": "batch_dup", "n": 2}) or b"")
    assert len({call["messageId"] for call in twice["batch"]}) == 1


def test_an_effect_that_nobody_can_see_is_said_to_be_not_checkable() -> None:
    entry = {"id": "X1", "input": {}, "expected": {"effect": "the moon is full"}}
    server = Server("http://127.0.0.1:1", "key")
    found = effects.problems(server, Source("s", "k", {}), entry, Exchange([Answer(200)]))
    assert found == ["not checkable: the moon is full"]


def test_a_bare_answer_is_parsed() -> None:
    answer = parsed(b'HTTP/1.1 408 Request Timeout\r\nA: b\r\n\r\n{"code":"x"}', 0.1, True)
    assert (answer.status, answer.headers, answer.json) == (408, {"a": "b"}, {"code": "x"})
    assert parsed(b"nonsense", 0.1, True).status is None
