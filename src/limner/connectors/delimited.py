"""Rows of a delimited text file (CSV, TSV). Every value stays text: 007 stays 007.

pyarrow parses; only a file whose quotes are broken is finished by the slower `_Careful` reader, which gives
up one line at a time instead of swallowing what follows an open quote.
"""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from limner.connectors.seam import MARK, Block, FileForm, Problem, shown
from limner.connectors.text import Utf8, codec, head
from limner.errors import InputError

BLOCK_BYTES = 4 << 20
HEADER_BYTES = 1 << 20
ROW_LINES = 200
"""A quoted value may span so many lines; a quote open for longer was never closed."""
CAREFUL_ROWS = 20_000
COLUMNS = 2_000
DELIMITERS = (",", ";", "\t", "|")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


@dataclass
class Delimited:
    """A CSV file as a Reader. Raises InputError when the header cannot be used."""

    path: Path
    digest: str
    form: FileForm
    field_bytes: int
    columns: tuple[str, ...] = field(init=False)
    notes: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        start = head(self.path)
        self._codec, encoding = codec(self.form.encoding, start, self.path.name)
        self._quote = self.form.quote or '"'
        self._size = self.path.stat().st_size
        self._consumed = 0
        text = start.decode(self._codec, "limner-mark")
        self._delimiter = self.form.delimiter or _delimiter(text, self._quote)
        with self._stream() as stream:
            self.columns, self._header_lines = self._header(stream)
        self.notes = (f"encoding {encoding.upper()}", f"delimiter {_word(self._delimiter)}")

    def done(self) -> tuple[int, int]:
        return self._consumed, self._size

    def _stream(self) -> Utf8:
        return Utf8(self.path, self._codec, self._quote)

    def _header(self, stream: Utf8) -> tuple[tuple[str, ...], int]:
        """The column names and how many lines they take; leaves the stream at the first row."""
        if self.form.columns:
            return _distinct(self.form.columns, self.path.name), 0
        start = stream.read(HEADER_BYTES)
        lines = _LINE.findall(start.decode("utf-8", "ignore"))
        taken, row = 0, ""
        while taken < min(len(lines), ROW_LINES):
            row += lines[taken]
            taken += 1
            if not row.strip():
                row = ""
            elif not _open(row, False, self._delimiter, self._quote):
                break
        if not row.strip():
            raise InputError("the file is empty: it has no header line", code="empty_file", status=422)
        if MARK in row or "\x00" in row:
            raise InputError(
                "the header line is no text in this encoding",
                code="bad_encoding",
                status=422,
                where=f"{self.path.name}:1",
                hint="declare it in the mapping, for example file: {encoding: gb18030}",
            )
        stream.unread(start[len("".join(lines[:taken]).encode()) :])
        names = _fields(row.rstrip("\r\n"), self._delimiter, self._quote)
        return _distinct(tuple(name.strip() for name in names), self.path.name), taken

    def blocks(self) -> Iterator[Block]:
        """The rows in the file's order, some 4 MB at a time."""
        resume = 0
        for block in self._fast():
            if block is None:
                break
            resume = int(block.numbers[-1]) + 1 if len(block.numbers) else resume
            resume = max([resume, *(problem.row + 1 for problem in block.problems)])
            yield block
        else:
            return
        yield from self._careful(resume)

    def _fast(self) -> Iterator[Block | None]:
        """Blocks as pyarrow parses them; a last None says: the quotes are broken from here on."""
        invalid: deque[tuple[int, int, str]] = deque()

        def note(row: csv.InvalidRow) -> str:
            invalid.append((row.number - 1, row.actual_columns, row.text))
            return "skip"

        with self._stream() as stream:
            _, line = self._header(stream)
            start = stream.read(1)
            if not start:
                return
            stream.unread(start)
            held: Block | None = None
            spans = False
            number, line = 0, line + 1
            try:
                for batch in csv.open_csv(
                    stream,
                    read_options=csv.ReadOptions(
                        use_threads=False, column_names=self.columns, block_size=BLOCK_BYTES
                    ),
                    parse_options=csv.ParseOptions(
                        delimiter=self._delimiter,
                        quote_char=self._quote,
                        newlines_in_values=True,
                        ignore_empty_lines=False,
                        invalid_row_handler=note,
                    ),
                    convert_options=csv.ConvertOptions(
                        column_types={name: pa.string() for name in self.columns}, strings_can_be_null=False
                    ),
                ):
                    self._consumed = stream.consumed()
                    if held is not None:
                        yield held
                        held = None
                    rows = pa.Table.from_batches([batch])
                    if any("\n" in text for _, _, text in invalid) or _swallows(rows, self.field_bytes):
                        yield None
                        return
                    spans = _spans(rows)
                    held, number, line = self._block(rows, invalid, number, line, stream.marked)
            except pa.ArrowInvalid:  # a row longer than a block: a quote that was never closed
                if held is not None:
                    yield held
                yield None
                return
            if held is not None and stream.quotes % 2 and spans:
                yield None
                return
            if held is not None:
                yield held
            if invalid:
                yield None

    def _block(
        self,
        rows: pa.Table,
        invalid: deque[tuple[int, int, str]],
        number: int,
        line: int,
        marked: bool,
    ) -> tuple[Block, int, int]:
        """(the rows as a Block, the next row's number, the next row's line)."""
        numbers, broken, after = _numbered(rows.num_rows, invalid, number)
        inside = _newlines(rows)
        lines = line + (numbers - number)
        if inside is not None:
            lines = lines + np.cumsum(inside) - inside
        after_line = line + (after - number) + (int(inside.sum()) if inside is not None else 0)
        problems = []
        for row, found, text in broken:
            place = int(np.searchsorted(numbers, row))
            extra = int(inside[:place].sum()) if inside is not None else 0
            problems.append(self._wrong_count(row, line + row - number + extra, found, text))
        block = self._sifted(Block(rows, numbers, lines, tuple(problems)), marked)
        return block, after, after_line

    def _wrong_count(self, row: int, line: int, found: int, text: str) -> Problem:
        few = "few" if found < len(self.columns) else "many"
        message = f"line {line} has too {few} fields: {found}, the header has {len(self.columns)}"
        return Problem(row, line, f"too_{few}_fields", message, shown(text))

    def _sifted(self, block: Block, marked: bool) -> Block:
        """The block without blank lines, over-long values and bytes that are no text."""
        rows = block.rows
        wrong: dict[int, tuple[str, str, str]] = {}
        blank = _blank(rows)
        for name in self.columns:
            column = rows[name].combine_chunks()
            for at in np.flatnonzero(_lengths(column) > self.field_bytes).tolist():
                text = f"field {name} too long: more than {self.field_bytes:,} bytes"
                wrong.setdefault(at, ("field_too_long", text, name))
            if marked:
                for at in np.flatnonzero(_holds(column, MARK)).tolist():
                    wrong.setdefault(at, ("bad_encoding", f"not {self._encoding}", name))
                for at in np.flatnonzero(_holds(column, "\x00")).tolist():
                    wrong.setdefault(at, ("zero_byte", f"field {name} holds a zero byte", name))
        if not wrong and not blank.any():
            return block
        problems = list(block.problems)
        for at, (code, text, name) in wrong.items():
            row, line = int(block.numbers[at]), int(block.lines[at])
            raw = self._delimiter.join(str(rows[column][at].as_py())[:200] for column in self.columns)
            problems.append(Problem(row, line, code, f"line {line} {text}", shown(raw), name))
        keep = ~blank
        keep[list(wrong)] = False
        return replace(
            block,
            rows=rows.filter(pa.array(keep)),
            numbers=block.numbers[keep],
            lines=block.lines[keep],
            problems=tuple(sorted(problems, key=lambda problem: problem.row)),
        )

    @property
    def _encoding(self) -> str:
        return {"utf-8-sig": "UTF-8"}.get(self._codec, self._codec.upper())

    def _careful(self, resume: int) -> Iterator[Block]:
        """The rest of a file with broken quotes, from row number `resume` on."""
        with self._stream() as stream:
            _, taken = self._header(stream)
            found: list[tuple[int, int, list[str]]] = []
            problems: list[Problem] = []
            for number, line, value in self._records(stream, taken + 1):
                self._consumed = stream.consumed()
                if number < resume:
                    continue
                if isinstance(value, list):
                    found.append((number, line, value))
                else:
                    problems.append(replace(value, row=number))
                if len(found) + len(problems) >= CAREFUL_ROWS:
                    yield self._sifted(_gathered(self.columns, found, problems), True)
                    found, problems = [], []
            if found or problems:
                yield self._sifted(_gathered(self.columns, found, problems), True)

    def _records(self, stream: Utf8, line: int) -> Iterator[tuple[int, int, list[str] | Problem]]:
        """(number, line, fields or why not) of every record; a line that no record fits is given up alone."""
        text = io.TextIOWrapper(stream, "utf-8", newline="")  # type: ignore[type-var]
        waiting: deque[str] = deque()
        width, number = len(self.columns), -1

        def following() -> str:
            return waiting.popleft() if waiting else text.readline(BLOCK_BYTES)

        while first := following():
            number += 1
            if not first.endswith(("\n", "\r")) and len(first) == BLOCK_BYTES:
                while (rest := following()) and not rest.endswith(("\n", "\r")):
                    pass
                yield (
                    number,
                    line,
                    Problem(number, line, "row_too_long", f"line {line} is too long", shown(first)),
                )
                line += 1
                continue
            taken, size = [first], len(first)
            open_ = _open(first, False, self._delimiter, self._quote)
            while open_ and len(taken) < ROW_LINES and size <= self.field_bytes * 4:
                more = following()
                if not more:
                    break
                taken.append(more)
                size += len(more)
                open_ = _open(more, True, self._delimiter, self._quote)
            fields = _fields("".join(taken).rstrip("\r\n"), self._delimiter, self._quote)
            if not open_ and fields == [""]:
                fields = [""] * width
            if open_ or (len(taken) > 1 and len(fields) != width):
                waiting.extendleft(reversed(taken[1:]))
                message = f"line {line} opens a quote that is never closed"
                yield number, line, Problem(number, line, "unclosed_quote", message, shown(first))
                line += 1
                continue
            if len(fields) != width:
                yield number, line, self._wrong_count(number, line, len(fields), first.rstrip("\r\n"))
            else:
                yield number, line, fields
            line += len(taken)


