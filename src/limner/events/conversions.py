"""Columns of a file as typed values, whole columns at a time. Nothing is rounded and nothing is guessed.

Every conversion answers the values (null where missing or bad) and which rows are bad and why. Empty text is
a missing value. Knows no mapping and no event.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from limner.types import MONEY_SCALE, ValueType

Mask = npt.NDArray[np.bool_]

FACTOR = pa.decimal128(18, 4)
"""How a factor of an exact product is kept: 14 digits before the point, 4 after."""

_MONEY = r"^[+-]?[0-9]{1,13}(\.[0-9]{1,4}0*)?$"
_PLACES = Decimal("0.0001")
_NOISE = Decimal("1e-9")
_DAMAGED = r"^\s*[0-9]([.,][0-9]+)?[eE]\+[0-9]+\s*$"
_DIGITS = r"^\s*[+-]?[0-9]{16,}"
_OFFSET = r"[T ][0-9:.,]+ ?([Zz]|[+-][0-9]{2}:?[0-9]{2})$"
_NO_TIME = np.iinfo(np.int64).min
_FIRST = int(datetime(1800, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_LAST = int(datetime(2300, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
_FLAGS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "是", "on"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "否", "off"), False),
}
_DIRECTIVES = {
    "Y": "(?P<Y>[0-9]{4})", "y": "(?P<y>[0-9]{2})", "m": "(?P<m>[0-9]{1,2})", "d": "(?P<d>[0-9]{1,2})",
    "H": "(?P<H>[0-9]{1,2})", "M": "(?P<M>[0-9]{1,2})", "S": "(?P<S>[0-9]{1,2})",
    "f": "(?P<f>[0-9]{1,6})", "%": "%",
}  # fmt: skip
_SAME_AS_ISO = {"%Y-%m-%d %H:%M:%S": 19, "%Y-%m-%dT%H:%M:%S": 19, "%Y-%m-%d %H:%M": 16, "%Y-%m-%d": 10}


@dataclass(frozen=True)
class Bad:
    """Rows whose value does not fit, a stable code, and what to say after the column's name."""

    rows: npt.NDArray[np.int64]
    code: str
    says: str


@dataclass(frozen=True)
class Converted:
    """The values, null where missing or bad, the bad rows, and of how many rows binary noise was dropped."""

    values: pa.Array
    bad: tuple[Bad, ...] = ()
    noisy: int = 0


def texts(column: pa.Array) -> pa.Array:
    """The values as text, empty ones null. A whole number kept as a fraction (17850.0) loses its point."""
    kind = column.type
    if pa.types.is_floating(kind):
        whole = pc.and_kleene(
            pc.equal(column, pc.trunc(column)), pc.less(pc.abs(column), pa.scalar(1e15))
        ).fill_null(False)
        if pc.all(pc.or_(whole, column.is_null())).as_py():
            column = column.cast(pa.int64())
        elif pc.any(whole).as_py():
            small = pc.if_else(whole, column, pa.scalar(0.0)).cast(pa.int64()).cast(pa.string())
            return pc.if_else(whole, small, column.cast(pa.string()))
    if pa.types.is_timestamp(kind):
        return pc.strftime(column, format="%Y-%m-%dT%H:%M:%S" + ("Z" if kind.tz else ""))
    if not pa.types.is_string(kind):
        return column.cast(pa.string())
    empty = pc.equal(column, "")
    if pc.any(empty).as_py():
        return pc.if_else(empty, pa.scalar(None, pa.string()), column)
    return column


def without(column: pa.Array, characters: str) -> pa.Array:
    """The column's texts without these characters; columns of another type as they are."""
    if not characters or not pa.types.is_string(column.type):
        return column
    return pc.replace_substring_regex(column, "[" + re.sub(r"([\]\[\\^-])", r"\\\1", characters) + "]", "")


def identifiers(column: pa.Array, *, length: int) -> Converted:
    """The values as identifiers: text without surrounding space, at most `length` bytes."""
    values = texts(pc.utf8_trim_whitespace(texts(column)))
    bad = [*damaged(values)]
    long = np.asarray(pc.fill_null(pc.binary_length(values), 0)) > length
    if long.any():
        bad.append(Bad(np.flatnonzero(long), "identifier_too_long", f"is longer than {length} bytes"))
    return Converted(values, tuple(bad))


