"""What may name a person, and in which form."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.identity.model import Identifier, all_blocked, all_normal, blocked, normal, person_ids, unusable

PLACEHOLDERS = [
    "undefined", "null", "NULL", "None", "nil", "NaN", "guest", "Anonymous", "0", "true", "False", "id",
    "distinct_id", "distinctId", "email", "[object Object]", "", " ", "-", "unknown", "not_authenticated",
    "00000000-0000-0000-0000-000000000000", "'null'", '"undefined"', " 'guest' ", "“null”", "n/a", "000",
]  # fmt: skip


@pytest.mark.proves("I4")
@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_a_placeholder_is_nobody(value: str) -> None:
    assert blocked(value)


@pytest.mark.parametrize("value", ["u1", "10", "guest7", "annul", "idris", "00a", "truelove", "无", "-1"])
def test_an_id_that_only_resembles_a_placeholder_is_somebody(value: str) -> None:
    assert not blocked(value)


words = st.sampled_from([*PLACEHOLDERS, "u", "Idris", "0-0"])
texts = st.lists(st.sampled_from([*"'\" -0\tNn", "null", "ID", "x"]), max_size=6).map("".join) | words


@given(st.lists(texts, min_size=1))
def test_columns_of_values_are_judged_like_single_ones(values: list[str]) -> None:
    assert all_blocked(pa.array(values)).tolist() == [blocked(value) for value in values]


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        ("email", "  Ann@Example.ORG ", "ann@example.org"),
        ("phone", "+86 (138) 0013-8000", "+8613800138000"),
        ("phone", "138.0013.8000", "13800138000"),
        ("openid", " oABC ", "oABC"),
        ("user", " U1 ", " U1 "),
        ("device", "D-1", "D-1"),
    ],
)
def test_a_value_is_stored_in_its_normal_form(kind: str, value: str, stored: str) -> None:
    assert normal(kind, value) == stored
    assert all_normal(kind, pa.array([value, value])).to_pylist() == [stored, stored]
    assert normal(kind, stored) == stored


def test_an_email_without_an_at_sign_names_nobody() -> None:
    assert unusable("email", pa.array(["a@x", "a", "none"])).tolist() == [False, True, True]
    assert unusable("phone", pa.array(["+1", "0"])).tolist() == [False, True]


@pytest.mark.parametrize("secret", [b"short", b"long" * 40])
def test_a_person_id_is_the_keyed_hash_of_its_founder(secret: bytes) -> None:
    founders = ["user\0u1", "device\0d1", "user\0ü"]
    digests = [hmac.digest(secret, founder.encode(), hashlib.sha256)[:15] for founder in founders]
    assert person_ids(secret, founders) == [base64.b32encode(each).decode().lower() for each in digests]
    assert person_ids(secret, []) == []
    assert person_ids(b"another", founders) != person_ids(secret, founders)


def test_an_identifier_reads_as_kind_and_value() -> None:
    assert str(Identifier("email", "a@x")) == "email:a@x"
