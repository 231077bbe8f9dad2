"""Whatever befalls a refresh, everybody reads yesterday's tags or all of today's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from limner.columns import epochs, sweep
from limner.tags import publish
from limner.types import silent
from limner.workspace import knowing
from limner.workspace.realtime import Realtime
from limner.workspace.workspace import Workspace
from tests.durability import refreshes
from tests.durability.refreshes import FAILURES, KINDS
from tests.workspace.worlds import NOW


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refreshes") / "shop"
    refreshes.prepare(folder)
    return folder


@pytest.mark.proves("G10")
@pytest.mark.parametrize("kind", KINDS)
def test_a_refresh_that_fails_leaves_yesterday_or_is_complete(shop: Path, tmp_path: Path, kind: str) -> None:
    """One point drawn for each failure; `benchmarks.refresh_kills` draws ten for each."""
    known = refreshes.reference(shop, kind, tmp_path)
    found = [
        refreshes.trial(shop, kind, failure, known=known, seed=seed, scratch=tmp_path)
        for seed, failure in enumerate(FAILURES)
    ]
    assert not [outcome for outcome in found if not outcome.sound]


@contextmanager
def undone(workspace: Workspace) -> Iterator[None]:
    """What is done inside the block does not commit."""
    with suppress(ZeroDivisionError), workspace.engine.write():
        yield
        raise ZeroDivisionError


def test_columns_of_a_run_that_never_counted_are_not_taken_for_those_of_a_step(
    shop: Path, tmp_path: Path
) -> None:
    """A run wrote its columns and did not commit; the step after it has the same number and writes no columns."""
    folder = refreshes.copied(shop, tmp_path)
    with refreshes.opened(folder) as workspace:
        current = publish.current(workspace.engine)
        assert current is not None
        with undone(workspace):
            knowing.tag_run(workspace, silent, as_of=(NOW + timedelta(hours=4)).isoformat())
        assert max(epochs(workspace.paths.columns)) == current.epoch + 1
        report = Realtime(workspace).once()
        assert report is not None
        assert report.epoch == current.epoch + 1
        stepped = refreshes.checksum(workspace)
    assert refreshes.read(folder) == stepped


def test_a_step_that_did_not_commit_is_not_taken_for_the_run_after_it(shop: Path, tmp_path: Path) -> None:
    folder = refreshes.copied(shop, tmp_path)
    with refreshes.opened(folder) as workspace:
        with undone(workspace):
            assert Realtime(workspace).once() is not None
        knowing.tag_run(workspace, silent)
        assert workspace.columns is not None
        assert workspace.columns.folder is not None


def test_what_was_half_written_goes_when_the_workspace_opens(shop: Path, tmp_path: Path) -> None:
    folder = refreshes.copied(shop, tmp_path)
    columns = folder / "data" / "columns"
    there = epochs(columns)
    (columns / f"{there[-1] + 1}").mkdir()
    (columns / f"{there[-1] + 2}.tmp").mkdir()
    (columns / f"{there[-1] + 2}.tmp" / "orders.codes.npy").write_bytes(b"half")
    with refreshes.opened(folder) as workspace:
        assert epochs(columns) == there
        assert not list(columns.glob("*.tmp"))
        assert sweep(workspace.paths.columns, current=there[-1]) == 0
