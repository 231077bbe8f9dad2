"""The known-answer cases of other products' test suites, re-expressed in Limner's language."""

from __future__ import annotations

import pytest

from limner.testing.cases import run
from tests.expressions.world import direct_session


@pytest.mark.datasets
@pytest.mark.proves("A1")
def test_every_known_answer_comes_out(datasets, capsys):
    passed, failed = run(datasets / "cases" / "behavioural_cases.json", direct_session)
    assert (passed, failed) == (40, 0), capsys.readouterr().out