def _numbered(
    count: int, invalid: deque[tuple[int, int, str]], number: int
) -> tuple[npt.NDArray[np.int64], list[tuple[int, int, str]], int]:
    """(numbers of `count` readable rows from `number` on, the broken rows among and after them, the next)."""
    if not invalid:
        return np.arange(number, number + count, dtype=np.int64), [], number + count
    missing = np.fromiter((item[0] for item in invalid), dtype=np.int64)
    candidates = np.arange(number, number + count + len(missing), dtype=np.int64)
    numbers = candidates[~np.isin(candidates, missing)][:count]
    after = int(numbers[-1]) + 1 if count else number
    broken = []
    while invalid and invalid[0][0] <= after:
        broken.append(invalid.popleft())
        after = max(after, broken[-1][0] + 1)
    return numbers, broken, after


def _gathered(
    columns: tuple[str, ...], found: list[tuple[int, int, list[str]]], problems: list[Problem]
) -> Block:
    values = list(zip(*(fields for _, _, fields in found), strict=True)) or [()] * len(columns)
    rows = pa.table([pa.array(column, pa.string()) for column in values], names=list(columns))
    return Block(
        rows,
        np.array([number for number, _, _ in found], dtype=np.int64),
        np.array([line for _, line, _ in found], dtype=np.int64),
        tuple(problems),
    )


