"""Backups: whole, verified, refused when damaged."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from limner.errors import ConflictError, DamagedError, NotFoundError
from limner.types import silent
from limner.workspace.backup import restore, write

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    growing = tmp_path / "000001.log"
    growing.write_bytes(b"0123456789")
    toml = tmp_path / "limner.toml"
    toml.write_text('name = "shop"\n')
    target = tmp_path / "saved.tar"
    write(
        target,
        [("limner.toml", toml, toml.stat().st_size), ("data/log/000001.log", growing, 6)],
        at=AT,
        progress=silent,
    )
    return target


def test_a_restored_backup_has_every_byte_up_to_its_moment(saved: Path, tmp_path: Path) -> None:
    restore(saved, tmp_path / "new", silent)
    assert (tmp_path / "new/data/log/000001.log").read_bytes() == b"012345"
    assert (tmp_path / "new/limner.toml").read_text() == 'name = "shop"\n'
    assert (tmp_path / "new/tags").is_dir()


@pytest.mark.parametrize("place", [600, 1100, 1700, 2100, 2600])
def test_a_flipped_bit_is_refused_and_nothing_is_written(saved: Path, tmp_path: Path, place: int) -> None:
    content = bytearray(saved.read_bytes())
    while content[place] == 0:
        place += 1
    content[place] ^= 1
    saved.write_bytes(content)
    with pytest.raises(DamagedError):
        restore(saved, tmp_path / "new", silent)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kept", [0, 100, 1024, 2500])
def test_a_cut_backup_is_refused(saved: Path, tmp_path: Path, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(DamagedError):
        restore(saved, tmp_path / "new", silent)
    assert not (tmp_path / "new").exists()


def test_a_backup_never_replaces_a_folder_with_content(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(ConflictError):
        restore(saved, tmp_path, silent)


def test_a_missing_backup_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        restore(tmp_path / "none.tar", tmp_path / "new", silent)
