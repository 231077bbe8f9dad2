"""Columns as typed values: exact money, strict times, and the reason where a value does not fit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.events import conversions
from limner.events.conversions import Converted, amount, flag, identifiers, instant, money, number, product
from limner.types import ValueType

at = datetime.fromisoformat


def values(found: Converted) -> list[Any]:
    return list(found.values.to_pylist())


def codes(found: Converted) -> dict[int, str]:
    return {row: bad.code for bad in found.bad for row in bad.rows.tolist()}


def test_money_is_never_rounded() -> None:
    found = money(pa.array(["2.55", "-1", "", "0.0001", "7.50000", " 3 ", "1e2"]))
    assert values(found) == [25_500, -10_000, None, 1, 75_000, 30_000, 1_000_000]
    assert not found.bad
    odd = money(pa.array(["0.00001", "x", "1,5", "99999999999999999", "nan", "12,000.00", "1_000", None]))
    assert values(odd) == [None] * 8
    assert codes(odd) == {
        0: "too_precise", 1: "bad_money", 2: "bad_money", 3: "bad_money", 4: "bad_money", 5: "bad_money",
        6: "bad_money",
    }  # fmt: skip


def test_binary_fractions_lose_less_than_a_billionth_and_it_is_counted() -> None:
    found = money(pa.array([2.55, 0.1 + 0.2, 4.440892e-16, 3.0, None]))
    assert values(found) == [25_500, 3_000, 0, 30_000, None]
    assert found.noisy == 2
    assert codes(money(pa.array([2.55001]))) == {0: "too_precise"}


@given(st.lists(st.decimals(-(10**9), 10**9, places=4), min_size=1))
def test_money_reads_any_amount_exactly(amounts: list[Decimal]) -> None:
    assert values(money(pa.array([f"{item:f}" for item in amounts]))) == [
        int(item * 10_000) for item in amounts
    ]
    assert [Decimal(amount(int(item * 10_000))) for item in amounts] == amounts


@given(st.lists(st.tuples(st.decimals(-(10**5), 10**5, places=3), st.integers(-(10**5), 10**5)), min_size=1))
def test_a_product_is_exact(pairs: list[tuple[Decimal, int]]) -> None:
    columns: list[pa.Array | float] = [
        pa.array([f"{price:f}" for price, _ in pairs]),
        pa.array([n for _, n in pairs]),
    ]
    found, _ = product(columns, kind=ValueType.MONEY, names=["a", "b"])
    assert values(found) == [int(price * n * 10_000) for price, n in pairs]


def test_a_product_with_more_than_4_decimals_is_set_aside() -> None:
    columns: list[pa.Array | float] = [pa.array(["1.2345", "2", "x"]), 0.01]
    found, own = product(columns, kind=ValueType.MONEY, names=["a", "b"])
    assert codes(found) == {0: "too_precise"}
    assert values(found) == [None, 200, None]
    assert codes(own[0][1]) == {2: "bad_money"}


def test_numbers_are_finite_and_not_longer_than_they_can_keep() -> None:
    found = number(
        pa.array(["1", "-2.5", " 3 ", "x", "1e5", "inf", "nan", "", "12345678901234567890", "1_0"])
    )
    assert values(found) == [1, -2.5, 3, None, 100_000, None, None, None, None, None]
    assert set(codes(found)) == {3, 5, 6, 8, 9}
    assert values(number(pa.array([1, 2**60]))) == [1, None]


def test_flags_are_words_or_digits() -> None:
    found = flag(pa.array(["yes", "FALSE", "是", "0", "maybe", ""]))
    assert values(found) == [True, False, True, False, None, None]
    assert codes(found) == {4: "bad_flag"}


def test_identifiers_keep_leading_zeros_and_lose_surrounding_space() -> None:
    found = identifiers(pa.array(["007", " 8 ", " ", "1.38E+10", "x" * 300]), length=256)
    assert values(found)[:3] == ["007", "8", None]
    assert codes(found) == {3: "damaged_by_spreadsheet", 4: "identifier_too_long"}


def test_numeric_identifiers_are_written_without_a_point() -> None:
    assert values(identifiers(pa.array([17850.0, None]), length=256)) == ["17850", None]
    assert values(identifiers(pa.array([17850.0, 1.5]), length=256)) == ["17850", "1.5"]
    assert values(identifiers(pa.array([2**60], pa.int64()), length=256)) == [str(2**60)]


@pytest.mark.parametrize(
    ("format", "text", "expected"),
    [
        ("iso", "2024-01-02", at("2024-01-01T16:00:00")),
        ("iso", "2024-01-02T03:04:05.123456", at("2024-01-01T19:04:05.123456")),
        ("iso", "2024-01-02 03:04:05Z", at("2024-01-02T03:04:05")),
        ("iso", "2024-01-02T03:04:05+01:00", at("2024-01-02T02:04:05")),
        ("iso", "20240102", at("2024-01-01T16:00:00")),
        ("%Y-%m-%d %H:%M:%S", "2024-01-02 03:04:05", at("2024-01-01T19:04:05")),
        ("%d/%m/%Y", "2/1/2024", at("2024-01-01T16:00:00")),
        ("%m/%d/%y %H:%M", "1/2/24 8:00", at("2024-01-02T00:00:00")),
        ("%Y年%m月%d日", "2024年1月2日", at("2024-01-01T16:00:00")),
        ("%d %b %Y %I:%M %p", "02 Jan 2024 08:00 AM", at("2024-01-02T00:00:00")),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-01-02T03:04:05+0000", at("2024-01-02T03:04:05")),
        ("unix", "1704164645", at("2024-01-02T03:04:05")),
        ("unix", "1704164645.25", at("2024-01-02T03:04:05.250000")),
        ("unix_ms", "1704164645000", at("2024-01-02T03:04:05")),
    ],
)
def test_times_are_read_by_their_format_in_their_zone(format: str, text: str, expected: datetime) -> None:
    found = instant(pa.array([text, None, ""]), format=format, zone="Asia/Shanghai")
    assert values(found) == [expected, None, None]
    assert not found.bad


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("iso", "03/04/2026"), ("iso", "9999-12-31"), ("iso", "2023-02-30"),
        ("%Y-%m-%d %H:%M:%S", "2023-02-30 00:00:00"), ("%d/%m/%Y", "30/02/2023"), ("%d/%m/%Y", "1/13/2023"),
        ("%d/%m/%Y", "1/1/2023 10:00"), ("%b %Y", "Foo 2023"), ("unix", "soon"), ("unix_ms", "9e99"),
    ],
)  # fmt: skip
def test_a_day_that_is_none_is_bad(format: str, text: str) -> None:
    good = {"iso": "2024-01-02", "unix": "0", "unix_ms": "0", "%b %Y": "Jan 2024"}
    fine = good.get(format) or at("2024-01-02").strftime(format)
    found = instant(pa.array([fine, text]), format=format, zone="UTC")
    assert codes(found) == {1: "bad_time"}
    assert found.values[0].is_valid
    assert not found.values[1].is_valid


def test_clock_changes_are_read_as_the_documentation_says() -> None:
    twice, never = "2024-10-27 01:30:00", "2024-03-31 01:30:00"
    found = instant(pa.array([twice, never]), format="%Y-%m-%d %H:%M:%S", zone="Europe/London")
    assert values(found) == [at("2024-10-27T00:30:00"), at("2024-03-31T01:00:00")]


@given(
    st.datetimes(at("1990-01-01T00:00:00"), at("2035-01-01T00:00:00")),
    st.sampled_from(["Europe/London", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"]),
)
def test_local_times_agree_with_zoneinfo(local: datetime, zone: str) -> None:
    local = local.replace(microsecond=0)
    expected = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    back = expected.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    found = instant(pa.array([local.isoformat()]), format="iso", zone=zone).values[0].as_py()
    if back == local:
        assert found == expected.replace(tzinfo=None)
    else:
        assert abs(found - expected.replace(tzinfo=None)) <= timedelta(hours=1)


def test_attributes_are_exact_json() -> None:
    def json(found: pa.Array, kind: ValueType) -> list[Any]:
        return list(conversions.json(found, kind=kind).to_pylist())

    assert json(pa.array(['a"b\n', "中", None]), ValueType.TEXT) == ['"a\\"b\\n"', '"中"', None]
    assert json(pa.array([35.0, 1.5]), ValueType.NUMBER) == ["35", "1.5"]
    assert json(pa.array([25_500]), ValueType.MONEY) == ["2.55"]
    assert json(pa.array([True, None]), ValueType.FLAG) == ["true", None]
    assert json(pa.array([at("2024-01-02T00:00:00")]), ValueType.INSTANT) == ['"2024-01-02T00:00:00Z"']
