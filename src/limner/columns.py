"""Columns: published tag values as memory-mapped arrays by person ordinal. Knows numpy and files; no engine.

`<root>/<epoch>/` holds one or more files per column and `manifest.json` with sizes and SHA-256 sums. An epoch
is written as `<epoch>.tmp`, flushed, then renamed: it is there whole or not at all, and never changes later.
A column is *coded* (`codes` of uint8/16/32, 0 = unknown, `labels[code - 1]` = value) or *plain* (`values` and
`known`). Labels of numbers, money and instants are sorted, so a range of values is a range of codes. Labels of
texts are numbered by the caller, who only ever appends.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from limner.errors import DamagedError, NotFoundError
from limner.types import ValueType, naive, utc

MOST_LABELS = 65_535
"""A number, money or instant column with more distinct values is kept plain."""

KEPT_EPOCHS = 2
FLAGS = (False, True)
_ALIVE = "_alive"
EPOCH_START = datetime(1970, 1, 1)  # noqa: DTZ001 - instants are kept as naive UTC microseconds

Array = npt.NDArray[Any]
Item = TypeVar("Item")
Made = TypeVar("Made")

_ARROW: dict[ValueType, pa.DataType] = {
    ValueType.FLAG: pa.bool_(),
    ValueType.TEXT: pa.string(),
    ValueType.NUMBER: pa.float64(),
    ValueType.MONEY: pa.int64(),
    ValueType.INSTANT: pa.timestamp("us", "UTC"),
}


@dataclass(frozen=True, eq=False)
class Column:
    """One tag's value of everybody, by ordinal; `n` long.

    `values`: float64 (number) or int64 (money in 1/10,000, instants in microseconds since 1970 UTC).
    `expires_at`: from this instant on nobody has a value; None = never.
    """

    key: str
    type: ValueType
    codes: Array | None
    labels: Sequence[Any] | Array | None
    values: Array | None = None
    mask: Array | None = None
    as_of: datetime | None = None
    expires_at: datetime | None = None

    @property
    def n(self) -> int:
        """How many ordinals the column covers."""
        array = self.codes if self.codes is not None else self.values
        return 0 if array is None else len(array)

    @property
    def coded(self) -> bool:
        """Whether the column holds codes (else plain values)."""
        return self.codes is not None

    @property
    def known(self) -> Array:
        """Who has a value."""
        if self.codes is not None:
            return np.asarray(self.codes != 0)
        return _held(self.mask)

    def known_of(self, ordinals: Array) -> Array:
        """Which of some people have a value."""
        return np.asarray(self.codes[ordinals] != 0) if self.codes is not None else _held(self.mask)[ordinals]

    def label_at(self, ix: int) -> Any:
        """The person's value (bool, str, float, int of 1/10,000, datetime UTC); None = unknown."""
        codes = self.codes
        if codes is None:
            known, values = _held(self.mask), _held(self.values)
            return self.python(values.item(ix)) if 0 <= ix < len(known) and known.item(ix) else None
        code = codes.item(ix) if 0 <= ix < len(codes) else 0
        if not code:
            return None
        labels = self._labels
        if not isinstance(labels, np.ndarray):
            return labels[code - 1]
        label = labels.item(code - 1)
        return self.python(label) if self.type is ValueType.INSTANT else label

    @property
    def _labels(self) -> Sequence[Any] | Array:
        return () if self.labels is None else self.labels

    def python(self, value: Any) -> Any:
        """A stored value or label as Python knows it."""
        if self.type is ValueType.INSTANT:
            return utc(EPOCH_START + timedelta(microseconds=int(value)))
        if self.type is ValueType.MONEY:
            return int(value)
        if self.type is ValueType.NUMBER:
            return float(value)
        return value

    def take(self, ordinals: Array) -> list[Any]:
        """The values of some people, in their order; None = unknown."""
        if self.codes is not None:
            table = [None, *(self.python(label) for label in self._labels)]
            return [table[code] for code in self.codes[ordinals].tolist()]
        pairs = zip(_held(self.values)[ordinals].tolist(), _held(self.mask)[ordinals].tolist(), strict=True)
        return [self.python(value) if known else None for value, known in pairs]

    def arrow(self, ordinals: Array) -> pa.Array:
        """The values of some people: bool, string, float64, int64 (1/10,000) or timestamp[us, UTC]."""
        if self.codes is not None:
            codes = self.codes[ordinals].astype(np.int32)
            labels = (
                self.labels if self.type in (ValueType.NUMBER, ValueType.MONEY, ValueType.INSTANT) else None
            )
            values = pa.array(list(self.labels or ()) if labels is None else labels, _ARROW[self.type])
            return values.take(pa.array(codes - 1, mask=codes == 0))
        values, known = _held(self.values)[ordinals], _held(self.mask)[ordinals]
        return pa.array(values, mask=~known).cast(_ARROW[self.type])

    def counts(self, who: Array | None = None) -> Array:
        """How many people have each code: int64[labels + 1], [0] = unknown. Coded columns only.

        `who`: ordinals or a mask; None = everybody, alive or not.
        """
        codes = _held(self.codes) if who is None else _held(self.codes)[who]
        return np.bincount(codes, minlength=len(self._labels) + 1)

    def known_values(self, who: Array | None = None) -> Array:
        """The known values (plain) or their labels (coded numbers) of some people, unordered."""
        if self.codes is not None:
            codes = self.codes if who is None else self.codes[who]
            return np.asarray(np.asarray(self.labels)[codes[codes != 0].astype(np.int64) - 1])
        values, known = _held(self.values), _held(self.mask)
        return np.asarray(values[known] if who is None else values[who][known[who]])

    def padded(self, n: int) -> Column:
        """The same column for n ordinals: later ones are unknown, ordinals from n on are cut off."""

        def fit(array: Array | None) -> Array | None:
            if array is None or len(array) == n:
                return array
            if len(array) > n:
                return array[:n]
            return np.concatenate([array, np.zeros(n - len(array), dtype=array.dtype)])

        return self.having(codes=fit(self.codes), values=fit(self.values), mask=fit(self.mask))

    def unknown(self) -> Column:
        """The same column when nobody has a value."""
        if self.codes is not None:
            return self.having(codes=np.broadcast_to(self.codes.dtype.type(0), (self.n,)))
        return self.having(mask=np.broadcast_to(np.False_, (self.n,)))

    def having(self, **changes: Any) -> Column:
        """The same column with other arrays."""
        return Column(**{**self.__dict__, **changes})


