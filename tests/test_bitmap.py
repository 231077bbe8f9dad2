"""A bitmap is a set of ordinals, and its file says when it was damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.bitmap import Bitmap
from limner.errors import DamagedError, NotFoundError

ordinals = st.sets(st.integers(0, 200_000))


@given(ordinals, ordinals)
def test_bitmap_algebra_is_set_algebra(a: set[int], b: set[int]) -> None:
    left, right = Bitmap(a), Bitmap(b)
    assert set(left & right) == a & b
    assert set(left | right) == a | b
    assert set(left - right) == a - b
    assert set(left ^ right) == a ^ b
    assert len(left) == len(a)
    assert list(left) == sorted(a)


def test_numpy_and_back_keeps_the_set() -> None:
    given = np.array([70_000, 3, 3, 9], dtype=np.int64)
    bitmap = Bitmap.of(given)
    assert bitmap.numpy().tolist() == [3, 9, 70_000]
    assert 9 in bitmap
    assert 10 not in bitmap
    assert np.flatnonzero(bitmap.mask(10)).tolist() == [3, 9]
    assert Bitmap.of_mask(bitmap.mask(100_000)) == bitmap


def test_an_ordinal_outside_uint32_is_refused() -> None:
    with pytest.raises(ValueError, match="uint32"):
        Bitmap.of(np.array([-1]))


def test_a_saved_bitmap_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "snapshots" / "a.roaring"
    Bitmap(range(0, 100_000, 3)).save(path)
    assert Bitmap.load(path) == Bitmap(range(0, 100_000, 3))
    assert [item.name for item in path.parent.iterdir()] == ["a.roaring"]


@pytest.mark.parametrize("position", [0, 12, 45, -1])
def test_one_flipped_byte_is_reported_as_damage(tmp_path: Path, position: int) -> None:
    path = tmp_path / "a.roaring"
    Bitmap([1, 5, 9]).save(path)
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedError):
        Bitmap.load(path)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        Bitmap.load(tmp_path / "none.roaring")