def damaged(values: pa.Array) -> tuple[Bad, ...]:
    """The rows whose digits a spreadsheet has lost: 1.38E+10 instead of a phone or an id."""
    mask = _true(pc.match_substring_regex(values, _DAMAGED))
    if not mask.any():
        return ()
    return (Bad(np.flatnonzero(mask), "damaged_by_spreadsheet", "looks damaged by a spreadsheet"),)


def money(column: pa.Array) -> Converted:
    """Amounts as int64 of 1/10,000; more than 4 decimals, or no number, is bad.

    Of binary fractions (Parquet, JSON) less than a billionth is noise: 0.30000000000000004 is 0.3.
    """
    found = _decimals(column)
    return replace(found, values=_units(found.values))


def product(
    factors: list[pa.Array | float], *, kind: ValueType, names: list[str]
) -> tuple[Converted, list[tuple[str, Converted]]]:
    """(the exact product as money or number, each column's own conversion for its bad rows)."""
    parts: list[Any] = []
    own: list[tuple[str, Converted]] = []
    for factor, name in zip(factors, names, strict=True):
        if isinstance(factor, float):
            parts.append(pa.scalar(Decimal(repr(factor)), FACTOR))
        else:
            found = _decimals(factor)
            parts.append(found.values)
            own.append((name, found))
    exact = pc.multiply(parts[0], parts[1])  # 37 digits: never too long
    wide = pa.decimal128(exact.type.precision, 4)
    if kind is ValueType.NUMBER:
        return Converted(exact.cast(pa.float64())), own
    try:
        rounded = exact.cast(wide)
        lost = np.zeros(len(exact), dtype=bool)
    except pa.ArrowInvalid:
        rounded = exact.cast(wide, safe=False)
        lost = _true(pc.not_equal(rounded.cast(exact.type), exact))
    large = _true(pc.greater(pc.abs(rounded), pa.scalar(Decimal(9 * 10**14), wide)))
    said: list[Bad] = []
    if lost.any():
        said.append(Bad(np.flatnonzero(lost), "too_precise", "has more than 4 decimals"))
    if large.any():
        said.append(Bad(np.flatnonzero(large & ~lost), "bad_money", "is too large"))
    return Converted(_units(_without(rounded, lost | large)), tuple(said)), own


def _decimals(column: pa.Array) -> Converted:
    """Decimals with 4 places."""
    if pa.types.is_boolean(column.type):
        return Converted(*_all_bad(column, FACTOR, "bad_money", "is no amount of money"))
    values = texts(column)
    try:
        return Converted(values.cast(FACTOR))
    except pa.ArrowInvalid:
        pass
    plain = pc.match_substring_regex(values, _MONEY)
    odd = pc.if_else(plain, pa.scalar(None, pa.string()), values)
    binary = pa.types.is_floating(column.type)
    found, bad = _one_by_one(odd, FACTOR, _binary if binary else _decimal)
    fine = pc.if_else(plain, values, pa.scalar(None, pa.string())).cast(FACTOR)
    noisy = int(pc.sum(found.is_valid()).as_py() or 0) if binary else 0
    return Converted(pc.coalesce(fine, found), bad, noisy)


def _decimal(text: str) -> Decimal | tuple[str, str]:
    try:
        value = Decimal(text.strip()) if len(text) <= 100 and "_" not in text else Decimal("nan")
    except InvalidOperation:
        return "bad_money", "is no amount of money"
    if not value.is_finite():
        return "bad_money", "is no amount of money"
    if abs(value) >= 10**14:
        return "bad_money", "is too large"
    nearest = value.quantize(_PLACES)
    return nearest if nearest == value else ("too_precise", "has more than 4 decimals")


def _binary(text: str) -> Decimal | tuple[str, str]:
    found = _decimal(text)
    if isinstance(found, tuple) and found[0] == "too_precise":
        nearest = Decimal(text).quantize(_PLACES)
        if abs(nearest - Decimal(text)) < _NOISE:
            return nearest
    return found


