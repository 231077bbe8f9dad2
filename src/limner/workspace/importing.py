"""Verbs of importing: a file is uploaded, its mapping drafted and tried on the first rows, then it is imported."""

from __future__ import annotations

import csv
import json
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import text

from limner.accounts import keys
from limner.accounts.model import LOCAL, Caller
from limner.connectors.seam import FileForm, Reader
from limner.connectors.workbook import Workbook
from limner.errors import CancelledError, InputError, LimnerError, MappingError, NotFoundError
from limner.events import imports, mapping
from limner.events.draft import draft
from limner.events.imports import Trouble
from limner.events.mapping import Mapping
from limner.events.roles import form_of, text_of
from limner.types import Json, Progress
from limner.workspace import uploads
from limner.workspace.paging import cursor_of, place_of, size_of
from limner.workspace.uploads import Upload
from limner.workspace.workspace import Workspace

COUNTERS = ("received", "stored", "duplicate", "quarantined", "rejected")
AUTO = "auto"
EARLIER = 50
"""So many earlier imports are looked through for a mapping that fits."""

CHINESE = "gb18030"
"""What a spreadsheet under Chinese Windows writes when it is not asked for UTF-8."""

_DATES_AT_THE_END = re.compile(r"[\s_\-.(]*[0-9]{2,4}[0-9\s_\-.)年月日]*$")
NO_FORM: Json = {}
_LINES = ("line", "status", "code", "where", "message", "row")


def upload_add(workspace: Workspace, upload: str) -> Json:
    """Looks at an uploaded file: its kind, its size, until when it is kept. A file that is none is dropped again."""
    uploads.sweep(workspace.paths, now=workspace.clock())
    found = uploads.find(workspace.paths, upload)
    try:
        reader = imports.opened(found.path, None, limits=workspace.config.limits)
        digest, notes = reader.digest, list(reader.notes)
        sheets = list(reader.sheets) if isinstance(reader, Workbook) else []
    except InputError as error:
        if error.code != "bad_encoding":
            uploads.drop(workspace.paths, upload)
            raise
        digest, notes, sheets = imports.digest_of(found.path, limits=workspace.config.limits), [], []
    uploads.mark(found, digest)
    return {
        "upload": upload,
        "name": found.path.name,
        "bytes": found.path.stat().st_size,
        "notes": notes,
        "sheets": sheets,
        "expires_at": found.expires_at.isoformat(),
    }


def import_guess(workspace: Workspace, upload: str, encoding: str = "", sheet: str = "") -> Json:
    """The mapping that a file's columns and first rows suggest, as text and as a form, and what the rows become."""
    found = uploads.find(workspace.paths, upload)
    reader, file = _readable(workspace, found, encoding, sheet)
    first = next(reader.blocks(), None)
    made = draft(
        reader.columns,
        first.rows if first else None,
        strong_keys=workspace.config.strong_keys,
        zone=workspace.config.zone,
        currency=workspace.config.currency,
        source=_source(found.path),
        file=file,
    )
    return {
        **_checked(workspace, found, made.text),
        "questions": made.problems,
        "held": made.columns,
        "notes": list(reader.notes),
        "sheets": list(reader.sheets) if isinstance(reader, Workbook) else [],
        "before": _imported(workspace, found.digest),
        "earlier": _earlier(workspace, reader),
    }


def import_check(workspace: Workspace, upload: str, mapping: str, form: Json = NO_FORM) -> Json:
    """What a mapping makes of a file's first rows, and what is wrong in it; a form is written into the text first."""
    found = uploads.find(workspace.paths, upload)
    if not form:
        return _checked(workspace, found, mapping)
    try:
        written = text_of(form, mapping)
    except MappingError as error:
        return _wrong(mapping, error)
    return _checked(workspace, found, written)


