"""How a record lies in a segment file. Pure bytes: knows no disk.

A segment begins with eight bytes of MAGIC. Each frame is MARK (4 bytes), the payload's length (u32), a
CRC-32 (zlib's; of length, durable and payload) and `durable` (u64): the offset up to which this file was
known to be on disk when the frame was written. The payload is a msgpack head and the body as received.

`durable` tells a torn tail from damage: a power cut may tear anything after the last confirmed flush, so a
bad frame is a torn tail unless a later good frame says that this place was already confirmed.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

MAGIC = b"LIMNLOG1"
MARK = b"\xf7LR\x01"
HEAD = struct.Struct("<4sIIQ")
_TAIL = struct.Struct("<IQ")
_LENGTH = struct.Struct("<I")
LARGEST = 256 * 1024 * 1024

SEGMENT = "segment"
REJECTED = "rejected"
RETRY = "retry"
GIVEN = "given"
"""Kinds of record: a vendor body; requests that were refused (counted only); calls tried again; tags' values that
people or other systems gave."""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that the log keeps.

    `received_at` is in microseconds since 1970 (UTC). `n` is the number of calls in the body; `refused`
    says which of them were answered as refused, by index, with the code. `note` is free (a refusal's code).
    """

    batch: str
    source_i: int | None
    received_at: int
    kind: str = SEGMENT
    endpoint: str = "batch"
    n: int = 1
    refused: Mapping[int, str] = field(default_factory=dict)
    note: str = ""
    body: bytes = b""


class _Head(msgspec.Struct, array_like=True):
    batch: str
    source_i: int | None
    received_at: int
    kind: str
    endpoint: str
    n: int
    refused: dict[int, str]
    note: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Head).decode


def frame(record: Record, durable: int) -> bytes:
    """The record as bytes, written when `durable` bytes of its file were confirmed."""
    head = _encode(
        _Head(
            record.batch,
            record.source_i,
            record.received_at,
            record.kind,
            record.endpoint,
            record.n,
            dict(record.refused),
            record.note,
        )
    )
    payload = _LENGTH.pack(len(head)) + head + record.body
    tail = _TAIL.pack(len(payload), durable)
    crc = zlib.crc32(payload, zlib.crc32(tail))
    return HEAD.pack(MARK, len(payload), crc, durable) + payload


@dataclass(frozen=True, slots=True)
class Frame:
    """A good frame: its record, where the next begins, and what was durable when it was written."""

    record: Record
    end: int
    durable: int


def read(block: bytes | memoryview, at: int) -> Frame | None:
    """The good frame that begins at `at`, or None when there is none."""
    if at + HEAD.size > len(block):
        return None
    mark, length, crc, durable = HEAD.unpack_from(block, at)
    start = at + HEAD.size
    if mark != MARK or length > LARGEST or start + length > len(block):
        return None
    payload = bytes(block[start : start + length])
    if zlib.crc32(payload, zlib.crc32(_TAIL.pack(length, durable))) != crc:
        return None
    (size,) = _LENGTH.unpack_from(payload, 0)
    try:
        head = _decode(payload[_LENGTH.size : _LENGTH.size + size])
    except msgspec.MsgspecError:
        return None
    record = Record(
        head.batch,
        head.source_i,
        head.received_at,
        head.kind,
        head.endpoint,
        head.n,
        head.refused,
        head.note,
        payload[_LENGTH.size + size :],
    )
    return Frame(record, start + length, durable)


def confirmed_beyond(block: bytes | memoryview, at: int) -> bool:
    """Whether a good frame after `at` says that the byte at `at` had been confirmed: then it is damage."""
    whole = bytes(block[at:])
    position = whole.find(MARK, 1)
    while position >= 0:
        found = read(whole, position)
        if found is not None and found.durable > at:
            return True
        position = whole.find(MARK, position + 1)
    return False
