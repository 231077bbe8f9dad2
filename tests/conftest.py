"""What all tests share: where real data sets are, and what happens when something is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own in it
ROOM = 6 << 30


def pytest_configure(config: pytest.Config) -> None:
    """Where there is room, the tests' folders stand in memory: on a disk most of their time is waiting for it."""
    chosen = config.option.basetemp or os.environ.get("PYTEST_DEBUG_TEMPROOT")
    if not chosen and IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free >= ROOM:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(IN_MEMORY)


@pytest.fixture(scope="session")
def datasets() -> Path:
    """The folder of real data sets. Without it the test is skipped and counted."""
    folder = os.environ.get("LIMNER_DATASETS", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real data sets: set LIMNER_DATASETS to their folder")
    return Path(folder)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this run see."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Bytes are named by their length: what a compressor writes may hold the time of day."""
    return f"{argname}-{len(val)}B" if isinstance(val, bytes) else None


def needs(program: str) -> None:
    """Skips the test where a system program is missing; under CI that is a failure."""
    if shutil.which(program) is None:
        missing(f"{program} is missing; install it with: make system-packages")


def missing(message: str) -> None:
    """Skips the test, or fails it under CI."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def pytest_report_header() -> str:
    folder = os.environ.get("LIMNER_DATASETS", "")
    return f"real data sets: {folder or 'not here (LIMNER_DATASETS is not set)'}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if "real data sets" in str(r.longrepr)]
    terminalreporter.write_line(f"{len(skipped)} tests skipped for want of real data sets")
