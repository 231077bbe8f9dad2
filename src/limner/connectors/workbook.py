"""One sheet of an Excel workbook (.xlsx) as a Reader: its first line with content names the columns. Knows no event.

A cell keeps its own type; a column of several types becomes text, in which whole numbers have no point.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

from limner.connectors.seam import Block, FileForm, shown
from limner.errors import InputError, did_you_mean

ROWS = 50_000
EXPANDED = 500_000_000
"""A workbook is held in memory, so its unpacked size is bounded more tightly than a text file's."""

_WHOLE = 2**53


@dataclass
class Workbook:
    """A sheet of a workbook. Raises InputError when it has no header line or the sheet is not there."""

    path: Path
    digest: str
    form: FileForm
    file_bytes: int = EXPANDED
    columns: tuple[str, ...] = field(init=False)
    notes: tuple[str, ...] = field(init=False)
    sheets: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._done = 0
        expanded(self.path, limit=min(self.file_bytes, EXPANDED))
        try:
            book = CalamineWorkbook.from_path(str(self.path))
            self.sheets = tuple(book.sheet_names)
            sheet = self._sheet()
            rows: list[list[Any]] = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        except CalamineError as error:
            raise InputError(
                f"the workbook is damaged: {error}".splitlines()[0],
                code="bad_file",
                status=422,
                where=self.path.name,
            ) from error
        head = next((at for at, row in enumerate(rows) if any(cell != "" for cell in row)), None)
        if head is None:
            raise InputError(
                f"the sheet '{sheet}' is empty", code="empty_file", status=422, where=self.path.name
            )
        width = max((at + 1 for row in rows[head:] for at, cell in enumerate(row) if cell != ""), default=0)
        names = [text_of(cell) or f"column_{at}" for at, cell in enumerate(rows[head][:width], 1)]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"two columns are called '{name}'", code="duplicate_column", status=422)
        self.columns = tuple(names)
        self.notes = ("Excel", f"sheet {sheet}")
        kept = [(at, row) for at, row in enumerate(rows[head + 1 :]) if any(cell != "" for cell in row)]
        self._numbers = np.array([at for at, _ in kept], np.int64)
        self._lines = self._numbers + head + 2
        self._table = pa.table([column([row[at] for _, row in kept]) for at in range(width)], names=names)

    def _sheet(self) -> str:
        wanted = self.form.sheet
        if wanted is None:
            return self.sheets[0]
        if wanted not in self.sheets:
            raise InputError(
                f"the workbook has no sheet '{wanted}'",
                code="unknown_sheet",
                status=422,
                where=self.path.name,
                hint=did_you_mean(wanted, self.sheets) or f"its sheets are: {', '.join(self.sheets)}",
            )
        return wanted

    def done(self) -> tuple[int, int]:
        return self._done, self._table.num_rows

    def blocks(self) -> Iterator[Block]:
        """The rows, some 50,000 at a time; empty lines are no rows."""
        for start in range(0, self._table.num_rows, ROWS):
            rows = self._table.slice(start, ROWS)
            self._done = start + rows.num_rows
            part = slice(start, start + rows.num_rows)
            yield Block(rows, self._numbers[part], self._lines[part])


def is_workbook(path: Path) -> bool:
    """Whether the zip archive holds an Excel workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def expanded(path: Path, *, limit: int) -> int:
    """The unpacked size. Raises InputError beyond the limit, before anything is unpacked."""
    with zipfile.ZipFile(path) as archive:
        size = sum(item.file_size for item in archive.infolist())
    if size > limit:
        raise InputError(
            f"the workbook holds more than the limit of {limit:,} bytes, unpacked",
            code="file_too_large",
            status=413,
            where=path.name,
            hint="save the sheet as CSV (UTF-8) and import that",
        )
    return size


def column(values: Sequence[Any]) -> pa.Array:
    """The cells as the narrowest of flag, whole number, number, instant, text; an empty cell is missing."""
    cells = [None if value == "" else value for value in values]
    kinds = {type(value) for value in cells} - {type(None)}
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    if kinds and kinds <= {int, float}:
        whole = all(value is None or (float(value).is_integer() and abs(value) < _WHOLE) for value in cells)
        return pa.array([None if value is None else int(value) if whole else float(value) for value in cells])
    if kinds and kinds <= {date, datetime}:
        return pa.array([_midnight(value) for value in cells], pa.timestamp("us"))
    return pa.array([None if value is None else text_of(value) for value in cells], pa.string())


def _midnight(value: Any) -> datetime | None:
    if isinstance(value, datetime) or value is None:
        return value
    return datetime(value.year, value.month, value.day)  # noqa: DTZ001  (local, as the sheet says it)


def text_of(value: Any) -> str:
    """A cell as text: 13800138000.0 is 13800138000."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE:
        return str(int(value))
    if isinstance(value, date | datetime):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    return shown(str(value).strip()) if isinstance(value, str) else str(value)