def _open(text: str, inside: bool, delimiter: str, quote: str) -> bool:
    """Whether a quoted value is still open after `text`, given whether one was open before it."""
    at = 0
    while True:
        if not inside:
            if text.startswith(quote, at):
                inside, at = True, at + 1
            else:
                at = text.find(delimiter, at) + 1
                if not at:
                    return False
                continue
        at = text.find(quote, at) + 1
        if not at:
            return True
        if text.startswith(quote, at):
            at += 1
            continue
        inside = False
        at = text.find(delimiter, at) + 1
        if not at:
            return False


def _fields(text: str, delimiter: str, quote: str) -> list[str]:
    """The fields of one record, read as pyarrow reads them."""
    if quote not in text:
        return text.split(delimiter)
    fields: list[str] = []
    at = 0
    while True:
        value = ""
        if text.startswith(quote, at):
            at += 1
            while True:
                end = text.find(quote, at)
                if end < 0:
                    value, at = value + text[at:], len(text)
                    break
                value, at = value + text[at:end], end + 1
                if not text.startswith(quote, at):
                    break
                value, at = value + quote, at + 1
        end = text.find(delimiter, at)
        if end < 0:
            return [*fields, value + text[at:]]
        fields.append(value + text[at:end])
        at = end + 1


def _delimiter(text: str, quote: str) -> str:
    """The delimiter that divides the first lines alike most often; a comma when none does."""
    lines = [line for line in text.splitlines()[:-1][:20] or text.splitlines()[:1] if line.strip()]
    best, score = ",", (0, 0)
    for delimiter in DELIMITERS:
        counts = [len(_fields(line, delimiter, quote)) for line in lines]
        if not counts or counts[0] < 2:
            continue
        found = (sum(count == counts[0] for count in counts), counts[0])
        if found > score:
            best, score = delimiter, found
    return best


