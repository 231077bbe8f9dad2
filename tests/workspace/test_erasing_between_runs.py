"""Somebody is erased between two runs: carried on, in a step and anew the values of all others are the same."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from limner.types import silent
from limner.workspace import keeping, knowing
from limner.workspace.realtime import Realtime
from limner.workspace.workspace import Workspace
from tests.durability import refreshes


def values(workspace: Workspace) -> dict[str, list[object]]:
    columns = workspace.columns
    assert columns is not None
    return {
        key: [columns[key].label_at(ix) for ix in range(columns.n)]
        for key in columns.keys()  # noqa: SIM118 - not a mapping
    }


@pytest.mark.proves("B1")
def test_an_erasure_between_two_runs_changes_nobody_elses_values(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    refreshes.prepare(folder)
    now = [refreshes.TODAY]
    with Workspace.open(folder, clock=lambda: now[0]) as workspace:
        knowing.tag_run(workspace, silent)
        before = values(workspace)
        for number, way in enumerate(("carried", "step", "carried")):
            keeping.person_erase(workspace, silent, id=f"user:u{number + 1}")
            ix = next(
                i
                for i, held in enumerate(before["tier"])
                if held is not None and values(workspace)["tier"][i] is None
            )
            now[0] += timedelta(hours=5)
            if way == "step":
                assert Realtime(workspace).once() is not None
            else:
                assert knowing.tag_run(workspace, silent)["carried"] is not None
            carried = values(workspace)
            anew = knowing.tag_run(workspace, silent, full=True)
            assert anew["changes"] == 0, (way, anew)
            assert values(workspace) == carried, way
            assert all(held[ix] is None for held in carried.values()), way
            before = carried
