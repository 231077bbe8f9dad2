"""Files that were uploaded and wait to be imported: each in a folder of its own, for a day.

An upload's id begins with the instant at which it came, so what is too old is told without opening anything.
"""

from __future__ import annotations

import re
import shutil
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from limner.errors import NotFoundError
from limner.workspace.files import Paths

KEPT = timedelta(hours=24)
"""So long an upload can be imported."""

_ID = re.compile(r"([0-9]{8}T[0-9]{6})Z-[0-9a-f]{12}")
_STAMP = "%Y%m%dT%H%M%S"
_DIGEST = ".digest"
_LONGEST = 120


@dataclass(frozen=True)
class Upload:
    """One uploaded file. `digest` is empty until the file was looked at."""

    id: str
    path: Path
    digest: str

    @property
    def expires_at(self) -> datetime:
        """When it is dropped."""
        return _instant(self.id) + KEPT


def place(paths: Paths, name: str, *, now: datetime) -> tuple[str, Path]:
    """(the id of a new upload, where its bytes are to be written)."""
    upload = f"{now.astimezone(UTC).strftime(_STAMP)}Z-{uuid.uuid4().hex[:12]}"
    folder = paths.uploads / upload
    folder.mkdir(parents=True)
    return upload, folder / plain(name)


def plain(name: str) -> str:
    """A file's name without folders, control characters and a leading dot; what tells its kind stays."""
    last = name.replace("\\", "/").rpartition("/")[2]
    last = re.sub(r'[\x00-\x1f\x7f<>:"|?*]', "", last).strip(" .")
    if len(last.encode()) > _LONGEST:
        stem, dot, kinds = last.partition(".")
        kinds = kinds[-20:]
        room = _LONGEST - len(dot + kinds)
        last = stem.encode()[:room].decode("utf-8", "ignore") + dot + kinds
    return last or "upload.csv"


def find(paths: Paths, upload: str) -> Upload:
    """The upload. Raises NotFoundError when it is not, or no more, there."""
    folder = paths.uploads / upload
    there = _ID.fullmatch(upload) is not None and folder.is_dir()
    files = [path for path in folder.iterdir() if path.name != _DIGEST] if there else []
    if not files:
        raise NotFoundError(
            "this upload is not there", hint="uploads are kept for 24 hours: send the file again"
        )
    mark = folder / _DIGEST
    return Upload(upload, files[0], mark.read_text(encoding="ascii") if mark.exists() else "")


def mark(found: Upload, digest: str) -> Upload:
    """The upload with its digest, which is kept beside it."""
    (found.path.parent / _DIGEST).write_text(digest, encoding="ascii")
    return Upload(found.id, found.path, digest)


def drop(paths: Paths, upload: str) -> None:
    """The upload is gone, also when it was not there."""
    if _ID.fullmatch(upload):
        shutil.rmtree(paths.uploads / upload, ignore_errors=True)


def sweep(paths: Paths, *, now: datetime) -> int:
    """Drops what is too old; the answer is how many uploads that were."""
    old = [item.name for item in _all(paths) if _instant(item.name) + KEPT <= now]
    for upload in old:
        drop(paths, upload)
    return len(old)


def drop_all(paths: Paths) -> int:
    """Drops every upload; the answer is how many there were."""
    found = [item.name for item in _all(paths)]
    for upload in found:
        drop(paths, upload)
    return len(found)


def _all(paths: Paths) -> list[Path]:
    if not paths.uploads.is_dir():
        return []
    return sorted(item for item in paths.uploads.iterdir() if _ID.fullmatch(item.name))


def _instant(upload: str) -> datetime:
    return datetime.strptime(upload.partition("Z")[0], _STAMP).replace(tzinfo=UTC)