def _held(array: Array | None) -> Array:
    """The array. Raises TypeError when the column is of the other form."""
    if array is None:
        raise TypeError("a coded column has no plain values, a plain one no codes")
    return array


@dataclass(frozen=True, eq=False)
class Given:
    """What is published as one column: `ix` (no duplicates) and as many `values`.

    numbers float64 or integers; money int64; instants int64 microseconds; flags bool; texts: codes (1-based
    positions in `labels`).
    """

    type: ValueType
    ix: Array
    values: Array
    labels: Sequence[str] = ()
    as_of: datetime | None = None
    expires_at: datetime | None = None


def column(key: str, given: Given, n: int) -> Column:
    """The column in memory, coded when it has at most MOST_LABELS distinct values."""
    times: dict[str, Any] = {"as_of": given.as_of, "expires_at": given.expires_at}
    if given.type is ValueType.FLAG:
        codes = np.zeros(n, dtype=np.uint8)
        codes[given.ix] = given.values.astype(np.uint8) + np.uint8(1)
        return Column(key, given.type, codes, FLAGS, **times)
    if given.type is ValueType.TEXT:
        codes = np.zeros(n, dtype=_code_type(len(given.labels)))
        codes[given.ix] = given.values
        return Column(key, given.type, codes, given.labels, **times)
    ix, values = given.ix, given.values
    if given.type is ValueType.NUMBER and values.dtype.kind == "f":
        finite = np.isfinite(values)
        if not finite.all():
            ix, values = ix[finite], values[finite]
        values = values + 0.0  # -0.0 becomes 0.0: one value, one label
    stored = np.float64 if given.type is ValueType.NUMBER else np.int64
    found = _dictionary(values)
    if found is not None:
        labels, positions = found
        codes = np.zeros(n, dtype=_code_type(len(labels)))
        codes[ix] = positions
        return Column(key, given.type, codes, labels.astype(stored), **times)
    plain = np.zeros(n, dtype=stored)
    plain[ix] = values
    mask = np.zeros(n, dtype=np.bool_)
    mask[ix] = True
    return Column(key, given.type, None, None, plain, mask, **times)