def _units(values: pa.Array) -> pa.Array:
    """Decimals with 4 places as int64 of 1/10,000, by their bytes (they fit: checked before)."""
    low = np.frombuffer(values.buffers()[1], dtype="<i8")[::2][values.offset : values.offset + len(values)]
    if not values.null_count:
        return pa.array(low)
    return pa.array(low, mask=_true(values.is_null()))


def number(column: pa.Array) -> Converted:
    """Finite numbers as float64."""
    kind = column.type
    if pa.types.is_boolean(kind):
        values, bad = _all_bad(column, pa.float64(), "bad_number", "is no number")
        return Converted(values, bad)
    if pa.types.is_timestamp(kind):
        values, bad = _all_bad(column, pa.float64(), "bad_number", "is no number")
        return Converted(values, bad)
    given = column if pa.types.is_integer(kind) or pa.types.is_floating(kind) else texts(column)
    said: tuple[Bad, ...] = ()
    try:
        values = given.cast(pa.float64(), safe=False)
    except pa.ArrowInvalid:
        values, said = _one_by_one(given, pa.float64(), _float)
    infinite = _true(pc.invert(pc.is_finite(values)))
    if infinite.any():
        values = _without(values, infinite)
        said = (*said, Bad(np.flatnonzero(infinite), "bad_number", "is no number"))
    large = _true(pc.greater(pc.abs(values), float(2**53)))
    if large.any():
        digits = pc.match_substring_regex(given if pa.types.is_string(given.type) else texts(given), _DIGITS)
        lost = large & _true(digits)
        values = _without(values, lost)
        said = (
            *said,
            Bad(np.flatnonzero(lost), "bad_number", "has too many digits for a number: keep it as text"),
        )
    return Converted(values, said)


def _float(text: str) -> float | tuple[str, str]:
    stripped = text.strip()
    if stripped and "_" not in stripped:
        try:
            return float(stripped)
        except ValueError:
            pass
    return "bad_number", "is no number"


def flag(column: pa.Array) -> Converted:
    """True and false, from true/false, yes/no, 1/0, 是/否."""
    if pa.types.is_boolean(column.type):
        return Converted(column)

    def read(text: str) -> bool | tuple[str, str]:
        found = _FLAGS.get(text.strip().lower())
        return ("bad_flag", "is neither true nor false") if found is None else found

    values, bad = _one_by_one(texts(column), pa.bool_(), read)
    return Converted(values, bad)


def instant(column: pa.Array, *, format: str, zone: str) -> Converted:
    """Instants as timestamp[us], UTC. A time without an offset is local to `zone`.

    A local time that occurs twice (clocks go back) is the earlier instant; one that never occurs (clocks go
    forward) is the instant at which the clocks changed.
    """
    kind = column.type
    if pa.types.is_timestamp(kind):
        values = column.cast(pa.timestamp("us")) if kind.tz else _local(column, zone)
        return _bounded(values, format)
    if format in ("unix", "unix_ms"):
        return _unix(column, format)
    values = texts(column)
    values = texts(pc.utf8_trim_whitespace(values))
    if format == "iso":
        return _bounded(*_iso(values, zone))
    length = _SAME_AS_ISO.get(format)
    if length is not None:
        lengths = pc.min_max(pc.binary_length(values))
        if lengths["min"].as_py() == length == lengths["max"].as_py():
            try:
                return _bounded(_local(values.cast(pa.timestamp("us")), zone), format)
            except pa.ArrowInvalid:
                pass
    return _bounded(*_formatted(values, format, zone))


def _bounded(values: pa.Array, format: str = "iso", bad: tuple[Bad, ...] = ()) -> Converted:
    """The instants; those before 1800 or after 2300 are bad."""
    limits = pc.min_max(values.cast(pa.int64()))
    low, high = limits["min"].as_py(), limits["max"].as_py()
    if low is None or (low >= _FIRST and high <= _LAST):
        return Converted(values, bad)
    micros = np.asarray(values.cast(pa.int64()).fill_null(0))
    outside = (micros < _FIRST) | (micros > _LAST)
    said = Bad(np.flatnonzero(outside), "bad_time", f"is no time in the format {format}")
    return Converted(_without(values, outside), (*bad, said))