def _distinct(names: tuple[str, ...], file: str) -> tuple[str, ...]:
    """The names, an empty one called by its position. Raises InputError when two are the same."""
    if len(names) > COLUMNS:
        raise InputError(f"more than {COLUMNS:,} columns", code="too_many_columns", status=422, where=file)
    named = tuple(name or f"column_{at}" for at, name in enumerate(names, 1))
    for name in named:
        if named.count(name) > 1:
            raise InputError(
                f"two columns are called '{name}'",
                code="duplicate_column",
                status=422,
                where=f"{file}:1",
                hint="give each column a name of its own",
            )
    return named


def _word(delimiter: str) -> str:
    return {"\t": "tab"}.get(delimiter, delimiter)


def _lengths(column: pa.Array) -> npt.NDArray[np.int32]:
    return np.asarray(pc.fill_null(pc.binary_length(column), 0), dtype=np.int32)


def _holds(column: pa.Array, text: str) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.match_substring(column, text), dtype=bool)


def _blank(rows: pa.Table) -> npt.NDArray[np.bool_]:
    """Which rows hold nothing at all: blank lines, and lines of delimiters only."""
    blank: npt.NDArray[np.bool_] | None = None
    for name in rows.column_names:
        empty = _lengths(rows[name].combine_chunks()) == 0
        blank = empty if blank is None else blank & empty
        if not blank.any():
            break
    return blank if blank is not None else np.zeros(rows.num_rows, dtype=bool)


def _newlines(rows: pa.Table) -> npt.NDArray[np.int64] | None:
    """How many line breaks each row's values hold; None when none does."""
    total: npt.NDArray[np.int64] | None = None
    for name in rows.column_names:
        column = rows[name].combine_chunks()
        values = column.buffers()[2]
        if values is None or not (np.frombuffer(values, dtype=np.uint8) == 10).any():
            continue
        counts = np.asarray(pc.count_substring(column, "\n"), dtype=np.int64)
        total = counts if total is None else total + counts
    return total


def _swallows(rows: pa.Table, limit: int) -> bool:
    """Whether an over-long value goes over several lines: a quote that was never closed has taken them."""
    for name in rows.column_names:
        column = rows[name].combine_chunks()
        long = np.flatnonzero(_lengths(column) > limit)
        if any("\n" in column[at].as_py() for at in long.tolist()):
            return True
    return False


def _spans(rows: pa.Table) -> bool:
    """Whether the last row's values go over several lines."""
    if not rows.num_rows:
        return False
    return any("\n" in (rows[name][rows.num_rows - 1].as_py() or "") for name in rows.column_names)