def patched(held: Column, given: Given, who: Array, n: int) -> Column:
    """The column for n ordinals in which the people `who` have the given values, and no value where none is given.

    Labels that nobody has any more stay; a coded column becomes plain when its labels are too many.
    """
    base = held.padded(n)
    if held.type in (ValueType.FLAG, ValueType.TEXT):
        labels = FLAGS if held.type is ValueType.FLAG else given.labels
        codes = _copied(base.codes, _code_type(len(labels)))
        codes[who] = 0
        codes[given.ix] = given.values.astype(codes.dtype) + codes.dtype.type(held.type is ValueType.FLAG)
        return base.having(codes=codes, labels=labels)
    stored = np.float64 if held.type is ValueType.NUMBER else np.int64
    ix, values = given.ix, np.asarray(given.values.astype(stored))
    if held.type is ValueType.NUMBER:
        finite = np.isfinite(values)
        ix, values = ix[finite], np.asarray(values[finite] + 0.0)
    if base.codes is not None:
        old = np.asarray(base.labels, dtype=stored)
        place = _places(old, values)
        fresh = np.unique(values[old[np.minimum(place, len(old) - 1)] != values] if len(old) else values)
        labels_now = np.sort(np.concatenate([old, fresh])) if len(fresh) else old
        if len(labels_now) <= MOST_LABELS:
            kind = _code_type(len(labels_now))
            if len(fresh) and len(old) and fresh[0] < old[-1]:
                moved = np.zeros(len(old) + 1, dtype=kind)
                moved[1:] = np.searchsorted(labels_now, old) + 1
                codes = moved[base.codes]
            else:
                codes = _copied(base.codes, kind)
            codes[who] = 0
            codes[ix] = (_places(labels_now, values) if len(fresh) else place) + 1
            return base.having(codes=codes, labels=labels_now)
        known = base.known
        plain = np.zeros(n, dtype=stored)
        plain[known] = old[base.codes[known].astype(np.int64) - 1]
        base = base.having(codes=None, labels=None, values=plain, mask=known)
    held_values, mask = _copied(base.values, stored), _copied(base.mask, np.bool_)
    held_values[who] = 0
    mask[who] = False
    held_values[ix] = values
    mask[ix] = True
    return base.having(values=held_values, mask=mask)


def _places(labels: Array, values: Array) -> Array:
    """Where each value stands among the sorted labels, or would stand."""
    if not len(labels) or not len(values):
        return np.zeros(len(values), dtype=np.int64)
    low, high = int(labels[0]), int(np.ceil(labels[-1]))
    if high - low < MOST_LABELS:
        with np.errstate(invalid="ignore"):
            whole = values.astype(np.int64)
        if whole.min() >= low and (whole == values).all():
            table = np.searchsorted(labels, np.arange(low, high + 2))
            return np.asarray(table[np.minimum(whole, high + 1) - low])
    return np.searchsorted(labels, values)


def settled(held: Column) -> Column:
    """The column as `column` makes it of the same values: no label that nobody has, plain only where they are many.

    Labels of texts stay.
    """
    if held.type in (ValueType.FLAG, ValueType.TEXT):
        return held
    if held.codes is None:
        values, known = _held(held.values), _held(held.mask)
        found = _dictionary(values[known])
        if found is None:
            return held
        labels, positions = found
        codes = np.zeros(held.n, dtype=_code_type(len(labels)))
        codes[known] = positions
        return held.having(codes=codes, labels=labels.astype(values.dtype), values=None, mask=None)
    present = np.bincount(held.codes, minlength=len(held._labels) + 1)[1:] > 0
    if present.all() and held.codes.dtype == _code_type(len(present)):
        return held
    kind = _code_type(int(present.sum()))
    moved = np.zeros(len(present) + 1, dtype=kind)
    moved[1:] = np.cumsum(present)
    return held.having(codes=moved[held.codes], labels=np.asarray(held.labels)[present])


def _copied(array: Array | None, kind: Any) -> Array:
    """A copy that may be written to, of at least the given integer width."""
    held = _held(array)
    return np.array(held, dtype=np.promote_types(held.dtype, kind))


