"""The seam to a source of rows: a Reader yields Blocks of Arrow rows and what it could not read.

Knows rows, columns, lines and bytes. Knows no event and no mapping.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

RAW_LENGTH = 2_000
"""At most so many characters of an unreadable row are kept to show it."""

JSON = {b"json": b"1"}
"""Field metadata of a text column whose values are JSON (lists from JSON lines or Parquet)."""


@dataclass(frozen=True)
class Problem:
    """A row that could not be read: its number and line (both as in `Block`), why, and its beginning."""

    row: int
    line: int
    code: str
    message: str
    raw: str
    column: str = ""


@dataclass(frozen=True)
class Block:
    """Some consecutive rows of a source.

    `rows` holds one column per column of the file; text for CSV, native types otherwise.
    `numbers` are the rows' numbers in the file, from 0, never reused: an unreadable row keeps its own.
    `lines` are the physical lines where they begin, from 1 (for Parquet: number + 1).
    """

    rows: pa.Table
    numbers: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int64]
    problems: tuple[Problem, ...] = ()

    @property
    def received(self) -> int:
        """How many rows the file holds here, readable or not."""
        return int(self.rows.num_rows) + len(self.problems)


@dataclass(frozen=True)
class FileForm:
    """How a file is written; what is None is found out from its first bytes."""

    kind: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    columns: tuple[str, ...] = field(default=())
    """The column names of a file without a header."""
    sheet: str | None = None
    """Which sheet of a workbook; None: the first."""


class Reader(Protocol):
    """A source of rows. `blocks` may be called once for each reading; memory stays bounded by a block."""

    @property
    def digest(self) -> str:
        """The first 128 bits of the SHA-256 of the stored bytes, as 32 hex characters."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in the file's order."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found out about the file, in words: `encoding UTF-16`, `delimiter ;`."""
        ...

    def blocks(self) -> Iterator[Block]:
        """The rows in the file's order."""
        ...

    def done(self) -> tuple[int, int]:
        """Bytes read so far, and bytes in all."""
        ...


def shown(raw: str) -> str:
    """The beginning of an unreadable row, safe to store and to show."""
    return raw[:RAW_LENGTH].replace(MARK, "\ufffd").replace("\x00", "\ufffd")


MARK = "\ufdd0"
"""Stands for bytes that are no text in the declared encoding; a Unicode noncharacter, so never real text."""
