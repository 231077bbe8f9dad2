"""One file that holds a whole workspace, and its way back. Damaged files are refused before anything is written."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from limner import __version__
from limner.config import FILE
from limner.errors import ConflictError, DamagedError, NotFoundError
from limner.types import Json, Progress
from limner.workspace.files import BESIDES, DEFINITIONS, Paths

MANIFEST = "manifest.json"
FORMAT = 1
BLOCK = 1 << 20


def write(target: Path, files: list[tuple[str, Path, int]], *, at: datetime, progress: Progress) -> Json:
    """A backup at `target` of (name, file, length) triples; a file that grows is cut at its length.

    Written beside the target, flushed, then renamed: a backup is there whole or not at all.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    members: dict[str, Any] = {}
    total = sum(length for _, _, length in files)
    done = 0
    with part.open("wb") as raw, tarfile.open(fileobj=raw, mode="w") as archive:
        for name, path, length in files:
            digest = hashlib.sha256()
            with path.open("rb") as reader:
                info = tarfile.TarInfo(name)
                info.size = length
                archive.addfile(info, _Counted(reader, length, digest))
            members[name] = {"bytes": length, "sha256": digest.hexdigest()}
            done += length
            progress("backup", done, total)
        body = json.dumps(
            {"format": FORMAT, "version": __version__, "at": at.isoformat(), "files": members}, indent=1
        ).encode()
        sealed = json.dumps({"sha256": hashlib.sha256(body).hexdigest()}).encode()
        for name, content in ((MANIFEST, body), (MANIFEST + ".sha256", sealed)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    with part.open("rb") as whole:
        os.fsync(whole.fileno())
    part.replace(target)
    return {"path": str(target), "files": len(members), "bytes": total, "at": at.isoformat()}


class _Counted(io.RawIOBase):
    """The first `length` bytes of a file, hashed as they are read."""

    def __init__(self, reader: IO[bytes], length: int, digest: Any) -> None:
        self._reader = reader
        self._left = length
        self._digest = digest

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        block = self._reader.read(wanted)
        self._left -= len(block)
        self._digest.update(block)
        return block


def restore(source: Path, folder: Path, progress: Progress) -> Json:
    """The backup's workspace in `folder`, which must not exist or be empty.

    Every checksum is verified first. Raises NotFoundError, ConflictError, DamagedError.
    """
    if not source.is_file():
        raise NotFoundError(f"there is no backup {source}")
    if folder.exists() and any(folder.iterdir()):
        raise ConflictError(f"{folder} is not empty", hint="restore into a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".restoring-") as beside:
        made = Path(beside) / "workspace"
        made.mkdir()
        manifest = _extract(source, made, progress)
        for name in (*DEFINITIONS, "data"):
            (made / name).mkdir(exist_ok=True)
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
    return {"path": str(folder), "files": len(manifest["files"]), "at": manifest["at"]}


def _extract(source: Path, made: Path, progress: Progress) -> Any:
    found: dict[str, tuple[int, str]] = {}
    manifest_body = seal = b""
    try:
        with tarfile.open(source, mode="r:") as archive:
            for member in archive:
                reader = archive.extractfile(member)
                if reader is None or not member.isreg():
                    raise DamagedError(f"unexpected entry '{member.name}'", where=str(source))
                if member.name == MANIFEST:
                    manifest_body = reader.read()
                elif member.name == MANIFEST + ".sha256":
                    seal = reader.read()
                else:
                    found[member.name] = _copy(reader, _inside(made, member.name, source))
                    progress("restore", len(found), 0)
        manifest = json.loads(manifest_body)
        sealed = json.loads(seal)["sha256"]
        files = manifest["files"]
    except (tarfile.TarError, ValueError, KeyError, EOFError, OSError, TypeError) as error:
        raise DamagedError(
            f"the backup cannot be read: {error}", where=str(source), hint="take another backup file"
        ) from error
    if hashlib.sha256(manifest_body).hexdigest() != sealed:
        raise DamagedError("the backup's list of files does not match its checksum", where=str(source))
    for name, expected in files.items():
        if found.get(name) != (expected["bytes"], expected["sha256"]):
            raise DamagedError(
                f"'{name}' in the backup does not match its checksum",
                where=str(source),
                hint="nothing was restored; take another backup file",
            )
    if set(found) != set(files):
        raise DamagedError("the backup holds files that it does not list", where=str(source))
    return manifest


def _inside(made: Path, name: str, source: Path) -> Path:
    target = (made / name).resolve()
    if made.resolve() not in target.parents:
        raise DamagedError(f"'{name}' leads out of the folder", where=str(source))
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _copy(reader: IO[bytes], target: Path) -> tuple[int, str]:
    digest = hashlib.sha256()
    length = 0
    with target.open("wb") as writer:
        while block := reader.read(BLOCK):
            digest.update(block)
            length += len(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    return length, digest.hexdigest()


def definitions(paths: Paths) -> Iterator[tuple[str, Path, int]]:
    """The workspace's definition files as members of a backup."""
    yield FILE, paths.folder / FILE, (paths.folder / FILE).stat().st_size
    for kind in (*DEFINITIONS, *BESIDES):
        for path in sorted((paths.folder / kind).rglob("*")):
            if path.is_file():
                yield str(path.relative_to(paths.folder)), path, path.stat().st_size


def copied(source: Path, folder: Path) -> Path:
    """A private copy of a file that others go on writing."""
    target = folder / source.name
    shutil.copyfile(source, target)
    return target