def _dictionary(values: Array) -> tuple[Array, Array] | None:
    """The sorted distinct values and each value's code (from 1); None when there are too many."""
    if not len(values):
        return values, np.zeros(0, dtype=np.uint8)
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = values.astype(np.int64)
        if (whole == values).all():
            values = whole
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        if high - low < 4 * MOST_LABELS:
            present = np.zeros(high - low + 1, dtype=np.bool_)
            offsets = values - values.dtype.type(low)
            present[offsets] = True
            labels = np.flatnonzero(present) + low
            if len(labels) > MOST_LABELS:
                return None
            code = np.cumsum(present, dtype=np.int64).astype(_code_type(len(labels)))
            return labels, code[offsets]
    if len(values) > MOST_LABELS and _surely_many(values):
        return None
    encoded = pa.array(values).dictionary_encode()
    if len(encoded.dictionary) > MOST_LABELS:
        return None
    unsorted = encoded.dictionary.to_numpy()
    order = np.argsort(unsorted, kind="stable")
    rank = np.empty(len(order), dtype=_code_type(len(order)))
    rank[order] = np.arange(1, len(order) + 1)
    return unsorted[order], rank[encoded.indices.to_numpy()]


def _surely_many(values: Array) -> bool:
    """Whether a part of them rules out that there are at most MOST_LABELS distinct values; False = perhaps not.

    8,192 draws from at most 65,535 values repeat at least 490 times on average, whatever their shares (fewest
    when all are alike), with a standard deviation of 22: 256 or fewer never happens.
    """
    drawn = np.sort(values[np.random.default_rng(0).integers(0, len(values), 8_192)])
    if int((drawn[1:] == drawn[:-1]).sum()) <= 256:
        return True
    some = np.sort(values[: 4 * MOST_LABELS])  # one value that many have, such as 0, deceives a sample
    return int((some[1:] != some[:-1]).sum()) >= MOST_LABELS


def _code_type(labels: int) -> Any:
    return np.uint8 if labels <= 0xFF else np.uint16 if labels <= 0xFFFF else np.uint32


Reader = tuple[Callable[[int], int], list[Any] | None, Column, datetime | None]
"""How one person's value is read: the code of an ordinal, the value of a code (None: ask the column), until when."""

MOST_IN_TABLE = 1_024


def _reader(found: Column) -> Reader:
    expires = None if found.expires_at is None else naive(found.expires_at)
    labels = found._labels
    if found.codes is None or len(labels) > MOST_IN_TABLE:
        return int, None, found, expires
    return found.codes.item, [None, *(found.python(label) for label in labels)], found, expires