def _readable(workspace: Workspace, found: Upload, encoding: str, sheet: str) -> tuple[Reader, Json]:
    """(the file as a reader, what a mapping must say about how it is written)."""
    file: Json = {}
    if sheet:
        file["sheet"] = sheet
    if encoding:
        file["encoding"] = encoding
    try:
        reader = _reader(workspace, found, FileForm(encoding=encoding or None, sheet=sheet or None))
        if encoding or not _garbled(reader):
            return reader, file
    except InputError as error:
        if error.code != "bad_encoding" or encoding:
            raise
    other = _reader(workspace, found, FileForm(encoding=CHINESE, sheet=sheet or None))
    if _garbled(other):
        return _reader(workspace, found, FileForm(sheet=sheet or None)), file
    return other, {**file, "encoding": CHINESE}


def _garbled(reader: Reader) -> bool:
    first = next(reader.blocks(), None)
    return first is not None and any(item.code == "bad_encoding" for item in first.problems)


def _reader(workspace: Workspace, found: Upload, form: FileForm) -> Reader:
    return imports.read_file(found.path, form, limits=workspace.config.limits, digest=found.digest)


def _source(path: Path) -> str:
    """What a file's source is called: its name without kinds and without dates at the end."""
    stem = path.name.partition(".")[0]
    return _DATES_AT_THE_END.sub("", stem).strip() or stem


def _checked(workspace: Workspace, found: Upload, written: str) -> Json:
    config = workspace.config
    try:
        meant = mapping.parse(written, zone=config.zone)
        reader = _reader(workspace, found, meant.form)
    except LimnerError as error:
        return _wrong(written, error)
    shown = {
        "mapping": written,
        "form": form_of(meant, reader.columns, zone=config.zone),
        "columns": list(reader.columns),
    }
    try:
        tried = imports.sample(
            reader,
            meant,
            received_at=workspace.clock(),
            strong_keys=config.strong_keys,
            limits=config.limits,
            money_properties=config.money_properties,
        )
    except LimnerError as error:
        return {**_wrong(written, error), **shown}
    return {
        **shown,
        "problems": [],
        "sample": {
            "rows": tried.rows,
            "whole": tried.whole,
            "fits": tried.fits,
            "reasons": tried.reasons,
            "shown": [_row(row) for row in tried.shown],
        },
    }


def _row(row: Json) -> Json:
    """A row of the preview, with every key."""
    empty: Json = {
        "event": None, "at": None, "person": {}, "properties": {}, "attributes": {}, "code": None, "message": None,
    }  # fmt: skip
    return {**empty, **row}


def _wrong(written: str, error: LimnerError) -> Json:
    parts = (error.where or "").split(":")
    numbers = [int(part) for part in parts[-2:] if part.isdigit()]
    line, column = numbers if len(numbers) == 2 else (1, 1)
    problem = {
        "line": line, "column": column, "message": error.message, "hint": error.hint, "code": error.code,
    }  # fmt: skip
    return {"mapping": written, "form": None, "columns": [], "problems": [problem], "sample": None}


def _earlier(workspace: Workspace, reader: Reader) -> Json | None:
    """The latest import whose mapping fits this file, so that a monthly file is mapped once."""
    with workspace.records.read() as connection:
        rows = connection.execute(
            text(
                "SELECT id, name, at, mapping FROM imports WHERE mapping <> '' AND status = 'done'"
                " ORDER BY at DESC, id DESC LIMIT :most"
            ),
            {"most": EARLIER},
        ).all()
    for row in rows:
        try:
            meant = mapping.parse(row.mapping, zone=workspace.config.zone)
            meant.allow(workspace.config.strong_keys)
            meant.fit(reader.columns)
        except MappingError:
            continue
        return {
            "id": row.id,
            "file": row.name,
            "at": keys.instant(row.at).isoformat(),
            "mapping": row.mapping,
        }
    return None


def import_file(
    workspace: Workspace, progress: Progress, file: str, map: str, caller: Caller = LOCAL
) -> Json:
    """Every row of a file as an event; received = stored + duplicate + quarantined + rejected."""
    path = Path(file)
    written = AUTO if map == AUTO else _text(Path(map))
    return _Import(workspace, path, written, named=map, by=caller.name).run(progress)


