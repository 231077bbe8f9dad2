"""Columns are published whole, read by memory map, and forget what has expired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner import columns as limner_columns
from limner.columns import Column, Columns, Given, column, epochs, patched, settled
from limner.errors import DamagedError, NotFoundError
from limner.types import ValueType

AS_OF = datetime(2025, 6, 1, tzinfo=UTC)


def put(kind: ValueType, pairs: dict[int, Any], n: int = 6, labels: tuple[str, ...] = (), **more: Any) -> Any:
    ix = np.array(list(pairs), dtype=np.uint32)
    return column("t", Given(kind, ix, np.array(list(pairs.values())), labels, **more), n)


def published(root: Path, epoch: int, made: Any, n: int = 6) -> Columns:
    alive = np.ones(n, dtype=np.bool_)
    return Columns.publish(root, epoch, n=n, as_of=AS_OF, alive=alive, columns={"t": made})


@pytest.mark.parametrize(
    ("kind", "pairs", "labels", "expected"),
    [
        (ValueType.FLAG, {1: True, 4: False}, (), {1: True, 4: False}),
        (ValueType.TEXT, {0: 2, 5: 1}, ("rød", "金"), {0: "金", 5: "rød"}),
        (ValueType.NUMBER, {0: 2.5, 2: -1.0}, (), {0: 2.5, 2: -1.0}),
        (ValueType.NUMBER, {0: 3, 2: 3, 3: 1}, (), {0: 3.0, 2: 3.0, 3: 1.0}),
        (ValueType.MONEY, {3: 10_000}, (), {3: 10_000}),
        (ValueType.INSTANT, {3: 1_500_000}, (), {3: datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)}),
        (ValueType.NUMBER, {}, (), {}),
    ],
)
def test_every_kind_of_value_is_read_back(
    tmp_path: Path, kind: ValueType, pairs: dict[int, Any], labels: tuple[str, ...], expected: dict[int, Any]
) -> None:
    columns = published(tmp_path, 1, put(kind, pairs, labels=labels))
    found = Columns.open(tmp_path, 1, verify=True)["t"]
    assert {ix: found.label_at(ix) for ix in range(6) if found.label_at(ix) is not None} == expected
    assert found.take(np.arange(6)) == [found.label_at(ix) for ix in range(6)]
    assert found.known.tolist() == [ix in expected for ix in range(6)]
    assert columns["t"].type is kind
    assert found.label_at(99) is None


@settings(max_examples=60)
@given(st.dictionaries(st.integers(0, 49), st.floats(allow_nan=False, allow_infinity=False), max_size=50))
def test_number_labels_are_sorted_so_that_a_range_of_values_is_a_range_of_codes(
    pairs: dict[int, float],
) -> None:
    made = put(ValueType.NUMBER, pairs, n=50)
    labels = np.asarray(made.labels)
    assert (np.diff(labels) > 0).all()
    assert [made.label_at(ix) for ix in range(50)] == [pairs.get(ix) for ix in range(50)]
    assert made.codes.dtype == np.uint8


def test_too_many_distinct_values_are_kept_plain(tmp_path: Path) -> None:
    n = 70_000
    made = column("t", Given(ValueType.MONEY, np.arange(n, dtype=np.uint32), np.arange(n) * 10_001), n)
    assert not made.coded
    found = published(tmp_path, 1, made, n)["t"]
    assert found.label_at(69_999) == 69_999 * 10_001
    assert found.known.all()
    exactly = column("t", Given(ValueType.MONEY, np.arange(65_535, dtype=np.uint32), np.arange(65_535)), n)
    assert exactly.coded
    assert exactly.codes is not None
    assert exactly.codes.dtype == np.uint16


def test_not_a_number_is_unknown_and_minus_zero_is_zero() -> None:
    made = put(ValueType.NUMBER, {0: float("nan"), 1: -0.0, 2: 0.0, 3: float("inf")})
    assert [made.label_at(ix) for ix in range(4)] == [None, 0.0, 0.0, None]
    assert made.counts().tolist() == [4, 2]


def test_counts_hold_the_unknown_first() -> None:
    made = put(ValueType.TEXT, {0: 1, 1: 2, 2: 2}, labels=("a", "b"))
    assert made.counts().tolist() == [3, 1, 2]
    assert made.counts(np.array([1, 2, 5])).tolist() == [1, 0, 2]


@pytest.mark.proves("T5")
def test_an_expired_column_is_unknown_without_any_new_event(tmp_path: Path) -> None:
    expires = AS_OF + timedelta(days=2)
    columns = published(tmp_path, 1, put(ValueType.FLAG, {1: True}, as_of=AS_OF, expires_at=expires))
    assert columns.at(expires - timedelta(microseconds=1))["t"].label_at(1) is True
    assert columns.at(expires)["t"].label_at(1) is None
    assert not columns.at(expires)["t"].known.any()


def test_people_who_came_after_the_epoch_are_unknown(tmp_path: Path) -> None:
    columns = published(tmp_path, 1, put(ValueType.FLAG, {1: True}))
    now = columns.at(AS_OF, alive=np.ones(9, dtype=np.bool_))
    assert now.n == 9
    assert now["t"].known.tolist() == [False, True] + [False] * 7


@pytest.mark.parametrize("name", ["t.codes.npy", "t.labels.npy", "_alive.npy"])
def test_a_flipped_byte_is_found_by_verification(tmp_path: Path, name: str) -> None:
    published(tmp_path, 1, put(ValueType.NUMBER, {1: 5.0}))
    path = tmp_path / "1" / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    Columns.open(tmp_path, 1)
    with pytest.raises(DamagedError, match="not as it was written"):
        Columns.open(tmp_path, 1, verify=True)


def test_a_short_file_is_found_at_once(tmp_path: Path) -> None:
    published(tmp_path, 1, put(ValueType.NUMBER, {1: 5.0}))
    path = tmp_path / "1" / "t.codes.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedError):
        Columns.open(tmp_path, 1)
    (tmp_path / "1" / "t.codes.npy").unlink()
    with pytest.raises(DamagedError):
        Columns.open(tmp_path, 1)


def test_the_last_two_epochs_are_kept_and_a_half_written_one_is_never_seen(tmp_path: Path) -> None:
    (tmp_path / "4.tmp").mkdir(parents=True)
    for epoch in (1, 2, 3):
        published(tmp_path, epoch, put(ValueType.FLAG, {1: True}))
    assert epochs(tmp_path) == [2, 3]
    with pytest.raises(NotFoundError):
        Columns.open(tmp_path, 4)


def test_epochs_of_an_older_life_of_the_engine_are_cleared_away(tmp_path: Path) -> None:
    for epoch in (57, 58, 1, 2, 3):
        published(tmp_path, epoch, put(ValueType.FLAG, {1: True}))
        assert epoch in epochs(tmp_path)
    assert epochs(tmp_path) == [2, 3]


def test_an_epoch_left_by_a_run_that_did_not_commit_is_replaced(tmp_path: Path) -> None:
    published(tmp_path, 1, put(ValueType.FLAG, {1: True}))
    published(tmp_path, 1, put(ValueType.FLAG, {2: True}))
    assert Columns.open(tmp_path, 1)["t"].label_at(2) is True


def test_an_unknown_column_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="'x'"):
        published(tmp_path, 1, put(ValueType.FLAG, {1: True}))["x"]


def test_one_person_reads_as_each_column_does(tmp_path: Path) -> None:
    n, ends = 70_000, AS_OF + timedelta(days=1)
    every = np.arange(n, dtype=np.uint32)
    made = {
        "city": column("city", Given(ValueType.TEXT, every[:9], np.ones(9, dtype=int), ("上海",)), n),
        "paid": column("paid", Given(ValueType.MONEY, every, every.astype(np.int64) * 10_001), n),
        "orders": column("orders", Given(ValueType.NUMBER, every, (every % 5_000).astype(float)), n),
        "born": column(
            "born", Given(ValueType.INSTANT, every[:5], every[:5].astype(np.int64) * 1_000_000), n
        ),
        "vip": column("vip", Given(ValueType.FLAG, every[:3], every[:3] > 1, expires_at=ends), n),
    }
    alive = np.ones(n, dtype=np.bool_)
    columns = Columns.publish(tmp_path, 1, n=n, as_of=AS_OF, alive=alive, columns=made)
    assert [made[key].coded for key in made] == [True, False, True, True, True]
    for now, people in ((AS_OF, n), (ends, n), (AS_OF, n + 2)):
        read = columns.at(now, alive=np.ones(people, dtype=np.bool_))
        for ix in (0, 2, 4, 8, 4_999, n - 1, n, n + 1, -1):
            one_by_one = {key: read[key].label_at(ix) for key in read.keys()}  # noqa: SIM118 - no mapping
            assert read.of_person(ix) == {
                key: value for key, value in one_by_one.items() if value is not None
            }
    assert columns.of_person(0)["city"] == "上海"
    assert list(columns.at(ends).of_person(2)) == ["born", "city", "orders", "paid"]


def same_bits(one: Column, other: Column) -> None:
    """The same arrays of the same types."""
    assert one.coded is other.coded
    for name in ("codes", "labels", "values", "mask"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert (mine is None) is (theirs is None)
        if isinstance(theirs, np.ndarray):
            assert (mine.dtype, mine.tolist()) == (theirs.dtype, theirs.tolist()), name
        else:
            assert mine == theirs


KINDS = st.sampled_from(
    [
        (ValueType.NUMBER, st.integers(-4, 300), ()),
        (ValueType.NUMBER, st.floats(-3, 3, allow_nan=False).map(lambda value: round(value, 1) + 0.0), ()),
        (ValueType.NUMBER, st.floats(allow_nan=False, allow_infinity=False), ()),
        (ValueType.MONEY, st.integers(-(10**12), 10**12), ()),
        (ValueType.INSTANT, st.integers(-3, 3).map(lambda day: day * 86_400_000_000), ()),
        (ValueType.FLAG, st.booleans(), ()),
        (ValueType.TEXT, st.integers(1, 3), ("a", "b", "c")),
    ]
)


@pytest.mark.parametrize("most", [65_535, 300, 4])
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_patched_column_is_the_one_that_is_made_anew(most: int, data: st.DataObject) -> None:
    kind, values, labels = data.draw(KINDS)
    n = data.draw(st.integers(20, 30))
    before = data.draw(st.dictionaries(st.integers(0, 19), values, max_size=20))
    after = data.draw(st.dictionaries(st.integers(0, n - 1), values, max_size=20))
    who = sorted({*after, *data.draw(st.sets(st.integers(0, n - 1), max_size=9))})
    now = {ix: value for ix, value in before.items() if ix not in who} | after

    def given_of(pairs: dict[int, Any]) -> Given:
        array = np.array(list(pairs.values()), dtype=np.bool_ if kind is ValueType.FLAG else None)
        if not pairs:
            array = np.zeros(0, dtype=np.float64 if kind is ValueType.NUMBER else np.int64)
        return Given(kind, np.array(list(pairs), dtype=np.uint32), array, labels)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limner_columns, "MOST_LABELS", most)
        held = column("t", given_of(before), 20)
        new = settled(patched(held, given_of(after), np.array(who, dtype=np.uint32), n))
        same_bits(new, column("t", given_of(now), n))


def test_many_values_beside_one_that_most_people_have_stay_plain() -> None:
    everybody = np.arange(400_000, dtype=np.uint32)
    values = np.zeros(400_000, dtype=np.int64)
    values[::4] = np.arange(100_000) * 1_000_000_007
    assert not column("t", Given(ValueType.MONEY, everybody, values), 400_000).coded
    assert column("t", Given(ValueType.MONEY, everybody, values % 60_000 * 10**9), 400_000).coded