@dataclass(frozen=True, eq=False)
class Columns:
    """One epoch's columns. `alive`: who exists (neither merged into another person nor erased).

    `run`: what made them; an epoch that was written and never counted has the number of another one, and another run.
    """

    epoch: int
    n: int
    as_of: datetime
    alive: Array
    folder: Path | None
    _entries: Mapping[str, Mapping[str, Any]]
    _open: dict[str, Column] = field(default_factory=dict)
    _now: datetime | None = None
    _counts: dict[str, Array] = field(default_factory=dict)
    run: str = ""
    _readers: dict[str, Reader] = field(default_factory=dict)

    @classmethod
    def publish(
        cls,
        root: Path,
        epoch: int,
        *,
        n: int,
        as_of: datetime,
        alive: Array,
        columns: Mapping[str, Column],
        run: str = "",
    ) -> Columns:
        """Writes the epoch to `<root>/<epoch>`, flushed to disk; of the others only the one before it is kept.

        A folder of the same epoch (left by a run that did not commit) is replaced. A column of an older
        epoch (memory-mapped) may be passed on as it is.
        """
        if alive.dtype != np.bool_ or len(alive) != n:
            raise ValueError("alive is a mask of n ordinals")
        temporary, final = root / f"{epoch}.tmp", root / str(epoch)
        for folder in (temporary, final):
            if folder.exists():
                shutil.rmtree(folder)
        temporary.mkdir(parents=True)
        written = at_once(lambda item: _write(temporary, item[0], item[1].padded(n)), list(columns.items()))
        entries = dict(zip(columns, written, strict=True))
        manifest = {
            "version": 1,
            "epoch": epoch,
            "run": run,
            "n": n,
            "as_of": _text(as_of),
            "alive": _save(temporary / f"{_ALIVE}.npy", alive),
            "columns": entries,
        }
        body = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True)
        _flushed(temporary / "manifest.json", body.encode())
        _flush_folder(temporary)
        temporary.rename(final)
        _flush_folder(root)
        earlier = [old for old in epochs(root) if old < epoch]
        for other in set(epochs(root)) - {epoch, *earlier[1 - KEPT_EPOCHS :]}:
            shutil.rmtree(root / str(other), ignore_errors=True)
        return cls.open(root, epoch)

    @classmethod
    def open(cls, root: Path, epoch: int, *, verify: bool = False) -> Columns:
        """The epoch, memory-mapped. File sizes are always compared with the manifest, sums with `verify`.

        Raises NotFoundError when the epoch is not there, DamagedError when a file is not as it was written.
        """
        folder = root / str(epoch)
        try:
            manifest = json.loads((folder / "manifest.json").read_bytes())
        except FileNotFoundError:
            raise NotFoundError(f"there are no columns of epoch {epoch}", where=str(folder)) from None
        except ValueError as error:
            raise _damaged(folder / "manifest.json") from error
        files = [
            manifest["alive"],
            *(f for entry in manifest["columns"].values() for f in entry["files"].values()),
        ]
        for file in files:
            _check(folder / file["name"], file, verify)
        alive = _load(folder / manifest["alive"]["name"])
        as_of = utc(datetime.fromisoformat(manifest["as_of"]))
        return cls(
            int(manifest["epoch"]),
            int(manifest["n"]),
            as_of,
            alive,
            folder,
            manifest["columns"],
            run=manifest["run"],
        )

    @classmethod
    def memory(
        cls,
        *,
        n: int,
        as_of: datetime,
        alive: Array,
        columns: Mapping[str, Column],
        epoch: int = 0,
        run: str = "",
    ) -> Columns:
        """Columns that are on no disk."""
        held = {key: given.padded(n) for key, given in columns.items()}
        return cls(epoch, n, as_of, alive, None, {}, held, run=run)

    def keys(self) -> tuple[str, ...]:
        """The keys of all columns, sorted."""
        return tuple(sorted({*self._entries, *self._open}))

    def __contains__(self, key: str) -> bool:
        return key in self._entries or key in self._open

    def __getitem__(self, key: str) -> Column:
        """The column. Raises NotFoundError when the tag is not published."""
        found = self.column(key)
        if found is None:
            raise NotFoundError(
                f"the tag '{key}' has no published values", hint=f"compute it: limner tag run {key}"
            )
        return found

    @cached_property
    def dead(self) -> Array:
        """Ordinals of people who were merged into others or erased, ascending."""
        return np.flatnonzero(~self.alive)

    def living_counts(self, key: str) -> Array:
        """`counts` of everybody alive of a coded column; computed once."""
        who = self.alive if len(self.dead) else None
        found = self[key]
        if found is not self._open.get(key):
            return found.counts(who)  # expired: not what others are to see
        if key not in self._counts:
            self._counts[key] = found.counts(who)
        return self._counts[key]

    def column(self, key: str) -> Column | None:
        """The column, in which nobody has a value once it has expired; None = not published."""
        found = self._stored(key)
        if (
            found is not None
            and self._now is not None
            and found.expires_at is not None
            and naive(found.expires_at) <= naive(self._now)
        ):
            return found.unknown()
        return found

    def _stored(self, key: str) -> Column | None:
        """The column as it was published, whatever has expired since."""
        found = self._open.get(key)
        if found is None:
            entry = self._entries.get(key)
            if entry is None or self.folder is None:
                return None
            found = self._open[key] = _read(self.folder, key, entry).padded(self.n)
        return found

    def of_person(self, ix: int) -> dict[str, Any]:
        """The person's values by key, in the order of the keys; nothing of columns in which it has none or no more."""
        if not 0 <= ix < self.n:
            return {}
        if not self._readers:
            stored = ((key, self._stored(key)) for key in self.keys())
            self._readers.update((key, _reader(column)) for key, column in stored if column is not None)
        now = None if self._now is None else naive(self._now)
        found = {}
        for key, (code, table, column, expires) in self._readers.items():
            value = column.label_at(ix) if table is None else table[code(ix)]
            if value is not None and (now is None or expires is None or expires > now):
                found[key] = value
        return found

    def at(self, now: datetime, *, alive: Array | None = None) -> Columns:
        """The same columns as they read at `now`: expired values are gone.

        `alive` (who exists now) may be longer than n: newcomers have no values yet.
        """
        if alive is None or len(alive) == self.n:
            opened, n = self._open, self.n
        else:
            n = len(alive)
            opened = {key: held.padded(n) for key, held in self._open.items()}
        same = alive is None or np.array_equal(alive, self.alive)
        who = self.alive if alive is None or same else alive
        counts = self._counts if same else {}
        readers = self._readers if n == self.n else {}
        return Columns(
            self.epoch,
            n,
            self.as_of,
            who,
            self.folder,
            self._entries,
            opened,
            now,
            counts,
            self.run,
            readers,
        )