def import_upload(
    workspace: Workspace,
    progress: Progress,
    upload: str,
    mapping: str = AUTO,
    name: str = "",
    caller: Caller = LOCAL,
) -> Json:
    """Every row of an uploaded file as an event; received = stored + duplicate + quarantined + rejected."""
    found = uploads.find(workspace.paths, upload)
    made = _Import(
        workspace, found.path, mapping, name=name, upload=upload, digest=found.digest, by=caller.name
    )
    return made.run(progress)


@dataclass
class _Import:
    """One import as it goes. `named`: where its mapping stands, for errors; `name`: what the file is called."""

    workspace: Workspace
    path: Path
    written: str
    named: str = "mapping"
    name: str = ""
    upload: str = ""
    digest: str = ""
    by: str = ""

    def run(self, progress: Progress) -> Json:
        """The report; it stays in the history, also when the import fails or is stopped on its way."""
        workspace = self.workspace
        config, now = workspace.config, workspace.clock()
        if self.written == AUTO:
            reader = imports.opened(self.path, None, limits=config.limits, digest=self.digest)
            chosen = imports.guessed(reader, strong_keys=config.strong_keys)
        else:
            chosen = mapping.parse(self.written, name=self.named, zone=config.zone)
        reader = imports.opened(self.path, chosen, limits=config.limits, digest=self.digest)
        chosen.allow(config.strong_keys)
        chosen.fit(reader.columns)
        source = keys.ensure_source(
            workspace.records, chosen.source or self.path.stem, kind="import", now=now
        )
        before = _imported(workspace, reader.digest)
        said = () if before is None else (f"already imported at {before['at']}",)
        report = imports.Report(notes=(*reader.notes, *said))
        job = self._begin(reader, source.source_i, chosen, now)
        status = "failed"
        try:
            with (
                workspace.runs.run("import", self._called) as detail,
                BadLines(lines_path(workspace, job)) as bad,
            ):
                for chunk in imports.prepare(
                    reader,
                    chosen,
                    source_i=source.source_i,
                    received_at=now,
                    strong_keys=config.strong_keys,
                    limits=config.limits,
                    money_properties=config.money_properties,
                    progress=progress,
                ):
                    stored, duplicate = workspace.load_sealed(chunk.table, chunk.batch)
                    report = report.with_chunk(chunk, stored=stored, duplicate=duplicate)
                    bad.add(chunk.troubles)
                    progress("import", *reader.done())
                detail.update({name: report.to_json()[name] for name in COUNTERS})
            status = "done"
        except CancelledError:
            status = "cancelled"
            raise
        finally:
            answer = report.to_json()
            self._end(job, status, answer)
        return {
            **answer,
            "id": job,
            "file": self._called,
            "digest": reader.digest,
            "source": source.name,
        }

    @property
    def _called(self) -> str:
        return uploads.plain(self.name) if self.name else self.path.name

    def _begin(self, reader: Reader, source_i: int, chosen: Mapping, now: datetime) -> str:
        job = uuid.uuid4().hex
        with self.workspace.records.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO imports (id, digest, name, source_i, at, status, by, mapping, upload, report)"
                    " VALUES (:id, :digest, :name, :source_i, :at, 'running', :by, :mapping, :upload, :report)"
                ),
                {
                    "id": job,
                    "digest": reader.digest,
                    "name": self._called,
                    "source_i": source_i,
                    "at": keys.micros(now),
                    "by": self.by,
                    "mapping": chosen.text,
                    "upload": self.upload,
                    "report": json.dumps(imports.Report().to_json()),
                },
            )
        return job

    def _end(self, job: str, status: str, answer: Json) -> None:
        with self.workspace.records.begin() as connection:
            connection.execute(
                text("UPDATE imports SET status = :status, ended_at = :now, report = :report WHERE id = :id"),
                {
                    "id": job,
                    "status": status,
                    "now": keys.micros(self.workspace.clock()),
                    "report": json.dumps(answer, ensure_ascii=False),
                },
            )


