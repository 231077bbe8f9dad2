"""Workspaces for tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workspace.worlds import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "shop")
    yield made
    made.close()
