"""Bitmap: a set of person ordinals, and its checksummed file. The only importer of pyroaring.

A file is 8 bytes of magic, the SHA-256 of the body, then the body in the portable Roaring format.
"""

from __future__ import annotations

import array
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap

from limner.errors import DamagedError, NotFoundError

_MAGIC = b"LIMNERB1"
_HEADER = len(_MAGIC) + 32


class Bitmap:
    """An immutable set of uint32 ordinals. `&`, `|`, `-` and `^` give new sets; iteration is ascending."""

    __slots__ = ("_bits",)

    def __init__(self, ordinals: Iterable[int] = ()) -> None:
        self._bits: BitMap = BitMap(ordinals)

    @classmethod
    def _of(cls, bits: BitMap) -> Bitmap:
        made = cls.__new__(cls)
        made._bits = bits
        return made

    @classmethod
    def of(cls, ordinals: npt.NDArray[np.integer]) -> Bitmap:
        """The set of the array's ordinals, in any order. Raises ValueError for one outside uint32."""
        given = np.asarray(ordinals)
        if given.size and (int(given.min()) < 0 or int(given.max()) > 0xFFFF_FFFF):
            raise ValueError("an ordinal is outside uint32")
        return cls._of(BitMap(array.array("I", given.astype(np.uint32, copy=False).tobytes())))

    @classmethod
    def of_mask(cls, mask: npt.NDArray[np.bool_]) -> Bitmap:
        """The positions at which the mask is true."""
        return cls.of(np.flatnonzero(mask))

    def numpy(self) -> npt.NDArray[np.uint32]:
        """The ordinals, ascending."""
        return np.frombuffer(self._bits.to_array(), dtype=np.uint32)

    def mask(self, n: int) -> npt.NDArray[np.bool_]:
        """A mask of length n that is true at the ordinals below n."""
        result = np.zeros(n, dtype=np.bool_)
        ordinals = self.numpy()
        result[ordinals[: np.searchsorted(ordinals, n)]] = True
        return result

    @property
    def last(self) -> int:
        """The greatest ordinal. Raises ValueError when the set is empty."""
        return int(self._bits.max())

    def __and__(self, other: Bitmap) -> Bitmap:
        return Bitmap._of(self._bits & other._bits)

    def __or__(self, other: Bitmap) -> Bitmap:
        return Bitmap._of(self._bits | other._bits)

    def __sub__(self, other: Bitmap) -> Bitmap:
        return Bitmap._of(self._bits - other._bits)

    def __xor__(self, other: Bitmap) -> Bitmap:
        return Bitmap._of(self._bits ^ other._bits)

    def __len__(self) -> int:
        return len(self._bits)

    def __contains__(self, ordinal: int) -> bool:
        return ordinal in self._bits

    def __iter__(self) -> Iterator[int]:
        return iter(self._bits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bitmap) and bool(self._bits == other._bits)

    def __hash__(self) -> int:
        return hash(self._bits.serialize())

    def __repr__(self) -> str:
        return f"Bitmap({len(self)} ordinals)"

    def packed(self) -> bytes:
        """The set in few bytes, as `unpacked` reads it."""
        bits = self._bits.copy()
        bits.run_optimize()
        body: bytes = bits.serialize()
        return body

    @classmethod
    def unpacked(cls, body: bytes) -> Bitmap:
        """The set that `packed` wrote."""
        return cls._of(BitMap.deserialize(body))

    def save(self, path: Path) -> None:
        """Writes the file so that it is there whole or not at all, flushed to disk."""
        path.parent.mkdir(parents=True, exist_ok=True)
        body = self.packed()
        temporary = path.with_name(path.name + ".tmp")
        with temporary.open("wb") as file:
            file.write(_MAGIC + hashlib.sha256(body).digest() + body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _flush_folder(path.parent)

    @classmethod
    def load(cls, path: Path) -> Bitmap:
        """The set that the file holds. Raises NotFoundError, or DamagedError when a byte has changed."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise NotFoundError(f"there is no snapshot {path.name}", where=str(path)) from None
        body = content[_HEADER:]
        intact = (
            content[: len(_MAGIC)] == _MAGIC
            and content[len(_MAGIC) : _HEADER] == hashlib.sha256(body).digest()
        )
        if not intact:
            raise DamagedError(
                "the snapshot does not match its checksum", where=str(path), hint="take the snapshot again"
            )
        return cls.unpacked(body)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
