"""What a batch of events says about identifiers, as columns. Knows nothing of what was known before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from limner.identity.model import DEVICE, RESERVED, USER, all_normal, unusable
from limner.identity.stitch import FOREVER, NOBODY, Flags, Ints

ALIAS = "alias"
UNLINK = "unlink"
"""A call that undoes: `user` and `previous` shall be two people again, as far as claims until then go."""


@dataclass(frozen=True)
class Mentions:
    """The distinct identifiers of a batch (codes from 0) and where they stand.

    `kind`, `value`: per code. `user`, `device`, `key` (the first declared key), `previous_user`,
    `previous_device`, `unlink`, `ts`: per row, NOBODY when absent. `key_row`, `key_code`: every declared
    key, in row order, the first of a row first. `first`: per code its first mention as row x `width` + slot
    (FOREVER when only a refused alias names it). `blocked`: how often each placeholder was met.
    """

    kind: pa.Array
    value: pa.Array
    user: Ints
    device: Ints
    key: Ints
    previous_user: Ints
    previous_device: Ints
    unlink: Flags
    ts: Ints
    key_row: Ints
    key_code: Ints
    first: Ints
    width: int
    blocked: Counter[str]

    def __len__(self) -> int:
        return len(self.user)

    @property
    def strong(self) -> Ints:
        """Per row who acts: the user id, else the first declared key."""
        return np.where(self.user >= 0, self.user, self.key)

    @property
    def first_row(self) -> Ints:
        """Per code the row of its first mention."""
        return self.first // self.width


def mentions(batch: pa.Table, *, keys: Sequence[str]) -> Mentions:
    """The batch's identifiers: normal, without placeholders, numbered by kind in order of appearance.

    A device id that equals the user id is no device. The previous id of an alias may be a user id or a device
    id, as clients use both: it is taken as both.
    """
    n = batch.num_rows
    blocked: Counter[str] = Counter()
    previous, linking, unlink = _previous(batch)
    kinds: list[pa.Array] = []
    values: list[pa.Array] = []
    codes = 0

    def encode(kind: str, column: pa.Array) -> Ints:
        """Codes of the column's values; the distinct values join the batch's identifiers."""
        nonlocal codes
        encoded = column.dictionary_encode()
        distinct: pa.Array = encoded.dictionary
        bad = unusable(kind, distinct)
        index = pc.fill_null(encoded.indices, NOBODY).to_numpy(zero_copy_only=False).astype(np.int64)
        if bad.any():
            counts = np.bincount(index[index >= 0], minlength=len(distinct))
            for each in np.flatnonzero(bad):
                blocked[f"{kind}: {distinct[int(each)].as_py().strip().lower()[:40]}"] += int(counts[each])
        number = np.where(bad, NOBODY, np.cumsum(~bad) - 1 + codes)
        kept = distinct.filter(pa.array(~bad))
        kinds.append(pa.array([kind] * len(kept), type=pa.string()))
        values.append(kept)
        codes += len(kept)
        if not len(distinct):
            return np.full(len(column), NOBODY, dtype=np.int64)
        return np.where(index >= 0, number[np.maximum(index, 0)], NOBODY)

    user_text, device_text = _text(batch, "user"), _text(batch, "device")
    device_text = pc.if_else(pc.fill_null(pc.equal(user_text, device_text), False), None, device_text)
    previous = pc.if_else(pc.fill_null(pc.equal(user_text, previous), False), None, previous)
    users = encode(USER, pa.concat_arrays([user_text, previous]))
    user, previous_user = users[:n], users[n:]
    devices = encode(DEVICE, pa.concat_arrays([device_text, previous]))
    device, previous_device = devices[:n], devices[n:]
    linked = linking & (user >= 0)
    previous_user = np.where(linked, previous_user, NOBODY)
    previous_device = np.where(linked, previous_device, NOBODY)
    key_row, key_code = _keys(batch, keys=keys, encode=encode)

    key = np.full(n, NOBODY, dtype=np.int64)
    starts = np.append(True, key_row[1:] != key_row[:-1])[: len(key_row)]
    key[key_row[starts]] = key_code[starts]
    place = np.arange(len(key_row)) - np.maximum.accumulate(np.where(starts, np.arange(len(key_row)), 0))
    width = int(place.max(initial=0)) + 6
    first = np.full(codes, FOREVER, dtype=np.int64)
    row = np.arange(n, dtype=np.int64) * width
    np.minimum.at(first, key_code, key_row * width + 2 + place)
    slots = ((user, 0), (previous_user, 1), (device, width - 3), (previous_device, width - 2))
    for column, slot in slots:
        there = column >= 0
        np.minimum.at(first, column[there], row[there] + slot)
    return Mentions(
        kind=pa.concat_arrays(kinds) if kinds else pa.array([], pa.string()),
        value=pa.concat_arrays(values) if values else pa.array([], pa.string()),
        user=user,
        device=device,
        key=key,
        previous_user=previous_user,
        previous_device=previous_device,
        unlink=unlink,
        ts=microseconds(batch.column("ts")),
        key_row=key_row,
        key_code=key_code,
        first=first,
        width=width,
        blocked=blocked,
    )


def _keys(
    batch: pa.Table, *, keys: Sequence[str], encode: Callable[[str, pa.Array], Ints]
) -> tuple[Ints, Ints]:
    """Each declared key that a row carries: (row, code), by row, then by the declared order of kinds."""
    empty = np.zeros(0, dtype=np.int64)
    if "keys" not in batch.column_names or not keys:
        return empty, empty
    lists = batch.column("keys").combine_chunks()
    lists = lists.chunk(0) if isinstance(lists, pa.ChunkedArray) else lists
    inside = lists.flatten()
    parent = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    kind, value = inside.field("kind"), pc.cast(inside.field("value"), pa.string())
    rows: list[Ints] = []
    found: list[Ints] = []
    ranks: list[Ints] = []
    for rank, name in enumerate(dict.fromkeys(keys)):
        if name in RESERVED:
            continue
        mine = np.flatnonzero(pc.fill_null(pc.equal(kind, name), False).to_numpy(zero_copy_only=False))
        if not len(mine):
            continue
        code = encode(name, all_normal(name, value.take(pa.array(mine))))
        good = code >= 0
        rows.append(parent[mine[good]])
        found.append(code[good])
        ranks.append(np.full(int(good.sum()), rank, dtype=np.int64))
    if not rows:
        return empty, empty
    row, code, order = np.concatenate(rows), np.concatenate(found), np.concatenate(ranks)
    sequence = np.lexsort((order, row))
    return row[sequence], code[sequence]


def _previous(batch: pa.Table) -> tuple[pa.Array, Flags, Flags]:
    """The previous ids, the rows that link or unlink them, and which of these unlink."""
    call = _text(batch, "call")
    unlink: npt.NDArray[np.bool_] = _is(call, UNLINK)
    linking = unlink | _is(call, ALIAS)
    return pc.if_else(pa.array(linking), _text(batch, "previous"), None), linking, unlink


def _is(column: pa.Array, word: str) -> Flags:
    found: Flags = pc.fill_null(pc.equal(column, word), False).to_numpy(zero_copy_only=False)
    return found


def _text(batch: pa.Table, name: str) -> pa.Array:
    """The column as one array of strings; absent columns are all null."""
    if name not in batch.column_names:
        return pa.nulls(batch.num_rows, pa.string())
    column = batch.column(name).cast(pa.string()).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks else pa.nulls(0, pa.string())
    return column


def microseconds(column: pa.ChunkedArray) -> Ints:
    """The instants as microseconds since 1970 (UTC)."""
    counted: Ints = column.cast(pa.timestamp("us", tz=column.type.tz)).cast(pa.int64()).to_numpy()
    return counted
