"""Bytes of a text file as UTF-8: unpacked, decoded, bad bytes marked. Knows no rows."""

from __future__ import annotations

import codecs
import hashlib
import io
import zlib
from pathlib import Path
from typing import BinaryIO

from limner.connectors.seam import MARK
from limner.errors import InputError, NotFoundError, did_you_mean

BLOCK = 1 << 20
GZIP = b"\x1f\x8b"

ENCODINGS = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "big5": "big5",
    "shift_jis": "cp932",
    "latin-1": "latin-1",
    "windows-1252": "cp1252",
}
"""Encodings that a file may declare → Python's codec."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return MARK, error.end


codecs.register_error("limner-mark", _mark)


def checked_digest(path: Path, *, limit: int) -> str:
    """The digest of the bytes as stored, after one pass that also unpacks them and keeps nothing.

    So a gzip file that is damaged, or expands to more than `limit` bytes, is refused before any row is used.
    """
    try:
        size = path.stat().st_size
        if size > limit:
            raise _too_large(path, limit)
        digest, unpack, expanded = hashlib.sha256(), zlib.decompressobj(31), 0
        with path.open("rb") as source:
            packed = source.read(2) == GZIP
            source.seek(0)
            while block := source.read(BLOCK):
                digest.update(block)
                while packed and block:
                    expanded += len(unpack.decompress(block, BLOCK))
                    if expanded > limit:
                        raise _too_large(path, limit)
                    block = unpack.unconsumed_tail
                    if unpack.eof:
                        block = unpack.unused_data
                        if not block.strip(b"\0"):
                            block = b""
                        else:
                            unpack = zlib.decompressobj(31)
        if packed and not unpack.eof:
            raise InputError("the gzip file ends too early", code="bad_archive", status=422, where=path.name)
    except zlib.error as error:
        raise InputError(
            "the gzip file is damaged", code="bad_archive", status=422, where=path.name
        ) from error
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {path.name}") from None
    except IsADirectoryError:
        raise InputError(f"{path.name} is a folder, not a file", code="bad_file", status=422) from None
    return digest.hexdigest()[:32]


def _too_large(path: Path, limit: int) -> InputError:
    return InputError(
        f"the file holds more than the limit of {limit:,} bytes, unpacked",
        code="file_too_large",
        status=413,
        where=path.name,
        hint="split it, or raise limits.import_bytes",
    )


def codec(encoding: str | None, head: bytes, name: str) -> tuple[str, str]:
    """(Python codec, the encoding's name): as declared, else by the byte order mark, else UTF-8."""
    for mark, found in _BOMS:
        if head.startswith(mark):
            if encoding is None or found.startswith(encoding.lower()[:5]):
                return ENCODINGS[found], found
            break
    if encoding is not None:
        word = encoding.lower().replace("_", "-").replace("shift-jis", "shift_jis")
        if word not in ENCODINGS:
            raise InputError(
                f"unknown encoding '{encoding}'",
                code="bad_encoding",
                status=422,
                where=name,
                hint=did_you_mean(word, ENCODINGS) or f"one of {', '.join(ENCODINGS)}",
            )
        return ENCODINGS[word], word
    if head.count(0) * 3 > len(head):
        raise InputError(
            "the file holds zero bytes: it is no text, or UTF-16 without a byte order mark",
            code="bad_encoding",
            status=422,
            where=name,
            hint="save it as UTF-8, or declare `file: {encoding: utf-16le}`",
        )
    return ENCODINGS["utf-8"], "utf-8"


class Utf8(io.RawIOBase):
    """The file's text as a stream of valid UTF-8; bytes that are no text come out as MARK.

    `marked`: some bytes were no text so far. `quotes`: how many quote characters have passed.
    """

    def __init__(self, path: Path, codec_name: str, quote: str) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._source: BinaryIO = _plain(self._file)
        self._decoder = codecs.getincrementaldecoder(codec_name)("limner-mark")
        self._waiting = b""
        self._ended = False
        self._quote = quote
        self.marked = False
        self.quotes = 0

    def readable(self) -> bool:
        return True

    def consumed(self) -> int:
        """How many stored bytes were read."""
        return self._file.tell() if not self._file.closed else 0

    def _fill(self) -> None:
        raw = self._source.read(BLOCK)
        self._ended = not raw
        text = self._decoder.decode(raw, self._ended)
        if not self.marked and (MARK in text or "\x00" in text):
            self.marked = True
        self.quotes += text.count(self._quote)
        self._waiting += text.encode("utf-8", "replace")

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; empty only at the end."""
        while not self._ended and (size < 0 or len(self._waiting) < size):
            self._fill()
        if size < 0 or size >= len(self._waiting):
            found, self._waiting = self._waiting, b""
        else:
            found, self._waiting = self._waiting[:size], self._waiting[size:]
        return found

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def unread(self, block: bytes) -> None:
        """Puts bytes back in front."""
        self._waiting = block + self._waiting
        self._ended = False

    def close(self) -> None:
        self._file.close()
        super().close()


def _plain(source: BinaryIO) -> BinaryIO:
    head = source.read(2)
    source.seek(0)
    return Unpacked(source) if head == GZIP else source  # type: ignore[return-value]


class Unpacked(io.RawIOBase):
    """A gzip stream's bytes, a bounded piece at a time (checked before by `checked_digest`)."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self._unpack = zlib.decompressobj(31)
        self._left = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Some bytes, at most about `size`; empty only at the end."""
        wanted = BLOCK if size < 0 else size
        while True:
            block = self._left or self._source.read(BLOCK)
            if not block:
                return b""
            found = self._unpack.decompress(block, wanted)
            self._left = self._unpack.unconsumed_tail
            if self._unpack.eof:
                self._left = self._unpack.unused_data
                self._unpack = zlib.decompressobj(31)
                if not self._left.strip(b"\0"):
                    self._left = b""
            if found:
                return found


def head(path: Path, size: int = 1 << 16) -> bytes:
    """The file's first bytes, unpacked."""
    with path.open("rb") as file:
        return _plain(file).read(size)
