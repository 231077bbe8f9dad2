"""The known-answer cases of other products' test suites, re-expressed in Limner's language."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from limner.testing.cases import run
from tests.expressions.world import direct_session


@pytest.mark.datasets
@pytest.mark.skipif("LIMNER_DATASETS" not in os.environ, reason="needs LIMNER_DATASETS")
def test_every_known_answer_comes_out():
    file = Path(os.environ["LIMNER_DATASETS"]) / "cases" / "behavioural_cases.json"
    passed, failures = run(file, direct_session)
    assert not failures, "\n".join(map(str, failures))
    assert passed == 40