def sweep(root: Path, *, current: int | None) -> int:
    """Removes what was half written, and epochs that never counted; the answer is how many folders went.

    `current`: the epoch that counts; None when none does.
    """
    if not root.is_dir():
        return 0
    gone = [item for item in root.iterdir() if item.suffix == ".tmp"]
    gone += [root / str(epoch) for epoch in epochs(root) if current is None or epoch > current]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    return len(gone)


def at_once(work: Callable[[Item], Made], items: Sequence[Item]) -> list[Made]:
    """The work done for each item, on as many processors as there are, in the order of the items.

    It is for arrays and files: what holds Python's lock gains nothing.
    """
    workers = min(len(items), os.cpu_count() or 1)
    if workers < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, items))


def epochs(root: Path) -> list[int]:
    """The epochs that are written whole below `root`, ascending."""
    if not root.is_dir():
        return []
    return sorted(int(item.name) for item in root.iterdir() if item.is_dir() and item.name.isdecimal())


def _write(folder: Path, key: str, given: Column) -> dict[str, Any]:
    files: dict[str, Any] = {}
    if given.codes is not None:
        files["codes"] = _save(folder / f"{key}.codes.npy", given.codes)
        if given.type is ValueType.TEXT:
            body = json.dumps(list(given.labels or ()), ensure_ascii=False).encode()
            files["labels"] = _flushed(folder / f"{key}.labels.json", body)
        elif given.type is not ValueType.FLAG:
            files["labels"] = _save(folder / f"{key}.labels.npy", np.asarray(given.labels))
    else:
        files["values"] = _save(folder / f"{key}.values.npy", np.asarray(given.values))
        files["known"] = _save(folder / f"{key}.known.npy", np.asarray(given.mask))
    times = {name: _text(value) for name, value in (("as_of", given.as_of), ("expires_at", given.expires_at))}
    return {"type": str(given.type), "files": files, **times}


def _read(folder: Path, key: str, entry: Mapping[str, Any]) -> Column:
    files = {what: folder / file["name"] for what, file in entry["files"].items()}
    times: dict[str, Any] = {
        name: utc(datetime.fromisoformat(entry[name])) if entry.get(name) else None
        for name in ("as_of", "expires_at")
    }
    kind = ValueType(entry["type"])
    if "codes" not in files:
        return Column(key, kind, None, None, _load(files["values"]), _load(files["known"]), **times)
    labels: Any = FLAGS
    if kind is ValueType.TEXT:
        labels = tuple(json.loads(files["labels"].read_bytes()))
    elif kind is not ValueType.FLAG:
        labels = np.load(files["labels"], allow_pickle=False)
    return Column(key, kind, _load(files["codes"]), labels, **times)


def _save(path: Path, array: Array) -> dict[str, Any]:
    header = np.lib.format.header_data_from_array_1_0(array)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        body = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data if array.size else b""
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    with path.open("rb") as file:
        head = file.read(start)
    digest = hashlib.sha256(head)
    digest.update(body)
    return {"name": path.name, "bytes": start + array.nbytes, "sha256": digest.hexdigest()}


def _load(path: Path) -> Array:
    try:
        if path.stat().st_size and np.load(path, mmap_mode="r", allow_pickle=False).size:
            return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise _damaged(path) from error


def _flushed(path: Path, body: bytes) -> dict[str, Any]:
    with path.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    return {"name": path.name, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def _check(path: Path, file: Mapping[str, Any], verify: bool) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _damaged(path) from error
    if size != file["bytes"]:
        raise _damaged(path)
    if verify:
        with path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != file["sha256"]:
                raise _damaged(path)


def _damaged(path: Path) -> DamagedError:
    return DamagedError(
        "a column's file is not as it was written",
        where=str(path),
        hint="make the columns again: limner rebuild",
    )


def _text(value: datetime | None) -> str | None:
    return None if value is None else utc(value).isoformat()


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
