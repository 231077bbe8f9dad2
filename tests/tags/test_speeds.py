"""A thousand definitions and histories, and more: anew, carried on and in steps every value is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tags.speeds import compared


@pytest.mark.proves("B1")
@pytest.mark.proves("G11")
@pytest.mark.parametrize("seed", [1, 2])
def test_thousands_of_definitions_and_histories_are_equal_at_three_speeds(
    tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """`benchmarks.three_speeds` compares tens of thousands of pairs in the same way."""
    found = compared(seed, tmp_path, tags=24, people=100, days=2)
    with capsys.disabled():
        print(f" {found.pairs} pairs of a definition and a history, {found.values} values", end=" ")
    assert found.pairs >= 2_000
    assert (found.steps, found.carried) == (4, 2)