def _local(values: pa.Array, zone: str) -> pa.Array:
    """Local times as UTC."""
    if zone == "UTC":
        return values
    aware = pc.assume_timezone(values, zone, ambiguous="earliest", nonexistent="latest")
    return aware.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))


def _iso(values: pa.Array, zone: str) -> tuple[pa.Array, str, tuple[Bad, ...]]:
    nothing = pa.scalar(None, pa.string())
    offset = pc.match_substring_regex(values, _OFFSET)
    local, aware = pc.if_else(offset, nothing, values), pc.if_else(offset, values, nothing)
    try:
        there = _local(local.cast(pa.timestamp("us")), zone)
        here = aware.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
        return pc.coalesce(there, here), "iso", ()
    except pa.ArrowInvalid:
        return (*_read(values, "iso", zone, datetime.fromisoformat),)


def _formatted(values: pa.Array, format: str, zone: str) -> tuple[pa.Array, str, tuple[Bad, ...]]:
    """Times by a strptime format: numeric directives all at once, others one by one."""
    found = _numeric(values, format)
    if found is None:
        return _read(values, format, zone, lambda text: datetime.strptime(text, format))  # noqa: DTZ007
    wrong = _true(found.is_null()) & _true(values.is_valid())
    bad: tuple[Bad, ...] = ()
    if wrong.any():
        bad = (Bad(np.flatnonzero(wrong), "bad_time", f"is no time in the format {format}"),)
    return _local(found, zone), format, bad


def _numeric(values: pa.Array, format: str) -> pa.Array | None:
    """Local times by a format of numbers only; None when the format holds other directives."""
    pattern, at = "", 0
    names: set[str] = set()
    while at < len(format):
        if format[at] == "%" and at + 1 < len(format):
            word = format[at + 1]
            if word not in _DIRECTIVES or word in names or (word in "Yy" and names & {"Y", "y"}):
                return None
            names.add(word)
            pattern, at = pattern + _DIRECTIVES[word], at + 2
        else:
            pattern, at = pattern + re.escape(format[at]), at + 1
    if not names & {"Y", "y"} or not {"m", "d"} <= names:
        return None
    parts = pc.extract_regex(values, f"^{pattern}$")
    missing = _true(parts.is_null())

    def part(name: str, default: int = 0) -> npt.NDArray[np.int64]:
        if name not in names:
            return np.full(len(values), default, dtype=np.int64)
        text = pc.if_else(parts.is_null(), pa.scalar("1"), pc.struct_field(parts, name))
        if name == "f":
            text = pc.utf8_rpad(text, width=6, padding="0")
        return np.asarray(text.cast(pa.int64()))

    year = part("Y")
    if "y" in names:
        year = part("y")
        year = np.where(year < 69, year + 2000, year + 1900)
    month, day, hour, minute, second = (part(name) for name in "mdHMS")
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (hour < 24) & (minute < 60)
    valid &= (second < 60) & (year >= 1) & ~missing
    months = (np.where(valid, year, 1970) - 1970) * 12 + np.where(valid, month, 1) - 1
    first = months.astype("datetime64[M]")
    date = first.astype("datetime64[D]") + (day - 1)
    valid &= date.astype("datetime64[M]") == first
    clock = ((hour * 60 + minute) * 60 + second) * 1_000_000 + part("f")
    return pa.array(date.astype("datetime64[us]") + clock.astype("timedelta64[us]"), mask=~valid)