class BadLines:
    """The rows that were not taken, as a CSV beside the exports: made with the first of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def __enter__(self) -> BadLines:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, troubles: Iterable[Trouble]) -> None:
        """Writes what became of these rows, and why."""
        for item in troubles:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("w", newline="", encoding="utf-8-sig")
                csv.writer(self._file).writerow(_LINES)
            csv.writer(self._file).writerow(
                [item.line, item.status, item.code, item.path, item.message, _safe(item.raw)]
            )


def _safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def lines_path(workspace: Workspace, id: str) -> Path:
    """Where an import's bad lines stand: among the exports, so that erasing a person finds them."""
    return workspace.paths.exports / "imports" / f"{id}.csv"


def import_list(workspace: Workspace, limit: int = 50, cursor: str = "") -> Json:
    """The imports, the latest first, each with its report."""
    values: dict[str, Any] = {"limit": size_of(limit) + 1}
    after = ""
    if cursor:
        values["at"], values["id"] = place_of(cursor, 2)
        after = " WHERE (at, id) < (:at, :id)"
    with workspace.records.read() as connection:
        rows = (
            connection.execute(
                text(f"SELECT * FROM imports{after} ORDER BY at DESC, id DESC LIMIT :limit"), values
            )
            .mappings()
            .all()
        )
    names = {source.source_i: source.name for source in keys.sources(workspace.records)}
    shown = rows[:limit]
    return {
        "imports": [_history(workspace, row, names) for row in shown],
        "next": cursor_of(shown[-1]["at"], shown[-1]["id"]) if len(rows) > limit else None,
    }


def import_show(workspace: Workspace, id: str) -> Json:
    """One import with its mapping and its report."""
    with workspace.records.read() as connection:
        row = connection.execute(text("SELECT * FROM imports WHERE id = :id"), {"id": id}).mappings().first()
    if row is None:
        raise NotFoundError(f"there is no import '{id}'")
    names = {source.source_i: source.name for source in keys.sources(workspace.records)}
    return _history(workspace, row, names)


def import_lines(workspace: Workspace, id: str) -> Json:
    """Where the rows that an import did not take stand as CSV, and how many they are."""
    shown = import_show(workspace, id)
    path = lines_path(workspace, id)
    if not path.is_file():
        raise NotFoundError(
            "there are no lines of this import", hint="every row was taken, or the lines were erased"
        )
    return {"path": str(path), "file": shown["file"], "lines": shown["bad"]}


def _history(workspace: Workspace, row: Any, names: dict[int, str]) -> Json:
    report = json.loads(row["report"])
    upload: str | None = row["upload"] or None
    if upload is not None:
        try:
            uploads.find(workspace.paths, upload)
        except NotFoundError:
            upload = None
    return {
        "id": row["id"],
        "file": row["name"],
        "source": names.get(row["source_i"], ""),
        "status": row["status"],
        "at": keys.instant(row["at"]).isoformat(),
        "ended_at": None if row["ended_at"] is None else keys.instant(row["ended_at"]).isoformat(),
        "by": row["by"],
        "mapping": row["mapping"],
        "upload": upload,
        "digest": row["digest"],
        "bad": report["quarantined"] + report["rejected"],
        "lines_kept": lines_path(workspace, row["id"]).is_file(),
        "report": report,
    }


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"there is no mapping file {path}", code="not_found", status=404) from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text") from error


def _imported(workspace: Workspace, digest: str) -> Json | None:
    """When the very same file was imported to its end, and what then; None when it was not."""
    with workspace.records.read() as connection:
        row = connection.execute(
            text(
                "SELECT at, name, report FROM imports WHERE digest = :digest AND status = 'done'"
                " ORDER BY at LIMIT 1"
            ),
            {"digest": digest},
        ).first()
    if row is None:
        return None
    return {
        "at": keys.instant(row.at).isoformat(timespec="seconds"),
        "file": row.name,
        "stored": json.loads(row.report)["stored"],
    }
