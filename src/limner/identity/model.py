"""Identifiers: what may name a person, and in which form. Knows no table and no engine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from limner.events.countries import PHONES

USER = "user"
"""The kind of an account id: strong."""

DEVICE = "device"
"""The kind of a cookie or app installation: weak, because people share devices."""

PERSON = "person"
"""Not a kind of identifier: `person:…` names a person by the outward id."""

RESERVED = frozenset({USER, DEVICE, PERSON})
"""Words that no declared key may take as its kind."""

EMAILS = frozenset({"email", "e_mail", "mail"})

BLOCKED = frozenset(
    {
        "anonymous",
        "distinct_id",
        "distinctid",
        "email",
        "false",
        "guest",
        "id",
        "n/a",
        "nan",
        "nil",
        "none",
        "not_authenticated",
        "null",
        "[object object]",
        "true",
        "undefined",
        "unknown",
    }
)
"""Placeholders that faulty clients send for everybody; one of them as an id would fuse all people."""

_QUOTES = "\"'`‘’“”"
_PHONE_MARKS = re.compile(r"[\s\-().]+")
_ASCII_SPACE = " \t\n\v\f\r"
_BASE32 = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", dtype=np.uint8)


@dataclass(frozen=True)
class Identifier:
    """One name of a person: a kind ('user', 'device' or a declared key) and a value."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


def blocked(value: str) -> bool:
    """Is this a placeholder rather than somebody's identifier?

    Case, white space and quotes around it do not count; a value of only zeros and dashes is one too.
    """
    bare = value.strip(_ASCII_SPACE).lower().strip(_QUOTES).strip(_ASCII_SPACE)
    return bare in BLOCKED or not bare.strip("-0")


def all_blocked(values: pa.Array) -> npt.NDArray[np.bool_]:
    """`blocked` for each of the values, at once."""
    bare = pc.utf8_trim(pc.utf8_lower(pc.utf8_trim(values, characters=_ASCII_SPACE)), characters=_QUOTES)
    bare = pc.utf8_trim(bare, characters=_ASCII_SPACE)
    placeholder = pc.is_in(bare, value_set=pa.array(sorted(BLOCKED)))
    zeros = pc.equal(pc.utf8_trim(bare, characters="-0"), "")
    found: npt.NDArray[np.bool_] = pc.or_(placeholder, zeros).to_numpy(zero_copy_only=False)
    return found


def normal(kind: str, value: str) -> str:
    """The value in the one form under which it is stored and looked up.

    An e-mail address is trimmed and lower case; a phone number loses spaces, dashes, dots and brackets
    but keeps a leading "+"; another declared key is trimmed; user and device ids stay as they are.
    """
    if kind in (USER, DEVICE):
        return value
    if kind in EMAILS:
        return value.strip(_ASCII_SPACE).lower()
    if kind in PHONES:
        return _PHONE_MARKS.sub("", value)
    return value.strip(_ASCII_SPACE)


def all_normal(kind: str, values: pa.Array) -> pa.Array:
    """`normal` for each of the values, at once."""
    if kind in (USER, DEVICE):
        return values
    if kind in EMAILS:
        return pc.utf8_lower(pc.utf8_trim(values, characters=_ASCII_SPACE))
    if kind in PHONES:
        return pc.replace_substring_regex(values, r"[\s\-().]+", "")
    return pc.utf8_trim(values, characters=_ASCII_SPACE)


def unusable(kind: str, values: pa.Array) -> npt.NDArray[np.bool_]:
    """Which of the normal values cannot name anybody: placeholders, and e-mail addresses without "@"."""
    bad = all_blocked(values)
    if kind in EMAILS:
        bad |= ~pc.match_substring(values, "@").to_numpy(zero_copy_only=False)
    return bad


def person_ids(secret: bytes, founders: Sequence[str]) -> list[str]:
    """The outward id of the person that each identifier founded.

    A founder is `kind NUL value`. Base 32, lower case, of the first 15 bytes of HMAC-SHA256: 24 letters, the
    same whenever the engine is rebuilt with the same secret, and not reversible without it.
    """
    if not founders:
        return []
    # HMAC spelt out: preparing the two key blocks once is twice as fast as hmac.digest for each.
    block = (hashlib.sha256(secret).digest() if len(secret) > 64 else secret).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
    digests = []
    for founder in founders:
        message, answer = inner.copy(), outer.copy()
        message.update(founder.encode())
        answer.update(message.digest())
        digests.append(answer.digest()[:15])
    bits = np.unpackbits(np.frombuffer(b"".join(digests), dtype=np.uint8)).reshape(len(founders), 24, 5)
    letters = _BASE32[bits @ np.array([16, 8, 4, 2, 1], dtype=np.uint8)]
    text = letters.tobytes().decode("ascii")
    return [text[at : at + 24] for at in range(0, len(text), 24)]