def _read(
    values: pa.Array,
    format: str,
    zone: str,
    read: Callable[[str], datetime],
) -> tuple[pa.Array, str, tuple[Bad, ...]]:
    """Times one distinct value at a time, with or without an offset."""
    distinct = pc.unique(values)
    local: list[datetime | None] = []
    aware: list[datetime | None] = []
    for text in distinct.to_pylist():
        try:
            value = read(text) if text is not None else None
        except (ValueError, OverflowError):
            value = None
        has_offset = value is not None and value.tzinfo is not None
        local.append(None if has_offset else value)
        try:
            aware.append(value.astimezone(UTC).replace(tzinfo=None) if value and has_offset else None)
        except OverflowError:
            aware.append(None)
    kind = pa.timestamp("us")
    found = pc.coalesce(_local(pa.array(local, kind), zone), pa.array(aware, kind))
    result = found.take(pc.index_in(values, distinct))
    wrong = _true(result.is_null()) & _true(values.is_valid())
    if not wrong.any():
        return result, format, ()
    return result, format, (Bad(np.flatnonzero(wrong), "bad_time", f"is no time in the format {format}"),)


def _unix(column: pa.Array, format: str) -> Converted:
    """Seconds or milliseconds since 1970, to the microsecond."""
    scale = 1_000_000 if format == "unix" else 1_000

    def read(text: str) -> int | tuple[str, str]:
        try:
            value = Decimal(text.strip()) * scale
            return int(value) if abs(value) < 2**62 else ("bad_time", f"is no time in the format {format}")
        except (InvalidOperation, ValueError, OverflowError):
            return "bad_time", f"is no time in the format {format}"

    values = texts(column)
    try:
        micros, bad = pc.multiply_checked(values.cast(pa.int64()), scale), ()
    except pa.ArrowInvalid:
        micros, bad = _one_by_one(values, pa.int64(), read)  # type: ignore[assignment]
    return _bounded(micros.cast(pa.timestamp("us")), format, bad)


def json(values: pa.Array, *, kind: ValueType, is_json: bool = False) -> pa.Array:
    """The typed values as JSON text, for attributes: money as an exact decimal, instants as ISO text."""
    if is_json:
        return values
    if pa.types.is_boolean(values.type):
        return pc.if_else(values, pa.scalar("true"), pa.scalar("false"))
    encoded = values.dictionary_encode()
    found = [_json(value, kind) for value in encoded.dictionary.to_pylist()]
    return pa.array(found, pa.string()).take(encoded.indices)


def _json(value: Any, kind: ValueType) -> str:
    if kind is ValueType.MONEY:
        return amount(value)
    if isinstance(value, datetime):
        return f'"{value.isoformat()}Z"'
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return msgspec.json.encode(value).decode()


def amount(units: int) -> str:
    """Money of 1/10,000 as an exact decimal: 97477479340 is 9747747.934."""
    whole, rest = divmod(abs(units), MONEY_SCALE)
    text = f"{whole}.{rest:04d}".rstrip("0").rstrip(".") if rest else str(whole)
    return f"-{text}" if units < 0 else text


def _one_by_one(
    values: pa.Array, kind: pa.DataType, read: Callable[[str], Any]
) -> tuple[pa.Array, tuple[Bad, ...]]:
    """Each distinct text read by `read`, which answers the value or (code, what to say)."""
    encoded = values.dictionary_encode()
    found: list[Any] = []
    wrong: dict[tuple[str, str], list[int]] = {}
    for at, text in enumerate(encoded.dictionary.to_pylist()):
        value = read(text)
        if isinstance(value, tuple):
            wrong.setdefault(value, []).append(at)
            value = None
        found.append(value)
    result = pa.array(found, kind).take(encoded.indices)
    if not wrong:
        return result, ()
    at_row = np.asarray(encoded.indices.fill_null(-1))
    said = [Bad(np.flatnonzero(np.isin(at_row, which)), code, says) for (code, says), which in wrong.items()]
    return result, tuple(said)


def _all_bad(column: pa.Array, kind: pa.DataType, code: str, says: str) -> tuple[pa.Array, tuple[Bad, ...]]:
    present = _true(column.is_valid())
    bad = (Bad(np.flatnonzero(present), code, says),) if present.any() else ()
    return pa.nulls(len(column), kind), bad


def _without(values: pa.Array, mask: Mask) -> pa.Array:
    return pc.if_else(pa.array(mask), pa.scalar(None, values.type), values) if mask.any() else values


def _true(mask: pa.Array) -> Mask:
    return np.asarray(pc.fill_null(mask, False), dtype=bool)
